"""What an entry of the corpus is, and how it is judged.

Every entry carries a flag:

    reject      wrong: each claim named in `by` rejects it, whatever the seed
    accept      right, but written in another way: no claim rejects it
    acceptable  right under a convention named in the note: no claim rejects it
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

from refimpl import claims
from refimpl.claims.claim import Choice, Verdict, run


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


class Spy(dict):
    """Our implementation, which notes what is asked of it."""

    def __init__(self, functions):
        super().__init__(functions)
        self.asked = set()

    def get(self, name, default=None):
        self.asked.add(name)
        return super().get(name, default)


@cache
def asks_for(id):
    """Names of the functions that a claim calls."""
    c = claims.find(id)
    spy = Spy(vars(claims.ours(claims.paper_of(c))))
    run(c, spy, draws=20)
    return spy.asked


def finite(c) -> bool:
    """Are its cases the same whatever the seed?"""
    return all(isinstance(d, Choice) for d in c.domains.values())


def judged(e: Entry, ids=None, seed=0, draws=50) -> list[Verdict]:
    """Verdicts of those of the claims with these ids, by default of all that are not slow, that call what the entry replaces."""
    functions = set(e.build(claims.ours(e.paper)))
    chosen = [claims.find(id) for id in ids] if ids is not None else [c for c in claims.of(e.paper) if not c.slow]
    impl = e.impl()
    if e.flag != "reject":  # for what is right, as many draws of every claim
        chosen = [c if c.statistical else replace(c, draws=None) for c in chosen]
    return [run(c, impl, seed=seed, draws=draws, smallest=False) for c in chosen if asks_for(c.id) & functions]


def rejecting(e: Entry, ids=None, seed=0, draws=50) -> list[str]:
    """Ids of the claims that reject the entry. One that few draws suit is no witness against what is right."""
    against = ("fails", "not run") if e.flag == "reject" else ("fails",)
    return [v.claim.id for v in judged(e, ids, seed, draws) if v.verdict in against]


def misjudged(k, seeds):
    """(seed, claim) where a claim that entry k names accepts it, or, if it is right, where a claim rejects it."""
    e, found = all_entries()[k], []
    for seed in range(seeds):
        # claims whose cases are the same for every seed are judged with the first
        ids = [c for c in e.by or [c.id for c in claims.of(e.paper) if not c.slow] if seed == 0 or not finite(claims.find(c))]
        if e.flag == "reject":
            found += [(seed, claim) for claim in ids if claim not in rejecting(e, (claim,), seed)]
        else:
            ids = [c for c in ids if seed < 10 or not claims.find(c).statistical]  # some seconds each, hundreds of networks
            found += [(seed, claim) for claim in rejecting(e, ids, seed, draws=5)]
    return found


def all_entries() -> list[Entry]:
    """The corpus: importing the files beside this one registers their entries."""
    for path in sorted(Path(__file__).parent.glob("[a-z]*.py")):
        import_module(f"wrong.{path.stem}")
    return ENTRIES
