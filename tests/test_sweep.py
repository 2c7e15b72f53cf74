"""Sweeps: the same results wherever jobs run, and what is finished is neither lost nor repeated, however the sweep ends."""

import json
import multiprocessing
import os
import pickle
import random
import re
import signal
import struct
import subprocess
import sys
import time
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from io import StringIO
from math import inf, nan
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refimpl import experiments
from refimpl.__main__ import main
from refimpl.experiments import sweep as module
from refimpl.experiments.hyperspherical_energy import thomson
from refimpl.experiments.processes import each
from refimpl.experiments.sweep import SweepError, decoded, encoded, opened, read, sweep, written
from refimpl.files import FormatError
from refimpl.nn import hinge_backward, hinge_forward, mlp, objective
from refimpl.params import ravel
from refimpl.report.progress import progress_bar

ROOT = Path(__file__).parents[1]


# ---- jobs
@dataclass(frozen=True)
class Job:
    """A small training; `note` is the file where it notes that it ran."""

    seed: int
    width: float = 5.0
    note: str = ""


@dataclass(frozen=True)
class Other:
    seed: int
    width: float = 5.0
    note: str = ""


def trained(job):
    """Losses, and numbers that JSON has no form of."""
    noted(job.note, job.seed)
    rng = np.random.default_rng(job.seed)
    x, y = rng.normal(size=(50, 4)), rng.choice([-1.0, 1.0], size=(50, 1))
    layers, params = mlp([4, int(job.width), 1], "tanh", rng)
    theta, unravel = ravel(params)
    loss = objective(layers, unravel, (hinge_forward, hinge_backward), x, y)
    found = [loss(theta)[0]]
    for _ in range(20):
        theta = theta - 0.05 * loss(theta)[1]
        found.append(loss(theta)[0])
    rest = (None, True, "ä", -0.0, [nan, inf, {"least": -inf}])
    return {"losses": found, "theta": theta.tolist(), "seed": job.seed, "rest": rest}


def noted(path, text):
    if path:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(file, f"{text}\n".encode())
        os.close(file)


def notes(path):
    return path.read_text().split() if path.exists() else []


def square(config):
    """k², but for those k that the environment lets fail."""
    noted(config.get("note", ""), config["k"])
    if str(config["k"]) in os.environ.get("SWEEP_FAILS", "").split():
        raise ArithmeticError(f"no square of {config['k']}")
    return config["k"] ** 2


def squares(n, **more):
    return [{"k": k, **more} for k in range(n)]


def jobs_in(store):
    """What the store holds, but for seconds and the order of lines."""
    rows = [json.loads(line) for line in store.read_bytes().splitlines()]
    assert all(set(row) == {"key", "config", "result", "seconds", "crc32"} for row in rows)
    assert all(row["seconds"] >= 0 for row in rows)
    return sorted(json.dumps([row["key"], row["config"], row["result"]]) for row in rows)


class Bare(Executor):
    """An executor that has submit, and nothing else that works."""

    def __init__(self, pool):
        self.pool = pool

    def submit(self, f, /, *args, **options):
        return self.pool.submit(f, *args, **options)

    def map(self, *args, **options):
        raise AssertionError("map")

    def shutdown(self, *args, **options):
        raise AssertionError("shutdown")


# ---- where they run
JOBS = [Job(seed) for seed in range(12)]


@pytest.fixture(scope="module")
def serial(tmp_path_factory):
    """Results and store of twelve jobs, one after the other."""
    store = tmp_path_factory.mktemp("serial") / "jobs.jsonl"
    return sweep(trained, JOBS, store=store), jobs_in(store)


def test_serial_results_are_those_of_the_function(serial):
    results, stored = serial
    assert repr(results) == repr([json.loads(json.dumps(trained(job))) for job in JOBS])  # tuples are lists
    assert [r["seed"] for r in results] == list(range(12))
    assert len(set(stored)) == 12


def test_processes_give_the_same_results_and_the_same_store(serial, tmp_path):
    assert repr(sweep(trained, JOBS, 2, tmp_path / "jobs.jsonl")) == repr(serial[0])
    assert jobs_in(tmp_path / "jobs.jsonl") == serial[1]


