"""Writes the parallel CLDR text: document i of every language says the same."""

from collections.abc import Sequence
from pathlib import Path

from camembert.core.files import write_text
from camembert.data.cldr.documents import draw_documents
from camembert.data.cldr.facts import render_all
from camembert.runtime.job import logged


def make_cldr_text(languages: Sequence[str], documents: int, seed: int, output: Sequence[Path]) -> None:
    """Draws documents and writes them, one a line, into one file a language."""
    drawn = list(draw_documents(documents, seed))
    for language, path in zip(languages, output, strict=True):
        write_text(path, "".join(f"{render_all(document, language)}\n" for document in drawn))


if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        make_cldr_text(job.params.languages, job.params.documents, job.params.seed, job.output)
