"""What eight bits lose: an ONNX model in float32 and in eight bits, on the development examples."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from camembert.data.tasks import Example, read_examples
from camembert.evaluation.classification import accuracy, encode_examples, pad_id_of, predict
from camembert.evaluation.predictors import predictor_of
from camembert.release.forms import CLASSIFIER
from camembert.tokens.tokenizer import load_tokenizer

LARGEST_LOSS = 0.01
"""Share of the development examples that eight bits may lose without a warning."""


def loss_of_eight_bits(
    model: str,
    full: str | os.PathLike[str],
    small: str | os.PathLike[str],
    dev: Sequence[str | os.PathLike[str]],
    max_length: int,
    batch_tokens: int,
    threads: int,
) -> float:
    """What an ONNX model in eight bits loses on development examples, as a mean over their files (languages).

    Args:
        model: encoder or classifier.
        full: folder of the model in float32.
        small: the same in eight bits.
        dev: parquet files of examples.
        max_length: longer examples are cut.
        batch_tokens: tokens a batch, padding included.
        threads: of the CPU.

    Returns:
        Of a classifier, accuracy in float32 less that in eight bits (shares). Of an encoder, 1 less the mean cosine of
        the vectors that both give a sentence.
    """
    tokenizer, pad_id = load_tokenizer(full), pad_id_of(full)
    predictors = [predictor_of(folder, threads) for folder in (full, small)]
    losses = []
    for path in dev:
        examples = read_examples(path)
        if model != CLASSIFIER:  # the sentence alone, of a pair the first
            examples = [Example(each.id, each.text, None, each.label) for each in examples]
        encoded = encode_examples(examples, tokenizer, max_length)
        before, after = (predict(each, encoded, pad_id, batch_tokens) for each in predictors)
        if model == CLASSIFIER:
            losses.append(accuracy(before, encoded.labels) - accuracy(after, encoded.labels))
        else:
            losses.append(1 - float((before * after).sum(1).mean()))
    return float(np.mean(losses))
