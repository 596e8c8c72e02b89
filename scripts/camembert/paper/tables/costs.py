"""What models and runs cost: to keep, to run and to train a model, at several budgets, and the jobs of the whole run.

Cost to keep and to run is measured once for each number of layers, on which alone it depends within an experiment.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from camembert.paper.answers import ComparedModel
from camembert.paper.intervals import ResultsError
from camembert.paper.record import DATA, ExperimentRecord
from camembert.paper.tables.accuracy import compute_summary, describe_summary_coverage
from camembert.paper.tables.writing import NOTHING, format_intervals, format_percent, render_texts, write_table
from camembert.plan.chain import parse_chain
from camembert.plan.experiment import ROOT, identify_encoder
from camembert.plan.paper import STUDENTS_BY_BUDGET, drop_budgets

UNSTEADY = " (unsteady)"
TRAINING, WITH_THE_TEACHER, FINETUNING = "training_flops", "training_flops_with_teacher", "finetuning_flops"
BUDGETS_COLUMNS = {"retrieval": "Retrieval", "average": "Task", "probe": "Probe, zero-shot"}
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


@cache
def compute_efficiency(record: ExperimentRecord) -> pd.DataFrame:
    """One row a model; times in ms, energy in joules, memory in MiB, spreads as shares of the median.

    Returns:
        Beside what was measured, training_flops (see `sum_training_flops`), and where classifiers learn soft labels
        finetuning_flops.

    Raises:
        ResultsError: two depths were measured under different settings.
    """
    measured: Mapping[Any, Mapping[str, Any]] = _read_measurements(record)
    stages = ("encoders", "classifiers", "soft_labels")
    trained, finetuned, taught = (_average_flops(record.select_stage(stage)) for stage in stages)
    rows = []
    for model in record.models:
        facts = measured[model.layers]
        row = {key: facts[key] for key in ("parameters", "embedding_parameters", "bytes")}
        row |= sum_training_flops(model, trained)
        if taught:
            row[FINETUNING] = sum_finetuning_flops(model, record.soft_labels, finetuned, taught)
        for at in facts["speed"]:
            tokens = at["tokens"]
            row[f"forward_flops_per_token_{tokens}"] = facts["forward_flops_per_token"][str(tokens)]
            row |= {f"{key}_{tokens}": value for key, value in at.items() if key != "tokens"}
        row |= {key: facts[key] for key in ("peak_memory_mib", "memory_before_mib", "peak_gpu_memory_mib")}
        rows.append(row | {"steady_within": facts["steady_within"]})
    whose = pd.DataFrame([model.describe("layers") for model in record.models])
    return pd.concat([whose, pd.DataFrame(rows).astype(float)], axis=1)


def _read_measurements(record: ExperimentRecord) -> dict[int, Mapping[str, Any]]:
    """The measurements by number of layers, which must come from one setting."""
    measured = {facts["layers"]: facts for facts in record.select_stage("efficiency")}
    for key in ("device", "threads", "precision", "batch", "steady_within"):
        found = sorted({str(facts[key]) for facts in measured.values()})
        if len(found) > 1:
            raise ResultsError(
                f"efficiency was measured with {key} {' and '.join(found)}, which do not compare;"
                " delete metrics/efficiency and measure all on one machine"
            )
    return measured


def _average_flops(jobs: Sequence[Mapping[str, Any]]) -> dict[Any, float]:
    """FLOPs of a model's own training, by recipe and chain (a mean over runs, which differ little if at all)."""
    frame = pd.DataFrame(jobs, columns=["recipe", "chain", TRAINING])
    return frame.groupby(["recipe", "chain"])[TRAINING].mean().to_dict()


def _find_links(model: ComparedModel) -> list[tuple[str, str]]:
    """Recipe and chain of a model and of all encoders it comes from, the root first."""
    return [(identify_encoder(link, model.recipe, 0).recipe, str(link)) for link in parse_chain(model.chain).ancestry]


