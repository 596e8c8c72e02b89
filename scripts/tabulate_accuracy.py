"""Reads the predictions of every classifier, once, and counts the right ones."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from camembert.paper.predictions import count, write_answers
from camembert.paper.statistics import models_of
from camembert.paper.tables import write_csv
from camembert.runtime.job import logged


def tabulate_accuracy(
    experiment: str, order: Iterable[Mapping[str, Any]], predictions: Iterable[Path], table: Path, answers: Path
) -> None:
    """Writes the tidy table of accuracies, and which pairs were right; order is the plan, in display order."""
    accuracy, right = count(experiment, models_of(order), predictions)
    write_csv(accuracy, table)
    write_answers(right, answers)


if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        tabulate_accuracy(
            experiment=job.params.experiment,
            order=job.params.order,
            predictions=job.input.predictions,
            table=Path(job.output.table),
            answers=Path(job.output.answers),
        )
