"""How often 95 % intervals hold the truth, on simulated experiments whose truth is known, and how wide they are.

    PYTHONPATH=scripts python benchmarks/coverage.py        prints the table of docs/statistics.md

An answer is right where a normal number is above zero: what the model and the language are worth, plus what the
run and the item add, plus what only this run makes of this item, plus chance. An item and its translations share what
the item adds. The true accuracy is then a normal integral. In a difference, what a run adds to two models is
correlated, as where they read the same text in the same order; which sign this has is not known beforehand.

Four intervals are compared: two models paired by run or their runs independent (Welch), and the quantile of t that of
Cochran and Cox or that of Satterthwaite's degrees of freedom. The workflow uses the first of each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import numpy as np
from scipy import stats

from camembert.paper.intervals import LEVEL, mean_and_half_width, variances_of_mean

SIMULATIONS = 1000
BATCH = 100  # simulations at a time, for memory
RUNS = (3, 5, 10)
CORRELATIONS = (-0.5, 0.0, 0.5)
ITEMS = 300
LANGUAGES = np.array([0.6, 0.2, -0.1])  # how easy each is
RUNS_VARY = (0.02, 0.09, 0.25, 0.4)  # standard deviation of what a run adds
AS_ITEMS = 0.09  # of these, the one at which other runs change an accuracy about as much as other items do
ITEM, ITEM_AND_RUN = 1.0, 0.7  # standard deviations of what an item adds, and a run of that item
WORTH = (0.15, 0.0)  # of the first and of the second model

Part = tuple[np.ndarray, int]
"""Variances of means, one a simulation, and the degrees of freedom they are estimated with."""


class Found(NamedTuple):
    """Share of simulations whose interval holds the truth, and the mean half-width of the intervals."""

    coverage: float
    half_width: float


def truth(worth: float, run: float) -> float:
    """True accuracy of a model, over all runs and items there could be."""
    deviation = np.sqrt(1 + run**2 + ITEM**2 + ITEM_AND_RUN**2)
    return float(stats.norm.cdf((worth + LANGUAGES) / deviation).mean())


def draw_scores(
    draw: np.random.Generator, simulations: int, runs: int, run: float, correlation: float
) -> list[np.ndarray]:
    """Scores (simulations, runs, items) of two models, means over the languages.

    Args:
        draw: where numbers come from.
        simulations: experiments.
        runs: of each.
        run: standard deviation of what a run adds.
        correlation: of what a run adds to the first and to the second model.
    """
    item = ITEM * draw.normal(size=(simulations, 1, ITEMS))
    shared, own = draw.normal(size=(2, simulations, runs, 1))
    of_run = (shared, correlation * shared + np.sqrt(1 - correlation**2) * own)
    models = []
    for worth, effect in zip(WORTH, of_run, strict=True):
        latent = worth + run * effect + item + ITEM_AND_RUN * draw.normal(size=(simulations, runs, ITEMS))
        chances = (draw.normal(size=latent.shape) + latent > -language for language in LANGUAGES)
        models.append(np.mean(list(chances), axis=0))
    return models


def cochran_cox(parts: Iterable[Part]) -> np.ndarray:
    """Half-widths with a quantile of t that is the mean of those of the parts, weighted by their variances."""
    parts = list(parts)
    quantiles = sum(variance * stats.t.ppf((1 + LEVEL) / 2, degrees) for variance, degrees in parts)
    return np.asarray(quantiles / np.sqrt(sum(variance for variance, _ in parts)))


def satterthwaite(parts: Iterable[Part]) -> np.ndarray:
    """Half-widths with Satterthwaite's degrees of freedom."""
    parts = list(parts)
    variance = np.asarray(sum(variance for variance, _ in parts))
    degrees = variance**2 / sum(part**2 / own for part, own in parts)
    return np.asarray(stats.t.ppf((1 + LEVEL) / 2, degrees) * np.sqrt(variance))


def of_one_group(values: np.ndarray) -> list[Part]:
    """The parts of one model, or of two paired by run."""
    runs, items = values.shape[-2:]
    of_runs, of_items = variances_of_mean(values)
    return [(of_runs, runs - 1), (of_items, items - 1)]


