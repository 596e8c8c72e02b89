"""Makes the table and the figure of where compression hurts."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from camembert.paper.figures.languages import languages as draw_languages
from camembert.paper.statistics import models_of
from camembert.paper.tables.languages import languages
from camembert.paper.tables.writing import read_accuracy, write_csv
from camembert.runtime.job import logged


def tabulate_languages(
    accuracy: Path, metrics: Iterable[Path], lines: Iterable[Mapping[str, Any]], table: Path, figure: Path
) -> None:
    """Writes the table as .csv and draws it as .pdf and .png, given the stem of their paths."""
    models = models_of(lines)
    numbers = languages(read_accuracy(accuracy), metrics, models)
    write_csv(numbers, table)
    draw_languages(numbers, models, figure)


if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        tabulate_languages(
            accuracy=Path(job.input.accuracy),
            metrics=job.input.metrics,
            lines=job.params.models,
            table=Path(job.output.table),
            figure=Path(job.output.figure[0]).with_suffix(""),
        )
