"""Global optima of one input: dynamic programming against brute force, the classes of networks, bad input."""

from itertools import combinations

import numpy as np
import pytest

from refimpl.papers.relu_existence import (
    Spline,
    best_discontinuous,
    best_feedforward,
    best_residual,
    best_spline,
    best_splines,
    feedforward_possible,
    left_neurons,
    lower_bound,
    polish,
    quadratic_feedforward_error,
    quadratic_feedforward_knots,
    quadratic_spline_error,
    sandwich,
    spline_network,
)
from refimpl.papers.relu_existence.free_knots import fit, knot_gradient, pieces_between, turned_slopes
from refimpl.papers.relu_existence.integrate import Polynomial, Sine, exact_risk
from refimpl.papers.relu_existence.network import response

SQUARE, CUBE = Polynomial((0.0, 0.0, 1.0)), Polynomial((0.0, 0.0, 0.0, 1.0))
ONE, TWO = Sine(2 * np.pi), Sine(4 * np.pi)  # periods on [0, 1]


def sum_of_sines(seed, scale=1.0):
    """A smooth target without symmetries."""
    omega, phase, size = np.random.default_rng(seed).normal(size=(3, 4)) * [[5], [3], [1]]
    return lambda x: scale * np.sin(np.outer(x, omega) + phase) @ size


def quadrature(interval, cells):
    """Nodes and weights of Gauss's rule on equal cells, flat."""
    x, (t, w) = np.linspace(interval[0], interval[1], cells + 1), np.polynomial.legendre.leggauss(20)
    h = np.diff(x)[:, None] / 2
    return ((x[:-1] + x[1:])[:, None] / 2 + h * t).ravel(), (h * w).ravel()


def least_squares(target, basis, x, w):
    """∫ (f − its projection)², for columns of functions at the nodes x."""
    root = np.sqrt(w)
    values = np.linalg.lstsq(root[:, None] * basis, root * target(x), rcond=None)[0]
    return np.sum(w * (basis @ values - target(x)) ** 2)


def enumerated(target, interval, pieces, cells):
    """The least errors with and without continuity, from all choices of knots."""
    (x, w), grid = quadrature(interval, cells), np.linspace(interval[0], interval[1], cells + 1)
    continuous, jumping = [], []
    for inner in combinations(range(1, cells), pieces - 1):
        knots = grid[[0, *inner, cells]]
        continuous.append(least_squares(target, np.stack([np.interp(x, knots, e) for e in np.eye(len(knots))], axis=1), x, w))
        inside = (x[:, None] > knots[:-1]) & (x[:, None] < knots[1:])
        jumping.append(least_squares(target, np.concatenate([inside, inside * x[:, None]], axis=1), x, w))
    return min(continuous), min(jumping)


# ---- the grid
@pytest.mark.parametrize(("seed", "cells"), [(0, 5), (1, 6), (2, 7), (3, 8), (4, 8)])
def test_dynamic_programming_finds_what_enumeration_finds(seed, cells):
    rng = np.random.default_rng(seed)
    interval = rng.uniform(-2, 0), rng.uniform(0.5, 3)
    target = sum_of_sines(seed, 10.0 ** rng.integers(-6, 7))
    found = best_splines(target, interval, cells, cells)
    for pieces in range(1, cells + 1):
        continuous, jumping = enumerated(target, interval, pieces, cells)
        # the residuals of lstsq are known to some 1e-13, as are sums of cells here
        assert found[pieces - 1].error == pytest.approx(continuous, rel=1e-11)
        assert best_discontinuous(target, interval, pieces, cells).error == pytest.approx(jumping, rel=1e-11)


def test_square_has_the_closed_error_where_the_grid_has_the_knots():
    for pieces, spline in enumerate(best_splines(SQUARE, (0, 1), 6, 60), 1):
        assert spline.error == pytest.approx(
            quadratic_spline_error(pieces), rel=1e-11
        )  # a sum of squares: small errors keep digits
        assert spline.knots == pytest.approx(np.arange(pieces + 1) / pieces, abs=1e-15)
        assert spline.values == pytest.approx(spline.knots**2 - 1 / (6 * pieces**2), abs=1e-15)
        assert best_discontinuous(SQUARE, (0, 1), pieces, 60).error == pytest.approx(quadratic_spline_error(pieces), rel=1e-11)


