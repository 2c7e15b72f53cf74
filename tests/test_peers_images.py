"""Layers of images beside PyTorch's, on 200 random shapes each, in float64.

Sums are taken in another order there: 64 eps of the largest entry covers the 1000 terms that the longest of them, a kernel's
gradient, has here. What needs no sum is the same to the bit.
"""

import numpy as np
import pytest

from refimpl import nn
from refimpl.params import leaves, ravel

pytestmark = pytest.mark.peers
EPS = 2.0**-52


def close(got, expected, roundings):
    """Equal up to so many roundings of the largest entry, torch's tensors being detached."""
    expected = expected.detach().numpy()
    assert got.shape == expected.shape
    assert np.max(np.abs(got - expected), initial=0) <= roundings * EPS * np.max(np.abs(expected), initial=0)


def equal(got, expected):
    np.testing.assert_array_equal(got, expected.detach().numpy())


def geometries(seed, largest_padding):
    """200 times n, c, o, and kernel, stride, padding, image as pairs; the padding may be more than the kernel sees."""
    rng = np.random.default_rng(seed)
    for _ in range(200):
        n, c, o = (int(v) for v in rng.integers(1, 6, size=3))
        kernel, stride = rng.integers(1, 6, size=(2, 2))
        padding = rng.integers(0, largest_padding + 1, size=2)
        image = np.maximum(1, kernel - 2 * padding + rng.integers(0, 12, size=2))
        yield rng, n, c, o, *(tuple(int(v) for v in pair) for pair in (kernel, stride, padding, image))


def test_convolution_agrees():
    import torch

    for rng, n, c, o, kernel, stride, padding, image in geometries(31, 6):
        W, b, x = rng.normal(size=(o, c, *kernel)), rng.normal(size=o), rng.normal(size=(n, c, *image))
        tW, tb, tx = (torch.tensor(a, requires_grad=True) for a in (W, b, x))
        ty = torch.nn.functional.conv2d(tx, tW, tb, stride=stride, padding=padding)
        dy = rng.normal(size=tuple(ty.shape))
        ty.backward(torch.tensor(dy))
        y, cache = nn.conv2d_forward(nn.Conv2d(W, b), x, stride=stride, padding=padding)
        (dW, db), dx = nn.conv2d_backward(dy, cache)
        for got, expected in ((y, ty), (dW, tW.grad), (db, tb.grad), (dx, tx.grad)):
            close(got, expected, 64)


def test_dense_layers_agree():
    import torch

    rng = np.random.default_rng(32)
    for _ in range(200):
        n, d, m = (int(v) for v in rng.integers(1, 30, size=3))
        W, b, x, dy = rng.normal(size=(m, d)), rng.normal(size=m), rng.normal(size=(n, d)), rng.normal(size=(n, m))
        tW, tb, tx = (torch.tensor(a, requires_grad=True) for a in (W, b, x))
        ty = torch.nn.functional.linear(tx, tW, tb)
        ty.backward(torch.tensor(dy))
        y, cache = nn.dense_forward(nn.Dense(W, b), x)
        (dW, db), dx = nn.dense_backward(dy, cache)
        for got, expected in ((y, ty), (dW, tW.grad), (db, tb.grad), (dx, tx.grad)):
            close(got, expected, 8)  # sums of 30 terms at most


@pytest.mark.parametrize("whole", [False, True])
def test_max_pooling_agrees_to_the_bit(whole):
    """Ties are everywhere among whole numbers; windows overlap, leave gaps, and leave rows over."""
    import torch

    for rng, n, c, _, kernel, stride, _, image in geometries(33, 0):
        x = rng.integers(-2, 3, size=(n, c, *image)) + 0.0 if whole else rng.normal(size=(n, c, *image))
        tx = torch.tensor(x, requires_grad=True)
        ty = torch.nn.functional.max_pool2d(tx, kernel, stride)
        dy = rng.normal(size=tuple(ty.shape))
        ty.backward(torch.tensor(dy))
        y, cache = nn.maxpool2d_forward(x, kernel, stride=stride)
        equal(y, ty)
        equal(nn.maxpool2d_backward(dy, cache), tx.grad)


