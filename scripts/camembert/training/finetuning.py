"""Fine-tuning an encoder on English examples of a task; the checkpoint best on English dev is kept, or the last."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from camembert.core.files import read_json
from camembert.core.model_files import TOKENIZER
from camembert.core.provenance import hash_of_code, hash_of_file, hash_of_weights
from camembert.data.tasks import read_examples
from camembert.evaluation.classification import EncodedExamples, accuracy, encode_examples, pad, predict
from camembert.evaluation.predictors import pytorch_predictor
from camembert.models import classifier as classifiers
from camembert.models.architectures import Classifier
from camembert.runtime import parallel
from camembert.runtime.checkpoint import CheckpointFolder, fingerprint_of
from camembert.runtime.devices import numerics
from camembert.tokens import tokenizer
from camembert.training.loop import Evaluation, Objective, Schedule, TrainingError, TrainingResult, train

BATCHES_SORTED_TOGETHER = 50
TEXTS_STANDARDISED = 1024
"""Training examples that a standardised pooler is fitted to."""


def first_rows(examples: EncodedExamples, rows: int) -> EncodedExamples:
    """The first so many examples."""
    return EncodedExamples(examples.ids[:rows], examples.segments[:rows], examples.labels[:rows])


def shuffled_batch(
    examples: EncodedExamples, size: int, pad_id: int, seed: int, rows: slice = slice(None)
) -> Callable[[int], dict[str, Any]]:
    """The batch of a step: every epoch is its own permutation; the examples left over at its end are not read.

    Examples of like length share a batch, so that little is spent on padding: each epoch's permutation is cut into
    chunks of some batches, each chunk is sorted by length, and the batches are shuffled again.

    Args:
        examples: of the task.
        size: examples a step.
        pad_id: id of the padding token.
        seed: of the order.
        rows: those of every batch that this process takes; it pads no others. The numbers are those of all rows.
    """
    per_epoch = len(examples) // size
    lengths = np.array([len(ids) for ids in examples.ids])

    @lru_cache(maxsize=2)
    def batches_of(epoch: int) -> np.ndarray:
        rng = np.random.default_rng([seed, epoch])
        order = rng.permutation(len(examples))[: per_epoch * size]
        chunks = np.array_split(order, max(1, per_epoch // BATCHES_SORTED_TOGETHER))
        order = np.concatenate([chunk[lengths[chunk].argsort(kind="stable")] for chunk in chunks])
        return rng.permutation(order.reshape(per_epoch, size))

    def batch_of(step: int) -> dict[str, Any]:
        epoch, number = divmod(step, per_epoch)
        batch = batches_of(epoch)[number]
        own = batch[rows]
        arrays = pad(examples, own.tolist(), pad_id) | {"labels": examples.labels[own].astype(np.int64)}
        tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
        return tensors | {"real_tokens": int(lengths[batch].sum()), "examples": size}

    return batch_of


def classification(classifier: Classifier) -> Objective:
    """Cross-entropy of the labels."""

    def objective(batch: dict[str, Any]) -> dict[str, Tensor]:
        inputs = {key: batch[key] for key in ("input_ids", "token_type_ids", "attention_mask")}
        logits = classifier(**inputs).logits.float()
        return {"loss": functional.cross_entropy(logits, batch["labels"], reduction="sum") / batch["examples"]}

    return objective


def freeze_below_top(classifier: Classifier, layers: int) -> None:
    """Freezes the embeddings and all layers but the top ones; of a shallower encoder every layer trains."""
    encoder = classifier.base_model
    encoder.embeddings.requires_grad_(False)
    for layer in encoder.encoder.layer[: max(0, len(encoder.encoder.layer) - layers)]:
        layer.requires_grad_(False)


def dev_scores(
    classifier: Classifier, examples: EncodedExamples, pad_id: int, batch_tokens: int
) -> Callable[[], dict[str, float]]:
    """Measures loss and accuracy on a development set."""

    def measure() -> dict[str, float]:
        logits = predict(pytorch_predictor(classifier), examples, pad_id, batch_tokens)
        loss = functional.cross_entropy(torch.from_numpy(logits), torch.from_numpy(examples.labels).long())
        return {"loss": float(loss), "accuracy": accuracy(logits, examples.labels)}

    return measure


def kept(run: TrainingResult) -> tuple[int, float]:
    """Step and English dev accuracy of the weights that a fine-tuning kept."""
    if run.best:
        return run.best["step"], run.best["score"]
    last = [row for row in run.curve if row["split"] == "dev"][-1]
    return last["step"], last["accuracy"]


def finetune(
    encoder_folder: str | os.PathLike[str],
    train_examples: str | os.PathLike[str],
    dev_examples: str | os.PathLike[str],
    labels: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    epochs: int,
    batch: int,
    learning_rate: float,
    warmup: float,
    weight_decay: float,
    dropout: float,
    max_tokens: int,
    evaluations: int,
    keep: str,
    pooler: str,
    trained_layers: int | None,
    batch_tokens: int,
    seed: int,
    device: torch.device,
    name: str,
    checkpoints: str | os.PathLike[str],
    checkpoint_seconds: float,
    precision: str = "auto",
) -> TrainingResult:
    """Fine-tunes an encoder on English examples and keeps the weights that are best on English dev, or the last.

    Args:
        encoder_folder: where to start from.
        train_examples: parquet file of English training examples.
        dev_examples: parquet file of English development examples.
        labels: JSON file with the names of the labels, in order.
        output: folder of the classifier.
        epochs: times the training examples are read.
        batch: examples a step.
        learning_rate: highest learning rate.
        warmup: share of the steps over which it rises.
        weight_decay: of AdamW.
        dropout: in the encoder and before the classification head.
        max_tokens: longer examples are cut.
        evaluations: times dev is read, evenly spread.
        keep: "best" keeps the weights that are best on English dev, "last" those of the last step.
        pooler: "encoder" starts from the encoder's, "identity" from one that hands on the state of [CLS],
            "standardised" from one that hands it on standardised by some of the training examples.
        trained_layers: how many layers are trained, from the top; those below and the embeddings stay as they are. None
            trains everything.
        batch_tokens: tokens a batch when dev is read.
        seed: of the head, the order of the examples and dropout.
        device: where to train.
        name: what the log calls the run.
        checkpoints: folder of its checkpoints.
        checkpoint_seconds: wall time between two of them.
        precision: of matrix products in training: auto, bf16 or fp32, as in the config.

    Raises:
        TrainingError: fewer training examples than one batch holds.
    """
    words = tokenizer.load_tokenizer(encoder_folder)
    examples, dev = (encode_examples(read_examples(path), words, max_tokens) for path in (train_examples, dev_examples))
    if len(examples) < batch:
        raise TrainingError(
            f"{train_examples} holds {len(examples)} examples, fewer than finetuning.batch ({batch}); lower the batch"
        )
    classifier = classifiers.classifier_from(encoder_folder, read_json(labels), dropout, seed).to(device)
    pad_id = classifier.config.pad_token_id
    if pooler == "identity":
        classifiers.set_identity_pooling(classifier)
    if pooler == "standardised":
        with classifiers.reading_pooling(classifier) as states:
            predict(pytorch_predictor(classifier), first_rows(examples, TEXTS_STANDARDISED), pad_id, batch_tokens)
        classifiers.set_standardised_pooling(classifier, torch.cat(states))
    if trained_layers is not None:
        freeze_below_top(classifier, trained_layers)
    classifier.train()
    schedule = Schedule(epochs * (len(examples) // batch), learning_rate, warmup, weight_decay)
    batch_of = shuffled_batch(examples, batch, pad_id, seed, parallel.own_rows())
    marks = {max(1, schedule.steps * (i + 1) // evaluations) for i in range(evaluations)}
    on_dev = dev_scores(classifier, dev, pad_id, batch_tokens)
    run = train(
        classifier,
        classification(classifier),
        batch_of,
        schedule,
        seed=seed,
        device=device,
        name=name,
        precision=precision,
        checkpoints=CheckpointFolder(
            checkpoints,
            fingerprint_of(
                encoder=hash_of_weights(encoder_folder),
                tokenizer=hash_of_file(Path(encoder_folder) / TOKENIZER),
                data=[hash_of_file(path) for path in (train_examples, dev_examples, labels)],
                settings=[
                    vars(schedule),
                    batch,
                    dropout,
                    max_tokens,
                    sorted(marks),
                    keep,
                    pooler,
                    trained_layers,
                    seed,
                ],
                numerics=numerics(device, precision),
                code=hash_of_code(sys.modules[__name__]),
            ),
        ),
        checkpoint_seconds=checkpoint_seconds,
        evaluation=Evaluation(marks, on_dev, "dev", keep_best="accuracy" if keep == "best" else None),
    )
    if parallel.rank() == 0:
        classifiers.save_classifier(classifier, output, encoder_folder)
    return run
