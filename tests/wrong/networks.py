"""Networks, mini-batches and the released code, in wrong and in unusual ways."""

import numpy as np

from wrong.corpus import entry

PAPER = "hyperspherical_energy"


def scaled_pair(forward, backward, factor):
    """The pair times factor(arguments of forward)."""

    def scaled_forward(*args, **options):
        E, cache = forward(*args, **options)
        k = factor(*args, **options)
        return k * E, (k, cache)

    return scaled_forward, lambda dE, cache: cache[0] * backward(dE, cache[1])


def complex_step(f, W):
    """Gradient of f at W."""
    dW = np.zeros(W.shape)
    for at in np.ndindex(*W.shape):
        Z = W.astype(complex)
        Z[at] += 1e-30j
        dW[at] = f(Z).imag / 1e-30
    return dW


def by_complex_step(f):
    """A pair of the energy f(W, *args), for float64."""

    def forward(W, *args, **options):
        W = np.asarray(W, np.float64)
        return np.float64(f(W.astype(complex), *args, **options).real), (W, args, options)

    return forward, lambda dE, cache: dE * complex_step(lambda Z: f(Z, *cache[1], **cache[2]), cache[0])


# ---- mini-batches of a hidden layer
@entry(PAPER, "reject", "the sum over the subset's pairs in place of their mean", by=("H24",))
def subset_is_summed(ours):
    def pairs(W, rows, s=2.0, half_space=False, **_):
        points = 2 * len(rows) if half_space else len(rows)
        return points * (points - 1)

    forward, backward = scaled_pair(ours.subset_energy_forward, ours.subset_energy_backward, pairs)
    return {"subset_energy_forward": forward, "subset_energy_backward": backward}


@entry(PAPER, "reject", "the subset's sum over the number of pairs of the whole layer", by=("H24",))
def subset_is_divided_by_the_layers_pairs(ours):
    def share(W, rows, *_, **__):
        return len(rows) * (len(rows) - 1) / (len(W) * (len(W) - 1))

    forward, backward = scaled_pair(ours.subset_energy_forward, ours.subset_energy_backward, share)
    return {"subset_energy_forward": forward, "subset_energy_backward": backward}


@entry(PAPER, "reject", "the gradient of the subset is put into the first rows", by=("H24",))
def subset_gradient_in_the_first_rows(ours):
    def backward(dE, cache):
        dW = ours.subset_energy_backward(dE, cache)
        chosen = np.flatnonzero(np.any(dW != 0, axis=1))
        return np.concatenate([dW[chosen], np.delete(dW, chosen, axis=0)])

    return {"subset_energy_backward": backward}


@entry(PAPER, "reject", "the subset repels the whole layer, not only itself", by=("H24",))
def subset_against_the_layer(ours):
    def forward(W, rows, s=2.0, half_space=False, angular=False, **_):
        E, cache = ours.energy_forward(W, s, half_space, angular, "mean")
        return E, (rows, cache)

    def backward(dE, cache):
        dW = ours.energy_backward(dE, cache[1])
        kept = np.zeros_like(dW)
        kept[cache[0]] = dW[cache[0]]
        return kept

    return {"subset_energy_forward": forward, "subset_energy_backward": backward}


# ---- mini-batches of the output layer
@entry(PAPER, "reject", "n·m for n(m−1)", by=("H25",))
def classes_divided_by_all_classifiers(ours):
    forward, backward = scaled_pair(
        ours.class_energy_forward, ours.class_energy_backward, lambda W, *_, **__: (len(W) - 1) / len(W)
    )
    return {"class_energy_forward": forward, "class_energy_backward": backward}


@entry(PAPER, "reject", "a label that occurs twice counts once", by=("H25",))
def repeated_labels_count_once(ours):
    return {"class_energy_forward": lambda W, labels, *a, **o: ours.class_energy_forward(W, np.unique(labels), *a, **o)}


