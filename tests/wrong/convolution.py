"""Convolution, in wrong ways."""

from itertools import product

import numpy as np

from wrong.corpus import entry
from wrong.windows import (
    biases,
    by_fft,
    convolution,
    convolved,
    crossed,
    displaced,
    give_back,
    image_gradient,
    in_memory_order,
    kernel_gradient,
    look,
    pieces,
    places,
    summed,
    with_kernels,
)

PAPER = "substrate"


# ---- which way the kernel lies
@entry(PAPER, "reject", "the kernel is flipped: the convolution of mathematics, gradients and all", by=("L37", "L38"))
def conv_flips_the_kernel(ours):
    return with_kernels(ours, lambda W: W[:, :, ::-1, ::-1])


@entry(PAPER, "reject", "the kernel is flipped along its rows only, gradients and all", by=("L32", "L38"))
def conv_flips_one_axis(ours):
    return with_kernels(ours, lambda W: W[:, :, :, ::-1])


@entry(PAPER, "reject", "dx correlates dy with the kernel not turned round", by=("L33", "L43"))
def conv_kernel_flipped_in_dx(ours):
    return displaced(ours, lambda g: [at[:, ::-1] for at in places(g)], ("dx",))


@entry(PAPER, "reject", "dW comes out turned round", by=("L37", "L44"))
def conv_kernel_flipped_in_dw(ours):
    return displaced(ours, lambda g: [at[:, ::-1] for at in places(g)], ("dW",))


@entry(PAPER, "reject", "rows and columns of the kernel exchanged by a reshape: right for square kernels", by=("L33", "L38"))
def conv_kernel_sides_exchanged(ours):
    def turned(W):
        o, c, kh, kw = W.shape
        return W.reshape(o, c, kw, kh)

    return with_kernels(ours, turned)


@entry(PAPER, "reject", "the kernel is transposed: right for kernels of one row and column", by=("L33", "L37"))
def conv_kernel_by_columns(ours):
    return with_kernels(ours, lambda W: W.reshape(*W.shape[:2], *W.shape[:1:-1]).swapaxes(2, 3).reshape(W.shape))


@entry(PAPER, "reject", "taps run over kh in both directions: right for kernels no wider than high", by=("L37", "L38"))
def conv_taps_of_a_square(ours):
    return with_kernels(ours, lambda W: W * (np.arange(W.shape[3]) < W.shape[2]).astype(W.dtype))


@entry(PAPER, "reject", "W.reshape(-1, o) in place of W.reshape(o, -1).T", by=("L1", "L32"))
def conv_kernel_matrix_by_reshape(ours):
    def mixed(W):
        return W.reshape(-1, len(W)).T.reshape(W.shape)

    def back(dW):
        return dW.reshape(len(dW), -1).T.reshape(dW.shape)

    def guarded(f):
        return lambda W: f(W) if W.size else W

    return with_kernels(ours, guarded(mixed), guarded(back))


@entry(PAPER, "reject", "kernels and channels exchanged where there are as many of them", by=("L33", "L38"))
def conv_kernels_and_channels_exchanged(ours):
    return with_kernels(ours, lambda W: W.swapaxes(0, 1) if W.shape[0] == W.shape[1] else W)


@entry(PAPER, "reject", "where there are as many kernels as channels, each kernel sees its own channel only", by=("L32", "L37"))
def conv_channel_by_channel(ours):
    def own(W):
        return W * np.eye(len(W), dtype=W.dtype)[:, :, None, None] if W.shape[0] == W.shape[1] else W

    return with_kernels(ours, own)


@entry(PAPER, "reject", "dx takes the kernels with kernels and channels exchanged by a reshape", by=("L33", "L43"))
def conv_channels_not_swapped_in_dx(ours):
    def dx(g, dy):
        (o, c), kernel = g.W.shape[:2], g.kernel
        return give_back(pieces(dy, g.W.reshape(c, o, *kernel).swapaxes(0, 1)), g.x.shape, *places(g))

    return convolution(ours, dx=dx)


@entry(PAPER, "reject", "dW is made as (o, kh, kw, c) and reshaped to (o, c, kh, kw)", by=("L43", "L44"))
def conv_dw_reshaped_across_channels(ours):
    return convolution(ours, dW=lambda g, dy: kernel_gradient(g, dy, *places(g)).transpose(0, 2, 3, 1).reshape(g.W.shape))


