"""Claims on replacing a jump by a ramp of two neurons, and what that does to the risk: E1 to E5, E14, E16, E18, E19.

Predictions are held to the formula of the law, measurements to an integral over the wedge alone, where ramp and jump differ; both
together to the law's own remainder, which is of order 1/T. Residuals are in units of what is allowed.
"""

import numpy as np

from refimpl.claims.claim import Choice, Floats, Seed, assume, claim, max
from refimpl.claims.relu_existence import definition as paper
from refimpl.claims.relu_existence.definition import (
    PLANE_TARGETS,
    SIGN,
    TARGETS,
    WORKED,
    integral,
    jump,
    plane_jump,
)
from refimpl.nn.shallow import shallow

XI, LENGTH = Floats(-0.5, 0.5), Choice(1.0, 2.5, 0.3)
STEEP = Choice(1e3, 1e4)
TARGET, DENSITY = Choice("sin", "exp", "square"), Choice("none", "wave")
PLANE_TARGET, PLANE_DENSITY = Choice(*PLANE_TARGETS), Choice("none", "saddle")
ROUND = 1e-12  # of a law: a handful of operations, and Gauss's rule or an adaptive one


def off(got, expected, allowed):
    """|got − expected| in units of what is allowed; got must be one finite number."""
    return abs(float(got) - expected) / allowed


def rounding(T, power=2):
    """What T^(power − 1) times a difference of two risks may lose: in a ramp's response two terms of order T cancel."""
    return 1e-14 * T**power


# ---- squared risk
@claim(
    "E1", source="derived: law of the centred ramp", tolerance=1.0, xi=XI, side=SIGN, length=LENGTH, target=TARGET,
    density=DENSITY, T=STEEP, seed=Seed(), draws=30,
    catches="coefficient 1/3 or 1/12; no density; a fixed grid, which misses the wedge; a plane that is not normalised; a ramp "
    "that is not centred; the law returned as measured",
)  # fmt: skip
def centred_ramps_lower_the_risk(impl, xi, side, length, target, density, T, seed):
    """A centred ramp of slope T in place of a jump g changes the squared risk by −|g|³h/(6T) + o(1/T), whatever the continuous
    target."""
    J = jump(xi, side, target, density, seed)
    G, (given, h) = J.generalized(impl, length), J.given()
    _, _, g, at = J.sides
    law, change = -(abs(g) ** 3) * at / 6, T * J.change(T)
    allowed = 20 * (1 + abs(g) ** 4) / T
    got = impl.risk_law(G, T, *given, **h)
    net = impl.ramp(G, T)
    before = integral(lambda x: (float(J(x)) - float(J.f(x))) ** 2 * float(J.h(x)), J.low, J.high, [xi])
    ends = J.wedge(T)
    x = np.concatenate([np.linspace(J.low, J.high, 9), np.linspace(ends[0], ends[-1], 9)])
    cancelled = 1e-14 * T  # two terms of order T cancel, at each point
    return max(
        off(got.predicted, law, ROUND * abs(law)),
        off(got.measured, change, rounding(T)),
        off(got.measured, law, allowed),
        float(np.max(np.abs(paper.response(net, x) - J.ramp(x, T)))) / cancelled,
        off(float(impl.exact_risk(net, *given, **h)[0]), before + change / T, cancelled * (1 + before)),
        off(impl.generalized_risk(G, *given, **h), before, ROUND * (1 + before)),
    )


@claim(
    "E2", source="derived: law of the centred ramp", tolerance=1.0, draws=12, length=LENGTH, target=PLANE_TARGET,
    density=PLANE_DENSITY, T=Choice(300.0, 3000.0), seed=Seed(),
    catches="an integral along the line by another measure than arc length; a plane that is not normalised; g signed; the "
    "density at one point; a grid of points",
)  # fmt: skip
def centred_ramps_lower_the_risk_in_the_plane(impl, length, target, density, T, seed):
    """In two dimensions a centred ramp changes the squared risk by −(1/6T) ∫ |g|³ h dS over the line of the jump."""
    J = plane_jump(target, density, seed)
    G, (given, h) = J.generalized(impl, length), J.given()
    law = J.along(lambda u, w, g: -(abs(g) ** 3) / 6)
    tall = float(np.max(np.abs(J.g(J.polygon))))
    got = impl.risk_law(G, T, *given, **h)
    net = shallow(impl.ramp(G, T))[0]
    after, before = float(impl.exact_risk(net, *given, **h)[0]), float(impl.generalized_risk(G, *given, **h))
    return max(
        off(got.predicted, law, 1e-11 * (1 + abs(law))),
        off(got.measured, law, 20 * (1 + tall**4) / T),
        off(got.measured, T * (after - before), 1e-9 * T * (1 + after)),
        off(after, paper.plane_risk(net, given[0], h.get("density"), J.polygon), 1e-9 * (1 + after)),  # ten nodes a side are enough
    )


