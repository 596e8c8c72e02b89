"""Saved predictions and retrieved lines, read once: which test items everyone got right.

The *ensemble* of a model is one prediction a test item: the largest mean probability over all classifiers of the
model. A test that wants independent items, as McNemar's does, can be asked about it, and not about runs that repeat
the items.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.special import softmax

from camembert.paper.answers import RUN_KEY, Answers
from camembert.paper.statistics import (
    BASELINE_RECIPE,
    BASELINES,
    RETRIEVAL,
    RETRIEVAL_BASELINE,
    TASK_BASELINES,
    Model,
    ResultsError,
)

ACCURACY_COLUMNS = [
    "experiment", "task", "recipe", "chain", "label", "layers", "run", "finetuning", "language", "n", "accuracy"
]  # fmt: skip
NO_LOGITS = ("id", "label", "cluster")
"""Columns of predictions that are no logits; all others are."""
PREDICTIONS_PATH = re.compile(r"(?P<model>[^/]+/[^/]+)/r\d+-f\d+/(?P<language>[^/]+)\.parquet")
RETRIEVAL_PATH = re.compile(r"(?P<model>[^/]+/[^/]+)/r\d+/(?P<language>[^/]+)\.parquet")
BASELINE_PATH = re.compile(r"(?P<model>[^/]+/[^/]+)/(?P<language>[^/]+)\.parquet")


BASELINE_RUN = "/r0"
"""Ends the key of what exists once: no run made it."""


class Predictions(NamedTuple):
    """Predictions of one classifier in one language, in ascending order of the ids.

    Attributes:
        names: of the labels 0, 1, ..., as the columns of the logits are called.
        ids, labels: (items,).
        logits: (items, labels).
        clusters: (items,), or None where items are independent.
    """

    names: list[str]
    ids: np.ndarray
    labels: np.ndarray
    logits: np.ndarray
    clusters: np.ndarray | None


def count_predictions(task: str, models: Sequence[Model], paths: Iterable[Path], parallel: bool = True) -> Answers:
    """Reads the predictions of all classifiers and says which are right.

    Args:
        task: name of the task.
        models: of the experiment.
        paths: files ``.../{recipe}/{chain}/r{run}-f{finetuning}/{language}.parquet``, see `read_predictions`, and those
            of the baselines, ``.../baseline/{name}/{language}.parquet``.
        parallel: whether every language has the same items.

    Raises:
        ResultsError: a file that is missing, misnamed, empty or no predictions, that repeats an id, or was made on
            other items, labels or clusters than the first file (of its language, where the task is not parallel).
    """
    known = {model.path for model in models}
    right: dict[str, dict[str, np.ndarray]] = {}
    votes: dict[str, dict[str, np.ndarray]] = {}
    firsts: dict[str, tuple[Path, Predictions]] = {}
    for path in map(Path, paths):
        named, key = _named(path, PREDICTIONS_PATH, known, TASK_BASELINES)
        if named is None:
            raise ResultsError(
                f"{path}: expected RECIPE/CHAIN/rN-fM/LANGUAGE.parquet of a model of the experiment, or"
                f" {TASK_BASELINES[0].path}/LANGUAGE.parquet"
            )
        found = read_predictions(path)
        first = firsts.setdefault(named["language"] if not parallel else "all", (path, found))
        for what in ("names", "ids", "labels", "clusters"):
            if not np.array_equal(getattr(found, what), getattr(first[1], what)):
                said = "names of labels" if what == "names" else what
                raise ResultsError(
                    f"{path}: its {said} differ from those in {first[0]}; evaluate both on the same items"
                )
        right.setdefault(key, {})[named["language"]] = found.logits.argmax(axis=1) == found.labels
        own = votes.setdefault(named["model"], {})
        vote = own.setdefault(named["language"], np.zeros(found.logits.shape))
        vote += softmax(found.logits.astype(float), axis=1)
    if not firsts:
        raise ResultsError("no predictions to count; the experiment has no classifier")
    folder = next(iter(firsts.values()))[0].parents[3]
    languages = _complete(folder, right)
    _refuse_missing_finetunings(folder, [key for key in right if not key.endswith(BASELINE_RUN)])
    items = [firsts[language if not parallel else "all"][1] for language in languages]
    for model, own in votes.items():
        right[model] = {
            language: own[language].argmax(axis=1) == there.labels
            for language, there in zip(languages, items, strict=True)
        }
    chance = float(np.mean([np.bincount(there.labels).max() / len(there.labels) for there in items]))
    stacked = {key: _padded([own[language] for language in languages]) for key, own in right.items()}
    if parallel:
        return Answers(task, chance, languages, stacked, items[0].clusters)
    clusters = None
    if all(there.clusters is not None for there in items):
        clusters = _apart([there.clusters for there in items if there.clusters is not None])
    present = _padded([np.ones(len(there.labels), dtype=bool) for there in items])
    return Answers(task, chance, languages, stacked, clusters, present)


def count_retrieval(models: Sequence[Model], paths: Iterable[Path]) -> Answers | None:
    """Reads which line every encoder retrieved and says where that is the right one; None without any file.

    Args:
        models: of the experiment.
        paths: files ``.../{recipe}/{chain}/r{run}/{language}.parquet`` with the columns id and nearest, and those of
            the baseline, ``.../baseline/char-ngrams/{language}.parquet``.

    Raises:
        ResultsError: as `count_predictions`.
    """
    known = {model.path for model in models}
    right: dict[str, dict[str, np.ndarray]] = {}
    first: tuple[Path, np.ndarray] | None = None
    for path in map(Path, paths):
        named, key = _named(path, RETRIEVAL_PATH, known, [RETRIEVAL_BASELINE])
        if named is None:
            raise ResultsError(
                f"{path}: expected RECIPE/CHAIN/rN/LANGUAGE.parquet of a model of the experiment, or"
                f" {RETRIEVAL_BASELINE.path}/LANGUAGE.parquet"
            )
        table = _read(path, {"id", "nearest"})
        ids, nearest = (table[name].to_numpy().astype(str) for name in ("id", "nearest"))
        ascending = _ascending(path, ids)
        ids, nearest = ids[ascending], nearest[ascending]
        first = first or (path, ids)
        if not np.array_equal(ids, first[1]):
            raise ResultsError(f"{path}: its ids differ from those in {first[0]}; evaluate both on the same lines")
        right.setdefault(key, {})[named["language"]] = ids == nearest
    if first is None:
        return None
    languages = _complete(first[0].parents[2 if RETRIEVAL_BASELINE.path in first[0].as_posix() else 3], right)
    return Answers(RETRIEVAL, 1 / len(first[1]), languages, _stacked(right, languages))


def accuracy_of(experiment: str, models: Sequence[Model], answers: Iterable[Answers]) -> pd.DataFrame:
    """A row a classifier, or an encoder in retrieval, and language, no averages: the columns of ACCURACY_COLUMNS.

    Here n is in items and accuracy a share (0 to 1); in retrieval finetuning is 0, of baselines run too.
    """
    by_path = {model.path: model for model in [*models, *BASELINES]}
    rows = []
    for evaluation in answers:
        for key, right in evaluation.right.items():
            if not (named := RUN_KEY.fullmatch(key)):
                continue  # an ensemble
            model = by_path[named["model"]]
            line = (experiment, evaluation.task, model.recipe, model.chain, model.label, model.layers)
            numbers = (int(named["run"]), int(named["finetuning"] or 0))
            rows += [
                (*line, *numbers, language, items, correct / items)
                for language, items, correct in zip(
                    evaluation.languages, evaluation.items.tolist(), right.sum(axis=1).tolist(), strict=True
                )
            ]
    return pd.DataFrame(rows, columns=ACCURACY_COLUMNS).astype({"layers": "Int64"})


def read_predictions(path: Path) -> Predictions:
    """Reads the predictions of one classifier in one language.

    The file has the columns id, label (an integer from 0), optionally cluster (an integer, the same for items that are
    not independent of one another), and a logit a label in the order of the labels, named as the labels are.

    Raises:
        ResultsError: no parquet file, a column is missing, there are no rows, an id occurs twice, a label is not
            that of a class, or a logit is not finite.
    """
    table = _read(path, {"id", "label"})
    names = [name for name in table.column_names if name not in NO_LOGITS]
    if len(names) < 2:
        raise ResultsError(
            f"{path}: {len(names)} columns of logits, expected one a label; evaluate that classifier again"
        )
    for name in names:
        if not pa.types.is_floating(table.schema.field(name).type):
            raise ResultsError(f"{path}: column {name} is not a logit; expected id, label, cluster and a logit a label")
    ids, labels = table["id"].to_numpy().astype(str), table["label"].to_numpy()
    logits = np.column_stack([table[name].to_numpy() for name in names])
    clusters = table["cluster"].to_numpy() if "cluster" in table.column_names else None
    ascending = _ascending(path, ids)
    labels, logits = labels[ascending], logits[ascending]
    if not np.isin(labels, range(len(names))).all():
        raise ResultsError(f"{path}: a label other than 0 to {len(names) - 1}, of which there are logits")
    if not np.isfinite(logits).all():
        raise ResultsError(f"{path}: logits that are not finite; the classifier diverged")
    return Predictions(names, ids[ascending], labels, logits, None if clusters is None else clusters[ascending])


def _named(
    path: Path, layout: re.Pattern[str], known: Collection[str], baselines: Iterable[Model]
) -> tuple[re.Match[str] | None, str]:
    """The names in a path of a known model or a baseline, and the key of its answers; no names in any other path."""
    own = layout.fullmatch("/".join(path.parts[-4:]))
    if own and own["model"] in known:
        return own, "/".join(path.parts[-4:-1])
    own = BASELINE_PATH.fullmatch("/".join(path.parts[-3:]))
    if own and own["model"] in {model.path for model in baselines}:
        return own, own["model"] + BASELINE_RUN
    return None, ""


def _read(path: Path, columns: set[str]) -> pa.Table:
    """A parquet file that has rows and some columns."""
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise ResultsError(f"{path} cannot be read as parquet ({error}); evaluate that model again") from None
    missing = columns - set(table.column_names)
    if missing:
        raise ResultsError(f"{path}: no column {', '.join(sorted(missing))}")
    if not table.num_rows:
        raise ResultsError(f"{path}: no rows")
    return table


def _ascending(path: Path, ids: np.ndarray) -> np.ndarray | slice:
    """What puts ids into ascending order."""
    if (ids[:-1] < ids[1:]).all():
        return slice(None)
    ascending = ids.argsort(kind="stable")
    ids = ids[ascending]
    twice = ids[1:][ids[1:] == ids[:-1]]
    if len(twice):
        raise ResultsError(f"{path}: id {twice[0]} occurs twice")
    return ascending


def _padded(rows: Sequence[np.ndarray]) -> np.ndarray:
    """One row a language, filled up with zeros."""
    filled = np.zeros((len(rows), max(map(len, rows))), dtype=rows[0].dtype)
    for row, values in zip(filled, rows, strict=True):
        row[: len(values)] = values
    return filled


def _apart(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Numbers of clusters, a row a language, so that no two languages share one."""
    return _padded([values + row * (1 + max(map(np.max, rows))) for row, values in enumerate(rows)])


