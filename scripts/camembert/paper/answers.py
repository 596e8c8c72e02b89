"""Right and wrong answers in one long table, and the scores of models that come out of it.

A row is one answer: an evaluation (the task, the probe, retrieval), a reading of it, a model by recipe and chain, its
run and fine-tuning, a language, an item, and whether the answer was right. Every accuracy of the paper is a mean over
rows of this table, and every interval is computed from the same rows: over fine-tunings first, then over languages,
then over runs, so that a spread is one of whole experiments. Accuracies are shares (0 to 1) everywhere here.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from camembert.core.files import atomic_write
from camembert.paper.intervals import ResultsError, Scores, score_units
from camembert.plan.chain import Method, parse_chain
from camembert.plan.experiment import Experiment
from camembert.plan.readings import sort_readings
from camembert.plan.sources import ENGLISH

RETRIEVAL, PROBE = "retrieval", "probe"
"""Names of the evaluations that are not the task: sentence retrieval by encoders, and linear probes of them on it."""
METADATA = b"camembert"
"""Key of the parquet file's metadata: of every evaluation the accuracy of chance, and whether languages share items."""
CLASSIFIER_KEYS = ["recipe", "chain", "run", "finetuning"]
"""Columns that tell classifiers apart."""
ANSWER_COLUMNS = ("task", "reading", *CLASSIFIER_KEYS, "language", "item", "cluster", "right")


class ComparedModel(NamedTuple):
    """One line of a comparison: what the runs of a recipe and chain share. A baseline, no encoder, has no method."""

    recipe: str
    chain: str
    label: str
    method: Method | None

    @property
    def layers(self) -> int | None:
        """Layers of the encoder; None where there is no encoder."""
        return parse_chain(self.chain).layers if self.method else None

    def describe(self, *fields: str) -> dict[str, Any]:
        """Its recipe, chain and label, and further attributes, as columns of a table."""
        return {field: getattr(self, field) for field in ("recipe", "chain", "label", *fields)}


BASELINE_RECIPE = "baseline"
RETRIEVAL_BASELINE = ComparedModel(BASELINE_RECIPE, "char-ngrams", "Character n-grams", None)
NAIVE_BAYES = ComparedModel(BASELINE_RECIPE, "naive-bayes", "Naive Bayes", None)
BASELINES = (ComparedModel(BASELINE_RECIPE, "majority", "Majority class", None), NAIVE_BAYES, RETRIEVAL_BASELINE)


def list_models(experiment: Experiment) -> list[ComparedModel]:
    """The models of an experiment, each once, in display order; a label of several recipes gets the recipe's name."""
    models = list(
        dict.fromkeys(
            ComparedModel(each.recipe, str(each.chain), experiment.label(each.chain), experiment.method(each.chain))
            for each in experiment.encoders
        )
    )
    labels = [model.label for model in models]
    return [
        model if labels.count(model.label) == 1 else model._replace(label=f"{model.label}, {model.recipe}")
        for model in models
    ]


def parse_run(name: str) -> tuple[int, int]:
    """Reads the numbers of a run and a fine-tuning (0 where there is none) from the name of a file or folder: r1-f2."""
    run, _, finetuning = name.partition("-f")
    return int(run.removeprefix("r")), int(finetuning or 0)


def find_teacher(models: Iterable[ComparedModel]) -> ComparedModel:
    """The teacher that models are compared with.

    Raises:
        ResultsError: there is none.
    """
    for model in models:
        if model.method is Method.TEACHER:
            return model
    raise ResultsError("no teacher to compare models with; the experiment must have one")


def select_model(rows: pd.DataFrame, model: ComparedModel) -> pd.DataFrame:
    """The rows of a model in a table with the columns recipe and chain."""
    return rows[(rows["recipe"] == model.recipe) & (rows["chain"] == model.chain)]


def split_languages(languages: Sequence[str], trained_on: Collection[str]) -> dict[str, list[str]]:
    """The languages of each average: those of the labels (english, as they are by default), all, and the others."""
    return {
        "english": [language for language in languages if language in trained_on],
        "average": list(languages),
        "zero_shot": [language for language in languages if language not in trained_on],
    }


