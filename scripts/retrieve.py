"""Retrieves sentences between every language and English with an encoder: one file of answers a language."""

from camembert.data.retrieval import read_sides
from camembert.evaluation.retrieval import retrieval_accuracy, retrieve, write_retrieved
from camembert.evaluation.sentence_vectors import number_layer
from camembert.models.encoder import load_encoder
from camembert.plan.readings import Reading
from camembert.runtime.checkpoint import clear
from camembert.runtime.devices import describe_device, start
from camembert.runtime.job import Stopwatch, log
from camembert.tokens.corpora import find_corpora
from snakemake_job import logged_job, write_metrics

if __name__ == "__main__":
    with logged_job() as job:
        folder, params = job.input.encoder, job.params
        clear(params.encoder_checkpoints)
        device = start(params.device, params.threads, job.resources.gpu)
        encoder = load_encoder(folder).to(device)
        layer = number_layer(params.layer, encoder.config.num_hidden_layers)
        readings = [Reading.parse(name) for name in params.readings]
        sides = read_sides(params.languages, job.input.sentences, params.pairwise)
        corpora = find_corpora(job.input.corpus, params.shares)
        accuracy: dict[str, dict[str, float]] = {reading.name: {} for reading in readings}
        with Stopwatch() as watch:
            found = retrieve(encoder, folder, sides, [layer], readings, params.neighbours, params.batch_tokens, corpora)
            for (language, [retrieved]), path in zip(found, job.output.answers, strict=True):
                write_retrieved(path, sides[language][0], retrieved)
                for reading, places in retrieved.items():
                    accuracy[reading.name][language] = retrieval_accuracy(places)
        for name, own in accuracy.items():
            log.info("%.1f %% retrieved by %s, on average", 100 * sum(own.values()) / len(own), name)
        write_metrics(job, watch, layer=layer, accuracy=accuracy, **describe_device(device, "fp32"))
