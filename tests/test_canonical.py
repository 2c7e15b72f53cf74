"""The canonical form and what follows from it: the examples by hand, brute force over subsets, dense sampling, bad input."""

from itertools import product

import numpy as np
import pytest

from refimpl.nn import mlp
from refimpl.nn.shallow import Shallow
from refimpl.papers.relu_existence import (
    canonical_form,
    minimal_network,
    neuron_count,
    response,
    same_function,
    solution_dimension,
)
from refimpl.papers.relu_existence.canonical import Canonical


def net(W, b, v, c=0.0, a=()):
    return Shallow(
        np.array(W, float), np.array(b, float), np.array(v, float), np.array(c, float), a if a == () else np.array(a, float)
    )


def random_net(rng, n, m):
    return net(rng.normal(size=(n, m)), rng.normal(size=n), rng.normal(size=n), rng.normal())


def redundant(rng):
    """A network with neurons that copy, oppose or do nothing."""
    m = int(rng.integers(1, 4))
    W, b, v, c, _ = random_net(rng, int(rng.integers(1, 6)), m)
    for _ in range(rng.integers(0, 5)):
        j, s = rng.integers(len(v)), rng.choice([-1, 1]) * rng.uniform(0.3, 3)
        W, b, v = np.vstack([W, s * W[j]]), np.append(b, s * b[j]), np.append(v, rng.choice([rng.normal(), v[j], -v[j] / s]))
    return net(np.vstack([W, np.zeros((1, m))]), np.append(b, 1.0), np.append(v, rng.normal()), c)


def value(form, x):
    return form.c0 + x @ form.a + np.maximum(x @ form.n.T + form.beta, 0) @ form.kappa


SPREAD = np.random.default_rng(9).normal(size=(300, 3)) * np.exp(np.random.default_rng(8).uniform(-3, 4, size=(300, 1)))


# ---- the form
@pytest.mark.parametrize("seed", range(20))
def test_the_form_is_the_function_and_canonical(seed):
    p = redundant(np.random.default_rng(seed))
    f, x = canonical_form(p), SPREAD[:, : p.W.shape[1]]
    scale = np.abs(response(p, x)) + np.abs(x @ p.W.T + p.b) @ np.abs(p.v)  # rounding is relative to the terms of the sum
    assert np.max(np.abs(value(f, x) - response(p, x)) / scale) < 1e-14
    np.testing.assert_allclose(np.sum(f.n**2, axis=1), 1, rtol=1e-15)
    assert np.all(f.kappa != 0)
    assert all(row[np.flatnonzero(row)[0]] > 0 for row in f.n)
    assert f.n.tolist() == sorted(f.n.tolist())  # of random planes no two normals agree, but for one input, where all do
    assert p.W.shape[1] > 1 or f.beta.tolist() == sorted(f.beta.tolist())


def test_by_hand():
    f = canonical_form(net([[-3, -4], [0, 0], [0, -2]], [10, -1, 4], [2, 7, 1], 1, [5, 6]))
    # 2 (10 − 3x − 4y)⁺ = 2 (10 − 3x − 4y) + 10 (0.6x + 0.8y − 2)⁺,  (4 − 2y)⁺ = 4 − 2y + 2 (y − 2)⁺;  7 (−1)⁺ = 0
    assert f.c0 == 1 + 20 + 4
    assert f.a.tolist() == [5 - 6, 6 - 8 - 2]
    np.testing.assert_allclose(f.n, np.array([[0, 1], [0.6, 0.8]]), rtol=1e-15)
    np.testing.assert_allclose(f.beta, [-2, -2], rtol=1e-15)
    np.testing.assert_allclose(f.kappa, [2, 10], rtol=1e-15)


def test_a_kink_that_cancels_keeps_its_affine_part():
    f = canonical_form(net([[1], [-1]], [0, 0], [1, -1]))  # x⁺ − (−x)⁺ = x
    assert f.kappa.shape == (0,)
    assert (f.c0, f.a.tolist()) == (0, [1])


