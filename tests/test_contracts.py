"""What every door promises about its array arguments, one row a promise, one parametrised test for all doors."""

import re
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pytest

from refimpl import nn
from refimpl.manifolds import sphere
from refimpl.nn import Dense, mlp, objective, squared_backward, squared_forward
from refimpl.papers import born_infeld as bi
from refimpl.papers import hyperspherical_energy as mhe
from refimpl.params import ravel


def whole(*shape, seed=5):
    """Distinct whole numbers, so that the same array exists in every dtype."""
    a = np.random.default_rng(seed).permutation(np.arange(1, 1 + int(np.prod(shape)))).reshape(shape)
    return a.astype(np.float64)


@dataclass(frozen=True)
class Door:
    """A public function, called with one of its array arguments; the others are fixed."""

    name: str
    argument: str  # as it is named in the error messages
    call: Callable[[Any], Any]  # array -> what comes out: an array, or a tuple of arrays
    sample: np.ndarray  # whole numbers
    nan: str = "raises"  # or "propagates"
    smooth: bool = False  # takes complex arrays
    single: bool = True  # float32 in, float32 out
    wrong_shape: tuple | np.ndarray | None = None  # a shape it must refuse, or an array of one; None: it takes any
    layer: bool = False  # bare mathematics inside a network: keeps its rows on NaN, layout, dtype and unmodified inputs only

    def __str__(self):
        return f"{self.name}({self.argument})"


def outputs(result):
    """The arrays and numbers of a result, in order."""
    if isinstance(result, (tuple, list)):
        return [a for r in result for a in outputs(r)]
    return [np.asarray(result)]


W = whole(4, 3)


def pair(forward, backward):
    def call(W, **options):
        E, cache = forward(W, **options)
        return E, backward(1.0, cache)

    return call


energy = pair(mhe.energy_forward, mhe.energy_backward)
power_mean = pair(mhe.power_mean_forward, mhe.power_mean_backward)
LABELS = np.array([0, 2, 1, 3, 2])
POINTS = np.eye(3)[[0, 1, 2, 0]]  # on the sphere, in whole numbers
TANGENT = np.array([[0.0, 2, 1], [3, 0, 1], [1, 2, 0], [0, 4, 5]])
SIGNS = np.array([1.0, -1, 1, -1, 1])
LAYERS, PARAMS = mlp((3, 4, 1), "tanh", np.random.default_rng(0))
THETA, UNRAVEL = ravel(PARAMS)


def in_network(**options):
    """The energy of a network whose first layer's weights are the argument, and its gradient for them."""

    def call(W):
        W = (
            np.asarray(W) if isinstance(W, list) and len({len(row) for row in W}) == 1 else W
        )  # among parameters a list is a nesting, not an array
        layers = [Dense(W, np.zeros(4, np.float32)), Dense(whole(3, 4, seed=6).astype(np.float32), np.zeros(3, np.float32))]
        value, cache = mhe.network_energy_forward(layers, **options)
        return value, mhe.network_energy_backward(1.0, cache)[0].W

    return call


def loss_of(x):
    """Gradient of a small network's loss as a function of its inputs' array."""
    f = objective(LAYERS, UNRAVEL, (squared_forward, squared_backward), x, np.ones((4, 1), np.float32))
    return f(THETA.astype(np.asarray(x).dtype if np.asarray(x).dtype.kind == "f" else float))[1]  # its value is a Python float


IMAGES = whole(4, 1, 2, 3, seed=8)
IMAGE_LAYERS = (
    nn.Layer(partial(nn.conv2d_forward, stride=(1, 2), padding=1), nn.conv2d_backward, nn.conv2d_params_backward),
    nn.without_params(partial(nn.maxpool2d_forward, kernel=(2, 1)), nn.maxpool2d_backward),
    nn.without_params(nn.flatten_forward, nn.flatten_backward),
)
IMAGE_THETA, IMAGE_UNRAVEL = ravel((nn.Conv2d(whole(2, 1, 2, 2, seed=9), whole(2)), (), ()))


def loss_of_images(x):
    """Gradient of a small network's loss on some of the images."""
    objectives = nn.batch_objective(
        IMAGE_LAYERS, IMAGE_UNRAVEL, (squared_forward, squared_backward), x, np.ones((4, 4), np.float32)
    )
    return objectives([3, 0, 1])(IMAGE_THETA.astype(np.asarray(x).dtype if np.asarray(x).dtype.kind == "f" else float))[1]


