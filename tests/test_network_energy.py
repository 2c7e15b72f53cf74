"""The energy of a network in its objective, of mini-batches, and the factors of its gradient: what no claim states."""

from itertools import combinations
from typing import Any, NamedTuple

import mpmath as mp
import numpy as np
import pytest

from refimpl.claims.hyperspherical_energy import definition as paper
from refimpl.nn import Dense, cross_entropy_backward, cross_entropy_forward, mlp, objective, relu_backward, relu_forward
from refimpl.papers.hyperspherical_energy import energy_and_gradient, released
from refimpl.papers.hyperspherical_energy.energy import energy_backward, energy_forward
from refimpl.papers.hyperspherical_energy.network import (
    class_energy_backward,
    class_energy_forward,
    filters,
    gradient_factors,
    network_energy_backward,
    network_energy_forward,
    regularised,
    regulariser,
    residual_bound,
    subset_energy_backward,
    subset_energy_forward,
)
from refimpl.params import ravel, total

STEP = 1e-30
VARIANTS = [(s, half, angular) for s in (0.0, 1.0, 2.0) for half in (False, True) for angular in (False, True)]


class Filters(NamedTuple):
    W: Any
    b: Any


def network(seed=0, dtype=np.float64):
    """A convolution, its rectifier, a dense layer, slopes of a rectifier, and an output layer of three classes."""
    rng = np.random.default_rng(seed)
    return (
        Filters(rng.normal(size=(5, 2, 2, 2)).astype(dtype), rng.normal(size=5).astype(dtype)),
        (),
        Dense(rng.normal(size=(4, 6)).astype(dtype), rng.normal(size=4).astype(dtype)),
        np.array([0.25], dtype),
        Dense(rng.normal(size=(3, 4)).astype(dtype), rng.normal(size=3).astype(dtype)),
    )


def mean(W, s, half_space=False, angular=False):
    """Mean energy over ordered pairs, by the definition."""
    W = W.reshape(len(W), -1)
    points = 2 * len(W) if half_space else len(W)
    return paper.energy(W, s, half_space, angular) / (points * (points - 1))


def slope(f, x):
    dx = np.zeros(x.shape)
    for at in np.ndindex(*x.shape):
        z = x.astype(complex)
        z[at] += 1j * STEP
        dx[at] = f(z).imag / STEP
    return dx


# ---- the term of the objective
@pytest.mark.parametrize(("s", "half", "angular"), VARIANTS)
def test_the_term_sums_means_over_hidden_layers_and_takes_the_output_in_full_space(s, half, angular):
    params, hidden, output = network(), 0.3, 7.0
    options = {"hidden": hidden, "output": output, "s": s, "half_space": half, "angular": angular}
    expected = hidden * (mean(params[0].W, s, half, angular) + mean(params[2].W, s, half, angular)) + output * mean(
        params[4].W, s, False, angular
    )
    value, cache = network_energy_forward(params, **options)
    assert abs(value - expected) < 1e-12 * max(1, abs(expected))
    dparams = network_energy_backward(2.0, cache)
    for k, weight, own in ((0, hidden, half), (2, hidden, half), (4, output, False)):
        dW = slope(lambda W, weight=weight, own=own: weight * mean(W, s, own, angular), params[k].W)
        np.testing.assert_allclose(dparams[k].W, 2 * dW, rtol=1e-9, atol=1e-11)
        assert np.all(dparams[k].b == 0)
    assert dparams[1] == ()
    assert np.all(dparams[3] == 0)
    theta, unravel = ravel(params)
    same, gradient = regulariser(unravel, **options)(theta)
    assert abs(same - value) < 1e-12 * max(1, abs(value))
    np.testing.assert_allclose(2 * gradient, unravel.flat(dparams), rtol=1e-9, atol=1e-12)


