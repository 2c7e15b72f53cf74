"""The objectives that hyperspherical energy is compared with, each a pair with a hand-written gradient.

Like the energy they see directions only, û_i = w_i/‖w_i‖, so that every gradient is tangent: (I − û_iû_iᵀ) ∂/∂û_i over ‖w_i‖.

    orthonormal        ‖UUᵀ − I‖²            every tight frame minimises it; it does not keep neurons apart
    squared_distances  Σ_ij ‖û_i − û_j‖²     the energy of s = −2, to be maximised; it sees the centroid only
    mma                −mean_i min_j θ_ij    maximum minimal angle, the s → ∞ relative of the angular energy (arXiv:2006.06527)
    mhs                −min_{i≠j} q_ij       maximum hyperspherical separation (this and the next two: arXiv:2103.01649)
    gram_determinant   −log det e^{−q}       maximum Gram determinant
    polarisation       mean_i 1/‖û_i − v̂‖²   its least value over the pole v is to be maximised
    projected_energy   E of P û_i            CoMHE: the energy of randomly projected neurons (arXiv:1906.04892)
    rotate             W Rᵀ                  OPT: only R is learned, and the energy stays what it was (arXiv:2004.04690)

A marks [C] says that a formula or setting was read in the code released with the respective paper, [D] that it was derived here.

    paper     here    shape       meaning
    û_i       U[i]    (m, d)      neuron i on the unit sphere
    t         t       (m, m)      cosines û_i·û_j
    q         q       (m, m)      squared distances 2 − 2t
    P         P       (c, k, d)   c random projections to k dimensions
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from refimpl.doors import finite, floats, whole
from refimpl.manifolds.sphere import project_backward, project_forward
from refimpl.papers.hyperspherical_energy.energy import (
    angle,
    energy_backward,
    energy_forward,
    neurons,
    no_coincidence,
    squared_chords,
)
from refimpl.papers.hyperspherical_energy.network import nonnegative


# ---- orthogonality
def orthonormal_forward(W: ArrayLike) -> tuple[Any, tuple]:
    """‖UUᵀ − I‖_F² = Σ_{i≠j} cos²θ_ij.

    W : array_like, shape (m, d), no row zero. Returns (value, cache). Raises TypeError or ValueError as `energy_forward`.

    For m ≤ d its minimisers, orthonormal rows, are those of half-space energy. For m > d every tight frame is one, with value
    m(m − d)/d: two copies of a basis are optimal here, while their half-space energy is infinite [D].
    """
    W = neurons(W)
    U, sphere = project_forward(W)
    off = U @ U.T
    np.fill_diagonal(off, 0)  # û_i·û_i − 1
    return np.sum(off * off), (U, off, sphere)


def orthonormal_backward(dvalue, cache):
    """4 (UUᵀ − I) U, made tangent. Returns dW (m, d)."""
    U, off, sphere = cache
    return project_backward(dvalue * 4 * (off @ U), sphere)


def squared_distances_forward(W: ArrayLike) -> tuple[Any, tuple]:
    """Σ_ij ‖û_i − û_j‖² = 2m² − 2‖Σ_i û_i‖², which is to be maximised: every W with its centroid at 0 does.

    W : array_like, shape (m, d), no row zero. Returns (value, cache). Raises TypeError or ValueError as `energy_forward`.
    """
    W = neurons(W)
    U, sphere = project_forward(W)
    centre = np.sum(U, axis=0)
    return U.dtype.type(2 * len(U) ** 2 - 2 * (centre @ centre)), (U, centre, sphere)


def squared_distances_backward(dvalue, cache):
    """−4 Σ_j û_j, made tangent. Returns dW (m, d)."""
    U, centre, sphere = cache
    return project_backward(dvalue * -4 * np.broadcast_to(centre, U.shape), sphere)


# ---- the closest pair
def mma_forward(W: ArrayLike) -> tuple[Any, tuple]:
    """−(1/m) Σ_i min_{j≠i} θ_ij, rad.

    W : array_like, shape (m, d), m ≥ 2, no row zero. Returns (value, cache). Raises TypeError or ValueError as `energy_forward`,
    or if there is one neuron only. The subgradient takes, for each i, the first j of those at the least angle.
    """
    W = at_least_two(W)
    U, sphere = project_forward(W)
    q, q_plus, _ = squared_chords(W, U, both_ends=True)
    np.fill_diagonal(q, 8)
    i, j = np.arange(len(U)), np.argmin(q.real, axis=1)
    theta = np.where(q_plus[i, j] == 0, np.pi, angle(q[i, j], np.where(q_plus[i, j] == 0, 1, q_plus[i, j])))
    minus, plus = U - U[j], U + U[j]
    return U.dtype.type(-np.mean(theta)), (j, minus, plus, chord(minus), chord(plus), sphere)


def mma_backward(dvalue, cache):
    """∂θ/∂û_i = −û_j/sin θ, made tangent, and the same for j.  Returns dW (m, d).

    A pair of antipodes, where θ has its peak, gives 0. Raises ValueError if two rows coincide, where −θ has its.
    """
    j, minus, plus, r, r_plus, sphere = cache
    i = np.arange(len(j))
    no_coincidence(i, j, r, r_plus, False)
    slope = dvalue / len(j) / np.where(r_plus == 0, 1, 0.5 * r * r_plus)[:, None]
    slope = np.where(r_plus[:, None] == 0, 0, slope)
    # tangent parts of û_j and û_i, from whichever of û_j ∓ û_i is small
    ahead = (r.real < r_plus.real)[:, None]
    dU = slope * np.where(ahead, -minus, plus)
    np.add.at(dU, j, slope * np.where(ahead, minus, plus))
    return project_backward(dU.astype(minus.dtype, copy=False), sphere)


def mhs_forward(W: ArrayLike, half_space: bool = False) -> tuple[Any, tuple]:
    """−min_{i≠j} q_ij, over the neurons or, in half space, over the neurons and their antipodes.

    W : array_like, shape (m, d), m ≥ 2, no row zero. Returns (value, cache). Raises TypeError or ValueError as `energy_forward`,
    or if there is one neuron only. The subgradient takes the first pair (i, j) of those at the least distance.

    The released code adds up all entries that equal the least one to the last bit: in half space, where every distance occurs
    twice, its value is twice this. It takes half space and the weight 0.1 for hidden layers, full space and 1 for the output [C].
    """
    W = at_least_two(W)
    U, sphere = project_forward(W)
    q, q_plus, _ = squared_chords(W, U, half_space)
    least = np.minimum(q.real, q_plus.real) if half_space else q.real.copy()
    np.fill_diagonal(least, 8)
    i, j = np.unravel_index(np.argmin(least), q.shape)
    sign = -1 if half_space and q_plus.real[i, j] < q.real[i, j] else 1
    return U.dtype.type(-(q if sign == 1 else q_plus)[i, j]), (i, j, sign, U[i] - sign * U[j], sphere)


def mhs_backward(dvalue, cache):
    """−2 (û_i ∓ û_j) for neuron i, ±2 (û_i ∓ û_j) for j, made tangent. Returns dW (m, d); 0 where the two coincide."""
    i, j, sign, difference, sphere = cache
    dU = np.zeros_like(sphere[0])
    dU[i] = dvalue * -2 * difference
    dU[j] = dvalue * 2 * sign * difference
    return project_backward(dU, sphere)


# ---- all pairs at once
def gram_determinant_forward(W: ArrayLike, eps: float = 1e-6, half_space: bool = False) -> tuple[Any, tuple]:
    """−log det(exp(−q_ij) + ε I), over the neurons or, in half space, over the neurons and their antipodes.

    Parameters
    ----------
    W : array_like, shape (m, d)
    eps : float
        ε ≥ 0, by default that of the released code [C]. It bounds the value where neurons coincide.
    half_space : bool
        As the released code has it for hidden layers, with the weight 0.01; 0.1 and full space for the output [C].

    Returns
    -------
    value : scalar of W's dtype, computed in float64; inf if the determinant is 0, or not above its rounding
    cache : tuple, for :func:`gram_determinant_backward`

    Raises
    ------
    TypeError, ValueError
        As :func:`energy_forward`; if eps is negative or not finite.
    """
    W, eps = neurons(W), nonnegative("eps", eps)
    U, sphere = project_forward(W)
    X = np.concatenate([U, -U]) if half_space else U
    X = X.astype(np.result_type(X, np.float64))
    near = np.exp(2 * (X @ X.T) - 2)  # e^{-q}
    np.fill_diagonal(near, 1)
    A = near + eps * np.eye(len(X))
    sign, size = np.linalg.slogdet(A)
    value = -(size + np.log(sign)) if sign.real > 0 else np.inf
    return U.dtype.type(value), (X, near, A, value, half_space, sphere)


def gram_determinant_backward(dvalue, cache):
    """−4 Σ_j (A⁻¹)_ij e^{−q_ij} û_j with A = e^{−q} + ε I, made tangent. Returns dW (m, d).

    Raises ValueError if the value is infinite.
    """
    X, near, A, value, half_space, sphere = cache
    if not np.isfinite(value):
        raise ValueError(
            "W: expected directions with a positive Gram determinant, but two of them are too close for so small an eps"
        )
    S = -4 * np.linalg.inv(A) * near
    np.fill_diagonal(S, 0)
    dX, m = dvalue * (S @ X), len(sphere[0])
    return project_backward((dX[:m] - dX[m:] if half_space else dX).astype(sphere[0].dtype, copy=False), sphere)


def polarisation_forward(W: ArrayLike, v: ArrayLike, half_space: bool = False) -> tuple[Any, tuple]:
    """(1/M) Σ_i 1/(2 − 2 v̂·û_i), the potential of the neurons at the pole v̂, over the M = m neurons or, in half space, 2m points.

    Parameters
    ----------
    W : array_like, shape (m, d)
    v : array_like, shape (d,), not zero
    half_space : bool

    Returns
    -------
    value : scalar of W's dtype; inf if the pole lies on a neuron
    cache : tuple, for :func:`polarisation_backward`

    Raises
    ------
    TypeError, ValueError
        As :func:`energy_forward`; if v is zero, not finite or of another shape.

    Notes
    -----
    A game: v descends the potential and W ascends it, so the least potential over the sphere grows and no region stays empty.
    (There is no greatest one, it is infinite at every neuron.) The released code adds the negative of the potential to the loss of
    the network, with weight 1 for hidden layers, in half space, and 10 for the output, and takes 10 steps in v for each in W [C].
    """
    W = neurons(W)
    v = finite("v", floats("v", v, (W.shape[1],), smooth=True))
    if not v.any():
        raise ValueError("v: expected a vector that is not zero, because a zero vector has no direction")
    U, sphere = project_forward(W)
    pole, pole_sphere = project_forward(v)
    difference = (np.concatenate([U, -U]) if half_space else U) - pole  # (M, d)
    q = np.sum(difference * difference, axis=1)
    with np.errstate(divide="ignore"):
        value = np.mean(1 / q) if q.real.min() > 0 else np.inf
    return difference.dtype.type(value), (difference, q, half_space, sphere, pole_sphere)


def polarisation_backward(dvalue, cache):
    """−2 (x_i − v̂)/(M q_i²) for every point x_i, the opposite sum for v̂, made tangent. Returns dW (m, d), dv (d,).

    Raises ValueError if the pole lies on a neuron.
    """
    difference, q, half_space, sphere, pole_sphere = cache
    if not q.real.min() > 0:
        raise ValueError(f"v: expected a pole away from all neurons, but it lies on row {int(np.argmin(q.real)) % len(sphere[0])}")
    dX = dvalue * (-2 / len(q)) * difference / (q * q)[:, None]
    m = len(sphere[0])
    dU, dpole = (dX[:m] - dX[m:] if half_space else dX), -np.sum(dX, axis=0)
    return project_backward(dU, sphere), project_backward(dpole, pole_sphere)


# ---- CoMHE: the energy of projections
def projections(k: int, d: int, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Gaussian matrices P (draws, k, d), entries of variance 1; k, d ≥ 2, draws ≥ 1. Released setting: k = 40, draws = 20 [C]."""
    k, d, draws = whole("k", k, 2), whole("d", d, 2), whole("draws", draws, 1)
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng: expected a numpy.random.Generator, got {type(rng).__name__}")
    return rng.normal(size=(draws, k, d))


