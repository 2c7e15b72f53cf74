"""Constants, bounds, configurations and the minimiser: closed forms, quadrature in many digits, certificates, bad input."""

import mpmath
import numpy as np
import pytest

from refimpl.papers.hyperspherical_energy import configurations, energy_and_gradient, energy_forward, limits, minimise, tables
from refimpl.papers.hyperspherical_energy.configurations import CONFIGURATIONS, energy_from_distances
from refimpl.papers.hyperspherical_energy.limits import lower_bound
from refimpl.papers.hyperspherical_energy.minimise import minimise_energy

# d = 1, 2, ... of the published table is the sphere's dimension: coordinates less one. Columns I_0, I_1/2, I_1, I_2, and by angle
# E[−log θ], E[1/θ], E[1/θ²]; None where infinite.
UNIFORM = {
    1: (0, 1.18034059902, None, None, -0.144729885849, None, None),
    2: (-0.193147180560, 0.942809041582, 1, None, -0.320591066497, 0.925968525991, None),
    3: (-0.25, 0.899307123060, 0.848826363157, 1, -0.370435719244, 0.775929174100, 0.902823333580),
    4: (-0.276480513893, 0.881587675246, 0.8, 0.75, -0.393194816356, 0.727696754431, 0.653433748734),
    7: (-0.308333333333, 0.862077641577, 0.752552550539, 0.6, -0.420096605751, 0.681028329500, 0.504230923148),
    10: (-0.320329720242, 0.855188418318, 0.737145207733, 0.5625, -0.430076007077, 0.665934105315, 0.467050049089),
    27: (-0.337142980541, 0.845915233682, 0.717377429415, 0.52, -0.443907709968, 0.646624035871, 0.425015020901),
    63: (-0.342573846198, 0.843009642155, 0.711396456994, 0.508196721311, -0.448335058179, 0.640795626962, 0.413366296479),
}
SMALL = [c for c in CONFIGURATIONS if c.n <= 4600]


def gaussian(m, d, seed=0):
    return np.random.default_rng(seed).normal(size=(m, d))


def riesz(z, s):
    return -np.log(z) if s == 0 else z**-s


# ---- the uniform measure
@pytest.mark.parametrize("D", UNIFORM)
def test_uniform_energies_equal_the_table(D):
    columns = [(0, False), (0.5, False), (1, False), (2, False), (0, True), (1, True), (2, True)]
    for (s, angular), expected in zip(columns, UNIFORM[D], strict=True):
        got = limits.uniform_energy(D + 1, s, angular)
        if expected is None:
            assert got == np.inf
        else:
            assert got == pytest.approx(expected, rel=6e-12, abs=6e-13)  # twelve digits printed


@pytest.mark.parametrize("angular", [False, True])
@pytest.mark.parametrize(
    ("d", "s"), [(2, 0.7), (3, 1.9), (4, 2.9), (5, 2.5), (12, 0), (12, 10.6), (40, 3), (100, 1), (577, 0), (577, 2), (4097, 1)]
)
def test_uniform_energies_equal_the_integral(d, s, angular):
    with mpmath.workdps(25):
        p = d - 1 - mpmath.mpf(s)  # v = θ^p takes the singularity away where p is small

        def f(t):
            z = t if angular else 2 * mpmath.sin(t / 2)
            return -mpmath.log(z) if s == 0 else z**-s

        total = mpmath.beta(mpmath.mpf(d - 1) / 2, mpmath.mpf(1) / 2)
        if p < 2:

            def smooth(v):
                return f(v ** (1 / p)) * mpmath.sin(v ** (1 / p)) ** (d - 2) * v ** (1 / p - 1) / p

            integral = mpmath.quad(smooth, [0, mpmath.pi**p / 8, mpmath.pi**p])
        else:
            w, mid = 4 / mpmath.sqrt(d), mpmath.pi / 2
            ends = [x for x in (mid - 2 * w, mid - w, mid - w / 3, mid, mid + w / 3, mid + w, mid + 2 * w) if 0 < x < mpmath.pi]
            integral = mpmath.quad(lambda t: f(t) * mpmath.sin(t) ** (d - 2), [0, *ends, mpmath.pi])
        exact = integral / total
    # log Γ near a thousand loses four digits
    assert limits.uniform_energy(d, s, angular) == pytest.approx(float(exact), rel=5e-14 if d < 50 else 5e-12, abs=0)


def test_uniform_energies_tend_to_those_of_right_angles():
    assert limits.uniform_energy(10**6, 1) == pytest.approx(2**-0.5, rel=1e-6, abs=0)
    assert limits.uniform_energy(10**6, 0) == pytest.approx(-np.log(2) / 2, rel=2e-6, abs=0)


@pytest.mark.parametrize("angular", [False, True])
def test_random_energy_of_half_space_counts_the_constant_pairs(angular):
    own, uniform = 1 / np.pi if angular else 0.5, limits.uniform_energy(6, 1.0, angular)
    assert limits.random_energy(7, 6, 1.0, angular=angular) == uniform
    # 14 points: 2·7·12 of the 14·13 ordered pairs are random, 14 are constant
    got = limits.random_energy(7, 6, 1.0, half_space=True, angular=angular)
    assert got == pytest.approx((168 * uniform + 14 * own) / 182, rel=1e-15, abs=0)


# ---- bounds
@pytest.mark.parametrize("n", [2, 3, 10, 1000])
def test_simplex_bound_has_closed_forms(n):
    exact = {0: -0.5 * np.log(2 * n / (n - 1)), 1: np.sqrt((n - 1) / (2 * n)), 2: (n - 1) / (2 * n)}
    for s, value in exact.items():
        assert limits.simplex_bound(n, s) == pytest.approx(value, rel=1e-14, abs=0)


@pytest.mark.parametrize(("n", "d"), [(2, 2), (3, 5), (64, 27), (10, 5), (28, 7)])
def test_welch_bound_has_the_closed_form_of_s_2(n, d):
    w = max(0, (n - d) / (d * (n - 1)))
    assert limits.welch_bound(n, d, 2) == pytest.approx(((n - 1) / (1 - w) + 1 / 4) / (2 * n - 1), rel=1e-14, abs=0)


