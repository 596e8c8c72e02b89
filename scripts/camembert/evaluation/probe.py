"""Classifiers that scikit-learn fits: a linear probe of an encoder's sentence vectors, and baselines without one.

The probe is a logistic regression. Nothing of the encoder is trained, and nothing is drawn at random (Alain and Bengio
2016, arXiv 1610.01644). Of two sentences u and v the features are u, v, |u - v| and u * v (Conneau et al. 2017, arXiv
1705.02364).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from camembert.data.tasks import Example
from camembert.evaluation.classification import accuracy

log = logging.getLogger(__name__)

WORDS = (1, 2)
"""Fewest and most neighbouring words that the baselines count together."""
MOST_ITERATIONS = 2000
"""Of the solver; twenty times what vectors of real encoders take."""
SMALLEST_DEVIATION = 1e-6
"""Standard deviation of a feature, over the largest absolute value, below which vectors count as equal."""


class ProbeError(ValueError):
    """Examples or vectors that no probe can be fitted to, with what was found and expected."""


class FittedProbe(NamedTuple):
    """A fitted probe: the regression on standardised features, by the C that was best on dev.

    Attributes:
        model: of that C.
        strength: C, the inverse of the strength of the L2 penalty.
        dev_accuracy: by C.
        iterations: that the solver took for the model.
    """

    model: Pipeline
    strength: float
    dev_accuracy: dict[float, float]
    iterations: int


def fit_baselines(examples: Sequence[Example]) -> dict[str, Pipeline]:
    """The label most frequent in training, and naive Bayes over words: fitted baselines by name, that read texts."""
    words: dict[str, Any] = {"ngram_range": WORDS, "token_pattern": r"\w+"}
    baselines = {
        "majority": make_pipeline(DummyClassifier(strategy="prior")),
        "naive-bayes": make_pipeline(CountVectorizer(**words), MultinomialNB()),
    }
    texts, labels = join_pairs(examples), [example.label for example in examples]
    return {name: baseline.fit(texts, labels) for name, baseline in baselines.items()}


def join_pairs(examples: Sequence[Example]) -> list[str]:
    """The texts of examples; of a pair both sentences, as one."""
    return [each.text if each.text_pair is None else f"{each.text}\n{each.text_pair}" for each in examples]


def predict_logits(model: Pipeline, inputs: Any, labels: int) -> np.ndarray:
    """Logarithms of the probabilities of every label, which serve as logits: (examples, labels) float32.

    Args:
        model: a fitted classifier.
        inputs: an example an entry, as the model reads them.
        labels: how many the task has; one without training examples gets the smallest positive float32.
    """
    smallest = np.finfo(np.float32).tiny
    probabilities = np.full((len(inputs), labels), smallest)
    probabilities[:, model.classes_] = model.predict_proba(inputs)
    return np.log(np.maximum(probabilities, smallest)).astype(np.float32)


def compute_features(examples: Sequence[Example], embed: Callable[[Sequence[str]], np.ndarray]) -> np.ndarray:
    """What the probe reads of examples: (examples, hidden), or (examples, 4 hidden) of pairs.

    A sentence that occurs again is embedded once.

    Args:
        examples: of one sentence or of two, all alike.
        embed: gives the vectors of sentences, (sentences, hidden).
    """
    first = [example.text for example in examples]
    second = [example.text_pair for example in examples if example.text_pair is not None]
    row = {text: number for number, text in enumerate(dict.fromkeys(first + second))}
    vectors = embed(list(row))
    u = vectors[[row[text] for text in first]]
    if not second:
        return u
    v = vectors[[row[text] for text in second]]
    return np.concatenate([u, v, np.abs(u - v), u * v], axis=1)


def sample_evenly(examples: Sequence[Example], limit: int | None) -> list[Example]:
    """At most so many of the examples (None: all), evenly spread over them."""
    if limit is None or limit >= len(examples):
        return list(examples)
    return [examples[i * len(examples) // limit] for i in range(limit)]


def check_training_labels(examples: Sequence[Example], labels: Sequence[str], where: str) -> None:
    """Checks that a probe can be fitted to the training examples in a file; names labels that it will never predict.

    Raises:
        ProbeError: all examples have one label.
    """
    found = {example.label for example in examples}
    if len(found) == 1:
        raise ProbeError(
            f"all {len(examples)} training examples in {where} have the label {labels[found.pop()]}, expected"
            " two labels or more; correct the task, or set probe.enabled: false"
        )
    if missing := [name for number, name in enumerate(labels) if number not in found]:
        log.warning(
            "%s has no training example of %s; the probe never predicts what it has not seen",
            *(where, ", ".join(missing)),
        )


def fit_probe(
    train: np.ndarray,
    train_labels: Sequence[int],
    dev: np.ndarray,
    dev_labels: Sequence[int],
    labels: int,
    strengths: Sequence[float],
) -> FittedProbe:
    """Fits a multinomial logistic regression to standardised features; dev chooses its C, the least of equals.

    Args:
        train: features of the training examples, (examples, n), of two labels or more.
        train_labels: numbers of their labels.
        dev: features of development examples, in the same languages.
        dev_labels: numbers of their labels.
        labels: how many the task has.
        strengths: values of C to choose from, the inverse of the strength of the L2 penalty.

    Raises:
        ProbeError: the encoder gives all sentences the same vector.
    """
    if train.std(0).max() <= SMALLEST_DEVIATION * np.abs(train).max():
        raise ProbeError(
            f"the encoder gives all {len(train)} English training sentences the same vector, expected different"
            " ones; its weights, or its tokenizer, are not what they should be"
        )
    models, scores = {}, {}
    for strength in sorted(strengths):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=MOST_ITERATIONS))
        models[strength] = model.fit(train, train_labels)
        scores[strength] = accuracy(predict_logits(model, dev, labels), dev_labels)
    best = max(scores, key=lambda strength: (scores[strength], -strength))
    iterations = int(models[best][-1].n_iter_.max())
    if iterations >= MOST_ITERATIONS:
        log.warning("the probe had not converged after %d iterations at C = %g", iterations, best)
    return FittedProbe(models[best], best, scores, iterations)
