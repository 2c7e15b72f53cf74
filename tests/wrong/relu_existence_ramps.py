"""Generalized responses, ramps in place of their jumps, and the laws of these; in wrong and in unusual ways."""

import math
from itertools import pairwise

import numpy as np

from refimpl.nn.shallow import Shallow
from wrong.corpus import entry
from wrong.relu_existence import PAPER, at, gauss, halves, nodes


# ---- generalized responses
def responding(ours, of):
    """generalized_response by of(G, x, l, g), l and g (n, K)."""

    def generalized_response(G, x):
        ours.generalized_response(G, x)
        rows = np.reshape(np.asarray(x, float), (-1, len(G.a)))
        return of(G, rows, rows @ G.u.T + G.beta, rows @ G.slope.T + G.offset)

    return {"generalized_response": generalized_response}


@entry(PAPER, "accept", "the response of a generalized response by loops")
def generalized_by_loops(ours):
    def loops(G, x, l, g):
        return np.array(
            [
                float(G.c) + float(G.a @ row) + sum(b for a, b in zip(li, gi, strict=True) if a > 0)
                for row, li, gi in zip(x, l, g, strict=True)
            ]
        )

    return responding(ours, loops)


@entry(PAPER, "reject", "1{l > 0} as a sign, ±1: the jump is twice as high", by=("E20",))
def half_spaces_as_signs(ours):
    return responding(ours, lambda G, x, l, g: G.c + x @ G.a + (np.sign(l) * g).sum(axis=1))


@entry(PAPER, "reject", "the half-space on the other side, 1{l < 0}", by=("E20",))
def half_spaces_turned_round(ours):
    return responding(ours, lambda G, x, l, g: G.c + x @ G.a + ((l < 0) * g).sum(axis=1))


@entry(PAPER, "reject", "l⁺ g in place of 1{l > 0} g", by=("E20",))
def relu_in_place_of_the_indicator(ours):
    return responding(ours, lambda G, x, l, g: G.c + x @ G.a + (np.maximum(l, 0) * g).sum(axis=1))


@entry(PAPER, "reject", "1{l > 0} g⁺: jumps go up only; right where g > 0", by=("E20",))
def jumps_go_up_only(ours):
    return responding(ours, lambda G, x, l, g: G.c + x @ G.a + ((l > 0) * np.maximum(g, 0)).sum(axis=1))


@entry(PAPER, "reject", "jumps have a constant height, the slope of g is left out; right for slope 0", by=("E20",))
def constant_jumps(ours):
    return responding(ours, lambda G, x, l, g: G.c + x @ G.a + ((l > 0) * G.offset).sum(axis=1))


@entry(PAPER, "reject", "u is normalised, β is not: the planes move; right for unit rows", by=("E21",))
def planes_moved_by_normalising(ours):
    def generalized(a, c, u, beta, slope, offset):
        G = ours.generalized(a, c, u, beta, slope, offset)
        return G._replace(beta=np.asarray(beta, float).copy())

    return {"generalized": generalized}


@entry(PAPER, "reject", "slope and offset are divided by |u| with the plane: jumps change; right for unit rows", by=("E21",))
def jumps_normalised_with_the_plane(ours):
    def generalized(a, c, u, beta, slope, offset):
        G = ours.generalized(a, c, u, beta, slope, offset)
        r = np.sqrt(np.sum(np.asarray(u, float) ** 2, axis=1))
        return G._replace(slope=G.slope / r[:, None], offset=G.offset / r)

    return {"generalized": generalized}


def counting(ours, of):
    def multiplicity(G, tol=1e-12):
        ours.multiplicity(G, tol)
        return np.array([of(*parts, tol) for parts in zip(G.u, G.beta, G.slope, G.offset, strict=True)], dtype=int)

    return {"multiplicity": multiplicity}


@entry(PAPER, "accept", "multiplicity by the rank of (u, β) and (slope, offset)")
def multiplicity_by_rank(ours):
    def rank(u, beta, slope, offset, tol):
        rows = np.array([[*u, beta], [*slope, offset]])
        return 1 if np.linalg.matrix_rank(rows / np.maximum(np.abs(rows).max(axis=1, keepdims=True), 1e-300), tol=1e-11) < 2 else 2

    return counting(ours, rank)


