"""Figure of the ablation: every chain under every recipe."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from camembert.paper.figures.style import COLOURS, FILLINGS, MARKERS, STYLE, WIDTH, Style, legend, marker, offsets, save
from camembert.plan.chain import Method

TITLES = {"average": "All languages", "zero_shot": "Without English (zero-shot)", "retrieval": "Retrieval"}


def ablation(numbers: pd.DataFrame, stem: Path) -> None:
    """Draws accuracy of every chain, a marker a recipe with its 95 % interval; a panel an average.

    Args:
        numbers: the table of the ablation.
        stem: path of the figure without its ending.
    """
    chains, recipes = list(numbers["chain"].unique()), list(numbers["recipe"].unique())
    panels = [column for column in TITLES if column in numbers]
    fillings = {recipe: FILLINGS[i % len(FILLINGS)] for i, recipe in enumerate(recipes)}
    with mpl.rc_context(dict(STYLE)):
        figure = Figure(figsize=(WIDTH, 1.2 + 0.22 * len(chains) * max(2, len(recipes))))
        grid = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
        for axes, column in zip(grid, panels, strict=True):
            for i in range(0, len(chains), 2):
                axes.axhspan(i - 0.5, i + 0.5, color="0.94", linewidth=0, zorder=0)
            for recipe, offset in zip(recipes, offsets(len(recipes)), strict=True):
                for row in numbers[numbers["recipe"] == recipe].to_dict("records"):
                    method = Method(row["method"])
                    mean, low, high = (100 * row[f"{column}{end}"] for end in ("", "_low", "_high"))
                    errors = None if np.isnan(low) else [[mean - low], [high - mean]]
                    style = marker(Style(COLOURS[method], MARKERS[method], fillings[recipe]))
                    y = chains.index(row["chain"]) + offset
                    axes.errorbar(mean, y, xerr=errors, linestyle="none", elinewidth=0.8, zorder=3, **style)
            axes.set_yticks(range(len(chains)), chains)
            axes.set_ylim(len(chains) - 0.5, -0.5)
            axes.tick_params(axis="y", length=0)
            axes.set_title(TITLES[column])
            axes.set_xlabel("Accuracy (%) with 95 % interval")
        grid[0].set_ylabel("Chain")
        keys = {recipe: marker(Style("0.3", "o", filling)) for recipe, filling in fillings.items()}
        legend(figure, [Line2D([], [], label=recipe, linestyle="none", **style) for recipe, style in keys.items()])
        save(figure, stem)
