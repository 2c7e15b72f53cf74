"""Energy, gradient, Hessian-vector product and power mean, in wrong and in unusual ways."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from wrong.corpus import entry

PAPER = "hyperspherical_energy"


# ---- a plain implementation: every point in turn against all others, in long double, made of terms that can be spoiled
def unit(W):
    norm = np.sqrt(np.sum(W * W, axis=1, keepdims=True))
    return W / norm, norm


def angle(q, q_plus):
    return 2 * np.arctan(np.sqrt(q) / np.sqrt(q_plus))


def kernel(q, q_plus, s, angular):
    z = angle(q, q_plus) if angular else np.sqrt(q)
    return -np.log(z) if s == 0 else z**-s


def slope(q, q_plus, s, angular):
    """In the cosine; 0 at the antipode of an angle."""
    if not angular:
        return (s or 1) * q ** (-s / 2 - 1)
    K = (s or 1) * angle(q, q_plus) ** (-s - 1) / (np.sqrt(q) * np.sqrt(q_plus) / 2)
    return np.where(q_plus.real < 1e-31, 0, K)


def curvature(q, q_plus, s, angular):
    """Derivative of the slope in the cosine."""
    sine, cosine = np.sqrt(q) * np.sqrt(q_plus) / 2, (q_plus - q) / 4
    bent = (cosine / sine + (s + 1) / angle(q, q_plus)) / sine if angular else (s + 2) / q
    return np.where(angular & (q_plus.real < 1e-31), 0, slope(q, q_plus, s, angular) * bent)


def weight(reduction, n, pairs):
    return {"sum_ordered": 1, "sum_unordered": 1 / 2, "mean": 1 / max(pairs, 1)}[reduction]


TERMS: dict[str, Any] = {
    "unit": unit,
    "kernel": kernel,
    "slope": slope,
    "weight": weight,
    "points": lambda U, half_space: np.concatenate([U, -U]) if half_space else U,
    "others": lambda k, m, n, include: (np.arange(n) != k) & ((np.arange(n) != (k + m) % n) | include),
    "felt": lambda k, others: others,  # points that exert a force on point k
    "chain": lambda F, m: F[:m] - F[m:] if len(F) > m else F,
    "project": lambda U, F: F - U * np.sum(U * F, axis=1, keepdims=True),
    "shorten": lambda F, norm: F / norm,
}


def plain(ours, **spoiled):
    """The energy's three functions with the terms given in place of the right ones. Ours check the input and give the types."""
    t = SimpleNamespace(**{**TERMS, **spoiled})

    def forward(W, s=1.0, half_space=False, angular=False, reduction="sum_ordered", include_self_antipodes=True, min_q=0.0):
        E, checked = ours.energy_forward(W, s, half_space, angular, reduction, include_self_antipodes, min_q)
        if not np.isfinite(E):
            return E, (checked,)
        W = np.asarray(W)
        U, norm = t.unit(W.astype(np.result_type(W, np.longdouble)))
        P = t.points(U, half_space)
        F, total, pairs = np.zeros_like(P), 0, 0
        for k in range(len(P)):
            j = t.others(k, len(U), len(P), include_self_antipodes)
            q, q_plus = (np.sum((P[k] + sign * P) ** 2, axis=1) for sign in (-1, 1))
            low = (q.real < min_q) & j
            q, q_plus = np.where(low, min_q, q), np.where(low, 4 - min_q, q_plus)
            with np.errstate(all="ignore"):
                total, pairs = total + np.sum(t.kernel(q, q_plus, s, angular)[j]), pairs + np.sum(j)
                K = np.where(low | ~t.felt(k, j), 0, t.slope(q, q_plus, s, angular))
            F[k] = np.sum(K[:, None] * (P - P[k]), axis=0)
        w = t.weight(reduction, len(P), pairs)
        return np.asarray(w * total).astype(E.dtype)[()], (checked, U, norm, w, t.chain(F, len(U)))

    def backward(dE, cache):
        like = ours.energy_backward(dE, cache[0])
        _, U, norm, w, F = cache
        return (2 * w * dE * t.shorten(t.project(U, F), norm)).astype(like.dtype)

    return trio(ours, forward, backward)


