"""What the results of these experiments have in common: seeds, the last lines of a table, the JSON."""

from __future__ import annotations

from textwrap import wrap

from refimpl.experiments.outcome import Seeds, as_json
from refimpl.report.table import versions

__all__ = ["RELEASED", "Seeds", "as_json", "footer"]

RELEASED = "released: figures of the authors' notebooks and result files; the paper's own text and tables were not at hand."


def footer(
    config: Seeds, minutes: float, rule: str, verdict: str, *remarks: str, random: str = "runs", decided: str = "before the run"
) -> list[str]:
    """The last lines of a table, wrapped: remarks, what is random and of which seed, versions, the rule and when it was made."""
    found = ", ".join(f"{name} {v}" for name, v in versions().items())
    last = (
        f"{config.seeds} random {random}, of seed {config.seed}; {minutes:.1f} minutes; {found}.",
        f"Decision, fixed {decided}: {rule}.",
        f"Verdict: {verdict}.",
    )
    return [line for text in (*remarks, *last) for line in wrap(text, 108)]
