"""Convolution, pooling and flatten: what no claim states. Layouts, bad input, precision, infinities."""

import re
from fractions import Fraction
from functools import partial

import numpy as np
import pytest

from refimpl import nn
from refimpl.nn import Conv2d
from refimpl.params import leaves, ravel

RNG = np.random.default_rng(21)
X = RNG.integers(-9, 10, size=(3, 2, 5, 8)) + 0.0  # whole numbers: sums are exact, and full of ties
W, B = RNG.integers(-3, 4, size=(4, 2, 2, 3)) + 0.0, np.arange(4.0)
POOLS = ("maxpool2d", "avgpool2d")
NAMES = ("conv2d", *POOLS, "flatten")


def forward(name, x, **options):
    """y, cache of a layer; a convolution with W and b in the precision of x."""
    if name == "conv2d":
        return nn.conv2d_forward(
            Conv2d(W.astype(x.dtype), B.astype(x.dtype)), x, **({"stride": (1, 2), "padding": (2, 0)} | options)
        )
    return getattr(nn, f"{name}_forward")(x, **({} if name == "flatten" else {"kernel": (2, 3), "stride": (1, 2)} | options))


def arrays(tree):
    return [np.asarray(a) for _, a in leaves(tree, "")]


def layouts(a):
    """The same numbers in other orders of memory, strides and bytes."""
    letters = "nchw"[: a.ndim]
    orders = [o for o in ("hwnc", "nhwc", "wnch", "cnwh") if a.ndim == 4] or [letters[::-1]]
    found = {o: a.transpose([letters.index(k) for k in o]).copy().transpose([o.index(k) for k in letters]) for o in orders}
    part = np.zeros((*a.shape[:-1], a.shape[-1] + 3), a.dtype)
    part[..., 2:-1] = a
    raw = np.zeros(a.nbytes + 1, np.uint8)[1:].view(a.dtype).reshape(a.shape)
    raw[...] = a
    other = a.transpose().copy().transpose().astype(a.dtype.newbyteorder())
    return found | {"a part": part[..., 2:-1], "misaligned": raw, "other endian": other, "mirrored": a[..., ::-1].copy()[..., ::-1]}


# ---- the arrays
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_layouts_of_x_and_of_dy_change_no_bit(name, dtype):
    x = (X + 0.1).astype(dtype)
    y, cache = forward(name, x)
    dy = RNG.normal(size=y.shape).astype(dtype)
    gradients = arrays(getattr(nn, f"{name}_backward")(dy, cache))
    for image in layouts(x).values():
        y_other, cache = forward(name, image)
        for given in layouts(dy).values():
            for got, expected in zip(
                [y_other, *arrays(getattr(nn, f"{name}_backward")(given, cache))], [y, *gradients], strict=True
            ):
                assert (got.dtype, got.shape) == (expected.dtype, expected.shape)
                assert got.tobytes() == expected.tobytes()


@pytest.mark.parametrize("name", NAMES)
def test_dy_is_neither_kept_nor_written_to(name):
    y, cache = forward(name, X)
    dy = np.ones(y.shape)
    dy.flags.writeable = False
    for a in arrays(getattr(nn, f"{name}_backward")(dy, cache)):
        assert not np.shares_memory(a, dy)
        assert a.flags.writeable


