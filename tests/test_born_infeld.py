"""Born-Infeld: its doors, its ends, SciPy's conventions, mini-batches. The statements of the dynamics are claims B1 and on."""

import pickle
import warnings
from typing import Any

import numpy as np
import pytest
from scipy.optimize import Bounds, OptimizeResult, OptimizeWarning, minimize

from refimpl.manifolds import Space, box, free, product, spheres
from refimpl.optim import minimise, train
from refimpl.papers import born_infeld as bi
from refimpl.papers.born_infeld import bbi_step, born_infeld, bounce, energy_conserving_descent, leapfrog_step, start

STEPS = {
    "bbi": bbi_step,
    "leapfrog": leapfrog_step,
    "yoshida": bi.yoshida_step,
    "midpoint": bi.midpoint_step,
    "euler": bi.euler_step,
}
CURVATURE = np.array([1.0, 4.0])
INDEX = np.arange(1.0, 11)


def quadratic(theta):
    """½ (θ₁² + 4 θ₂²), and so on."""
    curvature = np.resize(CURVATURE, theta.shape).astype(theta.dtype)
    return 0.5 * float(theta @ (curvature * theta)), curvature * theta


def zakharov(theta):
    S = 0.5 * (INDEX @ theta)
    return theta @ theta + S**2 + S**4, 2 * theta + (S + 2 * S**3) * INDEX


def run(fun, x0, **options):
    """born_infeld through scipy.optimize.minimize."""
    outer = {k: options.pop(k) for k in ("args", "bounds", "callback", "tol", "constraints") if k in options}
    return minimize(fun, x0, jac=options.pop("jac", True), method=born_infeld, **outer, options={"step": 0.05, "rng": 0} | options)


# ---- vectors: made with the released code, 1e-14 of entries of size 1 from 50 steps of rounding
BBI = {  # extra energy, offset: θ after 1, 2, 3, 50 steps of 0.1 from (1, 1)
    (1.0, -0.2): (
        (0.965088779080711, 0.860355116322845), (0.929696882748721, 0.721586931158752), (0.895584236613568, 0.592405374075022),
        (-0.984480769816336, 1.16461475150119),
    ),
    (0.0, 0.0): (
        (0.99, 0.96), (0.967434722069081, 0.870861517610325), (0.93852671407816, 0.759424177624429),
        (-0.0129122567568019, -0.00527908571994192),
    ),
}  # fmt: skip


@pytest.mark.parametrize("energy", BBI)
@pytest.mark.parametrize("as_released", [False, True])
def test_update_is_the_released_one(energy, as_released):
    state, seen = start(quadratic, [1.0, 1.0], energy[1], energy[0], as_released=as_released), {}
    for k in range(1, 51):
        state = bbi_step(quadratic, state, 0.1, as_released=as_released)
        seen[k] = state.theta
    np.testing.assert_allclose([seen[k] for k in (1, 2, 3, 50)], BBI[energy], rtol=3e-14)


def test_log_leapfrog_is_where_it_was_computed_to_be():
    state, seen = start(quadratic, [1.0, 1.0], -0.2, 1.0), {}
    for k in range(1, 51):
        state = leapfrog_step(quadratic, state, 0.1)
        seen[k] = state.theta, state.pi
    np.testing.assert_allclose(seen[1][0], (0.976818184683466, 0.907272738733866), rtol=1e-14)
    np.testing.assert_allclose(seen[1][1], (-0.461216650597989, -1.83234891028996), rtol=1e-14)
    np.testing.assert_allclose(seen[3][0], (0.929746063254912, 0.723247007259924), rtol=1e-14)
    np.testing.assert_allclose(seen[50][0], (-0.860498684604765, 0.602776538484195), rtol=1e-13)


# ---- the start
def test_start_is_along_the_descent_on_the_shell():
    state = start(quadratic, [1.0, 1.0], offset=-0.2, extra_energy=1.0)
    assert (state.V, state.E, state.t, state.offset) == (2.7, 3.7, 0.0, -0.2)
    np.testing.assert_allclose(state.pi, np.sqrt(3.7**2 / 2.7 - 2.7) * np.array([-1, -4]) / 17**0.5, rtol=1e-15)
    assert bi.hamiltonian(state) == pytest.approx(3.7, rel=1e-15)


def test_momentum_keeps_its_digits_where_the_extra_energy_is_small():
    state = start(quadratic, [1.0, 1.0], extra_energy=1e-14)
    assert np.sqrt(state.pi @ state.pi) == pytest.approx(
        np.sqrt(2e-14 * (1 + 1e-14 / 5)), rel=1e-15
    )  # E²/V − V has two digits here


def test_nan_of_the_released_start():
    rng = np.random.default_rng(0)

    def at(V, **options):
        return start(lambda x: (V, np.ones(2)), [1.0, 1.0], **options)

    starts = [at(V, as_released=True) for V in rng.uniform(0.1, 10, 4000)]
    share = np.mean([np.isnan(s.pi).any() for s in starts])
    assert 0.03 < share < 0.05  # 3.9 %, standard error 0.3 %
    clean = [at(V) for V in rng.uniform(0.1, 10, 4000)]
    assert not any(s.pi.any() for s in clean)


def test_released_start_normalises_tensor_by_tensor():
    state = start(quadratic, np.ones(4), extra_energy=1.0, as_released=True, blocks=(1, 3))
    assert state.pi @ state.pi == pytest.approx(2 * bi.shell(state), rel=1e-14)
    assert state.pi[0] ** 2 == pytest.approx(bi.shell(state), rel=1e-14)


def test_released_start_where_the_gradient_is_zero_is_nan():
    assert np.isnan(start(lambda x: (1.0, 0 * x), [1.0, 2.0], extra_energy=1.0, as_released=True).pi).all()


