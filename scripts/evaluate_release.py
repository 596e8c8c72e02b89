"""Evaluates one form of the released classifier in every language and measures its speed, on the CPU."""

import resource
from pathlib import Path

from camembert.core.files import read_json, write_json
from camembert.core.model_files import CONFIG
from camembert.core.provenance import processor_name, versions
from camembert.evaluation.classification import evaluate, labels_of, pad_id_of
from camembert.evaluation.predictors import predictor_of
from camembert.evaluation.timing import speed
from camembert.runtime.job import logged
from camembert.tokens.tokenizer import load_tokenizer

if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        weights = Path(job.input.model[0])
        settings = job.params.efficiency
        predictor, tokenizer = predictor_of(weights.parent, job.params.threads), load_tokenizer(weights.parent)
        labels, pad_id = labels_of(weights.parent), pad_id_of(weights.parent)
        accuracy = {
            language: evaluate(
                predictor, tokenizer, labels, data, path, job.params.max_tokens, job.params.batch_tokens, pad_id
            )
            for language, data, path in zip(job.params.languages, job.input.test, job.output.predictions, strict=True)
        }
        config = read_json(weights.parent / CONFIG)
        facts = {
            "form": job.wildcards.form,
            "model_type": config["model_type"],
            "bytes": weights.stat().st_size,
            "accuracy": accuracy,
            "speed": speed(predictor, config["vocab_size"], **settings),
            "batch": settings["batch"],
            "threads": job.params.threads,
            "processor": processor_name(),
            "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            "versions": versions(),
        }
        write_json(job.output.metrics, facts)