def name_languages(trained_on: Collection[str]) -> str:
    """What tables call the languages of the labels: English, or their codes."""
    return "English" if list(trained_on) == [ENGLISH] else ", ".join(trained_on)


class AnswerTable:
    """The answers of all models in one reading of one evaluation.

    Attributes:
        task, reading: names of the evaluation (that of the task, `PROBE` or `RETRIEVAL`) and of the reading.
        chance: accuracy of always naming the most frequent label, or of a random line.
        parallel: whether every language has the same items.
        languages: in the order of the rows.
        rows: of the long table, see `ANSWER_COLUMNS`.
    """

    def __init__(self, task: str, reading: str, chance: float, parallel: bool, rows: pd.DataFrame) -> None:
        self.task, self.reading, self.chance, self.parallel, self.rows = task, reading, chance, parallel, rows
        self.languages: list[str] = list(rows["language"].unique())
        self._by_model: dict[ComparedModel, Scores] = {}

    @cached_property
    def accuracy(self) -> pd.DataFrame:
        """One row a classifier or encoder and language: n (items) and accuracy."""
        groups = self.rows.groupby([*CLASSIFIER_KEYS, "language"], observed=True, sort=False)["right"]
        counted = groups.agg(n="size", accuracy="mean").reset_index()
        return counted.astype({"recipe": str, "chain": str, "language": str})

    @cached_property
    def _wide(self) -> pd.DataFrame:
        """Means over fine-tunings: a row a language and item, a column a recipe, chain and run; NaN what is missing."""
        items, runs = ["language", "item"], ["recipe", "chain", "run"]
        wide = self.rows.pivot_table("right", items, runs, observed=True, sort=False).sort_index(axis=1)
        if self.parallel:
            every = pd.MultiIndex.from_product([self.languages, list(self.rows["item"].unique())], names=items)
            wide = wide.reindex(every)
        return wide

    @cached_property
    def _positions(self) -> Mapping[Any, Any]:
        """The rows of `_wide` that belong to each language."""
        return self._wide.groupby(level="language", observed=True, sort=False).indices

    @cached_property
    def _clusters(self) -> np.ndarray | None:
        """The cluster of every row of `_wide`; None where items are independent."""
        if self.rows["cluster"].isna().any():
            return None
        items = self.rows.drop_duplicates(["language", "item"]).set_index(["language", "item"])
        return items["cluster"].reindex(self._wide.index).to_numpy(dtype=int)

    @cached_property
    def by_run(self) -> pd.DataFrame:
        """Accuracy, one row a recipe, chain and run: one column a language, then the average over them."""
        classifiers = self.accuracy.pivot(index=CLASSIFIER_KEYS, columns="language", values="accuracy")[self.languages]
        runs = classifiers.groupby(level=["recipe", "chain", "run"]).mean()
        return runs.assign(average=runs.mean(axis=1))

    def has(self, model: ComparedModel) -> bool:
        """Whether a model was evaluated."""
        return (model.recipe, model.chain) in self._wide

    def _select(self, model: ComparedModel) -> Scores:
        """The answers of every run of a model (runs, rows of `_wide`)."""
        if model not in self._by_model:
            whose = f"chain {model.chain} under recipe {model.recipe} on {self.task}"
            if not self.has(model):
                raise ResultsError(f"no answers of {whose}, a model of the experiment; evaluate it")
            own: pd.DataFrame = self._wide[model.recipe, model.chain]  # type: ignore[assignment]
            if own.isna().to_numpy().any():
                raise ResultsError(
                    f"runs of {whose} do not have the same items in all languages; evaluate that model again"
                )
            self._by_model[model] = Scores(tuple(map(int, own.columns)), np.ascontiguousarray(own.to_numpy().T))
        return self._by_model[model]

    def select_runs(self, model: ComparedModel) -> pd.DataFrame:
        """The rows of `by_run` of a model.

        Raises:
            ResultsError: the model was never evaluated, or lacks items that others have.
        """
        self._select(model)
        return self.by_run.loc[(model.recipe, model.chain), :]

    def scores(self, model: ComparedModel, languages: Sequence[str]) -> Scores:
        """Scores of a model: the mean over some languages, and over the fine-tunings of each run; raises the same."""
        own, positions = self._select(model), [self._positions[language] for language in languages]
        items, numbers = np.concatenate(positions), np.repeat(range(len(positions)), [len(each) for each in positions])
        clusters = None if self._clusters is None else self._clusters[items]
        return Scores(own.runs, score_units(own.values.take(items, axis=1), numbers, clusters, self.parallel))


