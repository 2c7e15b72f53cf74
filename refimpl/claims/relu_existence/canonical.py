"""Claims on equality of networks and on the number of neurons they need: E11, E12, E35 to E37, E48.

A network is made from a canonical form by moves that leave its function as it is, so that the form to be found is known beforehand.
"""

from itertools import combinations, product
from typing import Any, NamedTuple
from warnings import catch_warnings, simplefilter

import numpy as np

from refimpl.claims.claim import Choice, Floats, Integer, Seed, assume, claim, frozen, max
from refimpl.claims.relu_existence import definition as paper
from refimpl.nn.shallow import Shallow

M, K = Integer(1, 3), Integer(0, 4)
KINDS = Choice("K", "K+1", "K+2")


class Form(NamedTuple):
    """f = c0 + a·x + Σ kappa_k (n_k·x + beta_k)⁺, |n_k| = 1, the first entry of n_k that is not 0 positive."""

    c0: float
    a: np.ndarray
    n: np.ndarray
    beta: np.ndarray
    kappa: np.ndarray

    def __call__(self, X):
        return self.c0 + X @ self.a + np.maximum(X @ self.n.T + self.beta, 0) @ self.kappa

    @property
    def size(self):
        return 1 + abs(self.c0) + float(np.sum(np.abs(self.a))) + float(np.sum(np.abs(self.kappa) * (1 + np.abs(self.beta))))


def form(m, K, seed, kind="K+2", reach=0.8):
    """A random one that needs K, K + 1 or K + 2 neurons on R^m; entries of n may be 0, planes parallel, kinks down to 0.01. Planes
    are apart."""
    rng = np.random.default_rng([seed, 13])
    n = rng.normal(size=(K, m)) * (rng.random((K, m)) < 0.8)
    n[np.arange(K), rng.integers(0, m, K)] += 0.5 + rng.random(K)
    n /= np.sqrt(np.sum(n * n, axis=1))[:, None]
    assume(np.min(np.abs(n[n != 0]), initial=1) > 1e-2)
    n *= np.array([np.sign(row[np.flatnonzero(row)[0]]) for row in n]).reshape(K, 1)
    if K > 1 and rng.random() < 0.3:
        n[1:] = np.where(rng.random((K - 1, 1)) < 0.5, n[0], n[1:])
    beta, kappa = rng.uniform(-reach, reach, K), rng.choice([-1, 1], K) * np.exp(rng.uniform(np.log(0.01), np.log(2), K))
    for i, j in combinations(range(K), 2):
        assume(np.max(np.abs([*(n[i] - n[j]), beta[i] - beta[j]])) > 1e-2)
    a = -(kappa * (rng.random(K) < 0.5)) @ n  # what turning some of them round leaves
    if kind == "K+1":
        assume(K > 0)
        a = a + (0.3 + rng.random()) * n[rng.integers(0, K)] if m > 1 else a + 0.1234
    elif kind == "K+2":
        a = a + rng.normal(size=m)
    return Form(float(rng.normal()), a, n, beta, kappa)


def count(f):
    """K, K + 1 or K + 2, by trying all S and all k, and the constants; rejects what is within 1e-6 of another answer."""
    K = len(f.kappa)
    left = [f.a + (np.array(S) * f.kappa) @ f.n for S in product((0, 1), repeat=K)]
    none = min(float(np.sqrt(v @ v)) for v in left)
    along = min((float(np.sqrt(np.maximum(v @ v - (v @ n) ** 2, 0))) for v in left for n in f.n), default=np.inf)
    assume((none < 1e-12 or none > 1e-4) and (along < 1e-7 or along > 1e-4))  # the root of a rounding is some 1e-8
    return K if none < 1e-12 else K + 1 if along < 1e-7 else K + 2


