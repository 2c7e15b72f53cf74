"""What the three reproductions share: samples, starts, trainers, and the runs.

    symbol    here       shape     meaning
              x          (n, d)    points of the unit cube [0, 1]^d, raw, or less their middle: centred
    X         radius               sup |x| over the domain: √d raw, √d/2 centred
    N         neurons              of one hidden layer of ReLU
              start                a network before training; `reduced` has |w_j| = 1 and |b_j| <= X, `default` is uniform

A seed draws its samples, test points and starts once. All methods have them, raw and centred alike: so what is compared is paired.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import cos, pi, sqrt
from typing import Any, NamedTuple

import numpy as np

from refimpl.doors import whole
from refimpl.experiments.outcome import Seeds
from refimpl.experiments.processes import each
from refimpl.nn import Dense, mlp, network_forward, objective, squared_backward, squared_forward
from refimpl.nn.shallow import Shallow, shallow
from refimpl.optim import adam, minimise
from refimpl.papers.reduced_space.domain import support_box, threshold_interval
from refimpl.papers.reduced_space.training import (
    box_bounds,
    keep_thresholds,
    reduced_objective,
    reparametrise_forward,
    riemannian_adam,
    variable_projection,
)
from refimpl.params import Objective, Unravel, ravel

LAYERS = mlp([1, 1, 1], "relu", np.random.default_rng(0))[0]  # of all sizes
RATE = 1e-2  # of Adam, at the start
RIDGE = 1e-8  # of variable projection
INPUTS = {"raw": 0.0, "centred": 0.5}  # what is subtracted


@dataclass(frozen=True)
class Protocol(Seeds):
    """One network, one set of samples a seed, and how long they are trained."""

    seeds: int = 10
    neurons: int = 40
    samples: int = 500
    tests: int = 2000
    adam_steps: int = 2000
    lbfgs_steps: int = 600

    def __post_init__(self):
        super().__post_init__()
        for name in ("neurons", "samples", "tests", "adam_steps", "lbfgs_steps"):
            whole(name, getattr(self, name), 1)


class Problem(NamedTuple):
    """A function to learn, and the pilot's figures, by inputs and method: train, least, most, test; least and most may lack."""

    name: str
    title: str
    target: Callable[[np.ndarray], np.ndarray]  # x (n, d) raw -> (n,)
    d: int
    pilot: Mapping[str, Mapping[str, tuple[float, ...]]]

    def radius(self, inputs: str) -> float:
        """X, of the cube."""
        return sqrt(self.d) * (0.5 if INPUTS[inputs] else 1.0)


class Task(NamedTuple):
    """The samples of one seed as the trainers want them."""

    loss: Objective  # mean squared error over theta
    unravel: Unravel
    x: np.ndarray
    y: np.ndarray
    radius: float


class Trained(NamedTuple):
    """Mean squared errors on the samples and the test points, the network before and after, and evaluations of the error."""

    train: float
    test: float
    start: Shallow
    end: Shallow
    calls: int


# ---- starts
def default_start(neurons: int, d: int, radius: float, rng: np.random.Generator) -> tuple:
    """Every weight and bias uniform on ±1/√(inputs of its layer)."""
    h, o = 1 / sqrt(d), 1 / sqrt(neurons)
    hidden = Dense(rng.uniform(-h, h, (neurons, d)), rng.uniform(-h, h, neurons))
    return hidden, (), Dense(rng.uniform(-o, o, (1, neurons)), rng.uniform(-o, o, 1))


def reduced_start(neurons: int, d: int, radius: float, rng: np.random.Generator) -> tuple:
    """w uniform on the sphere, b uniform on [-X, X], c normal of variance 1/N, c_0 = 0."""
    W = rng.standard_normal((neurons, d))
    W /= np.sqrt(np.sum(W * W, axis=1, keepdims=True))
    b, c = radius * rng.uniform(-1, 1, neurons), rng.standard_normal((1, neurons)) / sqrt(neurons)
    return Dense(W, b), (), Dense(c, np.zeros(1))


STARTS = {"default": default_start, "reduced": reduced_start}


# ---- trainers: (task, theta, steps) -> (theta of a network, evaluations)
def cosine(steps: int) -> Callable[[int], float]:
    """RATE (1 + cos(π t/steps))/2: from RATE to 0."""
    return lambda t: RATE * (1 + cos(pi * t / steps)) / 2


def standard_adam(task: Task, theta: np.ndarray, steps: int) -> tuple[np.ndarray, int]:
    """Adam in all weights and biases."""
    return minimise(task.loss, theta, adam(cosine(steps)), steps).theta, steps + 1


def riemannian(task: Task, theta: np.ndarray, steps: int) -> tuple[np.ndarray, int]:
    """Adam on spheres × intervals: w moves along the sphere (in one dimension its sign stays), b is clipped to [-X, X]."""
    return minimise(task.loss, theta, riemannian_adam(cosine(steps), task.unravel, task.radius), steps).theta, steps + 1


