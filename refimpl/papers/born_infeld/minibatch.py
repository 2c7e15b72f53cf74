"""Energy-conserving descent on mini-batches, as the (init, step) of :mod:`refimpl.optim`:

train(objective, theta, energy_conserving_descent(0.01), n, epochs=3, batch=50, rng=rng)
"""

from __future__ import annotations

from math import inf
from typing import NamedTuple

import numpy as np

from refimpl.doors import whole
from refimpl.optim.first_order import Optimiser, pair, vector
from refimpl.papers.born_infeld.hamiltonian import State, number, start
from refimpl.papers.born_infeld.integrators import FROZEN, bbi_update, bounce, kick_factor, on_shell
from refimpl.papers.born_infeld.schedule import Counters, bounced, due, least_zero, positive, rules_of, updated


class DescentState(NamedTuple):
    """What energy-conserving descent remembers. E is that of the first batch."""

    pi: np.ndarray  # (p,)
    begun: bool
    E: float
    V0: float
    counters: Counters


def energy_conserving_descent(
    step: float,
    *,
    offset: float = 0.0,
    extra_energy: float = 0.0,
    integrator: str = "bbi",
    c: float | None = None,
    project: bool = True,
    fixed_bounces: int = 0,
    bounce_every: float | None = None,
    patience: float | None = None,
    seed: int = 0,
    as_released: bool = False,
) -> Optimiser:
    """(init, step) for :func:`refimpl.optim.train` and :func:`refimpl.optim.minimise`: an update with each batch.

    The potential is that of the batch, and E is fixed by the first one, so that V > E can occur: π is then left as it is. Where a
    batch's V is not above 0 (as released 1e-40), or value or gradient are not finite, nothing moves. The leapfrog takes the two
    half kicks between two drifts from one batch, and max(c, V) for c, so that its force keeps its sign. Bounce k is drawn from the
    generator of [seed, k]. As released, the first momentum is that of one tensor.

    Parameters
    ----------
    step, offset, extra_energy, c, project, fixed_bounces, bounce_every, patience, as_released : as in :func:`born_infeld`
    integrator : "bbi" or "leapfrog"
    seed : int >= 0

    Raises
    ------
    TypeError, ValueError
        If an argument is not as above. From step, if V <= 0 in the first batch, or its gradient is zero with no extra energy.
    """
    h, offset, extra = positive("step", step), number("offset", offset), least_zero("extra_energy", extra_energy)
    rules, seed = rules_of(bounce_every, fixed_bounces, patience, as_released), whole("seed", seed, 0)
    c = None if c is None else positive("c", c)
    if integrator not in ("bbi", "leapfrog") or (as_released and integrator != "bbi"):
        raise ValueError(f"integrator: expected 'bbi', or 'leapfrog' without as_released, got {integrator!r}")

    def init(theta):
        return DescentState(np.zeros_like(vector("theta", theta)), False, 0.0, 0.0, Counters())

    def advance(theta, gradient, state, value):
        theta, g = pair("gradient", theta, gradient)
        V = float(value) - offset
        if not state.begun:
            drawn = np.random.default_rng([seed, 0])
            first = start(lambda _: (value, g), theta, offset, extra, rng=drawn, as_released=as_released)
            state = state._replace(pi=first.pi, begun=True, E=first.E, V0=first.V0)
        elif not (FROZEN if as_released else 0) < V < inf or not np.isfinite(g).all():
            return theta, state
        now = State(theta, state.pi, V, g, state.E, offset, 0.0, state.V0, extra)
        n = state.counters
        if integrator == "leapfrog" and n.since_fixed + n.bounces:  # the second half of the last step
            now = now._replace(pi=half_kick(now, h, c))
        if due(rules, n):
            n = bounced(rules, n)
            now = bounce(now, np.random.default_rng([seed, n.bounces]), as_released=as_released)
            if as_released:
                return theta, state._replace(pi=now.pi, counters=n)
        if integrator == "bbi":
            new, pi = bbi_update(now, h, project=project, as_released=as_released)
        else:
            pi = half_kick(now._replace(pi=on_shell(now, None)) if project else now, h, c)
            new = theta + (h * now.E / (max(c or now.E, V) + float(pi.dot(pi)))) * pi
        return new, state._replace(pi=pi, counters=updated(n, V))

    return Optimiser(init, advance, uses_value=True)


def half_kick(state, h, c):
    """π − (h/2) κ_c ∇V with max(c, V) for c."""
    return state.pi - (0.5 * h * kick_factor(state.V / state.E, max(c or state.E, state.V) / state.E)) * state.dV
