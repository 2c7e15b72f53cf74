"""Slopes of a function along a ray, measured: complex step, central differences, left and right; each with its error.

    here      meaning
    phi(t)    the objective along a ray, f(θ + t d); d is scaled so that t = 1 changes the parameters by their own size
    h         (k,) steps, from large to small, each a quarter of the one before
    noise     standard deviation of the rounding errors in phi's values
    gap       right minus left slope over the step h: falls like h where phi is smooth, stays at a kink

Nothing here has a fixed tolerance. A difference over the step h is wrong by truncation, a power of h, and by rounding, noise / h;
Richardson's extrapolation removes the powers one by one, two neighbours in its tableau bound what is left of the truncation, and
the smallest sum of both is taken: the bottom of the V.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

RATIO = 4.0
STEPS = RATIO ** -np.arange(1.0, 16.0)  # (15,) from 1/4 to 1e-9: below, rounding has eaten everything
SAFETY = 3.0  # at 1, one slope in 100 was outside its error for functions with three kinks within reach; at 3, one in 500
IMAGINARY = 2.0**-66  # its square is below rounding, its product with a slope far from underflow, also in complex64
NUDGE = 4.0  # ulps: the complex step is repeated at t = ± 4 and ± 16 ulps; what changes there is noise, conditioning, or a kink


class Slope(NamedTuple):
    """A slope at t = 0, and how far rounding and truncation may have taken it from the truth."""

    value: float
    error: float
    left: float  # the one-sided slopes; both equal to the value unless there is a kink at t = 0
    right: float
    kink: bool = False
    near: float = np.inf  # distance of a kink that the steps crossed


class Curve(NamedTuple):
    """What was seen along a ray, for the V-curve and the Taylor remainder."""

    h: np.ndarray  # (k,)
    at: float  # phi(0)
    plus: np.ndarray  # (k,) phi(h); NaN where the domain ends or the function fails
    minus: np.ndarray  # (k,) phi(-h)
    noise: float

    @property
    def slopes(self) -> np.ndarray:
        """Central differences; one-sided ones where the domain has one side only."""
        if np.isfinite(self.plus).any() and np.isfinite(self.minus).any():
            return (self.plus - self.minus) / (2 * self.h)
        return (self.plus - self.at) / self.h if np.isfinite(self.plus).any() else (self.at - self.minus) / self.h


def rounding_noise(values: np.ndarray, eps: float) -> float:
    """Noise of function values at equally spaced points so close that a cubic describes the function: from 4th differences.

    Independent errors of deviation σ have fourth differences of variance 70 σ² = (1 + 16 + 36 + 16 + 1) σ². A value has one
    rounding at least, whatever its differences say.
    """
    fourth = np.diff(values, 4)
    largest = np.max(np.abs(fourth)) or 1.0  # its square may overflow
    return max(float(largest * np.sqrt(np.mean((fourth / largest) ** 2) / 70)), eps * float(np.max(np.abs(values))))


def extrapolate(D: np.ndarray, h: np.ndarray, noise: float, powers: tuple[int, ...]) -> tuple[float, float]:
    """Limit of D(h) for h → 0, and its error; D has an expansion in the given powers of h, plus errors of size noise / h.

    Of Richardson's tableau, the entry with the smallest error is taken: SAFETY times the larger of two steps, from the finer of its
    parents to itself and from the row above to itself (two, so that no chance agreement passes for convergence), and five standard
    deviations of the rounding. An entry that a finer difference contradicts is not taken: between two kinks the differences
    converge to a slope that is none.
    """
    best, error, rounding = np.nan, np.inf, 5 * noise / h
    column = D
    for q in powers:
        factor = RATIO**q
        better = (factor * column[1:] - column[:-1]) / (factor - 1)
        value, rows = better[1:], slice(len(D) - len(better) + 1, None)  # the finest row of D that each was made of
        change = np.maximum(np.abs(value - column[2:]), np.abs(np.diff(better)))
        distance = SAFETY * change + rounding[rows]
        off = np.abs(D - value[:, None]) - rounding  # (candidates, k), beyond what rounding explains
        allowed = np.abs(D[rows] - value) + change + rounding[rows]
        contradicted = np.triu(off[:, rows] > allowed[:, None], 1).any(axis=1)
        k = int(np.argmin(np.where(np.isfinite(distance) & ~contradicted, distance, np.inf)))
        if distance[k] < error and not contradicted[k]:
            best, error = float(value[k]), float(distance[k])
        column = better
    return best, error


def measure(
    phi: Callable[[float], float], at: float, noise: float, ulp: float, reach: tuple[float, float] = (np.inf, np.inf)
) -> tuple[Slope, Curve]:
    """The slope of phi at 0 by differences.

    `at` is phi(0), `ulp` the rounding unit that phi works in, `reach` how far the domain goes to the left and to the right. Both
    sides are used where both have room for a step of 4^-6; else the wider one alone, where no kink can be seen.
    """
    down, up = reach
    two_sided = min(reach) >= RATIO**-6
    h = STEPS[STEPS >= 4 * ulp] * min(1.0, (min(reach) if two_sided else max(reach)) / STEPS[0])
    nothing = np.full(len(h), np.nan)
    plus = np.array([phi(t) for t in h]) if two_sided or up >= down else nothing
    minus = np.array([phi(-t) for t in h]) if two_sided or up < down else nothing
    curve = Curve(h, at, plus, minus, noise)
    if not two_sided:
        value, error = extrapolate(curve.slopes, h, noise, (1, 2, 3, 4))
        return Slope(value, error, value, value), curve
    left, right, central = (at - minus) / h, (plus - at) / h, (plus - minus) / (2 * h)
    jump, uncertain = extrapolate(right - left, h, 2 * noise, (1, 2, 3))
    if abs(jump) > 4 * uncertain:
        (a, da), (b, db) = (extrapolate(side, h, noise, (1, 2, 3)) for side in (left, right))
        return Slope((a + b) / 2, max(da, db), a, b, kink=True), curve
    value, error = extrapolate(central, h, noise, (2, 4, 6))
    off = np.abs(central - value)
    crossed = off[:-1] > 1e3 * (off[1:] + noise / h[1:])  # 16 to 256 where smooth; thousands where the larger step meets a kink
    crossed &= h[:-1] <= RATIO**-3  # a larger step may leave the smooth regime without a kink
    near = float(h[1:][crossed].min(initial=np.inf))
    return Slope(value, error, value, value, near=near), curve


def complex_slope(slope: Callable[[float], float], ulp: float) -> Slope:
    """slope(0), a complex step, repeated a few ulps away on both sides for its noise and for a kink at 0.

    What a few ulps of theta change is the conditioning of the slope and its rounding: no gradient can be held to less.
    """
    here, left, right, far_left, far_right = (slope(k * NUDGE * ulp) for k in (0, -1, 1, -4, 4))
    noise = max(abs(far_left - left), abs(far_right - right))
    gap = abs(right - left)
    if gap > 8 * noise and gap > 1e3 * ulp * max(abs(left), abs(right)):  # on one side nothing changes, between the sides it does
        return Slope(here, noise, left, right, kink=True)
    return Slope(here, max(noise, gap), here, here)
