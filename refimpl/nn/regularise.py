"""Weight decay, an objective to be added to others: `total(loss, weight_decay(unravel, 1e-4))`."""

from __future__ import annotations

import numpy as np

from refimpl.doors import floats
from refimpl.params import Objective, Unravel


def weight_decay(unravel: Unravel, rate: float) -> Objective:
    """theta -> (rate/2 Σ W², its gradient), the sum over the entries of all weights W: arrays of two axes and more.

    Biases and slopes, which have fewer, do not count. rate >= 0, in units of L per unit of W²; ValueError otherwise.
    """
    rate = float(floats("rate", rate, ()))
    if not 0 <= rate < np.inf:
        raise ValueError(f"rate: expected a number in [0, inf), got {rate}")
    on_weights = [np.full(int(np.prod(shape)), rate if len(shape) >= 2 else 0.0) for shape in unravel.shapes]
    rates = np.concatenate([np.zeros(0), *on_weights])  # (p,)

    def decay(theta):
        theta = floats("theta", theta, rates.shape, smooth=True)
        gradient = rates.astype(theta.real.dtype, copy=False) * theta
        return (0.5 * (theta @ gradient)).item(), gradient

    return decay
