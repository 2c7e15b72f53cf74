"""The other experiments on Born-Infeld: measures, the disk, the digits, spheres. Runs are tiny; what decides verdicts is tested."""

import json
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest
from scipy import integrate, stats

from refimpl.__main__ import main
from refimpl.experiments import VERDICTS
from refimpl.experiments.born_infeld import digits, measure, pde, spheres
from refimpl.experiments.paired import paired
from refimpl.gradcheck import check_gradient
from refimpl.optim import minimise, momentum
from refimpl.papers.born_infeld import energy, hamiltonian, log_density, poisson_solution, start_rows
from refimpl.papers.hyperspherical_energy.configurations import icosahedron
from refimpl.params import ravel

TINY: dict[str, tuple[Any, Any]] = {
    "bi-measure": (measure, measure.Config(seeds=2, trajectories=500, steps=100)),
    "bi-pde": (pde, pde.Config(seeds=2, width=4, interior=12, boundary=5, iterations=9)),
    "bi-digits": (digits, digits.Config(seeds=2, hidden=6, rows=60, epochs=2, step_sizes=3, tuning_seeds=2)),
    "bi-thomson": (spheres, spheres.Config(seeds=2, points=(5, 16), budget=90, tuned_on=(7,), tuning_runs=1)),
}
RESULTS: dict[str, Any] = {}
each_experiment = pytest.mark.parametrize("name", TINY)


def result_of(name):
    """The tiny run of that name, once."""
    if name not in RESULTS:
        module, config = TINY[name]
        RESULTS[name] = module.run(config)
    return RESULTS[name]


def per_seed(result):
    """What the JSON holds for each seed: lists as long as there are seeds."""
    data = json.loads(result.to_json())
    found = []

    def walk(node):
        if isinstance(node, dict):
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            if len(node) == len(data["seeds"]) and not any(isinstance(v, (dict, str)) for v in node):
                found.append(node)
            else:
                for value in node:
                    walk(value)

    walk({k: v for k, v in data.items() if k not in ("config", "seeds", "rule", "scan", "tuned", "marks")})
    return found


# ---- every experiment
@each_experiment
def test_table_says_what_was_run_and_how_it_was_decided(name):
    result = result_of(name)
    text = " ".join(result.table().split())
    assert f": {result.RULE}." in text.partition("Decision, fixed before ")[2]
    assert text.endswith(f"Verdict: {result.verdict}.")
    assert result.verdict in VERDICTS
    assert "of seed 0;" in text
    assert max(map(len, result.table().splitlines())) <= 110


@each_experiment
def test_json_holds_settings_versions_minutes_and_every_seed(name):
    result, (_, config) = result_of(name), TINY[name]
    data = json.loads(result.to_json(), parse_constant=lambda text: pytest.fail(text))
    assert (data["name"], data["verdict"], data["rule"], data["seeds"]) == (name, result.verdict, result.RULE, [0, 1])
    assert data["config"] == json.loads(json.dumps(asdict(config)))
    assert {"python", "numpy", "scipy", "refimpl"} <= set(data["versions"])
    assert data["minutes"] == result.minutes > 0
    assert len(per_seed(result)) >= 3


@each_experiment
def test_seeds_are_streams_of_their_own_and_workers_change_nothing(name):
    module, config = TINY[name]
    one = module.run(config.with_seeds(1), workers=2)
    found = per_seed(result_of(name))
    single = [values for values in per_seed(one) if not isinstance(values[0], list)]
    assert [v[:1] for v in found if not isinstance(v[0], list)] == single
    another = module.run(config.with_seeds(1), rng=np.random.default_rng(1))
    assert per_seed(another) != per_seed(one)
    for figure in one.figures().values():
        figure.canvas.draw()


