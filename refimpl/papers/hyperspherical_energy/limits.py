"""What is known of energies without computing any: random directions, lower bounds, exact minima, many neurons.

    paper          here     meaning
    N              n        number of neurons
    d + 1          d        their coordinates: the paper's sphere S^d is our sphere in R^d, so the paper's d is d − 1 below
    I_s(σ)                  energy of the uniform measure, the mean over two independent uniform directions
    ε_{s,d}(N)              smallest energy of N points, a sum over ordered pairs

Theorems, unless a docstring says *conjectured*. Quadrature is used for angles alone (`uniform_energy(angular=True)`); all else is a
closed form.
"""

from __future__ import annotations

from math import comb, gamma, lgamma, log, pi, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from refimpl.papers.hyperspherical_energy.configurations import CONFIGURATIONS, energy_from_distances, whole
from refimpl.papers.hyperspherical_energy.energy import energy_forward, exponent, kernel, neurons, pair_weight


def riesz(z: float, s: float) -> float:
    """f_s(z) = z^{-s}, or −log z for s = 0."""
    return -log(z) if s == 0 else z**-s


# ---- random directions
def uniform_energy(d: int, s: float = 1.0, angular: bool = False) -> float:
    """I_s(σ): mean of the kernel over two independent uniform directions in R^d.

        I_s = 2^{-s} [Γ(a − s/2) Γ(2a)] / [Γ(a) Γ(2a − s/2)],  a = (d−1)/2;    I_0 = −log 2 + ½[ψ(d−1) − ψ((d−1)/2)]

    Parameters
    ----------
    d : int
        Coordinates, ≥ 2.
    s : float
        Exponent ≥ 0.
    angular : bool
        The kernel of the angle in place of the distance: ∫ f_s(θ) sin^{d−2}θ dθ / ∫ sin^{d−2}θ dθ, by quadrature (relative error
        below 1e-11) but for d = 2, where it is elementary.

    Returns
    -------
    float : inf for s ≥ d − 1, where every measure has infinite energy.

    Notes
    -----
    The chord's closed form follows from (1 − t)/2 being Beta(a, a) distributed. For s < d − 1 the uniform measure is the only
    minimiser among all measures (Liu et al., their section on theory).
    """
    d, s = whole("d", d, 2), exponent(s)
    if s >= d - 1:
        return float("inf")
    if angular:
        return _uniform_angular(d, s)
    a = (d - 1) / 2
    if s == 0:
        from scipy.special import digamma

        return float(-log(2) + (digamma(2 * a) - digamma(a)) / 2)
    if s == 2:
        return (d - 2) / (2 * (d - 3))  # spares the digits that log Γ loses for large d
    return float(np.exp(lgamma(a - s / 2) - lgamma(a) + lgamma(2 * a) - lgamma(2 * a - s / 2) - s * log(2)))


def _uniform_angular(d, s):
    from scipy.integrate import quad

    if d == 2:
        return 1 - log(pi) if s == 0 else pi**-s / (1 - s)
    # v = θ^(d−1−s): the singularity of θ^{d−2−s} at 0 is gone, for sin θ/θ is smooth. Near d = s + 1 all weight lies at 0.
    p, log_c = d - 1 - s, lgamma(d / 2) - lgamma((d - 1) / 2) - log(pi) / 2

    def density(v):
        theta = v ** (1 / p)
        return np.exp(log_c + (d - 2) * np.log(np.sinc(theta / pi))) * (-np.log(theta) if s == 0 else 1) / p

    top = pi**p
    ends = [(pi / 2 + x / sqrt(d)) ** p for x in (-6, 6) if 0 < pi / 2 + x / sqrt(d) < pi]
    return sum(quad(density, a, b, epsabs=0, epsrel=1e-12, limit=200)[0] for a, b in zip([0, *ends], [*ends, top], strict=True))
