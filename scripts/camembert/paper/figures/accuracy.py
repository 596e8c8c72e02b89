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

from camembert.paper.answers import Results
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
    within_percent,
)
from camembert.paper.statistics import (
    ENGLISH,
    NAIVE_BAYES,
    PROBE,
    RETRIEVAL_BASELINE,
    Model,
    averages,
    by_run,
    name_of_languages,
    present,
    runs_of,
    spread,
    teacher_of,
)
from camembert.plan.chain import Method, parse_chain

PUBLISHED: Mapping[str, Any] = {"linestyle": "none", "color": "0.35", "markersize": 5, "markeredgewidth": 0.8}
PUBLISHED_MARKERS = ["1", "2", "3", "4", "+", "x"]  # thin, so that those of one place can be told apart
EDGE = 0.42  # of a slot: right of our own models
ACCURACY = "Accuracy (%), mean ± SD of runs"


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
    languages = _languages_by_teacher(wide, models)
    positions = np.append(np.arange(len(languages)), len(languages) + 0.5)
    with mpl.rc_context(dict(STYLE)):
        figure = Figure(figsize=(WIDTH, 4.0))
        axes = figure.subplots()
        styles = styles_of(models)
        for model, offset in zip(models, offsets(len(models)), strict=True):
            runs = 100 * runs_of(wide, model)[languages]
            spreads = [spread(runs[language]) for language in languages] + [spread(runs.mean(axis=1))]
            points(axes, positions + offset, spreads, styles[model])
        beside = [] if published is None else published.to_dict("records")
        for baseline in present((NAIVE_BAYES, RETRIEVAL_BASELINE), accuracy):  # the majority is at chance
            means = runs_of(wide, baseline).mean()
            beside.append(means.to_dict() | {"label": baseline.label, "average": means.mean()})
        others: list[Line2D] = []
        for row, sign in zip(beside, cycle(PUBLISHED_MARKERS)):
            values = [100 * row[column] for column in [*languages, "average"]]
            others += axes.plot(positions + EDGE, values, label=row["label"], marker=sign, **PUBLISHED)
        slots(axes, positions.tolist(), [*languages, "average"])
        chance(axes, 100 * at_chance)
        within_percent(axes)
        axes.set_xlabel("Language")
        axes.set_ylabel(ACCURACY)
        legend(figure, [key(model, style) for model, style in styles.items()] + others, columns=2 if others else 3)
        save(figure, stem)


def accuracy_along_cascade(results: Results, models: Sequence[Model], stem: Path) -> None:
    """Draws accuracy against depth, the teacher left; a line joins each cascade from teacher to student.

    Panels: English, the average of the other languages, the probe's and retrieval (mean and standard deviation over
    runs). A panel without accuracies is left out. Depths are evenly spaced.

    Args:
        results: of the task and, where they were evaluated, of probes and of retrieval.
        models: of the experiment.
        stem: path of the figure without its ending.
    """
    panels = _panels(results)
    depths = sorted({model.layers or 0 for model in models}, reverse=True)
    at_depth = {depth: [model for model in models if model.layers == depth] for depth in depths}
    x = {
        model: depths.index(depth) + offset
        for depth, own in at_depth.items()
        for model, offset in zip(own, offsets(len(own)), strict=True)
    }
    with mpl.rc_context(dict(STYLE)):
        figure = Figure(figsize=(WIDTH, 3.4))
        styles = styles_of(models)
        grid = figure.subplots(1, len(panels), squeeze=False)[0]
        for axes, (title, scores) in zip(grid, panels.items(), strict=True):
            spreads = {model: spread(runs_of(scores, model).iloc[:, 0]) for model in models}
            for cascade in (model for model in models if model.method is Method.CASCADE):
                path = _lineage(cascade, models)
                axes.plot(
                    [x[model] for model in path],
                    [spreads[model].mean for model in path],
                    color=styles[cascade].colour,
                    linestyle=DASHES[styles[cascade].filling],
                    zorder=2,
                )
            for model in models:
                points(axes, np.array([x[model]]), [spreads[model]], styles[model])
            slots(axes, range(len(depths)), [str(depth) for depth in depths])
            within_percent(axes)
            axes.set_title(title)
            axes.set_xlabel("Encoder layers")
            axes.set_ylabel(ACCURACY)
        joined = {model: DASHES[style.filling] for model, style in styles.items() if model.method is Method.CASCADE}
        legend(figure, [key(model, style, joined.get(model, "none")) for model, style in styles.items()])
        save(figure, stem)


def _panels(results: Results) -> dict[str, pd.DataFrame]:
    """Titles of the panels, each with one column of percent, a row a run."""
    panels: dict[str, pd.DataFrame] = {}
    for answers in results.evaluations:
        scores = 100 * averages(answers.accuracy, results.trained_on)
        if answers.is_retrieval:
            columns = {"Retrieval": "average"}
        elif answers.task == PROBE:
            columns = {"Linear probe (zero-shot)": "zero_shot"}
        else:
            columns = {name_of_languages(results.trained_on): "english", "Other languages (zero-shot)": "zero_shot"}
        panels |= {title: scores[[column]] for title, column in columns.items() if scores[column].notna().any()}
    return panels


def _languages_by_teacher(wide: pd.DataFrame, models: Sequence[Model]) -> list[str]:
    teacher = runs_of(wide, teacher_of(models[0], models)).mean()
    ranked = teacher.sort_values(ascending=False, kind="stable").index
    return sorted(ranked, key=lambda language: language != ENGLISH)


def _lineage(cascade: Model, models: Sequence[Model]) -> list[Model]:
    """The models a cascade went through, its root first; only what was distilled belongs to one recipe."""
    return [
        model
        for link in parse_chain(cascade.chain).ancestry
        for model in models
        if model.chain == str(link) and (model.recipe == cascade.recipe or not link.is_distilled)
    ]
