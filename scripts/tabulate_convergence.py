"""Tabulates whether the fine-tuning of every classifier had converged."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from camembert.paper.statistics import models_of
from camembert.paper.tables import convergence
from camembert.paper.tables.writing import write_table
from camembert.runtime.job import logged


def tabulate_convergence(curves: Iterable[Path], lines: Iterable[Mapping[str, Any]], table: Path) -> None:
    """Writes .csv, .md and .tex of the convergence, given the stem of their paths."""
    numbers = convergence.convergence(curves, models_of(lines))
    shown = convergence.format_convergence(numbers)
    write_table(numbers, shown, table, convergence.CAPTION, convergence.note())


if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        tabulate_convergence(
            curves=job.input.curves, lines=job.params.models, table=Path(job.output.table[0]).with_suffix("")
        )
