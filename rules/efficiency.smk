"""Efficiency: what every encoder costs to keep, to run and to train, and accuracy against it.

Needs encoders, their metrics and tables/summary.csv; makes metrics/efficiency, tables/efficiency and figures/pareto.
"""


rule measure_efficiency:
    input:
        encoder=result(f"encoders/{ENCODER}"),
    output:
        metrics=result(f"metrics/efficiency/{ENCODER}.json"),
    log:
        result(f"logs/efficiency/{ENCODER}.log"),
    benchmark:
        result(f"benchmarks/efficiency/{ENCODER}.tsv")
    conda:
        "../envs/camembert.yaml"
    threads: every_core
    resources:
        **config["resources"]["efficiency"],
    params:
        settings=lookup("efficiency", within=config),
        device=config["device"],
        precision=config["precision"],
        threads=config["threads"]["efficiency"],
    message:
        "Measuring what {wildcards.chain} costs to run"
    script:
        "../scripts/measure_efficiency.py"


rule tabulate_efficiency:
    input:
        measured=of_all_encoders("metrics/efficiency/{}.json"),
        encoders=of_all_encoders("metrics/encoders/{}.json"),
    output:
        table=table("efficiency", "Efficiency"),
    log:
        result("logs/tabulate_efficiency.log"),
    localrule: True
    conda:
        "../envs/camembert.yaml"
    params:
        order=display_order(),
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
        order=display_order(),
        tokens=config["efficiency"]["lengths"][-1],
    message:
        "Drawing accuracy against cost"
    script:
        "../scripts/draw_pareto.py"
