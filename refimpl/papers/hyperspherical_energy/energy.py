"""Energy, gradient and Hessian-vector product, from the definition.

Everything passes through the squared chords q = ‖û_i − û_j‖² and q⁺ = ‖û_i + û_j‖² = 4 − q of all pairs. The kernel and its two
derivatives in the cosine t = û_i·û_j are functions of (q, q⁺); swapping the two is t → −t, so the half-space kernel is
g(q, q⁺) + g(q⁺, q).

    paper         here       shape     meaning
    ŵ_i           U[i]       (m, d)    neuron i on the unit sphere
    N             m                    number of neurons
    ‖ŵ_i−ŵ_j‖²    q          (m, m)    squared chord; q_plus is that to the antipode −ŵ_j
    f_s           kernel               Riesz kernel of the chord, or of the angle
                  K                    dg/dt, the kernel's slope in the cosine
                  T          (k, d)    component of û_j tangent at û_i, for the k pairs that are nearly parallel
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from refimpl.doors import finite, floats
from refimpl.manifolds.sphere import off, project_forward, scaled

REDUCTIONS = ("sum_ordered", "sum_unordered", "mean")
NEAR = {"f": 1e-2, "d": 1e-3, "F": 1e-2, "D": 1e-3}  # by dtype: squared chord below which 2 − 2t, right to a rounding unit or two,
# has lost 2 of float32's 7 digits or 3 of float64's 16; such pairs are taken from their rows instead


# ---- the doors
def neurons(W: ArrayLike, smooth: bool = True) -> np.ndarray:
    """W as a matrix of at least one finite row, none zero, and two columns; otherwise TypeError or ValueError."""
    a = finite("W", floats("W", W, ("m", "d"), smooth))
    if a.shape[0] < 1 or a.shape[1] < 2:
        raise ValueError(f"W: expected at least 1 neuron (row) and 2 coordinates (columns), got shape {a.shape}")
    zero = np.flatnonzero(~a.any(axis=1))
    if len(zero):
        raise ValueError(f"W: expected rows that are not zero, because a zero row has no direction, got row {zero[0]}")
    return a


def exponent(s: float) -> float:
    """s as a finite number >= 0; otherwise ValueError."""
    if isinstance(s, bool) or not isinstance(s, (int, float, np.integer, np.floating)):
        raise TypeError(f"s: expected a number >= 0, got {type(s).__name__}")
    if not 0 <= s < np.inf:
        raise ValueError(f"s: expected a finite exponent >= 0, got {s}")
    return float(s)


def floor_of_distance(min_q: float) -> float:
    """min_q as a number from 0 to 2, 2 excluded: neurons at right angles are not close."""
    if isinstance(min_q, bool) or not isinstance(min_q, (int, float, np.integer, np.floating)):
        raise TypeError(f"min_q: expected a number >= 0 and < 2, got {type(min_q).__name__}")
    if not 0 <= min_q < 2:
        raise ValueError(f"min_q: expected a squared distance >= 0 and < 2, got {min_q}")
    return float(min_q)


def pair_weight(m: int, half_space: bool, reduction: str, include_self_antipodes: bool = True) -> float:
    """What the sum over ordered pairs is multiplied by: 1, 1/2, or 1 over the number of ordered pairs (0 if there are none)."""
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction: expected one of {', '.join(REDUCTIONS)}, got {reduction!r}")
    points = 2 * m if half_space else m
    pairs = points * (points - 1) if include_self_antipodes or not half_space else points * (points - 2)
    return {"sum_ordered": 1.0, "sum_unordered": 0.5, "mean": 1 / pairs if pairs else 0.0}[reduction]


# ---- the kernel and its derivatives in the cosine t, as functions of the two squared chords
def angle(q, q_plus):
    """θ = 2 atan(‖û−v̂‖ / ‖û+v̂‖), exact at both ends where arccos is not."""
    if np.iscomplexobj(q):
        return 2 * np.arctan(np.sqrt(q) / np.sqrt(q_plus))
    return 2 * np.arctan2(np.sqrt(q), np.sqrt(q_plus))


def kernel(q, q_plus, s, angular=False):
    """g = z^{-s}, or −log z for s = 0, of the chord z = √q or of the angle z = θ."""
    if angular:
        theta = angle(q, q_plus)
        return -np.log(theta) if s == 0 else theta**-s
    return -0.5 * np.log(q) if s == 0 else q ** (-s / 2)


def kernel_slope(q, q_plus, s, angular=False):
    """K = dg/dt.  Chord: c_s q^{-(s+2)/2};  angle: c_s θ^{-(s+1)} / sin θ, and 0 at the antipode, its minimum-norm subgradient."""
    c = s if s > 0 else 1.0
    if angular:
        theta, sine = angle(q, q_plus), 0.5 * np.sqrt(q) * np.sqrt(q_plus)
        return np.where(q_plus == 0, 0, c * theta ** (-s - 1) / np.where(q_plus == 0, 1, sine))
    return c * q ** (-s / 2 - 1)


def kernel_curvature(q, q_plus, s, angular=False):
    """K₂ = d²g/dt².  Chord: c_s (s+2) q^{-(s+4)/2};  angle: c_s θ^{-(s+2)} [(s+1) sin θ + θ cos θ] / sin³θ."""
    c = s if s > 0 else 1.0
    if angular:
        theta, sine, cosine = angle(q, q_plus), 0.5 * np.sqrt(q) * np.sqrt(q_plus), (q_plus - q) / 4
        bent = c * theta ** (-s - 2) * ((s + 1) * sine + theta * cosine)
        return np.where(q_plus == 0, 0, bent / np.where(q_plus == 0, 1, sine) ** 3)
    return c * (s + 2) * q ** (-s / 2 - 2)


# ---- distances of all pairs, right also where the pair is nearly parallel
def rounding_of_product(a, b, product):
    """a·b − product, exactly: Dekker's splitting of each factor into halves whose products are exact."""
    split = 134217729.0 if product.dtype == np.float64 else 4097.0  # 2^27 + 1, 2^12 + 1
    high_a, high_b = split * a - (split * a - a), split * b - (split * b - b)
    low_a, low_b = a - high_a, b - high_b
    return ((high_a * high_b - product) + high_a * low_b + low_a * high_b) + low_a * low_b


