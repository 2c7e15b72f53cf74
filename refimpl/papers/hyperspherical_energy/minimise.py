"""Search for the smallest energy of n neurons: descent from many starts, returned beside the proven lower bound.

The energy of raw, unnormalised rows is what is minimised: it does not see their lengths, so the sphere needs no constraint, and the
gradient has no radial part. scipy's L-BFGS does the descent, hand-written Newton steps on the Hessian-vector product the last digits.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from refimpl.manifolds.sphere import project_forward
from refimpl.papers.hyperspherical_energy.blocked import energy_and_gradient
from refimpl.papers.hyperspherical_energy.configurations import caspar_klug, triangulation_number, whole
from refimpl.papers.hyperspherical_energy.energy import energy_hessian_vector, exponent, neurons, power_mean_backward, power_mean_forward
from refimpl.papers.hyperspherical_energy.limits import lower_bound

STEEP = 8  # exponents above it descend on the power mean, whose scale is a distance: q^{-s/2} of a random start would drown the rest


class Minimum(NamedTuple):
    """The lowest energy found, and how it was found. Energies count each pair once, as tables of the Thomson problem do."""

    points: np.ndarray  # (n, d) unit rows
    energy: float
    lower_bound: float  # proven: no points have less
    gradient_norm: float  # largest ‖∇_i E‖ at the points
    energies: np.ndarray  # where each start ended, the given and the Caspar-Klug start first; to 1e-9 relative
    restarts: int  # random starts among them
    success: bool  # the gradient is within its tolerance
    message: str

    @property
    def hits(self) -> int:
        """How many starts ended within 1e-8 (relative) of the lowest energy."""
        return int(np.sum(self.energies - self.energies.min() <= 1e-8 * max(1.0, abs(self.energy))))

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
        One more start. Without it, d = 3 and n = 10(h² + hk + k²) + 2 adds the Caspar-Klug points: close to the minimum for many n up
        to some hundreds, but for n = 42 descent from them ends in a strict local minimum, so random starts are always made too.
    gtol : float
        The best of the starts is refined until ‖∇_i E‖ ≤ gtol · max(1, |E|/n) for each neuron i of unit length; `success` says whether
        that was reached. Steep energies, and angular ones with antipodal points (a cone, no gradient), may end above it.

    Returns
    -------
    Minimum

    Raises
    ------
    TypeError, ValueError
        If n < 1, d < 2, s is negative or not finite, restarts < 1 without a start, gtol is not positive, or `start` is no such matrix.
    OverflowError
        If the minimal energy itself exceeds the floating-point range (large n and s).

    Notes
    -----
    More than one start is needed: the number of local minima grows exponentially with n. For s = 1, d = 3 half of random starts or
    more end in the best known energy for the n up to 64 of the table here.
    """
    n, d, s = whole("n", n, 1), whole("d", d, 2), exponent(s)
    restarts = whole("restarts", restarts, 1 if start is None else 0)
    if not gtol > 0:
        raise ValueError(f"gtol: expected a tolerance > 0, got {gtol}")
    variant = {"half_space": bool(half_space), "angular": bool(angular)}
    starts = []
    if start is not None:
        if (given := neurons(start, smooth=False)).shape != (n, d):
            raise ValueError(f"start: expected shape ({n}, {d}), got {given.shape}")
        starts.append(given.astype(np.float64))
    elif d == 3 and (hk := triangulation_number(n)):
        starts.append(caspar_klug(*hk))
    rng = np.random.default_rng(0) if rng is None else rng
    starts += [rng.normal(size=(n, d)) for _ in range(restarts)]

    ends = [descend(unit(W), s, variant, ftol=1e-13) for W in starts]
    energies = np.array([energy_and_gradient(U, s, reduction="sum_unordered", **variant)[0] for U in ends])
    points = refine(ends[int(np.argmin(energies))], s, variant, gtol)
    E, dW = energy_and_gradient(points, s, reduction="sum_unordered", **variant)
    norm = largest(dW)
    success = norm <= gtol * max(1.0, abs(E) / n)
    message = "converged" if success else f"gradient {norm:.1e} is above its tolerance"
    if angular and not success:
        message += "; angular energies have cones in place of gradients at antipodal points"
    bound = lower_bound(n, d, s, half_space, angular)
    return Minimum(points, float(E), bound, norm, energies, restarts, success, message)


def unit(W):
    """The rows at length one."""
    return project_forward(W)[0]


def largest(dW):
    """max_i ‖∇_i‖."""
    return float(np.max(np.sqrt(np.sum(dW * dW, axis=1))))


def descend(U, s, variant, ftol=0.0):
    """L-BFGS (memory 20) on the raw rows from U, until the energy falls by less than ftol, relatively. Returns unit rows."""
    from scipy.optimize import minimize

    def objective(theta):
        W = theta.reshape(U.shape)
        if s > STEEP:
            E, cache = power_mean_forward(W, s, **variant)
            return float(E), power_mean_backward(1.0, cache).ravel()
        E, dW = energy_and_gradient(W, s, reduction="sum_unordered", **variant)
        return float(E), dW.ravel()

    if len(U) == 1:
        return U
    options = {"maxcor": 20, "ftol": ftol, "gtol": 1e-12, "maxiter": 10000, "maxfun": 20000}
    return unit(minimize(objective, U.ravel(), jac=True, method="L-BFGS-B", options=options).x.reshape(U.shape))


def refine(U, s, variant, gtol):
    """The last digits: L-BFGS afresh from unit rows, then Newton steps while they lower the gradient.

    L-BFGS judges its steps by the energy, which stops changing when the gradient is still at 1e-7; Newton goes on from there.
    """
    U = descend(U, s, variant)
    E, dW = energy_and_gradient(U, s, reduction="sum_unordered", **variant)
    for _ in range(10):
        if largest(dW) <= 0.01 * gtol * max(1.0, abs(E) / len(U)):
            break
        step = conjugate_gradients(lambda V, U=U: energy_hessian_vector(U, V, s, reduction="sum_unordered", **variant), -dW)
        trial = unit(U + step)
        E_trial, dW_trial = energy_and_gradient(trial, s, reduction="sum_unordered", **variant)
        if not largest(dW_trial) < largest(dW):  # rounding is all that is left, or the energy has no second derivative here
            break
        U, E, dW = trial, E_trial, dW_trial
    return U


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
