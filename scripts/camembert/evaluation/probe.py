"""Linear probing: what an encoder's sentence vectors tell a logistic regression that is fitted on labelled text.

Nothing of the encoder is trained, and nothing is drawn at random (Alain and Bengio 2016, arXiv 1610.01644). Of two
sentences u and v the features are u, v, |u - v| and u * v (Conneau et al. 2017, arXiv 1705.02364).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from camembert.data.tasks import Example
from camembert.evaluation.classification import accuracy
from camembert.evaluation.task_baselines import over_all_labels

log = logging.getLogger(__name__)

MOST_ITERATIONS = 2000
"""Of the solver; twenty times what vectors of real encoders take."""
SMALLEST_SPREAD = 1e-6
"""Standard deviation of a unit, over the largest absolute value, below which vectors count as equal."""


class ProbeError(ValueError):
    """Examples or vectors that no probe can be fitted to, with what was found and expected."""


@dataclass(frozen=True)
class Vectors:
    """Sentence vectors of examples.

    Attributes:
        first: of the first sentence of each, (examples, hidden) float32.
        second: of the second, where there are two.
        labels: (examples,).
    """

    first: np.ndarray
    second: np.ndarray | None
    labels: np.ndarray

    @property
    def features(self) -> np.ndarray:
        """What the regression reads: (examples, hidden), or (examples, 4 hidden) of pairs."""
        u, v = self.first, self.second
        return u if v is None else np.concatenate([u, v, np.abs(u - v), u * v], axis=1)


@dataclass(frozen=True)
class Probe:
    """A fitted probe.

    Attributes:
        model: the regression, on standardised features.
        labels: how many the task has.
        strength: C, the inverse of the regularisation, that was best on dev.
        dev_accuracy: of it, by C.
        iterations: that the solver took for it.
    """

    model: Pipeline
    labels: int
    strength: float
    dev_accuracy: dict[float, float]
    iterations: int

    def logits(self, vectors: Vectors) -> np.ndarray:
        """Logarithms of the probabilities of every label: (examples, labels) float32."""
        return over_all_labels(self.model.predict_proba(vectors.features), self.model.classes_, self.labels)


def vectors_of(examples: Sequence[Example], embed: Callable[[Sequence[str]], np.ndarray]) -> Vectors:
    """Vectors of examples; a sentence that occurs again is embedded once.

    Args:
        examples: of one sentence or of two, all alike.
        embed: gives the vectors of sentences, (sentences, hidden).
    """
    pairs = examples[0].text_pair is not None
    firsts = [example.text for example in examples]
    seconds = [example.text_pair or "" for example in examples] if pairs else []
    row = {text: number for number, text in enumerate(dict.fromkeys(firsts + seconds))}
    found = embed(list(row))
    return Vectors(
        found[[row[text] for text in firsts]],
        found[[row[text] for text in seconds]] if pairs else None,
        np.array([example.label for example in examples]),
    )


def evenly(examples: Sequence[Example], limit: int | None) -> list[Example]:
    """At most so many of the examples (None: all), evenly spread over them."""
    if limit is None or limit >= len(examples):
        return list(examples)
    return [examples[i * len(examples) // limit] for i in range(limit)]


def check_labels(examples: Sequence[Example], labels: Sequence[str], where: str) -> None:
    """Checks that a probe can be fitted to the training examples; names labels that it will never predict.

    Args:
        examples: of training.
        labels: names of the task's labels.
        where: the file, named in errors.

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


def fit_probe(train: Vectors, dev: Vectors, labels: int, strengths: Sequence[float]) -> Probe:
    """Fits a multinomial logistic regression to standardised features; dev chooses its C, the least of equals.

    Args:
        train: training examples, of two labels or more.
        dev: development examples, in the same languages.
        labels: how many the task has.
        strengths: values of C to choose from, the inverse of the strength of the L2 penalty.

    Raises:
        ProbeError: the encoder gives all sentences the same vector.
    """
    if train.first.std(0).max() <= SMALLEST_SPREAD * np.abs(train.first).max():
        raise ProbeError(
            f"the encoder gives all {len(train.labels)} English training sentences the same vector, expected different"
            " ones; its weights, or its tokenizer, are not what they should be"
        )
    x, y = train.features, dev.features
    models, scores = {}, {}
    for strength in sorted(strengths):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=MOST_ITERATIONS))
        models[strength] = model.fit(x, train.labels)
        scores[strength] = accuracy(over_all_labels(model.predict_proba(y), model.classes_, labels), dev.labels)
    best = max(scores, key=lambda strength: (scores[strength], -strength))
    iterations = int(models[best][-1].n_iter_.max())
    if iterations >= MOST_ITERATIONS:
        log.warning("the probe had not converged after %d iterations at C = %g", iterations, best)
    return Probe(models[best], labels, best, scores, iterations)