def trio(ours, forward, backward):
    """The pair, and energy_and_gradient by it."""

    def both(W, *args, block=None, as_released=False, **options):
        if as_released or len(args) > 6:
            return ours.energy_and_gradient(W, *args, block=block, as_released=as_released, **options)
        ours.energy_and_gradient(W, *args, block=block, **options)
        E, cache = forward(W, *args, **options)
        return E, backward(1.0, cache)

    return {"energy_forward": forward, "energy_backward": backward, "energy_and_gradient": both}


@entry(PAPER, "accept", "every point, antipodes included, in turn against all others, in long double")
def points_listed_in_long_double(ours):
    return plain(ours)


# ---- wrong: one term
@entry(PAPER, "reject", "the logarithmic kernel is -log of the squared distance, value and gradient", by=("H14", "H15"))
def log_of_squared_distance(ours):
    return plain(
        ours,
        kernel=lambda q, p, s, a: kernel(q, p, s, a) * (2 if s == 0 else 1),
        slope=lambda q, p, s, a: slope(q, p, s, a) * (2 if s == 0 else 1),
    )


@entry(PAPER, "reject", "each pair once, whichever sum is asked for", by=("H14", "H15"))
def ordered_sum_counts_pairs_once(ours):
    return plain(ours, weight=lambda reduction, n, pairs: 0.5 if reduction == "sum_ordered" else weight(reduction, n, pairs))


@entry(PAPER, "reject", "the exponent acts on the squared distance, value and gradient", by=("H22", "H26"))
def squared_distance_to_the_s(ours):
    def doubled(f):
        return lambda q, p, s, a: f(q, p, s, a) if s == 0 else f(q, p, 2 * s, a)

    return plain(ours, kernel=doubled(kernel), slope=doubled(slope))


@entry(PAPER, "reject", "gradient without 1/‖w‖", by=("H4", "H7"))
def length_missing_in_gradient(ours):
    return plain(ours, shorten=lambda F, norm: F)


@entry(PAPER, "reject", "gradient with 1/‖w‖²", by=("H4", "H7"))
def length_squared_in_gradient(ours):
    return plain(ours, shorten=lambda F, norm: F / norm**2)


@entry(PAPER, "reject", "the gradient keeps its radial part", by=("H3", "H31"))
def gradient_not_projected(ours):
    return plain(ours, project=lambda U, F: F)


@entry(PAPER, "reject", "an epsilon of 1e-6 is added inside the norm, which short rows feel", by=("H3", "H22"))
def epsilon_inside_the_norm(ours):
    def padded(W):
        norm = np.sqrt(np.sum(W * W, axis=1, keepdims=True) + 1e-6)
        return W / norm, norm

    return plain(ours, unit=padded)


@entry(PAPER, "reject", "the half space concatenates [w, -w] along the features, not along the neurons", by=("H8", "H12"))
def antipodes_concatenated_as_features(ours):
    def points(U, half_space):
        return np.concatenate([U, -U], axis=1) / np.sqrt(2) if half_space else U

    def chain(F, m):
        return F

    def project(U, F):
        d = U.shape[1]
        return TERMS["project"](U, F if F.shape[1] == d else (F[:, :d] - F[:, d:]) / np.sqrt(2))

    return plain(ours, points=points, chain=chain, project=project)


@entry(PAPER, "reject", "the gradient of the virtual antipodes is not passed on to their neurons", by=("H2", "H28"))
def antipodes_held_fixed(ours):
    return plain(ours, chain=lambda F, m: F[:m])


@entry(PAPER, "reject", "the gradient of a virtual antipode is added to its neuron's, not subtracted", by=("H5", "H6"))
def antipodes_chained_with_plus(ours):
    return plain(ours, chain=lambda F, m: F[:m] + F[m:] if len(F) > m else F)


@entry(PAPER, "reject", "the pairs of a neuron and its own antipode are always left out", by=("H11", "H12"))
def own_antipodes_left_out(ours):
    return plain(ours, others=lambda k, m, n, include: np.arange(n) % m != k % m)


