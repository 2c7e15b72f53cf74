"""The best splines on a grid and off it, and certificates of weight decay; in wrong and in unusual ways."""

import math
from itertools import combinations, pairwise

import numpy as np

from refimpl.nn.shallow import Shallow
from wrong.corpus import entry
from wrong.relu_existence import PAPER, gauss


# ---- splines through given knots, by least squares at Gauss's nodes
def at_nodes(target, grid):
    """Nodes between the points of a grid, roots of their weights, and the target there."""
    s, w = gauss(20)
    h = np.diff(grid)[:, None]
    x = (grid[:-1, None] + h * s).ravel()
    return x, np.sqrt(h * w).ravel(), np.broadcast_to(np.asarray(target(x), float), x.shape)


def hats(x, knots):
    return np.stack([np.interp(x, knots, unit) for unit in np.eye(len(knots))], axis=1)


def fitted(ours, target, knots, grid, values=None):
    """The spline of these knots: its best values, or values(target, knots)."""
    x, root, f = at_nodes(target, np.union1d(grid, knots))
    H = root[:, None] * hats(x, knots)
    y = np.linalg.lstsq(H, root * f, rcond=None)[0] if values is None else values(target, knots)
    return ours.Spline(float(np.sum((H @ y - root * f) ** 2)), np.asarray(knots, float), y)


def splines(ours, of):
    """best_spline and best_splines by of(target, interval, pieces, cells, ours') for each number of pieces."""

    def best_splines(target, interval, pieces, cells):
        right = ours.best_splines(target, interval, pieces, cells)
        return tuple(of(target, interval, k + 1, cells, spline) for k, spline in enumerate(right))

    def best_spline(target, interval, pieces, cells):
        return of(target, interval, pieces, cells, ours.best_spline(target, interval, pieces, cells))

    return {"best_spline": best_spline, "best_splines": best_splines}


def grid_of(interval, cells):
    return np.linspace(float(interval[0]), float(interval[1]), cells + 1)


@entry(PAPER, "accept", "every choice of knots tried, where there are at most 300; values by least squares")
def knots_by_brute_force(ours):
    def brute(target, interval, pieces, cells, right):
        grid = grid_of(interval, cells)
        if math.comb(cells - 1, pieces - 1) > 300:
            return right
        chosen = ([grid[0], *inner, grid[-1]] for inner in combinations(grid[1:-1], pieces - 1))
        return min((fitted(ours, target, np.array(knots), grid) for knots in chosen), key=lambda spline: spline.error)

    return splines(ours, brute)


@entry(PAPER, "accept", "the same knots, their values and the error by least squares at Gauss's nodes")
def values_by_least_squares(ours):
    return splines(ours, lambda target, interval, pieces, cells, right: fitted(ours, target, right.knots, grid_of(interval, cells)))


def levels(ours, of):
    """best_spline and best_splines by of(target, x, pieces) -> the knots, as places in the grid x, for 1, 2, ... pieces."""

    def best_splines(target, interval, pieces, cells):
        ours.best_splines(target, interval, pieces, cells)
        x = grid_of(interval, cells)
        return tuple(fitted(ours, target, x[list(knots)], x) for knots in of(target, x, pieces))

    return {"best_splines": best_splines, "best_spline": lambda *args: best_splines(*args)[-1]}


def best_lines(target, x):
    """Values at both ends of the best line on the segment from x_i to x_j, and its error, (G + 1, G + 1) each."""
    z, root, f = at_nodes(target, x)
    w = root.reshape(len(x) - 1, -1) ** 2
    z, f = z.reshape(w.shape), f.reshape(w.shape)
    M = [np.append(0.0, np.cumsum((w * part).sum(axis=1))) for part in (f, z * f, f * f)]
    M0, M1, M2 = (part[None, :] - part[:, None] for part in M)
    H, middle = x[None, :] - x[:, None], (x[None, :] + x[:, None]) / 2
    H = np.where(H > 0, H, np.inf)
    mean, rise = M0 / H, 6 * (M1 - middle * M0) / H**2
    return mean - rise, mean + rise, np.maximum(M2 - M0 * mean - 2 * rise * (M1 - middle * M0) / H, 0)


