"""Confidence intervals that cover the runs and the draw of the test items at once.

Every run answers the same test items, so an accuracy varies for two reasons that are crossed: other runs, other
items. This is the design of multi-reader multi-case studies, with runs as readers and items as cases (Dorfman,
Berbaum and Metz 1992; Hillis 2007, Statistics in Medicine 26:596). Two models are compared *paired by run*: the
differences of each run are one group of scores. docs/statistics.md says why, and how often the intervals hold.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

LEVEL = 0.95
EQUIVALENCE_LEVEL = 0.90
"""Of the interval that two one-sided tests at 5 % amount to (Schuirmann 1987)."""
UNCOVERED = "No interval covers another teacher or another data set, of which there is one each."
ONCE = (0,)
"""Runs of a model that exists once: no training made it, so that there is no other run of it."""


class ResultsError(ValueError):
    """Results that cannot be counted or compared, with the file or the model they belong to."""


class Interval(NamedTuple):
    """A mean, or a difference of means, with its interval; low and high are NaN where one run cannot tell."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Scores:
    """What the runs of a model scored (`ONCE` where it exists once), or a difference of two: values (runs, units)."""

    runs: tuple[int, ...]
    values: np.ndarray

    @property
    def mean(self) -> float:
        """Accuracy over all runs and units."""
        return float(self.values.mean())

    @property
    def covers(self) -> str:
        """What the interval of these scores covers; nothing where there is none."""
        if self.runs == ONCE:
            return "test items"
        return "runs, test items" if len(self.runs) > 1 else ""

    def select(self, runs: tuple[int, ...]) -> Scores:
        """The scores of some runs; what exists once is the same in all."""
        return self if self.runs == ONCE else Scores(runs, self.values[[self.runs.index(run) for run in runs]])

    def minus(self, other: Scores) -> Scores:
        """By how much each run scored above the same run of another model; what exists once is in every run.

        Raises:
            ResultsError: both have runs, and none in common.
        """
        if ONCE in (self.runs, other.runs):
            return Scores(self.runs if other.runs == ONCE else other.runs, self.values - other.values)
        common = tuple(run for run in self.runs if run in other.runs)
        if not common:
            mine, others = (", ".join(map(str, scores.runs)) for scores in (self, other))
            raise ResultsError(f"runs {mine} and {others} have none in common to be paired by")
        return Scores(common, self.select(common).values - other.select(common).values)


def compute_interval(scores: Scores, level: float = LEVEL) -> Interval:
    """The mean of some scores with its confidence interval; both ends NaN for one run of a model that has runs."""
    if not scores.covers:
        return Interval(scores.mean, math.nan, math.nan)
    mean, half = mean_and_half_width(scores.values, level)
    return Interval(float(mean), float(mean - half), float(mean + half))


def mean_and_half_width(values: np.ndarray, level: float = LEVEL) -> tuple[np.ndarray, np.ndarray]:
    """Means of scores (..., runs, units) and the half-widths of their intervals; one run stands for no variation.

    Of one unit alone the half-width is NaN. It is 0 where scores do not vary at all.

    The variance of a mean is the sum of `variances_of_mean`. The interval is that of Cochran and Cox (1957,
    Experimental Designs, section 4.14): the quantile of t is the mean of those of both variances, weighted by them.
    Satterthwaite's degrees of freedom are too many where two degrees carry most of the variance, as with three runs.
    """
    runs, items = values.shape[-2:]
    if items == 1:
        return values.mean(axis=(-2, -1)), np.full(values.shape[:-2], math.nan)
    of_runs, of_items = variances_of_mean(values)
    weighted = of_items * stats.t.ppf((1 + level) / 2, items - 1)
    if runs > 1:
        weighted = weighted + of_runs * stats.t.ppf((1 + level) / 2, runs - 1)
    deviation = np.sqrt(of_runs + of_items)
    half = np.divide(weighted, deviation, out=np.zeros_like(deviation), where=deviation > 0)
    return values.mean(axis=(-2, -1)), half


