"""Claims on bounds that differ from layer to layer: R37.

Tolerance: one step, some roundings of numbers of size X.
"""

from itertools import pairwise

import numpy as np

from refimpl.claims.born_infeld.spaces import billiard
from refimpl.claims.claim import Choice, Floats, Integer, Seed, assume, claim, frozen, max
from refimpl.claims.reduced_space.definition import REACH, directions, norm
from refimpl.claims.reduced_space.links import energy, well_apart
from refimpl.claims.reduced_space.training import by_step
from refimpl.nn.dense import Dense
from refimpl.optim.first_order import Optimiser
from refimpl.params import ravel

PARTS = Choice("project", "descent", "momentum", "adam", "projected", "keep", "bounds", "residual", "repulsion")


def two_hidden_layers(rng, d, radii):
    """theta, unravel and the places of w and b in each hidden layer."""
    widths = [d, int(rng.integers(1, 4)), int(rng.integers(2, 4)), int(rng.integers(1, 3))]
    W = [directions(rng, m, before) for before, m in pairwise(widths)]
    b = [X * rng.uniform(-1, 1, len(w)) for w, X in zip(W, [*radii, 1.0], strict=True)]
    theta, unravel = ravel((Dense(W[0], b[0]), (), Dense(W[1], b[1]), (), Dense(W[2], b[2])))
    first, _, second, _, _ = unravel(np.arange(len(theta)))
    return theta, unravel, [first, second]


def stepped(impl, part, unravel, radii, rate, thresholds) -> Optimiser:
    """The optimiser of that part; `keep` has one that knows no walls."""
    if part == "keep":
        return impl.keep_thresholds(Optimiser(lambda theta: 0, lambda theta, g, t: (theta - rate * g, t + 1)), unravel, radii)
    if part == "projected":
        return impl.projected_descent(rate, unravel, radii)
    return getattr(impl, f"riemannian_{part}")(rate, unravel, radii, thresholds=thresholds)


def after_one_step(b, G, rate, X, part, thresholds):
    """Where a step from b ends; one of Adam has the length of its rate, which leads beyond every wall."""
    if part == "adam":
        return -np.sign(G) * X
    if thresholds == "clip" or part in ("projected", "keep"):
        return np.array([min(max(t, -X), X) for t in b - rate * G])
    assume(np.min(np.abs((np.abs(b - rate * G) / X + 1) % 2)) > 1e-9)  # ends at a wall: either sign is right
    return np.array([billiard(t, -g, rate, -X, X)[0] for t, g in zip(b, G, strict=True)])


@claim(
    "R37", source="derived: a bound for each layer", tolerance=1e-12, draws=120, part=PARTS, d=Integer(1, 4),
    reach=REACH, ratio=Floats(0.1, 10, log=True), thresholds=Choice("clip", "fold"), s=Choice(1, 0, 2), seed=Seed(),
    catches="the first layer's bound for all, or the widest; thresholds clipped before the step, so that they end outside; another "
    "bound as the unit of repulsion; the last layer's biases bounded",
)  # fmt: skip
def every_hidden_layer_has_its_own_walls(impl, part, d, reach, ratio, thresholds, s, seed):
    """With one bound for each hidden layer, projection, each optimiser's step, the box of L-BFGS-B, the KKT residual and the
    repulsion take thresholds of a layer by its own, and leave the output's biases alone."""
    rng = np.random.default_rng(seed)
    radii = (reach, reach * ratio)
    theta, unravel, layers = two_hidden_layers(rng, d, radii)
    outermost, p = max(radii), len(theta)
    if part == "bounds":
        walls = {int(i): X for own, X in zip(layers, radii, strict=True) for i in own.b}
        boxes = [(-walls[i], walls[i]) if i in walls else (None, None) for i in range(p)]
        bounds = [tuple(None if v is None or np.isinf(v) else v for v in pair) for pair in impl.box_bounds(unravel, radii)]
        return float(bounds != boxes)
    if part == "residual":
        G = np.zeros(p)
        for own, X in zip(layers, radii, strict=True):
            theta[own.b] = X * np.sign(theta[own.b])
            G[own.b] = -theta[own.b]  # descent would lead out
        return float(impl.kkt_residual(frozen(theta), frozen(G), unravel, radii)) / outermost
    if part == "repulsion":
        size = max(*(well_apart(theta[own.W], theta[own.b], X, s, False) for own, X in zip(layers, radii, strict=True)))

        def repelled(theta):
            return sum(energy(theta[own.W], theta[own.b], X, s, False) for own, X in zip(layers, radii, strict=True))

        value, gradient = impl.repulsion_objective(unravel, radii, s)(frozen(theta))
        gaps = np.asarray(gradient) - by_step(repelled, theta)
        for own, X in zip(layers, radii, strict=True):
            gaps[own.b] *= X
        return max(abs(value - float(repelled(theta))), float(np.max(np.abs(gaps)))) / size / (1 + s)
    b = np.concatenate([own.b for own in layers])
    if part == "project":
        theta[b] = outermost * rng.uniform(-3, 3, len(b))
        expected = np.array(theta)
        for own, X in zip(layers, radii, strict=True):
            theta[own.W] *= 10 ** rng.uniform(-1, 1, (len(own.b), 1))
            expected[own.W] = theta[own.W] / norm(theta[own.W])[:, None]
            expected[own.b] = [min(max(t, -X), X) for t in theta[own.b]]
        got = ravel(impl.project(unravel(frozen(theta)), radii))[0]
        return float(np.max(np.abs(got - expected) / (1 + np.abs(expected))))
    G, rate = rng.normal(size=p), 0.5
    G[b] = outermost * (rng.normal(size=len(b)) + 0.1)
    rate = 2.5 * outermost if part == "adam" else rate
    optimiser = stepped(impl, part, unravel, radii, rate, "clip" if part == "adam" else thresholds)
    got, _ = optimiser.step(frozen(theta), frozen(G), optimiser.init(frozen(theta)))
    for own, X in zip(layers, radii, strict=True):
        expected = after_one_step(theta[own.b], G[own.b], rate, X, part, thresholds)
        if np.max(np.abs(got[own.b] - expected)) > 1e-13 * outermost:
            return np.inf
    free = np.setdiff1d(np.arange(p), np.concatenate([b, *(own.W.ravel() for own in layers)]))
    return 0.0 if part == "adam" else float(np.max(np.abs(got - (theta - rate * G))[free])) / (1 + float(np.max(np.abs(G[free]))))
