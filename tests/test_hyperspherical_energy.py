"""What no claim states about the energy: bad input, degenerate input, digits, conventions."""

import tracemalloc

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refimpl.claims.hyperspherical_energy import definition as paper
from refimpl.papers.hyperspherical_energy import (
    energy_and_gradient,
    energy_backward,
    energy_forward,
    energy_hessian_vector,
    power_mean_backward,
    power_mean_forward,
)

VARIANTS: list[dict] = [{}, {"half_space": True}, {"angular": True}, {"half_space": True, "angular": True}]
DOORS = [energy_forward, energy_and_gradient, power_mean_forward, lambda W, **o: energy_hessian_vector(W, W, **o)]


def gaussian(m, d, seed=0):
    return np.random.default_rng(seed).normal(size=(m, d))


def pair(W, *args, **options):
    E, cache = energy_forward(W, *args, **options)
    return E, energy_backward(1.0, cache)


# ---- bad input
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("W", "error", "match"),
    [
        (np.zeros((0, 3)), ValueError, r"W: expected at least . neuron.*\(0, 3\)"),
        (np.ones((3, 1)), ValueError, r"W: expected at least . neuron.*\(3, 1\)"),
        (np.ones(3), ValueError, r"W: expected shape \(m, d\), got \(3,\)"),
        (np.array([[1.0, 0], [0, 0], [0, 1]]), ValueError, "W: expected rows that are not zero.*got row 1"),
        (np.array([[1.0, np.nan], [0, 1]]), ValueError, r"W: expected finite numbers, got nan at index \(0, 1\)"),
        (np.array([[1.0, 0], [0, -np.inf]]), ValueError, r"W: expected finite numbers, got -inf at index \(1, 1\)"),
        ("text", TypeError, "W: expected float32, float64 or integers"),
    ],
)
def test_bad_neurons_are_named(door, W, error, match):
    with pytest.raises(error, match=match):
        door(W)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("s", "error"),
    [(-1, ValueError), (np.nan, ValueError), (np.inf, ValueError), ("1", TypeError), (True, TypeError), (1j, TypeError)],
)
def test_bad_exponents_are_named(door, s, error):
    with pytest.raises(error, match="s: expected a"):
        door(gaussian(3, 3), s=s)


@pytest.mark.parametrize("door", [energy_forward, energy_and_gradient, lambda W, **o: energy_hessian_vector(W, W, **o)])
def test_unknown_reductions_are_named(door):
    with pytest.raises(ValueError, match="reduction: expected one of sum_ordered, sum_unordered, mean, got 'sum'"):
        door(gaussian(3, 3), reduction="sum")


@pytest.mark.parametrize("block", [0, -1, 2.5, True, "8"])
def test_bad_blocks_are_named(block):
    with pytest.raises(ValueError, match="block: expected a whole number >= 1"):
        energy_and_gradient(gaussian(3, 3), block=block)


def test_a_mean_over_pairs_needs_a_pair():
    with pytest.raises(ValueError, match="W: expected at least 2 neurons"):
        power_mean_forward(gaussian(1, 3))


# ---- degenerate input
@pytest.mark.parametrize("options", VARIANTS)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_one_neuron_feels_nothing(options, dtype):
    W = gaussian(1, 3).astype(dtype)
    far = (np.pi if "angular" in options else 2.0) ** -3.0  # f_3 of the neuron and its antipode
    for E, dW in (pair(W, 3.0, reduction="mean", **options), energy_and_gradient(W, 3.0, reduction="mean", **options)):
        assert E == pytest.approx(far if "half_space" in options else 0.0, rel=1e-6 if dtype == "f4" else 1e-15)
        assert (dW == 0).all()
    assert pair(W, 3.0, reduction="mean", include_self_antipodes=False, half_space=True)[0] == 0


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("s", [0.0, 1.0, 2.5])
@pytest.mark.parametrize("factor", [1.0, 2.0, 0.1, 3.0])
def test_coincident_rows_have_infinite_energy_and_no_gradient(dtype, s, factor):
    W = gaussian(5, 4).astype(dtype)
    W[3] = W[1] * np.asarray(factor, dtype)  # rounded: parallel to within its own entries' rounding
    E, cache = energy_forward(W, s)
    assert E == np.inf
    assert power_mean_forward(W, s)[0] == np.inf
    for refuses in (
        lambda: energy_backward(1.0, cache),
        lambda: energy_and_gradient(W, s),
        lambda: energy_and_gradient(W, s, block=2),
        lambda: energy_hessian_vector(W, W, s),
        lambda: power_mean_backward(1.0, power_mean_forward(W, s)[1]),
    ):
        with pytest.raises(ValueError, match="rows 1 and 3 point the same way"):
            refuses()


