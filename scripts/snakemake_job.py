"""What the scripts that measure share: they map the `snakemake` object of a job to a call of the library."""

from typing import Any

from camembert.runtime import job as jobs


def write_metrics(job: Any, work: jobs.Work, **facts: Any) -> None:
    """Writes the metrics of a job: which model it is of, what it took, what it ran with, and facts."""
    which = {"wildcards": dict(job.wildcards.items()), "config": job.config, "threads": job.params.threads}
    jobs.write_metrics(job.output.metrics, work, **which, **facts)
