"""The converter for several layers, several outputs and convolutions, in wrong and in unusual ways."""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np

from refimpl.nn import Conv2d, Dense
from wrong.corpus import entry
from wrong.reduced_space import PAPER, parts

# ---- a plain implementation, layer by layer, made of terms that can be spoiled
DEEP: dict[str, Any] = {
    "length": lambda rows, k: np.array([math.hypot(*row.ravel()) for row in rows]),
    "unit": lambda rows, r: rows / r.reshape(-1, *[1] * (rows.ndim - 1)),
    "threshold": lambda b, r: b / r,
    "scaled": lambda blocks, r: blocks * r[None, :, None],  # blocks (next, neurons, places) of what leaves each neuron
    "constant": lambda value, blocks: value * blocks.sum(axis=-1),
    "tested": lambda b, r: b,  # the threshold that is compared with the bound
    "bound": lambda radii, k: radii[k],
    "off": lambda alpha: alpha,
    "moved": lambda b, X: b - X,
    "order": range,
    "clamp": True,
}


def layered(ours, t, params, radius, activation, slope):
    """Section 3, layer by layer. Convolutions get unit filters, no more."""
    linear = [k for k, part in enumerate(params) if isinstance(part, (Dense, Conv2d))]
    images = any(isinstance(part, Conv2d) for part in params)
    new = list(params)
    for k in t.order(len(linear) - 1):
        here, there = linear[k], linear[k + 1]
        block, last = new[here], new[there]
        W, b, n = np.array(block.W), np.array(block.b), len(block.W)
        places = last.W.size // max(len(last.W) * n, 1)
        blocks, beta = last.W.reshape(len(last.W), n, places).copy(), np.array(last.b)
        alphas = [part for part in new[here + 1 : there] if np.size(part) and isinstance(part, np.ndarray)]
        alpha = np.broadcast_to(alphas[0] if alphas else {"leaky_relu": slope}.get(activation, 0.0), (n,)).copy()
        r = t.length(W, k)
        live = r > 0
        for j in np.flatnonzero(~live).tolist():
            value = float(b[j] >= 0) if activation == "binary" else b[j] if b[j] > 0 else alpha[j] * b[j]
            beta += t.constant(value, blocks[:, j])
        W, b, r = t.unit(W[live], r[live]), t.threshold(b[live], r[live]), r[live]
        blocks, alpha = blocks[:, live] if activation == "binary" else t.scaled(blocks[:, live], r), alpha[live]
        keep = np.ones(len(W), bool)
        if t.clamp and not images:
            X = t.bound(ours.layer_radii(type(params)(new), radius, activation, slope), k)
            for j, tested in enumerate(t.tested(b, r)):
                if abs(tested) <= X * (1 + 1e-12):
                    continue
                up = tested > 0
                s = 1.0 if up else t.off(alpha[j])
                if activation == "binary" or s == 0:
                    keep[j] = False
                    beta += t.constant(float(up) * (activation == "binary"), blocks[:, j])
                else:
                    blocks[:, j] *= s
                    beta += t.constant(t.moved(b[j], X), blocks[:, j])
                    b[j] = X
        W, b, blocks, picked = W[keep], b[keep], blocks[:, keep], np.flatnonzero(live)[keep]
        new[here] = block._replace(W=W, b=b)
        width = blocks.shape[1] * (blocks.shape[2] if isinstance(last, Dense) else 1)
        new[there] = last._replace(W=blocks.reshape(len(last.W), width, *last.W.shape[2:]), b=beta)
        for i in range(here + 1, there):
            if isinstance(new[i], np.ndarray) and new[i].shape == (n,) and activation == "prelu_per_channel":
                new[i] = new[i][picked]
    return type(params)(new)


def layer_by_layer(ours, **spoiled):
    """reduce of networks that have several layers, outputs or filters with the terms given; ours check, and convert the rest."""
    t = SimpleNamespace(**{**DEEP, **spoiled})

    def reduce(params, radius, activation="relu", *others, slope=0.01, **options):
        right = ours.reduce(params, radius, activation, *others, slope=slope, **options)
        blocks = [part for part in params if isinstance(part, (Dense, Conv2d))]
        if not blocks or callable(radius) or blocks[0].W.dtype == object or parts(params) is not None:
            return right
        with np.errstate(all="ignore"):
            return layered(ours, t, params, radius, activation, slope)

    return {"reduce": reduce}


