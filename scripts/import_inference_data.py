"""Reads inference data from a folder in XTREME's layout: train-en.tsv, dev-XX.tsv, test-XX.tsv."""

from collections.abc import Sequence
from pathlib import Path

from camembert.job import logged
from camembert.nli import halve_by_premise, read_parallel, read_tsv, write_pairs


def import_inference_data(
    folder: Path,
    languages: Sequence[str],
    train_limit: int | None,
    split_dev: bool,
    train: Path,
    dev: Sequence[Path],
    test: Sequence[Path],
) -> None:
    """Writes the training file and, in the order of the languages, the dev and test files.

    Where `split_dev` is set, half of the premises of dev become the test set.
    """
    write_pairs(read_tsv(folder / "train-en.tsv", "train")[:train_limit], train)
    dev_pairs = read_parallel(folder, "dev", languages)
    if split_dev:
        halves = halve_by_premise(dev_pairs["en"])
        splits = [{language: [pairs[row] for row in half] for language, pairs in dev_pairs.items()} for half in halves]
    else:
        splits = [dev_pairs, read_parallel(folder, "test", languages)]
    for pairs, paths in zip(splits, (dev, test), strict=True):
        for language, path in zip(languages, paths, strict=True):
            write_pairs(pairs[language], path)


if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        import_inference_data(
            Path(job.params.folder),
            job.params.languages,
            job.params.train_limit,
            job.params.split_dev,
            job.output.train,
            job.output.dev,
            job.output.test,
        )
