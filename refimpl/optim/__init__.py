"""Optimisers: theta in, theta out.

Reading order: `first_order`, gradient descent, momentum and Adam, each as the pair (init, step) of pure functions; `rates`, which
fall with time or differ between groups of parameters; `minimise`, the loop that runs one of them on an objective; `train`, the loop
over mini-batches, with a history and a file from which a killed run goes on.

    symbol    here        shape    meaning
    θ         theta       (p,)     parameters
    g         gradient    (p,)     ∇L(θ)
    η         rate                 step size, in units of θ² per unit of L (Adam: in units of θ); a number, (p,), or a function of t
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
from refimpl.optim.rates import ExponentialDecay, PiecewiseDecay, group_rates
from refimpl.optim.train import Epoch, Training, train

__all__ = [
    "AdamState",
    "Descent",
    "DescentState",
    "Epoch",
    "ExponentialDecay",
    "MomentumState",
    "Optimiser",
    "PiecewiseDecay",
    "Training",
    "adam",
    "gradient_descent",
    "group_rates",
    "minimise",
    "momentum",
    "train",
]
