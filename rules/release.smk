"""Release: `snakemake release` makes the best student ready to use: PyTorch, ONNX, eight bits, smaller vocabularies.

Needs encoders, classifiers, their metrics and the data; makes release/, tables/release, figures/release and what they
are made from. A form is made in forms/, measured there beside the teacher's, and moved into release/ with its model
card. It is no part of `all`.
"""

RELEASE_FORMS = config["release"]["forms"]


rule choose_release:
    input:
        students=lambda _: classifier_metrics(candidates()),
        teachers=lambda _: classifier_metrics(teachers_of_release()),
    output:
        choice=result("metrics/release-choice.json"),
    log:
        result("logs/release/choose.log"),
    localrule: True
    conda:
        "../envs/camembert.yaml"
    params:
        named=config["release"]["chain"] is not None,
    message:
        "Choosing the classifier that is best on dev"
    script:
        "../scripts/choose_release.py"


rule make_form:
    input:
        choice=rules.choose_release.output.choice,
        models=lambda wildcards: models_of_form(wildcards).values(),
        corpus=corpus_of_form,
        examples=examples_of_form,
        dev=dev_of_form,
    output:
        folder=temp(directory(result("forms/{form}"))),
        facts=result("metrics/forms/{form}.json"),
    log:
        result("logs/release/make/{form}.log"),
    wildcard_constraints:
        form=one_of(choice.FORMS),
    retries: 0  # wrong input stays wrong
    conda:
        "../envs/camembert.yaml"
    threads: config["threads"]["evaluation"]
    resources:
        **without(config["resources"]["evaluation"], "gpu"),
    params:
        folders=models_of_form,
        vocabulary=vocabulary_of_form,
        pooling=config["retrieval"]["pooling"],
        evaluation={
            "max_length": config["finetuning"]["max_length"],
            "batch_tokens": config["evaluation"]["batch_tokens"],
            "threads": config["threads"]["evaluation"],
        },
    message:
        "Making the form {wildcards.form}"
    script:
        "../scripts/make_form.py"


rule evaluate_release:
    input:
        folder=rules.make_form.output.folder,
        made=rules.make_form.output.facts,
        choice=rules.choose_release.output.choice,
        test=TASK_DATA["test"],
    output:
        predictions=expand(result("predictions/release/{{form}}/{language}.parquet"), language=LANGUAGES),
        metrics=result("metrics/release/{form}.json"),
    log:
        result("logs/release/evaluate/{form}.log"),
    wildcard_constraints:
        form=one_of(name for name, form in choice.FORMS.items() if form.model == choice.CLASSIFIER),
    conda:
        "../envs/camembert.yaml"
    threads: every_core
    resources:
        **without(config["resources"]["evaluation"], "gpu"),
    params:
        languages=LANGUAGES,
        max_length=config["finetuning"]["max_length"],
        batch_tokens=not_a_trigger(config["evaluation"]["batch_tokens"]),
        efficiency=config["efficiency"],
        threads=config["threads"]["efficiency"],
    message:
        "Measuring the form {wildcards.form}"
    script:
        "../scripts/evaluate_release.py"


use rule evaluate_release as measure_released_encoder with:
    input:
        folder=rules.make_form.output.folder,
        made=rules.make_form.output.facts,
        choice=rules.choose_release.output.choice,
    output:
        metrics=result("metrics/release/{form}.json"),
    wildcard_constraints:
        form=one_of(name for name, form in choice.FORMS.items() if form.model == choice.ENCODER),


rule tabulate_release:
    input:
        metrics=lambda _: expand(result("metrics/release/{form}.json"), form=measured_forms()),
        predictions=lambda _: expand(
            result("predictions/release/{form}/{language}.parquet"),
            form=[name for name in measured_forms() if choice.FORMS[name].model == choice.CLASSIFIER],
            language=LANGUAGES,
        ),
        labels=LABELS,
    output:
        table=table("release", "Release"),
        figure=figure("release", "Release"),
    log:
        result("logs/release/tabulate.log"),
    localrule: True
    conda:
        "../envs/camembert.yaml"
    params:
        parallel=TASK["source"] == "cldr" or TASK["parallel"],
        kept=lambda _: kept_languages(),
    message:
        "Tabulating the release beside its teacher"
    script:
        "../scripts/tabulate_release.py"


rule write_release:
    input:
        folder=rules.make_form.output.folder,
        measured=result("metrics/release/{form}.json"),
        classifier=result(f"metrics/release/{choice.CLASSIFIER}.json"),
        choice=rules.choose_release.output.choice,
        trained=lambda _: training_metrics(candidates()),
        labels=LABELS,
        citation=workflow.source_path("../CITATION.cff"),
    output:
        directory(result("release/{form}")),
    log:
        result("logs/release/write/{form}.log"),
    wildcard_constraints:
        form=one_of(RELEASE_FORMS),
    localrule: True
    conda:
        "../envs/camembert.yaml"
    params:
        experiment=config["experiment"],
        kept=lambda _: kept_languages(),
        pooling=config["retrieval"]["pooling"],
        max_length=config["finetuning"]["max_length"],
        task={key: TASK[key] for key in ("name", "source")} | {"pairs": bool(TASK["columns"]["text_pair"])},
    message:
        "Writing {output}"
    script:
        "../scripts/write_release.py"


rule release:
    input:
        expand(rules.write_release.output, form=RELEASE_FORMS),
        rules.tabulate_release.output,


rule compress:
    input:
        rules.release.input,
