"""A rare class, `refimpl reproduce mhe-imbalance`: where its classifier comes to stand among the others.

The paper shows that training with few samples of a class draws its classifier near another one, that the energy of the output keeps
it apart, and reports a lower error on rare classes. Here: digits with one class thinned out to a tenth, and an output layer that
sees two or three numbers, so that its ten rows can be drawn. The claim is about angles; the error on the rare class is shown, too.

In so few dimensions the force is large: random directions are within a degree of each other now and then, where it grows as
distance^{-(s+1)}, so that weights which do well for a hundred inputs destroy training. Such runs are counted.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from refimpl.experiments import VERDICTS
from refimpl.experiments.hyperspherical_energy.training import (
    Energy,
    Recipe,
    footer,
    nearest_angles,
    problem,
    trained,
    weights,
)
from refimpl.experiments.outcome import Seeds, as_json
from refimpl.experiments.paired import Paired, paired
from refimpl.experiments.pictures import OTHER, OURS
from refimpl.experiments.processes import each
from refimpl.manifolds.sphere import project_forward

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHARE = 0.8  # of the seeds must show it


@dataclass(frozen=True)
class Case:
    """A network whose output sees few numbers, the exponent, and the weights of the energy, of which the first is 0."""

    name: str
    recipe: Recipe
    s: float = 2.0
    outputs: tuple[float, ...] = (0.0, 0.01, 0.1)

    def __post_init__(self):
        if self.recipe.rare is None:
            raise ValueError(f"recipe: expected one with a rare class, got {self.recipe}")
        if len(self.outputs) < 2 or self.outputs[0] != 0 or not all(self.outputs[1:]):
            raise ValueError(f"outputs: expected 0 and then weights above 0, got {self.outputs}")

    @property
    def rare(self) -> int:
        """The label of the rare class."""
        return -1 if self.recipe.rare is None else self.recipe.rare


THREE_RELU = Recipe(hidden=(64, 64, 3), rows=600, rare=8)
THREE, TWO = (Recipe(hidden=(64, 64), embedding=d, rows=600, rare=8) for d in (3, 2))


@dataclass(frozen=True)
class Config(Seeds):
    """Three numbers behind ReLU, as in the pilot, and unbounded; two; and two with the gentler logarithmic energy."""

    seeds: int = 30
    cases: tuple[Case, ...] = (
        Case("three, ReLU", THREE_RELU, outputs=(0.0, 0.01, 0.1, 10.0)),
        Case("three, linear", THREE),
        Case("two, linear", TWO),
        Case("two, linear, s = 0", TWO, s=0.0),
    )

    def __post_init__(self):
        super().__post_init__()
        if not self.cases:
            raise ValueError("cases: expected at least one, got none")


QUICK = Config(seeds=3, cases=(Case("three, ReLU", THREE_RELU), Case("two, linear", TWO, outputs=(0.0, 0.01))))
# the smallest of all angles, degrees; three units behind ReLU, twelve seeds
PILOT = {("three, ReLU", 0.0): 23.4, ("three, ReLU", 0.01): 34.6, ("three, ReLU", 0.1): 49.0}


@dataclass(frozen=True)
class Row:
    """A case with a weight of the energy: one value a seed."""

    case: str
    output: float  # λ_o
    angle: np.ndarray  # (seeds,) from the rare class to the nearest other, degrees
    smallest: np.ndarray  # (seeds,) of all angles between classes
    error: np.ndarray  # (seeds,) % of the test rows
    rare: np.ndarray  # (seeds,) % of those of the rare class
    collapsed: np.ndarray  # (seeds,)
    directions: np.ndarray  # (seeds, 10, d) of the classes


def one_seed(config: Config, stream: np.random.SeedSequence) -> list[list[tuple]]:
    """For every case and weight: the error, that of the rare class, whether the run collapsed, and the classes' directions."""
    found, rng = [], np.random.default_rng(stream)
    for case, own in zip(config.cases, rng.spawn(len(config.cases)), strict=True):
        p = problem(case.recipe, own)
        runs = [trained(p, Energy(0.0, output, case.s)) for output in case.outputs]
        found.append([(r.error, r.classes[case.rare], r.collapsed, project_forward(weights(p, r.theta)[-1])[0]) for r in runs])
    return found


def run(config: Config, rng: np.random.Generator | None = None, workers: int = 1) -> Result:
    """Train every case with every weight, seed by seed; workers change nothing but the time."""
    start = time.perf_counter()
    found = each(one_seed, [(config, stream) for stream in config.streams(rng)], workers)
    rows = []
    for k, case in enumerate(config.cases):
        for j, output in enumerate(case.outputs):
            error, rare, collapsed, directions = (np.array(x) for x in zip(*(seed[k][j] for seed in found), strict=True))
            nearest = np.array([nearest_angles(U) for U in directions])  # (seeds, 10)
            angles = nearest[:, case.rare], nearest.min(axis=1)
            rows.append(Row(case.name, output, *angles, error, rare, collapsed, directions))
    return Result(config, tuple(rows), (time.perf_counter() - start) / 60)


