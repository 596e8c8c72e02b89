"""Tabulates and draws how well each layer of every encoder retrieves translations."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from camembert.core.files import atomic_write
from camembert.paper.answers import read_models
from camembert.paper.figures.accuracy import draw_layers, read_layers
from snakemake_job import logged_job


def write_layers(metrics: Iterable[Path], lines: Iterable[Mapping[str, Any]], table: Path, figure: Path) -> None:
    """Writes the tidy table, and the figure as .pdf and .png, given the stem of its path."""
    layers = read_layers(metrics)
    with atomic_write(table) as partial:
        layers.to_csv(partial, index=False)
    draw_layers(layers, read_models(lines), figure)


if __name__ == "__main__":
    with logged_job() as job:
        write_layers(job.input, job.params.models, Path(job.output.table), Path(job.output.figure[0]).with_suffix(""))
