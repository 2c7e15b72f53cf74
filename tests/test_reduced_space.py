"""What no claim states of the converters: forms that params come in, images, limits of floats, and bad input."""

from fractions import Fraction
from functools import partial

import numpy as np
import pytest

from refimpl.nn import (
    ACTIVATIONS,
    DENSE,
    FLATTEN,
    Conv2d,
    Dense,
    Layer,
    Shallow,
    avgpool2d,
    conv2d,
    conv2d_backward,
    conv2d_forward,
    leaky_relu_backward,
    leaky_relu_forward,
    maxpool2d,
    mlp,
    network_forward,
    without_params,
)
from refimpl.papers.reduced_space import (
    layer_radii,
    outside,
    project,
    reduce,
    restore,
    row_norms,
    support_ball,
    support_box,
    support_points,
    threshold_interval,
)
from refimpl.params import leaves

RELU, LEAKY = ACTIVATIONS["relu"].layer, ACTIVATIONS["leaky_relu"].layer
EYE = (np.eye(2), np.zeros(2), np.ones(2), 0.5)


def shallow_net(rng, d=3, n=6):
    W = rng.normal(size=(n, d)) * 10.0 ** rng.uniform(-1, 1, (n, 1))
    return W, 3 * rng.normal(size=n) * row_norms(W), rng.normal(size=n), rng.normal()


def value(params, x):
    W, b, v, c = params[:4]
    return np.maximum(x @ np.transpose(W) + b, 0) @ v + c


# ---- forms
def test_every_form_comes_back_as_it_came():
    W, b, v, c = shallow_net(np.random.default_rng(0))
    dense = (Dense(W, b), (), Dense(v[None], np.array([c])))
    forms = [(W, b, v, c), [W, b, v, c], (W, b, v, c, ()), Shallow(W, b, v, c), dense, list(dense)]
    x = np.random.default_rng(1).uniform(-0.5, 0.5, (50, 3))
    for params in forms:
        for back in (reduce(params, 1.0), restore(params), project(params, 1.0)):
            assert type(back) is type(params)
            assert len(back) == len(params)
        found = reduce(params, 1.0)
        plain = found if len(found) > 3 else (*found[0], found[2].W[0], found[2].b[0])
        assert np.abs(value(plain, x) - value((W, b, v, c), x)).max() < 1e-12


def test_nothing_given_is_modified_nor_shared_with_what_restore_returns():
    params = tuple(np.array(a) for a in shallow_net(np.random.default_rng(2)))
    before = [a.copy() for a in params]
    for call in (partial(reduce, radius=0.7), restore, partial(restore, activation="binary"), partial(project, radius=0.7)):
        call(params)
        assert all((a == old).all() for a, old in zip(params, before, strict=True))
    assert not any(np.shares_memory(a, b) for a, b in zip(restore(params, "binary")[:2], params[:2], strict=True))


def test_single_precision_stays():
    params = tuple(np.asarray(a, np.float32) for a in shallow_net(np.random.default_rng(3)))
    found = reduce(params, 1.0)
    assert all(np.asarray(a).dtype == np.float32 for a in (*found, *restore(found), *project(params, 1.0)))
    x = np.random.default_rng(1).uniform(-0.5, 0.5, (50, 3)).astype(np.float32)
    scale = np.abs(value((params[0], params[1], np.abs(params[2]), 0), x)).max()
    assert np.abs(value(found, x) - value(params, x)).max() < 2e-6 * scale  # some 16 roundings of float32
    again = reduce(found, 1.0)
    assert len(again[0]) == len(found[0])  # what was put at the bound stays there, in float32 as well


def test_slopes_of_prelu_go_with_their_neurons():
    rng = np.random.default_rng(4)
    for activation in ("prelu", "prelu_per_channel"):
        layers, params = mlp([2, 9, 1], activation, rng)
        slopes = np.array(-0.3) if activation == "prelu" else rng.uniform(-0.5, 1.5, 9)
        params = (Dense(params[0].W, 2 * rng.normal(size=9)), slopes, params[2])
        x = rng.uniform(-0.5, 0.5, (80, 2))
        found = reduce(params, 0.8, activation)
        assert found[1].shape == (slopes.shape and found[0].b.shape)
        for other in (found, restore(found, activation)):
            assert np.abs(network_forward(layers, other, x)[0] - network_forward(layers, params, x)[0]).max() < 1e-13


