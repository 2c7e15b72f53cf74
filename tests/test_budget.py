"""Norm budgets and counterexamples: gradients, closed forms, the table, quadrature in many digits, bad input."""

import mpmath
import numpy as np
import pytest
from scipy.integrate import quad

from refimpl.gradcheck import check_gradient
from refimpl.nn.shallow import Shallow
from refimpl.papers.relu_existence import (
    TARGETS,
    Target,
    best_vector_error,
    best_within_budget,
    disc_error,
    disc_error_law,
    disc_network,
    relu_step_law,
    response,
    sigmoid_identity_law,
    sign_with_gap,
    softplus_kink_law,
    step_ramp,
    tanh_identity_law,
    tanh_step_bound,
    vector_data,
    vector_error,
    vector_network,
    vector_response,
    within_budget,
)
from refimpl.papers.relu_existence.budget import PAIRS, ball_backward, ball_forward, in_ball
from refimpl.papers.relu_existence.counterexamples import vector_residuals
from refimpl.params import ravel

RADII = (1, 2, 3, 4, 6, 8, 12, 16)
# The least losses found by another search; where that had not converged (softplus, large R), less is better. "0" stands for 4e-22.
TABLE = {
    ("x", "relu", 1): "1.4e-1 0 0 0 0 0 0 0",
    ("x", "tanh", 1): "9.8e-2 2.0e-4 3.33e-5 1.02e-5 1.98e-6 6.23e-7 1.23e-7 3.88e-8",
    ("x", "sigmoid", 1): "2.6e-1 1.2e-1 8.7e-3 3.4e-4 5.3e-5 1.6e-5 3.1e-6 9.8e-7",
    ("x", "softplus", 1): "2.1e-1 1.5e-2 8.0e-4 1.4e-4 4.9e-6 1.5e-7 2.2e-10 1.4e-12",
    ("x^2", "relu", 2): "5.4e-2 3.9e-3 1.0974e-3 1.0974e-3 1.0974e-3 1.0974e-3 1.0974e-3 1.0974e-3",
    ("x^2", "tanh", 2): "8.4e-2 4.0e-2 1.5e-3 1.3e-5 5.6e-7 1.4e-7 2.4e-8 7.1e-9",
    ("x^2", "softplus", 2): "8.3e-2 5.4e-2 1.1e-2 8.3e-6 8.7e-9 2.2e-9 4.2e-10 2.8e-10",
    ("x^+", "relu", 1): "1.7e-2 0 0 0 0 0 0 0",
    ("x^+", "softplus", 1): "3.9e-2 5.4e-3 1.9e-3 1.2e-3 5.4e-4 2.9e-4 1.1e-4 5.2e-5",
    ("1 - tanh^2", "relu", 2): "2.5e-2 7.874e-5 7.874e-5 7.874e-5 7.874e-5 7.874e-5 7.874e-5 7.874e-5",
    ("1 - tanh^2", "tanh", 2): "3.2e-2 2.7e-3 9.4e-9 2.0e-9 3.2e-10 1.2e-10",  # noise of the search beyond
    ("step", "relu", 2): "1.1e-1 3.81e-2 1.87e-2 1.048e-2 4.636e-3 2.605e-3 1.158e-3 6.511e-4",
    ("step", "tanh", 1): "1.1e-1 4.0e-2 2.9e-2 2.3e-2 1.5e-2 1.2e-2 7.9e-3 5.9e-3",
}


def search(name, activation, width, radii, restarts=12):
    return best_within_budget(activation, width, TARGETS[name], radii, np.random.default_rng(0), restarts)


def agrees(ours, printed):
    """To the digits printed, from above; lower is better."""
    digits = len(printed.split("e")[0].replace(".", ""))
    return ours <= float(printed) * (1 + 0.6 * 10.0 ** (1 - digits)) if float(printed) else ours <= 4e-22


# ---- the objective
def test_the_ball():
    rng = np.random.default_rng(0)
    u, dtheta = rng.normal(size=7), rng.normal(size=7)
    theta, cache = ball_forward(u, 3.0)
    assert theta @ theta < 9
    np.testing.assert_allclose(in_ball(theta, 3.0), u, rtol=1e-14)
    step = 1e-30j * rng.normal(size=7)
    slope = (dtheta @ ball_forward(u + step, 3.0)[0]).imag
    assert ball_backward(dtheta, cache) @ step.imag == pytest.approx(slope, rel=1e-13)
    assert np.sqrt(np.sum(ball_forward(in_ball(10 * theta, 3.0), 3.0)[0] ** 2)) == pytest.approx(3 * 0.999, rel=1e-14)
    assert not np.any(in_ball(0 * theta, 3.0))


