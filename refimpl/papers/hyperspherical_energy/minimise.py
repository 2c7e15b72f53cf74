"""Search for the smallest energy of n neurons: descent from many starts, returned beside the proven lower bound.

The energy of raw, unnormalised rows is what is minimised: it does not see their lengths, so the sphere needs no constraint, and
the gradient has no radial part. scipy's L-BFGS does the descent, Newton steps on the Hessian-vector product the last digits.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from refimpl.doors import whole
from refimpl.manifolds.sphere import project_forward
from refimpl.papers.hyperspherical_energy.blocked import energy_and_gradient
from refimpl.papers.hyperspherical_energy.configurations import caspar_klug, triangulation_number
from refimpl.papers.hyperspherical_energy.energy import (
    energy_forward,
    energy_hessian_vector,
    exponent,
    neurons,
    power_mean_backward,
    power_mean_forward,
)
from refimpl.papers.hyperspherical_energy.limits import lower_bound

STEEP = 8  # exponents above it descend on the power mean: in the sum, one near pair of a random start would drown the rest;
GENTLE = 1e-3  # those below it too, but for 0: the sum is n(n − 1)/2 and a small rest then


class Minimum(NamedTuple):
    """The lowest energy found, and how it was found. Energies count each pair once, as tables of the Thomson problem do."""

    points: np.ndarray  # (n, d) unit rows
    energy: float
    lower_bound: float  # proven: no points have less
    gradient_norm: float  # largest ‖∇_i E‖ at the points (angles: of the smallest subgradient, where points are antipodal)
    energies: np.ndarray  # where each start ended, the given and the Caspar-Klug start first; to 1e-9 relative
    restarts: int  # random starts among them
    success: bool  # the gradient is within its tolerance
    message: str

    @property
    def hits(self) -> int:
        """How many starts ended within 1e-8 (relative) of the lowest energy."""
        return int(np.sum(self.energies - self.energies.min() <= 1e-8 * abs(self.energy)))

    @property
    def gap(self) -> float:
        """Energy above the lower bound: 0 proves the minimum."""
        return self.energy - self.lower_bound


def minimise_energy(
    n: int,
    d: int,
    s: float = 1.0,
    rng: np.random.Generator | None = None,
    restarts: int = 20,
    *,
    half_space: bool = False,
    angular: bool = False,
    start: ArrayLike | None = None,
    gtol: float = 1e-9,
) -> Minimum:
    """Directions of n neurons in d dimensions with the smallest energy that the search finds.

    Parameters
    ----------
    n, d : int
        Neurons ≥ 1, coordinates ≥ 2.
    s : float
        Exponent ≥ 0; 0 takes the logarithmic kernel, s = 1 with d = 3 is the Thomson problem.
    rng : numpy.random.Generator, optional
        Where the random starts come from; by default one seeded with 0, so that the same call finds the same points.
    restarts : int
        Random starts, ≥ 1; 0 is allowed where `start` is given.
    half_space, angular : bool
        As for :func:`energy_forward`.
    start : array_like, shape (n, d), optional
        One more start. Without it, d = 3 and n = 10(h² + hk + k²) + 2 in full space adds the Caspar-Klug points: close to the
        minimum for many n up to some hundreds, but for n = 42 descent from them ends in a strict local minimum, so random starts
        are made too.
    gtol : float
        The best of the starts is refined until ‖∇_i E‖ ≤ gtol · f for each neuron i of unit length, and further where that is
        cheap; f = sE/n, or (n−1)/2 for s = 0, is the scale of the forces on it by the virial theorem. `success` says whether gtol
        was reached.

    Returns
    -------
    Minimum

    Raises
    ------
    TypeError, ValueError
        If n < 1, d < 2, s is negative or not finite, rng is no generator, restarts < 1 without a start, gtol is not positive,
        or `start` is not such a matrix.
    OverflowError
        If the minimal energy itself exceeds the floating-point range (large n and s).

    Notes
    -----
    More than one start is needed: the number of local minima grows exponentially with n. For s = 1, d = 3 half of random starts or
    more end in the best known energy for the n up to 64 of the table here.
    """
    n, d, s = whole("n", n, 1), whole("d", d, 2), exponent(s)
    restarts = whole("restarts", restarts, 1 if start is None else 0)
    if not isinstance(gtol, (int, float)) or not gtol > 0:
        raise ValueError(f"gtol: expected a tolerance > 0, got {gtol!r}")
    if rng is not None and not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng: expected a numpy.random.Generator, got {type(rng).__name__}")
    variant: dict[str, Any] = {"half_space": bool(half_space), "angular": bool(angular)}
    starts = []
    if start is not None:
        if (given := neurons(start, smooth=False)).shape != (n, d):
            raise ValueError(f"start: expected shape ({n}, {d}), got {given.shape}")
        if energy_forward(given, 0.0, **variant)[0] == np.inf:
            opposite = ", and none opposite," if half_space else ","
            raise ValueError(f"start: expected rows of which no two point the same way{opposite} because their energy is infinite")
        starts.append(given.astype(np.float64))
    elif d == 3 and not half_space and (hk := triangulation_number(n)):  # with antipodes, which coincide in half space
        starts.append(caspar_klug(*hk))
    rng = np.random.default_rng(0) if rng is None else rng
    starts += [rng.normal(size=(n, d)) for _ in range(restarts)]

    ends = [descend(unit(W), s, variant, ftol=1e-13) for W in starts]
    energies = np.array([energy_and_gradient(U, s, reduction="sum_unordered", **variant)[0] for U in ends])
    points = refine(ends[int(np.argmin(energies))], s, variant, gtol)
    E, dW = energy_and_gradient(points, s, reduction="sum_unordered", **variant)
    norm = largest(least_subgradient(points, dW, s, variant))
    success = bool(norm <= gtol * force_scale(n, E, s))
    message = "converged" if success else f"gradient {norm:.1e} is above its tolerance"
    bound = lower_bound(n, d, s, half_space, angular)
    return Minimum(points, float(E), bound, norm, energies, restarts, success, message)


def unit(W):
    """The rows at length one."""
    return project_forward(W)[0]


def force_scale(n, E, s):
    """Mean of Σ_j K_ij (1 − t_ij) over the neurons i: (s E)/n by the virial theorem, (n−1)/2 for s = 0; E counts each pair once."""
    return s * abs(E) / n if s > 0 else (n - 1) / 2


def largest(dW):
    """max_i ‖∇_i‖."""
    return float(np.max(np.sqrt(np.sum(dW * dW, axis=1))))


def descend(U, s, variant, ftol=0.0):
    """L-BFGS on the raw rows from U, until the energy falls by less than ftol, relatively. Returns unit rows.

    Angular energies are lowest, often, with some points exactly antipodal, at the tip of a cone where descent only zigzags. Pairs
    that come near to that are joined, and the rest descends on; kept unless that ends higher.
    """
    U = lbfgs(U, *antipodes(U, variant, -np.inf), s, variant, ftol)
    owner, sign = antipodes(U, variant, -1 + 1e-4)
    if np.any(sign < 0):
        joined = lbfgs(U, owner, sign, s, variant, ftol)
        E, E_joined = (energy_and_gradient(X, s, **variant)[0] for X in (U, joined))
        U = joined if E_joined <= E + 1e-12 * abs(E) else U
    return U


def antipodes(U, variant, limit) -> tuple[np.ndarray, np.ndarray]:
    """owner (n,), sign (n, 1): U = sign · U[owner], where pairs of cosine at most `limit` are joined to û_j = −û_i. Angles only."""
    owner = np.arange(len(U))
    if variant["angular"] and not variant["half_space"]:
        i, j = np.nonzero(np.triu(U @ U.T <= limit))
        if len(set(i) | set(j)) == 2 * len(i):
            owner[j] = i
    return owner, np.where(owner == np.arange(len(U)), 1.0, -1.0)[:, None]


def gathered(dW, owner, sign):
    """Gradient for the rows Y of sign · Y[owner]."""
    dY = np.zeros_like(dW)
    np.add.at(dY, owner, sign * dW)
    return dY


def lbfgs(U, owner, sign, s, variant, ftol):
    """scipy's L-BFGS over rows Y with W = sign · Y[owner]."""
    from scipy.optimize import minimize

    def objective(theta):
        W = sign * theta.reshape(U.shape)[owner]
        if s > STEEP or 0 < s < GENTLE:
            E, cache = power_mean_forward(W, s, **variant)
            dW = power_mean_backward(1.0, cache)
        else:
            E, dW = energy_and_gradient(W, s, reduction="sum_unordered", **variant)
        return float(E), gathered(dW, owner, sign).ravel()

    if len(U) == 1:
        return U
    options = {"ftol": ftol, "gtol": 1e-12, "maxiter": 10000, "maxfun": 20000}
    Y = minimize(objective, U.ravel(), jac=True, method="L-BFGS-B", options=options).x.reshape(U.shape)
    return unit(sign * Y[owner])