# ---- images
def images(rng, padding, pool, activation, scale=1.0):
    side = (3 + 2 * padding) - 1
    layers = (conv2d(), activation, pool, conv2d(padding=padding), activation, FLATTEN, DENSE, activation, DENSE)
    first = Conv2d(scale * rng.normal(size=(4, 2, 3, 3)), scale * 60 * rng.normal(size=4))
    second = Conv2d(rng.normal(size=(3, 4, 2, 2)), 40 * rng.normal(size=3))
    params = (
        first,
        (),
        (),
        second,
        (),
        (),
        Dense(rng.normal(size=(5, 3 * side**2)), 900 * rng.normal(size=5)),
        (),
        Dense(rng.normal(size=(2, 5)), rng.normal(size=2)),
    )
    return layers, params, rng.normal(size=(12, 2, 8, 8))


@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize("name", ["relu", "leaky_relu"])
@pytest.mark.parametrize("pool", [maxpool2d(2), avgpool2d(2)], ids=["max", "average"])
def test_convolutions_are_reduced_through_pooling_and_flattening(padding, name, pool):
    saturated = 0
    for seed in range(6):
        layers, params, x = images(np.random.default_rng(seed), padding, pool, RELU if name == "relu" else LEAKY)
        X = float(np.sqrt((x**2).sum(axis=(1, 2, 3)).max()))
        y = network_forward(layers, params, x)[0]
        for found in (reduce(params, X, name, layers=layers), reduce(params, X, name)):
            assert np.abs(network_forward(layers, found, x)[0] - y).max() < 1e-12 * np.abs(y).max()
            assert all(np.abs(row_norms(part.W.reshape(len(part.W), -1)) - 1).max() < 1e-14 for part in (found[0], found[3]))
            assert np.abs(network_forward(layers, restore(found, name), x)[0] - y).max() < 1e-12 * np.abs(y).max()
        known, unknown = reduce(params, X, name, layers=layers)[0], reduce(params, X, name)[0]
        assert (known.b <= X * (1 + 1e-12)).all() or padding  # clipped where the next convolution is known not to pad
        saturated += (unknown.b > X * (1 + 1e-12)).any()
    assert saturated > 0  # and left beyond the bound where it may


def test_a_constant_filter_before_padding_cannot_be_moved():
    layers, params, _ = images(np.random.default_rng(0), 1, maxpool2d(2), RELU)
    W = params[0].W.copy()
    W[1] = 0
    b = params[0].b.copy()
    b[1] = 2.0
    with pytest.raises(ValueError, match="params: filter 1 is constant, and the next convolution may pad with zeros"):
        reduce((Conv2d(W, b), *params[1:]), 20.0, layers=layers)
    b[1] = -2.0  # it is 0, and can be dropped
    assert len(reduce((Conv2d(W, b), *params[1:]), 20.0, layers=layers)[0].b) < 4


# ---- domains
def test_support_functions_of_a_ball_a_box_and_a_sample():
    w = np.array([[3.0, -4.0], [0.0, 1.0]])
    assert support_ball(2)(w).tolist() == [10.0, 2.0]
    assert support_box([0, -1], [1, 5])(w).tolist() == [7.0, 5.0]
    corners = np.array([[0.0, -1], [1, -1], [0, 5], [1, 5]])
    assert support_points(corners)(w).tolist() == [7.0, 5.0]
    low, high = threshold_interval(w, support_box([0, -1], [1, 5]))
    assert low.tolist() == [-7.0, -5.0]
    assert high.tolist() == [20.0, 1.0]


def test_the_box_is_never_wider_than_its_ball_and_the_network_the_same_on_it():
    rng = np.random.default_rng(5)
    params = (rng.normal(size=(60, 2)), 1.5 * rng.normal(size=60), rng.normal(size=60), 0.3)
    x = rng.uniform([0, 0], [1, 2], (400, 2))
    counts = []
    for domain in (np.sqrt(5), support_box([0, 0], [1, 2]), support_points(x)):
        for bias in (True, False):
            found = reduce(params, domain, output_bias=bias)
            assert (
                np.abs(value(found, x) - value(params, x)).max()
                < 1e-12 * np.abs(value((*params[:2], np.abs(params[2]), 0), x)).max()
            )
            assert bias or found[3] == 0
        counts.append(len(found[0]))
    assert counts[0] > counts[1] >= counts[2]


