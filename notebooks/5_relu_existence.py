# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # Is there an optimal network?
#
# For networks of one hidden ReLU layer and continuous targets there is, under mild assumptions (Dereich and Kassing, 2023).
# Networks can tend to functions that are no networks: these jump, and do worse than suitable networks. So far the abstract
# goes; the laws and numbers below were derived and measured for this package. Each section goes from a claim to the code
# that tests it, a picture and a question. `refimpl reproduce existence-ramps`, `-counterexamples`, `-divergence`, `-budget`,
# `-trainers` and `-collision` have more runs of each, and count.

# %%
import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import minimize

import refimpl
from refimpl.nn import Shallow
from refimpl.papers import reduced_space as rs
from refimpl.papers import relu_existence as ex
from refimpl.params import ravel

BLUE, RED, GOLD, GREEN, GREY = "#3a6ea5", "#c8553d", "#e3a72f", "#5c8a5e", "#6b6b6b"
plt.rcParams.update({"figure.dpi": 110, "axes.spines.top": False, "axes.spines.right": False, "axes.titlesize": 11})

# %% [markdown]
# ## Ramps become a jump
#
# Two neurons, T (l + g/2T)⁺ − T (l − g/2T)⁺, are 0 on one side of a line and exactly g on the other. The wedge between has
# the width |g|/T: as T grows they tend to a jump, everywhere but on the line. How fast, the laws say. Claims E1, E4, E9.

# %%
print(refimpl.verify(claim="E4"))

# %%
G = ex.generalized(a=[-0.5], c=-0.3, u=[[1.0]], beta=[-0.2], slope=[[0.6]], offset=[0.8])  # jumps at 0.2
interval, x = (-1.0, 1.0), np.linspace(-1, 1, 2001)
jumps = np.where(np.abs(x - 0.2) < 6e-4, np.nan, ex.generalized_response(G, x))
slopes = np.geomspace(3, 1e5, 19)
laws = {
    "distance in L¹: T⁻¹": (1, [ex.distance_law(G, T, interval, 1) for T in slopes]),
    "risk gained: T⁻¹": (1, [ex.risk_law(G, T, np.sin, interval) for T in slopes]),
    "where h = |x − ξ|: T⁻²": (2, [ex.touching_law(G, T, np.sin, 0.5) for T in slopes]),
}

# %%
fig, axes = plt.subplots(1, 2, figsize=(12, 4.6), layout="constrained")
for T, colour in zip((2, 5, 20, 100), plt.get_cmap("Blues")((0.35, 0.5, 0.65, 0.85)), strict=True):
    axes[0].plot(x, ex.response(ex.ramp(G, T), x), color=colour, lw=2, label=f"T = {T}")
axes[0].plot(x, jumps, color="black", lw=1.2, ls="--", label="the jump")
axes[0].plot(x, np.sin(x), color=GOLD, lw=3, zorder=0, label="target sin x")
axes[0].set(xlabel="x", title="Ramps of two neurons, and what they tend to", ylim=(-1.05, 1.05))
axes[0].legend(frameon=False)
places = ((1e5, 2.5e-4), (1e5, 1e-7), (2500, 2e-10))
for (name, (power, law)), colour, place in zip(laws.items(), (BLUE, RED, GREEN), places, strict=True):
    predicted, measured = np.abs(np.array(law)).T / slopes**power
    axes[1].loglog(slopes, predicted, color=colour, lw=1)
    axes[1].loglog(slopes, measured, "o", color=colour, ms=5)
    axes[1].text(*place, name, color=colour, ha="right")
steep = np.geomspace(3, 1e3, 11)
axes[1].loglog(steep, [ex.disc_error_law(t) for t in steep], color=GREY, lw=1)
axes[1].loglog(steep, [ex.disc_error(t) for t in steep], "o", color=GREY, ms=5)
axes[1].text(250, 1e-14, "two discs, see below: T⁻⁵", color=GREY)
axes[1].set(xlabel="steepness T", title="Lines: the laws. Dots: measured", ylim=(1e-19, 3))
plt.show()

# %% [markdown]
# *Question.* The largest distance from the jump stays |g|/2 for every T. How can the distance in L¹ vanish?

