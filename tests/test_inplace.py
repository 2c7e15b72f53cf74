"""The training step in place: it is the readable step, writes where it says it does and nowhere else, and refuses what it must."""

from collections.abc import Callable
from functools import partial

import mpmath
import numpy as np
import pytest

from refimpl import nn
from refimpl.nn import inplace
from refimpl.nn.inplace import ACTIVATIONS, LOSSES, buffered_gradient, training_step
from refimpl.optim import adam, gradient_descent
from refimpl.params import ravel

READABLE: dict[str, Callable[[int], tuple[Callable, Callable]]] = {
    "hinge": lambda p: (partial(nn.hinge_forward, p=p), nn.hinge_backward),
    "squared": lambda p: (nn.squared_forward, nn.squared_backward),
    "logistic": lambda p: (nn.logistic_forward, nn.logistic_backward),
}
CASES = [("hinge", 1), ("hinge", 2), ("hinge", 3), ("hinge", 5), ("squared", 3), ("logistic", 3)]
DTYPES = (np.float32, np.float64)


def problem(widths, activation, n, seed=0, dtype=np.float64):
    """Layers, theta, unravel and a batch; biases are not 0."""
    rng = np.random.default_rng(seed)
    layers, params = nn.mlp(widths, activation, rng, dtype=dtype)
    theta, unravel = ravel(params)
    theta += rng.uniform(-0.2, 0.2, theta.shape).astype(dtype)
    x, y = rng.standard_normal((n, widths[0])).astype(dtype), rng.choice([-1.0, 1.0], size=(n, widths[-1])).astype(dtype)
    return layers, theta, unravel, x, y


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(("loss", "p"), CASES)
def test_gradient_is_that_of_the_readable_form(loss, p, activation, dtype):
    for seed, widths in enumerate([(3, 1), (4, 1, 1), (5, 4, 3, 1), (1, 6, 2, 5, 1)]):
        layers, theta, unravel, x, y = problem(widths, activation, 9, seed, dtype)
        expected, dtheta = nn.objective(layers, unravel, READABLE[loss](p), x, y)(theta)
        value, gradient = buffered_gradient(widths, activation, 9, loss, p, dtype)(theta, x, y)
        eps = np.finfo(dtype).eps
        assert gradient.dtype == dtype
        assert type(value) is float
        assert abs(value - expected) <= 30 * eps * max(expected, 1)  # sums of up to 54 terms in another order
        assert np.max(np.abs(gradient - dtheta)) <= 30 * eps * max(np.max(np.abs(dtheta)), 1)


def test_a_layer_too_large_to_be_turned_round():
    widths = (300, 250, 3)
    layers, theta, unravel, x, y = problem(widths, "sigmoid", 7)
    expected, dtheta = nn.objective(layers, unravel, READABLE["squared"](3), x, y)(theta)
    value, gradient = buffered_gradient(widths, "sigmoid", 7, "squared")(theta, x, y)
    assert abs(value - expected) <= 1e-13 * expected  # sums of 300 terms
    assert np.max(np.abs(gradient - dtheta)) <= 1e-13 * np.max(np.abs(dtheta))


def test_several_outputs_under_the_squared_loss():
    layers, theta, unravel, x, y = problem((4, 5, 3), "tanh", 6)
    expected, dtheta = nn.objective(layers, unravel, READABLE["squared"](3), x, y)(theta)
    value, gradient = buffered_gradient((4, 5, 3), "tanh", 6, "squared")(theta, x, y)
    assert abs(value - expected) <= 1e-14 * expected
    assert np.max(np.abs(gradient - dtheta)) <= 1e-14 * np.max(np.abs(dtheta))


