"""Weights to start from: drawn so that the signal keeps its size on its way through the layers.

A sum of d inputs of variance v, weighted by independent zero-mean weights of variance σ², has the variance d σ² v; going back, m
gradients sum the same way. Xavier takes σ² = 2/(m + d) as the compromise (Glorot & Bengio 2010); He takes σ² = 2/d, because ReLU
halves the mean square (He et al. 2015). A uniform draw on ±r has the variance r²/3.

    name              weights                     activations
    xavier_uniform    U(±√(6/(m + d)))            those that are odd or nearly linear at 0
    xavier_normal     N(0, 2/(m + d))
    he_uniform        U(±√(6/d))                  ReLU and its relatives
    he_normal         N(0, 2/d)
"""

from __future__ import annotations

import numpy as np


def xavier_uniform(m: int, d: int, rng: np.random.Generator) -> np.ndarray:
    """W (m, d), uniform of variance 2/(m + d)."""
    r = (6 / (m + d)) ** 0.5
    return rng.uniform(-r, r, size=(m, d))


def xavier_normal(m: int, d: int, rng: np.random.Generator) -> np.ndarray:
    """W (m, d), normal of variance 2/(m + d)."""
    return (2 / (m + d)) ** 0.5 * rng.standard_normal((m, d))


def he_uniform(m: int, d: int, rng: np.random.Generator) -> np.ndarray:
    """W (m, d), uniform of variance 2/d."""
    r = (6 / d) ** 0.5
    return rng.uniform(-r, r, size=(m, d))


def he_normal(m: int, d: int, rng: np.random.Generator) -> np.ndarray:
    """W (m, d), normal of variance 2/d."""
    return (2 / d) ** 0.5 * rng.standard_normal((m, d))


INITIALISATIONS = {f.__name__: f for f in (xavier_uniform, xavier_normal, he_uniform, he_normal)}
