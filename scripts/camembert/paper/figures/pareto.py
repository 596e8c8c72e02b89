"""Accuracy against latency: what an encoder is worth, and how long one waits for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from numpy.typing import ArrayLike
from scipy.optimize import isotonic_regression

from camembert.paper.figures.style import COLUMN, drawing, legend, marker, styles_of
from camembert.paper.statistics import Model
from camembert.plan.chain import Method

SCORES = {"retrieval": "Retrieval accuracy (%)", "average": "Task accuracy (%)", "probe": "Zero-shot probe (%)"}
"""Columns of the summary that have a panel each, where there is anything in them; labels of their axes."""
LINE = 0.075
"""Height of a label, as a share of a panel."""


def frontier(points: Iterable[tuple[float, float]]) -> list[int]:
    """The (cost, score) points that no other one beats, from cheap to dear: each is better than all that cost less."""
    points = list(points)
    best: list[int] = []
    for i in sorted(range(len(points)), key=lambda i: (points[i][0], -points[i][1])):
        if not best or points[i][1] > points[best[-1]][1]:
            best.append(i)
    return best


def spread_out(places: ArrayLike, gap: float) -> np.ndarray:
    """The places nearest to those given (least squares) that keep their order and are a gap apart."""
    wanted = np.asarray(places, dtype=float)
    order, shift = np.argsort(wanted, kind="stable"), gap * np.arange(len(wanted))
    apart = np.empty_like(wanted)
    apart[order] = isotonic_regression(wanted[order] - shift).x + shift
    return apart


def draw_pareto(
    summary: pd.DataFrame, efficiency: pd.DataFrame, models: Sequence[Model], tokens: int, stem: Path
) -> None:
    """Draws scores (averages over languages, with their intervals) against the latency of one sentence.

    Encoders that start from random weights are controls, below all others at the same latency, and are left out. The
    chain stands beside its point, in bold where no other model is both faster and better.

    Args:
        summary: the summary table (shares); a panel for each of `SCORES` that it has.
        efficiency: the efficiency table.
        models: of the experiment.
        tokens: length at which latency is shown.
        stem: path of the figure without its ending.
    """
    index = ["recipe", "chain"]
    scores = [score for score in SCORES if score in summary and summary[score].notna().any()]
    table = summary.set_index(index)[[f"{score}{end}" for score in scores for end in ("", "_low", "_high")]].mul(100)
    latency = efficiency.set_index(index)[f"latency_ms_{tokens}"]
    styles = {
        model: style
        for model, style in styles_of(models).items()
        if model.method not in (Method.RANDOM, Method.SCRATCH)
    }
    keys = [(model.recipe, model.chain) for model in styles]
    with drawing(stem, 0.9 + 1.9 * len(scores), len(scores), 1, COLUMN, sharex=True) as grid:
        for score, (axes,) in zip(scores, grid, strict=True):
            rows = table.loc[keys]
            x, y = latency.loc[keys].to_numpy(), rows[score].to_numpy()
            bars = np.abs(rows[[f"{score}_low", f"{score}_high"]].to_numpy().T - y)
            for i, style in enumerate(styles.values()):
                axes.errorbar([x[i]], [y[i]], yerr=bars[:, [i]], elinewidth=0.8, capsize=2, **marker(style))
            axes.margins(x=0.15, y=0.1)
            best = frontier(zip(x, y, strict=True))
            _label(axes, x, y, [model.chain for model in styles], [style.colour for style in styles.values()], best)
            axes.set_ylabel(SCORES[score])
        grid[-1, 0].set_xlabel(f"Latency, {tokens} tokens (ms)")
        legend(grid[0, 0], styles, columns=2)


def _label(
    axes: Axes, x: np.ndarray, y: np.ndarray, names: Sequence[str], colours: Sequence[str], bold: Sequence[int]
) -> None:
    """Writes names beside points, those of one latency above one another: left of the slowest, right of all others."""
    low, high = axes.get_ylim()
    for latency in np.unique(x):
        stack = np.flatnonzero(x == latency)
        left = len(np.unique(x)) > 1 and latency == x.max()
        for i, height in zip(stack.tolist(), spread_out((y[stack] - low) / (high - low), LINE), strict=True):
            axes.annotate(
                names[i],
                (x[i], y[i]),
                (-9 if left else 9, height),
                xycoords="data",
                textcoords=("offset points", "axes fraction"),
                ha="right" if left else "left",
                va="center",
                fontsize=6.5,
                fontweight="bold" if i in bold else "normal",
                color=colours[i],
                path_effects=[withStroke(linewidth=1.5, foreground="white")],
            )
