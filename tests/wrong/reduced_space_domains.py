"""The way back to standard parameters, projection, lengths, domains and bounds, in wrong and in unusual ways."""

import math
from fractions import Fraction
from itertools import product

import numpy as np

from refimpl.nn import Conv2d, Dense
from refimpl.nn.shallow import Shallow
from wrong.corpus import entry
from wrong.reduced_space import PAPER, like, parts


# ---- what is spoiled
def restoring(ours, balanced):
    """restore for one hidden layer by balanced(w, b, v) of each neuron that says something; ours for other networks."""

    def restore(params, activation="relu"):
        right = ours.restore(params, activation)
        old = parts(params)
        if old is None or activation == "binary" or np.size(params[1]) * activation.startswith("prelu") > 1:
            return right
        neurons = [balanced(w, b, v) for w, b, v in zip(*map(np.asarray, old[:3]), strict=True) if v != 0 and (w.any() or b != 0)]
        n, d = len(neurons), np.shape(old[0])[1]
        W, b, v = (np.array([neuron[k] for neuron in neurons], dtype=float) for k in range(3))
        return like(params, W.reshape(n, d), b, v, old[3])

    return {"restore": restore}


def hidden(params, right, radius, layer):
    """right with layer(old, new, X) in place of each of its hidden dense layers; X is the layer's radius."""
    if not isinstance(params[0], Dense):
        if isinstance(params[0], Conv2d):
            return right
        new = layer(Dense(*map(np.asarray, params[:2])), Dense(*right[:2]), radius if np.ndim(radius) == 0 else radius[0])
        return right._replace(W=new.W, b=new.b) if isinstance(right, Shallow) else type(right)((*new, *right[2:]))
    places = [k for k, part in enumerate(params) if isinstance(part, Dense)][:-1]
    X = np.broadcast_to(radius, len(places))
    new = {k: layer(params[k], right[k], x) for k, x in zip(places, X, strict=True)}
    return type(params)(new.get(k, part) for k, part in enumerate(right))


def projecting(ours, layer):
    def project(params, radius):
        right = ours.project(params, radius)
        if any(np.asarray(part.W).dtype == object for part in params if isinstance(part, Dense)):
            return right
        return hidden(params, right, radius, layer)

    return {"project": project}


def lengths(ours, norm):
    """row_norms by norm, and reduce with it by default; fractions by ours."""

    def row_norms(W):
        with np.errstate(all="ignore"):
            return ours.row_norms(W) if W.dtype == object else norm(W)

    def reduce(params, radius, activation="relu", norm=row_norms, **options):
        return ours.reduce(params, radius, activation, norm, **options)

    return {"row_norms": row_norms, "reduce": reduce}


# ---- right, in other ways
@entry(PAPER, "accept", "lengths by hypot, one coordinate after the other")
def lengths_by_hypot(ours):
    return lengths(ours, lambda W: np.array([math.hypot(*row) for row in W]).reshape(len(W)))


@entry(PAPER, "accept", "sup over a box by its centre and its half widths")
def box_by_its_centre(ours):
    def support_box(low, high):
        ours.support_box(low, high)
        centre, half = (np.asarray(high) + np.asarray(low)) / 2, (np.asarray(high) - np.asarray(low)) / 2
        return lambda w: w @ centre + abs(w) @ half

    return {"support_box": support_box}


@entry(PAPER, "accept", "sup over a box as that over its corners, all listed")
def box_by_its_corners(ours):
    def support_box(low, high):
        ours.support_box(low, high)
        return ours.support_points(np.array(list(product(*zip(np.atleast_1d(low), np.atleast_1d(high), strict=True)))))

    return {"support_box": support_box}


@entry(PAPER, "accept", "clipping by the median of three, lengths by hypot")
def projected_by_the_median(ours):
    def project(params, radius):
        right = ours.project(params, radius)

        def layer(old, new, X):
            W = np.array([w / math.hypot(*w) for w in old.W]).reshape(np.shape(old.W))
            return new._replace(W=W, b=np.median([np.full_like(new.b, -X), old.b, np.full_like(new.b, X)], axis=0))

        return hidden(params, right, radius, layer)

    return {"project": project}


@entry(PAPER, "accept", "the balanced form by exponentials of logarithms")
def restored_by_logarithms(ours):
    def balanced(w, b, v):
        rho = np.sqrt(np.sum(w * w) + b * b)
        s = np.exp((np.log(np.abs(v)) - np.log(rho)) / 2)
        return s * w, s * b, v / s

    return restoring(ours, balanced)


# ---- wrong: the way back
def scales(ours, s):
    """restore by s(|w|, b, |v|), the factor of (w, b)."""

    def balanced(w, b, v):
        k = s(math.hypot(*w), b, abs(v))
        return k * w, k * b, v / k

    return restoring(ours, balanced)


