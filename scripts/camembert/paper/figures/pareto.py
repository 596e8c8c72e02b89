"""Accuracy against cost: which models no other one beats in both."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike

from camembert.paper.figures.style import STYLE, WIDTH, key, legend, marker, save, styles_of
from camembert.paper.statistics import Model
from camembert.plan.chain import Method

ACCURACY = "Average accuracy (%) and 95 % interval"
MARKER = 0.035  # width of a marker as a share of the span of costs
FRONTIER: dict[str, Any] = {"color": "0.45", "linewidth": 0.9, "linestyle": "-", "zorder": 1}


class Cost(NamedTuple):
    """One panel: the column of the efficiency table, its scale and label, and whether the teacher has such a cost."""

    column: str
    scale: float
    label: str
    of_teacher: bool


def panels_at(tokens: int) -> list[Cost]:
    """The panels; latency is of a sentence of so many tokens."""
    return [
        Cost("parameters", 1e-6, "Parameters (millions)", True),
        Cost(f"latency_ms_{tokens}", 1, f"Latency, {tokens} tokens (ms)", True),
        Cost("training_flops", 1e-12, "Training after the teacher's (TFLOP)", False),
    ]


def frontier(cost: ArrayLike, score: ArrayLike) -> list[int]:
    """The points that no other one beats, from cheap to dear: each is better than all that cost no more."""
    costs, scores = np.asarray(cost), np.asarray(score)
    best: list[int] = []
    for i in np.lexsort((-scores, costs)).tolist():
        if not best or scores[i] > scores[best[-1]]:
            best.append(i)
    return best


def side_by_side(x: ArrayLike) -> np.ndarray:
    """Places for markers, where those that would lie upon each other stand side by side around their common cost."""
    places = np.array(x, dtype=float)
    order = np.argsort(places, kind="stable")
    width = MARKER * max(np.ptp(places), np.finfo(float).tiny)
    gaps = np.flatnonzero(np.diff(places[order]) > width) + 1
    for group in np.split(order, gaps):
        places[group] = places[group].mean() + width * (np.arange(len(group)) - (len(group) - 1) / 2)
    return places


def draw_pareto(
    summary: pd.DataFrame, efficiency: pd.DataFrame, order: Sequence[Model], tokens: int, stem: Path
) -> None:
    """Draws accuracy (average over languages, with its interval) against three costs, and the frontier.

    Training compute is what was spent below the teacher, so the teacher is a line there and takes no part.

    Args:
        summary: the summary table (shares).
        efficiency: the efficiency table.
        order: the plan.
        tokens: length at which latency is shown.
        stem: path of the figure without its ending.
    """
    index = ["recipe", "chain"]
    table = summary.set_index(index)[["average", "average_low", "average_high"]].mul(100)
    table = table.join(efficiency.set_index(index), validate="one_to_one")
    styles = styles_of(order)
    with mpl.rc_context(dict(STYLE)):
        figure = Figure(figsize=(WIDTH, 3.2))
        panels = panels_at(tokens)
        for axes, panel in zip(figure.subplots(1, len(panels), sharey=True), panels, strict=True):
            shown = [model for model in order if panel.of_teacher or model.method is not Method.TEACHER]
            rows = table.loc[[(model.recipe, model.chain) for model in shown]]
            cost, score = panel.scale * rows[panel.column].to_numpy(), rows["average"].to_numpy()
            bars = np.abs(rows[["average_low", "average_high"]].to_numpy().T - score)
            for model, x, y, bar in zip(shown, side_by_side(cost), score, bars.T, strict=True):
                axes.errorbar([x], [y], yerr=bar[:, None], elinewidth=0.8, **marker(styles[model]))
            best = frontier(cost, score)
            axes.step([*cost[best], max(cost)], [*score[best], score[best[-1]]], where="post", **FRONTIER)
            for model in set(order) - set(shown):
                level = table.loc[(model.recipe, model.chain), "average"]
                axes.axhline(level, color=styles[model].colour, linestyle=(0, (4, 3)), zorder=0)
                axes.text(0.98, level, "teacher", transform=axes.get_yaxis_transform(), ha="right", va="bottom")
            axes.set_xlabel(panel.label)
            axes.margins(x=0.1)
        figure.axes[0].set_ylabel(ACCURACY)
        keys = [key(model, style) for model, style in styles.items()]
        legend(figure, [*keys, Line2D([], [], label="Pareto frontier", **FRONTIER)])
        save(figure, stem)
