"""The best loss within a norm budget, `refimpl reproduce existence-budget`: ReLU comes to rest, smooth activations never do.

loss(R) = min { risk(θ) : |θ| <= R }, for the uniform probability on [−1, 1]; all of v, w, b and c count. If a best network
exists, the curve is flat from its norm on. For ReLU and a continuous target it is. Smooth activations approach what they
cannot represent, such as the derivative of the activation, with weights that grow for ever; so does ReLU, if the target has a
jump.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

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
from refimpl.papers.relu_existence import (
    TARGETS,
    best_within_budget,
    relu_step_law,
    sigmoid_identity_law,
    softplus_kink_law,
    tanh_identity_law,
    tanh_step_bound,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RADII = (1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0)
FLOOR = 1e-20  # a loss below is 0 up to rounding
COLOURS = {"relu": OURS, "tanh": OTHER, "sigmoid": GOLD, "softplus": GREEN}
MARKERS = {"relu": "o", "tanh": "s", "sigmoid": "^", "softplus": "D"}


NAMES = {"x": "x", "x²": "x^2", "x⁺": "x^+", "1 − tanh² x": "1 - tanh^2", "1{x > 0}": "step"}  # as the paper's module has them


class Case(NamedTuple):
    """A target, neurons, and the losses of the pilot for the first of RADII; None where it only says that they stay."""

    target: str
    width: int
    activation: str
    pilot: tuple[float | None, ...]


CASES = (
    Case("x", 1, "relu", (1.4e-1, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)),
    Case("x", 1, "tanh", (9.8e-2, 2.0e-4, 3.33e-5, 1.02e-5, 1.98e-6, 6.23e-7, 1.23e-7, 3.88e-8)),
    Case("x", 1, "sigmoid", (2.6e-1, 1.2e-1, 8.7e-3, 3.4e-4, 5.3e-5, 1.6e-5, 3.1e-6, 9.8e-7)),
    Case("x", 1, "softplus", (2.1e-1, 1.5e-2, 8.0e-4, 1.4e-4, 4.9e-6, 1.5e-7, 2.2e-10, 1.4e-12)),
    Case("x²", 2, "relu", (5.4e-2, 3.9e-3, 1.0974e-3, 1.0974e-3, 1.0974e-3, 1.0974e-3, 1.0974e-3, 1.0974e-3)),
    Case("x²", 2, "tanh", (8.4e-2, 4.0e-2, 1.5e-3, 1.3e-5, 5.6e-7, 1.4e-7, 2.4e-8, 7.1e-9)),
    Case("x²", 2, "softplus", (8.3e-2, 5.4e-2, 1.1e-2, 8.3e-6, 8.7e-9, 2.2e-9, 4.2e-10, 2.8e-10)),
    Case("x⁺", 1, "relu", (1.7e-2, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)),
    Case("x⁺", 1, "softplus", (3.9e-2, 5.4e-3, 1.9e-3, 1.2e-3, 5.4e-4, 2.9e-4, 1.1e-4, 5.2e-5)),
    Case("1 − tanh² x", 2, "relu", (2.5e-2, 7.874e-5, 7.874e-5, 7.874e-5, 7.874e-5, 7.874e-5, 7.874e-5, 7.874e-5)),
    Case("1 − tanh² x", 2, "tanh", (3.2e-2, 2.7e-3, 9.4e-9, 2.0e-9, 3.2e-10, 1.2e-10, None, None)),
    Case("1{x > 0}", 2, "relu", (1.1e-1, 3.81e-2, 1.87e-2, 1.048e-2, 4.636e-3, 2.605e-3, 1.158e-3, 6.511e-4)),
    Case("1{x > 0}", 1, "tanh", (1.1e-1, 4.0e-2, 2.9e-2, 2.3e-2, 1.5e-2, 1.2e-2, 7.9e-3, 5.9e-3)),
)


class Known(NamedTuple):
    """What is derived of the loss for large R: a function of R, its power, and how it reads."""

    loss: Callable[[float], float]
    power: int
    reads: str


LAWS = {
    ("x", "tanh"): Known(tanh_identity_law, -4, "4/1575 R⁻⁴"),
    ("x", "sigmoid"): Known(sigmoid_identity_law, -4, "4/63 R⁻⁴"),
    ("x²", "relu"): Known(lambda R: 4 / 3645, 0, "4/3645"),
    ("1{x > 0}", "relu"): Known(relu_step_law, -2, "1/6 R⁻²"),
}
# what one network of about that norm does; the least loss is at most that
BOUNDS = {
    ("x⁺", "softplus"): Known(lambda k: softplus_kink_law(k) / 2, -3, "ζ(3)/4 R⁻³"),  # softplus(kx)/k, k = R
    ("1{x > 0}", "tanh"): Known(tanh_step_bound, -1, "(2 ln 2 − 1)/4 R⁻¹"),  # (1 + tanh kx)/2, k = R
}
PLACES = {("x", "tanh"): ((-4, -16), "right"), ("1{x > 0}", "relu"): ((-8, -16), "right")}  # of what a law reads, in the picture


@dataclass(frozen=True)
class Config(Seeds):
    """Seeds: random starts of each search, which goes from the smallest radius to the largest."""

    seeds: int = 12
    radii: tuple[float, ...] = RADII

    def __post_init__(self):
        super().__post_init__()
        if not {4.0, 8.0, 16.0} <= set(self.radii) or list(self.radii) != sorted(set(self.radii)) or not self.radii[0] > 0:
            raise ValueError(f"radii: expected growing numbers > 0, with 4, 8 and 16 among them, got {self.radii}")


QUICK = Config(seeds=2, radii=(1.0, 2.0, 4.0, 8.0, 16.0))


def searched(case: Case, radii: tuple[float, ...], restarts: int, stream: np.random.SeedSequence) -> np.ndarray:
    """The least losses found, for each radius.  (len(radii),)"""
    rng = np.random.default_rng(stream)
    return np.asarray(best_within_budget(case.activation, case.width, TARGETS[NAMES[case.target]], radii, rng, restarts)[0])


def run(config: Config, rng: np.random.Generator | None = None, workers: int = 1) -> Result:
    """All of CASES; workers change nothing but the time."""
    start = time.perf_counter()
    jobs = [(case, config.radii, config.seeds, s) for case, s in zip(CASES, config.streams(rng, len(CASES)), strict=True)]
    return Result(config, np.array(each(searched, jobs, workers)), (time.perf_counter() - start) / 60)


@dataclass(frozen=True)
class Result:
    """losses[i, k] of CASES[i] at radius k."""

    config: Config
    losses: np.ndarray
    minutes: float

    RULE = (
        "agrees if (1) for ReLU and a continuous target the losses from R = 4 on are one number, up to 1e-6 of it or to 1e-20; (2) "
        "a smooth activation with a continuous target falls from R = 8 to 16 with a power of at most −2, or is below 1e-9, where "
        "the search and not the network ends; (3) for the step ReLU falls with a power −2 and tanh with −1, within 0.1, from R = 8 "
        "to 16; (4) at R = 16 the laws hold within 2 %, and no bound is exceeded by 1 %; (5) no loss grows with R; inconclusive if "
        "(2) alone fails; differs otherwise"
    )

    def at(self, case: Case) -> dict[float, float]:
        """Radius -> loss."""
        return dict(zip(self.config.radii, self.losses[CASES.index(case)].tolist(), strict=True))

    def power(self, case: Case) -> float:
        """Local slope of log loss against log R from 8 to 16; 0 where both are 0 up to rounding."""
        loss = self.at(case)
        return float(np.log2(max(loss[16.0], FLOOR) / max(loss[8.0], FLOOR)))

    @property
    def checks(self) -> dict[str, bool]:
        """The five parts of RULE."""
        flat, falling, jumps, laws = [], [], [], []
        for case in CASES:
            loss = self.at(case)
            late = np.array([x for R, x in loss.items() if R >= 4])
            if case.target == "1{x > 0}":
                jumps.append(abs(self.power(case) - {"relu": -2, "tanh": -1}[case.activation]) <= 0.1)
            elif case.activation == "relu":
                flat.append(np.ptp(late) <= max(1e-6 * late.max(), FLOOR))
            else:
                falling.append(self.power(case) <= -2 or loss[16.0] < 1e-9)
            if (case.target, case.activation) in LAWS:
                laws.append(abs(loss[16.0] / LAWS[case.target, case.activation].loss(16.0) - 1) <= 0.02)
            if (case.target, case.activation) in BOUNDS:
                laws.append(loss[16.0] <= 1.01 * BOUNDS[case.target, case.activation].loss(16.0))
        kept = (np.diff(self.losses, axis=1) <= 1e-9 * self.losses[:, :-1] + FLOOR).all()
        found = {"ReLU rests": all(flat), "smooth ones fall": all(falling), "steps": all(jumps), "laws": all(laws), "no rise": kept}
        return {name: bool(ok) for name, ok in found.items()}

    @property
    def verdict(self) -> str:
        """All five? A search that stalls is no statement about the networks."""
        failed = [name for name, ok in self.checks.items() if not ok]
        return "inconclusive" if failed == ["smooth ones fall"] else verdict_of(self.checks)

    def table(self) -> str:
        """The losses beside the pilot's, and the powers."""
        radii = self.config.radii
        lines = ["Least risk of networks whose parameters have a norm of at most R; uniform probability on [−1, 1].", ""]
        lines.append(f"{'target, neurons':<26}" + "".join(f"{f'R = {R:g}':>9}" for R in radii) + f"{'power':>8}")
        for case in CASES:
            loss = self.at(case)
            name = f"{case.target}, {case.width} {case.activation}"
            lines.append(f"{name:<26}" + "".join(f"{short(x):>9}" for x in loss.values()) + f"{self.power(case):>8.2f}")
            known = dict(zip(RADII, case.pilot, strict=True))
            cells = [known.get(R) for R in radii]
            lines.append((f"{'  pilot':<26}" + "".join(f"{'' if x is None else short(x):>9}" for x in cells)).rstrip())
            for word, known_laws in (("law", LAWS), ("at most", BOUNDS)):
                if (case.target, case.activation) in known_laws:
                    law = known_laws[case.target, case.activation]
                    values = "".join(f"{short(law.loss(R)) if R >= 4 else '':>9}" for R in radii)
                    lines.append(f"{f'  {word} {law.reads}':<28}{values[2:]}{law.power:>8}")
        remarks = (
            "power: slope of log loss against log R from 8 to 16. Losses below 1e-20 are shown as 0: the network is the target. "
            + PILOT,
            "Dereich and Kassing 2023, abstract: for continuous targets a global minimiser exists, and this separates ReLU from "
            "other usual activations. Petersen, Raslan and Voigtlaender 2021, abstract: sets of networks of fixed size are not "
            "closed in Lᵖ for all activations used in practice. Both are seen here: the curves of ReLU rest because what they miss "
            "in the closure is worse.",
            parts(self.checks),
        )
        last = footer(self.config, self.minutes, self.RULE, self.verdict, *remarks, random="starts of each search")
        return "\n".join([*lines, "", *last])

    def to_json(self) -> str:
        """Settings, versions, every loss."""
        rows = [
            case._asdict() | {"losses": self.losses[k], "power": self.power(case), "radii": self.config.radii, "pilot_radii": RADII}
            for k, case in enumerate(CASES)
        ]
        return as_json("existence-budget", self.config, self.minutes, self.RULE, self.verdict, checks=self.checks, cases=rows)

    def figures(self) -> dict[str, Figure]:
        """By name: the losses against the budget."""
        return {"losses": self.plot()}

    def plot(self) -> Figure:
        """A panel for each target."""
        targets = list(dict.fromkeys(case.target for case in CASES))
        figure, (panels,) = new_figure((17, 4.9), len(targets))
        titles = {
            "x": "only ReLU is exact",
            "x²": "two ReLUs have a best",
            "x⁺": "it is a ReLU",
            "1 − tanh² x": "the derivative of tanh",
            "1{x > 0}": "a jump, no rest",
        }
        for ax, target in zip(panels, targets, strict=True):
            bottom = 1.0
            for case in (case for case in CASES if case.target == target):
                loss = self.at(case)
                R, value = np.array(list(loss)), np.array(list(loss.values()))
                zero = value < FLOOR
                colour, marker = COLOURS[case.activation], MARKERS[case.activation]
                ax.loglog(R[~zero], value[~zero], marker + "-", color=colour, linewidth=2, ms=5, label=case.activation)
                if zero.any():
                    where = {"xycoords": ("data", "axes fraction"), "rotation": 90}
                    ax.annotate("0 from here", (R[zero][0], 0.3), color=colour, fontsize=9.5, **where)
                    ends = [R[~zero][-1], R[zero][0]]
                    ax.plot(ends, [value[~zero][-1], 1e-30], color=colour, linewidth=2, clip_on=True)
                bottom = min(bottom, value[~zero].min())
                pilot = [(r, x) for r, x in zip(RADII, case.pilot, strict=True) if x]
                ax.plot(*zip(*pilot, strict=True), marker, mfc="none", mec=DARK, mew=0.7, ms=8)
                if (target, case.activation) in LAWS | BOUNDS:
                    law = (LAWS | BOUNDS)[target, case.activation]
                    ax.plot([2, 20], [law.loss(2.0), law.loss(20.0)], color=DARK, linestyle="--", linewidth=1)
                    place, side = PLACES.get((target, case.activation), ((4, 7), "left"))
                    ax.annotate(law.reads, (5, law.loss(5.0)), xytext=place, textcoords="offset points", fontsize=9.5, ha=side)
            ax.set(xlabel="norm budget R", ylim=(bottom / 60, 0.6), xlim=(0.9, 20))
            ax.set_xticks([1, 2, 4, 8, 16], ["1", "2", "4", "8", "16"])
            ax.minorticks_off()
            ax.set_title(f"f = {target}: {titles[target]}", fontsize=10.5)
            ax.grid(which="major", color="0.92")
            ax.set_axisbelow(True)
            ax.legend(frameon=False, fontsize=9.5, loc="lower left")
        panels[0].set_ylabel("least risk")
        figure.suptitle(
            "Least risk within a norm budget: flat where a best network exists. Hollow: pilot; dashed: derived laws", fontsize=12.5
        )
        return figure


def short(x: float) -> str:
    """Three digits; 0 below FLOOR."""
    return "0" if x < FLOOR else f"{x:.2e}".replace("e-0", "e-")
