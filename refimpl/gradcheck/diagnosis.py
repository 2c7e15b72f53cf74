"""What is wrong with a wrong gradient: the simple mistakes, each as a pattern that yours and the measured slopes fit.

A pattern is reported only if it explains every entry it speaks of. Where several fit, all are named: with n = 2, a missing mean and
a factor 2 are the same numbers. Where none fits, that is said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import combinations, permutations
from typing import NamedTuple

import numpy as np

NONE = "no simple pattern"
MATCH = 1e-4  # relative to the largest entry: above float32's errors and every measured slope's, below what a wrong formula does


class Measured(NamedTuple):
    """One parameter array: what was claimed and what was measured, all in the array's shape."""

    name: str
    yours: np.ndarray
    slope: np.ndarray
    tolerance: np.ndarray
    theta: np.ndarray
    use: np.ndarray  # False at kinks and where nothing was measured

    @property
    def wrong(self) -> np.ndarray:
        return self.use & ~(np.abs(self.yours - self.slope) <= self.tolerance)


# ---- comparing
def fits(a: np.ndarray, b: np.ndarray, use: np.ndarray) -> bool:
    """a and b are the same numbers wherever `use` says so, which is at half of the places at least."""
    size = np.max(np.abs(b), initial=0, where=use)
    return bool(2 * np.sum(use) >= a.size and np.all(np.abs(a - b)[use] <= MATCH * size))


def ratio(a: np.ndarray, b: np.ndarray) -> float:
    """The c that brings c b nearest to a."""
    unit = np.max(np.abs(b), initial=0) or 1.0
    return float(np.sum(a / unit * (b / unit)) / (np.sum((b / unit) ** 2) or 1.0))


def factor_names(c: float, sizes: Mapping[str, int], others: Mapping[str, float]) -> str:
    """The constant c in words, with everything it may stand for: `2 (= n)`, `1/7 (= 1/n)`, `-1 (the sign)`."""
    sign, c = ("-" if c < 0 else ""), abs(c)
    meanings = [name for name, value in others.items() if abs(c - value) <= MATCH * value]
    for name, n in sizes.items():
        known = {name: n, f"1/{name}": 1 / n}
        if abs(c - 2) > MATCH and abs(c - 0.5) > MATCH:  # 2 is half of 4, but rarely because of it
            known |= {f"2 {name}": 2 * n, f"2/{name}": 2 / n, f"{name}/2": n / 2}
            known |= {f"{name} - 1": n - 1, f"1/({name} - 1)": 1 / max(n - 1, 1)}
        meanings += [text for text, value in known.items() if abs(c - value) <= MATCH * c and n > 1]
    number, inverse = round(c), round(1 / c) if c else 0
    if 1 <= number <= 1e6 and abs(c - number) <= MATCH * c:
        text = str(number)
    elif 1 <= inverse <= 1e6 and abs(1 / c - inverse) <= MATCH / c:
        text = f"1/{inverse}"
    else:
        text = f"{c:.6g}"
    return f"{sign}{text}" + (f" (= {' = '.join(meanings)})" if meanings else "")


def constant_factor(yours, slope, use, sizes) -> str:
    """`sign: ...`, `zero ...` or `constant factor ...` if one number explains all of `use`; otherwise nothing."""
    a, s = yours[use], slope[use]
    if not len(a) or not np.any(s):
        return ""
    if not np.any(a):
        return "zero, where the slope is not"
    c, everywhere = ratio(a, s), np.ones(a.shape, bool)
    if not c or not fits(a, c * s, everywhere):
        return ""
    if abs(c - 1) <= MATCH:  # a factor only if it explains the error: rounding would give such a number too
        explained = len(s) > 2 and np.max(np.abs(a - c * s)) <= 0.01 * np.max(np.abs(a - s))
        return f"constant factor {c:.10g}" if explained else ""
    if abs(c + 1) <= MATCH:
        return "sign: yours is minus the slope"
    length = float(np.sqrt(np.sum(s * s)))
    return f"constant factor {factor_names(c, sizes, {'1/|gradient|: normalised': 1 / length} if len(s) > 1 else {})}"


