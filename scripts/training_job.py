"""What the scripts that train share: they map the `snakemake` object of a job to calls of the library."""

from typing import Any

from camembert.core.files import write_json_lines
from camembert.plan.chain import parse_chain
from camembert.runtime.devices import start
from camembert.runtime.parallel import TrainingSettings, count_processes
from camembert.tokens.corpora import find_corpora
from camembert.training.loop import Schedule, TrainingResult
from camembert.training.packed_text import TrainingText
from snakemake_job import write_metrics


def make_settings(job: Any, name: str) -> TrainingSettings:
    """Takes the device of a job and returns the settings of its training, which the log calls by the name."""
    device = start(job.params.device, job.params.threads, job.resources.gpu)
    return TrainingSettings(
        name=name,
        seed=job.params.seed,
        device=device,
        precision=job.params.precision,
        processes=count_processes(device, job.resources.gpu),
        threads=job.params.threads,
        checkpoints=job.params.checkpoints,
        checkpoint_seconds=job.params.checkpoint_seconds,
    )


def encoder_training(job: Any) -> dict[str, Any]:
    """The arguments that `distill` and `pretrain` share."""
    return {
        "settings": make_settings(job, f"{job.wildcards.recipe}/{job.wildcards.chain} run {job.wildcards.run}"),
        "output": job.output.encoder,
        "layers": parse_chain(job.wildcards.chain).layers,
        "text": TrainingText(find_corpora(job.input.corpus, job.params.shares), **job.params.text),
        "schedule": Schedule.of(job.params.steps, job.params.settings),
        "dropout": job.params.settings["dropout"],
    }


def write_encoder_run(job: Any, run: TrainingResult, training: dict[str, Any]) -> None:
    """Writes curve and metrics of what was trained with `encoder_training`."""
    settings = training["settings"]
    write_run(job, run, settings, data_seed=settings.seed, steps=training["schedule"].steps)


def write_run(job: Any, run: TrainingResult, settings: TrainingSettings, **facts: Any) -> None:
    """Writes the curve and the metrics of a training, and where and how it computed if it did."""
    write_json_lines(job.output.curve, run.curve)
    took = {"tokens": run.tokens, "training_flops": run.flops, "device": str(settings.device)}
    measured = ("held_out_end", "held_out_copied", "teacher_variance")
    took |= {name: getattr(run, name) for name in measured}
    write_metrics(job, run, **(took | run.computed | facts))
