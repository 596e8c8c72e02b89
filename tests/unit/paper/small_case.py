"""Four models, two runs, two languages and ten items: small enough to count by hand."""

from pathlib import Path

import numpy as np
import pandas as pd

from camembert.paper.statistics import RETRIEVAL_BASELINE, Model
from camembert.plan.chain import Method

TEACHER = Model("toplayer", "6", "Teacher (6 layers)", Method.TEACHER)
DIRECT = Model("toplayer", "6-2", "Direct 6-2", Method.DIRECT)
ASSISTANT = Model("toplayer", "6-4", "Teacher assistant 6-4", Method.ASSISTANT)
CASCADE = Model("toplayer", "6-4-2", "Cascade 6-4-2", Method.CASCADE)
MODELS = [TEACHER, DIRECT, ASSISTANT, CASCADE]
LABELS = ("entailment", "neutral", "contradiction")

# right answers out of ten, runs 1 and 2, English and Urdu
RIGHT = {TEACHER: ((9, 6), (9, 6)), DIRECT: ((6, 4), (8, 4)), ASSISTANT: ((8, 5), (8, 5)), CASCADE: ((7, 5), (7, 4))}
# lines of twenty retrieved from Urdu, a run each; the teacher exists once
RETRIEVED = {TEACHER: {0: 16}, DIRECT: {1: 10, 2: 12}, ASSISTANT: {1: 12, 2: 14}, CASCADE: {1: 14, 2: 12}}


def predictions(right, items=10, names=LABELS):
    """Items with labels 0, 1, 2, 0, ... of which the first few are predicted right."""
    labels = np.arange(items) % len(names)
    predicted = np.where(np.arange(items) < right, labels, (labels + 1) % len(names))
    logits = np.eye(len(names), dtype="float32")[predicted]
    columns = dict(zip(names, logits.T, strict=True))
    return pd.DataFrame({"id": [f"item-{i}" for i in range(items)], "label": labels, **columns})


def write_predictions(folder: Path) -> list[Path]:
    """Writes the predictions of all models, runs and languages."""
    written = []
    for model, by_run in RIGHT.items():
        for run, by_language in enumerate(by_run, start=1):
            for language, right in zip(("en", "ur"), by_language, strict=True):
                path = folder / model.recipe / model.chain / f"r{run}-f1" / f"{language}.parquet"
                path.parent.mkdir(parents=True, exist_ok=True)
                predictions(right).to_parquet(path)
                written.append(path)
    return written


def retrieved(right, lines=20):
    """Lines of which the first few are nearest to their own translation."""
    ids = np.arange(lines)
    return pd.DataFrame({"id": ids, "nearest": np.where(ids < right, ids, (ids + 1) % lines)})


def write_retrieval(folder: Path) -> list[Path]:
    """Writes what every encoder, and the baseline, retrieved from Urdu."""
    files = {folder / model.path / f"r{run}": right for model, runs in RETRIEVED.items() for run, right in runs.items()}
    files[folder / RETRIEVAL_BASELINE.path] = 2
    for path, right in files.items():
        path.mkdir(parents=True)
        retrieved(right).to_parquet(path / "ur.parquet")
    return [path / "ur.parquet" for path in files]
