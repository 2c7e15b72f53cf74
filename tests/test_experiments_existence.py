"""The experiments on the existence of optimal ReLU networks: what they measure, what decides the verdicts; files are whole."""

import json
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest

from refimpl.__main__ import main
from refimpl.experiments.relu_existence import budget, collision, counterexamples, divergence, ramps, trainers
from refimpl.experiments.relu_existence.collision import Pair
from refimpl.experiments.relu_existence.divergence import Course
from refimpl.papers.relu_existence import Law, exact_risk, ramp
from refimpl.params import ravel

TINY: dict[str, tuple[Any, Any]] = {
    "existence-budget": (budget, budget.Config(seeds=1, radii=(4.0, 8.0, 16.0))),
    "existence-ramps": (
        ramps,
        ramps.Config(seeds=2, scales=(1e3, 1e4, 1e5), scales_2d=(3e2, 1e3, 3e3), scales_discs=(10.0, 30.0, 100.0)),
    ),
    "existence-divergence": (divergence, divergence.Config(seeds=1, steps=100, generic_steps=20, tanh_steps=20)),
    "existence-trainers": (trainers, trainers.Config(seeds=2, widths=(1,), steps=20, cells=12)),
    "existence-counterexamples": (counterexamples, counterexamples.Config(seeds=2, scales=(10.0, 30.0), radii=(5.0, 10.0))),
    "existence-collision": (collision, collision.Config(seeds=1, weights=(1e-5, 1e-6), steps=20)),
}
FEW = tuple(case for case in budget.CASES if (case.target, case.activation) in budget.LAWS and case.width < 3)
RESULTS: dict[str, Any] = {}


@pytest.fixture(autouse=True)
def few_cases(monkeypatch):
    """All searches of the budget would take long."""
    monkeypatch.setattr(budget, "CASES", FEW)


def result_of(name):
    """The tiny run of that name, once."""
    if name not in RESULTS:
        module, config = TINY[name]
        RESULTS[name] = module.run(config)
    return RESULTS[name]


def found(result):
    """What the JSON holds, but for the minutes."""
    return {k: v for k, v in json.loads(result.to_json()).items() if k not in ("minutes", "config")}


def failed(result):
    """The parts of the rule that do not hold."""
    return [name for name, ok in result.checks.items() if not ok]


each_experiment = pytest.mark.parametrize("name", TINY)


# ---- every experiment
@each_experiment
def test_table_says_what_was_run_and_how_it_was_decided(name):
    result, (module, config) = result_of(name), TINY[name]
    lines = result.table().splitlines()
    text = " ".join(" ".join(lines).split())
    assert f"{config.seeds} random " in text
    assert f"of seed {config.seed}; {result.minutes:.1f} minutes; python" in text
    assert f": {' '.join(result.RULE.split())}." in text.partition("Decision, fixed ")[2]
    assert lines[-1] == f"Verdict: {result.verdict}."
    assert max(map(len, lines)) <= 126
    assert "no figures of a paper" in text
    assert module.QUICK.seeds < module.Config().seeds


@each_experiment
def test_json_holds_settings_versions_and_minutes(name):
    result, (_, config) = result_of(name), TINY[name]
    data = json.loads(result.to_json(), parse_constant=lambda text: pytest.fail(f"{text} is no JSON"))
    assert (data["name"], data["verdict"], data["rule"]) == (name, result.verdict, result.RULE)
    assert data["config"] == json.loads(json.dumps(asdict(config)))
    assert data["seeds"] == list(range(config.seeds))
    assert data["checks"] == result.checks
    assert {"python", "numpy", "scipy", "refimpl"} <= set(data["versions"])
    assert data["minutes"] == result.minutes > 0


