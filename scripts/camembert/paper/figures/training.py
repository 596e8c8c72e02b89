"""Figure of the training curves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.ticker import LogLocator

from camembert.paper.figures.style import drawing, legend, marker, styles_of
from camembert.paper.statistics import Model, ResultsError

HELD_OUT = "held-out"  # the split whose losses are points
BINS = 60  # points of a training curve
MARKS = 6  # markers along one without held-out text


class Panel(NamedTuple):
    """One panel of the training curves: the column of which lines it shows, and its vertical axis."""

    column: str
    label: str
    logarithmic: bool = True
    stage: str = "encoders"
    splits: tuple[str, ...] = ("train", HELD_OUT)
    scale: float = 1


PANELS = [
    Panel("masked_lm", "Masked-LM loss (nats)", logarithmic=False),
    Panel("bag_of_words", "Bag-of-words loss (nats)", logarithmic=False),
    Panel("hidden", "Hidden-state loss"),
    Panel("hidden_unexplained", "Hidden states, unexplained"),
    Panel("sentence", "Sentence-vector loss"),
    Panel("sentence_unexplained", "Sentence vectors, unexplained"),
    Panel("attention", "Attention loss"),
    Panel("value", "Value-relation loss"),
    Panel("soft_targets", "Soft-target loss (nats)"),
    Panel("cosine", "Cosine loss"),
    Panel("accuracy", "Dev accuracy (%)", False, "classifiers", ("dev",), 100),
]


def training_curves(curves: pd.DataFrame, models: Sequence[Model], stem: Path) -> None:
    """Draws losses of pre-training and distillation and the dev accuracy of fine-tuning against optimiser steps.

    A line is what was trained on, means over 1 / BINS of the steps and over the runs of a model; a marker is held-out
    text. Of unexplained variance 1 is as good as a constant. Panels without data are left out.

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
    shown = pd.concat(data.values())
    styles = {model: style for model, style in styles_of(models).items() if not _of_model(shown, model).empty}
    columns = 2 if len(data) in (2, 4) else min(3, len(data))
    rows = math.ceil(len(data) / columns)
    with drawing(stem, 0.9 + 1.9 * rows, rows, columns) as grid:
        for axes in grid.flat[len(data) :]:
            axes.remove()
        for axes, (panel, lines) in zip(grid.flat, data.items(), strict=False):
            for model, style in styles.items():
                own = _of_model(lines, model)
                training, held_out = own[own["split"] != HELD_OUT], own[own["split"] == HELD_OUT]
                points = panel.scale * binned(training, panel.column)
                every: Any = [] if HELD_OUT in panel.splits and len(held_out) else max(1, len(points) // MARKS)
                axes.plot(points.index, points, markevery=every, **marker(style))
                points = panel.scale * binned(held_out, panel.column)
                axes.plot(points.index, points, linestyle="", **marker(style))
            axes.set_ylabel(panel.label)
            if panel.logarithmic:
                axes.set_yscale("log")
                axes.yaxis.set_minor_locator(LogLocator(subs=(2, 5)))
                axes.yaxis.set_major_formatter("{x:g}")
                axes.yaxis.set_minor_formatter("{x:g}")
        figure = grid[0, 0].figure
        held_out_text = "; markers are held-out text" if HELD_OUT in set(shown["split"]) else ""
        figure.supxlabel(f"Optimiser steps (lines are what was trained on{held_out_text})", fontsize=8)
        legend(grid[0, 0], styles, dashes="-")


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
