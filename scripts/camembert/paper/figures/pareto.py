"""Accuracy against cost: which models no other one beats in both."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from numpy.typing import ArrayLike
from scipy.optimize import isotonic_regression

from camembert.paper.figures.style import STYLE, WIDTH, Style, legend, marker, save, styles_of
from camembert.paper.statistics import Model
from camembert.plan.chain import Method

SCORES = {
    "average": "Average accuracy (%)\nand 95 % interval",
    "probe": "Zero-shot probe (%)\nand 95 % interval",
    "retrieval": "Average retrieval (%)\nand 95 % interval",
}
"""Columns of the summary that have a row of panels each, where there is anything in them; labels of their axes."""
ROUNDING = 0.005
"""Budgets are written with three digits, so that equal compute is equal but for this share."""
NEAR, FAR, OFF, LINE = 0.22, 0.6, 0.05, 0.052
"""Of labels, as shares of a panel: points of one stack, where it stands on the left, its distance, a line's height."""
MOST_LABELS = 12
"""Of more models, as in an ablation, labels would hide the points; the legend tells them apart."""
FRONTIER: dict[str, Any] = {"color": "0.45", "linewidth": 0.9, "linestyle": "-", "zorder": 1}


class Cost(NamedTuple):
    """One column of panels.

    Attributes:
        column: of the efficiency table.
        scale: what it is multiplied by.
        label: of the axis.
        of_teacher: whether the teacher has such a cost.
        uncertain: the column with the spread of a measured cost, as a share of it; None where the cost is exact.
        rounding: share by which costs may differ that are meant to be equal.
    """

    column: str
    scale: float
    label: str
    of_teacher: bool = True
    uncertain: str | None = None
    rounding: float = 0.0


def costs_at(tokens: int) -> list[Cost]:
    """The columns of panels; latency is of a sentence of so many tokens."""
    return [
        Cost("parameters", 1e-6, "Parameters (millions)"),
        Cost(f"latency_ms_{tokens}", 1, f"Latency, {tokens} tokens (ms)", uncertain=f"latency_spread_{tokens}"),
        Cost("training_flops", 1e-12, "Training after the teacher's (TFLOP)", of_teacher=False, rounding=ROUNDING),
    ]


def frontier(cost: ArrayLike, score: ArrayLike, uncertain: ArrayLike = 0.0) -> list[int]:
    """The points that no other one beats, from cheap to dear: each is better than all that cost no more.

    Args:
        cost: of each point.
        score: of each point, the higher the better.
        uncertain: what two costs must differ by to be different, as a share of each cost.
    """
    costs, scores = np.asarray(cost, dtype=float), np.asarray(score)
    margin = costs * np.broadcast_to(uncertain, costs.shape)
    order = np.argsort(costs, kind="stable")
    level = np.zeros(len(costs), dtype=int)
    first = order[0]
    for before, i in pairwise(order):
        dearer = costs[i] - costs[first] > max(margin[i], margin[first])
        level[i] = level[before] + dearer
        first = i if dearer else first
    best: list[int] = []
    for i in np.lexsort((costs, -scores, level)).tolist():
        if not best or scores[i] > scores[best[-1]]:
            best.append(i)
    return best


def see_through(style: Style) -> dict[str, Any]:
    """A model's marker with a clear edge and a pale face, so that those on top of one another can all be seen."""
    look = marker(style)
    pale = {"markerfacecolor": to_rgba(style.colour, 0.25), "markerfacecoloralt": "none"}
    return look | pale | {"markeredgecolor": style.colour, "markeredgewidth": 1.0}


def spread_out(places: ArrayLike, gap: float) -> np.ndarray:
    """The places nearest to those given (least squares) that keep their order and are a gap apart."""
    wanted = np.asarray(places, dtype=float)
    order, shift = np.argsort(wanted, kind="stable"), gap * np.arange(len(wanted))
    apart = np.empty_like(wanted)
    apart[order] = isotonic_regression(wanted[order] - shift).x + shift
    return apart


