"""Trains the tokenizer on the text of all languages."""

from pathlib import Path

from camembert.core.files import atomic_write
from camembert.data.leaks import documents_read
from camembert.data.text import Documents
from camembert.runtime.job import logged
from camembert.tokens.tokenizer import save_tokenizer, train_tokenizer, use_threads


def make_tokenizer(documents: Documents, vocabulary: int, lowercase: bool, longest: int, output: Path) -> None:
    """Trains on documents and writes a folder that `AutoTokenizer` loads."""
    with atomic_write(output) as partial:
        trained = train_tokenizer(documents, vocabulary, lowercase)
        save_tokenizer(trained, partial, longest, lowercase)


if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        use_threads(job.threads)
        make_tokenizer(
            documents_read(dict(job.input.items()), job.params.text, job.input.checked),
            job.params.vocabulary,
            job.params.lowercase,
            job.params.longest,
            job.output[0],
        )
