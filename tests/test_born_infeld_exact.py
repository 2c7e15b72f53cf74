"""Closed-form motions, the measure, and the motions compared with: other people's integrators, many digits, edges, bad input."""

import mpmath as mp
import numpy as np
import pytest
from scipy.integrate import simpson, solve_ivp

from refimpl.papers.born_infeld import exact, measure, related
from refimpl.papers.born_infeld.integrators import OutsideDomain

M = 1.3  # √ of the curvature
REFERENCE = 1e-11  # of the reference: relative tolerance 1e-13 a step, some hundred steps, motions of order 1


def flow(potential, E, theta, pi, t):
    """θ (k, n) and π (k, n) at times t of θ̇ = (V/E) π, π̇ = −½(V/E + E/V)∇V, by DOP853."""
    n = len(theta)

    def rate(_, z):
        V, g = potential(z[:n])
        return np.concatenate([V / E * z[n:], -0.5 * (V / E + E / V) * g])

    z = solve_ivp(rate, (0, t[-1]), np.concatenate([theta, pi]), method="DOP853", rtol=1e-13, atol=1e-16, t_eval=t).y.T
    return z[:, :n], z[:, n:]


def bowl(theta):
    return 0.5 * M * M * theta @ theta, M * M * theta


def close(got, expected, rel):
    """Relative to each entry, but for the size of the smallest motion that counts: 1."""
    return np.max(np.abs(got - expected) / (1 + np.abs(expected))) <= rel


# ---- closed forms
@pytest.mark.parametrize("uphill", [False, True])
@pytest.mark.parametrize(("theta0", "extra"), [(0.7, 0.0), (-0.7, 0.3), (0.7, 1e-9), (-2.0, 40.0)])
def test_sech_motion_is_the_flow(theta0, extra, uphill):
    t, V0 = np.linspace(0, 5, 21), 0.5 * M * M * theta0**2
    size = np.sqrt(extra * (2 * V0 + extra) / V0)
    theta, pi = flow(bowl, V0 + extra, [theta0], [np.sign(theta0) * size * (1 if uphill else -1)], t)
    got = exact.sech_motion(t, M, theta0, extra, uphill)
    assert close(got[0], theta[:, 0], REFERENCE)
    assert close(got[1], pi[:, 0], REFERENCE)
    assert close(got[2], 0.5 * M * M * theta[:, 0] ** 2, REFERENCE)


@pytest.mark.parametrize("t", [-900.0, 1e-9, 30.0, 400.0, 900.0])
def test_sech_motion_in_many_digits(t):
    with mp.workdps(50):
        V0 = mp.mpf(0.5) * (mp.mpf(0.5) * 2) ** 2
        E = V0 + mp.mpf(0.25)
        X = mp.sqrt(2) * mp.mpf(0.5) * mp.mpf(t) + mp.acosh(E / V0)
        A = mp.sqrt(2 * E) / mp.mpf(0.5)
        wanted = A * mp.sqrt(mp.sech(X)), -mp.mpf(0.5) * A / mp.sqrt(2) * mp.sqrt(mp.cosh(X)) * mp.tanh(X), E * mp.sech(X)
        gaps = [float(abs(g / w - 1)) for g, w in zip(exact.sech_motion(t, 0.5, 2.0, 0.25), wanted, strict=True)]
    assert max(gaps) <= 1e-15 * (10 + abs(t))  # e^X carries the rounding of X


def test_sech_motion_beyond_the_floating_point_range_is_at_the_minimum():
    assert exact.sech_motion(1e4, 1.0, 2.0) == (0, -np.inf, 0)


@pytest.mark.parametrize("n", [1, 2, 3, 6])
def test_spiral_is_the_flow(n):
    rng = np.random.default_rng(n)
    t, theta0 = np.linspace(0, 5, 11), rng.normal(size=n)
    for pi0 in (rng.normal(size=n), np.zeros(n), -3 * theta0):
        V0 = bowl(theta0)[0]
        theta, _ = flow(bowl, np.sqrt(V0 * (V0 + pi0 @ pi0)), theta0, pi0, t)
        got, V = exact.spiral(t, M, theta0, pi0)
        assert close(got, theta, REFERENCE)
        assert close(V, 0.5 * M * M * np.sum(theta * theta, axis=1), REFERENCE)
        one, V_one = exact.spiral(t[3], M, theta0, pi0)
        assert one.shape == (n,)
        np.testing.assert_array_equal([*one, V_one], [*got[3], V[3]])