def test_of_an_executor_only_submit_is_used(serial, tmp_path):
    with ThreadPoolExecutor(3) as pool:
        assert repr(sweep(trained, iter(JOBS), Bare(pool), tmp_path / "jobs.jsonl")) == repr(serial[0])
        assert each(divmod, [(7, 2), (9, 4)], Bare(pool)) == [(3, 1), (2, 1)]
        with pytest.raises(ZeroDivisionError):
            each(divmod, [(7, 0), (9, 4)], Bare(pool))
    assert jobs_in(tmp_path / "jobs.jsonl") == serial[1]


@pytest.mark.peers
def test_dask_gives_the_same_results_and_the_same_store(serial, tmp_path):
    from dask.distributed import Client, LocalCluster

    options: dict[str, Any] = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with LocalCluster(**options) as cluster, Client(cluster) as client:
        executor = client.get_executor(pure=False)
        assert repr(sweep(trained, JOBS, executor, tmp_path / "jobs.jsonl")) == repr(serial[0])
        assert each(os.getenv, [("OPENBLAS_NUM_THREADS",)], executor) == ["1"]  # dask's own default
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(thomson, "run", reproduction)
            address = cluster.scheduler_address
            assert experiments.reproduce("thomson", dask=address, store=tmp_path / "thomson.jsonl") == [0, 1, 4, 9]
        with pytest.raises(SweepError, match=r"^1 of 3 jobs failed; the first, {'k': 'a'}: TypeError: "):
            sweep(square, [{"k": 1}, {"k": "a"}, {"k": 2}], executor, tmp_path / "squares.jsonl")
    assert jobs_in(tmp_path / "jobs.jsonl") == serial[1]
    assert len(jobs_in(tmp_path / "thomson.jsonl")) == 4
    assert len(jobs_in(tmp_path / "squares.jsonl")) == 2


def test_an_address_where_no_scheduler_is_needs_dask_first(monkeypatch):
    monkeypatch.setitem(sys.modules, "dask.distributed", None)
    with pytest.raises(ValueError, match=r"^dask: expected dask.distributed .*: pip install '\.\[sweep\]' in refimpl's"):
        experiments.reproduce("thomson", dask="tcp://127.0.0.1:1")


# ---- what is a job
def test_key_is_of_the_function_and_the_config(tmp_path):
    store = tmp_path / "jobs.jsonl"
    sweep(square, [{"k": 3, "x": [0.1, None]}], store=store)
    name = [f"{__name__}.square", {"k": 3, "x": [0.1, None]}]
    (row,) = [json.loads(line) for line in store.read_text().splitlines()]
    assert row["key"] == sha256(json.dumps(name, sort_keys=True).encode()).hexdigest()
    assert row["config"] == name[1]
    assert row["result"] == 9


def root(config):
    return config["k"] ** 0.5


def told_of(run, configs, store):
    """(jobs done, all jobs) as the sweep is told to run them."""
    told: list[tuple[int, int]] = []
    results = sweep(run, configs, store=store, progress=lambda done, of, row: told.append((done, of)))
    return results, told


def test_each_job_is_run_once_and_other_jobs_stay(tmp_path):
    store = tmp_path / "jobs.jsonl"
    configs = [{"k": 4, "n": 1}, {"k": 1}, {"n": 1, "k": 4}, {"k": 1}]
    assert told_of(square, configs, store) == ([16, 1, 16, 1], [(0, 2), (1, 2), (2, 2)])
    assert told_of(square, configs, store) == ([16, 1, 16, 1], [(2, 2)])
    assert told_of(root, configs[:1], store) == ([2.0], [(0, 1), (1, 1)])
    assert told_of(square, [{"k": 1.0}, {"k": True}, {"k": 1, "n": 1}, {"k": 1}], store)[1] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert len(jobs_in(store)) == 6
    assert told_of(square, [], store) == ([], [(0, 0)])


def test_dataclasses_of_other_names_or_values_are_other_jobs(tmp_path):
    configs = [Job(1), Other(1), Job(1, 5), Job(1, note=""), Job(2)]
    results, told = told_of(trained, configs, tmp_path / "jobs.jsonl")
    assert told[-1] == (4, 4)
    assert [r["seed"] for r in results] == [1, 1, 1, 1, 2]
    first = json.loads((tmp_path / "jobs.jsonl").read_text().splitlines()[0])
    assert first["config"] == {"class": "Job", "seed": 1, "width": 5.0, "note": ""}


