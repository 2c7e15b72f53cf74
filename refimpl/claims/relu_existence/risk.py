"""Claims on responses and on exact integration: E13, E22 to E28.

Risks in one dimension are held to adaptive quadrature between the break points, in the plane to iterated integrals cut wherever two
lines meet; gradients to fourth-order differences of these, along one random direction.
"""

from functools import partial

import numpy as np

from refimpl.claims.claim import Choice, Floats, Integer, Seed, assume, claim, frozen, max
from refimpl.claims.relu_existence import definition as paper
from refimpl.claims.relu_existence.definition import (
    DENSITIES,
    INTERVAL,
    PLANE_DENSITIES,
    PLANE_TARGETS,
    SQUARE,
    TARGETS,
    apart,
    area,
    breaks,
    convex_polygon,
    edges,
    integral,
    network,
    over_polygon,
)
from refimpl.nn.dense import Dense
from refimpl.nn.shallow import Shallow, shallow
from refimpl.params import ravel

FORM = Choice("shallow", "tuple", "layers", "residual")
WAY = Choice(1, -1)  # corners counter-clockwise or clockwise
STEP = 1e-3  # of fourth-order differences: their error is some 1e-12, rounding 1e-13/STEP


def written(net, form):
    """The same network in another form."""
    if form == "layers":
        return Dense(net.W, net.b), (), Dense(frozen(net.v[None]), frozen(net.c.reshape(1)))
    return tuple(net[:4]) if form == "tuple" else net


def moved(net, direction, t):
    """The network at θ + t direction."""
    theta, unravel = ravel(net)
    return unravel(theta + t * direction)


def slope(value, net, direction):
    """Derivative of value(net) along a direction, by fourth-order differences."""
    f = [value(moved(net, direction, k * STEP)) for k in (-2, -1, 1, 2)]
    return (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * STEP)


def flat(gradient):
    """A gradient as one vector in the order W, b, v, c, a, whatever its nesting."""
    return ravel(shallow(gradient)[0])[0]


def same_form(got, given):
    """Has the gradient the types and shapes of the parameters?"""

    def shape(p):
        return tuple(shape(q) for q in p) if isinstance(p, tuple) else np.shape(p)

    return type(got) is type(given) and shape(got) == shape(given)


def unit(p, seed):
    direction = np.random.default_rng([seed, 11]).normal(size=p)
    return direction / np.sqrt(direction @ direction)


# ---- one dimension
def target_of(impl, name, seed):
    """A target as the implementation takes it, the same as a plain function, and where it is not smooth."""
    rng = np.random.default_rng([seed, 5])
    if name == "Polynomial":
        c = rng.normal(size=rng.integers(1, 6))
        return impl.Polynomial(tuple(float(a) for a in c)), lambda x: sum(a * x**k for k, a in enumerate(c)), ()
    if name == "Sine":
        omega, phase = float(rng.uniform(-6, 6)), float(rng.uniform(-3, 3))
        return impl.Sine(omega, phase), lambda x: np.sin(omega * x + phase), ()
    if name == "Exponential":
        rate = float(rng.uniform(-2, 2))
        return impl.Exponential(rate), lambda x: np.exp(rate * x), ()
    if name == "step":
        at = float(rng.uniform(-0.4, 0.4))
        return (lambda x: np.where(x > at, 1.0, 0.0)), (lambda x: np.where(x > at, 1.0, 0.0)), (at,)
    return TARGETS[name], TARGETS[name], ()