@pytest.mark.parametrize("half_space", [False, True])
@pytest.mark.parametrize("d", [2, 3, 4, 7, 20])
@pytest.mark.parametrize("n", [2, 3, 5, 8, 13, 40, 150])
def test_levenshtein_rule_integrates_polynomials_over_the_sphere(n, d, half_space):
    t, rho = limits.levenshtein_rule(n, d, half_space)
    assert np.all(rho > -1e-13)
    assert np.all((t >= (0 if half_space else -1)) & (t < 1))
    end = t[0] < 1e-12 if half_space else t[0] == -1
    degree = 2 * len(t) - 1 - end  # of t² in half space
    moment = 1.0
    for k in range(0, 2 * degree + 1, 2):  # E t^k = 1·3···(k−1) / d(d+2)···(d+k−2)
        if half_space or k <= degree:
            assert np.sum(rho * t**k) + 1 / n == pytest.approx(moment, rel=1e-11, abs=0)
        if not half_space and k + 1 <= degree:
            assert abs(np.sum(rho * t ** (k + 1)) + 1 / n) < 1e-11
        moment *= (k + 1) / (d + k)


@pytest.mark.parametrize("half_space", [False, True])
@pytest.mark.parametrize(
    ("n", "d"), [(4, 3), (5, 3), (7, 3), (9, 3), (20, 3), (32, 3), (11, 4), (24, 4), (30, 6), (72, 6), (12, 2)]
)
@pytest.mark.parametrize("s", [0, 1, 2.5, 6])
def test_levenshtein_bound_has_a_certificate(n, d, s, half_space):
    """The polynomial that touches g at the nodes lies below g, and all its zonal coefficients but the constant are >= 0.

    These two facts are all that the bound's proof needs, here in forty digits and without the theorem that is cited for them.
    """
    with mpmath.workdps(40):
        nodes = [mpmath.mpf(float(t)) for t in limits.levenshtein_rule(n, d, half_space)[0]]

        def g(x):  # x = t, or 2t² − 1 for lines
            t = mpmath.sqrt((1 + x) / 2) if half_space else x
            value = riesz_mp(2 - 2 * t, s)
            return value + riesz_mp(2 + 2 * t, s) if half_space else value

        xs = [2 * t * t - 1 if half_space else t for t in nodes]
        conditions = [(x, order) for x in xs for order in ((0,) if x < -1 + mpmath.mpf("1e-20") else (0, 1))]
        size = len(conditions)
        A = mpmath.matrix(size, size)
        b = mpmath.matrix(size, 1)
        for row, (x, order) in enumerate(conditions):
            for k in range(size):
                A[row, k] = x**k if order == 0 else (k * x ** (k - 1) if k else 0)
            b[row] = g(x) if order == 0 else mpmath.diff(g, x)
        f = list(mpmath.lu_solve(A, b))
        # orthogonal polynomials of the weight (1−x)^a (1+x)^b from its moments, and f's coefficients in them
        a_, b_ = mpmath.mpf(d - 3) / 2, (-mpmath.mpf(1) / 2 if half_space else mpmath.mpf(d - 3) / 2)
        # E v^k of v = (1+x)/2, which is Beta(b+1, a+1) distributed
        v = [mpmath.rf(b_ + 1, k) / mpmath.rf(a_ + b_ + 2, k) for k in range(2 * size)]
        moments = [sum(mpmath.binomial(k, i) * 2**i * (-1) ** (k - i) * v[i] for i in range(k + 1)) for k in range(2 * size)]

        def inner(p, q):
            return sum(p[i] * q[j] * moments[i + j] for i in range(len(p)) for j in range(len(q)))

        basis: list = []
        for k in range(size):
            p = [mpmath.mpf(0)] * k + [mpmath.mpf(1)]
            for q in basis:
                c = inner(p, q) / inner(q, q)
                p = [x - (c * q[i] if i < len(q) else 0) for i, x in enumerate(p)]
            basis.append(p)
        coefficients = [inner(f, p) / inner(p, p) for p in basis]
        assert min(coefficients[1:], default=mpmath.mpf(0)) > -1e-9 * max(map(abs, coefficients))  # nodes have sixteen digits
        for x in mpmath.linspace(-1, mpmath.mpf("0.999"), 60):
            below = g(x) - sum(c * x**k for k, c in enumerate(f))
            assert below > -1e-9 * (1 + abs(g(x)))


def riesz_mp(q, s):
    return -mpmath.log(q) / 2 if s == 0 else q ** (-mpmath.mpf(s) / 2)


