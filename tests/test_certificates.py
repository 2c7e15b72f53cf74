"""Weight decay: gradient, the sweep over all directions, the certificate and its numbers, bad input."""

import numpy as np
import pytest

from refimpl.gradcheck import check_gradient
from refimpl.papers.relu_existence import best_weight_decay, certificate, dual_maximum, weight_decay_objective
from refimpl.params import ravel

X = -1 + 2 * np.arange(10) / 9
Y = np.sin(3 * X)
# (β, width): the least objective and M(ν)/β, from other searches: of one and of two neurons over angles, outgoing weights in closed
# form; of three and four by descent. Of one neuron, and of two at β = 0.05, breaks lie on samples (−1/3, ±1/3).
LEAST = {
    (0.3, 1): (1.8132207140, 9.50),
    (0.3, 2): (1.2243187472, 1.0),
    (0.3, 3): (1.2243187472, 1.0),
    (0.05, 1): (1.6768436971, 59.6),
    (0.05, 2): (0.9431694614, 5.07),
    (0.05, 3): (0.5439349070, 1.863),
    (0.05, 4): (0.4587371762, 1.0),
}


def trained(width, beta):
    return best_weight_decay(X, Y, width, beta, np.random.default_rng(0), 15 * width)


@pytest.fixture(scope="module")
def best():
    """(β, width) -> parameters, value."""
    return {(beta, width): trained(width, beta) for beta, width in LEAST}


# ---- the objective
@pytest.mark.parametrize("m", [1, 3])
def test_gradient(m):
    rng = np.random.default_rng(m)
    data, y = rng.normal(size=(8, m)), rng.normal(size=8)
    W, b, v = rng.normal(size=(4, m)), rng.normal(size=4), rng.normal(size=4)
    objective, theta = weight_decay_objective(data, y, 0.3), ravel((W, b, v))[0]
    lifts = [np.append(w, t) for w, t in zip(W, b, strict=True)]
    fit = sum((sum(v[j] * max(0, lifts[j] @ np.append(x, 1)) for j in range(4)) - t) ** 2 for x, t in zip(data, y, strict=True))
    penalty = sum(lift @ lift + s * s for lift, s in zip(lifts, v, strict=True))
    assert objective(theta)[0] == pytest.approx(fit / 2 + 0.15 * penalty, rel=1e-14)
    assert check_gradient(objective, theta).ok


# ---- the sweep
def directions(n):
    p = 2 * np.pi * np.arange(n) / n
    return np.stack([np.cos(p), np.sin(p)], axis=1)


@pytest.mark.parametrize("seed", range(12))
def test_the_sweep_is_a_maximum(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 15))
    x, nu = rng.normal(size=n), rng.normal(size=n)
    if seed % 3 == 0:
        x = np.round(x)  # repeated samples
    lifts = np.column_stack([x, np.ones(n)])
    M, u = dual_maximum(nu, x)
    dense = np.max(np.abs(np.maximum(directions(20000) @ lifts.T, 0) @ nu))
    lipschitz = np.sum(np.abs(nu) * np.sqrt(np.sum(lifts**2, axis=1)))
    assert dense - 1e-13 * lipschitz <= M <= dense + np.pi / 20000 * lipschitz  # half a step from the nearest direction
    assert u @ u == pytest.approx(1, rel=1e-15)
    assert abs(np.maximum(lifts @ u, 0) @ nu) == pytest.approx(M, rel=1e-14)


def test_the_sweep_by_hand():
    assert dual_maximum([2.0], [0.75])[0] == pytest.approx(2.5)  # 2 |(0.75, 1)|
    assert dual_maximum([-2.0], [[0.75]])[0] == pytest.approx(2.5)  # the sum is negative: −s
    assert dual_maximum([0.0, 0.0], [1.0, 2.0])[0] == 0
    assert dual_maximum([1.0, 1.0], [1.0, -1.0])[0] == pytest.approx(2)  # s = (0, 2): the bias


