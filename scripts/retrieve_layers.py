"""Retrieves sentences with every layer of an encoder, the embeddings included, in the reading that leads the tables."""

from camembert.data.retrieval import read_sides
from camembert.evaluation.retrieval import TRAINING_SENTENCES, accuracy, embed_sides, retrieve
from camembert.models.encoder import find_longest_input, load_encoder
from camembert.plan.readings import Reading
from camembert.runtime.devices import describe_device, start
from camembert.runtime.job import Stopwatch, logged
from camembert.tokens.corpora import find_corpora
from camembert.tokens.packing import sample_framed_documents
from camembert.tokens.tokenizer import load_tokenizer
from snakemake_job import write_metrics

if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        device = start(job.params.device, job.params.threads, job.resources.gpu)
        encoder = load_encoder(job.input.encoder).to(device)
        reading = Reading.parse(job.params.reading)
        sides = read_sides(job.params.languages, job.input.sentences, job.params.pairwise)
        training_ids = None
        if job.input.corpus:
            corpora = find_corpora(job.input.corpus, job.params.shares)
            longest = find_longest_input(encoder)
            training_ids = sample_framed_documents(corpora, job.input.encoder, TRAINING_SENTENCES, longest)
        # [CLS] has the same embedding in every sentence, so that layer 0 tells nothing of them
        layers = range(1 if reading.pooling == "cls" else 0, encoder.config.num_hidden_layers + 1)
        with Stopwatch() as watch:
            vectors = embed_sides(
                encoder,
                load_tokenizer(job.input.encoder),
                sides,
                layers,
                [reading.pooling],
                job.params.batch_tokens,
                training_ids,
            )
            shares = {
                language: dict(zip(layers, (accuracy(found[reading]) for found in by_layer), strict=True))
                for language, by_layer in retrieve(vectors, [reading], job.params.neighbours)
            }
        write_metrics(job, watch, reading=reading.name, accuracy_by_layer=shares, **describe_device(device, "fp32"))
