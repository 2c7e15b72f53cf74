"""What no claim states of responses, ramps, laws and exact integration: values worked out beforehand, forms, and bad input."""

import math
from typing import Any

import numpy as np
import pytest
from scipy.integrate import dblquad, quad

from refimpl.gradcheck import check_gradient
from refimpl.nn import Dense, Shallow, mlp, network_forward
from refimpl.papers.relu_existence import (
    Exponential,
    Polynomial,
    Sine,
    balanced,
    cells,
    clip,
    dimension,
    distance_law,
    exact_risk,
    generalized,
    generalized_response,
    generalized_risk,
    interval_nodes,
    loss_law,
    multiplicity,
    polygon_nodes,
    ramp,
    response,
    risk_law,
    shape_law,
    simplify,
    target_jumps,
    touching_law,
)
from refimpl.params import ravel

SQUARE = np.array([[-1.0, -1], [1, -1], [1, 1], [-1, 1]])
STEP = generalized([-0.5], -0.3, [[1.0]], [-0.2], [[0.6]], [0.8])  # the example worked out: f = sin, h = 1 + cos(x)/2


def waves(x):
    return 1 + 0.5 * np.cos(x)


# ---- responses
def test_every_form_has_the_same_response_and_a_gradient_of_its_own_form():
    layers, dense = mlp([2, 5, 1], "relu", np.random.default_rng(0))
    W, b, v, c = dense[0].W, np.random.default_rng(1).normal(size=5), dense[2].W[0], np.array(0.3)
    dense = (Dense(W, b), (), Dense(v[None], np.array([0.3])))
    x = np.random.default_rng(2).uniform(-1, 1, (30, 2))
    expected = network_forward(layers, dense, x)[0][:, 0]
    target = lambda x: x[:, 0] * x[:, 1]  # noqa: E731
    values = []
    for params in (dense, Shallow(W, b, v, c), (W, b, v, c), [W, b, v, c], Shallow(W, b, v, c, np.zeros(2))):
        assert np.abs(response(params, x) - expected).max() < 1e-14
        assert np.abs(response(balanced(params), x) - expected).max() < 1e-14
        value, gradient = exact_risk(params, target, SQUARE)
        values.append(value)
        assert type(gradient) is type(params)
        assert [np.shape(a) for a in ravel(gradient)[1].shapes] == [np.shape(a) for a in ravel(params)[1].shapes]
    assert np.ptp(values) < 1e-15


def test_one_input_may_be_a_vector_of_numbers():
    params = ([[1.0], [-2.0]], [0.0, 1.0], [1.0, 0.5], 0.25, [3.0])
    assert response(params, [0.0, 1.0]).tolist() == response(params, [[0.0], [1.0]]).tolist() == [0.75, 4.25]


def test_balancing_ends_neurons_that_do_nothing():
    found = balanced(([[2.0], [0.0], [1.0]], [0.0, 0.0, 1.0], [8.0, 1.0, 0.0], 1.0))
    assert [a.tolist() for a in map(np.asarray, found)] == [[[4.0], [0.0], [0.0]], [0.0, 0.0, 0.0], [4.0, 0.0, 0.0], 1.0]


# ---- integration
def test_the_risk_is_that_of_adaptive_quadrature():
    rng = np.random.default_rng(3)
    params = Shallow(rng.normal(size=(6, 1)), rng.normal(size=6), rng.normal(size=6), 0.1, np.array([0.3]))
    breaks = sorted(t for t in -params.b / params.W[:, 0] if -1 < t < 2)
    for target in (Sine(3.0, 0.2), Exponential(0.7), Polynomial((1.0, -2.0, 0.0, 3.0))):
        plain = lambda x, f=target: (response(params, [x])[0] - f(x)) ** 2  # noqa: E731
        expected = quad(plain, -1, 2, points=breaks, epsabs=1e-13, epsrel=1e-13, limit=200)[0]
        value, gradient = exact_risk(params, target, (-1, 2))
        assert value == pytest.approx(expected, rel=1e-12)
        closed, other = exact_risk(params, target, (-1, 2), closed=True)
        assert closed == pytest.approx(expected, rel=1e-12)
        assert np.abs(ravel(gradient)[0] - ravel(other)[0]).max() < 1e-11
        weighed = quad(lambda x, f=plain: f(x) * waves(x), -1, 2, points=breaks, epsabs=1e-13, epsrel=1e-13, limit=200)[0]
        assert exact_risk(params, target, (-1, 2), waves)[0] == pytest.approx(weighed, rel=1e-12)