def test_sines_have_the_errors_of_the_text():
    assert best_spline(ONE, (0, 1), 3, 100).error == pytest.approx(5.3289e-3, abs=5e-8)
    found = best_splines(TWO, (0, 1), 21, 80)
    for pieces, error, digit in [
        (5, 6.552e-3, 1e-6),
        (9, 9.37e-4, 1e-6),
        (13, 2.92e-4, 1e-6),
        (17, 1.155e-4, 1e-7),
        (20, 6.28e-5, 1e-7),
    ]:
        assert found[pieces - 1].error == pytest.approx(error, abs=digit / 2)
    assert found[20].error == pytest.approx(4.52e-5, abs=5e-8)


def test_errors_fall_with_pieces_and_stay_above_the_bounds():
    target = sum_of_sines(7)
    found = best_splines(target, (-1, 2), 12, 24)
    errors = [spline.error for spline in found]
    assert errors == sorted(errors, reverse=True)
    for pieces, error in enumerate(errors, 1):
        jumping = best_discontinuous(target, (-1, 2), pieces, 24)
        assert lower_bound(target, (-1, 2), pieces, 24) <= jumping.error <= error
        assert best_spline(target, (-1, 2), pieces, 24).error == error
    x, w = quadrature((-1, 2), 24)
    assert np.sum(w * (found[7](x) - target(x)) ** 2) == pytest.approx(errors[7], rel=1e-12)
    assert found[7].error <= min(
        np.sum(w * (np.interp(x, found[7].knots, found[7].values + 1e-3 * e) - target(x)) ** 2) for e in [*np.eye(9), *-np.eye(9)]
    )


def test_segments_are_the_lines_that_they_say():
    target = sum_of_sines(3)
    found = best_discontinuous(target, (0, 2), 4, 12)
    x, w = quadrature((0, 2), 12)
    piece = np.searchsorted(found.knots, x) - 1
    start, (left, right) = found.knots[piece], found.lines[piece].T
    line = left + (right - left) * (x - start) / np.diff(found.knots)[piece]
    assert np.sum(w * (line - target(x)) ** 2) == pytest.approx(found.error, rel=1e-11)


@pytest.mark.parametrize("scale", [1.0, 1e100, 1e-140])
def test_a_piecewise_linear_target_is_met_with_its_own_pieces(scale):
    found = best_splines(lambda x: scale * (np.abs(x - 0.3) + 2 * np.abs(x - 0.7)), (0, 1), 10, 10)
    assert [len(spline.knots) - 1 for spline in found] == [1, 2] + [3] * 8
    assert found[-1].knots[1:3] == pytest.approx([0.3, 0.7], abs=1e-15)
    assert found[-1].error <= 1e-30 * scale**2
    assert len(best_spline(lambda x: 0 * x, (0, 1), 4, 10).knots) == 2
    assert best_spline(lambda x: 3.0, (0, 1), 4, 10).values == pytest.approx([3, 3], abs=1e-15)
    assert best_discontinuous(lambda x: 0.0, (0, 1), 4, 10).lines.tolist() == [[0, 0]]


def test_scale_and_offset_do_not_matter():
    f = sum_of_sines(11)
    plain = best_spline(f, (-1, 1), 5, 20)
    large, small = best_spline(lambda x: 2.0**300 * f(x), (-1, 1), 5, 20), best_spline(lambda x: 2.0**-450 * f(x), (-1, 1), 5, 20)
    assert np.array_equal(plain.knots, large.knots)
    assert np.array_equal(plain.knots, small.knots)
    assert large.error / 2.0**600 == pytest.approx(plain.error, rel=1e-14)
    shifted = best_spline(lambda x: f(x) + 1e3 - 50 * x, (-1, 1), 5, 20)
    assert np.array_equal(plain.knots, shifted.knots)
    assert shifted.error == pytest.approx(plain.error, rel=1e-9)  # f has lost three digits; its error, twice as many at most


