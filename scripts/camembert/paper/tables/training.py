"""What happened in training: whether fine-tuning got there."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd

from camembert.paper.answers import select_model
from camembert.paper.record import ExperimentRecord
from camembert.paper.tables.writing import NOTHING, format_percent, render_texts, write_table

FLAT = 0.01
"""At most so much (share) does the last third of fine-tuning gain where it is flat: one point."""


def compute_convergence(record: ExperimentRecord) -> pd.DataFrame:
    """One row a classifier, in the order of the models.

    Returns:
        Recipe, chain, label, run, finetuning; curve (``step:accuracy`` of every evaluation); at_two_thirds, the best
        accuracy in the first two thirds of the steps (NaN where there was none), at_end, best, and gain (shares); flat
        (None where the curve cannot tell).
    """
    dev = record.curves[(record.curves["stage"] == "classifiers") & (record.curves["split"] == "dev")]
    rows = []
    for model in record.models:
        for (run, finetuning), lines in select_model(dev, model).groupby(["run", "finetuning"]):
            lines = lines.astype({"step": int, "accuracy": float}).sort_values(["step", "accuracy"])
            steps, accuracy = lines["step"], lines["accuracy"]
            two_thirds = math.ceil(2 * steps.iloc[-1] / 3)
            before, after = accuracy[steps <= two_thirds].max(), accuracy[steps > two_thirds].max()
            before = math.nan if math.isnan(after) else before
            gain = round(after - before, 6)  # a gain of one point is one in binary too
            row = model.describe() | {
                "run": run,
                "finetuning": finetuning,
                "curve": " ".join(map("{}:{:.4f}".format, steps, accuracy)),
                "at_two_thirds": before,
                "at_end": accuracy.iloc[-1],
                "best": accuracy.max(),
                "gain": gain,
                "flat": None if math.isnan(gain) else gain <= FLAT,
            }
            rows.append(row)
    return pd.DataFrame(rows)


def format_convergence(numbers: pd.DataFrame) -> pd.DataFrame:
    """The table as people read it: a row a model."""
    rows = []
    for label, own in numbers.groupby("label", sort=False):
        gains = own["gain"].dropna()
        means = format_percent(own[["at_two_thirds", "at_end", "best"]].mean())
        rows.append(
            {
                "Model": label,
                "Classifiers": str(len(own)),
                "Flat": f"{(gains <= FLAT).sum()}" if len(gains) else NOTHING,
                "Median gain of the last third": f"{100 * gains.median():+.1f}" if len(gains) else NOTHING,
                "Best at two thirds": means["at_two_thirds"],
                "At the end": means["at_end"],
                "Best": means["best"],
            }
        )
    return pd.DataFrame(rows)


def name_improving(convergence: pd.DataFrame, labelled: str = "English") -> str:
    """A sentence where classifiers were still improving at the end of fine-tuning; nothing where none was."""
    improving = convergence[convergence["gain"] > FLAT] if len(convergence) else convergence
    if improving.empty:
        return ""
    models = ", ".join(f"{label} ({count})" for label, count in improving.groupby("label", sort=False).size().items())
    return (
        f"{len(improving)} of {len(convergence)} classifiers were still improving at the end of fine-tuning, by more"
        f" than {100 * FLAT:g} point of {labelled} dev accuracy in its last third, so that their accuracies depend on"
        f" its length: {models}."
    )


def write_convergence(record: ExperimentRecord, stem: Path) -> None:
    """Writes whether fine-tuning got there."""
    numbers = compute_convergence(record)
    write_table(numbers, format_convergence(numbers), stem, *render_texts("convergence", record=record, flat=FLAT))
