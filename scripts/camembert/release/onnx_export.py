"""A classifier as an ONNX model, in float32 and with eight-bit weights."""

from __future__ import annotations

import logging
import os
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import Tensor, nn
from transformers.models.bert.modeling_bert import BertForSequenceClassification

from camembert.core.files import atomic_write
from camembert.data import tokenizer
from camembert.evaluation.predictors import INPUTS, ONNX_MODEL, OUTPUT

BESIDE = ("config.json", *tokenizer.FILES)
"""What an ONNX folder holds beside the model, so that it can be used by itself."""


class _Logits(nn.Module):
    """A classifier whose inputs have an order and whose output is one tensor, as ONNX wants them."""

    def __init__(self, classifier: BertForSequenceClassification) -> None:
        super().__init__()
        self.classifier = classifier

    def forward(self, input_ids: Tensor, token_type_ids: Tensor, attention_mask: Tensor) -> Tensor:
        inputs = {"input_ids": input_ids, "token_type_ids": token_type_ids, "attention_mask": attention_mask}
        return self.classifier(**inputs).logits


def export_model(classifier: BertForSequenceClassification, path: str | os.PathLike[str]) -> None:
    """Writes a classifier, on the CPU, as an ONNX model that takes any number of rows and tokens."""
    # Three tensors, since one given twice would be one input; and of no size 1, which would be taken as a constant.
    example = tuple(torch.full((2, 3), value) for value in (1, 0, 1))
    axes = {0: torch.export.Dim("rows"), 1: torch.export.Dim("tokens")}
    with _silence():
        torch.onnx.export(
            _Logits(classifier).eval(),
            example,
            path,
            input_names=INPUTS,
            output_names=[OUTPUT],
            dynamic_shapes=dict.fromkeys(INPUTS, axes),
            dynamo=True,
            external_data=False,
            verbose=False,
        )


def quantize_model(source: str | os.PathLike[str], path: str | os.PathLike[str]) -> None:
    """Writes an ONNX model again with matrices, word embeddings included, of eight-bit integers.

    The scales of weights are fixed here, one a column; those of activations are found as the model runs (dynamic
    quantisation).
    """
    with _silence():
        quantize_dynamic(Path(source), Path(path), per_channel=True, weight_type=QuantType.QInt8)


def export(
    classifier: BertForSequenceClassification, folder: str | os.PathLike[str], files_from: str | os.PathLike[str]
) -> None:
    """Writes a folder with a classifier in float32: model.onnx, config and tokenizer.

    Args:
        classifier: on the CPU.
        folder: where to.
        files_from: the classifier's folder, for its tokenizer and config.
    """
    with _with_files_of(files_from, folder) as partial:
        export_model(classifier, partial / ONNX_MODEL)


def quantize(source: str | os.PathLike[str], folder: str | os.PathLike[str]) -> None:
    """Writes a folder like `source`, which `export` wrote, with eight-bit integers."""
    with _with_files_of(source, folder) as partial:
        quantize_model(Path(source) / ONNX_MODEL, partial / ONNX_MODEL)


@contextmanager
def _with_files_of(source: str | os.PathLike[str], folder: str | os.PathLike[str]) -> Iterator[Path]:
    with atomic_write(folder) as partial:
        partial.mkdir()
        yield partial
        for name in BESIDE:
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
