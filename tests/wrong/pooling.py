"""Max-pooling, average pooling, flatten and activations of images, in wrong ways."""

import numpy as np

from wrong.corpus import entry
from wrong.windows import (
    by_ceil,
    evenly,
    in_memory_order,
    is_largest,
    look,
    max_gradient,
    one_hot,
    pixels,
    places,
    pooling,
    spread,
    with_options,
)

PAPER = "substrate"


# ---- max-pooling: who gets the gradient
@entry(PAPER, "reject", "every pixel of a tie gets the whole of dy", by=("L39",))
def maxpool_gives_dy_to_every_tie(ours):
    return pooling(ours, "maxpool2d", dx=lambda g, dy: spread(g, np.where(is_largest(pixels(g)), dy[..., None], 0)))


@entry(PAPER, "reject", "dy is split among the pixels of a tie", by=("L39",))
def maxpool_splits_ties(ours):
    def dx(g, dy):
        largest = is_largest(pixels(g))
        return spread(g, np.where(largest, (dy / largest.sum(axis=-1))[..., None], 0))

    return pooling(ours, "maxpool2d", dx=dx)


@entry(PAPER, "reject", "the last pixel of a tie gets dy", by=("L39",))
def maxpool_gives_to_the_last(ours):
    return max_gradient(ours, lambda windows, g: windows.shape[-1] - 1 - windows[..., ::-1].argmax(axis=-1))


@entry(PAPER, "reject", "the first pixel of a tie is looked for column by column", by=("L39",))
def maxpool_ties_by_columns(ours):
    def pick(windows, g):
        kh, kw = g.kernel
        j, i = np.divmod(windows.reshape(*windows.shape[:4], kh, kw).swapaxes(4, 5).reshape(windows.shape).argmax(axis=-1), kh)
        return i * kw + j

    return max_gradient(ours, pick)


@entry(PAPER, "reject", "the index of the largest is unravelled column by column", by=("L10", "L39"))
def maxpool_index_by_columns(ours):
    def pick(windows, g):
        kh, kw = g.kernel
        j, i = np.divmod(windows.argmax(axis=-1), kh)
        return i * kw + j

    return max_gradient(ours, pick)


@entry(PAPER, "reject", "pixels within 10⁻⁸ + 10⁻⁵ |y| of the largest count as ties", by=("L41",))
def maxpool_ties_with_a_tolerance(ours):
    def pick(windows, g):
        with np.errstate(invalid="ignore"):
            return np.isclose(windows, windows.max(axis=-1, keepdims=True), equal_nan=True).argmax(axis=-1)

    return max_gradient(ours, pick)


@entry(PAPER, "reject", "where(x == y): a window with a NaN gives dy to nobody", by=("L39",))
def maxpool_loses_the_gradient_of_nan(ours):
    def dx(g, dy):
        windows = pixels(g)
        index = np.where(np.isnan(windows).any(axis=-1), -1, windows.argmax(axis=-1))
        return spread(g, one_hot(index, dy, g.taps))

    return pooling(ours, "maxpool2d", dx=dx)


@entry(PAPER, "acceptable", "dy times a mask of 0 and 1: an infinite dy is NaN in all of its window, which no claim forbids")
def maxpool_multiplies_by_a_mask(ours):
    def dx(g, dy):
        windows = pixels(g)
        with np.errstate(invalid="ignore"):
            return spread(g, dy[..., None] * (windows.argmax(axis=-1)[..., None] == np.arange(windows.shape[-1])))

    return pooling(ours, "maxpool2d", dx=dx)


@entry(PAPER, "reject", "where windows overlap, dx is assigned, not added up", by=("L39",))
def maxpool_overwrites_overlaps(ours):
    def dx(g, dy):
        image, (rows, columns), windows = np.zeros(g.x.shape), places(g), pixels(g)
        for n, c, u, v in np.ndindex(*dy.shape):
            i, j = np.divmod(windows[n, c, u, v].argmax(), g.kernel[1])
            image[n, c, rows[u, i], columns[v, j]] = dy[n, c, u, v]
        return image

    return pooling(ours, "maxpool2d", dx=dx)


