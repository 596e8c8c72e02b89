"""What runs a model: PyTorch on any device, or ONNX Runtime on the CPU. Each gives a `Predictor` of `classification`.

PyTorch and ONNX Runtime are imported where they are used, so that each runs, and is measured, without the other.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from camembert.core.files import ONNX_WEIGHTS
from camembert.evaluation.classification import Predictor

if TYPE_CHECKING:
    from torch import nn

OUTPUT = "logits"


def pytorch_predictor(model: nn.Module, output: str = OUTPUT, precision: str = "fp32") -> Predictor:
    """Runs a model where its weights are, in eval mode.

    Args:
        model: a model of `transformers`.
        output: which of its outputs is wanted, (rows, n).
        precision: of matrix products: auto, bf16 or fp32, as in the config. Logits in bf16 tie, so that answers would
            depend on the order of the labels: evaluations are in fp32, and speed is measured in what the config says.
    """
    import torch

    from camembert.runtime.devices import autocast

    device = next(model.parameters()).device

    def run(inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        if model.training:
            model.eval()
        tensors = {name: torch.from_numpy(array).to(device) for name, array in inputs.items()}
        with torch.inference_mode(), autocast(device, precision):
            return model(**tensors)[output].float().cpu().numpy()

    return run


def onnx_predictor(path: str | os.PathLike[str], threads: int) -> Predictor:
    """Runs an ONNX model of one output with ONNX Runtime on so many CPU threads."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    taken = [each.name for each in session.get_inputs()]

    def run(inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        return session.run(None, {name: inputs[name] for name in taken})[0]

    return run


def predictor_of(folder: str | os.PathLike[str], threads: int) -> Predictor:
    """Runs the classifier of a folder, an ONNX one if there is one in it, on so many threads of the CPU."""
    onnx = Path(folder) / ONNX_WEIGHTS
    if onnx.is_file():
        return onnx_predictor(onnx, threads)
    import torch

    from camembert.models.classifier import load_classifier

    torch.set_num_threads(threads)
    return pytorch_predictor(load_classifier(folder))