def test_breaks_of_the_target_are_cut():
    params = ([[1.0]], [0.3], [1.0], 0.0)
    step = lambda x: (x > 0.1234).astype(float)  # noqa: E731
    expected = quad(lambda x: (max(x + 0.3, 0) - (x > 0.1234)) ** 2, -1, 1, points=[-0.3, 0.1234], epsabs=1e-14)[0]
    assert exact_risk(params, step, (-1, 1), breaks=[0.1234])[0] == pytest.approx(expected, rel=1e-13)
    assert abs(exact_risk(params, step, (-1, 1))[0] - expected) > 1e-6
    corner = lambda x: np.abs(x[:, 0] + x[:, 1] - 0.2)  # noqa: E731
    plane = Shallow(np.zeros((0, 2)), np.zeros(0), np.zeros(0), 0.5)
    found = exact_risk(plane, corner, SQUARE, breaks=[[1.0, 1.0, -0.2]])[0]
    below = dblquad(lambda y, x: (0.5 - (0.2 - x - y)) ** 2, -0.8, 1, -1, lambda x: 0.2 - x, epsabs=1e-12)[0]
    below += dblquad(lambda y, x: (0.5 - (0.2 - x - y)) ** 2, -1, -0.8, -1, 1, epsabs=1e-12)[0]
    above = dblquad(lambda y, x: (0.5 - (x + y - 0.2)) ** 2, -0.8, 1, lambda x: 0.2 - x, 1, epsabs=1e-12)[0]
    assert found == pytest.approx(below + above, rel=1e-10)


@pytest.mark.parametrize("domain", [(-1, 1), SQUARE, SQUARE[::-1], SQUARE[:3]], ids=["interval", "square", "clockwise", "triangle"])
def test_the_gradient_is_that_of_the_risk(domain):
    rng = np.random.default_rng(4)
    m = 1 if isinstance(domain, tuple) else 2
    theta, unravel = ravel(Shallow(rng.normal(size=(4, m)), rng.normal(size=4) / 2, rng.normal(size=4), 0.2, rng.normal(size=m)))
    f = np.sin if m == 1 else (lambda x: np.sin(x[:, 0] - x[:, 1]))

    def objective(theta):
        value, gradient = exact_risk(unravel(theta), f, domain)
        return value, unravel.flat(gradient)

    assert check_gradient(objective, theta).ok


def test_a_constant_neuron_and_a_break_on_a_cut_are_no_trouble():
    params = ([[0.0], [1.0], [1.0]], [2.0, -0.5, 1.0], [1.0, 1.0, 1.0], 0.0)  # w = 0; two breaks at a cut and at the border
    found = exact_risk(params, Polynomial((0.0,)), (-1, 1), breaks=[0.5])[0]
    expected = quad(lambda x: (2 + max(x - 0.5, 0) + max(x + 1, 0)) ** 2, -1, 1, points=[0.5], epsabs=1e-13)[0]
    assert found == pytest.approx(expected, rel=1e-13)


