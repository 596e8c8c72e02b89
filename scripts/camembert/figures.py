"""Figures: accuracy by language, accuracy along the cascade, training curves.

One method has one colour and one marker in every figure; further models of the same method (another depth, another
recipe) are told apart by the filling of the marker. The colours are those of Okabe and Ito (2008), which the
colour-blind can tell apart; the markers carry the difference in grey.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator

from camembert.chain import Method, parse_chain
from camembert.files import read_json_lines, whole
from camembert.statistics import (
    ENGLISH,
    Model,
    ResultsError,
    Spread,
    averages,
    by_classifier,
    runs_of,
    spread,
    teacher_of,
)

COLOURS = {
    Method.TEACHER: "#000000",
    Method.RANDOM: "#999999",
    Method.SCRATCH: "#E69F00",
    Method.COPIED: "#009E73",
    Method.DIRECT: "#56B4E9",
    Method.DIRECT_LONGER: "#0072B2",
    Method.ASSISTANT: "#CC79A7",
    Method.CASCADE: "#D55E00",
}
MARKERS = {
    Method.TEACHER: "*",
    Method.RANDOM: "X",
    Method.SCRATCH: "P",
    Method.COPIED: "v",
    Method.DIRECT: "s",
    Method.DIRECT_LONGER: "D",
    Method.ASSISTANT: "^",
    Method.CASCADE: "o",
}
FILLINGS = ["full", "none", "left", "bottom", "right", "top"]  # of the first, second, ... model of a method
DASHES = dict(zip(FILLINGS, ["-", "--", "-.", ":", (0, (1, 3)), (0, (8, 3))], strict=True))  # of their cascades

WIDTH = 7.2  # inches: the text width of a page
CHANCE = 100 / 3  # percent
ACCURACY = "Accuracy (%), mean ± SD of runs"
HELD_OUT = "held-out"  # the split whose losses are dashed
BINS = 60  # points of a training curve
MARKS = 6  # markers along it
SLOT = 0.72  # share of a slot on the x axis over which its markers are spread

STYLE: Mapping[Any, Any] = {
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "lines.linewidth": 0.9,
    "pdf.fonttype": 42,
    "figure.constrained_layout.use": True,
}


class Style(NamedTuple):
    """How one model is drawn."""

    colour: str
    marker: str
    filling: str


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
    Panel("encoders", "hidden", ("train", HELD_OUT), "Hidden-state loss", 1, True),
    Panel("encoders", "attention", ("train", HELD_OUT), "Attention loss", 1, True),
    Panel("classifiers", "accuracy", ("dev",), "English dev accuracy (%)", 100, False),
]
CURVE_PATH = re.compile(r"(?P<stage>encoders|classifiers)/(?P<recipe>[^/]+)/(?P<chain>[^/]+)/d\d+(-s\d+)?\.jsonl")


def styles_of(order: Sequence[Model]) -> dict[Model, Style]:
    """The style of each model of the plan: colour and marker say the method, the filling which one of it."""
    styles = {}
    for i, model in enumerate(order):
        nth = sum(other.method is model.method for other in order[:i])
        styles[model] = Style(COLOURS[model.method], MARKERS[model.method], FILLINGS[nth % len(FILLINGS)])
    return styles


def accuracy_by_language(accuracy: pd.DataFrame, order: Sequence[Model], stem: Path) -> None:
    """Draws each model's accuracy in each language (mean and standard deviation over runs), and its average.

    English comes first, the other languages by falling accuracy of the first teacher, the average last and apart.

    Args:
        accuracy: the tidy table of accuracies (shares).
        order: the plan.
        stem: path of the figure without its ending.
    """
    wide = by_classifier(accuracy)
    languages = _languages_by_teacher(wide, order)
    positions = np.append(np.arange(len(languages)), len(languages) + 0.5)
    with mpl.rc_context(dict(STYLE)):
        figure = Figure(figsize=(WIDTH, 4.0))
        axes = figure.subplots()
        styles = styles_of(order)
        for model, offset in zip(order, _offsets(len(order)), strict=True):
            runs = 100 * runs_of(wide, model)[languages]
            spreads = [spread(runs[language]) for language in languages] + [spread(runs.mean(axis=1))]
            _points(axes, positions + offset, spreads, styles[model])
        _slots(axes, positions.tolist(), [*languages, "average"])
        _chance(axes)
        axes.set_xlabel("Language")
        axes.set_ylabel(ACCURACY)
        _legend(figure, [_key(model, style) for model, style in styles.items()])
        _save(figure, stem)


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
        for model, offset in zip(models, _offsets(len(models)), strict=True)
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
                _points(axes, np.array([x[model]]), [spreads[model]], styles[model])
            _slots(axes, range(len(depths)), [str(depth) for depth in depths])
            axes.set_title(titles[column])
            axes.set_xlabel("Encoder layers")
            axes.set_ylabel(ACCURACY)
        joined = {model: DASHES[style.filling] for model, style in styles.items() if model.method is Method.CASCADE}
        _legend(figure, [_key(model, style, joined.get(model, "none")) for model, style in styles.items()])
        _save(figure, stem)


def read_curves(paths: Iterable[Path]) -> pd.DataFrame:
    """Reads training curves into one table, a row a logged line.

    Args:
        paths: files ``encoders/{recipe}/{chain}/d{distill_seed}.jsonl`` and
            ``classifiers/{recipe}/{chain}/d{distill_seed}-s{seed}.jsonl``; empty where nothing was trained.

    Returns:
        The columns stage (encoders, classifiers), recipe and chain, and all that was logged.

    Raises:
        ResultsError: a misnamed file.
    """
    rows = []
    for path in map(Path, paths):
        named = CURVE_PATH.fullmatch("/".join(path.parts[-4:]))
        if not named:
            raise ResultsError(f"{path}: not (encoders|classifiers)/RECIPE/CHAIN/dN[-sN].jsonl")
        rows += [line | named.groupdict() for line in read_json_lines(path)]
    return pd.DataFrame(rows)


def training_curves(curves: pd.DataFrame, order: Sequence[Model], stem: Path) -> None:
    """Draws losses of pre-training and distillation and the dev accuracy of fine-tuning against optimiser steps.

    Every point is a mean over 1 / BINS of the steps and over the runs of a model; held-out losses are dashed.
    Panels without data are left out.

    Args:
        curves: what read_curves returned.
        order: the plan.
        stem: path of the figure without its ending.

    Raises:
        ResultsError: nothing was trained, so that there is nothing to draw.
    """
    data = {panel: lines for panel in PANELS if not (lines := _lines_of(curves, panel)).empty}
    if not data:
        raise ResultsError("no training curve holds a line that could be drawn")
    styles = styles_of(order)
    with mpl.rc_context(dict(STYLE)):
        columns = min(2, len(data))
        rows = math.ceil(len(data) / columns)
        figure = Figure(figsize=(WIDTH, 0.9 + 2.1 * rows))
        grid = figure.subplots(rows, columns, squeeze=False).flatten()
        for axes, (panel, lines) in zip(grid, data.items(), strict=False):
            for model in order:
                own = _of_model(lines, model)
                training, held_out = own[own["split"] != HELD_OUT], own[own["split"] == HELD_OUT]
                points = panel.scale * binned(training, panel.column)
                every = max(1, len(points) // MARKS)
                axes.plot(points.index, points, markevery=every, **_marker(styles[model]))
                points = panel.scale * binned(held_out, panel.column)
                axes.plot(points.index, points, linestyle="--", color=styles[model].colour)
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
        keys = [_key(model, style, "-") for model, style in styles.items() if not _of_model(shown, model).empty]
        if HELD_OUT in set(shown["split"]):
            keys.append(Line2D([], [], label="held-out text", linestyle="--", color="0.3"))
        _legend(figure, keys)
        _save(figure, stem)


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


def _offsets(count: int) -> np.ndarray:
    """Places of so many markers within a slot of width 1."""
    return SLOT * ((np.arange(count) + 0.5) / count - 0.5)


def _points(axes: Axes, x: np.ndarray, spreads: Sequence[Spread], style: Style) -> None:
    means, deviations = [runs.mean for runs in spreads], [runs.sd for runs in spreads]
    axes.errorbar(x, means, yerr=deviations, linestyle="none", elinewidth=0.8, zorder=3, **_marker(style))


def _marker(style: Style) -> dict[str, Any]:
    return {
        "color": style.colour,
        "marker": style.marker,
        "fillstyle": style.filling,
        "markerfacecoloralt": "white",
        "markeredgewidth": 0.8,
        "markersize": 6.5 if style.marker == "*" else 4.2,
    }


def _slots(axes: Axes, positions: Sequence[float], labels: Sequence[str]) -> None:
    """A horizontal axis of named slots, every other one shaded."""
    for position in positions[::2]:
        axes.axvspan(position - 0.5, position + 0.5, color="0.94", linewidth=0, zorder=0)
    axes.set_xticks(positions, labels)
    axes.set_xlim(positions[0] - 0.5, positions[-1] + 0.5)
    axes.tick_params(axis="x", length=0)


def _chance(axes: Axes) -> None:
    axes.axhline(CHANCE, color="0.3", linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
    axes.text(0.005, CHANCE, "chance", transform=axes.get_yaxis_transform(), ha="left", va="top", color="0.3")


def _key(model: Model, style: Style, dashes: Any = "none") -> Line2D:
    return Line2D([], [], label=model.label, linestyle=dashes, **_marker(style))


def _legend(figure: Figure, keys: list[Line2D]) -> None:
    figure.legend(handles=keys, loc="outside upper center", ncols=3)


def _save(figure: Figure, stem: Path) -> None:
    """Writes the figure as .pdf and .png, the same bytes for the same figure."""
    for ending, metadata in (("pdf", {"CreationDate": None}), ("png", {})):
        with whole(stem.with_suffix(f".{ending}")) as partial:
            figure.savefig(partial, format=ending, dpi=200, metadata=metadata)
