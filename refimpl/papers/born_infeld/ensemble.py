"""Many trajectories at once, one a row: the steps of `integrators` on arrays, for measures, for many starts and many bounces.

The objective takes rows, theta (k, n) -> (F (k,), gradients (k, n)), and returns arrays that it does not write to again. The step
h is one for all, or (k,). Each row goes its own way: one that would leave its domain, or is not finite, stays where it is, and its
time stops. Arrays are in column order in memory, so that the one number which a row has for all of its entries runs along memory.

The formulas are those of :mod:`.integrators`; a claim holds rows to the single steps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from refimpl.doors import finite, floats
from refimpl.manifolds.motion import Space
from refimpl.papers.born_infeld.hamiltonian import momentum_squared, number
from refimpl.papers.born_infeld.integrators import FROZEN, GUARD, kick_factor, tangent, time_factor

RowObjective = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


class Rows(NamedTuple):
    """A State for each row; float64."""

    theta: np.ndarray  # (k, n)
    pi: np.ndarray  # (k, n)
    V: np.ndarray  # (k,)
    dV: np.ndarray  # (k, n)
    E: np.ndarray  # (k,)
    offset: float
    t: np.ndarray  # (k,)
    V0: np.ndarray  # (k,)
    extra: np.ndarray  # (k,)


def start_rows(
    objective: RowObjective,
    theta: ArrayLike,
    offset: float = 0.0,
    extra_energy: float = 0.0,
    *,
    rng: np.random.Generator | None = None,
    space: Space | None = None,
) -> Rows:
    """States at the rows theta (k, n), of energy V + extra_energy, with momenta along −∇V, or in random directions if rng is given.

    Raises ValueError where :func:`.hamiltonian.start` does; the row is named.
    """
    theta = finite("theta", floats("theta", theta, ("k", "n"))).astype(float, order="F")
    offset, extra = number("offset", offset), number("extra_energy", extra_energy)
    V, dV = evaluate_rows(objective, theta, offset)
    if extra < 0:
        raise ValueError(f"extra_energy: expected a number >= 0, got {extra}: no momentum has an energy below the potential")
    bad = ~((V > 0) & (V < np.inf) & np.isfinite(dV).all(axis=1))
    if bad.any():
        k = int(np.argmax(bad))
        raise ValueError(f"offset: expected V = F - offset > 0 and a finite gradient, got V {V[k]}, gradient {dV[k]} in row {k}")
    if space is not None:
        for x in theta:
            space.check(x)
    aim = tangent(theta, -dV if rng is None else rng.standard_normal(theta.shape), space)
    aim = aim / np.maximum(np.max(np.abs(aim), axis=1, keepdims=True), np.finfo(float).tiny)  # squares leave the range
    size = np.sqrt(squares(aim))
    if extra > 0 and not size.all():
        raise ValueError(f"rng: expected a numpy.random.Generator, as the gradient is zero in row {int(np.argmin(size))}, got None")
    E = V + extra
    pi = aim * (np.sqrt(momentum_squared(V, E, extra)) / np.where(size == 0, 1, size))[:, None]
    return Rows(theta, np.asfortranarray(pi), V, dV, E, offset, np.zeros(len(V)), V.copy(), np.full(len(V), extra))


def bbi_rows(
    objective: RowObjective,
    state: Rows,
    h: float | np.ndarray,
    *,
    project: bool = True,
    space: Space | None = None,
    as_released: bool = False,
) -> Rows:
    """:func:`.integrators.bbi_step` of every row. Rows with V <= 0, or 1e-40 as released, stay where they are."""
    theta, pi, V, dV, E = state[:5]
    stays = None
    floor = FROZEN if as_released else 0.0
    if not V.min() > floor:
        stays = ~(V > floor)
        V = np.where(stays, E, V)
    v, w = V / E, E / V
    pi = on_shell_rows(state, V, w, space, as_released) if project else pi
    pi = pi - ((v + w) * (0.5 * h))[:, None] * tangent(theta, dV, space)
    new = moved(objective, state, pi, h * v, h, space)
    return new if stays is None else kept(stays, state, new)


def leapfrog_rows(
    objective: RowObjective, state: Rows, h: float | np.ndarray, *, c: float | None = None, space: Space | None = None
) -> Rows:
    """:func:`.integrators.leapfrog_step` of every row. A row whose step would leave its domain stays where it is."""
    E, k = state.E, 1.0 if c is None else c / state.E
    v = state.V / E
    with np.errstate(invalid="ignore", divide="ignore"):
        now = time_factor(v, k)
        pi = state.pi - (0.5 * h * kick_factor(v, k))[:, None] * tangent(state.theta, state.dV, space)
    new = moved(objective, state, pi, h / (k + squares(pi) / E), 0.0, space)
    w = new.V / E
    with np.errstate(invalid="ignore", divide="ignore"):
        later = time_factor(w, k)
        pi = new.pi - (0.5 * h * kick_factor(w, k))[:, None] * tangent(new.theta, new.dV, space)
    new = new._replace(pi=pi, t=state.t + 0.5 * h * (now + later))
    stays = ~((v > 0) & (now > 0) & (w > 0) & (later > 0))
    return kept(stays, state, new) if stays.any() else new


def bounce_rows(
    state: Rows,
    rng: np.random.Generator,
    which: np.ndarray | None = None,
    *,
    space: Space | None = None,
    as_released: bool = False,
) -> Rows:
    """:func:`.integrators.bounce` of the rows `which` (k,), of all by default."""
    z = rng.uniform(-0.5, 0.5, state.pi.shape) if as_released else rng.standard_normal(state.pi.shape)
    z = tangent(state.theta, z, space)
    pi = np.asfortranarray(z * np.sqrt(squares(state.pi) / squares(z))[:, None])
    return state._replace(pi=pi if which is None else np.where(which[:, None], pi, state.pi))


# ---- helpers
def evaluate_rows(objective, theta, offset):
    """V (k,) and dV (k, n) of every row; ValueError if their shapes are not these."""
    value, gradient = objective(theta)
    gradient = np.asfortranarray(gradient, dtype=float)
    if gradient.shape != theta.shape or np.shape(value) != theta.shape[:1]:
        shapes = f"{np.shape(value)} and {gradient.shape}"
        raise ValueError(f"objective: expected values {theta.shape[:1]} and gradients {theta.shape}, got {shapes}")
    return value - offset, gradient


def moved(objective, state, pi, a, elapsed, space):
    """The rows after free motion for the times a (k,)."""
    theta, pi = (state.theta + a[:, None] * pi, pi) if space is None else space.drift(state.theta, pi, a[:, None])
    V, dV = evaluate_rows(objective, theta, state.offset)
    return Rows(theta, pi, V, dV, state.E, state.offset, state.t + elapsed, state.V0, state.extra)


def on_shell_rows(state, V, w, space, as_released):
    """The momenta of rescale, of every row; w = E/V."""
    pi, q, target = state.pi, squares(state.pi), (state.extra + (state.V0 - V)) * (1 + w)
    if not as_released and np.minimum(target, q).min() > 0:
        return np.sqrt(target / q)[:, None] * pi
    if as_released:
        target = V * (w * w - 1)
        left = (np.abs(q - target) < GUARD) | (target < 0)
    else:
        pi = np.where(((q == 0) & (target > 0))[:, None], tangent(state.theta, -state.dV, space), pi)
        q = squares(pi)
        left = (target < 0) | (q == 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(left, 1.0, np.sqrt(target / q))[:, None] * pi


def squares(pi):
    """|π|² of every row: a product with ones is the fastest sum over rows that lie apart."""
    return (pi * pi).dot(np.ones(pi.shape[1]))


def kept(stays, old, new):
    """The new state, the old one in the rows that stay."""
    chosen = [np.where(stays[:, None] if b.ndim == 2 else stays, a, b) for a, b in zip(old[:4], new[:4], strict=True)]
    return new._replace(theta=chosen[0], pi=chosen[1], V=chosen[2], dV=chosen[3], t=np.where(stays, old.t, new.t))