def test_weights_are_one_by_default():
    params = network()
    expected = mean(params[0].W, 2, True) + mean(params[2].W, 2, True) + mean(params[4].W, 2)
    assert abs(network_energy_forward(params, half_space=True)[0] - expected) < 1e-13


@pytest.mark.parametrize("kind", [tuple, list])
def test_gradients_have_the_type_of_the_parameters(kind):
    params = kind(network())
    dparams = network_energy_backward(1.0, network_energy_forward(params)[1])
    assert type(dparams) is kind
    assert [type(entry) for entry in dparams] == [type(entry) for entry in params]


def test_float32_stays_float32():
    params = network(dtype=np.float32)
    value, cache = network_energy_forward(params)
    assert value.dtype == np.float32
    assert {a.dtype for k in (0, 2, 4) for a in network_energy_backward(1.0, cache)[k]} == {np.dtype(np.float32)}
    theta, unravel = ravel(params)
    assert regulariser(unravel)(theta)[1].dtype == np.float32
    assert abs(value - network_energy_forward(network())[0]) < 1e-5


def test_layers_can_be_chosen_and_left_out():
    params = network()
    assert regularised(params) == ([0, 2], 4)
    assert regularised(params, [2]) == ([2], 4)
    some = network_energy_forward(params, hidden_layers=[2])[0]
    assert abs(some - mean(params[2].W, 2) - mean(params[4].W, 2)) < 1e-13
    same = [*params[:2], Dense(np.ones((4, 6)), np.zeros(4)), *params[3:]]  # coincident neurons
    value, cache = network_energy_forward(same, hidden=0)
    assert abs(value - mean(params[4].W, 2)) < 1e-13  # a layer of weight 0 is not looked at
    assert np.all(network_energy_backward(1.0, cache)[2].W == 0)
    value, cache = network_energy_forward(same, hidden=0, output=0)
    assert value == 0
    assert np.all(ravel(network_energy_backward(1.0, cache))[0] == 0)


def test_one_output_neuron_has_no_energy():
    params = [network()[2], Dense(np.ones((1, 4)), np.zeros(1))]
    value, cache = network_energy_forward(params, output=10.0)
    assert abs(value - mean(params[0].W, 2)) < 1e-13
    assert np.all(network_energy_backward(1.0, cache)[1].W == 0)


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"hidden": -1.0}, ValueError, r"^hidden: expected a finite number >= 0, got -1.0"),
        ({"output": np.nan}, ValueError, r"^output: expected a finite number >= 0, got nan"),
        ({"output": "1"}, TypeError, r"^output: expected a number >= 0, got str"),
        ({"hidden": True}, TypeError, r"^hidden: expected a number >= 0, got bool"),
        ({"s": -1}, ValueError, r"^s: expected a finite exponent >= 0, got -1"),
        ({"s": 0.5, "as_released": True}, ValueError, r"^s: expected 0, 1 or 2"),
        ({"hidden_layers": [4]}, ValueError, r"^hidden_layers: expected some of the hidden layers \[0, 2\], got \[4\]"),
    ],
)
def test_bad_options_are_named(options, error, match):
    theta, unravel = ravel(network())
    with pytest.raises(error, match=match):
        network_energy_forward(network(), **options)
    with pytest.raises(error, match=match):
        regulariser(unravel, **options)(theta)


