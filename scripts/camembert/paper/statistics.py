"""Accuracies, their averages over languages, and their spread over runs.

An accuracy is that of a *classifier* on the task, or that of an *encoder* in retrieval. Within a run of a model they
are averaged: over its fine-tunings first, then over languages. Mean and standard deviation are then taken over runs,
so that a spread is one of whole experiments and not of languages. Accuracies are shares (0 to 1) everywhere here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from camembert.plan.chain import Method, parse_chain
from camembert.plan.sources import ENGLISH

RETRIEVAL = "retrieval"
"""Stands for the name of the task where accuracies are those of encoders in sentence retrieval."""
PROBE = "probe"
"""Stands for the name of the task where accuracies are those of linear probes of frozen encoders on it."""
RUN = ["recipe", "chain", "run"]
CLASSIFIER = [*RUN, "finetuning"]


class ResultsError(ValueError):
    """Results that cannot be counted or compared, with the file or the model they belong to."""


class Model(NamedTuple):
    """One line of a comparison: what the runs of a model share, under a display name.

    Attributes:
        recipe, chain: as in its paths.
        label: display name.
        method: what its chain stands for; None for a baseline, which is no encoder.
    """

    recipe: str
    chain: str
    label: str
    method: Method | None

    @property
    def path(self) -> str:
        """Its folder among predictions and encoders: ``toplayer/6-4-2``."""
        return f"{self.recipe}/{self.chain}"

    @property
    def layers(self) -> int | None:
        """Layers of the encoder; None where there is no encoder."""
        return parse_chain(self.chain).layers if self.method else None


BASELINE_RECIPE = "baseline"
"""Stands for the recipe of what takes no encoder."""
RETRIEVAL_BASELINE = Model(BASELINE_RECIPE, "char-ngrams", "Character n-grams", None)
MAJORITY = Model(BASELINE_RECIPE, "majority", "Majority class", None)
NAIVE_BAYES = Model(BASELINE_RECIPE, "naive-bayes", "Naive Bayes", None)
TASK_BASELINES = (MAJORITY, NAIVE_BAYES)
BASELINES = (*TASK_BASELINES, RETRIEVAL_BASELINE)


class Spread(NamedTuple):
    """Mean over runs and their sample standard deviation (ddof 1; NaN for one)."""

    runs: int
    mean: float
    sd: float


def models_of(lines: Iterable[Mapping[str, Any]]) -> list[Model]:
    """Reads the models of an experiment: mappings with recipe, chain, label and method, in display order.

    A line that is repeated, as with several runs, counts once. Labels that belong to several recipes get the recipe's
    name behind them.
    """
    named = (Model(line["recipe"], line["chain"], line["label"], Method(line["method"])) for line in lines)
    models = list(dict.fromkeys(named))
    labels = [model.label for model in models]
    return [
        model if labels.count(model.label) == 1 else model._replace(label=f"{model.label}, {model.recipe}")
        for model in models
    ]


def present(models: Iterable[Model], accuracy: pd.DataFrame) -> list[Model]:
    """The models that a table of accuracies has rows of."""
    return [m for m in models if ((accuracy["recipe"] == m.recipe) & (accuracy["chain"] == m.chain)).any()]


def by_run(accuracy: pd.DataFrame) -> pd.DataFrame:
    """Means over the fine-tunings of a run: one row a run (index: recipe, chain, run), one column a language.

    Args:
        accuracy: tidy accuracies of one task; languages keep the order they come in.
    """
    wide = accuracy.pivot(index=CLASSIFIER, columns="language", values="accuracy")
    return wide[accuracy["language"].unique()].groupby(level=RUN, sort=False).mean()


def averages(accuracy: pd.DataFrame, trained_on: Collection[str] = (ENGLISH,)) -> pd.DataFrame:
    """One row a run: its accuracy in the languages of the labels, on average over all languages, and over the others.

    Columns: english, average, zero_shot. NaN where there is no such language.
    """
    wide = by_run(accuracy)
    return pd.DataFrame({name: wide[own].mean(axis=1) for name, own in languages_of(wide.columns, trained_on).items()})


def languages_of(languages: Iterable[str], trained_on: Collection[str] = (ENGLISH,)) -> dict[str, list[str]]:
    """The languages that each column of `averages` is an average of.

    Args:
        languages: all.
        trained_on: those of the labels; their column is called english, as they are unless the config says otherwise.
    """
    languages = list(languages)
    return {
        "english": [language for language in languages if language in trained_on],
        "average": languages,
        "zero_shot": [language for language in languages if language not in trained_on],
    }


def name_of_languages(trained_on: Collection[str]) -> str:
    """What tables call the languages of the labels: English, or their codes."""
    return "English" if list(trained_on) == [ENGLISH] else ", ".join(trained_on)


def runs_of(frame: pd.DataFrame, model: Model) -> pd.DataFrame:
    """The rows of a model in a frame indexed by run.

    Raises:
        ResultsError: the model was never evaluated.
    """
    index = frame.index
    recipes, chains = index.get_level_values("recipe"), index.get_level_values("chain")
    runs = frame[(recipes == model.recipe) & (chains == model.chain)]
    if runs.empty:
        raise ResultsError(f"no accuracy of chain {model.chain} under recipe {model.recipe}, a model of the experiment")
    return runs


def spread(values: Sequence[float] | pd.Series) -> Spread:
    """Mean and standard deviation of runs. How sure the mean is, is another question: see ``intervals``."""
    runs = pd.Series(values, dtype=float)
    return Spread(len(runs), float(runs.mean()), float(runs.std(ddof=1)))


def teacher_of(model: Model, models: Sequence[Model]) -> Model:
    """The teacher a model is compared with: that of its own recipe, else the only one there is.

    Raises:
        ResultsError: none, or several under other recipes.
    """
    teachers = [other for other in models if other.method is Method.TEACHER]
    own = [teacher for teacher in teachers if teacher.recipe == model.recipe] or teachers
    if len(own) != 1:
        raise ResultsError(
            f"{len(own)} teachers to compare {model.label} with; the experiment must have one a recipe or one"
        )
    return own[0]
