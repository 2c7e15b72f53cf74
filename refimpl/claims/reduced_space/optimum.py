"""Claims on the end of a training: R14, R30 to R32, R38.

Tolerances: a projected optimum is compared by values, which are flat there; differences of values of size 1 at the step 1e-5 know a
slope to 1e-10 and a curvature times 1e-10.
"""

from collections.abc import Callable
from itertools import combinations, product

import numpy as np

from refimpl.claims.claim import Choice, Floats, Integer, Seed, assume, claim, frozen, max
from refimpl.claims.reduced_space.definition import ball, directions, evaluate, norm
from refimpl.claims.reduced_space.training import FORM, N, point


def left_over(at, theta, G):
    """What the constraints leave of a gradient: its tangent part, at a wall of b only what points inside by descent."""
    w, g = theta[at.W], np.array(G)
    g[at.W] -= np.sum(w * g[at.W], axis=1, keepdims=True) * w
    for i in at.b:
        wall = np.sign(theta[i]) if abs(theta[i]) >= at.reach * (1 - 1e-12) else 0.0
        if wall * G[i] < 0:  # descent would lead out
            g[i] = 0.0
    return g


# ---- stationary points
@claim(
    "R30", source="derived: Karush-Kuhn-Tucker", tolerance=1.0, draws=80, d=Integer(1, 5), N=N, reach=Floats(0.1, 10, log=True),
    part=Choice("optimum", "w", "b", "wall", "c"), form=FORM, seed=Seed(),
    catches="the radial part counted; the sign at a wall exchanged, at one wall or at both; a threshold at a wall that need not "
    "be zero taken for stationary whatever it wants; c left out",
)  # fmt: skip
def the_residual_vanishes_at_a_constrained_optimum_only(impl, d, N, reach, part, form, seed):
    """Of −α·w + (b − β)²/2 + (c − γ)²/2 the optimum is α/|α|, β clipped to [−X, X] and γ: there the KKT residual is 0; if w, b or c
    is elsewhere it is the size of what the constraints leave of the gradient."""
    rng = np.random.default_rng(seed)
    at = point(rng, d, N, reach, form)
    alpha, beta = rng.normal(size=(N, d)), reach * rng.uniform(-3, 3, N)
    alpha += 0.1 * alpha / norm(alpha)[:, None]
    gamma = rng.normal(size=len(at.free))
    theta = np.array(at.theta)
    theta[at.W], theta[at.b], theta[at.free] = alpha / norm(alpha)[:, None], np.clip(beta, -reach, reach), gamma
    if part == "w":
        assume(d > 1)
        theta[at.W[0]] = directions(rng, 1, d)[0]
    elif part == "b":
        theta[at.b[0]] = reach * rng.uniform(-0.9, 0.9)
    elif part == "wall":
        theta[at.b[0]] = -np.sign(beta[0]) * reach
    elif part == "c":
        theta[at.free[int(rng.integers(N + 1))]] += 1.0
    G = np.zeros(len(theta))
    G[at.W], G[at.b], G[at.free] = -alpha, theta[at.b] - beta, theta[at.free] - gamma
    got = float(impl.kkt_residual(frozen(theta), frozen(G), at.unravel, reach))
    rest = left_over(at, theta, G)
    expected = float(np.max(np.abs(rest)))
    if part == "optimum":
        return got / 1e-14 / (1 + float(np.max(np.abs(G))))
    assume(expected > 1e-6)
    # another norm is another residual, and as good a stopping rule
    return 0.0 if 0.99 * expected <= got <= 1.01 * float(np.sum(np.abs(rest))) else np.inf


@claim(
    "R31", source="derived: the envelope theorem", tolerance=1.0, draws=40, d=Integer(1, 3), N=Integer(1, 4),
    spread=Floats(0, 1), ridge=Floats(1e-8, 1, log=True), seed=Seed(),
    catches="c of another point; the gradient with c held at its start; 1/n forgotten on one side; no output bias; 1/|u| left out; "
    "a ridge of the sum of squares, or left out of the value",
)  # fmt: skip
def projected_variables_are_the_best_and_their_gradient_is_partial(impl, d, N, spread, ridge, seed):
    """For fixed (w, b) the outer weights are those of least mean squared error plus ridge |c|², which is the value, and the
    gradient in (w, b) is its derivative, c being solved for anew."""
    rng = np.random.default_rng(seed)
    u, b = directions(rng, N, d), rng.uniform(-0.6, 0.6, N)
    X = ball(rng, d, 1.0, 10)
    y = np.sin(3 * X[:, 0]) + 0.1 * rng.normal(size=len(X))
    z = X @ u.T + b
    A = np.column_stack([np.maximum(z, 0), np.ones(len(X))])
    assume(np.min(np.abs(z)) > 1e-3 and np.linalg.cond(A) < 300)  # off the kinks; c of size 10 at most
    phi = frozen(np.concatenate([(u * 10 ** rng.uniform(-spread, spread, (N, 1))).ravel(), b]))
    best = impl.variable_projection(frozen(X), frozen(y), 1.0, N, ridge)
    value, gradient = best.objective(phi)
    c = np.linalg.lstsq(np.vstack([A, np.sqrt(len(X) * ridge) * np.eye(N + 1)]), np.append(y, np.zeros(N + 1)), rcond=None)[0]
    least = float(np.mean((A @ c - y) ** 2) + ridge * (c @ c))
    net = best.network(phi)
    outer = np.append(net[2].W, net[2].b)
    found = float(np.mean((evaluate(net, X).y[:, 0] - y) ** 2) + ridge * (outer @ outer))
    worst = max(abs(found - least), abs(value - least)) / 1e-13 / (1 + least)  # values are flat at the least
    scale = np.concatenate([np.repeat(norm(phi[: N * d].reshape(N, d)), d), np.ones(N)])
    size = 1 + float(np.max(np.abs(c))) ** 2
    for k, step in enumerate(1e-5 * scale):
        ends = [best.objective(frozen(phi + sign * step * np.eye(len(phi))[k]))[0] for sign in (1, -1)]
        worst = max(worst, abs((ends[0] - ends[1]) / 2e-5 - gradient[k] * scale[k]) / size / 1e-6)
    return worst


