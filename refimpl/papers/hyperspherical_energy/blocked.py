"""The same energy and gradient in blocks of the upper triangle: O(block²) scratch memory, three quarters of the multiplications.

A block of pairs stays in the processor's cache from the cosines to the slopes, and serves both orders of its pairs: its slopes
times the columns' neurons act on the rows, its transpose times the rows' neurons on the columns. The radial part of the force
drops out in the projection, so it is never formed. `energy_forward` and `energy_backward` are the reference; claim H29 says that
the two agree.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from refimpl.doors import floats
from refimpl.manifolds.sphere import project_forward, scaled
from refimpl.papers.hyperspherical_energy.energy import (
    NEAR,
    checked_energy,
    checked_gradient,
    constant_pairs,
    exponent,
    floor_of_distance,
    near_pairs,
    neurons,
    no_coincidence,
    pair_energies,
    pair_slopes,
    pair_weight,
)

BLOCK = 256  # a block of 256² float64 pairs is 512 KiB: two or three stay in a second-level cache
PATCH = {"f": 1e-2, "d": 1e-3}  # squared chords below this are taken from a difference of directions in place of 2 − 2t,
ASIDE = {"f": 1e-5, "d": 1e-6}  # and below this from the rows themselves: no q is wrong by more than 4e-5 of it, or 4e-13
NONE = np.empty(0, np.intp)


def energy_and_gradient(
    W: ArrayLike,
    s: float = 1.0,
    half_space: bool = False,
    angular: bool = False,
    reduction: str = "sum_ordered",
    include_self_antipodes: bool = True,
    min_q: float = 0.0,
    block: int | None = None,
    as_released: bool = False,
) -> tuple[Any, np.ndarray]:
    """Riesz s-energy of the directions of the neurons, and its gradient: E and dW (m, d).

    Parameters
    ----------
    W, s, half_space, angular, reduction, include_self_antipodes, min_q : as for :func:`energy_forward`
    block : int, optional
        Rows and columns of a block, ≥ 1; by default one block up to 256 neurons, blocks of 256 beyond.
    as_released : bool
        Compute what the authors' published code computes in place of what the paper defines (a mean, whatever the reduction):
        see :mod:`refimpl.papers.hyperspherical_energy.released`.

    Raises
    ------
    TypeError, ValueError, OverflowError
        As :func:`energy_forward` and :func:`energy_backward`; so also if two rows coincide.

    Notes
    -----
    Memory beyond W and dW: two copies of W and some blocks. float32 in, float32 out, the energies of the blocks summed in float64.
    """
    if as_released:
        if not include_self_antipodes or min_q or block is not None:
            raise ValueError("as_released: expected no other option than s, half_space and angular, for the released code has none")
        from refimpl.papers.hyperspherical_energy.released import released_energy_backward, released_energy_forward

        E, cache = released_energy_forward(W, s, half_space, angular)
        return E, released_energy_backward(1.0, cache)
    W, s, min_q = floats("W", W, ("m", "d")), exponent(s), floor_of_distance(min_q)
    m, weight = len(W), pair_weight(len(W), half_space, reduction, include_self_antipodes)
    if block is not None and (isinstance(block, bool) or not isinstance(block, (int, np.integer)) or block < 1):
        raise ValueError(f"block: expected a whole number >= 1, got {block!r}")
    b = min(m, int(block or BLOCK))
    E, c, sides = 0.0, (s if s > 0 else 1.0), (2 if half_space else 1)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        V, norm = root_two_directions(W)
        VT = V.T if W.shape[1] >= 128 else V.T.copy()  # NumPy sees V Vᵀ and takes a symmetric product: it pays for long rows only
        force, near_force = np.empty_like(V) if b == m else np.zeros_like(V), None
        near: list[tuple] = []
        scratch = np.empty((3 if half_space else 2, b * b), V.dtype)
        for rows, columns in upper_triangle(m, b):
            shape = (rows.stop - rows.start, columns.stop - columns.start)
            t2, z, *more = scratch[:, : shape[0] * shape[1]]
            np.matmul(V[rows], VT[:, columns], out=t2.reshape(shape))  # twice the cosines
            diagonal = shape[1] + 1 if rows == columns else 0
            if diagonal:
                t2[::diagonal] = 0
            aside, patch = nearly_parallel(t2, V[rows], V[columns], half_space, angular, min_q)
            idle = ([aside] if len(aside) else []) + ([slice(None, None, diagonal)] if diagonal else [])
            e, K = block_terms(t2, z, more, s, angular, patch, idle)
            K = K.reshape(shape)
            E += e if diagonal else 2 * e
            if b == m:
                np.matmul(K, V, out=force)
            else:
                force[rows] += K @ V[columns]
                if not diagonal:
                    force[columns] += K.T @ V[rows]
            if len(aside):  # the closest pairs, in both orders, wait until they fill a block or the last block is done
                i, j = rows.start + aside // shape[1], columns.start + aside % shape[1]
                near.append((i, j) if diagonal else (np.concatenate([i, j]), np.concatenate([j, i])))
            if near and (rows.stop == m or sum(len(i) for i, _ in near) > b * b):
                near_force = np.zeros_like(V) if near_force is None else near_force
                E, near = E + near_terms(W, near, near_force, s, half_space, angular, min_q), []
        E = weight * (sides * E + constant_pairs(m, s, half_space and include_self_antipodes, angular))
        # V = √2 U: the projection takes V/2, and the force of the block pairs is √2 K U
        force -= (0.5 * np.einsum("ij,ij->i", force, V))[:, None] * V
        force *= 2**0.5 * weight * sides * c  # before the division: 1/norm of very short rows may be the largest number there is
        force /= norm
        if near_force is not None:
            force += 2 * weight * sides * near_force / norm
        return checked_energy(E, V.dtype), checked_gradient(force)


def near_terms(W, near, force, s, half_space, angular, min_q):
    """Σ g of the pairs in the lists `near`, from the rows of W themselves; the forces on their first ones are added to `force`."""
    i, j = np.concatenate(near, axis=1)
    E = 0.0
    for part in parts(len(i), W.shape[1]):
        rows, at = np.unique(np.concatenate([i[part], j[part]]), return_inverse=True)
        a, b = at.reshape(2, -1)
        q, q_plus, T = near_pairs(scaled(W[rows])[0], a, b)
        no_coincidence(i[part], j[part], q, q_plus, half_space, min_q)
        sides = 2 if half_space else 1
        E += float(np.sum(pair_energies(q, q_plus, s, half_space, angular, min_q), dtype=np.float64)) / sides
        np.add.at(force, i[part], pair_slopes(q, q_plus, s, half_space, angular, min_q)[:, None] / sides * T)
    return E


def parts(n, d):
    """Slices of n rows of d numbers, each of a block's size."""
    length = max(1, BLOCK**2 // d)
    return (slice(k, k + length) for k in range(0, n, length))


def root_two_directions(W):
    """√2 ŵ_i, whose products are twice the cosines, and ‖w_i‖ (m, 1)."""
    norm = np.sqrt(np.einsum("ij,ij->i", W, W)[:, None])
    scale = 2**0.5 / norm
    limit = 1e30 if W.dtype == np.float32 else 1e200  # of all ‖w_i‖² together, and of all 2/‖w_i‖²
    if W.shape[0] >= 1 and W.shape[1] >= 2 and np.vdot(W, W) < limit and np.vdot(scale, scale) < limit:
        return W * scale, norm
    U, (_, norm) = project_forward(neurons(W))  # very long or short rows; or not a matrix of neurons, and it says why
    return 2**0.5 * U, norm


def upper_triangle(m, b):
    """Slices of rows and columns of the blocks on and above the diagonal."""
    for i in range(0, m, b):
        for j in range(i, m, b):
            yield slice(i, min(i + b, m)), slice(j, min(j + b, m))


def nearly_parallel(t2, rows, columns, half_space, angular, min_q):
    """Pairs of a block whose squared chord 2 − 2t has lost digits: flat indices of those to set aside, and (indices, q) to patch.

    A difference of directions is right to a rounding unit over its length, which is enough unless the pair is very close, or an
    angle's sine is wanted. Where the antipode matters, 2 + 2t likewise: the patch holds two lists, for q and for q_plus.
    """
    limit = max(NEAR[t2.dtype.char] if angular else PATCH[t2.dtype.char], min_q)
    both = half_space or angular
    (near,) = ((np.abs(t2) if both else t2) > 2 - limit).nonzero()
    if angular or not len(near):
        return near, ()
    i, j = np.divmod(near, len(columns))
    q = np.empty(len(near), t2.dtype)
    for part in parts(len(near), columns.shape[1]):
        to = columns.take(j[part], axis=0)
        if both:
            to *= np.sign(t2[near[part]])[:, None]
        to -= rows.take(i[part], axis=0)
        q[part] = np.einsum("ij,ij->i", to, to)
    q *= 0.5
    aside = near[q < max(ASIDE[t2.dtype.char], min_q)]
    if not both:
        return aside, ((near, q),)
    same = t2[near] > 0
    return aside, ((near[same], q[same]), (near[~same], q[~same]))


def block_terms(t2, z, more, s, angular, patch, idle):
    """Σ g of the pairs of a block and their slopes K/c_s, from twice their cosines t2; all arrays are scratch.

    `idle` lists what takes no part, as indices of flat arrays: pairs set aside, the diagonal. `more` holds one array where the
    half space adds the same for −t.
    """
    if angular:
        if more:
            np.multiply(t2, -0.5, out=more[0])
        t2 *= 0.5
    else:
        if more:
            np.add(2, t2, out=more[0])
        np.subtract(2, t2, out=t2)
    E, terms = 0.0, angle_terms if angular else chord_terms
    for x, K, (at, q) in zip((t2, *more), (z, t2), patch or ((NONE, 0),) * 2, strict=False):
        if len(at):
            x[at] = q
        E += terms(x, K, s, idle)
    if more:
        z -= t2
    return E, z


def silence(x, idle):
    """Set to 0 what takes no part. Not a large number taken off later: the energy may be smaller than its rounding."""
    for at in idle:
        x[at] = 0


def chord_terms(q, K, s, idle):
    """Σ q^{-s/2}, or −½ Σ log q; K becomes K/c_s = q^{-s/2-1}."""
    if s == 0:
        np.log(q, out=K)
        silence(K, idle)
        E = -0.5 * float(K.sum())
        np.divide(1, q, out=K)
    elif s == 1:
        np.sqrt(q, out=K)
        K *= q
        np.divide(1, K, out=K)
    elif s == 2:
        np.divide(1, q, out=K)
        K *= K
    else:
        np.power(q, -s / 2 - 1, out=K)
    silence(K, idle)
    return E if s == 0 else float(np.vdot(q, K))


def angle_terms(t, K, s, idle):
    """Σ θ^{-s}, or −Σ log θ, of the cosines t, which become θ; K becomes K/c_s = θ^{-s-1} / sin θ."""
    np.multiply(t, t, out=K)
    np.subtract(1, K, out=K)
    np.sqrt(K, out=K)  # sin θ
    np.arccos(t, out=t)
    K *= t
    if s == 0:
        np.divide(1, K, out=K)
        np.log(t, out=t)
        silence(t, idle)
        E = -float(t.sum())
    else:
        power = 1 / t if s == 1 else t**-s
        np.divide(power, K, out=K)
        silence(power, idle)
        E = float(power.sum())
    silence(K, idle)
    return E
