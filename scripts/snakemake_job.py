"""What scripts share: the job that Snakemake runs them for, its log and its metrics."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from camembert.runtime import job as jobs


@contextmanager
def logged_job() -> Iterator[Any]:
    """Yields the job of the script that runs; messages and errors go to the job's log."""
    import __main__

    job = __main__.snakemake  # Snakemake gives it to the script as a global
    with jobs.logged(job.log[0]):
        yield job


def write_metrics(job: Any, work: jobs.Work, **facts: Any) -> None:
    """Writes the metrics of a job: which model it is of, what it took, what it ran with, and facts."""
    which = {"wildcards": dict(job.wildcards.items()), "config": job.config, "threads": job.params.threads}
    jobs.write_metrics(job.output.metrics, work, **which, **facts)
