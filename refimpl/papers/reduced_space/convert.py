"""From standard parameters to reduced ones and back, exactly: the same function with unit weights and bounded thresholds.

    paper     here        shape      meaning
    w_j, b_j  W, b        (m, d)     weights of m neurons, a row each, and their thresholds; a filter of a convolution is a row too
    c_j       V           (k, m, q)  what leaves neuron j: k neurons of the next layer, q places of each (1 between dense layers)
    X_B       radius                 sup |x| over the domain D
    S(w)      support                sup w·x over D; X_B |w| for the ball
    r         r           (m,)       |w_j|, taken out of the neuron and put on what leaves it
              s           (m,)       slope on the side where a neuron is affine on all of D: 1 above, the activation's below

A neuron's argument w·x + b changes its sign inside D only if −S(w) <= b <= S(−w). Above it is positive on D, below negative: the
neuron is affine there ("saturated"). One hidden layer and one output: all saturated neurons together are one affine function, put
into one neuron, or two where there is no output bias: with |e| = 1 and e·x >= −p, −e·x >= −q on D,

    L e·x + κ = L σ(e·x + p) + (κ − L p) = A σ(e·x + p) + B σ(−e·x + q),   A = (κ + L q)/(p + q),  B = A − L

Otherwise each becomes a neuron with its threshold at the bound, and the rest, a constant, goes into the next layer's thresholds.

Everything here runs on float arrays, and with no error at all on arrays of fractions.Fraction whose rows have rational length.
The method is the paper's as its abstract states it; the formulas are derived.

Reading order: reduce, the two ways of treating saturated neurons, restore, project.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from refimpl.nn import Dense
from refimpl.papers.reduced_space.domain import Support, entries, radius_of, row_norms, slack, threshold_interval
from refimpl.papers.reduced_space.network import ANY, Network, joined, matrix, network, next_radius, outgoing


# ---- the converter
def reduce(
    params: Any,
    radius: Any,
    activation: str = "relu",
    norm: Callable[[np.ndarray], np.ndarray] = row_norms,
    *,
    slope: Any = 0.01,
    output_bias: bool = True,
    layers: Sequence | None = None,
) -> Any:
    """The same function on the domain with |w_j| = 1 and |b_j| <= X for every hidden neuron.

    Parameters
    ----------
    params : as `mlp` makes them, or of a convolutional network; or Shallow, or (W, b, v, c), without a skip connection
        Float arrays, or arrays of fractions.Fraction.
    radius : float >= 0, or a support function
        X = sup |x| of the domain, for images too; or S, for thresholds in [−S(w), S(−w)] in the first layer: `support_box`.
    activation : "relu", "leaky_relu", "prelu", "prelu_per_channel" or "binary"
        The slopes of PReLU are read from params. Binary is 1 at 0; a rounding may flip it within some 1e-15 of a break.
    norm : callable, rows (k, d) -> (k,)
        Their Euclidean lengths.
    slope : float
        Of the leaky ReLU.
    output_bias : bool
        False: one hidden layer and one output only; c_0 of the result is 0, for one more neuron.
    layers : sequence of Layer, optional
        Those of the network. Only their padding is read, not their activations: they say which convolutions pad with zeros.
        Before one that does, or may, a saturated filter keeps its threshold beyond the bound, since a constant cannot be moved
        across zeros.

    Returns
    -------
    params : of the form that came in
        One hidden layer, one output: at most one neuron more than there are unsaturated ones (two without output bias); else as
        many as before, or fewer. Of rational rows whose sum has no rational length, each keeps a neuron. A threshold counts as
        saturated from 1e-12 X beyond the bound on (8 roundings in float32).

    Raises
    ------
    ValueError
        If the activation is not positively homogeneous (tanh, sigmoid, softplus, GELU, ELU, ...): a neuron of another scale is
        not a sum of unit ones, so that no reduced network exists. If params, radius or layers are not as above.
    OverflowError
        If a product of a length and an outgoing weight is too large for a float.
    """
    net, back = network(params, activation, slope, layers)
    exact = net.blocks[0].W.dtype == object
    X = None if callable(radius) else radius_of(radius, exact)
    domain = radius if X is None else ball(X, norm)
    if X is None and len(net.blocks) > 2:
        raise ValueError("radius: expected a number for more than one hidden layer, got a support function")
    one_sum = len(net.blocks) == 2 and net.blocks[0].W.ndim == 2 and len(net.blocks[1].W) == 1 and type(net.blocks[1]) is Dense
    if not (one_sum or output_bias):
        raise ValueError("output_bias: expected True, since only one hidden layer with one output can do without, got False")
    with np.errstate(over="ignore", invalid="ignore"):
        if one_sum:
            net = merged(net, domain, norm, output_bias)
        else:
            for k in range(len(net.blocks) - 1):
                net = clamped(net, k, domain if k == 0 else ball(X, norm), norm)
                X = next_radius(net, k, X, norm) if X is not None else None
    for block in net.blocks:
        if exact:  # a support function may have returned floats
            entries("radius: thresholds from it", np.concatenate([block.W.ravel(), block.b]), 1, exact=True)
        elif not (np.isfinite(block.W).all() and np.isfinite(block.b).all()):
            raise OverflowError(
                f"params: expected products of lengths and outgoing weights below {np.finfo(block.W.dtype).max:.3g}"
            )
    return back(net)


def ball(X: Any, norm: Callable) -> Support:
    """X |w|, with that norm."""
    return lambda w: X * norm(w)


class Split(NamedTuple):
    """The neurons of one layer on the domain. t: slope of the side that an affine neuron is on."""

    rows: np.ndarray  # (m, d) as they came
    b: np.ndarray  # (m,)
    r: np.ndarray  # (m,) their lengths
    unit: np.ndarray  # (m, d)
    high: np.ndarray  # (m,) S(−w), the largest threshold
    affine: np.ndarray  # (m,) is it affine on the domain?
    t: np.ndarray  # (m,)


def split(net: Network, k: int, domain: Support, norm: Callable) -> Split:
    """Which neurons of hidden layer k are affine on the domain, and how."""
    rows, b, binary = matrix(net.blocks[k]), net.blocks[k].b, net.activation == "binary"
    r = norm(rows)
    still = r == 0
    unit = of_unit_length(rows, np.where(still, 1, r), norm)
    low, high = threshold_interval(unit, domain)
    room = slack(rows) * (high - low) / 2  # a neuron put at the bound stays there: thresholds are known to some roundings
    on, off = b > (high + room) * r, b < (low - room) * r  # no b / r: it overflows for the tiniest rows
    up = np.where(still, b >= 0 if binary else b > 0, on)
    return Split(rows, b, r, unit, high, still | on | off, np.where(up, 1, net.slopes[k]))


def of_unit_length(rows: np.ndarray, r: np.ndarray, norm: Callable) -> np.ndarray:
    """rows/r, for lengths r that are not 0; once more for floats, as a subnormal length has few digits."""
    unit = rows / r[:, None]
    return unit if unit.dtype == object else unit / np.maximum(norm(unit), 0.5)[:, None]  # a row of zeros stays


def merged(net: Network, domain: Support, norm: Callable, output_bias: bool) -> Network:
    """One hidden layer, one output: the affine neurons added up to L e·x + κ, and that made of one neuron or two."""
    (block, last), binary = net.blocks, net.activation == "binary"
    one = split(net, 0, domain, norm)
    c, kappa, keep = last.W[0], last.b[0], ~one.affine
    weight = (c * one.t)[one.affine]
    if binary:
        kappa, pieces = kappa + weight.sum(), []
    else:
        kappa, pieces = kappa + (weight * one.b[one.affine]).sum(), directions(weight[:, None] * one.rows[one.affine], norm)
    W, b, v = [one.unit[keep]], [(one.b / np.where(one.r == 0, 1, one.r))[keep]], [c[keep] * (1 if binary else one.r[keep])]
    axes = np.eye(one.rows.shape[1], dtype=one.rows.dtype)
    width = domain(axes) + domain(-axes)
    wide = axes[np.argmax(width)]
    flat = slack(one.rows) * np.abs(np.concatenate([domain(axes), domain(-axes)])).max()
    if not (output_bias or pieces) and kappa != 0:
        pieces = [(wide, 0 * kappa)]  # any e will do along which the domain extends
    for e, L in pieces:
        e = e[None]
        p, q = domain(-e), domain(e)  # e·x + p >= 0 and −e·x + q >= 0 on the domain
        if output_bias:
            W, b, v, kappa = [*W, e], [*b, p], [*v, [L]], kappa - L * p[0]
        elif binary:
            W, b, v, kappa = [*W, e], [*b, p], [*v, [kappa]], 0 * kappa
        else:
            if p[0] + q[0] <= flat:  # e·x = −p on all of the domain
                kappa, L, e = kappa - L * p[0], 0 * L, wide[None]
                p, q = domain(-e), domain(e)
            if p[0] + q[0] <= flat:
                raise ValueError(
                    "radius: expected a domain of more than one point for a constant without output bias, got one point"
                )
            A = (kappa + L * q[0]) / (p[0] + q[0])
            W, b, v, kappa = [*W, e, -e], [*b, p, q], [*v, [A], [A - L]], 0 * kappa
    new = np.concatenate(v).astype(c.dtype)
    hidden = block._replace(W=np.concatenate(W).astype(c.dtype), b=np.concatenate(b).astype(c.dtype))
    added = np.zeros(len(new) - keep.sum(), net.slopes[0].dtype)  # their arguments are >= 0: no slope is ever used
    slopes = np.concatenate([net.slopes[0][keep], added])
    return net._replace(blocks=(hidden, last._replace(W=new[None], b=np.array([kappa], dtype=c.dtype))), slopes=(slopes,))


def directions(parts: np.ndarray, norm: Callable) -> list[tuple[np.ndarray, Any]]:
    """The sum of the rows as [(e, L)] with |e| = 1; nothing for 0. The rows one by one, where the sum has no rational length."""
    total = parts.sum(axis=0)
    try:
        rows, size = total[None], norm(total[None])
    except ValueError:
        rows, size = parts, norm(parts)
    return [(row / L, L) for row, L in zip(rows, size, strict=True) if L != 0]


def clamped(net: Network, k: int, domain: Support, norm: Callable) -> Network:
    """Any layer: affine neurons get the threshold at the bound, and the constant that this leaves goes into the next layer's."""
    block, later, binary = net.blocks[k], net.blocks[k + 1], net.activation == "binary"
    one, V, zeros = split(net, k, domain, norm), outgoing(net, k), net.padded[k + 1]
    off = one.affine & ((one.t == 0) | (one.r == 0) | binary)  # constant on the domain
    value = one.t if binary else one.t * one.b
    if zeros and (off & (value != 0)).any():
        raise ValueError(f"params: filter {np.argmax(off & (value != 0))} is constant, and the next convolution may pad with zeros")
    # a filter's negative slope does not pass a maximum, max(αz) is not α max(z): that filter keeps its threshold
    moved = one.affine & ~off & (not zeros) & ((one.t > 0) | isinstance(block, Dense))
    constant = np.where(off, value, np.where(moved, one.t * (one.b - one.high * one.r), 0))
    factor = 1 if binary else np.where(moved, one.r * one.t, one.r)
    b = np.where(moved, one.high, one.b / np.where(one.r == 0, 1, one.r))
    keep, kept = ~off, int((~off).sum())
    new = (
        block._replace(W=one.unit[keep].reshape(kept, *block.W.shape[1:]), b=b[keep]),
        later._replace(
            W=joined(later, (V * np.reshape(factor, (-1, 1)))[:, keep]), b=later.b + (V.sum(axis=2) * constant).sum(axis=1)
        ),
    )
    slopes = (*net.slopes[:k], net.slopes[k][keep], *net.slopes[k + 1 :])
    return net._replace(blocks=(*net.blocks[:k], *new, *net.blocks[k + 2 :]), slopes=slopes)


