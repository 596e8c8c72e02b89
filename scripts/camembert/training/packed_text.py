"""Training on packed text: the half that pre-training and distillation share."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from camembert.models import encoder as encoders
from camembert.runtime import parallel
from camembert.runtime.checkpoint import CheckpointFolder, fingerprint_of
from camembert.runtime.devices import is_compiled, numerics, pinned, to_device
from camembert.tokens.mixture import CorpusFolders, corpora_in
from camembert.tokens.packing import ALL_ROWS, SpecialIds, TextBatches
from camembert.training.held_out import HELD_OUT, held_out_by_language, held_out_loss
from camembert.training.loop import Batch, Objective, Schedule, TrainingResult, train
from camembert.training.masking import masked_batch


def text_batch(batches: TextBatches, mask: float | None, own: slice = ALL_ROWS) -> Callable[[int], Batch]:
    """The batch of a step: packed rows, with tokens masked where a share of them is to be predicted.

    Args:
        batches: what is drawn.
        mask: share of the tokens to be predicted; None for none.
        own: the rows wanted.
    """
    if mask is not None:
        return masked_batch(batches, mask, own)
    return lambda step: encoders.tensors_of(batches.batch(step, own))


@dataclass(frozen=True)
class TextTraining:
    """How a model is trained on packed text.

    Attributes:
        corpora: text that is mixed.
        text: batch, row and sampling_exponent, as in the config.
        schedule: steps and learning rate.
        seed: of the order of the text and of everything random in a step.
        name: what the log calls the run.
        checkpoints: folder of its checkpoints.
        checkpoint_seconds: wall time between two of them.
        precision: of matrix products: auto, bf16 or fp32, as in the config.
    """

    corpora: Sequence[CorpusFolders]
    text: Mapping[str, Any]
    schedule: Schedule
    seed: int
    name: str
    checkpoints: str | os.PathLike[str]
    checkpoint_seconds: float
    precision: str = "auto"

    @classmethod
    def of_job(cls, job: Any) -> TextTraining:
        """What the `snakemake` object of a script that trains an encoder says."""
        return cls(
            corpora=corpora_in(job.input.corpus, job.params.shares),
            text=job.params.text,
            schedule=Schedule.of(job.params.steps, job.params.settings),
            seed=job.params.seed,
            name=f"{job.wildcards.chain} run {job.wildcards.run}",
            checkpoints=job.params.checkpoints,
            checkpoint_seconds=job.params.checkpoint_seconds,
            precision=job.params.precision,
        )

    @property
    def computed_tokens(self) -> int:
        """Tokens that all steps compute on, padding included: rows times their length."""
        return self.schedule.steps * self.text["batch"] * self.text["row"]

    def batches(self, special: SpecialIds) -> TextBatches:
        """The packed batches of its text."""
        return TextBatches([corpus.open() for corpus in self.corpora], special, **self.text, seed=self.seed)

    def sample(self, special: SpecialIds, mask: float | None, tokens: int, device: torch.device) -> Iterator[Batch]:
        """This process's rows of its first batches, which hold so many tokens, padding included.

        Args:
            special: ids of special tokens.
            mask: share of the tokens to be predicted; None for none.
            tokens: at least so many.
            device: where the batches are wanted.
        """
        batch_of = text_batch(self.batches(special), mask, parallel.own_rows())
        for step in range(math.ceil(tokens / (self.text["batch"] * self.text["row"]))):
            yield to_device(pinned(batch_of(step), device), device)


def train_on_text(
    model: nn.Module,
    objective: Objective,
    special: SpecialIds,
    training: TextTraining,
    *,
    mask: float | None,
    device: torch.device,
    **dependencies: Any,
) -> TrainingResult:
    """Trains a model on packed text, with losses on held-out text during training and of every language at its end.

    Args:
        model: on `device`; left in eval mode.
        objective: named losses of a batch of `text_batch`.
        special: ids of special tokens.
        training: on what, and for how long.
        mask: share of the tokens to be predicted; None for none.
        device: where the model is.
        dependencies: whatever else the training depends on, for the fingerprint of its checkpoints.
    """
    schedule, precision, own = training.schedule, training.precision, parallel.own_rows()
    batches = training.batches(special)
    opened = batches.documents.corpora
    fingerprint = fingerprint_of(
        corpora=[corpus.identity for corpus in opened],
        training=[vars(schedule), mask, dict(training.text), training.seed],
        numerics=numerics(device, precision, is_compiled(model)),
        **dependencies,
    )
    run = train(
        model,
        objective,
        text_batch(batches, mask, own),
        schedule,
        seed=training.seed,
        device=device,
        name=training.name,
        precision=precision,
        checkpoints=CheckpointFolder(training.checkpoints, fingerprint),
        checkpoint_seconds=training.checkpoint_seconds,
        evaluation=held_out_loss(
            objective, text_batch(batches.held_out(), mask, own), schedule.steps, device, precision
        ),
    )
    measured = [row for row in run.curve if row["split"] == HELD_OUT]
    run.held_out_end = {
        key: value for row in measured[-1:] for key, value in row.items() if key not in ("step", "split")
    }
    languages = dict.fromkeys(language for corpus in opened for language in corpus.shards)
    in_language = {language: text_batch(batches.held_out(language), mask, own) for language in languages}
    run.held_out = held_out_by_language(model, objective, in_language, device, precision)
    return run
