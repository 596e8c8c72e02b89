"""Evaluates a classifier in every language: one file of predictions a language."""

from camembert.evaluation.classification import evaluate, pytorch_predictor, read_labels, text_predictor
from camembert.models.classifier import load_classifier
from camembert.runtime.checkpoint import clear
from camembert.runtime.devices import describe_device, start
from camembert.runtime.job import Stopwatch
from snakemake_job import logged_job, write_metrics

if __name__ == "__main__":
    with logged_job() as job:
        folder, params = job.input.classifier, job.params
        clear(params.classifier_checkpoints)
        device = start(params.device, params.threads, job.resources.gpu)
        predictor = pytorch_predictor(load_classifier(folder).to(device))
        logits = text_predictor(predictor, folder, params.max_length, params.batch_tokens)
        test = dict(zip(params.languages, job.input.test, strict=True))
        with Stopwatch() as watch:
            accuracy = evaluate(logits, read_labels(folder), test, job.output.predictions)
        write_metrics(job, watch, **describe_device(device, "fp32"), accuracy=accuracy)
