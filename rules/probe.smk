"""Linear probe: a logistic regression on an encoder's sentence vectors, fitted on labelled text, without any fine-tuning.

Needs encoders and data/task; makes probe/<encoder> and metrics/probe/<encoder>.json. Off where probe.enabled is false.
"""

PROBED = EXPERIMENT.encoders if config["probe"]["enabled"] else ()
PROBE_PREDICTIONS = [result(f"probe/{encoder.path}/{language}.parquet") for encoder in PROBED for language in LANGUAGES]
PROBE_METRICS = [result(f"metrics/probe/{encoder.path}.json") for encoder in PROBED]


rule probe:
    input:
        encoder=result(f"encoders/{ENCODER}"),
        train=TASK_DATA["train"],
        dev=SELECTION_DATA,
        test=TASK_DATA["test"],
        labels=LABELS,
    output:
        predictions=expand(result(f"probe/{ENCODER}/{{language}}.parquet"), language=LANGUAGES, allow_missing=True),
        metrics=result(f"metrics/probe/{ENCODER}.json"),
    log:
        result(f"logs/probe/{ENCODER}.log"),
    conda:
        "../envs/camembert.yaml"
    threads: config["threads"]["evaluation"]
    resources:
        **config["resources"]["evaluation"],
    params:
        **without(config["probe"], "enabled"),
        encoder_checkpoints=encoder_checkpoints,
        layer=config["retrieval"]["layer"],
        pooling=config["retrieval"]["pooling"],
        languages=LANGUAGES,
        batch_tokens=not_a_trigger(config["evaluation"]["batch_tokens"]),
        device=device_of("evaluation"),
        threads=config["threads"]["evaluation"],
    message:
        "Probing {input.encoder}"
    script:
        "../scripts/probe.py"
