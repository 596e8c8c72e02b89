"""What all contestants share: weights, tokens, learning rate, and the note of their first losses."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor
from transformers import BertModel

from camembert.models import encoder as encoders
from camembert.tokens.packing import PackedRows
from cases import Case
from turns import Player

STEPS = 10_000
"""Length of the learning-rate schedule; far more steps than are measured."""
LEARNING_RATE, WARMUP, WEIGHT_DECAY = 1e-4, 0.1, 0.01
BATCHES = 8
Batch = dict[str, Any]


def random_rows(case: Case) -> list[PackedRows]:
    """Full rows of random tokens, one document each: the same for every contestant."""
    rng, shape = np.random.default_rng(1), (case.batch, case.row)
    zeros, position = np.zeros(shape, dtype=np.int64), np.broadcast_to(np.arange(case.row), shape).copy()
    return [PackedRows(rng.integers(5, case.vocabulary, shape), zeros, position, zeros) for _ in range(BATCHES)]


def teacher_of(case: Case) -> BertModel:
    """The teacher of all contestants."""
    return encoders.random_encoder(
        case.teacher, case.hidden, case.heads, case.intermediate, max(128, case.row), case.vocabulary, pad_id=0, seed=1
    )


def note_losses(player: Player, hidden: Tensor, attention: Tensor) -> None:
    """Keeps the losses of the first step, by which the contestants are held to compute the same."""
    if "losses" not in player.facts:
        player.facts["losses"] = {"hidden": hidden.item(), "attention": attention.item()}
