"""The least risk within a norm budget: for ReLU it is reached, for smooth activations it keeps falling.

    loss(R) = min { err(θ) : |θ| <= R },   err(θ) = mean of (c + Σ_j v_j σ(w_j x + b_j) − f(x))² over an interval

All of (w, b, v, c) count in |θ|. For a continuous target and ReLU, loss(R) is constant from some R on: a minimiser exists. Smooth
activations reach ever more by ever larger weights, as difference quotients of σ. So does ReLU where the target jumps. Laws
are in :mod:`~refimpl.papers.relu_existence.budget_laws`; all was derived for refimpl.

    symbol    here     shape         meaning
    θ         theta    (3n + 1,)     ravel(Shallow(W (n, 1), b (n,), v (n,), c ())), n neurons
    u         u        (3n + 1,)     θ = R u/√(1 + |u|²): any u is within the budget

Reading order: the ball, the risk, the objective, the search.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import log
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from refimpl.doors import finite, floats, whole
from refimpl.nn.activations import (
    relu_backward,
    relu_forward,
    sigmoid_backward,
    sigmoid_forward,
    softplus_backward,
    softplus_forward,
    tanh_backward,
    tanh_forward,
)
from refimpl.nn.network import checked_rng
from refimpl.nn.shallow import Shallow
from refimpl.optim.first_order import between
from refimpl.papers.relu_existence.budget_laws import Target
from refimpl.papers.relu_existence.integrate import interval_nodes
from refimpl.papers.relu_existence.network import balanced
from refimpl.params import Objective, ravel

PAIRS: dict[str, tuple[Callable, Callable]] = {
    "relu": (relu_forward, relu_backward),
    "tanh": (tanh_forward, tanh_backward),
    "sigmoid": (sigmoid_forward, sigmoid_backward),
    "softplus": (softplus_forward, softplus_backward),
}
FLOOR = 1e-32  # added to the risk under the logarithm: a mean square of rounding errors
EXACT = 1e-24  # a risk below is an exact fit and rounding: nothing is left to gain
NODES = 20  # Gauss points a panel
PANELS = 4  # at least, for the target's sake


# ---- the ball
def ball_forward(u, radius):
    """θ = R u/√(1 + |u|²).  u (p,) -> theta (p,), |theta| < R."""
    s = np.sqrt(1 + u @ u)
    return radius * u / s, (u, s, radius)


def ball_backward(dtheta, cache):
    """du = (R/s) (dθ − u (u·dθ)/s²), s² = 1 + |u|²."""
    u, s, radius = cache
    return radius / s * (dtheta - u * (u @ dtheta) / s**2)


def in_ball(theta, radius):
    """A u whose θ is this one; where |θ| is (nearly) R or more, its direction at 0.999 R."""
    size = np.sqrt(theta @ theta)
    t = min(size / radius, 0.999)
    return theta / size * t / np.sqrt(1 - t * t) if size > 0 else np.zeros_like(theta)


# ---- the risk
def residuals(theta, width, pair, rule):
    """F (q,) and its Jacobian (q, 3n + 1): err = |F|², ∇err = 2 JᵀF,  F_i = √ω_i (R_θ(x_i) − f(x_i)) at Gauss points, Σ ω = 1."""
    forward, backward = pair
    x, root, wanted = rule
    W, b, v, c = theta[:width], theta[width : 2 * width], theta[2 * width : -1], theta[-1]
    h, cache = forward(x[:, None] * W + b)  # (q, n)
    dz = backward(np.broadcast_to(v, h.shape), cache)
    J = np.concatenate([x[:, None] * dz, dz, h, np.ones((len(x), 1))], axis=1)
    return root * (h @ v + c - wanted), root[:, None] * J


# ---- the objective
def within_budget(
    activation: str,
    width: int,
    target: Callable[[np.ndarray], np.ndarray] | Target,
    radius: float,
    interval: tuple[float, float] = (-1, 1),
) -> Objective:
    """log risk as an objective over u (3n + 1,), θ = R u/√(1 + |u|²) = ravel(Shallow(W, b, v, c)).

    Parameters
    ----------
    activation : "relu", "tanh", "sigmoid" or "softplus"
    width : int >= 1
    target : callable x (q,) -> (q,), or Target(callable, breaks) with the points in the interval where it is not smooth
    radius : float > 0
        R, the bound of |θ|.
    interval : (low, high)
        Risk is the mean over it.

    Returns
    -------
    objective : u -> (log(risk + 1e-32), gradient (3n + 1,))

    Raises TypeError or ValueError if arguments are not as above, or the target's values are not finite; from the objective, if u
    has another shape.

    ReLU: 20 Gauss points between any two breaks of network and target. Others: panels no longer than 2/R, cut at the target's
    breaks. The nearest singularity of σ(wx + b), |w| <= R, is π/(2R) off the line, π/2 half panels at least, where 20 points leave
    a relative error of (π/2 + √(1 + π²/4))⁻⁴⁰ < 1e-20; what is left is rounding. At least 4 panels, for the target.
    """
    pair, width, target = named(activation), whole("width", width, 1), as_target(target)
    radius, interval = between("radius", radius, 0, 1e5), ends(interval)  # memory grows with R
    return _within_budget(pair, activation == "relu", width, target, radius, interval)[0]


def _within_budget(pair, cut, width, target, radius, interval):
    """The objective, and theta -> F, J."""
    low, high = interval
    fixed = np.array([low, *sorted(t for t in target.breaks if low < t < high), high])
    if not cut:
        number = np.maximum(max(PANELS, width), np.ceil(np.diff(fixed) * radius / 2)).astype(int)
        parts = zip(fixed, fixed[1:], number, strict=False)
        fixed = np.concatenate([[low], *(np.linspace(start, stop, k + 1)[1:] for start, stop, k in parts)])
    quadrature = sampled(fixed, target, high - low)

    def at(theta):
        rule = quadrature
        if cut:
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                knots = -theta[width : 2 * width] / theta[:width]
            inside = knots[(knots > low) & (knots < high)]
            if inside.size:
                rule = sampled(np.sort(np.concatenate([fixed, inside])), target, high - low)
        return residuals(theta, width, pair, rule)

    def objective(u):
        theta, cache = ball_forward(floats("u", u, (3 * width + 1,)), radius)
        F, J = at(theta)
        risk = F @ F + FLOOR
        return log(risk), ball_backward(2 * F @ J / risk, cache)

    return objective, at


def sampled(cuts, target, length):
    """Gauss points between the cuts, roots of weights that sum to 1, and the target's values."""
    x, w = (part.ravel() for part in interval_nodes(cuts, NODES))
    return x, np.sqrt(w / length), finite("target(x)", floats("target(x)", target.function(x), x.shape))