def lbfgs(fun: Objective, theta: np.ndarray, steps: int, bounds: Any = None) -> tuple[np.ndarray, int]:
    """SciPy's L-BFGS-B: all iterations, unless no step makes the error less any more."""
    from scipy.optimize import minimize

    options = {"maxiter": steps, "maxfun": 20 * steps, "ftol": 0.0, "gtol": 0.0}
    found = minimize(fun, theta, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return found.x, int(found.nfev)


def standard_lbfgs(task: Task, theta: np.ndarray, steps: int) -> tuple[np.ndarray, int]:
    """L-BFGS in all weights and biases."""
    return lbfgs(task.loss, theta, steps)


def directions(task: Task, theta: np.ndarray, steps: int) -> tuple[np.ndarray, int]:
    """Adam in u of w = u/|u|, coordinate by coordinate; b is clipped."""
    optimiser = keep_thresholds(adam(cosine(steps)), task.unravel, task.radius)
    phi = minimise(reduced_objective(task.loss, task.unravel), theta, optimiser, steps).theta
    return reparametrise_forward(phi, task.unravel)[0], steps + 1


def reduced_lbfgs(task: Task, theta: np.ndarray, steps: int) -> tuple[np.ndarray, int]:
    """L-BFGS-B in u of w = u/|u|, b in its box (in one dimension the sign of w stays), and c."""
    fun = reduced_objective(task.loss, task.unravel)
    phi, calls = lbfgs(fun, theta, steps, box_bounds(task.unravel, task.radius))
    return reparametrise_forward(phi, task.unravel)[0], calls


def projected(task: Task, theta: np.ndarray, steps: int) -> tuple[np.ndarray, int]:
    """L-BFGS-B in u and b alone: outgoing weights are always the best ones."""
    hidden = task.unravel(theta)[0]
    best = variable_projection(task.x, task.y, task.radius, len(hidden.b), RIDGE)
    phi, calls = lbfgs(best.objective, ravel(hidden)[0], steps, best.bounds)
    return ravel(best.network(phi))[0], calls


class Method(NamedTuple):
    """How a network starts, how it is trained, and by which optimiser: columns of the claim and of the gains."""

    start: str
    train: Callable[[Task, np.ndarray, int], tuple[np.ndarray, int]]
    optimiser: str


METHODS = {
    "standard, default start, Adam": Method("default", standard_adam, "Adam"),
    "standard, reduced start, Adam": Method("reduced", standard_adam, "Adam"),
    "reduced, Adam": Method("reduced", riemannian, "Adam"),
    "reduced as u/|u|, Adam": Method("reduced", directions, "Adam"),
    "standard, default start, L-BFGS": Method("default", standard_lbfgs, "L-BFGS"),
    "standard, reduced start, L-BFGS": Method("reduced", standard_lbfgs, "L-BFGS"),
    "reduced, L-BFGS": Method("reduced", reduced_lbfgs, "L-BFGS"),
    "reduced, variable projection": Method("reduced", projected, "L-BFGS"),
}


# ---- the runs
def task_of(problem: Problem, config: Protocol, inputs: str, stream: np.random.SeedSequence) -> tuple[Task, dict[str, tuple], Any]:
    """Samples, starts by name, and test points (x, y) of a seed: the same points and the same draws for all inputs."""
    keys = np.random.default_rng(stream).integers(2**63, size=4)  # not spawned: a stream remembers how many it has
    points, tests, *draws = (np.random.default_rng(key) for key in keys)
    x, x_test = points.uniform(size=(config.samples, problem.d)), tests.uniform(size=(config.tests, problem.d))
    radius = problem.radius(inputs)
    starts = {name: start(config.neurons, problem.d, radius, rng) for (name, start), rng in zip(STARTS.items(), draws, strict=True)}
    _, unravel = ravel(starts["default"])
    y, shifted = problem.target(x), x - INPUTS[inputs]
    loss = objective(LAYERS, unravel, (squared_forward, squared_backward), shifted, y)
    return Task(loss, unravel, shifted, y, radius), starts, (x_test - INPUTS[inputs], problem.target(x_test))


def trained(problem: Problem, config: Protocol, inputs: str, name: str, stream: np.random.SeedSequence) -> Trained:
    """One network, by that method."""
    method = METHODS[name]
    task, starts, (x, y) = task_of(problem, config, inputs, stream)
    start = starts[method.start]
    steps = config.adam_steps if method.optimiser == "Adam" else config.lbfgs_steps
    theta, calls = method.train(task, ravel(start)[0], steps)
    end = task.unravel(theta)
    test = float(squared_forward(network_forward(LAYERS, end, x)[0], y)[0])
    return Trained(float(task.loss(theta)[0]), test, shallow(start)[0], shallow(end)[0], calls)


def runs(problem: Problem, config: Protocol, rng: np.random.Generator | None, workers: Any) -> dict[str, dict[str, list[Trained]]]:
    """Every method of the pilot's, for all inputs and seeds: by inputs, method, seed."""
    streams = config.streams(rng)
    jobs = [
        (problem, config, inputs, name, stream) for inputs, names in problem.pilot.items() for name in names for stream in streams
    ]
    found = iter(each(trained, jobs, workers))
    return {inputs: {name: [next(found) for _ in streams] for name in names} for inputs, names in problem.pilot.items()}


def inside(params: Shallow, low: float, high: float) -> float:
    """The share of the neurons that break inside the cube [low, high]^d: w·x + b takes both signs there."""
    d = params.W.shape[1]
    least, most = threshold_interval(params.W, support_box(np.full(d, low), np.full(d, high)))
    return float(((least < params.b) & (params.b < most)).mean())