@entry(PAPER, "reject", "the angle is the arccosine of a cosine clipped at 1 - 1e-4", by=("H31",))
def arccosine_clipped(ours):
    def clipped(q, q_plus, s, angular):
        low = angular & (q.real < 2e-4)
        return kernel(np.where(low, 2e-4, q), np.where(low, 4 - 2e-4, q_plus), s, angular)

    return plain(ours, kernel=clipped)


@entry(PAPER, "reject", "the distance is √(2 + 2t) in place of √(2 - 2t): that to the antipode", by=("H13", "H26"))
def distance_to_the_antipode(ours):
    def swapped(f, sign):
        return lambda q, p, s, a: f(q, p, s, a) if (p == 0).any() else sign * f(p, q, s, a)  # but not for own antipodes

    return plain(ours, kernel=swapped(kernel, 1), slope=swapped(slope, -1))


@entry(PAPER, "reject", "the slope of the angular kernel lacks 1/sin θ", by=("H25", "H28"))
def sine_missing(ours):
    return plain(ours, slope=lambda q, p, s, a: slope(q, p, s, a) * (np.sqrt(q * p) / 2 if a else 1))


@entry(PAPER, "reject", "angles in degrees, value and gradient", by=("H1", "H11"))
def angles_in_degrees(ours):
    def value(q, p, s, a):
        g = kernel(q, p, s, a)
        return g if not a else g - np.log(np.degrees(1)) if s == 0 else g * np.degrees(1) ** -s

    return plain(ours, kernel=value, slope=lambda q, p, s, a: slope(q, p, s, a) * (np.degrees(1) ** -s if a else 1))


@entry(PAPER, "reject", "the angular energy has the gradient of the chordal one", by=("H9", "H25"))
def slope_of_the_chord_for_angles(ours):
    return plain(ours, slope=lambda q, p, s, a: slope(q, p, s, False))


@entry(PAPER, "reject", "the mean divides by n², the zero diagonal included", by=("H1", "H2"))
def mean_over_the_diagonal_too(ours):
    return plain(ours, weight=lambda reduction, n, pairs: 1 / n**2 if reduction == "mean" else weight(reduction, n, pairs))


@entry(PAPER, "reject", "the exponent is cut to an integer", by=("H10", "H13"))
def exponent_cut_to_an_integer(ours):
    return plain(ours, kernel=lambda q, p, s, a: kernel(q, p, int(s), a), slope=lambda q, p, s, a: slope(q, p, int(s), a))


@entry(PAPER, "reject", "only the later points of the list push: gradient of the upper triangle", by=("H6", "H8"))
def gradient_of_the_upper_triangle(ours):
    return plain(ours, felt=lambda k, others: others & (np.arange(len(others)) > k))


@entry(
    PAPER,
    "reject",
    "the slope of the chordal kernel has z^-(s+1), its derivative in z, where that in the cosine has z^-(s+2)",
    by=("H9", "H10"),
)
def slope_one_power_short(ours):
    return plain(ours, slope=lambda q, p, s, a: slope(q, p, s, a) * (1 if a else np.sqrt(q)))


# ---- wrong: around the energy
@entry(PAPER, "reject", "the backward pass ignores the incoming gradient", by=("H2",))
def incoming_gradient_ignored(ours):
    return {"energy_backward": lambda dE, cache: ours.energy_backward(1.0, cache)}


@entry(PAPER, "reject", "everything is computed in float32 and cast back", by=("H3", "H5"))
def float32_inside(ours):
    def forward(W, *args, **options):
        E = ours.energy_forward(W, *args, **options)[0]
        narrow = np.complex64 if np.iscomplexobj(W) else np.float32
        E32, cache = ours.energy_forward(np.asarray(W).astype(narrow), *args, **options)
        return type(E)(E32), (np.asarray(E).dtype, cache)

    return trio(ours, forward, lambda dE, cache: ours.energy_backward(dE, cache[1]).astype(cache[0]))