@each_experiment
def test_command_line_runs_it_and_writes_its_files(name, monkeypatch, tmp_path, capsys):
    (module, config), result, taken = TINY[name], result_of(name), []

    def run(config, workers):
        taken.append((config, workers))
        return result

    monkeypatch.setattr(module, "QUICK", replace(config, seeds=config.seeds + 1))
    monkeypatch.setattr(module, "run", run)
    code = main(["reproduce", name, "--quick", "--seeds", str(config.seeds), "--out", str(tmp_path / "out")])
    assert taken == [(config, 1)]
    assert code == (1 if result.verdict == "differs" else 0)
    assert f"Verdict: {result.verdict}." in capsys.readouterr().out
    titles = list(result.figures())
    wanted = [f"{name}.txt", f"{name}.json", *(f"{name}-{title}.png" for title in titles)]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == sorted(wanted)
    data = json.loads((tmp_path / "out" / f"{name}.json").read_text(encoding="utf-8"))
    assert {k: v for k, v in data.items() if k not in ("minutes", "config")} == found(result)


@pytest.mark.parametrize("name", ["existence-ramps", "existence-trainers"])
def test_a_seed_gives_the_same_again_and_another_generator_other_runs(name):
    module, config = TINY[name]
    assert found(module.run(config)) == found(result_of(name))
    assert found(module.run(config, rng=np.random.default_rng(1))) != found(result_of(name))


@each_experiment
def test_seeds_are_checked(name):
    module, config = TINY[name]
    with pytest.raises(ValueError, match="seeds: expected a whole number >= 1, got 0"):
        module.Config(seeds=0)
    assert config.with_seeds(9) == replace(config, seeds=9)


@pytest.mark.parametrize(
    ("kind", "settings", "match"),
    [
        (
            budget.Config,
            {"radii": (4.0, 8.0)},
            r"radii: expected growing numbers > 0, with 4, 8 and 16 among them, got \(4.0, 8.0\)",
        ),
        (budget.Config, {"radii": (16.0, 8.0, 4.0)}, "radii: expected growing numbers > 0"),
        (ramps.Config, {"scales": (1.0, 2.0)}, r"scales: expected at least three, > 0 and growing, got \(1.0, 2.0\)"),
        (ramps.Config, {"scales_discs": (3.0, 2.0, 1.0)}, "scales_discs: expected at least three"),
        (divergence.Config, {"steps": 3}, "steps: expected a whole number >= 20, got 3"),
        (divergence.Config, {"tanh_steps": 0}, "tanh_steps: expected a whole number >= 20, got 0"),
        (trainers.Config, {"widths": (1, 9)}, r"widths: expected some of 1, 2, 3, 4, got \(1, 9\)"),
        (trainers.Config, {"cells": 2}, "cells: expected a whole number >= 12, got 2"),
        (counterexamples.Config, {"taus": (2.0, 1.0)}, "taus: expected at least two, > 0 and growing"),
        (counterexamples.Config, {"gaps": (1.5,)}, "gaps: expected numbers between 0 and 1"),
        (collision.Config, {"weights": (1e-5, 1e-4)}, "weights: expected at least two, > 0 and falling"),
        (collision.Config, {"steps": 1}, "steps: expected a whole number >= 20, got 1"),
    ],
)
def test_bad_settings_are_named(kind, settings, match):
    with pytest.raises(ValueError, match=match):
        kind(**settings)


# ---- budget
def losses_by_law():
    """Losses (cases, radii) as the laws have them, at R = 4, 8 and 16."""
    return np.array([[budget.LAWS[case.target, case.activation].loss(R) for R in (4.0, 8.0, 16.0)] for case in FEW])


def test_budget_is_decided_by_powers_and_rest():
    result = replace(result_of("existence-budget"), losses=losses_by_law())
    assert [(case.target, case.activation) for case in FEW] == list(budget.LAWS)
    assert result.verdict == "agrees"
    tanh, sigmoid, relu, step = range(4)
    spoilt = {
        ("ReLU rests", relu): np.array([4 / 3645, 4 / 3645, 4 / 3645 * (1 - 1e-5)]),
        ("smooth ones fall", sigmoid): np.full(3, budget.LAWS["x", "sigmoid"].loss(16.0)),
        ("steps", step): 0.01 * np.array([1.0, 2**-2.2, 4**-2.2]),
        ("laws", tanh): 1.03 * result.losses[tanh],
        ("no rise", tanh): result.losses[tanh][[1, 0, 2]],
    }
    for (part, row), values in spoilt.items():
        bad = result.losses.copy()
        bad[row] = values
        changed = replace(result, losses=bad)
        assert part in failed(changed)
        assert changed.verdict == ("inconclusive" if failed(changed) == ["smooth ones fall"] else "differs")


