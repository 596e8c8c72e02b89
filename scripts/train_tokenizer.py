"""Trains the tokenizer on the text of all languages."""

from collections.abc import Sequence
from pathlib import Path

from camembert.corpus import read_lines
from camembert.files import whole
from camembert.job import logged
from camembert.tokenizer import save_tokenizer, train_tokenizer


def make_tokenizer(
    texts: Sequence[Path], limit: int | None, vocabulary: int, lowercase: bool, longest: int, output: Path
) -> None:
    """Trains on at most `limit` lines of every text and writes a folder that `AutoTokenizer` loads."""
    lines = [line for path in texts for line in read_lines(path, limit)]
    with whole(output) as partial:
        save_tokenizer(train_tokenizer(lines, vocabulary, lowercase), partial, longest, lowercase)


if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        make_tokenizer(
            job.input.texts,
            job.params.limit,
            job.params.vocabulary,
            job.params.lowercase,
            job.params.longest,
            job.output[0],
        )
