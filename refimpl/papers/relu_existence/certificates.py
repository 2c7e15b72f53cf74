"""Proof that a trained network is globally optimal, over all widths: the dual of weight decay.

    minimise   P(w̃, v) = ½ |Σ_j v_j (X̃ w̃_j)⁺ − y|² + (β/2) Σ_j (|w̃_j|² + v_j²),     X̃ = [X, 1], w̃_j = (w_j, b_j)

The bias is penalised too, and there is none at the output. Since |w̃|² + v² >= 2 |w̃| |v|, the penalty is β Σ |v_j| |w̃_j| at best, a
norm of group-lasso type, and the problem over all widths is convex. With ν = y − prediction, a network is a global minimum if and
only if

    (i)    M(ν) = max_{|u| = 1} |νᵀ (X̃ u)⁺| <= β
    (ii)   sign(v_j) νᵀ (X̃ û_j)⁺ = β,   û_j = w̃_j/|w̃_j|,   at each neuron that is not 0
    (iii)  |v_j| = |w̃_j|

Any ν with M(ν) <= β gives the bound D(ν) = y·ν − ½|ν|² <= P. What a network lacks is the sum of what (ii) and (iii) lack:

    P − D(ν) = Σ_j |v_j| |w̃_j| (β − sign(v_j) νᵀ (X̃ û_j)⁺) + (β/2) Σ_j (|w̃_j| − |v_j|)²

This is the line of work of M. Pilanci and T. Ergen on convex duals of ReLU networks; formulas were derived for refimpl. For one
input M(ν) is found exactly: u turns round a circle, and the set of active samples changes at 2n angles only.

    symbol    here    shape     meaning
    X, y      x, y    (n,)      data, one input
    w_j       W[j]    (1,)      N neurons, thresholds b (N,), outgoing weights v (N,)
    ν         nu      (n,)      residuals y − prediction; a dual variable
    u                 (2,)      direction of (w, b)

Reading order: the objective, M(ν), the certificate, the search.
"""

from __future__ import annotations

from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from refimpl.doors import finite, floats, whole
from refimpl.nn.network import checked_rng
from refimpl.nn.shallow import Shallow, shallow
from refimpl.optim.first_order import between
from refimpl.papers.relu_existence.network import balanced
from refimpl.params import Objective, ravel

CERTIFIED = 1e-6  # how far ratio, and objective over lower bound, may exceed 1: descent stops at gradients of some 1e-8


# ---- the objective
def weight_decay_objective(X: ArrayLike, y: ArrayLike, beta: float) -> Objective:
    """P as an objective over theta = ravel((W (N, m), b (N,), v (N,)))[0], with the exact gradient; N is read off theta.

    Parameters
    ----------
    X : array_like, shape (n, m), or (n,) for m = 1
    y : array_like, shape (n,)
    beta : float > 0

    Raises
    ------
    TypeError, ValueError
        If data are not finite, or shapes do not fit; from the objective, if theta has no m + 2 entries a neuron.
    """
    data = np.asarray(X)
    inputs = finite("X", floats("X", data[:, None] if data.ndim == 1 else data, (None, None))).astype(float, copy=False)
    targets, beta, m = vector("y", y, len(inputs)), between("beta", beta, 0, np.inf), inputs.shape[1]

    def objective(theta):
        if np.ndim(theta) != 1 or len(theta) % (m + 2):
            raise ValueError(f"theta: expected (N,) with {m + 2} entries for each neuron, got shape {np.shape(theta)}")
        N = len(theta) // (m + 2)
        W, b, v = theta[: N * m].reshape(N, m), theta[N * m : N * (m + 1)], theta[N * (m + 1) :]
        H = np.maximum(inputs @ W.T + b, 0)  # (n, N)
        r = H @ v - targets
        dH = np.outer(r, v) * (H > 0)
        gradient = np.concatenate([(dH.T @ inputs).ravel(), dH.sum(axis=0), H.T @ r])
        return float(r @ r + beta * theta @ theta) / 2, gradient + beta * theta

    return objective


