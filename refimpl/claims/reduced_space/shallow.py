"""Claims on one hidden layer and one output: R1 to R4, R7, R13, R17 to R22.

Tolerances: a sum of 12 neurons of 6 inputs has some 100 roundings, 1e-14 of its size Σ|c_j|(|w_j||x| + |b_j|); the merged affine
function repeats the sum over neurons. A residual in units of its own tolerance is held to 1.
"""

from collections.abc import Callable
from fractions import Fraction

import numpy as np

from refimpl.claims.claim import Choice, Floats, Integer, Seed, claim, frozen, max
from refimpl.claims.reduced_space import definition as paper
from refimpl.claims.reduced_space.definition import (
    ACTIVATIONS,
    BORDER,
    FORMS,
    REACH,
    SLOPE,
    SPREAD,
    UNIT,
    D,
    N,
    ball,
    directions,
    disagreement,
    evaluate,
    formed,
    norm,
    parts,
    poles,
    reduced,
    saturated,
    standard,
    table,
    unmatched,
    values,
)
from refimpl.nn.dense import Dense
from refimpl.params import ravel

BIAS = Choice(True, False)


def without_bias(bias):
    """The option, where it is not at its default."""
    return {} if bias else {"output_bias": False}


# ---- equivalence
@claim(
    "R1", source="abstract: the equivalence; derived: formulas", tolerance=1e-12, draws=100, activation=ACTIVATIONS, d=D, N=N,
    reach=REACH,
    spread=SPREAD, bias=BIAS, form=FORMS, seed=Seed(),
    catches="c scaled for the binary activation; b not scaled; saturated-off leaky neurons dropped; b > X before w is of unit "
    "length",
)  # fmt: skip
def a_reduced_network_is_the_same_function(impl, activation, d, N, reach, spread, bias, form, seed):
    """On |x| <= X, a network of unit weights and bounded thresholds equals the standard network it was made of."""
    rng = np.random.default_rng(seed)
    params = formed(form, *standard(rng, d, N, reach, spread))
    result = impl.reduce(params, reach, activation=activation, **without_bias(bias))
    x = np.concatenate([ball(rng, d, reach), poles(parts(form, params)[0], reach)])
    there, c = values(form, result, x, activation), parts(form, result)[3]
    gone = 0.0 if bias or c == 0 else np.inf  # c_0 of the result is 0 without an output bias
    return max(disagreement(there, values(form, params, x, activation)), gone)


@claim(
    "R2", source="abstract: the constraints; derived: counts", tolerance=1.0, draws=100, activation=ACTIVATIONS, d=D,
    N=Integer(1, 12), reach=REACH, spread=SPREAD, bias=BIAS, form=FORMS, seed=Seed(),
    catches="two neurons for each saturated one; rows of unit length to float32; thresholds left outside; a constant made a "
    "neuron where there is c_0",
)  # fmt: skip
def a_reduced_network_keeps_its_constraints_and_is_small(impl, activation, d, N, reach, spread, bias, form, seed):
    """All |w_j| = 1 and |b_j| <= X; there is at most one neuron more than unsaturated ones, two without c_0, and not more than N,
    or N + 1."""
    rng = np.random.default_rng(seed)
    W, b, v, c = standard(rng, d, N, reach, spread, outside=rng.choice([1.0, 3.0]))
    at_end = rng.uniform(size=N) < 0.2
    b = np.where(at_end, reach * norm(W) * np.sign(b), b)  # exactly at X, but for rounding: kept
    c = c if rng.integers(2) else 0.0
    result = impl.reduce(formed(form, W, b, v, c), reach, activation=activation, **without_bias(bias))
    W_r, b_r, _, _ = parts(form, result)
    gone = saturated(W, b, reach)
    more = (1 if bias else 2) * int(gone.any() or (not bias and c != 0))
    most = min(N - int(gone.sum()) + more, N if bias else N + 1 if c == 0 else N + 2)
    unit = float(np.max(np.abs(norm(W_r) - 1), initial=0)) / UNIT
    inside = (float(np.max(np.abs(b_r), initial=0)) / reach - 1) / BORDER
    return max(unit, inside, np.inf if len(b_r) > most else 0.0)


