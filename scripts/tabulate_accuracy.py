"""Counts the predictions of every classifier: one row a classifier and language."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from camembert.job import logged
from camembert.statistics import models_of
from camembert.tables import accuracy_rows, write_csv


def tabulate_accuracy(
    experiment: str, order: Iterable[Mapping[str, Any]], predictions: Iterable[Path], table: Path
) -> None:
    """Writes the tidy table of accuracies of an experiment; order is its plan, in display order."""
    write_csv(accuracy_rows(experiment, models_of(order), predictions), table)


if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        tabulate_accuracy(
            experiment=job.params.experiment,
            order=job.params.order,
            predictions=job.input.predictions,
            table=Path(job.output.table),
        )
