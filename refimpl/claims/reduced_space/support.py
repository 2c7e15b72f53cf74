"""Claims on domains that are no ball, and on density: R8, R15, R25.

Tolerances: S(w) is a sum or a maximum of at most 4 products, and is compared to the size of the domain. Functions as in shallow.py.
"""

from collections.abc import Callable
from itertools import product

import numpy as np

from refimpl.claims.claim import Choice, Floats, Integer, Seed, claim, frozen, max
from refimpl.claims.reduced_space.definition import (
    ACTIVATIONS,
    BORDER,
    FORMS,
    REACH,
    SPREAD,
    UNIT,
    N,
    ball,
    directions,
    disagreement,
    evaluate,
    formed,
    norm,
    parts,
    values,
)
from refimpl.nn.dense import Dense

DOMAINS = Choice("box", "ball", "points")


def domain(impl, kind, rng, d, reach, centre=0.0):
    """The support function of a domain about centre · X (1, ..., 1), or of a ball about 0, and points on which S is attained."""
    if kind == "ball":
        return impl.support_ball(reach), None
    low = reach * (centre - rng.uniform(0.1, 1, d))
    high = reach * (centre + rng.uniform(0.1, 1, d))
    if kind == "box":
        return impl.support_box(frozen(low), frozen(high)), np.array(list(product(*zip(low, high, strict=True))))
    x = frozen(rng.uniform(low, high, (d + 3, d)))
    return impl.support_points(x), x


def inside(rng, x, d, reach, n=12):
    """Points of the convex hull of x, and x; or of the ball."""
    return ball(rng, d, reach) if x is None else np.concatenate([x, rng.dirichlet(np.full(len(x), 0.3), n) @ x])


def largest(x, W, reach):
    """sup w·x of the domain, row by row of W."""
    return reach * norm(W) if x is None else np.array([max([sum(u * v) for u in x]) for v in W])


@claim(
    "R8", source="derived: support functions", tolerance=1.0, draws=80, kind=DOMAINS, activation=ACTIVATIONS, d=Integer(1, 4),
    N=N, reach=REACH,
    spread=SPREAD, centre=Floats(-3, 3), bias=Choice(True, False), form=FORMS, seed=Seed(),
    catches="[−S(−w), S(w)], which a symmetric domain hides; X for S; S of the standard row for the unit row; A and B for a ball "
    "where the domain is not symmetric",
)  # fmt: skip
def thresholds_lie_where_the_neuron_breaks_the_domain(impl, kind, activation, d, N, reach, spread, centre, bias, form, seed):
    """With the support function S of a domain the reduced thresholds lie in [−S(w), S(−w)], and the network is the same there: on a
    ball, on a box, on the hull of a sample."""
    rng = np.random.default_rng(seed)
    S, x = domain(impl, kind, rng, d, reach, centre)
    r, u = 10 ** rng.uniform(-spread, spread, N), directions(rng, N, d)
    low, high = -largest(x, u, reach), largest(x, -u, reach)
    b = low + (high - low) * rng.uniform(-1, 2, N)  # a third of them breaks the domain
    W = r[:, None] * u
    W[rng.uniform(size=N) < 0.1] = 0
    params = formed(form, W, r * b, rng.normal(size=N), rng.normal())
    result = impl.reduce(params, S, activation=activation, **({} if bias else {"output_bias": False}))
    at = frozen(inside(rng, x, d, reach))
    W_r, b_r, _, c_r = parts(form, result)
    low, high = -largest(x, W_r, reach), largest(x, -W_r, reach)
    size = reach * (1 + abs(centre)) * BORDER * 2 * np.sqrt(d)
    beyond = float(np.max(np.maximum(low - b_r, b_r - high), initial=0)) / size
    told = impl.threshold_interval(frozen(np.asarray(W_r)), S)
    beyond = max(
        beyond, *(float(np.max(np.abs(np.asarray(v) - t), initial=0)) / size for v, t in zip(told, (low, high), strict=True))
    )
    same = disagreement(values(form, result, at, activation), values(form, params, at, activation)) / 1e-11
    return max(same, beyond, float(np.max(np.abs(norm(W_r) - 1), initial=0)) / UNIT, 0.0 if bias or c_r == 0 else np.inf)