@pytest.mark.parametrize("dtype", DTYPES)
def test_training_in_place_follows_the_readable_training(dtype):
    widths = (10, 8, 4, 1)
    layers, theta, unravel, x, y = problem(widths, "sigmoid", 16, dtype=dtype)
    readable = nn.objective(layers, unravel, READABLE["hinge"](3), x, y)
    descent, step, slow = gradient_descent(0.1), training_step(widths, "sigmoid", 16, 0.1, dtype=dtype), theta
    state = descent.init(slow)
    for _ in range(50):
        expected, gradient = readable(slow)
        slow, state = descent.step(slow, gradient, state)
        value = step(theta, x, y)
        assert abs(value - expected) <= 200 * np.finfo(dtype).eps * expected  # 50 steps, each of some rounding units
    assert value < 0.9 * readable(problem(widths, "sigmoid", 16, dtype=dtype)[1])[0]  # and it descends
    assert np.max(np.abs(theta - slow)) <= 200 * np.finfo(dtype).eps * np.max(np.abs(slow))


def test_any_optimiser_runs_on_the_buffered_gradient():
    layers, theta, unravel, x, y = problem((5, 4, 1), "tanh", 8)
    readable = nn.objective(layers, unravel, READABLE["logistic"](3), x, y)
    buffered = buffered_gradient((5, 4, 1), "tanh", 8, "logistic")
    descent = adam(0.01)
    slow = fast = theta
    slow_state = fast_state = descent.init(theta)
    for _ in range(20):
        slow, slow_state = descent.step(slow, readable(slow)[1], slow_state)
        fast, fast_state = descent.step(fast, buffered(fast, x, y)[1], fast_state)
    assert np.max(np.abs(fast - slow)) <= 1e-12  # Adam divides by |g|, which costs the digits that g is small by


def test_theta_is_what_a_step_writes_and_nothing_else():
    widths = (4, 3, 1)
    _, theta, _, x, y = problem(widths, "relu", 5)
    x.flags.writeable = y.flags.writeable = False
    before = theta.copy()
    _, gradient = buffered_gradient(widths, "relu", 5)(theta, x, y)
    assert theta.tobytes() == before.tobytes()
    training_step(widths, "relu", 5, 0.5)(theta, x, y)
    assert np.array_equal(theta, before - 0.5 * gradient)
    assert not np.array_equal(theta, before)


def test_gradient_is_the_same_array_in_every_call():
    _, theta, _, x, y = problem((4, 3, 1), "tanh", 5)
    f = buffered_gradient((4, 3, 1), "tanh", 5)
    first = f(theta, x, y)[1]
    kept = first.copy()
    assert f(2 * theta, x, y)[1] is first
    assert not np.array_equal(first, kept)
    assert f(theta, x, y)[1].tobytes() == kept.tobytes()  # nothing of the call between is left


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_smaller_batch_may_come_at_any_time(activation):
    widths = (6, 5, 4, 1)
    _, theta, _, x, y = problem(widths, activation, 8)
    f = buffered_gradient(widths, activation, 8)
    for n in (8, 3, 1, 8):
        expected, dtheta = buffered_gradient(widths, activation, n)(theta, x[:n], y[:n])
        value, gradient = f(theta, x[:n], y[:n])
        assert abs(value - expected) <= 1e-14 * max(expected, 1)
        assert np.max(np.abs(gradient - dtheta)) <= 1e-14 * max(np.max(np.abs(dtheta)), 1)


def test_labels_may_be_integers_and_lie_flat():
    _, theta, _, x, y = problem((4, 3, 1), "tanh", 5, dtype=np.float32)
    f = buffered_gradient((4, 3, 1), "tanh", 5, dtype=np.float32)
    value, gradient = f(theta, x, y)
    expected = gradient.copy()
    for same in (y.ravel(), y.astype(int), y.ravel().astype(np.float64), y.ravel().tolist()):
        again, gradient = f(theta, x, same)
        assert (again, gradient.tobytes()) == (value, expected.tobytes())


