"""Zakharov's function in ten dimensions, `refimpl reproduce bi-zakharov`: the released run, and how finely its step is tuned.

The released step size has seventeen digits. Beside the released run stand gradient descent with momentum and without, with the
released constants; the same from random starts; and the final loss against the step size, for the paper's update and for the log
leapfrog, which has no such edge.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from refimpl.doors import whole
from refimpl.experiments.born_infeld.outcome import RELEASED, Seeds, as_json, footer
from refimpl.experiments.born_infeld.problems import zakharov
from refimpl.experiments.pictures import OTHER, OURS
from refimpl.experiments.processes import each
from refimpl.optim import gradient_descent, minimise, momentum
from refimpl.papers.born_infeld import OutsideDomain, bbi_step, leapfrog_step, start

if TYPE_CHECKING:
    from matplotlib.figure import Figure

N = 10
STEP, OFFSET = 0.0026036721489343054, 1e-22  # released
EDGE = (0.0025, 0.0027)  # 4 % below and above it
WIDE = (0.0026, 0.006, 0.01, 0.03)  # over which the leapfrog is to improve
FAST = 0.1  # step of the leapfrog that is drawn
MARKS = (100, 500, 2500, 5000, 10000)
BASELINES = {  # released constants
    "momentum": partial(momentum, 1.80266e-6, 0.997227),
    "gradient descent": partial(gradient_descent, 6.85e-6),
}
RELEASED_LOSS = {  # least up to there
    "BBI": {2500: 1.08e-17, 10000: 1e-22},
    "momentum": {2500: 1.16e-4, 10000: 4.44e-12},
    "gradient descent": {2500: 2.0, 10000: 1.63},
}
SCHEMES: dict[str, tuple[Callable[..., Any], float]] = {
    "BBI": (bbi_step, OFFSET),
    "log leapfrog, rescaled": (partial(leapfrog_step, project=True), 0.0),
    "log leapfrog": (leapfrog_step, 0.0),
}


@dataclass(frozen=True)
class Config(Seeds):
    """Iterations, and the grids of step sizes as (least, greatest, number); seeds: random starts in [½, 1½]¹⁰."""

    iterations: int = 10_000
    scanned: int = 2500  # iterations of each step size
    bbi_steps: tuple[float, float, int] = (1e-3, 4e-3, 121)
    leapfrog_steps: tuple[float, float, int] = (1e-3, 1.0, 49)

    def __post_init__(self):
        super().__post_init__()
        whole("iterations", self.iterations, 1)
        whole("scanned", self.scanned, 1)


QUICK = Config(seeds=4, bbi_steps=(1e-3, 4e-3, 25), leapfrog_steps=(1e-3, 1.0, 7))


def losses(scheme: str, h: float, iterations: int, theta: np.ndarray | None = None) -> np.ndarray:
    """The loss at the start and after each iteration, until it reaches the offset, leaves the domain, or a thousand times E."""
    step, offset = SCHEMES[scheme]
    state = start(zakharov, np.ones(N) if theta is None else theta, offset)
    found = [state.V + offset]
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(iterations):
            try:
                state = step(zakharov, state, h)
            except OutsideDomain:
                break
            if not (isfinite(state.V) and state.V < 1e3 * state.E):
                break
            found.append(float(zakharov(state.theta)[0]))  # not V + offset, which has lost its digits
    return np.array(found)


def least(scheme: str, h: float, iterations: int, theta: np.ndarray | None = None) -> float:
    """The least of :func:`losses`."""
    return float(losses(scheme, h, iterations, theta).min())


def baseline(name: str, iterations: int, theta: np.ndarray) -> np.ndarray:
    """The losses of a baseline."""
    return minimise(zakharov, theta, BASELINES[name](), iterations).values


def elsewhere(config: Config, stream: np.random.SeedSequence) -> tuple[float, ...]:
    """From a random start: the least loss of BBI at the released step, of the leapfrog at FAST, and of momentum."""
    theta, n = np.random.default_rng(stream).uniform(0.5, 1.5, N), config.scanned
    leapfrog = least("log leapfrog, rescaled", FAST, n, theta)
    try:
        heavy = float(baseline("momentum", n, theta).min())
    except FloatingPointError:
        heavy = float("inf")
    return least("BBI", STEP, n, theta), leapfrog, heavy


def run(config: Config, rng: np.random.Generator | None = None, workers: int = 1) -> Result:
    """The released runs, the scans and the random starts; workers change nothing but the time."""
    start = time.perf_counter()
    curves = {"BBI": losses("BBI", STEP, config.iterations)}
    curves["log leapfrog, rescaled"] = losses("log leapfrog, rescaled", FAST, config.iterations)
    curves |= {name: baseline(name, config.iterations, np.ones(N)) for name in BASELINES}
    grids = {name: np.geomspace(*(config.bbi_steps if name == "BBI" else config.leapfrog_steps)) for name in SCHEMES}
    grids["BBI"] = np.unique([*grids["BBI"], STEP, *EDGE])
    grids["log leapfrog, rescaled"] = np.unique([*grids["log leapfrog, rescaled"], *WIDE, FAST])
    jobs = [(name, float(h), config.scanned) for name, hs in grids.items() for h in hs]
    found = dict(zip([job[:2] for job in jobs], each(least, jobs, workers), strict=True))
    scans = {name: {float(h): found[name, float(h)] for h in hs} for name, hs in grids.items()}
    starts = np.array(each(elsewhere, [(config, stream) for stream in config.streams(rng)], workers))
    return Result(config, curves, scans, starts, (time.perf_counter() - start) / 60)


@dataclass(frozen=True)
class Result:
    """Losses of the released runs, the least loss of each step size, and of each random start."""

    config: Config
    curves: dict[str, np.ndarray]  # the loss before each iteration
    scans: dict[str, dict[float, float]]  # step size: least loss
    starts: np.ndarray  # (seeds, 3): BBI, leapfrog, momentum
    minutes: float

    RULE = (
        "agrees if (1) the least loss of BBI after 2500 iterations is in [1e-19, 1e-15], a millionth of that of both baselines or "
        "less, and the run ends in (0, 1e-22), below its offset; (2) 4 % below and above the released step the loss is a million "
        "times larger, and at 0.003 it never falls; (3) the rescaled leapfrog improves from each of the steps 0.0026, 0.006, 0.01, "
        "0.03 to the next; differs otherwise"
    )

    def at(self, name: str, iterations: int) -> float:
        """The least loss up to so many iterations."""
        return float(self.curves[name][: iterations + 1].min())

    @property
    def checks(self) -> dict[str, bool]:
        """The three parts of RULE."""
        bbi, end = self.at("BBI", 2500), float(self.curves["BBI"][-1])
        scan, wide = self.scans["BBI"], [self.scans["log leapfrog, rescaled"][h] for h in WIDE]
        F0 = float(self.curves["BBI"][0])
        return {
            "the released run": 1e-19 <= bbi <= 1e-15
            and all(bbi <= 1e-6 * self.at(b, 2500) for b in BASELINES)
            and 0 < end < 1e-22,
            "an edge": all(scan[h] >= 1e6 * scan[STEP] for h in EDGE) and all(F == F0 for h, F in scan.items() if h >= 0.003),
            "none for the leapfrog": all(b < a for a, b in pairwise(wide)),
        }

    @property
    def verdict(self) -> str:
        """All three?"""
        return "agrees" if all(self.checks.values()) else "differs"

    def table(self) -> str:
        """Least losses of the released runs, the scan, the random starts."""
        c, marks = self.config, [n for n in MARKS if n <= self.config.iterations]
        lines = [f"Zakharov's function in {N} dimensions from (1, ..., 1), loss {self.curves['BBI'][0]:.4f}. Least loss after", ""]
        lines.append(f"{'':<42}" + "".join(f"{f'{n} its':>13}" for n in marks))
        labels = {
            "BBI": f"BBI, h = {STEP:.10f}, offset 1e-22",
            "log leapfrog, rescaled": f"log leapfrog, rescaled, h = {FAST:g}",
            "momentum": "momentum 0.997227, rate 1.80266e-6",
            "gradient descent": "gradient descent, rate 6.85e-6",
        }
        for name, label in labels.items():
            lines.append(f"{label:<42}" + "".join(f"{self.at(name, n):>13.2e}" for n in marks))
            known = RELEASED_LOSS.get(name, {})
            if known:
                lines.append(
                    f"{'  released':<42}" + "".join(f"{f'{known[n]:.2e}' if n in known else '':>13}" for n in marks).rstrip()
                )
        length = len(self.curves["BBI"]) - 1
        lines += [
            "",
            f"BBI meets its offset after {length} iterations, at loss {self.curves['BBI'][-1]:.5e}, and stays there.",
            "",
            f"Step size against least loss after {c.scanned} iterations:",
            "  BBI                     " + ", ".join(f"{h:.4g}: {self.scans['BBI'][h]:.1e}" for h in (*EDGE[:1], STEP, *EDGE[1:])),
            "  log leapfrog, rescaled  " + ", ".join(f"{h:g}: {self.scans['log leapfrog, rescaled'][h]:.1e}" for h in WIDE),
            f"  steps with a loss below 1e-15: BBI {self.window('BBI')}; leapfrog {self.window('log leapfrog, rescaled')}",
            "",
            f"{c.seeds} random starts in [0.5, 1.5]^10, least loss after {c.scanned} iterations: median, least, greatest; below "
            "1e-15",
        ]
        names = ("BBI, the released step", f"rescaled leapfrog, h = {FAST:g}", "momentum, as released")
        for name, x in zip(names, self.starts.T, strict=True):
            lines.append(f"  {name:<32}{np.median(x):>10.1e}{x.min():>10.1e}{x.max():>10.1e}{(x < 1e-15).sum():>8} of {c.seeds}")
        remarks = (
            RELEASED,
            "The released step was found for this start by trying step sizes; its fourth digit counts, and so does the start. "
            "The leapfrog of the last table rescales the momentum before each step, has offset 0, and is ours: the paper does "
            "not have it.",
            "Parts of the decision: " + ", ".join(f"{name} {'yes' if ok else 'NO'}" for name, ok in self.checks.items()) + ".",
        )
        lines += ["", *footer(c, self.minutes, self.RULE, self.verdict, *remarks, random="starts")]
        return "\n".join(lines)

    def window(self, name: str) -> str:
        """How many step sizes of the grid, and from which to which, come below 1e-15."""
        good = [h for h, F in self.scans[name].items() if F < 1e-15]
        return f"{len(good)} of {len(self.scans[name])}" + (f" ({min(good):.4g} to {max(good):.4g})" if good else "")

    def to_json(self) -> str:
        """Settings, versions, the losses at some iterations, the scans, and every random start."""
        curves = {
            name: {"iterations": len(x) - 1, "end": float(x[-1])} | {str(n): self.at(name, n) for n in MARKS if n < len(x)}
            for name, x in self.curves.items()
        }
        scans = {name: {"step": list(scan), "loss": list(scan.values())} for name, scan in self.scans.items()}
        found = {"curves": curves, "scans": scans, "starts": self.starts, "checks": self.checks, "released": RELEASED_LOSS}
        return as_json("bi-zakharov", self.config, self.minutes, self.RULE, self.verdict, **found)

    def figures(self) -> dict[str, Figure]:
        """By name: the losses and the scan."""
        return {"losses": self.plot()}

    def plot(self) -> Figure:
        """Left: loss against iterations. Right: least loss against step size."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(12, 5), layout="constrained")
        left, right = figure.subplots(1, 2)
        styles = {
            "BBI": (OTHER, "-", "BBI, released step"),
            "log leapfrog, rescaled": (OURS, "-", f"log leapfrog, rescaled, h = {FAST:g}"),
            "momentum": ("0.35", (0, (5, 1)), "momentum"),
            "gradient descent": ("0.6", (0, (1, 1)), "gradient descent"),
        }
        for name, (colour, dash, label) in styles.items():
            left.plot(np.minimum.accumulate(self.curves[name]), color=colour, linestyle=dash, linewidth=1.7, label=label)
            left.plot(self.curves[name], color=colour, linewidth=0.5, alpha=0.25)
            if len(self.curves[name]) <= self.config.iterations:
                left.plot(len(self.curves[name]) - 1, self.curves[name][-1], "o", color=colour, ms=5)
            for n, F in RELEASED_LOSS.get(name, {}).items():
                if n <= self.config.iterations:
                    first = name == "BBI" and n == 2500
                    left.plot(n, F, "s", mfc="white", mec=colour, ms=7, mew=1.6, zorder=4, label="released" if first else None)
        left.axhline(OFFSET, color=OTHER, linewidth=0.8, linestyle=":")
        left.annotate("offset of BBI", (0.96 * self.config.iterations, OFFSET), ha="right", va="bottom", fontsize=9, color=OTHER)
        left.set(
            yscale="log",
            xlabel="iterations",
            ylabel="least loss so far (faint: the loss)",
            ylim=(1e-40, 1e8),
            xlim=(0, 1.02 * self.config.iterations),
        )
        left.set_title("from (1, ..., 1)", fontsize=11)
        left.legend(frameon=False, fontsize=9, loc="lower right", bbox_to_anchor=(1, 0.08))
        marks = {"BBI": (OTHER, "o", "-"), "log leapfrog, rescaled": (OURS, "s", "-"), "log leapfrog": ("#8fb8de", "^", "-")}
        for name, (colour, marker, dash) in marks.items():
            scan = self.scans[name]
            right.plot(
                list(scan), list(scan.values()), color=colour, marker=marker, ms=3.5, linestyle=dash, linewidth=1, label=name
            )
        right.plot(STEP, self.scans["BBI"][STEP], "*", color="#222222", ms=13, zorder=5, label="the released step")
        right.set(
            xscale="log", yscale="log", xlabel="step h", ylabel=f"least loss in {self.config.scanned} iterations", ylim=(1e-40, 1e8)
        )
        right.set_title("the edge of BBI, and none", fontsize=11)
        lowest = min(self.scans["log leapfrog, rescaled"].values())
        right.annotate(f"on to 1e{round(np.log10(lowest))}", (0.02, 1e-38), fontsize=9, color=OURS)
        right.legend(frameon=False, fontsize=9, loc="lower left")
        for axes in (left, right):
            axes.spines[["top", "right"]].set_visible(False)
        figure.suptitle("Zakharov's function in ten dimensions", fontsize=12.5)
        return figure
