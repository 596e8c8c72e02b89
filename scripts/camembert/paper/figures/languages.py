"""Figure of the languages: where compression hurts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from camembert.paper.figures.style import STYLE, WIDTH, key, legend, marker, save, styles_of
from camembert.paper.statistics import Model

SPREAD = 0.5  # share of a language's row over which its markers are spread


def languages(numbers: pd.DataFrame, models: Sequence[Model], stem: Path) -> None:
    """Draws, a row a language by falling share of the corpus: that share, held-out losses, changes of accuracy.

    The held-out loss is a hop's at the end of its training: what the student of that hop could not match of its own
    teacher. Those of different recipes do not compare, so with several it is left out. The change of accuracy is a
    model's against the first model of its chain.

    Args:
        numbers: the table of the languages.
        models: of the experiment.
        stem: path of the figure without its ending.
    """
    shares = numbers.groupby("language", sort=False)["corpus_share"].first().sort_values(kind="stable")
    rows = {language: i for i, language in enumerate(shares.index)}
    styles = styles_of(models)
    models = [model for model in models if not _of(numbers, model).empty]
    trained = [model for model in models if _of(numbers, model)["held_out_loss"].notna().any()]
    has_losses = len({model.recipe for model in trained}) == 1
    shown = [("held_out_loss", trained, 1)] if has_losses else []
    shown.append(("accuracy_change", models, 100))
    offsets = dict(zip(models, _spread(len(models)), strict=True))
    with mpl.rc_context(dict(STYLE)):
        figure = Figure(figsize=(WIDTH, 1.5 + 0.25 * len(rows)))
        corpus, *panels = figure.subplots(1, 1 + len(shown), sharey=True, width_ratios=[1, *[2 for _ in shown]])
        corpus.barh(list(rows.values()), 100 * shares, color="0.6", height=0.7)
        corpus.set_xlabel("Share of the corpus (%)")
        corpus.set_yticks(list(rows.values()), list(rows))
        for axes, (column, drawn, scale) in zip(panels, shown, strict=True):
            for model in drawn:
                own = _of(numbers, model)
                y = [rows[language] + offsets[model] for language in own["language"]]
                axes.plot(scale * own[column], y, linestyle="none", **marker(styles[model]))
        for axes in (corpus, *panels):
            _rows(axes, len(rows))
        if has_losses:
            panels[0].set_xlim(left=0)
            panels[0].set_xlabel("Held-out loss of the last hop")
        panels[-1].axvline(0, color="0.3", linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
        panels[-1].set_xlabel("Accuracy against the teacher (points)")
        legend(figure, [key(model, styles[model]) for model in models])
        save(figure, stem)


def _of(numbers: pd.DataFrame, model: Model) -> pd.DataFrame:
    return numbers[(numbers["recipe"] == model.recipe) & (numbers["chain"] == model.chain)]


def _spread(count: int) -> np.ndarray:
    return np.linspace(SPREAD / 2, -SPREAD / 2, count) if count > 1 else np.zeros(count)


def _rows(axes: Axes, count: int) -> None:
    """Shades every other row."""
    for row in range(0, count, 2):
        axes.axhspan(row - 0.5, row + 0.5, color="0.94", linewidth=0, zorder=0)
    axes.set_ylim(-0.5, count - 0.5)
    axes.tick_params(axis="y", length=0)
