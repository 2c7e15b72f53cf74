"""The sphere's doors: extremes, layouts, bad input. The geometry is claimed in L24 to L28."""

import numpy as np
import pytest

from refimpl.manifolds import sphere

H = 1e-30  # complex step


def points(m=4, d=3, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    u = sphere.project_forward(rng.normal(size=(m, d)))[0]
    return u.astype(dtype), sphere.tangent(u, rng.normal(size=(m, d))).astype(dtype)


@pytest.mark.parametrize(
    ("w", "norm", "u"),
    [
        ([3e-200, 4e-200], 5e-200, [0.6, 0.8]),
        ([3e200, 4e200], 5e200, [0.6, 0.8]),
        ([3 * 2.0**-1074, 4 * 2.0**-1074], 5 * 2.0**-1074, [0.6, 0.8]),  # subnormal
        ([1e308, 1e308], np.sqrt(2) * 1e308, [np.sqrt(0.5), np.sqrt(0.5)]),
        ([0.0, -(2.0**-1074)], 2.0**-1074, [0.0, -1.0]),
        (np.array([3e-44, 4e-44], np.float32), None, None),  # subnormal in float32
        (np.array([3e38, 0], np.float32), np.float32(3e38), [1.0, 0.0]),
        ([1.7e308, 5e-324], 1.7e308, [1.0, 0.0]),
        ([3, 4], 5.0, [0.6, 0.8]),
    ],
)
def test_rows_of_any_length_are_projected(w, norm, u):
    got, (same, length) = sphere.project_forward(w)
    assert same is got
    if u is None:  # the entries are rounded, so take them as they are
        exact = np.asarray(w, np.float64)
        norm, u = np.sqrt(np.sum(exact**2)), exact / np.sqrt(np.sum(exact**2))
    eps = np.finfo(got.dtype).eps
    np.testing.assert_allclose(got, u, rtol=2 * eps, atol=0)  # a root and a quotient
    np.testing.assert_allclose(length, [norm], rtol=2 * eps, atol=np.finfo(got.dtype).smallest_subnormal)
    assert got.dtype == (np.float32 if getattr(w, "dtype", None) == np.float32 else np.float64)


def test_a_norm_beyond_the_range_is_refused_though_the_direction_exists():
    with pytest.raises(OverflowError, match=r"^w: expected row 1 to have a norm that float64 can hold"):
        sphere.project_forward([[1.0, 2.0], [1.7e308, 1.7e308]])


@pytest.mark.parametrize(
    ("w", "where"),
    [
        ([[1.0, 0], [0, 0]], "row 1"),
        ([0.0, -0.0], "the vector"),
        (np.ones((2, 3, 2)) * [[[1], [1], [0]]], r"row \(0, 2\)"),
        ([1, 1j], "the vector"),
    ],
)
def test_a_row_without_direction_is_named(w, where):
    with pytest.raises(ValueError, match=rf"^w: expected a row that is not zero.*got {where}$"):
        sphere.project_forward(w)


def test_nan_and_infinite_rows_stay_by_themselves():
    u, _ = sphere.project_forward([[3.0, 4.0], [np.nan, 1.0], [np.inf, 1.0]])
    np.testing.assert_array_equal(np.isnan(u), [[False, False], [True, True], [True, False]])
    assert u[0].tolist() == [0.6, 0.8]


@pytest.mark.parametrize("shape", [(0, 3), (0, 0)])
def test_no_rows_are_rows(shape):
    u, cache = sphere.project_forward(np.zeros(shape))
    assert u.shape == shape
    assert sphere.project_backward(np.zeros(shape), cache).shape == shape
    for f in (sphere.tangent, sphere.exp, sphere.log, sphere.retract):
        assert f(u, u).shape == shape
    assert sphere.distance(u, u).shape == (0,)


@pytest.mark.parametrize("name", ["exp", "retract", "tangent", "log", "distance", "project"])
def test_everything_is_holomorphic(name):
    """The complex step of each function against five-point differences of the same: error h⁴ + ε/h ~ 1e-12 at h = 1e-3."""
    u, v = points()
    if name == "tangent":
        v = v + u  # any vector
    if name in ("log", "distance"):
        v = sphere.exp(u, v)
    f = getattr(sphere, name) if name != "project" else lambda u, v: sphere.project_forward(v)[0]
    direction = sphere.tangent(u, np.random.default_rng(2).normal(size=u.shape))
    if name in ("log", "distance"):
        direction = sphere.tangent(v, direction)
    h = (
        1e-3 if name in ("exp", "retract", "tangent", "project") else 1e-6
    )  # points must stay on the sphere to within the door's 1e-5
    step = lambda k: f(u, v + k * h * direction)  # noqa: E731
    slope = (8 * (step(1) - step(-1)) - (step(2) - step(-2))) / (12 * h)
    got = f(u, v + 1j * H * direction).imag / H
    np.testing.assert_allclose(got, slope, atol=1e-11 if h == 1e-3 else 3e-9)


def test_log_is_right_down_to_the_last_bits():
    u = np.array([1.0, 0, 0])
    for angle in (1e-300, 1e-160, 1e-20, 1e-8):
        v = np.array([1.0, angle, 0])
        np.testing.assert_allclose(sphere.log(u, v), [0, angle, 0], rtol=2e-16, atol=0)
        np.testing.assert_allclose(sphere.distance(u, v), angle, rtol=2e-16)
        np.testing.assert_allclose(sphere.exp(u, [0, angle, 0]), v, rtol=2e-16, atol=0)
    np.testing.assert_allclose(sphere.log(u, [-1.0, 1e-10, 0]), [0, np.pi - 1e-10, 0], rtol=1e-15, atol=0)


def test_antipodes_are_far_and_have_no_log():
    u, _ = points(3)
    v = u.copy()
    v[1] *= -1
    with pytest.raises(ValueError, match=r"^v: expected a point that is not antipodal to u, got row 1$"):
        sphere.log(u, v)
    assert sphere.distance(u, v).tolist() == [0, np.pi, 0]
    with pytest.raises(ValueError, match=r"got the vector$"):
        sphere.log(u[0], -u[0])


def test_long_tangent_vectors_still_lead_to_the_sphere():
    u, v = np.array([1.0, 0]), np.array([0.0, 1e200])
    np.testing.assert_allclose(sphere.exp(u, v), [np.cos(1e200), np.sin(1e200)], rtol=1e-15)
    np.testing.assert_allclose(sphere.retract(u, v), [1e-200, 1.0], rtol=1e-15)
    np.testing.assert_allclose(sphere.exp(u, [0, 5e-324]), [1, 5e-324], atol=0)


TWO = ["tangent", "exp", "log", "retract", "distance"]


@pytest.mark.parametrize("name", TWO)
def test_bad_points_are_named(name):
    f, (u, v) = getattr(sphere, name), points(3)
    if name in ("log", "distance"):
        v = sphere.exp(u, v)
    long = u.copy()
    long[2] *= 1.001
    with pytest.raises(ValueError, match=r"^u: expected a row of unit length .*got row 2$"):
        f(long, v)
    with pytest.raises(ValueError, match=r"^v: expected the shape of u, \(3, 3\), got \(2, 3\)"):
        f(u, v[:2])
    with pytest.raises(ValueError, match=r"^u: expected shape \(m, d\) or \(d,\), got a single number"):
        f(1.0, v)
    with pytest.raises(TypeError, match=r"^v: expected "):
        f(u, v.astype(np.float16))
    if name != "tangent":
        bad = v.copy()
        bad[1] = 1.001 * u[1]
        with pytest.raises(ValueError, match=r"^v: expected a row .*got row 1$"):
            f(u, bad)


@pytest.mark.parametrize("name", TWO)
def test_layout_and_precision(name):
    f, (u, v) = getattr(sphere, name), points(4, 3)
    if name in ("log", "distance"):
        v = sphere.exp(u, v)
    expected = f(u, v)
    for a, b in ((np.asfortranarray(u), v[::-1].copy()[::-1]), (u.astype(">f8"), v.astype(">f8")), (u.tolist(), v.tolist())):
        assert f(a, b).tobytes() == expected.tobytes()
    single = f(u.astype(np.float32), v.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, expected, atol=2e-6)  # 16 roundings of numbers up to 2
    assert f(u[0], v[0]).tobytes() == expected[0].tobytes()  # one row alone
    stacked = f(np.stack([u, u]), np.stack([v, v]))
    assert stacked[1].tobytes() == expected.tobytes()
    assert not np.shares_memory(expected, u)
    assert not np.shares_memory(expected, v)


def test_backward_of_the_projection_forgets_the_radial_part():
    u, cache = sphere.project_forward(np.array([[3e-200, 4e-200], [3.0, 4.0]]))
    dw = sphere.project_backward(u * 1e150 + np.array([[-0.8, 0.6]] * 2) * 1e100, cache)
    assert np.all(np.abs(np.sum(u * dw, axis=1)) <= 1e-15 * np.max(np.abs(dw), axis=1))