@claim(
    "R25", source="derived: support functions", tolerance=1e-12, kind=DOMAINS, d=Integer(1, 4), n=Integer(1, 5), reach=REACH,
    centre=Floats(-3, 3), seed=Seed(),
    catches="S(−w) for S(w); |w| left out; the largest coordinate for the largest w·x; wasted thresholds where the data are "
    "centred",
)  # fmt: skip
def the_interval_of_thresholds_is_the_narrowest(impl, kind, d, n, reach, centre, seed):
    """Inside [−S(w), S(−w)] w·x + b takes both signs on the domain, beyond it none but one; within [−X|w|, X|w|]; it shifts by
    −w·m with the domain, and of a centred one, in one dimension, is all of [−X, X]."""
    rng = np.random.default_rng(seed)
    S, x = domain(impl, kind, rng, d, reach, centre)
    W = frozen(rng.normal(size=(n, d)))
    low, high = (np.asarray(v) for v in impl.threshold_interval(W, S))
    X = reach if x is None else float(np.max(norm(x)))
    unit = X * norm(W)
    x = reach * np.concatenate([W, -W]) / norm(np.concatenate([W, -W]))[:, None] if x is None else x
    worst = float(np.max(np.maximum(-unit - low, high - unit) / unit))
    for j in range(n):
        width = high[j] - low[j]
        for b, both in ((low[j] + 1e-6 * width, True), (high[j] - 1e-6 * width, True), (low[j] - 1e-6 * width, False),
                        (high[j] + 1e-6 * width, False)):  # fmt: skip
            z = [sum(W[j] * point) + b for point in x]
            worst = max(worst, float((max(z) > 0 > min(z)) != both))
    if kind != "ball":
        m = (np.max(x, axis=0) + np.min(x, axis=0)) / 2
        rng = np.random.default_rng(seed)
        moved = (
            impl.support_points(frozen(x - m))
            if kind == "points"
            else impl.support_box(frozen(np.min(x - m, axis=0)), frozen(np.max(x - m, axis=0)))
        )
        centred = [np.asarray(v) for v in impl.threshold_interval(W, moved)]
        shift = W @ m
        worst = max(worst, *(float(np.max(np.abs(v - u - shift) / unit)) for v, u in zip(centred, (low, high), strict=True)))
        if d == 1:
            half = float(np.max(np.abs(x - m))) * norm(W)
            worst = max(worst, *(float(np.max(np.abs(v - s * half) / unit)) for v, s in zip(centred, (-1, 1), strict=True)))
    return worst


FUNCTIONS: dict[str, tuple[Callable, float]] = {  # f and sup |f''| on [0, 1]
    "sin 4πx": (lambda x: np.sin(4 * np.pi * x), 16 * np.pi**2),
    "exp": (np.exp, np.e),
    "1/(1 + x)": (lambda x: 1 / (1 + x), 2.0),
}


@claim(
    "R15", source="derived: the rate is classical", tolerance=1.0, name=Choice(*FUNCTIONS),
    centred=Choice(False, True), by=Choice("radius", "interval"),
    catches="a neuron lost at the ends of the domain; c not scaled; thresholds clipped to X where the domain is [0, 1]",
)  # fmt: skip
def reduced_networks_interpolate_with_order_two(impl, name, centred, by):
    """The interpolant of f on k equal cells has c_0 and k reduced neurons and a sup error of at most |f''|/(8k²), falling with the
    slope −2 in k."""
    f, bend = FUNCTIONS[name]
    shift, errors = 0.5 if centred else 0.0, []
    x = np.linspace(0, 1, 4001)
    for k in (10, 20, 40, 80):
        knots = np.arange(k + 1) / k
        slopes = np.diff(f(knots)) * k
        r = 10 ** np.sin(np.arange(k))  # any scales
        W, b = r[:, None], r * (shift - knots[:-1])
        net = Dense(frozen(W), frozen(b)), (), Dense(frozen((np.diff(slopes, prepend=0) / r)[None]), frozen(f(np.zeros(1))))
        low, high = np.array([-shift]), np.array([1 - shift])
        result = impl.reduce(net, 1 - shift if by == "radius" else impl.support_box(low, high))
        if len(result[0].b) > k or not np.allclose(norm(result[0].W), 1, rtol=UNIT, atol=0):
            return np.inf
        errors.append(float(np.max(np.abs(evaluate(result, (x - shift)[:, None]).y[:, 0] - f(x)))) * 8 * k**2 / bend)
    order = np.log2(errors[-2] / errors[-1]) + 2  # at 40 and 80 cells; the next term of the error is 1/k of the first
    return max(*(e - 1e-9 for e in errors), abs(order - 2) / 0.1)
