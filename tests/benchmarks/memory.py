"""Peak resident memory of the energy and its gradient, 50 000 neurons in 3 dimensions, above an interpreter with NumPy imported.

One Gram matrix of that size takes 20 GB in float64. Each figure is the peak of a fresh process minus that of another which imports
NumPy and stops; W and its gradient are included.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from benchmarks.rounds import duration, figure, once


def rows(rounds, only):
    for dtype in ("float32", "float64"):
        label = f"m = 50000, d = 3, s = 1, {dtype}: memory"
        if only in label:
            yield row(label, 50_000, dtype, min(rounds, 3))


def row(label, m, dtype, rounds):
    """Memory of `rounds` fresh processes."""
    runs = [(once("memory", "peak_of_energy", m=m, dtype=dtype), once("memory", "peak_of_numpy")) for _ in range(rounds)]
    return figure(label, [run["MB"] - bare["MB"] for run, bare in runs], "<= 64", "MB", duration(min(run["seconds"] for run, _ in runs)))


def peak_of_numpy():
    """MB of an interpreter with NumPy imported."""
    return {"MB": resident("VmHWM")}


def peak_of_energy(m, dtype):
    """MB and CPU seconds of one energy with its gradient."""
    import time

    from refimpl.papers.hyperspherical_energy import energy_and_gradient

    W = np.random.default_rng(0).standard_normal((m, 3), dtype=dtype)
    start = time.process_time()
    E, dW = energy_and_gradient(W)
    seconds = time.process_time() - start
    assert np.isfinite(E)
    assert np.isfinite(dW).all()
    return {"MB": resident("VmHWM"), "seconds": seconds}


def resident(field):
    """MB of this process, now (VmRSS) or at its peak (VmHWM); where /proc is not there, the peak for both."""
    status = Path("/proc/self/status")
    if status.exists():  # not getrusage: its peak includes the process that this one was forked from
        return next(int(line.split()[1]) / 1024 for line in status.read_text().splitlines() if line.startswith(field))
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 1024)
