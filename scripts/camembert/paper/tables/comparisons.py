"""Pairs of models: how far one is above the other, how sure that is, in which languages, and in which readings.

The difference and its interval are about training runs as well as test items (see ``intervals``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd

from camembert.paper.answers import Answers, Results
from camembert.paper.intervals import EQUIVALENCE_LEVEL, Interval, interval
from camembert.paper.statistics import Model, ResultsError, languages_of
from camembert.paper.tables.writing import NOTHING, format_difference
from camembert.plan.comparisons import PlannedComparison

MODEL = ("recipe", "chain", "label", "method")
COLUMNS = [
    "task", "reading", "leads", "contrast", *(f"{side}_{field}" for side in ("first", "second") for field in MODEL),
    "runs", "covers",
    "language", "first_accuracy", "second_accuracy", "difference", "low", "high", "low_90", "high_90",
]  # fmt: skip
LARGEST_MARGIN = 0.1
"""Of equivalence, as a share of the accuracies that are compared."""

CAPTION = "How far the first model is above the second, in points of accuracy."
NOTE = (
    "Differences of the means over the runs, paired by run, with 95 % intervals; a test item and its translations "
    "count as one. Readings: in how many of all readings of the evaluation the average is above, below, or not to be "
    "told from 0, and the differences that they span; the other columns are in the reading that leads. Equivalent: "
    "whether the average differs by less than {margin:g} points by two one-sided tests at 5 % (its 90 % interval lies "
    "inside) in every reading; not asked where that margin is more than a tenth of both accuracies. Better and worse "
    "in: languages whose own 95 % interval leaves out 0. Neither lines nor languages are corrected for one another."
)


class Verdict(StrEnum):
    """Where the first of two models is, by the 95 % interval of their difference."""

    ABOVE = "above"
    BELOW = "below"
    UNDECIDED = "undecided"


def verdict(row: Mapping[Any, Any]) -> Verdict | None:
    """The verdict of one reading; None without an interval."""
    if np.isnan(row["low"]):
        return None
    if row["low"] <= 0 <= row["high"]:
        return Verdict.UNDECIDED
    return Verdict.ABOVE if row["low"] > 0 else Verdict.BELOW


def compare(results: Results, models: Sequence[Model], planned: Sequence[PlannedComparison]) -> pd.DataFrame:
    """One row a reading, a pair of models and language, then its average over all languages and zero-shot.

    The columns of COLUMNS: task (probe, or retrieval), reading and whether it leads; contrast; recipe, chain, label and
    method of both models; the number of runs that both have and that all numbers are means of, and what intervals
    cover; language (average and, of the task, zero_shot beside the codes), accuracies, difference with the ends low and
    high of its 95 % interval and low_90 and high_90 of that of two one-sided tests (shares). Readings that do not lead
    have the averages alone.

    Raises:
        ResultsError: a pair names a model that the experiment does not hold.
    """
    by_path = {(model.recipe, model.chain): model for model in models}
    rows: list[dict[Any, Any]] = []
    for pair in planned:
        for named in (pair.first, pair.second):
            if named not in by_path:
                raise ResultsError(
                    f"the comparison {pair.contrast} names {'/'.join(named)}, which is not in the experiment"
                )
    for evaluation in results.evaluations:
        averages = {"average": evaluation.languages}
        if not evaluation.is_retrieval and (
            zero_shot := languages_of(evaluation.languages, results.trained_on)["zero_shot"]
        ):
            averages["zero_shot"] = zero_shot
        by_language = {language: [language] for language in evaluation.languages}
        for pair in planned:
            first, second = by_path[pair.first], by_path[pair.second]
            for answers in results.readings(evaluation.task).values():
                leads = answers is evaluation
                facts = {
                    "task": evaluation.task,
                    "reading": answers.reading,
                    "leads": leads,
                    "contrast": pair.contrast.value,
                    **{f"first_{field}": getattr(first, field) for field in MODEL},
                    **{f"second_{field}": getattr(second, field) for field in MODEL},
                }
                for name, languages in ((by_language if leads else {}) | averages).items():
                    rows.append(facts | _difference(answers, first, second, name, languages))
    return pd.DataFrame(rows, columns=COLUMNS)


def format_comparisons(numbers: pd.DataFrame, margin: float) -> pd.DataFrame:
    """One line a pair of models and evaluation: differences in points with intervals, and where they differ."""
    rows = []
    for (task, _, first, second), lines in numbers.groupby(
        ["task", "contrast", "first_label", "second_label"], sort=False
    ):
        by_language = lines[lines["leads"]].set_index("language")
        found = by_language[["difference", "low", "high"]].astype(float)
        averages = {
            title: format_difference(Interval(*found.loc[name])) if name in found.index else NOTHING
            for title, name in (("Average", "average"), ("Zero-shot", "zero_shot"))
        }
        readings = lines[lines["language"] == "average"].to_dict("records")
        averages["Readings"] = format_readings(readings)
        averages["Equivalent"] = {True: "yes", False: "no", None: NOTHING}[equivalence_in_all(readings, margin)]
        languages = by_language[~by_language.index.isin(["average", "zero_shot"])]
        verdicts = pd.Series(map(verdict, languages.to_dict("records")), index=languages.index, dtype=object)
        where = {
            f"{title} in": _listed(verdicts.index[verdicts == each], len(languages))
            for title, each in (("Better", Verdict.ABOVE), ("Worse", Verdict.BELOW))
        }
        rows.append({"First": first, "Second": second, "Evaluation": task} | averages | where)
    columns = ["First", "Second", "Evaluation", "Average", "Zero-shot", "Readings", "Equivalent", "Better in"]
    return pd.DataFrame(rows, columns=[*columns, "Worse in"])


def format_readings(readings: Sequence[Mapping[Any, Any]]) -> str:
    """How many readings of a difference have which verdict, and the points that they span; a dash for one reading."""
    verdicts = [verdict(row) for row in readings]
    if len(readings) == 1 or None in verdicts:
        return NOTHING
    said = ", ".join(f"{verdicts.count(each)} {each}" for each in Verdict if each in verdicts)
    points = [100 * row["difference"] for row in readings]
    return f"{said}; {min(points):+.1f} to {max(points):+.1f}"


def equivalence_in_all(readings: Sequence[Mapping[Any, Any]], margin: float) -> bool | None:
    """Whether a difference lies within ±margin points in every reading; None where one cannot tell."""
    found = [equivalence(row, margin) for row in readings]
    return None if None in found else all(found)


def equivalence(row: Mapping[Any, Any], margin: float) -> bool | None:
    """Whether a difference lies within ±margin points by two one-sided tests at 5 %.

    None where that says nothing: without an interval, and where the margin is more than a tenth of both accuracies, so
    that a difference within it may be a large part of them.
    """
    if np.isnan(row["low_90"]) or margin > LARGEST_MARGIN * 100 * max(row["first_accuracy"], row["second_accuracy"]):
        return None
    return bool(-margin < 100 * row["low_90"] and 100 * row["high_90"] < margin)


def _difference(answers: Answers, first: Model, second: Model, name: str, languages: Sequence[str]) -> dict[str, Any]:
    """What a row says of one language, or of an average over several."""
    differences = answers.differences(first, second, languages)
    found, narrower = interval(differences), interval(differences, EQUIVALENCE_LEVEL)
    return {
        "runs": len(differences.runs),
        "covers": ", ".join(differences.covers),
        "language": name,
        "first_accuracy": answers.scores(first, languages).of_runs(differences.runs).mean,
        "second_accuracy": answers.scores(second, languages).of_runs(differences.runs).mean,
        "difference": found.mean,
        "low": found.low,
        "high": found.high,
        "low_90": narrower.low,
        "high_90": narrower.high,
    }


def _listed(languages: Iterable[str], tested: int) -> str:
    """The languages of a cell: their codes, or that they are all."""
    named = list(languages)
    return f"all {tested}" if len(named) == tested > 1 else ", ".join(named) or NOTHING
