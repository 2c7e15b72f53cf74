"""What the claims compare with: the energy written as the paper defines it, and its gradient by the complex step.

Nothing here comes from the implementation under test. Points are listed, half space doubles the list, distances are norms of
differences, and angles are 2 atan(‖u−v‖/‖u+v‖), which is exact at both ends.
"""

import numpy as np

from refimpl.claims.claim import Choice, assume, frozen

S = Choice(1.0, 0.0, 2.0, 0.5, 3.0)
VARIANTS = Choice("full", "half", "angular", "half angular")
STEP = 1e-30  # of the complex step: no cancellation, so as small as can be


def options(variant):
    """Keyword arguments of a variant; the plain energy takes none, so that a bare loss(W, s) can be held to the claims."""
    return {name: True for name, word in (("half_space", "half"), ("angular", "angular")) if word in variant.split()}


def directions(W):
    """ŵ_i = w_i/‖w_i‖, of a matrix or of a stack of them."""
    return W / np.sqrt(np.sum(W * W, axis=-1, keepdims=True))


def separation(W):
    """min over pairs of 1 − |cos θ|: how far the closest two rows are from parallel."""
    U = directions(W)
    cosines = np.abs(U @ U.T)
    np.fill_diagonal(cosines, 0)
    return 1 - cosines.max()


def neurons(m, d, seed, apart=1e-4, spread=3.0):
    """Gaussian rows times e^U(−spread, spread), read-only; rejects draws with two rows nearer to parallel than `apart`.

    Entries are numbers that float32 can hold, so that the same neurons can be handed over in either precision.
    """
    rng = np.random.default_rng(seed)
    W = rng.normal(size=(m, d)) * np.exp(rng.uniform(-spread, spread, size=(m, 1)))
    W = W.astype(np.float32).astype(np.float64)
    assume(separation(W) > apart)
    return frozen(W)


def points(W, half_space=False):
    """The points whose energy is taken: the directions, and in half space their antipodes behind them."""
    U = directions(W)
    return np.concatenate([U, -U], axis=-2) if half_space else U


def distances(W, half_space=False, angular=False):
    """Distance or angle of every ordered pair i ≠ j of points: shape (..., M(M−1))."""
    X = points(W, half_space)
    M, m = X.shape[-2], W.shape[-2]
    i, j = np.nonzero(~np.eye(M, dtype=bool))
    minus, plus = X[..., i, :] - X[..., j, :], X[..., i, :] + X[..., j, :]
    r = np.sqrt(np.sum(minus * minus, axis=-1))
    if not angular:
        return r
    own = np.abs(i - j) == m if half_space else np.zeros(len(i), bool)  # a neuron and its own antipode: π exactly
    r_plus = np.sqrt(np.sum(plus * plus, axis=-1)) + own  # (+1 where it is 0, so that nothing is divided by it)
    return np.where(own, np.pi, 2 * np.arctan(r / r_plus))


def riesz(z, s):
    """f_s(z) = z^{-s}; f_0(z) = −log z."""
    return -np.log(z) if s == 0 else z**-s


def energy(W, s, half_space=False, angular=False):
    """E_s(W) = Σ_{i≠j} f_s over ordered pairs of points.  W (..., m, d) -> (...)."""
    return np.sum(riesz(distances(W, half_space, angular), s), axis=-1)


def gradient(W, s, half_space=False, angular=False):
    """∇E by the complex step, one entry of W at a time."""
    steps = STEP * np.eye(W.size).reshape(W.size, *W.shape)
    return energy(W + 1j * steps, s, half_space, angular).imag.reshape(W.shape) / STEP


def analytic_gradient(W, s, half_space=False, angular=False):
    """∇E by the chain rule through the distances, in complex arithmetic where W is complex: what a Hessian is the step of.

    Σ_j 2 f'(z_ij) (dz/dr)_ij (x_i − x_j)/r_ij over the points, dz/dr = 1 or 2/r⁺ for angles; through ±û_i; through the norm.
    """
    m, X = len(W), points(W, half_space)
    U, norm = X[:m], np.sqrt(np.sum(W * W, axis=1, keepdims=True))
    dX = np.zeros_like(X)
    for i in range(len(X)):
        for j in range(len(X)):
            if j == i or (half_space and abs(i - j) == m):  # a constant pair
                continue
            r = np.sqrt(np.sum((X[i] - X[j]) ** 2))
            r_plus = np.sqrt(np.sum((X[i] + X[j]) ** 2))
            z, dz = (2 * np.arctan(r / r_plus), 2 / r_plus) if angular else (r, 1.0)
            df = -1 / z if s == 0 else -s * z ** (-s - 1)
            dX[i] += 2 * df * dz * (X[i] - X[j]) / r
    dU = dX[:m] - dX[m:] if half_space else dX
    return (dU - np.sum(U * dU, axis=1, keepdims=True) * U) / norm


def lengths(W):
    """‖w_i‖ (m, 1): gradients are compared as ‖w_i‖∇_i, or rows of very different length would hide each other."""
    return np.sqrt(np.sum(W * W, axis=1, keepdims=True))
