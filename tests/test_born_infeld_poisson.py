"""The Poisson problem: its solution and the Laplacian of a network in many digits, gradients by the complex step, bad input."""

import mpmath as mp
import numpy as np
import pytest

from refimpl.nn import Dense
from refimpl.papers.born_infeld import poisson
from refimpl.params import ravel

STEP = 1e-30
ROUNDING = 1e-12  # a few hundred operations


def read_only(a):
    a.flags.writeable = False
    return a


def case(widths=(2, 5, 5, 5, 1), n=7, seed=0):
    rng = np.random.default_rng(seed)
    params = poisson.poisson_network(rng, widths)
    return params, read_only(rng.uniform(-1, 1, size=(n, widths[0]))), rng


def network(params, x, sigma):
    """The definition, in mpmath: x a list, one number out."""
    a = x
    for k, (W, b) in enumerate(params):
        z = [mp.fsum(mp.mpf(w) * v for w, v in zip(row, a, strict=True)) + mp.mpf(c) for row, c in zip(W, b, strict=True)]
        if k == len(params) - 1:
            return z[0]
        s = [sigma(v) for v in z]
        a = s if k == 0 else [p + q for p, q in zip(a, s, strict=True)]
    return None


def laplacian(f, x):
    """Σ_k ∂²f/∂x_k² in 40 digits."""
    x = [mp.mpf(v) for v in x]
    return mp.fsum(mp.diff(lambda s, k=k: f([v + (s if j == k else 0) for j, v in enumerate(x)]), 0, 2) for k in range(len(x)))


SIGMA = {"sigmoid": lambda z: 1 / (1 + mp.exp(-z)), "tanh": mp.tanh}


# ---- the problem
@pytest.mark.parametrize("d", [1, 2, 3])
def test_source_belongs_to_the_solution(d):
    x = np.random.default_rng(d).uniform(-0.7, 0.7, size=(4, d))
    with mp.workdps(40):

        def u(y):
            return mp.sin(20 * mp.fsum(v * v for v in y)) ** 2

        wanted = [(float(u(list(map(mp.mpf, y)))), float(-laplacian(u, y) + u(list(map(mp.mpf, y))) ** 2)) for y in x]
    got = np.stack([poisson.poisson_solution(x, 20.0), poisson.poisson_source(x, 20.0)], axis=1)
    np.testing.assert_allclose(got, wanted, rtol=1e-11, atol=1e-11)  # terms of size 8A²r² = 1e3, angles of 40 rad


def test_boundary_value_is_the_published_one():
    assert poisson.poisson_solution([[0.6, 0.8]], 20)[0] == pytest.approx(0.833469, abs=5e-7)  # six digits


# ---- the network
@pytest.mark.parametrize("activation", SIGMA)
def test_derivatives_of_activations_in_many_digits(activation):
    z = np.array([-300.0, -40.0, -3.0, -1e-3, 0.0, 0.7, 20.0, 38.0, 300.0])
    with mp.workdps(400):  # for the tails, where 1 − σ cancels
        table = [[float(v) for v in closed_forms(activation, mp.mpf(v))] for v in z]
    with mp.workdps(40):
        by_limit = [[float(mp.diff(SIGMA[activation], mp.mpf(v), order)) for order in range(4)] for v in z[2:7]]
    np.testing.assert_allclose(table[2:7], by_limit, rtol=1e-14, atol=1e-16)  # the table is of derivatives
    np.testing.assert_allclose(np.stack(poisson.DERIVATIVES[activation](z), axis=1), table, rtol=1e-14, atol=1e-16)  # and is ours


def closed_forms(activation, z):
    s = SIGMA[activation](z)
    if activation == "sigmoid":
        return s, s * (1 - s), s * (1 - s) * (1 - 2 * s), s * (1 - s) * (1 - 6 * s + 6 * s * s)
    return s, 1 - s * s, -2 * s * (1 - s * s), (1 - s * s) * (6 * s * s - 2)


@pytest.mark.parametrize("activation", SIGMA)
@pytest.mark.parametrize("widths", [(2, 4, 4, 1), (3, 3, 1), (1, 2, 2, 2, 1)])
def test_laplacian_in_many_digits(widths, activation):
    params, x, _ = case(widths, n=3)
    (u, lap), _ = poisson.laplacian_forward(params, x, activation)
    with mp.workdps(40):

        def f(y):
            return network(params, y, SIGMA[activation])

        wanted = [(float(f(list(map(mp.mpf, y)))), float(laplacian(f, y))) for y in x]
    np.testing.assert_allclose(np.stack([u, lap], axis=1), wanted, rtol=ROUNDING, atol=1e-15)


@pytest.mark.parametrize("activation", SIGMA)
@pytest.mark.parametrize("widths", [(2, 5, 5, 5, 1), (3, 4, 1), (2, 2, 2, 1)])
def test_backward_is_the_derivative(widths, activation):
    """Every weight, for independent weights on u and on Δu: an objective would mix them."""
    params, x, rng = case(widths)
    du, dlap = read_only(rng.normal(size=len(x))), read_only(rng.normal(size=len(x)))
    theta, unravel = ravel(params)
    got = unravel.flat(poisson.laplacian_backward((du, dlap), poisson.laplacian_forward(params, x, activation)[1]))
    wanted = np.empty_like(theta)
    for i in range(theta.size):
        z = theta.astype(complex)
        z[i] += 1j * STEP
        (u, lap), _ = poisson.laplacian_forward(unravel(z), x, activation)
        wanted[i] = (du @ u + dlap @ lap).imag / STEP
    assert np.max(np.abs(got - wanted)) <= ROUNDING * np.max(np.abs(wanted))


