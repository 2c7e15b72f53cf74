"""Five papers on the geometry and the landscape of neural networks, executable, checkable and teachable, in NumPy.

    refimpl.verify()                     every statement of every paper, tested on our implementation
    refimpl.check(paper, impl)           the same statements, tested on yours
    refimpl.papers.NAME                  a paper, in its own order
    refimpl.nn, .manifolds, .optim       networks, spheres and optimisers by hand
    refimpl.params, .gradcheck           parameters as one vector; is this gradient right?
    refimpl.datasets, .experiments       data to train on; published tables and figures beside ours

Every gradient is written by hand. Submodules are imported when they are first used; this import takes NumPy alone.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from refimpl import claims, datasets, experiments, gradcheck, interop, manifolds, nn, optim, papers, params, report
    from refimpl.claims import check, verify

__version__ = "0.1.0"
__all__ = [
    "check",
    "claims",
    "datasets",
    "experiments",
    "gradcheck",
    "interop",
    "manifolds",
    "nn",
    "optim",
    "papers",
    "params",
    "report",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name in ("check", "verify"):
        return getattr(import_module("refimpl.claims"), name)
    if name in __all__:
        return import_module(f"refimpl.{name}")
    raise AttributeError(f"module 'refimpl' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