# ---- the certificate
def soft(angles, r, beta):
    """min_v of one neuron in each direction (k,), in closed form: the fit by soft thresholding."""
    H = np.maximum(np.stack([np.cos(angles), np.sin(angles)], axis=1) @ np.stack([X, np.ones(10)]), 0)
    excess = np.maximum(np.abs(H @ r) - beta, 0)
    return r @ r / 2 - excess**2 / 2 / np.maximum(np.sum(H * H, axis=1), 1e-300)


@pytest.mark.parametrize("beta", [0.3, 0.05])
def test_one_neuron_against_a_search_over_angles(beta, best):
    middle, half = np.pi, np.pi
    for _ in range(6):
        angles = np.linspace(middle - half, middle + half, 4001)
        values = soft(angles, Y, beta)
        middle, half = angles[np.argmin(values)], half / 100
    params, value = best[beta, 1]
    assert value == pytest.approx(values.min(), abs=1e-10)
    assert abs(params.b[0] / params.W[0, 0]) == pytest.approx(abs(np.tan(middle)), abs=1e-6)
    assert abs(np.tan(middle)) == pytest.approx(1 / 3, abs=1e-6)  # a sample; the data are symmetric


@pytest.mark.parametrize(("beta", "width"), LEAST)
def test_least_objectives_and_certificates(beta, width, best):
    params, value = best[beta, width]
    least, ratio = LEAST[beta, width]
    found = certificate(params.W, params.b, params.v, X, Y, beta)
    assert value == pytest.approx(least, abs=1e-10)  # ten digits printed
    assert found.objective == pytest.approx(value, rel=1e-14)
    assert found.ratio == pytest.approx(ratio, rel=2e-3 if ratio > 1 else 1e-6)  # printed with three digits
    assert found.certified == (ratio == 1.0)
    # no network found has less than the bound of any other
    assert found.lower_bound <= min(v for (b, _), (_, v) in best.items() if b == beta) + 1e-12
    assert not found.certified or found.lower_bound >= value * (1 - 1e-6)


def test_the_gap_is_what_the_conditions_lack():
    rng = np.random.default_rng(1)
    for _ in range(20):
        W, b, v = 0.3 * rng.normal(size=(3, 1)), 0.3 * rng.normal(size=3), 0.3 * rng.normal(size=3)
        beta = 20.0  # so large that (i) holds: the bound is D(tν) with t <= 1/ratio, and at least D(ν)
        lifts = np.column_stack([W, b])
        nu = Y - np.maximum(np.column_stack([X, np.ones(10)]) @ lifts.T, 0) @ v
        found = certificate(W, b, v, X, Y, beta)
        assert found.ratio < 1
        dual = Y @ nu - nu @ nu / 2
        assert found.lower_bound >= dual - 1e-12
        assert found.objective - dual == pytest.approx((found.equality + found.balance) * found.objective, rel=1e-12)
        assert not found.certified


def test_each_condition_is_needed(best):
    W, b, v, *_ = best[0.3, 2][0]
    assert certificate(W, b, v, X, Y, 0.3).certified
    scaled = certificate(1.1 * W, 1.1 * b, v / 1.1, X, Y, 0.3)  # (iii)
    assert scaled.ratio == pytest.approx(1, abs=1e-6)
    assert scaled.equality < 1e-6 < scaled.balance
    assert not scaled.certified
    W, b, v = interpolating()
    over = certificate(W, b, v, X, Y, 0.3)  # ν = 0: (i) holds, (ii) does not
    assert over.ratio < 1e-6
    assert over.equality > 0.1
    assert not over.certified


def interpolating():
    """Ten neurons that fit the samples exactly, balanced."""
    W, b = np.ones((10, 1)), -np.append(X[0] - 1, X[:-1])
    v = np.linalg.solve(np.maximum(X[:, None] + b, 0), Y)
    s = np.sqrt(np.abs(v)) / np.hypot(1, b) ** 0.5
    return W * s[:, None], b * s, v / s


