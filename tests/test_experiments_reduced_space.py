"""The experiments on the reduced space: draws, trainers, what decides the verdicts; files are whole."""

import json
import re
from dataclasses import asdict, replace
from typing import Any, cast

import numpy as np
import pytest

from refimpl.__main__ import main
from refimpl.experiments import REPRODUCTIONS
from refimpl.experiments.reduced_space import franke, genz, oscillation, outcome, protocol
from refimpl.experiments.reduced_space.protocol import INPUTS, METHODS, Trained, inside, task_of, trained
from refimpl.nn.shallow import Shallow, shallow
from refimpl.params import ravel

SMALL: dict[str, Any] = {"seeds": 2, "neurons": 5, "samples": 30, "tests": 40, "adam_steps": 12, "lbfgs_steps": 8}
TINY: dict[str, tuple[Any, Any]] = {
    "reduced-sin": (oscillation, oscillation.Config(**SMALL, cells=8)),
    "reduced-franke": (franke, franke.Config(**SMALL)),
    "reduced-genz": (genz, genz.Config(**SMALL)),
}
PICTURES = {
    "reduced-sin": ("errors", "fits-raw", "fits-centred", "breaks"),
    "reduced-franke": ("errors", "lines"),
    "reduced-genz": ("errors",),
}
RESULTS: dict[str, Any] = {}
each_experiment = pytest.mark.parametrize("name", TINY)


def result_of(name):
    """The tiny run of that name, once."""
    if name not in RESULTS:
        module, config = TINY[name]
        RESULTS[name] = module.run(config)
    return RESULTS[name]


def found(result):
    """What the JSON holds, but for the minutes."""
    return {k: v for k, v in json.loads(result.to_json()).items() if k not in ("minutes", "config")}


# ---- functions and draws
def test_functions_have_the_values_that_are_known():
    assert oscillation.wave(np.array([[0.0], [0.125], [0.375]])) == pytest.approx([0, 1, -1], abs=1e-15)
    assert genz.peak(np.array([[0.5] * 4, [0.0] * 4])) == pytest.approx([1, np.exp(-4)], rel=1e-15)
    corner = 0.75 * np.exp(-2.0) + 0.75 * np.exp(-1 / 49 - 0.1) + 0.5 * np.exp(-14.5) - 0.2 * np.exp(-65.0)
    hill = 0.75 + 0.75 * np.exp(-9 / 49 - 0.3) + 0.5 * np.exp(-6.5) - 0.2 * np.exp(-29.0)  # at the top of the first
    assert franke.franke(np.array([[0, 0], [2 / 9, 2 / 9]])) == pytest.approx([corner, hill], rel=1e-15)


@each_experiment
@pytest.mark.parametrize("inputs", INPUTS)
def test_starts_are_as_they_are_stated(name, inputs):
    module, config = TINY[name]
    config, d = replace(config, neurons=400, **({"cells": 401} if name == "reduced-sin" else {})), module.PROBLEM.d
    task, starts, _ = task_of(module.PROBLEM, config, inputs, config.streams(None)[0])
    corners = (np.arange(2) - INPUTS[inputs])[:, None] * np.ones(d)
    assert task.radius == pytest.approx(max(np.linalg.norm(corners, axis=1)), rel=1e-15)
    net, _ = shallow(starts["reduced"])
    np.testing.assert_allclose(np.linalg.norm(net.W, axis=1), 1, rtol=1e-15)
    assert 0.97 * task.radius < np.abs(net.b).max() <= task.radius  # fails once in 2e5 draws, 0.97^400
    assert abs(net.v.std() * np.sqrt(400) - 1) < 0.15  # four standard errors
    assert net.c == 0
    net, _ = shallow(starts["default"])
    for part, bound in ((net.W, d**-0.5), (net.b, d**-0.5), (net.v, 0.05)):
        assert 0.97 * bound < np.abs(part).max() <= bound
    assert 0 < abs(net.c) <= 0.05


def test_inputs_and_methods_share_points_and_draws():
    config = TINY["reduced-franke"][1]
    stream = config.streams(None)[0]
    (raw, starts, tests), (centred, others, shifted) = (task_of(franke.PROBLEM, config, inputs, stream) for inputs in INPUTS)
    np.testing.assert_allclose(raw.x - centred.x, 0.5, rtol=1e-15)
    np.testing.assert_allclose(tests[0] - shifted[0], 0.5, rtol=1e-15)
    assert (raw.y == centred.y).all()
    assert (tests[1] == shifted[1]).all()
    assert len(np.unique(np.concatenate([raw.x, tests[0]]))) == 2 * (config.samples + config.tests)
    np.testing.assert_array_equal(starts["reduced"][0].W, others["reduced"][0].W)
    np.testing.assert_allclose(starts["reduced"][0].b, 2 * others["reduced"][0].b, rtol=1e-15)
    for found in result_of("reduced-franke").found.values():
        for name, seeds in found.items():
            same = "standard, default start, Adam" if METHODS[name].start == "default" else "reduced, Adam"
            for t, other in zip(seeds, found[same], strict=True):
                assert (ravel(t.start)[0] == ravel(other.start)[0]).all()


