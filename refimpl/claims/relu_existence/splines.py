"""Claims on global optima in one dimension: E6, E7, E29 to E34, E47, E49.

Splines are held to least squares with Gauss's rule on each piece, and the dynamic programme to all sets of knots on small grids.
What cannot be enumerated is held to optima in closed form and to a table of seven figures that was computed by another method.
"""

from collections.abc import Callable
from itertools import combinations, pairwise

import numpy as np

from refimpl.claims.claim import Choice, Floats, Integer, Seed, assume, claim, frozen, max
from refimpl.claims.relu_existence import definition as paper
from refimpl.claims.relu_existence.definition import best_values, slopes_of, spline_error

CURVES: dict[str, Callable] = {
    "square": lambda x: x * x,
    "sin 2": lambda x: np.sin(2 * np.pi * x),
    "sin 4": lambda x: np.sin(4 * np.pi * x),
    "exp": np.exp,
    "cube": lambda x: x**3,
    "chirp": lambda x: np.sin(9 * x * x),
}
FITTED = {**CURVES, "back": lambda x: (1 - x) ** 2}  # neurons of the last one point left
UNIT = (0.0, 1.0)


def square(x):
    return x * x


def in_class(knots, values, width, residual):
    """Is the spline a response of that width: enough knots, and for a feedforward one with all of them, a subset of slopes that
    adds up to minus the first?"""
    s0, kinks = slopes_of(knots, values)
    size = np.abs(s0) + np.sum(np.abs(kinks)) + 1e-300
    kinks = kinks[np.abs(kinks) > 1e-7 * size]
    if residual or len(kinks) < width:
        return len(kinks) <= width
    return len(kinks) == width and min(abs(s0 + sum(S)) for S in subsets(kinks)) < 1e-6 * size


def subsets(numbers):
    """All of them, the empty one first."""
    return [S for k in range(len(numbers) + 1) for S in combinations(numbers, k)]


def consistent(spline, f, interval, width, residual):
    """How far .error is from the error of .knots and .values, relatively; 1 if these are not what they should be."""
    knots, values = np.asarray(spline.knots, float), np.asarray(spline.values, float)
    shape = knots.ndim == 1 and knots.shape == values.shape and (knots[0], knots[-1]) == interval and np.all(np.diff(knots) > 0)
    if not shape or not in_class(knots, values, width, residual):
        return 1.0
    own = spline_error(knots, values, f)
    return abs(float(spline.error) - own) / max(own, 1e-12)


# ---- x²
@claim(
    "E6", source="derived: best fits of x²", tolerance=1.0, part=Choice("free", "feedforward", "interval"),
    n=Integer(1, 4), length=Floats(0.3, 3), seed=Seed(),
    catches="every spline with n knots taken for a response of width n; A⁴; n for 2n + 1; knots of equal distance in the "
    "feedforward class",
)  # fmt: skip
def best_fits_of_the_square_are_known(impl, part, n, length, seed):
    """The best N linear pieces leave A⁵/(180 N⁴) of x², width n on (0, 1) leaves 4/(45(2n+1)⁴), flat up to 1/(2n+1); no other knots
    leave less."""
    rng = np.random.default_rng(seed)
    if part == "free":
        best = length**5 / (180 * n**4)
        uniform = best_values(np.linspace(0.4, 0.4 + length, n + 1), square)[0]
        other = best_values(np.sort([0.0, length, *rng.uniform(0, length, n - 1)]) if n > 1 else np.array([0, length]), square)[0]
        got = float(impl.quadratic_spline_error(n, length))
        return max(abs(got / best - 1) / 1e-12, abs(got / uniform - 1) / 1e-8, (got - other) / best / 1e-9)
    best = 4 / (45 * (2 * n + 1) ** 4)
    if part == "feedforward":
        knots = np.asarray(impl.quadratic_feedforward_knots(n), float)
        own = (2 * np.arange(1, n + 1) - 1) / (2 * n + 1)
        flat = np.eye(n + 2)[1] - np.eye(n + 2)[0]  # equal values at both ends of the first piece
        got = float(impl.quadratic_feedforward_error(n))
        at = best_values([0.0, *knots, 1.0], square, constraint=flat)[0]
        other = best_values(np.sort([0.0, *rng.uniform(0.01, 0.99, n), 1.0]), square, constraint=flat)[0]
        return max(
            abs(got / best - 1) / 1e-12,
            abs(at / best - 1) / 1e-9,
            (got - other) / best / 1e-9,
            float(np.max(np.abs(knots - own))) / 1e-12,
        )
    odd, even = (
        float(impl.quadratic_feedforward_error(n, (0, length))),
        impl.quadratic_feedforward_error(2 * n, (-length, length)),
    )
    knots = np.linspace(-length, length, 2 * n + 2)
    own = best_values(knots, square)
    flat = abs(own[1][n + 1] - own[1][n]) / length**2  # the middle piece, so that S = the first half will do
    at = float(np.max(np.abs(np.asarray(impl.quadratic_feedforward_knots(2 * n, (-length, length))) - knots[1:-1])))
    return max(abs(odd / (best * length**5) - 1) / 1e-12, abs(float(even) / own[0] - 1) / 1e-8, flat / 1e-9, at / 1e-12)


