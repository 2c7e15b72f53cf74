"""The gradient checker: right gradients pass, wrong ones are told by name, and nothing breaks it."""

import json
import re
from types import SimpleNamespace

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from refimpl.gradcheck import Entry, check, check_backward, check_gradient, check_hessian_vector, check_jvp
from refimpl.gradcheck.backward import names_of
from refimpl.gradcheck.blocks import Block
from refimpl.nn import (
    Dense,
    cross_entropy_backward,
    cross_entropy_forward,
    dense_backward,
    dense_forward,
    mlp,
    objective,
    prelu_backward,
    prelu_forward,
    relu_backward,
    relu_forward,
    sigmoid_backward,
    sigmoid_forward,
)
from refimpl.params import ravel


def rng(seed=0):
    return np.random.default_rng(seed)


SHAPE = (3, 4)
W = rng().normal(size=SHAPE) + np.array([[0.1], [0.7], [-0.4]])


def smooth(theta):
    """Σ sin + Σ products of neighbours: complex-safe, no symmetry, and its gradient."""
    a = theta.reshape(SHAPE)
    value = np.sum(np.sin(a)) - 1.3 * np.sum(a) + np.sum(a[:, 1:] * a[:, :-1] ** 2) / 3
    gradient = np.cos(a) - 1.3
    gradient[:, 1:] += a[:, :-1] ** 2 / 3
    gradient[:, :-1] += 2 * a[:, 1:] * a[:, :-1] / 3
    return value, gradient.ravel()


def matrix(theta):
    return theta.reshape(SHAPE)


def changed(change, f=smooth):
    """The objective with change(gradient as a matrix, theta as a matrix) for its gradient."""

    def g(theta):
        value, gradient = f(theta)
        return value, np.asarray(change(gradient.reshape(SHAPE), theta.reshape(SHAPE))).ravel()

    return g


# ---- right
@pytest.mark.parametrize("method", ["auto", "differences"])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_a_right_gradient_is_right_at_any_scale(method, scale):
    def scaled(theta):
        value, gradient = smooth(theta / scale)
        return 1e-3 * value, 1e-3 * gradient / scale

    report = check_gradient(scaled, scale * W.ravel(), method=method)
    assert report.ok, report
    assert report.verdict == "right"
    assert report.measured == report.parameters == W.size
    assert report.error <= report.tolerance
    assert ("complex" in report.method) == (method == "auto")
    assert abs(report.taylor_slope - 2) < 0.1


def test_float32_is_held_to_its_own_rounding():
    theta = W.ravel().astype(np.float32)

    def single(t):
        value, gradient = smooth(t)
        return np.float32(value), gradient.astype(np.float32)

    report = check_gradient(single, theta)
    assert report.ok, report
    assert any("float32" in note for note in report.notes)
    assert report.tolerance < 1e-2


def test_a_function_that_rounds_to_float32_inside_is_noticed():
    def inside(theta):
        a = theta.real.astype(np.float32) if np.isrealobj(theta) else theta
        value, gradient = smooth(a)
        return float(np.real(value)), np.real(gradient).astype(np.float64)

    report = check_gradient(inside, W.ravel(), method="differences")
    assert report.ok, report
    assert any("float32" in note for note in report.notes)


@pytest.mark.parametrize(
    ("f", "why"),
    [
        (lambda t: (float(np.sum(np.abs(t + 5) ** 3)), 3 * (t + 5) ** 2), "dropped"),
        (lambda t: (np.sum(np.abs(t + 5) ** 3), 3 * (t + 5) ** 2), "differences give"),
        (lambda t: (np.sum(np.sqrt(np.sum(t * t.conj()).real + 0 * t)), t * len(t) / np.sqrt(np.sum(np.abs(t) ** 2))), "dropped"),
        (lambda t: (np.sum(np.array(t, dtype=float) ** 2), 2 * np.array(t, dtype=float)), "on complex parameters"),
    ],
)
def test_what_is_not_complex_safe_is_noticed_and_measured_by_differences(f, why):
    report = check_gradient(f, W.ravel())
    assert report.ok, report
    assert "differences" in report.method
    assert report.fallback


