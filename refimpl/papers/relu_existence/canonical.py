"""The canonical form of a shallow ReLU network: which functions are equal, and how many neurons each of them needs.

S. Dereich, S. Kassing, On minimal representations of shallow ReLU networks, Neural Networks 148 (2022), arXiv:2108.05643: a
response on R^m that breaks on K hyperplanes needs K, K + 1 or K + 2 neurons. The criterion that tells which was derived for
refimpl. Turning a neuron round, v (l)⁺ = v l + v (−l)⁺, is all that it rests on.

    symbol      here       shape     meaning
    c_0         c0         ()        constant of the affine part
    a           a          (m,)      slope of the affine part
    n_k         n          (K, m)    unit normals, the first entry that is not 0 being positive
    β_k         beta       (K,)      the response breaks where n_k·x + β_k = 0; (n_k, β_k) are pairwise different
    κ_k         kappa      (K,)      change of the slope across that plane, not 0

    f(x) = c_0 + a·x + Σ_k κ_k (n_k·x + β_k)⁺

Reading order: the form, equality of two networks, the neurons that a form needs, and the network of so many neurons.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from refimpl.doors import finite, floats
from refimpl.manifolds.sphere import length
from refimpl.nn.shallow import Shallow, shallow, skip
from refimpl.optim.first_order import between

MOST = 30  # planes: among 2^K subsets of more, sums that agree to 1e-12 by chance are to be expected


class Canonical(NamedTuple):
    """f(x) = c0 + a·x + Σ_k kappa_k (n_k·x + beta_k)⁺, planes sorted by n, then beta. Compare networks by `same_function`."""

    c0: np.ndarray  # ()
    a: np.ndarray  # (m,)
    n: np.ndarray  # (K, m)
    beta: np.ndarray  # (K,)
    kappa: np.ndarray  # (K,)


# ---- the form
def canonical_form(params: Any, domain: Any = None, tol: float = 1e-9) -> Canonical:
    """The function of a network, written in the one way that all networks of this function share.

    Parameters
    ----------
    params : a shallow network, see :func:`refimpl.nn.shallow.shallow`
        A skip connection goes into the affine part.
    domain : optional
        Where the function matters: all of R^m by default; a number, the radius of a ball about 0; a pair (low, high) of numbers or
        of vectors (m,), a box; or three points or more (k, m), their convex hull. Planes that do not meet its interior do not
        break: one side of them is all there is. A plane that only touches the border, up to tol, is one of these.
    tol : float
        Planes nearer than this are one: |n − n'| <= tol and |β − β'| <= tol max(1, |β|). A plane whose kinks cancel to
        |Σ κ| <= tol Σ |κ| is none. In (0, 1).

    Warns RuntimeWarning if planes were merged that differ by more than rounding, with a bound of what this changes in f. Raises
    TypeError or ValueError if params, domain or tol are not as above, OverflowError if coefficients exceed the range of floats.
    """
    (W, b, v, c, a), tol = with_skip(params), between("tol", tol, 0, 1)
    m = W.shape[1]
    r = lengths(W)
    flat = r == 0  # constant neurons
    with np.errstate(over="ignore", invalid="ignore"):
        c0 = c + np.sum(v[flat] * np.maximum(b[flat], 0))
        W, b, v, r = W[~flat], b[~flat], v[~flat], r[~flat]
        n, beta, kappa = W / r[:, None], b / r, v * r
        if domain is not None:
            low, high = extent(domain, m)(n)
            slack = tol * (high - low) / 2 + 1e-15 * np.maximum(np.abs(low), np.abs(high))
            on, off = low + beta >= -slack, high + beta <= slack
            a, c0 = a + v[on] @ W[on], c0 + v[on] @ b[on]
            kept = ~(on | off)
            W, b, v, n, beta, kappa = W[kept], b[kept], v[kept], n[kept], beta[kept], kappa[kept]
    if not all(np.isfinite(part).all() for part in (a, c0, beta, kappa)):
        raise OverflowError("params: expected thresholds b/|w| and kinks v |w| within the floating-point range")

    plane, sign, distance = merged(n, beta, tol)
    turned = sign * oriented(n[plane], tol) < 0  # v (w·x + b)⁺ = v (w·x + b) + v (−w·x − b)⁺
    a, c0 = a + v[turned] @ W[turned], c0 + v[turned] @ b[turned]
    own = np.unique(plane)
    total, size = (np.array([part[plane == k].sum() for k in own]) for part in (kappa, np.abs(kappa)))
    change = float(np.sum(np.abs(kappa) * distance))
    if change > 0:
        warnings.warn(
            f"nearly equal planes were merged; this changes the function by at most {change:.1e} (1 + |x|)",
            RuntimeWarning,
            stacklevel=2,
        )
    own, total = own[np.abs(total) > tol * size], total[np.abs(total) > tol * size]
    n, beta = oriented(n[own], tol)[:, None] * n[own], oriented(n[own], tol) * beta[own]
    order = np.lexsort((beta, *np.round(n.T[::-1] / tol)))  # rounded: noise in n_1 must not decide
    return Canonical(np.asarray(c0), a, n[order], beta[order], total[order])


def with_skip(params):
    """params as a Shallow with a skip connection."""
    net = shallow(params)[0]
    return net._replace(a=skip(net))


def lengths(W):
    """|w_j| of every row, (n,), whatever its scale."""
    return length(W)[:, 0]


def oriented(n, tol):
    """1 or −1 for each row: the sign of its first entry beyond tol. Smaller ones are rounding."""
    first = np.argmax(np.abs(n) > min(tol, 0.5 / np.sqrt(n.shape[1])), axis=1)
    return np.sign(n[np.arange(len(n)), first])


def merged(n, beta, tol):
    """For each neuron: the first with the same plane, 1 or −1 as it points with or against it, and how far the two are apart.

    Distances within rounding are 0. Both signs are compared, so that entries about tol in size cannot keep equal planes apart.
    """
    plane, sign, distance = np.arange(len(n)), np.ones(len(n)), np.zeros(len(n))
    first: list[int] = []
    rounding = (8 + n.shape[1]) * np.finfo(float).eps
    for j in range(len(n)):
        dot = np.sign(n[first] @ n[j])
        scale = np.maximum(1, np.abs(beta[j]))
        gap = np.maximum(lengths(n[first] - dot[:, None] * n[j]), np.abs(beta[first] - dot * beta[j]) / scale)
        k = int(np.argmin(gap)) if first else -1
        if first and gap[k] <= tol:
            plane[j], sign[j] = first[k], dot[k]
            distance[j] = gap[k] * scale if gap[k] > rounding else 0
        else:
            first.append(j)
    return plane, sign, distance


def extent(domain: Any, m: int) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """directions (K, m) -> the least and the greatest n·x over the domain, each (K,). ValueError if it has no interior."""
    if not isinstance(domain, (tuple, list)) and np.ndim(domain) == 0:
        radius = between("domain", domain, 0, np.inf)
        return lambda n: (np.full(len(n), -radius), np.full(len(n), radius))
    if len(domain) == 2:
        low, high = (finite("domain", np.broadcast_to(floats("domain", end), (m,))) for end in domain)
        if not (low < high).all():
            raise ValueError(f"domain: expected low < high, got {domain}")
        middle, half = low / 2 + high / 2, high / 2 - low / 2
        return lambda n: (n @ middle - np.abs(n) @ half, n @ middle + np.abs(n) @ half)
    points = finite("domain", floats("domain", domain, (None, m)))
    if len(points) <= m or np.linalg.matrix_rank(points - points[0]) < m:
        raise ValueError(f"domain: expected a radius, a pair (low, high) or points with a hull of {m} dimensions, got {domain}")
    return lambda n: (np.min(n @ points.T, axis=1), np.max(n @ points.T, axis=1))


# ---- equality
def same_function(params: Any, other: Any, domain: Any = None, tol: float = 1e-9) -> bool:
    """Do two networks compute the same function on the domain?

    They do if their difference, which is a network too, has the canonical form 0. What is left of its coefficients counts as 0 up
    to tol, relative to Σ |v_j| |w_j| of both for slopes, and to this and Σ |v_j| |b_j| + |c| for the constant. Arguments as for
    :func:`canonical_form`. Raises ValueError if the networks have different numbers of inputs, too.
    """
    f, g = with_skip(params), with_skip(other)
    if f.W.shape[1] != g.W.shape[1]:
        raise ValueError(f"other: expected a network of {f.W.shape[1]} inputs, as params, got {g.W.shape[1]}")
    W, b, v = np.concatenate([f.W, g.W]), np.concatenate([f.b, g.b]), np.concatenate([f.v, -g.v])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # that planes count as equal up to tol is what the caller asked for
        form = canonical_form(Shallow(W, b, v, f.c - g.c, f.a - g.a), domain, tol)
    slopes = np.sum(np.abs(v) * lengths(W)) + np.max(np.abs(f.a)) + np.max(np.abs(g.a))
    constants = slopes + np.sum(np.abs(v * b)) + np.abs(f.c) + np.abs(g.c)
    left = np.max(np.abs(np.concatenate([form.a, form.kappa])))
    return bool(left <= tol * slopes and np.abs(form.c0) <= tol * constants)


# ---- how many neurons
def neuron_count(form: Canonical, compact: bool = False) -> int:
    """The least number of neurons of a network with this function.

        K        if neurons can be turned round so that no affine function is left:    a + Σ_{k in S} κ_k n_k = 0 for some set S
        K + 1    on R^m, if what is left is parallel to some n_k: neuron k in both its orientations carries it
                 on a bounded domain always: a neuron that breaks outside is affine
        K + 2    else: two neurons on one plane, (e·x)⁺ − (−e·x)⁺ = e·x

    form : Canonical, of at most 30 planes: 2^K sets S are searched, by halves.  compact : True on a bounded domain, the one that
    `canonical_form` was told. Raises TypeError or ValueError if form is none, or has more planes. Derived.
    """
    form = checked(form)
    return len(form.kappa) + len(leftover(form, compact)[2])


def solution_dimension(form: Canonical, compact: bool = False) -> int:
    """The dimension of the set of minimal networks with this function, order of neurons aside (derived).

    One for the length of each neuron, and one more where the affine part has neurons of its own, K + 2 on R^m or K + 1 on a bounded
    domain: where these break is free.
    """
    form = checked(form)
    own = len(leftover(form, compact)[2])
    return len(form.kappa) + own + (own == (1 if compact else 2))


def minimal_network(form: Canonical, compact: bool = False, radius: float | None = None) -> Shallow:
    """A network of :func:`neuron_count` neurons with this function, without a skip connection.

    For compact=True it has the function in |x| <= radius, where the domain must lie: a neuron for the affine part breaks outside.
    Raises as :func:`neuron_count`, and ValueError if compact is True without a finite radius > 0: on an unbounded domain the rule
    for bounded ones does not hold.
    """
    form = checked(form)
    if compact:
        if radius is None:
            raise ValueError(
                "radius: expected the radius of the bounded domain, got None; compact=True does not hold on all of R^m"
            )
        radius = between("radius", radius, 0, np.inf)
    turned, rest, own = leftover(form, bool(compact))
    sign = np.where(turned, -1.0, 1.0)
    W, b, v = sign[:, None] * form.n, sign * form.beta, form.kappa
    c = form.c0 + form.kappa[turned] @ form.beta[turned]
    size = lengths(rest[None])[0]
    if len(own) == 1 and compact:
        extra = Shallow(rest[None] / size, np.array([radius]), np.array([size]), -size * radius)
    elif len(own) == 1:  # κ l⁺ + μ n·x = (κ + μ) l⁺ − μ (−l)⁺ − μ β
        k = own[0]
        mu = float(rest @ form.n[k])
        v = v + mu * (np.arange(len(v)) == k)
        extra = Shallow(-form.n[[k]], -form.beta[[k]], np.array([-mu]), -mu * form.beta[k])
    elif len(own) == 2:
        extra = Shallow(np.stack([rest, -rest]) / size, np.zeros(2), np.array([size, -size]), 0.0)
    else:
        extra = Shallow(np.zeros((0, len(rest))), np.zeros(0), np.zeros(0), 0.0)
    W, b, v = (np.concatenate([mine, more]) for mine, more in zip((W, b, v), extra, strict=False))
    return Shallow(W, b, v, np.asarray(c + extra.c))


def leftover(form, compact):
    """Neurons to turn round (K,), the slope that is left (m,), and as many entries as it needs neurons: (), (k,) to split k, 2."""
    a, n, kappa = form.a, form.n, form.kappa
    room = 1e-12 * (lengths(a[None])[0] + np.sum(np.abs(kappa)))
    turned = flips(a, kappa[:, None] * n, room)
    if turned is not None:
        return turned, np.zeros_like(a), ()
    none = np.zeros(len(kappa), bool)
    if compact:
        return none, a, (0,)
    for k in range(len(kappa)):
        across = np.eye(len(a)) - np.outer(n[k], n[k])
        turned = flips(across @ a, (kappa[:, None] * n) @ across * (np.arange(len(kappa)) != k)[:, None], room)
        if turned is not None:
            turned[k] = False
            return turned, a + kappa[turned] @ n[turned], (k,)
    return none, a, (0, 1)


def flips(a, vectors, room):
    """A set S (K,) with |a + Σ_S vectors| <= room, or None. Meet in the middle, along one random direction."""
    half = len(vectors) // 2
    z = np.random.default_rng(0).normal(size=len(a))  # distinct sums are distinct along z
    z = z / lengths(z[None])[0]
    left, at = np.unique(subset_sums(vectors[:half]), axis=0, return_index=True)
    right, to = np.unique(subset_sums(vectors[half:]), axis=0, return_index=True)
    order = np.argsort(right @ z)
    right, to = right[order], to[order]
    wanted = -(a + left) @ z
    start, stop = np.searchsorted(right @ z, wanted - 2 * room), np.searchsorted(right @ z, wanted + 2 * room, "right")
    for i in np.flatnonzero(start < stop):
        gap = lengths(a + left[i] + right[start[i] : stop[i]])
        j = int(np.argmin(gap))
        if gap[j] <= room:
            chosen = int(at[i]) | int(to[start[i] + j]) << half
            return np.array([chosen >> k & 1 for k in range(len(vectors))], bool)
    return None


def subset_sums(vectors):
    """(2^K, m): row i sums the vectors whose bit is set in i."""
    sums = np.zeros((1, vectors.shape[1]))
    for vector in vectors:
        sums = np.concatenate([sums, sums + vector])
    return sums


def checked(form):
    """form, if it is canonical enough to be searched; TypeError or ValueError otherwise."""
    if not isinstance(form, Canonical):
        raise TypeError(f"form: expected Canonical, as canonical_form returns, got {type(form).__name__}")
    m, K = np.shape(form.a)[0] if np.ndim(form.a) == 1 else None, len(np.atleast_1d(form.kappa))
    shapes = ("c0", ()), ("a", (m,)), ("n", (K, m)), ("beta", (K,)), ("kappa", (K,))
    parts = [finite(f"form.{name}", floats(f"form.{name}", getattr(form, name), shape)) for name, shape in shapes]
    if K > MOST:
        raise ValueError(f"form: expected at most {MOST} planes, got {K}; the search is over all 2^K ways to orient the neurons")
    return Canonical(*parts)
