"""The unit sphere S^{d−1} in ℝ^d, for one vector (d,) or for each row of (m, d).

Reading order: projection of ℝ^d onto the sphere and its gradient, projection onto a tangent space, then the ways to move along the
sphere: exp and its inverse log, the cheap retraction, the distance. Everything is a function of rows and holomorphic in them, so
that the complex step checks it; rows of any length that floating point holds, 1e-320 to 1e308, are as good as rows of length 1.

    symbol       here      shape     meaning
    w            w         (m, d)    any rows but zero rows
    w/‖w‖        u         (m, d)    points of the sphere
    ‖w‖          norm      (m, 1)
    v ∈ T_u      v         (m, d)    tangent vectors at u: u·v = 0, row by row
    θ            theta     (m, 1)    angle between two points, rad
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from refimpl.doors import floats

__all__ = ["distance", "exp", "log", "project_backward", "project_forward", "retract", "tangent"]

UNIT = 1e-5  # how far from unit length or from tangent a row may be: float32 rounding passes, a forgotten projection does not


# ---- projection onto the sphere
def project_forward(w: ArrayLike) -> tuple[np.ndarray, tuple]:
    """u = w/‖w‖, row by row.

    Parameters
    ----------
    w : array_like, shape (m, d) or (d,)

    Returns
    -------
    u : ndarray, shape of w
    cache : tuple of u and norm, shape (m, 1) or (1,). A norm below 2e-308 (float32: 1e-38) is subnormal and has few digits.

    Raises
    ------
    ValueError
        If a row is zero; it is named. A NaN makes its row NaN, an infinite entry becomes NaN.
    OverflowError
        If the norm of a row exceeds the floating-point range, though none of its entries does.
    """
    w = rows("w", w)
    unscaled, exponent = scaled(w)
    length = np.sqrt(np.sum(unscaled * unscaled, axis=-1, keepdims=True))
    refuse("w", length == 0, "a row that is not zero, because a zero row has no direction")
    with np.errstate(over="ignore", invalid="ignore"):
        norm = length * exponent
        too_long = ~np.isfinite(norm) & np.all(np.isfinite(w), axis=-1, keepdims=True)
        u = unscaled / length
    if too_long.any():
        raise OverflowError(f"w: expected {which(too_long)} to have a norm that {w.dtype} can hold; scale it down")
    return u, (u, norm)


def project_backward(du, cache):
    """dw = (I − u uᵀ) du / ‖w‖: what the sphere does not feel is the radial part."""
    u, norm = cache
    return off(u, du) / norm


# ---- the tangent space
def tangent(u: ArrayLike, v: ArrayLike) -> np.ndarray:
    """(I − u uᵀ) v, the component of v tangent to the sphere at u, row by row.

    Parameters
    ----------
    u : array_like, shape (m, d) or (d,)
        Points of the sphere.
    v : array_like, shape of u

    Raises
    ------
    ValueError
        If shapes differ, or a row of u is not of unit length; it is named.
    """
    u, v = on_sphere("u", u), rows("v", v)
    same_shape("v", v, u)
    return off(u, v)


# ---- moving along the sphere
def exp(u: ArrayLike, v: ArrayLike) -> np.ndarray:
    """Where the geodesic that leaves u with velocity v is at time 1: cos‖v‖ u + sin‖v‖ v/‖v‖.

    Parameters
    ----------
    u : array_like, shape (m, d) or (d,)
        Points of the sphere.
    v : array_like, shape of u
        Tangent vectors at u, of any length; rad.

    Raises
    ------
    ValueError
        If shapes differ, a row of u is not of unit length, or a row of v is not tangent at u; it is named.
    """
    u, v = tangents(u, v)
    theta = length(v)
    return np.cos(theta) * u + np.sin(theta) * (v / np.where(theta == 0, 1, theta))


def log(u: ArrayLike, v: ArrayLike) -> np.ndarray:
    """The shortest velocity that takes u to v: exp(u, log(u, v)) = v and ‖log(u, v)‖ = θ(u, v), in rad.

    The tangent component is taken of v − u where v is near u and of v + u where it is near −u: these differences are exact, and the
    digits of small angles survive.

    Parameters
    ----------
    u, v : array_like, shape (m, d) or (d,)
        Points of the sphere.

    Raises
    ------
    ValueError
        If shapes differ, a row is not of unit length, or v is antipodal to u to within rounding, where every direction is
        shortest; the row is named.
    """
    u, v = on_sphere("u", u), on_sphere("v", v)
    same_shape("v", v, u)
    ahead = np.sum(u * v, axis=-1, keepdims=True).real >= 0
    t = off(u, np.where(ahead, v - u, v + u))
    sine = length(t)
    refuse("v", ~ahead & (sine.real <= 4 * np.finfo(sine.dtype).eps), "a point that is not antipodal to u")
    return angle(u, v) * (t / np.where(sine == 0, 1, sine))


def retract(u: ArrayLike, v: ArrayLike) -> np.ndarray:
    """(u + v)/‖u + v‖, which agrees with exp(u, v) to second order in v and costs no sine.

    Parameters, errors: as for :func:`exp`.
    """
    u, v = tangents(u, v)
    return project_forward(u + v)[0]


def distance(u: ArrayLike, v: ArrayLike) -> np.ndarray:
    """θ = 2 atan(‖u−v‖/‖u+v‖) in [0, π], rad: exact at both ends, where arccos(u·v) loses half of the digits.

    u, v : points, shape (m, d) or (d,). Returns shape (m,) or (). Raises ValueError as :func:`log`, but takes antipodes.
    """
    u, v = on_sphere("u", u), on_sphere("v", v)
    same_shape("v", v, u)
    return angle(u, v)[..., 0]


# ---- the mathematics
def off(u, x):
    """(I − u uᵀ) x, twice: once leaves u·x of the size of the rounding of x, not of that of the result."""
    x = x - u * np.sum(u * x, axis=-1, keepdims=True)
    return x - u * np.sum(u * x, axis=-1, keepdims=True)


def angle(u, v):
    """2 atan(‖u−v‖/‖u+v‖) with the last axis kept; π at antipodes (of real points)."""
    apart, across = length(u - v), length(u + v)
    return 2 * (np.arctan(apart / across) if np.iscomplexobj(apart) else np.arctan2(apart, across))


def scaled(x):
    """x times the power of two that brings each row's largest entry near 1, and the power that undoes it: both exact."""
    entries = np.maximum(np.abs(x.real), np.abs(x.imag)) if np.iscomplexobj(x) else np.abs(x)
    size = np.max(entries, axis=-1, keepdims=True, initial=0)
    most = np.finfo(size.dtype).maxexp - 2  # beyond it 2^±k itself over- or underflows; what is left is within 2^52 of 1
    k = np.clip(np.frexp(size)[1], -most, most)
    one = np.ones_like(size)
    return x * np.ldexp(one, -k), np.ldexp(one, k)


