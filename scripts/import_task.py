"""Reads a task from a folder, or from what was downloaded, into the workflow's parquet files."""

from collections.abc import Sequence
from pathlib import Path

from camembert.core.files import write_json
from camembert.data.manifest import MANIFEST, check_manifest
from camembert.data.task_files import Preset, Splits, read_task
from camembert.data.tasks import write_examples
from camembert.plan.sources import ENGLISH, files_of_task
from camembert.runtime.job import logged


def write_splits(
    splits: Splits, languages: Sequence[str], train: Path, dev: Sequence[Path], test: Sequence[Path]
) -> None:
    """Writes the training file and, in the order of the languages, the dev and test files."""
    write_examples(splits["train"][ENGLISH], train)
    for split, paths in (("dev", dev), ("test", test)):
        for language, path in zip(languages, paths, strict=True):
            write_examples(splits[split][language], path)


if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        preset = Preset(**job.params.preset)
        for folder in job.params.folders.values():
            if (Path(folder) / MANIFEST).is_file():  # what was downloaded
                check_manifest(folder)
        files = files_of_task(job.params.folders, job.params.patterns, preset.locales, job.params.languages)
        splits, labels = read_task(files, preset, job.params.train_limit)
        write_splits(splits, job.params.languages, job.output.train, job.output.dev, job.output.test)
        write_json(job.output.labels, labels)
