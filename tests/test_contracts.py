"""What every door promises about its array arguments, one row a promise, one parametrised test for all doors."""

import re
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from refimpl.papers import hyperspherical_energy as mhe


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
    wrong_shape: tuple = ()  # a shape it must refuse
    empty: tuple | None = None  # a zero-size shape it accepts; None: it must refuse

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

DOORS = [
    Door("energy_forward", "W", energy, W, smooth=True, wrong_shape=(4,)),
    Door("energy_forward half angular", "W", lambda W: energy(W, s=0, half_space=True, angular=True), W, smooth=True, wrong_shape=(4, 1)),
    Door("energy_and_gradient", "W", mhe.energy_and_gradient, W, wrong_shape=(2, 3, 4)),
    Door("energy_hessian_vector", "W", lambda W: mhe.energy_hessian_vector(W, np.ones((4, 3), np.float32)), W, smooth=True, wrong_shape=(0, 3)),
    Door("energy_hessian_vector", "V", lambda V: mhe.energy_hessian_vector(W.astype(np.float32), V), W, smooth=True, wrong_shape=(3, 4)),
    Door("power_mean_forward", "W", power_mean, W, smooth=True, wrong_shape=(1, 3)),
]

every_door = pytest.mark.parametrize("door", DOORS, ids=str)


def same_bits(got, expected):
    for a, b in zip(outputs(got), outputs(expected), strict=True):
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        assert a.tobytes() == b.tobytes()


@every_door
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


@every_door
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity(door, bad):
    x = door.sample.copy()
    x.flat[1] = bad
    if door.nan == "raises":
        with pytest.raises(ValueError, match=rf"^{door.argument}: expected finite numbers, got -?(nan|inf) at index"):
            door.call(x)
    else:
        with np.errstate(all="ignore"):
            assert any(not np.isfinite(a).all() for a in outputs(door.call(x)))


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


@every_door
@pytest.mark.parametrize("kind", ["f8", "f4"])
@pytest.mark.parametrize("layout", ["strided", "fortran", "reversed", "other endian", "misaligned", "read-only"])
def test_layout_changes_no_bit_and_nothing_is_modified(door, layout, kind):
    a = door.sample.astype(kind)
    x = layouts(a)[layout]
    before = x.tobytes()
    same_bits(door.call(x), door.call(a))
    assert x.tobytes() == before


@every_door
def test_broadcast_input_is_as_good_as_its_copy(door):
    x = np.broadcast_to(door.sample[..., :1], door.sample.shape)  # stride 0

    def result(x):
        try:
            return door.call(x)
        except ValueError as e:  # equal columns may be bad input: then for both
            return np.frombuffer(str(e).encode(), np.uint8)

    same_bits(result(x), result(x.copy()))


@every_door
def test_float32_stays_float32(door):
    expected = np.float32 if door.single else np.float64
    assert {a.dtype for a in outputs(door.call(door.sample.astype("f4"))) if a.dtype.kind == "f"} == {np.dtype(expected)}
    assert {a.dtype for a in outputs(door.call(door.sample)) if a.dtype.kind == "f"} == {np.dtype(np.float64)} or "hessian" in door.name


@every_door
def test_outputs_own_their_memory(door):
    x = door.sample.copy()
    for a in outputs(door.call(x)):
        assert not np.shares_memory(a, x)
        assert a.flags.c_contiguous


@every_door
def test_wrong_shape_names_argument_and_shape(door):
    x = whole(*door.wrong_shape) if np.prod(door.wrong_shape) else np.zeros(door.wrong_shape)
    with pytest.raises(ValueError, match=rf"^{door.argument}: expected .* got .*{re.escape(str(door.wrong_shape))}"):
        door.call(x)
    if door.empty is not None:
        assert all(a.size == 0 or (a == 0).all() for a in outputs(door.call(np.zeros(door.empty))))


@every_door
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
