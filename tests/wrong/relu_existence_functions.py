"""Canonical forms and minimal networks, budgets, and the counterexamples; in wrong and in unusual ways."""

import math
import warnings
from itertools import product
from types import SimpleNamespace
from typing import Any

import numpy as np

from refimpl.nn import (
    relu_backward,
    relu_forward,
    sigmoid_backward,
    sigmoid_forward,
    softplus_backward,
    softplus_forward,
    tanh_backward,
    tanh_forward,
)
from refimpl.nn.shallow import Shallow, shallow, skip
from wrong.corpus import entry
from wrong.relu_existence import PAPER, gauss


# ---- the canonical form, neuron by neuron, made of terms that can be spoiled
def reach(domain, n):
    """(least, largest) n·x over the domain."""
    if np.ndim(domain) == 0:
        return -domain, domain
    if len(domain) == 2:
        low, high = (np.broadcast_to(end, n.shape) for end in domain)
        return np.minimum(n * low, n * high).sum(), np.maximum(n * low, n * high).sum()
    values = np.asarray(domain) @ n
    return values.min(), values.max()


def orientation(n, tol):
    """The sign of the first entry that is not 0."""
    return next((1 if x > 0 else -1 for x in n if abs(x) > min(tol, 0.5 / math.sqrt(len(n)))), 1)


def same(p, q, tol):
    return np.abs(p[0] - q[0]).max() <= tol and abs(p[1] - q[1]) <= tol * max(1, abs(q[1]))


FORM: dict[str, Any] = {
    "length": lambda w: math.hypot(*w),
    "beta": lambda b, r: b / r,
    "kappa": lambda v, r: v * r,
    "constant": lambda v, b: v * max(b, 0.0),
    "misses": lambda low, high, beta, tol: (low + beta >= -tol, high + beta <= tol),
    "on": lambda kappa, n, beta: (kappa * n, kappa * beta),
    "orientation": orientation,
    "turned": lambda kappa, n, beta: (-kappa * n, -kappa * beta),  # with the new (n, beta)
    "same": same,
    "dropped": lambda kappa, size, tol: abs(kappa) <= tol * size,
    "forget": lambda kappa, n, beta: (0 * n, 0.0),  # taken off the affine part when a plane without a kink is dropped
    "skip": skip,
    "order": lambda planes, tol: sorted(planes, key=lambda plane: (*np.round(plane[0] / tol), plane[1])),
}


def forms(ours, **spoiled):
    """canonical_form with the terms given in place of the right ones; ours check what comes."""
    t = SimpleNamespace(**{**FORM, **spoiled})

    def canonical_form(params, domain=None, tol=1e-9):
        with warnings.catch_warnings():
            right = ours.canonical_form(params, domain, tol)
        net, _ = shallow(params)
        c0, a = float(net.c), np.array(t.skip(net), float)
        planes: list[tuple] = []  # (n, beta, kappa, Σ|kappa|)
        for w, b, v in zip(net.W, net.b, net.v, strict=True):
            r = t.length(w)
            if r == 0:
                c0 += t.constant(v, b)
                continue
            n, beta, kappa = w / r, t.beta(b, r), t.kappa(v, r)
            on = off = False
            if domain is not None:
                low, high = reach(domain, n)
                on, off = t.misses(low, high, beta, tol * max(1.0, abs(low), abs(high)))
            if on or off:
                da, dc = t.on(kappa, n, beta) if on else (0, 0)
                a, c0 = a + da, c0 + dc
                continue
            sign = t.orientation(n, tol)
            n, beta = sign * n, sign * beta
            if sign < 0:
                da, dc = t.turned(kappa, n, beta)
                a, c0 = a + da, c0 + dc
            at = next((k for k, plane in enumerate(planes) if t.same((n, beta), plane, tol)), None)
            if at is None:
                planes.append((n, beta, kappa, abs(kappa)))
            else:
                planes[at] = (*planes[at][:2], planes[at][2] + kappa, planes[at][3] + abs(kappa))
        kept = []
        for n, beta, kappa, size in planes:
            if t.dropped(kappa, size, tol):
                da, dc = t.forget(size, n, beta)
                a, c0 = a + da, c0 + dc
            else:
                kept.append((n, beta, kappa))
        kept = t.order(kept, tol)
        n, beta, kappa = (np.array([plane[k] for plane in kept], dtype=float) for k in range(3))
        return type(right)(np.asarray(c0), a, n.reshape(-1, len(a)), beta, kappa)

    return {"canonical_form": canonical_form}


@entry(PAPER, "accept", "the canonical form neuron by neuron")
def form_neuron_by_neuron(ours):
    return forms(ours)


@entry(PAPER, "acceptable", "planes from the last to the first: the form says sorted, not which way")
def planes_sorted_downwards(ours):
    def canonical_form(params, domain=None, tol=1e-9):
        form = ours.canonical_form(params, domain, tol)
        return form._replace(n=form.n[::-1], beta=form.beta[::-1], kappa=form.kappa[::-1])

    return {"canonical_form": canonical_form}


@entry(PAPER, "reject", "a neuron turned round leaves c₀ as it is: −κβ is forgotten; right for β = 0", by=("E11",))
def turning_without_the_constant(ours):
    return forms(ours, turned=lambda kappa, n, beta: (-kappa * n, 0.0))


