# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # Minimum hyperspherical energy
#
# The neurons of a layer, taken as points on a sphere, repel each other like electrons (Liu et al., NeurIPS 2018). Each section goes
# from a claim to the code that tests it, a picture and a question.

# %%
import matplotlib.pyplot as plt
import numpy as np

import refimpl
from refimpl.experiments.hyperspherical_energy import best_view, draw_sphere
from refimpl.papers import hyperspherical_energy as mhe
from refimpl.papers.hyperspherical_energy import configurations

BLUE, RED, GOLD, GREY = "#3a6ea5", "#c8553d", "#e3a72f", "#6b6b6b"
plt.rcParams.update({"figure.dpi": 110, "axes.spines.top": False, "axes.spines.right": False, "axes.titlesize": 11})

# %% [markdown]
# ## The energy sees directions only
#
# Claim H4: scaling each neuron by its own positive factor leaves the energy unchanged and divides its gradient by that factor.

# %%
print(refimpl.verify(claim="H4"))

# %% [markdown]
# So the gradient is orthogonal to each neuron (H3), and descent can only lengthen them (H28).

# %%
W = np.random.default_rng(0).normal(size=(20, 3))
lengths = []
for _ in range(60):
    lengths.append(np.sqrt(np.sum(W * W, axis=1)))
    E, dW = mhe.energy_and_gradient(W, reduction="mean")
    W = W - 3.0 * dW

fig, ax = plt.subplots(figsize=(6, 3.2))
ax.plot(np.array(lengths) / lengths[0], color=BLUE, lw=1)
ax.set(xlabel="step of gradient descent", ylabel="length / initial length", title="Descent without weight decay lengthens every neuron")
plt.show()

# %% [markdown]
# *Question.* The gradient falls as 1/length. What does that do to the angle a step turns a neuron by, and what does weight decay do?

# %% [markdown]
# ## Is this gradient right?
#
# Claim H2. The checker measures the error of a difference quotient against its step: it falls with the step until rounding takes over.
# The floor of that V is what a tolerance can be taken from.

# %%
W = np.random.default_rng(1).normal(size=(6, 4))
theta, unravel = refimpl.params.ravel(W)
report = refimpl.gradcheck.check_gradient(lambda theta: (lambda E, dW: (E, dW.ravel()))(*mhe.energy_and_gradient(unravel(theta))), theta)
print(report)
report.plot()
plt.show()

# %% [markdown]
# ## Thomson's problem
#
# Claim H18: for s = 1 on the ordinary sphere, minimising finds the published energies. Each cell is what lies nearest to one electron;
# its colour counts its neighbours. Twelve pentagons remain however many electrons there are (Euler).

# %%
NEIGHBOURS = (4, 6, 12, 24, 32, 72)


def plot_spheres(counts):
    fig, axes = plt.subplots(1, len(counts), figsize=(2.2 * len(counts), 2.7))
    for ax, n in zip(axes, counts, strict=True):
        found = mhe.minimise_energy(n, 3, rng=np.random.default_rng(0))
        draw_sphere(ax, found.points @ best_view(found.points), pixels=300)
        ax.set_title(f"N = {n}")
        ax.text(0.5, -0.06, f"{found.energy:.6f}", transform=ax.transAxes, ha="center", color=GREY, fontsize=9)
    fig.suptitle("Least Coulomb energy of N electrons", y=1.04)


plot_spheres(NEIGHBOURS)
plt.show()

# %% [markdown]
# ## The trap at N = 42
#
# The most symmetric points, an icosahedron's, are a strict local minimum for 42 electrons (H17: no negative curvature), and not the best.

# %%
trap = mhe.minimise_energy(42, 3, restarts=0, start=configurations.caspar_klug(2, 0))
best = mhe.minimise_energy(42, 3, rng=np.random.default_rng(0))
fig, axes = plt.subplots(1, 2, figsize=(6.4, 3.4))
for ax, found, name in ((axes[0], trap, "icosahedral: a trap"), (axes[1], best, "the best known")):
    draw_sphere(ax, found.points @ best_view(found.points), pixels=400)
    ax.set_title(name)
    ax.text(0.5, -0.06, f"{found.energy:.9f}", transform=ax.transAxes, ha="center", color=GREY)
fig.suptitle(f"Forty-two electrons: symmetry costs {trap.energy - best.energy:.3f}", y=1.02)
plt.show()

# %% [markdown]
# *Question.* A network's layer has thousands of such traps. Does it matter that 0.178 is 0.02 % of the energy?

# %% [markdown]
# ## Angles are not chords
#
# Claim H26: with the angle in place of the distance, s = 0, four neurons in space prefer a flat square to the tetrahedron. An angle grows
# past 90° where a chord hardly does, so antipodes pay. Up to which s?

# %%
square, tetrahedron = configurations.square(), configurations.simplex(4)
s = np.linspace(0, 1.4, 71)
gap = {name: [float(mhe.energy_forward(square, k, angular=a)[0] - mhe.energy_forward(tetrahedron, k, angular=a)[0]) / 2 for k in s] for name, a in (("angle", True), ("chord", False))}
crossing = s[np.argmax(np.array(gap["angle"]) > 0)]

