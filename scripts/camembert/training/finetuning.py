"""Fine-tuning an encoder on labelled examples of a task, and on what another classifier says of these and of more text.

The checkpoint best on dev, in the languages of the labels, is kept, or the last.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from camembert.core.files import TOKENIZER, WEIGHTS, check_new, read_json
from camembert.core.provenance import hash_code, hash_file
from camembert.data.tasks import NO_LABEL, read_all
from camembert.evaluation.classification import (
    EncodedExamples,
    accuracy,
    encode_examples,
    pad,
    predict,
    pytorch_predictor,
)
from camembert.models.classifier import Classifier, find_pooling, init_classifier, standardise_pooling
from camembert.models.encoder import read_shape, save_model, set_identity
from camembert.plan.losses import Batch, softened_divergence
from camembert.runtime import parallel
from camembert.runtime.parallel import TrainingSettings
from camembert.tokens.tokenizer import load_tokenizer
from camembert.training.loop import BatchOfStep, Measurement, Objective, Schedule, TrainingError, TrainingResult, train
from camembert.training.soft_labels import SoftLabels, read_soft_labels

log = logging.getLogger(__name__)

BATCHES_SORTED_TOGETHER = 50
TEXTS_STANDARDISED = 1024
"""Training examples that a standardised pooler is fitted to."""


def shuffled_batches(
    examples: EncodedExamples,
    size: int,
    pad_id: int,
    seed: int,
    own: slice | None = None,
    soft_labels: Tensor | None = None,
) -> BatchOfStep:
    """The batch of a step: every epoch is its own permutation; the examples left over at its end are not read.

    Examples of like length share a batch, so that little is spent on padding: each epoch's permutation is cut into
    chunks of some batches, each chunk is sorted by length, and the batches are shuffled again.

    Args:
        examples: of the task.
        size: examples a step.
        pad_id: id of the padding token.
        seed: of the order.
        own: the rows wanted, which alone are padded; None for those of this process. Numbers are those of all rows.
        soft_labels: logits, (examples, labels), of which the batch gets its own.
    """
    own = parallel.own_rows() if own is None else own
    per_epoch = len(examples) // size
    lengths = np.array([len(ids) for ids in examples.ids])

    @lru_cache(maxsize=2)
    def batches_of(epoch: int) -> np.ndarray:
        rng = np.random.default_rng([seed, epoch])
        order = rng.permutation(len(examples))[: per_epoch * size]
        chunks = np.array_split(order, max(1, per_epoch // BATCHES_SORTED_TOGETHER))
        order = np.concatenate([chunk[lengths[chunk].argsort(kind="stable")] for chunk in chunks])
        return rng.permutation(order.reshape(per_epoch, size))

    def batch_of(step: int) -> Batch:
        epoch, number = divmod(step, per_epoch)
        batch = batches_of(epoch)[number]
        rows = batch[own]
        arrays = pad(examples, rows.tolist(), pad_id) | {"labels": examples.labels[rows].astype(np.int64)}
        tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
        if soft_labels is not None:
            tensors["soft_labels"] = soft_labels[torch.from_numpy(rows)]
        return tensors | {"real_tokens": int(lengths[batch].sum()), "examples": size}

    return batch_of


def classification_objective(classifier: Classifier, soft_labels: SoftLabels | None = None) -> Objective:
    """Cross-entropy of the labels, mixed with the divergence from soft labels where there are some.

    L = (1 - w) / n sum over the labelled examples of CE(y, S) + w t^2 / n sum over all n examples of
    KL(softmax(T / t) || softmax(S / t)), as Hinton et al. (2015) weigh the two.
    """

    def objective(batch: Batch) -> dict[str, Tensor]:
        inputs = {key: batch[key] for key in ("input_ids", "token_type_ids", "attention_mask")}
        logits, count = classifier(**inputs).logits.float(), batch["examples"]
        gold = functional.cross_entropy(logits, batch["labels"], reduction="sum", ignore_index=NO_LABEL) / count
        if soft_labels is None:
            return {"loss": gold}
        soft = softened_divergence(logits, batch["soft_labels"], count, soft_labels.temperature)
        return {"loss": (1 - soft_labels.weight) * gold + soft_labels.weight * soft, "gold": gold, "soft": soft}

    return objective


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
        epochs, batch_size, learning_rate, warmup_ratio, weight_decay, dropout, max_length, evaluations, keep, pooler,
            trained_layers: as in `finetuning` of the config.
        batch_tokens: tokens a batch when dev is read.
        settings: seed, of the head, the order of the examples and dropout; device, checkpoints.
        soft_labels: those of another classifier, and the examples without a label that they are of too.

    Raises:
        TrainingError: fewer training examples than one batch holds.
        SoftLabelError: soft labels of other examples, or of other labels.
        FileExistsError: the output is there already.
    """
    check_new(output)
    tokenizer, names = load_tokenizer(encoder_folder), read_json(labels)
    files = [*train_examples, *(soft_labels.unlabelled if soft_labels else ())]
    logits = read_soft_labels(soft_labels.file, files, names) if soft_labels else None
    examples, dev = (encode_examples(read_all(paths), tokenizer, max_length) for paths in (files, dev_examples))
    if len(examples) < batch_size:
        raise TrainingError(
            f"{', '.join(map(str, files))} holds {len(examples)} examples, fewer than finetuning.batch_size"
            f" ({batch_size}); lower it"
        )
    if cut := np.mean([len(ids) == max_length for ids in examples.ids]):
        log.info(
            "%s: %.1f %% of the training texts have %d tokens, where longer ones are cut",
            settings.name,
            100 * cut,
            max_length,
        )
    classifier = init_classifier(encoder_folder, names, dropout, settings.seed).to(settings.device)
    pad_id = classifier.config.pad_token_id

    def predict_all(examples: EncodedExamples) -> np.ndarray:
        return predict(pytorch_predictor(classifier), examples, pad_id, batch_tokens)

    def measure() -> dict[str, float]:
        found = predict_all(dev)
        loss = functional.cross_entropy(torch.from_numpy(found), torch.from_numpy(dev.labels).long())
        return {"loss": float(loss), "accuracy": accuracy(found, dev.labels)}

    if pooler == "identity":
        set_identity(find_pooling(classifier))
    if pooler == "standardised":
        some = slice(TEXTS_STANDARDISED)
        first = EncodedExamples(examples.ids[some], examples.segments[some], examples.labels[some])
        standardise_pooling(classifier, lambda: predict_all(first))
    depth = classifier.config.num_hidden_layers
    trained = depth if trained_layers is None else min(trained_layers, depth)
    if trained_layers is not None:
        encoder = classifier.base_model
        for below in (encoder.embeddings, *encoder.encoder.layer[: depth - trained]):
            below.requires_grad_(False)
    classifier.train()
    schedule = Schedule(epochs * (len(examples) // batch_size), learning_rate, warmup_ratio, weight_decay)
    marks = {max(1, schedule.steps * (i + 1) // evaluations) for i in range(evaluations)}
    run = train(
        classifier,
        classification_objective(classifier, soft_labels),
        shuffled_batches(examples, batch_size, pad_id, settings.seed, soft_labels=logits),
        schedule,
        settings,
        evaluation=Measurement(marks, measure, "dev", keep_best="accuracy" if keep == "best" else None),
        encoder=hash_file(Path(encoder_folder) / WEIGHTS),
        tokenizer=hash_file(Path(encoder_folder) / TOKENIZER),
        data=[hash_file(path) for path in (*files, *dev_examples, labels)],
        soft_labels=soft_labels and (hash_file(soft_labels.file), soft_labels.temperature, soft_labels.weight),
        finetuning=[batch_size, dropout, max_length, sorted(marks), keep, pooler, trained_layers],
        code=hash_code(sys.modules[__name__]),
    )
    shape, length = read_shape(classifier.base_model), round(sum(map(len, examples.ids)) / len(examples))
    # a forward pass, and a backward pass of the layers that train; no head
    run.flops = run.tokens * (shape.encoder_forward(depth, length) + 2 * shape.encoder_forward(trained, length))
    if parallel.rank() == 0:
        if not run.best:
            last = [row for row in run.curve if row["split"] == "dev"][-1]
            run.best = {"step": last["step"], "score": last["accuracy"]}
        save_model(classifier, output, encoder_folder)
    return run