def test_start_takes_a_random_direction_where_there_is_none():
    flat = lambda x: (1.0, 0 * x)  # noqa: E731
    state = start(flat, [1.0, 2.0], extra_energy=1.0, rng=np.random.default_rng(3))
    assert state.pi @ state.pi == pytest.approx(3.0, rel=1e-15)
    again = start(flat, [1.0, 2.0], extra_energy=1.0, rng=np.random.default_rng(3))
    assert state.pi.tobytes() == again.pi.tobytes()
    tangent = start(lambda x: (1.0, 0 * x), [1.0, 0.0, 0.0], extra_energy=1.0, rng=np.random.default_rng(3), space=spheres(1, 3))
    assert tangent.pi[0] == 0
    assert start(flat, [1.0, 2.0]).pi.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"offset": 2.5}, r"offset: expected a number below the value at the start, 2.5, got 2.5: V = 0.0 is not > 0"),
        ({"offset": np.nan}, "offset: expected a finite number, got nan"),
        ({"offset": "0"}, "offset: expected float32, float64 or integers"),
        ({"extra_energy": -1e-9}, "extra_energy: expected a number >= 0, got -1e-09"),
        ({"extra_energy": np.inf}, "extra_energy: expected a finite number, got inf"),
        ({"theta": [[1.0, 2.0]]}, r"theta: expected shape \(any,\), got \(1, 2\)"),
        ({"theta": [1.0, np.nan]}, "theta: expected finite numbers, got nan at index"),
        ({"blocks": (1, 2)}, r"blocks: expected sizes that sum to 2, got \(1, 2\)"),
        ({"blocks": 2}, "blocks: expected sizes that sum to 2, got 2"),
        ({"extra_energy": 1e300}, r"extra_energy: expected a momentum that float64 can hold, got \|π\|² = inf at V = 2.5"),
        (
            {"space": box([2.0, 0], [3.0, 4])},
            r"theta: expected entries between .* got 1.0 at index 0, outside \[2.0, 3.0\]",
        ),
        ({"space": spheres(1, 2)}, "theta: expected a row of unit length"),
        ({"objective": lambda x: (np.nan, x)}, "objective: expected a finite value and gradient at theta, got V nan"),
        ({"objective": lambda x: (1.0, x / 0)}, "objective: expected a finite value and gradient"),
        ({"objective": lambda x: (1.0, x[:1])}, r"gradient: expected shape \(2,\), got \(1,\)"),
        (
            {"objective": lambda x: (1.0, 0 * x), "extra_energy": 1.0},
            "rng: expected a numpy.random.Generator, because",
        ),
    ],
)
def test_start_refuses(wrong, message):
    arguments = {"objective": quadratic, "theta": [1.0, 1.0]} | wrong
    with np.errstate(all="ignore"), pytest.raises((ValueError, TypeError), match=message):
        start(arguments.pop("objective"), arguments.pop("theta"), **arguments)


# ---- steps
@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_state_is_a_value(step):
    state = start(quadratic, [1.0, 1.0], -0.2, 1.0)
    for a in (state.theta, state.pi, state.dV):
        a.flags.writeable = False
    before = pickle.dumps(state)
    one, two = step(quadratic, state, 0.01), step(quadratic, state, 0.01)
    assert pickle.dumps(state) == before
    assert one.theta.tobytes() == two.theta.tobytes()
    assert one.t == pytest.approx(0.01, rel=0.2)
    assert (one.E, one.V0, one.extra, one.offset) == (state.E, state.V0, state.extra, state.offset)


@pytest.mark.parametrize("step", [bbi_step, leapfrog_step, bi.yoshida_step, bi.euler_step, bi.midpoint_step])
def test_float32_stays_float32(step):
    single, double = start(quadratic, np.ones(2, np.float32), -0.2, 1.0), start(quadratic, np.ones(2), -0.2, 1.0)
    for _ in range(10):
        single, double = step(quadratic, single, 0.05), step(quadratic, double, 0.05)
    assert {a.dtype for a in (single.theta, single.pi, single.dV)} == {np.dtype(np.float32)}
    np.testing.assert_allclose(single.theta, double.theta, atol=1e-5)  # 10 steps of some 5 roundings of 6e-8
    assert bounce(single, np.random.default_rng(0)).pi.dtype == np.float32


def test_gradient_may_come_in_any_layout_and_its_buffer_be_used_again():
    buffer = np.zeros(4)

    def reused(x):
        buffer[::2] = quadratic(x)[1]
        return np.float32(quadratic(x)[0]), buffer[::2]

    def listed(x):
        return np.array(quadratic(x)[0]), quadratic(x)[1].tolist()

    state = start(reused, [1.0, 1.0], extra_energy=1.0)
    g = state.dV.copy()
    new = bbi_step(reused, state, 0.1)
    assert state.dV.tobytes() == g.tobytes()
    np.testing.assert_array_equal(bbi_step(listed, state, 0.1).theta, new.theta)
    with pytest.raises(ValueError, match=r"gradient: expected shape \(2,\), got \(1, 2\)"):
        bbi_step(lambda x: (1.0, x[None]), state, 0.1)


def test_released_guards():
    state = start(quadratic, [1.0, 1.0], extra_energy=1.0)
    frozen = state._replace(V=1e-41)
    assert bbi_step(quadratic, frozen, 0.1, as_released=True) is frozen
    nan = state._replace(V=np.nan)
    assert bbi_step(quadratic, nan, 0.1, as_released=True) is nan
    still = state._replace(pi=np.zeros(2))
    assert np.isnan(bbi_step(quadratic, still, 0.1, as_released=True).theta).all()
    assert bbi_step(quadratic, still, 0.1).theta == pytest.approx(bbi_step(quadratic, state, 0.1).theta, rel=1e-15)
    above = state._replace(V=10.0, pi=np.array([3.0, 0]))
    for as_released in (False, True):
        kicked = bbi_step(quadratic, above, 1e-9, as_released=as_released).pi
        np.testing.assert_allclose(kicked, [3.0, 0], atol=1e-7)  # left as it is
    # nearer to the shell than 1e-10 the released code does not rescale
    near = state._replace(pi=state.pi * (1 + 4e-12))
    assert bi.shell(near) == pytest.approx(bbi_step(quadratic, near, 0.0).pi @ bbi_step(quadratic, near, 0.0).pi, rel=1e-15)
    assert bbi_step(quadratic, near, 0.0, as_released=True).pi.tobytes() == near.pi.tobytes()


@pytest.mark.parametrize("as_released", [False, True])
def test_the_papers_update_can_stand_still_before_a_turning_point(as_released):
    """In one dimension; derived on the paper's page. With a sideways momentum, without rescaling and by the leapfrog it turns."""

    def stands_still(step, theta, seed):
        rng = np.random.default_rng(seed)
        state = start(lambda x: (0.5 * float(x @ x), x), theta, 0.0, rng.uniform(0.01, 0.1))
        h, turned = 10 ** rng.uniform(-3, -1.5), np.zeros_like(state.pi)
        turned[1:] = 1e-3
        state, last = state._replace(pi=turned - state.pi), None
        while last is None or last.theta.tobytes() != state.theta.tobytes():
            if state.pi[0] < 0:
                return False
            last, state = state, step(lambda x: (0.5 * float(x @ x), x), state, h)
        return state.V < state.E

    def unscaled(f, state, h):
        return bbi_step(f, state, h, project=False)

    def scaled(f, state, h):
        return bbi_step(f, state, h, as_released=as_released)

    assert 20 <= sum(stands_still(scaled, [0.5], seed) for seed in range(100)) <= 60
    for step, theta in ((scaled, [0.5, 0.0]), (unscaled, [0.5]), (leapfrog_step, [0.5])):
        assert not any(stands_still(step, theta, seed) for seed in range(100))


