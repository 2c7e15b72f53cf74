"""The converter to the reduced space for one hidden layer, in wrong and in unusual ways."""

import math
from fractions import Fraction
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from refimpl.nn import Conv2d, Dense
from refimpl.nn.shallow import Shallow
from wrong.corpus import entry

PAPER = "reduced_space"


# ---- a plain implementation, neuron by neuron, made of terms that can be spoiled
class Leftover(NamedTuple):
    """What saturated neurons leave: their gradients (d,) one by one, and the value of their sum at 0."""

    gradients: list
    kappa: Any


def interval(w, radius):
    """Where a threshold may lie for a unit row w."""
    if not callable(radius):
        return -radius, radius
    return -radius(w[None])[0], radius(-w[None])[0]


def side(b, low, high):
    """1 where the neuron is on everywhere, -1 where it is off everywhere, 0 in between."""
    exact = isinstance(high, (Fraction, int))
    slack = 0 if exact else 1e-12 * max(abs(low), abs(high))
    return int(b > high + slack) - int(b < low - slack)


def affine_neurons(t, left, d, radius, norm, output_bias, activation):
    """The leftover as neurons (w, b, v), and the output bias that goes with them."""
    kappa, none = left.kappa, np.array([0 * left.kappa] * d)
    if activation == "binary":
        if output_bias or kappa == 0:
            return [], kappa
        e = t.direction(none, 0)
        return [(e, interval(e, radius)[1], kappa)], 0 * kappa
    found = []
    for gradient in summed(left.gradients, norm) or [none]:
        L = t.norm(gradient, norm)
        e = t.direction(gradient, L)
        low, p = interval(e, radius)
        q = -low  # p, q: sup of -e·x and of e·x
        if output_bias or (L == 0 and kappa == 0):
            added, kappa = t.with_bias(e, L, kappa, p, q)
        else:
            added, kappa = t.without_bias(e, L, kappa, p, q)
        found += added
    return found, kappa


def summed(gradients, norm):
    """[their sum]; the gradients as they are, if they are fractions whose sum has no rational length."""
    try:
        if gradients:
            norm(sum(gradients)[None])
    except ValueError:
        return gradients
    return [sum(gradients)] if gradients else []


def with_bias(e, L, kappa, p, q):
    return ([(e, p, L)], kappa - L * p) if L != 0 else ([], kappa)


def without_bias(e, L, kappa, p, q):
    return [(e, p, (kappa + L * q) / (p + q)), (-e, q, (kappa - L * p) / (p + q))], 0 * kappa


def first_axis(like):
    return np.array([like[0] * 0 + 1, *(like[1:] * 0)], dtype=like.dtype)


def zero_row(v, b, alpha, activation):
    return v * (int(b >= 0) if activation == "binary" else b if b > 0 else alpha * b)


TERMS: dict[str, Any] = {
    "norm": lambda w, norm: norm(w[None])[0],
    "unit": lambda w, r: w / r,
    "threshold": lambda b, r: b / r,
    "outer": lambda v, r, activation: v if activation == "binary" else v * r,
    "zero": zero_row,
    "interval": lambda w, r, radius: interval(w, radius),
    "side": lambda b, r, low, high: side(b, low, high),
    "kept": lambda w, b, v: (w, b, v),
    "constant": lambda v, side: v if side > 0 else 0 * v,
    "slope": lambda side, alpha: 1 if side > 0 else alpha,
    "affine": lambda v, w, b: Leftover([v * w], v * b),
    "direction": lambda gradient, L: gradient / L if L != 0 else first_axis(gradient),
    "with_bias": with_bias,
    "without_bias": without_bias,
    "order": lambda kept, added: kept + added,
}