@pytest.mark.parametrize("s", [0, 0.5, 1, 2, 5])
def test_lower_bound_is_attained_where_the_minimum_is_known(s):
    known = [*CONFIGURATIONS[:-1], *map(configurations.simplex_of, (3, 4, 9)), *map(configurations.cross_polytope_of, (2, 3, 9))]
    for c in [*known, *map(configurations.polygon_of, (2, 3, 8, 25))]:
        E = energy_from_distances(c, s)
        assert lower_bound(c.n, c.d, s) == pytest.approx(E, rel=1e-12, abs=0), c.name
        if c.antipodal:
            assert lower_bound(c.n // 2, c.d, s, half_space=True) == pytest.approx(E, rel=1e-12, abs=0), c.name
    for n, d in [(3, 3), (4, 7), (3, 2), (4, 3), (6, 3), (10, 5), (16, 6), (28, 7)]:  # orthonormal, or an equiangular frame exists
        assert lower_bound(n, d, s, True, reduction="mean") == pytest.approx(limits.welch_bound(n, d, s), rel=1e-12, abs=0)
    assert lower_bound(24, 4, 1.0) < energy_from_distances(CONFIGURATIONS[-1], 1.0) - 0.1  # the 24-cell is not universally optimal


@pytest.mark.parametrize("table", [tables.THOMSON, tables.LOGARITHMIC, tables.INVERSE_SQUARE])
def test_lower_bound_is_below_every_table(table):
    for n, E in table.energies.items():
        gap = E - lower_bound(n, 3, table.s)
        assert -5.1e-10 < gap  # rounding of the table
        if n in (2, 3, 4, 6, 12):
            assert gap < 5.1e-10
        if table.s == 1:
            assert gap < 0.011 * E  # a bound to be useful
        assert lower_bound(n, 3, table.s, reduction="sum_ordered") == pytest.approx(
            2 * lower_bound(n, 3, table.s), rel=1e-14, abs=0
        )


@pytest.mark.parametrize("angular", [False, True])
@pytest.mark.parametrize("half_space", [False, True])
@pytest.mark.parametrize("s", [0, 1, 3])
def test_lower_bound_is_below_random_and_minimal_energies(s, half_space, angular):
    variant = {"half_space": half_space, "angular": angular}
    for n, d in [(1, 2), (2, 3), (5, 3), (7, 4), (6, 9), (20, 3)]:
        bound = lower_bound(n, d, s, **variant)
        for seed in range(3):
            assert energy_forward(gaussian(n, d, seed), s, reduction="sum_unordered", **variant)[0] >= bound - 1e-12
        assert minimise_energy(n, d, s, restarts=2, **variant).gap > -1e-12 * max(1, abs(bound))


def test_lower_bound_by_angle_is_attained():
    assert lower_bound(2, 3, 1.0, angular=True) == pytest.approx(1 / np.pi, rel=1e-15, abs=0)  # antipodes
    assert lower_bound(3, 3, 2.0, angular=True) == pytest.approx(
        3 * (2 * np.pi / 3) ** -2, rel=1e-15, abs=0
    )  # thirds of a great circle
    for s, f in ((0, -np.log(np.pi / 2)), (1, 2 / np.pi)):
        own = riesz(np.pi, s)
        assert lower_bound(4, 5, s, half_space=True, angular=True) == pytest.approx(24 * f + 4 * own, rel=1e-14, abs=0)


def test_lower_bound_of_one_neuron_is_its_energy():
    assert lower_bound(1, 3, 1.0) == 0
    assert lower_bound(1, 3, 1.0, half_space=True) == 0.5
    assert lower_bound(1, 3, 0.0, half_space=True, reduction="mean") == pytest.approx(-np.log(2), rel=1e-15, abs=0)
    assert lower_bound(1, 3, 1.0, angular=True) == 0


# ---- the normalised excess
def test_normalised_excess_is_0_at_the_minimum_and_1_on_average():
    assert abs(limits.normalised_excess(configurations.simplex(6), 2)) < 1e-12
    assert abs(limits.normalised_excess(3 * np.eye(4, 9), 2, half_space=True)) < 1e-12
    excesses = [limits.normalised_excess(gaussian(30, 40, seed), 2) for seed in range(100)]
    assert abs(np.mean(excesses) - 1) < 5 * np.std(excesses) / 10
    assert limits.normalised_excess(np.array([[1, 0, 0, 0], [1, 1, 0, 0]]), 1) > 1


def test_normalised_excess_of_the_released_network_is_1_28():
    """Layers of the paper's CNN-9: logged 5.0183, bound 5.0002, random 5.0143 for half-space s = 2."""
    layers = [(64, 27), *[(64, 576)] * 2, (128, 576), *[(128, 1152)] * 2, (256, 1152), *[(256, 2304)] * 2, (256, 4096)]
    least = sum(lower_bound(n, d, 2, True, reduction="mean") for n, d in layers)
    random = sum(limits.random_energy(n, d, 2, True) for n, d in layers)
    assert least == pytest.approx(5.0002, abs=5e-5)
    assert random == pytest.approx(5.0143, abs=5e-5)
    assert (5.0183 - least) / (random - least) == pytest.approx(1.28, abs=5e-3)


@pytest.mark.parametrize(
    ("W", "s", "match"),
    [
        (np.eye(1, 3), 1, r"W: expected at least 2 neurons, got shape \(1, 3\)"),
        (np.eye(3), 2, "s: expected an exponent below d - 1 = 2.*got 2"),
        (np.zeros((2, 5)), 1, "W: expected rows that are not zero"),
        (np.eye(3), -1, "s: expected a finite exponent >= 0, got -1"),
    ],
)
def test_normalised_excess_names_what_is_wrong(W, s, match):
    with pytest.raises(ValueError, match=match):
        limits.normalised_excess(W, s)


# ---- many neurons
@pytest.mark.parametrize("q", [1, 1 / 3, 2 / 3])
def test_hurwitz_zeta_equals_mpmath(q):
    for x in (0.25, 0.5, 0.75, 1.01, 1.5, 2, 7.3, 30):
        assert limits.hurwitz_zeta(x, q) == pytest.approx(float(mpmath.zeta(x, q)), rel=1e-13, abs=0)  # cancels for x < 1


def test_constants_of_growth_equal_the_table():
    second = {0.5: -1.02472867, 1: -1.10610258671519, 1.5: -1.51591961, 2: -0.0857684103}
    for s, C in second.items():
        assert limits.growth_of_minimum(3, s).second == pytest.approx(C, rel=5e-9 if s != 1 else 1e-13, abs=0)
    assert limits.growth_of_minimum(3, 3).leading == pytest.approx(0.1996278125, abs=5e-11)
    assert limits.growth_of_minimum(3, 4).leading == pytest.approx(0.0366235506, abs=5e-11)
    assert limits.growth_of_minimum(3, 0)[:3] == pytest.approx((0.5 - np.log(2), -0.5, -0.0556053049), abs=5e-11)
    for d, leading in {2: 1 / np.pi, 3: 1 / 4, 4: 0.21220659, 5: 3 / 16}.items():
        assert limits.growth_of_minimum(d, d - 1).leading == pytest.approx(leading, abs=5e-9)
    assert limits.growth_of_minimum(6, 2).leading == limits.uniform_energy(6, 2)
    assert limits.growth_of_minimum(2, 2).leading == pytest.approx(1 / 12, rel=1e-13, abs=0)  # E_2 = N(N²−1)/12
    assert limits.growth_of_minimum(2, 4).leading == pytest.approx(1 / 720, rel=1e-13, abs=0)
    assert np.isnan(limits.growth_of_minimum(5, 6)[:3]).all()


def test_second_order_constant_equals_its_form_with_stieltjes_constants():
    with mpmath.workdps(20):
        difference = mpmath.stieltjes(1, mpmath.mpf(2) / 3) - mpmath.stieltjes(1, mpmath.mpf(1) / 3)
        C = (mpmath.euler - mpmath.log(2 * mpmath.sqrt(3) * mpmath.pi)) / 4 + mpmath.sqrt(3) / (4 * mpmath.pi) * difference
    assert limits.growth_of_minimum(3, 2).second == pytest.approx(float(C), rel=1e-13, abs=0)


def test_hexagonal_zeta_equals_the_sum_over_the_lattice():
    a, b = np.mgrid[-400:401, -400:401]
    q = a * a + a * b + b * b
    q = q[(q > 0) & (q <= 300**2)]
    # beyond the radius R the density 2/√3 of points remains: (2/√3) 2π R^{2−s}/(s−2), to the order of the boundary
    for s in (3, 4, 6):
        rest = 4 * np.pi / np.sqrt(3) * 300 ** (2 - s) / (s - 2)
        assert limits.hexagonal_zeta(s) == pytest.approx(np.sum(q ** (-s / 2)) + rest, rel=300.0 ** (0.7 - s), abs=0)


@pytest.mark.parametrize("n", [2, 3, 10, 199])
def test_circle_has_closed_forms(n):
    assert limits.circle_minimum(n, 0) == pytest.approx(-n * np.log(n), rel=1e-14, abs=0)
    assert limits.circle_minimum(n, 2) == pytest.approx(n * (n * n - 1) / 12, rel=1e-13, abs=0)
    assert limits.circle_minimum(n, 4, "sum_unordered") == pytest.approx(n * (n * n - 1) * (n * n + 11) / 1440, rel=1e-13, abs=0)
    with pytest.raises(OverflowError):
        limits.circle_minimum(50, 400.0)
    assert limits.circle_minimum(n, 3) == pytest.approx(2 * lower_bound(n, 2, 3), rel=1e-11, abs=0)


def test_expansions_approach_the_minima():
    for n, within in ((100, 3.2e-4), (272, 1.3e-4), (372, 1e-4)):
        assert limits.expected_minimum(n, 1, "sum_unordered") == pytest.approx(tables.THOMSON.energies[n], rel=within, abs=0)
    # third term of s = 0, and second of s = 2: what is left falls with n, and is of the size the next order has
    left = [(tables.LOGARITHMIC.energies[n] - limits.expected_minimum(n, 0, "sum_unordered")) / n for n in (12, 24, 50)]
    assert left[0] > left[1] > left[2] > 0
    assert left[2] < 0.004
    left = [(tables.INVERSE_SQUARE.energies[n] - limits.expected_minimum(n, 2, "sum_unordered")) / n**2 for n in (12, 32)]
    assert left[0] > left[1] > 0
    assert left[1] < 0.003
    E = {n: minimise_energy(n, 3, 3.0, restarts=1).energy / limits.expected_minimum(n, 3, "sum_unordered") for n in (12, 72, 272)}
    # 2E/N^{5/2} of minima from icosahedral starts, printed to five decimals, over the constant
    assert E == pytest.approx({n: x / 0.1996278125 for n, x in ((12, 0.13090), (72, 0.17159), (272, 0.18539))}, rel=1e-4, abs=0)


# ---- configurations
@pytest.mark.parametrize("c", CONFIGURATIONS, ids=lambda c: c.name)
def test_configuration_is_what_its_row_says(c):
    X = c.points()
    t, m = np.array(c.cosines).T
    assert X.shape == (c.n, c.d)
    assert np.max(np.abs(np.sum(X * X, axis=1) - 1)) < 1e-14
    assert m.sum() == c.n - 1
    assert m @ t == pytest.approx(-1, abs=1e-12)
    assert m @ t**2 == pytest.approx(c.n / c.d - 1, abs=1e-12)
    viewers = np.arange(c.n) if c.n <= 5000 else np.random.default_rng(0).choice(c.n, 20, replace=False)
    for block in np.array_split(viewers, max(1, len(viewers) // 500)):
        G = X @ X[block].T
        near = np.abs(G[:, :, None] - np.append(t, 1.0)) < 1e-12 if c.n < 1000 else None
        for k, (value, count) in enumerate([*c.cosines, (1.0, 1)]):
            seen = near[..., k].sum(axis=0) if near is not None else np.sum(np.abs(G - value) < 1e-12, axis=0)
            assert np.all(seen == count), (c.name, value)


@pytest.mark.parametrize("c", CONFIGURATIONS, ids=lambda c: c.name)
def test_configuration_has_the_published_energies(c):
    for s, E in zip((0, 1, 2), tables.SHARP[c.name], strict=True):
        assert energy_from_distances(c, s) == pytest.approx(E, rel=1e-14, abs=0)
        assert energy_from_distances(c, s, reduction="mean") == pytest.approx(2 * E / (c.n * (c.n - 1)), rel=1e-14, abs=0)


@pytest.mark.parametrize("c", SMALL, ids=lambda c: c.name)
def test_energy_of_the_coordinates_is_that_and_stationary(c):
    X = c.points()
    for s, E in zip((0, 1, 2), tables.SHARP[c.name], strict=True):
        got, dX = energy_and_gradient(X, s, reduction="sum_unordered")
        assert got == pytest.approx(E, rel=1e-12, abs=0)
        assert np.max(np.abs(dX)) / (c.n * (c.n - 1) / 2) < 1e-13
    if c.antipodal:  # as lines: one of each pair
        U = X[[np.flatnonzero(X @ x < -1 + 1e-9)[0] > i for i, x in enumerate(X)]]
        assert len(U) == c.n // 2
        E = energy_forward(U, 1, half_space=True, reduction="sum_unordered")[0]
        assert E == pytest.approx(tables.SHARP[c.name][1], rel=1e-12, abs=0)


def test_leech_lattice_is_stationary():
    """The force on one of 196560 points, from all the others, is along it."""
    X = configurations.leech()
    q = 2 - 2 * X @ X[0]
    q[0] = np.inf
    force = (q ** (-1.5)) @ X
    assert np.max(np.abs(force - (force @ X[0]) * X[0])) / np.max(np.abs(force)) < 1e-12


def test_families_are_what_they_are_called():
    for n in (2, 3, 8, 30):
        G = configurations.simplex(n) @ configurations.simplex(n).T
        assert np.max(np.abs(G - np.where(np.eye(n, dtype=bool), 1, -1 / (n - 1)))) < 1e-14
    polygons = [configurations.polygon_of(n) for n in (7, 8)]
    for c in (configurations.simplex_of(6), configurations.cross_polytope_of(5), *polygons):
        for s in (0, 1, 2):
            E = energy_forward(c.points(), s, reduction="sum_unordered")[0]
            assert energy_from_distances(c, s) == pytest.approx(E, rel=1e-13, abs=0)
            E = energy_forward(c.points(), s, angular=True, reduction="mean")[0]
            assert energy_from_distances(c, s, angular=True, reduction="mean") == pytest.approx(E, rel=1e-13, abs=0)
    for s, E in ((0, -25 * np.log(2)), (1, 20 * np.sqrt(2) + 5 / 2), (2, 20 + 5 / 4)):  # −p² log 2, p(p−1)√2 + p/2, p(p−1) + p/4
        assert energy_from_distances(configurations.cross_polytope_of(5), s) == pytest.approx(E, rel=1e-14, abs=0)
    assert energy_from_distances(configurations.simplex_of(9), 2) == pytest.approx(16, rel=1e-14, abs=0)  # (N−1)²/4
    assert energy_from_distances(configurations.polygon_of(9), 0) == pytest.approx(-9 / 2 * np.log(9), rel=1e-14, abs=0)


def test_polyhedra_have_their_energies():
    def E(U, s, angular=False):
        return energy_forward(U, s, angular=angular, reduction="sum_unordered")[0]

    assert E(configurations.bipyramid(5), 0) == pytest.approx(-4 * np.log(2) - 1.5 * np.log(3), rel=1e-14, abs=0)
    assert E(configurations.bipyramid(7), 0) == pytest.approx(-6 * np.log(2) - 2.5 * np.log(5), rel=1e-14, abs=0)
    assert E(configurations.bipyramid(6), 1) == pytest.approx(tables.THOMSON.energies[6], abs=5e-10)  # the octahedron
    arcs = np.log(np.arccos([1 / 3, -1 / 3])).sum()
    assert E(configurations.cube(), 0, angular=True) == pytest.approx(-12 * arcs - 4 * np.log(np.pi), rel=1e-14, abs=0)
    assert E(configurations.square(), 0, angular=True) == pytest.approx(
        -4 * np.log(np.pi / 2) - 2 * np.log(np.pi), rel=1e-14, abs=0
    )


def test_golay_code_has_its_weights():
    words = configurations.golay()
    assert dict(zip(*np.unique(words.sum(axis=1), return_counts=True), strict=True)) == {0: 1, 8: 759, 12: 2576, 16: 759, 24: 1}
    assert len(np.unique(words, axis=0)) == 4096


@pytest.mark.parametrize(("h", "k"), [*tables.CASPAR_KLUG, (1, 2), (5, 0), (3, 0)])
def test_caspar_klug_points_are_icosahedral(h, k):
    X = configurations.caspar_klug(h, k)
    n = 10 * (h * h + h * k + k * k) + 2
    assert X.shape == (n, 3)
    assert np.min(np.sum((X[:, None] - X) ** 2, axis=-1) + 4 * np.eye(n)) > 1 / n  # no two alike
    V = configurations.icosahedron()
    a = V[0]  # a fifth of a turn about a vertex maps them to themselves
    K = np.array([[0, -a[2], a[1]], [a[2], 0, -a[0]], [-a[1], a[0], 0]])
    turn = np.eye(3) + np.sin(2 * np.pi / 5) * K + (1 - np.cos(2 * np.pi / 5)) * K @ K
    assert np.max(np.min(np.sum((X[:, None] - X @ turn.T) ** 2, axis=-1), axis=1)) < 1e-24
    assert configurations.triangulation_number(n) == (max(h, k), min(h, k))


def test_only_caspar_klug_numbers_have_a_triangulation():
    numbers = [n for n in range(1, 500) if configurations.triangulation_number(n)]
    assert numbers == [12, 32, 42, 72, 92, 122, 132, 162, 192, 212, 252, 272, 282, 312, 362, 372, 392, 432, 482, 492]
    assert configurations.triangulation_number(10 * 49 + 2) == (5, 3)  # 49 = 7² + 0 too: the rounder one


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: configurations.simplex(1), ValueError, "n: expected a whole number >= 2, got 1"),
        (lambda: configurations.polygon(2.0), TypeError, "n: expected a whole number >= 2, got float"),  # type: ignore[arg-type]
        (lambda: configurations.cross_polytope(True), TypeError, "d: expected a whole number >= 2, got bool"),
        (lambda: configurations.caspar_klug(0, 1), ValueError, "h: expected a whole number >= 1, got 0"),
        (lambda: configurations.caspar_klug(1, -1), ValueError, "k: expected a whole number >= 0, got -1"),
        (lambda: configurations.configuration("cube"), ValueError, "name: expected one of icosahedron, .* got 'cube'"),
        (lambda: energy_from_distances(CONFIGURATIONS[0], -1), ValueError, "s: expected a finite exponent"),
        (lambda: energy_from_distances(CONFIGURATIONS[0], 1, reduction="sum"), ValueError, "reduction: expected one of"),
        (lambda: lower_bound(0, 3), ValueError, "n: expected a whole number >= 1, got 0"),
        (lambda: lower_bound(3, 1), ValueError, "d: expected a whole number >= 2, got 1"),
        (lambda: lower_bound(3, 3, np.nan), ValueError, "s: expected a finite exponent >= 0, got nan"),
        (lambda: limits.uniform_energy(3, "1"), TypeError, "s: expected a number >= 0, got str"),  # type: ignore[arg-type]
        (lambda: limits.circle_minimum(1), ValueError, "n: expected a whole number >= 2, got 1"),
        (lambda: minimise_energy(0, 3), ValueError, "n: expected a whole number >= 1, got 0"),
        (lambda: minimise_energy(3, 1), ValueError, "d: expected a whole number >= 2, got 1"),
        (lambda: minimise_energy(3.0, 3), TypeError, "n: expected a whole number >= 1, got float"),  # type: ignore[arg-type]
        (lambda: minimise_energy(3, 3, -1.0), ValueError, "s: expected a finite exponent >= 0, got -1"),
        (lambda: minimise_energy(3, 3, np.nan), ValueError, "s: expected a finite exponent >= 0, got nan"),
        (lambda: minimise_energy(3, 3, restarts=0), ValueError, "restarts: expected a whole number >= 1, got 0"),
        (lambda: minimise_energy(3, 3, start=np.eye(3), restarts=-1), ValueError, "restarts: expected a whole number >= 0, got -1"),
        (lambda: minimise_energy(3, 3, gtol=0), ValueError, "gtol: expected a tolerance > 0, got 0"),
        (lambda: minimise_energy(3, 3, gtol=np.nan), ValueError, "gtol: expected a tolerance > 0, got nan"),
        (lambda: minimise_energy(3, 3, gtol="low"), ValueError, "gtol: expected a tolerance > 0, got 'low'"),  # type: ignore[arg-type]
        (lambda: minimise_energy(3, 3, rng=7), TypeError, "rng: expected a numpy.random.Generator, got int"),  # type: ignore[arg-type]
        (lambda: minimise_energy(60, 3, 2000.0, restarts=1), OverflowError, "the energy exceeds the range of float64"),
        (lambda: minimise_energy(4, 3, start=np.eye(3)), ValueError, r"start: expected shape \(4, 3\), got \(3, 3\)"),
        (lambda: minimise_energy(2, 3, start=np.zeros((2, 3))), ValueError, "expected rows that are not zero"),
    ],
)
def test_bad_input_is_named(call, error, match):
    with pytest.raises(error, match=match):
        call()