def refine(U, s, variant, gtol):
    """The last digits: L-BFGS afresh from unit rows, then Newton steps, of which the one with the smallest gradient is returned.

    L-BFGS judges its steps by the energy, which stops changing when the gradient is still at 1e-7; Newton goes on from there, by a
    factor of two a step where the minimum is flat to fourth order (n = 7, s = 0).
    """
    U = best = descend(U, s, variant)
    owner, sign = antipodes(U, variant, -1 + 1e-15)
    least, misses = np.inf, 0
    for _ in range(40):
        E, dW = energy_and_gradient(U, s, reduction="sum_unordered", **variant)
        dY = gathered(dW, owner, sign)
        misses += 1
        if largest(dY) < least:
            best, least, misses = U, largest(dY), 0
        # a long step along a flat valley leaves its floor, and the next ones come back: that takes some (n = 7, s = 0: up to eight)
        if least <= 0.01 * gtol * force_scale(len(U), E, s) or misses == 8:
            break  # converged; or rounding is all that is left, or the energy has no second derivative here
        step = conjugate_gradients(lambda V, U=U: gathered(hessian(U, sign * V[owner], s, variant), owner, sign), -dY)
        U = unit(sign * (U + step)[owner])
    return best


def hessian(U, V, s, variant):
    """Derivative of the gradient along V."""
    return energy_hessian_vector(U, V, s, reduction="sum_unordered", **variant)


