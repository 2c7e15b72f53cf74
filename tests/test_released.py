"""The emulation of the published code: what it computes where it differs from the paper, and where it fails."""

import warnings
from typing import Any, NamedTuple

import numpy as np
import pytest

from refimpl.papers.hyperspherical_energy import related, released
from refimpl.papers.hyperspherical_energy.blocked import energy_and_gradient
from refimpl.papers.hyperspherical_energy.energy import energy_forward

STEP = 1e-30
VARIANTS = [(s, half, angular) for s in (0, 1, 2) for half in (False, True) for angular in (False, True)]


class Layer(NamedTuple):
    W: Any
    b: Any


def rows(m=5, d=4, seed=0, scale=1.0):
    W = scale * np.random.default_rng(seed).normal(size=(m, d))
    W.flags.writeable = False
    return W


def slope(f, x):
    """Gradient by the complex step, one entry at a time."""
    dx = np.zeros(x.shape)
    for at in np.ndindex(*x.shape):
        z = x.astype(complex)
        z[at] += 1j * STEP
        dx[at] = f(z).imag / STEP
    return dx


# ---- energies
@pytest.mark.parametrize("s", [0, 1, 2])
def test_orthogonal_neurons_have_the_same_energy_at_any_length(s):
    W = np.diag([1e-3, 1.0, 5.0, 100.0])  # cosines are 0 whatever the ε in the norm, so ρ² = 2 and a = 1/2 + ε
    chord, angle = {0: (-np.log(2), -np.log(0.5001)), 1: (2**-0.5, 1 / 0.5001), 2: (0.5, 0.5001**-2)}[s]
    assert abs(released.released_energy_forward(W, s)[0] - chord) < 4e-15
    assert abs(released.released_energy_forward(W, s, angular=True)[0] - angle) < 4e-15


def test_short_neurons_lose_half_of_their_cosines():
    # Isotropic directions, ‖w‖ = 0.01, 27 coordinates. Then ‖w‖² = ε, and 1/(2 − 2t) becomes 1/(2 − t): 0.50475 is
    # expected in place of 25/48. The expectation is an integral over the density of a cosine, (1 − t²)^12: Gauss quadrature
    t, weight = np.polynomial.legendre.leggauss(200)
    weight = weight * (1 - t * t) ** 12
    expected, paper = (np.sum(weight / (2 - c * t)) / np.sum(weight) for c in (1, 2))
    assert abs(paper - 25 / 48) < 1e-12
    assert 0.5047 < expected < 0.5048
    rng, E = np.random.default_rng(0), []
    for _ in range(400):
        W = rng.normal(size=(20, 27))
        E.append(released.released_energy_forward(0.01 * W / np.sqrt(np.sum(W * W, axis=1, keepdims=True)), 2)[0])
    error = np.std(E) / np.sqrt(len(E))
    assert abs(np.mean(E) - expected) < 4 * error  # false alarm 6e-5, and the seed is fixed
    assert abs(np.mean(E) - paper) > 50 * error


def test_a_small_radial_gradient_appears():
    W = rows(scale=0.01)
    dW = released.released_energy_backward(1.0, released.released_energy_forward(W, 2)[1])
    radial = np.abs(np.sum(W * dW, axis=1)) / np.sqrt(np.sum(W * W, axis=1) * np.sum(dW * dW, axis=1))
    assert radial.max() > 0.1
    exact = released.released_energy_backward(1.0, released.released_energy_forward(W, 2, eps=0)[1])
    assert np.max(np.abs(np.sum(W * exact, axis=1))) < 1e-13


@pytest.mark.parametrize(("s", "half", "angular"), VARIANTS)
def test_gradient_of_short_neurons(s, half, angular):
    # 1e-10: a short neuron and its antipode have a cosine near −1/2 here, no digits are lost but those of near pairs
    W = rows(scale=0.01, seed=2)

    def definition(Z):
        F = np.concatenate([Z, -Z]) if half else Z
        U = F / np.sqrt(np.sum(F * F, axis=1, keepdims=True) + 1e-4)
        i, j = np.triu_indices(len(F), 1)
        t = np.sum(U[i] * U[j], axis=1)
        z = (np.pi / 2 - np.arcsin(t)) / np.pi + 1e-4 if angular else 2 - 2 * t
        return np.mean(-np.log(z) if s == 0 else z ** (-s if angular else -s / 2))

    E, cache = released.released_energy_forward(W, s, half, angular)
    assert abs(E - definition(W)) < 1e-13
    np.testing.assert_allclose(released.released_energy_backward(2.0, cache), 2 * slope(definition, W), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("s", "half", "angular"), VARIANTS)