@entry(PAPER, "reject", "backward lays the windows side by side, whatever the stride", by=("L2", "L39"))
def maxpool_stride_ignored_in_backward(ours):
    return max_gradient(ours, lambda windows, g: windows.argmax(axis=-1), lambda g: places(g, stride=g.kernel))


@entry(
    PAPER, "reject", "indices of the largest are kept for each shape: backward takes those of the latest forward pass", by=("L6",)
)
def maxpool_indices_in_a_buffer(ours):
    indices: dict = {}

    def key(g):
        return g.x.shape, g.kernel, g.stride

    def y(g):
        indices[key(g)] = pixels(g).argmax(axis=-1)
        return pixels(g).max(axis=-1)

    return pooling(ours, "maxpool2d", y=y, dx=lambda g, dy: spread(g, one_hot(indices[key(g)], dy, g.taps)))


@entry(
    PAPER, "reject", "dx is as large as the windows are together: rows that are left over are missing from it", by=("L10", "L39")
)
def maxpool_dx_without_leftover_rows(ours):
    def dx(g, dy):
        windows, ends = pixels(g), [int(at.max()) + 1 for at in places(g)]
        return spread(g, one_hot(windows.argmax(axis=-1), dy, g.taps))[:, :, : ends[0], : ends[1]]

    return pooling(ours, "maxpool2d", dx=dx)


@entry(PAPER, "reject", "dy is read in the order of memory", by=("L43",))
def maxpool_dy_in_memory_order(ours):
    return {"maxpool2d_backward": lambda dy, cache: ours.maxpool2d_backward(in_memory_order(dy), cache)}


# ---- max-pooling: which is the largest, of what
@entry(PAPER, "reject", "the search for the largest starts at 0, as if the image were padded", by=("L39", "L41"))
def maxpool_starts_at_zero(ours):
    return pooling(ours, "maxpool2d", y=lambda g: np.maximum(pixels(g).max(axis=-1), 0))


@entry(PAPER, "reject", "the search for the largest starts at the lowest finite number, which is above −∞", by=("L39",))
def maxpool_starts_at_the_lowest_number(ours):
    return pooling(ours, "maxpool2d", y=lambda g: np.maximum(pixels(g).max(axis=-1), np.finfo(g.x.dtype).min))


@entry(PAPER, "reject", "a NaN counts as smaller than every number", by=("L10", "L39"))
def maxpool_passes_over_nan(ours):
    return pooling(ours, "maxpool2d", y=lambda g: np.fmax.reduce(pixels(g), axis=-1))


@entry(PAPER, "reject", "the largest of all channels, for each of them", by=("L32", "L41"))
def maxpool_across_channels(ours):
    def y(g):
        own = pixels(g).max(axis=-1)
        return np.broadcast_to(own.max(axis=1, keepdims=True), own.shape) if own.size else own

    return pooling(ours, "maxpool2d", y=y)


@entry(PAPER, "reject", "the largest in absolute value", by=("L39", "L41"))
def maxpool_of_absolute_values(ours):
    def y(g):
        windows = pixels(g)
        return np.take_along_axis(windows, np.abs(windows).argmax(axis=-1)[..., None], axis=-1)[..., 0]

    return pooling(ours, "maxpool2d", y=y)


@entry(PAPER, "reject", "the number of windows is rounded up, the last ones hanging over, gradients and all", by=("L1", "L41"))
def maxpool_counts_by_ceil(ours):
    def dx(g, dy):
        windows = pixels(g, by_ceil, -np.inf)
        return spread(g, one_hot(windows.argmax(axis=-1), dy, g.taps), by_ceil)

    return pooling(ours, "maxpool2d", y=lambda g: pixels(g, by_ceil, -np.inf).max(axis=-1), dx=dx)


@entry(PAPER, "reject", "the stride is 1 by default", by=("L32",))
def maxpool_stride_is_one_by_default(ours):
    return with_options(ours, "maxpool2d", lambda kernel, stride: (kernel, 1 if stride is None else stride))


