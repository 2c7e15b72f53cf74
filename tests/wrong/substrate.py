"""Parameters, layers, losses, optimisers and the sphere, in wrong and in unusual ways."""

import numpy as np

from wrong.corpus import entry

PAPER = "substrate"


# ---- parameters as one vector
def as_vector(ours, flattened, restored):
    """ravel with flattened(array) in place of its entries row by row, and restored(array) of what unravel gives."""

    class Unravel(ours.Unravel):  # type: ignore[name-defined]
        def __call__(self, theta):
            return ours.mapped(restored, super().__call__(theta))

        def flat(self, params):
            return super().flat(ours.mapped(flattened, params))

    def ravel(params, name="params"):
        theta, unravel = ours.ravel(ours.mapped(flattened, params), name)
        return theta, Unravel(params, name, unravel.dtype)

    return {"ravel": ravel}


@entry(PAPER, "reject", "arrays are laid out by columns and read back so, while entries are named by rows", by=("L23",))
def ravel_by_columns(ours):
    return as_vector(
        ours,
        lambda a: np.ravel(a, order="F").reshape(np.shape(a)),
        lambda a: a.ravel().reshape(a.shape, order="F"),
    )


@entry(PAPER, "reject", "unravel hands out copies: writing to them does not reach theta", by=("L23",))
def unravel_copies(ours):
    return as_vector(ours, np.asarray, np.copy)


@entry(PAPER, "reject", "the values are weighted and the gradients are not", by=("L21",))
def total_with_unweighted_gradients(ours):
    def total(*objectives, weights=None):
        value, gradient = ours.total(*objectives, weights=weights), ours.total(*objectives)
        return lambda theta: (value(theta)[0], gradient(theta)[1])

    return {"total": total}


# ---- dense
@entry(PAPER, "reject", "the gradient of the biases is the mean over the batch", by=("L2", "L11"))
def dense_bias_gradient_is_a_mean(ours):
    def dense_backward(dy, cache):
        own, dx = ours.dense_backward(dy, cache)
        return own._replace(b=own.b / len(dy)), dx

    return {"dense_backward": dense_backward}


@entry(PAPER, "reject", "dW = xᵀ dy, reshaped to fit", by=("L2",))
def dense_weight_gradient_transposed(ours):
    def dense_backward(dy, cache):
        W, x = cache
        own, dx = ours.dense_backward(dy, cache)
        return own._replace(W=(x.T @ dy).reshape(W.shape)), dx

    return {"dense_backward": dense_backward}


@entry(PAPER, "reject", "dx = dy Wᵀ", by=("L2",))
def dense_input_gradient_by_the_transpose(ours):
    def dense_backward(dy, cache):
        return ours.dense_backward(dy, cache)[0], dy @ cache[0].T

    return {"dense_backward": dense_backward}


# ---- activations
@entry(PAPER, "reject", "the derivative of ReLU at 0 is 1: dy where x >= 0", by=("L7",))
def relu_passes_the_gradient_at_zero(ours):
    def relu_backward(dy, cache):
        return dy * (cache >= 0)

    return {"relu_backward": relu_backward}


@entry(PAPER, "reject", "the mask of ReLU is taken from dy, not from x", by=("L3", "L7"))
def relu_masks_by_the_gradient(ours):
    return {"relu_backward": lambda dy, cache: np.maximum(dy, 0)}


@entry(PAPER, "reject", "the gradient of leaky ReLU has the slope on the positive side", by=("L2", "L7"))
def leaky_relu_slope_on_the_wrong_side(ours):
    def leaky_relu_backward(dy, cache):
        x, slope = cache
        return dy * np.where(x > 0, slope, 1).astype(x.dtype)

    return {"leaky_relu_backward": leaky_relu_backward}


@entry(PAPER, "reject", "the gradient of leaky ReLU takes the slope 0.01, whatever was given", by=("L2", "L7"))
def leaky_relu_gradient_with_the_default_slope(ours):
    return {"leaky_relu_backward": lambda dy, cache: ours.leaky_relu_backward(dy, (cache[0], 0.01))}


@entry(PAPER, "reject", "the gradient in PReLU's slope is the mean over the batch", by=("L5", "L11"))
def prelu_slope_gradient_is_a_mean(ours):
    def prelu_backward(dy, cache):
        da, dx = ours.prelu_backward(dy, cache)
        return da / len(dx), dx

    return {"prelu_backward": prelu_backward}


