"""Objectives of the reduced space, reparametrised and projected, repulsion, and when to stop; in wrong and in unusual ways."""

import math
from itertools import combinations

import numpy as np

from refimpl.nn import Dense
from refimpl.optim import Optimiser
from wrong.corpus import entry
from wrong.reduced_space import PAPER
from wrong.reduced_space_training import dot, layout, safe, size, tangent


def repelled(ours, pair, planes=None):
    """The pair by pair(w, b, v, c, X, s) -> (value, its gradients in all four but X and s) of two neurons; ours check."""

    def nearest(w, b, v, c, X):
        same, other = (np.sum((w + sign * v) ** 2) + (b + sign * c) ** 2 / X**2 for sign in (-1, 1))
        return -1 if other.real < same.real else 1

    def forward(W, b, radius, s=1.0, planes_=False, **named):
        flat = named.get("planes", planes_)
        E, right = ours.repulsion_forward(W, b, radius, s, flat)
        if not np.isfinite(E):
            return E, (right, None)
        W, b = np.asarray(W), np.asarray(b)
        total, dW, db = 0.0, np.zeros_like(W, np.result_type(W, b, float)), np.zeros_like(b, np.result_type(W, b, float))
        for i, j in combinations(range(len(b)), 2):
            f = (planes or nearest)(W[i], b[i], W[j], b[j], radius) if flat else 1
            value, dwi, dbi, dwj, dbj = pair(W[i], b[i], f * W[j], f * b[j], radius, s)
            total = total + value
            dW[i], db[i], dW[j], db[j] = dW[i] + dwi, db[i] + dbi, dW[j] + f * dwj, db[j] + f * dbj
        return np.asarray(total).item(), (right, (dW, db))

    def backward(dE, cache):
        right, gradients = cache
        ours.repulsion_backward(dE, right)
        return tuple(dE * g for g in gradients)

    return {"repulsion_forward": forward, "repulsion_backward": backward}


def riesz(w, b, v, c, X, s):
    q = np.sum((w - v) ** 2) + (b - c) ** 2 / X**2
    K = (s or 1) * q ** (-s / 2 - 1)
    dw, db = -K * (w - v), -K * (b - c) / X**2
    return (q ** (-s / 2) if s else -np.log(q) / 2), dw, db, -dw, -db


@entry(PAPER, "accept", "repulsion pair by pair")
def repulsion_by_pairs(ours):
    return repelled(ours, riesz)


@entry(PAPER, "accept", "the KKT residual neuron by neuron: the step that the walls let pass")
def kkt_by_loops(ours):
    def kkt_residual(theta, gradient, unravel, radius):
        ours.kkt_residual(theta, gradient, unravel, radius)
        theta, g = np.asarray(theta), np.array(gradient, dtype=float)
        for W, b, _, X in layout(unravel, radius):
            for row in W:
                g[row] = g[row] - (theta[row] @ g[row]) * theta[row]
            for i in b if X is not None else ():
                if (theta[i] >= X * (1 - 1e-12) and g[i] < 0) or (theta[i] <= -X * (1 - 1e-12) and g[i] > 0):
                    g[i] = 0
        return max(np.max(g, initial=0), -np.min(g, initial=0))

    return {"kkt_residual": kkt_residual}


def projection(ours, *, solve=None, value=None, dz=None, dU=None, db=None):
    """variable_projection with steps in place of the right ones."""

    def by_svd(A, y, ridge):
        U, s, V = np.linalg.svd(A, full_matrices=False)
        return V.T @ (s / (s * s + ridge * len(A)) * (U.T @ y))

    solve = solve or by_svd
    value = value or (lambda r, c, ridge: r @ r / len(r) + ridge * (c @ c))
    dz = dz or (lambda r, c: np.outer(2 / len(r) * r, c[:-1]))
    dU = dU or (lambda w, norm, G: tangent(w, G) / norm)
    db = db or (lambda dz: dz.sum(axis=0))

    def variable_projection(X, y, radius, N, ridge=1e-8):
        right = ours.variable_projection(X, y, radius, N, ridge)
        x, y = np.asarray(X, float), np.ravel(np.asarray(y, float))
        d = x.shape[1]

        def point(phi):
            right.objective(phi)
            U, b = np.reshape(phi[: N * d], (N, d)), np.asarray(phi[N * d :])
            w = U / size(U)
            z = x @ w.T + b
            A = np.hstack([np.maximum(z, 0), np.ones((len(x), 1))])
            c = solve(A, y, ridge)
            return w, size(U), b, z, c, A @ c - y

        def objective(phi):
            w, norm, _, z, c, r = point(phi)
            felt = dz(r, c) * (z > 0)
            return float(value(r, c, ridge)), np.concatenate([dU(w, norm, felt.T @ x).ravel(), db(felt)])

        def network(phi):
            w, _, b, _, c, _ = point(phi)
            return Dense(w, b), (), Dense(c[None, :-1], c[-1:])

        return right._replace(objective=objective, network=network)

    return {"variable_projection": variable_projection}


