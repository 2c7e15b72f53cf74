"""The error on new data, `refimpl reproduce mhe-test-error`: with the energy and without, seed by seed.

The paper reports lower test errors with the energy, in every network and on every set of images it tries. Here: two perceptrons on
small parts of the digits, half space with s = 2 as the claim, and beside it what its parts do: full space, the hidden layers or the
output alone, other exponents, smaller weights.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from refimpl.experiments import VERDICTS
from refimpl.experiments.hyperspherical_energy.training import NONE, Energy, Recipe, footer, problem, trained
from refimpl.experiments.outcome import Seeds, as_json
from refimpl.experiments.paired import Paired, paired
from refimpl.experiments.pictures import draw_paired
from refimpl.experiments.processes import each

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDE, NARROW = Recipe(hidden=(64, 64), rows=300), Recipe(hidden=(32,), rows=200)
CLAIM = Energy(hidden=1.0, output=10.0, s=2.0, half_space=True)
FULL, HIDDEN, OUTPUT = replace(CLAIM, half_space=False), replace(CLAIM, output=0.0), replace(CLAIM, hidden=0.0)
PILOT = {  # (mean difference, its standard error), points
    (WIDE, CLAIM): (-0.23, 0.08),
    (WIDE, FULL): (-0.21, 0.07),
    (WIDE, HIDDEN): (-0.06, 0.07),
    (WIDE, OUTPUT): (-0.10, 0.08),
    (WIDE, Energy(0.1, 1.0)): (-0.02, 0.08),
    (WIDE, replace(CLAIM, s=0.0)): (-0.13, 0.08),
    (NARROW, CLAIM): (0.03, 0.10),
    (NARROW, HIDDEN): (-0.10, 0.05),
}


@dataclass(frozen=True)
class Setting:
    """A network, and the energies it is trained with; the first of them is the claim."""

    recipe: Recipe
    energies: tuple[Energy, ...]

    def __post_init__(self):
        if not self.energies:
            raise ValueError("energies: expected at least one, got none")


@dataclass(frozen=True)
class Config(Seeds):
    """Two networks with all variants."""

    seeds: int = 50
    settings: tuple[Setting, ...] = (
        Setting(WIDE, (CLAIM, FULL, HIDDEN, OUTPUT, Energy(0.1, 1.0), replace(CLAIM, s=0.0), replace(CLAIM, s=1.0))),
        Setting(NARROW, (CLAIM, FULL, HIDDEN, OUTPUT)),
    )

    def __post_init__(self):
        super().__post_init__()
        if not self.settings:
            raise ValueError("settings: expected at least one, got none")


QUICK = Config(seeds=5, settings=(Setting(WIDE, (CLAIM, FULL)), Setting(NARROW, (CLAIM,))))


@dataclass(frozen=True)
class Row:
    """A setting with an energy, and without: one value a seed."""

    setting: str
    energy: str
    claim: bool
    without: tuple[float, ...]  # % of the test rows
    error: tuple[float, ...]
    collapsed: int  # runs with the energy that collapsed or diverged
    pilot: tuple[float, float] | None

    @property
    def difference(self) -> Paired:
        """With the energy less without, points."""
        return paired(np.subtract(self.error, self.without))

    @property
    def verdict(self) -> str:
        """Does the energy lower the error?"""
        return self.difference.verdict


def one_seed(config: Config, stream: np.random.SeedSequence) -> list[tuple[list[float], list[bool]]]:
    """For every setting the test errors, and which runs collapsed: without the energy, then with each."""
    found, rng = [], np.random.default_rng(stream)
    for setting, own in zip(config.settings, rng.spawn(len(config.settings)), strict=True):
        p = problem(setting.recipe, own)
        runs = [trained(p, energy) for energy in (NONE, *setting.energies)]
        found.append(([r.error for r in runs], [r.collapsed for r in runs]))
    return found


def run(config: Config, rng: np.random.Generator | None = None, workers: int = 1) -> Result:
    """Train every setting with every energy, seed by seed; workers change nothing but the time."""
    start = time.perf_counter()
    found = each(one_seed, [(config, stream) for stream in config.streams(rng)], workers)
    rows = []
    for k, setting in enumerate(config.settings):
        errors = np.array([seed[k][0] for seed in found])  # (seeds, 1 + energies)
        lost = np.array([seed[k][1] for seed in found]).sum(axis=0)
        for j, energy in enumerate(setting.energies, start=1):
            values = tuple(errors[:, 0].tolist()), tuple(errors[:, j].tolist())
            pilot = PILOT.get((setting.recipe, energy))
            rows.append(Row(str(setting.recipe), str(energy), j == 1, *values, int(lost[j]), pilot))
    return Result(config, tuple(rows), (time.perf_counter() - start) / 60)


@dataclass(frozen=True)
class Result:
    """The errors of all runs."""

    config: Config
    rows: tuple[Row, ...]
    minutes: float

    RULE = (
        "a row agrees if the 95 % interval of the paired difference is below 0,\n"
        "differs if it is above 0, and is inconclusive if 0 is in it; the whole is the worst of the rows marked *, the claim;\n"
        "the others show its parts"
    )

    @property
    def verdict(self) -> str:
        """The worst of the claim's rows."""
        return min((r.verdict for r in self.rows if r.claim), key=VERDICTS.index)

    def table(self) -> str:
        """Errors and their differences, as text."""
        head = f"  {'energy':<27} {'without, %':>12} {'with, %':>12}  {'difference, points':<30} {'wins':>6} lost "
        lines = ["Test error with the energy and without. The paper reports a lower one with it.", ""]
        for setting in dict.fromkeys(r.setting for r in self.rows):
            lines += [setting, head + f"{'pilot':>13}  verdict"]
            for r in (r for r in self.rows if r.setting == setting):
                d, (before, after) = r.difference, (f"{np.mean(x):.2f} ± {np.std(x):.2f}" for x in (r.without, r.error))
                pilot = f"{r.pilot[0]:+.2f} ± {r.pilot[1]:.2f}" if r.pilot else ""
                lines.append(
                    f"{'* ' if r.claim else '  '}{r.energy:<27} {before:>12} {after:>12}  {d!s:<30} {f'{d.wins}/{d.n}':>6} "
                    f"{r.collapsed:>4} {pilot:>13}  {r.verdict}"
                )
            lines.append("")
        return "\n".join(
            [
                *lines,
                "without, with: mean ± standard deviation over seeds. difference: mean ± standard error [95 % interval], below 0",
                "where the energy helps. wins: seeds with a lower error. lost: runs that collapsed or diverged. λ: hidden/output.",
                *footer(self.config, self.minutes, self.RULE, self.verdict),
            ]
        )

    def to_json(self) -> str:
        """Settings, versions, and the error of every run."""
        rows = [vars(r) | {"difference": r.difference._asdict(), "verdict": r.verdict} for r in self.rows]
        return as_json("mhe-test-error", self.config, self.minutes, self.RULE, self.verdict, rows=rows)

    def figures(self) -> dict[str, Figure]:
        """By name: the differences, seed by seed."""
        return {"differences": self.plot()}

    def plot(self) -> Figure:
        """The difference of every seed, the mean and its interval, for every row."""
        from matplotlib.figure import Figure

        settings = list(dict.fromkeys(r.setting for r in self.rows))
        sizes = [sum(r.setting == setting for r in self.rows) for setting in settings]
        figure = Figure(figsize=(9, 1.6 + 0.5 * sum(sizes) + 0.5 * len(sizes)), layout="constrained")
        panels = figure.subplots(len(settings), 1, sharex=True, height_ratios=sizes, squeeze=False)[:, 0]
        for axes, setting in zip(panels, settings, strict=True):
            rows = [r for r in self.rows if r.setting == setting]
            values = {("claim: " if r.claim else "") + r.energy: np.subtract(r.error, r.without) for r in rows}
            draw_paired(axes, values, [r.pilot for r in rows])
            axes.set_title(f"{setting}, error without the energy {np.mean(rows[0].without):.2f} %", fontsize=10.5, loc="left")
        figure.legend(*panels[0].get_legend_handles_labels(), frameon=False, fontsize=9, loc="outside lower center", ncols=3)
        panels[-1].set_xlabel("test error with the energy less without, percentage points (below 0: the energy helps)")
        figure.suptitle("What the energy does to the test error", fontsize=12)
        return figure
