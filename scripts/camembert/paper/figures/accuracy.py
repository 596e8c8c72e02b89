"""Figures of accuracy: by language, and along the cascade."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from camembert.paper.figures.style import (
    DASHES,
    STYLE,
    WIDTH,
    chance,
    key,
    legend,
    offsets,
    points,
    save,
    slots,
    styles_of,
)
from camembert.paper.statistics import (
    ENGLISH,
    Model,
    averages,
    by_classifier,
    runs_of,
    spread,
    teacher_of,
)
from camembert.plan.chain import Method, parse_chain

PUBLISHED: Mapping[str, Any] = {"linestyle": "none", "color": "0.35", "markersize": 5, "markeredgewidth": 0.8}
PUBLISHED_MARKERS = ["1", "2", "3", "4", "+", "x"]  # thin, so that those of one place can be told apart
EDGE = 0.42  # of a slot: right of our own models
ACCURACY = "Accuracy (%), mean ± SD of runs"


def accuracy_by_language(accuracy: pd.DataFrame, order: Sequence[Model], published: pd.DataFrame, stem: Path) -> None:
    """Draws each model's accuracy in each language (mean and standard deviation over runs), and its average.

    English comes first, the other languages by falling accuracy of the first teacher, the average last and apart.
    What others published is drawn in grey, at the right of a slot.

    Args:
        accuracy: the tidy table of accuracies (shares).
        order: the plan.
        published: rows of others, see `read_published`.
        stem: path of the figure without its ending.
    """
    wide = by_classifier(accuracy)
    languages = _languages_by_teacher(wide, order)
    positions = np.append(np.arange(len(languages)), len(languages) + 0.5)
    with mpl.rc_context(dict(STYLE)):
        figure = Figure(figsize=(WIDTH, 4.0))
        axes = figure.subplots()
        styles = styles_of(order)
        for model, offset in zip(order, offsets(len(order)), strict=True):
            runs = 100 * runs_of(wide, model)[languages]
            spreads = [spread(runs[language]) for language in languages] + [spread(runs.mean(axis=1))]
            points(axes, positions + offset, spreads, styles[model])
        others: list[Line2D] = []
        for row, sign in zip(published.to_dict("records"), cycle(PUBLISHED_MARKERS)):
            values = [100 * row[column] for column in [*languages, "average"]]
            others += axes.plot(positions + EDGE, values, label=row["label"], marker=sign, **PUBLISHED)
        slots(axes, positions.tolist(), [*languages, "average"])
        chance(axes)
        axes.set_xlabel("Language")
        axes.set_ylabel(ACCURACY)
        legend(figure, [key(model, style) for model, style in styles.items()] + others, columns=2 if others else 3)
        save(figure, stem)


def accuracy_along_cascade(accuracy: pd.DataFrame, order: Sequence[Model], stem: Path) -> None:
    """Draws accuracy against depth, the teacher left; a line joins each cascade from teacher to student.

    Two panels: English, and the average of the other languages (mean and standard deviation over runs). A panel
    without languages is left out. Depths are evenly spaced.

    Args:
        accuracy: the tidy table of accuracies (shares).
        order: the plan.
        stem: path of the figure without its ending.
    """
    scores = 100 * averages(accuracy)
    titles = {"english": "English", "zero_shot": "Average of the other languages (zero-shot)"}
    panels = [column for column in titles if scores[column].notna().any()]
    depths = sorted({model.layers for model in order}, reverse=True)
    at_depth = {depth: [model for model in order if model.layers == depth] for depth in depths}
    x = {
        model: depths.index(depth) + offset
        for depth, models in at_depth.items()
        for model, offset in zip(models, offsets(len(models)), strict=True)
    }
    with mpl.rc_context(dict(STYLE)):
        figure = Figure(figsize=(WIDTH, 3.4))
        styles = styles_of(order)
        for axes, column in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
            spreads = {model: spread(runs_of(scores, model)[column]) for model in order}
            for cascade in (model for model in order if model.method is Method.CASCADE):
                path = _lineage(cascade, order)
                axes.plot(
                    [x[model] for model in path],
                    [spreads[model].mean for model in path],
                    color=styles[cascade].colour,
                    linestyle=DASHES[styles[cascade].filling],
                    zorder=2,
                )
            for model in order:
                points(axes, np.array([x[model]]), [spreads[model]], styles[model])
            slots(axes, range(len(depths)), [str(depth) for depth in depths])
            axes.set_title(titles[column])
            axes.set_xlabel("Encoder layers")
            axes.set_ylabel(ACCURACY)
        joined = {model: DASHES[style.filling] for model, style in styles.items() if model.method is Method.CASCADE}
        legend(figure, [key(model, style, joined.get(model, "none")) for model, style in styles.items()])
        save(figure, stem)


def _languages_by_teacher(wide: pd.DataFrame, order: Sequence[Model]) -> list[str]:
    teacher = runs_of(wide, teacher_of(order[0], order)).mean()
    ranked = teacher.sort_values(ascending=False, kind="stable").index
    return sorted(ranked, key=lambda language: language != ENGLISH)


def _lineage(cascade: Model, order: Sequence[Model]) -> list[Model]:
    """The models a cascade went through, its root first; only what was distilled belongs to one recipe."""
    return [
        model
        for link in parse_chain(cascade.chain).ancestry
        for model in order
        if model.chain == str(link) and (model.recipe == cascade.recipe or not link.is_distilled)
    ]
