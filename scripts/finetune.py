"""Fine-tunes an encoder on examples of the task, and on another classifier's soft labels where the config says so."""

from pathlib import Path

from camembert.data.tasks import find_unlabelled_languages
from camembert.runtime.checkpoint import clear
from camembert.runtime.parallel import run_in_workers
from camembert.training.finetuning import finetune
from camembert.training.soft_labels import SoftLabels
from snakemake_job import logged_job
from training_job import make_settings, write_run

if __name__ == "__main__":
    with logged_job() as job:
        clear(job.params.encoder_checkpoints)
        whose = job.wildcards
        name = f"{whose.recipe}/{whose.chain} run {whose.run}, fine-tuning {whose.finetuning}"
        settings, keys = make_settings(job, name), dict(job.params.settings)
        teaching = keys.pop("soft_labels", None)
        soft = SoftLabels(job.input.soft_labels[0], list(job.input.unlabelled), **teaching) if teaching else None
        run = run_in_workers(
            finetune,
            settings,
            encoder_folder=job.input.encoder,
            train_examples=list(job.input.train),
            dev_examples=list(job.input.dev),
            labels=job.input.labels,
            output=job.output.classifier,
            **keys,
            batch_tokens=job.params.batch_tokens,
            soft_labels=soft,
        )
        trained_on = [Path(path).stem.removeprefix("train-") for path in job.input.train]
        languages = {"trained_on": trained_on, "unlabelled": find_unlabelled_languages(job.input.unlabelled)}
        write_run(job, run, settings, kept_step=run.best["step"], dev_accuracy=run.best["score"], **languages)
