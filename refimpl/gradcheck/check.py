"""The comparison: yours against measured, entry by entry and along random directions, and what is wrong where they differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from refimpl.gradcheck.blocks import Block
from refimpl.gradcheck.diagnosis import Measured, diagnose
from refimpl.gradcheck.report import Entry, Report, View
from refimpl.gradcheck.slopes import Curve, Slope, complex_slope, measure
from refimpl.gradcheck.surroundings import Surroundings, sizes_of

ROUNDING = 20.0  # how many times its measured noise a right gradient may be off: the threshold of LAPACK's own tests
WORST = 8  # entries that a report lists
DISAGREE = 1e-8  # relative; where complex step and differences are this near, the former is the more exact: abs and norm do more
SINGLE = "float32: held to float32's rounding"
DIGITS = "differences give 8 to 11 digits, float32 inside 7; others are lost to cancellation"


class Settings(NamedTuple):
    """How to check; :func:`refimpl.gradcheck.check_gradient` says what each means."""

    rng: np.random.Generator
    bounds: tuple[np.ndarray, np.ndarray]  # each (p,)
    entries: int
    directions: int
    rtol: float
    method: str
    sizes: Mapping[str, int]


class Unfit(Exception):
    """The complex step is not to be trusted on this function, and why."""


def distance(yours: float, s: Slope) -> float:
    """From yours to the measured slope; to the interval between left and right at a kink. NaN stays NaN."""
    if s.kink:
        return float(np.abs(yours - np.clip(yours, min(s.left, s.right), max(s.left, s.right))))
    return abs(yours - s.value)


@dataclass
class Check:
    """A claimed gradient, its objective, and how slopes are measured."""

    around: Surroundings
    yours: np.ndarray  # (p,)
    at: float
    eps: float
    noise: float
    rtol: float
    by_complex: bool = False

    def ray(self, d: np.ndarray) -> tuple[Slope, Curve]:
        """By differences."""
        return measure(self.around.along(d), self.at, self.noise, self.eps, self.around.reach(d))

    def slope(self, d: np.ndarray) -> Slope:
        """By the complex step if it can be trusted, by differences if not."""
        if not self.by_complex:
            return self.ray(d)[0]
        s = complex_slope(self.around.along_complex(d), self.eps)
        return s._replace(error=ROUNDING * s.error)

    def doubt(self, d: np.ndarray, s: Slope, by_differences: Slope, where: str):
        """Raise Unfit if the complex step and the differences along d contradict each other."""
        apart = min(distance(s.value, by_differences), distance(by_differences.value, s))  # either may have seen the kink
        unseen = np.isfinite(s.value) and not np.isfinite(by_differences.error)
        if not unseen and not apart <= s.error + by_differences.error + DISAGREE * abs(by_differences.value):
            reason = self.around.complaint or f"it gives {s.value:.6g} where differences give {by_differences.value:.6g}, {where}"
            raise Unfit(reason + ("" if self.around.complaint else " (abs, max, conj, .real or norm inside?)"))

    def direction(self, d: np.ndarray, name: str) -> Entry:
        """Your slope along d against the measured one. A sum of many terms carries the rounding of each."""
        s, terms = self.slope(d), self.yours * d
        yours, rounding = float(np.sum(terms)), ROUNDING * self.eps * float(np.sum(np.abs(terms)))
        tolerance = s.error + rounding + self.rtol * abs(s.value)
        return Entry(name, yours, s.value, distance(yours, s), tolerance, s.left, s.right, s.kink)

    def wrong_among(self, index: np.ndarray, rng: np.random.Generator, limit: int) -> list[int]:
        """At most `limit` wrong entries among `index`, by halving: a direction that is zero elsewhere is wrong only if one is."""
        found: list[int] = []
        stack = [index]
        while stack and len(found) < limit:
            part = stack.pop()
            if self.direction(self.around.direction(rng, part), "").ok:
                continue
            if len(part) == 1:
                found += list(part)
            else:
                stack += [part[len(part) // 2 :], part[: len(part) // 2]]
        return found


@np.errstate(all="ignore")  # what over- or underflows on the way is seen in the result
def run(
    value: Callable[[np.ndarray], Any], yours: np.ndarray, theta: np.ndarray, blocks: list[Block], single: bool, how: Settings
) -> Report:
    """Check the claim that `yours` (p,) is the gradient of `value` at theta (p,), both float64."""
    around = Surroundings(value, theta, sizes_of(theta, blocks), *how.bounds)
    at, p, nan = around.real(theta), len(theta), np.nan
    if not np.isfinite(at):
        return Report("not measurable", mistakes=(f"the value at theta is {at}",), parameters=p)
    if not np.isfinite(yours).all():
        bad = np.flatnonzero(~np.isfinite(yours))
        worst = tuple(Entry(name(blocks, j), float(yours[j]), nan, nan, nan, nan, nan, False) for j in bad[:WORST])
        return Report(
            "not finite", mistakes=(f"{len(bad)} of {p} entries are NaN or infinite",), worst=worst, parameters=p, wrong=len(bad)
        )
    directions = [around.direction(how.rng, np.arange(p)) for _ in range(how.directions)]
    check = Check(around, yours, at, *around.precision(directions, single), how.rtol)
    rays = [(d, *check.ray(d)) for d in directions]
    if not any(np.isfinite(s.error) for _, s, _ in rays):
        return Report("not measurable", mistakes=("no step along a random direction gives a finite difference",), parameters=p)
    fallback = "differences were asked for"
    try:
        if how.method == "differences":
            raise Unfit(fallback)
        check.by_complex = True
        for d, s, _ in rays:
            check.doubt(d, check.slope(d), s, "along a random direction")
        report = compare(check, blocks, rays, how)
        fallback = ""
    except Unfit as e:
        check.by_complex, fallback = False, str(e)
        report = compare(check, blocks, rays, how)
    return replace(
        report,
        method="central differences, extrapolated" if fallback else "complex step",
        fallback=fallback,
        noise=check.noise / (abs(at) or 1.0),
        evaluations=around.evaluations,
        notes=tuple(text for text, holds in ((SINGLE, check.eps > 1e-10), (DIGITS, report.verdict == "imprecise")) if holds),
    )


def name(blocks: Sequence[Block], j: int) -> str:
    """What entry j of theta is called."""
    return next(b.entry(j) for b in blocks if (b.positions == j).any())


def entries_to_measure(check: Check, blocks: list[Block], along: list[Entry], how: Settings) -> np.ndarray:
    """All if there are not too many; else a sample, and of the arrays that a direction finds wrong, all or the wrong ones."""
    p = len(check.yours)
    if p <= how.entries:
        return np.arange(p)
    positions = [b.positions.ravel() for b in blocks]
    suspects = [at for at in positions if not check.direction(check.around.direction(how.rng, at), "").ok]
    if not suspects and not all(e.ok for e in along):
        suspects = positions
    found = [at if len(at) <= how.entries else check.wrong_among(at, how.rng, WORST) for at in suspects]
    return np.unique(np.concatenate([how.rng.choice(p, how.entries // 4, replace=False), *found]).astype(int))


def compare(check: Check, blocks: list[Block], rays: list, how: Settings) -> Report:
    """Yours against measured: the verdict, and what is wrong."""
    around = check.around
    along = [check.direction(d, f"random direction {k}") for k, (d, _, _) in enumerate(rays, 1)]
    index = entries_to_measure(check, blocks, along, how)
    slopes = [check.slope(around.entry(j)) for j in index]  # in units of the entry's size, as all is until it is shown
    yours, size = check.yours[index] * around.scale[index], around.scale[index]
    value = np.array([s.value for s in slopes])
    largest = float(np.max(np.abs(value), initial=0, where=np.isfinite(value)))
    error = np.array([distance(y, s) for y, s in zip(yours, slopes, strict=True)])
    tolerance = np.array([s.error for s in slopes]) + ROUNDING * check.eps * largest + check.rtol * np.abs(value)
    wrong = ~(error <= tolerance)
    kink = np.array([s.kink for s in slopes], bool)
    flat = (np.abs(value) <= tolerance) & ~kink
    error = np.where(np.isnan(error), np.inf, error)
    worst = np.argsort(-error / np.maximum(tolerance, 1e-300), kind="stable")[:WORST]

    def entry(k):
        s, j = slopes[k], index[k]
        slope, off, allowed, left, right = (float(v / size[k]) for v in (s.value, error[k], tolerance[k], s.left, s.right))
        return Entry(name(blocks, j), float(check.yours[j]), slope, off, allowed, left, right, s.kink)

    views = [View(e.name, e.yours, e.measured, e.tolerance, curve) for e, (_, _, curve) in zip(along, rays, strict=True)]
    for k in worst[wrong[worst]][:3]:
        s, curve = check.ray(d := around.entry(index[k]))
        if check.by_complex:
            check.doubt(d, slopes[k], s, f"at {name(blocks, index[k])}")
        views.append(View(name(blocks, index[k]), yours[k], value[k], tolerance[k], curve))

    astray = [e for e in along if not e.ok and not e.kink] if len(index) < len(check.yours) else []
    mistakes: list[str] = []
    if wrong.any():
        spread = {"slope": value / size, "tolerance": tolerance / size, "use": np.isfinite(value) & (wrong | ~kink)}
        mistakes = diagnose(measured(check, blocks, index, spread), how.sizes)
        mistakes = mistakes or [f"at {np.sum(wrong)} entries no slope could be measured"]
    elif astray:
        mistakes = [f"{len(astray)} of {len(along)} random directions are wrong, none of the entries that were tried is"]
    imprecise = mistakes and all(m.endswith("digits only") for m in mistakes)
    nears = [s.near for s in (*slopes, *(s for _, s, _ in rays)) if np.isfinite(s.near)]
    return Report(
        "imprecise" if imprecise else "wrong" if mistakes else "nothing to see" if flat.all() else "right",
        mistakes=tuple(mistakes),
        worst=tuple(entry(k) for k in worst) + tuple(astray),
        error=float(np.max(error)) / (largest or 1.0),
        tolerance=float(np.max(tolerance)) / (largest or 1.0),
        measured=len(index),
        parameters=len(check.yours),
        directions=len(rays),
        wrong=int(np.sum(wrong)),
        kinks=int(np.sum(kink)),
        near=len(nears),
        nearest=min(nears, default=np.inf),
        flat=int(np.sum(flat)),
        views=tuple(views[: len(rays) + 1]),
    )


def measured(check: Check, blocks: Sequence[Block], index: np.ndarray, spread: Mapping[str, np.ndarray]) -> list[Measured]:
    """What was measured, put back into the arrays of the parameters; unused where nothing was."""
    p = len(check.yours)
    full = {"slope": np.zeros(p), "tolerance": np.zeros(p), "use": np.zeros(p, bool)}
    for key, values in spread.items():
        full[key][index] = values
    full |= {"yours": check.yours, "theta": check.around.theta}
    return [Measured(name=b.name, **{key: a[b.positions] for key, a in full.items()}) for b in blocks]
