"""What every training takes beside its model, its data and its schedule."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass

import torch

CPU = torch.device("cpu")


@dataclass(frozen=True)
class TrainingSettings:
    """Name, seed, device and checkpoints of a training. The defaults train on the CPU, without checkpoints.

    Attributes:
        name: what the log calls it.
        seed: of the order of the data and of everything random in a step.
        device: where it computes; of several processes, each takes the GPU of its number.
        precision: of matrix products: auto, bf16 or fp32, as in the config.
        processes: that train together and share the rows of every batch.
        threads: CPU threads of all processes together, where there are several.
        checkpoints: the folder of its checkpoints; None keeps none.
        checkpoint_seconds: wall time between two of them.
    """

    name: str = "training"
    seed: int = 1
    device: torch.device = CPU
    precision: str = "auto"
    processes: int = 1
    threads: int = 1
    checkpoints: str | os.PathLike[str] | None = None
    checkpoint_seconds: float = math.inf