@entry(PAPER, "reject", "a neuron turned round leaves a as it is: −κn is forgotten", by=("E36",))
def turning_without_the_slope(ours):
    return forms(ours, turned=lambda kappa, n, beta: (0 * n, -kappa * beta))


@entry(PAPER, "reject", "a neuron turned round adds κ (n·x + β) with the new (n, β): the wrong sign", by=("E36",))
def turning_with_a_plus(ours):
    return forms(ours, turned=lambda kappa, n, beta: (kappa * n, kappa * beta))


@entry(PAPER, "reject", "n and −n are one plane, nothing is added: x⁺ and (−x)⁺ become the same", by=("E36",))
def turned_without_a_word(ours):
    return forms(ours, turned=lambda kappa, n, beta: (0 * n, 0.0))


@entry(PAPER, "reject", "neurons are not turned: n and −n are two planes; right where all look the same way", by=("E36",))
def neurons_not_turned(ours):
    return forms(ours, orientation=lambda n, tol: 1)


@entry(PAPER, "reject", "a turned neuron changes the sign of κ too, as if ReLU were odd", by=("E36",))
def turned_as_if_odd(ours):
    def canonical_form(params, domain=None, tol=1e-9):
        net, back = shallow(params)
        sign = np.array([orientation(w / max(math.hypot(*w), 1e-300), tol) if w.any() else 1 for w in net.W])
        return ours.canonical_form(back(net._replace(W=net.W * sign[:, None], b=net.b * sign, v=net.v * sign)), domain, tol)

    return {"canonical_form": canonical_form}


@entry(
    PAPER,
    "reject",
    "the orientation looks at the first entry only: n = (0, ±1) stay two planes; right where no first entry is 0",
    by=("E36",),
)
def orientation_by_the_first_entry(ours):
    return forms(ours, orientation=lambda n, tol: -1 if n[0] < -tol else 1)


@entry(PAPER, "reject", "a plane whose kinks cancel takes its affine part with it: x⁺ − (−x)⁺ becomes 0", by=("E36",))
def affine_part_dropped_with_its_plane(ours):
    def canonical_form(params, domain=None, tol=1e-9):
        form = ours.canonical_form(params, domain, tol)
        net, back = shallow(params)
        live = net.W.any(axis=1)
        r = np.where(live, np.sqrt(np.sum(net.W**2, axis=1)), 1)
        n, beta = net.W / r[:, None], net.b / r
        gone = [
            j
            for j in np.flatnonzero(live)
            if not any(
                min(np.abs(n[j] - s * m).max() + abs(beta[j] - s * q) for s in (1, -1)) < 1e-6
                for m, q in zip(form.n, form.beta, strict=True)
            )
        ]
        if domain is not None or not gone:
            return form
        keep = np.setdiff1d(np.arange(len(net.b)), gone)
        return ours.canonical_form(back(net._replace(W=net.W[keep], b=net.b[keep], v=net.v[keep])), domain, tol)

    return {"canonical_form": canonical_form}


@entry(
    PAPER,
    "reject",
    "equal planes are not merged: a neuron split into two gives another form; right where all planes differ",
    by=("E37",),
)
def equal_planes_not_merged(ours):
    return forms(ours, same=lambda p, q, tol: False)


@entry(PAPER, "reject", "planes are merged where their numbers are equal to the last bit; right without rounding", by=("E37",))
def planes_merged_bit_by_bit(ours):
    return forms(ours, same=lambda p, q, tol: np.array_equal(p[0], q[0]) and p[1] == q[1])


@entry(PAPER, "reject", "planes are merged by their normals: parallel ones become one; right where none are parallel", by=("E37",))
def parallel_planes_merged(ours):
    return forms(ours, same=lambda p, q, tol: np.abs(p[0] - q[0]).max() <= tol)


@entry(PAPER, "reject", "planes are merged within 0.3, whatever tol; right where none are near", by=("E37",))
def planes_merged_generously(ours):
    return forms(ours, same=lambda p, q, tol: same(p, q, 0.3))


@entry(PAPER, "reject", "κ = v: the length of w is lost; right for unit rows", by=("E36",))
def kink_without_the_length(ours):
    return forms(ours, kappa=lambda v, r: v)


@entry(PAPER, "reject", "β = b, not divided by |w|; right for unit rows and for b = 0", by=("E11",))
def plane_without_the_length(ours):
    return forms(ours, beta=lambda b, r: b)


@entry(PAPER, "reject", "(w, b) is normalised as one vector: n is shorter than 1; right for b = 0", by=("E11",))
def plane_normalised_with_its_threshold(ours):
    def canonical_form(params, domain=None, tol=1e-9):
        form = ours.canonical_form(params, domain, tol)
        size = np.sqrt(1 + form.beta**2)
        return form._replace(n=form.n / size[:, None], beta=form.beta / size, kappa=form.kappa * size)

    return {"canonical_form": canonical_form}


@entry(PAPER, "reject", "neurons with w = 0 are dropped with their constant; right for b <= 0", by=("E11",))
def constant_neurons_dropped(ours):
    return forms(ours, constant=lambda v, b: 0.0)


