"""Soft labels: the logits of a fine-tuned classifier for all that its students train on, computed once, kept in a file.

Rows of the file are the examples of some parquet files one after another: those with labels, then those without.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from safetensors import safe_open
from safetensors.numpy import save_file
from torch import Tensor

from camembert.core.files import atomic_write
from camembert.core.provenance import hash_file, hash_json
from camembert.data.tasks import read_all
from camembert.evaluation.classification import encode_examples, predict, pytorch_predictor, read_labels
from camembert.models.classifier import load_classifier
from camembert.models.encoder import read_shape
from camembert.tokens.tokenizer import load_tokenizer

log = logging.getLogger(__name__)

LOGITS = "logits"
AT_ONCE = 2048
"""Examples after which the log says how far it is."""

Paths = Sequence[str | os.PathLike[str]]


class SoftLabelError(ValueError):
    """Soft labels that are not those of the examples or of the task, with what was found and expected."""


@dataclass(frozen=True)
class SoftLabels:
    """What a student learns beside gold labels.

    Attributes:
        file: that `write_soft_labels` wrote.
        unlabelled: parquet files of examples without a label, which have soft labels alone.
        temperature: that both distributions are softened by.
        weight: share of the loss, above 0; 1 leaves gold labels out.
    """

    file: str | os.PathLike[str]
    unlabelled: Paths
    temperature: float
    weight: float


def write_soft_labels(
    folder: str | os.PathLike[str],
    examples: Paths,
    labels: Sequence[str],
    output: str | os.PathLike[str],
    *,
    max_length: int,
    batch_tokens: int,
    device: torch.device,
) -> float:
    """Writes the logits of a classifier, (examples, labels) in float32, as safetensors; returns the FLOPs it took.

    Args:
        folder: the classifier's.
        examples: parquet files.
        labels: of the task.
        output: where to.
        max_length: longer examples are cut.
        batch_tokens: a batch, padding included.
        device: where to compute.

    Raises:
        SoftLabelError: the classifier has other labels, or a tokenizer with more tokens than its embedding has rows.
    """
    if (own := read_labels(folder)) != list(labels):
        raise _other_labels(f"the classifier {folder}", own, labels)
    words, classifier = load_tokenizer(folder), load_classifier(folder).to(device)
    if words.get_vocab_size() > classifier.config.vocab_size:
        raise SoftLabelError(
            f"the classifier {folder} has {classifier.config.vocab_size} rows of embeddings, but a tokenizer of"
            f" {words.get_vocab_size()} tokens, expected its own tokenizer; make that classifier again"
        )
    rows, predictor = read_all(examples), pytorch_predictor(classifier)
    found, tokens = [], 0
    for first in range(0, len(rows), AT_ONCE):
        encoded = encode_examples(rows[first : first + AT_ONCE], words, max_length)
        found.append(predict(predictor, encoded, classifier.config.pad_token_id, batch_tokens))
        tokens += sum(map(len, encoded.ids))
        log.info("soft labels of %d of %d examples", min(first + AT_ONCE, len(rows)), len(rows))
    save_soft_labels(np.concatenate(found), examples, own, output)
    layers = classifier.config.num_hidden_layers
    return tokens * read_shape(classifier.base_model).encoder_forward(layers, round(tokens / len(rows)))


def save_soft_labels(
    logits: np.ndarray, examples: Paths, labels: Sequence[str], output: str | os.PathLike[str]
) -> None:
    """Writes logits, (examples, labels) float32, with what they are of."""
    facts = {"labels": json.dumps(list(labels)), "examples": hash_json([hash_file(path) for path in examples])}
    with atomic_write(output) as partial:
        save_file({LOGITS: logits}, partial, metadata=facts)


def read_soft_labels(path: str | os.PathLike[str], examples: Paths, labels: Sequence[str]) -> Tensor:
    """Reads what `save_soft_labels` wrote of these parquet files of examples: (examples, labels) float32.

    Raises:
        SoftLabelError: the file has other labels, or is of other examples.
    """
    with safe_open(path, framework="pt") as file:
        facts, logits = file.metadata(), file.get_tensor(LOGITS)
    if (own := json.loads(facts["labels"])) != list(labels):
        raise _other_labels(str(path), own, labels)
    if facts["examples"] != hash_json([hash_file(path) for path in examples]):
        raise SoftLabelError(
            f"{path} has the soft labels of {len(logits)} other examples than those of {', '.join(map(str, examples))};"
            " delete it, so that it is made again"
        )
    return logits


def _other_labels(what: str, own: Sequence[str], labels: Sequence[str]) -> SoftLabelError:
    shown = [
        f"{len(names)} labels ({', '.join(names[:4])}{', ...' if len(names) > 4 else ''})" for names in (own, labels)
    ]
    return SoftLabelError(
        f"{what} has {shown[0]}, expected the task's {shown[1]} in their order; fine-tune that classifier on this task"
    )
