"""The experiments on the energy: how networks are trained, what decides the verdicts; tables, pictures and files are whole."""

import json
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest

from refimpl import experiments
from refimpl.__main__ import main
from refimpl.experiments.hyperspherical_energy import (
    chord_angular,
    energy_curve,
    half_full,
    imbalance,
    new_data,
    width,
)
from refimpl.experiments.hyperspherical_energy.training import NONE, Energy, Recipe, objective, problem, trained, weights
from refimpl.experiments.outcome import plain
from refimpl.experiments.paired import paired
from refimpl.nn import Dense, cross_entropy_backward, cross_entropy_forward, network_backward, network_forward
from refimpl.papers.hyperspherical_energy import configurations, energy_forward, network_energy_backward, network_energy_forward
from refimpl.params import ravel

SMALL = Recipe(hidden=(6, 5), rows=40, epochs=2, batch=16)
CLAIM = Energy(1.0, 2.0)
THIN = replace(SMALL, embedding=3, rows=100, rare=8)
TINY: dict[str, tuple[Any, Any]] = {
    "mhe-energy-curve": (energy_curve, energy_curve.Config(seeds=2, recipe=SMALL)),
    "mhe-test-error": (new_data, new_data.Config(seeds=2, settings=(new_data.Setting(SMALL, (CLAIM, Energy(0.0, 1.0))),))),
    "mhe-width": (width, width.Config(seeds=2, widths=(3, 8), recipe=SMALL)),
    "mhe-half-vs-full": (half_full, half_full.Config(seeds=2, recipe=SMALL)),
    "mhe-imbalance": (
        imbalance,
        imbalance.Config(seeds=2, cases=(imbalance.Case("three", THIN), imbalance.Case("two", replace(THIN, embedding=2)))),
    ),
}
RESULTS: dict[str, Any] = {}


def result_of(name):
    """The tiny run of that name, once."""
    if name not in RESULTS:
        module, config = TINY[name]
        RESULTS[name] = module.run(config)
    return RESULTS[name]


each_experiment = pytest.mark.parametrize("name", TINY)


# ---- how networks are trained
def test_training_is_descent_with_momentum_on_loss_decay_and_energy():
    """Full batches, so that the order does not matter; 20 steps written out: rate 0.1, 0.01 from step 12 on, 0.001 from 17 on."""
    p = problem(replace(SMALL, epochs=20, batch=40, decay=0.01), np.random.default_rng(0))
    theta, v = p.theta.copy(), 0.0
    for t in range(20):
        params = p.unravel(theta)
        f, cache = network_forward(p.layers, params, p.data.x)
        df = cross_entropy_backward(1.0, cross_entropy_forward(f, p.data.y)[1])
        g = p.unravel.flat(network_backward(df, cache)[0])
        g += p.unravel.flat(network_energy_backward(1.0, network_energy_forward(params, 1.0, 2.0, 2.0, half_space=True)[1]))
        decay = p.unravel(np.zeros_like(theta))
        for own, W in zip(decay[::2], params[::2], strict=True):
            own.W[...] = 0.01 * W.W
        v = 0.9 * v + g + p.unravel.flat(decay)
        theta = theta - 0.1 * 0.1 ** ((t >= 12) + (t >= 17)) * v
    run = trained(p, CLAIM)
    np.testing.assert_allclose(run.theta, theta, rtol=0, atol=1e-12)  # twenty steps of sums of some hundred numbers near 1
    wrong = network_forward(p.layers, p.unravel(theta), p.data.x_test)[0].argmax(axis=1) != p.data.y_test
    assert run.error == 100 * wrong.mean()
    assert run.classes[3] == 100 * wrong[p.data.y_test == 3].mean()
    assert not run.diverged


