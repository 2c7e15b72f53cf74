"""Hyperspherical energy of m neurons and its gradient, from raw weights: everyone normalises, and differentiates through that.

torch: the formula and autograd, eager; the bar is for this. torch pdist: the distances by torch.pdist, which knows the full chord
only; faster than the formula where d is small, shown for information. jax: value_and_grad of the formula in one jit. All are held
to ours beforehand: on the rows that are timed, and in float64 on 517 rows. Rows are Gaussian, but for those within q = 1e-4 of
another or its antipode, which are drawn again: float32 peers lose all digits of such pairs.

share of the bound = (3 m² d / F + m²/2 · c) / ours: three products of m²/2 · 2d flops at F, the measured flop rate of np.matmul of
order 2048, and c, the measured time per pair of the elementwise passes for s = 1 over a block of 256² pairs that stays in cache
(subtract, sqrt, multiply, divide, multiply, dot product).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.util import find_spec
from statistics import median
from typing import Any

import numpy as np

from benchmarks.rounds import Contest, Row, duration, ratio

VARIANTS: dict[str, dict[str, Any]] = {  # as arguments of energy_and_gradient
    "s = 1": {"s": 1.0},
    "s = 0": {"s": 0.0},
    "s = 2": {"s": 2.0},
    "s = 1, half space": {"s": 1.0, "half_space": True},
    "s = 1, angular": {"s": 1.0, "angular": True},
}
DTYPES = ("float32", "float64")
PEERS = ("torch", "torch pdist", "jax")
# E and dW as timed, E and dW in float64. The formula 2 − 2t leaves q wrong by some 4 rounding units of 1: of q >= 1e-4 in float32
# by up to 5e-3, and s = 2 takes q to the power 2; in float64 by 1e-11. The energy is a sum over all pairs, of which few are near.
TOLERANCES = {"float32": (1e-4, 2e-2, 1e-10, 1e-9), "float64": (1e-10, 1e-9, 1e-10, 1e-9)}


def rows(rounds, only):
    with Contest("energy", ("ours", *PEERS)) as contest:
        for d in (3, 64):
            for variant in VARIANTS:
                for dtype in DTYPES:
                    yield from against_peers(contest, 4096, d, variant, dtype, rounds, only, {"torch": "<= 0.10", "jax": "<= 0.30"})
        for m in (64, 100, 256):
            for d in (3, 64):
                for dtype in DTYPES:
                    yield from against_peers(contest, m, d, "s = 1", dtype, rounds, only, {"jax": "<= 1.00"})
        for dtype in DTYPES:
            yield from against_peers(contest, 4096, 576, "s = 1", dtype, rounds, only, {})
    with Contest("energy", ("ours", "product", "passes")) as contest:
        for dtype in DTYPES:
            if only in (label := f"m = 4096, d = 576, s = 1, {dtype}: share of the bound"):
                yield share_of_bound(contest, label, 4096, 576, dtype, rounds)
    for variant in VARIANTS:
        if only in (label := f"a pair at angle 1e-6, {variant}: relative error"):
            yield accuracy(label, variant)


def against_peers(contest, m, d, variant, dtype, rounds, only, bars):
    """A row for each peer."""
    label = f"m = {m}, d = {d}, {variant}, {dtype}"
    if only not in label:
        return
    chord = variant in ("s = 1", "s = 0", "s = 2")
    names = [c for c in contest.workers if chord or c != "torch pdist"]
    times = contest.run({"m": m, "d": d, "variant": variant, "dtype": dtype}, TOLERANCES[dtype], rounds, names)
    for name in names[1:]:
        yield ratio(label, times, name, bars.get(name, ""))


def share_of_bound(contest, label, m, d, dtype, rounds):
    """Least time over ours, round by round."""
    times = contest.run({"m": m, "d": d, "variant": "s = 1", "dtype": dtype}, TOLERANCES[dtype], rounds)
    parts = zip(times.seconds["ours"], times.seconds["product"], times.seconds["passes"], strict=True)
    share = [(3 * m * m * d / (2 * 2048**3 / product) + m * m / 2 * passes / 256**2) / ours for ours, product, passes in parts]
    F = f"F = {2 * 2048**3 / times.typical('product') / 1e9:.0f} Gflop/s"
    return Row(label, duration(times.typical("ours")), F, median(share), min(share), max(share), ">= 0.90")


# ---- contenders
def make(contender, m, d, variant, dtype):
    """call() -> (E, dW), and what it computes: as timed, and in float64 on fewer rows."""
    W, few, machine = neurons(m, d).astype(dtype), neurons(517, d), {"product": product, "passes": passes}
    energy = ours if contender in machine else ENERGIES[contender]
    f, g = energy(W, **VARIANTS[variant]), energy(few, **VARIANTS[variant])
    call = machine[contender](dtype) if contender in machine else f
    return call, lambda: [np.asarray(a) for a in (*f(), *g())]


def neurons(m, d, seed=0):
    """Gaussian rows (m, d), of which no two directions, or one and another's antipode, are nearer than q = 1e-4."""
    rng = np.random.default_rng(seed)
    W = rng.standard_normal((m, d))
    while True:
        U = W / np.sqrt(np.sum(W * W, axis=1, keepdims=True))
        near = np.triu(np.abs(U @ U.T) > 1 - 0.5e-4, 1).any(axis=0)
        if not near.any():
            return W
        W[near] = rng.standard_normal((int(near.sum()), d))