@entry(PAPER, "reject", "a plane is a kink where slope ∥ u, whatever the offset: parallel jumps count once", by=("E21",))
def kinks_by_the_slope_alone(ours):
    def parallel(u, beta, slope, offset, tol):
        return 1 if np.abs(slope - (slope @ u) * u).max() <= 1e-12 * np.abs(slope).max() else 2

    return counting(ours, parallel)


@entry(PAPER, "reject", "a plane is a kink where g is 0 at its point next to the origin; right for one input", by=("E21",))
def kinks_at_one_point(ours):
    def next_to_the_origin(u, beta, slope, offset, tol):
        size = np.abs(slope).max() + abs(offset)
        return 1 if abs(slope @ (-beta * u) + offset) <= 1e-12 * size * (1 + abs(beta)) else 2

    return counting(ours, next_to_the_origin)


@entry(PAPER, "reject", "every plane counts twice", by=("E21",))
def every_plane_twice(ours):
    return counting(ours, lambda *parts: 2)


@entry(PAPER, "reject", "every plane counts once", by=("E21",))
def every_plane_once(ours):
    return counting(ours, lambda *parts: 1)


@entry(PAPER, "accept", "the dimension with all sums of slopes built one plane after the other")
def dimension_by_sums(ours):
    def dimension(G, tol=1e-12):
        ours.dimension(G, tol)
        sums = [np.asarray(G.a)]
        for slope in G.slope:
            sums += [s + slope for s in sums]
        size = tol * (np.abs(G.a).max() + np.abs(G.slope).sum())
        return int(np.sum(ours.multiplicity(G, tol))) + (min(np.abs(s).max() for s in sums) > size)

    return {"dimension": dimension}


@entry(PAPER, "reject", "the affine part is not counted; right where turning neurons round makes it, or there is none", by=("E21",))
def affine_part_not_counted(ours):
    return {"dimension": lambda G, tol=1e-12: int(np.sum(ours.multiplicity(G, tol)))}


@entry(PAPER, "reject", "the affine part costs a neuron wherever a is not 0; right where no turning makes it", by=("E21",))
def affine_part_always_counted(ours):
    return {"dimension": lambda G, tol=1e-12: int(np.sum(ours.multiplicity(G, tol)) + bool(np.any(G.a)))}


@entry(PAPER, "reject", "all neurons are turned, or none: no other subset is tried; right for one plane", by=("E21",))
def all_or_none_turned(ours):
    def dimension(G, tol=1e-12):
        right = int(np.sum(ours.multiplicity(G, tol)))
        size = 1e-12 * (np.abs(G.a).max() + np.abs(G.slope).sum())
        return right + (min(np.abs(G.a).max(), np.abs(G.a + G.slope.sum(axis=0)).max()) > size)

    return {"dimension": dimension}


@entry(PAPER, "reject", "subsets must add up to a, not to −a: a − Σ slope; right for a = 0", by=("E21",))
def subsets_with_the_wrong_sign(ours):
    return {"dimension": lambda G, tol=1e-12: ours.dimension(G._replace(a=-G.a), tol)}


def seen(G, domain):
    """(least, largest) of each l over the domain, (K,) each."""
    if np.ndim(domain) == 0:
        return G.beta - domain, G.beta + domain
    corners = np.reshape(domain, (-1, 1)) if np.ndim(domain) == 1 else np.asarray(domain, float)
    l = corners @ G.u.T + G.beta
    return l.min(axis=0), l.max(axis=0)


def simplified(ours, of):
    """simplify by of(G, least l, largest l) -> (on, met), masks of planes."""

    def simplify(G, domain):
        ours.simplify(G, domain)
        on, met = of(G, *seen(G, domain))
        return type(G)(G.a + G.slope[on].sum(axis=0), G.c + G.offset[on].sum(), G.u[met], G.beta[met], G.slope[met], G.offset[met])

    return {"simplify": simplify}


@entry(PAPER, "reject", "planes that miss the domain are dropped, also where they are on; right where they are off", by=("E21",))
def missing_planes_dropped(ours):
    return simplified(ours, lambda G, low, high: (np.zeros(len(low), bool), (low < -1e-12) & (high > 1e-12)))