@entry(PAPER, "reject", "only the labelled classifier of a pair is moved", by=("H25",))
def other_classifiers_are_held_fixed(ours):
    def forward(W, labels, s=2.0, angular=False):
        return ours.class_energy_forward(W, labels, s, angular)[0], (np.asarray(W), np.asarray(labels), s, angular)

    def backward(dE, cache):
        W, labels, s, angular = cache
        dW = np.zeros(W.shape)
        for y in labels:
            for j in set(range(len(W))) - {y}:
                _, pair = ours.energy_forward(W[[y, j]], s, angular=angular, reduction="sum_unordered")
                dW[y] += dE * ours.energy_backward(1.0, pair)[0] / (len(labels) * (len(W) - 1))
        return dW

    return {"class_energy_forward": forward, "class_energy_backward": backward}


@entry(PAPER, "reject", "classifiers of the batch meet only the classes that occur in it", by=("H25",))
def classes_of_the_batch_among_themselves(ours):
    def forward(W, labels, s=2.0, angular=False):
        rows = np.unique(labels)
        E, cache = ours.subset_energy_forward(W, rows, s, angular=angular)
        return E, cache

    return {"class_energy_forward": forward, "class_energy_backward": ours.subset_energy_backward}


# ---- the released code
@entry(PAPER, "reject", "the paper's −log ρ, where the code has −log ρ²", by=("H27",))
def released_logarithm_of_the_distance(ours):
    def factor(W, s=2.0, half_space=False, angular=False, eps=1e-4):
        return 0.5 if s == 0 and not angular else 1.0

    forward, backward = scaled_pair(ours.released_energy_forward, ours.released_energy_backward, factor)
    return {"released_energy_forward": forward, "released_energy_backward": backward}


@entry(PAPER, "reject", "angles in radians, where the code divides by π", by=("H27",))
def released_angles_in_radians(ours):
    def factor(W, s=2.0, half_space=False, angular=False, eps=1e-4):
        return np.pi**-s if angular else 1.0

    forward, backward = scaled_pair(ours.released_energy_forward, ours.released_energy_backward, factor)
    return {"released_energy_forward": forward, "released_energy_backward": backward}


@entry(PAPER, "reject", "ε is added to the norm, not under its root", by=("H27",))
def released_epsilon_beside_the_norm(ours):
    def energy(Z, s=2.0, half_space=False, angular=False, eps=1e-4):
        long = np.sqrt(np.sum(Z * Z, axis=1, keepdims=True))
        r = long / (long + eps)  # the length of w/(‖w‖ + ε), which w' has after √(‖w'‖² + ε)
        shorter = Z / long * np.sqrt(eps * r * r / (1 - r * r)) if eps else Z
        return ours.released_energy_forward(shorter, s, half_space, angular, eps)[0]

    forward, backward = by_complex_step(energy)
    return {"released_energy_forward": forward, "released_energy_backward": backward}


@entry(PAPER, "reject", "(ρ²)^{-s} for ρ^{-s}", by=("H27",))
def released_exponent_on_the_square(ours):
    def forward(W, s=2.0, half_space=False, angular=False, eps=1e-4):
        return ours.released_energy_forward(W, 2.0 if s == 1 and not angular else s, half_space, angular, eps)

    return {"released_energy_forward": forward}


@entry(PAPER, "reject", "antipodes appended to the neurons, as was meant, where the code appends them to the features", by=("H9",))
def gan_antipodes_among_the_neurons(ours):
    forward, backward = by_complex_step(lambda Z, eps=1e-4: ours.gan_energy_forward(np.concatenate([Z, -Z]), eps)[0])
    return {"gan_energy_forward": forward, "gan_energy_backward": backward}


