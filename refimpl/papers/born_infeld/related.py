"""The motions that Born-Infeld is compared with: ECDSep (arXiv:2306.00352) and microcanonical Monte Carlo (arXiv:2212.08549).

Both papers came after, by some of the same authors. Here too an energy is conserved and where the motion lingers follows from it:

    motion     conserved                              density in θ, physical time
    ECDSep     H = η ln V + ln(s + |Π|²)              V^{−η} (e^H V^{−η} − s)^{(n−2)/2}; V^{−ηn/2} for s = 0
    MCHMC      S + K, K the work of the force         e^{−S}, at unit speed
    BI         √(V (V + |π|²))                        is MCHMC in the length of its path, S = −(n−1) ln √(E²/V − V)
    ECD_q=1    as MCHMC (arXiv:2501.18419)            V^{−ηn/2}, S = (ηn/2) ln V

    symbol    here        shape     meaning
    V, ∇V     V, dV       , (n,)    F − offset > 0, F the loss, and its gradient
    Π         pi          (n,)      momentum of ECDSep, dimensionless
    u         u           (n,)      direction of motion, |u| = 1
    S, ∇S     S, dS       , (n,)    minus the log of the density that MCHMC samples, and its gradient

The steps are derived here but for ecdsep_step, which was read in the released code. All are (objective, state, h) -> state.
"""

from __future__ import annotations

from math import exp, expm1, isfinite, log, log1p, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from refimpl.doors import finite, floats
from refimpl.optim.first_order import between
from refimpl.papers.born_infeld.hamiltonian import directed, evaluate, number, size_and_direction
from refimpl.papers.born_infeld.integrators import FROZEN, GUARD, OutsideDomain
from refimpl.params import Objective


# ---- ECDSep: a separable energy
class EcdSepState(NamedTuple):
    """Where an ECDSep trajectory is; V and dV belong to theta."""

    theta: np.ndarray  # (n,)
    pi: np.ndarray  # (n,)
    V: float
    dV: np.ndarray  # (n,)
    offset: float  # V = F − offset
    V0: float  # V at the start
    extra: float  # |Π|² at the start
    eta: float  # η
    s: float


def ecdsep_energy(state: EcdSepState) -> float:
    """H = η ln V + ln(s + |Π|²), conserved."""
    return state.eta * log(state.V) + log(state.s + float(state.pi @ state.pi))


def ecdsep_shell(state: EcdSepState) -> float:
    """|Π|² = e^H/V^η − s that H of the start asks for at this theta: (s + extra)(V₀/V)^η − s, without the cancellation near V₀."""
    return state.extra + (state.s + state.extra) * expm1(state.eta * log1p((state.V0 - state.V) / state.V))


def ecdsep_start(
    objective: Objective,
    theta: ArrayLike,
    offset: float = 0.0,
    extra: float = 0.0,
    *,
    eta: float = 1.0,
    s: float = 1.0,
    rng: np.random.Generator | None = None,
) -> EcdSepState:
    """The state at theta with momentum along −∇V.

    Parameters
    ----------
    objective : theta (n,) -> (F, gradient (n,))
    theta : array_like, shape (n,)
    offset : float
        V = F − offset.
    extra : float >= 0
        |Π|² at the start, δE of the paper; e^H = V₀^η (s + extra). The released code sets it to 1 where s is not 1.
    eta : float > 0
        η; 1 or more in the paper.
    s : float >= 0
        1, or 0 for a motion that must not come to rest: extra > 0 then.
    rng : numpy.random.Generator, optional
        Draws the direction if the gradient is zero; needed there only.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as above, value or gradient are not finite, or V <= 0 (offset too large).
    """
    extra, s = between("extra", extra, 0, np.inf, closed=True), between("s", s, 0, np.inf, closed=True)
    eta = between("eta", eta, 0, np.inf)
    if s + extra == 0:
        raise ValueError("extra: expected a number > 0 where s = 0, got 0")
    offset = number("offset", offset)
    at, V, dV = started(objective, theta, offset, rng if extra > 0 else True)
    if V <= 0:
        raise ValueError(f"offset: expected a number below the value at the start, {V + offset}, got {offset}")
    state = EcdSepState(at, np.zeros_like(at), V, dV, offset, V, extra, eta, s)
    return state._replace(pi=directed(state, rng=rng) * sqrt(extra)) if extra > 0 else state