def test_backward_returns_the_type_of_params_and_forward_keeps_float32():
    params, x, _ = case()
    params = tuple(Dense(W.astype(np.float32), b.astype(np.float32)) for W, b in params)
    (u, lap), cache = poisson.laplacian_forward(params, x.astype(np.float32))
    dparams = poisson.laplacian_backward((u, lap), cache)
    assert u.dtype == lap.dtype == np.float32
    for own, gradient in zip(params, dparams, strict=True):
        assert type(gradient) is Dense
        assert [(a.shape, a.dtype) for a in gradient] == [(a.shape, a.dtype) for a in own]


# ---- the objective
@pytest.mark.parametrize("activation", SIGMA)
def test_objective_is_the_loss_and_its_gradient(activation):
    params, interior, rng = case(n=20)
    boundary = read_only(poisson.disk_points(1, 6, rng)[1])
    objective, unravel = poisson.poisson_objective(params, interior, boundary, 2.0, 100.0, 2e-4, activation)
    theta = read_only(ravel(params)[0])
    value, gradient = objective(theta)
    x = np.concatenate([interior, boundary])
    (u, lap), _ = poisson.laplacian_forward(unravel(theta), x, activation)
    residual = np.mean((-lap + u**2 - poisson.poisson_source(x, 2.0)) ** 2)  # over all points
    penalty = np.mean((u[20:] - np.sin(2.0) ** 2) ** 2)
    assert type(value) is float
    assert value == pytest.approx(residual + 100 * penalty + 2e-4 * np.sum(theta**2), rel=1e-13)
    wanted = np.array([objective(theta + 1j * STEP * e)[0].imag / STEP for e in np.eye(theta.size)])
    assert np.max(np.abs(gradient - wanted)) <= ROUNDING * np.max(np.abs(wanted))


def test_objective_keeps_float32():
    params, x, _ = case()
    params = tuple(Dense(W.astype(np.float32), b.astype(np.float32)) for W, b in params)
    objective, _ = poisson.poisson_objective(params, x, x, 2.0, 1.0, 1.0)
    assert objective(ravel(params)[0])[1].dtype == np.float32


# ---- points and parameters
def test_points_are_uniform():
    interior, boundary = poisson.disk_points(20000, 5000, np.random.default_rng(0))
    r2 = np.sum(interior**2, axis=1)
    assert np.max(r2) <= 1
    np.testing.assert_allclose(np.sum(boundary**2, axis=1), 1, rtol=1e-15)
    assert abs(np.mean(r2) - 0.5) < 5 * np.sqrt(1 / 12 / 20000)  # r² is uniform: five standard errors
    assert np.max(np.abs(np.mean(interior, axis=0))) < 5 * np.sqrt(1 / 4 / 20000)
    assert np.max(np.abs(np.mean(boundary, axis=0))) < 5 * np.sqrt(1 / 2 / 5000)


def test_network_has_the_published_shapes():
    params = poisson.poisson_network(np.random.default_rng(0))
    assert [W.shape for W, _ in params] == [(200, 2), (200, 200), (200, 200), (200, 200), (1, 200)]
    assert all(np.max(np.abs(b)) <= 1 / np.sqrt(W.shape[1]) for W, b in params)


# ---- bad input
PARAMS, X, _ = case()
NARROW = (Dense(np.ones((3, 2)), np.ones(3)), Dense(np.ones((4, 3)), np.ones(4)), Dense(np.ones((1, 4)), np.ones(1)))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: poisson.laplacian_forward(PARAMS, X, "relu"), "activation: expected one of sigmoid, tanh, got 'relu'"),
        (lambda: poisson.laplacian_forward(PARAMS[:1], X), "params: expected at least two layers, got 1"),
        (lambda: poisson.laplacian_forward(NARROW, X), r"params\[1\]: expected W of shape \(3, 3\) and b of .*, got \(4, 3\)"),
        (lambda: poisson.laplacian_forward(PARAMS, X[:, :1]), r"params\[0\]: expected W of shape \(5, 1\)"),
        (lambda: poisson.poisson_objective(PARAMS, X, X[:0], 1, 1, 0), "boundary: expected at least one point each, got 7 and 0"),
        (lambda: poisson.poisson_objective(PARAMS, X, X[:, :1], 1, 1, 0), r"boundary: expected shape \(k, 2\), got \(7, 1\)"),
        (lambda: poisson.poisson_objective(PARAMS, X, X, 0, 1, 0), "amplitude: expected a number in"),
        (lambda: poisson.poisson_objective(PARAMS, X, X, 1, -1, 0), "boundary_weight: expected a number in"),
        (lambda: poisson.poisson_objective(PARAMS, X, X, 1, 1, np.nan), "l2: expected a number in"),
        (lambda: poisson.poisson_objective(PARAMS, X, X, 1, 1, 0)[0](np.ones(3)), r"theta: expected shape \(\d+,\), got \(3,\)"),
        (lambda: poisson.poisson_solution([1.0, 2.0], 1), r"x: expected shape \(n, d\), got \(2,\)"),
        (lambda: poisson.disk_points(0, 1, np.random.default_rng(0)), "n_interior: expected a whole number >= 1, got 0"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
