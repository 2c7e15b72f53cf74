"""The parameter vector: names, shapes, dtypes, and what is refused. That it is undone exactly is claim L23."""

import pickle
from typing import Any, NamedTuple

import numpy as np
import pytest

from refimpl.params import entry_name, ravel, total


class Pair(NamedTuple):
    W: Any
    b: Any


PARAMS = (Pair(np.arange(6.0).reshape(2, 3), np.float64(6)), (), [{"z": np.array([7.0]), "a": np.zeros((0, 4))}, 8])


def test_entries_are_named_by_where_they_stand():
    theta, unravel = ravel(PARAMS, name="layers")
    assert theta.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8]
    assert [entry_name(unravel, i) for i in (0, 5, 6, 7, -1)] == [
        "layers[0].W[0, 0]",
        "layers[0].W[1, 2]",
        "layers[0].b",
        "layers[2][0]['z'][0]",
        "layers[2][1]",
    ]
    assert unravel.names == ("layers[0].W", "layers[0].b", "layers[2][0]['z']", "layers[2][0]['a']", "layers[2][1]")
    assert unravel.shapes == ((2, 3), (), (1,), (0, 4), ())
    assert (unravel.size, unravel.dtype) == (9, np.float64)
    assert ravel(np.zeros(2))[1].entry(np.int64(1)) == "params[1]"


@pytest.mark.parametrize("i", [9, -10])
def test_an_entry_that_is_not_there(i):
    with pytest.raises(IndexError, match=rf"^i: expected an index into 9 entries, got {i}"):
        ravel(PARAMS)[1].entry(i)


@pytest.mark.parametrize(
    ("params", "dtype"),
    [
        ((), np.float64),
        ([np.zeros(2, np.float32), np.zeros((), np.float32)], np.float32),
        ([np.zeros(2, np.float32), np.zeros(1)], np.float64),
        (np.arange(3), np.float64),
        (7, np.float64),
        ([np.zeros(1, complex), np.zeros(1)], np.complex128),
        (np.zeros(2, ">f8"), np.float64),
    ],
)
def test_the_vector_has_the_dtype_that_holds_all(params, dtype):
    theta, unravel = ravel(params)
    assert theta.dtype == dtype
    assert theta.dtype.isnative
    assert unravel.dtype == dtype
    assert unravel.flat(unravel(theta)).dtype == dtype


@pytest.mark.parametrize("bad", [None, "W", np.array(["W"]), np.zeros(2, bool), np.zeros(2, np.float16), np.ma.zeros(2)])
def test_what_is_no_array_of_numbers_is_refused_by_name(bad):
    with pytest.raises(TypeError, match=r"^params\[1\]\['W'\]: expected .* got "):
        ravel(((), {"W": bad}))


def test_the_vector_owns_its_memory_and_unravel_gives_views():
    W = np.zeros((2, 3))
    theta, unravel = ravel([W])
    assert not np.shares_memory(theta, W)
    every_other = np.arange(12.0)[::2]  # a strided vector, and nothing is copied
    unravel(every_other)[0][1, 2] = -1
    assert every_other[-1] == -1
    assert unravel(1j * theta)[0].dtype == np.complex128  # views of whatever vector is given
    assert not np.shares_memory(unravel.flat([W]), W)


@pytest.mark.parametrize("theta", [np.zeros(8), np.zeros(10), np.zeros((9, 1)), 0.0])
def test_a_vector_of_another_shape_is_refused(theta):
    with pytest.raises(ValueError, match=r"^theta: expected shape \(9,\), got \("):
        ravel(PARAMS)[1](theta)


def test_flat_follows_the_order_of_the_original_keys():
    _, unravel = ravel({"b": np.zeros(1), "a": np.zeros(1)})
    assert unravel.flat({"a": np.array([1.0]), "b": np.array([2.0])}).tolist() == [2, 1]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ((PARAMS[0], (), PARAMS[2][:1]), "expected a nesting like"),
        ((PARAMS[0], np.zeros(0), PARAMS[2]), "expected a nesting like .*, got ndarray"),
        ((PARAMS[0], (), [{"z": np.zeros(1), "b": np.zeros((0, 4))}, 8]), "expected a nesting like"),
        ((PARAMS[0]._replace(W=np.zeros((3, 2))), (), PARAMS[2]), r"params\[0\].W: expected shape \(2, 3\), got \(3, 2\)"),
    ],
)
def test_gradients_of_another_form_are_refused(params, message):
    with pytest.raises(ValueError, match=message):
        ravel(PARAMS)[1].flat(params)


def test_unravel_travels_between_processes():
    theta, unravel = ravel(PARAMS)
    again = pickle.loads(pickle.dumps(unravel))
    assert again(theta)[0].W.tolist() == PARAMS[0].W.tolist()


@pytest.mark.parametrize(
    ("objectives", "weights"), [((), None), ((abs,), [1.0, 2.0]), ((abs,), [np.nan]), ((abs, abs), [1.0, np.inf]), ((), [])]
)
def test_a_total_needs_one_finite_weight_for_each_objective(objectives, weights):
    with pytest.raises(ValueError, match=r"^weights: expected one finite number for each of"):
        total(*objectives, weights=weights)


def test_a_total_of_objectives_over_different_parameters_is_refused():
    mixed = total(lambda t: (0.0, np.zeros(1)), lambda t: (0.0, np.zeros(2)))
    with pytest.raises(ValueError, match=r"^objectives: expected gradients of one shape, got \[\(1,\), \(2,\)\]"):
        mixed(np.zeros(1))


def test_a_total_keeps_float32():
    _, gradient = total(lambda t: (0.0, t), lambda t: (0.0, t), weights=[0.5, np.float64(2)])(np.ones(2, np.float32))
    assert gradient.dtype == np.float32
    assert gradient.tolist() == [2.5, 2.5]
