"""Losses written in PyTorch or JAX as implementations of a paper, for :func:`refimpl.check`.

    from_torch(loss), from_jax(loss)      loss(W, s=1.0, ...) -> scalar, with the gradient that the framework derives
    pair_from(value_and_gradient)         (W, s=1.0, ...) -> (value, gradient), from anywhere

All give an object with `energy_forward`, `energy_backward` and `energy_and_gradient`, values and gradients in float64 NumPy.
Reading order: pair, torch, jax.
"""

from refimpl.interop.jax import from_jax
from refimpl.interop.pair import pair_from
from refimpl.interop.torch import from_torch

__all__ = ["from_jax", "from_torch", "pair_from"]