# ---- patterns of one array: (yours, slope, theta, use) -> words, or nothing
def axes_exchanged(a, s, theta, use):
    for axes in permutations(range(a.ndim)):
        other = s.transpose(axes)
        if axes == tuple(range(a.ndim)) or not fits(a, other.reshape(a.shape), use & use.transpose(axes).reshape(a.shape)):
            continue
        word = "transposed" if a.ndim == 2 else f"axes exchanged: yours is slope.transpose{axes}"
        return word if other.shape == a.shape else f"{word}, and forced into shape {a.shape}: a reshape where a transpose belongs"
    return ""


def reversed_axes(a, s, theta, use):
    for k in range(1, a.ndim + 1):
        for axes in combinations(range(a.ndim), k):
            if fits(a, np.flip(s, axes), use & np.flip(use, axes)):
                return f"reversed along {'axis' if k == 1 else 'axes'} {', '.join(map(str, axes))}"
    return ""


def shifted(a, s, theta, use):
    for axis in range(a.ndim):
        for by in (1, -1):
            if a.shape[axis] > 2 and fits(a, np.roll(s, by, axis), use & np.roll(use, by, axis)):
                return f"shifted by {by} along axis {axis}"
    return ""


def summed_axis(a, s, theta, use):
    for axis in range(a.ndim):
        if a.shape[axis] > 1 and use.all():
            for word, r in (("summed", s.sum(axis, keepdims=True)), ("averaged", s.mean(axis, keepdims=True))):
                if fits(a, np.broadcast_to(r, a.shape), use):
                    return f"{word} over axis {axis}, every entry along it the same"
    return ""


def signs_lost(a, s, theta, use):
    if not fits(np.abs(a), np.abs(s), use):
        return ""
    return "absolute value: every sign is +" if (a >= 0).all() else f"sign wrong in {np.sum((a * s < 0) & use)} of {a.size} entries"


def misplaced(a, s, theta, use):
    if use.all() and fits(np.sort(a, axis=None), np.sort(s, axis=None), np.ones(a.size, bool)):
        return "the right numbers in the wrong places"
    return ""


def extra_term(a, s, theta, use):
    d, x = (a - s)[use], theta[use]
    if len(d) > 2:
        if np.any(x) and fits(d, (c := ratio(d, x)) * x, np.ones(len(d), bool)):
            return f"off by {c:.6g} θ: the gradient of {c / 2:.6g} |θ|², {'too much' if c > 0 else 'missing'}"
        if fits(d, np.full(len(d), np.mean(d)), np.ones(len(d), bool)):
            return f"off by the constant {np.mean(d):.6g}"
    return ""


def chain_of_theta(a, s, theta, use):
    if np.sum(use) > 2:
        if fits(a, s * theta, use):
            return "multiplied by θ, entry by entry: a factor of the chain rule too many"
        if fits(a * theta, s, use):
            return "divided by θ, entry by entry: a factor of the chain rule missing"
    return ""


def factor_of_each_row(a, s, theta, use):
    """Rows (or columns) each with a factor of their own; where it is a power of the row's norm, that is said."""
    if a.ndim != 2 or min(a.shape) < 2 or not use.all():
        return ""
    for word, A, S, X in (("row", a, s, theta), ("column", a.T, s.T, theta.T)):
        c = np.array([ratio(*pair) for pair in zip(A, S, strict=True)])
        if fits(A, c[:, None] * S, np.ones(A.shape, bool)):
            norm = np.sqrt(np.sum(X * X, axis=1))
            powers = [k for k in (1, -1, 2, -2) if np.all(norm) and fits(c, norm**k, np.ones(len(c), bool))]
            return f"every {word} has a factor of its own" + (f": its norm to the power {powers[0]}" if powers else "")
    return ""


PATTERNS: tuple[Callable, ...] = (
    axes_exchanged,
    reversed_axes,
    shifted,
    summed_axis,
    signs_lost,
    extra_term,
    chain_of_theta,
    factor_of_each_row,
)