def test_bad_layers_are_named():
    params = list(network())
    for params[2], match in (
        (Dense(np.eye(4, 6) * [[1], [1], [0], [1]], np.zeros(4)), r"^params\[2\].W: expected rows that are not zero.* got row 2"),
        (Dense(np.full((4, 6), np.nan), np.zeros(4)), r"^params\[2\].W: expected finite numbers, got nan at index \(0, 0\)"),
        (Dense(np.ones((4, 1)), np.zeros(4)), r"^params\[2\].W: expected at least 1 neuron.* got shape \(4, 1\)"),
        (Dense(np.ones((4, 3, 2)), np.zeros(4)), r"^params\[2\].W: expected shape \(m, d\) of a dense layer or .* got \(4, 3, 2\)"),
    ):
        with pytest.raises(ValueError, match=match):
            network_energy_forward(params)
    with pytest.raises(TypeError, match=r"^params\[0\].W: expected float32, float64 or integers"):
        network_energy_forward([Filters("text", 0)])
    for none in ((), [(), np.ones(3)], Dense(np.ones((2, 2)), np.zeros(2))):
        with pytest.raises(ValueError, match=r"^params: expected a sequence of layers of which at least one has a W, got none"):
            network_energy_forward(none)
    params[2] = Dense(np.ones((4, 6)), np.zeros(4))
    value, cache = network_energy_forward(params)
    assert value == np.inf
    with pytest.raises(ValueError, match=r"^params\[2\].W: expected distinct directions, but rows 0 and 1 point the same way"):
        network_energy_backward(1.0, cache)
    theta, unravel = ravel(params)
    with pytest.raises(ValueError, match=r"^params\[2\].W: .*rows 0 and 1"):
        regulariser(unravel)(theta)
    with pytest.raises(OverflowError, match=r"^s: the energy exceeds the range"):
        network_energy_forward([Dense(np.array([[1.0, 0], [1.0, 1e-7]]), np.zeros(2))], s=60.0)


def test_it_adds_to_any_objective():
    # the sum of a network's loss and of its energy, against central differences along a direction
    rng = np.random.default_rng(3)
    layers, params = mlp([4, 8, 3], "tanh", rng)
    theta, unravel = ravel(params)
    x, y = rng.normal(size=(10, 4)), rng.integers(3, size=10)
    loss = objective(layers, unravel, (cross_entropy_forward, cross_entropy_backward), x, y)
    energy = regulariser(unravel, hidden=0.5, output=2.0, half_space=True)
    both = total(loss, energy, weights=(1.0, 0.1))
    value, gradient = both(theta)
    assert abs(value - loss(theta)[0] - 0.1 * energy(theta)[0]) < 1e-14
    along, h = rng.normal(size=theta.shape), 1e-5
    slope_along = (both(theta + h * along)[0] - both(theta - h * along)[0]) / (2 * h)
    assert abs(gradient @ along - slope_along) < 1e-8 * max(1, abs(slope_along))  # h² and ε/h, both 1e-10
    assert energy(theta.tolist())[0] == energy(theta)[0]  # a list is converted
    with pytest.raises(ValueError, match=r"^theta: expected shape"):
        energy(theta[None])


def test_descent_on_the_term_alone_reaches_the_bounds():
    # 3 classes in 4 dimensions: a simplex, mean (m − 1)/(2m) = 1/3; 4 neurons in 6, half space: orthogonal, (4 − 3/4)/7
    params = [
        Dense(np.random.default_rng(0).normal(size=(4, 6)), np.zeros(4)),
        Dense(np.random.default_rng(1).normal(size=(3, 4)), np.zeros(3)),
    ]
    theta, unravel = ravel(params)
    term = regulariser(unravel, half_space=True)
    for _ in range(500):
        theta = theta - 0.5 * term(theta)[1]
    assert abs(term(theta)[0] - (4 - 0.75) / 7 - 1 / 3) < 1e-9


@pytest.mark.parametrize(("s", "half", "angular"), VARIANTS)
def test_as_released(s, half, angular):
    params = network()
    hidden, output = (0.1, 1.0) if angular and s else (1.0, 10.0)

    def term(W, own):
        return released.released_energy_forward(W.reshape(len(W), -1), s, own, angular)[0]

    parts = term(params[0].W, half) + term(params[2].W, half), term(params[4].W, False)
    options = {"s": s, "half_space": half, "angular": angular, "as_released": True}
    value, cache = network_energy_forward(params, **options)
    assert abs(value - hidden * parts[0] - output * parts[1]) < 1e-12 * max(1, abs(value))
    theta, unravel = ravel(params)
    same, gradient = regulariser(unravel, **options)(theta)
    assert abs(same - value) < 1e-12 * max(1, abs(value))
    np.testing.assert_allclose(gradient, unravel.flat(network_energy_backward(1.0, cache)), rtol=1e-10, atol=1e-13)
    free = network_energy_forward(params, hidden=0.5, output=0.0, **options)[0]
    assert abs(free - 0.5 * parts[0]) < 1e-12 * max(1, abs(free))


