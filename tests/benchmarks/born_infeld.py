"""Steps of Born-Infeld descent: the readable one, the in-place run of many, and ensembles of trajectories as rows.

whole: a step on a quadratic in 10 dimensions, objective included. overhead, and all sizes from 10⁵: the objective returns the same
value and gradient again and again, so that the update alone is timed. torch: the three lines of the update as they stand, of
tensors; torch in place: with mul_ and add_, for information. copy: two vectors' worth of memory traffic, against the five that a
step needs. All contenders take the same number of steps a call, and must agree after them; µs are for one step of one trajectory.
"""

from __future__ import annotations

from statistics import median

import numpy as np

from benchmarks.resident import resident
from benchmarks.rounds import Contest, Row, duration, figure, once, ratio

CONTENDERS = ("torch", "torch in place", "readable", "in place", "copy")
TOLERANCE = {"float32": 1e-4, "float64": 1e-12}  # rounding of |π|², a sum of n terms, and of some hundred steps
H, E, V = 1e-3, 1.5, 0.5


def rows(rounds, only):
    with Contest("born_infeld", ("readable", "in place")) as contest:
        times = contest.run({"kind": "quadratic", "n": 10, "steps": 10_000}, [1e-9], rounds)  # of 10 000 steps
        for ours, bar in (("readable", "<= 6"), ("in place", "<= 2.5")):
            label = f"{ours}, quadratic, n = 10: whole"
            if only in label:
                yield microseconds(label, times, ours, 10_000, bar)
    with Contest("born_infeld", CONTENDERS) as contest:
        for n, steps in ((10, 1000), (1000, 1000), (10**5, 200), (10**6, 50), (10**7, 20)):
            for dtype in ("float64", "float32"):
                label = f"{{}}, n = {n}, {dtype}"
                if only not in label.format("in place"):
                    continue
                small = n <= 1000
                names = [c for c in CONTENDERS if small or c != "readable"]
                config = {"kind": "update", "n": n, "steps": steps, "dtype": dtype}
                times = contest.run(config, [TOLERANCE[dtype]], rounds, [c for c in names if c != "copy"])
                yield ratio(label.format("in place"), times, "torch", "" if small else "<= 0.50", "in place")
                yield ratio(label.format("in place"), times, "torch in place", "", "in place")
                if small:
                    yield ratio(label.format("readable"), times, "torch", "", "readable")
                    yield microseconds(label.format("in place") + ": overhead", times, "in place", steps, "<= 1.5")
                elif n == 10**7:
                    yield share_of_copy(contest, label.format("in place"), config, rounds)
    label = "256 rows, quadratic, n = 10"
    if only in label:
        with Contest("born_infeld", ("rows", "rows of the leapfrog")) as contest:
            for ours, bar in (("rows", "<= 0.10"), ("rows of the leapfrog", "")):
                times = contest.run({"kind": "rows", "n": 10, "steps": 1000}, [], rounds, (ours,))
                yield microseconds(f"{ours}: {label}", times, ours, 1000 * 256, bar)
    label = "in place, n = 10000000: vectors at the peak, beyond the objective's"
    if only in label:
        runs = [once("born_infeld", "vectors", n=10**7) for _ in range(min(rounds, 3))]
        yield figure(label, [run["vectors"] for run in runs], "<= 3", "")


def microseconds(label, times, ours, steps, bar):
    """µs of a step."""
    return figure(label, [1e6 * s / steps for s in times.seconds[ours]], bar, "µs")


def share_of_copy(contest, label, config, rounds):
    """Bandwidth of our five vectors over that of a copy's two, round by round."""
    times = contest.run(config, [np.inf], rounds, ("in place", "copy"))
    share = [5 / 2 * c / s for s, c in zip(times.seconds["in place"], times.seconds["copy"], strict=True)]
    n, size, steps = config["n"], np.dtype(config["dtype"]).itemsize, config["steps"]
    peer = f"copy {2 * n * size * steps / times.typical('copy') / 1e9:.0f} GB/s"
    return Row(f"{label}: of the copy", duration(times.typical("in place")), peer, median(share), min(share), max(share), ">= 0.90")


