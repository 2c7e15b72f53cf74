"""Which entries of theta belong to which array of the parameters, and what they are called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from refimpl.params import Unravel, leaves


class Block(NamedTuple):
    """One array of the parameters, and where its entries stand in theta."""

    name: str
    positions: np.ndarray  # in theta, in the array's own shape

    def entry(self, position: int) -> str:
        """`layer[0].W[2, 5]`: the name of the entry that stands at this position of theta."""
        at = np.argwhere(self.positions == position)[0]
        return f"{self.name}[{', '.join(map(str, at))}]" if len(at) else self.name


def blocks_of(unravel: Callable[[np.ndarray], Any], p: int, name: str) -> list[Block]:
    """The arrays that unravel makes of a theta whose entries are their own positions.

    Raises ValueError if unravel does not use each entry of theta exactly once.
    """
    found = leaves(unravel(np.arange(p, dtype=float)), name)
    names = unravel.names if isinstance(unravel, Unravel) else [at for at, _ in found]
    blocks = [Block(at, np.asarray(leaf).astype(int)) for at, (_, leaf) in zip(names, found, strict=True)]
    used = np.sort(np.concatenate([np.zeros(0, int), *(b.positions.ravel() for b in blocks)]))
    if not np.array_equal(used, np.arange(p)):
        raise ValueError(f"unravel: expected each of the {p} entries of theta to be used once, got {len(used)} entries")
    return blocks
