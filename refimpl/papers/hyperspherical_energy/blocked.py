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

from refimpl.manifolds.sphere import project_forward
from refimpl.papers.hyperspherical_energy.energy import (
    NEAR,
    checked_energy,
    checked_gradient,
    constant_pairs,
    exponent,
    kernel,
    kernel_slope,
    near_pairs,
    neurons,
    no_coincidence,
    off,
    pair_weight,
    scaled_rows,
)

BLOCK = 256  # a block of 256² float64 pairs is 512 KiB: two or three stay in a second-level cache


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
    Memory beyond W and dW: three copies of W and at most four blocks. float32 in, float32 out, the energy accumulated in float64.
    """
    if as_released:
        from refimpl.papers.hyperspherical_energy.released import released_energy_backward, released_energy_forward

        E, cache = released_energy_forward(W, s, half_space, angular)
        return E, released_energy_backward(1.0, cache)
    W, s = neurons(W, smooth=False), exponent(s)
    m, weight = len(W), pair_weight(len(W), half_space, reduction, include_self_antipodes)
    if block is not None and (isinstance(block, bool) or not isinstance(block, (int, np.integer)) or block < 1):
        raise ValueError(f"block: expected a whole number >= 1, got {block!r}")
    b = min(m, int(block or BLOCK))
    U, (_, norm) = project_forward(W)
    twice = U + U  # so that 2t comes out of the multiplication
    force, near_force = np.zeros_like(U), None
    scratch = np.empty((3 if half_space else 2, b * b), U.dtype)
    E, c = 0.0, (s if s > 0 else 1.0)
    with np.errstate(divide="ignore", over="ignore"):
        for rows in (slice(i, min(i + b, m)) for i in range(0, m, b)):
            for columns in (slice(j, min(j + b, m)) for j in range(rows.start, m, b)):
                shape = (rows.stop - rows.start, columns.stop - columns.start)
                t2, z, *more = (x[: shape[0] * shape[1]] for x in scratch)
                np.matmul(twice[rows], U[columns].T, out=t2.reshape(shape))  # twice the cosines
                diagonal = t2[:: shape[1] + 1] if rows == columns else t2[:0]
                diagonal[:] = 0
                aside = nearly_parallel(t2, half_space or angular, max(NEAR, min_q))
                K, e = block_terms(t2, z, more, s, angular, aside, shape[1] + 1 if rows == columns else 0)
                K = K.reshape(shape)
                E += e if rows == columns else 2 * e
                force[rows] += K @ U[columns]
                if rows != columns:
                    force[columns] += K.T @ U[rows]
                if len(aside):  # the nearly parallel pairs, one by one, in both orders
                    i, j = rows.start + aside // shape[1], columns.start + aside % shape[1]
                    if rows != columns:
                        i, j = np.concatenate([i, j]), np.concatenate([j, i])
                    if near_force is None:
                        near_force, scaled = np.zeros_like(U), scaled_rows(W)
                    q, q_plus, T = near_pairs(scaled, i, j, (min_q, min_q * half_space))
                    no_coincidence(i, j, q, q_plus, half_space)
                    g, slope = kernel(q, q_plus, s, angular), kernel_slope(q, q_plus, s, angular)
                    if half_space:
                        g, slope = g + kernel(q_plus, q, s, angular), slope - kernel_slope(q_plus, q, s, angular)
                    E += float(np.sum(g, dtype=np.float64))
                    np.add.at(near_force, i, slope[:, None] * T)
        sides = 2 if half_space else 1
        E = weight * (sides * E + constant_pairs(m, s, half_space and include_self_antipodes, angular))
        force = c * off(U, force)
        if near_force is not None:
            force += near_force
        return checked_energy(E, U.dtype), checked_gradient(2 * weight * sides * force / norm)


def nearly_parallel(t2, both_ends, limit):
    """Flat indices of the pairs of a block with 2 − 2t, or 2 + 2t where that matters, below the limit."""
    if both_ends:
        return np.flatnonzero(np.abs(t2) > 2 - limit) if max(t2.max(), -t2.min()) > 2 - limit else np.empty(0, int)
    return np.flatnonzero(t2 > 2 - limit) if t2.max() > 2 - limit else np.empty(0, int)


def block_terms(t2, z, more, s, angular, aside, diagonal):
    """Slopes K/c_s of the pairs of a block, and their Σ g, from twice their cosines t2; z and `more` are scratch.

    Pairs set aside, and every `diagonal`-th, take no part: distance 1 (so g = 1, or 0 for s = 0) going in, slope 0 coming out.
    `more` holds one array where the half space adds the same for −t.
    """

    def put(x, value):
        x[aside] = value
        if diagonal:
            x[::diagonal] = value

    idle = (len(aside) + (-(-len(t2) // diagonal) if diagonal else 0)) * (s > 0)
    if angular:
        for x, sign in zip([*more, t2], (-0.5, 0.5) if more else (0.5,), strict=True):
            np.multiply(t2, sign, out=x)
    else:
        if more:
            np.add(2, t2, out=more[0])
        np.subtract(2, t2, out=t2)
    E = 0.0
    for x in [t2, *more]:
        if angular:
            E += angle_terms(x, z, s, put) - idle
        else:
            put(x, 1)
            E += chord_terms(x, z, s) - idle
        put(x, 0)
    if more:
        t2 -= more[0]
    return t2, E


def chord_terms(q, z, s):
    """Σ q^{-s/2}, or −½ Σ log q; q becomes K/c_s = q^{-s/2-1}."""
    if s == 0:
        E = -0.5 * float(np.log(q, out=z).sum())
        np.divide(1, q, out=q)
    elif s == 2:
        E = float(np.divide(1, q, out=q).sum())
        q *= q
    elif s == 1:
        q *= np.sqrt(q, out=z)
        np.divide(1, q, out=q)
        z *= z
        E = float(np.vdot(q, z))
    else:
        np.power(q, -s / 2 - 1, out=z)
        E = float(np.vdot(q, z))
        q[:] = z
    return E


def angle_terms(t, z, s, put):
    """Σ θ^{-s}, or −Σ log θ; the cosines t become K/c_s = θ^{-s-1} / sin θ."""
    np.multiply(t, t, out=z)
    np.subtract(1, z, out=z)
    np.sqrt(z, out=z)  # sin θ
    np.arccos(t, out=t)
    put(t, 1)
    put(z, 1)
    z *= t
    if s == 0:
        E = -float(np.log(t).sum())
        np.divide(1, z, out=t)
    else:
        power = 1 / t if s == 1 else t**-s
        E = float(power.sum())
        np.divide(power, z, out=t)
    return E
