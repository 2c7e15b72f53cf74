"""Integrators of H itself, without another time: the implicit midpoint, and Tao's doubled phase space. Symplectic, of order 2.

Both need four or more gradients a step. They are here to be compared with; :func:`.integrators.leapfrog_step` is what to use.
"""

from __future__ import annotations

from math import cos, sin
from typing import NamedTuple

import numpy as np

from refimpl.papers.born_infeld.hamiltonian import State, evaluate
from refimpl.papers.born_infeld.integrators import OutsideDomain
from refimpl.params import Objective


def flow(V, dV, pi):
    """(∂H/∂π, −∂H/∂θ) = ((V/H) π, −(2V + |π|²)/(2H) ∇V), H taken at the point: off the shell, too."""
    if not V > 0:
        raise OutsideDomain(f"V: expected a potential > 0, got {V}")
    q = float(pi @ pi)
    H = np.sqrt(V * (V + q))
    return float(V / H) * pi, -float((2 * V + q) / (2 * H)) * dV


def midpoint_step(objective: Objective, state: State, h: float, *, tolerance: float = 1e-15, iterations: int = 200) -> State:
    """z' = z + h J∇H((z + z')/2), z = (θ, π), by fixed-point iteration until z' moves by no more than `tolerance` of its size.

    Symplectic and reversible as far as it is solved. h is physical time. Some ten gradients a step; the iteration converges for
    h below 2 over the Lipschitz constant of ∇H.

    Raises
    ------
    OutsideDomain
        If the iteration does not converge, or meets V <= 0.
    """
    theta, pi = state.theta, state.pi
    rate, push = flow(state.V, state.dV, pi)
    new, new_pi = theta + h * rate, pi + h * push
    last = np.inf
    for _ in range(iterations):
        middle = 0.5 * (theta + new)
        V, dV = evaluate(objective, middle, state.offset)
        rate, push = flow(V, dV, 0.5 * (pi + new_pi))
        there, there_pi = theta + h * rate, pi + h * push
        moved = max(float(np.max(np.abs(there - new))), float(np.max(np.abs(there_pi - new_pi))))
        new, new_pi = there, there_pi
        size = max(float(np.max(np.abs(new))), float(np.max(np.abs(new_pi))))
        if not moved < np.inf:
            break
        if moved <= tolerance * size or (moved >= last and moved <= 1e3 * np.finfo(new.dtype).eps * size):  # rounding goes round
            V, dV = evaluate(objective, new, state.offset)
            return state._replace(theta=new, pi=new_pi, V=V, dV=dV, t=state.t + h)
        last = moved
    raise OutsideDomain(f"h: expected a step for which the midpoint iteration converges, got {h}")


class TaoState(NamedTuple):
    """Two copies of a state: (q, p) and (x, y), equal at the start. Gradients are kept for q, where each step begins and ends."""

    q: np.ndarray  # (p,)
    p: np.ndarray
    x: np.ndarray
    y: np.ndarray
    V: float  # at q
    dV: np.ndarray
    E: float
    offset: float
    t: float


def tao_start(state: State) -> TaoState:
    """Both copies at the state."""
    return TaoState(state.theta, state.pi, state.theta, state.pi, state.V, state.dV, state.E, state.offset, state.t)


def tao_hamiltonian(state: TaoState) -> float:
    """H at (q, p)."""
    return float(np.sqrt(state.V * (state.V + state.p @ state.p)))


def tao_step(objective: Objective, state: TaoState, h: float, *, omega: float = 20.0) -> TaoState:
    """One step of H(q, y) + H(x, p) + (ω/2)(|q − x|² + |p − y|²): explicit, symplectic in the doubled space, order 2.

    The two copies exchange forces, and the last term, which turns their difference by the angle 2ωh, keeps them together.
    M. Tao, Explicit symplectic approximation of nonseparable Hamiltonians, Phys. Rev. E 94 (2016). ω must be tuned.
    """
    q, p, x, y, V, dV = state[:6]

    def first(a, V, dV, q, p, x, y):  # H(q, y): moves p and x
        rate, push = flow(V, dV, y)
        return p + a * push, x + a * rate

    def second(a, q, p, x, y):  # H(x, p): moves q and y
        V, dV = evaluate(objective, x, state.offset)
        rate, push = flow(V, dV, p)
        return q + a * rate, y + a * push

    p, x = first(0.5 * h, V, dV, q, p, x, y)
    q, y = second(0.5 * h, q, p, x, y)
    c, s = cos(2 * omega * h), sin(2 * omega * h)
    dq, dp = q - x, p - y
    sq, sp = q + x, p + y
    dq, dp = c * dq + s * dp, c * dp - s * dq
    q, x, p, y = 0.5 * (sq + dq), 0.5 * (sq - dq), 0.5 * (sp + dp), 0.5 * (sp - dp)
    q, y = second(0.5 * h, q, p, x, y)
    V, dV = evaluate(objective, q, state.offset)
    p, x = first(0.5 * h, V, dV, q, p, x, y)
    return TaoState(q, p, x, y, V, dV, state.E, state.offset, state.t + h)