@entry(PAPER, "reject", "the reduced parameters are standard parameters already: nothing is balanced", by=("R20",))
def restored_as_it_is(ours):
    return {"restore": lambda params, activation="relu": params}


@entry(PAPER, "reject", "|v| = |w|, the threshold is left out of the balance; right for thresholds 0", by=("R20",))
def balanced_without_the_threshold(ours):
    return scales(ours, lambda w, b, v: math.sqrt(v / w) if w else math.sqrt(v / abs(b)))


@entry(PAPER, "reject", "(w, b) gets the whole outgoing weight, v = ±1: not balanced", by=("R20",))
def outgoing_weight_moved_inside(ours):
    return scales(ours, lambda w, b, v: v)


@entry(PAPER, "reject", "s = |v|/|(w, b)| without the root: right where they are equal", by=("R20",))
def balanced_without_the_root(ours):
    return scales(ours, lambda w, b, v: v / math.hypot(w, b))


@entry(PAPER, "reject", "s = √(|(w, b)|/|v|), upside down; right where they are equal", by=("R20",))
def balanced_upside_down(ours):
    return scales(ours, lambda w, b, v: math.sqrt(math.hypot(w, b) / v))


@entry(PAPER, "reject", "the sign of v goes to (w, b): s = v/√…, so that v > 0; right for v > 0", by=("R4",))
def sign_moved_inside(ours):
    def balanced(w, b, v):
        s = np.sqrt(abs(v) / math.hypot(*w, b))
        return np.sign(v) * s * w, np.sign(v) * s * b, abs(v) / s

    return restoring(ours, balanced)


@entry(PAPER, "reject", "v = |v|/s: the sign is lost; right for v > 0", by=("R4",))
def sign_lost(ours):
    def balanced(w, b, v):
        s = np.sqrt(abs(v) / math.hypot(*w, b))
        return s * w, s * b, abs(v) / s

    return restoring(ours, balanced)


@entry(PAPER, "reject", "w is scaled and b is not; right for thresholds 0, and where the form is balanced already", by=("R4",))
def threshold_left_behind(ours):
    def balanced(w, b, v):
        s = np.sqrt(abs(v) / math.hypot(*w, b))
        return s * w, b, v / s

    return restoring(ours, balanced)


@entry(PAPER, "reject", "the output bias is dropped on the way back; right where it is 0", by=("R4",))
def output_bias_dropped_on_the_way_back(ours):
    def restore(params, activation="relu"):
        right = ours.restore(params, activation)
        new = parts(right)
        return right if new is None else like(right, new[0], new[1], new[2], 0 * new[3])

    return {"restore": restore}


@entry(PAPER, "reject", "binary neurons are balanced too, which changes their height", by=("R4",))
def binary_neurons_balanced(ours):
    return {"restore": lambda params, activation="relu": ours.restore(params, "relu" if activation == "binary" else activation)}


# ---- wrong: projection
@entry(PAPER, "reject", "project divides b by |w| too, as reduce does; right for unit rows", by=("R21",))
def projection_scales_the_threshold(ours):
    def layer(old, new, X):
        r = np.sqrt(np.sum(old.W * old.W, axis=1))
        return new._replace(b=np.clip(old.b / r, -X, X))

    return projecting(ours, layer)


@entry(PAPER, "reject", "project does not clip thresholds; right where they are bounded already", by=("R21",))
def projection_of_the_weights_only(ours):
    return projecting(ours, lambda old, new, X: new._replace(b=np.array(old.b)))


@entry(PAPER, "reject", "project clips thresholds to [0, X]; right for those >= 0", by=("R21",))
def projection_onto_positive_thresholds(ours):
    return projecting(ours, lambda old, new, X: new._replace(b=np.clip(old.b, 0, X)))


@entry(PAPER, "reject", "project wraps thresholds round, b mod 2X; right where they are bounded already", by=("R21",))
def projection_wraps_round(ours):
    return projecting(ours, lambda old, new, X: new._replace(b=(old.b + X) % (2 * X) - X if X > 0 else 0 * old.b))


@entry(PAPER, "reject", "project shortens rows to the unit ball only: short ones stay; right for rows of length >= 1", by=("R21",))
def projection_onto_the_ball(ours):
    def layer(old, new, X):
        return new._replace(W=old.W / np.maximum(np.sqrt(np.sum(old.W * old.W, axis=1, keepdims=True)), 1))

    return projecting(ours, layer)


@entry(PAPER, "reject", "project divides columns by their lengths, not rows", by=("R21",))
def projection_of_the_columns(ours):
    return projecting(ours, lambda old, new, X: new._replace(W=old.W / np.sqrt(np.sum(old.W * old.W, axis=0))))