@entry(PAPER, "reject", "PReLU's slopes lie along the height of images that are as high as they have channels", by=("L1",))
def prelu_channels_along_the_height(ours):
    def turned(x):
        x = np.asarray(x)
        return x.swapaxes(1, 2) if x.ndim == 4 and x.shape[1] == x.shape[2] else x

    def prelu_forward(a, x):
        y, cache = ours.prelu_forward(a, turned(x))
        return turned(y), cache

    def prelu_backward(dy, cache):
        da, dx = ours.prelu_backward(turned(dy), cache)
        return da, turned(dx)

    return {"prelu_forward": prelu_forward, "prelu_backward": prelu_backward}


@entry(PAPER, "reject", "y in place of σ'(x) = y (1 − y)", by=("L2", "L8"))
def sigmoid_derivative_is_its_value(ours):
    def sigmoid_forward(x):
        y, _ = ours.sigmoid_forward(x)
        return y, y

    return {"sigmoid_forward": sigmoid_forward, "sigmoid_backward": lambda dy, y: dy * y}


@entry(PAPER, "reject", "1 − x² in place of 1 − y²", by=("L2", "L8"))
def tanh_derivative_of_the_input(ours):
    return {"tanh_backward": lambda dy, x: dy * (1 - x * x)}


@entry(PAPER, "reject", "log(1 + e^x) as written, which overflows", by=("L8",))
def softplus_overflows(ours):
    def softplus_forward(x):
        _, cache = ours.softplus_forward(x)
        with np.errstate(over="ignore"):
            return np.log(1 + np.exp(cache[0])), cache

    return {"softplus_forward": softplus_forward}


@entry(PAPER, "reject", "the threshold gives 0 at x = 0", by=("L7",))
def binary_is_off_at_zero(ours):
    def binary_forward(x):
        y, cache = ours.binary_forward(x)
        return y * (np.asarray(x) > 0), cache

    return {"binary_forward": binary_forward}


@entry(PAPER, "reject", "the threshold passes the gradient straight through", by=("L2", "L7"))
def binary_passes_straight_through(ours):
    return {"binary_backward": lambda dy, cache: dy}


# ---- losses
@entry(PAPER, "reject", "the gradient of the hinge loss keeps the power p", by=("L14",))
def hinge_gradient_keeps_the_power(ours):
    def hinge_backward(dloss, cache):
        margin, y, p, w = cache
        return -dloss * w * p * y * margin**p

    return {"hinge_backward": hinge_backward}


@entry(PAPER, "reject", "the gradient of the hinge loss lacks the factor p", by=("L14", "L20"))
def hinge_gradient_without_the_factor_p(ours):
    return {"hinge_backward": lambda dloss, cache: ours.hinge_backward(dloss, cache) / cache[2]}


@entry(PAPER, "reject", "1/n inside the power of the hinge loss", by=("L13", "L15"))
def hinge_mean_inside_the_power(ours):
    def hinge_forward(f, y, p=3, reduction="mean"):
        value, cache = ours.hinge_forward(f, y, p, reduction)
        return value * cache[3] ** (p - 1), cache

    def hinge_backward(dloss, cache):
        return ours.hinge_backward(dloss * cache[3] ** (cache[2] - 1), cache)

    return {"hinge_forward": hinge_forward, "hinge_backward": hinge_backward}


@entry(PAPER, "reject", "log(1 + e^{−y f}) as written, which overflows", by=("L17",))
def logistic_overflows(ours):
    def logistic_forward(f, y, reduction="mean"):
        _, cache = ours.logistic_forward(f, y, reduction)
        with np.errstate(over="ignore"):
            return (cache[3] * np.log(1 + np.exp(cache[0]))).sum(), cache

    return {"logistic_forward": logistic_forward}


@entry(PAPER, "reject", "the gradient of the logistic loss is the residual σ(f) − y, for labels 0 and 1", by=("L16", "L17"))
def logistic_gradient_for_other_labels(ours):
    def logistic_backward(dloss, cache):
        z, _, y, w = cache
        return dloss * w * (ours.sigmoid_forward(-y * z)[0] - y)

    return {"logistic_backward": logistic_backward}


