"""Makes the two tables of accuracy that people read."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from camembert.paper import published
from camembert.paper import summary as summaries
from camembert.paper.predictions import read_answers
from camembert.paper.statistics import models_of
from camembert.paper.tables import read_accuracy, write_table
from camembert.runtime.job import logged


def tabulate_summary(
    accuracy: Path, answers: Path, rows_of_others: Path | None, order: Iterable[Mapping[str, Any]], stems: list[Path]
) -> None:
    """Writes .csv, .md and .tex of the summary and of the accuracy by language, given the stems of their paths."""
    rows, models = read_accuracy(accuracy), models_of(order)
    numbers = summaries.summary(rows, read_answers(answers), models)
    note = f"{summaries.coverage(numbers)} {summaries.SUMMARY_NOTE}"
    write_table(numbers, summaries.summary_in_print(numbers), stems[0], summaries.SUMMARY_CAPTION, note)
    others = published.read_published(rows_of_others, rows)
    numbers = summaries.accuracy_by_language(rows, models, others)
    shown = summaries.accuracy_by_language_in_print(numbers)
    note = summaries.BY_LANGUAGE_NOTE + published.note_of(others)
    write_table(numbers, shown, stems[1], summaries.BY_LANGUAGE_CAPTION, note)


if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        tabulate_summary(
            accuracy=Path(job.input.accuracy),
            answers=Path(job.input.answers),
            rows_of_others=Path(job.input.published[0]) if job.input.published else None,
            order=job.params.order,
            stems=[Path(paths[0]).with_suffix("") for paths in (job.output.summary, job.output.by_language)],
        )
