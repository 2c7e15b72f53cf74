"""What the wrong ways with images are built of: which pixel each tap sees, and layers with one part replaced."""

from typing import Any, NamedTuple

import numpy as np

from refimpl.nn.room import plain


class Given(NamedTuple):
    """What the forward pass was given: arrays in C order, and pairs (vertical, horizontal)."""

    x: np.ndarray
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int] = (0, 0)
    W: Any = None
    b: Any = None

    @property
    def windows(self):
        """(oh, ow)"""
        sizes = zip(self.x.shape[2:], self.kernel, self.stride, self.padding, strict=True)
        return tuple(max((size + 2 * p - k) // s + 1, 0) for size, k, s, p in sizes)

    @property
    def taps(self):
        """kh·kw"""
        return self.kernel[0] * self.kernel[1]


def pair(k):
    return (int(k[0]), int(k[1])) if isinstance(k, (tuple, list)) else (int(k), int(k))


def places(g, stride=None, padding=None, windows=None, dilation=(1, 1)):
    """Rows (oh, kh) and columns (ow, kw) of the image that each tap sees in each window: s u + i − p."""
    sizes = zip(windows or g.windows, g.kernel, stride or g.stride, padding or g.padding, dilation, strict=True)
    return [s * np.arange(m)[:, None] + d * np.arange(k) - p for m, k, s, p, d in sizes]


def crossed(shape, rows, columns):
    """Both as indices of an image with one more row and column, which stand for whatever lies outside."""
    rows, columns = (np.where((0 <= at) & (at < size), at, size) for at, size in zip((rows, columns), shape[2:], strict=True))
    return rows[:, None, :, None], columns[None, :, None, :]


def look(x, rows, columns, outside=0):
    """The windows (n, c, oh, ow, kh, kw) of x."""
    rows, columns = crossed(x.shape, rows, columns)
    return np.pad(x, ((0, 0), (0, 0), (0, 1), (0, 1)), constant_values=outside)[:, :, rows, columns]


def give_back(pieces, shape, rows, columns):
    """The image that adds up the pieces (n, c, oh, ow, kh, kw), each where it was seen."""
    dx = np.zeros((*shape[:2], shape[2] + 1, shape[3] + 1), pieces.dtype)
    np.add.at(dx, (slice(None), slice(None), *crossed(shape, rows, columns)), pieces)
    return dx[:, :, :-1, :-1]


# ---- convolution with one part replaced
def convolution(ours, y=None, dW=None, db=None, dx=None):
    """Our convolution with y(g), dW(g, dy), db(g, dy), dx(g, dy) in place of those of its results."""

    def conv2d_forward(params, x, stride=1, padding=0):
        right, cache = ours.conv2d_forward(params, x, stride, padding)
        W = plain(params.W)
        g = Given(plain(x), W.shape[2:], pair(stride), pair(padding), W, plain(params.b))
        return y(g).astype(right.dtype) if y else right, (g, cache)

    def conv2d_params_backward(dy, cache):
        g, cache = cache
        own: Any = None if dW and db else ours.conv2d_params_backward(dy, cache)
        dy = plain(dy)
        return ours.Conv2d(
            W=dW(g, dy).astype(np.result_type(dy, g.x)) if dW else own.W,
            b=db(g, dy).astype(dy.dtype) if db else own.b,
        )

    def conv2d_backward(dy, cache):
        g, before = cache
        right = None if dx else ours.conv2d_backward(dy, before)[1]
        own, dy = conv2d_params_backward(dy, cache), plain(dy)
        return own, dx(g, dy).astype(np.result_type(dy, g.W)) if dx else right

    return {
        "conv2d_forward": conv2d_forward,
        "conv2d_backward": conv2d_backward,
        "conv2d_params_backward": conv2d_params_backward,
    }


def convolved(x, W, rows, columns):
    """Σ_{c, i, j} of windows and kernels, (n, o, oh, ow)."""
    return np.tensordot(look(x, rows, columns), W, ((1, 4, 5), (1, 2, 3))).transpose(0, 3, 1, 2)


def biases(b):
    return b[:, None, None]


def summed(g, dy):
    return dy.sum(axis=(0, 2, 3))


def kernel_gradient(g, dy, rows, columns):
    return np.tensordot(dy, look(g.x, rows, columns), ((0, 2, 3), (0, 2, 3)))


def pieces(dy, W):
    """What every window gives back to the pixels that it saw, (n, c, oh, ow, kh, kw)."""
    return np.tensordot(dy, W, (1, 0)).transpose(0, 3, 1, 2, 4, 5)


def image_gradient(g, dy, rows, columns):
    return give_back(pieces(dy, g.W), g.x.shape, rows, columns)


def displaced(ours, where, parts=("y", "dW", "dx")):
    """The convolution whose taps see the places where(g), in these parts of it."""
    at_places = {
        "y": lambda g: convolved(g.x, g.W, *where(g)) + biases(g.b),
        "dW": lambda g, dy: kernel_gradient(g, dy, *where(g)),
        "dx": lambda g, dy: image_gradient(g, dy, *where(g)),
    }
    return convolution(ours, db=summed, **{part: at_places[part] for part in parts})


def with_kernels(ours, there, back=None):
    """Our convolution by there(W); back(dW) is the adjoint, by default `there` itself."""

    def conv2d_forward(params, x, stride=1, padding=0):
        return ours.conv2d_forward(params._replace(W=there(np.asarray(params.W))), x, stride, padding)

    def returned(own):
        return own._replace(W=np.ascontiguousarray((back or there)(own.W)))

    def conv2d_backward(dy, cache):
        own, dx = ours.conv2d_backward(dy, cache)
        return returned(own), dx

    return {
        "conv2d_forward": conv2d_forward,
        "conv2d_backward": conv2d_backward,
        "conv2d_params_backward": lambda dy, cache: returned(ours.conv2d_params_backward(dy, cache)),
    }


# ---- pooling with one part replaced
def pooling(ours, kind, y=None, dx=None):
    """Our maxpool2d or avgpool2d with y(g), dx(g, dy) in place of those of its results."""
    our_forward, our_backward = getattr(ours, f"{kind}_forward"), getattr(ours, f"{kind}_backward")

    def forward(x, kernel, stride=None):
        right, cache = our_forward(x, kernel, stride)
        g = Given(plain(x), pair(kernel), pair(kernel if stride is None else stride))
        return y(g).astype(right.dtype) if y else right, (g, cache)

    def backward(dy, cache):
        g, cache = cache
        if dx is None:
            return our_backward(dy, cache)
        dy = plain(dy)
        return dx(g, dy).astype(np.result_type(dy, g.x) if kind == "maxpool2d" else dy.dtype)

    return {f"{kind}_forward": forward, f"{kind}_backward": backward}


def with_options(ours, kind, chosen):
    """Our maxpool2d or avgpool2d with the options chosen(kernel, stride), stride a pair or None."""
    our_forward = getattr(ours, f"{kind}_forward")

    def forward(x, kernel, stride=None):
        return our_forward(x, *chosen(pair(kernel), stride if stride is None else pair(stride)))

    return {f"{kind}_forward": forward}


def pixels(g, where=places, outside=0):
    """The windows (n, c, oh, ow, kh·kw), taps row by row."""
    rows, columns = where(g)
    windows = look(g.x, rows, columns, outside)
    return windows.reshape(*windows.shape[:4], g.taps)


def spread(g, chosen, where=places):
    """dx that gives chosen (n, c, oh, ow, kh·kw) back to the pixels."""
    return give_back(chosen.reshape(*chosen.shape[:4], *g.kernel), g.x.shape, *where(g))


def evenly(g, share, where=places):
    """dx that gives each share (n, c, oh, ow) to every pixel of its window."""
    return spread(g, np.repeat(share[..., None], g.taps, axis=-1), where)


def by_ceil(g):
    """Places with the number of windows rounded up, but none that starts outside the image."""
    sizes = zip(g.x.shape[2:], g.kernel, g.stride, strict=True)
    return places(g, windows=[min(-((k - size) // s) + 1, -(-size // s)) for size, k, s in sizes])


def one_hot(index, dy, taps):
    """dy at the tap of that index, 0 at the others."""
    return np.where(index[..., None] == np.arange(taps), dy[..., None], 0)


def max_gradient(ours, pick, where=places):
    """maxpool2d whose dy goes to the tap pick(windows, g) of each window."""
    return pooling(ours, "maxpool2d", dx=lambda g, dy: spread(g, one_hot(pick(pixels(g), g), dy, g.taps), where))


def is_largest(windows):
    return (windows == windows.max(axis=-1, keepdims=True)) | (windows != windows)


def in_memory_order(a):
    """The entries of a as they lie in memory, in its shape: a itself, if it lies in C order."""
    a = np.asarray(a)
    return a.ravel(order="K").reshape(a.shape)


def by_fft(g):
    """y by the theorem of convolution, in float64: whole images at a time, long enough that nothing wraps around."""
    from scipy import fft

    (h, w), (ph, pw), (sh, sw), (kh, kw), (oh, ow) = g.x.shape[2:], g.padding, g.stride, g.kernel, g.windows
    padded = np.pad(g.x.astype(np.float64), ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    size = (h + 2 * ph + kh - 1, w + 2 * pw + kw - 1)
    x, W = fft.rfft2(padded, size), fft.rfft2(g.W[:, :, ::-1, ::-1].astype(np.float64), size)
    full = fft.irfft2((x[:, None] * W[None]).sum(axis=2), size)
    return full[:, :, kh - 1 :: sh, kw - 1 :: sw][:, :, :oh, :ow] + biases(g.b)