def length(x):
    """‖x‖ with the last axis kept, whatever the scale of x; √(Σx²), not Σ|x|², so that it stays holomorphic."""
    unscaled, exponent = scaled(x)
    return np.sqrt(np.sum(unscaled * unscaled, axis=-1, keepdims=True)) * exponent


# ---- the doors
def rows(name: str, x: Any) -> np.ndarray:
    """x as floating-point rows."""
    x = floats(name, x, smooth=True)
    if x.ndim == 0:
        raise ValueError(f"{name}: expected shape (m, d) or (d,), got a single number")
    return x


def on_sphere(name: str, u: Any) -> np.ndarray:
    """u as rows, each of unit length."""
    u = rows(name, u)
    refuse(name, np.abs(np.sum(u * u, axis=-1, keepdims=True) - 1).real > UNIT, "a row of unit length (project_forward makes one)")
    return u


def tangents(u: Any, v: Any) -> tuple[np.ndarray, np.ndarray]:
    """u as points of the sphere and v as tangent vectors there."""
    u, v = on_sphere("u", u), rows("v", v)
    same_shape("v", v, u)
    unscaled, _ = scaled(v)  # entries of at most 1
    refuse("v", np.abs(np.sum(u * unscaled, axis=-1, keepdims=True)).real > UNIT, "a row tangent at u (tangent(u, v) makes one)")
    return u, v


def same_shape(name, x, u):
    """ValueError unless x has the shape of u."""
    if x.shape != u.shape:
        raise ValueError(f"{name}: expected the shape of u, {u.shape}, got {x.shape}")


def refuse(name, bad, expected):
    """ValueError naming the first row that is bad. bad (m, 1) or (1,)."""
    if bad.any():
        raise ValueError(f"{name}: expected {expected}, got {which(bad)}")


def which(bad):
    """`row 3`, `row (0, 3)` or `the vector`, the first that is bad."""
    at = tuple(int(i) for i in np.argwhere(bad[..., 0])[0])
    return "the vector" if not at else f"row {at[0] if len(at) == 1 else at}"