@claim(
    "E3", source="derived: law of the placement", tolerance=1.0, xi=XI, side=SIGN, target=TARGET, density=DENSITY, T=STEEP,
    q=Floats(-2, 2), seed=Seed(),
    catches="that any ramp improves; w² − u² the other way round; q + g/2; a ramp whose second threshold ignores q",
)  # fmt: skip
def placement_decides_whether_a_ramp_helps(impl, xi, side, target, density, T, q, seed):
    """A ramp through q at the jump adds (q − g/2)(w² − u²)h to the law: of either sign, so that not every ramp improves."""
    J = jump(xi, side, target, density, seed)
    G, (given, h) = J.generalized(impl), J.given()
    u, w, g, at = J.sides
    law, change = (-(abs(g) ** 3) / 6 + (q - g / 2) * (w * w - u * u)) * at, T * J.change(T, q)
    scale = (1 + max(abs(u), abs(w))) ** 2 * (1 + abs(q) + abs(g)) ** 2
    got = impl.risk_law(G, T, *given, q=q, **h)
    net = shallow(impl.ramp(G, T, q))[0]
    ends = J.wedge(T, q)
    x = np.linspace(ends[0], ends[-1], 9)
    return max(
        off(got.predicted, law, ROUND * scale),
        off(got.measured, change, rounding(T) * (1 + abs(q))),
        off(got.measured, law, 5 * scale / T),
        float(np.max(np.abs(paper.response(net, x) - J.ramp(x, T, q)))) / (1e-14 * T * (1 + abs(q))),
    )


# ---- distances
@claim(
    "E4", source="derived: distance of the ramp from the jump", tolerance=1.0, xi=XI, side=SIGN, length=LENGTH, density=DENSITY,
    T=STEEP, p=Choice(1, 2, 3, 4), seed=Seed(),
    catches="uniform convergence; exponent p for p + 1; 2^(p+1); the p-th root taken; no density",
)  # fmt: skip
def ramps_converge_in_mean_and_not_uniformly(impl, xi, side, length, density, T, p, seed):
    """‖N_T − jump‖_p^p is |g|^(p+1) h/(2^p (p+1) T) + o(1/T), while the largest distance stays |g|/2."""
    J = jump(xi, side, "sin", density, seed)
    G, h = J.generalized(impl, length), J.given()[1]
    _, _, g, at = J.sides
    law = abs(g) ** (p + 1) * at / (2**p * (p + 1))
    ends = J.wedge(T)
    change = T * integral(lambda x: abs(float(J.ramp(x, T) - J(x))) ** p * float(J.h(x)), ends[0], ends[-1], ends)
    got = impl.distance_law(G, T, J.domain, p=p, **h)
    net = shallow(impl.ramp(G, T))[0]
    x = np.concatenate([xi + 1e-9 * np.array([-1, 1]), np.linspace(ends[0], ends[-1], 40)])
    farthest = float(np.max(np.abs(paper.response(net, x) - J(x)))) / abs(g)
    return max(
        off(got.predicted, law, ROUND * law),
        off(got.measured, change, 1e-6 * change + rounding(T)),  # odd p: |N − jump| has kinks, where a rule may lose digits
        off(got.measured, law, 20 * (1 + abs(g)) ** (p + 2) / T),
        off(farthest, 0.5, 0.01),
    )


