"""Convolution, pooling, flatten and the activations of images, in wrong and in unusual ways.

Most mistakes are mistakes of place: which pixel a tap sees in which window. They are written as such, over three plain functions:
what is seen (:func:`look`), its adjoint (:func:`give_back`), and where (:func:`places`).
"""

from itertools import product
from typing import Any, NamedTuple

import numpy as np

from refimpl.nn.room import plain
from wrong.corpus import entry

PAPER = "substrate"


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


# ---- which way the kernel lies
@entry(PAPER, "reject", "the kernel is flipped: the convolution of mathematics, gradients and all")
def conv_flips_the_kernel(ours):
    return with_kernels(ours, lambda W: W[:, :, ::-1, ::-1])


@entry(PAPER, "reject", "the kernel is flipped along its rows only, gradients and all")
def conv_flips_one_axis(ours):
    return with_kernels(ours, lambda W: W[:, :, :, ::-1])


@entry(PAPER, "reject", "dx correlates dy with the kernel not turned round")
def conv_kernel_flipped_in_dx(ours):
    return displaced(ours, lambda g: [at[:, ::-1] for at in places(g)], ("dx",))


@entry(PAPER, "reject", "dW comes out turned round")
def conv_kernel_flipped_in_dw(ours):
    return displaced(ours, lambda g: [at[:, ::-1] for at in places(g)], ("dW",))


@entry(PAPER, "reject", "rows and columns of the kernel exchanged by a reshape: right for square kernels")
def conv_kernel_sides_exchanged(ours):
    def turned(W):
        o, c, kh, kw = W.shape
        return W.reshape(o, c, kw, kh)

    return with_kernels(ours, turned)


@entry(PAPER, "reject", "the kernel is transposed: right for kernels of one row and column")
def conv_kernel_by_columns(ours):
    return with_kernels(ours, lambda W: W.reshape(*W.shape[:2], *W.shape[:1:-1]).swapaxes(2, 3).reshape(W.shape))


@entry(PAPER, "reject", "taps run over kh in both directions: right for kernels no wider than high")
def conv_taps_of_a_square(ours):
    return with_kernels(ours, lambda W: W * (np.arange(W.shape[3]) < W.shape[2]).astype(W.dtype))


@entry(PAPER, "reject", "W.reshape(-1, o) in place of W.reshape(o, -1).T")
def conv_kernel_matrix_by_reshape(ours):
    def mixed(W):
        return W.reshape(-1, len(W)).T.reshape(W.shape)

    def back(dW):
        return dW.reshape(len(dW), -1).T.reshape(dW.shape)

    def guarded(f):
        return lambda W: f(W) if W.size else W

    return with_kernels(ours, guarded(mixed), guarded(back))


@entry(PAPER, "reject", "kernels and channels exchanged where there are as many of them")
def conv_kernels_and_channels_exchanged(ours):
    return with_kernels(ours, lambda W: W.swapaxes(0, 1) if W.shape[0] == W.shape[1] else W)


@entry(PAPER, "reject", "where there are as many kernels as channels, each kernel sees its own channel only")
def conv_channel_by_channel(ours):
    def own(W):
        return W * np.eye(len(W), dtype=W.dtype)[:, :, None, None] if W.shape[0] == W.shape[1] else W

    return with_kernels(ours, own)


@entry(PAPER, "reject", "dx takes the kernels with kernels and channels exchanged by a reshape")
def conv_channels_not_swapped_in_dx(ours):
    def dx(g, dy):
        (o, c), kernel = g.W.shape[:2], g.kernel
        return give_back(pieces(dy, g.W.reshape(c, o, *kernel).swapaxes(0, 1)), g.x.shape, *places(g))

    return convolution(ours, dx=dx)


@entry(PAPER, "reject", "dW is made as (o, kh, kw, c) and reshaped to (o, c, kh, kw)")
def conv_dw_reshaped_across_channels(ours):
    return convolution(ours, dW=lambda g, dy: kernel_gradient(g, dy, *places(g)).transpose(0, 2, 3, 1).reshape(g.W.shape))


# ---- stride
@entry(PAPER, "reject", "vertical and horizontal stride exchanged, in dx only")
def conv_strides_exchanged_in_dx(ours):
    return displaced(ours, lambda g: places(g, stride=g.stride[::-1]), ("dx",))


@entry(PAPER, "reject", "vertical and horizontal stride exchanged, in dW only")
def conv_strides_exchanged_in_dw(ours):
    return displaced(ours, lambda g: places(g, stride=g.stride[::-1]), ("dW",))


@entry(PAPER, "reject", "vertical and horizontal stride exchanged, gradients and all")
def conv_strides_exchanged(ours):
    return displaced(ours, lambda g: places(g._replace(stride=g.stride[::-1])))


@entry(PAPER, "reject", "dx ignores the stride: dy lies as close as it came")
def conv_stride_ignored_in_dx(ours):
    return displaced(ours, lambda g: places(g, stride=(1, 1)), ("dx",))


@entry(PAPER, "reject", "dW ignores the stride")
def conv_stride_ignored_in_dw(ours):
    return displaced(ours, lambda g: places(g, stride=(1, 1)), ("dW",))


@entry(PAPER, "reject", "dx spreads dy by repeating its entries, not with zeros in between")
def conv_dx_repeats_dy(ours):
    def dx(g, dy):
        rows, columns = places(g)
        steps = product(range(g.stride[0]), range(g.stride[1]))
        return sum(image_gradient(g, dy, rows + i, columns + j) for i, j in steps)

    return convolution(ours, dx=dx)


@entry(PAPER, "reject", "the stride is taken for a dilation as well: taps lie s pixels apart")
def conv_dilates(ours):
    return displaced(ours, lambda g: places(g, dilation=g.stride))


@entry(PAPER, "reject", "kernels of one pixel are treated as a dense layer, and the stride is forgotten")
def conv_of_one_pixel_without_stride(ours):
    def where(g):
        return places(g._replace(stride=(1, 1)) if g.kernel == (1, 1) else g)

    return displaced(ours, where)


# ---- padding
@entry(PAPER, "reject", "vertical and horizontal padding exchanged, gradients and all")
def conv_paddings_exchanged(ours):
    return displaced(ours, lambda g: places(g._replace(padding=g.padding[::-1])))


@entry(PAPER, "reject", "all padding on one side: 2p rows above and none below")
def conv_padding_on_one_side(ours):
    return displaced(ours, lambda g: places(g, padding=[2 * p for p in g.padding]))


