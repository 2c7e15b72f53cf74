"""The objective of micro-batches in buffers, in wrong and in unusual ways."""

import numpy as np

from wrong.corpus import entry

PAPER = "substrate"


def by_parts(ours, joined):
    """buffered_objective from the readable one on micro-batches: joined(values, gradients, sizes)."""

    def buffered_objective(layers, unravel, loss, x, y, micro=32):
        whole = ours.batch_objective(layers, unravel, loss, x, y)

        def on(rows):
            indices = np.arange(len(x))[rows]
            parts = [indices[k : k + micro] for k in range(0, len(indices), micro)]

            def loss_and_gradient(theta):
                values, gradients = zip(*(whole(part)(theta) for part in parts), strict=True)
                return joined(np.array(values), np.array(gradients), np.array([len(part) for part in parts]))

            return loss_and_gradient

        return on

    return {"buffered_objective": buffered_objective}


@entry(PAPER, "reject", "the mean of the micro-batches' means, however many samples each has", by=("L48",))
def buffered_mean_of_means(ours):
    return by_parts(ours, lambda values, gradients, sizes: (values.mean(), gradients.mean(axis=0)))


@entry(PAPER, "reject", "the gradient of the last micro-batch in place of their sum", by=("L48",))
def buffered_gradient_of_the_last_part(ours):
    return by_parts(ours, lambda values, gradients, sizes: (values @ sizes / sizes.sum(), gradients[-1]))


@entry(PAPER, "reject", "pooling before PReLU whatever the slope", by=("L48",))
def buffered_pooling_before_negative_slopes(ours):
    def buffered_objective(layers, unravel, loss, x, y, micro=32):
        order = list(range(len(layers)))
        for k in range(1, len(layers)):
            pair = (layers[k - 1].backward, layers[k].backward)
            if pair[0] is ours.prelu_backward and getattr(pair[1], "args", (None,))[0] is ours.maxpool2d_backward:
                order[k - 1], order[k] = order[k], order[k - 1]
        back = np.argsort(order)

        class Reordered:
            size, dtype = unravel.size, unravel.dtype

            def __call__(self, theta):
                params = unravel(theta)
                return tuple(params[k] for k in order)

            def flat(self, params):
                return unravel.flat(tuple(params[k] for k in back))

        return ours.batch_objective(tuple(layers[k] for k in order), Reordered(), loss, x, y)

    return {"buffered_objective": buffered_objective}


@entry(PAPER, "reject", "the gradient is the buffer that the next call writes to", by=("L48",))
def buffered_gradient_is_the_buffer(ours):
    def buffered_objective(layers, unravel, loss, x, y, micro=32):
        right = ours.buffered_objective(layers, unravel, loss, x, y, micro)
        buffer: dict = {}

        def on(rows):
            def loss_and_gradient(theta):
                value, gradient = right(rows)(theta)
                out = buffer.setdefault(gradient.dtype, np.empty_like(gradient))
                out[...] = gradient
                return value, out

            return loss_and_gradient

        return on

    return {"buffered_objective": buffered_objective}


@entry(PAPER, "reject", "the images of the rows with the labels of the first rows", by=("L48",))
def buffered_labels_of_other_rows(ours):
    def buffered_objective(layers, unravel, loss, x, y, micro=32):
        x, y = np.asarray(x), np.asarray(y)
        return lambda rows: ours.buffered_objective(layers, unravel, loss, x[rows], y[: len(x[rows])], micro)(slice(None))

    return {"buffered_objective": buffered_objective}


@entry(PAPER, "accept", "one sample after the other, by the readable form")
def buffered_sample_by_sample(ours):
    def buffered_objective(layers, unravel, loss, x, y, micro=32):
        mean = by_parts(ours, lambda values, gradients, sizes: (values.mean(), gradients.mean(axis=0)))["buffered_objective"]
        total = by_parts(ours, lambda values, gradients, sizes: (values.sum(), gradients.sum(axis=0)))["buffered_objective"]
        reduction = getattr(loss[0], "keywords", {}).get("reduction", "mean")
        return (mean if reduction == "mean" else total)(layers, unravel, loss, x, y, 1)

    return {"buffered_objective": buffered_objective}
