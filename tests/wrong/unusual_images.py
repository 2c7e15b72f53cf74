"""Convolution, pooling and flatten that are right, in other ways."""

from itertools import product

import numpy as np

from wrong.corpus import entry
from wrong.windows import (
    Given,
    biases,
    by_fft,
    convolution,
    convolved,
    displaced,
    image_gradient,
    look,
    one_hot,
    pixels,
    places,
    pooling,
    spread,
    summed,
)

PAPER = "substrate"


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