def plainly(t, params, radius, activation, norm, slope, output_bias):
    """One hidden layer and one output; None for every other network."""
    dense = isinstance(params[0], Dense)
    if dense:
        if len(params) != 3 or len(params[2].W) != 1:
            return None
        W, b, v, c = params[0].W, params[0].b, params[2].W[0], params[2].b[0]
        between = params[1]
    else:
        if isinstance(params[0], Conv2d) or (len(params) > 4 and not isinstance(params[4], tuple)):
            return None
        (W, b, v, c), between = params[:4], ()
    W, b, v, c = (np.asarray(part) for part in (W, b, v, c))
    c = c[()]
    alpha = {"relu": 0, "binary": 0, "leaky_relu": slope}.get(activation, between)
    alphas = list(np.broadcast_to(np.asarray(alpha), (len(W),)))
    kept, left = [], Leftover([], c)
    for w, beta, out, a in zip(W, b, v, alphas, strict=True):
        r = t.norm(w, norm)
        if r == 0:
            left = left._replace(kappa=left.kappa + t.zero(out, beta, a, activation))
            continue
        unit, threshold, outer = t.unit(w, r), t.threshold(beta, r), t.outer(out, r, activation)
        low, high = t.interval(unit, r, radius)
        where = t.side(threshold, r, low, high)
        if where == 0:
            kept.append((*t.kept(unit, threshold, outer), a))
        elif activation == "binary":
            left = left._replace(kappa=left.kappa + t.constant(outer, where))
        else:
            s = t.slope(where, a)
            huge = w.dtype != object and not np.isfinite(threshold)  # of the tiniest rows
            more = t.affine(s * out, w, beta) if huge else t.affine(s * outer, unit, threshold)
            left = Leftover(left.gradients + more.gradients, left.kappa + more.kappa)
    added, c = affine_neurons(t, left, W.shape[1], radius, norm, output_bias, activation)
    spare = alphas[0] if alphas else 0
    neurons = t.order(kept, [(*neuron, spare) for neuron in added])
    n, d = len(neurons), W.shape[1]
    W, b, v = (np.array([neuron[k] for neuron in neurons], dtype=W.dtype) for k in range(3))
    W = W.reshape(n, d)
    if dense:
        per_channel = activation == "prelu_per_channel"
        slopes = np.array([neuron[3] for neuron in neurons], dtype=np.asarray(between).dtype) if per_channel else between
        return type(params)((Dense(W, b), slopes, Dense(v.reshape(1, n), np.array([c], dtype=W.dtype))))
    parts = (W, b, v, np.asarray(c, dtype=W.dtype))
    return Shallow(*parts) if isinstance(params, Shallow) else type(params)(parts)


def converter(ours, **spoiled):
    """reduce for one hidden layer with the terms given in place of the right ones. Ours check, and convert all other networks."""
    t = SimpleNamespace(**{**TERMS, **spoiled})

    def reduce(params, radius, activation="relu", norm=None, *, slope=0.01, output_bias=True, layers=None):
        used = {} if norm is None else {"norm": norm}
        right = ours.reduce(params, radius, activation, **used, slope=slope, output_bias=output_bias, layers=layers)
        if norm is None:
            exact = any(np.asarray(part).dtype == object for part in (params[0] if isinstance(params[0], tuple) else params[:1]))
            norm = ours.exact_norms if exact else ours.row_norms
        with np.errstate(all="ignore"):
            spoilt = plainly(t, params, radius, activation, norm, slope, output_bias)
        return right if spoilt is None else spoilt

    return {"reduce": reduce}


@entry(PAPER, "accept", "neuron by neuron, the affine part kept as a gradient and a value at 0")
def neuron_by_neuron(ours):
    return converter(ours)


# ---- right, in other ways
@entry(PAPER, "accept", "the same in long double")
def neuron_by_neuron_in_long_double(ours):
    def wide(x):
        return x if x.dtype == object else x.astype(np.longdouble)

    t = {"norm": lambda w, norm: norm(w[None])[0] if w.dtype == object else np.sqrt(np.sum(wide(w / big(w)) ** 2)) * big(w)}
    return converter(ours, **t, affine=lambda v, w, b: Leftover([wide(np.asarray(v * w))], wide(np.asarray(v * b))[()]))


def big(w):
    return np.max(np.abs(w)) if np.any(w != 0) else 1


@entry(PAPER, "accept", "the affine neuron looks the other way: L e·x + κ = −L (−e·x + X)⁺ + κ + L X")
def affine_neuron_turned_round(ours):
    def turned(e, L, kappa, p, q):
        return ([(-e, q, -L)], kappa + L * q) if L != 0 else ([], kappa)

    return converter(ours, with_bias=turned)


