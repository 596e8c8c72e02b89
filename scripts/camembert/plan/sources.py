"""Files that someone brings, for the task and for retrieval: found and checked before any job, not read."""

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
POINTERS = {b"version https://git-lfs.github.com/spec/": "git lfs pull", b"/annex/objects/": "git annex get"}
"""How files begin that stand for data which was not fetched, and what fetches them."""


class SourceError(ValueError):
    """A source that is not there or is not what the config says, in one sentence."""


def find_locale(locales: Mapping[str, str], language: str) -> str:
    """What a source calls a language."""
    return locales.get(language, language)


def fill_language(pattern: str, language: str) -> str:
    """A pattern of file names for one language."""
    return pattern.replace("{language}", language)


def check_folder(section: str, folder: str | None) -> None:
    """Raises a SourceError unless the folder of a section of the config is named and there."""
    if folder is None:
        raise SourceError(f"{section}.folder is null, expected a folder since {section}.source is folder; name one")
    if not Path(folder).is_dir():
        raise SourceError(
            f"{section}.folder is {folder!r}, but there is no folder {Path(folder).resolve()}; correct the path or"
            " create the folder"
        )


def refuse_pointer(path: Path) -> None:
    """Raises a SourceError for a file that only says where the data are, as git-lfs and git-annex leave in a clone."""
    with open(path, "rb") as file:
        start = file.read(max(map(len, POINTERS)))
    for mark, fetch in POINTERS.items():
        if start.startswith(mark):
            raise SourceError(
                f"{path} is a pointer of {'-'.join(fetch.split()[:2])}, not the data; fetch them in its repository with"
                f" `{fetch}`, or copy the file from elsewhere"
            )


def refuse_unusable(paths: Iterable[Path]) -> None:
    """Raises a SourceError for links to nothing, files without a byte, and pointers to data."""
    for path in paths:
        if not path.exists():
            raise SourceError(
                f"{path} is a link to {path.readlink()}, which is not there; bring that file, or correct it"
            )
        if path.is_file() and path.stat().st_size == 0:
            raise SourceError(f"{path} is empty; expected text in UTF-8: fill it or remove it")
        if path.is_file():
            refuse_pointer(path)


def repeated(folder: Folder, what: str, names: Iterable[str]) -> SourceError:
    """The error of something that is kept in two forms."""
    return SourceError(f"{folder} has {what} more than once, as {' and '.join(names)}; keep one of them")


# --- tasks --------------------------------------------------------------------------------------------------------


def list_splits(task: Mapping[str, Any]) -> list[str]:
    """The splits of a task that are read: without dev, a fifth of train becomes it; without test, half of dev."""
    dev = [] if task["source"] == "folder" and task["files"]["dev"] is None else ["dev"]
    return ["train", *dev, *([] if task["split_dev"] else ["test"])]


def find_files(folder: Folder, pattern: str, locale: str, missing_ok: bool = False) -> list[Path]:
    """The files of one split and language, in order. Raises a SourceError if there are none, or one is empty."""
    name = fill_language(pattern, locale)
    paths = sorted(Path(folder).glob(name))
    if not paths and not missing_ok:
        raise SourceError(
            f"{folder} has no file {name!r}; add it, correct data.task.files or locales, or take its language out of"
            " languages (a task without test files: data.task.split_dev: true)"
        )
    refuse_unusable(paths)
    return paths


def find_task_files(
    folders: Mapping[str, Folder],
    patterns: Mapping[str, str],
    locales: Mapping[str, str],
    languages: Sequence[str],
    train_languages: Sequence[str],
) -> dict[str, dict[str, list[Path]]]:
    """The files of a task by split, each of a folder, and language: train in `train_languages`, others in `languages`.
    Raises a SourceError if some are missing or empty."""
    return {
        split: {
            language: find_files(folder, patterns[split], find_locale(locales, language))
            for language in (train_languages if split == "train" else languages)
        }
        for split, folder in folders.items()
    }


def find_pattern(task: Mapping[str, Any], split: str) -> str:
    """Which files hold a split; `{language}` stands for what the task calls the language."""
    pattern: str = task["hub"][split]["files"] if task["source"] == "hub" else task["files"][split]
    return pattern


def find_columns(task: Mapping[str, Any], split: str) -> tuple[list[str] | None, dict[str, str | None]]:
    """The names of the columns of a split's files, where their first line does not name them; and what columns hold."""
    columns = task["columns"] | task["split_columns"].get(split, {})
    return task["split_header"].get(split, task["header"]), columns


def check_task(task: Mapping[str, Any], languages: Sequence[str]) -> None:
    """Raises a SourceError if a folder is named and not read, a column is not in its header, dev cannot be held out of
    train, dev or test would be the same in every language, or a file is missing or empty."""
    if task["source"] == "cldr" and task["folder"] is not None:
        raise SourceError(
            f"data.task.folder is {task['folder']!r}, but data.task.source is cldr, which reads no folder; set source:"
            " folder, or lay the config over one that does, such as experiments/compress.yaml (docs/compress.md)"
        )
    if task["source"] == "cldr":
        return
    train_languages, splits = task["train_languages"], list_splits(task)
    if "dev" not in splits and set(languages) != set(train_languages):
        raise SourceError(
            f"data.task.files.dev is null, but languages are {', '.join(languages)}, expected dev files of every"
            f" language; name them, or set languages: [{', '.join(train_languages)}] (text in others is read where"
            " data.text.files has no {language}, such as *.txt)"
        )
    if "dev" not in splits and task["parallel"] and len(languages) > 1:
        raise SourceError(
            "data.task.files.dev is null and data.task.parallel is true, but what is held out of train is not the same"
            " in every language; name dev files, or set data.task.parallel: false"
        )
    for split in splits:
        pattern, rows = find_pattern(task, split), task["filter"][split]
        header, columns = find_columns(task, split)
        unknown = [name for name in (*filter(None, columns.values()), *rows) if header and name not in header]
        if header and unknown and SEPARATED.search(pattern):
            raise SourceError(
                f"data.task names the column {unknown[0]!r} for {split}, expected one of its header"
                f" ({', '.join(map(repr, header))}); correct one of the two"
            )
        by_language = "{language}" in pattern or "{language}" in map(str, rows.values())
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
            find_task_files({split: task["folder"]}, task["files"], task["locales"], languages, train_languages)


# --- sentences for retrieval --------------------------------------------------------------------------------------


def is_pairwise(retrieval: Mapping[str, Any]) -> bool:
    """Whether every language is aligned with English sentences of its own."""
    return retrieval["source"] == "hub" or (retrieval["source"] == "folder" and retrieval["files"] is not None)


def find_aligned_files(folder: Folder, languages: Iterable[str]) -> dict[str, Path]:
    """The file with the sentences of each language, of which line i says the same in all.
    Raises a SourceError if a language has none or two, or a file is empty."""
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
            raise repeated(folder, f"the sentences in {language}", names)
        refuse_unusable(found)
        files[language] = found[0]
    return files


def find_paired_files(folder: Folder, names: Mapping[str, str], languages: Iterable[str]) -> dict[str, list[Path]]:
    """The file with the sentences of each language, and the one with the English sentences that say the same.
    Raises a SourceError if one is missing or empty."""
    files = {}
    for language in languages:
        if language != ENGLISH:
            files[language] = [Path(folder) / fill_language(names[side], language) for side in ("text", "english")]
            for path in files[language]:
                if not path.is_file():
                    raise SourceError(
                        f"{folder} has no file {path.name} for retrieval; add it, correct data.retrieval.files, or take"
                        f" {language} out of languages"
                    )
            refuse_unusable(files[language])
    return files
