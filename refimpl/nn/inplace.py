"""A training step in place: the fast form that stands beside `objective` and gradient descent.

The same network, loss and gradient, for dense layers with one activation between them, computed in arrays that are allocated once:
a layer's output takes the place of its pre-activation, and is spent when its slope has been taken. theta is laid out as
`ravel(params)` lays out the parameters of `mlp`, so that either form goes on where the other stopped.

    symbol    here        shape       meaning
    x, y      x, y        (n, d)      a batch and its labels, n at most the `batch` that the arrays were made for
    a_l       A[l]        (n, m_l)    output of layer l; A[0] = x, and the last one is the network's output f
    ∂L/∂z_l   D[l]        (n, m_l)    gradient in the pre-activation of layer l; D[0] is not needed
    θ         theta       (p,)        W_1, b_1, W_2, b_2, ... one after the other

One difference of rounding: sigmoid is (1 + tanh(z/2))/2 here and its slope a(1 − a), each within 2^−23 (float32) or 2^−52 (float64)
of the exact one; so a saturated unit, whose slope is smaller than that, may have none at all. The readable form keeps such digits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import isfinite
from typing import Any

import numpy as np

from refimpl.doors import floats
from refimpl.nn.network import checked_dtype

BatchGradient = Callable[[np.ndarray, Any, Any], tuple[float, np.ndarray]]
Step = Callable[[np.ndarray, Any, Any], float]


# ---- activations: the pre-activation z becomes a = σ(z); d becomes d σ'(z), and a is spent
def sigmoid(z):
    """a = (1 + tanh(z/2))/2."""
    z *= 0.5
    np.tanh(z, out=z)
    z *= 0.5
    z += 0.5


def sigmoid_slope(d, a):
    """σ' = a (1 − a)."""
    d *= a
    np.subtract(1, a, out=a)
    d *= a


def tanh(z):
    """a = tanh z."""
    np.tanh(z, out=z)


def tanh_slope(d, a):
    """σ' = 1 − a²."""
    a *= a
    np.subtract(1, a, out=a)
    d *= a


def relu(z):
    """a = max(z, 0)."""
    np.maximum(z, 0, out=z)


def relu_slope(d, a):
    """σ' = 1 where a > 0, else 0; a is never negative, so that is its sign."""
    d *= np.sign(a, out=a)


ACTIVATIONS = {"sigmoid": (sigmoid, sigmoid_slope), "tanh": (tanh, tanh_slope), "relu": (relu, relu_slope)}


# ---- losses: f is spent, d becomes the gradient of the mean in f; the value is returned
def hinge(f, y, d, p):
    """Mean of max(0, 1 − y f)^p."""
    f *= y
    np.subtract(1, f, out=f)
    np.maximum(f, 0, out=f)  # the margins
    np.copyto(d, f)
    if p == 1:
        np.sign(f, out=d)
    with np.errstate(over="ignore"):
        for _ in range(p - 2):
            d *= f  # margin^{p−1}
    value = float(np.vdot(d, f)) / len(f)
    d *= y
    d *= -p / len(f)
    return value


def squared(f, y, d, p):
    """Mean of Σ_k (f_k − y_k)²."""
    f -= y
    np.multiply(f, 2 / len(f), out=d)
    return float(np.vdot(f, f)) / len(f)


def logistic(f, y, d, p):
    """Mean of log(1 + e^{−y f}) = max(−y f, 0) + log(1 + e^{−|y f|}); its slope −y/(1 + e^{y f}) by tanh, as sigmoid."""
    f *= y
    np.abs(f, out=d)
    np.negative(d, out=d)
    np.exp(d, out=d)
    np.log1p(d, out=d)
    d -= np.minimum(f, 0)
    value = float(d.sum()) / len(f)
    np.multiply(f, -0.5, out=d)
    np.tanh(d, out=d)
    d += 1
    d *= y
    d *= -0.5 / len(f)
    return value


LOSSES = {"hinge": hinge, "squared": squared, "logistic": logistic}


# ---- the two doors
def training_step(
    widths: Sequence[int],
    activation: str,
    batch: int,
    rate: float,
    loss: str = "hinge",
    p: int = 3,
    dtype: Any = np.float64,
) -> Step:
    """A step of gradient descent, θ ← θ − rate ∇L(θ), that writes into theta.

    Parameters
    ----------
    widths, activation, batch, loss, p, dtype : as for :func:`buffered_gradient`
    rate : float
        Finite, > 0.

    Returns
    -------
    step : (theta, x, y) -> value
        The one function of refimpl.nn that modifies what it is given: **theta is overwritten** with the new parameters. The value
        is the loss before the step. If it raises, theta is as it was.

    Raises
    ------
    ValueError, TypeError, OverflowError
        As :func:`buffered_gradient`; also if rate is not as above or theta is read-only.
    """
    gradient, rate = buffered_gradient(widths, activation, batch, loss, p, dtype), float(floats("rate", rate, ()))
    if not (isfinite(rate) and rate > 0):
        raise ValueError(f"rate: expected a finite number > 0, got {rate}")

    def step(theta, x, y):
        if isinstance(theta, np.ndarray) and not theta.flags.writeable:
            raise ValueError("theta: expected an array to write the step into, got a read-only one")
        value, dtheta = gradient(theta, x, y)
        dtheta *= rate
        theta -= dtheta
        return value

    return step


