"""The energies in training, `refimpl reproduce mhe-energy-curve`: epoch by epoch, with the energy in the objective and without.

Without it training raises the energy of the hidden layers above that of random directions; the paper's point is that its term keeps
the neurons apart. In many dimensions all energies lie within some per cent of their minimum, so what is drawn is the normalised
excess: 0 at the proven lower bound (half space for hidden layers, full space for the output), 1 for random directions.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from refimpl.experiments.hyperspherical_energy.training import (
    NONE,
    Energy,
    Recipe,
    footer,
    nearest_angles,
    problem,
    trained,
    weights,
)
from refimpl.experiments.outcome import Seeds, as_json
from refimpl.experiments.pictures import OTHER, OURS
from refimpl.experiments.processes import each
from refimpl.manifolds.sphere import project_forward
from refimpl.papers.hyperspherical_energy.limits import lower_bound, normalised_excess, random_energy
from refimpl.papers.hyperspherical_energy.network import regularised

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# mean energies of the layers after the first epoch and the 146th, three seeds, λ 1/1: without the term, and with it
WIDE, GENTLE = Recipe(), Energy(hidden=1.0, output=1.0)
PILOT = (((0.5061, 0.5102), (0.5061, 0.5096), (0.5129, 0.4686)), ((0.5061, 0.5050), (0.5061, 0.5048), (0.5014, 0.4501)))


@dataclass(frozen=True)
class Config(Seeds):
    """The network of the pilot; an exponent for which random directions have a finite energy in every layer."""

    recipe: Recipe = WIDE
    energy: Energy = GENTLE

    def __post_init__(self):
        super().__post_init__()
        least = min([64, *self.recipe.hidden, *([self.recipe.embedding] if self.recipe.embedding else [])])
        if self.energy.s >= least - 1:
            raise ValueError(f"energy.s: expected below {least - 1}, the inputs of the narrowest layer less 1, got {self.energy.s}")


QUICK = Config(seeds=6)


def one_seed(config: Config, stream: np.random.SeedSequence) -> tuple[list[np.ndarray], list[float], list[bool]]:
    """Excesses (epochs + 1, layers), the smallest angle of classifiers in degrees, and divergence: without and with the term."""
    p, e = problem(config.recipe, np.random.default_rng(stream)), config.energy

    def excesses(params):
        hidden, output = regularised(params)
        return [normalised_excess(params[k].W, e.s, e.half_space) for k in hidden] + [normalised_excess(params[output].W, e.s)]

    runs = [trained(p, energy, excesses) for energy in (NONE, e)]
    curves = [np.array(r.measured) for r in runs]
    return curves, [smallest_angle(weights(p, r.theta)[-1]) for r in runs], [r.diverged for r in runs]


def smallest_angle(W: np.ndarray) -> float:
    """Between any two rows, degrees."""
    return float(nearest_angles(project_forward(W)[0]).min())


def run(config: Config, rng: np.random.Generator | None = None, workers: int = 1) -> Result:
    """Train with and without the term, seed by seed; workers change nothing but the time."""
    start = time.perf_counter()
    found = each(one_seed, [(config, stream) for stream in config.streams(rng)], workers)
    epochs = config.recipe.epochs + 1
    layers = len(config.recipe.hidden) + 1 + bool(config.recipe.embedding)
    curves = np.full((2, config.seeds, epochs, layers), np.nan)  # a run that diverged has no more epochs
    for k, (pair, _, _) in enumerate(found):
        for j, curve in enumerate(pair):
            curves[j, k, : len(curve)] = curve
    angles = np.array([a for _, a, _ in found]).T
    diverged = np.array([d for _, _, d in found]).T
    return Result(config, curves, angles, diverged, (time.perf_counter() - start) / 60)


@dataclass(frozen=True)
class Result:
    """The curves of all runs."""

    config: Config
    curves: np.ndarray  # (2, seeds, epochs + 1, layers) normalised excess, without and with; NaN after a divergence
    angles: np.ndarray  # (2, seeds) smallest angle between two classifiers at the end, degrees
    diverged: np.ndarray  # (2, seeds)
    minutes: float

    RULE = "agrees if at the end the excess is lower with the energy in every\nseed and every layer; differs otherwise"

    @property
    def lower(self) -> np.ndarray:
        """(seeds, layers) whether the final excess is lower with the energy."""
        return self.curves[1, :, -1] < self.curves[0, :, -1]  # False for NaN

    @property
    def verdict(self) -> str:
        """Lower in every seed and every layer?"""
        return "agrees" if self.lower.all() else "differs"

    def layers(self) -> list[tuple[str, int, int, bool]]:
        """(name, neurons, inputs, half space?) of every layer."""
        r, half = self.config.recipe, self.config.energy.half_space
        widths = [64, *r.hidden, *([r.embedding] if r.embedding else []), 10]
        names = [f"hidden {k + 1}" for k in range(len(widths) - 2)] + ["output"]
        return [(name, m, d, half and name != "output") for name, (d, m) in zip(names, pairwise(widths), strict=True)]

    def energies(self, layer: int, excess: np.ndarray) -> np.ndarray:
        """Mean energies of a layer that have that normalised excess."""
        _, m, d, half = self.layers()[layer]
        least = lower_bound(m, d, self.config.energy.s, half, reduction="mean")
        return least + excess * (random_energy(m, d, self.config.energy.s, half) - least)

    def table(self) -> str:
        """Excess and energy at the beginning and the end, as text."""
        lines = ["Energies of the layers in training, with the energy in the objective and without.", ""]
        head = f"{'layer':<24} {'energy':<8} {'excess, start':>14} {'end':>14}  {'mean energy, start':>18} {'end':>7} {'pilot':>16}"
        lines.append(head + "  lower at the end")
        known = (self.config.recipe, self.config.energy) == (WIDE, GENTLE)
        for layer, (name, m, d, half) in enumerate(self.layers()):
            for j, kind in enumerate(("without", "with")):
                x = self.curves[j, :, :, layer]
                ends = x[:, -1][np.isfinite(x[:, -1])]
                figures = [f"{np.mean(v):.3f} ± {np.std(v):.3f}" if len(v) else "–" for v in (x[:, 0], ends)]
                E = [f"{np.mean(self.energies(layer, v)):.4f}" if len(v) else "–" for v in (x[:, 0], ends)]
                pilot = "{:.4f} → {:.4f}".format(*PILOT[j][layer]) if known else ""
                label = f"{name}, {m} × {d}, {'half' if half else 'full'}" if j == 0 else ""
                count = f"  {self.lower[:, layer].sum()}/{self.config.seeds} seeds" if j else ""
                lines.append(f"{label:<24} {kind:<8} {figures[0]:>14} {figures[1]:>14}  {E[0]:>18} {E[1]:>7} {pilot:>16}{count}")
        angles = [f"{np.mean(a):.1f}° ± {np.std(a):.1f}°" for a in self.angles]
        return "\n".join(
            [
                *lines,
                "",
                f"{self.config.recipe}; {self.config.energy}.",
                f"Smallest angle between two classifiers at the end: {angles[0]} without, {angles[1]} with; the most that ten can",
                f"have is {np.degrees(np.arccos(-1 / 9)):.1f}°. Runs that diverged: {self.diverged[0].sum()} without, "
                f"{self.diverged[1].sum()} with.",
                "excess: 0 at the proven lower bound, 1 for random directions; mean ± standard deviation over seeds. half, full:",
                "the space whose energy it is. Pilot: mean energies after the first epoch and the 146th.",
                *footer(self.config, self.minutes, self.RULE, self.verdict, pilot=3),
            ]
        )

    def to_json(self) -> str:
        """Settings, versions, and the excess of every run and layer, every tenth epoch and at the end."""
        last = self.curves.shape[2] - 1
        epochs = sorted({*range(0, last, 10), last})
        arms = [
            {
                "energy": kind,
                "excess": self.curves[j][:, epochs].round(5),
                "smallest_angle": self.angles[j],
                "diverged": self.diverged[j],
            }
            for j, kind in enumerate(("without", "with"))
        ]
        found = {"layers": [name for name, *_ in self.layers()], "epochs": epochs, "arms": arms, "lower": self.lower}
        return as_json("mhe-energy-curve", self.config, self.minutes, self.RULE, self.verdict, **found)

    def figures(self) -> dict[str, Figure]:
        """By name: the curves."""
        return {"curves": self.plot()}

    def plot(self) -> Figure:
        """The excess of every layer against epochs: every seed, and the mean."""
        from matplotlib.figure import Figure

        layers = self.layers()
        figure = Figure(figsize=(3.7 * len(layers), 4), layout="constrained")
        epochs = np.arange(self.curves.shape[2])
        for layer, axes in enumerate(figure.subplots(1, len(layers), squeeze=False)[0]):
            name, m, d, half = layers[layer]
            axes.axhline(0, color="0.3", linewidth=1, linestyle="--", label="proven lower bound")
            axes.axhline(1, color="0.6", linewidth=1, linestyle=":", label="random directions")
            for j, (colour, kind) in enumerate(((OTHER, "without the energy"), (OURS, "with it"))):
                x = self.curves[j, :, :, layer]
                axes.plot(epochs, x.T, color=colour, linewidth=0.6, alpha=0.25)
                style = ("-", (0, (6, 1)))[j]
                axes.plot(epochs, x.mean(axis=0), color=colour, linewidth=2.2, linestyle=style, label=f"{kind}, mean")
            axes.set_title(f"{name}: {m} neurons, {d} inputs, {'half' if half else 'full'} space", fontsize=10)
            axes.set(
                xlabel="epochs",
                xlim=(-0.02 * epochs[-1], epochs[-1]),
                ylim=(min(0, np.nanmin(self.curves[..., layer])) - 0.05, None),
            )
            axes.spines[["top", "right"]].set_visible(False)
            if layer == 0:
                axes.set_ylabel("normalised excess of the energy")
                axes.legend(frameon=False, fontsize=9)
        figure.suptitle(f"Energies in training ({self.config.seeds} seeds, thin lines: each)", fontsize=12)
        return figure