@pytest.mark.parametrize("kind", ["i8", "u1", "?"])
def test_whole_numbers_become_float64_in_convolutions(kind):
    x, w, b = (np.abs(a).astype(kind) for a in (25 * X, 80 * W, B))  # their products exceed a byte
    y, cache = nn.conv2d_forward(Conv2d(w, b), x, stride=2, padding=1)
    expected, cache_expected = nn.conv2d_forward(Conv2d(w.astype("f8"), b.astype("f8")), x.astype("f8"), stride=2, padding=1)
    assert y.dtype == np.float64
    np.testing.assert_array_equal(y, expected)
    got, wanted = (
        arrays(nn.conv2d_backward(np.ones(y.shape, kind), cache)),
        arrays(nn.conv2d_backward(np.ones(y.shape), cache_expected)),
    )
    for a, e in zip(got, wanted, strict=True):
        assert a.dtype == np.float64
        np.testing.assert_array_equal(a, e)


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_batch_keeps_shapes_and_precision(name):
    y, cache = forward(name, X[:0].astype(np.float32))
    whole, cache_whole = forward(name, X.astype(np.float32))
    assert (y.shape, y.dtype) == ((0, *whole.shape[1:]), np.float32)
    got, wanted = (arrays(getattr(nn, f"{name}_backward")(dy, c)) for dy, c in ((y, cache), (whole, cache_whole)))
    assert [a.dtype for a in got] == [a.dtype for a in wanted]
    assert [a.shape for a in got] == [*(a.shape for a in wanted[:-1]), (0, *X.shape[1:])]
    assert not any(a.any() for a in got)


def test_no_channels():
    y, cache = nn.conv2d_forward(Conv2d(W[:, :0], B), X[:, :0])
    assert (y == B[:, None, None]).all()
    (dW, db), dx = nn.conv2d_backward(np.ones(y.shape), cache)
    assert (dW.shape, db.tolist(), dx.shape) == ((4, 0, 2, 3), [y[:, 0].size] * 4, (3, 0, 5, 8))
    for name in POOLS:
        y, cache = forward(name, X[:, :0])
        assert y.shape == (3, 0, 4, 3)
        assert getattr(nn, f"{name}_backward")(y, cache).shape == (3, 0, 5, 8)


# ---- numbers
def test_whole_numbers_far_from_zero_are_exact():
    """Up to 2⁵³ nothing is rounded: against Python's integers, on images 10⁹ off 0."""
    x = X[:, :, :3, :4] + 10.0**9
    y, cache = nn.conv2d_forward(Conv2d(W, B), x)
    dy = np.ones(y.shape)
    (dW, db), dx = nn.conv2d_backward(dy, cache)
    for n, o, u, v in np.ndindex(*y.shape):
        window = x[n, :, u : u + 2, v : v + 3]
        assert int(y[n, o, u, v]) == sum(int(a) * int(w) for a, w in zip(window.ravel(), W[o].ravel(), strict=True)) + int(B[o])
    assert int(dW[0, 1, 0, 2]) == sum(int(a) for a in x[:, 1, 0:2, 2:4].ravel())
    assert db.tolist() == [dy[:, 0].size] * 4
    assert dx[0, 0, 1, 1] == W[:, 0, :, :2].sum()  # an inner pixel, seen by 2 of the 3 columns of taps
    pooled, _ = nn.avgpool2d_forward(x, (3, 4))
    assert [int(12 * v) for v in pooled.ravel()] == [sum(int(a) for a in image.ravel()) for image in x.reshape(-1, 3, 4)]


def test_fractions_are_exact():
    """A seventh of whole numbers: y, dx are a seventh of theirs, products a 49th; pooling in thirds."""
    seventh = np.vectorize(lambda a: Fraction(int(a), 7), otypes=[object])
    options = {"stride": (1, 2), "padding": (2, 0)}
    y, cache = nn.conv2d_forward(Conv2d(seventh(W), seventh(B)), seventh(X), **options)
    expected, cache_whole = nn.conv2d_forward(Conv2d(W, 7 * B), X, **options)
    assert all(isinstance(v, Fraction) for v in y.ravel())
    assert (49 * y == expected).all()
    (dW, db), dx = nn.conv2d_backward(y, cache)
    (dW_whole, db_whole), dx_whole = nn.conv2d_backward(expected, cache_whole)
    assert (7**3 * dW == dW_whole).all()
    assert (7**2 * db == db_whole).all()
    assert (7**3 * dx == dx_whole).all()
    for name in POOLS:
        pooled, cache = forward(name, seventh(X))
        whole, cache_whole = forward(name, 6 * X)  # six pixels a window
        assert (42 * pooled == whole).all()
        back = getattr(nn, f"{name}_backward")(pooled, cache)
        assert (42 * 6 * back == getattr(nn, f"{name}_backward")(6 * whole, cache_whole)).all()


