# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # A smaller space with the same networks
#
# For ReLU and binary activations, networks can be trained with every neuron's weights on the unit sphere and its threshold
# in a bounded interval: such networks are equivalent to the standard ones (Qin, Zhou and Xiu, 2018). So far the abstract
# goes; formulas and numbers below were derived and measured for this package. Each section goes from a claim to the code
# that tests it, a picture and a question.

# %%
from fractions import Fraction
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import least_squares, minimize

import refimpl
from refimpl.nn import Shallow, mlp, objective, squared_backward, squared_forward
from refimpl.optim import adam
from refimpl.papers import reduced_space as rs
from refimpl.params import ravel

BLUE, RED, GOLD, GREEN, GREY = "#3a6ea5", "#c8553d", "#e3a72f", "#5c8a5e", "#6b6b6b"
plt.rcParams.update({"figure.dpi": 110, "axes.spines.top": False, "axes.spines.right": False, "axes.titlesize": 11})

# %% [markdown]
# ## The same function, and fewer neurons
#
# c σ(w·x + b) = c|w| σ((w·x + b)/|w|): the length goes to the outgoing weight. A neuron whose line misses the domain is
# affine or zero there, and all of these together are one affine function, hence one neuron. Claim R1.

# %%
print(refimpl.verify(claim="R1"))

# %%
rng = np.random.default_rng(3)
W = rng.normal(size=(14, 2)) * 10 ** rng.uniform(-1.5, 1.5, (14, 1))
standard = Shallow(W, 1.2 * rng.normal(size=14) * rs.row_norms(W), rng.normal(size=14), np.array(0.0))
reduced = rs.reduce(standard, radius=1.0)
turn = np.linspace(0, 2 * np.pi, 400)
disc = np.array([np.cos(turn), np.sin(turn)]).T * np.sqrt(rng.random((400, 1)))
values = [np.maximum(disc @ net.W.T + net.b, 0) @ net.v + net.c for net in (standard, reduced)]
print(f"{len(standard.W)} neurons, |w| from {rs.row_norms(standard.W).min():.2f} to {rs.row_norms(standard.W).max():.0f}")
print(f"{len(reduced.W)} neurons, |w| = 1; largest difference on the disc {np.abs(values[0] - values[1]).max():.0e}")


# %%
def plot_lines(ax, net, title):
    for w, b, c in zip(net.W, net.b, net.v, strict=True):
        r = np.hypot(*w)
        foot, along = -b / r * w / r, np.array([-w[1], w[0]]) / r
        ends = foot + np.outer([-4, 4], along)
        meets = abs(b) < r
        ax.plot(*ends.T, color=(BLUE if c > 0 else RED) if meets else GREY, lw=1.5 if meets else 1.0, ls="-" if meets else ":")
        ax.annotate("", foot + 0.22 * w / r, foot, arrowprops={"arrowstyle": "->", "color": "black" if meets else GREY})
    ax.plot(np.cos(turn), np.sin(turn), color="black", lw=2)
    ax.set(xlim=(-2.3, 2.3), ylim=(-2.3, 2.3), aspect="equal", title=title, xticks=[], yticks=[])


fig, axes = plt.subplots(1, 3, figsize=(11.5, 3.9), layout="constrained")
plot_lines(axes[0], standard, f"standard: {len(standard.W)} neurons")
plot_lines(axes[1], reduced, f"reduced: {len(reduced.W)}, the same on the disc")
angle = np.degrees(np.arctan2(reduced.W[:, 1], reduced.W[:, 0]))
axes[2].scatter(angle, reduced.b, s=30 + 60 * np.abs(reduced.v) ** 0.5, c=[BLUE if c > 0 else RED for c in reduced.v], alpha=0.8)
axes[2].axhspan(-1, 1, color="0.93", zorder=0)
axes[2].set(
    xlabel="direction of w, degrees",
    ylabel="threshold b",
    ylim=(-1.3, 1.3),
    xlim=(-180, 180),
    title="the space itself: S¹ × [−1, 1]",
)
axes[2].set_xticks([-180, -90, 0, 90, 180])
plt.show()

# %% [markdown]
# Blue lines have positive outgoing weights, red ones negative; arrows point to the side where a neuron is on. Dotted lines
# miss the disc. In the middle they have become one neuron, whose line touches the disc.
#
# *Question.* Outside the disc the two networks differ. Where does the new neuron make its first mistake?

# %% [markdown]
# ## Not nearly: exactly
#
# The same code runs on fractions. With Pythagorean rows every length is rational, and the two networks agree with no
# error at all. Claim R16.

# %%
print(refimpl.verify(claim="R16"))

