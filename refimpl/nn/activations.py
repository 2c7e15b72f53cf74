"""Activations, entry by entry: y = σ(x), and dx = σ'(x) dy.

Every formula is taken to its form that neither overflows nor loses digits in the tails. Where σ has a kink or a jump, at 0, the
derivative there is a convention, the same as PyTorch's and JAX's for ReLU:

    activation     σ(x)                          σ'(x)                    at x = 0
    relu           max(x, 0)                     1, 0                     0
    leaky_relu     max(x, 0) + slope·min(x, 0)   1, slope                 slope
    prelu          max(x, 0) + a·min(x, 0)       1, a; ∂σ/∂a = min(x, 0)  a
    sigmoid        1/(1 + e^{−x})                σ(x) σ(−x)
    tanh           tanh x                        1 − tanh²x
    softplus       log(1 + e^x)                  1/(1 + e^{−x})
    binary         1 where x >= 0, else 0        0, also at the jump      0

The binary threshold has the derivative zero almost everywhere: training through it stands still, as it must.
"""

from __future__ import annotations

import math

import numpy as np

from refimpl.nn.room import channels_last, over_batch, plain, step


# ---- piecewise linear
def relu_forward(x):
    """y = max(x, 0)."""
    x = plain(x, "K")
    return np.maximum(x, 0), x


def relu_backward(dy, cache):
    """dx = dy where x > 0, else 0."""
    x = cache
    return plain(dy, "K") * step(x)


def leaky_relu_forward(x, slope=0.01):
    """y = max(x, 0) + slope·min(x, 0); the slope is an option, not a parameter."""
    x = plain(x, "K")
    slope = float(slope) if isinstance(slope, (int, float)) else slope  # a float64 scalar would make float32 float64
    return np.maximum(x, 0) + slope * np.minimum(x, 0), (x, slope)


def leaky_relu_backward(dy, cache):
    """dx = dy where x > 0, else slope·dy."""
    x, slope = cache
    positive = step(x)
    return plain(dy, "K") * (positive + slope * (1 - positive))


def prelu_forward(a, x):
    """y = max(x, 0) + a·min(x, 0), the slope a being learned.

    Parameters
    ----------
    a : number or array, shape () or (1,): one slope for all; shape (m,): one a channel
    x : array, shape (n, m), or (n, c, h, w) with m = c: channels lie on axis 1
    """
    x = plain(x, "K")
    slope = float(a) if isinstance(a, (int, float)) else per_channel(plain(a), x)
    return np.maximum(x, 0) + slope * np.minimum(x, 0), (slope, x, np.shape(a))


def prelu_backward(dy, cache):
    """da = Σ dy min(x, 0) over all entries that share the slope; dx = dy where x > 0, else a·dy."""
    slope, x, shape = cache
    dy, positive = plain(dy, "K"), step(x)
    felt = dy * np.minimum(x, 0)
    felt = np.ascontiguousarray(channels_last(felt) if felt.ndim > 1 else felt)
    da = felt.sum() if np.size(slope) == 1 else over_batch(felt.reshape(math.prod(felt.shape[:-1]), felt.shape[-1]))
    return da.reshape(shape), dy * (positive + slope * (1 - positive))


def per_channel(a, x):
    """a broadcast against x along axis 1. Raises ValueError if there is neither one slope nor one a channel."""
    if a.size == 1 and a.ndim <= 1:
        return a.reshape(())
    if a.ndim != 1 or x.ndim < 2 or a.shape[0] != x.shape[1]:
        raise ValueError(f"a: expected one slope, or one for each channel of x {x.shape} on axis 1, got shape {a.shape}")
    return a.reshape(-1, *[1] * (x.ndim - 2))


# ---- smooth
def decay(x):
    """e^{−|x|}, in (0, 1]: the one exponential that sigmoid, softplus and tanh need, and it cannot overflow."""
    return np.exp(np.where(x.real < 0, x, -x)) if np.iscomplexobj(x) else np.exp(-np.abs(x))


def sigmoid(x, e):
    """1/(1 + e^{−x}) from e = e^{−|x|}: 1/(1 + e) for x >= 0, e/(1 + e) below, where it keeps its relative accuracy."""
    return (np.where(x.real >= 0, 1, e) if np.iscomplexobj(x) else np.maximum(e, x >= 0)) / (1 + e)  # max(e, 1) = 1, max(e, 0) = e


def sigmoid_forward(x):
    """y = 1/(1 + e^{−x})."""
    x = plain(x)
    e = decay(x)
    return sigmoid(x, e), e


def sigmoid_backward(dy, cache):
    """dx = σ(x) σ(−x) dy = e/(1 + e)² dy, e = e^{−|x|}: y (1 − y) would be 0 beyond x = 37."""
    e = cache
    return plain(dy) * (e / (1 + e) ** 2)


def tanh_forward(x):
    """y = tanh x."""
    x = plain(x)
    return np.tanh(x), x


def tanh_backward(dy, cache):
    """dx = dy/cosh²x = (2e/(1 + e²))² dy, e = e^{−|x|}: 1 − y² would be 0 beyond x = 19."""
    x = cache
    e = decay(x)
    return plain(dy) * (2 * e / (1 + e * e)) ** 2


def softplus_forward(x):
    """y = log(1 + e^x) = max(x, 0) + log(1 + e^{−|x|})."""
    x = plain(x)
    e = decay(x)
    return np.where(x.real >= 0, x, 0) + np.log1p(e), (x, e)


def softplus_backward(dy, cache):
    """dx = dy/(1 + e^{−x})."""
    x, e = cache
    return plain(dy) * sigmoid(x, e)


# ---- a jump
def binary_forward(x):
    """y = 1 where x >= 0, else 0."""
    x = plain(x)
    y = (1 * (x >= 0)).astype(object) if x.dtype == object else np.heaviside(x.real, 1)  # Fractions: heaviside does not know them
    return y, y


def binary_backward(dy, cache):
    """dx = 0: the threshold is constant on either side of its jump. (NaN stays NaN.)"""
    y = cache
    return plain(dy) * (0 * y)
