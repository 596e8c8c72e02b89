"""Draws accuracy by language and along the cascade."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from camembert.paper.figures.accuracy import accuracy_along_cascade, accuracy_by_language
from camembert.paper.published import read_published
from camembert.paper.statistics import models_of
from camembert.paper.tables import read_accuracy
from camembert.runtime.job import logged


def draw_accuracy(
    accuracy: Path,
    rows_of_others: Path | None,
    order: Iterable[Mapping[str, Any]],
    by_language: Path,
    along_cascade: Path,
) -> None:
    """Draws both figures of accuracy as .pdf and .png, given the stems of their paths."""
    rows, models = read_accuracy(accuracy), models_of(order)
    accuracy_by_language(rows, models, read_published(rows_of_others, rows), by_language)
    accuracy_along_cascade(rows, models, along_cascade)


if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        draw_accuracy(
            accuracy=Path(job.input.accuracy),
            rows_of_others=Path(job.input.published[0]) if job.input.published else None,
            order=job.params.order,
            by_language=Path(job.output.by_language[0]).with_suffix(""),
            along_cascade=Path(job.output.along_cascade[0]).with_suffix(""),
        )