# ---- dynamic programming
def all_knots(cells, pieces, interval):
    """Every choice of up to so many pieces on the grid."""
    low, high = interval
    grid = np.linspace(low, high, cells + 1)
    for k in range(pieces):
        for inner in combinations(grid[1:-1], k):
            yield np.array([low, *inner, high])


@claim(
    "E7", source="derived: dynamic programming over parabolas", tolerance=1.0, draws=30, target=Choice(*CURVES),
    cells=Integer(1, 8), pieces=Integer(1, "cells"), low=Floats(-1, 0), length=Floats(0.3, 1), seed=Seed(),
    catches="the parabola of least minimum alone kept for each state; knots off the grid; a cross term; a moment about another "
    "point; values that are those of f; exactly so many pieces; the sum of squares for the integral",
)  # fmt: skip
def dynamic_programming_finds_the_best_spline_on_a_grid(impl, target, cells, pieces, low, length, seed):
    """No continuous piecewise linear function with knots on the grid has less error: all sets of knots are tried; more pieces never
    have more."""
    if target == "chirp":  # where the parabola of least minimum alone misleads
        low, length, (cells, pieces) = 0.0, 1.0, ((5, 4), (8, 3))[seed % 2]
    f, interval = CURVES[target], (low, low + length)
    errors = {k: min(best_values(t, f)[0] for t in all_knots(cells, k, interval)) for k in {1, pieces}}
    scale = 1e-11 * float(np.max(f(np.linspace(*interval, 9)) ** 2)) * length  # rounding of an error near 0
    got, several = impl.best_spline(f, interval, pieces, cells), impl.best_splines(f, interval, pieces, cells)
    knots = np.asarray(got.knots, float)
    on = (knots - low) / length * cells
    if len(knots) > pieces + 1 or np.any(np.diff(knots) <= 0) or len(several) != pieces:
        return np.inf
    falling = [float(s.error) for s in several]
    return max(
        abs(float(got.error) - errors[pieces]) / (1e-8 * errors[pieces] + scale),
        abs(falling[0] - errors[1]) / (1e-8 * errors[1] + scale),
        abs(falling[-1] - errors[pieces]) / (1e-8 * errors[pieces] + scale),
        abs(spline_error(knots, got.values, f) - errors[pieces]) / (1e-8 * errors[pieces] + scale),
        max([0.0, *(b - a for a, b in pairwise(falling))]) / scale,
        float(np.max(np.abs(on - np.round(on)))) / 1e-9,
        max(abs(knots[0] - low), abs(knots[-1] - low - length)) / 1e-12,
    )