@entry(PAPER, "accept", "a constant without an output bias by neurons along the last axis, not along the first")
def constant_along_the_last_axis(ours):
    return converter(ours, direction=lambda gradient, L: gradient / L if L != 0 else first_axis(gradient)[::-1])


@entry(PAPER, "accept", "the affine neurons first, the kept ones behind them in reverse")
def neurons_in_another_order(ours):
    return converter(ours, order=lambda kept, added: added + kept[::-1])


# ---- what is needed to spoil the way back and the projection
def parts(params):
    """(W, b, v, c) of one hidden layer of float neurons and one output; None for other networks."""
    if isinstance(params[0], Dense):
        found = (params[0].W, params[0].b, params[2].W[0], params[2].b[0]) if len(params) == 3 and len(params[2].W) == 1 else None
    else:
        found = None if isinstance(params[0], Conv2d) else tuple(params[:4])
    return None if found is None or np.asarray(found[0]).dtype == object else found


def like(params, W, b, v, c):
    """One hidden layer in the form that came in."""
    if isinstance(params[0], Dense):
        return type(params)((Dense(W, b), *params[1:-1], Dense(v[None], np.reshape(c, 1))))
    return (
        params._replace(W=W, b=b, v=v, c=np.asarray(c)) if isinstance(params, Shallow) else type(params)((W, b, v, c, *params[4:]))
    )


# ---- wrong: unit weights
@entry(PAPER, "reject", "the outgoing weight of a binary neuron is scaled too; right for ReLU", by=("R19",))
def binary_outgoing_weight_scaled(ours):
    return converter(ours, outer=lambda v, r, activation: v * r)


@entry(PAPER, "reject", "the outgoing weight is not scaled; right for binary neurons and for unit rows", by=("R4",))
def outgoing_weight_not_scaled(ours):
    return converter(ours, outer=lambda v, r, activation: v)


@entry(PAPER, "reject", "the outgoing weight is divided by |w|; right for binary neurons and for unit rows", by=("R4", "R15"))
def outgoing_weight_divided(ours):
    return converter(ours, outer=lambda v, r, activation: v if activation == "binary" else v / r)


@entry(PAPER, "reject", "the threshold is not divided by |w|; right for unit rows and for thresholds 0", by=("R4",))
def threshold_not_scaled(ours):
    return converter(ours, threshold=lambda b, r: b)


@entry(PAPER, "reject", "the threshold is multiplied by |w|; right for unit rows and for thresholds 0", by=("R4",))
def threshold_multiplied(ours):
    return converter(ours, threshold=lambda b, r: b * r)


@entry(PAPER, "reject", "the length of (w, b) in place of that of w: the same function, but rows are shorter than 1", by=("R4",))
def threshold_counted_in_the_length(ours):
    def spoilt(reduce):
        def longer(params, radius, activation="relu", norm=None, **options):
            right = reduce(params, radius, activation, norm, **options)
            old = parts(right)
            if old is None or activation == "binary":
                return right
            W, b, v, c = old
            r = np.sqrt(1 + b * b)
            return like(right, W / r[:, None], b / r, v * r, c)

        return longer

    return {"reduce": spoilt(converter(ours)["reduce"])}


@entry(PAPER, "reject", "rows of l1 length 1: the same function, but off the sphere; right for one input", by=("R3",))
def rows_of_l1_length_one(ours):
    return converter(ours, norm=lambda w, norm: abs(w).sum())


@entry(PAPER, "reject", "rows whose largest entry is 1: the same function, but off the sphere; right for one input", by=("R3",))
def rows_of_largest_entry_one(ours):
    return converter(ours, norm=lambda w, norm: max(abs(w)))


@entry(PAPER, "reject", "all rows are divided by the Frobenius norm of W; right for one neuron", by=("R3",))
def rows_divided_by_the_frobenius_norm(ours):
    def reduce(params, *others, **options):
        old = parts(params)
        if old is None or not np.size(old[0]):
            return ours.reduce(params, *others, **options)
        whole = np.sqrt(np.sum(np.asarray(old[0]) ** 2))
        norm = {"norm": lambda w, norm: whole if w.any() else 0.0}
        return converter(ours, **norm)["reduce"](params, *others, **options)

    return {"reduce": reduce}


