"""Pooling: one number for each window of an image, channel by channel; and images as vectors.

    maxpool2d    y[n, c, u, v] = max_{i, j} x[n, c, s_h u + i, s_w v + j]       the gradient goes to the first largest, row by row
    avgpool2d    y[n, c, u, v] = mean of the same
    flatten      y[n, :] = x[n] with channels, rows and columns one after the other

Windows lie inside the image: rows and columns that fill no whole window are left over (floor mode). Windows overlap where the
stride is smaller than the kernel. A NaN is larger than every number.
"""

from __future__ import annotations

import math

import numpy as np

from refimpl.nn.conv import both, seen, taps, windows_of
from refimpl.nn.room import channels_last, channels_second, plain


def maxpool2d_forward(x, kernel, stride=None):
    """y = the largest entry of each window.

    Parameters
    ----------
    x : array, shape (n, c, h, w)
    kernel : int or pair of ints >= 1, height and width of the window
    stride : int or pair of ints >= 1, from one window to the next; by default the kernel

    Returns
    -------
    y : array, shape (n, c, ⌊(h − kh)/s_h⌋ + 1, ⌊(w − kw)/s_w⌋ + 1)
    cache : tuple, for :func:`maxpool2d_backward`

    Raises
    ------
    ValueError
        If x is no such array, the kernel is larger than the image, or kernel or stride is not as above.
    """
    x, tapped = views(x, kernel, stride)
    y = tapped[0].copy(order="K")
    for pixels in tapped[1:]:
        np.maximum(y, pixels, out=y)
    return y, (x, y, kernel, stride)


def maxpool2d_backward(dy, cache):
    """dx: every dy to the first pixel of its window that is as large as y."""
    x, y, kernel, stride = cache
    dy, tapped, none_yet = plain(dy, order="K"), views(x, kernel, stride)[1], np.ones_like(y, bool)
    before = np.zeros_like(y, np.min_scalar_type(len(tapped)))
    for pixels in tapped:
        none_yet &= (pixels != y) & (pixels == pixels)  # a NaN is the largest
        before += none_yet  # how many taps come before the first largest
    dx = np.zeros_like(x, np.result_type(dy, x))
    for k, pixels in reversed(list(enumerate(views(dx, kernel, stride)[1]))):  # so that a pixel adds up its windows in their order
        pixels += np.where(before == k, dy, 0)
    return dx


def avgpool2d_forward(x, kernel, stride=None):
    """y = the mean of each window. Arguments, shapes and errors: as for :func:`maxpool2d_forward`."""
    x, tapped = views(x, kernel, stride)
    y = tapped[0].copy(order="K")
    for pixels in tapped[1:]:
        y += pixels
    return y / len(tapped), (x.shape, kernel, stride)


def avgpool2d_backward(dy, cache):
    """dx: dy over the number of taps, to every pixel of its window."""
    shape, kernel, stride = cache
    dy = plain(dy, order="K")
    dx = np.zeros(shape, dy.dtype)
    tapped = views(dx, kernel, stride)[1]
    for pixels in reversed(tapped):
        pixels += dy / len(tapped)
    return dx


def flatten_forward(x):
    """y (n, c·h·w) of x (n, c, h, w), or of any other array with the batch on its first axis."""
    x = np.array(plain(x))
    return x.reshape(len(x), math.prod(x.shape[1:])), x.shape


def flatten_backward(dy, cache):
    """dx: dy in the shape of x."""
    return np.array(plain(dy)).reshape(cache)


def kernel_and_stride(kernel, stride=None):
    """Both as pairs; by default the stride is the kernel. Raises ValueError if they are not as above."""
    kernel = both("kernel", kernel, 1)
    return kernel, kernel if stride is None else both("stride", stride, 1)


def views(x, kernel, stride):
    """x as an array, and for each tap, row by row, the view (n, c, oh, ow) of the pixels that it sees."""
    x, (kernel, stride) = plain(x, order="K"), kernel_and_stride(kernel, stride)
    if x.ndim != 4:
        raise ValueError(f"x: expected shape (n, c, h, w), got {x.shape}")
    windows, image = windows_of(x.shape[2:], kernel, stride), channels_last(x)
    return x, [channels_second(seen(image, tap, windows, stride)) for tap in taps(kernel)]