def smooth_loss(name, y, **options):
    forward, backward = getattr(nn, f"{name}_forward"), getattr(nn, f"{name}_backward")

    def call(f):
        value, cache = forward(f, y, **options)
        return value, backward(1.0, cache)

    return call


def squares(x):
    return 0.5 * float(x @ x) + 1, x


def begun(how):
    """theta -> position, momentum, value and gradient of the state in which a motion begins on ½|θ|² + 1."""

    def call(theta):
        state = how(lambda x: (0.5 * float(x.ravel() @ x.ravel()) + 1, x), theta)
        return state[0], state[1], state[3]

    return call


def rows_begun(theta):
    state = bi.start_rows(lambda x: (0.5 * np.sum(x * x, axis=1) + 1, x), theta, 0.0, 1.0)
    return tuple(np.ascontiguousarray(a) for a in (state.theta, state.pi, state.dV))


def mhe_door(name, argument="W", sample=W, wrong_shape=(4,), call=None, **more):
    return Door(
        f"{name}_forward",
        argument,
        call or pair(getattr(mhe, f"{name}_forward"), getattr(mhe, f"{name}_backward")),
        sample,
        wrong_shape=wrong_shape,
        **more,
    )


DOORS = [
    Door("energy_forward", "W", energy, W, smooth=True, wrong_shape=(4,)),
    Door(
        "energy_forward half angular",
        "W",
        lambda W: energy(W, s=0, half_space=True, angular=True),
        W,
        smooth=True,
        wrong_shape=(4, 1),
    ),
    Door("energy_and_gradient", "W", mhe.energy_and_gradient, W, wrong_shape=(2, 3, 4)),
    Door(
        "energy_hessian_vector",
        "W",
        lambda W: mhe.energy_hessian_vector(W, np.ones((4, 3), np.float32)),
        W,
        smooth=True,
        wrong_shape=(0, 3),
    ),
    Door(
        "energy_hessian_vector",
        "V",
        lambda V: mhe.energy_hessian_vector(W.astype(np.float32), V),
        W,
        smooth=True,
        wrong_shape=(3, 4),
    ),
    Door("power_mean_forward", "W", power_mean, W, smooth=True, wrong_shape=(1, 3)),
    # networks
    Door("filters", "W", mhe.filters, whole(2, 3, 2, 2), nan="propagates", smooth=True, wrong_shape=(2, 3, 4)),
    Door("network_energy_forward", r"params\[0\]\.W", in_network(), W, wrong_shape=(4,), smooth=True),
    Door("network_energy_forward half", r"params\[0\]\.W", in_network(half_space=True, s=0), W, wrong_shape=(4, 1), smooth=True),
    mhe_door(
        "subset_energy", call=lambda W: pair(mhe.subset_energy_forward, mhe.subset_energy_backward)(W, rows=[0, 2, 3]), smooth=True
    ),
    mhe_door(
        "class_energy", call=lambda W: pair(mhe.class_energy_forward, mhe.class_energy_backward)(W, labels=LABELS), smooth=True
    ),
    # as released
    mhe_door("released_energy", smooth=True),
    mhe_door(
        "released_energy",
        call=lambda W: pair(mhe.released_energy_forward, mhe.released_energy_backward)(W, half_space=True, s=0),
        smooth=True,
    ),
    mhe_door("gan_energy", smooth=True),
    mhe_door("sphereface_plus", call=lambda W: pair(mhe.sphereface_plus_forward, mhe.sphereface_plus_backward)(W, labels=LABELS)),
    mhe_door(
        "released_loss",
        "f",
        call=lambda f: pair(mhe.released_loss_forward, mhe.released_loss_backward)(f, labels=LABELS[:4] % 3),
        smooth=True,
    ),
    # related
    mhe_door("orthonormal", smooth=True),
    mhe_door("squared_distances", smooth=True),
    mhe_door("mma", smooth=True),
    mhe_door("mhs", smooth=True),
    mhe_door("gram_determinant", smooth=True),
    mhe_door(
        "polarisation",
        call=lambda W: pair(mhe.polarisation_forward, mhe.polarisation_backward)(W, v=np.array([1, 2, -3], np.float32)),
        smooth=True,
    ),
    mhe_door(
        "projected_energy",
        call=lambda W: pair(mhe.projected_energy_forward, mhe.projected_energy_backward)(W, P=whole(2, 2, 3).astype(np.float32)),
        smooth=True,
    ),
    # limits and minima
    Door("normalised_excess", "W", lambda W: mhe.normalised_excess(W, s=0), W, single=False, wrong_shape=(4,)),
    # the sphere
    Door(
        "project_forward",
        "w",
        pair(sphere.project_forward, lambda one, cache: sphere.project_backward(cache[0], cache)),
        W,
        nan="propagates",
        smooth=True,
    ),
    Door(
        "tangent", "v", lambda v: sphere.tangent(POINTS.astype(np.float32), v), W, nan="propagates", smooth=True, wrong_shape=(3, 4)
    ),
    Door(
        "exp", "v", lambda v: sphere.exp(POINTS.astype(np.float32), v), TANGENT, nan="propagates", smooth=True, wrong_shape=(3, 4)
    ),
    Door(
        "retract",
        "v",
        lambda v: sphere.retract(POINTS.astype(np.float32), v),
        TANGENT,
        nan="propagates",
        smooth=True,
        wrong_shape=(3, 4),
    ),
    Door(
        "log",
        "v",
        lambda v: sphere.log(POINTS[::-1].astype(np.float32), v),
        POINTS,
        nan="propagates",
        smooth=True,
        wrong_shape=np.eye(3),
    ),
    Door(
        "distance",
        "v",
        lambda v: sphere.distance(POINTS[::-1].astype(np.float32), v),
        POINTS,
        nan="propagates",
        smooth=True,
        wrong_shape=np.eye(3),
    ),
    # Born-Infeld
    Door("start", "theta", begun(lambda f, x: bi.start(f, x, 0.0, 1.0)), whole(3), wrong_shape=(3, 1)),
    Door("ecdsep_start", "theta", begun(lambda f, x: bi.ecdsep_start(f, x, 0.0, 1.0)), whole(3), wrong_shape=(3, 1)),
    Door("mchmc_start", "theta", begun(bi.mchmc_start), whole(3), wrong_shape=(3, 1)),
    Door("start_rows", "theta", rows_begun, W, wrong_shape=(4,), single=False),
    Door(
        "born_infeld",
        "x0",
        lambda x: bi.born_infeld(squares, x, jac=True, step=0.1, maxiter=5).x_last,
        whole(3),
        wrong_shape=(3, 1),
    ),
    Door("spiral", "theta0", lambda x: bi.spiral(1.0, 1.0, x, np.ones(3)), whole(3), wrong_shape=(3, 1), single=False),
    Door("log_density", "V", lambda V: bi.log_density(V, 100.0, 3), whole(3), nan="propagates", single=False),
    # networks by hand
    Door("objective", "x", loss_of, W, nan="propagates"),
    Door("batch_objective", "x", loss_of_images, IMAGES, nan="propagates"),
    Door("hinge_forward", "f", smooth_loss("hinge", SIGNS), whole(5), nan="propagates", layer=True),
    Door("logistic_forward", "f", smooth_loss("logistic", SIGNS), whole(5), nan="propagates", layer=True),
    Door("squared_forward", "f", smooth_loss("squared", SIGNS), whole(5), nan="propagates", layer=True),
    Door("cross_entropy_forward", "f", smooth_loss("cross_entropy", LABELS[:4] % 3), W, nan="propagates", layer=True),
]

