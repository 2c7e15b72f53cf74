"""Born-Infeld motions in closed form: what an integrator is measured against.

All of them are derived here from H = √(V(V + |π|²)); the paper states none of them.

    potential             motion                                                  function
    ½m²θ², one dim.       θ = A √sech X, an exponential fall that never arrives   sech_motion
    ½m²|θ|², any dim.     a spiral, in the end logarithmic, turning uniformly     spiral
    V₀ + ½m²θ², one dim.  periodic, by Jacobi's elliptic functions                elliptic, elliptic_period
    gy, where V ≪ E       cycloids with their cusps on the wall V = 0             cycloid

    symbol    here     meaning
    t         t        physical time, of dθ/dt = (V/E) π
    m         m        √ of the curvature of V, in 1/time
    E         E        conserved energy, in units of V
    X                  √2 m t + X₀; the exponent of the fall
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from refimpl.doors import finite, floats
from refimpl.optim.first_order import between
from refimpl.papers.born_infeld.hamiltonian import number


def sech_motion(t: ArrayLike, m: float, theta0: float, extra: float = 0.0, uphill: bool = False) -> tuple[Any, Any, Any]:
    """Motion in V = ½m²θ² in one dimension.

        θ = A √sech X,   π = −(mA/√2) √cosh X tanh X,   V = E sech X,   X = √2 m t ± arcosh(E/V₀),   A = sign(θ₀) √(2E)/m

    Parameters
    ----------
    t : array_like, any shape
        Times, of either sign.
    m : float > 0
    theta0 : float, not 0
        Position at t = 0.
    extra : float >= 0
        E − V₀, V₀ = ½m²θ₀²: the energy beyond a start at rest.
    uphill : bool
        Start away from the minimum (the lower sign); towards it by default.

    Returns
    -------
    theta, pi, V : each of the shape of t

    Raises
    ------
    TypeError, ValueError
        If an argument is not as above.

    Notes
    -----
    A is the turning point; it is θ₀ only for extra = 0. Late, θ ≈ √2 A e^{−X/2} and |π| grows as e^{X/2}: exponentials of |X| keep
    both accurate, relative error a few ulps times 1 + |X|. π is infinite beyond X = 1420, where V is 0 in floating point.
    """
    t, m, extra = times(t), between("m", m, 0, np.inf), between("extra", extra, 0, np.inf, closed=True)
    theta0 = number("theta0", theta0)
    V0 = 0.5 * (m * theta0) ** 2
    if V0 == 0:
        raise ValueError(f"theta0: expected a start off the minimum, with ½m²θ₀² > 0, got {theta0}")
    x = extra / V0
    X0 = np.log1p(x + np.sqrt(x * (x + 2)))  # arcosh(1 + x), to full accuracy for small x
    X = np.sqrt(2) * m * t + (-X0 if uphill else X0)
    A, root = theta0 * np.sqrt(1 + x), root_sech(X)
    with np.errstate(over="ignore"):
        root_cosh = np.exp(np.abs(X) / 2) * np.sqrt((1 + np.exp(-2 * np.abs(X))) / 2)
        return A * root, -(m * A / np.sqrt(2)) * root_cosh * np.tanh(X), (V0 + extra) * sech(X)


def spiral(t: ArrayLike, m: float, theta0: ArrayLike, pi0: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Motion in V = ½m²|θ|² in n dimensions: in the plane of θ₀ and π₀, turning at a constant rate.

        V = E_r sech(√2 m (E_r/E) t + X₀),   φ = (m²l/2E) t,   E_r = √(E² − ½m²l²),   sinh X₀ = −π_r/√V₀

    l = |θ ∧ π| is the conserved angular momentum, φ counted from θ₀ towards π₀, π_r the radial part of π₀; E from θ₀, π₀.

    Parameters
    ----------
    t : array_like, shape (k,), or a number
    m : float > 0
    theta0 : array_like, shape (n,), n >= 1, not 0
    pi0 : array_like, shape (n,); 0, or along theta0, for a straight fall

    Returns
    -------
    theta : ndarray, shape (k, n), or (n,) where t is a number
    V : ndarray, shape (k,), or a number

    Raises
    ------
    TypeError, ValueError
        If an argument is not as above.

    Notes
    -----
    Late, a logarithmic spiral: with sin ψ = ml/(√2 E), ln |θ| falls at the rate (m/√2) cos ψ and φ grows at (m/√2) sin ψ.
    """
    t, m = times(t), between("m", m, 0, np.inf)
    theta0 = finite("theta0", floats("theta0", theta0, ("n",)).astype(float))
    pi0 = finite("pi0", floats("pi0", pi0, theta0.shape).astype(float))
    r0 = np.sqrt(theta0 @ theta0)
    V0 = 0.5 * (m * r0) ** 2
    if V0 == 0:
        raise ValueError(f"theta0: expected a start off the minimum, with ½m²|θ₀|² > 0, got {theta0}")
    e = theta0 / r0
    radial = e @ pi0
    across = pi0 - radial * e
    across = across - (across @ e) * e  # twice: the first leaves a part of order eps |π₀|
    p = np.sqrt(across @ across)  # l = r₀ p, and V₀ = ½m²r₀² turns E² − ½m²l² into a sum without cancellation
    E, E_r = np.sqrt(V0 * (V0 + radial**2 + p**2)), np.sqrt(V0 * (V0 + radial**2))
    root = np.sqrt(E_r) * root_sech(np.sqrt(2) * m * (E_r / E) * t - np.arcsinh(radial / np.sqrt(V0)))  # √V
    phi = m * m * r0 * p / (2 * E) * t
    plane = np.cos(phi)[..., None] * e + np.sin(phi)[..., None] * (across / p if p > 0 else across)
    return (np.sqrt(2) * root / m)[..., None] * plane, root * root


