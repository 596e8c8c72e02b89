"""Tabulates what every model costs to keep, to run and to train."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from camembert.paper.statistics import models_of
from camembert.paper.tables import efficiency as table
from camembert.paper.tables.writing import write_table
from camembert.runtime.job import logged


def tabulate_efficiency(
    measured: Iterable[Path],
    encoders: Iterable[Path],
    lines: Iterable[Mapping[str, Any]],
    lengths: Sequence[int],
    summary: Path,
    stem: Path,
) -> None:
    """Writes .csv, .md and .tex of the efficiency table, given the stem of their paths."""
    facts = table.read_efficiency(measured)
    numbers = table.efficiency(facts, table.read_training(encoders), models_of(lines))
    worth = pd.read_csv(summary, dtype={"recipe": str, "chain": str})
    shown = table.format_efficiency(numbers, lengths, worth)
    write_table(numbers, shown, stem, table.CAPTION, table.note(facts, numbers))


if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        tabulate_efficiency(
            job.input.measured,
            job.input.encoders,
            job.params.models,
            job.params.lengths,
            Path(job.input.summary),
            Path(job.output.table[0]).with_suffix(""),
        )
