"""The schedule of bounces, what the optimiser returns, and mini-batches of Born-Infeld dynamics, in wrong and in unusual ways."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from wrong.born_infeld import PAPER
from wrong.corpus import entry


# ---- the schedule: a plain loop made of terms that can be spoiled
def due(n, r):
    return (n.since_fixed == r.every and n.fixed < r.fixed) or n.since_best == r.patience


def bounced(n, r):
    if n.since_fixed == r.every and n.fixed < r.fixed:
        n.since_fixed, n.fixed = 0, n.fixed + 1
    n.since_best = 0


def updated(n, before, after):
    n.since_fixed += 1
    n.since_best += 1
    if before < n.best:
        n.best, n.since_best = before, 0


SCHEDULE: dict[str, Any] = {
    "due": due,
    "bounced": bounced,
    "updated": updated,
    "counters": lambda V: SimpleNamespace(since_fixed=0, since_best=0, fixed=0, best=np.inf),
    "fixed": lambda fixed, as_released: max(fixed, 1) if as_released else fixed,
    "generator": lambda rng, seed: rng,
    "cube": lambda as_released: as_released,
    "counted": lambda bounce: True,  # is this an iteration?
}


KNOWN = {
    *("step", "offset", "extra_energy", "integrator", "as_released", "maxiter", "rng"),
    *("fixed_bounces", "bounce_every", "patience", "return_all"),
}


class Over(Exception):
    """The run is over, with this status."""


def scheduled(ours, **spoiled):
    """born_infeld with the terms given in place of the right ones; ours where it is asked for more than bounces."""
    t = SimpleNamespace(**{**SCHEDULE, **spoiled})
    steps = {name: getattr(ours, f"{name}_step") for name in ("bbi", "leapfrog", "yoshida")}

    def born_infeld(fun, x0, args=(), jac=None, hess=None, hessp=None, bounds=None, constraints=(), callback=None, **options):
        o = {"offset": 0.0, "extra_energy": 0.0, "integrator": "bbi", "as_released": False, "maxiter": 1000, "rng": None, **options}
        if bounds is not None or callback is not None or jac is None or set(options) - KNOWN or o["integrator"] not in steps:
            return ours.born_infeld(fun, x0, args, jac, hess, hessp, bounds, constraints, callback, **options)
        floor = 1e-40 if o["as_released"] else 1e-280
        seen: dict[str, Any] = {"nfev": 0, "fun": np.inf}

        def objective(theta):
            F, g = fun(theta.copy(), *args) if jac is True else (fun(theta.copy(), *args), jac(theta.copy(), *args))
            F, g = float(np.asarray(F).reshape(())), np.asarray(g)
            seen["nfev"] += 1
            seen["x_last"] = theta.copy()
            if not (np.isfinite(F) and np.isfinite(g).all()):
                raise Over(5)
            if seen["fun"] > F:
                seen.update(x=theta.copy(), fun=F, jac=g.copy())
            if F - o["offset"] <= floor and seen["nfev"] > 1:
                raise Over(2)
            return F, g

        rng = t.generator(np.random.default_rng(o["rng"]), o["rng"])
        every, patience = (np.inf if o.get(k) is None else o[k] for k in ("bounce_every", "patience"))
        r = SimpleNamespace(every=every, fixed=t.fixed(o.get("fixed_bounces", 0), o["as_released"]), patience=patience)
        theta = np.array(x0, dtype=np.float32 if getattr(x0, "dtype", None) == np.float32 else float)
        state = ours.start(objective, theta, o["offset"], o["extra_energy"], rng=rng, as_released=o["as_released"])
        n, nit, nbounce, status, history = t.counters(state.V), 0, 0, 1, [theta.copy()]
        own = {"as_released": True} if o["as_released"] else {}
        if not state.dV.any() and o["extra_energy"] == 0:
            status = 3
        while status == 1 and nit < o["maxiter"]:
            bounce = t.due(n, r)
            try:
                if bounce:
                    state = ours.bounce(state, t.generator(rng, o["rng"]), as_released=t.cube(o["as_released"]))
                    t.bounced(n, r)
                    nbounce += 1
                    if o["as_released"]:
                        objective(state.theta)
                else:
                    new = ours.shortened(steps[o["integrator"]], objective, state, o["step"], **own)
                    t.updated(n, state.V, new.V)
                    state = new
            except ours.OutsideDomain:
                status = 6
                break
            except Over as e:
                status = e.args[0]
                break
            nit += bool(t.counted(bounce))
            seen["x_last"] = state.theta.copy()
            history.append(state.theta.copy())
        from scipy.optimize import OptimizeResult

        result = OptimizeResult(seen, nit=nit, njev=seen["nfev"], status=status, success=status == 2, nbounce=nbounce, t=state.t)
        result.update(energy=state.E, V=state.V, momentum=state.pi, hamiltonian=ours.hamiltonian(state), offset=o["offset"])
        if o.get("return_all"):
            result.allvecs = history
        return result

    return {"born_infeld": born_infeld}


@entry(PAPER, "reject", "fixed bounces come one update late", by=("B27",))
def fixed_bounces_late(ours):
    def late(n, r):
        return (n.since_fixed == r.every + 1 and n.fixed < r.fixed) or n.since_best == r.patience

    def after(n, r):
        if n.since_fixed == r.every + 1 and n.fixed < r.fixed:
            n.since_fixed, n.fixed = 0, n.fixed + 1
        n.since_best = 0

    return scheduled(ours, due=late, bounced=after)


@entry(PAPER, "reject", "the first fixed bounce comes one update early: the start is counted as an update", by=("B27",))
def fixed_bounce_counts_the_start(ours):
    return scheduled(ours, counters=lambda V: SimpleNamespace(since_fixed=1, since_best=0, fixed=0, best=np.inf))


@entry(PAPER, "reject", "bounces for lack of progress come one update late", by=("B15",))
def patience_one_more(ours):
    return scheduled(ours, due=lambda n, r: (n.since_fixed == r.every and n.fixed < r.fixed) or n.since_best == r.patience + 1)


@entry(PAPER, "reject", "fixed bounces never stop; right for those that there should be", by=("B15",))
def fixed_bounces_without_end(ours):
    return scheduled(ours, fixed=lambda fixed, as_released: np.inf if fixed else 0)


@entry(PAPER, "reject", "one fixed bounce more than was asked for", by=("B15",))
def fixed_bounces_one_more(ours):
    return scheduled(ours, fixed=lambda fixed, as_released: fixed + 1)


@entry(
    PAPER,
    "reject",
    "no fixed bounce means one, as in the released code, though it was not asked for; right where there are any",
    by=("B15",),
)
def no_fixed_bounce_means_one(ours):
    return scheduled(ours, fixed=lambda fixed, as_released: max(fixed, 1))


@entry(PAPER, "reject", "as released, no fixed bounce means none", by=("B15",))
def no_fixed_bounce_as_released(ours):
    return scheduled(ours, fixed=lambda fixed, as_released: fixed)


@entry(PAPER, "reject", "progress is not noticed: a bounce after so many updates, whatever they gain", by=("B15",))
def patience_without_progress(ours):
    def after(n, before, after):
        n.since_fixed += 1
        n.since_best += 1

    return scheduled(ours, updated=after)


@entry(PAPER, "reject", "progress is judged by V after the update", by=("B15",))
def progress_judged_after_the_update(ours):
    return scheduled(ours, updated=lambda n, before, after: updated(n, after, after))


@entry(PAPER, "reject", "V equal to the smallest is progress; right where V never repeats", by=("B15",))
def equal_is_progress(ours):
    def after(n, before, after):
        n.since_fixed += 1
        n.since_best += 1
        if before <= n.best:
            n.best, n.since_best = before, 0

    return scheduled(ours, updated=after)


@entry(PAPER, "reject", "progress is V smaller than that of the update before, not than the smallest", by=("B15",))
def progress_since_the_last_update(ours):
    def after(n, before, after):
        updated(n, before, after)
        n.best = before

    return scheduled(ours, updated=after)


@entry(PAPER, "reject", "the smallest V is forgotten at a bounce", by=("B15",))
def best_forgotten_at_a_bounce(ours):
    def after(n, r):
        bounced(n, r)
        n.best = np.inf

    return scheduled(ours, bounced=after)


@entry(PAPER, "reject", "the smallest V begins with that of the start: the first update is no progress", by=("B15",))
def best_begins_with_the_start(ours):
    return scheduled(ours, counters=lambda V: SimpleNamespace(since_fixed=0, since_best=0, fixed=0, best=V))


@entry(PAPER, "reject", "a fixed bounce does not restart the patience", by=("B15",))
def patience_goes_on_at_fixed_bounces(ours):
    def after(n, r):
        if n.since_fixed == r.every and n.fixed < r.fixed:
            n.since_fixed, n.fixed = 0, n.fixed + 1
            if n.since_best != r.patience:
                return
        n.since_best = 0

    return scheduled(ours, bounced=after)


@entry(PAPER, "reject", "a bounce for lack of progress restarts the fixed schedule; right with one kind of bounces", by=("B15",))
def any_bounce_restarts_the_fixed_schedule(ours):
    def after(n, r):
        bounced(n, r)
        n.since_fixed = 0

    return scheduled(ours, bounced=after)


@entry(PAPER, "reject", "bounces are counted as updates by the fixed schedule", by=("B15",))
def bounces_counted_as_updates(ours):
    def after(n, r):
        fixed = n.since_fixed == r.every and n.fixed < r.fixed
        bounced(n, r)
        n.since_fixed += not fixed

    return scheduled(ours, bounced=after)


@entry(PAPER, "reject", "fixed bounces in the place of all: those for lack of progress stop with them", by=("B15",))
def patience_ends_with_the_fixed_bounces(ours):
    return scheduled(ours, due=lambda n, r: n.fixed < r.fixed and due(n, r))


@entry(PAPER, "reject", "maxiter and nit count updates only; right without bounces", by=("B27",))
def bounces_are_no_iterations(ours):
    return scheduled(ours, counted=lambda bounce: not bounce)


@entry(PAPER, "reject", "directions come from an unseeded generator, rng ignored; right without bounces", by=("B27",))
def schedule_without_a_seed(ours):
    return scheduled(ours, generator=lambda rng, seed: np.random.default_rng())


@entry(
    PAPER,
    "reject",
    "the generator is made anew from the seed at each bounce: one direction for all; right for the first bounce",
    by=("B46",),
)
def generator_made_anew_at_each_bounce(ours):
    return scheduled(
        ours, generator=lambda rng, seed: rng if isinstance(seed, np.random.Generator) else np.random.default_rng(seed)
    )


@entry(PAPER, "reject", "bounces from the cube, though the released ones were not asked for; right without bounces", by=("B46",))
def schedule_with_the_cube(ours):
    return scheduled(ours, cube=lambda as_released: True)


@entry(PAPER, "accept", "the schedule by a plain loop with its counters in one place")
def schedule_in_a_plain_loop(ours):
    return scheduled(ours)


# ---- what the method returns
def returned(ours, change):
    """born_infeld with change(result, x0, options) for its result."""

    def born_infeld(fun, x0, *args, **options):
        result = ours.born_infeld(fun, x0, *args, **options)
        change(result, x0, options)
        return result

    return {"born_infeld": born_infeld}


@entry(PAPER, "reject", "x is the last point, not the best; right where the loss falls to the end", by=("B39",))
def last_point_returned(ours):
    return returned(ours, lambda r, x0, o: r.update(x=r.x_last, fun=r.V + r.offset))


@entry(PAPER, "reject", "x is the best point, fun and jac are not those of it but of the last", by=("B39",))
def value_of_the_last_point_returned(ours):
    return returned(ours, lambda r, x0, o: r.update(fun=r.V + r.offset))


@entry(PAPER, "reject", "fun is V, the loss less the offset; right for offset 0", by=("B39",))
def potential_returned_as_the_loss(ours):
    return returned(ours, lambda r, x0, o: r.update(fun=r.fun - r.offset))


@entry(PAPER, "reject", "energy is that of the start without the extra energy; right from rest", by=("B39",))
def energy_returned_without_the_extra(ours):
    return returned(ours, lambda r, x0, o: r.update(energy=r.energy - o.get("extra_energy", 0.0)))


@entry(PAPER, "reject", "the evaluation at the start is not counted", by=("B39",))
def start_not_counted(ours):
    return returned(ours, lambda r, x0, o: r.update(nfev=r.nfev - 1, njev=r.njev - 1))


@entry(
    PAPER,
    "reject",
    "t is h times the number of iterations, bounces and another clock notwithstanding; right for bbi without bounces",
    by=("B39",),
)
def time_returned_as_iterations(ours):
    return returned(ours, lambda r, x0, o: r.update(t=r.nit * o["step"]))


@entry(PAPER, "reject", "allvecs begins after the first iteration", by=("B27",))
def history_without_the_start(ours):
    return returned(ours, lambda r, x0, o: r.update(allvecs=r.allvecs[1:]) if "allvecs" in r else None)


@entry(PAPER, "reject", "allvecs holds one array, the last, again and again", by=("B27",))
def history_of_one_array(ours):
    return returned(ours, lambda r, x0, o: r.update(allvecs=[r.allvecs[-1]] * len(r.allvecs)) if "allvecs" in r else None)


@entry(PAPER, "reject", "x0 is moved in place", by=("B36",))
def start_of_the_run_modified(ours):
    def moved(r, x0, o):
        if isinstance(x0, np.ndarray) and x0.dtype.kind == "f":
            x0[:] = r.x

    return returned(ours, moved)


@entry(PAPER, "reject", "reaching the offset is a failure", by=("B39",))
def offset_reached_is_a_failure(ours):
    return returned(ours, lambda r, x0, o: r.update(success=r.status == 0))


@entry(PAPER, "reject", "every run is a success", by=("B39",))
def every_run_is_a_success(ours):
    return returned(ours, lambda r, x0, o: r.update(success=True))


@entry(PAPER, "reject", "tol is compared with the loss, not with V; right for offset 0", by=("B39",))
def tolerance_on_the_loss(ours):
    def born_infeld(fun, x0, *args, tol=None, offset=0.0, **options):
        shifted = None if tol is None else max(tol - offset, 0.0)
        return ours.born_infeld(fun, x0, *args, tol=shifted, offset=offset, **options)

    return {"born_infeld": born_infeld}


@entry(PAPER, "reject", "args are handed to fun but not to jac; right without args", by=("B39",))
def arguments_kept_from_the_gradient(ours):
    def born_infeld(fun, x0, args=(), jac=None, *rest, **options):
        if callable(jac):
            return ours.born_infeld(lambda x: fun(x, *args), x0, (), jac, *rest, **options)
        return ours.born_infeld(fun, x0, args, jac, *rest, **options)

    return {"born_infeld": born_infeld}


# ---- mini-batches
def batched(ours, change):
    """energy_conserving_descent with change(theta, gradient, state, value, step) for its step."""

    def energy_conserving_descent(*args, **options):
        right = ours.energy_conserving_descent(*args, **options)
        return right._replace(step=lambda theta, gradient, state, value: change(theta, gradient, state, value, right.step))

    return {"energy_conserving_descent": energy_conserving_descent}


@entry(PAPER, "reject", "mini-batches: the energy is taken anew from each batch", by=("B36",))
def energy_of_each_batch(ours):
    return batched(ours, lambda theta, g, s, value, step: step(theta, g, s._replace(begun=False), value))


@entry(
    PAPER, "reject", "mini-batches: the gradient of the batch before; right for the first and for full batches at rest", by=("B36",)
)
def gradient_of_the_batch_before(ours):
    def energy_conserving_descent(*args, **options):
        right, kept = ours.energy_conserving_descent(*args, **options), []

        def step(theta, gradient, state, value):
            kept.append(np.array(gradient))
            return right.step(theta, kept[-2] if len(kept) > 1 else gradient, state, value)

        return right._replace(step=step)

    return {"energy_conserving_descent": energy_conserving_descent}


@entry(PAPER, "reject", "mini-batches: counters stand still, and nothing bounces", by=("B36",))
def counters_that_stand_still(ours):
    def change(theta, g, s, value, step):
        new, after = step(theta, g, s, value)
        return new, after._replace(counters=s.counters)

    return batched(ours, change)


@entry(PAPER, "reject", "mini-batches: the offset is ignored; right for offset 0", by=("B36",))
def offset_ignored_with_batches(ours):
    def energy_conserving_descent(step, *, offset=0.0, **options):
        return ours.energy_conserving_descent(step, **options)

    return {"energy_conserving_descent": energy_conserving_descent}


@entry(PAPER, "reject", "mini-batches: the seed is ignored; right without bounces", by=("B43",))
def seed_ignored_with_batches(ours):
    def energy_conserving_descent(step, *, seed=0, **options):
        return ours.energy_conserving_descent(step, seed=int(np.random.default_rng().integers(2**31)), **options)

    return {"energy_conserving_descent": energy_conserving_descent}
