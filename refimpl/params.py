"""Parameters as one vector, and the objectives that take it.

A network's parameters are any nesting of tuples, lists, NamedTuples and dicts of arrays. Optimisers, integrators and the gradient
checker want a vector instead. `ravel` goes from one to the other, and back by views:

    symbol    here        shape    meaning
    θ         theta       (p,)     all parameters, one after the other
    f, ∇f     Objective            theta -> (value, gradient (p,))

Reading order: ravel, the Unravel it returns, sums of objectives.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import index
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike

from refimpl.doors import floats

Objective = Callable[[np.ndarray], tuple[float, np.ndarray]]


def ravel(params: Any, name: str = "params") -> tuple[np.ndarray, Unravel]:
    """All entries of params as one vector, and the way back.

    Parameters
    ----------
    params : array, number, or any nesting of tuples, lists, NamedTuples and dicts of these
        Dicts are read in their own order. Arrays may be of zero size, and `()` has no entries.
    name : str
        What the entries are called: `params[0].W[2, 5]`.

    Returns
    -------
    theta : ndarray, shape (p,)
        A new vector, of the dtype that holds all arrays; float64 if there are none.
    unravel : Unravel
        theta -> params of the same nesting, whose arrays are views of theta.

    Raises
    ------
    TypeError
        If something in the nesting is not a real or complex floating-point or integer array; it is named.
    """
    arrays = [floats(at, leaf, smooth=True) for at, leaf in leaves(params, name)]
    theta = np.concatenate([np.zeros(0, arrays[0].dtype if arrays else float), *(a.ravel() for a in arrays)])
    return theta, Unravel(params, name, theta.dtype)


class Unravel:
    """From a vector to the nesting it came from, and from any such nesting to a vector.

    unravel(theta) : the nesting, arrays being views of theta: no copies, and writing to one writes to the other
    unravel.flat(params) : a new vector of the entries of params, a nesting of the same kind: how gradients become vectors
    unravel.entry(i) : name of theta[i], as `params[0].W[2, 5]`
    unravel.size, .dtype, .names, .shapes : of theta, and of the arrays in it, in order
    """

    def __init__(self, params: Any, name: str, dtype: np.dtype):
        self._template, self.dtype = mapped(lambda leaf: None, params), dtype
        found = [(at, np.shape(leaf)) for at, leaf in leaves(params, name)]
        self.names: tuple[str, ...] = tuple(at for at, _ in found)
        self.shapes: tuple[tuple[int, ...], ...] = tuple(shape for _, shape in found)
        sizes = [int(np.prod(shape, dtype=int)) for shape in self.shapes]
        self._stops: list[int] = np.cumsum(sizes, dtype=int).tolist()
        self._spans = [(stop - size, stop, shape) for stop, size, shape in zip(self._stops, sizes, self.shapes, strict=True)]
        self.size: int = sum(sizes)

    def __call__(self, theta: ArrayLike) -> Any:
        theta = np.asarray(theta)
        if theta.shape != (self.size,):
            raise ValueError(f"theta: expected shape ({self.size},), got {theta.shape}")
        views = iter([theta[start:stop].reshape(shape) for start, stop, shape in self._spans])
        return mapped(lambda leaf: next(views), self._template)

    def flat(self, params: Any) -> np.ndarray:
        """The entries of params, nested as the original was, as one new vector. Raises ValueError where they are not."""
        arrays = [np.asarray(leaf) for leaf in alike(self._template, params)]
        for name, shape, a in zip(self.names, self.shapes, arrays, strict=True):
            if a.shape != shape:
                raise ValueError(f"{name}: expected shape {shape}, got {a.shape}")
        return np.concatenate([a.ravel() for a in arrays]) if arrays else np.zeros(0, self.dtype)

    def entry(self, i: SupportsIndex) -> str:
        """Name of theta[i]; negative i counts from the end. Raises IndexError if there is no such entry."""
        at = index(i)
        if not -self.size <= at < self.size:
            raise IndexError(f"i: expected an index into {self.size} entries, got {at}")
        at %= self.size
        k = int(np.searchsorted(self._stops, at, side="right"))
        start, _, shape = self._spans[k]
        where = ", ".join(str(int(j)) for j in np.unravel_index(at - start, shape))
        return f"{self.names[k]}[{where}]" if shape else self.names[k]


def entry_name(unravel: Unravel, i: SupportsIndex) -> str:
    """Name of entry i of the vector that unravel takes: `params[0].W[2, 5]`."""
    return unravel.entry(i)


# ---- the nesting
def nested(node):
    """Is this a container, as opposed to an array or a number?"""
    return isinstance(node, (tuple, list, dict))


def children(node):
    """(how it is reached, child) of a container, in order: `.W` in a NamedTuple, `[0]` in a list, `['key']` in a dict."""
    if isinstance(node, dict):
        return [(f"[{key!r}]", child) for key, child in node.items()]
    if hasattr(node, "_fields"):
        return [(f".{field}", child) for field, child in zip(node._fields, node, strict=True)]
    return [(f"[{k}]", child) for k, child in enumerate(node)]


def leaves(node, name):
    """(name, array or number) of every leaf, in order."""
    if nested(node):
        return [leaf for step, child in children(node) for leaf in leaves(child, name + step)]
    return [(name, node)]


def mapped(f, node):
    """The same nesting with f of every leaf, taken in order."""
    if not nested(node):
        return f(node)
    if isinstance(node, dict):
        return {key: mapped(f, child) for key, child in node.items()}
    parts = [mapped(f, child) for child in node]
    return type(node)(*parts) if hasattr(node, "_fields") else type(node)(parts)


def alike(template, node):
    """The leaves of node in the order of the template; ValueError if the nestings differ."""
    if template is None:
        return [node]
    if not nested(node) or len(node) != len(template) or (isinstance(template, dict) and set(template) != set(node)):
        raise ValueError(f"params: expected a nesting like {template}, got {type(node).__name__} in place of it")
    pairs = [(template[k], node[k]) for k in template] if isinstance(template, dict) else zip(template, node, strict=True)
    return [leaf for t, n in pairs for leaf in alike(t, n)]


# ---- objectives
def total(*objectives: Objective, weights: Sequence[float] | None = None) -> Objective:
    """The weighted sum of objectives, an objective again: total(loss, energy, weights=(1, 0.1)).

    Parameters
    ----------
    objectives : at least one, all over the same theta
    weights : one finite number for each; 1 by default

    Raises
    ------
    ValueError
        If there is no objective, or weights are not one finite number each; from the sum itself, if gradients differ in shape.
    """
    w = [1.0] * len(objectives) if weights is None else [float(weight) for weight in weights]
    if not objectives or len(w) != len(objectives) or not np.isfinite(w).all():
        raise ValueError(f"weights: expected one finite number for each of {len(objectives)} >= 1 objectives, got {weights}")

    def summed(theta):
        values, gradients = zip(*(f(theta) for f in objectives), strict=True)
        shapes = {np.shape(g) for g in gradients}
        if len(shapes) > 1:
            raise ValueError(f"objectives: expected gradients of one shape, got {sorted(shapes)}")
        return sum(a * v for a, v in zip(w, values, strict=True)), sum(a * g for a, g in zip(w, gradients, strict=True))

    return summed
