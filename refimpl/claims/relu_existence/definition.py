"""What the claims compare with: responses neuron by neuron, integrals by adaptive quadrature between the break points, plane
integrals line by line, the laws of the jump, and splines with their errors.

Nothing here comes from the implementation under test; a network that it returns is read by its entries.

    symbol     here            shape        meaning
    l          l(x)                         x·u + β, |u| = 1: the plane H is l = 0
    g          g(x)                         the affine jump that is added where l > 0
    u, w       sides                        the residual G − f on either side of H: w = u + g
    h          DENSITIES[name]              density of the inputs
"""

from collections.abc import Callable
from itertools import pairwise
from math import exp
from typing import Any, NamedTuple

import numpy as np

from refimpl.claims.claim import Choice, assume, frozen, max
from refimpl.nn.shallow import Shallow, shallow

TARGETS: dict[str, Callable] = {
    "sin": np.sin,
    "exp": np.exp,
    "square": lambda x: x * x,
    "sin 3": lambda x: np.sin(3 * x + 1),
}
DENSITIES: dict[str, Callable | None] = {"wave": lambda x: 1 + 0.5 * np.cos(x), "none": None}
PLANE_TARGETS: dict[str, Callable] = {
    "wave": lambda x: np.sin(x[:, 0] + 2 * x[:, 1]),
    "bowl": lambda x: x[:, 0] ** 2 - x[:, 1] + 0.5 * x[:, 0] * x[:, 1] ** 2,
}
PLANE_DENSITIES: dict[str, Callable | None] = {"saddle": lambda x: 1 + 0.3 * x[:, 0] * x[:, 1], "none": None}
INTERVAL = (-1.0, 1.0)
SQUARE = frozen(np.array([[-1.0, -1], [1, -1], [1, 1], [-1, 1]]))


def density_of(h):
    """h, or 1 where there is none."""
    return (lambda x: np.ones(len(x)) if np.ndim(x) else 1.0) if h is None else h


# ---- networks
def positive(z):
    return z if z > 0 else z * 0.0


def response(params, X):
    """c + a·x + Σ v_j (w_j·x + b_j)⁺, point by point and neuron by neuron.  X (n, m) or (n,) -> (n,)."""
    net = shallow(params)[0]
    points, out = np.asarray(X, float).reshape(len(X), -1), []
    for x in points:
        y = float(net.c) + (float(np.dot(net.a, x)) if np.size(net.a) else 0.0)
        for w, b, v in zip(net.W, net.b, net.v, strict=True):
            y += v * positive(float(np.dot(w, x)) + b)
        out.append(y)
    return np.array(out)


def size_of_terms(params, X):
    """|c| + |a|·|x| + Σ |v_j| (|w_j|·|x| + |b_j|), the largest over the points: roundings are some 1e-16 of it."""
    net, X = shallow(params)[0], np.abs(np.asarray(X, float).reshape(len(X), -1))
    skip = X @ np.abs(net.a) if np.size(net.a) else 0.0
    return float(np.max(abs(net.c) + skip + (X @ np.abs(net.W).T + np.abs(net.b)) @ np.abs(net.v), initial=0.0))


def network(m, n, seed, skip=False, away=0.1):
    """A random Shallow whose |w_j| are at least `away`; the planes pass through the ball of radius 1."""
    rng = np.random.default_rng([seed, 7])
    W = rng.normal(size=(n, m))
    length = np.sqrt(np.sum(W * W, axis=1))
    W *= (np.maximum(length, away) / np.maximum(length, 1e-9))[:, None]
    assume(np.all(length > 1e-6))
    b = rng.uniform(-0.95, 0.95, n) * np.sqrt(np.sum(W * W, axis=1))
    v, c, a = rng.normal(size=n), rng.normal(), rng.normal(size=m)
    return Shallow(frozen(W), frozen(b), frozen(v), frozen(np.array(c)), frozen(a) if skip else ())


def breaks(net):
    """−b_j/w_j of the neurons that have one, in one dimension."""
    return [float(-b / w) for w, b in zip(net.W[:, 0], net.b, strict=True) if w != 0]


def apart(values, least):
    """Are all the numbers at least so far from each other?"""
    return bool(np.all(np.diff(np.sort(values)) >= least))


