"""Half space against full space, `refimpl reproduce mhe-half-vs-full`: whether opposite neurons should repel each other.

The paper reports that half space mostly does better. Its mean is over 2N(2N−1) pairs in place of N(N−1), each pair of neurons being
among them twice: at equal λ_h a pair pulls with (N−1)/(2N−1) of its force in full space, about half. To see what half space does by
itself, λ_h is divided by that factor, layer by layer.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from refimpl.experiments.hyperspherical_energy.training import NONE, Energy, Recipe, footer, problem, trained
from refimpl.experiments.outcome import Seeds, as_json
from refimpl.experiments.paired import Paired, paired
from refimpl.experiments.pictures import draw_paired
from refimpl.experiments.processes import each

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ARMS = ("none", "full", "half, equal λ", "half, equal force")
WIDE, FULL = Recipe(), Energy(half_space=False)
PILOT = {("full", "none"): (-0.21, 0.07), ("half, equal λ", "none"): (-0.23, 0.08)}
COMPARISONS = (  # the first is the claim
    ("half, equal force", "full"),
    ("half, equal λ", "full"),
    ("full", "none"),
    ("half, equal λ", "none"),
    ("half, equal force", "none"),
)


@dataclass(frozen=True)
class Config(Seeds):
    """The energy is that of full space; half space follows from it."""

    seeds: int = 50
    recipe: Recipe = WIDE
    energy: Energy = FULL

    def __post_init__(self):
        super().__post_init__()
        if self.energy.half_space or not self.energy.hidden:
            raise ValueError(f"energy: expected one of full space with λ_h > 0, got {self.energy}")

    def arms(self) -> tuple[Energy, ...]:
        """One energy for each of ARMS."""
        half = replace(self.energy, half_space=True)
        return NONE, self.energy, half, replace(half, equal_force=True)


QUICK = Config(seeds=8)


def one_seed(config: Config, stream: np.random.SeedSequence) -> list[tuple[float, bool]]:
    """Test error of every arm, and whether it collapsed."""
    p = problem(config.recipe, np.random.default_rng(stream))
    return [(r.error, r.collapsed) for r in (trained(p, energy) for energy in config.arms())]


def run(config: Config, rng: np.random.Generator | None = None, workers: int = 1) -> Result:
    """Train every arm, seed by seed; workers change nothing but the time."""
    start = time.perf_counter()
    found = np.array(each(one_seed, [(config, stream) for stream in config.streams(rng)], workers))
    errors, lost = found[..., 0].T, found[..., 1].sum(axis=0).astype(int)
    minutes = (time.perf_counter() - start) / 60
    return Result(config, dict(zip(ARMS, errors, strict=True)), dict(zip(ARMS, lost.tolist(), strict=True)), minutes)


@dataclass(frozen=True)
class Result:
    """The errors of all runs, by arm."""

    config: Config
    errors: dict[str, np.ndarray]  # (seeds,) % of the test rows
    collapsed: dict[str, int]
    minutes: float

    RULE = (
        "agrees if the 95 % interval of the paired difference, half space with\n"
        "equal force less full space, is below 0; differs if it is above 0; inconclusive if 0 is in it"
    )

    def difference(self, arm: str, other: str) -> Paired:
        """Error of the one less that of the other, points."""
        return paired(self.errors[arm] - self.errors[other])

    @property
    def verdict(self) -> str:
        """Is half space better at equal force?"""
        return self.difference(*COMPARISONS[0]).verdict

    def table(self) -> str:
        """Errors and their differences, as text."""
        lines = ["Half space against full space. The paper reports that half space mostly does better.", ""]
        lines += [f"{'arm':<20} {'error, %':>12} {'lost':>5}"]
        for arm, error in self.errors.items():
            lines.append(f"{arm:<20} {f'{error.mean():.2f} ± {error.std():.2f}':>12} {self.collapsed[arm]:>5}")
        lines += ["", f"{'':<2}{'difference':<36} {'points':<30} {'wins':>6} {'pilot':>13}  interval"]
        for k, (arm, other) in enumerate(COMPARISONS):
            d, pilot = self.difference(arm, other), PILOT.get((arm, other))
            side = {"agrees": "below 0", "differs": "above 0"}.get(d.verdict, "has 0 in it")
            known = f"{pilot[0]:+.2f} ± {pilot[1]:.2f}" if pilot else ""
            lines.append(f"{'* ' if k == 0 else '  '}{f'{arm} − {other}':<36} {d!s:<30} {f'{d.wins}/{d.n}':>6} {known:>13}  {side}")
        return "\n".join(
            [
                *lines,
                "",
                f"{self.config.recipe}; {self.config.energy}, or half space. equal force: λ_h times (2N−1)/(N−1).",
                "error: mean ± standard deviation. points: mean ± standard error [95 % interval]. wins: seeds in which the first",
                "is better. lost: runs that collapsed or diverged.",
                *footer(self.config, self.minutes, self.RULE, self.verdict),
            ]
        )

    def to_json(self) -> str:
        """Settings, versions, and the error of every run."""
        differences = [{"arm": a, "other": o} | self.difference(a, o)._asdict() for a, o in COMPARISONS]
        found = {"errors": self.errors, "collapsed": self.collapsed, "differences": differences}
        return as_json("mhe-half-vs-full", self.config, self.minutes, self.RULE, self.verdict, **found)

    def figures(self) -> dict[str, Figure]:
        """By name: the differences, seed by seed."""
        return {"differences": self.plot()}

    def plot(self) -> Figure:
        """The difference of every seed, the mean and its interval, for every comparison."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(9, 4.2), layout="constrained")
        axes = figure.add_subplot()
        values = {
            f"{'claim: ' if k == 0 else ''}{a} − {o}": self.errors[a] - self.errors[o] for k, (a, o) in enumerate(COMPARISONS)
        }
        draw_paired(axes, values, [PILOT.get(c) for c in COMPARISONS])
        figure.legend(frameon=False, fontsize=9, loc="outside lower center", ncols=3)
        axes.set_xlabel("difference of test errors, percentage points (below 0: the first is better)")
        figure.suptitle("Half space against full space", fontsize=12)
        return figure
