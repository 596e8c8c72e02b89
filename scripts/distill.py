"""Distils one hop: reads the teacher, cuts the student, trains it towards the teacher, writes it."""

from pathlib import Path

from camembert.chain import parse_chain
from camembert.checkpoint import clear
from camembert.distillation import distill
from camembert.files import write_json_lines
from camembert.job import logged, write_metrics
from camembert.training import Schedule, start

if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        settings = job.params.settings
        device = start(job.params.device, job.params.threads, job.resources.gpu)
        layers = parse_chain(job.wildcards.chain).layers
        run = distill(
            job.input.teacher,
            {Path(shard).name: shard for shard in job.input.corpus},
            job.output.encoder,
            layers=layers,
            schedule=Schedule.of(job.params.steps, settings),
            hidden_weight=settings["hidden_weight"],
            attention_weight=settings["attention_weight"],
            freeze_embeddings=settings["freeze_embeddings"],
            dropout=settings["dropout"],
            text=job.params.text,
            seed=job.params.seed,
            device=device,
            name=f"{job.wildcards.chain} seed {job.wildcards.distill_seed}",
            checkpoints=job.params.checkpoints,
            checkpoint_seconds=job.params.checkpoint_seconds,
        )
        write_json_lines(job.output.curve, run.curve)
        facts = {"data_seed": job.params.seed, "steps": job.params.steps, "tokens": run.tokens, "device": str(device)}
        write_metrics(job, run, **facts)
        clear(job.params.checkpoints)