# %% [markdown]
# ## A jump is never optimal
#
# Across the wedge the residual runs from u to w, so that its mean square is (u² + uw + w²)/3; before, it was (u² + w²)/2.
# The difference is −(w − u)²/6, whatever the target is, if only it is continuous there. So the risk falls when a jump
# becomes a ramp: by |g|³h/6T. Claim E1. On the right the jump is that of the first section, and ramps that are not centred
# may lose (E3).

# %%
print(refimpl.verify(claim="E1"))

# %%
domain = (-4.0, 4.0)
jumping = ex.best_discontinuous(np.tanh, domain, 2, 80)  # two lines that need not meet
xi, (before, after) = jumping.knots[1], jumping.lines
s1, s2 = np.diff(jumping.lines, axis=1)[:, 0] / np.diff(jumping.knots)
J = ex.generalized([s1], before[1] - s1 * xi, [[1.0]], [-xi], [[s2 - s1]], [after[0] - before[1] - (s2 - s1) * xi])
g = float(after[0] - before[1])
network = ex.best_residual(np.tanh, domain, 2)

width = np.linspace(0.005, 3.4, 120)  # of the ramp: |g|/T
risk = [ex.exact_risk(ex.ramp(J, abs(g) / h), np.tanh, domain)[0] for h in width]
slope = ex.risk_law(J, 1e4, np.tanh, domain).predicted / abs(g)  # at width 0
print(f"jump of {g:.3f} at {xi:.3f}: risk {jumping.error:.4f}; best network of as many neurons: {network.error:.4f}")

narrow, height = np.linspace(0.002, 0.25, 60), 0.92  # of the first section's jump, G
spots = {"begins behind it": -0.5, "begins at the jump": 0.0, "centred": None, "ends at the jump": height}
placed = {
    name: [ex.risk_law(G, height / h, np.sin, interval, q=q).measured * h / height for h in narrow] for name, q in spots.items()
}

# %%
fig, axes = plt.subplots(1, 3, figsize=(14, 4.4), layout="constrained")
wide = np.linspace(*domain, 2001)
axes[0].plot(wide, np.tanh(wide), color=GOLD, lw=5, alpha=0.6, label="target tanh x")
jumps = np.where(np.abs(wide - xi) < 3e-3, np.nan, ex.generalized_response(J, wide))
axes[0].plot(wide, jumps, color="black", lw=1.4, label="best jump")
best = width[np.argmin(risk)]
axes[0].plot(wide, ex.response(ex.ramp(J, abs(g) / best), wide), color=BLUE, lw=1.8, label="its best ramp")
axes[0].plot(wide, network(wide), color=GREEN, lw=1.8, ls="--", label="best network")
axes[0].set(xlabel="x", title="Two neurons each")
axes[0].legend(frameon=False)
axes[1].plot(width, risk, color=BLUE, lw=2.2)
axes[1].plot(width[:42], jumping.error + slope * width[:42], color="black", lw=1.2, ls=":")
axes[1].text(0.4, 0.03, "the law\n−g²/6 · width", ha="center")
axes[1].plot(0, jumping.error, "o", color="white", mec="black", ms=8, zorder=5)
axes[1].text(0.14, jumping.error, "the jump", va="center")
axes[1].text(2.85, 0.2, "its ramps", color=BLUE, ha="right")
axes[1].axhline(network.error, color=GREEN, lw=1.8, ls="--")
axes[1].text(3.4, network.error + 0.004, "best network", color=GREEN, ha="right")
axes[1].set(xlabel="width of the ramp, |g|/T", ylabel="risk", title="Leave the best jump: downhill", ylim=(0, 0.26))
for (name, change), colour in zip(placed.items(), (RED, GOLD, BLUE, GREEN), strict=True):
    axes[2].plot(narrow, change, color=colour, lw=2.2)
    axes[2].text(0.256, change[-1], name, color=colour, va="center")
axes[2].plot(0, 0, "o", color="white", mec="black", ms=8, zorder=5)
axes[2].axhline(0, color=GREY, lw=0.8)
axes[2].set(xlabel="width of the ramp", ylabel="change of the risk", xlim=(-0.008, 0.36))
axes[2].set_title("Any jump: it matters where a ramp is")
axes[2].set_xticks([0, 0.1, 0.2])
plt.show()

