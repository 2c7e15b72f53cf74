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

from collections.abc import Callable
from math import comb, factorial, gamma, lgamma, log, pi, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from refimpl.doors import whole
from refimpl.manifolds.sphere import project_forward
from refimpl.papers.hyperspherical_energy.configurations import CONFIGURATIONS
from refimpl.papers.hyperspherical_energy.energy import (
    checked_energy,
    coincident,
    exponent,
    kernel,
    neurons,
    pair_weight,
    squared_chords,
)


def riesz(z: float, s: float) -> float:
    """f_s(z) = z^{-s}, or −log z for s = 0."""
    try:
        return -log(z) if s == 0 else z**-s
    except OverflowError:
        raise OverflowError(f"s: the energy of a pair at distance {z:.3g} exceeds the floating-point range, got {s}") from None


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
    minimiser among all measures (Liu et al., their section on theory). Relative error of the chord's below 2e-11 for any d.
    """
    d, s = whole("d", d, 2), exponent(s)
    if s >= d - 1:
        return float("inf")
    if angular:
        return _uniform_angular(d, s)
    a = (d - 1) / 2
    from scipy.special import digamma, poch

    if s == 0:
        return float(-log(2) + (digamma(2 * a) - digamma(a)) / 2)
    steps = 1 + int(s // 20)
    h = s / 2 / steps
    x = h * np.arange(steps)  # Γ(x + h)/Γ(x), for log Γ would lose digits for large d; in steps that do not overflow
    return float(np.prod(4**-h * poch(2 * a - s / 2 + x, h) / poch(a - s / 2 + x, h)))


def _uniform_angular(d, s):
    from scipy.integrate import quad

    if d == 2:
        return 1 - log(pi) if s == 0 else pi**-s / (1 - s)
    from scipy.special import poch

    m, c = d - 2, float(poch((d - 1) / 2, 0.5)) / sqrt(pi)  # Γ(d/2)/(√π Γ((d−1)/2))
    if m - s < 1:  # singular at 0, which the rule takes into its weight θ^{m−s} or θ^m log θ
        weight, power = ("alg-loga", m) if s == 0 else ("alg", m - s)
        integral = quad(lambda x: np.sinc(x / pi) ** m, 0, pi, weight=weight, wvar=(power, 0), epsabs=0, epsrel=1e-12, limit=500)[0]
        return float(-c * integral if s == 0 else c * integral)

    def integrand(y):  # θ = π/2 + y; log sin θ = ½ log(1 − sin² y), exact where large m makes its peak
        theta, log_power = pi / 2 + y, m / 2 * np.log1p(-(np.sin(y) ** 2))
        return -log(theta) * np.exp(log_power) if s == 0 else np.exp(log_power - s * log(theta))

    with np.errstate(divide="ignore"):
        return float(c * quad(integrand, -pi / 2, pi / 2, points=[0], epsabs=0, epsrel=1e-12, limit=500)[0])


def random_energy(n: int, d: int, s: float = 1.0, half_space: bool = False, angular: bool = False) -> float:
    """Mean energy, `reduction="mean"`, to expect of n neurons whose law no rotation changes, such as Gaussian initialisation.

    I_s(σ) for every n ≥ 2, not in a limit; in half space [2(n−1) I_s + f_s(2)] / (2n−1), for the n constant pairs take part.
    inf for s ≥ d − 1. Its variance over draws is finite only for s < (d−1)/2.
    """
    n, s = whole("n", n, 2), exponent(s)
    energy = uniform_energy(d, s, angular)
    return (2 * (n - 1) * energy + riesz(pi if angular else 2.0, s)) / (2 * n - 1) if half_space else energy


# ---- lower bounds
def simplex_bound(n: int, s: float = 1.0) -> float:
    """Mean chord energy of n points is at least g(−1/(n−1)), in any dimension; equality for the regular simplex, n ≤ d + 1.

    g is increasing and convex in the cosine, whose mean over pairs is at least −1/(n−1): Jensen.
    """
    n, s = whole("n", n, 2), exponent(s)
    return riesz(sqrt(2 * n / (n - 1)), s)


def welch_bound(n: int, d: int, s: float = 1.0) -> float:
    """Mean half-space chord energy of n neurons is at least [(n−1) h(√w) + f_s(2)] / (2n−1), w = max(0, (n−d)/(d(n−1))).

    h(t) = g(t) + g(−t) is increasing and convex in t², whose mean over pairs is at least w (Welch): Jensen. Equality for orthogonal
    neurons (n ≤ d) and for equiangular tight frames (n > d).
    """
    n, d, s = whole("n", n, 2), whole("d", d, 2), exponent(s)
    t = sqrt(max(0.0, (n - d) / (d * (n - 1))))
    return ((n - 1) * (riesz(sqrt(2 - 2 * t), s) + riesz(sqrt(2 + 2 * t), s)) + riesz(2.0, s)) / (2 * n - 1)


def levenshtein_rule(n: int, d: int, half_space: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Cosines t_k and weights ρ_k that bound the energy of n ≥ 2 points (half space: n lines) in d dimensions from below:

        Σ_{i≠j} g(t_ij) ≥ n² Σ_k ρ_k g(t_k)          half space: g becomes h(t) = g(t) + g(−t), and t_k ≥ 0

    for every g with non-negative derivatives in t (h in t²), such as the chord energies with s ≥ 0.

    Notes
    -----
    With the node 1 of weight 1/n they integrate polynomials f of degree τ over the sphere: ∫f dσ = f(1)/n + Σ ρ_k f(t_k). Take
    for f the polynomial that touches g from below at the t_k. If its coefficients in zonal polynomials are ≥ 0, then
    Σ_{i,j} f(t_ij) ≥ n² ∫f dσ, so Σ_{i≠j} g ≥ Σ_{i≠j} f ≥ n² ∫f dσ − n f(1) = n² Σ ρ_k g(t_k) (Delsarte, Yudin). That they are is
    a theorem of Boyvalenkov, Dragnev, Hardin, Saff and Stoyanova (Constructive Approximation 2016, and for projective spaces
    later), not derived again here; the tests compute these certificates for a number of n, d and s.
    Contains the simplex (τ = 1) and the Welch bound; every configuration of the table but the 600- and 24-cell attains it.

    The rule is Gauss's for the weight (1−x)dσ, or (1−x²)dσ where −1 is a node too, one degree short, so that the last diagonal
    entry of the Jacobi matrix is free to give the node 1 its weight. Lines: x = 2t² − 1 in place of x = t.
    """
    n, d = whole("n", n, 2), whole("d", d, 2)
    a, b, tau = (d - 3) / 2, (-1 / 2 if half_space else (d - 3) / 2), 0 if half_space else 1  # dσ ~ (1−x)^a (1+x)^b dx
    while n > _design_size(tau + 1, d, half_space):
        tau += 1
    k, with_end = (tau + 1) // 2, tau % 2 == 0
    plus, minus = 2 * (b + 1) / (a + b + 2), 2 * (a + 1) / (a + b + 2)  # ∫(1+x)dσ, ∫(1−x)dσ
    if with_end:
        mass, rest = 4 * (a + 1) * (b + 1) / ((a + b + 2) * (a + b + 3)), plus - 2 / n  # f = 1 + x
        a, b = a + 1, b + 1
    else:
        mass, rest = minus, 1 - 1 / n  # f = 1
        a = a + 1
    i = np.arange(k, dtype=float)
    diagonal = (b * b - a * a) / np.where(i == 0, 1, (2 * i + a + b) * (2 * i + a + b + 2))
    diagonal[:1] = (b - a) / (a + b + 2)
    i = i[1:]
    squares = 4 * i * (i + a) * (i + b) * (i + a + b) / ((2 * i + a + b) ** 2 * (2 * i + a + b + 1) * (2 * i + a + b - 1))
    if k:  # Σ w/(1−x) = mass · [(1 − J)^{-1}]₁₁ = rest, a continued fraction, solved for its last term
        y = mass / rest
        for a_i, b2 in zip(diagonal, squares, strict=False):
            y = b2 / (1 - a_i - y)
        diagonal[-1] = 1 - y
    off_diagonal = np.diag(np.sqrt(squares), 1)
    x, v = np.linalg.eigh(np.diag(diagonal) + off_diagonal + off_diagonal.T)
    rho = mass * v[0] ** 2 / (1 - x if not with_end else 1 - x * x) if k else np.zeros(0)
    if with_end:
        x, rho = np.append(-1.0, x), np.append(1 - 1 / n - rho.sum(), rho)
    return (np.sqrt(np.maximum((1 + x) / 2, 0)) if half_space else x), rho