def test_constant_neurons_and_no_neurons():
    f = canonical_form(net([[0, 0], [0, 0]], [2, -2], [3, 5], 1))
    assert (f.c0, f.a.tolist(), f.n.shape) == (7, [0, 0], (0, 2))
    assert neuron_count(f) == 0
    empty = canonical_form(net(np.zeros((0, 2)), [], [], 4, [1, 2]))
    assert (empty.c0, empty.a.tolist()) == (4, [1, 2])


def test_forms_that_parameters_come_in():
    params = mlp([2, 5, 1], "relu", np.random.default_rng(0))[1]
    W, b, v, c = params[0].W, params[0].b, params[2].W[0], params[2].b[0]
    for f, g in zip(canonical_form(params), canonical_form((W, b, v, c)), strict=True):
        np.testing.assert_array_equal(f, g)


def test_rounding_does_not_decide_the_orientation():
    n = np.array([1e-17, 1.0])
    f = canonical_form(net([n, -n * [-1, 1], [0, 3]], [1, -1, 3], [1, 1, 1]))
    assert f.kappa.shape == (1,)
    assert f.kappa[0] == pytest.approx(5)  # 1 + 1 + 3


def test_entries_about_tol_do_not_keep_equal_planes_apart():
    with pytest.warns(RuntimeWarning, match="nearly equal"):
        f = canonical_form(net([[0.9e-9, 1], [-1.1e-9, -1]], [0, 0], [1, 1]))
    assert f.kappa.shape == (1,)


def test_merging_says_what_it_changes():
    p = net([[1], [1]], [0, 1e-10], [3, 4])
    with pytest.warns(RuntimeWarning, match=r"at most 4\.0e-10 \(1 \+ \|x\|\)"):
        f = canonical_form(p)
    x = SPREAD[:, :1]
    assert np.max(np.abs(value(f, x) - response(p, x)) / (1 + np.abs(x[:, 0]))) <= 4.0e-10
    assert canonical_form(p, tol=1e-11).kappa.tolist() == [3, 4]


@pytest.mark.parametrize("scale", [1e-200, 1e-3, 1e3, 1e200])
def test_scales_of_weights(scale):
    p = random_net(np.random.default_rng(2), 4, 2)
    f, g = canonical_form(p), canonical_form(p._replace(W=p.W * scale, b=p.b * scale, v=p.v / scale))
    for one, other in zip(f, g, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-13, atol=1e-15)


def test_parallel_planes_far_out_merge():
    f = canonical_form(net([[0.3, 0.4], [0.6, 0.8]], [1e12 / 7, 2e12 / 7], [1, 1]))  # β to its relative precision
    assert f.kappa.shape == (1,)


# ---- domains
@pytest.mark.parametrize("domain", [1.5, (-1.5, 1.5), ([-1.5], [1.5])])
def test_planes_that_miss_the_interval(domain):
    p = net([[1], [1], [-1], [1], [1]], [1.5, -1.5, 1.5, 2, -2], [1, 10, 100, 1000, 10000])  # the first three touch its ends
    f = canonical_form(p, domain)
    assert f.kappa.shape == (0,)
    assert (f.c0, f.a.tolist()) == (1.5 + 150 + 2000, [1 - 100 + 1000])
    assert canonical_form(p).kappa.shape == (4,)


def test_ball_box_and_hull_differ():
    p = net([[1, 1]], [-1.8], [1])  # meets the square (±1)² at the corner (1, 1), not the ball of radius 1
    square = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    counts = [len(canonical_form(p, d).kappa) for d in (None, 1, 1.5, ([-1, -1], [1, 1]), (-1, 1), square, square[[0, 1, 3]])]
    assert counts == [1, 0, 1, 1, 1, 1, 0]


def test_a_threshold_beyond_all_floats_is_affine_on_a_ball():
    p = net([[1e-300]], [1e10], [2])
    with pytest.raises(OverflowError, match="params: expected thresholds"):
        canonical_form(p)
    f = canonical_form(p, 1)
    assert (f.c0, f.a.tolist(), len(f.kappa)) == (2e10, [2e-300], 0)


