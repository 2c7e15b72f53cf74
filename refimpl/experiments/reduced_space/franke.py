"""Franke's function, `refimpl reproduce reduced-franke`: two hills, a slope and a hollow on the square, by forty neurons."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from refimpl.experiments.reduced_space.outcome import Result, colour_of, short
from refimpl.experiments.reduced_space.protocol import INPUTS, Problem, Protocol, inside, runs

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Config(Protocol):
    """As piloted."""


QUICK = Config(seeds=5, adam_steps=500, lbfgs_steps=150)


def franke(x: np.ndarray) -> np.ndarray:
    """x (n, 2) in the square -> (n,)."""
    u, v = 9 * x.T
    return (
        0.75 * np.exp(-((u - 2) ** 2 + (v - 2) ** 2) / 4)
        + 0.75 * np.exp(-((u + 1) ** 2) / 49 - (v + 1) / 10)
        + 0.5 * np.exp(-((u - 7) ** 2 + (v - 3) ** 2) / 4)
        - 0.2 * np.exp(-((u - 4) ** 2) - (v - 7) ** 2)
    )


PROBLEM = Problem(
    "reduced-franke",
    "Franke's function",
    franke,
    2,
    {
        "raw": {
            "standard, default start, Adam": (1.9e-3, 1.2e-3, 4.0e-3, 2.1e-3),
            "standard, reduced start, Adam": (2.2e-3, 1.2e-3, 4.2e-3, 2.6e-3),
            "reduced, Adam": (2.3e-3, 1.1e-3, 4.1e-3, 2.6e-3),
            "reduced as u/|u|, Adam": (2.5e-3, 9.1e-4, 4.1e-3, 3.0e-3),
            "standard, default start, L-BFGS": (1.7e-3, 3.0e-4, 5.6e-3, 1.9e-3),
            "standard, reduced start, L-BFGS": (8.6e-4, 2.6e-4, 2.5e-3, 1.1e-3),
            "reduced, L-BFGS": (7.2e-4, 4.8e-4, 1.6e-3, 9.3e-4),
        },
        "centred": {
            "standard, default start, Adam": (1.2e-3, 5.5e-4, 2.3e-3, 1.4e-3),
            "standard, reduced start, Adam": (4.5e-4, 1.3e-4, 9.1e-4, 6.1e-4),
            "reduced, Adam": (5.8e-4, 1.7e-4, 2.4e-3, 7.5e-4),
            "reduced as u/|u|, Adam": (5.6e-4, 1.6e-4, 1.8e-3, 7.3e-4),
            "standard, default start, L-BFGS": (7.0e-4, 3.9e-4, 1.5e-3, 8.8e-4),
            "standard, reduced start, L-BFGS": (1.4e-4, 8.1e-5, 3.0e-4, 2.2e-4),
            "reduced, L-BFGS": (1.1e-4, 6.8e-5, 2.6e-4, 1.8e-4),
        },
    },
)


def run(config: Config, rng: np.random.Generator | None = None, workers: Any = 1) -> Franke:
    """Train by every method; workers change nothing but the time."""
    start = time.perf_counter()
    return Franke(config, runs(PROBLEM, config, rng, workers), (time.perf_counter() - start) / 60)


class Franke(Result):
    """Every network, by inputs, method and seed."""

    PROBLEM = PROBLEM
    REMARKS = ("Reduced training by Adam is decided on by the Riemannian form; that in u of w = u/|u| is shown.",)

    def figures(self) -> dict[str, Figure]:
        """By name: errors, and the lines on which neurons break."""
        return {"errors": self.plot_errors(), "lines": self.plot_lines()}

    def plot_lines(self) -> Figure:
        """The lines on which the neurons of the median seed break, before and after L-BFGS, on the square."""
        from matplotlib.figure import Figure

        grid = np.linspace(0, 1, 121)
        heights = franke(np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)).reshape(121, 121)
        figure = Figure(figsize=(11.5, 6.3), layout="constrained")
        for row, inputs in zip(figure.subplots(2, 4), self.found, strict=True):
            for half, name in ((row[:2], "standard, default start, L-BFGS"), (row[2:], "reduced, L-BFGS")):
                t = self.median_seed(inputs, name)
                start = "default start" if "default" in name else "reduced start"
                after = f"after {name.replace(', default start', '').replace(', ', ' ')}: error {short(t.train)}"
                for axes, params, title in ((half[0], t.start, start), (half[1], t.end, after)):
                    axes.contourf(grid, grid, heights, 12, cmap="Greys", alpha=0.55)
                    share = inside(params, -INPUTS[inputs], 1 - INPUTS[inputs])
                    for w, b in zip(params.W, params.b - INPUTS[inputs] * params.W.sum(axis=1), strict=True):  # in raw coordinates
                        foot = -b * w / (w @ w)
                        axes.axline(foot, foot + (-w[1], w[0]), color=colour_of(name), lw=0.9)
                    axes.set(xlim=(0, 1), ylim=(0, 1), xticks=[], yticks=[], aspect="equal")
                    axes.set_title(f"{title}\n{share * len(params.b):.0f} of {len(params.b)} lines meet the square", fontsize=9)
            row[0].set_ylabel(f"{inputs} inputs", fontsize=11)
        figure.suptitle("Franke's function (grey), and the lines on which neurons break, median seeds", fontsize=12.5)
        return figure
