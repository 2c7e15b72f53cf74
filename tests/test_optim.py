"""Optimisers: precision, bad input, rates, the loop. Their recurrences are claims L29 and L30."""

import pickle

import numpy as np
import pytest

from refimpl import optim
from refimpl.nn import Dense
from refimpl.optim import ExponentialDecay, PiecewiseDecay, adam, gradient_descent, group_rates, minimise, momentum
from refimpl.params import ravel

ALL = {
    "gradient_descent": gradient_descent(0.125),
    "momentum": momentum(0.125),
    "nesterov": momentum(0.125, nesterov=True),
    "adam": adam(0.125),
}
every = pytest.mark.parametrize("optimiser", ALL.values(), ids=ALL)


def quadratic(theta):
    return 0.5 * np.sum(theta * theta), theta.copy()


@every
def test_state_is_a_value(optimiser):
    theta = np.array([1.0, -2.0])
    theta.flags.writeable = False
    start = optimiser.init(theta)
    first, state = optimiser.step(theta, theta, start)
    again, _ = optimiser.step(theta, theta, start)
    assert first.tobytes() == again.tobytes()
    optimiser.step(first, first, state)
    assert start == type(start)(*start)
    assert (start.t, state.t) == (0, 1)
    assert not np.shares_memory(first, theta)
    for a, b in zip(start[1:], optimiser.init(theta)[1:], strict=True):
        assert a.tobytes() == b.tobytes()
        assert not a.any()


@every
def test_float32_stays_float32_and_agrees(optimiser):
    theta = np.array([1.0, -2.0, 0.5])
    single, double = theta.astype(np.float32), theta
    s32, s64 = optimiser.init(single), optimiser.init(double)
    for _ in range(10):
        single, s32 = optimiser.step(single, single.astype(np.float64), s32)  # a float64 gradient does not widen theta
        double, s64 = optimiser.step(double, double, s64)
    assert single.dtype == np.float32
    assert all(a.dtype == np.float32 for a in s32[1:])
    np.testing.assert_allclose(single, double, rtol=1e-5)  # 10 steps of some 5 roundings


@every
def test_whole_numbers_and_other_layouts(optimiser):
    theta = np.arange(1.0, 5.0)
    expected, _ = optimiser.step(theta, theta, optimiser.init(theta))
    for a in (theta.astype(int), theta.tolist(), theta[::-1].copy()[::-1], theta.astype(">f8"), np.repeat(theta, 2)[::2]):
        assert optimiser.step(a, a, optimiser.init(a))[0].tobytes() == expected.tobytes()
    empty, _ = optimiser.step(np.zeros(0), np.zeros(0), optimiser.init(np.zeros(0)))
    assert empty.shape == (0,)


