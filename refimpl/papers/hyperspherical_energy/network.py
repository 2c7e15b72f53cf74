"""The energies of a network's layers as a term of its training objective; what a mini-batch sees of them; what they are good for.

The objective of the paper is the loss of the data, with whatever weight decay it had before, plus

    λ_h Σ_{hidden layers} E_s(layer)/(N(N−1))  +  λ_o E_s(output layer)/(N(N−1)):

a sum over the hidden layers of each one's mean energy. The output layer is always taken in full space, for two opposite classifiers
are not redundant as two opposite hidden neurons are. A neuron of a convolution is one of its filters; biases take no part.

    paper     here       shape              meaning
    λ_h, λ_o  hidden, output                weights of the two terms
    W_j       params[k].W                   one neuron a row: (m, d) of a dense layer, (o, c, kh, kw) of a convolution
    S         rows       (b,)               random subset of the neurons of a layer
    y_i       labels     (n,)               classes of the batch, that is, rows of the output layer
    D         D          (m·d, n)           ∂L/∂W = D r for one hidden layer
    r_j       r          (n,)               (f(x_j) − y_j)/n
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from refimpl.doors import finite, floats
from refimpl.manifolds.sphere import off, project_forward, scaled
from refimpl.papers.hyperspherical_energy.blocked import energy_and_gradient
from refimpl.papers.hyperspherical_energy.energy import (
    NEAR,
    checked_energy,
    checked_gradient,
    coincident,
    energy_backward,
    energy_forward,
    exponent,
    floor_of_distance,
    near_pairs,
    neurons,
    no_coincidence,
    pair_energies,
    pair_slopes,
)
from refimpl.params import ravel


# ---- neurons of a layer
def filters(W: ArrayLike) -> np.ndarray:
    """The neurons of a layer, one a row: a dense layer's W (m, d) as it is, a convolution's (o, c, kh, kw) as (o, c·kh·kw).

    Returns a copy. Raises TypeError or ValueError if W is no such array.
    """
    W = floats("W", W, smooth=True)
    if W.ndim not in (2, 4):
        raise ValueError(f"W: expected shape (m, d) of a dense layer or (o, c, kh, kw) of a convolution, got {W.shape}")
    return W.reshape(W.shape[0], int(np.prod(W.shape[1:]))).copy()


def regularised(params: Sequence, hidden_layers: Sequence[int] | None = None) -> tuple[list[int], int]:
    """Indices of the hidden layers and of the output layer among the parameters of a network.

    Layers are the entries that have a W, the last of them is the output. hidden_layers: those hidden layers only.
    Raises ValueError if there is no such layer.
    """
    layers = [k for k, layer in enumerate(params) if hasattr(layer, "W")]
    if not layers:
        raise ValueError("params: expected a sequence of layers of which at least one has a W, got none")
    *hidden, output = layers
    chosen = hidden if hidden_layers is None else sorted(set(hidden_layers))
    if not set(chosen) <= set(hidden):
        raise ValueError(f"hidden_layers: expected some of the hidden layers {hidden}, got {chosen}")
    return chosen, output


# ---- the term of the objective
def network_energy_forward(
    params: Sequence,
    hidden: float | None = None,
    output: float | None = None,
    s: float = 2.0,
    half_space: bool = False,
    angular: bool = False,
    hidden_layers: Sequence[int] | None = None,
    as_released: bool = False,
    min_q: float = 0.0,
) -> tuple[Any, tuple]:
    """λ_h Σ mean energy of the hidden layers + λ_o mean energy of the output layer.

    Parameters
    ----------
    params : sequence
        Parameters of a network, layer by layer. Every entry that has a W (m, d) or (o, c, kh, kw) is a layer, the last such is the
        output layer; other entries, and all biases, have no part.
    hidden, output : float, optional
        λ_h and λ_o, ≥ 0; 1 by default. A layer whose weight is 0 is not looked at.
    s, angular : as for :func:`energy_forward`
    half_space : bool
        For hidden layers; the output layer is always in full space.
    hidden_layers : sequence of int, optional
        Indices in params of the hidden layers to take; all by default.
    as_released : bool
        The energies that the authors' code computes, by default with the weights that are written into it: see
        :mod:`refimpl.papers.hyperspherical_energy.released`.
    min_q : float
        As for :func:`energy_forward`: a floor lets two neurons start as copies of one another. Not as released.

    Returns
    -------
    value : scalar of the weights' dtype
    cache : tuple, for :func:`network_energy_backward`

    Raises
    ------
    TypeError, ValueError, OverflowError
        As :func:`energy_forward`, naming the layer; if a weight is negative or not finite, or there is no such layer.

    Notes
    -----
    Liu et al. 2018, the training objective. A layer of one neuron has energy 0 in full space.
    """
    forward, backward = energies(as_released, min_q)
    value, parts, dtypes = 0.0, [], []
    for k, weight, half in terms(params, hidden, output, s, half_space, hidden_layers, angular, as_released):
        with naming(f"params[{k}].W"):
            E, cache = forward(filters(params[k].W), s, half, angular)
        value = value + weight * E
        parts.append((k, weight, cache))
        dtypes.append(E.dtype)
    dtype = np.result_type(*dtypes) if dtypes else np.dtype(np.float64)
    return dtype.type(value), (params, parts, backward)


def network_energy_backward(dvalue, cache):
    """Gradient for every entry of params, of the type of params; 0 for biases and whatever has no part.

    Raises ValueError if two neurons of a layer coincide, OverflowError as :func:`energy_backward`, naming the layer.
    """
    params, parts, backward = cache
    theta, unravel = ravel(params)
    dparams = unravel(np.zeros_like(theta))
    for k, weight, c in parts:
        with naming(f"params[{k}].W"):
            dparams[k].W[...] = backward(weight * dvalue, c).reshape(dparams[k].W.shape)
    return dparams


def regulariser(
    unravel: Callable,
    hidden: float | None = None,
    output: float | None = None,
    s: float = 2.0,
    half_space: bool = False,
    angular: bool = False,
    hidden_layers: Sequence[int] | None = None,
    as_released: bool = False,
    min_q: float = 0.0,
) -> Callable[[np.ndarray], tuple[float, np.ndarray]]:
    """The same term as an objective, theta (p,) -> (value, gradient (p,)), to be added to that of the data.

    Parameters
    ----------
    unravel : callable
        theta -> params, from :func:`refimpl.params.ravel`.
    hidden, output, s, half_space, angular, hidden_layers, as_released, min_q : as for :func:`network_energy_forward`

    Raises
    ------
    TypeError, ValueError, OverflowError
        The objective raises what :func:`network_energy_forward` and its backward raise.

    Notes
    -----
    Energies are computed in blocks: memory does not grow with the square of a layer's width.
    """

    def objective(theta):
        theta = floats("theta", theta, ("p",))
        gradient, value = np.zeros_like(theta), 0.0
        params, dparams = unravel(theta), unravel(gradient)
        for k, weight, half in terms(params, hidden, output, s, half_space, hidden_layers, angular, as_released):
            with naming(f"params[{k}].W"):
                E, dW = energy_and_gradient(filters(params[k].W), s, half, angular, "mean", min_q=min_q, as_released=as_released)
            value += weight * float(E)
            dparams[k].W[...] = (weight * dW).reshape(dparams[k].W.shape)
        return value, gradient

    return objective


def terms(params, hidden, output, s, half_space, hidden_layers, angular, as_released):
    """(index, weight, half space?) of every layer with a part in the objective."""
    inner, last = regularised(params, hidden_layers)
    usual = 1.0, 1.0
    if as_released:
        from refimpl.papers.hyperspherical_energy.released import released_weights

        usual = released_weights(s, angular)
    exponent(s)
    hidden = nonnegative("hidden", usual[0] if hidden is None else hidden)
    output = nonnegative("output", usual[1] if output is None else output)
    return [(k, w, half) for k, w, half in [*((k, hidden, half_space) for k in inner), (last, output, False)] if w > 0]


def nonnegative(name, w):
    """w as a finite number >= 0; otherwise TypeError or ValueError."""
    if isinstance(w, bool) or not isinstance(w, (int, float, np.integer, np.floating)):
        raise TypeError(f"{name}: expected a number >= 0, got {type(w).__name__}")
    if not 0 <= w < np.inf:
        raise ValueError(f"{name}: expected a finite number >= 0, got {w}")
    return float(w)


def energies(as_released, min_q):
    """The pair that gives a layer's mean energy."""
    if as_released:
        if min_q:
            raise ValueError(f"min_q: expected 0, for the released code has no floor, got {min_q}")
        from refimpl.papers.hyperspherical_energy.released import released_energy_backward, released_energy_forward

        return released_energy_forward, released_energy_backward
    return partial(energy_forward, reduction="mean", min_q=min_q), energy_backward