@pytest.mark.parametrize("activation", PAIRS)
@pytest.mark.parametrize("name", ["x^2", "step"])
def test_gradients(activation, name):
    u = np.random.default_rng(1).normal(size=10)
    assert check_gradient(within_budget(activation, 3, TARGETS[name], 4.0), u).ok


def risk_by_quad(activation, net, name, low, high):
    """Mean square by scipy's adaptive rule, cut at every break."""
    target = TARGETS[name]
    inside = [t for t in [*(-net.b / net.W[:, 0]), *target.breaks] if low < t < high]

    def square(x):
        h = PAIRS[activation][0](x * net.W[:, 0] + net.b)[0]
        return float((h @ net.v + net.c - target.function(np.array([x]))[0]) ** 2)

    return quad(square, low, high, points=inside or None, epsabs=1e-14, epsrel=1e-12, limit=400)[0] / (high - low)


@pytest.mark.parametrize("activation", PAIRS)
@pytest.mark.parametrize(("name", "radius"), [("x^2", 4.0), ("step", 16.0), ("x^+", 16.0)])
def test_the_value_is_the_log_of_the_risk(activation, name, radius):
    rng = np.random.default_rng(2)
    for low, high in ((-1.0, 1.0), (-0.5, 2.0)):
        net = Shallow(rng.normal(size=(3, 1)) * [[radius], [1], [1]], rng.normal(size=3), rng.normal(size=3), rng.normal())
        u = in_ball(ravel(net)[0], radius)
        W, b, v = ball_forward(u, radius)[0][:9].reshape(3, 3)
        inner = Shallow(W[:, None], b, v, ball_forward(u, radius)[0][9])
        value = within_budget(activation, 3, TARGETS[name], radius, (low, high))(u)[0]
        assert np.exp(value) == pytest.approx(risk_by_quad(activation, inner, name, low, high), rel=1e-10)


def test_steep_tanh_at_the_limit_of_the_panels():
    R, k = 16.0, 15.96  # (1 + tanh kx)/2: nearly all of the norm in w
    value = np.exp(within_budget("tanh", 1, TARGETS["step"], R)(in_ball(np.array([k, 0, 0.5, 0.5]), R))[0])
    with mpmath.workdps(30):
        half = mpmath.quad(lambda x: ((1 - mpmath.tanh(k * x)) / 2) ** 2, [0, 0.1, 1])
    assert value == pytest.approx(float(half), rel=1e-12)
    assert value == pytest.approx(tanh_step_bound(k), rel=1e-12)  # the tails beyond ±1 are e^{−64}


# ---- the laws
def test_laws_in_closed_form():
    assert relu_step_law(4) == pytest.approx(
        risk_by_quad("relu", step_ramp(2 * np.sqrt(15 / 15)), "step", -1, 1) * 24 * 2 / (6 * 16)
    )
    assert tanh_identity_law(10) == pytest.approx(4e-4 / 1575)
    assert sigmoid_identity_law(10) == pytest.approx(1.6e-1 / 25200)
    with mpmath.workdps(30):
        kink = mpmath.quad(lambda x: (mpmath.log1p(mpmath.exp(-5 * x)) / 5) ** 2, [0, 0.2, 1, 4, mpmath.inf])
        assert softplus_kink_law(5) == pytest.approx(float(2 * kink), rel=1e-14)
        step = mpmath.quad(lambda x: ((1 - mpmath.tanh(3 * x)) / 2) ** 2, [0, 0.5, 2, mpmath.inf])
        assert tanh_step_bound(3) == pytest.approx(float(step), rel=1e-14)  # a half of twice


# ---- the table
def test_the_search_obeys_the_laws_and_the_budget():
    radii = (1, 2, 4, 8)
    losses, params = search("x", "tanh", 1, radii, 6)
    assert losses[-1] == pytest.approx(tanh_identity_law(8), rel=0.01)  # + O(R^-6)
    assert np.all(np.diff(losses) < 0)
    for R, loss, net in zip(radii, losses, params, strict=True):
        theta = ravel(net)[0]
        assert np.sqrt(theta @ theta) <= R * (1 + 1e-14)
        assert risk_by_quad("tanh", net, "x", -1, 1) == pytest.approx(loss, rel=1e-9)


def test_relu_reaches_the_optimum_within_a_finite_budget():
    losses, _ = search("x^2", "relu", 2, (2, 3, 8, 16))
    assert losses[0] <= 3.8537e-3  # 200 starts from elsewhere end here or higher
    np.testing.assert_allclose(losses[1:], 4 / 3645, rtol=1e-9)