@entry(PAPER, "reject", "the mean over m(m−1) pairs, where the code divides by m²", by=("H9",))
def gan_mean_over_pairs(ours):
    forward, backward = scaled_pair(ours.gan_energy_forward, ours.gan_energy_backward, lambda W, *_, **__: len(W) / (len(W) - 1))
    return {"gan_energy_forward": forward, "gan_energy_backward": backward}


@entry(PAPER, "reject", "zero entries of the triangle left out, where the code takes their logarithm", by=("H9",))
def gan_without_zero_entries(ours):
    def forward(W, eps=1e-4):
        E, cache = ours.gan_energy_forward(W, eps)
        return E + (len(W) + 1) / (2 * len(W)) * np.log(eps), cache

    return {"gan_energy_forward": forward}


# ---- one hidden layer
@entry(PAPER, "reject", "1/n on f alone, as printed", by=("H30",))
def residual_divides_f_alone(ours):
    def factors(W, v, X, y, activation):
        D, r = ours.gradient_factors(W, v, X, y, activation)
        return D, r + y / len(y) - y

    return {"gradient_factors": factors}


@entry(PAPER, "reject", "rows of D run over the coordinates first, then over the neurons", by=("H30",))
def factors_by_coordinate(ours):
    def factors(W, v, X, y, activation):
        D, r = ours.gradient_factors(W, v, X, y, activation)
        m, d = W.shape
        return D.reshape(m, d, -1).transpose(1, 0, 2).reshape(m * d, -1), r

    return {"gradient_factors": factors}


@entry(PAPER, "reject", "the output weight of the neuron is forgotten", by=("H30",))
def factors_without_output_weights(ours):
    return {"gradient_factors": lambda W, v, X, y, a: (
        ours.gradient_factors(W, np.ones_like(v), X, y, a)[0], ours.gradient_factors(W, v, X, y, a)[1]
    )}  # fmt: skip


@entry(PAPER, "reject", "eigenvalues of DᵀD for singular values of D", by=("H30",))
def bound_by_eigenvalues(ours):
    def bound(D, r):
        sigma = np.linalg.eigvalsh(D.T @ D)[0]
        return float(np.sqrt(np.sum((D @ r) ** 2)) / sigma) if len(r) <= len(D) else np.inf

    return {"residual_bound": bound}


@entry(PAPER, "reject", "the largest singular value", by=("H30",))
def bound_by_the_largest_singular_value(ours):
    def bound(D, r):
        return float(np.sqrt(np.sum((D @ r) ** 2)) / np.linalg.svd(D, compute_uv=False)[0]) if len(r) <= len(D) else np.inf

    return {"residual_bound": bound}


# ---- neurons of a network
@entry(PAPER, "reject", "filters grouped by input channel, as for a transposed convolution", by=("H32",))
def filters_by_input_channel(ours):
    return {"filters": lambda W: ours.filters(W.transpose(1, 0, 2, 3) if W.ndim == 4 else W)}


@entry(PAPER, "reject", "a filter's entries in the order of an image with its channels last", by=("H32",))
def filters_with_channels_last(ours):
    return {"filters": lambda W: ours.filters(W.transpose(0, 2, 3, 1) if W.ndim == 4 else W)}


@entry(PAPER, "reject", "the output layer in half space too", by=("H32",))
def output_layer_in_half_space(ours):
    def forward(params, hidden=1.0, output=1.0, s=2.0, half_space=False, angular=False):
        E, cache = ours.network_energy_forward(params, hidden, output, s, half_space, angular)
        if half_space:
            E = E - output * ours.energy_forward(params[-1].W, s, False, angular, "mean")[0]
            E = E + output * ours.energy_forward(params[-1].W, s, True, angular, "mean")[0]
        return E, cache

    return {"network_energy_forward": forward}


