"""Ablation: what a change of the recipe does to the students of every chain, all else equal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from camembert.paper.answers import Answers, Results
from camembert.paper.intervals import Interval, coverage, interval
from camembert.paper.statistics import PROBE, RETRIEVAL, Model, languages_of
from camembert.paper.tables.comparisons import format_readings
from camembert.paper.tables.writing import NOTHING, format_difference, format_interval, format_percent
from camembert.plan.chain import parse_chain

CAPTION = "What the recipe changes: accuracy in percent, and points above the first recipe."
NOTE = (
    "Averages over the languages (zero-shot: all but {labelled}; retrieval: into English), then over the runs; "
    "differences of models with the same chain, paired by run, with 95 % intervals in parentheses."
)


def ablation(results: Results, models: Sequence[Model], recipes: Sequence[str]) -> pd.DataFrame:
    """One row a distilled chain and recipe: averages and their difference from the first recipe (shares).

    Args:
        results: of all models.
        models: of the experiment.
        recipes: in the order of the config; the first is the one that others are compared with.

    Returns:
        Recipe, chain, method, layers, runs and what the intervals cover; for average and zero_shot, and for retrieval
        and probe where they were evaluated, the mean and the ends of its interval (low, high), then the difference and
        its ends, which are NaN in the rows of the first recipe; retrieval_readings, what all readings say of it.
    """
    averages: list[tuple[str, Answers, list[str]]] = []
    for evaluation in results.evaluations:
        own = languages_of(evaluation.languages, results.trained_on)
        if evaluation.is_retrieval:
            averages.append(("retrieval", evaluation, evaluation.languages))
        elif evaluation.task == PROBE:
            averages.append(("probe", evaluation, own["zero_shot"]))
        else:
            averages += [(name, evaluation, own[name]) for name in ("average", "zero_shot") if own[name]]
    distilled = {(model.chain, model.recipe): model for model in models if parse_chain(model.chain).is_distilled}
    rows = []
    for chain in dict.fromkeys(chain for chain, _ in distilled):
        reference = distilled[chain, recipes[0]]
        for recipe in recipes:
            model = distilled[chain, recipe]
            row: dict[str, Any] = {
                "recipe": recipe,
                "chain": chain,
                "method": str(model.method),
                "layers": model.layers,
            }
            for name, evaluation, languages in averages:
                scores = evaluation.scores(model, languages)
                row |= {"runs": len(scores.runs), "covers": ", ".join(scores.covers)} | _columns(name, interval(scores))
                difference = Interval(float("nan"), float("nan"), float("nan"))
                if model is not reference:
                    difference = interval(evaluation.differences(model, reference, languages))
                row |= _columns(f"{name}_difference", difference)
            row["retrieval_readings"] = ""
            if model is not reference:
                found = [
                    interval(each.differences(model, reference, each.languages))
                    for each in results.readings(RETRIEVAL).values()
                ]
                row["retrieval_readings"] = format_readings(
                    [each._asdict() | {"difference": each.mean} for each in found]
                )
            rows.append(row)
    return pd.DataFrame(rows)


def format_ablation(numbers: pd.DataFrame) -> pd.DataFrame:
    """The table as people read it: percent, and points with their interval."""
    shown = {
        "Chain": numbers["chain"],
        "Recipe": numbers["recipe"],
        "Average": format_percent(numbers["average"]),
        "95 % interval": list(map(format_interval, numbers["average_low"], numbers["average_high"])),
    }
    titles = {"average": "Average", "zero_shot": "Zero-shot", "probe": "Probe", "retrieval": "Retrieval"}
    for name, title in titles.items():
        if name not in numbers:
            continue
        if name in ("probe", "retrieval"):
            shown[title] = format_percent(numbers[name])
        ends = numbers[[f"{name}_difference", f"{name}_difference_low", f"{name}_difference_high"]]
        shown[f"{title}, difference"] = [format_difference(Interval(*row)) for row in ends.itertuples(index=False)]
    if "retrieval" in numbers:
        shown["Retrieval, all readings"] = numbers["retrieval_readings"].replace("", NOTHING)
    return pd.DataFrame(shown)


def note(numbers: pd.DataFrame, labelled: str = "English") -> str:
    """What the table's readers should know, with what its intervals cover; `labelled` names the labels' languages."""
    return f"{NOTE.format(labelled=labelled)} {coverage(numbers['covers'], numbers['runs'])}"


def _columns(name: str, found: Interval) -> dict[str, float]:
    return {name: found.mean, f"{name}_low": found.low, f"{name}_high": found.high}
