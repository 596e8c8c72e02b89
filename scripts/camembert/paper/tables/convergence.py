"""Whether fine-tuning got there: English dev accuracy of every classifier along its training."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from camembert.core.files import read_json_lines
from camembert.paper.statistics import Model, ResultsError
from camembert.paper.tables.writing import NOTHING, format_percent

FLAT = 0.01
"""At most so much (share) does the last third of fine-tuning gain where it is flat: one point."""
CURVE_PATH = re.compile(r"(?P<model>[^/]+/[^/]+)/r(?P<run>\d+)-f(?P<finetuning>\d+)\.jsonl")

CAPTION = "Whether fine-tuning had converged: accuracy on the English dev set, in percent."
NOTE = (
    "The gain is the best accuracy in the last third of the steps minus the best before; the last third is flat where "
    "it is at most {points:g} point. A classifier that never left a plateau is flat too: the best accuracy "
    "tells. The .csv has a row a classifier with its whole curve."
)


def convergence(paths: Iterable[Path], models: Sequence[Model]) -> pd.DataFrame:
    """One row a classifier, in the order of the models.

    Args:
        paths: what fine-tuning logged, ``.../{recipe}/{chain}/r{run}-f{finetuning}.jsonl``; lines of split dev have
            step and accuracy (share).
        models: of the experiment.

    Returns:
        Recipe, chain, label, run, finetuning; curve (``step:accuracy`` of every evaluation); at_two_thirds, the best
        accuracy in the first two thirds of the steps (NaN where there was none), at_end, best, and gain (shares); flat
        (None where the curve cannot tell).

    Raises:
        ResultsError: a misnamed file, one of no model, or one without an evaluation on dev.
    """
    by_path = {model.path: model for model in models}
    rows = []
    for path in map(Path, paths):
        named = CURVE_PATH.fullmatch("/".join(path.parts[-3:]))
        if named is None or named["model"] not in by_path:
            raise ResultsError(f"{path}: expected RECIPE/CHAIN/rN-fM.jsonl of a model of the experiment")
        lines = [line for line in read_json_lines(path) if line["split"] == "dev"]
        if not lines:
            raise ResultsError(f"{path}: no evaluation on dev; fine-tune that classifier again")
        model = by_path[named["model"]]
        row: dict[str, Any] = {"recipe": model.recipe, "chain": model.chain, "label": model.label}
        row |= {"run": int(named["run"]), "finetuning": int(named["finetuning"])}
        rows.append(row | _facts([(int(line["step"]), float(line["accuracy"])) for line in lines]))
    places = {model.path: i for i, model in enumerate(models)}
    rows.sort(key=lambda row: (places[f"{row['recipe']}/{row['chain']}"], row["run"], row["finetuning"]))
    return pd.DataFrame(rows)


def read_convergence(path: Path) -> pd.DataFrame:
    """Reads the ``.csv`` of what `convergence` returned."""
    return pd.read_csv(path, dtype={"recipe": str, "chain": str})


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


def note() -> str:
    """What the table's readers should know."""
    return NOTE.format(points=100 * FLAT)


def still_improving(numbers: pd.DataFrame) -> str:
    """A sentence where classifiers were still improving at the end of fine-tuning; nothing where none was."""
    improving = numbers[numbers["gain"] > FLAT]
    if improving.empty:
        return ""
    models = ", ".join(f"{label} ({count})" for label, count in improving.groupby("label", sort=False).size().items())
    return (
        f"{len(improving)} of {len(numbers)} classifiers were still improving at the end of fine-tuning, by more than"
        f" {100 * FLAT:g} point of English dev accuracy in its last third, so that their accuracies depend on its"
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