def test_targets_are_taken_in_the_dtype_of_the_network():
    _, theta, _, x, _ = problem((4, 3, 2), "tanh", 5, dtype=np.float32)
    y = np.random.default_rng(1).standard_normal((5, 2))
    f = buffered_gradient((4, 3, 2), "tanh", 5, "squared", dtype=np.float32)
    value, gradient = f(theta, x, y.astype(np.float32))
    expected = gradient.copy()
    again, gradient = f(theta, x, y)
    assert (again, gradient.tobytes()) == (value, expected.tobytes())


@pytest.mark.parametrize("other", [np.asfortranarray, lambda x: x.astype(">f8"), lambda x: np.repeat(x, 2, axis=0)[::2]])
def test_layout_of_the_inputs_does_not_matter(other):
    _, theta, _, x, y = problem((4, 3, 1), "tanh", 5)
    f = buffered_gradient((4, 3, 1), "tanh", 5)
    value, gradient = f(theta, x, y)
    expected = gradient.copy()
    again, gradient = f(theta, other(x), other(y))
    assert (again, gradient.tobytes()) == (value, expected.tobytes())


@pytest.mark.parametrize(("dtype", "unit"), [(np.float32, 2.0**-23), (np.float64, 2.0**-52)])
def test_sigmoid_and_its_slope_are_within_one_unit_of_one(dtype, unit):
    rng = np.random.default_rng(0)
    z = np.concatenate([np.linspace(-50, 50, 801), 3 * rng.standard_normal(400), [-1e30, 1e30, 0, 1e-30]]).astype(dtype)
    a, slope = z.copy(), np.ones_like(z)
    inplace.sigmoid(a)
    inplace.sigmoid_slope(slope, a.copy())
    with mpmath.workdps(40):
        for u, got, got_slope in zip(z, a, slope, strict=True):
            exact = 1 / (1 + mpmath.exp(-mpmath.mpf(float(u))))
            assert abs(float(got) - exact) <= unit
            assert abs(float(got_slope) - exact * (1 - exact)) <= unit


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", LOSSES)
def test_nan_and_infinity_reach_value_and_gradient(activation, loss):
    _, theta, _, x, y = problem((4, 3, 1), activation, 5)
    f = buffered_gradient((4, 3, 1), activation, 5, loss)
    bad = x.copy()
    bad[2, 1] = np.nan
    value, gradient = f(theta, bad, y)
    assert np.isnan(value)
    assert np.isnan(gradient).any()
    value, gradient = f(theta, x, y)  # and leave nothing behind
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("loss", ["hinge", "squared"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_loss_beyond_the_range_raises_and_leaves_theta(loss, dtype):
    widths = (2, 1)
    theta = np.full(3, 1e30 if dtype is np.float32 else 1e160, dtype)
    before, x = theta.copy(), np.ones((2, 2), dtype)
    y = np.array([-1, 1], dtype)
    with pytest.raises(OverflowError, match=r"theta: expected .* got the loss inf"):
        training_step(widths, "relu", 2, 0.1, loss, dtype=dtype)(theta, x, y)
    assert theta.tobytes() == before.tobytes()


def test_logistic_loss_does_not_overflow():
    theta, x, y = np.array([1e300, 0.0]), np.array([[1.0], [1.0]]), np.array([1, -1])
    value, gradient = buffered_gradient((1, 1), "relu", 2, "logistic")(theta, x, y)
    assert value == 0.5e300
    assert gradient.tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    ("error", "message", "options"),
    [
        (ValueError, r"widths: expected at least two integers >= 1, got \(3,\)", {"widths": (3,)}),
        (ValueError, r"widths: expected at least two integers >= 1, got \(3, 0\)", {"widths": (3, 0)}),
        (ValueError, r"widths: expected at least two integers >= 1, got \(3, True\)", {"widths": (3, True)}),
        (ValueError, r"widths: expected one output for the loss 'hinge', got 2", {"widths": (3, 2)}),
        (ValueError, r"activation: expected one of sigmoid, tanh, relu, got 'binary'", {"activation": "binary"}),
        (ValueError, r"loss: expected one of hinge, squared, logistic, got 'absolute'", {"loss": "absolute"}),
        (ValueError, r"batch: expected an integer >= 1, got 0", {"batch": 0}),
        (ValueError, r"batch: expected an integer >= 1, got True", {"batch": True}),
        (ValueError, r"p: expected an integer >= 1, got 2\.5", {"p": 2.5}),
        (ValueError, r"dtype: expected float32 or float64, got int64", {"dtype": "i8"}),
        (ValueError, r"rate: expected a finite number > 0, got 0\.0", {"rate": 0}),
        (ValueError, r"rate: expected a finite number > 0, got nan", {"rate": float("nan")}),
    ],
)
def test_option_that_is_refused_is_named(error, message, options):
    with pytest.raises(error, match=f"^{message}$"):
        training_step(**{"widths": (3, 1), "activation": "relu", "batch": 4, "rate": 0.1, **options})


@pytest.mark.parametrize(
    ("error", "message", "given"),
    [
        (TypeError, r"theta: expected a float64 array, got list", {"theta": [0.0] * 4}),
        (TypeError, r"theta: expected a float64 array, got float32", {"theta": np.zeros(4, np.float32)}),
        (ValueError, r"theta: expected shape \(4,\), got \(5,\)", {"theta": np.zeros(5)}),
        (TypeError, r"x: expected float64, as the arrays were made for, got float32", {"x": np.zeros((2, 3), np.float32)}),
        (ValueError, r"x: expected shape \(n, 3\), n from 1 to 2, got \(2, 4\)", {"x": np.zeros((2, 4))}),
        (ValueError, r"x: expected shape \(n, 3\), n from 1 to 2, got \(3, 3\)", {"x": np.zeros((3, 3)), "y": np.ones(3)}),
        (ValueError, r"x: expected shape \(n, 3\), n from 1 to 2, got \(0, 3\)", {"x": np.zeros((0, 3)), "y": np.ones(0)}),
        (ValueError, r"y: expected shape \(2, 1\) or \(2,\), got \(1,\)", {"y": np.ones(1)}),
        (ValueError, r"y: expected shape \(2, 1\) or \(2,\), got \(\)", {"y": 1.0}),
        (ValueError, r"y: expected shape \(2, 1\) or \(2,\), got \(1, 2\)", {"y": np.ones((1, 2))}),
        (ValueError, r"y: expected labels -1 or 1, got 0\.5", {"y": np.array([1, 0.5])}),
        (ValueError, r"y: expected labels -1 or 1, got nan", {"y": np.array([1, np.nan])}),
        (TypeError, r"y: expected float32, float64 or integers, got dtype bool", {"y": np.array([True, True])}),
    ],
)
def test_argument_that_is_refused_is_named_and_theta_is_kept(error, message, given):
    theta = given.get("theta", np.ones(4))
    with pytest.raises(error, match=f"^{message}$"):
        training_step((3, 1), "relu", 2, 0.1)(theta, given.get("x", np.ones((2, 3))), given.get("y", np.ones(2)))
    assert np.array_equal(theta, given.get("theta", np.ones(4)))


def test_step_into_a_read_only_array_is_refused():
    theta = np.zeros(4)
    theta.flags.writeable = False
    with pytest.raises(ValueError, match="theta: expected an array to write the step into, got a read-only one"):
        training_step((3, 1), "relu", 2, 0.1)(theta, np.ones((2, 3)), np.ones(2))


def test_squared_loss_takes_one_row_of_labels_for_each_sample():
    with pytest.raises(ValueError, match=r"y: expected shape \(2, 3\), got \(2,\)"):
        buffered_gradient((3, 3), "relu", 2, "squared")(np.zeros(12), np.ones((2, 3)), np.ones(2))
