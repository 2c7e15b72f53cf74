"""The energy under each integrator, `refimpl reproduce bi-energy`: the paper's update beside structure-preserving ones.

The paper's descent conserves its energy in continuous time; its update restores it before every step by rescaling the momentum.
What the schemes of :mod:`refimpl.papers.born_infeld` do to it: the error against the step, the error over a long run, whether a
step preserves the symplectic form, and whether time can be reversed. The potential is `problems.quartic`, positive everywhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from refimpl.doors import whole
from refimpl.experiments.born_infeld.outcome import Seeds, as_json, footer
from refimpl.experiments.born_infeld.problems import quartic
from refimpl.experiments.processes import each
from refimpl.papers.born_infeld import (
    State,
    TaoState,
    bbi_step,
    euler_step,
    hamiltonian,
    leapfrog_step,
    midpoint_step,
    tao_hamiltonian,
    tao_start,
    tao_step,
    yoshida_step,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

START = ((0.8, -0.3), (0.5, 1.1))  # θ, π: E = 1.406913


class Method(NamedTuple):
    """A step, and what is known of it: the order of its energy error, whether it is symplectic, and whether it is reversible."""

    step: Callable[..., Any]
    order: int
    symplectic: bool
    reversible: bool
    colour: str
    marker: str


METHODS = {
    "BBI, not rescaled": Method(partial(bbi_step, project=False), 1, False, False, "#e8a33d", "v"),
    "BBI": Method(bbi_step, 2, False, False, "#c8553d", "o"),
    "symplectic Euler": Method(euler_step, 1, True, False, "#8fb8de", "^"),
    "log leapfrog": Method(leapfrog_step, 2, True, True, "#3a6ea5", "s"),
    "Yoshida": Method(yoshida_step, 4, True, True, "#16324f", "D"),
    "implicit midpoint": Method(midpoint_step, 2, True, True, "#7a9e7e", "P"),
    "Tao, ω = 20": Method(tao_step, 2, True, True, "#9a7aa0", "X"),
}
# max |H/E − 1| at h = 0.08, 0.04, 0.02, 0.01 in a pilot
PILOT = {
    "BBI, not rescaled": (7.68e-2, 4.14e-2, 2.16e-2, 1.10e-2),
    "BBI": (1.24e-2, 3.24e-3, 8.18e-4, 2.04e-4),
    "log leapfrog": (1.41e-3, 3.52e-4, 8.85e-5, 2.21e-5),
    "Yoshida": (1.69e-5, 1.09e-6, 6.88e-8, 4.31e-9),
    "implicit midpoint": (4.72e-4, 1.19e-4, 2.96e-5, 7.41e-6),
    "Tao, ω = 20": (3.85e-3, 1.00e-3, 2.61e-4, 6.49e-5),
}


@dataclass(frozen=True)
class Config(Seeds):
    """Steps and times; seeds: random states, beside START, for reversal and the symplectic form."""

    steps: tuple[float, ...] = (0.16, 0.08, 0.04, 0.02, 0.01, 0.005)
    duration: float = 8.0
    long_step: float = 0.05
    long: int = 100_000
    there_and_back: int = 50
    step: float = 0.1  # of the reversal and of the Jacobian

    def __post_init__(self):
        super().__post_init__()
        whole("long", self.long, 4)
        if len(self.steps) < 2 or not all(a > b > 0 for a, b in pairwise(self.steps)):
            raise ValueError(f"steps: expected at least two, falling and > 0, got {self.steps}")


QUICK = Config(seeds=5, steps=(0.08, 0.04, 0.02, 0.01), long=8000)


# ---- states as points of phase space
def launched(theta, pi) -> State:
    """The state at θ with momentum π, whose E is its H."""
    V, dV = quartic(theta)
    E = np.sqrt(V * (V + pi @ pi))
    return State(theta, pi, float(V), dV, float(E), 0.0, 0.0, float(V), float(E - V))


def begun(name: str, theta, pi):
    """What the method steps from."""
    state = launched(np.array(theta), np.array(pi))
    return tao_start(state) if METHODS[name].step is tao_step else state


def error(state) -> float:
    """|H/E − 1|."""
    return abs((tao_hamiltonian if isinstance(state, TaoState) else hamiltonian)(state) / state.E - 1)


def coordinates(state) -> np.ndarray:
    """Positions, then momenta: of both copies, if there are two."""
    return np.concatenate([state.q, state.x, state.p, state.y] if isinstance(state, TaoState) else [state.theta, state.pi])


def placed(state, z):
    """The state moved to those coordinates; its E stays."""
    parts = np.split(z, 4 if isinstance(state, TaoState) else 2)
    V, dV = quartic(parts[0])
    names = ("q", "x", "p", "y") if isinstance(state, TaoState) else ("theta", "pi")
    return state._replace(**dict(zip(names, parts, strict=True)), V=float(V), dV=dV)


def flipped(state):
    """All momenta reversed."""
    z = coordinates(state)
    return placed(state, z * np.repeat([1.0, -1.0], len(z) // 2))


# ---- the four measurements
def errors(name: str, h: float, steps: int) -> np.ndarray:
    """|H/E − 1| after each of so many steps from START.  (steps,)"""
    step, state, found = METHODS[name].step, begun(name, *START), np.empty(steps)
    for k in range(steps):
        state = step(quartic, state, h)
        found[k] = error(state)
    return found


def unreturned(name: str, theta, pi, h: float, steps: int) -> float:
    """How far from its start a state ends that goes so many steps, and as many back with its momentum reversed."""
    step, begin = METHODS[name].step, begun(name, theta, pi)
    state = begin
    for _ in range(steps):
        state = step(quartic, state, h)
    state = flipped(state)
    for _ in range(steps):
        state = step(quartic, state, h)
    return float(np.max(np.abs(coordinates(flipped(state)) - coordinates(begin))))


def defect(name: str, theta, pi, h: float, probe: float = 1e-3) -> float:
    """max |JᵀΩJ − Ω| of one step, J by central differences of fourth order: their error is some 1e-12."""
    begin = begun(name, theta, pi)
    z = coordinates(begin)
    half = len(z) // 2

    def moved(d):
        return coordinates(METHODS[name].step(quartic, placed(begin, z + d), h))

    J = np.array([(8 * (moved(d) - moved(-d)) - (moved(2 * d) - moved(-2 * d))) / (12 * probe) for d in probe * np.eye(2 * half)]).T
    Omega = np.block([[np.zeros((half, half)), np.eye(half)], [-np.eye(half), np.zeros((half, half))]])
    return float(np.max(np.abs(J.T @ Omega @ J - Omega)))


@dataclass(frozen=True)
class Row:
    """What one method does."""

    name: str
    largest: tuple[float, ...]  # max |H/E − 1| for each step size
    quarters: tuple[float, ...]  # of the long run
    course: tuple[float, ...]  # max |H/E − 1| up to each of `milestones`, since the one before
    unreturned: tuple[float, ...]  # from START, and from each random state
    defect: tuple[float, ...]

    @property
    def slope(self) -> float:
        """Of the energy error against the step, over the last halving."""
        return float(np.log2(self.largest[-2] / self.largest[-1]))


def milestones(steps: int) -> list[int]:
    """Numbers of steps, some eight a factor of ten."""
    return sorted({round(n) for n in np.geomspace(1, steps, 1 + int(8 * np.log10(steps)))})


def measured(name: str, config: Config, states: np.ndarray) -> Row:
    """All four of a method; states (seeds, 2, 2) are θ, π."""
    largest = tuple(float(errors(name, h, round(config.duration / h)).max()) for h in config.steps)
    far = errors(name, config.long_step, config.long)
    stops = milestones(config.long)
    course = tuple(float(far[a:b].max()) for a, b in zip([0, *stops], stops, strict=False))
    quarters = tuple(float(part.max()) for part in np.array_split(far, 4))
    points: list[Any] = [START, *states]
    back = tuple(unreturned(name, theta, pi, config.step, config.there_and_back) for theta, pi in points)
    form = tuple(defect(name, theta, pi, config.step) for theta, pi in points)
    return Row(name, largest, quarters, course, back, form)


def run(config: Config, rng: np.random.Generator | None = None, workers: int = 1) -> Result:
    """Every method on the same states; workers change nothing but the time."""
    start = time.perf_counter()
    drawn = [np.random.default_rng(stream) for stream in config.streams(rng)]
    states = np.array([[g.uniform(-1, 1, 2), g.standard_normal(2)] for g in drawn])
    rows = each(measured, [(name, config, states) for name in METHODS], workers)
    return Result(config, tuple(rows), (time.perf_counter() - start) / 60)


@dataclass(frozen=True)
class Result:
    """A row for each method."""

    config: Config
    rows: tuple[Row, ...]
    minutes: float

    RULE = (
        "agrees if (1) the energy error falls with the power of h that is expected, within 0.15 over the last halving; (2) the "
        "log leapfrog's error over the last quarter of the long run is at most 1.05 times that over the first, and at most a "
        "hundredth of that of BBI without rescaling; (3) leapfrog and Yoshida return to 1e-12, and BBI, rescaled or not, misses by "
        "more than 1e-3; (4) |JᵀΩJ − Ω| is at most 1e-8 for the symplectic schemes, and at least 1e-3 for BBI; differs otherwise"
    )

    @property
    def checks(self) -> dict[str, bool]:
        """The four parts of RULE."""
        row = {r.name: r for r in self.rows}
        quarters, plain, bbi = row["log leapfrog"].quarters, row["BBI, not rescaled"], row["BBI"]
        return {
            "slopes": all(abs(r.slope - METHODS[r.name].order) <= 0.15 for r in self.rows),
            "no drift": quarters[-1] <= min(1.05 * quarters[0], 0.01 * plain.quarters[-1]),
            "reversal": max(*row["log leapfrog"].unreturned, *row["Yoshida"].unreturned) <= 1e-12
            and min(plain.unreturned[0], bbi.unreturned[0]) > 1e-3,
            "symplectic form": max(max(r.defect) for r in self.rows if METHODS[r.name].symplectic) <= 1e-8
            and min(plain.defect[0], bbi.defect[0]) >= 1e-3,
        }

    @property
    def verdict(self) -> str:
        """All four?"""
        return "agrees" if all(self.checks.values()) else "differs"

    def table(self) -> str:
        """The energy error against the step, then the long run, the reversal and the symplectic form."""
        c = self.config
        lines = [f"max |H/E − 1| after steps of size h, from the same state, for a duration of {c.duration:g}.", ""]
        lines.append(f"{'':<20}" + "".join(f"{f'h = {h:g}':>12}" for h in c.steps) + f"{'slope':>8}{'expected':>10}")
        for r in self.rows:
            lines.append(
                f"{r.name:<20}" + "".join(f"{e:>12.2e}" for e in r.largest) + f"{r.slope:>8.2f}{METHODS[r.name].order:>10}"
            )
            pilot = dict(zip((0.08, 0.04, 0.02, 0.01), PILOT.get(r.name, ()), strict=False))
            if pilot.keys() & set(c.steps):
                lines.append(
                    f"{'  pilot':<20}" + "".join(f"{f'{pilot[h]:.2e}' if h in pilot else '':>12}" for h in c.steps).rstrip()
                )
        lines += [
            "",
            f"A long run, {c.long} steps of {c.long_step:g}: max |H/E − 1| in each quarter. Return: distance from the start after",
            f"{c.there_and_back} steps of {c.step:g} and as many back; |JᵀΩJ − Ω|: of one step of {c.step:g}. Worst: of the "
            "random states.",
            "",
            f"{'':<20}{'1st':>9}{'2nd':>9}{'3rd':>9}{'4th':>9}   {'return':>9}{'worst':>9}   {'|JᵀΩJ − Ω|':>11}{'worst':>9}",
        ]
        for r in self.rows:
            far = "".join(f"{q:>9.2e}" if q < 0.01 else f"{q:>9.3f}" for q in r.quarters)
            back, form = (f"{v[0]:>9.1e}{max(v[1:]):>9.1e}" for v in (r.unreturned, r.defect))
            lines.append(f"{r.name:<20}{far}   {back}   {form:>20}")
        remarks = (
            "BBI is the paper's update: it sets H = E before each step, and what is shown is H after it. The others know "
            "nothing of E's value but through their equations. h is physical time for BBI, midpoint and Tao, and the time of "
            "K_c, within 20 % of it, for Euler, leapfrog and Yoshida. The midpoint rule returns as far as its equation is "
            "solved, some 1e-15; Tao's doubled phase space is symplectic as a whole. All of this goes beyond the paper; pilot: "
            "the same, run before.",
            "Parts of the decision: " + ", ".join(f"{name} {'yes' if ok else 'NO'}" for name, ok in self.checks.items()) + ".",
        )
        lines += ["", *footer(c, self.minutes, self.RULE, self.verdict, *remarks, random="states beside the start")]
        return "\n".join(lines)

    def to_json(self) -> str:
        """Settings, versions, and every row."""
        from dataclasses import asdict

        rows = [asdict(r) | {"slope": r.slope} for r in self.rows]
        found = {"milestones": milestones(self.config.long), "rows": rows, "checks": self.checks}
        return as_json("bi-energy", self.config, self.minutes, self.RULE, self.verdict, **found)

    def figures(self) -> dict[str, Figure]:
        """By name: the energy error against step and time."""
        return {"errors": self.plot()}

    def plot(self) -> Figure:
        """Left: max |H/E − 1| against h, with its powers. Right: |H/E − 1| in a long run."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(11.5, 5), layout="constrained")
        left, right = figure.subplots(1, 2)
        h = np.array(self.config.steps)
        for power, at in ((1, 3e-1), (2, 7e-4), (4, 2e-5)):
            left.plot(h, at * (h / h[0]) ** power, color="0.75", linewidth=5, zorder=0, solid_capstyle="round")
            left.annotate(f"$h^{power}$", (h[0] * 1.12, at), color="0.45", fontsize=11, va="center")
        stops = np.array(milestones(self.config.long))
        for r in self.rows:
            m = METHODS[r.name]
            style = {"color": m.colour, "marker": m.marker, "linewidth": 1.5}
            left.loglog(h, r.largest, label=r.name, ms=6, **style)
            right.loglog(stops * self.config.long_step, r.course, ms=4, **style)
        left.set(xlabel="step h", ylabel="max |H/E − 1|", xlim=(h[-1] / 1.15, h[0] * 1.4))
        left.set_title(f"against the step, up to time {self.config.duration:g}", fontsize=11)
        left.legend(frameon=False, fontsize=9, loc="lower right")
        right.set(xlabel="time", ylabel="|H/E − 1|, largest since the last mark")
        right.set_title(f"in a long run with h = {self.config.long_step:g}", fontsize=11)
        for axes in (left, right):
            axes.spines[["top", "right"]].set_visible(False)
            axes.grid(which="major", color="0.92")
            axes.set_axisbelow(True)
        figure.suptitle("What each integrator does to the conserved energy", fontsize=12.5)
        return figure
