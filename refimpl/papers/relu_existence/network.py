"""The response of a shallow ReLU network, and the representative of its symmetries that is balanced.

    R(x) = c + a·x + Σ_j v_j (w_j·x + b_j)⁺         a is the skip connection of residual networks

The response stays when neurons are permuted, and when (w_j, b_j, v_j) becomes (s w_j, s b_j, v_j/s), s > 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from refimpl.doors import finite, floats
from refimpl.manifolds.sphere import length
from refimpl.nn.shallow import Shallow, shallow, skip, without_skip


def response(params: Any, x: ArrayLike) -> np.ndarray:
    """R(x) of each input, (n,).

    Parameters
    ----------
    params : Shallow, (W, b, v, c), (W, b, v, c, a), or what `mlp([m, n, 1], "relu", rng)` gives
    x : array_like, shape (n, m), or (n,) for one input

    Raises
    ------
    TypeError, ValueError
        If params or x are no finite numbers of such shapes.
    """
    net, _ = shallow(params)
    x = inputs(x, net.W.shape[1])
    return np.maximum(x @ net.W.T + net.b, 0) @ net.v + net.c + x @ skip(net)


def balanced(params: Any) -> Any:
    """The same response with |v_j| = |(w_j, b_j)|, which has the least Σ |w_j|² + b_j² + v_j² of all scalings.

    A neuron that does nothing, v_j = 0 or (w_j, b_j) = 0, becomes 0. Comes back in the form it came in; raises as `response`.
    """
    net, back = shallow(params)
    rho = length(np.column_stack([net.W, net.b]))[:, 0]
    works = (rho > 0) & (net.v != 0)
    s = np.where(works, np.sqrt(np.abs(net.v)) / np.sqrt(np.where(works, rho, 1)), 0)
    v = np.where(works, net.v, 0) / np.where(works, s, 1)
    return back(Shallow(net.W * s[:, None], net.b * s, v, np.array(net.c), net.a if without_skip(net) else np.array(net.a)))


def inputs(x: Any, m: int) -> np.ndarray:
    """x as a float64 array (n, m) of finite numbers; (n,) is taken for one input."""
    a = finite("x", floats("x", x)).astype(np.float64, copy=False)
    if a.ndim == 1 and m == 1:
        a = a[:, None]
    if a.ndim != 2 or a.shape[1] != m:
        raise ValueError(f"x: expected shape (n, {m}), got {a.shape}")
    return a
