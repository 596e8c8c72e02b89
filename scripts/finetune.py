"""Fine-tunes an encoder on English examples of the task; English dev chooses the weights that are kept."""

from camembert.runtime.checkpoint import clear
from camembert.runtime.devices import start
from camembert.runtime.job import logged, write_run
from camembert.runtime.parallel import in_workers, workers_for
from camembert.training.finetuning import finetune, kept

if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        clear(job.params.encoder_checkpoints)
        device = start(job.params.device, job.params.threads, job.resources.gpu)
        run = in_workers(
            finetune,
            device,
            workers_for(device, job.resources.gpu),
            job.params.threads,
            encoder_folder=job.input.encoder,
            train_examples=job.input.train,
            dev_examples=job.input.dev,
            labels=job.input.labels,
            output=job.output.classifier,
            **job.params.settings,
            batch_tokens=job.params.batch_tokens,
            seed=job.params.seed,
            name=f"{job.wildcards.chain} run {job.wildcards.run}, fine-tuning {job.wildcards.finetuning}",
            checkpoints=job.params.checkpoints,
            checkpoint_seconds=job.params.checkpoint_seconds,
            precision=job.params.precision,
        )
        step, accuracy = kept(run)
        write_run(job, run, device, kept_step=step, dev_accuracy=accuracy)