@entry(PAPER, "reject", "an epsilon of 1e-8 is added to |w|; right where |w| is large", by=("R3",))
def epsilon_in_the_length(ours):
    return converter(ours, norm=lambda w, norm: norm(w[None])[0] if w.dtype == object or not w.any() else norm(w[None])[0] + 1e-8)


@entry(PAPER, "reject", "rows shorter than 1e-2 count as zero; right where all are longer", by=("R1",))
def short_rows_count_as_zero(ours):
    return converter(ours, norm=lambda w, norm: norm(w[None])[0] * int(norm(w[None])[0] > 1e-2))


@entry(PAPER, "reject", "rows are turned so that thresholds are >= 0, (w, b) and (−w, −b) being the same plane", by=("R4",))
def planes_in_place_of_neurons(ours):
    return converter(ours, kept=lambda w, b, v: (w, b, v) if b >= 0 else (-w, -b, v))


@entry(
    PAPER, "reject", "neurons turned round, (w, b, v) to (−w, −b, −v), as if ReLU were odd; right for thresholds >= 0", by=("R4",)
)
def neurons_turned_as_if_odd(ours):
    return converter(ours, kept=lambda w, b, v: (w, b, v) if b >= 0 else (-w, -b, -v))


# ---- wrong: neurons without weights
@entry(PAPER, "reject", "neurons with w = 0 are dropped, their constant with them; right where they are off", by=("R19",))
def zero_rows_dropped(ours):
    return converter(ours, zero=lambda v, b, a, activation: 0 * v)


@entry(PAPER, "reject", "a neuron with w = 0 counts as v b, without its activation; right for ReLU with b >= 0", by=("R19",))
def zero_rows_without_activation(ours):
    return converter(ours, zero=lambda v, b, a, activation: v * b)


@entry(PAPER, "reject", "a leaky neuron with w = 0 and b < 0 counts as 0; right for ReLU", by=("R19",))
def zero_leaky_rows_count_as_off(ours):
    return converter(ours, zero=lambda v, b, a, activation: zero_row(v, b, 0, activation))


@entry(PAPER, "reject", "a binary neuron with w = 0 counts as v b⁺; right for ReLU", by=("R19",))
def zero_binary_rows_as_relu(ours):
    return converter(ours, zero=lambda v, b, a, activation: zero_row(v, b, a, "relu"))


@entry(PAPER, "reject", "h(0) = 0 for a binary neuron with w = 0 and b = 0; right elsewhere", by=("R19",))
def binary_zero_row_off_at_zero(ours):
    return converter(
        ours,
        zero=lambda v, b, a, activation: (
            zero_row(v, b if b != 0 else b - 1, a, "binary") if activation == "binary" else zero_row(v, b, a, activation)
        ),
    )


# ---- wrong: saturated neurons
@entry(
    PAPER,
    "reject",
    "saturated thresholds are clipped to ±X and that is all: projection in place of reduction; right where none is",
    by=("R19",),
)
def thresholds_clipped(ours):
    def reduce(params, radius, activation="relu", norm=None, **options):
        right = ours.reduce(params, radius, activation, **({} if norm is None else {"norm": norm}), **options)
        old = parts(params)
        if callable(radius) or old is None or activation != "relu" or not options.get("output_bias", True):
            return right
        W, b, v, c = map(np.asarray, old)
        r = ours.row_norms(W)
        live = r > 0
        W, b, v, c = W[live] / r[live, None], b[live] / r[live], (v * r)[live], c + np.sum(v[~live] * np.maximum(b[~live], 0))
        return like(params, W, np.clip(b, -radius, radius), v, c)

    return {"reduce": reduce}


@entry(PAPER, "reject", "saturation is tested before w is normalised, b > X; right for unit rows", by=("R4",))
def saturation_before_normalising(ours):
    return converter(ours, side=lambda b, r, low, high: side(b * r, low, high))


@entry(PAPER, "reject", "saturated at |b| > X |w| of the normalised row's threshold: |w| twice; right for unit rows", by=("R4",))
def saturation_with_the_length_twice(ours):
    return converter(ours, side=lambda b, r, low, high: side(b, low * r, high * r))


