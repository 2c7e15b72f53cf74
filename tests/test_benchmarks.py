"""The harness of the benchmarks on small workloads: what it measures, refuses and reports. Nothing here depends on speed."""

import json
import subprocess
import sys
from pathlib import Path

import mpmath
import numpy as np
import pytest

from benchmarks import cnn, exponential_neuron
from benchmarks.energy import PEERS, TOLERANCES, VARIANTS, close_pair_error, exact, neurons
from benchmarks.rounds import Absent, Contest, Disagreement, Row, Times, Worker, checked, duration, figure, once, ratio
from refimpl.papers.hyperspherical_energy import energy_and_gradient

BENCHMARKS = Path(__file__).parent / "benchmarks"
SMALL = {"m": 20, "d": 3, "variant": "s = 1", "dtype": "float64"}


def test_contenders_are_timed_in_the_same_rounds():
    with Contest("energy", ("ours", "passes")) as contest:
        times = contest.run(SMALL, TOLERANCES["float64"], rounds=3)
    assert times.absent == {}
    assert {name: len(s) for name, s in times.seconds.items()} == {"ours": 3, "passes": 3}
    assert all(0 < s < 1 for seconds in times.seconds.values() for s in seconds)


def test_ratio_is_taken_within_a_round():
    times = Times({"ours": [1.0, 20.0, 3.0], "peer": [2.0, 10.0, 12.0]}, {})
    row = ratio("w", times, "peer", "<= 0.50")
    assert (row.low, row.median, row.high) == (0.25, 0.5, 2.0)  # the ratio of the medians would be 0.3
    assert row.met


def test_bar_is_met_up_to_its_limit():
    assert [figure("w", [value], "<= 0.30", "s").met for value in (0.30, 0.31)] == [True, False]
    assert [figure("w", [value], ">= 0.90", "s").met for value in (0.90, 0.89)] == [True, False]


def test_nan_meets_no_bar():
    assert figure("w", [float("nan")], "<= 1", "s").met is False


def test_row_without_bar_has_no_verdict():
    assert figure("w", [1.0], "", "s").met is None


def test_absent_peer_is_a_row_that_says_so():
    row = ratio("w", Times({"ours": [2e-3]}, {"torch": "torch"}), "torch", "<= 0.10")
    assert (row.peer, row.median, row.met, row.ours) == ("torch: ABSENT", None, None, "2 ms")


def test_worker_tells_a_missing_peer_from_a_mistake(tmp_path, monkeypatch):
    (tmp_path / "jax").mkdir()
    (tmp_path / "jax" / "__init__.py").write_text("raise ModuleNotFoundError('gone', name='jax')")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{Path(__file__).parents[1]}")
    with Worker("energy", "jax") as worker, pytest.raises(Absent, match="jax"):
        worker.ask(make=SMALL, file=str(tmp_path / "out.npz"))
    with Worker("energy", "no such contender") as worker, pytest.raises(RuntimeError, match="KeyError"):
        worker.ask(make=SMALL, file=str(tmp_path / "out.npz"))


def test_contender_that_computes_something_else_is_refused(tmp_path):
    files = {name: tmp_path / f"{name}.npz" for name in "abc"}
    np.savez(files["a"], 1.0, np.array([1.0, -2.0]))
    np.savez(files["b"], 1.0, np.array([1.0, -2.002]))
    np.savez(files["c"], 1.0, np.array([np.nan, -2.0]))
    checked({"a": files["a"], "b": files["b"]}, (1e-3, 1.1e-3))
    with pytest.raises(Disagreement, match=r"output 1: b and a differ by 1\.0e-03"):
        checked({"a": files["a"], "b": files["b"]}, (1e-3, 0.9e-3))
    with pytest.raises(Disagreement, match="nan"):
        checked({"a": files["a"], "c": files["c"]}, (1.0, 1.0))


@pytest.fixture(scope="module")
def peers():
    with Contest("energy", ("ours", *PEERS)) as contest:
        yield contest


@pytest.mark.peers
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("dtype", TOLERANCES)
def test_energy_peers_compute_the_same(variant, dtype, peers):
    names = [c for c in peers.workers if c != "torch pdist" or variant in ("s = 0", "s = 1", "s = 2")]
    times = peers.run({**SMALL, "variant": variant, "dtype": dtype}, TOLERANCES[dtype], 1, names)
    assert set(times.seconds) == set(names)