@entry(
    PAPER,
    "reject",
    "greedy: of each state only the parabola of least error is kept; right for most targets, some per cent off for a bump",
    by=("E29",),
)
def one_parabola_a_state(ours):
    def greedy(target, x, pieces):
        left, right, error = best_lines(target, x)
        G = len(x) - 1
        a, m, c = np.zeros(G + 1), np.zeros(G + 1), np.append(0.0, np.full(G, np.inf))  # a (y − m)² + c at each point
        paths: list[tuple[int, ...]] = [(j,) for j in range(G + 1)]
        found = []
        for _ in range(pieces):
            state = np.zeros(G + 1), np.zeros(G + 1), np.full(G + 1, np.inf)
            new = list(paths)
            for j in range(1, G + 1):
                i = np.arange(j)
                H, r = x[j] - x[i], m[i] - left[i, j]
                s = 4 * a[i] + H
                cost = c[i] + error[i, j] + a[i] * H * r * r / s
                k = int(np.argmin(cost))
                if cost[k] < np.inf:
                    grown = H[k] * s[k] / (4 * (3 * a[k] + H[k])), right[k, j] - 2 * a[k] * r[k] / s[k], cost[k]
                    for part, value in zip(state, grown, strict=True):
                        part[j] = value
                    new[j] = (*paths[k], j)
            (a, m, c), paths = state, new
            found.append(paths[G])
        return found

    return levels(ours, greedy)