@entry(PAPER, "reject", "every leaky neuron that is off everywhere is dropped, as for ReLU", by=("R3",))
def saturated_leaky_neurons_dropped(ours):
    return converter(ours, slope=lambda side, alpha: 1 if side > 0 else 0)


@entry(
    PAPER,
    "reject",
    "leaky neurons that are off everywhere count with slope 1; right for ReLU, where the slope 0 is kept",
    by=("R3",),
)
def saturated_leaky_neurons_with_slope_one(ours):
    return converter(ours, slope=lambda side, alpha: 1 if side > 0 or alpha != 0 else 0)


@entry(
    PAPER, "reject", "leaky neurons that are off everywhere count with the slope −α: |l| in place of l; right for ReLU", by=("R3",)
)
def saturated_leaky_neurons_with_the_wrong_sign(ours):
    return converter(ours, slope=lambda side, alpha: 1 if side > 0 else -alpha)


@entry(PAPER, "reject", "the slope of leaky ReLU is 0.01, whatever is given", by=("R16",))
def leaky_slope_ignored(ours):
    plain = converter(ours)["reduce"]
    return {"reduce": lambda *args, slope=0.01, **options: plain(*args, **options)}


@entry(PAPER, "reject", "every PReLU neuron has the first slope; right for one slope a layer", by=("R18",))
def first_prelu_slope_for_all(ours):
    plain = converter(ours)["reduce"]

    def reduce(params, radius, activation="relu", *others, **options):
        right = ours.reduce(params, radius, activation, *others, **options)
        if activation != "prelu_per_channel" or parts(params) is None or not len(params[1]):
            return right
        flat = type(params)((params[0], np.full_like(params[1], params[1][0]), params[2]))
        return plain(flat, radius, activation, *others, **options)

    return {"reduce": reduce}


@entry(
    PAPER,
    "reject",
    "the slopes of PReLU are cut to the new number of neurons, not picked; right where the last are saturated",
    by=("R18",),
)
def prelu_slopes_cut(ours):
    def reduce(params, radius, activation="relu", *others, **options):
        right = ours.reduce(params, radius, activation, *others, **options)
        if activation != "prelu_per_channel" or parts(params) is None:
            return right
        n = len(right[0].W)
        return type(right)((right[0], np.resize(params[1], n) if len(params[1]) else right[1], right[2]))

    return {"reduce": reduce}


@entry(PAPER, "reject", "neurons that are always on are dropped like those that are always off; right where none is", by=("R3",))
def neurons_always_on_dropped(ours):
    return converter(ours, slope=lambda side, alpha: 0 if side > 0 else alpha)


@entry(PAPER, "reject", "on and off exchanged: b < −X counts as always on", by=("R3",))
def on_and_off_exchanged(ours):
    return converter(ours, side=lambda b, r, low, high: -side(b, low, high))


@entry(PAPER, "reject", "a binary neuron that is always on counts as v b; right for ReLU", by=("R1",))
def binary_constant_times_the_threshold(ours):
    def reduce(params, radius, activation="relu", *others, output_bias=True, **options):
        right = ours.reduce(params, radius, activation, *others, output_bias=output_bias, **options)
        old = parts(params)
        if activation != "binary" or old is None or callable(radius) or not output_bias:
            return right
        W, b, v, _ = old
        r = np.sqrt(np.sum(W * W, axis=1))
        on = (r > 0) & (b > radius * r)
        new = parts(right)
        return like(right, new[0], new[1], new[2], new[3] + np.sum((v * (b - 1))[on]))

    return {"reduce": reduce}


@entry(PAPER, "reject", "a binary neuron that is always off counts as −v, as if it were a sign; right for ReLU", by=("R19",))
def binary_off_counts_as_minus_one(ours):
    return converter(ours, constant=lambda v, side: v * side)


@entry(PAPER, "reject", "a saturated neuron leaves v w·x, its threshold is forgotten", by=("R3",))
def threshold_of_saturated_neurons_forgotten(ours):
    return converter(ours, affine=lambda v, w, b: Leftover([v * w], 0 * v))


