"""Losses on text that is never trained on: along a training, and of every language at its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import nn

from camembert.runtime import parallel
from camembert.runtime.devices import autocast, pinned, to_device
from camembert.training.loop import Batch, Evaluation, Objective

HELD_OUT = "held-out"
"""What a curve calls these measurements."""
BATCHES = 4
BATCHES_A_LANGUAGE = 2
TIMES = 6
"""That a training is measured, at equal distances up to its end; before its first step, once more."""


def held_out_loss(
    objective: Objective, batch_of: Callable[[int], Batch], steps: int, device: torch.device, precision: str = "auto"
) -> Evaluation:
    """Measures an objective on text that is never trained on, before the first step and `TIMES` along the way.

    Every process that trains measures its rows of each batch, so that none holds more than in training.
    """

    def measure() -> dict[str, float]:
        return mean_loss(objective, batch_of, BATCHES, device, precision)

    at = {round(i * steps / TIMES) for i in range(TIMES + 1)}
    return Evaluation(at, measure, HELD_OUT, shared=True)


def held_out_before(
    model: nn.Module, objective: Objective, batch_of: Callable[[int], Batch], device: torch.device, precision: str
) -> dict[str, float]:
    """Measures an objective as `held_out_loss` does, of a model that is left in the mode it is in."""
    was_training = model.training
    model.eval()
    with torch.no_grad():
        losses = mean_loss(objective, batch_of, BATCHES, device, precision)
    model.train(was_training)
    return losses


def held_out_by_language(
    model: nn.Module,
    objective: Objective,
    batches: Mapping[str, Callable[[int], Batch]],
    device: torch.device,
    precision: str = "auto",
) -> dict[str, dict[str, float]]:
    """Measures an objective in each language, on text that is never trained on.

    Args:
        model: put into eval mode.
        objective: named losses of a batch.
        batches: of every language.
        device: where the model is.
        precision: of matrix products, as in training.
    """
    model.eval()
    with torch.no_grad():
        return {
            language: mean_loss(objective, batch_of, BATCHES_A_LANGUAGE, device, precision)
            for language, batch_of in batches.items()
        }


def mean_loss(
    objective: Objective, batch_of: Callable[[int], Batch], batches: int, device: torch.device, precision: str = "auto"
) -> dict[str, float]:
    """Means of the named losses over some batches, computed as in training: added up over the processes."""
    rows = []
    for i in range(batches):
        with autocast(device, precision):
            rows.append(objective(to_device(pinned(batch_of(i), device), device)))
    means = {key: torch.stack([row[key] for row in rows]).mean() for key in rows[0]}
    parallel.all_reduce_sum(means.values())
    return {key: float(mean) for key, mean in means.items()}