def test_filters_are_a_copy():
    W = np.arange(24.0).reshape(2, 3, 2, 2)
    rows = filters(W)
    assert np.array_equal(rows, [list(range(12)), list(range(12, 24))])
    assert not np.shares_memory(rows, W)
    assert not np.shares_memory(filters(rows), rows)
    assert filters(np.zeros((0, 3, 2, 2))).shape == (0, 12)


# ---- a random subset of the neurons
def test_drawn_subsets_are_uniform_and_their_gradient_is_in_their_rows():
    W, rng = np.random.default_rng(0).normal(size=(5, 3)), np.random.default_rng(1)
    seen: dict[tuple, int] = {}
    for _ in range(1000):
        E, cache = subset_energy_forward(W, 3, 1.0, rng=rng)
        dW = subset_energy_backward(1.0, cache)
        rows = tuple(np.flatnonzero(dW.any(axis=1)))
        seen[rows] = seen.get(rows, 0) + 1
        expected, expected_cache = energy_forward(W[list(rows)], 1.0, reduction="mean")
        assert abs(E - expected) < 1e-12
        np.testing.assert_allclose(dW[list(rows)], energy_backward(1.0, expected_cache), rtol=1e-9, atol=1e-12)
    assert set(seen) == set(combinations(range(5), 3))
    assert (
        sum((count - 100) ** 2 / 100 for count in seen.values()) < 33.7
    )  # chi-square with 9 degrees of freedom, p = 1e-4; fixed seed


def test_the_order_of_rows_does_not_matter():
    W = np.random.default_rng(0).normal(size=(5, 3))
    E, cache = subset_energy_forward(W, [4, 0, 2], 2.0, half_space=True)
    same, same_cache = subset_energy_forward(W, np.array([0, 2, 4], np.uint8), 2.0, half_space=True)
    assert abs(E - same) < 1e-14
    np.testing.assert_allclose(subset_energy_backward(1.0, cache), subset_energy_backward(1.0, same_cache), rtol=1e-12, atol=1e-15)
    E, cache = subset_energy_forward(W.astype(np.float32), [1, 3])
    assert E.dtype == subset_energy_backward(1.0, cache).dtype == np.float32
    E, cache = subset_energy_forward(W, [1])  # one neuron has no pairs
    assert E == 0
    assert np.all(subset_energy_backward(1.0, cache) == 0)


@pytest.mark.parametrize(
    ("rows", "error", "match"),
    [
        ([0, 5], ValueError, r"^rows: expected distinct row numbers from 0 to 4, got \[0 5\]"),
        ([0, -1], ValueError, r"^rows: expected distinct row numbers"),
        ([1, 1], ValueError, r"^rows: expected distinct row numbers"),
        (np.zeros(0, int), ValueError, r"^rows: expected distinct row numbers"),
        ([0.0, 1.0], TypeError, r"^rows: expected row numbers"),
        ([True, False, True, True, True], TypeError, r"^rows: expected row numbers"),
        ([[0, 1]], TypeError, r"^rows: expected row numbers"),
        (6, ValueError, r"^rows: expected a number from 1 to 5, got 6"),
        (0, ValueError, r"^rows: expected a number from 1 to 5, got 0"),
    ],
)
def test_bad_rows_are_refused(rows, error, match):
    with pytest.raises(error, match=match):
        subset_energy_forward(np.random.default_rng(0).normal(size=(5, 3)), rows, rng=np.random.default_rng(0))