@entry(PAPER, "reject", "neurons with w = 0 count v b, off or on; right for b >= 0", by=("E11",))
def constant_neurons_without_relu(ours):
    return forms(ours, constant=lambda v, b: v * b)


@entry(PAPER, "reject", "the skip connection is left out; right where there is none", by=("E11",))
def form_without_the_skip(ours):
    return forms(ours, skip=lambda net: np.zeros(net.W.shape[1]))


@entry(PAPER, "reject", "planes in the order in which neurons came: permuted networks differ", by=("E11",))
def planes_not_sorted(ours):
    return forms(ours, order=lambda planes, tol: planes)


@entry(
    PAPER,
    "reject",
    "planes are sorted by their normals only, parallel ones stay as they came; right where none are parallel",
    by=("E11",),
)
def parallel_planes_not_sorted(ours):
    return forms(ours, order=lambda planes, tol: sorted(planes, key=lambda plane: tuple(np.round(plane[0] / tol))))


@entry(PAPER, "reject", "kinks smaller than 0.1 count as none; right for larger ones", by=("E11",))
def small_kinks_dropped(ours):
    return forms(ours, dropped=lambda kappa, size, tol: abs(kappa) <= max(0.1, tol * size))


@entry(PAPER, "reject", "neurons with κ = 0 stay; right where none is dead", by=("E36",))
def dead_neurons_stay(ours):
    return forms(ours, dropped=lambda kappa, size, tol: False)


@entry(PAPER, "reject", "the domain is ignored: planes outside it break all the same; right on all of R^m", by=("E48",))
def domain_ignored(ours):
    return {"canonical_form": lambda params, domain=None, tol=1e-9: ours.canonical_form(params, None, tol)}


@entry(PAPER, "reject", "planes that miss the domain are dropped, on or off; right where they are off", by=("E12",))
def neurons_on_everywhere_dropped(ours):
    return forms(ours, on=lambda kappa, n, beta: (0 * n, 0.0))


@entry(PAPER, "reject", "on and off exchanged for planes that miss the domain", by=("E48",))
def neurons_off_everywhere_added(ours):
    return forms(ours, misses=lambda low, high, beta, tol: (high + beta <= tol, low + beta >= -tol))


@entry(PAPER, "reject", "planes that touch the border of the domain break it; right for all others", by=("E48",))
def touching_planes_break(ours):
    return forms(ours, misses=lambda low, high, beta, tol: (low + beta > tol, high + beta < -tol))


@entry(PAPER, "reject", "a box is the ball round it; planes through its missing corners break; right for balls", by=("E48",))
def box_as_a_ball(ours):
    def canonical_form(params, domain=None, tol=1e-9):
        ours.canonical_form(params, domain, tol)
        if np.ndim(domain) > 0 and len(domain) == 2:
            m = shallow(params)[0].W.shape[1]
            corners = np.maximum(*(np.abs(np.broadcast_to(end, (m,))) for end in domain))
            domain = float(np.sqrt(np.sum(corners**2)))
        return ours.canonical_form(params, domain, tol)

    return {"canonical_form": canonical_form}


# ---- wrong: equality
@entry(
    PAPER,
    "accept",
    "equality by the forms of both, compared entry by entry, and by the form of their difference where these differ",
)
def equality_by_two_forms(ours):
    def same_function(params, other, domain=None, tol=1e-9):
        right = ours.same_function(params, other, domain, tol)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            f, g = (ours.canonical_form(net, domain, tol) for net in (params, other))
        equal = all(np.array_equal(p, q) for p, q in zip(f, g, strict=True))
        return True if equal else right

    return {"same_function": same_function}


@entry(PAPER, "reject", "equality at ten random points; right for functions that differ in many places", by=("E35",))
def equality_at_ten_points(ours):
    def same_function(params, other, domain=None, tol=1e-9):
        ours.same_function(params, other, domain, tol)
        x = np.random.default_rng(0).uniform(-1, 1, size=(10, shallow(params)[0].W.shape[1]))
        return bool(np.allclose(ours.response(params, x), ours.response(other, x), atol=1e-9))

    return {"same_function": same_function}


@entry(PAPER, "reject", "equality of parameters, sorted by thresholds; right for permutations", by=("E35",))
def equality_of_parameters(ours):
    def same_function(params, other, domain=None, tol=1e-9):
        ours.same_function(params, other, domain, tol)
        f, g = shallow(params)[0], shallow(other)[0]
        if f.W.shape != g.W.shape:
            return False
        rows = [np.column_stack([net.W, net.b, net.v])[np.argsort(net.b)] for net in (f, g)]
        return bool(np.allclose(rows[0], rows[1]) and np.isclose(f.c, g.c) and np.allclose(skip(f), skip(g)))

    return {"same_function": same_function}


@entry(PAPER, "reject", "equality of kinks, the affine part is not compared", by=("E35",))
def equality_of_kinks(ours):
    def same_function(params, other, domain=None, tol=1e-9):
        ours.same_function(params, other, domain, tol)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            f, g = (ours.canonical_form(net, domain, tol) for net in (params, other))
        pairs = zip(f[2:], g[2:], strict=True)
        return f.n.shape == g.n.shape and all(np.allclose(p, q) for p, q in pairs)

    return {"same_function": same_function}


