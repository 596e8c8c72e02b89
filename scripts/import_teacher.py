"""Makes a BERT checkpoint from elsewhere the teacher of the workflow."""

from camembert.core.files import write_json_lines
from camembert.models.teacher import import_teacher
from camembert.plan.teachers import find_model_folder
from camembert.runtime.devices import start
from camembert.runtime.job import Stopwatch
from snakemake_job import logged_job, write_metrics

if __name__ == "__main__":
    with logged_job() as job:
        device = start("cpu", job.params.threads, 0)
        with Stopwatch() as work:
            found = import_teacher(
                find_model_folder(job.input.source),
                job.input.tokenizer[0],
                job.output.encoder,
                job.params.declared,
                job.params.vocabulary,
            )
        write_json_lines(job.output.curve, [])
        facts = {"steps": 0, "tokens": 0, "training_flops": 0.0, "device": str(device)}
        write_metrics(job, work, **facts, source=job.params.source, came_with=found)
