"""Claims on the gradients and moves of the reduced space: R9 to R12, R27 to R29, R35, R36.

Objectives are smooth functions of theta, or losses of networks off their kinks, with the complex step for truth. Tolerances:
numbers of size 1 and some ten roundings a step, unless the claim says more.
"""

from typing import Any, NamedTuple

import numpy as np

from refimpl.claims.born_infeld.spaces import billiard
from refimpl.claims.claim import Choice, Floats, Integer, Seed, assume, claim, frozen, max
from refimpl.claims.nn.definition import STEP, complex_step, leaves, off_kinks
from refimpl.claims.reduced_space.definition import REACH, directions, norm, reduced
from refimpl.nn.dense import Dense
from refimpl.nn.shallow import Shallow
from refimpl.params import Unravel, ravel

MOVES, WALLS = Choice("retract", "geodesic"), Choice("clip", "fold")
OPTIMISERS = Choice("descent", "momentum", "adam")
D, N, FORM = Integer(2, 5), Integer(1, 5), Choice("mlp", "Shallow")


class Point(NamedTuple):
    """A point of the reduced space: theta, the way to its parameters, where in theta w, b and the rest stand, and X."""

    theta: np.ndarray
    unravel: Unravel
    W: np.ndarray  # (N, d) places
    b: np.ndarray  # (N,)
    free: np.ndarray  # (N + 1,)
    reach: float

    def tangent(self, g):
        """g without its part along each w."""
        g = np.array(g)
        w = self.theta[self.W]
        g[self.W] -= np.sum(w * g[self.W], axis=1, keepdims=True) * w
        return g

    def gradient(self, rng):
        """Some gradient (p,)."""
        return frozen(np.array(off_kinks(rng, self.theta.shape)))


def point(rng, d, N, reach, form, border=0.2) -> Point:
    """A random one, some thresholds at an end of their interval."""
    W, b, v, c = reduced(rng, d, N, reach, border)
    params = (Dense(W, b), (), Dense(v[None], np.array([c]))) if form == "mlp" else Shallow(W, b, v, np.asarray(c))
    theta, unravel = ravel(params)
    places = unravel(np.arange(len(theta)))
    W, b = places[0] if form == "mlp" else places[:2]
    free = np.concatenate([np.ravel(a) for a in leaves(places[2] if form == "mlp" else places[2:4])])
    return Point(frozen(theta), unravel, W, b, free, reach)


def landscape(rng, p):
    """½ θᵀAθ + sin(θ·a), complex-safe, and the objective of it."""
    A, a = rng.normal(size=(p, p)) / np.sqrt(p), rng.normal(size=p)
    A = A @ A.T

    def value(theta):
        return theta @ A @ theta / 2 + np.sin(theta @ a)

    return value, lambda theta: (float(value(theta)), A @ theta + np.cos(theta @ a) * a)


def by_step(f, theta):
    """The gradient of a function of theta."""
    return complex_step(f, (np.asarray(theta),), 0)


# ---- gradients
def deep_loss(params, X, y, unravel):
    """The mean squared loss of a ReLU network and its gradient at params, and how near a kink is."""
    nearest = [np.inf]

    def value(theta):
        h, own = X, unravel(theta)
        for k in range(0, len(own), 2):
            h = h @ own[k].W.T + own[k].b
            if k + 1 < len(own):
                nearest.append(float(np.min(np.abs(h))))
                h = np.where(h.real > 0, h, 0)
        return np.mean(np.sum((h - y) ** 2, axis=1))

    theta = ravel(params)[0]
    return by_step(value, theta), min(nearest)