# ---- moves
def networks(f, rng, moves, skip=False):
    """A network with the function f: neurons of f, some turned round, scaled, split, and dead ones between; the affine part by two
    neurons on one plane, or by the skip."""
    K, m = f.n.shape
    turned = rng.random(K) < 0.5 if "turn" in moves else np.zeros(K, bool)
    sign = np.where(turned, -1.0, 1.0)
    W: Any = list(sign[:, None] * f.n)
    b: Any = list(sign * f.beta)
    v: Any = list(f.kappa)
    a, c = f.a + f.kappa[turned] @ f.n[turned], f.c0 + float(f.kappa[turned] @ f.beta[turned])
    a = np.where(np.abs(a) < 1e-14 * f.size, 0.0, a)  # left by rounding
    if not skip and np.any(a != 0):  # a·x = (a·x + t)⁺ − (−a·x − t)⁺ − t
        t = float(rng.normal())
        W, b, v, c = [*W, a, -a], [*b, t, -t], [*v, 1.0, -1.0], c - t
    if "split" in moves and v:
        k, part = int(rng.integers(len(v))), float(rng.uniform(-1, 2))
        W, b, v = [*W, W[k]], [*b, b[k]], [*v, v[k] * (1 - part)]
        v[k] *= part
    if "dead" in moves:
        threshold, height = rng.normal(size=2)
        W, b, v = [*W, np.zeros(m), rng.normal(size=m)], [*b, threshold, rng.normal()], [*v, height, 0.0]
        c -= height * max(threshold, 0.0)
    s = np.exp(rng.uniform(-2, 2, len(v))) if "scale" in moves else np.ones(len(v))
    order = rng.permutation(len(v)) if "permute" in moves else np.arange(len(v))
    rows = np.array(W).reshape(-1, m) * s[:, None]
    W, b, v = (frozen(p[order]) for p in (rows, np.array(b) * s, np.array(v) / s))
    return Shallow(W, b, v, frozen(np.array(c)), frozen(a) if skip else ())


def off(got, f):
    """How far a canonical form is from the known one, planes compared in any order; infinity if their number is another."""
    n, beta, kappa = (np.asarray(p, float) for p in (got.n, got.beta, got.kappa))
    if n.shape != f.n.shape or beta.shape != f.beta.shape or kappa.shape != f.kappa.shape or np.shape(got.a) != f.a.shape:
        return np.inf
    gaps = [abs(float(got.c0) - f.c0), *np.abs(np.asarray(got.a) - f.a)]
    for k in range(len(f.kappa)):
        j = int(np.argmin(np.max(np.abs(n - f.n[k]), axis=1) + np.abs(beta - f.beta[k])))
        gaps += [*np.abs(n[j] - f.n[k]), abs(beta[j] - f.beta[k]), abs(kappa[j] - f.kappa[k])]
    return max(gaps) / f.size


def apart(one, two, f):
    """How far two canonical forms are from each other, entry by entry; infinity if their shapes differ."""
    pairs = [(np.asarray(p, float), np.asarray(q, float)) for p, q in zip(one, two, strict=True)]
    if any(p.shape != q.shape for p, q in pairs):
        return np.inf
    return max([0.0, *(float(np.max(np.abs(p - q), initial=0.0)) for p, q in pairs)]) / f.size


MOVES = Choice("none", "permute", "scale", "split", "turn", "dead", "turn split", "permute scale split turn dead")