@entry(PAPER, "reject", "the gradient is a forward difference with step 1e-6", by=("H5", "H8"))
def gradient_by_forward_differences(ours):
    def forward(W, *args, **options):
        E, cache = ours.energy_forward(W, *args, **options)
        return E, (np.asarray(W), E, cache, args, options)

    def backward(dE, cache):
        W, E, checked, args, options = cache
        dW = ours.energy_backward(dE, checked)
        for at in np.ndindex(*W.shape):
            moved = W.astype(dW.dtype)
            moved[at] += 1e-6
            dW[at] = dE * (ours.energy_forward(moved, *args, **options)[0] - E) / 1e-6
        return dW

    return trio(ours, forward, backward)


@entry(PAPER, "reject", "the cache is kept by shape: the gradient is that of the first weights of this shape", by=("H5", "H8"))
def cache_kept_by_shape(ours):
    kept: dict = {}

    def forward(W, *args, **options):
        E, cache = ours.energy_forward(W, *args, **options)
        return E, kept.setdefault((np.shape(W), args, tuple(options.items())), cache)

    return trio(ours, forward, ours.energy_backward)


@entry(PAPER, "reject", "the rows given are normalised in place", by=("H8", "H29"))
def rows_normalised_in_place(ours):
    def forward(W, *args, **options):
        E, cache = ours.energy_forward(W, *args, **options)
        if isinstance(W, np.ndarray) and W.dtype.kind in "fc":
            W /= np.sqrt(np.sum(W * W, axis=1, keepdims=True))
        return E, cache

    return trio(ours, forward, ours.energy_backward)


def in_blocks(ours, block_pairs):
    """energy_and_gradient over the blocks of pairs that block_pairs(i, j, b, m) leaves of all pairs (i, j)."""

    def both(W, s=1.0, half_space=False, angular=False, reduction="sum_ordered", include_self_antipodes=True, min_q=0.0, **options):
        args = s, half_space, angular, reduction, include_self_antipodes, min_q
        E, dW = ours.energy_and_gradient(W, *args, **options)
        if options.get("as_released"):
            return E, dW
        m = len(dW)
        b = min(m, options.get("block") or 256)

        def others(k, m, n, include):
            return TERMS["others"](k, m, n, include) & block_pairs(k % m, np.arange(n) % m, b, m)

        def mean_of_all(reduction, n, pairs):
            return weight(reduction, n, n * (n - 1 - (half_space and not include_self_antipodes)))

        E, cache = plain(ours, others=others, weight=mean_of_all)["energy_forward"](W, *args)
        return E, plain(ours)["energy_backward"](1.0, cache)

    return {"energy_and_gradient": both}


