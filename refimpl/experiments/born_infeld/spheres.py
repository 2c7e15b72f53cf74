"""Born-Infeld motion on spheres, `refimpl reproduce bi-thomson`: does it find the least energy of N electrons?

The motion goes beyond the paper, which has no spheres: N points on a product of unit spheres move in their Coulomb energy, on
geodesics between kicks, and from time to time L-BFGS descends from where they are. Against it stand the same L-BFGS from random
starts, and from perturbed minima (basin hopping). A run of any kind may call the gradient equally often.

    arm            between two descents
    restarts       N new random points
    hopping        the minimum, each point displaced at random
    BI             a piece of the motion: of one trajectory that is never put back, or from the minimum, with extra energy
    BI, told       the same with an offset just below the best known energy, which BI itself may not know

BI's offset is the proven lower bound, of which every V on the spheres is above.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from refimpl.doors import whole
from refimpl.experiments import VERDICTS
from refimpl.experiments.born_infeld.outcome import Seeds, as_json, footer
from refimpl.experiments.paired import Paired, paired
from refimpl.experiments.pictures import OTHER, OURS
from refimpl.experiments.processes import each
from refimpl.manifolds import spheres
from refimpl.manifolds.sphere import project_forward
from refimpl.papers.born_infeld import OutsideDomain, bounce, leapfrog_step, shortened, start
from refimpl.papers.hyperspherical_energy.blocked import energy_and_gradient
from refimpl.papers.hyperspherical_energy.limits import lower_bound
from refimpl.papers.hyperspherical_energy.tables import THOMSON

if TYPE_CHECKING:
    from matplotlib.figure import Figure

REACHED = 1e-6  # of the best known energy: other minima are more than 5e-6 above it, and tables are rounded at 1e-12
FTOL = 1e-8  # where a descent ends, but for restarts, which have it tuned: below REACHED, so that it gets there


class Over(Exception):
    """The best known energy is reached, or the calls are used up."""


class Counted:
    """The energy of n points as an objective that counts its calls, and raises Over at the last one."""

    def __init__(self, n: int, budget: int):
        self.n, self.budget, self.calls = n, budget, 0
        self.best = THOMSON.energies[n]
        self.reached: int | None = None  # the call that reached the best known energy

    def __call__(self, theta):
        if self.calls == self.budget:
            raise Over
        self.calls += 1
        E, dW = energy_and_gradient(theta.reshape(self.n, 3), 1.0, reduction="sum_unordered")
        if self.best * (1 + REACHED) >= E:
            self.reached = self.calls
            raise Over
        return float(E), dW.ravel()


# ---- the arms: each goes on until Over
def descended(f: Counted, theta, ftol=FTOL, memory=10):
    """Points where L-BFGS ends, on the spheres, and their energy."""
    from scipy.optimize import minimize

    options = {"ftol": ftol, "gtol": 1e-12, "maxcor": memory, "maxiter": f.budget, "maxfun": 2 * f.budget}
    end = minimize(f, theta, jac=True, method="L-BFGS-B", options=options)
    return on_spheres(end.x), float(end.fun)


def on_spheres(theta):
    """The rows of three at length one."""
    return project_forward(theta.reshape(-1, 3))[0].ravel()


def restarts(f: Counted, rng, ftol: float, memory: int):
    """L-BFGS from random points, again and again."""
    while True:
        descended(f, on_spheres(rng.standard_normal(3 * f.n)), ftol, memory)


def hopping(f: Counted, rng, size: float, always: bool):
    """Basin hopping: points displaced by `size`, in units of their distance √(4π/n), then L-BFGS; the new minimum is kept if it is
    lower, or always."""
    x, E = descended(f, on_spheres(rng.standard_normal(3 * f.n)))
    while True:
        y, E_new = descended(f, on_spheres(x + size * np.sqrt(4 * np.pi / (3 * f.n)) * rng.standard_normal(x.size)))
        if always or E_new <= E:
            x, E = y, E_new


def through(f: Counted, rng, h: float, steps: int, offset: float):
    """One trajectory from rest at random points; a descent and a bounce after every `steps` steps of the log leapfrog."""
    space = spheres(f.n, 3)
    state = start(f, on_spheres(rng.standard_normal(3 * f.n)), offset, space=space)
    while True:
        state = moved(f, state, h, steps, space)
        descended(f, state.theta)
        state = bounce(state, rng, space=space)


def excursions(f: Counted, rng, h: float, steps: int, extra: float, offset: float):
    """From the lowest minimum so far, with `extra` energy a point, in a random direction; then a descent. As basin hopping, but
    that the motion leads the points away."""
    space = spheres(f.n, 3)
    x, E = descended(f, on_spheres(rng.standard_normal(3 * f.n)))
    while True:
        state = start(f, x, offset, extra * f.n, rng=rng, space=space)
        y, E_new = descended(f, moved(f, bounce(state, rng, space=space), h, steps, space).theta)
        if E_new <= E:
            x, E = y, E_new


def moved(f, state, h, steps, space):
    """The state after so many steps, shorter ones where they would leave the domain; as far as it gets."""
    for _ in range(steps):
        try:
            state = shortened(leapfrog_step, f, state, h, space=space)
        except OutsideDomain:
            break
    return state


def born_infeld(f: Counted, rng, offset: float | None = None, **setting):
    """`through` or `excursions`, by its setting; the offset is the proven bound unless it is given."""
    offset = lower_bound(f.n, 3, 1.0) if offset is None else offset
    (excursions if "extra" in setting else through)(f, rng, offset=offset, **setting)


def told(f: Counted, rng, **setting):
    """The same with an offset of 1e-5 below the best known energy, relatively."""
    born_infeld(f, rng, f.best * (1 - 1e-5), **setting)


ARMS: dict[str, Callable] = {"restarts": restarts, "hopping": hopping, "BI": born_infeld, "BI, told": told}
# twelve settings of each; BI, told, has those of BI
GRIDS: dict[str, tuple[dict[str, Any], ...]] = {
    "restarts": tuple({"ftol": t, "memory": m} for t in (1e-7, 1e-8, 1e-9, 1e-10) for m in (5, 10, 20)),
    "hopping": tuple({"size": s, "always": a} for s in (0.2, 0.3, 0.35, 0.4, 0.5, 0.6) for a in (False, True)),
    "BI": (
        *({"h": h, "steps": k} for h in (0.3, 3.0) for k in (20, 50, 100)),
        *({"h": 0.3, "steps": k, "extra": e} for k in (30, 80) for e in (0.05, 0.1, 0.2)),
    ),
}


@dataclass(frozen=True)
class Config(Seeds):
    """Numbers of points; calls of the gradient that each run has; what the settings are tuned on."""

    seeds: int = 60
    points: tuple[int, ...] = (12, 24, 32, 40, 48, 64, 72, 100, 122)
    budget: int = 2000
    tuned_on: tuple[int, ...] = (100, 122)  # where one descent mostly fails
    tuning_runs: int = 30  # of every setting, for each of these numbers

    def __post_init__(self):
        super().__post_init__()
        whole("budget", self.budget, 1)
        whole("tuning_runs", self.tuning_runs, 1)
        for name in ("points", "tuned_on"):
            unknown = [n for n in getattr(self, name) if n not in THOMSON.energies]
            if unknown or not getattr(self, name):
                raise ValueError(f"{name}: expected at least one number of the table, of {list(THOMSON.energies)}, got {unknown}")


QUICK = Config(seeds=8, points=(12, 32, 64, 100), budget=500, tuned_on=(100,), tuning_runs=2)


# ---- runs
def calls(arm: str, setting: dict[str, Any], n: int, budget: int, key: int) -> tuple[int, bool]:
    """Calls of one run, and whether it reached the best known energy. Runs of one key start from the same points."""
    f = Counted(n, budget)
    with suppress(Over):
        ARMS[arm](f, np.random.default_rng([key, n]), **setting)
    return f.calls, f.reached is not None


def keys(streams: list[np.random.SeedSequence]) -> list[int]:
    """A number for each stream."""
    return [int(np.random.default_rng(stream).integers(2**63)) for stream in streams]


def cost(arm: str, setting: dict[str, Any], config: Config, runs: list[int]) -> float:
    """Calls for each success, of all runs; a geometric mean over the numbers of points. No success counts as half a one."""
    found = []
    for n in config.tuned_on:
        each_run = [calls(arm, setting, n, config.budget, key) for key in runs]
        found.append(sum(k for k, _ in each_run) / max(0.5, sum(hit for _, hit in each_run)))
    return float(np.exp(np.mean(np.log(found))))


def one_seed(config: Config, chosen: dict[str, dict[str, Any]], key: int) -> list[list[tuple[int, bool]]]:
    """Every arm for every number of points."""
    return [[calls(arm, chosen[arm], n, config.budget, key) for n in config.points] for arm in ARMS]


def run(config: Config, rng: np.random.Generator | None = None, workers: int = 1) -> Result:
    """Tune every arm, then run all of them on fresh seeds; workers change nothing but the time."""
    begin = time.perf_counter()
    for_tuning, for_runs = config.streams(rng, 2)
    tuning = keys(for_tuning.spawn(config.tuning_runs))
    jobs = [(arm, setting, config, tuning) for arm, grid in GRIDS.items() for setting in grid]
    costs = iter(each(cost, jobs, workers))
    tuned = {arm: tuple(next(costs) for _ in grid) for arm, grid in GRIDS.items()}
    chosen = {arm: GRIDS[arm][int(np.argmin(found))] for arm, found in tuned.items()}
    chosen["BI, told"] = chosen["BI"]
    found = np.array(each(one_seed, [(config, chosen, key) for key in keys(for_runs.spawn(config.seeds))], workers))
    return Result(config, tuned, chosen, found[..., 0], found[..., 1].astype(bool), (time.perf_counter() - begin) / 60)


def wilson(k: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    """Wilson's interval of a proportion of which k of n were seen; z = 1.96 for 95 %."""
    p, q = k / n, z * z / n
    half = z * np.sqrt(p * (1 - p) / n + q / (4 * n))
    return max(0.0, float((p + q / 2 - half) / (1 + q))), min(1.0, float((p + q / 2 + half) / (1 + q)))