def test_infinities():
    inf = np.inf
    x = np.array([[[[-inf, -inf, 3.0, inf], [-inf, -inf, inf, inf]]]])
    y, cache = nn.maxpool2d_forward(x, 2)
    assert y.tolist() == [[[[-inf, inf]]]]
    assert nn.maxpool2d_backward(np.array([[[[2.0, 5.0]]]]), cache).tolist() == [[[[2, 0, 0, 5], [0, 0, 0, 0]]]]
    assert nn.avgpool2d_forward(x, 2)[0].tolist() == [[[[-inf, inf]]]]
    y, _ = nn.conv2d_forward(Conv2d(np.ones((1, 1, 1, 1)), np.zeros(1)), x)
    assert y.tolist() == x.tolist()


def test_one_nan_in_a_window_is_its_largest_and_gets_its_gradient():
    x = np.array([[[[np.inf, 1.0], [np.nan, 2.0]]]])
    y, cache = nn.maxpool2d_forward(x, 2)
    assert np.isnan(y).all()
    assert nn.maxpool2d_backward(np.full((1, 1, 1, 1), 3.0), cache).tolist() == [[[[0, 0], [3, 0]]]]


def test_average_pooling_of_one_number_is_that_number():
    for value in (0.1, 1e308 / 6, 5e-324):
        np.testing.assert_allclose(
            nn.avgpool2d_forward(np.full((1, 1, 4, 6), value), (2, 3))[0], value, rtol=5e-16, atol=0
        )  # 6 sums


# ---- options
@pytest.mark.parametrize("name", ["conv2d", *POOLS])
def test_an_int_stands_for_a_pair(name):
    for option in {"conv2d": ("stride", "padding")}.get(name, ("kernel", "stride")):
        expected, _ = forward(name, X, **{option: (2, 2)})
        for value in (2, np.int64(2), [2, 2], (np.int32(2), 2)):
            assert forward(name, X, **{option: value})[0].tobytes() == expected.tobytes()


def test_defaults():
    assert nn.conv2d_forward(Conv2d(W, B), X)[0].shape == (3, 4, 4, 6)  # stride 1, no padding
    for name in POOLS:
        assert getattr(nn, f"{name}_forward")(X, (2, 3))[0].shape == (3, 2, 2, 2)  # tiles


BAD = [-1, 1.0, True, (1, -1), (1, 1.5), (1, True), (1,), (1, 2, 3), (), "2", "12", np.ones(2)]


@pytest.mark.parametrize(
    ("name", "option", "least", "values"),
    [
        ("conv2d", "stride", 1, [*BAD, 0, (1, 0), None]),
        ("conv2d", "padding", 0, [*BAD, None]),
        ("maxpool2d", "kernel", 1, [*BAD, 0, (1, 0), None]),
        ("maxpool2d", "stride", 1, [*BAD, 0, (1, 0)]),
        ("avgpool2d", "kernel", 1, [*BAD, 0, (1, 0), None]),
    ],
)
def test_options_are_integers_or_pairs_of_them(name, option, least, values):
    for bad in values:
        expected = rf"^{option}: expected an integer >= {least} or a pair of them, got {re.escape(repr(bad))}$"
        with pytest.raises(ValueError, match=expected):
            forward(name, X, **{option: bad})


def test_shapes_are_checked():
    for x in (X[0], X[:, :1], X[..., None], np.zeros((3, 3, 5, 8))):
        expected = rf"^x: expected shape \(n, c, h, w\) with the 2 channels of W \(4, 2, 2, 3\), got {re.escape(str(x.shape))}$"
        with pytest.raises(ValueError, match=expected):
            forward("conv2d", x)
    for w, b in ((W.reshape(4, 2, 6), B), (W[:, :, :0], B), (W, B[:3]), (W, np.ones(()))):
        with pytest.raises(ValueError, match=rf"^W: expected shape .* got {re.escape(f'{w.shape} and {np.shape(b)}')}$"):
            nn.conv2d_forward(Conv2d(w, b), X)