@entry(PAPER, "reject", "the bias counts as one more coordinate of its neuron", by=("H32",))
def bias_is_a_coordinate(ours):
    def forward(params, hidden=1.0, output=1.0, s=2.0, half_space=False, angular=False):
        flat = [np.concatenate([ours.filters(layer.W), layer.b[:, None]], axis=1) for layer in params]
        parts = [ours.energy_forward(W, s, half_space and k < len(flat) - 1, angular, "mean") for k, W in enumerate(flat)]
        return sum(w * E for w, (E, _) in zip([hidden] * (len(flat) - 1) + [output], parts, strict=True)), (params, parts)

    def backward(dvalue, cache):
        params, parts = cache
        d = [ours.energy_backward(dvalue, c) for _, c in parts]
        return [type(p)(dk[:, :-1].reshape(p.W.shape), dk[:, -1]) for p, dk in zip(params, d, strict=True)]

    return {"network_energy_forward": forward, "network_energy_backward": backward}


@entry(PAPER, "reject", "sums over the pairs of a layer, so that wide layers weigh more", by=("H32",))
def layers_are_summed(ours):
    def forward(params, hidden=1.0, output=1.0, s=2.0, half_space=False, angular=False):
        E, cache = ours.network_energy_forward(params, hidden, output, s, half_space, angular)
        m = len(params[0].W) * (2 if half_space else 1)
        return E * m * (m - 1), cache

    return {"network_energy_forward": forward}


# ---- right, but unusual
def kernels(Z, i, j, s, angular):
    """f(distance) of the listed pairs, distances from differences and sums of unit rows."""
    U = Z / np.sqrt(np.sum(Z * Z, axis=1, keepdims=True))
    rho, rho_plus = (np.sqrt(np.sum((U[i] + sign * U[j]) ** 2, axis=1)) for sign in (-1, 1))
    rho = 2 * np.arctan(rho / rho_plus) if angular else rho
    return -np.log(rho) if s == 0 else rho**-s


@entry(PAPER, "accept", "the subset with its antipodes listed, pair by pair; its gradient by the complex step")
def subset_pair_by_pair(ours):
    def energy(Z, rows, s=2.0, half_space=False, angular=False, include_self_antipodes=True):
        Z = np.concatenate([Z[rows], -Z[rows]]) if half_space else Z[rows]
        i, j = np.array([(i, j) for i in range(len(Z)) for j in range(len(Z)) if i != j]).T
        own = abs(i - j) == len(rows)
        E = np.sum(kernels(Z, i[~own], j[~own], s, angular))
        if not (half_space and include_self_antipodes):
            return E / np.sum(~own)
        far = np.pi if angular else 2.0
        return (E + np.sum(own) * (-np.log(far) if s == 0 else far**-s)) / len(i)

    forward, backward = by_complex_step(energy)
    return {"subset_energy_forward": forward, "subset_energy_backward": backward}


@entry(PAPER, "accept", "the batch's energy label by label, its gradient by the complex step")
def classes_label_by_label(ours):
    def energy(Z, labels, s=2.0, angular=False):
        i, j = np.array([(y, j) for y in labels for j in range(len(Z)) if j != y]).T
        return np.mean(kernels(Z, i, j, s, angular))

    forward, backward = by_complex_step(energy)
    return {"class_energy_forward": forward, "class_energy_backward": backward}


@entry(PAPER, "accept", "residual and factors sample by sample; the bound from the inverse of the normal equations")
def factors_sample_by_sample(ours):
    def factors(W, v, X, y, activation):
        forward, backward = activation
        columns, residual = [], []
        for x, target in zip(X, y, strict=True):
            h, cache = forward(W @ x)
            columns.append(np.outer(v * backward(np.ones_like(h), cache), x).ravel())
            residual.append((v @ h - target) / len(y))
        return np.array(columns).T, np.array(residual)

    def bound(D, r):
        if np.linalg.matrix_rank(D) < D.shape[1]:
            return float("inf")
        return float(np.sqrt(np.sum((D @ r) ** 2)) * np.linalg.norm(np.linalg.pinv(D), 2))

    return {"gradient_factors": factors, "residual_bound": bound}