def ecdsep_leapfrog_step(objective: Objective, state: EcdSepState, h: float) -> EcdSepState:
    """Π ← Π − (h/2) η ∇V/V;  θ ← θ + 2h Π/(s + |Π|²);  Π ← Π − (h/2) η ∇V/V.  Symplectic, reversible, of order 2.

    h is the time of this H. Raises OutsideDomain where V of the new theta is not > 0.
    """
    half = 0.5 * h * state.eta
    pi = state.pi - half / state.V * state.dV
    theta = state.theta + 2 * h / (state.s + float(pi @ pi)) * pi
    V, dV = positive(*evaluate(objective, theta, state.offset))
    return state._replace(theta=theta, pi=pi - half / V * dV, V=V, dV=dV)


def ecdsep_step(
    objective: Objective,
    state: EcdSepState,
    h: float,
    *,
    rng: np.random.Generator | None = None,
    nu: float = 1e-5,
    project: bool = True,
) -> EcdSepState:
    """The released update: Π on the shell, a whole kick, a drift, and a little noise in the direction.

        Π ← Π √((e^H/V^η − s)/|Π|²)                left as it is where V asks for |Π|² < 0, within 1e-10 of the shell, and at Π = 0
        Π ← Π − h η ∇V/V;  θ ← θ + 2h Π/(s + |Π|²)
        Π ← |Π| (Π/|Π| + ν z)/|Π/|Π| + ν z|,  z normal, at every step

    rng : numpy.random.Generator, optional; draws z, no noise without it. nu >= 0 : ν. project : the first line; without it and
    without noise this is the symplectic Euler scheme. The state is returned as it is where V <= 1e-40 or V is NaN.
    """
    if not state.V > FROZEN:
        return state
    pi = state.pi
    if project:
        target, q = ecdsep_shell(state), float(pi @ pi)
        if target >= 0 and q > 0 and abs(q - target) >= GUARD:
            pi = sqrt(target / q) * pi
    pi = pi - h * state.eta / state.V * state.dV
    theta = state.theta + 2 * h / (state.s + float(pi @ pi)) * pi
    size = sqrt(float(pi @ pi))
    if rng is not None and nu > 0 and size > 0:
        pi = pi / size + (nu * rng.standard_normal(pi.shape)).astype(pi.dtype)
        pi = size / sqrt(float(pi @ pi)) * pi
    V, dV = evaluate(objective, theta, state.offset)
    return state._replace(theta=theta, pi=pi, V=V, dV=dV)


# ---- MCHMC: unit speed
class MchmcState(NamedTuple):
    """Where an MCHMC trajectory is; S and dS belong to theta."""

    theta: np.ndarray  # (n,)
    u: np.ndarray  # (n,) of length 1
    S: float
    dS: np.ndarray  # (n,)
    K: float  # kinetic energy, 0 at the start: what the kicks have added


def mchmc_energy(state: MchmcState) -> float:
    """S + K, conserved:  dK/dt = −u·∇S."""
    return state.S + state.K


def mchmc_start(objective: Objective, theta: ArrayLike, rng: np.random.Generator | None = None) -> MchmcState:
    """The state at theta with an isotropic direction from rng; without rng down the gradient.

    objective : theta (n,) -> (S, gradient (n,)), n >= 2. Raises TypeError or ValueError if theta is not n finite numbers, n = 1,
    S or its gradient is not finite there, or the gradient is zero and there is no rng.
    """
    at, S, dS = started(objective, theta, 0.0, rng)
    at_least_two("theta", at)
    v = -dS if rng is None else rng.standard_normal(at.shape).astype(at.dtype)
    return MchmcState(at, size_and_direction(v)[1], S, dS, 0.0)


def mchmc_kick(u: np.ndarray, dS: np.ndarray, h: float) -> tuple[np.ndarray, float]:
    """The direction after time h in a constant gradient, exactly:  du/dt = −(I − uuᵀ)∇S/(n−1).

        u' = (u + e (sinh δ + (e·u)(cosh δ − 1)))/D,  D = cosh δ + (e·u) sinh δ,   e = −∇S/|∇S|,  δ = h|∇S|/(n−1)

    u (n,) of length 1, n >= 2, dS (n,), h of either sign -> u' (n,) of length 1, and (n−1) ln D, the kinetic energy gained. Raises
    ValueError if n = 1, where the sphere of directions has no tangent.

    With a = (1 + e·u)/2, b = (1 − e·u)/2 and z = e^{−δ}, D = e^δ (a + bz²) and u' = [(a − bz²) e + z (u − (e·u) e)]/(a + bz²): the
    tangent of half the angle between e and u shrinks by z. Nothing overflows, however large δ is.
    """
    at_least_two("u", u)
    size, g = size_and_direction(dS)
    if size == 0 or h == 0:
        return u, 0.0
    e, delta = (-g if h > 0 else g), abs(h) * size / (len(u) - 1)
    a, b = float((u + e) @ (u + e)) / 4, float((u - e) @ (u - e)) / 4
    if a == 0:  # straight against the force, the unstable equilibrium
        return u, -delta * (len(u) - 1)
    z, shrunk = exp(-delta), b * expm1(-2 * delta)  # a + b = 1
    turned = (a - b * z * z) * e + z * (u - (a - b) * e)
    log_D = delta + (log1p(shrunk) if shrunk > -0.5 else log(a + b * z * z))
    return turned / sqrt(float(turned @ turned)), (len(u) - 1) * log_D