class Results:
    """All evaluations of an experiment in all their readings.

    Attributes:
        trained_on: the languages of the labels.
        readings: of each evaluation (the task first) its readings by name.
        leading: of each evaluation the reading that leads tables and figures; the first where none is named.

    Raises:
        ResultsError: a reading that leads was not counted.
    """

    def __init__(
        self, evaluations: Iterable[AnswerTable], headlines: Mapping[str, str], trained_on: Sequence[str] = (ENGLISH,)
    ) -> None:
        self.trained_on = trained_on
        self.readings: dict[str, dict[str, AnswerTable]] = {}
        for each in evaluations:
            self.readings.setdefault(each.task, {})[each.reading] = each
        if retrieval := self.readings.get(RETRIEVAL):
            self.readings[RETRIEVAL] = {name: retrieval[name] for name in sort_readings(retrieval)}
        self.leading: dict[str, AnswerTable] = {}
        for task, own in self.readings.items():
            reading = headlines.get(task, next(iter(own)))
            if reading not in own:
                raise ResultsError(f"{task} was not read by {reading}, only by {', '.join(own)}; evaluate it again")
            self.leading[task] = own[reading]

    @property
    def task(self) -> AnswerTable:
        """The evaluation on the task, or what there is instead."""
        return next(iter(self.leading.values()))


def build_answer_rows(names: Mapping[str, Any], ids: Any, right: Any, clusters: Any = None) -> pa.Table:
    """Rows of the long table for one model, run, language and reading.

    Args:
        names: what all rows share: task, reading, recipe, chain, run, finetuning and language.
        ids: of the items.
        right: which answers are right.
        clusters: an integer an item, the same for items that are not independent; None where all are.
    """
    count = len(ids)
    columns = {
        name: pa.repeat(pa.scalar(value, pa.int32() if isinstance(value, int) else pa.string()), count)
        for name, value in names.items()
    }
    columns["item"] = (ids if isinstance(ids, pa.ChunkedArray) else pa.array(ids)).cast(pa.string())
    columns = {name: own if own.type == pa.int32() else own.dictionary_encode() for name, own in columns.items()}
    columns["cluster"] = pa.nulls(count, pa.int32()) if clusters is None else pa.array(clusters, pa.int32())
    columns["right"] = pa.array(np.asarray(right, dtype=bool))
    return pa.table({name: columns[name] for name in ANSWER_COLUMNS})


def write_answer_table(
    rows: Iterable[pa.Table], evaluations: Mapping[str, Mapping[str, Any]], path: str | os.PathLike[str]
) -> None:
    """Writes the long table as parquet.

    Args:
        rows: of `build_answer_rows`.
        evaluations: of each evaluation chance (a share) and parallel (whether languages share its items).
        path: where to.
    """
    table = pa.concat_tables(rows).unify_dictionaries().combine_chunks()
    with atomic_write(path) as partial:
        pq.write_table(table.replace_schema_metadata({METADATA: json.dumps(evaluations)}), partial, compression="zstd")


def read_answers(path: str | os.PathLike[str]) -> list[AnswerTable]:
    """Reads what `write_answer_table` wrote: one `AnswerTable` an evaluation and reading."""
    table = pq.read_table(path)
    facts = json.loads(table.schema.metadata[METADATA])
    groups = table.to_pandas().groupby(["task", "reading"], observed=True, sort=False)
    return [
        AnswerTable(str(task), str(reading), facts[task]["chance"], facts[task]["parallel"], rows)
        for (task, reading), rows in groups
    ]
