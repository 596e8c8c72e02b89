"""A classifier, or an encoder with its pooling, as an ONNX model, in float32 and in eight bits; what these lose."""

from __future__ import annotations

import logging
import os
import shutil
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import Tensor, nn

from camembert.core.files import BESIDE_WEIGHTS, ONNX_WEIGHTS, atomic_write
from camembert.data.tasks import read_examples
from camembert.evaluation.classification import OUTPUT, accuracy, load_predictor, text_predictor
from camembert.evaluation.sentence_vectors import pool_states
from camembert.models.classifier import Classifier, load_classifier
from camembert.models.encoder import Encoder, load_encoder
from camembert.release.choice import CLASSIFIER
from camembert.tokens import tokenizer

SENTENCE_VECTOR = "sentence_embedding"
"""Output of an encoder, (rows, hidden): pooled top states of length 1."""


class _Logits(nn.Module):
    """A classifier whose inputs have an order and whose output is one tensor, as ONNX wants them."""

    output = OUTPUT

    def __init__(self, classifier: Classifier, names: Sequence[str]) -> None:
        super().__init__()
        self.classifier, self.names = classifier, names

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.classifier(**dict(zip(self.names, inputs, strict=True))).logits


class _SentenceVectors(nn.Module):
    """The same of an encoder, whose top states are pooled and brought to length 1."""

    output = SENTENCE_VECTOR

    def __init__(self, encoder: Encoder, names: Sequence[str], pooling: str) -> None:
        super().__init__()
        self.encoder, self.names, self.pooling = encoder, names, pooling

    def forward(self, *inputs: Tensor) -> Tensor:
        given = dict(zip(self.names, inputs, strict=True))
        states = self.encoder(**given).last_hidden_state
        real = given["attention_mask"].to(states.dtype)
        return nn.functional.normalize(pool_states(states, real, self.pooling), dim=-1)


def export(source: str | os.PathLike[str], folder: str | os.PathLike[str], pooling: str | None = None) -> None:
    """Writes a model folder as one with model.onnx (float32, any number of rows and tokens), config and tokenizer.

    Args:
        source: folder of a classifier, or of an encoder.
        folder: where to.
        pooling: of an encoder, "mean" or "cls"; None for a classifier.
    """
    names = tokenizer.input_names(source)
    model = (
        _SentenceVectors(load_encoder(source), names, pooling) if pooling else _Logits(load_classifier(source), names)
    )
    # Three tensors, since one given twice would be one input; and of no size 1, which would be taken as a constant.
    example = tuple(torch.full((2, 3), int(name != "token_type_ids")) for name in names)
    axes = {0: torch.export.Dim("rows"), 1: torch.export.Dim("tokens")}
    with _with_files_of(source, folder) as partial, _silence():
        torch.onnx.export(
            model.eval(),
            example,
            partial / ONNX_WEIGHTS,
            input_names=list(names),
            output_names=[model.output],
            dynamic_shapes={"inputs": (axes,) * len(names)},
            dynamo=True,
            external_data=False,
            verbose=False,
        )


def quantize(source: str | os.PathLike[str], folder: str | os.PathLike[str]) -> None:
    """Writes a folder like `source`, which `export` wrote, with matrices and embeddings of eight-bit integers.

    The scales of weights are fixed here, one a column; those of activations are found as the model runs (dynamic
    quantisation). Weights use seven of the bits: products of eight-bit numbers overflow on processors without VNNI
    (Intel before 2019, AMD before 2022), which would cost accuracy there unseen.
    """
    with _with_files_of(source, folder) as partial, _silence():
        quantize_dynamic(
            Path(source) / ONNX_WEIGHTS,
            partial / ONNX_WEIGHTS,
            per_channel=True,
            reduce_range=True,
            weight_type=QuantType.QInt8,
        )


def measure_loss(
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
        max_length, batch_tokens: see `text_predictor`.
        threads: of the CPU.

    Returns:
        Of a classifier, accuracy in float32 less that in eight bits (shares). Of an encoder, 1 less the mean cosine of
        the vectors that both give a sentence.
    """
    predictors = [
        text_predictor(load_predictor(folder, threads), folder, max_length, batch_tokens) for folder in (full, small)
    ]
    losses = []
    for path in dev:
        examples = read_examples(path)
        if model == CLASSIFIER:
            labels = [example.label for example in examples]
            before, after = (accuracy(predict(examples), labels) for predict in predictors)
            losses.append(before - after)
        else:  # the sentence alone, of a pair the first
            single = [example._replace(text_pair=None) for example in examples]
            vectors = [predict(single) for predict in predictors]
            losses.append(1 - float((vectors[0] * vectors[1]).sum(1).mean()))
    return float(np.mean(losses))


@contextmanager
def _with_files_of(source: str | os.PathLike[str], folder: str | os.PathLike[str]) -> Iterator[Path]:
    with atomic_write(folder) as partial:
        partial.mkdir()
        yield partial
        for name in BESIDE_WEIGHTS:
            shutil.copyfile(Path(source) / name, partial / name)


@contextmanager
def _silence() -> Iterator[None]:
    """Hushes what the exporters say about themselves: that torchvision is absent, that a step might come before."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)
