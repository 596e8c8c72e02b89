"""Brings together the metrics of every job and the curves of every training."""

from camembert.paper.record import collect_curves, collect_metrics
from camembert.runtime.job import logged

if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        collect_metrics(job.input.metrics, job.input.benchmarks, job.output.metrics)
        collect_curves(job.input.curves, job.output.curves)