def test_zero_is_optimal_for_a_large_penalty_only():
    none = np.zeros((0, 1)), np.zeros(0), np.zeros(0)
    limit = dual_maximum(Y, X)[0]
    assert certificate(*none, X, Y, 1.001 * limit).certified
    assert not certificate(*none, X, Y, 0.999 * limit).certified
    assert best_weight_decay(X, Y, 2, 1.001 * limit, np.random.default_rng(0), 5)[1] == pytest.approx(Y @ Y / 2, rel=1e-9)


# ---- unusual data
def test_one_sample_by_hand():
    params, value = best_weight_decay([2.0], [3.0], 1, 0.3, np.random.default_rng(0), 5)
    assert value == pytest.approx(0.3 * 3 / 5**0.5 - 0.3**2 / 10, rel=1e-9)  # min_k (k√5 − 3)²/2 + βk, k = |v| |w̃|
    assert certificate(params.W, params.b, params.v, [2.0], [3.0], 0.3).certified


def test_repeated_samples_weigh_more():
    rng = np.random.default_rng(0)
    params, value = best_weight_decay([2.0, 2.0, 1.0], [3.0, 3.0, 3.0], 2, 0.3, rng, 10)
    assert certificate(params.W, params.b, params.v, [2.0, 2.0, 1.0], [3.0, 3.0, 3.0], 0.3).certified
    assert value > best_weight_decay([2.0, 1.0], [3.0, 3.0], 2, 0.3, rng, 10)[1]


def test_targets_that_are_all_zero_need_no_neuron():
    params, value = best_weight_decay(X, 0 * X, 2, 0.3, np.random.default_rng(0), 3)
    assert value == 0
    assert not np.any(params.W)
    assert not np.any(params.v)
    assert certificate(params.W, params.b, params.v, X, 0 * X, 0.3) == (0, 0, True, 0, 0, 0)


def test_the_same_numbers_again():
    one, other = (best_weight_decay(X, Y, 2, 0.3, np.random.default_rng(5), 3) for _ in range(2))
    assert one[1] == other[1]
    np.testing.assert_array_equal(one[0].W, other[0].W)


# ---- bad input
def test_bad_input():
    rng = np.random.default_rng(0)
    plane = np.zeros((10, 2))
    with pytest.raises(ValueError, match=r"x: expected shape \(n,\) or \(n, 1\), got \(10, 2\): the exact sweep"):
        dual_maximum(Y, plane)
    with pytest.raises(ValueError, match=r"x: expected shape \(n,\) or \(n, 1\), got \(10, 2\)"):
        best_weight_decay(plane, Y, 1, 0.3, rng)
    with pytest.raises(ValueError, match=r"W: expected shape \(N, 1\), got \(3, 2\)"):
        certificate(np.ones((3, 2)), np.ones(3), np.ones(3), X, Y, 0.3)
    with pytest.raises(ValueError, match="x: expected at least one sample"):
        dual_maximum([], [])
    with pytest.raises(ValueError, match=r"nu: expected shape \(10,\), got \(9,\)"):
        dual_maximum(Y[:9], X)
    with pytest.raises(ValueError, match="y: expected finite numbers, got nan"):
        weight_decay_objective(X, np.where(X > 0, np.nan, 1.0), 0.3)
    with pytest.raises(ValueError, match=r"beta: expected a number in \(0, inf\), got 0"):
        certificate(np.ones((1, 1)), np.ones(1), np.ones(1), X, Y, 0)
    with pytest.raises(ValueError, match=r"theta: expected \(N,\) with 3 entries for each neuron, got shape \(7,\)"):
        weight_decay_objective(X, Y, 0.3)(np.zeros(7))
    with pytest.raises(ValueError, match="width: expected a whole number >= 1, got 0"):
        best_weight_decay(X, Y, 0, 0.3, rng)
    with pytest.raises(TypeError, match=r"rng: expected a numpy\.random\.Generator"):
        best_weight_decay(X, Y, 1, 0.3, 0)  # type: ignore[arg-type]
