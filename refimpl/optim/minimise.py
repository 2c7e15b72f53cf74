"""The loop: an optimiser runs on an objective."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from refimpl.doors import floats
from refimpl.optim.first_order import Optimiser, advanced, optimiser_of
from refimpl.params import Objective


class Descent(NamedTuple):
    """Where a run came to."""

    theta: np.ndarray  # (p,) after the last step
    values: np.ndarray  # (steps + 1,) the objective before every step, and at theta


def minimise(objective: Objective, theta: ArrayLike, optimiser: Optimiser, steps: int) -> Descent:
    """Take a number of steps from theta.

    Parameters
    ----------
    objective : theta (p,) -> (value, gradient (p,))
    theta : array_like, shape (p,)
        Where to start; it is not modified.
    optimiser : Optimiser
    steps : int >= 0

    Returns
    -------
    Descent : theta, and the values on the way

    Raises
    ------
    TypeError
        If the optimiser is no pair (init, step): `minimise(..., gradient_descent(0.1), ...)`, not `gradient_descent`.
    ValueError
        If steps is no integer >= 0, theta no vector, or the gradient not of its shape.
    FloatingPointError
        If the value or the gradient stops being finite; the step is named.
    """
    if isinstance(steps, bool) or not isinstance(steps, (int, np.integer)) or steps < 0:
        raise ValueError(f"steps: expected an integer >= 0, got {steps!r}")
    theta = floats("theta", theta, (None,)).copy()
    state, values = optimiser_of(optimiser).init(theta), np.empty(steps + 1)
    for t in range(steps + 1):
        values[t], gradient = objective(theta)
        if not (np.isfinite(values[t]) and np.isfinite(gradient).all()):
            raise FloatingPointError(f"objective: expected a finite value and gradient, got value {values[t]} after {t} steps")
        if t < steps:
            theta, state = advanced(optimiser, theta, gradient, state, values[t])
    return Descent(theta, values)
