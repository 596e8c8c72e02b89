"""Where a job computes: its CPU threads, its GPU, and how batches and matrix products meet it."""

from __future__ import annotations

import logging
import os
from importlib.metadata import version
from typing import Any

import torch
from torch import Tensor, nn

from camembert.core.provenance import processor_name
from camembert.plan.losses import Batch
from camembert.runtime import parallel
from camembert.runtime.gpus import inherited_gpus, take_gpus

log = logging.getLogger(__name__)


class DeviceError(RuntimeError):
    """A device that the job cannot have, with what to change."""


def start(device: str, threads: int, gpus: int) -> torch.device:
    """Fixes the CPU threads of this process and chooses where it computes; GPUs it takes for itself, by `take_gpus`.

    Args:
        device: "cpu", "cuda", or "auto" for a GPU where one is reserved and the process sees one.
        threads: CPU threads, which results depend on in the last digits.
        gpus: GPUs reserved for the job; 0 means the CPU, whatever the machine has.

    Raises:
        DeviceError: "cuda" without a usable GPU.
    """
    torch.set_num_threads(threads)
    wanted = device == "cuda" or (device == "auto" and gpus > 0)
    taken: list[str] = []
    if wanted:
        visible = inherited_gpus()
        if visible is None:
            visible = [str(number) for number in range(torch.cuda.device_count())]  # which does not start CUDA
        taken = take_gpus(max(1, gpus), visible)
    if device == "cuda" and not torch.cuda.is_available():
        if not torch.backends.cuda.is_built():
            raise DeviceError(
                f"device is 'cuda', but PyTorch {torch.__version__} is a build for CPUs; set device: auto or cpu, or"
                " delete .venv and run plain `make setup`"
            )
        raise DeviceError(
            "device is 'cuda', but this process sees no GPU; set device: auto or cpu, or give the job a GPU"
        )
    if torch.cuda.is_available() and gpus > torch.cuda.device_count():
        raise DeviceError(
            f"the job has {gpus} GPUs reserved, but this process sees {torch.cuda.device_count()}; lower"
            " resources.*.gpu to what one machine has"
        )
    chosen = torch.device("cuda" if wanted and torch.cuda.is_available() else "cpu")
    if chosen.type == "cuda":
        log.info("computing on a GPU (%d reserved): %s", gpus, ", ".join(taken))
    elif wanted:
        log.warning("GPUs are reserved (%d), but this process can use none: it computes on the CPU", gpus)
    return chosen


def choose_precision(device: torch.device, precision: str) -> str:
    """The precision of matrix products on a device: "bf16" or "fp32".

    "auto" is bf16 on a GPU that computes in it (compute capability 8.0, Ampere, or newer: older ones emulate it,
    slowly), and fp32 elsewhere.
    """
    if precision == "auto":
        native = device.type == "cuda" and torch.cuda.get_device_capability(device) >= (8, 0)
        return "bf16" if native else "fp32"
    return precision


def autocast(device: torch.device, precision: str = "auto") -> torch.autocast:
    """bfloat16 for matrix products where `choose_precision` says so; weights and losses stay in float32."""
    return torch.autocast(device.type, torch.bfloat16, enabled=choose_precision(device, precision) == "bf16")


def is_compiled(model: nn.Module) -> bool:
    """Whether `torch.compile` runs some part of a model; its environment variable TORCHDYNAMO_DISABLE=1 forbids it."""
    compiled = any(module._compiled_call_impl is not None for module in model.modules())
    return compiled and os.environ.get("TORCHDYNAMO_DISABLE") != "1"


def describe_device(device: torch.device, precision: str = "auto", compiled: bool = False) -> dict[str, Any]:
    """Where and how this process and those beside it compute, for metrics.

    Returns:
        device, "cpu" or "cuda"; processor, the name of the GPU or CPU; cuda, its version, None on CPU; processes that
        train together; precision, "bf16" or "fp32"; compiled, whether `torch.compile` is used.
    """
    gpu = device.type == "cuda"
    return {
        "device": device.type,
        "processor": torch.cuda.get_device_name(device) if gpu else processor_name(),
        "cuda": torch.version.cuda if gpu else None,
        "processes": parallel.world_size(),
        "precision": choose_precision(device, precision),
        "compiled": compiled,
    }


def describe_numerics(device: torch.device, precision: str = "auto", compiled: bool = False) -> dict[str, Any]:
    """What the last digits of a training depend on beside its code and settings: where and how it adds up.

    The name of a CPU is left out: a cluster may continue a run on another one.
    """
    description = describe_device(device, precision, compiled)
    if device.type == "cpu":
        del description["processor"]
    packages = {"torch": torch.__version__, "transformers": version("transformers")}
    return description | packages | {"threads": torch.get_num_threads()}


def to_device(batch: Batch, device: torch.device) -> Batch:
    """Moves the tensors of a batch to a device; to a GPU from pinned memory, so that it computes meanwhile."""
    if device.type == "cpu":
        return batch
    return {
        key: value.pin_memory().to(device, non_blocking=True) if isinstance(value, Tensor) else value
        for key, value in batch.items()
    }
