"""Where the motion spends its time, `refimpl reproduce bi-measure`: samples of trajectories against the microcanonical measure.

Many trajectories start at one point in random directions, are turned at random now and then, and only the last state of each is
kept: so many independent points, whose density is known in closed form, and which wrong densities do not fit. By parts: a double
well in the plane, ten dimensions, a box with walls, and a product of two spheres. The last two go beyond the paper.

    samples       how trajectories are made: c of K_c in units of E, the step, and how they are turned
    density       what they are compared with: the clock in which they should be uniform, or a mistake in it
    right         whether theory says that it is theirs
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from refimpl.doors import whole
from refimpl.experiments.born_infeld.outcome import Seeds, as_json, footer
from refimpl.experiments.pictures import OTHER, OURS
from refimpl.experiments.processes import each
from refimpl.manifolds import box, spheres
from refimpl.papers.born_infeld import (
    bbi_rows,
    bounce_rows,
    cube_moment,
    isotropic_moment,
    leapfrog_rows,
    log_density,
    momentum_squared,
    start_rows,
    time_factor,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

E2, E10, E4 = 2.0, 4.0, 2.0  # energies in the plane, in ten dimensions, on two spheres (four dimensions)
LOW, HIGH = np.array([-1.25, -0.5]), np.array([0.75, 0.6])  # walls of the box, which cut both wells
AREA = (-2.0, 2.0, -2.0, 2.0)  # holds all of V < E
BINS, FINE = (10, 10), 6  # of AREA; a bin has so many fine ones a side, for the picture
BOX_BINS = (8, 6)
WELL_START, BALL_START = np.array([0.2, 0.1]), 1.0


# ---- potentials, of rows
def double_well(x):
    """V = 0.45 + 0.8 (x² − 1)² + 0.25 x + 0.9 y² (1 + x/2)² + 0.3 y²."""
    X, Y = x[..., 0], x[..., 1]
    a, b = X * X - 1, 1 + 0.5 * X
    V = 0.45 + 0.8 * a * a + 0.25 * X + 0.9 * (Y * b) ** 2 + 0.3 * Y * Y
    return V, np.stack([3.2 * X * a + 0.25 + 0.9 * Y * Y * b, 1.8 * Y * b * b + 0.6 * Y], axis=-1)


def ball(x):
    """V = 0.2 + r²/2."""
    return 0.2 + 0.5 * np.sum(x * x, axis=-1), x


def pair(x):
    """V = 1.3 + x₁·x₂ of two points on the sphere in three dimensions."""
    return 1.3 + np.sum(x[..., :3] * x[..., 3:], axis=-1), np.concatenate([x[..., 3:], x[..., :3]], axis=-1)


# ---- trajectories
class Walk(NamedTuple):
    """How trajectories in the double well are made."""

    h: float = 0.05
    c: float = 1.0  # of K_c, in units of E
    bounce: str | None = "isotropic"  # "cube", as released, "uncentred", a cube from 0 to 1, or None
    walls: bool = False
    bbi: bool = False  # the paper's update, not symplectic, of physical time


WALKS = {
    "isotropic bounces, c = E": Walk(),
    "isotropic bounces, c = 3E": Walk(h=0.1, c=3.0),
    "cube bounces, as released": Walk(bounce="cube"),
    "bounces from [0, 1]²": Walk(bounce="uncentred"),
    "no bounces": Walk(bounce=None),
    "BBI steps": Walk(h=0.05, bbi=True),
    "in a box with walls": Walk(h=0.05, walls=True),
}


def turned(state, rng, kind, space=None):
    """A random direction for every row; the mistakes are that of the released code, and one of centring."""
    if kind == "uncentred":
        z = rng.uniform(size=state.pi.shape)
        size = np.sqrt(np.sum(state.pi**2, axis=1) / np.sum(z * z, axis=1))
        return state._replace(pi=np.asfortranarray(z * size[:, None]))
    return bounce_rows(state, rng, space=space, as_released=kind == "cube")


def on_shell(state):
    """π scaled so that H = E, where V < E: walls that fold a step take from the energy or add to it."""
    q, target = np.sum(state.pi**2, axis=1), momentum_squared(state.V, state.E, state.E - state.V)
    return state._replace(pi=np.asfortranarray(state.pi * np.sqrt(np.where(target > 0, target / q, 1.0))[:, None]))


def walked(walk: Walk, config: Config, rng) -> tuple[np.ndarray, np.ndarray]:
    """Last points (trajectories, 2) in the double well, and their potential."""
    space = box(LOW, HIGH) if walk.walls else None
    theta = np.tile(WELL_START, (config.trajectories, 1))
    state = start_rows(double_well, theta, 0.0, E2 - float(double_well(WELL_START)[0]), rng=rng, space=space)
    for k in range(config.steps):
        if walk.bounce and k % 20 == 0:
            state = turned(state, rng, walk.bounce)
            state = on_shell(state) if walk.walls else state
        if walk.bbi:
            state = bbi_rows(double_well, state, walk.h)
        else:
            state = leapfrog_rows(double_well, state, walk.h, c=walk.c * E2, space=space)
    return state.theta, state.V


def rolled(objective, theta, E, config, rng, every, space=None):
    """Last points of trajectories from the rows theta, with isotropic bounces."""
    state = start_rows(objective, theta, 0.0, E - float(objective(theta)[0][0]), rng=rng, space=space)
    for k in range(config.steps):
        if k % every == 0:
            state = bounce_rows(state, rng, space=space)
        state = leapfrog_rows(objective, state, 0.05, space=space)
    return state.theta


# ---- densities
def clock_density(V, E, n, clock, c=1.0):
    """exp of log_density, and two mistakes: V and E exchanged in the density of t; an exponent of p other than n − 2, in s."""
    if clock == "V/E for E/V":
        return np.where((V > 0) & (V < E), V / E, 0.0) * np.exp(log_density(V, E, n, "tau"))
    return np.exp(log_density(V, E, n, clock, c * E if clock == "s" else None))


def cells(clock, c=1.0, low=AREA[::2], high=AREA[1::2], bins=BINS, points=60):
    """Probability of each bin: midpoints, points² a bin. The density jumps at V = E, which adds 0.002 to χ² of 20,000 points."""
    edges = [np.linspace(a, b, points * k + 1) for a, b, k in zip(low, high, bins, strict=True)]
    X, Y = np.meshgrid(*[(e[1:] + e[:-1]) / 2 for e in edges], indexing="ij")
    density = clock_density(double_well(np.stack([X, Y], axis=-1))[0], E2, 2, clock, c)
    p = density.reshape(bins[0], points, bins[1], points).sum(axis=(1, 3))
    return p / p.sum()


def chi_square(counts: np.ndarray, p: np.ndarray) -> tuple[float, int, float]:
    """χ², degrees of freedom, and p, of counts against probabilities; bins with fewer than 5 expected are taken together."""
    from scipy.stats import chi2

    expected, counts = p.ravel() * counts.sum(), counts.ravel()
    enough = expected >= 5
    expected = np.append(expected[enough], expected[~enough].sum())
    counts = np.append(counts[enough], counts[~enough].sum())
    if expected[-1] < 5:  # not enough for a bin of its own
        expected[-2:], counts[-2:] = (expected[-2] + expected[-1], 0), (counts[-2] + counts[-1], 0)
        expected, counts = expected[:-1], counts[:-1]
    value = float(np.sum((counts - expected) ** 2 / expected))
    return value, len(counts) - 1, float(chi2.sf(value, len(counts) - 1))


def radial(exponent):
    """Density of r in ten dimensions with that exponent of p: grid, density."""
    r = np.linspace(0, np.sqrt(2 * (E10 - 0.2)), 20001)
    V = 0.2 + 0.5 * r * r
    p2 = np.maximum(0, (E10 - V) * (E10 + V) / V)
    density = r**9 * (E10 + p2) * p2 ** (exponent / 2)
    return r, density


def cosine(n):
    """Density of x₁·x₂ for two points on the sphere, if the manifold had n dimensions; uniform where nothing moves them."""
    t = np.linspace(-1, E4 - 1.3, 20001)[:-1]
    return t, clock_density(1.3 + t, E4, n, "s")


def kolmogorov(x, grid, density):
    """√n D, no degrees of freedom, and p: Kolmogorov and Smirnov's test of x against a density on a grid."""
    from scipy.stats import kstest

    F = np.concatenate([[0], np.cumsum((density[1:] + density[:-1]) / 2 * np.diff(grid))])
    test = kstest(x, lambda v: np.interp(v, grid, F / F[-1]))
    return float(np.sqrt(len(x)) * test.statistic), None, float(test.pvalue)


