"""Turns the text of one language into a shard of token ids."""

from collections import Counter

from camembert.core.files import read_json
from camembert.core.provenance import hash_json
from camembert.data.manifest import describe_files
from camembert.data.text import read_documents
from camembert.runtime.job import log
from camembert.tokens.corpora import write_shard
from camembert.tokens.tokenizer import load_tokenizer, use_threads
from snakemake_job import logged_job

if __name__ == "__main__":
    with logged_job() as job:
        use_threads(job.threads)
        evaluated = set(read_json(job.input.checked[0])[job.wildcards.language]) if job.input.checked else set()
        left_out = Counter[str]()
        write_shard(
            job.output[0],
            read_documents(job.input.text, **job.params.reading, without=evaluated, left_out=left_out),
            load_tokenizer(job.input.tokenizer[0]),
            {
                "source": describe_files(job.input.text),
                "parallel": job.params.parallel,
                "reading": job.params.reading,
                "evaluated": hash_json(sorted(evaluated)),
            },
            unfinished=job.params.unfinished,
            journal_seconds=job.params.checkpoint_seconds,
            left_out=left_out,
        )
        for why, documents in left_out.items():
            log.info("%s, %s: %d %s documents left out", job.wildcards.corpus, job.wildcards.language, documents, why)