def test_configuration_is_found_by_its_name():
    assert configurations.configuration("E8").n == 240


# ---- the minimiser
@pytest.mark.parametrize(("n", "own"), [(1, 0.5), (2, 0.5)])
def test_one_and_two_neurons(n, own):
    found = minimise_energy(n, 3)
    assert found.energy == (0 if n == 1 else pytest.approx(0.5, rel=1e-15, abs=0))
    assert found.success
    assert found.message == "converged"
    half = minimise_energy(n, 3, half_space=True)
    assert half.energy == pytest.approx({1: own, 2: 1 + 2 * np.sqrt(2)}[n], rel=1e-15, abs=0)
    assert half.gap == pytest.approx(0, abs=1e-14)


def test_minimum_carries_what_it_says():
    found = minimise_energy(32, 3, restarts=5)
    assert found.points.shape == (32, 3)
    assert np.sum(found.points**2, axis=1) == pytest.approx(np.ones(32), rel=1e-15, abs=0)
    E, dW = energy_and_gradient(found.points, 1.0, reduction="sum_unordered")
    assert found.energy == E
    assert found.gradient_norm == pytest.approx(np.max(np.linalg.norm(dW, axis=1)), rel=1e-12, abs=0)
    assert found.gradient_norm < 1e-9
    assert found.restarts == 5
    assert len(found.energies) == 6  # one from the Caspar-Klug points
    assert found.hits == np.sum(found.energies < E + 1e-6)
    assert found.lower_bound == lower_bound(32, 3, 1.0)
    assert found.gap == E - found.lower_bound
    assert len(minimise_energy(33, 3, restarts=5).energies) == 5
    assert len(minimise_energy(32, 4, restarts=5).energies) == 5