def tangent_component(a, b):
    """Component of b/‖b‖ orthogonal to a, row by row, to full relative accuracy however nearly parallel a and b are.

    b − λa with λ ≈ a·b/a·a cancels all but the angle; subtracting the rounding error of the products λa keeps its digits.
    a, b (k, d) -> (k, d) and the sign of the cosine (k,).
    """
    aa = np.sum(a * a, axis=1, keepdims=True)
    along = np.sum(a * b, axis=1, keepdims=True) / aa
    product = along * a
    r = b - product - rounding_of_product(along.real, a.real, product.real)
    r = r - a * (np.sum(a * r, axis=1, keepdims=True) / aa)
    return r / np.sqrt(np.sum(b * b, axis=1, keepdims=True)), np.sign(along.real[:, 0])


def near_pairs(rows, i, j):
    """Squared chords (q, q_plus) and tangent components T of the pairs (i, j) of nearly parallel rows.

    With sin²θ = ‖T‖², the small one of q and q⁺ is 2 sin²θ / (1 + |cos θ|). Rows that are parallel within the rounding of their
    own entries have no angle: it is 0.
    """
    T, sign = tangent_component(rows[i], rows[j])
    sin2 = np.sum(T * T, axis=1)
    sin2 = np.where(sin2.real > (2 * np.finfo(sin2.dtype).eps) ** 2, sin2, 0)
    small = 2 * sin2 / (1 + np.sqrt(1 - sin2))
    return np.where(sign > 0, small, 4 - small), np.where(sign > 0, 4 - small, small), T


def squared_chords(W, U, both_ends, min_q=0.0):
    """q and q_plus (m, m) of all pairs, diagonals 1, and (i, j, T) of the nearly parallel ones.

    2 − 2t has an absolute error of some rounding units; where q is small that is a large relative one, and the pair is recomputed
    from its two rows. `both_ends`: likewise where q_plus is small, which only half-space and angular energies can see.
    """
    t = U @ U.T
    q, q_plus = 2 - 2 * t, 2 + 2 * t
    small = np.minimum(np.abs(q), np.abs(q_plus)) if both_ends else np.abs(q)
    near = small < max(NEAR[U.dtype.char], min_q)
    np.fill_diagonal(near, False)
    i, j = np.nonzero(near)
    q[i, j], q_plus[i, j], T = near_pairs(scaled(W)[0], i, j)
    np.fill_diagonal(q, 1)
    np.fill_diagonal(q_plus, 1)
    return q, q_plus, (i, j, T)