def test_kinks_are_counted_and_held_to_the_interval():
    theta = np.array([0.0, 0.0, 1.0, -2.0])

    def relu_sum(at_zero):
        return lambda t: (np.sum(np.where(t.real > 0, t, 0 * t)), np.where(t > 0, 1.0, np.where(t < 0, 0.0, at_zero)))

    for method in ("auto", "differences"):
        for at_zero in (0.0, 0.3, 1.0):
            report = check_gradient(relu_sum(at_zero), theta, method=method)
            assert report.ok, report
            assert report.kinks == 2
            assert np.isnan(report.taylor_slope)
            assert "kink" in str(report)
            report.plot()
            assert "kink" in plt.gcf().axes[1].get_title(loc="left")
            plt.close("all")
        assert not check_gradient(relu_sum(1.5), theta, method=method).ok


def test_a_kink_nearby_is_reported_as_near():
    theta = np.array([1.0, 1e-3, 2.0])
    f = lambda t: (np.sum(np.maximum(t, 0) ** 2 + np.abs(t)), 2 * np.maximum(t, 0) + np.sign(t))  # noqa: E731
    report = check_gradient(f, theta)
    assert report.ok, report
    assert report.near
    assert "near kinks" in str(report)


def test_no_point_outside_the_bounds_is_asked_for():
    low, high = np.zeros(4), np.array([1.0, 1.0, 1e-9, 3.0])
    seen = []

    def f(theta):
        seen.append(np.array(theta.real))
        return np.sum(theta**3), 3 * theta.real**2

    for method in ("auto", "differences"):
        report = check_gradient(f, np.array([0.0, 0.5, 5e-10, 3.0]), bounds=(low, high), method=method)
        assert report.ok, report
    assert all((t >= low).all() and (t <= high).all() for t in seen)


@pytest.mark.parametrize("bounds", [(0.0, 0.5), (np.ones(12), np.zeros(12)), (1.0,)])
def test_bounds_that_theta_violates_are_refused(bounds):
    with pytest.raises((ValueError, TypeError), match="bounds"):
        check_gradient(smooth, W.ravel(), bounds=bounds)


def test_nothing_to_see_is_said():
    report = check_gradient(lambda t: (0.0 * np.sum(t), np.zeros(len(t))), np.ones(3))
    assert report.verdict == "nothing to see"
    report.plot()
    plt.close("all")
    assert check_gradient(lambda t: (np.sum(2 * t), np.full(len(t), 2.0)), np.ones(3)).ok


def test_a_function_of_no_parameters():
    report = check_gradient(lambda t: (1.0, np.zeros(0)), np.zeros(0))
    assert report.parameters == 0
    assert report.verdict in ("nothing to see", "not measurable")