def _design_size(tau, d, half_space):
    """Fewest points of a spherical τ-design (Delsarte, Goethals, Seidel); lines: of a projective one."""
    if half_space:
        return comb(d + tau - 1, tau)
    e = tau // 2
    return 2 * comb(d + e - 1, e) if tau % 2 else comb(d + e - 1, e) + comb(d + e - 2, e - 1)


def lower_bound(
    n: int, d: int, s: float = 1.0, half_space: bool = False, angular: bool = False, reduction: str = "sum_unordered"
) -> float:
    """The best bound proved here or cited: no n neurons in d dimensions have a lower energy, up to rounding.

    Chord: :func:`levenshtein_rule`, and the exact minimum where universal optimality is a theorem (120 points, or 60 lines, in four
    dimensions). Exact so far as n ≤ d + 1, n = 2d, d = 2 or the table of configurations has n; half space: n ≤ d, d = 2, or
    an antipodal one has 2n.

    Angle: a hyperplane separates at most ⌊n²/4⌋ pairs, and separates two points with probability θ/π, so angles sum to at most
    π⌊n²/4⌋; f_s is convex: Jensen. Half space: f_s(θ) + f_s(π−θ) ≥ 2 f_s(π/2), exact for n ≤ d. (Both derived here.)

    Parameters
    ----------
    n, d : int
        Neurons ≥ 1, coordinates ≥ 2.
    s, half_space, angular, reduction : as for the energy; by default each pair counts once, as in :func:`minimise_energy`.
    """
    n, d, s = whole("n", n, 1), whole("d", d, 2), exponent(s)
    weight = pair_weight(n, half_space, reduction)
    if angular:
        if half_space:
            ordered = 4 * n * (n - 1) * riesz(pi / 2, s) + 2 * n * riesz(pi, s)
        else:
            ordered = n * (n - 1) * riesz(pi * (n * n // 4) / comb(n, 2), s) if n > 1 else 0.0
        return float(weight * ordered)
    with np.errstate(over="ignore"):
        return float(checked_energy(weight * least_sum(n, d, half_space, lambda q: kernel(q, 4 - q, s)), np.dtype(np.float64)))


def least_sum(n: int, d: int, half_space: bool, g: Callable) -> float:
    """The chord bound above for any kernel g(q) that it holds for: a sum over ordered pairs of n points, or of 2n in half space."""
    points = 2 * n if half_space else n
    if points == 1:
        return 0.0
    if d == 2:  # the regular polygon
        return points * float(np.sum(g(4 * np.sin(pi * np.arange(1, points) / points) ** 2)))
    bounds = [2.0 * n * float(g(np.float64(4)))] if half_space else [0.0]  # of the constant pairs
    if n > 1:
        t, rho = levenshtein_rule(n, d, half_space)
        bounds[0] += n * n * float(np.sum(rho * (2 * (g(2 - 2 * t) + g(2 + 2 * t)) if half_space else g(2 - 2 * t))))
    for c in CONFIGURATIONS:
        if (c.n, c.d) == (points, d) and c.universal:
            t, m = np.array(c.cosines).T
            bounds.append(c.n * float(np.sum(m * g(2 - 2 * t))))
    return max(bounds)


def normalised_excess(W: ArrayLike, s: float = 2.0, half_space: bool = False) -> float:
    """(E − E_min) / (E_random − E_min): 0 at the proven lower bound, 1 where random directions are, more than 1 above that.

    In high dimension the mean energy of any neurons lies within some per cent of its minimum: the raw figure says nothing.

    Parameters
    ----------
    W : array_like, shape (m, d)
        At least two neurons.
    s : float
        Exponent, below d − 1, where random directions have a finite mean energy.
    half_space : bool

    Raises
    ------
    ValueError
        If m < 2 or s ≥ d − 1, and as :func:`energy_forward`.
    """
    W, s = neurons(W, smooth=False), exponent(s)
    m, d = W.shape
    if m < 2:
        raise ValueError(f"W: expected at least 2 neurons, got shape {W.shape}")
    if s >= d - 1:
        raise ValueError(f"s: expected an exponent below d - 1 = {d - 1}, where random directions have a finite energy; got {s}")
    W = W.astype(np.float64)
    q, q_plus, (i, j, _) = squared_chords(W, project_forward(W)[0], half_space)
    if coincident(q[i, j], q_plus[i, j], half_space).any():
        return float("inf")

    def g(q):  # the ratio does not see this affine change of the kernel, whose values for small s are all near 1
        return -0.5 * np.log(q) if s == 0 else np.expm1(-0.5 * s * np.log(q)) / s

    with np.errstate(over="ignore"):
        pairs = ~np.eye(m, dtype=bool)
        E = float(checked_energy(np.mean((g(q[pairs]) + g(q_plus[pairs])) / 2 if half_space else g(q[pairs])), W.dtype))
    least = least_sum(m, d, half_space, g)
    least = (least - 2 * m * g(4.0)) / (4 * m * (m - 1)) if half_space else least / (m * (m - 1))
    return float((E - least) / (_uniform_rest(d, s) - least))


def _uniform_rest(d, s):
    """(I_s − 1)/s, or I_0. For small s, log I_s = −s log 2 + Σ (−s/2)^k/k! [ψ^{(k−1)}(a) − ψ^{(k−1)}(2a)]."""
    if s == 0 or s > 0.02 * (d - 1):
        return uniform_energy(d, s) if s == 0 else (uniform_energy(d, s) - 1) / s
    from scipy.special import polygamma

    a = (d - 1) / 2
    rest = sum((-s / 2) ** k / factorial(k) * float(polygamma(k - 1, a) - polygamma(k - 1, 2 * a)) for k in range(1, 9))
    return np.expm1(rest - s * log(2)) / s


# ---- the circle, where everything is known
def circle_minimum(n: int, s: float = 1.0, reduction: str = "sum_ordered") -> float:
    """Smallest energy of n points on the circle: roots of unity, ε = n Σ_k (2 sin πk/n)^{-s}; −n log n for s = 0.

    s = 2: n(n²−1)/12; s = 4: n(n²−1)(n²+11)/720. Raises OverflowError if it exceeds the floating-point range.
    """
    n, s = whole("n", n, 2), exponent(s)
    weight = pair_weight(n, False, reduction)
    r = 2 * np.sin(pi * np.arange(1, n) / n)
    with np.errstate(over="ignore"):
        return float(checked_energy(weight * n * (-log(n) if s == 0 else np.sum(r**-s)), np.dtype(np.float64)))


# ---- many neurons, the paper's theorem on the growth of ε(N)
def hurwitz_zeta(x: float, q: float) -> float:
    """ζ(x, q) = Σ_{k≥0} (k+q)^{-x}, continued to 0 < x ≠ 1: twenty terms and the Euler-Maclaurin rest."""
    bernoulli = (1 / 6, -1 / 30, 1 / 42, -1 / 30)
    z = 20 + q
    total = sum((k + q) ** -x for k in range(20)) + z ** (1 - x) / (x - 1) + z**-x / 2
    term = x * z ** (-x - 1) / 2
    for j, B in enumerate(bernoulli, start=1):
        total += B * term
        term *= (x + 2 * j - 1) * (x + 2 * j) / ((2 * j + 1) * (2 * j + 2) * z * z)
    return total


def hexagonal_zeta(s: float) -> float:
    """Σ |v|^{-s} over the points v ≠ 0 of the hexagonal lattice of side one, continued to 0 < s ≠ 2: 6 ζ(s/2) L(s/2).

    L(x) = 3^{-x} [ζ(x, 1/3) − ζ(x, 2/3)], the Dirichlet series of the character modulo 3. ValueError at 0 and the pole 2.
    """
    x = exponent(s) / 2
    if x in (0, 1):
        raise ValueError(f"s: expected 0 < s, and not the pole s = 2, got {s}")
    if x > 50:
        return 6.0  # the nearest neighbours; the others are below rounding
    return 6 * hurwitz_zeta(x, 1) * 3**-x * (hurwitz_zeta(x, 1 / 3) - hurwitz_zeta(x, 2 / 3))


class Growth(NamedTuple):
    """ε(N) ≈ leading · p(N) + second · p₂(N) [+ third · N for s = 0], sums over ordered pairs; NaN where it is not known."""

    leading: float
    second: float
    third: float
    power: str  # p(N), p₂(N), ... in words
    conjectured: str  # which of the constants are


def growth_of_minimum(d: int, s: float = 1.0) -> Growth:
    """Constants of the smallest energy of N points on the sphere in R^d as N → ∞, by the paper's theorem and beyond it.

    ======  ==============  ================================================  ===================================
    d       s               leading, a theorem                                next, conjectured
    ======  ==============  ================================================  ===================================
    any     0 ≤ s < d−1     I_s N²                                            d = 3: C_s N^{1+s/2}
    any     s = d−1         Γ(d/2)/((d−1)√π Γ((d−1)/2)) N² log N              d = 3: C N²
    any     s > d−1         of the order N^{1+s/(d−1)}; d = 2: 2ζ(s)/(2π)^s   d = 3: the leading constant is C_s
    3       0               (½ − log 2) N²                                    −½ N log N (a theorem), then C N
    ======  ==============  ================================================  ===================================

    with C_s = (√3/2)^{s/2} ζ_hex(s) / (4π)^{s/2}. For a thousand points the leading term alone is still some per cent off.
    """
    d, s = whole("d", d, 2), exponent(s)
    D, unknown = d - 1, float("nan")
    hexagonal = (sqrt(3) / (8 * pi)) ** (s / 2) * hexagonal_zeta(s) if d == 3 and s not in (0, 2) else unknown
    if s > D:
        leading = 2 * hurwitz_zeta(s, 1) * (2 * pi) ** -s if d == 2 else hexagonal
        return Growth(leading, unknown, unknown, f"N^(1+s/{D})", "leading" if d == 3 else "")
    if s == D:
        leading = np.exp(lgamma(d / 2) - lgamma(D / 2)) / (D * sqrt(pi))
        ratio = gamma(1 / 3) / gamma(2 / 3)
        # ¼(γ − log 2√3π) + √3/4π (γ₁(2/3) − γ₁(1/3)), the Stieltjes constants by the functional equation of L
        second = (2 * np.euler_gamma + log(3) / 2 - 3 * log(ratio)) / 4 if d == 3 else unknown
        return Growth(float(leading), second, unknown, "N² log N, N²", "second" if d == 3 else "")
    leading = uniform_energy(d, s)
    if d == 3 and s == 0:
        return Growth(leading, -1 / 2, 2 * log(2) + log(2 / 3) / 2 + 3 * log(sqrt(pi) / gamma(1 / 3)), "N², N log N, N", "third")
    return Growth(leading, hexagonal, unknown, f"N², N^(1+s/{D})", "second" if d == 3 else "")


NEAR_POLE = 0.01  # 2 − s below which I_s N² + C_s N^{1+s/2} would lose more than 5 digits


def expected_minimum(n: int, s: float = 1.0, reduction: str = "sum_ordered") -> float:
    """Smallest energy of n ≥ 2 points on the ordinary sphere, d = 3, by the expansion of :func:`growth_of_minimum`: conjectured.

    s = 1: N² − 1.10610 N^{3/2}, within 3.2e-4 of the best known from 100 points on. Raises OverflowError if it exceeds the range.
    """
    n, s = whole("n", n, 2), exponent(s)
    weight = pair_weight(n, False, reduction)
    first, second, third, *_ = growth_of_minimum(3, s)
    if s == 0:
        E = first * n * n + second * n * log(n) + third * n
    elif s == 2:
        E = first * n * n * log(n) + second * n * n
    elif s > 2:
        with np.errstate(over="ignore"):
            E = np.exp(log(first) + (1 + s / 2) * log(n)) if first > 0 else 0.0
    elif s > 2 - NEAR_POLE:
        from scipy.interpolate import barycentric_interpolate

        x = 2 + NEAR_POLE * np.array([-3, -2, -1, 1, 2, 3])  # the sum of both terms, whose poles cancel, is smooth through s = 2
        E = barycentric_interpolate(x, [_two_terms(n, s) for s in x], s)
    else:
        E = _two_terms(n, s)
    return float(checked_energy(weight * E, np.dtype(np.float64)))


def _two_terms(n, s):
    """I_s N² + C_s N^{1+s/2} on the ordinary sphere, continued to s > 2: I_s = 2^{1−s}/(2−s)."""
    return 2 ** (1 - s) / (2 - s) * n * n + (sqrt(3) / (8 * pi)) ** (s / 2) * hexagonal_zeta(s) * n ** (1 + s / 2)