# ---- integrals over an interval
def integral(f, low, high, cuts=()):
    """∫ f by adaptive Gauss-Kronrod between the cuts, to some 1e-13; f takes and gives one number."""
    from scipy.integrate import quad

    ends = [low, *sorted(float(t) for t in cuts if low < t < high), high]
    pieces = pairwise(ends)
    return sum(quad(f, s, t, epsabs=1e-14, epsrel=1e-13, limit=200, full_output=1)[0] for s, t in pieces)


def risk(net, f, h, low, high, cuts=()):
    """∫ (R − f)² h over an interval, cut at the break points."""
    weight, W, b, v = density_of(h), net.W[:, 0], net.b, net.v
    c, a = float(net.c), float(net.a[0]) if np.size(net.a) else 0.0

    def squared(x):
        return (c + a * x + float(np.sum(v * np.maximum(W * x + b, 0))) - float(f(x))) ** 2 * float(weight(x))

    return integral(squared, low, high, [*breaks(net), *cuts])


# ---- one jump on an interval
class Jump(NamedTuple):
    """G = slope x + constant + 1{side (x − xi) > 0} (rise x + offset) against a target, on an interval with a density."""

    xi: float
    side: int
    slope: float
    constant: float
    rise: float
    offset: float
    target: str
    density: str
    low: float = -1.0
    high: float = 1.0

    def g(self, x):
        return self.rise * x + self.offset

    def base(self, x):
        return self.slope * x + self.constant

    def f(self, x):
        return TARGETS[self.target](x)

    def h(self, x):
        return density_of(DENSITIES[self.density])(x)

    def __call__(self, x):
        return self.base(x) + np.where(self.side * (x - self.xi) > 0, self.g(x), 0.0)

    @property
    def domain(self):
        return self.low, self.high

    @property
    def sides(self):
        """u, w, g and h at the jump."""
        u = float(self.base(self.xi) - self.f(self.xi))
        return u, u + self.g(self.xi), self.g(self.xi), float(self.h(self.xi))

    def generalized(self, impl, length=1.0):
        """The same as the implementation takes it; the plane may be given by a multiple of it."""
        row = length * self.side * np.ones((1, 1))
        beta = np.array([-length * self.side * self.xi])
        jump = np.array([[self.rise]]), np.array([self.offset])
        return impl.generalized(np.array([self.slope]), self.constant, row, beta, *jump)

    def given(self):
        """What functions of the implementation take besides: target, domain, and the density if there is one."""
        h = DENSITIES[self.density]
        return (TARGETS[self.target], self.domain), ({} if h is None else {"density": h})

    def ramp(self, x, T, q=None):
        """N_T, in the ramp's three pieces: no difference of large numbers. q None: centred."""
        l, g = self.side * (x - self.xi), self.g(x)
        first = l + (g / 2 if q is None else q) / T
        second = first - g / T
        return self.base(x) + T * (np.where(first > 0, first, 0.0) - np.where(second > 0, second, 0.0))

    def wedge(self, T, q=None):
        """Where the two neurons of the ramp break, and the jump: all differences between N_T and G lie between them."""
        z = self.side * self.xi  # first: (side + p/T) x = z − r/T, q = p x + r
        p, r = (self.rise / 2, self.offset / 2) if q is None else (0.0, q)
        lines = ((p, r), (p - self.rise, r - self.offset))
        return sorted([self.xi, *((z - r / T) / (self.side + p / T) for p, r in lines)])

    def change(self, T, q=None, L=lambda r: r * r, weight=None):
        """∫ L(N_T − f) h − ∫ L(G − f) h, over the wedge; h may be another."""
        at = self.wedge(T, q)
        assume(at[0] > self.low and at[-1] < self.high)

        def gain(x):
            f = float(self.f(x))
            return (L(float(self.ramp(x, T, q)) - f) - L(float(self(x)) - f)) * float((weight or self.h)(x))

        return integral(gain, at[0], at[-1], [at[1]])


def jump(xi, side, target, density, seed, least=0.1):
    """A random jump at xi of at least that height; slopes and constants from −2 to 2."""
    slope, constant, rise, offset = np.random.default_rng([seed, 3]).uniform(-2, 2, 4)
    found = Jump(xi, side, float(slope), float(constant), float(rise), float(offset), target, density)
    assume(abs(found.g(xi)) >= least)
    return found


WORKED = Jump(0.2, 1, -0.5, -0.3, 0.6, 0.8, "sin", "wave")  # the numbers are in the claim


