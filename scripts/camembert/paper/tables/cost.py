"""What a run cost: the jobs of each stage, their time and their memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from camembert.paper.material import DATA

CAPTION = "What the run cost"
NOTE = (
    "Time adds up the jobs of a stage, several of which may run at once; CPU time counts every core. Peak memory is "
    "that of the largest job. Baselines without an encoder, tables, figures and the workflow manager are not counted."
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


def cost_of(metrics: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """One row a stage and one of all: stage, jobs, job_seconds, job_cpu_seconds, peak_memory_mib.

    Args:
        metrics: of `Material`.
    """
    jobs = pd.DataFrame(list(metrics))[["stage", "job_seconds", "job_cpu_seconds", "peak_memory_mib"]]
    jobs["stage"] = jobs["stage"].map(STAGES)
    both = pd.concat([jobs, jobs.assign(stage=ALL)])
    return (
        both.groupby("stage", sort=False)
        .agg(
            jobs=("job_seconds", "size"),
            job_seconds=("job_seconds", "sum"),
            job_cpu_seconds=("job_cpu_seconds", "sum"),
            peak_memory_mib=("peak_memory_mib", "max"),
        )
        .reset_index()
    )


def format_cost(cost: pd.DataFrame) -> pd.DataFrame:
    """The table as people read it, without decimals."""
    titles = ["Stage", "Jobs", "Time (s)", "CPU time (s)", "Peak memory (MiB)"]
    return cost.map(lambda cell: cell if isinstance(cell, str) else f"{cell:.0f}").set_axis(titles, axis=1)
