"""The training loop: mini-batches, a history, an end, and a file from which a killed run goes on.

    symbol    here             shape    meaning
    n         n                         samples
    θ         theta            (p,)     parameters
    B         rows             (b,)     the samples of a mini-batch, as integers
    L_B       objective(rows)           theta -> (value, gradient (p,)), a mean over those samples
    t         steps                     number of steps taken

Regularisers are objectives and are added: `lambda rows: total(data(rows), energy, decay)`, see :func:`refimpl.params.total`.

Reading order: train, the step it takes, and what it keeps in the file.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from copy import deepcopy
from hashlib import sha256
from math import isfinite
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from refimpl.doors import finite, floats, whole
from refimpl.files import FormatError, load_checkpoint, packed, save_checkpoint
from refimpl.optim.first_order import Optimiser, advanced, optimiser_of
from refimpl.params import Objective, leaves, mapped


class Epoch(NamedTuple):
    """A row of the history."""

    epoch: int  # 1 for the first
    value: float  # mean of the objective over the samples seen, each before its step
    measured: Any  # measure(theta) after the epoch; None where it was not called


class Training(NamedTuple):
    """What a training came to."""

    theta: np.ndarray  # (p,) after the last step
    state: Any  # of the optimiser
    steps: int  # taken in all
    history: tuple[Epoch, ...]
    status: str  # "finished", "target" or "diverged"
    reason: str  # of the divergence; "" otherwise


def train(
    objective: Callable[[np.ndarray], Objective],
    theta: ArrayLike,
    optimiser: Optimiser,
    n: int,
    *,
    epochs: int,
    batch: int | None = None,
    rng: np.random.Generator | None = None,
    measure: Callable[[np.ndarray], Any] | None = None,
    measure_every: int = 1,
    target: float | Callable[[Epoch], bool] | None = None,
    progress: Callable[[int, int, Epoch | None], Any] | None = None,
    checkpoint: str | os.PathLike | None = None,
    every: int = 1000,
) -> Training:
    """Train on mini-batches, drawn without replacement: every epoch sees each sample once, in a new order.

    Parameters
    ----------
    objective : rows (b,) -> objective over theta
        rows are the integers of the samples, in an array that cannot be written to; `nn.batch_objective` makes such a function.
    theta : array_like, shape (p,), finite
        Where to start.
    optimiser : Optimiser
    n : int >= 1, samples
    epochs : int >= 0
    batch : int >= 1, optional
        Samples a step; an epoch's last step takes what is left. None, or n and more: all samples in their order, one step an epoch.
    rng : numpy.random.Generator
        Draws the orders; it is copied. Not needed where a step takes all samples.
    measure : callable theta -> number, or dict of numbers, optional
        Called after every `measure_every` epochs with a copy of theta; the history keeps what it returns, which a checkpoint, if
        there is one, must be able to hold.
    target : number or callable, optional
        The run ends after an epoch with value <= target, or with target(row) true for its row of the history.
    progress : callable (steps, all steps, last row or None), optional
        Called after every step; see :func:`refimpl.report.progress.progress_bar`.
    checkpoint : path, optional
        The file that keeps the run: written at the start, after every `every` steps and at the end, each time whole. If it exists,
        the run goes on from there, and theta, state and history come out as if it had never stopped, bit by bit; with more epochs
        than before it goes on beyond its end. Objective, rates, measure and target are not in the file, and must be the same.

    Returns
    -------
    Training
        "diverged" if a value, a gradient, the parameters or an array of the state are not finite after a step, or the objective
        raises OverflowError or FloatingPointError: theta and state are then those before that step.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as above; if the checkpoint is of another run: other n, batch, start, rng or optimiser, or further on.
    FormatError
        If the file is damaged, or no checkpoint of a training.
    OSError
        If the checkpoint cannot be read or written, which is tried at once. Later the file is the last one that was written whole.
    """
    n, epochs = whole("n", n, 1), whole("epochs", epochs, 0)
    batch = n if batch is None else min(whole("batch", batch, 1), n)
    measure_every, every = whole("measure_every", measure_every, 1), whole("every", every, 1)
    if not (isinstance(rng, np.random.Generator) or (rng is None and batch == n)):
        raise TypeError(f"rng: expected a numpy.random.Generator, got {type(rng).__name__}")
    if not (target is None or callable(target)):
        finite("target", floats("target", target, ()))
    for name, f in (("objective", objective), ("measure", measure), ("progress", progress)):
        if not (callable(f) or (f is None and name != "objective")):
            raise TypeError(f"{name}: expected a function, got {type(f).__name__}")
    theta, rng = finite("theta", floats("theta", theta, (None,))).copy(), None if batch == n else deepcopy(rng)
    state, t, summed, orders = optimiser_of(optimiser).init(theta), 0, 0.0, drawing(rng)
    history: list[Epoch] = []
    an_epoch = -(-n // batch)  # steps
    steps = epochs * an_epoch
    run: dict[str, Any] = {}  # what tells it from other runs
    if checkpoint is not None:
        run = {"n": n, "batch": batch, "parameters": len(theta), "dtype": theta.dtype.name}
        run |= {"first theta": fingerprint(theta), "first state of rng": fingerprint(orders)}
        if os.path.exists(checkpoint):
            theta, state, t, summed, history, orders = resumed(os.fspath(checkpoint), run, theta, state, rng, an_epoch)
        if t > steps:
            raise ValueError(f"epochs: expected at least {t / an_epoch:.6g}, as in {os.fspath(checkpoint)}, got {epochs}")

    def save():
        if checkpoint is not None:
            values, measured = np.array([row.value for row in history], float), [row.measured for row in history]
            now = (theta, dict(leaves(state, "state")), t, summed, values, measured, orders)
            save_checkpoint(checkpoint, run | dict(zip(KEPT, now, strict=True)))

    save()
    order, reason, met = None, "", reached(target, history)
    with np.errstate(all="ignore"):  # what is not finite ends the run, and needs no warning
        while t < steps and not met:
            start = t % an_epoch * batch
            if order is None or start == 0:
                order = np.arange(n) if rng is None else rng.permutation(n)
                order.flags.writeable = False
            rows = order[start : start + batch]
            try:
                value, theta, state = stepped(objective(rows), theta, optimiser, state)
            except (OverflowError, FloatingPointError) as e:
                reason = f"step {t + 1}: {e}"
                break
            t, summed = t + 1, summed + value * (len(rows) / n)
            if t % an_epoch == 0:
                epoch = t // an_epoch
                measured = deepcopy(measure(theta.copy())) if measure and epoch % measure_every == 0 else None
                if checkpoint is not None:
                    packed({"measured": measured})  # TypeError now, not when all is done
                history.append(Epoch(epoch, summed, measured))
                summed, orders, met = 0.0, drawing(rng), reached(target, history)
            if t % every == 0:
                save()
            if progress is not None:
                progress(t, steps, history[-1] if history else None)
    save()
    status = "diverged" if reason else "target" if met else "finished"
    return Training(theta, state, t, tuple(history), status, reason)


def stepped(objective, theta, optimiser, state) -> tuple[float, np.ndarray, Any]:
    """The value before a step, theta and state after it. Raises FloatingPointError if something in them is not finite."""
    if not callable(objective):
        raise TypeError(f"objective: expected rows -> (theta -> (value, gradient)), got {type(objective).__name__} from the rows")
    value, gradient = objective(theta)
    value, gradient = float(floats("value", value, ())), floats("gradient", gradient, theta.shape)
    if not isfinite(value):
        raise FloatingPointError(f"expected a finite value, got {value}")
    all_finite("gradient", gradient)
    theta, state = advanced(optimiser, theta, gradient, state, value)
    for name, leaf in [("theta", theta), *leaves(state, "state")]:
        all_finite(name, leaf)
    return value, theta, state


def all_finite(name, leaf):
    """Raises FloatingPointError if leaf is an array and not finite."""
    if isinstance(leaf, np.ndarray) and not np.isfinite(leaf).all():
        raise FloatingPointError(f"expected a finite {name}, got {leaf[~np.isfinite(leaf)][0]} in it")


def reached(target, history):
    """Does the last row of the history meet the target?"""
    if target is None or not history:
        return False
    return bool(target(history[-1])) if callable(target) else history[-1].value <= target


# ---- the checkpoint
KEPT = {  # beside what tells a run from others
    "theta": np.ndarray,
    "state": dict,  # the leaves of the optimiser's state by name
    "t": int,
    "summed": float,  # of the value, in this epoch
    "values": np.ndarray,
    "measured": list,
    "orders": (dict, type(None)),  # state of rng from which this epoch's order is drawn
}


def drawing(rng):
    """The state of rng, which says what it draws next."""
    return None if rng is None else rng.bit_generator.state


def fingerprint(tree):
    """A short text that tells one tree from another."""
    return sha256(packed(tree)).hexdigest()[:16]


def kind(leaf):
    """What two leaves of a state have in common: type, dtype, shape."""
    return type(leaf).__name__, str(getattr(leaf, "dtype", "")), np.shape(leaf)


def resumed(path, run, theta, state, rng, an_epoch) -> tuple[np.ndarray, Any, int, float, list[Epoch], Any]:
    """theta, state, t, summed, history and orders as the file has them; rng is set to draw from there."""
    saved = load_checkpoint(path)
    kinds = KEPT | {name: type(value) for name, value in run.items()}
    if not (isinstance(saved, dict) and saved.keys() == kinds.keys() and all(isinstance(saved[k], kinds[k]) for k in kinds)):
        raise FormatError(f"{path}: expected the checkpoint of a training, got one of something else")
    for name, expected in run.items():
        if saved[name] != expected:
            raise ValueError(f"checkpoint: expected a run with {name} {expected}, got one with {saved[name]} in {path}")
    own, found = ({name: kind(leaf) for name, leaf in of.items()} for of in (dict(leaves(state, "state")), saved["state"]))
    if own != found:
        raise ValueError(f"checkpoint: expected an optimiser with {own}, got one with {found} in {path}")
    t, values, measured = saved["t"], saved["values"], saved["measured"]
    epochs = (t // an_epoch,)
    try:
        if not (kind(saved["theta"]) == kind(theta) and values.shape == epochs == (len(measured),)):
            raise ValueError("its parts do not fit together")
        if rng is not None:
            rng.bit_generator.state = saved["orders"]
            if fingerprint(drawing(rng)) != fingerprint(saved["orders"]):
                raise ValueError("a state that rng does not take as it is")
    except (ValueError, TypeError, LookupError, OverflowError) as e:
        raise FormatError(f"{path}: expected the checkpoint of a training, got {e}") from None
    history = [Epoch(k + 1, value, row) for k, (value, row) in enumerate(zip(values.tolist(), measured, strict=True))]
    leaf = iter(saved["state"].values())
    return saved["theta"], mapped(lambda _: next(leaf), state), t, saved["summed"], history, saved["orders"]
