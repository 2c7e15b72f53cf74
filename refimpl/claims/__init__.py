"""The statements of the papers, each one function that an implementation holds to or not.

`claim.py` is the idea; beside it stands one file (or folder) for each paper and `nn.py` for the substrate. `PAPERS` says how many
claims each finished paper has, so that a missing one is seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from importlib import import_module
from types import SimpleNamespace
from typing import Any, NamedTuple

from refimpl.claims.claim import CLAIMS, Claim, Verdict, parse_case, run
from refimpl.doors import whole
from refimpl.report.table import Report


class Paper(NamedTuple):
    """A finished paper: the letter of its claims, how many there are, where they stand, and our implementation's modules."""

    prefix: str
    promised: int
    claims: str
    modules: tuple[str, ...]


PAPERS = {
    "substrate": Paper("L", 49, "refimpl.claims.nn", ("refimpl.params", "refimpl.nn", "refimpl.manifolds.sphere", "refimpl.optim")),
    "hyperspherical_energy": Paper("H", 32, "refimpl.claims.hyperspherical_energy", ("refimpl.papers.hyperspherical_energy",)),
    "exponential_neuron": Paper("N", 49, "refimpl.claims.exponential_neuron", ("refimpl.papers.exponential_neuron",)),
    "born_infeld": Paper("B", 47, "refimpl.claims.born_infeld", ("refimpl.papers.born_infeld", "refimpl.manifolds.motion")),
    "relu_existence": Paper("E", 49, "refimpl.claims.relu_existence", ("refimpl.papers.relu_existence",)),
    "reduced_space": Paper("R", 38, "refimpl.claims.reduced_space", ("refimpl.papers.reduced_space",)),
}


def paper_named(paper: str) -> Paper:
    """The paper of that name. Raises ValueError naming those there are."""
    if not isinstance(paper, str):
        raise TypeError(f"paper: expected its name, got {type(paper).__name__}")
    if paper not in PAPERS:
        close = get_close_matches(paper, PAPERS, 1)
        raise ValueError(
            f"paper: expected one of {', '.join(PAPERS)}, got {paper!r}" + (f"; was {close[0]} meant?" if close else "")
        )
    return PAPERS[paper]


def _number(c: Claim) -> tuple[int, int]:
    return [p.prefix for p in PAPERS.values()].index(c.id[0]), int(c.id[1:])


def of(paper: str | None = None) -> list[Claim]:
    """The claims of a paper, or of all, in order of their numbers."""
    for name in [paper] if paper is not None else PAPERS:
        import_module(paper_named(name).claims)
    prefixes = {PAPERS[name].prefix for name in ([paper] if paper is not None else PAPERS)}
    return sorted((c for c in CLAIMS.values() if c.id[0] in prefixes), key=_number)


def find(id: str) -> Claim:
    """The claim of that id. Raises ValueError if there is none."""
    if not isinstance(id, str):
        raise TypeError(f"claim: expected its id, such as H4, got {type(id).__name__}")
    for c in of():
        if c.id == id.upper():
            return c
    raise ValueError(f"claim: no claim is called {id!r}; refimpl verify --list names them all")


def paper_of(c: Claim) -> str:
    """Name of the paper that a claim belongs to."""
    return next(name for name, p in PAPERS.items() if p.prefix == c.id[0])


def selected(paper: str | None, claim: str | None) -> list[Claim]:
    """The claims of the paper, or of all; or that one. Raises ValueError if it belongs to another paper."""
    if claim is None:
        return of(paper)
    c = find(claim)
    if paper is not None and paper_named(paper) and paper_of(c) != paper:
        raise ValueError(f"claim: expected one of {paper}, got {claim!r}, which belongs to {paper_of(c)}")
    return [c]


def ours(paper: str) -> Any:
    """Our own implementation of a paper: every public function of its modules."""
    merged: dict[str, Any] = {}
    for module in paper_named(paper).modules:
        m = import_module(module)
        merged |= {name: getattr(m, name) for name in dir(m) if not name.startswith("_")}
    return SimpleNamespace(**merged)


def absent() -> list[str]:
    """Ids that PAPERS promises and no claim bears."""
    stated = {c.id for c in of()}
    return [f"{p.prefix}{k}" for p in PAPERS.values() for k in range(1, p.promised + 1) if f"{p.prefix}{k}" not in stated]


