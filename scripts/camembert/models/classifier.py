"""Classifiers: an encoder under a classification head of its architecture."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from transformers import AutoModelForSequenceClassification, PreTrainedModel
from transformers.models.auto.modeling_auto import MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING

from camembert.models.encoder import load_encoder

Classifier: TypeAlias = PreTrainedModel
"""An encoder, `base_model`, under a classification head."""
SMALLEST_DEVIATION = 1e-3
"""Standard deviation of a unit below which it is not scaled up further."""


def init_classifier(folder: str | os.PathLike[str], labels: Sequence[str], dropout: float, seed: int) -> Classifier:
    """An encoder, pooler included, with a new classification head for the labels named, seeded."""
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
    config._attn_implementation = "sdpa"
    torch.manual_seed(seed)
    classifier = MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING[type(config)](config)
    for part in ("embeddings", "encoder"):
        getattr(classifier.base_model, part).load_state_dict(getattr(encoder, part).state_dict(), strict=True)
    find_pooling(classifier).load_state_dict(encoder.pooler.dense.state_dict(), strict=True)
    return classifier


def find_pooling(classifier: Classifier) -> nn.Linear:
    """The dense layer that a classifier reads the first token's top state through, before its tanh.

    BERT's is the encoder's pooler. RoBERTa's classifiers have one of their own instead, the same computation.
    """
    pooler = classifier.base_model.pooler
    return classifier.classifier.dense if pooler is None else pooler.dense


def standardise_pooling(classifier: Classifier, run: Callable[[], Any]) -> None:
    """Makes a classifier read the state of the first token through tanh((x - mean) / (2 std)), unit by unit.

    Args:
        classifier: whose pooling is set.
        run: runs the classifier on some texts, of whose first tokens mean and standard deviation are.
    """
    dense = find_pooling(classifier)
    batches: list[Tensor] = []
    hook = dense.register_forward_pre_hook(lambda module, inputs: batches.append(inputs[0].detach()))
    try:
        run()
    finally:
        hook.remove()
    states = torch.cat(batches)
    scale = 0.5 / states.std(0).clamp(min=SMALLEST_DEVIATION)
    with torch.no_grad():
        dense.weight.copy_(torch.diag(scale))
        dense.bias.copy_(-scale * states.mean(0))


def load_classifier(folder: str | os.PathLike[str]) -> Classifier:
    """Loads a classifier folder, offline, from safetensors."""
    return AutoModelForSequenceClassification.from_pretrained(
        folder, local_files_only=True, use_safetensors=True, trust_remote_code=False, attn_implementation="sdpa"
    )
