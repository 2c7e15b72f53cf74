"""Claims on several hidden layers, several outputs and images: R5, R6, R23, R24.

Tolerances: up to four layers of 5 neurons have some 100 roundings, images of 25 pixels under two convolutions some 1000, all
measured by the network of |w|, |b|, |x|; 1e-12 leaves room for their sum in the shifted thresholds. Norms are compared to some
roundings.
"""

from itertools import pairwise
from math import prod

import numpy as np

import refimpl.nn
from refimpl.claims.claim import Choice, Integer, Seed, claim, frozen, max
from refimpl.claims.nn.definition import leaves
from refimpl.claims.reduced_space.definition import (
    BORDER,
    REACH,
    SLOPE,
    SPREAD,
    UNIT,
    Step,
    ball,
    directions,
    disagreement,
    evaluate,
    norm,
    poles,
)
from refimpl.nn.conv import Conv2d
from refimpl.nn.dense import Dense

KINDS = Choice("relu", "leaky_relu", "binary", "prelu", "prelu_per_channel")
HIDDEN, K = Integer(1, 3), Integer(1, 3)


def slopes(rng, activation, m):
    """What stands between the blocks: learned slopes of size <= 1, some of them 0, or ()."""
    if not activation.startswith("prelu"):
        return ()
    shape = m if activation == "prelu_per_channel" else ()
    return frozen(np.asarray(rng.uniform(-1, 1, shape) * (rng.uniform(size=shape) < 0.8)))


def thresholds(rng, r, reach):
    """Up to X|w|, three times or thirty times that: breaks that are met, and neurons that are affine."""
    return r * reach * rng.uniform(-1, 1, len(r)) * rng.choice([1, 3, 30], len(r))


def deep(rng, activation, d, hidden, K, reach, spread, zero=0.1):
    """A standard network of random widths, rows of any scale, some of them zero; `reach` bounds what comes in."""
    widths, params, X = [d, *(int(m) for m in rng.integers(1, 6, hidden)), K], [], reach
    for k, (before, m) in enumerate(pairwise(widths)):
        if k:
            params.append(slopes(rng, activation, before))
        r = 10 ** rng.uniform(-spread, spread, m)
        W = r[:, None] * directions(rng, m, before)
        W[rng.uniform(size=m) < zero * (k < hidden)] = 0
        params.append(Dense(frozen(W), frozen(thresholds(rng, r, X))))
        X = float(np.sqrt(m if activation == "binary" else np.sum((norm(W) * X + np.abs(params[-1].b)) ** 2)))
    return tuple(params)


def kept(result, params, reach, activation) -> float:
    """Unit rows, thresholds within 2^l √(J_1 ⋯ J_l) X, or √J_l, and no layer wider than it was, in units of their tolerances."""
    worst, X = 0.0, reach
    for own, given in zip(result[:-1:2], params[:-1:2], strict=True):
        if len(own.b) > len(given.b):
            raise ValueError(f"at most {len(given.b)} neurons in this layer expected, got {len(own.b)}")
        unit = float(np.max(np.abs(norm(own.W) - 1), initial=0)) / UNIT
        worst = max(worst, unit, (float(np.max(np.abs(own.b), initial=0)) / X - 1) / BORDER)
        X = np.sqrt(len(given.b)) * (1 if activation == "binary" else 2 * X)
    return worst


# ---- dense layers
@claim(
    "R5", source="derived: several layers", tolerance=1.0, draws=100, activation=KINDS, d=Integer(1, 4), hidden=HIDDEN, K=K,
    reach=REACH,
    spread=SPREAD, seed=Seed(),
    catches="bounds of layers whose rows are not yet of unit length; b of the next layer not updated; layers from last to first; "
    "the column of a binary neuron scaled; α forgotten where a neuron is off; slopes of dropped neurons left over",
)  # fmt: skip
def deep_networks_are_reduced_layer_by_layer(impl, activation, d, hidden, K, reach, spread, seed):
    """A network of several layers or outputs is the same function on |x| <= X with unit rows, thresholds within the bound of its
    layer, which holds what the layer before hands on, and no neuron more in any layer."""
    rng = np.random.default_rng(seed)
    params = deep(rng, activation, d, hidden, K if hidden > 1 else K + 1, reach, spread)
    result = impl.reduce(params, reach, activation=activation)
    x = np.concatenate([ball(rng, d, reach), poles(params[0].W, reach)])
    got = evaluate(result, x, activation)
    radii = [float(X) for X in impl.layer_radii(result, reach, activation=activation)]
    beyond = [float(np.max(norm(y), initial=0)) - X for y, X in zip(got.hidden, radii[1:], strict=False)]
    bounded = float(np.max([v / X for v, X in zip(beyond, radii[1:], strict=False) if v > 0], initial=0)) / BORDER
    return max(disagreement(got, evaluate(params, x, activation)) / 1e-12, kept(result, params, reach, activation), bounded)