# ---- wrong
MISTAKES = {
    "sign": (changed(lambda g, a: -g), "sign"),
    "zero": (changed(lambda g, a: 0 * g), "zero, where the slope is not"),
    "factor 2": (changed(lambda g, a: 2 * g), "constant factor 2"),
    "mean for sum": (changed(lambda g, a: g / 3), r"theta.shape\[0\]"),
    "n - 1": (changed(lambda g, a: g / 6), "factor 1/6"),
    "odd factor": (changed(lambda g, a: 0.7317 * g), "constant factor 0.7317"),
    "normalised": (changed(lambda g, a: g / np.sqrt(np.sum(g * g))), "normalised"),
    "reversed": (changed(lambda g, a: g[::-1]), "reversed along axis 0"),
    "reversed twice": (changed(lambda g, a: g[::-1, ::-1]), "reversed along axes 0, 1"),
    "shifted": (changed(lambda g, a: np.roll(g, 1, 1)), "shifted by 1 along axis 1"),
    "reshape for transpose": (changed(lambda g, a: g.T.reshape(SHAPE)), "a reshape where a transpose belongs"),
    "summed": (changed(lambda g, a: np.broadcast_to(g.sum(0), SHAPE)), "summed over axis 0"),
    "averaged": (changed(lambda g, a: np.broadcast_to(g.mean(1)[:, None], SHAPE)), "averaged over axis 1"),
    "absolute": (changed(lambda g, a: np.abs(g)), "every sign is"),
    "signs": (changed(lambda g, a: g * np.where(np.arange(12).reshape(SHAPE) % 5 == 1, -1, 1)), "sign|minus"),
    "decay missing": (changed(lambda g, a: g - 0.3 * a), "missing"),
    "decay too much": (changed(lambda g, a: g + 0.3 * a), "too much"),
    "constant": (changed(lambda g, a: g + 0.25), "off by the constant 0.25"),
    "times theta": (changed(lambda g, a: g * a), "multiplied by θ"),
    "over theta": (changed(lambda g, a: g / a), "divided by θ"),
    "no 1/norm": (changed(lambda g, a: g * np.sqrt(np.sum(a * a, 1, keepdims=True))), "norm to the power 1"),
    "factor of each row": (changed(lambda g, a: g * np.array([[1.0], [2.0], [5.0]])), "row"),
    "factor of each column": (changed(lambda g, a: g * np.array([1.3, 2.1, 5.7, 0.2])), "every column has a factor"),
    "misplaced": (changed(lambda g, a: g.ravel()[rng(1).permutation(12)]), "wrong places"),
    "one row": (changed(lambda g, a: np.where(np.arange(3)[:, None] == 1, -g, g)), "row 1: sign"),
    "one entry": (changed(lambda g, a: g + (np.arange(12).reshape(SHAPE) == 6) * 0.1234), r"one entry, \[1, 2\]"),
    "some entries": (changed(lambda g, a: g + 0.3 * rng(2).normal(size=SHAPE) * (rng(3).random(SHAPE) < 0.4)), "right in the rest"),
    "noise": (changed(lambda g, a: g + 0.3 * rng(2).normal(size=SHAPE)), "no simple pattern"),
    "few digits": (changed(lambda g, a: g * (1 + 1e-6 * rng(2).normal(size=SHAPE))), "digits only"),
    "nearly": (changed(lambda g, a: 1.00001 * g), r"constant factor 1\.00001"),
    "another function": (changed(lambda g, a: np.exp(a)), "no simple pattern|wrong"),
}


@pytest.mark.parametrize("name", MISTAKES)
@pytest.mark.parametrize("method", ["auto", "differences"])
def test_a_mistake_is_told_by_name(name, method):
    f, said = MISTAKES[name]
    report = check_gradient(f, W.ravel(), unravel=matrix, method=method)
    assert not report.ok
    assert report.verdict in ("wrong", "imprecise")
    assert report.mistakes
    assert re.search(said, " ".join(report.mistakes)), report.mistakes
    assert report.wrong > 0
    assert "theta[" in str(report)
    report.plot()
    plt.close("all")


def test_the_worst_entry_is_named_by_parameter_and_index():
    layers, params = mlp([3, 4, 2], "tanh", rng())
    theta, unravel = ravel(params)
    x, y = rng(1).normal(size=(5, 3)), rng(2).integers(2, size=5)
    loss = objective(layers, unravel, (cross_entropy_forward, cross_entropy_backward), x, y)
    assert check_gradient(loss, theta, unravel=unravel).ok

    def wrong(t):
        value, gradient = loss(t)
        gradient = gradient.copy()
        unravel(gradient)[0].W[2, 1] += 0.5
        return value, gradient

    report = check_gradient(wrong, theta, unravel=unravel)
    assert report.worst[0].name.endswith("W[2, 1]")
    assert report.wrong == 1
    assert json.loads(json.dumps(report.to_dict()))["verdict"] == "wrong"
    axes = report.plot()
    assert len(axes) == 2
    _, ax = plt.subplots()
    assert report.plot(ax) is ax
    plt.close("all")


