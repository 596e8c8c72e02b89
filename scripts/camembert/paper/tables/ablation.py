"""Ablation: what a change of the recipe does to the students of every chain, all else equal."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from camembert.paper.answers import Results
from camembert.paper.intervals import Interval, coverage
from camembert.paper.statistics import PROBE, RETRIEVAL, Model
from camembert.paper.tables.comparisons import compare, format_readings
from camembert.paper.tables.summary import summary
from camembert.paper.tables.writing import NOTHING, format_difference, format_interval, format_percent
from camembert.plan.chain import parse_chain
from camembert.plan.comparisons import Contrast, PlannedComparison

CAPTION = "What the recipe changes: accuracy in percent, and points above the first recipe."
NOTE = (
    "Averages over the languages (zero-shot: all but {labelled}; retrieval: into English), then over the runs; "
    "differences of models with the same chain, paired by run, with 95 % intervals in parentheses."
)
TITLES = {"average": "Average", "zero_shot": "Zero-shot", "probe": "Probe", "retrieval": "Retrieval"}
"""Columns of the summary, and what tables call them."""


def ablation(results: Results, models: Sequence[Model], recipes: Sequence[str]) -> pd.DataFrame:
    """One row a distilled chain and recipe: averages and their difference from the first recipe (shares).

    Args:
        results: of all models.
        models: of the experiment.
        recipes: in the order of the config; the first is the one that others are compared with.

    Returns:
        The rows of the summary with the method; for each of `TITLES` that was evaluated the difference and the ends of
        its interval (_difference, _difference_low, _difference_high), NaN in the rows of the first recipe; and
        retrieval_readings, what all readings say of it.
    """
    distilled = [model for model in models if parse_chain(model.chain).is_distilled]
    order = {recipe: place for place, recipe in enumerate(recipes)}
    chains = list(dict.fromkeys(model.chain for model in distilled))
    distilled.sort(key=lambda model: (chains.index(model.chain), order[model.recipe]))
    pairs = [
        PlannedComparison(Contrast.OTHER, (model.recipe, model.chain), (recipes[0], model.chain))
        for model in distilled
        if model.recipe != recipes[0]
    ]
    found = compare(results, models, pairs)
    found["column"] = found["language"].where(~found["task"].isin([PROBE, RETRIEVAL]), found["task"])
    averaged = found["language"] == found["task"].map({PROBE: "zero_shot", RETRIEVAL: "average"})
    leading = found[found["leads"] & (averaged | found["column"].isin(["average", "zero_shot"]))]
    numbers = summary(results, models).merge(pd.DataFrame(distilled)[["recipe", "chain", "method"]])
    numbers = numbers.set_index(["chain", "recipe"]).loc[[(model.chain, model.recipe) for model in distilled]]
    for column in TITLES:
        if column in numbers:
            own = leading[leading["column"] == column].set_index(["first_chain", "first_recipe"])
            for name, end in (("difference", ""), ("low", "_low"), ("high", "_high")):
                numbers[f"{column}_difference{end}"] = own[name].reindex(numbers.index)
    read = found[(found["task"] == RETRIEVAL) & (found["language"] == "average")]
    said = {key: format_readings(own.to_dict("records")) for key, own in read.groupby(["first_chain", "first_recipe"])}
    numbers["retrieval_readings"] = [said.get(key, NOTHING) for key in numbers.index]
    return numbers.reset_index()


def format_ablation(numbers: pd.DataFrame) -> pd.DataFrame:
    """The table as people read it: percent, and points with their interval."""
    shown = {
        "Chain": numbers["chain"],
        "Recipe": numbers["recipe"],
        "Average": format_percent(numbers["average"]),
        "95 % interval": list(map(format_interval, numbers["average_low"], numbers["average_high"])),
    }
    for name, title in TITLES.items():
        if name not in numbers:
            continue
        if name in ("probe", "retrieval"):
            shown[title] = format_percent(numbers[name])
        ends = numbers[[f"{name}_difference", f"{name}_difference_low", f"{name}_difference_high"]].astype(float)
        shown[f"{title}, difference"] = [format_difference(Interval(*row)) for row in ends.itertuples(index=False)]
    if "retrieval" in numbers:
        shown["Retrieval, all readings"] = numbers["retrieval_readings"]
    return pd.DataFrame(shown)


def note(numbers: pd.DataFrame, labelled: str = "English") -> str:
    """What the table's readers should know, with what its intervals cover."""
    return f"{NOTE.format(labelled=labelled)} {coverage(numbers['covers'], numbers['runs'])}"