@claim(
    "E13", source="derived: differentiation under the integral", tolerance=1.0, draws=50, n=Integer(1, 6), form=FORM,
    target=Choice("step", "sin", "exp", "sin 3", "Polynomial", "Sine", "Exponential"), density=Choice("none", "wave"),
    constant=Choice(False, True), seed=Seed(),
    catches="the factor v_j; a spurious boundary term; 2 missing; the density in the value alone; a neuron with w = 0; a "
    "gradient in another form; division by the length of the interval; breaks of the target ignored",
)  # fmt: skip
def exact_gradients_are_the_derivatives_of_exact_risks(impl, n, form, target, density, constant, seed):
    """∫ (R − f)² h over an interval and its gradient are exact, where no two break points meet; a neuron with w = 0 is constant."""
    net = network(1, n, seed, skip=form == "residual")
    if constant:
        net = net._replace(W=frozen(np.where(np.arange(n)[:, None] == 0, 0.0, net.W)))
        assume(abs(net.b[0]) > 0.02)
    given, f, cuts = target_of(impl, target, seed)
    assume(apart([-1.0, 1.0, *breaks(net), *cuts], 0.02) and max([0.0, *np.abs(breaks(net))]) < 0.99)
    h, params = DENSITIES[density], written(net, form)
    more = {**({"density": h} if h else {}), **({"breaks": cuts} if cuts else {})}
    value, gradient = impl.exact_risk(params, given, INTERVAL, **more)
    direction = unit(len(ravel(net)[0]), seed)

    def own(p):
        return paper.risk(p, f, h, *INTERVAL, cuts)

    size = (1 + paper.size_of_terms(net, np.array(INTERVAL))) ** 2
    steep = size * (1 + float(np.max(1 / np.maximum(np.abs(net.W[net.W != 0]), 0.1), initial=1.0)))
    return max(
        abs(float(value) - own(net)) / (1e-12 * size),
        abs(float(flat(gradient) @ direction) - slope(own, net, direction)) / (1e-7 * steep),
        2.0 * (not same_form(gradient, params)),
    )


@claim(
    "E22", source="derived: symmetries of the response", tolerance=1.0, draws=30, m=Choice(1, 2), n=Integer(1, 6),
    target=Choice("first", "second"), seed=Seed(),
    catches="a gradient without v_j; thresholds that are divided by |w_j| once too often; neurons of one side only; a rule that "
    "sees the order of the neurons",
)  # fmt: skip
def risks_do_not_see_scaling_or_order(impl, m, n, target, seed):
    """Permuting neurons, (w, b, v) to (sw, sb, v/s), leave the risk as it is; ⟨w, dE/dw⟩ + b dE/db = v dE/dv for each neuron."""
    net, rng = network(m, n, seed), np.random.default_rng([seed, 1])
    f = (TARGETS if m == 1 else PLANE_TARGETS)[
        {1: {"first": "sin", "second": "exp"}, 2: {"first": "wave", "second": "bowl"}}[m][target]
    ]
    domain = INTERVAL if m == 1 else SQUARE
    s, order = np.exp(rng.uniform(-2, 2, n)), rng.permutation(n)
    other = Shallow(frozen((s[:, None] * net.W)[order]), frozen((s * net.b)[order]), frozen((net.v / s)[order]), net.c)
    value, gradient = impl.exact_risk(net, f, domain)
    again, turned = impl.exact_risk(other, f, domain)
    dW, db, dv = gradient[:3]
    size = (1 + paper.size_of_terms(net, np.ones((1, m)))) ** 2
    scaled = np.asarray(turned[0]) * s[order][:, None], np.asarray(turned[1]) * s[order], np.asarray(turned[2]) / s[order]
    expected = np.asarray(dW)[order], np.asarray(db)[order], np.asarray(dv)[order]
    rounding = 1e-12 if m == 1 else 1e-10  # in another order triangles are others, with ten nodes a side or more
    euler = np.sum(net.W * dW, axis=1) + net.b * db - net.v * dv
    return max(
        abs(float(value) - float(again)) / (rounding * size),
        *(float(np.max(np.abs(a - e))) / (10 * rounding * size) for a, e in zip(scaled, expected, strict=True)),
        float(np.max(np.abs(euler))) / (1e-10 * size),
    )


