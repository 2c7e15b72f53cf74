"""One hidden layer of ReLU neurons and one output, as papers write it: the forms its parameters come in.

    symbol     here      shape    meaning
    w_j        W[j]      (m,)     weights of neuron j, n neurons
    b_j        b[j]               threshold of neuron j: it is added, w_j·x + b_j
    v_j        v[j]               outgoing weight of neuron j
    c          c         ()       output bias
    a          a         (m,)     skip connection of a residual network; () where there is none

    R(x) = c + a·x + Σ_j v_j (w_j·x + b_j)⁺

`mlp([m, n, 1], "relu", rng)` gives the same parameters as (Dense(W, b), (), Dense(v, c)). :func:`shallow` reads both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from refimpl.doors import finite, floats
from refimpl.nn.dense import Dense


class Shallow(NamedTuple):
    """W (n, m), b (n,), v (n,), c (), and a (m,) if there is a skip connection. `ravel` takes it."""

    W: Any
    b: Any
    v: Any
    c: Any
    a: Any = ()


def shallow(params: Any, name: str = "params") -> tuple[Shallow, Callable[[Shallow], Any]]:
    """The parameters as a Shallow of float64 arrays, and the way back to the form that they came in.

    Parameters
    ----------
    params : Shallow, tuple (W, b, v, c) or (W, b, v, c, a), or (Dense(W, b), (), Dense(v (1, n), c (1,))) as `mlp` makes it
        n may be 0. Numbers of n neurons may differ in what goes back.

    Returns
    -------
    params : Shallow
        a is () if there is none. Copies, unless they were float64 arrays.
    back : callable
        Shallow -> the nesting that came in. A skip connection needs one that has a place for it: ValueError otherwise.

    Raises
    ------
    TypeError, ValueError
        If params have another form, entries are no finite numbers, or shapes do not fit; the entry is named.
    """
    dense = isinstance(params, (tuple, list)) and len(params) == 3 and isinstance(params[0], Dense) and isinstance(params[2], Dense)
    if dense:
        hidden, between, last = params
        if not (isinstance(between, tuple) and between == ()):
            raise ValueError(f"{name}[1]: expected (), as ReLU has no parameters, got {type(between).__name__}")
        parts = Shallow(hidden.W, hidden.b, last.W, last.b)
        names: tuple[str, ...] = (f"{name}[0].W", f"{name}[0].b", f"{name}[2].W", f"{name}[2].b", "")
    elif isinstance(params, (tuple, list)) and len(params) in (4, 5) and not any(isinstance(part, Dense) for part in params):
        parts = Shallow(*params)
        names = tuple(
            f"{name}.{field}" if isinstance(params, Shallow) else f"{name}[{k}]" for k, field in enumerate(Shallow._fields)
        )
    else:
        raise TypeError(
            f"{name}: expected Shallow, (W, b, v, c) or (Dense(W, b), (), Dense(v, c)) of one hidden layer, got {described(params)}"
        )
    W = entry(names[0], parts.W, (None, None))
    n, m = W.shape
    if m < 1:
        raise ValueError(f"{names[0]}: expected at least one input, got shape {W.shape}")
    v = entry(names[2], parts.v, (1, n) if dense else (n,)).reshape(n)
    c = entry(names[3], parts.c, (1,) if dense else ()).reshape(())
    a = parts.a if isinstance(parts.a, tuple) and parts.a == () else entry(names[4], parts.a, (m,))

    def back(result: Shallow) -> Any:
        if dense:
            if not without_skip(result):
                raise ValueError(f"{name}: (Dense, (), Dense) has no place for a skip connection; hand in Shallow")
            return type(params)((Dense(result.W, result.b), (), Dense(np.reshape(result.v, (1, -1)), np.reshape(result.c, 1))))
        if isinstance(params, Shallow):
            return result
        return type(params)(result if len(params) == 5 or not without_skip(result) else result[:4])

    return Shallow(W, entry(names[1], parts.b, (n,)), v, c, a), back


def without_skip(params: Shallow) -> bool:
    """Is there no skip connection?"""
    return isinstance(params.a, tuple)


def skip(params: Shallow) -> np.ndarray:
    """a, zeros (m,) where there is none."""
    return np.zeros(params.W.shape[1]) if without_skip(params) else params.a


# ---- the door
def entry(name, x, shape):
    """x as a float64 array of finite numbers; TypeError or ValueError otherwise."""
    return finite(name, floats(name, x, shape).astype(np.float64, copy=False))


def described(params):
    """What came, for an error message."""
    if not isinstance(params, (tuple, list)):
        return type(params).__name__
    return f"{type(params).__name__} of {', '.join(type(part).__name__ for part in params) or 'nothing'}"
