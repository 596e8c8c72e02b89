"""Pairs of models: how far one is above the other, how sure that is, and in which languages.

The difference and its interval are about *training runs* as well as test items (see ``intervals``). McNemar's test
is about test items alone: it compares two fixed sets of predictions, here those of the two models' ensembles, one
prediction an item, since items that several runs repeat would not be independent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from camembert.paper.answers import Answers
from camembert.paper.intervals import EQUIVALENCE_LEVEL, Interval, interval
from camembert.paper.statistics import Model, ResultsError, languages_of
from camembert.paper.tables.writing import NOTHING, format_difference
from camembert.plan.comparisons import Contrast, PlannedComparison

MODEL = ("recipe", "chain", "label", "method")
COLUMNS = [
    "task", "contrast", *(f"{side}_{field}" for side in ("first", "second") for field in MODEL),
    "runs", "covers",
    "language", "first_accuracy", "second_accuracy", "difference", "low", "high", "low_90", "high_90",
    "only_first", "only_second", "p", "p_holm",
]  # fmt: skip
SIGNIFICANT = 0.05
LARGEST_MARGIN = 0.1
"""Of equivalence, as a share of the accuracies that are compared."""

CAPTION = "How far the first model is above the second, in points of accuracy."
NOTE = (
    "Differences of the means over the runs, paired by run, with 95 % intervals; a test item and its translations "
    "count as one. Equivalent: whether the average differs by less than {margin:g} points by two one-sided tests at "
    "5 % (its 90 % interval lies inside); not asked where that margin is more than a tenth of both accuracies. Better "
    "and worse answer another question: in which languages the ensembles of the two models' runs differ on these test "
    "items (McNemar's exact test, Holm over the languages of a line, 5 %); they say nothing of other training runs, "
    "and an ensemble of more runs is better by itself. Lines are not corrected for one another."
)


def read_planned(planned: Iterable[Mapping[str, Any]]) -> list[PlannedComparison]:
    """Reads planned comparisons: mappings with contrast, first and second (recipe and chain each)."""
    return [
        PlannedComparison(
            Contrast(pair["contrast"]), _recipe_and_chain(pair["first"]), _recipe_and_chain(pair["second"])
        )
        for pair in planned
    ]


def compare(answers: Iterable[Answers], models: Sequence[Model], planned: Sequence[PlannedComparison]) -> pd.DataFrame:
    """One row an evaluation, a pair of models and language, then its average over all languages and zero-shot.

    The columns of COLUMNS: task (or retrieval); contrast; recipe, chain, label and method of both models; the number
    of runs that both have and that all numbers are means of, and what intervals cover; language (average and, of the
    task, zero_shot beside the codes), accuracies, difference with the ends low and high of its 95 % interval and
    low_90 and high_90 of that of two one-sided tests (shares); for a language of the task also what
    `mcnemar_by_language` returns.

    Raises:
        ResultsError: a pair names a model that the experiment does not hold.
    """
    by_path = {(model.recipe, model.chain): model for model in models}
    rows: list[dict[Any, Any]] = []
    for evaluation in answers:
        averages = {"average": evaluation.languages}
        if not evaluation.is_retrieval and (zero_shot := languages_of(evaluation.languages)["zero_shot"]):
            averages["zero_shot"] = zero_shot
        for pair in planned:
            for named in (pair.first, pair.second):
                if named not in by_path:
                    raise ResultsError(
                        f"the comparison {pair.contrast} names {'/'.join(named)}, which is not in the experiment"
                    )
            first, second = by_path[pair.first], by_path[pair.second]
            facts = {
                "task": evaluation.task,
                "contrast": pair.contrast.value,
                **{f"first_{field}": getattr(first, field) for field in MODEL},
                **{f"second_{field}": getattr(second, field) for field in MODEL},
            }
            tests = _tests(evaluation, first, second)
            for language, test in zip(evaluation.languages, tests, strict=True):
                rows.append(facts | _difference(evaluation, first, second, language, [language]) | test)
            for name, languages in averages.items():
                rows.append(facts | _difference(evaluation, first, second, name, languages))
    return pd.DataFrame(rows, columns=COLUMNS)


def mcnemar_by_language(first: np.ndarray, second: np.ndarray) -> pd.DataFrame:
    """McNemar's exact test in every language, corrected over the languages by Holm's method.

    Args:
        first, second: right answers of two sets of predictions (languages, items).

    Returns:
        One row a language: only_first and only_second (items that one alone got right), p, p_holm.
    """
    only_first, only_second = (first & ~second).sum(axis=1), (second & ~first).sum(axis=1)
    p = [mcnemar([[0, b], [c, 0]], exact=True).pvalue for b, c in zip(only_first, only_second, strict=True)]
    corrected = multipletests(p, alpha=SIGNIFICANT, method="holm")[1]
    return pd.DataFrame({"only_first": only_first, "only_second": only_second, "p": p, "p_holm": corrected})


def format_comparisons(numbers: pd.DataFrame, margin: float) -> pd.DataFrame:
    """One line a pair of models and evaluation: differences in points with intervals, and where they differ."""
    rows = []
    for (task, _, first, second), lines in numbers.groupby(
        ["task", "contrast", "first_label", "second_label"], sort=False
    ):
        by_language = lines.set_index("language")
        found = by_language[["difference", "low", "high"]].astype(float)
        averages = {
            title: format_difference(Interval(*found.loc[name])) if name in found.index else NOTHING
            for title, name in (("Average", "average"), ("Zero-shot", "zero_shot"))
        }
        average = lines[lines["language"] == "average"].to_dict("records")[0]
        averages["Equivalent"] = {True: "yes", False: "no", None: NOTHING}[equivalence(average, margin)]
        differs = by_language[by_language["p_holm"] < SIGNIFICANT]
        better = differs["only_first"] > differs["only_second"]
        tested = int(by_language["p_holm"].notna().sum())
        rows.append(
            {"First": first, "Second": second, "Evaluation": task}
            | averages
            | {"Better in": _listed(differs.index[better], tested), "Worse in": _listed(differs.index[~better], tested)}
        )
    columns = ["First", "Second", "Evaluation", "Average", "Zero-shot", "Equivalent", "Better in", "Worse in"]
    return pd.DataFrame(rows, columns=columns)


def equivalence(row: Mapping[Any, Any], margin: float) -> bool | None:
    """Whether a difference lies within ±margin points by two one-sided tests at 5 %.

    None where that says nothing: without an interval, and where the margin is more than a tenth of both accuracies, so
    that a difference within it may be a large part of them.
    """
    if np.isnan(row["low_90"]) or margin > LARGEST_MARGIN * 100 * max(row["first_accuracy"], row["second_accuracy"]):
        return None
    return bool(-margin < 100 * row["low_90"] and 100 * row["high_90"] < margin)


def _tests(answers: Answers, first: Model, second: Model) -> list[dict[Any, Any]]:
    """McNemar's tests of two models, a language each; nothing where there are no ensembles."""
    of_first, of_second = answers.ensemble(first), answers.ensemble(second)
    if of_first is None or of_second is None:
        return [{} for _ in answers.languages]
    return mcnemar_by_language(of_first, of_second).to_dict("records")


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


def _recipe_and_chain(model: Sequence[str]) -> tuple[str, str]:
    recipe, chain = model
    return recipe, chain
