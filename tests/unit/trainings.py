"""Trainings on text as the tests call them."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

from camembert.training.loop import TrainingResult
from camembert.training.packed_text import TextTraining


def train_on(train: Callable[..., TrainingResult], **arguments: Any) -> TrainingResult:
    """Calls `distill` or `pretrain`; what belongs into a `TextTraining` is given one by one."""
    names = {field.name for field in fields(TextTraining)} & set(arguments)
    return train(training=TextTraining(**{name: arguments.pop(name) for name in names}), **arguments)
