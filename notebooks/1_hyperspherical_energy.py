# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # Minimum hyperspherical energy
#
# The neurons of a layer, taken as points on a sphere, repel each other like electrons (Liu et al., NeurIPS 2018). Each section
# goes
# from a claim to the code that tests it, a picture and a question.

# %%
import matplotlib.pyplot as plt
import numpy as np

import refimpl
from refimpl.experiments.hyperspherical_energy import draw_sphere, energy_curve
from refimpl.experiments.hyperspherical_energy.imbalance import THREE, TWO, nearest_angles
from refimpl.experiments.hyperspherical_energy.training import Energy, problem, trained, weights
from refimpl.manifolds.sphere import project_forward
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
for _ in range(25):
    lengths.append(np.sqrt(np.sum(W * W, axis=1)))
    E, dW = mhe.energy_and_gradient(W, reduction="mean")
    W = W - 3.0 * dW

fig, ax = plt.subplots(figsize=(6, 3.2))
ax.plot(np.array(lengths) / lengths[0], color=BLUE, lw=1)
ax.set(xlabel="step of gradient descent", ylabel="length / initial length")
ax.set_title("Descent without weight decay lengthens every neuron")
plt.show()

# %% [markdown]
# *Question.* The gradient falls as 1/length. What does that do to the angle a step turns a neuron by, and what does weight
# decay do?

# %% [markdown]
# ## Is this gradient right?
#
# Claim H2. The checker measures the error of a difference quotient against its step: it falls with the step until rounding
# takes over.
# The floor of that V is what a tolerance can be taken from.

# %%
layers, params = refimpl.nn.mlp((4, 6, 3), "relu", np.random.default_rng(1))
theta, unravel = refimpl.params.ravel(params)
report = refimpl.gradcheck.check_gradient(mhe.regulariser(unravel, hidden=1.0, output=1.0, s=1.0), theta)
print(report)
report.plot()
plt.show()

# %% [markdown]
# ## Thomson's problem
#
# Claim H18: for s = 1 on the ordinary sphere, minimising finds the published energies. Each cell is what lies nearest to one
# electron;
# its colour counts its neighbours. Twelve pentagons remain however many electrons there are (Euler).

# %%
NEIGHBOURS = (4, 6, 12, 24, 32, 72)


def plot_spheres(counts):
    fig, axes = plt.subplots(1, len(counts), figsize=(2.2 * len(counts), 2.7))
    for ax, n in zip(axes, counts, strict=True):
        found = mhe.minimise_energy(n, 3, rng=np.random.default_rng(0))
        draw_sphere(ax, found.points, pixels=300)
        ax.set_title(f"N = {n}")
        ax.text(0.5, -0.06, f"{found.energy:.6f}", transform=ax.transAxes, ha="center", color=GREY, fontsize=9)
    fig.suptitle("Least Coulomb energy of N electrons", y=1.04)


plot_spheres(NEIGHBOURS)
plt.show()

# %% [markdown]
# ## The trap at N = 42
#
# The most symmetric points, an icosahedron's, are a strict local minimum for 42 electrons (H17: no negative curvature), and
# not the best.

# %%
trap = mhe.minimise_energy(42, 3, restarts=0, start=configurations.caspar_klug(2, 0))
best = mhe.minimise_energy(42, 3, rng=np.random.default_rng(0))
fig, axes = plt.subplots(1, 2, figsize=(6.4, 3.4))
for ax, found, name in ((axes[0], trap, "icosahedral: a trap"), (axes[1], best, "the best known")):
    draw_sphere(ax, found.points, pixels=400)
    ax.set_title(name)
    ax.text(0.5, -0.06, f"{found.energy:.9f}", transform=ax.transAxes, ha="center", color=GREY)
fig.suptitle(f"Forty-two electrons: symmetry costs {trap.energy - best.energy:.3f}", y=1.02)
plt.show()

# %% [markdown]
# *Question.* A network's layer has thousands of such traps. Does it matter that 0.178 is 0.02 % of the energy?

# %% [markdown]
# ## Angles are not chords
#
# Claim H26: with the angle in place of the distance, s = 0, four neurons in space prefer a flat square to the tetrahedron.
# Near 180°
# the angle still grows where the chord hardly does, so antipodes pay. Up to which s?

# %%
square, tetrahedron = configurations.square(), configurations.simplex(4)
s = np.linspace(0.02, 1.4, 70)


