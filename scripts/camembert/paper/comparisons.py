"""Pairs of models: how far one is above the other, how sure that is, and in which languages.

The difference and its interval are about *training runs* as well as test pairs (see ``intervals``). McNemar's test
is about test pairs alone: it holds two fixed sets of predictions against each other, here those of the two models'
ensembles, one prediction a pair, since pairs that several runs repeat would not be independent.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from camembert.paper.intervals import Interval, interval
from camembert.paper.predictions import Answers, covered, depends_on_distill_seed
from camembert.paper.statistics import Model, ResultsError, languages_of
from camembert.paper.summary import coverage
from camembert.paper.tables import NOTHING, difference
from camembert.plan.chain import Method
from camembert.plan.questions import Comparison, Question

MODEL = ("recipe", "chain", "label", "method")
COLUMNS = [
    "question", *(f"{side}_{field}" for side in ("first", "second") for field in MODEL),
    "seeds", "distill_seeds", "covers",
    "language", "first_accuracy", "second_accuracy", "difference", "low", "high",
    "only_first", "only_second", "p", "p_holm",
]  # fmt: skip
SIGNIFICANT = 0.05
FEW_SEEDS = 5  # fewer are indicative at most

NAMES = {
    Method.TEACHER: "the teacher",
    Method.RANDOM: "the encoder of random weights",
    Method.SCRATCH: "the encoder from scratch",
    Method.COPIED: "the encoder of copied layers",
    Method.DIRECT: "the direct student",
    Method.DIRECT_LONGER: "the direct student",
    Method.ASSISTANT: "the teacher assistant",
    Method.CASCADE: "the cascade",
}

CAPTION = "How far the first model is above the second, in points of accuracy."
NOTE = (
    "Differences of the means over the runs, with 95 % intervals that cover the draw of the test pairs, which both "
    "models share, and of every kind of seed of which there are several; a pair and its translations count as one. "
    "Better and worse: languages in which the ensembles of the two models' runs differ (McNemar's exact test on the "
    "test pairs, Holm over the languages of a line, 5 %); this says nothing of other training runs, and an ensemble of "
    "more runs is better by itself. Lines are not corrected for one another."
)


def read_comparisons(plan: Iterable[Mapping[str, Any]]) -> list[Comparison]:
    """Reads the pairs of the plan: mappings with question, first and second (recipe and chain each)."""
    return [
        Comparison(Question(pair["question"]), _recipe_and_chain(pair["first"]), _recipe_and_chain(pair["second"]))
        for pair in plan
    ]


def compare(answers: Answers, order: Sequence[Model], pairs: Iterable[Comparison]) -> pd.DataFrame:
    """One row a pair of models and language, then its average over all languages and its zero-shot average.

    The columns of COLUMNS: question; recipe, chain, label and method of both models; the smaller numbers of
    fine-tuning seeds and of distillation seeds (0: neither model depends on one) and what intervals cover; language
    (average and zero_shot beside the codes), accuracies, difference with the ends low and high of its 95 % interval
    (shares); for a language also what `mcnemar_by_language` returns.

    Raises:
        ResultsError: a pair names a model that the plan does not.
    """
    models = {(model.recipe, model.chain): model for model in order}
    averages = {name: own for name, own in languages_of(answers.languages).items() if name != "english" and own}
    rows: list[dict[Any, Any]] = []
    for pair in pairs:
        for named in (pair.first, pair.second):
            if named not in models:
                raise ResultsError(f"the comparison {pair.question} names {'/'.join(named)}, which is not in the plan")
        first, second = models[pair.first], models[pair.second]
        distilled = [len(answers.seeds(model)[0]) for model in (first, second) if depends_on_distill_seed(model)]
        facts = {
            "question": pair.question.value,
            **{f"first_{field}": getattr(first, field) for field in MODEL},
            **{f"second_{field}": getattr(second, field) for field in MODEL},
            "seeds": min(len(answers.seeds(model)[1]) for model in (first, second)),
            "distill_seeds": min(distilled, default=0),
            "covers": ", ".join(covered(answers, first, second)),
        }
        tests = mcnemar_by_language(answers.ensemble(first), answers.ensemble(second))
        for language, test in zip(answers.languages, tests.to_dict("records"), strict=True):
            rows.append({**facts, **_difference(answers, first, second, language, [language]), **test})
        for name, languages in averages.items():
            rows.append(facts | _difference(answers, first, second, name, languages))
    return pd.DataFrame(rows, columns=COLUMNS)


def mcnemar_by_language(first: np.ndarray, second: np.ndarray) -> pd.DataFrame:
    """McNemar's exact test in every language, corrected over the languages by Holm's method.

    Args:
        first, second: right answers of two sets of predictions (languages, pairs).

    Returns:
        One row a language: only_first and only_second (pairs that one alone got right), p, p_holm.
    """
    only_first, only_second = (first & ~second).sum(axis=1), (second & ~first).sum(axis=1)
    p = [mcnemar([[0, b], [c, 0]], exact=True).pvalue for b, c in zip(only_first, only_second, strict=True)]
    corrected = multipletests(p, alpha=SIGNIFICANT, method="holm")[1]
    return pd.DataFrame({"only_first": only_first, "only_second": only_second, "p": p, "p_holm": corrected})


def comparisons_in_print(numbers: pd.DataFrame) -> pd.DataFrame:
    """One line a pair of models: differences in points with intervals, and the languages in which they differ."""
    rows = []
    for (_, first, second), lines in numbers.groupby(["question", "first_label", "second_label"], sort=False):
        by_language = lines.set_index("language")
        found = by_language[["difference", "low", "high"]].astype(float)
        averages = {
            title: difference(Interval(*found.loc[name])) if name in found.index else NOTHING
            for title, name in (("Average", "average"), ("Zero-shot", "zero_shot"))
        }
        differs = by_language[by_language["p_holm"] < SIGNIFICANT]
        better = differs["only_first"] > differs["only_second"]
        tested = int(by_language["p_holm"].notna().sum())
        rows.append(
            {"First": first, "Second": second}
            | averages
            | {"Better in": _listed(differs.index[better], tested), "Worse in": _listed(differs.index[~better], tested)}
        )
    return pd.DataFrame(rows, columns=["First", "Second", "Average", "Zero-shot", "Better in", "Worse in"])


def conclusion(numbers: pd.DataFrame) -> str:
    """Sentences to be quoted, one a pair: the difference on average over the languages, and how sure it is.

    They are about the cascades and the pairs that the config names; where there are none, about all pairs.
    """
    averages = numbers[numbers["language"] == "average"]
    chosen = averages[(averages["first_method"] == Method.CASCADE) | (averages["question"] == Question.OTHER)]
    averages = averages if chosen.empty else chosen
    if averages.empty:
        return "The config asks for no comparison.\n"
    languages = numbers.loc[~numbers["language"].isin(["average", "zero_shot"]), "language"].nunique()
    several = averages["first_recipe"].nunique() > 1
    sentences = (f"- {_sentence(row, languages, several)}\n" for row in averages.to_dict("records"))
    return f"{''.join(sentences)}\n{coverage(averages)}\n"


def _sentence(row: Mapping[Any, Any], languages: int, several_recipes: bool) -> str:
    """How far one model is above another, in words."""
    first, second = (f"{NAMES[row[f'{side}_method']]} {row[f'{side}_chain']}" for side in ("first", "second"))
    points = round(100 * row["difference"], 1)
    far = f"{abs(points):.1f} points {'above' if points > 0 else 'below'}" if points else "level with"
    recipe = f" with recipe {row['first_recipe']}" if several_recipes else ""
    claim = f"{first} is {far} {second}{recipe} on average over {languages} languages"
    claim = f"At equal compute {claim}" if "equal_compute" in row["question"] else claim[0].upper() + claim[1:]
    if math.isnan(row["low"]):
        return f"{claim}; with one run no interval can be given."
    ends = f"95 % interval {100 * row['low']:.1f} to {100 * row['high']:.1f}"
    if row["low"] <= 0 <= row["high"]:
        ends += ", which includes no difference"
    numbers = [row[kind] for kind in ("seeds", "distill_seeds") if row[kind] > 1]
    few = "; indicative, with fewer than five seeds" if min(numbers) < FEW_SEEDS else ""
    return f"{claim} ({ends}{few})."


def _difference(answers: Answers, first: Model, second: Model, name: str, languages: Sequence[str]) -> dict[str, Any]:
    """What a row says of one language, or of an average over several."""
    scores = [answers.scores(model, languages) for model in (first, second)]
    found = interval(*scores)
    return {
        "language": name,
        "first_accuracy": scores[0].mean(),
        "second_accuracy": scores[1].mean(),
        "difference": found.mean,
        "low": found.low,
        "high": found.high,
    }


def _listed(languages: Iterable[str], tested: int) -> str:
    """The languages of a cell: their codes, or that they are all."""
    named = list(languages)
    return f"all {tested}" if len(named) == tested > 1 else ", ".join(named) or NOTHING


def _recipe_and_chain(model: Sequence[str]) -> tuple[str, str]:
    recipe, chain = model
    return recipe, chain