# V₀ of E = 1, and the error granted: SciPy's sn and cn, as the docstring says
@pytest.mark.parametrize(
    ("V0", "rel"), [(0.999999, 1e-14), (0.5, 1e-14), (1e-3, 1e-13), (1e-9, 1e-12), (1e-16, 1e-8), (1e-200, 1e-8)]
)
def test_elliptic_motion_in_many_digits(V0, rel):
    T = exact.elliptic_period(M, V0, 1.0)
    t = np.concatenate([np.linspace(-0.7, 1.2, 14) * T, [0.2499 * T, 0.24999999 * T, 0.5001 * T]])
    got = exact.elliptic(t, M, V0, 1.0)
    with mp.workdps(30 if V0 > 1e-30 else 460):
        v = mp.mpf(V0)
        k2 = (1 - v) / (1 + v)
        period = 4 * mp.sqrt(2) / mp.mpf(M) * mp.sqrt(1 / (1 + v)) * mp.ellipk(k2)
        assert abs(T / period - 1) <= 1e-15
        for at, *ours in zip(t, *got, strict=True):
            u = mp.mpf(M) / mp.sqrt(2) * mp.sqrt(1 + v) * mp.mpf(at)
            sn, cn, dn = (mp.ellipfun(f, u, m=k2) for f in ("sn", "cn", "dn"))
            D = cn**2 + v * sn**2
            theta, pi = mp.sqrt(2 * v * (1 - v) / D) * sn / mp.mpf(M), cn * dn * mp.sqrt((1 - v * v) / (v * D))
            scales = mp.sqrt(2 * (1 - v)) / mp.mpf(M), abs(pi) + mp.sqrt(1 - v * v), v / D
            for value, wanted, scale in zip(ours, (theta, pi, v / D), scales, strict=True):
                assert abs(value - wanted) <= rel * scale


def test_elliptic_motion_starts_from_the_minimum_with_positive_momentum():
    theta, pi, V = exact.elliptic(0.0, M, 0.5, 1.0)
    assert (theta, V) == (0, 0.5)
    assert pi == pytest.approx(np.sqrt(1 / 0.5 - 0.5), rel=1e-15)


def test_cycloid_moves_at_the_speed_limit_and_turns_at_the_wall():
    phi, dphi = np.linspace(-2.8, 2.8, 15), 1e-5
    (t0, x0, y0), (t1, x1, y1) = exact.cycloid(phi - dphi, 0.3, 1.7), exact.cycloid(phi + dphi, 0.3, 1.7)
    speed2 = ((x1 - x0) ** 2 + (y1 - y0) ** 2) / (t1 - t0) ** 2
    np.testing.assert_allclose(speed2, 1.7 * exact.cycloid(phi, 0.3, 1.7)[2], rtol=1e-8)  # central difference: dphi² = 1e-10
    assert exact.cycloid(np.pi, 0.3, 1.7)[2] <= 1e-32  # sin²(rounding of π)


# ---- measure
CLOCKS = {  # ds/dt of each clock s
    "t": lambda V, E, c: 1,
    "s": lambda V, E, c: (c * V + E**2 - V**2) / E**2,
    "tau": lambda V, E, c: V / E,
    "length": lambda V, E, c: V / E * mp.sqrt(E**2 / V - V),
}


@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize("n", [1, 2, 3, 10])
def test_density_is_the_momentum_volume_between_two_energies(n, clock):
    """∫ δ(H − E) dⁿπ = d/dE of the volume of |π|² < E²/V − V, times the clock's rate."""
    V, E, c = [1e-6, 0.3, 1.1, 1.999], 2.0, 0.7
    with mp.workdps(40):
        shells = [mp.diff(lambda e, v=v: (e * e / mp.mpf(v) - v) ** (mp.mpf(n) / 2), E) for v in V]
        wanted = [mp.log(shell * CLOCKS[clock](mp.mpf(v), E, c)) for shell, v in zip(shells, V, strict=True)]
    gap = measure.log_density(V, E, n, clock, c) - np.array(wanted, float)
    np.testing.assert_allclose(gap, gap[0], atol=1e-13)  # logarithms of size 70


def test_density_outside_the_domain():
    got = measure.log_density([-1.0, 0.0, 1e-310, 2.0, 3.0, np.nan], 2.0, 3)
    np.testing.assert_array_equal(np.isneginf(got), [True, True, False, True, True, False])
    assert np.isfinite(got[2])
    assert np.isnan(got[5])
    np.testing.assert_array_equal(measure.log_density([[0.5]], 2.0, 3, "s"), measure.log_density([[0.5]], 2.0, 3, "s", c=2.0))
    assert np.exp(measure.log_density(0.5, 2.0, 2) - measure.log_density(1.0, 2.0, 2)) == pytest.approx(2, rel=1e-14)


