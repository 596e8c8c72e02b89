"""The cost table adds up jobs, and times that overlap once."""

import pandas as pd
import pytest

from camembert.paper.tables.cost import cost_of, elapsed_seconds, format_cost, jobs_of, memory_at_once


def jobs(*times, memory=100):
    rows = [{"started": started, "ended": ended, "peak_memory_mib": memory} for started, ended in times]
    return pd.DataFrame(rows)


def test_jobs_that_run_at_once_take_their_time_once():
    assert elapsed_seconds(jobs((0, 10), (5, 12), (6, 8))) == 12


def test_a_short_wait_between_jobs_counts_and_a_pause_does_not():
    assert elapsed_seconds(jobs((0, 10), (15, 20)), pause=5) == 20
    assert elapsed_seconds(jobs((0, 10), (16, 20)), pause=5) == 14


def test_memory_at_once_is_of_jobs_that_overlap():
    assert memory_at_once(jobs((0, 10), (10, 20))) == 100, "one begins when the other has ended"
    assert memory_at_once(jobs((0, 10), (9, 20), (12, 14))) == 200


@pytest.fixture
def cost():
    """Two trainings at once, then an evaluation; the data was made before them."""
    shared = {"job_cpu_seconds": 10, "cpu_seconds": 8, "peak_memory_mib": 50}
    metrics = [
        {"stage": "encoders", "ended": 30, "job_seconds": 20} | shared,
        {"stage": "encoders", "ended": 35, "job_seconds": 25} | shared,
        {"stage": "evaluation", "ended": 45, "job_seconds": 10} | shared,
        {"stage": "data", "job_seconds": 6.0, "job_cpu_seconds": 0.0, "peak_memory_mib": 20.0},
    ]
    return cost_of(jobs_of(metrics)).set_index("stage")


def test_stages_and_all_jobs_are_added_up(cost):
    assert cost["jobs"].to_dict() == {"Encoders": 2, "Evaluation": 1, "Data": 1, "All": 4}
    assert cost["elapsed_seconds"].drop("Data").to_dict() == {"Encoders": 25, "Evaluation": 10, "All": 35}
    assert cost["job_seconds"].to_dict() == {"Encoders": 45, "Evaluation": 10, "Data": 6, "All": 61}
    assert cost["memory_at_once_mib"].drop("Data").to_dict() == {"Encoders": 100, "Evaluation": 50, "All": 100}
    assert cost["peak_memory_mib"].to_dict() == {"Encoders": 50, "Evaluation": 50, "Data": 20, "All": 50}


def test_when_data_jobs_ran_is_not_known(cost):
    assert cost.loc["Data", ["elapsed_seconds", "memory_at_once_mib"]].isna().all()


def test_overhead_is_of_the_jobs_that_know_their_compute_time(cost):
    assert cost["overhead_share"].drop("Data").to_list() == pytest.approx([0.2, 0.2, 0.2])
    shown = format_cost(cost.reset_index()).set_index("Stage")
    assert (
        shown.loc["Data", ["Elapsed (s)", "Compute time (s)", "Overhead (%)", "Memory at once (MiB)"]].tolist()
        == ["–"] * 4
    )
    assert shown.loc["All", ["Elapsed (s)", "Compute time (s)", "Overhead (%)"]].tolist() == ["35", "24", "20"]
