"""Fits a linear probe to an encoder's vectors of labelled sentences: one file of predictions a language."""

from camembert.core.files import read_json
from camembert.data.tasks import read_all
from camembert.evaluation import probe
from camembert.evaluation.classification import evaluate
from camembert.evaluation.sentence_vectors import embed_sentences, number_layer
from camembert.models.encoder import load_encoder
from camembert.runtime.checkpoint import clear
from camembert.runtime.devices import describe_device, start
from camembert.runtime.job import Stopwatch
from camembert.tokens.tokenizer import load_tokenizer
from snakemake_job import logged_job, write_metrics

if __name__ == "__main__":
    with logged_job() as job:
        params = job.params
        clear(params.encoder_checkpoints)
        labels = read_json(job.input.labels)
        train, dev = probe.sample_evenly(read_all(job.input.train), params.train_limit), read_all(job.input.dev)
        probe.check_training_labels(train, labels, ", ".join(job.input.train))
        device = start(params.device, params.threads, job.resources.gpu)
        encoder, tokenizer = load_encoder(job.input.encoder).to(device), load_tokenizer(job.input.encoder)
        layer = number_layer(params.layer, encoder.config.num_hidden_layers)

        def embed(sentences):
            return embed_sentences(encoder, tokenizer, sentences, [layer], [params.pooling], params.batch_tokens)[0, 0]

        def logits(examples):
            return probe.predict_logits(fitted.model, probe.compute_features(examples, embed), len(labels))

        test = dict(zip(params.languages, job.input.test, strict=True))
        with Stopwatch() as watch:
            of_train, of_dev = (
                (probe.compute_features(split, embed), [example.label for example in split]) for split in (train, dev)
            )
            fitted = probe.fit_probe(*of_train, *of_dev, len(labels), params.strengths)
            accuracy = evaluate(logits, labels, test, job.output.predictions)
        facts = {"layer": layer, "pooling": params.pooling, "train_examples": len(train), "strength": fitted.strength}
        facts |= {"dev_accuracy": fitted.dev_accuracy[fitted.strength], "dev_accuracy_by_strength": fitted.dev_accuracy}
        facts |= {"iterations": fitted.iterations, "accuracy": accuracy}
        write_metrics(job, watch, **facts, **describe_device(device, "fp32"))
