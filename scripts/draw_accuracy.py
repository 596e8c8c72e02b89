"""Draws accuracy by language and along the cascade."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from camembert import figures
from camembert.job import logged
from camembert.statistics import models_of
from camembert.tables import read_accuracy


def draw_accuracy(accuracy: Path, order: Iterable[Mapping[str, Any]], by_language: Path, along_cascade: Path) -> None:
    """Draws both figures of accuracy as .pdf and .png, given the stems of their paths."""
    rows, models = read_accuracy(accuracy), models_of(order)
    figures.accuracy_by_language(rows, models, by_language)
    figures.accuracy_along_cascade(rows, models, along_cascade)


if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        draw_accuracy(
            accuracy=Path(job.input.accuracy),
            order=job.params.order,
            by_language=Path(job.output.by_language[0]).with_suffix(""),
            along_cascade=Path(job.output.along_cascade[0]).with_suffix(""),
        )
