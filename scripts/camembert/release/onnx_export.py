"""A classifier as an ONNX model, in float32 and with eight-bit weights."""

from __future__ import annotations

import logging
import os
import shutil
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import Tensor, nn

from camembert.core.files import atomic_write
from camembert.core.model_files import BESIDE_WEIGHTS, ONNX_WEIGHTS
from camembert.evaluation.predictors import OUTPUT
from camembert.models.architectures import Classifier
from camembert.tokens import tokenizer


class _Logits(nn.Module):
    """A classifier whose inputs have an order and whose output is one tensor, as ONNX wants them."""

    def __init__(self, classifier: Classifier, names: Sequence[str]) -> None:
        super().__init__()
        self.classifier, self.names = classifier, names

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.classifier(**dict(zip(self.names, inputs, strict=True))).logits


def export_model(classifier: Classifier, path: str | os.PathLike[str], names: Sequence[str] = tokenizer.INPUTS) -> None:
    """Writes a classifier, on the CPU, as an ONNX model that takes any number of rows and tokens.

    Args:
        classifier: what is written.
        path: where to.
        names: of the inputs, those that its tokenizer hands over.
    """
    # Three tensors, since one given twice would be one input; and of no size 1, which would be taken as a constant.
    example = tuple(torch.full((2, 3), int(name != "token_type_ids")) for name in names)
    axes = {0: torch.export.Dim("rows"), 1: torch.export.Dim("tokens")}
    with _silence():
        torch.onnx.export(
            _Logits(classifier, names).eval(),
            example,
            path,
            input_names=list(names),
            output_names=[OUTPUT],
            dynamic_shapes={"inputs": (axes,) * len(names)},
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


def export(classifier: Classifier, folder: str | os.PathLike[str], files_from: str | os.PathLike[str]) -> None:
    """Writes a folder with a classifier in float32: model.onnx, config and tokenizer.

    Args:
        classifier: on the CPU.
        folder: where to.
        files_from: the classifier's folder, for its tokenizer and config.
    """
    with _with_files_of(files_from, folder) as partial:
        export_model(classifier, partial / ONNX_WEIGHTS, tokenizer.input_names(files_from))


def quantize(source: str | os.PathLike[str], folder: str | os.PathLike[str]) -> None:
    """Writes a folder like `source`, which `export` wrote, with eight-bit integers."""
    with _with_files_of(source, folder) as partial:
        quantize_model(Path(source) / ONNX_WEIGHTS, partial / ONNX_WEIGHTS)


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