def test_no_momentum_and_no_gradient_is_left_as_it_is():
    state = start(quadratic, [1.0, 1.0], -0.2, 1.0)
    assert bi.rescale(state._replace(pi=np.zeros(2), dV=np.zeros(2))).pi.tolist() == [0, 0]


def test_steps_refuse_a_potential_outside_their_domain():
    state = start(quadratic, [1.0, 1.0], extra_energy=1.0)
    for bad in (0.0, -1.0, np.nan):
        for step in (bbi_step, leapfrog_step, bi.euler_step, bi.midpoint_step):
            with pytest.raises(bi.OutsideDomain, match="expected"):
                step(quadratic, state._replace(V=bad), 0.1)
    top = bi.largest_potential(state.E)
    assert top == pytest.approx((1 + 5**0.5) / 2 * state.E, rel=1e-15)
    leapfrog_step(lambda x: (2.5, 0 * x), state._replace(V=0.999 * top), 0.0)
    with pytest.raises(bi.OutsideDomain, match=rf"V: expected a potential in \(0, {top:.6g}\), got"):
        leapfrog_step(quadratic, state._replace(V=1.001 * top), 0.1)
    leapfrog_step(lambda x: (2.5, 0 * x), state._replace(V=1.001 * top), 0.0, c=2 * state.E)  # a larger c reaches higher


def test_shortened_step_is_the_first_that_stays_inside():
    def steep(x):
        return float(0.5 + x[0] ** 4), np.array([4 * x[0] ** 3])

    state = start(steep, [-0.1], extra_energy=1.0)
    with pytest.raises(bi.OutsideDomain):
        leapfrog_step(steep, state, 8.0)
    tried = []

    def counted(objective, state, h, **options):
        tried.append(h)
        return leapfrog_step(objective, state, h, **options)

    new = bi.shortened(counted, steep, state, 8.0, c=state.E)
    assert tried == [8 / 2**k for k in range(len(tried))]
    assert new.theta.tobytes() == leapfrog_step(steep, state, tried[-1]).theta.tobytes()
    with pytest.raises(bi.OutsideDomain, match=r"also with steps of 8.0/2\^0"):
        bi.shortened(leapfrog_step, steep, state, 8.0, halvings=0)


def test_midpoint_that_does_not_converge_says_so():
    with pytest.raises(bi.OutsideDomain, match=r"h: expected a step for which the midpoint iteration converges, got 0.1"):
        bi.midpoint_step(quadratic, start(quadratic, [1.0, 1.0], -0.2, 1.0), 0.1, iterations=2)
    with pytest.raises(bi.OutsideDomain):
        bi.midpoint_step(lambda x: (3.0, np.where(x == 1, x, np.inf)), start(quadratic, [1.0, 1.0], 0, 1.0), 0.1)


def test_located_step_stops_at_its_walls():
    low, high = np.array([-0.5, -np.inf]), np.array([1.0, np.inf])
    state = start(quadratic, [0.9, 0.3], -0.4, 1.0)
    for _ in range(200):
        state = bi.located_step(quadratic, state, 0.1, low, high)
        assert -0.5 <= state.theta[0] <= 1
    with pytest.raises(ValueError, match="state: expected theta between the walls, got"):
        bi.located_step(quadratic, state._replace(theta=np.array([2.0, 0])), 0.1, low, high)
    aimed = state._replace(theta=np.array([0.9, 0.3]), pi=np.array([3.0, 0.0]))
    with pytest.raises(bi.OutsideDomain, match=r"h: expected a step that meets fewer than 1 walls, got 0.5"):
        bi.located_step(quadratic, aimed, 0.5, low, high, hits=1)


# ---- bounces
def test_bounce_in_one_dimension_is_a_sign():
    state = start(quadratic, [1.0], extra_energy=1.0)
    signs = {round(float(bounce(state, np.random.default_rng(k)).pi[0] / state.pi[0]), 15) for k in range(20)}
    assert signs == {-1.0, 1.0}


