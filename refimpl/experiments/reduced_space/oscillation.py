"""An oscillation, `refimpl reproduce reduced-sin`: sin 4πx on [0, 1] by twenty neurons.

In one dimension the sphere is {-1, +1}: reduced training moves thresholds and outgoing weights alone. The best that any network of
this size can do is known, by dynamic programming over the places of its break points.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from refimpl.doors import whole
from refimpl.experiments.reduced_space.outcome import Result, colour_of, short
from refimpl.experiments.reduced_space.protocol import INPUTS, METHODS, Problem, Protocol, runs
from refimpl.nn.shallow import Shallow
from refimpl.papers.relu_existence.network import response
from refimpl.papers.relu_existence.splines import Spline, best_splines

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Config(Protocol):
    """As piloted; `cells` of the grid on which the best break points are looked for."""

    neurons: int = 20
    samples: int = 200
    adam_steps: int = 4000
    lbfgs_steps: int = 4000
    cells: int = 80

    def __post_init__(self):
        super().__post_init__()
        whole("cells", self.cells, self.neurons + 1)  # one for each piece


PILOT_BEST = 6.3e-5, 4.5e-5  # of 20 and of 21 pieces
REACH = (-1.0, 2.0)  # of the picture of break points
QUICK = Config(seeds=5, adam_steps=1000, lbfgs_steps=400)


def wave(x: np.ndarray) -> np.ndarray:
    """sin 4πx, x (n, 1) -> (n,)."""
    return np.sin(4 * np.pi * x[:, 0])


PROBLEM = Problem(
    "reduced-sin",
    "sin 4πx",
    wave,
    1,
    {
        "raw": {
            "standard, default start, Adam": (2.5e-1, 5.1e-2, 4.4e-1, 2.4e-1),
            "standard, reduced start, Adam": (5.8e-2, 2.8e-3, 1.3e-1, 7.3e-2),
            "reduced, Adam": (7.7e-2, 1.9e-2, 3.5e-1, 8.0e-2),
            "standard, default start, L-BFGS": (1.4e-1, 5.7e-3, 4.2e-1, 1.4e-1),
            "standard, reduced start, L-BFGS": (5.1e-2, 4.6e-3, 1.5e-1, 7.2e-2),
            "reduced, L-BFGS": (2.9e-2, 3.0e-3, 1.4e-1, 3.9e-2),
            "reduced, variable projection": (1.2e-3, 2.1e-4, 6.0e-2, 2.0e-3),
        },
        "centred": {
            "standard, default start, Adam": (1.3e-1, 2.0e-3, 4.2e-1, 1.4e-1),
            "standard, reduced start, Adam": (1.7e-3, 3.7e-4, 5.3e-2, 2.3e-3),
            "reduced, Adam": (1.1e-2, 1.8e-3, 8.5e-2, 1.0e-2),
            "standard, default start, L-BFGS": (1.2e-1, 3.9e-3, 4.3e-1, 1.4e-1),
            "standard, reduced start, L-BFGS": (1.7e-3, 5.8e-4, 5.1e-2, 2.2e-3),
            "reduced, L-BFGS": (1.3e-3, 3.9e-4, 8.1e-3, 1.6e-3),
            "reduced, variable projection": (1.0e-4, 6.3e-5, 2.2e-4, 1.9e-4),
        },
    },
)


def run(config: Config, rng: np.random.Generator | None = None, workers: Any = 1) -> Oscillation:
    """Train by every method, and look for the best network; workers change nothing but the time."""
    start = time.perf_counter()
    found = runs(PROBLEM, config, rng, workers)
    best = best_splines(lambda x: wave(x[:, None]), (0.0, 1.0), config.neurons + 1, config.cells)
    return Oscillation(config, found, (time.perf_counter() - start) / 60, best)


@dataclass(frozen=True)
class Oscillation(Result):
    """Every network, and the best continuous piecewise linear functions of 1, 2, ..., neurons + 1 pieces on the grid."""

    config: Config
    best: tuple[Spline, ...]

    PROBLEM = PROBLEM
    REMARKS = (
        "Signs of w do not move in reduced training: there is nothing between -1 and 1. A neuron's slope changes by its outgoing "
        "weight alone, where in standard training w and c change it together.",
    )

    def beside(self) -> list[str]:
        """The best there is, and how far from it the methods end."""
        n, errors = self.config.neurons, [short(spline.error) for spline in self.best[-2:]]
        least = {
            inputs: min(np.median(self.errors(inputs, name, test=True)) for name in found) for inputs, found in self.found.items()
        }
        times = ", ".join(f"{inputs} {error / self.best[-1].error:.2g}" for inputs, error in least.items())
        return [
            "",
            f"the best there is, by dynamic programming: {n} pieces {', '.join(errors[:-1])}, {n + 1} pieces {errors[-1]} "
            f"(pilot {', '.join(map(short, PILOT_BEST))})",
            f"  mean over all of [0, 1], break points on {self.config.cells} cells; {n} neurons have at most {n + 1} pieces",
            "  errors on the samples may be less",
            f"  the least median on test points, of all methods, over that of {n + 1} pieces: {times}",
        ]

    def more(self) -> dict[str, Any]:
        """The best by number of pieces, and every break point before and after, in raw coordinates."""
        breaks = {
            inputs: {name: [[breaks_of(params, inputs) for params in ends] for ends in self.ends(inputs, name)] for name in methods}
            for inputs, methods in self.found.items()
        }
        return {"best": [spline.error for spline in self.best], "breaks": breaks}

    # ---- pictures
    def figures(self) -> dict[str, Figure]:
        """By name: errors, fits of the median seeds, break points."""
        fits = {f"fits-{inputs}": self.plot_fits(inputs) for inputs in self.found}
        return {"errors": self.plot_errors(self.best[-1].error), **fits, "breaks": self.plot_breaks()}

    def plot_fits(self, inputs: str) -> Figure:
        """A panel for each method, and one for the best there is."""
        from matplotlib.figure import Figure

        x = np.linspace(0, 1, 801)
        figure = Figure(figsize=(13, 5.6), layout="constrained")
        panels = figure.subplots(2, 4, sharex=True, sharey=True).ravel()
        for axes, name in zip(panels, self.found[inputs], strict=False):
            t = self.median_seed(inputs, name)
            draw_fit(axes, x, response(t.end, x - INPUTS[inputs]), breaks_of(t.end, inputs), colour_of(name))
            axes.set_title(f"{name}\nerror {short(t.train)}", fontsize=9.5)
        best = self.best[-1]
        draw_fit(panels[-1], x, best(x), best.knots[1:-1], "0.15")
        panels[-1].set_title(f"the best of {self.config.neurons + 1} pieces\nerror {short(best.error)}", fontsize=9.5)
        panels[0].set(xlim=(0, 1), ylim=(-1.75, 1.6))
        figure.supxlabel("x;  ticks: break points of the network", fontsize=10)
        figure.suptitle(f"sin 4πx (grey) by the median seed of each method, {inputs} inputs", fontsize=12.5)
        return figure

    def plot_breaks(self) -> Figure:
        """Where the neurons of all seeds break, before and after: a dot each; in grey the domain."""
        from matplotlib.figure import Figure

        rng = np.random.default_rng(0)  # spreads the dots
        figure = Figure(figsize=(13, 5.2), layout="constrained")
        for axes, (inputs, methods) in zip(figure.subplots(1, 2, sharey=True), self.found.items(), strict=True):
            rows = []
            for start in ("default", "reduced"):
                names = [name for name in methods if METHODS[name].start == start]
                rows.append((f"{start} start", names[0], 0))
                rows += [(f"after {name.replace(f', {start} start', '')}".replace(", ", " "), name, 1) for name in names]
            axes.axvspan(0, 1, color="0.92", zorder=0)
            axes.axhline([start for start, _, _ in rows].index("reduced start") - 0.5, color="0.8", lw=0.9)
            for k, (_, name, end) in enumerate(rows):
                breaks = np.concatenate([breaks_of(params, inputs) for params in self.ends(inputs, name)[end]])
                near = np.clip(breaks, *REACH)
                colour = colour_of(name) if end else "0.35"
                axes.plot(near, k + rng.uniform(-0.3, 0.3, len(near)), ".", color=colour, ms=4.5, alpha=0.6, mew=0)
                share = 100 * self.inside(inputs, name)[end].mean()
                axes.text(REACH[1] + 0.08, k, f"{share:.0f} %", va="center", fontsize=9.5, color=colour)
            axes.text(REACH[1] + 0.08, -0.95, "inside", fontsize=9.5)
            axes.set(xlim=(REACH[0] - 0.06, REACH[1] + 0.06), xlabel="break point, x raw (beyond the ends: drawn there)")
            axes.set_xticks([-1, 0, 1, 2])
            axes.set_title(f"{inputs} inputs, X = {PROBLEM.radius(inputs):g}", fontsize=11)
            axes.spines[["top", "right", "left"]].set_visible(False)
            axes.tick_params(axis="y", length=0)
        axes.set_yticks(range(len(rows)), [row[0] for row in rows])
        axes.set_ylim(len(rows) - 0.5, -0.6)
        seeds = "the seed" if self.config.seeds == 1 else f"all {self.config.seeds} seeds"
        figure.suptitle(f"Where the neurons of {seeds} break: grey, the domain", fontsize=12.5)
        return figure


def breaks_of(params: Shallow, inputs: str) -> np.ndarray:
    """-b/w of each neuron, in raw coordinates (N,); infinite where w = 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return INPUTS[inputs] - params.b / params.W[:, 0]


def draw_fit(axes: Axes, x: np.ndarray, y: np.ndarray, breaks: np.ndarray, colour: str) -> None:
    """The target, a fit, and its break points below."""
    axes.plot(x, wave(x[:, None]), color="0.75", lw=4)
    axes.plot(x, y, color=colour, lw=1.5)
    axes.plot(breaks, np.full(len(breaks), -1.55), "|", color=colour, ms=9, mew=1.2)
    axes.spines[["top", "right"]].set_visible(False)