Progress = Callable[[int, int, Claim], None]


def verify(
    paper: str | None = None,
    *,
    claim: str | None = None,
    case: str | None = None,
    draws: int | None = None,
    seed: int = 0,
    thorough: bool = False,
    single: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Test our own implementation against the statements of the papers.

    Parameters
    ----------
    paper : str, optional
        Name of one paper, or "substrate"; by default everything that stands.
    claim : str, optional
        Id of one claim.
    case : str, optional
        With `claim`: one case, as the replay line of a failure prints it (``m=2,d=2,s=0,seed=0``).
    draws, seed : int
        Random cases of each claim (50; 500 if thorough), and the seed they are drawn with.
    thorough : bool
        Larger domains, and the claims that are too slow for every day.
    single : bool
        Hand over float32 and hold to the claims' float32 tolerances.
    progress : callable, optional
        Called as progress(done, of, claim) before each claim.

    Returns
    -------
    Report : the table; a sequence of verdicts. `ok` is False if a claim fails or could not be run.

    Raises
    ------
    ValueError
        If there is no such paper, claim or case, or draws < 1.
    """
    if case is not None and claim is None:
        raise ValueError("case: expected a claim to replay it on, got none")
    chosen = selected(paper, claim)
    impls = {name: ours(name) for name in {paper_of(c) for c in chosen}}
    title = paper or (chosen[0].id if claim else "all")
    return _table(chosen, lambda c: impls[paper_of(c)], title, claim, case, draws, seed, thorough, single, progress, ours=True)


def check(
    paper: str,
    impl: Any,
    *,
    claim: str | None = None,
    case: str | None = None,
    draws: int | None = None,
    seed: int = 0,
    thorough: bool = False,
    single: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Test somebody else's implementation of a paper against its statements: the same table as :func:`verify`.

    Parameters
    ----------
    paper : str
        Name of the paper.
    impl : module, mapping or object
        Whatever has the paper's functions by their names, a pair of each: `energy_forward(W, s) -> (value, cache)` and
        `energy_backward(dE, cache) -> dW`. :mod:`refimpl.interop` makes one of a PyTorch or JAX loss. What it lacks is *not
        covered*, which is no failure.
    claim, case, draws, seed, thorough, single, progress : as for :func:`verify`

    Raises
    ------
    TypeError
        If impl has none of the paper's functions.
    ValueError
        As :func:`verify`.
    """
    names = {name for name in dir(ours(paper)) if not name.startswith("_")}
    has = set(impl) if isinstance(impl, Mapping) else {n for n in dir(impl) if not n.startswith("_")}
    if not names & has:
        hint = "; refimpl.interop makes an implementation of a loss" if callable(impl) and paper == "hyperspherical_energy" else ""
        got = f"{type(impl).__name__} with none of them{hint}"
        such = {
            "substrate": "dense_forward",
            "hyperspherical_energy": "energy_forward",
            "exponential_neuron": "augmented_objective",
            "born_infeld": "start and bbi_step",
            "relu_existence": "response and exact_risk",
            "reduced_space": "reduce and restore",
        }[paper]
        raise TypeError(f"impl: expected functions of {paper}, such as {such}; got {got}")
    chosen = selected(paper, claim)
    return _table(chosen, lambda _: impl, paper, claim, case, draws, seed, thorough, single, progress, ours=False)


def _table(chosen, impl_of, title, claim, case, draws, seed, thorough, single, progress, ours) -> Report:
    draws = (500 if thorough else 50) if draws is None else whole("draws", draws, 1)
    seed = whole("seed", seed, 0)
    if single and claim is not None and chosen[0].single is None:
        raise ValueError(f"single: expected a claim with a float32 tolerance, got {chosen[0].id}, which is for float64 only")
    chosen = [c for c in chosen if thorough or claim or not c.slow]
    verdicts: list[Verdict] = []
    for k, c in enumerate(chosen):
        if progress:
            progress(k, len(chosen), c)
        one = parse_case(c, case, thorough=True) if case is not None else None
        how = {"seed": seed, "draws": draws, "thorough": thorough, "single": single, "ours": ours}
        verdicts.append(run(c, impl_of(c), case=one, paper=title, **how))
    return Report(verdicts, title, seed=seed, draws=draws, thorough=thorough, single=single)
