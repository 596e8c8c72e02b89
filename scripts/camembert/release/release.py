"""The release: the chosen model in the forms people use it in, and what each form costs and keeps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from camembert.core.files import read_json
from camembert.paper.statistics import ENGLISH
from camembert.release.forms import FORMS

CAPTION = "The released classifier in its forms."
NOTE = (
    "All forms predict the same test sets on the CPU. Kept languages are those whose tokens the trimmed vocabulary "
    "keeps ({kept}); the others may lose by it. Weights are the model's file. Time: latency of one example, and "
    "examples a second in batches of {batch}, medians of repeated runs ({threads}, {processor}). Peak memory is that "
    "of a process that predicts all languages and then measures time. The 8-bit model is {points:+.1f} points from "
    "the float32 one on average over all languages and runs {ratio:.1f} times as many examples a second at {tokens} "
    "tokens as PyTorch, {onnx_ratio:.1f} times as many as ONNX in float32. Eight-bit arithmetic pays where matrices "
    "are wide."
)


def best_on_dev(metrics: Iterable[Path]) -> dict[str, Any]:
    """Of some classifiers the one that is best on English dev; the test sets have no say. The first of equals.

    Args:
        metrics: JSON files of their fine-tuning.

    Returns:
        recipe, chain, run and fine-tuning of the best, its accuracy on English dev, and that of all by name.
    """
    candidates = [read_json(path) for path in metrics]
    best = max(candidates, key=lambda facts: facts["dev_accuracy"])
    chosen = {key: best[key] for key in ("recipe", "chain", "layers", "run", "finetuning", "dev_accuracy")}
    accuracies = {name_of(facts): facts["dev_accuracy"] for facts in candidates}
    return chosen | {"candidates": accuracies}


def name_of(facts: Mapping[str, Any]) -> str:
    """Which of a model's classifiers it is: ``r1-f1``."""
    return f"r{facts['run']}-f{facts['finetuning']}"


def release_table(measured: Mapping[str, dict[str, Any]], kept: Sequence[str]) -> pd.DataFrame:
    """One row a form: bytes, accuracies (shares), times and memory.

    Args:
        measured: what evaluating each form found, by the form's name.
        kept: languages whose tokens the trimmed vocabulary keeps.
    """
    rows = []
    for name, form in FORMS.items():
        facts = measured[name]
        accuracy = pd.Series(facts["accuracy"])
        row = {"form": name, "label": form.label, "bytes": facts["bytes"]} | (
            {"english": accuracy[ENGLISH]} if ENGLISH in accuracy else {}
        )
        row |= {"kept_languages": accuracy[list(kept)].mean(), "average": accuracy.mean()}
        for at in facts["speed"]:
            tokens = at["tokens"]
            row |= {f"latency_ms_{tokens}": at["latency_ms"], f"rows_per_second_{tokens}": at["rows_per_second"]}
        accuracies = {f"accuracy_{language}": share for language, share in facts["accuracy"].items()}
        rows.append(row | {"peak_memory_mib": facts["peak_memory_mib"]} | accuracies)
    return pd.DataFrame(rows)


def format_release(numbers: pd.DataFrame, lengths: Sequence[int]) -> pd.DataFrame:
    """The table as people read it: MiB, percent, milliseconds, examples a second."""
    columns = [
        ("Weights (MiB)", "bytes", 2**-20, "{:.1f}"),
        ("English", "english", 100, "{:.1f}"),
        ("Kept languages", "kept_languages", 100, "{:.1f}"),
        ("All languages", "average", 100, "{:.1f}"),
        *((f"Latency, {n} tokens (ms)", f"latency_ms_{n}", 1, "{:.2f}") for n in lengths),
        *((f"Examples/s, {n} tokens", f"rows_per_second_{n}", 1, "{:.0f}") for n in lengths),
        ("Peak memory (MiB)", "peak_memory_mib", 1, "{:.0f}"),
    ]
    shown = {
        title: (scale * numbers[column]).map(form.format) for title, column, scale, form in columns if column in numbers
    }
    return pd.DataFrame({"Form": numbers["label"]} | shown)


def release_note(numbers: pd.DataFrame, measured: Mapping[str, dict[str, Any]], kept: Sequence[str]) -> str:
    """What the table's readers should know: what was run where, and what eight bits win and lose here."""
    one = measured["classifier"]
    tokens = one["speed"][-1]["tokens"]
    table = numbers.set_index("form")
    rate, average = table[f"rows_per_second_{tokens}"], table["average"]
    return NOTE.format(
        kept=", ".join(kept),
        batch=one["batch"],
        threads=f"{one['threads']} thread{'s' if one['threads'] > 1 else ''}",
        processor=one["processor"],
        points=100 * (average["onnx-int8"] - average["classifier"]),
        ratio=rate["onnx-int8"] / rate["classifier"],
        onnx_ratio=rate["onnx-int8"] / rate["onnx-fp32"],
        tokens=tokens,
    )
