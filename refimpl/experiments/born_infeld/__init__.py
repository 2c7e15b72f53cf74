"""Reproductions of G. B. De Luca and E. Silverstein, Born-Infeld (BI) for AI: Energy-Conserving Descent, 2022.

Beside ours stand figures of the authors' released notebooks and result files, marked *released*; the paper's own tables were not at
hand. Photographs and convolutional networks are replaced by what fits a processor, as every result says.

Reading order
    problems         the functions that are descended on, with their gradients
    energy           what each integrator does to the conserved energy, to volumes in phase space, and when time is reversed
    zakharov         a narrow valley in ten dimensions; how finely the step must be tuned
    ackley           escaping from local minima by bounces
    multibasin       two minima of equal depth: the flat one is entered more often
    shallow_valley   the zig-zag of descent, and how the number of steps grows with the condition
    measure          where a long trajectory spends its time
    spheres          points on spheres, by motion on the spheres
    digits           a classifier, against momentum and Adam
    pde              a network that solves an elliptic equation
    outcome          what their tables and files have in common
"""
