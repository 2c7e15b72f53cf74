"""Where an ergodic Born-Infeld motion spends its time: the microcanonical measure, its basins, and bounces.

Derived here: integrating δ(H − E) over the momenta leaves, on 0 < V < E, a density in θ. It depends on the clock: states taken at
equal intervals of another time weigh regions by how much of that time passes in them.

    uniform in             clock   density in θ, up to a constant     p² = E²/V − V = (E − V)(E + V)/V
    physical time          t       (E/V) pⁿ⁻²
    time of K_c            s       (c + p²) pⁿ⁻²                      dt/ds = E²/(cV + E² − V²)
    time of K              tau     pⁿ⁻²                               dt/dτ = E/V
    length of the path     length  pⁿ⁻¹

    symbol    here     meaning
    n         n        number of coordinates
    V         V        potential, loss less offset
    E         E        conserved energy, in units of V
    R         ratio    Λ/V₀: height of a basin's rim above its floor, over the floor's height V₀ above V = 0
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from refimpl.doors import floats, whole
from refimpl.optim.first_order import between

CLOCKS = ("t", "s", "tau", "length")


def log_density(V: ArrayLike, E: float, n: int, uniform_in: str = "t", c: float | None = None) -> Any:
    """Logarithm of the density in θ, up to a constant.

    Parameters
    ----------
    V : array_like, any shape
        Potential at the points.
    E : float > 0
    n : int >= 1
        Coordinates, or the dimension of the manifold.
    uniform_in : "t", "s", "tau" or "length"
        The clock, see above: "s" for the states after each step of a fixed-step scheme on K_c.
    c : float > 0, optional
        The constant of K_c, in units of V; E by default. Counts for "s" alone.

    Returns
    -------
    array of the shape of V; −inf where V is not in (0, E), NaN where it is NaN

    Raises
    ------
    TypeError, ValueError
        If an argument is not as above.

    Notes
    -----
    For n = 2, in t, the density is 1/V. For n = 1 it is 1/speed and diverges, integrably, as V → E; for n ≥ 3 it vanishes there.
    Where V ≪ E it is V^{−n/2} for t and s: the more coordinates, the more weight on what is deep.
    """
    V, E, n = floats("V", V).astype(float), between("E", E, 0, np.inf), whole("n", n, 1)
    c = E if c is None else between("c", c, 0, np.inf)
    if uniform_in not in CLOCKS:
        raise ValueError(f"uniform_in: expected one of {', '.join(CLOCKS)}, got {uniform_in!r}")
    inside = (V > 0) & (V < E)
    v = np.where(inside, V, E / 2)
    log_p = (np.log(E - v) + np.log(E + v) - np.log(v)) / 2  # factored: E²/V − V would cancel as V → E
    log_s = np.log(c * v + (E - v) * (E + v)) - np.log(v)  # of c + p²
    log_clock = {"t": np.log(E) - np.log(v), "s": log_s, "tau": 0.0, "length": log_p}[uniform_in]
    return np.where(inside, log_clock + (n - 2) * log_p, np.where(np.isnan(V), np.nan, -np.inf))[()]


# ---- basins
def basin_integral(n: int, ratio: float) -> float:
    """Volume of a quadratic basin, but for factors that do not depend on its depth.

        I_n(R) = ∫_0^{√R} xⁿ⁻¹ (1 + x²)^{−n/2} dx = ½ ∫_{−∞}^{log R} (1 + e^{−y})^{−n/2} dy

    Where V = V₀ + ½ Σ m_k²θ_k² ≪ E, the region V − V₀ ≤ Λ has a volume proportional to (Π 1/m_k) I_n(Λ/V₀), in physical time.

    Parameters
    ----------
    n : int >= 1
    ratio : float > 0
        R = Λ/V₀.

    Returns
    -------
    float : by quadrature in y = log x², relative error below 1e-10

    Raises
    ------
    TypeError, ValueError
        If an argument is not as above.
    """
    from scipy.integrate import quad

    n, top = whole("n", n, 1), np.log(between("ratio", ratio, 0, np.inf))
    knee = min(top, np.log(n / 2))  # the integrand rises to 1/e about here, and is 1 to rounding 40 further on
    width = 2 / n * (1 + np.exp(knee))  # over which it decays below

    def log_integrand(y):
        return -n / 2 * np.logaddexp(0, -y)

    peak = log_integrand(knee)
    below = quad(lambda z: np.exp(log_integrand(knee - width * z) - peak), 0, np.inf, epsabs=0, epsrel=1e-12, limit=200)[0]
    above = quad(lambda y: np.exp(log_integrand(y)), knee, min(top, knee + 40), epsabs=0, epsrel=1e-12, limit=200)[0]
    return float((width * below * np.exp(peak) + above + max(0.0, top - knee - 40)) / 2)


def basin_integral_asymptotic(n: int, ratio: float) -> float:
    """I_n(R) ≈ ½ [log(1 + R) − ψ(n/2) − γ] as R → ∞, ψ the digamma function, γ Euler's constant; exact for n = 2.

    A basin dominates by its depth only once log R exceeds some log(n/2). n int >= 1, ratio R > 0; TypeError or ValueError
    otherwise.
    """
    from scipy.special import digamma

    n, R = whole("n", n, 1), between("ratio", ratio, 0, np.inf)
    return float((np.log1p(R) - digamma(n / 2) - np.euler_gamma) / 2)


def basin_ratio(hessian1: ArrayLike, hessian2: ArrayLike) -> float:
    """Volume of basin 1 over that of basin 2, of equal depth:  √(det H₂/det H₁). The flatter basin has the larger share.

    Each Hessian at its minimum, symmetric and positive definite, shape (n, n); TypeError or ValueError otherwise.
    """
    H1 = floats("hessian1", hessian1, (None, None)).astype(float)
    H2 = floats("hessian2", hessian2, H1.shape).astype(float)
    return float(np.exp(half_log_det("hessian2", H2) - half_log_det("hessian1", H1)))


def half_log_det(name, H):
    """½ log det H, by Cholesky."""
    if H.shape[0] != H.shape[1] or not np.isfinite(H).all() or np.abs(H - H.T).max(initial=0) > 1e-8 * np.abs(H).max(initial=0):
        raise ValueError(f"{name}: expected a finite symmetric square matrix, got one of shape {H.shape} that is not")
    try:
        return np.sum(np.log(np.diag(np.linalg.cholesky(H))))
    except np.linalg.LinAlgError:
        raise ValueError(f"{name}: expected a positive definite matrix, got one that is not") from None


# ---- bounces
def isotropic_moment(n: int) -> float:
    """E Σ u_i⁴ = 3/(n + 2) for u uniform on the unit sphere in n dimensions: how an isotropic bounce is told from any other."""
    return 3 / (whole("n", n, 1) + 2)


def cube_moment(n: int) -> float:
    """E Σ u_i⁴ for u = z/|z|, z uniform in a cube about 0: the released bounces, which lean towards the cube's corners.

        n ∫_0^∞ s E[z⁴e^{−sz²}] E[e^{−sz²}]ⁿ⁻¹ ds,  z uniform in [−1, 1],  by 1/q² = ∫ s e^{−sq} ds

    By quadrature, relative error below 1e-8. n int >= 1; TypeError or ValueError otherwise.
    """
    from scipy.integrate import quad
    from scipy.special import erf, gamma, gammainc

    n = whole("n", n, 1)

    def integrand(y):  # s = e^y, and one more s from ds
        s = np.exp(y)
        return s * s * gamma(2.5) * gammainc(2.5, s) / (2 * s**2.5) * (erf(np.sqrt(s)) * np.sqrt(np.pi / s) / 2) ** (n - 1)

    return float(n * quad(integrand, -60, 80, points=[0], epsabs=0, epsrel=1e-10, limit=500)[0])