# %% [markdown]
# *Question.* Why does the law need the target to be continuous at the jump, and nothing else of it?

# %% [markdown]
# ## Two discs that touch
#
# The density must be positive on a convex set. Here it is positive on two discs; f = 0 on the lower and f = x on the upper
# one, which is continuous. The jump 1{y > 0} x is exact, no network of two neurons is, and ramps come as near as one likes:
# their wedge slips through the gap between the discs. Claim E9.

# %%
print(refimpl.verify(claim="E9"))

# %%
fig, axes = plt.subplots(1, 3, figsize=(13, 4.4), layout="constrained", width_ratios=(0.8, 1.1, 1))
turn = np.linspace(0, 2 * np.pi, 400)


def draw_discs(ax, T, window, points=401):
    px, py = np.meshgrid(np.linspace(-window[0], window[0], points), np.linspace(-window[1], window[1], points))
    inside = px**2 + (np.abs(py) - 1) ** 2 <= 1
    N = ex.response(ex.disc_network(T), np.stack([px.ravel(), py.ravel()], axis=1)).reshape(px.shape)
    image = np.where(inside, N, np.nan)
    picture = ax.pcolormesh(px, py, image, cmap="RdBu_r", vmin=-1, vmax=1, rasterized=True)
    wrong = inside & (np.abs(N - np.where(py > 0, px, 0)) > 1e-12)
    ax.contourf(px, py, wrong, levels=[0.5, 1.5], colors=[GOLD])
    for centre in (-1, 1):
        ax.plot(np.cos(turn), np.sin(turn) + centre, color="black", lw=1.2)
    reach = np.array([-window[0], window[0]])
    for sign in (-1, 1):
        ax.plot(reach, sign * reach / (2 * T), color="black", lw=0.8, ls="--")
    ax.set(xlim=(-window[0], window[0]), ylim=(-window[1], window[1]), xlabel="x", ylabel="y")
    return picture


fig.colorbar(draw_discs(axes[0], 3.0, (1.05, 2.05)), ax=axes[0], shrink=0.7, label="the network, T = 3")
axes[0].set(aspect="equal", title="0 below, x above")
draw_discs(axes[1], 3.0, (0.5, 0.13))
axes[1].set(title="The middle: only gold is wrong")
steep = np.geomspace(1, 1e3, 25)
errors = np.array([ex.disc_error(t) for t in steep])
axes[2].loglog(steep, errors, "o", color=BLUE, ms=4, label="measured")
axes[2].loglog(steep, [ex.disc_error_law(t) for t in steep], color=GOLD, lw=1.4, label="1/840 T⁵")
axes[2].loglog(steep, 1 / (12 * steep), color=RED, lw=1.4, label="1/12T, of a step on an interval")
axes[2].set(xlabel="T", title="Error: to 0, and never 0")
axes[2].legend(frameon=False)
plt.show()

# %% [markdown]
# *Question.* Move the discs apart by 0.01. Is there an optimal network now, and of which steepness?

# %% [markdown]
# ## Running away
#
# Towards the step 1{x > 0} the risk 0 is not attained. Gradient descent on the exact risk, from a ramp, follows the ramps
# for ever: 6 · loss · |θ|² → 1, which is the least that this norm allows (claims E42, E45). Towards a continuous target,
# from the same start, it comes to rest.

# %%
print(refimpl.verify(claim="E45"))

# %%
start = ex.step_ramp(1.5)
paths = {}
for name, f, cut in (("step", ex.TARGETS["step"].function, [0.0]), ("tanh", lambda x: (1 + np.tanh(5 * x)) / 2, [])):
    net, seen = start, []
    for k in range(10_001):
        value, slope = ex.exact_risk(net, f, interval, breaks=cut)
        if k % 50 == 0 or k < 50:
            seen.append((k, np.sqrt(sum(np.sum(p * p) for p in net[:4])), value / 2, net))
        net = Shallow(*(p - 0.02 * dp for p, dp in zip(net[:4], slope[:4], strict=True)))  # twice that of the mean
    paths[name] = seen

