"""The objectives beside the energy: gradients against the complex step of plain definitions, and what they do not see."""

from typing import Any

import mpmath as mp
import numpy as np
import pytest

from refimpl.papers.hyperspherical_energy import related
from refimpl.papers.hyperspherical_energy.energy import energy_backward, energy_forward

STEP = 1e-30
ROUNDING = 1e-13  # a few dozen operations on numbers of order 1


def rows(m=5, d=4, seed=0):
    rng = np.random.default_rng(seed)
    W = rng.normal(size=(m, d)) * np.exp(rng.uniform(-2, 2, size=(m, 1)))
    W.flags.writeable = False
    return W


def directions(W):
    return W / np.sqrt(np.sum(W * W, axis=1, keepdims=True))


def slope(f, W):
    """Gradient by the complex step, one entry at a time."""
    dW = np.zeros(W.shape)
    for at in np.ndindex(*W.shape):
        Z = W.astype(complex)
        Z[at] += 1j * STEP
        dW[at] = f(Z).imag / STEP
    return dW


def closest(q):
    """Index of the least real part among the off-diagonal entries."""
    q = q.real + np.diag(np.full(len(q), np.inf))
    return np.unravel_index(np.argmin(q), q.shape)


def squares(X):
    return np.sum((X[:, None] - X[None]) ** 2, axis=2)


def angles(X):
    plus = np.sum((X[:, None] + X[None]) ** 2, axis=2)
    np.fill_diagonal(plus, 4)
    return 2 * np.arctan(np.sqrt(squares(X)) / np.sqrt(plus))


def both_ends(U):
    return np.concatenate([U, -U])


def log_det(A):
    """By Gaussian elimination without pivots: the matrices here are positive definite."""
    A, total = A.copy(), 0.0
    for k in range(len(A)):
        total = total + np.log(A[k, k])
        A[k + 1 :] = A[k + 1 :] - A[k + 1 :, k : k + 1] * A[k] / A[k, k]
    return total


POLE = np.array([0.3, -2.0, 1.0, 0.5])
DRAWS = related.projections(3, 4, 4, np.random.default_rng(7))


def mean_energy_of_projections(U):
    total = 0.0
    for P in DRAWS:
        X = both_ends(directions(U @ P.T))
        q = squares(X) + np.eye(len(X))
        total = total + (np.sum(1 / q) - len(X)) / (len(X) * (len(X) - 1))
    return total / len(DRAWS)


# name, pair with its options bound, definition of the directions U
OBJECTIVES = {
    "orthonormal": (related.orthonormal_forward, related.orthonormal_backward, lambda U: np.sum((U @ U.T - np.eye(len(U))) ** 2)),
    "squared_distances": (related.squared_distances_forward, related.squared_distances_backward, lambda U: np.sum(squares(U))),
    "mma": (
        related.mma_forward,
        related.mma_backward,
        lambda U: -np.mean([angles(U)[i, np.argmin(squares(U)[i].real + 9 * (np.arange(len(U)) == i))] for i in range(len(U))]),
    ),
    "mhs": (related.mhs_forward, related.mhs_backward, lambda U: -squares(U)[closest(squares(U))]),
    "mhs half": (
        lambda W: related.mhs_forward(W, half_space=True),
        related.mhs_backward,
        lambda U: -squares(both_ends(U))[closest(squares(both_ends(U)))],
    ),
    "gram_determinant": (
        related.gram_determinant_forward,
        related.gram_determinant_backward,
        lambda U: -log_det(np.exp(-squares(U)) + 1e-6 * np.eye(len(U))),
    ),
    "gram_determinant half": (
        lambda W: related.gram_determinant_forward(W, eps=1e-3, half_space=True),
        related.gram_determinant_backward,
        lambda U: -log_det(np.exp(-squares(both_ends(U))) + 1e-3 * np.eye(2 * len(U))),
    ),
    "polarisation": (
        lambda W: related.polarisation_forward(W, POLE.astype(W.real.dtype)),
        lambda dE, cache: related.polarisation_backward(dE, cache)[0],
        lambda U: np.mean(1 / np.sum((U - POLE / np.sqrt(POLE @ POLE)) ** 2, axis=1)),
    ),
    "polarisation half": (
        lambda W: related.polarisation_forward(W, POLE.astype(W.real.dtype), half_space=True),
        lambda dE, cache: related.polarisation_backward(dE, cache)[0],
        lambda U: np.mean(1 / np.sum((both_ends(U) - POLE / np.sqrt(POLE @ POLE)) ** 2, axis=1)),
    ),
    "projected_energy": (
        lambda W: related.projected_energy_forward(W, DRAWS),
        related.projected_energy_backward,
        mean_energy_of_projections,
    ),
}
every_objective = pytest.mark.parametrize("name", OBJECTIVES)


