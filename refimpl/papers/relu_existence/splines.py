"""The best continuous piecewise linear fit with knots on a grid: a global optimum, by dynamic programming over parabolas.

Responses of shallow residual ReLU networks of width n on a compact interval are the continuous piecewise linear functions with at
most n knots inside it: this is the truth that a trainer of such networks is measured against. All of it is derived here; the
papers state that an optimum exists, not how to find it.

Reading order: the doors best_spline and best_splines; best_discontinuous and lower_bound; the recursion, joined and envelope. What
a line costs on a segment is in :mod:`refimpl.papers.relu_existence.lines`. Errors are ∫ (s − f)² dx, not divided by the length of
the interval.

    symbol     here            meaning
    f          target          a function of x, smooth between neighbouring points of the grid
    G          cells           cells of the grid x_0 < ... < x_G
    V_kj(y)    (a, m, c)       least error up to x_j with k pieces and the value y there: a minimum of parabolas a (y − m)² + c
    α, β, ρ    Lines           of a segment: the values at its ends of the best line, and the error of that
    H          high − low      length of a segment
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from refimpl.papers.relu_existence.lines import Lines, Target, grid_segments, normal_values, spline_error

TIE = 1e-14  # where one parabola is lower than another by less than this part of it, either will do: that is rounding
FLOOR = 1e-30  # and so where it is lower by less than this part of max f² · length, the square of the rounding of f


class Spline(NamedTuple):
    """A continuous piecewise linear function and its distance from the target. Calling it evaluates it.

    error : ∫ (s − f)² dx
    knots : (pieces + 1,) increasing, with both ends of the interval
    values : (pieces + 1,) at the knots
    subset : of a feedforward network, the inner knots, from 0, whose neurons point left; else None
    """

    error: float
    knots: np.ndarray
    values: np.ndarray
    subset: tuple[int, ...] | None = None

    def __call__(self, x: ArrayLike) -> Any:
        return np.interp(np.asarray(x, float), self.knots, self.values)


class Segments(NamedTuple):
    """A piecewise linear function that may jump at its knots, and its distance from the target."""

    error: float
    knots: np.ndarray  # (pieces + 1,)
    lines: np.ndarray  # (pieces, 2) values at the left and at the right end of each piece


class Level(NamedTuple):
    """All parabolas of V_k0, ..., V_kG, ordered by their grid point."""

    a: np.ndarray
    m: np.ndarray
    c: np.ndarray
    at: np.ndarray  # j
    origin: np.ndarray  # index into the level before of the parabola that this one was joined to


# ---- doors
def best_spline(target: Target, interval: ArrayLike, pieces: int, cells: int) -> Spline:
    """The continuous piecewise linear function nearest to f, of those with at most so many pieces and knots on a grid.

    Parameters
    ----------
    target : callable
        x (k,) -> f(x) (k,), or one number; smooth inside each cell. Its closed `moments(low, high)`, if it has them, take over on
        cells where it oscillates too fast for Gauss's rule.
    interval : (low, high)
    pieces : int, 1 to cells
    cells : int >= 1
        Cells of equal length; the knots lie at their ends.

    Returns
    -------
    Spline
        A global optimum, of fewer pieces where more do not help.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as above, or the target returns another shape or values that are not finite.

    Notes
    -----
    Derived here. V_kj(y) = min over i < j and y₀ of V_{k−1,i}(y₀) + the error of the line from (x_i, y₀) to (x_j, y). One parabola
    stands for one choice of knots.
    """
    return best_splines(target, interval, pieces, cells)[-1]


def best_splines(target: Target, interval: ArrayLike, pieces: int, cells: int) -> tuple[Spline, ...]:
    """:func:`best_spline` for 1, 2, ..., pieces, at the price of the last. Their errors do not increase."""
    x, table = grid_segments(target, interval, pieces, cells)
    levels = [Level(np.zeros(1), np.zeros(1), np.zeros(1), np.zeros(1, int), np.zeros(1, int))]  # V_00 = 0, for every y
    floor = FLOOR * max(np.max(np.abs(table.left)), np.max(np.abs(table.right))) ** 2 * (x[-1] - x[0])
    found: list[Spline] = []
    for k in range(1, pieces + 1):
        knots = chain(levels, int(np.argmin(joined(levels[-1], cells, table)[2])), cells)
        values = normal_values(part := table.of(knots))
        spline = Spline(spline_error(values, part), x[knots], values)
        found.append(spline if k == 1 or spline.error < found[-1].error - floor else found[-1])
        if found[-1].error <= floor:
            return tuple(found + (pieces - k) * found[-1:])  # only rounding is left to fit
        if k < pieces:  # a part of a spline of more pieces and less error has no more than the best of k
            levels.append(next_level(levels[-1], k, table, found[-1].error * (1 + 1e-9) + floor, floor))
    return tuple(found)


def best_discontinuous(target: Target, interval: ArrayLike, pieces: int, cells: int) -> Segments:
    """The nearest piecewise linear function that may jump at its knots, on the same grid: no spline on it has less error.

    Arguments and errors as of :func:`best_spline`. All generalized responses of width n with their breaks on the grid are such
    functions of n + 1 pieces.
    """
    x, table = grid_segments(target, interval, pieces, cells)
    cost = np.where(np.tri(cells + 1, dtype=bool), np.inf, table.error)
    least, origins = np.append(0.0, np.full(cells, np.inf)), []
    best, knots = np.inf, np.zeros(0, int)
    for _ in range(pieces):
        through = least[:, None] + cost  # (i, j)
        origins.append(np.argmin(through, axis=0))
        least = np.min(through, axis=0)
        if least[-1] < best:
            best, path = least[-1], [cells]
            for origin in reversed(origins):
                path.append(int(origin[path[-1]]))
            knots = np.array(path[::-1])
    part = table.of(knots)
    return Segments(float(np.sum(part.error)), x[knots], np.stack([part.left, part.right], axis=1))


def lower_bound(target: Target, interval: ArrayLike, pieces: int, cells: int) -> float:
    """A number that no piecewise linear function of so many pieces goes below, continuous or not, with knots anywhere.

    Arguments and errors as of :func:`best_spline`.

    Notes
    -----
    Derived here. A piece costs at least what the best line costs on the whole cells inside it; the cell that a knot lies in counts
    nothing. :func:`best_discontinuous` bounds only functions with their knots on the grid: it is above the optimum of x² where the
    number of pieces does not divide the cells.
    """
    _, table = grid_segments(target, interval, pieces, cells)
    cost = np.where(np.tri(cells + 1, k=-1, dtype=bool), np.inf, table.error)  # (i, j); 0 for i = j, a piece without a whole cell
    least = cost[0]
    for _ in range(1, pieces):
        after = np.min(least[:-1, None] + cost[1:], axis=0)  # the next piece begins a cell further
        least = np.minimum(least, after)
    return float(least[-1])


# ---- the recursion
def joined(level: Level, j: int, table: Lines):
    """a, m, c (k,) of the parabolas over the value at x_j that those of the level before j turn into, minimised over their y.

    With m' = m − α:  a ← H (4a + H)/(4 (3a + H)),  m ← β − 2a m'/(4a + H),  c ← c + ρ + a H m'²/(4a + H)
    """
    n = np.searchsorted(level.at, j)
    a, m, c, at = (part[:n] for part in level[:4])
    left, right, error, low, high = (part[at, j] for part in table)
    H, r = high - low, m - left
    s = 4 * a + H
    return H * s / (4 * (3 * a + H)), right - 2 * a * r / s, c + error + a * H * r * r / s


def next_level(level: Level, k: int, table: Lines, bound: float, floor: float) -> Level:
    """V_{k,k}, ..., V_{k,G−1} where they are at most bound."""
    states = []
    for j in range(k, len(table.low) - 1):
        a, m, c = joined(level, j, table)
        keep = envelope(a, m, c, bound, floor)
        states.append((a[keep], m[keep], c[keep], np.full(len(keep), j), keep))
    return Level(*(np.concatenate(part) for part in zip(*states, strict=True)))


def envelope(a, m, c, bound, floor):
    """Indices of the parabolas that are the lowest at some y, and at most bound there: a walk from left to right.

    What is never below the present one, further on, is forgotten; so the walk costs little more than its first step.
    """
    index = np.flatnonzero(c <= bound)
    a, m, c = a[index], m[index], c[index]
    reach = np.sqrt((bound - c) / a)
    stop = m + reach
    p = int(np.argmin(m - reach))
    y, kept = m[p] - reach[p], []
    while True:
        kept.append(index[p])
        d = y - m
        value, half = c + a * d * d, a * d  # of each parabola at y, and half of its slope
        d0 = np.maximum(value - value[p], 0) + TIE * value[p] + floor
        d1, d2 = half - half[p], a - a[p]
        root = d1 * d1 - d2 * d0
        falls = (root >= 0) & ((d1 < 0) | (d2 < 0))  # below parabola p, somewhere to the right
        root = np.sqrt(np.where(falls, root, 0.0))
        step = np.where(d1 < 0, d0 / np.where(d1 < 0, root - d1, 1.0), (d1 + root) / np.where(d2 < 0, -d2, 1.0))
        step = np.where(falls & (y + step <= stop), y + step, np.inf)
        q = int(np.argmin(step))
        if step[q] == np.inf:
            return np.unique(kept)
        step[p] = 0.0 if step[q] > y else np.inf  # it may come back, but not to where rounding hides the step
        live = np.flatnonzero(step < np.inf)
        p, y = int(np.searchsorted(live, q)), step[q]
        index, a, m, c, stop = index[live], a[live], m[live], c[live], stop[live]


def chain(levels, last, j):
    """Grid points of the knots up to x_j that parabola `last` of the last level, joined to x_j, stands for."""
    knots = [j]
    for level in reversed(levels):
        knots.append(int(level.at[last]))
        last = level.origin[last]
    return np.array(knots[::-1])
