"""Reads inference data from a folder, or from what was downloaded, into the workflow's parquet files."""

from collections.abc import Sequence
from pathlib import Path

from camembert.data.manifest import check_manifest
from camembert.data.nli import Pair, write_pairs
from camembert.data.nli_sources import read_splits
from camembert.runtime.job import logged


def write_splits(
    splits: dict[str, dict[str, list[Pair]]],
    languages: Sequence[str],
    train: Path,
    dev: Sequence[Path],
    test: Sequence[Path],
) -> None:
    """Writes the training file and, in the order of the languages, the dev and test files."""
    write_pairs(splits["train"]["en"], train)
    for split, paths in (("dev", dev), ("test", test)):
        for language, path in zip(languages, paths, strict=True):
            write_pairs(splits[split][language], path)


if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        files = {split: list(paths) for split, paths in job.input.items()}
        for split in job.params.patterns:  # what was downloaded
            check_manifest(files[split][0])
        splits = read_splits(files, job.params.patterns, job.params.languages, job.params.train_limit)
        write_splits(splits, job.params.languages, job.output.train, job.output.dev, job.output.test)