def test_no_kernels_and_no_channels_are_none():
    y, cache = nn.conv2d_forward(Conv2d(W[:0], B[:0]), X)
    own, dx = nn.conv2d_backward(np.zeros(y.shape), cache)
    assert (y.shape[1], own.W.shape, own.b.shape, dx.shape) == (0, (0, *W.shape[1:]), (0,), X.shape)
    assert not dx.any()
    da, dx = nn.prelu_backward(np.zeros((3, 0, 2, 2)), nn.prelu_forward(np.zeros(0), np.zeros((3, 0, 2, 2)))[1])
    assert (da.shape, dx.shape) == ((0,), (3, 0, 2, 2))


def test_biases_of_large_images_keep_their_digits_in_float32():
    for shape in ((2, 3, 300, 300), (180_000, 3, 1, 1)):  # one by one, the sum would be off by 1e-4 and more
        dy = np.full(shape, 0.1, np.float32)
        kernel = Conv2d(np.zeros((3, 1, 1, 1), np.float32), np.zeros(3, np.float32))
        _, cache = nn.conv2d_forward(kernel, np.zeros((shape[0], 1, *shape[2:]), np.float32))
        np.testing.assert_allclose(nn.conv2d_params_backward(dy, cache).b, 180_000 * np.float64(np.float32(0.1)), rtol=1e-6)


def test_images_for_pooling_have_four_axes():
    for name in POOLS:
        for x in (X[0], X[..., None], X[0, 0, 0, 0]):
            with pytest.raises(ValueError, match=rf"^x: expected shape \(n, c, h, w\), got {re.escape(str(x.shape))}$"):
                forward(name, x)


@pytest.mark.parametrize(
    ("name", "options", "image", "kernel"),
    [
        ("conv2d", {"padding": 0}, (1, 8), (2, 3)),
        ("conv2d", {"padding": (3, 0)}, (11, 2), (2, 3)),
        ("maxpool2d", {"kernel": 6}, (5, 8), (6, 6)),
        ("avgpool2d", {"kernel": (1, 9)}, (5, 8), (1, 9)),
    ],
)
def test_a_kernel_larger_than_the_image_is_refused(name, options, image, kernel):
    height, width = (size - 2 * p for size, p in zip(image, {(11, 2): (3, 0)}.get(image, (0, 0)), strict=True))
    expected = rf"^kernel: expected at most the size of the padded image {re.escape(str(image))}, got {re.escape(str(kernel))}$"
    with pytest.raises(ValueError, match=expected):
        forward(name, np.zeros((3, 2, height, width)), **options)


def test_flatten_takes_any_number_of_axes():
    for shape in ((3,), (3, 4), (3, 2, 5), (3, 2, 5, 8, 1), (3, 0, 4), (0, 2, 5)):
        x = RNG.normal(size=shape)
        y, cache = nn.flatten_forward(x)
        assert y.shape == (shape[0], int(np.prod(shape[1:])))
        np.testing.assert_array_equal(nn.flatten_backward(y, cache), x)


# ---- networks
def network(dtype=np.float64):
    layers = (
        nn.Layer(partial(nn.conv2d_forward, stride=(1, 2), padding=(2, 0)), nn.conv2d_backward, nn.conv2d_params_backward),
        nn.Layer(nn.prelu_forward, nn.prelu_backward),
        nn.without_params(partial(nn.maxpool2d_forward, kernel=2), nn.maxpool2d_backward),
        nn.without_params(nn.flatten_forward, nn.flatten_backward),
        nn.Layer(nn.dense_forward, nn.dense_backward, nn.dense_params_backward),
    )
    rng = np.random.default_rng(4)
    params = (Conv2d(W, B), np.array([0.25, -0.5, 2.0, 0.0]), (), (), nn.Dense(rng.normal(size=(3, 16)), rng.normal(size=3)))
    theta, unravel = ravel(params)
    return layers, theta.astype(dtype), ravel(unravel(theta.astype(dtype)))[1]