def make(contender, kind, n, steps, dtype="float64"):
    """A call that takes so many steps, and the position after them."""
    if kind == "rows":
        return ensemble(contender, n, steps)
    rng = np.random.default_rng(0)
    theta, g = rng.standard_normal(n).astype(dtype), (rng.standard_normal(n) / np.sqrt(n)).astype(dtype)
    if contender.startswith("torch"):
        return torch_update(theta, g, steps, contender == "torch in place")
    if contender == "copy":
        target = np.empty_like(theta)

        def copy():
            for _ in range(steps):
                np.copyto(target, theta)

        return copy, lambda: [theta]
    return ours(contender, quadratic(n) if kind == "quadratic" else lambda theta: (V, g), theta, steps)


def quadratic(n):
    """½ Σ k θ_k² of a vector."""
    curvature = np.arange(1.0, n + 1)

    def objective(theta):
        g = curvature * theta
        return 0.5 * g.dot(theta), g

    return objective


def ours(contender, objective, theta, steps):
    from refimpl.papers.born_infeld import bbi_run, bbi_step, start

    first = start(objective, theta, extra_energy=E - V)

    def readable():
        state = first
        for _ in range(steps):
            state = bbi_step(objective, state, H)
        return state

    def in_place():
        return bbi_run(objective, first, H, steps)

    call = {"readable": readable, "in place": in_place}[contender]
    return call, lambda: [call().theta]


def torch_update(theta, g, steps, in_place):
    import torch

    torch.set_num_threads(1)
    start, g = torch.tensor(theta), torch.tensor(g)
    size = (E * E / V - V) ** 0.5

    def plain():
        x, p = start, -g * (size / g.norm())
        for _ in range(steps):
            p = p * (V * ((E / V) ** 2 - 1) / (p * p).sum()).sqrt()
            p = p - 0.5 * H * (V / E + E / V) * g
            x = x + H * V / E * p
        return x

    def spare():
        x, p = start.clone(), -g * (size / g.norm())
        for _ in range(steps):
            p.mul_((V * ((E / V) ** 2 - 1) / (p * p).sum()).sqrt())
            p.add_(g, alpha=-0.5 * H * (V / E + E / V))
            x.add_(p, alpha=H * V / E)
        return x

    call = spare if in_place else plain
    return call, lambda: [call().numpy()]


def ensemble(contender, n, steps):
    from refimpl.papers.born_infeld import bbi_rows, leapfrog_rows, start_rows

    curvature, half = np.arange(1.0, n + 1), np.full(n, 0.5)

    def objective(theta):
        g = curvature * theta
        return (g * theta).dot(half), g

    step = bbi_rows if contender == "rows" else leapfrog_rows
    first = start_rows(objective, np.random.default_rng(0).standard_normal((256, n)), extra_energy=1.0)

    def call():
        state = first
        for _ in range(steps):
            state = step(objective, state, H)
        return state

    return call, list


def vectors(n):
    """Peak memory of a run of five steps above what is there before it, in vectors of n float64."""
    from refimpl.papers.born_infeld import bbi_run, start

    g = np.full(n, 1 / n**0.5)
    first = start(lambda theta: (V, g), np.ones(n), extra_energy=E - V)
    bbi_run(lambda theta: (V, theta), start(lambda theta: (V, theta), np.ones(2), extra_energy=E - V), H)  # loads what it needs
    with open("/proc/self/clear_refs", "w") as f:
        f.write("5")  # the peak begins anew
    before = resident("VmRSS")
    bbi_run(lambda theta: (V, g), first, H, 5)
    return {"vectors": round((resident("VmHWM") - before) * 2**20 / (8 * n), 2)}  # pages of a few kB are not vectors
