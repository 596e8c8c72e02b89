"""Accuracies, their averages over languages, and their spread over classifiers.

A *classifier* is one fine-tuned model: a recipe, a chain, a distillation seed and a fine-tuning seed. Averages over
languages are taken within a classifier first; mean and standard deviation are then taken over classifiers, so that a
spread is one of whole experiments and not of languages. Accuracies are shares (0 to 1) everywhere here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from camembert.plan.chain import Method, parse_chain

ENGLISH = "en"
CLASSIFIER = ["recipe", "chain", "distill_seed", "seed"]


class ResultsError(ValueError):
    """Results that cannot be counted or compared, with the file or the classifier they belong to."""


class Model(NamedTuple):
    """One line of a comparison: what its classifiers share, under a display name."""

    recipe: str
    chain: str
    label: str
    method: Method

    @property
    def layers(self) -> int:
        """Layers of the encoder."""
        return parse_chain(self.chain).layers


class Spread(NamedTuple):
    """Mean over classifiers and their sample standard deviation (ddof 1; NaN for one)."""

    runs: int
    mean: float
    sd: float


def models_of(order: Iterable[Mapping[str, Any]]) -> list[Model]:
    """Reads the experiment plan: mappings with recipe, chain, label and method, in display order.

    A line that is repeated, as with several distillation seeds, counts once. Labels that belong to several recipes
    get the recipe's name behind them.
    """
    lines = (Model(line["recipe"], line["chain"], line["label"], Method(line["method"])) for line in order)
    models = list(dict.fromkeys(lines))
    labels = [model.label for model in models]
    return [
        model if labels.count(model.label) == 1 else model._replace(label=f"{model.label}, {model.recipe}")
        for model in models
    ]


def by_classifier(accuracy: pd.DataFrame) -> pd.DataFrame:
    """One row a classifier (index: recipe, chain, distill_seed, seed), one column a language in the order met.

    Raises:
        ResultsError: a classifier lacks a language or has it twice, so that averages would not compare.
    """
    key = [*CLASSIFIER, "language"]
    repeated = accuracy.loc[accuracy.duplicated(key), key]
    if len(repeated):
        raise ResultsError(f"two accuracies for one classifier and language: {_named(repeated.iloc[0])}")
    wide = accuracy.pivot(index=CLASSIFIER, columns="language", values="accuracy")
    if wide.isna().any(axis=None):
        gap: Any = wide.isna().stack().idxmax()
        raise ResultsError(f"no accuracy for {_named(gap)}, though other classifiers have this language")
    return wide[accuracy["language"].unique()]


def averages(accuracy: pd.DataFrame) -> pd.DataFrame:
    """One row a classifier: its accuracy in English, on average over all languages, and over all but English.

    Columns: english, average, zero_shot. NaN where there is no such language.
    """
    wide = by_classifier(accuracy)
    return pd.DataFrame({name: wide[own].mean(axis=1) for name, own in languages_of(wide.columns).items()})


def languages_of(languages: Iterable[str]) -> dict[str, list[str]]:
    """The languages that each column of `averages` is an average of."""
    languages = list(languages)
    return {
        "english": [language for language in languages if language == ENGLISH],
        "average": languages,
        "zero_shot": [language for language in languages if language != ENGLISH],
    }


def runs_of(frame: pd.DataFrame, model: Model) -> pd.DataFrame:
    """The rows of a model in a frame indexed by classifier.

    Raises:
        ResultsError: the model was never evaluated.
    """
    index = frame.index
    recipes, chains = index.get_level_values("recipe"), index.get_level_values("chain")
    runs = frame[(recipes == model.recipe) & (chains == model.chain)]
    if runs.empty:
        raise ResultsError(f"no accuracy of chain {model.chain} under recipe {model.recipe}, which the plan names")
    return runs


def spread(values: Sequence[float] | pd.Series) -> Spread:
    """Mean and standard deviation of runs. How sure the mean is, is another question: see ``intervals``."""
    runs = pd.Series(values, dtype=float)
    return Spread(len(runs), float(runs.mean()), float(runs.std(ddof=1)))


def teacher_of(model: Model, order: Sequence[Model]) -> Model:
    """The teacher a model is held against: that of its own recipe, else the only one there is.

    Raises:
        ResultsError: none, or several under other recipes.
    """
    teachers = [other for other in order if other.method is Method.TEACHER]
    own = [teacher for teacher in teachers if teacher.recipe == model.recipe] or teachers
    if len(own) != 1:
        raise ResultsError(f"{len(own)} teachers to hold {model.label} against; the plan must name one a recipe or one")
    return own[0]


def _named(values: Iterable[Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in zip([*CLASSIFIER, "language"], values, strict=True))