@claim(
    "R3", source="derived: the affine pair", tolerance=1e-12, activation=Choice("relu", "leaky_relu"), d=D, N=Integer(1, 5),
    reach=REACH,
    form=FORMS, seed=Seed(),
    catches="A and B exchanged; κ without 1/X; L taken for −L; saturated-off leaky neurons with the slope 1; a break that is not "
    "at the end of the domain",
)  # fmt: skip
def an_affine_function_is_two_neurons_on_the_domain(impl, activation, d, N, reach, form, seed):
    """Without c_0 all saturated neurons become A σ(e·x + X) + B σ(−e·x + X), A and B = (κ/X ± L)/2: L e·x + κ where |x| <= X, but
    not where e·x > X, where (1 − α) B (e·x − X) is too much."""
    rng = np.random.default_rng(seed)
    W, _, v, _ = reduced(rng, d, N, reach)
    b = reach * rng.uniform(1.1, 3, N) * rng.choice([-1, 1], N)
    alpha = SLOPE if activation == "leaky_relu" else 0.0
    result = impl.reduce(formed(form, W, b, v, 0.0), reach, activation=activation, output_bias=False)
    gain = np.where(b > 0, v, alpha * v)
    slope, kappa = gain @ W, float(gain @ b)
    L = float(norm(slope[None])[0])
    A, B, e = (kappa / reach + L) / 2, (kappa / reach - L) / 2, slope / max(L, 1e-300)
    t = reach * np.concatenate([rng.uniform(-1, 1, 5), rng.uniform(1, 3, 3), rng.uniform(-3, -1, 3)])
    beyond = B * np.maximum(t - reach, 0) + A * np.maximum(-t - reach, 0)
    got = values(form, result, frozen(t[:, None] * e), activation).y[:, 0]
    size = max(float(np.sum(np.abs(gain) * (reach + np.abs(b)))), 1e-300)
    return float(np.max(np.abs(got - (L * t + kappa + (1 - alpha) * beyond)))) / size


# ---- there and back
@claim(
    "R4", source="derived: reducing again", tolerance=1e-13, activation=ACTIVATIONS, d=D, N=N, reach=REACH, bias=BIAS, form=FORMS,
    part=Choice("reduced", "restored", "twice"), seed=Seed(),
    catches="b = X taken for saturated, by a rounding or by >=; neurons sorted into another sign; a threshold moved at the "
    "border; an affine neuron made once more",
)  # fmt: skip
def reducing_a_reduced_network_changes_nothing(impl, activation, d, N, reach, bias, form, part, seed):
    """Reducing a reduced network returns its neurons, up to order; so it does after standardising, and after reducing."""
    rng, options = np.random.default_rng(seed), {"activation": activation, **without_bias(bias)}
    W, b, v, c = reduced(rng, d, N, reach) if part != "twice" else standard(rng, d, N, reach, 1.0)
    params = formed(form, W, b, v, c if bias else 0.0)
    if part == "twice":
        params = impl.reduce(params, reach, **options)
    again = impl.reduce(impl.restore(params, activation=activation) if part == "restored" else params, reach, **options)
    *_, v, c = parts(form, params)
    unit = np.array([*np.ones(d), reach, float(np.max(np.abs([*v, c]), initial=1e-300))])
    more = abs(float(parts(form, again)[3] - c)) / (unit[-1] * (1 + reach))
    gap = unmatched(table(form, again) / unit, table(form, params) / unit)
    return max(gap, more) / (1 if part == "restored" else 0.1)  # 1e-14, where nothing but a norm is computed anew


@claim(
    "R20", source="derived: balance", tolerance=1e-12, activation=Choice("relu", "leaky_relu"), d=D, N=N, reach=REACH,
    spread=SPREAD,
    form=FORMS, seed=Seed(),
    catches="|v| = |w|, b left out; √ forgotten; the sign of c lost; s from |c| ρ; neurons with c = 0 kept at (0, 0)",
)  # fmt: skip
def the_standard_form_is_balanced_and_smallest(impl, activation, d, N, reach, spread, form, seed):
    """The balanced form is the same function on all of ℝ^d with |v_j| = |(w_j, b_j)|, has no neuron with c = 0, and among all
    rescalings of its neurons the least Σ|w|² + b² + v²."""
    rng = np.random.default_rng(seed)
    W, b, v, c = standard(rng, d, N, reach, spread)
    v = np.where(rng.uniform(size=N) < 0.2, 0, v)
    params = formed(form, W, b, v, c)
    result = impl.restore(params, activation=activation)
    W_s, b_s, v_s, _ = parts(form, result)
    if len(b_s) != np.sum(v != 0):
        raise ValueError(f"{np.sum(v != 0)} neurons expected, got {len(b_s)}")
    rho = norm(np.column_stack([W_s, b_s]))
    x = ball(rng, d, 10 * reach)
    least = float(np.sum(least_decay(norm(np.column_stack([W, b])), np.abs(v))))
    decay = float(np.sum(rho**2 + v_s**2)) / 2
    return max(
        disagreement(values(form, result, x, activation), values(form, params, x, activation)),
        float(np.max(np.abs(np.abs(v_s) - rho) / rho, initial=0)),
        abs(decay - least) / max(least, 1e-300),
    )


