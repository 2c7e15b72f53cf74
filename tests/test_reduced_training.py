"""Training in the reduced space: doors, extremes, and runs. The geometry and the identities are claimed from R9 on.

Tolerances of 1e-12 and less that have no remark are some rounding units of the largest number that is added.
"""

from typing import Any

import mpmath
import numpy as np
import pytest
from scipy.optimize import minimize, minimize_scalar

from refimpl.gradcheck import check_backward, check_gradient
from refimpl.nn import Conv2d, Dense, mlp, objective, squared_backward, squared_forward
from refimpl.nn.shallow import Shallow
from refimpl.optim import adam, gradient_descent, minimise, train
from refimpl.papers import born_infeld
from refimpl.papers import reduced_space as rs
from refimpl.papers.reduced_space.training.layout import hidden_layers
from refimpl.papers.reduced_space.training.optimisers import transported
from refimpl.params import ravel, total

SQUARED = (squared_forward, squared_backward)
X = 1.5


def network(widths=(3, 5, 1), activation="relu", seed=0, X=X):
    """theta in the reduced space, unravel, and a loss on 30 samples."""
    rng = np.random.default_rng(seed)
    layers, params = mlp(widths, activation, rng)
    theta, unravel = ravel(params)
    theta, _ = rs.reparametrise_forward(rng.normal(size=len(theta)), unravel)
    for _, b, *_ in hidden_layers(unravel):
        theta[b] = rng.uniform(-X, X, len(b))
    x, y = rng.normal(size=(30, widths[0])), rng.normal(size=(30, widths[-1]))
    return theta, unravel, objective(layers, unravel, SQUARED, x, y)


def norms_off(theta, unravel):
    return max(float(np.max(np.abs(np.sqrt(np.sum(theta[W] ** 2, axis=1)) - 1))) for W, *_ in hidden_layers(unravel))


def every_optimiser(rate, unravel, radius):
    for move in ("retract", "geodesic"):
        for thresholds in ("clip", "fold"):
            for make in (rs.riemannian_descent, rs.riemannian_momentum, rs.riemannian_adam):
                yield make(rate, unravel, radius, move, thresholds)
    yield rs.projected_descent(rate, unravel, radius)


NAMES = [
    f"{kind}-{move}-{walls}"
    for move in ("retract", "geodesic")
    for walls in ("clip", "fold")
    for kind in ("descent", "momentum", "adam")
] + ["projected"]
every = pytest.mark.parametrize("k", range(len(NAMES)), ids=NAMES)


# ---- where things are
def test_the_forms_of_parameters_have_the_same_places():
    W, b, v, c, a = np.arange(6.0).reshape(3, 2), np.arange(3.0), np.arange(3.0) + 9, np.array(5.0), np.ones(2)
    forms = [(Dense(W, b), (), Dense(v[None], np.array([5.0]))), Shallow(W, b, v, c), Shallow(W, b, v, c, a), (W, b, v, c)]
    for params in forms:
        theta, unravel = ravel(params)
        (layer,) = hidden_layers(unravel, 2)
        np.testing.assert_array_equal(theta[layer.W], W)
        np.testing.assert_array_equal(theta[layer.b], b)
        np.testing.assert_array_equal(theta[layer.out], v[None])
        assert layer.radius == 2.0


def test_deep_networks_slopes_and_empty_layers():
    theta, unravel = ravel(mlp([2, 3, 4, 2], "prelu_per_channel", np.random.default_rng(0))[1])
    first, second = hidden_layers(unravel, [1, 2])
    assert (first.radius, second.radius) == (1.0, 2.0)
    np.testing.assert_array_equal(first.out, second.W)
    slopes = unravel(np.arange(len(theta)))[1]
    for layer in (first, second):
        assert not np.isin(slopes, np.concatenate([layer.W.ravel(), layer.b])).any()
    theta, unravel = ravel(Shallow(np.zeros((0, 2)), np.zeros(0), np.zeros(0), np.array(3.0)))
    descent = rs.riemannian_descent(0.5, unravel, 1)
    assert descent.step(theta, np.array([1.0]), descent.init(theta))[0].tolist() == [2.5]
    assert rs.reduced_motion(unravel, 1).drift(theta, np.array([1.0]), 2.0)[0].tolist() == [5.0]


@pytest.mark.parametrize(
    "params",
    [
        np.zeros(3),
        {"W": np.zeros((2, 2))},
        Dense(np.zeros((2, 2)), np.zeros(2)),
        (),
        (Dense(np.zeros((2, 2)), np.zeros(2)),),
        (Dense(np.zeros((2, 2)), np.zeros(2)), Dense(np.zeros((1, 2)), np.zeros(1))),
        (Conv2d(np.zeros((2, 1, 3, 3)), np.zeros(2)), (), Dense(np.zeros((1, 2)), np.zeros(1))),
        (Dense(np.zeros((2, 2)), np.zeros(2)), (np.zeros(2),), Dense(np.zeros((1, 2)), np.zeros(1))),
        (Dense(np.zeros((2, 2)), np.zeros(3)), (), Dense(np.zeros((1, 2)), np.zeros(1))),
        (Dense(np.zeros((2, 2)), np.zeros(2)), (), Dense(np.zeros((1, 3)), np.zeros(1))),
        (np.zeros((2, 2)), np.zeros(2), np.zeros((1, 2)), np.zeros(())),
    ],
)
def test_other_parameters_are_refused(params):
    with pytest.raises(ValueError, match=r"^unravel: expected "):
        rs.riemannian_adam(0.1, ravel(params)[1], 1.0)


