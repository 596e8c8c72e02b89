"""Measures one form of the release on the CPU: its speed and, of a classifier, its predictions in every language."""

from pathlib import Path

from camembert.core.files import CONFIG, read_json, write_json
from camembert.core.provenance import processor_name, versions
from camembert.evaluation.classification import evaluate, load_predictor, read_labels, text_predictor
from camembert.evaluation.efficiency import measure_speed
from camembert.release.choice import ENCODER, FORMS
from camembert.runtime.job import read_peak_memory
from snakemake_job import logged_job

if __name__ == "__main__":
    with logged_job() as job:
        form, folder, params = FORMS[job.wildcards.form], Path(job.input.folder), job.params
        predictor = load_predictor(folder, params.threads, is_encoder=form.model == ENCODER)
        accuracy = {}
        if form.model != ENCODER:
            logits = text_predictor(predictor, folder, params.max_length, params.batch_tokens)
            test = dict(zip(params.languages, job.input.test, strict=True))
            accuracy = evaluate(logits, read_labels(folder), test, job.output.predictions)
        config = read_json(folder / CONFIG)
        facts = {
            "chain": read_json(job.input.choice)[form.whose]["chain"],
            "model_type": config["model_type"],
            "bytes": sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()),
            "accuracy": accuracy,
            "speed": measure_speed(predictor, config["vocab_size"], **params.efficiency),
            "batch": params.efficiency["batch_size"],
            "threads": params.threads,
            "processor": processor_name(),
            "peak_memory_mib": read_peak_memory(),
            "versions": versions(),
        }
        write_json(job.output.metrics, read_json(job.input.made) | facts)
