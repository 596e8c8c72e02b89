"""Reads sentences that say the same in several languages into the workflow's parquet files."""

from camembert.core.files import write_json
from camembert.data.manifest import check_manifest, describe_files
from camembert.data.retrieval import read_aligned, read_paired, write_sentences
from snakemake_job import logged_job

if __name__ == "__main__":
    with logged_job() as job:
        files = {language: job.input[language] for language in job.params.languages}
        columns = job.params.get("columns")
        if columns is None:
            sides = list(read_aligned(files, job.params.limit).values())
        else:
            for source in files.values():
                check_manifest(source[0])
            pairs = [read_paired(own, columns, name, job.params.limit) for name, own in files.items()]
            sides = [own for own, _ in pairs] + [english for _, english in pairs]
        for sentences, path in zip(sides, job.output.sentences, strict=True):
            write_sentences(sentences, path)
        read = [path for own in files.values() for path in ([own] if isinstance(own, str) else own)]
        write_json(job.output.manifest, describe_files(read) | {"sentences": [len(side) for side in sides]})