def test_clipping_keeps_the_area_and_drops_what_only_touches():
    plus, minus = clip(SQUARE, [1.0, 2.0], 0.3)
    area = [polygon_nodes(part, 2)[1].sum() for part in (plus, minus)]
    assert sum(area) == pytest.approx(4, rel=1e-15)
    assert (plus @ [1.0, 2.0] + 0.3 > -1e-15).all()
    for beta, sizes in ((1.0, (4, 0)), (-1.0, (0, 4))):  # the line x = ∓1 runs along an edge
        assert tuple(len(part) for part in clip(SQUARE, [1.0, 0.0], beta)) == sizes
    found = cells(SQUARE, [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, 0.0]], [0.0, 0.0, 0.0, 0.0])
    assert len(found) == 6  # three lines through one point, one of them twice
    assert sum(polygon_nodes(cell, 1)[1].sum() for cell in found) == pytest.approx(4, rel=1e-15)


def test_nodes_are_exact_to_their_degree():
    x, w = interval_nodes([0.0, 0.3, 1.0], 3)
    assert np.sum(w * x**5) == pytest.approx(1 / 6, rel=1e-14)
    p, w = polygon_nodes(SQUARE[:3], 4)  # of the triangle x >= y: ∫ x⁴ y² = 1/15, half of the square's
    assert np.sum(w * p[:, 0] ** 4 * p[:, 1] ** 2) == pytest.approx(0.5 * 2 / 5 * 2 / 3, rel=1e-14)


# ---- generalized responses
def test_multiplicity_dimension_and_what_the_domain_cannot_see():
    G = generalized([0.0], 0.0, [[2.0], [1.0], [-1.0]], [0.0, -0.5, -3.0], [[3.0], [1.0], [1.0]], [0.0, 2.0, 5.0])
    assert multiplicity(G).tolist() == [1, 2, 2]
    assert dimension(G) == 5  # the affine part is 0: no set of neurons needs to be turned
    tilted = G._replace(a=np.array([-4.0]))
    assert dimension(tilted) == 5  # turning the kink and the second jump round makes it
    assert dimension(G._replace(a=np.array([7.0]))) == 6
    seen = simplify(tilted, (-1, 1))
    assert seen.u.tolist() == [[1.0], [1.0]]
    x = np.linspace(-0.99, 0.99, 80)
    assert np.abs(generalized_response(seen, x) - generalized_response(tilted, x)).max() < 1e-15
    everywhere = simplify(generalized([1.0], 0.0, [[1.0]], [2.0], [[1.0]], [3.0]), (-2, 1))
    assert (everywhere.a.tolist(), float(everywhere.c), len(everywhere.u)) == ([2.0], 3.0, 0)  # the plane touches the border
    assert len(simplify(generalized([0, 0], 0, [[3.0, 4.0]], [5.0], [[1.0, 0]], [0.0]), 1.0).u) == 0
    assert len(simplify(generalized([0, 0], 0, [[3.0, 4.0]], [-4.9], [[1.0, 0]], [0.0]), 1.0).u) == 1
    assert len(simplify(generalized([0, 0], 0, [[3.0, 4.0]], [5.0], [[1.0, 0]], [0.0]), SQUARE).u) == 1


def test_a_ramp_is_the_network_of_its_formula():
    G = generalized([0.3, 0.0], 0.1, [[3.0, 4.0], [0.0, 1.0]], [1.0, 0.2], [[0.5, -1.0], [0.0, 2.0]], [0.7, 0.4])
    x = np.random.default_rng(5).uniform(-1, 1, (200, 2))
    T = 50.0
    for q in (None, 0.4):
        l, g = x @ [0.6, 0.8] + 0.2, x @ [0.5, -1.0] + 0.7
        at = g / 2 if q is None else q
        expected = (
            0.1
            + 0.3 * x[:, 0]
            + T * np.maximum(l + at / T, 0)
            - T * np.maximum(l + (at - g) / T, 0)
            + 2 * np.maximum(x[:, 1] + 0.2, 0)
        )
        assert np.abs(response(ramp(G, T, q), x) - expected).max() < 1e-13


