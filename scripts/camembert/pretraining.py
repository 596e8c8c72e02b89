"""Masked language modelling of packed text (Devlin et al. 2019); on parallel text, of pairs of translations
(XLM, Lample and Conneau 2019)."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers.models.bert.modeling_bert import BertModel, BertOnlyMLMHead

from camembert import corpus as corpora
from camembert import encoder as encoders
from camembert import tokenizer, training
from camembert.checkpoint import CheckpointFolder, fingerprint_of
from camembert.corpus import PackedRows, Shard, SpecialIds, TextBatches
from camembert.training import Objective, Run, Schedule, code_hash, held_out_loss, train

IGNORED = -100


def mask_tokens(
    rows: PackedRows, special: SpecialIds, share: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Hides tokens: 80 % become [MASK], 10 % another token, 10 % stay (Devlin et al. 2019).

    As many are hidden in every row, so that the cost of a step is known: a share of the row's places, chosen
    among its words (never [CLS], [SEP] or padding).

    Returns:
        Inputs and targets, (rows, tokens) each; the target is -100 where nothing is to be predicted.
    """
    candidates = rows.real & (rows.token != special.cls) & (rows.token != special.sep)
    order = np.where(candidates, rng.random(rows.token.shape), np.inf).argsort(axis=1).argsort(axis=1)
    chosen = candidates & (order < max(1, round(share * rows.token.shape[1])))
    fate = rng.random(rows.token.shape)
    inputs = np.where(chosen & (fate < 0.8), special.mask, rows.token)
    swapped = chosen & (fate >= 0.8) & (fate < 0.9)
    inputs = np.where(swapped, rng.integers(special.vocabulary, size=rows.token.shape), inputs)
    return inputs, np.where(chosen, rows.token, IGNORED)


def masked_batch(batches: TextBatches, share: float) -> Callable[[int], dict[str, Any]]:
    """The batch of a step: packed rows with tokens hidden."""

    def batch_of(step: int) -> dict[str, Any]:
        rng = batches.rng(step)
        rows = batches.rows_of(rng)
        inputs, targets = mask_tokens(rows, batches.special, share, rng)
        return encoders.tensors_of(rows) | {"token": torch.from_numpy(inputs), "target": torch.from_numpy(targets)}

    return batch_of


class MaskedLanguageModel(nn.Module):
    """An encoder and a masked-language-model head that shares its word embeddings."""

    def __init__(self, encoder: BertModel) -> None:
        super().__init__()
        self.encoder = encoder
        self.head: BertOnlyMLMHead = encoders.random_mlm_head(encoder)


def masked_language_modelling(model: MaskedLanguageModel) -> Objective:
    """Cross-entropy of the hidden tokens; the head runs on their positions only."""

    def objective(batch: dict[str, Tensor]) -> dict[str, Tensor]:
        mask = encoders.same_document_mask(batch["document"])
        embedded = encoders.embed(model.encoder, batch["token"], batch["segment"], batch["position"])
        top = encoders.run_layers(model.encoder, embedded, mask)[-1]
        chosen = batch["target"] != IGNORED
        loss = functional.cross_entropy(model.head(top[chosen]).float(), batch["target"][chosen])
        return {"loss": loss, "masked_lm": loss}

    return objective


def pretrain(
    corpus: Mapping[str, str | os.PathLike[str]],
    tokenizer_folder: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    layers: int,
    architecture: Mapping[str, int],
    schedule: Schedule,
    mask: float,
    dropout: float,
    text: Mapping[str, Any],
    seed: int,
    device: torch.device,
    name: str,
    checkpoints: str | os.PathLike[str],
    checkpoint_seconds: float,
) -> Run:
    """Makes an encoder from random weights and trains it by masked language modelling; 0 steps leave it random.

    Args:
        corpus: the shard folder of every language.
        tokenizer_folder: its files are copied beside the encoder.
        output: folder of the encoder and of its masked-language-model head.
        layers: transformer layers.
        architecture: hidden, heads, intermediate, positions.
        schedule: steps and learning rate.
        mask: share of the tokens to be predicted.
        dropout: in the encoder.
        text: batch, row and sampling_exponent, as in the config.
        seed: of the initial weights and of the order of the text.
        device: where to train.
        name: what the log calls the run.
        checkpoints: folder of its checkpoints.
        checkpoint_seconds: wall time between two of them.
    """
    special = SpecialIds.of(tokenizer.load_tokenizer(tokenizer_folder))
    encoder = encoders.random_encoder(
        layers, **architecture, vocabulary=special.vocabulary, pad_id=special.pad, seed=seed
    ).to(device)
    model = MaskedLanguageModel(encoder)
    encoders.set_dropout(encoder, dropout)
    encoder.pooler.requires_grad_(False)
    run = Run()
    if schedule.steps:
        shards = [Shard(path) for path in corpus.values()]
        batches = TextBatches(shards, special, **text, seed=seed)
        objective = masked_language_modelling(model)
        run = train(
            model,
            objective,
            masked_batch(batches, mask),
            schedule,
            seed=seed,
            device=device,
            name=name,
            checkpoints=CheckpointFolder(
                checkpoints,
                fingerprint_of(
                    corpus=[shard.facts["sha256"] for shard in shards],
                    settings=[layers, dict(architecture), vars(schedule), mask, dropout, dict(text), seed, device.type],
                    code=code_hash(training, sys.modules[__name__], encoders, corpora),
                ),
            ),
            checkpoint_seconds=checkpoint_seconds,
            evaluation=held_out_loss(objective, masked_batch(batches.held_out(), mask), schedule.steps, device),
        )
    head = {key: weight.contiguous() for key, weight in model.head.state_dict().items() if "decoder" not in key}
    encoders.save_encoder(encoder, output, tokenizer_folder, head)
    return run
