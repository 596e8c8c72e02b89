"""Writes the parallel CLDR text, a document a line: document i of every language says the same."""

from camembert.core.files import write_text
from camembert.data.cldr import draw_documents, render_all
from snakemake_job import logged_job

if __name__ == "__main__":
    with logged_job() as job:
        drawn = list(draw_documents(job.params.documents, job.params.seed))
        for language, path in zip(job.params.languages, job.output, strict=True):
            write_text(path, "".join(f"{render_all(document, language)}\n" for document in drawn))
