"""A Gaussian peak, `refimpl reproduce reduced-genz`: exp(-4 |x - ½|²) on [0, 1]⁴, of Genz's test functions, by forty neurons."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from refimpl.experiments.reduced_space.outcome import Result
from refimpl.experiments.reduced_space.protocol import Problem, Protocol, runs


@dataclass(frozen=True)
class Config(Protocol):
    """As piloted."""


QUICK = Config(seeds=5, adam_steps=500, lbfgs_steps=150)


def peak(x: np.ndarray) -> np.ndarray:
    """exp(-4 |x - ½|²), x (n, d) -> (n,)."""
    return np.exp(-4 * np.sum((x - 0.5) ** 2, axis=1))


PROBLEM = Problem(
    "reduced-genz",
    "A Gaussian peak in four dimensions",
    peak,
    4,
    {
        "raw": {
            "standard, default start, Adam": (8.2e-4, 1.4e-3),
            "standard, reduced start, Adam": (2.0e-3, 2.7e-3),
            "reduced, Adam": (2.0e-3, 2.7e-3),
            "standard, default start, L-BFGS": (6.5e-4, 1.4e-3),
            "standard, reduced start, L-BFGS": (1.4e-3, 2.3e-3),
            "reduced, L-BFGS": (1.4e-3, 2.2e-3),
        },
        "centred": {
            "standard, default start, Adam": (6.2e-4, 1.3e-3),
            "standard, reduced start, Adam": (8.8e-4, 1.6e-3),
            "reduced, Adam": (8.1e-4, 1.3e-3),
            "standard, default start, L-BFGS": (5.2e-4, 1.2e-3),
            "standard, reduced start, L-BFGS": (5.4e-4, 1.3e-3),
            "reduced, L-BFGS": (5.2e-4, 1.2e-3),
        },
    },
)


def run(config: Config, rng: np.random.Generator | None = None, workers: Any = 1) -> Peak:
    """Train by every method; workers change nothing but the time."""
    start = time.perf_counter()
    return Peak(config, runs(PROBLEM, config, rng, workers), (time.perf_counter() - start) / 60)


class Peak(Result):
    """Every network, by inputs, method and seed."""

    PROBLEM = PROBLEM
