"""Training on packed text: what pre-training and distillation share."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from camembert.models import encoder as encoders
from camembert.runtime import parallel
from camembert.runtime.devices import autocast, pinned, to_device
from camembert.runtime.settings import TrainingSettings
from camembert.tokens.mixture import CorpusFolders
from camembert.tokens.packing import ALL_ROWS, SpecialIds, TextBatches
from camembert.tokens.shards import write_shard
from camembert.tokens.tokenizer import load_tokenizer
from camembert.training.loop import Batch, Evaluation, Objective, Schedule, TrainingResult, train
from camembert.training.masking import masked_batch

HELD_OUT = "held-out"
"""What a curve calls losses on text that is never trained on."""
BATCHES = 4
"""Of a measurement along a training."""
BATCHES_A_LANGUAGE = 2
"""Of a measurement of every language, at the end."""
TIMES = 6
"""That a training is measured, at equal distances up to its end; before its first step, once more."""


@dataclass(frozen=True)
class TrainingText:
    """Text that a model is trained on, and how it is cut into batches; `text` of the config has all but the first.

    Attributes:
        corpora: text that is mixed.
        batch_size: rows a step.
        sequence_length: tokens a row.
        sampling_exponent: languages are drawn with probability proportional to tokens ** exponent.
    """

    corpora: Sequence[CorpusFolders]
    batch_size: int
    sequence_length: int
    sampling_exponent: float

    @property
    def tokens(self) -> int:
        """Tokens that a step computes on, padding included."""
        return self.batch_size * self.sequence_length

    def batches(self, special: SpecialIds, seed: int) -> TextBatches:
        """Its packed batches."""
        corpora = [corpus.open() for corpus in self.corpora]
        return TextBatches(corpora, special, self.batch_size, self.sequence_length, self.sampling_exponent, seed)

    def sample(
        self, special: SpecialIds, mask: float | None, tokens: int, settings: TrainingSettings
    ) -> Iterator[Batch]:
        """This process's rows of the first batches of a training, on its device.

        Args:
            special: ids of special tokens.
            mask: share of the tokens to be predicted; None for none.
            tokens: at least so many, padding included.
            settings: of the training.
        """
        batch_of = text_batch(self.batches(special, settings.seed), mask, parallel.own_rows())
        for step in range(math.ceil(tokens / self.tokens)):
            yield to_device(pinned(batch_of(step), settings.device), settings.device)


def write_corpus(
    documents: Mapping[str, Iterable[str]],
    tokenizer_folder: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    parallel: bool = False,
) -> CorpusFolders:
    """Writes documents as shards of token ids, one a language, to be trained on.

    Args:
        documents: of every language.
        tokenizer_folder: an encoder's folder.
        folder: where to.
        parallel: whether document i of a language translates document i of the others.
    """
    tokenizer = load_tokenizer(tokenizer_folder)
    shards = {language: Path(folder) / language for language in documents}
    for language, text in documents.items():
        write_shard(shards[language], text, tokenizer, {"parallel": parallel})
    return CorpusFolders(shards)


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


def train_on_text(
    model: nn.Module,
    objective: Objective,
    special: SpecialIds,
    text: TrainingText,
    schedule: Schedule,
    settings: TrainingSettings,
    *,
    mask: float | None,
    **dependencies: Any,
) -> TrainingResult:
    """Trains a model on packed text, with losses on held-out text during training and of every language at its end.

    Args:
        model: on the device of the settings; left in eval mode.
        objective: named losses of a batch of `text_batch`.
        special: ids of special tokens.
        text: what is read.
        schedule: steps and learning rate.
        settings: see `loop.train`.
        mask: share of the tokens to be predicted; None for none.
        dependencies: whatever else the training depends on, for the fingerprint of its checkpoints.
    """
    own, batches = parallel.own_rows(), text.batches(special, settings.seed)
    corpora = batches.documents.corpora
    held_out = text_batch(batches.held_out(), mask, own)
    run = train(
        model,
        objective,
        text_batch(batches, mask, own),
        schedule,
        settings,
        evaluation=Evaluation(
            at={round(i * schedule.steps / TIMES) for i in range(TIMES + 1)},
            measure=lambda: mean_loss(model, objective, held_out, BATCHES, settings),
            split=HELD_OUT,
            shared=True,  # so that no process holds more rows than in training
        ),
        text=[
            [corpus.identity for corpus in corpora],
            text.batch_size,
            text.sequence_length,
            text.sampling_exponent,
            mask,
        ],
        **dependencies,
    )
    measured = [row for row in run.curve if row["split"] == HELD_OUT]
    run.held_out_end = {
        key: value for row in measured[-1:] for key, value in row.items() if key not in ("step", "split")
    }
    for language in dict.fromkeys(language for corpus in corpora for language in corpus.shards):
        batch_of = text_batch(batches.held_out(language), mask, own)
        run.held_out[language] = mean_loss(model, objective, batch_of, BATCHES_A_LANGUAGE, settings)
    model.eval()
    return run


def mean_loss(
    model: nn.Module, objective: Objective, batch_of: Callable[[int], Batch], batches: int, settings: TrainingSettings
) -> dict[str, float]:
    """Means of the named losses over some batches, without dropout or gradients, added up over the processes.

    Args:
        model: left in the mode it is in.
        objective: named losses of a batch.
        batch_of: this process's rows of a batch.
        batches: how many.
        settings: device and precision, as in training.
    """
    was_training = model.training
    model.eval()
    rows = []
    with torch.no_grad():
        for i in range(batches):
            batch = to_device(pinned(batch_of(i), settings.device), settings.device)
            with autocast(settings.device, settings.precision):
                rows.append(objective(batch))
    model.train(was_training)
    means = {key: torch.stack([row[key] for row in rows]).mean() for key in rows[0]}
    parallel.all_reduce_sum(means.values())
    return {key: float(mean) for key, mean in means.items()}
