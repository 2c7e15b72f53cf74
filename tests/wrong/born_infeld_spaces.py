"""Walls and spheres of Born-Infeld dynamics, in wrong and in unusual ways."""

import numpy as np

from refimpl.manifolds import motion
from wrong.born_infeld import PAPER, evaluated, square
from wrong.corpus import entry

# ---- spaces: what every step is given for them
STEPS = ("bbi_step", "euler_step", "leapfrog_step", "yoshida_step", "bbi_rows", "leapfrog_rows")


def in_space(ours, change):
    """All steps, in change(space) where a space is given."""

    def made(name):
        def step(objective, state, h, *, space=None, **options):
            return getattr(ours, name)(objective, state, h, space=None if space is None else change(space), **options)

        return step

    return {name: made(name) for name in STEPS}


def moving(drift):
    """Space -> the same with drift(space, theta, pi, a) for its motion."""
    return lambda space: space._replace(drift=lambda theta, pi, a: drift(space, theta, pi, a))


@entry(PAPER, "reject", "at a wall every component of π is reversed; right for one coordinate", by=("B35",))
def wall_reverses_everything(ours):
    def drift(space, theta, pi, a):
        theta, new = space.drift(theta, pi, a)
        return theta, np.where(np.any(new == -pi, axis=-1, keepdims=True) & ~np.all(new == pi, axis=-1, keepdims=True), -pi, new)

    return in_space(ours, moving(lambda space, theta, pi, a: drift(space, theta, pi, a)))


@entry(
    PAPER,
    "reject",
    "π is not carried along: θ turns at the wall, or on the sphere, and π stays; right where nothing turns",
    by=("B35",),
)
def momentum_not_carried_along(ours):
    return in_space(ours, moving(lambda space, theta, pi, a: (space.drift(theta, pi, a)[0], pi)))


@entry(
    PAPER,
    "reject",
    "on the sphere π is projected at the new place, not transported: |π| is lost; right where nothing is curved",
    by=("B31",),
)
def momentum_projected_in_place_of_carried(ours):
    def drift(space, theta, pi, a):
        there, carried = space.drift(theta, pi, a)
        flat = np.array_equal(np.abs(carried), np.abs(pi))
        return there, carried if flat else space.tangent(there, pi)

    return in_space(ours, moving(drift))


@entry(PAPER, "reject", "the gradient is not projected on the tangent space; right where nothing is curved", by=("B31",))
def gradient_not_projected(ours):
    return in_space(ours, lambda space: space._replace(tangent=lambda theta, v: v))


@entry(PAPER, "reject", "the space is ignored: straight on, through walls and off the sphere", by=("B22",))
def space_ignored(ours):
    def made(name):
        return lambda objective, state, h, *, space=None, **options: getattr(ours, name)(objective, state, h, **options)

    return {name: made(name) for name in STEPS}


# ---- walls
def walls(fold):
    """box by fold(theta, pi, low, high) -> (theta, pi) of the point that a straight line leads to."""

    def box(low, high):
        right = motion.box(low, high)
        low, high = np.asarray(low, float), np.asarray(high, float)

        def drift(theta, pi, a):
            with np.errstate(all="ignore"):
                there, back = fold(theta + a * pi, pi, low, high)
            return there.astype(theta.dtype), back.astype(pi.dtype)

        return right._replace(drift=drift)

    return {"box": box}


@entry(PAPER, "reject", "walls: the position is clipped, π goes on against the wall", by=("B35",))
def wall_that_clips(ours):
    return walls(lambda x, pi, low, high: (np.clip(x, low, high), pi))


@entry(
    PAPER, "reject", "walls: π is reversed and the position clipped, not reflected; right in the limit of short steps", by=("B35",)
)
def wall_that_clips_and_reverses(ours):
    return walls(lambda x, pi, low, high: (np.clip(x, low, high), np.where((x < low) | (x > high), -pi, pi)))


@entry(PAPER, "reject", "walls: reflected once and clipped; right for steps shorter than the box", by=("B35",))
def wall_that_reflects_once(ours):
    def fold(x, pi, low, high):
        out = (x < low) | (x > high)
        return np.clip(np.where(x < low, 2 * low - x, np.where(x > high, 2 * high - x, x)), low, high), np.where(out, -pi, pi)

    return walls(fold)