@pytest.mark.parametrize(
    ("radius", "message"),
    [
        (-1, "expected finite numbers >= 0, got -1"),
        (np.nan, "expected finite numbers >= 0"),
        (np.inf, "expected finite numbers >= 0"),
        ([1, 2, 3], r"expected a number, or one for each of 2 hidden layers, got shape \(3,\)"),
        ([[1, 2]], r"expected a number, or one for each of 2 hidden layers"),
    ],
)
def test_radii_are_checked(radius, message):
    _, unravel, J = network((2, 3, 3, 1))
    doors = [
        lambda: rs.riemannian_descent(0.1, unravel, radius),
        lambda: rs.projected_descent(0.1, unravel, radius),
        lambda: rs.keep_thresholds(adam(), unravel, radius),
        lambda: rs.box_bounds(unravel, radius),
        lambda: rs.reduced_objective(J, unravel, thresholds="tanh", radius=radius),
        lambda: rs.kkt_measure(J, unravel, radius),
        lambda: rs.repulsion_objective(unravel, radius),
    ]
    for door in doors:
        with pytest.raises(ValueError, match=f"^radius: {message}"):
            door()


# ---- thresholds
def reflected(b, X):
    sign = 1
    while abs(b) > X:
        b, sign = (2 * X - b if b > X else -2 * X - b), -sign
    return b, sign


def test_fold_is_repeated_reflection_also_at_the_walls():
    for X in (0.25, 1.0, 1.5):  # binary fractions: both ways are exact
        b = np.arange(-80, 81) / 8 * X
        got, sign = rs.fold(b, X)
        expected: Any = np.array([reflected(value, X) for value in b])
        np.testing.assert_array_equal(got, expected[:, 0])
        np.testing.assert_array_equal(sign, expected[:, 1])
    inside = np.random.default_rng(0).uniform(-0.3, 0.3, 100)
    assert rs.fold(inside, 0.3)[0].tobytes() == inside.tobytes()
    far, _ = rs.fold(np.random.default_rng(1).normal(size=1000) * 1e6, 0.3)
    assert np.all(np.abs(far) <= 0.3)
    assert rs.fold([0.5, -2.0], 0)[0].tolist() == [0, 0]
    np.testing.assert_array_equal(rs.fold([0.5 + 1e-30j, 1.25 + 1e-30j], 1.0)[0].imag, [1e-30, -1e-30])


def test_squash_keeps_its_digits_and_is_undone():
    s = np.array([0.0, 1e-300, 1e-3, -0.7, 5.0, -15.0, 40.0, 300.0])
    b, slope = rs.squash(s, 2.0)
    with mpmath.workdps(60):
        np.testing.assert_allclose(b, [float(2 * mpmath.tanh(v)) for v in s], rtol=4e-16, atol=0)
        # the exponential's argument is exact: some rounding units of e, squared
        np.testing.assert_allclose(slope, [float(2 * mpmath.sech(v) ** 2) for v in s], rtol=2e-15, atol=0)
    np.testing.assert_allclose(rs.unsquash(b[:5], 2.0), s[:5], rtol=1e-11)  # at s = 5, 1 − tanh²s = 2e-4 eats 4 digits
    np.testing.assert_allclose(rs.squash(s[:5] + 1e-30j, 2.0)[0].imag / 1e-30, slope[:5], rtol=1e-14)
    assert rs.squash(np.array([0.5], np.float32), 2.0)[1].dtype == np.float32


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: rs.fold([0.0, np.nan], 1), ValueError, "b: expected finite numbers, got nan at index"),
        (lambda: rs.fold([0.0], -1), ValueError, r"radius: expected a number in \[0, inf\), got -1"),
        (lambda: rs.fold([0.0], np.inf), ValueError, "radius: "),
        (lambda: rs.fold(["a"], 1), TypeError, "b: "),
        (lambda: rs.squash([1.0], np.nan), ValueError, "radius: "),
        (lambda: rs.unsquash([0.0], 0), ValueError, r"radius: expected a number in \(0, inf\), got 0"),
        (lambda: rs.unsquash([0.0, -2.0], 2), ValueError, r"b: expected thresholds inside \(-2, 2\).* got -2"),
        (lambda: rs.unsquash([np.nan], 2), ValueError, "b: "),
    ],
)
def test_thresholds_are_checked(call, error, message):
    with pytest.raises(error, match=f"^{message}"):
        call()


# ---- optimisers
@every
@pytest.mark.parametrize("widths", [(1, 6, 1), (3, 5, 1), (2, 4, 3, 2)], ids=["line", "shallow", "deep"])
def test_the_space_is_never_left_and_the_loss_falls(k, widths):
    theta, unravel, J = network(widths)
    optimiser = list(every_optimiser(0.02, unravel, X))[k]
    end = minimise(J, theta, optimiser, 100)
    assert norms_off(end.theta, unravel) <= 1e-15
    for W, b, *_ in hidden_layers(unravel):
        assert np.all(np.abs(end.theta[b]) <= X)
        if widths[0] == 1:
            np.testing.assert_array_equal(end.theta[W], theta[W])  # signs
    assert end.values[-1] < 0.9 * end.values[0]
    at, v = theta, optimiser.init(theta)
    for _ in range(5):
        at, v = optimiser.step(at, J(at)[1], v)
    for buffer in v[1:2]:
        for W, *_ in hidden_layers(unravel):
            radial = np.abs(np.sum(buffer[W] * at[W], axis=1))
            assert np.all(radial <= 1e-15 * np.max(np.abs(buffer)))


@every
def test_state_is_a_value_and_float32_stays(k):
    theta, unravel, J = network()
    theta.flags.writeable = False
    g = J(theta)[1]
    g.flags.writeable = False
    optimiser = list(every_optimiser(0.1, unravel, X))[k]
    start = optimiser.init(theta)
    first, state = optimiser.step(theta, g, start)
    assert first.tobytes() == optimiser.step(theta, g, start)[0].tobytes()
    assert (start.t, state.t) == (0, 1)
    assert not any(np.any(buffer) for buffer in start[1:])
    assert not np.shares_memory(first, theta)
    single = theta.astype(np.float32)
    moved, state = optimiser.step(single, g, optimiser.init(single))
    assert all(a.dtype == np.float32 for a in (moved, *state[1:]))
    np.testing.assert_allclose(moved, first, atol=2e-6)  # some 20 roundings of numbers up to 2