ENTROPY = (nn.cross_entropy_forward, nn.cross_entropy_backward)
CLASSES = np.array([2, 0, 1])


def test_a_first_convolution_is_spared_the_gradient_of_data():
    layers, theta, unravel = network()
    y, cache = nn.network_forward(layers, unravel(theta), X)
    full, dx = nn.network_backward(y, cache)
    spared, nothing = nn.network_backward(y, cache, data=True)
    assert [a.tobytes() for a in arrays(spared)] == [a.tobytes() for a in arrays(full)]
    assert dx.shape == X.shape
    assert nothing is None


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_network_of_images_keeps_its_precision_in_any_layout(dtype):
    layers, theta, unravel = network(dtype)
    value, gradient = nn.objective(layers, unravel, ENTROPY, X.astype(dtype), CLASSES)(theta)
    assert (gradient.dtype, gradient.shape) == (dtype, theta.shape)
    for image in layouts(X.astype(dtype)).values():
        other, again = nn.objective(layers, unravel, ENTROPY, image, CLASSES)(theta)
        assert (other, again.tobytes()) == (value, gradient.tobytes())


@pytest.mark.parametrize("rows", [slice(None), slice(0, 2), [2], np.array([2, 0, 2, 1]), np.array([], int)], ids=str)
def test_a_batch_has_the_objective_of_its_samples_bit_by_bit(rows):
    layers, theta, unravel = network()
    loss = (partial(nn.cross_entropy_forward, reduction="sum"), nn.cross_entropy_backward)
    value, gradient = nn.batch_objective(layers, unravel, loss, X, CLASSES)(rows)(theta)
    expected = nn.objective(layers, unravel, loss, X[rows], CLASSES[rows])(theta)
    assert (value, gradient.tobytes()) == (expected[0], expected[1].tobytes())


def test_a_batch_of_no_samples_has_no_mean():
    layers, theta, unravel = network()
    with pytest.raises(ValueError, match=r"^f: expected at least one sample to take a mean over"):
        nn.batch_objective(layers, unravel, ENTROPY, X, CLASSES)([])(theta)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            {"x": X[:, :1]},
            ValueError,
            r"^layers\[0\]: expected inputs that fit its parameters .*\(4, 2, 2, 3\).* got \(3, 1, 5, 8\) \(x: ",
        ),
        (
            {"x": X[:, :, :3]},
            ValueError,
            r"^layers\[4\]: expected inputs that fit its parameters \[\(3, 16\), \(3,\)\], got \(3, 12\)",
        ),
        (
            {"x": X[..., :3]},
            ValueError,
            r"^layers\[2\]: expected inputs .* \(kernel: expected at most the size of the padded image \(8, 1\)",
        ),
        ({"y": CLASSES[:2]}, ValueError, r"^y: expected one label .* x \(3, 2, 5, 8\), got shape \(2,\)"),
        ({"y": CLASSES + 1}, ValueError, "^y: expected classes 0 to 2, got 3 at index 0"),
        ({"x": X.astype(bool)}, TypeError, "^x: expected float32, float64 or integers, got dtype bool"),
        ({"loss": nn.cross_entropy_forward}, TypeError, r"^loss: expected a pair \(forward, backward\)"),
    ],
)
def test_objectives_of_batches_check_all_samples_at_once(change, error, message):
    layers, _, unravel = network()
    with pytest.raises(error, match=message):
        nn.batch_objective(**({"layers": layers, "unravel": unravel, "loss": ENTROPY, "x": X, "y": CLASSES} | change))