# ---- the form
@claim(
    "E11", source="derived: canonical form", tolerance=1e-11, m=M, K=K, kind=KINDS, moves=MOVES,
    skip=Choice(False, True), seed=Seed(),
    catches="c0 that forgets κβ in a flip; n and −n merged without a flip; a group of κ = 0 deleted with its affine part; "
    "scaling by |(w, b)|; w = 0 dropped with its constant; an orientation that round-off decides; planes in the order of the "
    "neurons; small kinks taken for none",
)  # fmt: skip
def canonical_forms_see_the_function_alone(impl, m, K, kind, moves, skip, seed):
    """Permuting, scaling, splitting, turning round with compensation, and dead neurons leave the canonical form as it is, with its
    planes in one order, and it is the right one."""
    assume(not (kind == "K+1" and K == 0))
    f, rng = form(m, K, seed, kind), np.random.default_rng(seed)
    net = networks(f, rng, moves.split(), skip)
    if m > 1:  # noise of rounding where n is 0
        net = net._replace(W=frozen(net.W + 1e-16 * np.sqrt(np.sum(net.W**2, axis=1))[:, None] * rng.choice([-1, 1], net.W.shape)))
    got = impl.canonical_form(net)
    X = rng.normal(size=(5, m))
    rebuilt = float(got.c0) + X @ np.asarray(got.a) + np.maximum(X @ np.asarray(got.n).T + got.beta, 0) @ np.asarray(got.kappa)
    again = impl.canonical_form(networks(f, np.random.default_rng([seed, 1]), ("permute", *moves.split()), skip))
    return max(off(got, f), off(again, f), apart(got, again, f), float(np.max(np.abs(rebuilt - f(X)))) / f.size / 10)


@claim(
    "E48", source="derived: bounded domains", tolerance=1e-11, m=M, K=Integer(0, 3), kind=KINDS,
    domain=Choice("ball", "box", "hull"), border=Choice("missed", "touched"), seed=Seed(),
    catches="the domain ignored; a neuron that is on throughout left out, one that is off added; a plane that touches the border "
    "kept; a ball in place of a box or a hull",
)  # fmt: skip
def planes_that_miss_a_domain_do_not_break_there(impl, m, K, kind, domain, border, seed):
    """On a ball, a box or a convex hull a plane that misses the interior is no plane of the form: its neuron is affine there, or
    0."""
    assume(not (kind == "K+1" and K == 0))
    f, rng = form(m, K, seed, kind, reach=0.5), np.random.default_rng([seed, 2])
    radius, (low, high) = float(rng.uniform(0.7, 2)), rng.uniform(0.7, 1.5, (2, m)) * [[-1], [1]]
    points = np.concatenate([np.diag(rng.uniform(1, 2, m)), -np.diag(rng.uniform(1, 2, m)), np.zeros((1, m))])
    given, most = {  # the largest e·x; all of them contain the ball of radius 0.5, as 1/√3 is more
        "ball": (radius, lambda e: radius),
        "box": ((low, high), lambda e: float(np.sum(np.maximum(e * low, e * high)))),
        "hull": (points, lambda e: float(np.max(points @ e))),
    }[domain]
    inner, count = networks(f, rng, ("turn", "split", "scale")), int(rng.integers(1, 4))
    e, s = rng.normal(size=(count, m)), np.exp(rng.uniform(-1, 1, count))
    e /= np.sqrt(np.sum(e * e, axis=1))[:, None]
    on, height = rng.random(count) < 0.5, rng.choice([-1, 1], count) * rng.uniform(0.3, 2, count)
    farther = rng.uniform(1.02, 1.3, count) if border == "missed" else np.ones(count)
    beta = farther * np.where(on, [most(-row) for row in e], [-most(row) for row in e])  # e·x + beta is > 0 inside, or < 0
    order = rng.permutation(len(inner.v) + count)
    W, b, v = (frozen(np.concatenate(p)[order]) for p in ((inner.W, s[:, None] * e), (inner.b, s * beta), (inner.v, height / s)))
    inside = f._replace(a=f.a + height[on] @ e[on], c0=f.c0 + float(height[on] @ beta[on]))
    return off(impl.canonical_form(Shallow(W, b, v, inner.c), domain=given), inside)