def projected_energy_forward(
    W: ArrayLike, P: ArrayLike, s: float = 2.0, half_space: bool = True, angular: bool = False, reduction: str = "mean"
) -> tuple[Any, tuple]:
    """Energy of the projected neurons P û_i, averaged over the projections.

    Parameters
    ----------
    W : array_like, shape (m, d)
    P : array_like, shape (c, k, d)
        c ≥ 1 projections to k ≥ 2 dimensions, as from :func:`projections`; taken in W's precision.
    s, half_space, angular, reduction : as for :func:`energy_forward`; the defaults, but for the weights, are the released ones [C]

    Returns
    -------
    E : scalar of W's dtype
    cache : tuple, for :func:`projected_energy_backward`; its size grows with c·m²

    Raises
    ------
    TypeError, ValueError, OverflowError
        As :func:`energy_forward`; if P has another shape or is not finite.

    Notes
    -----
    The released code draws new projections at every step and leaves the first layer unprojected [C]. P is data, not a parameter:
    the gradient is for W alone.
    """
    W = neurons(W)
    P = finite("P", floats("P", P, ("c", "k", W.shape[1]))).astype(W.real.dtype, copy=False)
    if len(P) < 1:
        raise ValueError(f"P: expected at least one projection, got shape {P.shape}")
    U, sphere = project_forward(W)
    E, caches = zip(*(energy_forward(U @ p.T, s, half_space, angular, reduction) for p in P), strict=True)
    return U.dtype.type(sum(E) / len(P)), (P, caches, sphere)