@claim(
    "E29", source="derived: closed form, and optima measured before", tolerance=1.0,
    case=Choice("square", "sin 2", "sin 4", "chirp 5 4", "chirp 8 3", "chirp 16 3"),
    catches="what few cells hide: ties, an envelope that loses a parabola, moments that cancel on a fine grid",
)  # fmt: skip
def fine_grids_have_the_known_errors(impl, case):
    """On 60 cells x² has the error 1/(180 N⁴) where N divides 60, on 100 sin 2πx 5.3289e-3 with 3 pieces, on 80 sin 4πx 6.552e-3
    with 5; sin 9x² has that of all sets of knots."""
    if case.startswith("chirp"):  # where the parabola of least minimum alone misleads
        cells, pieces = map(int, case.split()[1:])
        best = min(best_values(t, CURVES["chirp"])[0] for t in all_knots(cells, pieces, UNIT))
        several = impl.best_splines(CURVES["chirp"], UNIT, pieces, cells)[-1].error
        return max(abs(float(e) / best - 1) / 1e-8 for e in (several, impl.best_spline(CURVES["chirp"], UNIT, pieces, cells).error))
    if case == "square":
        got = impl.best_splines(CURVES["square"], UNIT, 6, 60)
        return max(abs(float(s.error) * 180 * n**4 - 1) / 1e-8 for n, s in enumerate(got, 1))
    if case == "sin 2":
        found = impl.best_spline(CURVES["sin 2"], UNIT, 3, 100)
        return max(abs(float(found.error) - 5.3289e-3) / 6e-8, (5.271863e-3 - float(found.error)) / 1e-9)
    return abs(float(impl.best_spline(CURVES["sin 4"], UNIT, 5, 80).error) - 6.552e-3) / 6e-7


@claim(
    "E30", source="derived: segmented regression", tolerance=1.0, draws=20, target=Choice(*CURVES), cells=Integer(2, 7),
    pieces=Integer(1, "cells"), seed=Seed(),
    catches="a constant on each segment; interpolation for regression; segments of one cell only; a bound that is none",
)  # fmt: skip
def discontinuous_fits_bound_all_others(impl, target, cells, pieces, seed):
    """Lines on each segment that need not meet: the best of all sets of knots on the grid is found, below every spline and every
    generalized response there."""
    f, rng = CURVES[target], np.random.default_rng(seed)
    grid = np.linspace(*UNIT, cells + 1)
    cost = {(s, t): best_values([s, t], f)[0] for s, t in combinations(grid, 2)}
    best = min(sum(cost[p] for p in pairwise(t)) for t in all_knots(cells, pieces, UNIT))
    got = impl.best_discontinuous(f, UNIT, pieces, cells)
    knots, lines, scale = np.asarray(got.knots, float), np.asarray(got.lines, float), 1e-11
    if lines.shape != (len(knots) - 1, 2) or len(knots) > pieces + 1:
        return np.inf
    inner = np.sort(rng.choice(grid[1:-1], min(pieces, cells) - 1, replace=False))
    other = spline_error([0.0, *inner, 1.0], f(np.array([0.0, *inner, 1.0])) + 0.1 * rng.normal(size=len(inner) + 2), f)
    own = sum(spline_error(t, line, f) for t, line in zip(pairwise(knots), lines, strict=True))
    return max(
        abs(float(got.error) - best) / (1e-8 * best + scale),
        abs(own - best) / (1e-8 * best + scale),
        (float(got.error) - other) / (1e-8 * other + scale),
        (float(got.error) - float(impl.best_spline(f, UNIT, pieces, cells).error)) / (1e-8 * best + scale),
    )


# ---- responses of one width
@claim(
    "E31", source="derived: which splines are responses", tolerance=0.5, draws=100, n=Integer(0, 6),
    case=Choice("a sum", "near a sum", "whole numbers"), seed=Seed(),
    catches="the sign of a sum; the empty subset; all neurons one way; one neuron alone; a tolerance that is not relative",
)  # fmt: skip
def feedforward_splines_are_those_with_a_sum_of_zero(impl, n, case, seed):
    """With as many knots as neurons, a spline is a feedforward response if and only if its first slope and some of its kinks add
    up to 0."""
    rng = np.random.default_rng(seed)
    if case == "whole numbers":
        kinks, s0 = rng.integers(-5, 6, n).astype(float), float(rng.integers(-5, 6))
        kinks[kinks == 0] = 1
        expected, left = any(s0 + sum(S) == 0 for S in subsets(kinks)), impl.left_neurons(s0, frozen(kinks))
        wrong = left is not None if not expected else left is None or s0 + sum(kinks[k] for k in left) != 0
        return float(wrong or bool(impl.feedforward_possible(s0, frozen(kinks))) != expected)
    kinks, scale = rng.normal(size=n), float(np.exp(rng.uniform(-8, 8)))
    s0 = -float(np.sum(kinks[rng.random(n) < 0.5])) + (0.01 if case == "near a sum" else 0.0)
    expected = case == "a sum"
    if not expected:
        assume(min(abs(s0 + sum(S)) for S in subsets(kinks)) > 1e-3)
    return float(bool(impl.feedforward_possible(scale * s0, frozen(scale * kinks))) != expected)


