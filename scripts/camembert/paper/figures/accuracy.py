"""Figures of accuracy: language by language, and layer by layer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from camembert.core.files import read_json
from camembert.paper.answers import (
    NAIVE_BAYES,
    RETRIEVAL_BASELINE,
    AnswerTable,
    ComparedModel,
    find_teacher,
    select_model,
)
from camembert.paper.figures.style import ZERO, add_legend, drawing, outline, spread_slots, style_models
from camembert.plan.sources import ENGLISH

OTHERS: Mapping[str, Any] = {"linestyle": "none", "color": "0.35", "markersize": 5, "markeredgewidth": 0.8}
OTHERS_MARKERS = ["1", "2", "3", "4", "+", "x"]  # thin, so that those of one place can be told apart
EDGE = 0.42  # of a slot: right of our own models


def draw_accuracy_by_language(
    evaluation: AnswerTable, models: Sequence[ComparedModel], stem: Path, published: pd.DataFrame | None = None
) -> None:
    """Draws each model's accuracy in each language (mean and standard deviation over runs), and its average.

    English comes first, the other languages by falling accuracy of the first teacher, the average last and apart.
    What others published (see `read_published`), and baselines, are drawn in grey at the right of a slot.
    """
    teacher = evaluation.select_runs(find_teacher(models)).mean()
    languages = sorted(evaluation.languages, key=lambda language: (language != ENGLISH, -teacher[language]))
    columns = [*languages, "average"]
    positions = np.append(np.arange(len(languages)), len(languages) + 0.5)
    styles = style_models(models)
    with drawing(stem, 4.0) as grid:
        axes = grid[0, 0]
        for model, offset in zip(models, spread_slots(len(models)), strict=True):
            runs = 100 * evaluation.select_runs(model)[columns]
            look = {"linestyle": "none", "elinewidth": 0.8, "zorder": 3} | styles[model]
            axes.errorbar(positions + offset, runs.mean(), yerr=runs.std(), **look)
        beside = [] if published is None else published.to_dict("records")
        for baseline in filter(evaluation.has, (NAIVE_BAYES, RETRIEVAL_BASELINE)):  # the majority is at chance
            beside.append(evaluation.select_runs(baseline).mean().to_dict() | {"label": baseline.label})
        others: list[Line2D] = []
        for row, sign in zip(beside, cycle(OTHERS_MARKERS)):
            values = [100 * row[column] for column in columns]
            others += axes.plot(positions + EDGE, values, label=row["label"], marker=sign, **OTHERS)
        for position in positions[::2]:
            axes.axvspan(position - 0.5, position + 0.5, color="0.94", linewidth=0, zorder=0)
        axes.set_xticks(positions, columns)
        axes.set_xlim(positions[0] - 0.5, positions[-1] + 0.5)
        axes.tick_params(axis="x", length=0)
        chance = 100 * evaluation.chance
        axes.axhline(chance, **ZERO)
        place = {"transform": axes.get_yaxis_transform(), "va": "center", "color": "0.3", "zorder": 4}
        axes.text(0.005, chance, "chance", path_effects=outline(3), **place)
        low, high = axes.get_ylim()
        axes.set_ylim(max(low, -3), min(high, 103))  # bars of a large spread may reach where no accuracy can be
        axes.set_xlabel("Language")
        axes.set_ylabel("Accuracy (%), mean ± SD of runs")
        add_legend(axes, styles, *others, columns=2 if others else 3)


def read_layers(paths: Iterable[Path]) -> pd.DataFrame:
    """Reads the metrics of `retrieve_layers`.

    Returns:
        A row an encoder, layer (0: embeddings) and language: recipe, chain, run, layer, language, accuracy (a share).
    """
    rows = []
    for facts in map(read_json, paths):
        which = {name: facts[name] for name in ("recipe", "chain", "run")}
        for language, shares in facts["accuracy_by_layer"].items():
            rows += [which | {"layer": int(k), "language": language, "accuracy": own} for k, own in shares.items()]
    return pd.DataFrame(rows)


def draw_layers(layers: pd.DataFrame, models: Sequence[ComparedModel], stem: Path) -> None:
    """Draws the accuracy of retrieval (see `read_layers`), averaged over languages and runs, against the layer read."""
    styles = style_models(models)
    with drawing(stem, 3.4) as grid:
        axes = grid[0, 0]
        for model in models:
            means = 100 * select_model(layers, model).groupby("layer")["accuracy"].mean()
            axes.plot(means.index, means, **styles[model])
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("Layer")
        axes.set_ylabel("Retrieval, average of languages and runs (%)")
        axes.set_ylim(bottom=0)
        add_legend(axes, styles, linestyle="-")