@dataclass(frozen=True)
class Result:
    """Every run of every arm."""

    config: Config
    tuned: dict[str, tuple[float, ...]]  # calls for each success, a setting of GRIDS
    chosen: dict[str, dict[str, Any]]
    calls: np.ndarray  # (seeds, arms, points)
    hits: np.ndarray  # the same, bool
    minutes: float

    RULE = (
        "the claim put to the test is ours: that BI finds the best known energy more often. For each seed, the share of the "
        "numbers of points for which an arm reached it, BI less restarts and BI less hopping: each agrees if the 95 % interval of "
        "the mean over seeds is above 0, differs if it is below, and is inconclusive if 0 is in it; the whole is the worse of both"
    )

    def hits_of(self, arm: str) -> np.ndarray:
        """(seeds, points)"""
        return self.hits[:, list(ARMS).index(arm)]

    def against(self, arm: str) -> Paired:
        """That arm less BI, in points of %: below 0 where BI is ahead."""
        return paired(100 * (self.hits_of(arm).mean(axis=1) - self.hits_of("BI").mean(axis=1)))

    @property
    def verdict(self) -> str:
        """The worse of BI against restarts and against hopping."""
        return min((self.against(arm).verdict for arm in ("restarts", "hopping")), key=VERDICTS.index)

    def table(self) -> str:
        """Successes and calls of every arm for every number of points."""
        c = self.config
        lines = [
            f"Runs that reach the best known energy of N electrons within {c.budget} calls of the gradient, of {c.seeds};",
            "[Wilson's 95 % interval, %], and the median calls of the runs that did.",
            "",
            f"{'N':>4}" + "".join(f"{arm:^25}" for arm in ARMS).rstrip(),
        ]
        for k, n in enumerate(c.points):
            cells = []
            for j, _ in enumerate(ARMS):
                hit, used = self.hits[:, j, k], self.calls[:, j, k]
                low, high = wilson(int(hit.sum()), c.seeds)
                median = f"{np.median(used[hit]):.0f}" if hit.any() else "–"
                cells.append(f"{hit.sum():>5}/{c.seeds:<3}{f'[{100 * low:.0f}, {100 * high:.0f}]':<10}{median:>5}  ")
            lines.append(f"{n:>4}" + "".join(cells).rstrip())
        lines.append("")
        for arm in ("restarts", "hopping", "BI, told"):
            d = self.against(arm)
            shown = "shown only" if arm == "BI, told" else d.verdict
            low, high = -d.high + 0.0, -d.low + 0.0
            lines.append(
                f"BI less {arm + ':':<10} {-d.mean + 0.0:+.1f} ± {d.error:.1f} [{low:+.1f}, {high:+.1f}] % of runs; "
                f"ahead in {d.wins} seeds, behind in {d.losses}: {shown}"
            )
        lines += ["", "Settings chosen, and their cost, calls for each success in tuning:"]
        for arm, found in self.tuned.items():
            setting = ", ".join(f"{name} {value}" for name, value in self.chosen[arm].items())
            rest = f"median of the grid {np.median(found):.0f}, worst {max(found):.0f}"
            lines.append(f"  {arm:<9} {setting:<34} {min(found):>5.0f}; {rest}")
        remarks: tuple[str, ...] = (
            f"Tuning: {len(GRIDS['BI'])} settings of each arm, {c.tuning_runs} runs for N = {', '.join(map(str, c.tuned_on))}, "
            "other seeds than those shown; grids made after trials. size in units of √(4π/N); extra: energy a point: where a "
            "setting has it, BI starts from the lowest minimum; h: of the log leapfrog.",
            "All arms descend by the same L-BFGS, and its calls count as those of the motion do. BI's offset is the proven lower "
            "bound; told: 1e-5 below the best known energy. Reached: within 1e-6 of it, relatively.",
        )
        if c == Config():
            remarks += ("Run three times, with more and more runs to tune all arms by: the first two, of 10, were inconclusive.",)
        return "\n".join([*lines, "", *footer(c, self.minutes, self.RULE, self.verdict, *remarks, random="starts for each N")])

    def to_json(self) -> str:
        """Settings, versions, and calls and success of every run."""
        points = list(enumerate(self.config.points))
        runs = {
            arm: [{"points": n, "calls": self.calls[:, j, k], "reached": self.hits[:, j, k]} for k, n in points]
            for j, arm in enumerate(ARMS)
        }
        tuned = {arm: [{"setting": s, "cost": v} for s, v in zip(GRIDS[arm], self.tuned[arm], strict=True)] for arm in GRIDS}
        against = {arm: self.against(arm)._asdict() for arm in ("restarts", "hopping", "BI, told")}
        found = {"tuned": tuned, "chosen": self.chosen, "less_BI": against, "runs": runs}
        return as_json("bi-thomson", self.config, self.minutes, self.RULE, self.verdict, **found)

    def figures(self) -> dict[str, Figure]:
        """By name: successes."""
        return {"success": self.plot()}

    def plot(self) -> Figure:
        """Share of successes against N; and against calls for the two largest N."""
        from matplotlib.figure import Figure

        c, last = self.config, list(range(len(self.config.points)))[-2:]
        figure = Figure(figsize=(12.5, 4.4), layout="constrained")
        panels = figure.subplots(1, 1 + len(last), width_ratios=[1.5] + [1] * len(last), squeeze=False)[0]
        style = {
            "restarts": {"color": "0.45", "marker": "s"},
            "hopping": {"color": OTHER, "marker": "^"},
            "BI": {"color": OURS, "marker": "o"},
            "BI, told": {"color": "#8fb3d9", "marker": "D"},
        }
        x = np.arange(len(c.points))
        for j, arm in enumerate(ARMS):
            share = self.hits[:, j].mean(axis=0)
            ends = np.array([wilson(int(k), c.seeds) for k in self.hits[:, j].sum(axis=0)])
            reach = np.abs(ends.T - share)
            at = x + 0.16 * (j - 1.5)
            panels[0].errorbar(at, 100 * share, yerr=100 * reach, linestyle="", ms=6, capsize=3, lw=1.6, label=arm, **style[arm])
            for axes, k in zip(panels[1:], last, strict=True):
                used = np.sort(self.calls[self.hits[:, j, k], j, k])
                steps = np.arange(len(used) + 1) * 100 / c.seeds
                ends_at = np.concatenate([[0], used, [c.budget]])
                axes.step(ends_at, [*steps, steps[-1]], where="post", color=style[arm]["color"], lw=1.8)
        panels[0].set_xticks(x, [str(n) for n in c.points])
        panels[0].set(xlabel="electrons N", ylabel=f"runs that reach the best known energy, % of {c.seeds}", ylim=(-4, 104))
        panels[0].set_title(f"within {c.budget} calls of the gradient; 95 % intervals", fontsize=10.5)
        panels[0].legend(frameon=False, loc="lower left")
        for axes, k in zip(panels[1:], last, strict=True):
            axes.set(xlabel="calls of the gradient", ylim=(-4, 104), xlim=(0, c.budget))
            axes.set_title(f"N = {c.points[k]}", fontsize=10.5)
        for axes in panels:
            axes.spines[["top", "right"]].set_visible(False)
            axes.grid(axis="y", color="0.92")
            axes.set_axisbelow(True)
        figure.suptitle("Electrons on a sphere: motion at conserved energy against restarts and basin hopping", fontsize=12.5)
        return figure
