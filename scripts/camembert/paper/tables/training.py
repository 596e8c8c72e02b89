"""What happened in training: whether fine-tuning got there, and in which languages compression hurts."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd

from camembert.paper.answers import find_teacher, select_model
from camembert.paper.record import ExperimentRecord
from camembert.paper.tables.writing import NOTHING, format_percent, render_texts, write_csv, write_table
from camembert.plan.chain import parse_chain

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


def compute_languages(record: ExperimentRecord) -> pd.DataFrame:
    """Where compression hurts: one row a language and a model that starts from a teacher's layers.

    Returns:
        Language, corpus_tokens, corpus_share (0 to 1); recipe, chain, label, method; held_out_loss of the last hop at
        the end of its training, mean over the runs (NaN where that hop trained nothing); accuracy,
        teacher_accuracy and accuracy_change (shares).
    """
    task, encoders = record.results.task, record.select_stage("encoders")
    teacher = task.select_runs(find_teacher(record.models)).mean()
    # of the corpus, which all encoders share; a given teacher has seen none of it
    tokens = next(facts["corpus_tokens"] for facts in encoders if facts.get("corpus_tokens"))
    rows = []
    for model in record.models:
        chain = parse_chain(model.chain)
        if chain.parent is None:
            continue
        accuracy = task.select_runs(model).mean()
        runs = [facts["held_out"] for facts in encoders if (facts["recipe"], facts["chain"]) == model[:2]]
        for language in task.languages:
            losses = [held_out[language]["loss"] for held_out in runs] if chain.budget else []
            rows.append(
                {
                    "language": language,
                    "corpus_tokens": tokens[language],
                    "corpus_share": tokens[language] / sum(tokens.values()),
                    **model.describe("method"),
                    "held_out_loss": sum(losses) / len(losses) if losses else math.nan,
                    "accuracy": accuracy[language],
                    "teacher_accuracy": teacher[language],
                    "accuracy_change": accuracy[language] - teacher[language],
                }
            )
    return pd.DataFrame(rows)


def write_languages(record: ExperimentRecord, stem: Path) -> None:
    """Writes where compression hurts, for programs."""
    write_csv(compute_languages(record), stem.with_suffix(".csv"))