def ours(W, **variant):
    from refimpl.papers.hyperspherical_energy import energy_and_gradient

    return lambda: energy_and_gradient(W, **variant)


def torch_energy(W, s, half_space=False, angular=False):
    import torch

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    W = torch.tensor(W, requires_grad=True)
    itself, constant = torch.eye(len(W), dtype=torch.bool), of_itself(len(W), s, half_space, angular)

    def kernel(q):
        return -0.5 * torch.log(q) if s == 0 else torch.rsqrt(q) if s == 1 else 1 / q if s == 2 else q ** (-s / 2)

    def energy():
        U = torch.nn.functional.normalize(W)
        t = (U @ U.T).masked_fill(itself, 0)
        if angular:
            return (torch.arccos(t) ** -s).sum() + constant
        if half_space:
            return 2 * (kernel(2 - 2 * t).sum() + kernel(2 + 2 * t).sum()) + constant
        return kernel(2 - 2 * t).sum() + constant

    return torch_call(energy, W)


def of_itself(m, s, half_space, angular):
    """What a sum over all i, j has to be given back, if the cosine of every row with itself is set to 0; in half space also the
    energy of every neuron with its own antipode."""
    distance = np.pi / 2 if angular else 2**0.5
    right_angle = -np.log(distance) if s == 0 else distance**-s
    return float(-4 * m * right_angle + 2 * m * (-np.log(2) if s == 0 else 2**-s) if half_space else -m * right_angle)


def torch_pdist(W, s):
    import torch

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    W = torch.tensor(W, requires_grad=True)

    def energy():
        r = torch.pdist(torch.nn.functional.normalize(W))
        return -2 * torch.log(r).sum() if s == 0 else 2 * (1 / r).sum() if s == 1 else 2 * (r**-s).sum()

    return torch_call(energy, W)


def torch_call(energy, W):
    def call():
        W.grad = None
        E = energy()
        E.backward()
        return E.item(), W.grad.numpy()

    return call


def jax_energy(W, s, half_space=False, angular=False):
    import jax
    import jax.numpy as jnp

    constant = of_itself(len(W), s, half_space, angular)

    def kernel(q):
        return -0.5 * jnp.log(q) if s == 0 else jax.lax.rsqrt(q) if s == 1 else 1 / q if s == 2 else q ** (-s / 2)

    def energy(W):
        U = W / jnp.sqrt(jnp.sum(W * W, axis=1, keepdims=True))
        t = jnp.where(jnp.eye(len(W), dtype=bool), 0, U @ U.T)
        if angular:
            return (jnp.arccos(t) ** -s).sum() + constant
        if half_space:
            return 2 * (kernel(2 - 2 * t).sum() + kernel(2 + 2 * t).sum()) + constant
        return kernel(2 - 2 * t).sum() + constant

    value_and_grad, W = jax.jit(jax.value_and_grad(energy)), jnp.array(W)

    def call():
        E, dW = value_and_grad(W)
        return float(E), np.asarray(dW)

    return call


