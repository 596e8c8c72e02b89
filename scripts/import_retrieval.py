"""Reads line-aligned files of sentences into the workflow's parquet files."""

from camembert.data.retrieval import read_aligned, write_sentences
from camembert.runtime.job import logged

if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        files = {language: job.input[language] for language in job.params.languages}
        for sentences, path in zip(read_aligned(files, job.params.limit).values(), job.output, strict=True):
            write_sentences(sentences, path)
