"""Retrieves English sentences with an encoder: one file of answers for every other language."""

from camembert.data.retrieval import read_sentences
from camembert.evaluation.retrieval import accuracy, layer_number, nearest_by_encoder, write_answers
from camembert.models.encoder import load_encoder
from camembert.runtime.devices import describe, start
from camembert.runtime.job import Stopwatch, log, logged, write_metrics
from camembert.tokens.tokenizer import load_tokenizer

if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        device = start(job.params.device, job.params.threads, job.resources.gpu)
        encoder = load_encoder(job.input.encoder).to(device)
        layer = layer_number(job.params.layer, encoder.config.num_hidden_layers)
        sentences = {
            language: read_sentences(path)
            for language, path in zip(job.params.languages, job.input.sentences, strict=True)
        }
        with Stopwatch() as watch:
            found = nearest_by_encoder(
                encoder,
                load_tokenizer(job.input.encoder),
                sentences,
                [layer],
                job.params.pooling,
                job.params.batch_tokens,
            )
        shares = {}
        for (language, (answers,)), path in zip(found.items(), job.output.answers, strict=True):
            write_answers(path, sentences[language], answers)
            shares[language] = accuracy(answers)
        average = sum(shares.values()) / len(shares)
        log.info("%s: %.1f %% retrieved, average of %d languages", job.wildcards.chain, 100 * average, len(shares))
        facts = {"layer": layer, "pooling": job.params.pooling, "accuracy": shares}
        write_metrics(job, watch, **facts, **describe(device, "fp32"))
