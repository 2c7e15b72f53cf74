"""Moves and optimisers of the reduced space, in wrong and in unusual ways."""

import math
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np

from refimpl.nn import Dense
from refimpl.optim import AdamState, DescentState, MomentumState, Optimiser
from refimpl.optim.first_order import rate_at
from refimpl.params import leaves
from wrong.corpus import entry
from wrong.reduced_space import PAPER


# ---- where things are in theta
def layout(unravel, radius=None):
    """(W (m, d), b (m,), out (k, m), X) of every hidden layer: places in theta, and the bound, or None."""
    places = unravel(np.arange(unravel.size))
    if isinstance(places[0], Dense):
        layers = [(here.W, here.b, there.W) for here, there in pairwise([part for part in places if isinstance(part, Dense)])]
    else:
        layers = [(places[0], places[1], places[2][None])]
    X = [None] * len(layers) if radius is None else [float(x) for x in np.broadcast_to(radius, len(layers))]
    return [(*layer, x) for layer, x in zip(layers, X, strict=True)]


def dot(u, v):
    return np.sum(u * v, axis=-1, keepdims=True)


def size(u):
    return np.sqrt(dot(u, u))


def safe(x):
    return np.where(x == 0, 1, x)


# ---- the optimisers, made of terms that can be spoiled
def tangent(w, G):
    return G - dot(w, G) * w


def retract(w, v):
    return (w + v) / size(w + v)


def geodesic(w, v):
    there = np.cos(size(v)) * w + np.sin(size(v)) * v / safe(size(v))
    return there / size(there)


def fold(b, X):
    """By the triangle wave |((b − X) mod 4X) − 2X| − X."""
    if X == 0:
        return 0 * b, np.ones_like(b)
    inside = np.abs(b) <= X
    wave = np.clip(np.abs((b - X) % (4 * X) - 2 * X) - X, -X, X)
    return np.where(inside, b, wave), np.where(inside | (np.floor((b + X) / (2 * X)) % 2 == 0), 1.0, -1.0)


def transport(w, v, m, there):
    """Along the geodesic: the part along the velocity is turned, the rest stays."""
    p = v / safe(size(v))
    return m + dot(m, p) * ((np.cos(size(v)) - 1) * p - np.sin(size(v)) * w)


MOVES: dict[str, Any] = {
    "tangent": tangent,
    "retract": retract,
    "geodesic": geodesic,
    "clip": lambda b, X: np.clip(b, -X, X),
    "fold": fold,
    "turned": lambda velocity, sign: velocity * sign,
    "transport": transport,
    "onto": lambda there, m: tangent(there, m),
    "velocity": lambda beta, v, g: beta * v + g,
    "squares": lambda G, g: dot(g, g),  # (m, 1) from the gradient and its tangent part
    "mean": lambda beta, v, q: beta * v + (1 - beta) * q,
    "corrected": lambda m, beta, t: m / (1 - beta**t),
    "adam": lambda m, v, eps: m / (np.sqrt(v) + eps),
}


def optimisers(ours, **spoiled):
    """Descent, momentum and Adam with the terms given in place of the right ones; ours check what comes."""
    t = SimpleNamespace(**{**MOVES, **spoiled})

    def along(hidden, theta, g):
        g = np.array(g)
        for W, *_ in hidden:
            g[W] = t.tangent(theta[W], g[W])
        return g

    def moved(hidden, theta, direction, eta, move, thresholds, carried=None):
        v = -eta * direction
        if np.ndim(eta):
            v = along(hidden, theta, v)
        there, carried = theta + v, None if carried is None else carried.copy()
        for W, b, _, X in hidden:
            there[W] = (t.geodesic if move == "geodesic" else t.retract)(theta[W], v[W])
            sign = np.ones(len(b))
            if X is not None and thresholds == "fold":
                there[b], sign = t.fold(there[b], X)
            elif X is not None:
                there[b] = t.clip(there[b], X)
            if carried is not None:
                m = t.transport(theta[W], v[W], carried[W], there[W]) if move == "geodesic" else carried[W]
                carried[W], carried[b] = t.onto(there[W], m), t.turned(carried[b], sign)
        return there, carried

    def of(name, make):
        def optimiser(rate, unravel, radius, move="retract", thresholds="clip", **constants):
            right = getattr(ours, name)(rate, unravel, radius, move, thresholds, **constants)
            eta, hidden = rate_at(rate), layout(unravel, radius)

            def step(theta, gradient, state):
                theta, gradient = np.asarray(theta), np.asarray(gradient)
                direction, carried, state = make(hidden, theta, gradient, state, **constants)
                theta, carried = moved(hidden, theta, direction, eta(state.t - 1, theta), move, thresholds, carried)
                return theta, state if carried is None else state._replace(**{state._fields[1]: carried})

            return Optimiser(right.init, step)

        return optimiser

    def descent(hidden, theta, G, state):
        return along(hidden, theta, G), None, DescentState(state.t + 1)

    def momentum(hidden, theta, G, state, beta=0.9):
        v = t.velocity(beta, state.v, along(hidden, theta, G))
        return v, v, MomentumState(state.t + 1, v)

    def adam(hidden, theta, G, state, beta1=0.9, beta2=0.999, eps=1e-8):
        g, now = along(hidden, theta, G), state.t + 1
        q = g * g
        for W, *_ in hidden:
            q[W] = t.squares(G[W], g[W])
        m, v = t.mean(beta1, state.m, g), t.mean(beta2, state.v, q)
        return t.adam(t.corrected(m, beta1, now), t.corrected(v, beta2, now), eps), m, AdamState(now, m, v)

    return {
        "riemannian_descent": of("riemannian_descent", descent),
        "riemannian_momentum": of("riemannian_momentum", momentum),
        "riemannian_adam": of("riemannian_adam", adam),
    }