# ---- back, and onto the constraints
def restore(params: Any, activation: str = "relu") -> Any:
    """The balanced standard form of the same function: |(w_j, b_j)| = |c_j|, of all scalings the one of least Σ |w|² + b² + c².

        (w, b, c) -> (s w, s b, c/s),   s = √(|c| / |(w, b)|)

    Neurons that nothing leaves are dropped. Several hidden layers are scaled one after the other, each against the weights as they
    then are. A reduced network is a standard one as it stands, so binary neurons, which have no scale, and arrays of
    fractions.Fraction, which have no roots, come back as they are, copied. `params` and `activation` as in :func:`reduce`, which
    undoes this; raises as it does.
    """
    net, back = network(params, activation, 0)
    if activation == "binary" or net.blocks[0].W.dtype == object:
        return back(net)
    for k in range(len(net.blocks) - 1):
        block, later, V = net.blocks[k], net.blocks[k + 1], outgoing(net, k)
        with np.errstate(over="ignore"):  # is told of below
            rho = row_norms(np.column_stack([matrix(block), block.b]))
            c = row_norms(V.swapaxes(0, 1).reshape(V.shape[1], V.shape[0] * V.shape[2]))
        keep = (rho > 0) & (c > 0)
        if not (np.isfinite(rho).all() and np.isfinite(c).all()):
            raise OverflowError(f"params: expected lengths of neurons below {np.finfo(rho.dtype).max:.3g}")
        s = np.sqrt(c[keep]) / np.sqrt(rho[keep])
        hidden = block._replace(W=block.W[keep] * s.reshape(-1, *[1] * (block.W.ndim - 1)), b=block.b[keep] * s)
        after = later._replace(W=joined(later, V[:, keep] / s[:, None]))
        slopes = (*net.slopes[:k], net.slopes[k][keep], *net.slopes[k + 1 :])
        net = net._replace(blocks=(*net.blocks[:k], hidden, after, *net.blocks[k + 2 :]), slopes=slopes)
    return back(net)


def project(params: Any, radius: Any) -> Any:
    """The nearest network that keeps the constraints: w/|w| and b clipped to [−X, X] in each hidden layer. Another function.

    radius : float >= 0, or one for each hidden layer.  Raises ValueError if a row is zero, or radii do not fit.
    """
    net, back = network(params, ANY, 0)
    hidden = net.blocks[:-1]
    radii = [radius] * len(hidden) if np.ndim(radius) == 0 else list(radius)
    if len(radii) != len(hidden):
        raise ValueError(f"radius: expected a number, or one for each of {len(hidden)} hidden layers, got {len(radii)}")
    moved = []
    for k, (block, X) in enumerate(zip(hidden, radii, strict=True)):
        rows, X = matrix(block), radius_of(X, block.W.dtype == object)
        r = row_norms(rows)
        if (r == 0).any():
            raise ValueError(f"params: expected rows that are not zero in hidden layer {k}, got row {np.argmax(r == 0)}")
        moved.append(block._replace(W=of_unit_length(rows, r, row_norms).reshape(block.W.shape), b=np.clip(block.b, -X, X)))
    return back(net._replace(blocks=(*moved, net.blocks[-1])))