def projected_energy_backward(dE, cache):
    """Σ_c ∇E(U P_cᵀ) P_c / c through the sphere [D]. Returns dW (m, d). Raises ValueError as `energy_backward`."""
    P, caches, sphere = cache
    dU = sum(energy_backward(dE / len(P), c) @ p for p, c in zip(P, caches, strict=True))
    return project_backward(dU, sphere)


# ---- OPT: a rotation of all neurons
def rotate_forward(W: ArrayLike, R: ArrayLike) -> tuple[np.ndarray, tuple]:
    """W Rᵀ with an orthogonal R: E(W Rᵀ) = E(W), so training R alone keeps the low energy that random neurons of many inputs have.

    W : array_like, shape (m, d); R : array_like, shape (d, d). Returns (W Rᵀ, cache).
    Raises TypeError or ValueError if W or R are not such matrices, are not finite, or R is not orthogonal within 1e-5.
    """
    W = finite("W", floats("W", W, ("m", "d"), smooth=True))
    d = W.shape[1]
    R = finite("R", floats("R", R, (d, d), smooth=True))
    away = np.max(np.abs(R.real @ R.real.T - np.eye(d)), initial=0)
    if away > 1e-5:
        raise ValueError(f"R: expected an orthogonal matrix, got one with an entry of R Rᵀ − I of size {away:.1e}")
    return W @ R.T, (W, R)


def rotate_backward(dy, cache):
    """dW (m, d) and dR (d, d)."""
    W, R = cache
    return dy @ R, dy.T @ W


# ---- the rooms' own
def at_least_two(W):
    """W as a matrix of at least two neurons."""
    W = neurons(W)
    if len(W) < 2:
        raise ValueError(f"W: expected at least 2 neurons, which have a distance, got shape {W.shape}")
    return W


def chord(x):
    """‖x‖ of each row, and 0 where that is rounding of the directions it is a difference of."""
    r = np.sqrt(np.sum(x * x, axis=1))
    return np.where(r.real > 4 * np.finfo(r.dtype).eps, r, 0)
