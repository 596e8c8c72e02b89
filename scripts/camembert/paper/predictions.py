"""Saved predictions, read once: which test pairs every classifier, and every model's ensemble, got right.

The *ensemble* of a model is one prediction a test pair: the largest mean probability over all runs of the model. A
test that wants independent pairs, as McNemar's does, can be asked about it, and not about runs that repeat the pairs.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.special import softmax

from camembert.core.files import whole
from camembert.paper.statistics import Model, ResultsError
from camembert.plan.chain import parse_chain

ACCURACY_COLUMNS = [
    "experiment", "recipe", "chain", "label", "layers", "distill_seed", "seed", "language", "n", "accuracy"
]  # fmt: skip
PREDICTIONS_PATH = re.compile(
    r"(?P<recipe>[^/]+)/(?P<chain>[^/]+)/d(?P<d>\d+)-s(?P<s>\d+)/(?P<language>[^/]+)\.parquet"
)
BESIDE_LOGITS = ("id", "label", "cluster")
"""Columns of predictions that are no logit; the others are, one a label and named by it."""
SEEDS = re.compile(r"d(\d+)-s(\d+)")


class Run(NamedTuple):
    """A classifier: its model and its two seeds."""

    model: Model
    distill_seed: int
    seed: int

    @property
    def path(self) -> str:
        """Its folder among the predictions: ``toplayer/6-4-2/d1-s2``."""
        return f"{self.model.recipe}/{self.model.chain}/d{self.distill_seed}-s{self.seed}"


@dataclass(frozen=True)
class Answers:
    """Right (True) and wrong answers.

    Attributes:
        languages: in the order of the rows.
        right: one array (languages, pairs) a classifier, keyed ``RECIPE/CHAIN/dN-sN``, and one a model, its
            ensemble, keyed ``RECIPE/CHAIN``. Column i is the same pair in every language.
    """

    languages: list[str]
    right: dict[str, np.ndarray]

    def scores(self, model: Model, languages: Sequence[str]) -> np.ndarray:
        """Scores (distillation seeds, fine-tuning seeds, pairs): the mean over some languages of a run's answers."""
        rows = [self.languages.index(language) for language in languages]
        distill_seeds, seeds = self.seeds(model)
        return np.array([[self.right[Run(model, d, s).path][rows].mean(axis=0) for s in seeds] for d in distill_seeds])

    def seeds(self, model: Model) -> tuple[list[int], list[int]]:
        """Distillation seeds and fine-tuning seeds of a model.

        Raises:
            ResultsError: the model was never evaluated.
        """
        folder = f"{model.recipe}/{model.chain}/"
        runs = [SEEDS.fullmatch(key.removeprefix(folder)) for key in self.right if key.startswith(folder)]
        found = [(int(run[1]), int(run[2])) for run in runs if run]
        if not found:
            raise ResultsError(
                f"no predictions of chain {model.chain} under recipe {model.recipe}, a model of the plan"
            )
        return sorted({d for d, _ in found}), sorted({s for _, s in found})

    def ensemble(self, model: Model) -> np.ndarray:
        """Answers (languages, pairs) of a model's ensemble."""
        return self.right[f"{model.recipe}/{model.chain}"]


def covered(answers: Answers, *models: Model) -> list[str]:
    """What the interval of a model, or of a difference of two, covers; nothing where there is no interval."""
    seeds = [answers.seeds(model) for model in models]
    if any(len(distill_seeds) * len(own) < 2 for distill_seeds, own in seeds):
        return []
    distilled = [own for own, model in zip(seeds, models, strict=True) if depends_on_distill_seed(model)]
    covers = ["distillation seeds"] if distilled and all(len(own[0]) > 1 for own in distilled) else []
    return [*covers, *(["fine-tuning seeds"] if all(len(own[1]) > 1 for own in seeds) else []), "test pairs"]


def depends_on_distill_seed(model: Model) -> bool:
    """Whether another distillation seed would give another encoder."""
    return parse_chain(model.chain).depends_on_distill_seed


