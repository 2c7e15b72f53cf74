"""What the authors' published code computes where it differs from the paper: a means to reproduce its numbers, not to train with.

Everything here was read in that code (three repositories: image classification, image generation, SphereFace+). Each row is one
difference; forward and gradient are written by hand as everywhere, with the failures of the original where it has any.

    what           the paper says         the code does                                         here
    s = 0          −log ρ                 −log ρ²: value and gradient are twice the paper's     released_energy_forward
    s = 1, 2       ρ^{-s}                 (ρ²)^{-s/2}: the same; it has no other s
    mean           over ordered pairs     over the strict upper triangle: the same number
    norm           ‖w‖                    √(‖w‖² + ε), ε = 1e-4: cosines shrink, and            eps=1e-4; 0 turns it off
                                          lengths matter
    diagonal       no pair (i, i)         1 is added to ρ²_ii, then the entry subtracted
    angle          θ                      a = arccos(t)/π + ε, so π^s times the paper's for     angular=True
                                          s > 0; not clipped: NaN where t exceeds 1, see below
    half space     m constant pairs       with ε these pairs depend on ‖w‖                      half_space=True
    λ_h, λ_o       free                   1 and 10; for angles with s = 1, 2: 0.1 and 1;        released_weights
                                          logs shipped of full space show a tenth of that       logged=True
    hidden layers  convolutions           also a last one that is linear                        every layer with a W
    data loss      cross-entropy          labels smoothed by 0.01, log(softmax + 1e-4)          released_loss_forward
    weight decay   as before              ½ 5e-4 ‖·‖² of filters, and of γ, β of batch norm     released_decay_forward
    generation     antipodes as neurons   appended to the features: that is full space          gan_energy_forward
                   mean over m(m−1)       over m², log(ρ² + ε), zero entries included
                   an output channel      transposed convolution: an input channel              transposed=True
                   λ                      1e-7 with spectral normalisation, 1e-6 without        GAN_WEIGHTS
    SphereFace+    energy of classifiers  reports Σ_i Σ_j ‖w_i − w_{y_j}‖²/N, descends another  sphereface_plus_forward
                                          direction, ignores the weight of its own loss

`as_released=True` of `energy_and_gradient`, `network_energy_forward` and `regulariser` selects the rows on energies, weights and
layers of image classification; the others are functions of their own.

NaN. In float32 the 1e-4 is lost beside ‖w‖² ≫ 1.7e3, a neuron's cosine with itself may round to more than 1, and its arccos, NaN,
survives the subtraction of the diagonal. It comes out here as it does there, without a warning; at which ‖w‖ depends on how the
machine rounds. With eps=0, which the code never had, the diagonal is left out and cosines are clipped, so that formulas can be
compared; nothing else is changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from refimpl.doors import finite, floats
from refimpl.papers.hyperspherical_energy.energy import exponent
from refimpl.papers.hyperspherical_energy.network import class_labels, filters, nonnegative
from refimpl.params import ravel

GAN_WEIGHTS = {
    "spectral normalisation": 1e-7,
    "none": 1e-6,
}  # weight of gan_energy_forward in the loss, by normalisation of the layers


# ---- image classification: energies
def released_energy_forward(
    W: ArrayLike, s: float = 2.0, half_space: bool = False, angular: bool = False, eps: float = 1e-4
) -> tuple[Any, tuple]:
    """Mean over pairs of −log q, q^{-1/2} or q^{-1} for s = 0, 1, 2;  angular: of −log a, a^{-1} or a^{-2}.

        t_ij = w_i·w_j / √((‖w_i‖²+ε)(‖w_j‖²+ε)),   q = 2 − 2t,   a = arccos(t)/π + ε

    Parameters
    ----------
    W : array_like, shape (m, d)
        Weights, one neuron a row; m ≥ 2 (half space: m ≥ 1). Lengths matter where they are not ≫ √ε; a row may be zero.
    s : {0, 1, 2}
    half_space : bool
        The 2m rows ±w_i in place of the m rows w_i.
    angular : bool
    eps : float
        ε ≥ 0. 0 is the limit of the formulas, which the code does not have.

    Returns
    -------
    E : scalar of W's dtype; NaN or infinite where the code's is
    cache : tuple, for :func:`released_energy_backward`

    Raises
    ------
    TypeError, ValueError
        If W is no such matrix, an entry is not finite, s is another number, eps < 0, or eps is 0 and a row too.
    """
    W, s, eps = numbers(W, ("m", "d")), exponent(s), nonnegative("eps", eps)
    if s not in (0, 1, 2):
        raise ValueError(f"s: expected 0, 1 or 2, which is what the released code has, got {s}")
    m = len(W)
    F = np.concatenate([W, -W]) if half_space else W
    points = len(F)
    if points < 2:
        raise ValueError(
            f"W: expected at least 2 neurons, because the released code divides by the number of pairs, got shape {W.shape}"
        )
    U, norm = shrunk(F, eps)
    t = U @ U.T
    if angular and eps == 0:
        t = np.where(np.abs(t.real) > 1, np.sign(t.real), t)
        np.fill_diagonal(t, 0)
        if half_space:
            t[np.arange(m), np.arange(m) + m] = t[np.arange(m) + m, np.arange(m)] = -1
    with np.errstate(all="ignore"):
        z = np.arccos(t) / np.pi + eps if angular else 2 - 2 * t + np.eye(points, dtype=U.dtype)
        g = -np.log(z) if s == 0 else z ** (-s if angular else -s / 2)
        pairs = points * (points - 1) / 2
        E = np.sum(g - np.tril(g)) / pairs
    return U.dtype.type(E), (U, norm, t, z, s, half_space, angular, eps, pairs)


def released_energy_backward(dE, cache):
    """∂t_ij/∂w_i = (û_j − t_ij û_i)/√(‖w_i‖²+ε) with û_i = w_i/√(‖w_i‖²+ε): not quite orthogonal to w_i.  Returns dW (m, d)."""
    U, norm, t, z, s, half_space, angular, eps, pairs = cache
    with np.errstate(all="ignore"):
        if angular:
            dz = (-1 / z if s == 0 else -s * z ** (-s - 1)) * (-1 / np.pi) / np.sqrt(1 - t * t)
            if eps == 0:
                dz[t == -1] = 0  # an exact antipode pulls nowhere; with ε the code has no such case
        else:
            dz = 2 * (1 / z if s == 0 else s / 2 * z ** (-s / 2 - 1))
        dt = np.triu(np.ones(t.shape), 1).astype(U.dtype) * (dz * (dE / pairs))  # 0 times a NaN of the diagonal is NaN, as there
        dF = through_cosines(dt + dt.T, t, U) / norm
    m = len(U) // 2
    return (dF[:m] - dF[m:] if half_space else dF).astype(U.dtype, copy=False)


def released_weights(s: float, angular: bool = False, logged: bool = False) -> tuple[float, float]:
    """(λ_h, λ_o) that the code multiplies its energies with; logged: those that the logs shipped of full-space runs show.

    Raises ValueError if s is not 0, 1 or 2.
    """
    if s not in (0, 1, 2):
        raise ValueError(f"s: expected 0, 1 or 2, which is what the released code has, got {s}")
    hidden, output = (0.1, 1.0) if angular and s > 0 else (1.0, 10.0)
    return (hidden / 10, output / 10) if logged else (hidden, output)


def numbers(W: ArrayLike, shape: tuple | None = None, smooth: bool = True) -> np.ndarray:
    """W as finite numbers, at least one; a zero row is nothing special to the released code."""
    a = finite("W", floats("W", W, shape, smooth))
    if a.size == 0:
        raise ValueError(f"W: expected at least one neuron and one coordinate, got shape {a.shape}")
    return a


def shrunk(F, eps):
    """Rows over √(‖row‖² + ε), and those norms (rows, 1)."""
    square = np.sum(F * F, axis=1, keepdims=True) + eps
    zero = np.flatnonzero(square == 0)
    if len(zero):
        raise ValueError(f"W: expected rows that are not zero where eps is 0, got row {zero[0]}")
    norm = np.sqrt(square)
    return F / norm, norm


def through_cosines(S, t, U):
    """Σ_j S_ij (û_j − t_ij û_i), S the symmetric slopes in the cosines."""
    return S @ U - np.sum(S * t, axis=1, keepdims=True) * U


# ---- image classification: the rest of the objective
def released_loss_forward(f: ArrayLike, labels: ArrayLike, smoothing: float = 0.01, eps: float = 1e-4) -> tuple[Any, tuple]:
    """−(1/n) Σ_i Σ_k y_ik log(softmax(f_i)_k + ε), with y = (1 − smoothing) one-hot + smoothing/c.

    f : array_like (n, c), responses; labels : array_like of int (n,), n ≥ 1, from 0 to c − 1. Returns (loss, cache).
    Raises TypeError or ValueError if shapes do not match, a label is none, a response is not finite, or smoothing exceeds 1.
    """
    f = finite("f", floats("f", f, ("n", "c"), smooth=True))
    n, c = f.shape
    y = class_labels(labels, c)
    if len(y) != n:
        raise ValueError(f"labels: expected shape ({n},), as many as rows of f, got {y.shape}")
    smoothing, eps = nonnegative("smoothing", smoothing), nonnegative("eps", eps)
    if smoothing > 1:
        raise ValueError(f"smoothing: expected a number from 0 to 1, got {smoothing}")
    e = np.exp(f - np.max(f.real, axis=1, keepdims=True))
    p = e / np.sum(e, axis=1, keepdims=True)
    target = np.full(f.shape, smoothing / c, f.real.dtype)
    target[np.arange(n), y] += 1 - smoothing
    with np.errstate(divide="ignore"):
        return p.dtype.type(-np.sum(target * np.log(p + eps)) / n), (p, target, eps)


def released_loss_backward(dL, cache):
    """df (n, c): with dp = −y/(p + ε)/n, df = p (dp − Σ_k p_k dp_k)."""
    p, target, eps = cache
    dp = -dL / len(p) * target / (p + eps)
    return (p * (dp - np.sum(p * dp, axis=1, keepdims=True))).astype(p.dtype, copy=False)


def released_decay_forward(params: Sequence, rate: float = 5e-4) -> tuple[Any, tuple]:
    """½ rate Σ ‖W‖² over the layers that have a W; biases, which that network does not have, are spared. Returns (value, cache)."""
    rate = nonnegative("rate", rate)
    value = sum(0.5 * rate * np.sum(layer.W * layer.W) for layer in params if hasattr(layer, "W"))
    return value, (params, rate)


def released_decay_backward(dvalue, cache):
    """rate W for every layer, 0 for the rest, of the type of params."""
    params, rate = cache
    theta, unravel = ravel(params)
    dparams = unravel(np.zeros_like(theta))
    for layer, d in zip(params, dparams, strict=True):
        if hasattr(layer, "W"):
            d.W[...] = dvalue * rate * layer.W
    return dparams


# ---- image generation
def gan_energy_forward(W: ArrayLike, eps: float = 1e-4, transposed: bool = False) -> tuple[Any, tuple]:
    """−(1/m²) Σ_ij log(q_ij + ε), q_ij the squared distance for i < j and 0 elsewhere, of the rows (w_i, −w_i).

    Appending −w_i to the features of w_i, not to the neurons, changes no cosine (but for ε: it is as if W were √2 W). So this is
    the logarithmic energy of full space, E_0/m² with pairs counted in both orders, plus the constant −log ε (m+1)/(2m).

    Parameters
    ----------
    W : array_like, shape (m, d) or (o, c, kh, kw)
    eps : float
        ε > 0, both in the logarithm and in the norms √(2‖w‖² + ε).
    transposed : bool
        W is the kernel of a transposed convolution from c to o channels: one row for each of the c input channels.

    Returns
    -------
    E : scalar of W's dtype
    cache : tuple, for :func:`gan_energy_backward`

    Raises
    ------
    TypeError, ValueError
        If W is no such array, an entry is not finite, eps is not > 0, or `transposed` meets a dense layer.
    """
    W, eps = numbers(W), nonnegative("eps", eps)
    if eps == 0:
        raise ValueError("eps: expected a number > 0, because the code takes its logarithm, got 0.0")
    if transposed and W.ndim != 4:
        raise ValueError(f"W: expected shape (o, c, kh, kw) of a transposed convolution, got {W.shape}")
    rows = filters(W.transpose(1, 0, 2, 3) if transposed else W)
    U, norm = shrunk(np.concatenate([rows, -rows], axis=1), eps)
    t = U @ U.T
    q = np.triu(2 - 2 * t, 1)
    E = -np.mean(np.log(q + eps))
    return U.dtype.type(E), (U, norm, t, q, eps, W.shape, transposed)


def gan_energy_backward(dE, cache):
    """dW, of the shape of W."""
    U, norm, t, q, eps, shape, transposed = cache
    dt = np.triu(2 * dE / (q + eps) / len(U) ** 2, 1)
    dF = through_cosines(dt + dt.T, t, U) / norm
    d = dF.shape[1] // 2
    rows = (dF[:, :d] - dF[:, d:]).astype(U.dtype, copy=False)
    if transposed:
        o, c, kh, kw = shape
        return np.ascontiguousarray(rows.reshape(c, o, kh, kw).transpose(1, 0, 2, 3))
    return rows.reshape(shape)


# ---- SphereFace+
def sphereface_plus_forward(W: ArrayLike, labels: ArrayLike, alpha: float = 1.0, normalise: bool = False) -> tuple[Any, tuple]:
    """Σ_i Σ_j ‖w_i − w_{y_j}‖² / N over all N classes i and a batch's labels y_j: a number to watch, not what is descended.

    Parameters
    ----------
    W : array_like, shape (N, d)
        Classifiers, used as they are: that layer does not normalise them.
    labels : array_like of int, shape (n,)
    alpha : float
        Weight of the layer's gradient.
    normalise : bool
        Divide the mean classifier by its length, √(‖·‖² + 1e-5), in the gradient.

    Returns
    -------
    distance : scalar of W's dtype
    cache : tuple, for :func:`sphereface_plus_backward`

    Raises
    ------
    TypeError, ValueError
        If W is no matrix of finite numbers, or labels are not whole numbers from 0 to N − 1.

    Notes
    -----
    With every class once and unit rows this is 2N − 2‖Σ_i ŵ_i‖²/N, the energy with s = −2: it sees nothing but the centroid (see
    :mod:`refimpl.papers.hyperspherical_energy.related`).
    """
    W = numbers(W, ("N", "d"), smooth=False)
    y, alpha = class_labels(labels, len(W)), nonnegative("alpha", alpha)
    centre = np.mean(W, axis=0)
    count = np.bincount(y, minlength=len(W)).astype(W.dtype)
    # Σ_i ‖w_i − w_y‖² = Σ_i ‖w_i − centre‖² + N ‖w_y − centre‖²
    square = np.sum((W - centre) ** 2, axis=1)
    distance = len(y) * np.sum(square) / len(W) + count @ square
    return W.dtype.type(distance), (W, count, centre, distance, alpha, normalise)


def sphereface_plus_backward(ddistance, cache):
    """−4α/(n·distance² + 1e-5) (w_y − mean) for every label y of the batch, and 0 for all other classes.

    This is no gradient of the distance, which it increases: it has the direction of the gradient of 1/distance in w_y alone, and
    as there the weight of the loss, ddistance, is not used.
    """
    W, count, centre, distance, alpha, normalise = cache
    if normalise:
        centre = centre / np.sqrt(centre @ centre + 1e-5)
    rate = -4.0 * alpha / (float(np.sum(count)) * float(distance) ** 2 + 1e-5)
    return (rate * count[:, None] * (W - centre)).astype(W.dtype, copy=False)