def of_both_networks(impl, part, hidden, d, spread, seed):
    """The homogeneity of a standard network's loss, or its gradient against that of the reduced network's."""
    rng = np.random.default_rng(seed)
    widths = [d, *(int(m) for m in rng.integers(1, 5, hidden)), int(rng.integers(1, 3))]
    blocks: list[Any] = []
    directed: list[Any] = []
    scale = np.ones(d)
    for k in range(1, len(widths)):
        u, r = directions(rng, widths[k], widths[k - 1]), 10 ** rng.uniform(-spread, spread, widths[k])
        b, r = rng.uniform(-0.7, 0.7, widths[k]), r if k <= hidden else np.ones(widths[k])
        directed += [Dense(u, b), ()]
        blocks += [Dense(frozen(r[:, None] * u / scale), frozen(r * b)), ()]
        scale = r
    params, unit = tuple(blocks[:-1]), tuple(directed[:-1])
    X, y = rng.normal(size=(4, d)), rng.normal(size=(4, widths[-1]))
    unravel = ravel(params)[1]
    G, near = deep_loss(params, X, y, unravel)
    assume(near > 1e-6)
    G = unravel(frozen(G))
    own, later = params[:-1:2], params[2::2]
    if part == "homogeneity":
        left, right = (np.asarray(v) for v in impl.homogeneity_identity(params, G))
        each = [
            (sum(A.W[j] * g.W[j]) + A.b[j] * g.b[j], sum(B.W[:, j] * h.W[:, j]), np.sum(np.abs(A.W[j] * g.W[j])))
            for A, B, g, h in zip(own, later, G[:-1:2], G[2::2], strict=True) for j in range(len(A.b))
        ]  # fmt: skip
        expected = np.array(each)
        size = max(1.0, float(np.max(np.abs(expected))))
        return float(np.max(np.abs(np.stack([left, right, left], 1) - expected[:, [0, 1, 1]]))) / size
    got = impl.reduced_gradient(params, G)
    expected = unravel(deep_loss(unit, X, y, unravel)[0])
    worst, size = 0.0, max(1.0, *(float(np.max(np.abs(e))) for e in leaves(expected)))
    for k, (mine, true) in enumerate(zip(got[::2], expected[::2], strict=True)):
        W = true.W
        if k < hidden:
            W = W - np.sum(W * unit[2 * k].W, axis=1, keepdims=True) * unit[2 * k].W
        worst = max(worst, float(np.max(np.abs(mine.W - W))), float(np.max(np.abs(mine.b - true.b))))
    return worst / size


@claim(
    "R9", source="derived: chain rule, homogeneity", tolerance=1e-11, draws=120,
    part=Choice("tangent", "geodesic", "directions", "tanh", "homogeneity", "chain"), d=Integer(1, 5), N=N,
    reach=Floats(0.1, 10, log=True), spread=Floats(0, 1), form=FORM, seed=Seed(),
    catches="1/|u| left out, or squared; no projection; (w·G) w added; X left out of db/ds; the gradient at u for that at u/|u|; "
    "⟨w, dJ/dw⟩ without b dJ/db; 1/r for r; dJ/dc not divided by r, or by r of the layer before",
)  # fmt: skip
def gradients_on_the_reduced_space_are_tangent(impl, part, d, N, reach, spread, form, seed):
    """The Riemannian gradient is G_w − (w·G_w) w; that in u of J(u/|u|) has 1/|u|, is orthogonal to u; a reduced network's is r
    times the tangent part, r dJ/db, dJ/dc/r of the standard one's, with ⟨w, dJ/dw⟩ + b dJ/db = c dJ/dc."""
    if part in ("homogeneity", "chain"):
        return of_both_networks(impl, part, 1 + N % 3, d, spread, seed)
    rng = np.random.default_rng(seed)
    at = point(rng, d, N, reach, form)
    value, objective = landscape(rng, len(at.theta))
    G, w = objective(at.theta)[1], at.theta[at.W]
    size = float(np.max(np.abs(G)))
    if part in ("tangent", "geodesic"):
        g = np.asarray(impl.riemannian_gradient(at.theta, frozen(G), at.unravel))
        along = float(np.max(np.abs(np.sum(w * g[at.W], axis=1)))) / size  # 0
        if part == "tangent":
            return max(along * 1e2, float(np.max(np.abs(g - at.tangent(G)))) / size)  # to 1e-14
        v = at.tangent(rng.normal(size=len(G)))
        r = norm(v[at.W])[:, None]

        def moved(t):
            theta = at.theta + t * v
            theta[at.W] = w * np.cos(t * r) + v[at.W] / np.maximum(r, 1e-300) * np.sin(t * r)
            return theta

        return abs(float(np.imag(value(moved(1j * STEP)))) / STEP - g @ v) / float(np.sum(np.abs(G)) * max(1.0, np.max(np.abs(v))))
    phi, options = np.array(at.theta), {"thresholds": "tanh", "radius": reach} if part == "tanh" else {}
    u = w * 10 ** rng.uniform(-spread, spread, (N, 1))
    phi[at.W] = u
    if part == "tanh":
        phi[at.b] = rng.normal(size=N)

    def free(phi):
        theta = phi + 0j
        theta[at.W] = phi[at.W] / np.sqrt(np.sum(phi[at.W] ** 2, axis=1, keepdims=True))
        if part == "tanh":
            theta[at.b] = reach * np.tanh(phi[at.b])
        return value(theta)

    got, gradient = impl.reduced_objective(objective, at.unravel, **options)(frozen(phi))
    expected, gradient = by_step(free, phi), np.array(gradient)
    radial = float(np.max(np.abs(np.sum(u * gradient[at.W], axis=1))))  # 0
    for g in (gradient, expected):
        g[at.W] *= norm(u)[:, None]
    size = max(1.0, size, float(np.max(np.abs(expected))), abs(float(value(at.theta))))
    return max(abs(got - float(np.real(free(phi)))), radial, float(np.max(np.abs(gradient - expected)))) / size