def test_bad_subsets_are_refused():
    W = np.array([[1.0, 0], [0, 1.0], [2.0, 0]])
    with pytest.raises(TypeError, match=r"^rng: expected a numpy Generator to draw 2 rows with, got NoneType"):
        subset_energy_forward(W, 2)
    E, cache = subset_energy_forward(W, [0, 2])
    assert E == np.inf
    with pytest.raises(ValueError, match=r"^W\[rows\]: .*rows 0 and 1 point the same way"):
        subset_energy_backward(1.0, cache)
    assert np.isfinite(subset_energy_backward(1.0, subset_energy_forward(W, [0, 1])[1])).all()


# ---- the classes of a batch
def by_hand(W, labels, s, angular):
    """Double loop over the batch and the classes."""
    U, total_ = paper.directions(W), 0.0
    for y in labels:
        for j in range(len(W)):
            if j != y:
                r = np.sqrt(np.sum((U[y] - U[j]) ** 2))
                z = 2 * np.arctan(r / np.sqrt(np.sum((U[y] + U[j]) ** 2))) if angular else r
                total_ = total_ + (-np.log(z) if s == 0 else z**-s)
    return total_ / (len(labels) * (len(W) - 1))


@pytest.mark.parametrize(("s", "angular"), [(0.0, False), (1.0, True), (2.0, False)])
def test_energy_of_a_batch_of_classes(s, angular):
    W, labels = np.random.default_rng(0).normal(size=(6, 3)), [4, 4, 0, 4, 2]
    E, cache = class_energy_forward(W, labels, s, angular)
    assert abs(E - by_hand(W, labels, s, angular)) < 1e-13
    np.testing.assert_allclose(
        class_energy_backward(-2.0, cache), -2 * slope(lambda Z: by_hand(Z, labels, s, angular), W), rtol=1e-10, atol=1e-13
    )
    E, cache = class_energy_forward(W.astype(np.float32), labels, s, angular)
    assert E.dtype == class_energy_backward(1.0, cache).dtype == np.float32


@pytest.mark.parametrize(("s", "angular"), [(0.0, False), (2.0, False), (1.0, True)])
@pytest.mark.parametrize("label", [0, 1, 2])
def test_nearly_parallel_classifiers(s, angular, label):
    # one pair at 1e-6: twelve digits survive in value and gradient, where 2 − 2t would leave four; fifty digits are the truth
    W = np.array([[3.0, 1.0, 0.5], [3.0, 1.0, 0.5 + 4e-6], [-1.0, 2.0, 1.0]])
    mp.mp.dps = 50

    def exact(*entries):
        rows = [entries[:3], entries[3:6], entries[6:]]
        U = [[x / mp.sqrt(sum(y * y for y in w)) for x in w] for w in rows]
        value = mp.mpf(0)
        for j in range(3):
            if j != label:
                r = mp.sqrt(sum((a - b) ** 2 for a, b in zip(U[label], U[j], strict=True)))
                z = 2 * mp.asin(r / 2) if angular else r
                value += -mp.log(z) if s == 0 else z**-s
        return value / 2

    entries = [mp.mpf(float(x)) for x in W.ravel()]
    E, cache = class_energy_forward(W, [label], s, angular)
    dW = class_energy_backward(1.0, cache)
    expected = np.array(
        [float(mp.diff(exact, tuple(entries), tuple(int(k == i) for k in range(9)), h=mp.mpf("1e-20"))) for i in range(9)]
    ).reshape(3, 3)
    assert abs(E - float(exact(*entries))) < 1e-12 * abs(float(exact(*entries)))
    assert np.max(np.abs(dW - expected)) < 1e-12 * np.max(np.abs(expected)) + 1e-15