def test_same_call_same_points_and_another_stream_others():
    first, again, other = minimise_energy(9, 3), minimise_energy(9, 3), minimise_energy(9, 3, rng=np.random.default_rng(7))
    assert np.array_equal(first.points, again.points)
    assert not np.allclose(first.points, other.points)
    assert first.energy == pytest.approx(other.energy, rel=1e-13, abs=0)


def test_start_is_used_and_not_modified():
    start = configurations.caspar_klug(2, 0) * 3
    before = start.copy()
    start.flags.writeable = False
    trapped = minimise_energy(42, 3, start=start, restarts=0)
    assert np.array_equal(start, before)
    assert trapped.energy == pytest.approx(tables.CASPAR_KLUG[2, 0][1], abs=1e-8)
    assert len(trapped.energies) == 1
    freed = minimise_energy(42, 3, restarts=6)  # the Caspar-Klug points are one of the starts, and lose
    assert freed.energies[0] == pytest.approx(trapped.energy, rel=1e-10, abs=0)
    assert freed.energy == pytest.approx(tables.THOMSON.energies[42], abs=1e-8)


def test_trap_returns_to_itself_when_shaken():
    trapped = minimise_energy(42, 3, start=configurations.caspar_klug(2, 0), restarts=0)
    for seed in range(10):
        shaken = trapped.points + 1e-3 * gaussian(42, 3, seed)
        assert minimise_energy(42, 3, start=shaken, restarts=0).energy == pytest.approx(trapped.energy, rel=1e-12, abs=0)