@pytest.mark.parametrize("angular", [False, True])
def test_antipodal_rows_coincide_in_half_space_only(angular):
    W = gaussian(4, 3)
    W[2] = -4 * W[0]
    assert np.isfinite(energy_forward(W, angular=angular)[0])
    E, cache = energy_forward(W, angular=angular, half_space=True)
    assert E == np.inf
    with pytest.raises(ValueError, match="rows 0 and 2 point the same or the opposite way"):
        energy_backward(1.0, cache)
    with pytest.raises(ValueError, match="rows 0 and 2 point the same or the opposite way"):
        energy_and_gradient(W, angular=angular, half_space=True)


def floored_by_definition(W, s, half_space=False, angular=False, min_q=0.0):
    """The energy of the points one by one; every pair that is closer than the floor counts as at that distance."""
    points = np.concatenate([W, -W]) if half_space else W
    U, E = points / paper.lengths(points), 0.0
    for i, u in enumerate(U):
        for j, v in enumerate(U):
            q, q_plus = np.sum((u - v) ** 2), np.sum((u + v) ** 2)
            if i != j and q.real < min_q:
                q, q_plus = min_q, 4 - min_q
            if i != j:
                far = half_space and abs(i - j) == len(W)
                z = (np.pi if far else 2 * np.arctan(np.sqrt(q / q_plus))) if angular else np.sqrt(q)
                E = E - np.log(z) if s == 0 else E + z**-s
    return E


@pytest.mark.parametrize("options", VARIANTS)
@pytest.mark.parametrize("min_q", [1e-7, 1e-4, 0.5, 1.9])
@pytest.mark.parametrize("s", [0.0, 1.0, 2.5])
def test_below_the_floor_the_energy_is_constant_and_there_is_no_force(options, min_q, s):
    W = gaussian(6, 3)
    W[1] = W[0] + 1e-4 * W[2]  # closer than all floors but the first
    W[3] = -(W[2] + 1e-2 * W[4])
    E, dW = pair(W, s, **options, min_q=min_q)
    blocked = energy_and_gradient(W, s, **options, min_q=min_q, block=4)
    dense = np.zeros_like(W)
    for at in np.ndindex(*W.shape):
        Z = W.astype(complex)
        Z[at] += 1e-30j
        dense[at] = floored_by_definition(Z, s, **options, min_q=min_q).imag / 1e-30
    size = np.sum(np.abs(dense * paper.lengths(W)))
    for energy, gradient in ((E, dW), blocked):
        assert energy == pytest.approx(floored_by_definition(W, s, **options, min_q=min_q), rel=1e-10)
        np.testing.assert_allclose(gradient * paper.lengths(W), dense * paper.lengths(W), rtol=1e-8, atol=1e-10 * size)
    W[1] = W[0]
    E, dW = pair(W, s, **options, min_q=min_q)
    assert np.isfinite(E)
    assert np.isfinite(dW).all()


@pytest.mark.parametrize("door", [energy_forward, energy_and_gradient])
@pytest.mark.parametrize(
    ("min_q", "error"),
    [(-1.0, ValueError), (np.nan, ValueError), (2.0, ValueError), (np.inf, ValueError), (True, TypeError), ("a", TypeError)],
)
def test_a_floor_is_a_squared_distance_below_a_right_angles(door, min_q, error):
    with pytest.raises(error, match="min_q: expected"):
        door(gaussian(3, 3), min_q=min_q)