# ---- the energy, the paper's definition
def energy_forward(
    W: ArrayLike,
    s: float = 1.0,
    half_space: bool = False,
    angular: bool = False,
    reduction: str = "sum_ordered",
    include_self_antipodes: bool = True,
    min_q: float = 0.0,
) -> tuple[Any, tuple]:
    """Riesz s-energy of the directions of the neurons.

        E_s(W) = Σ_{i≠j} f_s(‖ŵ_i − ŵ_j‖),   ŵ_i = w_i/‖w_i‖,   f_s(z) = z^{-s},   f_0(z) = −log z

    Parameters
    ----------
    W : array_like, shape (m, d)
        Weights, one neuron a row; m ≥ 1, d ≥ 2, no row zero. Only directions matter.
    s : float
        Exponent ≥ 0, dimensionless; 0 takes the logarithmic kernel.
    half_space : bool
        Add to each neuron its antipode: the energy of the 2m points ±ŵ_i, the m constant pairs (ŵ_i, −ŵ_i) included.
    angular : bool
        Take the angle θ ∈ [0, π] (rad) between two neurons in place of their distance.
    reduction : {"sum_ordered", "sum_unordered", "mean"}
        Both orders of each pair, as in the paper; each pair once, as in tables of the Thomson problem; mean over ordered pairs.
    include_self_antipodes : bool
        False leaves the constant pairs out of the half-space energy and of its mean.
    min_q : float
        Floor of the squared distance, 0 ≤ min_q < 2: closer points have the energy of that distance, and no force. 0: none.

    Returns
    -------
    E : scalar of W's dtype; inf where two rows coincide (half space: or are antipodal)
    cache : tuple, for :func:`energy_backward`

    Raises
    ------
    TypeError, ValueError
        If W is no such matrix, a row is zero, an entry is not finite, s < 0, or the reduction has another name.
    OverflowError
        If the energy exceeds the floating-point range although no rows coincide.

    Notes
    -----
    Liu et al. 2018, the definitions of the energy, its half-space and its angular form. The sum is accumulated in float64.
    Holomorphic in W, so the complex step checks it.
    """
    W, s, min_q = neurons(W), exponent(s), floor_of_distance(min_q)
    m, weight = len(W), pair_weight(len(W), half_space, reduction, include_self_antipodes)
    U, (_, norm) = project_forward(W)
    q, q_plus, near = squared_chords(W, U, half_space or angular, min_q)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        g = pair_energies(q, q_plus, s, half_space, angular, min_q)
        np.fill_diagonal(g, 0)
        total = np.sum(g, dtype=np.result_type(g, np.float64))
    E = weight * (total + constant_pairs(m, s, half_space and include_self_antipodes, angular))
    i, j, _ = near
    E = np.inf if coincident(q[i, j], q_plus[i, j], half_space, min_q).any() else checked_energy(E, U.dtype)
    return U.dtype.type(E), (U, norm, q, q_plus, near, s, half_space, angular, min_q, weight)


def energy_backward(dE, cache):
    """∇_i E = (2/‖w_i‖) (I − û_iû_iᵀ) Σ_{j≠i} K_ij û_j, times dE.  Returns dW (m, d).

    Nearly parallel pairs enter by the tangent component T of û_j itself, without the cancellation of the projection.
    Raises ValueError if two rows coincide, for there is no gradient then; OverflowError if it exceeds the floating-point range.
    """
    U, norm, q, q_plus, (i, j, T), s, half_space, angular, min_q, weight = cache
    no_coincidence(i, j, q[i, j], q_plus[i, j], half_space, min_q)
    with np.errstate(over="ignore", invalid="ignore"):
        K = pair_slopes(q, q_plus, s, half_space, angular, min_q)
        np.fill_diagonal(K, 0)
        K_near, K[i, j] = K[i, j], 0
        force = off(U, K @ U)
        np.add.at(force, i, K_near[:, None] * T)
        return checked_gradient(2 * weight * dE * force / norm).astype(U.dtype, copy=False)


def pair_energies(q, q_plus, s, half_space, angular, min_q):
    """g for every pair, or 2(g(t) + g(−t)) in half space; points closer than the floor are taken to be at that distance."""

    def side(q, q_plus):
        if min_q > 0:
            low = q.real < min_q
            q, q_plus = np.where(low, min_q, q).astype(q.dtype), np.where(low, 4 - min_q, q_plus).astype(q.dtype)
        return kernel(q, q_plus, s, angular)

    return 2 * (side(q, q_plus) + side(q_plus, q)) if half_space else side(q, q_plus)