def test_start_in_single_precision_or_integers():
    for start in (np.eye(3, dtype=np.float32), np.eye(3, dtype=int)):
        found = minimise_energy(3, 3, start=start, restarts=0)
        assert found.points.dtype == np.float64
        assert found.energy == pytest.approx(np.sqrt(3), rel=1e-13, abs=0)


@pytest.mark.parametrize(
    ("n", "d", "s", "expected", "within"),
    [
        (4, 3, 0, -4 * np.log(np.pi / 2) - 2 * np.log(np.pi), 1e-12),  # square
        (4, 3, 1, 6 / np.arccos(-1 / 3), 1e-12),  # tetrahedron
        (8, 3, 0, -12 * np.log(np.arccos([1 / 3, -1 / 3])).sum() - 4 * np.log(np.pi), 1e-12),  # cube
        (8, 3, 1, 12 / np.arccos(1 / 3) + 12 / np.arccos(-1 / 3) + 4 / np.pi, 1e-12),  # cube
        (8, 3, 2, 11.52958481, 1e-8),  # neither the cube nor the antiprism
        (5, 4, 0, -6.07202044, 2e-8),  # triangular bipyramid
        (6, 4, 1, 8.55158819, 1e-8),  # antipodal pair and a tetrahedron
    ],
)
def test_angular_minima(n, d, s, expected, within):
    found = minimise_energy(n, d, s, angular=True, restarts=25 if (n, s) == (8, 1) else 8)
    assert found.energy == pytest.approx(expected, abs=within)
    assert found.success


@pytest.mark.parametrize(
    ("n", "d", "s", "expected"),
    [
        (6, 3, 1, 49.1652530576288),  # axes of the icosahedron
        (28, 7, 2, 857.5),
        (3, 3, 0, -9 * np.log(2)),  # orthonormal: the octahedron
        (3, 2, 1, 6 * (1 + 1 / np.sqrt(3) + 1 / 4)),  # hexagon
    ],
)
def test_half_space_minima(n, d, s, expected):
    found = minimise_energy(n, d, s, half_space=True)
    assert found.energy == pytest.approx(expected, rel=1e-13, abs=0)
    assert abs(found.gap) < 1e-11 * abs(expected)