@entry(PAPER, "reject", "planes that miss the domain are added to the affine part, also where they are off", by=("E21",))
def missing_planes_added(ours):
    return simplified(ours, lambda G, low, high: (~((low < -1e-12) & (high > 1e-12)), (low < -1e-12) & (high > 1e-12)))


@entry(PAPER, "reject", "nothing is simplified; right where all planes meet the domain", by=("E21",))
def nothing_simplified(ours):
    return {"simplify": lambda G, domain: (ours.simplify(G, domain), G)[1]}


@entry(PAPER, "reject", "planes that only touch the border stay; right for all others", by=("E21",))
def touching_planes_stay(ours):
    return simplified(ours, lambda G, low, high: (low > 1e-14, (low <= 1e-14) & (high >= -1e-14)))


@entry(PAPER, "reject", "a plane that is on keeps its constant, its slope is forgotten", by=("E21",))
def slope_of_missing_planes_forgotten(ours):
    def simplify(G, domain):
        right = ours.simplify(G, domain)
        return right._replace(a=np.asarray(G.a, float).copy())

    return {"simplify": simplify}


# ---- ramps
def ramps(ours, pair=None, kinks=True, affine=True):
    """ramp by pair(l, g, q, T) -> two neurons (w, b, v); l, g, q are (slope (m,), offset)."""

    def right(l, g, q, T):
        return [(l[0] + q[0] / T, l[1] + q[1] / T, T), (l[0] + (q[0] - g[0]) / T, l[1] + (q[1] - g[1]) / T, -T)]

    def ramp(G, T, q=None):
        ours.ramp(G, T, q)
        neurons = []
        for u, beta, slope, offset, times in zip(G.u, G.beta, G.slope, G.offset, ours.multiplicity(G), strict=True):
            if times == 2:
                where = (slope / 2, offset / 2) if q is None else (0 * slope, q)
                neurons += (pair or right)((u, beta), (slope, offset), where, T)
            elif kinks:
                neurons.append((u, beta, slope @ u))
        W, b, v = (np.array([neuron[k] for neuron in neurons], dtype=float) for k in range(3))
        return Shallow(W.reshape(-1, len(G.a)), b, v, G.c, G.a if affine else 0 * G.a)

    return {"ramp": ramp}


@entry(PAPER, "accept", "ramps one after the other, their two neurons side by side")
def ramps_one_by_one(ours):
    return ramps(ours)


@entry(PAPER, "accept", "T goes into the neurons, outgoing weights are ±1")
def steepness_inside(ours):
    def inside(l, g, q, T):
        return [(T * l[0] + q[0], T * l[1] + q[1], 1.0), (T * l[0] + q[0] - g[0], T * l[1] + q[1] - g[1], -1.0)]

    return ramps(ours, inside)


@entry(PAPER, "accept", "falling from the other side: both neurons look back, their sum g is taken off, a ramp all the same")
def ramps_turned_round(ours):
    def ramp(G, T, q=None):
        right = ours.ramp(G, T, q)
        n = int(np.sum(ours.multiplicity(G) == 2))
        turn = np.arange(len(right.v)) < 2 * n
        W, b, v = (np.where(turn.reshape(-1, *[1] * (part.ndim - 1)), -part, part) for part in (right.W, right.b, right.v))
        v = np.where(turn, -v, v)
        return Shallow(
            W, b, v, right.c + np.sum((right.v * right.b)[turn]), right.a + (right.v[:, None] * right.W)[turn].sum(axis=0)
        )

    return {"ramp": ramp}


@entry(PAPER, "reject", "the second threshold with q + g in place of q − g: beyond the wedge the ramp is −g", by=("E5",))
def second_threshold_with_a_plus(ours):
    def pair(l, g, q, T):
        return [(l[0] + q[0] / T, l[1] + q[1] / T, T), (l[0] + (q[0] + g[0]) / T, l[1] + (q[1] + g[1]) / T, -T)]

    return ramps(ours, pair)


@entry(PAPER, "reject", "ramps start at the plane, q = 0, when nothing is said: not centred", by=("E5",))
def ramps_start_at_the_plane(ours):
    return {"ramp": lambda G, T, q=None: ours.ramp(G, T, 0.0 if q is None else q)}


