"""Claims on what the reduced space is joined with: repulsion of neurons, R33 and R34, and motion of constant energy, R26.

Tolerances: powers of distances lose a rounding over the distance for each unit of s; closer pairs than 0.02 are left out.
"""

import numpy as np

from refimpl.claims.born_infeld.spaces import billiard, great_circles
from refimpl.claims.claim import Choice, Floats, Integer, Seed, assume, claim, frozen, max
from refimpl.claims.nn.definition import complex_step
from refimpl.claims.reduced_space.definition import REACH, directions
from refimpl.claims.reduced_space.training import FORM, N, point

M, D, S = Integer(1, 6), Integer(1, 5), Choice(1, 0, 2, 0.5, 3.3)
PLANES = Choice(False, True)


def neurons(rng, m, d, reach):
    """Unit rows and thresholds in [−X, X]."""
    return frozen(directions(rng, m, d)), frozen(reach * rng.uniform(-1, 1, m))


def square(W, b, i, j, reach, sign):
    """|w_i − sign w_j|² + (b_i − sign b_j)²/X²."""
    return sum((p - sign * q) ** 2 for p, q in zip(W[i], W[j], strict=True)) + ((b[i] - sign * b[j]) / reach) ** 2


def nearest(W, b, i, j, reach, planes):
    """The smaller of the two signs, if they may be exchanged."""
    one, other = (square(W, b, i, j, reach, sign) for sign in (1, -1))
    return other if planes and np.real(other) < np.real(one) else one


def energy(W, b, reach, s, planes):
    """The sum over pairs."""
    pairs = [nearest(W, b, i, j, reach, planes) for j in range(len(W)) for i in range(j)]
    return sum(-np.log(q) / 2 if s == 0 else q ** (-s / 2) for q in pairs) if pairs else 0.0


def well_apart(W, b, reach, s, planes):
    """Rejects pairs that nearly coincide, and ties of the two signs; Σ D^(−s−1) over pairs, the size of the gradient."""
    size = 0.0
    for j in range(len(W)):
        for i in range(j):
            one, other = (square(W, b, i, j, reach, sign) for sign in (1, -1))
            assume(nearest(W, b, i, j, reach, planes) > 4e-4 and (not planes or abs(one - other) > 1e-6))
            size += nearest(W, b, i, j, reach, planes) ** (-(s + 1) / 2)
    return max(1.0, size)


@claim(
    "R33", source="derived: repulsion of pairs (w, b)", tolerance=1e-12, draws=80, m=M, d=D, reach=REACH, s=S, planes=PLANES,
    seed=Seed(),
    catches="each pair twice; b_i − b_j without 1/X, or with 1/X²; s for s + 2 in the gradient; w_i + w_j for w_i − w_j; −s "
    "forgotten; the logarithm of the square",
)  # fmt: skip
def neurons_repel_each_other_as_pairs(impl, m, d, reach, s, planes, seed):
    """The energy is the sum over pairs of D^−s, or −log D, D² = |w_i − w_j|² + (b_i − b_j)²/X², the smaller over the sign of (w_j,
    b_j) for planes; its backward is the derivative."""
    rng = np.random.default_rng(seed)
    W, b = neurons(rng, m, d, reach)
    size = well_apart(W, b, reach, s, planes)
    more = {"planes": True} if planes else {}
    E, cache = impl.repulsion_forward(W, b, reach, s, **more)
    dE = float(rng.normal())
    dW, db = (np.asarray(g) for g in impl.repulsion_backward(dE, cache))
    expected = [complex_step(lambda W, b: dE * energy(W, b, reach, s, planes), (W, b), k) for k in range(2)]
    gaps = [E - energy(W, b, reach, s, planes), *np.ravel(dW - expected[0]), *reach * np.ravel(db - expected[1])]
    return float(np.max(np.abs(gaps))) / size / (1 + abs(dE)) / (1 + s)