def listed(config):
    return [config["k"]]


def test_results_of_one_job_are_objects_of_their_own():
    first, second = sweep(listed, [{"k": 1}, {"k": 1}])
    first.append(2)
    assert second == [1]


# ---- what JSON holds
trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children).filter(lambda tree: set(tree) != {"float"}),
)


def same(got, expected):
    """Alike in type and, floats but NaN, in every bit."""
    assert type(got) is type(expected)
    if isinstance(expected, dict):
        assert list(got) == list(expected)
        for key, child in expected.items():
            same(got[key], child)
    elif isinstance(expected, list):
        assert len(got) == len(expected)
        for part, child in zip(got, expected, strict=True):
            same(part, child)
    elif isinstance(expected, float) and expected == expected:
        assert struct.pack("<d", got) == struct.pack("<d", expected)
    else:
        assert got == expected or expected != expected != got != got


@given(tree=trees)
def test_results_come_back_bit_by_bit_and_a_line_is_plain_json(tree):
    def refuse(text):
        raise AssertionError(f"{text} is no JSON")

    line = written("key", None, encoded(tree, "tree"), 0.5)
    assert line.isascii()
    assert line.count(b"\n") == 1
    json.loads(line, parse_constant=refuse)
    same(decoded(read(line)[1]), tree)


def unfit(config):
    return {"fit": [1.0], "bad": [0, BAD[config]]}


BAD = {
    "an array": np.zeros(2),
    "float32": np.float32(1),
    "int64": np.int64(1),
    "bool_": np.bool_(True),
    "complex": 1j,
    "set": {1},
    "bytes": b"a",
    "stream": np.random.SeedSequence(1),
    "whole keys": {1: 2},
    "the word float": {"float": 1.0},
}


@pytest.mark.parametrize("kind", BAD)
def test_what_json_cannot_hold_is_named(kind, tmp_path):
    store = tmp_path / "jobs.jsonl"
    what = "a second key beside 'float'" if kind == "the word float" else f"None, numbers, .*, got {type(BAD[kind]).__name__}$"
    with pytest.raises(TypeError, match=rf"^configs\[1\]\['b'\]\[0\]: expected {what}"):
        sweep(unfit, ["set", {"b": [BAD[kind]]}], store=store)
    assert not store.exists()
    with pytest.raises(TypeError, match=rf"^unfit\({kind}\)\['bad'\]\[1\]: expected {what}"):
        sweep(unfit, [kind, "set"], store=store)
    assert store.read_bytes() == b""


def numpys(config):
    return [2 * np.float64(config["x"]), np.str_("text")]


def test_doubles_and_text_of_numpy_are_pythons():
    (found,) = sweep(numpys, [{"x": np.float64(0.1)}])
    assert [type(part) for part in found] == [float, str]
    assert found == [0.2, "text"]


@pytest.mark.parametrize(
    ("bad", "error", "match"),
    [
        ({"run": lambda config: 1}, TypeError, "run: expected a function that is found by its name in its module, got <function"),
        ({"run": partial(square)}, TypeError, "run: expected a function .*; options go into configs"),
        ({"run": random.Random(1).gauss}, TypeError, "run: expected a function"),
        ({"executor": 0}, ValueError, "executor: expected a whole number >= 1, got 0"),
        ({"executor": True}, TypeError, "executor: expected a whole number >= 1, got bool"),
        ({"executor": "2"}, TypeError, r"executor: expected a number, or .*client.get_executor\(pure=False\)\), got str"),
    ],
)
def test_bad_arguments_are_named(bad, error, match):
    with pytest.raises(error, match=match):
        sweep(**{"run": square, "configs": squares(2)} | bad)