# %%
fig, axes = plt.subplots(1, 3, figsize=(13, 4.2), layout="constrained")
x = np.linspace(-1, 1, 1601)
for k, colour in zip((0, -1), ("#a9c4e0", "#16324f"), strict=True):
    steps, norm, _, net = paths["step"][k]
    axes[0].plot(x, ex.response(net, x), color=colour, lw=2, label=f"step {steps}, |θ| = {norm:.2f}")
axes[0].plot(x, np.where(np.abs(x) < 1e-3, np.nan, x > 0), color=GOLD, lw=3, alpha=0.8, zorder=0, label="target 1{x > 0}")
axes[0].set(xlabel="x", title="The ramp steepens", ylim=(-0.1, 1.45))
axes[0].legend(frameon=False, loc="upper left")
for name, colour, text in (("step", BLUE, "step"), ("tanh", GREEN, "(1 + tanh 5x)/2")):
    times, norms, losses = (np.array(part) for part in list(zip(*paths[name], strict=True))[:3])
    axes[1].semilogx(times + 1, norms, color=colour, lw=2.2)
    axes[1].text(1e4, norms[-1] - 0.3 * (name == "tanh"), text, color=colour, ha="right" if name == "tanh" else "left")
    axes[2].loglog(norms, losses, color=colour, lw=2.2)
    axes[2].plot(norms[-1], losses[-1], "o", color=colour)
times = np.geomspace(1, 1e4, 60)
axes[1].plot(times, (paths["step"][0][1] ** 4 + 4 / 3 * 0.04 * times) ** 0.25, color=GOLD, lw=1.4, ls="--")
axes[1].set(xlabel="step", title="The norm |θ|", xlim=(1, 4e4))
R = np.linspace(2.3, 6, 50)
axes[2].plot(R, [ex.relu_step_law(r) for r in R], color=GOLD, lw=1.4, ls="--", label="1/6|θ|², the least for a step")
axes[2].set(xlabel="|θ|", ylabel="loss", title="Dots: where 10 000 steps lead")
axes[2].set_xticks([2.5, 3, 4, 5, 6], ["2.5", "3", "4", "5", "6"])
axes[2].minorticks_off()
axes[2].legend(frameon=False, loc="center right", bbox_to_anchor=(1, 0.45))
axes[0].set_xticks([-1, 0, 1])
plt.show()

# %% [markdown]
# The dashed line in the middle, (|θ₀|⁴ + 4t/3)^¼, is gradient flow along the ramps. Two honest limits. The largest curvature
# there is some 0.8 |θ|², so that steps of a fixed rate, here 0.04, become unstable at |θ| = 8: for ever is for the flow. And
# from generic starts descent stops at a finite critical point, of loss 0.045. To run away it must start below the lowest.
#
# *Question.* Derive the law of the norm from loss = 1/6|θ|². How many steps make |θ| = 20?

# %% [markdown]
# ## Loss against a budget
#
# The least loss for |θ| ≤ R. If a best network exists, the curve is flat from its norm on. For ReLU and a continuous target
# it is; claim E8. Smooth activations go on for ever, as difference quotients that tend to what they cannot be.

# %%
print(refimpl.verify(claim="E8"))

# %%
radii = np.array([1, 1.4, 2, 3, 4, 6, 8, 12, 16])
cases = (("relu", 2, "x^2"), ("tanh", 2, "x^2"), ("softplus", 2, "x^2"), ("relu", 2, "step"), ("tanh", 1, "step"), ("tanh", 1, "x"))
budgets = {
    case: ex.best_within_budget(case[0], case[1], ex.TARGETS[case[2]], radii, np.random.default_rng(0), restarts=2)[0]
    for case in cases
}

# %%
fig, axes = plt.subplots(1, 2, figsize=(12, 4.6), layout="constrained")
colours, names = {"relu": BLUE, "tanh": RED, "softplus": GREEN}, {"relu": "ReLU", "tanh": "tanh", "softplus": "softplus"}
for case, losses in budgets.items():
    ax = axes[1] if case[2] == "step" else axes[0]
    ax.loglog(radii, losses, "s--" if case[2] == "x" else "o-", color=colours[case[0]], ms=5, lw=2 if case[2] != "x" else 1)
