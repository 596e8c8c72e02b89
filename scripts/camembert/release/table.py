"""What the forms of a release keep and cost, beside the teacher: one table and one picture."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

from camembert.core.files import read_json
from camembert.evaluation.efficiency import STEADY_WITHIN
from camembert.paper.figures.style import drawing, shade_rows
from camembert.paper.intervals import ONCE, Interval, Scores, compute_interval, score_units
from camembert.paper.tables.writing import format_interval, format_percent, write_table
from camembert.plan.sources import ENGLISH
from camembert.release.choice import CLASSIFIER, FORMS, INT8, LARGEST_LOSS, ONNX, PYTORCH

RELEASE_CAPTION = "The release beside its teacher."
RELEASE_NOTE = (
    "Accuracy is the mean over all languages of the test sets, with its 95 % interval, which covers the draw of the"
    " items; of each model one classifier is measured, the best on dev. On disk: the folder with its tokenizer."
    " Times are medians on the CPU ({threads}, {processor}), compared best as ratios. Memory is the peak of a process"
    " that loads the form, predicts the test sets (encoders: nothing) and measures the times."
)
FORMAT_COLOURS = {PYTORCH: "#000000", ONNX: "#0072B2", INT8: "#D55E00"}
COLUMNS_AT = (8, 40)
"""Where the columns of size and accuracy begin: points right of the panel."""


def tabulate_release(
    metrics: Iterable[str | os.PathLike[str]],
    predictions: Iterable[str | os.PathLike[str]],
    labels: Sequence[str],
    parallel: bool,
    kept: Sequence[str],
    table: Path,
    figure: Path,
) -> None:
    """Writes .csv, .md and .tex of the table and .pdf and .png of the figure, given the stems of their paths.

    Args:
        metrics: JSON files of all forms, ``FORM.json``, in the order of the rows.
        predictions: parquet files of classifiers, ``FORM/LANGUAGE.parquet``; see `accuracy_interval`.
        kept: languages whose tokens a trimmed vocabulary keeps.
    """
    measured = {Path(path).stem: read_json(path) for path in metrics}
    by_form: dict[str, list[Path]] = {}
    for path in map(Path, predictions):
        by_form.setdefault(path.parent.name, []).append(path)
    accuracy = {form: accuracy_interval(own, labels, parallel) for form, own in by_form.items()}
    numbers = release_table(measured, accuracy, kept)
    one = measured[CLASSIFIER]
    tokens = one["speed"][0]["tokens"]
    shown = format_release(numbers, tokens, one["batch"])
    write_table(numbers, shown, table, RELEASE_CAPTION, release_note(numbers, measured, kept, tokens))
    draw_release(numbers, kept, tokens, figure)


def accuracy_interval(predictions: Iterable[str | os.PathLike[str]], labels: Sequence[str], parallel: bool) -> Interval:
    """The accuracy of a classifier as a mean over languages (a share), and the 95 % interval that its items give.

    Args:
        predictions: parquet files, one a language.
        labels: their columns of logits, in the order of their numbers.
        parallel: whether the items of every language are translations, in the same order; they are one unit then.
    """
    tables = [pq.read_table(path) for path in predictions]
    right = [
        np.column_stack([table[label] for label in labels]).argmax(1) == table["label"].to_numpy() for table in tables
    ]
    languages = np.repeat(range(len(tables)), [len(table) for table in tables])
    has_clusters = all("cluster" in table.column_names for table in tables)
    clusters = np.concatenate([table["cluster"].to_numpy() for table in tables]) if has_clusters else None
    values = np.concatenate(right)[None].astype(float)
    return compute_interval(Scores(ONCE, score_units(values, languages, clusters, parallel)))


def release_table(
    measured: Mapping[str, dict[str, Any]], accuracy: Mapping[str, Interval], kept: Sequence[str]
) -> pd.DataFrame:
    """One row a form: chain, bytes, accuracies with an interval (shares), times and memory.

    Args:
        measured: what measuring each form found, by its name, in the order of the rows.
        accuracy: of the classifiers among them, the mean over languages and its interval.
        kept: languages whose tokens a trimmed vocabulary keeps.
    """
    rows = []
    for name, facts in measured.items():
        own = pd.Series(facts["accuracy"], dtype=float)
        mean, low, high = accuracy.get(name, Interval(np.nan, np.nan, np.nan))
        row = {"form": name, "chain": facts["chain"], "label": FORMS[name].label, "bytes": facts["bytes"]}
        row |= {"average": mean, "average_low": low, "average_high": high, "english": own.get(ENGLISH, np.nan)}
        row |= {"kept_languages": own.reindex(list(kept)).mean()}
        for at in facts["speed"]:
            batch = 1000 * facts["batch"] / at["rows_per_second"]
            row |= {f"latency_ms_{at['tokens']}": at["latency_ms"], f"batch_ms_{at['tokens']}": batch}
        rows.append(row | {"peak_memory_mib": facts["peak_memory_mib"]} | own.add_prefix("accuracy_").to_dict())
    return pd.DataFrame(rows)


def format_release(numbers: pd.DataFrame, tokens: int, batch: int) -> pd.DataFrame:
    """The table as people read it: percent, MB (millions of bytes), milliseconds.

    Args:
        numbers: from `release_table`.
        tokens: a sentence, of those that were measured.
        batch: sentences a batch.
    """
    ends = numbers[["average_low", "average_high"]].to_numpy()
    shown = pd.DataFrame({"Form": numbers["label"], "Chain": numbers["chain"].astype(str)})
    shown["Accuracy"] = format_percent(numbers["average"])
    shown["95 % interval"] = [format_interval(low, high) for low, high in ends]
    if sum(str(column).startswith("accuracy_") for column in numbers) > 1:
        shown["English"] = format_percent(numbers["english"])
        if any(FORMS[name].trimmed for name in numbers["form"]):
            shown["Kept languages"] = format_percent(numbers["kept_languages"])
    shown["On disk (MB)"] = (numbers["bytes"] / 1e6).map("{:.1f}".format)
    shown[f"1 sentence of {tokens} tokens (ms)"] = numbers[f"latency_ms_{tokens}"].map("{:.2f}".format)
    shown[f"{batch} sentences (ms)"] = numbers[f"batch_ms_{tokens}"].map("{:.1f}".format)
    shown["Memory (MB)"] = (numbers["peak_memory_mib"] * 2**20 / 1e6).map("{:.0f}".format)
    return shown


def release_note(
    numbers: pd.DataFrame, measured: Mapping[str, dict[str, Any]], kept: Sequence[str], tokens: int
) -> str:
    """What the table's readers should know: how it was measured, what the smallest form wins, what eight bits lose."""
    one = measured[CLASSIFIER]
    threads = f"{one['threads']} thread{'s' if one['threads'] > 1 else ''}"
    notes = [RELEASE_NOTE.format(threads=threads, processor=one["processor"])]
    if any(FORMS[name].trimmed for name in measured):
        notes.append(f"A trimmed vocabulary keeps the tokens of {', '.join(kept)}; other languages may lose by it.")
    unsteady = [
        FORMS[name].label for name, facts in measured.items() if facts["speed"][0]["latency_spread"] > STEADY_WITHIN
    ]
    if unsteady:
        notes.append(f"**Repeats did not agree, as something else used this machine: {'; '.join(unsteady)}.**")
    for name, facts in measured.items():
        if (loss := facts.get("loss_of_eight_bits")) is not None:
            notes.append(describe_loss(name, loss))
    table = numbers.set_index("form")
    students = [name for name in table.index if FORMS[name].model == CLASSIFIER and not FORMS[name].of_teacher]
    fastest = min(students, key=lambda name: table.loc[name, f"latency_ms_{tokens}"])
    for name in table.index:
        if FORMS[name].of_teacher and FORMS[name].format in (PYTORCH, FORMS[fastest].format):
            notes.append(_compared(table, fastest, name, tokens))
    return " ".join(notes)


