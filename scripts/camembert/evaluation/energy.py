"""Energy from the counter that an NVIDIA GPU keeps (NVML); on a processor energy is not measured."""

from __future__ import annotations

from collections.abc import Callable

import pynvml

JoulesSpent = Callable[[], float]
"""Reads a counter of joules that only grows."""


def gpu_energy(uuid: str) -> JoulesSpent | None:
    """The energy counter of one GPU; None without a driver or where the GPU has no such counter.

    Args:
        uuid: of the GPU, as PyTorch tells it (without the prefix ``GPU-``).

    Returns:
        Joules since the driver was loaded.
    """
    try:
        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{uuid}")
        pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
    except pynvml.NVMLError:
        return None
    return lambda: pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) / 1e3
