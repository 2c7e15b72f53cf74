"""Bounces, ensembles and runs of Born-Infeld dynamics, in wrong and in unusual ways."""

import numpy as np

from wrong.born_infeld import PAPER, arrived, square, tangent
from wrong.corpus import entry


# ---- bounces: of one momentum, or of one a row
def bouncing(ours, turn, after=lambda old, new: new):
    """bounce and bounce_rows by turn(state, rng, space) -> momentum; as released, ours."""

    def bounce(state, rng, *, space=None, as_released=False):
        if as_released:
            return ours.bounce(state, rng, space=space, as_released=True)
        return after(state, state._replace(pi=np.asarray(turn(state, rng, space)).astype(state.pi.dtype)))

    def bounce_rows(state, rng, which=None, *, space=None, as_released=False):
        if as_released:
            return ours.bounce_rows(state, rng, which, space=space, as_released=True)
        pi = turn(state, rng, space)
        return after(state, state._replace(pi=pi if which is None else np.where(which[:, None], pi, state.pi)))

    return {"bounce": bounce, "bounce_rows": bounce_rows}


def normal(state, rng):
    return rng.standard_normal(state.pi.shape)


def along(state, z, space=None):
    """|π| in the direction of z."""
    z = tangent(state, z, space)
    return z * np.sqrt(square(state.pi) / square(z))


def halves(v):
    n = v.shape[-1] // 2
    return [part for part in (v[..., :n], v[..., n:]) if part.shape[-1]]


@entry(
    PAPER,
    "reject",
    "bounce: the direction of a point of the cube [-½, ½]^n, which leans to the corners; right for one coordinate",
    by=("B14",),
)
def bounce_from_the_cube(ours):
    return bouncing(ours, lambda s, rng, space: along(s, rng.uniform(-0.5, 0.5, s.pi.shape), space))


@entry(PAPER, "reject", "bounce: the direction of a point of [0, 1]^n, all of whose entries are positive", by=("B16", "B31"))
def bounce_from_the_positive_cube(ours):
    return bouncing(ours, lambda s, rng, space: along(s, rng.uniform(size=s.pi.shape), space))


@entry(
    PAPER,
    "reject",
    "bounce: Laplace entries in place of normal ones, which lean to the axes; right for one coordinate",
    by=("B14",),
)
def bounce_from_the_laplace_distribution(ours):
    return bouncing(ours, lambda s, rng, space: along(s, rng.laplace(size=s.pi.shape), space))


@entry(
    PAPER,
    "reject",
    "bounce: polar angles drawn uniformly, so that the poles are crowded; right for one and for two coordinates",
    by=("B31",),
)
def bounce_by_uniform_angles(ours):
    def turn(s, rng, space):
        n = s.pi.shape[-1]
        if n == 1:
            return along(s, normal(s, rng), space)
        angles = rng.uniform(0, np.pi, (*s.pi.shape[:-1], n - 1))
        angles[..., -1] *= 2
        sines = np.cumprod(np.sin(angles), axis=-1)
        one = np.ones_like(sines[..., :1])
        z = np.concatenate([one, sines], axis=-1) * np.concatenate([np.cos(angles), one], axis=-1)
        return along(s, z, space)

    return bouncing(ours, turn)


@entry(PAPER, "reject", "bounce: a corner of the cube, entries ±|π|/√n; right for one coordinate", by=("B31",))
def bounce_to_a_corner(ours):
    return bouncing(ours, lambda s, rng, space: along(s, np.sign(normal(s, rng)), space))


@entry(PAPER, "reject", "bounce: every entry of π keeps its size and draws its sign; right for one coordinate", by=("B16", "B31"))
def bounce_of_the_signs(ours):
    return bouncing(ours, lambda s, rng, space: along(s, np.sign(normal(s, rng)) * s.pi, space))


@entry(PAPER, "reject", "bounce: π turned round, −π", by=("B31",))
def bounce_straight_back(ours):
    return bouncing(ours, lambda s, rng, space: -s.pi)