# ---- training
@each_experiment
def test_reduced_training_ends_in_the_reduced_space_and_standard_training_does_not(name):
    module, _ = TINY[name]
    for inputs, methods in result_of(name).found.items():
        radius = module.PROBLEM.radius(inputs)
        for method, seeds in methods.items():
            for t in seeds:
                norms = np.linalg.norm(t.end.W, axis=1)
                if method.startswith("reduced"):
                    np.testing.assert_allclose(norms, 1, rtol=1e-14)
                    assert (np.abs(t.end.b) <= radius).all()
                    if name == "reduced-sin":
                        assert (t.end.W == t.start.W).all()  # signs
                else:
                    assert np.abs(norms - np.linalg.norm(t.start.W, axis=1)).max() > 1e-3


def test_errors_are_those_of_the_network_that_is_kept_and_fall():
    config = replace(TINY["reduced-franke"][1], adam_steps=40, lbfgs_steps=20)
    stream = config.streams(None)[0]
    for name in franke.PROBLEM.pilot["raw"]:
        t = trained(franke.PROBLEM, config, "centred", name, stream)
        task, _, (x, y) = task_of(franke.PROBLEM, config, "centred", stream)

        def error(net, x, y):
            outputs = [net.c + sum(v * max(w @ p + b, 0) for w, b, v in zip(net.W, net.b, net.v, strict=True)) for p in x]
            return np.mean((np.array(outputs) - y) ** 2)

        assert t.train == pytest.approx(error(t.end, task.x, task.y), rel=1e-12)
        assert t.test == pytest.approx(error(t.end, x, y), rel=1e-12)
        assert t.train < 0.5 * error(t.start, task.x, task.y)
        assert t.calls == 41 if "Adam" in name else 20 <= t.calls <= 400


def test_the_rate_falls_as_a_cosine():
    rate = protocol.cosine(100)
    assert [rate(0), rate(50), rate(100)] == pytest.approx([1e-2, 5e-3, 0], abs=1e-17)
    assert rate(25) == pytest.approx(1e-2 * np.cos(np.pi / 8) ** 2, rel=1e-14)


def test_inside_is_where_corners_have_both_signs():
    rng = np.random.default_rng(0)
    net = Shallow(rng.normal(size=(300, 3)), 0.7 * rng.normal(size=300), np.ones(300), 0.0)
    corners = np.stack(np.meshgrid(*[[-0.5, 0.5]] * 3), axis=-1).reshape(-1, 3)
    z = corners @ net.W.T + net.b
    assert inside(net, -0.5, 0.5) == ((z.min(axis=0) < 0) & (z.max(axis=0) > 0)).mean()
    assert 0.2 < inside(net, -0.5, 0.5) < 0.9
    edge = Shallow(np.array([[1.0], [1.0], [-1.0], [0.0]]), np.array([0.0, -0.5, 0.5, 0.3]), np.ones(4), 0.0)
    assert inside(edge, 0.0, 1.0) == 0.5
    breaks = oscillation.breaks_of(edge, "centred")
    assert breaks[:3].tolist() == [0.5, 1, 1]
    assert np.isinf(breaks[3])


# ---- what decides
def synthetic(errors, default=None, module=genz):
    """A result whose errors are given by method, or are those of `default`."""
    net = Shallow(np.ones((2, 1)), np.zeros(2), np.ones(2), 0.0)

    def seeds(inputs, name):
        e = errors.get((inputs, name), errors.get(name, default))
        return [Trained(x, 2 * x, net, net, 1) for x in e]

    runs = {inputs: {name: seeds(inputs, name) for name in methods} for inputs, methods in module.PROBLEM.pilot.items()}
    return genz.Peak(genz.Config(seeds=len(runs["raw"]["reduced, Adam"])), runs, 0.0)


WIDE, NARROW = np.array([1.0, 3.0, 5.0, 2.0, 4.0, 6.0]), np.array([1.0, 1.02, 0.97, 1.01, 0.99, 1.005])
STANDARD = {f"standard, default start, {o}": WIDE for o in ("Adam", "L-BFGS")}


