"""Data: inference pairs, text, tokenizer, token shards.

Needs nothing (source cldr) or two local folders (source files); makes data/nli, data/tokenizer, data/corpus.
"""

LANGUAGES = config["languages"]
INFERENCE_DATA = {
    "train": result("data/nli/train-en.parquet"),
    "dev": expand(result("data/nli/dev-{language}.parquet"), language=LANGUAGES),
    "test": expand(result("data/nli/test-{language}.parquet"), language=LANGUAGES),
}
CORPUS = expand(result("data/corpus/{language}"), language=LANGUAGES)

if config["data"]["source"] == "cldr":
    TEXT = result("data/text/{language}.txt")

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

    rule make_cldr_text:
        output:
            expand(TEXT, language=LANGUAGES),
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

else:
    TEXT = str(Path(config["data"]["files"]["text"]) / "{language}.txt")

    NLI_FOLDER = Path(config["data"]["files"]["nli"])
    SPLITS = ["dev"] if config["data"]["files"]["split_dev"] else ["dev", "test"]

    rule import_inference_data:
        input:
            [NLI_FOLDER / "train-en.tsv"],
            expand(NLI_FOLDER / "{split}-{language}.tsv", split=SPLITS, language=LANGUAGES),
        output:
            **INFERENCE_DATA,
        log:
            result("logs/import_inference_data.log"),
        benchmark:
            result("benchmarks/import_inference_data.tsv")
        localrule: True
        conda:
            "../envs/camembert.yaml"
        params:
            folder=str(NLI_FOLDER),
            languages=LANGUAGES,
            train_limit=config["data"]["files"]["train_limit"],
            split_dev=config["data"]["files"]["split_dev"],
        message:
            "Reading inference data from {params.folder}"
        script:
            "../scripts/import_inference_data.py"


TEXT_LIMIT = config["data"]["files"]["text_limit"] if config["data"]["source"] == "files" else None


rule train_tokenizer:
    input:
        texts=expand(TEXT, language=LANGUAGES),
        read_first=INFERENCE_DATA["train"],  # so that a wrong row stops the run before anything trains
    output:
        directory(result("data/tokenizer")),
    log:
        result("logs/train_tokenizer.log"),
    benchmark:
        result("benchmarks/train_tokenizer.tsv")
    conda:
        "../envs/camembert.yaml"
    params:
        **config["tokenizer"],
        longest=config["teacher"]["positions"],
        limit=TEXT_LIMIT,
    message:
        "Training a tokenizer of {params.vocabulary} tokens"
    script:
        "../scripts/train_tokenizer.py"


rule tokenize_text:
    input:
        text=TEXT,
        tokenizer=rules.train_tokenizer.output,
    output:
        directory(result("data/corpus/{language}")),
    log:
        result("logs/tokenize_text/{language}.log"),
    benchmark:
        result("benchmarks/tokenize_text/{language}.tsv")
    conda:
        "../envs/camembert.yaml"
    params:
        parallel=config["data"]["source"] == "cldr",
        limit=TEXT_LIMIT,
    message:
        "Tokenizing {wildcards.language}"
    script:
        "../scripts/tokenize_text.py"


DATA_BENCHMARKS = [
    *expand(result("benchmarks/tokenize_text/{language}.tsv"), language=LANGUAGES),
    result("benchmarks/train_tokenizer.tsv"),
    *(
        [result("benchmarks/make_cldr_nli.tsv"), result("benchmarks/make_cldr_text.tsv")]
        if config["data"]["source"] == "cldr"
        else [result("benchmarks/import_inference_data.tsv")]
    ),
]
