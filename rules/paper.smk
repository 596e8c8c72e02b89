"""From predictions to paper: tables and figures, and what the run cost.

Needs predictions, metrics, training curves and benchmarks; makes tables/ and figures/.
"""

PREDICTIONS = expand(
    "{classifier}/{language}.parquet", classifier=of_all_classifiers("predictions/{}"), language=LANGUAGES
)
METRICS = (
    of_all_encoders("metrics/encoders/{}.json")
    + EFFICIENCY
    + of_all_classifiers("metrics/classifiers/{}.json")
    + of_all_classifiers("metrics/evaluation/{}.json")
    + RETRIEVAL_METRICS
)
CLASSIFIER_CURVES = of_all_classifiers("metrics/classifiers/{}.jsonl")
ANSWERS = [result("predictions/answers.parquet"), *([result("retrieval/answers.parquet")] if RETRIEVAL_ANSWERS else [])]


rule tabulate_accuracy:
    input:
        predictions=[*PREDICTIONS, *BASELINE_PREDICTIONS],
        retrieval=RETRIEVAL_ANSWERS,
    output:
        table=result("tables/accuracy.csv"),
        answers=ANSWERS,
    log:
        result("logs/tabulate_accuracy.log"),
    localrule: True
    conda:
        "../envs/camembert.yaml"
    params:
        experiment=config["experiment"],
        task=TASK["name"],
        parallel=TASK["source"] == "cldr" or TASK["parallel"],
        models=displayed_models(),
    message:
        "Counting the right answers"
    script:
        "../scripts/tabulate_accuracy.py"


rule tabulate_summary:
    input:
        accuracy=rules.tabulate_accuracy.output.table,
        answers=ANSWERS,
        published=published_rows(),
    output:
        summary=table("summary", "Summary"),
        by_language=table("accuracy_by_language", "Accuracy by language"),
        retrieval_by_language=(table("retrieval_by_language", "Retrieval by language") if RETRIEVAL_ANSWERS else []),
    log:
        result("logs/tabulate_summary.log"),
    localrule: True
    conda:
        "../envs/camembert.yaml"
    params:
        models=displayed_models(),
    message:
        "Summarising the accuracies"
    script:
        "../scripts/tabulate_summary.py"


rule tabulate_convergence:
    input:
        curves=CLASSIFIER_CURVES,
    output:
        table=table("convergence", "Convergence of fine-tuning"),
    log:
        result("logs/tabulate_convergence.log"),
    localrule: True
    conda:
        "../envs/camembert.yaml"
    params:
        models=displayed_models(),
    message:
        "Looking whether fine-tuning was over"
    script:
        "../scripts/tabulate_convergence.py"


rule tabulate_comparisons:
    input:
        answers=ANSWERS,
        convergence=rules.tabulate_convergence.output.table[0],
    output:
        comparisons=table("comparisons", "Comparisons"),
        conclusion=result("tables/conclusion.md"),
    log:
        result("logs/tabulate_comparisons.log"),
    localrule: True
    conda:
        "../envs/camembert.yaml"
    params:
        models=displayed_models(),
        planned=planned_comparisons(),
        margin=config["comparisons"]["margin"],
    message:
        "Comparing models in pairs"
    script:
        "../scripts/tabulate_comparisons.py"


rule tabulate_ablation:
    input:
        answers=ANSWERS,
    output:
        table=table("ablation", "Ablation"),
        figure=figure("ablation", "Ablation"),
    log:
        result("logs/tabulate_ablation.log"),
    localrule: True
    conda:
        "../envs/camembert.yaml"
    params:
        models=displayed_models(),
        recipes=config["recipes"],
    message:
        "Comparing the recipes {params.recipes}"
    script:
        "../scripts/tabulate_ablation.py"


rule tabulate_languages:
    input:
        accuracy=rules.tabulate_accuracy.output.table,
        metrics=of_all_encoders("metrics/encoders/{}.json"),
    output:
        table=result("tables/languages.csv"),
        figure=figure("languages", "Where compression hurts"),
    log:
        result("logs/tabulate_languages.log"),
    localrule: True
    conda:
        "../envs/camembert.yaml"
    params:
        models=displayed_models(),
    message:
        "Looking where compression hurts"
    script:
        "../scripts/tabulate_languages.py"


rule tabulate_cost:
    input:
        metrics=METRICS,
        benchmarks=DATA_BENCHMARKS,
    output:
        cost=table("cost", "Cost"),
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
        answers=ANSWERS,
        published=published_rows(),
    output:
        by_language=figure("accuracy_by_language", "Accuracy by language"),
        retrieval_by_language=(figure("retrieval_by_language", "Retrieval by language") if RETRIEVAL_ANSWERS else []),
        along_cascade=figure("accuracy_along_cascade", "Accuracy along the cascade"),
    log:
        result("logs/draw_accuracy.log"),
    localrule: True
    conda:
        "../envs/camembert.yaml"
    params:
        models=displayed_models(),
    message:
        "Drawing accuracy by language and along the cascade"
    script:
        "../scripts/draw_accuracy.py"


rule draw_training:
    input:
        curves=of_all_encoders("metrics/encoders/{}.jsonl") + CLASSIFIER_CURVES,
    output:
        figure=figure("training_curves", "Training curves"),
    log:
        result("logs/draw_training.log"),
    localrule: True
    conda:
        "../envs/camembert.yaml"
    params:
        models=displayed_models(),
    message:
        "Drawing the training curves"
    script:
        "../scripts/draw_training.py"


rule metrics:
    input:
        METRICS,


rule tables:
    input:
        rules.tabulate_accuracy.output.table,
        rules.tabulate_summary.output,
        rules.tabulate_convergence.output,
        rules.tabulate_comparisons.output,
        rules.tabulate_cost.output,
        rules.tabulate_languages.output.table if shows_languages() else [],
        rules.tabulate_ablation.output.table if compares_recipes() else [],
        rules.tabulate_efficiency.output,


rule figures:
    input:
        rules.draw_accuracy.output,
        rules.draw_training.output,
        rules.tabulate_languages.output.figure if shows_languages() else [],
        rules.tabulate_ablation.output.figure if compares_recipes() else [],
        rules.draw_pareto.output,