@entry(PAPER, "reject", "q is a fraction of g; right where it is not given", by=("E5",))
def q_as_a_fraction(ours):
    def ramp(G, T, q=None):
        if q is None:
            return ours.ramp(G, T)
        found = ramps(ours, lambda l, g, where, T: pair(l, g, T, q))["ramp"]
        return found(G, T, q)

    def pair(l, g, T, q):
        return [
            (l[0] + q * g[0] / T, l[1] + q * g[1] / T, T),
            (l[0] + (q - 1) * g[0] / T, l[1] + (q - 1) * g[1] / T, -T),
        ]

    return {"ramp": ramp}


@entry(PAPER, "reject", "both neurons have the outgoing weight T", by=("E5",))
def ramps_without_the_minus(ours):
    def pair(l, g, q, T):
        return [(l[0] + q[0] / T, l[1] + q[1] / T, T), (l[0] + (q[0] - g[0]) / T, l[1] + (q[1] - g[1]) / T, T)]

    return ramps(ours, pair)


@entry(PAPER, "reject", "q and g are not divided by T: the wedge does not become thinner; right for T = 1", by=("E5",))
def wedge_of_constant_width(ours):
    def pair(l, g, q, T):
        return [(l[0] + q[0], l[1] + q[1], T), (l[0] + q[0] - g[0], l[1] + q[1] - g[1], -T)]

    return ramps(ours, pair)


@entry(
    PAPER,
    "reject",
    "the jump's slope is left out of the thresholds: beyond the wedge the ramp is constant; right for constant jumps",
    by=("E5",),
)
def ramps_to_a_constant(ours):
    def pair(l, g, q, T):
        return [(l[0], l[1] + q[1] / T, T), (l[0], l[1] + (q[1] - g[1]) / T, -T)]

    return ramps(ours, pair)


@entry(PAPER, "reject", "T² in place of T outside: right in width, not in height; right for T = 1", by=("E5",))
def ramps_too_steep(ours):
    def pair(l, g, q, T):
        return [(l[0] + q[0] / T, l[1] + q[1] / T, T * T), (l[0] + (q[0] - g[0]) / T, l[1] + (q[1] - g[1]) / T, -T * T)]

    return ramps(ours, pair)


@entry(PAPER, "reject", "kinks are forgotten; right where every plane jumps", by=("E20",))
def kinks_forgotten(ours):
    return ramps(ours, kinks=False)


@entry(PAPER, "reject", "the skip is forgotten; right where the affine part is constant", by=("E5",))
def ramps_without_the_skip(ours):
    return ramps(ours, affine=False)


@entry(PAPER, "reject", "kinks get |κ|: the sign of their neurons is lost; right for κ > 0", by=("E20",))
def kinks_without_sign(ours):
    def ramp(G, T, q=None):
        right = ours.ramp(G, T, q)
        kinks = np.arange(len(right.v)) >= 2 * int(np.sum(ours.multiplicity(G) == 2))
        return right._replace(v=np.where(kinks, np.abs(right.v), right.v))

    return {"ramp": ramp}


# ---- laws
def plane(G, domain, density):
    """Points (n, m) of the jump's plane inside the domain, and weights (n,) of ∫_H · h dS."""
    u, beta = G.u[0], G.beta[0]
    if np.ndim(domain) == 1:
        xi = -beta / u[0]
        x = np.array([[xi]]) if domain[0] < xi < domain[1] else np.zeros((0, 1))
        w = np.ones(len(x))
    else:
        along = np.array([-u[1], u[0]])
        part = halves(np.asarray(domain, float), u, beta)[0]
        on = [corner @ along for corner in part if abs(corner @ u + beta) < 1e-9]
        if len(on) < 2:
            return np.zeros((0, 2)), np.zeros(0)
        rise, height = G.slope[0] @ along, G.slope[0] @ (-beta * u) + G.offset[0]
        zero = -height / rise if rise != 0 else math.inf
        cuts = [min(on), *([zero] if min(on) < zero < max(on) else []), max(on)]
        s, v = gauss(50)
        t = np.concatenate([a + (b - a) * s for a, b in pairwise(cuts)])
        w = np.concatenate([(b - a) * v for a, b in pairwise(cuts)])
        x = -beta * u + t[:, None] * along
    return x, w if density is None else w * at(density, x)