def _stacked(right: dict[str, dict[str, np.ndarray]], languages: Sequence[str]) -> dict[str, np.ndarray]:
    return {key: np.array([own[language] for language in languages]) for key, own in right.items()}


def _complete(folder: Path, right: dict[str, dict[str, np.ndarray]]) -> list[str]:
    """The languages met, which everyone must have."""
    languages = list(dict.fromkeys(language for own in right.values() for language in own))
    for key, own in right.items():
        for language in languages:
            if language not in own:
                own_folder = key.removesuffix(BASELINE_RUN) if key.startswith(f"{BASELINE_RECIPE}/") else key
                raise ResultsError(
                    f"{folder / own_folder / language}.parquet is missing; other models have this language"
                )
    return languages


def _refuse_missing_finetunings(folder: Path, keys: Iterable[str]) -> None:
    """Every run of a model is a mean over as many classifiers."""
    found: dict[str, dict[str, set[str]]] = {}
    for key in keys:
        model, run = key.rsplit("/", 1)
        number, finetuning = run.split("-")
        found.setdefault(model, {}).setdefault(number, set()).add(finetuning)
    for model, runs in found.items():
        for finetuning in sorted(set().union(*runs.values())):
            for number, own in runs.items():
                if finetuning not in own:
                    raise ResultsError(
                        f"{folder / model}/{number}-{finetuning} is missing; other runs of that model have this one"
                    )
