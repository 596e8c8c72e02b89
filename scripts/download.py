"""Downloads one source from the Hugging Face hub; the only kind of job that uses the network."""

from functools import partial

from camembert.data.downloads import choose_matching, choose_model_files, download_repository
from snakemake_job import logged_job

if __name__ == "__main__":
    with logged_job() as job:
        source = job.params.source
        choose = partial(choose_matching, source["files"]) if "files" in source else choose_model_files
        which = source["repository"], source["kind"], source["revision"]
        download_repository(*which, choose, job.output[0], job.params.unfinished)
