"""Searches, bounds and known minima, in wrong and in unusual ways."""

import numpy as np

from wrong.corpus import entry

PAPER = "hyperspherical_energy"


def returning(ours, change):
    """Our search, with change(points) for its points."""

    def minimise(n, d, s=1.0, rng=None, restarts=20, **options):
        found = ours.minimise_energy(n, d, s, rng, restarts, **options)
        return found._replace(points=change(found.points))

    return {"minimise_energy": minimise}


def kernel_energy(f, df):
    """An energy Σ f(ρ) over ordered pairs in full space, and its gradient, f and df functions of ρ and s."""

    def loss(W, s=1.0):
        norm = np.sqrt(np.sum(W * W, axis=1, keepdims=True))
        U = W / norm
        off = ~np.eye(len(W), dtype=bool)
        rho = np.sqrt(np.sum((U[:, None] - U) ** 2, axis=2) + ~off)
        E = np.sum(f(rho, s), where=off)
        K = np.where(off, df(rho, s) / rho, 0)  # dρ_ij/du_i = (u_i − u_j)/ρ_ij
        G = 2 * (np.sum(K, axis=1, keepdims=True) * U - K @ U)
        return E, (G - np.sum(G * U, axis=1, keepdims=True) * U) / norm

    def forward(W, s=1.0):
        return loss(W, s)[0], (W, s)

    return {
        "energy_forward": forward,
        "energy_backward": lambda dE, cache: dE * loss(*cache)[1],
        "energy_and_gradient": loss,
    }


# ---- the search
@entry(PAPER, "reject", "the search stops too early", by=("H17", "H19"))
def search_stops_early(ours):
    return returning(ours, lambda U: U + 1e-5 * np.random.default_rng(0).normal(size=U.shape))


@entry(PAPER, "reject", "the search starts from the Caspar-Klug points alone, which is a trap for 42 points", by=("H18",))
def search_from_caspar_klug_alone(ours):
    def minimise(n, d, s=1.0, rng=None, restarts=20, **options):
        hk = ours.configurations.triangulation_number(n) if d == 3 and "start" not in options else None
        if hk is None:
            return ours.minimise_energy(n, d, s, rng, restarts, **options)
        return ours.minimise_energy(n, d, s, restarts=0, start=ours.configurations.caspar_klug(*hk))

    return {"minimise_energy": minimise}


@entry(PAPER, "reject", "the search minimises s = 1 whatever the exponent asked for", by=("H19", "H26"))
def search_ignores_the_exponent(ours):
    return {"minimise_energy": lambda n, d, s=1.0, rng=None, restarts=20, **o: ours.minimise_energy(n, d, 1.0, rng, restarts, **o)}


@entry(PAPER, "reject", "the points are spread evenly in latitude and longitude, not minimised", by=("H18", "H23"))
def search_returns_a_grid(ours):
    def minimise(n, d, s=1.0, rng=None, restarts=20, **options):
        z, turn = 1 - (2 * np.arange(n) + 1) / n, np.pi * (3 - np.sqrt(5)) * np.arange(n)
        U = np.stack([np.sqrt(1 - z * z) * np.cos(turn), np.sqrt(1 - z * z) * np.sin(turn), z], axis=1)
        return ours.minimise_energy(n, d, s, restarts=0, start=U)._replace(points=U)

    return {"minimise_energy": minimise}


@entry(PAPER, "reject", "the points are lines: the search runs in half space", by=("H19", "H23"))
def search_in_half_space(ours):
    def minimise(n, d, s=1.0, rng=None, restarts=20, **options):
        return ours.minimise_energy(n, d, s, rng, restarts, half_space=True, **options)

    return {"minimise_energy": minimise}


# ---- the Hessian
@entry(PAPER, "reject", "Gauss-Newton: the slope of the kernel is taken as a constant", by=("H17",))
def hessian_of_fixed_slopes(ours):
    def product(W, V, s=1.0):
        slope = ours.energy_hessian_vector(W, V, s)
        norm = np.sqrt(np.sum(W * W, axis=1, keepdims=True))
        U = W / norm
        dU = (V - np.sum(V * U, axis=1, keepdims=True) * U) / norm
        off = ~np.eye(len(W), dtype=bool)
        q, dt = np.sum((U[:, None] - U) ** 2, axis=2) + ~off, dU @ U.T + U @ dU.T
        change = np.where(off, 2 * (s * (s + 2) * q ** (-s / 2 - 2) if s > 0 else 2 / q**2) * dt, 0) @ U
        return slope - (change - np.sum(change * U, axis=1, keepdims=True) * U) / norm

    return {"energy_hessian_vector": product}


