"""Targets, and what is known in closed form of the least risk within a norm budget; :mod:`~refimpl.papers.relu_existence.budget`
computes it.

    problem                      loss(R), for large R
    tanh, f = x, 1 neuron        4/(1575 R⁴)              (1/η) tanh ηx = x − η² x³/3, and v adjusts
    sigmoid, f = x, 1 neuron     4/(63 R⁴)          the same; c takes the constant away
    relu, f = 1{x > 0}, 2        1/(6 R²)                 a balanced centred ramp
    tanh, f = 1{x > 0}, 1        <= (2 ln 2 − 1)/(4k)     (1 + tanh kx)/2, k = √(R² − ½)

Derived for refimpl, as means over [−1, 1].
"""

from __future__ import annotations

from collections.abc import Callable
from math import log
from typing import NamedTuple

import numpy as np

from refimpl.optim.first_order import between


class Target(NamedTuple):
    """A function on the line, and where it is not smooth."""

    function: Callable[[np.ndarray], np.ndarray]  # (n,) -> (n,)
    breaks: tuple[float, ...] = ()


TARGETS = {
    "x": Target(lambda x: x),
    "x^2": Target(lambda x: x * x),
    "x^+": Target(lambda x: np.maximum(x, 0), (0.0,)),
    "1 - tanh^2": Target(lambda x: 1 - np.tanh(x) ** 2),
    "step": Target(lambda x: np.heaviside(x, 0.5), (0.0,)),
}
ZETA_3 = 1.2020569031595943  # Σ 1/k³


def tanh_identity_law(radius: float) -> float:
    """4/(1575 R⁴): one tanh, f = x on [−1, 1]."""
    return 4 / (1575 * size("radius", radius) ** 4)


def sigmoid_identity_law(radius: float) -> float:
    """4/(63 R⁴): one sigmoid, f = x on [−1, 1]."""
    return 4 / (63 * size("radius", radius) ** 4)


def relu_step_law(radius: float) -> float:
    """1/(6 R²): two ReLUs, f = 1{x > 0} on [−1, 1]. A centred ramp of slope T has risk 1/(24 T) and, balanced, |θ|² = 4T."""
    return 1 / (6 * size("radius", radius) ** 2)


def tanh_step_bound(k: float) -> float:
    """(2 ln 2 − 1)/(4k), more than the mean over [−1, 1] of ((1 + tanh kx)/2 − 1{x > 0})²: what one tanh of slope k can do."""
    return (2 * log(2) - 1) / (4 * size("k", k))


def softplus_kink_law(k: float) -> float:
    """ζ(3)/(2k³) = ∫_R (softplus(kx)/k − x⁺)² dx; the mean over [−1, 1] is half of that, for large k."""
    return ZETA_3 / (2 * size("k", k) ** 3)


def size(name, x):
    """x as a number in [1e-60, 1e60], whose powers here are floats; ValueError otherwise."""
    return between(name, x, 1e-60, 1e60, closed=True)
