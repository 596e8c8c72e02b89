"""How every figure looks.

One method has one hue and one marker in every figure; further models of the same method (another depth, another
recipe) are told apart by the filling of the marker and, where fillings are used up, by a darker shade. The colours are
those of Okabe and Ito (2008), which the colour-blind can tell apart; the markers carry the difference in grey.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from camembert.core.files import atomic_write
from camembert.paper.statistics import Model, Spread
from camembert.plan.chain import Method

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


class Style(NamedTuple):
    """How one model is drawn."""

    colour: str
    marker: str
    filling: str


def styles_of(models: Sequence[Model]) -> dict[Model, Style]:
    """The style of each model of the experiment: hue and marker say the method, filling and shade which one of it."""
    styles = {}
    for i, model in enumerate(models):
        assert model.method is not None, "the baseline is no encoder and has a style of its own"
        nth = sum(other.method is model.method for other in models[:i])
        times, filling = divmod(nth, len(FILLINGS))
        styles[model] = Style(_darker(COLOURS[model.method], times), MARKERS[model.method], FILLINGS[filling])
    return styles


def _darker(colour: str, times: int) -> str:
    """A colour, so many times at half of its light."""
    return to_hex(np.array(to_rgb(colour)) / 2**times).upper()


def offsets(count: int) -> np.ndarray:
    """Places of so many markers within a slot of width 1."""
    return SLOT * ((np.arange(count) + 0.5) / count - 0.5)


def points(axes: Axes, x: np.ndarray, spreads: Sequence[Spread], style: Style) -> None:
    """Draws means with bars of one standard deviation."""
    means, deviations = [runs.mean for runs in spreads], [runs.sd for runs in spreads]
    axes.errorbar(x, means, yerr=deviations, linestyle="none", elinewidth=0.8, zorder=3, **marker(style))


def marker(style: Style) -> dict[str, Any]:
    """What matplotlib is told so that a model's marker looks as its style says."""
    return {
        "color": style.colour,
        "marker": style.marker,
        "fillstyle": style.filling,
        "markerfacecoloralt": "white",
        "markeredgewidth": 0.8,
        "markersize": 6.5 if style.marker == "*" else 4.2,
    }


def slots(axes: Axes, positions: Sequence[float], labels: Sequence[str]) -> None:
    """A horizontal axis of named slots, every other one shaded."""
    for position in positions[::2]:
        axes.axvspan(position - 0.5, position + 0.5, color="0.94", linewidth=0, zorder=0)
    axes.set_xticks(positions, labels)
    axes.set_xlim(positions[0] - 0.5, positions[-1] + 0.5)
    axes.tick_params(axis="x", length=0)


def chance(axes: Axes, percent: float) -> None:
    """Marks the accuracy of chance."""
    axes.axhline(percent, color="0.3", linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
    text = axes.text(
        0.005, percent, "chance", transform=axes.get_yaxis_transform(), ha="left", va="center", color="0.3", zorder=4
    )
    text.set_path_effects([withStroke(linewidth=3, foreground="white")])


def within_percent(axes: Axes) -> None:
    """Cuts a vertical axis of percent where no accuracy can be: bars of a large spread may reach beyond."""
    low, high = axes.get_ylim()
    axes.set_ylim(max(low, -3), min(high, 103))


def key(model: Model, style: Style, dashes: Any = "none") -> Line2D:
    """The entry of a model in the legend."""
    return Line2D([], [], label=model.label, linestyle=dashes, **marker(style))


def legend(figure: Figure, keys: list[Line2D], columns: int = 3) -> None:
    """Puts the legend above the figure."""
    figure.legend(handles=keys, loc="outside upper center", ncols=columns)


def save(figure: Figure, stem: Path) -> None:
    """Writes the figure as .pdf and .png, the same bytes for the same figure."""
    for ending, metadata in (("pdf", {"CreationDate": None}), ("png", {})):
        with atomic_write(stem.with_suffix(f".{ending}")) as partial:
            figure.savefig(partial, format=ending, dpi=200, metadata=metadata)
