"""Energy from the counters that a machine keeps: RAPL of Intel and AMD processors, NVML of NVIDIA GPUs.

Many machines show none: virtual machines have no RAPL, and Linux lets only root read it unless told otherwise.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

POWERCAP = Path("/sys/class/powercap")
NVML = "libnvidia-ml.so.1"


@dataclass(frozen=True)
class Counter:
    """A counter of joules that starts again from 0 at `wraps_at`."""

    read: Callable[[], float]
    wraps_at: float


def processor_counters(root: Path = POWERCAP) -> list[Counter]:
    """One counter a processor package (RAPL); none where the machine has none or keeps them from this user.

    They count all that the package does, so nothing else should run beside a measurement.
    """
    counters = []
    for zone in sorted(root.glob("intel-rapl:*")):
        try:
            if (zone / "name").read_text().startswith("package"):
                wraps_at = int((zone / "max_energy_range_uj").read_text()) / 1e6
                read = _microjoules(zone / "energy_uj")
                read()
                counters.append(Counter(read, wraps_at))
        except OSError:
            continue
    return counters


def _microjoules(path: Path) -> Callable[[], float]:
    return lambda: int(path.read_text()) / 1e6


def gpu_counters(uuid: str, library: str = NVML) -> list[Counter]:
    """The counter of one GPU (NVML); none where the driver's library or the GPU has none.

    Args:
        uuid: of the GPU, as PyTorch tells it.
        library: NVIDIA's management library.
    """
    try:
        nvml = ctypes.CDLL(library)
    except OSError:
        return []
    handle, millijoules = ctypes.c_void_p(), ctypes.c_ulonglong()

    def read() -> float:
        if nvml.nvmlDeviceGetTotalEnergyConsumption(handle, ctypes.byref(millijoules)):
            raise OSError(f"NVML does not tell the energy of GPU {uuid}")
        return millijoules.value / 1e3

    if nvml.nvmlInit_v2() or nvml.nvmlDeviceGetHandleByUUID(f"GPU-{uuid}".encode(), ctypes.byref(handle)):
        return []
    try:
        read()
    except OSError:
        return []
    return [Counter(read, float("inf"))]


class EnergyMeter:
    """Joules spent inside a `with`, over all counters; None without counters."""

    def __init__(self, counters: Sequence[Counter]) -> None:
        self.counters = counters
        self.joules: float | None = None

    def __enter__(self) -> EnergyMeter:
        self.before = [counter.read() for counter in self.counters]
        return self

    def __exit__(self, *_: object) -> None:
        spent = [counter.read() - before for counter, before in zip(self.counters, self.before, strict=True)]
        wrapped = [
            joules if joules >= 0 else joules + c.wraps_at for joules, c in zip(spent, self.counters, strict=True)
        ]
        self.joules = sum(wrapped) if wrapped else None