def test_it_is_what_as_released_selects(s, half, angular):
    W = rows()
    E, dW = energy_and_gradient(W, s, half, angular, as_released=True)
    expected, cache = released.released_energy_forward(W, s, half, angular)
    assert E == expected
    assert np.array_equal(dW, released.released_energy_backward(1.0, cache))


def test_long_neurons_in_float32_make_nan_of_angles():
    # the ε is lost beside ‖w‖² = 1e8, a third or so of the 64 cosines of a neuron with itself round to more than 1, and the NaN of
    # their arccos survives the subtraction of the diagonal; without a warning, as in the original
    W = rows(64, 27, scale=2e3)
    for s in (0, 1, 2):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            E, cache = released.released_energy_forward(W.astype(np.float32), s, angular=True)
            dW = released.released_energy_backward(1.0, cache)
        assert np.isnan(E)
        assert np.isnan(dW).any()
        assert np.isfinite(released.released_energy_forward(W.astype(np.float32), s)[0])  # the chord has 1 added there
        assert np.isfinite(released.released_energy_forward(rows(64, 27).astype(np.float32), s, angular=True)[0])
        assert np.isfinite(energy_forward(W.astype(np.float32), s, angular=True)[0])  # ours has no such trouble


def test_without_epsilon_exact_antipodes_and_duplicates_are_limits():
    antipodes = np.array([[1.0, 2.0], [-2.0, -4.0], [1.0, 0.0]])
    for s in (0, 1, 2):
        E, cache = released.released_energy_forward(antipodes, s, angular=True, eps=0)
        expected, _ = energy_forward(antipodes, s, angular=True, reduction="mean")
        assert abs(E - (expected * np.pi**s if s else expected + np.log(np.pi))) < 1e-7  # arccos(−1 + 1e-16) is π − 1.5e-8
        assert np.isfinite(released.released_energy_backward(1.0, cache)).all()
    duplicates = np.array([[2.0, 0.0], [4.0, 0.0], [1.0, 1.0]])
    assert not np.isfinite(released.released_energy_forward(duplicates, 2, angular=True, eps=0)[0])
    assert np.isfinite(released.released_energy_forward(duplicates, 2)[0])  # ε keeps short duplicates apart
    assert np.isfinite(released.released_energy_forward(np.zeros((3, 2)), 2)[0])  # and zero rows are nothing special


def test_bad_input_of_the_released_energy():
    W = rows()
    with pytest.raises(ValueError, match=r"^s: expected 0, 1 or 2, which is what the released code has, got 0.5"):
        released.released_energy_forward(W, 0.5)
    with pytest.raises(ValueError, match=r"^eps: expected a finite number >= 0, got -1"):
        released.released_energy_forward(W, eps=-1)
    with pytest.raises(ValueError, match=r"^W: expected at least 2 neurons.* got shape \(1, 4\)"):
        released.released_energy_forward(W[:1])
    zero = W.copy()
    zero[1] = 0
    with pytest.raises(ValueError, match=r"^W: expected rows that are not zero where eps is 0, got row 1"):
        released.released_energy_forward(zero, eps=0)
    E, cache = released.released_energy_forward(W[:1], 2, half_space=True)
    square = np.sum(W[0] ** 2)
    assert abs(E - 1 / (2 + 2 * square / (square + 1e-4))) < 1e-15  # the one pair (w, −w)
    assert released.released_energy_backward(1.0, cache).shape == (1, 4)


def test_weights_written_into_the_code():
    assert [released.released_weights(s) for s in (0, 1, 2)] == [(1, 10), (1, 10), (1, 10)]
    assert [released.released_weights(s, angular=True) for s in (0, 1, 2)] == [(1, 10), (0.1, 1), (0.1, 1)]
    assert released.released_weights(2, logged=True) == (0.1, 1)
    assert released.released_weights(2, angular=True, logged=True) == (0.01, 0.1)
    with pytest.raises(ValueError, match=r"^s: expected 0, 1 or 2"):
        released.released_weights(3)