@entry(PAPER, "reject", "walls: the number of reflections is cut towards zero, which is wrong beyond the lower wall", by=("B35",))
def wall_that_cuts_towards_zero(ours):
    def fold(x, pi, low, high):
        y = (x - low) / (high - low)
        k = np.trunc(y)
        f = np.abs(y - k)
        both = np.isfinite(high - low)
        odd = (k % 2 == 1) & both
        there, back = wall_that_reflects_once(ours)["box"](low, high).drift(x, pi, 0.0)
        return np.where(both, low + (high - low) * np.where(odd, 1 - f, f), there), np.where(both, np.where(odd, -pi, pi), back)

    return walls(fold)


@entry(PAPER, "reject", "walls: the box is closed to a torus, what leaves at one side comes in at the other", by=("B35",))
def wall_that_wraps(ours):
    def fold(x, pi, low, high):
        return np.where(np.isfinite(high - low), low + np.mod(x - low, high - low), np.clip(x, low, high)), pi

    return walls(fold)


@entry(PAPER, "reject", "walls: a bound on one side only is no wall; right where there are two or none", by=("B22",))
def wall_on_one_side_forgotten(ours):
    def fold(x, pi, low, high):
        there, back = motion.box(np.where(np.isfinite(high), low, -np.inf), np.where(np.isfinite(low), high, np.inf)).drift(
            x, pi, 0.0
        )
        return there, back

    return walls(fold)


@entry(PAPER, "accept", "walls: reflected at one wall after the other until inside")
def walls_one_after_the_other(ours):
    def fold(x, pi, low, high):
        x, pi = np.array(x, float), np.array(pi)
        for _ in range(10000):
            below, above = x < low, x > high
            if not (below | above).any():
                break
            x = np.where(below, 2 * low - x, np.where(above, 2 * high - x, x))
            pi = np.where(below | above, -pi, pi)
        return x, pi

    return walls(fold)


@entry(PAPER, "accept", "walls: a triangle wave, |((y + 1) mod 2) − 1| from the lower wall")
def walls_by_a_triangle_wave(ours):
    def fold(x, pi, low, high):
        width = high - low
        y = np.mod((x - low) / width, 2)
        there, back = motion.box(low, high).drift(x, pi, 0.0)
        inside = (low <= x) & (x <= high)
        folded = np.where(np.isfinite(width), low + width * (1 - np.abs(y - 1)), there)
        return np.where(inside, x, np.clip(folded, low, high)), np.where(
            np.isfinite(width) & ~inside, np.where(y > 1, -pi, pi), back
        )

    return walls(fold)


def located(ours, *, turn=None, continued=None, fraction=None):
    """located_step with the collision's momentum, the rest of the step, or the way the wall is found, in another way."""

    def step_to_walls(objective, state, h, low, high, *, step=ours.leapfrog_step, hits=100, **options):
        def outside(theta):
            return (theta < low) | (theta > high)

        if outside(state.theta).any():
            raise ValueError("state: outside")
        rest = h
        for _ in range(hits):
            end = step(objective, state, rest, **options)
            if not outside(end.theta).any():
                return end
            find = fraction or bisection
            part, there = find(lambda x, s=state: step(objective, s, x, **options), state, rest, end, outside, low, high)
            wall = outside(there.theta)
            theta = np.clip(there.theta, low, high)
            V, dV = evaluated(objective, state, theta)
            pi = np.where(wall, -there.pi, there.pi) if turn is None else turn(there.pi, wall)
            state = there._replace(theta=theta, V=V, dV=np.asarray(dV).astype(theta.dtype), pi=pi)
            rest = rest - part if continued is None else continued(rest, part)
            if rest == 0:
                return state
        raise ours.OutsideDomain("too many walls")

    return {"located_step": step_to_walls}


def bisection(step, state, rest, end, outside, low, high):
    inner, outer, there = 0.0, rest, end
    while True:
        middle = 0.5 * (inner + outer)
        if middle in (inner, outer):
            return outer, there
        trial = step(middle)
        if outside(trial.theta).any():
            outer, there = middle, trial
        else:
            inner = middle


