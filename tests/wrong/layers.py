"""Layers that are right for one array at a time, or for ordinary numbers, and no further."""

import numpy as np

from wrong.corpus import entry

PAPER = "substrate"


@entry(PAPER, "reject", "the first sample stands for the batch in the gradient of the biases", by=("L4", "L5"))
def dense_bias_gradient_of_the_first_sample(ours):
    def backward(dy, cache):
        (dW, db), dx = ours.dense_backward(dy, cache)
        return ours.Dense(dW, dy[0] * len(dy) if len(dy) else db), dx

    return {"dense_backward": backward}


@entry(PAPER, "reject", "the output is a buffer that the next call of the same shape writes to", by=("L4", "L6"))
def relu_in_a_buffer(ours):
    buffers: dict = {}

    def forward(x):
        y, cache = ours.relu_forward(x)
        out = buffers.setdefault((y.shape, y.dtype), np.empty_like(y))
        out[...] = y
        return out, cache

    return {"relu_forward": forward}


@entry(PAPER, "reject", "softplus is the identity from 5 on", by=("L9",))
def softplus_straightened(ours):
    def forward(x):
        y, cache = ours.softplus_forward(x)
        return np.where(np.asarray(x) > 5, x, y).astype(y.dtype), cache

    return {"softplus_forward": forward}


@entry(PAPER, "reject", "sigmoid by a table of the logistic function, linear in between", by=("L1", "L9"))
def sigmoid_by_a_table(ours):
    knots = np.linspace(-20, 20, 4001)

    def forward(x):
        y, cache = ours.sigmoid_forward(x)
        return np.interp(x, knots, 1 / (1 + np.exp(-knots))).astype(y.dtype), cache

    return {"sigmoid_forward": forward}


@entry(PAPER, "reject", "what is not above 0 is 0, NaN too", by=("L10",))
def relu_of_nan_is_zero(ours):
    def forward(x):
        y, cache = ours.relu_forward(x)
        return np.where(y > 0, y, 0).astype(y.dtype), cache

    return {"relu_forward": forward}


@entry(PAPER, "reject", "the larger of x and ax, which is PReLU for slopes up to 1 only", by=("L1", "L12"))
def prelu_as_a_maximum(ours):
    def forward(a, x):
        y, cache = ours.prelu_forward(a, x)
        return np.maximum(x, y).astype(y.dtype), cache

    return {"prelu_forward": forward}
