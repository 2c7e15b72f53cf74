"""Responses, exact integrals and the risk, in wrong and in unusual ways."""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np

from refimpl.nn.shallow import Shallow, shallow, skip, without_skip
from wrong.corpus import entry

PAPER = "relu_existence"


# ---- right, in other ways
@entry(PAPER, "accept", "the response by loops over samples and neurons")
def response_by_loops(ours):
    def response(params, x):
        ours.response(params, x)
        net, _ = shallow(params)
        rows = np.reshape(np.asarray(x, float), (-1, net.W.shape[1]))
        return np.array([total(net, row) for row in rows])

    def total(net, row):
        inside = [float(w @ row) + b for w, b in zip(net.W, net.b, strict=True)]
        return float(net.c) + float(skip(net) @ row) + sum(v * z for v, z in zip(net.v, inside, strict=True) if z > 0)

    return {"response": response}


@entry(PAPER, "accept", "z⁺ as (z + |z|)/2, in long double")
def response_by_absolute_values(ours):
    def response(params, x):
        ours.response(params, x)
        net, _ = shallow(params)
        z = np.reshape(np.asarray(x, np.longdouble), (-1, net.W.shape[1])) @ net.W.T + net.b
        return (((z + np.abs(z)) / 2) @ net.v + net.c + np.reshape(x, (-1, net.W.shape[1])) @ skip(net)).astype(float)

    return {"response": response}


# ---- the risk, made of terms that can be spoiled: other cutting and other nodes than ours
def halves(corners, u, beta):
    """The parts of a convex polygon on either side of a line, by its two crossings with the border."""
    s = corners @ u + beta
    found = []
    for sign in (1, -1):
        part = []
        for i in range(len(corners)):
            j = (i + 1) % len(corners)
            if sign * s[i] >= 0:
                part.append(corners[i])
            if s[i] * s[j] < 0:
                part.append((s[j] * corners[i] - s[i] * corners[j]) / (s[j] - s[i]))
        found.append(np.array(part).reshape(-1, 2))
    return found


