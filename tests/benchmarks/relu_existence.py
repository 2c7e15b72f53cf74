"""Shallow ReLU networks: the exact risk with its gradient, global optima by dynamic programming, and threads of linear algebra.

chain rule: the same integral with the same nodes, by the network's passes of refimpl.nn at every node; both must agree. The last
row solves 2000 least squares problems of 200 samples and 21 unknowns, as variable projection does, with one thread over two: the
matrices are small, and a second thread costs more than it gives. It is wall time, and needs two idle processors.
"""

from __future__ import annotations

import time

import numpy as np

from benchmarks.rounds import Contest, Row, duration, figure, once, ratio

SQUARE = [[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]]
SIZES = {"interval, width 100": ("1 input", 100, 1, "<= 1"), "square, width 20": ("2 inputs", 20, 2, "<= 20")}


def rows(rounds, only):
    with Contest("relu_existence", ("ours", "chain rule")) as contest:
        for label, (_, n, m, bar) in SIZES.items():
            if only in (label := f"exact risk and gradient, {label}"):
                times = contest.run({"n": n, "m": m}, [1e-9, 1e-9], rounds)  # sums of some 10⁵ terms in another order
                yield figure(label, [1e3 * s for s in times.seconds["ours"]], bar, "ms")
                yield ratio(label, times, "chain rule")
    for target, label in (("sin 4πx", "sin 4πx"), ("noise", "a sum of 40 sines")):
        if only in (label := f"best spline of {label}, 100 cells, 20 pieces"):
            found = [once("relu_existence", "splines", target=target)["seconds"] for _ in range(min(rounds, 3))]
            yield figure(label, found, "<= 10", "s")
    if only in (label := "2000 least squares problems, 200 × 21"):
        pairs = [[once("relu_existence", "solves", threads)["seconds"] for threads in (1, 2)] for _ in range(min(rounds, 5))]
        one, two = (duration(float(np.median(s))) for s in zip(*pairs, strict=True))
        r = [a / b for a, b in pairs]
        yield Row(f"{label}: 1 thread", one, f"2 threads {two}", float(np.median(r)), min(r), max(r), "")


def make(contender, n, m):
    """A call that computes risk and gradient of a random network, and what it computes."""
    from refimpl.nn.shallow import Shallow
    from refimpl.papers.relu_existence import exact_risk

    rng = np.random.default_rng(0)
    params = Shallow(rng.normal(size=(n, m)), rng.normal(size=n) / 2, rng.normal(size=n), np.array(0.1))
    domain, target = ((-1, 1), np.sin) if m == 1 else (SQUARE, lambda x: np.sin(x[:, 0] * x[:, 1]))
    by = exact_risk if contender == "ours" else by_the_chain_rule

    def call():
        return by(params, target, domain)

    def outcome():
        value, g = call()
        return np.array([value]), np.concatenate([np.ravel(part) for part in g])

    return call, outcome


def by_the_chain_rule(params, target, domain):
    """∫ (R − f)² at all nodes of all pieces, and its gradient by the layers' backward passes."""
    from refimpl.nn import Dense, dense_backward, dense_forward, relu_backward, relu_forward
    from refimpl.papers.relu_existence.integrate import pieces

    cut = pieces(domain, params.W, params.b)
    x, w = cut.x.reshape(-1, cut.x.shape[2]), cut.w.ravel()
    hidden, first = dense_forward(Dense(params.W, params.b), x)
    active, second = relu_forward(hidden)
    y, last = dense_forward(Dense(params.v[None], np.reshape(params.c, 1)), active)
    r = y[:, 0] - target(x[:, 0] if x.shape[1] == 1 else x)
    out, dactive = dense_backward((2 * w * r)[:, None], last)
    inner, _ = dense_backward(relu_backward(dactive, second), first)
    return w @ r**2, (inner.W, inner.b, out.W, out.b)


def splines(target):
    """CPU seconds for the best splines of 1 to 20 pieces on a grid of 100 cells."""
    from refimpl.papers.relu_existence import Sine, best_splines

    rng = np.random.default_rng(0)
    waves, phases = rng.uniform(1, 40, 40), rng.uniform(0, 6, 40)
    f = Sine(4 * np.pi) if target == "sin 4πx" else lambda x: np.sin(np.multiply.outer(x, waves) + phases).sum(axis=-1)
    best_splines(f, (0, 1), 2, 4)  # imports
    start = time.process_time()
    best_splines(f, (0, 1), 20, 100)
    return {"seconds": time.process_time() - start}


def solves():
    """Wall seconds of 2000 small least squares problems."""
    rng = np.random.default_rng(0)
    A, y = rng.normal(size=(200, 21)), rng.normal(size=200)
    np.linalg.lstsq(A, y, rcond=None)
    start = time.perf_counter()
    for _ in range(2000):
        np.linalg.lstsq(A, y, rcond=None)
    return {"seconds": time.perf_counter() - start}