@entry(PAPER, "reject", "bounce: always into the half space that goes down: −z where z·∇V > 0", by=("B31",))
def bounce_downhill(ours):
    def turn(s, rng, space):
        z = normal(s, rng)
        return along(s, np.where(np.sum(z * s.dV, axis=-1, keepdims=True) > 0, -z, z), space)

    return bouncing(ours, turn)


@entry(PAPER, "reject", "bounce: always into the half space that π came from, as at a wall", by=("B30",))
def bounce_backwards(ours):
    def turn(s, rng, space):
        z = normal(s, rng)
        return along(s, np.where(np.sum(z * s.pi, axis=-1, keepdims=True) > 0, -z, z), space)

    return bouncing(ours, turn)


@entry(PAPER, "reject", "bounce: the old direction with a little noise, not a new one", by=("B14",))
def bounce_by_a_little_noise(ours):
    return bouncing(ours, lambda s, rng, space: along(s, s.pi + 0.3 * np.sqrt(square(s.pi)) * normal(s, rng), space))


@entry(PAPER, "reject", "bounce: always the same direction, from a generator of its own", by=("B31",))
def bounce_in_one_direction(ours):
    return bouncing(ours, lambda s, rng, space: along(s, np.random.default_rng(0).standard_normal(s.pi.shape), space))


@entry(PAPER, "reject", "bounce: from an unseeded generator, rng ignored", by=("B43",))
def bounce_without_a_seed(ours):
    return bouncing(ours, lambda s, rng, space: along(s, np.random.default_rng().standard_normal(s.pi.shape), space))


@entry(PAPER, "reject", "bounce: z |π|, not divided by |z|", by=("B31",))
def bounce_not_normalised(ours):
    return bouncing(ours, lambda s, rng, space: np.sqrt(square(s.pi)) * tangent(s, normal(s, rng), space))


@entry(PAPER, "reject", "bounce: z |π| divided by √n, which |z| is on average; nearly right for many coordinates", by=("B31",))
def bounce_normalised_on_average(ours):
    return bouncing(ours, lambda s, rng, space: np.sqrt(square(s.pi) / s.pi.shape[-1]) * tangent(s, normal(s, rng), space))


@entry(PAPER, "reject", "bounce: a unit vector, |π| lost; right where |π| = 1", by=("B31",))
def bounce_to_a_unit_vector(ours):
    return bouncing(ours, lambda s, rng, space: along(s, normal(s, rng), space) / np.sqrt(square(s.pi)))


@entry(PAPER, "reject", "bounce: divided by |z| + 1e-6", by=("B23",))
def bounce_with_an_epsilon(ours):
    def turn(s, rng, space):
        z = tangent(s, normal(s, rng), space)
        return z * np.sqrt(square(s.pi)) / (np.sqrt(square(z)) + 1e-6)

    return bouncing(ours, turn)


@entry(
    PAPER,
    "reject",
    "bounce: each half of the coordinates keeps its own part of |π|, as tensor by tensor; right for one coordinate",
    by=("B31",),
)
def bounce_tensor_by_tensor(ours):
    def turn(s, rng, space):
        z = tangent(s, normal(s, rng), space)
        return np.concatenate([a * np.sqrt(square(b) / square(a)) for a, b in zip(halves(z), halves(s.pi), strict=True)], axis=-1)

    return bouncing(ours, turn)


@entry(PAPER, "reject", "bounce: each half of the coordinates is given all of |π|; right for one coordinate", by=("B31",))
def bounce_with_all_for_each_tensor(ours):
    def turn(s, rng, space):
        z = tangent(s, normal(s, rng), space)
        return np.concatenate([a * np.sqrt(square(s.pi) / square(a)) for a in halves(z)], axis=-1)

    return bouncing(ours, turn)


@entry(PAPER, "reject", "bounce: |π| that of the shell, not what it was; right on the shell", by=("B43",))
def bounce_onto_the_shell(ours):
    def turn(s, rng, space):
        t = (s.extra + (s.V0 - s.V)) * (s.E + s.V) / s.V
        return along(s, normal(s, rng), space) * np.sqrt(np.maximum(t, 0)[..., None] / square(s.pi))

    return bouncing(ours, turn)


