"""What it costs, or gains, to replace a jump by a ramp: laws with their predictions, and the same measured by exact integration.

    paper     here        meaning
    G, N_T    G, T        a generalized response with one jump, and the network with a ramp in its place
    H         on_plane    the plane of the jump, dS its surface measure: a point on an interval, a segment in a polygon
    u, w      below,      G − f on the side l < 0 of H, and u + g on the other
              above
    h         density

    (L1)  T ‖N_T − 1{l>0} g‖_p^p        ->  ∫_H |g|^{p+1} h dS / (2^p (p + 1))
    (L2)  T (err(N_T) − err(G))         ->  −(1/6) ∫_H |g|³ h dS                    centred, for every continuous f
    (L3)  the same, ramp at q           ->  that + ∫_H (q − g/2)(w² − u²) h dS      its sign may be positive
    (L4)  d err/dt for l -> l − t        =  ∫_H (u² − w²) h dS
    (L5)  T (change of ∫ L(· − f) h)    ->  ∫_H |g| [∫₀¹ L(u + s (w − u)) ds − (L(u) + L(w))/2] h dS, <= 0 for convex L
    (L6)  T² (err(N_T) − err(G))        ->  −g⁴/32       one input, h(x) = |x − ξ| at the jump ξ

Derived. (L2) is why a jump is never optimal for a continuous target where H meets the inside of {h > 0}: across H the residual of
the ramp runs from u to w, with mean square (u² + uw + w²)/3 in place of (u² + w²)/2.

The plane must meet the inside of the domain, farther from its border than the ramp is wide; one that misses it costs nothing.
Differences are integrated over the wedge alone, where N_T − G is affine on each piece: nothing cancels.

Reading order: Law, the laws, the pieces they are measured on.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from refimpl.doors import floats
from refimpl.papers.relu_existence.generalized import Generalized, checked, entry, multiplicity, steepness
from refimpl.papers.relu_existence.integrate import Pieces, Target, domain_of, gauss, parted, pieces

FINE = 64  # nodes where a loss is not smooth at 0


class Law(NamedTuple):
    """predicted, the limit; measured, at the T given. Numbers in units of the risk, times T (or T²)."""

    predicted: float
    measured: float


def distance_law(G: Generalized, T: float, domain: Any, p: float = 1, density: Target | None = None) -> Law:
    """(L1): how far the centred ramp is from the jump in L^p, to the power p, times T. p >= 1."""
    G, T = one_jump(G), steepness(T)
    p = float(floats("p", p, ()))
    if not 1 <= p < np.inf:
        raise ValueError(f"p: expected a number >= 1, got {p:g}")
    x, w = on_plane(G, domain, density)
    predicted = np.sum(w * np.abs(jump(G, x)) ** (p + 1)) / (2**p * (p + 1))
    cut, change, _ = wedge(G, T, None, domain, FINE)
    return Law(float(predicted), float(T * np.sum(cut.weights(density) * np.abs(change) ** p)))


def risk_law(G: Generalized, T: float, target: Target, domain: Any, density: Target | None = None, q: float | None = None) -> Law:
    """(L2), or (L3) for a ramp at the number q: the change of the squared risk, times T."""
    G, T = one_jump(G), steepness(T)
    x, w = on_plane(G, domain, density)
    g, below = jump(G, x), background(G, x) - at("target", target, x)
    above = below + g
    off_centre = 0 if q is None else np.sum(w * (float(entry("q", q, ())) - g / 2) * (above**2 - below**2))
    predicted = -np.sum(w * np.abs(g) ** 3) / 6 + off_centre
    cut, change, old = wedge(G, T, q, domain)
    return Law(float(predicted), float(T * np.sum(cut.weights(density) * change * (change + 2 * (old - cut.of("target", target))))))


def loss_law(
    G: Generalized, T: float, target: Target, domain: Any, loss: Callable[[np.ndarray], Any], density: Target | None = None
) -> Law:
    """(L5): the change of ∫ L(response − f) h for a loss L, callable on arrays of residuals, times T; centred ramp."""
    if not callable(loss):
        raise TypeError(f"loss: expected a function of residuals, got {type(loss).__name__}")
    G, T = one_jump(G), steepness(T)
    x, w = on_plane(G, domain, density)
    g, below = jump(G, x), background(G, x) - at("target", target, x)
    above = below + g
    predicted = np.sum(w * np.abs(g) * (mean_between(loss, below, above) - (loss(below) + loss(above)) / 2))
    at_zero = -G.beta[:0]
    if len(G.a) == 1 and (below * above < 0).any():  # where the ramp's residual is 0, a loss such as |r|^p is not smooth
        at_zero = G.beta + (g / 2 + below) / T
    cut, change, old = wedge(G, T, None, domain, FINE, at_zero)
    r = old - cut.of("target", target)
    return Law(float(predicted), float(T * np.sum(cut.weights(density) * (loss(r + change) - loss(r)))))


def shape_law(G: Generalized, target: Target, domain: Any, density: Target | None = None, step: float = 1e-4) -> Law:
    """(L4): the derivative of the risk when the jump moves, l -> l − t; measured as a central difference of that step."""
    G = one_jump(G)
    step = float(entry("step", step, ()))
    if not step > 0:
        raise ValueError(f"step: expected a number > 0, got {step:g}")
    x, w = on_plane(G, domain, density)
    g, below = jump(G, x), background(G, x) - at("target", target, x)
    cut = pieces(domain, np.repeat(G.u, 2, axis=0), np.array([G.beta[0] - step, G.beta[0] + step]))
    between = np.abs(cut.middle @ G.u[0] + G.beta[0]) < step  # there the jump is on the left of t = step, and on the right of −step
    flat = cut.x.reshape(-1, cut.x.shape[2])
    r = background(G, flat).reshape(cut.w.shape) - cut.of("target", target)
    slab = np.sum((cut.weights(density) * (r**2 - (r + jump(G, flat).reshape(cut.w.shape)) ** 2))[between])
    return Law(float(np.sum(w * (below**2 - (below + g) ** 2))), float(slab / (2 * step)))


def touching_law(G: Generalized, T: float, target: Target, reach: float) -> Law:
    """(L6): where the density touches zero at the jump, h(x) = |x − ξ| on |x − ξ| < reach, one input: the change times T²."""
    G, T = one_jump(G), steepness(T)
    if len(G.a) != 1:
        raise ValueError(f"G: expected one input, got {len(G.a)}")
    xi = float(-G.beta[0] / G.u[0, 0])
    g = float(jump(G, np.array([[xi]]))[0])
    reach = float(entry("reach", reach, ()))
    if not reach > abs(g) / T:
        raise ValueError(f"reach: expected more than the width of the ramp, {abs(g) / T:g}, got {reach:g}")
    law = risk_law(G, T, target, (xi - reach, xi + reach), density=lambda x: np.abs(x - xi))
    return Law(-(g**4) / 32, T * law.measured)


def generalized_risk(G: Generalized, target: Target, domain: Any, density: Target | None = None, nodes: int | None = None) -> float:
    """∫ (G − f)² h over the domain, cut along its planes."""
    G = checked(G)
    cut = pieces(domain, G.u, G.beta, nodes)
    on = cut.middle @ G.u.T + G.beta > 0
    slope, offset = on @ G.slope + G.a, on @ G.offset + G.c
    r = np.matmul(cut.x, slope[:, :, None])[:, :, 0] + offset[:, None] - cut.of("target", target)
    return float(np.sum(cut.weights(density) * r * r))


# ---- the pieces they are measured on
def jump(G: Generalized, x: np.ndarray) -> np.ndarray:
    """g at points x (n, m), (n,)."""
    return x @ G.slope[0] + G.offset[0]


def background(G: Generalized, x: np.ndarray) -> np.ndarray:
    """The affine part at points x (n, m), (n,)."""
    return x @ G.a + G.c


def wedge(
    G: Generalized, T: float, q: float | None, domain: Any, nodes: int | None = None, more: Any = ()
) -> tuple[Pieces, np.ndarray, np.ndarray]:
    """The domain cut along the jump, the ramp's two breaks, g = 0, and u·x + t = 0 for t of more; N_T − G and G at nodes (k, q)."""
    q_slope, q_offset = (G.slope[0] / 2, G.offset[0] / 2) if q is None else (0 * G.slope[0], float(entry("q", q, ())))
    u, beta, slope, offset = G.u[0], G.beta[0], G.slope[0], G.offset[0]
    first = u + q_slope / T, beta + q_offset / T
    second = u + (q_slope - slope) / T, beta + (q_offset - offset) / T
    planes = np.array([u, first[0], second[0], slope] + [u] * len(more))
    cut = pieces(domain, planes, np.array([beta, first[1], second[1], offset, *more]), nodes)
    on, rising, risen = (cut.middle @ normal + b > 0 for normal, b in ((u, beta), first, second))
    # N_T − G = [rising] (T l + q) − [risen] (T l + q − g) − [on] g, whose T l + q cancel where both neurons are on, or both off
    steep = rising.astype(float) - risen
    l, g, at_q = (np.matmul(cut.x, a) + b for a, b in ((u, beta), (slope, offset), (q_slope, q_offset)))
    change = steep[:, None] * (T * l + at_q) + (risen.astype(float) - on)[:, None] * g
    old = np.matmul(cut.x, G.a) + G.c + on[:, None] * g
    return cut, change, old