@pytest.mark.parametrize("n", [5, 8, 9, 12, 16])
def test_steep_energies_approach_tammes_problem(n):
    """The smallest angle of the minimum for s = 200 is at most the largest possible one, and less by a degree at most."""
    G = (lambda U: U @ U.T - 2 * np.eye(n))(minimise_energy(n, 3, 200.0).points)
    angle = np.degrees(np.arccos(G.max()))
    assert tables.TAMMES[n] - 1 < angle < tables.TAMMES[n] + 1e-6


def test_24_cell_is_not_beaten_by_energies():
    for s in (0, 1, 2, 3):
        found = minimise_energy(24, 4, s, restarts=100)  # of which some five find it
        assert found.energy == pytest.approx(energy_from_distances(configurations.configuration("24-cell"), s), rel=1e-11, abs=0)


def test_tolerance_that_cannot_be_met_is_said_so():
    found = minimise_energy(11, 3, restarts=1, gtol=1e-300)
    assert not found.success
    assert "is above its tolerance" in found.message
    assert found.gradient_norm < 1e-10  # as far as rounding lets it


def test_newton_steps_that_lead_nowhere_end(monkeypatch):
    monkeypatch.setattr(minimise, "conjugate_gradients", lambda product, b: np.zeros_like(b))
    found = minimise_energy(11, 3, restarts=1, gtol=1e-300)
    assert found.energy == pytest.approx(tables.THOMSON.energies[11], abs=5.1e-10)
    assert not found.success


def test_newton_steps_that_creep_end(monkeypatch):
    whole = minimise.conjugate_gradients
    monkeypatch.setattr(minimise, "conjugate_gradients", lambda product, b: 0.01 * whole(product, b))
    start = minimise_energy(5, 3, 1.0, restarts=1).points + 1e-3 * np.random.default_rng(0).normal(size=(5, 3))
    monkeypatch.setattr(minimise, "descend", lambda U, *args, **options: U)
    found = minimise_energy(5, 3, 1.0, start=start, restarts=0)
    assert not found.success
    assert found.gradient_norm == pytest.approx(0.99**39 * largest_slope(start), rel=0.05)


def largest_slope(W):
    """max ‖∇_i E‖ at unit rows."""
    dW = energy_and_gradient(W / np.sqrt(np.sum(W * W, axis=1, keepdims=True)), 1.0, reduction="sum_unordered")[1]
    return np.max(np.sqrt(np.sum(dW * dW, axis=1)))


def test_flat_minimum_converges_all_the_same():
    """n = 7, s = 0: the pentagonal bipyramid, flat to fourth order along two more modes; 57 of 60 seeds reach it."""
    found = minimise_energy(7, 3, 0.0, restarts=3)
    assert found.success
    assert found.energy == pytest.approx(-6 * np.log(2) - 2.5 * np.log(5), rel=1e-14, abs=0)


def test_pairs_are_joined_only_if_they_are_pairs():
    angles = {"angular": True, "half_space": False}
    U = minimise.unit(np.array([[1.0, 0, 0], [-1, 1e-3, 0], [0, 1, 0]]))
    owner, sign = minimise.antipodes(U, angles, -1 + 1e-4)
    assert owner.tolist() == [0, 0, 2]
    assert sign.ravel().tolist() == [1, -1, 1]
    three = minimise.unit(np.array([[1.0, 0, 0], [-1, 1e-3, 0], [-1, 0, 1e-3]]))
    assert minimise.antipodes(three, angles, -1 + 1e-4)[0].tolist() == [0, 1, 2]
    assert minimise.antipodes(U, {"angular": False, "half_space": False}, -1 + 1e-4)[0].tolist() == [0, 1, 2]


def test_subgradient_at_a_cone():
    """Two antipodes and a third point: the cone of the pair takes up a common force to c_s π^(−s−1), not more."""
    U = np.array([[1.0, 0, 0], [-1, 0, 0], [0, 1, 0]])
    variant = {"angular": True, "half_space": False}
    for size, left in ((0.2 / np.pi**2, 0.0), (3 / np.pi**2, 2 / np.pi**2)):
        dW = np.array([[0, size, 0], [0, size, 0], [0, 0, 0]])
        assert minimise.largest(minimise.least_subgradient(U, dW, 1.0, variant)) == pytest.approx(left, abs=1e-15)
    opposite = np.array([[0, 1.0, 0], [0, -1.0, 0], [0, 0, 0]])
    assert np.array_equal(minimise.least_subgradient(U, opposite, 1.0, variant), opposite)
    assert minimise.least_subgradient(U, opposite, 1.0, {"angular": False, "half_space": False}) is opposite


def test_conjugate_gradients_solve():
    A = gaussian(6, 6)
    A = A @ A.T + np.eye(6)
    b = gaussian(6, 1)
    assert minimise.conjugate_gradients(lambda v: A @ v, b, rtol=1e-12) == pytest.approx(np.linalg.solve(A, b), rel=1e-9, abs=0)
    assert minimise.conjugate_gradients(lambda v: A @ v, b, steps=1) == pytest.approx(
        b * (b.T @ b) / (b.T @ A @ b), rel=1e-12, abs=0
    )
    assert np.array_equal(minimise.conjugate_gradients(lambda v: -v, b), np.zeros_like(b))  # negative curvature: no step


# ---- far from where one usually is
@pytest.mark.parametrize(("d", "s"), [(1000, 300), (4608, 300), (200, 150.5), (10**9, 100)])
def test_uniform_energy_of_large_exponents(d, s):
    with mpmath.workdps(60):
        a, h = mpmath.mpf(d - 1) / 2, mpmath.mpf(s) / 2
        log = mpmath.loggamma(a - h) + mpmath.loggamma(2 * a) - mpmath.loggamma(a) - mpmath.loggamma(2 * a - h) - s * mpmath.log(2)
        expected = float(mpmath.exp(log))
    assert limits.uniform_energy(d, s) == pytest.approx(expected, rel=2e-11)


