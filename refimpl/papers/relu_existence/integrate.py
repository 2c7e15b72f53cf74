"""Exact integration over an interval or a convex polygon, cut where a network breaks; the risk of a network and its gradient.

    paper        here       shape      meaning
    D            domain                (low, high), or the corners (k, 2) of a convex polygon
    f, h         target, density       x -> (n,), of x (n,) on an interval and (n, 2) on a polygon; both continuous
    err(θ)       value                 ∫ (R_θ − f)² h dx over D, not divided by anything
                 x, w       (k, q, m)  q nodes on each of k pieces, and weights (k, q); a piece is an interval or a triangle

On a piece the network is affine, so that Gauss's rule leaves nothing but rounding where f and h are polynomials or entire. A rule
on a fixed grid misses a ramp of width 1/T. Since the network is continuous, the gradient is the integral of the gradient of the
integrand: no term comes from the ends of the pieces. Derived.

Reading order: targets with closed moments, cutting, nodes, the risk.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from refimpl.doors import finite, floats, whole
from refimpl.nn.shallow import Shallow, shallow, skip, without_skip

Target = Callable[[np.ndarray], Any]
NODES = {1: 20, 2: 10}  # of Gauss's rule, in each direction of a piece


# ---- targets whose moments have closed forms
@dataclass(frozen=True)
class Polynomial:
    """f(x) = c_0 + c_1 x + c_2 x² + …, coefficients from the lowest."""

    coefficients: tuple[float, ...]

    def __call__(self, x: Any) -> Any:
        return np.polynomial.polynomial.polyval(x, self.coefficients)

    def moments(self, low: Any, high: Any) -> tuple:
        """(∫ f, ∫ x f, ∫ f²) from low to high, numbers or arrays."""
        p = np.polynomial.polynomial
        return tuple(
            p.polyval(high, p.polyint(q)) - p.polyval(low, p.polyint(q))
            for q in (self.coefficients, (0.0, *self.coefficients), p.polymul(self.coefficients, self.coefficients))
        )


@dataclass(frozen=True)
class Sine:
    """f(x) = sin(ω x + φ)."""

    omega: float
    phase: float = 0.0

    def __call__(self, x: Any) -> Any:
        return np.sin(self.omega * x + self.phase)

    def moments(self, low: Any, high: Any) -> tuple:
        """(∫ f, ∫ x f, ∫ f²) from low to high, numbers or arrays: about the middle, where nothing cancels for small ω."""
        from scipy.special import spherical_jn

        middle, half = (low + high) / 2, (high - low) / 2
        z, at = self.omega * half, self.omega * middle + self.phase
        first = 2 * half * np.sin(at) * np.sinc(z / np.pi)
        square = half * (1 - np.cos(2 * at) * np.sinc(2 * z / np.pi))
        # an odd function, of which older SciPy knows the positive half
        return first, middle * first + 2 * half**2 * np.cos(at) * np.sign(z) * spherical_jn(1, np.abs(z)), square


@dataclass(frozen=True)
class Exponential:
    """f(x) = e^{k x}."""

    rate: float

    def __call__(self, x: Any) -> Any:
        return np.exp(self.rate * x)

    def moments(self, low: Any, high: Any) -> tuple:
        """(∫ f, ∫ x f, ∫ f²) from low to high, numbers or arrays: about the middle, where nothing cancels for small k."""
        from scipy.special import spherical_in

        middle, half = (low + high) / 2, (high - low) / 2
        z, at, side = np.abs(self.rate * half), np.exp(self.rate * middle), np.sign(self.rate)
        first = 2 * half * at * spherical_in(0, z)
        return first, middle * first + 2 * half**2 * at * side * spherical_in(1, z), 2 * half * at * at * spherical_in(0, 2 * z)


# ---- cutting
def clip(polygon: ArrayLike, u: ArrayLike, beta: float) -> tuple[np.ndarray, np.ndarray]:
    """The parts of a convex polygon (k, 2) where u·x + β >= 0, and <= 0: corners (k', 2) of each, (0, 2) where it is empty.

    u (2,) need not be of unit length. What touches the line in a point or an edge only is empty.
    """
    corners = corners_of(polygon)
    normal, offset = finite("u", floats("u", u, (2,))).astype(float), finite("beta", floats("beta", beta, ()))
    parts = parted(corners.tolist(), (corners @ normal + float(offset)).tolist())
    plus, minus = (np.array(part).reshape(-1, 2) for part in parts)
    return plus, minus


def parted(corners, s):
    """Sutherland and Hodgman's clipping, both sides at once: corners [[x, y], ...], s the sign of each."""
    plus, minus = [], []
    if not max(s) > 0:
        return [], corners
    if not min(s) < 0:
        return corners, []
    for (x, y), here, (x1, y1), there in zip(corners, s, corners[1:] + corners[:1], s[1:] + s[:1], strict=True):
        if here >= 0:
            plus.append([x, y])
        if here <= 0:
            minus.append([x, y])
        if (here > 0 > there) or (here < 0 < there):
            t = here / (here - there)
            cut = [x + t * (x1 - x), y + t * (y1 - y)]
            plus.append(cut)
            minus.append(cut)
    return plus, minus


def cells(polygon: ArrayLike, u: Any, beta: ArrayLike) -> list[np.ndarray]:
    """The polygon (k, 2) cut along every line u_k·x + β_k = 0, u (K, 2), beta (K,): corners (k', 2) of each cell."""
    found = [corners_of(polygon).tolist()]
    normals, offsets = finite("u", floats("u", u, (None, 2))), finite("beta", floats("beta", beta, (len(u),)))
    for (p, q), r in zip(normals.tolist(), offsets.tolist(), strict=True):
        tiny = 1e-14 * (abs(r) + max(abs(p * x + q * y) for x, y in found[0])) if found else 0  # a sliver of rounding is no cell
        cut: list = []
        for cell in found:
            s = [p * x + q * y + r for x, y in cell]
            cut.extend(parted(cell, s) if max(s) > tiny and min(s) < -tiny else (cell,))
        found = cut
    return [np.array(cell) for cell in found]


# ---- nodes
@cache
def gauss(q):
    """Nodes and weights of Gauss and Legendre's rule on [0, 1], exact to degree 2q − 1."""
    x, w = np.polynomial.legendre.leggauss(q)
    return (1 + x) / 2, w / 2


def interval_nodes(cuts: ArrayLike, q: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """q nodes of Gauss's rule between any two neighbours of the ascending cuts (k + 1,): nodes and weights, (k, q) each."""
    cuts = finite("cuts", floats("cuts", cuts, (None,)))
    if len(cuts) < 2 or (np.diff(cuts) < 0).any():
        raise ValueError(f"cuts: expected at least two numbers that do not descend, got {cuts}")
    s, w = gauss(whole("q", q, 1))
    h = np.diff(cuts)[:, None]
    return cuts[:-1, None] + h * s, h * w


def polygon_nodes(polygon: ArrayLike, q: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes (n, 2) and weights (n,) on a convex polygon (k, 2), exact for polynomials to degree 2q − 2 in all."""
    x, w = triangle_nodes(fans([corners_of(polygon)]), whole("q", q, 1))
    return x.reshape(-1, 2), w.ravel()


def fans(polygons):
    """Triangles (k, 3, 2), each polygon's from its first corner."""
    found = [np.stack([np.broadcast_to(p[0], p[1:-1].shape), p[1:-1], p[2:]], axis=1) for p in polygons if len(p) > 2]
    return np.concatenate(found) if found else np.zeros((0, 3, 2))


def triangle_nodes(triangles, q):
    """Duffy's map x = A + s (B − A) + s t (C − B) of the square: nodes (k, q², 2), weights (k, q²), Jacobian s |det|."""
    s, w = gauss(q)
    A, AB, BC = triangles[:, 0], triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 1]
    area = np.abs(AB[:, 0] * BC[:, 1] - AB[:, 1] * BC[:, 0])
    first, both = np.repeat(s, q), np.outer(s, s).ravel()
    x = A[:, None] + first[:, None] * AB[:, None] + both[:, None] * BC[:, None]
    return x, area[:, None] * np.outer(s * w, w).ravel()


class Pieces(NamedTuple):
    """A domain cut into pieces: a point inside each, and nodes and weights of Gauss's rule."""

    middle: np.ndarray  # (k, m)
    x: np.ndarray  # (k, q, m)
    w: np.ndarray  # (k, q)
    ends: np.ndarray  # (k, 2) of intervals

    def of(self, name: str, f: Target) -> np.ndarray:
        """f at the nodes, (k, q); ValueError unless it returns as many finite numbers."""
        if not callable(f):
            raise TypeError(f"{name}: expected a function of x, got {type(f).__name__}")
        flat = self.x.reshape(-1, self.x.shape[2])
        try:
            y = np.asarray(f(flat[:, 0] if flat.shape[1] == 1 else flat))
        except TypeError as e:  # math.exp, say
            raise TypeError(f"{name}: expected a function of arrays, (n,) of one input or (n, 2) of two, got {e}") from None
        if y.shape not in ((len(flat),), ()) or y.dtype.kind not in "fiu":
            raise ValueError(f"{name}: expected real numbers of shape ({len(flat)},), got {y.dtype} of shape {y.shape}")
        return np.broadcast_to(finite(f"{name}(x)", y.astype(float)), len(flat)).reshape(self.w.shape)

    def weights(self, density: Target | None) -> np.ndarray:
        """w h at the nodes, (k, q); ValueError if the density is negative somewhere."""
        if density is None:
            return self.w
        h = self.of("density", density)
        if (h < 0).any():
            raise ValueError(f"density: expected numbers >= 0, got {h.min()}")
        return self.w * h


def pieces(domain: Any, u: np.ndarray, beta: np.ndarray, nodes: int | None = None) -> Pieces:
    """The domain cut along u_k·x + β_k = 0, u (K, m), beta (K,), m = 1 or 2; `nodes` of Gauss's rule in each direction."""
    area = domain_of(domain)
    m = 1 if isinstance(area, tuple) else 2
    q = whole("nodes", NODES[m] if nodes is None else nodes, 1)
    if isinstance(area, tuple):
        low, high = area
        turns = u[:, 0] != 0
        with np.errstate(over="ignore"):  # far outside
            t = -beta[turns] / u[turns, 0]
        cuts = np.concatenate([[low], np.sort(t[(low < t) & (t < high)]), [high]])
        x, w = interval_nodes(cuts, q)
        return Pieces((cuts[:-1, None] + cuts[1:, None]) / 2, x[:, :, None], w, np.stack([cuts[:-1], cuts[1:]], axis=1))
    turns = (u != 0).any(axis=1)
    triangles = fans(cells(area, u[turns], beta[turns]))
    x, w = triangle_nodes(triangles, q)
    return Pieces(triangles.mean(axis=1), x, w, np.zeros((0, 2)))


# ---- the risk
def exact_risk(
    params: Any,
    target: Target,
    domain: Any,
    density: Target | None = None,
    breaks: Any = (),
    nodes: int | None = None,
    closed: bool = False,
) -> tuple[float, Any]:
    """∫ (R − f)² h over the domain, and its gradient in the parameters.

        ∂v_j = ∫ 2r h (l_j)⁺    ∂b_j = ∫ 2r h v_j 1{l_j > 0}    ∂w_j = ∫ 2r h v_j 1{l_j > 0} x    ∂c = ∫ 2r h    ∂a = ∫ 2r h x

    with r = R − f and l_j = w_j·x + b_j. Once, not twice, continuously differentiable in (w_j, b_j) as long as w_j is not 0.

    Parameters
    ----------
    params : Shallow, (W, b, v, c), (W, b, v, c, a), or what `mlp([m, n, 1], "relu", rng)` gives; m = 1 or 2
    target : callable x -> (n,), x (n,) for one input and (n, 2) for two
    domain : (low, high), or the corners (k, 2) of a convex polygon, in either direction
    density : callable like target, values >= 0, optional
        h; 1 by default. Not divided by its integral.
    breaks : array_like, shape (k,), or (k, 3)
        Where f or h is not smooth: points of the interval, or lines (u_1, u_2, β), u·x + β = 0. The rule is then cut there too.
    nodes : int, optional
        Of Gauss's rule in each direction of a piece: 20 for one input, 10 for two.
    closed : bool
        True: closed moments of the target instead, for one input and no density. The value then has an absolute error of the
        rounding of ∫ f², while Gauss's rule keeps the digits of a small risk.

    Returns
    -------
    value : float
    gradient : of the form of params

    Raises
    ------
    TypeError, ValueError
        If an argument is not as above, or target or density return something else or no finite numbers.
    """
    net, back = shallow(params)
    m = net.W.shape[1]
    if m > 2:
        raise ValueError(f"params: expected 1 or 2 inputs, got {m}")
    extra = planes_of(breaks, m)
    inputs = 1 if isinstance(domain_of(domain), tuple) else 2
    if inputs != m:
        raise ValueError(f"domain: expected one of {m} inputs, as params have, got one of {inputs}")
    cut = pieces(domain, np.concatenate([net.W, extra[:, :-1]]), np.concatenate([net.b, extra[:, -1]]), nodes)
    active = (cut.middle @ net.W.T + net.b > 0).astype(float)  # (k, n)
    slope, offset = active @ (net.v[:, None] * net.W) + skip(net), active @ (net.v * net.b) + net.c
    if closed:
        value, R0, R1 = by_moments(target, density, cut.ends, slope[:, 0], offset)
    else:
        w = cut.weights(density)
        r = np.matmul(cut.x, slope[:, :, None])[:, :, 0] + offset[:, None] - cut.of("target", target)
        g = w * r
        value, R0, R1 = np.vdot(g, r), 2 * g.sum(axis=1), 2 * np.matmul(g[:, None], cut.x)[:, 0]
    S0, S1 = active.T @ R0, active.T @ R1
    gradient = Shallow(
        W=net.v[:, None] * S1,
        b=net.v * S0,
        v=(S1 * net.W).sum(axis=1) + S0 * net.b,
        c=np.asarray(R0.sum()),
        a=() if without_skip(net) else R1.sum(axis=0),
    )
    return float(value), back(gradient)


def by_moments(target, density, ends, slope, offset):
    """∫ r², ∫ 2r and ∫ 2r x of r = slope x + offset − f on each interval, from the target's closed moments."""
    if not hasattr(target, "moments") or density is not None or len(ends) == 0:
        raise ValueError("closed: expected a target with .moments, an interval and no density")
    low, high = ends.T
    M0, M1, M2 = target.moments(low, high)
    X0, X1, X2 = high - low, (high**2 - low**2) / 2, (high**3 - low**3) / 3
    R0, R1 = slope * X1 + offset * X0 - M0, slope * X2 + offset * X1 - M1
    return np.sum(slope * (R1 - M1) + offset * (R0 - M0) + M2), 2 * R0, 2 * R1[:, None]


# ---- the doors
def domain_of(domain: Any) -> tuple[float, float] | np.ndarray:
    """(low, high), or the corners of a convex polygon; TypeError or ValueError otherwise."""
    a = finite("domain", floats("domain", domain)).astype(float)
    if a.shape == (2,):
        if not a[0] < a[1]:
            raise ValueError(f"domain: expected low < high, got ({a[0]}, {a[1]})")
        return float(a[0]), float(a[1])
    if a.ndim != 2 or a.shape[1] != 2 or len(a) < 3:
        raise ValueError(f"domain: expected (low, high), or corners (k, 2) of a convex polygon, k >= 3, got shape {a.shape}")
    edge = np.roll(a, -1, axis=0) - a
    after = np.roll(edge, -1, axis=0)
    turn = edge[:, 0] * after[:, 1] - edge[:, 1] * after[:, 0]
    around = np.sum(np.arctan2(turn, np.sum(edge * after, axis=1)))
    flat = 1e-12 * np.abs(edge).max() ** 2
    if not ((turn >= -flat).all() or (turn <= flat).all()) or abs(abs(around) - 2 * np.pi) > 1e-6 or not np.abs(turn).max() > flat:
        raise ValueError("domain: expected the corners of a convex polygon in order, got others")
    return a


def corners_of(polygon: Any) -> np.ndarray:
    """Corners (k, 2) of finite numbers, k >= 3; TypeError or ValueError otherwise."""
    corners = finite("polygon", floats("polygon", polygon, (None, 2))).astype(float)
    if len(corners) < 3:
        raise ValueError(f"polygon: expected at least three corners, got {len(corners)}")
    return corners


def planes_of(breaks: Any, m: int) -> np.ndarray:
    """breaks as rows (u, β) of planes u·x + β = 0, (k, m + 1)."""
    if np.size(breaks) == 0:
        return np.zeros((0, m + 1))
    a = finite("breaks", floats("breaks", breaks)).astype(float)
    if m == 1 and a.ndim == 1:
        return np.stack([np.ones_like(a), -a], axis=1)
    if m == 1 or a.ndim != 2 or a.shape[1] != m + 1:
        wanted = "points (k,)" if m == 1 else "lines (k, 3)"
        raise ValueError(f"breaks: expected {wanted}, got shape {a.shape}")
    return a
