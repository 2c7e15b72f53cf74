"""Generalized responses: what responses can tend to; and ramps, the networks that tend to a jump.

    paper      here        shape     meaning
    l_k        u, beta     (K, m)    l_k(x) = u_k·x + β_k, |u_k| = 1, the plane H_k = {l_k = 0}
    g_k        slope       (K, m)    affine: g_k(x) = slope_k·x + offset_k
               offset      (K,)
    a(x)       a, c        (m,)      affine: a·x + c
    T          T                     steepness of a ramp

    G(x) = a·x + c + Σ_k 1{l_k(x) > 0} g_k(x)

If g_k vanishes on H_k, G has a kink there, of multiplicity 1: one neuron makes it. Otherwise it jumps, of multiplicity 2: two
neurons make a ramp of width |g_k|/T, which tends to the jump at every point off H_k as T grows, never uniformly. Dereich and
Kassing enlarge the search space by functions of this kind, in which a minimiser always exists; the form here is derived.

Reading order: Generalized, its response, multiplicity and dimension, what a domain cannot see, ramps, targets that jump.
"""

from __future__ import annotations

import warnings
from itertools import chain, combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from refimpl.doors import finite, floats
from refimpl.manifolds.sphere import length
from refimpl.nn.shallow import Shallow
from refimpl.papers.relu_existence.integrate import Target, domain_of
from refimpl.papers.relu_existence.network import inputs

STEEPEST = 1e7  # a ramp of steepness T loses the digits of T roundings
MOST_PLANES = 16  # of which `dimension` searches all subsets


class Generalized(NamedTuple):
    """a (m,), c (), u (K, m), beta (K,), slope (K, m), offset (K,). `generalized` checks and normalises."""

    a: np.ndarray
    c: np.ndarray
    u: np.ndarray
    beta: np.ndarray
    slope: np.ndarray
    offset: np.ndarray


def generalized(a: Any, c: Any, u: Any, beta: Any, slope: Any, offset: Any) -> Generalized:
    """The generalized response of these numbers, (u_k, β_k) scaled to |u_k| = 1, which changes no half-space.

    Raises
    ------
    TypeError, ValueError
        If shapes do not fit, entries are not finite, a u_k is 0, or two planes are the same.
    """
    a, c, u = entry("a", a, (None,)), entry("c", c, ()), entry("u", u, (None, None))
    K, m = len(u), len(a)
    if u.shape != (K, m) or m < 1:
        raise ValueError(f"u: expected shape (K, {m}), as a has {m} entries, got {u.shape}")
    beta, slope, offset = entry("beta", beta, (K,)), entry("slope", slope, (K, m)), entry("offset", offset, (K,))
    r = length(u)[:, 0]
    if (r == 0).any():
        raise ValueError(f"u: expected rows that are not zero, got row {np.argmax(r == 0)}")
    with np.errstate(over="ignore"):
        beta = finite("beta / |u|", beta / r)
    G = Generalized(a, c, u / r[:, None], beta, slope, offset)
    planes = np.column_stack([G.u, G.beta])
    for k, j in combinations(range(K), 2):
        if min(np.abs(planes[k] - planes[j]).max(), np.abs(planes[k] + planes[j]).max()) < 1e-12 * (1 + np.abs(planes[k, -1])):
            raise ValueError(f"u: expected planes that differ, got the same one in rows {k} and {j}")
    return G


def generalized_response(G: Generalized, x: ArrayLike) -> np.ndarray:
    """G(x), (n,), of x (n, m), or (n,) for one input. On a plane it is the value of the side l_k <= 0."""
    G = checked(G)
    x = inputs(x, len(G.a))
    return G.c + x @ G.a + ((x @ G.u.T + G.beta > 0) * (x @ G.slope.T + G.offset)).sum(axis=1)


def multiplicity(G: Generalized, tol: float = 1e-12) -> np.ndarray:
    """m_k of each plane, (K,): 1 for a kink, 2 for a jump. g_k vanishes on H_k if g_k = κ l_k, within tol of its size."""
    G, tol = checked(G), tolerance(tol)
    kappa = np.sum(G.slope * G.u, axis=1)
    rest = np.column_stack([G.slope - kappa[:, None] * G.u, G.offset - kappa * G.beta])
    size = np.column_stack([G.slope, G.offset, kappa * G.beta])
    return np.where(np.abs(rest).max(axis=1) <= tol * np.abs(size).max(axis=1), 1, 2)


def dimension(G: Generalized, tol: float = 1e-12) -> int:
    """How many neurons it takes on a compact domain: Σ_k m_k, and one more if the affine part is not had by turning neurons round.

    Turning neuron k round, or the pair of a jump, adds g_k to the affine part: v l⁺ = v l + v (−l)⁺. So the affine part is free
    if a + Σ_{k in S} slope_k = 0 for some set S. A residual network has it anyway: Σ_k m_k. ValueError for more than 16 planes.
    """
    G, tol = checked(G), tolerance(tol)
    K = len(G.u)
    if K > MOST_PLANES:
        raise ValueError(f"G: expected at most {MOST_PLANES} planes, whose subsets are searched, got {K}")
    size = tol * (np.abs(G.a).max() + np.abs(G.slope).sum())
    subsets = chain.from_iterable(combinations(range(K), n) for n in range(K + 1))
    free = any(np.abs(G.a + G.slope[list(S)].sum(axis=0)).max() <= size for S in subsets)
    return int(multiplicity(G, tol).sum()) + (not free)


