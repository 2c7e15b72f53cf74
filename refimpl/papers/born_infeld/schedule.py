"""When to bounce: after so many updates, so many times; and whenever there was no progress for so long.

    released code    here           meaning
    threshold0       every          updates between fixed bounces
    n_fixed_bounces  fixed          how many of these there are in all
    threshold        patience       updates without a new smallest V after which there is a bounce

Fixed bounces stop after `fixed`; those for lack of progress do not. An iteration is an update or a bounce.
"""

from __future__ import annotations

from math import inf, isfinite
from typing import NamedTuple

import numpy as np

from refimpl.doors import whole
from refimpl.papers.born_infeld.hamiltonian import number


class Rules(NamedTuple):
    """The thresholds; inf is never."""

    every: float = inf  # T0
    fixed: int = 0  # Nb
    patience: float = inf  # T1


class Counters(NamedTuple):
    """What the rules look at."""

    since_fixed: int = 0  # updates since the last fixed bounce
    since_best: int = 0  # updates since the last smallest V, or the last bounce
    fixed: int = 0  # fixed bounces so far
    bounces: int = 0  # all bounces so far
    best: float = inf  # smallest V from which an update was made


def due(rules: Rules, counters: Counters) -> bool:
    """Is it time to bounce?"""
    return (counters.since_fixed == rules.every and counters.fixed < rules.fixed) or counters.since_best == rules.patience


def bounced(rules: Rules, n: Counters) -> Counters:
    """The counters after a bounce."""
    if n.since_fixed == rules.every and n.fixed < rules.fixed:
        n = n._replace(since_fixed=0, fixed=n.fixed + 1)
    return n._replace(since_best=0, bounces=n.bounces + 1)


def updated(n: Counters, V: float) -> Counters:
    """The counters after an update that started at the potential V. NaN is no progress."""
    since_best, best = (0, V) if V < n.best else (n.since_best + 1, n.best)
    return Counters(n.since_fixed + 1, since_best, n.fixed, n.bounces, best)


# ---- the doors
def rules_of(every, fixed, patience, as_released):
    """The rules; as released, no fixed bounce means one."""
    fixed = whole("fixed_bounces", fixed, 0)
    return Rules(threshold("bounce_every", every), max(fixed, 1) if as_released else fixed, threshold("patience", patience))


def threshold(name, x):
    """inf for None and inf; a whole number >= 1 otherwise, or an error."""
    if x is None or (isinstance(x, (float, np.floating)) and x == inf):
        return inf
    return whole(name, int(x) if isinstance(x, (float, np.floating)) and isfinite(x) and x == int(x) else x, 1)


def positive(name, x):
    """x as a finite float > 0; otherwise TypeError or ValueError."""
    x = number(name, x)
    if not x > 0:
        raise ValueError(f"{name}: expected a finite number > 0, got {x}")
    return x


def least_zero(name, x):
    """x as a finite float >= 0; otherwise TypeError or ValueError."""
    x = number(name, x)
    if x < 0:
        raise ValueError(f"{name}: expected a finite number >= 0, got {x}")
    return x
