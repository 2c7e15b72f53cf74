"""Claims on generalized responses with many planes, and on balance: E20, E21, E46.

Responses are built from planes that are known to be kinks or jumps, so that multiplicity and dimension are known beforehand.
"""

from itertools import combinations
from typing import NamedTuple

import numpy as np

from refimpl.claims.claim import Choice, Floats, Integer, Seed, assume, claim, frozen, max
from refimpl.claims.relu_existence import definition as paper
from refimpl.claims.relu_existence.definition import network
from refimpl.claims.relu_existence.risk import FORM, same_form, written
from refimpl.nn.shallow import shallow


class Planes(NamedTuple):
    """G(x) = a·x + c + Σ_k 1{u_k·x + beta_k > 0} (slope_k·x + offset_k), |u_k| = 1."""

    a: np.ndarray
    c: float
    u: np.ndarray
    beta: np.ndarray
    slope: np.ndarray
    offset: np.ndarray
    jumps: np.ndarray  # which planes are jumps, not kinks

    def __call__(self, X):
        return np.array([float(self.a @ x) + self.c + self.added(x) for x in X])

    def added(self, x):
        terms = zip(self.u, self.beta, self.slope, self.offset, strict=True)
        return sum(float(slope @ x + offset) for u, beta, slope, offset in terms if u @ x + beta > 0)

    def generalized(self, impl, lengths=1.0):
        s = lengths * np.ones(len(self.beta))
        return impl.generalized(self.a, self.c, s[:, None] * self.u, s * self.beta, self.slope, self.offset)


def planes(m, jumps, kinks, seed, affine=True):
    """Random planes through the ball of radius 1, apart from each other; kinks and jumps, in any order. Some jumps vanish at the
    point of their plane next to the origin, if it has others."""
    rng, K = np.random.default_rng([seed, 19]), jumps + kinks
    u = rng.normal(size=(K, m))
    u /= np.sqrt(np.sum(u * u, axis=1))[:, None]
    beta = rng.uniform(-0.9, 0.9, K)
    for i, j in combinations(range(K), 2):
        assume(np.max(np.abs([*(u[i] - u[j]), beta[i] - beta[j]])) > 0.03)
        assume(np.max(np.abs([*(u[i] + u[j]), beta[i] + beta[j]])) > 0.03)
    jump = rng.permutation(np.arange(K) < jumps)
    kappa = rng.choice([-1, 1], K) * rng.uniform(0.3, 2, K)
    slope, offset = kappa[:, None] * u, kappa * beta
    slope[jump] += rng.normal(size=(jumps, m))
    offset[jump] += rng.choice([-1, 1], jumps) * rng.uniform(0.5, 1, jumps)
    if m > 1:  # slope += t, t ⟂ u: along the plane alone, 0 at −βu
        there = jump & (rng.random(K) < 0.5)
        t = rng.normal(size=(K, m))
        t -= np.sum(t * u, axis=1)[:, None] * u
        assume(np.all(np.sum(t * t, axis=1) > 0.01))
        slope, offset = np.where(there[:, None], kappa[:, None] * u + t, slope), np.where(there, kappa * beta, offset)
    if m == 1:  # no jump may be 0 at its point
        assume(np.all(np.abs(offset - slope[:, 0] * beta / u[:, 0])[jump] > 0.1))
    a = rng.normal(size=m) if affine else -1.0 * (rng.random(K) < 0.5) @ slope
    return Planes(a, float(rng.normal()), u, beta, slope, offset, jump)


def inside(m, n, rng, radius=1.5):
    """Points of a ball."""
    X = rng.normal(size=(n, m))
    return X * (radius * rng.random(n) / np.sqrt(np.sum(X * X, axis=1)))[:, None]


@claim(
    "E20", source="derived: ramps and kinks", tolerance=1.0, m=Integer(1, 3), jumps=Integer(0, 3), kinks=Integer(0, 3),
    T=Floats(30, 1e6, log=True), seed=Seed(),
    catches="two neurons for a kink; one wedge that reaches into another's side; the skip left out; planes that are not "
    "normalised; the indicator of the other side",
)  # fmt: skip
def ramps_replace_every_jump_and_keep_every_kink(impl, m, jumps, kinks, T, seed):
    """A response with jumps and kinks is met exactly beyond the wedges, by a network of two neurons for each jump and one for each
    kink, with a skip."""
    G, rng = planes(m, jumps, kinks, seed), np.random.default_rng(seed)
    lengths = np.exp(rng.uniform(-1, 1, jumps + kinks))
    given, X = G.generalized(impl, lengths), inside(m, 40, rng)
    distance, height = np.abs(X @ G.u.T + G.beta), np.abs(X @ G.slope.T + G.offset)
    own = G(X)
    off_planes = np.all(distance > 1e-9, axis=1)
    beyond = np.all((distance > height / T) | ~G.jumps, axis=1)
    net, size = shallow(impl.ramp(given, T))[0], 1 + float(np.max(np.abs(own)))
    got = np.asarray(impl.generalized_response(given, X))
    return max(
        2.0 * (len(net.v) != 2 * jumps + kinks),
        float(np.max(np.abs(paper.response(net, X) - own), where=beyond, initial=0)) / (1e-14 * T * size * (1 + jumps)),
        float(np.max(np.abs(got - own), where=off_planes, initial=0)) / (1e-13 * size),
    )


