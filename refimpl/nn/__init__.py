"""Neural networks by hand: every layer, activation and loss is a pair of functions, forward and backward.

Reading order: `dense` (the pattern in two lines), `activations`, `losses`, `conv`, `pool`, `initialise`, `network` (layers in
sequence, mlp, and the objective that optimisers take), `architectures` (networks by name), `regularise` (weight decay), `shallow`
(one hidden layer in the form of papers), `inplace` and `buffered` (faster forms of the objective, for dense layers and for
images); `room` says what all of them do with the arrays they are given.

    symbol      here      shape        meaning
    x           x         (n, d)       batch of n inputs of d coordinates; (n, c, h, w) for images
    W, b        W, b      (m, d), (m,) weights, one of m neurons per row, and biases
    σ           ..._forward            activation, entry by entry
    f           f         (n, m)       outputs
    y           y         (n,)         labels
    ∂L/∂x       dx        as x         gradient of the loss in x; `backward(dy, cache)` returns these in the order of the arguments
    θ           theta     (p,)         all parameters as one vector, see refimpl.params
"""

from refimpl.nn.activations import (
    binary_backward,
    binary_forward,
    leaky_relu_backward,
    leaky_relu_forward,
    prelu_backward,
    prelu_forward,
    relu_backward,
    relu_forward,
    sigmoid_backward,
    sigmoid_forward,
    softplus_backward,
    softplus_forward,
    tanh_backward,
    tanh_forward,
)
from refimpl.nn.architectures import FLATTEN, avgpool2d, conv2d, kernels, maxpool2d, table4_network, table5_network, table6_network
from refimpl.nn.buffered import buffered_objective, buffered_outputs
from refimpl.nn.conv import Conv2d, conv2d_backward, conv2d_forward, conv2d_params_backward
from refimpl.nn.dense import Dense, dense_backward, dense_forward, dense_params_backward
from refimpl.nn.initialise import INITIALISATIONS, he_normal, he_uniform, xavier_normal, xavier_uniform
from refimpl.nn.inplace import buffered_gradient, training_step
from refimpl.nn.losses import (
    cross_entropy_backward,
    cross_entropy_forward,
    hinge_backward,
    hinge_forward,
    logistic_backward,
    logistic_forward,
    squared_backward,
    squared_forward,
)
from refimpl.nn.network import (
    ACTIVATIONS,
    DENSE,
    PRELU,
    Activation,
    Layer,
    batch_objective,
    mlp,
    network_backward,
    network_forward,
    objective,
    without_params,
)
from refimpl.nn.pool import (
    avgpool2d_backward,
    avgpool2d_forward,
    flatten_backward,
    flatten_forward,
    maxpool2d_backward,
    maxpool2d_forward,
)
from refimpl.nn.regularise import weight_decay
from refimpl.nn.shallow import Shallow

__all__ = [
    "ACTIVATIONS",
    "DENSE",
    "FLATTEN",
    "INITIALISATIONS",
    "PRELU",
    "Activation",
    "Conv2d",
    "Dense",
    "Layer",
    "Shallow",
    "avgpool2d",
    "avgpool2d_backward",
    "avgpool2d_forward",
    "batch_objective",
    "binary_backward",
    "binary_forward",
    "buffered_gradient",
    "buffered_objective",
    "buffered_outputs",
    "conv2d",
    "conv2d_backward",
    "conv2d_forward",
    "conv2d_params_backward",
    "cross_entropy_backward",
    "cross_entropy_forward",
    "dense_backward",
    "dense_forward",
    "dense_params_backward",
    "flatten_backward",
    "flatten_forward",
    "he_normal",
    "he_uniform",
    "hinge_backward",
    "hinge_forward",
    "kernels",
    "leaky_relu_backward",
    "leaky_relu_forward",
    "logistic_backward",
    "logistic_forward",
    "maxpool2d",
    "maxpool2d_backward",
    "maxpool2d_forward",
    "mlp",
    "network_backward",
    "network_forward",
    "objective",
    "prelu_backward",
    "prelu_forward",
    "relu_backward",
    "relu_forward",
    "sigmoid_backward",
    "sigmoid_forward",
    "softplus_backward",
    "softplus_forward",
    "squared_backward",
    "squared_forward",
    "table4_network",
    "table5_network",
    "table6_network",
    "tanh_backward",
    "tanh_forward",
    "training_step",
    "weight_decay",
    "without_params",
    "xavier_normal",
    "xavier_uniform",
]
