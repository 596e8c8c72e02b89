"""From predictions to paper: tables and figures, and what the run cost.

Needs predictions, metrics, training curves and benchmarks; makes tables/ and figures/.
"""

PREDICTIONS = expand(
    "{classifier}/{language}.parquet", classifier=of_all_classifiers("predictions/{}"), language=LANGUAGES
)
METRICS = (
    of_all_encoders("metrics/encoders/{}.json")
    + of_all_classifiers("metrics/classifiers/{}.json")
    + of_all_classifiers("metrics/evaluation/{}.json")
)
TABLE = (".csv", ".md", ".tex")
FIGURE = (".pdf", ".png")


rule tabulate_accuracy:
    input:
        predictions=PREDICTIONS,
    output:
        table=result("tables/accuracy.csv"),
    log:
        result("logs/tabulate_accuracy.log"),
    localrule: True
    conda:
        "../envs/camembert.yaml"
    params:
        experiment=config["experiment"],
        order=display_order(),
    message:
        "Counting the predictions"
    script:
        "../scripts/tabulate_accuracy.py"


rule tabulate_summary:
    input:
        accuracy=rules.tabulate_accuracy.output.table,
    output:
        summary=multiext(result("tables/summary"), *TABLE),
        by_language=multiext(result("tables/accuracy_by_language"), *TABLE),
    log:
        result("logs/tabulate_summary.log"),
    localrule: True
    conda:
        "../envs/camembert.yaml"
    params:
        order=display_order(),
    message:
        "Summarising the accuracies"
    script:
        "../scripts/tabulate_summary.py"


rule tabulate_cost:
    input:
        metrics=METRICS,
        benchmarks=DATA_BENCHMARKS,
    output:
        cost=multiext(result("tables/cost"), *TABLE),
    log:
        result("logs/tabulate_cost.log"),
    localrule: True
    conda:
        "../envs/camembert.yaml"
    message:
        "Adding up what the run cost"
    script:
        "../scripts/tabulate_cost.py"


rule draw_accuracy:
    input:
        accuracy=rules.tabulate_accuracy.output.table,
    output:
        by_language=multiext(result("figures/accuracy_by_language"), *FIGURE),
        along_cascade=multiext(result("figures/accuracy_along_cascade"), *FIGURE),
    log:
        result("logs/draw_accuracy.log"),
    localrule: True
    conda:
        "../envs/camembert.yaml"
    params:
        order=display_order(),
    message:
        "Drawing accuracy by language and along the cascade"
    script:
        "../scripts/draw_accuracy.py"


rule draw_training:
    input:
        curves=of_all_encoders("metrics/encoders/{}.jsonl") + of_all_classifiers("metrics/classifiers/{}.jsonl"),
    output:
        figure=multiext(result("figures/training_curves"), *FIGURE),
    log:
        result("logs/draw_training.log"),
    localrule: True
    conda:
        "../envs/camembert.yaml"
    params:
        order=display_order(),
    message:
        "Drawing the training curves"
    script:
        "../scripts/draw_training.py"


rule metrics:
    input:
        METRICS,


rule tables:
    input:
        rules.tabulate_accuracy.output,
        rules.tabulate_summary.output,
        rules.tabulate_cost.output,


rule figures:
    input:
        rules.draw_accuracy.output,
        rules.draw_training.output,