def test_exchanged_gradients_and_a_factor_of_all_parameters():
    theta, unravel = ravel((rng(1).normal(size=(2, 3)), rng(2).normal(size=(2, 3)), rng(3).normal(size=4)))

    def f(t, swap=False, factor=1.0, noise=0.0):
        a, b, c = unravel(t)
        da, db, dc = np.cos(a) * np.sum(np.exp(b)), np.sum(np.sin(a)) * np.exp(b), 3 * c * c
        value = np.sum(np.sin(a)) * np.sum(np.exp(b)) + np.sum(c**3)
        grads = (db, da, dc) if swap else (da, db, dc)
        g = factor * np.concatenate([d.ravel() for d in grads])
        return value, g * (1 + noise * rng(9).normal(size=len(g)))

    assert check_gradient(f, theta, unravel=unravel).ok
    assert any("exchanged" in m for m in check_gradient(lambda t: f(t, swap=True), theta, unravel=unravel).mistakes)
    assert check_gradient(lambda t: f(t, factor=-1), theta, unravel=unravel).mistakes == ("sign: yours is minus the slope",)
    report = check_gradient(lambda t: f(t, noise=1e-6), theta, unravel=unravel)
    assert report.verdict == "imprecise"
    report = check_gradient(lambda t: f(t, factor=0.25), theta, sizes={"n": 8})
    assert "2/n" in report.mistakes[0]


def test_the_diagonal_and_triangles_are_recognised():
    A = rng(4).normal(size=(4, 4))
    theta = rng(5).normal(size=16)

    def f(mask):
        return lambda t: (np.sum(np.sin(t.reshape(4, 4)) * A), (np.cos(t.reshape(4, 4)) * A * np.where(mask, 1.7, 1)).ravel())

    square = lambda t: t.reshape(4, 4)  # noqa: E731
    for mask, said in (
        (np.eye(4) > 0, "the diagonal"), (np.triu(np.ones((4, 4)), 1) > 0, "above the diagonal"),
        (np.tril(np.ones((4, 4)), -1) > 0, "below the diagonal"), (np.arange(4)[:, None] + np.arange(4) == 2, "3 of 16 entries"),
    ):  # fmt: skip
        assert any(said in m for m in check_gradient(f(mask), theta, unravel=square).mistakes)
    assert any("transposed" in m for m in check_gradient(
        lambda t: (f(np.zeros((4, 4), bool))(t)[0], f(np.zeros((4, 4), bool))(t)[1].reshape(4, 4).T.ravel()), theta, unravel=square
    ).mistakes)  # fmt: skip


# ---- long vectors
def long(wrong_at=None, factor=1.0):
    c = rng(6).normal(size=2000)

    def f(t):
        gradient = np.cos(t) * c
        if wrong_at is not None:
            gradient = gradient.copy()
            gradient[wrong_at] += 0.5
        return np.sum(np.sin(t) * c), factor * gradient

    return f


def test_of_a_long_vector_a_sample_is_measured_and_the_wrong_entry_found():
    theta = rng(7).normal(size=2000)
    report = check_gradient(long(), theta)
    assert report.ok, report
    assert report.measured < 2000
    assert "2000" in str(report)
    report = check_gradient(long(1234), theta)
    assert report.worst[0].name == "theta[1234]"
    assert check_gradient(long(factor=2.0), theta, unravel=lambda t: (t[:100], t[100:])).mistakes
    # an error that two random directions see and no array of its own: measured along the directions alone
    parts = lambda t: tuple(t.reshape(200, 10))  # noqa: E731
    assert not check_gradient(long(slice(0, 2000, 500)), theta, unravel=parts).ok


def test_arrays_of_two_entries_fit_few_patterns():
    off = np.array([0.5, -0.7, 0.9, 0.2])
    report = check_gradient(lambda t: (np.sum(t**3), 3 * t**2 + off), W.ravel()[:4], unravel=lambda t: (t[:2], t[2:]))
    assert len(report.mistakes) == 2
    assert all("no simple pattern" in m or "factor" in m for m in report.mistakes)


def test_directions_that_are_wrong_count_where_no_array_is_suspected(monkeypatch):
    how = check.Settings(rng(), (np.zeros(1), np.zeros(1)), 4, 1, 0.0, "auto", {})
    fine = Entry("", 1.0, 1.0, 0.0, 1.0, 1.0, 1.0, False)

    class Unsuspecting:
        yours, around = np.zeros(8), SimpleNamespace(direction=lambda rng, index: index)

        def direction(self, d, name):
            return fine

        def wrong_among(self, at, rng, limit):
            return [at[0]]

    blocks = [Block("a", np.arange(3)), Block("b", np.arange(3, 8))]
    index = check.entries_to_measure
    assert set(index(Unsuspecting(), blocks, [fine._replace(error=2.0)], how)) >= {0, 1, 2, 3}  # type: ignore[arg-type]
    monkeypatch.setattr(check, "entries_to_measure", lambda *args: np.arange(5))
    report = check_gradient(long(1234), rng(7).normal(size=2000))
    assert "random directions are wrong, none of the entries" in report.mistakes[0]


