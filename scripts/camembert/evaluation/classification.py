"""Predictions of a classifier, in batches of pairs of like length.

Nothing here loads PyTorch: what runs the classifier is a `Predictor`, of which `predictors.py` has two.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tokenizers import Tokenizer

from camembert.core.files import atomic_write
from camembert.data import nli
from camembert.data.tokenizer import token_id

Predictor = Callable[[Mapping[str, np.ndarray]], np.ndarray]
"""From input_ids, token_type_ids and attention_mask, (rows, tokens) int64 each, to an output: (rows, n) float32."""


@dataclass(frozen=True)
class EncodedPairs:
    """Tokenised pairs: ids and segments a pair, labels (pairs,)."""

    ids: list[list[int]]
    segments: list[list[int]]
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)


def encode_pairs(pairs: Sequence[nli.Pair], tokenizer: Tokenizer, max_tokens: int) -> EncodedPairs:
    """Tokenises [CLS] premise [SEP] hypothesis [SEP]; the longer of the two is cut first."""
    tokenizer.enable_truncation(max_tokens, strategy="longest_first")
    encodings = tokenizer.encode_batch([(pair.premise, pair.hypothesis) for pair in pairs])
    return EncodedPairs(
        [e.ids for e in encodings], [e.type_ids for e in encodings], np.array([pair.label for pair in pairs])
    )


def pad(pairs: EncodedPairs, chosen: Sequence[int], pad_id: int) -> dict[str, np.ndarray]:
    """The model's inputs for some pairs, padded to the longest of them: (pairs, tokens) int64 each."""
    longest = max(len(pairs.ids[i]) for i in chosen)
    inputs = np.full((3, len(chosen), longest), 0, dtype=np.int64)
    inputs[0] = pad_id
    for row, i in enumerate(chosen):
        length = len(pairs.ids[i])
        inputs[0, row, :length], inputs[1, row, :length], inputs[2, row, :length] = pairs.ids[i], pairs.segments[i], 1
    return dict(zip(("input_ids", "token_type_ids", "attention_mask"), inputs, strict=True))


def batches_by_length(lengths: Sequence[int], batch_tokens: int) -> Iterator[list[int]]:
    """Groups pairs of like length, so that at most `batch_tokens` tokens, padding included, run at once."""
    group: list[int] = []
    for i in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if group and (len(group) + 1) * lengths[group[0]] > batch_tokens:
            yield group
            group = []
        group.append(i)
    if group:
        yield group


def predict(predictor: Predictor, pairs: EncodedPairs, pad_id: int, batch_tokens: int) -> np.ndarray:
    """Logits in the order of the pairs: (pairs, 3) float32."""
    logits = np.empty((len(pairs), len(nli.LABELS)), dtype=np.float32)
    for group in batches_by_length([len(ids) for ids in pairs.ids], batch_tokens):
        logits[group] = predictor(pad(pairs, group, pad_id))
    return logits


def accuracy(logits: np.ndarray, labels: np.ndarray) -> float:
    """Share of the pairs whose largest logit is the label's."""
    return float((logits.argmax(1) == labels).mean())


def write_predictions(path: str | os.PathLike[str], pairs: Sequence[nli.Pair], logits: np.ndarray) -> None:
    """Writes id, label and the three logits of every pair as parquet."""
    columns = {"id": [pair.id for pair in pairs], "label": pa.array([pair.label for pair in pairs], pa.int8())}
    with atomic_write(path) as partial:
        pq.write_table(pa.table(columns | dict(zip(nli.LABELS, logits.T, strict=True))), partial)


def evaluate(
    predictor: Predictor,
    tokenizer: Tokenizer,
    data: str | os.PathLike[str],
    output: str | os.PathLike[str],
    max_tokens: int,
    batch_tokens: int,
) -> float:
    """Predicts one language's pairs and writes the predictions; returns the accuracy.

    Args:
        predictor: runs the classifier.
        tokenizer: the classifier's.
        data: parquet file of pairs.
        output: parquet file of predictions.
        max_tokens: longer pairs are cut.
        batch_tokens: tokens a batch, padding included.
    """
    pairs = nli.read_pairs(data)
    encoded = encode_pairs(pairs, tokenizer, max_tokens)
    logits = predict(predictor, encoded, token_id(tokenizer, "[PAD]"), batch_tokens)
    write_predictions(output, pairs, logits)
    return accuracy(logits, encoded.labels)