@entry(
    PAPER, "reject", "a saturated neuron leaves the constant v b, its weights are forgotten: 'always on, so constant'", by=("R3",)
)
def weights_of_saturated_neurons_forgotten(ours):
    return converter(ours, affine=lambda v, w, b: Leftover([], v * b))


@entry(PAPER, "reject", "thresholds lie in [0, X]: a negative one counts as off", by=("R4",))
def negative_thresholds_count_as_off(ours):
    return converter(ours, side=lambda b, r, low, high: side(b, 0 * low, high))


@entry(
    PAPER,
    "reject",
    "the interval [−X/√d, X/√d], the radius of the inscribed cube: neurons that break count as saturated; right for d = 1",
    by=("R4",),
)
def interval_of_the_inscribed_cube(ours):
    def cube(w, r, radius):
        if callable(radius) or w.dtype == object:
            return interval(w, radius)
        return -radius / math.sqrt(len(w)), radius / math.sqrt(len(w))

    return converter(ours, interval=cube)


@entry(PAPER, "reject", "the interval [−2X, 2X], the diameter: right in function, but thresholds beyond X are left", by=("R3",))
def interval_of_the_diameter(ours):
    def interval_(w, r, radius):
        low, high = interval(w, radius)
        return 2 * low, 2 * high

    return converter(ours, interval=interval_)


@entry(PAPER, "reject", "with a support function the interval is [−S(−w), S(w)]; right on symmetric domains", by=("R8",))
def support_interval_turned_round(ours):
    def interval_(w, r, radius):
        low, high = interval(w, radius)
        return (-high, -low)

    return converter(ours, interval=interval_)


# ---- wrong: the affine neurons
@entry(PAPER, "reject", "A and B of (2.1) exchanged; right where L = 0, and with an output bias", by=("R3",))
def a_and_b_exchanged(ours):
    def spoilt(e, L, kappa, p, q):
        ((_, _, A), (_, _, B)), c = without_bias(e, L, kappa, p, q)
        return [(e, p, B), (-e, q, A)], c

    return converter(ours, without_bias=spoilt)


@entry(PAPER, "reject", "A = κ/X + L and B = κ/X − L, without the half; right with an output bias", by=("R3",))
def half_missing_in_a_and_b(ours):
    def spoilt(e, L, kappa, p, q):
        neurons, c = without_bias(e, L, kappa, p, q)
        return [(w, b, 2 * v) for w, b, v in neurons], c

    return converter(ours, without_bias=spoilt)


@entry(PAPER, "reject", "A = (κ + L)/2 and B = (κ − L)/2, without X; right for X = 1, and with an output bias", by=("R3",))
def radius_missing_in_a_and_b(ours):
    def spoilt(e, L, kappa, p, q):
        return [(e, p, (kappa + L) / 2), (-e, q, (kappa - L) / 2)], 0 * kappa

    return converter(ours, without_bias=spoilt)


@entry(PAPER, "reject", "L (e·x + X)⁺ + κ: L X is not taken off the output bias; right where no neuron is saturated", by=("R17",))
def l_x_not_subtracted(ours):
    return converter(ours, with_bias=lambda e, L, kappa, p, q: ([(e, p, L)], kappa) if L != 0 else ([], kappa))


@entry(PAPER, "reject", "L X is added to the output bias, not subtracted; right where no neuron is saturated", by=("R17",))
def l_x_added(ours):
    return converter(ours, with_bias=lambda e, L, kappa, p, q: ([(e, p, L)], kappa + L * p) if L != 0 else ([], kappa))


@entry(
    PAPER,
    "reject",
    "the affine neuron breaks in the middle of the domain, threshold 0; right where no neuron is saturated",
    by=("R17",),
)
def affine_neuron_at_threshold_zero(ours):
    return converter(ours, with_bias=lambda e, L, kappa, p, q: ([(e, 0 * p, L)], kappa) if L != 0 else ([], kappa))


@entry(PAPER, "reject", "the affine neuron keeps its gradient: right in function, but its row is no unit vector", by=("R4",))
def affine_neuron_not_normalised(ours):
    def spoilt(e, L, kappa, p, q):
        return ([(L * e, p * L, 0 * L + 1)], kappa - L * p) if L != 0 else ([], kappa)

    return converter(ours, with_bias=spoilt)


