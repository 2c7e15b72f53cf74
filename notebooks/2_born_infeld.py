# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # Born-Infeld descent
#
# Parameters move in the loss like a relativistic particle whose speed limit is the root of the loss (De Luca and Silverstein,
# ICML 2022). There is no friction: a conserved energy carries them over barriers, and the speed limit slows them down where the
# loss is small. Each section goes from a claim to the code that tests it, a picture and a question.

# %%
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import minimize

import refimpl
from refimpl.claims.born_infeld.definition import WELLS, Potential, objective, quadratic, state_at, states
from refimpl.claims.born_infeld.exact import BARRIER
from refimpl.experiments.born_infeld import energy, problems
from refimpl.optim import gradient_descent
from refimpl.optim import minimise as descend
from refimpl.papers import born_infeld as bi

BLUE, RED, GOLD, GREEN, GREY = "#3a6ea5", "#c8553d", "#e3a72f", "#5c8a5e", "#6b6b6b"
plt.rcParams.update({"figure.dpi": 110, "axes.spines.top": False, "axes.spines.right": False, "axes.titlesize": 11})

# %% [markdown]
# ## The speed limit
#
# Claim B2: with H = √(V(V + |π|²)) = E, the square of the speed is V(1 − V²/E²), below V everywhere. Light, which knows no E,
# moves at √V. In a quadratic the light cones close towards the minimum: it is a horizon, and nothing arrives there in finite
# time.

# %%
print(refimpl.verify(claim="B2"))

# %%
bowl = quadratic(np.eye(1))  # V = ½θ²


def plot_speeds(ax):
    V = np.linspace(0, 1.25, 400)
    ax.fill_between(V, -np.sqrt(V), np.sqrt(V), color=GOLD, alpha=0.18, lw=0)
    ax.plot(V, np.sqrt(V), V, -np.sqrt(V), color=GOLD, lw=1.2)
    for E, colour in ((0.3, RED), (0.6, GREEN), (1.0, BLUE)):
        below = np.linspace(0, E, 300)
        speed = np.sqrt(bi.speed_squared(below, E))
        ax.plot(np.r_[below, below[::-1]], np.r_[speed, -speed[::-1]], color=colour, lw=1.6)
        ax.text(E + 0.015, 0, f"E = {E}", color=colour, va="center")
    ax.text(1.02, 1.13, "light: √V", color="#a8760f")
    ax.set(xlabel="V", ylabel="speed, and its negative", title="Every energy keeps below the speed of light")


def plot_cones(ax):
    t = np.linspace(0, 5, 200)
    for a in np.geomspace(0.02, 40, 34):  # light rays: θ = a e^(±t/√2)
        ax.plot(a * np.exp(-t / np.sqrt(2)), t, a / 40 * np.exp(t / np.sqrt(2)), t, color=GREY, lw=0.4, alpha=0.5)
    for theta0, colour in ((1.1, BLUE), (0.5, GREEN)):
        ax.plot(bi.sech_motion(t, 1.0, theta0)[0], t, color=colour, lw=2)
        for s in (0.15, 1.2, 2.4, 3.6):
            theta, _, V = bi.sech_motion(s, 1.0, theta0)
            ax.fill([theta, theta - 0.5 * np.sqrt(V), theta + 0.5 * np.sqrt(V)], [s, s + 0.5, s + 0.5], color=GOLD, alpha=0.6, lw=0)
    ax.set(xlim=(0, 1.35), ylim=(0, 5), xlabel="θ", ylabel="time", title="V = ½θ²: light cones close towards the minimum")


fig, axes = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
plot_speeds(axes[0])
plot_cones(axes[1])
plt.show()

# %% [markdown]
# *Question.* The green path is the blue one, scaled: in a quadratic the time of the fall does not depend on its size. In which
# V = |θ|ᵏ does the larger fall take longer? (Claim B19 says how V, E and t scale together.)

# %% [markdown]
# ## Spirals into the minimum
#
# Claim B5: with angular momentum, in V = ½|θ|², the motion turns at a constant rate and ends in a logarithmic spiral, a
# straight line in the picture on the right. Lines are the closed form, dots the log leapfrog with steps of 0.25. Labels are the
# angles between the start and the way to the minimum.

