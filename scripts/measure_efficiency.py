"""Measures what encoders of one depth cost to keep and to run, in a process that does nothing else."""

from camembert.evaluation.efficiency import measure_encoder
from camembert.runtime.devices import start
from camembert.runtime.job import Stopwatch, log
from snakemake_job import logged_job, write_metrics

if __name__ == "__main__":
    with logged_job() as job:
        device = start(job.params.device, job.params.threads, job.resources.gpu)
        with Stopwatch() as watch:
            facts = measure_encoder(job.input.encoder, device, job.params.settings, job.params.precision)
        for at in facts["speed"]:
            log.info("%.2f ms for a sentence of %d tokens", at["latency_ms"], at["tokens"])
            if max(at["latency_spread"], at["rows_per_second_spread"]) > facts["steady_within"]:
                log.warning("unsteady at %d tokens: something else used this machine meanwhile", at["tokens"])
        write_metrics(job, watch, **facts)