@each_experiment
def test_command_line_runs_it_and_writes_its_files(name, monkeypatch, tmp_path, capsys):
    module, config = TINY[name]
    monkeypatch.setattr(module, "QUICK", replace(config, seeds=5))
    code = main(["reproduce", name, "--quick", "--seeds", "2", "--workers", "1", "--out", str(tmp_path)])
    result = result_of(name)
    assert code == (1 if result.verdict == "differs" else 0)
    assert f"Verdict: {result.verdict}." in capsys.readouterr().out
    titles = list(result.figures())
    assert {p.name for p in tmp_path.iterdir()} == {f"{name}.txt", f"{name}.json", *(f"{name}-{t}.png" for t in titles)}


# ---- measures
@pytest.mark.parametrize(("objective", "p"), [(measure.double_well, 2), (measure.ball, 10), (measure.pair, 6)])
def test_potentials_have_their_gradients(objective, p):
    theta = np.random.default_rng(0).uniform(-1, 1, p)
    assert check_gradient(lambda x: tuple(a[0] for a in objective(x[None])), theta).ok


def test_area_holds_all_of_the_double_well_below_the_energy():
    x = np.linspace(-3, 3, 1201)
    V = measure.double_well(np.stack(np.meshgrid(x, x, indexing="ij"), axis=-1))[0]
    at = np.argwhere(measure.E2 > V)
    for axis, (low, high) in enumerate((measure.AREA[:2], measure.AREA[2:])):
        assert low < x[at[:, axis].min()] < x[at[:, axis].max()] < high


def test_cells_are_integrals_of_the_density():
    """For n = 2 the density in t is 1/V: of two bins well inside, by adaptive quadrature."""
    p = measure.cells("t")
    width = (measure.AREA[1] - measure.AREA[0]) / measure.BINS[0]
    ratios = []
    for i, j in ((2, 5), (7, 4)):
        x, y = measure.AREA[0] + width * i, measure.AREA[2] + width * j
        value = integrate.dblquad(lambda b, a: 1 / measure.double_well(np.array([a, b]))[0], x, x + width, y, y + width)[0]
        ratios.append(value / p[i, j])
    assert ratios[0] == pytest.approx(ratios[1], rel=1e-4)  # midpoints, 120 a side: error 1e-5 or so
    assert p.sum() == pytest.approx(1, rel=1e-12)


def test_chi_square_is_pearsons_and_takes_rare_bins_together():
    counts, p = np.array([[30, 50], [20, 0]]), np.array([[0.3, 0.4], [0.3, 0.0]])
    value, degrees, q = measure.chi_square(counts, p)
    found = stats.chisquare([30, 50, 20], [30, 40, 30])
    assert (value, degrees, q) == (pytest.approx(found.statistic), 2, pytest.approx(found.pvalue))
    rare = measure.chi_square(np.array([40.0, 50, 4, 6]), np.array([0.45, 0.45, 0.04, 0.06]))  # 4 < 5 join the last
    joined = stats.chisquare([40, 50, 10], [45, 45, 10])
    assert rare == (pytest.approx(joined.statistic), 2, pytest.approx(joined.pvalue))


def test_radial_and_cosine_densities_are_those_of_the_measure():
    r, density = measure.radial(8)
    log_p = np.log(density[1:-1]) - 9 * np.log(r[1:-1]) - log_density(0.2 + r[1:-1] ** 2 / 2, measure.E10, 10, "s")
    assert np.ptp(log_p) < 1e-7  # p² loses digits at the rim, where it is 4e-4 of E
    t, density = measure.cosine(4)
    p2 = (4 - (1.3 + t) ** 2) / (1.3 + t)  # E = 2
    np.testing.assert_allclose(density / density[0], (2 + p2) * p2 / ((2 + p2[0]) * p2[0]), rtol=1e-10)


@pytest.mark.parametrize("kind", ["isotropic", "cube", "uncentred"])
def test_bounces_keep_the_momentum_and_are_what_they_are_called(kind):
    state = start_rows(measure.ball, np.full((2000, 3), 0.1), 0.0, 1.0, rng=np.random.default_rng(0))
    pi = measure.turned(state, np.random.default_rng(1), kind).pi
    np.testing.assert_allclose(np.sum(pi**2, axis=1), np.sum(state.pi**2, axis=1), rtol=1e-13)
    assert (pi.min() >= 0) == (kind == "uncentred")


