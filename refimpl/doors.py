"""Doors check, rooms trust: how a public function takes its arrays.

Every function that a user calls first passes its array arguments through :func:`floats`. Behind the door the mathematics may
rely on a native, contiguous array of a known dtype and shape, and says nothing more about it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

_NATIVE = (np.dtype(np.float32).str, np.dtype(np.float64).str)
_KEPT = ("f4", "f8")  # float32 in, float32 out; float64 otherwise
_SMOOTH = ("c8", "c16")  # what the complex step hands in


def floats(name: str, x: Any, shape: tuple | None = None, smooth: bool = False) -> np.ndarray:
    """x as a C-contiguous float32 or float64 array; x itself is never modified, and is not copied if it already is one.

    Parameters
    ----------
    name : str
        What the caller calls the argument; it opens every error message.
    x : array_like
        Integers become float64. float16, bool, object, text and masked arrays are refused.
    shape : tuple, optional
        Expected shape; None for a free axis, a word for a free axis with a name: ``(None, 3)``, ``("m", "d")``.
    smooth : bool
        True where the function is holomorphic: complex arrays pass, for the complex step.

    Raises
    ------
    TypeError
        If the dtype is refused; the message names argument, expectation and what came.
    ValueError
        If the shape is not the expected one.
    """
    if type(x) is not np.ndarray or x.dtype.str not in _NATIVE or not (x.flags.c_contiguous and x.flags.aligned):
        x = _converted(name, x, smooth)
    if shape is not None and not (
        len(x.shape) == len(shape) and all(n == e for n, e in zip(x.shape, shape, strict=True) if type(e) is int)
    ):
        wanted = ", ".join("any" if e is None else str(e) for e in shape) + ("," if len(shape) == 1 else "")
        raise ValueError(f"{name}: expected shape ({wanted}), got {x.shape}")
    return x


def _converted(name, x, smooth):
    if isinstance(x, np.ma.MaskedArray):
        raise TypeError(f"{name}: expected a plain array, got a masked array; fill it first")
    try:
        a = np.asarray(x)
    except ValueError as e:  # a ragged list
        raise TypeError(f"{name}: expected an array of numbers, got {type(x).__name__} ({e})") from None
    kind = a.dtype.str[1:]
    if a.dtype.kind in "iu":
        a = a.astype(np.float64)
    elif kind not in _KEPT and not (smooth and kind in _SMOOTH):
        raise TypeError(f"{name}: expected float32, float64 or integers, got dtype {a.dtype}")
    return np.require(a, dtype=a.dtype.newbyteorder("="), requirements=["C", "A"])


def finite(name: str, a: np.ndarray) -> np.ndarray:
    """a itself, if no entry is NaN or infinite; otherwise ValueError naming the first index that is."""
    if not np.isfinite(a).all():
        at = tuple(int(i) for i in np.argwhere(~np.isfinite(a))[0])
        raise ValueError(f"{name}: expected finite numbers, got {a[at]} at index {at}")
    return a


def whole(name: str, x: Any, least: int) -> int:
    """x as a whole number of at least `least`; otherwise TypeError or ValueError."""
    if isinstance(x, bool) or not isinstance(x, (int, np.integer)):
        raise TypeError(f"{name}: expected a whole number >= {least}, got {type(x).__name__}")
    if x < least:
        raise ValueError(f"{name}: expected a whole number >= {least}, got {x}")
    return int(x)
