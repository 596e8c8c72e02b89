"""Fine-tunes an encoder on English inference pairs; English dev chooses the weights that are kept."""

from camembert.checkpoint import clear
from camembert.files import write_json_lines
from camembert.finetuning import finetune
from camembert.job import logged, write_metrics
from camembert.training import start

if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        device = start(job.params.device, job.params.threads, job.resources.gpu)
        run = finetune(
            job.input.encoder,
            job.input.train,
            job.input.dev,
            job.output.classifier,
            **job.params.settings,
            batch_tokens=job.params.batch_tokens,
            seed=int(job.wildcards.seed),
            device=device,
            name=f"{job.wildcards.chain} seeds {job.wildcards.distill_seed}, {job.wildcards.seed}",
            checkpoints=job.params.checkpoints,
            checkpoint_seconds=job.params.checkpoint_seconds,
        )
        write_json_lines(job.output.curve, run.curve)
        assert run.best is not None
        facts = {"device": str(device), "tokens": run.tokens}
        best = {"kept_step": run.best["step"], "dev_accuracy": run.best["score"]}
        write_metrics(job, run, **facts, **best)
        clear(job.params.checkpoints)
