"""Brings together the metrics of every job and the curves of every training, with the config that they are of."""

from camembert.core.files import write_json
from camembert.paper.record import collect_curves, collect_metrics
from snakemake_job import logged_job

if __name__ == "__main__":
    with logged_job() as job:
        collect_metrics(job.input.metrics, job.input.benchmarks, job.output.metrics)
        collect_curves(job.input.curves, job.output.curves)
        write_json(job.output.config, job.config)