def least_subgradient(U, dW, s, variant):
    """dW, but for exactly antipodal pairs of an angular energy: there the smallest of the subgradients.

    f_s(θ) of such a pair has the subgradients (ξ, ξ), ‖ξ‖ ≤ c_s π^{-s-1}, and dW takes ξ = 0.
    """
    if not variant["angular"] or variant["half_space"]:
        return dW
    dW, radius = dW.copy(), (s if s > 0 else 1.0) * np.pi ** (-s - 1)
    for i, j in np.argwhere(np.triu(U @ U.T < -0.5)):
        if np.array_equal(U[j], -U[i]):
            xi = -(dW[i] + dW[j]) / 2
            xi *= min(1.0, radius / max(np.sqrt(xi @ xi), 1e-300))
            dW[[i, j]] += xi
    return dW


def conjugate_gradients(product, b, rtol=1e-4, steps=200):
    """x with product(x) ≈ b, for a symmetric product without negative eigenvalues in b's reach; stops where it meets one."""
    x, r = np.zeros_like(b), b
    p, rr = r, np.sum(r * r)
    target = rtol * rtol * rr
    for _ in range(steps):
        Ap = product(p)
        pAp = np.sum(p * Ap)
        if pAp <= 0 or rr <= target:
            break
        alpha = rr / pAp
        x, r = x + alpha * p, r - alpha * Ap
        rr, before = np.sum(r * r), rr
        p = r + rr / before * p
    return x