@claim(
    "R32", source="derived: bounds of L-BFGS-B", tolerance=1.0, draws=12, d=Integer(1, 4), N=N, reach=Floats(0.1, 10, log=True),
    form=FORM,
    seed=Seed(),
    catches="bounds on other entries than thresholds; bounds of the wrong width; an objective whose gradient is not that of its "
    "value, which a line search feels",
)  # fmt: skip
def bounded_quasi_newton_ends_at_a_stationary_point(impl, d, N, reach, form, seed):
    """L-BFGS-B over free directions, with box bounds on the thresholds and on nothing else, ends inside the reduced space where the
    constraints leave nothing of the gradient."""
    from scipy.optimize import minimize

    rng = np.random.default_rng(seed)
    at = point(rng, d, N, reach, form)
    A, a = np.linalg.qr(rng.normal(size=(len(at.theta),) * 2))[0], rng.normal(size=len(at.theta))
    H = (A * rng.uniform(0.5, 2, len(a))) @ A.T

    def objective(theta):
        return float((theta - 2 * a) @ H @ (theta - 2 * a) / 2), H @ (theta - 2 * a)

    bounds = list(impl.box_bounds(at.unravel, reach))
    expected = [(-reach, reach) if i in at.b else (None, None) for i in range(len(at.theta))]
    if [tuple(None if v is None or np.isinf(v) else v for v in pair) for pair in bounds] != expected:
        return np.inf
    start = np.array(at.theta)
    free = impl.reduced_objective(objective, at.unravel)
    theta, rest = np.array(start), np.inf
    for _ in range(20):  # from unit directions again: a first long step leaves |u| = 1e5, and the curvature 1e-10
        result = minimize(
            free, theta, jac=True, bounds=bounds, method="L-BFGS-B", options={"maxiter": 300, "ftol": 0, "gtol": 1e-9}
        )
        theta = np.array(result.x)
        theta[at.W] /= norm(theta[at.W])[:, None]
        value, G = objective(theta)
        rest = float(np.max(np.abs(left_over(at, theta, G)))) / (1 + float(np.max(np.abs(G))))
        if rest < 1e-7:
            break
    # a line search ends where values of size V cannot fall any more: a gradient of √(1e-16 V)
    down = np.inf if value > objective(start)[0] else abs(value - result.fun) / (1 + abs(value)) / 1e-12
    return max(rest / 1e-6 / np.sqrt(1 + abs(value)), (float(np.max(np.abs(theta[at.b]))) / reach - 1) / 1e-12, down)


@claim(
    "R38", source="derived: start and stopping rule", tolerance=1.0, draws=80, part=Choice("start", "measure", "stop"),
    d=Integer(1, 5), N=N,
    reach=Floats(0.1, 10, log=True), spread=Floats(0, 1), thresholds=Choice("clip", "tanh"), form=FORM, seed=Seed(),
    catches="thresholds taken for s where b = X tanh s, on the way in or out; the residual at u for that at u/|u|; the gradient in "
    "phi measured; a run stopped where the measure is large, or never",
)  # fmt: skip
def free_parameters_stand_for_points_and_are_measured_there(impl, part, d, N, reach, spread, thresholds, form, seed):
    """Free parameters (u, b, c), or (u, s, c), made of a point stand for it; the measure of free parameters is the KKT residual of
    (u/|u|, X tanh s, c); a run is stopped where the measure is at most the tolerance."""
    rng = np.random.default_rng(seed)
    at = point(rng, d, N, reach, form, border=0)
    if part == "stop":
        bound = float(10 ** rng.uniform(-9, 1))
        stops = impl.stop_below(lambda phi: float(np.max(np.abs(phi))), bound)
        wrong = [stopped(stops, frozen(at.theta / np.max(np.abs(at.theta)) * bound * f)) != (f < 1) for f in (0, 0.99, 1.01, 1e3)]
        return float(any(wrong)) * 2

    def stood_for(phi):
        theta = np.array(phi)
        theta[at.W] = phi[at.W] / norm(phi[at.W])[:, None]
        if thresholds == "tanh":
            theta[at.b] = reach * np.tanh(phi[at.b])
        return theta

    if part == "start":
        phi = np.asarray(impl.free_parameters(at.theta, at.unravel, thresholds=thresholds, radius=reach))
        return float(np.max(np.abs(stood_for(phi) - at.theta))) / max(1.0, reach) / 1e-14
    phi = np.array(at.theta)
    phi[at.W] *= 10 ** rng.uniform(-spread, spread, (N, 1))
    phi[at.b] = rng.normal(size=N) if thresholds == "tanh" else phi[at.b]
    a = 3 * rng.normal(size=len(phi))
    theta = stood_for(phi)
    rest = np.abs(left_over(at, theta, theta - a))
    measure = impl.kkt_measure(
        lambda theta: (float((theta - a) @ (theta - a) / 2), theta - a), at.unravel, reach, thresholds=thresholds
    )
    # another norm is another residual, as in R30
    return 0.0 if 0.99 * float(np.max(rest)) <= float(measure(frozen(phi))) <= 1.01 * float(np.sum(rest)) else np.inf