def test_zero_losses_rest_and_show_as_zero():
    case = FEW[2]
    result = replace(
        result_of("existence-budget"), losses=np.where(np.arange(4)[:, None] == 2, [[1e-22, 3e-23, 1e-25]], losses_by_law())
    )
    assert result.power(case) == 0
    assert result.checks["ReLU rests"]
    assert [budget.short(x) for x in (1e-22, 1.5e-3, 2.25e-10)] == ["0", "1.50e-3", "2.25e-10"]


def test_the_searches_find_what_the_laws_say():
    losses = result_of("existence-budget").losses
    np.testing.assert_allclose(losses[[0, 1, 3], 2], losses_by_law()[[0, 1, 3], 2], rtol=0.02)  # the laws are limits: 1 % at R = 16


# ---- ramps
def test_drawn_jumps_cross_the_domain_and_are_high():
    for m in (1, 2):
        for seed in range(30):
            G = ramps.drawn(np.random.default_rng(seed), m)
            at = -G.beta[0] * G.u[0]
            assert G.u.shape == (1, m)
            assert np.abs(at).max() <= 0.5
            assert ramps.height(G) == pytest.approx(abs(G.slope[0] @ at + G.offset[0]), rel=1e-14)
            assert ramps.height(G) >= 0.1


@pytest.mark.parametrize("T", [10.0, 1e5])
def test_a_ramp_never_comes_nearer_than_half_the_jump(T):
    assert ramps.furthest(ramps.WORKED, T) == pytest.approx(
        0.5, abs=1e-3
    )  # the jump is met within 1e-9 of a wedge, g changes in it


def test_slope_is_the_power():
    T = np.array([10.0, 100.0, 1000.0])
    assert ramps.slope(T, -3 * T**-1.7) == pytest.approx(-1.7, rel=1e-12)
    assert ramps.log_cosh(np.array([0.3, -800.0])) == pytest.approx([np.log(np.cosh(0.3)), 800 - np.log(2)], rel=1e-14)


def test_ramps_agree_and_differ_part_by_part():
    result = result_of("existence-ramps")
    assert result.verdict == "agrees"
    one, at = result.one, result.example[1e4]
    shifted = at | {"(L2) centred": Law(at["(L2) centred"].predicted + 1e-5, at["(L2) centred"].measured)}
    spoilt: dict[str, dict[str, Any]] = {
        "example": {"example": result.example | {1e4: shifted}},
        "slopes": {"two": replace(result.two, measured=result.two.predicted[:, None] + 1e-9 * np.array([1.0, 0.5, 0.2]))},
        "bound": {"one": replace(one, measured=one.predicted[:, None] + 1e6 / np.array(result.config.scales))},
        "supremum": {"one": replace(one, supremum=np.array([0.5, 0.4]))},
        "discs": {"discs": result.discs + 1e-7},
    }
    for part, change in spoilt.items():
        assert failed(replace(result, **change)) == [part]
        assert replace(result, **change).verdict == "differs"


# ---- divergence
@pytest.mark.parametrize("T", [1.5, 40.0])
def test_the_start_is_the_ramp_with_the_known_risk_and_norm(T):
    theta = ravel(divergence.ramp_start(T))[0]
    risk = divergence.relu_risk(divergence.ramp_start(T), divergence.step, (0.0,))(theta)[0]
    assert risk == pytest.approx(1 / (24 * T), rel=1e-12)
    assert theta @ theta == pytest.approx(4 * T + 0.5 / T, rel=1e-14)
    assert 6 * risk * (theta @ theta) == pytest.approx(1 + 1 / (8 * T * T), rel=1e-12)


def test_gradient_of_the_tanh_is_that_of_its_risk():
    theta, d = np.array([0.8, -0.3, 1.7, 0.2]), np.array([0.5, -1.0, 0.7, 0.4])
    x, weight = np.polynomial.legendre.leggauss(80)

    def plain(t):
        return weight @ (t[2] * np.tanh(t[0] * x + t[1]) + t[3] - x) ** 2 / 2

    value, g = divergence.tanh_risk(theta)
    assert value == pytest.approx(plain(theta), rel=1e-13)
    assert g @ d == pytest.approx(plain(theta + 1e-30j * d).imag / 1e-30, rel=1e-12)