def across(G, x, target=None):
    """g, and the residuals u and w on either side, at points of the plane."""
    g = x @ G.slope[0] + G.offset[0]
    u = x @ G.a + G.c - (0 if target is None else at(target, x))
    return g, u, u + g


def risk_density(g, u, w, q, cubed=lambda g: -(np.abs(g) ** 3) / 6):
    return cubed(g) + (0 if q is None else (q - g / 2) * (w * w - u * u))


def with_term(cubed):
    """The density of the risk with another term for |g|³/6."""
    return lambda g, u, w, q: risk_density(g, u, w, q, cubed)


def mean_loss(loss, u, w):
    """∫₀¹ L(u + s (w − u)) ds, cut at 0, with s = t³ from there."""
    s, v = gauss(40)
    total = np.zeros(len(u))
    for k, (a, b) in enumerate(zip(u, w, strict=True)):
        for end in (a, b) if a * b < 0 else ():
            total[k] += abs(end) / abs(b - a) * np.sum(v * 3 * s**2 * loss(end * s**3))
        if a * b >= 0:
            near, far = (a, b) if abs(a) < abs(b) else (b, a)
            total[k] = np.sum(v * 2 * s * loss(near + (far - near) * s**2))
    return total


def laws(ours, *, distance=None, risk=None, loss=None, shape=None, touching=None, weights=True):
    """The laws with these densities on the plane in place of the right ones; weights=False leaves h out of the prediction."""

    def integral(of, G, domain, density, target=None):
        x, w = plane(G, domain, density if weights else None)
        return float(np.sum(w * of(*across(G, x, target))))

    def distance_law(G, T, domain, p=1, density=None):
        right = ours.distance_law(G, T, domain, p, density)
        of = distance or (lambda g, p: np.abs(g) ** (p + 1) / (2**p * (p + 1)))
        return right._replace(predicted=integral(lambda g, u, w: of(g, p), G, domain, density))

    def risk_law(G, T, target, domain, density=None, q=None):
        right = ours.risk_law(G, T, target, domain, density, q)
        return right._replace(predicted=integral(lambda g, u, w: (risk or risk_density)(g, u, w, q), G, domain, density, target))

    def loss_law(G, T, target, domain, loss_, density=None):
        right = ours.loss_law(G, T, target, domain, loss_, density)
        of = loss or (lambda g, u, w, L: np.abs(g) * (mean_loss(L, u, w) - (L(u) + L(w)) / 2))
        return right._replace(predicted=integral(lambda g, u, w: of(g, u, w, loss_), G, domain, density, target))

    def shape_law(G, target, domain, density=None, **options):
        right = ours.shape_law(G, target, domain, density, **options)
        of = shape or (lambda g, u, w: u * u - w * w)
        return right._replace(predicted=integral(of, G, domain, density, target))

    def touching_law(G, T, target, reach, *more):
        right = ours.touching_law(G, T, target, reach, *more)
        xi = -G.beta / G.u[0]
        return right._replace(predicted=float((touching or (lambda g: -(g**4) / 32))(xi @ G.slope[0] + G.offset[0])))

    found = {
        "distance_law": distance_law,
        "risk_law": risk_law,
        "loss_law": loss_law,
        "shape_law": shape_law,
        "touching_law": touching_law,
    }
    given = {"distance_law": distance, "risk_law": risk, "loss_law": loss, "shape_law": shape, "touching_law": touching}
    return found if not any(given.values()) else {name: found[name] for name, of in given.items() if of}


@entry(PAPER, "accept", "the laws predicted on a plane that is parametrised by its length, other nodes")
def laws_along_the_plane(ours):
    return laws(ours)


@entry(PAPER, "accept", "the risk of a ramp measured as the difference of two exact risks")
def risk_law_by_two_risks(ours):
    def risk_law(G, T, target, domain, density=None, q=None):
        right = ours.risk_law(G, T, target, domain, density, q)
        net = ours.ramp(G, T, q)
        u, beta = np.concatenate([G.u, net.W]), np.concatenate([G.beta, net.b])
        x, w = nodes(domain, u, beta)
        h = np.ones(len(x)) if density is None else at(density, x)
        f, g = at(target, x), np.where(x @ G.u[0] + G.beta[0] > 0, x @ G.slope[0] + G.offset[0], 0)
        old, new = x @ G.a + G.c + g, np.maximum(x @ net.W.T + net.b, 0) @ net.v + net.c + x @ net.a
        return right._replace(measured=float(T * np.sum(w * h * ((new - f) ** 2 - (old - f) ** 2))))

    return {"risk_law": risk_law}