@entry(PAPER, "reject", "by reshape to (oh, kh, ow, kw): the stride is the kernel, whatever was given", by=("L44",))
def maxpool_never_overlaps(ours):
    return with_options(ours, "maxpool2d", lambda kernel, stride: (kernel, None))


@entry(PAPER, "reject", "height and width of the kernel exchanged, gradients and all", by=("L32", "L39"))
def maxpool_kernel_sides_exchanged(ours):
    return with_options(ours, "maxpool2d", lambda kernel, stride: (kernel[::-1], kernel if stride is None else stride))


@entry(PAPER, "reject", "vertical and horizontal stride exchanged, gradients and all", by=("L1",))
def maxpool_strides_exchanged(ours):
    return with_options(ours, "maxpool2d", lambda kernel, stride: (kernel, stride and stride[::-1]))


# ---- average pooling
@entry(PAPER, "reject", "the sum in place of the mean, gradients and all", by=("L33", "L40"))
def avgpool_is_a_sum(ours):
    return pooling(ours, "avgpool2d", y=lambda g: pixels(g).sum(axis=-1), dx=evenly)


@entry(
    PAPER, "reject", "divided by the square of the kernel's height, gradients and all: right for square kernels", by=("L33", "L40")
)
def avgpool_by_the_square_of_the_height(ours):
    return pooling(
        ours,
        "avgpool2d",
        y=lambda g: pixels(g).sum(axis=-1) / g.kernel[0] ** 2,
        dx=lambda g, dy: evenly(g, dy / g.kernel[0] ** 2),
    )


@entry(PAPER, "reject", "backward gives the whole of dy to every pixel", by=("L2", "L40"))
def avgpool_backward_not_divided(ours):
    return pooling(ours, "avgpool2d", dx=evenly)


@entry(PAPER, "reject", "backward divides by the area of a stride: right where the stride is the kernel", by=("L2", "L33"))
def avgpool_backward_divided_by_the_stride(ours):
    return pooling(ours, "avgpool2d", dx=lambda g, dy: evenly(g, dy / (g.stride[0] * g.stride[1])))


@entry(PAPER, "reject", "backward divides what a pixel gets by the number of windows that saw it", by=("L33", "L43"))
def avgpool_averages_overlaps(ours):
    def dx(g, dy):
        return evenly(g, dy / g.taps) / np.maximum(evenly(g, np.ones_like(dy)), 1)

    return pooling(ours, "avgpool2d", dx=dx)


