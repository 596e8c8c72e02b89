"""Tabulates what every form of the released classifier keeps and costs."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from camembert.core.files import read_json
from camembert.paper.tables.writing import write_table
from camembert.release.release import CAPTION, format_release, release_note, release_table
from camembert.runtime.job import logged


def tabulate_release(metrics: Iterable[Path], kept: Sequence[str], lengths: Sequence[int], stem: Path) -> None:
    """Writes .csv, .md and .tex of the table of the release, given the stem of their paths."""
    measured = {facts["form"]: facts for facts in map(read_json, metrics)}
    numbers = release_table(measured, kept)
    write_table(numbers, format_release(numbers, lengths), stem, CAPTION, release_note(numbers, measured, kept))


if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        tabulate_release(
            job.input.metrics, job.params.kept, job.params.lengths, Path(job.output.table[0]).with_suffix("")
        )
