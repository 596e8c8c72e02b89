"""Compares pairs of models and says in words how far one is above the other."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from camembert.core.files import write_text
from camembert.paper import comparisons
from camembert.paper.predictions import read_answers
from camembert.paper.statistics import models_of
from camembert.paper.tables import write_table
from camembert.runtime.job import logged


def tabulate_comparisons(
    answers: Path, order: Iterable[Mapping[str, Any]], pairs: Iterable[Mapping[str, Any]], table: Path, conclusion: Path
) -> None:
    """Writes .csv, .md and .tex of the comparisons, given the stem of their paths, and the sentences about them."""
    asked = comparisons.read_comparisons(pairs)
    numbers = comparisons.compare(read_answers(answers), models_of(order), asked)
    shown = comparisons.comparisons_in_print(numbers)
    write_table(numbers, shown, table, comparisons.CAPTION, comparisons.NOTE)
    write_text(conclusion, comparisons.conclusion(numbers))


if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        tabulate_comparisons(
            answers=Path(job.input.answers),
            order=job.params.order,
            pairs=job.params.pairs,
            table=Path(job.output.comparisons[0]).with_suffix(""),
            conclusion=Path(job.output.conclusion),
        )