@entry(PAPER, "reject", "bounce: θ moves, by a thousandth of z", by=("B23",))
def bounce_that_moves(ours):
    def after(old, new):
        return new._replace(theta=old.theta + (1e-3 * new.pi / np.sqrt(square(new.pi))).astype(old.theta.dtype))

    return bouncing(ours, lambda s, rng, space: along(s, normal(s, rng), space), after)


@entry(PAPER, "reject", "bounce: the time starts anew", by=("B43",))
def bounce_that_resets_the_time(ours):
    return bouncing(ours, lambda s, rng, space: along(s, normal(s, rng), space), lambda old, new: new._replace(t=0 * old.t))


@entry(PAPER, "reject", "bounce: the momentum given is overwritten", by=("B18",))
def bounce_in_place(ours):
    def bounce(state, rng, **options):
        state.pi[:] = ours.bounce(state, rng, **options).pi
        return state

    return {"bounce": bounce}


@entry(PAPER, "reject", "bounce: the direction is not tangent; right in ℝ^p", by=("B31",))
def bounce_off_the_tangent_space(ours):
    return bouncing(ours, lambda s, rng, space: along(s, normal(s, rng)))


@entry(PAPER, "reject", "bounce: made tangent after it was normalised, so that |π| is lost; right in ℝ^p", by=("B31",))
def bounce_projected_at_the_end(ours):
    return bouncing(ours, lambda s, rng, space: tangent(s, along(s, normal(s, rng)), space))


@entry(PAPER, "reject", "bounce: as_released is ignored, the direction isotropic", by=("B46",))
def bounce_never_as_released(ours):
    return {
        "bounce": lambda state, rng, *, space=None, as_released=False: ours.bounce(state, rng, space=space),
        "bounce_rows": lambda state, rng, which=None, *, space=None, as_released=False: ours.bounce_rows(
            state, rng, which, space=space
        ),
    }


@entry(PAPER, "reject", "bounces of rows: all rows in one direction", by=("B31",))
def bounce_of_rows_in_one_direction(ours):
    def turn(s, rng, space):
        return along(s, np.broadcast_to(rng.standard_normal(s.pi.shape[-1]), s.pi.shape), space)

    return {"bounce_rows": bouncing(ours, turn)["bounce_rows"]}


@entry(PAPER, "reject", "bounces of rows: normalised over all rows together", by=("B31",))
def bounce_of_rows_normalised_together(ours):
    def turn(s, rng, space):
        z = tangent(s, normal(s, rng), space)
        return z * np.sqrt(np.sum(s.pi**2) / np.sum(z**2))

    return {"bounce_rows": bouncing(ours, turn)["bounce_rows"]}


@entry(PAPER, "reject", "bounces of rows: every row bounces, whichever is named", by=("B43",))
def bounce_of_every_row(ours):
    def bounce_rows(state, rng, which=None, **options):
        return ours.bounce_rows(state, rng, **options)

    return {"bounce_rows": bounce_rows}


@entry(PAPER, "reject", "bounces of rows: those that are not named bounce", by=("B43",))
def bounce_of_the_other_rows(ours):
    def bounce_rows(state, rng, which=None, **options):
        return ours.bounce_rows(state, rng, None if which is None else ~np.asarray(which), **options)

    return {"bounce_rows": bounce_rows}


# ---- ensembles and runs
def with_rows(ours, change):
    """Both steps of rows, from a state changed before."""

    def made(name):
        return lambda objective, state, h, **options: getattr(ours, name)(objective, change(state), h, **options)

    return {name: made(name) for name in ("bbi_rows", "leapfrog_rows")}


@entry(PAPER, "reject", "rows: |π|² is summed over all rows; right for one row", by=("B28",))
def rows_with_one_norm_for_all(ours):
    def bbi_rows(objective, state, h, *, project=True, **options):
        if project:
            t = (state.extra + (state.V0 - state.V)) * (state.E + state.V) / state.V
            q = np.sum(state.pi * state.pi)
            state = state._replace(pi=state.pi * np.sqrt(np.where((t < 0) | (q == 0), 1, t / (q or 1)))[:, None])
        return ours.bbi_rows(objective, state, h, project=False, **options)

    return {"bbi_rows": bbi_rows}


