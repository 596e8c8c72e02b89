"""Where a job computes: its CPU threads, its GPU, and how batches and matrix products meet it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from camembert.runtime import parallel

log = logging.getLogger(__name__)


class DeviceError(RuntimeError):
    """A device that the job cannot have, with what to change."""


def start(device: str, threads: int, gpus: int) -> torch.device:
    """Fixes the CPU threads of this process and chooses where it computes.

    Args:
        device: "cpu", "cuda", or "auto" for a GPU where one is reserved and the process sees one.
        threads: CPU threads, which results depend on in the last digits.
        gpus: GPUs reserved for the job; 0 means the CPU, whatever the machine has.

    Raises:
        DeviceError: "cuda" without a usable GPU.
    """
    torch.set_num_threads(threads)
    if device == "cuda" and not torch.cuda.is_available():
        raise DeviceError(
            "device is 'cuda', but this process sees no GPU; set device: auto or cpu, or give the job a GPU"
        )
    if torch.cuda.is_available() and gpus > torch.cuda.device_count():
        raise DeviceError(
            f"the job has {gpus} GPUs reserved, but this process sees {torch.cuda.device_count()}; lower"
            " resources.*.gpu to what one machine has"
        )
    wanted = device == "cuda" or (device == "auto" and gpus > 0)
    chosen = torch.device("cuda" if wanted and torch.cuda.is_available() else "cpu")
    if chosen.type == "cuda":
        log.info("computing on a GPU (%d reserved)", gpus)
    elif wanted:
        log.warning("GPUs are reserved (%d), but this process can use none: it computes on the CPU", gpus)
    return chosen


def numerics(device: torch.device) -> list[str | int]:
    """What the last digits of a training depend on beside its code and settings: where and how it adds up."""
    return [device.type, torch.get_num_threads(), parallel.size(), torch.__version__]


def autocast(device: torch.device) -> torch.autocast:
    """bfloat16 for matrix products on a GPU, where weights and losses stay in float32; nothing on CPU."""
    return torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")


def pinned(batch: Mapping[str, Any], device: torch.device) -> Mapping[str, Any]:
    """A batch in memory that a GPU can fetch from while it computes."""
    if device.type == "cpu":
        return batch
    return {key: value.pin_memory() if isinstance(value, Tensor) else value for key, value in batch.items()}


def to_device(batch: Mapping[str, Any], device: torch.device) -> Mapping[str, Any]:
    """Moves the tensors of a batch to a device."""
    if device.type == "cpu":
        return batch
    return {
        key: value.to(device, non_blocking=True) if isinstance(value, Tensor) else value for key, value in batch.items()
    }