# ---- spaces
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: box([0.0, 1], [1.0]), r"high: expected shape \(2,\) and low < high everywhere"),
        (lambda: box([0.0], [0.0]), "low < high everywhere, got low"),
        (lambda: box([np.nan], [1.0]), "low < high everywhere"),
        (lambda: spheres(0, 3), "m: expected a whole number >= 1, got 0"),
        (lambda: spheres(2, 1), "d: expected a whole number >= 2, got 1"),
        (lambda: product((0, free())), "size: expected a whole number >= 1, got 0"),
        (lambda: box([0.0], [1.0]).check(np.zeros(2)), r"theta: expected shape \(1,\) as the walls have, got \(2,\)"),
        (lambda: spheres(2, 3).check(np.zeros(3)), r"theta: expected shape \(6,\), 2 points of 3 coordinates, got \(3,\)"),
        (lambda: product((2, free()), (1, box([0.0], [1.0]))).check(np.zeros(2)), r"theta: expected shape \(3,\), got \(2,\)"),
        (lambda: product((2, free()), (1, box([0.0], [1.0]))).check(np.full(3, 2.0)), "theta: expected entries between the walls"),
    ],
)
def test_spaces_refuse(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_free_motion_is_a_straight_line():
    theta, pi = free().drift(np.array([1.0, 2]), np.array([3.0, -1]), 0.5)
    assert (theta.tolist(), pi.tolist()) == ([2.5, 1.5], [3.0, -1.0])
    free().check(theta)
    assert free().tangent(theta, pi) is pi


def test_product_cuts_theta_into_its_parts():
    space = product((3, spheres(1, 3)), (2, box([0.0, -np.inf], [1.0, np.inf])))
    theta = np.array([1.0, 0, 0, 0.5, 7])
    space.check(theta)
    pi = space.tangent(theta, np.array([2.0, 1, 0, 1, 1]))
    assert pi.tolist() == [0, 1, 0, 1, 1]
    there, v = space.drift(theta, pi, np.pi / 2)
    np.testing.assert_allclose(there, [0, 1, 0, 0.5 + np.pi / 2 - 2, 7 + np.pi / 2], atol=1e-15)
    np.testing.assert_allclose(v, [-1, 0, 0, 1, 1], atol=1e-15)  # both walls met
    assert isinstance(space, Space)


# ---- rows
def rows_of(objective):
    """An objective over rows from one over a vector."""

    def over_rows(theta):
        found = [objective(x) for x in np.ascontiguousarray(theta)]
        return np.array([v for v, _ in found]), np.array([g for _, g in found])

    return over_rows


def test_rows_that_leave_their_domain_stay():
    def fallen(theta):  # V < 0 beyond x = 0
        return theta[:, 0].copy(), np.stack([np.ones(len(theta)), 0 * theta[:, 1]], axis=1)

    state = bi.start_rows(fallen, [[0.01, 0.0], [5.0, 0.0]], extra_energy=1.0)
    for step in (bi.bbi_rows, bi.leapfrog_rows):
        one = two = state
        for _ in range(3):
            one, two = two, step(fallen, two, 0.3)
        assert one.theta[0].tobytes() == two.theta[0].tobytes()
        assert one.t[0] == two.t[0]
        assert two.t[1] > one.t[1]
        assert np.isfinite(two.theta).all()
    outside = bi.leapfrog_rows(fallen, state._replace(V=np.array([-1.0, 5.0])), 0.3)
    assert outside.theta[0].tolist() == [0.01, 0.0]
    frozen = bi.bbi_rows(fallen, state._replace(V=np.array([1e-41, 5.0])), 0.3, as_released=True)
    assert frozen.theta[0].tolist() == [0.01, 0.0]


def test_rows_do_as_single_steps_do_at_the_guards():
    objective = rows_of(quadratic)
    theta = np.array([[1.0, 1.0], [0.5, -1.0], [2.0, 0.1]])
    for as_released in (False, True):
        state = bi.start_rows(objective, theta, -0.2, 1.0)
        pi = state.pi.copy()
        pi[0] *= 1 + 4e-12  # nearer to the shell than 1e-10
        pi[1] = pi[1] if as_released else 0
        V = state.V.copy()
        V[2] = 10 * V[2]  # above E
        state = state._replace(pi=pi, V=V)
        new = bi.bbi_rows(objective, state, 0.1, as_released=as_released)
        for k in range(3):
            fields: list[Any] = [a[k] if isinstance(a, np.ndarray) else a for a in state]
            single = bbi_step(quadratic, bi.State(*fields), 0.1, as_released=as_released)
            np.testing.assert_allclose(new.theta[k], single.theta, rtol=1e-14)
            np.testing.assert_allclose(new.pi[k], single.pi, rtol=1e-13)


def test_rows_at_rest_with_no_gradient_stay():
    flat = bi.start_rows(lambda t: (np.ones(len(t)), 0 * t), np.ones((2, 2)))
    lower = flat._replace(V=np.full(2, 0.5))
    assert bi.bbi_rows(lambda t: (np.ones(len(t)), 0 * t), lower, 0.1).theta.tolist() == np.ones((2, 2)).tolist()


def test_rows_bounce_where_they_are_told_to():
    state = bi.start_rows(rows_of(quadratic), np.ones((4, 2)), -0.2, 1.0, rng=np.random.default_rng(0))
    which = np.array([True, False, True, False])
    new = bi.bounce_rows(state, np.random.default_rng(1), which)
    assert (new.pi != state.pi).all(axis=1).tolist() == which.tolist()
    np.testing.assert_allclose(np.sum(new.pi**2, axis=1), np.sum(state.pi**2, axis=1), rtol=1e-14)
    assert (bi.bounce_rows(state, np.random.default_rng(1), as_released=True).pi != state.pi).all()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"offset": 2.5}, r"offset: expected V = F - offset > 0 and a finite gradient, got V 0.0, gradient \[1. 4.\] in row 1"),
        ({"extra_energy": -1.0}, "extra_energy: expected a number >= 0, got -1.0"),
        ({"theta": np.ones(2)}, r"theta: expected shape \(k, n\), got \(2,\)"),
        ({"objective": lambda t: (1.0, t)}, r"objective: expected values \(2,\) and gradients \(2, 2\), got \(\) and \(2, 2\)"),
        ({"objective": lambda t: (np.ones(2), 0 * t), "extra_energy": 1.0}, "rng: expected a .* zero in row 0, got None"),
    ],
)
def test_rows_refuse(wrong, message):
    arguments = {"objective": rows_of(quadratic), "theta": np.array([[2.0, 1.0], [1.0, 1.0]])} | wrong
    with pytest.raises(ValueError, match=message):
        bi.start_rows(arguments.pop("objective"), arguments.pop("theta"), **arguments)


# ---- the in-place run
def test_in_place_run_ends_where_the_loss_reaches_the_offset():
    fall = lambda x: (float(x[0]), np.ones(1))  # noqa: E731
    state = start(fall, [0.1], extra_energy=1.0)
    with pytest.raises(bi.OutsideDomain, match="state: expected V > 0, got -"):
        bi.bbi_run(fall, state, 0.3, 5)
    with pytest.raises(ValueError, match="steps: expected a whole number >= 0, got -1"):
        bi.bbi_run(fall, state, 0.3, -1)
    assert state.theta.tolist() == [0.1]


def test_in_place_run_takes_other_gradients_and_keeps_theta_from_being_written():
    state = start(quadratic, np.ones(3), -0.2, 1.0)
    expected = bi.bbi_run(quadratic, state, 0.05, 20).theta
    other = bi.bbi_run(
        lambda x: (quadratic(x)[0], quadratic(x)[1].astype(np.float32)), start(quadratic, np.ones(3), -0.2, 1.0), 0.05, 20
    )
    np.testing.assert_allclose(other.theta, expected, rtol=1e-5)
    with pytest.raises(ValueError, match=r"gradient: expected shape \(3,\), got \(2,\)"):
        bi.bbi_run(lambda x: (1.0, x[:2]), state, 0.05, 2)

    def writes(x):
        x[0] = 0
        return 1.0, x

    with pytest.raises(ValueError, match="read-only"):
        bi.bbi_run(writes, state, 0.05, 2)