def simplify(G: Generalized, domain: Any) -> Generalized:
    """The same function on the domain without the planes that miss its inside: on all of it, g_k joins the affine part.

    domain : (low, high), corners (k, 2) of a convex polygon, or the radius of a ball about 0. A plane that only touches the border
    misses. Raises ValueError if it has other inputs than G.
    """
    G = checked(G)
    if np.ndim(domain) == 0:
        reach = float(entry("domain", domain, ()))
        if not reach > 0:
            raise ValueError(f"domain: expected a radius > 0, got {domain}")
        low, high = G.beta - reach, G.beta + reach
    else:
        area = domain_of(domain)
        corners = np.reshape(area, (-1, 1)) if isinstance(area, tuple) else area
        if corners.shape[1] != len(G.a):
            raise ValueError(f"domain: expected one of {len(G.a)} inputs, as G has, got one of {corners.shape[1]}")
        l = corners @ G.u.T + G.beta
        low, high = l.min(axis=0), l.max(axis=0)
    tiny = 1e-14 * (high - low) + 1e-15 * np.abs(G.beta)
    on, met = low >= -tiny, (low < -tiny) & (high > tiny)
    return Generalized(G.a + G.slope[on].sum(axis=0), G.c + G.offset[on].sum(), G.u[met], G.beta[met], G.slope[met], G.offset[met])


def ramp(G: Generalized, T: float, q: float | None = None) -> Shallow:
    """The network that tends to G as T -> ∞: each jump a ramp of two neurons, each kink one neuron, the affine part a skip.

        N_T(x) = T (l + q/T)⁺ − T (l + (q − g)/T)⁺

    0 where both are off, exactly g where both are on, and linear from 0 to g in the wedge of width |g|/T between.

    Parameters
    ----------
    G : Generalized
    T : float in (0, 1e7]; the ramp has T roundings of error
    q : float, optional
        Where the ramp stands. By default centred on the plane, q = g/2, which lowers the squared risk to any continuous target.

    Raises
    ------
    ValueError
        If T is outside its range, or q not finite.
    """
    G, T = checked(G), steepness(T)
    jump = multiplicity(G) == 2
    slope, offset, u, beta = G.slope[jump], G.offset[jump], G.u[jump], G.beta[jump]
    q_slope, q_offset = (slope / 2, offset / 2) if q is None else (0 * slope, 0 * offset + float(entry("q", q, ())))
    kink = ~jump
    n = int(jump.sum())
    return Shallow(
        W=np.concatenate([u + q_slope / T, u + (q_slope - slope) / T, G.u[kink]]),
        b=np.concatenate([beta + q_offset / T, beta + (q_offset - offset) / T, G.beta[kink]]),
        v=np.concatenate([np.full(n, T), np.full(n, -T), np.sum(G.slope * G.u, axis=1)[kink]]),
        c=np.array(G.c),
        a=np.array(G.a),
    )


def target_jumps(target: Target, breaks: ArrayLike, reach: float = 1e-9) -> np.ndarray:
    """f(t + reach) − f(t − reach) of a target with one input at each break t, (k,); warns where it is more than a slope explains.

    For a target that jumps there may be no best network (Dereich and Kassing ask for a continuous one). The networks `ramp(G, T)`
    with growing T come as near to it as one likes; `simplify` says whether the domain sees the jump.
    """
    t = np.atleast_1d(entry("breaks", breaks, None))
    reach = float(entry("reach", reach, ()))
    if not reach > 0:
        raise ValueError(f"reach: expected a number > 0, got {reach:g}")
    at = [np.asarray(target(t + k * reach), float) for k in (-2, -1, 1, 2)]
    size, slope = at[2] - at[1], np.maximum(np.abs(at[1] - at[0]), np.abs(at[3] - at[2]))
    jumps = np.abs(size) > 1e3 * (slope + np.finfo(float).eps * np.abs(at[1]))
    if jumps.any():
        where = ", ".join(f"{x:g}" for x in t[jumps])
        warnings.warn(f"target: jumps at {where}; a best network may not exist", RuntimeWarning, stacklevel=2)
    return size


# ---- the doors
def tolerance(tol: Any) -> float:
    """tol as a number >= 0."""
    tol = float(entry("tol", tol, ()))
    if not tol >= 0:
        raise ValueError(f"tol: expected a number >= 0, got {tol:g}")
    return tol


def entry(name: str, x: Any, shape: tuple | None) -> Any:
    """x as a float64 array of finite numbers of that shape."""
    return finite(name, floats(name, x, shape)).astype(np.float64, copy=False)


def checked(G: Any) -> Generalized:
    """G, if it is a Generalized of finite numbers with unit rows."""
    if not isinstance(G, Generalized):
        raise TypeError(f"G: expected a Generalized, as generalized(...) makes it, got {type(G).__name__}")
    K, m = np.shape(G.u) if np.ndim(G.u) == 2 else (0, 0)
    for name, part, shape in zip(G._fields, G, ((m,), (), (K, m), (K,), (K, m), (K,)), strict=True):
        entry(f"G.{name}", part, shape)
    if not np.allclose(np.sum(G.u * G.u, axis=1), 1, rtol=0, atol=1e-9):
        raise ValueError("G.u: expected rows of unit length; generalized(...) makes them")
    return G


def steepness(T: Any) -> float:
    """T as a number in (0, 1e7]."""
    T = float(entry("T", T, ()))
    if not 0 < T <= STEEPEST:
        raise ValueError(f"T: expected a number in (0, {STEEPEST:g}], beyond which a ramp has too few digits, got {T:g}")
    return T