def test_descents_are_seen_at_milestones():
    stops = divergence.milestones(1000)
    assert stops == sorted(set(stops))
    assert {0, 1, 100, 500, 1000} <= set(stops)
    course = divergence.descended(lambda theta: (float(theta @ theta) / 2, theta), np.array([3.0, 4.0]), 0.1, 40)
    np.testing.assert_allclose(course.norm, 5 * 0.9**course.steps, rtol=1e-12)
    np.testing.assert_allclose(course.loss, 12.5 * 0.81**course.steps, rtol=1e-12)
    assert course.growth == pytest.approx(0.9**20 - 1, rel=1e-9)


def flat(norm, loss):
    """A run that rests."""
    return Course(np.array([0, 10, 20]), np.full((3, 1), norm), np.full(3, loss))


def test_divergence_agrees_and_differs_part_by_part():
    result = result_of("existence-divergence")
    marks = sorted(divergence.KNOWN)
    norm = np.linspace(2.5, 4.9, len(marks))
    away = Course(np.array(marks), norm[:, None], np.array([divergence.KNOWN[n] for n in marks]) / (6 * norm**2))
    creeping = Course(np.array([0, 10, 20]), np.array([[1.0], [2.0], [2.1]]), np.full(3, 1e-4))
    good = {
        "ramp": [away, away],
        "smooth": [flat(3.0, 1e-3)] * 2,
        "generic": [flat(3.3, divergence.PLATEAU), flat(1.0, 0.2)],
        "square": [flat(3.46, 4 / 3645), flat(1.0, 0.09)],
        "tanh": [creeping, flat(1.0, 0.2)],
    }
    short, result = replace(result, runs=good), replace(result, runs=good, config=divergence.Config(seeds=1))
    assert short.verdict == result.verdict == "agrees"
    spoilt = {
        "runs away": {"ramp": [away, away._replace(theta=away.theta[::-1])]},
        "6 loss |θ|²": {"ramp": [away._replace(loss=away.loss * 1.004)] * 2},
        "rests": {"smooth": [away, away]},
        "generic": {"generic": [flat(3.3, 0.02)]},
        "x²": {"square": [flat(3.46, 1.2e-3)]},
        "tanh": {"tanh": [flat(2.6, 1e-4)]},
    }
    for part, change in spoilt.items():
        bad = replace(result, runs=good | change)
        assert replace(short, runs=good | change).verdict == "not reproduced"
        assert part in failed(bad)
        assert bad.verdict == "differs"
        assert f"{part} NO" in " ".join(bad.table().split())


# ---- trainers
def test_trainers_agree_and_differ_part_by_part():
    result = result_of("existence-trainers")
    case = ("x²", 1)
    assert result.verdict == "agrees"
    best, run = result.optima[case], result.runs[case][0]
    below = run | {"Adam": (best.floor * (1 - 1e-5), run["Adam"][1])}
    spoilt: dict[str, dict[str, Any]] = {
        "optima": {"optima": result.optima | {case: best._replace(residual=best.residual._replace(error=best.lower * 1.001))}},
        "enclosed": {"optima": result.optima | {case: best._replace(lower=best.upper * 1.1)}},
        "none below": {"runs": result.runs | {case: [below, *result.runs[case][1:]]}},
        "attained": {"optima": result.optima | {case: best._replace(built=(best.floor, 1e-3))}},
    }
    for part, change in spoilt.items():
        assert failed(replace(result, **change)) == [part]
        assert replace(result, **change).verdict == "differs"


def test_ratios_are_of_the_class_that_is_trained():
    result = result_of("existence-trainers")
    errors = np.array([run["L-BFGS"][0] for run in result.runs["x²", 1]])
    np.testing.assert_allclose(
        result.ratios(("x²", 1), "L-BFGS"), errors * 45 * 3**4 / 4, rtol=1e-9
    )  # 4/(45 · 3⁴), not 1/(180 · 2⁴)
    for run in result.runs["sin 2πx", 1]:
        for error, theta in run.values():
            params = ravel(trainers.drawn(np.random.default_rng(0), 1))[1](theta)
            assert error == pytest.approx(exact_risk(params, lambda x: np.sin(2 * np.pi * x), (0.0, 1.0), nodes=40)[0], rel=1e-9)