# ---- the laws
def test_the_laws_in_the_example_worked_out():
    D, T = (-1, 1), 1e4
    law = risk_law(STEP, T, np.sin, D, waves)
    assert law == pytest.approx((-0.1933785, -0.1933646), abs=6e-8)
    for q, predicted, measured in (
        (0, -0.0184937, -0.0184605),
        (0.5, -0.2085859, -0.2085764),
        (-1, 0.3616906, 0.3620306),
        (2, -0.7788624, -0.7784055),
    ):
        assert risk_law(STEP, T, np.sin, D, waves, q=q) == pytest.approx((predicted, measured), abs=6e-8)
    losses = (
        (lambda r: r**4, -0.0714137, -0.0714004),
        (lambda r: np.abs(r) ** 1.5, -0.2421752, -0.2421616),
        (lambda r: np.log(np.cosh(r)), -0.0912653, -0.0912594),
    )
    for loss, predicted, measured in losses:
        law = loss_law(STEP, T, np.sin, D, loss, waves)
        assert law.predicted == pytest.approx(predicted, abs=6e-8)
        assert law.measured == pytest.approx(measured, abs=4e-6)  # the kink of |r|^1.5 lies within a piece
    assert shape_law(STEP, np.sin, D, waves) == pytest.approx((0.3801843310, 0.3801843310), abs=1e-7)
    for p, value in ((1, 0.3152910), (2, 0.0966893), (3, 0.0333578), (4, 0.0122757)):
        assert distance_law(STEP, T, D, p, waves) == pytest.approx((value, value), abs=6e-8)
    assert touching_law(STEP, T, np.sin, 0.5) == pytest.approx((-(0.92**4) / 32,) * 2, rel=2e-4)


def test_measured_is_the_difference_of_two_exact_risks():
    G = generalized([0.2, -0.3], 0.1, [[1.0, 2.0]], [0.1], [[0.5, 0.2]], [0.8])
    f, h, T = (lambda x: np.sin(x[:, 0])), (lambda x: 1 + 0.3 * x[:, 0] * x[:, 1]), 40.0
    change = exact_risk(ramp(G, T), f, SQUARE, h)[0] - generalized_risk(G, f, SQUARE, h)
    assert risk_law(G, T, f, SQUARE, h).measured == pytest.approx(T * change, rel=1e-9)
    moved = [generalized_risk(G._replace(beta=G.beta - t), f, SQUARE, h) for t in (-1e-4, 1e-4)]
    assert shape_law(G, f, SQUARE, h).measured == pytest.approx((moved[1] - moved[0]) / 2e-4, rel=1e-8)


def test_a_jump_outside_the_domain_costs_nothing():
    for G, domain in (
        (STEP._replace(beta=np.array([-5.0])), (-1, 1)),
        (generalized([0, 0], 0, [[1.0, 0]], [-5.0], [[0, 0]], [1.0]), SQUARE),
        (generalized([0, 0], 0, [[1.0, 0]], [5.0], [[0, 0]], [1.0]), SQUARE),
    ):
        f = np.sin if len(G.a) == 1 else (lambda x: x[:, 0])
        assert risk_law(G, 100.0, f, domain) == (0, 0)