# ---- moves
@claim(
    "R10", source="derived: moves on the sphere", tolerance=1.0, thorough={"steps": Choice(10_000)}, move=MOVES, d=Choice(2, 5),
    steps=Choice(800),
    catches="no renormalising, so that roundings add up; the chord for the arc; t for t|g|; 0/0 where g = 0",
)  # fmt: skip
def moves_stay_on_the_sphere_and_agree_to_second_order(impl, move, d, steps):
    """The retraction turns w by atan(t|g|), the geodesic by t|g|, so that they differ by t³|g|³/3; |w| is 1 to 1e-15 after
    as many as 10⁴ steps, and where g = 0 nothing moves."""
    rng = np.random.default_rng(d)
    at, t = point(rng, d, 4, 1.0, "mlp", border=0), 1e-2
    G = rng.normal(size=len(at.theta))
    g = at.tangent(G)[at.W]
    w, size = at.theta[at.W], norm(g)[:, None]
    G[at.W] = g / size + 0.7 * w  # |g| = 1
    G[at.W[0]] = -0.7 * w[0]  # g = 0
    ends, worst = {}, 0.0
    for kind in ("retract", "geodesic"):
        optimiser = impl.riemannian_descent(t, at.unravel, 1.0, move=kind)
        ends[kind] = optimiser.step(at.theta, frozen(G), optimiser.init(at.theta))[0][at.W]
        turn = np.arctan(t) if kind == "retract" else t
        expected = np.cos(turn) * w - np.sin(turn) * g / size
        expected[0] = w[0]
        worst = max(worst, float(np.max(np.abs(ends[kind] - expected))) / 1e-15)
    apart = norm(ends["retract"] - ends["geodesic"])[1:]
    worst = max(worst, float(np.max(np.abs(apart / (t**3 / 3) - 1))) / 0.01, float(np.max(np.abs(ends[move][0] - w[0]))) / 1e-15)
    optimiser, theta = impl.riemannian_descent(0.01, at.unravel, 1.0, move=move), at.theta  # long steps forget
    state = optimiser.init(theta)
    for G in rng.normal(size=(steps, len(theta))):
        theta, state = optimiser.step(frozen(theta), G, state)
    return max(worst, float(np.max(np.abs(norm(theta[at.W]) - 1))) / 1e-15)


def run(optimiser, theta, gradients):
    """theta and the state after a step for each gradient."""
    state = optimiser.init(frozen(theta))
    for g in gradients:
        theta, state = optimiser.step(frozen(theta), frozen(np.asarray(g)), state)
    return np.asarray(theta), state


def optimiser_of(impl, kind, at, rate, move, thresholds, **more):
    return getattr(impl, f"riemannian_{kind}")(rate, at.unravel, at.reach, move=move, thresholds=thresholds, **more)


