"""What the claims compare with: networks neuron by neuron in floats or in fractions, random networks, points of the domain.

Nothing here comes from the implementation under test. Everything but `ball` and `standard` takes float64 arrays and arrays of
fractions.Fraction alike, and is exact for the latter.

    symbol      here        shape      meaning
    X           reach                  radius of the domain |x| <= X
    σ           sigma                  z⁺ − α(−z)⁺ with the slope α: 0 for ReLU; or h(z) = 1 where z >= 0, else 0
    c_j         v           (N,)       outer coefficients, c is the output bias c_0
                size        (n,)       the network with |w|, |b|, |x| and |σ(z)| <= |z|: roundings are measured by it
                near        (n,)       the least |w·x + b|/(Σ|w_i||x_i| + |b|) over all neurons: binary ones flip at 0
"""

from fractions import Fraction
from math import prod
from typing import Any, NamedTuple

import numpy as np

from refimpl.claims.claim import Choice, Floats, Integer, frozen, max
from refimpl.claims.nn.definition import convolution, largest, mean, one_row
from refimpl.nn.dense import Dense
from refimpl.nn.shallow import Shallow

SLOPE = 0.01  # of leaky ReLU by default
UNIT = 1e-14  # how far from 1 a norm may be: a few roundings of a sum of six squares
BORDER = 1e-12  # how far beyond X a threshold may be, relatively: rounding of X and of |w|
ACTIVATIONS = Choice("relu", "leaky_relu", "binary")
FORMS = Choice("mlp", "Shallow", "tuple")
D, N = Integer(1, 6), Integer(0, 12)
REACH = Floats(0.01, 100, log=True)
SPREAD = Floats(0, 3)  # weights of norm 10^−spread to 10^spread


# ---- networks, neuron by neuron
def sigma(activation, z, slope: Any = SLOPE):
    """The activation, entry by entry; slope: a number, or one for each of the axis 1 of z."""
    if activation == "binary":
        return np.where(z >= 0, 1, 0).astype(z.dtype)
    if activation == "relu":
        return np.where(z > 0, z, 0 * z)
    slope = np.asarray(slope)
    return np.where(z > 0, z, (slope.reshape(-1, *(1,) * (z.ndim - 2)) if slope.ndim else slope) * z)


def affine(W, b, x):
    """Σ_i W[j, i] x[:, i] + b[j], one term after the other: (n, m)."""
    y = np.zeros((len(x), len(W)), np.result_type(W, b, x))
    for j in range(len(W)):
        y[:, j] = sum((W[j, i] * x[:, i] for i in range(x.shape[1])), 0 * y[:, j]) + b[j]
    return y


class Outputs(NamedTuple):
    """What a network makes of points, how large the numbers on the way are, and how near to a jump they come."""

    y: np.ndarray  # (n, K)
    size: np.ndarray  # (n,)
    near: np.ndarray  # (n,)
    hidden: tuple  # the outputs of each activation


class Step(NamedTuple):
    """A layer of a network: "dense", "conv2d", "activation", "maxpool2d", "avgpool2d" or "flatten", and its options."""

    kind: str
    options: dict = {}  # noqa: RUF012


def dense_steps(params):
    """Dense layers with an activation between any two of them."""
    return [Step("activation" if k % 2 else "dense") for k in range(len(params))]


def evaluate(params, x, activation="relu", slope: Any = SLOPE, steps=None) -> Outputs:
    """The network, layer by layer and neuron by neuron."""
    size, near, hidden = abs(x), np.full(len(x), np.inf), []
    for step, own in zip(steps or dense_steps(params), params, strict=True):
        if step.kind in ("dense", "conv2d"):
            f = affine if step.kind == "dense" else convolution
            x, size = f(own.W, own.b, x, **step.options), f(abs(own.W), abs(own.b), size, **step.options)
        elif step.kind == "activation":
            if x.size and activation == "binary":
                near = np.minimum(near, np.min(np.abs(x / np.where(size == 0, 1, size)).reshape(len(x), -1), axis=1))
            alpha = own if activation.startswith("prelu") else slope
            x = sigma(activation, x, alpha)
            size = 0 * x + 1 if activation == "binary" else size * np.max([1, *np.ravel(np.abs(alpha))])
            hidden.append(x)
        else:
            pool: Any = {"maxpool2d": largest, "avgpool2d": mean, "flatten": one_row}[step.kind]
            x, size = pool(x, **step.options), pool(size, **step.options)
    return Outputs(x, np.max(size, axis=1, initial=0), near, tuple(hidden))


def disagreement(got: Outputs, expected: Outputs, away=1e-9) -> float:
    """max|got − expected| relative to the larger of their sizes, over the points that lie off every jump."""
    if got.y.shape != expected.y.shape:
        raise ValueError(f"outputs of shape {expected.y.shape} expected, got {got.y.shape}")
    at_jump = (got.near <= away) | (expected.near <= away)
    apart = np.max(np.abs(got.y - expected.y), axis=1, initial=0)
    size = np.maximum(np.maximum(got.size, expected.size), 1e-300)
    return float(np.max((apart / size)[~at_jump], initial=0))


# ---- one hidden layer and one output, in the forms that its parameters come in
def formed(form, W, b, v, c, between: Any = ()):
    """Parameters as `mlp` makes them, as a Shallow, or as a plain tuple."""
    W, b, v, c = (frozen(np.asarray(a)) for a in (W, b, v, c))
    if form == "mlp":
        return Dense(W, b), between, Dense(v.reshape(1, -1), c.reshape(1))
    return Shallow(W, b, v, c) if form == "Shallow" else (W, b, v, c)


