"""Variable projection: outgoing weights are never trained, they are solved for.

    J(w, b) = min over c, c_0 of  (1/n) Σ_i (c_0 + Σ_j c_j (w_j·x_i + b_j)⁺ − y_i)² + ridge (|c|² + c_0²)

For fixed neurons this is a linear least squares problem. By the envelope theorem dJ/d(w, b) is the partial derivative at the c that
solves it: c moves too, but J does not feel it, its derivative in c being 0.

    paper      here      shape        meaning
    (w, b)     phi       (N d + N,)   free directions u, w = u/|u|, and thresholds; `ravel(Dense(U, b))`
    c, c_0     c         (N + 1,)     outgoing weights, and last the output bias
               A         (n, N + 1)   outputs of the neurons, and a column of ones
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from refimpl.doors import finite, floats, whole
from refimpl.manifolds import sphere
from refimpl.nn.activations import relu_backward, relu_forward
from refimpl.nn.dense import Dense, dense_forward, dense_params_backward
from refimpl.optim.first_order import between
from refimpl.papers.reduced_space.training.layout import lengths
from refimpl.params import Objective, ravel


class Projected(NamedTuple):
    """The objective over (w, b) alone, and the network that belongs to a point.

    objective : phi -> (J, gradient), phi = ravel(Dense(u, b)), of any lengths |u|
    network : phi -> (Dense(w (N, d), b (N,)), (), Dense(c (1, N), c_0 (1,))), with unit rows and the best outgoing weights
    bounds : (low, high) of each entry of phi, for L-BFGS-B
    """

    objective: Objective
    network: Callable[[np.ndarray], tuple]
    bounds: list[tuple[float | None, float | None]]


def variable_projection(X: ArrayLike, y: ArrayLike, radius: float, N: int, ridge: float = 1e-8) -> Projected:
    """The objective in which the outgoing weights are always the best ones.

        best = variable_projection(X, y, radius, N)
        minimize(best.objective, phi, jac=True, bounds=best.bounds, method="L-BFGS-B")

    Parameters
    ----------
    X : array_like, shape (n, d)
    y : array_like, shape (n,) or (n, 1)
    radius : finite number >= 0
        |b_j| <= radius in bounds.
    N : int >= 1
        Neurons.
    ridge : finite number > 0
        In units of y² per unit of c². It makes c unique where neurons coincide or no sample reaches them.

    Returns
    -------
    Projected
        In one dimension u/|u| is a sign whose gradient is 0, and signs stay as they are.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as above; from objective and network, if phi has not N(d + 1) finite entries, or a row u is zero.
    """
    x, N = finite("X", floats("X", X, (None, None)).astype(float, copy=False)), whole("N", N, 1)
    n, d = x.shape
    if n < 1 or d < 1:
        raise ValueError(f"X: expected at least one sample and one input, got shape {x.shape}")
    labels = finite("y", floats("y", y).astype(float, copy=False))
    if labels.shape not in ((n,), (n, 1)):
        raise ValueError(f"y: expected shape ({n},) or ({n}, 1), one label for each row of X, got {labels.shape}")
    bound, ridge = between("radius", radius, 0, np.inf, closed=True), between("ridge", ridge, 0, np.inf)
    _, unravel = ravel(Dense(np.zeros((N, d)), np.zeros(N)), "phi")
    places = unravel(np.arange(unravel.size)).W
    target = np.concatenate([labels.ravel(), np.zeros(N + 1)])
    # stacked under A rather than in the normal equations, which would square a condition number of up to 1/√ridge = 1e4
    below = np.sqrt(n * ridge) * np.eye(N + 1)

    def solved(phi):
        phi = finite("phi", floats("phi", phi, (unravel.size,)).astype(float, copy=False))
        w, norm = lengths(phi, places, unravel, "phi")
        neurons = Dense(w, unravel(phi).b)
        z, dense = dense_forward(neurons, x)
        outputs, active = relu_forward(z)
        A = np.hstack([outputs, np.ones((n, 1))])
        c = np.linalg.lstsq(np.vstack([A, below]), target, rcond=None)[0]
        return neurons, c, A @ c - target[:n], (w, norm), dense, active

    def objective(phi):
        _, c, r, direction, dense, active = solved(phi)
        dz = relu_backward(np.outer(2 / n * r, c[:N]), active)
        dW, db = dense_params_backward(dz, dense)
        value = (r @ r / n + ridge * (c @ c)).item()
        return value, np.concatenate([sphere.project_backward(dW, direction).ravel(), db])

    def network(phi):
        neurons, c, *_ = solved(phi)
        return neurons, (), Dense(c[None, :N], c[N:])

    return Projected(objective, network, [(None, None)] * (N * d) + [(-bound, bound)] * N)