@pytest.mark.parametrize("n", [1, 2, 3, 10, 301])
@pytest.mark.parametrize("R", [1e-9, 0.5, 3.0, 1e4, 1e8, 1e300])
def test_basin_integral_in_many_digits(n, R):
    with mp.workdps(40):
        wanted = mp.mpf(R) ** (mp.mpf(n) / 2) / n * mp.hyp2f1(mp.mpf(n) / 2, mp.mpf(n) / 2, mp.mpf(n) / 2 + 1, -mp.mpf(R))
        assert float(abs(measure.basin_integral(n, R) - wanted)) <= 1e-12 * float(wanted) + 1e-300


def test_basin_ratio_is_the_root_of_the_determinants():
    Q = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    H1, H2 = Q @ np.diag([1.0, 4.0, 9.0]) @ Q.T, np.diag([2.0, 8.0, 36.0])
    assert measure.basin_ratio(H1, H2) == pytest.approx(4, rel=1e-14)


def test_moment_of_cube_directions():
    """Seen from the centre, a face of the cube holds all directions: the mean over the cube is the mean over the face."""
    y, w = np.polynomial.legendre.leggauss(60)
    y2, y4 = np.add.outer(y**2, y**2), np.add.outer(y**4, y**4)
    assert measure.cube_moment(1) == pytest.approx(1, rel=1e-8)
    assert measure.cube_moment(2) == pytest.approx(1.5 - np.pi / 4, rel=1e-8)  # by hand
    assert measure.cube_moment(3) == pytest.approx(w @ ((1 + y4) / (1 + y2) ** 2) @ w / 4, rel=1e-8)


# ---- ECDSep
def valley(theta):
    x, y, z = theta
    value = 0.5 + 0.5 * x * x + 1.3 * y * y + 0.6 * x * x * y + 0.25 * (theta @ theta) ** 2 + 0.1 * z
    return value, np.array([x + 1.2 * x * y, 2.6 * y + 0.6 * x * x, 0.1]) + (theta @ theta) * theta


HERE = np.array([0.8, -0.3, 0.2])
HERE.flags.writeable = False


@pytest.mark.parametrize(("eta", "s", "extra"), [(1.0, 1.0, 0.0), (2.5, 1.0, 0.7), (1.0, 0.0, 1.0)])
def test_ecdsep_step_is_the_released_update(eta, s, extra):
    state = related.ecdsep_start(valley, HERE, 0.1, extra, eta=eta, s=s)
    theta, pi, eH = HERE, state.pi, (valley(HERE)[0] - 0.1) ** eta * (s + extra)
    for _ in range(20):
        F, g = valley(theta)
        q = pi @ pi
        r = 1 if q == 0 else np.sqrt((eH / (F - 0.1) ** eta - s) / q)
        pi = r * pi - 0.02 * eta * g / (F - 0.1)
        theta = theta + 0.04 * pi / (s + pi @ pi)
        state = related.ecdsep_step(valley, state, 0.02)
    np.testing.assert_allclose(state.theta, theta, rtol=1e-12)  # twenty steps, well conditioned
    np.testing.assert_allclose(state.pi, pi, rtol=1e-12)


def test_ecdsep_noise_turns_the_momentum_and_keeps_its_size():
    state = related.ecdsep_start(valley, HERE, extra=1.0)
    plain = related.ecdsep_step(valley, state, 0.1)
    noisy, again = (related.ecdsep_step(valley, state, 0.1, rng=np.random.default_rng(5), nu=0.1) for _ in range(2))
    np.testing.assert_array_equal(noisy.pi, again.pi)
    np.testing.assert_array_equal(noisy.theta, plain.theta)  # the noise comes after the drift
    assert noisy.pi @ noisy.pi == pytest.approx(plain.pi @ plain.pi, rel=1e-14)
    assert 1e-3 < 1 - noisy.pi @ plain.pi / (plain.pi @ plain.pi) < 0.3  # ν² or so


def test_ecdsep_guards():
    state = related.ecdsep_start(valley, HERE, extra=0.5)
    frozen = state._replace(V=1e-41)
    assert related.ecdsep_step(valley, frozen, 0.1) is frozen
    uphill = state._replace(V=100.0)  # the shell asks for |Π|² < 0: only the kick changes Π
    np.testing.assert_array_equal(related.ecdsep_step(valley, uphill, 0.1).pi, state.pi - 0.1 / 100.0 * state.dV)
    assert related.ecdsep_shell(state) == 0.5
    with pytest.raises(OutsideDomain, match="V: expected a potential > 0"):
        related.ecdsep_leapfrog_step(lambda theta: (-1.0, theta), state, 0.1)


