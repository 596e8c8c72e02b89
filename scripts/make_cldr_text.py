"""Writes the parallel CLDR text, a document a line: document i of every language says the same."""

from camembert.core.files import write_text
from camembert.data.cldr import draw_documents, render_all
from camembert.runtime.job import logged

if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        drawn = list(draw_documents(job.params.documents, job.params.seed))
        for language, path in zip(job.params.languages, job.output, strict=True):
            write_text(path, "".join(f"{render_all(document, language)}\n" for document in drawn))
