"""What a run cost: time and memory a stage, and how much of the CPU time was the purpose of the stage."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from camembert.core.files import read_json

CAPTION = "What the run cost"
NOTE = (
    "Proper CPU time is training, predicting and writing predictions, or measuring; the rest of a job's CPU time is"
    " starting Python, imports and loading. Data jobs have no proper time. CPU time of the workflow manager itself is"
    " not included. Peak memory is the largest of a stage's jobs."
)
STAGES = {"encoders": "Encoders", "classifiers": "Fine-tuning", "evaluation": "Evaluation", "efficiency": "Efficiency"}


def cost_of(metrics: Iterable[Path], benchmarks: Iterable[Path]) -> pd.DataFrame:
    """Adds up jobs by stage.

    Args:
        metrics: JSON files under `metrics/<stage>/`, with the seconds and the peak memory of every job.
        benchmarks: Snakemake's benchmark files of the jobs that have no metrics (data).

    Returns:
        Stage, jobs, seconds, CPU seconds, proper CPU seconds, their share and peak memory in MiB.
    """
    rows = []
    for path in metrics:
        facts = read_json(path)
        stage = next(STAGES[part] for part in Path(path).parts if part in STAGES)
        rows.append(
            (stage, facts["job_seconds"], facts["job_cpu_seconds"], facts["cpu_seconds"], facts["peak_memory_mib"])
        )
    for path in benchmarks:
        job = pd.read_csv(path, sep="\t", na_values="-").fillna(0).iloc[-1]
        rows.append(("Data", job["s"], job["cpu_time"], 0.0, job["max_rss"]))
    jobs = pd.DataFrame(rows, columns=["stage", "seconds", "cpu_seconds", "proper_cpu_seconds", "peak_memory_mib"])
    sums = {"jobs": ("seconds", "size")} | {
        name: (name, "sum") for name in ("seconds", "cpu_seconds", "proper_cpu_seconds")
    }
    sums["peak_memory_mib"] = ("peak_memory_mib", "max")
    stages = jobs.groupby("stage", sort=False).agg(**sums).reset_index()
    total = jobs.assign(stage="All").groupby("stage").agg(**sums).reset_index()
    cost = pd.concat([stages, total], ignore_index=True)
    cost.insert(5, "proper_share", cost["proper_cpu_seconds"] / cost["cpu_seconds"])
    return cost


def cost_in_print(cost: pd.DataFrame) -> pd.DataFrame:
    """The table as people read it: seconds without decimals, shares in percent."""
    shown = pd.DataFrame({"Stage": cost["stage"], "Jobs": cost["jobs"].astype(str)})
    for name, title in (
        ("seconds", "Wall time, all jobs (s)"),
        ("cpu_seconds", "CPU time (s)"),
        ("proper_cpu_seconds", "Proper CPU time (s)"),
        ("peak_memory_mib", "Peak memory (MiB)"),
    ):
        shown[title] = cost[name].map("{:.0f}".format)
    shown.insert(5, "Proper share (%)", (100 * cost["proper_share"]).map("{:.0f}".format))
    return shown
