"""Evaluates a classifier in every language: one file of predictions a language."""

from camembert.evaluation.classification import evaluate, labels_of, pad_id_of
from camembert.evaluation.predictors import pytorch_predictor
from camembert.models.classifier import load_classifier
from camembert.runtime.checkpoint import clear
from camembert.runtime.devices import describe_device, start
from camembert.runtime.job import Stopwatch, log, logged
from camembert.tokens.tokenizer import load_tokenizer
from snakemake_job import write_metrics

if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        clear(job.params.classifier_checkpoints)
        device = start(job.params.device, job.params.threads, job.resources.gpu)
        classifier = load_classifier(job.input.classifier).to(device)
        predictor = pytorch_predictor(classifier)
        tokenizer, labels = load_tokenizer(job.input.classifier), labels_of(job.input.classifier)
        pad_id, accuracy = pad_id_of(job.input.classifier), {}
        with Stopwatch() as watch:
            for language, data, path in zip(job.params.languages, job.input.test, job.output.predictions, strict=True):
                accuracy[language] = evaluate(
                    predictor, tokenizer, labels, data, path, job.params.max_length, job.params.batch_tokens, pad_id
                )
                done = f"{len(accuracy)} of {len(job.params.languages)} languages"
                log.info(
                    "%s: accuracy in %s %.1f %%, %s", job.wildcards.chain, language, 100 * accuracy[language], done
                )
        write_metrics(job, watch, **describe_device(device, "fp32"), accuracy=accuracy)
