"""Pre-trains an encoder from random weights by masked language modelling: the teacher, and controls without one."""

from camembert.plan.chain import parse_chain
from camembert.plan.teachers import folder_of
from camembert.runtime.checkpoint import clear
from camembert.runtime.devices import start
from camembert.runtime.job import logged, write_run
from camembert.runtime.parallel import in_workers, workers_for
from camembert.tokens.mixture import corpora_in, tokens_of
from camembert.training.loop import Schedule
from camembert.training.pretraining import pretrain

if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        device = start(job.params.device, job.params.threads, job.resources.gpu)
        corpora = corpora_in(job.input.corpus, job.params.shares)
        run = in_workers(
            pretrain,
            device,
            workers_for(device, job.resources.gpu),
            job.params.threads,
            corpora=corpora,
            tokenizer_folder=job.input.tokenizer[0],
            output=job.output.encoder,
            layers=parse_chain(job.wildcards.chain).layers,
            architecture=job.params.architecture,
            schedule=Schedule.of(job.params.steps, job.params.settings),
            mask=job.params.settings["mask"],
            bag_of_words=job.params.settings["bag_of_words"],
            dropout=job.params.settings["dropout"],
            text=job.params.text,
            seed=job.params.seed,
            name=f"{job.wildcards.chain} run {job.wildcards.run}",
            checkpoints=job.params.checkpoints,
            checkpoint_seconds=job.params.checkpoint_seconds,
            precision=job.params.precision,
            like=folder_of(job.input.like) if job.input.like else None,
        )
        write_run(job, run, device, data_seed=job.params.seed, steps=job.params.steps, corpus_tokens=tokens_of(corpora))
        clear(job.params.checkpoints)