# ---- the run
@dataclass(frozen=True)
class Config(Seeds):
    """Trajectories of each part, and their length. In ten dimensions a fifth as many."""

    seeds: int = 2
    trajectories: int = 20000
    steps: int = 3000

    def __post_init__(self):
        super().__post_init__()
        whole("trajectories", self.trajectories, 500)
        whole("steps", self.steps, 100)


QUICK = Config(seeds=1, trajectories=3000, steps=2000)

PARTS = (*WALKS, "ten dimensions", "two spheres")


def sampled(part: str, config: Config, stream: np.random.SeedSequence) -> tuple[list[tuple], np.ndarray]:
    """The tests of one part, (density, right, statistic, degrees, p), and counts for its picture."""
    rng = np.random.default_rng(stream)
    if part == "ten dimensions":
        start = np.zeros((max(100, config.trajectories // 5), 10))
        start[:, 0] = BALL_START
        r = np.sqrt(np.sum(rolled(ball, start, E10, config, rng, 10) ** 2, axis=1))
        names = {8: "s, exponent n − 2", 7: "exponent n − 3", 9: "exponent n − 1", 10: "exponent n"}
        return [(name, e == 8, *kolmogorov(r, *radial(e))) for e, name in names.items()], np.histogram(r, 40, (0, 2.8))[0]
    if part == "two spheres":
        start = np.tile([1.0, 0, 0, 0, 1, 0], (config.trajectories, 1))
        x = rolled(pair, start, E4, config, rng, 10, spheres(2, 3))
        t = np.sum(x[:, :3] * x[:, 3:], axis=1)
        names = {4: "s, n = 4, the dimension", 6: "n = 6, the coordinates", 3: "n = 3", 5: "n = 5"}
        return [(name, n == 4, *kolmogorov(t, *cosine(n))) for n, name in names.items()], np.histogram(t, 34, (-1, 0.7))[0]
    walk = WALKS[part]
    x, V = walked(walk, config, rng)
    if walk.walls:
        inside = histogram(x, BOX_BINS, (LOW[0], HIGH[0], LOW[1], HIGH[1]))
        return [(k, k == "s", *chi_square(inside, cells(k, 1.0, LOW, HIGH, BOX_BINS))) for k in ("s", "tau")], inside
    fine = histogram(x)
    counts = coarse(fine)
    if walk.bbi:
        return [("t", None, *chi_square(counts, cells("t")))], fine
    tests: list[tuple] = [("s", walk.bounce == "isotropic", *chi_square(counts, cells("s", walk.c)))]
    if walk.bounce == "isotropic":
        tests.append(("t", False if walk.c == 3 else None, *chi_square(counts, cells("t"))))
    if part == "isotropic bounces, c = E":
        kept = coarse(histogram(x[rng.uniform(size=len(x)) < time_factor(V / E2, walk.c)]))
        tests.append(("t, thinned by dt/ds", True, *chi_square(kept, cells("t"))))
        tests.append(("s, thinned by dt/ds", None, *chi_square(kept, cells("s"))))
        tests += [(name, False, *chi_square(counts, cells(name))) for name in ("tau", "V/E for E/V")]
    return tests, fine


def histogram(x, bins=(FINE * BINS[0], FINE * BINS[1]), area=AREA):
    """Counts of the points x (k, 2), by default in the fine bins."""
    return np.histogram2d(x[:, 0], x[:, 1], list(bins), [area[:2], area[2:]])[0]


def coarse(fine):
    """Counts of the bins."""
    return fine.reshape(BINS[0], FINE, BINS[1], FINE).sum(axis=(1, 3))


def moments(stream: np.random.SeedSequence, draws: int = 200000) -> list[dict[str, Any]]:
    """Σ u_i⁴ of directions of bounces in several dimensions, beside what it should be: isotropic, and as released."""
    rng, rows = np.random.default_rng(stream), []
    for n in (2, 3, 10, 100):
        k = draws // n
        state = start_rows(ball, np.eye(1, n).repeat(k, axis=0), 0.0, 1.0, rng=rng)
        for kind, exact in (("isotropic", isotropic_moment(n)), ("cube", cube_moment(n))):
            u = turned(state, rng, kind).pi
            m = np.sum(u**4, axis=1) / np.sum(u * u, axis=1) ** 2
            rows.append({"n": n, "bounce": kind, "mean": float(m.mean()), "error": float(m.std(ddof=1) / k**0.5), "exact": exact})
    return rows


@dataclass(frozen=True)
class Row:
    """One density against one set of samples."""

    part: str
    density: str
    right: bool | None  # None: shown only
    statistic: tuple[float, ...]  # χ² or √n D, one a seed
    degrees: tuple[int | None, ...]
    p: tuple[float, ...]

    @property
    def as_expected(self) -> bool:
        """Accepted at p > 1e-4 where it is right, rejected at p < 1e-8 where it is wrong, by every seed."""
        return self.right is None or all(p > 1e-4 if self.right else p < 1e-8 for p in self.p)


def run(config: Config, rng: np.random.Generator | None = None, workers: int = 1) -> Result:
    """Every part for every seed; workers change nothing but the time."""
    start = time.perf_counter()
    streams = [stream.spawn(len(PARTS) + 1) for stream in config.streams(rng)]
    jobs = [(part, config, own[k]) for own in streams for k, part in enumerate(PARTS)]
    found = iter(each(sampled, jobs, workers))
    by_seed = [[next(found) for _ in PARTS] for _ in streams]
    rows = []
    for k, part in enumerate(PARTS):
        for j, (density, right, *_) in enumerate(by_seed[0][k][0]):
            tests = [seed[k][0][j][2:] for seed in by_seed]
            rows.append(Row(part, density, right, *(tuple(values) for values in zip(*tests, strict=True))))
    counts = {part: sum(seed[k][1] for seed in by_seed) for k, part in enumerate(PARTS)}
    return Result(config, tuple(rows), tuple(moments(own[-1]) for own in streams), counts, (time.perf_counter() - start) / 60)


@dataclass(frozen=True)
class Result:
    """All tests, the moments of bounces, and counts for the pictures (not in the JSON)."""

    config: Config
    rows: tuple[Row, ...]
    moments: tuple[list[dict[str, Any]], ...]  # one list a seed
    counts: dict[str, np.ndarray]  # of all seeds together
    minutes: float

    RULE = (
        "agrees if every right density has p > 1e-4 and every wrong one p < 1e-8, for every seed, and Σu⁴ of bounces is within 5 "
        "standard errors of its value; differs if a right one or a moment fails; inconclusive if only a wrong one is not rejected"
    )

    @property
    def moments_hold(self) -> bool:
        """Are all within 5 standard errors?"""
        return all(abs(m["mean"] - m["exact"]) <= 5 * m["error"] for seed in self.moments for m in seed)

    @property
    def verdict(self) -> str:
        """By RULE."""
        if not self.moments_hold or not all(r.as_expected for r in self.rows if r.right):
            return "differs"
        return "agrees" if all(r.as_expected for r in self.rows) else "inconclusive"

    def table(self) -> str:
        """Statistic and p of every density for every seed; then the bounces."""
        c, word = self.config, {True: "right", False: "wrong", None: "shown"}
        seeds = range(min(c.seeds, 3))  # as many as a line holds
        lines = [
            f"Last points of {c.trajectories} trajectories of {c.steps} steps ({max(100, c.trajectories // 5)} in ten dimensions)",
            "against densities: χ²/degrees of freedom, or √n D of Kolmogorov and Smirnov, and (p).",
            "",
            f"{'samples':<27}{'density':<25}{'':<8}" + "".join(f"{f'seed {k + 1}':<24}" for k in seeds).rstrip(),
        ]
        before = ""
        for r in self.rows:
            cells = []
            for k in seeds:
                value = f"{r.statistic[k]:.1f}/{r.degrees[k]}" if r.degrees[k] else f"{r.statistic[k]:.2f}"
                cells.append(f"{f'{value} ({readable(r.p[k])})':<24}")
            end = "" if r.as_expected else "!"
            lines.append(f"{r.part if r.part != before else '':<27}{r.density:<25}{word[r.right]:<8}{''.join(cells)}{end}".rstrip())
            before = r.part
        lines += ["", f"{'Σu⁴ of bounces':<27}{'n':>4}{'isotropic':>22}{'exact':>10}{'as released':>22}{'exact':>10}   (seed 1)"]
        first = self.moments[0]
        for iso, cube in zip(first[::2], first[1::2], strict=True):
            means = [f"{m['mean']:.5f} ± {m['error']:.5f}" for m in (iso, cube)]
            cells = [f"{mean:>22}{m['exact']:>10.5f}" for mean, m in zip(means, (iso, cube), strict=True)]
            lines.append(f"{'':<27}{iso['n']:>4}{''.join(cells)}")
        remarks = (
            "s: density of states at equal steps of K_c; t: of physical time; tau: with dt/dτ forgotten. The double well in "
            "the plane, but for the last two. With c = E, t is too close to s to be told from it by so many points, so it is shown "
            "only; with c = 3E it is not. BBI's steps are of physical time, but not symplectic: what they sample is known to the "
            "order of the step. Thinned: each point kept with probability dt/ds. !: not as it should be.",
            "Walls fold the drift, and the energy is set again at every bounce. On the spheres n is the dimension of the manifold.",
        )
        return "\n".join([*lines, "", *footer(c, self.minutes, self.RULE, self.verdict, *remarks, random="samples")])

    def to_json(self) -> str:
        """Settings, versions, and every test."""
        rows = [vars(r) | {"as_expected": r.as_expected} for r in self.rows]
        found = {"rows": rows, "moments": list(self.moments)}
        return as_json("bi-measure", self.config, self.minutes, self.RULE, self.verdict, **found)

    def figures(self) -> dict[str, Figure]:
        """By name: samples beside densities."""
        return {"densities": self.plot()}

    def plot(self) -> Figure:
        """Above the double well: samples, density, residuals. Below: ten dimensions, two spheres, residuals in the box."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(12.5, 7.6), layout="constrained")
        axes = figure.subplots(2, 3)
        fine = self.counts["isotropic bounces, c = E"]
        p = cells("s", bins=tuple(FINE * k for k in BINS), points=40)
        expected = p * fine.sum()
        top = float(expected.max())
        shared: dict[str, Any] = {"origin": "lower", "extent": AREA, "aspect": "equal"}
        for a, values, title in ((axes[0, 0], fine, "samples"), (axes[0, 1], expected, "density, by quadrature")):
            image = a.imshow(np.where(values > 0, values, np.nan).T, cmap="cividis", vmin=0, vmax=1.1 * top, **shared)
            a.set_title(f"double well: {title}", fontsize=10.5)
        figure.colorbar(image, ax=list(axes[0, :2]), label="points in a cell", shrink=0.85)
        self.residuals(figure, axes[0, 2], coarse(fine), cells("s"), AREA, "double well: residuals")
        walls = (LOW[0], HIGH[0], LOW[1], HIGH[1])
        inside = self.counts["in a box with walls"]
        self.residuals(figure, axes[1, 2], inside, cells("s", 1.0, LOW, HIGH, BOX_BINS), walls, "box with walls: residuals")
        radii = {7: "n − 3", 8: "n − 2", 9: "n − 1", 10: "n"}
        lines = {name: (*radial(e), colour) for (e, name), colour in zip(radii.items(), SHADES, strict=True)}
        bars(axes[1, 0], self.counts["ten dimensions"], (0, 2.8), lines)
        axes[1, 0].set(xlabel="r", ylabel="density", xlim=(0.3, 2.8))
        axes[1, 0].set_title("ten dimensions: radius, exponents of p", fontsize=10.5)
        lines = {f"n = {n}": (*cosine(n), colour) for n, colour in zip((3, 4, 5, 6), SHADES, strict=True)}
        bars(axes[1, 1], self.counts["two spheres"], (-1, 0.7), lines)
        axes[1, 1].set(xlabel="x₁ · x₂", ylabel="density", xlim=(-1, 0.7), yscale="log", ylim=(3e-3, 12), xticks=[-1, -0.5, 0, 0.5])
        axes[1, 1].set_title("two points on spheres, four dimensions", fontsize=10.5)
        figure.suptitle("Where the motion spends its time: samples against the microcanonical measure", fontsize=12.5)
        return figure

    def residuals(self, figure, axes, counts, p, extent, title):
        """(count − expected)/√expected of the bins with at least 5 expected: normal where the density is right."""
        expected = p * counts.sum()
        z = np.where(expected >= 5, (counts - expected) / np.sqrt(np.maximum(expected, 1e-9)), np.nan)
        image = axes.imshow(z.T, cmap="RdBu_r", vmin=-4, vmax=4, origin="lower", extent=extent, aspect="equal")
        axes.set_title(title, fontsize=10.5)
        figure.colorbar(image, ax=axes, label="(count − expected)/√expected", shrink=0.85)


SHADES = ("#e0a458", OURS, OTHER, "0.55")  # of four densities; the second is right


def bars(axes, counts, reach, densities):
    """A histogram, and densities (grid, values, colour) over it."""
    edges = np.linspace(reach[0], reach[1], len(counts) + 1)
    axes.stairs(counts / counts.sum() / np.diff(edges), edges, fill=True, color="0.82", label="samples")
    for name, (x, y, colour) in densities.items():
        area = np.sum((y[1:] + y[:-1]) / 2 * np.diff(x))
        axes.plot(x, y / area, color=colour, lw=2 if colour == OURS else 1.3, label=f"{name}, right" if colour == OURS else name)
    axes.legend(frameon=False, fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)


def readable(p: float) -> str:
    """A probability, short."""
    return f"{p:.2f}" if p >= 0.01 else f"{p:.0e}" if p > 1e-300 else "0"