@pytest.mark.parametrize("V", [0.5, 3.0, 4.0])
def test_in_place_run_rests_turns_and_leaves_the_shell_as_the_step_does(V):
    state = start(quadratic, np.ones(2), -0.2, 1.0)._replace(V=V)
    state = state._replace(pi=np.zeros(2)) if V != 4 else state  # at rest below E; at a potential above E
    state = state._replace(V0=3.0, extra=0.0, E=3.0) if V == 3 else state  # π = 0 at V = E
    for pi in (state.pi, state.pi + 1):
        now = state._replace(pi=pi)
        one = bbi_step(quadratic, bbi_step(quadratic, now, 0.05), 0.05)
        run = bi.bbi_run(quadratic, now, 0.05, 2)
        np.testing.assert_allclose(run.theta, one.theta, rtol=1e-14)
        np.testing.assert_allclose(run.pi, one.pi, rtol=1e-13)


@pytest.mark.parametrize("factor", [1e-9, 1e9])
def test_in_place_run_from_far_off_the_shell(factor):
    state = start(quadratic, np.ones(3), -0.2, 1.0)
    state = state._replace(pi=factor * state.pi)
    one = bbi_step(quadratic, bbi_step(quadratic, state, 0.05), 0.05)
    np.testing.assert_allclose(bi.bbi_run(quadratic, state, 0.05, 2).theta, one.theta, rtol=1e-14)


def test_in_place_run_near_the_minimum_scales_its_momentum_anew():
    state = start(quadratic, np.full(3, 1e-9), extra_energy=1.0)
    one = state
    for _ in range(60):
        one = bbi_step(quadratic, one, 0.1)
    run = bi.bbi_run(quadratic, state, 0.1, 60)
    np.testing.assert_allclose(run.theta, one.theta, rtol=1e-9)  # 60 steps that double rounding at V near 0
    assert np.max(np.abs(run.pi)) > 1e6


# ---- SciPy
def test_result_has_what_scipy_users_look_for():
    r = run(quadratic, [1.0, 1.0], offset=-1e-3, extra_energy=0.1, fixed_bounces=2, bounce_every=20, return_all=True, maxiter=100)
    assert isinstance(r, OptimizeResult)
    assert (r.nit, r.nfev, r.njev, r.status, r.success, r.nbounce) == (100, 99, 99, 1, False, 2)
    assert "maximum number of iterations" in r.message
    assert r.fun == quadratic(r.x)[0] == min(quadratic(x)[0] for x in r.allvecs)
    np.testing.assert_array_equal(r.jac, quadratic(r.x)[1])
    np.testing.assert_array_equal(r.x_last, r.allvecs[-1])
    assert len(r.allvecs) == 101
    assert r.fun < quadratic(r.x_last)[0]
    assert pytest.approx(quadratic(r.x_last)[0] + 1e-3) == r.V
    assert r.energy == pytest.approx(2.5 + 1e-3 + 0.1)
    assert r.hamiltonian == pytest.approx(r.energy, rel=0.05)
    assert r.t == pytest.approx(98 * 0.05)
    assert r.momentum.shape == (2,)


def test_tol_is_on_the_potential_and_gtol_on_the_gradient():
    r = run(quadratic, [1.0, 1.0], offset=-0.5, tol=0.51, maxiter=10_000)
    assert (r.status, r.success) == (0, True)
    assert 0.5 < r.V <= 0.51
    g = run(quadratic, [1.0, 1.0], gtol=1e-3, maxiter=10_000)
    assert g.status == 0
    assert np.abs(g.jac).max() <= 1e-3
    assert run(quadratic, [1.0, 1.0], tol=5.0).nit == 0


def test_args_reach_function_and_gradient():
    seen = []

    def value(x, a, b):
        seen.append((a, b))
        return a * quadratic(x)[0] + b

    def gradient(x, a, b):
        seen.append((a, b))
        return a * quadratic(x)[1]

    expected = run(lambda x: (2 * quadratic(x)[0] + 3, 2 * quadratic(x)[1]), [1.0, 1.0], maxiter=50)
    for r in (
        run(value, [1.0, 1.0], jac=gradient, args=(2.0, 3.0), maxiter=50),
        run(lambda x, a, b: (value(x, a, b), gradient(x, a, b)), [1.0, 1.0], args=(2.0, 3.0), maxiter=50),
        born_infeld(lambda x, a: (2 * quadratic(x)[0] + a, 2 * quadratic(x)[1]), [1, 1], (3.0,), True, step=0.05, maxiter=50),
    ):
        np.testing.assert_array_equal(r.x, expected.x)
    assert set(seen) == {(2.0, 3.0)}


def test_both_forms_of_callback():
    xs, results = [], []
    run(quadratic, [1.0, 1.0], maxiter=5, callback=lambda xk: xs.append(xk))

    def named(intermediate_result):
        results.append(intermediate_result)

    r = run(quadratic, [1.0, 1.0], maxiter=5, callback=named)
    assert len(xs) == len(results) == 5
    for x, result in zip(xs, results, strict=True):
        np.testing.assert_array_equal(x, result.x)
        assert result.fun == quadratic(x)[0]
    np.testing.assert_array_equal(xs[-1], r.x_last)


def test_callback_gets_a_copy_and_may_stop():
    def spoil(xk):
        xk[:] = 7

    assert (
        run(quadratic, [1.0, 1.0], maxiter=5, callback=spoil).x_last.tolist()
        == run(quadratic, [1.0, 1.0], maxiter=5).x_last.tolist()
    )

    def stop(intermediate_result):
        if intermediate_result.nit == 3:
            raise StopIteration

    r = run(quadratic, [1.0, 1.0], callback=stop)
    assert (r.nit, r.status, r.success) == (3, 99, False)
    assert "callback" in r.message

    class Unreadable:  # no signature to tell the forms apart by
        __signature__ = "none"

        def __call__(self, xk):
            seen.append(xk)

    seen: list[Any] = []
    assert born_infeld(quadratic, [1.0, 1.0], jac=True, step=0.1, maxiter=2, callback=Unreadable()).nit == len(seen) == 2


