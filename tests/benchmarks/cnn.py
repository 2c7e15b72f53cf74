"""One step of training the convolutional network of table 6: 28 × 28 images, PReLU, mean cubic hinge loss, gradient descent.

readable: refimpl.nn.batch_objective. buffered: refimpl.nn.buffered_objective. Both with refimpl.optim.gradient_descent. torch:
eager, NCHW; its best is the faster of that and its other memory format, channels last, in each round. All start at the same weights
and see the same images, most of whose pixels are 0 as in handwritten digits, so that pooling meets ties; before they are timed,
three values and the weights after three steps must agree. Memory: the peak of a fresh process that takes ten steps, NumPy included.
"""

from __future__ import annotations

from itertools import product
from statistics import median

import numpy as np

from benchmarks import descent
from benchmarks.resident import resident
from benchmarks.rounds import Contest, Row, duration, figure, once, ratio

RATE = 1e-5
CONTENDERS = ("torch", "torch channels last", "readable", "buffered")
TOLERANCE = {"float32": 1e-5, "float64": 1e-13}  # some 100 rounding units: sums of up to 100 000 terms in another order
BAR, GOAL = "<= 1.00", "<= 0.70"


def rows(rounds, only):
    for threads in (1, 2):
        with Contest("cnn", CONTENDERS, threads) as contest:
            for dtype, batch in product(TOLERANCE, (32, 128)):
                name = f"{dtype}, batch {batch}, {threads} thread{'s' * (threads > 1)}"
                if only not in name:
                    continue
                times = contest.run({"dtype": dtype, "batch": batch}, [TOLERANCE[dtype]] * 2, rounds)
                barred = threads == 1 and dtype == "float32"
                for ours in ("readable", "buffered"):
                    held = barred and ours == "buffered"  # the readable form is there to be read
                    yield ratio(f"{ours}, {name}", times, "torch", BAR if held else "", ours)
                    yield best(f"{ours}, {name}", times, GOAL if held else "", ours)
    for form, dtype in product(("readable", "buffered"), TOLERANCE):
        label = f"{form}, {dtype}, batch 128: memory"
        if only in label:
            runs = [once("cnn", "peak", form=form, dtype=dtype) for _ in range(min(rounds, 3))]
            bar = "<= 120" if form == "buffered" and dtype == "float32" else ""
            yield figure(label, [run["MB"] for run in runs], bar, "MB")


def best(workload, times, bar, ours):
    """The row of our time over that of torch's faster memory format, round by round."""
    if "torch" in times.absent:
        return Row(workload, duration(times.typical(ours)), "torch's best: ABSENT", None, None, None, bar)
    formats = [min(pair) for pair in zip(times.seconds["torch"], times.seconds["torch channels last"], strict=True)]
    r = [a / b for a, b in zip(times.seconds[ours], formats, strict=True)]
    return Row(workload, duration(times.typical(ours)), f"torch's best {duration(median(formats))}", median(r), min(r), max(r), bar)


def images(dtype, batch):
    """x (n, 1, 28, 28), mostly 0; y (n, 1), -1 or 1."""
    rng = np.random.default_rng(0)
    x = rng.random((batch, 1, 28, 28))
    return np.where(x < 0.6, 0, x).astype(dtype), rng.choice([-1.0, 1.0], size=(batch, 1)).astype(dtype)


def make(contender, dtype, batch):
    """step() -> value, and the outcome of three steps: their values, and the parameters as ravel lays them out."""
    from refimpl.nn import table6_network
    from refimpl.params import ravel

    layers, params = table6_network(np.random.default_rng(1), dtype)
    theta, unravel = ravel(params)
    contest = torch_step if contender.startswith("torch") else ours
    step, parameters = contest(contender, layers, theta, unravel, *images(dtype, batch))
    return step, lambda: [np.array([step() for _ in range(3)]), parameters()]


def ours(contender, layers, theta, unravel, x, y):
    from refimpl.nn import batch_objective, buffered_objective, hinge_backward, hinge_forward

    on = {"readable": batch_objective, "buffered": buffered_objective}[contender]
    return descent.readable(on(layers, unravel, (hinge_forward, hinge_backward), x, y)(slice(None)), theta, RATE)


def torch_step(contender, layers, theta, unravel, x, y):
    import torch
    from torch import nn

    model = nn.Sequential(
        nn.Conv2d(1, 64, 4, 1, 1), nn.PReLU(), nn.MaxPool2d(3), nn.Conv2d(64, 128, 4, 1, 1), nn.PReLU(), nn.MaxPool2d(3),
        nn.Conv2d(128, 256, 4, 1, 1), nn.PReLU(), nn.Flatten(), nn.Linear(256, 1),
    ).to(getattr(torch, str(theta.dtype)))  # fmt: skip
    arrays = [a for own in unravel(theta) for a in (own if isinstance(own, tuple) else (own,))]
    for p, a in zip(model.parameters(), arrays, strict=True):
        p.data.copy_(torch.tensor(a).reshape(p.shape))
    x, y = torch.tensor(x), torch.tensor(y)
    if contender.endswith("channels last"):
        model, x = model.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    return descent.torch_eager(model, x, y, RATE)


def peak(form, dtype):
    """MB at the peak of ten steps at batch 128."""
    step, _ = make(form, dtype, 128)
    assert all(np.isfinite(step()) for _ in range(10))
    return {"MB": resident("VmHWM")}
