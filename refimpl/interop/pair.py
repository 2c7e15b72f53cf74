"""A pair (forward, backward) from a function that returns value and gradient at once."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import numpy as np

POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def pair_from(
    value_and_gradient: Callable[..., tuple[Any, Any]],
    name: str = "energy",
    paper: str = "hyperspherical_energy",
    like: Callable | None = None,
) -> SimpleNamespace:
    """An implementation of one of a paper's functions, from (value, gradient).

    Parameters
    ----------
    value_and_gradient : callable
        (W, ...) -> (value, gradient of W's shape).
    name, paper : str
        It implements `NAME_forward`, `NAME_backward` and `NAME_and_gradient` of that paper.
    like : callable, optional
        What has the signature to show, if that is not value_and_gradient. An option that it lacks is *not covered* by a check. A
        leading argument that it lacks, as `s` of `loss(W)`, has the paper's default.

    Returns
    -------
    impl : SimpleNamespace
        With the three functions, and `lacks(*args, **options)` on each: why it does not cover these arguments, or "".

    Raises
    ------
    ValueError
        If the paper has no such function; from the functions, if the gradient has another shape than W.
    TypeError
        From the functions, if they do not cover the arguments.
    """
    own = inspect.signature(like or value_and_gradient)
    try:
        reference = inspect.signature(getattr(import_module(f"refimpl.papers.{paper}"), f"{name}_forward"))
    except (ImportError, AttributeError):
        raise ValueError(f"name: expected a function of the paper {paper}, got {name!r}: there is no {name}_forward") from None
    kinds = [p.kind for p in own.parameters.values()]
    room = len(reference.parameters) if inspect.Parameter.VAR_POSITIONAL in kinds else sum(kind in POSITIONAL for kind in kinds)

    def fitted(args, options):
        """(args, options) for the own signature, and the name of what it lacks."""
        options, lacking = dict(options), ""
        for word, value in zip(list(reference.parameters)[room : len(args)], args[room:], strict=False):
            if word in own.parameters or inspect.Parameter.VAR_KEYWORD in kinds:
                options[word] = value
            elif value != reference.parameters[word].default:
                lacking = lacking or word
        for word in options:
            if word not in own.parameters and inspect.Parameter.VAR_KEYWORD not in kinds:
                lacking = lacking or word
        return args[:room], options, lacking

    def lacks(*args, **options):
        lacking = fitted(args, options)[2]
        return f"{name} has no {lacking}" if lacking else ""

    def both(*args, **options):
        own_args, own_options, lacking = fitted(args, options)
        if lacking:
            raise TypeError(f"{lacking}: expected an argument of {name}{own}, got {lacking} beside them")
        value, gradient = value_and_gradient(*own_args, **own_options)
        value, gradient = np.float64(value), np.array(gradient, np.float64)  # a copy: the next call may use the memory again
        if gradient.shape != np.shape(args[0]):
            raise ValueError(f"gradient: expected shape {np.shape(args[0])}, got {gradient.shape}")
        return value, gradient

    def forward(*args, **options):
        value, gradient = both(*args, **options)
        return value, (gradient,)

    def backward(dvalue, cache):
        (gradient,) = cache
        return dvalue * gradient

    for f in (forward, both):
        f.__signature__, f.lacks, f.__doc__ = own, lacks, (like or value_and_gradient).__doc__  # type: ignore[attr-defined]
    return SimpleNamespace(**{f"{name}_forward": forward, f"{name}_backward": backward, f"{name}_and_gradient": both})


def with_gradients_of(framework: str, differentiate: Callable, loss: Callable, name: str, paper: str) -> SimpleNamespace:
    """The implementation whose gradients are differentiate(loss, W, args, options) -> (value, gradient)."""
    if not callable(loss):
        raise TypeError(f"loss: expected a function of {framework} arrays, got {type(loss).__name__}")

    @wraps(loss)
    def value_and_gradient(W, *args, **options):
        return differentiate(loss, np.array(W, np.float64), args, options)

    return pair_from(value_and_gradient, name, paper, like=loss)


def scalar(shape: tuple) -> None:
    """Raise ValueError unless a loss has returned a scalar."""
    if shape != ():
        raise ValueError(f"loss: expected a scalar, got shape {tuple(shape)}")
