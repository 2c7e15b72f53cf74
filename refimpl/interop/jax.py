"""A loss written in JAX."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np

from refimpl.interop.pair import scalar, with_gradients_of


def from_jax(loss: Callable, name: str = "energy", paper: str = "hyperspherical_energy") -> SimpleNamespace:
    """An implementation, for :func:`refimpl.check`, of a loss in JAX with the gradient that `jax.grad` derives.

    As :func:`refimpl.interop.from_torch`, with JAX arrays. It computes in float64, for the call only: JAX's configuration is left as
    it is.

    Raises
    ------
    ImportError
        If JAX is not installed.
    TypeError
        If loss is not callable.
    ValueError
        If the paper has no such function; from the functions, if the loss is no scalar.
    """
    try:
        import jax
    except ImportError as e:
        raise ImportError("from_jax: expected JAX to be installed: pip install 'refimpl[peers]'") from e
    if hasattr(jax, "enable_x64"):
        in_float64 = jax.enable_x64
    else:  # in older versions
        from jax.experimental import enable_x64 as in_float64

    def array(a):
        return jax.numpy.asarray(a) if isinstance(a, np.ndarray) else a

    def differentiate(loss, W, args, options):
        def scalar_loss(w):
            value = jax.numpy.asarray(loss(w, *map(array, args), **{word: array(a) for word, a in options.items()}))
            scalar(value.shape)
            return value.astype(jax.numpy.float64)

        with in_float64(True):
            value, gradient = jax.value_and_grad(scalar_loss)(jax.numpy.asarray(W))
            return float(value), np.asarray(gradient)

    return with_gradients_of("JAX", differentiate, loss, name, paper)
