"""What existence needs, `refimpl reproduce existence-counterexamples`: a target without a best network for each hypothesis.

Leave out that the target is continuous: a step. That the density lives on a convex set: two discs that touch. That there is
one output: six points in the plane. And one that looks like a counter-example and is none: a step with a gap, which two
neurons are.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from refimpl.experiments.processes import each
from refimpl.experiments.relu_existence.divergence import step
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
from refimpl.papers.relu_existence import (
    best_vector_error,
    disc_error,
    disc_network,
    exact_risk,
    response,
    sign_with_gap,
    step_ramp,
    vector_data,
    vector_error,
    vector_network,
    vector_response,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DISCS = {10.0: 1.1855e-3, 100.0: 1.19043e-3}  # T⁵ · error, as computed before
VECTORS = {5.0: 4.04e-3, 10.0: 2.373e-4, 20.0: 1.474e-5}  # least sum of squares for a norm, as computed before


@dataclass(frozen=True)
class Config(Seeds):
    """Seeds: random starts of each search for the best network with two outputs."""

    seeds: int = 100
    scales: tuple[float, ...] = (10.0, 20.0, 30.0, 50.0, 70.0, 100.0)  # T on the discs
    taus: tuple[float, ...] = (1.0, 3.0, 10.0, 30.0, 100.0)
    radii: tuple[float, ...] = (5.0, 7.0, 10.0, 14.0, 20.0)
    gaps: tuple[float, ...] = (0.5, 0.1, 0.01)
    step_scales: tuple[float, ...] = (1.0, 10.0, 100.0, 1000.0)

    def __post_init__(self):
        super().__post_init__()
        for name in ("scales", "taus", "radii", "step_scales"):
            x = getattr(self, name)
            if len(x) < 2 or not all(0 < a < b for a, b in pairwise(x)):
                raise ValueError(f"{name}: expected at least two, > 0 and growing, got {x}")
        if not self.gaps or not all(0 < a < 1 for a in self.gaps):
            raise ValueError(f"gaps: expected numbers between 0 and 1, got {self.gaps}")


QUICK = Config(seeds=10, scales=(10.0, 30.0, 100.0), radii=(5.0, 10.0))


def norm(*parameters: Any) -> float:
    """|θ| of all of them."""
    return float(np.sqrt(sum(np.sum(np.square(p)) for p in parameters)))


def gap_risk(a: float) -> float:
    """∫ (R − sign)² over [−1, −a] and [a, 1], of the network that is the sign there."""
    params = sign_with_gap(a)
    return sum(float(exact_risk(params, np.sign, ends)[0]) for ends in ((-1.0, -a), (a, 1.0)))


def scalar_errors() -> tuple[float, float]:
    """Sums of squares of two neurons and one output, for each output of the vector data alone."""
    x, y = vector_data()
    first = Shallow(np.ones((2, 1)), np.array([1.0, -1]), np.array([1.0, -1]), np.array(0.0))
    second = Shallow(np.ones((2, 1)), np.zeros(2), np.array([1.0, 0]), np.array(0.0))
    return tuple(float(np.sum((response(p, np.reshape(x, (-1, 1))) - t) ** 2)) for p, t in zip((first, second), y.T, strict=True))  # type: ignore[return-value]


def vector_best(radius: float, restarts: int, stream: np.random.SeedSequence) -> float:
    """The least sum of squares that is found for a norm."""
    return float(best_vector_error(radius, np.random.default_rng(stream), restarts))


def run(config: Config, rng: np.random.Generator | None = None, workers: int = 1) -> Result:
    """All of them; workers change nothing but the time."""
    start = time.perf_counter()
    jobs = [(R, config.seeds, s) for R, s in zip(config.radii, config.streams(rng, len(config.radii)), strict=True)]
    best = np.array(each(vector_best, jobs, workers))
    discs = np.array([disc_error(T) for T in config.scales])
    vectors = np.array([vector_error(tau) for tau in config.taus])
    gaps = np.array([gap_risk(a) for a in config.gaps])
    steps = np.array([exact_risk(step_ramp(T), step, (-1.0, 1.0), breaks=(0.0,))[0] for T in config.step_scales])
    return Result(config, discs, vectors, best, gaps, steps, scalar_errors(), (time.perf_counter() - start) / 60)


@dataclass(frozen=True)
class Result:
    """Errors: on the discs, of the vector network for each tau, the best for each radius, with gaps, of the step's ramps."""

    config: Config
    discs: np.ndarray
    vectors: np.ndarray
    best: np.ndarray
    gaps: np.ndarray
    steps: np.ndarray
    scalars: tuple[float, float]
    minutes: float

    RULE = (
        "agrees if (1) on the discs T⁵ · error lies between 1.18e-3 and 1.1905e-3, grows, and is the pilot's within 5e-8; (2) the "
        "vector network has a sum of squares 3/τ² within 1e-9 of it, the best network of norm R has one of at least 2.3/R⁴, and it "
        "is the pilot's within 1 %; each output alone is met to 1e-28; (3) the ramps of the step have the error 1/(12T) within "
        "1e-9 of it; (4) with a gap the error is below 1e-20; differs otherwise"
    )

    @property
    def checks(self) -> dict[str, bool]:
        """The four parts of RULE."""
        c = self.config
        scaled, R, tau, T = self.discs * np.array(c.scales) ** 5, np.array(c.radii), np.array(c.taus), np.array(c.step_scales)
        at, best = dict(zip(c.scales, scaled, strict=True)), dict(zip(c.radii, self.best, strict=True))
        found = {
            "discs": (scaled >= 1.18e-3).all()
            and (scaled <= 1.1905e-3).all()
            and (np.diff(scaled) > 0).all()
            and all(abs(at[t] - x) <= 5e-8 for t, x in DISCS.items() if t in at),
            "vectors": np.abs(self.vectors * tau**2 / 3 - 1).max() <= 1e-9
            and (self.best * R**4 >= 2.3).all()
            and all(abs(best[r] / x - 1) <= 0.01 for r, x in VECTORS.items() if r in best)
            and max(self.scalars) <= 1e-28,
            "step": np.abs(12 * T * self.steps - 1).max() <= 1e-9,
            "gap": self.gaps.max() <= 1e-20,
        }
        return {name: bool(ok) for name, ok in found.items()}

    @property
    def verdict(self) -> str:
        """All four?"""
        return verdict_of(self.checks)

    def table(self) -> str:
        """A block for each."""
        c = self.config
        known = {f"{T:g}": f"{1e3 * x:g}" for T, x in DISCS.items()}
        lines = ["Targets whose best approximation is no network of two neurons, and one that only looks so.", ""]
        lines.append(f"{'Discs that touch, T':<34}" + "".join(f"{T:>12g}" for T in c.scales))
        lines.append(
            f"{'T⁵ · error · 10³':<34}" + "".join(f"{1e3 * x * T**5:>12.6f}" for x, T in zip(self.discs, c.scales, strict=True))
        )
        lines.append((f"{'  pilot':<34}" + "".join(f"{known.get(f'{T:g}', ''):>12}" for T in c.scales)).rstrip())
        lines.append(f"{'norm of the network':<34}" + "".join(f"{norm(*disc_network(T)[:4]):>12.2f}" for T in c.scales))
        lines += [f"the law 1/840 = {1e3 / 840:.6f} · 10⁻³; the limit 1{{y > 0}} x has no error at all", ""]
        lines.append(f"{'Six points, two outputs, τ':<34}" + "".join(f"{t:>12g}" for t in c.taus))
        lines.append(
            f"{'sum of squares · τ²':<34}" + "".join(f"{x * t * t:>12.9f}" for x, t in zip(self.vectors, c.taus, strict=True))
        )
        lines.append(f"{'the best for a norm R':<34}" + "".join(f"{R:>12g}" for R in c.radii))
        lines.append(f"{'sum of squares':<34}" + "".join(f"{x:>12.4e}" for x in self.best))
        vectors = "".join(f"{f'{VECTORS[R]:.3e}' if R in VECTORS else '':>12}" for R in c.radii)
        lines.append(f"{'  pilot':<34}{vectors}".rstrip())
        lines.append(
            f"{'R⁴ · sum of squares':<34}" + "".join(f"{x * R**4:>12.4f}" for x, R in zip(self.best, c.radii, strict=True))
        )
        lines.append(f"either output alone: {self.scalars[0]:.1e} and {self.scalars[1]:.1e}, attained by two neurons and by one")
        lines += ["", f"{'The step 1{x > 0}, T':<34}" + "".join(f"{T:>12g}" for T in c.step_scales)]
        lines.append(
            f"{'12 T · error of the ramp':<34}"
            + "".join(f"{12 * T * x:>12.9f}" for x, T in zip(self.steps, c.step_scales, strict=True))
        )
        lines += ["", f"{'The sign without [−a, a], a':<34}" + "".join(f"{a:>12g}" for a in c.gaps)]
        lines.append(f"{'error of ((x+a)⁺ − (x−a)⁺)/a − 1':<34}" + "".join(f"{x:>12.1e}" for x in self.gaps))
        remarks = (
            "Discs: target 0 below and x above, continuous on both; a network of two neurons without error could have no break "
            "inside either, and y = 0 is the only line between them. Six points: two breaks would have to explain three changes of "
            "the secant. With one output finite data always have a best network. The gap: where there is no mass, no network has "
            "to be steep. " + PILOT,
            "Le, Riccietti and Gribonval 2023, abstract: sparse networks of one hidden layer and scalar output always admit an "
            "optimum on finite data. Lim, Michalek and Qi 2019, abstract: in general the infimum of least squares is not attained "
            "for ReLU.",
            parts(self.checks),
        )
        return "\n".join([*lines, "", *footer(c, self.minutes, self.RULE, self.verdict, *remarks, random="starts of each search")])

    def to_json(self) -> str:
        """Settings, versions, every error."""
        found = {name: getattr(self, name) for name in ("checks", "discs", "vectors", "best", "gaps", "steps", "scalars")}
        return as_json("existence-counterexamples", self.config, self.minutes, self.RULE, self.verdict, **found)

    # ---- the pictures
    def figures(self) -> dict[str, Figure]:
        """By name: the discs, and the other two."""
        return {"discs": self.disc_picture(), "vectors": self.vector_picture()}

    def disc_picture(self) -> Figure:
        """Left: the target. Middle: a ramp near the point where they touch. Right: the error."""
        figure, ((left, middle, right),) = new_figure((16, 5.4), 3, width_ratios=[0.75, 1.15, 1])
        angle = np.linspace(0, 2 * np.pi, 400)
        levels, T = np.linspace(-1, 1, 41), 2.0
        for ax, reach in ((left, (1.05, 2.05)), (middle, (0.8, 0.3))):
            x, y = np.meshgrid(np.linspace(-reach[0], reach[0], 501), np.linspace(-reach[1], reach[1], 501))
            outside = (x**2 + (np.abs(y) - 1) ** 2) > 1
            f = np.where(y > 0, x, 0.0)
            if ax is middle:
                points = np.stack([x.ravel(), y.ravel()], axis=1)
                error = np.abs(response(disc_network(T), points).reshape(x.shape) - f)
                shown = ax.contourf(
                    x, y, np.where(outside, np.nan, error), levels=np.linspace(0, 0.1, 31), cmap="Reds", extend="max"
                )
                figure.colorbar(shown, ax=ax, shrink=0.75, label="|network − target|", ticks=[0, 0.05, 0.1])
                wedge = np.linspace(-reach[0], reach[0], 2)
                for sign in (1, -1):
                    ax.plot(wedge, sign * wedge / (2 * T), color=OURS, linewidth=1.4, label="the two breaks" if sign == 1 else None)
            else:
                ax.contourf(x, y, np.where(outside, np.nan, f), levels=levels, cmap="RdBu_r")
            for side in (1, -1):
                ax.plot(np.cos(angle), side + np.sin(angle), color=DARK, linewidth=1.4)
            ax.axhline(0, color=DARK, linestyle="--", linewidth=1)
            ax.set(xlim=(-reach[0], reach[0]), ylim=(-reach[1], reach[1]), xlabel="x")
        left.set_aspect("equal")
        left.annotate("f = x", (0, 1), ha="center", fontsize=12)
        left.annotate("f = 0", (0, -1), ha="center", fontsize=12)
        left.set(ylabel="y")
        left.set_title("continuous on both discs", fontsize=11)
        middle.legend(frameon=False, fontsize=9.5, loc="upper left")
        middle.set_title(f"near the origin, T = {T:g}: the ramp errs in two slivers", fontsize=11)
        S = np.array(self.config.scales)
        right.loglog(S, 1 / (840 * S**5), color=DARK, linestyle="--", linewidth=1.4, label="law  1/(840 T⁵)")
        right.loglog(S, self.discs, "o", color=OURS, ms=8, label="exact error of the ramp")
        right.plot([], [], " ", label="0 only at T = ∞: 1{y > 0} x")
        right.set(xlabel="T", ylabel="error")
        right.set_title("better for ever, and never best", fontsize=11)
        right.legend(frameon=False, fontsize=10)
        figure.suptitle("Two discs that touch: the target is continuous, and no network of two neurons is the best", fontsize=12.5)
        return figure

    def vector_picture(self) -> Figure:
        """Left: six points and networks. Middle: the best error for a norm. Right: the gap."""
        figure, ((left, middle, right),) = new_figure((16, 5), 3)
        x, y = vector_data()
        t = np.linspace(-2.0, 3, 2001)
        for tau, colour in ((1.0, PALE), (2.0, "#5b8dc0"), (20.0, "#16324f")):
            first, second = vector_response(vector_network(tau), t).T
            left.plot(t, first, color=colour, linewidth=2, label=f"network, τ = {tau:g}")
            left.plot(t, second - 4, color=colour, linewidth=2)
        left.plot(x, y[:, 0], "o", color=OTHER, ms=8, zorder=4, label="six targets, two outputs each")
        left.plot(x, y[:, 1] - 4, "o", color=OTHER, ms=8, zorder=4)
        left.axhline(-0.6, color="0.85", linewidth=0.8)
        left.annotate("first output:\nit steepens", (0.9, 0.6), fontsize=10)
        left.annotate("second output:\nit comes closer", (-1.9, -2.6), fontsize=10)
        left.set(xlabel="x", ylim=(-4.5, 5.2))
        left.set_yticks([-4, -3, -2, -1, 0, 1, 2], ["0", "1", "2", "3", "0", "1", "2"])
        left.set_title("three changes of direction, two breaks for both outputs", fontsize=11)
        left.legend(frameon=False, fontsize=9.5, loc="upper left")
        R = np.array(self.config.radii)
        middle.loglog(R, self.best, "o-", color=OURS, ms=8, linewidth=1.8, label="the best of norm R")
        middle.loglog(R, 2.36 / R**4, color=DARK, linestyle="--", linewidth=1.2, label="2.36 R⁻⁴")
        middle.plot(list(VECTORS), list(VECTORS.values()), "s", mfc="none", mec=OTHER, ms=12, label="pilot")
        middle.set(xlabel="norm R", ylabel="least sum of squares")
        middle.set_xticks(R, [f"{r:g}" for r in R])
        middle.minorticks_off()
        middle.set_title("six points, two outputs: no least one", fontsize=11)
        middle.legend(frameon=False, fontsize=10)
        s, a = np.linspace(-1, 1, 2001), 0.3
        right.axvspan(-a, a, color="0.93", label="no data here")
        right.plot(s, response(sign_with_gap(a), s[:, None]), color=OURS, linewidth=2.4, label="two neurons: exact")
        right.plot(
            [-1, -a, np.nan, a, 1], [-1, -1, np.nan, 1, 1], color=GOLD, linestyle="--", linewidth=2.4, label="target: the sign"
        )
        right.plot(
            s, response(step_ramp(8.0), s[:, None]) * 2 - 1, color=GREEN, linewidth=1, label="without a gap: ramps, for ever"
        )
        right.set(xlabel="x", ylim=(-1.2, 1.9))
        right.set_title("a jump with a gap is a network", fontsize=11)
        right.legend(frameon=False, fontsize=9.5, loc="upper left")
        figure.suptitle("Several outputs: no best network even for six points. A gap: a best one after all", fontsize=12.5)
        return figure
