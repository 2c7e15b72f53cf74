"""The log leapfrog and the other integrators of Born-Infeld dynamics, in wrong and in unusual ways."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from wrong.born_infeld import (
    PAPER,
    arrived,
    bbi,
    column,
    drift,
    evaluated,
    on_shell,
    rescaling,
    shell,
    square,
    tangent,
    where_allowed,
)
from wrong.corpus import entry

# ---- the plain log leapfrog, made of terms that can be spoiled
LEAPFROG: dict[str, Any] = {  # v = V/E, k = c/E, q = |π|²
    "constant": lambda c, E: E if c is None else c,
    "kappa": lambda v, k, E: 0.5 * (1 + v * v) / (v * (k * v + (1 - v) * (1 + v))),
    "speed": lambda q, k, E: 1 / (k + q / E),
    "norm": lambda before, after: square(after),
    "carried": lambda before, after: after,
    "clock": lambda v, k, E: 1 / (k * v + (1 - v) * (1 + v)),
    "time": lambda w, w_new: 0.5 * (w + w_new),
    "halves": (0.5, 0.5),
    "last": lambda kappa_old, kappa_new, old, new: kappa_new * new,
    "allowed": lambda v, k: (v > 0) & (1 + v * (k - v) > 0) & (v < np.inf),
    "step": lambda h: h,
    "after": lambda old, new: new,
    "weights": (1.3512071919596578, -1.7024143839193153, 1.3512071919596578),
    "within": lambda state: state,
}


def leapfrog(ours, **spoiled):
    """leapfrog_step, leapfrog_rows and yoshida_step with the terms given in place of the right ones."""
    t = SimpleNamespace(**{**LEAPFROG, **spoiled})

    def step(objective, state, h, *, c=None, project=False, space=None):
        h, E = t.step(h), column(state.E)
        k = t.constant(c, E) / E
        state = state._replace(pi=on_shell()(state, space)) if project else state
        with np.errstate(all="ignore"):
            v = column(state.V) / E
            allowed, kappa, w = t.allowed(v, k), t.kappa(v, k, E), t.clock(v, k, E)
            if state.theta.ndim == 1:
                where_allowed(ours, allowed, state, state)
            old = tangent(state, state.dV, space)
            pi = state.pi - t.halves[0] * h * kappa * old
            a = h * t.speed(t.norm(state.pi, pi), k, E)
            theta, pi = drift(space, state.theta, t.carried(state.pi, pi), a)[0], drift(space, state.theta, pi, a)[1]
            new = arrived(objective, state, theta, pi, 0.0)
            v = column(new.V) / E
            pi = pi - t.halves[1] * h * t.last(kappa, t.kappa(v, k, E), old, tangent(new, new.dV, space))
            elapsed = (h * t.time(w, t.clock(v, k, E)))[..., 0]
        new = new._replace(pi=pi.astype(state.pi.dtype), t=state.t + (elapsed if elapsed.ndim else float(elapsed)))
        return where_allowed(ours, allowed & t.allowed(v, k), state, t.after(state, new))

    def yoshida(objective, state, h, *, c=None, project=False, space=None):
        state = state._replace(pi=on_shell()(state, space)) if project else state
        for weight in t.weights:
            state = t.within(step(objective, state, weight * h, c=c, space=space))
        return state

    return {"leapfrog_step": step, "leapfrog_rows": step, "yoshida_step": yoshida}


def yoshida(ours, **spoiled):
    return {"yoshida_step": leapfrog(ours, **spoiled)["yoshida_step"]}


def in_place_of_leapfrog(ours, advance):
    """leapfrog_step by advance(f, theta, pi, h) -> (theta, pi), f the right-hand side of K_c: in ℝ^p, without projection."""

    def step(objective, state, h, *, c=None, project=False, space=None):
        if space is not None or project:
            return ours.leapfrog_step(objective, state, h, c=c, project=project, space=space)
        E, k = state.E, 1.0 if c is None else c / state.E

        def f(theta, pi):
            V, dV = evaluated(objective, state, theta)
            if not (V > 0 and ours.largest_potential(E, k * E) > V):
                raise ours.OutsideDomain(f"V: got {V}")
            return pi / (k + pi @ pi / E), -ours.kick_factor(V / E, k) * dV

        theta, pi = advance(f, state.theta, state.pi, h)
        new = arrived(objective, state, theta, pi, 0.0)
        f(new.theta, new.pi)
        clocks = [ours.time_factor(s.V / E, k) for s in (state, new)]
        return new._replace(t=state.t + 0.5 * h * sum(clocks))

    return {"leapfrog_step": step}


@entry(PAPER, "reject", "the steps are taken in float32", by=("B8",))
def steps_in_float32(ours):
    def narrow(old, new):
        return new._replace(
            theta=new.theta.astype(np.float32).astype(old.theta.dtype), pi=new.pi.astype(np.float32).astype(old.pi.dtype)
        )

    return {**bbi(ours, after=narrow), **leapfrog(ours, after=narrow)}


# ---- wrong: the log leapfrog
@entry(PAPER, "reject", "κ = ½(1 + E²/V²)/(k + E/V − V/E), which overflows where V < 1e-154 E; right elsewhere", by=("B44",))
def kick_factor_that_overflows(ours):
    def kappa(v, k, E=1.0):
        with np.errstate(all="ignore"):
            return 0.5 * (1 + np.float64(1) / v**2) / (k + np.float64(1) / v - v)

    return {"kick_factor": lambda v, k: kappa(np.float64(v), k), **leapfrog(ours, kappa=kappa)}


@entry(PAPER, "reject", "c is ignored: always E; right by default", by=("B34",))
def constant_ignored(ours):
    return leapfrog(ours, constant=lambda c, E: E)


@entry(PAPER, "reject", "c is taken in units of E: K_c of c E; right by default, and where E = 1", by=("B34",))
def constant_in_units_of_the_energy(ours):
    return leapfrog(ours, constant=lambda c, E: E if c is None else c * E)


@entry(PAPER, "reject", "without c the constant is 1; right where E = 1", by=("B35",))
def constant_one_by_default(ours):
    return leapfrog(ours, constant=lambda c, E: np.ones_like(E, dtype=float) if c is None else c)


@entry(PAPER, "reject", "the drift takes E π/(E + |π|²), whatever c; right by default", by=("B26",))
def constant_ignored_in_the_drift(ours):
    return leapfrog(ours, speed=lambda q, k, E: 1 / (1 + q / E))


@entry(PAPER, "reject", "the drift takes c π/(c + |π|²); right by default", by=("B26",))
def constant_for_the_energy_in_the_drift(ours):
    return leapfrog(ours, speed=lambda q, k, E: k / (k + q / E))


@entry(PAPER, "reject", "κ and dt/ds of c = E, whatever c, with the drift of c; right by default", by=("B26",))
def constant_ignored_in_the_kick(ours):
    return leapfrog(
        ours,
        kappa=lambda v, k, E: LEAPFROG["kappa"](v, 1.0, E),
        clock=lambda v, k, E: LEAPFROG["clock"](v, 1.0, E),
    )


@entry(PAPER, "reject", "dt/ds of c = E, whatever c; right by default", by=("B26",))
def constant_ignored_in_the_clock(ours):
    return leapfrog(ours, clock=lambda v, k, E: LEAPFROG["clock"](v, 1.0, E))


@entry(
    PAPER,
    "reject",
    "K_c with the prefactor ½ in place of E/2, kick and drift alike: another s, the same orbits; right where E = 1",
    by=("B17",),
)
def prefactor_without_the_energy(ours):
    return leapfrog(
        ours, kappa=lambda v, k, E: LEAPFROG["kappa"](v, k, E) / E, speed=lambda q, k, E: LEAPFROG["speed"](q, k, E) / E
    )


@entry(PAPER, "reject", "the drift takes E π/(c + |π|): the norm not squared", by=("B8",))
def drift_with_the_norm_not_squared(ours):
    return leapfrog(ours, speed=lambda q, k, E: 1 / (k + np.sqrt(q) / E))


@entry(PAPER, "reject", "the drift takes E π/|π|², c forgotten; right to rounding where V ≪ E", by=("B17",))
def constant_missing_in_the_drift(ours):
    return leapfrog(ours, speed=lambda q, k, E: E / np.where(q == 0, np.inf, q))


@entry(PAPER, "reject", "κ with E² − V² above: the derivative of −V with the wrong sign; right where V ≪ E", by=("B17",))
def kick_factor_with_a_sign_wrong(ours):
    return leapfrog(ours, kappa=lambda v, k, E: LEAPFROG["kappa"](v, k, E) * (1 - v * v) / (1 + v * v))


@entry(PAPER, "reject", "κ with c V + E² + V² below; right where V ≪ E", by=("B17",))
def kick_factor_with_a_sum_below(ours):
    return leapfrog(ours, kappa=lambda v, k, E: 0.5 * (1 + v * v) / (v * (k * v + 1 + v * v)))


@entry(PAPER, "reject", "the force ½(V/E + E/V) with the drift E π/(c + |π|²); right where V ≪ E and at V = E", by=("B22",))
def kick_of_the_other_clock(ours):
    return leapfrog(ours, kappa=lambda v, k, E: 0.5 * (v + 1 / v))


@entry(PAPER, "reject", "plain leapfrog on H, as if it were separable: ½ kick, drift by (V/E) π, ½ kick", by=("B8",))
def leapfrog_on_what_does_not_split(ours):
    def step(objective, state, h, *, c=None, project=False, space=None):
        if space is not None:
            return ours.leapfrog_step(objective, state, h, c=c, project=project, space=space)
        E, s = state.E, ours.rescale(state) if project else state
        if not 0 < s.V < ours.largest_potential(E, c):
            raise ours.OutsideDomain(f"V: got {s.V}")
        pi = s.pi + 0.5 * h * ours.force(s.V, s.dV, E)
        new = arrived(objective, s, s.theta + h * s.V / E * pi, pi, h)
        if not 0 < new.V < ours.largest_potential(E, c):
            raise ours.OutsideDomain(f"V: got {new.V}")
        return new._replace(pi=pi + 0.5 * h * ours.force(new.V, new.dV, E))

    return {"leapfrog_step": step}


@entry(PAPER, "reject", "leapfrog on ½(π² + V − E²/V): the orbits in a time that collapses where V is small", by=("B8",))
def leapfrog_in_the_collapsing_time(ours):
    return leapfrog(
        ours, kappa=lambda v, k, E: 0.5 * (1 + v**-2), speed=lambda q, k, E: np.ones_like(q), clock=lambda v, k, E: 1 / v
    )


@entry(PAPER, "reject", "both kicks whole, with h in place of h/2", by=("B8",))
def kicks_whole(ours):
    return leapfrog(ours, halves=(1.0, 1.0))


@entry(PAPER, "reject", "the whole kick at first, none at the end: symplectic Euler passed off as leapfrog", by=("B8",))
def euler_for_leapfrog(ours):
    return leapfrog(ours, halves=(1.0, 0.0))


@entry(PAPER, "reject", "the second kick is that of the old place, ∇V and κ", by=("B8",))
def second_kick_stale(ours):
    return leapfrog(ours, last=lambda kappa, kappa_new, old, new: kappa * old)


@entry(PAPER, "reject", "the second kick takes the new ∇V with the κ of the old V", by=("B8",))
def second_kick_with_the_old_factor(ours):
    return leapfrog(ours, last=lambda kappa, kappa_new, old, new: kappa * new)


@entry(PAPER, "reject", "the second kick takes the κ of the new V with the old ∇V", by=("B8",))
def second_kick_with_the_old_gradient(ours):
    return leapfrog(ours, last=lambda kappa, kappa_new, old, new: kappa_new * old)


@entry(PAPER, "reject", "the drift takes the momentum from before the first kick", by=("B8",))
def leapfrog_with_the_old_momentum(ours):
    return leapfrog(ours, carried=lambda before, after: before)


@entry(PAPER, "reject", "the drift takes |π|² from before the first kick, with the new π", by=("B8",))
def leapfrog_with_the_old_norm(ours):
    return leapfrog(ours, norm=lambda before, after: square(before))


@entry(
    PAPER,
    "reject",
    "the momentum is put on the shell before each step, asked or not: neither reversible nor symplectic",
    by=("B35",),
)
def leapfrog_always_projected(ours):
    def step(objective, state, h, *, c=None, project=False, space=None):
        return ours.leapfrog_step(objective, state, h, c=c, project=True, space=space)

    return {"leapfrog_step": step}


@entry(PAPER, "reject", "the step is |h|: it cannot run backwards", by=("B22",))
def step_always_forward(ours):
    return leapfrog(ours, step=abs)


@entry(PAPER, "reject", "Heun's method, passed off as leapfrog: order 2, neither symplectic nor reversible", by=("B34",))
def heun_for_leapfrog(ours):
    def advance(f, theta, pi, h):
        a, b = f(theta, pi)
        a2, b2 = f(theta + h * a, pi + h * b)
        return theta + 0.5 * h * (a + a2), pi + 0.5 * h * (b + b2)

    return in_place_of_leapfrog(ours, advance)


@entry(
    PAPER,
    "reject",
    "the classical Runge-Kutta method, passed off as leapfrog: more accurate, neither symplectic nor reversible",
    by=("B8",),
)
def runge_kutta_for_leapfrog(ours):
    def advance(f, theta, pi, h):
        a1, b1 = f(theta, pi)
        a2, b2 = f(theta + 0.5 * h * a1, pi + 0.5 * h * b1)
        a3, b3 = f(theta + 0.5 * h * a2, pi + 0.5 * h * b2)
        a4, b4 = f(theta + h * a3, pi + h * b3)
        return theta + h / 6 * (a1 + 2 * a2 + 2 * a3 + a4), pi + h / 6 * (b1 + 2 * b2 + 2 * b3 + b4)

    return in_place_of_leapfrog(ours, advance)


@entry(
    PAPER,
    "reject",
    "velocity Verlet on the equation of motion, whose force holds the velocity: order 1 in it, and t = s",
    by=("B34",),
)
def velocity_verlet_for_leapfrog(ours):
    def step(objective, state, h, *, c=None, project=False, space=None):
        if space is not None or project:
            return ours.leapfrog_step(objective, state, h, c=c, project=project, space=space)
        E = state.E
        u = ours.velocity(state.V, state.pi, E)
        a = ours.acceleration(state.V, state.dV, u)
        new = arrived(objective, state, state.theta + h * u + 0.5 * h * h * a, state.pi, h)
        if not 0 < new.V < ours.largest_potential(E, c):
            raise ours.OutsideDomain(f"V: got {new.V}")
        u = u + 0.5 * h * (a + ours.acceleration(new.V, new.dV, u + h * a))
        return new._replace(pi=(E / new.V * u).astype(state.pi.dtype))

    return {"leapfrog_step": step}


@entry(PAPER, "reject", "s is taken for physical time; off by at most a fifth for c = E", by=("B26",))
def other_time_for_physical_time(ours):
    return leapfrog(ours, time=lambda w, w_new: np.ones_like(w))


@entry(PAPER, "reject", "physical time from dt/ds at the old place alone", by=("B26",))
def time_from_one_end(ours):
    return leapfrog(ours, time=lambda w, w_new: w)


@entry(PAPER, "reject", "physical time with ds/dt in place of dt/ds", by=("B26",))
def time_with_the_inverse_clock(ours):
    return leapfrog(ours, time=lambda w, w_new: 0.5 * (1 / w + 1 / w_new))


@entry(PAPER, "reject", "physical time with dt/ds of K, E/V", by=("B26",))
def time_with_the_clock_of_another_hamiltonian(ours):
    return leapfrog(ours, clock=lambda v, k, E: 1 / v)


@entry(PAPER, "reject", "V > E is refused, though it is inside the domain; so is V = E, the start at rest", by=("B17",))
def domain_ends_at_the_energy(ours):
    return leapfrog(ours, allowed=lambda v, k: (v > 0) & (v < 1))


@entry(PAPER, "reject", "the domain ends at 1.618 E, whatever c; right by default", by=("B38",))
def domain_of_the_default_constant(ours):
    def largest_potential(E, c=None):
        return 0.5 * (1 + np.sqrt(5)) * E

    return {"largest_potential": largest_potential, **leapfrog(ours, allowed=lambda v, k: (v > 0) & (v < 0.5 * (1 + np.sqrt(5))))}


@entry(PAPER, "reject", "largest potential (c + √(c² + E²))/2", by=("B38",))
def domain_without_the_four(ours):
    return {"largest_potential": lambda E, c=None: ((E if c is None else c) + np.sqrt((E if c is None else c) ** 2 + E * E)) / 2}


@entry(PAPER, "reject", "the end of the domain is not watched: beyond V_max the force changes its sign", by=("B38",))
def domain_not_watched(ours):
    return leapfrog(ours, allowed=lambda v, k: v > -np.inf)


@entry(PAPER, "reject", "E is H of the state it arrives at", by=("B35",))
def energy_recomputed_by_leapfrog(ours):
    def recomputed(old, new):
        H = np.sqrt(new.V * (new.V + np.sum(new.pi * new.pi, axis=-1)))
        H = H if np.ndim(H) else float(H)
        return new._replace(E=H, V0=new.V, extra=H - new.V)

    return leapfrog(ours, after=recomputed)


@entry(PAPER, "reject", "leapfrog's new state has V = F, the offset forgotten; right for offset 0", by=("B19",))
def offset_forgotten_by_leapfrog(ours):
    return leapfrog(ours, after=lambda old, new: new._replace(V=new.V + new.offset))


# ---- wrong: the other integrators
W1, W0 = 1.3512071919596578, -1.7024143839193153


@entry(PAPER, "reject", "Yoshida's weights in the order w0, w1, w1: order 2", by=("B35",))
def yoshida_weights_out_of_order(ours):
    return yoshida(ours, weights=(W0, W1, W1))


@entry(PAPER, "reject", "Yoshida's weights with the square root of 2 in place of its cube root: order 2", by=("B5",))
def yoshida_weights_with_a_square_root(ours):
    w = 1 / (2 - 2**0.5)
    return yoshida(ours, weights=(w, 1 - 2 * w, w))


@entry(PAPER, "reject", "three equal steps of h/3 in place of Yoshida's: order 2, and more accurate than one", by=("B5",))
def yoshida_of_equal_thirds(ours):
    return yoshida(ours, weights=(1 / 3, 1 / 3, 1 / 3))


@entry(PAPER, "reject", "Yoshida's weights to four digits: order 4 until the step is small", by=("B9",))
def yoshida_weights_rounded(ours):
    return yoshida(ours, weights=(1.3512, -1.7024, 1.3512))


@entry(
    PAPER,
    "reject",
    "physical time of Yoshida's step by one trapezoid over the whole of it: order 2 in time, θ and π right",
    by=("B5",),
)
def yoshida_time_by_one_trapezoid(ours):
    def step(objective, state, h, *, c=None, project=False, space=None):
        new = ours.yoshida_step(objective, state, h, c=c, project=project, space=space)
        k = 1.0 if c is None else c / state.E
        ends = [ours.time_factor(s.V / s.E, k) for s in (state, new)]
        return new._replace(t=state.t + 0.5 * h * sum(ends))

    return {"yoshida_step": step}


@entry(PAPER, "reject", "the momentum is put on the shell within Yoshida's step, after each of its three: order lost", by=("B34",))
def yoshida_rescaled_within(ours):
    return yoshida(ours, within=lambda s: s._replace(pi=on_shell()(s)))


@entry(PAPER, "reject", "fourth order by Richardson's (4 Φ(h/2)² − Φ(h))/3, which is not symplectic", by=("B11",))
def yoshida_by_extrapolation(ours):
    def step(objective, state, h, *, c=None, project=False, space=None):
        s = ours.rescale(state, space) if project else state
        if space is not None:
            return ours.yoshida_step(objective, s, h, c=c, space=space)
        fine = s
        for _ in range(2):
            fine = ours.leapfrog_step(objective, fine, h / 2, c=c)
        coarse = ours.leapfrog_step(objective, s, h, c=c)
        theta, pi = (4 * fine.theta - coarse.theta) / 3, (4 * fine.pi - coarse.pi) / 3
        return arrived(objective, s, theta, pi, 0.0)._replace(t=(4 * fine.t - coarse.t) / 3)

    return {"yoshida_step": step}


@entry(PAPER, "reject", "symplectic Euler: the drift takes the momentum from before the kick, explicit Euler", by=("B12",))
def euler_explicit(ours):
    def step(objective, state, h, *, c=None, space=None):
        if space is not None:
            return ours.euler_step(objective, state, h, c=c, space=space)
        return leapfrog(
            ours, halves=(1.0, 0.0), carried=lambda old, new: old, norm=lambda old, new: square(old), time=lambda w, w_new: w
        )["leapfrog_step"](objective, state, h, c=c)

    return {"euler_step": step}


@entry(PAPER, "reject", "symplectic Euler with half a kick", by=("B5",))
def euler_with_half_a_kick(ours):
    return {"euler_step": leapfrog(ours, halves=(0.5, 0.0), time=lambda w, w_new: w)["leapfrog_step"]}


def implicit(ours, rule, iterations=200):
    """midpoint_step by fixed-point iteration of z' = z + h rule(f, z, z'), f = J∇H."""

    def step(objective, state, h, **options):
        def f(theta, pi):
            V, dV = evaluated(objective, state, theta)
            if not V > 0:
                raise ours.OutsideDomain(f"V: got {V}")
            return V, dV, pi, float(np.sqrt(V * (V + float(pi @ pi))))

        new = state.theta, state.pi
        last = np.inf
        for _ in range(iterations):
            rate, push = rule(f, state, (state.theta, state.pi), new)
            there = state.theta + h * rate, state.pi + h * push
            moved = max(float(np.max(np.abs(a - b))) for a, b in zip(there, new, strict=True))
            new = there
            if moved == 0 or (moved >= last and moved < 1e-13) or not moved < np.inf:
                break
            last = moved
        return arrived(objective, state, *new, h)

    return {"midpoint_step": step}


def field(V, dV, pi, H):
    """(∂H/∂π, −∂H/∂θ) at a point whose energy is H."""
    return V / H * pi, -(2 * V + float(pi @ pi)) / (2 * H) * dV


def at_the_middle(f, state, z, new):
    return field(*f(0.5 * (z[0] + new[0]), 0.5 * (z[1] + new[1])))


@entry(PAPER, "reject", "the implicit midpoint with two iterations: explicit, order 2, not symplectic", by=("B11",))
def midpoint_not_solved(ours):
    return implicit(ours, at_the_middle, iterations=2)


@entry(
    PAPER,
    "reject",
    "the trapezoid for the midpoint: the mean of the two fields, of order 2 and reversible, but not symplectic",
    by=("B12",),
)
def trapezoid_for_midpoint(ours):
    def rule(f, state, z, new):
        return tuple(0.5 * (a + b) for a, b in zip(field(*f(*z)), field(*f(*new)), strict=True))

    return implicit(ours, rule)


@entry(PAPER, "reject", "the implicit midpoint with E where H of the middle is meant; the same to h², not symplectic", by=("B12",))
def midpoint_with_the_conserved_energy(ours):
    def rule(f, state, z, new):
        V, dV, pi, _ = f(0.5 * (z[0] + new[0]), 0.5 * (z[1] + new[1]))
        return ours.velocity(V, pi, state.E), ours.force(V, dV, state.E)

    return implicit(ours, rule)


@entry(
    PAPER, "reject", "the doubled phase space by its three parts in turn, whole, not in halves there and back: order 1", by=("B34",)
)
def doubled_space_without_its_way_back(ours):
    def step(objective, s, h, *, omega=20.0):
        def f(theta, pi):
            V, dV = evaluated(objective, s, theta)
            return field(V, dV, pi, float(ours.energy(V, pi)))

        rate, push = f(s.q, s.y)
        p, x = s.p + h * push, s.x + h * rate
        rate, push = f(x, p)
        q, y = s.q + h * rate, s.y + h * push
        cos, sin = np.cos(2 * omega * h), np.sin(2 * omega * h)
        dq, dp = q - x, p - y
        dq, dp = cos * dq + sin * dp, cos * dp - sin * dq
        q, x, p, y = 0.5 * (q + x + dq), 0.5 * (q + x - dq), 0.5 * (p + y + dp), 0.5 * (p + y - dp)
        V, dV = evaluated(objective, s, q)
        return s._replace(q=q, p=p, x=x, y=y, V=V, dV=dV, t=s.t + h)

    return {"tao_step": step}


@entry(PAPER, "reject", "the two copies are made equal after each step: no longer symplectic", by=("B34",))
def doubled_space_merged(ours):
    def step(objective, state, h, *, omega=20.0):
        s = ours.tao_step(objective, state, h, omega=omega)
        q, p = 0.5 * (s.q + s.x), 0.5 * (s.p + s.y)
        V, dV = evaluated(objective, s, q)
        return s._replace(q=q, p=p, x=q, y=p, V=V, dV=dV)

    return {"tao_step": step}


@entry(
    PAPER,
    "reject",
    "H of the doubled phase space at (q, y), the copies mixed; right at the start, where they are equal",
    by=("B47",),
)
def doubled_energy_of_mixed_copies(ours):
    return {"tao_hamiltonian": lambda s: float(np.sqrt(s.V * (s.V + s.y @ s.y)))}


@entry(PAPER, "reject", "a step that leaves the domain is not shortened: the state stays where it was", by=("B38",))
def shortened_to_nothing(ours):
    def shortened(step, objective, state, h, *, halvings=10, **options):
        try:
            return step(objective, state, h, **options)
        except ours.OutsideDomain:
            return state

    return {"shortened": shortened}


@entry(PAPER, "reject", "a step is halved once more than it had to be", by=("B38",))
def shortened_once_more(ours):
    def shortened(step, objective, state, h, *, halvings=10, **options):
        for k in range(halvings + 1):
            try:
                step(objective, state, h / 2**k, **options)
            except ours.OutsideDomain:
                continue
            return step(objective, state, h / 2 ** (k + bool(k)), **options)
        raise ours.OutsideDomain("no step is short enough")

    return {"shortened": shortened}


@entry(PAPER, "reject", "a step that was shortened goes on with the rest of h until all of it is done", by=("B38",))
def shortened_and_continued(ours):
    def shortened(step, objective, state, h, *, halvings=10, **options):
        why: Exception | None = None
        for k in range(halvings + 1):
            try:
                s = state
                for _ in range(2**k):
                    s = step(objective, s, h / 2**k, **options)
                return s
            except ours.OutsideDomain as e:
                why = e
        raise ours.OutsideDomain(str(why))

    return {"shortened": shortened}


# ---- right, but written otherwise
@entry(PAPER, "accept", "every step in plain terms, V and E as columns, for one trajectory or many")
def steps_in_plain_terms(ours):
    return {**rescaling(ours, on_shell()), **leapfrog(ours)}


@entry(PAPER, "accept", "κ as ½[1/V − (c − 2V)/(cV + E² − V²)] E, the derivative of the two logarithms apart")
def kick_factor_by_partial_fractions(ours):
    def kappa(v, k, E=1.0):
        return 0.5 * (1 / v + (2 * v - k) / (k * v + (1 - v) * (1 + v)))

    return {"kick_factor": kappa, **leapfrog(ours, kappa=kappa)}


@entry(PAPER, "accept", "leapfrog by merged kicks: π' = π − (h/2)(f + f'), from forces that are kept")
def leapfrog_with_merged_kicks(ours):
    def step(objective, state, h, *, c=None, project=False, space=None):
        if space is not None:
            return ours.leapfrog_step(objective, state, h, c=c, project=project, space=space)
        E, k, s = state.E, 1.0 if c is None else c / state.E, ours.rescale(state) if project else state

        def push(V, dV):
            if not 0 < V < ours.largest_potential(E, k * E):
                raise ours.OutsideDomain(f"V: got {V}")
            return ours.kick_factor(V / E, k) * dV

        f = push(s.V, s.dV)
        half = s.pi - 0.5 * h * f
        new = arrived(objective, s, s.theta + h / (k + float(half @ half) / E) * half, half, 0.0)
        clocks = ours.time_factor(s.V / E, k) + ours.time_factor(new.V / E, k)
        return new._replace(pi=s.pi - 0.5 * h * (f + push(new.V, new.dV)), t=s.t + 0.5 * h * clocks)

    return {"leapfrog_step": step}


def widened(state):
    """The state in long double."""
    wide = {f: np.asarray(getattr(state, f), np.longdouble)[()] for f in ("V", "E", "t", "V0", "extra")}
    return state._replace(
        theta=state.theta.astype(np.longdouble), pi=state.pi.astype(np.longdouble), dV=state.dV.astype(np.longdouble), **wide
    )


@entry(PAPER, "accept", "the arithmetic of a step in long double, rounded back at its end")
def steps_in_long_double(ours):
    steps = {**bbi(ours), **leapfrog(ours)}

    def wide(name):
        def step(objective, state, h, **options):
            if options.get("space") is not None or options.get("as_released"):
                return getattr(ours, name)(objective, state, h, **options)

            def narrow_objective(theta):
                return objective(theta.astype(state.theta.dtype))

            new = steps[name](narrow_objective, widened(state), np.longdouble(h), **options)
            theta, pi, dV = (a.astype(state.theta.dtype) for a in (new.theta, new.pi, new.dV))
            value, _ = objective(theta)
            return state._replace(theta=theta, pi=pi, dV=dV, V=float(value) - state.offset, t=float(new.t))

        return step

    return {name: wide(name) for name in ("bbi_step", "leapfrog_step")}


@entry(PAPER, "accept", "every sum of squares by math.fsum, without rounding on the way")
def sums_without_rounding(ours):
    from math import fsum

    def energy(V, pi):
        return np.sqrt(V * (V + (np.sum(pi * pi) if np.iscomplexobj(pi) else fsum((pi * pi).tolist()))))

    def rescaled(state, space=None):
        t, q = float(shell(state)[0]) if state.pi.ndim == 1 else 0.0, fsum((state.pi.astype(float) ** 2).ravel().tolist())
        if state.pi.ndim == 1 and t > 0 and q > 0:
            return (state.pi * np.sqrt(t / q)).astype(state.pi.dtype)
        return on_shell()(state, space)

    return {
        "energy": energy,
        "hamiltonian": lambda s: float(energy(s.V, s.pi.astype(float))),
        **rescaling(ours, rescaled),
        "leapfrog_step": leapfrog(ours, norm=lambda old, new: np.array([fsum((new * new).tolist())]))["leapfrog_step"],
    }


@entry(PAPER, "accept", "Yoshida's step as a list of kicks and drifts, neighbouring kicks joined, time apart")
def yoshida_as_a_list(ours):
    def step(objective, state, h, *, c=None, project=False, space=None):
        if space is not None:
            return ours.yoshida_step(objective, state, h, c=c, project=project, space=space)
        s = ours.rescale(state) if project else state
        E, k = s.E, 1.0 if c is None else c / s.E
        root = 2 ** (1 / 3)
        drifts = [1 / (2 - root), -root / (2 - root), 1 / (2 - root)]
        kicks = [drifts[0] / 2, (drifts[0] + drifts[1]) / 2, (drifts[1] + drifts[2]) / 2, drifts[2] / 2]
        theta, pi, V, dV, t = s.theta, s.pi, s.V, s.dV, s.t
        for kick, a in zip(kicks, [*drifts, 0.0], strict=True):
            if not 0 < V < ours.largest_potential(E, k * E):
                raise ours.OutsideDomain(f"V: got {V}")
            pi = pi - kick * h * ours.kick_factor(V / E, k) * dV
            t = t + kick * h * ours.time_factor(V / E, k)
            if a:
                theta = theta + a * h / (k + float(pi @ pi) / E) * pi
                V, dV = evaluated(objective, s, theta)
        return s._replace(theta=theta.astype(s.theta.dtype), pi=pi.astype(s.pi.dtype), V=V, dV=dV.astype(s.theta.dtype), t=float(t))

    return {"yoshida_step": step}


@entry(PAPER, "accept", "the implicit midpoint solved for the middle point m, z' = 2m − z")
def midpoint_solved_for_the_middle(ours):
    def step(objective, state, h, **options):
        theta, pi, last = state.theta, state.pi, np.inf
        for _ in range(500):
            V, dV = evaluated(objective, state, theta)
            if not V > 0:
                raise ours.OutsideDomain(f"V: got {V}")
            rate, push = field(V, dV, pi, float(ours.energy(V, pi)))
            there = state.theta + 0.5 * h * rate, state.pi + 0.5 * h * push
            size = max(float(np.max(np.abs(a))) for a in there)
            moved = max(float(np.max(np.abs(there[0] - theta))), float(np.max(np.abs(there[1] - pi))))
            theta, pi = there
            if moved == 0 or (moved >= last and moved <= 1e3 * np.finfo(theta.dtype).eps * size):
                return arrived(objective, state, 2 * theta - state.theta, 2 * pi - state.pi, h)
            last = moved
        raise ours.OutsideDomain(f"h: the iteration does not converge for {h}")

    return {"midpoint_step": step}
