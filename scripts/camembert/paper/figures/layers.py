"""Figure of retrieval by layer: how deep an encoder must be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd
from matplotlib.ticker import MaxNLocator

from camembert.core.files import read_json
from camembert.paper.figures.style import drawing, legend, marker, styles_of
from camembert.paper.statistics import Model


def read_layers(paths: Iterable[Path]) -> pd.DataFrame:
    """Reads the metrics of `retrieve_layers`.

    Returns:
        A row an encoder, layer (0: embeddings) and language: recipe, chain, run, layer, language, accuracy (a share).
    """
    rows = []
    for facts in map(read_json, paths):
        which = {name: facts[name] for name in ("recipe", "chain", "run")}
        for language, shares in facts["accuracy_by_layer"].items():
            rows += [which | {"layer": int(k), "language": language, "accuracy": own} for k, own in shares.items()]
    return pd.DataFrame(rows)


def draw_layers(layers: pd.DataFrame, models: Sequence[Model], stem: Path) -> None:
    """Draws the accuracy of retrieval, averaged over languages and runs, against the layer it reads.

    Args:
        layers: what read_layers returned.
        models: of the experiment.
        stem: path of the figure without its ending.
    """
    styles = styles_of(models)
    with drawing(stem, 3.4) as grid:
        axes = grid[0, 0]
        for model in models:
            own = layers[(layers["recipe"] == model.recipe) & (layers["chain"] == model.chain)]
            means = 100 * own.groupby("layer")["accuracy"].mean()
            axes.plot(means.index, means, **marker(styles[model]))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("Layer")
        axes.set_ylabel("Retrieval, average of languages and runs (%)")
        axes.set_ylim(bottom=0)
        legend(axes, styles, dashes="-")