# ---- counter-examples
def test_counterexamples_agree_and_differ_part_by_part():
    result = result_of("existence-counterexamples")
    assert result.verdict == "agrees"
    spoilt: dict[str, dict[str, Any]] = {
        "discs": {"discs": result.discs * 1.01},
        "vectors": {"best": result.best * 0.9},
        "step": {"steps": result.steps * (1 + 1e-8)},
        "gap": {"gaps": np.array([0.0, 1e-10, 0.0])},
    }
    for part, change in spoilt.items():
        assert failed(replace(result, **change)) == [part]
        assert replace(result, **change).verdict == "differs"
    assert result.scalars == (0.0, 0.0)
    assert counterexamples.norm([3.0, 0.0], 4.0) == 5


# ---- collision
def test_pairs_keep_the_jump():
    pair = collision.pair_of(ramp(collision.JUMP, 100.0)._replace(a=()))
    assert pair.jump / collision.JUMP_HEIGHT == pytest.approx(1 / (1 - (0.7 / 200) ** 2), rel=1e-9)  # mean |c| is T; derived
    assert pair.slope == pytest.approx(0.7, rel=1e-9)


@pytest.mark.parametrize("signs", collision.SIGNS)
@pytest.mark.parametrize("target", collision.TARGETS)
def test_outgoing_weights_are_those_of_least_squares(signs, target):
    f, b = collision.TARGETS[target][0], np.array([0.31, -0.17])
    nodes, w = np.polynomial.legendre.leggauss(30)
    cuts = np.sort([-1.0, 1.0, 0.0, *(-b * signs)])
    x = ((cuts[1:] + cuts[:-1])[:, None] / 2 + np.diff(cuts)[:, None] / 2 * nodes).ravel()
    w = (np.diff(cuts)[:, None] / 4 * w).ravel() ** 0.5
    A = np.column_stack([np.maximum(np.outer(x, signs) + b, 0), np.ones_like(x)])
    c = np.linalg.lstsq(A * w[:, None], f(x) * w, rcond=None)[0]
    value, _, found = collision.best_outgoing(signs, b, target)
    assert value == pytest.approx(np.sum((w * (A @ c - f(x))) ** 2), rel=1e-8)
    np.testing.assert_allclose(found, c[:2], rtol=1e-6, atol=1e-9)


def test_penalised_gradient_is_that_of_its_value_and_meeting_neurons_cost_everything():
    f, b, h = collision.penalised((1.0, 1.0), 1e-3, "step"), np.array([0.2, -0.13]), 1e-5
    for k, e in enumerate(np.eye(2)):
        assert (f(b + h * e)[0] - f(b - h * e)[0]) / (2 * h) == pytest.approx(f(b)[1][k], rel=1e-6)
    assert f(np.array([0.2, 0.2]))[0] == np.inf


def test_collision_agrees_and_differs_part_by_part():
    result = replace(result_of("existence-collision"), path=[Pair(0.5, 1.9, 0.0), Pair(0.4, 2.3, 0.0), Pair(0.3, 3.3, 0.0)])
    assert result.verdict == "agrees"
    minima = result.minima
    turned = [m._replace(signs=(1.0, -1.0)) for m in minima["step"]]
    moved = [minima["smooth"][0], minima["smooth"][1]._replace(b=minima["smooth"][1].b * 1.5)]
    spoilt: dict[str, dict[str, Any]] = {
        "ramps collide": {"ramps": [p._replace(strength=1.01 * p.strength) for p in result.ramps]},
        "descent collides": {"path": result.path[::-1]},
        "energy keeps them apart": {"minima": minima | {"step": turned}},
        "continuous ones rest": {"minima": minima | {"smooth": moved}},
    }
    for part, change in spoilt.items():
        assert failed(replace(result, **change)) == [part]
        assert replace(result, **change).verdict == "differs"