@entry(PAPER, "reject", "½ in the value of the squared error, not in its gradient", by=("L13", "L20"))
def squared_halved_in_value_only(ours):
    def squared_forward(f, y, reduction="mean"):
        value, cache = ours.squared_forward(f, y, reduction)
        return value / 2, cache

    return {"squared_forward": squared_forward}


@entry(PAPER, "reject", "the squared error is averaged over outputs as well, where there are several", by=("L13", "L14"))
def squared_averages_the_outputs(ours):
    def squared_forward(f, y, reduction="mean"):
        value, (r, w) = ours.squared_forward(f, y, reduction)
        outputs = r[0].size if r.ndim > 1 and len(r) else 1
        return value / outputs, (r, w / outputs)

    return {"squared_forward": squared_forward}


@entry(PAPER, "reject", "the gradient of the mean cross-entropy is that of the sum", by=("L15", "L16"))
def cross_entropy_gradient_of_the_sum(ours):
    def cross_entropy_backward(dloss, cache):
        return ours.cross_entropy_backward(dloss, (*cache[:-1], 1.0))

    return {"cross_entropy_backward": cross_entropy_backward}


@entry(PAPER, "reject", "softmax without taking off the largest output, which overflows", by=("L17", "L18"))
def cross_entropy_overflows(ours):
    def cross_entropy_forward(f, y, reduction="mean"):
        _, cache = ours.cross_entropy_forward(f, y, reduction)
        f, i = np.asarray(f), np.arange(len(f))
        with np.errstate(over="ignore"):
            return (cache[-1] * (np.log(np.exp(f).sum(axis=1)) - f[i, y])).sum(), cache

    return {"cross_entropy_forward": cross_entropy_forward}


@entry(PAPER, "reject", "the gradient of every loss ignores dloss", by=("L14",))
def losses_ignore_what_comes_after(ours):
    def at_one(backward):
        return lambda dloss, cache: backward(1.0, cache)

    names = [f"{loss}_backward" for loss in ("hinge", "logistic", "squared", "cross_entropy")]
    return {name: at_one(getattr(ours, name)) for name in names}


# ---- the network
@entry(PAPER, "reject", "the gradients of the layers come from the last layer to the first", by=("L19",))
def network_gradients_from_last_to_first(ours):
    def network_backward(dy, cache, data=False):
        dparams, dx = ours.network_backward(dy, cache, data)
        return dparams[::-1], dx

    return {"network_backward": network_backward}


@entry(PAPER, "reject", "the gradient is passed on unchanged through layers without parameters", by=("L19",))
def network_backward_skips_activations(ours):
    def network_backward(dy, cache, data=False):
        dparams = []
        for layer, remembered in reversed(cache):
            own, dx = layer.backward(dy, remembered)
            dparams.append(own)
            dy = dy if isinstance(own, tuple) and not own else dx
        return tuple(reversed(dparams)), None if data else dy

    return {"network_backward": network_backward}


@entry(PAPER, "reject", "where the input needs no gradient, the first layer gets none either", by=("L19",))
def network_first_layer_without_gradient(ours):
    def network_backward(dy, cache, data=False):
        dparams, dx = ours.network_backward(dy, cache, data)
        first = ours.mapped(np.zeros_like, dparams[0]) if data else dparams[0]
        return (first, *dparams[1:]), dx

    return {"network_backward": network_backward}


@entry(PAPER, "reject", "the gradient of the objective is kept and added to from call to call", by=("L20",))
def objective_gradient_adds_up(ours):
    def objective(layers, unravel, loss, x, y):
        f, total = ours.objective(layers, unravel, loss, x, y), 0

        def loss_and_gradient(theta):
            nonlocal total
            value, gradient = f(theta)
            total = total + gradient
            return value, total

        return loss_and_gradient

    return {"objective": objective}


@entry(PAPER, "reject", "the objective is divided by the number of samples once more", by=("L20",))
def objective_takes_the_mean_twice(ours):
    def objective(layers, unravel, loss, x, y):
        return ours.total(ours.objective(layers, unravel, loss, x, y), weights=[1 / len(x)])

    return {"objective": objective}


# ---- initialisation
@entry(PAPER, "reject", "He's variance from the outputs: 2/m in place of 2/d", by=("L22",))
def he_counts_the_outputs(ours):
    def he_normal(m, d, rng):
        return (d / m) ** 0.5 * ours.he_normal(m, d, rng)

    def he_uniform(m, d, rng):
        return (d / m) ** 0.5 * ours.he_uniform(m, d, rng)

    return {"he_normal": he_normal, "he_uniform": he_uniform}