@claim(
    "E23", source="definition", tolerance=1e-14, m=Integer(1, 4), n=Integer(0, 6), points=Integer(1, 5), form=FORM,
    constant=Choice(False, True), seed=Seed(),
    catches="|z| for z⁺; no skip; no c; a leak; thresholds subtracted; a neuron with w = 0 left out; x (n,) taken for one point",
)  # fmt: skip
def responses_are_sums_of_neurons(impl, m, n, points, form, constant, seed):
    """The response is c + a·x + Σ v_j (w_j·x + b_j)⁺ in each form that parameters come in; x (n,) will do in one dimension."""
    net = network(m, n, seed, skip=form == "residual")
    if constant:
        net = net._replace(W=frozen(np.where(np.arange(n)[:, None] == 0, 0.0, net.W)))
    X = frozen(np.random.default_rng([seed, 2]).normal(size=(points, m)) * 2)
    got = np.asarray(impl.response(written(net, form), X if m > 1 or seed % 2 else X[:, 0]))
    if got.shape != (points,) or got.dtype != np.float64:
        return np.inf
    return float(np.max(np.abs(got - paper.response(net, X)))) / (1 + paper.size_of_terms(net, X))


@claim(
    "E24", source="derived: moments in closed form", tolerance=1e-12, kind=Choice("Polynomial", "Sine", "Exponential"),
    low=Floats(-2, 1.5), length=Floats(0.01, 3), seed=Seed(),
    catches="∫ x f without its second part; ∫ f² of a sine without its wave; a phase; the sign of a frequency or a rate below 0",
)  # fmt: skip
def moments_have_closed_forms(impl, kind, low, length, seed):
    """∫ f, ∫ x f and ∫ f² over an interval, for polynomials, sines and exponentials."""
    rng, high = np.random.default_rng([seed, 5]), low + length
    if kind == "Polynomial":
        given, f, _ = target_of(impl, kind, seed)
    else:
        rate = float(rng.choice([0.5, 0.7, -2.5, 5.0]))
        phase = float(rng.choice([0.0, 0.4, -2.0]))
        given = impl.Sine(rate, phase) if kind == "Sine" else impl.Exponential(rate)
        f = (lambda x: np.sin(rate * x + phase)) if kind == "Sine" else (lambda x: np.exp(rate * x))
    x = np.linspace(low, high, 7)
    top = float(np.max(np.abs(f(x)))) + 1e-3
    scale = length * top * np.array([1, 1 + max(abs(low), abs(high)), top])
    own = [integral(g, low, high) for g in (f, lambda x: x * f(x), lambda x: f(x) ** 2)]
    values = float(np.max(np.abs(np.asarray(given(x)) - f(x)))) / top
    return max(values, float(np.max(np.abs(np.array([float(M) for M in given.moments(low, high)]) - own) / scale)))


@claim(
    "E25", source="Gauss's rule", tolerance=1e-13, q=Integer(1, 20), pieces=Integer(1, 5), seed=Seed(),
    catches="nodes of the whole interval; weights of (−1, 1); a degree less; pieces in one row",
)  # fmt: skip
def interval_nodes_integrate_polynomials(impl, q, pieces, seed):
    """On each piece between the cuts q nodes integrate polynomials up to degree 2q − 1 exactly."""
    rng = np.random.default_rng(seed)
    cuts = np.cumsum([rng.uniform(-1, 1), *rng.uniform(0.01, 1, pieces)])
    points, weights = (np.asarray(a) for a in impl.interval_nodes(frozen(cuts), q))
    if points.shape != (pieces, q) or np.broadcast_shapes(points.shape, weights.shape) != points.shape:
        return np.inf
    low, length = cuts[:-1, None], np.diff(cuts)[:, None]
    t = (points - low) / length  # in (0, 1)
    gaps = [np.sum(weights * t**k, axis=1) / length[:, 0] - 1 / (k + 1) for k in range(2 * q)]
    return max(float(np.max(np.abs(gaps))), float(np.any((t <= 0) | (t >= 1))))


