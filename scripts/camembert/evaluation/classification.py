"""Predictions of a classifier, in batches of examples of like length.

Nothing here loads PyTorch: what runs the classifier is a `Predictor`, of which `predictors.py` has two.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tokenizers import Tokenizer

from camembert.core.files import CONFIG, atomic_write, read_json
from camembert.data.tasks import Example, read_examples
from camembert.tokens.tokenizer import truncating

Predictor = Callable[[Mapping[str, np.ndarray]], np.ndarray]
"""From input_ids, token_type_ids and attention_mask, (rows, tokens) int64 each, to an output: (rows, n) float32."""


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
    inputs = np.full((3, len(chosen), longest), 0, dtype=np.int64)
    inputs[0] = pad_id
    for row, i in enumerate(chosen):
        length = len(examples.ids[i])
        inputs[0, row, :length], inputs[1, row, :length], inputs[2, row, :length] = (
            examples.ids[i],
            examples.segments[i],
            1,
        )
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
    """Logits in the order of the examples: (examples, labels) float32."""
    logits: np.ndarray | None = None
    for group in batches_by_length([len(ids) for ids in examples.ids], batch_tokens):
        found = predictor(pad(examples, group, pad_id))
        if logits is None:
            logits = np.empty((len(examples), found.shape[1]), dtype=np.float32)
        logits[group] = found
    assert logits is not None, "a split has examples"
    return logits


def accuracy(logits: np.ndarray, labels: np.ndarray | Sequence[int]) -> float:
    """Share of the examples whose largest logit is the label's."""
    return float((logits.argmax(1) == np.asarray(labels)).mean())


def labels_of(folder: str | os.PathLike[str]) -> list[str]:
    """The names of a classifier's labels, by its config.json."""
    names: dict[str, str] = read_json(Path(folder) / CONFIG)["id2label"]
    return [names[str(number)] for number in range(len(names))]


def pad_id_of(folder: str | os.PathLike[str]) -> int:
    """The id of a model's padding token, by its config.json."""
    return int(read_json(Path(folder) / CONFIG)["pad_token_id"])


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


def evaluate(
    predictor: Predictor,
    tokenizer: Tokenizer,
    labels: Sequence[str],
    data: str | os.PathLike[str],
    output: str | os.PathLike[str],
    max_length: int,
    batch_tokens: int,
    pad_id: int,
) -> float:
    """Predicts one language's examples and writes the predictions; returns the accuracy.

    Args:
        predictor: runs the classifier.
        tokenizer: the classifier's.
        labels: the classifier's, in the order of its logits.
        data: parquet file of examples.
        output: parquet file of predictions.
        max_length: longer examples are cut.
        batch_tokens: tokens a batch, padding included.
        pad_id: the token that fills batches up.
    """
    examples = read_examples(data)
    encoded = encode_examples(examples, tokenizer, max_length)
    logits = predict(predictor, encoded, pad_id, batch_tokens)
    write_predictions(output, examples, labels, logits)
    return accuracy(logits, encoded.labels)