@entry(PAPER, "accept", "variable projection with the ridge solution by singular values")
def ridge_by_singular_values(ours):
    return projection(ours)


def reparametrised(ours, dU=None, db=None, forward=None, backward_only=False):
    """The pair and the objective with dU(w, norm, G), db(b, s, X, G) and forward(s, X) for squashed thresholds in place of ours."""

    def forward_(phi, unravel, parametrisation="directions", thresholds="clip", radius=None):
        theta, _ = ours.reparametrise_forward(phi, unravel, parametrisation, thresholds, radius)
        phi, found = np.asarray(phi), []
        theta = theta.copy()
        for W, b, _, X in layout(unravel, radius):
            if thresholds == "tanh" and forward:
                theta[b] = forward(phi[b], X)
            norm = size(phi[W]) if parametrisation == "directions" else None
            found.append((W, b, theta[W], norm, theta[b], phi[b] if thresholds == "tanh" else None, X))
        return theta, found

    def backward(dtheta, cache):
        dphi = np.array(dtheta)
        for W, b, w, norm, beta, s, X in cache:
            if norm is not None:
                dphi[W] = (dU or (lambda w, norm, G: tangent(w, G) / norm))(w, norm, dphi[W])
            if s is not None:
                dphi[b] = (db or (lambda beta, s, X, G: G * X / np.cosh(s) ** 2))(beta, s, X, dphi[b])
        return dphi

    def reduced_objective(objective, unravel, *options, **named):
        ours.reduced_objective(objective, unravel, *options, **named)

        def reduced(phi):
            theta, cache = forward_(phi, unravel, *options, **named)
            value, gradient = objective(theta)
            return value, backward(gradient, cache)

        return reduced

    return {"reparametrise_forward": forward_, "reparametrise_backward": backward, "reduced_objective": reduced_objective}


@entry(PAPER, "accept", "the reparametrisation layer by layer, a line a formula")
def reparametrised_plainly(ours):
    return reparametrised(ours)


@entry(PAPER, "reject", "dJ/du without 1/|u|; right for |u| = 1, where it starts", by=("R9",))
def length_missing_in_du(ours):
    return reparametrised(ours, dU=lambda w, norm, G: tangent(w, G))


@entry(PAPER, "reject", "dJ/du with 1/|u|²; right for |u| = 1, where it starts", by=("R9",))
def length_squared_in_du(ours):
    return reparametrised(ours, dU=lambda w, norm, G: tangent(w, G) / norm**2)


@entry(PAPER, "reject", "dJ/du with |u| in place of 1/|u|; right for |u| = 1, where it starts", by=("R9",))
def length_upside_down_in_du(ours):
    return reparametrised(ours, dU=lambda w, norm, G: tangent(w, G) * norm)


@entry(PAPER, "reject", "dJ/du = G/|u|, the radial part left in: |u| shrinks as well as grows; right for w·G = 0", by=("R12",))
def radial_part_in_du(ours):
    return reparametrised(ours, dU=lambda w, norm, G: G / norm)


@entry(PAPER, "reject", "dJ/du is projected with u in place of w: (G − (u·G) u)/|u|; right for |u| = 1", by=("R12",))
def du_projected_with_u(ours):
    return reparametrised(ours, dU=lambda w, norm, G: (G - dot(norm * w, G) * norm * w) / norm)


@entry(PAPER, "reject", "weights are held fixed: dJ/du = 0; right in one dimension", by=("R32",))
def directions_frozen(ours):
    return reparametrised(ours, dU=lambda w, norm, G: 0 * G)


@entry(PAPER, "reject", "db/ds = 1 − tanh²s, without X; right for X = 1", by=("R9",))
def squash_slope_without_x(ours):
    return reparametrised(ours, db=lambda b, s, X, G: G / np.cosh(s) ** 2)


