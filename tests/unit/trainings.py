"""Trainings as the tests call them: whatever a `TrainingSettings` or a `TrainingText` holds is given one by one."""

from dataclasses import fields
from typing import Any

from camembert.runtime.parallel import TrainingSettings, run_in_workers
from camembert.training.loop import TrainingResult
from camembert.training.packed_text import TrainingText


def call(**arguments: Any) -> TrainingResult:
    """Calls `work`: `distill`, `pretrain` or `finetune`; with `processes=2` in two of them."""
    told = {field.name: arguments.pop(field.name) for field in fields(TrainingSettings) if field.name in arguments}
    if "corpora" in arguments:
        arguments["text"] = TrainingText(arguments.pop("corpora"), **arguments["text"])
    return run_in_workers(settings=TrainingSettings(**told), **arguments)