# ---- one jump in the plane
class PlaneJump(NamedTuple):
    """G = a·x + c + 1{u·x + beta > 0} (slope·x + offset) on a convex polygon, |u| = 1."""

    a: np.ndarray
    c: float
    u: np.ndarray
    beta: float
    slope: np.ndarray
    offset: float
    target: str
    density: str
    polygon: np.ndarray

    def g(self, X):
        return X @ self.slope + self.offset

    def generalized(self, impl, length=1.0):
        plane = length * self.u[None], np.array([length * self.beta])
        return impl.generalized(self.a, self.c, *plane, self.slope[None], np.array([self.offset]))

    def given(self):
        h = PLANE_DENSITIES[self.density]
        return (PLANE_TARGETS[self.target], self.polygon), ({} if h is None else {"density": h})

    def along(self, of):
        """∫ over H of of(u, w, g) h dS, cut where g is 0."""
        start, along, (low, high) = -self.beta * self.u, np.array([-self.u[1], self.u[0]]), self.segment()
        h, f = density_of(PLANE_DENSITIES[self.density]), PLANE_TARGETS[self.target]

        def at(s):
            x = (start + s * along)[None]
            g, u = float(self.g(x)[0]), float((x @ self.a + self.c - f(x))[0])
            return of(u, u + g, g) * float(h(x)[0])

        tilt = float(along @ self.slope)
        return integral(at, low, high, [-float(self.g(start[None])[0]) / tilt] if tilt else [])

    def segment(self):
        """Where H enters and leaves the polygon, as multiples of the unit vector along it."""
        start, along, low, high = -self.beta * self.u, np.array([-self.u[1], self.u[0]]), -np.inf, np.inf
        for p, q in edges(self.polygon):
            inward = np.array([-(q - p)[1], (q - p)[0]])
            rate, height = inward @ along, inward @ (p - start)  # inside: rate s >= height
            if abs(rate) > 1e-12:
                low, high = (max(low, height / rate), high) if rate > 0 else (low, min(high, height / rate))
        return low, high


def plane_jump(target, density, seed, polygon=SQUARE):
    """A random one that meets the polygon along 0.5 or more."""
    rng = np.random.default_rng([seed, 4])
    angle, beta = rng.uniform(0, 2 * np.pi), rng.uniform(-0.7, 0.7)
    u = np.array([np.cos(angle), np.sin(angle)])
    numbers = rng.uniform(-1.5, 1.5, 6)
    found = PlaneJump(
        frozen(numbers[:2]), float(numbers[2]), u, float(beta), frozen(numbers[3:5]), float(numbers[5]), target, density, polygon
    )
    low, high = found.segment()
    assume(high - low > 0.5)
    return found


# ---- polygons, counter-clockwise
def edges(polygon):
    """(p, q) of each side."""
    return zip(polygon, np.roll(polygon, -1, axis=0), strict=True)


def area(polygon):
    """By Green's theorem; 0 for fewer than three vertices."""
    return abs(sum(p[0] * q[1] - p[1] * q[0] for p, q in edges(polygon))) / 2 if len(polygon) > 2 else 0.0


def convex_polygon(corners, rng):
    """Corners on an ellipse, counter-clockwise, at angles that are off a regular polygon's by up to a quarter of its own."""
    angles = 2 * np.pi * (np.arange(corners) + rng.uniform(-0.25, 0.25, corners)) / corners + rng.uniform(0, 2 * np.pi)
    return frozen(np.column_stack([1.3 * np.cos(angles) + 0.2, np.sin(angles) - 0.1]))