def parts(form, params):
    """W (N, d), b (N,), v (N,), c () of parameters in that form."""
    if form == "mlp":
        hidden, _, last = params
        return hidden.W, hidden.b, np.reshape(last.W, len(hidden.W)), np.reshape(last.b, ())
    W, b, v, c = params[:4]
    if np.shape(v) != np.shape(b) or np.shape(c) != () or np.shape(W)[:1] != np.shape(b):
        raise ValueError(f"W (N, d), b (N,), v (N,), c () expected, got {[np.shape(a) for a in params[:4]]}")
    return W, b, v, c


def values(form, params, x, activation="relu", slope: Any = SLOPE) -> Outputs:
    """The network in that form, at x."""
    W, b, v, c = parts(form, params)
    between = params[1] if form == "mlp" else ()
    return evaluate((Dense(W, b), between, Dense(np.reshape(v, (1, -1)), np.reshape(c, 1))), x, activation, slope)


def norm(W):
    """|w| row by row, of rows of any scale."""
    W = np.asarray(W, float)
    W = W.reshape(len(W), prod(W.shape[1:]))
    most = np.max(np.abs(W), axis=1, initial=0)
    scaled = W / np.where(most == 0, 1, most)[:, None]
    return most * np.sqrt(np.sum(scaled * scaled, axis=1))


def unmatched(got, expected) -> float:
    """The largest entry of the difference of two sets of rows, each row of one set by the nearest left of the other."""
    if got.shape != expected.shape:
        raise ValueError(f"{expected.shape[0]} neurons expected, got {got.shape[0]}")
    left, worst = list(expected), 0.0
    for row in got:
        k = int(np.argmin([np.max(np.abs(row - other)) for other in left]))
        worst = max(worst, float(np.max(np.abs(row - left.pop(k)))))
    return worst


def table(form, params):
    """Neurons as rows (w, b, c), in units of 1."""
    W, b, v, _ = parts(form, params)
    return np.concatenate([W, b[:, None], v[:, None]], axis=1)


# ---- at random
def directions(rng, n, d):
    """Unit rows."""
    u = rng.normal(size=(n, d))
    return u / np.sqrt(np.sum(u * u, axis=1, keepdims=True))


def standard(rng, d, N, reach, spread, zero=0.1, outside=3.0):
    """W, b, v, c of a standard network: rows of any scale, some of them zero, thresholds up to `outside` X |w|."""
    r = 10 ** rng.uniform(-spread, spread, N)
    W, b = r[:, None] * directions(rng, N, d), r * reach * rng.uniform(-outside, outside, N)
    W[rng.uniform(size=N) < zero] = 0
    return W, b, rng.normal(size=N) * 10 ** rng.uniform(-1, 1, N), rng.normal()


def reduced(rng, d, N, reach, border=0.2):
    """W, b, v, c of a reduced network: unit rows, thresholds in [−X, X], some at an end, no v too small."""
    b = reach * rng.uniform(-1, 1, N)
    b = np.where(rng.uniform(size=N) < border, reach * np.sign(b), b)
    v = rng.normal(size=N)
    return directions(rng, N, d), b, v + 0.1 * np.sign(v), rng.normal()


def ball(rng, d, reach, n=12):
    """Points of the ball |x| <= X, the same number on its surface."""
    u = directions(rng, 2 * n, d)
    return reach * u * np.concatenate([rng.uniform(size=n) ** (1 / d), np.ones(n)])[:, None]


def poles(W, reach):
    """±X w/|w|, where a neuron is largest and least; rows that are not zero only."""
    length = norm(W)
    u = W[length > 0] / length[length > 0][:, None]
    return reach * np.concatenate([u, -u])


def saturated(W, b, reach):
    """Which neurons have no break inside the domain: w = 0, or |b| > X |w|."""
    return (norm(W) == 0) | (np.abs(b) > reach * norm(W) * (1 + BORDER))


# ---- fractions
def fraction(rng, low, high, parts=12):
    """A rational number with a small denominator."""
    bottom = int(rng.integers(1, parts))
    return Fraction(int(rng.integers(low * bottom, high * bottom, endpoint=True)), bottom)


def objects(a):
    """An array of Fractions, read-only."""
    flat = [Fraction(v) for v in np.ravel(np.asarray(a, object))]
    out = np.empty(len(flat), object)
    out[:] = flat
    return frozen(out.reshape(np.shape(a)))


def rational_direction(rng, d):
    """A unit row of fractions: the inverse stereographic projection of a rational point of ℝ^(d−1), d = 1: ±1."""
    if d == 1:
        return [Fraction(int(rng.choice([-1, 1])))]
    t = [fraction(rng, -3, 3, 5) for _ in range(d - 1)]
    square = sum(v * v for v in t)
    u = [2 * v / (square + 1) for v in t] + [(square - 1) / (square + 1)]
    return [u[k] for k in rng.permutation(d)]


def rational_points(rng, d, reach, n=8):
    """Points X s w with rational s in [0, 1] and unit w: some on the surface."""
    s = [*(fraction(rng, 0, 1) for _ in range(n)), Fraction(1), Fraction(0)]
    return objects([[reach * t * v for v in rational_direction(rng, d)] for t in s])


def exact(tree) -> bool:
    """Are all entries of nested tuples of arrays whole numbers or Fractions?"""
    if isinstance(tree, (tuple, list)):
        return all(exact(part) for part in tree)
    return all(isinstance(v, (int, Fraction)) for v in np.ravel(np.asarray(tree, object)))
