"""Sources: the files that the config names for task, text and teacher (no rules).

Needs the merged config; what is on the hub is brought by the rule `download`.
"""

from camembert.plan import sources

LANGUAGES = config["languages"]
TASK, TEXT, TEACHER = config["data"]["task"], config["data"]["text"], config["teacher"]
TEXT_LIMIT = None if TEXT["source"] == "cldr" else TEXT["limit"]
DOWNLOADS = sources.downloads(config)


def downloaded(what):
    """The folder of a download."""
    return result(f"data/downloads/{what}")


def task_folders():
    """The folder that each split is read from: the one of the config, or what it is downloaded to."""
    here = {split: TASK["folder"] for split in sources.splits_of(TASK)}
    return {split: downloaded(f"task-{split}") for split in here} if TASK["source"] == "hub" else here


def task_inputs():
    """What a task is read from: the files of every split, or the folder they are downloaded to."""
    if TASK["source"] == "hub":
        return {split: [folder] for split, folder in task_folders().items()}
    files = sources.files_of_task(task_folders(), TASK["files"], TASK["locales"], LANGUAGES)
    return {
        split: list(dict.fromkeys(path for paths in by_language.values() for path in paths))
        for split, by_language in files.items()
    }


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