axes[0].text(16, 1.7e-3, "two ReLUs: 4/3645", color=BLUE, ha="right")
axes[0].text(1.02, 2e-5, "one tanh,\nfor f = x", color=RED)
axes[0].text(15, 2e-9, "two tanh", color=RED, ha="right")
axes[0].text(7, 8e-10, "two softplus", color=GREEN, ha="right")
R = np.array([4, 16])
axes[0].plot(R, [ex.tanh_identity_law(r) for r in R], color="black", lw=1, ls=":")
axes[0].set(xlabel="budget R", ylabel="least loss", title="A continuous target, x²: ReLU comes to rest", ylim=(2e-11, 1))
R = np.array([1.5, 16])
axes[1].plot(R, [ex.relu_step_law(r) for r in R], color="black", lw=1, ls=":")
axes[1].text(10, 1.1e-3, "two ReLUs: 1/6R²", color=BLUE, ha="right")
axes[1].text(7, 1.8e-2, "one tanh: 1/R", color=RED)
axes[1].set(xlabel="budget R", title="A jump, 1{x > 0}: none does", ylim=(3e-4, 0.3))
for ax in axes:
    ax.set_xticks([1, 2, 4, 8, 16], ["1", "2", "4", "8", "16"])
    ax.minorticks_off()
plt.show()

# %% [markdown]
# *Question.* One softplus on x⁺ falls as R^p. Which p does ∫ (softplus(kx)/k − x⁺)² dx = ζ(3)/2k³ suggest?

# %% [markdown]
# ## Trained, and optimal
#
# In one dimension the optimum can be had: by dynamic programming over parabolas on a grid of knots, then polished. And a
# lower bound, that no piecewise linear function goes below, not even one that jumps. So a trainer has a mark. Claim E47.

# %%
print(refimpl.verify(claim="E47"))

# %%
f, unit, rng = ex.Sine(2 * np.pi), (0.0, 1.0), np.random.default_rng(4)
runs: dict = {}
widths, residual, feedforward, bounds = range(1, 6), [], [], []
for n in widths:
    residual.append(ex.best_residual(f, unit, n))
    feedforward.append(ex.best_feedforward(f, unit, n, restarts=2))
    bounds.append(ex.lower_bound(f, unit, n + 1, 240))
    for _ in range(20):
        w = rng.normal(size=n)
        theta, unravel = ravel(Shallow(w[:, None], -w * rng.uniform(size=n), rng.normal(size=n) / n**0.5, np.array(0.0)))
        end = minimize(
            lambda z, back=unravel: ((r := ex.exact_risk(back(z), f, unit))[0], back.flat(r[1])),
            theta, jac=True, method="L-BFGS-B", options={"maxiter": 600},
        )  # fmt: skip
        runs.setdefault(n, []).append((end.fun, unravel(end.x)))

# %%
fig, axes = plt.subplots(1, 2, figsize=(13, 4.8), layout="constrained", width_ratios=(1, 1.25))
line, n = np.linspace(0, 1, 1001), 4
error, net = sorted(runs[n], key=lambda run: run[0])[10]
axes[0].plot(line, f(line), color=GOLD, lw=5, alpha=0.6, label="target")
axes[0].plot(line, feedforward[n - 1](line), color=BLUE, lw=1.8, label=f"optimum: {feedforward[n - 1].error:.1e}")
axes[0].plot(feedforward[n - 1].knots[1:-1], feedforward[n - 1].values[1:-1], "o", color=BLUE, ms=5)
axes[0].plot(line, ex.response(net, line), color=RED, lw=1.8, label=f"the median of 20 runs: {error:.2f}")
axes[0].set(xlabel="x", title=f"sin 2πx by {n} neurons")
axes[0].legend(frameon=False)
ax = axes[1]
for n, free, forward, bound in zip(widths, residual, feedforward, bounds, strict=True):
    ax.plot([n, 5.4], [forward.error] * 2, color=BLUE, lw=0.7, alpha=0.6, zorder=0)
    ax.plot([n, 5.4], [free.error] * 2, color=GREEN, lw=0.7, alpha=0.6, zorder=0)
    ax.semilogy(n + np.linspace(-0.2, 0.2, 20), sorted(run[0] for run in runs[n]), "o", color=RED, ms=4, alpha=0.8)
    ax.bar(n, free.error - bound, 0.6, bound, color=GREEN, alpha=0.35)
    ax.plot([n - 0.3, n + 0.3], [free.error] * 2, color=GREEN, lw=2.5)
    ax.plot([n - 0.3, n + 0.3], [forward.error] * 2, color=BLUE, lw=2.5)
