"""The gradient of an objective, and its Hessian-vector product."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from refimpl.doors import finite, floats
from refimpl.gradcheck.blocks import Block, blocks_of
from refimpl.gradcheck.check import Settings, run
from refimpl.gradcheck.report import Report
from refimpl.params import Objective

METHODS = ("auto", "differences")


def check_gradient(
    objective: Objective,
    theta: ArrayLike,
    *,
    rng: np.random.Generator | None = None,
    unravel: Callable[[np.ndarray], Any] | None = None,
    name: str = "theta",
    bounds: tuple[ArrayLike, ArrayLike] | None = None,
    entries: int = 256,
    directions: int = 2,
    rtol: float = 0.0,
    method: str = "auto",
    sizes: Mapping[str, int] | None = None,
) -> Report:
    """Is the gradient that an objective returns the slope of its value? If not, where not, and what is wrong with it?

    Parameters
    ----------
    objective : callable
        theta (p,) -> (value, gradient (p,)). Any callable; if it is not holomorphic in theta, this is noticed, and differences are
        used. It is never called outside the bounds.
    theta : array_like, shape (p,)
        Where to check. Not modified. Its float32 entries are taken as the float64 numbers they are, so the slopes are measured in
        float64, and the tolerance is float32's.
    rng : numpy.random.Generator, optional
        For the random directions; by default a fresh one, seeded by 0.
    unravel : callable, optional
        theta -> parameters, as `refimpl.params.ravel` returns it, or `lambda t: t.reshape(m, d)`. Names the entries, and lets
        mistakes in one array be recognised.
    name : str
        What theta is called, or what the names of its arrays begin with; `ravel` brings names of its own.
    bounds : (low, high), optional
        Numbers or arrays (p,) between which theta may move.
    entries : int
        Up to so many are measured one by one. Of a longer theta: random directions over all of it and over each of its arrays, a
        sample of entries, and by halving the wrong ones.
    directions : int >= 1
        Random directions along which complex step and differences are held against each other.
    rtol : float
        Relative error to accept beside the measured noise.
    method : "auto" or "differences"
        The complex step where it can be trusted, or differences always.
    sizes : mapping, optional
        Names for numbers that a wrong factor may stand for: {"n": len(x)}. The lengths of the arrays of theta are always there.

    Returns
    -------
    report : Report
        `report.ok`, `report.verdict`, `report.mistakes`; `print(report)`, `report.plot()`, `report.to_dict()`.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as above; what the objective itself raises at theta.

    Notes
    -----
    At a kink any slope between the left and the right one is accepted, and the entry is counted in `report.kinks`. The tolerance of
    an entry is 20 times what a few ulps of theta change in its slope (complex step), or the error of Richardson's extrapolation
    with the measured noise of the value (differences), and 20 rounding units of the largest slope. A gradient by finite differences
    fails as *imprecise* where the complex step can be used.
    """
    given = finite("theta", floats("theta", theta, ("p",)))
    mine = given.copy()
    result = objective(mine)
    if not np.array_equal(mine, given):
        return Report("modifies its input", mistakes=("the objective writes into theta",), parameters=len(given))
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        return Report("wrong type", mistakes=(f"expected (value, gradient), got {type(result).__name__}",), parameters=len(given))
    value, gradient = np.array(result[0]), np.array(result[1])  # copies: the objective may use its arrays again
    if value.shape != () or value.dtype.kind not in "fiu":
        mistake = f"value: expected a real number, got shape {value.shape}, dtype {value.dtype}"
        return Report("wrong type", mistakes=(mistake,), parameters=len(given))
    if mistakes := unlike("gradient", gradient, given):
        return Report("wrong type", mistakes=tuple(mistakes), parameters=len(given))
    again = objective(given.copy())
    if not (np.array_equal(value, again[0], equal_nan=True) and np.array_equal(gradient, again[1], equal_nan=True)):
        off = np.max(np.abs(gradient - again[1]), initial=0)
        mistake = f"two calls at the same theta gave the values {value} and {again[0]}, and gradients {off:.1e} apart"
        return Report("not deterministic", mistakes=(mistake,), parameters=len(given))
    return checked(
        lambda t: objective(t)[0],
        gradient,
        given,
        blocks_of(unravel or (lambda t: t), len(given), name),
        single=given.dtype == np.float32,
        rng=np.random.default_rng(0) if rng is None else rng,
        bounds=bounds,
        entries=entries,
        directions=directions,
        rtol=rtol,
        method=method,
        sizes=sizes,
    )


def check_hessian_vector(
    objective: Objective,
    theta: ArrayLike,
    hvp: Callable[[np.ndarray, np.ndarray], np.ndarray],
    *,
    v: ArrayLike | None = None,
    **settings: Any,
) -> Report:
    """Is hvp(theta, v) -> (p,) the derivative of the objective's gradient along v?

    H v is the gradient of v·∇f, so this is :func:`check_gradient` of that, with its settings; v is random unless it is given. The
    objective's gradient is taken as right: check it first.

    Raises
    ------
    TypeError, ValueError
        As :func:`check_gradient`; if v has not the shape of theta.
    """
    given = finite("theta", floats("theta", theta, ("p",)))
    rng = settings.pop("rng", None)
    rng = np.random.default_rng(0) if rng is None else rng
    vector = rng.normal(size=given.shape).astype(given.dtype) if v is None else finite("v", floats("v", v, given.shape))

    def directional(t):
        return np.sum(vector * objective(t)[1]), hvp(t, vector.copy())

    return check_gradient(directional, given, rng=rng, **settings)


def unlike(name: str, a: np.ndarray, expected: np.ndarray) -> list[str]:
    """What is wrong with a gradient of another shape than expected, or of a dtype that holds less; nothing if all is well."""
    if a.shape != expected.shape:
        hint = ", its transpose" if a.ndim > 1 and a.shape == expected.shape[::-1] else ""
        return [f"{name}: expected shape {expected.shape}, got {a.shape}{hint}"]
    if a.dtype.kind != "f" or a.dtype.itemsize < expected.dtype.itemsize:
        return [f"{name}: expected dtype {expected.dtype}, got {a.dtype}"]
    return []


def checked(
    value: Callable[[np.ndarray], Any],
    gradient: np.ndarray,
    theta: np.ndarray,
    blocks: list[Block],
    *,
    single: bool,
    rng: np.random.Generator,
    bounds: tuple[ArrayLike, ArrayLike] | None = None,
    entries: int = 256,
    directions: int = 2,
    rtol: float = 0.0,
    method: str = "auto",
    sizes: Mapping[str, int] | None = None,
) -> Report:
    """The check, its settings checked themselves."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng: expected a numpy.random.Generator, got {type(rng).__name__}")
    for word, number, least in (("entries", entries, 4), ("directions", directions, 1)):
        if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or number < least:
            raise ValueError(f"{word}: expected an integer >= {least}, got {number!r}")
    if not 0 <= rtol < 1:
        raise ValueError(f"rtol: expected a number in [0, 1), got {rtol!r}")
    if method not in METHODS:
        raise ValueError(f"method: expected one of {', '.join(METHODS)}, got {method!r}")
    if bounds is not None and len(bounds) != 2:
        raise ValueError(f"bounds: expected (low, high), got {len(bounds)} of them")
    exact = theta.astype(np.float64)
    low, high = (np.broadcast_to(np.asarray(b, np.float64), exact.shape) for b in (bounds or (-np.inf, np.inf)))
    outside = np.flatnonzero(~((low <= exact) & (exact <= high)))
    if len(outside):
        j = outside[0]
        raise ValueError(f"bounds: expected low <= theta <= high, got {low[j]} <= {exact[j]} <= {high[j]} at index {j}")
    if not len(exact):
        return Report("nothing to see", notes=("theta has no entries",))
    named = {f"{b.name}.shape[{axis}]": n for b in blocks for axis, n in enumerate(b.positions.shape)} | dict(sizes or {})
    settings = Settings(rng=rng, bounds=(low, high), entries=entries, directions=directions, rtol=rtol, method=method, sizes=named)
    return run(value, gradient.astype(np.float64), exact, blocks, single, settings)