@entry(PAPER, "reject", "db/ds = X (1 − b²), b in place of tanh s; right for X = 1", by=("R9",))
def squash_slope_from_b(ours):
    return reparametrised(ours, db=lambda b, s, X, G: G * X * (1 - b * b))


@entry(PAPER, "reject", "dJ/ds = dJ/db: the slope of the squash is forgotten; right in the middle for X = 1", by=("R9",))
def squash_slope_forgotten(ours):
    return reparametrised(ours, db=lambda b, s, X, G: G)


@entry(PAPER, "reject", "b = tanh s, in [−1, 1] whatever X; right for X = 1", by=("R9",))
def squash_to_one(ours):
    return reparametrised(ours, forward=lambda s, X: np.tanh(s), db=lambda b, s, X, G: G / np.cosh(s) ** 2)


def squashing(ours, b, slope):
    def squash(s, radius):
        ours.squash(s, radius)
        return b(np.asarray(s), radius), slope(np.asarray(s), radius)

    return {"squash": squash}


@entry(PAPER, "reject", "X tanh(s/X) with its slope 1/cosh²(s/X): bounded too, but another function; right for X = 1", by=("R35",))
def squash_scaled_inside(ours):
    return squashing(ours, lambda s, X: X * np.tanh(s / safe(X)), lambda s, X: 1 / np.cosh(s / safe(X)) ** 2)


@entry(PAPER, "reject", "the slope of X tanh s as 1 − tanh²s; right for X = 1", by=("R35",))
def squash_slope_of_tanh(ours):
    return squashing(ours, lambda s, X: X * np.tanh(s), lambda s, X: 1 - np.tanh(s) ** 2)


@entry(PAPER, "reject", "X (2σ(s) − 1), a logistic function of s in place of 2s", by=("R35",))
def squash_half_as_steep(ours):
    return squashing(ours, lambda s, X: X * np.tanh(s / 2), lambda s, X: X / np.cosh(s / 2) ** 2 / 2)


@entry(PAPER, "reject", "bounds of weights, not of thresholds, as for box constraints on everything", by=("R32",))
def bounds_on_the_weights(ours):
    def box_bounds(unravel, radius):
        found = [(None, None)] * unravel.size
        for W, _, _, X in layout(unravel, radius):
            for i in np.ravel(W):
                found[i] = (-X, X) if X is not None else (None, None)
        ours.box_bounds(unravel, radius)
        return found

    return {"box_bounds": box_bounds}


@entry(PAPER, "reject", "bounds [0, X] of thresholds", by=("R32",))
def bounds_from_zero(ours):
    def box_bounds(unravel, radius):
        return [(low if low is None else 0.0, high) for low, high in ours.box_bounds(unravel, radius)]

    return {"box_bounds": box_bounds}


@entry(PAPER, "reject", "bounds on all parameters", by=("R32",))
def bounds_on_everything(ours):
    def box_bounds(unravel, radius):
        X = float(np.max(radius))
        return [(-X, X) if low is None else (low, high) for low, high in ours.box_bounds(unravel, radius)]

    return {"box_bounds": box_bounds}


@entry(PAPER, "reject", "free parameters for tanh are the thresholds themselves: artanh forgotten; right at b = 0", by=("R38",))
def free_parameters_not_unsquashed(ours):
    def free_parameters(theta, unravel, thresholds="clip", radius=None):
        ours.free_parameters(theta, unravel, thresholds, radius)
        return ours.free_parameters(theta, unravel)

    return {"free_parameters": free_parameters}


@entry(PAPER, "reject", "artanh b in place of artanh(b/X); right for X = 1", by=("R35",))
def unsquash_without_x(ours):
    def unsquash(b, radius):
        ours.unsquash(b, radius)
        return np.arctanh(np.clip(b, -1 + 1e-16, 1 - 1e-16))

    return {"unsquash": unsquash}


@entry(PAPER, "reject", "thresholds are clipped before the step, not after it; right as long as none leaves", by=("R37",))
def thresholds_clipped_before_the_step(ours):
    def keep_thresholds(optimiser, unravel, radius):
        right = ours.keep_thresholds(optimiser, unravel, radius)

        def step(theta, *more):
            theta = np.array(theta)
            for _, b, _, X in layout(unravel, radius):
                theta[b] = np.clip(theta[b], -X, X)
            return optimiser.step(theta, *more)

        return Optimiser(right.init, step, right.uses_value)

    return {"keep_thresholds": keep_thresholds}