@pytest.mark.parametrize("bounds", [[(-2, 0.5), (None, 2)], Bounds([-2, -np.inf], [0.5, 2.0]), [(-2, 0.5), (np.nan, 2.0)]])
@pytest.mark.parametrize("walls", ["folded", "located"])
@pytest.mark.parametrize("integrator", ["bbi", "leapfrog", "yoshida", "midpoint"])
def test_bounds_are_walls(bounds, walls, integrator):
    if (integrator, walls) in (("midpoint", "folded"), ("bbi", "located")):
        with pytest.raises(ValueError, match=r"walls: expected 'folded'.* with 'bbi'|which 'midpoint' needs, got 'folded'"):
            run(quadratic, [0.4, 1.0], bounds=bounds, walls=walls, integrator=integrator)
        return
    seen = []

    def watched(x):
        seen.append(x.copy())
        return quadratic(x - [1, 0])

    options = {"bounds": bounds, "extra_energy": 1.0, "offset": -0.1, "integrator": integrator, "walls": walls}
    r = run(watched, [0.4, 1.0], step=0.05, maxiter=150, return_all=True, **options)
    path = np.array(r.allvecs)
    assert path[:, 0].max() <= 0.5
    assert path[:, 1].max() <= 2
    assert ((path[1:-1, 0] > path[2:, 0]) & (path[1:-1, 0] > path[:-2, 0])).any()  # it came back
    if walls == "folded":
        assert max(x[0] for x in seen) <= 0.5
    assert r.hamiltonian == pytest.approx(r.energy, rel=0.1)


def test_points_beyond_a_located_wall_are_neither_best_nor_an_end():
    def wild(x):  # smaller, and not a number, beyond the wall
        return (x[0] + 0.5 if x[0] > -0.1 else np.nan), np.ones(1)

    options = {"walls": "located", "integrator": "leapfrog", "step": 0.01, "maxiter": 400, "extra_energy": 0.1}
    r = run(wild, [1.0], bounds=[(0.0, None)], **options)
    assert (r.status, r.nit) == (1, 400)
    assert 0 <= r.x[0] < 1e-3
    assert r.x_last[0] >= 0


def test_located_walls_from_rest_inside():
    options = {"walls": "located", "integrator": "leapfrog", "step": 0.1, "maxiter": 100}
    r = run(lambda x: quadratic(x - [1, 0]), [0.4, 1.0], bounds=[(None, 0.5), (None, None)], offset=-0.1, **options)
    assert (r.status, r.nit) == (1, 100)
    assert r.x[0] <= 0.5


def test_equal_bounds_hold_a_variable_fixed():
    r = run(quadratic, [1.0, 0.25], bounds=[(None, None), (0.25, 0.25)], maxiter=50, return_all=True)
    assert {x[1] for x in r.allvecs} == {0.25}
    alone = run(lambda x: (0.5 * x[0] ** 2 + 0.125, x), [1.0], maxiter=50)
    np.testing.assert_allclose(r.x_last[0], alone.x_last[0], rtol=1e-13)


