"""The machinery of claims: drawing, rejecting, failing, shrinking, replaying, and telling the missing from the wrong."""

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import refimpl
from refimpl import claims
from refimpl.__main__ import main
from refimpl.claims import claim as machinery
from refimpl.claims.claim import (
    Choice,
    Claim,
    Died,
    Floats,
    Integer,
    Lacks,
    Room,
    Seed,
    Unsuitable,
    assume,
    cases,
    parse_case,
    relative_gap,
    run,
    shrink,
)
from refimpl.claims.claim import max as largest


def stated(function, tolerance=1e-12, **settings):
    """A claim that is not registered."""
    domains = settings.pop("domains", {"n": Integer(1, 100)})
    return Claim("X1", "nowhere", tolerance, function, domains, **settings)


# ---- domains
@given(st.integers(0, 2**32 - 1))
def test_every_draw_is_admitted_and_every_smaller_value_is_smaller(seed):
    rng, drawn = np.random.default_rng(seed), {"m": 7}
    domains = (Integer(1, "m"), Floats(1e-3, 1e3, log=True), Floats(-2.0, 5.0), Choice("a", "b", "c"), Seed())
    for domain in domains:
        v = domain.draw(rng, drawn)
        assert domain.admits(v, drawn)
        for w in domain.smaller(v, drawn):
            assert domain.admits(w, drawn)
            assert w != v


def test_domains_refuse_what_they_do_not_hold():
    assert not Integer(1, 3).admits(4, {})
    assert not Integer(1, 3).admits("2", {})
    assert not Floats(0, 1).admits(1.5, {})
    assert not Choice(1, 2).admits(3, {})
    assert not Seed().admits(-1, {})
    with pytest.raises(ValueError, match="without comma"):
        Choice((1, 2), 3)
    with pytest.raises(ValueError, match="without comma"):
        Choice()


def test_draws_depend_on_seed_id_and_number_only():
    c = stated(lambda impl, n, x: 0.0, domains={"n": Integer(1, 10**6), "x": Floats(0, 1)})
    assert list(cases(c, seed=3, draws=5)) == list(cases(c, seed=3, draws=9))[:5]
    assert list(cases(c, seed=3, draws=5)) != list(cases(c, seed=4, draws=5))
    other = Claim("X2", "", 1.0, c.function, c.domains)
    assert list(cases(c, seed=3, draws=5)) != list(cases(other, seed=3, draws=5))


def test_a_finite_claim_runs_every_case_once():
    c = stated(lambda impl, a, b: 0.0, domains={"a": Choice(1, 2, 3), "b": Choice("x", "y")})
    assert len({tuple(case.values()) for case in cases(c, draws=1)}) == 6


# ---- stating
def test_a_claim_needs_a_docstring_its_own_id_and_matching_arguments():
    def undocumented(impl, n):
        return 0.0

    def documented(impl, n):
        """True."""
        return 0.0

    with pytest.raises(TypeError, match="docstring"):
        machinery.claim("X9", "", 1.0, n=Seed())(undocumented)
    with pytest.raises(TypeError, match="expected the arguments"):
        machinery.claim("X9", "", 1.0, m=Seed())(documented)
    claims.find("H4")
    with pytest.raises(ValueError, match="stated twice"):
        machinery.claim("H4", "", 1.0, n=Seed())(documented)


def test_a_claim_travels_by_its_name():
    c = claims.find("h4")
    assert pickle.loads(pickle.dumps(c)) is c
    assert claims.paper_of(c) == "hyperspherical_energy"
    with pytest.raises(ValueError, match="no claim is called"):
        claims.find("Z99")