@entry(PAPER, "reject", "(L2) with 1/3, the mean square of the ramp's residual alone", by=("E1", "E19"))
def risk_law_with_a_third(ours):
    return laws(ours, risk=with_term(lambda g: -(np.abs(g) ** 3) / 3))


@entry(PAPER, "reject", "(L2) with 1/12, the variance of a uniform distribution", by=("E19",))
def risk_law_with_a_twelfth(ours):
    return laws(ours, risk=with_term(lambda g: -(np.abs(g) ** 3) / 12))


@entry(PAPER, "reject", "(L2) with a plus: ramps cost", by=("E19",))
def risk_law_with_a_plus(ours):
    return laws(ours, risk=with_term(lambda g: np.abs(g) ** 3 / 6))


@entry(PAPER, "reject", "(L2) with g³ in place of |g|³; right for g > 0", by=("E3",))
def risk_law_without_absolute_value(ours):
    return laws(ours, risk=with_term(lambda g: -(g**3) / 6))


@entry(PAPER, "reject", "(L2) with g²: the thickness of the wedge is taken for 1/T; right for |g| = 1", by=("E1", "E19"))
def risk_law_with_g_squared(ours):
    return laws(ours, risk=with_term(lambda g: -(g**2) / 6))


@entry(PAPER, "reject", "the density is left out of the predictions; right for h = 1", by=("E19",))
def predictions_without_density(ours):
    return laws(ours, weights=False)


@entry(PAPER, "reject", "(L3) with q in place of q − g/2; right where q is not given", by=("E19",))
def placement_from_zero(ours):
    return laws(ours, risk=lambda g, u, w, q: -(np.abs(g) ** 3) / 6 + (0 if q is None else q * (w * w - u * u)))


@entry(PAPER, "reject", "(L3) with u² − w²; right where q is not given", by=("E19",))
def placement_with_the_wrong_sign(ours):
    return laws(ours, risk=lambda g, u, w, q: -(np.abs(g) ** 3) / 6 - (0 if q is None else (q - g / 2) * (w * w - u * u)))


@entry(PAPER, "reject", "(L3) is (L2) wherever the ramp stands; right where q is not given", by=("E19",))
def placement_ignored(ours):
    return laws(ours, risk=lambda g, u, w, q: -(np.abs(g) ** 3) / 6)


@entry(PAPER, "reject", "every ramp is said to improve: (L3) with −|·|; right where it does", by=("E19",))
def every_ramp_improves(ours):
    return laws(ours, risk=lambda g, u, w, q: -np.abs(risk_density(g, u, w, q)))


@entry(PAPER, "reject", "(L1) with |g|^p in place of |g|^(p+1); right for |g| = 1", by=("E4", "E19"))
def distance_law_one_power_short(ours):
    return laws(ours, distance=lambda g, p: np.abs(g) ** p / (2**p * (p + 1)))


@entry(PAPER, "reject", "(L1) without 2^p: a ramp that starts at the plane", by=("E19",))
def distance_law_not_centred(ours):
    return laws(ours, distance=lambda g, p: np.abs(g) ** (p + 1) / (p + 1))


@entry(PAPER, "reject", "(L1) with p in place of p + 1 below", by=("E19",))
def distance_law_divided_by_p(ours):
    return laws(ours, distance=lambda g, p: np.abs(g) ** (p + 1) / (2**p * p))


@entry(PAPER, "reject", "(L1) for p = 1, whatever p; right for that", by=("E19",))
def distance_law_of_p_one(ours):
    return laws(ours, distance=lambda g, p: g**2 / 4)


@entry(PAPER, "reject", "(L1) says 0: the distance is said to vanish faster than 1/T", by=("E19",))
def distance_said_to_vanish(ours):
    return laws(ours, distance=lambda g, p: 0 * g)