def pair_slopes(q, q_plus, s, half_space, angular, min_q=0.0, slope=kernel_slope, parity=-1):
    """Derivative in t of the above: 0 where points are closer than the floor.  parity: −1 odd, +1 even derivatives."""

    def side(q, q_plus):
        if min_q > 0:
            return np.where(q.real < min_q, 0, slope(np.where(q.real < min_q, 1, q), q_plus, s, angular)).astype(q.dtype)
        return slope(q, q_plus, s, angular)

    return 2 * (side(q, q_plus) + parity * side(q_plus, q)) if half_space else side(q, q_plus)


def constant_pairs(m, s, half_space, angular):
    """Energy of the 2m ordered pairs (û_i, −û_i), (−û_i, û_i) of half space: 2m f_s(2), or 2m f_s(π) for angles."""
    z = np.pi if angular else 2.0
    return 2 * m * (-np.log(z) if s == 0 else z**-s) if half_space else 0.0


def coincident(q, q_plus, half_space, min_q=0.0):
    """Which of the nearly parallel pairs are at distance zero; none where there is a floor."""
    zero = (q == 0) | (q_plus == 0) if half_space else q == 0
    return zero & (min_q == 0)


def no_coincidence(i, j, q, q_plus, half_space, min_q=0.0):
    """ValueError naming the first pair of rows (i, j) at distance zero, if there is one."""
    at = np.flatnonzero(coincident(q, q_plus, half_space, min_q))
    if len(at):
        what = "point the same or the opposite way" if half_space else "point the same way"
        raise ValueError(
            f"W: expected distinct directions, but rows {i[at[0]]} and {j[at[0]]} {what}: the energy has no gradient there"
        )


def checked_energy(E, dtype):
    """E as a scalar of the dtype, unless that overflows."""
    E = np.asarray(E).astype(dtype)[()]
    if not np.isfinite(E):
        raise OverflowError(f"s: the energy exceeds the range of {dtype}; take power_mean_forward, or a smaller exponent")
    return E


def checked_gradient(dW):
    """dW, unless an entry exceeds the floating-point range."""
    if not np.isfinite(dW).all():
        row = int(np.argwhere(~np.isfinite(dW))[0][0])
        raise OverflowError(f"W: the gradient for row {row} exceeds the range of {dW.dtype}; scale the row up, or lower s")
    return dW


# ---- second derivatives
def energy_hessian_vector(
    W: ArrayLike,
    V: ArrayLike,
    s: float = 1.0,
    half_space: bool = False,
    angular: bool = False,
    reduction: str = "sum_ordered",
    include_self_antipodes: bool = True,
) -> np.ndarray:
    """Derivative of the gradient at W along V: H[V], shape (m, d).

        H[V]_i = (2/‖w_i‖) { P_i Ṡ_i − (û_i·S_i) u̇_i − (u̇_i·S_i) û_i − (û_i·v_i/‖w_i‖) P_i S_i }

    with S = K U, Ṡ = (K₂∘ṫ) U + K U̇, ṫ = U̇Uᵀ + UU̇ᵀ and u̇_i = P_i v_i/‖w_i‖.

    Parameters
    ----------
    W, V : array_like, shape (m, d)
    s, half_space, angular, reduction, include_self_antipodes : as for :func:`energy_forward`

    Raises
    ------
    TypeError, ValueError
        As :func:`energy_forward`; also if V has another shape than W, or two rows coincide.
    OverflowError
        If the product exceeds the floating-point range.

    Notes
    -----
    Two rows at the angle θ lose the factor 1/θ of the digits that the gradient keeps: it is right to 2e-10 for 1e-6. Angular, two
    rows δ from antipodal lose 1/δ likewise, and 1/δ² in the plane (1e-7 for 1e-5); antipodes, where no second derivative exists,
    count as in the gradient: not at all.
    """
    W, s = neurons(W), exponent(s)
    V = finite("V", floats("V", V, W.shape, smooth=True))
    weight = pair_weight(len(W), half_space, reduction, include_self_antipodes)
    U, (_, norm) = project_forward(W)
    q, q_plus, (i, j, _) = squared_chords(W, U, half_space or angular)
    no_coincidence(i, j, q[i, j], q_plus[i, j], half_space)
    with np.errstate(over="ignore", invalid="ignore"):
        K = pair_slopes(q, q_plus, s, half_space, angular)
        K2 = pair_slopes(q, q_plus, s, half_space, angular, 0.0, kernel_curvature, +1)
        np.fill_diagonal(K, 0)
        np.fill_diagonal(K2, 0)
        along = np.sum(U * V, axis=1, keepdims=True) / norm  # (m, 1) relative growth of each row
        dU = off(U, V) / norm
        dt = dU @ U.T + U @ dU.T
        S, dS = K @ U, (K2 * dt) @ U + K @ dU
        radial, turning = np.sum(U * S, axis=1, keepdims=True), np.sum(dU * S, axis=1, keepdims=True)
        H = off(U, dS) - radial * dU - turning * U - along * off(U, S)
        return checked_gradient(2 * weight * H / norm).astype(np.result_type(U, V), copy=False)


