"""One step each: (objective, state, h) -> state. The conserved energy stands in :func:`.hamiltonian.hamiltonian`.

Reading order: the paper's update; the log leapfrog, its composition of fourth order and its Euler form, which are symplectic; walls
met on the way, steps that leave the domain; bounces. The implicit midpoint and the doubled phase space are in `hamiltonian_flow`.

    step             order    symplectic    gradients    conserves
    bbi_step         1        no            1            H = E before each step exactly, by rescaling; after it to h²
    euler_step       1        yes           1            K_c to h
    leapfrog_step    2        yes           1            K_c to h², without drift; reversible
    yoshida_step     4        yes           3            K_c to h⁴, without drift; reversible

H = √(V(V + |π|²)) does not split into a part of θ and a part of π, so leapfrog has nothing to work on. But on the shell H = E

    K_c = (E/2) [ln(c + |π|²) − ln(c + E²/V − V)],  c > 0,

vanishes, so that its orbits there are those of H, in another time s: dt/ds = E²/(cV + E² − V²); and it splits. With c = E, the
default, dt/ds is between 0.8 and 1. Here v = V/E and everything is written in v, which survives V = 1e-300.

A step evaluates the objective where it arrives. h is in units of θ per √V: of the time t for bbi_step, of s for the others.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite, sqrt

import numpy as np

from refimpl.manifolds.motion import Space
from refimpl.papers.born_infeld.hamiltonian import State, directed, evaluate, shell
from refimpl.params import Objective

GUARD = 1e-10  # as released: |π|² nearer to the shell than this is left as it is
FROZEN = 1e-40  # as released: nothing moves where V is not above this


class OutsideDomain(ArithmeticError):
    """The step would leave 0 < V < V_max, where the equations of its integrator hold."""


# ---- the paper's update
def rescale(state: State, space: Space | None = None) -> State:
    """π scaled so that H = E. Unchanged where V > E; along −∇V where π = 0 and V < E."""
    return state._replace(pi=on_shell(state, space))


def on_shell(state, space):
    """The momentum of rescale."""
    pi, target = state.pi, shell(state)
    q = float(pi.dot(pi))
    if target == q or target < 0:
        return pi
    return sqrt(target) * directed(state, space) if q == 0 else sqrt(target / q) * pi


def rescale_as_released(state: State) -> State:
    """The same by the plain difference, untouched near the shell; π = 0 becomes NaN where V < E."""
    with np.errstate(invalid="ignore", divide="ignore"):
        target, q = np.float64(state.V * ((state.E / state.V) ** 2 - 1)), state.pi @ state.pi
        if abs(q - target) < GUARD or target < 0:
            return state
        return state._replace(pi=state.pi * state.pi.dtype.type(np.sqrt(target / q)))


def bbi_step(
    objective: Objective, state: State, h: float, *, project: bool = True, space: Space | None = None, as_released: bool = False
) -> State:
    """The update of Born-Infeld for AI, as released: rescale, kick, drift.

        π ← π √((E²/V − V)/|π|²)
        π ← π − (h/2) (V/E + E/V) ∇V
        θ ← θ + h (V/E) π                with V and E of the old θ and the new π

    Parameters
    ----------
    objective : theta (p,) -> (F, gradient (p,))
    state : State, V > 0
    h : float, physical time
    project : bool, the first line
    space : Space, what theta moves in; ℝ^p by default
    as_released : bool
        The guards of the released code: no rescaling within 1e-10 of the shell, NaN from π = 0, no motion where V <= 1e-40.

    Raises
    ------
    OutsideDomain
        If V <= 0 or V is not a number, unless as_released.
    """
    if as_released and not state.V > FROZEN:
        return state
    if not state.V > 0:
        raise OutsideDomain(f"state: expected V > 0, got {state.V}: the loss has reached the offset")
    theta, pi = bbi_update(state, h, project=project, space=space, as_released=as_released)
    return arrived(objective, state, theta, pi, h)


def bbi_update(state, h, *, project=True, space=None, as_released=False):
    """The three lines of bbi_step: θ and π, before V is known there. All that a mini-batch needs."""
    pi = state.pi
    if project:
        pi = rescale_as_released(state).pi if as_released else on_shell(state, space)
    v = state.V / state.E
    pi = pi - (0.5 * h * (v + state.E / state.V)) * tangent(state.theta, state.dV, space)
    return drift(state.theta, pi, h * v, space)


# ---- K_c: the log leapfrog and its relatives
def kick_factor(v, k):
    """κ_c = ½ (1 + v²)/(v (k v + 1 − v²)), with v = V/E and k = c/E: dπ/ds = −κ_c ∇V."""
    return 0.5 * (1 + v * v) / (v * (k * v + (1 - v) * (1 + v)))


def time_factor(v, k):
    """dt/ds = 1/(k v + 1 − v²)."""
    return 1 / (k * v + (1 - v) * (1 + v))


def largest_potential(E: float, c: float | None = None) -> float:
    """V_max = (c + √(c² + 4E²))/2, below which κ_c > 0: 1.618 E for c = E."""
    c = E if c is None else c
    return (c + sqrt(c * c + 4 * E * E)) / 2


def leapfrog_step(
    objective: Objective, state: State, h: float, *, c: float | None = None, project: bool = False, space: Space | None = None
) -> State:
    """The log leapfrog: kick, drift, kick, on K_c. Symplectic, reversible, of order 2; one gradient a step.

        π ← π − (h/2) κ_c(V) ∇V
        θ ← θ + h E π/(c + |π|²)
        π ← π − (h/2) κ_c(V) ∇V,  V and ∇V of the new θ
        t ← t + h (w + w')/2,  w = dt/ds before and w' after

    Parameters
    ----------
    objective : theta (p,) -> (F, gradient (p,))
    state : State
    h : float, time s; negative runs backwards
    c : float > 0, in units of F; E by default. A larger one shortens the steps where V is near E.
    project : bool
        Put π on the shell first: H = E exactly, no longer symplectic or reversible.
    space : Space, what theta moves in; ℝ^p by default

    Raises
    ------
    OutsideDomain
        If V is not in (0, V_max) before or after the drift.
    """
    E, k = state.E, 1.0 if c is None else c / state.E
    v = inside(state.V, E, k)
    pi = on_shell(state, space) if project else state.pi
    pi = pi - (0.5 * h * kick_factor(v, k)) * tangent(state.theta, state.dV, space)
    a = h / (k + float(pi.dot(pi)) / E)
    theta, pi = drift(state.theta, pi, a, space)
    V, dV = evaluate(objective, theta, state.offset)
    w = inside(V, E, k)
    pi = pi - (0.5 * h * kick_factor(w, k)) * tangent(theta, dV, space)
    t = state.t + 0.5 * h * (time_factor(v, k) + time_factor(w, k))
    return State(theta, pi, V, dV, E, state.offset, t, state.V0, state.extra)


def euler_step(objective: Objective, state: State, h: float, *, c: float | None = None, space: Space | None = None) -> State:
    """Symplectic Euler on K_c, a whole kick and a drift: order 1, for comparison with bbi_step. Arguments as leapfrog_step."""
    E, k = state.E, 1.0 if c is None else c / state.E
    v = inside(state.V, E, k)
    pi = state.pi - (h * kick_factor(v, k)) * tangent(state.theta, state.dV, space)
    a = h / (k + float(pi.dot(pi)) / E)
    theta, pi = drift(state.theta, pi, a, space)
    return arrived(objective, state, theta, pi, h * time_factor(v, k))


OUTER = 1 / (2 - 2 ** (1 / 3))
YOSHIDA = (OUTER, 1 - 2 * OUTER, OUTER)  # 1.3512, −1.7024, 1.3512: they sum to 1, their cubes to 0


def yoshida_step(
    objective: Objective, state: State, h: float, *, c: float | None = None, project: bool = False, space: Space | None = None
) -> State:
    """Three log leapfrogs of 1.3512 h, −1.7024 h, 1.3512 h: order 4, also of t, which each of them adds to. Arguments as there.

    H. Yoshida, Construction of higher order symplectic integrators, Phys. Lett. A 150 (1990).
    """
    state = rescale(state, space) if project else state
    for weight in YOSHIDA:
        state = leapfrog_step(objective, state, weight * h, c=c, space=space)
    return state


# ---- walls, and the edge of the domain
def located_step(
    objective: Objective,
    state: State,
    h: float,
    low: np.ndarray,
    high: np.ndarray,
    *,
    step: Callable[..., State] = leapfrog_step,
    hits: int = 100,
    **options,
) -> State:
    """A step in the box low <= θ <= high that stops at each wall it meets, turns there, and goes on for the rest of h.

    The fraction of h is sought for which the whole step ends on the wall, by bisection: the energy error of a collision is then
    O(h³), and O(h²) along a trajectory, where folding the drift alone (`space=box(low, high)`) leaves O(h). Each collision costs
    some fifty evaluations, half of them beyond the wall by up to a step. Entries without a wall have ∓inf. The step must be one
    that ends with a kick: bbi_step and euler_step come back to a wall at rest, and stay there.

    Raises
    ------
    OutsideDomain
        If `hits` collisions do not use up h, or the step leaves its domain.
    ValueError
        If theta is outside.
    """
    if not ((low <= state.theta) & (state.theta <= high)).all():
        raise ValueError(f"state: expected theta between the walls, got {state.theta}")

    def outside(theta):
        return (theta < low) | (theta > high)

    rest = h
    for _ in range(hits):
        end = step(objective, state, rest, **options)
        if not outside(end.theta).any():
            return end
        inner, outer, there = 0.0, rest, end  # a step of `inner` stays inside, one of `outer` does not
        while abs(outer - inner) > 2**-52 * abs(h):
            middle = 0.5 * (inner + outer)
            trial = step(objective, state, middle, **options)
            if outside(trial.theta).any():
                outer, there = middle, trial
            else:
                inner = middle
        wall = outside(there.theta)
        theta = np.clip(there.theta, low, high).astype(there.theta.dtype, copy=False)  # beyond the wall by a rounding
        V, dV = evaluate(objective, theta, state.offset)
        state = there._replace(theta=theta, V=V, dV=dV, pi=np.where(wall, -there.pi, there.pi))
        rest = rest - outer
    raise OutsideDomain(f"h: expected a step that meets fewer than {hits} walls, got {h}")


def shortened(step: Callable[..., State], objective: Objective, state: State, h: float, *, halvings: int = 10, **options) -> State:
    """The first of the steps h, h/2, h/4, ... that stays inside the domain; OutsideDomain if none of them does."""
    for k in range(halvings + 1):
        try:
            return step(objective, state, h / 2**k, **options)
        except OutsideDomain as e:
            why = e
    raise OutsideDomain(f"{why}, also with steps of {h}/2^{halvings}")


# ---- bounces
def bounce(state: State, rng: np.random.Generator, *, space: Space | None = None, as_released: bool = False) -> State:
    """π in a random direction, |π| as before: uniform on the sphere of (tangent) directions. In one dimension, its sign.

    as_released: the direction of a point drawn uniformly from the cube [−½, ½]^p, which prefers the diagonals.
    """
    z = rng.uniform(-0.5, 0.5, state.pi.shape) if as_released else rng.standard_normal(state.pi.shape)
    z = z.astype(state.pi.dtype)
    if space is not None:
        z = space.tangent(state.theta, z)
    return state._replace(pi=z * sqrt(float(state.pi.dot(state.pi)) / float(z @ z)))


# ---- helpers
def tangent(theta, v, space):
    """The tangent part of v."""
    return v if space is None else space.tangent(theta, v)


def drift(theta, pi, a, space):
    """Free motion with the velocity π for the time a."""
    return (theta + a * pi, pi) if space is None else space.drift(theta, pi, a)


def arrived(objective, state, theta, pi, elapsed):
    """The state at theta with the momentum pi, after so much physical time."""
    V, dV = evaluate(objective, theta, state.offset)
    return State(theta, pi, V, dV, state.E, state.offset, state.t + elapsed, state.V0, state.extra)


def inside(V, E, k):
    """v = V/E, if 0 < V and k v + 1 − v² > 0; OutsideDomain otherwise, and where V is NaN."""
    v = V / E
    if not (v > 0 and 1 + v * (k - v) > 0 and isfinite(v)):
        raise OutsideDomain(f"V: expected a potential in (0, {largest_potential(E, k * E):.6g}), got {V}")
    return v