@entry(PAPER, "reject", "(L4) with the wrong sign, for l + t in place of l − t", by=("E14", "E19"))
def shape_law_with_the_wrong_sign(ours):
    return laws(ours, shape=lambda g, u, w: w * w - u * u)


@entry(PAPER, "reject", "(L4) is 0: no term of the moving jump, as for continuous networks", by=("E19",))
def shape_law_without_boundary_term(ours):
    return laws(ours, shape=lambda g, u, w: 0 * g)


@entry(PAPER, "reject", "(L4) with −g²: the square of the difference for the difference of squares; right where w = 0", by=("E19",))
def shape_law_with_the_square_of_the_jump(ours):
    return laws(ours, shape=lambda g, u, w: g * g)


@entry(PAPER, "reject", "(L4) with |u| − |w|, that of the absolute loss", by=("E19",))
def shape_law_of_absolute_values(ours):
    return laws(ours, shape=lambda g, u, w: np.abs(u) - np.abs(w))


@entry(PAPER, "reject", "(L5) with the loss at the mean residual in place of its mean; right for linear losses", by=("E16", "E19"))
def loss_at_the_middle(ours):
    return laws(ours, loss=lambda g, u, w, L: np.abs(g) * (L((u + w) / 2) - (L(u) + L(w)) / 2))


@entry(PAPER, "reject", "(L5) with the wrong sign", by=("E19",))
def loss_law_with_the_wrong_sign(ours):
    return laws(ours, loss=lambda g, u, w, L: np.abs(g) * ((L(u) + L(w)) / 2 - mean_loss(L, u, w)))


@entry(PAPER, "reject", "(L5) without |g|, the thickness; right for |g| = 1", by=("E19",))
def loss_law_without_the_thickness(ours):
    return laws(ours, loss=lambda g, u, w, L: mean_loss(L, u, w) - (L(u) + L(w)) / 2)


@entry(PAPER, "reject", "(L5) of the square, whatever the loss; right for that", by=("E19",))
def loss_law_of_the_square(ours):
    return laws(ours, loss=lambda g, u, w, L: -(np.abs(g) ** 3) / 6)


@entry(PAPER, "reject", "(L5) with L(u) in place of (L(u) + L(w))/2: the ramp on one side only", by=("E19",))
def loss_law_of_one_side(ours):
    return laws(ours, loss=lambda g, u, w, L: np.abs(g) * (mean_loss(L, u, w) - L(u)))


@entry(PAPER, "reject", "(L6) with 1/16", by=("E18",))
def touching_law_with_a_sixteenth(ours):
    return laws(ours, touching=lambda g: -(g**4) / 16)


@entry(PAPER, "reject", "(L6) with |g|³, as if the density were constant; right for |g| = 1", by=("E18",))
def touching_law_one_power_short(ours):
    return laws(ours, touching=lambda g: -(np.abs(g) ** 3) / 32)


@entry(PAPER, "reject", "(L6) with a plus: no improvement where the density touches 0", by=("E18",))
def touching_law_with_a_plus(ours):
    return laws(ours, touching=lambda g: g**4 / 32)


# ---- wrong: how a law is measured
def measured(ours, names, change):
    """The laws with change(measured, T) for what is measured."""

    def make(name):
        def law(G, T, *others, **options):
            right = getattr(ours, name)(G, T, *others, **options)
            return right._replace(measured=change(right.measured, T))

        return law

    return {name: make(name) for name in names}


@entry(PAPER, "reject", "the change is not multiplied by T; right for T = 1", by=("E19",))
def change_not_scaled(ours):
    return measured(ours, ("distance_law", "risk_law", "loss_law"), lambda change, T: change / T)


@entry(PAPER, "reject", "the change of a touching density is multiplied by T, not by T²", by=("E18",))
def touching_change_scaled_once(ours):
    return measured(ours, ("touching_law",), lambda change, T: change / T)


@entry(PAPER, "reject", "the distance itself, not its power p; right for p = 1", by=("E19",))
def distance_without_its_power(ours):
    def distance_law(G, T, domain, p=1, density=None):
        right = ours.distance_law(G, T, domain, p, density)
        return right._replace(measured=T * (right.measured / T) ** (1 / p))

    return {"distance_law": distance_law}


