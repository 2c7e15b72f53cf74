"""What the tables and the pictures of these experiments have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from refimpl.experiments.outcome import Seeds, as_json, footer
from refimpl.experiments.pictures import OTHER, OURS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "DARK",
    "GOLD",
    "GREEN",
    "OTHER",
    "OURS",
    "PALE",
    "PILOT",
    "Seeds",
    "as_json",
    "footer",
    "new_figure",
    "parts",
    "verdict_of",
]

DARK, PALE, GOLD, GREEN = "#222222", "#8fb8de", "#e3b23c", "#7a9e7e"
PILOT = "Pilot: computed before, from other draws, when the laws were derived. Laws and pilot are ours, no figures of a paper."


def parts(checks: Mapping[str, bool]) -> str:
    """The line that says which parts of the rule hold."""
    return "Parts of the decision: " + ", ".join(f"{name} {'yes' if ok else 'NO'}" for name, ok in checks.items()) + "."


def verdict_of(checks: Mapping[str, bool]) -> str:
    """Do all parts hold?"""
    return "agrees" if all(checks.values()) else "differs"


def new_figure(size: tuple[float, float], columns: int, rows: int = 1, **options: Any) -> tuple[Figure, Any]:
    """A figure and its axes (rows, columns), without frames above and on the right."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    for ax in axes.flat:
        ax.spines[["top", "right"]].set_visible(False)
    return figure, axes