every_door = pytest.mark.parametrize("door", [door for door in DOORS if not door.layer], ids=str)
every_function = pytest.mark.parametrize("door", DOORS, ids=str)


def same_bits(got, expected):
    for a, b in zip(outputs(got), outputs(expected), strict=True):
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        assert a.tobytes() == b.tobytes()


@every_function
@pytest.mark.parametrize("kind", ["i8", "i4", "u1", "u8"])
def test_whole_numbers_become_float64(door, kind):
    same_bits(door.call(door.sample.astype(kind)), door.call(door.sample))


@every_door
@pytest.mark.parametrize("kind", ["f2", "?", "O", "U4", "g", "M8[s]"])
def test_other_kinds_of_number_are_refused(door, kind):
    if kind == "g" and np.dtype("g") == np.dtype("d"):
        return  # long double is double here: nothing to refuse
    x = door.sample.astype(kind) if kind != "M8[s]" else door.sample.astype("i8").astype(kind)
    with pytest.raises(TypeError, match=rf"^{door.argument}: expected .* got "):
        door.call(x)


@every_door
def test_complex_is_refused_unless_the_function_is_holomorphic(door):
    if door.smooth:
        assert all(a.dtype.kind == "c" for a in outputs(door.call(door.sample.astype(complex))))
    else:
        with pytest.raises(TypeError, match=rf"^{door.argument}: .*complex128"):
            door.call(door.sample.astype(complex))


