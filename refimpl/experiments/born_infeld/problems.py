"""Functions to descend on, with gradients by hand: theta (n,) -> (F, ∇F (n,)), or rows theta (k, n) -> (F (k,), ∇F (k, n)).

    here              least value           known for
    zakharov          0 at 0                a valley that narrows with the fourth power of the distance
    ackley(b)         0 at 0, a cone        a lattice of local minima; b = 0.02 as released, 0.2 in textbooks
    multi_basin       0 at a and at b       two minima of equal depth, one flatter
    valley(kappa)     0 at 0                condition number kappa
    rosenbrock        0 at (1, ..., 1)      a bent valley
    rastrigin         0 at 0                a lattice of local minima
    quartic           0.4 at 0              coupled oscillators, V > 0 everywhere: to measure integrators on

Sums run over the last axis.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Function = Callable[[np.ndarray], tuple[Any, np.ndarray]]


def zakharov(x):
    """F = Σ x_i² + S² + S⁴,  S = ½ Σ i x_i;  ∇F = 2x + (S + 2S³) (1, 2, ..., n)."""
    i = np.arange(1, x.shape[-1] + 1)
    S = 0.5 * np.sum(i * x, axis=-1)
    return np.sum(x * x, axis=-1) + S**2 + S**4, 2 * x + (S + 2 * S**3)[..., None] * i


def ackley(b: float = 0.02) -> Function:
    """F = 20 − 20 e^{−bs} + e − e^{mean cos 2πx_i},  s² = mean x_i².  ∇F at 0, the tip of a cone, is given as 0.

    ∇F = (20 b e^{−bs}/(n s)) x + (2π e^{mean cos 2πx_i}/n) sin 2πx
    """

    def objective(x):
        n = x.shape[-1]
        s = np.sqrt(np.mean(x * x, axis=-1))
        e1, e2 = np.exp(-b * s), np.exp(np.mean(np.cos(2 * np.pi * x), axis=-1))
        slope = 20 * b * e1 / (n * np.where(s == 0, 1, s))  # times x, which is 0 where s is
        return 20 - 20 * e1 + np.e - e2, slope[..., None] * x + (2 * np.pi / n * e2)[..., None] * np.sin(2 * np.pi * x)

    return objective


BASINS = np.array([[-2.0, -2.0], [2.0, 2.0]])  # a and b
DEPTH = 1 - 2.75e-6  # of b: with the tail of a there, both minima are as deep
HESSIANS = (0.864, 1.664)  # λ_a, λ_b: the Hessians at the minima are λ I


def multi_basin(x):
    """F = 1 − e^{−0.4 r_a²} − (1 − 2.75e-6) e^{−0.8 r_b²} + 0.001 r_a² r_b²,  r_a = |x − a|, r_b = |x − b|, in two dimensions.

    ∇F = 0.8 e^{−0.4 r_a²} (x − a) + 1.6 (1 − 2.75e-6) e^{−0.8 r_b²} (x − b) + 0.002 [r_b² (x − a) + r_a² (x − b)]
    """
    xa, xb = x - BASINS[0], x - BASINS[1]
    a2, b2 = np.sum(xa * xa, axis=-1), np.sum(xb * xb, axis=-1)
    ea, eb = np.exp(-0.4 * a2), DEPTH * np.exp(-0.8 * b2)
    to_a, to_b = 0.8 * ea + 0.002 * b2, 1.6 * eb + 0.002 * a2
    return 1 - ea - eb + 0.001 * a2 * b2, to_a[..., None] * xa + to_b[..., None] * xb


def valley(kappa: float) -> Function:
    """F = ½ (x² + y²/κ): steep across x, shallow along y."""
    curvature = np.array([1.0, 1 / kappa])
    return lambda x: (0.5 * np.sum(curvature * x * x, axis=-1), curvature * x)


def rosenbrock(x):
    """F = Σ 100 (x_{i+1} − x_i²)² + (1 − x_i)²,  i from 1 to n − 1."""
    bend, rest = x[..., 1:] - x[..., :-1] ** 2, 1 - x[..., :-1]
    g = np.zeros_like(x)
    g[..., :-1] = -400 * x[..., :-1] * bend - 2 * rest
    g[..., 1:] += 200 * bend
    return np.sum(100 * bend**2 + rest**2, axis=-1), g


def rastrigin(x):
    """F = Σ 10 + x_i² − 10 cos 2πx_i;  ∇F = 2x + 20π sin 2πx."""
    return np.sum(10 + x * x - 10 * np.cos(2 * np.pi * x), axis=-1), 2 * x + 20 * np.pi * np.sin(2 * np.pi * x)


def quartic(x):
    """F = 0.4 + ½x² + 1.3y² + 0.6x²y + ¼(x² + y²)², in two dimensions;  ∇F = (x + 1.2xy + x r², 2.6y + 0.6x² + y r²)."""
    X, Y = x[..., 0], x[..., 1]
    r2 = X * X + Y * Y
    F = 0.4 + 0.5 * X**2 + 1.3 * Y**2 + 0.6 * X**2 * Y + 0.25 * r2**2
    return F, np.stack([X + 1.2 * X * Y + X * r2, 2.6 * Y + 0.6 * X**2 + Y * r2], axis=-1)