def test_on_shell_restores_the_energy():
    state = start_rows(measure.ball, np.full((5, 3), 0.1), 0.0, 1.0, rng=np.random.default_rng(0))
    moved = measure.on_shell(state._replace(pi=1.1 * state.pi))
    np.testing.assert_allclose([energy(V, pi) for V, pi in zip(moved.V, moved.pi, strict=True)], moved.E, rtol=1e-14)


def test_measure_is_decided_by_right_and_wrong_densities():
    result = result_of("bi-measure")
    good = [replace(r, p=(0.5 if r.right else 1e-9, 0.5 if r.right else 1e-9)) for r in result.rows]
    exact = tuple([m | {"mean": m["exact"]} for m in seed] for seed in result.moments)
    result = replace(result, rows=tuple(good), moments=exact)
    assert result.verdict == "agrees"
    for right, verdict in ((True, "differs"), (False, "inconclusive"), (None, "agrees")):
        k = next(k for k, r in enumerate(good) if r.right is right)
        spoilt = replace(good[k], p=(0.5, 1e-6))  # no longer above 1e-4, nor below 1e-8
        changed = replace(result, rows=(*good[:k], spoilt, *good[k + 1 :]))
        assert changed.verdict == verdict
        assert ("!" in "".join(changed.table().splitlines()[4 : 4 + len(good)])) == (right is not None)
    off = [exact[0][0] | {"mean": exact[0][0]["exact"] + 6 * exact[0][0]["error"]}, *exact[0][1:]]
    assert replace(result, moments=(off, exact[1])).verdict == "differs"


# ---- the disk
def test_sunflower_is_even():
    x = pde.sunflower(4000)
    assert np.sum(x * x, axis=1).max() < 1
    assert np.mean(np.sum(x * x, axis=1)) == pytest.approx(1 / 2, rel=1e-12)  # ∫ r² over the disk, by midpoints in r²
    np.testing.assert_allclose(x.mean(axis=0), 0, atol=1e-3)


def test_a_method_is_what_it_is_called_and_its_best_point_is_kept():
    config = TINY["bi-pde"][1]
    stream = config.streams(None)[0]
    objective, unravel, theta = pde.problem(config, stream)
    run = pde.solved(config, "momentum", 1e-4, stream)
    descent = minimise(objective, theta, momentum(1e-4), config.iterations)
    assert run.best == descent.values.min()
    np.testing.assert_array_equal(run.curve, np.minimum.accumulate(descent.values)[pde.marks(config.iterations)])
    assert objective(run.theta)[0] == run.best
    x = np.random.default_rng(0).uniform(-1, 1, (200_000, 2))
    x = x[np.sum(x * x, axis=1) < 1]
    error = pde.solution(unravel, run.theta, x) - poisson_solution(x, config.amplitude)
    assert run.rms == pytest.approx(np.sqrt(np.mean(error**2)), rel=0.01)  # two sums over the disk, of 2000 points and of 157,000


def test_runs_that_fail_are_marked_and_do_not_stop_the_others():
    config = replace(TINY["bi-pde"][1], iterations=60)
    stream = config.streams(None)[0]
    lost = pde.solved(config, "momentum", 1e3, stream)
    assert lost.iterations < 60
    assert np.isfinite([lost.best, lost.rms, *lost.curve]).all()
    assert lost.iterations < pde.solved(config, "BBI, no bounces", 0.01, stream).iterations == 60
    result = result_of("bi-pde")
    runs = {kind: (lost, lost) if kind == ("momentum", 1e-3) else r for kind, r in result.runs.items()}
    (line,) = [line for line in replace(result, runs=runs).table().splitlines() if line.startswith("momentum") and " 0.001" in line]
    assert line.count("†") == 2


def test_disk_agrees_if_every_seed_comes_close_with_the_pilots_step():
    result = result_of("bi-pde")
    good = result.runs["BBI", 0.01][0]._replace(best=1.9, rms=0.049)
    kind = ("BBI", pde.STEP)
    assert replace(result, runs=result.runs | {kind: (good, good)}).verdict == "agrees"
    for bad in (good._replace(best=2.1), good._replace(rms=0.051), good._replace(best=float("nan"))):
        assert replace(result, runs=result.runs | {kind: (good, bad)}).verdict == "not reproduced"


