"""Fine-tunes an encoder on examples of the task, and on another classifier's soft labels where the config says so."""

from pathlib import Path

from camembert.data.tasks import languages_without_labels
from camembert.runtime.checkpoint import clear
from camembert.runtime.devices import start
from camembert.runtime.job import logged, write_run
from camembert.runtime.parallel import in_workers, workers_for
from camembert.training.finetuning import finetune, kept
from camembert.training.soft_labels import SoftLabels

if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        clear(job.params.encoder_checkpoints)
        device = start(job.params.device, job.params.threads, job.resources.gpu)
        settings = dict(job.params.settings)
        teaching = settings.pop("soft_labels", None)
        soft = SoftLabels(job.input.soft_labels[0], list(job.input.unlabelled), **teaching) if teaching else None
        run = in_workers(
            finetune,
            device,
            workers_for(device, job.resources.gpu),
            job.params.threads,
            encoder_folder=job.input.encoder,
            train_examples=list(job.input.train),
            dev_examples=list(job.input.dev),
            labels=job.input.labels,
            output=job.output.classifier,
            **settings,
            batch_tokens=job.params.batch_tokens,
            seed=job.params.seed,
            name=f"{job.wildcards.chain} run {job.wildcards.run}, fine-tuning {job.wildcards.finetuning}",
            checkpoints=job.params.checkpoints,
            checkpoint_seconds=job.params.checkpoint_seconds,
            precision=job.params.precision,
            soft_labels=soft,
        )
        step, accuracy = kept(run)
        trained_on = [Path(path).stem.removeprefix("train-") for path in job.input.train]
        languages = {"trained_on": trained_on, "unlabelled": languages_without_labels(job.input.unlabelled)}
        write_run(job, run, device, kept_step=step, dev_accuracy=accuracy, **languages)
