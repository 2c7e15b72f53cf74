"""Two-dimensional convolution: every neuron sees one window of the image at a time, and the same weights see all windows.

    y[n, o, u, v] = b[o] + Σ_{c, i, j} W[o, c, i, j] x[n, c, s_h u + i − p_h, s_w v + j − p_w]

with x = 0 outside the image: the cross-correlation that networks call convolution; the kernel is not flipped. All windows, written
one below the other, make it one matrix product. So does each gradient.

    symbol       here            shape              meaning
    x            x               (n, c, h, w)       batch of n images of c channels
    W, b         W, b            (o, c, kh, kw)     o kernels; (o,) biases
    y            y               (n, o, oh, ow)     oh = ⌊(h + 2 p_h − kh)/s_h⌋ + 1, and ow likewise
    s, p         stride, padding                    an int or a pair (vertical, horizontal)
                 taps                               the kernel's places (i, j), row by row
                 columns         (oh·ow·n, kh·kw·c) the windows

Axes are named in the order n, c, h, w at the door. In memory they lie in the order h, w, n, c: the part of the image that a tap
sees is a slab of it then, and the copy that makes the windows is fast. Nobody needs to know, and no bit of a result depends on it.
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np

from refimpl.nn.room import channels_last, channels_second, over_batch, plain


class Conv2d(NamedTuple):
    """Parameters of a convolution, or their gradients."""

    W: np.ndarray  # (o, c, kh, kw) one kernel per output channel
    b: np.ndarray  # (o,)


def conv2d_forward(params, x, stride=1, padding=0):
    """y = W ∗ x + b.

    Parameters
    ----------
    params : Conv2d
    x : array, shape (n, c, h, w)
    stride : int or pair of ints >= 1
    padding : int or pair of ints >= 0, rows and columns of zeros on either side

    Returns
    -------
    y : array, shape (n, o, oh, ow)
    cache : tuple, for :func:`conv2d_backward`

    Raises
    ------
    ValueError
        If shapes do not fit, the kernel is larger than the padded image, or stride or padding is not as above.
    """
    W, x = plain(params.W), plain(x, order="K")
    stride, padding = both("stride", stride, 1), both("padding", padding, 0)
    if W.ndim != 4 or 0 in W.shape[2:] or np.shape(params.b) != W.shape[:1]:
        raise ValueError(f"W: expected shape (o, c, kh, kw), kh and kw >= 1, and b (o,), got {W.shape} and {np.shape(params.b)}")
    if x.ndim != 4 or x.shape[1] != W.shape[1]:
        raise ValueError(f"x: expected shape (n, c, h, w) with the {W.shape[1]} channels of W {W.shape}, got {x.shape}")
    (n, c, h, w), (o, _, *kernel) = x.shape, W.shape
    padded = np.zeros((h + 2 * padding[0], w + 2 * padding[1], n, c), x.dtype)
    inside(padded, padding)[...] = channels_last(x)
    oh, ow = windows_of(padded.shape[:2], kernel, stride)
    columns = np.empty((oh, ow, n, *kernel, c), x.dtype)
    for i, j in taps(kernel):
        columns[:, :, :, i, j] = seen(padded, (i, j), (oh, ow), stride)
    columns = columns.reshape(oh * ow * n, kernel[0] * kernel[1] * c)
    y = columns @ matrix(W) + params.b
    return channels_second(y.reshape(oh, ow, n, o)), (W, columns, padded.shape, stride, padding)


def conv2d_backward(dy, cache):
    """dW = dyᵀ columns, db = Σ_{n, u, v} dy; in dx every tap (i, j) gives back dy W[:, :, i, j] to the pixels it saw.

    dy (n, o, oh, ow) -> Conv2d of gradients, dx (n, c, h, w).
    """
    W, _, padded, stride, padding = cache
    n, _, oh, ow = dy.shape
    dy_rows, dpadded = rows(dy), np.zeros(padded, np.result_type(dy, W))
    for i, j in taps(W.shape[2:]):
        given_back = dy_rows @ W[:, :, i, j]  # (oh·ow·n, c)
        seen(dpadded, (i, j), (oh, ow), stride)[...] += given_back.reshape(oh, ow, n, W.shape[1])
    return conv2d_params_backward(dy, cache), channels_second(inside(dpadded, padding))


def conv2d_params_backward(dy, cache):
    """The first half of the above, for a first layer: its input is data, and needs no gradient."""
    W, columns, *_ = cache
    dy_rows = rows(dy)
    dW = (dy_rows.T @ columns).reshape(len(W), *W.shape[2:], W.shape[1]).transpose(0, 3, 1, 2)
    return Conv2d(W=np.ascontiguousarray(dW), b=over_batch(dy_rows))


# ---- shared with pooling
def both(name, value, least):
    """An int or a pair of ints as a pair. Raises ValueError unless they are ints of at least `least`."""
    pair = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(pair) != 2 or any(isinstance(k, bool) or not isinstance(k, (int, np.integer)) or k < least for k in pair):
        raise ValueError(f"{name}: expected an integer >= {least} or a pair of them, got {value!r}")
    return int(pair[0]), int(pair[1])


def windows_of(image, kernel, stride):
    """How many windows there are, (oh, ow). Raises ValueError if there is none."""
    if any(k > size for k, size in zip(kernel, image, strict=True)):
        raise ValueError(f"kernel: expected at most the size of the padded image {tuple(image)}, got {tuple(kernel)}")
    return tuple((size - k) // s + 1 for size, k, s in zip(image, kernel, stride, strict=True))


def taps(kernel):
    """The places (i, j) of a kernel, row by row."""
    return list(product(range(kernel[0]), range(kernel[1])))


def seen(image, tap, windows, stride):
    """View of the pixels that one tap sees in all windows; axes 0 and 1 of the image are height and width."""
    (i, j), (oh, ow), (sh, sw) = tap, windows, stride
    return image[i : i + sh * (oh - 1) + 1 : sh, j : j + sw * (ow - 1) + 1 : sw]


# ---- layout
def inside(padded, padding):
    """View of the image without its padding."""
    (ph, pw), (h, w) = padding, padded.shape[:2]
    return padded[ph : h - ph, pw : w - pw]


def matrix(W):
    """The kernels as columns, (kh·kw·c, o), in the order of the windows."""
    o, c, kh, kw = W.shape
    return W.transpose(2, 3, 1, 0).reshape(kh * kw * c, o)


def rows(y):
    """y (n, o, oh, ow) as (oh·ow·n, o), in the order of the windows."""
    n, o, oh, ow = y.shape
    return np.ascontiguousarray(channels_last(plain(y, order="K"))).reshape(oh * ow * n, o)
