"""Gradient descent, momentum, Adam. Each is a pair (init, step), its constants bound when it is made:

    descent = adam(rate=1e-3)
    state = descent.init(theta)
    theta, state = descent.step(theta, gradient, state)

    optimiser           step
    gradient_descent    θ ← θ − η g
    momentum            v ← β v + g;  θ ← θ − η v                          heavy ball (Polyak 1964): g is not damped by 1 − β
      nesterov=True     v ← β v + g;  θ ← θ − η (g + β v)                  g is taken at θ, as in the form of Sutskever et al. 2013
    adam                m ← β₁ m + (1 − β₁) g;  v ← β₂ v + (1 − β₂) g²     Kingma & Ba 2015, algorithm 1
                        θ ← θ − η m̂/(√v̂ + ε),  m̂ = m/(1 − β₁ᵗ),  v̂ = v/(1 − β₂ᵗ)     both corrected for bias, ε outside the root

Nothing is modified; dtype and shape of theta are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from refimpl.doors import floats


class Optimiser(NamedTuple):
    """init(theta) -> state;  step(theta, gradient, state) -> (theta, state)."""

    init: Callable[[np.ndarray], Any]
    step: Callable[[np.ndarray, np.ndarray, Any], tuple[np.ndarray, Any]]


class DescentState(NamedTuple):
    """Gradient descent remembers nothing but the time."""

    t: int


class MomentumState(NamedTuple):
    """Velocity v (p,), the decaying sum of gradients."""

    t: int
    v: np.ndarray


class AdamState(NamedTuple):
    """Decaying means of the gradient, m (p,), and of its square, v (p,), both biased towards their start at 0."""

    t: int
    m: np.ndarray
    v: np.ndarray


def gradient_descent(rate: float) -> Optimiser:
    """θ ← θ − η g.  rate η > 0; ValueError otherwise."""
    eta = between("rate", rate, 0, np.inf)

    def init(theta):
        return DescentState(0)

    def step(theta, gradient, state):
        theta, g = pair("gradient", theta, gradient)
        return theta - eta * g, DescentState(state.t + 1)

    return Optimiser(init, step)


def momentum(rate: float, beta: float = 0.9, nesterov: bool = False) -> Optimiser:
    """v ← β v + g;  θ ← θ − η v, or θ ← θ − η (g + β v) with nesterov=True.  rate η > 0, 0 <= beta < 1; ValueError otherwise."""
    eta, beta = between("rate", rate, 0, np.inf), between("beta", beta, 0, 1, closed=True)

    def init(theta):
        return MomentumState(0, np.zeros_like(vector("theta", theta)))

    def step(theta, gradient, state):
        theta, g = pair("gradient", theta, gradient)
        v = beta * state.v + g
        return theta - eta * (g + beta * v if nesterov else v), MomentumState(state.t + 1, v)

    return Optimiser(init, step)


def adam(rate: float = 1e-3, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8) -> Optimiser:
    """Adam with bias correction, ε outside the root: a first step of length η in every coordinate, where |g| ≫ ε.

    Parameters
    ----------
    rate : float > 0, η
    beta1, beta2 : float in [0, 1)
    eps : float > 0, in units of the gradient

    Raises
    ------
    ValueError
        If a constant is outside its range; from step, if gradient and theta differ in shape.
    """
    eta, eps = between("rate", rate, 0, np.inf), between("eps", eps, 0, np.inf)
    beta1, beta2 = between("beta1", beta1, 0, 1, closed=True), between("beta2", beta2, 0, 1, closed=True)

    def init(theta):
        zero = np.zeros_like(vector("theta", theta))
        return AdamState(0, zero, zero.copy())

    def step(theta, gradient, state):
        theta, g = pair("gradient", theta, gradient)
        t = state.t + 1
        m = beta1 * state.m + (1 - beta1) * g
        v = beta2 * state.v + (1 - beta2) * (g * g)
        corrected = m / (1 - beta1**t), v / (1 - beta2**t)
        return theta - eta * corrected[0] / (np.sqrt(corrected[1]) + eps), AdamState(t, m, v)

    return Optimiser(init, step)


# ---- the doors
def between(name, value, low, high, closed=False):
    """value as a Python float in (low, high), or in [low, high) if closed; otherwise ValueError."""
    if not (low <= value if closed else low < value) or not value < high:
        raise ValueError(f"{name}: expected a number in {'[' if closed else '('}{low}, {high}), got {value}")
    return float(value)


def vector(name, theta):
    """theta as a native floating-point vector."""
    return floats(name, theta, (None,))


def pair(name, theta, gradient):
    """theta and a gradient of its shape and dtype."""
    theta, g = vector("theta", theta), vector(name, gradient)
    if g.shape != theta.shape:
        raise ValueError(f"{name}: expected the shape of theta, {theta.shape}, got {g.shape}")
    return theta, g.astype(theta.dtype, copy=False)
