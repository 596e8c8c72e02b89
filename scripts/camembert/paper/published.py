"""Accuracies that others published on XNLI, to stand beside ours; docs/published.csv names the source of each."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

ZERO_SHOT = "zero-shot"  # the setting of this project: fine-tuned on English, evaluated elsewhere
TEST_EXAMPLES = 5010  # of XNLI's test set, in every language
MARK = "Published: "
NOTE = (
    "Lines marked as published are zero-shot results of others, copied from: {sources}. They were made with other data "
    "and code. Their average is over the languages shown, and left out where one is missing."
)


def read_published(path: Path | None, accuracy: pd.DataFrame) -> pd.DataFrame:
    """Reads the published zero-shot rows that can stand beside an experiment's accuracies.

    Args:
        path: a table in percent with the columns model, setting, a language each, avg and source; None where the
            experiment is not on the full test set of XNLI.
        accuracy: the experiment's tidy accuracies on its task.

    Returns:
        Label, source, the experiment's languages and average, as shares (0 to 1); NaN where nothing was published.
        No row where the experiment has another number of test examples than XNLI.
    """
    languages = list(accuracy["language"].unique())
    columns = ["label", "source", *languages, "average"]
    if path is None or set(accuracy["n"]) != {TEST_EXAMPLES}:
        return pd.DataFrame(columns=columns)
    rows = pd.read_csv(path)
    rows = rows[rows["setting"] == ZERO_SHOT].reset_index(drop=True)
    shares = rows.reindex(columns=languages).astype(float) / 100
    rows = shares.assign(
        label=MARK + rows["model"],
        source=rows["source"],
        average=shares.mean(axis=1, skipna=False),
    )[columns]
    return rows[rows[languages].notna().any(axis=1)]


def note_of(published: pd.DataFrame) -> str:
    """What a table says of its published rows; nothing where it has none."""
    if published.empty:
        return ""
    sources = published["label"].str.removeprefix(MARK) + ", " + published["source"]
    return " " + NOTE.format(sources="; ".join(sources))