@entry(PAPER, "reject", "rows: the energy of the first row for all; right where all start from one V", by=("B28",))
def rows_with_the_first_energy(ours):
    return with_rows(ours, lambda s: s._replace(E=np.full_like(s.E, s.E[0]), extra=s.E[0] - s.V0))


@entry(PAPER, "reject", "rows: the mean force of all rows; right for one row", by=("B28",))
def rows_with_the_mean_force(ours):
    return with_rows(ours, lambda s: s._replace(dV=np.broadcast_to(np.mean(s.dV, axis=0), s.dV.shape)))


@entry(PAPER, "reject", "rows: what leaves the domain stops all; right while none leaves", by=("B38",))
def rows_that_stop_together(ours):
    def leapfrog_rows(objective, state, h, **options):
        new = ours.leapfrog_rows(objective, state, h, **options)
        return state if ((new.t == state.t) & (h != 0)).any() else new

    return {"leapfrog_rows": leapfrog_rows}


@entry(PAPER, "reject", "rows: what leaves the domain goes on as NaN; right while none leaves", by=("B38",))
def rows_that_become_nan(ours):
    def leapfrog_rows(objective, state, h, **options):
        new = ours.leapfrog_rows(objective, state, h, **options)
        stayed = ((new.t == state.t) & (h != 0))[:, None]
        return new._replace(theta=np.where(stayed, np.nan, new.theta))

    return {"leapfrog_rows": leapfrog_rows}


@entry(PAPER, "reject", "rows: all start in one direction, that of the first draw", by=("B43",))
def rows_started_in_one_direction(ours):
    def start_rows(objective, theta, *args, rng=None, space=None, **options):
        s = ours.start_rows(objective, theta, *args, rng=rng, space=space, **options)
        if rng is None or not s.pi.any():
            return s
        z = tangent(s, np.broadcast_to(s.pi[0], s.pi.shape), space)
        return s._replace(pi=z * np.sqrt(square(s.pi) / square(z)))

    return {"start_rows": start_rows}


@entry(PAPER, "reject", "a run of many steps: one more than was asked for", by=("B29",))
def run_of_one_step_more(ours):
    return {"bbi_run": lambda objective, state, h, steps=1, **options: ours.bbi_run(objective, state, h, steps + 1, **options)}


@entry(PAPER, "reject", "a run of many steps: rescaled at the first only", by=("B29",))
def run_rescaled_once(ours):
    def bbi_run(objective, state, h, steps=1, *, project=True):
        state = ours.bbi_run(objective, state, h, min(steps, 1), project=project)
        return ours.bbi_run(objective, state, h, max(steps - 1, 0), project=False)

    return {"bbi_run": bbi_run}


@entry(PAPER, "reject", "a run of many steps: the time of one", by=("B29",))
def run_with_the_time_of_one_step(ours):
    def bbi_run(objective, state, h, steps=1, **options):
        new = ours.bbi_run(objective, state, h, steps, **options)
        return new._replace(t=state.t + h * (steps > 0))

    return {"bbi_run": bbi_run}


@entry(PAPER, "reject", "a run of many steps: the momentum at the end without the factor that was kept apart", by=("B29",))
def run_with_the_factor_forgotten(ours):
    def bbi_run(objective, state, h, steps=1, *, project=True):
        new = ours.bbi_run(objective, state, h, steps, project=project)
        before = ours.bbi_run(objective, state, h, max(steps - 1, 0), project=project)
        if not project or steps == 0:
            return new
        q, t = float(before.pi @ before.pi), ours.shell(before)
        return new._replace(pi=(new.pi * np.sqrt(q / t)).astype(new.pi.dtype)) if q > 0 and t > 0 else new

    return {"bbi_run": bbi_run}