fig, ax = plt.subplots(figsize=(6, 3.4))
ax.axhline(0, color=GREY, lw=0.8)
ax.plot(s, gap["angle"], color=RED, label="angular energy")
ax.plot(s, gap["chord"], color=BLUE, label="chord energy")
ax.fill_between(s, gap["angle"], 0, where=np.array(gap["angle"]) < 0, color=RED, alpha=0.15)
ax.annotate("s = 0.7010", (0.701, 0), (0.72, 0.25), arrowprops={"arrowstyle": "->", "color": GREY}, color=GREY)
ax.set(xlabel="exponent s", ylabel="E(square) − E(tetrahedron)", title="By angles, the flat square beats the tetrahedron for s < 0.701")
ax.legend(frameon=False)
plt.show()

# %% [markdown]
# ## Full space and half space
#
# In half space a neuron repels the antipodes of the others too: what is spread is lines. Below, minima for five neurons in the plane and
# six in space. For six lines in space the minimum is the icosahedron's axes, and the energy meets its proven bound (H14).

# %%
def plot_plane(ax, U, lines):
    circle = np.linspace(0, 2 * np.pi, 200)
    ax.plot(np.cos(circle), np.sin(circle), color=GREY, lw=0.8)
    for u in U:
        if lines:
            ax.plot([-u[0], u[0]], [-u[1], u[1]], color=BLUE, lw=1, ls=":")
        ax.annotate("", u, (0, 0), arrowprops={"arrowstyle": "-|>", "color": BLUE, "lw": 1.6})
    ax.set_aspect("equal")
    ax.axis("off")


def plot_space(ax, U, lines):
    a, b = np.mgrid[0 : np.pi : 25j, 0 : 2 * np.pi : 49j]
    ax.plot_wireframe(np.sin(a) * np.cos(b), np.sin(a) * np.sin(b), np.cos(a), color=GREY, lw=0.25, alpha=0.5)
    for u in U:
        if lines:
            ax.plot(*np.stack([-u, u], axis=1), color=RED, lw=1, ls=":")
        ax.quiver(0, 0, 0, *u, color=RED, lw=1.8, arrow_length_ratio=0.15)
    ax.set_box_aspect((1, 1, 1))
    ax.axis("off")


fig = plt.figure(figsize=(11, 3.3))
for k, (n, d, half) in enumerate([(5, 2, False), (5, 2, True), (6, 3, False), (6, 3, True)]):
    ax = fig.add_subplot(1, 4, k + 1, projection="3d" if d == 3 else None)
    found = mhe.minimise_energy(n, d, rng=np.random.default_rng(0), half_space=half)
    points = found.points if not half else found.points * np.where(found.points[:, -1:] < 0, -1, 1)  # one end of each line
    (plot_plane if d == 2 else plot_space)(ax, points, half)
    ax.set_title(f"{n} in {d}-D, {'half' if half else 'full'} space\nE = {found.energy:.4f}, bound {found.lower_bound:.4f}", fontsize=9)
plt.show()

# %% [markdown]
# *Question.* Which of the four is not at its bound, and why can no arrangement be?

# %% [markdown]
# ## Close pairs keep their digits
#
# 2 − 2 cos θ is right to a rounding unit, which is nothing where θ is small. Here is the energy of two neurons at a known angle.

# %%
angles = np.logspace(-9, -0.5, 60)
errors: dict[str, list[float]] = {"2 − 2t": [], "energy_forward": []}
for angle in angles:
    two = np.array([[1.0, 0.0], [np.cos(angle), np.sin(angle)]])
    exact = 1 / (2 * np.sin(angle / 2) ** 2)  # both orders of the pair, s = 2
    q = 2 - 2 * np.float64(two[0] @ two[1])
    errors["2 − 2t"].append(abs(2 / q / exact - 1) if q > 0 else 1.0)
    errors["energy_forward"].append(abs(float(mhe.energy_forward(two, 2.0)[0]) / exact - 1))

fig, ax = plt.subplots(figsize=(6, 3.4))
for (name, error), colour in zip(errors.items(), (RED, BLUE), strict=True):
    ax.loglog(angles, np.maximum(error, 1e-17), ".", color=colour, label=name)
ax.set(xlabel="angle between two neurons (rad)", ylabel="relative error of the energy", title="The Gram form loses every digit at 1e-8 rad; rows keep them")
ax.legend(frameon=False)
plt.show()

# %% [markdown]
# ## Why the raw energy says little
#
# In high dimension everything between random directions and the best possible ones fits into a per cent or two (H13, H14, H21). The
# normalised excess is 0 at the proven bound and 1 at random directions.

# %%
dimensions = [3, 4, 8, 16, 32, 64, 128, 256]
span = [1 - mhe.lower_bound(64, d, 0.5, reduction="mean") / mhe.random_energy(64, d, 0.5) for d in dimensions]
W = np.random.default_rng(0).normal(size=(64, 27))
E = float(mhe.energy_forward(W, 2.0, reduction="mean")[0])
print(f"64 Gaussian neurons of 27 inputs, s = 2: mean energy {E:.4f}, normalised excess {mhe.normalised_excess(W, 2.0):.3f}")

fig, ax = plt.subplots(figsize=(6, 3.2))
ax.semilogx(dimensions, 100 * np.array(span), "o-", color=GOLD)
ax.set_xticks(dimensions, [str(d) for d in dimensions])
ax.minorticks_off()
ax.set(xlabel="inputs of a neuron, d", ylabel="random to best possible (%)", ylim=(0, None), title="64 neurons, s = ½: how much of the energy can be won")
plt.show()

# %% [markdown]
# *Question.* A paper reports that the energy fell from 0.5102 to 0.5050. How much is that?