@entry(PAPER, "reject", "located walls: every component of π is reversed; right for one coordinate", by=("B35",))
def located_wall_reverses_everything(ours):
    return located(ours, turn=lambda pi, wall: -pi)


@entry(PAPER, "reject", "located walls: π goes on against the wall", by=("B35",))
def located_wall_without_a_turn(ours):
    def turn(pi, wall):
        return pi

    return located(ours, turn=turn, continued=lambda rest, part: 0.0)


@entry(PAPER, "reject", "located walls: the rest of the step after a collision is dropped", by=("B35",))
def located_wall_ends_the_step(ours):
    return located(ours, continued=lambda rest, part: 0.0)


@entry(PAPER, "reject", "located walls: after a collision the whole of the step is taken again", by=("B22",))
def located_wall_restarts_the_step(ours):
    def step(objective, state, h, low, high, *, step=ours.leapfrog_step, **options):
        end = step(objective, state, h, **options)
        if not ((end.theta < low) | (end.theta > high)).any():
            return end
        return ours.located_step(objective, located(ours, continued=lambda rest, part: 0.0)["located_step"](
            objective, state, h, low, high, step=step, **options), h, low, high, step=step, **options)  # fmt: skip

    return {"located_step": step}


@entry(
    PAPER,
    "reject",
    "located walls: found along the chord from the old to the new θ, which is not where the step ends; nearly right",
    by=("B22",),
)
def located_wall_on_the_chord(ours):
    def chord(step, state, rest, end, outside, low, high):
        with np.errstate(all="ignore"):
            way = end.theta - state.theta
            parts = np.where(
                end.theta > high, (high - state.theta) / way, np.where(end.theta < low, (low - state.theta) / way, 1.0)
            )
        part = rest * float(np.min(parts))
        i = int(np.argmin(parts))
        there = step(part)
        theta = there.theta.copy()
        theta[i] = np.nextafter(high[i], np.inf) if way[i] > 0 else np.nextafter(low[i], -np.inf)
        return (part if part else 0.01 * rest), there._replace(theta=theta)

    return located(ours, fraction=chord)


@entry(PAPER, "accept", "located walls: found by Brent's method on the distance to the wall")
def located_walls_by_brent(ours):
    from scipy.optimize import brentq

    def brent(step, state, rest, end, outside, low, high):
        def beyond(x):
            theta = state.theta if x == 0 else step(x).theta
            return float(np.max(np.maximum(low - theta, theta - high)))

        if beyond(0.0) >= 0:  # on a wall already: the bracket begins where it has left it
            return bisection(step, state, rest, end, outside, low, high)
        part = float(brentq(beyond, 0.0, rest, xtol=1e-300, rtol=4 * np.finfo(float).eps))
        while not outside((there := step(part)).theta).any():
            part = float(np.nextafter(part, np.sign(rest) * np.inf))
        return part, there

    return located(ours, fraction=brent)


# ---- spheres
def sphere(move=None, project=None):
    """spheres by move(x, v, a) of rows (..., m, d) and project(x, v)."""

    def spheres(m, d):
        right = motion.spheres(m, d)

        def rows(theta):
            return theta.reshape(*theta.shape[:-1], m, d)

        def drift(theta, pi, a):
            there, carried = move(rows(theta), rows(pi), a if np.ndim(a) == 0 else np.expand_dims(a, -1))
            return there.reshape(theta.shape).astype(theta.dtype), carried.reshape(theta.shape).astype(pi.dtype)

        def tangent(theta, v):
            return project(rows(theta), rows(v)).reshape(theta.shape)

        return right._replace(drift=drift if move else right.drift, tangent=tangent if project else right.tangent)

    return {"spheres": spheres}


def length(v):
    return np.sqrt(square(v))


def off(x, v):
    return v - np.sum(x * v, axis=-1, keepdims=True) * x


def turned(x, v, angle):
    """Both turned by the angle in their plane."""
    r = length(v)
    e = v / np.where(r == 0, 1, r)
    return x * np.cos(angle) + e * np.sin(angle), v * np.cos(angle) - x * r * np.sin(angle)


