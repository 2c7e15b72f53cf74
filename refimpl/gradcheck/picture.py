"""The two pictures of a gradient check. matplotlib is imported by whoever draws; here only its Axes are used."""

from __future__ import annotations

import numpy as np

from refimpl.gradcheck.report import Report, View, remainder, remainder_order

YOURS, TRUTH, GUIDE = "#c1440e", "#1f4e79", "#888888"


def _say(ax, report: Report, text: str):
    colour = "#2e7d32" if report.ok else "#b71c1c"
    ax.text(0.03, 0.97, text, transform=ax.transAxes, va="top", ha="left", color="white", fontsize=9, wrap=True,
            bbox={"boxstyle": "round,pad=0.4", "facecolor": colour, "edgecolor": "none"}, zorder=10)  # fmt: skip


def _size(view: View) -> float:
    return max(abs(view.measured), abs(view.yours)) or 1.0


def v_curve(report: Report, ax):
    """Central differences against the measured slope (the V) and against yours (a plateau, where yours is wrong)."""
    view = report.views[-1]
    c, size = view.curve, _size(view)
    slope = c.central if np.isfinite(c.central).any() else ((c.plus - c.at) if np.isfinite(c.plus).any() else (c.at - c.minus)) / c.h
    off = {who: np.abs(slope - v) / size for who, v in (("yours", view.yours), ("measured", view.measured))}
    floor = 1e-17
    ax.loglog(c.h, np.maximum(off["measured"], floor), "o-", color=TRUTH, ms=5, lw=1.5, label="differences − measured slope")
    ax.loglog(c.h, np.maximum(off["yours"], floor), "s--", color=YOURS, ms=5, lw=1.2, mfc="none", label="differences − your slope")
    ax.loglog(c.h, c.noise / c.h / size, ":", color=GUIDE, lw=1.2)
    ax.text(c.h[-1], c.noise / c.h[-1] / size, " rounding, noise / h", color=GUIDE, fontsize=8, va="bottom", ha="left")
    tolerance = max(view.tolerance / size, floor)
    ax.axhspan(floor, tolerance, color="#2e7d32", alpha=0.12, lw=0)
    ax.text(c.h[0], tolerance, "tolerance of yours − measured ", color="#2e7d32", fontsize=8, va="bottom", ha="right")
    yours = abs(view.yours - view.measured) / size
    ax.axhline(max(yours, floor), color=YOURS, lw=1, alpha=0.6)
    ax.text(c.h[len(c.h) // 2], max(yours, floor), f"yours − measured: {yours:.0e}", color=YOURS, fontsize=8, va="bottom", ha="center")
    ax.set_ylim(floor, 30)
    ax.set_xlabel("step h, relative to the size of the parameters")
    ax.set_ylabel(f"relative error of the slope, {view.name}")
    ax.set_title("error against step size", fontsize=10)
    ax.legend(loc="lower left", fontsize=8, framealpha=0.9)
    _say(ax, report, f"{report.headline}")
    return ax


def taylor(report: Report, ax):
    """|f(θ + h d) − f(θ) − h g·d|, parallel to h² if g is the gradient and to h if it is not."""
    view = report.views[-1]
    h, R = remainder(view)
    order = remainder_order(view)
    if len(h):
        ax.loglog(h, R, "o-", color=YOURS, ms=5, lw=1.5, label="remainder with your slope")
        for power in (1, 2):
            ax.loglog(h, R[0] * (h / h[0]) ** power, ":", color=GUIDE, lw=1.2)
            ax.text(h[-1], R[0] * (h[-1] / h[0]) ** power, f"h{'²' if power == 2 else ''} ", color=GUIDE, fontsize=10, ha="right")
        ax.legend(loc="lower right", fontsize=8)
    ax.set_xlabel("step h, relative to the size of the parameters")
    ax.set_ylabel(f"|f(θ + h d) − f(θ) − h g·d|, {view.name}")
    ax.set_title("Taylor remainder", fontsize=10)
    if np.isnan(order):
        text = "f is straight here: no remainder above rounding"
    else:
        text = f"falls like h^{order:.2f}; the gradient's falls like h²" + ("" if report.ok or order > 1.5 else ", so this is not the gradient")
    _say(ax, report, text)
    return ax