# ---- wrong: when to stop
def residual(ours, change, *, at_walls=True):
    """kkt_residual as the largest of |change(gradient, layers, theta)|."""

    def kkt_residual(theta, gradient, unravel, radius):
        ours.kkt_residual(theta, gradient, unravel, radius)
        theta, g, layers = np.asarray(theta), np.array(gradient, dtype=float), layout(unravel, radius)
        for W, b, _, X in layers:
            g[W] = tangent(theta[W], g[W])
            if X is not None and at_walls:
                g[b] = np.where(theta[b] >= X * (1 - 1e-12), np.maximum(g[b], 0), g[b])
                g[b] = np.where(theta[b] <= -X * (1 - 1e-12), np.minimum(g[b], 0), g[b])
        return float(change(g, np.asarray(gradient), layers, theta))

    return {"kkt_residual": kkt_residual}


@entry(PAPER, "reject", "walls are not looked at: the outward part of G_b counts too; right inside", by=("R30",))
def kkt_without_walls(ours):
    return residual(ours, lambda g, G, layers, theta: np.max(np.abs(g)), at_walls=False)


@entry(
    PAPER, "reject", "thresholds at a wall count as stationary whatever their gradient; right where it points outward", by=("R30",)
)
def kkt_thresholds_at_walls_forgiven(ours):
    def forgiven(g, G, layers, theta):
        g = g.copy()
        for _, b, _, X in layers:
            g[b] = np.where(np.abs(theta[b]) >= (math.inf if X is None else X * (1 - 1e-12)), 0, g[b])
        return np.max(np.abs(g))

    return residual(ours, forgiven, at_walls=False)


@entry(PAPER, "reject", "the signs at the walls exchanged: the inward part of G_b is forgiven, the outward one counts", by=("R30",))
def kkt_signs_exchanged(ours):
    def exchanged(g, G, layers, theta):
        g = g.copy()
        for _, b, _, X in layers:
            if X is not None:
                g[b] = np.where(theta[b] >= X * (1 - 1e-12), np.minimum(g[b], 0), g[b])
                g[b] = np.where(theta[b] <= -X * (1 - 1e-12), np.maximum(g[b], 0), g[b])
        return np.max(np.abs(g))

    return residual(ours, exchanged, at_walls=False)


@entry(PAPER, "reject", "only the upper wall is looked at; right where none is at the lower one", by=("R30",))
def kkt_upper_wall_only(ours):
    def upper(g, G, layers, theta):
        g = g.copy()
        for _, b, _, X in layers:
            if X is not None:
                g[b] = np.where(theta[b] >= X * (1 - 1e-12), np.maximum(g[b], 0), g[b])
        return np.max(np.abs(g))

    return residual(ours, upper, at_walls=False)


@entry(PAPER, "reject", "the radial part of G_w counts: never small, unless w·G = 0", by=("R30",))
def kkt_with_the_radial_part(ours):
    def whole(g, G, layers, theta):
        g = g.copy()
        for W, *_ in layers:
            g[W] = G[W]
        return np.max(np.abs(g))

    return residual(ours, whole)


@entry(PAPER, "reject", "the largest entry without absolute values; right where that one is positive", by=("R30",))
def kkt_without_absolute_values(ours):
    return residual(ours, lambda g, G, layers, theta: max(np.max(g), 0.0))


@entry(PAPER, "reject", "the outgoing weights are left out; right where they are the best ones", by=("R30",))
def kkt_without_outgoing_weights(ours):
    def hidden(g, G, layers, theta):
        return max(max(np.max(np.abs(g[W]), initial=0), np.max(np.abs(g[b]), initial=0)) for W, b, *_ in layers)

    return residual(ours, hidden)


@entry(PAPER, "reject", "thresholds are left out; right where all are at a wall or stationary", by=("R30",))
def kkt_without_thresholds(ours):
    def rest(g, G, layers, theta):
        g = g.copy()
        for _, b, *_ in layers:
            g[b] = 0
        return np.max(np.abs(g))

    return residual(ours, rest)


# ---- wrong: variable projection
@entry(PAPER, "reject", "the gradient of r², without the 2", by=("R31",))
def projection_gradient_without_the_two(ours):
    return projection(ours, dz=lambda r, c: np.outer(r / len(r), c[:-1]))


