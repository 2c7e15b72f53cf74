"""The training loop: it is its steps, it ends as it says, and a run killed at any point comes out as if it had never stopped."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from io import StringIO
from typing import Any, NamedTuple

import numpy as np
import pytest

from refimpl.files import FormatError, load_checkpoint, save_checkpoint
from refimpl.nn import Dense, batch_objective, mlp, squared_backward, squared_forward
from refimpl.nn.regularise import weight_decay
from refimpl.optim import (
    Epoch,
    ExponentialDecay,
    Optimiser,
    PiecewiseDecay,
    adam,
    gradient_descent,
    minimise,
    momentum,
    train,
)
from refimpl.params import ravel, total
from refimpl.report.progress import progress_bar

N, P = 10, 3
A = np.random.default_rng(1).normal(size=(N, P))
Y = A @ [1.0, -2.0, 0.5] + 0.1
START = np.array([0.5, 0.25, -1.0])
OPTIMISERS = {
    "gradient_descent": gradient_descent(0.05),
    "momentum": momentum(ExponentialDecay(0.05, 0.9, every=3)),
    "adam": adam(PiecewiseDecay(np.array([0.1, 0.0, 0.05]), (4, 9), 0.5)),
}
every_optimiser = pytest.mark.parametrize("optimiser", OPTIMISERS.values(), ids=OPTIMISERS)


def squares(rows):
    """Mean square of A θ − y over the rows."""

    def objective(theta):
        r = A[rows] @ theta - Y[rows]
        return float(r @ r) / len(rows), 2 * A[rows].T @ r / len(rows)

    return objective


def rng():
    return np.random.default_rng(7)


def run(optimiser=OPTIMISERS["gradient_descent"], theta=START, objective=squares, **options):
    return train(objective, theta, optimiser, N, **{"epochs": 6, "batch": 4, "rng": rng()} | options)


def norm(theta):
    return {"norm": float(theta @ theta)}


def assert_same(got, expected):
    """Alike in every bit, but for the status."""
    assert got.theta.tobytes() == expected.theta.tobytes()
    assert [type(a) for a in got.state] == [type(a) for a in expected.state]
    assert type(got.state) is type(expected.state)
    assert all(np.asarray(a).tobytes() == np.asarray(b).tobytes() for a, b in zip(got.state, expected.state, strict=True))
    assert (got.steps, got.history, got.reason) == (expected.steps, expected.history, expected.reason)


# ---- the loop
@every_optimiser
@pytest.mark.parametrize("batch", [1, 3, 4, 5, 10, 11, None])
def test_the_loop_is_its_steps(optimiser, batch):
    got = run(optimiser, epochs=3, batch=batch, measure=norm)
    theta, state, draw, steps = START, optimiser.init(START), rng(), 0
    for row in got.history:
        order = draw.permutation(N) if batch in range(N) else np.arange(N)
        values = np.zeros(N)
        for rows in np.split(order, range(batch or N, N, batch or N)):
            values[rows], gradient = squares(rows)(theta)
            theta, state = optimiser.step(theta, gradient, state)
            steps += 1
        assert row.value == pytest.approx(values.mean(), rel=1e-14)  # another order of sums
        assert row.measured == {"norm": float(theta @ theta)}
    assert got.theta.tobytes() == theta.tobytes()
    assert got.state.t == steps == got.steps
    assert [row.epoch for row in got.history] == [1, 2, 3]
    assert (got.status, got.reason) == ("finished", "")


@every_optimiser
def test_with_all_samples_it_is_minimise(optimiser):
    got, expected = run(optimiser, batch=None, rng=None), minimise(squares(np.arange(N)), START, optimiser, 6)
    assert got.theta.tobytes() == expected.theta.tobytes()
    assert [row.value for row in got.history] == expected.values[:-1].tolist()


@pytest.mark.parametrize("batch", [1, 4, 10])
def test_an_epoch_sees_every_sample_once_and_each_in_its_own_order(batch):
    seen = []

    def recording(rows):
        assert rows.dtype == np.intp
        with pytest.raises(ValueError, match="read-only"):
            rows[0] = 0
        seen.append(rows)
        return squares(rows)

    run(objective=recording, batch=batch, epochs=4)
    orders = np.concatenate(seen).reshape(4, N)
    assert (np.sort(orders) == np.arange(N)).all()
    assert len({order.tobytes() for order in orders}) == (1 if batch == N else 4)
    assert {len(rows) for rows in seen} == {batch, N % batch or batch}


def test_nothing_given_is_modified_and_runs_repeat():
    theta, draw = START.copy(), rng()
    theta.flags.writeable = False
    first, second = (run(theta=theta, rng=draw) for _ in range(2))
    assert_same(first, second)
    assert draw.bit_generator.state == rng().bit_generator.state
    assert not np.shares_memory(run(theta=theta, epochs=0).theta, theta)


def test_float32_stays_float32():
    got = run(adam(np.full(P, 0.01)), START.astype(np.float32))  # float64 rates do not widen it, nor does a float64 gradient
    assert got.theta.dtype == got.state.m.dtype == np.float32
    np.testing.assert_allclose(got.theta, run(adam(0.01)).theta, rtol=1e-4)  # 18 steps of 0.01, each to some 1e-6


def test_no_epochs_is_the_start():
    got = run(epochs=0)
    assert (got.theta.tolist(), got.steps, got.history, got.status) == (START.tolist(), 0, (), "finished")


def test_measures_are_taken_when_they_are_due():
    calls: list[np.ndarray] = []

    def measure(theta):
        calls.append(theta)
        return len(calls)

    got = run(measure=measure, measure_every=2, epochs=5)
    assert [row.measured for row in got.history] == [None, 1, None, 2, None]
    assert [row.epoch for row in got.history] == [1, 2, 3, 4, 5]
    assert calls[1].tobytes() == run(epochs=4).theta.tobytes()


def test_networks_train_with_regularisers():
    x = A[:, :2]
    layers, params = mlp((2, 5, 1), "tanh", rng())
    theta, unravel = ravel(params)
    data = batch_objective(layers, unravel, (squared_forward, squared_backward), x, Y[:, None])
    decay = weight_decay(unravel, 0.01)
    got = train(lambda rows: total(data(rows), decay), theta, adam(0.03), N, epochs=60, batch=3, rng=rng())
    everything = total(data(np.arange(N)), decay)
    assert everything(got.theta)[0] < everything(theta)[0] / 5
    assert got.history[-1].value < got.history[0].value


# ---- how it ends
def test_it_stops_on_target():
    free = run(gradient_descent(0.05), epochs=30)
    values = [row.value for row in free.history]
    goal = values[7]
    assert min(values[:7]) > goal  # it falls
    for target in (goal, lambda row: row.epoch == 8, lambda row: np.bool_(row.value <= goal)):
        got = run(gradient_descent(0.05), epochs=30, target=target)
        assert (got.status, got.steps) == ("target", 8 * 3)
        assert got.history == free.history[:8]
        assert got.theta.tobytes() == run(gradient_descent(0.05), epochs=8).theta.tobytes()
    assert run(epochs=8, target=-1.0).status == "finished"
    assert run(epochs=8, target=lambda row: row.epoch == 8).status == "target"  # in its last epoch


def test_a_target_is_asked_once_an_epoch():
    rows: list[Epoch] = []

    def target(row):
        rows.append(row)
        return False

    got = run(target=target, epochs=4)
    assert tuple(rows) == got.history


def raising(error):
    def objective(theta):
        raise error

    return objective


BAD: dict[str, tuple[Callable, str]] = {
    "value": (lambda theta: (np.nan, np.zeros(P)), "expected a finite value, got nan"),
    "infinite value": (lambda theta: (np.float32(-np.inf), np.zeros(P)), "expected a finite value, got -inf"),
    "gradient": (lambda theta: (1.0, np.array([0, np.nan, 0])), "expected a finite gradient, got nan in it"),
    "warnings": (lambda theta: (1.0, np.exp(np.full(P, 1e4)) / np.zeros(P)), "expected a finite gradient, got inf in it"),
    "overflow": (raising(OverflowError("loss: expected one in range")), "loss: expected one in range"),
    "floating point": (raising(FloatingPointError("it is not finite")), "it is not finite"),
    "parameters": (lambda theta: (1.0, np.full(P, -1.7e308)), "expected a finite theta, got inf in it"),
}


@pytest.mark.parametrize(("bad", "reason"), BAD.values(), ids=BAD)
@pytest.mark.parametrize("step", [1, 2, 6])
def test_divergence_keeps_the_last_finite_parameters(bad, reason, step, tmp_path):
    optimiser = momentum(20.0)

    def diverging(rows):
        calls.append(rows)
        return bad if len(calls) == step else lambda theta: (1.0, np.ones(P))

    calls: list[Any] = []
    got = run(optimiser, np.zeros(P), diverging, checkpoint=tmp_path / "run")
    theta, state = np.zeros(P), optimiser.init(np.zeros(P))
    for _ in range(step - 1):
        theta, state = optimiser.step(theta, np.ones(P), state)
    assert (got.status, got.reason) == ("diverged", f"step {step}: {reason}")
    assert got.theta.tobytes() == theta.tobytes()
    assert got.state.v.tobytes() == state.v.tobytes()
    assert (got.steps, len(got.history)) == (step - 1, (step - 1) // 3)
    calls = list(range(step - 1))  # it goes on from its checkpoint, into the same
    again = run(optimiser, np.zeros(P), diverging, checkpoint=tmp_path / "run")
    assert again.status == "diverged"
    assert_same(again, got)


def test_a_state_that_overflows_is_a_divergence_too():
    start = np.zeros(P, np.float32)  # Adam would stand still for ever: m/√inf = 0
    got = run(adam(0.1), start, lambda rows: lambda theta: (1.0, np.full(P, 1e30, np.float32)))
    assert (got.status, got.steps) == ("diverged", 0)
    assert got.reason == "step 1: expected a finite state.v, got inf in it"


def test_divergence_by_too_long_steps_is_silent():
    got = run(gradient_descent(1e3), epochs=1000)
    assert got.status == "diverged"
    assert np.isfinite(got.theta).all()
    assert all(np.isfinite(row.value) for row in got.history)


# ---- weight decay
def test_weight_decay_is_of_weights_alone():
    params = (
        Dense(np.arange(6.0).reshape(2, 3), np.full(2, 100.0)),
        np.array(7.0),
        Dense(np.full((1, 1, 2, 2), -2.0), np.ones(1)),
        (),
    )
    theta, unravel = ravel(params)
    theta.flags.writeable = False
    value, gradient = weight_decay(unravel, 0.5)(theta)
    assert value == 0.25 * (55 + 16)
    assert isinstance(value, float)
    parts = unravel(gradient)
    assert parts[0].W.tolist() == [[0, 0.5, 1], [1.5, 2, 2.5]]
    assert parts[2].W.tolist() == [[[[-1, -1], [-1, -1]]]]
    assert not parts[0].b.any()
    assert not parts[2].b.any()
    assert parts[1] == 0
    assert weight_decay(ravel(())[1], 1.0)(np.zeros(0))[0] == 0
    with pytest.raises(ValueError, match=r"^rate: expected a number in \[0, inf\), got -1"):
        weight_decay(unravel, -1)
    with pytest.raises(TypeError, match=r"^rate: expected "):
        weight_decay(unravel, "a little")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^theta: expected shape \(14,\), got \(13,\)"):
        weight_decay(unravel, 0.5)(theta[1:])


def test_weight_decay_keeps_dtypes_and_takes_the_complex_step():
    theta, unravel = ravel((np.random.default_rng(3).normal(size=(2, 2)), np.ones(2)))
    decay = weight_decay(unravel, 0.3)
    direction = np.arange(6.0)
    slope = decay(theta + 1e-20j * direction)[0].imag / 1e-20
    assert slope == pytest.approx(decay(theta)[1] @ direction, rel=1e-15)
    assert decay(theta.astype(np.float32))[1].dtype == np.float32


# ---- checkpoints
BITS = {"PCG64": np.random.PCG64, "MT19937": np.random.MT19937, "Philox": np.random.Philox, "SFC64": np.random.SFC64}


@every_optimiser
@pytest.mark.parametrize("bits", BITS.values(), ids=BITS)
def test_more_epochs_are_one_long_run(tmp_path, optimiser, bits):
    def generator():
        return np.random.Generator(bits(5))

    long = run(optimiser, rng=generator(), measure=norm, measure_every=2)
    for epochs in (0, 1, 1, 2, 5, 6, 6):
        got = run(optimiser, rng=generator(), measure=norm, measure_every=2, checkpoint=tmp_path / "run", epochs=epochs)
        assert len(got.history) == epochs
    assert_same(got, long)
    assert os.listdir(tmp_path) == ["run"]


class Stop(Exception):
    """What ends a run from outside."""


@pytest.mark.parametrize("every", [1, 2, 3, 4, 7, 100])
@pytest.mark.parametrize("batch", [4, 10])
def test_a_run_stopped_after_any_step_goes_on_as_if_it_had_not(tmp_path, monkeypatch, every, batch):
    monkeypatch.setattr(os, "fsync", lambda file: None)  # the machine stays on, and a disk takes its time

    def stop(done, steps, row):
        if done == at:
            raise Stop

    for at in range(1, 18 if batch == 4 else 6):
        path, options = tmp_path / f"{at}", {"batch": batch, "measure": norm, "checkpoint": tmp_path / f"{at}", "every": every}
        with pytest.raises(Stop):
            run(OPTIMISERS["adam"], progress=stop, **options)
        assert load_checkpoint(path)["t"] == at - at % every  # the work of fewer than `every` steps is lost
        assert_same(run(OPTIMISERS["adam"], **options), run(OPTIMISERS["adam"], batch=batch, measure=norm))


def test_float32_and_no_rng_go_on_too(tmp_path):
    theta = START.astype(np.float32)
    for epochs in (2, 6):
        got = run(adam(0.1), theta, batch=None, rng=None, checkpoint=tmp_path / "run", epochs=epochs)
    assert got.theta.dtype == np.float32
    assert_same(got, run(adam(0.1), theta, batch=None, rng=None))


def test_a_target_that_was_met_stays_met(tmp_path):
    first = run(target=lambda row: row.epoch == 2, checkpoint=tmp_path / "run")
    again = run(target=lambda row: row.epoch == 2, checkpoint=tmp_path / "run")
    assert (again.status, again.steps) == ("target", 6)
    assert_same(again, first)
    assert_same(run(checkpoint=tmp_path / "run"), run())  # without it, it goes on


def test_any_state_comes_back_as_its_optimiser_makes_it(tmp_path):
    """A state is any nesting of what a checkpoint holds."""

    class Odd(NamedTuple):
        pasts: tuple
        note: dict

    def step(theta, gradient, state):
        last, _ = state.pasts
        return theta - 0.1 * last, Odd((gradient, last), {"n": state.note["n"] + 1, "on": None, "scale": state.note["scale"] / 3})

    odd = Optimiser(lambda theta: Odd((np.zeros(P), np.ones(P)), {"n": 0, "on": None, "scale": 1.0}), step)
    for epochs in (1, 6):
        got = run(odd, epochs=epochs, checkpoint=tmp_path / "run")
    expected = run(odd)
    assert got.theta.tobytes() == expected.theta.tobytes()
    assert isinstance(got.state, Odd)
    assert got.state.note == expected.state.note
    assert [a.tolist() for a in got.state.pasts] == [a.tolist() for a in expected.state.pasts]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"batch": 5}, "checkpoint: expected a run with batch 5, got one with 4 in "),
        ({"theta": np.zeros(4)}, "checkpoint: expected a run with parameters 4, got one with 3 in "),
        ({"theta": START.astype(np.float32)}, "checkpoint: expected a run with dtype float32, got one with float64 in "),
        ({"theta": START + 1}, "checkpoint: expected a run with first theta [0-9a-f]{16}, got one with "),
        ({"rng": np.random.default_rng(8)}, "checkpoint: expected a run with first state of rng [0-9a-f]{16}, got one with "),
        ({"rng": np.random.Generator(np.random.MT19937(7))}, "checkpoint: expected a run with first state of rng"),
        ({"optimiser": momentum(0.05)}, "checkpoint: expected an optimiser with {.*'state.v': .*}, got one with {.*'state.t'"),
        ({"epochs": 5}, "epochs: expected at least 6, as in .*, got 5"),
    ],
)
def test_the_checkpoint_of_another_run_is_refused(tmp_path, other, message):
    path = tmp_path / "run"
    run(checkpoint=path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=f"^{message}") as caught:
        run(checkpoint=path, **other)
    assert not isinstance(caught.value, FormatError)
    assert path.read_bytes() == before
    with pytest.raises(ValueError, match=r"^checkpoint: expected a run with n 11, got one with 10 in "):
        train(squares, START, adam(), 11, epochs=6, batch=4, rng=rng(), checkpoint=path)


def without(tree, key):
    return {k: v for k, v in tree.items() if k != key}


NOT_OURS: dict[str, Callable] = {
    "nothing": lambda tree: None,
    "a list": lambda tree: [tree],
    "less": lambda tree: without(tree, "t"),
    "more": lambda tree: tree | {"x": 1},
    "no order": lambda tree: without(tree, "orders"),
    "n no number": lambda tree: tree | {"n": np.array([10, 10])},
    "theta no array": lambda tree: tree | {"theta": tree["theta"].tolist()},
    "theta of another shape": lambda tree: tree | {"theta": tree["theta"][1:]},
    "theta of another dtype": lambda tree: tree | {"theta": tree["theta"].astype(np.float32)},
    "t in words": lambda tree: tree | {"t": "18"},
    "t negative": lambda tree: tree | {"t": -1},
    "t and history at odds": lambda tree: tree | {"t": 9},
    "fewer measured": lambda tree: tree | {"measured": tree["measured"][1:]},
    "values in two rows": lambda tree: tree | {"values": tree["values"].reshape(2, -1)},
    "a sum in words": lambda tree: tree | {"summed": "0"},
    "a state in a list": lambda tree: tree | {"state": list(tree["state"].values())},
    "orders of none": lambda tree: tree | {"orders": None},
    "orders of another": lambda tree: tree | {"orders": np.random.Philox(1).state},
    "orders in part": lambda tree: tree | {"orders": without(tree["orders"], "state")},
    "orders out of range": lambda tree: tree | {"orders": tree["orders"] | {"state": {"state": 2**200, "inc": 1}}},
    "orders and more": lambda tree: tree | {"orders": tree["orders"] | {"x": 1}},
}


@pytest.mark.parametrize("forge", NOT_OURS.values(), ids=NOT_OURS)
def test_a_checkpoint_of_something_else_is_a_format_error(tmp_path, forge):
    path = tmp_path / "run"
    run(checkpoint=path)
    save_checkpoint(path, forge(load_checkpoint(path)))
    before = path.read_bytes()
    with pytest.raises(FormatError, match=r"run: expected the checkpoint of a training, got ."):
        run(checkpoint=path)
    assert path.read_bytes() == before


def test_a_damaged_checkpoint_is_refused_and_kept(tmp_path):
    path = tmp_path / "run"
    run(checkpoint=path)
    data = path.read_bytes()
    draw = random.Random(3)
    for _ in range(100):
        k = draw.randrange(8 * len(data))
        damaged = data[: k // 8] + bytes([data[k // 8] ^ 1 << k % 8]) + data[k // 8 + 1 :]
        path.write_bytes(damaged)
        with pytest.raises(FormatError):
            run(checkpoint=path)
        assert path.read_bytes() == damaged


def test_where_nothing_can_be_written_the_run_does_not_start(tmp_path):
    steps: list[Any] = []
    with pytest.raises(FileNotFoundError):
        run(checkpoint=tmp_path / "nowhere" / "run", progress=lambda *now: steps.append(now))
    assert steps == []
    with pytest.raises(TypeError, match=r"^tree\['measured'\]: expected .* got set"):  # after the first epoch, not at the end
        run(checkpoint=tmp_path / "run", measure=lambda theta: {1, 2}, every=1000, progress=lambda *now: steps.append(now))
    assert all(row is None for *_, row in steps)
    assert run(measure=lambda theta: {1, 2}).history[0].measured == {1, 2}


def test_what_measures_is_given_and_gives_copies():
    seen: dict[str, float] = {}

    def measure(theta):
        seen["first"] = float(theta[0])
        theta[:] = np.nan
        return seen

    found = run(measure=measure)
    assert found.theta.tobytes() == run().theta.tobytes()
    assert len({row.measured["first"] for row in found.history}) == len(found.history) > 1


@pytest.mark.parametrize("name", ["measure", "progress"])
def test_what_is_no_function_is_refused_at_once(name):
    with pytest.raises(TypeError, match=f"^{name}: expected a function, got int"):
        run(**{name: 5})


def test_all_samples_at_once_need_no_rng_to_resume(tmp_path):
    first = run(batch=None, epochs=2, checkpoint=tmp_path / "run")
    again = run(batch=None, epochs=3, checkpoint=tmp_path / "run", rng=None)
    assert again.history[:2] == first.history


# ---- killed runs
CHILD = """
import sys
import numpy as np
from refimpl.nn import batch_objective, mlp, squared_backward, squared_forward
from refimpl.optim import ExponentialDecay, adam, train
from refimpl.params import ravel