def dense_only(ours, **spoiled):
    """The same, with convolutions by ours."""
    spoilt = layer_by_layer(ours, **spoiled)["reduce"]

    def reduce(params, *others, **options):
        images = any(isinstance(part, Conv2d) for part in params)
        return (ours.reduce if images else spoilt)(params, *others, **options)

    return {"reduce": reduce}


@entry(PAPER, "accept", "several layers by loops over neurons, lengths by hypot")
def layers_by_loops(ours):
    return dense_only(ours)


# ---- wrong: several layers
@entry(
    PAPER,
    "reject",
    "every layer's thresholds are held to the radius of the input; right where nothing beyond is saturated",
    by=("R5",),
)
def radius_of_the_input_in_every_layer(ours):
    return dense_only(ours, bound=lambda radii, k: radii[0])


@entry(PAPER, "reject", "the bound on the layer before is used, off by one; right for one hidden layer", by=("R5",))
def radius_of_the_layer_before(ours):
    return dense_only(ours, bound=lambda radii, k: radii[max(k - 1, 0)])


@entry(PAPER, "reject", "deep: b > X is tested before w is normalised; right for unit rows", by=("R24",))
def deep_saturation_before_normalising(ours):
    return dense_only(ours, tested=lambda b, r: b * r)


@entry(
    PAPER, "reject", "deep: the threshold goes to X, and nothing into the next threshold; right where none is saturated", by=("R5",)
)
def next_threshold_forgotten(ours):
    return dense_only(ours, moved=lambda b, X: 0.0)


@entry(PAPER, "reject", "deep: X − b goes into the next threshold in place of b − X; right where none is saturated", by=("R5",))
def next_threshold_with_the_wrong_sign(ours):
    return dense_only(ours, moved=lambda b, X: X - b)


@entry(PAPER, "reject", "deep: b in place of b − X goes into the next threshold; right where none is saturated", by=("R5",))
def next_threshold_gets_all(ours):
    return dense_only(ours, moved=lambda b, X: b)


@entry(PAPER, "reject", "deep: the constants of neurons without weights are lost; right where every row has some", by=("R5",))
def deep_constants_lost(ours):
    return dense_only(ours, constant=lambda value, blocks: 0.0)


@entry(PAPER, "reject", "deep: the thresholds are not divided by |w|; right for unit rows", by=("R24",))
def deep_threshold_not_scaled(ours):
    return dense_only(ours, threshold=lambda b, r: b)


@entry(PAPER, "reject", "deep: the lengths do not go into the next layer; right for unit rows, and for binary", by=("R24",))
def deep_lengths_lost(ours):
    return dense_only(ours, scaled=lambda blocks, r: blocks)


@entry(
    PAPER,
    "reject",
    "deep: the lengths multiply the rows of the next layer, not its columns; right where all are equal",
    by=("R24",),
)
def deep_lengths_on_the_rows(ours):
    return dense_only(ours, scaled=lambda blocks, r: blocks * np.resize(r, len(blocks))[:, None, None])


@entry(
    PAPER, "reject", "deep: the lengths are put on the last layer as their geometric mean; right where all are equal", by=("R24",)
)
def deep_lengths_as_their_mean(ours):
    return dense_only(ours, scaled=lambda blocks, r: blocks * np.exp(np.mean(np.log(r))) if len(r) else blocks)


@entry(PAPER, "reject", "deep: leaky neurons that are always off are dropped; right for ReLU", by=("R5",))
def deep_leaky_neurons_dropped(ours):
    return dense_only(ours, off=lambda alpha: 0.0)


@entry(
    PAPER,
    "reject",
    "layers from the last to the first: rows are of unit length when they are scaled again; right for one hidden layer",
    by=("R24",),
)
def layers_from_the_last(ours):
    return dense_only(ours, order=lambda hidden: reversed(range(hidden)))


@entry(PAPER, "reject", "only the first hidden layer is reduced; right for one", by=("R24",))
def first_layer_only(ours):
    return dense_only(ours, order=lambda hidden: range(1))


@entry(
    PAPER,
    "reject",
    "deep: thresholds are left where they are: right in function, not bounded; right where none is saturated",
    by=("R23",),
)
def deep_thresholds_unbounded(ours):
    return dense_only(ours, clamp=False)