def of_two_groups(first: np.ndarray, second: np.ndarray) -> list[Part]:
    """The parts of two models whose runs are taken as independent, after Hillis (2014, readers nested in tests)."""
    runs, items = first.shape[-2:]
    of_items = (first.mean(axis=-2) - second.mean(axis=-2)).var(axis=-1, ddof=1) / items
    groups = []
    for values in (first, second):
        of_runs, less = variances_of_mean(values)
        groups.append((of_runs, runs - 1))
        of_items = of_items - (values.mean(axis=-2).var(axis=-1, ddof=1) / items - less)
    return [*groups, (np.maximum(of_items, 0.0), items - 1)]


METHODS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "paired, Cochran-Cox": lambda first, second: mean_and_half_width(first - second)[1],
    "Welch, Cochran-Cox": lambda first, second: cochran_cox(of_two_groups(first, second)),
    "paired, Satterthwaite": lambda first, second: satterthwaite(of_one_group(first - second)),
    "Welch, Satterthwaite": lambda first, second: satterthwaite(of_two_groups(first, second)),
}


def of_differences(runs: int, run: float, correlation: float, simulations: int = SIMULATIONS) -> dict[str, Found]:
    """What the intervals of a difference hold, by method."""
    true = truth(WORTH[0], run) - truth(WORTH[1], run)
    held: dict[str, list[np.ndarray]] = {name: [] for name in METHODS}
    halves: dict[str, list[np.ndarray]] = {name: [] for name in METHODS}
    draw = np.random.default_rng(0)
    for start in range(0, simulations, BATCH):
        first, second = draw_scores(draw, min(BATCH, simulations - start), runs, run, correlation)
        missed = np.abs((first - second).mean(axis=(-2, -1)) - true)
        for name, method in METHODS.items():
            halves[name].append(method(first, second))
            held[name].append(missed <= halves[name][-1])
    return {
        name: Found(float(np.concatenate(held[name]).mean()), float(np.concatenate(halves[name]).mean()))
        for name in METHODS
    }


def of_one_model(runs: int, run: float, simulations: int = SIMULATIONS) -> dict[str, Found]:
    """What the intervals of one model's mean hold, by method of the quantile."""
    draw = np.random.default_rng(0)
    batches = [
        draw_scores(draw, min(BATCH, simulations - start), runs, run, 0.0)[0] for start in range(0, simulations, BATCH)
    ]
    missed = np.abs(np.concatenate([batch.mean(axis=(-2, -1)) for batch in batches]) - truth(WORTH[0], run))
    halves = {
        "Cochran-Cox": np.concatenate([mean_and_half_width(batch)[1] for batch in batches]),
        "Satterthwaite": np.concatenate([satterthwaite(of_one_group(batch)) for batch in batches]),
    }
    return {name: Found(float((missed <= half).mean()), float(half.mean())) for name, half in halves.items()}


def cells(found: Mapping[float, Mapping[str, Found]]) -> str:
    """For each method the lowest coverage of all `RUNS_VARY` in percent, and the half-width at `AS_ITEMS` in points."""
    return " | ".join(
        f"{100 * min(by_method[name].coverage for by_method in found.values()):.1f} (± {100 * at.half_width:.1f})"
        for name, at in found[AS_ITEMS].items()
    )


def main() -> None:
    """Prints the tables of coverage."""
    print("| Runs | One model, Cochran-Cox | Satterthwaite |")
    print("|---:|---:|---:|")
    for runs in RUNS:
        print(f"| {runs} | {cells({run: of_one_model(runs, run) for run in RUNS_VARY})} |")
    print("\n| Runs | Correlation of runs | " + " | ".join(METHODS) + " |")
    print("|---:|---:|" + "---:|" * len(METHODS))
    for runs in RUNS:
        for correlation in CORRELATIONS:
            found = {run: of_differences(runs, run, correlation) for run in RUNS_VARY}
            print(f"| {runs} | {correlation:+.1f} | {cells(found)} |")


if __name__ == "__main__":
    main()
