"""The Thomson problem, `refimpl reproduce thomson`: electrons on a sphere, found by the energy and gradient of the paper.

Minimal energies for s = 1, 0 and 2 beside the tables, each with its proven lower bound, the number of starts and how many of them
found it; the trap for 42 points; and the spheres, drawn as their Voronoi cells. These are X6 and X8 in the list of experiments on
the paper, docs/reproductions.md.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from refimpl.experiments import VERDICTS
from refimpl.experiments.processes import each
from refimpl.papers.hyperspherical_energy.configurations import caspar_klug
from refimpl.papers.hyperspherical_energy.energy import energy_hessian_vector
from refimpl.papers.hyperspherical_energy.limits import growth_of_minimum, lower_bound
from refimpl.papers.hyperspherical_energy.minimise import minimise_energy
from refimpl.papers.hyperspherical_energy.tables import CASPAR_KLUG, INVERSE_SQUARE, LOGARITHMIC, THOMSON
from refimpl.report.table import versions

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TABLES = {1.0: THOMSON, 0.0: LOGARITHMIC, 2.0: INVERSE_SQUARE}
TITLES = {1.0: "s = 1, Thomson's problem", 0.0: "s = 0, the logarithmic energy", 2.0: "s = 2"}


@dataclass(frozen=True)
class Config:
    """Every n of the tables; random starts for each. Points of Caspar and Klug are one more start where there are such."""

    thomson: tuple[int, ...] = tuple(THOMSON.energies)
    logarithmic: tuple[int, ...] = tuple(LOGARITHMIC.energies)
    inverse_square: tuple[int, ...] = tuple(INVERSE_SQUARE.energies)
    restarts: int = 20
    trap_starts: int = 100  # random starts for the histogram of n = 42
    seed: int = 0

    def with_seeds(self, seeds: int) -> Config:
        """The same with that many random starts for each n."""
        return replace(self, restarts=seeds)


QUICK = Config(
    thomson=(*range(2, 13), 16, 20, 24, 32, 42, 50, 72, 122, 192),
    logarithmic=(5, 7, 12),
    inverse_square=(5, 7, 12),
    restarts=8,
    trap_starts=40,
)


@dataclass(frozen=True)
class Row:
    """One minimum beside the table. Energies count each pair once."""

    s: float
    n: int
    ours: float
    table: float
    lower_bound: float  # proven
    proven: bool  # whether the table's value is a theorem
    starts: int
    hits: int  # of them ended at our value
    seconds: float  # processor time of all starts
    gradient: float
    verdict: str
    why: str


@dataclass(frozen=True)
class Trap:
    """The minimum for n = 42 that descent from the Caspar-Klug points falls into."""

    ours: float
    table: float  # its published energy
    best: float  # best known for 42 points
    zero_modes: int
    lowest_mode: float  # smallest other eigenvalue of the Hessian, each pair counted once; > 0: a strict minimum
    ends: tuple[float, ...]  # energies that random starts end in
    verdict: str
    why: str


def compare(ours: float, table: float, converged: bool, starts: int) -> tuple[str, str]:
    """Verdict and reason. Tolerance: 1e-8, or 1e-10 of the energy; tables are rounded to 5e-10 and minima converge to 1e-12."""
    difference = ours - table
    if abs(difference) <= max(1e-8, 1e-10 * abs(table)):
        return "agrees", ""
    if difference < 0:
        return "differs", f"lower than the table by {-difference:.1e}"
    if not converged:
        return "inconclusive", f"the search stopped {difference:.1e} above the table, before it converged"
    return "not reproduced", f"the best of {starts} starts is {difference:.1e} above the table; more starts may find it"


def search(s: float, n: int, restarts: int, rng: np.random.Generator) -> tuple[Row, np.ndarray]:
    """One row of the table, and the points."""
    start = time.process_time()
    found = minimise_energy(n, 3, s, rng, restarts)
    seconds, starts = time.process_time() - start, len(found.energies)
    table = TABLES[s].energies[n]
    verdict, why = compare(found.energy, table, found.success, starts)
    proven = n in TABLES[s].proven
    row = Row(s, n, found.energy, table, found.lower_bound, proven, starts, found.hits, seconds, found.gradient_norm, verdict, why)
    return row, found.points


def spring_trap(starts: int, rng: np.random.Generator) -> tuple[Trap, np.ndarray]:
    """Descent from the Caspar-Klug points for n = 42, the Hessian where it ends, and where random starts end."""
    n, table, _ = CASPAR_KLUG[2, 0]
    found = minimise_energy(n, 3, 1.0, restarts=0, start=caspar_klug(2, 0))
    ends = tuple(float(E) for E in minimise_energy(n, 3, 1.0, rng, starts, start=found.points).energies[1:])
    unit = np.eye(3 * n).reshape(-1, n, 3)
    H = np.array([energy_hessian_vector(found.points, e, 1.0, reduction="sum_unordered").ravel() for e in unit])
    modes = np.linalg.eigvalsh((H + H.T) / 2)
    zero = int(np.sum(np.abs(modes) < 1e-6))
    verdict, why = compare(found.energy, table, found.success, 1)
    if verdict == "agrees" and not (zero == n + 3 and modes[0] > -1e-6):
        verdict, why = "differs", f"{zero} zero modes for {n + 3}, lowest mode {modes[0]:.1e}: not a strict minimum"
    return Trap(found.energy, table, THOMSON.energies[n], zero, float(modes[zero]), ends, verdict, why), found.points


def run(config: Config, rng: np.random.Generator | None = None, workers: int = 1) -> Result:
    """Search every minimum of the config. Each has its own stream of random numbers, so workers change nothing but the time."""
    start = time.perf_counter()
    jobs = [(s, n) for s, ns in ((1.0, config.thomson), (0.0, config.logarithmic), (2.0, config.inverse_square)) for n in ns]
    *rngs, last = (np.random.default_rng(config.seed) if rng is None else rng).spawn(len(jobs) + 1)
    found = each(search, [(s, n, config.restarts, r) for (s, n), r in zip(jobs, rngs, strict=True)], workers)
    trap, trapped = spring_trap(config.trap_starts, last)
    points = {(row.s, row.n): U for row, U in found}
    return Result(config, tuple(row for row, _ in found), trap, points, trapped, (time.perf_counter() - start) / 60)


def because(part: Row | Trap) -> str:
    """Verdict and reason."""
    return f"{part.verdict}: {part.why}" if part.why else part.verdict


@dataclass(frozen=True)
class Result:
    """The table, the trap, and the points (not in the JSON)."""

    config: Config
    rows: tuple[Row, ...]
    trap: Trap
    points: dict[tuple[float, int], np.ndarray]  # (s, n): (n, 3)
    trapped: np.ndarray  # (42, 3)
    minutes: float

    @property
    def verdict(self) -> str:
        """The worst of the rows' verdicts and the trap's."""
        return min((*(r.verdict for r in self.rows), self.trap.verdict), key=VERDICTS.index)

    def table(self) -> str:
        """Ours beside the tables, as text."""
        lines = []
        for s, published in TABLES.items():
            rows = [r for r in self.rows if r.s == s]
            if not rows:
                continue
            head = ("N", "ours", "table", "", "difference", "lower bound", "hits", "CPU s", "verdict")
            lines += [f"{TITLES[s]}. Table: {published.source}.", ""]
            lines += ["{:>4} {:>18} {:>16} {:<10} {:>11} {:>16} {:>7} {:>6}  {}".format(*head)]
            for r in rows:
                known, hits = "proven" if r.proven else "best known", f"{r.hits}/{r.starts}"
                lines.append(
                    f"{r.n:>4} {r.ours:>18.9f} {r.table:>16.{published.decimals}f} {known:<10} {r.ours - r.table:>+11.1e} "
                    f"{r.lower_bound:>16.9f} {hits:>7} {r.seconds:>6.2f}  {because(r)}"
                )
            lines.append("")
        t = self.trap
        count = {v: sum(r.verdict == v for r in self.rows) for v in reversed(VERDICTS)}
        counts = [f"{n} {'agree' if v == 'agrees' else v}" for v, n in count.items() if n]
        return "\n".join(
            [
                *lines,
                f"The trap, N = 42 from the Caspar-Klug points: {t.ours:.9f} (table {t.table:.9f}), above the best known by",
                f"{t.ours - t.best:.3f}; {t.zero_modes} zero modes (42 lengths, 3 rotations), the next {t.lowest_mode:.2f}.",
                f"{because(t)}",
                "",
                "Energies count each pair of points once; the paper's sum counts it twice. hits: starts that ended at the energy",
                "found. lower bound: no N points have less (a theorem). CPU s: of all starts together.",
                f"Seed {self.config.seed}, {self.config.restarts} random starts, and the Caspar-Klug points where there are such; "
                f"{self.minutes:.1f} minutes.",
                "Decision, fixed before the run: a minimum agrees if it is the table's to 1e-8 or 1e-10 of it, differs if it is",
                "lower, and is not reproduced if the search stays above; the trap agrees if it is also a strict minimum.",
                f"{len(self.rows)} minima: {', '.join(counts)}. Verdict: {self.verdict}.",
            ]
        )

    def to_json(self) -> str:
        """Settings, versions, rows and the trap."""
        settings = {"name": "thomson", "verdict": self.verdict, "config": asdict(self.config), "versions": versions()}
        found = {"minutes": self.minutes, "rows": [asdict(r) for r in self.rows], "trap": asdict(self.trap)}
        return json.dumps(settings | found, indent=1, ensure_ascii=False)

    def figures(self) -> dict[str, Figure]:
        """By name: the spheres, the trap, the energies against their bounds."""
        return {"spheres": self.plot(), "trap": draw_trap(self), "growth": draw_growth(self)}

    def plot(self) -> Figure:
        """The minima for s = 1 as spheres."""
        from matplotlib.figure import Figure

        shown = [n for n in (4, 5, 6, 7, 8, 12, 16, 24, 32, 50, 72, 122, 192, 272, 372) if (1.0, n) in self.points]
        columns = 5
        lines = -(-len(shown) // columns)
        height = 2.8 * lines + 1.2
        figure = Figure(figsize=(2.5 * columns, height))
        figure.subplots_adjust(left=0.01, right=0.99, top=1 - 0.7 / height, bottom=0.5 / height, wspace=0.02, hspace=0.22)
        seen: set[int] = set()
        energies = {r.n: r for r in self.rows if r.s == 1.0}
        for k, n in enumerate(shown):
            axes = figure.add_subplot(lines, columns, k + 1)
            seen |= draw_sphere(axes, self.points[1.0, n])
            axes.set_title(f"N = {n}", fontsize=11, pad=2)
            row = energies[n]
            caption = f"{row.ours:.6f}, proven" if row.proven else f"{row.ours:.6f}"
            axes.text(0, -1.16, caption, ha="center", va="top", fontsize=8, color="0.35")
        figure.suptitle("Electrons on a sphere: least Coulomb energy, cells coloured by their number of neighbours", fontsize=12)
        neighbours_legend(figure, seen)
        return figure


# ---- pictures
# by number of neighbours; 6, that of a flat lattice, recedes
COLOURS = {3: "#7a9e7e", 4: "#e3b23c", 5: "#c8553d", 6: "#cfdae3", 7: "#3a6ea5", 8: "#5b3758"}
LIGHT = np.array([-0.45, 0.55, 0.70])  # from the upper left, towards the reader


def cells(U: np.ndarray) -> list[np.ndarray]:
    """Corners of the Voronoi cell of each point on the sphere, in order; those nearer than 1e-3 to the one before count as it."""
    from scipy.spatial import SphericalVoronoi

    voronoi = SphericalVoronoi(U)
    voronoi.sort_vertices_of_regions()
    corners = [voronoi.vertices[region] for region in voronoi.regions]
    return [c[np.sqrt(np.sum((c - np.roll(c, 1, axis=0)) ** 2, axis=1)) > 1e-3] for c in corners]


def best_view(U: np.ndarray) -> np.ndarray:
    """Rotation that turns a little off the first point, so that its cell is seen whole and symmetry shows without flattening."""
    z = U[0] + 0.30 * U[np.argsort(U @ U[0])[-2]]
    z /= np.sqrt(z @ z)
    x = np.cross([0.3, 0.9, 0.3], z)
    x /= np.sqrt(x @ x)
    return np.stack([x, np.cross(z, x), z])


def draw_sphere(axes, U: np.ndarray, pixels: int = 500) -> set[int]:
    """The visible half of the sphere, from afar: pixels coloured by the cell they lie in, lit from the upper left; edges, points.

    Returns the numbers of neighbours that are seen.
    """
    from matplotlib.collections import LineCollection
    from matplotlib.colors import to_rgb

    R = best_view(U)
    U, corners = U @ R.T, [c @ R.T for c in cells(U)]
    neighbours = np.array([min(len(c), 8) for c in corners])

    x, y = np.meshgrid(np.linspace(-1, 1, pixels), np.linspace(-1, 1, pixels))
    z = np.sqrt(np.maximum(1 - x * x - y * y, 0))
    p = np.stack([x, y, z], axis=-1)
    cell = np.concatenate([np.argmax(row @ U.T, axis=1) for row in p]).reshape(pixels, pixels)
    shade = 0.66 + 0.40 * np.maximum(p @ (LIGHT / np.sqrt(LIGHT @ LIGHT)), 0)
    colours = np.array([to_rgb(COLOURS[k]) for k in neighbours])
    image = np.dstack([np.clip(shade[..., None] * colours[cell], 0, 1), np.clip((1 - np.hypot(x, y)) * pixels / 2, 0, 1)])
    axes.imshow(image, extent=(-1, 1, -1, 1), origin="lower", interpolation="bilinear")

    steps = np.linspace(0, 1, 24)[:, None]
    edges = [(1 - steps) * a + steps * b for c in corners for a, b in zip(c, np.roll(c, 1, axis=0), strict=True)]
    edges = [e / np.sqrt(np.sum(e**2, axis=1, keepdims=True)) for e in edges]
    lines = [e[e[:, 2] > 0, :2] for e in edges]
    axes.add_collection(LineCollection(lines, colors="white", linewidths=0.8 if len(U) < 150 else 0.45, capstyle="round"))
    front = U[U[:, 2] > 0.02]
    axes.scatter(front[:, 0], front[:, 1], s=26 / np.sqrt(len(U)) * (0.5 + 0.5 * front[:, 2]), c="#222222", linewidths=0, zorder=3)
    turn = np.linspace(0, 2 * np.pi, 200)
    axes.plot(np.cos(turn), np.sin(turn), color="0.45", linewidth=0.8, zorder=4)
    axes.set(xlim=(-1.08, 1.08), ylim=(-1.08, 1.08), aspect="equal")
    axes.axis("off")
    return {int(k) for k in np.unique(neighbours[np.unique(cell[x * x + y * y < 1])])}


def neighbours_legend(figure, seen):
    """One patch for each number of neighbours that occurs."""
    from matplotlib.patches import Patch

    patches = [Patch(facecolor=COLOURS[k], edgecolor="0.6", label=f"{k} neighbours") for k in sorted(seen)]
    figure.legend(handles=patches, loc="lower center", ncols=len(patches), frameon=False, fontsize=9)


def draw_trap(result: Result) -> Figure:
    """n = 42: the icosahedral local minimum, the best known, and where random starts end."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.3))
    figure.subplots_adjust(left=0.01, right=0.98, top=0.84, bottom=0.2, wspace=0.06)
    trap, seen = result.trap, set()
    pictures = [(result.trapped, "the trap: Caspar-Klug, icosahedral", trap.ours)]
    if (1.0, 42) in result.points:
        pictures.append((result.points[1.0, 42], "the best known", next(r.ours for r in result.rows if (r.s, r.n) == (1.0, 42))))
    for k, (U, title, E) in enumerate(pictures):
        axes = figure.add_subplot(1, 3, k + 1)
        seen |= draw_sphere(axes, U)
        axes.set_title(title, fontsize=10.5, pad=3)
        axes.text(0, -1.13, f"{E:.9f}", ha="center", va="top", fontsize=9, color="0.35")
    axes = figure.add_subplot(1, 3, 3)
    levels, counts = np.unique(np.round(trap.ends, 6), return_counts=True)
    axes.vlines(levels - trap.best, 0, counts, color="#3a6ea5", linewidth=3)
    axes.axvline(trap.ours - trap.best, color="#c8553d", linestyle="--", linewidth=1.4, label="the trap")
    axes.set(xlabel="energy above the best known", ylabel="random starts that end there", ylim=(0, None))
    axes.set_title(f"where {len(trap.ends)} random starts end", fontsize=10.5, pad=3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="upper center")
    box = axes.get_position()
    axes.set_position((box.x0 + 0.045, box.y0 + 0.02, box.width - 0.045, box.height - 0.02))
    figure.suptitle(f"Forty-two electrons: symmetry costs {trap.ours - trap.best:.3f}", fontsize=12)
    neighbours_legend(figure, seen)
    return figure