@pytest.mark.parametrize("options", VARIANTS)
def test_memory_of_many_close_neurons_does_not_grow_with_their_length(options):
    noise = np.random.default_rng(0).normal(size=(256, 128))
    W = np.eye(1, 128) + 2e-5 * noise
    energy_and_gradient(W[:8], **options)
    tracemalloc.start()
    energy_and_gradient(W, **options)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # W, its directions, forces: 0.25 MB each. A block: 0.5 MB; the parts of the near pairs and their indices some twenty such.
    # All pairs at once would take 65536·128 numbers, 67 MB, for each of eight intermediate results.
    assert peak < 20e6


@pytest.mark.parametrize("options", VARIANTS)
@pytest.mark.parametrize("s", [1e-4, 1e-8, 1e-12, 1e-16, 1e-300])
def test_power_mean_of_a_small_exponent_is_close_to_the_geometric(options, s):
    W = gaussian(6, 4)
    middle, cache = power_mean_forward(W, 0.0, **options)
    m, cache_s = power_mean_forward(W, s, **options)
    L = np.log(m) - np.log(middle)  # s/2 times the variance of log z, which is below 1 here
    assert -4e-16 <= L <= s / 2 + 4e-16
    np.testing.assert_allclose(power_mean_backward(1.0, cache_s), power_mean_backward(1.0, cache), rtol=0, atol=10 * s + 1e-14)


@pytest.mark.parametrize("scale", [1e-200, 1e200, 1e-300, 1e300])
@pytest.mark.parametrize("options", VARIANTS)
def test_lengths_of_any_size_are_as_good_as_one(scale, options):
    W = gaussian(5, 4)
    E, dW = pair(W, 2.0, **options)
    for E_scaled, dW_scaled in (pair(scale * W, 2.0, **options), energy_and_gradient(scale * W, 2.0, **options)):
        assert E_scaled == pytest.approx(E, rel=1e-13)  # scale·W is rounded
        np.testing.assert_allclose(dW_scaled * scale, dW, rtol=1e-12, atol=1e-13)
    H = energy_hessian_vector(W, W[::-1], 2.0, **options)
    np.testing.assert_allclose(energy_hessian_vector(scale * W, scale * W[::-1], 2.0, **options) * scale, H, rtol=1e-11, atol=1e-12)


def test_what_exceeds_the_floating_point_range_is_said():
    close = np.array([[1.0, 0], [1, 1e-8], [0, 1]])
    with pytest.raises(OverflowError, match="s: the energy exceeds the range of float64"):
        energy_forward(close, 80.0)
    with pytest.raises(OverflowError, match="s: the energy exceeds the range of float64"):
        energy_and_gradient(close, 80.0)
    with pytest.raises(OverflowError, match="W: the gradient for row 0 exceeds the range of float64"):
        energy_backward(1.0, energy_forward(np.array([[1e-310, 0], [1e-310, 1e-310]]), 2.0)[1])
    assert power_mean_forward(close, 80.0)[0] == pytest.approx(
        1e8 * (1 / 3) ** (1 / 80), rel=1e-12
    )  # the closest pair's share is 2/6


# ---- digits
def exact(W, s, half_space=False, angular=False):
    """The energy of exactly these rows, in 50 digits."""
    with mpmath.workdps(50):
        U = []
        for w in W.tolist():
            n = mpmath.sqrt(mpmath.fsum(mpmath.mpf(x) ** 2 for x in w))
            U.append([mpmath.mpf(x) / n for x in w])
        f = (lambda z: -mpmath.log(z)) if s == 0 else (lambda z: z ** -mpmath.mpf(s))

        def distance(u, v):
            minus, plus = (mpmath.sqrt(mpmath.fsum((a - k * b) ** 2 for a, b in zip(u, v, strict=True))) for k in (1, -1))
            return 2 * mpmath.atan2(minus, plus) if angular else minus

        X = U + [[-x for x in u] for u in U] if half_space else U
        return float(mpmath.fsum(f(distance(u, v)) for i, u in enumerate(X) for j, v in enumerate(X) if i != j))