@pytest.mark.parametrize(
    ("reduced", "better", "steadier", "verdict"),
    [
        (0.1 * NARROW, "agrees", "agrees", "agrees"),
        (0.1 * WIDE, "agrees", "agrees", "agrees"),
        (0.9 * np.roll(WIDE, 1), "inconclusive", "inconclusive", "inconclusive"),
        (WIDE, "inconclusive", "inconclusive", "inconclusive"),
        (10 * WIDE, "differs", "differs", "differs"),
        (10 * NARROW, "differs", "agrees", "differs"),
    ],
)
def test_what_decides(reduced, better, steadier, verdict):
    result = synthetic({**STANDARD, "reduced, Adam": reduced, "reduced, L-BFGS": reduced}, WIDE)
    assert set(result.verdicts.values()) == {(better, steadier)}
    assert result.verdict == verdict
    assert f"Verdict: {verdict}." in result.table()


def test_the_whole_is_as_good_as_its_worst_case_and_the_control_decides_nothing():
    good = {**STANDARD, "reduced, Adam": 0.1 * NARROW, "reduced, L-BFGS": 0.1 * NARROW}
    assert synthetic(good, 100 * WIDE).verdict == synthetic(good, 0.001 * WIDE).verdict == "agrees"
    one = synthetic({**good, ("centred", "reduced, L-BFGS"): 10 * NARROW}, WIDE)
    assert one.verdicts["centred", "L-BFGS"] == ("differs", "agrees")
    assert one.verdicts["raw", "L-BFGS"] == ("agrees", "agrees")
    assert one.verdict == "differs"


def test_one_seed_decides_nothing_and_is_printed():
    result = synthetic({}, np.array([0.5]))
    lines = result.table().splitlines()
    text = " ".join(result.table().split())
    assert result.verdict == "inconclusive"
    assert "nan" not in text
    assert "inf" not in text.replace("inf,", "")
    assert "  reduced, Adam                   5.0e-1 [–]               1.0       2.0e-3 [–]               2.7e-3" in lines
    assert "  raw, Adam         1 [–]                     inconclusive  –                 inconclusive    inconclusive" in lines
    assert "    –" + " " * 25 + "1 [–]" + " " * 21 + "–" + " " * 25 + "1 [–]" in lines  # L-BFGS in place of Adam
    assert "500 samples, 1 seed." in text
    assert "1 random seed, of seed 0" in text
    assert "(helps" not in text  # no interval lies anywhere


@each_experiment
def test_tables_fit_a_terminal_and_their_cells_stay_apart(name):
    lines = result_of(name).table().splitlines()  # of two seeds: intervals over many powers of ten
    assert max(map(len, lines)) <= 108
    assert not any(line != line.rstrip() or re.search(r"\][\w[]", line) for line in lines)
    first = lines.index("gained, geometric mean [95 %]")
    for head, cells in zip(lines[first + 2 :: 2], lines[first + 3 : lines.index("", first) : 2], strict=False):
        row = result_of(name).gains()[head.split(" (helps")[0].strip()]
        assert [c.strip() for c in cells.split("  ") if c] == [outcome.factor(row[c]) if c in row else "–" for c in outcome.CASES]


def test_columns_above_and_below_one_are_counted():
    better = {("raw", "standard, reduced start, Adam"): 0.5 * WIDE, ("centred", "standard, reduced start, L-BFGS"): 2 * WIDE}
    lines = synthetic({**better, ("raw", "standard, reduced start, L-BFGS"): 0.5 * WIDE}, WIDE).table().splitlines()
    assert "  start: reduced in place of default, standard training (helps 2, harms 1)" in lines
    assert "  constraint: reduced in place of standard, same start (helps 1, harms 2)" in lines


@each_experiment
def test_gains_multiply(name):
    gains = result_of(name).gains()
    start, constraint = (next(row for what, row in gains.items() if what.startswith(word)) for word in ("start", "constraint"))
    for case, both in gains[outcome.BOTH].items():
        assert both.mean == pytest.approx(start[case].mean + constraint[case].mean, rel=1e-12, abs=1e-14)
    known = synthetic({("raw", "reduced, Adam"): 8 * WIDE, ("raw", "standard, reduced start, Adam"): 2 * WIDE}, WIDE).gains()
    assert outcome.factor(next(iter(known.values()))["raw", "Adam"]) == "0.5 [0.5, 0.5]"
    assert known[outcome.BOTH]["raw", "Adam"].mean == pytest.approx(-np.log(8), rel=1e-14)


def test_pilots_medians_count_as_near_within_a_factor_of_two():
    pilot = genz.PROBLEM.pilot
    errors = {(inputs, name): np.full(3, 1.99 * p[0]) for inputs, methods in pilot.items() for name, p in methods.items()}
    assert synthetic(errors).near_pilot() == (12, 12)
    assert synthetic({**errors, ("raw", "reduced, Adam"): np.full(3, 2.01 * 2.0e-3)}).near_pilot() == (11, 12)
    assert "12 of 12 of our medians" in " ".join(synthetic(errors).table().split())


