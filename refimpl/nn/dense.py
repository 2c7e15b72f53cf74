"""The dense layer, y = x Wᵀ + b: every neuron sees every input.

The pattern of all layers, in two functions of two lines: forward returns its result and what backward will need.

    symbol    here    shape     meaning
    x         x       (n, d)    batch of n inputs
    W         W       (m, d)    weights, one neuron per row
    b         b       (m,)      biases
    y         y       (n, m)    pre-activations
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from refimpl.nn.room import over_batch, plain


class Dense(NamedTuple):
    """Parameters of a dense layer, or their gradients."""

    W: np.ndarray  # (m, d) one neuron per row
    b: np.ndarray  # (m,)


def dense_forward(params, x):
    """y = x Wᵀ + b.  params Dense, x (n, d) -> y (n, m)."""
    W, b, x = plain(params.W), params.b, plain(x)
    return x @ W.T + b, (W, x)


def dense_backward(dy, cache):
    """dW = dyᵀ x, db = Σ_n dy, dx = dy W.  dy (n, m) -> Dense of gradients, dx (n, d)."""
    W, _ = cache
    dy = plain(dy)
    return dense_params_backward(dy, cache), dy @ W


def dense_params_backward(dy, cache):
    """The first half of the above, for a first layer: its input is data, and needs no gradient."""
    _, x = cache
    dy = plain(dy)
    return Dense(W=dy.T @ x, b=over_batch(dy))