@every_objective
@pytest.mark.parametrize("seed", range(8))
def test_value_and_gradient_are_those_of_the_definition(name, seed):
    forward, backward, definition = OBJECTIVES[name]
    W = rows(seed=seed)
    value, cache = forward(W)
    expected = slope(lambda Z: definition(directions(Z)), W)
    size = np.sqrt(np.sum(W * W, axis=1, keepdims=True))
    assert abs(value - definition(directions(W))) <= ROUNDING * max(1, abs(value))
    # 1e-11: q ≥ 1e-2 in these draws costs two digits, its third power four
    assert np.max(np.abs(size * (backward(-1.5, cache) + 1.5 * expected))) <= 1e-11 * max(1, np.max(np.abs(size * expected)))


@every_objective
def test_the_complex_step_goes_through_the_forward_pass(name):
    forward, backward, _ = OBJECTIVES[name]
    W, along = rows(seed=5), np.random.default_rng(6).normal(size=(5, 4))
    value = forward(W + 1j * STEP * along)[0]
    assert abs(value.imag / STEP - np.sum(along * backward(1.0, forward(W)[1]))) <= 1e-11 * max(1, abs(value.imag / STEP))


@every_objective
def test_float32_stays_float32_and_agrees(name):
    forward, backward, _ = OBJECTIVES[name]
    W = rows(seed=3).astype(np.float32)
    value, cache = forward(W)
    dW = backward(1.0, cache)
    exact, exact_cache = forward(W.astype(np.float64))
    exact_dW = backward(1.0, exact_cache)
    assert value.dtype == dW.dtype == np.float32
    assert abs(value - exact) <= 1e-4 * max(1, abs(exact))  # float32 with two or three digits lost at the closest pair
    assert np.max(np.abs(dW - exact_dW)) <= 1e-3 * np.max(np.abs(exact_dW))


@every_objective
def test_only_directions_matter(name):
    forward, backward, _ = OBJECTIVES[name]
    W, c = rows(seed=4), np.array([[1e-200], [1.0], [1e150], [3.0], [1e-5]])
    value, cache = forward(W)
    scaled, scaled_cache = forward(c * W)
    assert abs(scaled - value) <= ROUNDING * max(1, abs(value))
    dW, scaled_dW = backward(1.0, cache), backward(1.0, scaled_cache)
    np.testing.assert_allclose(c * scaled_dW, dW, rtol=1e-9, atol=1e-11 * np.max(np.abs(dW)))


@every_objective
def test_bad_rows_are_named(name):
    forward = OBJECTIVES[name][0]
    bad = rows().copy()
    bad[2] = 0
    with pytest.raises(ValueError, match="row 2"):
        forward(bad)
    bad[2] = np.nan
    with pytest.raises(ValueError, match=r"^W: expected finite numbers, got nan"):
        forward(bad)
    with pytest.raises(ValueError, match=r"^W: expected"):
        forward(np.ones((4, 1)))
    with pytest.raises(TypeError, match=r"^W: expected"):
        forward(bad.astype(str))


