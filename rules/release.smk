"""Release: `snakemake release` makes the chosen model ready to use: PyTorch, trimmed, ONNX, with model cards.

Needs encoders, classifiers, their metrics and the data; makes release/, tables/release and what they are made from.
It is no part of `all`.
"""

from camembert.core.model_files import MODEL, ONNX_MODEL
from camembert.release.forms import ENCODER_FOLDER, FORMS


rule choose_release:
    input:
        metrics=lambda _: [result(f"metrics/classifiers/{each.path}.json") for each in candidates()],
        encoders=lambda _: [encoder_folder(each) for each in candidate_encoders()],
        classifiers=lambda _: [result(f"classifiers/{each.path}") for each in candidates()],
    output:
        encoder=released(ENCODER_FOLDER, MODEL),
        classifier=released("classifier", MODEL),
        choice=result("metrics/release/choice.json"),
    log:
        result("logs/release/choose.log"),
    localrule: True
    conda:
        "../envs/camembert.yaml"
    params:
        files=MODEL,
        names=lambda _: [each.name for each in candidates()],
        encoders=lambda _: [encoder_folder(each.encoder) for each in candidates()],
    message:
        "Choosing the classifier that is best on dev"
    script:
        "../scripts/choose_release.py"


rule trim_vocabulary:
    input:
        classifier=rules.choose_release.output.classifier,
        corpus=lambda _: shards_of(kept_languages()),
        examples=lambda _: [
            *TASK_DATA["train"],
            *expand(result("data/task/dev-{language}.parquet"), language=kept_languages()),
        ],
    output:
        released("classifier-trimmed", MODEL),
    log:
        result("logs/release/trim.log"),
    benchmark:
        result("benchmarks/release/trim.tsv")
    conda:
        "../envs/camembert.yaml"
    resources:
        **without(config["resources"]["evaluation"], "gpu"),
    message:
        "Trimming the vocabulary to that of the chosen languages"
    script:
        "../scripts/trim_vocabulary.py"


rule export_onnx:
    input:
        classifier=rules.choose_release.output.classifier,
    output:
        fp32=released("onnx-fp32", ONNX_MODEL),
        int8=released("onnx-int8", ONNX_MODEL),
    log:
        result("logs/release/onnx.log"),
    benchmark:
        result("benchmarks/release/onnx.tsv")
    conda:
        "../envs/camembert.yaml"
    resources:
        **without(config["resources"]["evaluation"], "gpu"),
    message:
        "Exporting to ONNX"
    script:
        "../scripts/export_onnx.py"


rule evaluate_release:
    input:
        model=lambda wildcards: released(wildcards.form, FORMS[wildcards.form].files),
        test=TASK_DATA["test"],
    output:
        predictions=expand(result("predictions/release/{{form}}/{language}.parquet"), language=LANGUAGES),
        metrics=result("metrics/release/{form}.json"),
    log:
        result("logs/release/evaluate/{form}.log"),
    benchmark:
        result("benchmarks/release/evaluate/{form}.tsv")
    wildcard_constraints:
        form=one_of(FORMS),
    conda:
        "../envs/camembert.yaml"
    threads: every_core
    resources:
        **without(config["resources"]["evaluation"], "gpu"),
    params:
        languages=LANGUAGES,
        max_tokens=config["finetuning"]["max_tokens"],
        batch_tokens=not_a_trigger(config["evaluation"]["batch_tokens"]),
        efficiency=config["efficiency"],
        threads=config["threads"]["efficiency"],
    message:
        "Evaluating the released {wildcards.form}"
    script:
        "../scripts/evaluate_release.py"


rule tabulate_release:
    input:
        metrics=expand(rules.evaluate_release.output.metrics, form=FORMS),
    output:
        table=table("release", "Release"),
    log:
        result("logs/release/tabulate.log"),
    localrule: True
    conda:
        "../envs/camembert.yaml"
    params:
        kept=lambda _: kept_languages(),
        lengths=config["efficiency"]["lengths"],
    message:
        "Tabulating the forms of the release"
    script:
        "../scripts/tabulate_release.py"


rule write_model_cards:
    input:
        choice=rules.choose_release.output.choice,
        trained=lambda _: lineage_metrics(),
        evaluated=rules.tabulate_release.input.metrics,
        labels=LABELS,
        citation=workflow.source_path("../CITATION.cff"),
    output:
        [result(f"release/{form}/README.md") for form in (ENCODER_FOLDER, *FORMS)],
    log:
        result("logs/release/cards.log"),
    localrule: True
    conda:
        "../envs/camembert.yaml"
    params:
        experiment=config["experiment"],
        kept=lambda _: kept_languages(),
        task={key: TASK[key] for key in ("name", "source")} | {"pairs": bool(TASK["columns"]["text_pair"])},
    message:
        "Writing the model cards"
    script:
        "../scripts/write_model_cards.py"


rule release:
    input:
        rules.choose_release.output,
        [released(name, form.files) for name, form in FORMS.items()],
        rules.tabulate_release.output,
        rules.write_model_cards.output,