def test_points_outside_the_domain_are_told_of():
    with pytest.warns(RuntimeWarning, match=r"x: 1 of 2 points outside the domain \|x\| <= 1.0"):
        assert outside([[0.0, 1.0], [1.0, 1.0]], 1.0).tolist() == [False, True]
    assert not outside([[0.0, 1.0]], 1).any()


# ---- limits
def test_a_domain_of_one_point():
    found = reduce(([[3.0], [1.0]], [5.0, -7.0], [1.0, 1.0], 1.0), 0)
    assert value(found, np.zeros((1, 1))) == 6.0
    assert (np.asarray(found[1]) == 0).all()
    with pytest.raises(ValueError, match="radius: expected a domain of more than one point for a constant without output bias"):
        reduce(([[3.0]], [5.0], [1.0], 1.0), 0, output_bias=False)


def test_neurons_without_weights_and_without_neurons():
    constant = reduce(([[0.0], [0.0]], [-1.0, 2.0], [5.0, 3.0], 1.0), 1.0)
    assert len(constant[0]) == 0
    assert constant[3] == 7.0
    assert reduce((np.zeros((0, 2)), [], [], 2.0), 1.0)[3] == 2.0
    one = reduce((np.zeros((0, 2)), [], [], 2.0), 1.0, output_bias=False)
    assert np.abs(value(one, np.random.default_rng(0).uniform(-0.7, 0.7, (9, 2))) - 2.0).max() < 1e-15
    binary = reduce(([[0.0], [1.0]], [0.0, -9.0], [5.0, 3.0], 1.0), 1.0, "binary", output_bias=False)
    assert np.asarray(binary[2]).tolist() == [6.0]  # h(0) = 1, and the neuron that is never on is gone


def test_thresholds_at_the_bound_are_kept():
    params = (np.array([[1.0], [-1.0]]), np.array([1.0, -1.0]), np.array([2.0, 3.0]), np.array(0.0))
    assert all((a == b).all() for a, b in zip(reduce(params, 1.0), params, strict=True))


def test_the_largest_and_the_smallest_rows():
    for scale in (1e200, 1e-200, 5e-324):
        params = (np.array([[scale, 0.0]]), np.array([scale / 2]), np.array([0.5]), np.array(0.0))
        found = reduce(params, 1.0)
        assert found[0].tolist() == [[1.0, 0.0]]
        assert found[2][0] == pytest.approx(0.5 * scale)
    with pytest.raises(OverflowError, match="params: expected products of lengths and outgoing weights below"):
        reduce((np.array([[1e200]]), np.array([0.0]), np.array([1e200]), 0.0), 1.0)
    tiny = reduce((np.array([[5e-324]]), np.array([1.0]), np.array([1.0]), 0.0), 1.0)  # b/|w| is no float: affine, and so merged
    assert value(tiny, np.zeros((1, 1))) == 1.0


def test_certified_bounds_hold_and_use_the_spectral_norm_where_it_is_less():
    rng = np.random.default_rng(6)
    _, params = mlp([3, 20, 15, 1], "relu", rng)
    radii = layer_radii(params, 2.0)
    u = rng.normal(size=(2000, 3))
    y = 1.9999 * u / row_norms(u)[:, None]
    for k, X in enumerate(radii):
        assert row_norms(y).max() <= X
        if k < 2:
            y = np.maximum(y @ params[2 * k].W.T + params[2 * k].b, 0)
    parallel = (Dense(np.tile([[1.0, 0.0]], (9, 1)), np.zeros(9)), (), Dense(np.ones((1, 9)), np.zeros(1)))
    apart = (Dense(np.eye(9), np.zeros(9)), (), Dense(np.ones((1, 9)), np.zeros(1)))
    assert layer_radii(parallel, 1.0) == (1.0, pytest.approx(3.0))
    assert layer_radii(apart, 1.0) == (1.0, pytest.approx(1.0))  # not √9
    assert layer_radii(apart, 1.0, "binary") == (1.0, 3.0)