# ---- stride
@entry(PAPER, "reject", "vertical and horizontal stride exchanged, in dx only", by=("L34", "L43"))
def conv_strides_exchanged_in_dx(ours):
    return displaced(ours, lambda g: places(g, stride=g.stride[::-1]), ("dx",))


@entry(PAPER, "reject", "vertical and horizontal stride exchanged, in dW only", by=("L34", "L44"))
def conv_strides_exchanged_in_dw(ours):
    return displaced(ours, lambda g: places(g, stride=g.stride[::-1]), ("dW",))


@entry(PAPER, "reject", "vertical and horizontal stride exchanged, gradients and all", by=("L32", "L34"))
def conv_strides_exchanged(ours):
    return displaced(ours, lambda g: places(g._replace(stride=g.stride[::-1])))


@entry(PAPER, "reject", "dx ignores the stride: dy lies as close as it came", by=("L34", "L36"))
def conv_stride_ignored_in_dx(ours):
    return displaced(ours, lambda g: places(g, stride=(1, 1)), ("dx",))


@entry(PAPER, "reject", "dW ignores the stride", by=("L34", "L44"))
def conv_stride_ignored_in_dw(ours):
    return displaced(ours, lambda g: places(g, stride=(1, 1)), ("dW",))


@entry(PAPER, "reject", "dx spreads dy by repeating its entries, not with zeros in between", by=("L36", "L43"))
def conv_dx_repeats_dy(ours):
    def dx(g, dy):
        rows, columns = places(g)
        steps = product(range(g.stride[0]), range(g.stride[1]))
        return sum(image_gradient(g, dy, rows + i, columns + j) for i, j in steps)

    return convolution(ours, dx=dx)


@entry(PAPER, "reject", "the stride is taken for a dilation as well: taps lie s pixels apart", by=("L1", "L32"))
def conv_dilates(ours):
    return displaced(ours, lambda g: places(g, dilation=g.stride))


@entry(PAPER, "reject", "kernels of one pixel are treated as a dense layer, and the stride is forgotten", by=("L43",))
def conv_of_one_pixel_without_stride(ours):
    def where(g):
        return places(g._replace(stride=(1, 1)) if g.kernel == (1, 1) else g)

    return displaced(ours, where)


# ---- padding
@entry(PAPER, "reject", "vertical and horizontal padding exchanged, gradients and all", by=("L38", "L43"))
def conv_paddings_exchanged(ours):
    return displaced(ours, lambda g: places(g._replace(padding=g.padding[::-1])))


@entry(PAPER, "reject", "all padding on one side: 2p rows above and none below", by=("L32", "L33"))
def conv_padding_on_one_side(ours):
    return displaced(ours, lambda g: places(g, padding=[2 * p for p in g.padding]))


@entry(PAPER, "reject", "the padded image is read one pixel too far, where there is padding", by=("L32", "L38"))
def conv_padding_off_by_one(ours):
    return displaced(ours, lambda g: places(g, padding=[max(p - 1, 0) for p in g.padding]), ("y",))