@claim(
    "R27", source="derived: Riemannian steps", tolerance=1.0, draws=80, kind=OPTIMISERS, move=MOVES, thresholds=WALLS,
    d=Integer(1, 5), N=N,
    reach=REACH, rate=Floats(0.01, 1), steps=Integer(1, 12), part=Choice("kept", "rotated", "free"), form=FORM, seed=Seed(),
    catches="a second moment for each coordinate of w, which sees the axes; buffers not carried to the new tangent space; w moved "
    "in one dimension, where it is a sign; thresholds that leave their interval; outer weights that follow another recurrence",
)  # fmt: skip
def optimisers_of_the_reduced_space_see_no_axes(impl, kind, move, thresholds, d, N, reach, rate, steps, part, form, seed):
    """Riemannian descent, momentum and Adam keep |w| = 1, |b| <= X and buffers tangent, rotate if the inputs are rotated, keep
    signs in one dimension, and move c as in flat space."""
    rng = np.random.default_rng(seed)
    at = point(rng, d, N, reach, form)
    gradients = off_kinks(rng, (steps, len(at.theta)))
    optimiser = optimiser_of(impl, kind, at, rate, move, thresholds)
    theta, state = run(optimiser, at.theta, gradients)
    w = theta[at.W]
    if part == "free":
        beta, k = 0.9, np.arange(steps)
        moved = np.zeros(len(at.free))
        for t in range(1, steps + 1):
            g = gradients[:t][:, at.free]
            w1, w2 = (b ** k[:t][::-1] for b in (beta, 0.999))
            if kind == "adam":
                moved -= rate * (w1 @ g / w1.sum()) / (np.sqrt(w2 @ g**2 / w2.sum()) + 1e-8)
            else:
                moved -= rate * (g[-1] if kind == "descent" else w1 @ g)
        return float(np.max(np.abs(theta[at.free] - at.theta[at.free] - moved))) / (1 + float(np.max(np.abs(moved)))) / 1e-13
    if part == "kept":
        buffer = {"descent": lambda s: 0 * theta, "momentum": lambda s: s.v, "adam": lambda s: s.m}[kind](state)
        radial = float(np.max(np.abs(np.sum(w * buffer[at.W], axis=1)))) / 10
        beyond = float(np.max(np.abs(theta[at.b]))) / reach - 1
        signs = float(np.max(np.abs(w - at.theta[at.W]))) if d == 1 else 0.0
        return max(radial / 1e-15, beyond / 1e-15, float(np.max(np.abs(norm(w) - 1))) / 1e-15, signs / 1e-16)
    Q = np.linalg.qr(rng.normal(size=(d, d)))[0] if d > 1 else np.eye(1)

    def rotated(theta):
        theta = np.array(theta)
        theta[..., at.W] = theta[..., at.W] @ Q
        return theta

    turned = run(optimiser, rotated(at.theta), rotated(gradients))[0]
    return float(np.max(np.abs(turned - rotated(theta)))) / max(1.0, reach) / 1e-11  # 12 steps of up to a radian: chaos has no time


def followed(kind, w, gradients, rate, move, parallel, share):
    """Neurons w (N, d) after a step for each gradient (N, d): what is kept of the past is carried on by parallel transport along
    the great circle, or projected; a neuron's second moment is that of |g|² times share."""
    m, q = np.zeros_like(w), np.zeros(len(w))
    for t, G in enumerate(gradients, 1):
        g = G - np.sum(w * G, axis=1, keepdims=True) * w
        v = m = g if kind == "descent" else 0.9 * m + (0.1 if kind == "adam" else 1) * g
        if kind == "adam":
            q = 0.999 * q + 0.001 * share * np.sum(g * g, axis=1)
            v = m / (1 - 0.9**t) / (np.sqrt(q / (1 - 0.999**t)) + 1e-8)[:, None]
        turn = rate * norm(v)[:, None]
        p, turn = -rate * v / turn, turn if move == "geodesic" else np.arctan(turn)
        there = np.cos(turn) * w + np.sin(turn) * p
        along = np.sum(m * p, axis=1, keepdims=True)
        m = m + along * ((np.cos(turn) - 1) * p - np.sin(turn) * w) if parallel else m - np.sum(m * there, 1, keepdims=True) * there
        w = there
    return w