# ---- the dual
def dual_maximum(nu: ArrayLike, x: ArrayLike) -> tuple[float, np.ndarray]:
    """M(ν) = max_{|u| = 1} |Σ_i ν_i (u_1 x_i + u_2)⁺|, and the direction u (2,) where it is, exactly.

    Between two neighbours of the 2n angles at which a sample becomes active the sum is s·u, s = Σ_active ν_i (x_i, 1). So it is
    largest at an end, or at s/|s| or −s/|s|: |s·u| has both signs to offer. All of these are tried. A candidate that lies in
    another sector does no harm, for it is a unit vector too. O(n²).

    Parameters
    ----------
    nu, x : array_like, shape (n,), n >= 1; x may be (n, 1)

    Raises
    ------
    TypeError, ValueError
        If entries are not finite or shapes do not fit; if there is more than one input.
    """
    X = lifted(x)
    residual = vector("nu", nu, len(X))
    size = np.max(np.abs(residual)) or 1.0
    residual = residual / size
    turn = np.unique(np.concatenate([np.arctan(-X[:, 0]), np.arctan(-X[:, 0]) + np.pi]))  # where x_i cos p + sin p = 0
    middle = (turn + np.append(turn[1:], turn[0] + 2 * np.pi)) / 2
    s = np.concatenate([(block @ X.T > 0) @ (residual[:, None] * X) for block in blocks(circle(middle))])
    length = np.hypot(s[:, 0], s[:, 1])
    s = s[length > 0] / length[length > 0, None]
    u = np.concatenate([circle(turn), s, -s])
    values = np.concatenate([np.abs(np.maximum(block @ X.T, 0) @ residual) for block in blocks(u)])
    best = int(np.argmax(values))
    return float(size * values[best]), u[best]