@entry(
    PAPER, "reject", "spheres: a step along the tangent, projected back, for the great circle; right to second order", by=("B23",)
)
def sphere_by_projection(ours):
    def move(x, v, a):
        there = (x + a * v) / length(x + a * v)
        carried = off(there, v)
        return there, carried * length(v) / np.where(length(carried) == 0, 1, length(carried))

    return sphere(move)


@entry(PAPER, "reject", "spheres: a straight step off the sphere, π projected nowhere", by=("B31",))
def sphere_left_on_the_tangent(ours):
    return sphere(lambda x, v, a: (x + a * v, v))


@entry(PAPER, "reject", "spheres: every point turns by the angle a, not a |π_i|; right where |π_i| = 1", by=("B31",))
def sphere_turned_by_the_duration(ours):
    return sphere(lambda x, v, a: turned(x, v, a + 0 * length(v)))


@entry(PAPER, "reject", "spheres: every point turns by a |π|, the length of the whole momentum; right for one point", by=("B31",))
def sphere_turned_by_the_whole_momentum(ours):
    return sphere(lambda x, v, a: turned(x, v, a * np.sqrt(np.sum(v * v, axis=(-2, -1), keepdims=True))))


@entry(PAPER, "reject", "spheres: π is turned the other way: + x |π| sin", by=("B31",))
def sphere_momentum_turned_the_other_way(ours):
    def move(x, v, a):
        r = length(v)
        return turned(x, v, a * r)[0], v * np.cos(a * r) + x * r * np.sin(a * r)

    return sphere(move)


@entry(PAPER, "reject", "spheres: π lacks |π_i| in its part along x; right where |π_i| = 1", by=("B31",))
def sphere_momentum_without_its_length(ours):
    def move(x, v, a):
        r = length(v)
        return turned(x, v, a * r)[0], v * np.cos(a * r) - x * np.sin(a * r)

    return sphere(move)


@entry(PAPER, "reject", "spheres: each |π_i| is made that of their mean: only the whole is kept; right for one point", by=("B31",))
def sphere_momentum_shared_out(ours):
    def move(x, v, a):
        there, v = turned(x, v, a * length(v))
        r = length(v)
        return there, v / np.where(r == 0, 1, r) * np.sqrt(np.mean(r * r, axis=-2, keepdims=True))

    return sphere(move)


@entry(PAPER, "reject", "spheres: the tangent part is taken of all points as one long vector; right for one point", by=("B31",))
def sphere_tangent_of_all_at_once(ours):
    def project(x, v):
        along_x = np.sum(x * v, axis=(-2, -1), keepdims=True) / np.sum(x * x, axis=(-2, -1), keepdims=True)
        return v - along_x * x

    return sphere(project=project)


@entry(PAPER, "reject", "spheres: twice the normal part is taken away: reflected, not projected", by=("B31",))
def sphere_tangent_by_reflection(ours):
    return sphere(project=lambda x, v: 2 * off(x, v) - v)


@entry(PAPER, "accept", "spheres: each point turned by the matrix exponential of a (π xᵀ − x πᵀ)")
def spheres_by_rotation_matrices(ours):
    from scipy.linalg import expm

    def move(x, v, a):
        if x.ndim > 2:  # an exponential for each point of each row takes too long
            return turned(x, v, a * length(v))
        there, carried = np.empty_like(x), np.empty_like(v)
        a = np.broadcast_to(a, (*x.shape[:-1], 1))
        for i in np.ndindex(*x.shape[:-1]):
            R = expm(a[i] * (np.outer(v[i], x[i]) - np.outer(x[i], v[i])))
            there[i], carried[i] = R @ x[i], R @ v[i]
            there[i] /= np.sqrt(there[i] @ there[i])
            carried[i] -= (carried[i] @ there[i]) * there[i]
        return there, carried

    return sphere(move)


@entry(PAPER, "accept", "spheres: one turn of the complex number |π_i| x + i π_i")
def spheres_by_complex_numbers(ours):
    def move(x, v, a):
        r = length(v)
        z = (x - 1j * v / np.where(r == 0, 1, r)) * np.exp(1j * a * r)
        there = z.real / length(z.real)
        return there, off(there, -z.imag * r)

    return sphere(move)