# ---- claims that cannot be checked, or are no claims
def counting():
    calls = [0]

    def f(t):
        calls[0] += 1
        return np.sum(t) + calls[0], np.ones(len(t))

    return f


def writes(t):
    t[0] = 7
    return np.sum(t), np.ones(len(t))


@pytest.mark.parametrize(
    ("f", "verdict"),
    [
        (writes, "modifies its input"),
        (lambda t: np.sum(t), "wrong type"),
        (lambda t: (t, t), "wrong type"),
        (lambda t: (np.sum(t), np.ones((len(t), 1))), "wrong type"),
        (lambda t: (np.sum(t), np.ones(len(t), np.float32)), "wrong type"),
        (lambda t: (np.sum(t), np.ones(len(t), complex)), "wrong type"),
        (counting(), "not deterministic"),
        (lambda t: (np.nan * np.sum(t), t), "not measurable"),
        (lambda t: (np.sum(t), np.where(np.arange(len(t)) == 1, np.nan, 1.0)), "not finite"),
        (lambda t: (np.sum(t) if (t == W.ravel()).all() else np.nan, np.ones(len(t))), "not measurable"),
    ],
)
def test_what_is_no_gradient_is_said(f, verdict):
    report = check_gradient(f, W.ravel())
    assert report.verdict == verdict
    assert not report.ok
    assert report.mistakes
    assert verdict in str(report)
    if not report.views:
        with pytest.raises(ValueError, match="plot: expected a report with measured rays"):
            report.plot()


def test_a_function_that_fails_elsewhere_is_measured_where_it_does_not():
    def f(t):
        if np.any(np.real(t) > 1):
            raise RuntimeError("outside")
        return np.sum(t**2), 2 * np.real(t)

    assert check_gradient(f, np.array([0.5, 1.0, -3.0]), method="differences").verdict == "not measurable"
    assert check_gradient(f, np.array([0.5, 0.9, -3.0])).ok


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"entries": 0}, "entries"), ({"directions": 0}, "directions"), ({"rtol": -1.0}, "rtol"), ({"method": "guess"}, "method"),
        ({"rng": 3}, "rng"), ({"unravel": lambda t: t[:3]}, "unravel"),
    ],
)  # fmt: skip
def test_bad_settings_are_refused(options, match):
    with pytest.raises((ValueError, TypeError), match=match):
        check_gradient(smooth, W.ravel(), **options)


# ---- pairs
X = rng(8).normal(size=(5, 3))


@pytest.mark.parametrize(
    ("forward", "backward", "args"),
    [
        (relu_forward, relu_backward, (X,)),
        (sigmoid_forward, sigmoid_backward, (X,)),
        (sigmoid_forward, sigmoid_backward, (X.astype(np.float32),)),
        (prelu_forward, prelu_backward, (np.array(0.2), X)),
        (dense_forward, dense_backward, (Dense(rng(1).normal(size=(2, 3)), rng(2).normal(size=2)), X)),
    ],
)
def test_right_pairs_are_right(forward, backward, args):
    report = check_backward(forward, backward, args, rng())
    assert report.ok, report


def test_options_and_losses_are_told_apart_from_arguments():
    report = check_backward(cross_entropy_forward, cross_entropy_backward, (X, np.array([0, 1, 2, 1, 0])), rng())
    assert report.ok, report
    report = check_backward(
        cross_entropy_forward, lambda d, c: 5 * cross_entropy_backward(d, c), (X, np.array([0, 1, 2, 1, 0])), rng()
    )
    assert "f.shape[0]" in report.mistakes[0]


def scaled(W, x):
    return W @ x, (W, x)


def scaled_backward(dy, cache):
    W, x = cache
    return np.outer(dy, x), W.T @ dy