def test_relu_on_a_step_follows_its_law():
    losses, params = search("step", "relu", 2, (2, 8, 16), 3)
    assert losses[1] == pytest.approx(2.605e-3, rel=2e-4)
    assert losses[2] == pytest.approx(relu_step_law(16), rel=2e-3)
    assert losses[0] < 4.507e-2  # the plateau where random starts end
    assert abs(params[2].W[0, 0] * params[2].v[0]) == pytest.approx(16**2 / 4, rel=1e-3)  # slope T = R²/4


def test_a_shifted_and_scaled_jump_gets_its_ramp():
    jump = Target(lambda x: 0.5 + 2.0 * (x > 0.3), (0.3,))
    losses, _ = best_within_budget("relu", 3, jump, (12,), np.random.default_rng(0), 1, (-2, 2))
    # balanced, |θ|² = 2·2T √(1.09)·…: T = (R² − ¼)/(8 √1.09), mean square g²/(12 T)/4; more neurons do better
    assert losses[0] <= 4 / (12 * (144 - 0.25) / (8 * np.sqrt(1.09))) / 4 * 1.001


def test_losses_never_increase_even_with_one_start():
    losses, params = search("x^2", "softplus", 2, RADII, 1)
    assert np.all(np.diff(losses) <= 0)
    assert len(params) == len(RADII)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "activation", "width"), TABLE)
def test_the_table(name, activation, width):
    printed = TABLE[name, activation, width].split()
    losses, _ = search(name, activation, width, RADII[: len(printed)])
    assert all(agrees(ours, theirs) for ours, theirs in zip(losses, printed, strict=True)), losses


@pytest.mark.parametrize("restarts", [2])
def test_the_same_numbers_again(restarts):
    one, other = (search("x", "sigmoid", 1, (2,), restarts)[0] for _ in range(2))
    np.testing.assert_array_equal(one, other)


# ---- counterexamples
@pytest.mark.parametrize("T", [0.1, 1.0, 30.0, 1e7])
def test_step_ramps(T):
    net = step_ramp(T)
    x = np.array([-1, -0.5 / T - 1e-3, 0, 0.5 / T + 1e-3, 2 + 0.5 / T])
    np.testing.assert_allclose(response(net, x), [0.5 - T if T < 0.5 else 0, 0, 0.5, 1, 1], atol=1e-15 * T + 1e-15)
    np.testing.assert_allclose(np.abs(net.v), np.hypot(net.W[:, 0], net.b), rtol=1e-15)
    if T >= 1:
        assert risk_by_quad("relu", net, "step", -1, 1) == pytest.approx(1 / (24 * T), rel=1e-7 * T**0.25)


def disc_error_in_digits(T):
    """Both discs by nested quadrature of the definition, over the part with x > 0, cut at the edges of the wedge; mpmath."""
    with mpmath.workdps(25):
        T = mpmath.mpf(T)
        end = (1 / T) / (1 + 1 / (4 * T**2))
        ramp = lambda x, y: T * max(y + x / (2 * T), 0) - T * max(y - x / (2 * T), 0)  # noqa: E731
        top = lambda x: -(1 - mpmath.sqrt(1 - x * x))  # noqa: E731
        lower = mpmath.quad(lambda x: mpmath.quad(lambda y: ramp(x, y) ** 2, [-x / (2 * T), top(x)]), [0, end])
        upper = mpmath.quad(lambda x: mpmath.quad(lambda y: (ramp(x, y) - x) ** 2, [-top(x), x / (2 * T)]), [0, end])
        return float(2 * (lower + upper))


@pytest.mark.parametrize("T", [1, 1.5, 10, 1000])
def test_disc_error_is_the_integral(T):
    assert disc_error(T) == pytest.approx(disc_error_in_digits(T), rel=1e-13)


def test_disc_error_follows_its_law():
    scaled = [disc_error(T) * T**5 for T in (10, 100, 1e3, 1e6)]
    assert [round(s, 8) for s in scaled[:2]] == [1.18553e-3, 1.19043e-3]
    assert np.all(np.diff(scaled) > 0)
    assert scaled[-1] == pytest.approx(disc_error_law(1), rel=1e-11)
    gaps = [1 - disc_error(T) / disc_error_law(T) for T in (100, 200)]
    assert gaps[0] / gaps[1] == pytest.approx(4, rel=1e-3)  # O(T^-2)


def test_disc_network_is_the_limit_beyond_its_wedge():
    T, rng = 50.0, np.random.default_rng(0)
    points = rng.normal(size=(2000, 2))
    points[:, 1] += np.sign(points[:, 1]) * np.abs(points[:, 0]) / (2 * T)
    expected = np.where(points[:, 1] > 0, points[:, 0], 0)
    np.testing.assert_allclose(response(disc_network(T), points), expected, atol=1e-13 * T)