@every_door
def test_masked_arrays_are_refused_and_ragged_lists_too(door):
    with pytest.raises(TypeError, match=rf"^{door.argument}: .*masked"):
        door.call(np.ma.masked_array(door.sample, mask=False))
    with pytest.raises(TypeError, match=rf"^{door.argument}: "):
        door.call([[1.0, 2.0], [3.0]])


@every_door
def test_lists_and_matrices_are_converted(door):
    same_bits(door.call(door.sample.tolist()), door.call(door.sample))
    if door.sample.ndim == 2:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PendingDeprecationWarning)  # NumPy's own, about matrices as such
            matrix = np.asmatrix(door.sample)
        same_bits(door.call(matrix), door.call(door.sample))


@every_function
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity(door, bad):
    x = door.sample.copy()
    x.flat[1] = bad
    if door.nan == "raises":
        with pytest.raises(ValueError, match=rf"^{door.argument}: expected finite numbers, got -?(nan|inf) at index"):
            door.call(x)
    elif np.isnan(bad):  # an infinite output may well have a finite loss
        with np.errstate(all="ignore"):
            assert any(np.isnan(a).any() for a in outputs(door.call(x)))


def layouts(a):
    """The same numbers in other layouts."""
    wide = np.repeat(a, 2, axis=-1)
    wide[..., 1::2] = -1
    swapped = a.astype(a.dtype.newbyteorder())
    raw = np.empty(a.nbytes + 1, np.uint8)
    misaligned = raw[1:].view(a.dtype).reshape(a.shape)
    misaligned[...] = a
    read_only = a.copy()
    read_only.flags.writeable = False
    return {
        "strided": wide[..., ::2],
        "fortran": np.asfortranarray(a),
        "reversed": a[::-1].copy()[::-1],
        "other endian": swapped,
        "misaligned": misaligned,
        "read-only": read_only,
    }


@every_function
@pytest.mark.parametrize("kind", ["f8", "f4"])
@pytest.mark.parametrize("layout", ["strided", "fortran", "reversed", "other endian", "misaligned", "read-only"])
def test_layout_changes_no_bit_and_nothing_is_modified(door, layout, kind):
    a = door.sample.astype(kind)
    x = layouts(a)[layout]
    before = x.tobytes()
    same_bits(door.call(x), door.call(a))
    assert x.tobytes() == before


@every_function
def test_broadcast_input_is_as_good_as_its_copy(door):
    x = np.broadcast_to(door.sample[..., :1], door.sample.shape)  # stride 0

    def result(x):
        try:
            return door.call(x)
        except ValueError as e:  # equal columns may be bad input: then for both
            return np.frombuffer(str(e).encode(), np.uint8)

    same_bits(result(x), result(x.copy()))


@every_function
def test_float32_stays_float32(door):
    expected = np.float32 if door.single else np.float64
    assert {a.dtype for a in outputs(door.call(door.sample.astype("f4"))) if a.dtype.kind == "f"} == {np.dtype(expected)}
    assert {a.dtype for a in outputs(door.call(door.sample)) if a.dtype.kind == "f"} == {
        np.dtype(np.float64)
    } or "hessian" in door.name


@every_function
def test_outputs_own_their_memory(door):
    x = door.sample.copy()
    for a in outputs(door.call(x)):
        assert not np.shares_memory(a, x)
        assert a.flags.c_contiguous


@pytest.mark.parametrize("door", [door for door in DOORS if door.wrong_shape is not None], ids=str)
def test_wrong_shape_names_argument_and_shape(door):
    x = door.wrong_shape if isinstance(door.wrong_shape, np.ndarray) else whole(*door.wrong_shape)
    with pytest.raises(ValueError, match=rf"^{door.argument}: expected .* got .*{re.escape(str(x.shape))}"):
        door.call(x)


@every_function
def test_threads_share_no_state(door):
    expected, got = door.call(door.sample), [None] * 8

    def work(k):
        for _ in range(5):
            got[k] = door.call(door.sample)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for g in got:
        same_bits(g, expected)