@entry(PAPER, "reject", "equality on all of R^m, whatever the domain; right for that", by=("E35",))
def equality_everywhere(ours):
    return {"same_function": lambda params, other, domain=None, tol=1e-9: ours.same_function(params, other, None, tol)}


# ---- wrong: how many neurons
def subsets(form):
    """a + Σ_S κ n for every S."""
    K = len(form.kappa)
    for S in product([False, True], repeat=K):
        yield form.a + sum((form.kappa[k] * form.n[k] for k in range(K) if S[k]), 0 * form.a)


def extra(form, compact):
    """Neurons beyond K, all subsets in turn."""
    room = 1e-11 * (np.abs(form.a).sum() + np.abs(form.kappa).sum())
    rests = list(subsets(form))
    if any(np.abs(rest).max() <= room for rest in rests):
        return 0
    if compact:
        return 1
    return 1 if any(np.abs(rest - (rest @ n) * n).max() <= room for rest in rests for n in form.n) else 2


def counting(ours, of, up_to=12):
    """neuron_count by of(form, compact); ours beyond 12 planes."""

    def neuron_count(form, compact=False):
        right = ours.neuron_count(form, compact)
        return right if len(form.kappa) > up_to else int(of(form, compact))

    return {"neuron_count": neuron_count}


@entry(PAPER, "accept", "the count by all subsets in turn")
def count_by_all_subsets(ours):
    return counting(ours, lambda form, compact: len(form.kappa) + extra(form, compact))


@entry(PAPER, "reject", "as many neurons as planes; right where turning some makes the affine part", by=("E36",))
def count_of_planes(ours):
    return counting(ours, lambda form, compact: len(form.kappa))


@entry(PAPER, "reject", "the rule for R^m on bounded domains too", by=("E36",))
def count_as_on_the_whole_space(ours):
    return {"neuron_count": lambda form, compact=False: ours.neuron_count(form, False)}


@entry(PAPER, "reject", "the rule for bounded domains on R^m too: never K + 2", by=("E36",))
def count_as_on_a_bounded_domain(ours):
    return {"neuron_count": lambda form, compact=False: ours.neuron_count(form, True)}


@entry(PAPER, "reject", "no neuron is turned round: K where a = 0, one more elsewhere", by=("E36",))
def count_without_turning(ours):
    return counting(ours, lambda form, compact: len(form.kappa) + bool(np.abs(form.a).max() > 0))


@entry(
    PAPER, "reject", "two neurons for every affine part, on R^m: no neuron is split in two; right where none can be", by=("E36",)
)
def count_without_splitting(ours):
    def of(form, compact):
        more = extra(form, compact)
        return len(form.kappa) + (2 if more == 1 and not compact else more)

    return counting(ours, of)


@entry(PAPER, "reject", "a neuron is split only if a itself is parallel to it: nothing is turned round first", by=("E36",))
def count_split_without_turning(ours):
    def of(form, compact):
        more = extra(form, compact)
        if compact or more != 1:
            return len(form.kappa) + more
        room = 1e-11 * (np.abs(form.a).sum() + np.abs(form.kappa).sum())
        return len(form.kappa) + (1 if any(np.abs(form.a - (form.a @ n) * n).max() <= room for n in form.n) else 2)

    return counting(ours, of)


@entry(
    PAPER, "reject", "'at most n + 1 in one dimension' for affine functions too, which need two on R; right for K >= 1", by=("E36",)
)
def affine_with_one_neuron(ours):
    def of(form, compact):
        right = ours.neuron_count(form, compact)
        return min(right, 1) if len(form.kappa) == 0 else right

    return counting(ours, of)


@entry(PAPER, "reject", "a constant counts as a neuron, though it is the output bias; right where there is none", by=("E36",))
def constants_counted(ours):
    return {"neuron_count": lambda form, compact=False: ours.neuron_count(form, compact) + int(abs(float(form.c0)) > 1e-9)}


def minimal(ours, change):
    """minimal_network with change(network, form, compact, radius)."""

    def minimal_network(form, compact=False, radius=None):
        return change(ours.minimal_network(form, compact, radius), form, compact, radius)

    return {"minimal_network": minimal_network}


@entry(PAPER, "accept", "minimal networks with neurons in reverse, balanced")
def minimal_networks_balanced(ours):
    def change(net, form, compact, radius):
        return ours.balanced(net._replace(W=net.W[::-1], b=net.b[::-1], v=net.v[::-1]))

    return minimal(ours, change)


@entry(PAPER, "reject", "one neuron a plane, the affine part as a skip: no network without one", by=("E12",))
def affine_part_as_a_skip(ours):
    return minimal(ours, lambda net, form, compact, radius: Shallow(form.n, form.beta, form.kappa, form.c0, form.a))


@entry(
    PAPER, "reject", "the affine part by two neurons, always: right in function, not minimal; right where it takes two", by=("E12",)
)
def affine_part_by_two(ours):
    def two(net, form, compact, radius):
        r = np.sqrt(np.sum(form.a**2))
        if r == 0:
            return net
        e = form.a / r
        W, b, v = np.vstack([form.n, e, -e]), np.append(form.beta, [0.0, 0.0]), np.append(form.kappa, [r, -r])
        return Shallow(W, b, v, form.c0)

    return minimal(ours, two)


