"""Distils one hop: reads the teacher, cuts the student, trains it towards the teacher, writes it."""

from camembert.plan.losses import Recipe
from camembert.runtime.checkpoint import clear
from camembert.runtime.parallel import run_in_workers
from camembert.training.distillation import distill
from snakemake_job import logged_job
from training_job import encoder_training, write_encoder_run

if __name__ == "__main__":
    with logged_job() as job:
        clear(job.params.teacher_checkpoints)
        training = encoder_training(job)
        recipe = Recipe(**job.params.recipe)
        run = run_in_workers(distill, teacher_folder=job.input.teacher, recipe=recipe, **training)
        write_encoder_run(job, run, training)