def test_coincident_classifiers_matter_only_where_they_meet():
    W = np.array([[1.0, 0, 0], [0, 1.0, 0], [0, 2.0, 0], [0, 0, 1.0]])
    E, cache = class_energy_forward(W, [0, 3])
    assert E == 0.5
    assert np.isfinite(class_energy_backward(1.0, cache)).all()
    E, cache = class_energy_forward(W, [0, 2])
    assert E == np.inf
    with pytest.raises(ValueError, match=r"^W: expected distinct directions, but rows 2 and 1 point the same way"):
        class_energy_backward(1.0, cache)


def test_antipodal_classifiers_exert_no_angular_force():
    E, cache = class_energy_forward([[1.0, 0.0], [-2.0, 0.0]], [0], 0, angular=True)
    assert abs(E + np.log(np.pi)) < 1e-15
    assert np.all(class_energy_backward(1.0, cache) == 0)


def test_one_class_has_no_energy():
    E, cache = class_energy_forward([[1.0, 2.0]], [0, 0])
    assert E == 0
    assert np.all(class_energy_backward(1.0, cache) == 0)


def test_a_few_classes_of_very_many_need_little_memory():
    # 20 000² pairs would be 3.2 GB; 4 classes against all are 640 kB an array
    W = np.random.default_rng(0).normal(size=(20_000, 8))
    E, cache = class_energy_forward(W, [5, 9, 5, 100])
    assert max(a.nbytes for a in cache if isinstance(a, np.ndarray)) < 2e6
    assert np.isfinite(E)


@pytest.mark.parametrize(
    ("labels", "error", "match"),
    [
        ([0, 3], ValueError, r"^labels: expected whole numbers from 0 to 2, got 3 at index 1"),
        ([-1], ValueError, r"^labels: expected whole numbers from 0 to 2, got -1 at index 0"),
        (np.zeros(0, int), ValueError, r"^labels: expected at least one label, got none"),
        ([0.0], TypeError, r"^labels: expected whole numbers, shape \(n,\), got float64 of shape \(1,\)"),
        ([[0]], TypeError, r"^labels: expected whole numbers"),
        ([True], TypeError, r"^labels: expected whole numbers"),
        (1, TypeError, r"^labels: expected whole numbers"),
    ],
)
def test_bad_labels_are_refused(labels, error, match):
    with pytest.raises(error, match=match):
        class_energy_forward(np.eye(3), labels)


def test_classes_overflow_loudly():
    W = np.array([[1.0, 0], [1.0, 1e-7]])
    with pytest.raises(OverflowError, match=r"^s: the energy exceeds the range"):
        class_energy_forward(W, [0], s=60.0)
    with pytest.raises(OverflowError, match=r"^W: the gradient for row 0 exceeds the range"):
        class_energy_backward(1.0, class_energy_forward(1e-200 * W, [0], s=40.0)[1])


# ---- one hidden layer
def test_factors_with_a_rectifier_and_by_hand():
    # two neurons, two inputs: σ' is 1 or 0
    W, v = np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([2.0, -3.0])
    X, y = np.array([[1.0, -1.0], [2.0, 5.0]]), np.array([1.0, 1.0])
    D, r = gradient_factors(W, v, X, y, (relu_forward, relu_backward))
    assert np.array_equal(D, [[2, 4], [-2, 10], [0, -6], [0, -15]])  # columns are inputs; neuron 2 is silent at the first
    assert np.array_equal(r, [(2 * 1 - 1) / 2, (2 * 2 - 3 * 5 - 1) / 2])
    assert D.flags.c_contiguous


@pytest.mark.parametrize(("of_D", "of_r"), [(1e-200, 1.0), (1e200, 1.0), (1.0, 1e-200), (1.0, 1e200), (1e-180, 1e180)])
def test_residual_bound_does_not_see_the_scale_of_its_matrix(of_D, of_r):
    assert residual_bound(of_D * np.eye(2), of_r * np.ones(2)) == pytest.approx(np.sqrt(2) * of_r, rel=1e-14)
    assert residual_bound(of_D * np.eye(2), np.zeros(2)) == 0
    assert residual_bound(np.zeros((2, 2)), of_r * np.ones(2)) == np.inf