def with_close_pair(angle, seed, antipodal, dtype=np.float64):
    rng = np.random.default_rng(seed)
    W = rng.normal(size=(5, 6)) * np.exp(rng.uniform(-5, 5, size=(5, 1)))
    u = W[0] / np.sqrt(W[0] @ W[0])
    v = rng.normal(size=6)
    v -= (v @ u) * u
    W[1] = (np.cos(angle) * u + np.sin(angle) * v / np.sqrt(v @ v)) * (-7.3 if antipodal else 7.3)
    return W.astype(dtype)


@pytest.mark.parametrize("options", VARIANTS)
@pytest.mark.parametrize("s", [0.0, 1.0, 2.0, 3.5])
@pytest.mark.parametrize("angle", [3e-2, 1e-3, 1e-6, 1e-10])
def test_energy_of_a_close_pair_keeps_its_digits(angle, s, options):
    for seed, antipodal in ((0, False), (1, True)):
        W = with_close_pair(angle, seed, antipodal)
        expected = exact(W, s, **options)
        assert energy_forward(W, s, **options)[0] == pytest.approx(
            expected, rel=2e-14
        )  # pairs near the threshold: 2e-16/1e-3 times s/2
        for block in (None, 2):
            assert energy_and_gradient(W, s, **options, block=block)[0] == pytest.approx(
                expected, rel=5e-13
            )  # 4e-13: blocked.ASIDE


@pytest.mark.parametrize("options", VARIANTS)
def test_energy_of_a_close_pair_in_float32(options):
    for seed in range(4):
        W = with_close_pair(1e-3, seed, seed % 2, np.float32)
        expected = exact(W.astype(float), 2.0, **options)
        for E in (energy_forward(W, 2.0, **options)[0], energy_and_gradient(W, 2.0, **options)[0]):
            assert E == pytest.approx(expected, rel=1e-4)  # 1.2e-7/1e-2 of q at the threshold, and room for a sum


@pytest.mark.parametrize("options", VARIANTS)
@pytest.mark.parametrize("angle", [1e-2, 1e-6])
def test_gradient_of_a_close_pair_keeps_its_digits(angle, options):
    W, h = with_close_pair(angle, 3, False), 1e-30
    V = np.zeros_like(W)
    V[0] = np.random.default_rng(0).normal(size=6) * np.sqrt(W[0] @ W[0])
    with mpmath.workdps(60):  # a derivative in 60 digits: no formula of ours in it
        step = mpmath.mpf(10) ** -25

        def at(k):
            rows = [
                [mpmath.mpf(x) + k * step * mpmath.mpf(v) for x, v in zip(w, r, strict=True)]
                for w, r in zip(W.tolist(), V.tolist(), strict=True)
            ]
            U = [[x / mpmath.sqrt(mpmath.fsum(y * y for y in w)) for x in w] for w in rows]
            X = U + [[-x for x in u] for u in U] if "half_space" in options else U
            total = mpmath.mpf(0)
            for i, u in enumerate(X):
                for j, v in enumerate(X):
                    if i < j and (i in (0, 5) or j in (0, 5)):
                        minus, plus = (
                            mpmath.sqrt(mpmath.fsum((a - k * b) ** 2 for a, b in zip(u, v, strict=True))) for k in (1, -1)
                        )
                        total += 2 / (2 * mpmath.atan2(minus, plus) if "angular" in options else minus)
            return total

        slope = float((at(1) - at(-1)) / (2 * step))
    for dW in (pair(W, **options)[1], energy_and_gradient(W, **options)[1]):
        assert np.sum(dW * V) == pytest.approx(slope, rel=1e-12)
    assert energy_forward(W + 1j * h * V, **options)[0].imag / h == pytest.approx(slope, rel=1e-12)


