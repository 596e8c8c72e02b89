"""Writes CLDR-NLI: training pairs, dev and test pairs in every language, and the names of the labels."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from camembert.core.files import write_json
from camembert.data.cldr import nli
from camembert.data.tasks import write_examples
from camembert.runtime.job import logged


def make_cldr_nli(
    languages: Sequence[str],
    sizes: Mapping[str, int],
    seed: int,
    train: Sequence[Path],
    dev: Sequence[Path],
    test: Sequence[Path],
) -> None:
    """Draws the splits and writes files ``train-LANGUAGE`` and, in the order of the languages, dev and test files."""
    splits = nli.draw_splits(sizes, seed)
    for path in train:
        language = Path(path).stem.removeprefix("train-")
        write_examples(nli.render_split(splits["train"], "train", language), path)
    for split, paths in (("dev", dev), ("test", test)):
        for language, path in zip(languages, paths, strict=True):
            write_examples(nli.render_split(splits[split], split, language), path)


if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        make_cldr_nli(
            job.params.languages, job.params.sizes, job.params.seed, job.output.train, job.output.dev, job.output.test
        )
        write_json(job.output.labels, nli.LABELS)
