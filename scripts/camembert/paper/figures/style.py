"""How every figure looks.

One method has one hue and one marker in every figure; further models of the same method (another depth, another
recipe) are told apart by the filling of the marker. The colours are those of Okabe and Ito (2008), which the
colour-blind can tell apart; the markers carry the difference in grey.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from numpy.typing import ArrayLike
from scipy.optimize import isotonic_regression

from camembert.core.files import atomic_write
from camembert.paper.answers import ComparedModel
from camembert.plan.chain import Method

LOOKS = {
    Method.TEACHER: ("#000000", "*"),
    Method.RANDOM: ("#999999", "X"),
    Method.SCRATCH: ("#E69F00", "P"),
    Method.COPIED: ("#009E73", "v"),
    Method.DIRECT: ("#56B4E9", "s"),
    Method.DIRECT_LONGER: ("#0072B2", "D"),
    Method.ASSISTANT: ("#CC79A7", "^"),
    Method.CASCADE: ("#D55E00", "o"),
}
"""Colour and marker of each method."""
FILLINGS = ["full", "none", "left", "bottom", "right", "top"]  # of the first, second, ... model of a method

WIDTH, COLUMN_WIDTH = 7.2, 3.5  # inches: the text of a page, and one of two columns
ZERO: Mapping[str, Any] = {"color": "0.3", "linewidth": 0.8, "linestyle": (0, (4, 3)), "zorder": 1}
SLOT = 0.72  # share of a slot on an axis over which its markers are spread

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


def style_method(method: Method, filling: str = "full") -> dict[str, Any]:
    """Options of matplotlib for the marker of a method."""
    colour, marker = LOOKS[method]
    return {
        "color": colour,
        "marker": marker,
        "fillstyle": filling,
        "markerfacecoloralt": "white",
        "markeredgewidth": 0.8,
        "markersize": 6.5 if marker == "*" else 4.2,
    }


def style_models(models: Sequence[ComparedModel]) -> dict[ComparedModel, dict[str, Any]]:
    """Options for the marker of each model: hue and marker say the method, filling which one of it."""
    styles = {}
    for i, model in enumerate(models):
        assert model.method is not None, "the baseline is no encoder and has a style of its own"
        nth = sum(other.method is model.method for other in models[:i])
        styles[model] = style_method(model.method, FILLINGS[nth % len(FILLINGS)])
    return styles


@contextmanager
def drawing(
    stem: Path, height: float, rows: int = 1, columns: int = 1, width: float = WIDTH, **options: Any
) -> Iterator[np.ndarray]:
    """Panels (rows, columns) to draw into, which are written in the end.

    Args:
        stem: path of the figure without its ending.
        height, width: inches.
        rows, columns: of panels.
        options: of `Figure.subplots`.
    """
    with mpl.rc_context(dict(STYLE)):
        figure = Figure(figsize=(width, height))
        yield figure.subplots(rows, columns, squeeze=False, **options)
        save(figure, stem)


def spread_slots(count: int) -> np.ndarray:
    """Places of so many markers within a slot of width 1."""
    return SLOT * ((np.arange(count) + 0.5) / count - 0.5)


def spread_out(places: ArrayLike, gap: float) -> np.ndarray:
    """The places nearest to those given (least squares) that keep their order and are a gap apart."""
    wanted = np.asarray(places, dtype=float)
    order, shift = np.argsort(wanted, kind="stable"), gap * np.arange(len(wanted))
    apart = np.empty_like(wanted)
    apart[order] = isotonic_regression(wanted[order] - shift).x + shift
    return apart


def outline(width: float) -> list[withStroke]:
    """What makes text readable on top of lines: a white outline of so many points."""
    return [withStroke(linewidth=width, foreground="white")]


def shade_rows(axes: Axes, count: int) -> None:
    """A vertical axis of so many rows, every other one shaded; the first is on top."""
    for row in range(0, count, 2):
        axes.axhspan(row - 0.5, row + 0.5, color="0.94", linewidth=0, zorder=0)
    axes.set_ylim(count - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)


def add_legend(
    axes: Axes,
    styles: Mapping[ComparedModel, Mapping[str, Any]],
    *more: Line2D,
    linestyle: Any = "none",
    columns: int = 3,
) -> None:
    """Names models above the figure that some axes are in, by their own line or this one, and what more is drawn."""
    keys = [Line2D([], [], label=each.label, **{"linestyle": linestyle, **style}) for each, style in styles.items()]
    tight = {"handletextpad": 0.4, "columnspacing": 1.2, "fontsize": 6.5 if columns == 2 else 7.5}
    axes.figure.legend(handles=[*keys, *more], loc="outside upper center", ncols=columns, **tight)  # type: ignore[call-arg]


def save(figure: Figure, stem: Path) -> None:
    """Writes the figure as .pdf and .png, the same bytes for the same figure."""
    for ending, metadata in (("pdf", {"CreationDate": None}), ("png", {})):
        with atomic_write(stem.with_suffix(f".{ending}")) as partial:
            figure.savefig(partial, format=ending, dpi=200, metadata=metadata)