@claim(
    "E21", source="derived: multiplicity and dimension", tolerance=0.5, m=Integer(1, 3), jumps=Integer(0, 3), kinks=Integer(0, 3),
    affine=Choice(True, False), part=Choice("count", "simplify"), seed=Seed(),
    catches="a jump whose g vanishes somewhere on its plane taken for a kink; a kink with a constant taken for one; the neuron "
    "of the affine part left out, or always in; planes outside that are dropped where they are positive; a plane that touches "
    "the border",
)  # fmt: skip
def jumps_count_twice_and_planes_outside_not_at_all(impl, m, jumps, kinks, affine, part, seed):
    """Kinks have multiplicity 1, jumps 2, the affine part takes a neuron unless turning neurons round yields it; planes that miss
    the domain's interior are affine there."""
    G, rng = planes(m, jumps, kinks, seed, affine), np.random.default_rng(seed)
    if part == "count":
        given = G.generalized(impl, np.exp(rng.uniform(-1, 1, jumps + kinks)))
        found = np.asarray(impl.multiplicity(given))
        total = 2 * jumps + kinks + int(affine)
        return float(not np.array_equal(found, np.where(G.jumps, 2, 1)) or int(impl.dimension(given)) != total)
    assume(m < 3)
    domain = (-1.0, 1.0) if m == 1 else np.array([[-1.0, -1], [1, -1], [1, 1], [-1, 1]])
    w = np.eye(m)[:1]  # at x = 5, at the border x = 1, and behind x = −3, pointing in or out
    more = np.array([5.0, -1.0, 3.0, 1.0])[rng.permutation(4)[: rng.integers(1, 5)]]
    way = rng.choice([-1.0, 1.0], len(more))
    g = rng.normal(size=(len(more), m + 1))
    order = rng.permutation(len(G.beta) + len(more))
    u, beta = np.concatenate([G.u, way[:, None] * w])[order], np.concatenate([G.beta, way * more])[order]
    slope, offset = np.concatenate([G.slope, g[:, :m]])[order], np.concatenate([G.offset, g[:, m]])[order]
    full = Planes(G.a, G.c, u, beta, slope, offset, np.ones(len(beta), bool))
    got = impl.simplify(full.generalized(impl), domain)
    X = rng.uniform(-0.999, 0.999, size=(30, m))
    X = X[np.all(np.abs(X @ G.u.T + G.beta) > 1e-9, axis=1)]
    parts = (np.asarray(p, float) for p in (got.a, got.u, got.beta, got.slope, got.offset))
    left = full._replace(**dict(zip(("a", "u", "beta", "slope", "offset"), parts, strict=True)), c=float(got.c))
    gap = float(np.max(np.abs(left(X) - full(X)), initial=0.0)) if len(left.beta) == len(G.beta) else np.inf
    return gap / 1e-12


@claim(
    "E46", source="derived: balance", tolerance=1.0, m=Integer(1, 3), n=Integer(0, 6), form=FORM, dead=Choice(False, True),
    seed=Seed(),
    catches="|v| = |w| without the threshold; |v| |w| that changes; the sign of v; a dead neuron that keeps its norm; division "
    "by 0",
)  # fmt: skip
def balance_has_the_least_norm(impl, m, n, form, dead, seed):
    """Scaling each neuron so that |v_j| = |(w_j, b_j)| keeps the response, and no other scaling has a smaller norm."""
    net, rng = network(m, n, seed, skip=form == "residual"), np.random.default_rng(seed)
    net = net._replace(v=frozen(net.v * np.exp(rng.uniform(-3, 3, n))))
    if dead and n:
        net = net._replace(v=frozen(np.where(np.arange(n) == 0, 0.0, net.v)))
    params = written(net, form)
    result = impl.balanced(params)
    got, X = shallow(result)[0], inside(m, 8, rng)
    lengths = np.sqrt(np.sum(got.W**2, axis=1) + got.b**2)

    def cost(W, b, v):
        return float(np.sum(W * W) + np.sum(b * b) + np.sum(v * v))

    s = np.exp(rng.uniform(-1, 1, n))
    own = cost(got.W, got.b, got.v)
    others = cost(*net[:3]), cost(s[:, None] * got.W, s * got.b, got.v / s)
    return max(
        float(np.max(np.abs(paper.response(got, X) - paper.response(net, X)))) / (1e-14 * (1 + paper.size_of_terms(net, X))),
        float(np.max(np.abs(np.abs(got.v) - lengths) / (lengths + 1e-300), initial=0.0)) / 1e-13,
        (own - min(others)) / (1e-13 * (own + 1e-300)),
        2.0 * (len(got.v) == n and not same_form(result, params)),
    )  # fmt: skip
