"""Pre-trains an encoder from random weights by masked language modelling: the teacher, and controls without one."""

from camembert.plan.chain import parse_chain
from camembert.plan.teachers import folder_of
from camembert.runtime.devices import start
from camembert.runtime.job import logged, write_run
from camembert.runtime.parallel import in_workers, workers_for
from camembert.tokens.mixture import tokens_of
from camembert.training.packed_text import TextTraining
from camembert.training.pretraining import pretrain

if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        device = start(job.params.device, job.params.threads, job.resources.gpu)
        training = TextTraining.of_job(job)
        run = in_workers(
            pretrain,
            device,
            workers_for(device, job.resources.gpu),
            job.params.threads,
            tokenizer_folder=job.input.tokenizer[0],
            output=job.output.encoder,
            training=training,
            layers=parse_chain(job.wildcards.chain).layers,
            architecture=job.params.architecture,
            mask=job.params.settings["mask"],
            bag_of_words=job.params.settings["bag_of_words"],
            dropout=job.params.settings["dropout"],
            like=folder_of(job.input.like) if job.input.like else None,
        )
        facts = {"data_seed": training.seed, "steps": training.schedule.steps}
        write_run(job, run, device, **facts, corpus_tokens=tokens_of(training.corpora))