# ---- jobs that fail
@pytest.mark.parametrize("workers", [1, 2])
def test_other_jobs_finish_when_some_raise_and_those_run_again(workers, tmp_path, monkeypatch):
    store, note = tmp_path / "jobs.jsonl", tmp_path / "note"
    monkeypatch.setenv("SWEEP_FAILS", "2 5")
    configs = squares(8, note=str(note))
    with pytest.raises(SweepError) as caught:
        sweep(square, configs, workers, store)
    assert str(caught.value) == f"2 of 8 jobs failed; the first, {configs[2]}: ArithmeticError: no square of 2"
    assert [(config["k"], str(e)) for config, e in caught.value.failures] == [(2, "no square of 2"), (5, "no square of 5")]
    assert caught.value.__cause__ is caught.value.failures[0][1]
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)  # of a sweep within a job
    assert len(jobs_in(store)) == 6
    monkeypatch.delenv("SWEEP_FAILS")
    note.unlink()
    assert sweep(square, configs, store=store) == [k * k for k in range(8)]
    assert sorted(notes(note)) == ["2", "5"]


def unfit_at_first(config):
    noted(config["note"], config["k"])
    time.sleep(0.02 * config["k"])
    return config["k"] or {0}


def test_jobs_that_have_not_started_are_not_run_when_a_sweep_ends_early(tmp_path):
    note = tmp_path / "note"
    with ThreadPoolExecutor(1) as pool, pytest.raises(TypeError, match="got set"):
        sweep(unfit_at_first, squares(50, note=str(note)), Bare(pool))
    assert notes(note)[0] == "0"
    assert len(notes(note)) < 50  # of 24 seconds


def leave(config):
    sys.exit(3)


def test_a_job_that_exits_has_failed():
    with pytest.raises(SweepError, match=r"^1 of 1 jobs failed; the first, 1: SystemExit: 3$"):
        sweep(leave, [1])


def die(config):
    if config["k"] == 2:
        os._exit(3)
    return config["k"]


def test_what_is_unfinished_when_a_worker_dies_has_failed(tmp_path):
    store = tmp_path / "jobs.jsonl"
    sweep(die, squares(2), store=store)
    with pytest.raises(SweepError, match=r" of 5 jobs failed; .*: BrokenProcessPool: ") as caught:
        sweep(die, squares(5), 2, store)
    assert {"k": 2} in [config for config, _ in caught.value.failures]
    assert len(jobs_in(store)) + len(caught.value.failures) == 5


def interrupted(config):
    if config["k"] == 3 and os.environ.get("SWEEP_INTERRUPTS"):
        os.kill(int(os.environ["SWEEP_INTERRUPTS"]), signal.SIGINT)
        time.sleep(60)
    return config["k"]


@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_leaves_what_is_finished(workers, tmp_path, monkeypatch):
    store, start = tmp_path / "jobs.jsonl", time.monotonic()
    sweep(interrupted, squares(2), store=store)
    monkeypatch.setenv("SWEEP_INTERRUPTS", str(os.getpid()))
    with pytest.raises(KeyboardInterrupt):
        sweep(interrupted, squares(9), workers, store)
    while multiprocessing.active_children():  # those of the pool
        time.sleep(0.05)
        assert time.monotonic() - start < 30  # not the minute that the job would sleep
    before = len(jobs_in(store))
    assert before >= 2 if workers == 2 else before == 3
    monkeypatch.delenv("SWEEP_INTERRUPTS")
    results, told = told_of(interrupted, squares(9), store)
    assert results == list(range(9))
    assert told[0] == (before, 9)


# ---- the store
def test_a_line_that_was_cut_off_anywhere_is_removed(tmp_path):
    store, note = tmp_path / "jobs.jsonl", tmp_path / "note"
    configs = [{"k": k, "note": str(note)} for k in range(3)]
    sweep(square, configs, store=store)
    data, whole = store.read_bytes(), jobs_in(store)
    last = data.splitlines(keepends=True)[-1]
    for cut in (1, 2, *range(3, len(last), 5), len(last) - 1, len(last)):
        store.write_bytes(data[:-cut])
        note.unlink()
        assert sweep(square, configs, store=store) == [0, 1, 4]
        assert notes(note) == ["2"]
        assert jobs_in(store) == whole