# ---- what the orthonormal penalty and the sum of squared distances do not see
@pytest.mark.parametrize("copies", [2, 3])
def test_copies_of_a_basis_are_optimal_for_the_penalty_and_infinitely_bad_for_the_energy(copies):
    d = 4
    m = copies * d
    W = np.tile(np.linalg.qr(np.random.default_rng(0).normal(size=(d, d)))[0], (copies, 1))
    value, cache = related.orthonormal_forward(W)
    assert abs(value - m * (m - d) / d) < 1e-13  # Welch's bound, which every tight frame attains
    assert np.max(np.abs(related.orthonormal_backward(1.0, cache))) < 1e-13
    assert all(related.orthonormal_forward(rows(m, d, seed))[0] >= value - 1e-13 for seed in range(50))
    assert energy_forward(W, 2.0, half_space=True)[0] == np.inf
    assert energy_forward(W, 0.0)[0] == np.inf


def test_orthonormal_rows_minimise_the_penalty_and_the_half_space_energy():
    W = np.linalg.qr(np.random.default_rng(1).normal(size=(6, 6)))[0][:4]
    assert related.orthonormal_forward(W)[0] < 1e-29
    E, cache = energy_forward(W, 2.0, half_space=True)
    assert abs(E - (2 * 4 * 3 + 2)) < 1e-12  # Σ 2/sin²θ + m/2, every sine 1
    assert np.max(np.abs(energy_backward(1.0, cache))) < 1e-13


def test_squared_distances_see_the_centroid_only():
    axes = np.eye(3)
    octahedron, collapsed = np.concatenate([axes, -axes]), np.repeat([[1.0, 0, 0], [-1.0, 0, 0]], 3, axis=0)
    for W in (octahedron, collapsed):
        value, cache = related.squared_distances_forward(W)
        assert value == 2 * 36  # 2m², the largest there is
        assert np.all(related.squared_distances_backward(1.0, cache) == 0)
    assert all(related.squared_distances_forward(rows(6, 3, seed))[0] < 72 for seed in range(20))
    W = rows(6, 3)
    U = directions(W)
    assert abs(related.squared_distances_forward(W)[0] - (72 - 2 * np.sum(np.sum(U, axis=0) ** 2))) < 1e-12


# ---- known optima
def simplex(m):
    return np.eye(m) - 1 / m


def test_the_simplex_is_optimal_for_all_that_separate():
    m = 5
    c = np.exp(-2 * m / (m - 1))  # e^{-q}: averaged over permutations the matrix can only gain determinant, and the least c is best
    optima = {
        related.mma_forward: -np.arccos(-1 / (m - 1)),
        related.mhs_forward: -2 * m / (m - 1),
        related.gram_determinant_forward: -((m - 1) * np.log(1 - c + 1e-6) + np.log(1 + (m - 1) * c + 1e-6)),
    }
    for forward, best in optima.items():
        assert abs(forward(simplex(m))[0] - best) < 1e-13
        assert all(forward(rows(m, 5, seed))[0] > best for seed in range(20))


def test_the_closest_pair_alone_is_felt():
    W = np.array([[1.0, 0, 0], [1.0, 0.1, 0], [0, 0, 1.0], [0, 1.0, -1.0]])
    dW = related.mhs_backward(1.0, related.mhs_forward(W)[1])
    assert np.all(dW[2:] == 0)
    assert np.all(dW[:2, 1] != 0)
    moved = W.copy()
    moved[2] = [0, 0.2, 1.0]
    assert related.mhs_forward(moved)[0] == related.mhs_forward(W)[0]
    assert related.gram_determinant_forward(moved)[0] != related.gram_determinant_forward(W)[0]


