"""How fast a model runs: latency of one row, throughput of a batch, and what the latter takes in energy."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pynvml

from camembert.evaluation.classification import Predictor

JoulesSpent = Callable[[], float]
"""Reads a counter of joules that only grows."""

STEADY_WITHIN = 0.10
"""Repeats agree where their interquartile range is at most this share of their median."""
ATTEMPTS = 3
"""How often a measurement is made whose repeats do not agree."""
SWEEPS = 2
"""Parts of an attempt: all measurements are made in turn, so that repeats of each are apart in time."""


@dataclass
class Timing:
    """The repeats of one measurement.

    Attributes:
        seconds: of each run.
        joules: spent on them and on the runs that warmed up; None where nothing counts them.
        runs: those of `seconds` and those that warmed up.
    """

    seconds: list[float] = field(default_factory=list)
    joules: float | None = None
    runs: int = 0

    @property
    def median(self) -> float:
        """Median time of a run, in seconds."""
        return float(np.median(self.seconds))

    @property
    def spread(self) -> float:
        """Interquartile range of the runs over their median."""
        low, high = np.quantile(self.seconds, [0.25, 0.75])
        return float(high - low) / self.median

    def add(self, seconds: Sequence[float], joules: float | None) -> None:
        """Adds the runs of a sweep, and the joules of these and of the one that warmed up."""
        self.seconds += seconds
        self.runs += len(seconds) + 1
        self.joules = None if joules is None else (self.joules or 0.0) + joules


def random_inputs(rows: int, tokens: int, vocabulary: int) -> dict[str, np.ndarray]:
    """Full rows of random tokens, (rows, tokens) int64 each; what is in them changes no time."""
    ids = np.random.default_rng(0).integers(vocabulary, size=(rows, tokens))
    return {"input_ids": ids, "token_type_ids": np.zeros_like(ids), "attention_mask": np.ones_like(ids)}


def run_seconds(
    predictor: Predictor,
    inputs: Mapping[str, np.ndarray],
    repeats: int,
    seconds: float,
    clock: Callable[[], float] = time.perf_counter,
) -> list[float]:
    """Seconds of each of `repeats` runs or more, until `seconds` have passed; a first run is not counted."""
    predictor(inputs)
    runs: list[float] = []
    while len(runs) < repeats or sum(runs) < seconds:
        start = clock()
        predictor(inputs)
        runs.append(clock() - start)
    return runs


def attempt(
    predictor: Predictor,
    inputs: Sequence[Mapping[str, np.ndarray]],
    repeats: int,
    seconds: float,
    joules_spent: JoulesSpent | None,
) -> list[Timing]:
    """Times a model on each of several inputs, in sweeps over all of them."""
    timings = [Timing() for _ in inputs]
    for _ in range(SWEEPS):
        for timing, own in zip(timings, inputs, strict=True):
            before = joules_spent() if joules_spent else 0.0
            runs = run_seconds(predictor, own, -(-repeats // SWEEPS), seconds / SWEEPS)
            timing.add(runs, joules_spent() - before if joules_spent else None)
    return timings


def steady_timings(
    predictor: Predictor,
    inputs: Sequence[Mapping[str, np.ndarray]],
    repeats: int,
    seconds: float,
    joules_spent: JoulesSpent | None = None,
) -> list[Timing]:
    """The same, where those whose repeats do not agree are made again; of each the attempt with the least spread."""
    best = attempt(predictor, inputs, repeats, seconds, joules_spent)
    for _ in range(ATTEMPTS - 1):
        unsteady = [i for i, timing in enumerate(best) if timing.spread > STEADY_WITHIN]
        again = attempt(predictor, [inputs[i] for i in unsteady], repeats, seconds, joules_spent)
        for i, timing in zip(unsteady, again, strict=True):
            best[i] = min(best[i], timing, key=lambda one: one.spread)
    return best


def speed(
    predictor: Predictor,
    vocabulary: int,
    *,
    lengths: Sequence[int],
    batch_size: int,
    repeats: int,
    seconds: float,
    joules_spent: JoulesSpent | None = None,
) -> list[dict[str, Any]]:
    """Measures a model at some lengths.

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
    timings = steady_timings(predictor, inputs, repeats, seconds, joules_spent)
    return [
        {
            "tokens": tokens,
            "latency_ms": 1000 * single.median,
            "latency_spread": single.spread,
            "rows_per_second": batch_size / batched.median,
            "rows_per_second_spread": batched.spread,
            "joules_per_row": None if batched.joules is None else batched.joules / (batch_size * batched.runs),
        }
        for tokens, single, batched in zip(lengths, timings[::2], timings[1::2], strict=True)
    ]


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
