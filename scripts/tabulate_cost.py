"""Adds up what the run cost, stage by stage."""

from collections.abc import Iterable
from pathlib import Path

from camembert.paper.tables.cost import CAPTION, NOTE, cost_of, format_cost, read_jobs
from camembert.paper.tables.writing import write_table
from camembert.runtime.job import logged


def tabulate_cost(metrics: Iterable[Path], benchmarks: Iterable[Path], table: Path) -> None:
    """Writes .csv, .md and .tex of the cost table, given the stem of their paths."""
    cost = cost_of(read_jobs(metrics, benchmarks))
    write_table(cost, format_cost(cost), table, CAPTION, NOTE)


if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        tabulate_cost(job.input.metrics, job.input.benchmarks, Path(job.output.cost[0]).with_suffix(""))
