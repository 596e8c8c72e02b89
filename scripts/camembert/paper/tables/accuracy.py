"""The tables of accuracy: what is left of it on average, language by language, and in every reading.

``models`` are the lines of a comparison in display order. The task is classification; retrieval is there where
encoders were evaluated in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from camembert.paper.answers import (
    BASELINE_RECIPE,
    BASELINES,
    PROBE,
    RETRIEVAL,
    RETRIEVAL_BASELINE,
    AnswerTable,
    ComparedModel,
    Results,
    find_teacher,
    select_model,
    split_languages,
)
from camembert.paper.intervals import compute_interval, describe_coverage
from camembert.paper.record import PUBLISHED_MARK, ExperimentRecord
from camembert.paper.tables.writing import (
    NOTHING,
    format_intervals,
    format_mean_and_sd,
    format_percent,
    render_texts,
    write_table,
)
from camembert.plan.experiment import STUDENTS
from camembert.plan.readings import CENTRED, Direction, Reading

SUMMARY_COLUMNS = {
    "english": "English",
    "zero_shot": "Zero-shot",
    "average": "Average",
    "centred": "Zero-shot, centred",
    "probe_english": "Probe, English",
    "probe": "Probe, zero-shot",
    "retrieval": "Retrieval",
}
"""Columns of the summary with a standard deviation that people read, and their titles."""
SUMMARY_INTERVALS = {"average": "95 % interval", "retrieval": "Retrieval, 95 % interval"}

PUBLISHED = "published"
"""Stands for the method of a model of others."""


@cache
def compute_summary(record: ExperimentRecord) -> pd.DataFrame:
    """One row a model: runs, fine-tunings of each, mean, standard deviation and interval, retention (shares).

    Returns:
        For english, average and zero_shot of the task, for centred (zero-shot with every language's mean moved to that
        of English), probe_english and probe (zero-shot) and retrieval (the average over its languages), the mean and
        with the endings _sd, _low and _high the standard deviation over runs and the ends of the interval. Retention is
        the average over all languages divided by the teacher's. The column covers, and of the others those ending in
        _covers, name what intervals cover; empty where one run has none.
    """
    teacher = find_teacher(record.models)
    return pd.DataFrame([_summarise_model(record.results, model, teacher) for model in record.models])


def _summarise_model(results: Results, model: ComparedModel, teacher: ComparedModel) -> dict[str, Any]:
    row = model.describe("layers") | {"runs": 0, "finetunings": 0}
    for task, evaluation in results.leading.items():
        languages = split_languages(evaluation.languages, results.trained_on)
        scores = evaluation.scores(model, evaluation.languages)
        prefix = f"{task}_" if task in (PROBE, RETRIEVAL) else ""
        facts = {f"{prefix}covers": scores.covers, f"{prefix or 'task_'}runs": len(scores.runs)}
        row["runs"] = max(row["runs"], len(scores.runs))
        if task == RETRIEVAL:
            row |= _average(RETRIEVAL, evaluation, model, evaluation.languages) | facts
        elif task == PROBE:
            row |= _average("probe_english", evaluation, model, languages["english"])
            row |= _average(PROBE, evaluation, model, languages["zero_shot"]) | facts
        else:
            row |= {"finetunings": int(select_model(evaluation.accuracy, model)["finetuning"].max())} | facts
            for column, own in languages.items():
                row |= _average(column, evaluation, model, own)
            row["retention"] = row["average"] / evaluation.scores(teacher, evaluation.languages).mean
            if centred := results.readings[task].get(CENTRED):
                row |= _average("centred", centred, model, languages["zero_shot"])
    return row


def _average(column: str, evaluation: AnswerTable, model: ComparedModel, languages: Sequence[str]) -> dict[str, float]:
    """Mean, standard deviation over runs, and interval of an average over some languages; NaN over none."""
    if not languages:
        return {f"{column}{ending}": np.nan for ending in ("", "_sd", "_low", "_high")}
    scores = evaluation.scores(model, languages)
    runs, interval = pd.Series(scores.values.mean(axis=1)), compute_interval(scores)
    low, high = np.clip([interval.low, interval.high], 0, 1)  # few runs give ends that no accuracy can have
    return {column: runs.mean(), f"{column}_sd": runs.std(), f"{column}_low": low, f"{column}_high": high}


def format_summary(numbers: pd.DataFrame, labelled: str = "English") -> pd.DataFrame:
    """The summary as people read it, given what the languages of the labels are called."""
    runs = numbers["runs"].astype(str)
    if "task_runs" in numbers:
        fewer = numbers["task_runs"].astype(str) + " of " + runs + " fine-tuned"
        runs = runs.where(numbers["task_runs"] == numbers["runs"], fewer)
    shown = {"Model": numbers["label"], "Layers": numbers["layers"].astype(str), "Runs": runs}
    for column, title in SUMMARY_COLUMNS.items():
        if column not in numbers or numbers[column].isna().all():
            continue
        shown[title.replace("English", labelled)] = format_mean_and_sd(numbers[column], numbers[f"{column}_sd"])
        if column in SUMMARY_INTERVALS:
            shown[SUMMARY_INTERVALS[column]] = format_intervals(numbers, column)
        if column == "average":
            shown["Retention"] = format_percent(numbers["retention"])
    return pd.DataFrame(shown)


def describe_summary_coverage(numbers: pd.DataFrame) -> str:
    """What the intervals of the summary, or of some rows of it, cover."""
    kinds = [kind for kind in ("", "probe_", "retrieval_") if f"{kind}covers" in numbers]
    covers = [each for kind in kinds for each in numbers[f"{kind}covers"]]
    return describe_coverage(covers, [each for kind in kinds for each in numbers[f"{kind or 'task_'}runs"]])


def write_summary(record: ExperimentRecord, stem: Path) -> None:
    """Writes what is left of the teacher's accuracy, on average."""
    numbers, retrieval = compute_summary(record), record.results.leading.get(RETRIEVAL)
    reading = Reading.parse(retrieval.reading).title if retrieval else ""
    coverage = describe_summary_coverage(numbers)
    texts = render_texts("summary", record=record, numbers=numbers, coverage=coverage, reading=reading)
    shown = format_summary(numbers, record.labelled)
    if record.labelled != "English":
        numbers = numbers.rename(columns=lambda column: column.replace("english", "labelled"))
    write_table(numbers, shown, stem, *texts)