# ---- bounces, right but otherwise
@entry(PAPER, "accept", "bounce: normal numbers by Box and Muller, normalised in long double")
def bounce_by_box_and_muller(ours):
    def turn(s, rng, space):
        radius, angle = np.sqrt(-2 * np.log1p(-rng.random(s.pi.shape))), rng.uniform(0, 2 * np.pi, s.pi.shape)
        z = tangent(s, radius * np.cos(angle), space).astype(np.longdouble)
        return (z / np.sqrt(square(z)) * np.sqrt(square(s.pi.astype(np.longdouble)))).astype(float)

    return bouncing(ours, turn)


@entry(PAPER, "accept", "bounce: a reflection of π in a random plane that takes it to a random direction (Householder)")
def bounce_by_householder(ours):
    def turn(s, rng, space):
        z = tangent(s, normal(s, rng), space)
        mirror = s.pi / np.sqrt(square(s.pi)) - z / np.sqrt(square(z))
        size = square(mirror)
        return (
            s.pi - np.where(size > 0, 2 * np.sum(mirror * s.pi, axis=-1, keepdims=True) / np.where(size > 0, size, 1), 0) * mirror
        )

    return bouncing(ours, turn)


@entry(PAPER, "accept", "bounce: a point of the ball by trial, from the cube, where it has few coordinates")
def bounce_by_rejection(ours):
    def turn(s, rng, space):
        if s.pi.shape[-1] > 6:
            return along(s, normal(s, rng), space)
        z = rng.uniform(-1, 1, s.pi.shape)
        while (out := (square(z) > 1) | (square(z) < 1e-6)).any():
            z = np.where(out, rng.uniform(-1, 1, s.pi.shape), z)
        return along(s, z, space)

    return bouncing(ours, turn)


@entry(PAPER, "accept", "bounce: one coordinate after the other, each with its share of what is left, from the beta distribution")
def bounce_by_shares(ours):
    def turn(s, rng, space):
        n = s.pi.shape[-1]
        left, z = np.ones(s.pi.shape[:-1]), np.empty(s.pi.shape)
        for i in range(n):
            share = rng.beta(0.5, 0.5 * (n - 1 - i), left.shape) if i < n - 1 else np.ones_like(left)
            z[..., i] = np.where(rng.random(left.shape) < 0.5, -1, 1) * np.sqrt(left * share)
            left = left * (1 - share)
        return along(s, z, space)

    return bouncing(ours, turn)


@entry(PAPER, "accept", "rows, where they are few, one at a time by the single steps")
def rows_one_at_a_time(ours):
    def made(name, many_name):
        def rows(objective, state, h, **options):
            if len(state.V) > 50:
                return getattr(ours, many_name)(objective, state, h, **options)
            shared = ("offset",)
            many = []
            for i in range(len(state.V)):
                one = state._replace(**{f: getattr(state, f)[i] for f in state._fields if f not in shared})
                one = one._replace(**{f: float(getattr(one, f)) for f in ("V", "E", "t", "V0", "extra")})

                def single(theta):
                    F, g = objective(theta[None])
                    return float(F[0]), np.asarray(g)[0]

                try:
                    many.append(getattr(ours, name)(single, one, h, **options))
                except ours.OutsideDomain:
                    many.append(one)
            stacked = {f: np.stack([np.asarray(getattr(s, f)) for s in many]) for f in state._fields if f not in shared}
            return state._replace(**stacked)

        return rows

    return {name: made(name.replace("rows", "step"), name) for name in ("bbi_rows", "leapfrog_rows")}


@entry(PAPER, "accept", "a run as a loop over steps")
def run_as_a_loop(ours):
    def bbi_run(objective, state, h, steps=1, *, project=True):
        for _ in range(steps):
            if not state.V > 0:
                raise ours.OutsideDomain(f"V: got {state.V}")
            pi = ours.rescale(state).pi if project else state.pi
            pi = pi + h * ours.force(state.V, state.dV, state.E)
            state = arrived(objective, state, state.theta + h * state.V / state.E * pi, pi, h)
        return state

    return {"bbi_run": bbi_run}
