"""Claims on the optimisers: L29 and L30, against closed forms. 1 to 5 parameters, up to 30 steps.

Tolerances: 30 steps of a few roundings each. Adam's residual is relative to the length of its steps, 1e-4 at least, while
they are added to numbers of size 1.
"""

import numpy as np

from refimpl.claims.claim import Choice, Floats, Integer, Seed, claim, frozen
from refimpl.claims.nn.definition import gap, off_kinks

P, T = Integer(1, 5), Integer(0, 30)


def run(optimiser, theta, gradients):
    """theta after a step for each gradient; a gradient may be a function of theta."""
    state = optimiser.init(frozen(theta))
    for g in gradients:
        theta, state = optimiser.step(frozen(theta), frozen(g(theta) if callable(g) else g), state)
    return theta


@claim(
    "L29", source="linear recurrences: θ_t = (1 − ηλ)^t θ_0; heavy ball: powers of a 2 × 2 matrix", tolerance=1e-13,
    kind=Choice("gradient_descent", "momentum", "nesterov"), p=P, t=T, rate=Floats(0.01, 0.9), beta=Floats(0, 0.95),
    by=Choice("step", "minimise"), seed=Seed(),
    catches="a step too few, values told after the step; the old velocity in the step; g damped by 1 − β; ascent; "
    "the state not passed on",
)  # fmt: skip
def descent_on_a_quadratic_has_its_closed_form(impl, kind, p, t, rate, beta, by, seed):
    """On ½Σλθ², gradient descent, heavy ball and Nesterov's form are after t steps where their linear recurrences put them; the
    loop tells the values from the first to the last."""
    rng = np.random.default_rng(seed)
    theta, curvature = off_kinks(rng, p), rng.uniform(0.1, 1, p)
    options = {"gradient_descent": {}, "momentum": {"beta": beta}, "nesterov": {"beta": beta, "nesterov": True}}[kind]
    optimiser = getattr(impl, "momentum" if kind == "nesterov" else kind)(rate=rate, **options)
    values = np.empty(0)
    if by == "minimise":
        got, values = impl.minimise(lambda theta: (np.sum(curvature * theta**2) / 2, curvature * theta), theta, optimiser, t)
    else:
        got = run(optimiser, theta, t * [lambda theta: curvature * theta])
    b = 0.0 if kind == "gradient_descent" else beta
    ahead = b if kind == "nesterov" else 0.0
    expected = np.empty(p)
    for i, c in enumerate(curvature):
        # (θ, v) ← M (θ, v):  v' = βv + λθ,  θ' = θ − η v', or θ − η (λθ + β v')
        velocity = np.array([c, b])
        step = velocity if kind != "nesterov" else np.array([c, 0]) + ahead * velocity
        expected[i] = (np.linalg.matrix_power(np.array([np.array([1, 0]) - rate * step, velocity]), t) @ [theta[i], 0])[0]
    if by == "minimise":
        ends = np.array([np.sum(curvature * theta**2), np.sum(curvature * expected**2)]) / 2
        if np.shape(values) != (t + 1,):
            raise ValueError(f"{t + 1} values expected, got shape {np.shape(values)}")
        return max(gap(got, expected), gap(values[[0, -1]], ends) / 4)  # a square doubles the relative error of a sum
    return gap(got, expected)


@claim(
    "L30", source="Kingma & Ba 2015, algorithm 1 (as known, not checked against the paper)", tolerance=1e-10, p=P, t=T,
    scale=Choice(1.0, 1e-8), constant=Choice(False, True), rate=Floats(1e-4, 0.1, log=True), beta1=Floats(0, 0.95),
    beta2=Floats(0.5, 0.9995), seed=Seed(),
    catches="no correction for bias; t counted from 0; ε inside the root; ε before the correction; β₁ and β₂ exchanged",
)  # fmt: skip
def adam_divides_mean_gradients_by_their_size(impl, p, t, scale, constant, rate, beta1, beta2, seed):
    """Adam steps by −η m̂/(√v̂ + ε), m̂ and v̂ weighted means of all gradients and their squares; for constant g, by −η g/(|g| + ε)."""
    rng = np.random.default_rng(seed)
    theta, eps = off_kinks(rng, p), 1e-8
    g = np.array([scale * off_kinks(rng, p)] * t) if constant else scale * off_kinks(rng, (t, p))
    got = run(impl.adam(rate=rate, beta1=beta1, beta2=beta2, eps=eps), theta, list(g))
    moved = np.zeros(p)
    for k in range(1, t + 1):
        w1, w2 = (beta ** np.arange(k - 1, -1, -1) for beta in (beta1, beta2))  # the latest gradient counts most
        m, v = w1 @ g[:k] / w1.sum(), w2 @ g[:k] ** 2 / w2.sum()
        moved -= rate * (g[0] / (np.abs(g[0]) + eps) if constant else m / (np.sqrt(v) + eps))
    return gap(got - theta, moved) / rate / max(t, 1)