def over_polygon(f, polygon, lines=(), nodes=16):
    """∫ f over a convex polygon by Fubini: x is cut wherever two lines or sides meet, y at every line.  f: (n, 2) -> (n, ...).

    Between the cuts f is smooth in y and its integral over y is smooth in x, so that Gauss's rule is exact to rounding.
    """
    t, weight = np.polynomial.legendre.leggauss(nodes)
    t, weight = (t + 1) / 2, weight / 2
    sides = [(np.array([p[1] - q[1], q[0] - p[0]]), p[1] * (p[0] - q[0]) + p[0] * (q[1] - p[1])) for p, q in edges(polygon)]
    planes = [(np.asarray(u, float), float(beta)) for u, beta in lines]
    cuts = list(polygon[:, 0])
    for i, (u, beta) in enumerate(planes):
        for w, gamma in sides + planes[:i]:
            if abs(D := u[0] * w[1] - u[1] * w[0]) > 1e-13:
                cuts.append((u[1] * gamma - w[1] * beta) / D)
        if u[1] == 0:
            cuts.append(-beta / u[0])
    xs = np.unique(np.clip(cuts, np.min(polygon[:, 0]), np.max(polygon[:, 0])))
    total: Any = 0.0
    for low, high in pairwise(xs):
        x, middle = low + (high - low) * t, (low + high) / 2

        def height(line, x):
            return -(line[1] + line[0][0] * x) / line[0][1]

        crossing = [s for s in sides if s[0][1] != 0]
        floor = max([height(s, middle) for s in crossing if s[0][1] > 0])
        ceiling = min(height(s, middle) for s in crossing if s[0][1] < 0)
        through = sorted(
            (p for p in [*crossing, *planes] if p[0][1] != 0 and floor <= height(p, middle) <= ceiling),
            key=lambda line: height(line, middle),
        )
        for below, above in pairwise(through):
            y0, y1 = height(below, x), height(above, x)
            Y = y0[:, None] + (y1 - y0)[:, None] * t
            points = np.column_stack([np.repeat(x, nodes), Y.ravel()])
            share = (high - low) * weight[:, None] * (y1 - y0)[:, None] * weight
            total = total + np.tensordot(share.ravel(), f(points), axes=(0, 0))
    return total


def plane_risk(net, f, h, polygon, nodes=16):
    """∫ (R − f)² h over a polygon."""
    weight = density_of(h)
    lines = [(w, b) for w, b in zip(net.W, net.b, strict=True)]

    def squared(X):
        y = float(net.c) + (X @ net.a if np.size(net.a) else 0.0) + np.maximum(X @ net.W.T + net.b, 0) @ net.v
        return (y - f(X)) ** 2 * weight(X)

    return float(over_polygon(squared, polygon, lines, nodes))


# ---- splines
def spline_error(knots, values, f, cuts=()):
    """∫ (s − f)² of the continuous piecewise linear function through (knots, values)."""
    knots, values = np.asarray(knots, float), np.asarray(values, float)
    return integral(lambda x: (float(np.interp(x, knots, values)) - float(f(x))) ** 2, knots[0], knots[-1], [*knots[1:-1], *cuts])


def hats(knots, x):
    """Values at x of the functions that are 1 at one knot and 0 at the others, linear between.  -> (len(x), len(knots))."""
    return np.array([np.interp(x, knots, e) for e in np.eye(len(knots))]).T


def best_values(knots, f, nodes=20, constraint=None):
    """Error and values of the best continuous piecewise linear function with these knots, by Gauss's rule on each piece and least
    squares; a constraint is a vector that the values are orthogonal to."""
    knots = np.asarray(knots, float)
    t, weight = np.polynomial.legendre.leggauss(nodes)
    x = np.concatenate([(p + q) / 2 + (q - p) / 2 * t for p, q in pairwise(knots)])
    root = np.sqrt(np.concatenate([(q - p) / 2 * weight for p, q in pairwise(knots)]))
    A, y = root[:, None] * hats(knots, x), root * f(x)
    Z = np.eye(len(knots)) if constraint is None else np.linalg.svd(np.asarray(constraint, float)[None])[2][1:].T
    z = np.linalg.lstsq(A @ Z, y, rcond=None)[0]
    return float(np.sum((A @ Z @ z - y) ** 2)), Z @ z


def slopes_of(knots, values):
    """Slope of the first piece, and the change of slope at each inner knot."""
    slope = np.diff(values) / np.diff(knots)
    return float(slope[0]), np.diff(slope)


# ---- weight decay
def rows(x):
    """x̃_i = (x_i, 1)."""
    return np.column_stack([x, np.ones(len(x))])


def sweep(nu, x, directions):
    """max over equispaced directions of |νᵀ(X̃ u)⁺|."""
    angle = 2 * np.pi * np.arange(directions) / directions
    return float(np.max(np.abs(nu @ np.maximum(rows(x) @ np.array([np.cos(angle), np.sin(angle)]), 0))))


def sigmoid(z):
    return 1 / (1 + exp(-z)) if z > 0 else exp(z) / (1 + exp(z))


SIGN = Choice(1, -1)