@entry(PAPER, "reject", "project clips every layer to the first layer's radius; right for one radius", by=("R37",))
def first_radius_for_all(ours):
    def project(params, radius):
        ours.project(params, radius)
        return ours.project(params, np.ravel(radius)[0])

    return {"project": project}


@entry(
    PAPER, "reject", "project moves |w| into the outgoing weights, as reduce does: no projection; right for unit rows", by=("R21",)
)
def projection_keeps_the_function(ours):
    def project(params, radius):
        right = ours.project(params, radius)
        old, new = parts(params), parts(right)
        if old is None or new is None:
            return right
        return like(right, new[0], new[1], new[2] * np.sqrt(np.sum(np.asarray(old[0]) ** 2, axis=1)), new[3])

    return {"project": project}


# ---- wrong: lengths, domains and bounds
@entry(PAPER, "reject", "lengths by the plain sum of squares: 1e200 overflows, 1e-200 is zero; right in between", by=("R17",))
def lengths_by_the_plain_sum(ours):
    return lengths(ours, lambda W: np.sqrt(np.sum(W * W, axis=1)))


@entry(PAPER, "reject", "lengths of the columns, axis 0; right for square matrices that are symmetric", by=("R3",))
def lengths_of_the_columns(ours):
    return lengths(ours, lambda W: np.resize(np.sqrt(np.sum(W * W, axis=0)), len(W)))


@entry(
    PAPER, "reject", "exact lengths as integer roots without a look whether they are exact; right for rational lengths", by=("R16",)
)
def exact_lengths_not_checked(ours):
    def exact_norms(W):
        q = [sum((Fraction(x) ** 2 for x in w), Fraction(0)) for w in W]
        return np.array([Fraction(math.isqrt(x.numerator), math.isqrt(x.denominator)) for x in q] + [None], dtype=object)[:-1]

    return {"exact_norms": exact_norms}


@entry(PAPER, "reject", "exact lengths by a float root, made a fraction; right for small numerators", by=("R16",))
def exact_lengths_by_floats(ours):
    def exact_norms(W):
        right = ours.exact_norms(W)
        q = [sum((Fraction(x) ** 2 for x in w), Fraction(0)) for w in W]
        return np.array([Fraction(math.sqrt(x)) for x in q] + [None], dtype=object)[:-1] if len(right) else right

    return {"exact_norms": exact_norms}


@entry(PAPER, "reject", "sup over a box at its upper corner, w·high; right for w >= 0", by=("R25",))
def box_at_its_upper_corner(ours):
    def support_box(low, high):
        ours.support_box(low, high)
        return lambda w: w @ np.asarray(high)

    return {"support_box": support_box}


@entry(PAPER, "reject", "sup over a box as Σ |w_i| max(|low_i|, |high_i|); right for symmetric boxes", by=("R25",))
def box_made_symmetric(ours):
    def support_box(low, high):
        ours.support_box(low, high)
        return lambda w: abs(w) @ np.maximum(np.abs(low), np.abs(high))

    return {"support_box": support_box}


@entry(PAPER, "reject", "inf over a box in place of sup: minima are added; right for boxes of one point", by=("R25",))
def least_over_the_box(ours):
    def support_box(low, high):
        ours.support_box(low, high)
        return lambda w: np.minimum(w * np.asarray(low), w * np.asarray(high)).sum(axis=1)

    return {"support_box": support_box}


@entry(PAPER, "reject", "sup over a box as over the ball round it; right for w along a diagonal of a centred cube", by=("R25",))
def box_by_the_ball_round_it(ours):
    def support_box(low, high):
        ours.support_box(low, high)
        X = np.sqrt(np.sum(np.maximum(np.abs(low), np.abs(high)) ** 2))
        return lambda w: X * np.sqrt(np.sum(w * w, axis=1))

    return {"support_box": support_box}


@entry(PAPER, "reject", "sup over a ball is its radius, whatever |w|; right for unit rows", by=("R25",))
def ball_without_the_length(ours):
    def support_ball(radius):
        ours.support_ball(radius)
        return lambda w: np.full(len(w), float(radius))

    return {"support_ball": support_ball}


@entry(PAPER, "reject", "sup over points as the largest |w·x|; right for samples that are symmetric", by=("R25",))
def points_made_symmetric(ours):
    def support_points(x):
        ours.support_points(x)
        return lambda w: np.abs(w @ np.asarray(x).T).max(axis=1)

    return {"support_points": support_points}


@entry(PAPER, "reject", "sup over points as |w| max |x|: the ball about them; right for one point along w", by=("R25",))
def points_by_their_ball(ours):
    def support_points(x):
        ours.support_points(x)
        return ours.support_ball(math.sqrt(np.max(np.sum(np.asarray(x, float) ** 2, axis=1))))

    return {"support_points": support_points}


