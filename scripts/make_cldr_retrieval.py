"""Writes parallel CLDR documents for retrieval that the text corpus does not hold."""

from collections.abc import Sequence
from pathlib import Path

from camembert.data.cldr.documents import draw_unseen_documents
from camembert.data.cldr.facts import render_all
from camembert.data.retrieval import numbered, write_sentences
from camembert.runtime.job import logged


def make_cldr_retrieval(
    languages: Sequence[str], documents: int, corpus_documents: int, seed: int, output: Sequence[Path]
) -> None:
    """Draws documents and writes one file a language, in the order of the languages."""
    drawn = draw_unseen_documents(documents, seed, corpus_documents, languages)
    for language, path in zip(languages, output, strict=True):
        write_sentences(numbered([render_all(document, language) for document in drawn]), path)


if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        make_cldr_retrieval(
            job.params.languages, job.params.documents, job.params.corpus_documents, job.params.seed, job.output
        )
