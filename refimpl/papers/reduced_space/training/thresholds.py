"""Keeping a threshold in [−X, X]: by reflection at the walls, or as X tanh s. Clipping needs no function of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from refimpl.doors import finite, floats
from refimpl.nn.activations import tanh_backward, tanh_forward
from refimpl.optim.first_order import between


def fold(b: ArrayLike, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """Reflect thresholds that left [−X, X], as often as it takes.

        k = ⌈(|b| − X)/(2X)⌉ reflections,   b ← (−1)^k (b − 2X k sign b),   velocities ← (−1)^k velocities

    Parameters
    ----------
    b : array_like, finite, any shape
    radius : finite number X >= 0; 0 leaves b = 0

    Returns
    -------
    b : ndarray in [−X, X]; as it was where it was inside, borders included
    sign : ndarray of its shape, (−1)^k: what becomes of a velocity

    Raises
    ------
    TypeError, ValueError
        If b is not finite, or the radius not as above.

    Notes
    -----
    Derived; the same as |((b − X) mod 4X) − 2X| − X. Holomorphic off the walls. Rounding units of b, not of X, are lost.
    """
    return folded(finite("b", floats("b", b, smooth=True)), between("radius", radius, 0, np.inf, closed=True))


def folded(b, X):
    """The above without its door."""
    if X == 0:
        return 0 * b, np.ones_like(b.real)
    with np.errstate(invalid="ignore"):  # an infinite threshold becomes NaN
        k = np.maximum(np.ceil((np.abs(b.real) - X) / (2 * X)), 0)
        sign = 1 - 2 * (k % 2)
        b = sign * (b - 2 * X * k * np.sign(b.real))
        return b - (b.real - np.clip(b.real, -X, X)), sign  # rounding can lead out again


def squash(s: ArrayLike, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """b = X tanh s, and its slope db/ds = X/cosh²s.

    s : any shape; radius : finite number X >= 0. |b| = X is reached only by rounding, for |s| > 18. The slope keeps its digits
    where X(1 − tanh²s) is 0. Holomorphic. TypeError or ValueError for other arguments.
    """
    s, X = floats("s", s, smooth=True), between("radius", radius, 0, np.inf, closed=True)
    return X * tanh_forward(s)[0], tanh_backward(np.full(s.shape, X, s.real.dtype), s)


def unsquash(b: ArrayLike, radius: float) -> np.ndarray:
    """s = artanh(b/X), from which squash makes b.  |b| < X: the walls themselves have none; ValueError otherwise."""
    b, X = floats("b", b, smooth=True), between("radius", radius, 0, np.inf)
    beyond: Any = ~(np.abs(b.real) < X)
    if beyond.any():
        raise ValueError(f"b: expected thresholds inside (-{X:g}, {X:g}), because X tanh s never is at a wall, got {b[beyond][0]}")
    return np.arctanh(b / X)
