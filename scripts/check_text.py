"""Looks for sentences of dev, test and retrieval in a corpus, and whether translations are as many."""

from camembert.core.files import write_json
from camembert.data.retrieval import find_language
from camembert.data.text import check_corpus, read_documents, read_evaluated
from camembert.runtime.job import log
from snakemake_job import logged_job

if __name__ == "__main__":
    with logged_job() as job:
        examples = dict(zip(job.params.evaluated, zip(job.input.dev, job.input.test, strict=True), strict=True))
        retrieved = {
            language: [path for path in job.input.retrieval if find_language(path) == language]
            for language in job.params.evaluated
        }
        left_out = check_corpus(
            job.wildcards.corpus,
            {language: read_documents(job.input[language], **how) for language, how in job.params.reading.items()},
            {language: read_evaluated(examples[language], retrieved[language]) for language in job.params.reading},
            job.params.parallel,
            job.params.overlap,
        )
        for language, numbers in left_out.items():
            log.info("%s, %s: %d documents are left out", job.wildcards.corpus, language, len(numbers))
        write_json(job.output[0], left_out)