@entry(PAPER, "reject", "blocks: the last one, when it is not full, is left out", by=("H29",))
def incomplete_block_dropped(ours):
    return in_blocks(ours, lambda i, j, b, m: (i < m // b * b) & (j < m // b * b))


@entry(PAPER, "reject", "blocks: the diagonal is blanked in every block, not in those on the diagonal alone", by=("H29",))
def diagonal_of_every_block_blanked(ours):
    return in_blocks(ours, lambda i, j, b, m: (i % b != j % b) | (i == j))


@entry(PAPER, "reject", "blocks: those below the diagonal are skipped, and not made up for by a factor of 2", by=("H29",))
def blocks_above_the_diagonal_alone(ours):
    return in_blocks(ours, lambda i, j, b, m: i // b <= j // b)


@entry(PAPER, "reject", "blocks: every neuron counts at distance 1 from itself and is taken off in the end", by=("H29",))
def diagonal_counted_and_taken_off(ours):
    def energy_and_gradient(W, *args, **options):
        E, dW = ours.energy_and_gradient(W, *args, **options)
        return (E + len(W)) - len(W), dW

    return {"energy_and_gradient": energy_and_gradient}


# ---- wrong: second derivatives
def hessian_of_terms(ours, bent=1, turned=1, radial=1, turning=1, along=1, parity=1):
    """energy_hessian_vector with its terms weighted."""

    def product(W, V, s=1.0, half_space=False, angular=False, reduction="sum_ordered", include_self_antipodes=True):
        like = ours.energy_hessian_vector(W, V, s, half_space, angular, reduction, include_self_antipodes)
        W, project = np.asarray(W), TERMS["project"]
        U, norm = unit(W.astype(np.result_type(W, np.longdouble)))
        m, V = len(U), np.asarray(V)
        q, q_plus = (np.sum((U[:, None] + sign * U) ** 2, axis=2) for sign in (-1, 1))
        with np.errstate(all="ignore"):
            K, K2 = slope(q, q_plus, s, angular), curvature(q, q_plus, s, angular)
            if half_space:
                K = 2 * (K - slope(q_plus, q, s, angular))
                K2 = 2 * (K2 + parity * curvature(q_plus, q, s, angular))
        K, K2 = (np.where(np.eye(m), 0, a) for a in (K, K2))
        dU, growth = project(U, V) / norm, np.sum(U * V, axis=1, keepdims=True) / norm
        S, dS = K @ U, bent * (K2 * (dU @ U.T + U @ dU.T)) @ U + turned * K @ dU
        H = project(U, dS) - radial * np.sum(U * S, axis=1, keepdims=True) * dU
        H = H - turning * np.sum(dU * S, axis=1, keepdims=True) * U - along * growth * project(U, S)
        points = 2 * m if half_space else m
        pairs = points * (points - 1 - (half_space and not include_self_antipodes))
        return (2 * weight(reduction, points, pairs) * H / norm).astype(like.dtype)

    return {"energy_hessian_vector": product}


@entry(PAPER, "reject", "Hessian product: the kernel's slope is held fixed, its curvature dropped", by=("H16", "H17"))
def slope_held_fixed(ours):
    return hessian_of_terms(ours, bent=0)


@entry(PAPER, "reject", "Hessian product: the other neurons are held fixed where the force is differentiated", by=("H16",))
def neighbours_held_fixed(ours):
    return hessian_of_terms(ours, turned=0)


@entry(PAPER, "reject", "Hessian product of flat space: the term of the sphere's own curvature is dropped", by=("H16",))
def curvature_of_the_sphere_dropped(ours):
    return hessian_of_terms(ours, radial=0)


@entry(PAPER, "reject", "Hessian product: tangent part alone, without the turning of the tangent plane", by=("H16",))
def turning_of_the_tangent_plane_dropped(ours):
    return hessian_of_terms(ours, turning=0)


@entry(PAPER, "reject", "Hessian product: 1/‖w‖ in the gradient is not differentiated", by=("H16",))
def length_not_differentiated(ours):
    return hessian_of_terms(ours, along=0)


@entry(PAPER, "reject", "Hessian product: the antipode's curvature subtracted, as its slope is", by=("H16",))
def curvature_of_antipodes_subtracted(ours):
    return hessian_of_terms(ours, parity=-1)


# ---- wrong: the power mean
def spoiled_power_mean(ours, value, factor):
    """The power mean with value(m, s, pairs) in place of m, and its gradient times factor(m, s, pairs)."""

    def forward(W, s=1.0, half_space=False, angular=False):
        m, cache = ours.power_mean_forward(W, s, half_space, angular)
        n = len(W)
        with np.errstate(over="ignore", divide="ignore"):
            pairs = n * (n - 1) * (2 if half_space else 1)
            return type(m)(value(m, s, pairs)), (cache, m, s, pairs)

    def backward(dm, cache):
        dW = ours.power_mean_backward(dm, cache[0])
        with np.errstate(over="ignore", invalid="ignore"):
            return (dW * factor(*cache[1:])).astype(dW.dtype)

    return {"power_mean_forward": forward, "power_mean_backward": backward}


@entry(PAPER, "reject", "power mean: the root 1/s is not taken, value and gradient", by=("H12",))
def root_not_taken(ours):
    def factor(m, s, pairs):
        return s * m ** (s - 1) if s else 1 / m

    return spoiled_power_mean(ours, lambda m, s, pairs: m**s if s else np.log(m), factor)


@entry(PAPER, "reject", "power mean: the gradient is that of its logarithm", by=("H12",))
def gradient_of_the_logarithm(ours):
    return spoiled_power_mean(ours, lambda m, s, pairs: m, lambda m, s, pairs: 1 / m)


@entry(PAPER, "reject", "power mean: the root of the sum over pairs, not of their mean", by=("H12",))
def root_of_the_sum(ours):
    def growth(m, s, pairs):
        return pairs ** (1 / s) if s else 1.0

    return spoiled_power_mean(ours, lambda m, s, pairs: m * growth(m, s, pairs), growth)


@entry(PAPER, "reject", "power mean: the powers are summed without a shift, and overflow for large s", by=("H12",))
def powers_summed_without_a_shift(ours):
    def forward(W, s=1.0, half_space=False, angular=False):
        m, cache = ours.power_mean_forward(W, s, half_space, angular)
        try:
            mean = ours.energy_forward(W, s, half_space, angular, "mean", False)[0]
        except OverflowError:
            mean = np.inf
        with np.errstate(divide="ignore", under="ignore"):
            return type(m)(np.exp(mean) if s == 0 else mean ** (1 / s)), cache

    return {"power_mean_forward": forward}


@entry(PAPER, "reject", "power mean: the gradient is the closest pair's alone, the limit of large s", by=("H12",))
def gradient_of_the_closest_pair(ours):
    def forward(W, s=1.0, half_space=False, angular=False):
        m, cache = ours.power_mean_forward(W, s, half_space, angular)
        return m, (cache, ours.power_mean_forward(W, 1e6, half_space, angular)[1])

    def backward(dm, cache):
        ours.power_mean_backward(dm, cache[0])
        return ours.power_mean_backward(dm, cache[1])

    return {"power_mean_forward": forward, "power_mean_backward": backward}


# ---- right, in another way
@entry(PAPER, "accept", "computed at 8W and the gradient rescaled")
def computed_at_eight_times(ours):
    def forward(W, *args, **options):
        E, cache = ours.energy_forward(W, *args, **options)
        return E, (ours.energy_forward(np.asarray(W) * 8.0, *args, **options)[1] if np.isfinite(E) else cache)

    return trio(ours, forward, lambda dE, cache: 8 * ours.energy_backward(dE, cache))


@entry(PAPER, "accept", "the rows are taken in reverse, and the columns too")
def rows_and_columns_reversed(ours):
    def forward(W, *args, **options):
        ours.energy_forward(W, *args, **options)
        return ours.energy_forward(np.asarray(W)[::-1, ::-1], *args, **options)

    return trio(ours, forward, lambda dE, cache: ours.energy_backward(dE, cache)[::-1, ::-1])


@entry(PAPER, "accept", "angles by the arcsine of the half chord, from whichever end is nearer")
def angles_by_arcsine(ours):
    def angle_(q, p):
        near = q.real < 2
        half = 2 * np.arcsin(np.sqrt(np.where(near, q, p)) / 2)
        return np.where(near, half, np.arccos(np.longdouble(-1)) - half)

    def value(q, p, s, a):
        return kernel(angle_(q, p) ** 2 if a else q, p, s, False)

    return plain(ours, kernel=value)


@entry(PAPER, "accept", "the Hessian product is a complex step of the gradient")
def hessian_product_by_complex_step(ours):
    def product(W, V, *args, **options):
        like, h = ours.energy_hessian_vector(W, V, *args, **options), 1e-30
        if np.iscomplexobj(like):
            return like
        _, cache = ours.energy_forward(np.asarray(W, np.float64) + 1j * h * np.asarray(V, np.float64), *args, **options)
        return (ours.energy_backward(1.0, cache).imag / h).astype(like.dtype)

    return {"energy_hessian_vector": product}


@entry(PAPER, "accept", "the Hessian product from its terms, with every pair's chord taken from the difference of its rows")
def hessian_product_from_differences(ours):
    return hessian_of_terms(ours)


@entry(PAPER, "accept", "the kernel is the exponential of -s times the logarithm of the distance")
def kernel_by_exponentials(ours):
    def log_distance(q, p, a):
        return np.log(angle(q, p)) if a else np.log(q) / 2

    def value(q, p, s, a):
        return -log_distance(q, p, a) if s == 0 else np.exp(-s * log_distance(q, p, a))

    return plain(ours, kernel=value)
