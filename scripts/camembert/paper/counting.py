"""From the files of every classifier, probe and encoder to rows of the long table: which answers are right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from camembert.paper.answers import BASELINE_RECIPE, CLASSIFIER_KEYS, RETRIEVAL, build_answer_rows, parse_run
from camembert.paper.intervals import ResultsError
from camembert.plan.readings import AS_IS, CENTRED
from camembert.plan.sources import ENGLISH

NO_LOGITS = ("id", "label", "cluster")
"""Columns of predictions that are no logits; all others are."""

AnswerFiles = Mapping[tuple[str, str, int, int], Mapping[str, Path]]
"""Files by recipe, chain, run and fine-tuning (0 where there is only one), then by language. Of a baseline the recipe
is `BASELINE_RECIPE` and the chain its name."""


def group_files(paths: Iterable[str | Path]) -> AnswerFiles:
    """Groups files ``.../{recipe}/{chain}/r{run}[-f{finetuning}]/{language}.parquet`` by classifier or encoder.

    Those of baselines are ``.../baseline/{name}/{language}.parquet``.
    """
    found: dict[tuple[str, str, int, int], dict[str, Path]] = {}
    for path in map(Path, paths):
        if path.parts[-3] == BASELINE_RECIPE:
            key = BASELINE_RECIPE, path.parts[-2], 0, 0
        else:
            key = path.parts[-4], path.parts[-3], *parse_run(path.parts[-2])
        found.setdefault(key, {})[path.stem] = path
    return found


def count_predictions(task: str, files: AnswerFiles, trained_on: Sequence[str] = (ENGLISH,)) -> Iterator[pa.Table]:
    """Reads predictions and says which are right: as they are, and with every language's mean moved to that of English.

    The second reading takes off a language's offset in what the output layer reads, which is linear: the mean logits of
    a language become those of English, or of the languages of the labels. It uses no label, but all test items of a
    language at once (it is transductive). Baselines, and tasks without other languages, have the first reading alone.

    Raises:
        ResultsError: a damaged file, or logits that are not finite.
    """
    for key, paths in files.items():
        names = dict(zip(CLASSIFIER_KEYS, key, strict=True))
        tables = {language: _read(path) for language, path in paths.items()}
        logits = {language: _read_logits(table, paths[language]) for language, table in tables.items()}
        means = {language: own.mean(axis=0) for language, own in logits.items()}
        centre = np.mean([means[language] for language in trained_on], axis=0)
        for language, table in tables.items():
            readings = {AS_IS: logits[language]}
            if key[0] != BASELINE_RECIPE and not set(paths) <= set(trained_on):
                readings[CENTRED] = logits[language] - means[language] + centre
            labels = table["label"].to_numpy()
            clusters = table["cluster"].to_numpy() if "cluster" in table.column_names else None
            for reading, own in readings.items():
                shared = {"task": task, "reading": reading, "language": language} | names
                yield build_answer_rows(shared, table["id"], own.argmax(axis=1) == labels, clusters)


def count_retrieval(files: AnswerFiles) -> Iterator[pa.Table]:
    """Reads which sentence was nearest in every reading and says where that is the translation.

    Args:
        files: with the column id, and one a reading with the id of the nearest.
    """
    for key, paths in files.items():
        for language, path in paths.items():
            table = _read(path)
            ids = table["id"].to_numpy()
            for reading in table.column_names[1:]:
                shared = {"task": RETRIEVAL, "reading": reading, "language": language}
                shared |= dict(zip(CLASSIFIER_KEYS, key, strict=True))
                yield build_answer_rows(shared, table["id"], table[reading].to_numpy() == ids)


def compute_task_chance(files: AnswerFiles) -> float:
    """Accuracy of always naming the most frequent label of a language, on average over the languages."""
    paths = next(iter(files.values())).values()
    labels = [pq.read_table(path, columns=["label"])["label"].to_numpy() for path in paths]
    return float(np.mean([np.bincount(own).max() / len(own) for own in labels]))


def compute_retrieval_chance(files: AnswerFiles) -> float:
    """Accuracy of a random sentence, on average over the languages."""
    return float(np.mean([1 / pq.read_metadata(path).num_rows for path in next(iter(files.values())).values()]))


def _read(path: Path) -> pa.Table:
    """A parquet file."""
    try:
        return pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise ResultsError(f"{path} cannot be read as parquet ({error}); evaluate that model again") from None


def _read_logits(table: pa.Table, path: Path) -> np.ndarray:
    """(items, labels) float64."""
    names = [name for name in table.column_names if name not in NO_LOGITS]
    logits = np.column_stack([table[name].to_numpy() for name in names]).astype(np.float64)
    if not np.isfinite(logits).all():
        raise ResultsError(f"{path} has logits that are not finite; the classifier diverged: lower its learning rate")
    return logits