# ---- residuals
@pytest.mark.parametrize(
    ("got", "expected", "gap"),
    [
        ([1.0, 2.0], [1.0, 2.0], 0.0),
        ([1.0, 2.1], [1.0, 2.0], 0.05),
        ([np.nan, 1.0], [np.nan, 1.0], 0.0),
        ([np.nan, 1.0], [0.0, 1.0], np.inf),
        ([0.0, 1.0], [np.nan, 1.0], np.inf),
        ([np.inf, 1.0], [np.inf, 1.0], 0.0),
        ([-np.inf, 1.0], [np.inf, 1.0], np.inf),
        ([], [], 0.0),
        (1.5, 1.0, 0.5),
    ],
)
def test_relative_gap(got, expected, gap):
    assert relative_gap(np.array(got, dtype=float), np.array(expected, dtype=float)) == pytest.approx(
        gap, rel=1e-9
    )  # rounding of 2.1 − 2


def test_relative_gap_refuses_other_shapes_and_kinds():
    with pytest.raises(ValueError, match=r"shape \(2,\) expected, got \(1, 2\)"):
        relative_gap(np.ones((1, 2)), np.ones(2))
    with pytest.raises(TypeError, match="complex128"):
        relative_gap(np.ones(2, complex), np.ones(2))


# ---- running
def test_holds_fails_not_run_and_not_covered():
    holds = run(stated(lambda impl, n: 1e-13), {})
    fails = run(stated(lambda impl, n: 1e-3 * (n > 3)), {})
    not_run = run(stated(lambda impl, n: assume(n > 90) or 0.0), {})
    never = run(stated(lambda impl, n: assume(False)), {})
    foreign = run(stated(lambda impl, n: impl.missing(n)), {"other": abs})
    own = run(stated(lambda impl, n: impl.missing(n)), {"other": abs}, ours=True)
    assert [v.verdict for v in (holds, fails, not_run, never, foreign, own)] == [
        "holds",
        "fails",
        "not run",
        "not run",
        "not covered",
        "fails",
    ]
    assert [v.ok for v in (holds, fails, not_run, foreign, own)] == [True, False, False, True, False]
    assert fails.case == {"n": 4}  # shrunk
    assert foreign.note == "no missing"


@pytest.mark.parametrize(
    "raised", [ValueError("x"), SystemExit(0), GeneratorExit(), AttributeError("y"), Unsuitable(), Lacks("z"), RecursionError()]
)
def test_whatever_an_implementation_raises_is_a_failure(raised):
    def f(n):
        raise raised

    v = run(stated(lambda impl, n: impl.f(n)), {"f": f})
    assert v.verdict == "fails"
    assert v.worst == np.inf


def test_nan_fails_and_a_keyboard_interrupt_passes_through():
    assert run(stated(lambda impl, n: float("nan")), {}).verdict == "fails"
    assert run(stated(lambda impl, n: "no number"), {}).verdict == "fails"

    def f(n):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(stated(lambda impl, n: impl.f(n)), {"f": f})


def test_a_death_fails_and_is_never_shrunk():
    calls = []

    def f(n):
        calls.append(n)
        raise Died("out of time")

    v = run(stated(lambda impl, n: impl.f(n)), {"f": f})
    assert v.verdict == "fails"
    assert len(calls) == 1
    assert "out of time" in v.note


def test_shrinking_rechecks_dependent_bounds():
    c = stated(
        lambda impl, m, block, x: float(m >= 5 and block >= 3),
        domains={"m": Integer(2, 30), "block": Integer(1, "m"), "x": Floats(0, 9)},
    )
    v = run(c, {}, draws=200)
    assert v.case == {"m": 5, "block": 3, "x": 0.0}
    rejects = stated(lambda impl, n: assume(n % 2 == 0) or float(n > 10), domains={"n": Integer(1, 100)})
    assert shrink(rejects, Room({}), {"n": 80}, 0.5)["n"] % 2 == 0


def test_a_missing_option_drops_the_draws_that_need_it():
    c = stated(
        lambda impl, option: impl.f(1.0, **({"half_space": True} if option else {})), domains={"option": Choice(False, True)}
    )
    v = run(c, {"f": lambda x: 0.0})
    assert (v.verdict, v.draws, v.note) == ("holds", 1, "in part: f has no half_space")
    assert run(c, {"f": lambda x, **any_option: 0.0}).draws == 2
    assert run(c, {"f": min}).verdict == "fails"  # no signature to read: called, and TypeError