# ---- polygons
def monomials(X, degree):
    """x^i y^j for i + j <= degree, each a column."""
    return np.column_stack([X[:, 0] ** i * X[:, 1] ** j for i in range(degree + 1) for j in range(degree + 1 - i)])


def lines(K, polygon, rng, outside):
    """Planes through random points of the polygon, not normalised; one that misses it, if wanted."""
    angle = rng.uniform(0, 2 * np.pi, K)
    share = rng.dirichlet(np.ones(len(polygon)), K)
    u = np.column_stack([np.cos(angle), np.sin(angle)])
    beta = -np.sum(u * (share @ polygon), axis=1)
    if outside and K:
        beta[0] = 3.0
    s = np.exp(rng.uniform(-1, 1, K))
    return frozen(s[:, None] * u), frozen(s * beta)


def general(polygon, u, beta):
    """Number of cells, by counting: 1, and 1 for each line that meets the interior, and 1 for each crossing inside. Draws are
    rejected where three lines nearly meet, or one passes near a corner: there the number is a matter of rounding."""
    r = np.sqrt(np.sum(u * u, axis=1))
    u, beta = u / r[:, None], beta / r
    heights = u @ polygon.T + beta[:, None]
    assume(np.all(np.abs(heights) > 1e-3))
    through = (heights.min(axis=1) < 0) & (heights.max(axis=1) > 0)
    count = 1 + int(np.sum(through))
    normals = np.array([[-(q - p)[1], (q - p)[0]] for p, q in edges(polygon)])
    for i in np.flatnonzero(through):
        for j in np.flatnonzero(through[:i]):
            D = u[i, 0] * u[j, 1] - u[i, 1] * u[j, 0]
            assume(abs(D) > 1e-3)
            x = np.array([u[i, 1] * beta[j] - u[j, 1] * beta[i], u[j, 0] * beta[i] - u[i, 0] * beta[j]]) / D
            inward = np.sum(normals * (x - polygon), axis=1)
            assume(np.all(np.abs(inward) > 1e-3))
            others = [k for k in range(len(u)) if k not in (i, j)]
            assume(np.all(np.abs(u[others] @ x + beta[others]) > 1e-3))
            count += int(np.all(inward > 0))
    return count


def by_green(polygon):
    """∫ 1, x, y, x², xy, y² over a polygon."""
    total = np.zeros(6)
    for (a, b), (c, d) in edges(polygon):
        cross = a * d - b * c
        second = a * a + a * c + c * c, (a * d + 2 * a * b + 2 * c * d + c * b) / 2, b * b + b * d + d * d
        total += cross * np.array([1 / 2, (a + c) / 6, (b + d) / 6, *(s / 12 for s in second)])
    return total


@claim(
    "E26", source="definition", tolerance=1.0, corners=Integer(3, 7), K=Integer(0, 5), outside=Choice(False, True),
    part=Choice("clip", "cells"), seed=Seed(),
    catches="a side lost; the two parts exchanged; a corner on neither side; a cell counted twice; lines that are clipped by one "
    "neighbour only; a plane that is assumed to be normalised",
)  # fmt: skip
def cells_partition_the_polygon(impl, corners, K, outside, part, seed):
    """Clipping splits a polygon by a line, all lines split it into cells that no line enters: areas and moments add up, and the
    number is right."""
    rng = np.random.default_rng(seed)
    polygon = convex_polygon(corners, rng)
    u, beta = lines(K if part == "cells" else 1, polygon, rng, outside)
    expected, whole = general(polygon, u, beta), by_green(polygon)
    if part == "clip":
        found = [np.asarray(p, float) for p in impl.clip(polygon, u[0], float(beta[0]))]
        signs = ((1,), (-1,))
        share = over_polygon(lambda X: (X @ u[0] + beta[0] > 0).astype(float), polygon, [(u[0], beta[0])])
        wrong = abs((area(found[0]) if len(found[0]) else 0.0) - float(share)) / 1e-12
    else:
        found = [np.asarray(p, float) for p in impl.cells(polygon, u, beta)]
        signs, wrong = None, 2.0 * (sum(area(p) > 1e-9 for p in found) != expected)
    if any(p.ndim != 2 or p.shape[1] != 2 for p in found):
        return np.inf
    total, entered = np.zeros(6), 0.0
    for k, p in enumerate(found):
        if not len(p):
            continue
        total += by_green(p) * (1 if by_green(p)[0] >= 0 else -1)
        heights = p @ u.T + beta
        if signs is not None:
            entered = max(entered, float(np.max(-signs[k][0] * heights)))
        elif K:
            entered = max(entered, float(np.max(np.minimum(np.max(heights, axis=0), np.max(-heights, axis=0)))))
    return max(wrong, float(np.max(np.abs(total - whole))) / 1e-12, entered / 1e-12)


