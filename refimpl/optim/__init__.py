"""Optimisers: theta in, theta out.

Reading order: `first_order`, gradient descent, momentum and Adam, each as the pair (init, step) of pure functions; `minimise`, the
loop that runs one of them on an objective.

    symbol    here        shape    meaning
    θ         theta       (p,)     parameters
    g         gradient    (p,)     ∇L(θ)
    η         rate                 step size, in units of θ² per unit of L (Adam: in units of θ)
    t         t                    number of steps taken
"""

from refimpl.optim.first_order import (
    AdamState,
    DescentState,
    MomentumState,
    Optimiser,
    adam,
    gradient_descent,
    momentum,
)
from refimpl.optim.minimise import Descent, minimise

__all__ = [
    "AdamState",
    "Descent",
    "DescentState",
    "MomentumState",
    "Optimiser",
    "adam",
    "gradient_descent",
    "minimise",
    "momentum",
]
