"""CPU time until the best known energy of 100 points on the sphere (Thomson's problem) is found, in expectation over random starts.

Total CPU time of `minimise_energy` over the number of starts that ended within 1e-8 of the published energy, relative to it; the
refinement of the best is included. The first figure is of all rounds together; min and max are of single rounds, 20 starts each.
"""

from __future__ import annotations

import time

import numpy as np

from benchmarks.rounds import Row, Worker

STARTS = 20


def rows(rounds, only):
    label = "n = 100, d = 3, s = 1: CPU per hit"
    if only not in label:
        return
    with Worker("thomson", "ours") as worker:
        worker.ask(call="search", config={"n": 100, "seed": 0, "starts": 1})  # imports SciPy
        found = [worker.ask(call="search", config={"n": 100, "seed": seed, "starts": STARTS}) for seed in range(1, rounds + 1)]
    hits, spent = sum(f["hits"] for f in found), sum(f["seconds"] for f in found)
    each = [f["seconds"] / f["hits"] if f["hits"] else float("inf") for f in found]
    mean = spent / hits if hits else float("inf")
    yield Row(label, f"{hits}/{STARTS * rounds} hit", "–", mean, min(each), max(each), "<= 0.1", "s")


def search(n, seed, starts):
    """CPU seconds of one search, and how many of its starts ended in the best known energy."""
    from refimpl.papers.hyperspherical_energy.minimise import minimise_energy
    from refimpl.papers.hyperspherical_energy.tables import THOMSON

    start = time.process_time()
    result = minimise_energy(n, 3, 1.0, np.random.default_rng(seed), starts)
    seconds = time.process_time() - start
    known = THOMSON.energies[n]
    return {"seconds": seconds, "hits": int(np.sum(np.abs(result.energies - known) <= 1e-8 * known))}
