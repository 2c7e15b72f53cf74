"""Repulsion of neurons (w, b), or of the planes where they break: an energy on the reduced space.

    E_s = Σ_{i<j} D_ij^{−s},   D_ij² = |w_i − w_j|² + (b_i − b_j)²/X²;   s = 0: Σ_{i<j} −log D_ij
    planes: the smaller one of D² for (w_j, b_j) and for (−w_j, −b_j), the same plane with the other side active

In one dimension w is a sign, and b is all that tells neurons of one sign apart. Derived; the kernel is that of the hyperspherical
energy, whose neurons have no thresholds.

    paper      here        shape        meaning
    w_j, b_j   W, b        (m, d), (m,)
    X          radius      scale of the thresholds, > 0
               K           (m, m)       −2 dE/dD², by pairs; 0 on the diagonal
               flip        (m, m)       ±1: −1 where the pair is nearer with the sign of one of them changed
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from refimpl.doors import finite, floats
from refimpl.optim.first_order import between
from refimpl.papers.reduced_space.training.layout import Radius, hidden_layers
from refimpl.params import Objective, Unravel


def repulsion_forward(W: ArrayLike, b: ArrayLike, radius: float, s: float = 1.0, planes: bool = False) -> tuple[Any, tuple]:
    """Repulsive energy of neurons, each pair counted once.

    Parameters
    ----------
    W : array_like, shape (m, d)
        Rows of unit length are meant; others are taken as they are.
    b : array_like, shape (m,)
        Thresholds.
    radius : finite number > 0, X
    s : finite number >= 0
        Exponent; 0 takes the logarithm.
    planes : bool
        True: distances of planes {w·x + b = 0}, not of neurons. At a tie the sign is as it stands.

    Returns
    -------
    E : float; inf where two coincide
    cache : tuple, for :func:`repulsion_backward`

    Raises
    ------
    TypeError, ValueError
        If an argument is not as above.
    OverflowError
        If the energy exceeds the floating-point range although none coincide.

    Notes
    -----
    Holomorphic in W and b. Distances come from differences, so that close pairs keep their digits.
    """
    w = finite("W", floats("W", W, ("m", "d"), smooth=True))
    b = finite("b", floats("b", b, (len(w),), smooth=True))
    X, s = between("radius", radius, 0, np.inf), between("s", s, 0, np.inf, closed=True)
    q = squared_distances(w, b, X, -1)
    flip = np.ones_like(q.real)
    if planes:
        other = squared_distances(w, b, X, 1)
        flip[other.real < q.real] = -1
        q = np.where(flip < 0, other, q)
    i, j = np.triu_indices(len(w), 1)
    pairs = q[i, j]
    with np.errstate(divide="ignore", over="ignore"):
        E = np.sum(-0.5 * np.log(pairs) if s == 0 else pairs ** (-s / 2))
    if (pairs == 0).any():
        E = np.inf
    elif not np.isfinite(E):
        raise OverflowError("s: expected an exponent for which the energy is a floating-point number; take a smaller one")
    return np.asarray(E).item(), (w, b, q, flip, X, s)


def repulsion_backward(dE, cache):
    """dW_i = −Σ_j K_ij (w_i ∓ w_j),  db_i = −Σ_j K_ij (b_i ∓ b_j)/X²,  K = s D^{−s−2} (s = 0: D^{−2}), times dE.

    Returns dW (m, d), the Euclidean gradient at unit rows, and db (m,). ValueError if two coincide: there is no gradient then.
    OverflowError if it exceeds the floating-point range.
    """
    w, b, q, flip, X, s = cache
    apart = q + np.eye(len(w), dtype=q.dtype)
    if (apart == 0).any():
        i, j = np.argwhere(apart == 0)[0]
        raise ValueError(f"W: expected distinct pairs (w, b), but neurons {i} and {j} coincide: the energy has no gradient there")
    with np.errstate(over="ignore", invalid="ignore"):
        K = (s if s > 0 else 1.0) * apart ** (-s / 2 - 1)
        np.fill_diagonal(K, 0)
        # differences first: K @ w − Σ K w would lose what a close pair has
        dW = -dE * np.sum(K[:, :, None] * (w[:, None] - flip[:, :, None] * w[None]), axis=1)
        db = -dE * np.sum(K * (b[:, None] - flip * b[None]), axis=1) / X**2
    if not (np.isfinite(dW).all() and np.isfinite(db).all()):
        raise OverflowError("s: expected an exponent for which the gradient is finite; take a smaller one")
    return dW, db


def squared_distances(w, b, X, sign):
    """|w_i + sign w_j|² + (b_i + sign b_j)²/X² of all pairs (m, m)."""
    dw, db = w[:, None] + sign * w[None], (b[:, None] + sign * b[None]) / X
    return np.sum(dw * dw, axis=2) + db * db


def repulsion_objective(unravel: Unravel, radius: Radius, s: float = 1.0, planes: bool = False) -> Objective:
    """theta -> (the energy of each hidden layer, summed; its Euclidean gradient), to be added: `total(loss, energy, weights=...)`.

    unravel, radius : as for `riemannian_descent`; radii > 0.  theta : in the reduced space.  s, planes : as above.
    """
    hidden = [(W, b, between("radius", X, 0, np.inf)) for W, b, _, X in hidden_layers(unravel, radius)]

    def energy(theta):
        theta = floats("theta", theta, (unravel.size,), smooth=True)
        value, gradient = 0.0, np.zeros_like(theta)
        for W, b, X in hidden:
            E, cache = repulsion_forward(theta[W], theta[b], X, s, planes)
            gradient[W], gradient[b] = repulsion_backward(1.0, cache)
            value += E
        return value, gradient

    return energy
