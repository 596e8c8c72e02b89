"""Makes the table and the figure of what the recipe changes."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from camembert.paper.answers import read_answers
from camembert.paper.figures.ablation import ablation as draw_ablation
from camembert.paper.statistics import models_of
from camembert.paper.tables import ablation
from camembert.paper.tables.writing import write_table
from camembert.runtime.job import logged


def tabulate_ablation(
    answers: Iterable[Path], lines: Iterable[Mapping[str, Any]], recipes: Sequence[str], table: Path, figure: Path
) -> None:
    """Writes .csv, .md and .tex of the ablation and draws it as .pdf and .png, given the stems of their paths."""
    numbers = ablation.ablation(map(read_answers, answers), models_of(lines), recipes)
    write_table(numbers, ablation.format_ablation(numbers), table, ablation.CAPTION, ablation.note(numbers))
    draw_ablation(numbers, figure)


if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        tabulate_ablation(
            answers=job.input.answers,
            lines=job.params.models,
            recipes=job.params.recipes,
            table=Path(job.output.table[0]).with_suffix(""),
            figure=Path(job.output.figure[0]).with_suffix(""),
        )
