"""Reproductions of W. Liu et al., Learning towards Minimum Hyperspherical Energy, 2018.

The paper's networks are convolutional and its data photographs; here they are small perceptrons and the packaged 8 × 8 digits, as
every result says. So its statements are tested, not its figures, and beside ours stand those of a pilot of twelve seeds that was
run before, in the same setting.

Reading order
    thomson          the minima themselves: electrons on a sphere, and the trap for 42 of them
    chord_angular    distances and angles have different minima
    training         what the rest share: digits, a perceptron, descent with momentum, with and without the energy
    energy_curve     what the energies of the layers do in training
    new_data         what the energy does to the error on new data
    width            whether narrow networks gain more
    half_full        whether half space is better than full space
    imbalance        where the classifier of a rare class comes to stand
"""

from refimpl.experiments.hyperspherical_energy.thomson import draw_sphere

__all__ = ["draw_sphere"]