def count(experiment: str, order: Sequence[Model], paths: Iterable[Path]) -> tuple[pd.DataFrame, Answers]:
    """Reads all predictions of an experiment and counts the right ones.

    Args:
        experiment: name of the experiment, repeated in each row.
        order: the plan, for display names.
        paths: files ``.../{recipe}/{chain}/d{distill_seed}-s{seed}/{language}.parquet``.

    Returns:
        A row a classifier and language, no averages: the columns of ACCURACY_COLUMNS, n in pairs, accuracy as a
        share (0 to 1). And the answers themselves, their pairs in the order of the ids.

    Raises:
        ResultsError: a file that is missing, misnamed, empty or no predictions, that repeats an id, or was made on
            other pairs or labels than the first file.
    """
    models = {(model.recipe, model.chain): model for model in order}
    right: dict[tuple[Run, str], np.ndarray] = {}
    votes: dict[tuple[Model, str], np.ndarray] = {}
    first: tuple[Path, np.ndarray, np.ndarray] | None = None
    folder = Path()
    for path in map(Path, paths):
        named = PREDICTIONS_PATH.fullmatch("/".join(path.parts[-4:]))
        model = models.get((named["recipe"], named["chain"])) if named else None
        if named is None or model is None:
            raise ResultsError(f"{path}: not RECIPE/CHAIN/dN-sN/LANGUAGE.parquet of a chain in the plan")
        folder = path.parents[3]
        ids, labels, logits = read_predictions(path)
        first = first or (path, ids, labels)
        for what, found, expected in (("ids", ids, first[1]), ("labels", labels, first[2])):
            if not np.array_equal(found, expected):
                raise ResultsError(
                    f"{path}: its {what} differ from those in {first[0]}; evaluate both on the same pairs"
                )
        run = Run(model, int(named["d"]), int(named["s"]))
        right[run, named["language"]] = logits.argmax(axis=1) == labels
        vote = votes.setdefault((model, named["language"]), np.zeros(logits.shape))
        vote += softmax(logits.astype(float), axis=1)
    if first is None:
        raise ResultsError("no predictions to count; the plan names no classifier")
    languages = list(dict.fromkeys(language for _, language in right))
    runs = list(dict.fromkeys(run for run, _ in right))
    for run, language in product(_complete(runs), languages):
        if (run, language) not in right:
            raise ResultsError(f"{folder / run.path / language}.parquet is missing; other classifiers have this one")
    by_run = {run.path: np.array([right[run, language] for language in languages]) for run in runs}
    by_model = {
        f"{model.recipe}/{model.chain}": np.array(
            [votes[model, language].argmax(axis=1) == first[2] for language in languages]
        )
        for model in dict.fromkeys(run.model for run in runs)
    }
    rows = [
        (experiment, recipe, chain, label, parse_chain(chain).layers, d, s, language, len(answers), answers.mean())
        for (((recipe, chain, label, _), d, s), language), answers in right.items()
    ]
    return pd.DataFrame(rows, columns=ACCURACY_COLUMNS), Answers(languages, by_run | by_model)


def _complete(runs: Sequence[Run]) -> list[Run]:
    """All runs there should be: each model with each seed that another has, where it depends on it."""
    seeds = sorted({run.seed for run in runs})
    distilled = sorted({run.distill_seed for run in runs if depends_on_distill_seed(run.model)})
    models = dict.fromkeys(run.model for run in runs)
    own = {model: sorted({run.distill_seed for run in runs if run.model == model}) for model in models}
    return [
        Run(model, d, s)
        for model in models
        for d in (distilled if depends_on_distill_seed(model) else own[model])
        for s in seeds
    ]


def read_predictions(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Reads the predictions of one classifier in one language.

    Returns:
        Ids (pairs,) in ascending order, labels (pairs,), logits (pairs, labels).

    Raises:
        ResultsError: no parquet file, a column is missing, there are no rows, an id occurs twice, a label is not
            that of a class, or a logit is not finite.
    """
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise ResultsError(f"{path} cannot be read as parquet ({error}); evaluate that classifier again") from None
    missing = {"id", "label"} - set(table.column_names)
    names = [name for name in table.column_names if name not in BESIDE_LOGITS]
    if missing or len(names) < 2:
        raise ResultsError(f"{path}: no column {', '.join(sorted(missing)) or 'of logits, one a label'}")
    if not table.num_rows:
        raise ResultsError(f"{path}: no predictions")
    ids, labels = table["id"].to_numpy().astype(str), table["label"].to_numpy()
    logits = np.column_stack([table[name].to_numpy() for name in names])
    if not (ids[:-1] < ids[1:]).all():
        ascending = ids.argsort(kind="stable")
        ids, labels, logits = ids[ascending], labels[ascending], logits[ascending]
        twice = ids[1:][ids[1:] == ids[:-1]]
        if len(twice):
            raise ResultsError(f"{path}: id {twice[0]} occurs twice")
    if not np.isin(labels, range(len(names))).all():
        raise ResultsError(f"{path}: a label other than 0 to {len(names) - 1}")
    if not np.isfinite(logits).all():
        raise ResultsError(f"{path}: logits that are not finite; the classifier diverged")
    return ids, labels, logits


def write_answers(answers: Answers, path: str | os.PathLike[str]) -> None:
    """Writes answers as parquet: a row a language and pair, a column a classifier or ensemble."""
    pairs = next(iter(answers.right.values())).shape[1]
    columns = {"language": np.repeat(answers.languages, pairs)}
    with whole(path) as partial:
        pq.write_table(pa.table(columns | {key: right.ravel() for key, right in answers.right.items()}), partial)


def read_answers(path: str | os.PathLike[str]) -> Answers:
    """Reads what `write_answers` wrote."""
    table = pq.read_table(path)
    languages = table["language"].unique().to_pylist()
    keys = [name for name in table.column_names if name != "language"]
    return Answers(languages, {key: table[key].to_numpy().reshape(len(languages), -1) for key in keys})
