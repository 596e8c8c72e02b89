"""Tabulates and draws what every form of the release keeps and costs, beside the teacher."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from camembert.core.files import read_json
from camembert.paper.tables.writing import write_table
from camembert.release.table import CAPTION, draw_release, format_release, interval_of, release_note, release_table
from camembert.runtime.job import logged


def tabulate_release(
    metrics: Mapping[str, Path],
    predictions: Mapping[str, Mapping[str, Path]],
    labels: Sequence[str],
    parallel: bool,
    kept: Sequence[str],
    table: Path,
    figure: Path,
) -> None:
    """Writes .csv, .md and .tex of the table and .pdf and .png of the figure, given the stems of their paths.

    Args:
        metrics: JSON files by form, in the order of the rows.
        predictions: parquet files by form and language, of classifiers.
        labels: of the task.
        parallel: whether the test items of every language are translations.
        kept: languages whose tokens a trimmed vocabulary keeps.
        table: stem.
        figure: stem.
    """
    measured = {form: read_json(path) for form, path in metrics.items()}
    accuracy = {form: interval_of(own, labels, parallel) for form, own in predictions.items()}
    numbers = release_table(measured, accuracy, kept)
    one = next(iter(measured.values()))
    tokens = one["speed"][0]["tokens"]
    shown = format_release(numbers, tokens, one["batch"])
    write_table(numbers, shown, table, CAPTION, release_note(numbers, measured, kept, tokens))
    draw_release(numbers, tokens, figure)


if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        by_form: dict[str, dict[str, Path]] = {}
        for path in map(Path, job.input.predictions):
            by_form.setdefault(path.parent.name, {})[path.stem] = path
        tabulate_release(
            {Path(path).stem: path for path in job.input.metrics},
            by_form,
            read_json(job.input.labels),
            job.params.parallel,
            job.params.kept,
            Path(job.output.table[0]).with_suffix(""),
            Path(job.output.figure[0]).with_suffix(""),
        )
