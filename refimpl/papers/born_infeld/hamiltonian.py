"""Born-Infeld dynamics: a relativistic particle in the loss, whose speed limit is √V and whose energy is conserved.

Reading order: from the Lagrangian to the equations of motion; the shell, where the energy is E; the state and its start.

    here       shape     meaning
    theta      (p,)      position: the parameters
    V                    potential, F(θ) − offset > 0, F the loss
    dV         (p,)      its gradient
    velocity   (p,)      θ̇ = dθ/dt, |θ̇|² < V
    pi         (p,)      momentum π
    E                    conserved energy, E = V0 + extra, V0 the potential at the start
    t                    physical time, in units of θ per √V

All of this is derived from the Lagrangian and agrees with the authors' released code; the paper's own equations were not at hand.
"""

from __future__ import annotations

from math import isfinite, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from refimpl.doors import finite, floats, whole
from refimpl.manifolds.motion import Space
from refimpl.params import Objective


# ---- from the Lagrangian to the equations of motion
def lagrangian(V, velocity):
    """L = −V √(1 − |θ̇|²/V).  V > 0 a number, velocity (p,) with |θ̇|² < V."""
    return -V * np.sqrt(1 - np.sum(velocity * velocity) / V)


def canonical_momentum(V, velocity):
    """π = ∂L/∂θ̇ = θ̇/√(1 − |θ̇|²/V).  (p,)"""
    return velocity / np.sqrt(1 - np.sum(velocity * velocity) / V)


def energy(V, pi):
    """H = π·θ̇ − L = √(V (V + |π|²)).  V a number, pi (p,); holomorphic in both."""
    return np.sqrt(V * (V + np.sum(pi * pi)))


def velocity(V, pi, E):
    """θ̇ = ∂H/∂π = (V/E) π, where H = E.  (p,)"""
    return V / E * pi


def force(V, dV, E):
    """π̇ = −∂H/∂θ = −½ (V/E + E/V) ∇V, where H = E.  (p,)"""
    return -0.5 * (V / E + E / V) * dV


def acceleration(V, dV, velocity):
    """θ̈ = −∇V + (|θ̇|²/2V) ∇V + (∇V·θ̇) θ̇/V: the equation of motion without π and E. At rest it is Newton's.  (p,)"""
    return -dV + np.sum(velocity * velocity) / (2 * V) * dV + np.sum(dV * velocity) / V * velocity


# ---- the shell H = E
def momentum_squared(V, E, gap):
    """|π|² = E²/V − V = (E − V)(E + V)/V, with gap = E − V given apart: E²/V − V would lose its digits near a turning point."""
    return gap / V * (E + V)


def speed_squared(V, E):
    """|θ̇|² = V (1 − V²/E²) = V (E − V)(E + V)/E²: below V, the square of the speed limit, everywhere."""
    return V * (E - V) * (E + V) / (E * E)


# ---- the state
class State(NamedTuple):
    """Where a trajectory is. V and dV belong to theta, so that a step costs one evaluation."""

    theta: np.ndarray  # (p,)
    pi: np.ndarray  # (p,)
    V: float
    dV: np.ndarray  # (p,)
    E: float  # V0 + extra, rounded
    offset: float  # V = F − offset
    t: float
    V0: float  # the potential at the start
    extra: float  # E − V0 >= 0, kept apart: E has lost digits of it


def hamiltonian(state: State) -> float:
    """H = √(V (V + |π|²)), the conserved energy, at the state; E is what it should be."""
    return sqrt(state.V * (state.V + float(state.pi.dot(state.pi))))


def gap(state: State) -> float:
    """E − V = extra + (V0 − V), without the rounding of E."""
    return state.extra + (state.V0 - state.V)


def shell(state: State) -> float:
    """|π|² that makes H = E at this theta; negative where V > E, which a discrete step can reach."""
    return momentum_squared(state.V, state.E, gap(state))


