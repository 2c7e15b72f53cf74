"""Descent, momentum and Adam on the reduced space: spheres for the weights, intervals for the thresholds.

    g   = G_w − (w·G_w) w                                   Riemannian gradient, the part of G_w tangent at w
    w   ← (w − ηg)/|w − ηg|                                 retraction
    w   ← w cos η|g| − (g/|g|) sin η|g|                     geodesic; the two differ by (η|g|)³/3
    b   ← clip(b − ηG_b)  or  fold(b − ηG_b)                fold: velocities change sign at every wall
    c   ← c − ηG_c

Each is an Optimiser, a pair (init, step), as those of :mod:`refimpl.optim`: what they keep of the past is carried along to the new
tangent space, by projection after a retraction and by parallel transport after a geodesic. In one dimension the sphere is {−1, +1},
its tangent space is 0, and signs stay as they are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from refimpl.manifolds import sphere
from refimpl.optim.first_order import (
    AdamState,
    DescentState,
    MomentumState,
    Optimiser,
    Rate,
    between,
    optimiser_of,
    pair,
    rate_at,
    vector,
)
from refimpl.papers.reduced_space.training.layout import Radius, hidden_layers, in_reduced_space, one_of
from refimpl.papers.reduced_space.training.thresholds import folded
from refimpl.params import Unravel

MOVES, WALLS = ("retract", "geodesic"), ("clip", "fold")


def riemannian_gradient(theta: ArrayLike, gradient: ArrayLike, unravel: Unravel) -> np.ndarray:
    """The gradient with its part along w taken from that of each hidden neuron: G_w − (w·G_w) w.

    theta (p,) with hidden neurons of unit length; gradient (p,); unravel of :func:`refimpl.params.ravel`. ValueError otherwise.
    """
    point, g = pair("gradient", theta, gradient)
    hidden = hidden_layers(unravel)
    return tangent(hidden, in_reduced_space(point, hidden, unravel), g)


# ---- the optimisers
def riemannian_descent(
    rate: Rate, unravel: Unravel, radius: Radius | None, move: str = "retract", thresholds: str = "clip"
) -> Optimiser:
    """Riemannian gradient descent.

    Parameters
    ----------
    rate : number > 0; or an array (p,) or a function of t with values >= 0
        η. Of an array that differs within a neuron, the tangent part of the step is taken.
    unravel : Unravel
        Of (Dense, (), ..., Dense) or of Shallow: hidden neurons move on spheres, their thresholds in [−X, X], all else is free.
    radius : finite number X >= 0, one for each hidden layer, or None: thresholds are free, as s of b = X tanh s is
        0 keeps thresholds at 0.
    move : "retract" or "geodesic"
    thresholds : "clip" or "fold"

    Raises
    ------
    TypeError, ValueError
        If an argument is not as above. From init, if theta is not in the reduced space: see `project`. From step, if gradient or
        rates differ from theta in shape.
    """
    eta, space = rate_at(rate), ReducedSpace(unravel, radius, move, thresholds)

    def init(theta):
        space.check(theta)
        return DescentState(0)

    def step(theta, gradient, state):
        theta, g = pair("gradient", theta, gradient)
        theta, _ = space.moved(theta, space.tangent(theta, g), eta(state.t, theta))
        return theta, DescentState(state.t + 1)

    return Optimiser(init, step)


def riemannian_momentum(
    rate: Rate, unravel: Unravel, radius: Radius | None, move: str = "retract", thresholds: str = "clip", *, beta: float = 0.9
) -> Optimiser:
    """v ← β v + g, a step along −η v, and v is carried along.  0 <= beta < 1, else as :func:`riemannian_descent`.

    A clipped threshold keeps its velocity, which points outward as long as the gradient does; a folded one turns it round.
    """
    eta, beta, space = rate_at(rate), between("beta", beta, 0, 1, closed=True), ReducedSpace(unravel, radius, move, thresholds)

    def init(theta):
        return MomentumState(0, np.zeros_like(space.check(theta)))

    def step(theta, gradient, state):
        theta, g = pair("gradient", theta, gradient)
        v = beta * state.v + space.tangent(theta, g)
        theta, v = space.moved(theta, v, eta(state.t, theta), v)
        return theta, MomentumState(state.t + 1, v)

    return Optimiser(init, step)


def riemannian_adam(
    rate: Rate,
    unravel: Unravel,
    radius: Radius | None,
    move: str = "retract",
    thresholds: str = "clip",
    *,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
) -> Optimiser:
    """Adam with one second moment for each hidden neuron, that of |g|²: a first step turns a neuron by η rad.

    With one for each coordinate, the steps would depend on the axes: rotating inputs and neurons would not rotate the path. In
    state.v the number is repeated along the neuron. m is carried along as the velocity of :func:`riemannian_momentum` is; v is not
    changed by a move. beta1, beta2 in [0, 1), eps > 0, else as :func:`riemannian_descent`.
    """
    eta, eps, space = rate_at(rate), between("eps", eps, 0, np.inf), ReducedSpace(unravel, radius, move, thresholds)
    beta1, beta2 = between("beta1", beta1, 0, 1, closed=True), between("beta2", beta2, 0, 1, closed=True)

    def init(theta):
        zero = np.zeros_like(space.check(theta))
        return AdamState(0, zero, zero.copy())

    def step(theta, gradient, state):
        theta, g = pair("gradient", theta, gradient)
        t, g = state.t + 1, space.tangent(theta, g)
        m = beta1 * state.m + (1 - beta1) * g
        v = beta2 * state.v + (1 - beta2) * space.squares(g)
        direction = (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps)  # tangent: v is one number a neuron
        theta, m = space.moved(theta, direction, eta(state.t, theta), m)
        return theta, AdamState(t, m, v)

    return Optimiser(init, step)


def projected_descent(rate: Rate, unravel: Unravel, radius: Radius | None) -> Optimiser:
    """w ← (w − ηG_w)/|w − ηG_w| with the whole gradient, b ← clip(b − ηG_b): projected gradient descent.

    To first order in η the same as :func:`riemannian_descent`, whose arguments and errors it has. A long step can pass through 0:
    in one dimension, w changes sign. ValueError if it ends there.
    """
    eta, space = rate_at(rate), ReducedSpace(unravel, radius, "retract", "clip")

    def init(theta):
        space.check(theta)
        return DescentState(0)

    def step(theta, gradient, state):
        theta, g = pair("gradient", theta, gradient)
        there = theta - eta(state.t, theta) * g
        for W, b, _, X in space.hidden:
            there[W] = sphere.project_forward(there[W])[0]
            there[b] = clipped(there[b], X)
        return there, DescentState(state.t + 1)

    return Optimiser(init, step)


def keep_thresholds(optimiser: Optimiser, unravel: Unravel, radius: Radius) -> Optimiser:
    """Another optimiser, thresholds clipped to [−X, X] after each of its steps: for the objective of free directions, say.

    optimiser : a pair (init, step), TypeError otherwise.  unravel, radius : as for :func:`riemannian_descent`, with its errors.
    """
    optimiser, hidden = optimiser_of(optimiser), hidden_layers(unravel, radius)

    def step(theta, *more):
        theta, state = optimiser.step(theta, *more)
        theta = theta.copy()
        for _, b, _, X in hidden:
            theta[b] = clipped(theta[b], X)
        return theta, state

    return Optimiser(optimiser.init, step, optimiser.uses_value)


# ---- the space that they move in
class ReducedSpace:
    """What an optimiser has to know of the reduced space."""

    def __init__(self, unravel, radius, move, thresholds):
        self.unravel, self.hidden = unravel, hidden_layers(unravel, radius)
        self.geodesic = one_of("move", move, MOVES) == "geodesic"
        self.fold = one_of("thresholds", thresholds, WALLS) == "fold"

    def check(self, theta):
        """theta as a vector, if it is a point of the space; otherwise ValueError."""
        return in_reduced_space(vector("theta", theta), self.hidden, self.unravel)

    def tangent(self, theta, v):
        """The tangent part of v (p,)."""
        return tangent(self.hidden, theta, v)

    def squares(self, g):
        """g² (p,), and |g_j|² in all places of neuron j."""
        q = g * g
        for W, *_ in self.hidden:
            q[W] = np.sum(q[W], axis=1, keepdims=True)
        return q

    def moved(self, theta, direction, eta, carried=None):
        """Where −η times the direction leads, and the tangent vector that is carried along, if there is one."""
        v = -eta * direction
        if not isinstance(eta, float):
            v = tangent(self.hidden, theta, v)
        there, carried = theta + v, None if carried is None else carried.copy()
        for W, b, _, X in self.hidden:
            u, turn = theta[W], v[W]
            # a product of cosine and sine leaves the sphere by a rounding a step: projected, it does not add up
            there[W] = sphere.project_forward(sphere.exp(u, turn))[0] if self.geodesic else sphere.retract(u, turn)
            sign = 1
            if self.fold and X is not None:
                there[b], sign = folded(there[b], X)
            else:
                there[b] = clipped(there[b], X)
            if carried is not None:
                carried[W] = sphere.off(there[W], transported(u, turn, carried[W]) if self.geodesic else carried[W])
                carried[b] = sign * carried[b]
        return there, carried


def tangent(hidden, theta, v):
    """v (p,) without the part of each hidden neuron's along itself."""
    v = v.copy()
    for W, *_ in hidden:
        v[W] = sphere.off(theta[W], v[W])
    return v


def transported(u, turn, x):
    """Parallel transport along the geodesic from u with velocity turn: x + (x·p) ((cos θ − 1) p − sin θ u),  p = turn/θ."""
    theta = sphere.length(turn)
    p = turn / np.where(theta == 0, 1, theta)
    return x + np.sum(x * p, axis=1, keepdims=True) * (-2 * np.sin(theta / 2) ** 2 * p - np.sin(theta) * u)


def clipped(b, X):
    """b in [−X, X]; as it is where there is no wall."""
    return b if X is None else np.clip(b, -X, X)
