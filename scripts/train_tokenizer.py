"""Trains the tokenizer on the text of all languages."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from camembert.core.files import whole
from camembert.data.text import Documents
from camembert.data.tokenizer import save_tokenizer, train_tokenizer, use_threads
from camembert.runtime.job import logged


def make_tokenizer(
    texts: Sequence[tuple[Sequence[Path], Mapping[str, Any]]],
    vocabulary: int,
    lowercase: bool,
    longest: int,
    output: Path,
) -> None:
    """Trains on files, each read as `read_documents` is told, and writes a folder that `AutoTokenizer` loads."""
    with whole(output) as partial:
        trained = train_tokenizer(Documents(texts), vocabulary, lowercase)
        save_tokenizer(trained, partial, longest, lowercase)


if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        use_threads(job.threads)
        make_tokenizer(
            [(job.input[name], reading) for name, reading in job.params.text.items()],
            job.params.vocabulary,
            job.params.lowercase,
            job.params.longest,
            job.output[0],
        )
