"""Born-Infeld energy-conserving descent as an optimiser: for scipy.optimize.minimize, and for mini-batches.

    scipy.optimize.minimize(f, x0, jac=True, method=born_infeld, options={"step": 0.01})
    refimpl.optim.train(objective, theta, energy_conserving_descent(0.01), n, epochs=3, batch=50, rng=rng)

Reading order: when to bounce; the SciPy method; the same for mini-batches.

    released code    here                  meaning
    lr               step                  h, in units of θ per √V
    v0               offset                V = F − offset
    deltaEn          extra_energy          E − V at the start
    threshold0       bounce_every          updates between fixed bounces
    n_fixed_bounces  fixed_bounces         how many of these there are in all
    threshold        patience              bounce after so many updates without a new smallest V
    consEn           project               put π on the shell before each step

Fixed bounces stop after `fixed_bounces`; those for lack of progress do not. An iteration is an update or a bounce.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from functools import partial
from math import inf, isfinite, isinf, isnan
from typing import Any, NamedTuple

import numpy as np

from refimpl.doors import finite, floats, whole
from refimpl.manifolds.motion import box
from refimpl.optim.first_order import Optimiser, pair, vector
from refimpl.papers.born_infeld.hamiltonian import State, hamiltonian, number, start
from refimpl.papers.born_infeld.hamiltonian_flow import midpoint_step
from refimpl.papers.born_infeld.integrators import (
    FROZEN,
    OutsideDomain,
    bbi_step,
    bbi_update,
    bounce,
    kick_factor,
    leapfrog_step,
    located_step,
    on_shell,
    shortened,
    yoshida_step,
)

TINY = 1e-280  # V below it is as good as 0: its inverse is about to overflow
INTEGRATORS: dict[str, Callable[..., State]] = {
    "bbi": bbi_step,
    "leapfrog": leapfrog_step,
    "yoshida": yoshida_step,
    "midpoint": midpoint_step,
}


# ---- when to bounce
class Rules(NamedTuple):
    """The thresholds; inf is never."""

    every: float = inf  # T0
    fixed: int = 0  # Nb
    patience: float = inf  # T1


class Counters(NamedTuple):
    """What the rules look at."""

    since_fixed: int = 0  # updates since the last fixed bounce
    since_best: int = 0  # updates since the last smallest V, or the last bounce
    fixed: int = 0  # fixed bounces so far
    bounces: int = 0  # all bounces so far
    best: float = inf  # smallest V from which an update was made


def due(rules: Rules, counters: Counters) -> bool:
    """Is it time to bounce?"""
    return (counters.since_fixed == rules.every and counters.fixed < rules.fixed) or counters.since_best == rules.patience


def bounced(rules: Rules, n: Counters) -> Counters:
    """The counters after a bounce."""
    if n.since_fixed == rules.every and n.fixed < rules.fixed:
        n = n._replace(since_fixed=0, fixed=n.fixed + 1)
    return n._replace(since_best=0, bounces=n.bounces + 1)


def updated(n: Counters, V: float) -> Counters:
    """The counters after an update that started at the potential V. NaN is no progress."""
    since_best, best = (0, V) if V < n.best else (n.since_best + 1, n.best)
    return Counters(n.since_fixed + 1, since_best, n.fixed, n.bounces, best)


# ---- the SciPy method
MESSAGES = {
    0: "V = F - offset is at most tol, or no entry of the gradient is larger than gtol",
    1: "maximum number of iterations has been reached",
    2: "the loss has reached the offset: V = F - offset <= 0 at x, or too near to 0 to go on",
    3: "the start is a rest point: the gradient is zero, and there is no extra energy",
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

    def __init__(self, fun, full, free, offset, floor):
        self.fun, self.full, self.free, self.offset, self.floor = fun, full, free, offset, floor
        self.calls, self.F = 0, inf
        self.x = self.gradient = self.last = full

    def __call__(self, theta):
        self.last = self.full.copy()
        self.last[self.free] = theta
        self.calls += 1
        F, gradient = self.fun(self.last.copy())
        F = floats("fun", F)
        if F.size != 1:
            raise ValueError(f"fun: expected a number, got shape {F.shape}")
        F, gradient = float(F.reshape(())), floats("jac", gradient, self.full.shape)
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
    fixed_bounces, bounce_every, patience : the rules above; None, or inf, is never
    maxiter : int >= 0, iterations: updates and bounces
    rng : numpy.random.Generator, seed, or None
        Draws directions of bounces, and of a start where the gradient is zero.
    as_released : bool
        With "bbi": as the authors' code does it. Directions from the cube; fixed_bounces = 0 makes one; a bounce costs an
        evaluation; the guards of bbi_step; NaN starts; `blocks`.
    project : bool, optional
        Put π on the shell before each step; by default for "bbi" only, as it makes the others no longer symplectic.
    c : float > 0, optional: of "leapfrog" and "yoshida"
    walls : "folded", or "located", which finds each collision with some fifty evaluations and keeps the integrator's order
    blocks : sizes of parameter tensors, with as_released
    lower_offset : bool
        Where the loss reaches the offset, lower it by five times what it lies above the loss, start again from rest there and go
        on, as a variant of the released code does.
    return_all : bool, keep theta after every iteration, as `allvecs`

    Returns
    -------
    OptimizeResult
        x, fun, jac: the best point, its value, its gradient. x_last, V, momentum, energy (E), hamiltonian, t (physical time):
        where the trajectory is. nit, nfev, njev, nbounce. status, message, success: 0 tol or gtol met; 1 maxiter; 2 the
        loss reached the offset; 3 rest point; 5 not finite; 6 out of the domain; 99 callback. Success is 0 and 2.

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
    maxiter, rng = whole("maxiter", maxiter, 0), np.random.default_rng(rng)
    if integrator not in INTEGRATORS:
        raise ValueError(f"integrator: expected one of {', '.join(INTEGRATORS)}, got {integrator!r}")
    if as_released and integrator != "bbi":
        raise ValueError(f"as_released: expected integrator 'bbi', got {integrator!r}")
    if blocks is not None and not as_released:
        raise ValueError("blocks: expected as_released=True with it: the momentum is normalised as a whole")
    full = finite("x0", floats("x0", x0, (None,))).copy()
    low, high = bounds_of(bounds, full)
    free = low < high
    space = box(low[free], high[free]) if np.isfinite([low, high]).any() and walls == "folded" else None
    advance = stepping(integrator, project, c, space, as_released)
    if walls == "located" and np.isfinite([low, high]).any():
        advance = partial(located_step, low=low[free], high=high[free], step=advance)
    elif walls not in ("folded", "located") or (space and integrator == "midpoint"):
        raise ValueError(f"walls: expected 'folded', or 'located', which 'midpoint' needs, got {walls!r}")
    tell = reporter(callback)
    watch = Watch(valued(fun, jac, args), full, free, number("offset", offset), FROZEN if as_released else TINY)
    try:
        state = start(watch, full[free], offset, extra_energy, rng=rng, space=space, as_released=as_released, blocks=blocks)
    except Ended:
        raise ValueError(f"fun: expected a finite value and gradient at x0, got neither at {full}") from None
    counters, status, nit, history, t = Counters(), 1, 0, [full.copy()], 0.0
    if not state.dV.any() and extra_energy == 0:
        status = 3
    while status == 1 and not met(state, tol, gtol):
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
            status = 6
            break
        except Ended as e:
            if e.status != 2 or not lower_offset:
                status = e.status
                break
            watch.offset -= 5 * max(watch.offset - watch.F, np.finfo(float).eps * max(1.0, abs(watch.F)))
            t += state.t
            state = start(watch, watch.x[free], watch.offset, extra_energy, rng=rng, space=space)
            counters = counters._replace(best=inf, since_best=0)
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
    if status == 1 and met(state, tol, gtol):
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


# ---- for mini-batches
class DescentState(NamedTuple):
    """What energy-conserving descent remembers. E is that of the first batch."""

    pi: np.ndarray  # (p,)
    begun: bool
    E: float
    V0: float
    counters: Counters


def energy_conserving_descent(
    step: float,
    *,
    offset: float = 0.0,
    extra_energy: float = 0.0,
    integrator: str = "bbi",
    c: float | None = None,
    project: bool = True,
    fixed_bounces: int = 0,
    bounce_every: float | None = None,
    patience: float | None = None,
    seed: int = 0,
    as_released: bool = False,
) -> Optimiser:
    """(init, step) for :func:`refimpl.optim.train` and :func:`refimpl.optim.minimise`: an update with each batch.

    The potential is that of the batch, and E is fixed by the first one, so that V > E can occur: π is then left as it is. Where a
    batch's V is not above 0, nothing moves. The leapfrog takes the two half kicks between two drifts from one batch, and
    max(c, V) for c, so that its force keeps its sign. Bounce k is drawn from the generator of [seed, k].

    Parameters
    ----------
    step, offset, extra_energy, c, project, fixed_bounces, bounce_every, patience, as_released : as in :func:`born_infeld`
    integrator : "bbi" or "leapfrog"
    seed : int >= 0

    Raises
    ------
    TypeError, ValueError
        If an argument is not as above. From step, if V <= 0 in the first batch, or its gradient is zero with no extra energy.
    """
    h, offset, extra = positive("step", step), number("offset", offset), least_zero("extra_energy", extra_energy)
    rules, seed = rules_of(bounce_every, fixed_bounces, patience, as_released), whole("seed", seed, 0)
    c = None if c is None else positive("c", c)
    if integrator not in ("bbi", "leapfrog") or (as_released and integrator != "bbi"):
        raise ValueError(f"integrator: expected 'bbi', or 'leapfrog' without as_released, got {integrator!r}")

    def init(theta):
        return DescentState(np.zeros_like(vector("theta", theta)), False, 0.0, 0.0, Counters())

    def advance(theta, gradient, state, value):
        theta, g = pair("gradient", theta, gradient)
        V = float(value) - offset
        if not state.begun:
            drawn = np.random.default_rng([seed, 0])
            first = start(lambda _: (value, g), theta, offset, extra, rng=drawn, as_released=as_released)
            state = state._replace(pi=first.pi, begun=True, E=first.E, V0=first.V0)
        elif not V > 0:
            return theta, state
        now = State(theta, state.pi, V, g, state.E, offset, 0.0, state.V0, extra)
        n = state.counters
        if integrator == "leapfrog" and n.since_fixed + n.bounces:  # the second half of the last step
            now = now._replace(pi=half_kick(now, h, c))
        if due(rules, n):
            n = bounced(rules, n)
            now = bounce(now, np.random.default_rng([seed, n.bounces]), as_released=as_released)
            if as_released:
                return theta, state._replace(pi=now.pi, counters=n)
        if integrator == "bbi":
            new, pi = bbi_update(now, h, project=project, as_released=as_released)
        else:
            pi = half_kick(now._replace(pi=on_shell(now, None)) if project else now, h, c)
            new = theta + (h * now.E / (max(c or now.E, V) + float(pi @ pi))) * pi
        return new, state._replace(pi=pi, counters=updated(n, V))

    return Optimiser(init, advance, uses_value=True)


def half_kick(state, h, c):
    """π − (h/2) κ_c ∇V with max(c, V) for c."""
    return state.pi - (0.5 * h * kick_factor(state.V / state.E, max(c or state.E, state.V) / state.E)) * state.dV


# ---- the doors
def positive(name, x):
    """x as a finite float > 0; otherwise TypeError or ValueError."""
    x = number(name, x)
    if not x > 0:
        raise ValueError(f"{name}: expected a finite number > 0, got {x}")
    return x


def least_zero(name, x):
    """x as a finite float >= 0; otherwise TypeError or ValueError."""
    x = number(name, x)
    if x < 0:
        raise ValueError(f"{name}: expected a finite number >= 0, got {x}")
    return x


def threshold(name, x):
    """inf for None and inf; a whole number >= 1 otherwise, or an error."""
    if x is None or (isinstance(x, (float, np.floating)) and isinf(x) and x > 0):
        return inf
    if isinstance(x, (float, np.floating)) and not isnan(x) and x == int(x):
        x = int(x)
    return whole(name, x, 1)


def rules_of(every, fixed, patience, as_released):
    """The rules; as released, no fixed bounce means one."""
    fixed = whole("fixed_bounces", fixed, 0)
    return Rules(threshold("bounce_every", every), max(fixed, 1) if as_released else fixed, threshold("patience", patience))


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
        low, high = (np.array(np.broadcast_to(side, x.shape), float) for side in (bounds.lb, bounds.ub))
    if not ((low <= x) & (x <= high)).all():
        k = int(np.argmin((low <= x) & (x <= high)))
        raise ValueError(f"x0: expected entries within the bounds, got {x[k]} at index {k}, outside [{low[k]}, {high[k]}]")
    return low, high


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


def met(state, tol, gtol):
    """Is the end reached that tol or gtol set?"""
    return (tol is not None and state.V <= tol) or (gtol is not None and bool(np.max(np.abs(state.dV), initial=0) <= gtol))


def whole_point(full, free, theta):
    """theta with the variables that are held fixed."""
    x = full.copy()
    x[free] = theta
    return x
