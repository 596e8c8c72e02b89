"""Retrieves sentences between every language and English with an encoder: one file of answers a language."""

from camembert.data.retrieval import read_sides
from camembert.evaluation import retrieval
from camembert.models.encoder import find_longest_input, load_encoder
from camembert.plan.readings import Reading
from camembert.runtime.checkpoint import clear
from camembert.runtime.devices import describe_device, start
from camembert.runtime.job import Stopwatch, log, logged
from camembert.tokens.corpora import find_corpora
from camembert.tokens.packing import sample_framed_documents
from camembert.tokens.tokenizer import load_tokenizer
from snakemake_job import write_metrics

if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        clear(job.params.encoder_checkpoints)
        device = start(job.params.device, job.params.threads, job.resources.gpu)
        encoder = load_encoder(job.input.encoder).to(device)
        layer = retrieval.layer_number(job.params.layer, encoder.config.num_hidden_layers)
        readings = [Reading.parse(name) for name in job.params.readings]
        sides = read_sides(job.params.languages, job.input.sentences, job.params.pairwise)
        training_ids = None
        if job.input.corpus:
            corpora = find_corpora(job.input.corpus, job.params.shares)
            longest = find_longest_input(encoder)
            training_ids = sample_framed_documents(corpora, job.input.encoder, retrieval.TRAINING_SENTENCES, longest)
        shares: dict[str, dict[str, float]] = {reading.name: {} for reading in readings}
        with Stopwatch() as watch:
            vectors = retrieval.embed_sides(
                encoder,
                load_tokenizer(job.input.encoder),
                sides,
                [layer],
                retrieval.poolings_of(readings),
                job.params.batch_tokens,
                training_ids,
            )
            found = retrieval.retrieve(vectors, readings, job.params.neighbours)
            for (language, (answers,)), path in zip(found, job.output.answers, strict=True):
                retrieval.write_answers(path, sides[language][0], answers)
                for reading, places in answers.items():
                    shares[reading.name][language] = retrieval.accuracy(places)
        for name, own in shares.items():
            average = sum(own.values()) / len(own)
            log.info("%s: %.1f %% retrieved by %s, on average", job.wildcards.chain, 100 * average, name)
        write_metrics(job, watch, layer=layer, accuracy=shares, **describe_device(device, "fp32"))
