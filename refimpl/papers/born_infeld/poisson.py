"""A nonlinear Poisson problem on the unit disk, solved by a network: −Δu + u² = f, with u given on the boundary.

The loss holds the Laplacian of the network in its inputs, and its gradient in the weights is a derivative of third order. Both are
written by hand here (derived; the problem and the network are those of the paper's experiment, read in the code released with it).

With each activation a go its derivatives in the inputs, J_k = ∂a/∂x_k, and its Laplacian S = Δa:

    z = W a + b,  Z_k = W J_k,  D = W S        σ(z),  σ'(z) Z_k,  σ'(z) D + σ''(z) Σ_k Z_k²        start: a = x, J_k = e_k, S = 0

    symbol    here            shape        meaning
    x         x               (n, d)       points, d their dimension
    a, S      a, S            (n, m)       activations and their Laplacians
    J_k       J[k]            (d, n, m)    their derivatives in x_k
    u, Δu     u, lap          (n,)         output and its Laplacian
    θ         theta           (p,)         all weights and biases
    ρ         rho             (n,)         residual −Δu + u² − f

The network is a sequence of Dense: the first layer σ(z); then layers a + σ(z), residual, of one width; the last linear, one output.

Reading order: poisson_solution and its source, the Laplacian of a network forward and backward, the objective, points, a network.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from refimpl.doors import finite, floats, whole
from refimpl.nn import Dense, xavier_normal
from refimpl.nn.activations import decay, sigmoid
from refimpl.optim.first_order import between
from refimpl.params import Objective, Unravel, ravel


# ---- the problem
def poisson_solution(x: ArrayLike, amplitude: float) -> np.ndarray:
    """u = sin²(A r²), r = |x|.  x (n, d), amplitude A > 0 -> u (n,).  The paper's problem has A = 20, d = 2."""
    x, A = finite("x", floats("x", x, ("n", "d"))), between("amplitude", amplitude, 0, np.inf)
    return np.sin(A * np.sum(x * x, axis=1)) ** 2


def poisson_source(x: ArrayLike, amplitude: float) -> np.ndarray:
    """f = −Δu + u² of that u:  Δu = 2Ad sin(2Ar²) + 8A²r² cos(2Ar²).  x (n, d), amplitude A > 0 -> f (n,)."""
    x, A = finite("x", floats("x", x, ("n", "d"))), between("amplitude", amplitude, 0, np.inf)
    q = A * np.sum(x * x, axis=1)
    return -2 * A * x.shape[1] * np.sin(2 * q) - 8 * A * q * np.cos(2 * q) + np.sin(q) ** 4


# ---- the Laplacian of a network
def sigmoid_derivatives(z):
    """σ = 1/(1 + e^{−z}) and its first three derivatives."""
    e = decay(z)
    s, s1 = sigmoid(z, e), e / (1 + e) ** 2
    return s, s1, s1 * (1 - 2 * s), s1 * (1 - 6 * s1)


def tanh_derivatives(z):
    """σ = tanh z and its first three derivatives."""
    e = decay(z)
    s, s1 = np.tanh(z), (2 * e / (1 + e * e)) ** 2
    return s, s1, -2 * s * s1, s1 * (4 - 6 * s1)


DERIVATIVES = {"sigmoid": sigmoid_derivatives, "tanh": tanh_derivatives}


def laplacian_forward(params: Sequence[Dense], x: np.ndarray, activation: str = "sigmoid") -> tuple[tuple, tuple]:
    """Output of the network and its Laplacian in the inputs.

    Parameters
    ----------
    params : sequence of Dense, at least two: W (m, d), (m, m), ..., (1, m), each with its b
    x : ndarray, shape (n, d)
        Points, data: no gradient in x.
    activation : "sigmoid" or "tanh"

    Returns
    -------
    y : tuple of u (n,), lap (n,)
    cache : tuple of the last layer's W, a, S, and a tuple of W, a, J, S, Z, D, derivatives of σ for each layer before

    Raises
    ------
    ValueError
        If shapes do not fit, or the activation is unknown.
    """
    sigma = checked_network(params, x, activation)
    n, d = x.shape
    a, J, S = x, np.broadcast_to(np.eye(d, dtype=x.dtype)[:, None], (d, n, d)), np.zeros_like(x)
    layers = []
    for k, (W, b) in enumerate(params[:-1]):
        z, Z, D = a @ W.T + b, J @ W.T, S @ W.T
        s, s1, s2, s3 = sigma(z)
        layers.append((W, a, J, S, Z, D, s1, s2, s3))
        out = s, s1 * Z, s1 * D + s2 * np.sum(Z * Z, axis=0)
        a, J, S = out if k == 0 else (a + out[0], J + out[1], S + out[2])
    W, b = params[-1]
    return ((a @ W.T + b)[:, 0], (S @ W.T)[:, 0]), (W, a, S, tuple(layers))


def laplacian_backward(dy, cache):
    """Gradients in the weights:  dy = (du, dlap), each (n,) -> tuple of Dense, one a layer.

    With A, B_k, C the gradients in a layer's three results, those in z, Z_k and D are

        σ'A + σ'' Σ_k Z_k B_k + (σ''D + σ''' Σ_k Z_k²) C,    σ'B_k + 2σ'' Z_k C,    σ'C
    """
    du, dlap = dy
    W, a, S, layers = cache
    dparams = [Dense(W=(du @ a + dlap @ S)[None], b=np.sum(du)[None])]
    A, C = du[:, None] * W, dlap[:, None] * W  # (n, m)
    B = np.zeros((1, 1, 1), A.dtype)  # (d, n, m), once it has grown: the output does not see the last J
    for k, (W, a, J, S, Z, D, s1, s2, s3) in reversed(list(enumerate(layers))):
        dz = s1 * A + s2 * np.sum(Z * B, axis=0) + (s2 * D + s3 * np.sum(Z * Z, axis=0)) * C
        dZ, dD = s1 * B + 2 * s2 * Z * C, s1 * C
        dparams.append(Dense(W=dz.T @ a + np.tensordot(dZ, J, axes=([0, 1], [0, 1])) + dD.T @ S, b=np.sum(dz, axis=0)))
        if k > 0:  # the way through the layer, and the way round it
            A, B, C = A + dz @ W, B + dZ @ W, C + dD @ W
    return tuple(reversed(dparams))


