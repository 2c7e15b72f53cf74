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

The rate η is a number; an array (p,), a rate for each parameter; or a function t -> number or array of the number of steps taken
before, see :mod:`refimpl.optim.rates`. It multiplies the step and does not enter v or m. Nothing is modified; dtype and shape of
theta are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from refimpl.doors import floats

Rate = float | ArrayLike | Callable[[int], Any]  # η: a number, a number a parameter, or one of these as a function of t


class Optimiser(NamedTuple):
    """init(theta) -> state;  step(theta, gradient, state) -> (theta, state), with the objective's value behind if uses_value."""

    init: Callable[[np.ndarray], Any]
    step: Callable[..., tuple[np.ndarray, Any]]
    uses_value: bool = False  # step(theta, gradient, state, value): what conserves an energy must know it


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


def gradient_descent(rate: Rate) -> Optimiser:
    """θ ← θ − η g.  A number η > 0, or an array or function with values >= 0; ValueError otherwise."""
    eta = rate_at(rate)

    def init(theta):
        return DescentState(0)

    def step(theta, gradient, state):
        theta, g = pair("gradient", theta, gradient)
        return theta - eta(state.t, theta) * g, DescentState(state.t + 1)

    return Optimiser(init, step)


def momentum(rate: Rate, beta: float = 0.9, nesterov: bool = False) -> Optimiser:
    """v ← β v + g;  θ ← θ − η v, or θ ← θ − η (g + β v) with nesterov=True.  rate as above, 0 <= beta < 1; ValueError otherwise."""
    eta, beta = rate_at(rate), between("beta", beta, 0, 1, closed=True)

    def init(theta):
        return MomentumState(0, np.zeros_like(vector("theta", theta)))

    def step(theta, gradient, state):
        theta, g = pair("gradient", theta, gradient)
        v = beta * state.v + g
        return theta - eta(state.t, theta) * (g + beta * v if nesterov else v), MomentumState(state.t + 1, v)

    return Optimiser(init, step)


def adam(rate: Rate = 1e-3, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8) -> Optimiser:
    """Adam with bias correction, ε outside the root: a first step of length η in every coordinate, where |g| ≫ ε.

    Parameters
    ----------
    rate : float > 0, η; or an array (p,) or a function of t with values >= 0
    beta1, beta2 : float in [0, 1)
    eps : float > 0, in units of the gradient

    Raises
    ------
    ValueError
        If a constant is outside its range; from step, if gradient or rates differ from theta in shape.
    """
    eta, eps = rate_at(rate), between("eps", eps, 0, np.inf)
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
        return theta - eta(state.t, theta) * corrected[0] / (np.sqrt(corrected[1]) + eps), AdamState(t, m, v)

    return Optimiser(init, step)


# ---- the doors
def between(name, value, low, high, closed=False):
    """value as a Python float in (low, high), or in [low, high) if closed; otherwise TypeError or ValueError."""
    x = float(floats(name, value, ()))
    if not (low <= x if closed else low < x) or not x < high:
        raise ValueError(f"{name}: expected a number in {'[' if closed else '('}{low}, {high}), got {value}")
    return x


def not_negative(name, a):
    """a number or an array as a float, or a floating-point array, of finite entries >= 0; otherwise TypeError or ValueError."""
    if np.ndim(a) == 0:
        return between(name, a, 0, np.inf, closed=True)
    a = floats(name, a, (None,))
    if not ((0 <= a) & (a < np.inf)).all():
        raise ValueError(f"{name}: expected numbers in [0, inf), got {a[~((0 <= a) & (a < np.inf))][0]} among them")
    return a


def rate_at(rate):
    """(t, theta) -> η, a float or an array like theta. A constant is checked at once, a function of t when it is called."""
    if not callable(rate) and np.ndim(rate) == 0:
        constant = between("rate", rate, 0, np.inf)
        return lambda t, theta: constant
    array = None if callable(rate) else not_negative("rate", rate).copy()

    def eta(t, theta):
        value = not_negative("rate", rate(t)) if array is None else array
        return value if isinstance(value, float) else floats("rate", value, theta.shape).astype(theta.dtype, copy=False)

    return eta


def vector(name, theta):
    """theta as a native floating-point vector."""
    return floats(name, theta, (None,))


def pair(name, theta, gradient):
    """theta and a gradient of its shape and dtype."""
    theta, g = vector("theta", theta), vector(name, gradient)
    if g.shape != theta.shape:
        raise ValueError(f"{name}: expected the shape of theta, {theta.shape}, got {g.shape}")
    return theta, g.astype(theta.dtype, copy=False)


def advanced(optimiser: Any, theta: np.ndarray, gradient: np.ndarray, state: Any, value: float) -> tuple[np.ndarray, Any]:
    """(theta, state) after a step, the value handed over to those that use it."""
    more = (value,) if getattr(optimiser, "uses_value", False) else ()
    return optimiser.step(theta, gradient, state, *more)


def optimiser_of(optimiser):
    """optimiser, if it is a pair (init, step); otherwise TypeError: `gradient_descent(0.1)` is meant, not `gradient_descent`."""
    if not (hasattr(optimiser, "init") and hasattr(optimiser, "step")):
        raise TypeError(f"optimiser: expected (init, step), as gradient_descent(0.1) gives them, got {type(optimiser).__name__}")
    return optimiser
