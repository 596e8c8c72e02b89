"""Classifiers: an encoder under a classification head of its architecture, made, saved and loaded."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor
from transformers import AutoModelForSequenceClassification

from camembert.models.architectures import Classifier, architecture_of, new_classifier
from camembert.models.encoder import load_encoder, save_encoder, set_identity

SMALLEST_SPREAD = 1e-3
"""Standard deviation of a unit below which it is not scaled up further."""


def classifier_from(folder: str | os.PathLike[str], labels: Sequence[str], dropout: float, seed: int) -> Classifier:
    """An encoder with a new classification head for the labels named, seeded."""
    torch.manual_seed(seed)
    encoder = load_encoder(folder)
    config = type(encoder.config).from_dict(
        encoder.config.to_dict()
        | {
            "id2label": dict(enumerate(labels)),
            "label2id": {label: number for number, label in enumerate(labels)},
            "hidden_dropout_prob": dropout,
            "attention_probs_dropout_prob": dropout,
            "classifier_dropout": None,  # the same
        }
    )
    torch.manual_seed(seed)
    classifier = new_classifier(config)
    architecture_of(classifier).take_encoder(classifier, encoder.state_dict())
    return classifier


def set_identity_pooling(classifier: Classifier) -> None:
    """Makes a classifier read the state of the first token as it is, through a tanh."""
    set_identity(architecture_of(classifier).pooling(classifier))


@contextmanager
def reading_pooling(classifier: Classifier) -> Iterator[list[Tensor]]:
    """Collects what the pooling reads while a classifier runs: states of the first token, (rows, hidden) a batch."""
    read: list[Tensor] = []
    pooling = architecture_of(classifier).pooling(classifier)
    hook = pooling.register_forward_pre_hook(lambda module, inputs: read.append(inputs[0].detach()))
    try:
        yield read
    finally:
        hook.remove()


def set_standardised_pooling(classifier: Classifier, states: Tensor) -> None:
    """Makes a classifier read the state of the first token through tanh((x - mean) / (2 std)), unit by unit.

    Args:
        classifier: whose pooling is set.
        states: of the first token of some texts, (texts, hidden), which mean and standard deviation are of.
    """
    dense = architecture_of(classifier).pooling(classifier)
    scale = 0.5 / states.std(0).clamp(min=SMALLEST_SPREAD)
    with torch.no_grad():
        dense.weight.copy_(torch.diag(scale))
        dense.bias.copy_(-scale * states.mean(0))


def save_classifier(
    classifier: Classifier, folder: str | os.PathLike[str], tokenizer_from: str | os.PathLike[str]
) -> None:
    """Writes a folder that `AutoModelForSequenceClassification.from_pretrained` loads offline."""
    save_encoder(classifier, folder, tokenizer_from)


def load_classifier(folder: str | os.PathLike[str]) -> Classifier:
    """Loads a classifier folder, offline, from safetensors."""
    return AutoModelForSequenceClassification.from_pretrained(
        folder, local_files_only=True, use_safetensors=True, trust_remote_code=False, attn_implementation="sdpa"
    )
