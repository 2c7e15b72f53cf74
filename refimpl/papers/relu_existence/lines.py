"""The best straight line on each cell of an interval, and on each run of cells; continuous lines through given knots.

A line with the values y₀, y₁ at the ends of a segment of length H has the error

    ∫ (line − f)² = ρ + H/3 (u² + uv + v²),   u = y₀ − α,  v = y₁ − β

where α, β are the values there of the line that fits f best, and ρ is its error. It and what follows from it are kept as sums of
squares, so that small errors keep their digits. Derived.

    symbol     here            meaning
    f          target          a function of x, smooth inside each cell
    α, β       left, right     values of the best line at both ends of a segment
    ρ          error           ∫ (f − this line)² over the segment
    H          high − low      its length

Reading order: line_fits, a cell; merged and segments, runs of cells; normal_values and spline_error, all segments together.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from refimpl.doors import finite, floats, whole

Z, WEIGHTS = np.polynomial.legendre.leggauss(20)  # on a cell: exact to degree 39
LAST = (
    np.polynomial.legendre.legvander(Z, 19)[:, -2:] * WEIGHTS[:, None]
)  # towards the last two coefficients that it can tell apart
Target = Callable[[np.ndarray], Any]


class Lines(NamedTuple):
    """Segments, each with the best line on it; arrays of any one shape."""

    left: np.ndarray  # α
    right: np.ndarray  # β
    error: np.ndarray  # ρ
    low: np.ndarray  # the ends, H = high − low
    high: np.ndarray

    def of(self, knots: Any) -> Lines:
        """From a table over (i, j), those between neighbouring knots."""
        return Lines(*(part[knots[:-1], knots[1:]] for part in self))


# ---- cells and runs of cells
def line_fits(target: Target, edges: np.ndarray) -> Lines:
    """The best line on each cell between edges (k + 1,)."""
    low, high = edges[:-1], edges[1:]
    f = sampled(target, ((low + high) / 2)[:, None] + ((high - low) / 2)[:, None] * Z)
    mean = f @ WEIGHTS / 2
    rise = 1.5 * ((f - mean[:, None]) @ (WEIGHTS * Z))  # half of right − left
    error = (high - low) / 2 * ((f - mean[:, None] - rise[:, None] * Z) ** 2 @ WEIGHTS)
    if hasattr(target, "moments"):
        wild = np.max(np.abs(f @ LAST), axis=1) > 1e-12 * np.max(np.abs(f))
        mean[wild], rise[wild], error[wild] = closed_fits(target, low[wild], high[wild])
    return Lines(mean - rise, mean + rise, error, low, high)


def closed_fits(target, low, high):
    """Mean, half the rise, and error of the best lines, from closed ∫ f, ∫ x f, ∫ f²: they cancel, so Gauss's rule comes first."""
    M0, M1, M2 = target.moments(low, high)
    H = high - low
    mean, rise = M0 / H, 6 * (M1 - (low + high) / 2 * M0) / H**2
    return mean, rise, np.maximum(M2 - H * (mean**2 + rise**2 / 3), 0.0)


def sampled(target, x):
    """f(x) of the shape of x, checked."""
    if not callable(target):
        raise TypeError(f"target: expected a function of x, got {type(target).__name__}")
    y = np.asarray(target(x.ravel()))
    f = finite("target(x)", floats("target(x)", np.broadcast_to(y, x.size) if y.ndim == 0 else y, (x.size,))).astype(float)
    if (most := np.max(np.abs(f))) > 1e150:
        raise OverflowError(f"target(x): expected values below 1e150, so that their squares can be added up, got {most}")
    return f.reshape(x.shape)


def merged(part: Lines, starts: Any) -> Lines:
    """Neighbouring segments joined: those from starts[r] up to starts[r + 1] become segment r. Some may be of length zero."""
    count = np.diff(np.append(starts, len(part.low)))
    low, high = part.low[starts], part.high[starts + count - 1]
    h, H = part.high - part.low, high - low
    z = (part.low + part.high) / 2 - np.repeat((low + high) / 2, count)
    mean, rise = (part.left + part.right) / 2, (part.right - part.left) / 2
    Mean = np.add.reduceat(h * mean, starts) / H
    d = mean - np.repeat(Mean, count)
    Rise = 6 * np.add.reduceat(h * z * d + h * h * rise / 6, starts) / H**2
    slope = np.repeat(Rise / H, count)
    error = np.add.reduceat(part.error + h * (d - 2 * slope * z) ** 2 + h / 3 * (rise - slope * h) ** 2, starts)
    return Lines(Mean - Rise, Mean + Rise, error, low, high)


def segments(cells: Lines) -> Lines:
    """The best line on each run of neighbouring cells: a table over (i, j), points i < j of the G + 1; 0 elsewhere."""
    x = np.append(cells.low, cells.high[-1])
    G = len(x) - 1
    table = Lines(*np.zeros((3, G + 1, G + 1)), *np.meshgrid(x, x, indexing="ij"))
    for j in range(G):  # the segments that end at j, the empty one too, grow by cell j
        pairs = [np.stack([T[: j + 1, j], np.full(j + 1, cell[j])], axis=1) for T, cell in zip(table, cells, strict=True)]
        for T, grown in zip(table, merged(Lines(*(pair.ravel() for pair in pairs)), 2 * np.arange(j + 1)), strict=True):
            T[: j + 1, j + 1] = grown
    return table


def grid_segments(target, interval, pieces, cells):
    """The grid x (G + 1,) and the table of its segments; the arguments checked."""
    pieces, cells = whole("pieces", pieces, 1), whole("cells", cells, 1)
    if pieces > cells:
        raise ValueError(f"pieces: expected at most one for each of the {cells} cells, got {pieces}")
    low, high = ends(interval)
    x = np.linspace(low, high, cells + 1)
    if not np.all(np.diff(x) > 0):
        raise ValueError(f"cells: expected no more than floating point can tell apart in [{low}, {high}], got {cells}")
    return x, segments(line_fits(target, x))


def ends(interval):
    """(low, high) as floats, checked."""
    low, high = finite("interval", floats("interval", interval, (2,)).astype(float)).tolist()
    if not low < high:
        raise ValueError(f"interval: expected low < high, got {low} and {high}")
    return low, high


# ---- the values that belong to given knots
def normal_values(part: Lines) -> np.ndarray:
    """The values at the knots of the least error: the solution of the normal equations."""
    h, left, right = (part.high - part.low) / 6, part.left, part.right
    return np.linalg.solve(normal_matrix(part), np.append(h * (2 * left + right), 0) + np.append(0, h * (left + 2 * right)))


def normal_matrix(part: Lines) -> np.ndarray:
    """∫ hat_j hat_k: tridiagonal, and diagonally dominant."""
    h = (part.high - part.low) / 6
    return np.diag(np.append(2 * h, 0) + np.append(0, 2 * h)) + np.diag(h, 1) + np.diag(h, -1)


def spline_error(values: np.ndarray, part: Lines) -> float:
    """∫ (s − f)² of the spline with these values at the knots."""
    u, v = values[:-1] - part.left, values[1:] - part.right
    return float(np.sum(part.error + (part.high - part.low) / 3 * (u * u + u * v + v * v)))
