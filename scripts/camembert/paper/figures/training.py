"""The figure of training: its curves."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.ticker import LogLocator

from camembert.paper.answers import ComparedModel, select_model
from camembert.paper.figures.style import add_legend, drawing, style_models

HELD_OUT_SPLIT = "held-out"  # the split whose losses are points
BINS = 60  # points of a training curve
MARKS = 6  # markers along one without held-out text
LINES = ["-", "--", ":", "-."]  # of the first, second, ... recipe of a chain
BESIDE_LOSSES = ["step", "run", "finetuning", "tokens", "learning_rate", "gradient_norm", "loss"]  # logged numbers


class Panel(NamedTuple):
    """One panel of the training curves: the column of which lines it shows, and its vertical axis."""

    column: str
    label: str
    logarithmic: bool = True
    stage: str = "encoders"
    splits: tuple[str, ...] = ("train", HELD_OUT_SPLIT)
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
"""Those of the losses that come with the repository; `list_panels` adds others."""


def draw_training_curves(curves: pd.DataFrame, models: Sequence[ComparedModel], stem: Path) -> None:
    """Draws losses of pre-training and distillation and the dev accuracy of fine-tuning against optimiser steps.

    A line is what was trained on, means over 1 / BINS of the steps and over the runs of a model; a marker is held-out
    text. Recipes of a chain differ by their dashes. Of unexplained variance 1 is as good as a constant. Panels without
    data are left out.
    """
    data = {panel: lines for panel in list_panels(curves) if not (lines := _select_lines(curves, panel)).empty}
    shown = pd.concat(data.values())
    styles = {model: style for model, style in style_models(models).items() if not select_model(shown, model).empty}
    recipes = Counter[str]()
    for model, style in styles.items():
        style["linestyle"] = LINES[recipes[model.chain] % len(LINES)]
        recipes[model.chain] += 1
    columns = 2 if len(data) in (2, 4) else min(3, len(data))
    rows = math.ceil(len(data) / columns)
    with drawing(stem, 0.9 + 1.9 * rows, rows, columns) as grid:
        for axes in grid.flat[len(data) :]:
            axes.remove()
        for axes, (panel, lines) in zip(grid.flat, data.items(), strict=False):
            for model, style in styles.items():
                own = select_model(lines, model)
                training, held_out = own[own["split"] != HELD_OUT_SPLIT], own[own["split"] == HELD_OUT_SPLIT]
                points = panel.scale * average_bins(training, panel.column)
                every: Any = [] if HELD_OUT_SPLIT in panel.splits and len(held_out) else max(1, len(points) // MARKS)
                axes.plot(points.index, points, markevery=every, **style)
                points = panel.scale * average_bins(held_out, panel.column)
                axes.plot(points.index, points, **style | {"linestyle": ""})
            axes.set_ylabel(panel.label)
            if panel.logarithmic:
                axes.set_yscale("log")
                axes.yaxis.set_minor_locator(LogLocator(subs=(2, 5)))
                axes.yaxis.set_major_formatter("{x:g}")
                axes.yaxis.set_minor_formatter("{x:g}")
        figure = grid[0, 0].figure
        held_out_text = "; markers are held-out text" if HELD_OUT_SPLIT in set(shown["split"]) else ""
        figure.supxlabel(f"Optimiser steps (lines are what was trained on{held_out_text})", fontsize=8)
        add_legend(grid[0, 0], styles)


def list_panels(curves: pd.DataFrame) -> list[Panel]:
    """The panels, with one before the last for every other part of a loss that encoders logged."""
    logged = curves[curves["stage"] == "encoders"].select_dtypes("number").dropna(axis=1, how="all").columns
    others = logged.difference([*BESIDE_LOSSES, *(panel.column for panel in PANELS)], sort=False)
    *known, last = PANELS
    return [*known, *(Panel(name, f"{name.replace('_', ' ').capitalize()} loss") for name in others), last]


def average_bins(lines: pd.DataFrame, column: str) -> pd.Series:
    """Means of a logged value over the runs and over BINS equal spans of steps, indexed by mean step."""
    spans = np.ceil(BINS * lines["step"].astype(float) / lines["step"].max())
    means = lines[["step", column]].astype(float).groupby(spans).mean()
    return means.set_index("step")[column]


def _select_lines(curves: pd.DataFrame, panel: Panel) -> pd.DataFrame:
    values = curves.get(panel.column, pd.Series(None, curves.index))
    return curves[(curves["stage"] == panel.stage) & curves["split"].isin(panel.splits) & values.notna()]