# ---- exactly
def test_sums_of_irrational_length_stay_apart():
    half = Fraction(1, 2)
    W = np.array([[Fraction(1), Fraction(0)], [Fraction(3, 5), Fraction(4, 5)], [Fraction(0), Fraction(2)]], dtype=object)
    params = (W, [9, 9, 1], [1, half, 2], half)
    found = reduce(params, 1)
    x = np.array([[Fraction(i, 7), Fraction(j, 9)] for i in range(-4, 5) for j in range(-4, 5)], dtype=object)
    assert (value(found, x) == value((W, *params[1:]), x)).all()
    assert len(found[0]) == 3
    copied = restore(found)
    assert all((np.asarray(a) == np.asarray(b)).all() for a, b in zip(copied, found, strict=True))
    assert (project(params, 1)[1] == [1, 1, 1]).all()


def test_exact_networks_of_several_layers_and_their_bounds():
    fraction = np.vectorize(Fraction, otypes=[object])
    rng = np.random.default_rng(7)
    W1 = np.array([[Fraction(3), Fraction(4)], [Fraction(-5), Fraction(12)], [Fraction(0), Fraction(0)]], dtype=object)
    deep = (
        Dense(W1, fraction(rng.integers(-30, 30, 3))),
        (),
        Dense(np.diag(fraction(np.array([2, 3, 0])))[:2], fraction(np.array([99, 0]))),
        (),
        Dense(fraction(rng.integers(-3, 3, (2, 2))), fraction(np.array([1, 2]))),
    )
    for activation, layer in (
        ("relu", RELU),
        ("leaky_relu", without_params(partial(leaky_relu_forward, slope=Fraction(1, 10)), leaky_relu_backward)),
        ("binary", ACTIVATIONS["binary"].layer),
    ):
        layers = (DENSE, layer, DENSE, layer, DENSE)
        found = reduce(deep, Fraction(1, 2), activation, slope=Fraction(1, 10))
        x = np.array([[Fraction(3, 10) * s, Fraction(-4, 10) * s] for s in (0, Fraction(1, 3), 1, -1)], dtype=object)
        assert (network_forward(layers, found, x)[0] == network_forward(layers, deep, x)[0]).all()
        y, radii = x, layer_radii(deep, Fraction(1, 2), activation, slope=Fraction(1, 10))
        for k, X in enumerate(radii):
            assert isinstance(X, Fraction)
            assert ((y * y).sum(axis=1) <= X * X).all()
            if k < 2:
                y = layer.forward((), DENSE.forward(deep[2 * k], y)[0])[0]


def test_no_float_slips_into_exact_arithmetic():
    exact = np.array([[Fraction(3, 5), Fraction(4, 5)]], dtype=object)
    with pytest.raises(TypeError, match=r"params\[1\]: expected ints and fractions.Fraction, none of them a float"):
        reduce((exact, [0.5], [1], 0), 1)
    with pytest.raises(TypeError, match=r"slope: expected ints and fractions\.Fraction"):
        reduce((exact, [1], [1], 0), 1, "leaky_relu", slope=0.1)
    with pytest.raises(
        ValueError, match=r"params: expected rows of rational length for exact arithmetic, got a row with \|w\|² = 2"
    ):
        reduce((np.array([[Fraction(1), Fraction(1)]], dtype=object), [0], [1], 0), 1)