# ---- part of an array
def places(wrong: np.ndarray) -> str:
    """Where the wrong entries are, in words: one index of an axis, the diagonal, a triangle; or how many."""
    for axis in range(wrong.ndim):
        hit = np.flatnonzero(wrong.any(tuple(k for k in range(wrong.ndim) if k != axis)))
        if wrong.ndim > 1 and len(hit) <= max(1, wrong.shape[axis] // 2) and np.take(wrong, hit, axis).all():
            word = ("row", "column")[axis] if wrong.ndim == 2 else f"axis {axis}, index"
            return f"{word} {', '.join(map(str, hit))}"
    if wrong.ndim == 2 and wrong.shape[0] == wrong.shape[1] > 1:
        for word, mask in (("the diagonal", np.eye(len(wrong))), ("above the diagonal", np.triu(np.ones(wrong.shape), 1))):
            if (wrong == (mask > 0)).all():
                return word
            if (wrong == (mask.T > 0)).all():
                return "below the diagonal"
    hit = np.flatnonzero(wrong)
    if len(hit) == 1:
        return "one entry, " + (f"[{', '.join(map(str, np.argwhere(wrong)[0]))}]" if wrong.ndim else "the only one")
    return f"{len(hit)} of {wrong.size} entries"


def digits(block: Measured) -> str:
    """How many digits an array has right, relative to its largest entry."""
    error = np.max(np.abs(block.yours - block.slope)[block.use]) / np.max(np.abs(block.slope)[block.use])
    return f"right to {-np.log10(error):.1f} digits only"


def mistakes_in(block: Measured, sizes: Mapping[str, int]) -> list[str]:
    """All simple patterns that one array fits."""
    _, a, s, _, theta, use = block
    wrong = block.wrong
    whole = constant_factor(a, s, use, sizes)
    if whole:
        ties = PATTERNS[:4] if np.sum(use) > 2 and np.ptp(a[use]) else ()
        return [whole, *(word for word in (p(a, s, theta, use) for p in ties) if word)]
    if fits(a[use], s[use], use[use]):
        return [digits(block)]
    found = [word for word in (p(a, s, theta, use) for p in PATTERNS) if word]
    found = found or [word for word in (misplaced(a, s, theta, use),) if word]
    if np.sum(wrong) < np.sum(use):
        what = constant_factor(a, s, wrong, sizes)
        if what and (np.sum(wrong) > 1 or "." not in what):  # any one number is a factor: only a simple one says something
            return [f"{places(wrong)}: {what}; the rest is right", *found]
        return found or [f"wrong in {places(wrong)}, right in the rest; {NONE}"]
    return found or [NONE]


def exchanged(blocks: list[Measured]) -> list[str]:
    """Pairs of parameters whose gradients stand in each other's place."""
    pairs = [(a, b) for a, b in combinations(blocks, 2) if a.yours.shape == b.yours.shape and a.wrong.any() and b.wrong.any()]
    return [
        f"{a.name} and {b.name}: the gradients are exchanged"
        for a, b in pairs
        if fits(a.yours, b.slope, a.use & b.use) and fits(b.yours, a.slope, a.use & b.use)
    ]


def diagnose(blocks: list[Measured], sizes: Mapping[str, int] | None = None) -> list[str]:
    """The mistakes, in words: one line for all parameters if one number explains them, else a line for each wrong one."""
    sizes = sizes or {}
    wrong = [b for b in blocks if b.wrong.any()]
    if len(wrong) > 1:
        yours, slope, use = (np.concatenate([getattr(b, k).ravel() for b in blocks]) for k in ("yours", "slope", "use"))
        if one := constant_factor(yours, slope, use, sizes):
            return [one]
        if fits(yours[use], slope[use], use[use]):
            return [min(map(digits, wrong), key=lambda text: float(text.split()[2]))]
        if pairs := exchanged(blocks):
            return pairs
    lines = []
    for b in wrong:
        lines.append(f"{b.name}: {' = '.join(mistakes_in(b, sizes))}")
    return lines
