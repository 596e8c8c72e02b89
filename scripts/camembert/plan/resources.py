"""What jobs reserve, against what they can use: GPUs, threads and rows."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

BATCHES = {"pretraining": "text.batch", "distillation": "text.batch", "finetuning": "finetuning.batch"}
"""Of the stages whose jobs compute on several GPUs: the key of the batch that these share."""
ON_ONE_GPU = ("evaluation", "efficiency")


class ResourceError(ValueError):
    """Reservations that jobs cannot use as they stand, with what to change."""


def check_resources(config: dict[str, Any], stages: Collection[str]) -> None:
    """Checks that every GPU that is reserved computes, and has rows and threads of its own.

    Args:
        config: a whole one that the schema accepts.
        stages: those that may use GPUs and have jobs; what is reserved for others nobody asks for.

    Raises:
        ResourceError: on the first thing that is wrong, in one sentence.
    """
    for stage in stages:
        key, gpus = f"resources.{stage}.gpu", config["resources"][stage]["gpu"]
        _check_device(config["device"], key, gpus)
        if stage in ON_ONE_GPU and gpus > 1:
            raise ResourceError(f"{key} is {gpus}, but its jobs compute on one GPU each; set it to 1")
        if stage not in BATCHES or gpus < 2:
            continue
        section, name = BATCHES[stage].split(".")
        if config[section][name] < gpus:
            raise ResourceError(
                f"{BATCHES[stage]} is {config[section][name]}, expected at least {key} ({gpus}), or some GPUs have no"
                " rows; raise the one or lower the other"
            )
        if config["threads"][stage] < gpus:
            raise ResourceError(
                f"threads.{stage} is {config['threads'][stage]}, expected at least {key} ({gpus}), since the processes"
                " of a job, one a GPU, share its threads; raise the one or lower the other"
            )


def _check_device(device: str, key: str, gpus: int) -> None:
    if device == "cuda" and not gpus:
        raise ResourceError(f"device is cuda, but {key} is 0; reserve a GPU there, or set device to auto or cpu")
    if device == "cpu" and gpus:
        raise ResourceError(
            f"device is cpu, but {key} is {gpus}, and nothing would compute on what it reserves; set it to 0, or device"
            " to auto or cuda"
        )
