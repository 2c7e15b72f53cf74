"""What the three results share: the claim and what decides it, what gains what, the table, the JSON, the picture of errors.

default    standard training from the default start
control    standard training from the reduced start: the function that reduced training starts from, without its constraint
reduced    reduced training
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import exp, isfinite
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from refimpl.experiments import VERDICTS
from refimpl.experiments.outcome import as_json, footer
from refimpl.experiments.paired import Paired, paired
from refimpl.experiments.pictures import OTHER, OURS
from refimpl.experiments.reduced_space.protocol import INPUTS, METHODS, RATE, Problem, Protocol, Trained, inside
from refimpl.nn.shallow import Shallow

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CASES = [(inputs, optimiser) for inputs in INPUTS for optimiser in ("Adam", "L-BFGS")]
BOTH = "both: the claim"
NONE = "–"  # what there is not: of a single seed an interval, a deviation


@dataclass(frozen=True)
class Result:
    """Every network, by inputs, method and seed."""

    config: Protocol
    found: dict[str, dict[str, list[Trained]]]
    minutes: float

    PROBLEM: ClassVar[Problem]
    REMARKS: ClassVar[tuple[str, ...]] = ()
    RULE: ClassVar[str] = (
        "the claim is that training in the reduced space is better, and less sensitive to the start, than standard training from "
        "the default start. Errors are those on the samples. Better: the mean over seeds of log(default/reduced) has its 95 % "
        "interval above 0; less sensitive: the mean over seeds of |error − median of the seeds| is larger by default than reduced, "
        "with the 95 % interval of the difference above 0. Each agrees if so, differs if the interval lies below 0, and is "
        "inconclusive otherwise. This for raw and centred inputs, Adam and L-BFGS; the whole is as good as its worst part"
    )

    def errors(self, inputs: str, name: str, test: bool = False) -> np.ndarray:
        """(seeds,) on the samples, or on the test points."""
        return np.array([t.test if test else t.train for t in self.found[inputs][name]])

    def gain(self, first: tuple[str, str], second: tuple[str, str]) -> Paired:
        """log(error of the first / error of the second), each (inputs, method): above 0 if the second is better."""
        return paired(np.log(self.errors(*first) / self.errors(*second)))

    def steadier(self, first: tuple[str, str], second: tuple[str, str]) -> Paired:
        """How much farther errors of the first are from their median than those of the second."""
        a, b = (np.abs(e - np.median(e)) for e in (self.errors(*first), self.errors(*second)))
        return paired(a - b)

    def median_seed(self, inputs: str, name: str) -> Trained:
        """The lower of the two in the middle."""
        seeds = self.found[inputs][name]
        return sorted(seeds, key=lambda t: t.train)[(len(seeds) - 1) // 2]

    # ---- the claim
    def compared(self, inputs: str, optimiser: str) -> tuple[tuple[str, str], tuple[str, str]]:
        """Default standard training, and reduced training."""
        return (inputs, f"standard, default start, {optimiser}"), (inputs, f"reduced, {optimiser}")

    @property
    def verdicts(self) -> dict[tuple[str, str], tuple[str, str]]:
        """By inputs and optimiser: better, less sensitive."""
        pairs = {case: self.compared(*case) for case in CASES}
        return {case: (above(self.gain(*pair)), above(self.steadier(*pair))) for case, pair in pairs.items()}

    @property
    def verdict(self) -> str:
        """The worst."""
        return min((v for pair in self.verdicts.values() for v in pair), key=VERDICTS.index)

    # ---- what gains what
    def gains(self) -> dict[str, dict[tuple[str, str], Paired]]:
        """Factors, as logarithms, by what is changed, and by inputs and optimiser."""

        def of(inputs, optimiser):
            default, control, reduced = (
                (inputs, f"{name}, {optimiser}") for name in ("standard, default start", "standard, reduced start", "reduced")
            )
            yield "start: reduced in place of default, standard training", self.gain(default, control)
            yield "constraint: reduced in place of standard, same start", self.gain(control, reduced)
            yield BOTH, self.gain(default, reduced)
            if inputs == "centred":
                yield "inputs: centred in place of raw, reduced training", self.gain(("raw", reduced[1]), reduced)
            if optimiser == "L-BFGS":
                yield "optimiser: L-BFGS in place of Adam, reduced", self.gain((inputs, "reduced, Adam"), reduced)
                if "reduced, variable projection" in self.found[inputs]:
                    best = (inputs, "reduced, variable projection")
                    yield "optimiser: variable projection in place of L-BFGS", self.gain(reduced, best)

        table: dict[str, dict[tuple[str, str], Paired]] = {}
        for case in CASES:
            for what, p in of(*case):
                table.setdefault(what, {})[case] = p
        return table

    # ---- what is printed
    def table(self) -> str:
        """Errors beside the pilot's, the claim, and what gains what."""
        c, p = self.config, self.PROBLEM
        seeds, random = ("1 seed", "seed") if c.seeds == 1 else (f"{c.seeds} seeds", "paired seeds")
        lines = [f"{p.title}: mean squared errors, {c.neurons} neurons, {c.samples} samples, {seeds}."]
        for inputs, methods in self.found.items():
            lines += ["", *self.block(inputs, methods)]
        lines += [*self.beside(), "", *self.broken(), "", *self.claims(), "", *self.gained()]
        return "\n".join([*lines, "", *footer(c, self.minutes, self.RULE, self.verdict, *self.notes(), random=random)])

    def block(self, inputs: str, methods: Mapping[str, list[Trained]]) -> Iterator[str]:
        """Errors of the methods with these inputs, beside the pilot's."""
        p = self.PROBLEM
        head = f"{inputs} inputs, X = {p.radius(inputs):.3g}"
        yield f"{head:<34}{'ours':<35}pilot"
        yield f"{'':<34}{'train [least, most]':<25}{'test':<10}{'train [least, most]':<25}test"
        for name in methods:
            e, t = self.errors(inputs, name), self.errors(inputs, name, test=True)
            ours, pilot = (np.median(e), *((e.min(), e.max()) if len(e) > 1 else ())), p.pilot[inputs][name]
            yield f"{f'  {name}':<34}{ranged(*ours):<25}{short(np.median(t)):<10}{ranged(*pilot[:-1]):<25}{short(pilot[-1])}"

    def ends(self, inputs: str, name: str) -> tuple[list[Shallow], list[Shallow]]:
        """Every seed's network before and after."""
        found = self.found[inputs][name]
        return [t.start for t in found], [t.end for t in found]

    def inside(self, inputs: str, name: str) -> np.ndarray:
        """(2, seeds) the share of neurons that break inside the cube, before and after."""
        shift = INPUTS[inputs]
        return np.array([[inside(params, -shift, 1 - shift) for params in ends] for ends in self.ends(inputs, name)])

    def beside(self) -> list[str]:
        """Lines under the errors."""
        return []

    def broken(self) -> Iterator[str]:
        """How many neurons break inside, by method."""
        yield f"{'breaks inside, %':<34}" + "".join(f"{f'{inputs}: start':>16}{'end':>7}" for inputs in self.found)
        for name in self.found["raw"]:
            share = [self.inside(inputs, name).mean(axis=1) for inputs in self.found]
            yield f"{f'  {name}':<34}" + "".join(f"{100 * start:>16.0f}{100 * end:>7.0f}" for start, end in share)

    def claims(self) -> Iterator[str]:
        """Better, and less sensitive to the start, case by case."""
        yield "reduced training against standard training from the default start"
        yield f"{'':<20}{'default/reduced [95 %]':<26}{'better':<14}{'deviations':<18}{'less sensitive':<16}both"
        for case, (better, steady) in self.verdicts.items():
            pair = self.compared(*case)
            deviation = [short(np.abs(e - np.median(e)).mean()) for e in (self.errors(*pair[0]), self.errors(*pair[1]))]
            yield (
                f"{f'  {case[0]}, {case[1]}':<20}{factor(self.gain(*pair)):<26}{better:<14}"
                f"{', '.join(deviation) if self.config.seeds > 1 else NONE:<18}{steady:<16}"
                f"{min(better, steady, key=VERDICTS.index)}"
            )

    def gained(self) -> Iterator[str]:
        """Factors of the error, above 1 where it gains."""
        yield "gained, geometric mean [95 %]"
        yield "    " + "".join(f"{', '.join(case):<26}" for case in CASES).rstrip()
        for what, row in self.gains().items():
            helps, harms = (sum(above(p) == word for p in row.values()) for word in ("agrees", "differs"))
            yield f"  {what}" + (f" (helps {helps}, harms {harms})" if self.config.seeds > 1 else "")
            yield "    " + "".join(f"{factor(row[case]) if case in row else NONE:<26}" for case in CASES).rstrip()

    def near_pilot(self) -> tuple[int, int]:
        """How many medians on the samples are within a factor of 2 of the pilot's, and of how many."""
        p = self.PROBLEM.pilot
        close = [
            0.5 <= float(np.median(self.errors(inputs, name))) / p[inputs][name][0] <= 2
            for inputs, methods in self.found.items()
            for name in methods
        ]
        return sum(close), len(close)

    def reading(self) -> str:
        """What gains most, by the means over raw and centred inputs and over optimisers."""
        mean = {what: float(np.mean([p.mean for p in row.values()])) for what, row in self.gains().items() if what != BOTH}
        ranked = "; ".join(f"{what} × {exp(mean[what]):.2g}" for what in sorted(mean, key=lambda what: -mean[what]))
        return (
            "Reading. The gain of reduced over default training is that of the start times that of the constraint: between them "
            "stands the control, standard training from the reduced start, the same function. Geometric means over the columns: "
            f"{ranked}."
        )

    def notes(self) -> Iterator[str]:
        """Under the table."""
        c, (close, of) = self.config, self.near_pilot()
        full = type(c)(seeds=c.seeds, seed=c.seed) == c
        near = f"{close} of {of} of our medians on the samples are within a factor of 2 of its" if full else "it had more steps"
        yield (
            "The paper's own tables could not be sourced: none of these figures is the paper's. Better is the claim of its "
            "abstract; less sensitive to the start is asked here besides. Pilot: an earlier run of this protocol with other "
            f"draws; {near}."
        )
        yield (
            f"Samples and {c.tests} test points are uniform on the cube, the same for all methods of a seed; all samples in every "
            "step. Default start: every weight and bias uniform on ±1/√(inputs of its layer). Reduced start: w uniform on the "
            "sphere, b uniform on [-X, X], c normal/√N, c_0 = 0; standard training from it has no constraint. "
            f"Adam: {c.adam_steps} steps, rate {RATE:g} falling to 0 as a cosine; reduced, one second moment a neuron, b clipped. "
            f"L-BFGS: at most {c.lbfgs_steps} iterations, until no step makes the error less; reduced in w = u/|u|, b in its box."
        )
        yield (
            "Breaks inside: the share of neurons whose w·x + b = 0 meets the inside of the cube. Deviations, default and reduced: "
            "mean |error − median of the seeds|. Gained: the factor by which the error falls; helps, harms: how many of the "
            "columns have their interval above, below 1. Matrices are small: linear algebra has one thread; with two, on a "
            "busy machine of two processors, runs took two to five times as long."
        )
        yield from self.REMARKS
        yield self.reading()

    def to_json(self) -> str:
        """Settings, versions, and every run."""
        p = self.PROBLEM
        rows = {
            inputs: {
                name: {
                    "train": [t.train for t in seeds],
                    "test": [t.test for t in seeds],
                    "calls": [t.calls for t in seeds],
                    "inside": self.inside(inputs, name),
                    "pilot": p.pilot[inputs][name],
                }
                for name, seeds in methods.items()
            }
            for inputs, methods in self.found.items()
        }
        verdicts = {", ".join(case): dict(zip(("better", "less sensitive"), v, strict=True)) for case, v in self.verdicts.items()}
        gains = {what: {", ".join(case): g._asdict() for case, g in row.items()} for what, row in self.gains().items()}
        found = {"verdicts": verdicts, "gains": gains, "runs": rows} | self.more()
        return as_json(p.name, self.config, self.minutes, self.RULE, self.verdict, **found)

    def more(self) -> dict[str, Any]:
        """What else the JSON holds."""
        return {}

    # ---- pictures
    def figures(self) -> dict[str, Figure]:
        """By name: errors of every seed."""
        return {"errors": self.plot_errors()}

    def plot_errors(self, floor: float | None = None) -> Figure:
        """A dot for each seed, by method; raw inputs left, centred right."""
        from matplotlib.figure import Figure
        from matplotlib.ticker import LogLocator, NullFormatter

        rng, p = np.random.default_rng(0), self.PROBLEM  # spreads the dots
        figure = Figure(figsize=(12.5, 0.42 * len(self.found["raw"]) + 2.2), layout="constrained")
        for axes, (inputs, methods) in zip(figure.subplots(1, 2, sharex=True, sharey=True), self.found.items(), strict=True):
            for k, name in enumerate(methods):
                e, colour = self.errors(inputs, name), colour_of(name)
                axes.plot(e, k + rng.uniform(-0.17, 0.17, len(e)), ".", color=colour, alpha=0.55, ms=9, mew=0)
                axes.plot([np.median(e)] * 2, [k - 0.33, k + 0.33], color=colour, lw=3, solid_capstyle="butt")
                axes.plot(p.pilot[inputs][name][0], k + 0.3, "s", mfc="white", mec="0.35", ms=4.5)
            axes.axhline(sum(METHODS[name].optimiser == "Adam" for name in methods) - 0.5, color="0.8", lw=0.9)
            if floor is not None:
                axes.axvline(floor, color="0.2", lw=1.2, ls="--")
                axes.text(floor * 1.08, -0.45, "the best there is, on [0, 1]", fontsize=9, color="0.2", va="top")
            axes.set(xscale="log", xlabel="mean squared error on the samples", title=f"{inputs} inputs, X = {p.radius(inputs):.3g}")
            axes.grid(axis="x", color="0.92")
            axes.set_axisbelow(True)
            axes.spines[["top", "right", "left"]].set_visible(False)
            axes.tick_params(axis="y", length=0)
        low, high = axes.get_xlim()
        if high < 50 * low:  # powers of ten are too few
            axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axes.xaxis.set_major_formatter(lambda x, at: f"{x:.0e}".replace("e-0", "e-"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_yticks(range(len(methods)), list(methods))
        axes.set_ylim(len(methods) - 0.5, -0.6)
        axes.plot([], [], ".", color="0.4", ms=9, mew=0, label="a seed")
        axes.plot([], [], "|", color="0.4", ms=12, mew=3, label="median")
        axes.plot([], [], "s", mfc="white", mec="0.35", ms=4.5, label="median of the pilot")
        figure.legend(*axes.get_legend_handles_labels(), frameon=False, fontsize=9, loc="outside lower right", ncols=3)
        figure.suptitle(f"{p.title}: errors by start, space and optimiser", fontsize=12.5)
        return figure


def colour_of(name: str) -> str:
    """By start and space."""
    return OTHER if "default" in name else "#b8860b" if name.startswith("standard") else OURS


def above(p: Paired) -> str:
    """Verdict on a claim that the mean is above 0."""
    return "agrees" if p.low > 0 else "differs" if p.high < 0 else "inconclusive"


def factor(p: Paired) -> str:
    """Of paired logarithms, the factor that their mean is, and its 95 % interval."""

    def text(x):
        y = exp(min(x, 690))
        return f"{y:.2g}" if 1e-3 < y < 99.5 else f"{y:.0f}" if 1 < y < 9999.5 else short(y)

    mean, low, high = text(p.mean), text(p.low), text(p.high)
    return f"{mean} [{low}, {high}]" if isfinite(p.error) else f"{mean} [{NONE}]"


def ranged(x: float, *interval: float) -> str:
    """`short`, which says if there is no interval."""
    return short(x, *interval) if interval else f"{short(x)} [{NONE}]"


def short(x: float, *interval: float) -> str:
    """Two digits: 1.7e-3, or 1.7e-3 [3.7e-4, 5.3e-2]."""
    text = [f"{y:.1e}".replace("e-0", "e-").replace("e+00", "").replace("e+0", "e").replace("e+", "e") for y in (x, *interval)]
    return f"{text[0]} [{text[1]}, {text[2]}]" if interval else text[0]