@entry(PAPER, "reject", "backward by np.repeat, the last window's share filling up the rows that are left over", by=("L33",))
def avgpool_leftover_rows_get_a_share(ours):
    def dx(g, dy):
        if g.stride != g.kernel:
            return evenly(g, dy / g.taps)
        rows, columns = (np.minimum(np.arange(m) // k, o - 1) for m, k, o in zip(g.x.shape[2:], g.kernel, g.windows, strict=True))
        return (dy / g.taps)[:, :, rows[:, None], columns]

    return pooling(ours, "avgpool2d", dx=dx)


@entry(PAPER, "reject", "backward exchanges vertical and horizontal stride", by=("L33", "L40"))
def avgpool_strides_exchanged_in_backward(ours):
    return pooling(ours, "avgpool2d", dx=lambda g, dy: evenly(g, dy / g.taps, lambda g: places(g, stride=g.stride[::-1])))


@entry(PAPER, "reject", "windows hang over the edge and are averaged over what is there, gradients and all", by=("L11", "L32"))
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


@entry(PAPER, "acceptable", "by differences of sums from the corner on: one NaN spreads over all that follow in its image")
def avgpool_by_an_integral_image(ours):
    def y(g):
        (kh, kw), (sh, sw), (oh, ow) = g.kernel, g.stride, g.windows
        total = np.pad(g.x.cumsum(axis=2).cumsum(axis=3), ((0, 0), (0, 0), (1, 0), (1, 0)))
        with np.errstate(invalid="ignore"):
            down = total[:, :, kh:] - total[:, :, :-kh]
            both = down[..., kw:] - down[..., :-kw]
        return both[:, :, ::sh, ::sw][:, :, :oh, :ow] / (kh * kw)

    return pooling(ours, "avgpool2d", y=y)


@entry(PAPER, "reject", "dy is divided in place", by=("L3", "L40"))
def avgpool_divides_dy_in_place(ours):
    def avgpool2d_backward(dy, cache):
        g, cache = cache
        dx = ours.avgpool2d_backward(dy, cache)
        dy /= g.taps
        return dx

    return pooling(ours, "avgpool2d") | {"avgpool2d_backward": avgpool2d_backward}


# ---- flatten
@entry(PAPER, "reject", "columns before rows before channels, there and back", by=("L10", "L42"))
def flatten_by_columns(ours):
    def flatten_forward(x):
        return ours.flatten_forward(np.transpose(x, (0, *range(np.ndim(x) - 1, 0, -1))))

    def flatten_backward(dy, cache):
        dx = ours.flatten_backward(dy, cache)
        return np.ascontiguousarray(dx.transpose(0, *range(dx.ndim - 1, 0, -1)))

    return {"flatten_forward": flatten_forward, "flatten_backward": flatten_backward}


@entry(PAPER, "reject", "channels last, there and back", by=("L10", "L42"))
def flatten_with_channels_last(ours):
    def flatten_forward(x):
        return ours.flatten_forward(np.moveaxis(x, 1, -1) if np.ndim(x) > 2 else x)

    def flatten_backward(dy, cache):
        dx = ours.flatten_backward(dy, cache)
        return np.ascontiguousarray(np.moveaxis(dx, -1, 1)) if dx.ndim > 2 else dx

    return {"flatten_forward": flatten_forward, "flatten_backward": flatten_backward}


@entry(PAPER, "reject", "x is read in the order of memory", by=("L42", "L44"))
def flatten_in_memory_order(ours):
    return {"flatten_forward": lambda x: ours.flatten_forward(in_memory_order(x))}


@entry(PAPER, "acceptable", "y is a view of x: nothing is computed, and a view is cheaper")
def flatten_is_a_view(ours):
    def flatten_forward(x):
        y, cache = ours.flatten_forward(x)
        return np.asarray(x).reshape(y.shape), cache

    return {"flatten_forward": flatten_forward}


@entry(PAPER, "reject", "x.reshape(n, −1), which has no answer for no samples", by=("L5", "L11"))
def flatten_infers_the_width(ours):
    def flatten_forward(x):
        y, cache = ours.flatten_forward(x)
        return y.reshape(len(y), -1), cache

    return {"flatten_forward": flatten_forward}


@entry(PAPER, "reject", "dx has rows and columns of each channel exchanged", by=("L10", "L42"))
def flatten_backward_transposes(ours):
    def flatten_backward(dy, cache):
        dx = ours.flatten_backward(dy, cache)
        return dx.reshape(*dx.shape[:2], *dx.shape[:1:-1]).swapaxes(2, 3).copy() if dx.ndim == 4 else dx

    return {"flatten_backward": flatten_backward}


@entry(PAPER, "acceptable", "the last three axes are flattened: images only, as the name of its module says")
def flatten_three_axes(ours):
    def flatten_forward(x):
        y, cache = ours.flatten_forward(x)
        return y.reshape(*np.shape(x)[:-3], int(np.prod(np.shape(x)[-3:]))), cache

    return {"flatten_forward": flatten_forward}


# ---- activations of images
@entry(PAPER, "reject", "the mask of ReLU is laid over dy in the order of memory", by=("L49",))
def relu_mask_in_memory_order(ours):
    return {"relu_backward": lambda dy, cache: ours.relu_backward(in_memory_order(dy), cache)}


@entry(PAPER, "reject", "PReLU adds up what its channels feel in the order of memory", by=("L44",))
def prelu_sums_in_memory_order(ours):
    def prelu_backward(dy, cache):
        _, dx = ours.prelu_backward(dy, cache)
        da, _ = ours.prelu_backward(in_memory_order(dy), cache)
        return da, dx

    return {"prelu_backward": prelu_backward}
