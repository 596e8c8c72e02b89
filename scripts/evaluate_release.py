"""Measures one form of the release on the CPU: its speed and, of a classifier, its predictions in every language."""

import resource
from pathlib import Path

from camembert.core.files import CONFIG, ONNX_WEIGHTS, read_json, write_json
from camembert.core.provenance import processor_name, versions
from camembert.evaluation.classification import Predictor, evaluate, labels_of, pad_id_of
from camembert.evaluation.predictors import predictor_of
from camembert.evaluation.timing import speed
from camembert.release.forms import CLASSIFIER, FORMS, TEACHER
from camembert.runtime.job import logged
from camembert.tokens.tokenizer import load_tokenizer


def predictor_of_encoder(folder: Path, threads: int) -> Predictor:
    """Runs the encoder of a folder on the CPU, an ONNX one if there is one in it."""
    if (folder / ONNX_WEIGHTS).is_file():
        return predictor_of(folder, threads)
    import torch

    from camembert.evaluation.predictors import pytorch_predictor
    from camembert.models.encoder import load_encoder

    torch.set_num_threads(threads)
    return pytorch_predictor(load_encoder(folder), output="last_hidden_state")


if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        form, folder, params = FORMS[job.wildcards.form], Path(job.input.folder), job.params
        accuracy = {}
        if form.model == CLASSIFIER:
            predictor, tokenizer = predictor_of(folder, params.threads), load_tokenizer(folder)
            labels, pad_id = labels_of(folder), pad_id_of(folder)
            accuracy = {
                language: evaluate(
                    predictor, tokenizer, labels, data, path, params.max_length, params.batch_tokens, pad_id
                )
                for language, data, path in zip(params.languages, job.input.test, job.output.predictions, strict=True)
            }
        else:
            predictor = predictor_of_encoder(folder, params.threads)
        config = read_json(folder / CONFIG)
        facts = {
            "chain": read_json(job.input.choice)[TEACHER if form.of_teacher else "student"]["chain"],
            "model_type": config["model_type"],
            "bytes": sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()),
            "accuracy": accuracy,
            "speed": speed(predictor, config["vocab_size"], **params.efficiency),
            "batch": params.efficiency["batch_size"],
            "threads": params.threads,
            "processor": processor_name(),
            "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            "versions": versions(),
        }
        write_json(job.output.metrics, read_json(job.input.made) | facts)
