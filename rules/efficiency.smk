"""Efficiency: what encoders cost to keep and to run.

Needs encoders; makes metrics/efficiency.
Encoders of one experiment differ in cost to run only by their number of layers, so one of each depth is measured.
"""

FIRST_OF_DEPTH = {encoder.chain.layers: encoder for encoder in reversed(EXPERIMENT.encoders)}
EFFICIENCY = expand(result("metrics/efficiency/{layers}.json"), layers=sorted(FIRST_OF_DEPTH))


rule measure_efficiency:
    input:
        encoder=lambda wildcards: encoder_folder(FIRST_OF_DEPTH[int(wildcards.layers)]),
    output:
        metrics=result("metrics/efficiency/{layers}.json"),
    log:
        result("logs/efficiency/{layers}.log"),
    wildcard_constraints:
        layers=one_of(FIRST_OF_DEPTH),
    conda:
        "../envs/camembert.yaml"
    threads: every_core
    resources:
        **config["resources"]["efficiency"],
    params:
        settings=lookup("efficiency", within=config),
        device=device_of("efficiency"),
        precision=config["precision"],
        threads=config["threads"]["efficiency"],
    message:
        "Measuring what {wildcards.layers} layers cost to run"
    script:
        "../scripts/measure_efficiency.py"
