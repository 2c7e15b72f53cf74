"""What a ramp gains over the jump that it replaces, `refimpl reproduce existence-ramps`: laws (L1) to (L6), beside exact integrals.

Two neurons make a ramp of width |g|/T, which becomes a jump g as T grows. Where the target is continuous every centred ramp
of large T does better than its jump, by |g|³ h/(6T) summed over the jump: so no jump is optimal. Where the jump meets no
mass, as between two discs that touch, the ramps get better for ever.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

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
    Generalized,
    Law,
    disc_error,
    distance_law,
    generalized,
    generalized_response,
    loss_law,
    ramp,
    response,
    risk_law,
    shape_law,
    touching_law,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INTERVAL, SQUARE = (-1.0, 1.0), np.array([[-1.0, -1], [1, -1], [1, 1], [-1, 1]])
WORKED = generalized([-0.5], -0.3, [[1.0]], [-0.2], [[0.6]], [0.8])  # −0.3 − x/2 + 1{x > 0.2} (0.8 + 0.6x), towards sin x
# (law, measured at T = 1e4) as they were computed before; None where that was not measured
KNOWN: dict[str, tuple[float, float | None]] = {
    "(L1) distance, p = 1": (0.3152910, None),
    "(L1) distance, p = 2": (0.0966893, None),
    "(L1) distance, p = 3": (0.0333578, None),
    "(L1) distance, p = 4": (0.0122757, None),
    "(L2) centred": (-0.1933785, -0.1933646),
    "(L3) q = 0": (-0.0184937, -0.0184605),
    "(L3) q = 0.5": (-0.2085859, -0.2085764),
    "(L3) q = −1": (0.3616906, 0.3620306),
    "(L3) q = 2": (-0.7788624, -0.7784055),
    "(L4) moving the jump": (0.3801843310, None),
    "(L5) r⁴": (-0.0714137, -0.0714004),
    "(L5) |r|^1.5": (-0.2421752, -0.2421616),
    "(L5) log cosh r": (-0.0912653, -0.0912594),
}
DISCS = {10.0: 1.1855e-3, 100.0: 1.19043e-3}  # T⁵ times the error, as computed before
TARGETS: tuple[Callable[[np.ndarray], np.ndarray], ...] = (np.sin, np.exp, np.square)


def density(x: np.ndarray) -> np.ndarray:
    """h on the interval; positive everywhere."""
    return 1 + 0.5 * np.cos(x)


def density_2d(x: np.ndarray) -> np.ndarray:
    """h on the square; positive everywhere."""
    return 1 + 0.3 * x[:, 0] * x[:, 1]


def target_2d(x: np.ndarray) -> np.ndarray:
    """Continuous on the square."""
    return np.sin(2 * x[:, 0] - x[:, 1])


def log_cosh(r: np.ndarray) -> np.ndarray:
    """Without overflow."""
    return np.logaddexp(r, -r) - np.log(2)


@dataclass(frozen=True)
class Config(Seeds):
    """Seeds: random jumps on the interval, and as many on the square."""

    seeds: int = 40
    scales: tuple[float, ...] = (1e2, 3e2, 1e3, 3e3, 1e4, 3e4, 1e5)  # T
    scales_2d: tuple[float, ...] = (1e2, 3e2, 1e3, 3e3, 1e4)
    scales_discs: tuple[float, ...] = (10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)

    def __post_init__(self):
        super().__post_init__()
        for name in ("scales", "scales_2d", "scales_discs"):
            T = getattr(self, name)
            if len(T) < 3 or not all(0 < a < b for a, b in pairwise(T)):
                raise ValueError(f"{name}: expected at least three, > 0 and growing, got {T}")


QUICK = Config(seeds=6, scales=(1e3, 1e4, 1e5), scales_2d=(3e2, 1e3, 3e3), scales_discs=(10.0, 30.0, 100.0))


# ---- the measurements
def worked(T: float) -> dict[str, Law]:
    """All laws for the example whose figures are known."""
    f, where = np.sin, (INTERVAL, density)
    found = {f"(L1) distance, p = {p}": distance_law(WORKED, T, INTERVAL, p, density) for p in (1, 2, 3, 4)}
    found["(L2) centred"] = risk_law(WORKED, T, f, *where)
    found |= {f"(L3) q = {q:g}".replace("-", "−"): risk_law(WORKED, T, f, *where, q=q) for q in (0.0, 0.5, -1.0, 2.0)}
    found["(L4) moving the jump"] = shape_law(WORKED, f, *where)
    losses = {"r⁴": lambda r: r**4, "|r|^1.5": lambda r: np.abs(r) ** 1.5, "log cosh r": log_cosh}
    return found | {f"(L5) {name}": loss_law(WORKED, T, f, INTERVAL, L, density) for name, L in losses.items()}


def drawn(rng: np.random.Generator, m: int) -> Generalized:
    """A jump at least 0.1 high where it stands, across the interval (m = 1) or the square (m = 2)."""
    while True:
        angle = rng.uniform(0, 2 * np.pi)
        u = np.ones(1) if m == 1 else np.array([np.cos(angle), np.sin(angle)])
        beta, slope, offset = rng.uniform(-0.5, 0.5), rng.uniform(-2, 2, m), rng.uniform(-2, 2)
        if abs(offset - beta * slope @ u) >= 0.1:  # g at the point −βu of the jump
            return generalized(rng.uniform(-2, 2, m), rng.uniform(-2, 2), [u], [beta], [slope], [offset])


def height(G: Generalized) -> float:
    """|g| at the point of the only jump that is nearest to 0."""
    return float(abs(G.offset[0] - G.beta[0] * G.slope[0] @ G.u[0]))


def gains(stream: np.random.SeedSequence, m: int, scales: tuple[float, ...]) -> tuple[float, list[float], float, float]:
    """Of a random jump: the law (L2), T · change for each T, |g|, and the least of sup |N_T − jump| / |g| over T."""
    rng = np.random.default_rng(stream)
    G = drawn(rng, m)
    if m == 2:
        laws = [risk_law(G, T, target_2d, SQUARE, density_2d) for T in scales]
    else:
        f = TARGETS[rng.integers(len(TARGETS))]
        laws = [risk_law(G, T, f, INTERVAL, density) for T in scales]
    return laws[0].predicted, [law.measured for law in laws], height(G), min(furthest(G, T) for T in scales)


def furthest(G: Generalized, T: float) -> float:
    """sup |N_T − G| over |g|, along the normal of the jump and close to it."""
    u, at = G.u[0], -G.beta[0] * G.u[0]
    t = height(G) / T * np.concatenate([-np.geomspace(1e-9, 1, 200), np.geomspace(1e-9, 1, 200)])
    x = at + t[:, None] * u
    return float(np.abs(response(ramp(G, T), x) - generalized_response(G, x)).max() / height(G))


def slope(T: Any, deviation: Any) -> float:
    """Of log |deviation| against log T, by least squares."""
    return float(np.polyfit(np.log(T), np.log(np.abs(deviation)), 1)[0])


def run(config: Config, rng: np.random.Generator | None = None, workers: int = 1) -> Result:
    """The example, the draws on the interval and on the square, and the discs; workers change nothing but the time."""
    start = time.perf_counter()
    streams = config.streams(rng, 2 * config.seeds)
    jobs = [(s, 1, config.scales) for s in streams[: config.seeds]] + [(s, 2, config.scales_2d) for s in streams[config.seeds :]]
    found = each(gains, jobs, workers)
    one, two = (
        Draws(*(np.array(part) for part in zip(*rows, strict=True))) for rows in (found[: config.seeds], found[config.seeds :])
    )
    example = {T: worked(T) for T in (*config.scales, 1e4)}
    touching = [touching_law(WORKED, T, np.sin, 0.5) for T in (1e2, 1e3)]
    discs = np.array([T**5 * disc_error(T) for T in config.scales_discs])
    return Result(config, example, touching, one, two, discs, (time.perf_counter() - start) / 60)


@dataclass(frozen=True)
class Draws:
    """Of random jumps (seeds,): the law, T · change (seeds, scales), |g|, and the ramps' least supremum distance over |g|."""

    predicted: np.ndarray
    measured: np.ndarray
    height: np.ndarray
    supremum: np.ndarray

    def slopes(self, T: Any) -> np.ndarray:
        """Of each draw's deviation from its law."""
        return np.array([slope(T, row - law) for row, law in zip(self.measured, self.predicted, strict=True)])


