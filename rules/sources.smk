"""Sources: the files that the config names for inference pairs, retrieval, text and teacher (no rules).

Needs the merged config; what is on the hub is brought by the rule `download`.
"""

from camembert.plan import sources

LANGUAGES = config["languages"]
NLI, TEXT, TEACHER = config["data"]["nli"], config["data"]["text"], config["teacher"]
RETRIEVAL = config["data"]["retrieval"]
SPLITS = ["train", "dev"] if NLI["split_dev"] else ["train", "dev", "test"]
TASK = "cldr-nli" if NLI["source"] == "cldr" else "xnli"
TEXT_LIMIT = None if TEXT["source"] == "cldr" else TEXT["limit"]
DOWNLOADS = sources.downloads(config)


def downloaded(what):
    """The folder of a download."""
    return result(f"data/downloads/{what}")


def inference_files():
    """The files of every split that is read, or the folder they are downloaded to."""
    if NLI["source"] == "hub":
        return {split: [downloaded(f"nli-{split}")] for split in SPLITS}
    files = {split: sources.evaluation_files(NLI["folder"], split, LANGUAGES) for split in SPLITS if split != "train"}
    return {"train": [sources.training_file(NLI["folder"])]} | files


def inference_patterns():
    """Which downloaded files belong to a language; empty where nothing is downloaded."""
    return {split: NLI["hub"][split]["files"] for split in SPLITS} if NLI["source"] == "hub" else {}


def text_of(language):
    """The files with the text of a language, or the folder they are downloaded to."""
    if TEXT["source"] == "folder":
        return sources.text_files(TEXT["folder"], language)
    return [downloaded(f"text-{language}") if TEXT["source"] == "hub" else result(f"data/text/{language}.txt")]


def text_of_job(wildcards):
    """The files with the text of a job's language."""
    return text_of(wildcards.language)


def teacher_source_files():
    """The files of a given teacher, or the folder they are downloaded to."""
    return [downloaded("teacher")] if TEACHER["source"] == "hub" else sources.teacher_files(TEACHER["folder"])


def teacher_sizes():
    """The sizes that the config declares of its teacher."""
    return {key: TEACHER[key] for key in sources.SIZES}


def download_source(wildcards):
    """What a download job brings."""
    return DOWNLOADS[wildcards.what]