def label_points(axes: Axes, x: np.ndarray, y: np.ndarray, models: Sequence[Model], colours: Sequence[str]) -> None:
    """Writes beside points their chains, or recipes where chains have several, in stacks where points are close."""
    chains = [model.chain for model in models]
    names = {model: model.chain if chains.count(model.chain) == 1 else model.recipe for model in models}
    (left_end, right_end), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    places = np.column_stack([(x - left_end) / (right_end - left_end), (y - bottom) / (top - bottom)])
    order = np.argsort(places[:, 0], kind="stable")
    stacks = [[order[0]]]
    for i in order[1:]:
        if places[i, 0] - places[stacks[-1][0], 0] > NEAR:
            stacks.append([])
        stacks[-1].append(i)
    for stack in stacks:
        left = places[stack[0], 0] > FAR
        side = places[stack, 0].min() - OFF if left else places[stack, 0].max() + OFF
        for i, height in zip(stack, spread_out(places[stack, 1], LINE), strict=True):
            line = {"arrowstyle": "-", "linewidth": 0.4, "color": colours[i], "shrinkA": 1, "shrinkB": 1}
            axes.annotate(
                names[models[i]],
                (x[i], y[i]),
                (side, height),
                textcoords="axes fraction",
                ha="right" if left else "left",
                va="center",
                fontsize=6,
                color=colours[i],
                arrowprops=line,
                path_effects=[withStroke(linewidth=1.5, foreground="white")],
            )


def draw_panel(
    axes: Axes, table: pd.DataFrame, score: str, cost: Cost, styles: dict[Model, Style]
) -> tuple[list[Model], np.ndarray, np.ndarray]:
    """Draws the models at their cost and score, wide intervals first, and the frontier.

    Args:
        axes: where.
        table: scores in percent with their intervals, and costs, by recipe and chain.
        score: column of the score.
        cost: what stands on the other axis; of a teacher that has none, its score is a line.
        styles: of the models.

    Returns:
        The models that stand in the panel, and where.
    """
    shown = [model for model in styles if cost.of_teacher or model.method is not Method.TEACHER]
    rows = table.loc[[(model.recipe, model.chain) for model in shown]]
    x, y = cost.scale * rows[cost.column].to_numpy(), rows[score].to_numpy()
    bars = np.abs(rows[[f"{score}_low", f"{score}_high"]].to_numpy().T - y)
    widest_first = np.argsort(-np.nan_to_num(bars.sum(axis=0)), kind="stable")
    for i, cap in zip(widest_first, np.linspace(1.5, 5, len(shown)), strict=True):
        style = styles[shown[i]]
        axes.errorbar([x[i]], [y[i]], yerr=bars[:, [i]], elinewidth=0.8, capsize=cap, **see_through(style))
    best = frontier(x, y, rows[cost.uncertain].to_numpy() if cost.uncertain else cost.rounding)
    axes.step([*x[best], max(x)], [*y[best], y[best[-1]]], where="post", **FRONTIER)
    for model in set(styles) - set(shown):
        level = table[score].to_dict()[model.recipe, model.chain]
        axes.axhline(level, color=styles[model].colour, linestyle=(0, (4, 3)), zorder=0)
        axes.text(1.01, level, "teacher", transform=axes.get_yaxis_transform(), ha="left", va="center")
    axes.set_xlabel(cost.label)
    axes.margins(x=0.1)
    return shown, x, y


def draw_pareto(
    summary: pd.DataFrame, efficiency: pd.DataFrame, models: Sequence[Model], tokens: int, stem: Path
) -> None:
    """Draws scores (averages over languages, with their intervals) against three costs, and the frontiers.

    Training compute is what was spent after the teacher was there, so the teacher is a line there and takes no part;
    alone it has no such panel.

    Args:
        summary: the summary table (shares); a row of panels for each of `SCORES` that it has.
        efficiency: the efficiency table.
        models: of the experiment.
        tokens: length at which latency is shown.
        stem: path of the figure without its ending.
    """
    index = ["recipe", "chain"]
    scores = [score for score in SCORES if score in summary and summary[score].notna().any()]
    columns = [f"{score}{end}" for score in scores for end in ("", "_low", "_high")]
    table = summary.set_index(index)[columns].mul(100)
    table = table.join(efficiency.set_index(index), validate="one_to_one")
    styles = styles_of(models)
    costs = [
        cost for cost in costs_at(tokens) if cost.of_teacher or any(m.method is not Method.TEACHER for m in models)
    ]
    with mpl.rc_context(dict(STYLE)):
        figure = Figure(figsize=(WIDTH, 0.8 + 2.4 * len(scores)))
        grid = figure.subplots(len(scores), len(costs), sharex="col", sharey="row", squeeze=False)
        for score, row in zip(scores, grid, strict=True):
            drawn = [draw_panel(axes, table, score, cost, styles) for cost, axes in zip(costs, row, strict=True)]
            for axes, (shown, x, y) in zip(row, drawn, strict=True):
                if len(styles) <= MOST_LABELS:
                    label_points(axes, x, y, shown, [styles[model].colour for model in shown])
                axes.label_outer()
            row[0].set_ylabel(SCORES[score])
        keys = [
            Line2D([], [], label=model.label, linestyle="none", **see_through(style)) for model, style in styles.items()
        ]
        legend(figure, [*keys, Line2D([], [], label="Pareto frontier", **FRONTIER)])
        save(figure, stem)
