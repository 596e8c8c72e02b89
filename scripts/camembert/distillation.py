"""One hop of a cascade: a student of its teacher's bottom layers, trained towards the teacher's top layer."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from transformers.models.bert.modeling_bert import BertModel

from camembert import corpus as corpora
from camembert import encoder as encoders
from camembert import losses, tokenizer, training
from camembert.checkpoint import CheckpointFolder, fingerprint_of
from camembert.corpus import Shard, SpecialIds, TextBatches
from camembert.provenance import hash_of_weights
from camembert.training import Objective, Run, Schedule, code_hash, held_out_loss, train


def text_batch(batches: TextBatches) -> Callable[[int], dict[str, Any]]:
    """The batch of a step: packed rows as they are."""
    return lambda step: encoders.tensors_of(batches.batch(step))


def toplayer(
    student: BertModel, teacher: BertModel, hidden_weight: float, attention_weight: float, shared_embeddings: bool
) -> Objective:
    """LightMBERT's objective (Jiao et al. 2021): hidden states and attention maps of the top layers.

    loss = hidden_weight * MSE(h_student, h_teacher) + attention_weight * MSE(A_student, A_teacher)

    It never trains the pooler, nor the embeddings where they are frozen.

    Args:
        student: fewer layers than the teacher, the same width and heads.
        teacher: runs without gradients, without dropout.
        hidden_weight: of the hidden-state loss.
        attention_weight: of the attention-map loss.
        shared_embeddings: whether both have the same frozen embeddings and no dropout, so that the
            embedding output is computed once for both.
    """
    teacher.eval()

    def objective(batch: dict[str, Tensor]) -> dict[str, Tensor]:
        mask = encoders.same_document_mask(batch["document"])
        real = batch["document"] >= 0
        pairs = (real[:, :, None] & real[:, None, :])[:, None] & (mask if mask is not None else True)
        inputs = batch["token"], batch["segment"], batch["position"]
        with torch.no_grad():
            teacher_layers = encoders.run_layers(teacher, encoders.embed(teacher, *inputs), mask)
            teacher_map = encoders.attention_map(teacher, len(teacher_layers) - 1, teacher_layers[-2], mask)
        embedded = teacher_layers[0] if shared_embeddings else encoders.embed(student, *inputs)
        student_layers = encoders.run_layers(student, embedded, mask)
        student_map = encoders.attention_map(student, len(student_layers) - 1, student_layers[-2], mask)
        hidden = losses.hidden_state_loss(student_layers[-1], teacher_layers[-1], real)
        attention = losses.attention_map_loss(student_map, teacher_map, pairs)
        return {"loss": hidden_weight * hidden + attention_weight * attention, "hidden": hidden, "attention": attention}

    return objective


def freeze(encoder: BertModel, embeddings: bool) -> None:
    """Marks what a student does not train: the pooler, which no encoder loss reaches, and maybe the embeddings."""
    encoder.pooler.requires_grad_(False)
    encoder.embeddings.requires_grad_(not embeddings)


def distill(
    teacher_folder: str | os.PathLike[str],
    corpus: Mapping[str, str | os.PathLike[str]],
    output: str | os.PathLike[str],
    *,
    layers: int,
    schedule: Schedule,
    hidden_weight: float,
    attention_weight: float,
    freeze_embeddings: bool,
    dropout: float,
    text: Mapping[str, Any],
    seed: int,
    device: torch.device,
    name: str,
    checkpoints: str | os.PathLike[str],
    checkpoint_seconds: float,
) -> Run:
    """Cuts a student from its teacher and trains it towards the teacher's top layer; 0 steps leave it a copy.

    Args:
        teacher_folder: the encoder one link up the chain.
        corpus: the shard folder of every language.
        output: folder of the student, with the teacher's tokenizer and masked-language-model head.
        layers: of the student.
        schedule: steps and learning rate.
        hidden_weight: of the hidden-state loss.
        attention_weight: of the attention-map loss.
        freeze_embeddings: whether the student keeps the teacher's embeddings unchanged.
        dropout: in the student.
        text: batch, row and sampling_exponent, as in the config.
        seed: of the order of the text.
        device: where to train.
        name: what the log calls the run.
        checkpoints: folder of its checkpoints.
        checkpoint_seconds: wall time between two of them.
    """
    teacher = encoders.load_encoder(teacher_folder).to(device)
    student = encoders.bottom_layers(teacher, layers).to(device)
    run = Run()
    if schedule.steps:
        freeze(student, freeze_embeddings)
        encoders.set_dropout(student, dropout)
        student.train()
        shards = [Shard(path) for path in corpus.values()]
        batches = TextBatches(shards, SpecialIds.of(tokenizer.load_tokenizer(teacher_folder)), **text, seed=seed)
        objective = toplayer(student, teacher, hidden_weight, attention_weight, freeze_embeddings and dropout == 0)
        run = train(
            student,
            objective,
            text_batch(batches),
            schedule,
            seed=seed,
            device=device,
            name=name,
            checkpoints=CheckpointFolder(
                checkpoints,
                fingerprint_of(
                    teacher=hash_of_weights(teacher_folder),
                    corpus=[shard.facts["sha256"] for shard in shards],
                    student=[layers, freeze_embeddings, dropout],
                    loss=[hidden_weight, attention_weight],
                    settings=[vars(schedule), dict(text), seed, device.type],
                    code=code_hash(training, sys.modules[__name__], losses, encoders, corpora),
                ),
            ),
            checkpoint_seconds=checkpoint_seconds,
            evaluation=held_out_loss(objective, text_batch(batches.held_out()), schedule.steps, device),
        )
    encoders.save_encoder(student, output, teacher_folder, encoders.load_mlm_head(teacher_folder))
    return run