@claim(
    "E27", source="derived: Duffy's map", tolerance=1e-12, draws=30, corners=Integer(3, 7), q=Integer(1, 6), way=WAY, seed=Seed(),
    catches="the Jacobian; one triangle left out; a degree that is too low; nodes outside; corners the other way round",
)  # fmt: skip
def polygon_nodes_integrate_polynomials(impl, corners, q, way, seed):
    """q × q nodes in each triangle of a polygon integrate polynomials up to degree 2q − 2 exactly, from inside."""
    polygon = convex_polygon(corners, np.random.default_rng(seed))
    X, weights = (np.asarray(a) for a in impl.polygon_nodes(polygon[::way], q))
    exact = over_polygon(partial(monomials, degree=2 * q - 2), polygon)
    normals = np.array([[-(b - a)[1], (b - a)[0]] for a, b in edges(polygon)])
    depth = min(float(np.min((X - p) @ normal)) for p, normal in zip(polygon, normals, strict=True))
    return max(float(np.max(np.abs(weights @ monomials(X, 2 * q - 2) - exact))), -depth, 2.0 * (len(X) != len(weights)))


@claim(
    "E28", source="derived: differentiation under the integral", tolerance=1.0, draws=12, n=Integer(1, 4), form=FORM,
    target=Choice(*PLANE_TARGETS), density=Choice("none", "saddle"), corners=Integer(3, 6), way=WAY, seed=Seed(),
    catches="a cell left out; one node for each cell; the density in the value alone; x and y exchanged in dW; a neuron that is "
    "affine on the polygon; a polygon taken for its bounding box; areas with the sign of the way round",
)  # fmt: skip
def exact_risks_in_the_plane(impl, n, form, target, density, corners, way, seed):
    """Over a convex polygon, too, risk and gradient are exact, whether a neuron's line meets it or not, whichever way round the
    corners are given."""
    net, rng = network(2, n, seed, skip=form == "residual", away=0.3), np.random.default_rng(seed)
    polygon, f, h = convex_polygon(corners, rng), PLANE_TARGETS[target], PLANE_DENSITIES[density]
    general(polygon, net.W, net.b)
    params = written(net, form)
    value, gradient = impl.exact_risk(params, f, polygon[::way], **({"density": h} if h else {}))
    direction = unit(len(ravel(net)[0]), seed)

    def own(p):
        return paper.plane_risk(p, f, h, polygon, nodes=12)

    f_ = [own(moved(net, direction, k * 1e-4)) for k in (-1, 1)]
    size = (1 + paper.size_of_terms(net, np.ones((1, 2)) * 1.5)) ** 2
    return max(
        abs(float(value) - own(net)) / (1e-11 * size),
        abs(float(flat(gradient) @ direction) - (f_[1] - f_[0]) / 2e-4) / (1e-6 * size),  # step² and 1e-13/step
        2.0 * (not same_form(gradient, params)),
    )
