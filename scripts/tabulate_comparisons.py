"""Compares pairs of models and says in words how far one is above the other."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from camembert.core.files import write_text
from camembert.paper.answers import read_answers
from camembert.paper.intervals import coverage
from camembert.paper.statistics import models_of
from camembert.paper.tables import comparisons
from camembert.paper.tables.conclusion import conclusion
from camembert.paper.tables.convergence import read_convergence
from camembert.paper.tables.writing import write_table
from camembert.runtime.job import logged


def tabulate_comparisons(
    answers: Iterable[Path],
    convergence: Path,
    lines: Iterable[Mapping[str, Any]],
    planned: Iterable[Mapping[str, Any]],
    margin: float,
    table: Path,
    sentences: Path,
) -> None:
    """Writes .csv, .md and .tex of the comparisons, given the stem of their paths, and the sentences about them."""
    numbers = comparisons.compare(map(read_answers, answers), models_of(lines), comparisons.read_planned(planned))
    shown = comparisons.format_comparisons(numbers, margin)
    note = f"{coverage(numbers['covers'], numbers['runs'])} {comparisons.NOTE.format(margin=margin)}"
    write_table(numbers, shown, table, comparisons.CAPTION, note)
    write_text(sentences, conclusion(numbers, margin, read_convergence(convergence)))


if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        tabulate_comparisons(
            answers=job.input.answers,
            convergence=Path(job.input.convergence),
            lines=job.params.models,
            planned=job.params.planned,
            margin=job.params.margin,
            table=Path(job.output.comparisons[0]).with_suffix(""),
            sentences=Path(job.output.conclusion),
        )
