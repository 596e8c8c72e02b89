"""From answers to paper: the long table of answers, all metrics, tables and figures.

Needs predictions, what was retrieved, metrics, training curves and benchmarks of data jobs; makes answers.parquet,
metrics.jsonl, curves.parquet and config.json, which a record keeps, and from these alone tables/ and figures/.
"""

PREDICTIONS = expand(
    "{classifier}/{language}.parquet", classifier=of_all_classifiers("predictions/{}"), language=LANGUAGES
)
METRICS = (
    of_all_encoders("metrics/encoders/{}.json")
    + EFFICIENCY
    + of_all_classifiers("metrics/classifiers/{}.json")
    + SOFT_LABEL_METRICS
    + of_all_classifiers("metrics/evaluation/{}.json")
    + PROBE_METRICS
    + RETRIEVAL_METRICS
)
WITHOUT_EFFECT = ("checkpoint_seconds", "device", "evaluation", "release", "resources")
"""Sections of the config that change no result, or only by jobs that then run again.

All others are parameters of `collect_metrics`: a change of one writes config.json again, which tables and figures read.
"""


rule collect_answers:
    input:
        predictions=[*PREDICTIONS, *BASELINE_PREDICTIONS] if PREDICTIONS else [],
        probes=PROBE_PREDICTIONS,
        retrieval=RETRIEVAL_ANSWERS,
    output:
        answers=result("answers.parquet"),
    log:
        result("logs/collect_answers.log"),
    localrule: True
    conda:
        "../envs/camembert.yaml"
    params:
        task=TASK["name"],
        parallel=TASK["source"] == "cldr" or TASK["parallel"],
        retrieval_parallel=not PAIRWISE,
        trained_on=TRAIN_LANGUAGES,
    message:
        "Counting the right answers"
    script:
        "../scripts/collect_answers.py"


rule collect_metrics:
    input:
        metrics=METRICS,
        benchmarks=DATA_BENCHMARKS,
        curves=of_all_encoders("metrics/encoders/{}.jsonl") + of_all_classifiers("metrics/classifiers/{}.jsonl"),
    output:
        metrics=result("metrics.jsonl"),
        curves=result("curves.parquet"),
        config=result("config.json"),
    log:
        result("logs/collect_metrics.log"),
    localrule: True
    conda:
        "../envs/camembert.yaml"
    params:
        **without(config, *WITHOUT_EFFECT),
    message:
        "Bringing the metrics together"
    script:
        "../scripts/collect_metrics.py"


rule tabulate:
    input:
        answers=rules.collect_answers.output.answers,
        metrics=rules.collect_metrics.output.metrics,
        curves=rules.collect_metrics.output.curves,
        config=rules.collect_metrics.output.config,
        published=published_rows(),  # the script knows where it is
    output:
        [table(name, title) for name, title in paper.list_tables(config).items()],
        result(f"tables/{paper.CONCLUSION}.md"),
    log:
        result("logs/tabulate.log"),
    localrule: True
    conda:
        "../envs/camembert.yaml"
    message:
        "Making the tables"
    script:
        "../scripts/make_paper.py"


rule draw:
    input:
        **rules.tabulate.input,
    output:
        [figure(name, title) for name, title in paper.list_figures(config).items()],
    log:
        result("logs/draw.log"),
    localrule: True
    conda:
        "../envs/camembert.yaml"
    message:
        "Drawing the figures"
    script:
        "../scripts/make_paper.py"


rule metrics:
    input:
        METRICS,


rule tables:
    input:
        rules.tabulate.output,


rule figures:
    input:
        rules.draw.output,
