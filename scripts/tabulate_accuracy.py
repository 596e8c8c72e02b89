"""Reads the predictions of every classifier and what every encoder retrieved, once, and counts what is right."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from camembert.paper.answers import write_answers
from camembert.paper.predictions import accuracy_of, count_predictions, count_retrieval
from camembert.paper.statistics import models_of
from camembert.paper.tables.writing import write_csv
from camembert.runtime.job import logged


def tabulate_accuracy(
    experiment: str,
    task: str,
    parallel: bool,
    lines: Iterable[Mapping[str, Any]],
    predictions: Iterable[Path],
    retrieval: Iterable[Path],
    table: Path,
    answers: Sequence[Path],
) -> None:
    """Writes the tidy table of accuracies, and which items were right, an evaluation a file.

    Args:
        experiment, task: names.
        parallel: whether the task has the same items in every language.
        lines: models in display order.
        predictions: files of classifiers.
        retrieval: files of encoders; none where retrieval is not evaluated.
        table, answers: where to; as many files of answers as there are evaluations, the task first.
    """
    models = models_of(lines)
    retrieved = count_retrieval(models, retrieval)
    evaluations = [count_predictions(task, models, predictions, parallel), *([retrieved] if retrieved else [])]
    write_csv(accuracy_of(experiment, models, evaluations), table)
    for evaluation, path in zip(evaluations, answers, strict=True):
        write_answers(evaluation, path)


if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        tabulate_accuracy(
            experiment=job.params.experiment,
            task=job.params.task,
            parallel=job.params.parallel,
            lines=job.params.models,
            predictions=job.input.predictions,
            retrieval=job.input.retrieval,
            table=Path(job.output.table),
            answers=job.output.answers,
        )
