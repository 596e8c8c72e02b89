"""The cascade: encoders, each a file-producing job of its lineage.

Needs data/tokenizer and data/corpus; makes encoders/<recipe>/<chain>/r<run>. Two scripts make
every encoder there is: `pretrain` those that start from random weights, `distill` those made from a teacher; a teacher
that is given comes by `import_teacher` instead. Priorities let start first what most waits for.
"""


rule pretrain:
    input:
        tokenizer=TOKENIZER,
        corpus=CORPUS,
        like=teacher_config(),
    output:
        encoder=directory(result(f"encoders/{ENCODER}")),
        metrics=result(f"metrics/encoders/{ENCODER}.json"),
        curve=result(f"metrics/encoders/{ENCODER}.jsonl"),
    log:
        result(f"logs/encoders/{ENCODER}.log"),
    wildcard_constraints:
        recipe=TEACHER_RECIPE,
    priority: 2
    conda:
        "../envs/camembert.yaml"
    threads: config["threads"]["pretraining"]
    resources:
        **config["resources"]["pretraining"],
    params:
        architecture=without(teacher_sizes(), "num_hidden_layers"),
        steps=training_steps,
        settings=without(config["pretraining"], "steps", "seed"),
        text=config["text"],
        shares=SHARES,
        seed=data_seed,
        device=device_of("pretraining"),
        precision=config["precision"],
        threads=config["threads"]["pretraining"],
        checkpoints=result(f"checkpoints/encoders/{ENCODER}"),
        checkpoint_seconds=not_a_trigger(config["checkpoint_seconds"]),
    message:
        "Making {output.encoder} from random weights by {params.steps} steps of pre-training"
    script:
        "../scripts/pretrain.py"


use rule pretrain as pretrain_from_scratch with:
    wildcard_constraints:
        chain=one_of(
            encoder.chain for encoder in EXPERIMENT.encoders if encoder.parent is None and not encoder.chain.is_teacher
        ),
    priority: 0


if TEACHER["source"] != "pretrain":

    ruleorder: import_teacher > pretrain

    rule import_teacher:
        input:
            source=teacher_source_files(),
            tokenizer=TOKENIZER,
        output:
            encoder=directory(result(f"encoders/{ENCODER}")),
            metrics=result(f"metrics/encoders/{ENCODER}.json"),
            curve=result(f"metrics/encoders/{ENCODER}.jsonl"),
        log:
            result(f"logs/encoders/{ENCODER}.log"),
        wildcard_constraints:
            recipe=TEACHER_RECIPE,
        conda:
            "../envs/camembert.yaml"
        threads: config["threads"]["evaluation"]
        resources:
            **without(config["resources"]["evaluation"], "gpu"),
        params:
            source=teachers.describe_source(TEACHER),
            declared=teacher_sizes(),
            vocabulary=config["tokenizer"]["vocab_size"],
            threads=config["threads"]["evaluation"],
        message:
            "Taking the teacher from {input.source[0]}"
        script:
            "../scripts/import_teacher.py"


rule distill:
    input:
        teacher=lambda wildcards: encoder_folder(encoder_at(wildcards).parent),
        corpus=CORPUS,
    output:
        encoder=directory(result(f"encoders/{ENCODER}")),
        metrics=result(f"metrics/encoders/{ENCODER}.json"),
        curve=result(f"metrics/encoders/{ENCODER}.jsonl"),
    log:
        result(f"logs/encoders/{ENCODER}.log"),
    wildcard_constraints:
        chain=one_of(encoder.chain for encoder in EXPERIMENT.encoders if encoder.parent is not None),
    priority: 1
    conda:
        "../envs/camembert.yaml"
    threads: config["threads"]["distillation"]
    resources:
        **config["resources"]["distillation"],
    params:
        steps=training_steps,
        seed=data_seed,
        recipe=distillation_recipe,
        settings=without(config["distillation"], "steps", "recipes"),
        text=config["text"],
        shares=SHARES,
        device=device_of("distillation"),
        precision=config["precision"],
        threads=config["threads"]["distillation"],
        checkpoints=result(f"checkpoints/encoders/{ENCODER}"),
        teacher_checkpoints=lambda wildcards, output: result(
            f"checkpoints/encoders/{encoder_at(wildcards).parent.path}"
        ),
        checkpoint_seconds=not_a_trigger(config["checkpoint_seconds"]),
    message:
        "Making {output.encoder} from {input.teacher} by {params.steps} steps of distillation"
    script:
        "../scripts/distill.py"