# ---- digits
def test_a_stream_gives_every_method_the_same_and_a_step_of_nothing_leaves_the_network_as_it_was():
    config = TINY["bi-digits"][1]
    stream = config.streams(None)[0]
    runs = [digits.trained(config, method, 1e-12, stream) for method in digits.METHODS]
    for run in runs[1:]:
        assert run[:2] == runs[0][:2]
        assert run[2] == pytest.approx(runs[0][2], rel=1e-6)
    assert digits.trained(config, "momentum", 0.1, stream)[2] < runs[0][2]
    assert digits.trained(config, "BBI", 0.3, stream) == digits.trained(config, "BBI", 0.3, stream)
    lost = digits.trained(replace(config, epochs=30), "momentum", 1e200, stream)
    assert lost[3]
    assert 0 <= lost[1] <= 100


def test_step_is_chosen_on_the_validation_rows():
    result = result_of("bi-digits")
    for j, method in enumerate(digits.METHODS):
        mean = result.scan[j, :, :, 0].mean(axis=0)
        assert result.steps[method] == result.config.grid(method)[np.argmin(mean)]
        assert result.config.grid(method)[0] == digits.METHODS[method][1]
        assert result.config.grid(method)[-1] == pytest.approx(10 ** (2 / 3) * digits.METHODS[method][1])


@pytest.mark.parametrize(
    ("difference", "verdict"),
    [
        ([0.1, 0.1], "agrees"),
        ([-0.49, -0.49], "agrees"),
        ([0.6, 0.6], "differs"),
        ([-0.6, -0.6], "differs"),
        ([0.0, 2.0], "inconclusive"),
        ([0.4], "inconclusive"),
    ],
)
def test_comparable_is_within_the_margin(difference, verdict):
    assert digits.comparable(paired(difference)) == verdict


def test_digits_verdict_is_the_worse_of_momentum_and_adam():
    result = result_of("bi-digits")
    final = result.final.copy()
    final[:, :, 1] = 3.0
    assert replace(result, final=final).verdict == "agrees"
    for method, verdict in (("momentum", "differs"), ("Adam", "differs"), ("log leapfrog", "agrees")):
        spoilt = final.copy()
        spoilt[:, list(digits.METHODS).index(method), 1] = 4.0
        assert replace(result, final=spoilt).verdict == verdict


# ---- spheres
def test_counted_stops_at_the_budget_and_where_the_best_known_energy_is_reached():
    f = spheres.Counted(12, 3)
    theta = np.random.default_rng(0).standard_normal(36)
    for _ in range(3):
        assert f(theta)[0] > f.best
    with pytest.raises(spheres.Over):
        f(theta)
    assert (f.calls, f.reached) == (3, None)
    g = spheres.Counted(12, 3)
    with pytest.raises(spheres.Over):
        g(icosahedron().ravel())
    assert (g.calls, g.reached) == (1, 1)


@pytest.mark.parametrize("arm", spheres.ARMS)
def test_every_arm_and_setting_spends_its_budget_or_finds_the_icosahedron(arm):
    for setting in spheres.GRIDS[arm.split(",")[0]]:
        calls, hit = spheres.calls(arm, setting, 12, 300, key=0)
        assert hit
        assert calls < 300
    assert spheres.calls(arm, setting, 72, 7, key=0) == (7, False)


def test_arms_start_from_the_same_points():
    class Seen(spheres.Counted):
        def __call__(self, theta):
            starts.append(theta.copy())
            raise spheres.Over

    starts: list[np.ndarray] = []
    for arm in spheres.ARMS:
        for setting in spheres.GRIDS[arm.split(",")[0]]:
            with pytest.raises(spheres.Over):
                spheres.ARMS[arm](Seen(30, 1), np.random.default_rng(3), **setting)
    for theta in starts[1:]:
        np.testing.assert_allclose(theta, starts[0], rtol=1e-14)  # rows normalised once or twice