@claim(
    "E5", source="derived: the ramp is exact beyond its wedge", tolerance=1.0, xi=XI, side=SIGN, length=LENGTH,
    T=Floats(10, 1e6, log=True), placed=Choice("centred", "at q"), q=Floats(-2, 2), seed=Seed(),
    catches="the second threshold with the wrong sign; g for g/T; a slope that is added on both sides; the skip left out",
)  # fmt: skip
def ramps_are_exact_beyond_their_wedge(impl, xi, side, length, T, placed, q, seed):
    """Before its wedge the ramp adds exactly 0, beyond it exactly g: two neurons, which cancel to rounding, T times that of 1."""
    J, q = jump(xi, side, "sin", "none", seed), q if placed == "at q" else None
    assume(abs(J.rise) + 2 < T / 2)
    G, ends = J.generalized(impl, length), J.wedge(T, q)
    net = shallow(impl.ramp(G, T) if q is None else impl.ramp(G, T, q))[0]
    wide = 1e-3 * (ends[-1] - ends[0])
    x = np.array([-2, -0.9, ends[0] - wide, ends[0] - 1, ends[-1] + wide, ends[-1] + 1, 0.9, 2])
    x = x[(x < ends[0]) | (x > ends[-1])]
    return max(
        float(np.max(np.abs(paper.response(net, x) - J(x)))) / (1e-12 * T),
        float(np.max(np.abs(np.asarray(impl.response(net, x)) - J(x)))) / (1e-12 * T),
        abs(len(net.v) - 2.0) * 2,
    )


# ---- the shape of the jump
@claim(
    "E14", source="derived: shape derivative", tolerance=1.0, draws=25, space=Choice("line", "plane"), xi=XI, side=SIGN,
    target=TARGET, density=Choice("plain", "varying"), seed=Seed(),
    catches="the sign; no density; twice as much; the boundary term left out",
)  # fmt: skip
def moving_a_jump_changes_the_risk(impl, space, xi, side, target, density, seed):
    """Moving the plane, l to l − t, changes the risk at the rate ∫ (u² − w²) h dS: by finite differences, too."""
    if space == "line":
        J = jump(xi, side, target, "wave" if density == "varying" else "none", seed)
        u, w, _, at = J.sides
        rate = (u * u - w * w) * at
        moved = [J._replace(xi=J.xi + side * t) for t in (1e-5, -1e-5)]
    else:
        J = plane_jump("wave", "saddle" if density == "varying" else "none", seed)
        rate = J.along(lambda u, w, g: u * u - w * w)
        moved = [J._replace(beta=J.beta - t) for t in (1e-5, -1e-5)]
    given, h = J.given()
    up, down = (float(impl.generalized_risk(K.generalized(impl), *given, **h)) for K in moved)
    got = impl.shape_law(J.generalized(impl, 2.0), *given, **h)
    scale = 1 + abs(rate) + up
    return max(
        off(got.predicted, rate, 1e-11 * scale),
        off(got.measured, rate, 1e-7 * scale),
        off((up - down) / 2e-5, rate, 1e-7 * scale),  # t² and 1e-16/t are 1e-10 and 1e-11
    )


# ---- other losses
LOSSES = {
    "fourth power": (lambda r: r**4, 4.0),
    "power 1.5": (lambda r: np.abs(r) ** 1.5, 1.5),
    "log cosh": (lambda r: np.log(np.cosh(r)), 1.0),
    "square": (lambda r: r * r, 2.0),
}


def loss_law(u, g, h, L):
    """|g| [∫₀¹ L(u + s g) ds − (L(u) + L(u + g))/2] h, the integral cut where the residual is 0."""
    mean = integral(lambda s: float(L(u + s * g)), 0.0, 1.0, [-u / g])
    return abs(g) * (mean - (float(L(u)) + float(L(u + g))) / 2) * h


