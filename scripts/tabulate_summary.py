"""Makes the tables of accuracy that people read: the summary, and language by language."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from camembert.paper import published
from camembert.paper.answers import read_answers
from camembert.paper.statistics import in_retrieval, models_of, on_task
from camembert.paper.tables import summary as summaries
from camembert.paper.tables.writing import read_accuracy, write_table
from camembert.runtime.job import logged


def tabulate_summary(
    accuracy: Path,
    answers: Sequence[Path],
    rows_of_others: Path | None,
    lines: Iterable[Mapping[str, Any]],
    summary: Path,
    by_language: Path,
    retrieval_by_language: Path | None,
) -> None:
    """Writes .csv, .md and .tex of the summary and of both tables by language, given the stems of their paths.

    Args:
        accuracy: the tidy table of accuracies.
        answers: of the task and, where it was evaluated, of retrieval.
        rows_of_others: published accuracies on the task, if any.
        lines: models in display order.
        summary, by_language, retrieval_by_language: where to; the last is None where there is no retrieval.
    """
    rows, models = read_accuracy(accuracy), models_of(lines)
    task, *retrieval = map(read_answers, answers)
    numbers = summaries.summary(rows, task, retrieval[0] if retrieval else None, models)
    note = summaries.note_of_summary(numbers, task)
    write_table(numbers, summaries.format_summary(numbers), summary, summaries.SUMMARY_CAPTION, note)
    others = published.read_published(rows_of_others, on_task(rows))
    numbers = summaries.by_language(on_task(rows), models, others)
    caption = summaries.BY_LANGUAGE_CAPTION.format(task=task.task)
    note = summaries.BY_LANGUAGE_NOTE + summaries.note_of_baselines(numbers) + published.note_of(others)
    write_table(numbers, summaries.format_by_language(numbers), by_language, caption, note)
    if retrieval_by_language:
        numbers = summaries.by_language(in_retrieval(rows), models)
        note = summaries.BY_LANGUAGE_NOTE + summaries.note_of_baselines(numbers)
        caption = summaries.RETRIEVAL_BY_LANGUAGE_CAPTION
        write_table(numbers, summaries.format_by_language(numbers), retrieval_by_language, caption, note)


if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    retrieval = job.output.retrieval_by_language
    with logged(job.log[0]):
        tabulate_summary(
            accuracy=Path(job.input.accuracy),
            answers=job.input.answers,
            rows_of_others=Path(job.input.published[0]) if job.input.published else None,
            lines=job.params.models,
            summary=Path(job.output.summary[0]).with_suffix(""),
            by_language=Path(job.output.by_language[0]).with_suffix(""),
            retrieval_by_language=Path(retrieval[0]).with_suffix("") if retrieval else None,
        )