def sum_training_flops(model: ComparedModel, trained: Mapping[tuple[str, str], float]) -> dict[str, float]:
    """FLOPs of all trainings behind a model, without its teacher's and with it (NaN where that was not trained here).

    Args:
        model: whose.
        trained: FLOPs of the own training of every encoder, by recipe and chain.
    """
    links, of_teacher = _find_links(model), 0.0
    if parse_chain(model.chain).root:
        of_teacher = trained[links.pop(0)] or math.nan
    own = sum((trained[link] for link in links), 0.0)
    return {TRAINING: own, WITH_THE_TEACHER: own + of_teacher}


def sum_finetuning_flops(
    model: ComparedModel,
    soft_labels: str,
    finetuned: Mapping[tuple[str, str], float],
    taught: Mapping[tuple[str, str], float],
) -> float:
    """FLOPs of a model's fine-tuning and of what its soft labels cost.

    They are those of its classifier; of the classifiers between it and the teacher that it learned from; and of the
    forward passes of all that taught. The teacher's fine-tuning is in its own row alone.

    Args:
        model: whose.
        soft_labels: whose soft labels classifiers learn: root or parent.
        finetuned: FLOPs of the fine-tuning of a classifier, by recipe and chain.
        taught: of the forward passes that made soft labels, by the same of the classifier that made them.
    """
    links = _find_links(model)
    if len(links) == 1:
        return finetuned[links[0]]
    if soft_labels == ROOT:
        return finetuned[links[-1]] + taught[links[0]]
    return sum(finetuned[link] for link in links[1:]) + sum(taught[link] for link in links[:-1])


def format_efficiency(record: ExperimentRecord) -> pd.DataFrame:
    """The table as people read it, with what a model is worth beside what it costs.

    Columns that the machine cannot fill are left out.
    """
    numbers, summary, lengths = compute_efficiency(record), compute_summary(record), record.lengths
    longest = max(lengths)
    columns = [
        ("Parameters (M)", "parameters", 1e-6, "{:.2f}"),
        ("Embeddings (M)", "embedding_parameters", 1e-6, "{:.2f}"),
        ("Weights (MiB)", "bytes", 2**-20, "{:.1f}"),
        ("Forward (MFLOP/token)", f"forward_flops_per_token_{longest}", 1e-6, "{:.2f}"),
        ("Training (TFLOP)", TRAINING, 1e-12, "{:.2f}"),
        ("With the teacher's (TFLOP)", WITH_THE_TEACHER, 1e-12, "{:.2f}"),
        ("Fine-tuning (TFLOP)", FINETUNING, 1e-12, "{:.2f}"),
        *((f"Latency, {n} tokens (ms)", f"latency_ms_{n}", 1, "{:.2f}") for n in lengths),
        *((f"Sentences/s, {n} tokens", f"rows_per_second_{n}", 1, "{:.0f}") for n in lengths),
        ("Peak memory (MiB)", "peak_memory_mib", 1, "{:.0f}"),
        ("Peak GPU memory (MiB)", "peak_gpu_memory_mib", 1, "{:.0f}"),
        (f"Energy, {longest} tokens (mJ)", f"joules_per_row_{longest}", 1000, "{:.2f}"),
    ]
    spreads = {f"latency_ms_{n}": f"latency_spread_{n}" for n in lengths}
    spreads |= {f"rows_per_second_{n}": f"rows_per_second_spread_{n}" for n in lengths}
    if not _knows_the_teacher(numbers):
        numbers = numbers.drop(columns=WITH_THE_TEACHER)
    shown = pd.DataFrame({"Model": numbers["label"], "Layers": numbers["layers"].astype(str)})
    for title, column in (("Accuracy (%)", "average"), ("Retrieval (%)", "retrieval")):
        if column in summary and summary[column].notna().any():
            shown[title] = format_percent(summary[column])
    for title, column, scale, form in columns:
        if column in numbers and numbers[column].notna().any():
            cells = (scale * numbers[column]).map(form.format, na_action="ignore").fillna(NOTHING)
            if column in spreads:
                cells[numbers[spreads[column]] > numbers["steady_within"]] += UNSTEADY
            shown[title] = cells
    return shown


