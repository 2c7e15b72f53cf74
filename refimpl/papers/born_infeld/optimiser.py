"""Born-Infeld energy-conserving descent as a method for SciPy:

    scipy.optimize.minimize(f, x0, jac=True, method=born_infeld, options={"step": 0.01})

Reading order: the objective as it is watched; the method; how its arguments are read.

    released code    here                  meaning
    lr               step                  h, in units of θ per √V
    v0               offset                V = F − offset
    deltaEn          extra_energy          E − V at the start
    threshold0       bounce_every          the rules of :mod:`.schedule`
    n_fixed_bounces  fixed_bounces
    threshold        patience
    consEn           project               put π on the shell before each step
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from functools import partial
from math import inf, isfinite, isnan
from typing import Any

import numpy as np

from refimpl.doors import finite, floats, whole
from refimpl.manifolds.motion import box
from refimpl.papers.born_infeld.hamiltonian import State, hamiltonian, number, start
from refimpl.papers.born_infeld.hamiltonian_flow import midpoint_step
from refimpl.papers.born_infeld.integrators import (
    FROZEN,
    OutsideDomain,
    bbi_step,
    bounce,
    leapfrog_step,
    located_step,
    shortened,
    yoshida_step,
)
from refimpl.papers.born_infeld.schedule import Counters, bounced, due, least_zero, positive, rules_of, updated

TINY = 1e-280  # V below it is as good as 0: its inverse is about to overflow
INTEGRATORS: dict[str, Callable[..., State]] = {
    "bbi": bbi_step,
    "leapfrog": leapfrog_step,
    "yoshida": yoshida_step,
    "midpoint": midpoint_step,
}


# ---- the objective, watched
MESSAGES = {
    0: "V = F - offset is at most tol, or no entry of the gradient is larger than gtol",
    1: "maximum number of iterations has been reached",
    2: "the loss has reached the offset: V = F - offset <= 0 at x, or too near to 0 to go on; if it can be lower, lower offset",
    3: "at rest at a point where there is no force: the gradient is zero, and there is no extra energy",
    5: "the objective is not finite at x_last; x is the best finite point",
    6: "the potential left the domain of the integrator also with steps h/1024: take a smaller step or a larger c",
    99: "stopped by the callback",
}


class Ended(Exception):
    """The run is over, with this status."""

    def __init__(self, status):
        self.status = status


class Watch:
    """The objective, which counts its calls, keeps the best point and ends the run where there is no going on."""

    def __init__(self, fun, full, low, high, offset, floor):
        self.fun, self.full, self.low, self.high, self.offset, self.floor = fun, full, low, high, offset, floor
        self.free = low < high
        self.calls, self.F = 0, inf
        self.x = self.gradient = self.last = full

    def __call__(self, theta):
        self.last = whole_point(self.full, self.free, theta)
        self.calls += 1
        F, gradient = self.fun(self.last.copy())
        F = floats("fun", F)
        if F.size != 1:
            raise ValueError(f"fun: expected a number, got shape {F.shape}")
        F, gradient = float(F.reshape(())), floats("jac", gradient, self.full.shape)
        if ((self.last < self.low) | (self.last > self.high)).any():  # on the search for a wall; NaN is not beyond one
            return F, gradient[self.free]
        if not (isfinite(F) and np.isfinite(gradient).all()):
            raise Ended(5)
        if self.F > F:
            self.x, self.F, self.gradient = self.last, F, gradient.copy()
        if F - self.offset <= self.floor and self.calls > 1:
            raise Ended(2)
        return F, gradient[self.free]


def born_infeld(
    fun: Callable,
    x0: Any,
    args: tuple = (),
    jac: Any = None,
    hess: Any = None,
    hessp: Any = None,
    bounds: Any = None,
    constraints: Any = (),
    callback: Callable | None = None,
    *,
    step: float,
    tol: float | None = None,
    gtol: float | None = None,
    offset: float = 0.0,
    extra_energy: float = 0.0,
    integrator: str = "bbi",
    fixed_bounces: int = 0,
    bounce_every: float | None = None,
    patience: float | None = None,
    maxiter: int = 1000,
    rng: Any = None,
    as_released: bool = False,
    project: bool | None = None,
    c: float | None = None,
    walls: str = "folded",
    blocks: tuple[int, ...] | None = None,
    lower_offset: bool = False,
    return_all: bool = False,
    **unknown_options: Any,
) -> Any:
    """A method for scipy.optimize.minimize; it can be called by itself, too.

    Parameters
    ----------
    fun, x0, args, jac, bounds, callback : as minimize hands them over
        jac is True (fun returns value and gradient) or a function; without it there is no dynamics, and no differences are taken in
        its place. bounds become walls that reflect; what has equal bounds is held fixed. The callback is called after every
        iteration as callback(xk) or callback(intermediate_result=...), by its signature, and may raise StopIteration.
    hess, hessp : not used
    constraints : must be empty
    step : float > 0
        h, of physical time for "bbi" and "midpoint", else of the time s that agrees with it within 20 %.
    tol : float >= 0, optional
        The run ends where V = F − offset <= tol.
    gtol : float >= 0, optional
        The run ends where no entry of the gradient is larger.
    offset : float, at most what the smallest value is thought to be; in units of F
    extra_energy : float >= 0, in units of F; barriers up to so much above the start can be crossed
    integrator : "bbi" (the paper's), "leapfrog" (symplectic), "yoshida", "midpoint"
    fixed_bounces, bounce_every, patience : the rules above; None, or inf, is never. bounce_every needs fixed_bounces, their number
    maxiter : int >= 0, iterations: updates and bounces
    rng : numpy.random.Generator, seed, or None
        Draws directions of bounces, and of a start where the gradient is zero.
    as_released : bool
        With "bbi": as the authors' code does it. Directions from the cube; fixed_bounces = 0 makes one; a bounce costs an
        evaluation; the guards of bbi_step; NaN starts; `blocks`.
    project : bool, optional
        Put π on the shell before each step; by default for "bbi" only, as it makes the others no longer symplectic.
    c : float > 0, optional: of "leapfrog" and "yoshida"
    walls : "folded", or "located", which keeps the integrator's order: it finds each collision with some fifty evaluations, of
        which half lie beyond the wall, by up to a step
    blocks : sizes of parameter tensors, with as_released
    lower_offset : bool
        Where the loss reaches the offset, lower it by five times what it lies above the loss, start again from rest there and go
        on, as a variant of the released code does.
    return_all : bool, keep theta after every iteration, as `allvecs`

    Returns
    -------
    OptimizeResult
        x, fun, jac: the best point, its value, its gradient. x_last, V, momentum, energy (E), hamiltonian, t (physical time):
        where the trajectory is; with status 2 and 5, x_last is the point that ended it, and the others belong to the state before.
        nit, nfev, njev, nbounce. status, message, success: 0 tol or gtol met at x; 1 maxiter; 2 the loss reached the offset; 3 rest
        point; 5 not finite; 6 out of the domain; 99 callback. Success is 0 and 2.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as above; if V <= 0 at x0 (offset), or x0 lies outside the bounds.

    Warns
    -----
    OptimizeWarning
        About options that there are not.
    """
    from scipy.optimize import OptimizeResult, OptimizeWarning

    if unknown_options:
        warnings.warn(f"Unknown solver options: {', '.join(unknown_options)}", OptimizeWarning, stacklevel=2)
    if constraints is not None and (not np.iterable(constraints) or any(True for _ in constraints)):
        raise ValueError(f"constraints: expected none, only bounds, got {constraints}")
    h = positive("step", step)
    tol, gtol = (None if x is None else least_zero(name, x) for name, x in (("tol", tol), ("gtol", gtol)))
    rules = rules_of(bounce_every, fixed_bounces, patience, as_released)
    maxiter, rng = whole("maxiter", maxiter, 0), generator(rng)
    if integrator not in INTEGRATORS:
        raise ValueError(f"integrator: expected one of {', '.join(INTEGRATORS)}, got {integrator!r}")
    if as_released and integrator != "bbi":
        raise ValueError(f"as_released: expected integrator 'bbi', got {integrator!r}")
    if blocks is not None and not as_released:
        raise ValueError("blocks: expected as_released=True with it: the momentum is normalised as a whole")
    full = finite("x0", floats("x0", x0, (None,))).copy()
    low, high = bounds_of(bounds, full)
    free = low < high
    if not free.any():
        raise ValueError(f"bounds: expected a variable that is not held fixed, got low {low}, high {high}")
    space = box(low[free], high[free]) if np.isfinite([low, high]).any() and walls == "folded" else None
    advance = stepping(integrator, project, c, space, as_released)
    if walls == "located" and integrator == "bbi":
        raise ValueError("walls: expected 'folded' with 'bbi', got 'located': its step meets walls at rest, and stays there")
    if walls == "located" and np.isfinite([low, high]).any():
        advance = partial(located_step, low=low[free], high=high[free], step=advance)
    elif walls not in ("folded", "located") or (space and integrator == "midpoint"):
        raise ValueError(f"walls: expected 'folded', or 'located', which 'midpoint' needs, got {walls!r}")
    tell = reporter(callback)
    watch = Watch(valued(fun, jac, args), full, low, high, number("offset", offset), FROZEN if as_released else TINY)
    try:
        state = start(watch, full[free], offset, extra_energy, rng=rng, space=space, as_released=as_released, blocks=blocks)
    except Ended:
        raise ValueError(f"fun: expected a finite value and gradient at x0, got neither at {full}") from None
    if walls == "located" and not state.pi.any():
        pressed = ((state.theta == low[free]) & (state.dV > 0)) | ((state.theta == high[free]) & (state.dV < 0))
        if pressed.any():
            raise ValueError(f"x0: expected extra_energy, or a start not pressed to a wall, with walls='located', got {full}")
    if not as_released:
        watch.floor = max(TINY, state.E / float(np.finfo(full.dtype).max) * state.E * 4)  # below, |π|² = E²/V leaves the range
    counters, status, nit, history, t = Counters(), 1, 0, [full.copy()], 0.0
    if not state.dV.any() and extra_energy == 0:
        status = 3
    while status == 1 and not met(watch, tol, gtol):
        if nit == maxiter:
            break
        try:
            if due(rules, counters):
                state, counters = bounce(state, rng, space=space, as_released=as_released), bounced(rules, counters)
                if as_released:
                    watch(state.theta)
            else:
                V, state = state.V, shortened(advance, watch, state, h)
                counters = updated(counters, V)
        except OutsideDomain:
            status, watch.last = 6, whole_point(full, free, state.theta)  # not the step that was tried
            break
        except Ended as e:
            if e.status != 2 or not lower_offset:
                status = e.status
                break
            watch.offset -= 5 * max(watch.offset - watch.F, np.finfo(float).eps * max(1.0, abs(watch.F)))
            t += state.t
            state = start(watch, watch.x[free], watch.offset, extra_energy, rng=rng, space=space)
            counters = counters._replace(best=inf, since_best=0)
            if not state.dV.any() and extra_energy == 0:
                status = 3
        nit += 1
        watch.last = whole_point(full, free, state.theta)
        if return_all:
            history.append(watch.last.copy())
        if tell is not None:
            seen = {"x": watch.last.copy(), "fun": state.V + state.offset, "nit": nit, "nfev": watch.calls, "V": state.V}
            try:
                tell(OptimizeResult(seen, energy=state.E, t=t + state.t, nbounce=counters.bounces))
            except StopIteration:
                status = 99
    if status == 1 and met(watch, tol, gtol):
        status = 0
    result = OptimizeResult(
        x=watch.x,
        fun=watch.F,
        jac=watch.gradient,
        nit=nit,
        nfev=watch.calls,
        njev=watch.calls,
        status=status,
        success=status in (0, 2),
        message=MESSAGES[status],
        energy=state.E,
        hamiltonian=hamiltonian(state),
        V=state.V,
        momentum=state.pi,
        nbounce=counters.bounces,
        t=t + state.t,
        x_last=watch.last,
        offset=watch.offset,
    )
    if return_all:
        result.allvecs = history
    return result


# ---- the doors
def bounds_of(bounds, x):
    """low, high (p,), from Bounds or from pairs with None; ValueError unless low <= x <= high."""
    if bounds is None:
        return np.full(x.shape, -inf), np.full(x.shape, inf)
    if not (hasattr(bounds, "lb") and hasattr(bounds, "ub")):
        pairs = list(bounds)
        if len(pairs) != len(x) or any(np.ndim(p) != 1 or len(p) != 2 for p in pairs):
            raise ValueError(f"bounds: expected Bounds, or a pair (low, high) for each of {len(x)} variables, got {bounds}")
        lb, ub = ([None if v is None or isnan(v) else v for v in side] for side in zip(*pairs, strict=True))
        low, high = np.array([-inf if v is None else v for v in lb], float), np.array([inf if v is None else v for v in ub], float)
    else:
        sides = [np.asarray(side, float) for side in (bounds.lb, bounds.ub)]
        if any(side.shape not in ((), (1,), x.shape) for side in sides):
            raise ValueError(f"bounds: expected shape {x.shape}, got {sides[0].shape} and {sides[1].shape}")
        low, high = (np.array(np.broadcast_to(side, x.shape)) for side in sides)
    if not (low <= high).all():
        raise ValueError(f"bounds: expected low <= high, got low {low}, high {high}")
    if not ((low <= x) & (x <= high)).all():
        k = int(np.argmin((low <= x) & (x <= high)))
        raise ValueError(f"x0: expected entries within the bounds, got {x[k]} at index {k}, outside [{low[k]}, {high[k]}]")
    return low, high


def generator(rng):
    """rng as a Generator, from None or a seed; otherwise TypeError."""
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError) as e:
        raise type(e)(f"rng: expected a numpy.random.Generator, a seed or None, got {rng!r} ({e})") from None


def valued(fun, jac, args):
    """x -> (value, gradient)."""
    args = args if isinstance(args, tuple) else (args,)
    if jac is True:
        return lambda x: fun(x, *args)
    if not callable(jac):
        raise ValueError(
            f"jac: expected True (fun returns value and gradient) or a function, got {jac!r}: the dynamics needs exact gradients"
        )
    return lambda x: (fun(x, *args), jac(x.copy(), *args))


def stepping(integrator, project, c, space, as_released):
    """The step with its options bound."""
    options: dict[str, Any] = {} if space is None else {"space": space}
    if integrator == "midpoint":
        if project or c is not None:
            raise ValueError("project, c: expected neither with 'midpoint'")
        return midpoint_step
    if integrator == "bbi":
        if c is not None:
            raise ValueError("c: expected none with 'bbi', it belongs to 'leapfrog' and 'yoshida'")
        options |= {"as_released": as_released, "project": project is None or bool(project)}
    else:
        options |= {"c": None if c is None else positive("c", c), "project": bool(project)}
    return partial(INTEGRATORS[integrator], **options)


def reporter(callback):
    """callback of an OptimizeResult, whichever of the two forms it has."""
    if callback is None:
        return None
    if not callable(callback):
        raise TypeError(f"callback: expected a function, got {type(callback).__name__}")
    try:
        by_name = set(inspect.signature(callback).parameters) == {"intermediate_result"}
    except (TypeError, ValueError):
        by_name = False
    return (lambda r: callback(intermediate_result=r)) if by_name else (lambda r: callback(r.x))


def met(watch, tol, gtol):
    """Is the end reached that tol or gtol set, at the best point?"""
    g = watch.gradient[watch.free]
    return (tol is not None and watch.F - watch.offset <= tol) or (gtol is not None and bool(np.max(np.abs(g), initial=0) <= gtol))


def whole_point(full, free, theta):
    """theta with the variables that are held fixed."""
    x = full.copy()
    x[free] = theta
    return x