@claim(
    "R23", source="derived: bounds of layers", tolerance=1.0, draws=100, activation=KINDS, d=Integer(1, 4), hidden=HIDDEN,
    reach=REACH,
    spread=SPREAD, part=Choice("holds", "crude", "thresholds"), seed=Seed(),
    catches="√J forgotten; a bound that leaves out b; the largest row for the spectral norm; bounds of the standard network used "
    "for the reduced one, or of a wider layer; the maximum for the minimum",
)  # fmt: skip
def certified_bounds_hold_and_are_the_least_that_are_known(impl, activation, d, hidden, reach, spread, part, seed):
    """|y^(l)| stays below the certified bounds, which are at most the length of (|w_j| X + |b_j|)_j and ‖W‖₂ X + |b|, or √J for
    J binary neurons; the reduced network's thresholds lie within its own."""
    rng = np.random.default_rng(seed)
    params = deep(rng, activation, d, hidden, 2, reach, spread)
    net = params if part == "holds" else impl.reduce(params, reach, activation=activation)
    radii = [float(X) for X in impl.layer_radii(net, reach, activation=activation)]
    if len(radii) not in (hidden, hidden + 1):
        raise ValueError(f"{hidden} or {hidden + 1} bounds expected, got {len(radii)}")
    blocks, worst = net[:-1:2], abs(radii[0] / reach - 1) / BORDER
    if part == "thresholds":
        return max(
            worst,
            *(
                (float(np.max(np.abs(own.b), initial=0)) / max(X, 1e-300) - 1) / BORDER
                for own, X in zip(blocks, radii, strict=False)
            ),
        )
    x = np.concatenate([ball(rng, d, reach, 30), poles(net[0].W, reach)])
    for k, (own, y) in enumerate(zip(blocks, evaluate(net, x, activation).hidden, strict=True)):
        if k + 1 == len(radii):
            break
        largest, X = float(np.max(norm(y), initial=0)), radii[k]
        worst = max(worst, (largest / max(radii[k + 1], 1e-300) - 1) / BORDER)
        J, rest = len(own.b), float(norm(own.b[None])[0]) if len(own.b) else 0.0
        spectral = float(np.linalg.svd(own.W, compute_uv=False).max(initial=0)) * X + rest
        crude = float(norm((norm(own.W) * X + np.abs(own.b))[None])[0]) if J else 0.0
        bound = np.sqrt(J) if activation == "binary" else min(spectral, crude)
        worst = max(worst, (radii[k + 1] - bound) / max(bound, 1e-300) / BORDER)
    return worst


@claim(
    "R24", source="derived: several layers, back", tolerance=1.0, activation=KINDS, d=Integer(1, 4), hidden=HIDDEN, K=K,
    reach=REACH,
    part=Choice("standard", "restored", "twice"), seed=Seed(),
    catches="one column scaled for another; outputs of the last layer scaled; thresholds at their bounds taken for saturated; "
    "bounds that grow when they are computed again",
)  # fmt: skip
def deep_networks_return(impl, activation, d, hidden, K, reach, part, seed):
    """The standard form of a network of several layers is the same function; reduced again, after this or at once, a reduced
    network has the thresholds it had."""
    rng = np.random.default_rng(seed)
    K = K if hidden > 1 else K + 1
    params = deep(rng, activation, d, hidden, K, reach, 1.0, zero=0.0)
    x = ball(rng, d, reach)
    if part == "standard":
        result = impl.restore(params, activation=activation)
        return disagreement(evaluate(result, x, activation), evaluate(params, x, activation)) / 1e-12
    params = impl.reduce(params, reach, activation=activation)
    again = impl.reduce(impl.restore(params, activation=activation) if part == "restored" else params, reach, activation=activation)
    worst = disagreement(evaluate(again, x, activation), evaluate(params, x, activation)) / 1e-12
    for own, given in zip(again[:-1:2], params[:-1:2], strict=True):
        if own.W.shape[0] != given.W.shape[0] and part == "twice":
            raise ValueError(f"{given.W.shape[0]} neurons in this layer expected, got {own.W.shape[0]}")
        if own.W.shape == given.W.shape:
            size = float(np.max(np.abs(given.b), initial=1e-300))
            worst = max(worst, float(np.max(np.abs(np.sort(own.b) - np.sort(given.b)), initial=0)) / size / 1e-12)
    return worst