def test_closed_moments_take_over_where_the_rule_misses_oscillations():
    fast = Sine(400.0, 0.3)
    x, w = quadrature((0, 1), 402)
    for pieces in (1, 3):
        inside = np.floor(x * pieces)[:, None] == np.arange(pieces)
        error = least_squares(fast, np.concatenate([inside, inside * x[:, None]], axis=1), x, w)
        assert best_discontinuous(fast, (0, 1), pieces, 3).error == pytest.approx(error, rel=1e-11)
    assert abs(best_discontinuous(lambda t: fast(t), (0, 1), 3, 3).error / error - 1) > 1e-3  # 20 nodes on 67 radians alone


# ---- bounds with knots anywhere
def test_the_grid_bounds_only_what_is_on_the_grid():
    """Two pieces and three cells: the best jumping function on the grid is above the best spline off it."""
    free = quadratic_spline_error(2)
    assert best_discontinuous(SQUARE, (0, 1), 2, 3).error > 2 * free
    assert lower_bound(SQUARE, (0, 1), 2, 3) < free


@pytest.mark.parametrize("pieces", [1, 2, 3, 5])
def test_nothing_goes_below_the_lower_bound(pieces):
    target, rng = sum_of_sines(5), np.random.default_rng(pieces)
    bound = lower_bound(target, (0, 1), pieces, 12)
    for _ in range(40):
        knots = np.concatenate([[0], np.sort(rng.uniform(size=pieces - 1)), [1]])
        assert bound <= np.sum(pieces_between(target, knots, np.linspace(0, 1, 13)).error)
    coarse, fine = sandwich(target, (0, 1), pieces, 10), sandwich(target, (0, 1), pieces, 40)
    assert coarse.lower * (1 - 1e-12) <= fine.lower <= fine.upper * (1 + 1e-12)
    assert fine.upper <= coarse.upper * (1 + 1e-9)


def test_the_sandwich_closes():
    lower, upper = sandwich(SQUARE, (0, 1), 2, 100)
    assert lower <= quadratic_spline_error(2) <= upper * (1 + 1e-12)
    assert upper == pytest.approx(quadratic_spline_error(2), rel=1e-12)
    assert lower == pytest.approx(upper, rel=5 * 2 / 400)  # one of 400 cells is lost at the knot, h⁵ for each piece


# ---- free knots
@pytest.mark.parametrize("subset", [None, (), (0, 2), (1,)])
def test_knot_gradient_against_differences(subset):
    target, grid = sum_of_sines(2), np.linspace(-1, 1, 17)
    knots = np.array([-1, -0.43, 0.11, 0.62, 1])
    turned = None if subset is None else turned_slopes(subset, 3)

    def error(t):
        return knot_gradient(t, pieces_between(target, t, grid), turned)

    gradient, values = error(knots)[1:]
    steps = 1e-5 * np.eye(5)[1:-1]
    differences = [(error(knots + e)[0] - error(knots - e)[0]) / 2e-5 for e in steps]
    assert gradient == pytest.approx(differences, abs=1e-8 * np.abs(gradient).max())  # step² and rounding / step
    if subset is not None:
        s = np.diff(values) / np.diff(knots)
        assert s[0] + np.sum(np.diff(s)[list(subset)]) == pytest.approx(0, abs=1e-14 * np.abs(s).max() * 10)


def test_values_under_a_constraint_are_the_best_ones():
    """Against lstsq over the null space of the constraint."""
    target, knots = sum_of_sines(9), np.array([0, 0.2, 0.5, 0.9, 1.0])
    x, w = quadrature((0, 1), 40)
    hats = np.stack([np.interp(x, knots, e) for e in np.eye(5)], axis=1)
    for subset in [(), (0,), (1, 2), (0, 1, 2)]:
        s = np.diff(np.eye(5), axis=0) / np.diff(knots)[:, None]  # slopes of the hats
        constraint = s[0] + sum(((s[j + 1] - s[j]) for j in subset), np.zeros(5))
        null = np.linalg.svd(constraint[None])[2][1:].T
        expected = least_squares(target, hats @ null, x, w)
        assert fit(target, knots, np.linspace(0, 1, 11), subset).error == pytest.approx(expected, rel=1e-10)