# ---- steps that run backwards
@pytest.mark.parametrize("step", [related.ecdsep_leapfrog_step, related.mchmc_leapfrog_step, related.mchmc_minimal_norm_step])
def test_symmetric_steps_are_reversible(step):
    mchmc = step is not related.ecdsep_leapfrog_step
    first = related.mchmc_start(valley, HERE, np.random.default_rng(0)) if mchmc else related.ecdsep_start(valley, HERE, 0.1, 0.5)
    state = first
    for h in [0.05] * 40 + [-0.05] * 40:
        state = step(valley, state, h)
    np.testing.assert_allclose(state.theta, first.theta, rtol=0, atol=1e-13)  # eighty steps
    np.testing.assert_allclose(state[1], first[1], rtol=0, atol=1e-13)


# ---- MCHMC
def test_minimal_norm_step_is_its_five_parts():
    state, (lam, h) = related.mchmc_start(valley, HERE, np.random.default_rng(0)), (0.1931833275037836, 0.3)
    u, first = related.mchmc_kick(state.u, valley(HERE)[1], lam * h)
    theta = HERE + h / 2 * u
    u, second = related.mchmc_kick(u, valley(theta)[1], h - 2 * lam * h)
    theta = theta + h / 2 * u
    u, third = related.mchmc_kick(u, valley(theta)[1], lam * h)
    got = related.mchmc_minimal_norm_step(valley, state, h)
    wanted = [*theta, *u, valley(theta)[0], first + second + third]
    np.testing.assert_allclose([*got.theta, *got.u, got.S, got.K], wanted, rtol=1e-13)  # the same operations but for their order


@pytest.mark.parametrize("delta", [1e-12, 1e-3, 1.0, 30.0, 400.0, 1e5])
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("n", [2, 3, 10])
def test_kick_in_many_digits(n, sign, delta):
    rng = np.random.default_rng([n, int(sign > 0)])
    u, g = rng.normal(size=(2, n))
    u /= np.sqrt(u @ u)
    h = sign * delta * (n - 1) / np.sqrt(g @ g)
    got, gained = related.mchmc_kick(u, g, h)
    with mp.workdps(60):
        size = mp.sqrt(mp.fsum(mp.mpf(x) ** 2 for x in g))
        e, d = [-mp.mpf(x) / size for x in g], mp.mpf(h) * size / (n - 1)
        c, z = mp.fsum(a * b for a, b in zip(e, map(mp.mpf, u), strict=True)), mp.exp(-abs(d))
        cosh, sinh = (1 + z * z) / 2, sign * (1 - z * z) / 2  # both times e^{−|δ|}
        D = cosh + c * sinh
        wanted = [float((z * mp.mpf(a) + b * (sinh + c * (cosh - z))) / D) for a, b in zip(u, e, strict=True)]
        energy = (n - 1) * (abs(d) + mp.log(D))
        assert abs(gained - energy) <= 1e-14 * (n - 1) * max(1, delta)  # e and u are unit to rounding
    np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-14)


def test_kick_along_and_against_the_force():
    g = np.array([3.0, 0.0])
    for h, gain in ((500.0, 1500.0), (-500.0, -1500.0)):
        u, gained = related.mchmc_kick(np.array([-1.0, 0.0]), g, h)
        np.testing.assert_array_equal(u, [-1, 0])
        assert gained == pytest.approx(gain, rel=1e-15)
    assert related.mchmc_kick(g / 3, 0 * g, 1.0)[1] == 0
    assert related.mchmc_kick(g / 3, g * 1e300, 1e-300)[1] == pytest.approx(-3, rel=1e-14)  # |g|² is out of range


def test_mchmc_with_the_born_infeld_action_runs_along_born_infeld_orbits():
    E, rng = 3.0, np.random.default_rng(0)
    action = related.born_infeld_action(valley, E)
    state = related.mchmc_start(action, HERE, rng)
    V = valley(HERE)[0]
    p = state.u * np.sqrt(E * E / V - V)
    theta, pi = flow(valley, E, HERE, p, np.linspace(0, 3, 3001))
    speed = np.array([valley(q)[0] for q in theta]) / E * np.sqrt(np.sum(pi * pi, axis=1))
    length = simpson(speed, dx=1e-3)
    gaps = []
    for steps in (200, 400):
        run = state
        for _ in range(steps):
            run = related.mchmc_leapfrog_step(action, run, length / steps)
        gaps.append(np.max(np.abs(run.theta - theta[-1])))
        assert abs(related.mchmc_energy(run) - state.S) < 1e-3
    assert 3.6 < gaps[0] / gaps[1] < 4.4  # order 2, no other orbit
    assert gaps[1] < 1e-4


