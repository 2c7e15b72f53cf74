"""One step of training a 100-50-25-1 network: sigmoid between the layers, mean cubic hinge loss, gradient descent.

readable: refimpl.nn.objective and refimpl.optim.gradient_descent. in place: refimpl.nn.inplace.training_step. torch: nn.Sequential,
autograd and optim.SGD, eager. jax: value_and_grad and the update in one jit. All start at the same weights; before they are timed,
three values and the weights after three steps must agree.

share of the peak: the products of a step of 3072-1536-768-1 at batch 2000, 2 n m d operations each, three for each layer and two
for the first, at the rate of np.matmul for 2048 × 2048, over the time of the whole step in place.
"""

from __future__ import annotations

from itertools import pairwise, product
from statistics import median

import numpy as np

from benchmarks import descent
from benchmarks.rounds import Contest, Row, duration, ratio

WIDTHS, LARGE = (100, 50, 25, 1), (3072, 1536, 768, 1)
RATE = {WIDTHS: 0.01, LARGE: 1e-6}
CONTENDERS = ("torch", "readable", "in place", "jax")
TOLERANCE = {"float32": 1e-5, "float64": 1e-13}  # some 100 rounding units: sums of up to 1000 terms in another order
BARS = {32: ("<= 0.50", "<= 0.30"), 128: ("<= 0.50", "<= 0.30"), 1000: ("", "<= 0.75")}  # readable, in place, over torch


def rows(rounds, only):
    for threads in (1, 2):
        with Contest("mlp", CONTENDERS, threads) as contest:
            for dtype, batch in product(TOLERANCE, (32, 128, 1000)):
                name = f"{dtype}, batch {batch}, {threads} thread{'s' * (threads > 1)}"
                if only not in name:
                    continue
                times = contest.run({"dtype": dtype, "batch": batch}, [TOLERANCE[dtype]] * 2, rounds)
                barred = threads == 1 and (dtype == "float32" or batch == 1000)
                for ours, bar in zip(("readable", "in place"), BARS[batch], strict=True):
                    yield ratio(f"{ours}, {name}", times, "torch", bar if barred else "", ours)
                    yield ratio(f"{ours}, {name}", times, "jax", "", ours)
    with Contest("mlp", ("in place", "product")) as contest:
        for dtype in TOLERANCE:
            label = f"3072-1536-768-1, {dtype}, batch 2000: share of the peak"
            if only in label:
                yield share_of_peak(contest, label, dtype, 2000, rounds)


def share_of_peak(contest, label, dtype, batch, rounds):
    """Least time over ours, round by round."""
    times = contest.run({"dtype": dtype, "batch": batch, "widths": list(LARGE)}, [TOLERANCE[dtype]] * 2, rounds)
    sizes = [d * m for d, m in pairwise(LARGE)]
    work = 2 * batch * (3 * sum(sizes) - sizes[0])
    share = [work / (2 * 2048**3 / p) / s for s, p in zip(times.seconds["in place"], times.seconds["product"], strict=True)]
    F = f"F = {2 * 2048**3 / times.typical('product') / 1e9:.0f} Gflop/s"
    return Row(label, duration(times.typical("in place")), F, median(share), min(share), max(share), ">= 0.95")


def make(contender, dtype, batch, widths=WIDTHS):
    """step() -> value, and the outcome of three steps: their values, and the parameters as ravel lays them out."""
    from refimpl.nn import mlp
    from refimpl.params import ravel

    rng = np.random.default_rng(0)
    layers, params = mlp(widths, "sigmoid", rng, dtype=np.dtype(dtype).type)
    theta, unravel = ravel(params)
    x, y = rng.standard_normal((batch, widths[0])), rng.choice([-1.0, 1.0], size=(batch, 1))
    kind = "in place" if contender == "product" else contender
    step, parameters = STEPS[kind](layers, theta, unravel, x.astype(dtype), y.astype(dtype))
    call = matmul(dtype) if contender == "product" else step
    return call, lambda: [np.array([step() for _ in range(3)]), parameters()]


def matmul(dtype):
    """The product of two matrices of ones, 2048 × 2048."""
    a, out = np.ones((2048, 2048), dtype), np.empty((2048, 2048), dtype)
    return lambda: np.matmul(a, a, out=out)


def readable(layers, theta, unravel, x, y):
    from refimpl.nn import hinge_backward, hinge_forward, objective

    return descent.readable(objective(layers, unravel, (hinge_forward, hinge_backward), x, y), theta, RATE[WIDTHS])


def in_place(layers, theta, unravel, x, y):
    from refimpl.nn.inplace import training_step

    widths = [x.shape[1], *(len(own.b) for own in unravel(theta) if own != ())]
    step = training_step(widths, "sigmoid", len(x), RATE[tuple(widths)], dtype=theta.dtype.type)
    return lambda: step(theta, x, y), lambda: theta


def torch_step(layers, theta, unravel, x, y):
    import torch

    dense = [p for p in unravel(theta) if p != ()]
    linear = [torch.nn.Linear(*p.W.shape[::-1], dtype=getattr(torch, str(theta.dtype))) for p in dense]
    for layer, p in zip(linear, dense, strict=True):
        layer.weight.data.copy_(torch.tensor(p.W))
        layer.bias.data.copy_(torch.tensor(p.b))
    model = torch.nn.Sequential(linear[0], torch.nn.Sigmoid(), linear[1], torch.nn.Sigmoid(), linear[2])
    return descent.torch_eager(model, torch.tensor(x), torch.tensor(y), RATE[WIDTHS])


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
        return value, jax.tree.map(lambda p, g: p - RATE[WIDTHS] * g, params, gradient)

    def step():
        nonlocal params
        value, params = descend(params, x, y)
        return float(value)

    return step, lambda: np.concatenate([np.asarray(a).ravel() for p in params for a in p])


STEPS = {"readable": readable, "in place": in_place, "torch": torch_step, "jax": jax_step}