# %%
disk = quadratic(np.eye(2))
fig, axes = plt.subplots(1, 2, figsize=(10, 4.6), layout="constrained")
for angle, colour in zip((90, 60, 20, 150), (BLUE, GREEN, GOLD, RED), strict=True):
    theta0 = np.array([1.0, 0.0])
    pi0 = 4.0 * np.array([-np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    path = states(bi.leapfrog_step, objective(disk), state_at(bi, disk, theta0, pi0), 0.25, 48)
    exact, V = bi.spiral(np.linspace(0, path[-1].t, 1500), 1.0, theta0, pi0)
    seen, t = np.array([theta0, *(s.theta for s in path)]), np.array([0.0, *(s.t for s in path)])
    axes[0].plot(*exact.T, color=colour, lw=1.3)
    axes[0].plot(*seen.T, "o", color=colour, ms=3)
    for points, style in ((exact, "-"), (seen, "o")):
        turned = np.unwrap(np.arctan2(points[:, 1], points[:, 0]))
        axes[1].semilogy(turned, np.hypot(*points.T), style, color=colour, lw=1.3, ms=3)
    axes[1].text(turned[-1] + 0.08, np.hypot(*seen[-1]), f"{angle}°", color=colour, va="center")
axes[0].plot(0, 0, "+", color=GREY)
axes[0].set(aspect="equal", xlabel="θ₁", ylabel="θ₂", title="From (1, 0) into the minimum of ½|θ|²")
axes[1].set(xlabel="angle turned (rad)", ylabel="distance |θ|", title="Logarithmic spirals, in the end")
plt.show()

# %% [markdown]
# *Question.* Where V ≪ E, paths are the straight lines of a cylinder, ds² = (d ln r)² + dφ². There a start at 90° would circle
# for ever. Why does the blue one fall, and what would it do with twice the momentum?

# %% [markdown]
# ## What happens at V = 0
#
# Let the offset be too large, so that V changes sign along a straight wall V = gy. Claim B20: where V ≪ E the motion is a
# cycloid, the fastest path of Bernoulli's problem, as light that moves at √V must take. It touches the wall and turns round.
# The leapfrog (dots) stops short of the cusp, where π is infinite. Lines are the closed form, and a circle that rolls below the
# line y = 2R.

# %%
g = 1.0
slope = Potential(lambda z: g * z[..., 1], lambda z: g * np.broadcast_to([0.0, 1.0], z.shape), 2)
fig, ax = plt.subplots(figsize=(10, 3.4), layout="constrained")
for R, colour in ((0.005, GREEN), (0.01, BLUE), (0.02, RED)):
    _, x, y = bi.cycloid(np.linspace(0, 6.5, 800), R, g)
    ax.plot(x, y, color=colour, lw=1.3)
    start = state_at(bi, slope, np.array([0.0, 2 * R]), np.array([1000.0, 0.0]))
    seen = np.array([s.theta for s in states(bi.leapfrog_step, objective(slope), start, 2.9 * np.sqrt(2 * R / g) / 60, 60)])
    ax.plot(*seen[::4].T, "o", color=colour, ms=3.5)
    ax.add_patch(plt.Circle((R * 4.4, R), R, fill=False, color=colour, lw=0.7, alpha=0.6))
    _, x, y = bi.cycloid(4.4, R, g)
    ax.plot([R * 4.4, x], [R, y], color=colour, lw=0.7, alpha=0.6)
ax.axhspan(-0.006, 0, color=GREY, alpha=0.2, lw=0)
ax.text(0.002, -0.0042, "V < 0: never entered", color=GREY)
ax.set(aspect="equal", xlim=(0, 0.135), ylim=(-0.006, 0.043), xlabel="x", ylabel="y")
ax.set_title("Cycloids hang from the wall V = gy = 0")
plt.show()

# %% [markdown]
# *Question.* The optimiser ends with status 2 when V ≤ 0, and keeps the best point. Why does a discrete step overshoot a wall
# that the motion cannot cross?

# %% [markdown]
# ## Energy in discrete steps
#
# H does not split into a part of θ and a part of π, so leapfrog has nothing to work on. The *log leapfrog* runs another
# Hamiltonian, which has the same orbits and splits. In V = 0.05 + ½θ² orbits are closed (claim B6). After 40 periods the
# paper's update without its rescaling has left the orbit; the leapfrog, with the same step, is still on it (B10).

# %%
V0, E = 0.05, 1.0
shifted = quadratic(np.eye(1), V0)
period = bi.elliptic_period(1.0, V0, E)
theta, pi, _ = bi.elliptic(np.linspace(0, period, 500), 1.0, V0, E)
start = state_at(bi, shifted, np.zeros(1), np.array([np.sqrt(E * E / V0 - V0)]))
fig, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained", sharex=True, sharey=True)
steps = {"the paper's update, not rescaled": partial(bi.bbi_step, project=False), "log leapfrog": bi.leapfrog_step}
for ax, (name, step) in zip(axes, steps.items(), strict=True):
    path = states(step, objective(shifted), start, 0.1, round(40 * period / 0.1))
    ax.scatter([s.theta[0] for s in path], [s.pi[0] for s in path], c=np.arange(len(path)), cmap="viridis", s=3)
    ax.plot(theta, pi, color=RED, lw=1)
    ax.set(xlabel="θ", ylabel="π", title=name)
fig.suptitle("Forty periods of 1-D motion with h = 0.1, coloured by time; in red the exact orbit")
plt.show()

# %% [markdown]
# In two dimensions: the largest energy error against the step has slope 1, 2 or 4 (B9). Without rescaling, only the symplectic
# schemes (B12) hold the energy for good (B10). `refimpl reproduce bi-energy` is the long run.

# %%
energies = energy.run(energy.Config(seeds=1, long=4000))
energies.plot()

# %% [markdown]
# *Question.* BBI with rescaling has H = E before each step, exactly. What is lost with symplecticity, if not the energy? (B11,
# B12.)

# %% [markdown]
# ## The last part of the way
#
# Deep in a quadratic, V = ½m²θ² ≪ E, a step multiplies θ by a constant that depends on x = hm/√2 alone. Claim B7: 1 − x − x²
# for the paper's update, which jumps onto the minimum at x = 0.618, and beyond that has crossed it and moves away, by 1 + x −
# x² a step. Claim B8: (1 − x/2)/(1 + x/2) for the log leapfrog, which falls for every x.

# %%
x = np.linspace(0.01, 0.99, 99)
deep = state_at(bi, bowl, np.array([1e-7]), np.array([-1.4e7]))  # E = 1, V = 5e-15
left: dict[str, list[float]] = {"bbi_step": [], "leapfrog_step": []}
for name, found in left.items():
    found += [states(getattr(bi, name), objective(bowl), deep, np.sqrt(2) * k, 20)[-1].theta[0] / 1e-7 for k in x]

# %%
fig, ax = plt.subplots(figsize=(8, 4), layout="constrained")
ax.axhline(1, color=GREY, lw=0.6)
ratio = 1 - x - x * x
after = np.abs(ratio) * np.where(ratio > 0, np.abs(ratio), 1 + x - x * x) ** 19
curves = {
    "the paper's update": (RED, after, left["bbi_step"], (0.42, 2e-12)),
    "log leapfrog": (BLUE, ((1 - x / 2) / (1 + x / 2)) ** 20, left["leapfrog_step"], (0.86, 2e-10)),
}
ax.semilogy(x, np.exp(-20 * x), color=GREY, lw=1.2)
ax.text(0.87, 1e-7, "exact motion", color=GREY)
for name, (colour, formula, found, place) in curves.items():
    ax.semilogy(x, formula, color=colour, lw=1.2)
    ax.semilogy(x, np.abs(found), ".", color=colour, ms=5)
    ax.text(*place, name, color=colour, ha="right")
ax.set(xlabel="x = hm/√2", ylabel="|θ| after 20 steps / |θ|", ylim=(1e-16, 1e3))
ax.set_title("The best step of the paper's update is next to its worst")
plt.show()

# %% [markdown]
# *Question.* A valley has many m. What does the edge say about tuning h to four digits, as was done for the Zakharov function
# in the released experiments? (`refimpl reproduce bi-zakharov`.)

# %% [markdown]
# ## Bounces
#
# What is to be explored evenly needs bounces: at times π is turned in a random direction. Claim B14: all directions are alike.
# In the released code they are those of a point in a cube, and lean to its diagonals.

# %%
rows = bi.start_rows(objective(WELLS), np.tile([0.2, 0.1], (200_000, 1)), extra_energy=1.0)
fig, axes = plt.subplots(1, 2, figsize=(7.5, 3.6), subplot_kw={"projection": "polar"}, layout="constrained")
for ax, released, colour, name in ((axes[0], False, BLUE, "bounce"), (axes[1], True, RED, "as released")):
    x, y = bi.bounce_rows(rows, np.random.default_rng(0), as_released=released).pi.T
    density, edges = np.histogram(np.arctan2(y, x), bins=72, range=(-np.pi, np.pi), density=True)
    ax.bar((edges[1:] + edges[:-1]) / 2, 2 * np.pi * density, width=np.diff(edges), color=colour, alpha=0.75)
    if released:  # the direction of a point of the square
        phi = np.linspace(0, 2 * np.pi, 400)
        ax.plot(phi, np.pi / (4 * np.maximum(np.abs(np.cos(phi)), np.abs(np.sin(phi))) ** 2), color="black", lw=1)
    ax.set_yticks([0.5, 1.0], ["", ""])
    ax.set_xticks(np.radians([0, 90, 180, 270]))
    ax.set_title(name)
    moment = np.mean((x**4 + y**4) / (x * x + y * y) ** 2)
    print(f"{name}: mean of Σ uᵢ⁴ {moment:.4f}; isotropic {bi.isotropic_moment(2):.4f}, cube {bi.cube_moment(2):.4f}")
plt.show()

# %% [markdown]
# ## Where the time is spent
#
# Claim B16: with bounces, the motion visits a place with the density (c + p²) p^(n−2), p² = E²/V − V, when looked at after each
# step of the log leapfrog; for physical time it is (E/V) p^(n−2). Below, n = 2 and E = 2: 20 000 trajectories, each looked at
# once, after 2000 steps. Without bounces the picture is another.

# %%
rng, at = np.random.default_rng(1), np.array([0.2, 0.1])
first = bi.start_rows(objective(WELLS), np.tile(at, (20_000, 1)), extra_energy=2.0 - WELLS.value(at), rng=rng)
bounced = free = first
for k in range(2000):
    bounced, free = (bi.leapfrog_rows(objective(WELLS), rows, 0.05) for rows in (bounced, free))
    if k % 20 == 19:
        bounced = bi.bounce_rows(bounced, rng)

# %%
cells = [np.linspace(-1.7, 1.6, 45), np.linspace(-1.9, 1.9, 41)]
fine = [a[0] + (a[-1] - a[0]) * (np.arange(10 * len(a) - 10) + 0.5) / (10 * len(a) - 10) for a in cells]  # ten points a bin
V = WELLS.value(np.stack(np.meshgrid(*fine, indexing="ij"), axis=-1))
exact = np.exp(bi.log_density(V, 2.0, 2, uniform_in="s")).reshape(44, 10, 40, 10).mean(axis=(1, 3))
shares = {"quadrature": exact / exact.sum()}
for name, rows in (("with bounces", bounced), ("without", free)):
    shares[name] = np.histogram2d(rows.theta[:, 0], rows.theta[:, 1], bins=cells)[0] / 20_000

fig, axes = plt.subplots(1, 4, figsize=(13, 3.5), layout="constrained", width_ratios=(1, 1, 1, 1.15))
for ax, (name, share) in zip(axes, shares.items(), strict=False):
    ax.pcolormesh(*cells, share.T, vmin=0, vmax=1.4 * shares["quadrature"].max(), cmap="magma", rasterized=True)
    ax.contour(*fine, V.T, levels=[2.0], colors="white", linewidths=0.7)
    ax.set(title=name, xlabel="x", yticks=(-1, 0, 1))
axes[0].set_ylabel("y")
middle = (cells[0][1:] + cells[0][:-1]) / 2
for (name, share), style, colour in zip(shares.items(), ("-", "o", "o"), (GREY, BLUE, RED), strict=True):
    axes[3].plot(middle, 100 * share.sum(axis=1), style, color=colour, ms=3, lw=2, label=name)
axes[3].set(title="over x alone, % of the trajectories", xlabel="x", ylim=(0, None))
axes[3].legend(frameon=False, fontsize=8)
plt.show()

# %% [markdown]
# *Question.* In n dimensions the density goes as V^(−n/2) where V ≪ E. What does that promise for a network with a million
# parameters, and why is a basin's volume slower to follow (`basin_integral`)?

# %% [markdown]
# ## It cannot stop at a high minimum
#
# Claim B18: the speed is 0 only where V = E. So a barrier is crossed if and only if E is above it. Start at θ = 1.3 in a tilted
# double well; the barrier is 0.21 higher. Gradient descent stops in the nearer, higher minimum.

# %%
begin, extras = np.array([1.3]), (0.0, 0.15, 0.25, 1.2)
colours = (GOLD, GREEN, RED, BLUE)
runs = [
    minimize(objective(BARRIER), begin, jac=True, method=bi.born_infeld,
             options={"step": 0.01, "extra_energy": extra, "integrator": "leapfrog", "maxiter": 1200, "return_all": True})
    for extra in extras
]  # fmt: skip
F0 = BARRIER.value(begin)
stopped = descend(objective(BARRIER), begin, gradient_descent(0.02), 600).theta
for extra, run in zip(extras, runs, strict=True):
    error = run.hamiltonian / run.energy - 1
    print(f"extra energy {extra:4}: best value {run.fun:.4f} at θ = {run.x[0]:+.3f}, H/E − 1 = {error:.0e}")
print(f"gradient descent ends at {BARRIER.value(stopped):.4f}, θ = {stopped[0]:+.3f}")

fig, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained", sharey=True, width_ratios=(1, 1.5))
theta = np.linspace(-1.72, 1.72, 400)
axes[0].plot(BARRIER.value(theta[:, None]), theta, color=GREY, lw=1.5)
axes[0].plot(BARRIER.value(stopped), stopped, "X", color="black", ms=9)
axes[0].text(0.05, 1.45, "gradient descent")
for extra, run, colour in zip(extras, runs, colours, strict=True):
    seen = np.array(run.allvecs)[:, 0]
    axes[0].plot([F0 + extra] * 2, [seen.min(), seen.max()], color=colour, lw=2)
    axes[1].plot(0.01 * np.arange(len(seen)), seen, color=colour, lw=1.4, label=f"{extra} above the start")
axes[0].set(xlim=(0, 3), ylim=(-2.5, 1.8), xlabel="V, and the energies", ylabel="θ", title="The landscape, on its side")
axes[1].set(xlabel="steps × h", title="Confined below the barrier, over it above")
axes[1].legend(frameon=False, ncols=2, loc="lower center")
plt.show()

# %% [markdown]
# *Question.* The motion does not stop in the low minimum either: the best point is kept. V is 0.046 there. What changes with
# `offset=0.04`, and what with `offset=0.05`?

# %% [markdown]
# ## Out of a lattice of minima
#
# Ackley's function, with the released settings, from (−4, 3): four bounces, one every 20 updates, and then one after every
# hundred updates without a new best value. Below 5e-4 is a success. Here are five seeds, and gradient descent, which cannot
# leave.

# %%
ackley = problems.ackley()
settings = {"step": 0.009649484, "offset": 1e-4, "extra_energy": 2.0, "bounce_every": 20, "fixed_bounces": 4, "patience": 100}
settings |= {"maxiter": 20_000, "return_all": True}
runs = [minimize(ackley, [-4.0, 3.0], jac=True, method=bi.born_infeld, options=settings | {"rng": seed}) for seed in range(5)]
print("best values:", ", ".join(f"{run.fun:.1e}" for run in runs))
stopped = descend(ackley, np.array([-4.0, 3.0]), gradient_descent(0.003), 2000).theta
best = min(runs, key=lambda run: run.fun)

# %%
axis = np.linspace(-6.2, 6.2, 400)
grid = np.stack(np.meshgrid(axis, axis), axis=-1)
fig, axes = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained", width_ratios=(1, 1.15))
axes[0].contourf(axis, axis, ackley(grid)[0], levels=24, cmap="Blues_r")
axes[0].plot(*np.array(best.allvecs).T, color=GOLD, lw=0.5, alpha=0.9)
axes[0].plot(-4, 3, "o", color="white", mec="black")
axes[0].plot(*stopped, "X", color=RED, ms=10, mec="white")
axes[0].plot(*best.x, "*", color=GOLD, ms=15, mec="black")
axes[0].set(aspect="equal", title=f"{best.nit} iterations to the star; the cross is gradient descent's")
for run in runs:
    values = np.minimum.accumulate(ackley(np.array([*run.allvecs, run.x_last]))[0])
    axes[1].semilogy(values, color=BLUE if run is best else "#9db8d2", lw=1.3)
axes[1].axhline(ackley(stopped)[0], color=RED, lw=1.2)
axes[1].axhline(5e-4, color=GREY, lw=0.8, ls="--")
axes[1].text(100, 5.5e-4, "success", color=GREY)
axes[1].text(12_000, 1.1 * ackley(stopped)[0], "gradient descent", color=RED)
axes[1].set(xlabel="iteration", ylabel="best value so far", title="Five seeds")
plt.show()

# %% [markdown]
# *Question.* One run in three succeeds, and the released notebook takes the best of five; gradient descent gets one try. How
# would you make the comparison fair? (`refimpl reproduce bi-ackley` runs a hundred starts.)
