"""The reduced space from free parameters: w = u/|u|, and b as it is or b = X tanh s. A pair, and what any optimiser can take.

    paper       here      shape    meaning
    u, s, c     phi       (p,)     free parameters: u in the places of w, s (or b) in those of b
    w, b, c     theta     (p,)     the reduced parameters that they stand for
    J           objective          theta -> (value, gradient)

    dJ/du = (G_w − (w·G_w) w)/|u|,   dJ/ds = X G_b/cosh²s

u·dJ/du = 0. Hence plain descent obeys |u − t dJ/du|² = |u|² + t² |dJ/du|²: the norm of u only grows, and a step turns w by
atan(t |g|/|u|²), where g = G_w − (w·G_w) w.

Reading order: the pair, its inverse, the objective, bounds for those who keep b in a box.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from refimpl.doors import floats
from refimpl.manifolds import sphere
from refimpl.papers.reduced_space.training.layout import Radius, hidden_layers, lengths, one_of
from refimpl.papers.reduced_space.training.thresholds import squash, unsquash
from refimpl.params import Objective, Unravel

PARAMETRISATIONS, THRESHOLDS = ("directions", "unit"), ("clip", "tanh")


def reparametrise_forward(
    phi: ArrayLike,
    unravel: Unravel,
    parametrisation: str = "directions",
    thresholds: str = "clip",
    radius: Radius | None = None,
) -> tuple[np.ndarray, tuple]:
    """theta from phi: w = u/|u| in every hidden layer, b = X tanh s.

    Parameters
    ----------
    phi : array_like, shape (p,)
    unravel : Unravel
        From :func:`refimpl.params.ravel` of the network's parameters, (Dense, (), ..., Dense) or Shallow.
    parametrisation : "directions", or "unit": weights are taken as they are, and kept on the sphere by whoever moves them
    thresholds : "clip", b is taken as it is, and kept inside by whoever moves it (box_bounds, keep_thresholds); or "tanh"
    radius : as for `riemannian_descent`; "tanh" needs one

    Returns
    -------
    theta : ndarray, shape (p,)
    cache : tuple of the neurons' places, w, |u| (m, 1) and db/ds (m,), layer by layer

    Raises
    ------
    TypeError, ValueError
        If an argument is not as above, or a row u is zero.
    """
    one_of("parametrisation", parametrisation, PARAMETRISATIONS)
    hidden = layers_with_walls(unravel, thresholds, radius)
    phi = floats("phi", phi, (unravel.size,), smooth=True)
    theta, cache = phi.copy(), []
    for W, b, _, X in hidden:
        norm, slope = None, None
        if parametrisation == "directions":
            theta[W], norm = lengths(phi, W, unravel, "phi")
        if thresholds == "tanh":
            theta[b], slope = squash(phi[b], X)
        cache.append((W, b, theta[W], norm, slope))
    return theta, tuple(cache)


def reparametrise_backward(dtheta, cache):
    """dJ/du = (I − wwᵀ) G_w/|u|, dJ/ds = db/ds G_b, all else as it is.  dtheta (p,) -> dphi (p,)."""
    dphi = np.array(dtheta)
    for W, b, w, norm, slope in cache:
        if norm is not None:
            dphi[W] = sphere.project_backward(dphi[W], (w, norm))
        if slope is not None:
            dphi[b] = slope * dphi[b]
    return dphi


def free_parameters(theta: ArrayLike, unravel: Unravel, thresholds: str = "clip", radius: Radius | None = None) -> np.ndarray:
    """phi with u = w, which stands for theta: where to start.  "tanh" needs |b| < X; ValueError otherwise."""
    hidden = layers_with_walls(unravel, thresholds, radius)
    phi = floats("theta", theta, (unravel.size,), smooth=True).copy()
    if thresholds == "tanh":
        for _, b, _, X in hidden:
            phi[b] = unsquash(phi[b], X)
    return phi


def reduced_objective(
    objective: Objective,
    unravel: Unravel,
    parametrisation: str = "directions",
    thresholds: str = "clip",
    radius: Radius | None = None,
) -> Objective:
    """phi -> (J(theta(phi)), its gradient in phi): for any optimiser, and for scipy's L-BFGS-B with :func:`box_bounds`.

        minimize(reduced_objective(J, unravel), phi, jac=True, bounds=box_bounds(unravel, radius), method="L-BFGS-B")

    In one dimension w = u/|u| is a sign, its gradient is 0, and signs stay as they are.

    Parameters
    ----------
    objective : theta (p,) -> (value, gradient (p,))
    unravel, parametrisation, thresholds, radius : as for :func:`reparametrise_forward`, with its errors, raised at once where they
        do not depend on phi
    """
    if not callable(objective):
        raise TypeError(f"objective: expected theta -> (value, gradient), got {type(objective).__name__}")
    one_of("parametrisation", parametrisation, PARAMETRISATIONS)
    layers_with_walls(unravel, thresholds, radius)

    def reduced(phi):
        theta, cache = reparametrise_forward(phi, unravel, parametrisation, thresholds, radius)
        value, gradient = objective(theta)
        return value, reparametrise_backward(gradient, cache)

    return reduced


def box_bounds(unravel: Unravel, radius: Radius) -> list[tuple[float | None, float | None]]:
    """(low, high) for every entry of theta: (−X, X) for thresholds of hidden layers, (None, None) for all else."""
    bounds: list[tuple[float | None, float | None]] = [(None, None)] * unravel.size
    for _, b, _, X in hidden_layers(unravel, radius):
        for i in b:
            bounds[i] = (None, None) if X is None else (-X, X)
    return bounds


def layers_with_walls(unravel, thresholds, radius):
    """The hidden layers, with a bound each if thresholds are to be squashed."""
    if one_of("thresholds", thresholds, THRESHOLDS) == "tanh" and radius is None:
        raise ValueError('radius: expected finite numbers > 0 for thresholds="tanh", got None')
    return hidden_layers(unravel, radius)