@claim(
    "E16", source="derived: law for convex losses", tolerance=1.0, xi=XI, side=SIGN, target=TARGET, density=DENSITY, T=STEEP,
    loss=Choice(*LOSSES), seed=Seed(),
    catches="the mean of L(u) and L(w) at the middle, L((u + w)/2); Simpson's rule for |r|^1.5; no density; g without its "
    "modulus",
)  # fmt: skip
def ramps_help_for_every_convex_loss(impl, xi, side, target, density, T, loss, seed):
    """For a convex loss L a centred ramp changes the risk by |g| (∫ L(u + sg) ds − (L(u) + L(w))/2) h/T, never upwards."""
    J, (L, p) = jump(xi, side, target, density, seed), LOSSES[loss]
    (given, h), (u, w, g, at) = J.given(), J.sides
    law, change = loss_law(u, g, at, L), T * J.change(T, L=L)
    scale = (1 + max(abs(u), abs(w))) ** p * (1 + abs(g)) ** 2
    got = impl.loss_law(J.generalized(impl), T, *given, L, **h)
    return max(
        off(got.predicted, law, (1e-6 if loss == "power 1.5" else 1e-11) * scale),  # |r|^1.5 is no smooth function
        off(got.measured, change, (1e-6 if loss == "power 1.5" else 1e-11) * scale + rounding(T) * scale),
        off(got.measured, law, 2 * scale / T),
        float(got.predicted) / (1e-6 * scale),
    )


@claim(
    "E18", source="derived: law where the density touches 0", tolerance=1.0, draws=30, xi=XI, side=SIGN, target=TARGET,
    T=Choice(100.0, 1000.0), seed=Seed(),
    catches="no gain where the density is 0; T for T²; |g|³; 1/16 or 1/64 for 1/32",
)  # fmt: skip
def ramps_help_where_the_density_touches_zero(impl, xi, side, target, T, seed):
    """Where the density is |x − ξ| at the jump ξ, a centred ramp still lowers the squared risk: by g⁴/(32T²) + o(T⁻²)."""
    J = jump(xi, side, target, "none", seed, least=0.3)
    u, w, g, _ = J.sides
    assume(max(abs(t - xi) for t in J.wedge(T)) < 0.4)
    law, change = -(g**4) / 32, T * T * J.change(T, weight=lambda x: abs(x - xi))
    got = impl.touching_law(J.generalized(impl), T, TARGETS[target], 0.4)
    return max(
        off(got.predicted, law, ROUND * abs(law)),
        off(got.measured, change, rounding(T, 3) + 1e-9 * abs(change)),
        off(got.measured, law, 20 * (1 + max(abs(u), abs(w))) ** 2 * (1 + abs(g)) ** 4 / T),
    )


# ---- the worked example
@claim(
    "E19", source="derived: worked example, six figures measured before", tolerance=1.0,
    what=Choice("risk", "0.0", "0.5", "-1.0", "2.0", "fourth power", "power 1.5", "log cosh", "shape", "1", "2", "3", "4"),
    catches="any constant of a law; measured and predicted exchanged",
)  # fmt: skip
def worked_example_has_its_numbers(impl, what):
    """At T = 10⁴ the laws and the measured changes of one worked example are the numbers that were derived for it."""
    known = {
        "risk": (-0.1933785, -0.1933646), "0.0": (-0.0184937, -0.0184605), "0.5": (-0.2085859, -0.2085764),
        "-1.0": (0.3616906, 0.3620306), "2.0": (-0.7788624, -0.7784055), "fourth power": (-0.0714137, -0.0714004),
        "power 1.5": (-0.2421752, -0.2421650), "log cosh": (-0.0912653, -0.0912593), "shape": (0.3801843310, 0.3801843310),
        "1": (0.3152910,) * 2, "2": (0.0966893,) * 2, "3": (0.0333578,) * 2, "4": (0.0122757,) * 2,
    }[what]  # fmt: skip
    (given, h), G = WORKED.given(), WORKED.generalized(impl)
    if what == "risk":
        got = impl.risk_law(G, 1e4, *given, **h)
    elif what in LOSSES:
        got = impl.loss_law(G, 1e4, *given, LOSSES[what][0], **h)
    elif what == "shape":
        got = impl.shape_law(G, *given, **h)
    elif "." in what:
        got = impl.risk_law(G, 1e4, *given, q=float(what), **h)
    else:
        got = impl.distance_law(G, 1e4, WORKED.domain, p=int(what), **h)
    # seven decimals are printed; a distance is printed once, and its law is right to 1e-7 relative
    # and |r|^1.5, which is not smooth where the ramp meets the target, may lose digits
    rough = 1e-6 if what == "power 1.5" else 1e-7
    return max(off(got.predicted, known[0], 6e-8), off(got.measured, known[1], rough))