def area(corners):
    x, y = corners.T if len(corners) else (np.zeros(0), np.zeros(0))
    return (x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


def broken(polygon, u, beta):
    """The cells of a polygon between lines; slivers of rounding are left out."""
    found, tiny = [np.asarray(polygon, float)], 1e-15 * abs(area(np.asarray(polygon, float)))
    for normal, b in zip(u, beta, strict=True):
        if normal.any():
            found = [part for cell in found for part in halves(cell, normal, b) if len(part) > 2 and abs(area(part)) > tiny]
    return found


def gauss(q):
    x, w = np.polynomial.legendre.leggauss(q)
    return (1 + x) / 2, w / 2


def on_triangles(cells, q):
    """Nodes and weights on polygons, by triangles about their centres, collapsed squares with the corner at the centre."""
    s, w = gauss(q)
    xs, ws = [np.zeros((0, 2))], [np.zeros(0)]
    for corners in cells:
        centre = corners.mean(axis=0)
        for A, B in zip(corners, np.roll(corners, -1, axis=0), strict=True):
            det = abs((A - centre)[0] * (B - A)[1] - (A - centre)[1] * (B - A)[0])
            S, R = np.repeat(s, q), np.tile(s, q)
            xs.append(centre + S[:, None] * (A - centre) + (S * R)[:, None] * (B - A))
            ws.append(det * S * np.outer(w, w).ravel())
    return np.concatenate(xs), np.concatenate(ws)


def on_interval(domain, cuts, q):
    low, high = float(domain[0]), float(domain[1])
    ends = np.concatenate([[low], np.sort(cuts[(cuts > low) & (cuts < high)]), [high]])
    s, w = gauss(q)
    return (ends[:-1, None] + np.diff(ends)[:, None] * s).ravel()[:, None], (np.diff(ends)[:, None] * w).ravel()


def nodes(domain, u, beta, q=None):
    """Nodes (n, m) and weights (n,) on the domain cut along planes."""
    if np.ndim(domain) == 1:
        turns = u[:, 0] != 0
        return on_interval(domain, -beta[turns] / u[turns, 0], q or 24)
    return on_triangles(broken(domain, u, beta), q or 12)


def at(f, x):
    return np.broadcast_to(np.asarray(f(x[:, 0] if x.shape[1] == 1 else x), float), len(x))


def with_breaks(breaks, m):
    b = np.asarray(breaks, float)
    if b.size == 0:
        return np.zeros((0, m)), np.zeros(0)
    return (np.ones((len(b), 1)), -b) if b.ndim == 1 else (b[:, :-1], b[:, -1])


RISK: dict[str, Any] = {
    "u": lambda net: net.W,
    "beta": lambda net: net.b,
    "breaks": with_breaks,
    "nodes": nodes,
    "h": lambda density, x: np.ones(len(x)) if density is None else at(density, x),
    "dh": lambda h, domain: h,  # the density in the gradient
    "on": lambda l: (l > 0).astype(float),
    "value": lambda w, h, r: np.sum(w * h * r * r),
    "two": 2.0,
    "dv": lambda k, on, l: k @ (on * l),
    "db": lambda k, on, v: v * (k @ on),
    "dW": lambda k, on, v, x: v[:, None] * ((k[:, None] * on).T @ x),
    "dc": lambda k: np.asarray(np.sum(k)),
    "da": lambda k, x: k @ x,
    "response": lambda net, l, x: np.maximum(l, 0) @ net.v + net.c + x @ skip(net),
}


def risk(ours, **spoiled):
    """exact_risk with the terms given in place of the right ones; ours check what comes."""
    t = SimpleNamespace(**{**RISK, **spoiled})

    def exact_risk(params, target, domain, density=None, breaks=(), nodes=None, closed=False):
        ours.exact_risk(params, target, domain, density, breaks, nodes, closed)
        net, back = shallow(params)
        extra = t.breaks(breaks, net.W.shape[1])
        x, w = t.nodes(domain, np.concatenate([t.u(net), extra[0]]), np.concatenate([t.beta(net), extra[1]]), nodes)
        l, h = x @ net.W.T + net.b, t.h(density, x)
        r, on = t.response(net, l, x) - at(target, x), t.on(l)
        k = t.two * w * t.dh(h, domain) * r
        gradient = Shallow(
            t.dW(k, on, net.v, x), t.db(k, on, net.v), t.dv(k, on, l), t.dc(k), () if without_skip(net) else t.da(k, x)
        )
        return float(t.value(w, h, r)), back(gradient)

    return {"exact_risk": exact_risk}


@entry(PAPER, "accept", "polygons cut by their two crossings, triangles about their centres, two nodes more than ours")
def risk_by_other_pieces(ours):
    return risk(ours)


@entry(PAPER, "accept", "every piece halved twice, so that cuts stand where nothing breaks")
def risk_with_needless_cuts(ours):
    def more(domain, u, beta, q):
        if np.ndim(domain) == 1:
            low, high = map(float, domain)
            return nodes(
                domain, np.concatenate([u, np.ones((3, 1))]), np.append(beta, [-(low + k * (high - low) / 4) for k in (1, 2, 3)]), q
            )
        centre = np.mean(domain, axis=0)
        lines = np.array([[1.0, 0.3], [-0.2, 1.0]])
        return nodes(domain, np.concatenate([u, lines]), np.append(beta, -lines @ centre), q)

    return risk(ours, nodes=more)


# ---- wrong: the response
def responding(ours, of):
    """response by of(net, x)."""

    def response(params, x):
        ours.response(params, x)
        net, _ = shallow(params)
        return of(net, np.reshape(np.asarray(x, float), (-1, net.W.shape[1])))

    return {"response": response}


def plus(z):
    return np.maximum(z, 0)


@entry(PAPER, "reject", "w·x − b: thresholds subtracted; right for b = 0", by=("E23",))
def threshold_subtracted(ours):
    return responding(ours, lambda net, x: plus(x @ net.W.T - net.b) @ net.v + net.c + x @ skip(net))


@entry(PAPER, "reject", "the output bias is left out; right where it is 0", by=("E23",))
def response_without_output_bias(ours):
    return responding(ours, lambda net, x: plus(x @ net.W.T + net.b) @ net.v + x @ skip(net))


@entry(PAPER, "reject", "the skip connection is left out; right where there is none", by=("E23",))
def response_without_the_skip(ours):
    return responding(ours, lambda net, x: plus(x @ net.W.T + net.b) @ net.v + net.c)


@entry(PAPER, "reject", "the ReLU comes behind the outgoing weight: (v (w·x + b))⁺; right for v > 0", by=("E23",))
def relu_behind_the_outgoing_weight(ours):
    return responding(ours, lambda net, x: plus((x @ net.W.T + net.b) * net.v).sum(axis=1) + net.c + x @ skip(net))


@entry(PAPER, "reject", "the ReLU acts on the output, not on the neurons; right where all are on and the sum is", by=("E23",))
def relu_on_the_output(ours):
    return responding(ours, lambda net, x: plus((x @ net.W.T + net.b) @ net.v + net.c) + x @ skip(net))


@entry(PAPER, "reject", "leaky ReLU of slope 0.01; right where all neurons are on", by=("E23",))
def response_of_leaky_neurons(ours):
    def leaky(z):
        return np.where(z > 0, z, 0.01 * z)

    return responding(ours, lambda net, x: leaky(x @ net.W.T + net.b) @ net.v + net.c + x @ skip(net))


@entry(PAPER, "reject", "(w·x)⁺ + b: the threshold is added behind the ReLU; right for b = 0", by=("E23",))
def threshold_behind_the_relu(ours):
    return responding(ours, lambda net, x: (plus(x @ net.W.T) + net.b) @ net.v + net.c + x @ skip(net))


@entry(PAPER, "reject", "neurons with w = 0 are left out, though they are constants; right where none is, or b <= 0", by=("E23",))
def constant_neurons_left_out(ours):
    return responding(ours, lambda net, x: plus(x @ net.W.T + net.b * net.W.any(axis=1)) @ net.v + net.c + x @ skip(net))


# ---- wrong: the balanced representative
def balance(ours, factor):
    """balanced by factor(w, b, |v|), that of (w, b)."""

    def balanced(params):
        ours.balanced(params)
        net, back = shallow(params)
        rho, size = np.sqrt(np.sum(net.W**2, axis=1) + net.b**2), np.abs(net.v)
        works = (rho > 0) & (size > 0)
        with np.errstate(all="ignore"):
            s = np.where(works, factor(np.sqrt(np.sum(net.W**2, axis=1)), net.b, np.where(works, size, 1)), 0)
        return back(net._replace(W=net.W * s[:, None], b=net.b * s, v=net.v / np.where(works, s, 1)))

    return {"balanced": balanced}


@entry(PAPER, "accept", "balanced by logarithms")
def balanced_by_logarithms(ours):
    return balance(ours, lambda w, b, v: np.exp((np.log(v) - np.log(np.hypot(w, b))) / 2))


@entry(PAPER, "reject", "|v| = |w|, the threshold left out; right for b = 0", by=("E46",))
def balanced_without_the_threshold(ours):
    return balance(ours, lambda w, b, v: np.sqrt(v / np.where(w > 0, w, 1)))


@entry(PAPER, "reject", "the factor without its root; right where the form is balanced already", by=("E46",))
def balanced_without_the_root(ours):
    return balance(ours, lambda w, b, v: v / np.hypot(w, b))


@entry(PAPER, "reject", "unit rows in place of balanced ones", by=("E46",))
def normalised_not_balanced(ours):
    return balance(ours, lambda w, b, v: 1 / np.hypot(w, b))


# ---- wrong: the gradient of the risk
@entry(PAPER, "reject", "dE/dw lacks v; right for v = 1", by=("E22",))
def v_missing_in_dw(ours):
    return risk(ours, dW=lambda k, on, v, x: (k[:, None] * on).T @ x)


@entry(PAPER, "reject", "dE/db lacks v; right for v = 1", by=("E22",))
def v_missing_in_db(ours):
    return risk(ours, db=lambda k, on, v: k @ on)


@entry(PAPER, "reject", "dE/dw lacks x: it is that of the threshold", by=("E22",))
def x_missing_in_dw(ours):
    return risk(ours, dW=lambda k, on, v, x: v[:, None] * ((k[:, None] * on).T @ np.ones_like(x)))


@entry(PAPER, "reject", "dE/dv by w·x + b where neurons are off too; right where all are on", by=("E22",))
def dv_through_dead_neurons(ours):
    return risk(ours, dv=lambda k, on, l: k @ l)


@entry(PAPER, "reject", "dE/db and dE/dw through dead neurons; right where all are on", by=("E22",))
def gradient_through_dead_neurons(ours):
    return risk(ours, on=np.ones_like, dv=lambda k, on, l: k @ plus(l))


@entry(PAPER, "reject", "the gradient is that of the side where neurons are off", by=("E22",))
def gradient_of_the_wrong_side(ours):
    return risk(ours, on=lambda l: (l < 0).astype(float), dv=lambda k, on, l: k @ plus(l))


@entry(PAPER, "reject", "dE/dv = ∫ 2r 1{l > 0}, without l", by=("E22",))
def l_missing_in_dv(ours):
    return risk(ours, dv=lambda k, on, l: k @ on)


@entry(PAPER, "reject", "the gradient lacks the 2 of the square", by=("E28",))
def two_missing_in_the_gradient(ours):
    return risk(ours, two=1.0)


@entry(PAPER, "reject", "the gradient has the wrong sign: r = f − R", by=("E28",))
def gradient_with_the_wrong_sign(ours):
    return risk(ours, two=-2.0)


@entry(PAPER, "reject", "the density is left out of the gradient; right for h = 1", by=("E28",))
def density_missing_in_the_gradient(ours):
    return risk(ours, dh=lambda h, domain: np.ones_like(h))


@entry(PAPER, "reject", "dE/dc is 0: the output bias is not trained; right where residuals average to 0", by=("E28",))
def output_bias_not_trained(ours):
    return risk(ours, dc=lambda k: np.asarray(0.0))


@entry(PAPER, "reject", "dE/da is 0: the skip is not trained; right where there is none", by=("E13",))
def skip_not_trained(ours):
    return risk(ours, da=lambda k, x: np.zeros(x.shape[1]))


@entry(
    PAPER,
    "reject",
    "a spurious term of the moving break, −r² v at −b/w, is added to dE/db; right for more than one input",
    by=("E22",),
)
def spurious_boundary_term(ours):
    def exact_risk(params, target, domain, density=None, **options):
        value, gradient = ours.exact_risk(params, target, domain, density, **options)
        net, back = shallow(params)
        if net.W.shape[1] > 1:
            return value, gradient
        g, _ = shallow(gradient)
        live = net.W[:, 0] != 0
        t = np.where(live, -net.b / np.where(live, net.W[:, 0], 1), math.inf)
        inside = (t > domain[0]) & (t < domain[1])
        r = np.array(
            [
                float(ours.response(params, np.array([z]))[0] - at(target, np.array([[z]]))[0]) if ok else 0.0
                for z, ok in zip(t, inside, strict=True)
            ]
        )
        return value, back(g._replace(b=g.b - r**2 * net.v * inside))

    return {"exact_risk": exact_risk}


# ---- wrong: the value of the risk
@entry(
    PAPER,
    "reject",
    "the risk is divided by the length or area of the domain, value and gradient; right where that is 1",
    by=("E2",),
)
def risk_as_a_mean(ours):
    def exact_risk(params, target, domain, density=None, **options):
        value, gradient = ours.exact_risk(params, target, domain, density, **options)
        size = domain[1] - domain[0] if np.ndim(domain) == 1 else abs(area(np.asarray(domain, float)))
        g, back = shallow(gradient)
        return value / size, back(Shallow(*(part / size if np.size(part) else part for part in g)))

    return {"exact_risk": exact_risk}


@entry(PAPER, "reject", "half the risk, value and gradient", by=("E2",))
def risk_halved(ours):
    return risk(ours, value=lambda w, h, r: np.sum(w * h * r * r) / 2, two=1.0)


@entry(PAPER, "reject", "half the risk in value, the whole in gradient", by=("E2",))
def value_halved(ours):
    return risk(ours, value=lambda w, h, r: np.sum(w * h * r * r) / 2)


@entry(PAPER, "reject", "∫ |r| h in place of ∫ r² h; the gradient is that of the square", by=("E2",))
def risk_of_absolute_values(ours):
    return risk(ours, value=lambda w, h, r: np.sum(w * h * np.abs(r)))


@entry(PAPER, "reject", "the root of the risk; the gradient is that of the risk", by=("E2",))
def root_of_the_risk(ours):
    return risk(ours, value=lambda w, h, r: math.sqrt(np.sum(w * h * r * r)))


@entry(PAPER, "reject", "the density is left out, value and gradient; right for h = 1", by=("E2",))
def density_ignored(ours):
    return risk(ours, h=lambda density, x: np.ones(len(x)))


@entry(PAPER, "reject", "the density is divided by its integral; right for probability densities", by=("E2",))
def density_normalised(ours):
    def exact_risk(params, target, domain, density=None, breaks=(), nodes=None, closed=False):
        if density is None:
            return ours.exact_risk(params, target, domain, density, breaks, nodes, closed)
        m = 1 if np.ndim(domain) == 1 else 2
        empty = Shallow(np.zeros((0, m)), np.zeros(0), np.zeros(0), np.asarray(0.0))
        whole, _ = ours.exact_risk(empty, lambda x: np.ones(len(x)), domain, density, breaks, nodes)
        return ours.exact_risk(params, target, domain, lambda x: density(x) / whole, breaks, nodes)

    return {"exact_risk": exact_risk}


@entry(PAPER, "reject", "the skip connection is left out of the risk; right where there is none", by=("E2",))
def risk_without_the_skip(ours):
    return risk(ours, response=lambda net, l, x: plus(l) @ net.v + net.c)


# ---- wrong: where it is cut
@entry(PAPER, "reject", "Gauss's rule on the whole domain, not cut where neurons break; right where none does", by=("E2",))
def risk_not_cut(ours):
    return risk(ours, nodes=lambda domain, u, beta, q: nodes(domain, u[:0], beta[:0], q))


@entry(
    PAPER,
    "reject",
    "a grid of 2001 points, trapezoidal rule; right to 1e-6 for small parameters, it misses steep ramps",
    by=("E13",),
)
def risk_on_a_grid(ours):
    def grid(domain, u, beta, q):
        if np.ndim(domain) > 1:
            return nodes(domain, u, beta, q)
        x = np.linspace(domain[0], domain[1], 2001)
        w = np.full(2001, x[1] - x[0])
        w[[0, -1]] /= 2
        return x[:, None], w

    return risk(ours, nodes=grid)


@entry(PAPER, "reject", "breaks at −b, not at −b/w; right for |w| = 1 in one dimension with w > 0", by=("E22",))
def breaks_without_the_weight(ours):
    def one(domain, u, beta, q):
        return nodes(domain, np.sign(u) if u.shape[1] == 1 else u, beta, q)

    return risk(ours, nodes=one)


@entry(PAPER, "reject", "breaks at b/w: the sign is lost; right for b = 0", by=("E2",))
def breaks_with_the_wrong_sign(ours):
    return risk(ours, beta=lambda net: -net.b)


@entry(PAPER, "reject", "neurons that look to the left do not cut; right where all look to the right", by=("E2",))
def left_neurons_do_not_cut(ours):
    return risk(ours, u=lambda net: np.where(net.W[:, :1] > 0, net.W, 0))


@entry(PAPER, "reject", "the breaks of target and density are ignored; right for smooth ones", by=("E13",))
def given_breaks_ignored(ours):
    return risk(ours, breaks=lambda breaks, m: (np.zeros((0, m)), np.zeros(0)))


@entry(PAPER, "reject", "two nodes a piece, the rule that is exact for cubics; right for linear targets", by=("E2",))
def two_nodes_a_piece(ours):
    return risk(ours, nodes=lambda domain, u, beta, q: nodes(domain, u, beta, 2 if np.ndim(domain) == 1 else 3))


@entry(
    PAPER, "reject", "one neuron's line cuts the polygon, the others do not; right for one neuron, and on intervals", by=("E22",)
)
def polygon_cut_once(ours):
    return risk(
        ours,
        nodes=lambda domain, u, beta, q: nodes(domain, u, beta, q) if np.ndim(domain) == 1 else nodes(domain, u[:1], beta[:1], q),
    )


@entry(PAPER, "reject", "polygons are integrated over their bounding boxes; right for boxes, and on intervals", by=("E28",))
def polygon_as_its_box(ours):
    def box(domain, u, beta, q):
        if np.ndim(domain) == 1:
            return nodes(domain, u, beta, q)
        (x, y), (X, Y) = np.min(domain, axis=0), np.max(domain, axis=0)
        return nodes(np.array([[x, y], [X, y], [X, Y], [x, Y]]), u, beta, q)

    return risk(ours, nodes=box)


@entry(
    PAPER,
    "reject",
    "areas keep their sign, so that clockwise polygons have negative risk; right for the others, and on intervals",
    by=("E28",),
)
def area_with_a_sign(ours):
    def signed(domain, u, beta, q):
        x, w = nodes(domain, u, beta, q)
        return x, w if np.ndim(domain) == 1 else w * np.sign(area(np.asarray(domain, float)))

    return risk(ours, nodes=signed)


@entry(PAPER, "reject", "Duffy's map without its Jacobian's factor s; right on intervals", by=("E2",))
def jacobian_without_s(ours):
    def flat(domain, u, beta, q):
        if np.ndim(domain) == 1:
            return nodes(domain, u, beta, q)
        x, w = nodes(domain, u, beta, q)
        s = np.repeat(gauss(q or 12)[0], q or 12)
        return x, w / np.resize(s, len(w)) / 2

    return risk(ours, nodes=flat)


# ---- wrong: targets with closed moments
def moments(ours, name, change):
    """The target class with change(self, low, high, its moments)."""
    right = getattr(ours, name)

    def spoilt(self, low, high):
        return change(self, low, high, right.moments(self, low, high))

    return {name: type(name, (right,), {"moments": spoilt})}


@entry(PAPER, "accept", "a polynomial's moments by Gauss's rule")
def polynomial_moments_by_gauss(ours):
    def by_gauss(f, low, high, right):
        s, w = gauss(30)
        low, h = np.asarray(low, float), np.asarray(high, float) - low
        x = low[..., None] + h[..., None] * s
        return tuple(h * (g @ w) for g in (f(x), x * f(x), f(x) ** 2))

    return moments(ours, "Polynomial", by_gauss)


@entry(PAPER, "reject", "∫ f² as (∫ f)²", by=("E24",))
def second_moment_as_a_square(ours):
    return moments(ours, "Polynomial", lambda f, low, high, M: (M[0], M[1], M[0] ** 2))


@entry(PAPER, "reject", "∫ x f from the middle of the interval, as if x were relative; right about 0", by=("E24",))
def first_moment_about_the_middle(ours):
    return moments(ours, "Polynomial", lambda f, low, high, M: (M[0], M[1] - (low + high) / 2 * M[0], M[2]))


@entry(PAPER, "reject", "a polynomial's coefficients from the highest, value and moments; right for palindromes", by=("E24",))
def coefficients_from_the_highest(ours):
    def value(self, x):
        return ours.Polynomial(self.coefficients[::-1])(x)

    def spoilt(self, low, high):
        return ours.Polynomial(self.coefficients[::-1]).moments(low, high)

    return {"Polynomial": type("Polynomial", (ours.Polynomial,), {"__call__": value, "moments": spoilt})}


@entry(PAPER, "reject", "∫ sin(ωx + φ) = cos/ω: the sign of the antiderivative", by=("E24",))
def sine_moment_with_the_wrong_sign(ours):
    return moments(ours, "Sine", lambda f, low, high, M: (-M[0], M[1], M[2]))


@entry(PAPER, "reject", "∫ sin² = (b − a)/2 for every interval; right over whole periods", by=("E24",))
def sine_squared_averages_to_a_half(ours):
    return moments(ours, "Sine", lambda f, low, high, M: (M[0], M[1], (high - low) / 2 + 0 * M[2]))


@entry(PAPER, "reject", "the phase is left out of the moments; right for phase 0", by=("E24",))
def sine_moments_without_phase(ours):
    return moments(ours, "Sine", lambda f, low, high, M: ours.Sine(f.omega).moments(low, high))


@entry(PAPER, "reject", "∫ e^{2kx} with 1/k in place of 1/(2k)", by=("E24",))
def exponential_squared_with_the_single_rate(ours):
    return moments(ours, "Exponential", lambda f, low, high, M: (M[0], M[1], 2 * M[2]))


@entry(PAPER, "reject", "∫ x e^{kx} = x e^{kx}/k: the second term of the partial integration is forgotten", by=("E24",))
def exponential_first_moment_half_integrated(ours):
    def half(f, low, high, M):
        return M[0], (high * np.exp(f.rate * high) - low * np.exp(f.rate * low)) / f.rate, M[2]

    return moments(ours, "Exponential", half)


# ---- wrong: cutting and nodes alone
def clipping(ours, change):
    """clip by change(polygon, u, beta, plus, minus)."""

    def clip(polygon, u, beta):
        plus_, minus = ours.clip(polygon, u, beta)
        return change(np.asarray(polygon, float), np.asarray(u, float), float(beta), plus_, minus)

    return {"clip": clip}


def filled(part):
    return part if len(part) > 2 else np.zeros((0, 2))


@entry(PAPER, "accept", "clipping by the crossings of the border, each part found by itself")
def clip_by_crossings(ours):
    def crossings(polygon, u, beta, plus_, minus):
        s = polygon @ u + beta
        first, second = halves(polygon, u, beta)
        return first if s.max() > 0 else np.zeros((0, 2)), second if s.min() < 0 else np.zeros((0, 2))

    return clipping(ours, crossings)


@entry(PAPER, "reject", "the two parts exchanged", by=("E26",))
def parts_exchanged(ours):
    return clipping(ours, lambda polygon, u, beta, plus_, minus: (minus, plus_))


@entry(PAPER, "reject", "edges are cut in their middle; right for lines through it", by=("E26",))
def edges_cut_in_the_middle(ours):
    def middle(polygon, u, beta, plus_, minus):
        s, found = polygon @ u + beta, []
        for sign in (1, -1):
            part = []
            for i in range(len(polygon)):
                j = (i + 1) % len(polygon)
                part += [polygon[i]] if sign * s[i] >= 0 else []
                part += [(polygon[i] + polygon[j]) / 2] if s[i] * s[j] < 0 else []
            found.append(filled(np.array(part).reshape(-1, 2)))
        return tuple(found)

    return clipping(ours, middle)


@entry(PAPER, "reject", "the edge from the last corner to the first is forgotten; right where it is not crossed", by=("E26",))
def last_edge_forgotten(ours):
    def forgotten(polygon, u, beta, plus_, minus):
        s, found = polygon @ u + beta, []
        for sign in (1, -1):
            part = []
            for i in range(len(polygon)):
                part += [polygon[i]] if sign * s[i] >= 0 else []
                if i + 1 < len(polygon) and s[i] * s[i + 1] < 0:
                    part.append((s[i + 1] * polygon[i] - s[i] * polygon[i + 1]) / (s[i + 1] - s[i]))
            found.append(filled(np.array(part).reshape(-1, 2)))
        return tuple(found)

    return clipping(ours, forgotten)


@entry(
    PAPER,
    "reject",
    "corners are kept and crossings are not: no polygon is cut, corners are dropped; right where nothing is crossed",
    by=("E26",),
)
def crossings_not_added(ours):
    def dropped(polygon, u, beta, plus_, minus):
        s = polygon @ u + beta
        return filled(polygon[s >= 0]), filled(polygon[s <= 0])

    return clipping(ours, dropped)


@entry(PAPER, "reject", "cells by the first line only; right for one line", by=("E26",))
def cells_of_the_first_line(ours):
    return {"cells": lambda polygon, u, beta: ours.cells(polygon, np.asarray(u)[:1], np.asarray(beta)[:1])}


@entry(
    PAPER, "reject", "cells on the positive side of every line only: one cell; right where no line meets the polygon", by=("E26",)
)
def cells_on_the_positive_side(ours):
    def cells(polygon, u, beta):
        ours.cells(polygon, u, beta)
        left = np.asarray(polygon, float)
        for normal, b in zip(np.reshape(u, (-1, 2)), np.reshape(beta, -1), strict=True):
            left = ours.clip(left, normal, b)[0] if len(left) > 2 else left
        return [left] if len(left) > 2 else []

    return {"cells": cells}


@entry(PAPER, "accept", "nodes on triangles about the centre of the polygon")
def nodes_about_the_centre(ours):
    def polygon_nodes(polygon, q):
        ours.polygon_nodes(polygon, q)
        return on_triangles([np.asarray(polygon, float)], q)

    return {"polygon_nodes": polygon_nodes}


@entry(PAPER, "reject", "weights add up to half the area: 1/2 |det| for the square's Jacobian too", by=("E27",))
def weights_of_half_the_area(ours):
    def polygon_nodes(polygon, q):
        x, w = ours.polygon_nodes(polygon, q)
        return x, w / 2

    return {"polygon_nodes": polygon_nodes}


@entry(PAPER, "reject", "one node short: exact to degree 2q − 4 only; right for lower degrees", by=("E27",))
def one_node_short(ours):
    return {"polygon_nodes": lambda polygon, q: ours.polygon_nodes(polygon, max(q - 1, 1))}


@entry(
    PAPER,
    "reject",
    "the fan starts at every corner: each triangle is counted again and again; right for triangles in the sum",
    by=("E27",),
)
def fans_from_two_corners(ours):
    def polygon_nodes(polygon, q):
        x, w = ours.polygon_nodes(polygon, q)
        y, v = ours.polygon_nodes(np.roll(np.asarray(polygon, float), 1, axis=0), q)
        return np.concatenate([x, y]), np.concatenate([w, v])

    return {"polygon_nodes": polygon_nodes}


@entry(PAPER, "reject", "Gauss's weights are not scaled by the length of the piece; right for pieces of length 1", by=("E25",))
def interval_weights_not_scaled(ours):
    def interval_nodes(cuts, q=20):
        x, w = ours.interval_nodes(cuts, q)
        return x, w / np.diff(cuts)[:, None]

    return {"interval_nodes": interval_nodes}


@entry(PAPER, "reject", "equispaced nodes with equal weights, the midpoint rule; right for linear functions", by=("E25",))
def interval_midpoints(ours):
    def interval_nodes(cuts, q=20):
        _, w = ours.interval_nodes(cuts, q)
        h = np.diff(cuts)[:, None]
        return np.asarray(cuts)[:-1, None] + h * (np.arange(q) + 0.5) / q, np.broadcast_to(h / q, w.shape)

    return {"interval_nodes": interval_nodes}


@entry(PAPER, "reject", "nodes of [−1, 1] moved by the middle, not scaled; right for pieces of length 2", by=("E25",))
def interval_nodes_not_scaled(ours):
    def interval_nodes(cuts, q=20):
        _, w = ours.interval_nodes(cuts, q)
        cuts = np.asarray(cuts, float)
        return (cuts[:-1, None] + cuts[1:, None]) / 2 + np.polynomial.legendre.leggauss(q)[0], w

    return {"interval_nodes": interval_nodes}
