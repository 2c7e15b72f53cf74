"""The table of claims: one row a claim, printed plainly, in colour on a terminal, or as JSON."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from math import isfinite
from textwrap import wrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

    from refimpl.claims.claim import Verdict

MARK = {"holds": "holds", "fails": "FAILS", "not run": "NOT RUN", "not covered": "not covered"}
STYLE = {"in part": "green", "holds": "green", "fails": "bold red", "not run": "bold red", "not covered": "dim"}


def number(x: float) -> str:
    """Two digits, or a word where there are none."""
    return f"{x:.1e}" if isfinite(x) else {"nan": "–", "inf": "∞"}.get(str(x), str(x))


def versions() -> dict[str, str]:
    """Versions of what the figures of a report depend on."""
    found = {"python": platform.python_version()}
    for name in ("refimpl", "numpy", "scipy"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def mark(v: Verdict) -> str:
    """The verdict as the table shows it."""
    return "in part" if v.verdict == "holds" and v.note.startswith("in part") else MARK[v.verdict]


class Report(Sequence["Verdict"]):
    """Verdicts on a number of claims. Prints as a table; `ok` unless a claim fails or could not be run."""

    def __init__(self, verdicts, title, **settings):
        self.verdicts, self.title, self.settings = list(verdicts), title, settings

    def __getitem__(self, k):
        return self.verdicts[k]

    def __len__(self) -> int:
        return len(self.verdicts)

    def __iter__(self) -> Iterator[Verdict]:
        return iter(self.verdicts)

    @property
    def ok(self) -> bool:
        """Every claim holds, or is not covered by what a foreign implementation has; and at least one holds."""
        return all(v.ok for v in self) and any(v.verdict == "holds" for v in self)

    @property
    def failures(self) -> list[Verdict]:
        """The verdicts that are not ok."""
        return [v for v in self if not v.ok]

    def summary(self) -> str:
        """How many hold, fail, were not run, are not covered, and in how many seconds."""
        count = {name: sum(v.verdict == name for v in self) for name in MARK}
        words = [
            f"{n} {name}" if name.startswith("not") else f"{n} {name if n == 1 else name.rstrip('s')}"
            for name, n in count.items()
            if n
        ]
        cases, seconds = sum(v.draws for v in self), sum(v.seconds for v in self)
        one, case = ("" if n == 1 else "s" for n in (len(self), cases))
        return f"{len(self)} claim{one}: {', '.join(words) or 'none'}; {cases} case{case} in {seconds:.1f} s"

    def remarks(self) -> list[str]:
        """Why claims are not covered, or in part only: a line for each reason."""
        reasons: dict[str, list[str]] = {}
        for v in self:
            if v.note and v.ok and (v.verdict == "not covered" or mark(v) == "in part"):
                reasons.setdefault(("not covered: " if v.verdict == "not covered" else "") + v.note, []).append(v.claim.id)
        return [f"{reason}  [{' '.join(ids)}]" for reason, ids in reasons.items()]

    def details(self) -> list[str]:
        """For each claim that does not hold: what happened, what such a failure often means, and the line that replays it."""
        lines = []
        for v in self.failures:
            lines.append(f"{v.claim.id} {MARK[v.verdict]}: {v.claim.statement}")
            if v.note:
                lines.append(f"   {v.note}")
            if v.claim.catches:
                lines.append(f"   often: {v.claim.catches}")
            if v.case is not None:
                lines.append(f"   replay: {v.replay}")
        return lines

    def __str__(self) -> str:
        width = 56
        head = f"{'id':<5} {'statement':<{width}}  {'where':<24} {'draws':>5} {'worst':>8} {'bound':>8}  {'verdict':<11} {'s':>5}"
        rows = [head, "-" * len(head)]
        for v in self:
            text, source = wrap(v.claim.statement, width) or [""], wrap(v.claim.source, 24) or [""]
            rows.append(
                f"{v.claim.id:<5} {text[0]:<{width}}  {source[0]:<24} {v.draws:>5} {number(v.worst):>8} {number(v.bound):>8}  "
                f"{mark(v):<11} {v.seconds:>5.1f}"
            )
            for k in range(1, max(len(text), len(source))):
                rows.append(f"{'':<5} {text[k] if k < len(text) else '':<{width}}  {source[k] if k < len(source) else ''}".rstrip())
        return "\n".join([*rows, "", self.summary(), *self.remarks(), *self.details()])

    def __rich_console__(self, console: Any, options: Any) -> Iterator[Table]:
        yield self.table(wide=options.max_width >= 110)

    def table(self, wide: bool = True) -> Table:
        """The table for a terminal; a narrow one leaves out where claims stand, bounds and seconds."""
        from rich.table import Table
        from rich.text import Text

        table = Table(
            title=f"refimpl verify · {self.title}", title_justify="left", header_style="bold", row_styles=["", "on grey7"]
        )
        table.add_column("id", no_wrap=True)
        table.add_column("statement", ratio=3)
        if wide:
            table.add_column("where", ratio=1)
        for name in ("draws", "worst", "bound") if wide else ("worst",):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("verdict", no_wrap=True)
        if wide:
            table.add_column("s", justify="right", no_wrap=True)
        for v in self:
            verdict = Text(mark(v), STYLE[v.verdict])
            figures = [v.claim.source, str(v.draws), number(v.worst), number(v.bound)] if wide else [number(v.worst)]
            seconds = [f"{v.seconds:.1f}"] if wide else []
            table.add_row(v.claim.id, v.claim.statement, *figures, verdict, *seconds)
        return table

    def to_dict(self) -> dict[str, Any]:
        """The table as plain data: settings, versions, and a row for each claim."""
        rows = [
            {
                "id": v.claim.id,
                "statement": v.claim.statement,
                "source": v.claim.source,
                "draws": v.draws,
                "worst": v.worst if isfinite(v.worst) else str(v.worst),
                "bound": v.bound if isfinite(v.bound) else str(v.bound),
                "verdict": v.verdict,
                "case": v.case,
                "note": v.note,
                "replay": v.replay if not v.ok else None,
                "seconds": round(v.seconds, 3),
            }
            for v in self
        ]
        return {"title": self.title, "ok": self.ok, "settings": self.settings, "versions": versions(), "claims": rows}

    def to_json(self) -> str:
        """:meth:`to_dict` as text."""
        return json.dumps(self.to_dict(), indent=1, ensure_ascii=False)