def least_decay(w, v):
    """min over s > 0 of (s² w² + v²/s²)/2, neuron by neuron, by golden sections in log s, in which it is convex."""
    low, high, part = np.full(len(w), -25.0), np.full(len(w), 25.0), (np.sqrt(5) - 1) / 2

    def decay(t):
        return (np.exp(2 * t) * w**2 + v**2 * np.exp(-2 * t)) / 2

    for _ in range(70):  # 50 · 0.618^70 = 1e-13
        one, two = high - part * (high - low), low + part * (high - low)
        left = decay(one) < decay(two)
        low, high = np.where(left, low, one), np.where(left, two, high)
    return np.where(v == 0, 0, decay((low + high) / 2))


@claim(
    "R13", source="derived: weight decay", tolerance=1e-12, activation=Choice("relu", "leaky_relu"), d=D, N=N, reach=REACH,
    spread=SPREAD,
    form=FORMS, by=Choice("reduce", "penalty", "outputs"), seed=Seed(),
    catches="c scaled by |w|², by √|w| or not at all; the norm of (w, b) for that of w; outputs penalised one by one",
)  # fmt: skip
def weight_decay_is_an_l1_penalty(impl, activation, d, N, reach, spread, form, by, seed):
    """Σ|c_j| of the reduced network is the least (|w|² + |v|²)/2 over all rescalings of the standard one's neurons, thresholds not
    being decayed; with several outputs |c_j| is the length of column j."""
    rng = np.random.default_rng(seed)
    W, b, v, c = standard(rng, d, N, reach, spread, zero=0, outside=1)
    if by == "outputs":
        columns = rng.normal(size=(2 + N % 2, N))
        theta, unravel = ravel((Dense(directions(rng, N, d), np.zeros(N)), (), Dense(columns, np.zeros(len(columns)))))
        value, gradient = impl.weight_decay_reduced(unravel, 0.3)(frozen(theta))
        hidden, _, outer = unravel(np.asarray(gradient))
        lengths = norm(columns.T)
        least = float(np.sum(least_decay(np.ones(N), lengths)))
        gaps = [outer.W - 0.3 * columns / lengths, outer.b, hidden.W, hidden.b]
        return max(abs(value / 0.3 - least) / max(least, 1e-300), *(float(np.max(np.abs(a), initial=0)) for a in gaps))
    result = impl.reduce(formed(form, W, 0.99 * b, v, c), reach, activation=activation)
    least, c = float(np.sum(least_decay(norm(W), np.abs(v)))), parts(form, result)[2]
    if by == "reduce":
        return abs(float(np.sum(np.abs(c))) - least) / max(least, 1e-300)
    theta, unravel = ravel(result)
    value, gradient = impl.weight_decay_reduced(unravel, 0.3)(frozen(theta))
    *rest, slope, own = (np.asarray(a) for a in parts(form, unravel(gradient)))
    flat = max(0.0, *(float(np.max(np.abs(a), initial=0)) for a in (*rest, own, slope - 0.3 * np.sign(c))))
    return max(abs(value / 0.3 - least) / max(least, 1e-300), flat)


# ---- what can be reduced
NAMED: dict[str, Callable] = {
    "tanh": np.tanh,
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "softplus": lambda z: np.log(1 + np.exp(z)),
    "silu": lambda z: z / (1 + np.exp(-z)),
    "gelu": lambda z: z / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3))),  # its usual approximation
    "elu": lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
    "relu6": lambda z: np.clip(z, 0, 6),
    "relu": lambda z: np.maximum(z, 0),
    "leaky_relu": lambda z: np.where(z > 0, z, SLOPE * z),
    "binary": lambda z: np.where(z >= 0, 1.0, 0.0),
}


