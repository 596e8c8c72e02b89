"""Retrieval: the sentence of another language nearest to each, by encoders as they are and by character n-grams.

Needs encoders, data/retrieval and, where means of training text are taken off, data/corpus; makes retrieval/<encoder>,
retrieval/baseline/char-ngrams and the encoders' metrics. With data.retrieval.source none there is nothing to make.
"""

from camembert.plan.readings import choose_headline, list_readings

READINGS = list_readings(config["retrieval"], READS_TEXT)
HEADLINE_READING = choose_headline(config["retrieval"])


RETRIEVAL_ENCODERS = EXPERIMENT.encoders if RETRIEVAL_DATA else ()
RETRIEVAL_ANSWERS = [
    result(f"retrieval/{model}/{language}.parquet")
    for model in [
        *(encoder.path for encoder in RETRIEVAL_ENCODERS),
        *(["baseline/char-ngrams"] if RETRIEVAL_DATA else []),
    ]
    for language in QUERY_LANGUAGES
]
RETRIEVAL_METRICS = [result(f"metrics/retrieval/{encoder.path}.json") for encoder in RETRIEVAL_ENCODERS]

if RETRIEVAL_DATA:

    rule retrieve:
        input:
            encoder=result(f"encoders/{ENCODER}"),
            sentences=RETRIEVAL_DATA,
            corpus=training_text_of(READINGS),
        output:
            answers=expand(
                result(f"retrieval/{ENCODER}/{{language}}.parquet"), language=QUERY_LANGUAGES, allow_missing=True
            ),
            metrics=result(f"metrics/retrieval/{ENCODER}.json"),
        log:
            result(f"logs/retrieval/{ENCODER}.log"),
        conda:
            "../envs/camembert.yaml"
        threads: config["threads"]["evaluation"]
        resources:
            **config["resources"]["evaluation"],
        params:
            layer=config["retrieval"]["layer"],
            encoder_checkpoints=encoder_checkpoints,
            readings=[reading.name for reading in READINGS],
            neighbours=config["retrieval"]["neighbours"],
            shares=SHARES,
            languages=RETRIEVAL_LANGUAGES,
            pairwise=PAIRWISE,
            batch_tokens=not_a_trigger(config["evaluation"]["batch_tokens"]),
            device=device_of("evaluation"),
            threads=config["threads"]["evaluation"],
        message:
            "Retrieving sentences with {input.encoder}"
        script:
            "../scripts/retrieve.py"

    rule retrieve_baseline:
        input:
            RETRIEVAL_DATA,
        output:
            expand(result("retrieval/baseline/char-ngrams/{language}.parquet"), language=QUERY_LANGUAGES),
        log:
            result("logs/retrieval/baseline/char-ngrams.log"),
        conda:
            "../envs/camembert.yaml"
        resources:
            **without(config["resources"]["evaluation"], "gpu"),
        params:
            readings=[reading.name for reading in READINGS],
            neighbours=config["retrieval"]["neighbours"],
            languages=RETRIEVAL_LANGUAGES,
            pairwise=PAIRWISE,
        message:
            "Retrieving sentences by character n-grams"
        script:
            "../scripts/retrieve_baseline.py"
