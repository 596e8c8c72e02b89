"""Figure of the training curves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator

from camembert.paper.figures.style import STYLE, WIDTH, key, legend, marker, save, styles_of
from camembert.paper.statistics import Model, ResultsError

HELD_OUT = "held-out"  # the split whose losses are points
BINS = 60  # points of a training curve
MARKS = 6  # markers along it


class Panel(NamedTuple):
    """One panel of the training curves: the column it shows, of which files and lines, and its vertical axis."""

    stage: str
    column: str
    splits: tuple[str, ...]
    label: str
    scale: float
    logarithmic: bool


PANELS = [
    Panel("encoders", "masked_lm", ("train", HELD_OUT), "Masked-LM loss (nats)", 1, False),
    Panel("encoders", "bag_of_words", ("train", HELD_OUT), "Bag-of-words loss (nats)", 1, False),
    Panel("encoders", "hidden", ("train", HELD_OUT), "Hidden-state loss", 1, True),
    Panel("encoders", "hidden_unexplained", ("train", HELD_OUT), "Hidden states, unexplained", 1, True),
    Panel("encoders", "sentence", ("train", HELD_OUT), "Sentence-vector loss", 1, True),
    Panel("encoders", "sentence_unexplained", ("train", HELD_OUT), "Sentence vectors, unexplained", 1, True),
    Panel("encoders", "attention", ("train", HELD_OUT), "Attention loss", 1, True),
    Panel("encoders", "value", ("train", HELD_OUT), "Value-relation loss", 1, True),
    Panel("encoders", "soft_targets", ("train", HELD_OUT), "Soft-target loss (nats)", 1, True),
    Panel("encoders", "cosine", ("train", HELD_OUT), "Cosine loss", 1, True),
    Panel("classifiers", "accuracy", ("dev",), "Dev accuracy (%)", 100, False),
]


def training_curves(curves: pd.DataFrame, models: Sequence[Model], stem: Path) -> None:
    """Draws losses of pre-training and distillation and the dev accuracy of fine-tuning against optimiser steps.

    Every point is a mean over 1 / BINS of the steps and over the runs of a model; held-out losses are points. Of
    unexplained variance 1 is as good as a constant.
    Panels without data are left out.

    Args:
        curves: of `Material`.
        models: of the experiment.
        stem: path of the figure without its ending.

    Raises:
        ResultsError: nothing was trained, so that there is nothing to draw.
    """
    data = {panel: lines for panel in PANELS if not (lines := _lines_of(curves, panel)).empty}
    if not data:
        raise ResultsError("no training curve holds a line that could be drawn")
    styles = styles_of(models)
    with mpl.rc_context(dict(STYLE)):
        columns = min(2, len(data))
        rows = math.ceil(len(data) / columns)
        figure = Figure(figsize=(WIDTH, 0.9 + 2.1 * rows))
        grid = figure.subplots(rows, columns, squeeze=False).flatten()
        for axes, (panel, lines) in zip(grid, data.items(), strict=False):
            for model in models:
                own = _of_model(lines, model)
                training, held_out = own[own["split"] != HELD_OUT], own[own["split"] == HELD_OUT]
                points = panel.scale * binned(training, panel.column)
                every = max(1, len(points) // MARKS)
                axes.plot(points.index, points, markevery=every, **marker(styles[model]))
                points = panel.scale * binned(held_out, panel.column)
                axes.plot(points.index, points, linestyle="", marker=".", color=styles[model].colour)
            axes.set_ylabel(panel.label)
            if panel.logarithmic:
                axes.set_yscale("log")
                axes.yaxis.set_minor_locator(LogLocator(subs=(2, 5)))
                axes.yaxis.set_major_formatter("{x:g}")
                axes.yaxis.set_minor_formatter("{x:g}")
        for axes in grid[len(data) :]:
            axes.remove()
        figure.supxlabel(f"Optimiser steps (points are means over the runs and over 1/{BINS} of the steps)", fontsize=8)
        shown = pd.concat(data.values())
        keys = [key(model, style, "-") for model, style in styles.items() if not _of_model(shown, model).empty]
        if HELD_OUT in set(shown["split"]):
            keys.append(Line2D([], [], label="held-out text", linestyle="", marker=".", color="0.3"))
        legend(figure, keys)
        save(figure, stem)


def binned(lines: pd.DataFrame, column: str) -> pd.Series:
    """Means of a logged value over the runs and over BINS equal spans of steps, indexed by mean step."""
    spans = np.ceil(BINS * lines["step"].astype(float) / lines["step"].max())
    means = lines[["step", column]].astype(float).groupby(spans).mean()
    return means.set_index("step")[column]


def _lines_of(curves: pd.DataFrame, panel: Panel) -> pd.DataFrame:
    if panel.column not in curves:
        return curves.iloc[:0]
    wanted = (curves["stage"] == panel.stage) & curves["split"].isin(panel.splits) & curves[panel.column].notna()
    return curves[wanted]


def _of_model(lines: pd.DataFrame, model: Model) -> pd.DataFrame:
    return lines[(lines["recipe"] == model.recipe) & (lines["chain"] == model.chain)]