# ---- right, in other ways
@entry(PAPER, "accept", "the optimisers written plainly, a line a formula; fold by a triangle wave")
def optimisers_written_plainly(ours):
    return optimisers(ours)


@entry(PAPER, "accept", "the geodesic by half angles, the retraction by the angle arctan |v|")
def moves_by_angles(ours):
    def by_half(w, v):
        half = size(v) / 2
        there = w + 2 * np.sin(half) * (np.cos(half) * v / safe(size(v)) - np.sin(half) * w)
        return there / size(there)

    def by_angle(w, v):
        return by_half(w, np.arctan(size(v)) * v / safe(size(v)))

    return optimisers(ours, geodesic=by_half, retract=by_angle)


@entry(PAPER, "accept", "reflection after reflection until the threshold is inside")
def fold_one_wall_at_a_time(ours):
    def walls(b, radius):
        ours.fold(b, radius)
        b = np.array(b, dtype=np.result_type(b, float))
        sign = np.ones(b.shape)
        if radius == 0:
            return 0 * b, sign
        for i in np.ndindex(b.shape):
            while abs(b[i].real) > radius:
                b[i], sign[i] = math.copysign(2 * radius, b[i].real) - b[i], -sign[i]
        return b, sign

    return {"fold": walls}


@entry(PAPER, "accept", "X tanh s by the logistic function of 2s")
def squash_by_the_logistic_function(ours):
    def squash(s, radius):
        ours.squash(s, radius)
        s = np.asarray(s)
        e = np.exp(-2 * np.abs(s.real) if not np.iscomplexobj(s) else -2 * np.where(s.real < 0, -s, s))
        return np.where(s.real < 0, -1, 1) * radius * -np.expm1(np.log(e)) / (1 + e), 4 * radius * e / (1 + e) ** 2

    return {"squash": squash}


# ---- wrong: along the sphere
@entry(
    PAPER,
    "reject",
    "the whole gradient, not its tangent part: for geodesics no unit vectors come out; right for w·G = 0",
    by=("R10",),
)
def gradient_not_projected(ours):
    return optimisers(ours, tangent=lambda w, G: G)


@entry(PAPER, "reject", "G + (w·G) w: the radial part is doubled, not removed; right for w·G = 0", by=("R27",))
def radial_part_doubled(ours):
    return optimisers(ours, tangent=lambda w, G: G + dot(w, G) * w)


@entry(PAPER, "reject", "all rows are projected as one vector of length √m; right for one neuron", by=("R10",))
def rows_projected_as_one(ours):
    return optimisers(ours, tangent=lambda w, G: G - np.sum(w * G) / max(len(w), 1) * w)


@entry(PAPER, "reject", "w − ηg is not normalised: rows grow longer than 1; right for one input", by=("R27",))
def retraction_not_normalised(ours):
    return optimisers(ours, retract=lambda w, v: w + v)


@entry(
    PAPER,
    "reject",
    "the velocity is not carried along: it is not tangent where the step leads; right for the first step",
    by=("R27",),
)
def momentum_not_carried_along(ours):
    return optimisers(ours, transport=lambda w, v, m, there: m, onto=lambda there, m: m)