def plot_gap(ax, name, colour, angular):
    """Energy of the square less that of the tetrahedron, each pair once, over s: for s → 0 that of the logarithmic energies."""
    E = [[mhe.energy_forward(W, k, angular=angular, reduction="sum_unordered")[0] for k in s] for W in (square, tetrahedron)]
    gap = (np.array(E[0]) - np.array(E[1])) / s
    ax.plot(s, gap, color=colour)
    ax.text(s[-1], gap[-1] - 0.045, name, color=colour, ha="right")
    ax.fill_between(s, gap, 0, where=gap < 0, color=colour, alpha=0.15)


fig, ax = plt.subplots(figsize=(6.4, 3.6))
ax.axhline(0, color=GREY, lw=0.8)
plot_gap(ax, "angular energy", RED, True)
plot_gap(ax, "chord energy", BLUE, False)
ax.annotate("s = 0.7010", (0.701, 0), (0.78, -0.16), arrowprops={"arrowstyle": "->", "color": GREY}, color=GREY)
ax.set(xlabel="exponent s", ylabel="(E(square) − E(tetrahedron)) / s")
ax.set_title("By angles, the flat square beats the tetrahedron for small s")
plt.show()

# %% [markdown]
# ## Full space and half space
#
# In half space a neuron repels the antipodes of the others too: what is spread is lines. Below are the minima of five neurons
# in the
# plane and of six in space. On the right both ends of a line are drawn: six lines end in the corners of an icosahedron.


# %%
def plot_circle(ax, U, lines):
    circle = np.linspace(0, 2 * np.pi, 200)
    ax.plot(np.cos(circle), np.sin(circle), color=GREY, lw=0.8)
    for u in U:
        ax.plot(*np.stack([-u if lines else 0 * u, u], axis=1), color=BLUE, lw=1.6)
    ends = np.concatenate([U, -U]) if lines else U
    ax.plot(*ends.T, "o", color=BLUE, ms=7)
    ax.set_aspect("equal")
    ax.axis("off")


fig, axes = plt.subplots(2, 2, figsize=(7, 7.4), layout="constrained")
for ax, (n, d, half) in zip(axes.flat, [(5, 2, False), (5, 2, True), (6, 3, False), (6, 3, True)], strict=True):
    found = mhe.minimise_energy(n, d, rng=np.random.default_rng(0), half_space=half)
    if d == 2:
        plot_circle(ax, found.points, half)
    else:
        draw_sphere(ax, np.concatenate([found.points, -found.points]) if half else found.points, pixels=300)
    ax.set_title(f"{n} in {d}-D, {'half' if half else 'full'} space\nE = {found.energy:.4f}, proven bound {found.lower_bound:.4f}")
plt.show()

# %% [markdown]
# *Question.* All four meet their proven bound. Five electrons in space do not, 6.4747 is above 6.4413: what have the four in
# common (H20)?

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
ax.set(xlabel="angle between two neurons (rad)", ylabel="relative error of the energy")
ax.set_title("From cosines alone every digit is lost at 1e-8 rad")
ax.legend(frameon=False)
plt.show()

# %% [markdown]
# ## Why the raw energy says little
#
# In high dimension everything between random directions and the best possible ones fits into a per cent or two (H13, H14,
# H21). The
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
ax.set(xlabel="inputs of a neuron, d", ylabel="random to best possible (%)", ylim=(0, None))
ax.set_title("64 neurons, s = ½: how much of the energy can be won")
plt.show()

# %% [markdown]
# *Question.* 64 neurons of 64 inputs, half space, s = 2: say training ends at the mean energy 0.5102, and at 0.5050 with the
# energy in
# its objective. How much is that of what can be won?

# %% [markdown]
# ## What training does to the energy
#
# A 64-64-64-10 network learns the packaged 8 × 8 digits, three times, with the energy in its objective and without (λ = 1 for
# the hidden layers, in half space, and for the output, in full space; same data, same start, same mini-batches). Left alone,
# training raises the hidden energies above those of random directions.

# %%
curve = energy_curve.run(energy_curve.Config(seeds=3))
before, after = curve.curves[0, :, 0].mean(axis=0), curve.curves[:, :, -1].mean(axis=1)
print("normalised excess: at the start, after training without the energy, with it")
for (name, *_), a, b, c in zip(curve.layers(), before, *after, strict=True):
    print(f"{name}: {a:.3f}, {b:.3f}, {c:.3f}")