def test_average_pooling_agrees():
    import torch

    for rng, n, c, _, kernel, stride, _, image in geometries(34, 0):
        x = rng.normal(size=(n, c, *image))
        tx = torch.tensor(x, requires_grad=True)
        ty = torch.nn.functional.avg_pool2d(tx, kernel, stride)
        dy = rng.normal(size=tuple(ty.shape))
        ty.backward(torch.tensor(dy))
        y, cache = nn.avgpool2d_forward(x, kernel, stride=stride)
        close(y, ty, 8)  # 25 terms at most
        close(nn.avgpool2d_backward(dy, cache), tx.grad, 8)


def test_prelu_of_images_agrees_to_the_bit():
    """One slope a channel, one for all; zeros, where the slope is what both take. The gradient in the slopes is a sum."""
    import torch

    rng = np.random.default_rng(35)
    for k in range(200):
        n, c, h, w = (int(v) for v in rng.integers(1, 7, size=4))
        x, a = rng.normal(size=(n, c, h, w)), rng.normal(size=c if k % 2 else 1)
        x[rng.uniform(size=x.shape) < 0.2] = 0
        ta, tx = torch.tensor(a, requires_grad=True), torch.tensor(x, requires_grad=True)
        ty = torch.nn.functional.prelu(tx, ta)
        dy = rng.normal(size=x.shape)
        ty.backward(torch.tensor(dy))
        y, cache = nn.prelu_forward(a, x)
        da, dx = nn.prelu_backward(dy, cache)
        equal(y, ty)
        equal(dx, tx.grad)
        np.testing.assert_allclose(da, ta.grad.numpy(), rtol=0, atol=64 * EPS * np.sum(np.abs(dy * x)))  # its terms may cancel


def test_flat_images_have_the_same_order():
    import torch

    x = np.random.default_rng(36).normal(size=(3, 2, 4, 5))
    equal(nn.flatten_forward(x)[0], torch.flatten(torch.tensor(x), 1))
    equal(nn.flatten_forward(x.transpose(0, 3, 1, 2))[0], torch.flatten(torch.tensor(x).permute(0, 3, 1, 2), 1))


def test_networks_of_images_agree():
    """Two convolutions, pooling of either kind, cross-entropy: value and the gradient in all parameters."""
    import torch

    smooth, rng = torch.nn.functional, np.random.default_rng(37)
    layers = (
        nn.Layer(nn.conv2d_forward, nn.conv2d_backward, nn.conv2d_params_backward),
        nn.Layer(nn.prelu_forward, nn.prelu_backward),
        nn.without_params(lambda x: nn.maxpool2d_forward(x, 2), nn.maxpool2d_backward),
        nn.Layer(lambda params, x: nn.conv2d_forward(params, x, padding=(1, 0)), nn.conv2d_backward),
        nn.without_params(lambda x: nn.avgpool2d_forward(x, (2, 3), stride=(1, 2)), nn.avgpool2d_backward),
        nn.without_params(nn.flatten_forward, nn.flatten_backward),
        nn.Layer(nn.dense_forward, nn.dense_backward, nn.dense_params_backward),
    )
    for _ in range(50):
        n, c, o, q = (int(v) for v in rng.integers(1, 5, size=4))
        first = nn.Conv2d(rng.normal(size=(o, c, 3, 2)), rng.normal(size=o))
        second = nn.Conv2d(rng.normal(size=(q, o, 3, 2)), rng.normal(size=q))
        x, y = rng.normal(size=(n, c, 9, 13)), rng.integers(0, 5, size=n)  # images (7, 12), (3, 6), (3, 5), (2, 2)
        dense = nn.Dense(rng.normal(size=(5, 4 * q)), rng.normal(size=5))
        theta, unravel = ravel((first, rng.normal(size=o), (), second, (), (), dense))
        theta = theta / 3  # so that no class is all but certain
        loss = (nn.cross_entropy_forward, nn.cross_entropy_backward)
        value, gradient = nn.batch_objective(layers, unravel, loss, x, y)(slice(None))(theta)
        p = [torch.tensor(a, requires_grad=True) for _, a in leaves(unravel(theta), "")]
        z = smooth.max_pool2d(smooth.prelu(smooth.conv2d(torch.tensor(x), p[0], p[1]), p[2]), 2)
        z = smooth.avg_pool2d(smooth.conv2d(z, p[3], p[4], padding=(1, 0)), (2, 3), (1, 2))
        expected = smooth.cross_entropy(smooth.linear(torch.flatten(z, 1), p[5], p[6]), torch.tensor(y))
        expected.backward()
        close(np.array(value), expected, 64)
        close(gradient, torch.cat([a.grad.ravel() for a in p]), 64)
