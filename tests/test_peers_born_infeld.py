"""Born-Infeld beside PyTorch: the released update, and the Laplacian of a network, with tensors and automatic differentiation."""

from typing import Any

import numpy as np
import pytest

from refimpl.nn import hinge_backward, hinge_forward, mlp, objective
from refimpl.optim import minimise
from refimpl.papers.born_infeld import (
    bbi_step,
    born_infeld,
    energy_conserving_descent,
    laplacian_backward,
    laplacian_forward,
    start,
)
from refimpl.params import ravel

pytestmark = pytest.mark.peers


def released(loss, tensors, h, steps, offset=0.0, extra=0.0, rescaled=True):
    """Positions after every step of the released update, without bounces: momentum normalised tensor by tensor at the start."""
    import torch

    path, momenta, E = [], None, None
    for _ in range(steps):
        for p in tensors:
            p.grad = None
        value = loss(tensors)
        value.backward()
        V = value.item() - offset
        if momenta is None:
            E = V + extra
            size = (E * E / V - V) ** 0.5
            momenta = [-p.grad / p.grad.norm() * size for p in tensors]
        if V > 1e-40:
            target, q = V * ((E / V) ** 2 - 1), sum((m * m).sum() for m in momenta).item()
            r = 1.0 if abs(q - target) < 1e-10 or target < 0 or not rescaled else (target / q) ** 0.5
            with torch.no_grad():
                for p, m in zip(tensors, momenta, strict=True):
                    m.mul_(r).sub_(0.5 * h * (V / E + E / V) * p.grad)
                    p.add_(h * V / E * m)
        path.append(torch.cat([p.detach().reshape(-1) for p in tensors]).numpy().copy())
    return np.array(path)


def rosenbrock(x):
    a, b = x[:-1], x[1:]
    inner = b - a * a
    g = np.zeros_like(x)
    g[1:] = 200 * inner
    g[:-1] += -400 * a * inner - 2 * (1 - a)
    return float(np.sum(100 * inner**2 + (1 - a) ** 2)), g


def torch_rosenbrock(tensors):
    (x,) = tensors
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


@pytest.mark.parametrize(("offset", "extra"), [(0.0, 0.0), (-0.3, 0.0), (1e-3, 2.0)])
@pytest.mark.parametrize("rescaled", [True, False])
def test_two_hundred_steps_are_those_of_the_released_update(offset, extra, rescaled):
    import torch

    x0 = np.array([-1.2, 1.0, 0.7])
    expected = released(torch_rosenbrock, [torch.tensor(x0, requires_grad=True)], 1e-3, 200, offset, extra, rescaled)
    state = start(rosenbrock, x0, offset, extra)
    for k in range(200):
        state = bbi_step(rosenbrock, state, 1e-3, project=rescaled)
        np.testing.assert_allclose(state.theta, expected[k], rtol=1e-11)  # where they start at rest, E²/V − V has lost digits


@pytest.mark.parametrize("as_released", [False, True])
def test_network_descends_as_with_the_released_update(as_released):
    import torch

    rng = np.random.default_rng(0)
    layers, params = mlp((4, 5, 1), "tanh", rng)
    x, y = rng.standard_normal((20, 4)), rng.choice([-1.0, 1.0], (20, 1))
    theta, unravel = ravel(params)
    f = objective(layers, unravel, (hinge_forward, hinge_backward), x, y)
    tx, ty = torch.tensor(x), torch.tensor(y)

    def loss(tensors):
        a = tx
        for k in range(0, len(tensors), 2):
            a = a @ tensors[k].T + tensors[k + 1]
            a = torch.tanh(a) if k + 2 < len(tensors) else a
        return (torch.relu(1 - ty * a) ** 3).mean()

    tensors = [torch.tensor(a.copy(), requires_grad=True) for p in params if p != () for a in p]
    blocks = tuple(t.numel() for t in tensors)
    whole, shapes = [torch.tensor(theta, requires_grad=True)], [t.shape for t in tensors]

    def by_vector(vector):
        return loss([p.reshape(s) for p, s in zip(torch.split(vector[0], blocks), shapes, strict=True)])

    options: dict[str, Any] = {"offset": -1e-3, "extra_energy": 0.5, "maxiter": 100, "return_all": True}
    if as_released:  # the tensors' own normalisation
        expected = released(loss, tensors, 0.02, 100, -1e-3, 0.5)
        r = born_infeld(f, theta, jac=True, step=0.02, as_released=True, blocks=blocks, **options)
    else:
        expected = released(by_vector, whole, 0.02, 100, -1e-3, 0.5)
        r = born_infeld(f, theta, jac=True, step=0.02, **options)
        descent = energy_conserving_descent(0.02, offset=-1e-3, extra_energy=0.5)
        np.testing.assert_allclose(minimise(f, theta, descent, 100).theta, expected[-1], rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(r.allvecs[1:], expected, rtol=1e-9, atol=1e-11)  # a hundred steps of a motion that parts


def test_laplacian_of_a_network_and_its_gradient_are_those_of_automatic_differentiation():
    import torch

    rng = np.random.default_rng(1)
    for activation, function in (("sigmoid", torch.sigmoid), ("tanh", torch.tanh)):
        _, params = mlp((2, 6, 6, 1), "tanh", rng)
        dense = tuple(p for p in params if p != ())
        x, du, dlap = rng.standard_normal((7, 2)), rng.standard_normal(7), rng.standard_normal(7)
        (u, lap), cache = laplacian_forward(dense, x, activation=activation)
        grads = laplacian_backward((du, dlap), cache)
        tensors = [[torch.tensor(a.copy(), requires_grad=True) for a in p] for p in dense]
        tx = torch.tensor(x, requires_grad=True)
        a = function(tx @ tensors[0][0].T + tensors[0][1])
        a = a + function(a @ tensors[1][0].T + tensors[1][1])
        tu = (a @ tensors[2][0].T + tensors[2][1])[:, 0]
        (g,) = torch.autograd.grad(tu.sum(), tx, create_graph=True)
        tlap = sum(torch.autograd.grad(g[:, k].sum(), tx, create_graph=True)[0][:, k] for k in range(2))
        np.testing.assert_allclose(u, tu.detach().numpy(), rtol=1e-13, atol=1e-14)
        np.testing.assert_allclose(lap, tlap.detach().numpy(), rtol=1e-11, atol=1e-13)
        (torch.tensor(du) @ tu + torch.tensor(dlap) @ tlap).backward()
        for own, theirs in zip(grads, tensors, strict=True):
            for a, b in zip(own, theirs, strict=True):
                np.testing.assert_allclose(a, b.grad.numpy(), rtol=1e-10, atol=1e-12)
