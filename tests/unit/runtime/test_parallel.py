"""Several processes that train one model end where one process ends."""

import hashlib
import logging
import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from camembert.runtime.parallel import (
    TrainingSettings,
    WorkerError,
    all_reduce_max,
    count_processes,
    own_rows,
    rank,
    run_in_workers,
    world_size,
)
from camembert.training.loop import Schedule

TWO = TrainingSettings(processes=2)


def largest_difference(one: Path, other: Path) -> float:
    weights = [load_file(folder / "model.safetensors") for folder in (one, other)]
    return max((weights[0][name] - weights[1][name]).abs().max().item() for name in weights[0])


def curve_of(run, *names: str) -> list[float]:
    return [row[name] for row in run.curve for name in names if name in row]


# --- alone --------------------------------------------------------------------------------------------------------


def test_one_process_starts_no_worker_and_keeps_all_rows():
    assert own_rows() == slice(0, None, 1)
    assert all_reduce_max(3, 5) == [3, 5]
    assert (rank(), world_size()) == (0, 1)
    assert run_in_workers(who_am_i, TrainingSettings(), word="here") == ("here", "cpu", 0, 1, os.getpid())


@pytest.mark.parametrize(("device", "gpus", "expected"), [("cpu", 4, 1), ("cuda", 1, 1), ("cuda", 4, 4)])
def test_a_job_has_a_process_a_gpu(device, gpus, expected):
    assert count_processes(torch.device(device), gpus) == expected


# --- two processes ------------------------------------------------------------------------------------------------


def who_am_i(word: str, settings: TrainingSettings) -> tuple:
    return word, str(settings.device), rank(), world_size(), os.getpid()


def fail_in_the_second(settings: TrainingSettings) -> None:
    if rank() == 1:
        raise ValueError("the second worker cannot go on")
    time.sleep(60)


def test_workers_know_their_number_and_the_first_one_answers():
    word, device, number, count, pid = run_in_workers(who_am_i, TWO, word="here")
    assert (word, device, number, count) == ("here", "cpu", 0, 2)
    assert pid != os.getpid()


def threads_of(settings: TrainingSettings) -> int:
    return torch.get_num_threads()


def test_workers_share_the_threads_of_their_job():
    assert run_in_workers(threads_of, replace(TWO, threads=4)) == 2
    assert run_in_workers(threads_of, TWO) == 1


def test_a_worker_that_fails_ends_the_others_and_says_why(caplog):
    started = time.monotonic()
    with pytest.raises(WorkerError, match="a worker failed"):
        run_in_workers(fail_in_the_second, TWO)
    assert time.monotonic() - started < 50
    assert "worker 1: ValueError: the second worker cannot go on" in caplog.text


def end_by_the_signal_in_the_first(settings: TrainingSettings, number: int, ready: Path) -> None:
    """The first worker has no handler yet; the second has one, and waits for the first."""
    if rank() == 1:
        signal.signal(number, signal.SIG_IGN)
        ready.touch()
    while True:
        all_reduce_max(1)
        time.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_that_the_signal_ends_before_it_trains_counts_as_stopped(tmp_path, number):
    ready = tmp_path / "ready"

    def stop_when_ready() -> None:
        while not ready.exists():
            time.sleep(0.02)
        os.kill(os.getpid(), number)

    threading.Thread(target=stop_when_ready, daemon=True).start()
    with pytest.raises(SystemExit) as stopped:
        run_in_workers(end_by_the_signal_in_the_first, TWO, number=number, ready=ready)
    assert stopped.value.code == 128 + number


def stop_with_a_status(settings: TrainingSettings) -> None:
    all_reduce_max(1)
    if rank() == 0:
        time.sleep(1)  # the first one saves
    raise SystemExit(143)


def test_workers_that_stop_wait_for_one_another_and_leave_with_their_status():
    with pytest.raises(SystemExit) as stopped:
        run_in_workers(stop_with_a_status, TWO)
    assert stopped.value.code == 143


@pytest.mark.parametrize("fixture", ["distilling", "pretraining", "finetuning"])
def test_two_processes_train_what_one_does(request, tmp_path, fixture):
    """Losses, tokens and measurements are the same to rounding; dropout, which each process draws itself, is off."""
    training = request.getfixturevalue(fixture)
    settings = {"dropout": 0.0, "checkpoint_seconds": 60.0}
    alone = training(output=tmp_path / "one", checkpoints=tmp_path / "of-one", **settings)
    shared = training(processes=2, output=tmp_path / "two", checkpoints=tmp_path / "of-two", **settings)
    assert curve_of(shared, "step", "tokens") == curve_of(alone, "step", "tokens")
    assert shared.tokens == alone.tokens > 0
    assert curve_of(shared, "loss") == pytest.approx(curve_of(alone, "loss"), rel=2e-3)
    assert curve_of(shared, "loss")[:2] == pytest.approx(curve_of(alone, "loss")[:2], rel=1e-5)
    assert curve_of(shared, "gradient_norm")[:2] == pytest.approx(curve_of(alone, "gradient_norm")[:2], rel=1e-4)
    assert largest_difference(tmp_path / "one", tmp_path / "two") < 5e-3
    assert shared.held_out_end == pytest.approx(alone.held_out_end, rel=2e-3)


def test_two_processes_stopped_in_the_middle_end_with_the_same_weights(distilling, tmp_path, caplog):
    """SIGTERM reaches the parent alone, as from a cluster; both workers save and stop at one step."""
    caplog.set_level(logging.INFO)
    schedule = Schedule(400, learning_rate=1e-3, warmup_ratio=0.1, weight_decay=0.01)
    settings = {"schedule": schedule, "dropout": 0.1, "checkpoint_seconds": 60.0}
    expected = distilling(processes=2, output=tmp_path / "through", checkpoints=tmp_path / "none", **settings)

    checkpoints = tmp_path / "checkpoints"
    settings["checkpoint_seconds"] = 0.05

    def stop_when_training() -> None:
        while not any(checkpoints.glob("step-*")):
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=stop_when_training, daemon=True).start()
    with pytest.raises(SystemExit) as stopped:
        distilling(processes=2, output=tmp_path / "stopped", checkpoints=checkpoints, **settings)
    assert stopped.value.code == 128 + signal.SIGTERM
    assert "stopped by SIGTERM at step" in caplog.text
    assert not (tmp_path / "stopped").exists()

    run = distilling(processes=2, output=tmp_path / "stopped", checkpoints=checkpoints, **settings)
    assert "continuing from the checkpoint of step" in caplog.text
    digests = [
        hashlib.sha256((tmp_path / name / "model.safetensors").read_bytes()).hexdigest()
        for name in ("through", "stopped")
    ]
    assert digests[0] == digests[1]
    assert run.tokens == expected.tokens
    assert curve_of(run, "loss") == curve_of(expected, "loss")
