"""The cost table adds up jobs."""

from camembert.paper.tables.cost import cost_of, format_cost


def test_stages_and_all_jobs_are_added_up():
    metrics = [
        {"stage": "encoders", "job_seconds": 20, "job_cpu_seconds": 10.4, "peak_memory_mib": 50},
        {"stage": "encoders", "job_seconds": 25, "job_cpu_seconds": 10.4, "peak_memory_mib": 70},
        {"stage": "data", "job_seconds": 6, "job_cpu_seconds": 0, "peak_memory_mib": 20},
    ]
    assert format_cost(cost_of(metrics)).to_numpy().tolist() == [
        ["Encoders", "2", "45", "21", "70"],
        ["Data", "1", "6", "0", "20"],
        ["All", "3", "51", "21", "70"],
    ]