@every
def test_without_a_gradient_nothing_moves(k):
    theta, unravel, _ = network()
    theta[hidden_layers(unravel)[0].W] = np.eye(3)[[0, 1, 2, 0, 1]]
    optimiser = list(every_optimiser(0.1, unravel, X))[k]
    np.testing.assert_array_equal(optimiser.step(theta, np.zeros(len(theta)), optimiser.init(theta))[0], theta)


@every
def test_radius_zero_keeps_thresholds_at_zero_and_none_has_no_walls(k):
    theta, unravel, J = network()
    (layer,) = hidden_layers(unravel)
    optimiser, free = (list(every_optimiser(0.1, unravel, radius))[k] for radius in (0, None))
    with pytest.raises(ValueError, match=r"^theta: expected thresholds in \[0, 0\].* at params\[0\].b\[0\]"):
        optimiser.init(theta)
    g = np.zeros(len(theta))
    g[layer.b] = 1e3
    moved, _ = free.step(theta, g, free.init(theta))
    assert np.all(np.abs(moved[layer.b] - theta[layer.b]) > 0.09)  # η, or η g
    theta[layer.b] = 0
    end = minimise(J, theta, optimiser, 20)
    assert not end.theta[layer.b].any()
    assert end.values[-1] < end.values[0]


@every
def test_nan_is_not_hidden(k):
    theta, unravel, _ = network()
    optimiser = list(every_optimiser(0.1, unravel, X))[k]
    (layer,) = hidden_layers(unravel)
    g = np.zeros(len(theta))
    g[[layer.W[1, 0], layer.b[2], layer.out[0, 3]]] = np.nan
    moved, _ = optimiser.step(theta, g, optimiser.init(theta))
    expected = np.zeros(len(theta), bool)
    expected[[*layer.W[1], layer.b[2], layer.out[0, 3]]] = True
    np.testing.assert_array_equal(np.isnan(moved), expected)