@entry(PAPER, "reject", "measured on a grid of 2001 points: wedges of width 1/T fall through; right for two inputs", by=("E19",))
def change_measured_on_a_grid(ours):
    def risk_law(G, T, target, domain, density=None, q=None):
        right = ours.risk_law(G, T, target, domain, density, q)
        if np.ndim(domain) > 1:
            return right
        x = np.linspace(domain[0], domain[1], 2001)
        h = 1.0 if density is None else density(x)
        old, new = ours.generalized_response(G, x), ours.response(ours.ramp(G, T, q), x)
        change = h * ((new - target(x)) ** 2 - (old - target(x)) ** 2)
        return right._replace(measured=float(T * np.sum((change[1:] + change[:-1]) / 2) * (x[1] - x[0])))

    return {"risk_law": risk_law}


@entry(PAPER, "reject", "measured with the ramp that starts at the plane, whatever is asked; right for q = 0", by=("E19",))
def change_of_another_ramp(ours):
    def risk_law(G, T, target, domain, density=None, q=None):
        right = ours.risk_law(G, T, target, domain, density, q)
        return right._replace(measured=ours.risk_law(G, T, target, domain, density, 0.0).measured)

    return {"risk_law": risk_law}


@entry(PAPER, "reject", "the derivative measured as that of l + t: its sign", by=("E19",))
def shape_measured_backwards(ours):
    def shape_law(G, target, domain, density=None, **options):
        right = ours.shape_law(G, target, domain, density, **options)
        return right._replace(measured=-right.measured)

    return {"shape_law": shape_law}


def risks(ours, value):
    """generalized_risk by value(x, w, r) of points, weights and residuals."""

    def generalized_risk(G, target, domain, density=None, nodes_=None):
        ours.generalized_risk(G, target, domain, density)
        x, w = nodes(domain, G.u, G.beta)
        r = x @ G.a + G.c + ((x @ G.u.T + G.beta > 0) * (x @ G.slope.T + G.offset)).sum(axis=1) - at(target, x)
        h = np.ones(len(x)) if density is None else at(density, x)
        return float(value(w, h, r))

    return {"generalized_risk": generalized_risk}


@entry(PAPER, "accept", "the risk of a generalized response on other pieces")
def generalized_risk_on_other_pieces(ours):
    return risks(ours, lambda w, h, r: np.sum(w * h * r * r))


@entry(PAPER, "reject", "the risk of a generalized response without its density; right for h = 1", by=("E2",))
def generalized_risk_without_density(ours):
    return risks(ours, lambda w, h, r: np.sum(w * r * r))


@entry(PAPER, "reject", "the risk of a generalized response as a mean over its domain", by=("E2",))
def generalized_risk_as_a_mean(ours):
    return risks(ours, lambda w, h, r: np.sum(w * h * r * r) / np.sum(w))


@entry(PAPER, "reject", "the risk of a generalized response is not cut where it jumps; right where it does not", by=("E2",))
def generalized_risk_not_cut(ours):
    def generalized_risk(G, target, domain, density=None, nodes_=None):
        ours.generalized_risk(G, target, domain, density)
        x, w = nodes(domain, G.u[:0], G.beta[:0])
        h = np.ones(len(x)) if density is None else at(density, x)
        return float(np.sum(w * h * (ours.generalized_response(G, x) - at(target, x)) ** 2))

    return {"generalized_risk": generalized_risk}


@entry(PAPER, "accept", "simplified by the corners of the domain, plane by plane")
def simplified_plane_by_plane(ours):
    def simplify(G, domain):
        ours.simplify(G, domain)
        tiny = 1e-14 * (1 + np.abs(G.beta))
        low, high = seen(G, domain)
        a, c, left = np.array(G.a), G.c, []
        for k, plane_ in enumerate(zip(G.u, G.beta, G.slope, G.offset, strict=True)):
            if low[k] >= -tiny[k]:
                a, c = a + plane_[2], c + plane_[3]
            elif high[k] > tiny[k]:
                left.append(plane_)
        m, found = len(a), [np.array([plane_[k] for plane_ in left], dtype=float) for k in range(4)]
        return type(G)(a, c, found[0].reshape(-1, m), found[1], found[2].reshape(-1, m), found[3])

    return {"simplify": simplify}
