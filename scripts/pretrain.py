"""Pre-trains an encoder from random weights by masked language modelling: the teacher, and controls without one."""

from camembert.plan.teachers import find_model_folder
from camembert.runtime.parallel import run_in_workers
from camembert.training.pretraining import pretrain
from snakemake_job import logged_job
from training_job import encoder_training, write_encoder_run

if __name__ == "__main__":
    with logged_job() as job:
        training = encoder_training(job)
        run = run_in_workers(
            pretrain,
            tokenizer_folder=job.input.tokenizer[0],
            architecture=job.params.architecture,
            mlm_probability=job.params.settings["mlm_probability"],
            bag_of_words=job.params.settings["bag_of_words"],
            like=find_model_folder(job.input.like) if job.input.like else None,
            **training,
        )
        write_encoder_run(job, run, training)