@pytest.mark.parametrize("f", [related.born_infeld_action(valley, 3.0, 0.1), related.ecd_q1_action(valley, 1.5, 0.1)])
def test_gradients_of_actions(f):
    v, h = np.array([0.3, -1.0, 0.5]), 1e-4
    slope = (8 * (f(HERE + h * v)[0] - f(HERE - h * v)[0]) - f(HERE + 2 * h * v)[0] + f(HERE - 2 * h * v)[0]) / (12 * h)
    assert f(HERE)[1] @ v == pytest.approx(slope, rel=1e-11)  # h⁴ and eps/h


def test_ecd_q1_samples_a_power_of_the_potential():
    there = HERE + 0.3
    S, S_there = (related.ecd_q1_action(valley, 1.5, 0.1)(theta)[0] for theta in (HERE, there))
    power = ((valley(there)[0] - 0.1) / (valley(HERE)[0] - 0.1)) ** -2.25  # −ηn/2, n = 3
    assert np.exp(S - S_there) == pytest.approx(power, rel=1e-13)


# ---- bad input
def number(theta):
    return float(theta @ theta), 2 * theta


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: exact.sech_motion(0, 0, 1), "m: expected a number in"),
        (lambda: exact.sech_motion(0, 1, 0), "theta0: expected a start off the minimum"),
        (lambda: exact.sech_motion(0, 1, 1, extra=-1), "extra: expected a number in"),
        (lambda: exact.sech_motion([0, np.nan], 1, 1), "t: expected finite numbers, got nan at index"),
        (lambda: exact.spiral(0, 1, [0, 0], [1, 0]), "theta0: expected a start off the minimum"),
        (lambda: exact.spiral(0, 1, [1, 0], [1, 0, 0]), r"pi0: expected shape \(2,\), got \(3,\)"),
        (lambda: exact.elliptic(0, 1, 2, 1), "E: expected a number > V0 = 2.0, got 1.0"),
        (lambda: exact.elliptic_period(1, 0, 1), "V0: expected a number in"),
        (lambda: exact.cycloid(0, 1, -1), "slope: expected a number in"),
        (lambda: measure.log_density(1, 2, 0), "n: expected a whole number >= 1, got 0"),
        (lambda: measure.log_density(1, 2, 2, "time"), "uniform_in: expected one of t, s, tau, length, got 'time'"),
        (lambda: measure.log_density(1, 2, 2, c=0), "c: expected a number in"),
        (lambda: measure.basin_integral(2, 0), "ratio: expected a number in"),
        (lambda: measure.basin_ratio(np.eye(2), [[1, 2], [0, 1]]), "hessian2: expected a finite symmetric square matrix"),
        (lambda: measure.basin_ratio(-np.eye(2), np.eye(2)), "hessian1: expected a positive definite matrix"),
        (lambda: measure.basin_ratio(np.eye(2), np.eye(3)), r"hessian2: expected shape \(2, 2\), got \(3, 3\)"),
        (lambda: related.ecdsep_start(number, [1.0], offset=2), "offset: expected a number below .* start, 1.0, got 2.0"),
        (lambda: related.ecdsep_start(number, [1.0], s=0), "extra: expected a number > 0 where s = 0"),
        (lambda: related.ecdsep_start(number, [1.0], eta=0), "eta: expected a number in"),
        (lambda: related.ecdsep_start(number, [0.0], offset=-1, extra=1), "rng: expected a numpy.random.Generator"),
        (lambda: related.ecdsep_start(lambda x: (np.nan, x), [1.0]), "objective: expected a finite value"),
        (lambda: related.mchmc_start(number, [1.0]), "theta: expected at least two coordinates, got 1"),
        (lambda: related.mchmc_start(number, [0.0, 0.0]), "rng: expected a numpy.random.Generator"),
        (lambda: related.mchmc_kick(np.ones(1), np.ones(1), 1.0), "u: expected at least two coordinates, got 1"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("make", [lambda: related.born_infeld_action(number, 1.0), lambda: related.ecd_q1_action(number, 1.0, 9.0)])
def test_actions_refuse_points_outside_their_domain(make):
    with pytest.raises(OutsideDomain, match="V: expected a potential"):
        make()(np.array([1.0, 1.0]))
