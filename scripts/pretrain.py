"""Pre-trains an encoder from random weights by masked language modelling: the teacher, and controls without one."""

from camembert.plan.teachers import folder_of
from camembert.runtime.job import logged
from camembert.runtime.parallel import run_in_workers
from camembert.training.pretraining import pretrain
from training_job import encoder_training, write_encoder_run

if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        training = encoder_training(job)
        run = run_in_workers(
            pretrain,
            tokenizer_folder=job.input.tokenizer[0],
            architecture=job.params.architecture,
            mlm_probability=job.params.settings["mlm_probability"],
            bag_of_words=job.params.settings["bag_of_words"],
            like=folder_of(job.input.like) if job.input.like else None,
            **training,
        )
        write_encoder_run(job, run, training)
