"""Peak resident memory of the energy and its gradient, 50 000 neurons in 3 dimensions, above an interpreter with NumPy imported.

One Gram matrix of that size takes 20 GB in float64. Each figure is the peak of a fresh process minus that of another which imports
NumPy and stops; W and its gradient are included.
"""

from __future__ import annotations

import time

import numpy as np

from benchmarks.resident import resident
from benchmarks.rounds import duration, figure, once


def rows(rounds, only):
    for dtype in ("float32", "float64"):
        label = f"m = 50000, d = 3, s = 1, {dtype}: memory"
        if only in label:
            yield row(label, 50_000, dtype, min(rounds, 3))


def row(label, m, dtype, rounds):
    """Memory of `rounds` fresh processes."""
    runs = [(once("memory", "peak_of_energy", m=m, dtype=dtype), once("memory", "peak_of_numpy")) for _ in range(rounds)]
    above = [run["MB"] - bare["MB"] for run, bare in runs]
    return figure(label, above, "<= 64", "MB", duration(min(run["seconds"] for run, _ in runs)))


def peak_of_numpy():
    """MB of an interpreter with NumPy imported."""
    return {"MB": resident("VmHWM")}


def peak_of_energy(m, dtype):
    """MB and CPU seconds of one energy with its gradient."""
    from refimpl.papers.hyperspherical_energy import energy_and_gradient

    W = np.random.default_rng(0).standard_normal((m, 3), dtype=dtype)
    start = time.process_time()
    E, dW = energy_and_gradient(W)
    seconds = time.process_time() - start
    assert np.isfinite(E)
    assert np.isfinite(dW).all()
    return {"MB": resident("VmHWM"), "seconds": seconds}