# %%
third = Fraction(1, 3)
rows = np.array([[3, 4], [-5, 12], [Fraction(8, 7), Fraction(15, 7)], [0, -2]], dtype=object) * Fraction(1, 1)
exact = (rows, np.array([third, -40, 9 * third, 20], dtype=object), np.array([1, 2, -third, 5], dtype=object), third)
small = rs.reduce(exact, radius=1)
x = np.array(
    [[Fraction(i, 9), Fraction(j, 7)] for i in range(-6, 7) for j in range(-5, 6) if i * i * 49 + j * j * 81 <= 3969], dtype=object
)
both = [np.maximum(x @ net[0].T + net[1], 0) @ net[2] + net[3] for net in (exact, small)]
print(f"{len(x)} points, largest difference: {abs(both[0] - both[1]).max()}")
for w, b, c in zip(*small[:3], strict=True):
    print("  w =", ", ".join(map(str, w)), "  b =", b, "  c =", c)

# %% [markdown]
# *Question.* Two of the four neurons were saturated. Which, and what became of them?

# %% [markdown]
# ## What tanh does not have
#
# tanh(2x) is no finite sum of unit neurons c tanh(±x + b): it has poles where they have none. Fits get better, never
# exact, and `reduce` refuses. Claim R7.

# %%
print(refimpl.verify(claim="R7"))

# %%
grid = np.linspace(-2, 2, 401)
errors = []
for N in (1, 2, 3, 4):
    best = np.inf
    for _ in range(10):
        z = rng.normal(size=2 * N + 1) * 2
        fit = least_squares(lambda z, N=N: np.tanh(grid[:, None] + z[:N]) @ z[N:-1] + z[-1] - np.tanh(2 * grid), z)
        best = min(best, np.mean(fit.fun**2))
    errors.append(best)
print("mean squared error with 1, 2, 3, 4 unit neurons:", *(f"{e:.1e}" for e in errors))
try:
    rs.reduce(standard, 1.0, "tanh")
except ValueError as error:
    print("ValueError:", error)

# %% [markdown]
# *Question.* Is |z| positively homogeneous? And what would `reduce` have to do with ReLU²?

# %% [markdown]
# ## Half of the interval is wasted
#
# A neuron breaks inside the domain only if −S(w) < b < S(−w), S the support function. For D = [0, 1] and w = 1 that is
# [−1, 0]: half of [−1, 1] holds neurons that are affine on D. Centre the data, and nothing is wasted. Claim R8.

# %%
print(refimpl.verify(claim="R8"))

# %%
fig, axes = plt.subplots(1, 2, figsize=(10.5, 3.2), layout="constrained")
for ax, low, name in ((axes[0], 0.0, "raw, x in [0, 1]"), (axes[1], -0.5, "centred, x in [−½, ½]")):
    X = max(abs(low), low + 1)
    for k, w in enumerate((1.0, -1.0)):
        ends = rs.threshold_interval([[w]], rs.support_box([low], [low + 1]))
        a, b = (float(e[0]) for e in ends)
        ax.barh(k, 2 * X, left=-X, color="0.9", height=0.5, label="[−X, X]" if k == 0 else None)
        ax.barh(k, b - a, left=a, color=BLUE, height=0.5, label="[−S(w), S(−w)]: breaks inside" if k == 0 else None)
    ax.set(yticks=[0, 1], yticklabels=["w = 1", "w = −1"], xlabel="threshold b", title=name, xlim=(-1.1, 1.1))
axes[0].legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.25), ncols=2)
plt.show()

# %% [markdown]
# *Question.* For a ball about 0 nothing is wasted. What share of the paper's interval is, for a cube [0, 1]^d and w along
# its diagonal?

# %% [markdown]
# ## Break points on their way
#
# sin 4πx with 20 neurons and 200 samples. A standard network from the usual start, the same network from a reduced start,
# and in the reduced space with the best outgoing weights at every step (variable projection). Each line is a break point;
# it leaves the picture where a weight passes through 0.

# %%
x = np.sort(rng.uniform(-0.5, 0.5, 200))[:, None]  # centred
y = np.sin(4 * np.pi * (x + 0.5))
layers, params = mlp(
    [1, 20, 1], "relu", np.random.default_rng(5), initialise=lambda m, d, rng: rng.uniform(-1, 1, (m, d)) / np.sqrt(d)
)
usual, unravel = ravel(
    (params[0]._replace(b=np.random.default_rng(6).uniform(-1, 1, 20)), (), params[2]._replace(W=params[2].W / np.sqrt(20)))
)
start = np.random.default_rng(7)
inside = unravel.flat(
    (
        params[0]._replace(W=start.choice([-1.0, 1.0], (20, 1)), b=start.uniform(-0.5, 0.5, 20)),
        (),
        params[2]._replace(W=start.normal(size=(1, 20)) / np.sqrt(20)),
    )
)
J = objective(layers, unravel, (squared_forward, squared_backward), x, y)

paths, nets = {}, {}
for name, theta, descent in (
    ("standard, usual start", usual, adam(1e-2)),
    ("standard, start in the domain", inside, adam(1e-2)),
    ("reduced, start in the domain", inside, rs.riemannian_adam(1e-2, unravel, 0.5)),
):
    state, breaks = descent.init(theta), []
    for _ in range(2000):
        net = unravel(theta)
        breaks.append(-net[0].b / net[0].W[:, 0])
        theta, state = descent.step(theta, J(theta)[1], state)
    paths[name], nets[name] = np.array(breaks), unravel(theta)

