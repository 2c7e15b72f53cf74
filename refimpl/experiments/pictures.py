"""Pictures that several experiments share. Blue is ours, red what it is compared with; both differ in brightness as well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from refimpl.experiments.paired import paired

OURS, OTHER = "#3a6ea5", "#c8553d"


def draw_paired(axes: Any, values: Mapping[str, Any], pilots: Sequence[tuple[float, float] | None]) -> None:
    """A line for each name: a dot a seed, the mean with its 95 % interval, and the pilot's mean with twice its standard error."""
    rng = np.random.default_rng(0)  # spreads the dots
    axes.axvline(0, color="0.45", linewidth=0.9)
    for k, (x, pilot) in enumerate(zip(values.values(), pilots, strict=True)):
        p, y = paired(x), k + rng.uniform(-0.16, 0.16, len(x))
        axes.plot(x, y, ".", color=OURS, alpha=0.45, ms=6, mew=0, label="a seed" if k == 0 else None)
        reach = [[p.mean - p.low], [p.high - p.mean]] if p.n > 1 else None
        label = "mean, 95 % interval" if k == 0 else None
        axes.errorbar(p.mean, k, xerr=reach, fmt="D", color="#1d3f66", ms=5, lw=2.2, capsize=3, zorder=4, label=label)
        if pilot is not None:
            label = "pilot, ± 2 standard errors" if not any(pilots[:k]) else None
            axes.errorbar(pilot[0], k + 0.3, xerr=2 * pilot[1], fmt="s", mfc="white", color=OTHER, ms=4, lw=1.2, label=label)
    axes.set_yticks(range(len(values)), list(values))
    axes.set_ylim(len(values) - 0.4, -0.6)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
