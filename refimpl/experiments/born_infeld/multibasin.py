"""Two minima of equal depth, `refimpl reproduce bi-multibasin`: which one a trajectory enters first.

The phase-space measure gives the flatter of two equally deep minima the larger share, here λ_b/λ_a = 1.9259 to 1. The released
notebook counts which of the two a run enters first and comes near. But first entries are hitting probabilities, not the measure:
with more bounces on the way they come out otherwise, as is shown beside.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from refimpl.doors import whole
from refimpl.experiments.born_infeld.ackley import KINDS, Schedule, scheduled_rows
from refimpl.experiments.born_infeld.outcome import RELEASED, Seeds, as_json, footer
from refimpl.experiments.born_infeld.problems import BASINS, HESSIANS, multi_basin
from refimpl.experiments.pictures import OTHER, OURS
from refimpl.experiments.processes import each
from refimpl.papers.born_infeld import start_rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

START, STEP, OFFSET = (10.0, -10.0), 0.01, 1e-3  # released
SCHEDULES = {"one bounce": Schedule(20, 1, 750), "bounces throughout": Schedule(20, None, 750)}  # the first as released
RELEASED_RATIO, PREDICTED = 1.7248, HESSIANS[1] / HESSIANS[0]
PILOT = {  # ratio and its standard error
    ("one bounce", "cube"): (1.703, 0.079),
    ("one bounce", "isotropic"): (1.732, 0.080),
    ("bounces throughout", "cube"): (1.35, 0.09),
    ("bounces throughout", "isotropic"): (1.17, 0.08),
}


@dataclass(frozen=True)
class Config(Seeds):
    """seeds: runs of each kind; steps of each; in how many parts they are computed."""

    seeds: int = 2000
    steps: int = 25_000
    blocks: int = 2

    def __post_init__(self):
        super().__post_init__()
        whole("steps", self.steps, 1)
        whole("blocks", self.blocks, 1)


QUICK = Config(seeds=200, blocks=1)


class Entries(NamedTuple):
    """Of each run: whose neighbourhood it enters first (0: a, 1: b, −1: none), where, and after how many steps."""

    basin: np.ndarray  # (runs,)
    theta: np.ndarray  # (runs, 2)
    steps: np.ndarray  # (runs,)

    @property
    def counts(self) -> tuple[int, int]:
        """Runs that enter a, and b."""
        return int((self.basin == 0).sum()), int((self.basin == 1).sum())

    @property
    def ratio(self) -> float:
        """N_a/N_b; NaN for none."""
        a, b = self.counts
        return a / b if b else float("nan")

    @property
    def error(self) -> float:
        """Its standard error, ratio √(1/N_a + 1/N_b)."""
        a, b = self.counts
        return self.ratio * np.sqrt(1 / a + 1 / b) if a and b else float("nan")


def entered(theta: np.ndarray) -> np.ndarray:
    """0 within √λ_a |x − a| < 1, 1 within √λ_b |x − b| < 1, else −1.  theta (k, 2) -> (k,)"""
    eta2 = np.array([lam * np.sum((theta - c) ** 2, axis=1) for c, lam in zip(BASINS, HESSIANS, strict=True)])
    return np.where(eta2[0] < 1, 0, np.where(eta2[1] < 1, 1, -1))


def first_entries(schedule: Schedule, as_released: bool, runs: int, steps: int, stream, shown: int = 0) -> tuple[Entries, list]:
    """Runs from START to their first entry, and the paths of the first few of them."""
    basin, where, count = np.full(runs, -1), np.full((runs, 2), np.nan), np.full(runs, steps)
    paths: list[list[Any]] = [[] for _ in range(shown)]

    def watch(call, rows, state):
        for row, theta in zip(rows[: np.searchsorted(rows, shown)], state.theta, strict=False):
            paths[row].append(theta.copy())
        now = entered(state.theta)
        done = now >= 0
        if done.any():
            basin[rows[done]], where[rows[done]], count[rows[done]] = now[done], state.theta[done], call
        return done

    state = start_rows(multi_basin, np.tile(START, (runs, 1)), OFFSET)
    scheduled_rows(multi_basin, state, STEP, steps, np.random.default_rng(stream), schedule, watch, as_released=as_released)
    return Entries(basin, where, count), [np.array(p) for p in paths]


def measure_ratio(rays: int = 16) -> float:
    """The measure of η_a < 1 over that of η_b < 1 where V exceeds the offset: in two dimensions 1/V, by quadrature along rays.

    V = F − offset is negative at the minima themselves, and 1/V is not integrable where V falls to 0; both integrals diverge alike,
    and the ratio goes from 1.920 to 1.926 as the cut goes from the offset to 0.
    """
    from scipy.integrate import quad
    from scipy.optimize import brentq

    phi = np.arange(rays) * 2 * np.pi / rays
    total = []
    for centre, lam in zip(BASINS, HESSIANS, strict=True):
        volume = 0.0
        for u in np.stack([np.cos(phi), np.sin(phi)], axis=-1):

            def V(r, centre=centre, u=u):
                return float(multi_basin(centre + r * u)[0]) - OFFSET

            inner = brentq(lambda r: V(r) - OFFSET, 1e-6, lam**-0.5)
            volume += quad(lambda r: r / V(r), inner, lam**-0.5)[0]
        total.append(volume)
    return total[0] / total[1]


def run(config: Config, rng: np.random.Generator | None = None, workers: int = 1) -> Result:
    """Both schedules and both kinds of bounces; workers change nothing but the time."""
    start = time.perf_counter()
    cases = [(schedule, kind) for schedule in SCHEDULES for kind in KINDS]
    streams = config.streams(rng, len(cases) * config.blocks)
    parts = [len(part) for part in np.array_split(np.arange(config.seeds), config.blocks)]
    jobs = [
        (SCHEDULES[schedule], KINDS[kind], part, config.steps, streams[len(parts) * k + j], 40 if k == 0 and j == 0 else 0)
        for k, (schedule, kind) in enumerate(cases)
        for j, part in enumerate(parts)
    ]
    found = each(first_entries, jobs, workers)
    entries = {}
    for k, case in enumerate(cases):
        blocks = [e for e, _ in found[len(parts) * k : len(parts) * (k + 1)]]
        entries[case] = Entries(*(np.concatenate(field) for field in zip(*blocks, strict=True)))
    return Result(config, entries, found[0][1], measure_ratio(), (time.perf_counter() - start) / 60)


@dataclass(frozen=True)
class Result:
    """First entries for every schedule and kind of bounces."""

    config: Config
    entries: dict[tuple[str, str], Entries]  # (schedule, kind)
    paths: list[np.ndarray]  # of the first runs of the first
    measure: float
    minutes: float

    RULE = (
        "agrees if with one bounce, from the cube as released, the ratio of first entries lies within 3 standard errors of the "
        "released 1.7248; inconclusive if the standard error is above 0.2; differs otherwise"
    )

    @property
    def verdict(self) -> str:
        """By the released schedule and bounces."""
        e = self.entries["one bounce", "cube"]
        if not e.error <= 0.2:
            return "inconclusive"
        return "agrees" if abs(e.ratio - RELEASED_RATIO) <= 3 * e.error else "differs"

    def table(self) -> str:
        """Ratios with standard errors."""
        c = self.config
        head = (
            f"{'':<20}{'bounces':<12}{'a':>7}{'b':>7}{'neither':>9}{'a / b':>16}{'released':>10}{'pilot':>15}{'median steps':>14}"
        )
        lines = ["Which of two equally deep minima a run enters first: a, the flat one, or b.", "", head]
        for (schedule, kind), e in self.entries.items():
            a, b = e.counts
            known = f"{RELEASED_RATIO:.4f}" if (schedule, kind) == ("one bounce", "cube") else ""
            pilot = "{:.2f} ± {:.2f}".format(*PILOT[schedule, kind])
            ratio, arrived = f"{e.ratio:.3f} ± {e.error:.3f}", e.steps[e.basin >= 0]
            steps = f"{np.median(arrived):.0f}" if len(arrived) else "–"
            row = f"{schedule:<20}{kind:<12}{a:>7}{b:>7}{c.seeds - a - b:>9}{ratio:>16}{known:>10}{pilot:>15}{steps:>14}"
            lines.append(row)
        first = self.entries["one bounce", "cube"]
        away = (PREDICTED - first.ratio) / first.error
        remarks = (
            f"The measure: λ_b/λ_a = {PREDICTED:.4f} by the Hessians, {self.measure:.3f} by quadrature over both discs. The "
            f"first row lies {abs(away):.1f} standard errors {'below' if away > 0 else 'above'} it.",
            "A ratio of first entries is a ratio of hitting probabilities: it depends on where a run starts, when it bounces "
            "and when it is stopped, and need not be that of the measure. Bounces leave the measure as it is, and with bounces "
            f"throughout the runs that end within the steps give {self.entries['bounces throughout', 'cube'].ratio:.2f} and "
            f"{self.entries['bounces throughout', 'isotropic'].ratio:.2f}. So that one schedule comes near does not confirm the "
            "measure.",
            f"From (10, -10), h = {STEP:g}, offset {OFFSET:g}, at most {c.steps} steps; a run enters where √λ |x - c| < 1. One "
            "bounce: after 20 updates, then after 750 without a new least loss. Throughout: every 20 updates.",
            "ratio ± its standard error, ratio √(1/a + 1/b). cube: directions drawn from a cube, as released.",
            RELEASED,
        )
        lines += ["", *footer(c, self.minutes, self.RULE, self.verdict, *remarks)]
        return "\n".join(lines)

    def to_json(self) -> str:
        """Settings, versions, and the first entry of every run."""
        rows = [
            {
                "schedule": schedule,
                "bounces": kind,
                "counts": e.counts,
                "ratio": e.ratio,
                "error": e.error,
                "basin": e.basin,
                "steps": e.steps,
            }
            for (schedule, kind), e in self.entries.items()
        ]
        found = {"rows": rows, "released": RELEASED_RATIO, "hessians": PREDICTED, "measure": self.measure}
        return as_json("bi-multibasin", self.config, self.minutes, self.RULE, self.verdict, **found)

    def figures(self) -> dict[str, Figure]:
        """By name: the landscape with first entries, and the ratios."""
        return {"entries": self.plot()}

    def plot(self) -> Figure:
        """Left: some runs and all first entries. Right: the ratios with their errors."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(12.5, 5.4), layout="constrained")
        left, right = figure.subplots(1, 2, gridspec_kw={"width_ratios": [1, 1.1]})
        x, y = np.meshgrid(np.linspace(-15, 15, 400), np.linspace(-15, 15, 400))
        F, _ = multi_basin(np.stack([x, y], axis=-1))
        left.contourf(x, y, F, levels=np.array([-0.01, 0.1, 0.5, 0.9, 2, 4, 8, 15, 25, 44.264]), cmap="Greys_r", alpha=0.45)
        left.contour(x, y, F, levels=[44.264], colors="0.4", linewidths=1)
        e = self.entries["one bounce", "cube"]
        for p, basin in zip(self.paths[:16], e.basin, strict=False):
            left.plot(*p.T, color=(OURS, OTHER, "0.6")[basin], linewidth=0.8, alpha=0.8)
        for basin, (colour, name) in enumerate(((OURS, "flat"), (OTHER, "steep"))):
            at = e.theta[e.basin == basin]
            left.plot(*at.T, ".", color=colour, ms=4, label=f"{len(at)} enter the {name} one first")
            turn = np.linspace(0, 2 * np.pi, 100)
            ring = BASINS[basin] + np.stack([np.cos(turn), np.sin(turn)], axis=-1) / np.sqrt(HESSIANS[basin])
            left.plot(*ring.T, color="#222222", linewidth=0.8)
        left.plot(*START, "s", color="#222222", ms=7, clip_on=False, label="start; the outer line is as high")
        left.set(aspect="equal", xlabel="$x_1$", ylabel="$x_2$", xlim=(-15, 15), ylim=(-15, 15))
        left.legend(fontsize=8.5, loc="upper left", framealpha=0.9, edgecolor="none")
        left.set_title("sixteen runs with one bounce, as released, and all first entries", fontsize=11)
        names = list(self.entries)
        for k, case in enumerate(names):
            e = self.entries[case]
            colour = OTHER if case[1] == "cube" else "#8f9aa5"
            right.bar(k, e.ratio, 0.62, color=colour, alpha=0.85, yerr=e.error, capsize=4, error_kw={"elinewidth": 1.4})
            a, b = e.counts
            right.annotate(f"{a} : {b}", (k, 0.04), ha="center", fontsize=9, color="white")
        right.plot([-0.45, 0.45], [RELEASED_RATIO] * 2, color="#222222", linewidth=2, label=f"released, {RELEASED_RATIO:.2f}")
        right.axhline(PREDICTED, color=OURS, linestyle="--", linewidth=1.4, label=f"the measure, {PREDICTED:.2f}")
        right.axhline(1, color="0.6", linewidth=0.8, linestyle=":")
        right.set_xticks(range(len(names)), [f"{schedule},\n{kind}" for schedule, kind in names], fontsize=9)
        right.set(ylabel="runs that enter the flat one first / the steep one", ylim=(0, 2.45))
        right.set_title("the ratio, ± one standard error", fontsize=11)
        right.legend(frameon=False, fontsize=9, loc="upper right")
        right.spines[["top", "right"]].set_visible(False)
        figure.suptitle(f"Two minima of equal depth, {self.config.seeds} runs each", fontsize=12.5)
        return figure
