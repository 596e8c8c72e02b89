"""Layers: `snakemake layers` shows which layer of an encoder says the same of translations, by retrieval.

Needs encoders and data/retrieval; makes metrics/layers, tables/layers.csv and figures/layers. It is no part of `all`, and
trains nothing beyond the encoders.
"""


rule retrieve_layers:
    input:
        encoder=result(f"encoders/{ENCODER}"),
        sentences=RETRIEVAL_DATA,
        corpus=training_text_of([HEADLINE_READING]),
    output:
        metrics=result(f"metrics/layers/{ENCODER}.json"),
    log:
        result(f"logs/layers/{ENCODER}.log"),
    conda:
        "../envs/camembert.yaml"
    threads: config["threads"]["evaluation"]
    resources:
        **config["resources"]["evaluation"],
    params:
        reading=HEADLINE_READING.name,
        neighbours=config["retrieval"]["neighbours"],
        shares=SHARES,
        languages=RETRIEVAL_LANGUAGES,
        pairwise=PAIRWISE,
        batch_tokens=not_a_trigger(config["evaluation"]["batch_tokens"]),
        device=device_of("evaluation"),
        threads=config["threads"]["evaluation"],
    message:
        "Retrieving sentences with every layer of {input.encoder}"
    script:
        "../scripts/retrieve_layers.py"


rule draw_layers:
    input:
        layers_of_all_encoders,
    output:
        table=result("tables/layers.csv"),
        figure=figure("layers", "Retrieval by layer"),
    log:
        result("logs/draw_layers.log"),
    localrule: True
    conda:
        "../envs/camembert.yaml"
    params:
        **{key: config[key] for key in ("chains", "compute_matched", "recipes")},  # the plan it reads from the config
    message:
        "Drawing what the layers hold"
    script:
        "../scripts/draw_layers.py"


rule layers:
    input:
        rules.draw_layers.output,