curve.plot()

# %% [markdown]
# *Question.* The output layer's excess falls without the energy, too. What in the cross-entropy loss drives ten classifiers
# apart, and why does it do nothing of the kind for hidden neurons? (`refimpl reproduce mhe-energy-curve` runs twenty seeds.)

# %% [markdown]
# ## Ten classifiers in the plane and in space
#
# Let the output layer see two or three numbers only, and keep a tenth of the 8s. Each dot is a test image where that embedding
# puts it; each ray is a class's weight vector, the 8's in red. First the plane.

# %%
def show_title(ax, output, s, run, U):
    nearest, errors = nearest_angles(U)[TWO.rare], run.classes[TWO.rare]
    energy = f"λ = {output:g}, s = {s:g}" if output else "no energy"
    ax.set_title(f"{energy}: the 8 is {nearest:.0f}° off,\nerrors {run.error:.0f} %, on the 8s {errors:.0f} %", fontsize=9)


def plot_plane(ax, output, s):
    p = problem(TWO, np.random.default_rng(0))
    run = trained(p, Energy(hidden=0.0, output=output, s=s))
    x, _ = refimpl.nn.network_forward(p.layers[:-1], p.unravel(run.theta)[:-1], p.data.x_test)
    U = project_forward(weights(p, run.theta)[-1])[0]
    ax.scatter(*x.T, c=np.where(p.data.y_test == TWO.rare, RED, "#b9c6d3"), s=4, zorder=1)
    reach = np.quantile(np.abs(x), 0.98)
    for label, (a, b) in enumerate(reach * U):
        colour = RED if label == TWO.rare else BLUE
        ax.plot([0, a], [0, b], color=colour, lw=2.2 if label == TWO.rare else 1.2, zorder=2)
        ax.text(1.12 * a, 1.12 * b, str(label), color=colour, ha="center", va="center", fontsize=9)
    ax.set(xlim=(-1.4 * reach, 1.4 * reach), ylim=(-1.4 * reach, 1.4 * reach), aspect="equal", xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    show_title(ax, output, s, run, U)


fig, axes = plt.subplots(1, 4, figsize=(11, 3.2))
for ax, (weight, exponent) in zip(axes, [(0.0, 0), (0.01, 0), (0.1, 0), (0.01, 2)], strict=True):
    plot_plane(ax, weight, exponent)
plt.show()

# %% [markdown]
# For s = 2 the force between near neighbours is so large in the plane that a hundredth of it ends the training: all rays lie on
# one line. In space there is more room.

# %%
def plot_space(ax, output):
    p = problem(THREE, np.random.default_rng(0))
    run = trained(p, Energy(hidden=0.0, output=output))
    x, _ = refimpl.nn.network_forward(p.layers[:-1], p.unravel(run.theta)[:-1], p.data.x_test)
    U = project_forward(weights(p, run.theta)[-1])[0]
    reach = np.quantile(np.abs(x), 0.98)
    ax.scatter(*(x / reach).T, c=np.where(p.data.y_test == THREE.rare, RED, "#b9c6d3"), s=3, alpha=0.5)
    for label, u in enumerate(U):
        colour = RED if label == THREE.rare else BLUE
        ax.plot(*np.outer(u, (0, 1)), color=colour, lw=2.2 if label == THREE.rare else 1.2)
        ax.text(*(1.15 * u), str(label), color=colour, ha="center", va="center", fontsize=9)
    ax.set(xlim=(-1, 1), ylim=(-1, 1), zlim=(-1, 1), box_aspect=(1, 1, 1), xticklabels=[], yticklabels=[], zticklabels=[])
    show_title(ax, output, 2, run, U)


fig, axes = plt.subplots(1, 3, figsize=(10, 3.8), subplot_kw={"projection": "3d"})
for ax, weight in zip(axes, (0.0, 0.01, 0.1), strict=True):
    plot_space(ax, weight)
plt.show()

# %% [markdown]
# *Question.* Ten rays in the plane can be 36° apart, in space 66°. Where do the pictures stop, and what holds the classifiers
# back? Is a rare class that stands apart a class that is recognised? (`refimpl reproduce mhe-imbalance` counts, over 30 seeds.)
