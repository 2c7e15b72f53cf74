"""The digits, `refimpl reproduce bi-digits`: a classifier trained by Born-Infeld descent, by momentum, and by Adam.

The paper trains on MNIST and CIFAR-10, where its optimiser comes out level with momentum, and for a wide range of step sizes.
Here a small perceptron learns the packaged 8 × 8 digits by mini-batches. All methods have the same epochs and as many step sizes to
choose from, and nothing else is tuned; the choice is made on validation rows, and then tested with fresh seeds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from refimpl.datasets import load_digits, split
from refimpl.doors import whole
from refimpl.experiments import VERDICTS
from refimpl.experiments.born_infeld.outcome import Seeds, as_json, footer
from refimpl.experiments.paired import Paired, paired
from refimpl.experiments.pictures import OTHER, OURS, draw_paired
from refimpl.experiments.processes import each
from refimpl.nn import batch_objective, cross_entropy_backward, cross_entropy_forward, mlp, network_forward
from refimpl.optim import adam, momentum, train
from refimpl.papers.born_infeld import energy_conserving_descent
from refimpl.params import ravel

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# for MNIST, the numbers of steps from what was used at all
RULES: dict[str, Any] = {"extra_energy": 1.0, "offset": 1e-6, "bounce_every": 100, "fixed_bounces": 5, "patience": 1000}
METHODS: dict[str, tuple[Callable, float]] = {  # an optimiser from its step size, and the least of these
    "BBI": (partial(energy_conserving_descent, **RULES), 1e-2),
    "log leapfrog": (partial(energy_conserving_descent, integrator="leapfrog", **RULES), 1e-2),
    "momentum": (momentum, 1e-3),
    "Adam": (adam, 1e-4),
}
PAIRS = (("BBI", "momentum"), ("BBI", "Adam"), ("log leapfrog", "BBI"), ("log leapfrog", "momentum"), ("log leapfrog", "Adam"))
MARGIN = 0.5  # points of test error within which methods count as comparable
REACH = 3.0  # of the picture, points


@dataclass(frozen=True)
class Config(Seeds):
    """A perceptron of one hidden layer, its rows, its epochs; step sizes are 10^(k/3) times the least of the method."""

    seeds: int = 40
    hidden: int = 32
    rows: int = 1000  # to train on
    validation: int = 300  # to choose the step size by; the other rows test
    epochs: int = 60
    batch: int = 50
    step_sizes: int = 13
    tuning_seeds: int = 10

    def __post_init__(self):
        super().__post_init__()
        for name in ("hidden", "rows", "validation", "epochs", "batch", "step_sizes", "tuning_seeds"):
            whole(name, getattr(self, name), 1)

    def grid(self, method: str) -> np.ndarray:
        """Step sizes of that method."""
        return METHODS[method][1] * 10 ** (np.arange(self.step_sizes) / 3)


QUICK = Config(seeds=5, epochs=20, tuning_seeds=2)


def trained(config: Config, method: str, step: float, stream: np.random.SeedSequence) -> tuple[float, float, float, bool]:
    """Error on validation and test rows in %, loss of the last epoch, and whether the run diverged.

    A stream gives every method the same rows, initial weights and mini-batches.
    """
    keys = np.random.default_rng(stream).integers(2**63, size=3)  # not spawned: a stream remembers how many it has
    data_rng, weights_rng, batch_rng = (np.random.default_rng(key) for key in keys)
    c, data = config, split(load_digits(), config.rows, data_rng)
    layers, params = mlp([data.x.shape[1], c.hidden, 10], "relu", weights_rng)
    theta, unravel = ravel(params)
    loss = batch_objective(layers, unravel, (cross_entropy_forward, cross_entropy_backward), data.x, data.y)
    t = train(loss, theta, METHODS[method][0](step), len(data.y), epochs=c.epochs, batch=c.batch, rng=batch_rng)
    with np.errstate(over="ignore", invalid="ignore"):  # where training went out of bounds
        wrong = network_forward(layers, unravel(t.theta), data.x_test)[0].argmax(axis=1) != data.y_test
    last = t.history[-1].value if t.history else float("nan")
    validation, test = (100 * float(part.mean()) for part in (wrong[: c.validation], wrong[c.validation :]))
    return validation, test, last, t.status == "diverged"


def scanned(config: Config, method: str, stream: np.random.SeedSequence) -> list[tuple]:
    """Every step size of a method."""
    return [trained(config, method, float(step), stream) for step in config.grid(method)]


def run(config: Config, rng: np.random.Generator | None = None, workers: int = 1) -> Result:
    """Choose the step sizes, then test them on fresh seeds; workers change nothing but the time."""
    start = time.perf_counter()
    for_tuning, for_runs = config.streams(rng, 2)
    jobs = [(config, method, stream) for method in METHODS for stream in for_tuning.spawn(config.tuning_seeds)]
    scan = np.array(each(scanned, jobs, workers), float).reshape(len(METHODS), config.tuning_seeds, config.step_sizes, 4)
    best = [int(np.argmin(errors.mean(axis=0))) for errors in scan[..., 0]]
    steps = {method: float(config.grid(method)[k]) for method, k in zip(METHODS, best, strict=True)}
    streams = for_runs.spawn(config.seeds)
    found = each(trained, [(config, method, steps[method], stream) for stream in streams for method in METHODS], workers)
    final = np.array(found, float).reshape(config.seeds, len(METHODS), 4)
    return Result(config, scan, steps, final, (time.perf_counter() - start) / 60)


@dataclass(frozen=True)
class Result:
    """Every run: validation error, test error, loss, diverged."""

    config: Config
    scan: np.ndarray  # (methods, tuning seeds, step sizes, 4)
    steps: dict[str, float]  # chosen
    final: np.ndarray  # (seeds, methods, 4)
    minutes: float

    RULE = (
        "the claim is that BBI is comparable. BBI less momentum and BBI less Adam, test error paired by seed: each agrees if the "
        f"95 % interval of the mean is within ±{MARGIN} points, differs if it is outside of them, and is inconclusive otherwise; "
        "the whole is the worse of the two"
    )

    def errors(self, method: str) -> np.ndarray:
        """(seeds,) test errors with the chosen step, %."""
        return self.final[:, list(METHODS).index(method), 1]

    def difference(self, first: str, second: str) -> Paired:
        """Test error of the first less that of the second, points."""
        return paired(self.errors(first) - self.errors(second))

    @property
    def verdict(self) -> str:
        """The worse of the first two of PAIRS."""
        return min((comparable(self.difference(*pair)) for pair in PAIRS[:2]), key=VERDICTS.index)

    def width(self, method: str) -> int:
        """How many step sizes have a mean test error within one point of the least."""
        mean = self.scan[list(METHODS).index(method), :, :, 1].mean(axis=0)
        return int(np.sum(mean <= mean.min() + 1))

    def table(self) -> str:
        """Test errors over the step sizes, those of the chosen, and the differences."""
        c = self.config
        lines = [
            f"Test error in %, mean ± standard deviation, of a perceptron 64-{c.hidden}-10, {c.epochs} epochs on {c.rows} digits.",
            "",
            f"Step sizes: r is the step over the least of the method, {c.tuning_seeds} seeds.",
            f"{'r':>8}" + "".join(f"{f'{m}, {least:g}':>22}" for m, (_, least) in METHODS.items()),
        ]
        for k in range(c.step_sizes):
            cells = []
            for j, method in enumerate(METHODS):
                e = self.scan[j, :, k, 1]
                mark = "*" if c.grid(method)[k] == self.steps[method] else " "
                cells.append(f"{f'{e.mean():.2f} ± {e.std():.2f}{mark}':>22}")
            lines.append((f"{10 ** (k / 3):>8.2f}" + "".join(cells)).rstrip())
        lines += [
            "* chosen: least error on the validation rows. Below: how many steps are within 1 point of the best.",
            "",
            f"{'':<14}{'step':>9}{'test error':>16}{'worst':>8}{'last loss':>12}{'diverged':>10}{'steps within 1 point':>26}",
        ]
        for j, method in enumerate(METHODS):
            e, loss = self.errors(method), self.final[:, j, 2]
            lines.append(
                f"{method:<14}{self.steps[method]:>9.3g}{f'{e.mean():.2f} ± {e.std():.2f}':>16}{e.max():>8.2f}"
                f"{np.median(loss):>12.1e}{int(self.final[:, j, 3].sum()):>10}{f'{self.width(method)} of {c.step_sizes}':>26}"
            )
        lines += ["", f"{'difference of test errors, points':<36}{'mean ± error [95 % interval]':<32}{'wins':>7}"]
        for first, second in PAIRS:
            d = self.difference(first, second)
            word = comparable(d) if (first, second) in PAIRS[:2] else "shown only"
            lines.append(f"{f'{first} less {second}':<36}{d!s:<32}{f'{d.wins}/{d.n}':>7}  {word}")
        rules = ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in RULES.items())
        remarks = (
            "Data: the packaged digits, 8 × 8, and a perceptron, in place of MNIST and a convolutional network. "
            f"{c.rows} rows train, {c.validation} validate, the rest test; batches of {c.batch}. Every method has {c.step_sizes} "
            f"step sizes and {c.tuning_seeds} seeds to choose by, other seeds than those compared; nothing else is tuned. BBI and "
            f"leapfrog: {rules}; of these, extra energy, offset and fixed bounces are as released for MNIST, the numbers of steps "
            "within the released range. Momentum 0.9; Adam 0.9, 0.999. No weight decay. The ranges of step sizes are four decades "
            "each, from where the epochs do not suffice.",
        )
        return "\n".join([*lines, "", *footer(c, self.minutes, self.RULE, self.verdict, *remarks, random="paired seeds")])

    def to_json(self) -> str:
        """Settings, versions, and every run."""
        names = ("validation", "test", "loss", "diverged")
        scan = {
            m: {"steps": self.config.grid(m), **{name: self.scan[j, :, :, k] for k, name in enumerate(names)}}
            for j, m in enumerate(METHODS)
        }
        final = {m: {"step": self.steps[m], **{n: self.final[:, j, k] for k, n in enumerate(names)}} for j, m in enumerate(METHODS)}
        differences = {f"{a} less {b}": self.difference(a, b)._asdict() for a, b in PAIRS}
        found = {"scan": scan, "final": final, "differences": differences, "rules": RULES}
        return as_json("bi-digits", self.config, self.minutes, self.RULE, self.verdict, **found)

    def figures(self) -> dict[str, Figure]:
        """By name: errors over step sizes, and differences."""
        return {"errors": self.plot()}

    def plot(self) -> Figure:
        """Left: test error against the step size. Right: differences with the chosen ones, seed by seed."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(12.5, 4.8), layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=(1.35, 1))
        colours = {"BBI": OURS, "log leapfrog": "#1b9e77", "momentum": OTHER, "Adam": "#8a6d3b"}
        for j, method in enumerate(METHODS):
            e, x = self.scan[j, :, :, 1], self.config.grid(method)
            left.fill_between(x, *np.percentile(e, (10, 90), axis=0), color=colours[method], alpha=0.15, linewidth=0)
            left.plot(x, e.mean(axis=0), color=colours[method], marker=".", lw=1.7, label=method)
            chosen = int(np.argmin(np.abs(x - self.steps[method])))
            left.plot(x[chosen], e.mean(axis=0)[chosen], "o", mfc="white", mec=colours[method], mew=2, ms=8)
        left.set(xscale="log", yscale="log", xlabel="step size (h, or rate)", ylabel="test error, %")
        left.set_yticks([2, 3, 5, 10, 20, 50, 90], ["2", "3", "5", "10", "20", "50", "90"])
        left.minorticks_off()
        left.set_title("mean, and 10 to 90 % of the tuning seeds; ring: chosen", fontsize=10.5)
        left.legend(frameon=False)
        left.grid(axis="y", color="0.92")
        left.set_axisbelow(True)
        left.spines[["top", "right"]].set_visible(False)
        right.axvspan(-MARGIN, MARGIN, color="0.93", zorder=0)
        values = {f"{a}\nless {b}": self.errors(a) - self.errors(b) for a, b in PAIRS}
        draw_paired(right, values, [None] * len(PAIRS))
        right.set_xlim(-REACH, REACH)
        for k, x in enumerate(values.values()):
            for side, beyond in ((1, x > REACH), (-1, x < -REACH)):
                if beyond.any():
                    text, align = f"{beyond.sum()} of {len(x)} beyond", "right" if side > 0 else "left"
                    right.text(side * REACH, k - 0.22, text, ha=align, fontsize=9, color=OURS)
        right.set_xlabel("difference of test errors, points (below 0: the first is better)")
        right.set_title(f"chosen step sizes, {self.config.seeds} fresh seeds; grey: comparable", fontsize=10.5)
        figure.legend(*right.get_legend_handles_labels(), frameon=False, fontsize=9, loc="outside lower right", ncols=2)
        figure.suptitle("The digits by Born-Infeld descent, momentum and Adam", fontsize=12.5)
        return figure


def comparable(d: Paired) -> str:
    """Verdict on a difference that is claimed to be within ±MARGIN."""
    if -MARGIN <= d.low and d.high <= MARGIN:
        return "agrees"
    return "differs" if d.low > MARGIN or d.high < -MARGIN else "inconclusive"
