"""PyTorch and JAX losses as implementations of a paper: values and gradients against closed forms, and refimpl.check on them."""

import inspect

import numpy as np
import pytest

import refimpl
from refimpl.interop import from_jax, from_torch

pytestmark = pytest.mark.peers


def torch_energy(W, s=1.0):
    """Riesz energy in PyTorch, ordered pairs."""
    import torch

    U = W / torch.sqrt((W * W).sum(1, keepdim=True))
    i, j = torch.triu_indices(len(W), len(W), offset=1)
    r = torch.sqrt(((U[i] - U[j]) ** 2).sum(1))
    return 2 * (-torch.log(r)).sum() if s == 0 else 2 * (r**-s).sum()


def jax_energy(W, s=1.0):
    """Riesz energy in JAX, ordered pairs."""
    import jax.numpy as jnp

    U = W / jnp.sqrt((W * W).sum(1, keepdims=True))
    i, j = jnp.triu_indices(len(W), k=1)
    r = jnp.sqrt(((U[i] - U[j]) ** 2).sum(1))
    return 2 * (-jnp.log(r)).sum() if s == 0 else 2 * (r**-s).sum()


LOSSES = [pytest.param(from_torch, torch_energy, id="torch"), pytest.param(from_jax, jax_energy, id="jax")]
each = pytest.mark.parametrize(("adapt", "loss"), LOSSES)


@each
@pytest.mark.parametrize("s", [0.0, 1.0, 2.0, 3.5])
def test_two_neurons_have_the_closed_form(adapt, loss, s):
    """Unit vectors at the angle φ: r = 2 sin(φ/2), E = 2 r^-s; moving one by dφ changes E by 2·(-s r^-(s+1))·cos(φ/2)."""
    phi = 0.7
    W = np.array([[1.0, 0.0], [np.cos(phi), np.sin(phi)]])
    r = 2 * np.sin(phi / 2)
    slope = -2 / r * np.cos(phi / 2) if s == 0 else -2 * s * r ** -(s + 1) * np.cos(phi / 2)
    impl = adapt(loss)
    E, cache = impl.energy_forward(W, s)
    dW = impl.energy_backward(3.0, cache)
    assert type(E) is np.float64
    assert type(dW) is np.ndarray
    assert dW.dtype == np.float64
    assert abs(E - (-2 * np.log(r) if s == 0 else 2 * r**-s)) <= 1e-14 * abs(E)  # a few roundings
    tangent = slope * np.array([[0.0, -1.0], [-np.sin(phi), np.cos(phi)]])
    np.testing.assert_allclose(dW, 3 * tangent, rtol=0, atol=1e-13 * abs(slope))
    again, gradient = impl.energy_and_gradient(W, s)
    assert again == E
    np.testing.assert_array_equal(3 * gradient, dW)


@each
def test_input_is_neither_written_to_nor_needed_writable(adapt, loss):
    W = np.random.default_rng(0).normal(size=(5, 3))
    W.flags.writeable = False
    E = adapt(loss).energy_forward(W)[0]
    single = adapt(loss).energy_forward(W.astype(np.float32))[0]
    assert single.dtype == np.float64
    assert 0 < abs(single - E) < 1e-5 * E  # it is the float32 numbers' energy, computed in float64


@each
def test_a_constant_loss_has_the_gradient_zero(adapt, loss):
    W = np.ones((1, 3))
    for constant in (lambda W: 0.0, loss):  # a number; the empty sum over no pairs
        E, dW = adapt(constant).energy_and_gradient(W)
        assert E == 0
        np.testing.assert_array_equal(dW, np.zeros((1, 3)))


@each
def test_a_loss_that_does_not_use_its_argument_has_the_gradient_zero(adapt, loss):
    if adapt is from_torch:
        import torch

        other = torch.ones(2, requires_grad=True)
    else:
        other = np.ones(2)
    E, dW = adapt(lambda W: (other * other).sum()).energy_and_gradient(np.ones((2, 3)))
    assert E == 2
    np.testing.assert_array_equal(dW, np.zeros((2, 3)))


