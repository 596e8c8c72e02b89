"""Downloads one source from the Hugging Face hub; the only kind of job that uses the network."""

from functools import partial

from camembert.data.downloads import choose_matching, choose_model_files, download_repository
from camembert.runtime.job import logged

if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        source = job.params.source
        choose = partial(choose_matching, source["files"]) if "files" in source else choose_model_files
        which = source["repository"], source["kind"], source["revision"]
        download_repository(*which, choose, job.output[0], job.params.unfinished)
