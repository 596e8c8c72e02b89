"""Figures of differences: between cascades and direct students in every reading, and between recipes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from textwrap import wrap
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from camembert.paper.answers import PROBE, RETRIEVAL
from camembert.paper.figures.style import COLUMN_WIDTH, WIDTH, ZERO, drawing, shade_rows, style_method
from camembert.plan.chain import Method
from camembert.plan.experiment import QUESTIONS
from camembert.plan.readings import CENTRED, Direction, Reading

MOST_COLUMNS = 3
TITLE_WIDTH = 30
"""Letters a line of a panel's title, at column width."""
VALUES_AT = 20
"""Where the column of values ends: points right of the panel."""
DIRECTIONS: Mapping[Direction | None, tuple[float, Mapping[str, Any]]] = {
    None: (0.0, {"label": "task", "color": "#000000", "marker": "D", "fillstyle": "full"}),
    Direction.INTO_ENGLISH: (
        -0.2, {"label": "into English", "color": "#0072B2", "marker": "o", "fillstyle": "full"}
    ),
    Direction.FROM_ENGLISH: (
        0.2, {"label": "from English", "color": "#D55E00", "marker": "s", "fillstyle": "none"}
    ),
}  # fmt: skip
"""How far below the middle of its row a point is, and its look."""
ABLATION_PANELS = {"average": "All languages", "zero_shot": "Other languages (zero-shot)", "retrieval": "Retrieval"}


def draw_finding(comparisons: pd.DataFrame, stem: Path) -> None:
    """Draws the difference of two models with its 95 % interval, a row an evaluation and reading, a panel a pair.

    The pairs are cascades with the direct students of equal compute, and those that the config names.
    """
    own = comparisons[(comparisons["language"] == "average") & comparisons["contrast"].isin(QUESTIONS)]
    pairs = list(own.groupby(["first_label", "second_label"], sort=False))
    rows = _order_rows(own)
    columns = min(MOST_COLUMNS, len(pairs))
    lines = math.ceil(len(pairs) / columns)
    letters = TITLE_WIDTH if columns == 1 else 2 * TITLE_WIDTH // columns
    height, width = lines * (0.75 + 0.27 * len(rows)) + 0.25, WIDTH if columns > 1 else COLUMN_WIDTH
    with drawing(stem, height, lines, columns, width, sharey=True) as grid:
        for axes in grid.flat[len(pairs) :]:
            axes.remove()
        for axes, ((first, second), differences) in zip(grid.flat, pairs, strict=False):
            axes.axvline(0, **ZERO)
            for row in differences.to_dict("records"):
                group, name, direction = _place(row)
                shift, look = DIRECTIONS[direction]
                _draw_difference(axes, row, rows.index((group, name)) + shift, look)
            axes.set_title("\n".join([*wrap(str(first), letters), *wrap(f"minus {second}", letters)]))
            axes.set_xlabel("Points of accuracy, 95 % interval")
            axes.margins(x=0.08)
            shade_rows(axes, len(rows))
            axes.set_yticks(range(len(rows)), [name or group for group, name in rows])
        leading = {_place(row)[:2] for row in own[own["leads"]].to_dict("records")}
        for axes in grid[:, 0]:
            for label, line in zip(axes.get_yticklabels(), rows, strict=True):
                if line in leading:
                    label.set_fontweight("bold")
                elif not line[1] and sum(group == line[0] for group, _ in rows) > 1:
                    label.set_fontstyle("italic")  # the title of several lines
        drawn = {_place(row)[2] for row in own.to_dict("records")} - {None}
        if drawn:
            looks = [DIRECTIONS[one][1] for one in Direction if one in drawn]
            keys = [Line2D([], [], linestyle="none", markersize=4, **look) for look in looks]
            grid[0, 0].figure.legend(handles=keys, loc="outside upper center", ncols=2)


def _place(row: Mapping[Any, Any]) -> tuple[str, str, Direction | None]:
    """The evaluation that a row belongs to, its line there (none where there is only one), and its direction."""
    if row["task"] == RETRIEVAL:
        reading = Reading.parse(row["reading"])
        pooling, _, similarity = reading.title.partition(", ")
        return f"Retrieval, {pooling}", similarity, reading.direction
    name = "Linear probe" if row["task"] == PROBE else f"Fine-tuned on {row['task']}"
    return (f"{name}, centred" if row["reading"] == CENTRED else name), "", None


def _order_rows(comparisons: pd.DataFrame) -> list[tuple[str, str]]:
    """The rows of the figure, evaluation by evaluation: its title above its lines, or the title alone."""
    lines: dict[str, list[tuple[str, str]]] = {}
    for row in comparisons.to_dict("records"):
        group, name, _ = _place(row)
        lines.setdefault(group, [(group, "")])
        if (group, name) not in lines[group]:
            lines[group].append((group, name))
    return [line for own in lines.values() for line in own]


def _draw_difference(axes: Axes, row: Mapping[Any, Any], y: float, look: Mapping[str, Any]) -> None:
    """A point, its interval and, in a column on the right, its value."""
    points, low, high = (100 * row[name] for name in ("difference", "low", "high"))
    bars = None if math.isnan(low) else [[points - low], [high - points]]
    axes.errorbar(points, y, xerr=bars, linestyle="none", elinewidth=0.8, markersize=3.6, **look)
    place: dict[str, Any] = {
        "xycoords": axes.get_yaxis_transform(),
        "textcoords": "offset points",
        "ha": "right",
        "va": "center",
    }
    axes.annotate(f"{round(points, 1) + 0:+.1f}", (1, y), (VALUES_AT, 0), fontsize=6.5, color=look["color"], **place)


def draw_ablation(numbers: pd.DataFrame, stem: Path) -> None:
    """Draws accuracy with its 95 % interval, a line a chain and recipe, a panel an average.

    A dotted line is where the chain's first recipe is, which the others are compared with.
    """
    panels = [column for column in ABLATION_PANELS if column in numbers]
    chains = numbers.reset_index(drop=True).groupby("chain", sort=False).indices
    with drawing(stem, 0.9 + 0.24 * len(numbers), 1, len(panels), sharey=True) as (grid,):
        for axes, column in zip(grid, panels, strict=True):
            mean, low, high = (100 * numbers[f"{column}{end}"].to_numpy() for end in ("", "_low", "_high"))
            for number, own in enumerate(chains.values()):
                if number % 2:
                    axes.axhspan(own[0] - 0.5, own[-1] + 0.5, color="0.94", linewidth=0, zorder=0)
                axes.vlines(mean[own[0]], own[0], own[-1] + 0.5, color="0.5", linewidth=0.8, linestyle=":", zorder=1)
            for y, method in enumerate(numbers["method"]):
                bars = None if np.isnan(low[y]) else [[mean[y] - low[y]], [high[y] - mean[y]]]
                look = {"linestyle": "none", "elinewidth": 0.8, "zorder": 3} | style_method(Method(method))
                axes.errorbar(mean[y], y, xerr=bars, **look)
            axes.set_yticks(range(len(numbers)), numbers["recipe"])
            axes.set_ylim(len(numbers) - 0.5, -0.5)
            axes.tick_params(axis="y", length=0)
            axes.set_title(ABLATION_PANELS[column])
            axes.set_xlabel("Accuracy (%) and 95 % interval")
        if len(chains) > 1:
            for chain, own in chains.items():
                place = {"transform": grid[-1].get_yaxis_transform(), "va": "center", "rotation": 270}
                grid[-1].text(1.02, np.mean(own), chain, **place)
