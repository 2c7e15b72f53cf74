"""Ackley's function, `refimpl reproduce bi-ackley`: out of one local minimum after another, by bounces.

The released variant, exp(−0.02 s) for the textbook's exp(−0.2 s), has a gentle slope under a lattice of pits. Descent with a
small rate falls into the nearest, with the large rate that was released it jumps among them without end; the paper's motion has
energy to spare, bounces, and finds the lowest in time, now and then.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from refimpl.doors import whole
from refimpl.experiments.born_infeld.outcome import RELEASED, Seeds, as_json, footer
from refimpl.experiments.born_infeld.problems import Function, ackley
from refimpl.experiments.pictures import OTHER, OURS
from refimpl.experiments.processes import each
from refimpl.optim import Optimiser, gradient_descent, momentum
from refimpl.papers.born_infeld import bbi_rows, bounce_rows, start_rows
from refimpl.papers.born_infeld.ensemble import Rows, kept

if TYPE_CHECKING:
    from matplotlib.figure import Figure

B = 0.02
STEP, OFFSET, EXTRA = 0.009649484, 1e-4, 2.0  # released
START = (-4.0, 3.0)
SUCCESS = 5e-4
BASELINES = {  # released constants: rate, β; and the loss they reached from START
    "momentum": (0.19926, 0.5634, 0.0280),
    "momentum, rate ≤ 0.05": (0.003129, 0.8819, 1.365),
    "gradient descent": (0.2531, None, 0.0066),
}
RELEASED_RUNS = (0.642, 0.371, 9.6e-5, 0.0896, 0.179)  # least losses of five runs from START
RELEASED_RATE, PILOT_RATE = 0.83, {"cube": 0.89, "isotropic": 0.85}  # starts of which a run succeeds
KINDS = {"cube": True, "isotropic": False}  # of bounces: as released?


class Schedule(NamedTuple):
    """When the released optimiser bounces; None: never."""

    fixed_every: int | None  # T₀
    fixed: int | None  # N_b: how many of these; None: without end
    patience: int | None  # T₁: updates without a new least loss


RELEASED_SCHEDULE = Schedule(20, 4, 100)


def scheduled_rows(
    objective: Function,
    state: Rows,
    h: float,
    calls: int,
    rng: np.random.Generator,
    schedule: Schedule,
    watch: Callable[[int, np.ndarray, Rows], np.ndarray],
    *,
    as_released: bool = False,
) -> None:
    """The released schedule on many runs at once: a call updates a run, or bounces it where it is.

        a run bounces on a call if c₀ = T₀ or c₁ = T₁; else it is updated, and c₀, c₁ grow by 1
        c₁ ← 0 if V, before the update, is less than ever before, and after a bounce
        c₀ ← 0 after a bounce for which c₀ was T₀; after N_b of these it passes T₀ and is never T₀ again

    Parameters
    ----------
    objective : over rows
    state : Rows, k of n
    h : float
    calls : int, of each run
    rng : numpy.random.Generator
    schedule : Schedule
    watch : (calls made, rows, state) -> bool (rows,)
        Called at the start and after each call, with the numbers (of 0 to k − 1) of the rows that are left, and their states; says
        which of them are at their end and leave. Rows whose V is not > 0 leave by themselves.
    as_released : bool
        Bounces from the cube, and the released guards.
    """
    T0, fixed, T1 = (2**62 if item is None else item for item in schedule)
    rows = np.arange(len(state.V))
    c0, c1, made, least = (np.full(len(rows), x) for x in (0, 0, 0, np.inf))
    for call in range(calls + 1):
        out = watch(call, rows, state) | ~(state.V > 0)
        if out.any():
            rows, c0, c1, made, least = (x[~out] for x in (rows, c0, c1, made, least))
            theta, pi, V, dV, E, offset, t, V0, extra = state
            state = Rows(theta[~out], pi[~out], V[~out], dV[~out], E[~out], offset, t[~out], V0[~out], extra[~out])
        if call == calls or not len(rows):
            return
        by_count, better = c0 == T0, state.V < least
        bounces = by_count | (c1 == T1)
        new = bbi_rows(objective, state, h, as_released=as_released)
        if bounces.any():
            new = kept(bounces, bounce_rows(state, rng, bounces, as_released=as_released), new)
        better &= ~bounces
        least = np.where(better, state.V, least)
        made = made + by_count
        c0 = np.where(bounces, np.where(by_count, np.where(made < fixed, 0, c0 + 1), c0), c0 + 1)
        c1 = np.where(bounces | better, 0, c1 + 1)
        state = new


@dataclass(frozen=True)
class Config(Seeds):
    """seeds: random starts in [−4, 4]²; runs of each, and runs from (−4, 3), with their calls of the objective."""

    seeds: int = 100
    runs: int = 5
    calls: int = 30_000
    single_runs: int = 400
    single_calls: int = 20_000

    def __post_init__(self):
        super().__post_init__()
        for name in ("runs", "calls", "single_runs", "single_calls"):
            whole(name, getattr(self, name), 1)


QUICK = Config(seeds=30, single_runs=40)


def bbi(theta: np.ndarray, calls: int, stream: np.random.SeedSequence, as_released: bool) -> tuple[np.ndarray, np.ndarray]:
    """Least loss of each row, and the number of calls after which it was below SUCCESS, or −1.  (k,), (k,)"""
    rng, objective = np.random.default_rng(stream), ackley(B)
    best, first = np.full(len(theta), np.inf), np.full(len(theta), -1)

    def watch(call, rows, state):
        loss = state.V + OFFSET
        best[rows] = np.fmin(best[rows], loss)
        first[rows[(loss < SUCCESS) & (first[rows] < 0)]] = call
        return np.zeros(len(rows), bool)

    state = start_rows(objective, theta, OFFSET, EXTRA)
    scheduled_rows(objective, state, STEP, calls, rng, RELEASED_SCHEDULE, watch, as_released=as_released)
    return best, first


def path(calls: int, stream: np.random.SeedSequence, tries: int = 16) -> np.ndarray:
    """Of some runs from START with isotropic bounces, the first that is below SUCCESS, or one of them.  (calls made + 1, 2)"""
    rng, objective, points = np.random.default_rng(stream), ackley(B), []
    winner = [0]

    def watch(call, rows, state):
        points.append(state.theta.copy())
        below = state.V + OFFSET < SUCCESS
        if below.any():
            winner[0] = int(np.argmax(below))
        return np.full(len(rows), below.any())

    state = start_rows(objective, np.tile(START, (tries, 1)), OFFSET, EXTRA)
    scheduled_rows(objective, state, STEP, calls, rng, RELEASED_SCHEDULE, watch)
    return np.array(points)[:, winner[0]]


def descended(optimiser: Optimiser, theta: np.ndarray, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Least loss of each row under an optimiser, and where it ends: all rows as one vector.  (k,), (k, n)"""
    objective, x = ackley(B), theta.ravel()
    state, best = optimiser.init(x), np.full(len(theta), np.inf)
    for t in range(steps + 1):
        loss, g = objective(x.reshape(theta.shape))
        best = np.minimum(best, loss)
        if t < steps:
            x, state = optimiser.step(x, g.ravel(), state)
    return best, x.reshape(theta.shape)