@contextmanager
def naming(name):
    """Errors about W speak of it by this name."""
    try:
        yield
    except (TypeError, ValueError, OverflowError) as e:
        text = str(e)
        raise type(e)(name + text[1:] if text.startswith(("W:", "w:")) else text) from None


# ---- mini-batches
def subset_energy_forward(
    W: ArrayLike,
    rows: ArrayLike | int,
    s: float = 2.0,
    half_space: bool = False,
    angular: bool = False,
    include_self_antipodes: bool = True,
    rng: np.random.Generator | None = None,
    min_q: float = 0.0,
) -> tuple[Any, tuple]:
    """Mean energy of some neurons of a hidden layer: the estimate of the whole layer's that a step can afford.

    Parameters
    ----------
    W : array_like, shape (m, d)
    rows : array_like of int, shape (b,), or int
        Which neurons, each at most once; or how many, to be drawn with rng, all subsets being equally likely.
    s, half_space, angular, include_self_antipodes, min_q : as for :func:`energy_forward`
    rng : Generator
        Draws the rows if their number is given.

    Returns
    -------
    E : scalar of W's dtype
    cache : tuple, for :func:`subset_energy_backward`, whose gradient is 0 for all other neurons

    Raises
    ------
    TypeError, ValueError, OverflowError
        As :func:`energy_forward`, rows counted within the subset; or if rows are not b distinct row numbers, or rng is missing.

    Notes
    -----
    Over all subsets of b ≥ 2 neurons, value and gradient average to those of the whole layer: the mean over b(b−1) pairs is
    unbiased. In half space with the constant pairs (ŵ_i, −ŵ_i) it is not, since they weigh more in a small subset: the gradient
    averages to

        ((b−1)/(2b−1)) / ((m−1)/(2m−1))

    of the layer's. include_self_antipodes=False leaves them out, and the bias with them.
    """
    W = neurons(W)
    chosen = chosen_rows(rows, len(W), rng)
    with naming("W[rows]"):
        E, cache = energy_forward(W[chosen], s, half_space, angular, "mean", include_self_antipodes, min_q)
    return E, (W.shape, chosen, cache)