# ---- the search
def best_within_budget(
    activation: str,
    width: int,
    target: Callable[[np.ndarray], np.ndarray] | Target,
    radii: Sequence[float] | ArrayLike,
    rng: np.random.Generator,
    restarts: int = 12,
    interval: tuple[float, float] = (-1, 1),
) -> tuple[np.ndarray, tuple[Shallow, ...]]:
    """The least risk found for each budget, and where: BFGS on :func:`within_budget` from many starts.

    Smooth activations are brought to the last digits by Levenberg-Marquardt on the sphere |θ| = R.

    Parameters
    ----------
    radii : increasing numbers > 0
        Each search starts from what was found for its neighbours, too: losses do not increase.
    rng : numpy.random.Generator
    restarts : int >= 1
        Random starts for each radius; three times as many of ReLUs, whose minima are many and whose descents are short. Two ReLUs
        or more start on a balanced centred ramp as well at each jump of the target: other starts often end on a plateau of poor
        minima.
    activation, width, target, interval : as for :func:`within_budget`

    Returns losses (len(radii),), and as many Shallow with |θ| <= radius. Raises TypeError or ValueError if arguments are not so.
    """
    pair, width, target = named(activation), whole("width", width, 1), as_target(target)
    radii, interval, restarts = finite("radii", floats("radii", radii, (None,))), ends(interval), whole("restarts", restarts, 1)
    if not len(radii) or not (np.diff(radii, prepend=0) > 0).all():
        raise ValueError(f"radii: expected increasing numbers > 0, got {radii}")
    checked_rng(rng)
    problems = [_within_budget(pair, activation == "relu", width, target, radius, interval) for radius in radii]
    best: list[tuple[float, np.ndarray]] = []
    for radius, problem in zip(radii, problems, strict=True):  # up
        starts = [*best[-1:], *((np.inf, theta) for theta in ramps(activation, width, target, radius, interval))]
        starts += [(np.inf, drawn(width, interval, radius, rng)) for _ in range(restarts * (3 if activation == "relu" else 1))]
        best.append(best[-1] if best and best[-1][0] < EXACT else lowest(problem, radius, starts, activation))
    for k in (*reversed(range(len(radii) - 1)), *range(1, len(radii))):  # down, and up again
        below, above = best[k - 1 : k] if k else [], [(np.inf, theta) for _, theta in best[k + 1 : k + 2]]
        again = [] if best[k][0] < EXACT else [lowest(problems[k], radii[k], below + above, activation)]
        best[k] = min([best[k], *below, *again], key=itemgetter(0))
    unravel = ravel(Shallow(np.zeros((width, 1)), np.zeros(width), np.zeros(width), np.zeros(())))[1]
    return np.array([loss for loss, _ in best]), tuple(unravel(theta) for _, theta in best)


