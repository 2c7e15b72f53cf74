"""What the experiments on training share: the digits, a perceptron, descent with momentum, and the energy as one more term.

Runs that differ in nothing but the energy are pairs: the seed gives both the same split, the same initial weights and the same
mini-batches. A run that diverges is counted, and its last finite parameters are tested like any other's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import Any, NamedTuple

import numpy as np

from refimpl.datasets import Split, load_digits, split
from refimpl.doors import whole
from refimpl.experiments.outcome import Seeds
from refimpl.nn import (
    Layer,
    batch_objective,
    cross_entropy_backward,
    cross_entropy_forward,
    mlp,
    network_forward,
)
from refimpl.nn.regularise import weight_decay
from refimpl.optim import momentum, train
from refimpl.optim.rates import PiecewiseDecay
from refimpl.papers.hyperspherical_energy.network import regularised, regulariser
from refimpl.params import Objective, Unravel, ravel, total
from refimpl.report.table import versions

COLLAPSED = 50.0  # % of errors; guessing makes 90


@dataclass(frozen=True)
class Recipe:
    """A network, its data, and how it is trained."""

    hidden: tuple[int, ...] = (64, 64)  # widths of the hidden layers, ReLU
    embedding: int | None = None  # units of a linear layer before the output
    rows: int = 300  # to train on; all others test
    rare: int | None = None  # a class that is thinned out, and to which share
    share: float = 0.1
    epochs: int = 150
    batch: int = 50
    rate: float = 0.1  # a tenth of it after 60 % of the steps, a hundredth after 85 %
    beta: float = 0.9
    decay: float = 5e-4  # ½ decay ‖W‖²

    def __post_init__(self):
        for name in ("rows", "epochs", "batch"):
            whole(name, getattr(self, name), 1)
        for width in (*self.hidden, *((self.embedding,) if self.embedding is not None else ())):
            whole("hidden, embedding", width, 2)
        if not self.hidden:
            raise ValueError("hidden: expected at least one width, got none")

    def __str__(self) -> str:
        widths = [64, *self.hidden, *([f"{self.embedding} (linear)"] if self.embedding else []), 10]
        return f"{'-'.join(map(str, widths))}, {self.rows} rows"


@dataclass(frozen=True)
class Energy:
    """The term of the objective: λ_h and λ_o, the exponent, and the space of the hidden layers."""

    hidden: float = 1.0
    output: float = 10.0
    s: float = 2.0
    half_space: bool = True
    equal_force: bool = False  # λ_h (2N−1)/(N−1) in half space, so that a pair's mean counts as much as in full space

    def __post_init__(self):
        for name in ("hidden", "output", "s"):
            if not (isinstance(getattr(self, name), (int, float)) and 0 <= getattr(self, name) and isfinite(getattr(self, name))):
                raise ValueError(f"{name}: expected a finite number >= 0, got {getattr(self, name)!r}")

    def __str__(self) -> str:
        if not self.hidden and not self.output:
            return "none"
        space = ("half space" if self.half_space else "full space") if self.hidden else "output only"
        return f"{space}, s = {self.s:g}, λ {self.hidden:g}/{self.output:g}{', equal force' if self.equal_force else ''}"


NONE = Energy(0.0, 0.0)


class Problem(NamedTuple):
    """What the runs of one seed have in common."""

    recipe: Recipe
    data: Split
    layers: tuple[Layer, ...]
    theta: np.ndarray  # (p,) to start from
    unravel: Unravel
    rng: np.random.Generator  # of the mini-batches


class Run(NamedTuple):
    """A trained network and how it does. Errors in % of the rows."""

    error: float  # on the test rows
    fitted: float  # on the training rows
    classes: tuple[float, ...]  # on the test rows of each class
    diverged: bool
    theta: np.ndarray  # (p,)
    measured: tuple[Any, ...]  # before the first epoch, and after each

    @property
    def collapsed(self) -> bool:
        """Diverged, or wrong on most of the test rows."""
        return self.diverged or self.error >= COLLAPSED


def problem(recipe: Recipe, rng: np.random.Generator) -> Problem:
    """Split, network and initial weights of one seed; where a class is thinned, rows are drawn in proportion to the classes."""
    data_rng, weights_rng, batch_rng = rng.spawn(3)
    data = split(load_digits(), recipe.rows, data_rng, stratified=recipe.rare is not None, rare=recipe.rare, share=recipe.share)
    widths = [data.x.shape[1], *recipe.hidden, *([recipe.embedding] if recipe.embedding else []), 10]
    layers, params = mlp(widths, "relu", weights_rng)
    if recipe.embedding:  # no activation between the embedding and the output
        layers, params = layers[:-2] + layers[-1:], params[:-2] + params[-1:]
    theta, unravel = ravel(params)
    return Problem(recipe, data, layers, theta, unravel, batch_rng)


def trained(p: Problem, energy: Energy = NONE, measure: Callable | None = None) -> Run:
    """Train once, with that energy. measure : params -> what is kept of them before the first epoch and after every one."""
    r, data = p.recipe, p.data
    loss = batch_objective(p.layers, p.unravel, (cross_entropy_forward, cross_entropy_backward), data.x, data.y)
    terms = [weight_decay(p.unravel, r.decay)]
    if energy.hidden or energy.output:
        terms.append(objective(energy, p.unravel))
    steps = r.epochs * -(-len(data.y) // r.batch)
    rate = PiecewiseDecay(r.rate, tuple(sorted({round(0.6 * steps), round(0.85 * steps)})), 0.1)
    start = () if measure is None else (measure(p.unravel(p.theta)),)
    t = train(
        lambda rows: total(loss(rows), *terms),
        p.theta,
        momentum(rate, r.beta),
        len(data.y),
        epochs=r.epochs,
        batch=r.batch,
        rng=p.rng,
        measure=None if measure is None else lambda theta: measure(p.unravel(theta)),
    )
    wrong = missed(p, t.theta, data.x_test, data.y_test)
    classes = tuple(100 * float(wrong[data.y_test == label].mean()) for label in range(10))
    fitted = 100 * float(missed(p, t.theta, data.x, data.y).mean())
    measured = (*start, *(row.measured for row in t.history))
    return Run(100 * float(wrong.mean()), fitted, classes, t.status == "diverged", t.theta, measured)


def objective(energy: Energy, unravel: Unravel) -> Objective:
    """The term as an objective over theta; FloatingPointError, which ends a training, where neurons coincide or vanish."""
    e = energy
    if e.half_space and e.equal_force:
        params = unravel(np.zeros(unravel.size))
        sizes = {k: len(params[k].W) for k in regularised(params)[0]}
        weights = {k: e.hidden * (2 * n - 1) / (n - 1) for k, n in sizes.items()}
        parts = [regulariser(unravel, w, 0.0, e.s, True, hidden_layers=[k]) for k, w in weights.items()]
        term = total(*parts, regulariser(unravel, 0.0, e.output, e.s))
    else:
        term = regulariser(unravel, e.hidden, e.output, e.s, e.half_space)

    def apart(theta):
        try:
            return term(theta)
        except ValueError as error:
            raise FloatingPointError(str(error)) from None

    return apart


def missed(p: Problem, theta, x, y):
    """Which rows are classified wrongly."""
    with np.errstate(over="ignore", invalid="ignore"):  # where training went out of bounds
        return network_forward(p.layers, p.unravel(theta), x)[0].argmax(axis=1) != y


def weights(p: Problem, theta: np.ndarray) -> list[np.ndarray]:
    """W of every layer that has one, the output last."""
    params = p.unravel(theta)
    hidden, output = regularised(params)
    return [params[k].W for k in (*hidden, output)]


def nearest_angles(U: np.ndarray) -> np.ndarray:
    """(m,) from every direction to the nearest other, degrees."""
    t = np.where(np.eye(len(U), dtype=bool), -1, U @ U.T)
    return np.degrees(np.arccos(np.clip(t.max(axis=1), -1, 1)))


# ---- what every result says
def footer(config: Seeds, minutes: float, rule: str, verdict: str, pilot: int = 12) -> list[str]:
    """The last lines of a table; pilot: its seeds."""
    found = versions()
    return [
        f"{config.seeds} paired seeds, streams 0 to {config.seeds - 1} of seed {config.seed}; {minutes:.1f} minutes; "
        + ", ".join(f"{name} {v}" for name, v in found.items())
        + ".",
        "Data: the packaged digits, 8 × 8, and perceptrons, in place of the paper's images and convolutional networks.",
        f"Pilot: {pilot} seeds, run before in the same setting; none of these figures is the paper's.",
        f"Decision, fixed before the run: {rule}.",
        f"Verdict: {verdict}.",
    ]