def subset_energy_backward(dE, cache):
    """dW (m, d): the gradient of the chosen neurons in their rows, 0 elsewhere."""
    shape, rows, c = cache
    with naming("W[rows]"):
        d = energy_backward(dE, c)
    dW = np.zeros(shape, d.dtype)
    dW[rows] = d
    return dW


def class_energy_forward(
    W: ArrayLike, labels: ArrayLike, s: float = 2.0, angular: bool = False, min_q: float = 0.0
) -> tuple[Any, tuple]:
    """Energy of the classifiers of a batch's classes against all others: the output layer's term, as a mini-batch sees it.

        E = 1/(n(m−1)) Σ_{i≤n} Σ_{j≠y_i} f_s(‖ŵ_{y_i} − ŵ_j‖)

    Parameters
    ----------
    W : array_like, shape (m, d)
        Output layer, one class a row.
    labels : array_like of int, shape (n,)
        Classes of the batch, 0 to m − 1; n ≥ 1.
    s, angular, min_q : as for :func:`energy_forward`; always full space

    Returns
    -------
    E : scalar of W's dtype
    cache : tuple, for :func:`class_energy_backward`

    Raises
    ------
    TypeError, ValueError, OverflowError
        As :func:`energy_forward`; or if labels are not whole numbers from 0 to m − 1.

    Notes
    -----
    A batch with every class once gives the mean energy of the layer. In expectation classes count by their frequency: where they
    are imbalanced this is a reweighted energy, not an unbiased estimate. Time and memory grow with (classes in the batch)·m.
    """
    W, s, min_q = neurons(W), exponent(s), floor_of_distance(min_q)
    m = len(W)
    y, count = np.unique(class_labels(labels, m), return_counts=True)
    share = count[:, None] / (count.sum() * max(m - 1, 1))  # (k, 1) weight of a pair (y, j) for the k classes in the batch
    own = np.arange(len(y)), y
    U, (_, norm) = project_forward(W)
    t = U[y] @ U.T  # (k, m)
    q, q_plus = 2 - 2 * t, 2 + 2 * t
    near = (np.minimum(q.real, q_plus.real) if angular else q.real) < max(NEAR[U.dtype.char], min_q)
    near[own] = False
    a, j = np.nonzero(near)
    q[a, j], q_plus[a, j], T = near_pairs(scaled(W)[0], y[a], j)
    q[own] = q_plus[own] = 2
    with np.errstate(divide="ignore", over="ignore"):
        g = pair_energies(q, q_plus, s, False, angular, min_q)
    g[own] = 0
    E = np.inf if coincident(q[a, j], q_plus[a, j], False, min_q).any() else checked_energy(np.sum(share * g), U.dtype)
    return U.dtype.type(E), (W, U, norm, q, q_plus, (a, j, T), y, share, s, angular, min_q)


