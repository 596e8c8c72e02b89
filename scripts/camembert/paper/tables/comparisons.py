"""Pairs of models: how far one is above the other, how sure that is, in which languages, and in which readings.

The difference and its interval are about training runs as well as test items (see ``intervals``). The ablation is made
of such pairs: every recipe with the first one, all else equal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from camembert.paper.answers import PROBE, RETRIEVAL, AnswerTable, ComparedModel, Results, split_languages
from camembert.paper.intervals import EQUIVALENCE_LEVEL, compute_interval, describe_coverage
from camembert.paper.record import ExperimentRecord
from camembert.paper.tables.accuracy import compute_summary, describe_summary_coverage
from camembert.paper.tables.writing import (
    NOTHING,
    format_difference,
    format_intervals,
    format_percent,
    render_texts,
    write_table,
)
from camembert.plan.chain import parse_chain
from camembert.plan.experiment import Contrast, PlannedComparison

MODEL_FIELDS = ("recipe", "chain", "label", "method")
SIDES = ("first", "second")
COMPARISON_COLUMNS = [
    "task", "reading", "leads", "contrast", *(f"{side}_{field}" for side in SIDES for field in MODEL_FIELDS),
    "runs", "covers",
    "language", "first_accuracy", "second_accuracy", "difference", "low", "high", "low_90", "high_90",
]  # fmt: skip
LARGEST_MARGIN = 0.1
"""Of equivalence, as a share of the accuracies that are compared."""

ABLATION_COLUMNS = {"average": "Average", "zero_shot": "Zero-shot", "probe": "Probe", "retrieval": "Retrieval"}
"""Columns of the summary, and what the ablation calls them."""


class Verdict(StrEnum):
    """Where the first of two models is, by the 95 % interval of their difference."""

    ABOVE = "above"
    BELOW = "below"
    UNDECIDED = "undecided"


def find_verdict(row: Mapping[Any, Any]) -> Verdict | None:
    """The verdict of one reading; None without an interval."""
    if np.isnan(row["low"]):
        return None
    if row["low"] <= 0 <= row["high"]:
        return Verdict.UNDECIDED
    return Verdict.ABOVE if row["low"] > 0 else Verdict.BELOW


def compare(results: Results, models: Sequence[ComparedModel], planned: Sequence[PlannedComparison]) -> pd.DataFrame:
    """One row a reading, a pair of models and language, then its average over all languages and zero-shot.

    The columns of COMPARISON_COLUMNS: task (probe, or retrieval), reading and whether it leads; contrast; both models;
    the number of runs that both have and that all numbers are means of, and what intervals cover; language (average
    and, of the task, zero_shot beside the codes), accuracies, difference with the ends low and high of its 95 %
    interval and low_90 and high_90 of that of two one-sided tests (shares). Readings that do not lead have the averages
    alone.

    Raises:
        ResultsError: two models have no run in common.
    """
    by_path = {(model.recipe, model.chain): model for model in models}
    rows: list[dict[str, Any]] = []
    for task, leading in results.leading.items():
        averages = split_languages(leading.languages, results.trained_on)
        del averages["english"]
        if task == RETRIEVAL or not averages["zero_shot"]:
            del averages["zero_shot"]
        every = {language: [language] for language in leading.languages} | averages
        for contrast, first, second in planned:
            pair = [by_path[first], by_path[second]]
            facts = {
                f"{side}_{field}": getattr(model, field)
                for side, model in zip(SIDES, pair, strict=True)
                for field in MODEL_FIELDS
            }
            for reading, evaluation in results.readings[task].items():
                leads = evaluation is leading
                facts |= {"task": task, "reading": reading, "leads": leads, "contrast": contrast.value}
                for name, languages in (every if leads else averages).items():
                    rows.append(facts | {"language": name} | _compare_pair(evaluation, pair, languages))
    return pd.DataFrame(rows, columns=COMPARISON_COLUMNS)


def _compare_pair(evaluation: AnswerTable, pair: Sequence[ComparedModel], languages: Sequence[str]) -> dict[str, Any]:
    """What a row says of one language, or of an average over several."""
    first, second = (evaluation.scores(model, languages) for model in pair)
    differences = first.minus(second)
    interval, narrower = compute_interval(differences), compute_interval(differences, EQUIVALENCE_LEVEL)
    return {
        "runs": len(differences.runs),
        "covers": differences.covers,
        "first_accuracy": first.select(differences.runs).mean,
        "second_accuracy": second.select(differences.runs).mean,
        "difference": interval.mean,
        **{"low": interval.low, "high": interval.high, "low_90": narrower.low, "high_90": narrower.high},
    }


def format_comparisons(numbers: pd.DataFrame, margin: float) -> pd.DataFrame:
    """One line a pair of models and evaluation: differences in points with intervals, and where they differ."""
    rows = []
    pairs = ["task", "contrast", "first_label", "second_label"]
    for (task, _, first, second), lines in numbers.groupby(pairs, sort=False):
        leading = lines[lines["leads"]].set_index("language")
        languages = leading.drop(index=["average", "zero_shot"], errors="ignore")
        verdicts = pd.Series(map(find_verdict, languages.to_dict("records")), index=languages.index, dtype=object)
        readings = lines[lines["language"] == "average"].to_dict("records")
        averages = leading.reindex(["average", "zero_shot"])[["difference", "low", "high"]].astype(float)
        cells = [first, second, task, *(format_difference(*averages.loc[name]) for name in averages.index)]
        cells.append(format_verdicts(readings))
        cells.append({True: "yes", False: "no", None: NOTHING}[equivalent_in_all(readings, margin)])
        for verdict in (Verdict.ABOVE, Verdict.BELOW):
            cells.append(_list_languages(verdicts.index[verdicts == verdict], len(languages)))
        rows.append(cells)
    titles = [
        "First",
        "Second",
        "Evaluation",
        "Average",
        "Zero-shot",
        "Readings",
        "Equivalent",
        "Better in",
        "Worse in",
    ]
    return pd.DataFrame(rows, columns=titles)


def _list_languages(languages: pd.Index, tested: int) -> str:
    """The languages of a cell: their codes, or that they are all."""
    return f"all {tested}" if len(languages) == tested > 1 else ", ".join(languages) or NOTHING


def format_verdicts(readings: Sequence[Mapping[Any, Any]]) -> str:
    """How many readings of a difference have which verdict, and the points that they span; a dash for one reading."""
    verdicts = [find_verdict(row) for row in readings]
    if len(readings) == 1 or None in verdicts:
        return NOTHING
    counts = ", ".join(f"{verdicts.count(each)} {each}" for each in Verdict if each in verdicts)
    points = [100 * row["difference"] for row in readings]
    return f"{counts}; {min(points):+.1f} to {max(points):+.1f}"


def equivalent_in_all(readings: Iterable[Mapping[Any, Any]], margin: float) -> bool | None:
    """Whether a difference lies within ±margin points in every reading; None where one cannot tell."""
    found = [equivalent(row, margin) for row in readings]
    return None if None in found else all(found)


def equivalent(row: Mapping[Any, Any], margin: float) -> bool | None:
    """Whether a difference lies within ±margin points by two one-sided tests at 5 %.

    None where that says nothing: without an interval, and where the margin is more than a tenth of both accuracies, so
    that a difference within it may be a large part of them.
    """
    if np.isnan(row["low_90"]) or margin > LARGEST_MARGIN * 100 * max(row["first_accuracy"], row["second_accuracy"]):
        return None
    return bool(-margin < 100 * row["low_90"] and 100 * row["high_90"] < margin)


@cache
def compute_comparisons(record: ExperimentRecord) -> pd.DataFrame:
    """The planned comparisons of an experiment, see `compare`."""
    return compare(record.results, record.models, record.planned)


def write_comparisons(record: ExperimentRecord, stem: Path) -> None:
    """Writes how far one model is above another."""
    numbers = compute_comparisons(record)
    texts = render_texts("comparisons", record=record, coverage=describe_coverage(numbers["covers"], numbers["runs"]))
    write_table(numbers, format_comparisons(numbers, record.margin), stem, *texts)


@cache
def compute_ablation(record: ExperimentRecord) -> pd.DataFrame:
    """One row a distilled chain and recipe: averages and their difference from the first recipe (shares).

    Returns:
        The rows of the summary with the method; for each of `ABLATION_COLUMNS` that was evaluated the difference and
        the ends of its interval (_difference, _difference_low, _difference_high), NaN in the rows of the first recipe;
        and retrieval_readings, what all readings say of it.
    """
    recipes = list(record.recipes)
    distilled = [model for model in record.models if parse_chain(model.chain).is_distilled]
    chains = list(dict.fromkeys(model.chain for model in distilled))
    distilled.sort(key=lambda model: (chains.index(model.chain), recipes.index(model.recipe)))
    pairs = [
        PlannedComparison(Contrast.OTHER, (model.recipe, model.chain), (recipes[0], model.chain))
        for model in distilled
        if model.recipe != recipes[0]
    ]
    found = compare(record.results, record.models, pairs)
    found = found.rename(columns={"first_recipe": "recipe", "first_chain": "chain"})
    numbers = compute_summary(record).merge(pd.DataFrame(distilled)[["recipe", "chain", "method"]])
    numbers = numbers.set_index(["chain", "recipe"]).loc[[(model.chain, model.recipe) for model in distilled]]
    for column in ABLATION_COLUMNS:
        if column in numbers:
            task = column if column in (PROBE, RETRIEVAL) else record.results.task.task
            language = {PROBE: "zero_shot", RETRIEVAL: "average"}.get(column, column)
            own = found[found["leads"] & (found["task"] == task) & (found["language"] == language)]
            own = own.set_index(["chain", "recipe"]).reindex(numbers.index)
            for name, end in (("difference", ""), ("low", "_low"), ("high", "_high")):
                numbers[f"{column}_difference{end}"] = own[name]
    retrieval = found[(found["task"] == RETRIEVAL) & (found["language"] == "average")]
    verdicts = {
        key: format_verdicts(own.to_dict("records")) for key, own in retrieval.groupby(["chain", "recipe"], sort=False)
    }
    numbers["retrieval_readings"] = [verdicts.get(key, NOTHING) for key in numbers.index]
    return numbers.reset_index()


def format_ablation(numbers: pd.DataFrame) -> pd.DataFrame:
    """The table as people read it: percent, and points with their interval."""
    shown = {
        "Chain": numbers["chain"],
        "Recipe": numbers["recipe"],
    }
    if "average" in numbers:
        shown |= {"Average": format_percent(numbers["average"]), "95 % interval": format_intervals(numbers, "average")}
    for column, title in ABLATION_COLUMNS.items():
        if column not in numbers:
            continue
        if column in (PROBE, RETRIEVAL):
            shown[title] = format_percent(numbers[column])
        ends = (numbers[f"{column}_difference{end}"].astype(float) for end in ("", "_low", "_high"))
        shown[f"{title}, difference"] = pd.Series(list(map(format_difference, *ends)))
    if RETRIEVAL in numbers:
        shown["Retrieval, all readings"] = numbers["retrieval_readings"]
    return pd.DataFrame(shown)


def write_ablation(record: ExperimentRecord, stem: Path) -> None:
    """Writes what the recipe changes."""
    numbers = compute_ablation(record)
    texts = render_texts("ablation", record=record, coverage=describe_summary_coverage(numbers))
    write_table(numbers, format_ablation(numbers), stem, *texts)