ax.plot([], [], "o", color=RED, ms=4, label="trained")
ax.plot([], [], color=BLUE, lw=2.5, label="best without a skip connection: what they could be")
ax.plot([], [], color=GREEN, lw=2.5, label="best with one; shaded: down to the proven bound")
ax.set(xlabel="neurons", ylabel="∫ (R − f)² dx", title="Twenty runs a width, and the mark", ylim=(6e-5, 1))
ax.legend(frameon=False, loc="lower left")
plt.show()

# %% [markdown]
# Thin lines carry each optimum on to larger widths: most runs end on one of a narrower network. A neuron is dead
# or affine, or two are one. To mistake the two classes for each other is an error of up to ten times, claim E32.
#
# *Question.* Some runs of three neurons end on the green line of two. How can they, without a skip connection?

# %% [markdown]
# ## One function, many networks
#
# Permuted, scaled, split, turned round with an affine function to pay for it: still the same function. The canonical form
# sees that, and says how few neurons will do. Claims E11 and E12.

# %%
print(refimpl.verify(claim="E11"))

# %%
rng = np.random.default_rng(8)
angle = np.array([0.35, 1.5, 2.6])
u = np.stack([np.cos(angle), np.sin(angle)], axis=1)
net = Shallow(u, np.array([0.2, -0.3, 0.1]), np.array([1.2, -0.9, 0.8]), np.array(-0.6))
twice, share = net.W[[0, 0, 1, 2, 2]], np.array([0.3, 0.7, 1.0, 1.6, -0.6])  # split neurons 0 and 2
pair = np.array([[0.8, -0.6], [-0.8, 0.6]])  # l⁺ − (−l)⁺ is affine
s = 10 ** rng.uniform(-0.7, 0.7, 9)
W = np.concatenate([twice, pair, [[0.9, 0.3], [0.9, 0.3]]]) * s[:, None]
b = np.concatenate([net.b[[0, 0, 1, 2, 2]], [0.5, -0.5], [1.6, -2.0]]) * s  # the last two: affine on the disc, and dead there
v = np.concatenate([net.v[[0, 0, 1, 2, 2]] * share, [0.5, -0.5], [1.0, 3.0]]) / s
off = 0.5 * pair[0] + np.array([0.9, 0.3])  # what these four add up to, taken away by turning neuron 1 round and by a skip
many = Shallow(W, b, v, net.c - 0.5 * 0.5 - 1.6, -off)
form = ex.canonical_form(many, domain=1.0)
few = ex.minimal_network(form, compact=True, radius=1.0)
print(f"{len(many.W)} neurons and a skip; {len(form.kappa)} planes; {len(few.W)} neurons do")
print("the same on the disc:", ex.same_function(many, few, domain=1.0), "and in the plane:", ex.same_function(many, few))

# %%
px, py = np.meshgrid(np.linspace(-1.7, 1.7, 341), np.linspace(-1.7, 1.7, 341))
points = np.stack([px.ravel(), py.ravel()], axis=1)


def plot_network(ax, net, title):
    N = ex.response(net, points).reshape(px.shape)
    ax.contourf(px, py, N, levels=np.linspace(-1.5, 1.5, 16), cmap="RdBu_r", extend="both", alpha=0.75)
    for j, (w, b) in enumerate(zip(net.W, net.b, strict=True)):
        r = np.hypot(*w)
        along = np.array([-w[1], w[0]]) / r
        foot = -b / r * w / r + (0.45 - 0.22 * (j % 3)) * along  # copies of a neuron side by side
        ax.plot(*(foot + np.outer([-4, 4], along)).T, color="black" if abs(b) < r else GREY, lw=1.4, ls="-" if abs(b) < r else ":")
        ax.annotate("", foot + 0.3 * w / r, foot, arrowprops={"arrowstyle": "->", "lw": 1.6})
    ax.plot(np.cos(turn), np.sin(turn), color="black", lw=2.4)
    ax.set(xlim=(-1.7, 1.7), ylim=(-1.7, 1.7), aspect="equal", title=title, xticks=[], yticks=[])


