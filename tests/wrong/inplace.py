"""The training step in place, in wrong ways."""

from itertools import pairwise

import numpy as np

from wrong.corpus import entry


@entry("substrate", "reject", "the step in place ascends", by=("L31",))
def in_place_step_that_ascends(ours):
    def training_step(*args, **options):
        step = ours.training_step(*args, **options)

        def ascend(theta, x, y):
            before = theta.copy()
            value = step(theta, x, y)
            theta[:] = 2 * before - theta
            return value

        return ascend

    return {"training_step": training_step}


@entry("substrate", "reject", "the step in place moves a copy of theta", by=("L31",))
def in_place_step_of_a_copy(ours):
    def training_step(*args, **options):
        step = ours.training_step(*args, **options)
        return lambda theta, x, y: step(theta.copy(), x, y)

    return {"training_step": training_step}


@entry("substrate", "reject", "the step in place returns the loss after the step", by=("L31",))
def in_place_step_with_the_loss_after_it(ours):
    def training_step(*args, **options):
        step = ours.training_step(*args, **options)

        def late(theta, x, y):
            step(theta, x, y)
            return step(theta.copy(), x, y)

        return late

    return {"training_step": training_step}


@entry("substrate", "reject", "the buffer of the gradient is added to from call to call", by=("L31",))
def in_place_gradient_that_adds_up(ours):
    def training_step(widths, activation, batch, rate, **options):
        gradient, total = ours.buffered_gradient(widths, activation, batch, **options), 0

        def step(theta, x, y):
            nonlocal total
            value, dtheta = gradient(theta, x, y)
            total = total + dtheta
            theta -= rate * total
            return value

        return step

    return {"training_step": training_step}


@entry("substrate", "reject", "the mean is taken over the rows of the buffers, not of the batch", by=("L31",))
def in_place_mean_over_the_buffers(ours):
    def training_step(widths, activation, batch, rate, **options):
        gradient = ours.buffered_gradient(widths, activation, batch, **options)

        def step(theta, x, y):
            value, dtheta = gradient(theta, x, y)
            theta -= rate * dtheta * (len(x) / batch)
            return value * len(x) / batch

        return step

    return {"training_step": training_step}


@entry("substrate", "reject", "the step in place lays out weights by columns", by=("L31",))
def in_place_weights_by_columns(ours):
    def training_step(widths, activation, batch, rate, **options):
        gradient = ours.buffered_gradient(widths, activation, batch, **options)
        order, at = [], 0  # where the entry of W by rows is found by columns
        for d, m in pairwise(widths):
            order += [*(at + np.arange(m * d).reshape(d, m).T.ravel()), *(at + m * d + np.arange(m))]
            at += m * d + m

        def step(theta, x, y):
            value, dtheta = gradient(theta[order], x, y)
            theta[order] -= rate * dtheta
            return value

        return step

    return {"training_step": training_step}
