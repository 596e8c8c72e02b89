"""Figure of the languages: where compression hurts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from camembert.paper.figures.style import ZERO, drawing, legend, marker, offsets, shade_rows, styles_of
from camembert.paper.statistics import Model


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
    shares = numbers.groupby("language", sort=False)["corpus_share"].first().sort_values(ascending=False, kind="stable")
    rows = {language: i for i, language in enumerate(shares.index)}
    by_model = {model: _of(numbers, model) for model in models}
    styles = {model: style for model, style in styles_of(models).items() if not by_model[model].empty}
    trained = [model for model in styles if by_model[model]["held_out_loss"].notna().any()]
    has_losses = len({model.recipe for model in trained}) == 1
    shown = [("held_out_loss", trained, 1)] if has_losses else []
    shown.append(("accuracy_change", list(styles), 100))
    places = dict(zip(styles, offsets(len(styles)), strict=True))
    columns = 1 + len(shown)
    widths = [1, *[2 for _ in shown]]
    with drawing(stem, 1.5 + 0.25 * len(rows), 1, columns, sharey=True, width_ratios=widths) as grid:
        corpus, *panels = grid[0]
        corpus.barh(list(rows.values()), 100 * shares, color="0.6", height=0.7)
        corpus.set_xlabel("Share of the corpus (%)")
        corpus.set_yticks(list(rows.values()), list(rows))
        for axes, (column, drawn, scale) in zip(panels, shown, strict=True):
            for model in drawn:
                own = by_model[model]
                y = [rows[language] + places[model] for language in own["language"]]
                axes.plot(scale * own[column], y, linestyle="none", **marker(styles[model]))
        for axes in (corpus, *panels):
            shade_rows(axes, len(rows))
        if has_losses:
            panels[0].set_xlim(left=0)
            panels[0].set_xlabel("Held-out loss of the last hop")
        panels[-1].axvline(0, **ZERO)
        panels[-1].set_xlabel("Accuracy against the teacher (points)")
        legend(corpus, styles)


def _of(numbers: pd.DataFrame, model: Model) -> pd.DataFrame:
    return numbers[(numbers["recipe"] == model.recipe) & (numbers["chain"] == model.chain)]