@claim(
    "E35", source="derived: equality of responses", tolerance=0.5, m=M, K=Integer(1, 4), kind=KINDS,
    domain=Choice("space", "ball", "box"), change=Choice("none", "kink", "threshold", "slope", "constant", "normal", "hidden"),
    seed=Seed(),
    catches="points compared instead of functions; a constant ignored; planes outside the domain compared; planes that miss it "
    "dropped where they are positive",
)  # fmt: skip
def equal_functions_are_told_from_others(impl, m, K, kind, domain, change, seed):
    """Two networks are the same function on a domain if and only if their forms agree there; a plane that misses it does not
    break."""
    f, rng = form(m, K, seed, kind), np.random.default_rng(seed)
    first = networks(f, rng, ("turn", "split", "permute", "scale"))
    k, eps, g = int(rng.integers(K)), 1e-3, f
    if change == "kink":
        g = f._replace(kappa=f.kappa + eps * (np.arange(K) == k))
    elif change == "threshold":
        g = f._replace(beta=f.beta + eps * (np.arange(K) == k))
    elif change == "slope":
        g = f._replace(a=f.a + eps * np.eye(m)[0])
    elif change == "constant":
        g = f._replace(c0=f.c0 + eps)
    elif change == "normal":
        assume(m > 1)
        turned = f.n[k] + eps * np.roll(f.n[k], 1) * np.resize([1, -1], m)
        turned /= np.sqrt(turned @ turned)
        assume(np.max(np.abs(turned - f.n[k])) > 1e-5)
        g = f._replace(n=np.where(np.arange(K)[:, None] == k, turned, f.n))
    second = networks(g, rng, ("turn", "dead", "permute", "scale"))
    if change == "hidden":  # a neuron that breaks at distance 5, and what it is inside
        w, side = rng.normal(size=m), rng.choice([-1.0, 1.0])
        w /= np.sqrt(w @ w)
        W, b, v = (frozen(np.concatenate([p, q])) for p, q in zip(second[:3], (w[None], [5 * side], [0.7]), strict=True))
        second = Shallow(W, b, v, frozen(second.c - (3.5 if side > 0 else 0)), frozen(-0.7 * w if side > 0 else 0 * w))
    given = {"space": None, "ball": 2.0, "box": (-np.ones(m), np.ones(m))}[domain]  # the planes of f meet these
    expected = change == "none" or (change == "hidden" and domain != "space")
    got = impl.same_function(first, second) if given is None else impl.same_function(first, second, domain=given)
    return float(bool(got) != expected)


# ---- the number of neurons
@claim(
    "E12", source="derived: minimal number of neurons", tolerance=1e-10, m=M, K=K, kind=KINDS, compact=Choice(False, True),
    seed=Seed(),
    catches="the rule of R^m on a bounded domain; K + 1 always; subsets of one neuron only; a split that is no function of one "
    "plane; n + 1 for affine functions; the constant forgotten",
)  # fmt: skip
def minimal_networks_have_K_or_one_or_two_more_neurons(impl, m, K, kind, compact, seed):
    """A response with K planes needs K, K + 1 or K + 2 neurons on R^m, K or K + 1 on a bounded domain, by the criterion; and the
    network of so many is the function."""
    assume(not (kind == "K+1" and K == 0))
    f, rng = form(m, K, seed, kind), np.random.default_rng(seed)
    net, radius = networks(f, rng, ("turn", "split", "permute")), 3.0
    least = count(f)
    expected = min(least, K + 1) if compact else least
    got = impl.canonical_form(net, domain=radius) if compact else impl.canonical_form(net)
    small = impl.minimal_network(got, compact=True, radius=radius) if compact else impl.minimal_network(got)
    X = rng.normal(size=(20, m))
    X *= (radius * rng.random(20) / np.sqrt(np.sum(X * X, axis=1)))[:, None] if compact else 10.0
    if int(impl.neuron_count(got, compact)) != expected or len(small.v) != expected or np.size(small.a) * np.any(small.a):
        return np.inf
    offset = expected == K + (1 if compact else 2)  # of neurons that carry the affine part alone
    if int(impl.solution_dimension(got, compact)) != expected + offset:
        return np.inf
    scale = f.size * (1 + float(np.max(np.abs(X)))) + paper.size_of_terms(small, X) * 1e-3
    return float(np.max(np.abs(paper.response(small, X) - f(X)))) / scale


