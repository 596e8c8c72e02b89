"""Makes the tables people read from the tidy table of accuracies."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from camembert import tables
from camembert.job import logged
from camembert.statistics import models_of


def tabulate_summary(accuracy: Path, order: Iterable[Mapping[str, Any]], summary: Path, by_language: Path) -> None:
    """Writes .csv, .md and .tex of the summary and of the accuracy by language, given the stems of their paths."""
    rows, models = tables.read_accuracy(accuracy), models_of(order)
    numbers = tables.summary(rows, models)
    shown = tables.summary_in_print(numbers)
    tables.write_table(numbers, shown, summary, tables.SUMMARY_CAPTION, tables.SUMMARY_NOTE)
    numbers = tables.accuracy_by_language(rows, models)
    shown = tables.accuracy_by_language_in_print(numbers)
    tables.write_table(numbers, shown, by_language, tables.BY_LANGUAGE_CAPTION, tables.BY_LANGUAGE_NOTE)


if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        tabulate_summary(
            accuracy=Path(job.input.accuracy),
            order=job.params.order,
            summary=Path(job.output.summary[0]).with_suffix(""),
            by_language=Path(job.output.by_language[0]).with_suffix(""),
        )