def test_polish_moves_knots_downhill_and_keeps_the_ends():
    rough = best_spline(ONE, (0, 1), 3, 20)
    smooth = polish(rough, ONE, (0, 1))
    assert smooth.error < rough.error
    assert smooth.error == pytest.approx(5.271863e-3, abs=5e-10)
    assert smooth.knots == pytest.approx([0, 0.26479, 0.73521, 1], abs=5e-6)
    assert polish(smooth, ONE, (0, 1)).error <= smooth.error
    line = best_spline(ONE, (0, 1), 1, 1)
    assert polish(line, ONE, (0, 1)).error == pytest.approx(line.error, rel=1e-13)
    kinked = polish(best_spline(lambda x: np.abs(x - 0.5), (0, 1), 2, 10), lambda x: np.abs(x - 0.5), (0, 1))
    assert kinked.error < 1e-29


def test_polish_keeps_the_class():
    low, high = -1.0, 1.0
    knots = np.array([low, -0.3, 0.4, high])
    constrained = polish(fit(SQUARE, knots, np.linspace(low, high, 9), (0,)), SQUARE, (low, high))
    assert constrained.error == pytest.approx(quadratic_feedforward_error(2, (low, high)), rel=1e-9)
    assert constrained.subset == (0,)
    affine = best_feedforward(CUBE, (low, high), 3, restarts=1)  # two knots, and an affine neuron: S is empty, and no constraint
    assert affine.subset == ()
    assert polish(affine, CUBE, (low, high)).error == pytest.approx(affine.error, rel=1e-9)