# ---- the power mean: the energy on the scale of a distance, safe for large s
def power_mean_forward(W: ArrayLike, s: float = 1.0, half_space: bool = False, angular: bool = False) -> tuple[Any, tuple]:
    """m_s = (mean over pairs of z^{-s})^{1/s}, z the chord or the angle;  m_0 = exp(mean of −log z).

    Non-decreasing in s, and → 1/z_min as s → ∞: minimising it for large s spreads the closest pair (Tammes' problem).
    Computed through log z and a shifted sum of exponentials, so that it does not overflow where the energy does.

    Parameters, errors: as for :func:`energy_forward`, whose `mean` it takes to the power 1/s. Half space leaves the constant
    pairs (ŵ_i, −ŵ_i) out, as include_self_antipodes=False does. At least two rows.

    Returns (m_s, cache); m_s is inf where rows coincide.
    """
    W, s = neurons(W), exponent(s)
    if len(W) < 2:
        raise ValueError(f"W: expected at least 2 neurons for a mean over pairs, got shape {W.shape}")
    U, (_, norm) = project_forward(W)
    q, q_plus, near = squared_chords(W, U, half_space or angular)
    with np.errstate(divide="ignore"):
        sides = [kernel(q, q_plus, 0.0, angular)]  # −log z
        if half_space:
            sides.append(kernel(q_plus, q, 0.0, angular))
    pairs = len(sides) * len(W) * (len(W) - 1)
    others = ~np.eye(len(W), dtype=bool)
    top = max(np.max(side.real[others]) for side in sides)  # the closest pair's
    if not np.isfinite(top):
        m, shares = np.inf, sides
    elif s == 0:
        shares = [others / pairs for _ in sides]
        m = np.exp(sum(np.sum(side[others]) for side in sides) / pairs)
    else:
        middle = sum(np.sum(side[others]) for side in sides) / pairs
        gentle = s * max(np.max(np.abs(side[others] - middle)) for side in sides) < 1.0
        anchor = middle if gentle else top
        exponents = [np.where(others, s * np.where(others, side - anchor, 0), -np.inf) for side in sides]
        shares = [np.exp(e) for e in exponents]
        total = sum(np.sum(share) for share in shares)
        if gentle:  # log of a number near 1, over a small s
            m = np.exp(middle + np.log1p(sum(np.sum(np.expm1(e[others])) for e in exponents) / pairs) / s)
        else:
            m = np.exp(top + np.log(total / pairs) / s)
        shares = [share / total for share in shares]
    return np.asarray(m).astype(U.dtype)[()], (U, norm, q, q_plus, near, shares, half_space, angular, m)


def power_mean_backward(dm, cache):
    """∇m_s = m_s Σ_{i≠j} p_ij ∇(−log z_ij), with the shares p of the pairs in the sum.  Returns dW (m, d)."""
    U, norm, q, q_plus, (i, j, T), shares, half_space, angular, m = cache
    no_coincidence(i, j, q[i, j], q_plus[i, j], half_space)
    K = shares[0] * kernel_slope(q, q_plus, 0.0, angular)
    if half_space:
        K = K - shares[1] * kernel_slope(q_plus, q, 0.0, angular)
    K_near, K[i, j] = K[i, j], 0
    force = off(U, K @ U)
    np.add.at(force, i, K_near[:, None] * T)
    return checked_gradient(2 * dm * m * force / norm).astype(U.dtype, copy=False)
