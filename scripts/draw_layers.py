"""Tabulates and draws how well each layer of every encoder retrieves translations."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from camembert.core.files import atomic_write
from camembert.paper.answers import ComparedModel, list_models
from camembert.paper.figures.accuracy import draw_layers, read_layers
from camembert.plan.experiment import plan_experiment
from snakemake_job import logged_job


def write_layers(metrics: Iterable[Path], models: Sequence[ComparedModel], table: Path, figure: Path) -> None:
    """Writes the tidy table, and the figure as .pdf and .png, given the stem of its path."""
    layers = read_layers(metrics)
    with atomic_write(table) as partial:
        layers.to_csv(partial, index=False)
    draw_layers(layers, models, figure)


if __name__ == "__main__":
    with logged_job() as job:
        models = list_models(plan_experiment(job.config))
        write_layers(job.input, models, Path(job.output.table), Path(job.output.figure[0]).with_suffix(""))