def test_a_pair_has_its_split_its_weights_and_its_mini_batches_in_common():
    a, b = (problem(SMALL, np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(a.data.x, b.data.x)
    np.testing.assert_array_equal(a.theta, b.theta)
    np.testing.assert_array_equal(trained(a).theta, trained(b).theta)
    np.testing.assert_array_equal(trained(a).theta, trained(a, Energy(0.0, 0.0, s=1.0)).theta)  # again, and by weights of 0
    assert not np.array_equal(trained(a, CLAIM).theta, trained(a).theta)
    other = problem(SMALL, np.random.default_rng(8))
    assert not np.array_equal(a.theta, other.theta)


def test_measure_sees_the_start_and_every_epoch():
    p = problem(SMALL, np.random.default_rng(0))
    run = trained(p, NONE, lambda params: p.unravel.flat(params))
    assert len(run.measured) == 3
    np.testing.assert_array_equal(run.measured[0], p.theta)
    np.testing.assert_array_equal(run.measured[2], run.theta)


def test_embedding_is_linear_and_the_weights_are_those_of_the_layers():
    p = problem(replace(SMALL, embedding=2), np.random.default_rng(0))
    assert [W.shape for W in weights(p, p.theta)] == [(6, 64), (5, 6), (2, 5), (10, 2)]
    embedded, _ = network_forward(p.layers[:-1], p.unravel(p.theta)[:-1], p.data.x)
    assert embedded.min() < 0 < embedded.max()
    scaled = p.unravel(p.theta)[:-2] + tuple(type(q)(q.W * -3, q.b) for q in p.unravel(p.theta)[-2:])
    y, _ = network_forward(p.layers, p.unravel(p.theta), p.data.x)
    np.testing.assert_allclose(network_forward(p.layers, scaled, p.data.x)[0], 9 * y, rtol=1e-12, atol=1e-12)  # biases start at 0


@pytest.mark.parametrize("phi", [0.3, 1.2])
def test_equal_force_is_that_of_full_space_but_for_the_antipode(phi):
    """Two neurons at the angle φ, s = 2: K = 2/q² in full space, and 2/q² − 2/(4 − q)² at equal force, q = 2 − 2 cos φ."""
    W = np.array([[1.0, 0.0], [np.cos(phi), np.sin(phi)]])
    params = [Dense(W, np.zeros(2)), Dense(np.diag([1.0, 2.0]), np.zeros(2))]
    theta, unravel = ravel(params)
    full, half, equal = (
        unravel(objective(Energy(3.0, 0.0, half_space=space, equal_force=force), unravel)(theta)[1])[0].W
        for space, force in ((False, False), (True, False), (True, True))
    )
    q = 2 - 2 * np.cos(phi)
    size = 1e-12 * np.abs(full).max()
    np.testing.assert_allclose(equal, full * (1 - q**2 / (4 - q) ** 2), rtol=0, atol=size)
    np.testing.assert_allclose(equal, 3 * half, rtol=0, atol=size)  # (2N − 1)/(N − 1)
    value, gradient = objective(Energy(3.0, 5.0, equal_force=True), unravel)(theta)
    np.testing.assert_allclose(unravel(gradient)[0].W, equal, rtol=0, atol=size)
    assert value == pytest.approx(9 * energy_forward(W, 2.0, True, reduction="mean")[0] + 5 * 2**-1, rel=1e-12)  # orthogonal: q = 2


def test_a_run_that_diverges_is_counted_and_does_not_stop_the_others():
    p = problem(replace(SMALL, embedding=2), np.random.default_rng(0))
    thrown = trained(p, Energy(0.0, 1e9))  # far out, where nothing moves any more
    assert thrown.collapsed
    assert not thrown.diverged
    run = trained(p, Energy(0.0, 1e300))
    assert run.diverged
    assert run.collapsed
    assert np.isfinite(run.theta).all()
    assert 0 <= run.error <= 100
    same = p.unravel(p.theta.copy())
    same[-1].W[1] = same[-1].W[0]  # two classifiers alike: the energy has no gradient there
    start = p._replace(theta=p.unravel.flat(same))
    stuck = trained(start, CLAIM)
    assert stuck.diverged
    np.testing.assert_array_equal(stuck.theta, start.theta)


def test_a_curve_that_breaks_off_counts_as_not_lower():
    result = energy_curve.run(replace(TINY["mhe-energy-curve"][1], energy=Energy(1e200, 1.0)))
    assert result.diverged[1].all()
    assert result.verdict == "differs"
    assert "0/2 seeds" in result.table()
    assert json.loads(result.to_json())["arms"][1]["excess"][0][-1] == [None, None, None]
    assert result.plot().axes[0].get_title().startswith("hidden 1")


# ---- every experiment
@each_experiment
def test_seeds_are_streams_of_their_own(name):
    module, config = TINY[name]
    result = result_of(name)
    more = module.run(config.with_seeds(3))
    assert prefix(numbers(more), 2) == prefix(numbers(result), 2)
    another = module.run(config, rng=np.random.default_rng(1))
    assert numbers(another) != numbers(result)
    assert numbers(another) == numbers(module.run(replace(config, seed=1)))


@pytest.mark.parametrize("name", ["mhe-test-error", "mhe-imbalance"])
def test_workers_change_nothing(name):
    module, config = TINY[name]
    assert numbers(module.run(config, workers=2)) == numbers(result_of(name))


def numbers(result):
    """What the JSON holds for each seed: every list as long as there are seeds, in order."""
    data = json.loads(result.to_json())
    n, found = len(data["seeds"]), []

    def walk(node):
        if isinstance(node, dict):
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            if len(node) == n and not any(isinstance(v, (dict, str)) for v in node):
                found.append(node)
            else:
                for value in node:
                    walk(value)

    walk({k: v for k, v in data.items() if k not in ("config", "seeds", "layers", "epochs")})
    return found


def prefix(lists, n):
    return [values[:n] for values in lists]


@each_experiment
def test_table_says_what_was_run_and_how_it_was_decided(name):
    result, (_, config) = result_of(name), TINY[name]
    text = result.table()
    assert f"2 paired seeds, streams 0 to 1 of seed {config.seed}" in text
    assert f"Decision, fixed before the run: {result.RULE}." in text
    assert text.endswith(f"\nVerdict: {result.verdict}.")
    assert "in place of the paper's images and convolutional networks" in text
    assert "numpy" in text
    assert max(map(len, text.splitlines())) <= 132


@each_experiment
def test_json_holds_settings_versions_minutes_and_every_seed(name):
    def refuse(text):
        raise AssertionError(f"{text} is no JSON")

    result, (_, config) = result_of(name), TINY[name]
    data = json.loads(result.to_json(), parse_constant=refuse)
    assert (data["name"], data["verdict"], data["rule"], data["seeds"]) == (name, result.verdict, result.RULE, [0, 1])
    assert data["config"] == json.loads(json.dumps(asdict(config)))
    assert {"python", "numpy", "scipy", "refimpl"} <= set(data["versions"])
    assert data["minutes"] == result.minutes > 0
    assert len(numbers(result)) >= 2


@each_experiment
def test_one_seed_says_nothing_and_is_valid_json(name):
    module, config = TINY[name]
    result = module.run(config.with_seeds(1))
    json.loads(result.to_json(), parse_constant=lambda text: pytest.fail(text))
    if name not in ("mhe-energy-curve", "mhe-imbalance"):  # which count seeds
        assert result.verdict == "inconclusive"
    for figure in result.figures().values():
        figure.canvas.draw()


@each_experiment
def test_command_line_runs_it_and_writes_its_files(name, monkeypatch, tmp_path, capsys):
    module, config = TINY[name]
    monkeypatch.setattr(module, "QUICK", replace(config, seeds=5))
    out, file = tmp_path / "out", tmp_path / "result.json"
    code = main(["reproduce", name, "--quick", "--seeds", "2", "--workers", "1", "--out", str(out), "--json", str(file)])
    result = result_of(name)
    assert code == (1 if result.verdict == "differs" else 0)
    assert f"Verdict: {result.verdict}." in capsys.readouterr().out
    titles = list(result.figures())
    assert sorted(p.name for p in out.iterdir()) == sorted([f"{name}.txt", f"{name}.json", *(f"{name}-{t}.png" for t in titles)])
    written = json.loads(file.read_text(encoding="utf-8"))
    assert (written["name"], written["seeds"]) == (name, [0, 1])


def test_every_reproduction_is_listed_with_a_quick_and_a_full_run(capsys):
    assert main(["reproduce"]) == 0
    listed = capsys.readouterr().out
    for name, entry in experiments.REPRODUCTIONS.items():
        assert name in listed
        module = __import__(entry.module, fromlist=["QUICK"])
        assert module.Config().with_seeds(7) != module.Config()
        if name in TINY:
            assert module is TINY[name][0]
            assert module.Config().seeds >= 20 > module.QUICK.seeds
    ours = {name for name, entry in experiments.REPRODUCTIONS.items() if entry.module.startswith(experiments.MHE)}
    assert set(TINY) | {"thomson", "mhe-chord-angular"} == ours


# ---- verdicts
def test_energy_curve_agrees_if_every_layer_of_every_seed_ends_lower():
    result = result_of("mhe-energy-curve")
    curves = np.ones((2, 2, 3, 3))
    curves[1, :, -1] = 0.9
    assert replace(result, curves=curves).verdict == "agrees"
    for value in (1.0, 1.1, np.nan):
        spoilt = curves.copy()
        spoilt[1, 1, -1, 2] = value
        assert replace(result, curves=spoilt).verdict == "differs"
        assert "1/2 seeds" in replace(result, curves=spoilt).table()


def test_energy_curve_turns_an_excess_into_the_energy_it_is_of():
    p = problem(SMALL, np.random.default_rng(0))
    result = result_of("mhe-energy-curve")
    for layer, (W, half) in enumerate(zip(weights(p, p.theta), (True, True, False), strict=True)):
        excess = energy_curve.normalised_excess(W, 2.0, half)
        E = energy_forward(W, 2.0, half, reduction="mean")[0]
        assert result.energies(layer, excess) == pytest.approx(E, rel=1e-12)
    assert energy_curve.smallest_angle(np.array([[1.0, 0], [0, 2], [-3, 3]])) == pytest.approx(45, rel=1e-12)


def test_test_error_is_as_good_as_its_worst_claim():
    row = result_of("mhe-test-error").rows[0]
    n = 20
    x = np.random.default_rng(0).normal(size=n)
    x = (x - x.mean()) / x.std()
    rows = {
        verdict: replace(row, without=tuple(10 + 0 * x), error=tuple(10 + shift + x))
        for verdict, shift in (("agrees", -1.0), ("inconclusive", 0.1), ("differs", 1.0))
    }
    for verdict, r in rows.items():
        assert r.verdict == verdict
    base = result_of("mhe-test-error")
    for names, whole in (
        (("agrees", "agrees"), "agrees"),
        (("agrees", "inconclusive"), "inconclusive"),
        (("inconclusive", "differs"), "differs"),
    ):
        result = replace(base, rows=(*(rows[v] for v in names), replace(rows["differs"], claim=False)))
        assert result.verdict == whole
        assert result.table().endswith(f"Verdict: {whole}.")


@pytest.mark.parametrize(
    ("slope", "noise", "verdict"),
    [(-0.5, 0.1, "agrees"), (0.5, 0.1, "differs"), (-0.5, 5.0, "inconclusive"), (0.0, 0.1, "inconclusive")],
)
def test_width_is_decided_by_the_slope_of_the_gain(slope, noise, verdict):
    config = replace(TINY["mhe-width"][1], seeds=20, widths=(8, 16, 32))
    rng = np.random.default_rng(0)
    own = slope + noise * np.resize([1.0, -1.0], 20)  # mean slope as given, to rounding
    gains = 1 + own[:, None] * np.array([3, 4, 5]) + 0 * rng.normal(size=(20, 3))
    result = width.Result(config, 20 + gains, np.full((20, 3), 20.0), 0, 0.1)
    np.testing.assert_allclose(result.slopes, own, atol=1e-12)
    assert result.verdict == verdict


def test_all_widths_of_a_seed_have_the_same_rows():
    config = TINY["mhe-width"][1]
    seen = []
    original = width.problem

    def spy(recipe, rng):
        p = original(recipe, rng)
        seen.append((recipe.hidden, p.data.x))
        return p

    width.problem = spy
    try:
        width.one_seed(config, np.random.SeedSequence(0))
    finally:
        width.problem = original
    assert [hidden for hidden, _ in seen] == [(3, 3), (8, 8)]
    np.testing.assert_array_equal(seen[0][1], seen[1][1])


@pytest.mark.parametrize(("shift", "verdict"), [(-1.0, "agrees"), (0.0, "inconclusive"), (1.0, "differs")])
def test_half_space_is_compared_with_full_space_at_equal_force(shift, verdict):
    base, noise = np.full(20, 10.0), np.resize([0.5, -0.5], 20)
    errors = {"none": base, "full": base, "half, equal λ": base - 5, "half, equal force": base + shift + noise}
    result = replace(result_of("mhe-half-vs-full"), errors=errors)
    assert result.verdict == verdict
    full, half, equal = half_full.Config().arms()[1:]
    assert (full.half_space, half.half_space, equal.half_space) == (False, True, True)
    assert (full.hidden, full.output) == (half.hidden, half.output) == (equal.hidden, equal.output)
    assert equal.equal_force


@pytest.mark.parametrize(
    ("wider", "collapsed", "verdict"),
    [(10, 0, "agrees"), (8, 0, "agrees"), (8, 2, "agrees"), (7, 0, "inconclusive"), (5, 0, "inconclusive"), (4, 0, "differs")]
    + [(7, 2, "inconclusive"), (7, 3, "not reproduced"), (0, 10, "not reproduced"), (10, 3, "not reproduced")],
)
def test_imbalance_counts_the_seeds_with_a_wider_angle(wider, collapsed, verdict):
    """Of ten seeds; the last of them collapse."""
    k = np.arange(10)
    row = result_of("mhe-imbalance").rows[0]
    zero = replace(row, output=0.0, angle=np.full(10, 30.0), error=k, rare=k, collapsed=k < 0)
    with_energy = replace(zero, output=0.01, angle=np.where(k < wider, 31.0, 30.0), collapsed=k >= 10 - collapsed)
    far = replace(zero, output=10.0, collapsed=k >= 0)  # beyond what the rule speaks of
    result = replace(result_of("mhe-imbalance"), rows=(zero, with_energy, far))
    assert result.judged(with_energy) == verdict
    assert result.verdict == verdict
    assert result.judged(zero) == result.judged(far) == ""


def test_pictures_say_which_runs_collapsed():
    tiny = result_of("mhe-imbalance")
    rows = [replace(tiny.rows[0], output=output, collapsed=np.full(2, output > 0)) for output in (0.0, 0.01)]
    result = replace(tiny, rows=tuple(rows), config=replace(tiny.config, cases=tiny.config.cases[:1]))
    for lost, axes in zip((False, True), result.draw_classes().axes[:2], strict=True):
        assert ("collapsed" in [t.get_text() for t in axes.texts]) == lost
    crosses = [line for line in result.plot().axes[0].lines if line.get_marker() == "x"]
    assert [len(np.asarray(line.get_xdata())) for line in crosses] == [2]


def test_angles_to_the_nearest_class():
    U = np.array([[1.0, 0], [np.cos(0.3), np.sin(0.3)], [-1, 0]])
    np.testing.assert_allclose(imbalance.nearest_angles(U), np.degrees([0.3, 0.3, np.pi - 0.3]), rtol=1e-12)


# ---- distances and angles
@pytest.fixture(scope="module")
def minima():
    return chord_angular.run(chord_angular.Config(cases=(0, 2, 6), restarts=20))


def test_known_energies_are_those_of_coordinates():
    square = np.array([[1.0, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0]])
    turn = 2 * np.pi * np.arange(3) / 3
    triangle = np.c_[np.cos(turn), np.sin(turn)]
    tetrahedron = np.array([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3)
    points = {
        "square": square,
        "tetrahedron": tetrahedron,
        "cube": configurations.cube(),
        "simplex": configurations.simplex(5),
        "triangular bipyramid": np.r_[np.c_[triangle, 0 * turn], [[0, 0, 1], [0, 0, -1]]],
        "two triangles": np.r_[np.c_[triangle, 0 * triangle], np.c_[0 * triangle, triangle]],
        "poles, tetrahedron": np.r_[np.c_[tetrahedron, np.zeros(4)], [[0, 0, 0, 1], [0, 0, 0, -1]]],
    }
    assert set(points) == set(chord_angular.PAIRS)
    for name, U in points.items():
        for s in (0.0, 0.3, 1.0):
            E = energy_forward(U, s, angular=True, reduction="sum_unordered")[0]
            assert chord_angular.angular_energy(name, s) == pytest.approx(E, rel=1e-13)


def test_minima_of_distances_and_angles_agree_with_what_is_known(minima):
    assert [r.verdict for r in minima.rows] == ["agrees"] * 3
    assert minima.verdict == "agrees"
    square, tetrahedron, bipyramid = minima.rows
    assert (square.dimensions, square.opposite) == ((3, 2), (0, 2))
    assert square.angular == pytest.approx(-4 * np.log(np.pi / 2) - 2 * np.log(np.pi), abs=1e-10)
    assert tetrahedron.angular == pytest.approx(tetrahedron.chord, rel=1e-12)
    assert (bipyramid.dimensions, bipyramid.opposite) == ((4, 3), (0, 1))
    assert minima.crossover == pytest.approx(0.701006731497, abs=1e-12)
    assert "In 2 of 3 cases" in minima.table()


def test_minima_differ_where_an_energy_or_the_crossover_is_another(minima, monkeypatch):
    for verdict in experiments.VERDICTS:
        row = replace(minima.rows[0], verdict=verdict, why="because")
        assert replace(minima, rows=(row, *minima.rows[1:])).verdict == verdict
        assert f"{verdict}: because" in replace(minima, rows=(row, *minima.rows[1:])).table()
    assert replace(minima, crossover=0.7).verdict == "differs"
    monkeypatch.setattr(chord_angular, "angular_energy", lambda name, s: 0.0)
    row, _, _ = chord_angular.search(chord_angular.CASES[0], 2, np.random.SeedSequence(0))
    assert (row.verdict, "lower than the table by" in row.why) == ("differs", True)


def test_minima_do_not_depend_on_workers_and_are_in_the_json(minima, tmp_path):
    one = replace(minima.config, cases=(2,), restarts=4)
    assert chord_angular.run(one, workers=2).rows == chord_angular.run(one).rows
    data = json.loads(minima.to_json())
    assert (data["name"], data["verdict"], len(data["rows"])) == ("mhe-chord-angular", "agrees", 3)
    assert {"config", "versions", "minutes", "rule", "crossover"} <= set(data)
    names = [p.name for p in experiments.save(minima, tmp_path, "mhe-chord-angular")]
    assert names == ["mhe-chord-angular.txt", "mhe-chord-angular.json", "mhe-chord-angular-minima.png"]
    alone = chord_angular.run(replace(minima.config, cases=(6,), restarts=4))
    alone.plot().canvas.draw()  # nothing in three dimensions to draw


# ---- bad settings
@pytest.mark.parametrize(
    ("kind", "settings", "error", "match"),
    [
        (Recipe, {"rows": 0}, ValueError, "rows: expected a whole number >= 1, got 0"),
        (Recipe, {"epochs": 1.5}, TypeError, "epochs: expected a whole number >= 1"),
        (Recipe, {"hidden": ()}, ValueError, "hidden: expected at least one width, got none"),
        (Recipe, {"hidden": (4, 1)}, ValueError, "hidden, embedding: expected a whole number >= 2, got 1"),
        (Recipe, {"embedding": 1}, ValueError, "hidden, embedding: expected a whole number >= 2, got 1"),
        (Energy, {"hidden": -1.0}, ValueError, "hidden: expected a finite number >= 0, got -1.0"),
        (Energy, {"s": float("inf")}, ValueError, "s: expected a finite number >= 0, got inf"),
        (Energy, {"output": "1"}, ValueError, "output: expected a finite number >= 0, got '1'"),
        (new_data.Config, {"seeds": 0}, ValueError, "seeds: expected a whole number >= 1, got 0"),
        (new_data.Config, {"settings": ()}, ValueError, "settings: expected at least one, got none"),
        (new_data.Setting, {"recipe": SMALL, "energies": ()}, ValueError, "energies: expected at least one, got none"),
        (energy_curve.Config, {"seed": -1}, ValueError, "seed: expected a whole number >= 0, got -1"),
        (energy_curve.Config, {"recipe": Recipe(hidden=(3,))}, ValueError, "energy.s: expected below 2"),
        (width.Config, {"widths": (8,)}, ValueError, "widths: expected at least two, increasing, got"),
        (width.Config, {"widths": (8, 8)}, ValueError, "widths: expected at least two, increasing, got"),
        (width.Config, {"widths": (1, 8)}, ValueError, "hidden, embedding: expected a whole number >= 2, got 1"),
        (half_full.Config, {"energy": Energy()}, ValueError, "energy: expected one of full space"),
        (imbalance.Config, {"cases": ()}, ValueError, "cases: expected at least one, got none"),
        (imbalance.Case, {"name": "a", "recipe": SMALL}, ValueError, "recipe: expected one with a rare class"),
        (imbalance.Case, {"name": "a", "recipe": THIN, "outputs": (0.0,)}, ValueError, "outputs: expected 0 and then weights"),
        (chord_angular.Config, {"cases": (8,)}, ValueError, "cases: expected some of 0 to 7"),
        (chord_angular.Config, {"restarts": 0}, ValueError, "restarts: expected a whole number >= 1, got 0"),
    ],
)
def test_bad_settings_are_named(kind, settings, error, match):
    with pytest.raises(error, match=match):
        kind(**settings)


def test_settings_print_as_the_tables_show_them():
    assert str(NONE) == "none"
    assert str(Energy(1.0, 10.0)) == "half space, s = 2, λ 1/10"
    assert str(Energy(0.0, 0.5, s=1.0)) == "output only, s = 1, λ 0/0.5"
    assert str(Energy(1.0, 0.0, half_space=False)) == "full space, s = 2, λ 1/0"
    assert str(Energy(equal_force=True)) == "half space, s = 2, λ 1/10, equal force"
    assert str(Recipe()) == "64-64-64-10, 300 rows"
    assert str(THIN) == "64-6-5-3 (linear)-10, 100 rows"


def test_what_json_has_no_number_for_is_null():
    found = plain({"a": np.array([[1.0, np.nan]]), "b": (float("inf"), 2), "c": paired([1.0])._asdict()})
    assert found["a"] == [[1.0, None]]
    assert found["b"] == [None, 2]
    assert (found["c"]["error"], found["c"]["mean"]) == (None, 1.0)