def draw_growth(result: Result) -> Figure:
    """(E − N²/2)/N^{3/2} for s = 1 against N: found, published, proven from below, and the conjectured limit."""
    from matplotlib.figure import Figure

    def excess(E, n):
        return (np.array(E) - np.array(n) ** 2 / 2) / np.array(n) ** 1.5

    figure = Figure(figsize=(7.5, 4.6), layout="constrained")
    axes = figure.add_subplot()
    rows = [r for r in result.rows if r.s == 1.0]
    ns = [r.n for r in rows]
    n = np.unique(np.geomspace(2, 420, 200).astype(int))
    bound = excess([lower_bound(int(k), 3, 1.0) for k in n], n)
    axes.fill_between(n, bound, -0.6, color="#c8553d", alpha=0.15, linewidth=0)
    axes.plot(n, bound, color="#c8553d", linewidth=1.4, label="no N points are below: proven")
    constant = growth_of_minimum(3, 1.0).second / 2  # each pair once
    axes.axhline(constant, color="0.35", linestyle="--", linewidth=1, label=f"N → ∞, conjectured: {constant:.5f}")
    axes.plot(ns, excess([r.table for r in rows], ns), "o", ms=7, mfc="none", mec="#3a6ea5", label="published")
    axes.plot(ns, excess([r.ours for r in rows], ns), ".", ms=4, color="#222222", label="found here")
    axes.set(xscale="log", xlabel="N", ylabel="$(E - N^2/2)\\,/\\,N^{3/2}$", ylim=(-0.562, -0.526), xlim=(1.9, 420))
    axes.set_xticks([2, 5, 12, 32, 72, 192, 372], ["2", "5", "12", "32", "72", "192", "372"])
    axes.minorticks_off()
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    axes.set_title("Thomson energies beyond their leading term", fontsize=12)
    return figure