@entry(PAPER, "reject", "neurons are turned and c₀ is not corrected; right where none has to be", by=("E12",))
def turned_without_the_constant(ours):
    return minimal(ours, lambda net, form, compact, radius: net._replace(c=form.c0))


@entry(PAPER, "reject", "the affine neuron breaks inside the domain, through 0; right where there is none", by=("E12",))
def affine_neuron_breaks_inside(ours):
    def inside(net, form, compact, radius):
        if not compact or len(net.v) == len(form.kappa):
            return net
        b = net.b.copy()
        b[-1] = 0
        return net._replace(b=b, c=net.c + net.v[-1] * (net.b[-1] - b[-1]))

    return minimal(ours, inside)


@entry(PAPER, "reject", "the affine part is left out; right where turning makes it", by=("E12",))
def affine_part_left_out(ours):
    def without(net, form, compact, radius):
        K = len(form.kappa)
        return net._replace(W=net.W[:K], b=net.b[:K], v=net.v[:K])

    return minimal(ours, without)


@entry(
    PAPER,
    "reject",
    "the dimension is the number of neurons: the free offset of affine neurons is forgotten; right without them",
    by=("E36",),
)
def dimension_without_the_offset(ours):
    return {"solution_dimension": lambda form, compact=False: ours.neuron_count(form, compact)}


@entry(PAPER, "reject", "the dimension is the number of parameters, n (m + 2) + 1", by=("E36",))
def dimension_as_parameters(ours):
    return {"solution_dimension": lambda form, compact=False: ours.neuron_count(form, compact) * (len(form.a) + 2) + 1}


# ---- budgets
PAIRS: dict[str, Any] = {
    "relu": (relu_forward, relu_backward),
    "tanh": (tanh_forward, tanh_backward),
    "sigmoid": (sigmoid_forward, sigmoid_backward),
    "softplus": (softplus_forward, softplus_backward),
}


def ball(u, R):
    s = math.sqrt(1 + u @ u)
    return R * u / s, lambda d: R / s * (d - u * (u @ d) / s**2)


def budgets(ours, point=ball, length=lambda low, high: high - low, value=math.log, slope=lambda risk: 1 / risk, cut=True):
    """within_budget with terms in place of the right ones: point(u, R) -> (theta, its pull-back), value and slope of the risk."""

    def within_budget(activation, width, target, radius, interval=(-1, 1)):
        right = ours.within_budget(activation, width, target, radius, interval)
        low, high = map(float, interval)
        f, breaks = (target.function, target.breaks) if hasattr(target, "breaks") else (target, ())
        forward, backward = PAIRS[activation]
        grid = np.union1d(np.linspace(low, high, 2 * max(4, math.ceil(radius * (high - low) / 2), width) + 1), breaks)

        def objective(u):
            right(u)
            theta, pull = point(np.asarray(u, float), radius)
            W, b, v, c = theta[:width], theta[width : 2 * width], theta[2 * width : -1], theta[-1]
            knots = -b[W != 0] / W[W != 0]
            ends = np.union1d(grid, knots[(knots > low) & (knots < high)]) if activation == "relu" and cut else grid
            s, w = gauss(24)
            x, w = (ends[:-1, None] + np.diff(ends)[:, None] * s).ravel(), (np.diff(ends)[:, None] * w).ravel() / length(low, high)
            h, cache = forward(x[:, None] * W + b)
            r = h @ v + c - f(x)
            risk = float(w @ (r * r)) + 1e-32
            dz = backward(np.outer(2 * w * r, v), cache)
            d = np.concatenate([x @ dz, dz.sum(axis=0), h.T @ (2 * w * r), [2 * w @ r]])
            return value(risk), slope(risk) * pull(d)

        return objective

    return {"within_budget": within_budget}


@entry(PAPER, "accept", "the budget's objective on other panels")
def budget_on_other_panels(ours):
    return budgets(ours)


@entry(
    PAPER,
    "reject",
    "Lebesgue measure in place of the mean over the interval: the logarithm is off by log 2; the gradient is right",
    by=("E41",),
)
def budget_not_a_mean(ours):
    return budgets(ours, length=lambda low, high: 1.0)


@entry(PAPER, "reject", "the risk, not its logarithm", by=("E41",))
def budget_without_the_logarithm(ours):
    return budgets(ours, value=lambda risk: risk, slope=lambda risk: 1.0)


@entry(PAPER, "reject", "the logarithm with the gradient of the risk", by=("E41",))
def budget_gradient_of_the_risk(ours):
    return budgets(ours, slope=lambda risk: 1.0)


@entry(PAPER, "reject", "logarithms to base 10", by=("E41",))
def budget_in_decades(ours):
    return budgets(ours, value=math.log10, slope=lambda risk: 1 / (risk * math.log(10)))