# ---- ties, kinks and coincidence
@pytest.mark.parametrize("seed", range(5))
def test_the_closest_pair_of_a_tight_cluster_is_found(seed):
    W = np.eye(3)[:1] + 1e-9 * np.random.default_rng(seed).normal(size=(6, 3))
    with mp.workdps(50):
        U = [mp.matrix([float(x) for x in w]) / mp.norm(mp.matrix([float(x) for x in w])) for w in W]
        q = np.array([[float(mp.norm(u - v) ** 2) if u is not v else np.inf for v in U] for u in U])
    assert related.mhs_forward(W)[0] == pytest.approx(-q.min(), rel=1e-9)
    assert related.mma_forward(W)[0] == pytest.approx(-np.mean(np.sqrt(q.min(axis=1))), rel=1e-9)
    moved = np.any(related.mhs_backward(1.0, related.mhs_forward(W)[1]), axis=1)
    assert set(np.flatnonzero(moved)) == set(np.argwhere(q == q.min())[0])


def test_ties_go_to_the_first():
    axes = np.eye(3)
    dW = related.mhs_backward(1.0, related.mhs_forward(axes)[1])
    assert np.array_equal(dW, [[0, 2, 0], [2, 0, 0], [0, 0, 0]])  # pair (0, 1) of three at the same distance
    dW = related.mma_backward(3.0, related.mma_forward(axes)[1])
    # neurons 0, 1, 2 take 1, 0, 0; each angle π/2 is lessened by moving one towards the other
    np.testing.assert_allclose(dW, [[0, 2, 1], [2, 0, 0], [1, 0, 0]], atol=1e-15)


def test_angles_of_near_and_of_opposite_neurons():
    for gap in (1e-3, 1e-6):
        near = np.array([[1.0, 0.0], [np.cos(gap), np.sin(gap)]])
        value, cache = related.mma_forward(near)
        assert abs(-value / gap - 1) < 1e-15 / gap  # directions are known to a rounding unit
        np.testing.assert_allclose(related.mma_backward(1.0, cache), [[0, 1], [np.sin(gap), -np.cos(gap)]], atol=1e-15 / gap)
        far = np.array([[1.0, 0.0], [-np.cos(gap), np.sin(gap)]])
        value, cache = related.mma_forward(far)
        assert abs((np.pi + value) / gap - 1) < 1e-15 / gap
        np.testing.assert_allclose(related.mma_backward(1.0, cache), [[0, 1], [np.sin(gap), np.cos(gap)]], atol=1e-15 / gap)
    value, cache = related.mma_forward([[2.0, 0.0], [-3.0, 0.0]])
    assert value == -np.pi
    assert np.all(related.mma_backward(1.0, cache) == 0)
    for w in np.random.default_rng(0).normal(size=(20, 5)):  # antipodal but for rounding
        assert np.all(related.mma_backward(1.0, related.mma_forward([w, -3 * w])[1]) == 0)


def test_coincident_neurons():
    W = np.array([[1.0, 2.0, 3.0], [0.0, 1.0, 0.0], [3.0, 6.0, 9.0]])
    value, cache = related.mma_forward(W)
    assert value > -np.pi / 2
    with pytest.raises(ValueError, match=r"^W: .*rows 0 and 2 point the same way"):
        related.mma_backward(1.0, cache)
    value, cache = related.mhs_forward(W)
    assert abs(value) < 1e-30
    assert np.max(np.abs(related.mhs_backward(1.0, cache))) < 1e-15
    value, cache = related.gram_determinant_forward(W)
    assert 12 < value < 14.5  # −log(2·1e-6) and less than a unit from the third neuron
    assert np.isfinite(related.gram_determinant_backward(1.0, cache)).all()
    value, cache = related.gram_determinant_forward([[1.0, 0.0], [0.0, 1.0], [2.0, 0.0]], eps=0)
    assert value == np.inf
    with pytest.raises(ValueError, match=r"^W: expected directions with a positive Gram determinant"):
        related.gram_determinant_backward(1.0, cache)