# ---- bad input
HIDDEN, LAST = Dense(np.eye(2), np.zeros(2)), Dense(np.ones((1, 2)), np.zeros(1))
DEEP = (HIDDEN, (), HIDDEN, (), LAST)
BAD = [
    (EYE, dict(radius=np.inf), "radius: expected a finite number >= 0, got inf"),
    (EYE, dict(radius=np.nan), "radius: expected a finite number >= 0, got nan"),
    (EYE, dict(radius=-1), "radius: expected a finite number >= 0, got -1"),
    (EYE, dict(radius=[1, 2]), "radius: expected a number >= 0, got list"),
    (EYE, dict(radius="1"), "radius: expected a number >= 0, got str"),
    (EYE, dict(activation="tanh"), "activation: expected a positively homogeneous one"),
    (EYE, dict(activation=np.tanh), "activation: expected a positively homogeneous one"),
    ((), {}, "params: expected Dense or Conv2d parameters .* got tuple of nothing"),
    (3, {}, "params: expected Dense or Conv2d parameters .* got int"),
    ((HIDDEN,), {}, "at least one hidden layer, got tuple of Dense"),
    ((*EYE, np.ones(2)), {}, "params: expected no skip connection"),
    ((np.eye(2) * np.nan, *EYE[1:]), {}, r"params\[0\]: expected finite numbers, got nan"),
    ((np.eye(2), [0, np.inf], *EYE[2:]), {}, r"params\[1\]: expected finite numbers, got inf"),
    ((np.eye(2), np.zeros(3), *EYE[2:]), {}, r"params\[1\]: expected shape \(2,\), got \(3,\)"),
    ((*EYE[:2], np.ones(3), 0.0), {}, r"params\[2\]: expected inputs from 2 neurons, got shape \(1, 3\)"),
    ((np.zeros((2, 0)), *EYE[1:]), {}, r"params\[0\]: expected at least one input"),
    ((np.zeros(2), *EYE[1:]), {}, r"params\[0\]: expected 2 axes, got shape \(2,\)"),
    ((HIDDEN, np.array(0.2), LAST), {}, r"params: expected \(\) behind each hidden layer"),
    ((HIDDEN, (), LAST), dict(activation="prelu"), "params: expected one array of slopes"),
    ((HIDDEN, np.zeros(3), LAST), dict(activation="prelu_per_channel"), r"params: expected 2 slopes, got shape \(3,\)"),
    ((HIDDEN, (), HIDDEN), dict(output_bias=False), "output_bias: expected True"),
    (EYE, dict(activation=None), "activation: expected a positively homogeneous one"),
    (EYE, dict(activation="ReLU"), "got 'ReLU'; was relu meant?"),
    (EYE, dict(radius=lambda w: np.full(len(w), np.nan)), r"support: expected S\(w\) \+ S\(−w\) >= 0, got nan"),
    (EYE, dict(radius=lambda w: np.full(len(w), -1.0)), r"support: expected S\(w\) \+ S\(−w\) >= 0, got -2"),
    (EYE, dict(radius=lambda w: 1.0), r"support: expected S\(w\) of shape \(2,\), got \(\) and \(\)"),
    (EYE, dict(radius=None), "radius: expected a number >= 0, got NoneType"),
    (EYE, dict(radius=1j), "radius: expected a number >= 0, got complex"),
    (EYE, dict(radius=support_box([0.0], [1.0])), "radius: expected a support function of rows of 2 inputs, got one of 1"),
    (EYE, dict(radius=support_points(np.eye(3))), "radius: expected a support function of rows of 2 inputs, got one of 3"),
    ((*EYE[:3], None), {}, r"params\[3\]: expected a number, got NoneType"),
    ((*EYE[:2], np.ma.ones(2), 0.0), {}, r"params\[2\]: expected a vector, got MaskedArray"),
    (Shallow(*EYE[:2], 1.0, 0.0), {}, r"params\.v: expected a vector, got float"),
    (DEEP, dict(radius=support_ball(1)), "radius: expected a number for more than one hidden layer"),
    ((HIDDEN, (), LAST), dict(layers=(DENSE,)), "layers: expected one for each of 3 entries of params, got 1"),
]


