"""Figure of the ablation: every chain under every recipe."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from camembert.paper.figures.style import COLOURS, MARKERS, Style, drawing, marker
from camembert.plan.chain import Method

TITLES = {"average": "All languages", "zero_shot": "Other languages (zero-shot)", "retrieval": "Retrieval"}


def ablation(numbers: pd.DataFrame, stem: Path) -> None:
    """Draws accuracy with its 95 % interval, a line a chain and recipe, a panel an average.

    A dotted line is where the chain's first recipe is, which the others are compared with.

    Args:
        numbers: the table of the ablation.
        stem: path of the figure without its ending.
    """
    chains = list(numbers["chain"].unique())
    panels = [column for column in TITLES if column in numbers]
    rows = numbers.to_dict("records")
    with drawing(stem, 0.9 + 0.24 * len(rows), 1, len(panels), sharey=True) as (grid,):
        for axes, column in zip(grid, panels, strict=True):
            for number, chain in enumerate(chains):
                own = [y for y, row in enumerate(rows) if row["chain"] == chain]
                if number % 2:
                    axes.axhspan(own[0] - 0.5, own[-1] + 0.5, color="0.94", linewidth=0, zorder=0)
                reference = 100 * rows[own[0]][column]
                axes.vlines(reference, own[0], own[-1] + 0.5, color="0.5", linewidth=0.8, linestyle=":", zorder=1)
            for y, row in enumerate(rows):
                method = Method(row["method"])
                mean, low, high = (100 * row[f"{column}{end}"] for end in ("", "_low", "_high"))
                errors = None if np.isnan(low) else [[mean - low], [high - mean]]
                style = marker(Style(COLOURS[method], MARKERS[method], "full"))
                axes.errorbar(mean, y, xerr=errors, linestyle="none", elinewidth=0.8, zorder=3, **style)
            axes.set_yticks(range(len(rows)), [row["recipe"] for row in rows])
            axes.set_ylim(len(rows) - 0.5, -0.5)
            axes.tick_params(axis="y", length=0)
            axes.set_title(TITLES[column])
            axes.set_xlabel("Accuracy (%) and 95 % interval")
        for chain in chains if len(chains) > 1 else []:
            middle = np.mean([y for y, row in enumerate(rows) if row["chain"] == chain])
            place = grid[-1].get_yaxis_transform()
            grid[-1].text(1.02, middle, chain, transform=place, va="center", rotation=270)