@entry(PAPER, "reject", "the interval [−S(−w), S(w)]: the two ends exchanged; right on symmetric domains", by=("R25",))
def interval_ends_exchanged(ours):
    def threshold_interval(W, support):
        low, high = ours.threshold_interval(W, support)
        return -high, -low

    return {"threshold_interval": threshold_interval}


@entry(PAPER, "reject", "the interval [−S(w), S(w)]; right on symmetric domains", by=("R25",))
def interval_made_symmetric(ours):
    def threshold_interval(W, support):
        low, _ = ours.threshold_interval(W, support)
        return low, -low

    return {"threshold_interval": threshold_interval}


@entry(PAPER, "reject", "the ends of the interval have no sign, (S(w), S(−w)); right where 0 is a corner", by=("R25",))
def interval_without_signs(ours):
    def threshold_interval(W, support):
        low, high = ours.threshold_interval(W, support)
        return -low, high

    return {"threshold_interval": threshold_interval}


def bounds(ours, grown):
    """layer_radii of dense networks by grown(W, b, X, J, slope of the activation, activation)."""

    def layer_radii(params, radius, activation="relu", slope=0.01):
        right = ours.layer_radii(params, radius, activation, slope)
        if not isinstance(params[0], Dense) or params[0].W.dtype == object or any(isinstance(part, Conv2d) for part in params):
            return right
        radii = [float(radius)]
        for part in [part for part in params if isinstance(part, Dense)][: len(right) - 1]:
            radii.append(float(grown(part.W, part.b, radii[-1], len(part.W), activation)))
        return tuple(radii)

    return {"layer_radii": layer_radii}


def spectral(W):
    return np.linalg.svd(W, compute_uv=False)[0] if W.size else 0.0


@entry(PAPER, "reject", "layer bounds √J X, without the 2 for the threshold; enough where thresholds are small", by=("R23",))
def bound_without_the_threshold(ours):
    return bounds(ours, lambda W, b, X, J, activation: math.sqrt(J) if activation == "binary" else math.sqrt(J) * X)


@entry(PAPER, "reject", "layer bounds 2X, without √J; right for one neuron a layer", by=("R23",))
def bound_without_the_width(ours):
    return bounds(ours, lambda W, b, X, J, activation: 1.0 if activation == "binary" else 2 * X)


@entry(PAPER, "reject", "layer bounds ‖W‖₂ X, without |b|; right for thresholds 0", by=("R23",))
def spectral_bound_without_thresholds(ours):
    return bounds(ours, lambda W, b, X, J, activation: math.sqrt(J) if activation == "binary" else spectral(W) * X)


@entry(PAPER, "reject", "layer bounds ‖W‖₂ X + max |b|; right for one neuron a layer", by=("R23",))
def spectral_bound_with_one_threshold(ours):
    def grown(W, b, X, J, activation):
        return math.sqrt(J) if activation == "binary" else spectral(W) * X + np.max(np.abs(b), initial=0)

    return bounds(ours, grown)


@entry(PAPER, "reject", "layer bounds by the longest row, max |w| X + |b|; right for one neuron a layer", by=("R23",))
def bound_by_the_longest_row(ours):
    def grown(W, b, X, J, activation):
        if activation == "binary":
            return math.sqrt(J)
        return np.sqrt(np.max(np.sum(W * W, axis=1), initial=0)) * X + np.sqrt(np.sum(b * b))

    return bounds(ours, grown)


@entry(PAPER, "reject", "binary layers are bounded by 1, the largest entry; right for one neuron a layer", by=("R23",))
def binary_layers_bounded_by_one(ours):
    return {
        "layer_radii": lambda params, radius, activation="relu", slope=0.01: (
            ours.layer_radii(params, radius, activation, slope)
            if activation != "binary"
            else tuple(min(X, 1.0) if k else X for k, X in enumerate(ours.layer_radii(params, radius, activation, slope)))
        )
    }


@entry(PAPER, "reject", "layer bounds 2ˡ √(J₁…J_l) X, of unit rows, for rows of every length; right for unit rows", by=("R23",))
def bound_of_unit_rows_for_all(ours):
    return bounds(ours, lambda W, b, X, J, activation: math.sqrt(J) if activation == "binary" else 2 * math.sqrt(J) * X)


@entry(
    PAPER, "reject", "points are outside where an entry is larger than X, in place of the length; right for one input", by=("R22",)
)
def outside_the_cube(ours):
    def outside(x, radius):
        ours.outside(np.zeros_like(x), radius)
        mask = (np.abs(x) > radius).any(axis=1)
        return ours.outside(np.where(mask[:, None], x, 0), radius) if mask.any() else mask

    return {"outside": outside}


@entry(PAPER, "reject", "points at |x| = X count as outside: x >= X; right elsewhere", by=("R22",))
def border_counts_as_outside(ours):
    def outside(x, radius):
        return ours.row_norms(np.asarray(x, float)) >= radius

    return {"outside": outside}
