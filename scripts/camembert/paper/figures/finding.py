"""Figure of the finding: what is between cascades and direct students, in every way it was measured."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from textwrap import wrap
from typing import Any

import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from camembert.paper.figures.style import COLUMN, WIDTH, ZERO, drawing, shade_rows
from camembert.paper.statistics import PROBE, RETRIEVAL, ResultsError
from camembert.plan.comparisons import QUESTIONS
from camembert.plan.readings import CENTRED, Direction, Reading

MOST_COLUMNS = 3
TITLE_WIDTH = 30
"""Letters a line of a panel's title, at column width."""
LOOKS: Mapping[Direction | None, Mapping[str, Any]] = {
    None: {"label": "task", "color": "#000000", "marker": "D", "fillstyle": "full"},
    Direction.INTO_ENGLISH: {"label": "into English", "color": "#0072B2", "marker": "o", "fillstyle": "full"},
    Direction.FROM_ENGLISH: {"label": "from English", "color": "#D55E00", "marker": "s", "fillstyle": "none"},
}
SHIFT = {None: 0.0, Direction.INTO_ENGLISH: -0.2, Direction.FROM_ENGLISH: 0.2}


def draw_finding(comparisons: pd.DataFrame, stem: Path) -> None:
    """Draws the difference of two models with its 95 % interval, a row an evaluation and reading, a panel a pair.

    The pairs are cascades with the direct students of equal compute, and those that the config names.

    Args:
        comparisons: the table of the comparisons (shares).
        stem: path of the figure without its ending.

    Raises:
        ResultsError: there is no such pair.
    """
    own = comparisons[(comparisons["language"] == "average") & comparisons["contrast"].isin(QUESTIONS)]
    pairs = list(own.groupby(["first_label", "second_label"], sort=False))
    if not pairs:
        raise ResultsError("no cascade is compared at equal compute, and the config names no pair")
    places = list(dict.fromkeys(_place(row)[:2] for row in own.to_dict("records")))
    names = [each for group in dict.fromkeys(group for group, _ in places) for each in _rows_of(group, places)]
    columns = min(MOST_COLUMNS, len(pairs))
    lines = math.ceil(len(pairs) / columns)
    letters = TITLE_WIDTH if columns == 1 else 2 * TITLE_WIDTH // columns
    height, width = lines * (0.75 + 0.27 * len(names)) + 0.25, WIDTH if columns > 1 else COLUMN
    with drawing(stem, height, lines, columns, width, sharey=True) as grid:
        for axes in grid.flat[len(pairs) :]:
            axes.remove()
        for axes, ((first, second), rows) in zip(grid.flat, pairs, strict=False):
            axes.axvline(0, **ZERO)
            for row in rows.to_dict("records"):
                group, name, direction = _place(row)
                _draw(axes, row, names.index((group, name)) + SHIFT[direction], LOOKS[direction])
            axes.set_title("\n".join([*wrap(str(first), letters), *wrap(f"minus {second}", letters)]))
            axes.set_xlabel("Points of accuracy, 95 % interval")
            axes.margins(x=0.2)
            shade_rows(axes, len(names))
            axes.set_yticks(range(len(names)), [name or group for group, name in names])
        for axes in grid[:, 0]:
            _mark(axes, names, own)
        keys = [dict(look) | {"linestyle": "none", "markersize": 4} for key, look in LOOKS.items() if key]
        if (own["task"] == RETRIEVAL).any():
            grid[0, 0].figure.legend(
                handles=[Line2D([], [], **key) for key in keys], loc="outside upper center", ncols=2
            )


def _place(row: Mapping[Any, Any]) -> tuple[str, str, Direction | None]:
    """The evaluation that a row belongs to, its line there (none where there is only one), and its direction."""
    if row["task"] == RETRIEVAL:
        reading = Reading.parse(row["reading"])
        pooling, _, similarity = reading.title.partition(", ")
        return f"Retrieval, {pooling}", similarity, reading.direction
    name = "Linear probe" if row["task"] == PROBE else str(row["task"])
    return (f"{name}, centred" if row["reading"] == CENTRED else name), "", None


def _rows_of(group: str, places: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The rows of an evaluation: its title above its lines, or the title alone."""
    own = [place for place in places if place[0] == group]
    return own if own == [(group, "")] else [(group, ""), *own]


def _draw(axes: Any, row: Mapping[Any, Any], y: float, look: Mapping[str, Any]) -> None:
    """A point, its interval and, right of both, its value."""
    points, low, high = (100 * row[name] for name in ("difference", "low", "high"))
    reach = None if math.isnan(low) else [[points - low], [high - points]]
    axes.errorbar(points, y, xerr=reach, linestyle="none", elinewidth=0.8, markersize=3.6, **look)
    end = points if reach is None else high
    place = {"textcoords": "offset points", "va": "center", "fontsize": 6.5, "color": look["color"]}
    halo = [withStroke(linewidth=2, foreground="white")]
    axes.annotate(f"{round(points, 1) + 0:+.1f}", (end, y), (3.5, 0), path_effects=halo, **place)


def _mark(axes: Any, names: list[tuple[str, str]], own: pd.DataFrame) -> None:
    """Bold are the readings that lead, italic the titles above several lines."""
    leading = {_place(row)[:2] for row in own[own["leads"]].to_dict("records")}
    for label, name in zip(axes.get_yticklabels(), names, strict=True):
        if name in leading:
            label.set_fontweight("bold")
        elif not name[1] and sum(group == name[0] for group, _ in names) > 1:
            label.set_fontstyle("italic")
