"""A job's metrics say which model it is of, what it took and when it ended."""

import json
import time

import pytest

from camembert.runtime.job import Stopwatch, write_metrics


@pytest.fixture
def metrics(tmp_path):
    """A function that writes the metrics of a job with the wildcards given and reads them."""

    def write(**wildcards):
        with Stopwatch() as watch:
            pass
        write_metrics(tmp_path / "job.json", watch, wildcards=wildcards, config={}, threads=1, layers=2)
        return json.loads((tmp_path / "job.json").read_text())

    return write


def test_a_model_is_named_by_its_wildcards(metrics):
    found = metrics(recipe="toplayer", chain="6-4-2")
    assert (found["recipe"], found["chain"], found["layers"]) == ("toplayer", "6-4-2", 2)


def test_what_is_measured_once_for_many_models_names_none(metrics):
    assert {"recipe", "chain"}.isdisjoint(metrics(layers="2"))


def test_the_time_at_which_a_job_ended_is_kept(metrics):
    before = time.time()
    found = metrics(layers="2")
    assert before - 0.001 <= found["ended"] <= time.time() + 0.001
    assert found["job_seconds"] > 0