TABLE = [  # target, interval, n, feedforward error and its knots, residual error
    (SQUARE, (0, 1), 1, 1.097394e-03, [1 / 3], 3.472222e-04),
    (SQUARE, (0, 1), 2, 1.422222e-04, [1 / 5, 3 / 5], 6.858711e-05),
    (SQUARE, (0, 1), 3, 3.702161e-05, [1 / 7, 3 / 7, 5 / 7], 2.170139e-05),
    (SQUARE, (-1, 1), 1, 1.126356e-01, [-0.53518], 1.111111e-02),
    (SQUARE, (-1, 1), 2, 2.194787e-03, [-1 / 3, 1 / 3], 2.194787e-03),
    (SQUARE, (-1, 1), 3, 1.293236e-03, [-0.61435, -0.22871, 0.32252], 6.944444e-04),
    (CUBE, (-1, 1), 1, 4.571429e-02, [], 3.071429e-02),
    (CUBE, (-1, 1), 2, 3.701326e-03, [-0.46134, 0.46134], 1.794940e-03),
    (CUBE, (-1, 1), 3, 1.794940e-03, [(3 - 17**0.5) / 2, (17**0.5 - 3) / 2], 1.118516e-03),
    (ONE, (0, 1), 1, 1.595351e-01, [0.26046], 1.379318e-01),
    (ONE, (0, 1), 2, 3.345817e-02, [0.27177, 0.63459], 5.271863e-03),
    (ONE, (0, 1), 3, 3.274293e-03, [0.1797, 0.31757, 0.72901], 3.272519e-03),
    pytest.param(ONE, (0, 1), 4, 8.266471e-04, [0.18791, 0.33652, 0.66624, 0.81447], 8.228204e-04, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("target", "interval", "width", "feedforward", "knots", "residual"), TABLE)
def test_classes_have_the_optima_of_the_table(target, interval, width, feedforward, knots, residual):
    low, high = interval
    free = best_residual(target, interval, width)
    assert free.error == pytest.approx(residual, rel=5e-7)  # the digits printed
    found = best_feedforward(target, interval, width, restarts=1)
    assert found.error == pytest.approx(feedforward, rel=5e-7)
    inner = found.knots[1:-1]
    mirrored = [np.sort(low + high - inner)] if target is ONE or low < 0 else []
    assert any(len(way) == len(knots) and np.allclose(way, knots, rtol=0, atol=6e-6) for way in [inner, *mirrored])
    net = spline_network(found, left=found.subset)
    assert len(net.b) == width
    assert exact_risk(net, target, interval)[0] == pytest.approx(found.error, rel=1e-9)
    assert lower_bound(target, interval, width + 1, 64) <= free.error <= found.error * (1 + 1e-12)


@pytest.mark.parametrize("seed", [0, 1])
def test_search_of_subsets_is_as_good_as_enumeration(seed):
    target, grid = sum_of_sines(seed), np.linspace(-1, 1, 13)
    splines = [
        fit(target, np.array([-1, *inner, 1]), grid, subset)
        for inner in combinations(grid[1:-1], 2)
        for subset in [(), (0,), (1,), (0, 1)]
    ]
    found = best_feedforward(target, (-1, 1), 2)
    assert found.error <= min(
        polish(spline, target, (-1, 1)).error for spline in sorted(splines, key=lambda spline: spline.error)[:3]
    ) * (1 + 1e-9)
    s = np.diff(found.values) / np.diff(found.knots)
    assert feedforward_possible(s[0], np.diff(s)) or len(found.knots) == 3


def test_no_neuron_leaves_a_constant():
    assert best_feedforward(SQUARE, (0, 1), 0).error == pytest.approx(1 / 5 - 1 / 9, rel=1e-12)  # variance of x²
    assert best_residual(SQUARE, (0, 1), 0).error == pytest.approx(1 / 180, rel=1e-12)
    assert len(spline_network(best_feedforward(SQUARE, (0, 1), 0), left=()).b) == 0


def test_the_same_call_finds_the_same_spline():
    first, second = (best_feedforward(ONE, (0, 1), 2, restarts=1) for _ in range(2))
    assert np.array_equal(first.knots, second.knots)
    other = best_feedforward(ONE, (0, 1), 2, rng=np.random.default_rng(5), restarts=1)
    assert other.error == pytest.approx(first.error, rel=1e-9)


# ---- x²
def test_closed_forms_of_the_square():
    assert quadratic_spline_error(3, 2.0) == pytest.approx(2**5 / (180 * 81), rel=1e-15)
    for interval, width, subset in [
        ((0, 1), 3, ()),
        ((0, 2.5), 4, ()),
        ((-1, 1), 4, (0, 1)),
        ((-3, 3), 2, (0,)),
        ((-2, 0), 2, (0, 1)),
    ]:
        knots = np.concatenate([interval[:1], quadratic_feedforward_knots(width, interval), interval[1:]])
        error = fit(SQUARE, knots, np.linspace(*interval, 9), subset).error
        assert error == pytest.approx(quadratic_feedforward_error(width, interval), rel=1e-12)
        moved = knots + 1e-3 * np.append(0, np.append(np.random.default_rng(0).normal(size=width), 0))
        assert fit(SQUARE, moved, np.linspace(*interval, 9), subset).error > error
    assert quadratic_feedforward_knots(0).shape == (0,)


# ---- splines and networks
def test_a_spline_becomes_a_network():
    rng = np.random.default_rng(4)
    knots = np.sort(rng.normal(size=6))
    spline = Spline(0.0, knots, rng.normal(size=6))
    x = np.linspace(knots[0], knots[-1], 101)
    residual = spline_network(spline)
    assert residual.W.shape == (4, 1)
    assert residual.a.shape == (1,)
    for left in [None, (), (0, 3), [2], (0, 1, 2, 3)]:
        net = spline_network(spline, left)
        assert len(net.b) == (4 if left is None else 5)
        assert -net.b[:4] / net.W[:4, 0] == pytest.approx(knots[1:-1], rel=1e-15)
        assert np.flatnonzero(net.W[:4, 0] < 0).tolist() == list(left or ())
        size = np.abs(net.v).sum() * np.ptp(knots)
        assert response(net, x) == pytest.approx(spline(x), abs=1e-14 * size)
    assert len(spline_network(Spline(0.0, np.array([0.0, 1]), np.array([2.0, 2])), left=()).b) == 0


def test_which_splines_are_feedforward():
    assert left_neurons(0.0, [1.0, 2.0]) == ()
    assert left_neurons(-3.0, [1.0, 2.0, 3.0, 5.0]) == (2,)
    assert left_neurons(-3.0, [1.0, 2.0, 4.0]) == (0, 1)
    assert left_neurons(1.0, [1.0, 2.0]) is None
    assert feedforward_possible(-0.3, [0.1, 0.2])  # 0.1 + 0.2 is not 0.3 in floating point
    assert not feedforward_possible(2.0, [])
    assert feedforward_possible(0.0, [])
    rng = np.random.default_rng(0)
    for _ in range(50):
        kinks = rng.normal(size=5)
        subset = tuple(np.flatnonzero(rng.integers(0, 2, size=5)).tolist())
        assert left_neurons(-np.sum(kinks[list(subset)]), kinks) == subset
        assert not feedforward_possible(-np.sum(kinks[list(subset)]) + 1e-3, kinks)


# ---- contracts
def test_targets_are_asked_at_points_inside_and_nothing_given_changes():
    seen = []
    interval = np.array([-1.0, 2.0])
    interval.flags.writeable = False

    def target(x):
        seen.append(x.copy())
        x[:] = 0  # what a target does with its argument is its own affair
        return seen[-1] ** 2

    spline = best_spline(target, interval, 3, 6)
    assert all(x.ndim == 1 and x.dtype == np.float64 and x.min() > -1 and x.max() < 2 for x in seen)
    assert spline.error == pytest.approx(best_spline(SQUARE, interval, 3, 6).error, rel=1e-12)
    knots = spline.knots.copy()
    polish(spline, SQUARE, interval)
    assert np.array_equal(spline.knots, knots)


def test_float32_and_integers_are_taken():
    single = best_spline(lambda x: (x * x).astype(np.float32), np.array([0, 1], np.float32), 2, 4)
    assert single.error == pytest.approx(quadratic_spline_error(2), rel=1e-4)  # values at 6e-8, of an error whose root is 2e-2
    assert single.values.dtype == np.float64
    assert best_spline(lambda x: (x > 0.5).astype(int), [0, 1], 2, 4).error > 0.01


@pytest.mark.parametrize("door", [best_spline, best_splines, best_discontinuous, lower_bound, sandwich])
@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"interval": (1, 0)}, ValueError, "interval: expected low < high, got 1.0 and 0.0"),
        ({"interval": (1, 1)}, ValueError, "interval: expected low < high"),
        ({"interval": (0, np.inf)}, ValueError, "interval: expected finite"),
        ({"interval": (0, 1, 2)}, ValueError, r"interval: expected shape \(2,\)"),
        ({"interval": "01"}, TypeError, "interval: expected float"),
        ({"interval": (1, np.nextafter(1, 2))}, ValueError, "cells: expected no more than floating point can tell apart"),
        ({"pieces": 0}, ValueError, "pieces: expected a whole number >= 1, got 0"),
        ({"pieces": 6}, ValueError, "pieces: expected at most one for each of the 5 cells, got 6"),
        ({"pieces": 2.0}, TypeError, "pieces: expected a whole number"),
        ({"cells": 0}, ValueError, "cells: expected a whole number >= 1, got 0"),
        ({"cells": True}, TypeError, "cells: expected a whole number"),
        ({"target": 3.0}, TypeError, "target: expected a function of x, got float"),
        ({"target": lambda x: x * np.nan}, ValueError, r"target\(x\): expected finite numbers, got nan"),
        ({"target": lambda x: np.nan}, ValueError, r"target\(x\): expected finite numbers, got nan"),
        ({"target": lambda x: x[:-1]}, ValueError, r"target\(x\): expected shape \(100,\), got \(99,\)"),
        ({"target": lambda x: x[:, None]}, ValueError, r"target\(x\): expected shape \(100,\), got \(100, 1\)"),
        ({"target": lambda x: x + 0j}, TypeError, r"target\(x\): expected float"),
        ({"target": lambda x: None}, TypeError, r"target\(x\): expected float"),
        ({"target": lambda x: 1e200 * x}, OverflowError, r"target\(x\): expected values below 1e150"),
    ],
)
def test_bad_input_is_named(door, change, error, message):
    with pytest.raises(error, match=message):
        door(**{"target": np.sin, "interval": (0, 1), "pieces": 2, "cells": 5, **change})


