"""The corpus of wrong and of right but unusual implementations: the claims tell them apart, and no claim is idle."""

import pytest

from refimpl import claims
from wrong.corpus import all_entries, rejecting

ENTRIES = all_entries()
WRONG = [e for e in ENTRIES if e.flag == "reject"]
RIGHT = [e for e in ENTRIES if e.flag != "reject"]
SEEDS = range(10)


@pytest.mark.parametrize("e", WRONG, ids=lambda e: f"{e.paper}-{e.name}")
def test_wrong_implementation_is_rejected_by_the_claims_it_names(e):
    assert e.by, "names no claim"
    for claim in e.by:
        missed = [seed for seed in SEEDS if not rejecting(e, (claim,), seed, draws=50)]
        assert not missed, f"{claim} accepts it with seeds {missed}"


@pytest.mark.parametrize("e", RIGHT, ids=lambda e: f"{e.paper}-{e.name}")
def test_unusual_implementation_is_accepted_by_every_claim(e):
    for seed in SEEDS:
        assert rejecting(e, seed=seed, draws=5) == []


def test_every_claim_rejects_something():
    named = {claim for e in WRONG for claim in e.by}
    assert {c.id for c in claims.of()} - named == set()


def test_the_corpus_is_large_enough():
    assert len(WRONG) >= 40
    assert len(RIGHT) >= 8
    assert all(e.note for e in ENTRIES)