rng = np.random.default_rng(11)
x = rng.normal(size=(38, 2))
layers, params = mlp((2, 8, 1), "tanh", rng)
theta, unravel = ravel(params)
data = batch_objective(layers, unravel, (squared_forward, squared_backward), x, np.sin(x[:, :1]))

def progress(done, steps, row):
    print(done, flush=True)
    sys.stdin.readline()                     # waits for leave to go on; at the end of the file there is leave for all

run = train(data, theta, adam(ExponentialDecay(0.05, 0.9, every=7)), len(x), epochs=40, batch=10, rng=rng,
            measure=lambda theta: {"norm": float(theta @ theta)}, progress=progress, checkpoint=sys.argv[1], every=int(sys.argv[2]))
print(run.status, run.steps)
"""


def child(path, every):
    command = [sys.executable, "-c", CHILD, os.fspath(path), str(every)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)


def finish(process):
    """Let it run to its end; all that it prints."""
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return out.split("\n")


def test_twenty_random_kills_change_nothing(tmp_path):
    """The child is given leave for a few steps and killed in the last of them: often while it writes its checkpoint."""
    straight, killed = tmp_path / "straight", tmp_path / "killed"
    assert finish(child(straight, 1000))[-2] == "finished 160"
    draw, first, kills = random.Random(17), [], 0
    while kills < 20:
        process = child(killed, every=draw.choice([1, 1, 1, 2, 3]))
        leave = draw.randint(1, 6)
        process.stdin.write("\n" * leave)
        first.append(int(process.stdout.readline()))
        for _ in range(leave - 1):
            process.stdout.readline()
        time.sleep(draw.uniform(0, 0.004))  # a step and its checkpoint take about as long
        process.send_signal(signal.SIGKILL)
        kills += process.wait(timeout=60) == -signal.SIGKILL
        process.stdin.close()
        process.stdout.close()
    lines = finish(child(killed, 50))
    assert lines[-2] == "finished 160"
    assert first == sorted(first)
    assert len({*first, int(lines[0])}) > 10  # each went on from where another came to
    assert killed.read_bytes() == straight.read_bytes()  # theta, state, history, rng
    assert load_checkpoint(killed)["t"] == 160
    assert sorted(os.listdir(tmp_path)) == ["killed", "straight"]


# ---- progress
def test_progress_is_told_after_every_step():
    told: list[Any] = []
    got = run(epochs=2, progress=lambda *now: told.append(now))
    assert told == [(t, 6, None if t < 3 else got.history[t // 3 - 1]) for t in range(1, 7)]


def screen(terminal):
    from rich.console import Console

    return Console(file=StringIO(), force_terminal=terminal, width=100)


def test_the_bar_shows_steps_value_and_time_left(monkeypatch):
    import refimpl.report.progress as module

    clock = iter(np.arange(0, 100, 0.06))  # two steps take longer than SECONDS
    monkeypatch.setattr(module, "monotonic", lambda: next(clock))
    console = screen(True)
    with progress_bar("digits", console) as progress:
        got = run(progress=progress)
    text = console.file.getvalue()
    assert "digits" in text
    assert "18/18" in text
    assert "0:00:00" in text
    assert f"{got.history[-1].value:.4g}" in text


def test_the_bar_is_silent_where_there_is_no_terminal(capsys):
    console = screen(False)
    with progress_bar("digits", console) as progress:
        run(progress=progress)
    with progress_bar("digits") as progress:
        run(progress=progress)
    assert console.file.getvalue() == ""
    assert capsys.readouterr() == ("", "")


# ---- the doors
@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        ({"epochs": -1}, ValueError, "epochs: expected a whole number >= 0, got -1"),
        ({"epochs": 2.0}, TypeError, "epochs: expected a whole number >= 0, got float"),
        ({"batch": 0}, ValueError, "batch: expected a whole number >= 1, got 0"),
        ({"batch": True}, TypeError, "batch: "),
        ({"measure_every": 0}, ValueError, "measure_every: "),
        ({"every": 0}, ValueError, "every: "),
        ({"rng": None}, TypeError, "rng: expected a numpy.random.Generator, got NoneType"),
        ({"rng": 5}, TypeError, "rng: expected a numpy.random.Generator, got int"),
        ({"rng": 5, "batch": None}, TypeError, "rng: expected a numpy.random.Generator, got int"),
        ({"target": np.nan}, ValueError, "target: expected finite numbers, got nan"),
        ({"target": "low"}, TypeError, "target: expected "),
        ({"theta": [np.nan]}, ValueError, r"theta: expected finite numbers, got nan at index \(0,\)"),
        ({"theta": [[1.0]]}, ValueError, "theta: expected shape"),
        ({"theta": ["a"]}, TypeError, "theta: expected float32"),
        ({"optimiser": gradient_descent}, TypeError, r"optimiser: expected \(init, step\), as gradient_descent\(0.1\) gives them"),
        (
            {"objective": lambda rows: squares(rows)(START)},
            TypeError,
            r"objective: expected rows -> \(theta -> \(value, gradient\)\), got tuple",
        ),
        ({"objective": lambda rows: lambda theta: (1.0, theta[1:])}, ValueError, r"gradient: expected shape \(3,\), got \(2,\)"),
        ({"objective": lambda rows: lambda theta: (theta, theta)}, ValueError, r"value: expected shape \(\), got \(3,\)"),
        ({"objective": lambda rows: lambda theta: (None, theta)}, TypeError, "value: expected "),
    ],
)
def test_arguments_are_named(bad, error, message):
    with pytest.raises(error, match=f"^{message}"):
        run(**bad)


@pytest.mark.parametrize("n", [0, 2.5, True])
def test_the_number_of_samples_is_checked(n):
    with pytest.raises((TypeError, ValueError), match=r"^n: expected a whole number >= 1, got "):
        train(squares, START, adam(), n, epochs=1)