def elliptic_period(m: float, V0: float, E: float) -> float:
    """Period of the motion in V = V₀ + ½m²θ²:  T = (4√2/m) √(E/(E + V₀)) K(k),  k² = (E − V₀)/(E + V₀).

    K is the complete elliptic integral of modulus k, evaluated at 1 − k² = 2V₀/(E + V₀), so that small V₀ costs no digits. E → V₀
    gives Newton's 2π/m, V₀ → 0 gives (2√2/m) log(8E/V₀). m > 0, 0 < V0 < E; TypeError or ValueError otherwise.
    """
    from scipy.special import ellipkm1

    m, V0, E = shifted(m, V0, E)
    return float(4 * np.sqrt(2) / m * np.sqrt(E / (E + V0)) * ellipkm1(2 * V0 / (E + V0)))


def elliptic(t: ArrayLike, m: float, V0: float, E: float) -> tuple[Any, Any, Any]:
    """Motion in V = V₀ + ½m²θ² in one dimension, from the minimum at t = 0 with π > 0.

        θ = (1/m) √(2V₀(E − V₀)/D) sn u,   π = √(E(E² − V₀²)/(V₀D)) cn u dn u,   V = E V₀/D,   D = E cn²u + V₀ sn²u,
        u = (m/√2) √((E + V₀)/E) t,   modulus k, k² = (E − V₀)/(E + V₀)

    Parameters
    ----------
    t : array_like, any shape
    m : float > 0
    V0 : float > 0
        Least value of V: the offset falls short of the least loss by so much.
    E : float > V0

    Returns
    -------
    theta, pi, V : each of the shape of t

    Raises
    ------
    TypeError, ValueError
        If an argument is not as above.

    Notes
    -----
    Relative error below 1e-12 for V₀ > 1e-9 E. Below that up to 1e-8: SciPy's functions take k², which rounds to 1.
    """
    time, (m, V0, E) = times(t), shifted(m, V0, E)
    half = elliptic_period(m, V0, E) / 2  # sn and cn change sign after it
    turns = np.round(time / half)
    sn, cn, dn = jacobi(m / np.sqrt(2) * np.sqrt((E + V0) / E) * (time - half * turns), (E - V0) / (E + V0), 2 * V0 / (E + V0))
    D = E * cn * cn + V0 * sn * sn
    sign = 1 - 2 * (turns % 2)
    theta = sign * sn * np.sqrt(2 * (E - V0) * (V0 / D)) / m
    return theta, sign * cn * dn * np.sqrt((E - V0) * (E + V0) / V0) * np.sqrt(E / D), E * V0 / D


def cycloid(phi: ArrayLike, radius: float, slope: float) -> tuple[Any, Any, Any]:
    """Motion above the straight wall V = g y = 0 in the limit V ≪ E, from its highest point, along x.

        x = R (φ + sin φ),   y = R (1 + cos φ),   t = φ √(2R/g)

    Parameters
    ----------
    phi : array_like, any shape
        Angle in rad; at odd multiples of π the curve has a cusp on the wall, where π is infinite and the motion turns round.
    radius : float > 0
        R, half the height of the start.
    slope : float > 0
        g = |∇V|.

    Returns
    -------
    t, x, y : each of the shape of phi

    Raises
    ------
    TypeError, ValueError
        If an argument is not as above.
    """
    phi, R = finite("phi", floats("phi", phi).astype(float)), between("radius", radius, 0, np.inf)
    g = between("slope", slope, 0, np.inf)
    return phi * np.sqrt(2 * R / g), R * (phi + np.sin(phi)), 2 * R * np.cos(phi / 2) ** 2


# ---- within
def jacobi(u, k2, one_minus_k2):
    """sn, cn, dn at |u| ≤ K(k). Beyond K/2 from K − |u|, for there cn is small, of the order of k' = √(1 − k²)."""
    from scipy.special import ellipj, ellipkm1

    far = 2 * np.abs(u) > ellipkm1(one_minus_k2)
    s, c, _, _ = ellipj(np.where(far, ellipkm1(one_minus_k2) - np.abs(u), np.abs(u)), k2)  # takes k², not k
    d, k = np.sqrt(c * c + one_minus_k2 * s * s), np.sqrt(one_minus_k2)
    return np.sign(u) * np.where(far, c / d, s), np.where(far, k * s / d, c), np.where(far, k / d, d)


def root_sech(X):
    """√sech X, from the exponential of half of X: that of X is 0 long before."""
    half = np.exp(-np.abs(X) / 2)
    return half * np.sqrt(2 / (1 + half**4))


def sech(X):
    """1/cosh X, without overflow."""
    e = np.exp(-np.abs(X))
    return 2 * e / (1 + e * e)


def times(t):
    """t as a float64 array of finite numbers."""
    return finite("t", floats("t", t).astype(float))


def shifted(m, V0, E):
    """m, V₀, E as floats with m > 0 and 0 < V₀ < E."""
    m, V0, E = between("m", m, 0, np.inf), between("V0", V0, 0, np.inf), number("E", E)
    if not E > V0:
        raise ValueError(f"E: expected a number > V0 = {V0}, got {E}")
    return m, V0, E
