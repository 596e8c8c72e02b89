"""Trains the tokenizer on the text of all languages."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from camembert.core.files import atomic_write, read_json
from camembert.data.text import Documents
from camembert.runtime.job import logged
from camembert.tokens.tokenizer import save_tokenizer, train_tokenizer, use_threads


def make_tokenizer(
    texts: Sequence[tuple[Sequence[Path], Mapping[str, Any]]],
    vocabulary: int,
    lowercase: bool,
    longest: int,
    output: Path,
) -> None:
    """Trains on files, each read as `read_documents` is told, and writes a folder that `AutoTokenizer` loads."""
    with atomic_write(output) as partial:
        trained = train_tokenizer(Documents(texts), vocabulary, lowercase)
        save_tokenizer(trained, partial, longest, lowercase)


def left_out(checked: Sequence[Path], language: str, corpus: str) -> set[int]:
    """The documents of a corpus in a language that no training reads, by the files that say so."""
    return {number for path in checked if Path(path).stem == corpus for number in read_json(path)[language]}


if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        use_threads(job.threads)
        make_tokenizer(
            [
                (job.input[name], reading | {"without": left_out(job.input.checked, *name.split("_", 1))})
                for name, reading in job.params.text.items()
            ],
            job.params.vocabulary,
            job.params.lowercase,
            job.params.longest,
            job.output[0],
        )