def test_residual_bound_by_hand():
    assert abs(residual_bound([[2.0, 0.0], [0.0, 0.5], [0.0, 0.0]], [1.0, 1.0]) - np.sqrt(4.25) / 0.5) < 1e-15
    assert residual_bound([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]], [1.0, 1.0]) == np.inf  # all neurons are silent at the second input
    assert residual_bound([[1.0, 1.0]], [1.0, -1.0]) == np.inf  # more inputs than parameters
    assert residual_bound([[1.0, 1.0], [1.0, 1.0], [2.0, 2.0]], [1.0, -1.0]) == np.inf
    D = np.random.default_rng(0).normal(size=(6, 3))
    assert residual_bound(np.column_stack([D[:, :2], D[:, 0] + D[:, 1]]), [1.0, 1.0, -1.0]) == np.inf


@pytest.mark.parametrize("half_space", [False, True])
def test_a_floor_lets_copies_of_a_neuron_pass(half_space):
    rng = np.random.default_rng(0)
    params = [Dense(W, np.zeros(len(W))) for W in (rng.normal(size=(4, 3)), rng.normal(size=(3, 4)))]
    params[0].W[2] = 2 * params[0].W[0]
    params[1].W[1] = params[1].W[0]
    theta, unravel = ravel(params)
    options = {"half_space": half_space, "min_q": 1e-2}
    value, gradient = regulariser(unravel, **options)(theta)
    E, cache = network_energy_forward(params, **options)
    assert value == pytest.approx(E, rel=1e-13)
    np.testing.assert_allclose(gradient, ravel(network_energy_backward(1.0, cache))[0], rtol=1e-12, atol=1e-15)
    hidden, output = (
        energy_and_gradient(p.W, 2.0, h, reduction="mean", min_q=1e-2) for p, h in zip(params, (half_space, False), strict=True)
    )
    assert value == pytest.approx(hidden[0] + output[0], rel=1e-13)
    E, cache = class_energy_forward(params[1].W, [0, 1, 2], min_q=1e-2)
    assert pytest.approx(output[0], rel=1e-13) == E
    np.testing.assert_allclose(class_energy_backward(1.0, cache), output[1], rtol=1e-11, atol=1e-14)
    E, cache = subset_energy_forward(params[0].W, [0, 2, 3], half_space=half_space, min_q=1e-2)
    assert np.isfinite(E)
    assert np.isfinite(subset_energy_backward(1.0, cache)).all()
    with pytest.raises(ValueError, match=r"min_q|as_released"):
        network_energy_forward(params, as_released=True, min_q=1e-2)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"v": np.ones(3)}, r"^v: expected shape \(2,\), got \(3,\)"),
        ({"X": np.ones((4, 2))}, r"^X: expected shape \(n, 3\), got \(4, 2\)"),
        ({"y": np.ones(5)}, r"^y: expected shape \(4,\), got \(5,\)"),
        ({"X": np.ones((0, 3))}, r"^X: expected at least one input, got shape \(0, 3\)"),
        ({"W": np.full((2, 3), np.inf)}, r"^W: expected finite numbers"),
    ],
)
def test_bad_shapes_of_a_hidden_layer_are_named(change, match):
    given = {"W": np.ones((2, 3)), "v": np.ones(2), "X": np.ones((4, 3)), "y": np.ones(4)} | change
    with pytest.raises(ValueError, match=match):
        gradient_factors(**given, activation=(relu_forward, relu_backward))


def test_bad_factors_are_named():
    with pytest.raises(ValueError, match=r"^r: expected shape \(2,\), got \(3,\)"):
        residual_bound(np.ones((4, 2)), np.ones(3))
