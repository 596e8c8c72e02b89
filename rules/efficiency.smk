"""Efficiency: what encoders cost to keep, to run and to train, and accuracy against it.

Needs encoders, their metrics and tables/summary.csv; makes metrics/efficiency, tables/efficiency and figures/pareto.
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
    benchmark:
        result("benchmarks/efficiency/{layers}.tsv")
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


rule tabulate_efficiency:
    input:
        measured=EFFICIENCY,
        encoders=of_all_encoders("metrics/encoders/{}.json"),
        summary=result("tables/summary.csv"),
    output:
        table=table("efficiency", "Efficiency"),
    log:
        result("logs/tabulate_efficiency.log"),
    localrule: True
    conda:
        "../envs/camembert.yaml"
    params:
        models=displayed_models(),
        lengths=config["efficiency"]["lengths"],
    message:
        "Tabulating what every model costs"
    script:
        "../scripts/tabulate_efficiency.py"


rule draw_pareto:
    input:
        summary=result("tables/summary.csv"),
        efficiency=rules.tabulate_efficiency.output.table,
    output:
        figure=figure("pareto", "Accuracy against cost"),
    log:
        result("logs/draw_pareto.log"),
    localrule: True
    conda:
        "../envs/camembert.yaml"
    params:
        models=displayed_models(),
        tokens=config["efficiency"]["lengths"][-1],
    message:
        "Drawing accuracy against cost"
    script:
        "../scripts/draw_pareto.py"
