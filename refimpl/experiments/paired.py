"""Statistics of paired runs: seed k with the energy less seed k without it.

here              meaning
x                 (n,) differences, one a seed
mean ± error      mean, and its standard error sd/√n with sd over n − 1
low, high         95 % interval of the mean, mean ± t·sd/√n with Student's t of n − 1 degrees of freedom
wins, losses      seeds with a difference below, above 0
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from refimpl.doors import finite, floats


class Paired(NamedTuple):
    """The mean of n differences and how well it is known; with one of them, not at all."""

    n: int
    mean: float
    error: float  # standard error of the mean; inf for n = 1
    low: float
    high: float
    wins: int
    losses: int

    def __str__(self) -> str:
        return f"{self.mean:+.2f} ± {self.error:.2f}  [{self.low:+.2f}, {self.high:+.2f}]"

    @property
    def verdict(self) -> str:
        """Of a claim that the difference is negative: by the side of 0 on which the interval lies, if it lies on one."""
        return "agrees" if self.high < 0 else "differs" if self.low > 0 else "inconclusive"


def paired(x: ArrayLike, level: float = 0.95) -> Paired:
    """The mean of the differences and its interval of that level.

    Raises TypeError or ValueError if x is not a vector of at least one finite number, or the level not between 0 and 1.
    """
    x = finite("x", floats("x", x, ("n",)))
    if not len(x):
        raise ValueError("x: expected at least one difference, got none")
    if not 0 < level < 1:
        raise ValueError(f"level: expected a number between 0 and 1, got {level}")
    n, mean, error, half = len(x), float(x.mean()), float("inf"), float("inf")
    if n > 1:
        from scipy.stats import t

        error = float(x.std(ddof=1) / n**0.5)
        half = float(t.ppf((1 + level) / 2, n - 1)) * error
    return Paired(n, mean, error, mean - half, mean + half, int((x < 0).sum()), int((x > 0).sum()))


def p_value(x: ArrayLike) -> float:
    """Two-sided p of Student's t test that the mean of the differences is 0; 1 for a single one. Errors as :func:`paired`."""
    p = paired(x)
    if p.n == 1 or p.error == 0:
        return 1.0 if p.n == 1 or p.mean == 0 else 0.0
    from scipy.stats import t

    return float(2 * t.sf(abs(p.mean) / p.error, p.n - 1))


def slopes(x: ArrayLike, y: ArrayLike) -> np.ndarray:
    """Least-squares slope on x (k,) of every row of y (n, k): one a seed.

    Raises TypeError or ValueError if the shapes are not these, or x does not take two values at least.
    """
    x = finite("x", floats("x", x, ("k",)))
    y = finite("y", floats("y", y, ("n", len(x))))
    centred = x - x.mean() if len(x) else x
    if not centred.any():
        raise ValueError(f"x: expected at least two different values, got {x.tolist()}")
    return y @ centred / (centred @ centred)