@entry(PAPER, "acceptable", "after a geodesic, too, the velocity is projected: another vector transport, which shortens it")
def velocity_projected_after_a_geodesic(ours):
    return optimisers(ours, transport=lambda w, v, m, there: m)


@entry(PAPER, "reject", "the velocity is projected on the tangent space left, not on the new one", by=("R27",))
def velocity_projected_on_the_old_space(ours):
    return optimisers(ours, transport=lambda w, v, m, there: tangent(w, m), onto=lambda there, m: m)


@entry(PAPER, "reject", "the geodesic goes uphill: w cos + (g/|g|) sin", by=("R10",))
def geodesic_uphill(ours):
    return optimisers(ours, geodesic=lambda w, v: geodesic(w, -v))


@entry(
    PAPER,
    "reject",
    "w cos |v| + v sin |v|, the velocity not divided by its length, then normalised; right for |v| = 1",
    by=("R10",),
)
def geodesic_with_the_velocity_itself(ours):
    return optimisers(ours, geodesic=lambda w, v: retract(np.cos(size(v)) * w, np.sin(size(v)) * v))


@entry(PAPER, "reject", "the geodesic is a retraction: the same to second order in the step", by=("R10",))
def geodesic_by_retraction(ours):
    return optimisers(ours, geodesic=retract)


@entry(PAPER, "reject", "the retraction is a geodesic: the same to second order in the step", by=("R10",))
def retraction_by_a_geodesic(ours):
    return optimisers(ours, retract=geodesic)


@entry(PAPER, "reject", "cos and sin of the angle in units of a half turn; right for g = 0", by=("R10",))
def geodesic_in_half_turns(ours):
    return optimisers(ours, geodesic=lambda w, v: geodesic(w, np.pi * v))


@entry(PAPER, "reject", "g/|g| without a guard: NaN where g = 0, as always in one dimension", by=("R27",))
def geodesic_without_a_guard(ours):
    def unguarded(w, v):
        with np.errstate(all="ignore"):
            return np.cos(size(v)) * w + np.sin(size(v)) * v / size(v)

    return optimisers(ours, geodesic=unguarded)


@entry(
    PAPER,
    "reject",
    "the exponential map to second order, w + v − |v|²w/2, normalised; right to second order in the step",
    by=("R10",),
)
def geodesic_to_second_order(ours):
    return optimisers(ours, geodesic=lambda w, v: retract(w, v - dot(v, v) / 2 * w))


# ---- wrong: thresholds
@entry(PAPER, "reject", "thresholds move freely; right as long as none leaves", by=("R28",))
def thresholds_not_clipped(ours):
    return optimisers(ours, clip=lambda b, X: b, fold=lambda b, X: (b, np.ones_like(b)))


@entry(PAPER, "reject", "thresholds are clipped to [0, X]; right for those >= 0", by=("R28",))
def thresholds_clipped_at_zero(ours):
    return optimisers(ours, clip=lambda b, X: np.clip(b, 0, X))


@entry(PAPER, "reject", "every hidden layer has the widest walls; right for one radius", by=("R37",))
def widest_walls_everywhere(ours):
    def make(name):
        def optimiser(rate, unravel, radius, *others, **named):
            getattr(ours, name)(rate, unravel, radius, *others, **named)
            return getattr(ours, name)(rate, unravel, radius if radius is None else np.max(radius), *others, **named)

        return optimiser

    return {name: make(name) for name in ("riemannian_descent", "riemannian_momentum", "riemannian_adam", "projected_descent")}


def folding(ours, f):
    """fold by f(b, X) -> (b, sign), alone and inside the optimisers."""

    def alone(b, radius):
        ours.fold(b, radius)
        b = np.asarray(b, float)
        return f(b, radius) if radius > 0 else ours.fold(b, radius)

    return {"fold": alone, **optimisers(ours, fold=f)}


@entry(PAPER, "reject", "b mod 2X: what leaves on one side comes back on the other; right inside", by=("R28",))
def fold_wraps_round(ours):
    return folding(ours, lambda b, X: (np.where(np.abs(b) <= X, b, (b + X) % (2 * X) - X), fold(b, X)[1]))


@entry(PAPER, "reject", "one reflection, 2X − b, and no more: right within 3X", by=("R28",))
def fold_reflects_once(ours):
    def once(b, X):
        out = np.abs(b) > X
        return np.where(out, np.sign(b) * 2 * X - b, b), np.where(out, -1.0, 1.0)

    return folding(ours, once)


