"""Writes the soft labels of a fine-tuned classifier, which its students learn: a file of logits, a row an example."""

from camembert.core.files import read_json
from camembert.runtime.devices import describe_device, start
from camembert.runtime.job import Stopwatch
from camembert.training.soft_labels import write_soft_labels
from snakemake_job import logged_job, write_metrics

if __name__ == "__main__":
    with logged_job() as job:
        device = start(job.params.device, job.params.threads, job.resources.gpu)
        with Stopwatch() as watch:
            flops = write_soft_labels(
                job.input.classifier,
                [*job.input.train, *job.input.unlabelled],
                read_json(job.input.labels),
                job.output.soft_labels,
                max_length=job.params.max_length,
                batch_tokens=job.params.batch_tokens,
                device=device,
            )
        write_metrics(job, watch, **describe_device(device, "fp32"), training_flops=flops)