def test_single_precision_hands_over_float32_and_holds_to_its_own_tolerance():
    seen = []

    def f(W, parameters, layers):
        seen.append((W.dtype, parameters[0].dtype, layers[0].dtype))
        return 0.0

    def body(impl, n):
        impl.f(np.ones(n), (np.ones(2),), [np.ones(2)])
        return 1e-5

    assert run(stated(body), {"f": f}, single=True).verdict == "not covered"
    v = run(stated(body, single=1e-4), {"f": f}, single=True, draws=3)
    assert (v.verdict, v.bound) == ("holds", 1e-4)
    assert set(seen) == {(np.dtype("f4"),) * 3}


def test_an_implementation_gets_read_only_arrays_and_its_own_cache_untouched():
    def f_forward(x):
        with pytest.raises(ValueError, match="read-only"):
            x[0] = 1
        return 0.0, (np.zeros(1), "kept")

    def f_backward(dy, cache):
        cache[0][0] = 3.0  # its own: may be written
        return cache

    room = Room({"f_forward": f_forward, "f_backward": f_backward, "constant": 3, "Type": tuple})
    x = np.zeros(2)
    _, cache = room.f_forward(x)
    assert room.f_backward(1.0, cache) is cache
    assert x.flags.writeable
    assert room.constant == 3
    assert room.Type is tuple
    with pytest.raises(AttributeError):
        assert room._private


def test_statistical_claims_have_a_fixed_seed_and_one_draw():
    for c in claims.of():
        if c.statistical:
            assert c.false_alarm is not None
            assert 0 < c.false_alarm <= 1e-3
            assert c.draws == 1 or all(isinstance(d, Choice) for d in c.domains.values())


# ---- replaying
@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("n=1", "expected the arguments n, x, word, seed"),
        ("n=0,x=1,word=a,seed=0", "expected n in"),
        ("n=one,x=1,word=a,seed=0", "expected n in"),
        ("n=1,x=1,word=z,seed=0", "expected word in"),
    ],
)
def test_a_case_outside_its_domain_is_named(text, match):
    c = stated(
        lambda impl, n, x, word, seed: 0.0,
        domains={"n": Integer(1, 3), "x": Floats(0, 9), "word": Choice("a", "b"), "seed": Seed()},
    )
    with pytest.raises(ValueError, match=match):
        parse_case(c, text)


def test_the_replay_line_replays():
    wrong = {"energy_forward": lambda W, s=1.0, **more: (float(len(W)), None)}
    report = refimpl.check("hyperspherical_energy", wrong, claim="H1")
    (v,) = report
    assert v.verdict == "fails"
    assert v.replay in str(report)
    line = v.replay.partition('case="')[2].rstrip('")')
    again = refimpl.check("hyperspherical_energy", wrong, claim="H1", case=line)
    assert again[0].worst == v.worst
    assert refimpl.verify(claim="H1", case=line).ok


def test_reports_are_data_too():
    report = refimpl.verify("hyperspherical_energy", claim="H4", draws=3)
    data = json.loads(report.to_json())
    assert data["ok"]
    assert data["claims"][0]["id"] == "H4"
    assert data["settings"]["draws"] == 3
    assert len(report) == 1
    assert report[0].verdict == "holds"
    assert not refimpl.check("hyperspherical_energy", {"energy_forward": lambda W: 1}, claim="H16").ok  # nothing covered is not ok


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: refimpl.verify("no_paper"), "paper: expected one of"),
        (lambda: refimpl.verify(claim="H4", case="m=2"), "case: expected the arguments"),
        (lambda: refimpl.verify(case="m=2"), "case: expected a claim"),
        (lambda: refimpl.verify("substrate", claim="H4"), "belongs to hyperspherical_energy"),
        (lambda: refimpl.verify(claim="H4", draws=0), "draws: expected a whole number >= 1, got 0"),
        (lambda: refimpl.check("hyperspherical_energy", {"energy_forward": abs}, claim="L1"), "claim: expected one of hyper"),
    ],
)
def test_bad_requests_are_named(call, match):
    with pytest.raises(ValueError, match=match):
        call()


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"claim": 4}, "claim: expected its id, such as H4, got int"),
        ({"claim": "H1", "case": {"m": 2}}, "case: expected text as a replay line prints it, name=value,name=value, got dict"),
        ({"seed": "0"}, "seed: expected a whole number >= 0, got str"),
        ({"draws": 2.5}, "draws: expected a whole number >= 1, got float"),
        ({"draws": True}, "draws: expected a whole number >= 1, got bool"),
    ],
)
def test_requests_of_the_wrong_type_are_named(options, match):
    with pytest.raises(TypeError, match=match):
        refimpl.verify(**options)


