"""Data: inference pairs, sentences for retrieval, text, tokenizer, token shards.

Needs nothing (source cldr), local folders (folder) or a network (hub); makes data/downloads, data/nli, data/retrieval,
data/tokenizer, data/corpus. Downloads are the only jobs that use the network, and run where Snakemake runs.
"""

INFERENCE_DATA = {
    "train": result("data/nli/train-en.parquet"),
    "dev": expand(result("data/nli/dev-{language}.parquet"), language=LANGUAGES),
    "test": expand(result("data/nli/test-{language}.parquet"), language=LANGUAGES),
}
CORPUS = expand(result("data/corpus/{language}"), language=LANGUAGES)
TOKENIZER = [result("data/tokenizer")]
QUERY_LANGUAGES = [language for language in LANGUAGES if language != "en"]
RETRIEVAL_DATA = (
    expand(result("data/retrieval/{language}.parquet"), language=LANGUAGES)
    if RETRIEVAL["source"] != "none" and QUERY_LANGUAGES
    else []
)
RETRIEVAL_JOB = "make_cldr_retrieval" if RETRIEVAL["source"] == "cldr" else "import_retrieval"
READ_FIRST = [INFERENCE_DATA["train"], *RETRIEVAL_DATA]  # so that wrong input stops the run before anything trains


rule download:
    output:
        directory(downloaded("{what}")),
    log:
        result("logs/download/{what}.log"),
    benchmark:
        result("benchmarks/download/{what}.tsv")
    wildcard_constraints:
        what=one_of(DOWNLOADS),
    retries: 0  # it tries again itself
    localrule: True
    conda:
        "../envs/camembert.yaml"
    params:
        source=download_source,
        unfinished=result("checkpoints/download/{what}"),
    message:
        "Downloading {wildcards.what}: {params.source[repository]} at {params.source[revision]}"
    script:
        "../scripts/download.py"


if NLI["source"] == "cldr":

    rule make_cldr_nli:
        output:
            **INFERENCE_DATA,
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

    rule import_inference_data:
        input:
            **inference_files(),
        output:
            **INFERENCE_DATA,
        log:
            result("logs/import_inference_data.log"),
        benchmark:
            result("benchmarks/import_inference_data.tsv")
        retries: 0  # wrong input stays wrong
        localrule: True
        conda:
            "../envs/camembert.yaml"
        params:
            patterns=inference_patterns(),
            languages=LANGUAGES,
            train_limit=NLI["train_limit"],
        message:
            "Reading inference data from {input}"
        script:
            "../scripts/import_inference_data.py"


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
            **sources.aligned_files(RETRIEVAL["folder"], LANGUAGES),
        output:
            RETRIEVAL_DATA,
        log:
            result("logs/import_retrieval.log"),
        benchmark:
            result("benchmarks/import_retrieval.tsv")
        retries: 0  # wrong input stays wrong
        localrule: True
        conda:
            "../envs/camembert.yaml"
        params:
            languages=LANGUAGES,
        message:
            "Reading sentences for retrieval from {input}"
        script:
            "../scripts/import_retrieval.py"


if TEXT["source"] == "cldr":

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
            **{language: text_of(language) for language in LANGUAGES},
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
            languages=LANGUAGES,
            longest=TEACHER["positions"],
            limit=TEXT_LIMIT,
        message:
            "Training a tokenizer of {params.vocabulary} tokens"
        script:
            "../scripts/train_tokenizer.py"

else:

    rule import_tokenizer:
        input:
            teacher=teacher_source_files(),
            read_first=READ_FIRST,
        output:
            directory(TOKENIZER),
        log:
            result("logs/import_tokenizer.log"),
        benchmark:
            result("benchmarks/import_tokenizer.tsv")
        retries: 0  # wrong input stays wrong
        localrule: True
        conda:
            "../envs/camembert.yaml"
        params:
            declared=teacher_sizes(),
            vocabulary=config["tokenizer"]["vocabulary"],
        message:
            "Taking the tokenizer of {input.teacher[0]}"
        script:
            "../scripts/import_tokenizer.py"


rule tokenize_text:
    input:
        text=text_of_job,
        tokenizer=TOKENIZER,
    output:
        directory(result("data/corpus/{language}")),
    log:
        result("logs/tokenize_text/{language}.log"),
    benchmark:
        result("benchmarks/tokenize_text/{language}.tsv")
    conda:
        "../envs/camembert.yaml"
    threads: config["threads"]["tokenization"]
    resources:
        **config["resources"]["tokenization"],
    params:
        parallel=TEXT["source"] == "cldr",
        limit=TEXT_LIMIT,
        unfinished=result("checkpoints/corpus/{language}"),
        checkpoint_seconds=not_a_trigger(config["checkpoint_seconds"]),
    message:
        "Tokenizing {wildcards.language}"
    script:
        "../scripts/tokenize_text.py"


DATA_BENCHMARKS = [
    *expand(result("benchmarks/download/{what}.tsv"), what=DOWNLOADS),
    *expand(result("benchmarks/tokenize_text/{language}.tsv"), language=LANGUAGES),
    result(f"benchmarks/{'train' if TEACHER['source'] == 'pretrain' else 'import'}_tokenizer.tsv"),
    result(f"benchmarks/{'make_cldr_nli' if NLI['source'] == 'cldr' else 'import_inference_data'}.tsv"),
    *([result("benchmarks/make_cldr_text.tsv")] if TEXT["source"] == "cldr" else []),
    *([result(f"benchmarks/{RETRIEVAL_JOB}.tsv")] if RETRIEVAL_DATA else []),
]
