"""Figure of the readings: how far a difference between two models depends on how retrieval is read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import wrap
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from camembert.paper.figures.style import STYLE, WIDTH, legend, save
from camembert.paper.statistics import RETRIEVAL, ResultsError
from camembert.plan.chain import Method
from camembert.plan.comparisons import Contrast
from camembert.plan.readings import Direction, Reading

MOST_PANELS = 3
TITLE_WIDTH = 26
"""Letters a line of a panel's title."""
LOOKS: Mapping[Direction, Mapping[str, Any]] = {
    Direction.INTO_ENGLISH: {"label": "into English", "color": "#0072B2", "marker": "o", "fillstyle": "full"},
    Direction.FROM_ENGLISH: {"label": "from English", "color": "#D55E00", "marker": "s", "fillstyle": "none"},
}
SHIFT = {Direction.INTO_ENGLISH: -0.15, Direction.FROM_ENGLISH: 0.15}


def retrieval_readings(comparisons: pd.DataFrame, stem: Path) -> None:
    """Draws the difference of two models with its 95 % interval, a line a reading, a panel a pair.

    The pairs are those of cascades, but for the encoder from scratch, which is far below in every reading, and those
    that the config names; where there are none, the first ones.

    Args:
        comparisons: the table of the comparisons (shares).
        stem: path of the figure without its ending.

    Raises:
        ResultsError: no pair is compared in retrieval.
    """
    own = comparisons[(comparisons["task"] == RETRIEVAL) & (comparisons["language"] == "average")]
    chosen = own[(own["first_method"] == Method.CASCADE) | (own["contrast"] == Contrast.OTHER)]
    chosen = chosen[chosen["contrast"] != Contrast.SCRATCH_EQUAL_COMPUTE]
    pairs = list((own if chosen.empty else chosen).groupby(["first_label", "second_label"], sort=False))[:MOST_PANELS]
    if not pairs:
        raise ResultsError("no two models are compared in retrieval, so that there is nothing to draw")
    titles = list(dict.fromkeys(Reading.parse(name).title for name in own["reading"]))
    leads = Reading.parse(own.loc[own["leads"], "reading"].iloc[0]).title
    with mpl.rc_context(dict(STYLE)):
        figure = Figure(figsize=(WIDTH, 1.2 + 0.26 * len(titles)))
        grid = figure.subplots(1, len(pairs), squeeze=False, sharey=True)[0]
        for axes, ((first, second), rows) in zip(grid, pairs, strict=True):
            axes.axvline(0, color="0.3", linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
            for row in rows.to_dict("records"):
                reading = Reading.parse(row["reading"])
                points, low, high = (100 * row[name] for name in ("difference", "low", "high"))
                look = {name: value for name, value in LOOKS[reading.direction].items() if name != "label"}
                place = titles.index(reading.title) + SHIFT[reading.direction]
                reach = None if pd.isna(low) else [[points - low], [high - points]]
                axes.errorbar(points, place, xerr=reach, linestyle="none", elinewidth=0.8, markersize=3.6, **look)
            axes.set_title("\n".join([str(first), *wrap(f"minus {second}", TITLE_WIDTH)]))
            axes.set_xlabel("Points of retrieval")
            axes.set_ylim(len(titles) - 0.5, -0.5)
            axes.tick_params(axis="y", length=0)
            for row_number in range(0, len(titles), 2):
                axes.axhspan(row_number - 0.5, row_number + 0.5, color="0.94", linewidth=0, zorder=0)
        grid[0].set_yticks(range(len(titles)), titles)
        grid[0].get_yticklabels()[titles.index(leads)].set_fontweight("bold")
        legend(figure, [Line2D([], [], linestyle="none", markersize=4, **look) for look in LOOKS.values()])
        save(figure, stem)
