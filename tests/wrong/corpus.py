"""What an entry of the corpus is, and how it is judged.

Every entry carries a flag:

    reject      wrong: each claim named in `by` rejects it, whatever the seed
    accept      right, but written in another way: no claim rejects it
    acceptable  right under a convention named in the note: no claim rejects it
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from types import SimpleNamespace

from refimpl import claims
from refimpl.claims.claim import Verdict, run


@dataclass(frozen=True)
class Entry:
    name: str
    paper: str
    flag: str
    note: str  # the mistake, or the unusual way
    build: Callable[[SimpleNamespace], dict]  # our own functions in, those it replaces out
    by: tuple[str, ...] = field(default=())  # claims that reject it

    def impl(self):
        """Our implementation of the paper with this entry's functions in place of ours."""
        ours = claims.ours(self.paper)
        return {**vars(ours), **self.build(ours)}


ENTRIES: list[Entry] = []


def entry(paper, flag, note, by=()):
    """Register the decorated builder under its own name."""
    if flag not in ("reject", "accept", "acceptable"):
        raise ValueError(f"flag: expected reject, accept or acceptable, got {flag!r}")

    def wrap(build):
        if any(e.name == build.__name__ and e.paper == paper for e in ENTRIES):
            raise ValueError(f"{build.__name__}: registered twice")
        ENTRIES.append(Entry(build.__name__, paper, flag, note, build, tuple(by)))
        return build

    return wrap


def judged(e: Entry, ids=None, seed=0, draws=50) -> list[Verdict]:
    """Verdicts of the claims with these ids, or of every claim of the paper that is not slow."""
    chosen = [c for c in claims.of(e.paper) if not c.slow and (ids is None or c.id in ids)]
    impl = e.impl()
    return [run(c, impl, seed=seed, draws=draws) for c in chosen]


def rejecting(e: Entry, ids=None, seed=0, draws=50) -> list[str]:
    """Ids of the claims that reject the entry."""
    return [v.claim.id for v in judged(e, ids, seed, draws) if v.verdict in ("fails", "not run")]


def all_entries() -> list[Entry]:
    """The corpus: importing its files registers their entries."""
    for name in ("substrate", "energy", "minima", "networks"):
        import_module(f"wrong.{name}")
    return ENTRIES
