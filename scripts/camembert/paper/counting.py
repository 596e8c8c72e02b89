"""From the files of every classifier, probe and encoder to rows of the long table: which answers are right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from camembert.paper.answers import answer_rows
from camembert.paper.statistics import BASELINE_RECIPE, RETRIEVAL, ResultsError
from camembert.plan.readings import AS_IS, CENTRED
from camembert.plan.sources import ENGLISH

NO_LOGITS = ("id", "label", "cluster")
"""Columns of predictions that are no logits; all others are."""


class Source(NamedTuple):
    """The files of one classifier, probe, encoder or baseline, and whose they are.

    Attributes:
        recipe, chain: of the model; of a baseline `BASELINE_RECIPE` and its name.
        run, finetuning: 0 where there is only one.
        files: by language.
    """

    recipe: str
    chain: str
    run: int
    finetuning: int
    files: Mapping[str, Path]

    def names(self, task: str, reading: str, language: str) -> dict[str, Any]:
        """What all rows of a language share."""
        which = {"recipe": self.recipe, "chain": self.chain, "run": self.run, "finetuning": self.finetuning}
        return {"task": task, "reading": reading, "language": language} | which


def sources_of(paths: Iterable[str | Path]) -> list[Source]:
    """Groups files ``.../{recipe}/{chain}/r{run}[-f{finetuning}]/{language}.parquet`` by classifier or encoder.

    Those of baselines are ``.../baseline/{name}/{language}.parquet``.
    """
    found: dict[tuple[str, str, int, int], dict[str, Path]] = {}
    for path in map(Path, paths):
        if path.parts[-3] == BASELINE_RECIPE:
            key = BASELINE_RECIPE, path.parts[-2], 0, 0
        else:
            run, _, finetuning = path.parts[-2].partition("-f")
            key = path.parts[-4], path.parts[-3], int(run.removeprefix("r")), int(finetuning or 0)
        found.setdefault(key, {})[path.stem] = path
    return [Source(*key, files) for key, files in found.items()]


def count_predictions(
    task: str, sources: Sequence[Source], trained_on: Sequence[str] = (ENGLISH,)
) -> Iterator[pa.Table]:
    """Reads predictions and says which are right: as they are, and with every language's mean moved to that of English.

    The second reading takes off a language's offset in what the output layer reads, which is linear: the mean logits of
    a language become those of English, or of the languages of the labels. It uses no label, but all test items of a
    language at once (it is transductive).

    Args:
        task: name of the evaluation.
        sources: of classifiers or probes, and of baselines, which have the first reading alone.
        trained_on: the languages of the labels.

    Raises:
        ResultsError: a file that is no predictions, has no rows or logits that are not finite.
    """
    for source in sources:
        tables = {language: _read(path, {"id", "label"}) for language, path in source.files.items()}
        logits = {language: _logits(table, source.files[language]) for language, table in tables.items()}
        means = {language: own.mean(axis=0) for language, own in logits.items()}
        centre = np.mean([means[language] for language in trained_on], axis=0)
        for language, table in tables.items():
            readings = {AS_IS: logits[language]}
            if source.recipe != BASELINE_RECIPE:
                readings[CENTRED] = logits[language] - means[language] + centre
            labels = table["label"].to_numpy()
            clusters = table["cluster"].to_numpy() if "cluster" in table.column_names else None
            for reading, own in readings.items():
                names = source.names(task, reading, language)
                yield answer_rows(names, table["id"], own.argmax(axis=1) == labels, clusters)


def count_retrieval(sources: Sequence[Source]) -> Iterator[pa.Table]:
    """Reads which sentence was nearest in every reading and says where that is the translation.

    Args:
        sources: of encoders and the baseline: files with the column id, and one a reading with the id of the nearest.
    """
    for source in sources:
        for language, path in source.files.items():
            table = _read(path, {"id"})
            ids = table["id"].to_numpy()
            for reading in table.column_names[1:]:
                names = source.names(RETRIEVAL, reading, language)
                yield answer_rows(names, table["id"], table[reading].to_numpy() == ids)


def chance_of_task(sources: Sequence[Source]) -> float:
    """Accuracy of always naming the most frequent label of a language, on average over the languages."""
    files = sources[0].files.values()
    labels = [pq.read_table(path, columns=["label"])["label"].to_numpy() for path in files]
    return float(np.mean([np.bincount(own).max() / len(own) for own in labels]))


def chance_of_retrieval(sources: Sequence[Source]) -> float:
    """Accuracy of a random sentence, on average over the languages."""
    return float(np.mean([1 / pq.read_metadata(path).num_rows for path in sources[0].files.values()]))


def _read(path: Path, columns: set[str]) -> pa.Table:
    """A parquet file that has rows and some columns."""
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise ResultsError(f"{path} cannot be read as parquet ({error}); evaluate that model again") from None
    missing = columns - set(table.column_names)
    if missing or not table.num_rows:
        what = f"no column {', '.join(sorted(missing))}" if missing else "no rows"
        raise ResultsError(f"{path} has {what}; evaluate that model again")
    return table


def _logits(table: pa.Table, path: Path) -> np.ndarray:
    """(items, labels) float64."""
    names = [name for name in table.column_names if name not in NO_LOGITS]
    logits = np.column_stack([table[name].to_numpy() for name in names]).astype(np.float64)
    if not np.isfinite(logits).all():
        raise ResultsError(f"{path} has logits that are not finite; the classifier diverged: lower its learning rate")
    return logits
