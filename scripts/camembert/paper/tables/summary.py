"""The tables of accuracy: what is left of it on average, and where, language by language.

``models`` are the lines of a comparison in display order. The task is classification; retrieval is there where
encoders were evaluated in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from camembert.paper.answers import Answers, Results
from camembert.paper.intervals import coverage, interval
from camembert.paper.statistics import (
    BASELINE_RECIPE,
    BASELINES,
    PROBE,
    RETRIEVAL,
    Model,
    averages,
    by_run,
    languages_of,
    name_of_languages,
    present,
    runs_of,
    spread,
    teacher_of,
)
from camembert.paper.tables.writing import NOTHING, format_interval, format_mean_and_sd, format_percent
from camembert.plan.comparisons import STUDENTS
from camembert.plan.experiment import MLM
from camembert.plan.readings import CENTRED, Reading

SUMMARY_CAPTION = "Accuracy and what is left of the teacher's, in percent."
SUMMARY_NOTE = (
    "{labelled} {is_the_language} of fine-tuning; zero-shot is the average of all other languages, average that of all."
    " Each is taken within a run, {finetunings}then averaged over the runs (standard deviation in parentheses). "
    "Intervals are of the means over the runs, cut at 0 and 100; a test item and its translations count as one. "
    "Retention is the average divided by the teacher's; always naming the most frequent label is right in "
    "{chance:.1f} %, so retention does not start at zero."
)
CENTRED_NOTE = (
    " Centred: each language's mean logits are moved to those of {labelled}, which takes no label but all test items."
)
PROBE_NOTE = (
    " Probe: a logistic regression on the frozen encoder's sentence vectors, trained on {labelled}, without seed."
)
RETRIEVAL_NOTE = (
    " Retrieval is the share of lines in other languages whose nearest line in English is their translation, on "
    "average over these languages, of encoders before any fine-tuning, read by {reading}; retrieval_readings has the "
    "other readings."
)
SCRATCH_NOTE = " Compute that is equal is that after the teacher: its own pre-training is in nobody's budget."
PUBLISHED = "published"  # stands for the method of a model of others

BY_LANGUAGE_CAPTION = "Accuracy on {task} by language, in percent."
PROBE_BY_LANGUAGE_CAPTION = "Accuracy on {task} of linear probes of frozen encoders by language, in percent."
RETRIEVAL_BY_LANGUAGE_CAPTION = "Accuracy of sentence retrieval from each language into English, in percent."
BY_LANGUAGE_NOTE = (
    "Means over the runs; the average over languages is taken within a run first, its standard deviation over the runs "
    "is in parentheses. **Bold**: the best of the distilled students with the same number of layers, in each column; "
    "the teacher and the baselines (random weights, from scratch, copied layers) take no part."
)
BASELINE_NOTES = {
    "majority": "the label most frequent in training, always",
    "naive-bayes": "words and pairs of neighbouring words, counted in the training examples",
    "char-ngrams": "nearest by character n-grams alone, without any encoder",
}


def summary(results: Results, models: Sequence[Model]) -> pd.DataFrame:
    """One row a model: runs, fine-tunings of each, mean, standard deviation and interval, retention (shares, 0 to 1).

    Args:
        results: of the task, of probes and of retrieval, as far as they were evaluated.
        models: of the experiment.

    Returns:
        For english, average and zero_shot of the task, for centred (zero-shot with every language's mean moved to that
        of English), probe_english and probe (zero-shot) and retrieval (the average over its languages), the mean and
        with the endings _sd, _low and _high the standard deviation over runs and the ends of the interval. Retention is
        the average over all languages divided by the teacher's. The column covers, and of the others those ending in
        _covers, name what intervals cover; empty where one run has none.
    """
    return pd.DataFrame([_row(results, model, teacher_of(model, models)) for model in models])


def _row(results: Results, model: Model, teacher: Model) -> dict[str, Any]:
    row: dict[str, Any] = {
        "recipe": model.recipe,
        "chain": model.chain,
        "label": model.label,
        "layers": model.layers,
        "runs": 0,
        "finetunings": 0,
    }
    for answers in results.evaluations:
        scores, languages = (
            answers.scores(model, answers.languages),
            languages_of(answers.languages, results.trained_on),
        )
        runs, covers = len(scores.runs), ", ".join(scores.covers)
        row["runs"] = max(row["runs"], runs)
        if answers.is_retrieval:
            row |= _columns("retrieval", answers, model, answers.languages) | {
                "retrieval_covers": covers,
                "retrieval_runs": runs,
            }
        elif answers.task == PROBE:
            row |= _columns("probe_english", answers, model, languages["english"])
            row |= _columns("probe", answers, model, languages["zero_shot"]) | {
                "probe_covers": covers,
                "probe_runs": runs,
            }
        else:
            row |= {"finetunings": answers.finetunings(model), "covers": covers, "task_runs": runs}
            for column, own in languages.items():
                row |= _columns(column, answers, model, own)
            row["retention"] = row["average"] / answers.scores(teacher, answers.languages).mean
            if centred := results.readings(answers.task).get(CENTRED):
                row |= _columns("centred", centred, model, languages["zero_shot"])
    return row


SHOWN = {
    "english": "English",
    "zero_shot": "Zero-shot",
    "average": "Average",
    "centred": "Zero-shot, centred",
    "probe_english": "Probe, English",
    "probe": "Probe, zero-shot",
    "retrieval": "Retrieval",
}
"""Columns with a spread that people read, and their titles."""
WITH_INTERVAL = {"average": "95 % interval", "retrieval": "Retrieval, 95 % interval"}


def format_summary(numbers: pd.DataFrame, labelled: str = "English") -> pd.DataFrame:
    """The summary as people read it: percent with one decimal, spread in parentheses.

    Args:
        numbers: of `summary`.
        labelled: what the languages of the labels are called.
    """
    runs = numbers["runs"].astype(str)
    if "task_runs" in numbers:
        fewer = numbers["task_runs"].astype(str) + " of " + runs + " fine-tuned"
        runs = runs.where(numbers["task_runs"] == numbers["runs"], fewer)
    shown = {"Model": numbers["label"], "Layers": numbers["layers"].astype(str), "Runs": runs}
    for column, title in SHOWN.items():
        title = title.replace("English", labelled)
        if column not in numbers or numbers[column].isna().all():
            continue
        shown[title] = format_mean_and_sd(numbers[column], numbers[f"{column}_sd"])
        if column in WITH_INTERVAL:
            ends = map(format_interval, numbers[f"{column}_low"], numbers[f"{column}_high"])
            shown[WITH_INTERVAL[column]] = pd.Series(list(ends))
        if column == "average":
            shown["Retention"] = format_percent(numbers["retention"])
    return pd.DataFrame(shown)


def coverage_of(numbers: pd.DataFrame) -> str:
    """What the intervals of the summary, or of some rows of it, cover."""
    kinds = [(f"{kind}covers", f"{kind or 'task_'}runs") for kind in ("", "probe_", "retrieval_")]
    kinds = [(covers, runs) for covers, runs in kinds if covers in numbers]
    covers = [own for column, _ in kinds for own in numbers[column]]
    return coverage(covers, [own for _, column in kinds for own in numbers[column]])


def note_of_summary(numbers: pd.DataFrame, results: Results) -> str:
    """What the summary's readers should know, with what its intervals cover."""
    labelled = name_of_languages(results.trained_on)
    note = coverage_of(numbers)
    if "average" in numbers:
        several = numbers["finetunings"].max()
        averaged = f"averaged over its {several} fine-tunings, " if several > 1 else ""
        is_the_language = "is the language" if len(results.trained_on) == 1 else "are the languages"
        chance = 100 * results.evaluations[0].chance
        note += " " + SUMMARY_NOTE.format(
            finetunings=averaged, chance=chance, labelled=labelled, is_the_language=is_the_language
        )
    note += CENTRED_NOTE.format(labelled=labelled) if "centred" in numbers else ""
    note += PROBE_NOTE.format(labelled=labelled) if "probe" in numbers else ""
    if "retrieval" in numbers:
        note += RETRIEVAL_NOTE.format(reading=Reading.parse(results.headline(RETRIEVAL)).title)
    note += SCRATCH_NOTE if (numbers["recipe"] == MLM).any() else ""
    return note