@entry(PAPER, "reject", "the gradient lacks the radial term of the ball: R/s dθ; right where θ·dθ = 0", by=("E41",))
def budget_without_the_radial_term(ours):
    def point(u, R):
        s = math.sqrt(1 + u @ u)
        return R * u / s, lambda d: R / s * d

    return budgets(ours, point=point)


@entry(PAPER, "reject", "θ = R u/(1 + |u|²): half the ball is reached; right in the limit u = 0", by=("E41",))
def budget_with_another_ball(ours):
    def point(u, R):
        s = 1 + u @ u
        return R * u / s, lambda d: R / s * (d - 2 * u * (u @ d) / s)

    return budgets(ours, point=point)


@entry(PAPER, "reject", "θ = u: the budget is not kept", by=("E41",))
def budget_not_kept(ours):
    return budgets(ours, point=lambda u, R: (u, lambda d: d))


@entry(PAPER, "reject", "every entry of θ has the budget R for itself, R tanh u", by=("E41",))
def budget_entry_by_entry(ours):
    return budgets(ours, point=lambda u, R: (R * np.tanh(u), lambda d: R * d / np.cosh(u) ** 2))


@entry(PAPER, "reject", "the output bias is not counted in the norm; right for c = 0", by=("E41",))
def budget_without_the_output_bias(ours):
    def point(u, R):
        theta, pull = ball(u[:-1], R)
        return np.append(theta, u[-1]), lambda d: np.append(pull(d[:-1]), d[-1])

    return budgets(ours, point=point)


@entry(PAPER, "reject", "thresholds are not counted in the norm; right for b = 0", by=("E41",))
def budget_without_thresholds(ours):
    def point(u, R):
        n = (len(u) - 1) // 3
        counted = np.r_[0:n, 2 * n : len(u)]
        theta = np.array(u)
        theta[counted], pull = ball(u[counted], R)

        def back(d):
            d = np.array(d)
            d[counted] = pull(d[counted])
            return d

        return theta, back

    return budgets(ours, point=point)


@entry(PAPER, "reject", "R bounds the squared norm: θ = √R u/√(1 + |u|²); right for R = 1", by=("E41",))
def budget_of_the_squared_norm(ours):
    return budgets(ours, point=lambda u, R: ball(u, math.sqrt(R)))


def searched(ours, change=lambda losses, params, radii: (losses, params), radii=lambda r, width: r):
    """best_within_budget for other radii, and change(losses, params, radii) of what is found."""

    def best_within_budget(activation, width, target, given, *others, **named):
        found = ours.best_within_budget(activation, width, target, radii(np.asarray(given, float), width), *others, **named)
        return change(*found, np.asarray(given, float))

    return {"best_within_budget": best_within_budget}


@entry(PAPER, "reject", "the search is for |θ|² <= R; right for R = 1", by=("E42",))
def search_with_the_squared_norm(ours):
    return searched(ours, radii=lambda r, width: np.sqrt(r))


@entry(PAPER, "reject", "the search is for |θ_i| <= R each: √p times the budget", by=("E8",))
def search_entry_by_entry(ours):
    return searched(ours, radii=lambda r, width: r * math.sqrt(3 * width + 1))


@entry(PAPER, "reject", "losses are integrals over [−1, 1], not means", by=("E8",))
def search_not_a_mean(ours):
    return searched(ours, lambda losses, params, radii: (2 * losses, params))


@entry(PAPER, "reject", "losses are logarithms, as the objective's values are", by=("E8",))
def search_in_logarithms(ours):
    return searched(ours, lambda losses, params, radii: (np.log(losses + 1e-32), params))


@entry(PAPER, "reject", "the first radius's network for all: the budget is not used up", by=("E8",))
def search_of_the_first_radius(ours):
    return searched(ours, lambda losses, params, radii: (np.full_like(losses, losses[0]), params[:1] * len(params)))


@entry(PAPER, "reject", "losses by the last radius for all: the budgets are not kept", by=("E8",))
def search_of_the_last_radius(ours):
    return searched(ours, lambda losses, params, radii: (np.full_like(losses, losses[-1]), params[-1:] * len(params)))


@entry(PAPER, "reject", "parameters are scaled up to |θ| = R, losses are not; right where the budget is used up", by=("E8",))
def networks_scaled_to_the_budget(ours):
    def scaled(losses, params, radii):
        sizes = [math.sqrt(sum(float(np.sum(np.asarray(part) ** 2)) for part in net[:4])) for net in params]
        return losses, tuple(
            Shallow(*(np.asarray(part) * R / size for part in net[:4])) for net, R, size in zip(params, radii, sizes, strict=True)
        )

    return searched(ours, scaled)


def law(name, factor):
    """The law of that name times factor(radius)."""

    def build(ours):
        return {name: lambda R: getattr(ours, name)(R) * factor(R)}

    return build


@entry(PAPER, "reject", "4/(1575 R²) for tanh and f = x: η² in place of its square", by=("E43",))
def tanh_law_of_second_order(ours):
    return law("tanh_identity_law", lambda R: R**2)(ours)


@entry(PAPER, "reject", "4/(1575 R⁴) for the sigmoid too, whose third derivative is another", by=("E43",))
def sigmoid_law_as_of_tanh(ours):
    return {"sigmoid_identity_law": lambda R: 4 / (1575 * R**4)}