@claim(
    "R36", source="derived: momentum and Adam", tolerance=1e-11, draws=80, kind=OPTIMISERS, move=MOVES, d=D, N=Integer(2, 5),
    reach=REACH,
    rate=Floats(0.01, 1), steps=Integer(1, 8), form=FORM, seed=Seed(),
    catches="a second moment of the whole gradient, radial part included; one for the layer, so that neurons wait for each other; "
    "steps along the last gradient where they are along the velocity; a velocity that is forgotten, or not carried along",
)  # fmt: skip
def neurons_follow_their_own_tangent_gradients(impl, kind, move, d, N, reach, rate, steps, form, seed):
    """Each neuron moves along its own velocity, made of tangent parts of its own gradients and carried along; Adam divides by the
    root of the neuron's second moment."""
    # right are both projection and parallel transport, both the sum of squares and their mean
    rng = np.random.default_rng(seed)
    at = point(rng, d, N, reach, form)
    gradients = off_kinks(rng, (steps, len(at.theta)))
    got = run(optimiser_of(impl, kind, at, rate, move, "clip"), at.theta, gradients)[0][at.W]
    right = [
        followed(kind, at.theta[at.W], gradients[:, at.W], rate, move, parallel, share)
        for parallel in (True, False)
        for share in ((1, 1 / d) if kind == "adam" else (1,))
    ]
    return min(float(np.max(np.abs(got - w))) for w in right)


@claim(
    "R28", source="derived: thresholds at walls", tolerance=1e-12, kind=Choice("descent", "momentum"), move=MOVES,
    thresholds=WALLS, N=N,
    reach=Floats(0.1, 10, log=True), rate=Floats(0.01, 3), steps=Integer(1, 4), form=FORM, seed=Seed(),
    catches="a threshold clipped where it is to be folded; a velocity that keeps its sign at a wall, or turns at every step; one "
    "bound for the tangent and the threshold",
)  # fmt: skip
def thresholds_are_clipped_or_reflected(impl, kind, move, thresholds, N, reach, rate, steps, form, seed):
    """A step takes b to b − ηv and then to the nearest number in [−X, X], or reflects it at the walls hit by hit, where v turns."""
    rng = np.random.default_rng(seed)
    at = point(rng, 3, N, reach, form)
    gradients = off_kinks(rng, (steps, len(at.theta)))
    b, v, beta = np.array(at.theta[at.b]), np.zeros(N), 0.8 if kind == "momentum" else 0.0
    for g in gradients[:, at.b]:
        v = beta * v + g
        if thresholds == "clip":
            b = np.array([min(max(t, -reach), reach) for t in b - rate * v])
        else:
            assume(np.min(np.abs((np.abs(b - rate * v) / reach + 1) % 2)) > 1e-9)  # ends at a wall: either sign is right
            b, turned = np.array([billiard(x, -y, rate, -reach, reach) for x, y in zip(b, v, strict=True)]).T
            v = -turned
    more = {"beta": beta} if kind == "momentum" else {}
    got, _ = run(optimiser_of(impl, kind, at, rate, move, thresholds, **more), at.theta, gradients)
    return float(np.max(np.abs(got[at.b] - b))) / (reach + rate * 5 * steps)


@claim(
    "R29", source="derived: projected gradient", tolerance=1e-14, d=D, N=N, reach=REACH, rate=Floats(0.001, 0.2, log=True),
    form=FORM, seed=Seed(),
    catches="the tangent part for the whole gradient; no division by the length; thresholds not clipped; order two claimed",
)  # fmt: skip
def projected_descent_turns_by_another_angle(impl, d, N, reach, rate, form, seed):
    """Projected gradient descent goes to (w − tG)/|w − tG|, at the angle atan(t|g|/(1 − t w·G)) from w: to first order only the
    same as the retraction of −tg."""
    rng = np.random.default_rng(seed)
    at = point(rng, d, N, reach, form)
    G = at.gradient(rng)
    got, _ = run(impl.projected_descent(rate, at.unravel, reach), at.theta, [G])
    w, g = at.theta[at.W], at.tangent(G)[at.W]
    radial, size = np.sum(w * G[at.W], axis=1, keepdims=True), norm(g)[:, None]
    angle = np.arctan2(rate * size, 1 - rate * radial)
    worst = float(np.max(np.abs(got[at.W] - (np.cos(angle) * w - np.sin(angle) * g / size))))
    b = np.array([min(max(t, -reach), reach) for t in at.theta[at.b] - rate * G[at.b]])
    return max(
        worst,
        float(np.max(np.abs(got[at.b] - b))) / max(1.0, reach),
        float(np.max(np.abs(np.abs(got - at.theta) - rate * np.abs(G))[at.free])),
    )