def variances_of_mean(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What other runs, and what other items, add to the variance of the mean of scores (..., runs, units).

    With V_runs the variance of the runs' means over their number, V_items that of the items' means over theirs and
    V_both the mean square of the interaction over the number of scores, V_runs and V_items both contain V_both:

        variance = V_runs + max(V_items - V_both, 0)

    counts it once. The maximum keeps an estimate from being negative. V_runs is left as it is where it comes out below
    V_both: raised to it, intervals of few runs would be far too wide.
    """
    runs, items = values.shape[-2:]
    of_run, of_item = values.mean(axis=-1), values.mean(axis=-2)
    of_items = of_item.var(axis=-1, ddof=1) / items
    if runs == 1:
        return np.zeros_like(of_items), of_items
    grand = values.mean(axis=(-2, -1))[..., None, None]
    rest = values - of_run[..., None] - of_item[..., None, :] + grand
    of_both = (rest**2).sum(axis=(-2, -1)) / ((runs - 1) * (items - 1)) / (runs * items)
    of_runs = of_run.var(axis=-1, ddof=1) / runs
    return of_runs, np.maximum(of_items - of_both, 0.0)


def score_units(values: np.ndarray, languages: ArrayLike, clusters: np.ndarray | None, parallel: bool) -> np.ndarray:
    """Scores (runs, units) whose mean is the mean over languages, and whose units are independent of one another.

    Args:
        values: answers of every run (runs, answers): 1 right, 0 wrong, or means over fine-tunings.
        languages: an integer an answer; the answers of a language stand together.
        clusters: an integer an answer, the same for items of one language that are not independent; None where all are.
        parallel: whether every language has the same items, in the same order: an item and its translations are one
            unit then.
    """
    _, languages, sizes = np.unique(np.asarray(languages), return_inverse=True, return_counts=True)
    if parallel:
        values = values.reshape(len(values), len(sizes), -1).mean(axis=1)
        clusters = None if clusters is None else clusters[: sizes[0]]
    else:
        values = weigh_languages(values, languages)
        if clusters is not None:  # no two languages share one
            clusters = languages * (clusters.max() + 1) + clusters
    return values if clusters is None else merge_clusters(values, clusters)


def weigh_languages(values: np.ndarray, languages: np.ndarray) -> np.ndarray:
    """Scores (runs, items) whose mean is the mean over languages, where every language has items of its own.

    An item counts as one over the items of its language. With w the mean size over the size of its language, m the mean
    over languages and l that of its language, its score is m + w (x - l): the mean is m itself, and the variance of the
    mean is that of a stratified sample (Cochran 1977, Sampling Techniques, section 5.3).

    Args:
        values: scores (runs, items).
        languages: the number of an item's language, from 0.
    """
    sizes = np.bincount(languages)
    means = np.stack([np.bincount(languages, weights=own) for own in values]) / sizes
    weights = sizes.mean() / sizes
    return np.asarray(means.mean(axis=1, keepdims=True) + weights[languages] * (values - means[:, languages]))


def merge_clusters(values: np.ndarray, clusters: np.ndarray) -> np.ndarray:
    """Scores (runs, clusters) of scores (runs, items) whose items are not independent within a cluster.

    A cluster counts by its items: with n its size over the mean size, its score is m + n (c - m), m the mean over the
    run's items and c that over the cluster's. The mean over clusters is then m itself, and their variance is that of
    a ratio estimator (Cochran 1977, Sampling Techniques, section 11.8). Clusters of one size keep their means.

    Args:
        values: scores (runs, items).
        clusters: an integer an item, the same for items of one cluster.
    """
    _, clusters, sizes = np.unique(clusters, return_inverse=True, return_counts=True)
    sums = np.stack([np.bincount(clusters, weights=own) for own in values])
    means = values.mean(axis=1, keepdims=True)
    return np.asarray(means + sizes / sizes.mean() * (sums / sizes - means))


def describe_coverage(covers: Iterable[str], runs: Iterable[int]) -> str:
    """Sentences: what the intervals of a table cover and what none covers, given `covers` and runs of each row."""
    covers, several = set(covers), sorted({number for number in runs if number > 1})
    sentences = []
    if "runs, test items" in covers:
        number = f"{several[0]}" if several[0] == several[-1] else f"{several[0]} to {several[-1]}"
        sentences.append(f"Intervals cover the draw of the runs ({number}) and of the test items.")
    if "test items" in covers:
        sentences.append("What no training run made exists once: its interval covers the test items alone.")
    if "" in covers:
        sentences.append("With one run of a model there is no interval.")
    return " ".join([*sentences, UNCOVERED])
