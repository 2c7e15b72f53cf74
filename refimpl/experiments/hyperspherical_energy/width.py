"""Widths, `refimpl reproduce mhe-width`: whether narrow networks gain more from the energy.

The paper reports gains at every width of its network, larger ones where it is narrow. Here: two hidden layers of 8 to 128 units;
each seed has the same rows at all widths, and a slope of its own: of its gain against the logarithm of the width.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from refimpl.experiments.hyperspherical_energy.training import NONE, Energy, Recipe, footer, problem, trained
from refimpl.experiments.outcome import Seeds, as_json
from refimpl.experiments.paired import Paired, p_value, paired, slopes
from refimpl.experiments.pictures import OTHER, OURS
from refimpl.experiments.processes import each

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDE, GENTLE = Recipe(), Energy(hidden=1.0, output=1.0)
PILOT = {8: (0.72, 0.39), 32: (0.37, 0.09), 128: (0.13, 0.06)}  # mean gain and its standard error, points


@dataclass(frozen=True)
class Config(Seeds):
    """Widths of both hidden layers."""

    seeds: int = 50
    widths: tuple[int, ...] = (8, 16, 32, 64, 128)
    recipe: Recipe = WIDE
    energy: Energy = GENTLE

    def __post_init__(self):
        super().__post_init__()
        if len(self.widths) < 2 or list(self.widths) != sorted(set(self.widths)):
            raise ValueError(f"widths: expected at least two, increasing, got {self.widths}")
        for width in self.widths:
            replace(self.recipe, hidden=(width, width))


QUICK = Config(seeds=8, widths=(8, 16, 32))


def one_seed(config: Config, stream: np.random.SeedSequence) -> tuple[list[float], list[float], int]:
    """Test errors of every width, without and with the energy, and how many runs collapsed."""
    key = int(np.random.default_rng(stream).integers(2**63))  # all widths draw from the same stream, and so the same rows
    problems = [problem(replace(config.recipe, hidden=(w, w)), np.random.default_rng(key)) for w in config.widths]
    runs = [[trained(p, energy) for p in problems] for energy in (NONE, config.energy)]
    without, error = ([r.error for r in arm] for arm in runs)
    return without, error, sum(r.collapsed for arm in runs for r in arm)


def run(config: Config, rng: np.random.Generator | None = None, workers: int = 1) -> Result:
    """Train every width with and without the energy, seed by seed; workers change nothing but the time."""
    start = time.perf_counter()
    found = each(one_seed, [(config, stream) for stream in config.streams(rng)], workers)
    without, error = (np.array([seed[k] for seed in found]) for k in (0, 1))
    return Result(config, without, error, sum(seed[2] for seed in found), (time.perf_counter() - start) / 60)


@dataclass(frozen=True)
class Result:
    """The errors of all runs."""

    config: Config
    without: np.ndarray  # (seeds, widths) % of the test rows
    error: np.ndarray  # with the energy
    collapsed: int  # runs, of either kind
    minutes: float

    RULE = (
        "agrees if the mean over seeds of the slope of the gain against log2 of the\n"
        "width is negative with p < 0.05 (Student's t, two-sided); differs if it is positive with p < 0.05; inconclusive otherwise"
    )

    @property
    def gains(self) -> np.ndarray:
        """(seeds, widths) error without the energy less error with it, points."""
        return self.without - self.error

    @property
    def slopes(self) -> np.ndarray:
        """(seeds,) points for each doubling of the width."""
        return slopes(np.log2(self.config.widths), self.gains)

    @property
    def slope(self) -> Paired:
        """Their mean, with its interval."""
        return paired(self.slopes)

    @property
    def verdict(self) -> str:
        """Is the slope negative?"""
        if p_value(self.slopes) >= 0.05:
            return "inconclusive"
        return "agrees" if self.slope.mean < 0 else "differs"

    def table(self) -> str:
        """Gains at every width and their slope, as text."""
        head = f"{'width':>6} {'without, %':>15} {'with, %':>15}   {'gain, points':<30} {'wins':>6} {'pilot':>13}"
        lines = ["The gain in test error at several widths. The paper reports larger gains for narrower networks.", "", head]
        for k, width in enumerate(self.config.widths):
            g = paired(self.gains[:, k])
            before, after = (f"{x[:, k].mean():.2f} ± {x[:, k].std():.2f}" for x in (self.without, self.error))
            pilot = "{:+.2f} ± {:.2f}".format(*PILOT[width]) if width in PILOT else ""
            lines.append(f"{width:>6} {before:>15} {after:>15}   {g!s:<30} {f'{g.losses}/{g.n}':>6} {pilot:>13}".rstrip())
        return "\n".join(
            [
                *lines,
                "",
                f"Slope, points for each doubling of the width: {self.slope}, p = {p_value(self.slopes):.2g}.",
                f"Two hidden layers of that width, {self.config.recipe.rows} rows; {self.config.energy}. gain: without less with,",
                f"mean ± standard error [95 % interval]. wins: seeds that gain. Runs that collapsed or diverged: {self.collapsed}.",
                *footer(self.config, self.minutes, self.RULE, self.verdict),
            ]
        )

    def to_json(self) -> str:
        """Settings, versions, and the error of every run."""
        found = {"without": self.without, "error": self.error, "collapsed": self.collapsed, "slopes": self.slopes}
        tests = {"slope": self.slope._asdict(), "p": p_value(self.slopes)}
        return as_json("mhe-width", self.config, self.minutes, self.RULE, self.verdict, **found, **tests)

    def figures(self) -> dict[str, Figure]:
        """By name: the gains."""
        return {"gains": self.plot()}

    def plot(self) -> Figure:
        """Gains against widths: every seed, means with intervals, the fitted line; and the slope of every seed."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(10, 4.3), layout="constrained")
        axes, right = figure.subplots(1, 2, width_ratios=(2.2, 1))
        x, rng = np.log2(self.config.widths), np.random.default_rng(0)
        means = [paired(g) for g in self.gains.T]
        spread = rng.uniform(-0.1, 0.1, self.gains.shape)
        axes.axhline(0, color="0.45", linewidth=0.9)
        axes.plot((x + spread).ravel(), self.gains.ravel(), ".", color=OURS, alpha=0.35, mew=0, ms=6, label="a seed")
        centre, mean = x.mean(), self.gains.mean()
        axes.plot(
            x,
            mean + self.slope.mean * (x - centre),
            color="#1d3f66",
            linewidth=1.2,
            linestyle="--",
            label="mean of the seeds' lines",
        )
        reach = np.array([[m.mean - m.low, m.high - m.mean] for m in means]).T if self.config.seeds > 1 else None
        label = "mean, 95 % interval"
        axes.errorbar(x, [m.mean for m in means], yerr=reach, fmt="D", color="#1d3f66", ms=5, lw=2.2, capsize=3, label=label)
        known = [w for w in self.config.widths if w in PILOT]
        if known:
            at, twice = [PILOT[w][0] for w in known], [2 * PILOT[w][1] for w in known]
            label = "pilot, ± 2 standard errors"
            axes.errorbar(np.log2(known) + 0.2, at, yerr=twice, fmt="s", mfc="white", color=OTHER, ms=5, lw=1.2, label=label)
        axes.set_xticks(x, [str(w) for w in self.config.widths])
        axes.set(xlabel="units in each of two hidden layers", ylabel="gain in test error, points (above 0: the energy helps)")
        axes.legend(frameon=False, fontsize=9)
        right.axvline(0, color="0.45", linewidth=0.9)
        right.hist(self.slopes, bins=15, color=OURS, alpha=0.6)
        s = self.slope
        right.axvspan(s.low, s.high, color="#1d3f66", alpha=0.25, linewidth=0) if s.n > 1 else None
        right.axvline(s.mean, color="#1d3f66", linewidth=2)
        right.set(xlabel="slope, points for each doubling", ylabel="seeds")
        right.set_title(f"mean and 95 % interval, p = {p_value(self.slopes):.2g}", fontsize=10)
        for a in (axes, right):
            a.spines[["top", "right"]].set_visible(False)
        figure.suptitle("Do narrow networks gain more?", fontsize=12)
        return figure