def circle(angle):
    """(k,) -> (k, 2) unit vectors."""
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def blocks(u):
    """The rows, some at a time: the products with all samples fit into memory."""
    return np.array_split(u, len(u) // 1024 + 1)


# ---- the certificate
class Certificate(NamedTuple):
    """How near a network is to the global minimum over all widths.

    objective : P
    ratio : M(ν)/β, <= 1 at an optimum (i)
    certified : ratio <= 1 + 1e-6 and objective <= lower_bound + 1e-6 objective
    lower_bound : no network of any width has less: D at the best multiple of ν with M <= β
    equality : what each neuron lacks of the bound (ii), Σ_j |v_j| |w̃_j| |β − sign(v_j) νᵀ (X̃ û_j)⁺| / P
    balance : what |v_j| = |w̃_j| lacks (iii), (β/2) Σ_j (|w̃_j| − |v_j|)² / P
    """

    objective: float
    ratio: float
    certified: bool
    lower_bound: float
    equality: float
    balance: float


def certificate(W: ArrayLike, b: ArrayLike, v: ArrayLike, x: ArrayLike, y: ArrayLike, beta: float) -> Certificate:
    """Check the dual bound M(ν) <= β (i), equality at each neuron (ii), and balance (iii) of a network with one input.

    Parameters
    ----------
    W : array_like, shape (N, 1) or (N,);  b, v : array_like, shape (N,)
        N may be 0.
    x, y : array_like, shape (n,), n >= 1
        Samples may repeat.
    beta : float > 0

    Raises
    ------
    TypeError, ValueError
        If entries are not finite, shapes do not fit, or there is more than one input: the sweep is over a circle.
    """
    X = lifted(x)
    y, beta = vector("y", y, len(X)), between("beta", beta, 0, np.inf)
    W = np.asarray(W)
    net = shallow((W[:, None] if W.ndim == 1 else W, b, v, 0.0), "network")[0]
    if net.W.shape[1] != 1:
        raise ValueError(
            f"W: expected shape (N, 1), got {net.W.shape}: the exact sweep is over directions of one weight and one bias"
        )
    lifts = np.column_stack([net.W, net.b])
    H = np.maximum(lifts @ X.T, 0)  # (N, n)
    size, mass = np.sqrt(np.sum(lifts * lifts, axis=1)), np.abs(net.v)
    nu = y - net.v @ H
    P = float(nu @ nu / 2 + beta / 2 * np.sum(size**2 + mass**2))
    ratio = dual_maximum(nu, x)[0] / beta
    fit, energy = float(y @ nu), float(nu @ nu)
    t = 0.0 if fit <= 0 else min(fit / energy, 1 / ratio if ratio > 0 else np.inf)  # the best of D(tν), t M(ν) <= β
    bound = fit * t - energy * t * t / 2
    equality = float(np.sum(np.abs(beta * size * mass - net.v * (H @ nu)))) / (P or 1)
    balance = float(beta / 2 * np.sum((size - mass) ** 2)) / (P or 1)
    return Certificate(
        P, ratio, bool(np.isfinite(P) and ratio <= 1 + CERTIFIED and P - bound <= CERTIFIED * P), bound, equality, balance
    )


# ---- the search
def best_weight_decay(
    x: ArrayLike, y: ArrayLike, width: int, beta: float, rng: np.random.Generator, restarts: int = 100
) -> tuple[Shallow, float]:
    """The least P found for `width` neurons on one input, with the parameters (c = 0) first: L-BFGS from many starts.

    Starts break at random among the data. Whether the result is a global minimum over all widths, :func:`certificate` tells.

    Parameters
    ----------
    x, y : array_like, shape (n,), n >= 1
    width, restarts : int >= 1
    beta : float > 0
    rng : numpy.random.Generator

    Raises
    ------
    TypeError, ValueError
        If arguments are not as above.
    """
    X = lifted(x)
    targets, beta = vector("y", y, len(X)), between("beta", beta, 0, np.inf)
    width, restarts = whole("width", width, 1), whole("restarts", restarts, 1)
    checked_rng(rng)
    objective = weight_decay_objective(X[:, :1], targets, beta)
    middle, spread, scale = np.mean(X[:, 0]), X[:, 0].std() or 1.0, np.sqrt(targets.std() or 1.0)
    ends = [(objective(np.zeros(3 * width))[0], np.zeros(3 * width))]  # no neurons at all is a start too
    for _ in range(restarts):
        where, way = middle + 1.5 * spread * rng.normal(size=width), rng.normal(size=width) * scale / np.hypot(1, middle)
        ends.append(descend(objective, ravel((way[:, None], -way * where, scale * rng.normal(size=width)))[0]))
    ends = sorted(ends, key=itemgetter(0))[:3]
    W, b, v = min((held_on_samples(objective, P, theta, X[:, 0]) for P, theta in ends), key=itemgetter(0))[1].reshape(3, width)
    best = balanced(Shallow(W[:, None], b, v, np.zeros(())))
    return best, float(objective(ravel(best[:3])[0])[0])


def descend(objective, theta):
    """Value and place where L-BFGS ends."""
    from scipy.optimize import minimize

    options = {"maxiter": 5000, "maxfun": 10000, "ftol": 0.0, "gtol": 1e-12}
    end: Any = minimize(objective, theta, jac=True, method="L-BFGS-B", options=options)
    return end.fun, end.x


def held_on_samples(objective, value, theta, x):
    """Value and place after holding the break of one neuron after the other on the nearest sample, where this ends lower.

    The least P often has a kink there, b_j = −x_i w_j, and descent jams along it; on that subspace P is smooth.
    """
    N = len(theta) // 3
    held = np.eye(3 * N)  # theta = held z
    for j in np.flatnonzero(theta[:N]):
        sample = x[np.argmin(np.abs(x + theta[N + j] / theta[j]))]
        trial = held.copy()
        trial[:, N + j] = 0
        trial[N + j, j] = -sample

        def within(z, trial=trial):
            P, gradient = objective(trial @ z)
            return P, gradient @ trial

        P, z = descend(within, theta)
        if value > P:
            value, theta, held = P, trial @ z, trial
    return value, theta


# ---- doors
def lifted(x):
    """X̃ = [x, 1] (n, 2) of x (n,) or (n, 1); ValueError for more inputs or no samples."""
    x = np.asarray(x)
    if x.ndim == 2 and x.shape[1] > 1:
        raise ValueError(
            f"x: expected shape (n,) or (n, 1), got {x.shape}: the exact sweep is over directions of one weight and one bias"
        )
    x = finite("x", floats("x", x[:, 0] if x.ndim == 2 else x, (None,))).astype(float, copy=False)
    if not len(x):
        raise ValueError("x: expected at least one sample, got shape (0,)")
    return np.column_stack([x, np.ones(len(x))])


def vector(name, a, n):
    """a as n finite float64 numbers."""
    return finite(name, floats(name, a, (n,))).astype(float, copy=False)