def baseline(name: str) -> Optimiser:
    """Gradient descent with momentum, or without."""
    rate, beta, _ = BASELINES[name]
    return gradient_descent(rate) if beta is None else momentum(rate, beta)


def run(config: Config, rng: np.random.Generator | None = None, workers: int = 1) -> Result:
    """Random starts and the released start, both kinds of bounces, and the baselines; workers change nothing but the time."""
    start = time.perf_counter()
    streams = config.streams(rng, 6)
    starts = np.random.default_rng(streams[0]).uniform(-4, 4, (config.seeds, 2))
    many, single = np.repeat(starts, config.runs, axis=0), np.tile(START, (config.single_runs, 1))
    jobs = [(many, config.calls, streams[1 + k], released) for k, released in enumerate(KINDS.values())]
    jobs += [(single, config.single_calls, streams[3 + k], released) for k, released in enumerate(KINDS.values())]
    found = each(bbi, jobs, workers)
    names = list(KINDS)
    best = {k: x.reshape(config.seeds, config.runs) for k, (x, _) in zip(names, found[:2], strict=True)}
    from_start = dict(zip(names, (x for x, _ in found[2:]), strict=True))
    first = dict(zip(names, (n for _, n in found[2:]), strict=True))
    points = np.vstack([starts, START])
    base = {name: descended(baseline(name), points, config.calls) for name in BASELINES}
    shown = path(config.single_calls, streams[5])
    descents = {name: value for name, (value, _) in base.items()}
    ends = base["momentum, rate ≤ 0.05"][1]
    return Result(config, starts, best, from_start, first, descents, ends, shown, (time.perf_counter() - start) / 60)