def test_an_implementation_without_any_function_is_refused():
    with pytest.raises(TypeError, match="with none of them"):
        refimpl.check("hyperspherical_energy", object())


def test_a_promised_claim_that_is_missing_is_listed(monkeypatch, capsys):
    monkeypatch.setitem(claims.PAPERS, "hyperspherical_energy", claims.PAPERS["hyperspherical_energy"]._replace(promised=33))
    assert main(["verify", "--coverage"]) == 1
    assert "absent: H33" in capsys.readouterr().out


# ---- the command line
def test_command_line_prints_the_table_and_answers_with_an_exit_code(capsys, tmp_path):
    assert main(["verify", "--claim", "H4", "--draws", "3", "--json", str(tmp_path / "table.json")]) == 0
    out = capsys.readouterr().out
    assert "Scaling each neuron" in out
    assert "1 claims: 1 holds" in out or "1 holds" in out
    assert json.loads((tmp_path / "table.json").read_text())["ok"]
    assert [p.name for p in tmp_path.iterdir()] == ["table.json"]


def test_command_line_shows_and_lists(capsys):
    assert main(["show", "H4"]) == 0
    shown = capsys.readouterr().out
    assert "Scaling each neuron" in shown
    assert "def energy_sees_directions_only" in shown
    assert main(["verify", "--list"]) == 0
    assert capsys.readouterr().out.count("\n") == sum(p.promised for p in claims.PAPERS.values())
    assert main(["verify", "--coverage"]) == 0
    assert "absent: none" in capsys.readouterr().out
    assert main(["doctor"]) == 0
    assert "numpy" in capsys.readouterr().out
    assert main(["reproduce"]) == 0
    assert "thomson" in capsys.readouterr().out


def test_command_line_fails_with_1_and_refuses_with_2(capsys, monkeypatch):
    assert main(["show", "Z1"]) == 2
    assert "no claim is called" in capsys.readouterr().err
    assert main(["verify", "unknown"]) == 2
    monkeypatch.setattr(claims, "ours", lambda paper: {"energy_forward": lambda W, s=1.0, **more: (0.0, None)})
    assert main(["verify", "--claim", "H1"]) == 1
    out = capsys.readouterr().out
    assert "FAILS" in out
    assert "replay: refimpl verify --claim H1 --case" in out


# ---- what readers of the table are told
def partial_loss():
    """The energy of s = 1 in full space and its gradient, as an adapter makes them of `loss(W)`."""
    from refimpl.interop import pair_from
    from refimpl.papers.hyperspherical_energy import energy_and_gradient

    return pair_from(lambda W: energy_and_gradient(W, 1.0))


def test_a_loss_without_options_is_covered_in_part_and_the_table_says_why():
    report = claims.check("hyperspherical_energy", partial_loss(), claim="H2")
    assert report.ok
    assert " in part " in str(report)
    assert "energy has no s" in report.remarks()[0]
    assert report.remarks()[0].endswith("[H2]")