class Remembers:
    def forward(self, x):
        self.x = x
        return x**2, ()

    def backward(self, dy, cache):
        return 2 * self.x * dy


MATRIX, VECTOR = rng(3).normal(size=(3, 3)), rng(4).normal(size=3)


@pytest.mark.parametrize(
    ("forward", "backward", "args", "verdict"),
    [
        (scaled, scaled_backward, (MATRIX, VECTOR), "right"),
        (scaled, lambda dy, c: scaled_backward(dy, c)[::-1], (MATRIX, VECTOR), "wrong type"),
        (scaled, lambda dy, c: scaled_backward(dy, c)[0], (MATRIX, VECTOR), "wrong type"),
        (scaled, lambda dy, c: (scaled_backward(dy, c)[0].T, scaled_backward(dy, c)[1]), (MATRIX, VECTOR), "wrong"),
        (scaled, lambda dy, c: (scaled_backward(dy, c)[0], [1.0]), (MATRIX, VECTOR), "wrong type"),
        (scaled, lambda dy, c: (np.outer(dy, c[1]).astype(np.float32), c[0].T @ dy), (MATRIX, VECTOR), "wrong type"),
        (Remembers().forward, lambda dy, c: dy, (VECTOR,), "wrong"),
        (lambda x: (x + rng(None).normal(), ()), lambda dy, c: dy, (VECTOR,), "not deterministic"),
        (lambda x: (x**2, x), lambda dy, c: np.multiply(dy, 2 * c, out=dy), (VECTOR,), "modifies its input"),
    ],
)
def test_pairs_and_their_mistakes(forward, backward, args, verdict):
    assert check_backward(forward, backward, args, rng()).verdict == verdict


def test_state_between_forward_and_backward_is_noticed():
    r = Remembers()
    assert check_backward(r.forward, r.backward, (VECTOR,), rng()).verdict == "keeps state"


def test_pairs_are_refused_what_cannot_be_checked():
    with pytest.raises(TypeError, match="rng"):
        check_backward(scaled, scaled_backward, (MATRIX, VECTOR), 3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"^args: expected the arguments of forward in a tuple, got ndarray"):
        check_backward(scaled, scaled_backward, MATRIX, rng())
    with pytest.raises(ValueError, match="wrt"):
        check_backward(scaled, scaled_backward, (np.arange(3),), rng())
    with pytest.raises(ValueError, match="wrt"):
        check_backward(scaled, scaled_backward, (MATRIX, VECTOR), rng(), wrt=(2,))
    assert check_backward(scaled, lambda dy, c: scaled_backward(dy, c)[1], (MATRIX, VECTOR), rng(), wrt=(1,)).ok


def test_arguments_have_the_names_that_forward_gives_them():
    assert names_of(scaled, 2) == ["W", "x"]
    assert names_of(lambda *values: None, 2) == ["args[0]", "args[1]"]
    assert names_of(min, 1) == ["args[0]"]


# ---- products
def cubic(t):
    return np.sum(t**3) + np.prod(t), 3 * t**2 + np.prod(t) / t


def cubic_hessian(t, v):
    H = np.prod(t) / np.outer(t, t)
    H[np.diag_indices(len(t))] = 6 * t
    return H @ v


def test_hessian_vector_products():
    theta = np.array([0.5, -1.5, 2.0])
    assert check_hessian_vector(cubic, theta, cubic_hessian).ok
    assert check_hessian_vector(cubic, theta, cubic_hessian, v=np.array([1.0, 0, 2]), rng=rng()).ok
    report = check_hessian_vector(cubic, theta, lambda t, v: 6 * t * v)
    assert not report.ok
    with pytest.raises(ValueError, match="v"):
        check_hessian_vector(cubic, theta, cubic_hessian, v=np.ones(2))


def test_jacobian_vector_products():
    f = lambda x: np.sin(x) @ MATRIX  # noqa: E731
    assert check_jvp(f, lambda x, v: (np.cos(x) * v) @ MATRIX, X).ok
    assert check_jvp(f, lambda x, v: (np.cos(x) * v) @ MATRIX, X, rng=rng(1)).ok
    assert not check_jvp(f, lambda x, v: (np.cos(x) * v) @ MATRIX.T, X).ok
