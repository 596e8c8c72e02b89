"""Figures of what accuracy costs: against latency, and against the compute of training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from camembert.paper.answers import ComparedModel
from camembert.paper.figures.style import (
    COLUMN_WIDTH,
    add_legend,
    drawing,
    outline,
    spread_out,
    style_method,
    style_models,
)
from camembert.plan.chain import Method

SCORES = {"retrieval": "Retrieval accuracy (%)", "average": "Task accuracy (%)", "probe": "Zero-shot probe (%)"}
"""Columns of the summary that have a panel each, where there is anything in them; labels of their axes."""
LABEL, NAME = 0.075, 0.1
"""Height of a label beside a point, and of a name at the end of a line, as a share of a panel."""


def _find_scores(numbers: pd.DataFrame) -> list[str]:
    return [score for score in SCORES if score in numbers and numbers[score].notna().any()]


def draw_pareto(
    summary: pd.DataFrame, efficiency: pd.DataFrame, models: Sequence[ComparedModel], tokens: int, stem: Path
) -> None:
    """Draws scores (averages over languages, with their intervals) against the latency of one sentence.

    Encoders that start from random weights are controls, below all others at the same latency, and are left out. The
    chain stands beside its point, in bold where no other model is both faster and better. The latency is that at one of
    the lengths that were measured, in tokens.
    """
    controls = (Method.RANDOM, Method.SCRATCH)
    styles = {model: style for model, style in style_models(models).items() if model.method not in controls}
    latencies = efficiency[["recipe", "chain", f"latency_ms_{tokens}"]]
    rows = pd.DataFrame(list(styles))[["recipe", "chain"]].merge(summary).merge(latencies)
    x, scores = rows[f"latency_ms_{tokens}"].to_numpy(), _find_scores(summary)
    with drawing(stem, 0.9 + 1.9 * len(scores), len(scores), 1, COLUMN_WIDTH, sharex=True) as grid:
        for score, (axes,) in zip(scores, grid, strict=True):
            y, low, high = (100 * rows[f"{score}{end}"].to_numpy() for end in ("", "_low", "_high"))
            bars = np.abs([low - y, high - y])
            for i, style in enumerate(styles.values()):
                axes.errorbar([x[i]], [y[i]], yerr=bars[:, [i]], elinewidth=0.8, capsize=2, **style)
            axes.margins(x=0.15, y=0.1)
            _label_points(axes, x, y, styles)
            axes.set_ylabel(SCORES[score])
        grid[-1, 0].set_xlabel(f"Latency, {tokens} tokens (ms)")
        add_legend(grid[0, 0], styles, columns=2)


def _label_points(axes: Axes, x: np.ndarray, y: np.ndarray, styles: Mapping[ComparedModel, Mapping[str, Any]]) -> None:
    """Writes chains beside points, those of one latency above one another: left of the slowest, right of all others."""
    low, high = axes.get_ylim()
    models = list(styles)
    for latency in np.unique(x):
        stack = np.flatnonzero(x == latency)
        left = len(np.unique(x)) > 1 and latency == x.max()
        for i, height in zip(stack.tolist(), spread_out((y[stack] - low) / (high - low), LABEL), strict=True):
            axes.annotate(
                models[i].chain,
                (x[i], y[i]),
                (-9 if left else 9, height),
                xycoords="data",
                textcoords=("offset points", "axes fraction"),
                ha="right" if left else "left",
                va="center",
                fontsize=6.5,
                fontweight="bold" if sum(y[x <= latency] >= y[i]) == 1 else "normal",  # itself alone
                color=styles[models[i]]["color"],
                path_effects=outline(1.5),
            )


def draw_budgets(numbers: pd.DataFrame, stem: Path) -> None:
    """Draws scores over the FLOPs of training after the teacher: a line a way to a depth, its intervals as a band."""
    scores = _find_scores(numbers)
    numbers = numbers.assign(compute=1e-12 * numbers["training_flops"])
    longest = max((list(own["compute"]) for _, own in numbers.groupby(["recipe", "way"], sort=False)), key=len)
    with drawing(stem, 0.6 + 1.9 * len(scores), len(scores), 1, COLUMN_WIDTH, sharex=True) as grid:
        for score, (axes,) in zip(scores, grid, strict=True):
            _draw_lines(axes, numbers, score)
            axes.set_xscale("log")
            axes.set_xticks(longest, [f"{tera:.2g}" if tera < 10 else f"{tera:.0f}" for tera in longest])
            axes.minorticks_off()
            axes.margins(x=0.12)
            axes.set_ylabel(SCORES[score])
        grid[-1, 0].set_xlabel("Training after the teacher (TFLOP)")


def _draw_lines(axes: Axes, numbers: pd.DataFrame, score: str) -> None:
    """Draws one score: lines with their bands, an interval where a line is one point, and names at their ends."""
    drawn: list[Method] = []
    ends = []
    for (recipe, way), own in numbers.groupby(["recipe", "way"], sort=False):
        method = Method.CASCADE if own["cascade"].all() else Method.DIRECT_LONGER
        style = style_method(method, "none" if method in drawn else "full")
        drawn.append(method)
        x, (y, low, high) = own["compute"], (100 * own[f"{score}{end}"] for end in ("", "_low", "_high"))
        axes.fill_between(x, low, high, color=style["color"], alpha=0.18, linewidth=0)
        bars = [y - low, high - y] if len(own) == 1 else None
        axes.errorbar(x, y, yerr=bars, elinewidth=0.8, linestyle="-", **style)
        name = f"{'cascade' if method is Method.CASCADE else 'direct'} {way}"
        name += f", {recipe}" if numbers["recipe"].nunique() > 1 else ""
        ends.append((x.iloc[-1], y.iloc[-1], name, style["color"]))
    bottom, top = axes.get_ylim()
    heights = spread_out([(y - bottom) / (top - bottom) for _, y, _, _ in ends], NAME)
    for (x, y, name, colour), height in zip(ends, heights, strict=True):
        place = ("offset points", "axes fraction")
        axes.annotate(name, (x, y), (6, height), textcoords=place, va="center", color=colour)