def test_a_foreign_failure_is_replayed_on_the_foreign_implementation():
    from refimpl.interop import pair_from
    from refimpl.papers.hyperspherical_energy import energy_and_gradient

    impl = pair_from(lambda W, s=1.0: (energy_and_gradient(W, s)[0], -energy_and_gradient(W, s)[1]))
    report = claims.check("hyperspherical_energy", impl, claim="H2")
    (replay,) = [line for line in report.details() if "replay" in line]
    case = replay.partition('case="')[2].rstrip('")')
    assert 'refimpl.check("hyperspherical_energy", impl, claim="H2", case="' in replay
    assert not claims.check("hyperspherical_energy", impl, claim="H2", case=case).ok


def test_a_failure_in_single_precision_is_replayed_in_it():
    ours = claims.ours("hyperspherical_energy")

    def energy_forward(W, s=1.0, **options):
        E, cache = ours.energy_forward(W, s, **options)
        return (E if W.dtype == np.float64 else 2 * E), cache

    impl = {"energy_forward": energy_forward, "energy_backward": ours.energy_backward}
    (v,) = claims.check("hyperspherical_energy", impl, claim="H1", single=True)
    assert v.verdict == "fails"
    assert not eval(v.replay, {"refimpl": refimpl, "impl": impl}).ok
    assert "--single" in replace(v, paper="").replay


def test_what_is_missing_is_named_before_what_an_option_lacks():
    ours = claims.ours("hyperspherical_energy")
    report = claims.check("hyperspherical_energy", {"energy_forward": lambda W, s=1.0: ours.energy_forward(W, s)}, claim="H2")
    assert report.remarks() == ["not covered: no energy_backward  [H2]"]


def test_an_interrupted_run_says_so(monkeypatch, capsys):
    def interrupted(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(claims, "verify", interrupted)
    assert main(["verify"]) == 130
    assert capsys.readouterr().err.strip() == "refimpl verify: interrupted"


def test_a_case_is_read_as_a_reader_would_write_it():
    c = claims.find("H4")
    assert parse_case(c, "m=2, d=3, s=0, variant=full, seed=7") == {"m": 2, "d": 3, "s": 0.0, "variant": "full", "seed": 7}


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["verify", "hypersherical_energy"], "was hyperspherical_energy meant?"),
        (["verify", "--claim", "H17", "--single"], "H17, which is for float64 only"),
        (["verify", "nonsense", "--coverage"], "paper: expected one of substrate, hyperspherical_energy"),
        (["verify", "--claim", "L1", "--claim", "L2"], "claim: expected one, got L1 and L2"),
        (["verify", "substrate", "--list", "--claim", "H4"], "which belongs to hyperspherical_energy"),
        (["verify", "--claim", "H1", "--case", "m=2,m=2"], "case: expected the arguments m, d, s"),
        (["verify", "--seed", "-1", "--claim", "H1"], "seed: expected a whole number >= 0, got -1"),
        (["verify", "--claim", "H1", "--json", "/nowhere/x.json"], "--json: expected a file in a folder that can be written to"),
        (["verify", "--claim", "H1", "--json", "."], "--json: expected a file in a folder that can be written to, got ."),
        (["reproduce", "thomson", "--out", __file__], "--out: expected a folder that can be written to, got "),
        (["reproduce", "--quick"], "name: expected one of thomson, "),
    ],
)
def test_command_line_names_what_was_wrong(argv, said, capsys):
    assert main(argv) == 2
    assert said in capsys.readouterr().err


def test_a_paper_is_found_by_its_name_on_the_package():
    import refimpl

    assert callable(refimpl.papers.hyperspherical_energy.minimise_energy)
    assert refimpl.papers.__getattr__("hyperspherical_energy") is refimpl.papers.hyperspherical_energy  # before it was imported too
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = refimpl.papers.nothing


def test_the_largest_of_claims_does_not_forget_nan():
    nan = float("nan")
    assert np.isnan([largest(1.0, nan), largest(nan, 1.0), largest([2.0, np.float64(nan)])]).all()
    assert largest(1, 3.0, 2) == largest([1, 3.0, 2]) == 3
    assert largest([], default=7) == 7
    assert largest(["aa", "b"], key=len) == "aa"
