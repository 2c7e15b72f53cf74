"""A step of gradient descent as the contenders of `mlp` and `cnn` take it: refimpl's readable one, and PyTorch's, eager."""

from __future__ import annotations

import os

import numpy as np


def readable(loss_and_gradient, theta, rate):
    """step() -> value by refimpl.optim.gradient_descent; and the parameters, as a function."""
    from refimpl.optim import gradient_descent

    descent = gradient_descent(rate)
    state = descent.init(theta)

    def step():
        nonlocal theta, state
        value, gradient = loss_and_gradient(theta)
        theta, state = descent.step(theta, gradient, state)
        return value

    return step, lambda: theta


def torch_eager(model, x, y, rate):
    """step() -> mean cubic hinge loss by optim.SGD and autograd; and the parameters one after the other, as a function."""
    import torch

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    descent = torch.optim.SGD(model.parameters(), lr=rate)

    def step():
        descent.zero_grad()
        loss = (torch.relu(1 - y * model(x)) ** 3).mean()
        loss.backward()
        descent.step()
        return loss.item()

    return step, lambda: np.concatenate([p.detach().contiguous().numpy().ravel() for p in model.parameters()])
