"""A network as the converters see it: its dense and convolutional layers, what leaves each neuron, and a bound of its outputs.

paper     here        shape      meaning
w_j, b_j  matrix, b   (m, d)     weights of m neurons, a row each, and their thresholds; a filter of a convolution is a row too
c_j       outgoing    (k, m, q)  what leaves neuron j: to k neurons of the next layer, q places of each (1 between dense layers)
X_l       X                      bound of |y^(l)|, the outputs of hidden layer l
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from fractions import Fraction
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from refimpl.nn import Conv2d, Dense, Shallow
from refimpl.nn.conv import both, conv2d_forward
from refimpl.nn.shallow import described
from refimpl.papers.reduced_space.domain import entries, radius_of, row_norms

ANY: Any = object()  # whatever the activation is
HOMOGENEOUS = ("relu", "leaky_relu", "prelu", "prelu_per_channel", "binary")


class Network(NamedTuple):
    """Dense and convolutional layers alone: blocks, the last one linear; slopes (m,) below 0 of each hidden layer."""

    blocks: tuple
    slopes: tuple
    activation: Any
    padded: tuple  # may this block's convolution pad with zeros?


def matrix(block: Any) -> np.ndarray:
    """A row for each neuron, or filter."""
    return block.W.reshape(len(block.W), math.prod(block.W.shape[1:]))


def outgoing(net: Network, k: int) -> np.ndarray:
    """What leaves neuron j of layer k: (neurons of the next layer, m, places), the last from a flattened image or a kernel."""
    W, m = net.blocks[k + 1].W, len(net.blocks[k].b)
    return W.reshape(len(W), m, math.prod(W.shape[1:]) // m if m else 0)


def joined(block: Any, V: np.ndarray) -> np.ndarray:
    """Those as weights of the block again: (k, m·places), or (k, m, kh, kw)."""
    k, m, q = V.shape
    return V.reshape((k, m, *block.W.shape[2:]) if block.W.ndim == 4 else (k, m * q))


def network(params: Any, activation: Any, slope: Any, layers: Sequence | None = None) -> tuple[Network, Callable]:
    """params as a Network, and the way back to the form that came in, all of it copied."""
    if activation is not ANY and (not isinstance(activation, str) or activation not in HOMOGENEOUS):
        close = get_close_matches(activation.lower(), HOMOGENEOUS, 1) if isinstance(activation, str) else []
        raise ValueError(
            f"activation: expected a positively homogeneous one ({', '.join(HOMOGENEOUS)}), for no other has a reduced form, "
            f"got {activation!r}" + (f"; was {close[0]} meant?" if close else "")
        )
    plain = isinstance(params, (tuple, list)) and len(params) in (4, 5)
    plain = plain and not any(isinstance(part, (Dense, Conv2d)) for part in params)
    nest, named = in_layers(params) if plain else (list(params) if isinstance(params, (tuple, list)) else [], {})
    at = [i for i, part in enumerate(nest) if isinstance(part, (Dense, Conv2d))]
    if len(at) < 2 or at[0] != 0 or at[-1] != len(nest) - 1 or any(j - i < 2 for i, j in pairwise(at)):
        raise ValueError(
            "params: expected Dense or Conv2d parameters with those of an activation between them, () or slopes, and at least one "
            f"hidden layer, got {described(params)}"
        )
    if layers is not None and len(layers) != len(nest):
        raise ValueError(f"layers: expected one for each of {len(nest)} entries of params, got {len(layers)}")
    between = [[part for part in nest[i + 1 : j] if not (isinstance(part, tuple) and part == ())] for i, j in pairwise(at)]
    exact = any(np.asarray(a).dtype == object for i in at for a in nest[i])
    blocks: list[Any] = []
    for i in at:
        part, m = nest[i], len(blocks[-1].b) if blocks else None
        name_W, name_b = (named.get((i, field), f"params[{i}].{field}") for field in "Wb")
        W = entries(name_W, part.W, 4 if isinstance(part, Conv2d) else 2, exact)
        fits = m is None or (W.shape[1] == m if isinstance(part, Conv2d) else W.shape[1] % m == 0 if m else W.shape[1] == 0)
        if not fits or (m is None and 0 in W.shape[1:]):
            wanted = "at least one input" if m is None else f"inputs from {m} neurons"
            raise ValueError(f"{name_W}: expected {wanted}, got shape {W.shape}")
        b = entries(name_b, part.b, 1, exact)
        if b.shape != W.shape[:1]:
            raise ValueError(f"{name_b}: expected shape {W.shape[:1]}, got {b.shape}")
        blocks.append(part._replace(W=W, b=b))
    kind = np.result_type(*(a for block in blocks for a in block))
    blocks = [block._replace(W=np.array(block.W, kind), b=np.array(block.b, kind)) for block in blocks]  # copies
    slopes = tuple(slopes_of(activation, slope, len(b.b), own, exact) for b, own in zip(blocks, between, strict=False))
    padded = tuple(isinstance(nest[i], Conv2d) and (layers is None or pads(layers[i])) for i in at)

    def back(net: Network) -> Any:
        parts = [part if isinstance(part, (tuple, Dense, Conv2d)) else np.array(part) for part in nest]
        for i, block in zip(at, net.blocks, strict=True):
            parts[i] = block
        if activation == "prelu_per_channel":
            own = iter(net.slopes)
            parts = [part if i in at or (isinstance(part, tuple) and part == ()) else next(own) for i, part in enumerate(parts)]
        if plain:
            (W, b), _, (V, c) = parts
            found = (W, b, V[0], c[0] if exact else c.reshape(()), *[()] * (len(params) == 5))
            return Shallow(*found) if isinstance(params, Shallow) else type(params)(found)
        return type(params)(parts)

    return Network(tuple(blocks), slopes, activation, padded), back


def in_layers(params):
    """(W, b, v, c) as [Dense(W, b), (), Dense([v], [c])], and what its entries are called."""
    if len(params) == 5 and not (isinstance(params[4], tuple) and params[4] == ()):
        raise ValueError("params: expected no skip connection, which the reduced form does not have, got one")
    W, b, v, c, *_ = params
    called = [f"params.{name}" if isinstance(params, Shallow) else f"params[{k}]" for k, name in enumerate("Wbvc")]
    for name, part, axes in ((called[2], v, 1), (called[3], c, 0)):
        if np.ndim(part) != axes or isinstance(part, np.ma.MaskedArray) or part is None:
            wanted = "a vector" if axes else "a number"
            raise ValueError(f"{name}: expected {wanted}, got {type(part).__name__} of shape {np.shape(part)}")
    names = dict(zip(((0, "W"), (0, "b"), (2, "W"), (2, "b")), called, strict=True))
    return [Dense(W, b), (), Dense(np.asarray(v)[None], np.reshape(c, 1))], names


def slopes_of(activation, slope, m, own, exact):
    """Slopes below 0 of m neurons, (m,)."""
    if activation in ("prelu", "prelu_per_channel"):
        if len(own) != 1:
            raise ValueError(f"params: expected one array of slopes behind each hidden layer of {activation}, got {len(own)}")
        a = entries("params: slopes", own[0], 0 if activation == "prelu" else 1, exact)
        if a.ndim and a.shape != (m,):
            raise ValueError(f"params: expected {m} slopes, got shape {a.shape}")
        return np.array(np.broadcast_to(a, m))
    if own and activation is not ANY:
        raise ValueError(
            f"params: expected () behind each hidden layer, since {activation} has no parameters, got {type(own[0]).__name__}"
        )
    return np.full(m, entries("slope", slope if activation == "leaky_relu" else 0, 0, exact)[()])


def pads(layer):
    """Does this convolution's layer pad with zeros, so far as it says?"""
    if getattr(layer.forward, "func", layer.forward) is not conv2d_forward:
        return True
    stated = getattr(layer.forward, "keywords", {}).get("padding", 0)
    return both("padding", stated, 0) != (0, 0)