@entry(PAPER, "reject", "1/(3 R²) for the step: an integral, not a mean", by=("E43",))
def step_law_not_a_mean(ours):
    return law("relu_step_law", lambda R: 2.0)(ours)


@entry(PAPER, "reject", "1/(24 T) with T = R in place of R²/4", by=("E43",))
def step_law_in_the_slope(ours):
    return {"relu_step_law": lambda R: 1 / (24 * R)}


@entry(PAPER, "reject", "ζ(2) in place of ζ(3) for softplus", by=("E43",))
def softplus_law_with_zeta_2(ours):
    return {"softplus_kink_law": lambda k: math.pi**2 / 6 / (2 * k**3)}


@entry(PAPER, "reject", "ζ(3)/k³, without the half", by=("E43",))
def softplus_law_without_the_half(ours):
    return law("softplus_kink_law", lambda k: 2.0)(ours)


@entry(PAPER, "reject", "(2 ln 2 − 1)/k, that of the whole line and of jumps of height 2", by=("E43",))
def tanh_step_bound_four_times(ours):
    return law("tanh_step_bound", lambda k: 4.0)(ours)


# ---- counterexamples
@entry(PAPER, "accept", "the error of the discs by Gauss's rule in polar pieces: 200 nodes in x, the inner integral closed")
def discs_by_many_nodes(ours):
    def disc_error(T):
        ours.disc_error(T)
        s, w = gauss(200)
        end = (1 / T) / (1 + 1 / (4 * T * T))
        x = end * s
        sagitta = x * x / (1 + np.sqrt(1 - x * x))
        return float(4 * end * np.sum(w * (x / 2 - T * sagitta) ** 3) / (3 * T))

    return {"disc_error": disc_error}


def discs(ours, of):
    def disc_error(T):
        return float(of(ours.disc_error(T), T))

    return {"disc_error": disc_error}


@entry(
    PAPER,
    "reject",
    "the discs on a grid of 400 × 800 points: the wedge is thinner than a cell; right to a few per cent for T = 1",
    by=("E9",),
)
def discs_on_a_grid(ours):
    def grid(right, T):
        x, y = (np.arange(400) + 0.5) / 200 - 1, (np.arange(800) + 0.5) / 200 - 2
        X, Y = np.meshgrid(x, y, indexing="ij")
        ramp = np.clip(T * Y + X / 2, 0, None) - np.clip(T * Y - X / 2, 0, None)
        inside = X**2 + (np.abs(Y) - 1) ** 2 < 1
        return np.sum((ramp - np.where(Y > 0, X, 0))[inside] ** 2) / 200**2

    return discs(ours, grid)


@entry(PAPER, "reject", "one of the four parts of the discs", by=("E9",))
def one_part_of_the_discs(ours):
    return discs(ours, lambda right, T: right / 4)


@entry(PAPER, "reject", "the law 1/(840 T⁵) as the error itself; right in the limit", by=("E9",))
def law_for_the_error(ours):
    return discs(ours, lambda right, T: 1 / (840 * T**5))


@entry(PAPER, "reject", "the mean over the discs, of area 2π, not the integral", by=("E9",))
def discs_as_a_mean(ours):
    return discs(ours, lambda right, T: right / (2 * math.pi))


@entry(PAPER, "reject", "discs with straight borders: the sagitta is taken for x², not x²/2", by=("E9",))
def discs_too_curved(ours):
    def curved(right, T):
        s, w = gauss(60)
        x = s / T / 2
        return 4 * np.sum(w / T / 2 * np.maximum(x / 2 - T * x * x, 0) ** 3) / (3 * T)

    return discs(ours, curved)


@entry(
    PAPER,
    "reject",
    "the inner integral by subtraction, x/2 − T (1 − √(1 − x²)) on nodes of [0, 1/T]: beyond the end of the wedge too",
    by=("E9",),
)
def discs_beyond_the_wedge(ours):
    def beyond(right, T):
        s, w = gauss(60)
        x = np.minimum(1.5 * s / T, 1)
        return 4 * np.sum(1.5 * w / T * (x / 2 - T * (1 - np.sqrt(1 - x * x))) ** 3) / (3 * T)

    return discs(ours, beyond)


@entry(PAPER, "reject", "1/(840 T⁴)", by=("E9",))
def disc_law_of_fourth_order(ours):
    return {"disc_error_law": lambda T: ours.disc_error_law(T) * T}


@entry(PAPER, "reject", "1/(420 T⁵)", by=("E9",))
def disc_law_doubled(ours):
    return {"disc_error_law": lambda T: ours.disc_error_law(T) * 2}


@entry(PAPER, "reject", "the ramp starts at y = 0: T y⁺ − T (y − x/T)⁺, not centred", by=("E9",))
def disc_ramp_not_centred(ours):
    def disc_network(T):
        return ours.disc_network(T)._replace(W=np.array([[0.0, 1.0], [-1 / T, 1.0]]))

    return {"disc_network": disc_network}


@entry(PAPER, "reject", "the ramp to 1{y > 0}, not to 1{y > 0} x", by=("E9",))
def disc_ramp_to_a_constant(ours):
    def disc_network(T):
        return ours.disc_network(T)._replace(W=np.array([[0.0, 1.0], [0.0, 1.0]]), b=np.array([0.5, -0.5]) / T)

    return {"disc_network": disc_network}


