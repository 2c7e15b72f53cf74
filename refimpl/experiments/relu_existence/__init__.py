"""Reproductions on the existence of optimal shallow ReLU networks: S. Dereich and S. Kassing, arXiv:2303.03950, 2023.

Its statements have no tables. Beside ours stand laws that are derived here and figures of a pilot, computed when they were derived;
neither is the paper's. Of the literature only abstracts are quoted.

Reading order
    ramps             what two neurons gain over the jump that they tend to
    budget            the least loss for a norm: who comes to rest
    divergence        descent that runs away, and descent that does not
    trainers          trained networks beside the optimum
    counterexamples   what happens without each hypothesis
    collision         the limits in reduced coordinates: neurons that collide, and repulsion
    outcome           what their tables and pictures have in common
"""
