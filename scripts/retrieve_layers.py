"""Retrieves English sentences with every layer of an encoder, the embeddings included."""

from camembert.data.retrieval import read_sentences
from camembert.evaluation.retrieval import accuracy_by_layer
from camembert.models.encoder import load_encoder
from camembert.runtime.devices import describe, start
from camembert.runtime.job import Stopwatch, logged, write_metrics
from camembert.tokens.tokenizer import load_tokenizer

if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        device = start(job.params.device, job.params.threads, job.resources.gpu)
        encoder = load_encoder(job.input.encoder).to(device)
        sentences = {
            language: read_sentences(path)
            for language, path in zip(job.params.languages, job.input.sentences, strict=True)
        }
        with Stopwatch() as watch:
            shares = accuracy_by_layer(
                encoder,
                load_tokenizer(job.input.encoder),
                sentences,
                job.params.pooling,
                job.params.batch_tokens,
            )
        facts = {"pooling": job.params.pooling, "accuracy_by_layer": shares}
        write_metrics(job, watch, **facts, **describe(device, "fp32"))