@each
def test_what_is_no_scalar_is_refused(adapt, loss):
    with pytest.raises(ValueError, match=r"loss: expected a scalar, got shape \(3,\)"):
        adapt(lambda W: (W * W).sum(1)).energy_forward(np.ones((3, 2)))
    with pytest.raises(TypeError, match="loss: expected a function"):
        adapt(3.0)
    with pytest.raises(ValueError, match="there is no entropy_forward"):
        adapt(loss, name="entropy")


@each
def test_the_signature_is_the_loss_s_own(adapt, loss):
    impl = adapt(loss)
    for f in (impl.energy_forward, impl.energy_and_gradient):
        assert list(inspect.signature(f).parameters) == ["W", "s"]
    assert impl.energy_forward.lacks(np.ones((2, 2)), 1.0) == ""
    assert impl.energy_forward.lacks(np.ones((2, 2)), half_space=True) == "energy has no half_space"
    with pytest.raises(TypeError, match="half_space"):
        impl.energy_forward(np.ones((2, 2)), half_space=True)


@each
def test_a_loss_without_s_stands_for_the_default(adapt, loss):
    impl = adapt(lambda W: loss(W))
    W = np.random.default_rng(1).normal(size=(4, 3))
    assert impl.energy_forward(W, 1.0)[0] == adapt(loss).energy_forward(W, 1.0)[0]
    assert impl.energy_forward.lacks(W, 2.0) == "energy has no s"
    with pytest.raises(TypeError, match="s: expected an argument of"):
        impl.energy_forward(W, 2.0)


@each
def test_array_arguments_arrive_in_the_framework(adapt, loss):
    kinds = []

    def weighted(W, weight, *, shift):
        kinds.extend([type(weight), type(shift)])
        return (weight * W * W + shift).sum()

    W, weight = np.ones((2, 3)), np.arange(3.0)
    E, dW = adapt(weighted).energy_and_gradient(W, weight, shift=weight)
    assert E == 12
    np.testing.assert_array_equal(dW, 2 * np.array([weight, weight]))
    assert np.ndarray not in kinds


def test_jax_s_configuration_is_left_alone():
    import jax

    before = jax.numpy.ones(1).dtype
    W = np.random.default_rng(0).normal(size=(4, 3))
    assert from_jax(jax_energy).energy_forward(W)[0].dtype == np.float64
    assert jax.numpy.ones(1).dtype == before
    with pytest.raises(ValueError, match="scalar"):
        from_jax(lambda W: W).energy_forward(W)
    assert jax.numpy.ones(1).dtype == before == np.float32  # also after an error


def test_a_jax_loss_that_cannot_be_compiled_runs_as_it_is():
    """Python's `if` on an entry of W: jax.grad can do that, jax.jit cannot."""
    E, dW = from_jax(lambda W: (W * W).sum() if W[0, 0] > 0 else W.sum()).energy_and_gradient(np.ones((2, 3)))
    assert E == 6
    np.testing.assert_array_equal(dW, np.full((2, 3), 2.0))


def test_torch_gradient_inside_no_grad():
    import torch

    W = np.random.default_rng(0).normal(size=(4, 3))
    with torch.no_grad():
        inside = from_torch(torch_energy).energy_and_gradient(W)[1]
    np.testing.assert_array_equal(inside, from_torch(torch_energy).energy_and_gradient(W)[1])


# claims on single energies, which cost a framework little, and one on what these losses lack
QUICK = ("H3", "H6", "H10", "H13", "H21")


def verdicts(impl):
    return {id: next(iter(refimpl.check("hyperspherical_energy", impl, claim=id, draws=3))).verdict for id in QUICK}


@each
def test_check_accepts_a_right_loss(adapt, loss):
    assert verdicts(adapt(loss)) == dict.fromkeys(QUICK, "holds") | {"H21": "not covered"}  # half space


@each
@pytest.mark.parametrize("wrong", ["unordered pairs", "not normalised", "squared chord"])
def test_check_rejects_a_wrong_loss(adapt, loss, wrong):
    def bad(W, s=1.0):
        if wrong == "unordered pairs":
            return loss(W, s) / 2
        if wrong == "squared chord":
            return loss(W, 2 * s)
        return loss(W, s) * (W * W).sum()

    assert "fails" in verdicts(adapt(bad)).values()