@entry(
    PAPER,
    "reject",
    "without an output bias the constant is left out of the affine part: B = −A; right where κ = 0, and with a bias",
    by=("R3",),
)
def constant_left_out_without_bias(ours):
    return converter(ours, without_bias=lambda e, L, kappa, p, q: without_bias(e, L, 0 * kappa, p, q))


def replaced(ours, instead):
    """With instead(kept, saturated, off, c, X) -> (neurons, c), neurons being (w, b, v), for ReLU with an output bias."""

    def reduce(params, radius, activation="relu", norm=None, *, output_bias=True, **options):
        used = {} if norm is None else {"norm": norm}
        right = ours.reduce(params, radius, activation, **used, output_bias=output_bias, **options)
        old = parts(params)
        if activation != "relu" or callable(radius) or old is None or radius == 0 or not output_bias:
            return right
        W, b, v, c = map(np.asarray, old)
        found: tuple[list, list, list] = ([], [], [])  # kept, always on, and by index −1 always off
        for w, beta, out in zip(W, b, v, strict=True):
            r = ours.row_norms(w[None])[0]
            if r == 0:
                c = c + out * max(beta, 0)
            else:
                found[side(beta / r, -radius, radius)].append((w / r, beta / r, out * r))
        neurons, c = instead(*found, c, radius)
        W_, b, v = (np.array([neuron[k] for neuron in neurons], dtype=float) for k in range(3))
        return like(params, W_.reshape(len(neurons), W.shape[1]), b, v, c)

    return {"reduce": reduce}


def merged(ours, saturated, c, X):
    """The neurons that are always on as one."""
    total = sum(v * w for w, b, v in saturated)
    L = ours.row_norms(total[None])[0] if saturated else 0
    c = c + sum(v * b for w, b, v in saturated)
    return ([(total / L, X, L)], c - L * X) if L else ([], c)


@entry(PAPER, "reject", "every saturated neuron becomes two, (2.1) one by one: right in function, up to 2N neurons", by=("R2",))
def saturated_neurons_doubled(ours):
    def instead(kept, saturated, off, c, X):
        pairs = [[(w, X, v * (b + X) / (2 * X)), (-w, X, v * (b - X) / (2 * X))] for w, b, v in saturated]
        return kept + [half for pair in pairs for half in pair], c

    return replaced(ours, instead)


@entry(
    PAPER,
    "reject",
    "every saturated neuron keeps its direction with threshold X: right in function, not merged; right for one",
    by=("R2",),
)
def saturated_neurons_not_merged(ours):
    def instead(kept, saturated, off, c, X):
        return kept + [(w, X, v) for w, b, v in saturated], c + sum(v * (b - X) for w, b, v in saturated)

    return replaced(ours, instead)


@entry(PAPER, "reject", "neurons that are always off stay, with threshold −X: right in function, not in count", by=("R2",))
def dead_neurons_kept(ours):
    def instead(kept, saturated, off, c, X):
        added, c = merged(ours, saturated, c, X)
        return kept + [(w, -X, v) for w, b, v in off] + added, c

    return replaced(ours, instead)


@entry(
    PAPER, "reject", "saturated neurons are merged as if they all looked the same way: L = Σ|v|; right for one of them", by=("R1",)
)
def lengths_added_in_place_of_vectors(ours):
    def instead(kept, saturated, off, c, X):
        added, c = merged(ours, saturated, c, X)
        L = sum(abs(v) for w, b, v in saturated)
        return kept + [(e, b, L) for e, b, v in added], c + sum(v * X for e, b, v in added) - len(added) * L * X

    return replaced(ours, instead)


@entry(
    PAPER,
    "reject",
    "outgoing weights are cut to the new number of neurons, not picked; right where the last are saturated",
    by=("R17",),
)
def outgoing_weights_cut(ours):
    def instead(kept, saturated, off, c, X):
        outer = [v for w, b, v in saturated + off + kept]
        added, c = merged(ours, saturated, c, X)
        return [(w, b, outer[k]) for k, (w, b, v) in enumerate(kept)] + added, c

    return replaced(ours, instead)


