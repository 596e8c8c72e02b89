"""Distils one hop: reads the teacher, cuts the student, trains it towards the teacher, writes it."""

from camembert.plan.chain import parse_chain
from camembert.plan.recipe import Recipe
from camembert.runtime.checkpoint import clear
from camembert.runtime.devices import start
from camembert.runtime.job import logged, write_run
from camembert.runtime.parallel import in_workers, workers_for
from camembert.tokens.mixture import corpora_in, tokens_of
from camembert.training.distillation import distill
from camembert.training.loop import Schedule

if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        device = start(job.params.device, job.params.threads, job.resources.gpu)
        corpora = corpora_in(job.input.corpus, job.params.shares)
        run = in_workers(
            distill,
            device,
            workers_for(device, job.resources.gpu),
            job.params.threads,
            teacher_folder=job.input.teacher,
            corpora=corpora,
            output=job.output.encoder,
            layers=parse_chain(job.wildcards.chain).layers,
            recipe=Recipe.of(job.params.recipe),
            schedule=Schedule.of(job.params.steps, job.params.settings),
            dropout=job.params.settings["dropout"],
            text=job.params.text,
            seed=job.params.seed,
            name=f"{job.wildcards.chain} run {job.wildcards.run}",
            checkpoints=job.params.checkpoints,
            checkpoint_seconds=job.params.checkpoint_seconds,
            precision=job.params.precision,
        )
        write_run(job, run, device, data_seed=job.params.seed, steps=job.params.steps, corpus_tokens=tokens_of(corpora))
        clear(job.params.checkpoints)
