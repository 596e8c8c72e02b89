"""Accuracy against cost: which models no other one beats in both."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from camembert.chain import Method
from camembert.figures import STYLE, WIDTH, _key, _legend, _marker, _save, styles_of
from camembert.statistics import Model, Spread, averages, runs_of, spread

ACCURACY = "Average accuracy (%), mean and 95 % interval"
FRONTIER = {"color": "0.45", "linewidth": 0.9, "linestyle": "-", "zorder": 1}


class Cost(NamedTuple):
    """One panel: the column of the efficiency table, its scale and label, and whether the teacher has such a cost."""

    column: str
    scale: float
    label: str
    of_teacher: bool


def costs(tokens: int) -> list[Cost]:
    """The panels; latency is of a sentence of so many tokens."""
    return [
        Cost("parameters", 1e-6, "Parameters (millions)", True),
        Cost(f"latency_ms_{tokens}", 1, f"Latency, {tokens} tokens (ms)", True),
        Cost("training_flops", 1e-12, "Training after the teacher's (TFLOP)", False),
    ]


def frontier(cost: Sequence[float], score: Sequence[float]) -> list[int]:
    """The points that no other one beats, from cheap to dear: each is better than all that cost no more."""
    best: list[int] = []
    for i in sorted(range(len(cost)), key=lambda i: (cost[i], -score[i])):
        if not best or score[i] > score[best[-1]]:
            best.append(i)
    return best


def draw_pareto(
    accuracy: pd.DataFrame, efficiency: pd.DataFrame, order: Sequence[Model], tokens: int, stem: Path
) -> None:
    """Draws accuracy (average over languages, with its interval over runs) against three costs, and the frontier.

    Training compute is what was spent below the teacher, so the teacher is a line there and takes no part.

    Args:
        accuracy: the tidy table of accuracies (shares).
        efficiency: the efficiency table.
        order: the plan.
        tokens: length at which latency is shown.
        stem: path of the figure without its ending.
    """
    scores = 100 * averages(accuracy)
    spreads = {model: spread(runs_of(scores, model)["average"]) for model in order}
    table = efficiency.set_index(["recipe", "chain"])
    styles = styles_of(order)
    with mpl.rc_context(dict(STYLE)):
        figure = Figure(figsize=(WIDTH, 3.2))
        panels = costs(tokens)
        for axes, panel in zip(figure.subplots(1, len(panels), sharey=True), panels, strict=True):
            shown = [model for model in order if panel.of_teacher or model.method is not Method.TEACHER]
            x = [panel.scale * float(table.loc[(model.recipe, model.chain), panel.column]) for model in shown]
            for model, value in zip(shown, x, strict=True):
                axes.errorbar(
                    [value], [spreads[model].mean], yerr=_bars(spreads[model]), elinewidth=0.8, **_marker(styles[model])
                )
            _frontier(axes, x, [spreads[model].mean for model in shown])
            for model in order:
                if model not in shown:
                    axes.axhline(spreads[model].mean, color=styles[model].colour, linestyle=(0, (4, 3)), zorder=0)
            axes.set_xlabel(panel.label)
            axes.margins(x=0.12)
        figure.axes[0].set_ylabel(ACCURACY)
        keys = [_key(model, style) for model, style in styles.items()]
        _legend(figure, [*keys, Line2D([], [], label="Pareto frontier", **FRONTIER)])
        _save(figure, stem)


def _bars(runs: Spread) -> list[list[float]]:
    return [[runs.mean - runs.low], [runs.high - runs.mean]]


def _frontier(axes: Axes, cost: Sequence[float], score: Sequence[float]) -> None:
    """A step a point: from one on, its accuracy is to be had at that cost; to the right edge."""
    best = frontier(cost, score)
    x, y = [cost[i] for i in best], [score[i] for i in best]
    axes.step([*x, max(cost)], [*y, y[-1]], where="post", **FRONTIER)
