"""Trains the tokenizer on the text of all languages."""

from collections.abc import Sequence
from pathlib import Path

from camembert.core.files import atomic_write
from camembert.data.text import Documents
from camembert.data.tokenizer import save_tokenizer, train_tokenizer, use_threads
from camembert.runtime.job import logged


def make_tokenizer(
    texts: Sequence[Sequence[Path]],
    limit: int | None,
    vocabulary: int,
    lowercase: bool,
    longest: int,
    output: Path,
) -> None:
    """Trains on at most `limit` documents of every language and writes a folder that `AutoTokenizer` loads."""
    with atomic_write(output) as partial:
        trained = train_tokenizer(Documents(texts, limit), vocabulary, lowercase)
        save_tokenizer(trained, partial, longest, lowercase)


if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        use_threads(job.threads)
        make_tokenizer(
            [job.input[language] for language in job.params.languages],
            job.params.limit,
            job.params.vocabulary,
            job.params.lowercase,
            job.params.longest,
            job.output[0],
        )