@entry(PAPER, "reject", "the gradient is that of the sum, the value that of the mean", by=("R31",))
def projection_gradient_of_the_sum(ours):
    return projection(ours, dz=lambda r, c: np.outer(2 * r, c[:-1]))


@entry(PAPER, "reject", "the gradient goes through u without 1/|u|; right for |u| = 1", by=("R31",))
def projection_without_the_length(ours):
    return projection(ours, dU=lambda w, norm, G: tangent(w, G))


@entry(PAPER, "reject", "the gradient keeps its radial part", by=("R31",))
def projection_with_the_radial_part(ours):
    return projection(ours, dU=lambda w, norm, G: G / norm)


@entry(
    PAPER,
    "reject",
    "the ridge is 1/n of what it should be: it is taken for the sum, not for the mean; right for n = 1",
    by=("R31",),
)
def projection_with_the_ridge_of_the_sum(ours):
    return projection(ours, solve=lambda A, y, ridge: np.linalg.solve(A.T @ A + ridge * np.eye(A.shape[1]), A.T @ y))


@entry(
    PAPER,
    "reject",
    "the value leaves out the ridge term, its gradient is that of the whole; right for small outgoing weights",
    by=("R31",),
)
def projection_value_without_the_ridge(ours):
    return projection(ours, value=lambda r, c, ridge: r @ r / len(r))


@entry(PAPER, "reject", "the output bias is not fitted; right where its best value is 0", by=("R31",))
def projection_without_the_output_bias(ours):
    def solve(A, y, ridge):
        A = A[:, :-1]
        return np.append(np.linalg.lstsq(A.T @ A + len(A) * ridge * np.eye(A.shape[1]), A.T @ y, rcond=None)[0], 0.0)

    return projection(ours, solve=solve)


@entry(PAPER, "reject", "the ridge is 1e-3, whatever is given; right for that one", by=("R31",))
def projection_with_another_ridge(ours):
    def solve(A, y, ridge):
        return np.linalg.solve(A.T @ A + len(A) * 1e-3 * np.eye(A.shape[1]), A.T @ y)

    return projection(ours, solve=solve)


@entry(PAPER, "reject", "thresholds are not trained: their gradient is 0", by=("R31",))
def projection_with_frozen_thresholds(ours):
    return projection(ours, db=lambda dz: 0 * dz.sum(axis=0))


@entry(PAPER, "reject", "gradients pass neurons that are off, as if σ' were 1 everywhere; right where all are on", by=("R31",))
def projection_through_dead_neurons(ours):
    def variable_projection(X, y, radius, N, ridge=1e-8):
        right = ours.variable_projection(X, y, radius, N, ridge)
        x, y = np.asarray(X, float), np.ravel(np.asarray(y, float))

        def objective(phi):
            value, _ = right.objective(phi)
            (w, b), _, (c, c_0) = right.network(phi)
            r = np.maximum(x @ w.T + b, 0) @ c[0] + c_0 - y
            dz = np.outer(2 / len(r) * r, c[0])
            U = np.reshape(phi[: w.size], w.shape)
            return value, np.concatenate([(tangent(w, dz.T @ x) / size(U)).ravel(), dz.sum(axis=0)])

        return right._replace(objective=objective)

    return {"variable_projection": variable_projection}


# ---- wrong: identities
def chained(ours, dW=lambda u, r, G: r * tangent(u, G), db=lambda r, G: r * G, dc=lambda r, G: G / r):
    """reduced_gradient of one hidden layer by dW, db, dc; ours for several."""

    def reduced_gradient(params, gradient):
        right = ours.reduced_gradient(params, gradient)
        if isinstance(params[0], Dense):
            if len(params) != 3:
                return right
            (W, _), (GW, Gb), GV = params[0], gradient[0], gradient[2].W
        else:
            W, GW, Gb, GV = params[0], gradient[0], gradient[1], np.asarray(gradient[2])[None]
        W = np.asarray(W)
        r = size(W)
        new = dW(W / r, r, GW), db(r[:, 0], Gb), dc(r[:, 0], GV)
        if isinstance(params[0], Dense):
            return type(right)((Dense(*new[:2]), *right[1:2], right[2]._replace(W=new[2])))
        parts = (*new[:2], new[2][0], *right[3:])
        return type(right)(*parts) if hasattr(right, "_fields") else type(right)(parts)

    return {"reduced_gradient": reduced_gradient}


@entry(PAPER, "accept", "the chain rule from standard to reduced parameters in three lines")
def chained_plainly(ours):
    return chained(ours)


