"""Sources: the files that the config names for task, retrieval, text and teacher (no rules).

Needs the merged config; what is on the hub is brought by the rule `download`.
"""

from camembert.plan import corpora, sources, teachers

LANGUAGES = config["languages"]
TASK, TEACHER = config["data"]["task"], config["teacher"]
RETRIEVAL = config["data"]["retrieval"]
PAIRWISE = sources.is_pairwise(RETRIEVAL)
QUERY_LANGUAGES = [language for language in LANGUAGES if language != "en"]
TRAIN_LANGUAGES = TASK["train_languages"]
CORPORA = {corpus.name: corpus for corpus in corpora.text_sources(config)}
UNLABELLED_CORPORA = {corpus.name: corpus for corpus in corpora.unlabelled_sources(config)}
TEXTS = CORPORA | UNLABELLED_CORPORA
"""All that is read; what has share 0 trains no encoder, but classifiers."""
DOWNLOADS = corpora.list_downloads(config)


def downloaded(what):
    """The folder of a download."""
    return result(f"data/downloads/{what}")


def task_folders():
    """The folder that each split is read from: the one of the config, or what it is downloaded to."""
    here = {split: TASK["folder"] for split in sources.list_splits(TASK)}
    return {split: downloaded(f"task-{split}") for split in here} if TASK["source"] == "hub" else here


def task_inputs():
    """What a task is read from: the files of every split, or the folder they are downloaded to."""
    if TASK["source"] == "hub":
        return {split: [folder] for split, folder in task_folders().items()}
    files = sources.find_task_files(task_folders(), TASK["files"], TASK["locales"], LANGUAGES, TRAIN_LANGUAGES)
    return {
        split: list(dict.fromkeys(path for paths in by_language.values() for path in paths))
        for split, by_language in files.items()
    }


def retrieval_inputs():
    """What sentences for retrieval are read from, by language: a file, two, or the folder they are downloaded to."""
    if RETRIEVAL["source"] == "hub":
        return {language: [downloaded(f"retrieval-{language}")] for language in QUERY_LANGUAGES}
    if PAIRWISE:
        return sources.find_paired_files(RETRIEVAL["folder"], RETRIEVAL["files"], LANGUAGES)
    return sources.find_aligned_files(RETRIEVAL["folder"], LANGUAGES)


def text_of(corpus, language):
    """The files with the text of a corpus in a language, or the folder they are downloaded to."""
    if corpus.source == "folder":
        return corpus.files_of(language)
    if corpus.source == "hub":
        return [downloaded(f"text-{corpus.name}-{language}")]
    return [result(f"data/text/{language}.txt")]


def checked(names):
    """What was found of dev, test and retrieval in corpora; nothing in one that is made here."""
    return [result(f"data/checked/{name}.json") for name in names if TEXTS[name].source != "cldr"]


def corpus_of_job(wildcards):
    """The files of a job's corpus, by language."""
    corpus = TEXTS[wildcards.corpus]
    return {language: text_of(corpus, language) for language in corpus.languages(LANGUAGES)}


def readings_of_job(wildcards):
    """How they are read."""
    corpus = TEXTS[wildcards.corpus]
    return {language: corpus.reading(language) for language in corpus.languages(LANGUAGES)}


def all_text(among=CORPORA):
    """All text of some corpora: corpus and language, language after language."""
    return [
        (corpus, language)
        for language in LANGUAGES
        for corpus in among.values()
        if language in corpus.languages(LANGUAGES)
    ]


def named_text(among):
    """All text of some corpora, by ``LANGUAGE_CORPUS``."""
    return {f"{language}_{corpus.name}": text_of(corpus, language) for corpus, language in all_text(among)}


def named_readings(among):
    """How it is read, by the same."""
    return {f"{language}_{corpus.name}": corpus.reading(language) for corpus, language in all_text(among)}


def shards_of(languages):
    """The shards of all corpora in some languages."""
    return [
        result(f"data/corpus/{corpus.name}/{language}")
        for corpus in CORPORA.values()
        for language in corpus.languages(languages)
    ]


def teacher_source_files():
    """The files of a given teacher, or the folder they are downloaded or unpacked to."""
    if TEACHER["source"] == "package":
        return [result("data/teacher")]
    return [downloaded("teacher")] if TEACHER["source"] == "hub" else teachers.find_teacher_files(TEACHER["folder"])


def teacher_config():
    """The config.json of a given teacher, or the folder that it is in; nothing where it is made here."""
    return [] if TEACHER["source"] == "pretrain" else teacher_source_files()[:1]


def teacher_sizes():
    """The sizes that the config declares of its teacher."""
    return {key: TEACHER[key] for key in teachers.SIZES}
