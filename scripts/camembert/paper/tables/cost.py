"""What a run cost: time and memory of each stage, and how much of the CPU time was computing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from camembert.paper.material import DATA
from camembert.paper.tables.writing import NOTHING

CAPTION = "What the run cost"
PAUSE_SECONDS = 120
"""A longer time in which no job ran is a pause: the workflow was stopped, or its jobs waited for a cluster."""
NOTE = (
    "Elapsed is the time in which at least one job of a stage ran; of all, that from the start of the first job to the "
    "end of the last, without pauses of more than two minutes. Job time adds up the jobs, several of which may run at "
    "once. Compute time is CPU time of training, predicting and writing predictions, or measuring; overhead is the "
    "rest of a job's CPU time: starting Python, imports and loading. Peak memory is that of the largest process; "
    "memory at once adds up the peaks of all jobs that ran at the same time, which is more than they ever took "
    "together. Data jobs, which come first, record neither when they ran nor their compute time, and take no part in "
    "these columns; baselines without an encoder, tables, figures and the workflow manager itself are in none of them."
)
STAGES = {
    "encoders": "Encoders",
    "classifiers": "Fine-tuning",
    "soft_labels": "Soft labels",
    "evaluation": "Evaluation",
    "probe": "Probe",
    "retrieval": "Retrieval",
    "efficiency": "Efficiency",
    DATA: "Data",
}
ALL = "All"


def jobs_of(metrics: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """One row a job: stage, started and ended (unix time), seconds, CPU seconds, of them compute, peak memory in MiB.

    Args:
        metrics: of `Material`. Data jobs do not tell when they ran nor their compute time, which are NaN.
    """
    rows = [
        {
            "stage": STAGES[facts["stage"]],
            "ended": facts.get("ended", math.nan),
            "seconds": facts["job_seconds"],
            "cpu_seconds": facts["job_cpu_seconds"],
            "compute_cpu_seconds": facts.get("cpu_seconds", math.nan),
            "peak_memory_mib": facts["peak_memory_mib"],
        }
        for facts in metrics
    ]
    jobs = pd.DataFrame(rows)
    jobs.insert(1, "started", jobs["ended"] - jobs["seconds"])
    return jobs


def elapsed_seconds(jobs: pd.DataFrame, pause: float = 0.0) -> float:
    """Seconds in which at least one job ran, and between two jobs where these are no more than a pause; NaN of none."""
    if jobs.empty:
        return float("nan")
    elapsed, until = 0.0, float("-inf")
    for started, ended in jobs.sort_values("started")[["started", "ended"]].itertuples(index=False):
        begin = until if started - until <= pause else started
        elapsed += max(ended - begin, 0.0)
        until = max(until, ended)
    return elapsed


def memory_at_once(jobs: pd.DataFrame) -> float:
    """The largest sum of the peak memories of jobs that ran at the same time, in MiB; NaN of none."""
    starts = jobs.set_index("started")["peak_memory_mib"]
    ends = -jobs.set_index("ended")["peak_memory_mib"]
    changes = pd.concat([ends, starts]).sort_index(kind="stable")  # of equal times, ends come first
    return float(changes.cumsum().max())


def cost_of(jobs: pd.DataFrame) -> pd.DataFrame:
    """One row a stage and one of all: jobs, times in seconds, compute and overhead, memory in MiB.

    Args:
        jobs: of `jobs_of`.

    Returns:
        stage, jobs, elapsed_seconds, job_seconds, cpu_seconds, compute_cpu_seconds, overhead_share, peak_memory_mib,
        memory_at_once_mib. What is not known of data jobs is NaN for these, and of all jobs that of the others.
    """
    rows = []
    for stage, own in [*jobs.groupby("stage", sort=False), (ALL, jobs)]:
        known = own.dropna()
        compute, pause = known["compute_cpu_seconds"].sum(min_count=1), PAUSE_SECONDS if stage == ALL else 0.0
        rows.append(
            {
                "stage": stage,
                "jobs": len(own),
                "elapsed_seconds": elapsed_seconds(known, pause),
                "job_seconds": own["seconds"].sum(),
                "cpu_seconds": own["cpu_seconds"].sum(),
                "compute_cpu_seconds": compute,
                "overhead_share": 1 - compute / known["cpu_seconds"].sum(min_count=1),
                "peak_memory_mib": own["peak_memory_mib"].max(),
                "memory_at_once_mib": memory_at_once(known),
            }
        )
    return pd.DataFrame(rows)


def format_cost(cost: pd.DataFrame) -> pd.DataFrame:
    """The table as people read it: seconds without decimals, shares in percent."""
    shown = pd.DataFrame({"Stage": cost["stage"], "Jobs": cost["jobs"].astype(str)})
    for name, title, scale in (
        ("elapsed_seconds", "Elapsed (s)", 1),
        ("job_seconds", "Job time (s)", 1),
        ("cpu_seconds", "CPU time (s)", 1),
        ("compute_cpu_seconds", "Compute time (s)", 1),
        ("overhead_share", "Overhead (%)", 100),
        ("peak_memory_mib", "Peak memory (MiB)", 1),
        ("memory_at_once_mib", "Memory at once (MiB)", 1),
    ):
        shown[title] = [NOTHING if pd.isna(value) else f"{scale * value:.0f}" for value in cost[name]]
    return shown