def test_any_other_damage_is_refused_and_nothing_is_changed(tmp_path):
    store = tmp_path / "jobs.jsonl"
    sweep(square, squares(3), store=store)
    data = store.read_bytes()
    first, second, third = data.splitlines(keepends=True)
    flipped = [bytes([*second[:k], second[k] ^ 1 << k % 8, *second[k + 1 :]]) for k in range(len(second))]
    lost = [second[:k] + second[k + 1 :] for k in range(len(second))]
    other = [b"\n", b"{}\n", b"null\n", bytes(40) + b"\n", second[:-1] + b"\r\n", second[:50] + b"\n", second[:50] + third]
    for bad in [*flipped, *lost, *other]:
        store.write_bytes(first + bad + third)
        with pytest.raises(FormatError, match=r"jobs\.jsonl, line 2: expected a finished job, got b"):
            sweep(square, squares(4), store=store)
        assert store.read_bytes() == first + bad + third


@pytest.mark.parametrize("tail", [b"hello", b'{"a": 1}', b" ", bytes(5), b'{"key":5'])
def test_a_file_that_is_no_store_is_left_alone(tail, tmp_path):
    store = tmp_path / "notes.txt"
    sweep(square, squares(1), store=store)
    line = store.read_bytes()
    for data, number in ((tail, 1), (line + tail, 2), (tail + b"\n", 1)):
        store.write_bytes(data)
        with pytest.raises(FormatError, match=rf"notes\.txt, line {number}: expected a finished job"):
            sweep(square, squares(2), store=store)
        assert store.read_bytes() == data


@pytest.mark.parametrize("row", [[1], {"key": "a"}, {"result": 1}, "key", None])
def test_a_line_with_a_right_checksum_that_is_no_job_is_refused(row, tmp_path):
    from zlib import crc32

    body = json.dumps(row)[:-1].encode()
    (tmp_path / "jobs.jsonl").write_bytes(b'%b,"crc32":%d}\n' % (body, crc32(body)))
    with pytest.raises(FormatError, match="line 1: expected a finished job"):
        sweep(square, squares(1), store=tmp_path / "jobs.jsonl")


def test_a_line_is_on_disk_before_the_next_job_ends(tmp_path, monkeypatch):
    calls: list[str] = []

    class Short:
        """A file that takes seven bytes at a time."""

        def __init__(self, file):
            self.file = file

        def __enter__(self):
            return self

        def __exit__(self, *error):
            self.file.close()

        def __getattr__(self, name):
            return getattr(self.file, name)

        def write(self, data):
            calls.append("write")
            return self.file.write(data[:7])

    def fsync(file):
        calls.append("fsync")
        os.fsync(file)

    def seen(done, of, row):
        calls.append(f"{done} of {of}, {len(store.read_bytes().splitlines())} lines")

    store = tmp_path / "jobs.jsonl"
    monkeypatch.setattr(module, "open", lambda *args, **options: Short(open(*args, **options)), raising=False)  # noqa: SIM115
    monkeypatch.setattr(module, "os", type("os", (), {"fsync": staticmethod(fsync), "fspath": os.fspath}))
    sweep(square, squares(2), store=store, progress=seen)
    steps = [call for k, call in enumerate(calls) if call != "write" or calls[k - 1] != "write"]
    assert steps == ["0 of 2, 0 lines", "write", "fsync", "1 of 2, 1 lines", "write", "fsync", "2 of 2, 2 lines"]
    assert calls.count("write") > 20


def test_two_sweeps_on_one_store_are_refused(tmp_path, monkeypatch):
    store = tmp_path / "jobs.jsonl"
    with opened(store), pytest.raises(BlockingIOError, match=r"another sweep is using this store: '.*jobs\.jsonl'"):
        sweep(square, squares(2), store=store)
    assert sweep(square, squares(2), store=store) == [0, 1]
    monkeypatch.setattr(module, "fcntl", None)  # Windows
    with opened(store):
        assert sweep(square, squares(3), store=store) == [0, 1, 4]


def test_a_file_system_without_locks_does_without(tmp_path, monkeypatch):
    def flock(file, how):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(module.fcntl, "flock", flock)
    assert sweep(square, squares(3), store=tmp_path / "jobs.jsonl") == [0, 1, 4]


# ---- kills
SCRIPT = """
import os, sys, time
from refimpl.experiments.sweep import sweep

def job(config):
    file = os.open("starts", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(file, b"%d\\n" % config["k"])
    os.close(file)
    time.sleep(config["seconds"])
    return {"root": config["k"] ** 0.5}

if __name__ == "__main__":
    workers, n, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    print("ready", flush=True)
    print(sweep(job, [{"k": k, "seconds": seconds} for k in range(n)], workers, "jobs.jsonl"))
"""


