"""Baselines of a task that take no encoder: the label most frequent in training, and naive Bayes over words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import Pipeline, make_pipeline

from camembert.data.tasks import Example

WORDS = (1, 2)
"""Fewest and most neighbouring words that are counted together."""


def task_baselines() -> dict[str, Pipeline]:
    """The untrained baselines by name, scikit-learn's with its defaults."""
    words: Mapping[str, Any] = {"ngram_range": WORDS, "token_pattern": r"\w+"}
    return {
        "majority": make_pipeline(CountVectorizer(**words), DummyClassifier(strategy="prior")),
        "naive-bayes": make_pipeline(CountVectorizer(**words), MultinomialNB()),
    }


def log_probabilities(baseline: Pipeline, labels: int, examples: Sequence[Example]) -> np.ndarray:
    """Logarithms of the probabilities of every label, which serve as logits: (examples, labels) float32."""
    found = baseline.predict_proba([_text(example) for example in examples])
    return over_all_labels(found, baseline.classes_, labels)


def over_all_labels(probabilities: np.ndarray, classes: np.ndarray, labels: int) -> np.ndarray:
    """Logarithms of probabilities, with columns for labels that a fitted model has not seen.

    Args:
        probabilities: (examples, classes).
        classes: numbers of the labels that the columns stand for.
        labels: how many the task has; one without training examples gets the smallest positive float32.

    Returns:
        (examples, labels) float32.
    """
    found = np.full((len(probabilities), labels), np.finfo(np.float32).tiny)
    found[:, classes] = probabilities
    return np.log(np.maximum(found, np.finfo(np.float32).tiny)).astype(np.float32)


def fit(baseline: Pipeline, examples: Sequence[Example]) -> Pipeline:
    """Counts the words and labels of English training examples; of a pair the words of both sentences."""
    return baseline.fit([_text(example) for example in examples], [example.label for example in examples])


def _text(example: Example) -> str:
    return example.text if example.text_pair is None else f"{example.text}\n{example.text_pair}"