def compute_by_language(
    evaluation: AnswerTable, models: Sequence[ComparedModel], published: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Models by languages (means over the runs, shares), then the average over languages and its deviation.

    Baselines follow where they were evaluated, and the rows of ``published`` (see `read_published`), with their source
    in a last column where there are any.
    """
    rows = []
    for model in [*models, *filter(evaluation.has, BASELINES)]:
        runs = evaluation.select_runs(model)
        row = model.describe() | {"method": str(model.method or BASELINE_RECIPE), "layers": model.layers}
        rows.append(row | dict(runs.mean()) | {"average_sd": runs["average"].std()})
    numbers = pd.DataFrame(rows).astype({"layers": "Int64"})
    if published is None or published.empty:
        return numbers
    return pd.concat([numbers, published.assign(method=PUBLISHED)], ignore_index=True)


def format_by_language(numbers: pd.DataFrame) -> pd.DataFrame:
    """The table by language as people read it: percent, the best student of each depth bold in each column.

    What is compared is what is printed: students that tie at one decimal are all bold. Students are those that were
    distilled; one that is alone at its depth has nobody to beat and stays plain.
    """
    shown = pd.DataFrame({"Model": numbers["label"], "Layers": numbers["layers"].astype("string").fillna(NOTHING)})
    students = numbers[numbers["method"].isin(list(STUDENTS))]
    for column in numbers.loc[:, "layers":"average"].columns[1:]:
        means = format_percent(numbers[column])
        cells = format_mean_and_sd(numbers[column], numbers["average_sd"]) if column == "average" else means.copy()
        for _, rivals in students.groupby("layers"):
            printed = means[rivals.index].astype(float)
            if len(rivals) > 1:
                best = rivals.index[printed == printed.max()]
                cells[best] = "**" + cells[best] + "**"
        shown["Average" if column == "average" else column] = cells
    return shown


def write_by_language(record: ExperimentRecord, stem: Path, task: str | None = None) -> None:
    """Writes the accuracies of the probe or of retrieval, by default those on the task, beside published ones."""
    evaluation = record.results.leading[task] if task else record.results.task
    numbers = compute_by_language(evaluation, record.models, None if task else record.published)
    chains, others = numbers["chain"].array, numbers[numbers["method"] == PUBLISHED]
    sources = [f"{row['label'].removeprefix(PUBLISHED_MARK)}, {row['source']}" for row in others.to_dict("records")]
    texts = render_texts("by_language", record=record, task=task, chains=chains, sources=sources)
    write_table(numbers, format_by_language(numbers), stem, *texts)


def compute_retrieval_readings(record: ExperimentRecord) -> pd.DataFrame:
    """One row a model, the baseline last, and reading: the average over languages with its interval (shares).

    Columns: recipe, chain, label, reading, pooling, similarity, direction, leads, accuracy, low, high.
    """
    rows = []
    for model in [*record.models, RETRIEVAL_BASELINE]:
        for name, evaluation in record.results.readings[RETRIEVAL].items():
            if not evaluation.has(model):
                continue  # the baseline reads no training text
            accuracy, low, high = compute_interval(evaluation.scores(model, evaluation.languages))
            row = model.describe() | {"reading": name} | Reading.parse(name)._asdict()
            leads = evaluation is record.results.leading[RETRIEVAL]
            rows.append(row | {"leads": leads, "accuracy": accuracy, "low": low, "high": high})
    return pd.DataFrame(rows)


def format_retrieval_readings(numbers: pd.DataFrame) -> pd.DataFrame:
    """The table as people read it: a row a reading, a column a model."""
    rows = []
    for _, own in numbers.groupby(["pooling", "similarity"], sort=False):
        title = Reading.parse(own["reading"].iloc[0]).title
        row = {"Reading": f"**{title}**" if own["leads"].any() else title}
        for label in numbers["label"].unique():
            shares = own[own["label"] == label].set_index("direction")["accuracy"]
            both = format_percent(shares.reindex(list(Direction)))
            row[label] = NOTHING if shares.empty else " / ".join(both)
        rows.append(row)
    return pd.DataFrame(rows)


def write_retrieval_readings(record: ExperimentRecord, stem: Path) -> None:
    """Writes what each reading of retrieval says of every model."""
    numbers = compute_retrieval_readings(record)
    write_table(numbers, format_retrieval_readings(numbers), stem, *render_texts("retrieval_readings"))
