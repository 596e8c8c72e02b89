"""How fast a model runs: latency of one row, throughput of a batch, and what the latter takes in energy."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from camembert.evaluation.classification import Predictor
from camembert.evaluation.energy import Counter, EnergyMeter


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


def speed(
    predictor: Predictor,
    vocabulary: int,
    *,
    lengths: Sequence[int],
    batch: int,
    repeats: int,
    seconds: float,
    counters: Sequence[Counter],
) -> list[dict[str, Any]]:
    """Measures a model at some lengths.

    Args:
        predictor: runs it.
        vocabulary: tokens it knows.
        lengths: tokens a row.
        batch: rows a batch, for throughput.
        repeats: runs of each measurement, at least.
        seconds: wall time of each measurement, at least.
        counters: of energy, where there are any.

    Returns:
        For each length: tokens, latency_ms (median time of one row), rows_per_second (batch over the median time of
        a batch), joules_per_row (in batches; None without counters).
    """
    measured = []
    for tokens in lengths:
        single = run_seconds(predictor, random_inputs(1, tokens, vocabulary), repeats, seconds)
        with EnergyMeter(counters) as meter:
            batched = run_seconds(predictor, random_inputs(batch, tokens, vocabulary), repeats, seconds)
        rows = batch * (len(batched) + 1)  # the first run takes energy too
        measured.append(
            {
                "tokens": tokens,
                "latency_ms": 1000 * statistics.median(single),
                "rows_per_second": batch / statistics.median(batched),
                "joules_per_row": None if meter.joules is None else meter.joules / rows,
            }
        )
    return measured
