"""What is timed, how often, and with what."""

import time

import numpy as np
import pytest

from camembert.evaluation.energy import Counter
from camembert.evaluation.timing import random_inputs, run_seconds, speed


def test_runs_are_repeated_often_enough_and_long_enough():
    calls = []
    assert len(run_seconds(calls.append, {}, repeats=7, seconds=0.0)) == 7
    assert len(calls) == 8, "one to warm up"
    assert sum(run_seconds(lambda _: time.sleep(0.002), {}, repeats=1, seconds=0.01)) >= 0.01


def test_latency_is_of_one_row_and_throughput_of_a_batch():
    shapes = []

    def predictor(inputs):
        shapes.append(inputs["input_ids"].shape)
        assert all(array.shape == shapes[-1] and array.dtype == np.int64 for array in inputs.values())
        time.sleep(0.001 * len(inputs["input_ids"]))
        return np.zeros(1)

    joules = iter(range(100))
    counters = [Counter(lambda: next(joules), wraps_at=100)]
    at = speed(predictor, 50, lengths=[3, 9], batch=4, repeats=2, seconds=0.0, counters=counters)
    assert shapes == [(1, 3)] * 3 + [(4, 3)] * 3 + [(1, 9)] * 3 + [(4, 9)] * 3
    assert [one["tokens"] for one in at] == [3, 9]
    assert all(1 <= one["latency_ms"] < 4 for one in at)
    assert all(400 < one["rows_per_second"] <= 1000 for one in at)
    assert all(one["joules_per_row"] == pytest.approx(1 / 12) for one in at), "the warm-up is counted as it is paid for"


def test_tokens_are_of_the_vocabulary():
    ids = random_inputs(20, 30, vocabulary=7)["input_ids"]
    assert set(ids.flatten()) == set(range(7))
