"""Reads a task from a folder, or from what was downloaded, into the workflow's parquet files."""

from pathlib import Path
from typing import Any

from camembert.core.files import write_json
from camembert.data.manifest import check_manifest, describe
from camembert.data.records import is_tab_separated, quoted_fields
from camembert.data.task_files import Files, Preset, read_task
from camembert.data.tasks import write_examples
from camembert.plan.sources import files_of_task
from camembert.runtime.job import logged


def sources_of(files: Files) -> dict[str, Any]:
    """By split, what its files are, and how many fields of those that a CSV writer wrote were unquoted."""
    found = {}
    for split, by_language in files.items():
        paths = list(dict.fromkeys(path for paths in by_language.values() for path in paths))
        unquoted = {str(path): quoted_fields(path) for path in paths if is_tab_separated(path)}
        found[split] = describe(paths) | {"unquoted": {path: fields for path, fields in unquoted.items() if fields}}
    return found


if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        preset = Preset(**job.params.preset)
        for folder in job.params.folders.values():
            check_manifest(folder)
        trained = [Path(path).stem.removeprefix("train-") for path in job.output.train]
        files = files_of_task(job.params.folders, job.params.patterns, preset.locales, job.params.languages, trained)
        task = read_task(files, preset, job.params.train_limit)
        for path in map(Path, [*job.output.train, *job.output.dev, *job.output.test]):  # SPLIT-LANGUAGE.parquet
            split, _, language = path.stem.partition("-")
            write_examples(task.splits[split][language], path)
        write_json(job.output.labels, task.labels)
        write_json(job.output.manifest, {"sources": sources_of(files), "examples": task.counts})
