"""Trainers beside the optimum that is known, `refimpl reproduce existence-trainers`.

In one dimension the least error of a network of n ReLU neurons can be had: in closed form for x², by enumeration for a sine,
with a lower bound by dynamic programming. So it can be said how far a trainer stays from it, and not only from other
trainers. Every trainer has the exact risk and its exact gradient: what is left of the error is the optimiser's.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from refimpl.doors import whole
from refimpl.experiments.processes import each
from refimpl.experiments.relu_existence.outcome import (
    DARK,
    GOLD,
    GREEN,
    OTHER,
    OURS,
    PILOT,
    Seeds,
    as_json,
    footer,
    new_figure,
    parts,
    verdict_of,
)
from refimpl.nn import Shallow
from refimpl.optim import adam, gradient_descent, minimise
from refimpl.papers.relu_existence import (
    Polynomial,
    Sine,
    best_feedforward,
    best_residual,
    exact_risk,
    quadratic_feedforward_error,
    response,
    sandwich,
    spline_network,
)
from refimpl.params import Objective, ravel

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INTERVAL = (0.0, 1.0)
TARGETS: dict[str, Callable[[np.ndarray], np.ndarray]] = {"x²": Polynomial((0.0, 0.0, 1.0)), "sin 2πx": Sine(2 * np.pi)}
# (feedforward, residual) as they were computed before, for n = 1, 2, ...
KNOWN = {
    "x²": ((1.097394e-03, 3.472222e-04), (1.422222e-04, 6.858711e-05), (3.702161e-05, 2.170139e-05)),
    "sin 2πx": (
        (1.595351e-01, 1.379318e-01),
        (3.345817e-02, 5.271863e-03),
        (3.274293e-03, 3.272519e-03),
        (8.266471e-04, 8.228204e-04),
    ),
}
TRAINERS = ("gradient descent", "Adam", "L-BFGS")
COLOURS = dict(zip(TRAINERS, (GOLD, GREEN, OURS), strict=True))


@dataclass(frozen=True)
class Config(Seeds):
    """Seeds: random starts, the same for each trainer."""

    seeds: int = 20
    widths: tuple[int, ...] = (1, 2, 3)
    steps: int = 2000
    rate: float = 0.1  # of gradient descent
    adam_rate: float = 0.01
    cells: int = 60  # of the grid of the dynamic programs

    def __post_init__(self):
        super().__post_init__()
        whole("steps", self.steps, 1)
        whole("cells", self.cells, 12)
        if not self.widths or not set(self.widths) <= {1, 2, 3, 4}:
            raise ValueError(f"widths: expected some of 1, 2, 3, 4, got {self.widths}")


QUICK = Config(seeds=4, widths=(1, 2), steps=300, cells=24)


class Optima(NamedTuple):
    """Least errors ∫ (R − f)² of n neurons, and the functions that have them."""

    feedforward: Any  # Spline: what the trained networks can be
    residual: Any  # Spline, with a skip connection
    lower: float  # proved: no function of n + 1 pieces has less, were it allowed to jump
    upper: float  # reached by a spline of n knots
    built: tuple[float, float]  # of the network made from the feedforward optimum: its error, and the largest entry of the gradient

    @property
    def floor(self) -> float:
        """No network of the class has less."""
        return float(self.feedforward.error)


def optima(target: str, n: int, cells: int, stream: np.random.SeedSequence) -> Optima:
    """For n neurons on the interval."""
    f, rng = TARGETS[target], np.random.default_rng(stream)
    best = best_feedforward(f, INTERVAL, n, rng)
    network = spline_network(best, left=best.subset)
    error, gradient = risk(network, target)(ravel(network)[0])
    built = float(error), float(np.abs(gradient).max())
    return Optima(best, best_residual(f, INTERVAL, n), *sandwich(f, INTERVAL, n + 1, cells), built)


def drawn(rng: np.random.Generator, n: int) -> Shallow:
    """Breaks uniform on the interval, either orientation; outgoing weights normal, of a sum of squares near 1."""
    w = rng.normal(size=n)
    return Shallow(w[:, None], -w * rng.uniform(size=n), rng.normal(size=n) / n**0.5, np.array(0.0))


def risk(params: Shallow, target: str) -> Objective:
    """The exact ∫ (R − f)², over ravel(params)."""
    unravel = ravel(params)[1]

    def objective(theta):
        value, gradient = exact_risk(unravel(theta), TARGETS[target], INTERVAL)
        return value, unravel.flat(gradient)

    return objective


def trained(target: str, n: int, config: Config, stream: np.random.SeedSequence) -> dict[str, tuple[float, np.ndarray]]:
    """The last error and parameters of each trainer, from one start."""
    from scipy.optimize import minimize

    params = drawn(np.random.default_rng(stream), n)
    theta, f = ravel(params)[0], risk(params, target)
    found = {}
    for name, optimiser in ((TRAINERS[0], gradient_descent(config.rate)), (TRAINERS[1], adam(config.adam_rate))):
        end = minimise(f, theta, optimiser, config.steps)
        found[name] = float(end.values[-1]), end.theta
    # it stops where neither value nor gradient falls any more, or after as many evaluations as the others
    options = {"maxiter": config.steps, "maxfun": config.steps, "ftol": 1e-15, "gtol": 1e-12}
    end = minimize(f, theta, jac=True, method="L-BFGS-B", options=options)
    found[TRAINERS[2]] = float(end.fun), end.x
    return found


def run(config: Config, rng: np.random.Generator | None = None, workers: int = 1) -> Result:
    """Every trainer from the same starts; workers change nothing but the time."""
    start = time.perf_counter()
    cases = [(target, n) for target in TARGETS for n in config.widths]
    streams = config.streams(rng, config.seeds + len(cases))
    best = each(optima, [(*case, config.cells, s) for case, s in zip(cases, streams[config.seeds :], strict=True)], workers)
    jobs = [(*case, config, s) for case in cases for s in streams[: config.seeds]]
    runs = each(trained, jobs, workers)
    grouped = {case: runs[k * config.seeds : (k + 1) * config.seeds] for k, case in enumerate(cases)}
    return Result(config, dict(zip(cases, best, strict=True)), grouped, (time.perf_counter() - start) / 60)


@dataclass(frozen=True)
class Result:
    """For each (target, width): the optima, and for each seed where each trainer ended."""

    config: Config
    optima: dict[tuple[str, int], Optima]
    runs: dict[tuple[str, int], list[dict[str, tuple[float, np.ndarray]]]]
    minutes: float

    RULE = (
        "agrees if (1) the optima are the pilot's within 2e-6, and those of x² the closed form 4/(45 (2n + 1)⁴) within 1e-6; (2) "
        "the dynamic programs enclose the residual optimum; (3) no trained network has less error than the optimum of its class, "
        "but for 1e-6 of it; (4) the network made from the optimum has its error within 1e-9 and a gradient of at most 1e-7: it is "
        "attained; differs otherwise"
    )

    def ratios(self, case: tuple[str, int], trainer: str) -> np.ndarray:
        """Error over the optimum, for each seed."""
        return np.array([run[trainer][0] for run in self.runs[case]]) / self.optima[case].floor

    @property
    def checks(self) -> dict[str, bool]:
        """The four parts of RULE."""
        known = [(o, KNOWN[target][n - 1]) for (target, n), o in self.optima.items() if n <= len(KNOWN[target])]
        pairs = [(float(ours), x) for o, row in known for ours, x in zip((o.floor, o.residual.error), row, strict=True)]
        closed = [(o.floor, quadratic_feedforward_error(n)) for (target, n), o in self.optima.items() if target == "x²"]
        found = {
            "optima": all(abs(a / b - 1) <= 2e-6 for a, b in pairs) and all(abs(a / b - 1) <= 1e-6 for a, b in closed),
            "enclosed": all(o.lower * (1 - 1e-9) <= o.residual.error <= o.upper * (1 + 1e-9) for o in self.optima.values()),
            "none below": all(self.ratios(case, t).min() >= 1 - 1e-6 for case in self.runs for t in TRAINERS),
            "attained": all(abs(o.built[0] / o.floor - 1) <= 1e-9 and o.built[1] <= 1e-7 for o in self.optima.values()),
        }
        return {name: bool(ok) for name, ok in found.items()}

    @property
    def verdict(self) -> str:
        """All four?"""
        return verdict_of(self.checks)

    def table(self) -> str:
        """A row for each target and width: the optima, then the ratios of each trainer."""
        lines = [
            "Error ∫ (R − f)² on [0, 1] of trained networks, over the least that n ReLU neurons can have.",
            "",
            f"{'target, n':<14}{'optimum':>13}{'pilot':>13}{'residual':>13}{'pilot':>13}{'DP from':>11}{'to':>11}",
        ]
        for (target, n), o in self.optima.items():
            known = KNOWN[target][n - 1] if n <= len(KNOWN[target]) else None
            left, right = (f"{x:>13.6e}" for x in known) if known else (f"{'–':>13}",) * 2
            row = f"{o.floor:>13.6e}{left}{float(o.residual.error):>13.6e}{right}{o.lower:>11.3e}{o.upper:>11.3e}"
            lines.append(f"{f'{target}, {n}':<14}{row}")
        lines += ["", f"{'error/optimum':<14}" + "".join(f"{name:^31}" for name in TRAINERS)]
        lines.append(f"{'':<14}" + f"{'best':>9}{'median':>9}{'at 1':>7}{'':>6}" * len(TRAINERS))
        for case in self.runs:
            cells = ""
            for name in TRAINERS:
                r = self.ratios(case, name)
                cells += f"{r.min():>9.4f}{np.median(r):>9.3g}{f'{(r <= 1.01).sum()}/{len(r)}':>7}{'':>6}"
            lines.append(f"{f'{case[0]}, {case[1]}':<14}{cells}".rstrip())
        c = self.config
        missed = [f"{t} with {n}" for t, n in self.runs if min(self.ratios((t, n), name).min() for name in TRAINERS) > 1.01]
        remarks = (
            "A best network exists in each case, and trainers mostly miss it. No start leads there, by any trainer, for "
            + (", ".join(missed) or "none")
            + ".",
            f"at 1: how many starts end within 1 % of the optimum. {c.steps} steps of gradient descent (rate {c.rate:g}) and Adam "
            f"(rate {c.adam_rate:g}), and at most as many evaluations of L-BFGS, all on the exact risk. optimum: of plain "
            "networks, which the trained ones are; residual: with a skip connection, a larger class, for which the ratio would "
            f"come out too large. DP: dynamic programs on {c.cells} cells enclose the residual optimum; the bound from below holds "
            "for functions with jumps, too. The optimum of the sine is the best of many starts for every orientation of the "
            "neurons, no proof. " + PILOT,
            parts(self.checks),
        )
        return "\n".join(
            [
                *lines,
                "",
                *footer(
                    c, self.minutes, self.RULE, self.verdict, *remarks, random="starts", decided="before the full run, after trials"
                ),
            ]
        )

    def to_json(self) -> str:
        """Settings, versions, every error."""
        rows = [
            {
                "target": case[0],
                "width": case[1],
                "optimum": o.floor,
                "knots": o.feedforward.knots,
                "residual": float(o.residual.error),
                "lower": o.lower,
                "upper": o.upper,
                "built": o.built,
                "errors": {name: [run[name][0] for run in self.runs[case]] for name in TRAINERS},
            }
            for case, o in self.optima.items()
        ]
        return as_json("existence-trainers", self.config, self.minutes, self.RULE, self.verdict, checks=self.checks, cases=rows)

    def figures(self) -> dict[str, Figure]:
        """By name: the ratios, and networks beside the optimum."""
        return {"ratios": self.ratio_picture(), "networks": self.network_picture()}

    def ratio_picture(self) -> Figure:
        """A panel for each target: a dot a seed, error over optimum, by width and trainer."""
        figure, (panels,) = new_figure((13, 5), len(TARGETS), sharey=True)
        rng = np.random.default_rng(0)  # spreads the dots
        for ax, target in zip(panels, TARGETS, strict=True):
            for n in self.config.widths:
                for k, name in enumerate(TRAINERS):
                    r = np.maximum(self.ratios((target, n), name), 1)
                    x = n + 0.25 * (k - 1) + rng.uniform(-0.07, 0.07, len(r))
                    ax.semilogy(
                        x, r, "o", color=COLOURS[name], ms=5, alpha=0.6, mew=0, label=name if n == self.config.widths[0] else None
                    )
                    ax.semilogy(n + 0.25 * (k - 1) + np.array([-0.1, 0.1]), np.full(2, np.median(r)), color=DARK, linewidth=2)
                o = self.optima[target, n]
                ax.semilogy([n - 0.4, n + 0.4], np.full(2, o.residual.error / o.floor), color=OTHER, linestyle=":", linewidth=1.6)
            ax.axhline(1, color=DARK, linewidth=1.2)
            ax.plot([], [], color=DARK, linewidth=2, label="median")
            ax.plot([], [], color=OTHER, linestyle=":", linewidth=1.6, label="optimum with a skip connection")
            ax.set_xticks(self.config.widths)
            ax.set(xlabel="neurons")
            ax.set_title(f"f = {target}", fontsize=11)
        panels[0].set_ylabel("error over the least of the class")
        panels[-1].legend(frameon=False, fontsize=9.5, loc="upper right")
        figure.suptitle("How far trainers stay from the optimum: 1 is the best network that there is", fontsize=12.5)
        return figure

    def network_picture(self) -> Figure:
        """The optimum beside trained networks: two widths, from the sine; below, what they miss."""
        widths = sorted(self.config.widths)[-2:]
        figure, axes = new_figure((13, 7), len(widths), 2, sharex=True, height_ratios=[2, 1])
        axes = axes.reshape(2, len(widths))
        x, target = np.linspace(*INTERVAL, 1201), "sin 2πx"
        f = TARGETS[target](x)
        for (upper, lower), n in zip(axes.T, widths, strict=True):
            best = self.optima[target, n].feedforward
            unravel = ravel(drawn(np.random.default_rng(0), n))[1]
            upper.plot(x, f, color=DARK, linewidth=1.2, linestyle="--", label="target")
            r = self.ratios((target, n), "L-BFGS")
            for k in np.argsort(r)[::-1]:
                y = response(unravel(self.runs[target, n][k]["L-BFGS"][1]), x[:, None])
                good = r[k] <= 1.01
                for ax, curve in ((upper, y), (lower, y - f)):
                    ax.plot(x, curve, color=OURS if good else "0.6", linewidth=0.9, alpha=0.75, zorder=2 if good else 1)
            y = np.interp(x, best.knots, best.values)
            upper.plot(x, y, color=OTHER, linewidth=2.4, label=f"the optimum, error {best.error:.3e}", zorder=3)
            upper.plot(best.knots[1:-1], best.values[1:-1], "o", color=OTHER, ms=7, zorder=4)
            lower.plot(x, y - f, color=OTHER, linewidth=2, zorder=3)
            upper.plot([], [], color=OURS, label=f"{(r <= 1.01).sum()} of {len(r)} trained networks: there, or at its mirror image")
            upper.plot([], [], color="0.6", label=f"{(r > 1.01).sum()}: stuck elsewhere")
            upper.set(ylim=(-1.4, 1.9))
            upper.set_title(f"{n} neuron{'s' if n > 1 else ''}, L-BFGS", fontsize=11)
            upper.legend(frameon=False, fontsize=9.5, loc="upper right")
            lower.set(xlabel="x")
            lower.axhline(0, color="0.8", linewidth=0.8, zorder=0)
        axes[0, 0].set_ylabel("response")
        axes[1, 0].set_ylabel("response − target")
        figure.suptitle("sin 2πx: the best network of its width, beside the trained ones", fontsize=12.5)
        return figure
