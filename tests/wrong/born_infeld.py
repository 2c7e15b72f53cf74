"""Born-Infeld dynamics, its start and its integrators, in wrong and in unusual ways."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from wrong.corpus import entry

PAPER = "born_infeld"


# ---- a plain implementation, of one trajectory or of one a row, made of terms that can be spoiled
def column(x):
    """A number a trajectory, as what multiplies its entries."""
    return np.asarray(x)[..., None]


def square(a):
    return np.sum(a * a, axis=-1, keepdims=True)


def tangent(state, v, space):
    return v if space is None else space.tangent(state.theta, v)


def drift(space, theta, pi, a):
    return (theta + a * pi, pi) if space is None else space.drift(theta, pi, a)


def shell(state):
    V, E = column(state.V), column(state.E)
    return (column(state.extra) + (column(state.V0) - V)) * (E + V) / V


def arrived(objective, state, theta, pi, elapsed):
    """The state at theta with the momentum pi."""
    theta, pi = (np.asarray(a).astype(state.theta.dtype) for a in (theta, pi))
    value, dV = objective(theta)
    V = np.asarray(value, float) - state.offset
    t = state.t + np.broadcast_to(elapsed, V.shape if V.ndim else (1,))
    V, t = (V, t) if V.ndim else (float(V), float(t[0]))
    return state._replace(theta=theta, pi=pi, V=V, dV=np.array(dV, dtype=theta.dtype), t=t)


def evaluated(objective, state, theta):
    """V and dV at theta."""
    value, dV = objective(theta.astype(state[0].dtype))
    return float(value) - state.offset, np.asarray(dV)


def where_allowed(ours, allowed, state, new):
    """new; the old state in the rows that may not move; OutsideDomain for one trajectory."""
    if state.theta.ndim == 1:
        if not allowed.all():
            raise ours.OutsideDomain(f"V: expected one in the domain, got {state.V} and {new.V}")
        return new
    ok = allowed[:, 0]
    chosen = {
        f: np.where(column(ok) if getattr(new, f).ndim == 2 else ok, getattr(new, f), getattr(state, f))
        for f in ("theta", "pi", "V", "dV", "t")
    }
    return new._replace(**chosen)


def on_shell(ratio=lambda t, q: np.sqrt(t / q), above=lambda state, t, q: state.pi):
    """(state, space) -> momentum scaled by the ratio, and what becomes of it above the shell, V > E."""

    def rescaled(state, space=None):
        t, q = shell(state), square(state.pi)
        down = -tangent(state, state.dV, space)
        size = np.sqrt(square(down))
        with np.errstate(all="ignore"):
            scaled = state.pi * np.where(q == 0, 1, ratio(np.where(t > 0, t, 0), q))
            released = np.where(size > 0, down / size, 0) * np.sqrt(np.where(t > 0, t, 0))
            pi = np.where(t < 0, above(state, t, q), np.where((q == 0) & (t > 0), released, scaled))
        return pi.astype(state.pi.dtype)

    return rescaled


BBI: dict[str, Any] = {
    "rescale": on_shell(),
    "kick": lambda v: 0.5 * (v + 1 / v),
    "speed": lambda v: v,
    "clock": lambda v: 1.0,
    "drift": lambda space, theta, before, after, a: drift(space, theta, after, a),
    "after": lambda old, new: new,
}


def bbi(ours, **spoiled):
    """bbi_step and bbi_rows with the terms given in place of the right ones; as released, ours."""
    t = SimpleNamespace(**{**BBI, **spoiled})

    def step(objective, state, h, *, project=True, space=None, as_released=False):
        rows = state.theta.ndim == 2
        if as_released:
            return (ours.bbi_rows if rows else ours.bbi_step)(objective, state, h, project=project, space=space, as_released=True)
        allowed = column(state.V) > 0
        if not rows and not allowed.all():
            raise ours.OutsideDomain(f"state: expected V > 0, got {state.V}")
        with np.errstate(all="ignore"):
            before = t.rescale(state, space) if project else state.pi
            v = column(state.V) / column(state.E)
            after = before - h * t.kick(v) * tangent(state, state.dV, space)
            theta, pi = t.drift(space, state.theta, before, after, h * t.speed(v))
            new = arrived(objective, state, theta, pi, h * t.clock(v)[..., 0] if np.ndim(t.clock(v)) else h * t.clock(v))
        return where_allowed(ours, allowed, state, t.after(state, new))

    return {"bbi_step": step, "bbi_rows": step}


def rescaling(ours, rescaled):
    """rescale, and the steps that use it."""
    return {"rescale": lambda state, space=None: state._replace(pi=rescaled(state, space)), **bbi(ours, rescale=rescaled)}


def started(ours, change):
    """start with change(state, keywords) for what it returns."""

    def start(objective, theta, offset=0.0, extra_energy=0.0, **options):
        state = ours.start(objective, theta, offset, extra_energy, **options)
        if options.get("as_released"):
            return state
        return change(state, {"objective": objective, "theta": theta, **options})

    return {"start": start}


def resized(state, target):
    """The state with |π|² = target in the direction of its momentum, or of −dV."""
    aim = state.pi if state.pi.any() else -state.dV
    size = np.sqrt(float(aim @ aim))
    return state._replace(pi=(aim * (np.sqrt(target) / size if size else 0.0)).astype(state.pi.dtype))


# ---- wrong: the formulas
@entry(PAPER, "reject", "H = √(V + |π|²): the outer V forgotten; right where V = 1", by=("B1",))
def energy_without_the_outer_potential(ours):
    def hamiltonian(state):
        return float(np.sqrt(state.V + state.pi @ state.pi))

    return {"energy": lambda V, pi: np.sqrt(V + np.sum(pi * pi)), "hamiltonian": hamiltonian}


@entry(PAPER, "reject", "H = √(V² + |π|²), the relativistic particle of mass V in flat space; right where V = 1", by=("B1",))
def energy_of_a_particle_of_mass_v(ours):
    def hamiltonian(state):
        return float(np.sqrt(state.V**2 + state.pi @ state.pi))

    return {"energy": lambda V, pi: np.sqrt(V * V + np.sum(pi * pi)), "hamiltonian": hamiltonian}


@entry(PAPER, "reject", "H = V + ½|π|², Newton's; right to first order for |π|² ≪ V", by=("B1",))
def energy_of_newton(ours):
    return {
        "energy": lambda V, pi: V + 0.5 * np.sum(pi * pi),
        "hamiltonian": lambda state: float(state.V + 0.5 * (state.pi @ state.pi)),
    }


@entry(PAPER, "reject", "H at a state is its E, which is what it should be", by=("B47",))
def energy_read_off_the_state(ours):
    return {"hamiltonian": lambda state: float(state.E)}


@entry(PAPER, "reject", "the warp factor V in place of 1/V under the root of L; right where V = 1", by=("B32",))
def lagrangian_with_the_inverse_warp_factor(ours):
    def canonical_momentum(V, velocity):
        return V * V * velocity / np.sqrt(1 - V * np.sum(velocity * velocity))

    return {
        "lagrangian": lambda V, velocity: -V * np.sqrt(1 - V * np.sum(velocity * velocity)),
        "canonical_momentum": canonical_momentum,
    }


@entry(PAPER, "reject", "π = θ̇/(1 − |θ̇|²/V): γ² in place of γ", by=("B32",))
def momentum_without_the_root(ours):
    return {"canonical_momentum": lambda V, velocity: velocity / (1 - np.sum(velocity * velocity) / V)}


@entry(PAPER, "reject", "θ̇ = (E/V) π; right where V = E", by=("B1",))
def velocity_with_e_over_v(ours):
    return {"velocity": lambda V, pi, E: E / V * pi}


@entry(PAPER, "reject", "force without ½", by=("B1",))
def force_without_the_half(ours):
    return {"force": lambda V, dV, E: -(V / E + E / V) * dV}


@entry(PAPER, "reject", "force −½ (E/V) ∇V, the fast limit; right to rounding where V ≪ E", by=("B1",))
def force_of_the_fast_limit(ours):
    return {"force": lambda V, dV, E: -0.5 * (E / V) * dV}


@entry(PAPER, "reject", "force −∇V, Newton's; right where V = E", by=("B1",))
def force_of_newton(ours):
    return {"force": lambda V, dV, E: -1.0 * dV}


@entry(PAPER, "reject", "force ½ (V/E − E/V) ∇V: from V E²/V − V, differentiated at fixed π", by=("B1",))
def force_with_a_difference(ours):
    return {"force": lambda V, dV, E: 0.5 * (V / E - E / V) * dV}


@entry(PAPER, "reject", "θ̈ without its term along the velocity; right at rest", by=("B32",))
def acceleration_without_the_term_along_the_velocity(ours):
    return {"acceleration": lambda V, dV, velocity: -dV + np.sum(velocity * velocity) / (2 * V) * dV}


@entry(PAPER, "reject", "θ̈ with |θ̇|²/V in place of |θ̇|²/2V; right at rest", by=("B32",))
def acceleration_without_the_half(ours):
    def acceleration(V, dV, velocity):
        return -dV + np.sum(velocity * velocity) / V * dV + np.sum(dV * velocity) / V * velocity

    return {"acceleration": acceleration}


@entry(PAPER, "reject", "θ̈ with −(∇V·θ̇) θ̇/V, a friction; right at rest and where θ̇ is along the level", by=("B32",))
def acceleration_with_friction(ours):
    def acceleration(V, dV, velocity):
        return -dV + np.sum(velocity * velocity) / (2 * V) * dV - np.sum(dV * velocity) / V * velocity

    return {"acceleration": acceleration}


@entry(PAPER, "reject", "|π|² = E²/V − 1 and |θ̇|² = V − V²/E²; right where V = 1", by=("B2",))
def shell_minus_one(ours):
    def shell(state):
        return state.E**2 / state.V - 1

    return {"momentum_squared": lambda V, E, gap: E * E / V - 1, "shell": shell, "speed_squared": lambda V, E: V - V**2 / E**2}


@entry(PAPER, "reject", "|π|² = E²/V − V by the plain difference, which loses its digits where V is near E", by=("B47",))
def shell_by_the_plain_difference(ours):
    return {
        "momentum_squared": lambda V, E, gap: E * E / V - V,
        "shell": lambda state: state.E**2 / state.V - state.V,
    }


@entry(PAPER, "reject", "|π|² = max(E²/V − V, 0): where V > E, nothing tells", by=("B47",))
def shell_clamped_at_zero(ours):
    return {"shell": lambda state: max(ours.shell(state), 0.0)}


@entry(PAPER, "reject", "|θ̇|² = V (1 − V/E)", by=("B2",))
def speed_with_the_first_power(ours):
    return {"speed_squared": lambda V, E: V * (1 - V / E)}


# ---- wrong: the start
@entry(PAPER, "reject", "the momentum at the start points uphill", by=("B2",))
def start_uphill(ours):
    return started(ours, lambda s, given: s._replace(pi=-s.pi))


@entry(
    PAPER,
    "reject",
    "the momentum at the start is normalised coordinate by coordinate: the signs of −∇V; right for one coordinate",
    by=("B19",),
)
def start_along_the_signs(ours):
    return started(ours, lambda s, given: s._replace(pi=np.sqrt(float(s.pi @ s.pi) / s.pi.size).astype(s.pi.dtype) * np.sign(s.pi)))


@entry(
    PAPER,
    "reject",
    "the momentum at the start is that of each half of the parameters on its own, as tensor by tensor; right for one coordinate",
    by=("B2",),
)
def start_tensor_by_tensor(ours):
    def halved(s, given):
        n = s.pi.size // 2
        size = np.sqrt(float(s.pi @ s.pi))
        parts = [p * (size / np.sqrt(float(p @ p)) if p.any() else 1.0) for p in (s.pi[:n], s.pi[n:])]
        return s._replace(pi=np.concatenate(parts).astype(s.pi.dtype))

    return started(ours, halved)


@entry(PAPER, "reject", "the momentum at the start is −∇V/(|∇V| + 1e-8): right where the gradient is not small", by=("B3",))
def start_with_an_epsilon(ours):
    def softened(s, given):
        g = np.sqrt(float(s.dV @ s.dV))
        return s._replace(pi=(s.pi * (g / (g + 1e-8))).astype(s.pi.dtype))

    return started(ours, softened)


@entry(PAPER, "reject", "|π|² = E²/V − V by the plain difference at the start: NaN for some starts at rest", by=("B3",))
def start_by_the_plain_difference(ours):
    def plain(s, given):
        with np.errstate(invalid="ignore"):
            return resized(s, s.E * s.E / s.V - s.V)

    return started(ours, plain)


@entry(PAPER, "reject", "|π|² = |E²/V − V| at the start: rounding leaves a small push where there is none", by=("B3",))
def start_with_the_absolute_radicand(ours):
    return started(ours, lambda s, given: resized(s, abs(s.E * s.E / s.V - s.V)))


@entry(PAPER, "reject", "|π|² = 2 (E − V) at the start, Newton's; right to first order in the extra energy", by=("B2",))
def start_of_newton(ours):
    return started(ours, lambda s, given: resized(s, 2 * s.extra))


@entry(PAPER, "reject", "the extra energy is added to E twice", by=("B8",))
def extra_energy_added_twice(ours):
    def twice(s, given):
        E, extra = s.E + s.extra, 2 * s.extra
        return resized(s._replace(E=E, extra=extra), extra * (E + s.V) / s.V)

    return started(ours, twice)


@entry(PAPER, "reject", "the extra energy in units of V: E = V (1 + extra); right where V = 1", by=("B7",))
def extra_energy_relative_to_the_potential(ours):
    def relative(s, given):
        extra = s.extra * s.V
        return resized(s._replace(E=s.V + extra, extra=extra), extra * (2 * s.V + extra) / s.V)

    return started(ours, relative)


@entry(PAPER, "reject", "V = F: the offset is kept but not subtracted at the start; right for offset 0", by=("B2",))
def offset_forgotten_at_the_start(ours):
    def unshifted(s, given):
        V = s.V + s.offset
        E = V + s.extra
        return resized(s._replace(V=V, V0=V, E=E), s.extra * (2 * V + s.extra) / V)

    return started(ours, unshifted)


@entry(PAPER, "reject", "the offset is forgotten everywhere: V = F at the start and after; right for offset 0", by=("B2",))
def offset_forgotten_everywhere(ours):
    return {
        "start": lambda objective, theta, offset=0.0, extra_energy=0.0, **options: ours.start(
            objective, theta, 0.0, extra_energy, **options
        )
    }


@entry(PAPER, "reject", "the offset is added to F", by=("B2",))
def offset_added(ours):
    return {
        "start": lambda objective, theta, offset=0.0, extra_energy=0.0, **options: ours.start(
            objective, theta, -offset, extra_energy, **options
        )
    }


@entry(
    PAPER,
    "reject",
    "E = F + extra: the offset is not taken from the energy, and the momentum fits that E; right for offset 0",
    by=("B34",),
)
def energy_from_the_loss(ours):
    def shifted(s, given):
        extra = s.extra + s.offset
        return resized(s._replace(E=s.V + extra, extra=extra), max(extra * (2 * s.V + extra) / s.V, 0.0))

    return started(ours, shifted)


@entry(PAPER, "reject", "E = F + extra, but the momentum that of V + extra; right for offset 0", by=("B34",))
def energy_from_the_loss_without_its_momentum(ours):
    return started(ours, lambda s, given: s._replace(E=s.E + s.offset, extra=s.extra + s.offset))


@entry(PAPER, "reject", "the energy and the potential pass through float32", by=("B8",))
def energy_in_float32(ours):
    def narrow(s, given):
        V, extra = float(np.float32(s.V)), float(np.float32(s.extra))
        return resized(s._replace(V=V, V0=V, E=V + extra, extra=extra), extra * (2 * V + extra) / V)

    return started(ours, narrow)


@entry(PAPER, "reject", "the gradient is normalised in place, and the state's dV with it", by=("B7",))
def start_normalises_the_gradient_in_place(ours):
    def normalised(s, given):
        size = np.sqrt(s.dV @ s.dV)  # of dV's own type
        return s._replace(dV=s.dV / size) if size and s.extra else s

    return started(ours, normalised)


@entry(PAPER, "reject", "the direction at the start is −∇V, not its tangent part; right in ℝ^p", by=("B28",))
def start_off_the_tangent_space(ours):
    return started(ours, lambda s, given: resized(s._replace(pi=-s.dV), float(s.pi @ s.pi)) if s.pi.any() else s)


@entry(PAPER, "reject", "the start pushes even where there is no extra energy: |π| = 1e-8, against a division by zero", by=("B3",))
def start_at_rest_with_a_push(ours):
    return started(ours, lambda s, given: resized(s, 1e-16) if s.extra == 0 else s)


@entry(PAPER, "reject", "a gradient of zero with extra energy gives NaN, 0/0; right where the gradient is not zero", by=("B47",))
def start_divides_by_a_gradient_of_zero(ours):
    return started(ours, lambda s, given: s._replace(pi=s.pi + np.nan) if s.extra and not s.dV.any() else s)


# ---- wrong: the paper's update
@entry(PAPER, "reject", "kick without ½: h (V/E + E/V) ∇V", by=("B7",))
def kick_without_the_half(ours):
    return bbi(ours, kick=lambda v: v + 1 / v)


@entry(PAPER, "reject", "kick by −h ∇V, Newton's; right where V = E", by=("B7",))
def kick_of_newton(ours):
    return bbi(ours, kick=lambda v: np.ones_like(v))


@entry(PAPER, "reject", "kick by −(h/2) (E/V) ∇V alone; right to rounding where V ≪ E", by=("B29",))
def kick_of_the_fast_limit(ours):
    return bbi(ours, kick=lambda v: 0.5 / v)


@entry(PAPER, "reject", "kick by −(h/2) (E/V − V/E) ∇V; none at a turning point, right where V ≪ E", by=("B34",))
def kick_with_a_difference(ours):
    return bbi(ours, kick=lambda v: 0.5 * (1 / v - v))


@entry(PAPER, "reject", "the drift takes (E/V) π; right where V = E", by=("B7", "B10"))
def drift_with_e_over_v(ours):
    return bbi(ours, speed=lambda v: 1 / v)


@entry(PAPER, "reject", "the drift takes the momentum from before the kick", by=("B7",))
def drift_with_the_old_momentum(ours):
    def drifted(space, theta, before, after, a):
        return drift(space, theta, before, a)[0], drift(space, theta, after, a)[1]

    return bbi(ours, drift=drifted)


@entry(PAPER, "reject", "the drift takes the mean of the momenta before and after the kick", by=("B7",))
def drift_with_the_mean_momentum(ours):
    def drifted(space, theta, before, after, a):
        return drift(space, theta, 0.5 * (before + after), a)[0], drift(space, theta, after, a)[1]

    return bbi(ours, drift=drifted)


def restructured(ours, step):
    """bbi_step by step(objective, state with its momentum rescaled if so asked, h): in ℝ^p, one trajectory, not as released."""

    def bbi_step(objective, state, h, *, project=True, space=None, as_released=False):
        if space is not None or as_released:
            return ours.bbi_step(objective, state, h, project=project, space=space, as_released=as_released)
        if not state.V > 0:
            raise ours.OutsideDomain(f"state: expected V > 0, got {state.V}")
        return step(objective, ours.rescale(state) if project else state, h)

    return {"bbi_step": bbi_step}


@entry(PAPER, "reject", "drift before kick: θ first, then the force of the new θ", by=("B7",))
def drift_before_the_kick(ours):
    def step(objective, s, h):
        new = arrived(objective, s, s.theta + h * s.V / s.E * s.pi, s.pi, h)
        return new._replace(pi=s.pi + h * ours.force(new.V, new.dV, s.E))

    return restructured(ours, step)


@entry(PAPER, "reject", "V/E of the drift at the place that the drift would lead to", by=("B34",))
def drift_with_the_new_potential(ours):
    def step(objective, s, h):
        pi = s.pi + h * ours.force(s.V, s.dV, s.E)
        V, _ = evaluated(objective, s, s.theta + h * s.V / s.E * pi)
        return arrived(objective, s, s.theta + h * V / s.E * pi, pi, h)

    return restructured(ours, step)


@entry(
    PAPER, "reject", "V/E of the drift with E the energy after the kick, √(V(V + |π|²)), in place of the conserved one", by=("B7",)
)
def drift_with_the_energy_after_the_kick(ours):
    def step(objective, s, h):
        pi = s.pi + h * ours.force(s.V, s.dV, s.E)
        return arrived(objective, s, s.theta + h * s.V / ours.energy(s.V, pi) * pi, pi, h)

    return restructured(ours, step)


@entry(PAPER, "reject", "V/E and E/V with H of the state in place of E; right with project, to rounding", by=("B29",))
def ratio_with_the_energy_of_the_state(ours):
    def step(objective, s, h):
        H = s.E if s.V > s.E else float(ours.energy(s.V, s.pi))
        pi = s.pi + h * ours.force(s.V, s.dV, H)
        return arrived(objective, s, s.theta + h * s.V / H * pi, pi, h)

    return restructured(ours, step)


@entry(PAPER, "reject", "rescaled after the kick and before the drift, too", by=("B34",))
def rescaled_after_the_kick(ours):
    def step(objective, s, h):
        s = ours.rescale(s._replace(pi=s.pi + h * ours.force(s.V, s.dV, s.E)))
        return arrived(objective, s, s.theta + h * s.V / s.E * s.pi, s.pi, h)

    return restructured(ours, step)


@entry(
    PAPER, "reject", "E is H of the state it arrives at: the energy is what it is, step by step, and never conserved", by=("B29",)
)
def energy_recomputed_each_step(ours):
    def recomputed(old, new):
        H = np.sqrt(new.V * (new.V + np.sum(new.pi * new.pi, axis=-1)))
        H = H if np.ndim(H) else float(H)
        return new._replace(E=H, V0=new.V, extra=H - new.V)

    return bbi(ours, after=recomputed)


@entry(PAPER, "reject", "the new state keeps the old gradient: every second step feels a stale force", by=("B7",))
def gradient_one_step_old(ours):
    return bbi(ours, after=lambda old, new: new._replace(dV=old.dV))


@entry(PAPER, "reject", "the new state keeps the old potential", by=("B34",))
def potential_one_step_old(ours):
    return bbi(ours, after=lambda old, new: new._replace(V=old.V))


@entry(PAPER, "reject", "after a step V = F, the offset forgotten; right for offset 0", by=("B11",))
def offset_forgotten_after_the_start(ours):
    return bbi(ours, after=lambda old, new: new._replace(V=new.V + new.offset))


@entry(PAPER, "reject", "friction: the momentum loses a thousandth a step; θ is right with project, which undoes it", by=("B13",))
def friction_after_the_step(ours):
    return bbi(ours, after=lambda old, new: new._replace(pi=new.pi * new.pi.dtype.type(0.999)))


@entry(PAPER, "reject", "the gradient is clipped to length 1; right where it is shorter", by=("B19",))
def gradient_clipped(ours):
    def step(objective, s, h):
        g = s.dV * min(1.0, 1 / np.sqrt(max(float(s.dV @ s.dV), 1e-300)))
        pi = s.pi + h * ours.force(s.V, g, s.E)
        return arrived(objective, s, s.theta + h * s.V / s.E * pi, pi, h)

    return restructured(ours, step)


@entry(PAPER, "reject", "physical time stands still", by=("B29",))
def time_not_counted(ours):
    return bbi(ours, clock=lambda v: 0.0)


@entry(PAPER, "reject", "h V/E is added to the time, as if h were another time; right where V = E", by=("B29",))
def time_counted_in_the_other_clock(ours):
    return bbi(ours, clock=lambda v: v)


@entry(PAPER, "reject", "the state given is moved in place", by=("B13",))
def state_moved_in_place(ours):
    def step(objective, state, h, **options):
        new = ours.bbi_step(objective, state, h, **options)
        state.theta[:], state.pi[:] = new.theta, new.pi
        return new

    return {"bbi_step": step}


@entry(PAPER, "reject", "|V| is taken where V < 0, and the motion goes on below the offset", by=("B38",))
def potential_made_positive(ours):
    return bbi(ours, after=lambda old, new: new._replace(V=np.abs(new.V) if np.ndim(new.V) else abs(new.V)))


@entry(PAPER, "reject", "project is ignored: always on", by=("B34",))
def projection_always_on(ours):
    step = bbi(ours)["bbi_step"]

    def always(objective, state, h, *, project=True, **options):
        return step(objective, state, h, project=True, **options)

    return {"bbi_step": always, "bbi_rows": always}


@entry(PAPER, "reject", "as_released is ignored: the clean update without the guards of the released code", by=("B40",))
def as_released_ignored(ours):
    def step(objective, state, h, *, as_released=False, **options):
        return ours.bbi_step(objective, state, h, **options)

    return {"bbi_step": step}


@entry(PAPER, "reject", "as released, but the motion goes on below V = 1e-40 down to 0", by=("B40",))
def never_frozen(ours):
    def step(objective, state, h, *, project=True, space=None, as_released=False):
        released = as_released and not 0 < state.V <= 1e-40
        return ours.bbi_step(objective, state, h, project=project, space=space, as_released=released)

    return {"bbi_step": step}


# ---- wrong: the rescaling
@entry(PAPER, "reject", "rescaled by t/q, not by its root; right on the shell", by=("B13",))
def rescaled_without_the_root(ours):
    return rescaling(ours, on_shell(lambda t, q: t / q))


@entry(PAPER, "reject", "rescaled by √(q/t); right on the shell", by=("B13",))
def rescaled_upside_down(ours):
    return rescaling(ours, on_shell(lambda t, q: np.sqrt(q / t)))


@entry(PAPER, "reject", "rescaled by H's ratio, E/H; right on the shell, and nearly so where V ≪ E", by=("B13",))
def rescaled_by_the_ratio_of_energies(ours):
    def rescaled(state, space=None):
        right = on_shell()(state, space)
        q = square(state.pi)
        H = np.sqrt(column(state.V) * (column(state.V) + q))
        return np.where((shell(state) > 0) & (q > 0), state.pi * (column(state.E) / H), right).astype(state.pi.dtype)

    return rescaling(ours, rescaled)


@entry(PAPER, "reject", "rescaled only where |π|² is too large: the energy may be lost but not regained", by=("B7",))
def rescaled_downwards_only(ours):
    return rescaling(ours, on_shell(lambda t, q: np.minimum(1, np.sqrt(t / q))))


@entry(PAPER, "reject", "the factor is kept between ½ and 2; right near the shell", by=("B13",))
def rescaled_within_a_factor_of_two(ours):
    return rescaling(ours, on_shell(lambda t, q: np.clip(np.sqrt(t / q), 0.5, 2)))


@entry(PAPER, "reject", "rescaled by √(t/(q + 1e-8)): right where |π| is not small", by=("B13",))
def rescaled_with_an_epsilon(ours):
    return rescaling(ours, on_shell(lambda t, q: np.sqrt(t / (q + 1e-8))))


@entry(PAPER, "reject", "not rescaled within 1e-4 of the shell", by=("B29",))
def rescaled_with_a_wide_guard(ours):
    return rescaling(ours, on_shell(lambda t, q: np.where(np.abs(q - t) < 1e-4, 1, np.sqrt(t / q))))


@entry(PAPER, "reject", "where V > E the momentum becomes NaN; right where V <= E", by=("B13",))
def rescaled_to_nan_above_the_shell(ours):
    return rescaling(ours, on_shell(above=lambda state, t, q: state.pi + np.nan))


@entry(PAPER, "reject", "where V > E the momentum becomes 0, not what it was; right where V <= E", by=("B13",))
def rescaled_to_zero_above_the_shell(ours):
    return rescaling(ours, on_shell(above=lambda state, t, q: 0 * state.pi))


@entry(PAPER, "reject", "where V > E the momentum is scaled to √|t|; right where V <= E", by=("B13",))
def rescaled_to_the_absolute_value(ours):
    return rescaling(ours, on_shell(above=lambda state, t, q: state.pi * np.sqrt(-t / np.where(q == 0, 1, q))))


@entry(PAPER, "reject", "a momentum of 0 below the shell stays 0: the motion never starts again", by=("B13",))
def rescaled_not_from_rest(ours):
    def rescaled(state, space=None):
        return np.where(square(state.pi) == 0, state.pi, on_shell()(state, space)).astype(state.pi.dtype)

    return rescaling(ours, rescaled)


@entry(PAPER, "reject", "a momentum of 0 below the shell becomes NaN, 0 times infinity; right where it is not 0", by=("B13",))
def rescaled_to_nan_from_rest(ours):
    def rescaled(state, space=None):
        return np.where((square(state.pi) == 0) & (shell(state) > 0), np.nan, on_shell()(state, space)).astype(state.pi.dtype)

    return rescaling(ours, rescaled)


@entry(PAPER, "reject", "a momentum of 0 below the shell is set uphill", by=("B47",))
def rescaled_uphill_from_rest(ours):
    def rescaled(state, space=None):
        return np.where(square(state.pi) == 0, -1, 1) * on_shell()(state, space)

    return rescaling(ours, rescaled)


@entry(PAPER, "reject", "each coordinate is scaled to the mean |π|²: the direction is lost; right for one coordinate", by=("B34",))
def rescaled_coordinate_by_coordinate(ours):
    def rescaled(state, space=None):
        right = on_shell()(state, space)
        return (np.sign(right) * np.sqrt(square(right) / right.shape[-1])).astype(right.dtype)

    return rescaling(ours, rescaled)


@entry(PAPER, "reject", "rescaled every other step; right for the first", by=("B7",))
def rescaled_every_other_step(ours):
    def step(objective, state, h, *, project=True, **options):
        return ours.bbi_step(objective, state, h, project=project and round(abs(state.t / h)) % 2 == 0, **options)

    return {"bbi_step": step}


@entry(
    PAPER,
    "reject",
    "rescaled to the E of the step before: E taken as V0 alone, the extra energy forgotten; right from rest",
    by=("B7",),
)
def rescaled_without_the_extra_energy(ours):
    def rescaled(state, space=None):
        return on_shell()(state._replace(E=state.E - state.extra, extra=0 * state.extra), space)

    return rescaling(ours, rescaled)


# ---- right, but written otherwise
@entry(PAPER, "accept", "the update in velocities: u = (V/E) π, u ← u − (h/2)((V/E)² + 1) ∇V, θ ← θ + h u, π = (E/V) u")
def update_in_velocities(ours):
    def step(objective, s, h):
        v = s.V / s.E
        u = v * s.pi - 0.5 * h * (v * v + 1) * s.dV
        return arrived(objective, s, s.theta + h * u, u / v, h)

    return restructured(ours, step)


@entry(PAPER, "accept", "rescaled by exp(½(log t − log q))")
def rescaled_by_logarithms(ours):
    return rescaling(ours, on_shell(lambda t, q: np.exp(0.5 * (np.log(t) - np.log(q)))))


@entry(PAPER, "accept", "rescaled as a unit vector times a length, √t (π/|π|)")
def rescaled_as_a_direction(ours):
    def rescaled(state, space=None):
        t, q = shell(state), square(state.pi)
        if state.pi.ndim == 1 and t > 0 and q > 0:
            return (np.sqrt(t) * (state.pi / np.sqrt(q))).astype(state.pi.dtype)
        return on_shell()(state, space)

    return rescaling(ours, rescaled)


@entry(PAPER, "acceptable", "not rescaled within 1e-10 of the shell, as the released code does")
def rescaled_with_the_released_guard(ours):
    return rescaling(ours, on_shell(lambda t, q: np.where(np.abs(q - t) < 1e-10, 1, np.sqrt(t / q))))


@entry(
    PAPER,
    "acceptable",
    "rescaled at the end of a step as well: the same θ, and the momentum reported on the shell of the new place",
)
def rescaled_at_both_ends(ours):
    def step(objective, state, h, *, project=True, space=None, as_released=False):
        new = ours.bbi_step(objective, state, h, project=project, space=space, as_released=as_released)
        return new if as_released or not project or not new.V > 0 else ours.rescale(new, space)

    return {"bbi_step": step}


@entry(PAPER, "accept", "H = √V √(V + |π|²) and θ̇ = π/√(1 + |π|²/V) on the shell")
def energy_by_two_roots(ours):
    return {
        "energy": lambda V, pi: np.sqrt(V) * np.sqrt(V + np.sum(pi * pi)),
        "hamiltonian": lambda s: float(np.sqrt(s.V)) * float(np.sqrt(s.V + float(s.pi @ s.pi))),
        "canonical_momentum": lambda V, velocity: np.sqrt(V) * velocity / np.sqrt(V - np.sum(velocity * velocity)),
        "lagrangian": lambda V, velocity: -np.sqrt(V) * np.sqrt(V - np.sum(velocity * velocity)),
        "force": lambda V, dV, E: -(V * V + E * E) / (2 * V * E) * dV,
    }


@entry(PAPER, "accept", "V/E and E/V swapped in the force, which is symmetric in them")
def ratio_swapped_in_the_force(ours):
    return {"force": lambda V, dV, E: -0.5 * (E / V + V / E) * dV, **bbi(ours, kick=lambda v: 0.5 * (1 / v + v))}


@entry(PAPER, "accept", "the start by hypot and a scaled direction, |π| = √extra √(2 + extra/V)")
def start_with_the_length_in_two_roots(ours):
    def again(s, given):
        if s.extra == 0 or given.get("space") is not None or not s.dV.any():
            return s
        scale = np.max(np.abs(s.dV))
        size = scale * np.sqrt(np.sum((s.dV / scale) ** 2))
        return s._replace(pi=(-s.dV / size * np.sqrt(s.extra) * np.sqrt(2 + s.extra / s.V)).astype(s.pi.dtype))

    return started(ours, again)
