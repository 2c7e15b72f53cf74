"""Rates that fall with time, and rates by groups of parameters. The optimisers take both, and the one made of the other:

    adam(ExponentialDecay(0.01, factor=0.5, every=1000))
    adam(group_rates(unravel, 0.01, {"params[0]": 0.001, "params[2].b": 0.0}))
    adam(PiecewiseDecay(group_rates(unravel, 0.01, {"params[0]": 0.001}), steps=(3000, 4000)))

A rate is in units of θ² per unit of L, and of θ for Adam; at rate 0 parameters stay where they are.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from refimpl.doors import floats, whole
from refimpl.optim.first_order import between, not_negative
from refimpl.params import Unravel


@dataclass(frozen=True)
class ExponentialDecay:
    """η_t = η_0 factor^⌊t/every⌋, t the steps taken before.  rate η_0 >= 0, a number or (p,); 0 < factor <= 1; every >= 1."""

    rate: Any
    factor: float
    every: int = 1

    def __post_init__(self):
        checked(self, rate=kept(self.rate), factor=fraction(self.factor), every=whole("every", self.every, 1))

    def __call__(self, t: int) -> Any:
        return self.rate * self.factor ** (t // self.every)


@dataclass(frozen=True)
class PiecewiseDecay:
    """η_t = η_0 factor^k, k the number of `steps` <= t, t the steps taken before.  rate and factor as above; steps increase."""

    rate: Any
    steps: tuple[int, ...]
    factor: float = 0.1

    def __post_init__(self):
        if not np.iterable(self.steps):
            raise TypeError(f"steps: expected increasing numbers of steps, got {self.steps!r}")
        steps = tuple(whole(f"steps[{k}]", step, 0) for k, step in enumerate(self.steps))
        if list(steps) != sorted(set(steps)):
            raise ValueError(f"steps: expected increasing numbers of steps, got {steps}")
        checked(self, rate=kept(self.rate), factor=fraction(self.factor), steps=steps)

    def __call__(self, t: int) -> Any:
        return self.rate * self.factor ** bisect_right(self.steps, t)


def group_rates(unravel: Unravel, rate: float, groups: Mapping[str, float]) -> np.ndarray:
    """A rate for each parameter: (p,).

    Parameters
    ----------
    unravel : Unravel
        From :func:`refimpl.params.ravel`.
    rate : float >= 0
        Of all parameters that are in no group.
    groups : name -> float >= 0
        Names as `unravel.names` has them, or what they begin with: "params[0].W", or "params[0]" for the whole layer. Of two that
        fit, the longer one counts.

    Raises
    ------
    ValueError
        If no parameter has that name, or a rate is negative or not finite.
    """
    eta = [between("rate", rate, 0, np.inf, closed=True)] * len(unravel.names)
    for group in sorted(groups, key=len):
        members = [k for k, name in enumerate(unravel.names) if name == group or name.startswith((f"{group}.", f"{group}["))]
        if not members:
            raise ValueError(f"groups: expected names among {', '.join(unravel.names)}, or their beginnings, got {group!r}")
        for k in members:
            eta[k] = between(f"groups[{group!r}]", groups[group], 0, np.inf, closed=True)
    return np.repeat(np.array(eta, float), [int(np.prod(shape)) for shape in unravel.shapes])


# ---- the doors
def checked(schedule, **fields):
    """Set the fields of a frozen schedule to what its doors made of them."""
    for name, value in fields.items():
        object.__setattr__(schedule, name, value)


def kept(rate):
    """rate as a float, or as an array of its own that nobody writes to."""
    rate = not_negative("rate", rate)
    if isinstance(rate, np.ndarray):
        rate = rate.copy()
        rate.flags.writeable = False
    return rate


def fraction(factor):
    """factor as a float in (0, 1]."""
    x = float(floats("factor", factor, ()))
    if not 0 < x <= 1:
        raise ValueError(f"factor: expected a number in (0, 1], got {factor}")
    return x