@entry(PAPER, "reject", "dJ/dŵ = (1/r) dJ/dw: the factor upside down; right for unit rows", by=("R9",))
def chain_rule_upside_down(ours):
    return chained(ours, dW=lambda u, r, G: tangent(u, G) / r)


@entry(PAPER, "reject", "dJ/dŵ = r dJ/dw with its radial part; right where that is 0", by=("R9",))
def chain_rule_not_projected(ours):
    return chained(ours, dW=lambda u, r, G: r * G)


@entry(PAPER, "reject", "dJ/dw is projected with w, not with ŵ; right for unit rows", by=("R9",))
def chain_rule_projected_with_w(ours):
    return chained(ours, dW=lambda u, r, G: r * (G - dot(r * u, G) * r * u))


@entry(PAPER, "reject", "dJ/db̂ = dJ/db: thresholds are not scaled; right for unit rows", by=("R9",))
def chain_rule_thresholds_not_scaled(ours):
    return chained(ours, db=lambda r, G: G)


@entry(PAPER, "reject", "dJ/dĉ = r dJ/dc in place of 1/r; right for unit rows", by=("R9",))
def chain_rule_outgoing_upside_down(ours):
    return chained(ours, dc=lambda r, G: G * r)


@entry(PAPER, "reject", "the identity leaves out b dJ/db; right for thresholds 0", by=("R9",))
def homogeneity_without_the_threshold(ours):
    def homogeneity_identity(params, gradient):
        _, right = ours.homogeneity_identity(params, gradient)
        pairs = zip(params, gradient, strict=True) if isinstance(params[0], Dense) else []
        dense = [(p, g) for p, g in pairs if isinstance(p, Dense)][:-1] or [(Dense(*params[:2]), Dense(*gradient[:2]))]
        return np.concatenate([np.sum(np.asarray(p.W) * np.asarray(g.W), axis=1) for p, g in dense]), right

    return {"homogeneity_identity": homogeneity_identity}


def decaying(ours, value, slope):
    """weight_decay_reduced by value(c) and slope(c), c (k, m)."""

    def weight_decay_reduced(unravel, rate):
        ours.weight_decay_reduced(unravel, rate)
        out = layout(unravel)[0][2]

        def decay(theta):
            c = np.asarray(theta)[out]
            gradient = np.zeros_like(theta)
            gradient[out] = rate * slope(c)
            return float(rate * value(c)), gradient

        return decay

    return {"weight_decay_reduced": weight_decay_reduced}


@entry(PAPER, "reject", "weight decay stays Σ c²/2 in the reduced space", by=("R13",))
def decay_of_squares(ours):
    return decaying(ours, lambda c: np.sum(c * c) / 2, lambda c: c)


@entry(PAPER, "reject", "λ Σ|c|/2, a half too many", by=("R13",))
def decay_with_a_half(ours):
    return decaying(ours, lambda c: np.sum(size(c.T)) / 2, lambda c: c / safe(size(c.T).T) / 2)


@entry(PAPER, "reject", "the sum of all |c_kj| in place of the lengths of columns; right for one output", by=("R13",))
def decay_entry_by_entry(ours):
    return decaying(ours, lambda c: np.sum(np.abs(c)), np.sign)


@entry(PAPER, "reject", "the gradient of |c| is c: the value is right", by=("R13",))
def decay_gradient_of_squares(ours):
    return decaying(ours, lambda c: np.sum(size(c.T)), lambda c: c)


# ---- wrong: repulsion
def spoilt_pair(value=lambda E: 1, dw=lambda X, s: 1, db=lambda X, s: 1, radius=lambda X: X):
    """riesz with factors on its value and gradients, and another scale of thresholds."""

    def pair(w, b, v, c, X, s):
        E, *d = riesz(w, b, v, c, radius(X), s)
        return value(E) * E, *(g * k for g, k in zip(d, (dw(X, s), db(X, s)) * 2, strict=True))

    return pair


@entry(PAPER, "reject", "each pair counted twice, value and gradient, as in the other paper's sum", by=("R34",))
def repulsion_counts_twice(ours):
    return repelled(ours, spoilt_pair(lambda E: 2, lambda X, s: 2, lambda X, s: 2))


@entry(PAPER, "reject", "(b_i − b_j)²/X in place of /X²; right for X = 1", by=("R34",))
def repulsion_scaled_once(ours):
    return repelled(ours, spoilt_pair(radius=math.sqrt))


