"""This library's own objective in its own training loop, on given rows and on packed ones."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from camembert.core.files import write_json
from camembert.models import encoder as encoders
from camembert.models.compilation import compile_layers
from camembert.plan.recipe import Recipe
from camembert.tokens.mixture import Corpus
from camembert.tokens.packing import SpecialIds, TextBatches
from camembert.tokens.shards import ID, Shard
from camembert.training import distillation
from camembert.training import loop as training
from cases import Case
from common import BATCHES, LEARNING_RATE, STEPS, WARMUP, WEIGHT_DECAY, Batch, note_losses, random_rows, teacher_of
from turns import Player

LANGUAGES, DOCUMENTS, SENTENCE = 4, 20_000, 25
"""Shards of translated sentences: how many, of how many documents, of how many tokens on average."""
FIRST_ID = 200
"""Ids below are of special tokens and such."""
RECIPE = Recipe("toplayer", {"hidden": 1.0, "attention": 1.0})


def train(case: Case, batch_of: Callable[[int], Batch], device: torch.device, player: Player) -> None:
    """The library's own objective in its own loop, set up as `distillation.distill` does."""
    teacher = teacher_of(case).to(device)
    student = encoders.init_student(teacher, range(1, case.student + 1)).to(device)
    distillation.freeze(student, RECIPE)
    encoders.set_dropout(student, 0.0)
    student.train()
    objective = distillation.objective_of(RECIPE, student, teacher, shared_embeddings=True)
    if device.type == "cuda":
        compile_layers(teacher)
        compile_layers(student)

    def step(batch: Batch) -> dict[str, Tensor]:
        player.tick()
        player.done += batch["counted"]
        losses = objective(batch)
        note_losses(player, losses["hidden"], losses["attention"])
        return losses

    schedule = training.Schedule(STEPS, LEARNING_RATE, WARMUP, WEIGHT_DECAY)
    training.train(student, step, batch_of, schedule, seed=1, device=device, name="ours")


def on_rows(case: Case, device: torch.device, player: Player) -> None:
    """Trains on the rows that all contestants train on."""
    batches = [encoders.tensors_of(rows) | {"counted": case.tokens} for rows in random_rows(case)]
    train(case, lambda step: batches[step % BATCHES], device, player)


def on_packed_rows(case: Case, device: torch.device, player: Player, as_it_trains: bool = False) -> None:
    """Trains on rows of several documents, masked from each other, as nearly all rows of a training are.

    Args:
        case: what is measured.
        device: where.
        player: its turns.
        as_it_trains: whether rows are packed while it trains, as in the workflow, or a few batches beforehand.
    """
    with tempfile.TemporaryDirectory() as folder:
        shards = {f"{n}": write_random_shard(Path(folder) / f"{n}", case.vocabulary, n) for n in range(LANGUAGES)}
        special = SpecialIds(pad=0, cls=101, sep=102, mask=103, vocabulary=case.vocabulary)
        batches = TextBatches([Corpus(shards)], special, case.batch, case.row, 1.0, seed=1)

        def batch_of(step: int) -> Batch:
            rows = batches.batch(step)
            return encoders.tensors_of(rows) | {"counted": int(rows.real.sum())}

        few = [] if as_it_trains else [batch_of(step) for step in range(BATCHES)]
        train(case, batch_of if as_it_trains else lambda step: few[step % BATCHES], device, player)


def write_random_shard(folder: Path, vocabulary: int, seed: int) -> Shard:
    """Writes translated sentences of random ids, whose lengths are exponentially distributed."""
    rng = np.random.default_rng(seed)
    lengths = 1 + rng.exponential(SENTENCE - 1, DOCUMENTS).astype(np.int64)
    folder.mkdir(parents=True)
    rng.integers(FIRST_ID, vocabulary, lengths.sum()).astype(ID).tofile(folder / "tokens.bin")
    np.save(folder / "offsets.npy", np.concatenate([[0], lengths.cumsum()]))
    write_json(folder / "shard.json", {"documents": DOCUMENTS, "tokens": int(lengths.sum()), "parallel": True})
    return Shard(folder)