def test_figures_are_short():
    assert outcome.short(6.28e-5) == "6.3e-5"
    assert outcome.short(0.25, 0.051, 1.0) == "2.5e-1 [5.1e-2, 1.0]"
    assert outcome.short(18866.0) == "1.9e4"
    assert outcome.short(4.6e14) == "4.6e14"


# ---- the best there is
def test_no_network_is_better_than_the_best_on_the_domain():
    result = result_of("reduced-sin")
    errors = [spline.error for spline in result.best]
    assert len(errors) == TINY["reduced-sin"][1].neurons + 1
    assert errors == sorted(errors, reverse=True)
    x = (np.arange(100000) + 0.5) / 100000
    for spline in result.best:
        assert spline.error == pytest.approx(((spline(x) - oscillation.wave(x[:, None])) ** 2).mean(), rel=1e-6)
    for t in (t for methods in result.found.values() for seeds in methods.values() for t in seeds):
        assert t.test > 0.5 * errors[-1]  # on 40 points, not on all


# ---- files
@each_experiment
def test_json_says_what_the_result_says(name):
    module, config = TINY[name]
    result = result_of(name)
    data = json.loads(result.to_json())
    assert data["config"] == json.loads(json.dumps(asdict(config)))
    assert data["verdict"] == result.verdict
    assert {"python", "numpy", "scipy", "refimpl"} <= set(data["versions"])
    for inputs, methods in data["runs"].items():
        assert list(methods) == list(module.PROBLEM.pilot[inputs])
        for method, row in methods.items():
            assert row["train"] == result.errors(inputs, method).tolist()
            assert row["test"] == result.errors(inputs, method, test=True).tolist()
            assert np.shape(row["inside"]) == (2, config.seeds)
            assert tuple(row["pilot"]) == module.PROBLEM.pilot[inputs][method]
    if name == "reduced-sin":
        assert np.shape(data["breaks"]["centred"]["reduced, Adam"]) == (2, config.seeds, config.neurons)
    for word in ("Pilot", "none of these figures is the paper's", "Reading.", "Decision, fixed before the run", "one thread"):
        assert word in " ".join(result.table().split())


@each_experiment
def test_command_line_runs_it_and_writes_its_files(name, monkeypatch, tmp_path, capsys):
    module, config = TINY[name]
    monkeypatch.setattr(module, "QUICK", replace(config, seeds=config.seeds + 1))
    out = tmp_path / "out"
    code = main(["reproduce", name, "--quick", "--seeds", str(config.seeds), "--workers", "1", "--out", str(out)])
    result = result_of(name)
    assert code == (1 if result.verdict == "differs" else 0)
    assert f"Verdict: {result.verdict}." in capsys.readouterr().out
    assert {p.name for p in out.iterdir()} == {f"{name}.txt", f"{name}.json", *(f"{name}-{title}.png" for title in PICTURES[name])}
    data = json.loads((out / f"{name}.json").read_text(encoding="utf-8"))
    assert {k: v for k, v in data.items() if k not in ("minutes", "config")} == found(result)  # the same again
    assert REPRODUCTIONS[name].module == module.__name__


def test_seeds_are_those_of_the_generator_and_the_first_of_more():
    module, config = TINY["reduced-genz"]
    assert found(module.run(config, rng=np.random.default_rng(0))) == found(result_of("reduced-genz"))
    other = module.run(replace(config, seeds=1, seed=1))
    assert other.errors("raw", "reduced, Adam") != result_of("reduced-genz").errors("raw", "reduced, Adam")[0]
    first = module.run(replace(config, seeds=1))
    for inputs, methods in first.found.items():
        for name in methods:
            assert first.errors(inputs, name)[0] == result_of("reduced-genz").errors(inputs, name)[0]


def test_workers_change_nothing():
    module, config = TINY["reduced-franke"]
    assert found(module.run(config, workers=2)) == found(result_of("reduced-franke"))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: genz.Config(neurons=0), "neurons: expected a whole number >= 1, got 0"),
        (lambda: franke.Config(lbfgs_steps=cast(Any, 2.5)), "lbfgs_steps: expected a whole number >= 1, got float"),
        (lambda: oscillation.Config(cells=20), "cells: expected a whole number >= 21, got 20"),
        (lambda: oscillation.Config(seeds=0), "seeds: expected a whole number >= 1, got 0"),
    ],
)
def test_settings_that_cannot_be(make, message):
    with pytest.raises((ValueError, TypeError)) as e:
        make()
    assert str(e.value) == message
