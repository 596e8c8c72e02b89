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
from scipy import stats

LEVEL = 0.95
EQUIVALENCE_LEVEL = 0.90
"""Of the interval that two one-sided tests at 5 % amount to (Schuirmann 1987)."""
UNCOVERED = "No interval covers another teacher or another data set, of which there is one each."
ONCE = (0,)
"""Runs of a model that exists once: no training made it, so that there is no other run of it."""


class RunsError(ValueError):
    """Two models that cannot be compared because no run has both."""


class Interval(NamedTuple):
    """A mean, or a difference of means, with its interval; low and high are NaN where one run cannot tell."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Scores:
    """What a model, or a difference of two, scored.

    Attributes:
        runs: numbers of the runs; `ONCE` where the model exists once.
        values: scores (runs, items). A score is a run's on one item: the mean of its answers (1 right, 0 wrong) over
            languages and fine-tunings, so that an item and its translations are one unit.
    """

    runs: tuple[int, ...]
    values: np.ndarray

    @property
    def mean(self) -> float:
        """Accuracy over all runs and items."""
        return float(self.values.mean())

    @property
    def covers(self) -> tuple[str, ...]:
        """What the interval of these scores covers; nothing where there is none."""
        if self.runs == ONCE:
            return ("test items",)
        return ("runs", "test items") if len(self.runs) > 1 else ()

    def minus(self, other: Scores) -> Scores:
        """By how much each run scored above the same run of another model; what exists once is in every run.

        Raises:
            RunsError: both have runs, and none in common.
        """
        if ONCE in (self.runs, other.runs):
            return Scores(self.runs if other.runs == ONCE else other.runs, self.values - other.values)
        common = tuple(run for run in self.runs if run in other.runs)
        if not common:
            raise RunsError(f"runs {_listed(self.runs)} and {_listed(other.runs)} have none in common to be paired by")
        return Scores(common, self.of_runs(common).values - other.of_runs(common).values)

    def of_runs(self, runs: tuple[int, ...]) -> Scores:
        """The scores of some runs; what exists once is the same in all."""
        return self if self.runs == ONCE else Scores(runs, self.values[[self.runs.index(run) for run in runs]])


def interval(scores: Scores, level: float = LEVEL) -> Interval:
    """The mean of some scores with its confidence interval; both ends NaN for one run of a model that has runs."""
    if not scores.covers:
        return Interval(scores.mean, math.nan, math.nan)
    mean, half = mean_and_half_width(scores.values, level)
    return Interval(float(mean), float(mean - half), float(mean + half))


def mean_and_half_width(values: np.ndarray, level: float = LEVEL) -> tuple[np.ndarray, np.ndarray]:
    """Means of scores (..., runs, items) and the half-widths of their intervals; one run stands for no variation.

    The variance of a mean is the sum of `variances_of_mean`. Each of the two is estimated with its own degrees of
    freedom; the interval is that of Cochran and Cox (1957, Experimental Designs, section 4.14): the quantile of t is
    the mean of both quantiles, weighted by the variances. Satterthwaite's degrees of freedom, which are usual here,
    are too many where two degrees of freedom carry most of the variance, as with three runs.
    """
    of_runs, of_items = variances_of_mean(values)
    runs, items = values.shape[-2:]
    weighted = of_items * stats.t.ppf((1 + level) / 2, items - 1)
    if runs > 1:
        weighted = weighted + of_runs * stats.t.ppf((1 + level) / 2, runs - 1)
    deviation = np.sqrt(of_runs + of_items)
    half = np.divide(weighted, deviation, out=np.zeros_like(deviation), where=deviation > 0)
    return values.mean(axis=(-2, -1)), half


def variances_of_mean(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What other runs, and what other items, add to the variance of the mean of scores (..., runs, items).

    With V_runs the variance of the runs' means over their number, V_items that of the items' means over theirs and
    V_both the mean square of the interaction over the number of scores, V_runs and V_items both contain V_both:

        variance = V_runs + max(V_items - V_both, 0)

    counts it once. A variance cannot be negative though its estimate can, hence the maximum. V_runs is left as it is
    where it comes out below V_both: raised to it, it would no longer vary as the quantile of t expects, and intervals
    of few runs would be far too wide.
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


def by_language(values: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Scores (runs, items) whose mean is the mean over languages, where every language has items of its own.

    An item counts as one over the items of its language. With w the mean size over the size of its language, m the mean
    over languages and l that of its language, its score is m + w (x - l): the mean is m itself, and the variance of the
    mean is that of a stratified sample (Cochran 1977, Sampling Techniques, section 5.3).

    Args:
        values: scores (runs, languages, items).
        present: whether a language has an item (languages, items); the others are padding.
    """
    sizes = present.sum(axis=1)
    means = np.where(present, values, 0).sum(axis=2) / sizes
    weights = sizes.mean() / sizes
    scores = means.mean(axis=1)[:, None, None] + weights[:, None] * (values - means[..., None])
    return np.asarray(scores[:, present])


def by_cluster(values: np.ndarray, clusters: np.ndarray) -> np.ndarray:
    """Scores (runs, clusters) of scores (runs, items) whose items are not independent within a cluster.

    A cluster counts by its items: with n its size over the mean size, its score is m + n (c - m), m the mean over the
    run's items and c that over the cluster's. The mean over clusters is then m itself, and their variance is that of
    a ratio estimator (Cochran 1977, Sampling Techniques, section 11.8). Clusters of one size keep their means.

    Args:
        values: scores (runs, items).
        clusters: an integer an item, the same for items of one cluster.
    """
    _, which, sizes = np.unique(clusters, return_inverse=True, return_counts=True)
    sums = np.zeros((values.shape[0], len(sizes)))
    np.add.at(sums.T, which, values.T)
    means = values.mean(axis=1, keepdims=True)
    weights = sizes / sizes.mean()
    return np.asarray(means + weights * (sums / sizes - means))


def coverage(covers: Iterable[str], runs: Iterable[int]) -> str:
    """Sentences: what the intervals of a table cover and what none covers.

    Args:
        covers: of each row, ``, ``.join of `Scores.covers`.
        runs: of each row, the number of runs.
    """
    covers, runs = set(covers), sorted(set(runs))
    if covers == {""}:
        return f"With one run of a model there is no interval. {UNCOVERED}"
    said = []
    if "runs, test items" in covers:
        several = [number for number in runs if number > 1]
        number = f"{several[0]}" if several[0] == several[-1] else f"{several[0]} to {several[-1]}"
        said.append(f"Intervals cover the draw of the runs ({number}) and of the test items.")
    if "test items" in covers:
        said.append("What no training run made exists once: its interval covers the test items alone.")
    if "" in covers:
        said.append("With one run of a model there is no interval.")
    return " ".join([*said, UNCOVERED])


def _listed(runs: tuple[int, ...]) -> str:
    return ", ".join(map(str, runs))