LEAPFROG = ((0.5, 1.0), (0.5, 0.0))  # kick, drift; fractions of h
LAMBDA = 0.1931833275037836  # makes the error of a second-order scheme with two drifts least
MINIMAL_NORM = ((LAMBDA, 0.5), (1 - 2 * LAMBDA, 0.5), (LAMBDA, 0.0))


def mchmc_leapfrog_step(objective: Objective, state: MchmcState, h: float) -> MchmcState:
    """Kick h/2, drift θ ← θ + h u, kick h/2.  Reversible, of order 2, one gradient. h is a length."""
    return composed(objective, state, h, LEAPFROG)


def mchmc_minimal_norm_step(objective: Objective, state: MchmcState, h: float) -> MchmcState:
    """Kick λh, drift h/2, kick (1 − 2λ)h, drift h/2, kick λh.  Reversible, of order 2, two gradients. h is a length."""
    return composed(objective, state, h, MINIMAL_NORM)


def composed(objective, state, h, scheme):
    """Kicks and drifts in turn; the gradient is taken anew after each drift."""
    for kick, drift in scheme:
        u, gained = mchmc_kick(state.u, state.dS, kick * h)
        state = state._replace(u=u, K=state.K + gained)
        if drift:
            theta = state.theta + drift * h * u
            S, dS = evaluate(objective, theta, 0.0)
            state = state._replace(theta=theta, S=S, dS=dS)
    return state


# ---- what MCHMC is to sample, so that it follows another motion
def born_infeld_action(objective: Objective, E: float, offset: float = 0.0) -> Objective:
    """theta -> (S, ∇S) with which MCHMC runs along the Born-Infeld orbits of energy E, at unit speed.

        S = −((n−1)/2) ln(E²/V − V),   ∇S = ((n−1)/2) (E² + V²)/(V (E − V)(E + V)) ∇V

    E > 0, in units of F; V = F − offset. The objective raises OutsideDomain where V is not in (0, E).
    """
    E, offset = between("E", E, 0, np.inf), number("offset", offset)

    def action(theta):
        V, dV = positive(*evaluate(objective, theta, offset))
        if not V < E:
            raise OutsideDomain(f"V: expected a potential < E = {E}, got {V}")
        half = (len(theta) - 1) / 2
        return -half * (log(E - V) + log(E + V) - log(V)), half * ((E * E + V * V) / ((E - V) * (E + V))) / V * dV

    return action


def ecd_q1_action(objective: Objective, eta: float = 1.0, offset: float = 0.0) -> Objective:
    """theta -> (S, ∇S) with which MCHMC is ECD_q=1:  S = (ηn/2) ln V,  ∇S = (ηn/2) ∇V/V.

    eta > 0; V = F − offset. The objective raises OutsideDomain where V is not > 0.
    """
    eta, offset = between("eta", eta, 0, np.inf), number("offset", offset)

    def action(theta):
        V, dV = positive(*evaluate(objective, theta, offset))
        half = eta * len(theta) / 2
        return half * log(V), half / V * dV

    return action


# ---- within
def started(objective, theta, offset, rng):
    """theta as a copy, V and dV there, finite; ValueError otherwise, or if the gradient is zero and there is no rng."""
    theta = finite("theta", floats("theta", theta, (None,))).copy()
    V, dV = evaluate(objective, theta, offset)
    if not (isfinite(V) and np.isfinite(dV).all()):
        raise ValueError(f"objective: expected a finite value and gradient at theta, got {V}, gradient {dV}")
    if rng is None and not dV.any():
        raise ValueError("rng: expected a numpy.random.Generator, because the gradient is zero and gives no direction, got None")
    return theta, V, dV


def positive(V, dV):
    """V and dV, if V > 0; otherwise OutsideDomain."""
    if not V > 0:
        raise OutsideDomain(f"V: expected a potential > 0, got {V}: the loss has reached the offset")
    return V, dV


def at_least_two(name, v):
    """ValueError if v has one entry: the force over n − 1 is singular there."""
    if v.shape[0] < 2:
        raise ValueError(f"{name}: expected at least two coordinates, got {v.shape[0]}: the dynamics divides by n − 1")
