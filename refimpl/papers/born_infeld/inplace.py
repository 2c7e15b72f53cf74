"""Many steps of the paper's update at the speed of memory: the same as bbi_step again and again, in buffers of its own.

The momentum is kept as a number times a vector, π = c q. To put it on the shell is then to choose c, and the rest of a step is

    q ← q − (h/2c) (V/E + E/V) ∇V,   θ ← θ + h c (V/E) q,   |q|² for the next step

three calls of the linear algebra library, piece by piece while a piece is in the cache: θ, q and the gradient are read once, θ and
q written once, which is the least there is. A claim holds it to :func:`.integrators.bbi_step`.
"""

from __future__ import annotations

from math import sqrt

import numpy as np

from refimpl.doors import floats, whole
from refimpl.papers.born_infeld.hamiltonian import State, directed
from refimpl.papers.born_infeld.integrators import OutsideDomain
from refimpl.params import Objective

PIECE = 2**18  # entries: three pieces of float64 are 6 MB, which the last-level cache holds
SCALE = 1e6  # q is scaled anew when c leaves (1/SCALE, SCALE)


def bbi_run(objective: Objective, state: State, h: float, steps: int = 1, *, project: bool = True) -> State:
    """The state after so many times bbi_step(objective, state, h, project=project), but for rounding.

    It holds two vectors of the size of theta, and a third at the end; the objective's gradient is read where it lies, and must not
    be one that the objective has returned before and still uses. The objective is given theta as a view that it must not write to.

    Raises
    ------
    OutsideDomain
        If V <= 0 or V is not a number before the last step.
    """
    from scipy.linalg import blas

    steps = whole("steps", steps, 0)
    letter = "s" if state.theta.dtype == np.float32 else "d"
    axpy, dot, scal = (getattr(blas, letter + name) for name in ("axpy", "dot", "scal"))
    theta, q, c = state.theta.copy(), state.pi.copy(), 1.0
    V, g, E, V0, extra, offset = state.V, state.dV, state.E, state.V0, state.extra, state.offset
    view, n, shape, dtype = theta.view(), theta.size, theta.shape, theta.dtype
    view.flags.writeable = False
    pieces = None if n <= 2 * PIECE else [(first, min(PIECE, n - first)) for first in range(0, n, PIECE)]
    size = float(dot(q, q))  # |q|²
    for _ in range(steps):
        if not V > 0:
            raise OutsideDomain(f"state: expected V > 0, got {V}: the loss has reached the offset")
        if project:
            target = (extra + (V0 - V)) / V * (E + V)
            if target > 0 and size > 0:
                c = sqrt(target / size)
            elif target > 0:
                q, c = sqrt(target) * directed(state._replace(dV=g)), 1.0
            elif target == 0:
                q[:], c = 0, 1.0
            if not 1 / SCALE < c < SCALE:
                q, c = scal(c, q), 1.0
        v = V / E
        kick, drift = -0.5 * h * (v + 1 / v) / c, h * v * c
        if pieces is None:
            axpy(g, q, n, kick)
            axpy(q, theta, n, drift)
            size = dot(q, q)
        else:
            size = 0.0
            for at, m in pieces:
                axpy(g, q, m, kick, at, 1, at)
                axpy(q, theta, m, drift, at, 1, at)
                size += dot(q, q, m, at, 1, at)
        value, g = objective(view)
        if not (type(g) is np.ndarray and g.dtype is dtype and g.shape == shape):
            g = floats("gradient", g, shape).astype(dtype, copy=False)
        V = float(value) - offset
    return State(theta, scal(c, q), V, g.copy(), E, offset, state.t + steps * h, V0, extra)
