"""Every claim holds for our own implementation: explored by hypothesis, sampled in both precisions, and none is missing."""

import pytest
from hypothesis import HealthCheck, given, settings

from refimpl import claims
from refimpl.claims.claim import Choice, run
from strategies import assert_holds, cases

ALL = claims.of()
OURS = {name: claims.ours(name) for name in claims.PAPERS}


def finite(c):
    return all(isinstance(d, Choice) for d in c.domains.values())


@pytest.mark.parametrize("c", [c for c in ALL if not (finite(c) or c.slow or c.statistical)], ids=lambda c: c.id)
def test_claim_holds_wherever_hypothesis_looks(c):
    @settings(max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(cases(c))
    def holds(case):
        assert_holds(c, OURS[claims.paper_of(c)], case)

    holds()


@pytest.mark.parametrize("c", [c for c in ALL if (finite(c) or c.statistical) and not c.slow], ids=lambda c: c.id)
def test_finite_claim_holds_in_every_case(c):
    verdict = run(c, OURS[claims.paper_of(c)], ours=True)
    assert verdict.verdict == "holds", f"{verdict.note} {verdict.replay}"


@pytest.mark.parametrize("c", [c for c in ALL if c.single and not c.slow], ids=lambda c: c.id)
def test_claim_holds_in_float32(c):
    verdict = run(c, OURS[claims.paper_of(c)], draws=20, single=True, ours=True)
    assert verdict.verdict == "holds", f"worst {verdict.worst:.1e}: {verdict.note} {verdict.replay}"


def test_no_claim_is_absent():
    assert claims.absent() == []
    assert [c.id for c in ALL] == [f"{p.prefix}{k}" for p in claims.PAPERS.values() for k in range(1, p.promised + 1)]


@pytest.mark.parametrize("c", ALL, ids=lambda c: c.id)
def test_claim_says_what_and_where(c):
    assert c.statement.endswith(".")
    assert len(c.statement) < 240
    assert c.source
    assert c.catches
    assert c.tolerance > 0