@entry(PAPER, "reject", "the last layer's rows are made unit vectors too, as if it were hidden", by=("R5",))
def output_layer_normalised(ours):
    def reduce(params, *others, **options):
        right = ours.reduce(params, *others, **options)
        if not isinstance(right[-1], Dense) or right[-1].W.dtype == object or parts(params) is not None:
            return right
        r = np.maximum(np.sqrt(np.sum(right[-1].W ** 2, axis=1)), 1e-300)
        return type(right)((*right[:-1], Dense(right[-1].W / r[:, None], right[-1].b)))

    return {"reduce": reduce}


@entry(PAPER, "reject", "with several outputs only the first feels the lengths; right for one", by=("R24",))
def lengths_on_the_first_output_only(ours):
    def first(blocks, r):
        return np.concatenate([blocks[:1] * r[None, :, None], blocks[1:]])

    return dense_only(ours, scaled=first)


# ---- wrong: convolutions
def filters(ours, **spoiled):
    """Networks with convolutions spoilt, all others by ours."""
    spoilt = layer_by_layer(ours, **spoiled)["reduce"]

    def reduce(params, *others, **options):
        images = any(isinstance(part, Conv2d) for part in params)
        return (spoilt if images else ours.reduce)(params, *others, **options)

    return {"reduce": reduce}


@entry(PAPER, "reject", "filters are normalised channel by channel, not whole; right for one input channel", by=("R6",))
def channels_normalised(ours):
    def reduce(params, *others, **options):
        right = ours.reduce(params, *others, **options)
        if not any(isinstance(part, Conv2d) for part in right):
            return right

        def each(part):
            if not isinstance(part, Conv2d) or part.W.dtype == object:
                return part
            r = np.sqrt(np.sum(part.W**2, axis=(2, 3), keepdims=True))
            return part._replace(W=part.W / np.where(r > 0, r, 1))

        return type(right)(map(each, right))

    return {"reduce": reduce}


@entry(PAPER, "reject", "a filter's threshold is not divided by its length; right for unit filters", by=("R6",))
def filter_thresholds_not_scaled(ours):
    return filters(ours, threshold=lambda b, r: b)


@entry(PAPER, "reject", "a filter's length does not go into the next layer; right for unit filters", by=("R6",))
def filter_lengths_lost(ours):
    return filters(ours, scaled=lambda blocks, r: blocks)


@entry(
    PAPER,
    "reject",
    "behind flatten the lengths are laid out pixel by pixel, channels last; right for one pixel a channel",
    by=("R6",),
)
def flattened_channels_last(ours):
    def interleaved(blocks, r):
        flat = blocks.reshape(len(blocks), -1)
        return (flat * np.tile(r, blocks.shape[-1])).reshape(blocks.shape)

    return filters(ours, scaled=interleaved)


@entry(PAPER, "reject", "a filter's length is its mean root square; right for 1 × 1 kernels on one channel", by=("R6",))
def filter_lengths_by_the_mean(ours):
    return filters(ours, length=lambda rows, k: np.array([math.hypot(*row.ravel()) / math.sqrt(row.size) for row in rows]))


@entry(
    PAPER,
    "reject",
    "saturated filters move their constant across the padding of the next convolution; right without padding",
    by=("R6",),
)
def constants_moved_across_padding(ours):
    def reduce(params, *others, layers=None, **options):
        ours.reduce(params, *others, layers=layers, **options)
        return ours.reduce(params, *others, layers=unpadded(layers), **options)

    def unpadded(layers):
        if layers is None:
            return None
        return tuple(bare(layer) for layer in layers)

    def bare(layer):
        f = layer.forward
        named = getattr(f, "keywords", None)
        return (
            layer._replace(forward=type(f)(f.func, *f.args, **{**named, "padding": 0})) if named and "padding" in named else layer
        )

    return {"reduce": reduce}


@entry(PAPER, "reject", "several outputs: everything behind the first hidden layer is forgotten; right for one output", by=("R5",))
def outputs_beyond_the_first_dropped(ours):
    def reduce(params, *others, **options):
        right = ours.reduce(params, *others, **options)
        if not isinstance(right[-1], Dense) or right[-1].W.dtype == object:
            return right
        W, b = right[-1]
        return type(right)((*right[:-1], Dense(np.repeat(W[:1], len(W), axis=0), np.repeat(b[:1], len(b)))))

    return {"reduce": reduce}