# ---- data loss and weight decay
def test_released_loss():
    f, labels = np.random.default_rng(0).normal(size=(6, 3)), np.array([0, 2, 1, 1, 0, 2])

    def definition(z):
        total = 0.0
        for i, y in enumerate(labels):
            p = np.exp(z[i]) / np.sum(np.exp(z[i]))
            target = [0.99 * (k == y) + 0.01 / 3 for k in range(3)]
            total = total - sum(target[k] * np.log(p[k] + 1e-4) for k in range(3))
        return total / len(labels)

    loss, cache = released.released_loss_forward(f, labels)
    assert abs(loss - definition(f)) < 1e-14
    np.testing.assert_allclose(released.released_loss_backward(3.0, cache), 3 * slope(definition, f), rtol=1e-12, atol=1e-15)
    assert {a.dtype for a in (loss, released.released_loss_backward(1.0, cache))} == {np.dtype(np.float64)}
    loss, cache = released.released_loss_forward(f.astype(np.float32), labels)
    assert {a.dtype for a in (loss, released.released_loss_backward(1.0, cache))} == {np.dtype(np.float32)}


def test_released_loss_is_bounded_where_cross_entropy_is_not():
    f = np.array([[0.0, 1e4]])
    worst = -(0.99 + 0.005) * np.log(1e-4) - 0.005 * np.log(1.0001)
    loss, cache = released.released_loss_forward(f, [0])
    assert abs(loss - worst) < 1e-13
    assert np.all(released.released_loss_backward(1.0, cache) == 0)  # and so it has no gradient there


def test_bad_input_of_the_released_loss():
    f = np.zeros((2, 3))
    with pytest.raises(ValueError, match=r"^labels: expected whole numbers from 0 to 2, got 3 at index 1"):
        released.released_loss_forward(f, [0, 3])
    with pytest.raises(ValueError, match=r"^labels: expected shape \(2,\), as many as rows of f, got \(3,\)"):
        released.released_loss_forward(f, [0, 1, 2])
    with pytest.raises(ValueError, match=r"^smoothing: expected a number from 0 to 1, got 1.5"):
        released.released_loss_forward(f, [0, 1], smoothing=1.5)
    with pytest.raises(ValueError, match=r"^f: expected finite"):
        released.released_loss_forward([[0.0, np.nan]], [0])


def test_weight_decay_spares_biases():
    params: Any = (Layer(rows(3, 2), np.ones(3)), (), Layer(rows(2, 3, 1), np.ones(2)))
    value, cache = released.released_decay_forward(params)
    assert abs(value - 2.5e-4 * sum(w * w for k in (0, 2) for w in params[k].W.ravel())) < 1e-18
    dparams = released.released_decay_backward(2.0, cache)
    assert isinstance(dparams[0], Layer)
    assert dparams[1] == ()
    for k in (0, 2):
        np.testing.assert_allclose(dparams[k].W, 1e-3 * params[k].W, rtol=1e-15)
        assert np.all(dparams[k].b == 0)


# ---- image generation
def test_gan_energy_is_not_sign_invariant():
    W = rows()
    turned = W * np.array([[1], [-1], [1], [1], [-1]])
    assert abs(released.gan_energy_forward(turned)[0] - released.gan_energy_forward(W)[0]) > 0.05
    half, expected = energy_forward(turned, 0, half_space=True)[0], energy_forward(W, 0, half_space=True)[0]
    assert abs(half - expected) < 1e-12 * abs(expected)


def test_gan_energy_of_one_pair():
    # orthogonal neurons: ρ² = 2; one entry of four is log(2 + ε), three are log ε
    expected = -(np.log(2.0001) + 3 * np.log(1e-4)) / 4
    assert abs(released.gan_energy_forward(np.diag([0.1, 3.0]))[0] - expected) < 1e-14
    assert abs(released.gan_energy_forward([[1.0, 2.0]])[0] + np.log(1e-4)) < 1e-14
    assert released.GAN_WEIGHTS == {"spectral normalisation": 1e-7, "none": 1e-6}