fig, axes = plt.subplots(1, 2, figsize=(10, 5), layout="constrained")
plot_network(axes[0], many, f"{len(many.W)} neurons, and a skip connection")
plot_network(axes[1], few, f"{len(few.W)} neurons: the same on the disc")
plt.show()

# %% [markdown]
# Lines are where neurons break, arrows point to the side where they are on; dotted lines miss the disc.

# %%
for name, rows, out in (("x⁺", [[1, 0]], [1]), ("x⁺ + y", [[1, 0], [0, 1], [0, -1]], [1, 1, -1])):
    net = Shallow(np.array(rows, float), np.zeros(len(rows)), np.array(out, float), np.array(0.0))
    counts = [ex.neuron_count(ex.canonical_form(net, domain=D), compact=D is not None) for D in (None, 3.0)]
    print(f"{name}: {counts[0]} neurons in the plane, {counts[1]} on a disc")

# %% [markdown]
# *Question.* Why does an affine function cost two neurons in the plane, and one on a disc?

# %% [markdown]
# ## A certificate
#
# With weight decay the optimum over all widths has a proof: |νᵀ(X̃u)⁺| ≤ β for every direction u of (w, b), where ν are
# the residuals, and equality at each neuron. In one dimension u turns round a circle, and the largest value is found
# exactly. Claims E15 and E40.

# %%
print(refimpl.verify(claim="E40"))

# %%
x, beta = np.linspace(-1, 1, 10), 0.05
y = np.sin(3 * x)
lifted, phi = np.column_stack([x, np.ones(10)]), np.linspace(-np.pi, np.pi, 2001)
fig, axes = plt.subplots(2, 4, figsize=(13, 5.2), layout="constrained", sharex="row", sharey="row", height_ratios=(1, 1.25))
fine = np.linspace(-1, 1, 801)
for count, (above, under) in enumerate(axes.T, 1):
    net, value = ex.best_weight_decay(x, y, count, beta, np.random.default_rng(0), restarts=20)
    found = ex.certificate(net.W, net.b, net.v, x, y, beta)
    nu = y - ex.response(net, x)
    colour = GREEN if found.certified else RED
    above.plot(x, y, "o", color=GREY, ms=4)
    above.plot(fine, ex.response(net, fine), color=colour, lw=2)
    above.set_title(f"{count} neuron{'s' * (count > 1)}: P = {value:.4f}")
    dual = np.maximum(np.stack([np.cos(phi), np.sin(phi)], axis=1) @ lifted.T, 0) @ nu / beta
    under.plot(np.degrees(phi), np.abs(dual), color=colour, lw=1.8)
    under.axhline(1, color="black", lw=1, ls="--")
    at = np.arctan2(net.b, net.W[:, 0])
    under.plot(np.degrees(at), np.ones(len(at)), "o", color="black", ms=6, zorder=4)
    under.set(yscale="log", ylim=(0.03, 100), xlabel="angle of (w, b), degrees")
    under.set_title(f"largest: {found.ratio:.4g}" + ", a proof" * found.certified)
    under.set_xticks([-180, -90, 0, 90, 180])
axes[0, 0].set_ylabel("fit")
axes[1, 0].set_ylabel("|νᵀ(X̃u)⁺| / β")
plt.show()

# %% [markdown]
# Where the curve is above the dashed line, a new neuron of this direction would lower the objective. Dots are the neurons.
# With four it is nowhere above: no network of any width is better.
#
# *Question.* For β = 0.3 two neurons are certified. At which β is none needed?

# %% [markdown]
# ## A jump is a collision
#
# In the reduced space, unit weights and bounded thresholds, there is one way only to leave the networks: two neurons meet,
# while their outgoing weights grow, |c| · distance → height of the jump. A repulsive energy of the pairs (w, b) is infinite
# there; so loss + λ energy has a minimiser, even for a step. The energy is claim R33, of the other paper.

# %%
print(refimpl.verify(claim="R33"))