def class_energy_backward(dE, cache):
    """∇_i E = (1/‖w_i‖) P_i Σ_j (a_i + a_j) K_ij û_j, a_i the share of class i in the batch: both neurons of a pair feel it.

    Returns dW (m, d). Raises ValueError if two classifiers that meet in the batch coincide.
    """
    W, U, norm, q, q_plus, (a, j, T), y, share, s, angular, min_q = cache
    no_coincidence(y[a], j, q[a, j], q_plus[a, j], False, min_q)
    with np.errstate(over="ignore", invalid="ignore"):
        K = (share * pair_slopes(q, q_plus, s, False, angular, min_q)).astype(U.dtype)
        K[np.arange(len(y)), y] = 0
        K_near, K[a, j] = K[a, j][:, None], 0
        force = K.T @ U[y]
        force[y] += K @ U
        force = off(U, force)
        np.add.at(force, y[a], K_near * T)  # T: component of û_j tangent at û_y
        np.add.at(force, j, K_near * near_pairs(scaled(W)[0], j, y[a])[2])
        return checked_gradient(dE * force / norm).astype(U.dtype, copy=False)


def chosen_rows(rows, m, rng=None):
    """rows as distinct row numbers below m, drawn by rng if only their number is given."""
    r = np.asarray(rows)
    if r.dtype.kind not in "iu" or r.ndim > 1:
        raise TypeError(f"rows: expected row numbers (b,), or how many of them, got {r.dtype} of shape {r.shape}")
    if r.ndim == 0:
        if not isinstance(rng, np.random.Generator):
            raise TypeError(f"rng: expected a numpy Generator to draw {r} rows with, got {type(rng).__name__}")
        if not 1 <= r <= m:
            raise ValueError(f"rows: expected a number from 1 to {m}, got {r}")
        return rng.choice(m, size=int(r), replace=False)
    if r.size == 0 or r.min() < 0 or r.max() >= m or len(np.unique(r)) < len(r):
        raise ValueError(f"rows: expected distinct row numbers from 0 to {m - 1}, got {np.array2string(r, threshold=9)}")
    return r.astype(np.intp)