@dataclass(frozen=True)
class Result:
    """Least losses of every run."""

    config: Config
    starts: np.ndarray  # (seeds, 2)
    best: dict[str, np.ndarray]  # kind of bounces: (seeds, runs)
    from_start: dict[str, np.ndarray]  # kind: (single_runs,), from START
    first: dict[str, np.ndarray]  # calls until success of these, or −1
    descents: dict[str, np.ndarray]  # baseline: (seeds + 1,), the last from START
    ends: np.ndarray  # (seeds + 1, 2) where momentum of rate <= 0.05 ends
    path: np.ndarray  # (calls + 1, 2), a run of BBI from START
    minutes: float

    RULE = (
        "agrees if with the released bounces some run of five succeeds from a share of the random starts within 0.10 of the "
        "released 0.83, and momentum with the released constants from none; differs if momentum does as well as BBI; not "
        "reproduced otherwise"
    )

    def rate(self, kind: str) -> float:
        """The share of starts of which a run succeeds."""
        return float((self.best[kind] < SUCCESS).any(axis=1).mean())

    @property
    def verdict(self) -> str:
        """By the shares of success."""
        ours, theirs = self.rate("cube"), float((self.descents["momentum"][:-1] < SUCCESS).mean())
        if theirs >= ours:
            return "differs"
        return "agrees" if abs(ours - RELEASED_RATE) <= 0.10 and theirs == 0 else "not reproduced"

    def table(self) -> str:
        """Shares of success, least losses, and the baselines."""
        c = self.config
        lines = [
            f"Ackley's function with exp(-{B:g} s), two dimensions. Success: a loss below {SUCCESS:g} within {c.calls} calls.",
            "",
        ]
        head, some = f"{c.seeds} random starts in [-4, 4]^2", f"some run of {c.runs}"
        lines.append(f"{head:<40}{some:>18}{'each run':>12}{'released':>10}{'pilot':>8}")
        for kind in KINDS:
            known = f"{RELEASED_RATE:>10.2f}" if KINDS[kind] else f"{'':>10}"
            share = float((self.best[kind] < SUCCESS).mean())
            lines.append(f"{f'BBI, {kind} bounces':<40}{self.rate(kind):>18.2f}{share:>12.3f}{known}{PILOT_RATE[kind]:>8.2f}")
        for name, loss in self.descents.items():
            known = f"{0.0:>10.2f}" if name == "momentum" else ""
            lines.append(f"{f'{name}, one run':<40}{(loss[:-1] < SUCCESS).mean():>18.2f}{'':>12}{known}".rstrip())
        lines += ["", f"{'from (-4, 3)':<40}{'least loss':>18}{'released':>12}   success"]
        for kind in KINDS:
            x = self.from_start[kind]
            quartiles = "{:.2g} / {:.2g} / {:.2g}".format(*np.quantile(x, (0.25, 0.5, 0.75)))
            lines.append(
                f"{f'BBI, {kind}, {c.single_runs} runs: quartiles':<40}{quartiles:>18}{'below':>12}   "
                f"{100 * (x < SUCCESS).mean():.1f} %"
            )
        for name, (rate, beta, reached) in BASELINES.items():
            label = f"{name} ({rate:g}{'' if beta is None else f', {beta:g}'})"
            lines.append(f"{label:<40}{self.descents[name][-1]:>18.4f}{reached:>12.4f}")
        remarks = (
            f"Released least losses of five runs of BBI from (-4, 3): {', '.join(f'{x:g}' for x in RELEASED_RUNS)}; in a pilot "
            f"32.5 % of runs succeeded, with a median of 0.048. These runs have {c.single_calls} calls.",
            f"BBI: h = {STEP}, offset {OFFSET:g}, extra energy {EXTRA:g}, a bounce every 20 updates, 4 of them, and after 100 "
            "updates without a new least loss. A call that bounces does not move. cube: directions of points drawn from a cube, as "
            "released; isotropic: uniform, as the theory has them.",
            "What is compared is not equal: BBI has five runs where a deterministic descent has one, which cannot have two; and "
            "from (-4, 3) plain gradient descent, with a rate found by the same search, comes nearer to the minimum than "
            f"{100 * (self.from_start['cube'] > self.descents['gradient descent'][-1]).mean():.0f} % of the runs of BBI.",
            RELEASED,
        )
        lines += ["", *footer(c, self.minutes, self.RULE, self.verdict, *remarks, random="starts")]
        return "\n".join(lines)

    def to_json(self) -> str:
        """Settings, versions, the starts, and the least loss of every run."""
        found = {
            "starts": self.starts,
            "best": {k: x.tolist() for k, x in self.best.items()},
            "from_start": self.from_start,
            "calls_to_success": self.first,
            "descents": self.descents,
            "rates": {kind: self.rate(kind) for kind in KINDS},
            "released": {"rate": RELEASED_RATE, "runs": RELEASED_RUNS, "baselines": {k: v[2] for k, v in BASELINES.items()}},
        }
        return as_json("bi-ackley", self.config, self.minutes, self.RULE, self.verdict, **found)

    def figures(self) -> dict[str, Figure]:
        """By name: the landscape with its trajectories, and the final losses."""
        return {"escapes": self.plot()}

    def plot(self) -> Figure:
        """Left: the landscape, a run of BBI, and where momentum ends. Right: least losses."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(12.5, 5.3), layout="constrained")
        left, right = figure.subplots(1, 2, gridspec_kw={"width_ratios": [1, 1.15]})
        x, y = np.meshgrid(np.linspace(-6.2, 6.2, 400), np.linspace(-6.2, 6.2, 400))
        F, _ = ackley(B)(np.stack([x, y], axis=-1))
        left.contourf(x, y, F, levels=24, cmap="Greys_r", alpha=0.75)
        left.plot(
            *self.path.T, color="#b3261e", linewidth=0.9, label=f"BBI, the first of 16 runs to arrive: {len(self.path) - 1} calls"
        )
        left.plot(
            *self.ends[:-1].T,
            "o",
            ms=4,
            mfc="white",
            mec=OURS,
            mew=1.2,
            label="where momentum of rate ≤ 0.05 ends, from random starts",
        )
        left.plot(*START, "s", ms=8, color="#222222", label="the start of BBI, (−4, 3)")
        left.plot(0, 0, "*", ms=15, color="#e3b23c", mec="#222222", mew=0.7, label="the minimum")
        left.set(aspect="equal", xlim=(-6.2, 6.2), ylim=(-6.2, 6.2), xlabel="$x_1$", ylabel="$x_2$")
        left.legend(fontsize=8.5, loc="lower center", framealpha=0.92, edgecolor="none")
        left.set_title("the landscape, dark is low", fontsize=11)
        edges = np.geomspace(5e-5, 10, 44)
        for kind, colour, style in (("cube", OTHER, "stepfilled"), ("isotropic", "#222222", "step")):
            found = np.clip(self.best[kind].ravel(), edges[0], edges[-1])
            label = f"BBI, {kind}: {100 * (found < SUCCESS).mean():.0f} % of runs, {100 * self.rate(kind):.0f} % of starts"
            share, alpha = np.full(len(found), 1 / len(found)), 0.55 if style == "stepfilled" else 1
            right.hist(found, edges, histtype=style, color=colour, alpha=alpha, label=label, weights=share, linewidth=1.4)
        for name, colour in (("momentum", OURS), ("momentum, rate ≤ 0.05", "#8fb8de")):
            found = self.descents[name][:-1]
            label = f"{name}: {100 * (found < SUCCESS).mean():.0f} % of starts"
            share = np.full(len(found), 1 / len(found))
            right.hist(found, edges, histtype="step", color=colour, linewidth=1.8, label=label, weights=share)
        right.axvline(SUCCESS, color="0.3", linestyle="--", linewidth=1)
        right.annotate("success", (SUCCESS, 1), xycoords=("data", "axes fraction"), ha="right", va="top", rotation=90, fontsize=9)
        right.set(xscale="log", xlabel=f"least loss within {self.config.calls} calls", ylabel="share of runs")
        right.set_title(f"{self.config.seeds} random starts, {self.config.runs} runs of BBI each", fontsize=11)
        right.legend(frameon=False, fontsize=9)
        right.spines[["top", "right"]].set_visible(False)
        figure.suptitle("Ackley's function: out of the pits by bounces", fontsize=12.5)
        return figure
