"""When to stop: the Karush-Kuhn-Tucker conditions of the reduced space.

    tangent part of G_w = 0;   G_b = 0 inside, G_b <= 0 at b = X, G_b >= 0 at b = −X;   G_c = 0

At a wall a threshold may want to leave: descent, along −G_b, is held back there. In the training loop, and with scipy:

    measure = kkt_measure(J, unravel, radius)
    train(..., measure=measure, target=lambda row: row.measured <= 1e-6)
    minimize(reduced_objective(J, unravel), phi, jac=True, callback=stop_below(measure, 1e-6), ...)
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from refimpl.optim.first_order import between, pair
from refimpl.papers.reduced_space.training.layout import Radius, hidden_layers, in_reduced_space
from refimpl.papers.reduced_space.training.optimisers import tangent
from refimpl.papers.reduced_space.training.reparametrise import layers_with_walls, reparametrise_forward
from refimpl.params import Objective, Unravel


def kkt_residual(theta: ArrayLike, gradient: ArrayLike, unravel: Unravel, radius: Radius | None) -> float:
    """The largest entry, in absolute value, of the gradient that the constraints leave over: 0 at a stationary point.

    Parameters
    ----------
    theta : array_like, shape (p,)
        In the reduced space: unit neurons, |b| <= X. From 1e-12 X below a wall on (float32: 1e-6), a threshold is at it.
    gradient : array_like, shape (p,)
        The ordinary gradient (G_w, G_b, G_c) at theta. NaN gives NaN.
    unravel, radius : as for `riemannian_descent`; at radius 0 thresholds have nowhere to go, and G_b does not count

    Raises
    ------
    TypeError, ValueError
        If an argument is not as above.
    """
    point, g = pair("gradient", theta, gradient)
    hidden = hidden_layers(unravel, radius)
    in_reduced_space(point, hidden, unravel)
    g, slack = tangent(hidden, point, g), 1e-12 if point.dtype == np.float64 else 1e-6
    for _, b, _, X in hidden:
        if X is not None:
            G_b, wall = g[b], X * (1 - slack)
            G_b = np.where(point[b] >= wall, np.maximum(G_b, 0), G_b)
            g[b] = np.where(point[b] <= -wall, np.minimum(G_b, 0), G_b)
    return float(np.max(np.abs(g), initial=0))


def kkt_measure(objective: Objective, unravel: Unravel, radius: Radius, thresholds: str = "clip") -> Callable[[np.ndarray], float]:
    """phi -> the KKT residual there: what `train` takes as `measure`. It evaluates the objective once.

    objective : over theta = (w, b, c).  phi : theta itself, or free parameters (u, b, c) or, with thresholds="tanh", (u, s, c), see
    :func:`reparametrise_forward`.
    """
    layers_with_walls(unravel, thresholds, radius)

    def measure(phi):
        theta, _ = reparametrise_forward(phi, unravel, "directions", thresholds, radius)
        return kkt_residual(theta, objective(theta)[1], unravel, radius)

    return measure


def stop_below(measure: Callable[[np.ndarray], float], tolerance: float) -> Callable[[np.ndarray], None]:
    """A callback for scipy's minimize that raises StopIteration, which ends it, where measure(phi) <= tolerance, a number > 0."""
    tolerance = between("tolerance", tolerance, 0, np.inf)

    def callback(phi):
        if measure(phi) <= tolerance:
            raise StopIteration

    return callback