@claim(
    "R34", source="derived: symmetries of the repulsion", tolerance=1e-12, draws=80, m=M, d=D, reach=REACH, s=S, planes=PLANES,
    part=Choice("rotation", "order", "units", "sides", "parallel"), seed=Seed(),
    catches="thresholds that do not repel, so that parallel neurons coincide; an energy of the neurons where that of planes is "
    "asked for, and the other way round; a weight by the place in the list",
)  # fmt: skip
def repulsion_has_the_symmetries_of_the_neurons(impl, m, d, reach, s, planes, part, seed):
    """Rotating all w, another order, or b and X in other units leave the energy; the other side of a plane only that of planes;
    neurons of one direction are |b_i − b_j|/X apart."""
    rng = np.random.default_rng(seed)
    W, b = neurons(rng, m, d, reach)
    if part == "parallel":
        W = frozen(np.repeat(W[:1], m, axis=0))
    size = well_apart(W, b, reach, s, planes)
    more = {"planes": True} if planes else {}
    before = float(impl.repulsion_forward(W, b, reach, s, **more)[0])
    if part == "parallel":
        gaps = [abs(b[i] - b[j]) / reach for j in range(m) for i in range(j)]
        # for planes, turning one of them round puts it 2 away in w, and nearer in b
        D = [
            min(g, np.sqrt(4 + ((b[i] + b[j]) / reach) ** 2)) if planes else g
            for g, (i, j) in zip(gaps, [(i, j) for j in range(m) for i in range(j)], strict=True)
        ]
        return abs(before - sum(-np.log(g) if s == 0 else g**-s for g in D)) / size / (1 + s)
    sides = rng.choice([-1.0, 1.0], m) if part == "sides" else np.ones(m)
    order = rng.permutation(m) if part == "order" else np.arange(m)
    Q = np.linalg.qr(rng.normal(size=(d, d)))[0] if part == "rotation" else np.eye(d)
    unit = float(rng.uniform(0.1, 10)) if part == "units" else 1.0
    W2, b2 = frozen((sides[:, None] * W @ Q)[order]), frozen((unit * sides * b)[order])
    if part == "sides" and not planes:
        well_apart(W2, b2, reach, s, planes)
        return (
            abs(float(impl.repulsion_forward(W2, b2, reach, s)[0]) - energy(W2, b2, reach, s, False))
            / (size + well_apart(W2, b2, reach, s, False))
            / (1 + s)
        )
    return abs(float(impl.repulsion_forward(W2, b2, unit * reach, s, **more)[0]) - before) / size / (1 + s)


@claim(
    "R26", source="derived: motion that conserves energy", tolerance=1e-11, draws=60, d=Integer(1, 5), N=N,
    reach=Floats(0.1, 10, log=True), a=Floats(0, 5), part=Choice("drift", "back", "tangent"), form=FORM, seed=Seed(),
    catches="a retraction for the great circle; π not carried along; b clipped, or its momentum not turned at a wall; the places "
    "of w, b and c exchanged; a sign that moves",
)  # fmt: skip
def free_motion_keeps_to_the_reduced_space(impl, d, N, reach, a, part, form, seed):
    """Free motion takes each w along its great circle, b between the walls ±X hit by hit, c straight on; |π| stays as it is, and
    with −π everything returns."""
    rng = np.random.default_rng(seed)
    at = point(rng, d, N, reach, form, border=0)
    space, v = impl.reduced_motion(at.unravel, reach), rng.normal(size=len(at.theta))
    pi = at.tangent(v)
    if part == "tangent":
        return float(np.max(np.abs(np.asarray(space.tangent(at.theta, frozen(v))) - pi)))
    there, pi_there = (np.array(u) for u in space.drift(at.theta, frozen(pi), a))
    scale = (1 + a) * (1 + float(np.max(np.abs(pi)))) ** 2 * max(1.0, reach, 1 / reach)  # a reflection costs a rounding of a|π|/X
    kept = abs(float(np.sqrt(pi_there @ pi_there)) / float(np.sqrt(pi @ pi)) - 1)
    if part == "back":
        back, pi_back = space.drift(frozen(there), frozen(-pi_there), a)
        return max(kept, float(np.max(np.abs(back - at.theta))) / scale, float(np.max(np.abs(pi_back + pi))) / scale)
    expected, pi_expected = at.theta + a * pi, np.array(pi)
    w, p = great_circles(at.theta[at.W].ravel(), pi[at.W].ravel(), a, N, d)
    expected[at.W], pi_expected[at.W] = w.reshape(N, d), p.reshape(N, d)
    walls = [billiard(b, v, a, -reach, reach) for b, v in zip(at.theta[at.b], pi[at.b], strict=True)]
    assume(all(abs(abs(b) - reach) > 1e-9 * reach for b, _ in walls))  # at a wall either sign is right
    expected[at.b], pi_expected[at.b] = np.array(walls).T
    return max(kept, float(np.max(np.abs(there - expected))) / scale, float(np.max(np.abs(pi_there - pi_expected))) / scale)