@entry(PAPER, "reject", "He's variance without the gain of 2 for ReLU", by=("L22",))
def he_without_the_gain(ours):
    return {
        "he_normal": lambda m, d, rng: ours.he_normal(m, d, rng) / 2**0.5,
        "he_uniform": lambda m, d, rng: ours.he_uniform(m, d, rng) / 2**0.5,
    }


@entry(PAPER, "reject", "the standard deviation in place of the half-width: Xavier uniform on ±√(2/(m + d))", by=("L22",))
def xavier_uniform_within_one_deviation(ours):
    return {"xavier_uniform": lambda m, d, rng: ours.xavier_uniform(m, d, rng) / 3**0.5}


# ---- optimisers
@entry(PAPER, "reject", "gradient descent ascends", by=("L29",))
def descent_ascends(ours):
    def gradient_descent(rate):
        descent = ours.gradient_descent(rate)
        return descent._replace(step=lambda theta, g, state: descent.step(theta, -np.asarray(g), state))

    return {"gradient_descent": gradient_descent}


@entry(PAPER, "reject", "gradient descent moves the theta that it was given", by=("L29",))
def descent_in_place(ours):
    def gradient_descent(rate):
        descent = ours.gradient_descent(rate)

        def step(theta, gradient, state):
            new, state = descent.step(theta, gradient, state)
            theta[:] = new
            return theta, state

        return descent._replace(step=step)

    return {"gradient_descent": gradient_descent}


@entry(PAPER, "reject", "v ← β v + (1 − β) g: the heavy ball with its gradient damped", by=("L29",))
def momentum_damps_the_gradient(ours):
    return {"momentum": lambda rate, beta=0.9, nesterov=False: ours.momentum(rate * (1 - beta), beta, nesterov)}


@entry(PAPER, "reject", "the heavy ball where Nesterov's momentum is asked for", by=("L29",))
def momentum_nesterov_is_the_heavy_ball(ours):
    return {"momentum": lambda rate, beta=0.9, nesterov=False: ours.momentum(rate, beta)}