# ---- the objective
def poisson_objective(
    params: Sequence[Dense],
    interior: ArrayLike,
    boundary: ArrayLike,
    amplitude: float,
    boundary_weight: float,
    l2: float,
    activation: str = "sigmoid",
) -> tuple[Objective, Unravel]:
    """The loss of the problem at fixed points, as a function of all parameters.

        L(θ) = mean ρ² + w mean_boundary (u − g)² + λ |θ|²,    ρ = −Δu + u² − f,  g = sin²(A r²)

    The mean of ρ² is over all points, those of the boundary included, as in the released code.

    Parameters
    ----------
    params : sequence of Dense
        Gives shapes and dtype; see laplacian_forward.
    interior : array_like, shape (n, d), n >= 1
    boundary : array_like, shape (k, d), k >= 1
    amplitude : float > 0
        A; 20 in the paper.
    boundary_weight : float >= 0
        w; 1e5 in the paper.
    l2 : float >= 0
        λ; 2e-4 in the paper. Not halved: its gradient is 2λθ.
    activation : "sigmoid", as in the paper, or "tanh"

    Returns
    -------
    objective : theta (p,) -> (value, gradient (p,)); complex theta passes, for the complex step
    unravel : theta -> params

    Raises
    ------
    TypeError, ValueError
        If an argument is not as above.
    """
    params = tuple(Dense(floats(f"params[{k}].W", W), floats(f"params[{k}].b", b)) for k, (W, b) in enumerate(params))
    interior = finite("interior", floats("interior", interior, ("n", "d")))
    boundary = finite("boundary", floats("boundary", boundary, ("k", interior.shape[1])))
    if len(interior) == 0 or len(boundary) == 0:
        raise ValueError(f"interior, boundary: expected at least one point each, got {len(interior)} and {len(boundary)}")
    weight = between("boundary_weight", boundary_weight, 0, np.inf, closed=True)
    l2 = between("l2", l2, 0, np.inf, closed=True)
    points = np.concatenate([interior, boundary])
    checked_network(params, points, activation)
    theta, unravel = ravel(params)
    x, f, g = (a.astype(theta.dtype) for a in (points, poisson_source(points, amplitude), poisson_solution(boundary, amplitude)))
    N, k = len(points), len(boundary)

    def objective(theta):
        theta = floats("theta", theta, (unravel.size,), smooth=True)
        (u, lap), cache = laplacian_forward(unravel(theta), x, activation)
        rho, gap = -lap + u * u - f, u[-k:] - g
        value = rho @ rho / N + weight * (gap @ gap) / k + l2 * (theta @ theta)
        du, dlap = 4 / N * rho * u, -2 / N * rho
        du[-k:] += 2 * weight / k * gap
        return value.item(), unravel.flat(laplacian_backward((du, dlap), cache)) + 2 * l2 * theta

    return objective, unravel


def disk_points(n_interior: int, n_boundary: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Independent uniform points in the unit disk, (n_interior, 2), and on its circle, (n_boundary, 2). Both numbers >= 1.

    The radius is √U, U uniform: U itself would crowd the centre.
    """
    n, k = whole("n_interior", n_interior, 1), whole("n_boundary", n_boundary, 1)
    phi = rng.uniform(0, 2 * np.pi, size=n + k)
    circle = np.stack([np.cos(phi), np.sin(phi)], axis=1)
    return np.sqrt(rng.uniform(size=(n, 1))) * circle[:n], circle[n:]


def poisson_network(rng: np.random.Generator, widths: Sequence[int] = (2, 200, 200, 200, 200, 1)) -> tuple[Dense, ...]:
    """Parameters to start from: Xavier-normal weights, biases uniform in ±1/√(inputs); by default of the paper's widths."""
    widths = [whole(f"widths[{k}]", width, 1) for k, width in enumerate(widths)]
    shapes = list(zip(widths[1:], widths, strict=False))
    return tuple(Dense(xavier_normal(m, d, rng), rng.uniform(-1, 1, size=m) / np.sqrt(d)) for m, d in shapes)


# ---- the doors
def checked_network(params: Any, x: Any, activation: str):
    """σ and its derivatives, if params are a network of points x as described above; ValueError otherwise."""
    if activation not in DERIVATIVES:
        raise ValueError(f"activation: expected one of {', '.join(DERIVATIVES)}, got {activation!r}")
    if len(params) < 2:
        raise ValueError(f"params: expected at least two layers, got {len(params)}")
    d, last = x.shape[1], len(params) - 1
    for k, (W, b) in enumerate(params):
        m = 1 if k == last else len(W) if k == 0 else d  # a residual layer keeps its width
        if W.shape != (m, d) or b.shape != (m,):
            raise ValueError(f"params[{k}]: expected W of shape ({m}, {d}) and b of shape ({m},), got {W.shape} and {b.shape}")
        d = m
    return DERIVATIVES[activation]
