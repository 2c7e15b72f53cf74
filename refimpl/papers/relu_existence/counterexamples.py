"""What fails without a hypothesis of the existence theorem: problems whose infimum no network attains, and one that looks like it.

    dropped                           problem                                    what happens
    f is continuous                   f = 1{x > 0}                               ramps of slope T: risk 1/(12 T), to 0
    {h > 0} is convex                 two tangent discs, f = 0 and f = x         ramps of slope T: risk 1/(840 T⁵), to 0
    one output                        six points, two outputs                    τ to infinity: squares 3/τ², to 0
    (none: a gap in the data)         f = sign x on [−1, −a] ∪ [a, 1]            two neurons are exact: a jump is no obstacle here

None of the infima, 0, is attained by two neurons. All of this was derived for refimpl.

    symbol    here     meaning
    T         T        slope of the ramp
    τ         tau      size of the outgoing weights

Reading order: the step, the discs, vector outputs and their best fit in a norm budget, the gap.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from refimpl.doors import whole
from refimpl.nn.activations import relu_backward, relu_forward
from refimpl.nn.network import checked_rng
from refimpl.nn.shallow import Shallow
from refimpl.optim.first_order import between
from refimpl.papers.relu_existence.budget import on_sphere
from refimpl.papers.relu_existence.generalized import steepness
from refimpl.papers.relu_existence.integrate import interval_nodes
from refimpl.papers.relu_existence.network import balanced

STEEPEST = 1e7  # τ, for 1e-16 τ of the digits are lost


# ---- a step
def step_ramp(T: float) -> Shallow:
    """The balanced centred ramp T (x + 1/(2T))⁺ − T (x − 1/(2T))⁺ towards 1{x > 0}: |v_j| = |(w_j, b_j)| = √T (1 + 1/(4T²))^¼.

    ∫ (ramp − f)² dx = 1/(12 T) on [−1, 1], T >= 1/2. ValueError unless 0 < T <= 1e7: steeper ones lose their digits.
    """
    T = steepness(T)
    return balanced(Shallow(np.ones((2, 1)), np.array([0.5, -0.5]) / T, np.array([T, -T]), np.zeros(())))


# ---- two discs that touch
def disc_network(T: float) -> Shallow:
    """T (y + x/(2T))⁺ − T (y − x/(2T))⁺, the centred ramp towards 1{y > 0} x. ValueError unless 0 < T <= 1e7."""
    T = steepness(T)
    return Shallow(np.array([[0.5 / T, 1], [-0.5 / T, 1]]), np.zeros(2), np.array([T, -T]), np.zeros(()))


def disc_error(T: float) -> float:
    """∫ (N_T − f)² over the discs of radius 1 about (0, −1), where f = 0, and (0, 1), where f = x; N_T is `disc_network(T)`.

    Four equal parts, by symmetry. Across the wedge −x/(2T) < y < −s(x), s = 1 − √(1 − x²), the integral is closed:
    (x/2 − T s)³/(3T). With x = ξ/T no digits are lost for large T:

        (4/(3 T⁵)) ∫_0^ξ* (ξ (½ − ξ/(1 + √(1 − ξ²/T²))))³ dξ,   ξ* = 1/(1 + 1/(4T²))

    The integrand is analytic; 40 Gauss points leave nothing but rounding.

    Raises ValueError unless T is in [1, 1e60): for smaller ones the wedge leaves the discs elsewhere, for larger T⁵ is no float.
    """
    T = between("T", T, 1, 1e60, closed=True)
    xi, w = interval_nodes([0, 1 / (1 + 0.25 / T**2)], 40)
    inner = (xi * (0.5 - xi / (1 + np.sqrt(1 - (xi / T) ** 2)))) ** 3
    return float(4 / 3 * np.sum(w * inner) / T**5)


def disc_error_law(T: float) -> float:
    """1/(840 T⁵), what `disc_error` tends to: (4/3) ∫_0^1 (ξ (1 − ξ)/2)³ dξ = 1/840."""
    return 1 / (840 * between("T", T, 1e-60, 1e60) ** 5)


# ---- vector outputs
class VectorNetwork(NamedTuple):
    """x -> V (W x + b)⁺ + c, one input, n neurons, two outputs."""

    W: Any  # (n, 1)
    b: Any  # (n,)
    V: Any  # (2, n)
    c: Any  # (2,)


def vector_data() -> tuple[np.ndarray, np.ndarray]:
    """x (6,) and targets (6, 2) that no two neurons fit, though they come as near as one likes."""
    x = np.array([-2.0, -1, 0, 1, 2, 3])
    return x, np.array([[0.0, 0], [0, 0], [1, 0], [2, 1], [2, 2], [2, 3]])


def vector_network(tau: float) -> VectorNetwork:
    """v_1 (x + 1/τ)⁺ + v_2 (x − 1/τ)⁺, v_1 = (τ, 0), v_2 = (−τ, 1). ValueError unless 1 <= τ < 1e7: it fits up to 3/τ² then."""
    tau = between("tau", tau, 1, STEEPEST, closed=True)
    return VectorNetwork(np.ones((2, 1)), np.array([1, -1]) / tau, np.array([[tau, -tau], [0, 1]]), np.zeros(2))


def vector_response(params: VectorNetwork, x: Any) -> np.ndarray:
    """V (W x + b)⁺ + c.  x (n,) -> (n, 2)."""
    W, b, V, c = params
    return np.maximum(np.asarray(x)[:, None] * W[:, 0] + b, 0) @ V.T + c


def vector_error(tau: float) -> float:
    """Sum of squared errors of `vector_network(tau)` on `vector_data()`, evaluated: 3/τ² and rounding, (τ·1e-16)²."""
    x, y = vector_data()
    return float(np.sum((vector_response(vector_network(tau), x) - y) ** 2))


def best_vector_error(radius: float, rng: np.random.Generator, restarts: int = 20) -> float:
    """The least sum of squared errors on `vector_data()` found for two neurons with |θ| <= radius, θ = (W, b, V, c): some 2.35/R⁴.

    By homogeneity a neuron can be made longer without any change, so that |θ| = radius is all that has to be searched: by
    Levenberg-Marquardt, from the balanced `vector_network` with τ = R²/8, from `restarts` >= 1 points around it and from as many
    random directions.

    Raises TypeError or ValueError unless radius is a finite number > 0, rng a Generator and restarts an integer >= 1.
    """
    radius, restarts = between("radius", radius, 0, np.inf), whole("restarts", restarts, 1)
    checked_rng(rng)
    W, b, V, c = vector_network(min(max(radius**2 / 8, 1), STEEPEST / 2))
    s = np.sqrt(np.sqrt(np.sum(V * V, axis=0)) / np.hypot(W[:, 0], b))
    path = np.concatenate([W[:, 0] * s, b * s, (V / s).ravel(), c])
    starts = [path, *(path * (1 + 0.3 * rng.normal(size=10)) for _ in range(restarts)), *rng.normal(size=(restarts, 10))]
    return float(min(np.sum(vector_residuals(on_sphere(vector_residuals, theta, radius))[0] ** 2) for theta in starts))


def vector_residuals(theta):
    """Errors (12,), sample by sample, and their Jacobian (12, 10), of theta = (W (2), b (2), V (4), c (2))."""
    x, y = vector_data()
    W, b, V, c = theta[:2], theta[2:4], theta[4:8].reshape(2, 2), theta[8:]
    h, cache = relu_forward(x[:, None] * W + b)  # (6, 2)
    on = relu_backward(np.ones_like(h), cache)
    dW, db = ((V * g[:, None]) for g in (x[:, None] * on, on))  # (6, output, neuron)
    dV, dc = (np.einsum("ok,ij->iokj", np.eye(2), g) for g in (h, np.ones((6, 1))))
    J = np.concatenate([dW, db, dV.reshape(6, 2, 4), dc.reshape(6, 2, 2)], axis=2)
    return (h @ V.T + c - y).ravel(), J.reshape(12, 10)


# ---- a gap
def sign_with_gap(a: float) -> Shallow:
    """((x + a)⁺ − (x − a)⁺)/a − 1: sign x for |x| >= a, to rounding of |x|/a. Where data leave (−a, a) out, a jump is a response.

    ValueError unless a is a number in [1e-7, ∞): less would cost half of the digits.
    """
    a = between("a", a, 1 / STEEPEST, np.inf, closed=True)
    return Shallow(np.ones((2, 1)), np.array([a, -a]), np.array([1, -1]) / a, np.array(-1.0))