def by_language(accuracy: pd.DataFrame, models: Sequence[Model], published: pd.DataFrame | None = None) -> pd.DataFrame:
    """Models by languages (means over the runs, shares), then the average over languages and its deviation.

    Baselines follow where there are accuracies of them, and the rows of ``published`` (see
    `read_published`), with their source in a last column where there are any.

    Args:
        accuracy: tidy accuracies of one evaluation in one reading.
        models: of the experiment.
        published: rows of others.
    """
    wide, scores = by_run(accuracy), averages(accuracy)
    rows = []
    for model in [*models, *present(BASELINES, accuracy)]:
        average = spread(runs_of(scores, model)["average"])
        rows.append(
            {
                "recipe": model.recipe,
                "chain": model.chain,
                "label": model.label,
                "method": model.method.value if model.method else BASELINE_RECIPE,
                "layers": model.layers,
                **runs_of(wide, model).mean(),
                "average": average.mean,
                "average_sd": average.sd,
            }
        )
    numbers = pd.DataFrame(rows).astype({"layers": "Int64"})
    if published is None or published.empty:
        return numbers
    return pd.concat([numbers, published.assign(method=PUBLISHED)], ignore_index=True)


def format_by_language(numbers: pd.DataFrame) -> pd.DataFrame:
    """The table by language as people read it: percent, the best student of each depth bold in each column.

    What is compared is what is printed: students that tie at one decimal are all bold. Students are those that were
    distilled; one that is alone at its depth has nobody to beat and stays plain.
    """
    columns = list(numbers.columns)
    shown = pd.DataFrame({"Model": numbers["label"], "Layers": numbers["layers"].astype("string").fillna(NOTHING)})
    students = numbers[numbers["method"].isin([method.value for method in STUDENTS])]
    for column in columns[columns.index("layers") + 1 : columns.index("average_sd")]:  # the languages, then average
        means = format_percent(numbers[column])
        cells = means.copy()
        if column == "average":
            cells = format_mean_and_sd(numbers[column], numbers["average_sd"])
        for _, rivals in students.groupby("layers"):
            printed = means[rivals.index].astype(float)
            if len(rivals) > 1:
                best = rivals.index[printed == printed.max()]
                cells[best] = "**" + cells[best] + "**"
        shown["Average" if column == "average" else column] = cells
    return shown


def note_of_baselines(numbers: pd.DataFrame) -> str:
    """What a table says of the baselines that it has."""
    shown = [model for model in BASELINES if (numbers["label"] == model.label).any()]
    return "".join(f" {model.label}: {BASELINE_NOTES[model.chain]}." for model in shown)


def _columns(column: str, answers: Answers, model: Model, languages: Sequence[str]) -> dict[str, float]:
    """Mean, standard deviation over runs, and interval of an average over some languages."""
    if not languages:
        return {f"{column}{ending}": np.nan for ending in ("", "_sd", "_low", "_high")}
    scores = answers.scores(model, languages)
    found, ends = spread(scores.values.mean(axis=1).tolist()), interval(scores)
    low, high = np.clip([ends.low, ends.high], 0, 1)  # few runs give ends that no accuracy can have
    return {column: found.mean, f"{column}_sd": found.sd, f"{column}_low": low, f"{column}_high": high}
