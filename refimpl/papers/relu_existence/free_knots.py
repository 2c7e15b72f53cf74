"""The best piecewise linear fit with knots anywhere, in the two classes that networks of one input and width n span.

    class          functions on a compact interval
    residual       continuous, piecewise linear, at most n knots inside
    feedforward    those with at most n − 1 knots; and those with n knots whose first slope s₀ and kinks κ_j satisfy
                   s₀ + Σ_{j∈S} κ_j = 0 for some subset S, the neurons that point left

All of it is derived here. To mistake one class for the other changes the optimum by up to a factor of ten.

Reading order: the closed forms for x²; feedforward_possible and spline_network, between splines and networks; polish, best_residual
and best_feedforward, descent over the knots, the values at them eliminated; sandwich, a proof of how far that is from the optimum.

    symbol    here       shape        meaning
    t         knots      (n + 2,)     both ends of the interval included
    y         values     (n + 2,)     at the knots
    s_i                  (n + 1,)     slope of piece i
    κ_j       kinks      (n,)         s_j − s_{j−1}, at inner knot j
    S         subset                  indices of inner knots, from 0
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from refimpl.doors import finite, floats, whole
from refimpl.nn.shallow import Shallow
from refimpl.papers.relu_existence.lines import Lines, Target, ends, line_fits, merged, normal_matrix, normal_values, spline_error
from refimpl.papers.relu_existence.splines import Spline, best_spline, lower_bound

NEAREST = 1e-7  # knots keep this part of the interval between them: two that meet are one, and s_i is then a quotient of zeros
ZERO = 1e-10  # a sum of slopes is 0 if it is less than this part of their sizes: it is known to the rounding of a division by a gap


class Sandwich(NamedTuple):
    """Bounds of the least error with knots anywhere: lower is proved, upper is reached."""

    lower: float
    upper: float


# ---- x²
def quadratic_spline_error(pieces: int, length: float = 1.0) -> float:
    """Least ∫ (s − x²)² over an interval of this length, > 0, for so many pieces, >= 1, continuous or not:  A⁵/(180 N⁴)."""
    return positive("length", length) ** 5 / (180 * whole("pieces", pieces, 1) ** 4)


def quadratic_feedforward_error(width: int, interval: ArrayLike = (0, 1)) -> float:
    """Least ∫ (s − x²)² for feedforward networks of this width, >= 0.

        on [0, A] or [−A, 0]:  4 A⁵/(45 (2n + 1)⁴),        on [−A, A], n even:  8 A⁵/(45 (n + 1)⁴)

    Other intervals and odd n raise ValueError: no closed form is known here. The first is proved for subsets S of consecutive
    neurons, and agrees with a search over all S for n <= 4; the second is the least error without the constraint.
    """
    n, A, symmetric = quadratic_case(width, interval)
    return 8 * A**5 / (45 * (n + 1) ** 4) if symmetric else 4 * A**5 / (45 * (2 * n + 1) ** 4)


def quadratic_feedforward_knots(width: int, interval: ArrayLike = (0, 1)) -> np.ndarray:
    """The knots (n,) of that network: A (2j − 1)/(2n + 1) on [0, A], flat up to the first; −A + 2Aj/(n + 1) on [−A, A]."""
    n, A, symmetric = quadratic_case(width, interval)
    j = np.arange(1, n + 1)
    if symmetric:
        return A * (2 * j - n - 1) / (n + 1)
    t = A * (2 * j - 1) / (2 * n + 1)
    return t if ends(interval)[0] == 0 else -t[::-1]


def quadratic_case(width, interval):
    """n, A, and whether the interval is [−A, A]; checked."""
    n, (low, high) = whole("width", width, 0), ends(interval)
    if low == 0 or high == 0:
        return n, high - low, False
    if low != -high or n % 2:
        raise ValueError(f"interval: expected [0, A] or [-A, 0], or [-A, A] with an even width, got [{low}, {high}] and {n}")
    return n, high, True


# ---- splines and networks
def left_neurons(initial_slope: float, kinks: ArrayLike) -> tuple[int, ...] | None:
    """A smallest S with s₀ + Σ_S κ = 0, None if there is none. kinks (n,), n <= 20: all 2ⁿ sums are formed."""
    kappa = finite("kinks", floats("kinks", kinks, ("n",)).astype(float))
    s0 = float(finite("initial_slope", floats("initial_slope", initial_slope, ()).astype(float)))
    if len(kappa) > 20:
        raise ValueError(f"kinks: expected at most 20, for whose subsets there is memory, got {len(kappa)}")
    sums, size = np.array([s0]), np.zeros(1, int)
    for k in kappa:
        sums, size = np.append(sums, sums + k), np.append(size, size + 1)  # bit j of the index: is j in S?
    zero = np.flatnonzero(np.abs(sums) <= ZERO * (abs(s0) + np.sum(np.abs(kappa))))
    if len(zero) == 0:
        return None
    best = int(zero[np.argmin(size[zero])])
    return tuple(j for j in range(len(kappa)) if best >> j & 1)


def feedforward_possible(initial_slope: float, kinks: ArrayLike) -> bool:
    """Is the spline with this first slope and these kinks (n,), n <= 20, a response of n neurons without a skip connection?

    On a compact interval. TypeError or ValueError if the arguments are not finite numbers. A kink that is 0 still counts as a
    neuron.
    """
    return left_neurons(initial_slope, kinks) is not None


def spline_network(spline: Spline, left: Sequence[int] | None = None) -> Shallow:
    """A network whose response is the spline, on its interval.

    Parameters
    ----------
    spline : Spline
    left : None, or distinct indices of inner knots, from 0
        None gives a residual network: all neurons point right, and the skip connection holds the first slope. A subset S gives a
        feedforward network whose neurons in S point left; if s₀ + Σ_S κ is not 0, one more neuron, that breaks outside the
        interval, holds this slope.

    Returns
    -------
    Shallow
        Of one input; |w_j| = 1, and neuron j breaks at the inner knot j.

    Raises
    ------
    ValueError
        If knots are not increasing, values do not fit them, or left has no such indices.
    """
    t, y, s = checked(spline)
    inner, kappa = t[1:-1], np.diff(s)
    if left is None:
        return Shallow(np.ones((len(inner), 1)), -inner, kappa, y[0] - s[0] * t[0], s[:1])
    S = list(indices("left", left, len(inner)))
    W = np.ones(len(inner))
    W[S] = -1  # κ (x − t)⁺ = κ (x − t) + κ (t − x)⁺
    b, slope = -W * inner, s[0] + np.sum(kappa[S])
    c = y[0] - np.sum(kappa[S] * (inner[S] - t[0]))
    rounding = 4 * np.finfo(float).eps * np.max(np.abs(y)) / np.min(np.diff(t))  # of a slope
    if abs(slope) > ZERO * (abs(s[0]) + np.sum(np.abs(kappa))) + rounding:
        length = t[-1] - t[0]
        W, b, kappa, c = np.append(W, 1.0), np.append(b, length - t[0]), np.append(kappa, slope), c - slope * length
    return Shallow(W[:, None], b, kappa, np.float64(c))


# ---- descent over the knots
def knot_gradient(knots: np.ndarray, part: Lines, turned: np.ndarray | None = None) -> tuple[float, np.ndarray, np.ndarray]:
    """Least error for given knots, its gradient in the inner ones, and the values there: variable projection.

    Parameters
    ----------
    knots : (n + 2,)
    part : Lines
        The best line on each piece.
    turned : (n + 1,), optional
        Weights r of the constraint Σ_i r_i s_i = 0, as :func:`turned_slopes` gives them.

    Notes
    -----
    The values minimise yᵀA y − 2 bᵀy subject to gᵀy = 0, g the constraint: y = A⁻¹b − λ A⁻¹g. By the envelope theorem the
    gradient is that of error + 2λ gᵀy in t at fixed y. Moving a knot t_k with its value changes s by −(slope) · hat_k on each side,
    and ∫ (s − f) hat_k is H/6 (u + 2v) on the left piece, H/6 (2u + v) on the right one.
    """
    H = part.high - part.low
    y = normal_values(part)
    pull = np.zeros(len(H))  # of the constraint, for each slope
    if turned is not None:
        g = np.append(-turned / H, 0) + np.append(0, turned / H)
        z = np.linalg.solve(normal_matrix(part), g)
        multiplier = (g @ y) / (g @ z)
        y = y - multiplier * z
        pull = 2 * multiplier * turned / H
    s = np.diff(y) / H
    u, v = y[:-1] - part.left, y[1:] - part.right
    at_left = s * (pull - H / 3 * (2 * u + v))  # derivative in the left end of each piece
    at_right = -s * (pull + H / 3 * (u + 2 * v))
    return spline_error(y, part), at_right[:-1] + at_left[1:], y


def turned_slopes(subset: Sequence[int], n: int) -> np.ndarray:
    """r (n + 1,) with Σ_i r_i s_i = s₀ + Σ_S κ, for n inner knots."""
    chosen = np.isin(np.arange(n), subset).astype(float)
    r = np.append(0.0, chosen) - np.append(chosen, 0.0)
    r[0] += 1
    return r


def pieces_between(target: Target, knots: np.ndarray, grid: np.ndarray) -> Lines:
    """The best line on each piece; integrals on the cells that the knots and the grid cut."""
    edges = np.union1d(knots, grid)
    return merged(line_fits(target, edges), np.searchsorted(edges, knots[:-1]))


def fit(target: Target, knots: np.ndarray, grid: np.ndarray, subset: Sequence[int] | None) -> Spline:
    """The best spline with these knots, in the class of the subset."""
    turned = None if subset is None else turned_slopes(subset, len(knots) - 2)
    error, _, values = knot_gradient(knots, pieces_between(target, knots, grid), turned)
    return Spline(error, knots, values, subset if subset is None else tuple(subset))


def descend(target: Target, knots: np.ndarray, grid: np.ndarray, subset: Sequence[int] | None, gtol: float = 1e-10) -> Spline:
    """BFGS over the inner knots from these, until the gradient is gtol of the first error.

    The gaps between knots are a softmax of what it moves, so that they stay in order.
    """
    from scipy.optimize import minimize

    low, A, n = knots[0], knots[-1] - knots[0], len(knots) - 2
    turned = None if subset is None else turned_slopes(subset, n)
    start = fit(target, knots, grid, subset)
    if n == 0 or start.error == 0:
        return start

    def at(z):
        p = np.exp(z - np.max(z))
        p = p / np.sum(p)
        gaps = NEAREST + (1 - (n + 1) * NEAREST) * p
        return np.concatenate([knots[:1], low + A * np.cumsum(gaps)[:-1], knots[-1:]]), p

    def objective(z):
        t, p = at(z)
        error, dt, _ = knot_gradient(t, pieces_between(target, t, grid), turned)
        dgap = A * np.append(np.cumsum(dt[::-1])[::-1], 0.0)  # gap i moves the inner knots behind it
        return error / start.error, (1 - (n + 1) * NEAREST) * p * (dgap - p @ dgap) / start.error

    z = np.log(np.maximum(np.diff(knots) / A, NEAREST))
    end = fit(target, at(minimize(objective, z, jac=True, method="BFGS", options={"gtol": gtol}).x)[0], grid, subset)
    return min(start, end, key=lambda spline: spline.error)


def polish(spline: Spline, target: Target, interval: ArrayLike, cells: int = 64) -> Spline:
    """The spline of least error nearby, its knots moved off their grid: no worse than the best one with the given knots.

    Parameters
    ----------
    spline : Spline
        Its subset S stays a constraint, if it has one that its values obey: not where the last neuron is affine.
    target : callable
        As for :func:`best_spline`.
    interval : (low, high)
        The ends of the knots.
    cells : int >= 1
        Integrals are cut at the knots and at the ends of as many equal cells: f should be smooth on each.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as above.
    """
    low, high = ends(interval)
    knots, _, s = checked(spline)
    if knots[0] != low or knots[-1] != high:
        raise ValueError(f"spline.knots: expected to go from {low} to {high}, got {knots}")
    subset, n = spline.subset, len(knots) - 2
    if subset is not None:
        subset = indices("spline.subset", subset, n)
        r = turned_slopes(subset, n)
        subset = subset if abs(r @ s) <= 1e-6 * np.sum(np.abs(s)) else None  # rounding, or what another optimiser calls zero
    grid = np.linspace(low, high, whole("cells", cells, 1) + 1)
    return descend(target, knots, grid, subset)._replace(subset=spline.subset)


def best_residual(target: Target, interval: ArrayLike, width: int, cells: int = 64) -> Spline:
    """The best response of a residual network of this width, >= 0: the global optimum on a grid of cells > width, then polished.

    What is polished is a local optimum near the best on the grid; :func:`sandwich` says how much lower any spline can be. Other
    arguments and errors as of :func:`best_spline`.
    """
    width, cells = room(width, cells)
    return polish(best_spline(target, interval, width + 1, cells), target, interval, cells)


def best_feedforward(
    target: Target,
    interval: ArrayLike,
    width: int,
    rng: np.random.Generator | None = None,
    restarts: int = 6,
    cells: int = 32,
) -> Spline:
    """The best response of a feedforward network of this width that descent finds: every subset S, each from several starts.

    Parameters
    ----------
    target, interval
        As for :func:`best_spline`.
    width : int, 0 to 10
        There are 2^width subsets.
    rng : numpy.random.Generator, optional
        For the starts; by default one seeded with 0, so that the same call finds the same spline.
    restarts : int >= 1
        Starts with random knots for each subset, besides the best knots of the residual class.
    cells : int > width
        As for :func:`polish`.

    Returns
    -------
    Spline
        With its subset S: `spline_network(spline, left=spline.subset)` has at most `width` neurons. S is empty too where it has one
        knot less, and the last neuron is affine.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as above.
    """
    n, cells = room(width, cells)
    if n > 10:
        raise ValueError(f"width: expected at most 10, for 2^width subsets are searched, got {n}")
    if rng is not None and not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng: expected a numpy.random.Generator, got {type(rng).__name__}")
    rng, restarts = np.random.default_rng(0) if rng is None else rng, whole("restarts", restarts, 1)
    free = best_residual(target, interval, n, cells)
    low, high = ends(interval)
    grid = np.linspace(low, high, cells + 1)
    rough = []
    for subset in (S for size in range(n + 1) for S in combinations(range(n), size)):
        starts = [free.knots] if len(free.knots) == n + 2 else []
        starts += [np.concatenate([[low], np.sort(rng.uniform(low, high, size=n)), [high]]) for _ in range(restarts)]
        rough += [descend(target, knots, grid, subset, gtol=1e-3) for knots in starts]
    rough.sort(key=lambda spline: spline.error)
    found = [descend(target, spline.knots, grid, spline.subset) for spline in rough[:4]]  # their order is known to some 1e-5 only
    if n > 0:
        found.append(best_residual(target, interval, n - 1, cells)._replace(subset=()))
    return min(found, key=lambda spline: spline.error)


def sandwich(target: Target, interval: ArrayLike, pieces: int, cells: int) -> Sandwich:
    """Bounds of the least error of a spline of so many pieces with knots anywhere: lower is proved, upper is reached.

    Arguments and errors as of :func:`best_spline`. lower holds for functions that jump, too: for every generalized response. It is
    computed on a grid four times finer, and the gap closes as cells grow.
    """
    upper = polish(best_spline(target, interval, pieces, cells), target, interval, cells).error
    return Sandwich(lower_bound(target, interval, pieces, 4 * cells), upper)


def checked(spline):
    """Knots, values and slopes of a spline; TypeError or ValueError if it is none."""
    if not isinstance(spline, Spline):
        raise TypeError(f"spline: expected a Spline, got {type(spline).__name__}")
    t = finite("spline.knots", floats("spline.knots", spline.knots, ("k",)).astype(float))
    if len(t) < 2 or not np.all(np.diff(t) > 0):
        raise ValueError(f"spline.knots: expected at least two, increasing, got {t}")
    y = finite("spline.values", floats("spline.values", spline.values, t.shape).astype(float))
    return t, y, np.diff(y) / np.diff(t)


def indices(name, subset, n):
    """The subset as a tuple of distinct indices of n inner knots; otherwise TypeError or ValueError."""
    S = tuple(whole(name, j, 0) for j in subset)
    if len(set(S)) < len(S) or any(j >= n for j in S):
        raise ValueError(f"{name}: expected distinct indices of the {n} inner knots, got {list(S)}")
    return S


def room(width, cells):
    """Both as whole numbers, width < cells; checked."""
    width, cells = whole("width", width, 0), whole("cells", cells, 1)
    if cells <= width:
        raise ValueError(f"cells: expected more than the width, {width}, got {cells}")
    return width, cells


def positive(name, x):
    """x as a finite number > 0; otherwise TypeError or ValueError."""
    x = float(floats(name, x, ()))
    if not 0 < x < np.inf:
        raise ValueError(f"{name}: expected a finite number > 0, got {x}")
    return x