def launched(folder, *arguments):
    (folder / "script.py").write_text(SCRIPT)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "script.py", *map(str, arguments)]
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    return process


def killed(process):
    """It and all processes that it started: also the one that would have removed its semaphores, so they are removed here."""
    os.killpg(process.pid, signal.SIGSTOP)
    maps = Path(f"/proc/{process.pid}/maps")
    inodes = set(re.findall(r" (\d+) +/dev/shm/sem\.", maps.read_text())) if maps.exists() else set()
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    for path in Path("/dev/shm").glob("sem.mp-*") if inodes else ():
        with suppress(FileNotFoundError):
            if str(path.stat().st_ino) in inodes:
                path.unlink()


@pytest.mark.parametrize(("workers", "kills", "n"), [(1, 14, 170), (2, 6, 200)])  # more jobs than run before the last kill
def test_a_sweep_that_is_killed_again_and_again_loses_nothing_and_repeats_nothing(workers, kills, n, tmp_path):
    """All its processes are killed, when up to four jobs have started and up to 20 ms later."""
    rng, store, starts = random.Random(), tmp_path / "jobs.jsonl", tmp_path / "starts"
    for _ in range(kills):
        lines = store.read_bytes().split(b"\n")[:-1] if store.exists() else []
        finished = {str(json.loads(line)["config"]["k"]) for line in lines}
        starts.unlink(missing_ok=True)
        process = launched(tmp_path, workers, n, 0.01)
        some = rng.randrange(5)
        while len(notes(starts)) < some:
            assert process.poll() is None
        time.sleep(rng.uniform(0, 0.02))
        killed(process)
        assert finished.isdisjoint(notes(starts))
        assert len(set(notes(starts))) == len(notes(starts)) >= some
        now = store.read_bytes() if store.exists() else b""  # the first kill may come before the store
        assert lines == now.split(b"\n")[: len(lines)]  # none lost
    before = len(store.read_bytes().split(b"\n")) - 1
    assert 0 < before < n
    starts.unlink(missing_ok=True)
    process = launched(tmp_path, workers, n, 0.01)
    printed, _ = process.communicate()
    assert printed.strip() == str([{"root": k**0.5} for k in range(n)])
    assert len(notes(starts)) == n - before
    rows = [json.loads(line) for line in store.read_bytes().splitlines()]
    assert sorted(row["config"]["k"] for row in rows) == list(range(n))
    assert all(row["result"] == {"root": row["config"]["k"] ** 0.5} for row in rows)


def test_workers_end_with_a_sweep_that_is_killed_alone(tmp_path):
    starts = tmp_path / "starts"
    process = launched(tmp_path, 2, 1000, 0.05)
    while len(notes(starts)) < 3:
        assert process.poll() is None
    process.kill()
    try:
        process.communicate(timeout=20)  # until nobody writes to its output any more, which the workers have as well
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert len(notes(starts)) < 1000
    assert sweep(square, squares(1), store=tmp_path / "jobs.jsonl") == [0]  # the lock has ended, too


# ---- on the command line
def reproduction(config, rng=None, workers=1, store=None, progress=None):
    """A run that sweeps."""
    return sweep(square, squares(4), workers, store, progress)


class Result(list):
    """What the command line asks a result for."""

    verdict = "agrees"

    def table(self):
        return f"squares {list(self)}"

    def to_json(self):
        return json.dumps(self)

    def figures(self):
        return {}


def result_of(config, rng=None, workers=1, store=None, progress=None):
    return Result(reproduction(config, rng, workers, store, progress))


def test_runs_that_sweep_are_given_store_and_progress_and_others_are_not(tmp_path, monkeypatch):
    told: list[int] = []
    options: dict[str, Any] = {"store": tmp_path / "jobs.jsonl", "progress": lambda done, of, row: told.append(done)}
    monkeypatch.setattr(thomson, "run", lambda config, workers: workers)
    assert experiments.reproduce("thomson", workers=3, **options) == 3
    monkeypatch.setattr(thomson, "run", reproduction)
    assert experiments.reproduce("thomson", **options) == [0, 1, 4, 9]
    assert told == [0, 1, 2, 3, 4]
    assert len(jobs_in(tmp_path / "jobs.jsonl")) == 4
    with pytest.raises(ValueError, match="workers: expected none beside dask, whose cluster has its own, got 2"):
        experiments.reproduce("thomson", workers=2, dask="tcp://127.0.0.1:1")