def test_one_neuron_has_no_distance():
    for forward in (related.mma_forward, related.mhs_forward):
        with pytest.raises(ValueError, match=r"^W: expected at least 2 neurons.* got shape \(1, 3\)"):
            forward(np.ones((1, 3)))


def test_gram_determinant_against_fifty_digits():
    W = rows(6, 3, 5)
    mp.mp.dps = 50
    U = [[mp.mpf(x) for x in w] for w in W.tolist()]
    U = [[x / mp.sqrt(sum(y * y for y in u)) for x in u] for u in U]
    A = mp.matrix(6, 6)
    for i in range(6):
        for j in range(6):
            A[i, j] = mp.exp(-sum((a - b) ** 2 for a, b in zip(U[i], U[j], strict=True))) + (mp.mpf("1e-6") if i == j else 0)
    # the condition of A, about 1e4 here, times the rounding unit
    assert abs(related.gram_determinant_forward(W)[0] + float(mp.log(mp.det(A)))) < 1e-11
    with pytest.raises(ValueError, match=r"^eps: expected a finite number >= 0, got -1"):
        related.gram_determinant_forward(W, eps=-1)


# ---- polarisation
def test_polarisation_of_the_pole():
    W = rows(seed=6)
    value, cache = related.polarisation_forward(W, POLE.astype(W.real.dtype))
    expected = slope(lambda v: np.mean(1 / np.sum((directions(W) - v / np.sqrt(np.sum(v * v))) ** 2, axis=1)), POLE)
    np.testing.assert_allclose(related.polarisation_backward(1.0, cache)[1], expected, rtol=1e-11, atol=1e-13)
    along = np.array([1.0, 0.5, -2.0, 0.25])
    assert abs(related.polarisation_forward(W, POLE + 1j * STEP * along)[0].imag / STEP - along @ expected) < 1e-11
    # at right angles to all neurons the potential is 1/2 everywhere; at the antipode of one alone 1/4
    assert related.polarisation_forward([[1.0, 0, 0], [0, 5.0, 0]], [0, 0, 2.0])[0] == 0.5
    assert related.polarisation_forward([[1.0, 0, 0]], [-1.0, 0, 0])[0] == 0.25
    assert value > 0


def test_polarisation_has_no_greatest_value():
    W = rows(seed=6)
    value, cache = related.polarisation_forward(W, W[3])
    assert value == np.inf
    with pytest.raises(ValueError, match=r"^v: expected a pole away from all neurons, but it lies on row 3"):
        related.polarisation_backward(1.0, cache)
    value, cache = related.polarisation_forward(W, -W[1], half_space=True)
    with pytest.raises(ValueError, match="row 1"):
        related.polarisation_backward(1.0, cache)


def test_bad_poles_are_refused():
    W = rows()
    with pytest.raises(ValueError, match=r"^v: expected a vector that is not zero"):
        related.polarisation_forward(W, np.zeros(4))
    with pytest.raises(ValueError, match=r"^v: expected shape \(4,\), got \(3,\)"):
        related.polarisation_forward(W, np.ones(3))


# ---- CoMHE
def test_an_orthogonal_projection_changes_no_energy():
    W = rows()
    Q = np.linalg.qr(np.random.default_rng(2).normal(size=(4, 4)))[0]
    usual: dict[str, Any] = {"s": 2.0, "half_space": True, "reduction": "mean"}
    variants: list[dict[str, Any]] = [
        {},
        {"half_space": False, "s": 0.0},
        {"angular": True, "s": 1.0},
        {"reduction": "sum_ordered"},
    ]
    for options in variants:
        E, cache = related.projected_energy_forward(W, 3 * np.stack([Q, -Q]), **options)
        expected, expected_cache = energy_forward(W, **usual | options)
        assert abs(E - expected) <= 1e-12 * abs(expected)
        np.testing.assert_allclose(
            related.projected_energy_backward(1.0, cache), energy_backward(1.0, expected_cache), rtol=1e-10, atol=1e-13
        )