@entry(PAPER, "reject", "the six points with targets (x + 1)⁺ and x⁺, which two neurons fit", by=("E10",))
def vector_data_that_fit(ours):
    def vector_data():
        x, _ = ours.vector_data()
        return x, np.stack([np.maximum(x + 1, 0), np.maximum(x, 0)], axis=1)

    return {"vector_data": vector_data}


@entry(PAPER, "reject", "5 points: the last is left out", by=("E10",))
def vector_data_without_the_last(ours):
    return {"vector_data": lambda: tuple(part[:-1] for part in ours.vector_data())}


@entry(PAPER, "reject", "v₂ = (−τ, 0): the second output is not fitted", by=("E10",))
def vector_network_of_one_output(ours):
    def vector_network(tau):
        net = ours.vector_network(tau)
        return net._replace(V=np.array([[tau, -tau], [0.0, 0.0]]))

    return {"vector_network": vector_network}


@entry(PAPER, "reject", "both neurons break at 0: a jump of no width, the first output is 0", by=("E10",))
def vector_network_without_a_gap(ours):
    return {"vector_network": lambda tau: ours.vector_network(tau)._replace(b=np.zeros(2))}


@entry(PAPER, "reject", "the mean of the squared errors over six points, 1/(2τ²)", by=("E10",))
def vector_error_as_a_mean(ours):
    return {"vector_error": lambda tau: ours.vector_error(tau) / 6}


@entry(PAPER, "reject", "3/τ, the errors and not their squares", by=("E10",))
def vector_error_not_squared(ours):
    return {"vector_error": lambda tau: 3 / tau}


@entry(PAPER, "reject", "3/R²: the error of vector_network(R) in place of the best within the budget R", by=("E44",))
def best_vector_error_of_the_path(ours):
    return {"best_vector_error": lambda radius, rng, restarts=20: 3 / radius**2}


@entry(PAPER, "reject", "the best of all budgets is 0, as no network attains", by=("E44",))
def best_vector_error_zero(ours):
    return {"best_vector_error": lambda radius, rng, restarts=20: 0.0}


@entry(PAPER, "reject", "sign without −1: from 0 to 2", by=("E17",))
def gap_without_the_constant(ours):
    return {"sign_with_gap": lambda a: ours.sign_with_gap(a)._replace(c=np.asarray(0.0))}


@entry(PAPER, "reject", "outgoing weights 1/(2a): half a step", by=("E17",))
def gap_with_half_the_slope(ours):
    return {"sign_with_gap": lambda a: ours.sign_with_gap(a)._replace(v=np.array([1.0, -1.0]) / (2 * a))}


@entry(
    PAPER,
    "reject",
    "no network for a jump: a detector that says that none exists raises; right for data without a gap",
    by=("E17",),
)
def gap_refused(ours):
    def sign_with_gap(a):
        raise ValueError("target: expected a continuous one, got a jump: no minimiser exists")

    return {"sign_with_gap": sign_with_gap}


@entry(PAPER, "accept", "sign with a gap by neurons that both look left: 1 − (1 − x/a)⁺ + (−1 − x/a)⁺")
def gap_from_the_right(ours):
    def sign_with_gap(a):
        ours.sign_with_gap(a)
        return Shallow(np.array([[-1.0], [-1.0]]) / a, np.array([1.0, -1.0]), np.array([-1.0, 1.0]), np.asarray(1.0))

    return {"sign_with_gap": sign_with_gap}


@entry(PAPER, "reject", "the ramp to a step is not balanced: unit neurons, outgoing weights ±T; right in function", by=("E45",))
def step_ramp_not_balanced(ours):
    def step_ramp(T):
        ours.step_ramp(T)
        return Shallow(np.ones((2, 1)), np.array([0.5, -0.5]) / T, np.array([T, -T]), np.zeros(()))

    return {"step_ramp": step_ramp}


@entry(PAPER, "reject", "the ramp to a step starts at 0: not centred", by=("E45",))
def step_ramp_not_centred(ours):
    def step_ramp(T):
        ours.step_ramp(T)
        return ours.balanced(Shallow(np.ones((2, 1)), np.array([0.0, -1.0]) / T, np.array([T, -T]), np.zeros(())))

    return {"step_ramp": step_ramp}


@entry(PAPER, "reject", "the ramp to a step has slope T/2: breaks at ±1/T", by=("E45",))
def step_ramp_half_as_steep(ours):
    return {"step_ramp": lambda T: ours.step_ramp(T / 2)}


@entry(PAPER, "accept", "the balanced ramp by its closed form, √T (1 + 1/(4T²))^¼")
def step_ramp_closed(ours):
    def step_ramp(T):
        ours.step_ramp(T)
        size = math.sqrt(T) * (1 + 1 / (4 * T * T)) ** 0.25
        w = size / math.sqrt(1 + 1 / (4 * T * T))
        return Shallow(np.full((2, 1), w), np.array([w, -w]) / (2 * T), np.array([size, -size]), np.zeros(()))

    return {"step_ramp": step_ramp}