def test_a_reproduction_that_failed_goes_on_from_its_folder(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(thomson, "run", result_of)
    monkeypatch.setenv("SWEEP_FAILS", "2")
    command = ["reproduce", "thomson", "--out", str(tmp_path / "out")]
    with pytest.raises(SweepError):
        main(command)
    assert capsys.readouterr() == ("", "")
    assert len(jobs_in(tmp_path / "out" / "thomson.jsonl")) == 3
    monkeypatch.delenv("SWEEP_FAILS")
    assert main(command) == 0
    out, err = capsys.readouterr()
    assert out.startswith("squares [0, 1, 4, 9]\n")
    assert re.fullmatch(r"finished jobs are taken from \S+thomson\.jsonl; to run all of them, remove it first\n", err)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["thomson.json", "thomson.jsonl", "thomson.txt"]


def test_a_reproduction_shows_a_bar_on_a_terminal(monkeypatch, capsys):
    monkeypatch.setattr(thomson, "run", result_of)
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert main(["reproduce", "thomson"]) == 0
    out, err = capsys.readouterr()
    assert out == "squares [0, 1, 4, 9]\n"
    assert "thomson" in err
    assert re.search(r"4.*/.*4.*0:00:00", err, flags=re.DOTALL)
    assert err.endswith("\x1b[2K")  # and it is gone again: the last line is erased


def test_the_time_left_is_of_what_this_sweep_has_run():
    from rich.console import Console

    clock = [0.0]
    console = Console(file=StringIO(), force_terminal=True, width=100, get_time=lambda: clock[0])

    def shown(text):
        """Whether the bar, which is drawn ten times a second, comes to show it."""
        deadline = time.monotonic() + 10
        while text not in console.file.getvalue() and time.monotonic() < deadline:  # type: ignore[attr-defined]
            time.sleep(0.01)
        return text in console.file.getvalue()  # type: ignore[attr-defined]

    with progress_bar("jobs", console) as progress:
        # two at a time, a minute each
        for seconds, done, left in ((0, 100, "-:--:--"), (60, 101, "0:11:00"), (60.2, 102, "0:05:01"), (120, 103, "0:06:00")):
            clock[0] = seconds
            time.sleep(0.11)  # it looks at its progress no more often
            progress(done, 112, None)
            assert shown(left)
        clock[0] = 130
        assert shown("0:05:50")


# ---- the page
PAGE = (ROOT / "docs" / "sweeps.md").read_text(encoding="utf-8")
SCRIPTS = {code.split()[1]: code for code in re.findall(r"^```python\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)}


def runs(folder, name):
    """Each script in the folder of the others, as its reader would run it; it prints what its comments say."""
    for script, code in SCRIPTS.items():
        (folder / script).write_text(code, encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-W", "error", name], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said = [line.partition("  # ")[2] for line in SCRIPTS[name].splitlines() if "print(" in line]
    assert said
    assert done.stdout.splitlines() == said


def test_scripts_of_the_page_run_and_print_what_their_comments_say(tmp_path):
    assert set(SCRIPTS) == {"rates.py", "here.py", "again.py", "cluster.py", "mpi.py"}
    runs(tmp_path, "here.py")
    runs(tmp_path, "again.py")


@pytest.mark.peers
def test_script_of_the_page_with_dask_runs(tmp_path):
    runs(tmp_path, "cluster.py")


def test_script_of_the_page_with_mpi_runs_with_threads_in_the_place_of_mpi(tmp_path):
    (tmp_path / "mpi4py").mkdir()
    (tmp_path / "mpi4py" / "__init__.py").touch()
    (tmp_path / "mpi4py" / "futures.py").write_text("from concurrent.futures import ThreadPoolExecutor as MPIPoolExecutor")
    runs(tmp_path, "mpi.py")


def test_a_grid_is_not_taken_for_its_keys():
    with pytest.raises(TypeError, match=r"^configs: expected settings, one by one, got a dict; .*itertools.product"):
        sweep(repr, {"rate": (0.1, 0.2)})