def lowest(problem, radius, starts, activation):
    """Risk and theta of the lowest end. Starts are (risk, theta); the risk is infinite where theta may lie outside the ball."""
    objective, at = problem
    early = sorted((descend(objective, in_ball(theta, radius), 100) for _, theta in starts), key=itemgetter(0))
    if activation == "relu":  # the most hopeful go on
        thetas = [ball_forward(descend(objective, u, 1000)[1], radius)[0] for _, u in early[:3]]
    else:
        thetas = [ball_forward(u, radius)[0] for _, u in early[:4]]
        thetas += [on_sphere(at, theta, radius) for theta in thetas]
    return min([*starts, *((float(np.sum(at(theta)[0] ** 2)), theta) for theta in thetas)], key=itemgetter(0))


def drawn(width, interval, radius, rng):
    """A random theta within the ball, whose neurons have their breaks in the interval."""
    w = rng.normal(size=width)
    theta = np.concatenate([w, -w * rng.uniform(*interval, size=width), rng.normal(size=width + 1)])
    return ball_forward(theta * np.exp(rng.normal()), radius)[0]


def descend(objective, u, steps):
    """Value and place where BFGS ends."""
    from scipy.optimize import minimize

    end: Any = minimize(objective, u, jac=True, method="BFGS", options={"gtol": 1e-8, "maxiter": steps})
    return end.fun, end.x


def on_sphere(at, theta, radius):
    """Levenberg-Marquardt over |θ| = R from near theta: where a larger norm helps the last digits come fast, and BFGS's do not."""
    from scipy.optimize import least_squares

    y = theta / np.sqrt(theta @ theta)
    Q = np.linalg.svd(y[None])[2][1:].T  # (p, p − 1) tangents

    def point(t):
        new = y + Q @ t
        size = np.sqrt(new @ new)
        return new / size, size

    def jacobian(t):
        new, size = point(t)
        J = at(radius * new)[1]
        return radius / size * (J - np.outer(J @ new, new)) @ Q

    tight = {"xtol": 1e-13, "ftol": 1e-13, "gtol": 1e-15, "max_nfev": 200}
    end = least_squares(lambda t: at(radius * point(t)[0])[0], np.zeros(Q.shape[1]), jacobian, method="lm", **tight)
    return radius * point(end.x)[0]


def ramps(activation, width, target, radius, interval):
    """Balanced centred ramps with |θ| = R, one for each jump of the target: list of theta (3n + 1,)."""
    from scipy.optimize import brentq

    starts = []
    for t in target.breaks if activation == "relu" and width >= 2 else ():
        before, after = target.function(t + 1e-9 * (interval[1] - interval[0]) * np.array([-1, 1]))
        jump = after - before
        if interval[0] < t < interval[1] and abs(jump) > 1e-6 and radius**2 > 2 * abs(jump) + before**2:  # what T = 0 would cost
            at = (t, before, jump, width)
            limits = 1e-9 * radius**2 / abs(jump), radius**2 / abs(jump)
            starts.append(centred(brentq(lambda T, at=at: np.sum(centred(T, *at) ** 2) - radius**2, *limits), *at))
    return starts


def centred(T, t, before, jump, width):
    """theta of the balanced ramp from `before` to `before + jump`, centred at t; neurons beyond two are 0."""
    b, v = np.zeros(width), np.zeros(width)
    b[:2], v[:2] = [0.5 / T - t, -0.5 / T - t], [jump * T, -jump * T]
    return ravel(balanced(Shallow(np.ones((width, 1)), b, v, np.array(before))))[0]


# ---- doors
def named(activation):
    """The pair of that name; ValueError if there is none."""
    if not isinstance(activation, str) or activation not in PAIRS:
        raise ValueError(f"activation: expected one of {', '.join(PAIRS)}, got {activation!r}")
    return PAIRS[activation]


def as_target(target):
    """A Target, of a callable one without breaks."""
    if isinstance(target, Target):
        return target
    if not callable(target):
        raise TypeError(f"target: expected a callable or Target, got {type(target).__name__}")
    return Target(target)


def ends(interval):
    """(low, high) as floats; ValueError unless low < high."""
    low, high = finite("interval", floats("interval", interval, (2,))).tolist()
    if not low < high:
        raise ValueError(f"interval: expected low < high, got ({low}, {high})")
    return low, high