TABLE = {  # target, interval, width: error of the feedforward class, of the residual one; seven figures
    ("square", UNIT, 1): (1.097394e-03, 3.472222e-04), ("square", UNIT, 2): (1.422222e-04, 6.858711e-05),
    ("square", UNIT, 3): (3.702161e-05, 2.170139e-05), ("square", (-1.0, 1.0), 1): (1.126356e-01, 1.111111e-02),
    ("square", (-1.0, 1.0), 2): (2.194787e-03, 2.194787e-03), ("square", (-1.0, 1.0), 3): (1.293236e-03, 6.944444e-04),
    ("cube", (-1.0, 1.0), 1): (4.571429e-02, 3.071429e-02), ("cube", (-1.0, 1.0), 2): (3.701326e-03, 1.794940e-03),
    ("cube", (-1.0, 1.0), 3): (1.794940e-03, 1.118516e-03), ("sin 2", UNIT, 1): (1.595351e-01, 1.379318e-01),
    ("sin 2", UNIT, 2): (3.345817e-02, 5.271863e-03), ("sin 2", UNIT, 3): (3.274293e-03, 3.272519e-03),
    ("sin 2", UNIT, 4): (8.266471e-04, 8.228204e-04), ("back", UNIT, 1): (1.097394e-03, 3.472222e-04),
}  # fmt: skip


def off_the_table(impl, target, interval, width):
    """Largest residual of both classes, in units of 2e-6 relative: half of a last figure is 5e-7."""
    f, known = FITTED[target], TABLE[target, interval, width]
    found = (
        (impl.best_feedforward(f, interval, width, rng=np.random.default_rng(0)), False),
        (impl.best_residual(f, interval, width), True),
    )
    worst = 0.0
    for (got, residual), error in zip(found, known, strict=True):
        worst = max(worst, abs(float(got.error) / error - 1) / 2e-6, consistent(got, f, interval, width, residual) / 1e-6)
    return worst


def entry(name):
    target, interval, width = name.split(" on ")[0], name.split(" on ")[1].split(" ")[0], int(name[-1])
    return target, UNIT if interval == "(0;1)" else (-1.0, 1.0), width


def entries(*widths):
    return Choice(*(f"{t} on {'(0;1)' if i == UNIT else '(-1;1)'} {n}" for t, i, n in TABLE if n in widths))


@claim(
    "E32", source="derived: optima of both classes", tolerance=1.0, case=entries(1),
    catches="both classes taken for one; subsets of consecutive knots only; knots that stay where they start; a constraint on "
    "values in place of slopes; neurons that all point right",
)  # fmt: skip
def best_responses_of_small_width_are_known(impl, case):
    """The least errors of x², (1 − x)², x³ and sin 2πx by feedforward and by residual networks of width 1 are those of the table,
    and differ by up to ten times."""
    return off_the_table(impl, *entry(case))


@claim(
    "E33", source="derived: optima of both classes", tolerance=1.0, case=entries(2, 3, 4), slow=True,
    catches="what width 1 cannot show: subsets that are not consecutive, an affine neuron, poor local optima",
)  # fmt: skip
def best_responses_of_larger_width_are_known(impl, case):
    """The least errors of both kinds of networks are those of the table for width 2, 3 and 4, too."""
    return off_the_table(impl, *entry(case))