EXAMPLES = {  # W, b, v; neurons on R^m, on a ball of radius 3, dimension of the solutions on R^m
    "x+": ([[1.0]], [0.0], [1.0], 1, 1, 1),
    "x+ and 3x": ([[1.0], [3.0], [-3.0]], [0.0, 0, 0], [1.0, 1, -1], 2, 2, 2),
    "x in two halves": ([[1.0], [-1.0]], [0.0, 0], [1.0, -1], 2, 1, 3),
    "two halves of 0": ([[1.0], [1.0]], [0.5, 0.5], [1.0, -1], 0, 0, 0),
    "modulus": ([[1.0], [-1.0]], [0.0, 0], [1.0, 1], 2, 2, 2),
    "x+ and y": ([[1.0, 0], [0, 1], [0, -1]], [0.0, 0, 0], [1.0, 1, -1], 3, 2, 4),
    "x+ and y+ and x+y": ([[1.0, 0], [0, 1], [1, 1], [-1, -1]], [0.0, 1, 0, 0], [-1.0, -1, 1, -1], 2, 2, 2),
    "x+ and y+ and x": ([[1.0, 0], [0, 1], [1, 0], [-1, 0]], [0.0, 1, 0, 0], [2.0, -1, 1, -1], 3, 3, 3),
    "turned x+ and y+ and y": ([[-1.0, 0], [0, 1], [0, -1]], [0.0, 0, 0], [1.0, 1.5, -0.5], 3, 3, 3),
}


@claim(
    "E36", source="derived: examples of the count rule", tolerance=0.5, name=Choice(*EXAMPLES),
    catches="modulus x⁺ + (−x)⁺ taken for one plane of two kinks; x⁺ − (−x)⁺ = x taken for 0; K + 2 on a bounded domain",
)  # fmt: skip
def examples_need_as_many_neurons_as_they_should(impl, name):
    """x⁺ needs 1 neuron, x⁺ + 3x 2, x 2 or on an interval 1, x⁺ + y 3 or on a disc 2; solutions have as many dimensions as lengths,
    and a free offset for two neurons of a pair."""
    W, b, v, space, ball, dimension = EXAMPLES[name]
    net = Shallow(np.array(W), np.array(b), np.array(v), np.array(0.5))
    f, g = impl.canonical_form(net), impl.canonical_form(net, domain=3.0)
    got = impl.neuron_count(f), impl.neuron_count(g, True), impl.solution_dimension(f)
    return float(tuple(map(int, got)) != (space, ball, dimension))


@claim(
    "E37", source="derived: planes that nearly agree", tolerance=0.5, m=M, gap=Floats(1e-12, 1e-2, log=True),
    of=Choice("threshold", "normal"), seed=Seed(),
    catches="planes merged silently; a tolerance that is not used",
)  # fmt: skip
def nearly_equal_planes_are_merged_and_reported(impl, m, gap, of, seed):
    """Planes nearer than the tolerance are one, with a warning unless the distance is rounding; those that are farther are two."""
    of = of if m > 1 else "threshold"
    assume(not 3e-8 < gap < 3e-6)  # near the tolerance, 3e-7, a distance may be measured in several ways
    f = form(m, 1, seed)
    across = np.roll(f.n[0], 1) * np.resize([1, -1], m) if m > 1 else np.zeros(1)
    across = across - (across @ f.n[0]) * f.n[0]
    assume(of == "threshold" or np.sqrt(across @ across) > 0.1)
    n = f.n[0] + gap * across if of == "normal" else f.n[0]
    n = n / np.sqrt(n @ n)
    beta = f.beta[0] + (gap if of == "threshold" else 0.0)
    net = Shallow(np.array([f.n[0], n]), np.array([f.beta[0], beta]), np.array([1.0, 0.5]), np.array(0.0))
    with catch_warnings(record=True) as heard:
        simplefilter("always")
        got = impl.canonical_form(net, tol=3e-7)
    merged = gap < 3e-7
    return float(len(got.kappa) != (1 if merged else 2) or bool(heard) != merged)