def on_plane(G: Generalized, domain: Any, density: Target | None) -> tuple[np.ndarray, np.ndarray]:
    """Points x (n, m) of the jump's plane inside the domain, and weights (n,) for ∫_H · h dS; cut where g is 0."""
    area, u, beta = domain_of(domain), G.u[0], G.beta[0]
    if isinstance(area, tuple) != (len(u) == 1):
        raise ValueError(f"domain: expected one of {len(u)} inputs, as G has, got {domain}")
    if isinstance(area, tuple):
        xi = -beta / u[0]
        inside = area[0] < xi < area[1]
        x, w = np.full((int(inside), 1), xi), np.ones(int(inside))
    else:
        plus, _ = parted(area.tolist(), (area @ u + beta).tolist())
        ends = np.array(plus).reshape(-1, 2)
        ends = ends[np.argsort(np.abs(ends @ u + beta))[:2]]  # the two corners on the line
        if len(ends) < 2 or np.abs(ends @ u + beta).max() > 1e-12 * (1 + np.abs(beta)) or not ((area @ u + beta) < 0).any():
            return np.zeros((0, 2)), np.zeros(0)
        g = jump(G, ends)
        t = [0.0, *([g[0] / (g[0] - g[1])] if g[0] * g[1] < 0 else []), 1.0]
        s, v = gauss(FINE)
        along = np.concatenate([a + (b - a) * s for a, b in pairwise(t)])
        length = float(np.sqrt(np.sum((ends[1] - ends[0]) ** 2)))
        w = np.concatenate([(b - a) * length * v for a, b in pairwise(t)])
        x = ends[0] + along[:, None] * (ends[1] - ends[0])
    return x, w if density is None else w * at("density", density, x)


