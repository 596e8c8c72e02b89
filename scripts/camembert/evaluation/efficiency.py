"""What a model costs to keep and to run: parameters, bytes, operations, latency, throughput, memory, energy.

PyTorch is imported where it is used: an ONNX model is measured without it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pynvml

from camembert.core.files import WEIGHTS
from camembert.core.provenance import processor_name
from camembert.evaluation.classification import Predictor, pytorch_predictor
from camembert.plan.chain import Shape
from camembert.runtime.job import read_peak_memory

if TYPE_CHECKING:
    import torch

JoulesSpent = Callable[[], float]
"""Reads a counter of joules that only grows."""

STEADY_WITHIN = 0.10
"""Repeats agree where their interquartile range is at most this share of their median."""
ATTEMPTS = 3
"""How often a measurement is made whose repeats do not agree."""
SWEEPS = 2
"""Parts of an attempt: all measurements are made in turn, so that repeats of each are apart in time."""


def measure_encoder(
    folder: str | os.PathLike[str], device: torch.device, settings: Mapping[str, Any], precision: str = "auto"
) -> dict[str, Any]:
    """Loads an encoder and measures it; nothing else should have been loaded into the process or run beside it.

    Memory is the process's own to report: it grows to a peak and never falls (`write_metrics`). Encoders of one
    experiment share width and vocabulary, and weights change no time: any of a depth stands for all of them.

    Args:
        folder: of the encoder.
        device: where to run it.
        settings: lengths, batch_size, repeats and seconds, as `measure_speed` takes them.
        precision: of matrix products: auto, bf16 or fp32, as in the config.

    Returns:
        layers; parameters, of which embedding_parameters; bytes of the weights' file; forward_flops_per_token at each
        length; speed at each length, and steady_within, the spread up to which its repeats agree; what ran it; MiB of
        the process before the encoder and, on a GPU, of the GPU at most.
    """
    import torch

    from camembert.models.encoder import load_encoder
    from camembert.runtime.devices import choose_precision

    before = read_peak_memory()
    encoder = load_encoder(folder).to(device)
    config = encoder.config
    shape = Shape(config.hidden_size, config.intermediate_size, config.vocab_size)
    gpu = device.type == "cuda"
    joules_spent = gpu_energy(str(torch.cuda.get_device_properties(device).uuid)) if gpu else None
    predictor = pytorch_predictor(encoder, output="pooler_output", precision=precision)
    return {
        "layers": config.num_hidden_layers,
        "parameters": sum(weight.numel() for weight in encoder.parameters()),
        "embedding_parameters": sum(weight.numel() for weight in encoder.embeddings.parameters()),
        "bytes": (Path(folder) / WEIGHTS).stat().st_size,
        "forward_flops_per_token": {
            str(tokens): shape.encoder_forward(config.num_hidden_layers, tokens) for tokens in settings["lengths"]
        },
        "speed": measure_speed(predictor, config.vocab_size, **settings, joules_spent=joules_spent),
        "steady_within": STEADY_WITHIN,
        "batch": settings["batch_size"],
        "device": str(device),
        "processor": torch.cuda.get_device_name(device) if gpu else processor_name(),
        "precision": {"bf16": "bfloat16", "fp32": "float32"}[choose_precision(device, precision)],
        "memory_before_mib": before,
        "peak_gpu_memory_mib": torch.cuda.max_memory_allocated(device) // 2**20 if gpu else None,
    }


def measure_speed(
    predictor: Predictor,
    vocabulary: int,
    *,
    lengths: Sequence[int],
    batch_size: int,
    repeats: int,
    seconds: float,
    joules_spent: JoulesSpent | None = None,
) -> list[dict[str, Any]]:
    """Measures how fast a model runs on full rows of random tokens; what is in them changes no time.

    Args:
        predictor: runs it.
        vocabulary: tokens it knows.
        lengths: tokens a row.
        batch_size: rows a batch, for throughput.
        repeats: runs of each measurement, at least.
        seconds: wall time of each measurement, at least.
        joules_spent: counts energy, where anything does.

    Returns:
        For each length: tokens, latency_ms (median time of one row), rows_per_second (batch over the median time of
        a batch), the spread of both (interquartile range of the runs over their median), joules_per_row (in batches;
        None where nothing counts energy).
    """
    inputs = [random_inputs(rows, tokens, vocabulary) for tokens in lengths for rows in (1, batch_size)]
    timings = steady_timings(predictor, inputs, repeats, seconds, joules_spent or (lambda: 0.0))
    return [
        {
            "tokens": tokens,
            "latency_ms": 1000 * single.median,
            "latency_spread": single.spread,
            "rows_per_second": batch_size / batched.median,
            "rows_per_second_spread": batched.spread,
            "joules_per_row": batched.joules / (batch_size * batched.runs) if joules_spent else None,
        }
        for tokens, single, batched in zip(lengths, timings[::2], timings[1::2], strict=True)
    ]


def random_inputs(rows: int, tokens: int, vocabulary: int) -> dict[str, np.ndarray]:
    """Full rows of random tokens, (rows, tokens) int64 each."""
    ids = np.random.default_rng(0).integers(vocabulary, size=(rows, tokens))
    return {"input_ids": ids, "token_type_ids": np.zeros_like(ids), "attention_mask": np.ones_like(ids)}


# --- repeats of a measurement ---------------------------------------------------------------------------------


@dataclass
class Timing:
    """The repeats of one measurement: seconds of each, and joules of all, those that warmed up included."""

    seconds: list[float] = field(default_factory=list)
    joules: float = 0.0

    @property
    def runs(self) -> int:
        """How many there were, one that warmed up in each sweep included."""
        return len(self.seconds) + SWEEPS

    @property
    def median(self) -> float:
        """Median time of a run, in seconds."""
        return float(np.median(self.seconds))

    @property
    def spread(self) -> float:
        """Interquartile range of the runs over their median."""
        low, high = np.quantile(self.seconds, [0.25, 0.75])
        return float(high - low) / self.median


def steady_timings(
    predictor: Predictor,
    inputs: Sequence[Mapping[str, np.ndarray]],
    repeats: int,
    seconds: float,
    joules_spent: JoulesSpent,
) -> list[Timing]:
    """Times a model on several inputs, again where repeats do not agree; of each the attempt with the least spread."""
    best = time_in_sweeps(predictor, inputs, repeats, seconds, joules_spent)
    for _ in range(ATTEMPTS - 1):
        unsteady = [i for i, timing in enumerate(best) if timing.spread > STEADY_WITHIN]
        again = time_in_sweeps(predictor, [inputs[i] for i in unsteady], repeats, seconds, joules_spent)
        for i, timing in zip(unsteady, again, strict=True):
            best[i] = min(best[i], timing, key=lambda one: one.spread)
    return best


def time_in_sweeps(
    predictor: Predictor,
    inputs: Sequence[Mapping[str, np.ndarray]],
    repeats: int,
    seconds: float,
    joules_spent: JoulesSpent,
) -> list[Timing]:
    """Times a model on each of several inputs, in sweeps over all of them."""
    timings = [Timing() for _ in inputs]
    for _ in range(SWEEPS):
        for timing, own in zip(timings, inputs, strict=True):
            before = joules_spent()
            timing.seconds += run_seconds(predictor, own, -(-repeats // SWEEPS), seconds / SWEEPS)
            timing.joules += joules_spent() - before
    return timings


def run_seconds(predictor: Predictor, inputs: Mapping[str, np.ndarray], repeats: int, seconds: float) -> list[float]:
    """Seconds of each of `repeats` runs or more, until `seconds` have passed; a first run is not counted."""
    predictor(inputs)
    runs: list[float] = []
    while len(runs) < repeats or sum(runs) < seconds:
        start = time.perf_counter()
        predictor(inputs)
        runs.append(time.perf_counter() - start)
    return runs


def gpu_energy(uuid: str) -> JoulesSpent | None:
    """The energy counter of one GPU (NVML); None without a driver or where the GPU has no such counter.

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