LINE, BENT = Spline(0.0, np.array([0.0, 1]), np.zeros(2)), Spline(0.0, np.arange(3.0), np.zeros(3))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: best_residual(np.sin, (0, 1), -1), ValueError, "width: expected a whole number >= 0, got -1"),
        (lambda: best_residual(np.sin, (0, 1), 5, 5), ValueError, "cells: expected more than the width, 5, got 5"),
        (lambda: best_feedforward(np.sin, (0, 1), 11), ValueError, "width: expected at most 10"),
        (lambda: best_feedforward(np.sin, (0, 1), 1, rng=0), TypeError, "rng: expected a numpy.random.Generator, got int"),  # type: ignore[arg-type]
        (lambda: best_feedforward(np.sin, (0, 1), 1, restarts=0), ValueError, "restarts: expected a whole number >= 1"),
        (lambda: best_feedforward(np.sin, (2, 1), 1), ValueError, "interval: expected low < high"),
        (lambda: polish(LINE, np.sin, (0, 2)), ValueError, "spline.knots: expected to go from 0.0 to 2.0"),
        (lambda: polish(LINE._replace(knots=np.zeros(2)), np.sin, (0, 1)), ValueError, "spline.knots: expected at least two, incr"),
        (lambda: polish(LINE, np.sin, (0, 1), cells=0), ValueError, "cells: expected a whole number >= 1"),
        (
            lambda: polish(BENT._replace(subset=(1,)), np.sin, (0, 2)),
            ValueError,
            "spline.subset: expected distinct indices of the 1",
        ),
        (lambda: polish(tuple(BENT), np.sin, (0, 2)), TypeError, "spline: expected a Spline, got tuple"),  # type: ignore[arg-type]
        (lambda: spline_network(LINE._replace(knots=np.zeros(1))), ValueError, "spline.knots: expected at least two"),
        (lambda: spline_network(LINE._replace(values=np.zeros(3))), ValueError, "spline.values: expected shape"),
        (lambda: spline_network(BENT, left=(1,)), ValueError, "left: expected distinct indices"),
        (lambda: spline_network(BENT, left=(0, 0)), ValueError, "left: expected distinct indices"),
        (lambda: spline_network(BENT, left=(-1,)), ValueError, "left: expected a whole number >= 0"),
        (lambda: left_neurons(np.nan, [1.0]), ValueError, "initial_slope: expected finite"),
        (lambda: feedforward_possible(0.0, [np.inf]), ValueError, "kinks: expected finite"),
        (lambda: feedforward_possible(0.0, np.ones(21)), ValueError, "kinks: expected at most 20"),
        (lambda: quadratic_spline_error(0), ValueError, "pieces: expected a whole number >= 1"),
        (lambda: quadratic_spline_error(1, -1.0), ValueError, "length: expected a finite number > 0, got -1.0"),
        (lambda: quadratic_feedforward_error(3, (-1, 1)), ValueError, r"interval: expected \[0, A\] or \[-A, 0\], or \[-A, A\]"),
        (lambda: quadratic_feedforward_error(2, (-1, 2)), ValueError, "interval: expected"),
        (lambda: quadratic_feedforward_knots(-1), ValueError, "width: expected a whole number >= 0"),
    ],
)
def test_bad_input_of_free_knots_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