def test_projections_are_gaussian_and_come_from_rng():
    P = related.projections(40, 27, 20, np.random.default_rng(0))
    assert P.shape == (20, 40, 27)
    assert np.array_equal(P, related.projections(40, 27, 20, np.random.default_rng(0)))
    n = P.size
    assert abs(np.mean(P)) < 5 / np.sqrt(n)  # five standard errors: a false alarm in 2e6
    assert abs(np.mean(P**2) - 1) < 5 * np.sqrt(2 / n)


def test_bad_projections_are_refused():
    W = rows()
    with pytest.raises(ValueError, match=r"^P: expected shape \(c, k, 4\), got \(3, 4\)"):
        related.projected_energy_forward(W, np.ones((3, 4)))
    assert np.isfinite(related.projected_energy_forward(W, np.eye(4)[None])[0])  # one is enough
    with pytest.raises(ValueError, match=r"^P: expected at least one projection"):
        related.projected_energy_forward(W, np.ones((0, 3, 4)))


# ---- OPT
def test_rotating_neurons_keeps_their_energy():
    W, rng = rows(6, 4, 8), np.random.default_rng(3)
    R = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    Y, cache = related.rotate_forward(W, R)
    np.testing.assert_allclose(Y, [[sum(R[a, b] * w[b] for b in range(4)) for a in range(4)] for w in W], rtol=1e-13)
    for s, half, angular in ((2.0, True, False), (0.0, False, False), (1.0, False, True)):
        E, energy_cache = energy_forward(Y, s, half, angular)
        assert abs(E - energy_forward(W, s, half, angular)[0]) <= 1e-12 * abs(E)
        dR = related.rotate_backward(energy_backward(1.0, energy_cache), cache)[1]
        turn = dR @ R.T  # along A R, A antisymmetric, the energy does not change
        assert np.max(np.abs(turn - turn.T)) <= 1e-12 * np.max(np.abs(turn))


def test_gradients_of_a_rotation():
    W, rng = rows(6, 4, 8), np.random.default_rng(3)
    R, dY = np.linalg.qr(rng.normal(size=(4, 4)))[0], rng.normal(size=(6, 4))
    dW, dR = related.rotate_backward(dY, related.rotate_forward(W, R)[1])
    np.testing.assert_allclose(dW, slope(lambda Z: np.sum(dY * (Z @ R.T)), W), rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(dR, slope(lambda Z: np.sum(dY * (W @ Z.T)), R), rtol=1e-13, atol=1e-13)
    assert np.array_equal(related.rotate_forward(W + 1j * W, R + 1j * R)[0].imag, 2 * (W @ R.T))  # holomorphic in both
    with pytest.raises(ValueError, match=r"^R: expected an orthogonal matrix"):
        related.rotate_forward(W, 1.01 * R)
    with pytest.raises(ValueError, match=r"^R: expected shape \(4, 4\), got \(3, 3\)"):
        related.rotate_forward(W, np.eye(3))


def test_random_neurons_in_many_dimensions_are_near_the_minimum():
    W = np.random.default_rng(0).normal(size=(64, 576))
    mean, bound = energy_forward(W, 2.0, reduction="mean")[0], 63 / 128  # the simplex bound (m − 1)/(2m)
    assert 1 < mean / bound < 1.02


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"k": 1}, ValueError, "k: expected a whole number >= 2, got 1"),
        ({"d": 2.0}, TypeError, "d: expected a whole number >= 2, got float"),
        ({"draws": 0}, ValueError, "draws: expected"),
        ({"rng": None}, TypeError, "rng: expected a numpy.random.Generator, got NoneType"),
    ],
)
def test_projections_refuse_what_makes_none(change, error, match):
    with pytest.raises(error, match=match):
        related.projections(**{"k": 4, "d": 5, "draws": 2, "rng": np.random.default_rng(0), **change})