@dataclass(frozen=True)
class Result:
    """All angles and errors."""

    config: Config
    rows: tuple[Row, ...]
    minutes: float

    RULE = (
        f"a row with a weight above 0 and at most 0.1 agrees if in {SHARE:.0%} of the seeds\n"
        "or more the angle from the rare class to its nearest neighbour is larger than without the energy, and the run did not\n"
        f"collapse. Else it is not reproduced if more than {1 - SHARE:.0%} of its runs collapsed; differs if the angle is larger\n"
        "in less than half of the seeds; inconclusive between. The whole is the worst of them"
    )

    def without(self, row: Row) -> Row:
        """The same case without the energy."""
        return next(r for r in self.rows if (r.case, r.output) == (row.case, 0.0))

    def widened(self, row: Row) -> np.ndarray:
        """(seeds,) whether the angle is larger than without the energy, and the run did not collapse."""
        return (row.angle > self.without(row).angle) & ~row.collapsed

    def judged(self, row: Row) -> str:
        """The verdict on a row; none on one without energy, or with more than the rule speaks of."""
        if not 0 < row.output <= 0.1:
            return ""
        share = self.widened(row).mean()
        if share >= SHARE:
            return "agrees"
        if row.collapsed.mean() > 1 - SHARE + 1e-12:  # a fifth of the seeds is not more than a fifth
            return "not reproduced"
        return "differs" if share < 0.5 else "inconclusive"

    def rare_gain(self, row: Row) -> Paired:
        """Error on the rare class less that without the energy, points."""
        return paired(row.rare - self.without(row).rare)

    @property
    def verdict(self) -> str:
        """The worst of the rows'."""
        return min((self.judged(r) for r in self.rows if self.judged(r)), key=VERDICTS.index)

    def table(self) -> str:
        """Angles and errors, as text."""
        lines = ["A class thinned out to a tenth: the angle from its classifier to the nearest other, and its error.", ""]
        angles, errors = f"{'angle':>12} {'wider':>6} {'least':>6} {'pilot':>6}", f"{'error, %':>12} {'rare, %':>12}"
        head = f"{'λ_o':>5} {angles} {errors}  {'rare: difference':<33} lost"
        for case in self.config.cases:
            lines += [f"{case.name}: {case.recipe}, digit {case.rare} thinned out, s = {case.s:g}", f"{head}  verdict"]
            for r in (r for r in self.rows if r.case == case.name):
                angle, error, rare = (f"{x.mean():.1f} ± {x.std():.1f}" for x in (r.angle, r.error, r.rare))
                pilot = f"{PILOT[r.case, r.output]:.1f}°" if (r.case, r.output) in PILOT else ""
                wider = f"{self.widened(r).sum()}/{len(r.angle)}" if r.output else ""
                gain = str(self.rare_gain(r)) if r.output else ""
                least = f"{r.smallest.mean():.1f}°"
                figures = f"{r.output:>5g} {angle + '°':>12} {wider:>6} {least:>6} {pilot:>6} {error:>12} {rare:>12}  {gain:<33}"
                lines.append(f"{figures} {r.collapsed.sum():>4}  {self.judged(r)}".rstrip())
            lines.append("")
        return "\n".join(
            [
                *lines,
                "angle: rare class to its nearest neighbour, mean ± standard deviation. wider: seeds in which it is larger than",
                "without the energy, collapsed runs not counted as such. least: mean of the least angle between any two classes,",
                "which for ten is at most 36° on the circle and 66.1° on the sphere; the pilot's is of that. rare: error on the",
                "rare class, and its difference, with less without, points, mean ± standard error [95 % interval]. lost: runs that",
                "collapsed (half of the test rows wrong, or more) or diverged. The energy is that of the output layer alone.",
                *footer(self.config, self.minutes, self.RULE, self.verdict),
            ]
        )

    def to_json(self) -> str:
        """Settings, versions, and the angles and errors of every run."""
        rows = [
            vars(r) | {"directions": r.directions.round(4), "wider": int(self.widened(r).sum()), "verdict": self.judged(r) or None}
            for r in self.rows
        ]
        return as_json("mhe-imbalance", self.config, self.minutes, self.RULE, self.verdict, rows=rows)

    def figures(self) -> dict[str, Figure]:
        """By name: the angles of all seeds, and the classes of one."""
        return {"angles": self.plot(), "classes": self.draw_classes()}

    def plot(self) -> Figure:
        """The angle of every seed, joined from weight to weight, and the error on the rare class."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(3.1 * len(self.config.cases) + 0.6, 6.4), layout="constrained")
        panels = figure.subplots(2, len(self.config.cases), sharey="row", squeeze=False)
        for case, (top, bottom) in zip(self.config.cases, panels.T, strict=True):
            rows = [r for r in self.rows if r.case == case.name]
            x = np.arange(len(rows))
            for axes, name in ((top, "angle"), (bottom, "rare")):
                y = np.array([getattr(r, name) for r in rows])  # (weights, seeds)
                lost = np.array([r.collapsed for r in rows])
                axes.plot(x, y, color=OURS, alpha=0.18, linewidth=0.8)
                at = np.broadcast_to(x[:, None], y.shape)
                axes.plot(at[~lost], y[~lost], ".", color=OURS, alpha=0.5, ms=6, mew=0, label="a seed")
                axes.plot(at[lost], y[lost], "x", color=OTHER, ms=5, label="collapsed or diverged")
                means = [paired(values) for values in y]
                reach = np.array([[m.mean - m.low, m.high - m.mean] for m in means]).T if self.config.seeds > 1 else None
                label = "mean, 95 % interval"
                level = [m.mean for m in means]
                axes.errorbar(x, level, yerr=reach, fmt="D-", color="#1d3f66", ms=5, lw=1.8, capsize=3, label=label)
                axes.set_xticks(x, [f"{r.output:g}" for r in rows])
                axes.set_xlim(-0.4, len(rows) - 0.6)
                axes.spines[["top", "right"]].set_visible(False)
            top.set_title(f"{case.name}" + ("" if "s =" in case.name else f", s = {case.s:g}"), fontsize=10.5)
            bottom.set_xlabel("weight of the energy, λ_o")
        panels[0, 0].set_ylim(0, 1.05 * max(r.angle.max() for r in self.rows))
        panels[1, 0].set_ylim(0, 103)
        panels[0, 0].set_ylabel("angle to the nearest class, degrees")
        panels[1, 0].set_ylabel("error on the rare class, %")
        handles, labels = panels[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False, fontsize=9)
        figure.suptitle("The rare class: how far its classifier is from the nearest other, and its error", fontsize=12)
        return figure

    def draw_classes(self) -> Figure:
        """Directions of the ten classes for the first seed of whose runs with weights up to 0.1 the fewest collapsed."""
        from matplotlib.figure import Figure

        columns = max(len(case.outputs) for case in self.config.cases)
        figure = Figure(figsize=(2.6 * columns, 2.85 * len(self.config.cases)), layout="constrained")
        grid = figure.subplots(len(self.config.cases), columns, squeeze=False)
        for axes in grid.ravel():
            axes.axis("off")
        for case, line in zip(self.config.cases, grid, strict=True):
            rows = [r for r in self.rows if r.case == case.name]
            seed = int(np.argmin(np.sum([r.collapsed for r in rows if r.output <= 0.1], axis=0)))
            for r, axes in zip(rows, line, strict=False):
                draw_directions(axes, r.directions[seed], case.rare, r.collapsed[seed])
                axes.set_title(f"{case.name}, λ_o = {r.output:g}\n{r.angle[seed]:.1f}° to the nearest, seed {seed}", fontsize=9)
        figure.suptitle(f"Classifiers of the ten digits; red: the rare class ({self.config.cases[0].rare})", fontsize=12)
        return figure


# ---- pictures
def draw_directions(axes, U: np.ndarray, rare: int, collapsed: bool) -> None:
    """Classes as rays on the circle, or in the sphere as seen with the rare class in front; hollow: behind."""
    from matplotlib.patches import Circle

    axes.add_patch(Circle((0, 0), 1, facecolor="#eef2f6", edgecolor="0.6", linewidth=0.8))
    if U.shape[1] == 3:
        x = U[rare] / np.sqrt(U[rare] @ U[rare])
        z = x + 0.8 * np.linalg.svd(np.eye(3) - np.outer(x, x))[0][:, 0]
        z /= np.sqrt(z @ z)
        y = np.cross(z, x) / np.sqrt(np.sum(np.cross(z, x) ** 2))
        P = U @ np.stack([np.cross(y, z), y, z]).T
    else:
        P = np.c_[U, np.ones(len(U))]
    for label, (a, b, depth) in enumerate(P):
        colour = OTHER if label == rare else OURS
        axes.plot([0, a], [0, b], color=colour, linewidth=2.2 if label == rare else 1.1, alpha=1 if depth > 0 else 0.35)
        axes.plot(a, b, "o", color=colour, mfc=colour if depth > 0 else "white", ms=5)
        away = 1 + 0.14 / max(float(np.hypot(a, b)), 0.05)
        axes.text(away * a, away * b, str(label), color=colour, ha="center", va="center", fontsize=8.5)
    if collapsed:
        axes.text(0, -1.42, "collapsed", ha="center", fontsize=9, color=OTHER)
    axes.set(xlim=(-1.3, 1.3), ylim=(-1.45, 1.3), aspect="equal")
