"""A classifier as an ONNX model, in float32 and with eight-bit weights."""

from __future__ import annotations

import logging
import os
import shutil
import warnings
from pathlib import Path

import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import Tensor, nn
from transformers.models.bert.modeling_bert import BertForSequenceClassification

from camembert import tokenizer
from camembert.files import whole
from camembert.predictors import INPUTS, ONNX_MODEL, OUTPUT

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


def export(
    classifier: BertForSequenceClassification, folder: str | os.PathLike[str], files_from: str | os.PathLike[str]
) -> None:
    """Writes a folder with the classifier in float32: model.onnx with any number of rows and tokens, and its tokenizer.

    Args:
        classifier: on the CPU.
        folder: where to.
        files_from: the classifier's folder, for its tokenizer and config.
    """
    # Three tensors, since one given twice would be one input; and of no size 1, which would be taken as a constant.
    example = tuple(torch.full((2, 3), value) for value in (1, 0, 1))
    axes = {0: torch.export.Dim("rows"), 1: torch.export.Dim("tokens")}
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it tells that torchvision is not there
    with whole(folder) as partial, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of PyTorch about itself
        partial.mkdir()
        torch.onnx.export(
            _Logits(classifier).eval(),
            example,
            partial / ONNX_MODEL,
            input_names=INPUTS,
            output_names=[OUTPUT],
            dynamic_shapes=dict.fromkeys(INPUTS, axes),
            dynamo=True,
            external_data=False,
            verbose=False,
        )
        _copy(files_from, partial)


def quantize(source: str | os.PathLike[str], folder: str | os.PathLike[str]) -> None:
    """Writes a folder whose matrices, word embeddings included, are of eight-bit integers.

    The scales of weights are fixed here, one a column; those of activations are found as the model runs (dynamic
    quantisation).

    Args:
        source: a folder written by `export`.
        folder: where to.
    """
    logging.getLogger().setLevel(logging.ERROR)
    with whole(folder) as partial:
        partial.mkdir()
        quantize_dynamic(Path(source) / ONNX_MODEL, partial / ONNX_MODEL, per_channel=True, weight_type=QuantType.QInt8)
        _copy(source, partial)


def _copy(source: str | os.PathLike[str], target: Path) -> None:
    for name in BESIDE:
        shutil.copyfile(Path(source) / name, target / name)
