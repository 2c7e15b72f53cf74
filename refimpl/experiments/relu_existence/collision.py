"""A jump is two neurons colliding, `refimpl reproduce existence-collision`: limits of one paper in the coordinates of the other.

In reduced coordinates, unit w and bounded thresholds, the only place where a sequence of networks can leave the networks is
where two neurons (w, b) meet while their outgoing weights grow: |c| times their distance tends to the height of the jump. A
repulsive energy on (w, b) is infinite there. So loss + λ energy has a minimiser even where the loss has none, and as λ → 0
the minimisers are the ramps.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from refimpl.doors import whole
from refimpl.experiments.processes import each
from refimpl.experiments.relu_existence.divergence import INTERVAL, descended, ramp_start, relu_risk, smooth_step, step
from refimpl.experiments.relu_existence.outcome import (
    DARK,
    GOLD,
    GREEN,
    OTHER,
    OURS,
    PALE,
    PILOT,
    Seeds,
    as_json,
    footer,
    new_figure,
    parts,
    verdict_of,
)
from refimpl.nn import Shallow
from refimpl.papers.reduced_space import reduce, repulsion_backward, repulsion_forward
from refimpl.papers.relu_existence import exact_risk, generalized, ramp
from refimpl.params import ravel

if TYPE_CHECKING:
    from matplotlib.figure import Figure

JUMP = generalized([0.0], 0.0, [[1.0]], [-0.2], [[0.7]], [0.8])  # 1{x > 0.2} (0.8 + 0.7x)
JUMP_HEIGHT = 0.94  # where it stands
KNOWN = {10.0: 1.001227, 100.0: 1.000012, 1000.0: 1.000000}  # |c| · distance over |jump|, computed before: the slope was 0.7 too
PLANE = generalized([0.0, 0.0], 0.0, [[0.8, 0.6]], [0.1], [[1.5, -2.5]], [1.6])  # a jump along a line, for the picture
SIGNS = ((1.0, 1.0), (1.0, -1.0), (-1.0, -1.0))  # of w: in one dimension a unit weight is a sign
TARGETS: dict[str, tuple[Any, tuple[float, ...]]] = {"step": (step, (0.0,)), "smooth": (smooth_step, ()), "square": (np.square, ())}


@dataclass(frozen=True)
class Config(Seeds):
    """Seeds: random thresholds from which each minimisation starts, for each pair of signs."""

    seeds: int = 5
    scales: tuple[float, ...] = (10.0, 30.0, 100.0, 300.0, 1000.0)  # T of the ramps
    weights: tuple[float, ...] = (1e-1, 3e-2, 1e-2, 3e-3, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8)  # λ
    steps: int = 20_000  # of the descent that runs away
    rate: float = 0.02

    def __post_init__(self):
        super().__post_init__()
        whole("steps", self.steps, 20)
        for name, x in (("scales", self.scales), ("weights", self.weights[::-1])):
            if len(x) < 2 or not all(0 < a < b for a, b in pairwise(x)):
                order = "growing" if name == "scales" else "falling"
                raise ValueError(f"{name}: expected at least two, > 0 and {order}, got {getattr(self, name)}")


QUICK = Config(seeds=2, weights=(1e-2, 1e-4, 1e-6, 1e-8), steps=10_000)


class Pair(NamedTuple):
    """Two neurons in reduced coordinates."""

    distance: float  # of their breaks
    strength: float  # mean |c|
    slope: float  # c_1 + c_2: what the slope changes by

    @property
    def jump(self) -> float:
        """|c| · distance: the height that remains in the limit."""
        return self.strength * self.distance


def pair_of(params: Any, radius: float = 1.0) -> Pair:
    """Of a network of two neurons that break inside the interval, in one dimension."""
    reduced = reduce(params, radius)
    breaks = -reduced.b * reduced.W[:, 0]
    return Pair(float(np.ptp(breaks)), float(np.abs(reduced.v).mean()), float(reduced.v.sum()))


# ---- loss + λ energy
class Minimum(NamedTuple):
    """Of loss + λ energy."""

    value: float
    loss: float
    signs: tuple[float, float]
    b: np.ndarray  # (2,)
    c: np.ndarray  # (2,), outgoing

    @property
    def distance(self) -> float:
        """Of the two neurons (w, b)."""
        return float(np.hypot(self.signs[0] - self.signs[1], self.b[0] - self.b[1]))


def best_outgoing(signs: Any, b: np.ndarray, target: str) -> tuple[float, np.ndarray, np.ndarray]:
    """The least loss for fixed neurons, its derivative in b, and the outgoing weights with it: (loss, (2,), (2,)).

    The loss is a quadratic form of (c, c_0): its gradients at 0 and at the unit vectors are all of it. Where (c, c_0) is best, the
    derivative in b is that with (c, c_0) held fixed.
    """
    f, breaks = TARGETS[target]

    def at(c):
        params = Shallow(np.reshape(signs, (2, 1)), b, c[:2], np.asarray(c[2]))
        value, gradient = exact_risk(params, f, INTERVAL, breaks=breaks)
        return value / 2, np.append(gradient.v, gradient.c) / 2, np.asarray(gradient.b) / 2

    g = at(np.zeros(3))[1]
    H = np.array([at(e)[1] - g for e in np.eye(3)])
    c = np.linalg.lstsq((H + H.T) / 2, -g, rcond=None)[0]
    value, _, db = at(c)
    return float(value), db, c[:2]


def penalised(signs: Any, lam: float, target: str):
    """b (2,) -> (least loss + λ energy, gradient); inf where two neurons of one sign coincide."""
    w = np.reshape(signs, (2, 1))

    def objective(b):
        E, cache = repulsion_forward(w, b, 1.0)
        if not np.isfinite(E):
            return np.inf, np.zeros(2)
        loss, db, _ = best_outgoing(signs, b, target)
        return loss + lam * E, db + repulsion_backward(lam, cache)[1]

    return objective


def minima(target: str, weights: tuple[float, ...], streams: list[np.random.SeedSequence]) -> list[Minimum]:
    """For each λ the least value found, over all signs, from random thresholds and from the minimum before."""
    from scipy.optimize import minimize

    starts = [np.random.default_rng(s).uniform(-0.9, 0.9, 2) for s in streams]
    found: list[Minimum] = []
    for lam in weights:
        here: list[Minimum] = []
        for signs in SIGNS:
            begun = [*starts, np.array([-0.5, 0.5]) * min(1.0, (24 * lam) ** 0.5)]
            begun += [m.b for m in found[-1:] if m.signs == signs]
            for b in begun:
                end = minimize(
                    penalised(signs, lam, target), b, jac=True, method="L-BFGS-B", bounds=[INTERVAL] * 2, options={"ftol": 1e-15}
                )
                if np.isfinite(end.fun):
                    loss, _, c = best_outgoing(signs, end.x, target)
                    here.append(Minimum(float(end.fun), loss, signs, end.x, c))
        found.append(min(here, key=lambda m: m.value))
    return found


def run(config: Config, rng: np.random.Generator | None = None, workers: int = 1) -> Result:
    """Ramps, the descent, and the minimisers; workers change nothing but the time."""
    start = time.perf_counter()
    streams = config.streams(rng)
    ramps = [pair_of(ramp(JUMP, T)._replace(a=())) for T in config.scales]
    params = ramp_start(1.5)
    unravel = ravel(params)[1]
    course = descended(relu_risk(params, step, (0.0,)), ravel(params)[0], config.rate, config.steps)
    path = [pair_of(unravel(theta)) for theta in course.theta]
    kept = dict(zip(TARGETS, each(minima, [(name, config.weights, streams) for name in TARGETS], workers), strict=True))
    return Result(config, ramps, course.steps, path, kept, (time.perf_counter() - start) / 60)


@dataclass(frozen=True)
class Result:
    """Pairs of the ramps and along the descent, and for each target the minimum for each λ."""

    config: Config
    ramps: list[Pair]
    steps: np.ndarray
    path: list[Pair]
    minima: dict[str, list[Minimum]]
    minutes: float

    RULE = (
        "agrees if (1) |c| · distance over the height of the jump is the pilot's within 1e-6, and its deviation from 1 falls as "
        "T⁻² within 0.1; (2) along the descent towards the step it ends within 5 % of 1, nearer than at its furthest, and the "
        "distance falls at every milestone; (3) for the step and λ <= 1e-4, the minimiser of loss + λ energy has two neurons of "
        "one sign at a distance √(24λ), and a value √(λ/6), both within 5 %, and the distance falls with λ; (4) for the continuous "
        "targets the distance changes by less than 1 % between the last two λ; differs otherwise"
    )

    @property
    def ratios(self) -> np.ndarray:
        """|c| · distance over the height, for each T."""
        return np.array([p.jump for p in self.ramps]) / JUMP_HEIGHT

    @property
    def checks(self) -> dict[str, bool]:
        """The four parts of RULE."""
        at = dict(zip(self.config.scales, self.ratios.tolist(), strict=True))
        power = np.polyfit(np.log(self.config.scales), np.log(np.abs(self.ratios - 1)), 1)[0]
        small = [(lam, m) for lam, m in zip(self.config.weights, self.minima["step"], strict=True) if lam <= 1e-4]
        distances = [m.distance for _, m in small]
        found = {
            "ramps collide": all(abs(at[T] - x) <= 1e-6 for T, x in KNOWN.items() if T in at) and abs(power + 2) <= 0.1,
            "descent collides": abs(self.path[-1].jump - 1) <= min(0.05, max(abs(p.jump - 1) for p in self.path))
            and all(a.distance > b.distance for a, b in pairwise(self.path)),
            "energy keeps them apart": all(
                m.signs[0] == m.signs[1]
                and abs(m.distance / (24 * lam) ** 0.5 - 1) <= 0.05
                and abs(m.value / (lam / 6) ** 0.5 - 1) <= 0.05
                for lam, m in small
            )
            and all(a > b for a, b in pairwise(distances)),
            "continuous ones rest": all(
                abs(m[-1].distance / m[-2].distance - 1) < 0.01 for m in (self.minima["smooth"], self.minima["square"])
            ),
        }
        return {name: bool(ok) for name, ok in found.items()}

    @property
    def verdict(self) -> str:
        """All four?"""
        return verdict_of(self.checks)

    def table(self) -> str:
        """The ramps, the descent, then the minimisers for each λ."""
        c = self.config
        lines = ["Two neurons with unit w and thresholds b, while the network becomes a jump.", ""]
        lines.append(f"{'Ramps towards 1{x > 0.2} (0.8 + 0.7x)':<42}" + "".join(f"{f'T = {T:g}':>12}" for T in c.scales))
        for name, values in (
            ("distance of the breaks", [f"{p.distance:.3e}" for p in self.ramps]),
            ("|c| · distance / |jump|", [f"{x:.6f}" for x in self.ratios]),
            ("  pilot", [f"{KNOWN[T]:.6f}" if T in KNOWN else "" for T in c.scales]),
            ("c_1 + c_2: the change of slope, 0.7", [f"{p.slope:.6f}" for p in self.ramps]),
        ):
            lines.append((f"{name:<42}" + "".join(f"{x:>12}" for x in values)).rstrip())
        marks = sorted({0, 100, 1000, c.steps // 2, c.steps})
        at = [self.steps.tolist().index(n) for n in marks if n in self.steps]
        lines += ["", f"{'Descent towards the step, steps':<42}" + "".join(f"{self.steps[k]:>12}" for k in at)]
        lines.append(f"{'distance of the breaks':<42}" + "".join(f"{self.path[k].distance:>12.4f}" for k in at))
        lines.append(f"{'|c| · distance':<42}" + "".join(f"{self.path[k].jump:>12.4f}" for k in at))
        lines += ["", f"{'Least loss + λ energy':<21}{'step':>41}{'(1+tanh 5x)/2':>20}{'x²':>20}"]
        lines.append(f"{'':<12}{'value':>12}{'√(λ/6)':>11}{'distance':>11}{'√(24λ)':>11}{'w':>5}" + f"{'distance':>15}{'w':>5}" * 2)
        for k, lam in enumerate(c.weights):
            a, b, q = (self.minima[name][k] for name in ("step", "smooth", "square"))
            first = f"{a.value:>12.4e}{(lam / 6) ** 0.5:>11.3e}{a.distance:>11.3e}{(24 * lam) ** 0.5:>11.3e}{marked(a):>5}"
            lines.append(f"{f'λ = {lam:g}':<12}{first}{b.distance:>15.4f}{marked(b):>5}{q.distance:>15.4f}{marked(q):>5}")
        remarks = (
            "w: the signs of the two weights. The energy is 1/D, D² = |w_1 − w_2|² + (b_1 − b_2)², of neurons and not of weights "
            "alone: parallel breaks are legitimate, and in one dimension every w is a sign. Law, derived: a ramp of width D has "
            "the loss D/24 and the energy 1/D. Without the energy the loss of the step has no minimiser: its infimum 0 is the "
            "collision. " + PILOT,
            "Dereich and Kassing 2023, abstract: the search space is first enlarged by a kind of closure in which minimisers "
            "always exist. In the coordinates of Qin, Zhou and Xiu 2018 these are the collisions.",
            parts(self.checks),
        )
        last = footer(
            c,
            self.minutes,
            self.RULE,
            self.verdict,
            *remarks,
            random=f"start{'s' * (c.seeds > 1)} for each λ and pair of signs",
            decided="before the full run, after trials",
        )
        return "\n".join([*lines, "", *last])

    def to_json(self) -> str:
        """Settings, versions, every pair and minimum."""
        found = {
            "checks": self.checks,
            "ramps": [p._asdict() | {"jump": p.jump} for p in self.ramps],
            "steps": self.steps,
            "path": [p._asdict() | {"jump": p.jump} for p in self.path],
            "minima": {name: [m._asdict() | {"distance": m.distance} for m in row] for name, row in self.minima.items()},
        }
        return as_json("existence-collision", self.config, self.minutes, self.RULE, self.verdict, **found)

    # ---- the pictures
    def figures(self) -> dict[str, Figure]:
        """By name: neurons on the cylinder, and what repulsion does."""
        return {"cylinder": self.cylinder_picture(), "repulsion": self.repulsion_picture()}

    def cylinder_picture(self) -> Figure:
        """Left: two neurons of two inputs collide on the cylinder. Middle: of one input, on two lines. Right: the products."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(16, 5.4), layout="constrained")
        grid = figure.add_gridspec(1, 3, width_ratios=[1.05, 1.1, 0.95])
        cylinder: Any = figure.add_subplot(grid[0], projection="3d")
        lines, right = figure.add_subplot(grid[1]), figure.add_subplot(grid[2])
        angle = np.linspace(0, 2 * np.pi, 121)
        around, height = np.meshgrid(angle, [-1.4, 1.4])
        cylinder.plot_surface(np.cos(around), np.sin(around), height, color="0.8", alpha=0.18, linewidth=0)
        for z in (-1.4, 1.4):
            cylinder.plot(np.cos(angle), np.sin(angle), z, color="0.6", linewidth=0.8)
        T = np.geomspace(0.8, 300, 60)
        found = [reduce(ramp(PLANE, t)._replace(a=()), 1e3) for t in T]  # no neuron is saturated on so large a ball
        for j, colour in enumerate((OURS, OTHER)):
            path = np.array([[*p.W[j], p.b[j]] for p in found])
            cylinder.plot(*path.T, color=colour, linewidth=2.2)
            cylinder.scatter(
                *path[:40:6].T, s=[12 + 6 * min(abs(p.v[j]), 40) for p in found[:40:6]], color=colour, depthshade=False
            )
        cylinder.scatter(*PLANE.u[0], PLANE.beta[0], marker="*", s=160, color=DARK, depthshade=False, zorder=10)
        cylinder.set(zlabel="threshold b", xticks=[-1, 0, 1], yticks=[-1, 0, 1], zticks=[-1, 0, 1])
        cylinder.set_xlabel("w₁", labelpad=-4)
        cylinder.set_ylabel("w₂", labelpad=-4)
        cylinder.tick_params(pad=-2)
        cylinder.view_init(18, 33)
        cylinder.set_box_aspect((1, 1, 1.1), zoom=1.25)
        cylinder.set_title("two inputs: (w, b) on a cylinder; size: |c|", fontsize=11)

        for level in (1.0, -0.2):
            lines.axhline(level, color="0.85", linewidth=6, zorder=0, solid_capstyle="round")
        scales = (1.5, 3.0, 8.0, 40.0)
        for k, t in enumerate(scales):
            p = reduce(ramp_start(t), 1.0)
            y = 1 + 0.2 * (len(scales) - 1 - k)
            lines.plot(p.b, [y, y], color="0.8", linewidth=1, zorder=1)
            for b, v, colour in zip(p.b, p.v, (OURS, OTHER), strict=True):
                lines.scatter(b, y, s=30 * abs(v) ** 0.7, color=colour, zorder=3, alpha=0.85)
            lines.annotate(f"T = {t:g}", (-0.97, y + 0.02), va="bottom", fontsize=9.5)
        lines.plot(0, 0.84, marker="*", color=DARK, ms=14, linestyle="")
        lines.annotate("the jump: distance 0, |c| = ∞", (0.06, 0.84), va="center", fontsize=9.5)
        low = self.minima["square"][-1]
        lines.plot(
            low.b, np.where(np.array(low.signs) > 0, 1.0, -0.2), "D", color=GREEN, ms=9, label="best network for x²: far apart"
        )
        lines.plot([], [], "o", color=OURS, label="neuron with c > 0")
        lines.plot([], [], "o", color=OTHER, label="neuron with c < 0")
        lines.set(xlim=(-1, 1), ylim=(-0.75, 1.85), xlabel="threshold b")
        lines.set_yticks([1, -0.2], ["w = +1", "w = −1"])
        lines.spines["left"].set_visible(False)
        lines.tick_params(axis="y", length=0)
        lines.legend(frameon=False, fontsize=9.5, loc="center", bbox_to_anchor=(0.5, 0.42))
        lines.set_title("one input: two lines of neurons", fontsize=11)

        D = np.array([p.distance for p in self.ramps])
        right.loglog(D, np.array([p.strength for p in self.ramps]), "s", color=OURS, ms=7, label="ramps: height 0.94")
        E = np.array([p.distance for p in self.path])
        right.loglog(E, [p.strength for p in self.path], color=GOLD, linewidth=3, label="descent towards the step: height 1")
        x = np.geomspace(D.min() / 2, 1, 50)
        right.loglog(x, 1 / x, color=DARK, linestyle="--", linewidth=1.2, label="|c| · distance = 1")
        right.set(xlabel="distance of the two breaks", ylabel="|c|, outgoing weight of unit neurons")
        right.set_title("|c| · distance stays: the height of the jump", fontsize=11)
        right.legend(frameon=False, fontsize=9.5)
        figure.suptitle("A jump is two neurons of opposite sign that collide, with outgoing weights that grow", fontsize=12.5)
        return figure

    def repulsion_picture(self) -> Figure:
        """Left: distances against λ. Middle: values. Right: the responses for the step."""
        figure, ((left, middle, right),) = new_figure((16, 5), 3)
        lam = np.array(self.config.weights)
        styles = {"step": (OURS, "o", "1{x > 0}"), "smooth": (GREEN, "s", "(1 + tanh 5x)/2"), "square": (GOLD, "D", "x²")}
        for name, (colour, marker, text) in styles.items():
            left.loglog(lam, [m.distance for m in self.minima[name]], marker + "-", color=colour, ms=6, linewidth=1.8, label=text)
            middle.loglog(lam, [m.value for m in self.minima[name]], marker + "-", color=colour, ms=6, linewidth=1.8, label=text)
        left.loglog(lam, (24 * lam) ** 0.5, color=DARK, linestyle="--", linewidth=1.2, label="√(24λ)")
        middle.loglog(lam, (lam / 6) ** 0.5, color=DARK, linestyle="--", linewidth=1.2, label="√(λ/6)")
        left.set(xlabel="λ", ylabel="distance of the neurons (w, b)")
        left.set_title("a minimiser for every λ; at 0 only for continuous targets", fontsize=11)
        middle.set(xlabel="λ", ylabel="least loss + λ energy")
        middle.set_title("its value", fontsize=11)
        x = np.linspace(-1, 1, 1601)
        shown = [
            k
            for k, m in enumerate(self.minima["step"])
            if k in (0, int(np.argmin(np.abs(lam - 1e-2))), int(np.argmin(np.abs(lam - 1e-4))))
        ]
        right.plot(
            x, np.where(np.abs(x) < 1e-3, np.nan, step(x)), color=DARK, linestyle="--", linewidth=1.4, label="target 1{x > 0}"
        )
        for k, colour in zip(shown, (PALE, "#5b8dc0", "#16324f"), strict=False):
            m = self.minima["step"][k]
            y = np.maximum(x[:, None] * m.signs + m.b, 0) @ m.c
            y += np.mean(step(x) - y)  # c_0 is best for each
            right.plot(x, y, color=colour, linewidth=2, label=f"λ = {lam[k]:g}")
        right.set(xlabel="x", ylim=(-0.3, 1.6))
        right.set_title("the minimisers for the step", fontsize=11)
        left.annotate("the neurons\ncollide", (1.5e-8, 5e-3), fontsize=10, color=OURS, rotation=0)
        for ax in (left, middle, right):
            ax.legend(frameon=False, fontsize=9.5, loc="upper left" if ax is right else "best")
        figure.suptitle("Loss + λ · repulsion of (w, b) keeps a minimiser; as λ → 0 it becomes the ramp of the step", fontsize=12.5)
        return figure


def marked(m: Minimum) -> str:
    """The signs of w: "++"."""
    return "".join("+" if s > 0 else "−" for s in m.signs)