# ---- bad input
ONE = ([[1.0]], [0.0], [1.0], 0.0)
DENSE = Dense(np.ones((1, 1)), np.ones(1))
KINK = generalized([0.0], 0, [[1.0]], [0.0], [[1.0]], [0.0])
MANY = generalized([0.0], 0, np.ones((17, 1)), np.arange(17.0), np.zeros((17, 1)), np.ones(17))
BAD_RISK = [
    ((ONE, np.sin, (1, -1)), {}, r"domain: expected low < high, got \(1.0, -1.0\)"),
    ((ONE, np.sin, (0, np.inf)), {}, "domain: expected finite numbers, got inf"),
    ((ONE, np.sin, (0, 1, 2)), {}, "domain: expected .low, high., or corners"),
    ((ONE, np.sin, SQUARE), {}, "domain: expected one of 1 inputs, as params have, got one of 2"),
    ((ONE, np.sin, SQUARE[[0, 2, 1, 3]]), {}, "domain: expected the corners of a convex polygon"),
    ((ONE, np.sin, SQUARE[[0, 1, 0]]), {}, "domain: expected the corners of a convex polygon"),
    ((ONE, lambda x: x[:-1], (0, 1)), {}, "target: expected real numbers of shape"),
    ((ONE, math.exp, (0, 1)), {}, r"target: expected a function of arrays, \(n,\) of one input"),
    ((ONE, lambda x: x * np.nan, (0, 1)), {}, r"target\(x\): expected finite numbers, got nan"),
    ((ONE, lambda x: x * 1j, (0, 1)), {}, "target: expected real numbers of shape"),
    ((ONE, np.sin, (0, 1)), dict(density=lambda x: x - 0.5), "density: expected numbers >= 0, got -0.4"),
    ((ONE, np.sin, (0, 1)), dict(density=lambda x: np.full(len(x), np.inf)), r"density\(x\): expected finite numbers, got inf"),
    ((ONE, np.sin, (0, 1)), dict(breaks=[[1.0, 2.0]]), r"breaks: expected points \(k,\), got shape \(1, 2\)"),
    ((([[1.0, 1.0]], [0.0], [1.0], 0.0), lambda x: x[:, 0], SQUARE), dict(breaks=[1.0]), r"breaks: expected lines \(k, 3\)"),
    ((ONE, np.sin, (0, 1)), dict(nodes=0), "nodes: expected a whole number >= 1, got 0"),
    ((ONE, np.sin, (0, 1)), dict(closed=True), "closed: expected a target with .moments"),
    ((([[np.nan]], [0.0], [1.0], 0.0), np.sin, (0, 1)), {}, r"params\[0\]: expected finite numbers, got nan"),
    ((([[1.0]], [0.0, 1.0], [1.0], 0.0), np.sin, (0, 1)), {}, r"params\[1\]: expected shape \(1,\), got \(2,\)"),
    (((np.zeros((1, 0)), [0.0], [1.0], 0.0), np.sin, (0, 1)), {}, r"params\[0\]: expected at least one input"),
    ((3, np.sin, (0, 1)), {}, "params: expected Shallow, .* got int"),
    (((DENSE, np.array(0.1), DENSE), np.sin, (0, 1)), {}, r"params\[1\]: expected \(\)"),
    ((([[1.0, 0, 0]], [0.0], [1.0], 0.0), np.sin, (0, 1)), {}, "params: expected 1 or 2 inputs, got 3"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "options", "message"), BAD_RISK)
