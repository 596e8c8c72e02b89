"""Training on packed text: its batches, with or without masked tokens, and what pre-training and distillation share."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from camembert.models import encoder as encoders
from camembert.plan.losses import Batch
from camembert.runtime import parallel
from camembert.runtime.devices import autocast, to_device
from camembert.runtime.parallel import TrainingSettings
from camembert.tokens.corpora import CorpusFolders
from camembert.tokens.packing import PackedRows, TextBatches
from camembert.tokens.tokenizer import SpecialIds
from camembert.training.loop import BatchOfStep, Measurement, Objective, Schedule, TrainingResult, train

HELD_OUT_SPLIT = "held-out"
"""What a curve calls losses on text that is never trained on."""
BATCHES = 4
"""Of a measurement."""
TIMES = 6
"""That a training is measured, at equal distances up to its end; before its first step, once more."""
IGNORED = -100
"""Target of a token that is not to be predicted."""


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


# --- batches --------------------------------------------------------------------------------------------------


def mask_tokens(
    rows: PackedRows, special: SpecialIds, share: float, noise: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Masks tokens: 80 % become the mask token, 10 % another token, 10 % stay (Devlin et al. 2019).

    As many are masked in every row: a share of its length, chosen among its text (never the special tokens of packing,
    or padding).

    Args:
        rows: some rows of a batch.
        special: ids of special tokens.
        share: of the tokens of a row.
        noise: uniform numbers for the order, the fate and the new token, (3, rows, tokens).

    Returns:
        Inputs and targets, (rows, tokens) each; the target is -100 where nothing is to be predicted.
    """
    assert special.mask is not None, "a tokenizer without a mask token is refused where one is needed"
    order, fate, replacement = noise
    count = _count_masked(share, rows.token.shape[1])
    candidates = rows.text
    first = np.where(candidates, order, 2.0).argpartition(count - 1, axis=1)[:, :count]
    chosen = np.zeros_like(candidates)
    np.put_along_axis(chosen, first, True, axis=1)
    chosen &= candidates
    inputs = np.where(chosen & (fate < 0.8), special.mask, rows.token)
    swapped = chosen & (fate >= 0.8) & (fate < 0.9)
    inputs[swapped] = (replacement[swapped] * special.vocabulary).astype(np.int64)
    return inputs, np.where(chosen, rows.token, IGNORED)


def _count_masked(share: float, tokens: int) -> int:
    """Tokens of a row that are masked, so that the cost of a step is known; fewer where a row has fewer words."""
    return max(1, round(share * tokens))


def find_masked(target: np.ndarray) -> Tensor:
    """Where in the flattened rows the masked tokens are, found on the CPU: a GPU that looks for them makes it wait."""
    return torch.from_numpy(np.flatnonzero(target != IGNORED))


def take_masked(values: Tensor, batch: Batch) -> Tensor:
    """Of values at every token of a batch, (rows, tokens, ...), those at the masked tokens, (masked tokens, ...)."""
    return values.flatten(0, 1).index_select(0, batch["masked"])


def packed_batches(batches: TextBatches, mask: float | None, own: slice | None = None) -> BatchOfStep:
    """The batch of a step: packed rows, with tokens masked where a share of them is to be predicted.

    Beside what `to_tensors` gives, a batch with masked tokens holds target, (rows, tokens), -100 where nothing is
    predicted; masked, the places of its masked tokens in the flattened rows; targets, their number in the whole batch.
    And of its documents, numbered from 0 row by row: first, (documents,), the places of their [CLS] in the flattened
    rows; word, (words,), the ids of their text as it is; word_document, (words,), the document each is of; words, their
    number in the whole batch.

    Args:
        batches: what is drawn.
        mask: share of the tokens to be predicted; None for none.
        own: the rows wanted; None for those of this process.
    """
    own = parallel.own_rows() if own is None else own

    def batch_of(step: int) -> Batch:
        if mask is None:
            return encoders.to_tensors(batches.batch(step, own))
        rng = batches.rng(step)
        layout = batches.layout(rng)
        noise = rng.random((3, *layout.shape))[:, own]
        rows = batches.assemble(layout, own)
        inputs, target = mask_tokens(rows, batches.special, mask, noise)
        starts, text = (rows.real & (rows.position == 0)).ravel(), rows.text.ravel()
        arrays = {
            "token": inputs,
            "target": target,
            "first": np.flatnonzero(starts),
            "word": rows.token.ravel()[text],
            "word_document": (starts.cumsum() - 1)[text],
        }
        tensors = {name: torch.from_numpy(array) for name, array in arrays.items()} | {"masked": find_masked(target)}
        count = np.minimum(layout.text_tokens, _count_masked(mask, batches.tokens)).sum()
        numbers = {"targets": int(count), "words": int(layout.text_tokens.sum())}
        return encoders.to_tensors(rows) | tensors | numbers

    return batch_of


def sample_batches(
    batches: TextBatches, mask: float | None, tokens: int, settings: TrainingSettings
) -> Iterator[Batch]:
    """This process's rows of the first batches of a training, at least so many tokens of all, on its device."""
    batch_of = packed_batches(batches, mask)
    for step in range(math.ceil(tokens / (batches.rows * batches.tokens))):
        yield to_device(batch_of(step), settings.device)


# --- training -------------------------------------------------------------------------------------------------


def train_on_text(
    model: nn.Module,
    objective: Objective,
    batches: TextBatches,
    mask: float | None,
    schedule: Schedule,
    settings: TrainingSettings,
    **dependencies: Any,
) -> TrainingResult:
    """Trains a model on packed text, with losses on held-out text during training and at its end.

    Args:
        model: on the device of the settings; left in eval mode.
        objective: named losses of a batch of `packed_batches`.
        batches: what is read.
        mask: share of the tokens to be predicted; None for none.
        schedule: steps and learning rate.
        settings: see `loop.train`.
        dependencies: whatever else the training depends on, for the fingerprint of its checkpoints.
    """
    corpora, held_out = batches.documents.corpora, packed_batches(batches.held_out(), mask)
    text = [batches.rows, batches.tokens, batches.documents.exponent, mask]
    run = train(
        model,
        objective,
        packed_batches(batches, mask),
        schedule,
        settings,
        evaluation=Measurement(
            at={round(i * schedule.steps / TIMES) for i in range(TIMES + 1)},
            measure=lambda: measure_loss(model, objective, held_out, BATCHES, settings),
            split=HELD_OUT_SPLIT,
            shared=True,  # so that no process holds more rows than in training
        ),
        text=[[corpus.identity for corpus in corpora], *text],
        **dependencies,
    )
    measured = [row for row in run.curve if row["split"] == HELD_OUT_SPLIT]
    run.held_out_end = {key: value for key, value in measured[-1].items() if key not in ("step", "split")}
    model.eval()
    return run


def measure_loss(
    model: nn.Module, objective: Objective, batch_of: BatchOfStep, batches: int, settings: TrainingSettings
) -> dict[str, float]:
    """Means of the named losses over the first so many batches, without dropout or gradients, of all processes."""
    was_training = model.training
    model.eval()
    rows = []
    with torch.no_grad():
        for i in range(batches):
            batch = to_device(batch_of(i), settings.device)
            with autocast(settings.device, settings.precision):
                rows.append(objective(batch))
    model.train(was_training)
    means = {key: torch.stack([row[key] for row in rows]).mean() for key in rows[0]}
    parallel.all_reduce_sum(means.values())
    return {key: float(mean) for key, mean in means.items()}
