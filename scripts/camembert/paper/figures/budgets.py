"""Figure of the budgets: what more training brings to cascades and to direct students."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes

from camembert.paper.figures.pareto import SCORES, spread_out
from camembert.paper.figures.style import COLOURS, COLUMN, MARKERS, Style, drawing, marker
from camembert.plan.chain import Method

LINE = 0.1
"""Height of a name at the end of a line, as a share of a panel."""


def draw_budgets(numbers: pd.DataFrame, stem: Path) -> None:
    """Draws scores over the FLOPs of training after the teacher: a line a way to a depth, its intervals as a band.

    Args:
        numbers: the table of the budgets (shares).
        stem: path of the figure without its ending.
    """
    scores = [score for score in SCORES if score in numbers and numbers[score].notna().any()]
    numbers = numbers.assign(compute=1e-12 * numbers["training_flops"])
    longest = max((list(own["compute"]) for _, own in numbers.groupby(["recipe", "way"], sort=False)), key=len)
    with drawing(stem, 0.6 + 1.9 * len(scores), len(scores), 1, COLUMN, sharex=True) as grid:
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
    drawn: dict[Method, int] = {}
    ends = []
    for (recipe, way), own in numbers.groupby(["recipe", "way"], sort=False):
        kind = Method.CASCADE if own["cascade"].all() else Method.DIRECT_LONGER
        nth = drawn[kind] = drawn.get(kind, -1) + 1
        style = Style(COLOURS[kind], MARKERS[kind], "full" if nth == 0 else "none")
        x, (y, low, high) = own["compute"], (100 * own[f"{score}{end}"] for end in ("", "_low", "_high"))
        axes.fill_between(x, low, high, color=style.colour, alpha=0.18, linewidth=0)
        bars = [y - low, high - y] if len(own) == 1 else None
        axes.errorbar(x, y, yerr=bars, elinewidth=0.8, linestyle="-", **marker(style))
        name = f"{'cascade' if kind is Method.CASCADE else 'direct'} {way}"
        name += f", {recipe}" if numbers["recipe"].nunique() > 1 else ""
        ends.append((x.iloc[-1], y.iloc[-1], name, style.colour))
    bottom, top = axes.get_ylim()
    heights = spread_out([(y - bottom) / (top - bottom) for _, y, _, _ in ends], LINE)
    for (x, y, name, colour), height in zip(ends, heights, strict=True):
        place = ("offset points", "axes fraction")
        axes.annotate(name, (x, y), (6, height), textcoords=place, va="center", color=colour)