# ---- wrong: the output bias, and what is asked for
def afterwards(ours, change):
    """reduce by ours, then change(result's parts, given parts, options) for one hidden layer."""

    def reduce(params, radius, activation="relu", *others, **options):
        right = ours.reduce(params, radius, activation, *others, **options)
        old, new = parts(params), parts(right)
        return right if old is None or new is None else like(right, *change(new, old, activation, options))

    return {"reduce": reduce}


@entry(PAPER, "reject", "the output bias is dropped; right where it is 0 and no neuron is saturated", by=("R4",))
def output_bias_dropped(ours):
    return afterwards(ours, lambda new, old, activation, options: (*new[:3], 0 * new[3]))


@entry(PAPER, "reject", "the output bias is counted twice; right where the given one is 0", by=("R4",))
def output_bias_twice(ours):
    return afterwards(ours, lambda new, old, activation, options: (*new[:3], new[3] + old[3]))


@entry(PAPER, "reject", "output_bias=False is ignored: right in function, but the result has an output bias", by=("R3",))
def output_bias_kept_though_not_wanted(ours):
    return {"reduce": lambda *args, output_bias=True, **options: ours.reduce(*args, **options)}


@entry(PAPER, "reject", "output_bias=False sets the bias to 0 and that is all; right where it is 0 anyway", by=("R3",))
def output_bias_set_to_zero(ours):
    def reduce(*args, output_bias=True, **options):
        ours.reduce(*args, output_bias=output_bias, **options)
        right = ours.reduce(*args, **options)
        new = parts(right)
        return right if output_bias or new is None else like(right, new[0], new[1], new[2], 0 * new[3])

    return {"reduce": reduce}


@entry(PAPER, "reject", "all arithmetic in single precision, cast back", by=("R3",))
def single_precision_inside(ours):
    return afterwards(ours, lambda new, old, activation, options: tuple(np.asarray(x, np.float32).astype(float) for x in new))


@entry(PAPER, "reject", "fractions are converted with floats; right for floats", by=("R16",))
def fractions_by_floats(ours):
    def reduce(params, *others, **options):
        right = ours.reduce(params, *others, **options)

        def float_(part):
            if isinstance(part, (Dense, tuple, list)):
                return type(part)(*map(float_, part)) if hasattr(part, "_fields") else type(part)(map(float_, part))
            a = np.asarray(part)
            return a.astype(float) if a.dtype == object else part

        return float_(right)

    return {"reduce": reduce}


@entry(PAPER, "reject", "arrays that came in are normalised in place", by=("R3",))
def given_arrays_modified(ours):
    def reduce(params, *others, **options):
        right = ours.reduce(params, *others, **options)
        W = params[0].W if hasattr(params[0], "W") else params[0]
        W *= 1
        return right

    return {"reduce": reduce}


def tolerant(ours, names):
    """reduce that takes the activations of these names as if they were ReLU."""

    def reduce(params, radius, activation="relu", *others, **options):
        return ours.reduce(params, radius, "relu" if activation in names else activation, *others, **options)

    return {"reduce": reduce}


@entry(PAPER, "reject", "tanh is reduced like ReLU, though it is not positively homogeneous; right for ReLU", by=("R7",))
def tanh_reduced(ours):
    return tolerant(ours, ("tanh",))


@entry(PAPER, "reject", "every activation that behaves like ReLU far out is reduced like it: softplus, GELU, ELU, SiLU", by=("R7",))
def smooth_relus_reduced(ours):
    return tolerant(ours, ("softplus", "gelu", "elu", "silu", "swish", "GELU", "ELU"))


@entry(PAPER, "reject", "an infinite radius is taken: nothing is ever saturated then", by=("R7",))
def infinite_radius_taken(ours):
    def reduce(params, radius, *others, **options):
        return ours.reduce(params, 1e300 if not callable(radius) and radius == math.inf else radius, *others, **options)

    return {"reduce": reduce}


@entry(PAPER, "reject", "a radius that is NaN is taken: no comparison with it holds, so nothing is saturated", by=("R7",))
def nan_radius_taken(ours):
    def reduce(params, radius, *others, **options):
        return ours.reduce(params, 1e300 if not callable(radius) and radius != radius else radius, *others, **options)

    return {"reduce": reduce}
