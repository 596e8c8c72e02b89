"""Confidence intervals that cover the seeds and the draw of the test pairs at once.

Every run answers the same test pairs, so an accuracy varies for two reasons that are crossed: other seeds, other
pairs. This is the design of multi-reader multi-case studies, with runs as readers and pairs as cases, and the
interval is theirs: Dorfman, Berbaum and Metz (1992) with the degrees of freedom of Hillis (2007, Statistics in
Medicine 26:596), for two models Hillis (2014, Statistics in Medicine 33:330). docs/statistics.md derives it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy import stats

LEVEL = 0.95


class Interval(NamedTuple):
    """A mean, or a difference of means, with its 95 % interval; low and high are NaN where one run cannot tell."""

    mean: float
    low: float
    high: float


def interval(first: np.ndarray, second: np.ndarray | None = None) -> Interval:
    """Mean score of a model, or by how much the first of two is above the second, with its 95 % interval.

    A score is a model's on one test pair: 0 or 1 in one language, or the mean of these over the languages in which
    the pair exists. That makes a pair and its translations one unit (a cluster) whose parts may agree as they like.

    For one model y[d, s, i] (distillation seed, fine-tuning seed, pair), with means over what is left out,

        variance = V_d + max(V_s - V_ds, 0) + max(V_i - V_ri, 0)

    V_d = variance of the means y[d] / D, V_s that of the y[s] / S, V_i that of the y[i] / N; V_ds = mean square of
    the interaction of the two seeds / (D S), V_ri that of runs (d, s) and pairs / (D S N). V_d holds V_ds already,
    and V_d and V_s hold V_ri, so each is counted once. A kind of seed with one value adds nothing: the interval then
    does not cover it. Two models share their pairs but not their runs: V_i is that of the differences per pair, all
    other terms add up. Sharing seeds, as models here do, makes their runs more alike and the interval too wide, not
    too narrow. Degrees of freedom are Satterthwaite's: variance**2 / sum(part**2 / degrees of freedom of the part).

    Args:
        first: scores (distillation seeds, fine-tuning seeds, pairs).
        second: those of another model on the same pairs, with any number of seeds.

    Returns:
        NaN for both ends where a model has one run alone, which cannot show how runs differ.
    """
    groups = [first] if second is None else [first, second]
    per_pair = groups[0].mean(axis=(0, 1)) - (groups[1].mean(axis=(0, 1)) if second is not None else 0.0)
    mean, pairs = float(per_pair.mean()), len(per_pair)
    if min(group.shape[0] * group.shape[1] for group in groups) < 2:
        return Interval(mean, math.nan, math.nan)
    parts = [part for group in groups for part in _parts_of_runs(group.mean(axis=2))]
    mixed = sum(_interaction(group.reshape(-1, pairs)) / group.size for group in groups)
    parts.append((max(per_pair.var(ddof=1) / pairs - mixed, 0.0), pairs - 1))
    variance = sum(part for part, _ in parts)
    if variance == 0:
        return Interval(mean, mean, mean)
    degrees = variance**2 / sum(part**2 / degrees for part, degrees in parts)
    half = float(stats.t.ppf((1 + LEVEL) / 2, degrees)) * math.sqrt(variance)
    return Interval(mean, mean - half, mean + half)


def _parts_of_runs(means: np.ndarray) -> list[tuple[float, int]]:
    """Variance of the mean of runs (distillation seeds, fine-tuning seeds) and degrees of freedom, part by part."""
    distill_seeds, seeds = means.shape
    parts = []
    if distill_seeds > 1:
        parts.append((float(means.mean(axis=1).var(ddof=1)) / distill_seeds, distill_seeds - 1))
    if seeds > 1:
        variance = float(means.mean(axis=0).var(ddof=1)) / seeds
        if distill_seeds > 1:
            variance = max(variance - _interaction(means) / means.size, 0.0)
        parts.append((variance, seeds - 1))
    return parts


def _interaction(table: np.ndarray) -> float:
    """Mean square of what row and column means leave of a two-way table."""
    rows, columns = table.shape
    rest = table - table.mean(axis=0) - table.mean(axis=1, keepdims=True) + table.mean()
    return float((rest**2).sum()) / ((rows - 1) * (columns - 1))
