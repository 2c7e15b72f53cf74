"""One module a paper, each top to bottom in its paper's order. No paper imports another; what joins them is an objective."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any


def __getattr__(name: str) -> Any:
    if not name.startswith("_") and find_spec(f"refimpl.papers.{name}"):
        return import_module(f"refimpl.papers.{name}")
    raise AttributeError(f"module 'refimpl.papers' has no attribute {name!r}")