def test_points_outside_the_space_are_refused_by_name():
    theta, unravel, J = network()
    (layer,) = hidden_layers(unravel)
    long, outside, nan = theta.copy(), theta.copy(), theta.copy()
    long[layer.W[2]] *= 3
    outside[layer.b[4]] = -1.6
    nan[layer.W[0, 0]] = np.nan
    for optimiser in every_optimiser(0.1, unravel, X):
        with pytest.raises(
            ValueError, match=r"^theta: expected neurons of unit length .*got 3 in the row of params\[0\].W\[2, 0\]"
        ):
            optimiser.init(long)
        with pytest.raises(ValueError, match=r"^theta: expected thresholds in \[-1.5, 1.5\] .*got -1.6 at params\[0\].b\[4\]"):
            optimiser.init(outside)
        with pytest.raises(ValueError, match=r"^theta: expected neurons of unit length"):
            optimiser.init(nan)
        with pytest.raises(ValueError, match=r"^theta: expected shape \(26,\), got \(25,\)"):
            optimiser.init(theta[1:])
        with pytest.raises(ValueError, match=r"^gradient: expected the shape of theta"):
            optimiser.step(theta, theta[1:], optimiser.init(theta))
    for call in (lambda: rs.riemannian_gradient(long, theta, unravel), lambda: rs.kkt_residual(long, theta, unravel, X)):
        with pytest.raises(ValueError, match=r"^theta: expected neurons of unit length"):
            call()
    zeros = r"^phi: expected neurons that are not zero, got zeros in the row of params\[0\].W\[0, 0\]"
    with pytest.raises(ValueError, match=zeros):
        rs.reparametrise_forward(0 * theta, unravel)
    with pytest.raises(ValueError, match=zeros):
        rs.reduced_objective(J, unravel)(0 * theta)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda un: rs.riemannian_descent(0, un, 1), r"rate: expected a number in \(0, inf\), got 0"),
        (lambda un: rs.riemannian_descent(0.1, un, 1, "exp"), "move: expected one of retract, geodesic, got 'exp'"),
        (lambda un: rs.riemannian_adam(0.1, un, 1, "retract", "tanh"), "thresholds: expected one of clip, fold, got 'tanh'"),
        (lambda un: rs.riemannian_momentum(0.1, un, 1, beta=1), "beta: "),
        (lambda un: rs.riemannian_adam(0.1, un, 1, beta2=-1), "beta2: "),
        (lambda un: rs.riemannian_adam(0.1, un, 1, eps=0), "eps: "),
        (
            lambda un: rs.reduced_objective(toy, un, "sphere"),
            "parametrisation: expected one of directions, unit, got 'sphere'",
        ),
        (lambda un: rs.reduced_objective(toy, un, thresholds="fold"), "thresholds: expected one of clip, tanh, got 'fold'"),
        (lambda un: rs.reduced_objective(toy, un, thresholds="tanh"), "radius: .* got None"),
        (lambda un: rs.stop_below(lambda t: 1.0, 0), "tolerance: "),
        (lambda un: rs.weight_decay_reduced(un, -1), r"rate: expected a number in \[0, inf\), got -1"),
    ],
)
def test_options_are_checked(make, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        make(network()[1])


def test_what_is_no_unravel_is_refused():
    with pytest.raises(TypeError, match=r"^optimiser: expected \(init, step\)"):
        rs.keep_thresholds(adam, network()[1], 1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"^unravel: expected what refimpl.params.ravel returns beside theta, got list"):
        rs.riemannian_descent(0.1, [1.0], 1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"^objective: expected theta -> \(value, gradient\), got float"):
        rs.reduced_objective(1.0, network()[1])  # type: ignore[arg-type]


def test_rates_are_those_of_the_other_optimisers():
    theta, unravel, J = network()
    g = J(theta)[1]
    (layer,) = hidden_layers(unravel)
    once = rs.riemannian_descent(0.2, unravel, X)
    expected, _ = once.step(theta, g, once.init(theta))
    for rate in (lambda t: 0.2 / (1 + t), np.full(len(theta), 0.2)):
        optimiser = rs.riemannian_descent(rate, unravel, X)
        # the array's tangent part is taken once more, which can change a last bit
        np.testing.assert_allclose(optimiser.step(theta, g, optimiser.init(theta))[0], expected, rtol=0, atol=1e-15)
    uneven = np.linspace(0, 1, len(theta))
    optimiser = rs.riemannian_descent(uneven, unravel, X)
    assert norms_off(optimiser.step(theta, g, optimiser.init(theta))[0], unravel) <= 1e-15
    still = np.full(len(theta), 0.2)
    still[layer.W] = 0
    optimiser = rs.riemannian_descent(still, unravel, X)
    np.testing.assert_allclose(optimiser.step(theta, g, optimiser.init(theta))[0][layer.W], theta[layer.W], rtol=0, atol=1e-15)


def test_adams_first_step_turns_every_neuron_by_the_rate():
    theta, unravel, _ = network((3, 50, 1))
    g = np.random.default_rng(1).normal(size=len(theta)) * 1e3
    optimiser = rs.riemannian_adam(0.01, unravel, 10.0, "geodesic")
    (layer,) = hidden_layers(unravel)
    moved, _ = optimiser.step(theta, g, optimiser.init(theta))
    cosine = np.sum(theta[layer.W] * moved[layer.W], axis=1)
    np.testing.assert_allclose(np.arccos(cosine), 0.01, rtol=1e-9)  # arccos near 1 has 12 of 16 digits at 1e-2; ε/|g| is 1e-11


def test_parallel_transport_keeps_lengths_angles_and_the_velocity():
    rng = np.random.default_rng(0)
    u = rs.reparametrise_forward(rng.normal(size=26), network()[1])[0][:15].reshape(5, 3)
    v, x, y = (a - u * np.sum(a * u, axis=1, keepdims=True) for a in rng.normal(size=(3, 5, 3)))
    v[0] = 0
    theta = np.sqrt(np.sum(v * v, axis=1, keepdims=True))
    arrived = np.cos(theta) * u + np.sinc(theta / np.pi) * v
    there = {name: transported(u, v, a) for name, a in {"v": v, "x": x, "y": y}.items()}
    for name in there:
        np.testing.assert_allclose(np.sum(there[name] * arrived, axis=1), 0, atol=4e-15)  # tangent: entries of order 2
    np.testing.assert_allclose(np.sum(there["x"] * there["y"], axis=1), np.sum(x * y, axis=1), atol=1e-14)
    np.testing.assert_allclose(there["v"], np.cos(theta) * v - np.sin(theta) * theta * u, atol=4e-15)
    np.testing.assert_array_equal(there["x"][0], x[0])


def test_momentum_turns_round_at_a_folding_wall():
    theta, unravel = ravel(Shallow(np.array([[1.0]]), np.array([0.9]), np.array([1.0]), np.array(0.0)))
    g = np.array([0.0, -1.0, 0.0, 0.0])
    for make, state in ((rs.riemannian_momentum, 1.0), (rs.riemannian_adam, 0.1)):  # v = −g; m = (1 − β₁)(−g)
        for thresholds, b, sign in (("clip", 1.0, -1), ("fold", 0.9, 1)):
            optimiser = make(0.2, unravel, 1, "retract", thresholds)
            moved, after = optimiser.step(theta, g, optimiser.init(theta))
            np.testing.assert_allclose(moved[1], b, rtol=1e-8)  # ε/|g|
            np.testing.assert_allclose(after[1][1], sign * state, rtol=1e-15)


# ---- reparametrisation
@pytest.mark.parametrize("thresholds", ["clip", "tanh"])
@pytest.mark.parametrize("widths", [(1, 4, 1), (3, 4, 3, 2)])
def test_the_pair_and_the_objective_have_the_right_gradients(thresholds, widths):
    theta, unravel, J = network(widths, activation="tanh", X=0.9 * X)
    phi = rs.free_parameters(theta, unravel, thresholds, X)
    np.testing.assert_allclose(rs.reparametrise_forward(phi, unravel, "directions", thresholds, X)[0], theta, rtol=0, atol=1e-15)
    for W, *_ in hidden_layers(unravel):
        phi[W] *= np.linspace(0.1, 5, len(W))[:, None]

    def forward(phi):
        return rs.reparametrise_forward(phi, unravel, "directions", thresholds, X)

    report = check_backward(forward, rs.reparametrise_backward, (phi,), np.random.default_rng(0))
    assert report.ok, report
    report = check_gradient(rs.reduced_objective(J, unravel, thresholds=thresholds, radius=X), phi)
    assert report.ok, report


def test_unit_weights_with_tanh_thresholds_run_on_the_sphere():
    theta, unravel, J = network(X=0.45)
    (layer,) = hidden_layers(unravel)
    free = rs.reduced_objective(J, unravel, "unit", "tanh", 0.5)
    end = minimise(free, rs.free_parameters(theta, unravel, "tanh", 0.5), rs.riemannian_adam(0.05, unravel, None), 200)
    assert norms_off(end.theta, unravel) <= 1e-15
    assert np.any(np.abs(end.theta[layer.b]) > 0.5)  # s has no walls, b = X tanh s does
    reached = rs.reparametrise_forward(end.theta, unravel, "unit", "tanh", 0.5)[0]
    assert np.all(np.abs(reached[layer.b]) <= 0.5)
    assert J(reached)[0] == end.values[-1] < 0.9 * end.values[0]


def test_a_wall_has_no_s():
    theta, unravel, _ = network()
    theta[hidden_layers(unravel)[0].b[1]] = X
    with pytest.raises(ValueError, match=r"^b: expected thresholds inside \(-1.5, 1.5\)"):
        rs.free_parameters(theta, unravel, "tanh", X)
    assert rs.free_parameters(theta, unravel).tobytes() == theta.tobytes()


def test_any_optimiser_keeps_thresholds():
    theta, unravel, J = network()
    (layer,) = hidden_layers(unravel)
    kept = rs.keep_thresholds(gradient_descent(0.05), unravel, 0.1 * X)
    theta[layer.b] *= 0.1
    end = minimise(rs.reduced_objective(J, unravel), theta, kept, 200)
    assert np.max(np.abs(end.theta[layer.b])) == 0.1 * X
    assert end.values[-1] < end.values[0]
    bounds = rs.box_bounds(unravel, X)
    assert [k for k, bound in enumerate(bounds) if bound == (-X, X)] == layer.b.tolist()
    assert bounds.count((None, None)) == len(theta) - len(layer.b)


# ---- stopping: a toy with a known optimum, w along a, b_0 held at the wall, b_1 inside, c = 0
A = np.array([[3.0, 4.0], [0.0, -2.0]])
TOY_THETA, TOY_UNRAVEL = ravel(Shallow(np.array([[1.0, 0.0], [0.6, 0.8]]), np.zeros(2), np.array([0.5, -0.5]), np.array(1.0)))
TOY_OPTIMUM = np.array([0.6, 0.8, 0.0, -1.0, 1.0, 0.25, 0.0, 0.0, 0.0])


def toy(theta):
    w, b, rest = theta[:4], theta[4:6], theta[6:]
    wish = np.array([2.0, 0.25])
    value = -w @ A.ravel() + 0.5 * (b - wish) @ (b - wish) + 0.5 * rest @ rest
    return value, np.concatenate([-A.ravel(), b - wish, rest])


def test_the_residual_says_what_is_left_and_only_that():
    at = lambda theta: rs.kkt_residual(theta, toy(theta)[1], TOY_UNRAVEL, 1)  # noqa: E731
    assert at(TOY_OPTIMUM) <= 1e-15
    for where, by, left in [(4, -0.1, 1.1), (4, -2.0, 3.0), (5, 0.1, 0.1), (8, -0.3, 0.3)]:
        moved = TOY_OPTIMUM.copy()
        moved[where] += by
        np.testing.assert_allclose(at(moved), left, rtol=1e-14)  # at the lower wall G_b < 0 counts
    turned = TOY_OPTIMUM.copy()
    turned[2:4] = 1, 0
    np.testing.assert_allclose(at(turned), 2.0, rtol=1e-15)  # a is at right angles
    g = np.zeros(9)
    g[4] = 1e-3  # at the upper wall descent would lead inside
    np.testing.assert_allclose(rs.kkt_residual(TOY_OPTIMUM, g, TOY_UNRAVEL, 1), 1e-3)
    assert rs.kkt_residual(TOY_OPTIMUM, -g, TOY_UNRAVEL, 1) == 0
    assert rs.kkt_residual(TOY_OPTIMUM, -g, TOY_UNRAVEL, None) == 1e-3
    still = TOY_OPTIMUM.copy()
    still[4:6] = 0
    assert rs.kkt_residual(still, -g, TOY_UNRAVEL, 0) == 0
    assert np.isnan(rs.kkt_residual(TOY_OPTIMUM, np.nan * g, TOY_UNRAVEL, 1))


@every
def test_the_training_loop_stops_by_it(k):
    radius, optimum = 1.0, TOY_OPTIMUM
    if "fold" in NAMES[k]:  # a threshold bounces at a folding wall for ever: let the optimum be inside
        radius, optimum = 4.0, np.concatenate([TOY_OPTIMUM[:4], [2.0, 0.25, 0, 0, 0]])
    rate = 0.05 if "adam" in NAMES[k] else 0.1
    optimiser = list(every_optimiser(rate, TOY_UNRAVEL, radius))[k]
    measure = rs.kkt_measure(toy, TOY_UNRAVEL, radius)
    run = train(lambda rows: toy, TOY_THETA, optimiser, 1, epochs=1000, measure=measure, target=lambda row: row.measured <= 1e-5)
    assert run.status == "target"
    assert run.history[-1].measured <= 1e-5 < run.history[-2].measured
    np.testing.assert_allclose(run.theta, optimum, rtol=0, atol=1e-5)  # slopes of at least 1 around it


@pytest.mark.parametrize("thresholds", ["clip", "tanh"])
def test_l_bfgs_b_stops_by_it(thresholds):
    J = toy if thresholds == "clip" else lambda theta: toy(theta + 1.5 * np.eye(9)[4])  # tanh never is at a wall: b_0 = 0.5
    measure = rs.kkt_measure(J, TOY_UNRAVEL, 1, thresholds)
    bounds = rs.box_bounds(TOY_UNRAVEL, 1) if thresholds == "clip" else None
    seen: list[float] = []

    def callback(phi):
        seen.append(measure(phi))
        rs.stop_below(measure, 1e-3)(phi)

    phi = rs.free_parameters(TOY_THETA, TOY_UNRAVEL, thresholds, 1)
    free = rs.reduced_objective(J, TOY_UNRAVEL, thresholds=thresholds, radius=1)
    end = minimize(free, phi, jac=True, bounds=bounds, method="L-BFGS-B", callback=callback)
    assert seen[-1] <= 1e-3 < min(seen[:-1])
    assert end.nit == len(seen)
    theta, _ = rs.reparametrise_forward(end.x, TOY_UNRAVEL, "directions", thresholds, 1)
    expected = TOY_OPTIMUM if thresholds == "clip" else np.concatenate([TOY_OPTIMUM[:4], [0.5, 0.25, 0, 0, 0]])
    np.testing.assert_allclose(theta, expected, rtol=0, atol=2e-3)


# ---- Born-Infeld dynamics on the reduced space
@pytest.mark.parametrize("widths", [(1, 4, 1), (3, 5, 1), (2, 4, 3, 1)])
def test_born_infeld_stays_in_the_space_and_keeps_its_energy(widths):
    theta, unravel, J = network(widths)
    for _, b, *_ in hidden_layers(unravel):
        theta[b] = X * (-1.0) ** np.arange(len(b))  # at the walls
    for radius in (X, None):
        space, furthest = rs.reduced_motion(unravel, radius), 0.0
        state = born_infeld.start(J, theta, extra_energy=10.0, space=space)
        for _ in range(200):
            state = born_infeld.bbi_step(J, state, 0.02, space=space)
            assert abs(born_infeld.hamiltonian(state) / state.E - 1) < 0.05  # of first order in the step, 0.02
            for W, b, *_ in hidden_layers(unravel):
                furthest = max(furthest, np.max(np.abs(state.theta[b])))
                assert np.all(np.abs(np.sum(state.pi[W] * state.theta[W], axis=1)) <= 1e-14 * np.max(np.abs(state.pi)))
        assert norms_off(state.theta, unravel) <= 1e-15
        assert (furthest <= X) == (radius is not None)  # without walls it leaves


def test_free_motion_keeps_the_speed_of_every_part():
    theta, unravel, _ = network((3, 5, 1))
    (layer,) = hidden_layers(unravel)
    rng = np.random.default_rng(1)
    for radius in (X, None):
        space = rs.reduced_motion(unravel, radius)
        space.check(theta)
        pi = space.tangent(theta, rng.normal(size=len(theta)))
        there, after = space.drift(theta, pi, 7.0)
        for places in (layer.W, layer.b[:, None], layer.out.T):
            np.testing.assert_allclose(np.sum(after[places] ** 2, axis=1), np.sum(pi[places] ** 2, axis=1), rtol=1e-14)
        b = theta[layer.b] + 7 * pi[layer.b]
        np.testing.assert_allclose(there[layer.b], b if radius is None else rs.fold(b, X)[0], rtol=0, atol=1e-14)
        np.testing.assert_array_equal(after[layer.b], pi[layer.b] * (1 if radius is None else rs.fold(b, X)[1]))
        np.testing.assert_array_equal(there[-1], theta[-1] + 7 * pi[-1])


def test_what_cannot_move_stays():
    theta, unravel, _ = network((1, 4, 1))
    (layer,) = hidden_layers(unravel)
    space = rs.reduced_motion(unravel, 0)
    with pytest.raises(ValueError, match=r"^theta: expected entries of absolute value 0 there"):
        space.check(theta)
    theta[layer.b] = 0
    space.check(theta)
    there, after = space.drift(theta, np.ones(len(theta)), 1.0)
    np.testing.assert_array_equal(there, theta + after)  # after is 1 for all that is free
    assert after.sum() == len(layer.b) + 1
    assert not space.tangent(theta, np.ones(len(theta)))[layer.W].any()


# ---- identities
def test_the_reduced_gradient_is_the_gradient_there():
    rng = np.random.default_rng(3)
    for widths, activation in [((3, 5, 1), "relu"), ((2, 4, 3, 2), "leaky_relu"), ((1, 4, 1), "prelu")]:
        layers, params = mlp(widths, activation, rng)
        theta, unravel = ravel(params)
        theta = np.where(theta == 0, 0.1 * rng.normal(size=len(theta)), theta)
        J = objective(layers, unravel, SQUARED, rng.normal(size=(20, widths[0])), rng.normal(size=(20, widths[-1])))
        params, gradient = unravel(theta), unravel(J(theta)[1])
        reduced = rs.reduce(params, 1e6, activation)  # nothing is saturated
        expected = rs.riemannian_gradient(ravel(reduced)[0], J(ravel(reduced)[0])[1], unravel)
        np.testing.assert_allclose(ravel(rs.reduced_gradient(params, gradient))[0], expected, rtol=1e-12, atol=1e-14)
        left, right = rs.homogeneity_identity(params, gradient)
        assert left.shape == (sum(widths[1:-1]),)
        np.testing.assert_allclose(left, right, rtol=1e-12, atol=1e-14)
        assert np.max(np.abs(left)) > 1e-3


def test_identities_check_what_they_get():
    params = mlp([2, 3, 1], "relu", np.random.default_rng(0))[1]
    zero = (Dense(params[0].W * [[1], [0], [1]], params[0].b), (), params[2])
    with pytest.raises(ValueError, match=r"^params: expected neurons that are not zero, .* params\[0\].W\[1, 0\]"):
        rs.reduced_gradient(zero, params)
    for f in (rs.reduced_gradient, rs.homogeneity_identity):
        with pytest.raises(ValueError, match=r"^gradient: expected the nesting and the shapes of params"):
            f(params, params[0])
        with pytest.raises(ValueError, match=r"^gradient: expected the nesting and the shapes of params"):
            f(params, mlp([2, 4, 1], "relu", np.random.default_rng(0))[1])


def test_weight_decay_is_the_least_over_all_scales():
    for outputs in (1, 2):
        theta, unravel, _ = network((3, 5, outputs))
        value, _ = rs.weight_decay_reduced(unravel, 0.3)(theta)
        (layer,) = hidden_layers(unravel)

        def decay(log_s, w, c):
            s = np.exp(log_s)
            return 0.15 * (s**2 * w @ w + c @ c / s**2)

        least = [minimize_scalar(decay, args=(theta[layer.W[j]], theta[layer.out[:, j]])).fun for j in range(5)]
        np.testing.assert_allclose(value, sum(least), rtol=1e-12)  # flat at the minimum: the square of its 1e-8
        report = check_gradient(rs.weight_decay_reduced(unravel, 0.3), theta)
        assert report.ok, report
        theta[layer.out[:, 2]] = 0
        assert not rs.weight_decay_reduced(unravel, 0.3)(theta)[1][layer.out[:, 2]].any()
    with pytest.raises(ValueError, match=r"^unravel: expected that of one hidden layer, got 2"):
        rs.weight_decay_reduced(network((2, 3, 3, 1))[1], 1)


# ---- variable projection
def samples(d=2, n=40, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (n, d))
    return x, np.sin(3 * x.sum(axis=1)), rng


@pytest.mark.parametrize("d", [1, 2, 4])
def test_variable_projection_solves_for_the_rest(d):
    x, y, rng = samples(d)
    best = rs.variable_projection(x, y, 2.0, 6, ridge=1e-3)
    phi = rng.normal(size=6 * (d + 1))
    value, gradient = best.objective(phi)
    hidden, _, last = best.network(phi)
    np.testing.assert_allclose(np.sum(hidden.W**2, axis=1), 1, rtol=1e-15)

    def regularised(c):
        r = np.maximum(x @ hidden.W.T + hidden.b, 0) @ c[:6] + c[6] - y
        return r @ r / len(y) + 1e-3 * c @ c

    c = np.append(last.W[0], last.b)
    np.testing.assert_allclose(value, regularised(c), rtol=1e-14)
    for direction in rng.normal(size=(5, 7)):  # a parabola with its least value at c: (f(1) − f(−1))/2 is its slope
        assert abs(regularised(c + direction) - regularised(c - direction)) <= 1e-13 * regularised(c + direction)
    report = check_gradient(best.objective, phi)
    assert report.ok, report
    if d == 1:
        assert not gradient[:6].any()


def test_variable_projection_bears_neurons_that_coincide_or_see_nothing():
    x, y, _ = samples()
    best = rs.variable_projection(x, y[:, None], 5.0, 4)
    phi = ravel(Dense(np.array([[1.0, 0], [1, 0], [0, 1], [0, 1]]), np.array([0.3, 0.3, -5, -5])))[0]
    value, gradient = best.objective(phi)
    assert 0 < value < np.mean(y**2)
    assert np.isfinite(gradient).all()
    _, _, last = best.network(phi)
    np.testing.assert_allclose(last.W[0, :2], last.W[0, 0], rtol=1e-7)  # shared equally, up to the condition of 1e4 squared
    np.testing.assert_allclose(last.W[0, 2:], 0, atol=1e-12)


def test_variable_projection_runs_on_l_bfgs_b_within_its_box():
    x, y, rng = samples(2, 100)
    best = rs.variable_projection(x, y, np.sqrt(2), 10)
    start = ravel(Dense(rng.normal(size=(10, 2)), rng.uniform(-1, 1, 10)))[0]
    end = minimize(best.objective, start, jac=True, bounds=best.bounds, method="L-BFGS-B", options={"maxiter": 100})
    hidden, _, last = best.network(end.x)
    assert np.all(np.abs(hidden.b) <= np.sqrt(2))
    outputs = np.maximum(x @ hidden.W.T + hidden.b, 0) @ last.W[0] + last.b
    assert np.mean((outputs - y) ** 2) < 0.2 * best.objective(start)[0]


@pytest.mark.parametrize(
    ("args", "error", "message"),
    [
        ((np.zeros((3, 0)), np.zeros(3), 1, 2), ValueError, r"X: expected at least one sample and one input, got shape \(3, 0\)"),
        ((np.zeros(3), np.zeros(3), 1, 2), ValueError, "X: expected shape"),
        ((np.full((3, 1), np.nan), np.zeros(3), 1, 2), ValueError, "X: expected finite numbers"),
        ((np.zeros((3, 1)), np.zeros(2), 1, 2), ValueError, r"y: expected shape \(3,\) or \(3, 1\)"),
        ((np.zeros((3, 1)), [0, 1, np.inf], 1, 2), ValueError, "y: expected finite numbers"),
        ((np.zeros((3, 1)), np.zeros(3), -1, 2), ValueError, "radius: "),
        ((np.zeros((3, 1)), np.zeros(3), 1, 0), ValueError, "N: expected a whole number >= 1, got 0"),
        ((np.zeros((3, 1)), np.zeros(3), 1, 2.0), TypeError, "N: "),
        ((np.zeros((3, 1)), np.zeros(3), 1, 2, 0), ValueError, r"ridge: expected a number in \(0, inf\), got 0"),
    ],
)
def test_variable_projection_checks_its_arguments(args, error, message):
    with pytest.raises(error, match=f"^{message}"):
        rs.variable_projection(*args)


def test_variable_projection_checks_its_points():
    best = rs.variable_projection(np.zeros((3, 1)), np.zeros(3), 1, 2)
    for phi, message in [
        (np.zeros(3), r"phi: expected shape \(4,\), got \(3,\)"),
        (np.eye(4)[0], r"phi: expected neurons that are not zero, got zeros in the row of phi.W\[1, 0\]"),
        (np.array([1, 1, 0, np.nan]), "phi: expected finite numbers"),
    ]:
        for f in (best.objective, best.network):
            with pytest.raises(ValueError, match=f"^{message}"):
                f(phi)


# ---- repulsion
def pairs(m=6, d=3, seed=0):
    rng = np.random.default_rng(seed)
    w = rng.normal(size=(m, d))
    return w / np.sqrt(np.sum(w * w, axis=1, keepdims=True)), rng.uniform(-X, X, m), rng


@pytest.mark.parametrize("s", [0, 1, 2.5])
@pytest.mark.parametrize("planes", [False, True])
@pytest.mark.parametrize("d", [1, 3])
def test_repulsion_is_its_double_loop(s, planes, d):
    w, b, rng = pairs(d=d)
    expected = 0.0
    for i in range(6):
        for j in range(i):
            apart = [np.sum((w[i] - sign * w[j]) ** 2) + (b[i] - sign * b[j]) ** 2 / X**2 for sign in (1, -1)]
            D = np.sqrt(min(apart) if planes else apart[0])
            expected += -np.log(D) if s == 0 else D**-s
    E, _ = rs.repulsion_forward(w, b, X, s, planes)
    np.testing.assert_allclose(E, expected, rtol=1e-14, atol=1e-14)
    report = check_backward(lambda w, b: rs.repulsion_forward(w, b, X, s, planes), rs.repulsion_backward, (w, b), rng)
    assert report.ok, report
    flip = np.where(np.arange(6) % 2, -1.0, 1.0)
    turned = rs.repulsion_forward(flip[:, None] * w, flip * b, X, s, planes)[0]
    assert (abs(turned - E) <= 1e-13 * abs(E)) == planes


def test_close_pairs_keep_their_digits():
    w, *_ = pairs(2)
    for apart in (1e-3, 1e-9):
        near = np.array([w[0], w[0]]), np.array([0.5, 0.5 + apart])
        exact = near[1][1] - 0.5
        E, cache = rs.repulsion_forward(*near, 1.0, 1.0)
        np.testing.assert_allclose(E, 1 / exact, rtol=1e-15)
        dW, db = rs.repulsion_backward(2.0, cache)
        np.testing.assert_allclose(db, np.array([2, -2]) / exact**2, rtol=1e-14)
        assert not dW.any()


def test_float32_stays_float32():
    w, b, _ = pairs()
    E, cache = rs.repulsion_forward(w, b, X, planes=True)
    E32, cache32 = rs.repulsion_forward(w.astype(np.float32), b.astype(np.float32), X, planes=True)
    np.testing.assert_allclose(E32, E, rtol=1e-5)  # 15 pairs of some roundings each
    for single, double in zip(rs.repulsion_backward(1.0, cache32), rs.repulsion_backward(1.0, cache), strict=True):
        assert single.dtype == np.float32
        np.testing.assert_allclose(single, double, rtol=0, atol=1e-5 * np.max(np.abs(double)))
    theta, unravel, J = network()
    single = theta.astype(np.float32)
    params, gradient = unravel(single), unravel(J(theta)[1].astype(np.float32))
    for leaf in ravel(rs.reduced_gradient(params, gradient))[0], *rs.homogeneity_identity(params, gradient):
        assert leaf.dtype == np.float32
    for f in (rs.weight_decay_reduced(unravel, 0.1), rs.repulsion_objective(unravel, X)):
        assert f(single)[1].dtype == np.float32
    assert rs.reparametrise_forward(single, unravel)[0].dtype == np.float32


def test_coinciding_neurons_and_the_range():
    w, b, _ = pairs()
    w[4], b[4] = -w[1], -b[1]
    assert np.isfinite(rs.repulsion_forward(w, b, X)[0])
    E, cache = rs.repulsion_forward(w, b, X, planes=True)
    assert E == np.inf
    with pytest.raises(ValueError, match=r"^W: expected distinct pairs \(w, b\), but neurons 1 and 4 coincide"):
        rs.repulsion_backward(1.0, cache)
    b[4] += 1e-3
    with pytest.raises(OverflowError, match=r"^s: "):
        rs.repulsion_forward(w, b, X, 1e3, planes=True)
    _, cache = rs.repulsion_forward(w[[0, 0]], [0.0, 1e-3], 1.0, 102)
    with pytest.raises(OverflowError, match=r"^s: expected an exponent for which the gradient is finite"):
        rs.repulsion_backward(1.0, cache)
    E, cache = rs.repulsion_forward(w[:1], b[:1], X)
    assert E == 0
    assert not any(np.any(g) for g in rs.repulsion_backward(1.0, cache))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"W": np.ones(2)}, "W: expected shape"),
        ({"W": np.full((2, 2), np.nan)}, "W: expected finite"),
        ({"b": np.zeros(3)}, r"b: expected shape \(2,\), got \(3,\)"),
        ({"b": [0, np.inf]}, "b: expected finite"),
        ({"radius": 0}, r"radius: expected a number in \(0, inf\), got 0"),
        ({"s": -1}, r"s: expected a number in \[0, inf\), got -1"),
    ],
)
def test_repulsion_checks_its_arguments(change, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        rs.repulsion_forward(**({"W": np.eye(2), "b": np.zeros(2), "radius": 1} | change))


def test_repulsion_is_an_objective_beside_the_loss():
    theta, unravel, J = network((2, 6, 5, 1))
    energy = rs.repulsion_objective(unravel, [X, X], planes=True)
    first, second = hidden_layers(unravel)
    alone = [rs.repulsion_forward(theta[h.W], theta[h.b], X, planes=True)[0] for h in (first, second)]
    np.testing.assert_allclose(energy(theta)[0], sum(alone), rtol=1e-15)
    assert not energy(theta)[1][second.out].any()
    free = rs.reduced_objective(total(J, energy, weights=(1, 1e-3)), unravel)
    report = check_gradient(free, theta)
    assert report.ok, report
    end = minimise(energy, theta, rs.riemannian_descent(1e-3, unravel, X), 100)
    assert end.values[-1] < end.values[0]