def test_transposed_kernels_are_grouped_by_input_channel():
    W = np.random.default_rng(0).normal(size=(3, 4, 2, 2))
    by_hand = np.stack([W[:, c].ravel() for c in range(4)])  # (4, 12)
    E, cache = released.gan_energy_forward(W, transposed=True)
    expected, expected_cache = released.gan_energy_forward(by_hand)
    assert abs(E - expected) < 1e-14
    dW, dby_hand = released.gan_energy_backward(1.0, cache), released.gan_energy_backward(1.0, expected_cache)
    for c in range(4):
        np.testing.assert_allclose(dW[:, c].ravel(), dby_hand[c], rtol=1e-12, atol=1e-16)
    plain = released.gan_energy_forward(W)
    assert abs(plain[0] - released.gan_energy_forward(W.reshape(3, 16))[0]) < 1e-14
    assert released.gan_energy_backward(1.0, plain[1]).shape == W.shape
    assert abs(plain[0] - E) > 0.1


def test_bad_input_of_the_gan_energy():
    with pytest.raises(ValueError, match=r"^eps: expected a number > 0"):
        released.gan_energy_forward(rows(), eps=0)
    with pytest.raises(ValueError, match=r"^W: expected shape \(o, c, kh, kw\) of a transposed convolution, got \(5, 4\)"):
        released.gan_energy_forward(rows(), transposed=True)
    with pytest.raises(ValueError, match=r"^W: expected at least one neuron and one coordinate, got shape \(0, 4\)"):
        released.gan_energy_forward(np.zeros((0, 4)))
    with pytest.raises(ValueError, match=r"^W: expected shape \(m, d\) of a dense layer or .* of a convolution, got \(4,\)"):
        released.gan_energy_forward(np.zeros(4))


# ---- SphereFace+
def test_sphereface_plus_reports_a_distance_and_descends_something_else():
    W, labels, alpha = rows(6, 3), np.array([2, 0, 2, 5]), 0.7

    def reported(Z):
        return sum(np.sum((Z[i] - Z[y]) ** 2) for i in range(6) for y in labels) / 6

    distance, cache = released.sphereface_plus_forward(W, labels, alpha)
    assert abs(distance - reported(W)) < 1e-13 * distance
    dW = released.sphereface_plus_backward(1.0, cache)
    expected = np.zeros((6, 3))
    for y in labels:
        expected[y] += -4 * alpha / (4 * distance**2 + 1e-5) * (W[y] - np.mean(W, axis=0))
    np.testing.assert_allclose(dW, expected, rtol=1e-12)
    true = slope(reported, W)
    assert np.sum(dW * true) < 0  # a step against dW lengthens the distance
    cosine = np.sum(dW * true) / np.sqrt(np.sum(dW**2) * np.sum(true**2))
    assert cosine > -0.99  # and is no gradient of it, nor of its reciprocal
    assert np.array_equal(released.sphereface_plus_backward(100.0, cache), dW)  # the weight of the loss is not used
    centre = np.mean(W, axis=0)
    normalised = released.sphereface_plus_backward(1.0, released.sphereface_plus_forward(W, labels, alpha, normalise=True)[1])
    unit = centre / np.sqrt(centre @ centre + 1e-5)
    np.testing.assert_allclose(normalised[0], -4 * alpha / (4 * distance**2 + 1e-5) * (W[0] - unit), rtol=1e-12)


def test_sphereface_plus_sees_the_centroid_only():
    U = rows(6, 3) / np.sqrt(np.sum(rows(6, 3) ** 2, axis=1, keepdims=True))
    distance, _ = released.sphereface_plus_forward(U, np.arange(6))
    assert abs(distance - related.squared_distances_forward(U)[0] / 6) < 1e-13
    assert abs(distance - (12 - 2 * np.sum(np.sum(U, axis=0) ** 2) / 6)) < 1e-13


def test_bad_input_of_sphereface_plus():
    with pytest.raises(ValueError, match=r"^labels: expected whole numbers from 0 to 4, got -1 at index 0"):
        released.sphereface_plus_forward(rows(), [-1])
    with pytest.raises(TypeError, match=r"^labels: expected whole numbers"):
        released.sphereface_plus_forward(rows(), [0.0])
    with pytest.raises(ValueError, match=r"^alpha: expected a finite number"):
        released.sphereface_plus_forward(rows(), [0], alpha=np.inf)


@pytest.mark.parametrize("options", [{"min_q": 0.1}, {"include_self_antipodes": False}, {"block": 4}])
def test_options_that_the_released_code_has_not_are_refused(options):
    with pytest.raises(ValueError, match="as_released: expected no other option"):
        energy_and_gradient(np.eye(3), as_released=True, **options)
