"""Fine-tuning an encoder on labelled examples of a task, and on what another classifier says of these and of more text.

The checkpoint best on dev, in the languages of the labels, is kept, or the last.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
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
from camembert.data.tasks import NO_LABEL, read_all
from camembert.evaluation.classification import EncodedExamples, accuracy, encode_examples, pad, predict
from camembert.evaluation.predictors import pytorch_predictor
from camembert.models import classifier as classifiers
from camembert.models.architectures import Classifier
from camembert.models.encoder import shape_of
from camembert.plan.losses import softened_divergence
from camembert.runtime import parallel
from camembert.runtime.settings import TrainingSettings
from camembert.tokens import tokenizer
from camembert.training.loop import Evaluation, Objective, Schedule, TrainingError, TrainingResult, train
from camembert.training.soft_labels import SoftLabels, read_soft_labels

BATCHES_SORTED_TOGETHER = 50
TEXTS_STANDARDISED = 1024
"""Training examples that a standardised pooler is fitted to."""


def first_rows(examples: EncodedExamples, rows: int) -> EncodedExamples:
    """The first so many examples."""
    return EncodedExamples(examples.ids[:rows], examples.segments[:rows], examples.labels[:rows])


def shuffled_batch(
    examples: EncodedExamples,
    size: int,
    pad_id: int,
    seed: int,
    rows: slice = slice(None),
    soft_labels: Tensor | None = None,
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
        soft_labels: logits, (examples, labels), of which the batch gets its own.
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
        if soft_labels is not None:
            tensors["soft_labels"] = soft_labels[torch.from_numpy(own)]
        return tensors | {"real_tokens": int(lengths[batch].sum()), "examples": size}

    return batch_of


def classification(classifier: Classifier, soft_labels: SoftLabels | None = None) -> Objective:
    """Cross-entropy of the labels, mixed with the divergence from soft labels where there are some.

    L = (1 - w) / n sum over the labelled examples of CE(y, S) + w t^2 / n sum over all n examples of
    KL(softmax(T / t) || softmax(S / t)), as Hinton et al. (2015) weigh the two.
    """

    def objective(batch: dict[str, Any]) -> dict[str, Tensor]:
        inputs = {key: batch[key] for key in ("input_ids", "token_type_ids", "attention_mask")}
        logits, count = classifier(**inputs).logits.float(), batch["examples"]
        gold = functional.cross_entropy(logits, batch["labels"], reduction="sum", ignore_index=NO_LABEL) / count
        if soft_labels is None:
            return {"loss": gold}
        soft = softened_divergence(logits, batch["soft_labels"], count, soft_labels.temperature)
        return {"loss": (1 - soft_labels.weight) * gold + soft_labels.weight * soft, "gold": gold, "soft": soft}

    return objective


def freeze_below_top(classifier: Classifier, layers: int) -> None:
    """Freezes the embeddings and all layers but the top ones; of a shallower encoder every layer trains."""
    encoder = classifier.base_model
    encoder.embeddings.requires_grad_(False)
    for layer in encoder.encoder.layer[: max(0, len(encoder.encoder.layer) - layers)]:
        layer.requires_grad_(False)


def flops_of_token(classifier: Classifier, examples: EncodedExamples, trained_layers: int | None) -> float:
    """FLOPs of a step for each token: a forward pass, and a backward pass of the layers that train; no head."""
    shape, layers = shape_of(classifier.base_model), classifier.config.num_hidden_layers
    length = round(sum(map(len, examples.ids)) / len(examples))
    trained = layers if trained_layers is None else min(trained_layers, layers)
    return shape.encoder_forward(layers, length) + 2 * shape.encoder_forward(trained, length)


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
    """Step and dev accuracy of the weights that a fine-tuning kept."""
    if run.best:
        return run.best["step"], run.best["score"]
    last = [row for row in run.curve if row["split"] == "dev"][-1]
    return last["step"], last["accuracy"]


def finetune(
    encoder_folder: str | os.PathLike[str],
    train_examples: Sequence[str | os.PathLike[str]],
    dev_examples: Sequence[str | os.PathLike[str]],
    labels: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    warmup_ratio: float,
    weight_decay: float,
    dropout: float,
    max_length: int,
    evaluations: int,
    keep: str,
    pooler: str,
    trained_layers: int | None,
    batch_tokens: int,
    settings: TrainingSettings = TrainingSettings(),
    soft_labels: SoftLabels | None = None,
) -> TrainingResult:
    """Fine-tunes an encoder on a task and keeps the weights that are best on dev, or the last.

    Soft labels come beside the gold ones of the training examples; examples without a label are read in one shuffled
    stream with those that have one, and an epoch is all of them.

    Args:
        encoder_folder: where to start from.
        train_examples: parquet files of training examples with labels.
        dev_examples: parquet files of development examples, in the same languages.
        labels: JSON file with the names of the labels, in order.
        output: folder of the classifier.
        epochs: times the training examples are read.
        batch_size: examples a step.
        learning_rate: highest learning rate.
        warmup_ratio: share of the steps over which it rises.
        weight_decay: of AdamW.
        dropout: in the encoder and before the classification head.
        max_length: longer examples are cut.
        evaluations: times dev is read, evenly spread.
        keep: "best" keeps the weights that are best on dev, "last" those of the last step.
        pooler: "encoder" starts from the encoder's, "identity" from one that hands on the state of [CLS],
            "standardised" from one that hands it on standardised by some of the training examples.
        trained_layers: how many layers are trained, from the top; those below and the embeddings stay as they are. None
            trains everything.
        batch_tokens: tokens a batch when dev is read.
        settings: seed, of the head, the order of the examples and dropout; device, checkpoints.
        soft_labels: those of another classifier, and the examples without a label that they are of too.

    Raises:
        TrainingError: fewer training examples than one batch holds.
        SoftLabelError: soft labels of other examples, or of other labels.
    """
    words, names = tokenizer.load_tokenizer(encoder_folder), read_json(labels)
    files = [*train_examples, *(soft_labels.unlabelled if soft_labels else ())]
    logits = read_soft_labels(soft_labels.file, files, names) if soft_labels else None
    examples, dev = (encode_examples(read_all(paths), words, max_length) for paths in (files, dev_examples))
    if len(examples) < batch_size:
        raise TrainingError(
            f"{', '.join(map(str, files))} holds {len(examples)} examples, fewer than finetuning.batch_size"
            f" ({batch_size}); lower it"
        )
    classifier = classifiers.classifier_from(encoder_folder, names, dropout, settings.seed)
    classifier.to(settings.device)
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
    schedule = Schedule(epochs * (len(examples) // batch_size), learning_rate, warmup_ratio, weight_decay)
    batch_of = shuffled_batch(examples, batch_size, pad_id, settings.seed, parallel.own_rows(), logits)
    marks = {max(1, schedule.steps * (i + 1) // evaluations) for i in range(evaluations)}
    on_dev = dev_scores(classifier, dev, pad_id, batch_tokens)
    run = train(
        classifier,
        classification(classifier, soft_labels),
        batch_of,
        schedule,
        settings,
        evaluation=Evaluation(marks, on_dev, "dev", keep_best="accuracy" if keep == "best" else None),
        encoder=hash_of_weights(encoder_folder),
        tokenizer=hash_of_file(Path(encoder_folder) / TOKENIZER),
        data=[hash_of_file(path) for path in (*files, *dev_examples, labels)],
        soft_labels=soft_labels and (hash_of_file(soft_labels.file), soft_labels.temperature, soft_labels.weight),
        finetuning=[batch_size, dropout, max_length, sorted(marks), keep, pooler, trained_layers],
        code=hash_of_code(sys.modules[__name__]),
    )
    run.flops = run.tokens * flops_of_token(classifier, examples, trained_layers)
    if parallel.rank() == 0:
        classifiers.save_classifier(classifier, output, encoder_folder)
    return run