@entry(PAPER, "reject", "the product forgets that the projection turns with the neuron", by=("H16",))
def hessian_of_a_fixed_projection(ours):
    def product(W, V, s=1.0):
        norm = np.sqrt(np.sum(W * W, axis=1, keepdims=True))
        U, H = W / norm, ours.energy_hessian_vector(W, V, s)
        return H - np.sum(H * U, axis=1, keepdims=True) * U

    return {"energy_hessian_vector": product}


@entry(PAPER, "reject", "one-sided differences of the gradient with a step of 1e-4", by=("H16",))
def hessian_by_forward_differences(ours):
    def product(W, V, s=1.0):
        return (ours.energy_and_gradient(W + 1e-4 * V, s)[1] - ours.energy_and_gradient(W, s)[1]) / 1e-4

    return {"energy_hessian_vector": product}


# ---- energies that bounds and closed forms tell from the paper's
@entry(PAPER, "reject", "neurons attract each other", by=("H18", "H20"))
def attraction(ours):
    return kernel_energy(lambda r, s: -(r**-s) if s else np.log(r), lambda r, s: s * r ** (-s - 1) if s else 1 / r)


@entry(PAPER, "reject", "the logarithmic energy takes the kernel of s = 1", by=("H20", "H22"))
def no_logarithmic_kernel(ours):
    return kernel_energy(lambda r, s: r ** -(s or 1), lambda r, s: -(s or 1) * r ** (-(s or 1) - 1))


@entry(PAPER, "reject", "pairs beyond a right angle are cut off", by=("H20", "H23"))
def cut_off_beyond_a_right_angle(ours):
    def value(r, s):
        return np.where(r * r < 2, r**-s - 2 ** (-s / 2) if s else np.log(2) / 2 - np.log(r), 0)

    return kernel_energy(value, lambda r, s: np.where(r * r < 2, -s * r ** (-s - 1) if s else -1 / r, 0))


@entry(PAPER, "reject", "each pair is counted once", by=("H20", "H23"))
def each_pair_once(ours):
    return kernel_energy(lambda r, s: r**-s / 2 if s else -np.log(r) / 2, lambda r, s: -s * r ** (-s - 1) / 2 if s else -0.5 / r)


@entry(PAPER, "reject", "s + 1 for s, as the exponent of the force has it", by=("H20", "H23"))
def exponent_of_the_force(ours):
    return kernel_energy(lambda r, s: r ** (-s - 1), lambda r, s: -(s + 1) * r ** (-s - 2))


@entry(PAPER, "reject", "distances of unit rows rounded to single precision", by=("H3", "H5"))
def single_precision_inside(ours):
    def forward(W, s=1.0):
        E, cache = ours.energy_forward(np.asarray(W).astype(np.float32), s)
        return np.float64(E), cache

    def both(W, s=1.0):
        E, dW = ours.energy_and_gradient(np.asarray(W).astype(np.float32), s)
        return np.float64(E), dW.astype(np.float64)

    return {"energy_forward": forward, "energy_and_gradient": both}


@entry(PAPER, "reject", "the mean over m² in place of m(m−1)", by=("H21", "H29"))
def mean_over_all_entries(ours):
    def forward(W, s=1.0, half_space=False, angular=False, reduction="sum_ordered"):
        E, cache = ours.energy_forward(W, s, half_space, angular, reduction)
        points = 2 * len(W) if half_space else len(W)
        return E * ((points - 1) / points if reduction == "mean" else 1.0), cache

    return {"energy_forward": forward}


@entry(PAPER, "reject", "half space as the kernel counted twice: g(t) + g(t) for g(t) + g(−t)", by=("H8", "H29"))
def half_space_counts_twice(ours):
    def forward(W, s=1.0, half_space=False):
        if not half_space:
            return ours.energy_forward(W, s)
        E, cache = ours.energy_forward(W, s)
        return 4 * E + 2 * len(W) * (2.0**-s if s else -np.log(2)), cache

    return {"energy_forward": forward}


@entry(PAPER, "reject", "chords where angles were asked for", by=("H26", "H29"))
def chord_for_angle(ours):
    return {"energy_forward": lambda W, s=1.0, half_space=False, angular=False: ours.energy_forward(W, s, half_space)}


# ---- right, but unusual
@entry(PAPER, "accept", "the search returns its points turned and in another order")
def search_ends_elsewhere_on_the_orbit(ours):
    rng = np.random.default_rng(0)

    def elsewhere(U):
        Q = np.linalg.qr(rng.normal(size=(U.shape[1],) * 2))[0]
        return rng.permutation(U @ Q)

    return returning(ours, elsewhere)


@entry(PAPER, "accept", "the Hessian's product by the complex step of the gradient")
def hessian_by_complex_step(ours):
    def product(W, V, s=1.0, half_space=False, angular=False):
        cache = ours.energy_forward(W + 1e-30j * V, s, half_space, angular)[1]
        return ours.energy_backward(1.0, cache).imag / 1e-30

    return {"energy_hessian_vector": product}