def test_whole_numbers_float32_and_read_only_starts():
    expected = run(quadratic, [1.0, 1.0], maxiter=20).x
    x0 = np.array([1, 1])
    x0.flags.writeable = False
    np.testing.assert_array_equal(run(quadratic, x0, maxiter=20).x, expected)
    assert run(quadratic, np.ones(2, np.float32), maxiter=20).x.dtype == np.float32

    def writes(x):
        value = quadratic(x)
        x[:] = 0
        return value

    np.testing.assert_array_equal(born_infeld(writes, [1.0, 1.0], jac=True, step=0.05, maxiter=20).x, expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"step": 0.0}, "step: expected a finite number > 0, got 0.0"),
        ({"step": -1}, "step: expected a finite number > 0"),
        ({"step": np.nan}, "step: expected a finite number, got nan"),
        ({"step": None}, "step: expected float32"),
        ({"tol": -1.0}, "tol: expected a finite number >= 0"),
        ({"gtol": -1.0}, "gtol: expected a finite number >= 0"),
        ({"offset": 2.5}, "offset: expected a number below the value at the start"),
        ({"offset": 3.0}, "offset: expected a number below the value at the start"),
        ({"extra_energy": -0.1}, "extra_energy: expected a number >= 0"),
        ({"fixed_bounces": -1}, "fixed_bounces: expected a whole number >= 0, got -1"),
        ({"fixed_bounces": 1.5}, "fixed_bounces: expected a whole number"),
        ({"bounce_every": 0}, "bounce_every: expected a whole number >= 1, got 0"),
        ({"bounce_every": 2.5}, "bounce_every: expected a whole number"),
        ({"bounce_every": np.nan}, "bounce_every: expected a whole number"),
        ({"patience": -3}, "patience: expected a whole number >= 1, got -3"),
        ({"patience": -np.inf}, "patience: expected a whole number"),
        ({"maxiter": -1}, "maxiter: expected a whole number >= 0, got -1"),
        ({"integrator": "euler"}, "integrator: expected one of bbi, leapfrog, yoshida, midpoint, got 'euler'"),
        ({"integrator": "leapfrog", "as_released": True}, "as_released: expected integrator 'bbi', got 'leapfrog'"),
        ({"integrator": "leapfrog", "c": 0.0}, "c: expected a finite number > 0, got 0.0"),
        ({"c": 1.0}, "c: expected none with 'bbi'"),
        ({"integrator": "midpoint", "project": True}, "project, c: expected neither with 'midpoint'"),
        ({"blocks": (1, 1)}, "blocks: expected as_released=True with it"),
        ({"walls": "soft"}, "walls: expected 'folded', or 'located'"),
        ({"bounds": [(1, 1), (1, 1)]}, "bounds: expected a variable that is not held fixed"),
        ({"bounds": Bounds([0, 0, 0], 2)}, r"bounds: expected shape \(2,\), got \(3,\) and \(3,\)"),
        ({"rng": "x"}, "rng: expected a numpy.random.Generator, a seed or None, got 'x'"),
        ({"rng": -1}, "rng: expected a numpy.random.Generator, a seed or None, got -1"),
        (
            {"bounds": [(1, None), (0, None)], "walls": "located", "integrator": "leapfrog"},
            r"x0: expected extra_energy, or a start not pressed to a wall, with walls='located', got \[1. 1.\]",
        ),
        ({"jac": None}, r"jac: expected True \(fun returns value and gradient\) or a function, got None"),
        ({"jac": "2-point"}, "jac: expected True"),
        ({"constraints": {"type": "eq", "fun": np.sum}}, "constraints: expected none, only bounds"),
        ({"bounds": [(2, 3), (0, 2)]}, r"x0: expected entries within the bounds, got 1.0 at index 0, outside \[2.0, 3.0\]"),
        ({"bounds": [(0, 3)]}, "bounds: expected Bounds, or a pair"),
        ({"bounds": [0, 3]}, "bounds: expected Bounds, or a pair"),
        ({"bounds": Bounds([2, 0], [-2, 2])}, "bounds: expected low <= high"),
        ({"callback": 3}, "callback: expected a function, got int"),
    ],
)
def test_method_refuses(options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        run(quadratic, [1.0, 1.0], **options)


@pytest.mark.parametrize(
    ("x0", "fun", "message"),
    [
        (np.array([1, "a"], object), quadratic, "x0: expected float32, float64 or integers, got dtype object"),
        ([1.0, np.inf], quadratic, "x0: expected finite numbers"),
        ([1.0, 1.0], lambda x: (np.ones(2), x), r"fun: expected a number, got shape \(2,\)"),
        ([1.0, 1.0], lambda x: (1.0, np.ones(3)), r"jac: expected shape \(2,\), got \(3,\)"),
        ([1.0, 1.0], lambda x: (np.nan, x), "fun: expected a finite value and gradient at x0"),
        ([1.0, 1.0], lambda x: (1.0, x * np.nan), "fun: expected a finite value and gradient at x0"),
    ],
)
def test_method_refuses_what_cannot_be_descended(x0, fun, message):
    with pytest.raises((ValueError, TypeError), match=message):
        born_infeld(fun, x0, jac=True, step=0.1)


def test_unknown_options_warn():
    with pytest.warns(OptimizeWarning, match="Unknown solver options: learning_rate"):
        assert run(quadratic, [1.0, 1.0], maxiter=3, learning_rate=1).nit == 3
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        known: dict[str, Any] = {"step": 0.1, "maxiter": 3, "patience": np.inf, "bounce_every": 4.0, "fixed_bounces": 1}
        born_infeld(quadratic, [1.0, 1.0], (), True, None, None, None, None, None, **known)


# ---- how it ends
def test_loss_that_reaches_the_offset_ends_the_run_with_the_best_point():
    for integrator in ("bbi", "leapfrog", "yoshida", "midpoint"):
        r = run(lambda x: (x[0] ** 2 - 1, 2 * x), [1.5], offset=-0.5, step=0.3, integrator=integrator)
        assert (r.status, r.success) == (2, True)
        assert "the loss has reached the offset" in r.message
        assert r.fun == r.x[0] ** 2 - 1 <= -0.5


def test_offset_is_lowered_on_request():
    r = run(lambda x: (x[0] ** 2 - 1, 2 * x), [1.5], offset=-0.5, step=0.1, lower_offset=True, maxiter=300)
    assert r.status == 1
    assert r.offset < -0.999
    assert r.fun == pytest.approx(-1, abs=1e-3)


def test_released_run_freezes_at_the_offset():
    r = run(zakharov, np.ones(10), step=0.0026036721489343054, offset=1e-22, maxiter=10_000, as_released=True)
    assert r.status == 2
    assert 0 < r.fun < 1e-22
    assert r.fun == pytest.approx(9.9997e-23, rel=1e-4)


def test_minimum_at_the_offset_is_followed_to_the_end_of_the_floating_point_range():
    r = run(quadratic, [1.0, 1.0], integrator="leapfrog", step=1.0, maxiter=10_000)
    assert (r.status, r.success) == (2, True)
    assert 0 <= r.fun < 1e-280


def test_rest_point_is_told():
    r = run(lambda x: (1.0 + 0 * x[0], 0 * x), [1.0, 2.0])
    assert (r.status, r.success, r.nit, r.nfev) == (3, False, 0, 1)
    assert "extra energy" in r.message
    moving = [run(lambda x: (1.0, 0 * x), [1.0, 2.0], extra_energy=1.0, rng=k, maxiter=3).x_last for k in (1, 1, 2)]
    np.testing.assert_array_equal(moving[0], moving[1])
    assert (moving[0] != moving[2]).all()


@pytest.mark.parametrize(
    "broken", [lambda F, g: (np.nan, g), lambda F, g: (np.inf, g), lambda F, g: (F, g * np.nan), lambda F, g: (-np.inf, g)]
)
@pytest.mark.parametrize("as_released", [False, True])
def test_nan_ends_the_run_and_spoils_nothing(broken, as_released):
    calls = []

    def breaks(x):
        calls.append(x)
        return broken(*quadratic(x)) if len(calls) > 20 else quadratic(x)

    r = run(breaks, [1.0, 1.0], as_released=as_released, extra_energy=0.5, patience=30)
    assert (r.status, r.success, r.nfev, r.nbounce) == (5, False, 21, 0)
    assert r.fun == quadratic(r.x)[0] == min(quadratic(x)[0] for x in calls[:20])
    np.testing.assert_array_equal(r.x_last, calls[20])
    assert np.isfinite(r.V)


def test_nan_in_theta_ends_the_run_too():
    def hill(x):
        return 0.5 * float(x @ x) + 0.1, x

    starts = np.random.default_rng(0).uniform(-4, 4, (500, 2))
    spoiled = [x for x in starts if np.isnan(start(hill, x, as_released=True).pi).any()]
    assert 5 < len(spoiled) < 50
    for x in spoiled:
        r = run(hill, x, step=0.1, patience=10, maxiter=50, as_released=True)
        assert (r.status, r.nbounce, r.x.tolist()) == (5, 0, x.tolist())
        assert np.isnan(r.x_last).all()


@pytest.mark.parametrize("integrator", ["bbi", "leapfrog", "yoshida"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_momentum_that_leaves_the_floating_point_range_ends_the_run(integrator, dtype):
    extra = 0.0 if dtype is np.float32 else 1e60
    options = {"integrator": integrator, "step": 0.1, "maxiter": 5000, "extra_energy": extra}
    r = run(lambda x: (0.5 * float(x @ x), x), np.array([1, 0.5], dtype), **options)
    assert (r.status, r.success) == (2, True)
    assert np.isfinite(r.hamiltonian)


def test_gtol_is_met_at_the_point_that_is_returned():
    def hills(x):
        return float(6 + np.sum(np.cos(x)) - 0.02 * np.sum(x)), -np.sin(x) - 0.02

    x0 = np.random.default_rng(3).uniform(-1, 1, 2)
    r = run(hills, x0, extra_energy=3.0, gtol=0.05, integrator="leapfrog", maxiter=500)
    assert r.status == 1 or np.abs(r.jac).max() <= 0.05


def test_last_point_is_of_the_trajectory_where_no_step_is_possible():
    r = run(lambda x: (1.0 if x[0] == 0 else 1e9, x + 1), [0.0], integrator="leapfrog", extra_energy=1.0)
    assert (r.status, r.x_last.tolist(), r.V) == (6, [0.0], 1.0)


def test_lowered_offset_ends_at_a_rest_point():
    r = run(lambda x: (max(x[0], 0.0), np.where(x > 0, 1.0, 0.0)), [0.1], step=0.3, lower_offset=True, maxiter=1000)
    assert (r.status, r.fun) == (3, 0.0)
    assert r.nit < 100
    assert r.offset < 0  # lowered also where the loss is the offset itself


def test_potential_that_leaves_the_domain_ends_the_run():
    r = run(lambda x: (1.0 if x[0] == 0 else 1e9, x + 1), [0.0], integrator="leapfrog", extra_energy=1.0)
    assert (r.status, r.success, r.fun) == (6, False, 1.0)
    assert "larger c" in r.message


def test_schedule_as_released_makes_one_bounce_too_many():
    options = {"offset": -1, "bounce_every": 10, "maxiter": 50}
    assert run(quadratic, [1.0, 1.0], **options).nbounce == 0
    assert run(quadratic, [1.0, 1.0], as_released=True, **options).nbounce == 1


def test_runs_with_one_seed_are_equal_bit_by_bit():
    options = {"offset": -0.1, "extra_energy": 0.5, "fixed_bounces": 3, "bounce_every": 10, "maxiter": 60}
    a, b, c = (run(quadratic, [1.0, 1.0], rng=k, **options).x_last for k in (1, np.random.default_rng(1), 2))
    assert a.tobytes() == b.tobytes()
    assert (a != c).all()


# ---- mini-batches
def batches(rows):
    """Σ over the rows of ½ (θ − x)², a mean, about eight points."""
    x = np.random.default_rng(5).standard_normal((8, 3))[rows]
    return lambda theta: (0.5 * np.mean(np.sum((theta - x) ** 2, axis=1)), theta - x.mean(axis=0))


@pytest.mark.parametrize("integrator", ["bbi", "leapfrog"])
@pytest.mark.parametrize("as_released", [False, True])
def test_descent_of_the_loop_is_that_of_scipy(integrator, as_released):
    if as_released and integrator == "leapfrog":
        with pytest.raises(ValueError, match="integrator: expected 'bbi', or 'leapfrog' without as_released, got 'leapfrog'"):
            energy_conserving_descent(0.1, integrator=integrator, as_released=True)
        return
    options = {"offset": -0.1, "extra_energy": 0.5, "integrator": integrator, "project": integrator == "bbi"}
    # as released a bounce is a batch, and an iteration; otherwise it takes none, but is an iteration of its own
    r = run(quadratic, [1.0, 1.0], maxiter=40, as_released=as_released, return_all=True, **options)
    descent = energy_conserving_descent(0.05, as_released=as_released, **options)
    found = minimise(quadratic, [1.0, 1.0], descent, 40)
    np.testing.assert_allclose(found.values, [quadratic(x)[0] for x in r.allvecs], rtol=1e-12)


@pytest.mark.parametrize("integrator", ["bbi", "leapfrog"])
def test_killed_training_resumes_bit_by_bit(integrator, tmp_path):
    def descent():
        return energy_conserving_descent(
            0.1, extra_energy=1.0, integrator=integrator, fixed_bounces=3, bounce_every=5, patience=7, seed=4
        )

    def training(epochs, **more):
        return train(batches, np.zeros(3), descent(), 8, epochs=epochs, batch=3, rng=np.random.default_rng(0), **more)

    whole = training(6)
    training(2, checkpoint=tmp_path / "run", every=2)
    resumed = training(6, checkpoint=tmp_path / "run", every=2)
    assert resumed.theta.tobytes() == whole.theta.tobytes()
    assert resumed.state.counters == whole.state.counters
    assert whole.state.counters.bounces >= 2


def test_descent_bounces_as_released_without_a_step():
    descent = energy_conserving_descent(0.1, fixed_bounces=1, bounce_every=2, as_released=True, extra_energy=1.0)
    theta, state, path = np.ones(2), None, []
    state = descent.init(theta)
    for _ in range(4):
        value, gradient = quadratic(theta)
        theta, state = descent.step(theta, gradient, state, value)
        path.append(theta)
    assert path[2].tolist() == path[1].tolist()
    assert path[3].tolist() != path[2].tolist()


def test_descent_stays_where_a_batch_has_reached_the_offset():
    descent = energy_conserving_descent(0.1)
    state = descent.init(np.ones(2))
    theta, state = descent.step(np.ones(2), np.ones(2), state, 1.0)
    for value in (0.0, -1.0, np.nan):
        same, after = descent.step(theta, np.ones(2), state, value)
        assert same is theta
        assert after == state
    for value, gradient in ((np.inf, 1.0), (1.0, np.nan)):
        same, after = descent.step(theta, np.full(2, gradient), state, value)
        assert (same is theta, after == state) == (True, True)
    released = energy_conserving_descent(0.1, as_released=True)
    _, begun = released.step(np.ones(2), np.ones(2), released.init(np.ones(2)), 1.0)
    assert released.step(theta, np.ones(2), begun, 5e-41)[0] is theta
    with pytest.raises(ValueError, match="offset: expected a number below the value at the start"):
        energy_conserving_descent(0.1, offset=2.0).step(np.ones(2), np.ones(2), descent.init(np.ones(2)), 1.0)


@pytest.mark.parametrize("value", [2.0, 30.0])  # a batch with V > E, beyond 1.618 E as well
def test_leapfrog_of_batches_takes_any_potential(value):
    descent = energy_conserving_descent(0.1, integrator="leapfrog", c=0.5, project=False)
    theta, state = descent.step(np.ones(2), np.ones(2), descent.init(np.ones(2)), 1.0)
    theta, state = descent.step(theta, np.ones(2), state, value)
    assert (state.pi < 0).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"step": 0}, "step: expected a finite number > 0"),
        ({"extra_energy": -1}, "extra_energy: expected a finite number >= 0"),
        ({"integrator": "yoshida"}, "integrator: expected 'bbi', or 'leapfrog'"),
        ({"c": -1, "integrator": "leapfrog"}, "c: expected a finite number > 0"),
        ({"seed": -1}, "seed: expected a whole number >= 0"),
        ({"patience": 0}, "patience: expected a whole number >= 1"),
    ],
)
def test_descent_refuses(options, message):
    with pytest.raises(ValueError, match=message):
        energy_conserving_descent(**{"step": 0.1} | options)