@entry(
    PAPER,
    "reject",
    "the velocity turns once, however often the threshold is reflected; right within 3X, and after an odd number",
    by=("R11",),
)
def fold_turns_once(ours):
    return folding(ours, lambda b, X: (fold(b, X)[0], np.where(np.abs(b) > X, -1.0, 1.0)))


@entry(
    PAPER, "reject", "the velocity keeps its sign at the wall; right inside, and after an even number of reflections", by=("R28",)
)
def fold_without_turning(ours):
    return folding(ours, lambda b, X: (fold(b, X)[0], np.ones_like(b)))


@entry(PAPER, "reject", "the velocity is set to 0 at the wall, as after an inelastic impact; right inside", by=("R28",))
def fold_stops(ours):
    return folding(ours, lambda b, X: (fold(b, X)[0], np.where(np.abs(b) > X, 0.0, 1.0)))


@entry(PAPER, "reject", "period 2X in place of 4X: |(b mod 2X) − X| ...; b = 0 becomes X", by=("R28",))
def fold_with_half_the_period(ours):
    return folding(ours, lambda b, X: (2 * np.abs((b - X) % (2 * X) - X) - X, fold(b, X)[1]))


@entry(PAPER, "reject", "clip in place of fold: thresholds stay at the wall; right inside", by=("R28",))
def fold_clips(ours):
    return folding(ours, lambda b, X: (np.clip(b, -X, X), fold(b, X)[1]))


@entry(PAPER, "reject", "the reflected threshold stays just inside the wall, at ±X (1 − 1e-6); right but for that", by=("R28",))
def fold_keeps_off_the_wall(ours):
    return folding(ours, lambda b, X: (fold(b, X)[0] * (1 - 1e-6), fold(b, X)[1]))


@entry(PAPER, "reject", "folded thresholds keep the velocity of their buffers; right without momentum", by=("R28",))
def buffers_not_turned(ours):
    return optimisers(ours, turned=lambda velocity, sign: velocity)


# ---- wrong: momentum and Adam
@entry(PAPER, "reject", "v ← β v + (1 − β) g, the damped form: steps are ten times shorter", by=("R28",))
def momentum_damped(ours):
    return optimisers(ours, velocity=lambda beta, v, g: beta * v + (1 - beta) * g)


@entry(PAPER, "reject", "the velocity is forgotten: plain descent; right for the first step", by=("R28",))
def momentum_forgotten(ours):
    return optimisers(ours, velocity=lambda beta, v, g: g)


@entry(PAPER, "reject", "a second moment for every coordinate: the path depends on the axes; right for one input", by=("R27",))
def second_moment_by_coordinates(ours):
    return optimisers(ours, squares=lambda G, g: g * g)


@entry(PAPER, "acceptable", "the second moment of a neuron is |g|²/d, the mean over its coordinates: a first step is η√d rad")
def second_moment_as_a_mean(ours):
    return optimisers(ours, squares=lambda G, g: np.mean(g * g, axis=1, keepdims=True))


@entry(PAPER, "reject", "the second moment of the whole gradient, radial part included; right for w·G = 0", by=("R36",))
def second_moment_of_the_whole_gradient(ours):
    return optimisers(ours, squares=lambda G, g: dot(G, G))


@entry(PAPER, "reject", "one second moment for all neurons; right for one neuron", by=("R36",))
def second_moment_of_the_layer(ours):
    return optimisers(ours, squares=lambda G, g: np.full((len(g), 1), np.sum(g * g)))


@entry(PAPER, "reject", "moments are not corrected for their start at 0; right for large t", by=("R27",))
def moments_not_corrected(ours):
    return optimisers(ours, corrected=lambda m, beta, t: m)


@entry(PAPER, "reject", "moments are corrected with t + 1; right for large t", by=("R27",))
def moments_corrected_one_step_late(ours):
    return optimisers(ours, corrected=lambda m, beta, t: m / (1 - beta ** (t + 1)))


@entry(PAPER, "reject", "ε inside the root; right where |g| ≫ √ε", by=("R27",))
def epsilon_inside_the_root(ours):
    return optimisers(ours, adam=lambda m, v, eps: m / np.sqrt(v + eps))


@entry(PAPER, "reject", "m/v without the root; right for |g| = 1", by=("R27",))
def adam_without_the_root(ours):
    return optimisers(ours, adam=lambda m, v, eps: m / (v + eps))


