"""Distils one hop: reads the teacher, cuts the student, trains it towards the teacher, writes it."""

from camembert.plan.chain import parse_chain
from camembert.plan.recipe import Recipe
from camembert.runtime.checkpoint import clear
from camembert.runtime.devices import start
from camembert.runtime.job import logged, write_run
from camembert.runtime.parallel import in_workers, workers_for
from camembert.tokens.mixture import tokens_of
from camembert.training.distillation import distill
from camembert.training.packed_text import TextTraining

if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        clear(job.params.teacher_checkpoints)
        device = start(job.params.device, job.params.threads, job.resources.gpu)
        training = TextTraining.of_job(job)
        run = in_workers(
            distill,
            device,
            workers_for(device, job.resources.gpu),
            job.params.threads,
            teacher_folder=job.input.teacher,
            output=job.output.encoder,
            training=training,
            layers=parse_chain(job.wildcards.chain).layers,
            recipe=Recipe.of(job.params.recipe),
            dropout=job.params.settings["dropout"],
        )
        facts = {"data_seed": training.seed, "steps": training.schedule.steps}
        write_run(job, run, device, **facts, corpus_tokens=tokens_of(training.corpora))
