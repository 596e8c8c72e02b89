"""Figure of accuracy, language by language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from camembert.paper.figures.style import ZERO, drawing, legend, marker, offsets, styles_of
from camembert.paper.statistics import (
    ENGLISH,
    NAIVE_BAYES,
    RETRIEVAL_BASELINE,
    Model,
    by_run,
    present,
    runs_of,
    spread,
    teacher_of,
)

PUBLISHED: Mapping[str, Any] = {"linestyle": "none", "color": "0.35", "markersize": 5, "markeredgewidth": 0.8}
PUBLISHED_MARKERS = ["1", "2", "3", "4", "+", "x"]  # thin, so that those of one place can be told apart
EDGE = 0.42  # of a slot: right of our own models


def accuracy_by_language(
    accuracy: pd.DataFrame,
    models: Sequence[Model],
    stem: Path,
    at_chance: float,
    published: pd.DataFrame | None = None,
) -> None:
    """Draws each model's accuracy in each language (mean and standard deviation over runs), and its average.

    English comes first, the other languages by falling accuracy of the first teacher, the average last and apart.
    What others published, and baselines, are drawn in grey at the right of a slot.

    Args:
        accuracy: tidy accuracies of one evaluation (shares).
        models: of the experiment.
        stem: path of the figure without its ending.
        at_chance: accuracy of chance (share).
        published: rows of others, see `read_published`.
    """
    wide = by_run(accuracy)
    ranked = runs_of(wide, teacher_of(models[0], models)).mean().sort_values(ascending=False, kind="stable").index
    languages = sorted(ranked, key=lambda language: language != ENGLISH)
    positions = np.append(np.arange(len(languages)), len(languages) + 0.5)
    styles = styles_of(models)
    with drawing(stem, 4.0) as grid:
        axes = grid[0, 0]
        for model, offset in zip(models, offsets(len(models)), strict=True):
            runs = 100 * runs_of(wide, model)[languages]
            spreads = [spread(runs[language]) for language in languages] + [spread(runs.mean(axis=1))]
            look = {"linestyle": "none", "elinewidth": 0.8, "zorder": 3} | marker(styles[model])
            _, levels, deviations = zip(*spreads, strict=True)
            axes.errorbar(positions + offset, levels, yerr=deviations, **look)
        beside = [] if published is None else published.to_dict("records")
        for baseline in present((NAIVE_BAYES, RETRIEVAL_BASELINE), accuracy):  # the majority is at chance
            means = runs_of(wide, baseline).mean()
            beside.append(means.to_dict() | {"label": baseline.label, "average": means.mean()})
        others: list[Line2D] = []
        for row, sign in zip(beside, cycle(PUBLISHED_MARKERS)):
            values = [100 * row[column] for column in [*languages, "average"]]
            others += axes.plot(positions + EDGE, values, label=row["label"], marker=sign, **PUBLISHED)
        for position in positions[::2]:
            axes.axvspan(position - 0.5, position + 0.5, color="0.94", linewidth=0, zorder=0)
        axes.set_xticks(positions, [*languages, "average"])
        axes.set_xlim(positions[0] - 0.5, positions[-1] + 0.5)
        axes.tick_params(axis="x", length=0)
        axes.axhline(100 * at_chance, **ZERO)
        place = {"transform": axes.get_yaxis_transform(), "va": "center", "color": "0.3", "zorder": 4}
        name = axes.text(0.005, 100 * at_chance, "chance", **place)
        name.set_path_effects([withStroke(linewidth=3, foreground="white")])
        low, high = axes.get_ylim()
        axes.set_ylim(max(low, -3), min(high, 103))  # bars of a large spread may reach where no accuracy can be
        axes.set_xlabel("Language")
        axes.set_ylabel("Accuracy (%), mean ± SD of runs")
        legend(axes, styles, *others, columns=2 if others else 3)