@entry(PAPER, "reject", "any padding is that which keeps the size, ⌊k/2⌋: right for p = 0, and p = 1 with k = 3", by=("L11", "L32"))
def conv_padding_that_keeps_the_size(ours):
    def where(g):
        return places(g._replace(padding=tuple(p and k // 2 for p, k in zip(g.padding, g.kernel, strict=True))))

    return displaced(ours, where)


@entry(PAPER, "reject", "padding by FFT without zeros: the other end of the image comes in, gradients and all", by=("L1", "L33"))
def conv_wraps_around(ours):
    return displaced(ours, lambda g: [at % max(size, 1) for at, size in zip(places(g), g.x.shape[2:], strict=True)])


@entry(
    PAPER,
    "reject",
    "no padding is made and x[-1] is read in its place: the last row above the first, zeros below",
    by=("L1", "L32"),
)
def conv_negative_index(ours):
    def where(g):
        return [np.where(at < 0, at + size, at) for at, size in zip(places(g), g.x.shape[2:], strict=True)]

    return displaced(ours, where, ("y", "dW"))


@entry(PAPER, "reject", "the border is repeated in place of zeros, gradients and all", by=("L33", "L38"))
def conv_pads_with_the_border(ours):
    return displaced(ours, lambda g: [np.clip(at, 0, size - 1) for at, size in zip(places(g), g.x.shape[2:], strict=True)])


@entry(PAPER, "reject", "the windows of dW come from the image without its padding", by=("L35", "L43"))
def conv_padding_ignored_in_dw(ours):
    return displaced(ours, lambda g: places(g, padding=(0, 0)), ("dW",))


def padded_gradient(g, dy):
    """dx with the padding still on it."""
    n, c, h, w = g.x.shape
    (ph, pw), (rows, columns) = g.padding, places(g, padding=(0, 0))
    return give_back(pieces(dy, g.W), (n, c, h + 2 * ph, w + 2 * pw), rows, columns)


@entry(PAPER, "reject", "the padding of dx is not cut off", by=("L11", "L34"))
def conv_dx_with_its_padding(ours):
    return convolution(ours, dx=padded_gradient)


@entry(PAPER, "reject", "the padding of dx is cut by [p:-p], also where p = 0", by=("L11", "L35"))
def conv_dx_cut_to_nothing(ours):
    def dx(g, dy):
        ph, pw = g.padding
        padded = padded_gradient(g, dy)
        return padded if g.padding == (0, 0) else padded[:, :, ph:-ph, pw:-pw]

    return convolution(ours, dx=dx)


@entry(PAPER, "reject", "the padding of dx is cut at the end only: [:h, :w]", by=("L35", "L43"))
def conv_dx_cut_at_the_end(ours):
    return convolution(ours, dx=lambda g, dy: padded_gradient(g, dy)[:, :, : g.x.shape[2], : g.x.shape[3]])


# ---- how many windows, and what is left over
@entry(
    PAPER, "reject", "the number of windows is rounded up, the last ones hanging over zeros, gradients and all", by=("L11", "L32")
)
def conv_counts_by_ceil(ours):
    def where(g):
        sizes = zip(g.x.shape[2:], g.kernel, g.stride, g.padding, strict=True)
        return places(g, windows=[-((k - size - 2 * p) // s) + 1 for size, k, s, p in sizes])

    return displaced(ours, where)


@entry(PAPER, "reject", "range(0, h − k, s): the last window is lost, unless rows are left over", by=("L37", "L44"))
def conv_loses_the_last_window(ours):
    def where(g):
        sizes = zip(g.x.shape[2:], g.kernel, g.stride, g.padding, strict=True)
        return places(g, windows=[len(range(0, size + 2 * p - k, s)) for size, k, s, p in sizes])

    return displaced(ours, where)


@entry(
    PAPER,
    "reject",
    "as many columns as rows are filled in: y stays 0 beyond, where the image is wider than high",
    by=("L37", "L38"),
)
def conv_fills_a_square(ours):
    def y(g):
        whole = convolved(g.x, g.W, *places(g)) + biases(g.b)
        return whole * (np.arange(whole.shape[3]) < whole.shape[2])

    return convolution(ours, y=y)


@entry(PAPER, "reject", "dx ends with the last window: rows that are left over are missing from it", by=("L11", "L36"))
def conv_dx_without_leftover_rows(ours):
    def dx(g, dy):
        ends = [min(int(at.max(initial=-1)) + 1, size) for at, size in zip(places(g), g.x.shape[2:], strict=True)]
        return image_gradient(g, dy, *places(g))[:, :, : ends[0], : ends[1]]

    return convolution(ours, dx=dx)


@entry(PAPER, "reject", "col2im assigns, where windows overlap it must add", by=("L33", "L36"))
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
@entry(
    PAPER, "reject", "im2col reshaped without transposing: windows (n, c, oh, ow, ...) read as (n·oh·ow, c·...)", by=("L1", "L37")
)
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


@entry(PAPER, "reject", "the product (o, n·oh·ow) reshaped to (n, o, oh, ow): right for one sample or one kernel", by=("L4", "L37"))
def conv_output_mixes_the_batch(ours):
    def y(g):
        right = convolved(g.x, g.W, *places(g)) + biases(g.b)
        return right.swapaxes(0, 1).reshape(right.shape)

    return convolution(ours, y=y)


@entry(PAPER, "reject", "the product (n·oh·ow, o) reshaped to (n, o, oh, ow): right for one kernel", by=("L37", "L38"))
def conv_output_mixes_the_kernels(ours):
    def y(g):
        right = convolved(g.x, g.W, *places(g)) + biases(g.b)
        return right.transpose(0, 2, 3, 1).reshape(right.shape)

    return convolution(ours, y=y)


@entry(PAPER, "reject", "dy (n, o, oh, ow) reshaped to (o, n·oh·ow) for dW: right for one sample or one kernel", by=("L4", "L33"))
def conv_dw_mixes_the_batch(ours):
    def dW(g, dy):
        n, o = dy.shape[:2]
        return kernel_gradient(g, dy.reshape(o, n, *dy.shape[2:]).swapaxes(0, 1), *places(g))

    return convolution(ours, dW=dW)


@entry(PAPER, "reject", "axes of length 1 are squeezed out of y", by=("L33", "L44"))
def conv_of_one_sample_loses_its_axis(ours):
    return convolution(ours, y=lambda g: np.squeeze(convolved(g.x, g.W, *places(g)) + biases(g.b)))


# ---- biases, and sums over the batch
@entry(PAPER, "reject", "the bias is added for every channel", by=("L1", "L32"))
def conv_bias_for_every_channel(ours):
    return convolution(ours, y=lambda g: convolved(g.x, g.W, *places(g)) + g.x.shape[1] * biases(g.b))


@entry(PAPER, "reject", "y + b along the last axis, where the output is as wide as there are kernels", by=("L36", "L43"))
def conv_bias_along_the_width(ours):
    def y(g):
        without = convolved(g.x, g.W, *places(g))
        return without + (g.b if without.shape[3] == len(g.b) else biases(g.b))

    return convolution(ours, y=y)


@entry(PAPER, "reject", "the gradient of the biases is the mean over the batch", by=("L5", "L43"))
def conv_bias_gradient_is_a_mean(ours):
    return convolution(ours, db=lambda g, dy: summed(g, dy) / max(len(dy), 1))


@entry(PAPER, "reject", "the gradient of the biases is the mean over the pixels", by=("L36", "L44"))
def conv_bias_gradient_averages_pixels(ours):
    return convolution(ours, db=lambda g, dy: dy.mean(axis=(2, 3)).sum(axis=0))


@entry(PAPER, "reject", "the gradient of the biases is summed over the batch only", by=("L11", "L44"))
def conv_bias_gradient_over_the_batch_only(ours):
    return convolution(ours, db=lambda g, dy: dy.sum(axis=0))


@entry(PAPER, "reject", "the gradient of the biases keeps the axes that it is summed over: (1, o, 1, 1)", by=("L11", "L44"))
def conv_bias_gradient_keeps_its_axes(ours):
    return convolution(ours, db=lambda g, dy: dy.sum(axis=(0, 2, 3), keepdims=True))


@entry(PAPER, "reject", "the sum as mean times count, which is 0/0 for no samples", by=("L5", "L11"))
def conv_bias_gradient_of_no_samples(ours):
    def db(g, dy):
        count = np.asarray(dy[:, :1].size, dy.dtype)
        with np.errstate(invalid="ignore"):
            return summed(g, dy) / count * count

    return convolution(ours, db=db)


@entry(PAPER, "reject", "dW is divided by the number of samples", by=("L5", "L37"))
def conv_dw_is_a_mean(ours):
    return convolution(ours, dW=lambda g, dy: kernel_gradient(g, dy, *places(g)) / max(len(dy), 1))


@entry(PAPER, "reject", "dW is that of the first sample", by=("L4", "L5"))
def conv_dw_of_the_first_sample(ours):
    return convolution(ours, dW=lambda g, dy: kernel_gradient(g._replace(x=g.x[:1]), dy[:1], *places(g)))


@entry(PAPER, "reject", "the gradients for a first layer lack those of the biases", by=("L44",))
def conv_params_backward_without_biases(ours):
    def conv2d_params_backward(dy, cache):
        own = ours.conv2d_params_backward(dy, cache)
        return own._replace(b=np.zeros_like(own.b))

    return {"conv2d_params_backward": conv2d_params_backward}


@entry(PAPER, "reject", "the gradients for a first layer, computed anew, forget the padding", by=("L43",))
def conv_params_backward_without_padding(ours):
    forgetful = conv_padding_ignored_in_dw(ours)
    return convolution(ours) | {"conv2d_params_backward": forgetful["conv2d_params_backward"]}


# ---- state, memory, precision
@entry(PAPER, "reject", "dW is added to that of the calls before", by=("L4", "L36"))
def conv_dw_adds_up(ours):
    totals: dict = {}

    def dW(g, dy):
        own = kernel_gradient(g, dy, *places(g))
        totals[own.shape] = totals.get(own.shape, 0) + own
        return totals[own.shape]

    return convolution(ours, dW=dW)


@entry(PAPER, "reject", "dx is added up in a buffer that is not cleared", by=("L3", "L36"))
def conv_dx_in_a_buffer(ours):
    buffers: dict = {}

    def dx(g, dy):
        own = image_gradient(g, dy, *places(g))
        buffer = buffers.setdefault((own.shape, own.dtype), np.zeros_like(own))
        buffer += own
        return buffer

    return convolution(ours, dx=dx)


@entry(PAPER, "reject", "windows are kept in one buffer a shape: dW takes those of the latest forward pass", by=("L6",))
def conv_windows_in_a_buffer(ours):
    buffers: dict = {}

    def key(g):
        return g.x.shape, g.W.shape, g.stride, g.padding, g.x.dtype

    def y(g):
        buffers[key(g)] = g.x.copy()
        return convolved(g.x, g.W, *places(g)) + biases(g.b)

    return convolution(ours, y=y, dW=lambda g, dy: kernel_gradient(g._replace(x=buffers[key(g)]), dy, *places(g)))


@entry(PAPER, "reject", "dx is written over x", by=("L33", "L34"))
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


@entry(PAPER, "reject", "all is computed in float32, and handed out as float64", by=("L32", "L38"))
def conv_in_float32(ours):
    def single(a):
        return a.astype(np.float32)

    return convolution(
        ours,
        y=lambda g: convolved(single(g.x), single(g.W), *places(g)) + single(biases(g.b)),
        dW=lambda g, dy: kernel_gradient(g._replace(x=single(g.x)), single(dy), *places(g)),
        dx=lambda g, dy: image_gradient(g._replace(W=single(g.W)), single(dy), *places(g)),
    )


@entry(PAPER, "acceptable", "float64 comes out, whatever went in: a convention, and safe")
def conv_always_float64(ours):
    def conv2d_forward(params, x, stride=1, padding=0):
        y, cache = ours.conv2d_forward(params, x, stride, padding)
        return y.astype(np.float64), cache

    def conv2d_backward(dy, cache):
        return ours.conv2d_backward(np.asarray(dy, np.float64), cache)

    return {"conv2d_forward": conv2d_forward, "conv2d_backward": conv2d_backward}


@entry(PAPER, "reject", "dW by central differences of Σ dy y, step 10⁻⁶", by=("L3", "L37"))
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


@entry(PAPER, "reject", "dy is read in the order of memory", by=("L43",))
def conv_dy_in_memory_order(ours):
    return {
        "conv2d_backward": lambda dy, cache: ours.conv2d_backward(in_memory_order(dy), cache),
        "conv2d_params_backward": lambda dy, cache: ours.conv2d_params_backward(in_memory_order(dy), cache),
    }


@entry(PAPER, "reject", "x is read in the order of memory", by=("L43",))
def conv_x_in_memory_order(ours):
    def conv2d_forward(params, x, stride=1, padding=0):
        return ours.conv2d_forward(params, in_memory_order(x), stride, padding)

    return {"conv2d_forward": conv2d_forward}


# ---- numbers that are none
@entry(PAPER, "reject", "pixels that are NaN count as 0", by=("L10",))
def conv_of_nan_is_of_zero(ours):
    return convolution(ours, y=lambda g: convolved(np.where(np.isnan(g.x), 0, g.x), g.W, *places(g)) + biases(g.b))


@entry(PAPER, "acceptable", "by FFT: one NaN spreads over its whole image, which no claim forbids")
def conv_by_fft_spreads_nan(ours):
    return convolution(ours, y=by_fft)
