"""What is counted and timed of an encoder, how often; energy is unknown, not zero, where no GPU counts it."""

import time

import numpy as np
import pynvml
import pytest
import torch
from safetensors.numpy import load_file

from camembert.evaluation.efficiency import (
    ATTEMPTS,
    STEADY_WITHIN,
    SWEEPS,
    Timing,
    gpu_energy,
    measure_encoder,
    measure_speed,
    random_inputs,
    run_seconds,
    steady_timings,
)
from camembert.plan.chain import Shape


def test_runs_are_repeated_often_enough_and_long_enough():
    calls = []
    assert len(run_seconds(calls.append, {}, repeats=7, seconds=0.0)) == 7
    assert len(calls) == 8, "one to warm up"
    assert sum(run_seconds(lambda _: time.sleep(0.002), {}, repeats=1, seconds=0.01)) >= 0.01


def test_latency_is_of_one_row_and_throughput_of_a_batch(monkeypatch):
    monkeypatch.setattr("camembert.evaluation.efficiency.STEADY_WITHIN", np.inf)
    shapes = []

    def predictor(inputs):
        shapes.append(inputs["input_ids"].shape)
        assert all(array.shape == shapes[-1] and array.dtype == np.int64 for array in inputs.values())
        time.sleep(0.001 * len(inputs["input_ids"]))
        return np.zeros(1)

    joules = iter(range(100))
    at = measure_speed(
        predictor, 50, lengths=[3, 9], batch_size=4, repeats=4, seconds=0.0, joules_spent=lambda: next(joules)
    )
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

        monkeypatch.setattr("camembert.evaluation.efficiency.run_seconds", next_runs)
        return steady_timings(None, [{"which": 0}, {"which": 1}], 8, 1.0, lambda: 0.0), asked

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


# --- an encoder -----------------------------------------------------------------------------------------------

SETTINGS = {"lengths": [4, 32], "batch_size": 2, "repeats": 1, "seconds": 0.0}


@pytest.fixture(scope="module")
def facts(teacher_folder):
    return measure_encoder(teacher_folder, torch.device("cpu"), SETTINGS)


def test_parameters_and_bytes_are_those_of_the_weights_file(facts, teacher_folder):
    weights = load_file(teacher_folder / "model.safetensors")
    assert facts["parameters"] == sum(array.size for array in weights.values())
    of_embeddings = sum(array.size for name, array in weights.items() if name.startswith("embeddings."))
    assert facts["embedding_parameters"] == of_embeddings
    assert facts["bytes"] > 4 * facts["parameters"]


def test_flops_follow_the_shape(facts, words):
    shape = Shape(hidden=16, intermediate=32, vocabulary=words.get_vocab_size())
    expected = {str(tokens): shape.encoder_forward(3, tokens) for tokens in (4, 32)}
    assert facts["forward_flops_per_token"] == expected


def test_every_length_has_its_times(facts):
    assert [at["tokens"] for at in facts["speed"]] == [4, 32]
    assert all(at["latency_ms"] > 0 and np.isfinite(at["rows_per_second"]) for at in facts["speed"])
    assert all(at["latency_spread"] >= 0 for at in facts["speed"])
    assert facts["layers"] == 3
    assert facts["processor"]
    assert facts["peak_gpu_memory_mib"] is None