@claim(
    "E34", source="derived: representation", tolerance=1.0, form=Choice("residual", "feedforward"), n=Choice(1, 2, 3),
    target=Choice("sin 2", "back"), start=Choice(0.0, -0.7),
    catches="a neuron that points the other way without its affine part, or not at all; a skip where none is needed; the first "
    "value taken for the output bias",
)  # fmt: skip
def splines_are_networks(impl, form, n, target, start):
    """A spline with n inner knots is a residual network of n neurons, and a feedforward one if a subset allows it."""
    f, interval = (lambda x: FITTED[target](x - start)), (start, start + 1)
    if form == "residual":
        spline = impl.best_spline(f, interval, n + 1, 12)
        net = impl.spline_network(spline)
    else:
        assume(n == 1)  # a search over wider ones takes seconds
        spline = impl.best_feedforward(f, interval, 1, rng=np.random.default_rng(0))
        net = impl.spline_network(spline, left=spline.subset)
    x = np.linspace(*interval, 20)
    gap = float(np.max(np.abs(paper.response(net, x) - np.interp(x, spline.knots, spline.values))))
    skip = float(np.max(np.abs(net.a))) if np.size(net.a) else 0.0
    slack = 1e-6 if form == "feedforward" else 1e-11  # the constraint holds as well as the search ended
    return max(gap / slack, skip / 1e-6 if form == "feedforward" else 0.0, 2.0 * (len(net.v) > max(n, len(spline.knots) - 2)))


@claim(
    "E49", source="derived: descent over the knots", tolerance=1.0, target=Choice("sin 2", "exp", "back"),
    pieces=Choice(1, 2, 3), constraint=Choice("none", "subset"),
    catches="a polish that rises; errors that are not those of the knots; knots that stay on their grid, or at equal distances; a "
    "subset that is forgotten",
)  # fmt: skip
def polish_ends_where_no_knot_moves(impl, target, pieces, constraint):
    """Moving the knots off the grid never raises the error, and ends where no move of one knot lowers it; the subset of a
    feedforward spline stays a constraint."""
    f = FITTED[target]
    if constraint == "subset":
        assume(pieces == 2)  # one neuron: a search over more takes seconds
        start = impl.best_feedforward(f, UNIT, 1, rng=np.random.default_rng(0))
    else:
        start = impl.best_spline(f, UNIT, pieces, pieces + 3)
    got = impl.polish(start, f, UNIT)
    knots = np.asarray(got.knots, float)
    if len(knots) > len(start.knots) or np.any(np.diff(knots) <= 0) or (knots[0], knots[-1]) != UNIT:
        return np.inf
    own = spline_error(knots, got.values, f)
    risen = (own - float(start.error)) / (1e-10 + 1e-8 * own), abs(float(got.error) - own) / (1e-12 + 1e-8 * own)
    if constraint == "subset":
        return max(*risen, 2.0 * (not in_class(knots, got.values, 1, residual=False)))
    moves = [1e-3 * way * e for e in np.eye(len(knots))[1:-1] for way in (-1, 1)]
    return max(*risen, *((own - best_values(knots + move, f)[0]) / (1e-10 + 1e-8 * own) for move in moves))


@claim(
    "E47", source="derived: bounds from both sides", tolerance=1.0, case=entries(1, 2),
    catches="the discontinuous optimum on a grid taken for a bound off it; an upper bound that no spline reaches; bounds of "
    "another number of pieces",
)  # fmt: skip
def bounds_enclose_the_optimum(impl, case):
    """The least error of a number of pieces, with knots anywhere, lies between a bound that is proved and one that is reached; the
    gap closes as the grid is refined."""
    target, interval, width = entry(case)
    best, f = TABLE[target, interval, width][1], FITTED[target]
    coarse, fine = (impl.sandwich(f, interval, width + 1, cells) for cells in (6, 24))
    worst = max(v for s in (coarse, fine) for v in (float(s.lower) / best - 1, 1 - float(s.upper) / best))
    near = float(fine.upper) / best - 1
    alone = float(impl.lower_bound(f, interval, width + 1, 24))
    worst, low = max(worst, alone / best - 1), min(alone, float(fine.lower))
    return max(worst / 1e-6, near / 1e-5, (float(fine.lower) < float(coarse.lower)) * 2.0, (0.5 - low / best) * 2)
