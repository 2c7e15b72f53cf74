"""Where the parts of the reduced space are in theta: hidden neurons and their thresholds; all else is free.

    paper       here       shape     meaning
    w_j         W          (m, d)    places in theta of the weights of a hidden layer, one neuron a row
    b_j         b          (m,)      places of its thresholds
    c_j         out        (k, m)    places of the outgoing weights: column j is what neuron j sends to the next layer
    X_B         radius               |b_j| <= radius; None where there is no wall

`theta[W]` are the weights, whatever the nesting was.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from refimpl.doors import floats
from refimpl.manifolds import sphere
from refimpl.nn.dense import Dense
from refimpl.nn.shallow import Shallow
from refimpl.params import Unravel

Radius = float | Sequence[float]  # one for all hidden layers, or one for each


class Hidden(NamedTuple):
    """A hidden layer: places in theta, and the bound of its thresholds."""

    W: np.ndarray  # (m, d)
    b: np.ndarray  # (m,)
    out: np.ndarray  # (k, m)
    radius: float | None


def hidden_layers(unravel: Unravel, radius: Radius | None = None) -> tuple[Hidden, ...]:
    """The hidden layers of the network that unravel gives.

    Parameters
    ----------
    unravel : Unravel
        From :func:`refimpl.params.ravel` of (Dense, (), ..., Dense) as `mlp` makes it, or of a Shallow or (W, b, v, c). Slopes of
        PReLU between the layers are free parameters.
    radius : finite number >= 0, one for each hidden layer, or None: no bound

    Raises
    ------
    TypeError, ValueError
        If the nesting is another one, sizes do not fit, or a radius is not as above.
    """
    if not (callable(unravel) and hasattr(unravel, "size")):
        raise TypeError(f"unravel: expected what refimpl.params.ravel returns beside theta, got {type(unravel).__name__}")
    places = unravel(np.arange(unravel.size))
    if not isinstance(places, (tuple, list)):
        raise ValueError(f"unravel: expected that of (Dense, (), ..., Dense) or of Shallow, got that of {type(places).__name__}")
    if isinstance(places, Shallow) or (len(places) > 0 and all(isinstance(p, np.ndarray) for p in places[:4])):
        if len(places) not in (4, 5):
            raise ValueError(f"unravel: expected that of (W, b, v, c), got that of {len(places)} arrays")
        layers = [(places[0], places[1], places[2][None])]
    else:
        dense, between = list(places[::2]), places[1::2]
        if len(places) % 2 == 0 or len(dense) < 2 or any(isinstance(p, Dense) != (k % 2 == 0) for k, p in enumerate(places)):
            got = ", ".join(type(p).__name__ for p in places)
            raise ValueError(f"unravel: expected that of (Dense, (), ..., Dense) or of Shallow, got that of ({got})")
        if any(isinstance(p, tuple) and p != () for p in between):
            raise ValueError("unravel: expected () or slopes between Dense layers, got other parameters")
        layers = [(here.W, here.b, there.W) for here, there in pairwise(dense)]
    for W, b, out in layers:
        if W.ndim != 2 or W.shape[1] < 1 or b.shape != W.shape[:1] or out.ndim != 2 or out.shape[1:] != W.shape[:1]:
            raise ValueError(
                f"unravel: expected W (m, d), b (m,) and outgoing weights (k, m), got {W.shape}, {b.shape} and {out.shape}"
            )
    bounds = [None] * len(layers) if radius is None else radii(radius, len(layers))
    return tuple(Hidden(*layer, bound) for layer, bound in zip(layers, bounds, strict=True))


def radii(radius: Any, count: int) -> list[float]:
    """One bound for each of count hidden layers; TypeError or ValueError otherwise."""
    X = floats("radius", radius)
    if X.ndim > 1 or (X.ndim == 1 and len(X) != count):
        raise ValueError(f"radius: expected a number, or one for each of {count} hidden layers, got shape {X.shape}")
    if not ((0 <= X) & (X < np.inf)).all():
        raise ValueError(f"radius: expected finite numbers >= 0, got {radius}")
    return [float(bound) for bound in np.broadcast_to(X, count)]


# ---- the doors
def in_reduced_space(theta: np.ndarray, hidden: tuple[Hidden, ...], unravel: Unravel) -> np.ndarray:
    """theta, if its hidden neurons are of unit length and their thresholds within the bounds; otherwise ValueError."""
    if theta.shape != (unravel.size,):
        raise ValueError(f"theta: expected shape ({unravel.size},), got {theta.shape}")
    slack = 1e-12 if theta.dtype == np.float64 else 1e-6  # some rounding units
    for W, b, _, X in hidden:
        off_sphere = np.flatnonzero(~(np.abs(np.sum(theta[W] ** 2, axis=1) - 1) <= sphere.UNIT))
        if len(off_sphere):
            j = off_sphere[0]
            at = f"{np.sqrt(np.sum(theta[W[j]] ** 2)):.6g} in the row of {unravel.entry(W[j, 0])}"
            raise ValueError(f"theta: expected neurons of unit length (project makes them), got {at}")
        if X is None:
            continue
        outside = np.flatnonzero(~(np.abs(theta[b]) <= X * (1 + slack)))
        if len(outside):
            j = outside[0]
            at = f"{theta[b[j]]:.6g} at {unravel.entry(b[j])}"
            raise ValueError(f"theta: expected thresholds in [{0 - X:g}, {X:g}] (project makes them), got {at}")
    return theta


def lengths(theta: np.ndarray, W: np.ndarray, unravel: Unravel, name: str = "params") -> tuple[np.ndarray, np.ndarray]:
    """Directions w/|w| (m, d) and lengths |w| (m, 1) of the neurons at W; ValueError naming a row of zeros."""
    w = theta[W]
    zero = np.flatnonzero(~w.any(axis=1))
    if len(zero):
        raise ValueError(f"{name}: expected neurons that are not zero, got zeros in the row of {unravel.entry(W[zero[0], 0])}")
    u, (_, r) = sphere.project_forward(w)
    return u, r


def one_of(name: str, choice: Any, choices: tuple[str, ...]) -> str:
    """choice, if it is one of the choices; otherwise ValueError."""
    if choice not in choices:
        raise ValueError(f"{name}: expected one of {', '.join(choices)}, got {choice!r}")
    return choice