@every
def test_shapes_are_checked(optimiser):
    theta = np.zeros(3)
    with pytest.raises(ValueError, match=r"^gradient: expected the shape of theta, \(3,\), got \(2,\)"):
        optimiser.step(theta, np.zeros(2), optimiser.init(theta))
    with pytest.raises(ValueError, match=r"^gradient: expected shape"):
        optimiser.step(theta, np.zeros((3, 1)), optimiser.init(theta))
    with pytest.raises(TypeError, match=r"^theta: expected"):
        optimiser.step(theta.astype(bool), theta, optimiser.init(theta))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: gradient_descent(0), r"^rate: expected a number in \(0, inf\), got 0"),
        (lambda: gradient_descent(np.nan), "^rate: "),
        (lambda: momentum(np.inf), "^rate: "),
        (lambda: momentum(0.1, beta=1), r"^beta: expected a number in \[0, 1\), got 1"),
        (lambda: momentum(0.1, beta=-0.1), "^beta: "),
        (lambda: adam(-1), "^rate: "),
        (lambda: adam(beta1=1.0), "^beta1: "),
        (lambda: adam(beta2=np.nan), "^beta2: "),
        (lambda: adam(eps=0), "^eps: "),
    ],
)
def test_constants_are_checked(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@every
def test_nan_is_not_hidden(optimiser):
    theta = np.array([1.0, 2.0])
    moved, _ = optimiser.step(theta, np.array([np.nan, 1.0]), optimiser.init(theta))
    assert np.isnan(moved).tolist() == [True, False]


def test_adam_moves_a_first_step_of_its_rate_whatever_the_scale():
    theta = np.zeros(4)
    moved, _ = adam(0.01).step(theta, np.array([1e-3, -1e3, 1e100, 0.0]), adam().init(theta))
    np.testing.assert_allclose(moved, [-0.01 / (1 + 1e-5), 0.01 / (1 + 1e-11), -0.01, 0], rtol=1e-14)  # ε/|g|


# ---- rates
def bowl(curvature):
    return lambda theta: (0.5 * theta @ (curvature * theta), curvature * theta)


def test_groups_are_separate_descents():
    """On a sum of functions of the groups, each group goes its own way, at its own rate."""
    params = (Dense(np.ones((2, 3)), np.ones(2)), np.array(0.25), {"a": np.ones(2)})
    theta, unravel = ravel(params)
    rates = group_rates(unravel, 0.1, {"params[0].W": 0.0, "params[0]": 0.2, "params[2]['a']": 0.05})
    curvature = np.linspace(0.5, 2, len(theta))
    got = minimise(bowl(curvature), theta, momentum(rates), 9).theta
    for rate, own in [(0.0, slice(0, 6)), (0.2, slice(6, 8)), (0.1, slice(8, 9)), (0.05, slice(9, 11))]:
        alone = minimise(bowl(curvature[own]), theta[own], momentum(rate or 1.0), 9).theta
        assert got[own].tobytes() == (alone if rate else theta[own]).tobytes()


def test_groups_are_named_and_checked():
    _, unravel = ravel([np.zeros(1) for _ in range(11)])
    assert group_rates(unravel, 1, {"params[1]": 0.5}).tolist() == [1, 0.5] + 9 * [1]  # not params[10]
    assert group_rates(unravel, 1, {"params": 0.5}).tolist() == 11 * [0.5]
    assert group_rates(ravel(())[1], 1, {}).shape == (0,)
    with pytest.raises(ValueError, match=r"^groups: expected names among params\[0\], .*, params\[10\], .* got 'params\[1'"):
        group_rates(unravel, 1, {"params[1": 0.5})
    with pytest.raises(ValueError, match=r"^groups\['params\[2\]'\]: expected a number in \[0, inf\), got -1"):
        group_rates(unravel, 1, {"params[2]": -1})
    with pytest.raises(ValueError, match=r"^rate: expected a number in \[0, inf\), got nan"):
        group_rates(unravel, np.nan, {})


def test_decay_by_hand():
    assert [ExponentialDecay(8.0, 0.5, every=2)(t) for t in range(6)] == [8, 8, 4, 4, 2, 2]
    assert [PiecewiseDecay(8.0, (1, 4), 0.5)(t) for t in range(6)] == [8, 4, 4, 4, 2, 2]
    assert ExponentialDecay([8, 0], 0.5)(3).tolist() == [1, 0]
    assert ExponentialDecay(1.0, 0.5)(10_000) == 0.0
    theta = gradient_descent(ExponentialDecay(1.0, 0.5))
    assert minimise(lambda t: (1.0, np.ones(1)), [0.0], theta, 4).theta.tolist() == [-1.875]  # 1 + 1/2 + 1/4 + 1/8
    assert minimise(quadratic, [1.0], gradient_descent(lambda t: 0.0), 3).theta.tolist() == [1.0]


def test_schedules_are_values():
    rate = np.array([0.1, 0.2])
    for schedule in (ExponentialDecay(0.1, 0.5, 3), PiecewiseDecay(0.1, [3, 5])):  # type: ignore[arg-type]
        assert pickle.loads(pickle.dumps(schedule)) == schedule
        assert eval(repr(schedule)) == schedule
        assert hash(schedule) == hash(eval(repr(schedule)))
        with pytest.raises(AttributeError):
            schedule.rate = 1.0  # type: ignore[misc]
    vector, constant = ExponentialDecay(rate, 1.0), gradient_descent(rate)
    rate[0] = 5.0
    assert vector(0).tolist() == [0.1, 0.2]
    assert constant.step(np.zeros(2), np.ones(2), constant.init(np.zeros(2)))[0].tolist() == [-0.1, -0.2]
    assert pickle.loads(pickle.dumps(vector))(1).tolist() == [0.1, 0.2]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ExponentialDecay(-1, 0.5), r"rate: expected a number in \[0, inf\), got -1"),
        (lambda: ExponentialDecay([1, np.inf], 0.5), r"rate: expected numbers in \[0, inf\), got inf among them"),
        (lambda: ExponentialDecay(1, 0), r"factor: expected a number in \(0, 1\], got 0"),
        (lambda: ExponentialDecay(1, 1.5), r"factor: expected a number in \(0, 1\], got 1.5"),
        (lambda: ExponentialDecay(1, 0.5, 0), "every: expected a whole number >= 1, got 0"),
        (lambda: PiecewiseDecay(1, (3, 3)), r"steps: expected increasing numbers of steps, got \(3, 3\)"),
        (lambda: PiecewiseDecay(1, (3, -3)), r"steps\[1\]: expected a whole number >= 0, got -3"),
        (lambda: adam([0.1, -0.1]), r"rate: expected numbers in \[0, inf\), got -0.1 among them"),
        (lambda: minimise(quadratic, np.ones(3), adam([0.1, 0.1]), 1), r"rate: expected shape \(3,\), got \(2,\)"),
        (lambda: minimise(quadratic, np.ones(3), adam(lambda t: [0.1]), 1), r"rate: expected shape \(3,\), got \(1,\)"),
        (lambda: minimise(quadratic, np.ones(3), momentum(lambda t: -1 - t), 1), r"rate: expected a number in \[0, inf\), got -1"),
        (
            lambda: minimise(quadratic, np.ones(3), gradient_descent(lambda t: np.nan), 1),
            r"rate: expected a number in \[0, inf\), got nan",
        ),
        (lambda: gradient_descent([[0.1]]), r"rate: expected shape \(any,\), got \(1, 1\)"),
    ],
)
def test_rates_are_checked(make, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        make()


def test_steps_of_a_schedule_are_several():
    with pytest.raises(TypeError, match=r"^steps: expected increasing numbers of steps, got 5"):
        PiecewiseDecay(1, 5)  # type: ignore[arg-type]


@pytest.mark.parametrize("rate", ["fast", None, True, 1j, [True]])
def test_rates_are_numbers(rate):
    with pytest.raises(TypeError, match=r"^rate: expected "):
        gradient_descent(rate)


# ---- the loop
@every
def test_the_loop_is_its_steps(optimiser):
    start = np.array([1.0, -0.5])
    run = minimise(quadratic, start, optimiser, 5)
    theta, state, values = start, optimiser.init(start), []
    for _ in range(5):
        value, gradient = quadratic(theta)
        values.append(value)
        theta, state = optimiser.step(theta, gradient, state)
    assert run.theta.tobytes() == theta.tobytes()
    assert run.values.tolist() == [*values, quadratic(theta)[0]]
    assert start.tolist() == [1.0, -0.5]
    none = minimise(quadratic, start, optimiser, 0)
    assert not np.shares_memory(none.theta, start)
    assert none.values.tolist() == [0.625]


@every
def test_the_loop_descends(optimiser):
    assert minimise(quadratic, [1.0, -0.5], optimiser, 200).values[-1] < 1e-6


@pytest.mark.parametrize("steps", [-1, 2.0, True, None])
def test_the_number_of_steps_is_checked(steps):
    with pytest.raises(ValueError, match=r"^steps: expected an integer >= 0"):
        minimise(quadratic, [1.0], adam(), steps)


@pytest.mark.parametrize("optimiser", [gradient_descent, None])
def test_the_loop_wants_an_optimiser_with_its_rates(optimiser):
    with pytest.raises(TypeError, match=r"^optimiser: expected \(init, step\), as gradient_descent\(0.1\) gives them, got "):
        minimise(quadratic, [1.0], optimiser, 10)


@pytest.mark.parametrize("bad", [(np.nan, np.zeros(1)), (1.0, np.full(1, np.inf))])
def test_the_loop_stops_at_what_is_not_finite(bad):
    calls = []

    def objective(theta):
        calls.append(theta)
        return (1.0, np.zeros(1)) if len(calls) < 3 else bad

    with pytest.raises(FloatingPointError, match=r"after 2 steps"):
        minimise(objective, [1.0], gradient_descent(0.1), 10)


def test_public_names():
    assert all(hasattr(optim, name) for name in optim.__all__)
