"""Many runs of one function, in processes of their own if there are to be several."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from threading import current_thread, main_thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

# small products are slower on several threads, and several processes with several threads each slower still
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def one_thread() -> None:
    """One thread of linear algebra for this interpreter, unless NumPy is here already. What the user has set counts.

    On a busy machine small products are a hundred times slower on several.
    """
    if "numpy" not in sys.modules:  # it reads them when it is imported
        for name in THREADS:
            os.environ.setdefault(name, "1")


def each(f: Callable, jobs: Iterable[tuple], workers: int = 1) -> list[Any]:
    """[f(*job) for job in jobs], in their order. Several workers are new interpreters, of one thread of linear algebra each.

    The function must be importable, and a script that calls this with workers > 1 must guard its main part by
    `if __name__ == "__main__"`. The first error that a job raises is raised, and the jobs that did not start are not run.
    """
    if workers == 1:
        return [f(*job) for job in jobs]
    with one_thread_each(), ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:  # a fork copies running threads
        try:
            with deaf():
                futures = [pool.submit(f, *job) for job in jobs]
            return [future.result() for future in futures]
        except BaseException:
            for process in list((getattr(pool, "_processes", None) or {}).values()):
                process.terminate()  # else they would end what they have begun, minutes later
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def spawned(rng: np.random.Generator, n: int) -> list[np.random.SeedSequence]:
    """What n streams of random numbers of their own start from: default_rng makes each. Unlike generators of older NumPy versions,
    these do not forget on their way to another process from which they came.
    """
    return rng.bit_generator.seed_seq.spawn(n)  # type: ignore[attr-defined]


@contextmanager
def deaf() -> Iterator[None]:
    """Interpreters started meanwhile leave Ctrl-C to this one."""
    if current_thread() is not main_thread():  # which alone hears it
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Interpreters started meanwhile use one thread each; the environment is as before afterwards."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
