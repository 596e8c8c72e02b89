"""Writes parallel CLDR documents for retrieval that the text corpus does not hold."""

from camembert.data.cldr import draw_unseen_documents, render_all
from camembert.data.retrieval import number_sentences, write_sentences
from camembert.runtime.job import logged

if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        drawn = draw_unseen_documents(
            job.params.documents, job.params.seed, job.params.corpus_documents, job.params.languages
        )
        for language, path in zip(job.params.languages, job.output, strict=True):
            write_sentences(number_sentences([render_all(document, language) for document in drawn]), path)