def at(name: str, f: Target, x: np.ndarray) -> np.ndarray:
    """f at points x (n, m), (n,)."""
    if not callable(f):
        raise TypeError(f"{name}: expected a function of x, got {type(f).__name__}")
    y = np.asarray(f(x[:, 0] if x.shape[1] == 1 else x), float)
    if y.shape not in ((len(x),), ()) or not np.isfinite(y).all():
        raise ValueError(f"{name}: expected finite numbers of shape ({len(x)},), got shape {y.shape}")
    return np.broadcast_to(y, len(x))


def mean_between(loss: Callable, below: np.ndarray, above: np.ndarray) -> np.ndarray:
    """∫₀¹ L(u + s (w − u)) ds, cut at the zero of the residual; s runs as t² from there, which smooths |r|^p."""
    with np.errstate(divide="ignore", invalid="ignore"):
        zero = np.where(below * above < 0, below / (below - above), 0.0)[:, None]
    t, v = gauss(FINE)
    total = np.zeros(len(below))
    for end in (np.zeros_like(zero), np.ones_like(zero)):
        s = zero + (end - zero) * t**2
        r = below[:, None] + s * (above - below)[:, None]
        total += np.sum(np.abs(end - zero) * 2 * t * v * loss(r), axis=1)
    return total


# ---- the doors
def one_jump(G: Any) -> Generalized:
    """G, if it has one plane and a jump there."""
    G = checked(G)
    if len(G.u) != 1 or multiplicity(G)[0] != 2:
        raise ValueError(f"G: expected one plane with a jump, got multiplicities {multiplicity(G).tolist()}")
    return G