@entry(PAPER, "reject", "the padded image is read one pixel too far, where there is padding")
def conv_padding_off_by_one(ours):
    return displaced(ours, lambda g: places(g, padding=[max(p - 1, 0) for p in g.padding]), ("y",))


@entry(PAPER, "reject", "any padding is that which keeps the size, ⌊k/2⌋: right for p = 0, and p = 1 with k = 3")
def conv_padding_that_keeps_the_size(ours):
    def where(g):
        return places(g._replace(padding=tuple(p and k // 2 for p, k in zip(g.padding, g.kernel, strict=True))))

    return displaced(ours, where)


@entry(PAPER, "reject", "padding by FFT without zeros: the other end of the image comes in, gradients and all")
def conv_wraps_around(ours):
    return displaced(ours, lambda g: [at % max(size, 1) for at, size in zip(places(g), g.x.shape[2:], strict=True)])


@entry(PAPER, "reject", "no padding is made and x[-1] is read in its place: the last row above the first, zeros below")
def conv_negative_index(ours):
    def where(g):
        return [np.where(at < 0, at + size, at) for at, size in zip(places(g), g.x.shape[2:], strict=True)]

    return displaced(ours, where, ("y", "dW"))


@entry(PAPER, "reject", "the border is repeated in place of zeros, gradients and all")
def conv_pads_with_the_border(ours):
    return displaced(ours, lambda g: [np.clip(at, 0, size - 1) for at, size in zip(places(g), g.x.shape[2:], strict=True)])


@entry(PAPER, "reject", "the windows of dW come from the image without its padding")
def conv_padding_ignored_in_dw(ours):
    return displaced(ours, lambda g: places(g, padding=(0, 0)), ("dW",))


def padded_gradient(g, dy):
    """dx with the padding still on it."""
    n, c, h, w = g.x.shape
    (ph, pw), (rows, columns) = g.padding, places(g, padding=(0, 0))
    return give_back(pieces(dy, g.W), (n, c, h + 2 * ph, w + 2 * pw), rows, columns)


@entry(PAPER, "reject", "the padding of dx is not cut off")
def conv_dx_with_its_padding(ours):
    return convolution(ours, dx=padded_gradient)


@entry(PAPER, "reject", "the padding of dx is cut by [p:-p], also where p = 0")
def conv_dx_cut_to_nothing(ours):
    def dx(g, dy):
        ph, pw = g.padding
        padded = padded_gradient(g, dy)
        return padded if g.padding == (0, 0) else padded[:, :, ph:-ph, pw:-pw]

    return convolution(ours, dx=dx)


@entry(PAPER, "reject", "the padding of dx is cut at the end only: [:h, :w]")
def conv_dx_cut_at_the_end(ours):
    return convolution(ours, dx=lambda g, dy: padded_gradient(g, dy)[:, :, : g.x.shape[2], : g.x.shape[3]])


# ---- how many windows, and what is left over
@entry(PAPER, "reject", "the number of windows is rounded up, the last ones hanging over zeros, gradients and all")
def conv_counts_by_ceil(ours):
    def where(g):
        sizes = zip(g.x.shape[2:], g.kernel, g.stride, g.padding, strict=True)
        return places(g, windows=[-((k - size - 2 * p) // s) + 1 for size, k, s, p in sizes])

    return displaced(ours, where)


@entry(PAPER, "reject", "range(0, h − k, s): the last window is lost, unless rows are left over")
def conv_loses_the_last_window(ours):
    def where(g):
        sizes = zip(g.x.shape[2:], g.kernel, g.stride, g.padding, strict=True)
        return places(g, windows=[len(range(0, size + 2 * p - k, s)) for size, k, s, p in sizes])

    return displaced(ours, where)


@entry(PAPER, "reject", "as many columns as rows are filled in: y stays 0 beyond, where the image is wider than high")
def conv_fills_a_square(ours):
    def y(g):
        whole = convolved(g.x, g.W, *places(g)) + biases(g.b)
        return whole * (np.arange(whole.shape[3]) < whole.shape[2])

    return convolution(ours, y=y)


@entry(PAPER, "reject", "dx ends with the last window: rows that are left over are missing from it")
def conv_dx_without_leftover_rows(ours):
    def dx(g, dy):
        ends = [min(int(at.max(initial=-1)) + 1, size) for at, size in zip(places(g), g.x.shape[2:], strict=True)]
        return image_gradient(g, dy, *places(g))[:, :, : ends[0], : ends[1]]

    return convolution(ours, dx=dx)


@entry(PAPER, "reject", "col2im assigns, where windows overlap it must add")
def conv_dx_overwrites_overlaps(ours):
    def dx(g, dy):
        n, c, h, w = g.x.shape
        image, given = np.zeros((n, c, h + 1, w + 1), np.result_type(dy, g.W)), pieces(dy, g.W)
        rows, columns = crossed(g.x.shape, *places(g))
        for u, v in product(*map(range, g.windows)):
            image[:, :, rows[u, 0], columns[0, v]] = given[:, :, u, v]
        return image[:, :, :h, :w]

    return convolution(ours, dx=dx)


# ---- axes mixed up by reshape
@entry(PAPER, "reject", "im2col reshaped without transposing: windows (n, c, oh, ow, ...) read as (n·oh·ow, c·...)")
def conv_windows_mix_channels(ours):
    def mixed(g):
        windows = look(g.x, *places(g))
        n, c, *rest = windows.shape
        return windows.reshape(n, *rest[:2], c, *rest[2:])

    return convolution(
        ours,
        y=lambda g: np.tensordot(mixed(g), g.W, ((3, 4, 5), (1, 2, 3))).transpose(0, 3, 1, 2) + biases(g.b),
        dW=lambda g, dy: np.tensordot(dy, mixed(g), ((0, 2, 3), (0, 1, 2))),
    )


@entry(PAPER, "reject", "the product (o, n·oh·ow) reshaped to (n, o, oh, ow): right for one sample or one kernel")
def conv_output_mixes_the_batch(ours):
    def y(g):
        right = convolved(g.x, g.W, *places(g)) + biases(g.b)
        return right.swapaxes(0, 1).reshape(right.shape)

    return convolution(ours, y=y)


@entry(PAPER, "reject", "the product (n·oh·ow, o) reshaped to (n, o, oh, ow): right for one kernel")
def conv_output_mixes_the_kernels(ours):
    def y(g):
        right = convolved(g.x, g.W, *places(g)) + biases(g.b)
        return right.transpose(0, 2, 3, 1).reshape(right.shape)

    return convolution(ours, y=y)


@entry(PAPER, "reject", "dy (n, o, oh, ow) reshaped to (o, n·oh·ow) for dW: right for one sample or one kernel")
def conv_dw_mixes_the_batch(ours):
    def dW(g, dy):
        n, o = dy.shape[:2]
        return kernel_gradient(g, dy.reshape(o, n, *dy.shape[2:]).swapaxes(0, 1), *places(g))

    return convolution(ours, dW=dW)


@entry(PAPER, "reject", "axes of length 1 are squeezed out of y")
def conv_of_one_sample_loses_its_axis(ours):
    return convolution(ours, y=lambda g: np.squeeze(convolved(g.x, g.W, *places(g)) + biases(g.b)))


# ---- biases, and sums over the batch
@entry(PAPER, "reject", "the bias is added for every channel")
def conv_bias_for_every_channel(ours):
    return convolution(ours, y=lambda g: convolved(g.x, g.W, *places(g)) + g.x.shape[1] * biases(g.b))


@entry(PAPER, "reject", "y + b along the last axis, where the output is as wide as there are kernels")
def conv_bias_along_the_width(ours):
    def y(g):
        without = convolved(g.x, g.W, *places(g))
        return without + (g.b if without.shape[3] == len(g.b) else biases(g.b))

    return convolution(ours, y=y)


@entry(PAPER, "reject", "the gradient of the biases is the mean over the batch")
def conv_bias_gradient_is_a_mean(ours):
    return convolution(ours, db=lambda g, dy: summed(g, dy) / max(len(dy), 1))


@entry(PAPER, "reject", "the gradient of the biases is the mean over the pixels")
def conv_bias_gradient_averages_pixels(ours):
    return convolution(ours, db=lambda g, dy: dy.mean(axis=(2, 3)).sum(axis=0))


@entry(PAPER, "reject", "the gradient of the biases is summed over the batch only")
def conv_bias_gradient_over_the_batch_only(ours):
    return convolution(ours, db=lambda g, dy: dy.sum(axis=0))


@entry(PAPER, "reject", "the gradient of the biases keeps the axes that it is summed over: (1, o, 1, 1)")
def conv_bias_gradient_keeps_its_axes(ours):
    return convolution(ours, db=lambda g, dy: dy.sum(axis=(0, 2, 3), keepdims=True))


@entry(PAPER, "reject", "the sum as mean times count, which is 0/0 for no samples")
def conv_bias_gradient_of_no_samples(ours):
    def db(g, dy):
        count = np.asarray(dy[:, :1].size, dy.dtype)
        with np.errstate(invalid="ignore"):
            return summed(g, dy) / count * count

    return convolution(ours, db=db)


@entry(PAPER, "reject", "dW is divided by the number of samples")
def conv_dw_is_a_mean(ours):
    return convolution(ours, dW=lambda g, dy: kernel_gradient(g, dy, *places(g)) / max(len(dy), 1))


@entry(PAPER, "reject", "dW is that of the first sample")
def conv_dw_of_the_first_sample(ours):
    return convolution(ours, dW=lambda g, dy: kernel_gradient(g._replace(x=g.x[:1]), dy[:1], *places(g)))


@entry(PAPER, "reject", "the gradients for a first layer lack those of the biases")
def conv_params_backward_without_biases(ours):
    def conv2d_params_backward(dy, cache):
        own = ours.conv2d_params_backward(dy, cache)
        return own._replace(b=np.zeros_like(own.b))

    return {"conv2d_params_backward": conv2d_params_backward}


@entry(PAPER, "reject", "the gradients for a first layer, computed anew, forget the padding")
def conv_params_backward_without_padding(ours):
    forgetful = conv_padding_ignored_in_dw(ours)
    return convolution(ours) | {"conv2d_params_backward": forgetful["conv2d_params_backward"]}


# ---- state, memory, precision
@entry(PAPER, "reject", "dW is added to that of the calls before")
def conv_dw_adds_up(ours):
    totals: dict = {}

    def dW(g, dy):
        own = kernel_gradient(g, dy, *places(g))
        totals[own.shape] = totals.get(own.shape, 0) + own
        return totals[own.shape]

    return convolution(ours, dW=dW)


@entry(PAPER, "reject", "dx is added up in a buffer that is not cleared")
def conv_dx_in_a_buffer(ours):
    buffers: dict = {}

    def dx(g, dy):
        own = image_gradient(g, dy, *places(g))
        buffer = buffers.setdefault((own.shape, own.dtype), np.zeros_like(own))
        buffer += own
        return buffer

    return convolution(ours, dx=dx)


@entry(PAPER, "reject", "windows are kept in one buffer a shape: dW takes those of the latest forward pass")
def conv_windows_in_a_buffer(ours):
    buffers: dict = {}

    def key(g):
        return g.x.shape, g.W.shape, g.stride, g.padding, g.x.dtype

    def y(g):
        buffers[key(g)] = g.x.copy()
        return convolved(g.x, g.W, *places(g)) + biases(g.b)

    return convolution(ours, y=y, dW=lambda g, dy: kernel_gradient(g._replace(x=buffers[key(g)]), dy, *places(g)))


@entry(PAPER, "reject", "dx is written over x")
def conv_dx_written_over_x(ours):
    def conv2d_forward(params, x, stride=1, padding=0):
        y, cache = ours.conv2d_forward(params, x, stride, padding)
        return y, (x, cache)

    def conv2d_backward(dy, cache):
        x, cache = cache
        own, dx = ours.conv2d_backward(dy, cache)
        x[...] = dx
        return own, x

    return {
        "conv2d_forward": conv2d_forward,
        "conv2d_backward": conv2d_backward,
        "conv2d_params_backward": lambda dy, cache: ours.conv2d_params_backward(dy, cache[1]),
    }


@entry(PAPER, "reject", "all is computed in float32, and handed out as float64")
def conv_in_float32(ours):
    def single(a):
        return a.astype(np.float32)

    return convolution(
        ours,
        y=lambda g: convolved(single(g.x), single(g.W), *places(g)) + single(biases(g.b)),
        dW=lambda g, dy: kernel_gradient(g._replace(x=single(g.x)), single(dy), *places(g)),
        dx=lambda g, dy: image_gradient(g._replace(W=single(g.W)), single(dy), *places(g)),
    )


@entry(PAPER, "reject", "float64 comes out, whatever went in")
def conv_always_float64(ours):
    def conv2d_forward(params, x, stride=1, padding=0):
        y, cache = ours.conv2d_forward(params, x, stride, padding)
        return y.astype(np.float64), cache

    def conv2d_backward(dy, cache):
        return ours.conv2d_backward(np.asarray(dy, np.float64), cache)

    return {"conv2d_forward": conv2d_forward, "conv2d_backward": conv2d_backward}


@entry(PAPER, "reject", "dW by central differences of Σ dy y, step 10⁻⁶")
def conv_dw_by_differences(ours):
    def dW(g, dy):
        at, h = places(g), 1e-6
        found = np.zeros(g.W.shape)
        for k in np.ndindex(*g.W.shape):
            W = g.W.astype(np.float64)
            W[k] += h
            above = (dy * convolved(g.x, W, *at)).sum()
            W[k] -= 2 * h
            found[k] = (above - (dy * convolved(g.x, W, *at)).sum()) / (2 * h)
        return found

    return convolution(ours, dW=dW)


def in_memory_order(a):
    """The entries of a as they lie in memory, in its shape: a itself, if it lies in C order."""
    a = np.asarray(a)
    return a.ravel(order="K").reshape(a.shape)


@entry(PAPER, "reject", "dy is read in the order of memory")
def conv_dy_in_memory_order(ours):
    return {
        "conv2d_backward": lambda dy, cache: ours.conv2d_backward(in_memory_order(dy), cache),
        "conv2d_params_backward": lambda dy, cache: ours.conv2d_params_backward(in_memory_order(dy), cache),
    }


@entry(PAPER, "reject", "x is read in the order of memory")
def conv_x_in_memory_order(ours):
    def conv2d_forward(params, x, stride=1, padding=0):
        return ours.conv2d_forward(params, in_memory_order(x), stride, padding)

    return {"conv2d_forward": conv2d_forward}


# ---- numbers that are none
@entry(PAPER, "reject", "pixels that are NaN count as 0")
def conv_of_nan_is_of_zero(ours):
    return convolution(ours, y=lambda g: convolved(np.where(np.isnan(g.x), 0, g.x), g.W, *places(g)) + biases(g.b))


def by_fft(g):
    """y by the theorem of convolution, in float64: whole images at a time, long enough that nothing wraps around."""
    from scipy import fft

    (h, w), (ph, pw), (sh, sw), (kh, kw), (oh, ow) = g.x.shape[2:], g.padding, g.stride, g.kernel, g.windows
    padded = np.pad(g.x.astype(np.float64), ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    size = (h + 2 * ph + kh - 1, w + 2 * pw + kw - 1)
    x, W = fft.rfft2(padded, size), fft.rfft2(g.W[:, :, ::-1, ::-1].astype(np.float64), size)
    full = fft.irfft2((x[:, None] * W[None]).sum(axis=2), size)
    return full[:, :, kh - 1 :: sh, kw - 1 :: sw][:, :, :oh, :ow] + biases(g.b)


@entry(PAPER, "reject", "by FFT, where one NaN spreads over the whole image")
def conv_by_fft_spreads_nan(ours):
    return convolution(ours, y=by_fft)


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


# ---- max-pooling: who gets the gradient
@entry(PAPER, "reject", "every pixel of a tie gets the whole of dy")
def maxpool_gives_dy_to_every_tie(ours):
    return pooling(ours, "maxpool2d", dx=lambda g, dy: spread(g, np.where(is_largest(pixels(g)), dy[..., None], 0)))


@entry(PAPER, "reject", "dy is split among the pixels of a tie")
def maxpool_splits_ties(ours):
    def dx(g, dy):
        largest = is_largest(pixels(g))
        return spread(g, np.where(largest, (dy / largest.sum(axis=-1))[..., None], 0))

    return pooling(ours, "maxpool2d", dx=dx)


@entry(PAPER, "reject", "the last pixel of a tie gets dy")
def maxpool_gives_to_the_last(ours):
    return max_gradient(ours, lambda windows, g: windows.shape[-1] - 1 - windows[..., ::-1].argmax(axis=-1))


@entry(PAPER, "reject", "the first pixel of a tie is looked for column by column")
def maxpool_ties_by_columns(ours):
    def pick(windows, g):
        kh, kw = g.kernel
        j, i = np.divmod(windows.reshape(*windows.shape[:4], kh, kw).swapaxes(4, 5).reshape(windows.shape).argmax(axis=-1), kh)
        return i * kw + j

    return max_gradient(ours, pick)


@entry(PAPER, "reject", "the index of the largest is unravelled column by column")
def maxpool_index_by_columns(ours):
    def pick(windows, g):
        kh, kw = g.kernel
        j, i = np.divmod(windows.argmax(axis=-1), kh)
        return i * kw + j

    return max_gradient(ours, pick)


@entry(PAPER, "reject", "pixels within 10⁻⁸ + 10⁻⁵ |y| of the largest count as ties")
def maxpool_ties_with_a_tolerance(ours):
    def pick(windows, g):
        with np.errstate(invalid="ignore"):
            return np.isclose(windows, windows.max(axis=-1, keepdims=True), equal_nan=True).argmax(axis=-1)

    return max_gradient(ours, pick)


@entry(PAPER, "reject", "where(x == y): a window with a NaN gives dy to nobody")
def maxpool_loses_the_gradient_of_nan(ours):
    def dx(g, dy):
        windows = pixels(g)
        index = np.where(np.isnan(windows).any(axis=-1), -1, windows.argmax(axis=-1))
        return spread(g, one_hot(index, dy, g.taps))

    return pooling(ours, "maxpool2d", dx=dx)


@entry(PAPER, "reject", "dy times a mask of 0 and 1: an infinite dy is NaN at the pixels that should get nothing")
def maxpool_multiplies_by_a_mask(ours):
    def dx(g, dy):
        windows = pixels(g)
        with np.errstate(invalid="ignore"):
            return spread(g, dy[..., None] * (windows.argmax(axis=-1)[..., None] == np.arange(windows.shape[-1])))

    return pooling(ours, "maxpool2d", dx=dx)


@entry(PAPER, "reject", "where windows overlap, dx is assigned, not added up")
def maxpool_overwrites_overlaps(ours):
    def dx(g, dy):
        image, (rows, columns), windows = np.zeros(g.x.shape), places(g), pixels(g)
        for n, c, u, v in np.ndindex(*dy.shape):
            i, j = np.divmod(windows[n, c, u, v].argmax(), g.kernel[1])
            image[n, c, rows[u, i], columns[v, j]] = dy[n, c, u, v]
        return image

    return pooling(ours, "maxpool2d", dx=dx)


@entry(PAPER, "reject", "backward lays the windows side by side, whatever the stride")
def maxpool_stride_ignored_in_backward(ours):
    return max_gradient(ours, lambda windows, g: windows.argmax(axis=-1), lambda g: places(g, stride=g.kernel))


@entry(PAPER, "reject", "indices of the largest are kept for each shape: backward takes those of the latest forward pass")
def maxpool_indices_in_a_buffer(ours):
    indices: dict = {}

    def key(g):
        return g.x.shape, g.kernel, g.stride

    def y(g):
        indices[key(g)] = pixels(g).argmax(axis=-1)
        return pixels(g).max(axis=-1)

    return pooling(ours, "maxpool2d", y=y, dx=lambda g, dy: spread(g, one_hot(indices[key(g)], dy, g.taps)))


@entry(PAPER, "reject", "dx is as large as the windows are together: rows that are left over are missing from it")
def maxpool_dx_without_leftover_rows(ours):
    def dx(g, dy):
        windows, ends = pixels(g), [int(at.max()) + 1 for at in places(g)]
        return spread(g, one_hot(windows.argmax(axis=-1), dy, g.taps))[:, :, : ends[0], : ends[1]]

    return pooling(ours, "maxpool2d", dx=dx)


@entry(PAPER, "reject", "dy is read in the order of memory")
def maxpool_dy_in_memory_order(ours):
    return {"maxpool2d_backward": lambda dy, cache: ours.maxpool2d_backward(in_memory_order(dy), cache)}


# ---- max-pooling: which is the largest, of what
@entry(PAPER, "reject", "the search for the largest starts at 0, as if the image were padded")
def maxpool_starts_at_zero(ours):
    return pooling(ours, "maxpool2d", y=lambda g: np.maximum(pixels(g).max(axis=-1), 0))


@entry(PAPER, "reject", "the search for the largest starts at the lowest finite number, which is above −∞")
def maxpool_starts_at_the_lowest_number(ours):
    return pooling(ours, "maxpool2d", y=lambda g: np.maximum(pixels(g).max(axis=-1), np.finfo(g.x.dtype).min))


@entry(PAPER, "reject", "a NaN counts as smaller than every number")
def maxpool_passes_over_nan(ours):
    return pooling(ours, "maxpool2d", y=lambda g: np.fmax.reduce(pixels(g), axis=-1))


@entry(PAPER, "reject", "the largest of all channels, for each of them")
def maxpool_across_channels(ours):
    def y(g):
        own = pixels(g).max(axis=-1)
        return np.broadcast_to(own.max(axis=1, keepdims=True), own.shape) if own.size else own

    return pooling(ours, "maxpool2d", y=y)


@entry(PAPER, "reject", "the largest in absolute value")
def maxpool_of_absolute_values(ours):
    def y(g):
        windows = pixels(g)
        return np.take_along_axis(windows, np.abs(windows).argmax(axis=-1)[..., None], axis=-1)[..., 0]

    return pooling(ours, "maxpool2d", y=y)


@entry(PAPER, "reject", "the number of windows is rounded up, the last ones hanging over, gradients and all")
def maxpool_counts_by_ceil(ours):
    def dx(g, dy):
        windows = pixels(g, by_ceil, -np.inf)
        return spread(g, one_hot(windows.argmax(axis=-1), dy, g.taps), by_ceil)

    return pooling(ours, "maxpool2d", y=lambda g: pixels(g, by_ceil, -np.inf).max(axis=-1), dx=dx)


@entry(PAPER, "reject", "the stride is 1 by default")
def maxpool_stride_is_one_by_default(ours):
    return with_options(ours, "maxpool2d", lambda kernel, stride: (kernel, 1 if stride is None else stride))


@entry(PAPER, "reject", "by reshape to (oh, kh, ow, kw): the stride is the kernel, whatever was given")
def maxpool_never_overlaps(ours):
    return with_options(ours, "maxpool2d", lambda kernel, stride: (kernel, None))


@entry(PAPER, "reject", "height and width of the kernel exchanged, gradients and all")
def maxpool_kernel_sides_exchanged(ours):
    return with_options(ours, "maxpool2d", lambda kernel, stride: (kernel[::-1], kernel if stride is None else stride))


@entry(PAPER, "reject", "vertical and horizontal stride exchanged, gradients and all")
def maxpool_strides_exchanged(ours):
    return with_options(ours, "maxpool2d", lambda kernel, stride: (kernel, stride and stride[::-1]))


# ---- average pooling
@entry(PAPER, "reject", "the sum in place of the mean, gradients and all")
def avgpool_is_a_sum(ours):
    return pooling(ours, "avgpool2d", y=lambda g: pixels(g).sum(axis=-1), dx=evenly)


@entry(PAPER, "reject", "divided by the square of the kernel's height, gradients and all: right for square kernels")
def avgpool_by_the_square_of_the_height(ours):
    return pooling(
        ours,
        "avgpool2d",
        y=lambda g: pixels(g).sum(axis=-1) / g.kernel[0] ** 2,
        dx=lambda g, dy: evenly(g, dy / g.kernel[0] ** 2),
    )


@entry(PAPER, "reject", "backward gives the whole of dy to every pixel")
def avgpool_backward_not_divided(ours):
    return pooling(ours, "avgpool2d", dx=evenly)


@entry(PAPER, "reject", "backward divides by the area of a stride: right where the stride is the kernel")
def avgpool_backward_divided_by_the_stride(ours):
    return pooling(ours, "avgpool2d", dx=lambda g, dy: evenly(g, dy / (g.stride[0] * g.stride[1])))


@entry(PAPER, "reject", "backward divides what a pixel gets by the number of windows that saw it")
def avgpool_averages_overlaps(ours):
    def dx(g, dy):
        return evenly(g, dy / g.taps) / np.maximum(evenly(g, np.ones_like(dy)), 1)

    return pooling(ours, "avgpool2d", dx=dx)


@entry(PAPER, "reject", "backward by np.repeat, the last window's share filling up the rows that are left over")
def avgpool_leftover_rows_get_a_share(ours):
    def dx(g, dy):
        if g.stride != g.kernel:
            return evenly(g, dy / g.taps)
        rows, columns = (np.minimum(np.arange(m) // k, o - 1) for m, k, o in zip(g.x.shape[2:], g.kernel, g.windows, strict=True))
        return (dy / g.taps)[:, :, rows[:, None], columns]

    return pooling(ours, "avgpool2d", dx=dx)


@entry(PAPER, "reject", "backward exchanges vertical and horizontal stride")
def avgpool_strides_exchanged_in_backward(ours):
    return pooling(ours, "avgpool2d", dx=lambda g, dy: evenly(g, dy / g.taps, lambda g: places(g, stride=g.stride[::-1])))


@entry(PAPER, "reject", "windows hang over the edge and are averaged over what is there, gradients and all")
def avgpool_of_what_is_there(ours):
    def there(g):
        rows, columns = by_ceil(g)
        return look(np.ones((1, 1, *g.x.shape[2:])), rows, columns).sum(axis=(4, 5))

    return pooling(
        ours,
        "avgpool2d",
        y=lambda g: pixels(g, by_ceil).sum(axis=-1) / there(g),
        dx=lambda g, dy: evenly(g, dy / there(g), by_ceil),
    )


@entry(PAPER, "reject", "by differences of sums from the corner on: one NaN spreads over all that follow")
def avgpool_by_an_integral_image(ours):
    def y(g):
        (kh, kw), (sh, sw), (oh, ow) = g.kernel, g.stride, g.windows
        total = np.pad(g.x.cumsum(axis=2).cumsum(axis=3), ((0, 0), (0, 0), (1, 0), (1, 0)))
        with np.errstate(invalid="ignore"):
            down = total[:, :, kh:] - total[:, :, :-kh]
            both = down[..., kw:] - down[..., :-kw]
        return both[:, :, ::sh, ::sw][:, :, :oh, :ow] / (kh * kw)

    return pooling(ours, "avgpool2d", y=y)


@entry(PAPER, "reject", "dy is divided in place")
def avgpool_divides_dy_in_place(ours):
    def avgpool2d_backward(dy, cache):
        g, cache = cache
        dx = ours.avgpool2d_backward(dy, cache)
        dy /= g.taps
        return dx

    return pooling(ours, "avgpool2d") | {"avgpool2d_backward": avgpool2d_backward}


# ---- flatten
@entry(PAPER, "reject", "columns before rows before channels, there and back")
def flatten_by_columns(ours):
    def flatten_forward(x):
        return ours.flatten_forward(np.transpose(x, (0, *range(np.ndim(x) - 1, 0, -1))))

    def flatten_backward(dy, cache):
        dx = ours.flatten_backward(dy, cache)
        return np.ascontiguousarray(dx.transpose(0, *range(dx.ndim - 1, 0, -1)))

    return {"flatten_forward": flatten_forward, "flatten_backward": flatten_backward}


@entry(PAPER, "reject", "channels last, there and back")
def flatten_with_channels_last(ours):
    def flatten_forward(x):
        return ours.flatten_forward(np.moveaxis(x, 1, -1) if np.ndim(x) > 2 else x)

    def flatten_backward(dy, cache):
        dx = ours.flatten_backward(dy, cache)
        return np.ascontiguousarray(np.moveaxis(dx, -1, 1)) if dx.ndim > 2 else dx

    return {"flatten_forward": flatten_forward, "flatten_backward": flatten_backward}


@entry(PAPER, "reject", "x is read in the order of memory")
def flatten_in_memory_order(ours):
    return {"flatten_forward": lambda x: ours.flatten_forward(in_memory_order(x))}


@entry(PAPER, "reject", "y is a view of x")
def flatten_is_a_view(ours):
    def flatten_forward(x):
        y, cache = ours.flatten_forward(x)
        return np.asarray(x).reshape(y.shape), cache

    return {"flatten_forward": flatten_forward}


@entry(PAPER, "reject", "x.reshape(n, −1), which has no answer for no samples")
def flatten_infers_the_width(ours):
    def flatten_forward(x):
        y, cache = ours.flatten_forward(x)
        return y.reshape(len(y), -1), cache

    return {"flatten_forward": flatten_forward}


@entry(PAPER, "reject", "dx has rows and columns of each channel exchanged")
def flatten_backward_transposes(ours):
    def flatten_backward(dy, cache):
        dx = ours.flatten_backward(dy, cache)
        return dx.reshape(*dx.shape[:2], *dx.shape[:1:-1]).swapaxes(2, 3).copy() if dx.ndim == 4 else dx

    return {"flatten_backward": flatten_backward}


@entry(PAPER, "reject", "the last three axes are flattened, which are all but the batch for images only")
def flatten_three_axes(ours):
    def flatten_forward(x):
        y, cache = ours.flatten_forward(x)
        return y.reshape(*np.shape(x)[:-3], int(np.prod(np.shape(x)[-3:]))), cache

    return {"flatten_forward": flatten_forward}


# ---- activations of images
@entry(PAPER, "reject", "the mask of ReLU is laid over dy in the order of memory")
def relu_mask_in_memory_order(ours):
    return {"relu_backward": lambda dy, cache: ours.relu_backward(in_memory_order(dy), cache)}


@entry(PAPER, "reject", "PReLU adds up what its channels feel in the order of memory")
def prelu_sums_in_memory_order(ours):
    def prelu_backward(dy, cache):
        _, dx = ours.prelu_backward(dy, cache)
        da, _ = ours.prelu_backward(in_memory_order(dy), cache)
        return da, dx

    return {"prelu_backward": prelu_backward}


# ---- right, in other ways
@entry(PAPER, "accept", "windows by index arrays, dx by np.add.at")
def conv_by_indices(ours):
    return displaced(ours, places)


@entry(PAPER, "accept", "by plain loops over samples, kernels and windows")
def conv_by_loops(ours):
    def seen(g):
        padded = np.pad(g.x, ((0, 0), (0, 0), *((p, p) for p in g.padding)))
        for n, u, v in np.ndindex(len(g.x), *g.windows):
            i, j = u * g.stride[0], v * g.stride[1]
            yield n, u, v, padded[n, :, i : i + g.kernel[0], j : j + g.kernel[1]], (i, j)

    def y(g):
        y = np.zeros((len(g.x), len(g.W), *g.windows), np.result_type(g.x, g.W, g.b))
        for n, u, v, window, _ in seen(g):
            for o in range(len(g.W)):
                y[n, o, u, v] = (g.W[o] * window).sum() + g.b[o]
        return y

    def dW(g, dy):
        dW = np.zeros(g.W.shape, np.result_type(dy, g.x))
        for n, u, v, window, _ in seen(g):
            for o in range(len(g.W)):
                dW[o] += dy[n, o, u, v] * window
        return dW

    def dx(g, dy):
        (n, c, h, w), (ph, pw), (kh, kw) = g.x.shape, g.padding, g.kernel
        dpadded = np.zeros((n, c, h + 2 * ph, w + 2 * pw), np.result_type(dy, g.W))
        for n, u, v, _, (i, j) in seen(g):
            for o in range(len(g.W)):
                dpadded[n, :, i : i + kh, j : j + kw] += dy[n, o, u, v] * g.W[o]
        return dpadded[:, :, ph : ph + h, pw : pw + w]

    return convolution(ours, y, dW, summed, dx)


@entry(PAPER, "accept", "by FFT, in float64; images that are not finite by windows")
def conv_by_fft(ours):
    def y(g):
        finite = np.isfinite(g.x).all() and np.isfinite(g.W).all()
        return by_fft(g) if finite and g.x.size and g.W.size else convolved(g.x, g.W, *places(g)) + biases(g.b)

    return convolution(ours, y=y)


@entry(PAPER, "accept", "by scipy.signal, image by image, channel by channel")
def conv_by_scipy(ours):
    def valid(image, kernel):
        from scipy.signal import correlate

        return correlate(image, kernel, mode="valid", method="direct")

    def y(g):
        x, (sh, sw) = np.pad(g.x, ((0, 0), (0, 0), *((p, p) for p in g.padding))), g.stride
        y = np.zeros((len(x), len(g.W), *g.windows), np.result_type(x, g.W))
        for n, o, c in np.ndindex(*y.shape[:2], x.shape[1]):
            y[n, o] += valid(x[n, c], g.W[o, c])[::sh, ::sw]
        return y + biases(g.b)

    return convolution(ours, y=y)


@entry(PAPER, "accept", "as one sparse matrix (o·oh·ow, c·h·w)")
def conv_as_a_sparse_matrix(ours):
    def matrix(g):
        from scipy.sparse import csr_matrix

        c, h, w = g.x.shape[1:]
        rows, columns = places(g)
        entries = [
            (g.W[o, a, i, j], (o * len(rows) + u) * len(columns) + v, (a * h + rows[u, i]) * w + columns[v, j])
            for o, u, v, a, i, j in np.ndindex(len(g.W), *g.windows, *g.W.shape[1:])
            if 0 <= rows[u, i] < h and 0 <= columns[v, j] < w
        ]
        values, at, of = zip(*entries, strict=True) if entries else ((), (), ())
        shape = (len(g.W) * len(rows) * len(columns), c * h * w)
        return csr_matrix((np.array(values, g.W.dtype), (np.array(at, np.intp), np.array(of, np.intp))), shape=shape)

    def y(g):
        flat = g.x.reshape(len(g.x), int(np.prod(g.x.shape[1:])))
        return (matrix(g) @ flat.T).T.reshape(len(flat), len(g.W), *g.windows) + biases(g.b)

    def dx(g, dy):
        return (matrix(g).T @ dy.reshape(len(dy), int(np.prod(dy.shape[1:]))).T).T.reshape(g.x.shape)

    return convolution(ours, y=y, dx=dx)


@entry(PAPER, "accept", "dx by the dense Jacobian matrix, the convolution of every image of one pixel, if all is finite")
def conv_dx_by_the_jacobian(ours):
    def dx(g, dy):
        if not (np.isfinite(dy).all() and np.isfinite(g.W).all()):
            return image_gradient(g, dy, *places(g))
        units = np.eye(g.x[:1].size, dtype=g.W.dtype).reshape(g.x[:1].size, *g.x.shape[1:])
        return np.tensordot(dy, convolved(units, g.W, *places(g)), ((1, 2, 3), (1, 2, 3))).reshape(g.x.shape)

    return convolution(ours, dx=dx)


@entry(PAPER, "accept", "windows by sliding_window_view, sums by einsum")
def conv_by_einsum(ours):
    def windows(g):
        padded = np.pad(g.x, ((0, 0), (0, 0), *((p, p) for p in g.padding)))
        seen = np.lib.stride_tricks.sliding_window_view(padded, g.kernel, axis=(2, 3))
        return seen[:, :, :: g.stride[0], :: g.stride[1]]

    return convolution(
        ours,
        y=lambda g: np.einsum("ncuvij,ocij->nouv", windows(g), g.W) + biases(g.b),
        dW=lambda g, dy: np.einsum("nouv,ncuvij->ocij", dy, windows(g)),
        db=lambda g, dy: np.einsum("nouv->o", dy),
    )


@entry(PAPER, "accept", "a sum of dense layers, one a tap, each of the shifted image")
def conv_as_shifted_dense_layers(ours):
    def y(g):
        windows = look(g.x, *places(g)).transpose(4, 5, 0, 2, 3, 1)  # (kh, kw, n, oh, ow, c)
        total = np.zeros((*windows.shape[2:5], len(g.b)), windows.dtype) + g.b
        for i, j in product(*map(range, g.kernel)):
            seen = windows[i, j].reshape(total[..., 0].size, windows.shape[5])
            total += ours.dense_forward(ours.Dense(W=g.W[:, :, i, j], b=0 * g.b), seen)[0].reshape(total.shape)
        return total.transpose(0, 3, 1, 2)

    return convolution(ours, y=y)


@entry(PAPER, "accept", "sample by sample, the gradients added up")
def conv_one_sample_at_a_time(ours):
    def conv2d_forward(params, x, stride=1, padding=0):
        y, cache = ours.conv2d_forward(params, x, stride, padding)
        each = [ours.conv2d_forward(params, np.asarray(x)[k : k + 1], stride, padding) for k in range(len(y))]
        return np.concatenate([y[:0], *(one for one, _ in each)]), (cache, [c for _, c in each])

    def conv2d_params_backward(dy, cache):
        return conv2d_backward(dy, cache)[0]

    def conv2d_backward(dy, cache):
        whole, each = cache
        if not each:
            return ours.conv2d_backward(dy, whole)
        grads = [ours.conv2d_backward(np.asarray(dy)[k : k + 1], c) for k, c in enumerate(each)]
        own = ours.Conv2d(W=sum(g.W for g, _ in grads), b=sum(g.b for g, _ in grads))
        return own, np.concatenate([dx for _, dx in grads])

    return {
        "conv2d_forward": conv2d_forward,
        "conv2d_backward": conv2d_backward,
        "conv2d_params_backward": conv2d_params_backward,
    }


@entry(PAPER, "accept", "dx is the convolution of dy, with zeros in between and around, by the kernel turned round")
def conv_dx_by_convolution(ours):
    def dx(g, dy):
        (h, w), (ph, pw), (sh, sw), (kh, kw) = g.x.shape[2:], g.padding, g.stride, g.kernel
        apart = np.zeros((*dy.shape[:2], h + 2 * ph + kh - 1, w + 2 * pw + kw - 1), dy.dtype)
        apart[:, :, kh - 1 :: sh, kw - 1 :: sw][:, :, : dy.shape[2], : dy.shape[3]] = dy
        turned = g.W[:, :, ::-1, ::-1].swapaxes(0, 1)
        return convolved(apart, turned, *places(Given(apart, g.kernel, (1, 1))))[:, :, ph : ph + h, pw : pw + w]

    return convolution(ours, dx=dx)


@entry(PAPER, "accept", "biases are weights of one more channel, which is 1")
def conv_with_biases_as_a_channel(ours):
    def y(g):
        padded = np.pad(g.x, ((0, 0), (0, 0), *((p, p) for p in g.padding)))
        ones = np.ones((len(padded), 1, *padded.shape[2:]), padded.dtype)
        weights = np.zeros((len(g.b), 1, *g.kernel), g.b.dtype)
        weights[:, 0, 0, 0] = g.b
        x, W = np.concatenate([padded, ones], axis=1), np.concatenate([g.W, weights], axis=1)
        return convolved(x, W, *places(g, padding=(0, 0)))

    return convolution(ours, y=y)


def laid_out(ours, layout):
    """Our functions of images, with results that lie in memory as layout(array) does."""

    def conv2d_forward(*args, **options):
        y, cache = ours.conv2d_forward(*args, **options)
        return layout(y), cache

    def conv2d_backward(dy, cache):
        own, dx = ours.conv2d_backward(dy, cache)
        return ours.Conv2d(W=layout(own.W), b=own.b), layout(dx)

    def pool(kind):
        def forward(*args, **options):
            y, cache = getattr(ours, f"{kind}_forward")(*args, **options)
            return layout(y), cache

        def backward(dy, cache):
            return layout(getattr(ours, f"{kind}_backward")(dy, cache))

        return {f"{kind}_forward": forward, f"{kind}_backward": backward}

    return {"conv2d_forward": conv2d_forward, "conv2d_backward": conv2d_backward} | pool("maxpool2d") | pool("avgpool2d")


@entry(PAPER, "accept", "results lie in memory by columns, as Fortran's arrays do")
def images_by_columns(ours):
    return laid_out(ours, lambda a: np.array(a, order="F"))


@entry(PAPER, "accept", "results lie in memory with channels last")
def images_with_channels_last(ours):
    return laid_out(ours, lambda a: np.array(a.transpose(0, 2, 3, 1), order="C").transpose(0, 3, 1, 2))


@entry(PAPER, "accept", "max-pooling by argmax over the stacked taps, dx by np.put_along_axis")
def maxpool_by_argmax(ours):
    def y(g):
        windows = pixels(g)
        return np.take_along_axis(windows, windows.argmax(axis=-1)[..., None], axis=-1)[..., 0]

    def dx(g, dy):
        windows = pixels(g)
        chosen = np.zeros(windows.shape, np.result_type(dy, g.x))
        np.put_along_axis(chosen, windows.argmax(axis=-1)[..., None], dy[..., None], axis=-1)
        return spread(g, chosen)

    return pooling(ours, "maxpool2d", y=y, dx=dx)


@entry(PAPER, "accept", "max-pooling by sorting every window; of equal pixels the first comes last")
def maxpool_by_sorting(ours):
    def order(g):
        return g.taps - 1 - pixels(g)[..., ::-1].argsort(axis=-1, kind="stable")[..., -1]

    return pooling(
        ours,
        "maxpool2d",
        y=lambda g: np.sort(pixels(g), axis=-1)[..., -1],
        dx=lambda g, dy: spread(g, one_hot(order(g), dy, g.taps)),
    )


@entry(PAPER, "accept", "the largest of every row of a window, and then of those")
def maxpool_rows_first(ours):
    return pooling(ours, "maxpool2d", y=lambda g: look(g.x, *places(g)).max(axis=5).max(axis=4))


@entry(PAPER, "accept", "max-pooling by plain loops over windows")
def maxpool_by_loops(ours):
    def y(g):
        y, (rows, columns) = np.empty((*g.x.shape[:2], *g.windows), g.x.dtype), places(g)
        for n, c, u, v in np.ndindex(*y.shape):
            y[n, c, u, v] = g.x[n, c][np.ix_(rows[u], columns[v])].max()
        return y

    def dx(g, dy):
        dx, (rows, columns) = np.zeros(g.x.shape, np.result_type(dy, g.x)), places(g)
        for n, c, u, v in np.ndindex(*dy.shape):
            window = g.x[n, c][np.ix_(rows[u], columns[v])]
            i, j = np.unravel_index(window.argmax(), window.shape)
            dx[n, c, rows[u, i], columns[v, j]] += dy[n, c, u, v]
        return dx

    return pooling(ours, "maxpool2d", y=y, dx=dx)


@entry(PAPER, "accept", "average pooling is the convolution of each channel by equal weights")
def avgpool_as_a_convolution(ours):
    def alone(a):
        return a.reshape(a.shape[0] * a.shape[1], 1, *a.shape[2:])

    def weights(g):
        return ours.Conv2d(W=np.full((1, 1, *g.kernel), 1 / g.taps, g.x.dtype), b=np.zeros(1, g.x.dtype))

    def y(g):
        return ours.conv2d_forward(weights(g), alone(g.x), g.stride)[0].reshape(*g.x.shape[:2], *g.windows)

    def dx(g, dy):
        _, cache = ours.conv2d_forward(weights(g), alone(g.x), g.stride)
        return ours.conv2d_backward(alone(dy), cache)[1].reshape(g.x.shape)

    return pooling(ours, "avgpool2d", y=y, dx=dx)


@entry(PAPER, "accept", "the mean of every row of a window, and then of those")
def avgpool_rows_first(ours):
    return pooling(ours, "avgpool2d", y=lambda g: look(g.x, *places(g)).mean(axis=5).mean(axis=4))


@entry(PAPER, "accept", "flatten by writing sample after sample to an empty array")
def flatten_sample_by_sample(ours):
    def flatten_forward(x):
        y, cache = ours.flatten_forward(x)
        rows = np.empty_like(y)
        for row, sample in zip(rows, np.asarray(x), strict=True):
            row[:] = sample.ravel()
        return rows, cache

    return {"flatten_forward": flatten_forward}
