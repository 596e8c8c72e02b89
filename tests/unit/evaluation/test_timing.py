"""What is timed, how often, and with what; energy is unknown, not zero, where no GPU counts it."""

import time

import numpy as np
import pynvml
import pytest

from camembert.evaluation.timing import (
    ATTEMPTS,
    STEADY_WITHIN,
    SWEEPS,
    Timing,
    gpu_energy,
    random_inputs,
    run_seconds,
    speed,
    steady_timings,
)


def test_runs_are_repeated_often_enough_and_long_enough():
    calls = []
    assert len(run_seconds(calls.append, {}, repeats=7, seconds=0.0)) == 7
    assert len(calls) == 8, "one to warm up"
    assert sum(run_seconds(lambda _: time.sleep(0.002), {}, repeats=1, seconds=0.01)) >= 0.01


def test_latency_is_of_one_row_and_throughput_of_a_batch(monkeypatch):
    monkeypatch.setattr("camembert.evaluation.timing.STEADY_WITHIN", np.inf)
    shapes = []

    def predictor(inputs):
        shapes.append(inputs["input_ids"].shape)
        assert all(array.shape == shapes[-1] and array.dtype == np.int64 for array in inputs.values())
        time.sleep(0.001 * len(inputs["input_ids"]))
        return np.zeros(1)

    joules = iter(range(100))
    at = speed(predictor, 50, lengths=[3, 9], batch_size=4, repeats=4, seconds=0.0, joules_spent=lambda: next(joules))
    sweep = [(1, 3)] * 3 + [(4, 3)] * 3 + [(1, 9)] * 3 + [(4, 9)] * 3
    assert shapes == sweep * SWEEPS, "repeats of one measurement are apart in time"
    assert [one["tokens"] for one in at] == [3, 9]
    assert all(1 <= one["latency_ms"] < 4 for one in at)
    assert all(400 < one["rows_per_second"] <= 1000 for one in at)
    assert all(one["joules_per_row"] == pytest.approx(1 / 12) for one in at), "the warm-up is counted as it is paid for"


def test_the_spread_is_that_of_the_middle_half_over_the_median():
    assert Timing([1.0, 2.0, 2.0, 2.0, 9.0]).spread == 0.0, "one outlier is none of it"
    assert Timing([1.0, 2.0, 3.0]).spread == pytest.approx(0.5)


@pytest.fixture
def timed(monkeypatch):
    """A function that makes measurements of two inputs, given the seconds that each sweep finds for them."""

    def measure(*sweeps):
        found, asked = iter(sweeps), []

        def next_runs(predictor, own, repeats, seconds):
            asked.append(own["which"])
            return [next(found)] * repeats

        monkeypatch.setattr("camembert.evaluation.timing.run_seconds", next_runs)
        return steady_timings(None, [{"which": 0}, {"which": 1}], 8, 1.0), asked

    return measure


def test_only_what_is_unsteady_is_measured_again(timed):
    timings, asked = timed(1.0, 2.0, 1.0, 4.0, 2.0, 2.0)
    assert asked == [0, 1, 0, 1, 1, 1]
    assert [timing.median for timing in timings] == [1.0, 2.0]
    assert all(timing.spread <= STEADY_WITHIN for timing in timings)


def test_what_never_gets_steady_ends_with_the_least_spread(timed):
    timings, asked = timed(1.0, 2.0, 1.0, 4.0, 2.0, 3.0, 2.0, 5.0)
    assert len(asked) == 2 * SWEEPS + (ATTEMPTS - 1) * SWEEPS
    assert timings[1].median == 2.5, "the attempt of 2 and 3"
    assert timings[1].spread > STEADY_WITHIN


def test_tokens_are_of_the_vocabulary():
    ids = random_inputs(20, 30, vocabulary=7)["input_ids"]
    assert set(ids.flatten()) == set(range(7))


def test_no_driver_is_no_energy_and_not_zero(monkeypatch):
    def absent():
        raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

    monkeypatch.setattr(pynvml, "nvmlInit", absent)
    assert gpu_energy("0000") is None


def test_a_gpu_without_a_counter_has_no_energy(monkeypatch):
    def unsupported(handle):
        raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)

    monkeypatch.setattr(pynvml, "nvmlInit", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByUUID", lambda uuid: uuid)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetTotalEnergyConsumption", unsupported)
    assert gpu_energy("0000") is None


def test_the_counter_of_the_gpu_that_is_asked_for_is_read_in_joules(monkeypatch):
    millijoules = {"GPU-1-2": iter([1000, 2000, 4500])}
    monkeypatch.setattr(pynvml, "nvmlInit", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByUUID", lambda uuid: uuid)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetTotalEnergyConsumption", lambda handle: next(millijoules[handle]))
    joules_spent = gpu_energy("1-2")
    assert joules_spent is not None
    assert [joules_spent(), joules_spent()] == pytest.approx([2.0, 4.5])
