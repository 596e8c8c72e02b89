"""Where data come from: the files of a folder that someone brings, found and checked before any job.

It is pure: the Snakefile imports it. What is inside the files is read by `text` and `task_files`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

Folder = str | os.PathLike[str]

ENGLISH = "en"
"""The language that sentences are retrieved in, and that classifiers are trained on unless data.task says otherwise."""
CLDR_TASK = "cldr-nli"
"""The task that is made here."""
CLDR_LANGUAGES = ("en", "fr", "es", "de", "el", "bg", "ru", "tr", "ar", "vi", "th", "zh", "hi", "sw", "ur")
"""Languages in which task and text can be made here; those of XNLI."""
SEPARATED = re.compile(r"\.([ct]sv|txt)")
"""In the names of files whose columns data.task.header may name."""
FOUND = "found"
"""Instead of the names of a task's labels: those of its training examples."""
ALIGNED_LAYOUTS = ("{}.txt", "{}.txt.gz")
"""How the sentences of a language that are retrieved may be kept in a folder; a line a sentence."""


class SourceError(ValueError):
    """A source that is not there or is not what the config says, in one sentence."""


# --- tasks ----------------------------------------------------------------------------------------------------


def splits_of(task: dict[str, Any]) -> list[str]:
    """The splits of a task that are read: without dev, a fifth of train becomes it; without test, half of dev."""
    dev = [] if task["source"] == "folder" and task["files"]["dev"] is None else ["dev"]
    return ["train", *dev, *([] if task["split_dev"] else ["test"])]


def languages_of(split: str, languages: Sequence[str], train_languages: Sequence[str]) -> list[str]:
    """The languages that a split is read in."""
    return list(train_languages if split == "train" else languages)


def locale_of(locales: Mapping[str, str], language: str) -> str:
    """What a task calls a language."""
    return locales.get(language, language)


def task_files(folder: Folder, pattern: str, locale: str, missing_ok: bool = False) -> list[Path]:
    """The files of one split and language, in order.

    Raises:
        SourceError: there are none, unless that is all right, or one is empty.
    """
    name = in_language(pattern, locale)
    paths = sorted(Path(folder).glob(name))
    if not paths and not missing_ok:
        raise SourceError(
            f"{folder} has no file {name!r}; add it, correct data.task.files or locales, or take its language out of"
            " languages (a task without test files: data.task.split_dev: true)"
        )
    refuse_unusable(paths)
    return paths


def files_of_task(
    folders: Mapping[str, Folder],
    patterns: Mapping[str, str],
    locales: Mapping[str, str],
    languages: Sequence[str],
    train_languages: Sequence[str],
) -> dict[str, dict[str, list[Path]]]:
    """The files of a task by split and language.

    Args:
        folders: of each split that is read.
        patterns: which files are those of `{language}`.
        locales: what the task calls a language.
        languages: of dev and test.
        train_languages: of train.

    Raises:
        SourceError: files are missing or empty.
    """
    return {
        split: {
            language: task_files(folder, patterns[split], locale_of(locales, language))
            for language in languages_of(split, languages, train_languages)
        }
        for split, folder in folders.items()
    }


def task_pattern(task: dict[str, Any], split: str) -> str:
    """Which files hold a split; `{language}` stands for what the task calls the language."""
    pattern: str = task["hub"][split]["files"] if task["source"] == "hub" else task["files"][split]
    return pattern


def layout_of(task: Mapping[str, Any], split: str) -> tuple[list[str] | None, dict[str, str | None]]:
    """The names of the columns of a split's files, where their first line does not name them; and what columns hold."""
    columns = task["columns"] | task["split_columns"].get(split, {})
    return task["split_header"].get(split, task["header"]), columns