# ---- thresholds
@claim(
    "R11", source="derived: reflection", tolerance=1.0, n=Integer(1, 6), reach=REACH, far=Floats(0, 10), seed=Seed(),
    catches="b mod 2X, which wraps to the other side; the sign of one reflection for all; b changed inside; a wall counted twice",
)  # fmt: skip
def folding_is_reflecting_again_and_again(impl, n, reach, far, seed):
    """fold(b) is where a point ends that is reflected at ±X until it is inside, and its sign is (−1) to the number of reflections;
    b inside stays as it is."""
    rng = np.random.default_rng(seed)
    b = frozen(reach * np.concatenate([rng.uniform(-far, far, n), rng.uniform(-1, 1, n), [-1, 1]]))
    got, sign = (np.asarray(v) for v in impl.fold(b, reach))
    if np.any(got[n:] != b[n:]) or np.any(sign[n:] != 1) or np.any(np.abs(got) > reach):
        return np.inf
    worst = 0.0
    for t, there, s in zip(b, got, sign, strict=True):
        turned, away = 1.0, abs((abs(t) / reach + 1) % 2)
        while abs(t) > reach:
            t, turned = (2 * reach if t > 0 else -2 * reach) - t, -turned
        worst = max(worst, abs(there - t) / reach / 2e-14, np.inf if s != turned and min(away, 2 - away) > 1e-9 else 0.0)
    return worst


@claim(
    "R35", source="derived: X tanh s", tolerance=1e-14, n=Integer(1, 6), reach=REACH, far=Floats(0.1, 300, log=True), seed=Seed(),
    catches="1 − tanh² without X; the slope of the sigmoid; 0 for the slope where tanh s is 1 to rounding, X(1 − tanh s)(1 + tanh "
    "s)",
)  # fmt: skip
def squashed_thresholds_stay_inside(impl, n, reach, far, seed):
    """squash(s) is X tanh s with the slope X/cosh²s, to full precision where tanh s rounds to 1, too; unsquash is its inverse."""
    s = frozen(np.random.default_rng(seed).uniform(-far, far, n))
    b, slope = (np.asarray(v) for v in impl.squash(s, reach))
    e, near = np.exp(-2 * np.abs(s)), np.abs(s) < 3
    expected = np.sign(s) * -np.expm1(-2 * np.abs(s)) / (1 + e), 4 * e / (1 + e) ** 2
    gaps = [np.abs(v / reach - t) / np.maximum(np.abs(t), 1e-300) for v, t in zip((b, slope), expected, strict=True)]
    # e^(−2|s|) loses |s| roundings; 1 − b/X is e^−6 or more where s is near, and artanh loses e^6/4 of them
    back = np.asarray(impl.unsquash(frozen(b[near]), reach)) - s[near]
    return max(float(np.max(gaps[0])), float(np.max(gaps[1])) / 300, float(np.max(np.abs(back), initial=0)) / 100)


@claim(
    "R12", source="derived: w = u/|u|", tolerance=1.0, thorough={"steps": Integer(500, 1000)}, d=D, N=N, reach=REACH,
    rate=Floats(0.01, 1),
    steps=Integer(5, 40), form=FORM, seed=Seed(),
    catches="a gradient with a radial part, in whole or in part; the gradient at w for that at u; u of one neuron for that of "
    "another",
)  # fmt: skip
def free_directions_grow(impl, d, N, reach, rate, steps, form, seed):
    """dJ/du is orthogonal to u, so that under plain descent |u|² grows by exactly t²|dJ/du|² a step, and never falls."""
    rng = np.random.default_rng(seed)
    at = point(rng, d, N, reach, form)
    A = at.gradient(rng)

    def steep(theta):  # bounded, so that descent may run on
        return float(np.sin(A @ theta)), np.cos(A @ theta) * A

    objective = impl.reduced_objective(steep, at.unravel)
    phi, worst = np.array(at.theta), 0.0
    phi[at.W] *= rng.uniform(0.3, 3, (N, 1))
    for _ in range(steps):
        g = objective(frozen(phi))[1]
        there = phi - rate * g
        before, after, added = (np.sum(v[at.W] ** 2, axis=1) for v in (phi, there, rate * g))
        worst = max(worst, float(np.max(np.abs(after / (before + added) - 1))) / 1e-12, float(np.max(before / after - 1)) / 1e-14)
        phi = there
    return worst