@pytest.mark.parametrize("options", VARIANTS)
def test_complex_step_through_our_own_code(options):
    W, V, h = gaussian(6, 4, 1), gaussian(6, 4, 2), 1e-30
    dW = pair(W, 1.5, **options)[1]
    assert energy_forward(W + 1j * h * V, 1.5, **options)[0].imag / h == pytest.approx(np.sum(dW * V), rel=1e-13)
    H = energy_hessian_vector(W, V, 1.5, **options)
    np.testing.assert_allclose(pair(W + 1j * h * V, 1.5, **options)[1].imag / h, H, rtol=0, atol=1e-13 * np.abs(H).max())
    m, cache = power_mean_forward(W, 8.0, **options)
    assert power_mean_forward(W + 1j * h * V, 8.0, **options)[0].imag / h == pytest.approx(
        np.sum(power_mean_backward(1.0, cache) * V), rel=1e-13
    )
    m0, cache = power_mean_forward(W, 0.0, **options)
    assert power_mean_forward(W + 1j * h * V, 0.0, **options)[0].imag / h == pytest.approx(
        np.sum(power_mean_backward(1.0, cache) * V), rel=1e-13
    )
    assert m0 < m


@settings(max_examples=30, deadline=None, derandomize=True, database=None)
@given(st.integers(2, 8), st.integers(2, 5), st.integers(0, 10**6), st.sampled_from([0, 1, 2, 3]))
def test_the_definitions_two_gradients_agree(m, d, seed, variant):
    W = gaussian(m, d, seed)
    if paper.separation(W) > 1e-3:
        a, b = paper.analytic_gradient(W, 1.5, **VARIANTS[variant]), paper.gradient(W, 1.5, **VARIANTS[variant])
        assert np.max(np.abs(a - b)) <= 1e-11 * np.max(np.abs(b))  # the closest pair costs 1e-16/0.04² twice


# ---- conventions
@pytest.mark.parametrize("options", VARIANTS[1::2])
def test_half_space_keeps_every_bit_when_neurons_turn_around(options):
    for seed in range(20):
        W, signs = gaussian(7, 3, seed), np.random.default_rng(seed).choice([-1.0, 1.0], size=(7, 1))
        (E, dW), (E_turned, dW_turned) = pair(W, 1.0, **options), pair(signs * W, 1.0, **options)
        assert E == E_turned
        assert (dW_turned == signs * dW).all()


@pytest.mark.parametrize("options", VARIANTS)
def test_backward_is_linear_in_its_argument(options):
    _, cache = energy_forward(gaussian(5, 3), 2.0, **options)
    np.testing.assert_allclose(energy_backward(-2.5, cache), -2.5 * energy_backward(1.0, cache), rtol=1e-15)


@pytest.mark.parametrize("half_space", [False, True])
@pytest.mark.parametrize("s", [0.0, 1.0, 2.0, 0.7])
def test_reductions_are_multiples_of_each_other(half_space, s):
    W = gaussian(6, 4)
    E, dW = pair(W, s, half_space=half_space)
    points = 12 if half_space else 6
    for reduction, factor in (("sum_unordered", 0.5), ("mean", 1 / (points * (points - 1)))):
        for E_r, dW_r in (pair(W, s, half_space, reduction=reduction), energy_and_gradient(W, s, half_space, reduction=reduction)):
            assert E_r == pytest.approx(factor * E, rel=1e-14)
            np.testing.assert_allclose(dW_r, factor * dW, rtol=1e-10, atol=1e-15)
        H = energy_hessian_vector(W, dW, s, half_space, reduction=reduction)
        np.testing.assert_allclose(H, factor * energy_hessian_vector(W, dW, s, half_space), rtol=1e-14)


