"""ECDSep, unit-speed motion and the Poisson problem beside Born-Infeld dynamics, in wrong and in unusual ways."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from refimpl.nn import Dense
from refimpl.papers.born_infeld.poisson import DERIVATIVES
from wrong.born_infeld import PAPER, evaluated
from wrong.corpus import entry


# ---- ECDSep
def separable(
    ours, speed=lambda q, s: 2 / (s + q), kick=lambda V, eta, offset: eta / V, second=lambda new, old: new, halves=(0.5, 0.5)
):
    def step(objective, state, h):
        pi = state.pi - halves[0] * h * kick(state.V, state.eta, state.offset) * state.dV
        theta = state.theta + h * speed(float(pi @ pi), state.s) * pi
        V, dV = evaluated(objective, state, theta)
        if not V > 0:
            raise ours.OutsideDomain(f"V: got {V}")
        force = second(kick(V, state.eta, state.offset) * dV, kick(state.V, state.eta, state.offset) * state.dV)
        dtype = state.theta.dtype
        return state._replace(theta=theta.astype(dtype), pi=(pi - halves[1] * h * force).astype(dtype), V=V, dV=dV.astype(dtype))

    return {"ecdsep_leapfrog_step": step}


@entry(PAPER, "reject", "ECDSep: the drift without its 2", by=("B25", "B37"))
def ecdsep_without_the_two(ours):
    return separable(ours, speed=lambda q, s: 1 / (s + q))


@entry(PAPER, "reject", "ECDSep: the drift takes s = 1, whatever s; right by default", by=("B45",))
def ecdsep_with_s_ignored(ours):
    return separable(ours, speed=lambda q, s: 2 / (1 + q))


@entry(PAPER, "reject", "ECDSep: the drift takes 2Π/|Π|², s forgotten; right for s = 0", by=("B45",))
def ecdsep_without_s(ours):
    return separable(ours, speed=lambda q, s: 2 / q if q > 0 else 0.0)


@entry(PAPER, "reject", "ECDSep: the kick without η; right for η = 1", by=("B25",))
def ecdsep_without_eta_in_the_kick(ours):
    return separable(ours, kick=lambda V, eta, offset: 1 / V)


@entry(
    PAPER,
    "reject",
    "ECDSep: the kick by ∇F/F, the offset forgotten, as the self-tuning variant has it; right for offset 0",
    by=("B25",),
)
def ecdsep_with_the_loss_in_the_kick(ours):
    return separable(ours, kick=lambda V, eta, offset: eta / (V + offset))


@entry(PAPER, "reject", "ECDSep: the second kick is the first again", by=("B25",))
def ecdsep_with_a_stale_kick(ours):
    return separable(ours, second=lambda new, old: old)


@entry(PAPER, "reject", "ECDSep: the whole kick at first, none at the end", by=("B25",))
def ecdsep_by_euler(ours):
    return separable(ours, halves=(1.0, 0.0))


@entry(PAPER, "accept", "ECDSep: its leapfrog in plain terms")
def ecdsep_in_plain_terms(ours):
    return separable(ours)


@entry(PAPER, "reject", "ECDSep: the energy η ln V + ln |Π|², s forgotten; right for s = 0", by=("B25",))
def ecdsep_energy_without_s(ours):
    def energy(state):
        with np.errstate(divide="ignore"):
            return float(state.eta * np.log(state.V) + np.log(state.pi @ state.pi))

    return {"ecdsep_energy": energy}


@entry(PAPER, "reject", "ECDSep: the energy ln V + ln(s + |Π|²), η forgotten; right for η = 1", by=("B25",))
def ecdsep_energy_without_eta(ours):
    return {"ecdsep_energy": lambda state: float(np.log(state.V) + np.log(state.s + state.pi @ state.pi))}


@entry(
    PAPER, "reject", "ECDSep: |Π| at the start is the extra energy, as its comment says, not |Π|²; right for 0 and 1", by=("B25",)
)
def ecdsep_started_as_its_comment_says(ours):
    def start(objective, theta, offset=0.0, extra=0.0, **options):
        state = ours.ecdsep_start(objective, theta, offset, extra, **options)
        return state._replace(pi=state.pi * np.sqrt(extra).astype(state.pi.dtype), extra=extra**2)

    return {"ecdsep_start": start}


@entry(PAPER, "reject", "ECDSep: started uphill", by=("B25",))
def ecdsep_started_uphill(ours):
    def start(*args, **options):
        state = ours.ecdsep_start(*args, **options)
        return state._replace(pi=-state.pi)

    return {"ecdsep_start": start}


def released_separable(ours, ratio=lambda t, q: np.sqrt(t / q), noise=None, target=None):
    """ecdsep_step with the rescaling or the noise in another way."""

    def step(objective, state, h, *, rng=None, nu=1e-5, project=True):
        if not state.V > 1e-40:
            return state
        pi = state.pi
        t = (state.s + state.extra) * (state.V0 / state.V) ** state.eta - state.s if target is None else target(state)
        q = float(pi @ pi)
        if project and t >= 0 and q > 0 and abs(q - t) >= 1e-10:
            pi = pi * ratio(t, q)
        moved = ours.ecdsep_step(objective, state._replace(pi=pi), h, rng=rng if noise is None else None, nu=nu, project=False)
        if noise is None or rng is None or not moved.pi.any():
            return moved
        size = np.sqrt(float(moved.pi @ moved.pi))
        return moved._replace(pi=noise(moved.pi, size, nu * rng.standard_normal(moved.pi.shape)).astype(moved.pi.dtype))

    return {"ecdsep_step": step}


@entry(PAPER, "reject", "ECDSep, released: rescaled by t/q, not by its root; right on the shell", by=("B25",))
def ecdsep_rescaled_without_the_root(ours):
    return released_separable(ours, ratio=lambda t, q: t / q)


@entry(PAPER, "reject", "ECDSep, released: the shell of η = 1, whatever η; right by default", by=("B45",))
def ecdsep_on_the_shell_of_eta_one(ours):
    return released_separable(ours, target=lambda s: (s.s + s.extra) * (s.V0 / s.V) - s.s)


@entry(PAPER, "reject", "ECDSep, released: the noise is added and |Π| not restored", by=("B25",))
def ecdsep_noise_not_normalised(ours):
    return released_separable(ours, noise=lambda pi, size, z: pi + size * z)


@entry(PAPER, "reject", "ECDSep, released: the noise is not in units of |Π|; right where |Π| = 1", by=("B45",))
def ecdsep_noise_not_in_units_of_the_momentum(ours):
    return released_separable(ours, noise=lambda pi, size, z: (pi + z) * size / np.sqrt(float((pi + z) @ (pi + z))))


@entry(PAPER, "reject", "ECDSep, released: without noise though there is a generator", by=("B45",))
def ecdsep_without_noise(ours):
    return released_separable(ours, noise=lambda pi, size, z: pi)


# ---- unit speed
def directed_kick(
    ours, over=lambda n: n - 1, sinh=np.sinh, cosh=np.cosh, gained=lambda n, D: (n - 1) * np.log(D), normalise=True, sign=-1.0
):
    """mchmc_kick by hyperbolic functions, and the steps that use it."""

    def kick(u, dS, h):
        n = len(u)
        if n < 2:
            raise ValueError("u: expected two coordinates")
        size = float(np.sqrt(dS @ dS))
        if size == 0 or h == 0:
            return u, 0.0
        e, delta = sign * dS / size, h * size / over(n)
        along = float(e @ u)
        with np.errstate(all="ignore"):
            D = float(cosh(delta) + along * sinh(delta))
            new = (u + e * (sinh(delta) + along * (cosh(delta) - 1))) / D
            change = float(gained(n, D))
        new = new / np.sqrt(float(new @ new)) if normalise else new
        return new.astype(u.dtype), change

    return {"mchmc_kick": kick, **unit_speed(ours, kick)}


def unit_speed(ours, kick, leapfrog=((0.5, 1.0), (0.5, 0.0)), minimal=None, counted=lambda gained: gained):
    L = 0.1931833275037836
    minimal = minimal or ((L, 0.5), (1 - 2 * L, 0.5), (L, 0.0))

    def made(scheme):
        def step(objective, state, h):
            for part, drift in scheme:
                u, gained = kick(state.u, state.dS, part * h)
                state = state._replace(u=u, K=state.K + counted(gained))
                if drift:
                    theta = state.theta + drift * h * u
                    S, dS = objective(theta)
                    state = state._replace(theta=theta, S=float(S), dS=np.asarray(dS).astype(theta.dtype))
            return state

        return step

    return {"mchmc_leapfrog_step": made(leapfrog), "mchmc_minimal_norm_step": made(minimal)}


@entry(PAPER, "reject", "MCHMC: n for n − 1 in the force", by=("B25",))
def mchmc_with_n(ours):
    return directed_kick(ours, over=lambda n: n)


@entry(PAPER, "reject", "MCHMC: the force not divided by n − 1; right for n = 2", by=("B25",))
def mchmc_without_the_dimension(ours):
    return directed_kick(ours, over=lambda n: 1)


@entry(PAPER, "reject", "MCHMC: sinh and cosh exchanged", by=("B25",))
def mchmc_with_sinh_and_cosh_exchanged(ours):
    return directed_kick(ours, sinh=np.cosh, cosh=np.sinh)


@entry(PAPER, "reject", "MCHMC: sin and cos for sinh and cosh; right for weak kicks", by=("B25",))
def mchmc_with_circular_functions(ours):
    return directed_kick(ours, sinh=np.sin, cosh=np.cos)


@entry(PAPER, "reject", "MCHMC: uphill", by=("B25",))
def mchmc_uphill(ours):
    return directed_kick(ours, sign=1.0)


@entry(PAPER, "reject", "MCHMC: the energy gained is ln D, without n − 1; right for n = 2", by=("B25",))
def mchmc_energy_without_the_dimension(ours):
    return directed_kick(ours, gained=lambda n, D: np.log(D))


@entry(PAPER, "reject", "MCHMC: the energy gained has the wrong sign", by=("B25",))
def mchmc_energy_with_the_wrong_sign(ours):
    return directed_kick(ours, gained=lambda n, D: -(n - 1) * np.log(D))


@entry(PAPER, "reject", "MCHMC: cosh overflows in a strong kick; right in weak ones", by=("B25",))
def mchmc_that_overflows(ours):
    return directed_kick(ours)


@entry(PAPER, "reject", "MCHMC: one Euler step of the direction, normalised, for the exact kick; right for weak kicks", by=("B25",))
def mchmc_kick_to_first_order(ours):
    def kick(u, dS, h):
        if len(u) < 2:
            raise ValueError("u: expected two coordinates")
        new = u - h / (len(u) - 1) * (dS - (u @ dS) * u)
        return new / np.sqrt(float(new @ new)), float(-h * (u @ dS))

    return {"mchmc_kick": kick, **unit_speed(ours, kick)}


@entry(PAPER, "reject", "MCHMC: the kick runs forwards for negative times, too: not reversible", by=("B45",))
def mchmc_always_forwards(ours):
    def kick(u, dS, h):
        return ours.mchmc_kick(u, dS, abs(h))

    return {"mchmc_kick": kick, **unit_speed(ours, kick)}


@entry(PAPER, "reject", "MCHMC: the energy of the second kick is not counted", by=("B25",))
def mchmc_energy_of_one_kick(ours):
    def step(objective, state, h):
        new = ours.mchmc_leapfrog_step(objective, state, h)
        return new._replace(K=state.K + ours.mchmc_kick(state.u, state.dS, h / 2)[1])

    return {"mchmc_leapfrog_step": step}


@entry(PAPER, "reject", "MCHMC: both kicks of the leapfrog whole", by=("B25",))
def mchmc_kicks_whole(ours):
    return {"mchmc_leapfrog_step": unit_speed(ours, ours.mchmc_kick, leapfrog=((1.0, 1.0), (1.0, 0.0)))["mchmc_leapfrog_step"]}


@entry(PAPER, "reject", "MCHMC, minimal norm: λ and 1 − 2λ exchanged: kicks that do not sum to h", by=("B25",))
def mchmc_minimal_norm_exchanged(ours):
    L = 0.1931833275037836
    scheme = ((1 - 2 * L, 0.5), (L, 0.5), (1 - 2 * L, 0.0))
    return {"mchmc_minimal_norm_step": unit_speed(ours, ours.mchmc_kick, minimal=scheme)["mchmc_minimal_norm_step"]}


@entry(PAPER, "reject", "MCHMC, minimal norm: λ = ¼, two leapfrogs of half the step; right but for its error's size", by=("B45",))
def mchmc_minimal_norm_as_two_leapfrogs(ours):
    scheme = ((0.25, 0.5), (0.5, 0.5), (0.25, 0.0))
    return {"mchmc_minimal_norm_step": unit_speed(ours, ours.mchmc_kick, minimal=scheme)["mchmc_minimal_norm_step"]}


@entry(PAPER, "reject", "MCHMC: the energy is S − K", by=("B25",))
def mchmc_energy_as_a_difference(ours):
    return {"mchmc_energy": lambda state: state.S - state.K}


@entry(PAPER, "accept", "MCHMC: the kick by the half angle between u and −∇S, tan ½φ' = e^{−δ} tan ½φ")
def mchmc_by_the_half_angle(ours):
    def kick(u, dS, h):
        n = len(u)
        if n < 2:
            raise ValueError("u: expected two coordinates")
        size = float(np.max(np.abs(dS), initial=0))
        if size == 0 or h == 0:
            return u, 0.0
        size *= float(np.sqrt((dS / size) @ (dS / size)))
        e, delta = -np.sign(h) * dS / size, abs(h) * size / (n - 1)
        near, far = np.sqrt(float((u - e) @ (u - e))), np.sqrt(float((u + e) @ (u + e)))
        if far == 0:
            return u, -delta * (n - 1)
        across = u - float(u @ e) * e
        length = np.sqrt(float(across @ across))
        tangent = np.exp(-delta) * near / far
        cos, sin = (1 - tangent) * (1 + tangent) / (1 + tangent**2), 2 * tangent / (1 + tangent**2)
        D = delta + np.log((far**2 + (np.exp(-delta) * near) ** 2) / 4)
        new = cos * e + (sin * across / length if length > 0 else 0.0)
        return (new / np.sqrt(float(new @ new))).astype(u.dtype), float((n - 1) * D)

    return {"mchmc_kick": kick, **unit_speed(ours, kick)}


@entry(PAPER, "reject", "the action of ECD_q=1 without n: (η/2) ln V; right for n = 1", by=("B25",))
def action_without_the_dimension(ours):
    def ecd_q1_action(*args, **options):
        right = ours.ecd_q1_action(*args, **options)

        def action(theta):
            S, dS = right(theta)
            return S / len(theta), dS / len(theta)

        return action

    return {"ecd_q1_action": ecd_q1_action}


@entry(PAPER, "reject", "the action of Born-Infeld's orbits with n − 2 for n − 1", by=("B25",))
def action_with_the_power_of_the_measure(ours):
    def born_infeld_action(*args, **options):
        right = ours.born_infeld_action(*args, **options)

        def action(theta):
            (S, dS), n = right(theta), len(theta)
            return S * (n - 2) / max(n - 1, 1), dS * (n - 2) / max(n - 1, 1)

        return action

    return {"born_infeld_action": born_infeld_action}


@entry(PAPER, "reject", "the action of Born-Infeld's orbits: the gradient's V² + E² became E²; right where V ≪ E", by=("B25",))
def action_with_the_gradient_where_it_is_deep(ours):
    def born_infeld_action(objective, E, offset=0.0):
        right = ours.born_infeld_action(objective, E, offset)

        def action(theta):
            S, dS = right(theta)
            V = float(objective(theta)[0]) - offset
            return S, dS * (E * E / (E * E + V * V))

        return action

    return {"born_infeld_action": born_infeld_action}


# ---- the Laplacian of a network, and the loss of the Poisson problem, in plain terms
NETWORK: dict[str, Any] = {
    "derivatives": lambda activation, z: DERIVATIVES[activation](z),
    "residual": lambda k, a: k > 0,
    "carried": lambda a, J, S, out: (a + out[0], J + out[1], S + out[2]),
    "square": lambda Z: np.sum(Z * Z, axis=0),
    "dz": lambda s1, s2, s3, A, ZB, D, q, C: s1 * A + s2 * ZB + (s2 * D + s3 * q) * C,
    "dZ": lambda s1, s2, B, Z, C: s1 * B + 2 * s2 * Z * C,
    "returned": lambda A, B, C, new: (A + new[0], B + new[1], C + new[2]),
    "dW": lambda dz, a, dZ, J, dD, S: dz.T @ a + np.einsum("knm,knd->md", dZ, J) + dD.T @ S,
    "db": lambda dz: np.sum(dz, axis=0),
    "ordered": lambda layers: tuple(reversed(layers)),
}
LOSS: dict[str, Any] = {
    "source": lambda ours, x, A: ours.poisson_source(x, A),
    "rho": lambda u, lap, f: -lap + u * u - f,
    "drho": lambda u: (2 * u, -1.0),
    "counted": lambda N, k: slice(None),  # points in the mean of rho²
    "boundary": lambda weight, k: weight / k,
    "dl2": 2.0,
    "l2": 1.0,
    "penalised": lambda unravel, theta: np.ones(len(theta)),
}


def poisson(ours, **spoiled):
    """laplacian_forward, laplacian_backward and poisson_objective with the terms given in place of the right ones."""
    from refimpl.params import ravel

    t = SimpleNamespace(**{**NETWORK, **LOSS, **spoiled})

    def forward(params, x, activation="sigmoid"):
        ours.laplacian_forward(params, x, activation)
        n, d = x.shape
        a, J, S, layers = x, np.tile(np.eye(d, dtype=x.dtype)[:, None], (1, n, 1)), np.zeros_like(x), []
        for k, (W, b) in enumerate(params[:-1]):
            z, Z, D = a @ W.T + b, J @ W.T, S @ W.T
            s, s1, s2, s3 = t.derivatives(activation, z)
            layers.append((W, a, J, S, Z, D, s1, s2, s3))
            out = s, s1 * Z, s1 * D + s2 * t.square(Z)
            a, J, S = t.carried(a, J, S, out) if t.residual(k, a) and a.shape == s.shape else out
        W, b = params[-1]
        return ((a @ W.T + b)[:, 0], (S @ W.T)[:, 0]), (W, a, S, layers)

    def backward(dy, cache):
        du, dlap = dy
        W, a, S, layers = cache
        found = [Dense(W=(du @ a + dlap @ S)[None], b=np.sum(du)[None])]
        A, C = du[:, None] * W, dlap[:, None] * W
        B = np.zeros((len(layers[0][2]), *A.shape), A.dtype)
        for k, (W, a, J, S, Z, D, s1, s2, s3) in reversed(list(enumerate(layers))):
            dz = t.dz(s1, s2, s3, A, np.sum(Z * B, axis=0), D, np.sum(Z * Z, axis=0), C)
            dZ, dD = t.dZ(s1, s2, B, Z, C), s1 * C
            found.append(Dense(W=t.dW(dz, a, dZ, J, dD, S), b=t.db(dz)))
            if k > 0:
                A, B, C = t.returned(A, B, C, (dz @ W, dZ @ W, dD @ W))
        return t.ordered(found)

    def poisson_objective(params, interior, boundary, amplitude, boundary_weight, l2, activation="sigmoid"):
        ours.poisson_objective(params, interior, boundary, amplitude, boundary_weight, l2, activation)
        theta, unravel = ravel(tuple(params))
        x, k = np.concatenate([interior, boundary]), len(boundary)
        dtype = theta.dtype
        f, g = t.source(ours, x, amplitude).astype(dtype), ours.poisson_solution(np.asarray(boundary), amplitude).astype(dtype)
        x = x.astype(dtype)
        mask = np.zeros(len(x), dtype)
        mask[t.counted(len(x), k)] = 1
        N = float(np.sum(mask))

        def objective(theta):
            (u, lap), cache = forward(unravel(theta), x, activation)
            rho, gap, w = t.rho(u, lap, f) * mask, u[-k:] - g, t.boundary(boundary_weight, k)
            kept = t.penalised(unravel, theta).astype(dtype)
            value = rho @ rho / N + w * (gap @ gap) + l2 * t.l2 * (theta * kept @ theta)
            by_u, by_lap = t.drho(u)
            du, dlap = 2 / N * rho * by_u, 2 / N * rho * by_lap
            du[-k:] += 2 * w * gap
            return value.item(), unravel.flat(backward((du, dlap), cache)) + t.dl2 * l2 * kept * theta

        return objective, unravel

    return {"laplacian_forward": forward, "laplacian_backward": backward, "poisson_objective": poisson_objective}


@entry(PAPER, "reject", "Laplacian backward: σ''' Σ Z² C dropped", by=("B24",))
def laplacian_without_the_third_derivative(ours):
    return poisson(ours, dz=lambda s1, s2, s3, A, ZB, D, q, C: s1 * A + s2 * ZB + s2 * D * C)


@entry(PAPER, "reject", "Laplacian backward: the 2 of 2 σ'' Z C dropped", by=("B24",))
def laplacian_without_the_two(ours):
    return poisson(ours, dZ=lambda s1, s2, B, Z, C: s1 * B + s2 * Z * C)


@entry(PAPER, "reject", "Laplacian backward: σ'' D C dropped; right for one hidden layer, where D = 0", by=("B24",))
def laplacian_without_the_second_derivative_of_the_laplacian(ours):
    return poisson(ours, dz=lambda s1, s2, s3, A, ZB, D, q, C: s1 * A + s2 * ZB + s3 * q * C)


@entry(PAPER, "reject", "Laplacian backward: σ'' Σ Z B dropped; right for one hidden layer, where B = 0", by=("B24",))
def laplacian_without_the_gradient_in_the_derivatives(ours):
    return poisson(ours, dz=lambda s1, s2, s3, A, ZB, D, q, C: s1 * A + (s2 * D + s3 * q) * C)


@entry(
    PAPER, "reject", "Laplacian backward: the gradient does not go round a residual layer; right for one hidden layer", by=("B24",)
)
def laplacian_gradient_through_layers_only(ours):
    return poisson(ours, returned=lambda A, B, C, new: new)


@entry(
    PAPER,
    "reject",
    "Laplacian backward: the gradient goes round a residual layer for its values only; right for one hidden layer",
    by=("B24",),
)
def laplacian_gradient_round_the_values_only(ours):
    return poisson(ours, returned=lambda A, B, C, new: (A + new[0], new[1], new[2]))


@entry(PAPER, "reject", "Laplacian backward: the part of W's gradient by Z is dropped", by=("B24",))
def laplacian_weights_without_the_derivatives(ours):
    return poisson(ours, dW=lambda dz, a, dZ, J, dD, S: dz.T @ a + dD.T @ S)


@entry(
    PAPER,
    "reject",
    "Laplacian backward: the part of W's gradient by D is dropped; right for one hidden layer, where S = 0",
    by=("B24",),
)
def laplacian_weights_without_the_laplacian(ours):
    return poisson(ours, dW=lambda dz, a, dZ, J, dD, S: dz.T @ a + np.einsum("knm,knd->md", dZ, J))


@entry(PAPER, "reject", "Laplacian backward: biases by the mean over the points, not the sum; right for one point", by=("B24",))
def laplacian_biases_by_the_mean(ours):
    return poisson(ours, db=lambda dz: np.mean(dz, axis=0))


@entry(PAPER, "reject", "Laplacian backward: the layers' gradients from last to first", by=("B24",))
def laplacian_gradients_backwards(ours):
    return poisson(ours, ordered=tuple)


@entry(PAPER, "reject", "Laplacian forward: S is not added round a residual layer", by=("B24",))
def laplacian_not_carried_round(ours):
    return poisson(ours, carried=lambda a, J, S, out: (a + out[0], J + out[1], out[2]))


@entry(PAPER, "reject", "Laplacian forward: J is not added round a residual layer", by=("B24",))
def derivatives_not_carried_round(ours):
    return poisson(ours, carried=lambda a, J, S, out: (a + out[0], out[1], S + out[2]))


@entry(PAPER, "reject", "no layer is residual; right for one hidden layer", by=("B24",))
def network_without_residuals(ours):
    return poisson(ours, residual=lambda k, a: False)


@entry(PAPER, "reject", "the first layer is residual, too, where it is square; right where it is not", by=("B24",))
def network_with_a_residual_first_layer(ours):
    return poisson(ours, residual=lambda k, a: True)


@entry(PAPER, "reject", "Laplacian forward: (Σ Z)² for Σ Z²; right in one dimension", by=("B24",))
def laplacian_of_the_summed_derivatives(ours):
    return poisson(ours, square=lambda Z: np.sum(Z, axis=0) ** 2)


@entry(PAPER, "reject", "tanh'' with the wrong sign; right for sigmoid", by=("B24",))
def tanh_bent_the_wrong_way(ours):
    def derivatives(activation, z):
        s, s1, s2, s3 = DERIVATIVES[activation](z)
        return s, s1, -s2 if activation == "tanh" else s2, s3

    return poisson(ours, derivatives=derivatives)


@entry(PAPER, "reject", "sigmoid''' = σ'(1 − 6σ): forward right, and so the backward of tanh", by=("B24",))
def sigmoid_with_a_wrong_third_derivative(ours):
    def derivatives(activation, z):
        s, s1, s2, s3 = DERIVATIVES[activation](z)
        return s, s1, s2, s1 * (1 - 6 * s) if activation == "sigmoid" else s3

    return poisson(ours, derivatives=derivatives)


@entry(PAPER, "reject", "the boundary is not in the mean of ρ²", by=("B24",))
def residual_of_the_interior_only(ours):
    return poisson(ours, counted=lambda N, k: slice(0, N - k))


@entry(PAPER, "reject", "the boundary's error is summed, not averaged; right for one point", by=("B24",))
def boundary_summed(ours):
    return poisson(ours, boundary=lambda weight, k: weight)


@entry(PAPER, "reject", "ρ = Δu + u² − f: the sign of the Laplacian", by=("B24",))
def residual_with_the_laplacian_added(ours):
    return poisson(ours, rho=lambda u, lap, f: lap + u * u - f, drho=lambda u: (2 * u, 1.0))


@entry(PAPER, "reject", "ρ = −Δu + u² + f: the sign of the source", by=("B24",))
def residual_with_the_source_added(ours):
    return poisson(ours, rho=lambda u, lap, f: -lap + u * u + f)


@entry(PAPER, "reject", "the gradient of u² is forgotten, the value right", by=("B24",))
def residual_with_u_squared_held_fixed(ours):
    return poisson(ours, drho=lambda u: (0.0 * u, -1.0))


@entry(PAPER, "reject", "the gradient of λ|θ|² without its 2, as if it were halved; right for λ = 0", by=("B24",))
def weight_decay_halved(ours):
    return poisson(ours, dl2=1.0)


@entry(PAPER, "reject", "½ λ|θ|², value and gradient; right for λ = 0", by=("B24",))
def weight_decay_halved_in_value_too(ours):
    return poisson(ours, dl2=1.0, l2=0.5)


@entry(PAPER, "reject", "biases are left out of λ|θ|²; right where they are 0, or λ is", by=("B24",))
def weight_decay_without_biases(ours):
    def penalised(unravel, theta):
        sizes = [
            np.full(int(np.prod(shape)), float(not name.endswith(".b")))
            for name, shape in zip(unravel.names, unravel.shapes, strict=True)
        ]
        return np.concatenate(sizes)

    return poisson(ours, penalised=penalised)


@entry(PAPER, "reject", "the source of two dimensions, whatever the dimension; right there", by=("B24",))
def source_of_two_dimensions(ours):
    def poisson_source(x, amplitude):
        q = amplitude * np.sum(x * x, axis=1)
        return -4 * amplitude * np.sin(2 * q) - 8 * amplitude * q * np.cos(2 * q) + np.sin(q) ** 4

    return {"poisson_source": poisson_source, **poisson(ours, source=lambda ours, x, A: poisson_source(x, A))}


@entry(PAPER, "reject", "u = sin(A r²), not squared", by=("B42",))
def solution_not_squared(ours):
    return {"poisson_solution": lambda x, amplitude: np.sin(amplitude * np.sum(x * x, axis=1))}


@entry(PAPER, "reject", "points of the disk with the radius U, not √U: the centre is crowded", by=("B42",))
def disk_with_a_crowded_centre(ours):
    def disk_points(n_interior, n_boundary, rng):
        inside, circle = ours.disk_points(n_interior, n_boundary, rng)
        return inside * np.sqrt(np.sum(inside**2, axis=1, keepdims=True)), circle

    return {"disk_points": disk_points}


@entry(PAPER, "reject", "points of the square for points of the disk, on its boundary those of the circle", by=("B42",))
def square_for_the_disk(ours):
    def disk_points(n_interior, n_boundary, rng):
        return rng.uniform(-1, 1, (n_interior, 2)), ours.disk_points(1, n_boundary, rng)[1]

    return {"disk_points": disk_points}


@entry(PAPER, "accept", "the Laplacian and its gradient in plain terms, sums by einsum")
def laplacian_in_plain_terms(ours):
    return poisson(ours)


@entry(PAPER, "accept", "the Laplacian point by point, and its gradient as a sum over points")
def laplacian_point_by_point(ours):
    def forward(params, x, activation="sigmoid"):
        found = [ours.laplacian_forward(params, x[i : i + 1], activation) for i in range(len(x))]
        u, lap = (np.concatenate([y[j] for y, _ in found]) for j in (0, 1))
        return (u, lap), [cache for _, cache in found]

    def backward(dy, cache):
        each = [ours.laplacian_backward((dy[0][i : i + 1], dy[1][i : i + 1]), one) for i, one in enumerate(cache)]
        return tuple(Dense(W=sum(g[k].W for g in each), b=sum(g[k].b for g in each)) for k in range(len(each[0])))

    return {"laplacian_forward": forward, "laplacian_backward": backward}