def buffered_gradient(
    widths: Sequence[int],
    activation: str,
    batch: int,
    loss: str = "hinge",
    p: int = 3,
    dtype: Any = np.float64,
) -> BatchGradient:
    """Loss and gradient of a multilayer perceptron on the batch it is given, computed in arrays that are kept from call to call.

    Parameters
    ----------
    widths : ints >= 1, at least two: inputs, hidden layers, outputs; as for :func:`mlp`
    activation : "sigmoid", "tanh" or "relu", behind every layer but the last
    batch : int
        Samples >= 1 of the largest batch; a smaller one may come at any time.
    loss : "hinge", "logistic" or "squared", the mean over the batch; the first two take one output and labels -1 or 1
    p : int >= 1, degree of the hinge
    dtype : float64 or float32, of theta, x and the gradient

    Returns
    -------
    gradient : (theta (p,), x (n, d), y (n,) or (n, c)) -> (value, dtheta (p,))
        dtheta is **the same array in every call**: use it, or copy it, before the next one. Calls share memory, so that each thread
        needs a function of its own.

    Raises
    ------
    ValueError
        If an option, a shape or a label is not as above.
    TypeError
        If theta or x is not of the dtype, or y holds no numbers; y is converted.
    OverflowError
        From the function, if the loss exceeds the floating-point range.

    Notes
    -----
    Bias gradients are sums over the batch in the order that BLAS takes; the readable form sums pairwise.
    """
    if len(widths) < 2 or any(isinstance(w, bool) or not isinstance(w, (int, np.integer)) or w < 1 for w in widths):
        raise ValueError(f"widths: expected at least two integers >= 1, got {widths}")
    for name, given, known in (("activation", activation, ACTIVATIONS), ("loss", loss, LOSSES)):
        if given not in known:
            raise ValueError(f"{name}: expected one of {', '.join(known)}, got {given!r}")
    if loss != "squared" and widths[-1] != 1:
        raise ValueError(f"widths: expected one output for the loss {loss!r}, got {widths[-1]}")
    for name, whole in (("batch", batch), ("p", p)):
        if isinstance(whole, bool) or not isinstance(whole, (int, np.integer)) or whole < 1:
            raise ValueError(f"{name}: expected an integer >= 1, got {whole!r}")
    dtype = checked_dtype(dtype)
    (act, slope), value_and_slope = ACTIVATIONS[activation], LOSSES[loss]
    pairs = list(pairwise(widths))  # (inputs, neurons) of each layer
    dtheta = np.empty(sum(m * d + m for d, m in pairs), dtype)
    dparams = weights_and_biases(dtheta, pairs)
    # BLAS multiplies faster by a matrix that lies in rows; to turn a large one round costs more than that
    transposed = [np.empty((d, m), dtype) if m * d <= 2**16 else None for d, m in pairs]
    outputs, slopes = ([np.empty((batch, m), dtype) for m in widths[1:]] for _ in range(2))
    ones = np.ones(batch, dtype)

    def gradient(theta, x, y):
        checked(theta, dtheta)
        x, y = samples(x, y)
        n, params = len(x), weights_and_biases(theta, pairs)
        A, D = (outputs, slopes) if n == batch else ([a[:n] for a in outputs], [d[:n] for d in slopes])
        A, D = [x, *A], [None, *D]
        for k, ((W, b), WT) in enumerate(zip(params, transposed, strict=True)):
            if WT is not None:
                np.copyto(WT, W.T)
            np.matmul(A[k], W.T if WT is None else WT, out=A[k + 1])
            A[k + 1] += b
            if k + 1 < len(params):
                act(A[k + 1])
        value = value_and_slope(A[-1], y, D[-1], p)
        if not isfinite(value) and all(np.isfinite(a).all() for a in (theta, x, y)):
            raise OverflowError(f"theta: expected parameters whose loss {dtype} can hold, got the loss {value}")
        for k in reversed(range(len(params))):
            (W, _), (dW, db), d = params[k], dparams[k], D[k + 1]
            np.matmul(d.T, A[k], out=dW)
            np.matmul(ones[:n], d, out=db)  # the sum over the batch
            if k:
                (np.multiply if len(W) == 1 else np.matmul)(d, W, out=D[k])  # from one output: an outer product
                slope(D[k], A[k])
        return value, dtheta

    def samples(x, y):
        """x (n, d) and y (n, c), after checking shapes, dtype and labels."""
        x, y, (d, c) = floats("x", x), floats("y", y).astype(dtype, copy=False), (widths[0], widths[-1])
        if x.ndim != 2 or x.shape[1] != d or not 1 <= len(x) <= batch:
            raise ValueError(f"x: expected shape (n, {d}), n from 1 to {batch}, got {x.shape}")
        if x.dtype != dtype:
            raise TypeError(f"x: expected {dtype}, as the arrays were made for, got {x.dtype}")
        if y.ndim not in (1, 2) or len(y) != len(x) or y.size != len(x) * c:
            raise ValueError(f"y: expected shape ({len(x)}, {c}){f' or ({len(x)},)' if c == 1 else ''}, got {y.shape}")
        if loss != "squared" and np.count_nonzero(y * y == 1) < len(y):
            raise ValueError(f"y: expected labels -1 or 1, got {y[y * y != 1][0]}")
        return x, y.reshape(-1, c)

    return gradient


def weights_and_biases(theta, pairs):
    """(W (m, d), b (m,)) of every layer, views of theta in the order of ravel."""
    views, at = [], 0
    for d, m in pairs:
        views.append((theta[at : at + m * d].reshape(m, d), theta[at + m * d : at + m * d + m]))
        at += m * d + m
    return views


def checked(theta, like):
    """Raises unless theta is an array of the dtype and shape of `like`."""
    if not isinstance(theta, np.ndarray) or theta.dtype != like.dtype:
        raise TypeError(f"theta: expected a {like.dtype} array, got {getattr(theta, 'dtype', type(theta).__name__)}")
    if theta.shape != like.shape:
        raise ValueError(f"theta: expected shape {like.shape}, got {theta.shape}")
