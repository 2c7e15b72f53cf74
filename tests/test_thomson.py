"""The reproduction of the Thomson problem: its tables, its verdicts, its pictures, its files."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from refimpl import experiments
from refimpl.experiments import VERDICTS
from refimpl.experiments.hyperspherical_energy import thomson
from refimpl.papers.hyperspherical_energy import configurations, energy_forward, tables
from refimpl.papers.hyperspherical_energy.minimise import minimise_energy

TINY = thomson.Config(thomson=(4, 12, 42), logarithmic=(5,), inverse_square=(6,), restarts=4, trap_starts=5)


@pytest.fixture(scope="module")
def result():
    return thomson.run(TINY)


# ---- the tables
def test_tables_agree_with_closed_forms():
    log = np.log
    exact = {2: -log(2), 3: -1.5 * log(3), 4: -3 * log(8 / 3), 5: -4 * log(2) - 1.5 * log(3), 6: -9 * log(2)}
    exact[7] = -6 * log(2) - 2.5 * log(5)
    for n, E in exact.items():
        assert tables.LOGARITHMIC.energies[n] == pytest.approx(E, abs=5.1e-10)
    for n, E in {2: 1 / 2, 3: np.sqrt(3), 4: 6 * np.sqrt(3 / 8), 6: 6 * np.sqrt(2) + 1.5}.items():
        assert tables.THOMSON.energies[n] == pytest.approx(E, abs=5.1e-10)
    assert tables.THOMSON.energies[5] == pytest.approx(1 / 2 + 6 / np.sqrt(2) + np.sqrt(3), abs=5.1e-10)  # bipyramid
    assert tables.INVERSE_SQUARE.energies[5] == 1 / 4 + 6 / 2 + 1
    for k, table in enumerate((tables.LOGARITHMIC, tables.THOMSON, tables.INVERSE_SQUARE)):
        assert table.energies[12] == pytest.approx(tables.SHARP["icosahedron"][k], abs=5.1e-10)
        assert list(table.energies) == sorted(table.energies)
        assert set(table.proven) <= set(table.energies)


@pytest.mark.parametrize("hk", tables.CASPAR_KLUG)
def test_descent_from_caspar_klug_points_reaches_the_table(hk):
    n, E, angle = tables.CASPAR_KLUG[hk]
    found = minimise_energy(n, 3, start=configurations.caspar_klug(*hk), restarts=0)
    assert found.success
    assert found.energy == pytest.approx(E, rel=1e-11, abs=5.1e-10)
    G = found.points @ found.points.T - 2 * np.eye(n)
    assert np.degrees(np.arccos(G.max())) == pytest.approx(angle, abs=5.1e-4)
    if hk != (2, 0):
        assert tables.THOMSON.energies.get(n, E) == E


@pytest.mark.parametrize("n", [n for n in tables.TAMMES if n in (4, 5, 6, 12, 24)])
def test_tammes_angles_of_polyhedra(n):
    t = (1 + np.cbrt(19 + 3 * np.sqrt(33)) + np.cbrt(19 - 3 * np.sqrt(33))) / 3  # the snub cube has circumradius ½√((3−t)/(2−t))
    snub = 2 * np.arcsin(np.sqrt((2 - t) / (3 - t)))
    exact = {4: np.arccos(-1 / 3), 5: np.pi / 2, 6: np.pi / 2, 12: np.arctan(2), 24: snub}
    assert tables.TAMMES[n] == pytest.approx(np.degrees(exact[n]), abs=5.1e-8)


# ---- the verdicts
def test_verdict_says_how_it_compares():
    assert thomson.compare(10 + 9e-9, 10.0, True, 5) == ("agrees", "")
    assert thomson.compare(10 - 9e-9, 10.0, False, 5) == ("agrees", "")
    assert thomson.compare(60000 + 5e-6, 60000.0, True, 5) == ("agrees", "")
    verdict, why = thomson.compare(10 - 2e-8, 10.0, True, 5)
    assert verdict == "differs"
    assert "lower than the table by 2.0e-08" in why
    verdict, why = thomson.compare(10.5, 10.0, True, 5)
    assert verdict == "not reproduced"
    assert "best of 5 starts is 5.0e-01 above" in why
    verdict, why = thomson.compare(10.5, 10.0, False, 5)
    assert verdict == "inconclusive"
    assert "before it converged" in why


def test_every_row_agrees(result):
    assert [(r.s, r.n) for r in result.rows] == [(1.0, 4), (1.0, 12), (1.0, 42), (0.0, 5), (2.0, 6)]
    assert all(r.verdict == "agrees" for r in result.rows)
    assert result.verdict == "agrees"
    for r in result.rows:
        assert r.lower_bound - 1e-9 <= r.ours
        assert energy_forward(result.points[r.s, r.n], r.s, reduction="sum_unordered")[0] == pytest.approx(r.ours, rel=1e-14, abs=0)
        assert 1 <= r.hits <= r.starts == 4 + (r.n in (12, 42))
        assert r.proven == (r.n != 42)


def test_trap_is_a_strict_minimum_above_the_best(result):
    assert result.trap.verdict == "agrees"
    assert result.trap.zero_modes == 45
    assert result.trap.lowest_mode > 0.1
    assert result.trap.ours - result.trap.best == pytest.approx(0.178133485, abs=1e-8)
    assert len(result.trap.ends) == 5
    assert min(result.trap.ends) >= result.trap.best - 1e-8


def test_trap_that_is_no_minimum_differs(monkeypatch):
    monkeypatch.setattr(thomson, "energy_hessian_vector", lambda U, V, *args, **options: -V)
    trap, _ = thomson.spring_trap(1, np.random.default_rng(0))
    assert trap.verdict == "differs"
    assert "not a strict minimum" in trap.why


def test_whole_is_as_good_as_its_worst_part(result):
    for worst in VERDICTS:
        row = replace(result.rows[0], verdict=worst, why="because")
        changed = replace(result, rows=(row, *result.rows[1:]))
        assert changed.verdict == worst
        assert f"{worst}: because" in changed.table()
        assert f"Verdict: {worst}." in changed.table()
    assert replace(result, trap=replace(result.trap, verdict="differs", why="because")).verdict == "differs"
    assert "differs: because" in replace(result, trap=replace(result.trap, verdict="differs", why="because")).table()


# ---- the result
def test_workers_change_nothing_but_the_time(result):
    other = thomson.run(TINY, workers=2)
    for a, b in zip(result.rows, other.rows, strict=True):
        assert asdict(replace(a, seconds=0)) == asdict(replace(b, seconds=0))
    assert result.trap == other.trap


def test_another_stream_finds_the_same_energies(result):
    other = thomson.run(replace(TINY, thomson=(12,), logarithmic=(), inverse_square=()), rng=np.random.default_rng(5))
    assert other.rows[0].ours == pytest.approx(result.rows[1].ours, rel=1e-13, abs=0)
    assert "s = 2" not in other.table()


def test_table_and_json_hold_every_row(result):
    text = result.table()
    assert "  12       49.165253058     49.165253058" in text
    assert "5 minima: 5 agree. Verdict: agrees." in text
    data = json.loads(result.to_json())
    assert data["verdict"] == "agrees"
    assert data["config"]["restarts"] == 4
    assert [row["n"] for row in data["rows"]] == [4, 12, 42, 5, 6]
    assert data["trap"]["zero_modes"] == 45
    assert "numpy" in data["versions"]
    assert data["minutes"] == result.minutes > 0


def test_files_are_written(result, tmp_path):
    written = [p.name for p in experiments.save(result, tmp_path / "deep" / "down", "thomson")]
    assert written == ["thomson.txt", "thomson.json", "thomson-spheres.png", "thomson-trap.png", "thomson-growth.png"]
    for name in written:
        assert (tmp_path / "deep" / "down" / name).stat().st_size > 1000
    assert (tmp_path / "deep" / "down" / "thomson.txt").read_text(encoding="utf-8") == result.table() + "\n"


def test_pictures_show_what_was_found(result):
    spheres = result.plot()
    assert [axes.get_title() for axes in spheres.axes] == ["N = 4", "N = 12"]
    growth = result.figures()["growth"].axes[0]
    published = next(line for line in growth.lines if line.get_label() == "published")
    assert published.get_xdata().tolist() == [4, 12, 42]
    E = tables.THOMSON.energies
    assert published.get_ydata() == pytest.approx([(E[n] - n * n / 2) / n**1.5 for n in (4, 12, 42)])
    alone = replace(result, points={k: v for k, v in result.points.items() if k != (1.0, 42)})
    assert [len(r.figures()["trap"].axes) for r in (result, alone)] == [3, 2]


def test_cells_count_their_corners():
    assert {len(c) for c in thomson.cells(configurations.icosahedron())} == {5}
    assert {len(c) for c in thomson.cells(configurations.cube())} == {3}
    assert {len(c) for c in thomson.cells(configurations.cross_polytope(3))} == {4}
    degrees = [len(c) for c in thomson.cells(configurations.caspar_klug(2, 1))]
    assert sorted(degrees) == [5] * 12 + [6] * 60  # Euler: twelve pentagons


# ---- the registry
def test_reproductions_are_listed_and_run(monkeypatch, result):
    assert "published" in str(experiments.REPRODUCTIONS["thomson"])
    asked = []

    def run(config, workers):
        asked.append((config, workers))
        return result

    monkeypatch.setattr(thomson, "run", run)
    experiments.reproduce("thomson")
    experiments.reproduce("thomson", quick=True, seeds=3, workers=2)
    assert asked == [(thomson.Config(), 1), (replace(thomson.QUICK, restarts=3), 2)]


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"name": "thompson"}, "name: expected one of thomson, .*existence-collision, got 'thompson'"),
        ({"name": "thomson", "seeds": 0}, "seeds: expected 1 to 100000, got 0"),
        ({"name": "thomson", "workers": 0}, "workers: expected 1 to 100000, got 0"),
    ],
)
def test_bad_requests_are_named(arguments, match):
    with pytest.raises(ValueError, match=match):
        experiments.reproduce(**arguments)


def test_defaults_are_the_whole_tables():
    config = thomson.Config()
    assert config.thomson == tuple(tables.THOMSON.energies)
    assert config.logarithmic == tuple(tables.LOGARITHMIC.energies)
    assert config.inverse_square == tuple(tables.INVERSE_SQUARE.energies)
    assert all(set(getattr(thomson.QUICK, k)) <= set(getattr(config, k)) for k in ("thomson", "logarithmic", "inverse_square"))