# %%
plane = ex.generalized([0.0, 0.0], 0.0, [[0.8, 0.6]], [0.2], [[1.0, -1.2]], [1.3])  # two inputs: a jump along a line
scales = np.geomspace(0.7, 1000, 60)
pairs = [Shallow(*rs.reduce(ex.ramp(plane, T)[:4], 100.0)) for T in scales]
energies = np.geomspace(1e-2, 1e-7, 11)
ends: dict = {}
walls = [(-1, 1)] * 2 + [(None, None)] * 3
for name, sign, f, cut in (("1{x > 0}", 1.0, ex.TARGETS["step"].function, [0.0]), ("x²", -1.0, np.square, [])):
    W, z = np.array([[1.0], [sign]]), np.array([0.3, -0.3, 1.0, -sign, 0.0])  # z = b, c, c_0
    for lam in energies:
        end = minimize(
            lambda z, lam=lam, W=W, f=f, cut=cut: (
                (r := ex.exact_risk((W, z[:2], z[2:4], z[4]), f, interval, breaks=cut))[0] / 2
                + lam * (e := rs.repulsion_forward(W, z[:2], 1.0))[0],
                np.concatenate([r[1][1] / 2 + rs.repulsion_backward(lam, e[1])[1], r[1][2] / 2, [r[1][3] / 2]]),
            ),
            z, jac=True, method="L-BFGS-B", bounds=walls, options={"maxiter": 2000, "ftol": 0, "gtol": 1e-12},
        )  # fmt: skip
        z = end.x
        ends.setdefault(name, []).append((np.abs(z[0] - sign * z[1]), end.fun, (W, *z[:4].reshape(2, 2), z[4])))

# %%
fig, axes = plt.subplots(1, 3, figsize=(14, 4.4), layout="constrained")
for j, colour in enumerate((BLUE, RED)):
    path = np.array([[np.degrees(np.arctan2(p.W[j, 1], p.W[j, 0])), p.b[j]] for p in pairs])
    axes[0].plot(*path.T, color=colour, lw=1)
    axes[0].scatter(*path[:33:4].T, s=[25 * abs(p.v[j]) ** 0.6 for p in pairs[:33:4]], color=colour, alpha=0.55, lw=0)
axes[0].plot(np.degrees(np.arctan2(0.6, 0.8)), 0.2, "*", color="black", ms=14)
axes[0].annotate("the jump", (37, 0.2), (60, 0.35), arrowprops={"arrowstyle": "-", "color": GREY})
axes[0].text(9, 0.62, "c > 0", color=BLUE)
axes[0].text(66, -0.35, "c < 0", color=RED, ha="right")
axes[0].set(xlabel="direction of w, degrees", ylabel="threshold b", title="Two inputs: neurons on the strip, size |c|")
for name, colour, trail in (("ramps", BLUE, [(1 / T, T) for T in (2, 1e3)]), ("descent, above", GOLD, None)):
    if trail is None:
        nets = [rs.reduce(net, 1.0) for _, _, _, net in paths["step"]]
        trail = [(abs(float(n.b[0] * n.W[0, 0] - n.b[1] * n.W[1, 0])), float(np.abs(n.v).mean())) for n in nets]
    axes[1].loglog(*np.array(trail).T, color=colour, lw=5 if name != "ramps" else 1.6, label=name, zorder=len(trail) == 2)
axes[1].set(xlabel="distance of the breaks", ylabel="|c|", title="One input: |c| · distance stays 1, the height")
axes[1].legend(frameon=False)
for (name, trail), colour in zip(ends.items(), (BLUE, GREEN), strict=True):
    axes[2].loglog(energies, [e[0] for e in trail], "o", color=colour, ms=5, label=name)
axes[2].loglog(energies, np.sqrt(24 * energies), color=BLUE, lw=1.2, label="√24λ")
axes[2].axhline(2 / 3, color=GREEN, lw=1.2)
axes[2].text(1e-7, 0.75, "best network for x²", color=GREEN)
axes[2].set(xlabel="λ", ylabel="distance of the breaks", title="Minimisers of loss + λ energy", ylim=(1e-3, 1.3))
axes[2].legend(frameon=False, loc="lower right")
plt.show()

# %% [markdown]
# *Question.* A ramp of width D has the loss D/24 and the energy 1/D. Which D is best, and what is the value? Why must the
# energy be of (w, b), and not of w alone?
