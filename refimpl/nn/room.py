"""What every layer does with the arrays it is given, and how a batch is summed."""

from __future__ import annotations

import numpy as np


def plain(x, order="C"):
    """x in C order, aligned, in native bytes: every layout of the same numbers gives the same bits. Integers become float64.

    x itself if it is so already. Complex numbers pass for the complex step, Fractions for exact arithmetic. With order="K" it stays
    in the order that it has: for images, and where what is done to each entry does not depend on its neighbours.
    """
    x = np.asarray(x, order=order)
    if x.dtype.kind in "biu":
        return x.astype(np.float64)
    return x if x.dtype.isnative and x.flags.aligned else x.astype(x.dtype.newbyteorder("="))


def channels_last(x):
    """View of x (n, c, ...) as (..., n, c): images (n, c, h, w) as (h, w, n, c), which is how they lie in memory between layers."""
    return x.transpose(*range(2, x.ndim), 0, 1)


def channels_second(x):
    """View of x (..., n, c) as (n, c, ...): the way back."""
    return x.transpose(-2, -1, *range(x.ndim - 2))


def over_batch(x, block=64):
    """Σ over the batch, x (n, m) -> (m,): pairwise, of long batches over sums of blocks. One by one, float32 would lose digits."""
    m, whole = x.shape[1], len(x) // block
    if whole > 4:
        blocks = x[: whole * block].reshape(whole, block, m).sum(axis=1)
        x = np.concatenate([blocks, x[whole * block :].sum(axis=0, keepdims=True)])
    return np.ascontiguousarray(x.T).sum(axis=1)


def step(x):
    """1 where x > 0, 0 where x <= 0, NaN where x is NaN; by the real part of x."""
    return np.sign(np.maximum(x.real, 0))  # np.heaviside is five times slower