def class_labels(labels, m):
    """labels as whole numbers from 0 to m − 1."""
    y = np.asarray(labels)
    if y.dtype.kind not in "iu" or y.ndim != 1:
        raise TypeError(f"labels: expected whole numbers, shape (n,), got {y.dtype} of shape {y.shape}")
    if y.size == 0:
        raise ValueError("labels: expected at least one label, got none")
    bad = np.flatnonzero((y < 0) | (y >= m))
    if len(bad):
        raise ValueError(f"labels: expected whole numbers from 0 to {m - 1}, got {y[bad[0]]} at index {bad[0]}")
    return y.astype(np.intp)


# ---- why diversity helps: one hidden layer without bias, f(x) = Σ_k v_k σ(w_k·x), L = 1/(2n) Σ_j (f(x_j) − y_j)²
def gradient_factors(
    W: ArrayLike, v: ArrayLike, X: ArrayLike, y: ArrayLike, activation: tuple[Callable, Callable]
) -> tuple[np.ndarray, np.ndarray]:
    """The two factors of ∂L/∂W = D r: D has the blocks v_k σ'(w_k·x_j) x_j, and r_j = (f(x_j) − y_j)/n.

    Parameters
    ----------
    W : array_like, shape (m, d)
        Hidden neurons.
    v : array_like, shape (m,)
        Output weights.
    X, y : array_like, shapes (n, d), (n,)
        Inputs and targets, n ≥ 1.
    activation : (forward, backward)
        A pair of one argument, such as (tanh_forward, tanh_backward).

    Returns
    -------
    D : ndarray, shape (m·d, n)
        Row k·d + i belongs to W[k, i], so that (D @ r).reshape(W.shape) is ∂L/∂W.
    r : ndarray, shape (n,)

    Raises
    ------
    TypeError, ValueError
        If shapes do not match, or an entry is not finite.

    Notes
    -----
    Liu et al. 2018, on the generalisation of one hidden layer, where 1/n stands on f alone; with it on the whole residual the
    identity holds.
    """
    W = numbers("W", W, ("m", "d"))
    m, d = W.shape
    v, X = numbers("v", v, (m,)), numbers("X", X, ("n", d))
    n = len(X)
    if n < 1:
        raise ValueError(f"X: expected at least one input, got shape {X.shape}")
    y = numbers("y", y, (n,))
    forward, backward = activation
    h, cache = forward(X @ W.T)  # (n, m)
    slope = backward(np.ones_like(h), cache)
    blocks = (slope * v)[:, :, None] * X[:, None, :]  # (n, m, d)
    return np.ascontiguousarray(blocks.reshape(n, m * d).T), (h @ v - y) / n


def residual_bound(D: ArrayLike, r: ArrayLike) -> float:
    """‖D r‖/σ_min(D), which bounds ‖r‖: a small gradient means a small residual, unless the smallest singular value is small too.

    Diverse neurons keep σ_min away from 0. D (p, n), r (n,) as from :func:`gradient_factors`; infinite if the columns of D are
    linearly dependent within rounding, which they are if n > p. Raises ValueError if shapes do not match.
    """
    D = numbers("D", D, ("p", "n"))
    r = numbers("r", r, (D.shape[1],))
    p, n = D.shape
    size, length = (max(float(np.max(np.abs(a), initial=0)), np.finfo(D.dtype).tiny) for a in (D, r))  # squares must not overflow
    singular = np.linalg.svd(D / size, compute_uv=False) if 0 < n <= p else np.zeros(1)
    independent = singular[-1] > p * np.finfo(D.dtype).eps * singular[0]
    gradient = (D / size) @ (r / length)
    return float(np.sqrt(gradient @ gradient) / singular[-1]) * length if independent else float("inf")


def numbers(name: str, x: ArrayLike, shape: tuple) -> np.ndarray:
    """x as finite numbers of that shape."""
    return finite(name, floats(name, x, shape))
