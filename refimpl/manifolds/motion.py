"""Spaces that something moves in: all of ℝ^p, a box with walls, products of unit spheres, and products of these.

A space is what an integrator has to know of it: how a free particle moves, and what is tangent. Momenta have the shape of theta.
Theta may have leading axes, one point a row; a then has shape (rows, 1).

    symbol    here       shape    meaning
    θ         theta      (p,)     position
    π         pi         (p,)     momentum, tangent at θ
    a                             duration of the free motion, velocity π: in units of θ per unit of π

Reading order: Space, the line, the box, the spheres, products. All but Space's fields are functions that make one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from refimpl.doors import floats, whole
from refimpl.manifolds import sphere

__all__ = ["Space", "box", "free", "product", "spheres"]


class Space(NamedTuple):
    """drift(theta, pi, a) -> (theta, pi): where free motion leads in the time a; |π| does not change.

    tangent(theta, v) -> v: the part of v that is tangent at theta.  check(theta): ValueError unless theta is a point of the space.
    """

    drift: Callable[[np.ndarray, np.ndarray, float], tuple[np.ndarray, np.ndarray]]
    tangent: Callable[[np.ndarray, np.ndarray], np.ndarray]
    check: Callable[[np.ndarray], None]


def free() -> Space:
    """ℝ^p: straight lines."""
    return Space(lambda theta, pi, a: (theta + a * pi, pi), lambda theta, v: v, lambda theta: None)


def box(low: ArrayLike, high: ArrayLike) -> Space:
    """The box low <= θ <= high with walls that reflect: straight lines, folded.

    In units of the box, y = (θ − low)/(high − low) runs on as if there were no walls, and is read back as in a row of mirrors:
    after k = ⌊y⌋ reflections the position is y − k, or 1 − (y − k) with π reversed where k is odd.

    Parameters
    ----------
    low, high : array_like, shape (p,), low < high
        ∓inf where there is no wall.

    Raises
    ------
    ValueError
        If shapes differ, a bound is NaN, or low >= high somewhere.
    """
    low, high = floats("low", low, (None,)).astype(float), floats("high", high, (None,)).astype(float)
    if low.shape != high.shape or not (low < high).all():
        raise ValueError(f"high: expected shape {low.shape} and low < high everywhere, got low {low}, high {high}")
    both = np.isfinite(low) & np.isfinite(high)
    start = np.where(np.isfinite(low), low, np.where(np.isfinite(high), high, 0.0))  # of two walls the lower one, or the only one
    width = np.where(both, high - np.where(both, low, 0), 1.0)

    def drift(theta, pi, a):
        there = theta + a * pi
        y = (there - start) / width
        k = np.where((low <= there) & (there <= high), 0.0, np.where(both, np.floor(y), 1.0))
        odd = k % 2 == 1
        inside = start + width * np.where(odd, np.where(both, 1 - (y - k), -y), y - k)
        folded = np.where(k == 0, there, np.clip(inside, low, high))  # start + width can leave the box by a rounding
        return folded.astype(theta.dtype, copy=False), np.where(odd, -pi, pi)

    def check(theta):
        if theta.shape != low.shape:
            raise ValueError(f"theta: expected shape {low.shape} as the walls have, got {theta.shape}")
        if not ((low <= theta) & (theta <= high)).all():
            i = int(np.argmin((low <= theta) & (theta <= high)))
            at = f"{theta[i]} at index {i}, outside [{low[i]}, {high[i]}]"
            raise ValueError(f"theta: expected entries between the walls, got {at}")

    return Space(drift, lambda theta, v: v, check)


def spheres(m: int, d: int) -> Space:
    """m points on S^{d−1}, θ their coordinates (m, d) one after the other: each moves on its great circle.

    With r = |π_i|:  x_i cos(a r) + (π_i/r) sin(a r),  π_i cos(a r) − x_i r sin(a r), so that every |π_i| is conserved.
    """
    m, d = whole("m", m, 1), whole("d", d, 2)

    def rows(theta):
        return theta.reshape(*theta.shape[:-1], m, d)

    def drift(theta, pi, a):
        x, v, a = rows(theta), rows(pi), a if np.ndim(a) == 0 else np.expand_dims(a, -1)
        r = np.sqrt(np.sum(v * v, axis=-1, keepdims=True))
        cos, sin = np.cos(a * r), np.sin(a * r)
        x, v = x * cos + v / np.where(r == 0, 1, r) * sin, v * cos - x * (r * sin)
        x = x / np.sqrt(np.sum(x * x, axis=-1, keepdims=True))  # rounding takes from unit length and tangency
        return x.reshape(theta.shape), sphere.off(x, v).reshape(theta.shape)

    def tangent(theta, v):
        return sphere.off(rows(theta), rows(v)).reshape(theta.shape)

    def check(theta):
        if theta.shape != (m * d,):
            raise ValueError(f"theta: expected shape ({m * d},), {m} points of {d} coordinates, got {theta.shape}")
        sphere.on_sphere("theta", theta.reshape(m, d))

    return Space(drift, tangent, check)


def product(*spaces: tuple[int, Space]) -> Space:
    """Several spaces side by side: product((size, space), ...), θ cut into pieces of these sizes.

    One duration a serves all, since the velocity of every piece is its part of π.
    """
    sizes = [whole("size", size, 1) for size, _ in spaces]
    stops = np.cumsum(sizes).tolist()
    parts = [(slice(stop - size, stop), space) for stop, size, (_, space) in zip(stops, sizes, spaces, strict=True)]

    def drift(theta, pi, a):
        moved = [space.drift(theta[..., part], pi[..., part], a) for part, space in parts]
        return np.concatenate([x for x, _ in moved], axis=-1), np.concatenate([v for _, v in moved], axis=-1)

    def tangent(theta, v):
        return np.concatenate([space.tangent(theta[..., part], v[..., part]) for part, space in parts], axis=-1)

    def check(theta):
        if theta.shape != (stops[-1],):
            raise ValueError(f"theta: expected shape ({stops[-1]},), got {theta.shape}")
        for part, space in parts:
            space.check(theta[part])

    return Space(drift, tangent, check)
