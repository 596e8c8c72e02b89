"""Retrieves sentences with every layer of an encoder, the embeddings included, in the reading that leads the tables."""

from camembert.data.retrieval import read_sides
from camembert.evaluation.retrieval import retrieval_accuracy, retrieve
from camembert.models.encoder import load_encoder
from camembert.plan.readings import Reading
from camembert.runtime.devices import describe_device, start
from camembert.runtime.job import Stopwatch
from camembert.tokens.corpora import find_corpora
from snakemake_job import logged_job, write_metrics

if __name__ == "__main__":
    with logged_job() as job:
        folder, params = job.input.encoder, job.params
        device = start(params.device, params.threads, job.resources.gpu)
        encoder = load_encoder(folder).to(device)
        reading = Reading.parse(params.reading)
        sides = read_sides(params.languages, job.input.sentences, params.pairwise)
        corpora = find_corpora(job.input.corpus, params.shares)
        # [CLS] has the same embedding in every sentence, so that layer 0 tells nothing of them
        layers = range(1 if reading.pooling == "cls" else 0, encoder.config.num_hidden_layers + 1)
        with Stopwatch() as watch:
            found = retrieve(encoder, folder, sides, layers, [reading], params.neighbours, params.batch_tokens, corpora)
            accuracy = {
                language: {layer: retrieval_accuracy(own[reading]) for layer, own in zip(layers, by_layer, strict=True)}
                for language, by_layer in found
            }
        write_metrics(job, watch, reading=reading.name, accuracy_by_layer=accuracy, **describe_device(device, "fp32"))
