"""Reads line-aligned files of sentences into the workflow's parquet files."""

from camembert.core.files import write_json
from camembert.data.manifest import describe
from camembert.data.records import lines
from camembert.data.retrieval import read_aligned, write_sentences
from camembert.runtime.job import logged

if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        files = {language: job.input[language] for language in job.params.languages}
        read = read_aligned(files, job.params.limit)
        for sentences, path in zip(read.values(), job.output.sentences, strict=True):
            write_sentences(sentences, path)
        counts = {"lines": sum(1 for _ in lines(files["en"])), "sentences": len(read["en"])}
        write_json(job.output.manifest, describe(list(files.values())) | counts)