@claim(
    "R7", source="derived: homogeneity", tolerance=1e-16, activation=Choice(*NAMED), by=Choice("name", "function"),
    reach=Choice(2.0, 0.5, float("inf"), float("nan"), -1.0), form=FORMS,
    catches="tanh rescaled as if it were homogeneous; an unknown name taken for ReLU; a domain that is unbounded, or NaN",
)  # fmt: skip
def only_positively_homogeneous_activations_are_reduced(impl, activation, by, reach, form):
    """Exactly the activations with σ(2z) = 2σ(z), or σ(2z) = σ(z), by their names and with a finite X >= 0, are taken; for all
    others a ValueError or TypeError is raised."""
    z, sigma = np.linspace(-9, 9, 181), NAMED[activation]
    defect = min(float(np.max(np.abs(sigma(2 * z) - factor * sigma(z)))) for factor in (1, 2))
    homogeneous = defect == 0
    if not homogeneous and defect < 1e-3:
        raise ValueError("an activation expected that is homogeneous, or clearly not")
    params = formed(form, [[2.0, 0.0], [0.0, -3.0]], [0.3, 20.0], [1.0, -1.5], 0.25)
    try:
        impl.reduce(params, reach, activation=sigma if by == "function" else activation)
    except (ValueError, TypeError):
        return float(homogeneous and by == "name" and 0 <= reach < np.inf)
    return float(not (homogeneous and by == "name" and 0 <= reach < np.inf))


# ---- the ends
@claim(
    "R17", source="derived: lengths that overflow or vanish", tolerance=1e-12, activation=ACTIVATIONS, d=Integer(1, 3),
    N=Integer(1, 4), low=Integer(-300, 200), high=Integer("low", 200), reach=Floats(1e-50, 1e50, log=True), form=FORMS, seed=Seed(),
    catches="√Σw², infinite above 1e154 and 0 below 1e-162; b/r after r² has left the range; thresholds compared before they are "
    "divided by |w|",
)  # fmt: skip
def rows_of_any_size_are_reduced(impl, activation, d, N, low, high, reach, form, seed):
    """Rows of 10^−300 to 10^200, side by side, become unit rows and leave the function as it is, counted in exact fractions."""
    rng = np.random.default_rng(seed)
    W, b, v, c = standard(rng, d, N, reach, 0.0, zero=0)
    k = rng.integers(low, high, size=N, endpoint=True)
    scale = 10.0**k
    v = v / (scale if activation != "binary" and rng.integers(2) else 1)
    params = formed(form, scale[:, None] * W, scale * b, v, c)
    result = impl.reduce(params, reach, activation=activation)
    x = paper.objects(0.999 * ball(rng, d, reach, 3))
    at = [evaluate(exactly(form, p), x, activation, Fraction(SLOPE)) for p in (result, params)]
    unit = float(np.max(np.abs(norm(parts(form, result)[0]) - 1), initial=0))
    lengths = np.asarray(impl.row_norms(frozen(scale[:, None] * W))) / scale / norm(W)
    return max(disagreement(at[0], at[1]), 100 * unit, 100 * float(np.max(np.abs(lengths - 1))))


def exactly(form, params):
    """The same numbers as fractions."""
    W, b, v, c = (paper.objects(a) for a in parts(form, params))
    return Dense(W, b), (), Dense(v.reshape(1, -1), c.reshape(1))


@claim(
    "R18", source="derived: PReLU", tolerance=1.0, draws=100, one=Choice(False, True), d=D, N=N, reach=REACH, spread=SPREAD,
    bias=BIAS, seed=Seed(),
    catches="one slope for all channels; slopes not dropped with their neurons; a saturated-off neuron of slope 0 kept, or of "
    "slope a dropped; slopes scaled by |w|",
)  # fmt: skip
def prelu_is_reduced_with_its_slopes(impl, one, d, N, reach, spread, bias, seed):
    """With learned slopes of any sign, one or one a channel, the reduced network is the same function on |x| <= X, within its
    constraints, and not larger than R2 says."""
    rng = np.random.default_rng(seed)
    W, b, v, c = standard(rng, d, N, reach, spread)
    slopes = frozen(np.asarray(rng.normal(size=() if one else N) * (rng.uniform(size=() if one else N) < 0.8)))
    params = formed("mlp", W, b, v, c, slopes)
    activation = "prelu" if one else "prelu_per_channel"
    result = impl.reduce(params, reach, activation=activation, **without_bias(bias))
    x = np.concatenate([ball(rng, d, reach), poles(W, reach)])
    same = disagreement(values("mlp", result, x, activation), values("mlp", params, x, activation))
    W_r, b_r, _, _ = parts("mlp", result)
    gone = saturated(W, b, reach)
    most = N - int(gone.sum()) + (1 if bias else 2)
    if np.shape(result[1]) != (np.shape(slopes) if one else b_r.shape) or len(b_r) > most:
        raise ValueError(f"at most {most} neurons and a slope for each expected, got {len(b_r)} and {np.shape(result[1])}")
    inside = float(np.max(np.abs(b_r), initial=0)) / reach - 1
    return max(same / 1e-12, float(np.max(np.abs(norm(W_r) - 1), initial=0)) / UNIT, inside / BORDER)