@pytest.mark.peers
@pytest.mark.parametrize("dtype", TOLERANCES)
def test_training_peers_compute_the_same(dtype):
    from benchmarks.mlp import CONTENDERS, TOLERANCE

    with Contest("mlp", CONTENDERS) as contest:
        times = contest.run({"dtype": dtype, "batch": 7}, [TOLERANCE[dtype]] * 2, rounds=1)
    assert set(times.seconds) == set(CONTENDERS)


@pytest.mark.peers
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_convolutional_peers_compute_the_same(dtype):
    from benchmarks.cnn import CONTENDERS, TOLERANCE

    with Contest("cnn", CONTENDERS) as contest:
        times = contest.run({"dtype": dtype, "batch": 5}, [TOLERANCE[dtype]] * 2, rounds=1)
    assert set(times.seconds) == set(CONTENDERS)


def test_rows_that_are_timed_keep_their_distance():
    W = neurons(300, 3)
    U = W / np.sqrt(np.sum(W * W, axis=1, keepdims=True))
    t = np.abs(U @ U.T) - np.eye(300)
    assert 1 - 1e-3 < t.max() <= 1 - 0.5e-4  # 300 Gaussian rows come that close, and no closer


@pytest.mark.parametrize("variant", VARIANTS)
def test_reference_of_the_accuracy_is_the_energy(variant):
    W = neurons(6, 3)
    E, dW = energy_and_gradient(W, **VARIANTS[variant])
    with mpmath.workdps(50):
        E_exact, dW_exact = exact(mpmath, W, **VARIANTS[variant])
    assert abs(E - E_exact) <= 1e-13 * abs(E_exact)
    assert np.max(np.abs(dW - dW_exact)) <= 1e-12 * np.max(np.abs(dW_exact))


@pytest.mark.parametrize("variant", VARIANTS)
def test_pair_at_a_millionth_of_a_radian_keeps_twelve_digits(variant):
    for d in (3, 64):
        for antipodal in {False, "half" in variant}:
            assert close_pair_error(variant, d, antipodal) <= 1e-12


@pytest.mark.peers
@pytest.mark.parametrize(
    ("work", "names"),
    [
        ("epoch", ("torch", "torch fused", "stack of 1", "readable")),
        ("stack", ("vmap", "vmap fused", "stack", "loop")),
        ("table 6", ("torch table 6", "torch channels last", "with")),
    ],
)
def test_peers_with_the_exponential_neuron_compute_the_same(work, names):
    table6 = work == "table 6"
    config = {"work": work, "dtype": "float64"} | ({"batch": 5} if table6 else {})
    tolerances = [cnn.TOLERANCE["float64"]] * 2 if table6 else exponential_neuron.TOLERANCE["float64"]
    with Contest("exponential_neuron", names) as contest:
        assert set(contest.run(config, tolerances, 1).seconds) == set(names)


def test_memory_is_that_of_a_fresh_process():
    small, large = (once("memory", "peak_of_energy", m=m, dtype="float64") for m in (10, 10_000))
    bare = once("memory", "peak_of_numpy")
    assert 10 < bare["MB"] < small["MB"] < large["MB"]
    assert 4 * 10_000 * 3 * 8 / 2**20 < large["MB"] - bare["MB"] < 64  # W, two copies and dW, at least


def test_command_prints_the_table_and_writes_the_figures(tmp_path):
    out = tmp_path / "figures.json"
    command = [sys.executable, str(BENCHMARKS), "energy", "--only", "angle 1e-6, s = 2", "--json", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "1 bars: 1 met, 0 missed, 0 not measured" in done.stdout
    (row,) = json.loads(out.read_text())["rows"]
    assert row["met"] is True
    assert 0 <= row["median"] <= 1e-12


def test_command_refuses_what_it_does_not_know():
    done = subprocess.run([sys.executable, str(BENCHMARKS), "energies"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "energy, mlp, cnn, exponential_neuron, sweep, born_infeld, relu_existence, thomson, memory, startup" in done.stderr


def test_durations_have_units():
    assert [duration(s) for s in (1.5, 2.34e-3, 5e-6)] == ["1.5 s", "2.34 ms", "5 µs"]


def test_row_as_data_carries_its_verdict():
    assert Row("w", "1 ms", "p", 2.0, 1.0, 3.0, "<= 1").data()["met"] is False