def _knows_the_teacher(numbers: pd.DataFrame) -> bool:
    """Whether the teacher was trained here, so that its compute is known."""
    return bool(numbers[WITH_THE_TEACHER].notna().all())


def write_efficiency(record: ExperimentRecord, stem: Path) -> None:
    """Writes what every model costs to keep, to run and to train."""
    numbers, measured = compute_efficiency(record), list(_read_measurements(record).values())
    texts = render_texts(
        "efficiency",
        numbers=numbers,
        measured=measured,
        one=measured[0],
        speeds=[at for facts in measured for at in facts["speed"]],
        processors=sorted({facts["processor"] for facts in measured}),  # a cluster may have several
        knows_the_teacher=_knows_the_teacher(numbers),
    )
    write_table(numbers, format_efficiency(record), stem, *texts)


def compute_budgets(record: ExperimentRecord) -> pd.DataFrame:
    """One row a student, by depth, way and compute, of depths that one way leads to at several budgets.

    Returns:
        The rows of the summary, with way (``12-6-3``, the chain without its budgets), cascade (whether it goes through
        an assistant) and training_flops after the teacher.
    """
    students = [model for model in record.models if model.method in STUDENTS_BY_BUDGET]
    ways = pd.DataFrame(
        [
            (model.recipe, model.chain, drop_budgets(model.chain), drop_budgets(model.chain).count("-") > 1)
            for model in students
        ],
        columns=["recipe", "chain", "way", "cascade"],
    )
    rows = ways.merge(compute_efficiency(record)[["recipe", "chain", TRAINING]]).merge(compute_summary(record))
    of_way = rows.groupby(["recipe", "way"])["chain"].transform("size")
    rows = rows[of_way.groupby([rows["recipe"], rows["layers"]]).transform("max") > 1]
    return rows.sort_values(["recipe", "layers", "cascade", "way", TRAINING], ignore_index=True)


def format_budgets(numbers: pd.DataFrame) -> pd.DataFrame:
    """The table as people read it."""
    shown = {"Model": numbers["label"], "Training (TFLOP)": (1e-12 * numbers[TRAINING]).map("{:.2f}".format)}
    for column, title in BUDGETS_COLUMNS.items():
        if column in numbers and numbers[column].notna().any():
            shown[title] = format_percent(numbers[column])
            shown[f"{title}, 95 % interval"] = format_intervals(numbers, column)
    return pd.DataFrame(shown)


def write_budgets(record: ExperimentRecord, stem: Path) -> None:
    """Writes what more training brings."""
    numbers = compute_budgets(record)
    texts = render_texts("budgets", coverage=describe_summary_coverage(numbers))
    write_table(numbers, format_budgets(numbers), stem, *texts)


def compute_job_costs(metrics: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """One row a stage and one of all: stage, jobs, job_seconds, job_cpu_seconds, peak_memory_mib."""
    jobs = pd.DataFrame(metrics)[["stage", "job_seconds", "job_cpu_seconds", "peak_memory_mib"]]
    jobs["stage"] = jobs["stage"].map(STAGES)
    both = pd.concat([jobs, jobs.assign(stage="All")])
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


def format_job_costs(numbers: pd.DataFrame) -> pd.DataFrame:
    """The table as people read it, without decimals."""
    titles = ["Stage", "Jobs", "Time (s)", "CPU time (s)", "Peak memory (MiB)"]
    return numbers.map(lambda cell: cell if isinstance(cell, str) else f"{cell:.0f}").set_axis(titles, axis=1)


def write_job_costs(record: ExperimentRecord, stem: Path) -> None:
    """Writes what the run cost, stage by stage."""
    numbers = compute_job_costs(record.metrics)
    write_table(numbers, format_job_costs(numbers), stem, *render_texts("cost"))