@pytest.mark.parametrize("tau", [1, 3.7, 100, 1000])
def test_vector_error(tau):
    x, y = vector_data()
    error = vector_response(vector_network(tau), x) - y
    np.testing.assert_allclose(error[[0, 1, 2]], 0, atol=1e-15 * tau)
    np.testing.assert_allclose(error[[3, 4, 5]], [[0, -1 / tau]] * 3, atol=1e-15 * tau)
    assert vector_error(tau) * tau**2 == pytest.approx(3, rel=1e-9)


def test_vector_residuals():
    rng = np.random.default_rng(0)
    theta, way = rng.normal(size=10), rng.normal(size=10)
    F, J = vector_residuals(theta)
    x, y = vector_data()
    net = (theta[:2, None], theta[2:4], theta[4:8].reshape(2, 2), theta[8:])
    np.testing.assert_allclose(F, (vector_response(net, x) - y).ravel(), rtol=1e-14)  # type: ignore[arg-type]
    up, down = (vector_residuals(theta + s * 1e-6 * way)[0] for s in (1, -1))
    np.testing.assert_allclose(J @ way, (up - down) / 2e-6, atol=1e-8)  # a quadratic between kinks: rounding only


@pytest.mark.parametrize(("radius", "printed"), [(5, 4.04e-3), (10, 2.373e-4), (20, 1.474e-5)])
def test_best_vector_error(radius, printed):
    found = best_vector_error(radius, np.random.default_rng(0), 5)
    assert 2.3 / radius**4 <= found <= printed * 1.001


@pytest.mark.parametrize("a", [0.05, 0.3, 2.0])
def test_sign_with_gap(a):
    x = np.concatenate([-a * np.linspace(1, 5, 50), a * np.linspace(1, 5, 50)])
    np.testing.assert_allclose(response(sign_with_gap(a), x), np.sign(x), atol=1e-14)


# ---- bad input
def test_bad_budgets():
    rng, f = np.random.default_rng(0), TARGETS["x"]
    with pytest.raises(ValueError, match="activation: expected one of relu, tanh, sigmoid, softplus, got 'gelu'"):
        within_budget("gelu", 1, f, 2.0)
    with pytest.raises(ValueError, match="width: expected a whole number >= 1, got 0"):
        within_budget("relu", 0, f, 2.0)
    with pytest.raises(TypeError, match="target: expected a callable or Target, got int"):
        within_budget("relu", 1, 3, 2.0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"radius: expected a number in \(0, 100000\.0\), got -1"):
        within_budget("relu", 1, f, -1)
    with pytest.raises(ValueError, match=r"interval: expected low < high, got \(1.0, 1.0\)"):
        within_budget("relu", 1, f, 2.0, (1, 1))
    with pytest.raises(ValueError, match=r"target\(x\): expected finite numbers, got nan"):
        within_budget("tanh", 1, lambda x: x * np.nan, 2.0)
    with pytest.raises(ValueError, match=r"target\(x\): expected shape \(80,\), got \(\)"):
        within_budget("tanh", 1, lambda x: 1.0, 2.0)  # type: ignore[arg-type, return-value]
    with pytest.raises(ValueError, match=r"u: expected shape \(4,\), got \(3,\)"):
        within_budget("relu", 1, f, 2.0)(np.zeros(3))
    for radii in ([], [2, 1], [0, 1]):
        with pytest.raises(ValueError, match="radii: expected increasing numbers > 0"):
            best_within_budget("relu", 1, f, radii, rng)
    with pytest.raises(ValueError, match="restarts: expected a whole number >= 1, got 0"):
        best_within_budget("relu", 1, f, [1], rng, 0)
    with pytest.raises(TypeError, match=r"rng: expected a numpy\.random\.Generator"):
        best_within_budget("relu", 1, f, [1], None)  # type: ignore[arg-type]


def test_bad_counterexamples():
    for build in (step_ramp, disc_network):
        for T in (0, -1, 1.1e7, np.nan):
            with pytest.raises(ValueError, match="T: expected"):
                build(T)
    with pytest.raises(ValueError, match=r"T: expected a number in \[1, 1e\+60\), got 0\.5"):
        disc_error(0.5)
    with pytest.raises(ValueError, match=r"tau: expected a number in \[1, 10000000\.0\), got 0\.5"):
        vector_network(0.5)
    with pytest.raises(ValueError, match="a: expected a number"):
        sign_with_gap(0)
    with pytest.raises(ValueError, match="radius: expected a number"):
        best_vector_error(np.inf, np.random.default_rng(0))