# ---- images
def photographs(rng, activation, pool, reach, padded):
    """Two convolutions with a pooling between them and a dense layer behind: the steps, their layers and parameters, and images
    with |x| <= X, some of which are a kernel's own shape."""
    c, side = int(rng.integers(1, 3)), int(rng.integers(4, 6))
    image, steps, layers, params, X = [side, side + 1], [], [], [], reach
    for k in range(2):
        o, kernel = int(rng.integers(1, 4)), tuple(int(v) for v in np.minimum(rng.integers(1, 4, 2), image))
        padding = tuple(int(v) for v in rng.integers(0, 2, 2)) if k == 0 else (1, 1) if padded else (0, 0)
        options: dict = {"stride": tuple(int(v) for v in rng.integers(1, 3, 2)), "padding": padding}
        r = 10 ** rng.uniform(-2, 2, o)
        W = r[:, None] * directions(rng, o, c * prod(kernel))
        params += [Conv2d(frozen(W.reshape(o, c, *kernel)), frozen(thresholds(rng, r, X))), slopes(rng, activation, o)]
        steps += [Step("conv2d", options), Step("activation")]
        layers += [refimpl.nn.conv2d(**options), refimpl.nn.ACTIVATIONS[activation].layer]
        image = [(v + 2 * p - q) // s + 1 for v, p, q, s in zip(image, padding, kernel, options["stride"], strict=True)]
        X = float(np.sum(r * X + np.abs(params[-2].b))) if activation != "binary" else np.sqrt(o)
        if pool and k == 0:
            window = {"kernel": tuple(int(v) for v in np.minimum(2, image)), "stride": (1, 1)}
            steps.append(Step(pool, window))
            layers.append(getattr(refimpl.nn, pool)(**window))
            params.append(())
            image = [v - q + 1 for v, q in zip(image, window["kernel"], strict=True)]
        c = o
    last = directions(rng, 2, c * prod(image)), rng.normal(size=2)
    steps += [Step("flatten"), Step("dense")]
    layers += [refimpl.nn.FLATTEN, refimpl.nn.DENSE]
    params += [(), Dense(*(frozen(a) for a in last))]
    W, shape = params[0].W, (params[0].W.shape[1], side, side + 1)
    x = ball(rng, prod(shape), reach, 4).reshape(-1, *shape)
    own = np.zeros((2 * len(W), *shape))
    for sign, part in ((1, own[: len(W)]), (-1, own[len(W) :])):
        part[:, :, : W.shape[2], : W.shape[3]] = sign * reach * W / norm(W)[:, None, None, None]
    return steps, tuple(layers), tuple(params), np.concatenate([x, own])


@claim(
    "R6", source="derived: filters", tolerance=1.0, draws=100, activation=KINDS, pool=Choice("", "maxpool2d", "avgpool2d"),
    reach=REACH,
    padded=Choice(False, True), told=Choice(True, False), seed=Seed(),
    catches="the norm of each channel's slice for that of the whole filter; b/r forgotten; the constant of a saturated filter "
    "moved past a padding; a channel's block of the dense layer taken from another; b shifted once for many taps; a factor below "
    "0 taken past a maximum",
)  # fmt: skip
def filters_are_reduced_as_neurons_are(impl, activation, pool, reach, padded, told, seed):
    """Kernels of unit norm with their channel of the next kernel scaled, through pooling and flatten, are the same network on
    |x| <= X; where the next convolution pads, saturated filters keep their thresholds."""
    rng = np.random.default_rng(seed)
    padded = padded and activation != "binary"  # a constant has no place in the padding
    steps, layers, params, x = photographs(rng, activation, pool, reach, padded)
    more = {"layers": layers} if told or activation == "binary" else {}
    result = impl.reduce(params, reach, activation=activation, **more)
    same = disagreement(evaluate(result, x, activation, SLOPE, steps), evaluate(params, x, activation, SLOPE, steps)) / 1e-12
    filters = [own for own in result if isinstance(own, Conv2d)]
    unit = max(0.0, *(float(np.max(np.abs(norm(own.W) - 1), initial=0)) / UNIT for own in filters))
    if [np.ndim(a) for a in leaves(result)] != [np.ndim(a) for a in leaves(params)]:
        raise ValueError("a result nested as the parameters expected")
    # a filter that is off with a slope < 0 cannot be moved past a maximum
    b = np.maximum(filters[0].b, 0) if activation.startswith("prelu") else filters[0].b
    inside = 0.0 if padded or not more else (float(np.max(np.abs(b), initial=0)) / reach - 1) / BORDER
    return max(same, unit, inside)