@dataclass(frozen=True)
class Result:
    """The laws of the example for each T, those of the draws, and T⁵ times the error on the discs."""

    config: Config
    example: dict[float, dict[str, Law]]
    touching: list[Law]
    one: Draws
    two: Draws
    discs: np.ndarray
    minutes: float

    RULE = (
        "agrees if (1) the laws of the example are the pilot's to their digits, and what is measured at T = 10⁴ within 2e-7, or "
        "5e-6 for |r|^1.5, whose kink costs a quadrature digits; (2) the deviation |T · change − law| falls as T to the power −1: "
        "the median slope of the draws within 0.1, on the interval and on the square; (3) on the interval it is at most 20 (1 + "
        "g⁴)/T for each draw and T >= 1000; (4) the supremum distance stays >= 0.49 |g| for every draw and T; (5) on the discs T⁵ "
        "· error grows towards 1/840 from below, is >= 1.18e-3 from T = 10 on, and its deviation falls with a power −2 within 0.1; "
        "differs otherwise"
    )

    @property
    def medians(self) -> tuple[float, float]:
        """The median slopes on the interval and on the square."""
        return tuple(float(np.median(d.slopes(T))) for d, T in self._pairs())  # type: ignore[return-value]

    def _pairs(self):
        return (self.one, np.array(self.config.scales)), (self.two, np.array(self.config.scales_2d))

    @property
    def disc_slope(self) -> float:
        """Of T⁵ · error − 1/840."""
        return slope(self.config.scales_discs, self.discs - 1 / 840)

    @property
    def checks(self) -> dict[str, bool]:
        """The five parts of RULE."""
        c, at = self.config, self.example[1e4]
        T = np.array(c.scales)
        bound = 20 * (1 + self.one.height[:, None] ** 4) / T
        within = np.abs(self.one.measured - self.one.predicted[:, None]) <= bound
        found = {
            "example": all(abs(at[k].predicted - law) <= 6e-8 for k, (law, _) in KNOWN.items())
            and all(abs(at[k].measured - x) <= (5e-6 if "1.5" in k else 2e-7) for k, (_, x) in KNOWN.items() if x is not None),
            "slopes": all(abs(x + 1) <= 0.1 for x in self.medians),
            "bound": within[:, T >= 1000].all(),
            "supremum": min(self.one.supremum.min(), self.two.supremum.min()) >= 0.49,
            "discs": (np.diff(self.discs) > 0).all()
            and (self.discs <= 1 / 840).all()
            and (self.discs[np.array(c.scales_discs) >= 10] >= 1.18e-3).all()
            and abs(self.disc_slope + 2) <= 0.1,
        }
        return {name: bool(ok) for name, ok in found.items()}

    @property
    def verdict(self) -> str:
        """All five?"""
        return verdict_of(self.checks)

    # ---- the table
    def table(self) -> str:
        """The example law by law, then the draws and the discs."""
        shown = sorted({self.config.scales[0], 1e4, self.config.scales[-1]})
        lines = [
            "A ramp of two neurons in the place of a jump: T · change of the error beside its law.",
            "",
            "One example: −0.3 − x/2 + 1{x > 0.2} (0.8 + 0.6x) towards sin x, with density 1 + cos(x)/2 on [−1, 1].",
            "",
            f"{'':<24}{'law':>13}{'pilot':>13}" + "".join(f"{f'T = {T:g}':>13}" for T in shown) + f"{'pilot, 1e4':>13}",
        ]
        for name, (law, known) in KNOWN.items():
            ours = "".join(f"{self.example[T][name].measured:>13.7f}" for T in shown)
            pilot = "" if known is None else f"{known:>13.7f}"
            lines.append(f"{name:<24}{self.example[1e4][name].predicted:>13.7f}{law:>13.7f}{ours}{pilot}")
        law, (a, b) = self.touching[0].predicted, self.touching
        lines.append(f"(L6) density |x − ξ|: T² · change: law {law:.7f}; T = 100: {a.measured:.7f}; T = 1000: {b.measured:.7f}")
        lines += [
            "",
            f"{f'{self.config.seeds} random jumps each':<24}{'improve':>12}{'slope: median':>16}{'5 % to 95 %':>18}{'sup/|g|':>10}",
        ]
        for name, (d, T) in zip(("on the interval", "on the square"), self._pairs(), strict=True):
            s = d.slopes(T)
            better = int((d.measured[:, -1] < 0).sum())
            spread = "{:.2f} to {:.2f}".format(*np.quantile(s, (0.05, 0.95)))
            low = min(d.supremum)
            lines.append(f"{name:<24}{f'{better} of {len(s)}':>12}{np.median(s):>16.3f}{spread:>18}{low:>10.3f}")
        lines += ["", f"{'Two discs':<24}" + "".join(f"{f'T = {T:g}':>12}" for T in self.config.scales_discs)]
        lines.append(f"{'T⁵ · error · 10³':<24}" + "".join(f"{1e3 * x:>12.6f}" for x in self.discs))
        pilots = "".join(f"{f'{1e3 * DISCS[T]:g}' if T in DISCS else '':>12}" for T in self.config.scales_discs)
        lines.append(f"{'  pilot':<24}{pilots}".rstrip())
        lines.append(f"the limit 10³/840 = {1e3 / 840:.6f}; slope of the deviation {self.disc_slope:.3f}")
        remarks = (
            "improve: the change is negative at the largest T. sup/|g|: least distance in the supremum norm, over the height of "
            "the jump: a ramp never comes nearer than a half. (L3) is a ramp that is not centred: it may lose, as with q = −1. "
            + PILOT,
            "Dereich, Jentzen and Kassing 2023, abstract: the additional functions that close the set of responses are "
            "discontinuous, and suboptimal. The laws say by how much.",
            parts(self.checks),
        )
        return "\n".join(
            [
                *lines,
                "",
                *footer(
                    self.config,
                    self.minutes,
                    self.RULE,
                    self.verdict,
                    *remarks,
                    random="jumps, twice",
                    decided="before the full run, after trials",
                ),
            ]
        )

    def to_json(self) -> str:
        """Settings, versions, every measurement."""
        example = [{"T": T} | {k: law._asdict() for k, law in laws.items()} for T, laws in self.example.items()]
        draws = {
            name: vars(d) | {"slopes": d.slopes(T)} for name, (d, T) in zip(("interval", "square"), self._pairs(), strict=True)
        }
        touching = [law._asdict() for law in self.touching]
        found = {
            "checks": self.checks,
            "example": example,
            "touching": touching,
            "discs": self.discs,
            "disc_slope": self.disc_slope,
        }
        return as_json("existence-ramps", self.config, self.minutes, self.RULE, self.verdict, **found, **draws)

    # ---- the pictures
    def figures(self) -> dict[str, Figure]:
        """By name: ramps becoming a jump, and the laws."""
        return {"jump": self.jump_picture(), "laws": self.law_picture()}

    def jump_picture(self) -> Figure:
        """Left: ramps, their jump and the target. Right: the squared error near the jump, and what the ramp saves."""
        figure, ((left, right),) = new_figure((12.5, 4.9), 2)
        x = np.linspace(-1, 1, 4001)
        f = np.sin(x)
        jump = generalized_response(WORKED, x[:, None])
        broken = np.where(np.abs(x - 0.2) < 6e-4, np.nan, jump)
        left.plot(x, f, color=DARK, linewidth=1.4, linestyle="--", label="target, sin x")
        for T, colour in ((1.5, "#d7e4f1"), (4.0, "#8fb8de"), (12.0, "#3a6ea5"), (60.0, "#16324f")):
            left.plot(x, response(ramp(WORKED, T), x[:, None]), color=colour, linewidth=2, label=f"two neurons, T = {T:g}")
        left.plot(x, broken, color=OTHER, linewidth=2.4, label="the jump, T = ∞: no network", zorder=4)
        left.set(xlabel="x", ylim=(-1.35, 0.95))
        left.set_title("ramps become a jump: in the mean, never uniformly", fontsize=11)
        T = 4.0
        residual, old = response(ramp(WORKED, T), x[:, None]) - f, jump - f
        right.plot(x, np.where(np.isnan(broken), np.nan, old**2), color=OTHER, linewidth=2.2, label="of the jump")
        right.plot(x, residual**2, color=OURS, linewidth=2.2, label=f"of the ramp, T = {T:g}")
        right.fill_between(x, residual**2, old**2, color=GREEN, alpha=0.45, linewidth=0, label="what it saves")
        right.set(xlabel="x", xlim=(-0.1, 0.5), ylim=(0, 0.45))
        right.set_title("squared error: the ramp passes through zero, its mean is less", fontsize=11)
        for ax in (left, right):
            ax.legend(frameon=False, fontsize=9.5, loc="upper left" if ax is left else "upper right")
        figure.suptitle("A jump is the limit of two neurons, and always worse than they are", fontsize=12.5)
        return figure

    def law_picture(self) -> Figure:
        """Left: T · change over its law. Middle: the deviation from 1 against T. Right: the discs."""
        figure, ((left, middle, right),) = new_figure((15, 4.9), 3)
        for (d, T), colour, name in zip(self._pairs(), (OURS, GOLD), ("interval", "square"), strict=True):
            ratio = d.measured / d.predicted[:, None]
            for k, row in enumerate(ratio):
                label = f"{self.config.seeds} random jumps on the {name}" if k == 0 else None
                left.semilogx(T, row, color=colour, linewidth=0.9, alpha=0.6, label=label)
            off = np.abs(d.measured - d.predicted[:, None])
            middle.loglog(T, off.T, color=colour, linewidth=0.8, alpha=0.45)
            label = f"{name}, median slope {np.median(d.slopes(T)):.2f}"
            middle.loglog(T, np.median(off, axis=0), "o-", color=colour, linewidth=2.4, ms=5, label=label)
        T = np.array(self.config.scales)
        middle.loglog(T, 30 / T, color=DARK, linestyle="--", linewidth=1.2, label="slope −1")
        left.axhline(1, color=DARK, linestyle="--", linewidth=1.2, label=r"the law  $-\int |g|^3 h\,/\,6$")
        left.set(xlabel="T", ylabel="T · change of the risk, over its law", ylim=(0.85, 1.06))
        left.set_title("what a ramp gains over its jump", fontsize=11)
        middle.set(xlabel="T", ylabel="|T · change − law|")
        middle.set_title("and how fast the law becomes exact", fontsize=11)
        S = np.array(self.config.scales_discs)
        right.loglog(S, 1 / (840 * S**5), color=DARK, linestyle="--", linewidth=1.2, label="law  1/(840 T⁵)")
        right.loglog(S, self.discs / S**5, "o", color=OURS, ms=7, label="error on two discs that touch")
        right.loglog(S, 1 / (12 * S), color="0.5", linewidth=1.6, linestyle=":", label="beside it: a step on an interval, 1/(12 T)")
        right.set(xlabel="T", ylabel="error of the ramp")
        right.set_title("no density on the jump: T⁻⁵, and no end", fontsize=11)
        for ax in (left, middle, right):
            ax.legend(frameon=False, fontsize=9.5)
            ax.grid(which="major", color="0.92")
            ax.set_axisbelow(True)
        figure.suptitle("The laws of the ramps, beside exact integrals", fontsize=12.5)
        return figure
