"""Paired statistics, and runs in several processes: closed forms, scipy, and what must not change."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from math import inf, pi, sqrt, tan
from typing import Any

import numpy as np
import pytest
from scipy import stats

from refimpl.experiments.paired import p_value, paired, slopes
from refimpl.experiments.pictures import draw_paired
from refimpl.experiments.processes import THREADS, each, spawned


# ---- paired differences
def test_two_differences_have_the_closed_form():
    """One degree of freedom is the Cauchy distribution: t = tan(0.95 π/2), and p = 1 − 2 arctan(|mean|/error)/π."""
    p = paired([1.0, 3.0])
    half = tan(0.95 * pi / 2)
    assert (p.n, p.mean, p.wins, p.losses) == (2, 2.0, 0, 2)
    assert p.error == pytest.approx(sqrt(2) / sqrt(2), rel=1e-15)
    assert (p.low, p.high) == pytest.approx((2 - half, 2 + half), rel=1e-9)  # SciPy 1.12 has this quantile to 2e-11
    assert p_value([1.0, 3.0]) == pytest.approx(1 - 2 * np.arctan(2) / pi, rel=1e-12)


@pytest.mark.parametrize("n", [2, 5, 20, 50])
def test_scipy_finds_the_same_interval_and_p(n):
    a, b = np.random.default_rng(n).normal(size=(2, n))
    theirs = stats.ttest_rel(a, b)
    p = paired(a - b)
    interval = theirs.confidence_interval(0.95)
    assert (p.low, p.high) == pytest.approx((interval.low, interval.high), rel=1e-12)
    assert p.error == pytest.approx(stats.sem(a - b), rel=1e-12)
    assert p_value(a - b) == pytest.approx(theirs.pvalue, rel=1e-10)
    narrow = theirs.confidence_interval(0.5)
    assert paired(a - b, 0.5)[3:5] == pytest.approx((narrow.low, narrow.high), rel=1e-12)


def test_interval_covers_the_mean_as_often_as_it_says():
    """2000 samples of 10: the count of misses is binomial with p = 0.05; five deviations are 49."""
    x = np.random.default_rng(0).normal(0.3, 2.0, size=(2000, 10))
    missed = sum(not p.low <= 0.3 <= p.high for p in map(paired, x))
    assert abs(missed - 100) <= 5 * sqrt(2000 * 0.05 * 0.95)


def test_one_difference_says_nothing():
    p = paired([-3.0])
    assert (p.mean, p.error, p.low, p.high, p.verdict) == (-3.0, inf, -inf, inf, "inconclusive")
    assert p_value([-3.0]) == 1


def test_differences_that_are_all_alike():
    assert p_value([0.0, 0.0]) == 1
    assert p_value([0.5, 0.5]) == 0
    assert paired([0.0, 0.0]).verdict == "inconclusive"
    assert paired([-0.5, -0.5]).verdict == "agrees"


def test_verdict_is_the_side_of_0_on_which_the_interval_lies():
    x = np.array([-1.0, 1.0, -1.0, 1.0])  # mean 0
    reach = paired(x).high
    for shift, verdict in ((-1.01, "agrees"), (-0.99, "inconclusive"), (0.99, "inconclusive"), (1.01, "differs")):
        assert paired(x + shift * reach).verdict == verdict


def test_wins_and_ties_are_counted():
    p = paired([-1.0, 0.0, 0.0, 2.0, -3.0])
    assert (p.wins, p.losses) == (2, 1)


def test_differences_print_with_error_and_interval():
    half = tan(0.95 * pi / 2)
    assert str(paired([1.0, 3.0])) == f"+2.00 ± 1.00  [{2 - half:+.2f}, {2 + half:+.2f}]"


def test_slopes_are_those_of_a_fit():
    rng = np.random.default_rng(0)
    x, y = np.array([3.0, 4.0, 5.0, 7.0]), rng.normal(size=(6, 4))
    theirs = [stats.linregress(x, row).slope for row in y]
    np.testing.assert_allclose(slopes(x, y), theirs, rtol=1e-12)
    np.testing.assert_allclose(slopes(x, 2 - 3 * x[None]), [-3], rtol=1e-14)


@pytest.mark.parametrize(
    ("f", "arguments", "error", "match"),
    [
        (paired, ([],), ValueError, "x: expected at least one difference, got none"),
        (paired, ([1.0, float("nan")],), ValueError, "x: expected finite numbers, got nan at index"),
        (paired, ([[1.0]],), ValueError, r"x: expected shape \(n,\), got \(1, 1\)"),
        (paired, (["a"],), TypeError, "x: expected float32, float64 or integers"),
        (paired, ([1.0, 2.0], 1.0), ValueError, "level: expected a number between 0 and 1, got 1.0"),
        (p_value, ([],), ValueError, "x: expected at least one difference, got none"),
        (slopes, ([1.0, 1.0], [[1.0, 2.0]]), ValueError, "x: expected at least two different values"),
        (slopes, ([], np.zeros((3, 0))), ValueError, "x: expected at least two different values"),
        (slopes, ([1.0, 2.0], [1.0, 2.0]), ValueError, "y: expected shape"),
    ],
)
def test_bad_arguments_are_named(f, arguments, error, match):
    with pytest.raises(error, match=match):
        f(*arguments)


# ---- processes
def test_jobs_come_back_in_their_order_from_processes_of_one_thread(monkeypatch):
    monkeypatch.setenv(THREADS[0], "3")
    monkeypatch.delenv(THREADS[1], raising=False)
    jobs = [(THREADS[0],), (THREADS[1],), ("PATH",), (THREADS[2],)]
    assert each(os.getenv, jobs) == ["3", None, os.environ["PATH"], os.getenv(THREADS[2])]
    assert each(os.getenv, jobs, workers=2) == ["1", "1", os.environ["PATH"], "1"]
    assert os.environ[THREADS[0]] == "3"
    assert THREADS[1] not in os.environ


def draws(stream, n):
    """What a job draws from its stream and from those that it spawns."""
    rng = np.random.default_rng(stream)
    return [r.random() for r in (*rng.spawn(n), rng)]


def test_streams_are_those_of_a_generator_in_every_process():
    jobs = [(stream, 2) for stream in spawned(np.random.default_rng(3), 3)]
    again = [(stream, 2) for stream in spawned(np.random.default_rng(3), 3)]
    theirs = [[r.random() for r in (*rng.spawn(2), rng)] for rng in np.random.default_rng(3).spawn(3)]
    assert each(draws, jobs) == each(draws, again, workers=2) == theirs


def test_jobs_may_be_handed_out_by_any_thread():
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(each, sqrt, [(4.0,), (9.0,)], 2).result() == [2.0, 3.0]


def interrupt_or_sleep(seconds):
    if not seconds:
        os.kill(os.getppid(), signal.SIGINT)
    time.sleep(seconds)


def test_ctrl_c_ends_what_has_begun_at_once():
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        each(interrupt_or_sleep, [(60.0,), (0.0,), (60.0,)], workers=2)
    assert time.monotonic() - start < 30
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_in_a_job_is_raised(workers):
    with pytest.raises(ValueError, match=r"math domain error|nonnegative"):
        each(sqrt, [(4.0,), (-1.0,), (9.0,)], workers)


# ---- the picture of differences
def test_picture_shows_every_difference_mean_and_pilot():
    from matplotlib.figure import Figure

    axes = Figure().add_subplot()
    values = {"one": np.array([-1.0, 0.0, 2.0]), "two": np.array([0.5])}
    draw_paired(axes, values, [(-0.2, 0.1), None])
    shown = [np.asarray(line.get_xdata()).tolist() for line in axes.lines if line.get_marker() == "."]
    assert shown == [[-1.0, 0.0, 2.0], [0.5]]
    assert [t.get_text() for t in axes.get_yticklabels()] == ["one", "two"]
    assert axes.get_legend_handles_labels()[1] == ["a seed", "mean, 95 % interval", "pilot, ± 2 standard errors"]
    bars: dict[Any, Any] = {bar.get_label(): bar for bar in axes.containers}
    (reach,) = bars["mean, 95 % interval"].lines[2]
    p = paired(values["one"])
    np.testing.assert_allclose(reach.get_segments()[0][:, 0], [p.low, p.high], rtol=1e-12)
