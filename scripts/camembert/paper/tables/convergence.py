"""Whether fine-tuning got there: English dev accuracy of every classifier along its training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from camembert.paper.statistics import Model
from camembert.paper.tables.writing import NOTHING, format_percent

FLAT = 0.01
"""At most so much (share) does the last third of fine-tuning gain where it is flat: one point."""

CAPTION = "Whether fine-tuning had converged: accuracy on the {labelled} dev set, in percent."
NOTE = (
    "The gain is the best accuracy in the last third of the steps minus the best before; the last third is flat where "
    f"it is at most {100 * FLAT:g} point. A classifier that never left a plateau is flat too: the best accuracy "
    "tells. The .csv has a row a classifier with its whole curve."
)


def convergence(curves: pd.DataFrame, models: Sequence[Model]) -> pd.DataFrame:
    """One row a classifier, in the order of the models.

    Args:
        curves: of `Material`; those of fine-tuning have, in lines of split dev, step and accuracy (share).
        models: of the experiment.

    Returns:
        Recipe, chain, label, run, finetuning; curve (``step:accuracy`` of every evaluation); at_two_thirds, the best
        accuracy in the first two thirds of the steps (NaN where there was none), at_end, best, and gain (shares); flat
        (None where the curve cannot tell).
    """
    dev = curves[(curves["stage"] == "classifiers") & (curves["split"] == "dev")]
    rows = []
    for model in models:
        own = dev[(dev["recipe"] == model.recipe) & (dev["chain"] == model.chain)]
        for (run, finetuning), lines in own.groupby(["run", "finetuning"]):
            row: dict[str, Any] = {"recipe": model.recipe, "chain": model.chain, "label": model.label}
            row |= {"run": run, "finetuning": finetuning}
            rows.append(
                row | _facts(list(zip(lines["step"].astype(int), lines["accuracy"].astype(float), strict=True)))
            )
    return pd.DataFrame(rows)


def format_convergence(numbers: pd.DataFrame) -> pd.DataFrame:
    """The table as people read it: a row a model."""
    rows = []
    for label, own in numbers.groupby("label", sort=False):
        known = own[own["gain"].notna()]
        rows.append(
            {
                "Model": label,
                "Classifiers": str(len(own)),
                "Flat": f"{int((known['gain'] <= FLAT).sum())}" if len(known) else NOTHING,
                "Median gain of the last third": f"{100 * known['gain'].median():+.1f}" if len(known) else NOTHING,
                "Best at two thirds": format_percent(pd.Series([own["at_two_thirds"].mean()]))[0],
                "At the end": format_percent(pd.Series([own["at_end"].mean()]))[0],
                "Best": format_percent(pd.Series([own["best"].mean()]))[0],
            }
        )
    return pd.DataFrame(rows)


def still_improving(numbers: pd.DataFrame, labelled: str = "English") -> str:
    """A sentence where classifiers were still improving at the end of fine-tuning; nothing where none was.

    Args:
        numbers: of `convergence`.
        labelled: what the languages of the labels are called.
    """
    improving = numbers[numbers["gain"] > FLAT] if len(numbers) else numbers
    if improving.empty:
        return ""
    models = ", ".join(f"{label} ({count})" for label, count in improving.groupby("label", sort=False).size().items())
    return (
        f"{len(improving)} of {len(numbers)} classifiers were still improving at the end of fine-tuning, by more than"
        f" {100 * FLAT:g} point of {labelled} dev accuracy in its last third, so that their accuracies depend on its"
        f" length: {models}."
    )


def _facts(curve: Sequence[tuple[int, float]]) -> dict[str, Any]:
    """What a curve of (step, accuracy) says."""
    curve = sorted(curve)
    two_thirds = math.ceil(2 * curve[-1][0] / 3)
    before = [accuracy for step, accuracy in curve if step <= two_thirds]
    after = [accuracy for step, accuracy in curve if step > two_thirds]
    at_two_thirds = max(before) if before and after else math.nan
    gain = round(max(after, default=math.nan) - at_two_thirds, 6)  # a gain of one point is one in binary too
    return {
        "curve": " ".join(f"{step}:{accuracy:.4f}" for step, accuracy in curve),
        "at_two_thirds": at_two_thirds,
        "at_end": curve[-1][1],
        "best": max(accuracy for _, accuracy in curve),
        "gain": gain,
        "flat": None if math.isnan(gain) else gain <= FLAT,
    }
