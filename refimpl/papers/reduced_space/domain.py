"""Lengths of rows, and the domain D as its support function S(w) = sup w·x over D.

    paper    here       meaning
    X_B      radius     sup |x| over D
    S(w)     support    rows w (k, d) -> (k,); X_B |w| for the ball

The line or plane w·x + b = 0 of a neuron meets the inside of D only if −S(w) < b < S(−w) (derived). For D = [0, 1] that is half of
[−X_B, X_B] for each sign of w: centre the data first. Everything runs on float arrays, and exactly on fractions.Fraction.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from refimpl.doors import finite, floats
from refimpl.manifolds.sphere import length

Support = Callable[[np.ndarray], np.ndarray]  # (k, d) -> (k,)


# ---- lengths
def row_norms(W: np.ndarray) -> np.ndarray:
    """|w| of each row, (k, d) -> (k,), whatever its scale; exactly, if the rows are of fractions.Fraction."""
    return exact_norms(W) if W.dtype == object else length(W)[:, 0]


def exact_norms(W: np.ndarray) -> np.ndarray:
    """|w| of each row of rational numbers, (k, d) -> (k,) Fractions. Raises ValueError if one is irrational."""
    return np.array([rational_root(sum((x * x for x in map(Fraction, w)), Fraction(0))) for w in W] + [None], dtype=object)[:-1]


def rational_root(q: Fraction) -> Fraction:
    """√q of a square of a rational number; ValueError for others."""
    root = Fraction(math.isqrt(q.numerator), math.isqrt(q.denominator))
    if root * root != q:
        raise ValueError(f"params: expected rows of rational length for exact arithmetic, got a row with |w|² = {q}")
    return root


# ---- domains
def support_ball(radius: Any) -> Support:
    """S(w) = X |w| of the ball of that radius about 0. Raises ValueError unless it is a finite number >= 0."""
    X = radius_of(radius, isinstance(radius, Fraction))
    return lambda w: (X if w.dtype == object else float(X)) * row_norms(w)


def support_box(low: ArrayLike, high: ArrayLike) -> Support:
    """S(w) = Σ_i max(w_i low_i, w_i high_i) of the box low <= x <= high, both (d,)."""
    below, above = entries("low", low, 1), entries("high", high, 1)
    if below.shape != above.shape or not (below <= above).all():
        raise ValueError(f"high: expected shape {below.shape} and no entry below low, got {above} for low {below}")
    return lambda w: np.maximum(w * suited(below, w), w * suited(above, w)).sum(axis=1)


def support_points(x: ArrayLike) -> Support:
    """S(w) = max_i w·x_i of a sample x (n, d), n >= 1. What it certifies holds on the sample, and on its convex hull."""
    points = entries("x", x, 2)
    if len(points) == 0:
        raise ValueError(f"x: expected at least one point, got shape {points.shape}")
    return lambda w: (w @ suited(points, w).T).max(axis=1)


def suited(a: np.ndarray, w: np.ndarray) -> np.ndarray:
    """a (..., d) in the arithmetic of the rows w (k, d), fractions or floats; ValueError unless it has as many inputs."""
    if a.shape[-1] != w.shape[1]:
        raise ValueError(f"radius: expected a support function of rows of {w.shape[1]} inputs, got one of {a.shape[-1]}")
    if w.dtype == object and a.dtype != object:
        return np.vectorize(Fraction, otypes=[object])(a)  # every float is a fraction
    return a.astype(w.dtype, copy=False)


def threshold_interval(W: ArrayLike, support: Support) -> tuple[np.ndarray, np.ndarray]:
    """[−S(w), S(−w)] for each row w of W (k, d): only there does w·x + b change its sign on the domain. Two arrays (k,)."""
    if not callable(support):
        raise TypeError(f"support: expected a function of rows w (k, d) -> (k,), got {type(support).__name__}")
    rows = entries("W", W, 2)
    low, high = -np.asarray(support(rows)), np.asarray(support(-rows))
    if low.shape != rows.shape[:1] or high.shape != rows.shape[:1]:
        raise ValueError(f"support: expected S(w) of shape {rows.shape[:1]}, got {low.shape} and {high.shape}")
    if not (low <= high + slack(rows) * (np.abs(low) + np.abs(high))).all():  # the domain's width; NaN fails, rounding does not
        raise ValueError(f"support: expected S(w) + S(−w) >= 0, got {(high - low).min()}")
    return low, high


def outside(x: ArrayLike, radius: Any) -> np.ndarray:
    """Which rows of x (n, d) lie outside the domain |x| <= radius, a mask (n,); warns if there are any.

    The reduced network equals the standard one on the domain only.
    """
    points, X = entries("x", x, 2), radius_of(radius)
    out = row_norms(points) > X * (1 + slack(points))
    if out.any():
        warnings.warn(f"x: {out.sum()} of {len(points)} points outside the domain |x| <= {X}", RuntimeWarning, stacklevel=2)
    return out


# ---- the doors
def entries(name: str, x: Any, ndim: int, exact: bool = False) -> Any:
    """x as a float array of finite numbers, or an object array of ints and Fractions, with ndim axes; TypeError or ValueError."""
    a = np.asarray(x)
    if a.dtype == object or exact:
        a = np.array([int(y) if isinstance(y, np.integer) else y for y in a.flat] + [None], dtype=object)[:-1].reshape(a.shape)
        if not all(isinstance(y, (int, Fraction)) and not isinstance(y, bool) for y in a.flat):
            raise TypeError(f"{name}: expected ints and fractions.Fraction, none of them a float, got dtype {np.asarray(x).dtype}")
    else:
        a = finite(name, floats(name, x))
    if a.ndim != ndim:
        raise ValueError(f"{name}: expected {ndim} axes, got shape {a.shape}")
    return a


def radius_of(radius: Any, exact: bool = False) -> Any:
    """radius as a finite number >= 0; a Fraction for exact arithmetic."""
    number: float | Fraction
    if isinstance(radius, Fraction):
        number = radius
    elif isinstance(radius, (bool, str, complex)) or radius is None or callable(radius) or np.ndim(radius) != 0:
        raise TypeError(f"radius: expected a number >= 0, got {type(radius).__name__}")
    else:
        number = float(radius)
    if not (isinstance(number, Fraction) or np.isfinite(number)) or not number >= 0:
        raise ValueError(f"radius: expected a finite number >= 0, got {radius}")
    return Fraction(number) if exact else float(number)


def slack(a):
    """How far beyond a bound, relative to it, a threshold may be by rounding: 1e-12, 8 roundings in float32, 0 for fractions."""
    return 0 if a.dtype == object else max(1e-12, 8 * float(np.finfo(a.dtype).eps))
