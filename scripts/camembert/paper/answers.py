"""Right and wrong answers in one long table, and the scores of models that come out of it.

A row is one answer: an evaluation (the task, the probe, retrieval), a reading of it, a model by recipe and chain, its
run and fine-tuning, a language, an item, and whether the answer was right. Every accuracy of the paper is a mean over
rows of this table, and every interval is computed from the same rows.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from camembert.core.files import atomic_write
from camembert.paper.intervals import RunsError, Scores, by_cluster, by_language
from camembert.paper.statistics import CLASSIFIER, ENGLISH, RETRIEVAL, Model, ResultsError
from camembert.plan.readings import in_order

METADATA = b"camembert"
"""Under which the parquet file holds, of every evaluation, whether languages share its items and the accuracy of
chance."""
NAMES = ("task", "reading", "recipe", "chain", "language", "item")
"""Columns of text, kept as dictionaries."""
COLUMNS = ("task", "reading", "recipe", "chain", "run", "finetuning", "language", "item", "cluster", "right")


class Answers:
    """The answers of all models in one reading of one evaluation.

    Attributes:
        task: name of the evaluation: that of the task, `PROBE` or `RETRIEVAL`.
        reading: which one.
        chance: accuracy (0 to 1) of always naming the most frequent label, or of a random line.
        parallel: whether every language has the same items.
        languages: in the order of the rows.
        rows: of the long table, see `COLUMNS`.
    """

    def __init__(self, task: str, reading: str, chance: float, parallel: bool, rows: pd.DataFrame) -> None:
        self.task, self.reading, self.chance, self.parallel, self.rows = task, reading, chance, parallel, rows
        self.languages: list[str] = list(rows["language"].unique())
        self._cubes: dict[tuple[str, str], tuple[tuple[int, ...], np.ndarray]] = {}

    @property
    def is_retrieval(self) -> bool:
        """Whether encoders retrieved sentences."""
        return self.task == RETRIEVAL

    @cached_property
    def accuracy(self) -> pd.DataFrame:
        """One row a classifier or encoder and language: n (items) and accuracy (a share)."""
        by = [*CLASSIFIER, "language"]
        counted = self.rows.groupby(by, observed=True, sort=False)["right"].agg(n="size", accuracy="mean")
        return counted.reset_index().astype({"recipe": str, "chain": str, "language": str})

    @cached_property
    def _of_models(self) -> dict[tuple[str, str], pd.DataFrame]:
        return {
            (str(recipe), str(chain)): own
            for (recipe, chain), own in self.rows.groupby(["recipe", "chain"], observed=True, sort=False)
        }

    @cached_property
    def _places(self) -> tuple[pd.Index, np.ndarray | None]:
        """The items, each once (of a task that is not parallel with their language), and their clusters."""
        own = self.rows.drop_duplicates(["item"] if self.parallel else ["language", "item"])
        items = pd.Index(own["item"]) if self.parallel else pd.MultiIndex.from_frame(own[["language", "item"]])
        clusters = own["cluster"].to_numpy()
        if np.isnan(clusters).any():
            return items, None
        if not self.parallel:  # no two languages share a cluster
            clusters = pd.MultiIndex.from_arrays([own["language"], clusters]).factorize()[0]
        return items, clusters

    def cube(self, model: Model) -> tuple[tuple[int, ...], np.ndarray]:
        """A model's runs, and the means over the fine-tunings of each: (runs, languages, items), NaN where a language
        lacks an item.

        Raises:
            ResultsError: the model was never evaluated, or a run lacks items that others have.
        """
        key = model.recipe, model.chain
        if key not in self._cubes:
            if key not in self._of_models:
                raise ResultsError(
                    f"no answers of chain {model.chain} under recipe {model.recipe} on {self.task}, a model of the"
                    " experiment; evaluate it"
                )
            self._cubes[key] = self._cube_of(self._of_models[key], model)
        return self._cubes[key]

    def _cube_of(self, own: pd.DataFrame, model: Model) -> tuple[tuple[int, ...], np.ndarray]:
        items, _ = self._places
        runs, run = np.unique(own["run"].to_numpy(), return_inverse=True)
        language = pd.Index(self.languages).get_indexer(pd.Index(own["language"].astype(str)))
        where = pd.Index(own["item"]) if self.parallel else pd.MultiIndex.from_frame(own[["language", "item"]])
        shape = len(runs), len(self.languages), len(items)
        flat = (run * shape[1] + language) * shape[2] + items.get_indexer(where)
        count = np.bincount(flat, minlength=np.prod(shape)).reshape(shape)
        right = np.bincount(flat, weights=own["right"].to_numpy(), minlength=np.prod(shape)).reshape(shape)
        here = count > 0
        if (here != here[0]).any() or (self.parallel and not here.all()):
            raise ResultsError(
                f"runs of chain {model.chain} under recipe {model.recipe} on {self.task} do not have the same items in"
                " all languages; evaluate that model again"
            )
        return tuple(runs.tolist()), np.divide(right, count, out=np.full(shape, np.nan), where=here)

    def finetunings(self, model: Model) -> int:
        """How many classifiers a run of a model has; 0 of encoders and probes, which need none."""
        return int(self._of_models[model.recipe, model.chain]["finetuning"].max())

    def scores(self, model: Model, languages: Sequence[str]) -> Scores:
        """Scores of a model: the mean over some languages, and over the fine-tunings of each run."""
        runs, cube = self.cube(model)
        values = cube[:, [self.languages.index(language) for language in languages]]
        _, clusters = self._places
        if self.parallel:
            values = values.mean(axis=1)
        else:
            present = ~np.isnan(values[0])
            of_items = np.broadcast_to(np.arange(present.shape[1]), present.shape)[present]
            clusters = None if clusters is None else clusters[of_items]
            values = by_language(values, present)
        return Scores(runs, values if clusters is None else by_cluster(values, clusters))

    def differences(self, first: Model, second: Model, languages: Sequence[str]) -> Scores:
        """By how much the first of two models scored above the second, run by run.

        Raises:
            ResultsError: the two have no run in common.
        """
        try:
            return self.scores(first, languages).minus(self.scores(second, languages))
        except RunsError as error:
            raise ResultsError(f"{first.label} and {second.label} cannot be compared: {error}") from None


class Results:
    """All evaluations of an experiment in all their readings.

    Args:
        answers: one an evaluation and reading.
        headlines: of each evaluation the reading that leads tables and figures; the first where none is named.
        trained_on: the languages of the labels.
    """

    def __init__(
        self, answers: Iterable[Answers], headlines: Mapping[str, str], trained_on: Sequence[str] = (ENGLISH,)
    ) -> None:
        self.trained_on = trained_on
        self._readings: dict[str, dict[str, Answers]] = {}
        for each in answers:
            self._readings.setdefault(each.task, {})[each.reading] = each
        if retrieval := self._readings.get(RETRIEVAL):
            self._readings[RETRIEVAL] = {name: retrieval[name] for name in in_order(retrieval)}
        self._headlines = headlines

    @property
    def evaluations(self) -> list[Answers]:
        """Every evaluation in the reading that leads."""
        return [own[self.headline(task)] for task, own in self._readings.items()]

    def headline(self, task: str) -> str:
        """The reading of an evaluation that leads.

        Raises:
            ResultsError: it was not counted.
        """
        own = self._readings[task]
        reading = self._headlines.get(task, next(iter(own)))
        if reading not in own:
            raise ResultsError(f"{task} was not read by {reading}, only by {', '.join(own)}; evaluate it again")
        return reading

    def get(self, task: str) -> Answers | None:
        """An evaluation in the reading that leads; None where there is none of that name."""
        return self._readings[task][self.headline(task)] if task in self._readings else None

    def readings(self, task: str) -> dict[str, Answers]:
        """All readings of an evaluation, none of one that is not there."""
        return self._readings.get(task, {})

    @property
    def accuracy(self) -> pd.DataFrame:
        """The tidy table of all accuracies: task, reading, recipe, chain, run, finetuning, language, n, accuracy."""
        frames = [
            each.accuracy.assign(task=each.task, reading=each.reading)
            for own in self._readings.values()
            for each in own.values()
        ]
        return pd.concat(frames, ignore_index=True)[["task", "reading", *CLASSIFIER, "language", "n", "accuracy"]]


def answer_rows(names: Mapping[str, Any], ids: Any, right: Any, clusters: Any = None) -> pa.Table:
    """Rows of the long table for one model, run, language and reading.

    Args:
        names: what all rows share: task, reading, recipe, chain, run, finetuning and language.
        ids: of the items.
        right: which answers are right.
        clusters: an integer an item, the same for items that are not independent; None where all are.
    """
    count = len(ids)
    columns = {name: pa.repeat(pa.scalar(names[name]), count) for name in NAMES if name != "item"}
    columns |= {name: pa.repeat(pa.scalar(names[name], pa.int32()), count) for name in ("run", "finetuning")}
    columns["item"] = (ids if isinstance(ids, pa.ChunkedArray) else pa.array(ids)).cast(pa.string())
    columns["cluster"] = pa.nulls(count, pa.int32()) if clusters is None else pa.array(clusters, pa.int32())
    columns["right"] = pa.array(np.asarray(right, dtype=bool))
    columns |= {name: columns[name].dictionary_encode() for name in NAMES}
    return pa.table({name: columns[name] for name in COLUMNS})


def write_answers(
    rows: Iterable[pa.Table], evaluations: Mapping[str, Mapping[str, Any]], path: str | os.PathLike[str]
) -> None:
    """Writes the long table as parquet.

    Args:
        rows: of `answer_rows`.
        evaluations: of each evaluation chance (a share) and parallel (whether languages share its items).
        path: where to.
    """
    table = pa.concat_tables(rows).unify_dictionaries().combine_chunks()
    with atomic_write(path) as partial:
        pq.write_table(table.replace_schema_metadata({METADATA: json.dumps(evaluations)}), partial, compression="zstd")


def read_answers(path: str | os.PathLike[str]) -> list[Answers]:
    """Reads what `write_answers` wrote: one `Answers` an evaluation and reading."""
    table = pq.read_table(path)
    facts = json.loads(table.schema.metadata[METADATA])
    groups = table.to_pandas().groupby(["task", "reading"], observed=True, sort=False)
    return [
        Answers(str(task), str(reading), facts[task]["chance"], facts[task]["parallel"], rows)
        for (task, reading), rows in groups
    ]