projected = rs.variable_projection(x, y, 0.5, 20)
phi = np.concatenate([unravel(inside)[0].W[:, 0], unravel(inside)[0].b])
walk = [phi]
minimize(
    projected.objective,
    phi,
    jac=True,
    bounds=projected.bounds,
    method="L-BFGS-B",
    callback=lambda z: walk.append(z.copy()),
    options={"maxiter": 3000, "maxfun": 9000},
)
name = "reduced, variable projection"
paths[name], nets[name] = -np.array(walk)[:, 20:] / np.sign(np.array(walk)[:, :20]), projected.network(walk[-1])

# %%
fig, axes = plt.subplots(2, 4, figsize=(13, 5.4), layout="constrained", height_ratios=(1.15, 1), sharey="row")
for (name, path), colour, (above, below) in zip(paths.items(), (GREY, GOLD, BLUE, GREEN), axes.T, strict=True):
    above.plot(np.where(np.abs(path) < 2, path, np.nan), np.arange(len(path)), color=colour, lw=0.8, alpha=0.8)
    above.axvspan(-0.5, 0.5, color="0.93", zorder=0)
    above.set(xlim=(-1.3, 1.3), yscale="symlog", title=name)
    hidden, _, out = nets[name]
    fit = np.maximum(x @ hidden.W.T + hidden.b, 0) @ out.W.T + out.b
    below.plot(x, y, color="0.7", lw=3)
    below.plot(x, fit, color=colour, lw=1.6)
    seen = path[-1][np.abs(path[-1]) < 0.5]
    below.plot(seen, np.full(len(seen), -1.45), "|", color=colour, ms=9)
    below.set(xlabel="x", title=f"{len(seen)} of 20 break inside; error {np.mean((fit - y) ** 2):.1e}", ylim=(-1.6, 1.4))
axes[0, 0].set_ylabel("iteration")
plt.show()

# %% [markdown]
# What the constraint does, and what the start does, are two things: the second column is a standard network, and has the
# start of the third.
#
# *Question.* In one dimension w = ±1 cannot move. What can a standard network do to a single neuron that a reduced one
# cannot?

# %% [markdown]
# ## Ten seeds, and the floor
#
# `refimpl reproduce reduced-sin` runs all methods of that comparison, raw and centred, beside the best spline that exists.
# The abstract says that training improves; whether it is less sensitive to the start is asked besides.

# %%
results = next(at / "docs/results" for at in (Path.cwd(), *Path.cwd().parents) if (at / "docs/results").is_dir())
print((results / "reduced-sin.txt").read_text(encoding="utf-8"))

# %% [markdown]
# *Question.* Which of three moves gains most: the start inside the domain, the constraint, or centring the data?

# %% [markdown]
# ## Spread on the sphere
#
# Energies of repelling points live on the reduced space as they stand: lengths are gone. With thresholds in the distance,
# |w_i − w_j|² + (b_i − b_j)²/X², parallel neurons may keep apart by their thresholds.

# %%
W0 = rng.normal(size=(40, 3))
crowd = Shallow(W0 / rs.row_norms(W0)[:, None], rng.uniform(-1, 1, 40), np.zeros(40), np.array(0.0))
theta, unravel = ravel(crowd)
energy = rs.repulsion_objective(unravel, 1.0, planes=True)
free = rs.reduced_objective(energy, unravel)
found = minimize(free, theta, jac=True, bounds=rs.box_bounds(unravel, 1.0), method="L-BFGS-B", options={"maxiter": 400})
spread = unravel(rs.reparametrise_forward(found.x, unravel)[0])

# %%
fig = plt.figure(figsize=(10, 4.6), layout="constrained")
for k, (net, name) in enumerate(((crowd, "random"), (spread, "least energy of planes"))):
    ax = fig.add_subplot(1, 2, k + 1, projection="3d")
    u, v = np.mgrid[0 : 2 * np.pi : 40j, 0 : np.pi : 20j]
    ax.plot_wireframe(np.cos(u) * np.sin(v), np.sin(u) * np.sin(v), np.cos(v), color="0.85", lw=0.4)
    dots = ax.scatter(*net.W.T, c=net.b, cmap="coolwarm", s=45, vmin=-1, vmax=1, edgecolor="black", linewidth=0.4)
    ax.set(title=f"{name}: E = {energy(unravel.flat(net))[0]:.0f}")
    ax.set_box_aspect((1, 1, 1), zoom=1.35)
    ax.set_axis_off()
fig.colorbar(dots, ax=fig.axes, shrink=0.6, label="threshold b")
plt.show()

# %% [markdown]
# *Question.* Many thresholds end at the walls. Why do they go there, and what would that do to a network?
