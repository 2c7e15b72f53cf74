"""The reduced space as a space to move in, for Born-Infeld dynamics: w on spheres, b between walls that reflect, c free."""

from __future__ import annotations

import numpy as np

from refimpl.manifolds.motion import Space, box, free, product, spheres
from refimpl.papers.reduced_space.training.layout import Radius, hidden_layers
from refimpl.params import Unravel


def reduced_motion(unravel: Unravel, radius: Radius | None) -> Space:
    """Great circles for every neuron, straight lines for all else, folded at the walls of the thresholds.

    In one dimension weights are signs, which do not move and have no momentum; likewise thresholds at radius 0.

    Parameters
    ----------
    unravel, radius : as for `riemannian_descent`

    Returns
    -------
    Space
        `start(objective, theta, space=...)` and the integrators take it. Circles and walls keep |π|, and so
        the energy.

    Raises
    ------
    TypeError, ValueError
        As `riemannian_descent`.
    """
    pieces: list[tuple[int, Space]] = []
    at = 0
    for W, b, _, X in hidden_layers(unravel, radius):
        m, d = W.shape
        if m == 0:
            continue
        wall = np.full(m, X)
        between = free() if X is None else still(0.0) if X == 0 else box(-wall, wall)
        for places, space in ((W, still(1.0) if d == 1 else spheres(m, d)), (b, between)):
            start = int(places.flat[0])
            pieces += [(start - at, free())] * (start > at) + [(places.size, space)]
            at = start + places.size
    return product(*pieces, *[(unravel.size - at, free())] * (unravel.size > at))


def still(size: float) -> Space:
    """Numbers of one absolute value that stay what they are: what is tangent is 0."""

    def check(theta):
        if not (np.abs(theta) == size).all():
            raise ValueError(f"theta: expected entries of absolute value {size:g} there, got {theta}")

    return Space(lambda theta, pi, a: (theta, np.zeros_like(pi)), lambda theta, v: np.zeros_like(v), check)
