"""Tabulates and draws what every form of the release keeps and costs, beside the teacher."""

from pathlib import Path

from camembert.core.files import read_json
from camembert.release.table import tabulate_release
from snakemake_job import logged_job

if __name__ == "__main__":
    with logged_job() as job:
        tabulate_release(
            job.input.metrics,
            job.input.predictions,
            read_json(job.input.labels),
            job.params.parallel,
            job.params.kept,
            Path(job.output.table[0]).with_suffix(""),
            Path(job.output.figure[0]).with_suffix(""),
        )
