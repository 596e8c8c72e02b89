"""Hiding tokens of packed rows, to be predicted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from camembert.data.packing import PackedRows, SpecialIds, TextBatches
from camembert.models import encoder as encoders

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
        tensors = {"token": torch.from_numpy(inputs), "target": torch.from_numpy(targets)}
        return encoders.tensors_of(rows) | tensors | {"targets": int((targets != IGNORED).sum())}

    return batch_of
