"""Claims as hypothesis properties: the same domains, explored and shrunk by hypothesis."""

from hypothesis import reject
from hypothesis import strategies as st

from refimpl.claims.claim import Choice, Floats, Integer, Lacks, Room, Seed, Unsuitable, bounds


def strategy(domain, drawn):
    match domain:
        case Choice():
            return st.sampled_from(domain.values)
        case Integer():
            return st.integers(*bounds(domain, drawn))
        case Floats():
            return st.floats(*bounds(domain, drawn), allow_subnormal=False)
        case Seed():
            return st.integers(0, 2**32 - 1)


@st.composite
def cases(draw, claim):
    drawn: dict = {}
    for name, domain in claim.domains.items():
        drawn[name] = draw(strategy(domain, drawn))
    return drawn


def assert_holds(claim, impl, case):
    """The claim's residual for this case is within its tolerance; a case without the hypotheses is rejected."""
    try:
        r = float(claim(Room(impl), **case))
    except (Unsuitable, Lacks):
        reject()
    assert r <= claim.tolerance, f"{claim.id} {case}: residual {r:.2e} exceeds {claim.tolerance:.0e}"
