"""Ablation: what a change of the recipe does to the students of every chain, all else equal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from camembert.paper.intervals import Interval, interval
from camembert.paper.predictions import Answers, covered, depends_on_distill_seed
from camembert.paper.statistics import Model, languages_of
from camembert.paper.tables import difference, percent, range_of
from camembert.plan.chain import parse_chain

CAPTION = "What the recipe changes: accuracy in percent, and points above the first recipe."
NOTE = (
    "Averages over the languages (zero-shot: all but English), then over the runs; differences of models with the same "
    "chain, with 95 % intervals in parentheses. "
)


def ablation(answers: Answers, order: Sequence[Model], recipes: Sequence[str]) -> pd.DataFrame:
    """One row a distilled chain and recipe: averages and their difference from the first recipe (shares).

    Args:
        answers: of all models.
        order: the plan.
        recipes: in the order of the config; the first is the one that others are held against.

    Returns:
        Recipe, chain, layers, seeds and what the intervals cover; for average and zero_shot the mean and the ends of
        its interval (low, high), then the difference and its ends, which are NaN in the rows of the first recipe.
    """
    averages = {name: own for name, own in languages_of(answers.languages).items() if name != "english" and own}
    models = {(model.chain, model.recipe): model for model in order if parse_chain(model.chain).is_distilled}
    rows = []
    for chain in dict.fromkeys(chain for chain, _ in models):
        reference = models[chain, recipes[0]]
        for recipe in recipes:
            model = models[chain, recipe]
            distill_seeds, seeds = answers.seeds(model)
            row: dict[str, Any] = {
                "recipe": recipe,
                "chain": chain,
                "method": model.method.value,
                "layers": model.layers,
                "seeds": len(seeds),
                "distill_seeds": len(distill_seeds) if depends_on_distill_seed(model) else 0,
                "covers": ", ".join(covered(answers, model)),
            }
            for name, languages in averages.items():
                scores, base = answers.scores(model, languages), answers.scores(reference, languages)
                row |= _columns(name, interval(scores))
                nothing = Interval(float("nan"), float("nan"), float("nan"))
                row |= _columns(f"{name}_difference", nothing if model is reference else interval(scores, base))
            rows.append(row)
    return pd.DataFrame(rows)


def ablation_in_print(numbers: pd.DataFrame) -> pd.DataFrame:
    """The table as people read it: percent, and points with their interval."""
    shown = {
        "Chain": numbers["chain"],
        "Recipe": numbers["recipe"],
        "Average": percent(numbers["average"]),
        "95 % interval": list(map(range_of, numbers["average_low"], numbers["average_high"])),
    }
    for title, name in (("Average, difference", "average"), ("Zero-shot, difference", "zero_shot")):
        if name in numbers:
            ends = numbers[[f"{name}_difference", f"{name}_difference_low", f"{name}_difference_high"]]
            shown[title] = [difference(Interval(*row)) for row in ends.itertuples(index=False)]
    return pd.DataFrame(shown)


def _columns(name: str, found: Interval) -> dict[str, float]:
    return {name: found.mean, f"{name}_low": found.low, f"{name}_high": found.high}
