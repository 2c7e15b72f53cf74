"""The two pictures of a gradient check. matplotlib is imported by whoever draws; here only its Axes are used."""

from __future__ import annotations

from textwrap import wrap

import numpy as np

from refimpl.gradcheck.report import Report, remainder, remainder_order

YOURS, MEASURED, GUIDE, GOOD, BAD = "#c1440e", "#1f4e79", "#777777", "#2e7d32", "#b71c1c"
FLOOR = 1e-17  # where an error of 0 is drawn


def _title(ax, good: bool, text: str):
    lines = wrap(text, 62)
    text = "\n".join(lines[:3]) + (" ..." if len(lines) > 3 else "")
    ax.set_title(text, color=GOOD if good else BAD, loc="left", fontsize=10, fontweight="bold")


def v_curve(report: Report, ax):
    """Differences against the measured slope, the V; against yours, the same V or a plateau; and the band that yours is held to.

    Shown along the worst entry if one is wrong, along a random direction if not.
    """
    view = report.views[-1]
    c, size = view.curve, max(abs(view.measured), abs(view.yours)) or 1.0
    with np.errstate(invalid="ignore"):
        off_measured, off_yours = (np.maximum(np.abs(c.slopes - v) / size, FLOOR) for v in (view.measured, view.yours))
    yours = max(abs(view.yours - view.measured) / size, FLOOR)
    tolerance = max(view.tolerance / size, 2 * FLOOR)
    ax.axhspan(FLOOR, tolerance, color=GOOD, alpha=0.12, lw=0)
    ax.loglog(c.h, np.maximum(c.noise, FLOOR * size) / c.h / size, ":", color=GUIDE, lw=1.2, label="rounding: noise / h")
    ax.loglog(c.h, off_measured, "o-", color=MEASURED, ms=5, lw=1.5, label="differences − measured slope")
    ax.loglog(c.h, off_yours, "s--", color=YOURS, ms=7, lw=1.2, mfc="none", label="differences − your slope")
    ax.axhline(yours, color=YOURS, lw=1)
    exactly = f"{yours:.0e}" if yours > FLOOR else "0"
    ax.text(c.h[0], yours * 1.5, f"your slope − measured slope: {exactly}", color=YOURS, fontsize=8, va="bottom", ha="right")
    ax.text(c.h[-1], tolerance / 1.5, f"tolerance {tolerance:.0e}", color=GOOD, fontsize=8, va="top", ha="left")
    ax.set_ylim(FLOOR, 1e5)
    ax.set_xlabel("step h, relative to the size of the parameters")
    ax.set_ylabel(f"error of the slope, {view.name}")
    ax.legend(loc="upper left", fontsize=8, framealpha=0.9)
    why = ": within the one-sided slopes of the kink it starts at" if report.kinks else ": no slope is farther off than rounding"
    _title(ax, report.ok, report.headline + (why if report.ok else ""))
    return ax


def taylor(report: Report, ax):
    """|f(θ + h d) − f(θ) − h g·d|, parallel to h² if g is the gradient and to h if it is not."""
    view = report.views[-1]
    (h, R), order = remainder(view), remainder_order(view)
    if len(h):
        ax.loglog(h, R, "o-", color=YOURS, ms=5, lw=1.5, label="|f(θ + h d) − f(θ) − h g·d|, g yours")
        for power, text in ((1, "h  "), (2, "h²  ")):
            guide = R[0] * (h / h[0]) ** power
            ax.loglog(h, guide, ":", color=GUIDE, lw=1.2)
            ax.text(h[-1], guide[-1], text, color=GUIDE, ha="right", va="center")
        ax.legend(loc="upper left", fontsize=8)
    ax.set_xlabel("step h, relative to the size of the parameters")
    ax.set_ylabel(f"Taylor remainder, {view.name}")
    gradient = order > 1.5
    if report.kinks:
        ax.set_title("the ray starts at a kink: no slope to judge", color=GUIDE, loc="left", fontsize=10, fontweight="bold")
    elif np.isnan(order):
        _title(ax, True, "f is straight here: no remainder above the rounding")
    else:
        verdict = "as the gradient's does (h²)" if gradient else "the gradient's would fall like h²"
        _title(ax, gradient, f"the remainder falls like h^{order:.2f}: {verdict}")
    return ax
