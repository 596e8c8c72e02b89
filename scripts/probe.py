"""Fits a linear probe to an encoder's vectors of labelled sentences: one file of predictions a language."""

from camembert.core.files import read_json
from camembert.data.tasks import read_all, read_examples
from camembert.evaluation.classification import accuracy, write_predictions
from camembert.evaluation.probe import check_labels, evenly, fit_probe, vectors_of
from camembert.evaluation.retrieval import layer_number
from camembert.evaluation.sentence_vectors import embed
from camembert.models.encoder import load_encoder
from camembert.runtime.checkpoint import clear
from camembert.runtime.devices import describe_device, start
from camembert.runtime.job import Stopwatch, log, logged
from camembert.tokens.tokenizer import load_tokenizer
from snakemake_job import write_metrics

if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        clear(job.params.encoder_checkpoints)
        labels = read_json(job.input.labels)
        train = evenly(read_all(job.input.train), job.params.train_limit)
        check_labels(train, labels, ", ".join(job.input.train))
        device = start(job.params.device, job.params.threads, job.resources.gpu)
        encoder, tokenizer = load_encoder(job.input.encoder).to(device), load_tokenizer(job.input.encoder)
        layer = layer_number(job.params.layer, encoder.config.num_hidden_layers)

        def vectors(sentences):
            return embed(encoder, tokenizer, sentences, [layer], job.params.pooling, job.params.batch_tokens)[0]

        shares: dict[str, float] = {}
        with Stopwatch() as watch:
            fitted_to, dev = (vectors_of(each, vectors) for each in (train, read_all(job.input.dev)))
            probe = fit_probe(fitted_to, dev, len(labels), job.params.strengths)
            for language, data, path in zip(job.params.languages, job.input.test, job.output.predictions, strict=True):
                examples = read_examples(data)
                found = vectors_of(examples, vectors)
                logits = probe.logits(found)
                write_predictions(path, examples, labels, logits)
                shares[language] = accuracy(logits, found.labels)
        log.info(
            "%s: probe right in %.1f %% of dev, on average of %d languages %.1f %%",
            *(job.wildcards.chain, 100 * probe.dev_accuracy[probe.strength], len(shares)),
            100 * sum(shares.values()) / len(shares),
        )
        write_metrics(
            job,
            watch,
            layer=layer,
            pooling=job.params.pooling,
            train_examples=len(train),
            strength=probe.strength,
            dev_accuracy=probe.dev_accuracy[probe.strength],
            dev_accuracy_by_strength=probe.dev_accuracy,
            iterations=probe.iterations,
            accuracy=shares,
            **describe_device(device, "fp32"),
        )
