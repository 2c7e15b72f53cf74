"""The backward of a forward, and a Jacobian-vector product."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from refimpl.doors import finite, floats
from refimpl.gradcheck.blocks import Block, blocks_of
from refimpl.gradcheck.gradient import check_gradient, checked, unlike
from refimpl.gradcheck.report import Report
from refimpl.params import Unravel, leaves, nested, ravel


def check_backward(
    forward: Callable[..., tuple[Any, Any]],
    backward: Callable[[Any, Any], Any],
    args: Sequence[Any],
    rng: np.random.Generator,
    *,
    wrt: Sequence[int] | None = None,
    **settings: Any,
) -> Report:
    """Is backward(dy, cache) the product of a cotangent dy with the Jacobian of forward(*args) -> (y, cache)?

    The outputs are projected on a random cotangent, f = Σ dy·y, and the gradients that backward returns are held against the slopes
    of f, entry by entry. Besides: each gradient has the type of its argument, nothing given is written to, and backward works from
    its cache alone, also after another forward.

    Parameters
    ----------
    forward, backward : the pair
    args : sequence
        Arguments of forward. Arrays of floats, and nestings of them (parameters), are differentiated; numbers, text, arrays of
        integers and functions are options, handed on as they are.
    rng : numpy.random.Generator
        For the cotangent and the random directions.
    wrt : sequence of int, optional
        Which arguments are differentiable, if not all that hold floats: `wrt=(0,)` for a loss of (f, y).
    **settings
        entries, directions, rtol, method, bounds, sizes of :func:`check_gradient`; lengths of all arguments are always in sizes.

    Returns
    -------
    report : Report

    Raises
    ------
    TypeError, ValueError
        If an argument is not as above; what forward or backward itself raises at these args.
    """
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng: expected a numpy.random.Generator, got {type(rng).__name__}")
    if not isinstance(args, (tuple, list)):
        raise TypeError(f"args: expected the arguments of forward in a tuple, got {type(args).__name__}")
    chosen = [k for k, a in enumerate(args) if holds_floats(a)] if wrt is None else list(wrt)
    if not chosen or not all(0 <= k < len(args) for k in chosen):
        raise ValueError(f"wrt: expected indices of arguments that hold floats, got {chosen} for {len(args)} arguments")
    names = names_of(forward, len(args))
    parts = [ravel(args[k], names[k])[1] for k in chosen]
    theta, unravel = ravel(tuple(args[k] for k in chosen))
    finite("args", theta)
    single = any(part.dtype == np.float32 for part in parts)

    def call(t):
        own = list(args)
        for k, a in zip(chosen, unravel(t), strict=True):
            own[k] = a
        return forward(*own)

    before = contents(args)
    y, cache = forward(*args)
    start, shaped = ravel(y, "y")
    cotangent = rng.normal(size=start.shape).astype(start.dtype)  # of the type of y
    dy = shaped(cotangent.copy())
    gradients = one_each(backward(dy, cache), len(chosen))
    if gradients is None:
        wanted = ", ".join(names[k] for k in chosen)
        mistake = f"expected {len(chosen)} gradients, of {wanted}; if others are differentiable, name them by wrt"
        return Report("wrong type", mistakes=(mistake,), parameters=len(theta))
    if mistakes := [m for part, k, g in zip(parts, chosen, gradients, strict=True) for m in other_type(part, args[k], g)]:
        return Report("wrong type", mistakes=tuple(mistakes), parameters=len(theta))
    gradient = unravel.flat(tuple(gradients))
    if contents(args) != before or contents(dy) != contents(shaped(cotangent)):
        return Report("modifies its input", mistakes=("forward or backward writes into what it was given",), parameters=len(theta))
    same, cache = forward(*args)
    if contents(same) != contents(y):
        return Report("not deterministic", mistakes=("two calls of forward gave different outputs",), parameters=len(theta))
    call(theta + (np.abs(theta) + 1) / 8)  # another forward: what it leaves behind must not matter
    if contents(one_each(backward(shaped(cotangent.copy()), cache), len(chosen))) != contents(gradients):
        mistake = "another forward in between changes what backward gives: it does not work from its cache alone"
        return Report("keeps state", mistakes=(mistake,), parameters=len(theta))

    named = zip((at for part in parts for at in part.names), blocks_of(unravel, len(theta), ""), strict=True)
    shapes = [(names[k] + at, np.shape(leaf)) for k, a in enumerate(args) for at, leaf in leaves(a, "")]
    lengths = {f"{at}.shape[{axis}]": n for at, shape in shapes for axis, n in enumerate(shape)}
    return checked(
        lambda t: np.sum(cotangent * shaped.flat(call(t)[0])),
        gradient,
        theta,
        [Block(at, block.positions) for at, block in named],
        single=single,
        rng=rng,
        sizes=lengths | dict(settings.pop("sizes", {})),
        **settings,
    )


def check_jvp(
    function: Callable[[np.ndarray], np.ndarray], jvp: Callable[[np.ndarray, np.ndarray], np.ndarray], x: ArrayLike, **settings: Any
) -> Report:
    """Is jvp(x, v) the derivative of function(x) along v, a Jacobian times a vector?

    The outputs are projected on a random cotangent c, and c·jvp(x, e_j) for every unit vector e_j is held against the slopes of
    c·function: :func:`check_gradient` with its settings, for x of at most a few hundred entries.

    Parameters
    ----------
    function : callable
        x, of any shape -> y, of any shape.
    jvp : callable
        (x, v), both of x's shape -> dy, of y's shape.

    Raises
    ------
    TypeError, ValueError
        As :func:`check_gradient`.
    """
    given = finite("x", floats("x", x))
    rng = settings.pop("rng", None) or np.random.default_rng(0)
    y = floats("function(x)", function(given.copy()))
    c = rng.normal(size=y.shape).astype(y.dtype)
    units = np.eye(given.size, dtype=given.dtype).reshape(-1, *given.shape)
    gradient = np.array([np.sum(c * floats("jvp(x, v)", jvp(given.copy(), e.copy()), y.shape)) for e in units], given.dtype)

    def projected(t):
        return np.sum(c * function(t.reshape(given.shape))), gradient

    return check_gradient(projected, given.ravel(), rng=rng, unravel=lambda t: t.reshape(given.shape), name="x", **settings)


# ---- arguments, and gradients of their type
def holds_floats(a: Any) -> bool:
    """An array of floats, or a nesting of such: what has a gradient."""
    kinds = [leaf.dtype.kind if isinstance(leaf, (np.ndarray, np.generic)) else type(leaf) for _, leaf in leaves(a, "")]
    return "f" in kinds and all(kind in ("f", float) for kind in kinds) and (nested(a) or isinstance(a, np.ndarray))


def names_of(forward: Callable, count: int) -> list[str]:
    """What forward calls its arguments."""
    try:
        names = [p.name for p in inspect.signature(forward).parameters.values() if p.kind is not p.VAR_POSITIONAL]
    except (TypeError, ValueError):  # built-in functions have no signature
        names = []
    return [names[k] if k < len(names) else f"args[{k}]" for k in range(count)]


def one_each(gradients: Any, count: int) -> tuple | None:
    """The gradients as a tuple of `count`, one coming bare; None if there are more or fewer."""
    if count == 1:
        return (gradients,)
    return tuple(gradients) if isinstance(gradients, (tuple, list)) and len(gradients) == count else None


def contents(tree: Any) -> list[bytes]:
    """The bytes of all arrays and floats in a nesting, to see whether something changed."""
    return [np.asarray(leaf).tobytes() for _, leaf in leaves(tree, "") if isinstance(leaf, (np.ndarray, np.generic, float))]


def other_type(part: Unravel, argument: Any, gradient: Any) -> list[str]:
    """In what way a gradient is not of its argument's type: nesting, shapes, dtypes."""
    wanted, found = leaves(argument, ""), leaves(gradient, "")
    if [at for at, _ in wanted] != [at for at, _ in found]:
        given, got = type(argument).__name__, type(gradient).__name__
        return [f"{part.names[0]}: expected a gradient nested like its argument, a {given}, got a {got}"]
    pairs = zip(part.names, wanted, found, strict=True)
    return [m for at, (_, a), (_, g) in pairs for m in unlike(at, np.asarray(g), floats(at, a))]