# ---- wrong: single functions
def projected(ours, move):
    """projected_descent with move(w, v) for its rows."""

    def projected_descent(rate, unravel, radius):
        right, eta = ours.projected_descent(rate, unravel, radius), rate_at(rate)

        def step(theta, gradient, state):
            there, after = right.step(theta, gradient, state)
            v = -eta(state.t, np.asarray(theta)) * np.asarray(gradient)
            for W, *_ in layout(unravel):
                there[W] = move(np.asarray(theta)[W], v[W])
            return there, after

        return Optimiser(right.init, step)

    return {"projected_descent": projected_descent}


@entry(PAPER, "accept", "projected descent by the angle of the step")
def projected_by_directions(ours):
    return projected(ours, lambda w, v: (w + v) / np.array([[math.hypot(*row)] for row in w + v]))


@entry(
    PAPER, "reject", "projected descent takes the tangent part first, as Riemannian descent: the same to first order", by=("R29",)
)
def projected_descent_along_the_tangent(ours):
    return projected(ours, lambda w, v: retract(w, tangent(w, v)))


@entry(PAPER, "reject", "projected descent does not project: rows leave the sphere", by=("R29",))
def projected_descent_unprojected(ours):
    return projected(ours, lambda w, v: w + v)


@entry(PAPER, "reject", "projected descent normalises the step, not the row; unit vectors, but others", by=("R29",))
def projected_descent_normalises_the_step(ours):
    return projected(ours, lambda w, v: retract(w, v / safe(size(v))))


def gradients(ours, of):
    """riemannian_gradient by of(w, G) for the rows."""

    def riemannian_gradient(theta, gradient, unravel):
        g = ours.riemannian_gradient(theta, gradient, unravel)
        for W, *_ in layout(unravel):
            g[W] = of(np.asarray(theta)[W], np.asarray(gradient)[W])
        return g

    return {"riemannian_gradient": riemannian_gradient}


@entry(PAPER, "reject", "the Riemannian gradient is the ordinary one; right for w·G = 0", by=("R9",))
def riemannian_gradient_unprojected(ours):
    return gradients(ours, lambda w, G: G)


@entry(PAPER, "reject", "(w·G) w: the radial part is kept, the tangent one removed", by=("R9",))
def radial_part_kept(ours):
    return gradients(ours, lambda w, G: dot(w, G) * w)


@entry(PAPER, "reject", "the Riemannian gradient is normalised, its direction only; right for |g| = 1", by=("R9",))
def riemannian_gradient_normalised(ours):
    return gradients(ours, lambda w, G: tangent(w, G) / safe(size(tangent(w, G))))


@entry(PAPER, "reject", "thresholds are projected with the weights, as if (w, b) were on a sphere", by=("R9",))
def threshold_projected_too(ours):
    def riemannian_gradient(theta, gradient, unravel):
        g, theta, G = ours.riemannian_gradient(theta, gradient, unravel), np.asarray(theta), np.asarray(gradient)
        for W, b, *_ in layout(unravel):
            radial = (dot(theta[W], G[W])[:, 0] + theta[b] * G[b]) / (1 + theta[b] ** 2)
            g[W], g[b] = G[W] - radial[:, None] * theta[W], G[b] - radial * theta[b]
        return g

    return {"riemannian_gradient": riemannian_gradient}


# ---- free motion, and the optimum
@entry(PAPER, "reject", "free motion without walls: thresholds run on", by=("R26",))
def motion_without_walls(ours):
    return {"reduced_motion": lambda unravel, radius: ours.reduced_motion(unravel, None)}


@entry(
    PAPER,
    "reject",
    "free motion on straight lines that are brought back onto the sphere, the momentum not carried along",
    by=("R26",),
)
def motion_by_retraction(ours):
    def reduced_motion(unravel, radius):
        space = ours.reduced_motion(unravel, radius)

        def drift(theta, pi, a):
            return np.concatenate([np.ravel(part) for part in leaves_of(ours.project(unravel(theta + a * pi), radius))]), pi

        return space._replace(drift=drift)

    return {"reduced_motion": reduced_motion}


@entry(PAPER, "reject", "thresholds bounded by the X of centred data, for raw data", by=("R14",))
def projection_in_the_box_of_centred_data(ours):
    def variable_projection(X, y, radius, N, ridge=1e-8):
        return ours.variable_projection(X, y, radius / 2, N, ridge)

    return {"variable_projection": variable_projection}


def leaves_of(params):
    return [a for _, a in leaves(params, "params")]