# ---- equality
def test_same_function():
    rng = np.random.default_rng(3)
    p = random_net(rng, 6, 2)
    order = rng.permutation(6)
    q = net(p.W[order] * 3, p.b[order] * 3, p.v[order] / 3, p.c)
    assert same_function(p, q)
    assert not same_function(p, q._replace(c=q.c + 1e-6))
    assert not same_function(p, random_net(rng, 6, 2))
    assert same_function(p, p._replace(W=-p.W, b=-p.b, v=p.v, c=p.c + p.v @ p.b, a=p.v @ p.W))  # all turned round


def test_same_function_on_a_domain_only():
    p, q = net([[1]], [-1], [2]), net([[1]], [-3], [5], 0)
    assert same_function(p, q, domain=1)
    assert not same_function(p, q, domain=2)
    assert not same_function(p, q)


# ---- how many neurons
EXAMPLES = {
    "0": (net(np.zeros((0, 1)), [], []), 0, 0),
    "x": (net(np.zeros((0, 1)), [], [], 0, [1]), 2, 1),
    "x⁺": (net([[1]], [0], [1]), 1, 1),
    "(−x)⁺": (net([[-1]], [0], [1]), 1, 1),
    "x⁺ + 3x": (net([[1]], [0], [1], 0, [3]), 2, 2),
    "x⁺ − x": (net([[1]], [0], [1], 0, [-1]), 1, 1),  # (−x)⁺
    "x⁺ + y": (net([[1, 0]], [0], [1], 0, [0, 1]), 3, 2),
    "x⁺ + 3x in the plane": (net([[1, 0]], [0], [1], 0, [3, 0]), 2, 2),
    "x⁺ + y⁺ − x": (net([[1, 0], [0, 1]], [0, 0], [1, 1], 0, [-1, 0]), 2, 2),
    "x⁺ + y⁺ − x + y": (net([[1, 0], [0, 1]], [0, 0], [1, 1], 0, [-1, 1]), 3, 3),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_of_the_count(name):
    p, everywhere, bounded = EXAMPLES[name]
    f = canonical_form(p)
    assert (neuron_count(f), neuron_count(f, compact=True)) == (everywhere, bounded)


def brute_force_count(f, compact):
    """The rule, subset by subset."""
    K = len(f.kappa)
    rests = [f.a + f.kappa[list(S)] @ f.n[list(S)] for S in ([k for k in range(K) if s >> k & 1] for s in range(2**K))]
    scale = 1e-9 * (1 + np.sum(np.abs(f.a)) + np.sum(np.abs(f.kappa)))  # random sums that are not 0 are far larger
    if any(np.max(np.abs(r)) < scale for r in rests):
        return K
    return K + 1 if compact or any(np.max(np.abs(r - (r @ n) * n)) < scale for r, n in product(rests, f.n)) else K + 2


@pytest.mark.parametrize("seed", range(60))
def test_counts_and_minimal_networks(seed):
    rng = np.random.default_rng([seed, 1])
    p = redundant(rng)
    for domain, compact in ((None, False), (1.5, True)):
        f = canonical_form(p, domain)
        q = minimal_network(f, compact, domain)
        assert len(q.v) == neuron_count(f, compact) == brute_force_count(f, compact)
        x = SPREAD[:, : p.W.shape[1]]
        if compact:
            x = x / np.maximum(1, np.sqrt(np.sum(x * x, axis=1, keepdims=True)) / 1.5)
        y = response(p, x)
        assert np.max(np.abs(response(q, x) - y)) <= 1e-12 * np.max(np.abs(y))
        assert q.a == ()


def test_a_set_to_turn_is_found_among_many():
    rng = np.random.default_rng(4)
    for K in (12, 24):
        p = random_net(rng, K, 3)
        turned = rng.random(K) < 0.5
        f = canonical_form(p._replace(W=np.where(turned[:, None], -p.W, p.W), b=np.where(turned, -p.b, p.b)))
        assert neuron_count(f) == K
        f = canonical_form(p)._replace(a=rng.normal(size=3))
        assert neuron_count(f) == K + 2
        assert neuron_count(f._replace(a=-f.kappa[::2] @ f.n[::2] + 3 * f.n[1])) == K + 1


def test_too_many_planes():
    with pytest.raises(ValueError, match="form: expected at most 30 planes, got 31"):
        neuron_count(canonical_form(random_net(np.random.default_rng(5), 31, 2)))


def nullity(q, x):
    """How many directions in (W, b, v, c) leave the values at x as they are, to the first order."""
    on = x @ q.W.T + q.b > 0
    columns = [on * q.v * x[:, [i]] for i in range(x.shape[1])] + [on * q.v, np.maximum(x @ q.W.T + q.b, 0), np.ones((len(x), 1))]
    J = np.concatenate(columns, axis=1)
    return J.shape[1] - np.linalg.matrix_rank(J / np.maximum(np.sqrt(np.sum(J * J, axis=0)), 1e-300), tol=1e-10)


@pytest.mark.parametrize(
    ("name", "compact", "expected"), [("x⁺", False, 1), ("x⁺ + y", False, 4), ("x⁺ + y", True, 3), ("x", False, 3)]
)
def test_solution_dimension_is_the_nullity(name, compact, expected):
    p = EXAMPLES[name][0]
    x = np.random.default_rng(6).uniform(-2, 2, size=(400, p.W.shape[1]))  # in the ball of radius 3, on all sides of the planes
    f = canonical_form(p)
    assert solution_dimension(f, compact) == expected == nullity(minimal_network(f, compact, 3 if compact else None), x)


def test_solution_dimension_of_a_split_neuron():
    assert solution_dimension(canonical_form(EXAMPLES["x⁺ + 3x"][0])) == 2  # lengths only: its two halves share their break


# ---- bad input
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_entries_must_be_finite(bad):
    with pytest.raises(ValueError, match=r"params\.b: expected finite numbers"):
        canonical_form(net([[1.0]], [bad], [1.0]))
    with pytest.raises(ValueError, match=r"form\.kappa: expected finite numbers"):
        neuron_count(Canonical(np.zeros(()), np.ones(1), np.ones((1, 1)), np.ones(1), np.array([bad])))


@pytest.mark.parametrize(
    ("domain", "message"),
    [
        (0, "domain: expected a number in"),
        (np.inf, "domain: expected a number in"),
        ((1, -1), "domain: expected low < high"),
        (([0, 0], [1, 0]), "domain: expected low < high"),
        (([0, 0], [1, np.nan]), "domain: expected finite numbers"),
        ([[0, 0], [1, 1], [2, 2]], "domain: expected a radius"),
    ],
)
def test_domains_must_have_an_interior(domain, message):
    with pytest.raises(ValueError, match=message):
        canonical_form(random_net(np.random.default_rng(0), 3, 2), domain)


def test_other_bad_input():
    p, f = random_net(np.random.default_rng(0), 3, 2), canonical_form(net([[1]], [0], [1], 0, [3]))
    with pytest.raises(ValueError, match=r"tol: expected a number in \(0, 1\), got 0"):
        canonical_form(p, tol=0)
    with pytest.raises(ValueError, match="other: expected a network of 2 inputs, as params, got 1"):
        same_function(p, net([[1]], [0], [1]))
    with pytest.raises(TypeError, match="form: expected Canonical"):
        neuron_count(p)
    with pytest.raises(ValueError, match=r"form\.beta: expected shape \(1,\), got \(2,\)"):
        neuron_count(f._replace(beta=np.zeros(2)))
    with pytest.raises(ValueError, match="radius: expected the radius of the bounded domain, got None"):
        minimal_network(f, compact=True)
    with pytest.raises(ValueError, match=r"radius: expected a number in \(0, inf\), got inf"):
        minimal_network(f, compact=True, radius=np.inf)


def test_nothing_given_is_modified():
    p = redundant(np.random.default_rng(7))
    for part in p[:4]:
        part.setflags(write=False)
    f = canonical_form(p, 2.0)
    for part in f:
        np.asarray(part).setflags(write=False)
    minimal_network(f, True, 2.0)
    minimal_network(f)
    same_function(p, p)


def test_a_set_that_nearly_cancels_is_none():
    from refimpl.papers.relu_existence.canonical import flips

    near = np.array([[-1 + 1.5e-9, 0.0]])  # along any direction within twice the tolerance, and yet beyond it
    assert flips(np.array([1.0, 0.0]), near, 1e-9) is None
    assert flips(np.array([1.0, 0.0]), near, 2e-9).tolist() == [True]