def describe_loss(form: str, loss: float) -> str:
    """What eight bits lose on dev, in a sentence; with a warning where that is more than a point."""
    if FORMS[form].model != CLASSIFIER:
        return f"{FORMS[form].label}: vectors have a mean cosine of {1 - loss:.4f} with those in float32 (dev)."
    warning = " **That is more than a point: take another form.**" if loss > LARGEST_LOSS else ""
    return f"{FORMS[form].label}: eight bits change accuracy on dev by {100 * (0 - loss):+.1f} points.{warning}"


def _compared(table: pd.DataFrame, student: str, teacher: str, tokens: int) -> str:
    one, other = table.loc[student], table.loc[teacher]
    faster = other[f"latency_ms_{tokens}"] / one[f"latency_ms_{tokens}"]
    return (
        f"{one['label']} answers one sentence {faster:.1f} times as fast as {other['label']}, on"
        f" {one['bytes'] / other['bytes']:.0%} of the disk, at {100 * (one['average'] - other['average']):+.1f} points."
    )


def draw_release(numbers: pd.DataFrame, kept: Sequence[str], tokens: int, stem: Path) -> None:
    """Draws the latency of every classifier, a row a form, with its accuracy and its size beside it.

    Args:
        numbers: from `release_table`.
        kept: languages whose tokens a trimmed vocabulary keeps, in which the accuracy of such a form is shown.
        tokens: a sentence, of those that were measured.
        stem: path of the figure without its ending.
    """
    rows = numbers[numbers["average"].notna()].to_dict("records")
    languages = sum(str(column).startswith("accuracy_") for column in numbers)
    with drawing(stem, 0.75 + 0.22 * len(rows)) as [[axes]]:
        axes.set_xscale("log")
        for place, row in enumerate(rows):
            form = FORMS[row["form"]]
            look = {"color": FORMAT_COLOURS[form.format], "marker": "*" if form.of_teacher else "o", "markersize": 5}
            axes.plot(row[f"latency_ms_{tokens}"], place, linestyle="none", **look)
            narrowed = form.trimmed and len(kept) < languages
            accuracy = f"{100 * row['kept_languages' if narrowed else 'average']:.1f}"
            shown = f"{accuracy} in {' '.join(kept)}" if narrowed else accuracy
            _write_right(axes, place, [f"{row['bytes'] / 1e6:.3g}", shown])
        shade_rows(axes, len(rows))
        _write_right(axes, -1, ["MB", "accuracy, %"])
        axes.set_yticks(range(len(rows)), [FORMS[row["form"]].label for row in rows])
        axes.margins(x=0.08)
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xlabel(f"Latency of one sentence of {tokens} tokens (ms)")


def _write_right(axes: Axes, row: int, texts: Sequence[str]) -> None:
    """Writes the two columns on the right of a panel in one of its rows; -1 is above the first."""
    where: dict[str, Any] = {"xycoords": axes.get_yaxis_transform(), "textcoords": "offset points"}
    for text, column in zip(texts, COLUMNS_AT, strict=True):
        axes.annotate(text, (1, row), (column, 0), va="center", fontsize=6.5, **where)
