"""Classifiers and their predictions.

Needs encoders and data/task; makes classifiers, predictions for every language and their metrics, and
the predictions of baselines without an encoder.
"""


rule finetune:
    input:
        encoder=finetuned_encoder,
        train=TASK_DATA["train"],
        unlabelled=unlabelled_of_job,
        soft_labels=soft_labels_of_job,
        dev=SELECTION_DATA,
        labels=LABELS,
    output:
        classifier=directory(result(f"classifiers/{CLASSIFIER}")),
        metrics=result(f"metrics/classifiers/{CLASSIFIER}.json"),
        curve=result(f"metrics/classifiers/{CLASSIFIER}.jsonl"),
    log:
        result(f"logs/classifiers/{CLASSIFIER}.log"),
    conda:
        "../envs/camembert.yaml"
    threads: config["threads"]["finetuning"]
    resources:
        **config["resources"]["finetuning"],
    params:
        settings=finetuning_settings,
        seed=finetuning_seed,
        batch_tokens=not_a_trigger(config["evaluation"]["batch_tokens"]),
        device=device_of("finetuning"),
        precision=config["precision"],
        threads=config["threads"]["finetuning"],
        checkpoints=result(f"checkpoints/classifiers/{CLASSIFIER}"),
        encoder_checkpoints=encoder_checkpoints,
        checkpoint_seconds=not_a_trigger(config["checkpoint_seconds"]),
    message:
        "Fine-tuning {input.encoder} to {output.classifier}"
    script:
        "../scripts/finetune.py"


rule predict_soft_labels:
    input:
        classifier=result(f"classifiers/{CLASSIFIER}"),
        train=TASK_DATA["train"],
        unlabelled=UNLABELLED,
        labels=LABELS,
    output:
        soft_labels=result(f"soft_labels/{CLASSIFIER}.safetensors"),
        metrics=result(f"metrics/soft_labels/{CLASSIFIER}.json"),
    log:
        result(f"logs/soft_labels/{CLASSIFIER}.log"),
    conda:
        "../envs/camembert.yaml"
    threads: config["threads"]["evaluation"]
    resources:
        **config["resources"]["evaluation"],
    params:
        max_length=config["finetuning"]["max_length"],
        batch_tokens=not_a_trigger(config["evaluation"]["batch_tokens"]),
        device=device_of("evaluation"),
        threads=config["threads"]["evaluation"],
    message:
        "Predicting the soft labels of {input.classifier}"
    script:
        "../scripts/predict_soft_labels.py"


SOFT_LABEL_METRICS = [
    result(f"metrics/soft_labels/{teacher.path}.json")
    for teacher in dict.fromkeys(map(taught_by, EXPERIMENT.classifiers))
    if teacher
]


rule evaluate:
    input:
        classifier=result(f"classifiers/{CLASSIFIER}"),
        test=TASK_DATA["test"],
    output:
        predictions=expand(
            result(f"predictions/{CLASSIFIER}/{{language}}.parquet"), language=LANGUAGES, allow_missing=True
        ),
        metrics=result(f"metrics/evaluation/{CLASSIFIER}.json"),
    log:
        result(f"logs/evaluation/{CLASSIFIER}.log"),
    conda:
        "../envs/camembert.yaml"
    threads: config["threads"]["evaluation"]
    resources:
        **config["resources"]["evaluation"],
    params:
        languages=LANGUAGES,
        max_length=config["finetuning"]["max_length"],
        batch_tokens=not_a_trigger(config["evaluation"]["batch_tokens"]),
        device=device_of("evaluation"),
        threads=config["threads"]["evaluation"],
        classifier_checkpoints=classifier_checkpoints,
    message:
        "Evaluating {input.classifier} in {params.languages}"
    script:
        "../scripts/evaluate.py"


BASELINE_PREDICTIONS = expand(
    result("predictions/baseline/{baseline}/{language}.parquet"),
    baseline=["majority", "naive-bayes"],
    language=LANGUAGES,
)


rule predict_baselines:
    input:
        train=TASK_DATA["train"],
        test=TASK_DATA["test"],
        labels=LABELS,
    output:
        BASELINE_PREDICTIONS,
    log:
        result("logs/predict_baselines.log"),
    localrule: True
    conda:
        "../envs/camembert.yaml"
    params:
        languages=LANGUAGES,
    message:
        "Predicting the task without an encoder"
    script:
        "../scripts/predict_baselines.py"
