"""Points whose energy is known: sharp configurations, their relatives, and the starts of Caspar and Klug.

A configuration is *universally optimal* if it minimises the sum of every completely monotone function of the squared distance,
so the chord energy for all s ≥ 0 at once. Cohn and Kumar (Universally optimal distribution of points on spheres, 2007) proved
it for the simplex, the cross-polytope, the regular polygon and fourteen more, listed in CONFIGURATIONS with the inner products
that one of their points sees. Coordinates here are elementary: permutations and signs, or a slice of the E8 roots or of the
Leech lattice.

Functions that return points return unit rows, shape (n, d).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import combinations, permutations, product
from math import cos, pi, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from refimpl.doors import whole
from refimpl.manifolds.sphere import project_forward
from refimpl.papers.hyperspherical_energy.energy import exponent, kernel, pair_weight

PHI = (1 + sqrt(5)) / 2


def unit(rows: ArrayLike) -> np.ndarray:
    """The rows at length one."""
    return project_forward(np.array(rows, dtype=np.float64))[0]


# ---- families
def simplex(n: int) -> np.ndarray:
    """Regular simplex: n ≥ 2 points in n − 1 dimensions, every cosine −1/(n−1). (Helmert's contrasts, transposed.)"""
    n = whole("n", n, 2)
    k = np.arange(1, n)
    H = np.tril(np.ones((n - 1, n))) - np.diag(k, 1)[:-1]  # row k: k ones, then −k
    return unit((H / np.sqrt(k * (k + 1.0))[:, None]).T)


def cross_polytope(d: int) -> np.ndarray:
    """±e_i: 2d points in d ≥ 2 dimensions; the octahedron for d = 3."""
    return np.concatenate([np.eye(whole("d", d, 2)), -np.eye(d)])


def polygon(n: int) -> np.ndarray:
    """Regular n-gon, the n-th roots of unity, in the plane; n ≥ 2."""
    angle = 2 * pi * np.arange(whole("n", n, 2)) / n
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def demihypercube(d: int) -> np.ndarray:
    """(±1)^d/√d with an even number of minus signs: 2^(d−1) points; the hemicube for d = 5."""
    return unit([x for x in product((1, -1), repeat=whole("d", d, 2)) if np.prod(x) > 0])


# ---- three dimensions
def icosahedron() -> np.ndarray:
    """Cyclic permutations of (0, ±1, ±φ): 12 points."""
    return unit([np.roll((0, a, b * PHI), k) for k in range(3) for a in (1, -1) for b in (1, -1)])


def cube() -> np.ndarray:
    """(±1)³/√3: 8 points."""
    return unit(list(product((1, -1), repeat=3)))


def square() -> np.ndarray:
    """Four points on a great circle of the sphere."""
    return np.concatenate([polygon(4), np.zeros((4, 1))], axis=1)


def bipyramid(n: int) -> np.ndarray:
    """Regular (n−2)-gon on the equator and the two poles, n ≥ 4; minimal for s = 0 and n = 5, and as far as known n = 7."""
    ring = polygon(whole("n", n, 4) - 2)
    return np.concatenate([np.concatenate([ring, np.zeros((n - 2, 1))], axis=1), [[0, 0, 1], [0, 0, -1]]])


def caspar_klug(h: int, k: int) -> np.ndarray:
    """Points of a triangular lattice wrapped round the icosahedron: 10(h² + hk + k²) + 2 points, with the icosahedron's rotations.

    On each face, corners A, B, C seen anticlockwise from outside, lattice points (x, y) with A = (0, 0), B = (h, k), C = (−k, h+k)
    are (x, y) = uB + vC, u, v ≥ 0, u + v ≤ 1, and (1−u−v)A + uB + vC is moved out to the sphere.

    Close to the minimum of the energy for many n, so a good start; for (2, 0), n = 42, descent from it ends in a local minimum
    0.178 above the best known. Raises ValueError unless h ≥ 1 and k ≥ 0.
    """
    h, k = whole("h", h, 1), whole("k", k, 0)
    V, size = icosahedron(), h * h + h * k + k * k
    edge = V @ V.T > 0.4  # neighbours have cosine 1/√5
    points: dict[tuple, np.ndarray] = {}
    for a, b, c in permutations(range(12), 3):
        if not (a < b and a < c and edge[a, b] and edge[b, c] and edge[c, a] and np.linalg.det(V[[a, b, c]]) > 0):
            continue
        for x, y in product(range(-k, h + 1), range(h + k + 1)):
            u, v = (h * x + k * x + k * y), (h * y - k * x)  # times size; solves (x, y) = uB + vC
            if u >= 0 and v >= 0 and u + v <= size:
                p = (size - u - v) * V[a] + u * V[b] + v * V[c]
                p /= sqrt(p @ p)
                points.setdefault(tuple(np.round(p, 9) + 0.0), p)  # corners and edges belong to several faces; + 0.0: no −0
    return np.array(list(points.values()))


def triangulation_number(n: int) -> tuple[int, int] | None:
    """(h, k), h ≥ k, with n = 10(h² + hk + k²) + 2 if there is one: (1, 0) for 12, (2, 1) for 72; the most nearly equal h and k."""
    for k in range(int(sqrt(max(n - 2, 0) / 30)) + 1, -1, -1):
        for h in range(max(k, 1), int(sqrt(max(n - 2, 0) / 10)) + 1):
            if 10 * (h * h + h * k + k * k) + 2 == n:
                return h, k
    return None


# ---- four dimensions
def cell_24() -> np.ndarray:
    """Permutations of (±1, ±1, 0, 0)/√2: 24 points. Not universally optimal, though no better is known for the energies."""
    return unit([x for x in product((0, 1, -1), repeat=4) if x.count(0) == 2])


def cell_600() -> np.ndarray:
    """±e_i, (±½)⁴ and the even permutations of ½(±φ, ±1, ±1/φ, 0): 120 points."""
    even = [p for p in permutations(range(4)) if np.linalg.det(np.eye(4)[list(p)]) > 0]
    golden = [np.array((a * PHI, b, c / PHI, 0))[list(p)] for p in even for a, b, c in product((1, -1), repeat=3)]
    return unit([*cross_polytope(4), *product((1, -1), repeat=4), *golden])


# ---- slices of two lattices
def slice_of(X: np.ndarray, poles: ArrayLike, products: ArrayLike) -> np.ndarray:
    """The rows of X whose inner products with the poles are the given ones, projected off the poles, in coordinates there.

    X (n, d), poles (k, d) linearly independent, products (k,) -> unit rows (., d − k).
    """
    poles = np.array(poles, dtype=np.float64)
    inside = np.all(np.abs(X @ poles.T - products) < 1e-9, axis=1)
    complement = np.linalg.qr(poles.T, mode="complete")[0][:, len(poles) :]  # (d, d − k)
    return unit(X[inside] @ complement)


def e8() -> np.ndarray:
    """The roots of E8: permutations of (±1, ±1, 0⁶)/√2, and (±1)⁸/√8 with an even number of minus signs: 240 points."""
    two = [np.eye(8)[i] * a + np.eye(8)[j] * b for i, j in combinations(range(8), 2) for a, b in product((1, -1), repeat=2)]
    return np.concatenate([unit(two), demihypercube(8)])


def points_56() -> np.ndarray:
    """The neighbours of one root of E8, seen from it: 56 points in 7 dimensions, 28 equiangular lines."""
    X = e8()
    return slice_of(X, X[:1], [1 / 2])


def schlaefli() -> np.ndarray:
    """The neighbours of one of those 56: 27 points in 6 dimensions, the 27 lines on a cubic surface."""
    X = points_56()
    return slice_of(X, X[:1], [1 / 3])


def golay() -> np.ndarray:
    """The extended binary Golay code: 4096 words of 24 bits, any two of which differ in at least 8.

    Multiples of x¹¹+x⁹+x⁷+x⁶+x⁵+x+1 modulo x²³−1 over two elements, and a bit of parity.
    """
    generator = np.zeros(23, int)
    generator[[0, 1, 5, 6, 7, 9, 11]] = 1
    rows = np.array([np.roll(generator, k) for k in range(12)])
    rows = np.concatenate([rows, rows.sum(axis=1, keepdims=True) % 2], axis=1)
    return np.array(list(product((0, 1), repeat=12))) @ rows % 2


def leech_vectors() -> np.ndarray:
    """Shortest vectors of the Leech lattice times √8, whole numbers of squared length 32: 196560 of them, shape (196560, 24), int8.

    1104 of shape (±4², 0²²); 97152 of (±2⁸, 0¹⁶) on an octad of the Golay code, an even number of signs negative; 98304 of
    (−3, 1²³) with the signs on a word of the code changed.
    """
    words = golay()
    four = [np.eye(24)[i] * a + np.eye(24)[j] * b for i, j in combinations(range(24), 2) for a, b in product((4, -4), repeat=2)]
    even = np.sqrt(8) * demihypercube(8)  # (128, 8) of ±1
    two = np.zeros((759, 128, 24))
    for block, octad in zip(two, words[words.sum(axis=1) == 8], strict=True):
        block[:, octad == 1] = 2 * even
    odd = (1 - 4 * np.eye(24)) * (1 - 2 * words[:, None])  # (4096, 24, 24)
    return np.rint(np.concatenate([four, two.reshape(-1, 24), odd.reshape(-1, 24)])).astype(np.int8)


# A vector of the second shortest kind, squared length 48 in these units, another at squared distance 32 from it, and a shortest one
_THREE, _OTHER, _SHORT = (1, 5) + (1,) * 22, (5, 1) + (1,) * 22, (4, 4) + (0,) * 22


def leech() -> np.ndarray:
    """The shortest vectors of the Leech lattice: 196560 points in 24 dimensions, 38 MB. Too many for all pairs at once."""
    return leech_vectors() / sqrt(32)


def points_4600() -> np.ndarray:
    """The neighbours of one shortest vector of the Leech lattice: 4600 points in 23 dimensions."""
    return slice_of(leech_vectors(), [_SHORT], [16])


def points_891() -> np.ndarray:
    """The neighbours of one of those 4600: 891 points in 22 dimensions."""
    X = points_4600()
    return slice_of(X, X[:1], [1 / 3])


def points_552() -> np.ndarray:
    """Halfway to a vector of the second shortest kind: 552 points in 23 dimensions, 276 equiangular lines."""
    return slice_of(leech_vectors(), [_THREE], [24])


def mclaughlin() -> np.ndarray:
    """Those of the 552 at cosine 1/5 from one: 275 points in 22 dimensions."""
    X = points_552()
    return slice_of(X, X[:1], [1 / 5])


def points_162() -> np.ndarray:
    """Those of the 275 at cosine 1/6 from one: 162 points in 21 dimensions."""
    X = mclaughlin()
    return slice_of(X, X[:1], [1 / 6])


def points_112() -> np.ndarray:
    """Those of the 275 at cosine −1/4 from one: 112 points in 21 dimensions."""
    X = mclaughlin()
    return slice_of(X, X[:1], [-1 / 4])


def higman_sims() -> np.ndarray:
    """Vectors of the Leech lattice as near to 0 as to two of the second shortest kind: 100 points in 22 dimensions."""
    return slice_of(leech_vectors(), [_THREE, _OTHER], [24, 24])


# ---- the table
class Configuration(NamedTuple):
    """n points in d dimensions, each of which sees the same cosines t_k, m_k times each."""

    name: str
    d: int
    n: int
    cosines: tuple[tuple[float, int], ...]  # (t, multiplicity); Σ m = n−1, Σ m t = −1, Σ m t² = n/d − 1
    points: Callable[[], np.ndarray]
    universal: bool = True  # minimises every completely monotone energy

    @property
    def antipodal(self) -> bool:
        """With each point its antipode."""
        return any(t == -1 for t, _ in self.cosines)


def _both(*pairs: tuple[float, int]) -> tuple[tuple[float, int], ...]:
    """±t of equal multiplicity."""
    return tuple((sign * t, m) for t, m in pairs for sign in (1, -1))


_ANTIPODE = ((-1.0, 1),)
CONFIGURATIONS = (
    Configuration("icosahedron", 3, 12, _both((1 / sqrt(5), 5)) + _ANTIPODE, icosahedron),
    Configuration("600-cell", 4, 120, _both((PHI / 2, 12), (1 / 2, 20), (1 / (2 * PHI), 12)) + ((0.0, 30),) + _ANTIPODE, cell_600),
    Configuration("hemicube", 5, 16, ((1 / 5, 10), (-3 / 5, 5)), partial(demihypercube, 5)),
    Configuration("Schläfli", 6, 27, ((1 / 4, 16), (-1 / 2, 10)), schlaefli),
    Configuration("56 points", 7, 56, _both((1 / 3, 27)) + _ANTIPODE, points_56),
    Configuration("E8", 8, 240, _both((1 / 2, 56)) + ((0.0, 126),) + _ANTIPODE, e8),
    Configuration("112 points", 21, 112, ((1 / 9, 81), (-1 / 3, 30)), points_112),
    Configuration("162 points", 21, 162, ((1 / 7, 105), (-2 / 7, 56)), points_162),
    Configuration("Higman-Sims", 22, 100, ((1 / 11, 77), (-4 / 11, 22)), higman_sims),
    Configuration("McLaughlin", 22, 275, ((1 / 6, 162), (-1 / 4, 112)), mclaughlin),
    Configuration("891 points", 22, 891, ((1 / 4, 336), (-1 / 8, 512), (-1 / 2, 42)), points_891),
    Configuration("552 points", 23, 552, _both((1 / 5, 275)) + _ANTIPODE, points_552),
    Configuration("4600 points", 23, 4600, _both((1 / 3, 891)) + ((0.0, 2816),) + _ANTIPODE, points_4600),
    Configuration("Leech", 24, 196560, _both((1 / 2, 4600), (1 / 4, 47104)) + ((0.0, 93150),) + _ANTIPODE, leech),
    Configuration("24-cell", 4, 24, _both((1 / 2, 8)) + ((0.0, 6),) + _ANTIPODE, cell_24, universal=False),
)


def simplex_of(n: int) -> Configuration:
    """The regular simplex as a row of the table."""
    return Configuration("simplex", n - 1, n, ((-1 / (n - 1), n - 1),), partial(simplex, n))


def cross_polytope_of(d: int) -> Configuration:
    """The cross-polytope as a row of the table."""
    return Configuration("cross-polytope", d, 2 * d, ((0.0, 2 * d - 2), *_ANTIPODE), partial(cross_polytope, d))


def polygon_of(n: int) -> Configuration:
    """The regular polygon as a row of the table; its cosines come in pairs, but for −1 of an even one."""
    cosines = tuple((cos(2 * pi * k / n), 2) for k in range(1, (n + 1) // 2))
    return Configuration("polygon", 2, n, cosines + (_ANTIPODE if n % 2 == 0 else ()), partial(polygon, n))


def configuration(name: str) -> Configuration:
    """The row of that name. Raises ValueError naming those there are."""
    for c in CONFIGURATIONS:
        if c.name == name:
            return c
    raise ValueError(f"name: expected one of {', '.join(c.name for c in CONFIGURATIONS)}, got {name!r}")


def energy_from_distances(c: Configuration, s: float = 1.0, angular: bool = False, reduction: str = "sum_unordered") -> float:
    """Energy of a configuration from its table of cosines: n Σ m g(t) over ordered pairs; by default each pair once.

    196560 points are as cheap as 12. Right to rounding of the cosines, so to some units over the least 2 − 2t: for a polygon of
    thousands :func:`circle_minimum` keeps more digits. Raises ValueError on a bad s or reduction.
    """
    s, weight = exponent(s), pair_weight(c.n, False, reduction)
    t, m = np.array(c.cosines).T
    return float(weight * c.n * np.sum(m * kernel(2 - 2 * t, 2 + 2 * t, s, angular)))