@claim(
    "R19", source="derived: D = {0}", tolerance=1e-14, activation=ACTIVATIONS, d=D, N=N, spread=SPREAD, form=FORMS,
    seed=Seed(),
    catches="κ/X with X = 0; neurons kept with thresholds outside of [0, 0]; w = 0 with b < 0 taken for a neuron that is on; h(0) "
    "= 0",
)  # fmt: skip
def on_a_single_point_every_neuron_is_constant(impl, activation, d, N, spread, form, seed):
    """With X = 0 the reduced network has the standard one's value at 0, and thresholds 0."""
    rng = np.random.default_rng(seed)
    W, b, v, c = standard(rng, d, N, 1.0, spread, zero=0.3)
    params = formed(form, W, np.where(rng.uniform(size=N) < 0.2, 0, b), v, c)  # h(0) = 1
    result = impl.reduce(params, 0.0, activation=activation)
    x = np.zeros((1, d))
    return max(
        disagreement(values(form, result, x, activation), values(form, params, x, activation), away=-1),
        float(np.max(np.abs(parts(form, result)[1]), initial=0)),
        float(np.max(np.abs(norm(parts(form, result)[0]) - 1), initial=0)),
    )


@claim(
    "R21", source="derived: nearest point", tolerance=1e-15, d=D, N=N, reach=REACH, spread=SPREAD, form=FORMS,
    seed=Seed(),
    catches="thresholds divided by |w|, as reduce does; b clipped to [0, X]; the whole matrix normalised; c touched",
)  # fmt: skip
def projection_goes_to_the_nearest_reduced_network(impl, d, N, reach, spread, form, seed):
    """Projection takes w to w/|w| and b to its nearest number in [−X, X], leaves c alone, and no reduced network is nearer."""
    rng = np.random.default_rng(seed)
    W, b, v, c = standard(rng, d, N, reach, spread, zero=0)
    got = impl.project(formed(form, W, b / np.maximum(norm(W), 1e-300), v, c), reach)
    b = b / norm(W)
    W_p, b_p, v_p, c_p = (np.asarray(a) for a in parts(form, got))
    others = reduced(rng, d, N, reach)
    nearer = (norm(W_p - W) > norm(others[0] - W) * (1 + 1e-12)) | (np.abs(b_p - b) > np.abs(others[1] - b))
    kept = np.array_equal(v_p, v) and float(c_p) == c
    direction = float(np.max(np.abs(W_p - W / norm(W)[:, None]), initial=0)) / 4  # a norm, a division
    clipped = float(np.max(np.abs(b_p - np.array([min(max(t, -reach), reach) for t in b])), initial=0)) / reach
    return max(direction, clipped, 0.0 if kept and not nearer.any() else np.inf)


@claim(
    "R22", source="derived: outside of D", tolerance=1e-16, d=D, n=Integer(0, 6), reach=REACH, seed=Seed(),
    catches="each coordinate compared with X; no warning; a warning where all points lie inside; the inside for the outside",
)  # fmt: skip
def points_outside_the_domain_are_told(impl, d, n, reach, seed):
    """Points with |x| > X are marked, and there is a RuntimeWarning if and only if there are any."""
    from warnings import catch_warnings, simplefilter

    rng = np.random.default_rng(seed)
    r = rng.choice([0.0, 0.9, 0.999999, 1.000001, 1.4], size=n)
    x = frozen(reach * r[:, None] * paper.directions(rng, n, d))
    with catch_warnings(record=True) as said:
        simplefilter("always")
        mask = np.asarray(impl.outside(x, reach))
    warned = any(issubclass(w.category, RuntimeWarning) for w in said)
    return float(not np.array_equal(mask, r > 1) or warned != bool((r > 1).any()))
