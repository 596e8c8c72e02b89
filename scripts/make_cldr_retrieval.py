"""Writes parallel CLDR documents for retrieval that the text corpus does not hold."""

from camembert.data.cldr import draw_unseen_documents, render_all
from camembert.data.retrieval import number_sentences, write_sentences
from snakemake_job import logged_job

if __name__ == "__main__":
    with logged_job() as job:
        drawn = draw_unseen_documents(
            job.params.documents, job.params.seed, job.params.corpus_documents, job.params.languages
        )
        for language, path in zip(job.params.languages, job.output, strict=True):
            write_sentences(number_sentences([render_all(document, language) for document in drawn]), path)