def adam_with(ours, update):
    """adam that moves by −η update(m, v, t, beta1, beta2, eps), m and v being the means after the step."""

    def adam(rate=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
        right = ours.adam(rate, beta1, beta2, eps)

        def step(theta, g, state):
            eta = rate(state.t) if callable(rate) else rate
            _, after = right.step(theta, g, state)
            return theta - eta * update(after.m, after.v, after.t, beta1, beta2, eps), after

        return right._replace(step=step)

    return {"adam": adam}


@entry(PAPER, "reject", "ε inside the root", by=("L30",))
def adam_with_eps_inside_the_root(ours):
    def update(m, v, t, beta1, beta2, eps):
        return m / (1 - beta1**t) / np.sqrt(v / (1 - beta2**t) + eps)

    return adam_with(ours, update)


@entry(PAPER, "reject", "no correction for bias", by=("L30",))
def adam_without_bias_correction(ours):
    return adam_with(ours, lambda m, v, t, beta1, beta2, eps: m / (np.sqrt(v) + eps))


@entry(PAPER, "reject", "β₁ and β₂ exchanged in the correction for bias", by=("L30",))
def adam_with_exchanged_bias_corrections(ours):
    def update(m, v, t, beta1, beta2, eps):
        return m / (1 - beta2**t) / (np.sqrt(v / (1 - beta1**t)) + eps)

    return adam_with(ours, update)


@entry(PAPER, "reject", "the correction for bias is one step ahead", by=("L30",))
def adam_counts_one_step_too_many(ours):
    def update(m, v, t, beta1, beta2, eps):
        return m / (1 - beta1 ** (t + 1)) / (np.sqrt(v / (1 - beta2 ** (t + 1))) + eps)

    return adam_with(ours, update)


# ---- the loop
@entry(PAPER, "reject", "the values are those after each step, the first is missing and the last comes twice", by=("L29",))
def minimise_notes_values_late(ours):
    def minimise(objective, theta, optimiser, steps):
        found = ours.minimise(objective, theta, optimiser, steps)
        return found._replace(values=np.append(found.values[1:], found.values[-1]))

    return {"minimise": minimise}


@entry(PAPER, "reject", "one step fewer than asked for", by=("L29",))
def minimise_stops_one_step_early(ours):
    def minimise(objective, theta, optimiser, steps):
        values = ours.minimise(objective, theta, optimiser, steps).values
        return ours.minimise(objective, theta, optimiser, max(steps - 1, 0))._replace(values=values)

    return {"minimise": minimise}


# ---- the sphere
@entry(PAPER, "reject", "the projection's gradient is not divided by the norm", by=("L24", "L25"))
def sphere_gradient_without_the_norm(ours):
    def project_backward(du, cache):
        return ours.project_backward(du, cache) * cache[1]

    return {"project_backward": project_backward}


@entry(PAPER, "reject", "the projection's gradient keeps its radial part", by=("L24",))
def sphere_gradient_without_projection(ours):
    return {"project_backward": lambda du, cache: du / cache[1]}


@entry(PAPER, "reject", "columns are projected, not rows", by=("L24",))
def sphere_of_columns(ours):
    def project_forward(w):
        u, cache = ours.project_forward(np.transpose(w))
        return u.T, cache

    def project_backward(du, cache):
        return ours.project_backward(np.transpose(du), cache).T

    return {"project_forward": project_forward, "project_backward": project_backward}


@entry(PAPER, "reject", "the tangent component is taken off once too often: the reflection v − 2 u (u·v)", by=("L26",))
def tangent_reflects(ours):
    def tangent(u, v):
        return 2 * ours.tangent(u, v) - np.asarray(v)

    return {"tangent": tangent}


@entry(PAPER, "reject", "exp takes sin‖v‖ v, not divided by ‖v‖", by=("L27", "L28"))
def exp_without_a_unit_direction(ours):
    def exp(u, v):
        there, v = ours.exp(u, v), np.asarray(v)
        theta = ours.length(v)
        return there + np.sin(theta) * (v - v / np.where(theta == 0, 1, theta))

    return {"exp": exp}


@entry(PAPER, "reject", "the norm of v is taken over all rows at once", by=("L27", "L28"))
def exp_with_one_norm_for_all_rows(ours):
    def exp(u, v):
        u, v = ours.tangents(u, v)
        theta = np.sqrt((v * v).sum())
        return np.cos(theta) * u + (np.sin(theta) * v / theta if theta else v)

    return {"exp": exp}


@entry(PAPER, "reject", "log is as long as the chord, not as the angle", by=("L27",))
def log_as_long_as_the_chord(ours):
    def log(u, v):
        there = ours.log(u, v)
        theta = ours.length(there)
        return there * (2 * np.sin(theta / 2) / np.where(theta == 0, 1, theta))

    return {"log": log}


@entry(PAPER, "reject", "the distance by arccos of the inner product, which loses small angles", by=("L27",))
def distance_by_arccos(ours):
    def distance(u, v):
        u, v = ours.on_sphere("u", u), ours.on_sphere("v", v)
        return np.arccos(np.clip((u * v).sum(axis=-1), -1, 1))

    return {"distance": distance}


@entry(PAPER, "reject", "the distance is that of the chord", by=("L27",))
def distance_of_the_chord(ours):
    return {"distance": lambda u, v: 2 * np.sin(ours.distance(u, v) / 2)}


@entry(PAPER, "reject", "the retraction is not brought back to unit length", by=("L28",))
def retract_off_the_sphere(ours):
    def retract(u, v):
        u, v = ours.tangents(u, v)
        return u + v

    return {"retract": retract}


# ---- right, in other ways
@entry(PAPER, "accept", "parameters are written to the views that unravel gives of an empty vector")
def ravel_by_writing_to_views(ours):
    def ravel(params, name="params"):
        theta, unravel = ours.ravel(params, name)
        theta = np.zeros_like(theta)
        for (_, view), (_, leaf) in zip(ours.leaves(unravel(theta), name), ours.leaves(params, name), strict=True):
            view[...] = leaf
        return theta, unravel

    return {"ravel": ravel}


@entry(PAPER, "accept", "biases are weights of one more input, which is 1")
def dense_with_biases_as_a_column(ours):
    def dense_forward(params, x):
        _, (W, x) = ours.dense_forward(params, x)
        return np.column_stack([x, np.ones(len(x), x.dtype)]) @ np.column_stack([W, params.b]).T, (W, x)

    return {"dense_forward": dense_forward}


@entry(PAPER, "accept", "max(x, 0) as −min(−x, 0)")
def relu_as_a_minimum(ours):
    def relu_forward(x):
        _, x = ours.relu_forward(x)
        return -np.minimum(-x, 0), x

    return {"relu_forward": relu_forward}


@entry(PAPER, "accept", "leaky ReLU by choosing between x and slope·x")
def leaky_relu_by_choosing(ours):
    def leaky_relu_forward(x, slope=0.01):
        _, (x, slope) = ours.leaky_relu_forward(x, slope)
        return np.where(x.real > 0, x, slope * x), (x, slope)

    return {"leaky_relu_forward": leaky_relu_forward}


@entry(PAPER, "accept", "tanh'(x) = 4 σ'(2x)")
def tanh_derivative_by_sigmoid(ours):
    def tanh_backward(dy, x):
        _, e = ours.sigmoid_forward(x)
        return ours.sigmoid_backward(4 * np.asarray(dy), e * e)

    return {"tanh_backward": tanh_backward}


@entry(PAPER, "accept", "the chain rule by recursion, the first layer treated as the others")
def network_backward_by_recursion(ours):
    def network_backward(dy, cache, data=False):
        if not cache:
            return (), None if data else dy
        *before, (layer, remembered) = cache
        own, dy = layer.backward(dy, remembered)
        dparams, dx = network_backward(dy, before, data)
        return (*dparams, own), dx

    return {"network_backward": network_backward}


@entry(PAPER, "accept", "the squared error by halves of the batch")
def squared_by_halves(ours):
    def squared_forward(f, y, reduction="mean"):
        _, (r, w) = ours.squared_forward(f, y, reduction)
        k = len(r) // 2
        return (w * r[:k] ** 2).sum() + (w * r[k:] ** 2).sum(), (r, w, k)

    def squared_backward(dloss, cache):
        r, w, k = cache
        return np.concatenate([ours.squared_backward(dloss, (half, w)) for half in (r[:k], r[k:])])

    return {"squared_forward": squared_forward, "squared_backward": squared_backward}


@entry(PAPER, "accept", "draws of unit size, scaled and shifted afterwards")
def initialisers_from_unit_draws(ours):
    def xavier_uniform(m, d, rng):
        return (2 * rng.random((m, d)) - 1) * np.sqrt(6 / (m + d))

    def he_normal(m, d, rng):
        return rng.normal(0, np.sqrt(2 / d), size=(m, d))

    return {"xavier_uniform": xavier_uniform, "he_normal": he_normal}


@entry(PAPER, "accept", "both corrections for bias are merged into the rate and ε")
def adam_with_merged_corrections(ours):
    def update(m, v, t, beta1, beta2, eps):
        root = (1 - beta2**t) ** 0.5
        return root / (1 - beta1**t) * m / (np.sqrt(v) + eps * root)

    return adam_with(ours, update)


@entry(PAPER, "accept", "the matrix I − u uᵀ is made for every row, and applied twice")
def sphere_gradient_by_matrices(ours):
    def project_backward(du, cache):
        u, norm = cache
        P = np.eye(u.shape[-1], dtype=u.dtype) - u[..., :, None] * u[..., None, :]
        return (P @ (P @ np.asarray(du)[..., None]))[..., 0] / norm

    return {"project_backward": project_backward}


@entry(PAPER, "accept", "exp by half angles: u + 2 sin(θ/2) (cos(θ/2) v/θ − sin(θ/2) u)")
def exp_by_half_angles(ours):
    def exp(u, v):
        u, v = ours.tangents(u, v)
        theta = ours.length(v)
        sine, cosine = np.sin(theta / 2), np.cos(theta / 2)
        return u + 2 * sine * (cosine * (v / np.where(theta == 0, 1, theta)) - sine * u)

    return {"exp": exp}


@entry(PAPER, "accept", "the angle by the arcsine of half a chord, to v or to −v, whichever is nearer")
def distance_by_half_chords(ours):
    def distance(u, v):
        u, v = ours.on_sphere("u", u), ours.on_sphere("v", v)
        ours.same_shape("v", v, u)
        apart, across = ours.length(u - v), ours.length(u + v)
        near = apart.real <= across.real
        theta = 2 * np.arcsin(np.where(near, apart, across) / 2)
        return np.where(near, theta, np.pi - theta)[..., 0]

    return {"distance": distance}