ENERGIES: dict[str, Callable] = {"ours": ours, "torch": torch_energy, "torch pdist": torch_pdist, "jax": jax_energy}


# ---- what the machine can do
def product(dtype):
    """np.matmul of order 2048."""
    a = np.random.default_rng(0).standard_normal((2048, 2048)).astype(dtype)
    b, c = a.T.copy(), np.empty_like(a)
    return lambda: np.matmul(a, b, out=c)


def passes(dtype):
    """The elementwise passes of s = 1 over 256² pairs in cache."""
    t2 = np.random.default_rng(0).uniform(-1, 1, 256**2).astype(dtype)
    q, z = np.empty_like(t2), np.empty_like(t2)

    def call():
        np.subtract(2, t2, out=q)
        np.sqrt(q, out=z)
        np.multiply(q, z, out=q)
        np.divide(1, q, out=q)
        np.multiply(z, z, out=z)
        return np.vdot(q, z)

    return call


# ---- accuracy
def accuracy(label, variant):
    """Larger of the relative errors of E and dW (of its largest entry) in float64, against 50 digits."""
    if find_spec("mpmath") is None:
        return Row(label, "", "mpmath: ABSENT", None, None, None, "<= 1e-12")
    errors = [close_pair_error(variant, d, antipodal) for d in (3, 64) for antipodal in {False, "half" in variant}]
    return Row(label, "", "mpmath; worst first", max(errors), min(errors), max(errors), "<= 1e-12")


def close_pair_error(variant, d, antipodal, m=12):
    """Error with m rows, of which two are 1e-6 apart in angle, or from antipodal, and of different length."""
    import mpmath

    from refimpl.papers.hyperspherical_energy import energy_and_gradient

    W = neurons(m, d)
    u = W[0] / np.sqrt(W[0] @ W[0])
    v = W[1] - (W[1] @ u) * u
    W[1] = (-3.0 if antipodal else 3.0) * (np.cos(1e-6) * u + np.sin(1e-6) * v / np.sqrt(v @ v))
    E, dW = energy_and_gradient(W, **VARIANTS[variant])
    with mpmath.workdps(50):
        E_exact, dW_exact = exact(mpmath, W, **VARIANTS[variant])
    # the force on a row grows with 1/‖w‖: each row is measured by its own largest entry
    dW_error = np.max(np.max(np.abs(dW - dW_exact), axis=1) / np.max(np.abs(dW_exact), axis=1))
    return float(max(abs(E - E_exact) / abs(E_exact), dW_error))


def exact(mp, W, s, half_space=False, angular=False):
    """E and dW by the definition in mpmath: a double loop, the derivative of each kernel, and the chain rule of normalising."""
    W = [[mp.mpf(float(x)) for x in w] for w in W]
    norms = [mp.sqrt(mp.fsum(x * x for x in w)) for w in W]
    U = [[x / r for x in w] for w, r in zip(W, norms, strict=True)]
    E, dU = mp.mpf(0), [[mp.mpf(0)] * len(W[0]) for _ in W]
    for sign in (1, -1) if half_space else (1,):
        for i, u in enumerate(U):
            for j, v in enumerate(U):
                if i == j and sign == 1:
                    continue
                t = sign * mp.fsum(a * b for a, b in zip(u, v, strict=True))
                distance = mp.acos(t) if angular else mp.sqrt(2 - 2 * t)
                slope = 1 / mp.sqrt(1 - t * t) if angular and i != j else 1 / distance  # −∂distance/∂t
                factor = 2 if half_space else 1  # of both signs of the first
                E += factor * (-mp.log(distance) if s == 0 else distance**-s)
                if i != j:
                    k = factor * (1 / distance if s == 0 else s * distance ** (-s - 1)) * slope * sign
                    dU[i] = [g + 2 * k * b for g, b in zip(dU[i], v, strict=True)]  # as first and as second of the pair
    dW = []
    for u, g, r in zip(U, dU, norms, strict=True):
        radial = mp.fsum(a * b for a, b in zip(u, g, strict=True))
        dW.append([float((b - radial * a) / r) for a, b in zip(u, g, strict=True)])
    return float(E), np.array(dW)
