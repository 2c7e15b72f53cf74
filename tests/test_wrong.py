"""The corpus of wrong and of right but unusual implementations: the claims tell them apart, and no claim is idle."""

import pytest

from refimpl import claims
from wrong.corpus import all_entries, finite, rejecting

ENTRIES = all_entries()
WRONG = [e for e in ENTRIES if e.flag == "reject"]
RIGHT = [e for e in ENTRIES if e.flag != "reject"]
LONG = {"H20", "H21", "H23", "B37", "N18", "E33", "R14"}  # some seconds a run: with --slow, and so in .ci/run


@pytest.fixture
def seeds(request):
    """Of the cases; python tests/wrong takes more."""
    return range(10 if request.config.getoption("--slow") else 3)


def rejections():
    for e in WRONG:
        for claim in e.by:
            yield pytest.param(e, claim, marks=[pytest.mark.slow] if claim in LONG else [], id=f"{e.paper}-{e.name}-{claim}")


@pytest.mark.parametrize(("e", "claim"), list(rejections()))
def test_wrong_implementation_is_rejected_by_the_claims_it_names(e, claim, seeds):
    chosen = [0] if finite(claims.find(claim)) else seeds
    assert [seed for seed in chosen if not rejecting(e, (claim,), seed)] == []


@pytest.mark.parametrize("e", RIGHT, ids=lambda e: f"{e.paper}-{e.name}")
def test_unusual_implementation_is_accepted_by_every_claim_that_draws(e, seeds):
    ids = [c.id for c in claims.of(e.paper) if not (c.slow or finite(c) or c.statistical)]
    for seed in seeds[: len(seeds) // 3]:  # of every claim, so fewer
        assert rejecting(e, ids, seed, draws=5 if len(seeds) > 3 else 2) == []


@pytest.mark.slow
@pytest.mark.parametrize("e", RIGHT, ids=lambda e: f"{e.paper}-{e.name}")
def test_unusual_implementation_is_accepted_by_the_claims_that_draw_nothing(e):
    ids = [c.id for c in claims.of(e.paper) if not c.slow and (finite(c) or c.statistical)]
    assert rejecting(e, ids) == []


def test_every_wrong_implementation_names_a_claim():
    assert [e.name for e in WRONG if not e.by] == []


def test_every_claim_rejects_something():
    named = {claim for e in WRONG for claim in e.by}
    assert {c.id for c in claims.of()} - named == set()


def test_the_corpus_is_large_enough():
    assert len(WRONG) >= 40
    assert len(RIGHT) >= 8
    assert all(e.note for e in ENTRIES)