@entry(PAPER, "reject", "(b_i − b_j)² is not scaled; right for X = 1", by=("R34",))
def repulsion_not_scaled(ours):
    return repelled(ours, spoilt_pair(radius=lambda X: 1.0))


@entry(PAPER, "reject", "thresholds do not count: parallel neurons repel without bound; right for equal thresholds", by=("R34",))
def repulsion_of_weights_only(ours):
    return repelled(ours, spoilt_pair(radius=lambda X: 1e30))


@entry(PAPER, "reject", "the gradient in b lacks 1/X²; right for X = 1", by=("R33",))
def repulsion_gradient_without_the_scale(ours):
    return repelled(ours, spoilt_pair(db=lambda X, s: X * X))


@entry(PAPER, "reject", "the gradient lacks s; right for s = 1 and for the logarithm", by=("R33",))
def repulsion_gradient_without_s(ours):
    return repelled(ours, spoilt_pair(dw=lambda X, s: 1 / (s or 1), db=lambda X, s: 1 / (s or 1)))


@entry(PAPER, "reject", "the gradient of attraction", by=("R33",))
def repulsion_attracts(ours):
    return repelled(ours, spoilt_pair(dw=lambda X, s: -1, db=lambda X, s: -1))


@entry(PAPER, "reject", "only the first neuron of a pair feels it", by=("R33",))
def repulsion_felt_by_one(ours):
    def pair(*given):
        E, dw, db, dv, dc = riesz(*given)
        return E, dw, db, 0 * dv, 0 * dc

    return repelled(ours, pair)


@entry(PAPER, "reject", "the exponent acts on the squared distance", by=("R34",))
def repulsion_of_squared_distances(ours):
    return repelled(ours, lambda w, b, v, c, X, s: riesz(w, b, v, c, X, 2 * s))


@entry(PAPER, "reject", "the logarithmic kernel with a plus; right for s > 0", by=("R34",))
def repulsion_logarithm_with_a_plus(ours):
    def pair(w, b, v, c, X, s):
        found = riesz(w, b, v, c, X, s)
        return found if s else tuple(-part for part in found)

    return repelled(ours, pair)


@entry(
    PAPER, "reject", "planes: the sign of w alone decides, w_i·w_j < 0; right where thresholds are equal and opposite", by=("R33",)
)
def planes_by_the_angle(ours):
    return repelled(ours, riesz, planes=lambda w, b, v, c, X: -1 if (w @ v).real < 0 else 1)


@entry(PAPER, "reject", "planes: the farther sign, max in place of min", by=("R34",))
def planes_at_the_larger_distance(ours):
    def farther(w, b, v, c, X):
        same, other = (np.sum((w + sign * v) ** 2) + (b + sign * c) ** 2 / X**2 for sign in (-1, 1))
        return -1 if other.real > same.real else 1

    return repelled(ours, riesz, planes=farther)


@entry(PAPER, "reject", "planes: neurons are meant all the same; right where none is nearer turned round", by=("R34",))
def planes_ignored(ours):
    return repelled(ours, riesz, planes=lambda w, b, v, c, X: 1)


@entry(PAPER, "reject", "planes: w is turned round, b is not", by=("R34",))
def planes_turned_without_the_threshold(ours):
    def forward(W, b, radius, s=1.0, planes=False):
        E, cache = ours.repulsion_forward(W, b, radius, s, planes)
        if not planes:
            return E, (cache, None)
        W, b = np.asarray(W), np.asarray(b)
        pairs = list(combinations(range(len(b)), 2))
        sign = [-1 if (W[i] @ W[j]).real < 0 else 1 for i, j in pairs]
        dW, db, total = np.zeros_like(W), np.zeros_like(b), 0.0
        for (i, j), f in zip(pairs, sign, strict=True):
            value, dwi, dbi, dwj, dbj = riesz(W[i], b[i], f * W[j], b[j], radius, s)
            dW[i], db[i], dW[j], db[j], total = dW[i] + dwi, db[i] + dbi, dW[j] + f * dwj, db[j] + dbj, total + value
        return np.asarray(total).item(), (cache, (dW, db))

    def backward(dE, cache):
        return ours.repulsion_backward(dE, cache[0]) if cache[1] is None else tuple(dE * g for g in cache[1])

    return {"repulsion_forward": forward, "repulsion_backward": backward}
