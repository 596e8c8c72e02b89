"""Downloads one source from the Hugging Face hub; the only kind of job that uses the network."""

from functools import partial

from camembert.data.hub import download, matching, model_files
from camembert.runtime.job import logged

if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        source = job.params.source
        choose = partial(matching, source["files"]) if "files" in source else model_files
        download(source["repository"], source["kind"], source["revision"], choose, job.output[0], job.params.unfinished)
