"""Contenders in turn: one long-lived process each, bursts interleaved A B C A B C, so that whatever slows the machine slows all.

1 thread: every process is pinned to one core and its CPU time counts, which other load disturbs little. 2 threads: wall time.
A ratio is taken within a round; its median over the rounds is the figure, its smallest and largest the spread.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

TESTS = Path(__file__).resolve().parents[1]
PEERS = ("torch", "jax", "mpmath")  # what may be absent; any other missing module is an error
BURST = 0.03  # seconds that a burst should take


class Absent(Exception):
    """A library that the contender needs is not installed; its name."""


def environment(threads):
    """Equal threads for everyone; libraries read these when they are imported."""
    n = str(threads)
    single = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    return {
        **os.environ,
        **dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), n),
        **({"XLA_FLAGS": single} if threads == 1 else {}),
        "JAX_PLATFORMS": "cpu",
        "JAX_ENABLE_X64": "1",  # float64 where the workload asks for it; float32 arrays stay float32
        "PYTHONPATH": os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])]),
    }


def pinned_core():
    """The last core that this process may use."""
    return str(max(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else "any"


class Worker:
    """A contender's process. `ask` sends a request and waits for the answer."""

    def __init__(self, module: str, contender: str, threads: int = 1):
        core = pinned_core() if threads == 1 else "any"
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 closed with the worker
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", module, contender, core],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True, env=environment(threads),
        )  # fmt: skip

    def ask(self, **request: Any) -> dict:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            self.errors.seek(0)
            raise RuntimeError(f"the worker died: {self.errors.read()[-2000:]}")
        answer = json.loads(line)
        if answer.get("absent") in PEERS:
            raise Absent(answer["absent"])
        if "absent" in answer or "error" in answer:
            raise RuntimeError(answer.get("error") or f"no module {answer['absent']}")
        return answer

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.stdin:
            self.process.stdin.close()
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()
        self.errors.close()


def once(module: str, function: str, threads: int = 1, **config: Any) -> dict:
    """What the module's function of that name returns, in a fresh process."""
    with Worker(module, "ours", threads) as worker:
        return worker.ask(call=function, config=config)


class Disagreement(AssertionError):
    """Two contenders do not compute the same."""


def checked(files: dict[str, Path], tolerances: Sequence[float]) -> None:
    """All contenders computed what the first did: each array within its tolerance, relative to the array's largest entry."""
    first, *others = ({name: [np.array(a) for a in np.load(f).values()] for name, f in files.items()}).items()
    for name, arrays in others:
        for k, (a, b, tolerance) in enumerate(zip(arrays, first[1], tolerances, strict=True)):
            if a.shape != b.shape:
                raise Disagreement(f"output {k}: {name} has shape {a.shape}, {first[0]} {b.shape}")
            gap = np.max(np.abs(a.astype(float) - b)) / np.max(np.abs(b))
            if not gap <= tolerance:
                raise Disagreement(f"output {k}: {name} and {first[0]} differ by {gap:.1e}, expected at most {tolerance:.0e}")


@dataclass
class Times:
    """Seconds of one call in every round, by contender; libraries that were absent, by contender."""

    seconds: dict[str, list[float]]
    absent: dict[str, str]

    def typical(self, contender: str) -> float:
        """Median seconds of one call."""
        return median(self.seconds[contender])

    def ratios(self, ours: str, peer: str) -> list[float]:
        """Time of one contender over another's, round by round."""
        return [a / b for a, b in zip(self.seconds[ours], self.seconds[peer], strict=True)]


class Contest:
    """Contenders of one workload, each in its process for as long as this lasts."""

    def __init__(self, module: str, contenders: Sequence[str], threads: int = 1):
        self.workers, self.threads = {c: Worker(module, c, threads) for c in contenders}, threads

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for worker in self.workers.values():
            worker.__exit__()

    def run(self, config: dict, tolerances: Sequence[float], rounds: int, contenders: Sequence[str] | None = None) -> Times:
        """Check that all compute what the first does, then time them in turn. Raises Disagreement if one does not."""
        times, counts, files = Times({}, {}), {}, {}
        with tempfile.TemporaryDirectory() as folder:
            for k, name in enumerate(contenders or self.workers):
                file = Path(folder) / f"{k}.npz"
                try:
                    one = self.workers[name].ask(make=config, file=str(file))["wall"]
                except Absent as e:
                    times.absent[name] = str(e)
                    continue
                counts[name], files[name], times.seconds[name] = max(1, int(BURST / max(one, 1e-7))), file, []
            checked(files, tolerances)
        for _ in range(rounds):
            for name, count in counts.items():
                times.seconds[name].append(self.workers[name].ask(burst=count)["cpu" if self.threads == 1 else "wall"])
        return times


# ---- what is reported
@dataclass
class Row:
    """A line of the table: ours against a peer, or a figure against a bar."""

    workload: str
    ours: str
    peer: str
    median: float | None  # None: not measured, and `peer` says why
    low: float | None
    high: float | None
    bar: str  # "<= 0.10"; empty: for information
    unit: str = ""  # empty for a ratio

    @property
    def met(self) -> bool | None:
        """Whether the bar is met; None where there is none, or nothing was measured."""
        if not self.bar or self.median is None:
            return None
        sign, limit = self.bar.split()
        return self.median <= float(limit) if sign == "<=" else self.median >= float(limit)

    def data(self) -> dict:
        """As JSON takes it."""
        return {**asdict(self), "met": self.met}


def ratio(workload: str, times: Times, peer: str, bar: str = "", ours: str = "ours") -> Row:
    """The row of our time over a peer's; it says so if the peer was absent."""
    if peer in times.absent:
        return Row(workload, duration(times.typical(ours)), f"{peer}: ABSENT", None, None, None, bar)
    r = times.ratios(ours, peer)
    return Row(workload, duration(times.typical(ours)), f"{peer} {duration(times.typical(peer))}", median(r), min(r), max(r), bar)


def figure(workload: str, values: Sequence[float], bar: str, unit: str, ours: str = "") -> Row:
    """The row of a figure that has no peer."""
    return Row(workload, ours, "–", median(values), min(values), max(values), bar, unit)


def duration(seconds: float) -> str:
    """Three digits and a unit."""
    for scale, unit in ((1, "s"), (1e-3, "ms")):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds / 1e-6:.3g} µs"