def start(
    objective: Objective,
    theta: ArrayLike,
    offset: float = 0.0,
    extra_energy: float = 0.0,
    *,
    rng: np.random.Generator | None = None,
    space: Space | None = None,
    blocks: tuple[int, ...] | None = None,
    as_released: bool = False,
) -> State:
    """The state at theta with energy E = V + extra_energy and momentum along −∇V.

    Parameters
    ----------
    objective : theta (p,) -> (F, gradient (p,))
    theta : array_like, shape (p,)
        float32 stays float32; it is copied.
    offset : float
        V = F − offset; a guess of the smallest F, from below.
    extra_energy : float >= 0, in units of F
        E − V at the start: 0 is a start at rest.
    rng : numpy.random.Generator, optional
        Draws the direction where the gradient is zero and there is extra energy; needed there only.
    space : Space, optional
        What theta moves in, see :mod:`refimpl.manifolds`; all of ℝ^p by default. The direction is the tangent part of −∇V.
    blocks : sizes of parameter tensors, optional
        With as_released: the momentum is normalised tensor by tensor, so |π|² is len(blocks) times too large.
    as_released : bool
        |π| from √(E²/V − V) by the plain difference, NaN where that rounds below 0, and NaN where the gradient is zero.

    Raises
    ------
    ValueError
        If the value or the gradient is not finite, V <= 0 (offset too large), extra_energy < 0, theta is not in the space, or the
        gradient is zero and a direction would have to be drawn without rng.
    """
    theta = finite("theta", floats("theta", theta, (None,))).copy()
    offset, extra = number("offset", offset), number("extra_energy", extra_energy)
    if extra < 0:
        raise ValueError(f"extra_energy: expected a number >= 0, got {extra}: no momentum has an energy below the potential")
    if blocks is not None and not (np.iterable(blocks) and sum(whole("blocks", n, 1) for n in blocks) == theta.size):
        raise ValueError(f"blocks: expected sizes that sum to {theta.size}, got {blocks}")
    if space is not None:
        space.check(theta)
    V, dV = evaluate(objective, theta, offset)
    if not (isfinite(V) and np.isfinite(dV).all()):
        raise ValueError(f"objective: expected a finite value and gradient at theta, got V {V}, gradient {dV}")
    if V <= 0:
        raise ValueError(f"offset: expected a number below the value at the start, {V + offset}, got {offset}: V = {V} is not > 0")
    state = State(theta, np.zeros_like(theta), V, dV, V + extra, offset, 0.0, V, extra)
    if not shell(state) < float(np.finfo(theta.dtype).max):
        raise ValueError(f"extra_energy: expected a momentum that {theta.dtype} can hold, got |π|² = {shell(state)} at V = {V}")
    if as_released:
        with np.errstate(invalid="ignore", divide="ignore"):
            size = np.sqrt(state.E * state.E / V - V)
            tensors = np.split(dV, np.cumsum(blocks)[:-1]) if blocks else [dV]
            return state._replace(pi=-np.concatenate([g / np.sqrt(np.sum(g * g)) for g in tensors]) * theta.dtype.type(size))
    if extra == 0:
        return state
    if not (dV if space is None else space.tangent(theta, dV)).any() and rng is None:
        raise ValueError("rng: expected a numpy.random.Generator, because the gradient is zero and gives no direction, got None")
    return state._replace(pi=directed(state, space, rng) * sqrt(shell(state)))


# ---- helpers
def evaluate(objective, theta, offset):
    """V as a Python float and dV, the state's own and like theta; ValueError if the gradient is not of theta's shape."""
    value, g = objective(theta)
    if not (type(g) is np.ndarray and g.dtype is theta.dtype and g.shape == theta.shape):
        g = floats("gradient", g, theta.shape).astype(theta.dtype, copy=False)
    return float(value) - offset, g.copy()


def directed(state, space=None, rng=None):
    """The unit tangent vector along −dV; from rng where dV is zero."""
    v = -state.dV if space is None else -space.tangent(state.theta, state.dV)
    if not v.any():
        if rng is None:
            return v
        v = rng.standard_normal(v.shape)
        v = (v if space is None else space.tangent(state.theta, v)).astype(state.theta.dtype)
    return size_and_direction(v)[1]


def size_and_direction(v):
    """|v| and v/|v|, by way of the largest entry: its square may leave the floating-point range. (0, v) for v = 0."""
    largest = float(np.max(np.abs(v)))
    if largest == 0:
        return 0.0, v
    w = v / largest
    size = sqrt(float(w @ w))
    return largest * size, w / size


def number(name, x):
    """x as a finite Python float; otherwise TypeError or ValueError."""
    x = float(floats(name, x, ()))
    if not isfinite(x):
        raise ValueError(f"{name}: expected a finite number, got {x}")
    return x
