"""One step of training a 100-50-25-1 network: sigmoid between the layers, mean cubic hinge loss, gradient descent.

readable: refimpl.nn.objective and refimpl.optim.gradient_descent. in place: refimpl.nn.inplace.training_step. torch: nn.Sequential,
autograd and optim.SGD, eager. jax: value_and_grad and the update in one jit. All start at the same weights; before they are timed,
three values and the weights after three steps must agree.
"""

from __future__ import annotations

import os
from itertools import product

import numpy as np

from benchmarks.rounds import Contest, ratio

WIDTHS, RATE = (100, 50, 25, 1), 0.01
CONTENDERS = ("torch", "readable", "in place", "jax")
TOLERANCE = {"float32": 1e-5, "float64": 1e-13}  # some 100 rounding units: sums of up to 1000 terms in another order


def rows(rounds, only):
    for threads in (1, 2):
        with Contest("mlp", CONTENDERS, threads) as contest:
            for dtype, batch in product(TOLERANCE, (32, 128, 1000)):
                name = f"{dtype}, batch {batch}, {threads} thread{'s' * (threads > 1)}"
                if only not in name:
                    continue
                times = contest.run({"dtype": dtype, "batch": batch}, [TOLERANCE[dtype]] * 2, rounds)
                barred = threads == 1 and dtype == "float32" and batch <= 128
                for ours, bar in (("readable", "<= 0.50"), ("in place", "<= 0.30")):
                    yield ratio(f"{ours}, {name}", times, "torch", bar if barred else "", ours)
                    yield ratio(f"{ours}, {name}", times, "jax", "", ours)


def make(contender, dtype, batch):
    """step() -> value, and the outcome of three steps: their values, and the parameters as ravel lays them out."""
    from refimpl.nn import mlp
    from refimpl.params import ravel

    rng = np.random.default_rng(0)
    layers, params = mlp(WIDTHS, "sigmoid", rng, dtype=np.dtype(dtype).type)
    theta, unravel = ravel(params)
    x, y = rng.standard_normal((batch, WIDTHS[0])), rng.choice([-1.0, 1.0], size=(batch, 1))
    step, parameters = STEPS[contender](layers, theta, unravel, x.astype(dtype), y.astype(dtype))
    return step, lambda: [np.array([step() for _ in range(3)]), parameters()]


def readable(layers, theta, unravel, x, y):
    from refimpl.nn import hinge_backward, hinge_forward, objective
    from refimpl.optim import gradient_descent

    loss_and_gradient = objective(layers, unravel, (hinge_forward, hinge_backward), x, y)
    descent = gradient_descent(RATE)
    state = descent.init(theta)

    def step():
        nonlocal theta, state
        value, gradient = loss_and_gradient(theta)
        theta, state = descent.step(theta, gradient, state)
        return value

    return step, lambda: theta


def in_place(layers, theta, unravel, x, y):
    from refimpl.nn.inplace import training_step

    step = training_step(WIDTHS, "sigmoid", len(x), RATE, dtype=theta.dtype.type)
    return lambda: step(theta, x, y), lambda: theta


def torch_step(layers, theta, unravel, x, y):
    import torch

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    dense = [p for p in unravel(theta) if p != ()]
    linear = [torch.nn.Linear(*p.W.shape[::-1], dtype=getattr(torch, str(theta.dtype))) for p in dense]
    for layer, p in zip(linear, dense, strict=True):
        layer.weight.data.copy_(torch.tensor(p.W))
        layer.bias.data.copy_(torch.tensor(p.b))
    model = torch.nn.Sequential(linear[0], torch.nn.Sigmoid(), linear[1], torch.nn.Sigmoid(), linear[2])
    descent, x, y = torch.optim.SGD(model.parameters(), lr=RATE), torch.tensor(x), torch.tensor(y)

    def step():
        descent.zero_grad()
        loss = (torch.relu(1 - y * model(x)) ** 3).mean()
        loss.backward()
        descent.step()
        return loss.item()

    return step, lambda: np.concatenate([p.detach().numpy().ravel() for p in model.parameters()])


def jax_step(layers, theta, unravel, x, y):
    import jax
    import jax.numpy as jnp

    params = [(jnp.array(p.W), jnp.array(p.b)) for p in unravel(theta) if p != ()]
    x, y = jnp.array(x), jnp.array(y)

    def loss(params, x, y):
        *hidden, (W, b) = params
        for V, c in hidden:
            x = jax.nn.sigmoid(x @ V.T + c)
        return jnp.mean(jax.nn.relu(1 - y * (x @ W.T + b)) ** 3)

    @jax.jit
    def descend(params, x, y):
        value, gradient = jax.value_and_grad(loss)(params, x, y)
        return value, jax.tree.map(lambda p, g: p - RATE * g, params, gradient)

    def step():
        nonlocal params
        value, params = descend(params, x, y)
        return float(value)

    return step, lambda: np.concatenate([np.asarray(a).ravel() for p in params for a in p])


STEPS = {"readable": readable, "in place": in_place, "torch": torch_step, "jax": jax_step}
