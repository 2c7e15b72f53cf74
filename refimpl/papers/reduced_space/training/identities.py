"""Gradients in standard and in reduced parameters, and weight decay in both.

With w = r ŵ, r = |w| a neuron is c σ(w·x + b) = c r σ(ŵ·x + b/r), so that ŵ = w/r, b̂ = b/r, ĉ = c r and

    dJ/dŵ = r dJ/dw,   dJ/db̂ = r dJ/db,   dJ/dĉ = (1/r) dJ/dc
    ⟨w, dJ/dw⟩ + b dJ/db = c dJ/dc                    J does not change along (w, b, c) -> (s w, s b, c/s)
    min over s of (s²|w|² + c²/s²)/2 = |w| |c| = |ĉ|

All three hold for activations with σ(sz) = s σ(z), s > 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from refimpl.doors import floats
from refimpl.manifolds import sphere
from refimpl.optim.first_order import between
from refimpl.papers.reduced_space.training.layout import hidden_layers, lengths
from refimpl.params import Objective, Unravel, ravel


def reduced_gradient(params: Any, gradient: Any) -> Any:
    """The gradient at reduce(params), from that at params, where no neuron is saturated: the chain rule.

    Parameters
    ----------
    params : (Dense, (), ..., Dense) or Shallow, or (W, b, v, c)
        Standard parameters; no hidden neuron is zero. Layer by layer, as outgoing weights are rows of the next layer.
    gradient : of the same nesting
        Ordinary gradient of J at params.

    Returns
    -------
    gradient : of the same nesting
        Of the weights of hidden neurons the tangent part, r (dJ/dw − (ŵ·dJ/dw) ŵ); r dJ/db of thresholds; dJ/dc over r of what
        leaves a neuron.

    Raises
    ------
    TypeError, ValueError
        If params are not as above, or the gradient has other shapes.
    """
    theta, unravel = ravel(params)
    theta, g = theta.copy(), gradient_of(unravel, gradient)
    for W, b, out, _ in hidden_layers(unravel):
        u, r = lengths(theta, W, unravel)
        theta[out], g[out] = theta[out] * r.T, g[out] / r.T  # for a next hidden layer: its rows are scaled, then normalised
        g[W], g[b] = r * sphere.off(u, g[W]), r[:, 0] * g[b]
    return unravel(g)


def homogeneity_identity(params: Any, gradient: Any) -> tuple[np.ndarray, np.ndarray]:
    """⟨w_j, dJ/dw_j⟩ + b_j dJ/db_j and Σ_k c_kj dJ/dc_kj, hidden neuron by hidden neuron, layer by layer: they are equal.

    params, gradient : as for :func:`reduced_gradient`; neurons may be zero.  Returns left (N,) and right (N,).
    """
    theta, unravel = ravel(params)
    moved = theta * gradient_of(unravel, gradient)
    hidden = hidden_layers(unravel)
    left = [np.sum(moved[W], axis=1) + moved[b] for W, b, _, _ in hidden]
    right = [np.sum(moved[out], axis=0) for _, _, out, _ in hidden]
    return np.concatenate(left), np.concatenate(right)


def weight_decay_reduced(unravel: Unravel, rate: float) -> Objective:
    """theta -> (rate Σ_j |c_j|, its gradient): weight decay (rate/2)(|W|² + |c|²) of standard networks, in the reduced space.

    One hidden layer; with several outputs |c_j| is the length of column j. To be added: `total(loss, weight_decay_reduced(unravel,
    1e-4))`. At c_j = 0, where there is a kink, the gradient is taken to be 0. rate >= 0. Derived.
    """
    rate = between("rate", rate, 0, np.inf, closed=True)
    hidden = hidden_layers(unravel)
    if len(hidden) != 1:
        raise ValueError(f"unravel: expected that of one hidden layer, got {len(hidden)}")
    out = hidden[0].out

    def decay(theta):
        theta = floats("theta", theta, (unravel.size,), smooth=True)
        c = theta[out].T  # (m, k)
        size = sphere.length(c)
        gradient = np.zeros_like(theta)
        gradient[out] = rate * (c / np.where(size == 0, 1, size)).T
        return (rate * np.sum(size)).item(), gradient

    return decay


def gradient_of(unravel, gradient):
    """The gradient as a vector (p,) of its own."""
    try:
        flat = unravel.flat(gradient)
    except ValueError as e:
        raise ValueError(f"gradient: expected the nesting and the shapes of params, got others ({e})") from None
    return floats("gradient", flat, (unravel.size,), smooth=True)