def test_without_self_antipodes_the_constant_pairs_are_gone():
    W = gaussian(6, 4)
    E, E_without = (energy_forward(W, 1.0, half_space=True, include_self_antipodes=k)[0] for k in (True, False))
    assert E - E_without == pytest.approx(2 * 6 / 2, rel=1e-13)
    mean = energy_forward(W, 1.0, half_space=True, reduction="mean", include_self_antipodes=False)[0]
    assert mean == pytest.approx(E_without / (12 * 10), rel=1e-14)
    assert energy_and_gradient(W, 1.0, True, reduction="mean", include_self_antipodes=False)[0] == pytest.approx(mean, rel=1e-13)
    assert power_mean_forward(W, 1.0, half_space=True)[0] == pytest.approx(mean, rel=1e-13)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_many_neurons_in_blocks_agree_with_one_block(dtype):
    W = gaussian(700, 3, 4).astype(dtype)  # close pairs within and across blocks, in both paths of the repair
    for options in VARIANTS:
        for s in (0.0, 1.0, 2.0, 0.5):
            E, dW = energy_and_gradient(W, s, **options)
            E_dense, dW_dense = pair(W, s, **options)
            assert E == pytest.approx(E_dense, rel=1e-12 if dtype == "f8" else 1e-4)
            size = np.max(np.abs(dW_dense * paper.lengths(W)))
            # float32: pairs just above the threshold are wrong by 4e-5, their slopes by (s+2)/2 times that
            assert np.max(np.abs(dW - dW_dense) * paper.lengths(W)) <= (1e-11 if dtype == "f8" else 1e-3) * size


def test_many_close_pairs_do_not_pile_up():
    rng = np.random.default_rng(0)
    W = np.array([1.0, 0, 0]) + 1e-4 * rng.normal(size=(60, 3))  # every pair is set aside
    E, dW = energy_and_gradient(W, 2.0, block=8)
    E_dense, dW_dense = pair(W, 2.0)
    assert E == pytest.approx(E_dense, rel=1e-12)
    np.testing.assert_allclose(dW, dW_dense, rtol=0, atol=1e-12 * np.abs(dW_dense).max())


# ---- far from where one usually is
@pytest.mark.parametrize("options", VARIANTS)
@pytest.mark.parametrize("s", [20.0, 40.0, 100.0])
@pytest.mark.parametrize("block", [None, 1, 3])
def test_the_energy_of_neurons_far_apart_keeps_its_digits_however_small_it_is(options, s, block):
    """Orthonormal rows have z = √2 or π/2 throughout, in half space 2 or π as well; blocks that count themselves leave rounding."""
    m, right, straight = 5, *((np.pi / 2, np.pi) if "angular" in options else (2**0.5, 2.0))
    half = "half_space" in options
    expected = (4 if half else 1) * m * (m - 1) * right**-s + (2 * m * straight**-s if half else 0)
    E, dW = energy_and_gradient(np.eye(m), s, **options, block=block)
    assert E == pytest.approx(expected, rel=1e-13 * s)
    np.testing.assert_allclose(dW, pair(np.eye(m), s, **options)[1], rtol=1e-12, atol=1e-14 * expected * s)


def test_very_short_rows_have_a_gradient_if_it_is_a_number():
    W = np.array([[1, 0], [-1, 0.1]], np.float32) * np.float32(2e-37)
    np.testing.assert_allclose(energy_and_gradient(W, 100)[1], pair(W, 100)[1], atol=1e-5 * 2.2e7)  # 64 rounding units


@pytest.mark.parametrize("options", VARIANTS)
def test_complex_weights_far_from_real_ones(options):
    W = gaussian(4, 3) + 1j * gaussian(4, 3, 1)
    U = W / np.sqrt(np.sum(W * W, axis=1, keepdims=True))
    t = (U @ U.T)[np.triu_indices(4, 1)]

    def f(t):
        r, r_plus = np.sqrt(2 - 2 * t), np.sqrt(2 + 2 * t)
        return 1 / (2 * np.arctan(r / r_plus)) if "angular" in options else 1 / r

    half = "half_space" in options
    constant = 2 * 4 / (np.pi if "angular" in options else 2) if half else 0
    expected = 2 * np.sum(2 * (f(t) + f(-t)) if half else f(t)) + constant
    assert energy_forward(W, **options)[0] == pytest.approx(expected, rel=1e-12)