def test_a_risk_that_cannot_be_is_refused_by_name(arguments, options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        exact_risk(*arguments, **options)


NOT_ONE: Any = (1, 2)
BAD = [
    (lambda: generalized([0.0], 0, [[0.0]], [0.0], [[1.0]], [0.0]), "u: expected rows that are not zero, got row 0"),
    (lambda: generalized([0.0], 0, [[1.0, 2.0]], [0.0], [[1.0]], [0.0]), r"u: expected shape \(K, 1\), .*, got \(1, 2\)"),
    (lambda: generalized([0.0], 0, [[1.0], [-2.0]], [0.5, -1.0], [[1.0], [1.0]], [0.0, 0.0]), "got the same one in rows 0 and 1"),
    (lambda: generalized([0.0], 0, [[1.0]], [np.nan], [[1.0]], [0.0]), "beta: expected finite numbers, got nan"),
    (lambda: generalized_response(STEP, [[1.0, 2.0]]), r"x: expected shape \(n, 1\), got \(1, 2\)"),
    (lambda: generalized_response(NOT_ONE, [1.0]), "G: expected a Generalized"),
    (lambda: multiplicity(STEP._replace(u=np.array([[2.0]]))), "G.u: expected rows of unit length"),
    (lambda: ramp(STEP, 0), r"T: expected a number in \(0, 1e\+07\]"),
    (lambda: ramp(STEP, 2e7), "beyond which a ramp has too few digits, got 2e"),
    (lambda: ramp(STEP, 10.0, q=np.inf), "q: expected finite numbers, got inf"),
    (lambda: simplify(STEP, -1.0), "domain: expected a radius > 0"),
    (lambda: simplify(STEP, SQUARE), "domain: expected one of 1 inputs"),
    (lambda: dimension(MANY), "G: expected at most 16 planes"),
    (lambda: risk_law(KINK, 10.0, np.sin, (-1, 1)), "G: expected one plane with a jump"),
    (lambda: risk_law(STEP, 10.0, np.sin, SQUARE), "domain: expected one of 1 inputs"),
    (lambda: risk_law(STEP, 10.0, lambda x: x[:0], (-1, 1)), "target: expected finite numbers of shape"),
    (lambda: distance_law(STEP, 10.0, (-1, 1), p=0.5), "p: expected a number >= 1"),
    (lambda: touching_law(STEP, 1.0, np.sin, 0.5), "reach: expected more than the width of the ramp"),
    (lambda: touching_law(generalized([0, 0], 0, [[1.0, 0]], [0.0], [[0, 0]], [1.0]), 9.0, np.sin, 0.5), "G: expected one input"),
    (lambda: response(ONE, [[1.0, 2.0]]), r"x: expected shape \(n, 1\)"),
    (lambda: balanced((Dense(np.ones((1, 1)), np.ones(1)), (), 3)), "params: expected Shallow"),
    (lambda: clip(SQUARE, [np.nan, 1.0], 0.0), "u: expected finite numbers, got nan"),
    (lambda: clip(SQUARE, [1.0, 1.0], np.inf), "beta: expected finite numbers, got inf"),
    (lambda: clip(SQUARE[:2], [1.0, 1.0], 0.0), "polygon: expected at least three corners, got 2"),
    (lambda: cells(np.zeros((0, 2)), [[1.0, 1.0]], [0.0]), "polygon: expected at least three corners, got 0"),
    (lambda: cells(SQUARE, [[1.0, 1.0]], [0.0, 1.0]), r"beta: expected shape \(1,\), got \(2,\)"),
    (lambda: interval_nodes([1.0, 0.0]), "cuts: expected at least two numbers that do not descend"),
    (lambda: interval_nodes([1.0]), "cuts: expected at least two numbers that do not descend"),
    (lambda: shape_law(STEP, np.sin, (-1, 1), step=0.0), "step: expected a number > 0, got 0"),
    (lambda: touching_law(STEP, 0.0, np.sin, 0.5), r"T: expected a number in \(0, 1e\+07\]"),
    (lambda: exact_risk(ONE, NOT_ONE, (0, 1)), "target: expected a function of x, got tuple"),
    (lambda: risk_law(STEP, 10.0, NOT_ONE, (-1, 1)), "target: expected a function of x, got tuple"),
    (lambda: loss_law(STEP, 10.0, np.sin, (-1, 1), NOT_ONE), "loss: expected a function of residuals, got tuple"),
    (lambda: multiplicity(STEP, tol=-1.0), "tol: expected a number >= 0, got -1"),
    (lambda: dimension(STEP, tol=np.nan), "tol: expected finite numbers, got nan"),
    (lambda: generalized([0.0], 0, [[1e-150]], [1e200], [[1.0]], [0.0]), r"beta / \|u\|: expected finite numbers, got inf"),
    (lambda: multiplicity(STEP._replace(beta=np.zeros(3))), r"G.beta: expected shape \(1,\), got \(3,\)"),
    (lambda: multiplicity(STEP._replace(u=np.ones(1))), "G.a: expected shape"),
    (lambda: target_jumps(np.sin, [0.0], reach=0.0), "reach: expected a number > 0, got 0"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "message"), BAD)
def test_bad_input_is_refused_by_name(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call()


def test_a_skip_connection_needs_a_place_to_come_back_to():
    from refimpl.nn.shallow import shallow

    dense = (Dense(np.ones((1, 1)), np.ones(1)), (), Dense(np.ones((1, 1)), np.ones(1)))
    net, back = shallow(dense)
    with pytest.raises(ValueError, match="has no place for a skip connection"):
        back(net._replace(a=np.ones(1)))
    net, back = shallow(ONE)
    assert len(back(net._replace(a=np.ones(1)))) == 5


# ---- what a reading of the code against its statements found
@pytest.mark.parametrize("k", [0.0, 1e-12, 1e-8, 1e-5, 0.3, 7.0])
def test_closed_moments_keep_their_digits_when_the_rate_is_small(k):
    from mpmath import exp, mp, mpf, quad, sin

    mp.dps = 40
    for f, form in ((Exponential(k), lambda x: exp(mpf(k) * x)), (Sine(k, 0.7), lambda x: sin(mpf(k) * x + mpf(0.7)))):
        expected = [quad(g, [0.25, 0.5]) for g in (form, lambda x, f=form: x * f(x), lambda x, f=form: f(x) ** 2)]
        assert np.allclose(f.moments(0.25, 0.5), [float(y) for y in expected], rtol=4e-15, atol=0)  # some roundings of 1
        gauss = exact_risk(ONE, f, (0, 1))[0]
        assert exact_risk(ONE, f, (0, 1), closed=True)[0] == pytest.approx(gauss, abs=4e-15 * (1 + np.exp(2 * k)))


def test_responses_of_extreme_scale_are_balanced():
    for w, v in ((1e-170, 1e170), (1e160, 1e-160)):
        found = balanced(Shallow([[w]], [0.0], [v], 0.0))
        assert response(found, [1.0])[0] == pytest.approx(1.0, rel=1e-15)
        assert found.v[0] == pytest.approx(1.0, rel=1e-15)


def test_planes_of_extreme_scale_are_normalised_and_small_domains_are_seen():
    for scale in (1e-200, 1e200):
        assert generalized([0.0], 0, [[scale]], [0.0], [[0.0]], [1.0]).u.tolist() == [[1.0]]
    for size in (1e-15, 1.0, 1e12):
        assert len(simplify(STEP._replace(beta=np.zeros(1)), (-size, size)).u) == 1


def test_results_are_the_callers_own():
    net = Shallow(np.ones((1, 1)), np.zeros(1), np.ones(1), np.array(1.0), np.ones(1))
    for found, given in ((balanced(net), net), (ramp(STEP, 10.0), STEP)):
        assert not np.shares_memory(found.a, given.a)
        assert not np.shares_memory(found.c, given.c)


def test_a_target_that_jumps_is_told_of():
    with pytest.warns(RuntimeWarning, match=r"target: jumps at 0\.25; a best network may not exist"):
        found = target_jumps(lambda x: np.where(x > 0.25, 2.0, np.sin(x)), [0.0, 0.25])
    assert found == pytest.approx([0.0, 2 - np.sin(0.25)], abs=1e-8)
    assert np.abs(target_jumps(lambda x: np.abs(x - 0.25) * 1e6, [0.25])).max() < 1e-2  # a steep kink is none


def test_a_break_far_outside_is_none():
    assert exact_risk(([[1e-320]], [1.0], [1.0], 0.0), Polynomial((1.0,)), (0, 1))[0] < 1e-15


def test_a_network_without_neurons_is_a_constant():
    for m, domain in ((1, (0, 1)), (2, SQUARE)):
        empty = (np.zeros((0, m)), np.zeros(0), np.zeros(0), 0.5)
        assert response(empty, np.zeros((3, m))).tolist() == [0.5] * 3
        value, gradient = exact_risk(empty, lambda x: 0 * x if x.ndim == 1 else 0 * x[:, 0], domain)
        area = 1 if m == 1 else 4
        assert (value, float(gradient[3])) == pytest.approx((area / 4, area), rel=1e-14)
        assert balanced(empty)[0].shape == (0, m)
    line = generalized([2.0], 1.0, np.zeros((0, 1)), [], np.zeros((0, 1)), [])
    assert (dimension(line), multiplicity(line).tolist(), len(ramp(line, 9.0).v)) == (1, [], 0)  # no neuron, no jump