def stopped(callback, phi) -> bool:
    """Does the callback end the run there?"""
    try:
        callback(phi)
    except StopIteration:
        return True
    return False


# ---- the optimum itself
TARGETS: dict[str, Callable] = {
    "sin 4πx": lambda x: np.sin(4 * np.pi * x),
    "bend at 0.8": lambda x: np.abs(x - 0.8) + 0.2 * x**2,
    "x⁴": lambda x: x**4,
}


def polished(value, start, **more):
    """The least value that a simplex finds from there: it needs no slope, and values have kinks at the samples."""
    from scipy.optimize import minimize

    options = {"xatol": 1e-9, "fatol": 1e-13, "maxiter": 2000}
    return float(minimize(value, start, method="Nelder-Mead", options=options, **more).fun)


def least_standard(x, y, N, most=24):
    """The least mean squared error of c_0 and N ReLU neurons: as c ≠ 0 takes any scale, of breaks anywhere on the line, beyond the
    data as well, with either side active. All choices of N of 80, then the best of them polished."""
    breaks, sides = np.meshgrid(np.linspace(-0.5, 1.5, 40), [1.0, -1.0])

    def features(at, side):
        return np.maximum(side * (x[:, None] - at), 0)

    H = np.column_stack([features(breaks.ravel(), sides.ravel()), np.ones(len(x))])
    chosen = np.array([[*own, 80] for own in combinations(range(80), N)])
    G, g = H.T @ H / len(x) + 1e-10 * np.eye(81), H.T @ y / len(x)
    M, m = G[chosen[:, :, None], chosen[:, None, :]], g[chosen]
    fits = np.mean(y**2) - np.sum(m * np.linalg.solve(M, m[:, :, None])[:, :, 0], axis=1)
    best = np.inf
    for own in chosen[np.argsort(fits)[:most], :N]:
        side = sides.ravel()[own]

        def error(at, side=side):
            A = np.column_stack([features(at, side), np.ones(len(x))])
            return float(np.mean((A @ np.linalg.lstsq(A, y, rcond=None)[0] - y) ** 2))

        best = min(best, polished(error, breaks.ravel()[own]))
    return best


@claim(
    "R14", source="derived; measured here", tolerance=1e-6, slow=True, target=Choice(*TARGETS), N=Choice(1, 2, 3),
    catches="thresholds clipped to X of the centred data, on raw data; an interval for the wrong sign; signs that are never tried",
)  # fmt: skip
def the_reduced_space_keeps_the_optimum(impl, target, N):
    """On small problems in one dimension the least loss found in the reduced space, over all signs, is the least found among
    standard networks."""
    from scipy.optimize import minimize

    rng = np.random.default_rng(0)
    x = np.linspace(0, 1, 60)
    y = TARGETS[target](x)
    best, ends = impl.variable_projection(frozen(x[:, None]), frozen(y), 1.0, N), []
    for signs in product([1.0, -1.0], repeat=N):
        for _ in range(60 // 2**N + 4):
            start = np.concatenate([signs, -np.array(signs) * rng.uniform(0, 1, N)])
            end = minimize(best.objective, start, jac=True, bounds=best.bounds, method="L-BFGS-B")
            ends.append((end.fun, tuple(end.x)))
    reduced = np.inf
    for _, phi in sorted(ends)[:12]:
        at = np.array(phi)
        network = best.network(frozen(at))
        if np.max(np.abs(network[0].b)) > 1 or np.any(np.abs(network[0].W) != 1):
            return np.inf

        def error(b, at=at):
            net = best.network(frozen(np.concatenate([at[:N], b])))
            return float(np.mean((evaluate(net, x[:, None]).y[:, 0] - y) ** 2))

        reduced = min(reduced, polished(error, at[N:], bounds=best.bounds[N:]))
    return abs(reduced - least_standard(x, y, N))