def check_task(task: dict[str, Any], languages: Sequence[str]) -> None:
    """Checks what one key of data.task asks of another, and that every file of a folder is there.

    Raises:
        SourceError: a column that the header does not name, dev that cannot be held out of train, dev or test that
            are the same in every language, or a file that is missing or empty.
    """
    train_languages = task["train_languages"]
    if "dev" not in splits_of(task) and set(languages) != set(train_languages):
        raise SourceError(
            f"data.task.files.dev is null, but languages are {', '.join(languages)}, expected dev files of every"
            f" language; name them, or set languages: [{', '.join(train_languages)}]"
        )
    if "dev" not in splits_of(task) and task["parallel"] and len(languages) > 1:
        raise SourceError(
            "data.task.files.dev is null and data.task.parallel is true, but what is held out of train is not the same"
            " in every language; name dev files, or set data.task.parallel: false"
        )
    for split in splits_of(task):
        pattern = task_pattern(task, split)
        header, columns = layout_of(task, split)
        names = dict.fromkeys([*filter(None, columns.values()), *task["filter"][split]])
        unknown = [name for name in names if header and name not in header]
        if header and unknown and SEPARATED.search(pattern):
            raise SourceError(
                f"data.task names the column {unknown[0]!r} for {split}, expected one of its header"
                f" ({', '.join(map(repr, header))}); correct one of the two"
            )
        by_language = "{language}" in pattern or "{language}" in map(str, task["filter"][split].values())
        key = f"hub.{split}.files" if task["source"] == "hub" else f"files.{split}"
        if split == "train" and len(train_languages) > 1 and not by_language:
            raise SourceError(
                f"data.task.{key} is {pattern!r}, expected {{language}} in it or in data.task.filter.train, since"
                f" data.task.train_languages names {len(train_languages)}; without it one file would be read for all"
            )
        if split != "train" and len(languages) > 1 and not by_language:
            raise SourceError(
                f"data.task.{key} is {pattern!r}, expected {{language}} in it or in data.task.filter.{split}; without"
                " it every language would be evaluated on the same examples"
            )
        if task["source"] == "folder":
            files_of_task({split: task["folder"]}, task["files"], task["locales"], languages, train_languages)


def twice(folder: Folder, what: str, names: Iterable[str]) -> SourceError:
    """What is raised where something is kept in two forms."""
    return SourceError(f"{folder} has {what} more than once, as {' and '.join(names)}; keep one of them")


POINTERS = {b"version https://git-lfs.github.com/spec/": "git lfs pull", b"/annex/objects/": "git annex get"}
"""How files begin that stand for data which was not fetched, and what fetches them."""


def refuse_pointer(path: Path) -> None:
    """Refuses a file that only says where the data are, as git-lfs and git-annex leave them in a clone.

    Raises:
        SourceError: it is such a file.
    """
    with open(path, "rb") as file:
        start = file.read(max(map(len, POINTERS)))
    for mark, fetch in POINTERS.items():
        if start.startswith(mark):
            raise SourceError(
                f"{path} is a pointer of {'-'.join(fetch.split()[:2])}, not the data; fetch them in its repository with"
                f" `{fetch}`, or copy the file from elsewhere"
            )


def refuse_unusable(paths: Iterable[Path]) -> None:
    """Refuses links to nothing, files without a byte, and pointers to data.

    Raises:
        SourceError: one is such a file.
    """
    for path in paths:
        if not path.exists():
            raise SourceError(
                f"{path} is a link to {path.readlink()}, which is not there; bring that file, or correct it"
            )
        if path.is_file() and path.stat().st_size == 0:
            raise SourceError(f"{path} is empty; expected text in UTF-8: fill it or remove it")
        if path.is_file():
            refuse_pointer(path)


# --- sentences for retrieval ------------------------------------------------------------------------------------


def aligned_files(folder: Folder, languages: Iterable[str]) -> dict[str, Path]:
    """The file with the sentences of each language, of which line i says the same in all.

    Raises:
        SourceError: a language has none or two, or a file is empty.
    """
    files = {}
    for language in languages:
        names = [layout.format(language) for layout in ALIGNED_LAYOUTS]
        found = [path for name in names if (path := Path(folder) / name).is_file()]
        if not found:
            raise SourceError(
                f"{folder} has no sentences in {language} for retrieval; expected one of {', '.join(names)}: add it,"
                f" or take {language} out of languages"
            )
        if len(found) > 1:
            raise twice(folder, f"the sentences in {language}", names)
        refuse_unusable(found)
        files[language] = found[0]
    return files


def is_pairwise(retrieval: Mapping[str, Any]) -> bool:
    """Whether every language is aligned with English sentences of its own."""
    return retrieval["source"] == "hub" or (retrieval["source"] == "folder" and retrieval["files"] is not None)


def paired_files(folder: Folder, names: Mapping[str, str], languages: Iterable[str]) -> dict[str, list[Path]]:
    """The file with the sentences of each language, and the one with the English sentences that say the same.

    Raises:
        SourceError: one is missing or empty.
    """
    files = {}
    for language in languages:
        if language == ENGLISH:
            continue
        pair = [Path(folder) / in_language(names[side], language) for side in ("text", "english")]
        for path in pair:
            if not path.is_file():
                raise SourceError(
                    f"{folder} has no file {path.name} for retrieval; add it, correct data.retrieval.files, or take"
                    f" {language} out of languages"
                )
        refuse_unusable(pair)
        files[language] = pair
    return files


def in_language(pattern: str, language: str) -> str:
    """A pattern of file names for one language."""
    return pattern.replace("{language}", language)