@pytest.mark.parametrize(("params", "options", "message"), BAD)
def test_bad_input_is_refused_by_name(params, options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        reduce(params, **({"radius": 1} | options))


def test_bad_domains_and_projections_are_refused_by_name():
    with pytest.raises(ValueError, match=r"high: expected shape .* and no entry below low"):
        support_box([0.0, 1.0], [1.0, 0.0])
    with pytest.raises(TypeError, match=r"support: expected a function of rows w \(k, d\) -> \(k,\), got float"):
        threshold_interval([[1.0]], 1.0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="x: expected at least one point"):
        support_points(np.zeros((0, 2)))
    with pytest.raises(ValueError, match="params: expected rows that are not zero in hidden layer 0, got row 1"):
        project((np.array([[1.0], [0.0]]), np.zeros(2), np.ones(2), 0.0), 1.0)
    with pytest.raises(ValueError, match="radius: expected a number, or one for each of 1 hidden layers, got 2"):
        project(EYE, [1.0, 2.0])
    found = project((np.array([[2.0], [-3.0]]), np.array([5.0, -0.5]), np.ones(2), 0.0), [1.0])
    assert found[0].tolist() == [[1.0], [-1.0]]
    assert found[1].tolist() == [1.0, -0.5]


# ---- what a reading of the code against its statements found
def test_a_convolution_that_says_nothing_of_its_padding_may_pad():
    layers, params, x = images(np.random.default_rng(0), 1, maxpool2d(2), RELU)
    silent = Layer(lambda p, x: conv2d_forward(p, x, padding=1), conv2d_backward)
    found = reduce(params, float(np.sqrt((x**2).sum(axis=(1, 2, 3)).max())), layers=(*layers[:3], silent, *layers[4:]))
    y = network_forward(layers, params, x)[0]
    assert np.abs(network_forward(layers, found, x)[0] - y).max() < 1e-12 * np.abs(y).max()


def test_a_flat_domain_still_has_a_direction():
    line = np.array([[0.1, 0.1], [0.7, 0.7], [0.35, 0.35]])
    across = ([[1.0, -1.0]], [5.0], [1.0], 0.3)
    found = reduce(across, support_points(line), output_bias=False)
    assert np.abs(value(found, line) - value(across, line)).max() < 1e-14
    side = ([[1.0, 0.0]], [-9.0], [1.0], 0.5)
    edge = reduce(side, support_box([1.0, 0.0], [1.0, 1.0]), output_bias=False)
    ends = np.array([[1.0, 0.0], [1.0, 1.0]])
    assert np.abs(value(edge, ends) - 0.5).max() < 1e-15


def test_subnormal_rows_come_out_of_unit_length():
    for W in ([[1e-320, 1e-320]], [[5e-324, 1e-323]]):
        found = reduce((W, [0.0], [1.0], 0.0), 1.0)
        assert np.abs(row_norms(found[0]) - 1).max() < 1e-15
        assert np.abs(row_norms(project((W, [0.0], [1.0], 0.0), 1.0)[0]) - 1).max() < 1e-15


def test_arithmetic_stays_exact_with_every_kind_of_domain():
    exact = (np.array([[Fraction(3, 5), Fraction(4, 5)], [Fraction(-1), Fraction(0)]], dtype=object), [9, 0], [1, 1], 0)
    for domain in (
        Fraction(1),
        1,
        0.5,
        np.float32(1),
        support_ball(Fraction(1)),
        support_box([-1, -1], [1, 1]),
        support_points(np.eye(2)),
    ):
        found = reduce(exact, domain)
        assert all(isinstance(y, (int, Fraction)) for part in found for y in np.ravel(np.asarray(part, dtype=object)))
    assert (
        support_box(np.array([Fraction(-1, 3)], dtype=object), np.array([Fraction(1, 3)], dtype=object))(np.ones((1, 1))) == 1 / 3
    )
    with pytest.raises(TypeError, match=r"radius: thresholds from it: expected ints and fractions\.Fraction"):
        reduce(exact, lambda w: np.full(len(w), 1.0))
    big = np.empty((1, 1), dtype=object)
    big[0, 0] = np.int64(4_000_000_000)
    assert reduce((big, [0], [1], 0), 1)[2].tolist() == [4_000_000_000]


def test_mixed_precision_is_the_wider_one_and_lengths_must_be_floats():
    params = (np.array([[3.0, 4.0]]), np.zeros(1), np.ones(1, np.float32), np.float32(0))
    assert all(np.asarray(part).dtype == np.float64 for part in reduce(params, 1.0))
    with pytest.raises(OverflowError, match="params: expected lengths of neurons below"):
        restore((np.array([[1.7e308, 1.7e308]]), np.zeros(1), np.array([1.0]), 0.0))


def test_nothing_returned_is_the_callers():
    params = (Dense(np.eye(2), np.zeros(2)), np.array([0.3, 0.2]), Dense(np.ones((1, 2)), np.zeros(1)))
    for back in (reduce(params, 1.0, "prelu_per_channel"), restore(params, "prelu_per_channel"), project(params, 1.0)):
        assert not any(np.shares_memory(a, b) for a, b in zip(arrays(back), arrays(params), strict=True))


def arrays(params):
    return [a for _, a in leaves(params, "params")]
