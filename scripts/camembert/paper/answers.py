"""Right and wrong answers of every classifier on the task, or of every encoder in retrieval, and their scores."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from camembert.core.files import atomic_write
from camembert.paper.intervals import RunsError, Scores, by_cluster, by_language
from camembert.paper.statistics import RETRIEVAL, Model, ResultsError

RUN_KEY = re.compile(r"(?P<model>.+)/r(?P<run>\d+)(-f(?P<finetuning>\d+))?")
METADATA = b"camembert"
"""Under which a parquet file of answers holds its task and the accuracy of chance."""
COLUMNS = ("language", "cluster")
"""Of a parquet file of answers, beside those of classifiers and ensembles."""


@dataclass(frozen=True)
class Answers:
    """Right (True) and wrong answers of one evaluation.

    Attributes:
        task: name of the task, or `RETRIEVAL`.
        chance: accuracy (0 to 1) of always naming the most frequent label, or of a random line.
        languages: in the order of the rows.
        right: one array (languages, items) a classifier, keyed ``RECIPE/CHAIN/rN-fM``, or an encoder, keyed
            ``RECIPE/CHAIN/rN``; of classifiers also one a model, its ensemble, keyed ``RECIPE/CHAIN``. Column i is
            the same item in every language of a parallel task.
        clusters: an integer an item, the same for items that are not independent; None where all are. (items,), or
            (languages, items) where the task is not parallel.
        present: of a task that is not parallel, whether a language has an item (languages, items); the others are
            padding, wrong in all arrays. None where every language has every item.
    """

    task: str
    chance: float
    languages: list[str]
    right: dict[str, np.ndarray]
    clusters: np.ndarray | None = None
    present: np.ndarray | None = None

    @property
    def items(self) -> np.ndarray:
        """How many items each language has, (languages,)."""
        shape = next(iter(self.right.values())).shape
        return np.full(*shape) if self.present is None else self.present.sum(axis=1)

    @property
    def is_retrieval(self) -> bool:
        """Whether encoders were evaluated, not classifiers."""
        return self.task == RETRIEVAL

    def keys_of(self, model: Model) -> dict[int, list[str]]:
        """Keys of the classifiers, or of the encoder, of each run of a model.

        Raises:
            ResultsError: the model was never evaluated.
        """
        runs: dict[int, list[str]] = {}
        for key in self.right:
            if (named := RUN_KEY.fullmatch(key)) and named["model"] == model.path:
                runs.setdefault(int(named["run"]), []).append(key)
        if not runs:
            raise ResultsError(
                f"no answers of chain {model.chain} under recipe {model.recipe} on {self.task}, a model of the"
                " experiment; evaluate it"
            )
        return dict(sorted(runs.items()))

    def finetunings(self, model: Model) -> int:
        """How many classifiers a run of a model has; 0 in retrieval, which needs none."""
        return 0 if self.is_retrieval else len(next(iter(self.keys_of(model).values())))

    def scores(self, model: Model, languages: Sequence[str]) -> Scores:
        """Scores of a model: the mean over some languages, and over the fine-tunings of each run."""
        rows = [self.languages.index(language) for language in languages]
        runs = self.keys_of(model)
        values = np.array([np.mean([self.right[key][rows] for key in keys], axis=0) for keys in runs.values()])
        clusters = self.clusters
        if self.present is None:
            values = values.mean(axis=1)
        else:
            values = by_language(values, self.present[rows])
            clusters = None if clusters is None else clusters[rows][self.present[rows]]
        return Scores(tuple(runs), values if clusters is None else by_cluster(values, clusters))

    def differences(self, first: Model, second: Model, languages: Sequence[str]) -> Scores:
        """By how much the first of two models scored above the second, run by run.

        Raises:
            ResultsError: the two have no run in common.
        """
        try:
            return self.scores(first, languages).minus(self.scores(second, languages))
        except RunsError as error:
            raise ResultsError(f"{first.label} and {second.label} cannot be compared: {error}") from None

    def ensemble(self, model: Model) -> np.ndarray | None:
        """Answers (languages, items) of a model's ensemble; None in retrieval, where there is none."""
        return self.right.get(model.path)


def write_answers(answers: Answers, path: str | os.PathLike[str]) -> None:
    """Writes answers as parquet: a row a language and item, a column a classifier, encoder or ensemble."""
    shape = next(iter(answers.right.values())).shape
    there = np.ones(shape, dtype=bool) if answers.present is None else answers.present
    columns = {"language": pa.array(np.repeat(answers.languages, answers.items))}
    if answers.clusters is not None:
        columns["cluster"] = pa.array(np.broadcast_to(answers.clusters, shape)[there])
    columns |= {key: pa.array(right[there]) for key, right in answers.right.items()}
    facts = json.dumps({"task": answers.task, "chance": answers.chance, "parallel": answers.present is None})
    with atomic_write(path) as partial:
        pq.write_table(pa.table(columns).replace_schema_metadata({METADATA: facts}), partial)


def read_answers(path: str | os.PathLike[str]) -> Answers:
    """Reads what `write_answers` wrote."""
    table = pq.read_table(path)
    facts = json.loads(table.schema.metadata[METADATA])
    counted = table["language"].value_counts()
    languages, items = counted.field("values").to_pylist(), counted.field("counts").to_numpy()
    there = np.arange(items.max()) < items[:, None]

    def padded(column: str) -> np.ndarray:
        values = table[column].to_numpy()
        rows = np.zeros(there.shape, dtype=values.dtype)
        rows[there] = values
        return rows

    right = {name: padded(name) for name in table.column_names if name not in COLUMNS}
    clusters = padded("cluster") if "cluster" in table.column_names else None
    if not facts.get("parallel", True):
        return Answers(facts["task"], facts["chance"], languages, right, clusters, there)
    return Answers(facts["task"], facts["chance"], languages, right, None if clusters is None else clusters[0])


def read_chance(path: str | os.PathLike[str]) -> tuple[str, float]:
    """The task of a file of answers, and the accuracy of chance."""
    facts = json.loads(pq.read_schema(path).metadata[METADATA])
    return facts["task"], facts["chance"]