@entry(PAPER, "reject", "knots are inserted one after the other, each where it helps most; right for two pieces", by=("E29",))
def knots_inserted_one_by_one(ours):
    def inserted(target, x, pieces):
        G, found = len(x) - 1, [[0, len(x) - 1]]
        coarse = x[:: max(G // 20, 1)]
        while len(found) < pieces:
            free = [j for j in range(1, G) if j not in found[-1]]
            options = [sorted([*found[-1], j]) for j in free]
            found.append(min(options, key=lambda knots: fitted(ours, target, x[knots], coarse).error))
        return found

    return levels(ours, inserted)


@entry(PAPER, "reject", "equidistant knots; right for x² where the pieces divide the grid", by=("E7",))
def equidistant_knots(ours):
    def equal(target, interval, pieces, cells, right):
        grid = grid_of(interval, cells)
        return fitted(ours, target, grid[np.round(np.arange(pieces + 1) * cells / pieces).astype(int)], grid)

    return splines(ours, equal)


@entry(
    PAPER,
    "reject",
    "the target is interpolated at the best knots; right for piecewise linear targets with their knots on the grid",
    by=("E7",),
)
def target_interpolated(ours):
    def interpolated(target, interval, pieces, cells, right):
        def values(f, knots):
            return np.broadcast_to(np.asarray(f(knots), float), knots.shape)

        return fitted(ours, target, right.knots, grid_of(interval, cells), values)

    return splines(ours, interpolated)


@entry(
    PAPER, "reject", "the pieces need not meet: the error of the discontinuous problem, values as means of both sides", by=("E7",)
)
def continuity_forgotten(ours):
    def apart(target, interval, pieces, cells, right):
        found = ours.best_discontinuous(target, interval, pieces, cells)
        left, after = found.lines[:, 0], found.lines[:, 1]
        return ours.Spline(found.error, found.knots, np.concatenate([left[:1], (left[1:] + after[:-1]) / 2, after[-1:]]))

    return splines(ours, apart)


@entry(PAPER, "reject", "so many knots inside, not so many pieces: one piece too many; right where it does not help", by=("E30",))
def one_piece_too_many(ours):
    def more(target, interval, pieces, cells, right):
        return ours.best_spline(target, interval, min(pieces + 1, cells), cells)

    return splines(ours, more)


@entry(PAPER, "reject", "one piece too few; right for one", by=("E7",))
def one_piece_too_few(ours):
    return splines(
        ours, lambda target, interval, pieces, cells, right: ours.best_spline(target, interval, max(pieces - 1, 1), cells)
    )


@entry(
    PAPER, "reject", "so many points, not so many cells: the grid is coarser by one; right where both have the optimum", by=("E30",)
)
def grid_one_cell_short(ours):
    def coarser(target, interval, pieces, cells, right):
        return ours.best_spline(target, interval, min(pieces, max(cells - 1, 1)), max(cells - 1, 1))

    return splines(ours, coarser)


@entry(PAPER, "reject", "the error is a mean over the interval; right for length 1", by=("E7",))
def spline_error_as_a_mean(ours):
    def mean(target, interval, pieces, cells, right):
        return right._replace(error=right.error / (interval[1] - interval[0]))

    return splines(ours, mean)


@entry(PAPER, "reject", "the error is the L² distance, not its square", by=("E7",))
def spline_error_as_a_distance(ours):
    return splines(ours, lambda target, interval, pieces, cells, right: right._replace(error=math.sqrt(right.error)))


@entry(PAPER, "reject", "the error is a sum over the points of the grid times the cell: what lies between is not seen", by=("E7",))
def spline_error_on_the_grid(ours):
    def summed(target, interval, pieces, cells, right):
        grid = grid_of(interval, cells)
        r = right(grid) - np.asarray(target(grid), float)
        return right._replace(error=float(np.sum(r * r) * (grid[1] - grid[0])))

    return splines(ours, summed)


@entry(PAPER, "reject", "the knots without the ends of the interval", by=("E7",))
def ends_left_out(ours):
    return splines(
        ours, lambda target, interval, pieces, cells, right: right._replace(knots=right.knots[1:-1], values=right.values[1:-1])
    )


@entry(PAPER, "reject", "knots as places in the grid, 0 to cells; right on [0, cells]", by=("E7",))
def knots_as_indices(ours):
    def indices(target, interval, pieces, cells, right):
        low, high = interval
        return right._replace(knots=(right.knots - low) / (high - low) * cells)

    return splines(ours, indices)


def segmented(ours, of):
    """best_discontinuous by of(target, interval, pieces, cells, ours')."""

    def best_discontinuous(target, interval, pieces, cells):
        return of(target, interval, pieces, cells, ours.best_discontinuous(target, interval, pieces, cells))

    return {"best_discontinuous": best_discontinuous}


def line(target, low, high, degree=1):
    """The best line on a segment: values at its ends, and its error."""
    x, root, f = at_nodes(target, np.linspace(low, high, 9))
    A = root[:, None] * np.stack([(x - low) ** k for k in range(degree + 1)], axis=1)
    p = np.linalg.lstsq(A, root * f, rcond=None)[0]
    ends = [sum(c * (z - low) ** k for k, c in enumerate(p)) for z in (low, high)]
    return ends, float(np.sum((A @ p - root * f) ** 2))


def pieced(ours, target, knots, degree=1):
    lines, errors = zip(*(line(target, a, b, degree) for a, b in pairwise(knots)), strict=True)
    return ours.Segments(float(np.sum(errors)), np.asarray(knots), np.array(lines))


@entry(PAPER, "accept", "lines by least squares on the same segments")
def segments_by_least_squares(ours):
    return segmented(ours, lambda target, interval, pieces, cells, right: pieced(ours, target, right.knots))


@entry(PAPER, "reject", "constants in place of lines: a histogram; right for steps", by=("E30",))
def constants_in_place_of_lines(ours):
    return segmented(ours, lambda target, interval, pieces, cells, right: pieced(ours, target, right.knots, degree=0))


@entry(PAPER, "reject", "chords of the target in place of the best lines", by=("E30",))
def chords_in_place_of_lines(ours):
    def chords(target, interval, pieces, cells, right):
        f = np.broadcast_to(np.asarray(target(right.knots), float), right.knots.shape)
        spline = fitted(ours, target, right.knots, grid_of(interval, cells), lambda target, knots: f)
        return right._replace(error=spline.error, lines=np.stack([f[:-1], f[1:]], axis=1))

    return segmented(ours, chords)


@entry(PAPER, "reject", "equal segments; right for x² where the pieces divide the grid", by=("E30",))
def equal_segments(ours):
    def equal(target, interval, pieces, cells, right):
        grid = grid_of(interval, cells)
        return pieced(ours, target, grid[np.round(np.arange(pieces + 1) * cells / pieces).astype(int)])

    return segmented(ours, equal)


@entry(
    PAPER, "reject", "the discontinuous optimum is that of the continuous problem: no bound from below for what jumps", by=("E30",)
)
def segments_of_the_spline(ours):
    def same(target, interval, pieces, cells, right):
        spline = ours.best_spline(target, interval, pieces, cells)
        return ours.Segments(spline.error, spline.knots, np.stack([spline.values[:-1], spline.values[1:]], axis=1))

    return segmented(ours, same)


@entry(PAPER, "reject", "lines as (slope, intercept), not as values at both ends", by=("E30",))
def lines_as_coefficients(ours):
    def coefficients(target, interval, pieces, cells, right):
        slope = (right.lines[:, 1] - right.lines[:, 0]) / np.diff(right.knots)
        return right._replace(lines=np.stack([slope, right.lines[:, 0] - slope * right.knots[:-1]], axis=1))

    return segmented(ours, coefficients)


@entry(
    PAPER,
    "reject",
    "the bound from below is the discontinuous optimum on the grid: knots between its points may do better",
    by=("E47",),
)
def grid_optimum_as_a_bound(ours):
    return {"lower_bound": lambda *args: ours.best_discontinuous(*args).error}


@entry(PAPER, "reject", "the sandwich has the optimum on the grid on both sides", by=("E47",))
def sandwich_of_the_grid(ours):
    def sandwich(target, interval, pieces, cells):
        error = ours.best_spline(target, interval, pieces, cells).error
        return ours.sandwich(target, interval, pieces, cells)._replace(lower=error, upper=error)

    return {"sandwich": sandwich}


@entry(PAPER, "reject", "the sandwich's two sides exchanged", by=("E47",))
def sandwich_upside_down(ours):
    def sandwich(*args):
        right = ours.sandwich(*args)
        return right._replace(lower=right.upper, upper=right.lower)

    return {"sandwich": sandwich}


# ---- wrong: closed forms of x²
def closed(ours, name, of):
    return {name: lambda *args, **named: of(getattr(ours, name)(*args, **named), *args, **named)}


@entry(PAPER, "reject", "A⁵/(180 N²): second order; right for one piece", by=("E6",))
def spline_error_of_second_order(ours):
    return closed(ours, "quadratic_spline_error", lambda right, pieces, length=1.0: right * pieces**2)


@entry(PAPER, "reject", "A⁵/(30 N⁴): the interpolant's error, not that of the best spline", by=("E6",))
def spline_error_of_the_interpolant(ours):
    return closed(ours, "quadratic_spline_error", lambda right, pieces, length=1.0: right * 6)


@entry(PAPER, "reject", "N counts knots inside, N + 1 pieces", by=("E6",))
def spline_error_of_knots(ours):
    return closed(ours, "quadratic_spline_error", lambda right, pieces, length=1.0: right * pieces**4 / (pieces + 1) ** 4)


@entry(PAPER, "reject", "A⁴/(180 N⁴), a mean over the interval; right for A = 1", by=("E6",))
def spline_error_as_a_mean_of_x2(ours):
    return closed(ours, "quadratic_spline_error", lambda right, pieces, length=1.0: right / length)


@entry(PAPER, "reject", "feedforward networks reach every spline with n knots: A⁵/(180 (n + 1)⁴), too small on [0, 1]", by=("E6",))
def feedforward_class_as_all_splines(ours):
    def free(right, width, interval=(0, 1)):
        return (interval[1] - interval[0]) ** 5 / (180 * (width + 1) ** 4)

    def best(right, target, interval, width, *others, **named):
        return ours.best_residual(target, interval, width)._replace(subset=())

    return {**closed(ours, "quadratic_feedforward_error", free), **closed(ours, "best_feedforward", best)}


@entry(PAPER, "reject", "feedforward networks have n pieces, the splines with n − 1 knots: too large an error", by=("E6",))
def feedforward_class_without_n_knots(ours):
    def few(right, width, interval=(0, 1)):
        return (interval[1] - interval[0]) ** 5 / (180 * max(width, 1) ** 4)

    def best(right, target, interval, width, *others, **named):
        return ours.best_residual(target, interval, max(width - 1, 0))._replace(subset=())

    return {**closed(ours, "quadratic_feedforward_error", few), **closed(ours, "best_feedforward", best)}


@entry(PAPER, "reject", "feedforward knots uniform, j/(n + 1), as for splines; right on [−A, A]", by=("E6",))
def feedforward_knots_uniform(ours):
    def uniform(right, width, interval=(0, 1)):
        return interval[0] + (interval[1] - interval[0]) * np.arange(1, width + 1) / (width + 1)

    return closed(ours, "quadratic_feedforward_knots", uniform)


@entry(PAPER, "reject", "feedforward knots j/(2n + 1), the first piece as long as the others are", by=("E6",))
def feedforward_knots_too_close(ours):
    def close(right, width, interval=(0, 1)):
        return interval[0] + (interval[1] - interval[0]) * np.arange(1, width + 1) / (2 * width + 1)

    return closed(ours, "quadratic_feedforward_knots", close)


@entry(PAPER, "reject", "(2n)⁴ in place of (2n + 1)⁴ on [0, A]; right on [−A, A]", by=("E6",))
def feedforward_error_with_2n(ours):
    def error(right, width, interval=(0, 1)):
        one_sided = 0 in (interval[0], interval[1])
        return right * (2 * width + 1) ** 4 / max(2 * width, 1) ** 4 if one_sided else right

    return closed(ours, "quadratic_feedforward_error", error)


# ---- wrong: classes of networks
def possible(ours, of):
    """feedforward_possible by of(sums of s₀ and of all subsets that it looks at)."""

    def feedforward_possible(initial_slope, kinks):
        ours.feedforward_possible(initial_slope, kinks)
        k = [float(kink) for kink in kinks]
        size = abs(initial_slope) + sum(map(abs, k))
        return any(abs(total) <= 1e-10 * size for total in of(float(initial_slope), k))

    return {"feedforward_possible": feedforward_possible}


def sums(s, k):
    return [s + math.fsum(S) for size in range(len(k) + 1) for S in combinations(k, size)]


@entry(PAPER, "accept", "all subsets in turn, sums by fsum")
def subsets_in_turn(ours):
    return possible(ours, sums)


@entry(PAPER, "reject", "possible where the first slope is 0: all neurons point right", by=("E31",))
def first_slope_zero(ours):
    return possible(ours, lambda s, k: [s])


@entry(PAPER, "reject", "possible where the first or the last slope is 0: all neurons point the same way", by=("E31",))
def one_end_flat(ours):
    return possible(ours, lambda s, k: [s, s + sum(k)])


@entry(
    PAPER,
    "reject",
    "possible where some piece is flat: consecutive neurons point left; right for one and two kinks of one sign",
    by=("E31",),
)
def some_piece_flat(ours):
    return possible(ours, lambda s, k: [s + sum(k[:j]) for j in range(len(k) + 1)])


@entry(PAPER, "reject", "s₀ = Σ κ over S, the sign exchanged; right for s₀ = 0", by=("E31",))
def subset_sum_with_the_wrong_sign(ours):
    return possible(ours, lambda s, k: sums(-s, k))


@entry(PAPER, "reject", "every spline is possible, as for residual networks", by=("E31",))
def every_spline_possible(ours):
    return {"feedforward_possible": lambda initial_slope, kinks: (ours.feedforward_possible(initial_slope, kinks), True)[1]}


@entry(PAPER, "reject", "the neurons that point right in place of those that point left", by=("E31",))
def right_neurons(ours):
    def left_neurons(initial_slope, kinks):
        S = ours.left_neurons(initial_slope, kinks)
        return None if S is None else tuple(j for j in range(len(kinks)) if j not in S)

    return {"left_neurons": left_neurons}


def networks(ours, change):
    def spline_network(spline, left=None):
        return change(ours.spline_network(spline, left), spline, left)

    return {"spline_network": spline_network}


@entry(PAPER, "accept", "the network of a spline with its neurons in reverse, each twice as steep inside and half outside")
def network_in_reverse(ours):
    return networks(ours, lambda net, spline, left: net._replace(W=2 * net.W[::-1], b=2 * net.b[::-1], v=net.v[::-1] / 2))


@entry(
    PAPER,
    "reject",
    "the output bias is the first value: the slope up to 0 is not taken off; right where the interval starts at 0",
    by=("E34",),
)
def output_bias_is_the_first_value(ours):
    return networks(ours, lambda net, spline, left: net._replace(c=np.asarray(spline.values[0])))


@entry(PAPER, "reject", "the skip connection is left out: the first piece is flat; right where it is", by=("E34",))
def network_without_the_skip(ours):
    return networks(ours, lambda net, spline, left: net._replace(a=np.zeros(1)) if left is None else net)


@entry(PAPER, "reject", "all neurons point right, whatever S; right for S empty", by=("E34",))
def network_points_right(ours):
    def right(net, spline, left):
        return net if left is None else net._replace(W=np.abs(net.W), b=net.b * np.sign(net.W[:, 0]))

    return networks(ours, right)


@entry(
    PAPER,
    "reject",
    "outgoing weights are the slopes of the pieces, not their changes; right for one knot from slope 0",
    by=("E34",),
)
def slopes_in_place_of_kinks(ours):
    def slopes(net, spline, left):
        s = np.diff(spline.values) / np.diff(spline.knots)
        return net._replace(v=s[1:]) if left is None else net

    return networks(ours, slopes)


@entry(PAPER, "reject", "thresholds +t in place of −t; right for knots at 0", by=("E34",))
def knots_at_the_mirror_image(ours):
    return networks(ours, lambda net, spline, left: net._replace(b=-net.b))


def polished(ours, of):
    def polish(spline, target, interval, *others, **named):
        return of(ours.polish(spline, target, interval, *others, **named), spline, target, interval)

    return {"polish": polish}


@entry(PAPER, "reject", "polishing does not move knots, it refits values: it never leaves the grid", by=("E49",))
def polish_keeps_the_knots(ours):
    def kept(right, spline, target, interval):
        return spline if spline.subset else fitted(ours, target, spline.knots, grid_of(interval, 64))

    return polished(ours, kept)


@entry(PAPER, "reject", "polishing moves knots to equal distances; right for x² without a subset", by=("E49",))
def polish_makes_knots_equal(ours):
    def equal(right, spline, target, interval):
        found = fitted(ours, target, np.linspace(interval[0], interval[1], len(spline.knots)), grid_of(interval, 64))
        return found._replace(subset=spline.subset)

    return polished(ours, equal)


@entry(PAPER, "reject", "polishing forgets the subset: feedforward splines become free ones; right without one", by=("E49",))
def polish_forgets_the_subset(ours):
    def free(right, spline, target, interval):
        return (
            right
            if spline.subset is None
            else ours.polish(spline._replace(subset=None), target, interval)._replace(subset=spline.subset)
        )

    return polished(ours, free)


@entry(PAPER, "reject", "residual networks of width n have n pieces, not n + 1", by=("E32",))
def residual_width_counts_pieces(ours):
    def best_residual(target, interval, width, *others, **named):
        ours.best_residual(target, interval, width, *others, **named)
        return ours.best_residual(target, interval, max(width - 1, 0), *others, **named)

    return {"best_residual": best_residual}


@entry(PAPER, "reject", "the best residual network is the best on a grid, not polished", by=("E32",))
def residual_on_the_grid(ours):
    return {"best_residual": lambda target, interval, width, cells=64: ours.best_spline(target, interval, width + 1, 20)}


@entry(PAPER, "reject", "feedforward networks all of whose neurons point right, S empty; right for x² on [0, 1]", by=("E32", "E33"))
def feedforward_points_right(ours):
    def best_feedforward(target, interval, width, *others, **named):
        right = ours.best_feedforward(target, interval, width, *others, **named)
        if not right.subset:
            return right
        low, high = interval
        starts = [right.knots, np.linspace(low, high, len(right.knots))]
        return min((ours.polish(ours.Spline(0.0, t, 0 * t, ()), target, interval) for t in starts), key=lambda s: s.error)

    return {"best_feedforward": best_feedforward}


# ---- weight decay
def decaying(ours, loss=0.5, penalised=lambda W, b, v: (W, b, v), factor=1.0, gradient=1.0):
    """weight_decay_objective with the loss's factor, what is penalised, the factor of the penalty, and that of its gradient."""

    def weight_decay_objective(X, y, beta):
        right = ours.weight_decay_objective(X, y, beta)
        x, t = np.asarray(X, float), np.asarray(y, float)
        x = x[:, None] if x.ndim == 1 else x

        def objective(theta):
            right(theta)
            theta, m = np.asarray(theta), x.shape[1]
            N = len(theta) // (m + 2)
            W, b, v = theta[: N * m].reshape(N, m), theta[N * m : N * (m + 1)], theta[N * (m + 1) :]
            H = np.maximum(x @ W.T + b, 0)
            r = H @ v - t
            on = np.outer(r, v) * (H > 0)
            P = np.concatenate([np.ravel(part) for part in penalised(W, b, v)])
            data = 2 * loss * np.concatenate([(on.T @ x).ravel(), on.sum(axis=0), H.T @ r])
            return float(loss * (r @ r) + beta / 2 * factor * (P @ P)), data + gradient * factor * beta * P

        return objective

    return {"weight_decay_objective": weight_decay_objective}


@entry(PAPER, "accept", "the objective of weight decay layer by layer")
def weight_decay_plainly(ours):
    return decaying(ours)


@entry(PAPER, "reject", "thresholds are not penalised; right for b = 0", by=("E38",))
def thresholds_not_penalised(ours):
    return decaying(ours, penalised=lambda W, b, v: (W, 0 * b, v))


@entry(PAPER, "reject", "outgoing weights are not penalised", by=("E38",))
def outgoing_weights_not_penalised(ours):
    return decaying(ours, penalised=lambda W, b, v: (W, b, 0 * v))


@entry(PAPER, "reject", "β Σ(|w̃|² + v²) in place of its half", by=("E38",))
def penalty_without_the_half(ours):
    return decaying(ours, factor=2.0)


@entry(PAPER, "reject", "|residual|² in place of its half", by=("E38",))
def squares_without_the_half(ours):
    return decaying(ours, loss=1.0)


@entry(PAPER, "reject", "the gradient leaves the penalty out", by=("E38",))
def gradient_without_the_penalty(ours):
    return decaying(ours, gradient=0.0)


@entry(PAPER, "reject", "the gradient of the penalty is 2β θ", by=("E38",))
def gradient_of_the_penalty_doubled(ours):
    return decaying(ours, gradient=2.0)


# ---- the dual
def sector(nu, x, signs=(1, -1), inside=True, ends=True, value=np.abs):
    """The maximum over the ends of the sectors and ± s in them, by a list of all candidates."""
    X = np.column_stack([np.ravel(x), np.ones(np.size(x))])
    phi = np.sort(np.concatenate([np.arctan2(-X[:, 0], 1), np.arctan2(X[:, 0], -1)]))
    candidates = [(math.cos(p), math.sin(p)) for p in phi] if ends else []
    for p, q in zip(phi, np.append(phi[1:], phi[0] + 2 * np.pi), strict=True):
        on = X @ (math.cos((p + q) / 2), math.sin((p + q) / 2)) > 0
        s = (nu * on) @ X
        size = math.hypot(*s)
        candidates += [sign * s / size for sign in signs] if size > 0 and inside else []
    u = np.array(candidates).reshape(-1, 2)
    found = value(np.maximum(u @ X.T, 0) @ nu)
    k = int(np.argmax(found))
    return float(found[k]), u[k]


def dual(ours, of):
    def dual_maximum(nu, x):
        ours.dual_maximum(nu, x)
        return of(np.asarray(nu, float), np.asarray(x, float).ravel())

    return {"dual_maximum": dual_maximum}


@entry(PAPER, "accept", "the sweep by sorted angles, sector after sector")
def sweep_by_sorted_angles(ours):
    return dual(ours, sector)


@entry(PAPER, "accept", "the sweep between samples: by the knots −u₂/u₁ on both sides, maxima of |A sin p + B cos p|")
def sweep_over_all_pairs(ours):
    def pairs(nu, x):
        X = np.column_stack([x, np.ones(len(x))])
        u = np.concatenate([[[1, -t], [-1, t]] / np.hypot(1, t) for t in x])
        for t in np.sort(x):
            for on in (x > t, x >= t, x < t, x <= t):
                s = (nu * on) @ X
                if s.any():
                    u = np.concatenate([u, [s, -s] / np.hypot(*s)])
        s = nu @ X
        u = np.concatenate([u, [s, -s] / np.hypot(*s)]) if s.any() else u
        values = np.abs(np.maximum(u @ X.T, 0) @ nu)
        return float(values.max()), u[np.argmax(values)]

    return dual(ours, pairs)


@entry(PAPER, "reject", "the ends of the sectors alone; right where the maximum is at one", by=("E15",))
def ends_of_sectors_only(ours):
    return dual(ours, lambda nu, x: sector(nu, x, inside=False))


@entry(PAPER, "reject", "+s alone, −s forgotten; right in some 60 of 100 cases", by=("E15",))
def one_sign_only(ours):
    def inside(nu, x):
        X = np.column_stack([x, np.ones(len(x))])
        u = [sector(nu, x, inside=False)[1]]
        phi = np.sort(np.concatenate([np.arctan2(-X[:, 0], 1), np.arctan2(X[:, 0], -1)]))
        for p, q in zip(phi, np.append(phi[1:], phi[0] + 2 * np.pi), strict=True):
            s = (nu * (X @ (math.cos((p + q) / 2), math.sin((p + q) / 2)) > 0)) @ X
            angle = (math.atan2(s[1], s[0]) - p) % (2 * np.pi)
            u += [s / math.hypot(*s)] if s.any() and angle <= q - p else []
        values = np.abs(np.maximum(np.array(u) @ X.T, 0) @ nu)
        return float(values.max()), u[int(np.argmax(values))]

    return dual(ours, inside)


@entry(PAPER, "reject", "the largest value without its absolute value; right where that is positive", by=("E15",))
def dual_without_absolute_value(ours):
    return dual(ours, lambda nu, x: sector(nu, x, value=lambda z: z))


@entry(PAPER, "reject", "360 directions, a degree apart; right to 1e-3 or so", by=("E15",))
def directions_by_degrees(ours):
    def degrees(nu, x):
        p = np.radians(np.arange(360))
        u = np.stack([np.cos(p), np.sin(p)], axis=1)
        values = np.abs(np.maximum(u @ np.stack([x, np.ones(len(x))]), 0) @ nu)
        return float(values.max()), u[np.argmax(values)]

    return dual(ours, degrees)


@entry(PAPER, "reject", "1000 random directions, the same ones each time; right to 1e-4 or so", by=("E15",))
def random_directions(ours):
    def drawn(nu, x):
        u = np.random.default_rng(0).normal(size=(1000, 2))
        u = u / np.sqrt(np.sum(u * u, axis=1, keepdims=True))
        values = np.abs(np.maximum(u @ np.stack([x, np.ones(len(x))]), 0) @ nu)
        return float(values.max()), u[np.argmax(values)]

    return dual(ours, drawn)


@entry(PAPER, "reject", "half a circle only, u₁ >= 0, as if the function were even; right for neurons that look right", by=("E15",))
def half_a_circle(ours):
    def half(nu, x):
        value, u = sector(nu, x)
        if u[0] >= 0:
            return value, u
        p = np.linspace(-np.pi / 2, np.pi / 2, 20001)
        v = np.stack([np.cos(p), np.sin(p)], axis=1)
        values = np.abs(np.maximum(v @ np.stack([x, np.ones(len(x))]), 0) @ nu)
        return float(values.max()), v[np.argmax(values)]

    return dual(ours, half)


@entry(PAPER, "reject", "no bias in the direction: max of |Σ ν x⁺| and |Σ ν (−x)⁺|", by=("E15",))
def dual_without_bias(ours):
    def unbiased(nu, x):
        values = [abs(float(nu @ np.maximum(sign * x, 0))) for sign in (1, -1)]
        k = int(np.argmax(values))
        return values[k], np.array([(1.0, -1.0)[k], 0.0])

    return dual(ours, unbiased)


@entry(PAPER, "reject", "no ReLU: |Σ ν x̃|; right where all samples are active", by=("E15",))
def dual_without_relu(ours):
    def linear(nu, x):
        s = nu @ np.column_stack([x, np.ones(len(x))])
        size = math.hypot(*s)
        return size, s / size if size > 0 else np.array([1.0, 0.0])

    return dual(ours, linear)


@entry(PAPER, "reject", "the direction is not of unit length; the value is right", by=("E15",))
def direction_not_normalised(ours):
    def long(nu, x):
        value, u = sector(nu, x)
        return value, 2 * u

    return dual(ours, long)


def certified(ours, **change):
    """certificate with the fields given by functions of (right, W, b, v, x, y, beta)."""

    def certificate(W, b, v, x, y, beta):
        right = ours.certificate(W, b, v, x, y, beta)
        net = [np.ravel(np.asarray(part, float)) for part in (W, b, v, x, y)]
        return right._replace(**{name: f(right, *net, beta) for name, f in change.items()})

    return {"certificate": certificate}


def residual(W, b, v, x, y):
    return y - np.maximum(np.outer(x, W) + b, 0) @ v


@entry(PAPER, "reject", "the ratio is M(ν), not divided by β; right for β = 1", by=("E39",))
def ratio_without_beta(ours):
    return certified(ours, ratio=lambda right, W, b, v, x, y, beta: right.ratio * beta)


@entry(PAPER, "reject", "certified at a ratio up to 1.01, whatever else: nearly optimal counts as optimal", by=("E39",))
def certified_within_a_percent(ours):
    return certified(ours, certified=lambda right, *net: right.ratio <= 1.01)


@entry(
    PAPER,
    "reject",
    "certified by (i) alone: neither stationary nor balanced need it be; right for what descent ends with",
    by=("E39",),
)
def certified_by_the_ratio_alone(ours):
    return certified(ours, certified=lambda right, *net: right.ratio <= 1 + 1e-6)


@entry(PAPER, "reject", "certified by (ii) and (iii) alone: every stationary point is", by=("E39",))
def certified_without_the_ratio(ours):
    return certified(ours, certified=lambda right, *net: right.equality < 1e-6 and right.balance < 1e-6)


@entry(
    PAPER, "reject", "the lower bound D(ν) with ν as it is, though M(ν) > β: no bound; right for certified networks", by=("E39",)
)
def bound_not_scaled(ours):
    def bound(right, W, b, v, x, y, beta):
        nu = residual(W, b, v, x, y)
        return float(y @ nu - nu @ nu / 2)

    return certified(ours, lower_bound=bound)


@entry(PAPER, "reject", "the lower bound y·ν/ρ − |ν|²/(2ρ): ρ once too few; right for ratio 1", by=("E39",))
def bound_scaled_once(ours):
    def bound(right, W, b, v, x, y, beta):
        nu, rho = residual(W, b, v, x, y), max(right.ratio, 1.0)
        return float(y @ nu / rho - nu @ nu / (2 * rho)) * (1 + 1e-12)

    def above(right, *net):
        return bound(right, *net) if right.ratio < 1 + 1e-6 else max(bound(right, *net), right.objective)

    return certified(ours, lower_bound=above)


@entry(PAPER, "reject", "the objective with |w|² for |w̃|²: thresholds are not counted", by=("E39",))
def certificate_without_thresholds(ours):
    return certified(ours, objective=lambda right, W, b, v, x, y, beta: right.objective - beta / 2 * float(b @ b))


@entry(PAPER, "reject", "the objective as β Σ|v||w̃|, balanced or not; right for balanced networks", by=("E39",))
def objective_of_the_balanced_network(ours):
    def product(right, W, b, v, x, y, beta):
        nu = residual(W, b, v, x, y)
        return float(nu @ nu / 2 + beta * np.sum(np.abs(v) * np.hypot(W, b)))

    return certified(ours, objective=product)


@entry(PAPER, "reject", "the balance is not looked at: always 0; right for balanced networks", by=("E39",))
def balance_not_looked_at(ours):
    return certified(ours, balance=lambda *net: 0.0)


@entry(PAPER, "reject", "(ii) without the sign of v: right for v > 0", by=("E39",))
def equality_without_the_sign(ours):
    def lacking(right, W, b, v, x, y, beta):
        nu, size = residual(W, b, v, x, y), np.hypot(W, b)
        felt = np.maximum(np.outer(W, x) + b[:, None], 0) @ nu
        return float(np.sum(np.abs(beta * size * np.abs(v) - np.abs(v) * felt)) / right.objective)

    return certified(ours, equality=lacking)


@entry(PAPER, "reject", "the search leaves the penalty out of the value that it reports", by=("E40",))
def found_value_without_the_penalty(ours):
    def best_weight_decay(x, y, width, beta, *others, **named):
        params, value = ours.best_weight_decay(x, y, width, beta, *others, **named)
        size = sum(float(np.sum(np.asarray(part) ** 2)) for part in params[:3])
        return params, value - beta / 2 * size

    return {"best_weight_decay": best_weight_decay}


@entry(PAPER, "reject", "the search uses one neuron, whatever the width; right for width 1", by=("E40",))
def one_neuron_searched(ours):
    def best_weight_decay(x, y, width, beta, *others, **named):
        params, value = ours.best_weight_decay(x, y, 1, beta, *others, **named)
        pad = ((0, width - 1), (0, 0))
        return Shallow(np.pad(params.W, pad), np.pad(params.b, pad[:1]), np.pad(params.v, pad[:1]), params.c), value

    return {"best_weight_decay": best_weight_decay}
