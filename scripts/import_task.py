"""Reads a task from a folder, or from what was downloaded, into the workflow's parquet files."""

from pathlib import Path

from camembert.core.files import write_json
from camembert.data.manifest import check_manifest, describe_files
from camembert.data.records import count_quoted_fields
from camembert.data.task_files import read_task
from camembert.data.tasks import write_examples
from camembert.plan.sources import find_task_files
from snakemake_job import logged_job

if __name__ == "__main__":
    with logged_job() as job:
        preset = job.params.preset
        for folder in job.params.folders.values():
            check_manifest(folder)
        trained = [Path(path).stem.removeprefix("train-") for path in job.output.train]
        files = find_task_files(
            job.params.folders, job.params.patterns, preset["locales"], job.params.languages, trained
        )
        task = read_task(files, preset)
        for path in map(Path, [*job.output.train, *job.output.dev, *job.output.test]):  # SPLIT-LANGUAGE.parquet
            split, _, language = path.stem.partition("-")
            write_examples(task.splits[split][language], path)
        write_json(job.output.labels, task.labels)
        sources = {}
        for split, by_language in files.items():
            paths = list(dict.fromkeys(path for paths in by_language.values() for path in paths))
            unquoted = {str(path): fields for path in paths if (fields := count_quoted_fields(path))}
            sources[split] = describe_files(paths) | {"unquoted": unquoted}
        write_json(job.output.manifest, {"sources": sources, "examples": task.counts})