# ---- bounds
def layer_radii(params: Any, radius: Any, activation: str = "relu", slope: Any = 0.01) -> tuple:
    """Certified bounds X_0 = radius, X_1, ..., of what each hidden layer hands on: |y^(l)| <= X_l for all |x| <= radius.

    The least of two valid ones: neuron by neuron, |y_j| <= r_j X + b_j, which is never above 2 √m X for reduced layers; and
    spectral, ‖W‖₂ X + |b|. Behind a binary layer √m. Where a convolution comes next, of the patches that its filters see.
    Numbers; Fractions (roots rounded up) for rational params. Derived. Raises as `reduce`.
    """
    net, _ = network(params, activation, slope)
    radii = [radius_of(radius, net.blocks[0].W.dtype == object)]
    for k in range(len(net.blocks) - 1):
        radii.append(next_radius(net, k, radii[-1], row_norms))
    return tuple(radii)


def next_radius(net: Network, k: int, X: Any, norm: Callable) -> Any:
    """X_{k+1} from X_k."""
    rows, b, slopes, q = matrix(net.blocks[k]), net.blocks[k].b, net.slopes[k], outgoing(net, k).shape[2]
    if rows.dtype == object:
        most = np.array([1] * len(b), dtype=object)
        if net.activation != "binary":
            reach = X * norm(rows)
            most = np.maximum(np.maximum(reach + b, 0), abs(slopes) * np.maximum(reach - b, 0))
        return root_above(q * (most * most).sum())
    if net.activation == "binary":
        return math.sqrt(len(b) * q)
    above, below = rows, rows
    if k > 0 and net.activation == "relu":  # its inputs are >= 0
        above, below = np.maximum(rows, 0), np.minimum(rows, 0)
    most = np.maximum(np.maximum(X * norm(above) + b, 0), abs(slopes) * np.maximum(X * norm(below) - b, 0))
    bound = float(norm(most[None])[0]) * math.sqrt(q)
    if type(net.blocks[k]) is type(net.blocks[k + 1]) is Dense and q == 1 and rows.size:
        steepest = max(1.0, float(abs(slopes).max()))
        bound = min(bound, steepest * (float(np.linalg.norm(rows, 2)) * X + float(norm(b[None])[0])))
    return bound * (1 + max(1e-14, 8 * float(np.finfo(rows.dtype).eps)))  # rounded up


def root_above(q: Any) -> Fraction:
    """A rational number just above √q."""
    q = Fraction(q)
    return Fraction(math.isqrt(math.ceil(q * 10**24)) + 1, 10**12)
