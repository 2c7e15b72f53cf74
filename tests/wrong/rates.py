"""Rates by groups and rates that fall, in wrong ways."""

import numpy as np

from wrong.corpus import entry

PAPER = "substrate"


def with_rates(ours, changed):
    """Every optimiser with changed(rate) in place of its rate."""

    def made(name):
        def optimiser(rate, **options):
            return getattr(ours, name)(changed(rate), **options)

        return optimiser

    return {name: made(name) for name in ("gradient_descent", "momentum", "adam")}


@entry(PAPER, "reject", "the schedule is asked for the step that comes after", by=("L45",))
def schedule_a_step_ahead(ours):
    return with_rates(ours, lambda rate: (lambda t: rate(t + 1)) if callable(rate) else rate)


@entry(PAPER, "reject", "the schedule is asked once, at the start", by=("L45",))
def schedule_asked_once(ours):
    return with_rates(ours, lambda rate: rate(0) if callable(rate) else rate)


@entry(PAPER, "reject", "the mean of the groups' rates for all parameters", by=("L45",))
def rates_averaged_over_the_groups(ours):
    def mean(rate):
        if callable(rate):
            return lambda t: np.mean(rate(t)) + 0 * np.asarray(rate(t))
        return rate if np.ndim(rate) == 0 else np.full(np.shape(rate), np.mean(rate))

    return with_rates(ours, mean)


@entry(PAPER, "reject", "the rate inside the velocity: v ← β v + η g, θ ← θ − v, which differs once the rate falls", by=("L45",))
def rate_inside_the_velocity(ours):
    def momentum(rate, beta=0.9, nesterov=False):
        right = ours.momentum(1.0, beta, nesterov)

        def step(theta, gradient, state):
            eta = rate(state.t) if callable(rate) else rate
            return right.step(theta, eta * gradient, state)

        return ours.Optimiser(right.init, step)

    return {"momentum": momentum}


@entry(PAPER, "reject", "the exponent t/every without rounding down", by=("L46",))
def decay_between_its_steps(ours):
    def ExponentialDecay(rate, factor, every=1):
        return lambda t: rate * factor ** (t / every)

    return {"ExponentialDecay": ExponentialDecay}


@entry(PAPER, "reject", "the rate falls one step after the one that is named", by=("L46",))
def decay_a_step_late(ours):
    def PiecewiseDecay(rate, steps, factor=0.1):
        return lambda t: rate * factor ** sum(step < t for step in steps)

    return {"PiecewiseDecay": PiecewiseDecay}


@entry(PAPER, "reject", "of two groups that fit, the one given last", by=("L47",))
def groups_in_the_order_given(ours):
    def group_rates(unravel, rate, groups):
        eta = []
        for name, shape in zip(unravel.names, unravel.shapes, strict=True):
            fitting = [r for group, r in groups.items() if name == group or name.startswith((f"{group}.", f"{group}["))]
            eta.append(np.full(int(np.prod(shape)), fitting[-1] if fitting else rate))
        return np.concatenate(eta)

    return {"group_rates": group_rates}


@entry(PAPER, "reject", "params[1] begins params[10]'s name, without its bracket", by=("L47",))
def groups_by_the_beginning_of_the_name(ours):
    def group_rates(unravel, rate, groups):
        return ours.group_rates(unravel, rate, {g: r for g, r in groups.items() if not g.startswith("params[10]")} | {
            f"params[10]{g[9:]}": r for g, r in groups.items() if g.startswith("params[1]")
        })  # fmt: skip

    return {"group_rates": group_rates}
