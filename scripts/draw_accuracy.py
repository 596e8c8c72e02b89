"""Draws accuracy by language, on the task and in retrieval, and along the cascade."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from camembert.paper.answers import read_chance
from camembert.paper.figures.accuracy import accuracy_along_cascade, accuracy_by_language
from camembert.paper.published import read_published
from camembert.paper.statistics import RETRIEVAL, in_retrieval, models_of, on_task
from camembert.paper.tables.writing import read_accuracy
from camembert.runtime.job import logged


def draw_accuracy(
    accuracy: Path,
    answers: Iterable[Path],
    rows_of_others: Path | None,
    lines: Iterable[Mapping[str, Any]],
    by_language: Path,
    retrieval_by_language: Path | None,
    along_cascade: Path,
) -> None:
    """Draws the figures of accuracy as .pdf and .png, given the stems of their paths.

    Args:
        accuracy: the tidy table of accuracies.
        answers: of the task and, where it was evaluated, of retrieval; they know what chance is.
        rows_of_others: published accuracies on the task, if any.
        lines: models in display order.
        by_language, retrieval_by_language, along_cascade: where to; the second is None where there is no retrieval.
    """
    rows, models, chance = read_accuracy(accuracy), models_of(lines), dict(map(read_chance, answers))
    classified = on_task(rows)
    published = read_published(rows_of_others, classified)
    accuracy_by_language(classified, models, by_language, chance[classified["task"].iloc[0]], published)
    if retrieval_by_language:
        accuracy_by_language(in_retrieval(rows), models, retrieval_by_language, chance[RETRIEVAL])
    accuracy_along_cascade(rows, models, along_cascade)


if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    retrieval = job.output.retrieval_by_language
    with logged(job.log[0]):
        draw_accuracy(
            accuracy=Path(job.input.accuracy),
            answers=job.input.answers,
            rows_of_others=Path(job.input.published[0]) if job.input.published else None,
            lines=job.params.models,
            by_language=Path(job.output.by_language[0]).with_suffix(""),
            retrieval_by_language=Path(retrieval[0]).with_suffix("") if retrieval else None,
            along_cascade=Path(job.output.along_cascade[0]).with_suffix(""),
        )