def test_motion_conserves_its_energy_and_ends_where_it_cannot_go_on():
    f = spheres.Counted(12, 10**6)
    space = spheres.spheres(12, 3)
    theta = spheres.on_spheres(np.random.default_rng(0).standard_normal(36))
    state = spheres.start(f, theta, 45.0, space=space)
    end = spheres.moved(f, state, 0.02, 50, space)
    assert hamiltonian(end) == pytest.approx(end.E, rel=1e-2)  # h² of the leapfrog
    assert end.t > 0
    stuck = spheres.moved(f, state._replace(V=-1.0), 0.02, 50, space)
    assert stuck.t == 0


@pytest.mark.parametrize(("k", "n"), [(0, 8), (3, 40), (20, 20)])
def test_wilson_is_scipys(k, n):
    reference = stats.binomtest(k, n).proportion_ci(method="wilson")
    assert spheres.wilson(k, n) == pytest.approx((reference.low, reference.high), abs=1e-7)


def test_cost_is_calls_for_each_success():
    config = TINY["bi-thomson"][1]
    setting = spheres.GRIDS["restarts"][4]
    runs = [spheres.calls("restarts", setting, 7, 90, key) for key in (1, 2)]
    assert all(hit for _, hit in runs)
    assert spheres.cost("restarts", setting, config, [1, 2]) == pytest.approx(sum(k for k, _ in runs) / 2)
    assert spheres.cost("restarts", setting, replace(config, budget=3), [1, 2]) == pytest.approx(6 / 0.5)


def test_thomson_is_decided_by_both_comparisons():
    result = result_of("bi-thomson")
    hits = np.zeros((4, len(spheres.ARMS), 2), bool)
    config = replace(result.config, seeds=4)

    def verdict(restarts, hopping, bi):
        h = hits.copy()
        for arm, value in (("restarts", restarts), ("hopping", hopping), ("BI", bi)):
            h[:, list(spheres.ARMS).index(arm)] = value
        return replace(result, hits=h, calls=np.ones(h.shape, int), config=config).verdict

    assert verdict(False, False, True) == "agrees"
    assert verdict(False, True, True) == "inconclusive"
    assert verdict(True, False, False) == "differs"
    assert verdict(False, False, False) == "inconclusive"


# ---- bad settings
@pytest.mark.parametrize(
    ("kind", "settings", "error", "match"),
    [
        (measure.Config, {"trajectories": 10}, ValueError, "trajectories: expected a whole number >= 500, got 10"),
        (measure.Config, {"seeds": 0}, ValueError, "seeds: expected a whole number >= 1, got 0"),
        (pde.Config, {"iterations": 0}, ValueError, "iterations: expected a whole number >= 1, got 0"),
        (digits.Config, {"step_sizes": 0.5}, TypeError, "step_sizes: expected a whole number >= 1"),
        (spheres.Config, {"points": (13,)}, ValueError, r"points: expected at least one number of the table.* got \[13\]"),
        (spheres.Config, {"tuned_on": ()}, ValueError, "tuned_on: expected at least one number of the table"),
        (spheres.Config, {"budget": 0}, ValueError, "budget: expected a whole number >= 1, got 0"),
    ],
)
def test_bad_settings_are_named(kind, settings, error, match):
    with pytest.raises(error, match=match):
        kind(**settings)


def test_quick_runs_are_smaller_than_full_ones():
    for module, _ in TINY.values():
        assert module.QUICK.seeds < module.Config().seeds
        assert module.Config().with_seeds(7).seeds == 7


def test_problem_of_the_disk_starts_from_the_network_that_it_draws():
    config = TINY["bi-pde"][1]
    objective, unravel, theta = pde.problem(config, config.streams(None)[1])
    np.testing.assert_array_equal(ravel(unravel(theta))[0], theta)
    assert objective(theta)[1].shape == theta.shape == (4 * 2 + 4 + 4 * 4 + 4 + 4 + 1,)