@pytest.mark.parametrize(("d", "s"), [(300, 150), (10**6, 1), (10**5, 0), (60, 40)])
def test_uniform_energy_by_angle_of_many_dimensions(d, s):
    with mpmath.workdps(40):
        m, cuts = d - 2, [k * mpmath.pi / 2 / 40 for k in range(41)]
        cuts = sorted({*cuts, *(mpmath.pi / 2 - k / mpmath.sqrt(d) for k in (1, 3, 9) if k**2 < d)})
        f = (lambda x: -mpmath.log(x)) if s == 0 else (lambda x: x**-s)
        both = lambda x: (f(x) + f(mpmath.pi - x)) * mpmath.sin(x) ** m  # noqa: E731
        c = mpmath.gamma(mpmath.mpf(d) / 2) / mpmath.gamma(mpmath.mpf(d - 1) / 2) / mpmath.sqrt(mpmath.pi)
        expected = float(c * mpmath.quad(both, cuts))
    assert limits.uniform_energy(d, s, angular=True) == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("half_space", [False, True])
@pytest.mark.parametrize("s", [1e-17, 1e-9, 1e-3, 0.03, 0.5, 1.9])
@pytest.mark.parametrize(("m", "d"), [(4, 3), (5, 10), (30, 2000)])
def test_normalised_excess_keeps_its_digits(m, d, s, half_space):
    W = np.random.default_rng(m).normal(size=(m, d))
    with mpmath.workdps(60):
        z = mpmath.mpf(s)
        rows = [[mpmath.mpf(float(x)) for x in w] for w in W]
        lengths = [mpmath.sqrt(mpmath.fsum(x * x for x in w)) for w in rows]
        kernel = lambda q: q ** (-z / 2)  # noqa: E731
        both = lambda t: (kernel(2 - 2 * t) + kernel(2 + 2 * t)) / 2 if half_space else kernel(2 - 2 * t)  # noqa: E731
        t = [mpmath.fsum(map(mpmath.fmul, rows[i], rows[j])) / lengths[i] / lengths[j] for i in range(m) for j in range(i)]
        E = mpmath.fsum(map(both, t)) / len(t)
        a = mpmath.mpf(d - 1) / 2
        uniform = 2**-z * mpmath.gammaprod([a - z / 2, 2 * a], [a, 2 * a - z / 2])
        # of these m and d the bounds have closed forms: the simplex; in half space orthonormal axes, or Welch for 4 lines in space
        least = both(mpmath.sqrt(mpmath.mpf(max(0, m - d)) / (d * (m - 1)))) if half_space else kernel(mpmath.mpf(2 * m) / (m - 1))
        expected = float((E - least) / (uniform - least))
    assert limits.normalised_excess(W, s, half_space) == pytest.approx(expected, rel=1e-9)


def test_normalised_excess_of_coincident_neurons_is_infinite():
    assert limits.normalised_excess(np.ones((2, 3)), 1.0) == np.inf


@pytest.mark.parametrize("n", [12, 1000])
def test_expected_minimum_is_smooth_where_its_two_terms_have_poles(n):
    with mpmath.workdps(40):

        def both_terms(s):
            s, x = mpmath.mpf(s), mpmath.mpf(s) / 2
            hexagonal = (
                6 * mpmath.zeta(x) * mpmath.power(3, -x) * (mpmath.zeta(x, mpmath.mpf(1) / 3) - mpmath.zeta(x, mpmath.mpf(2) / 3))
            )
            second = (mpmath.sqrt(3) / (8 * mpmath.pi)) ** x * hexagonal
            return float(2 ** (1 - s) / (2 - s) * n**2 + second * mpmath.mpf(n) ** (1 + x))

        for s in (1.98, 1.9901, 1.995, 1.9999, 1.999999, 2 - 1e-9):
            assert limits.expected_minimum(n, s) == pytest.approx(both_terms(s), rel=3e-10)
    assert limits.expected_minimum(n, 2 - 1e-9) == pytest.approx(limits.expected_minimum(n, 2.0), rel=1e-8)


def test_growth_for_steep_kernels():
    assert limits.hexagonal_zeta(101) == 6 == pytest.approx(limits.hexagonal_zeta(99), rel=1e-15)
    assert limits.growth_of_minimum(2, 400).leading == pytest.approx(2 * (2 * np.pi) ** -400.0)
    assert limits.expected_minimum(300, 1500, "mean") == 0  # its constant is below the least number there is


@pytest.mark.parametrize(("n", "s"), [(3000, 20.0), (30000, 1.0)])
def test_lower_bound_on_the_circle_is_the_minimum_to_the_last_digits(n, s):
    assert lower_bound(n, 2, s, reduction="sum_ordered") == pytest.approx(limits.circle_minimum(n, s), rel=1e-13)


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: limits.welch_bound(300, 2, 3000), OverflowError, "^s: the energy of a pair at distance 0.767 exceeds"),
        (lambda: lower_bound(300, 2, 300), OverflowError, "^s: the energy exceeds the range of float64"),
        (lambda: limits.expected_minimum(10**6, 140), OverflowError, "^s: the energy exceeds the range of float64"),
        (lambda: limits.hexagonal_zeta(2), ValueError, "^s: expected 0 < s, and not the pole s = 2, got 2"),
        (lambda: limits.hexagonal_zeta(0), ValueError, "^s: expected 0 < s"),
        (
            lambda: minimise_energy(3, 3, start=np.ones((3, 3))),
            ValueError,
            "^start: expected rows of which no two point the same way",
        ),
        (lambda: minimise_energy(2, 2, half_space=True, start=[[1, 0], [-1, 0]]), ValueError, "^start: .*and none opposite"),
    ],
)
def test_what_has_no_finite_energy_is_named(call, error, match):
    with pytest.raises(error, match=match):
        call()


def test_half_space_starts_without_antipodes():
    found = minimise_energy(12, 3, 2.0, half_space=True, restarts=3)
    assert found.success
    assert found.lower_bound <= found.energy


def test_tiny_exponents_find_the_minimum_of_the_logarithm():
    found = minimise_energy(12, 3, 1e-12, restarts=2)
    assert found.success
    assert energy_and_gradient(found.points, 0.0, reduction="sum_unordered")[0] == pytest.approx(
        energy_from_distances(configurations.configuration("icosahedron"), 0.0), rel=1e-9
    )


def test_hits_are_relative_to_the_energy():
    found = minimise_energy(5, 3, 30.0, restarts=10)
    assert found.hits == np.sum(found.energies <= found.energy * (1 + 1e-8)) < 11
