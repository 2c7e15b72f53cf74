"""A bar on the terminal: how far a training is, what it is at, and how long it will take."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

SECONDS = 0.1  # between two looks at the bar: a step of a small network takes less than drawing


@contextmanager
def progress_bar(title: str, console: Console | None = None) -> Iterator[Callable[[int, int, Any], None]]:
    """What `train` takes as its progress: `with progress_bar("digits") as progress: train(..., progress=progress)`.

    It is called with (done, all, row) and shows title, bar, steps, the time left, and the row's value, if the row is not None; on
    stderr, or on a console of rich; nothing at all where that is no terminal.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True) if console is None else console
    if not console.is_terminal:
        yield lambda done, steps, row: None
        return
    named, value = TextColumn("{task.description}"), TextColumn("{task.fields[value]}")
    columns = (named, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), value)
    drawn = -SECONDS
    with Progress(*columns, console=console) as bar:

        def progress(done, steps, row):
            nonlocal drawn
            if done < steps and monotonic() - drawn < SECONDS:
                return
            drawn = monotonic()
            text = "" if row is None else f"{row.value:.4g}"
            if not bar.tasks:
                bar.add_task(title, total=steps, completed=done, value=text)  # steps of an earlier run say nothing about the speed
            bar.update(bar.tasks[0].id, total=steps, completed=done, value=text)

        yield progress
