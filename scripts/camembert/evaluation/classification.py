"""Predictions of a classifier, by PyTorch or ONNX Runtime, in batches of examples of like length.

What runs a model is a `Predictor`. PyTorch and ONNX Runtime are imported where they are used, so that each runs, and is
measured, without the other.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tokenizers import Tokenizer

from camembert.core.files import CONFIG, ONNX_WEIGHTS, atomic_write, read_json
from camembert.data.tasks import Example, read_examples
from camembert.tokens.tokenizer import load_tokenizer, truncating

if TYPE_CHECKING:
    from torch import nn

log = logging.getLogger(__name__)

Predictor = Callable[[Mapping[str, np.ndarray]], np.ndarray]
"""From input_ids, token_type_ids and attention_mask, (rows, tokens) int64 each, to an output: (rows, n) float32."""
TextPredictor = Callable[[Sequence[Example]], np.ndarray]
"""From examples to an output: (examples, n) float32."""
OUTPUT = "logits"
"""The output of a classifier."""


@dataclass(frozen=True)
class EncodedExamples:
    """Tokenised examples: ids and segments an example, labels (examples,)."""

    ids: list[list[int]]
    segments: list[list[int]]
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)


def encode_examples(examples: Sequence[Example], tokenizer: Tokenizer, max_length: int) -> EncodedExamples:
    """Tokenises texts, or pairs of which the longer is cut first, with the special tokens that the tokenizer adds."""
    inputs = [each.text if each.text_pair is None else (each.text, each.text_pair) for each in examples]
    with truncating(tokenizer, max_length):
        encodings = tokenizer.encode_batch(inputs)
    return EncodedExamples(
        [e.ids for e in encodings], [e.type_ids for e in encodings], np.array([each.label for each in examples])
    )


def pad(examples: EncodedExamples, chosen: Sequence[int], pad_id: int) -> dict[str, np.ndarray]:
    """The model's inputs for some examples, padded to the longest of them: (examples, tokens) int64 each."""
    longest = max(len(examples.ids[i]) for i in chosen)
    inputs = np.zeros((3, len(chosen), longest), dtype=np.int64)
    inputs[0] = pad_id
    for row, i in enumerate(chosen):
        length = len(examples.ids[i])
        inputs[:, row, :length] = examples.ids[i], examples.segments[i], [1] * length
    return dict(zip(("input_ids", "token_type_ids", "attention_mask"), inputs, strict=True))


def batches_by_length(lengths: Sequence[int], batch_tokens: int) -> Iterator[list[int]]:
    """Groups examples of like length, so that at most `batch_tokens` tokens, padding included, run at once."""
    group: list[int] = []
    for i in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if group and (len(group) + 1) * lengths[group[0]] > batch_tokens:
            yield group
            group = []
        group.append(i)
    if group:
        yield group


def predict(predictor: Predictor, examples: EncodedExamples, pad_id: int, batch_tokens: int) -> np.ndarray:
    """Outputs in the order of the examples: (examples, n) float32."""
    order, outputs = [], []
    for group in batches_by_length([len(ids) for ids in examples.ids], batch_tokens):
        order += group
        outputs.append(predictor(pad(examples, group, pad_id)))
    return np.concatenate(outputs)[np.argsort(order)]


def accuracy(logits: np.ndarray, labels: np.ndarray | Sequence[int]) -> float:
    """Share of the examples whose largest logit is the label's."""
    return float((logits.argmax(1) == np.asarray(labels)).mean())


# --- what runs a model ----------------------------------------------------------------------------------------


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
    names = [each.name for each in session.get_inputs()]
    return lambda inputs: session.run(None, {name: inputs[name] for name in names})[0]


def load_predictor(folder: str | os.PathLike[str], threads: int, is_encoder: bool = False) -> Predictor:
    """Runs the model of a folder on so many threads of the CPU: its ONNX model, or else its weights by PyTorch.

    An encoder's output is its sentence vectors in ONNX, and the states of its last layer in PyTorch.
    """
    onnx = Path(folder) / ONNX_WEIGHTS
    if onnx.is_file():
        return onnx_predictor(onnx, threads)
    import torch

    from camembert.models.classifier import load_classifier
    from camembert.models.encoder import load_encoder

    torch.set_num_threads(threads)
    if is_encoder:
        return pytorch_predictor(load_encoder(folder), output="last_hidden_state")
    return pytorch_predictor(load_classifier(folder))


def text_predictor(
    predictor: Predictor, folder: str | os.PathLike[str], max_length: int, batch_tokens: int
) -> TextPredictor:
    """Runs a predictor on examples, with the tokenizer and the padding token of its model's folder.

    Longer examples than `max_length` are cut; a batch has at most `batch_tokens` tokens, padding included.
    """
    tokenizer, pad_id = load_tokenizer(folder), int(read_json(Path(folder) / CONFIG)["pad_token_id"])
    return lambda examples: predict(predictor, encode_examples(examples, tokenizer, max_length), pad_id, batch_tokens)


# --- whole evaluations ----------------------------------------------------------------------------------------


def read_labels(folder: str | os.PathLike[str]) -> list[str]:
    """The names of a classifier's labels, by its config.json."""
    names: dict[str, str] = read_json(Path(folder) / CONFIG)["id2label"]
    return [names[str(number)] for number in range(len(names))]


def evaluate(
    compute_logits: TextPredictor,
    labels: Sequence[str],
    test: Mapping[str, str | os.PathLike[str]],
    predictions: Sequence[str | os.PathLike[str]],
) -> dict[str, float]:
    """Predicts the test examples of every language and writes the predictions; returns the accuracy by language.

    Args:
        compute_logits: gives (examples, labels).
        labels: names, in the order of the logits.
        test: parquet files of examples, by language.
        predictions: parquet files that are written, in the order of the languages.
    """
    accuracies: dict[str, float] = {}
    for (language, data), path in zip(test.items(), predictions, strict=True):
        examples = read_examples(data)
        logits = compute_logits(examples)
        write_predictions(path, examples, labels, logits)
        accuracies[language] = accuracy(logits, [example.label for example in examples])
        done = f"{len(accuracies)} of {len(test)} languages"
        log.info("accuracy in %s %.1f %%, %s", language, 100 * accuracies[language], done)
    return accuracies


def write_predictions(
    path: str | os.PathLike[str], examples: Sequence[Example], labels: Sequence[str], logits: np.ndarray
) -> None:
    """Writes id, label and one logit a label, named by it, of every example as parquet; and its cluster, if any."""
    columns: dict[str, Any] = {
        "id": [example.id for example in examples],
        "label": pa.array([example.label for example in examples], pa.int32()),
    }
    if any(example.cluster is not None for example in examples):
        columns["cluster"] = pa.array([example.cluster for example in examples], pa.int32())
    with atomic_write(path) as partial:
        pq.write_table(pa.table(columns | dict(zip(labels, logits.T, strict=True))), partial)
