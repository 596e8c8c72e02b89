"""The cascade: encoders, each a file-producing job of its lineage.

Needs data/tokenizer and data/corpus; makes encoders/<recipe>/<chain>/d<distill_seed>. Two rules make every
encoder there is: `pretrain` those that start from random weights, `distill` those cut from a teacher.
"""


rule pretrain:
    input:
        tokenizer=rules.train_tokenizer.output,
        corpus=CORPUS,
    output:
        encoder=directory(result(f"encoders/{ENCODER}")),
        metrics=result(f"metrics/encoders/{ENCODER}.json"),
        curve=result(f"metrics/encoders/{ENCODER}.jsonl"),
    log:
        result(f"logs/encoders/{ENCODER}.log"),
    benchmark:
        result(f"benchmarks/encoders/{ENCODER}.tsv")
    wildcard_constraints:
        chain=r"\d+|0-\d+(x[\d.]+)?",
    conda:
        "../envs/camembert.yaml"
    threads: config["threads"]["pretraining"]
    resources:
        **config["resources"]["pretraining"],
    params:
        architecture={key: value for key, value in config["teacher"].items() if key != "layers"},
        layers=lambda wildcards: parse_chain(wildcards.chain).layers,
        steps=pretraining_steps,
        settings=lookup("pretraining", within=config),
        text=config["text"],
        seed=lambda wildcards: (
            int(wildcards.distill_seed) if wildcards.chain.startswith("0") else config["pretraining"]["seed"]
        ),
        device=config["device"],
        threads=config["threads"]["pretraining"],
        checkpoints=result(f"checkpoints/encoders/{ENCODER}"),
        checkpoint_seconds=config["checkpoint_seconds"],
        config_hash=CONFIG_HASH,
    message:
        "Pre-training {wildcards.chain} from random weights ({params.steps} steps)"
    script:
        "../scripts/pretrain.py"


rule distill:
    input:
        teacher=teacher_folder,
        corpus=CORPUS,
    output:
        encoder=directory(result(f"encoders/{ENCODER}")),
        metrics=result(f"metrics/encoders/{ENCODER}.json"),
        curve=result(f"metrics/encoders/{ENCODER}.jsonl"),
    log:
        result(f"logs/encoders/{ENCODER}.log"),
    benchmark:
        result(f"benchmarks/encoders/{ENCODER}.tsv")
    wildcard_constraints:
        chain=r"[1-9]\d*(-\d+(x[\d.]+)?)+|0-\d+(x[\d.]+)?(-\d+(x[\d.]+)?)+",
    conda:
        "../envs/camembert.yaml"
    threads: config["threads"]["distillation"]
    resources:
        **config["resources"]["distillation"],
    params:
        steps=lambda wildcards: round(parse_chain(wildcards.chain).budget * config["distillation"]["steps"]),
        settings=lookup("distillation", within=config),
        text=config["text"],
        device=config["device"],
        threads=config["threads"]["distillation"],
        checkpoints=result(f"checkpoints/encoders/{ENCODER}"),
        checkpoint_seconds=config["checkpoint_seconds"],
        config_hash=CONFIG_HASH,
    message:
        "Distilling {wildcards.chain} from {input.teacher} ({params.steps} steps)"
    script:
        "../scripts/distill.py"
