"""Where data and teacher come from: the files of a folder that someone brings, found and checked before any job.

It is pure: the Snakefile imports it. What is inside the files is read by `text`, `task_files` and `teacher`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from camembert.core.files import read_json

Folder = str | os.PathLike[str]

ENGLISH = "en"
"""The language that classifiers are trained on."""
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
WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")
"""Weights of a model folder, the first that is there is read."""
SIZES = {
    "layers": "num_hidden_layers",
    "hidden": "hidden_size",
    "heads": "num_attention_heads",
    "intermediate": "intermediate_size",
    "positions": "max_position_embeddings",
}
"""Keys of `teacher` in the config, and in a model's config.json."""


class SourceError(ValueError):
    """A source that is not there or is not what the config says, in one sentence."""


# --- tasks ----------------------------------------------------------------------------------------------------


def splits_of(task: dict[str, Any]) -> list[str]:
    """The splits of a task that are read: without test, half of dev becomes the test set."""
    return ["train", "dev"] if task["split_dev"] else ["train", "dev", "test"]


def languages_of(split: str, languages: Sequence[str]) -> list[str]:
    """The languages that a split is read in."""
    return [ENGLISH] if split == "train" else list(languages)


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
            f"{folder} has no file {name}; add it, correct data.task.files or locales, or take its language out of"
            " languages (a task without test files: data.task.split_dev: true)"
        )
    refuse_empty(paths)
    return paths


def files_of_task(
    folders: Mapping[str, Folder], patterns: Mapping[str, str], locales: Mapping[str, str], languages: Sequence[str]
) -> dict[str, dict[str, list[Path]]]:
    """The files of a task by split and language.

    Args:
        folders: of each split that is read.
        patterns: which files are those of `{language}`.
        locales: what the task calls a language.
        languages: of dev and test.

    Raises:
        SourceError: files are missing or empty.
    """
    return {
        split: {
            language: task_files(folder, patterns[split], locale_of(locales, language))
            for language in languages_of(split, languages)
        }
        for split, folder in folders.items()
    }


def task_pattern(task: dict[str, Any], split: str) -> str:
    """Which files hold a split; `{language}` stands for what the task calls the language."""
    pattern: str = task["hub"][split]["files"] if task["source"] == "hub" else task["files"][split]
    return pattern


def check_task(task: dict[str, Any], languages: Sequence[str]) -> None:
    """Checks what one key of data.task asks of another, and that every file of a folder is there.

    Raises:
        SourceError: a column that the header does not name, dev or test that are the same in every language, or a
            file that is missing or empty.
    """
    for split in splits_of(task):
        pattern = task_pattern(task, split)
        names = dict.fromkeys([*filter(None, task["columns"].values()), *task["filter"][split]])
        unknown = [name for name in names if task["header"] and name not in task["header"]]
        if unknown and SEPARATED.search(pattern):
            raise SourceError(
                f"data.task names the column {unknown[0]}, expected one of data.task.header"
                f" ({', '.join(task['header'])}); correct one of the two"
            )
        by_language = "{language}" in pattern or "{language}" in map(str, task["filter"][split].values())
        if split != "train" and len(languages) > 1 and not by_language:
            key = f"hub.{split}.files" if task["source"] == "hub" else f"files.{split}"
            raise SourceError(
                f"data.task.{key} is {pattern!r}, expected {{language}} in it or in data.task.filter.{split}; without"
                " it every language would be evaluated on the same examples"
            )
        if task["source"] == "folder":
            files_of_task({split: task["folder"]}, task["files"], task["locales"], languages)


def twice(folder: Folder, what: str, names: Iterable[str]) -> SourceError:
    """What is raised where something is kept in two forms."""
    return SourceError(f"{folder} has {what} more than once, as {' and '.join(names)}; keep one of them")


def refuse_empty(paths: Iterable[Path]) -> None:
    """Refuses files without a byte."""
    for path in paths:
        if path.stat().st_size == 0:
            raise SourceError(f"{path} is empty; expected text in UTF-8: fill it or remove it")


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
        refuse_empty(found)
        files[language] = found[0]
    return files


# --- teacher --------------------------------------------------------------------------------------------------


def teacher_files(folder: Folder) -> list[Path]:
    """The files of a model folder that are read: config, weights, tokenizer.

    Raises:
        SourceError: something is missing.
    """
    folder = Path(folder)
    if not (folder / "config.json").is_file():
        raise SourceError(f"{folder} has no config.json; expected a Hugging Face model folder")
    weights = next((folder / name for name in WEIGHTS if (folder / name).is_file()), None)
    if weights is None:
        raise SourceError(f"{folder} has no weights; expected model.safetensors or pytorch_model.bin")
    parts = sorted(set(_weight_map(weights).values())) if weights.suffix == ".json" else []
    for part in parts:
        if not (folder / part).is_file():
            raise SourceError(f"{folder} has no {part}, which {weights.name} lists; copy the whole model")
    words = [folder / name for name in ("tokenizer.json", "vocab.txt", "tokenizer_config.json")]
    if not any(path.is_file() for path in words[:2]):
        raise SourceError(f"{folder} has no tokenizer; expected tokenizer.json, or vocab.txt and tokenizer_config.json")
    return [folder / "config.json", weights, *(folder / part for part in parts), *(p for p in words if p.is_file())]


def _weight_map(index: Path) -> dict[str, str]:
    try:
        found: dict[str, str] = read_json(index)["weight_map"]
        return {weight: str(part) for weight, part in found.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise SourceError(f"{index} does not list the parts of the weights; copy the whole model") from None


def folder_of(files: Sequence[Folder]) -> Path:
    """The model folder that files of a teacher are in, or that was downloaded."""
    first = Path(files[0])
    return first if first.is_dir() else first.parent


def check_architecture(folder: Folder, declared: dict[str, int], vocabulary: int) -> None:
    """Compares a model's config.json with the config, which plans and computes budgets from its sizes.

    Args:
        folder: the model folder.
        declared: layers, hidden, heads, intermediate and positions, as in the config.
        vocabulary: rows of the embedding, as in the config.

    Raises:
        SourceError: it is not BERT as it was published, or has other sizes.
    """
    path = Path(folder) / "config.json"
    try:
        found: dict[str, Any] = read_json(path)
    except ValueError as error:
        raise SourceError(f"{path} is not JSON ({error}); copy the model again") from None
    if found.get("model_type") != "bert":
        raise SourceError(
            f"{path} describes a model of type {found.get('model_type')!r}, expected 'bert';"
            " only BERT's architecture can be distilled here"
        )
    for key, published in (("position_embedding_type", "absolute"), ("is_decoder", False)):
        if found.get(key, published) != published:
            raise SourceError(f"{path} has {key} {found[key]!r}, expected {published!r}; take a plain BERT encoder")
    if found.get("type_vocab_size", 2) < 2:
        raise SourceError(
            f"{path} has type_vocab_size {found['type_vocab_size']}, expected 2: pairs of sentences are two segments"
        )
    for key, theirs in SIZES.items():
        if found.get(theirs) != declared[key]:
            raise SourceError(
                f"teacher.{key} is {declared[key]}, but {path} has {theirs} {found.get(theirs)};"
                f" set teacher.{key} to it"
            )
    if found.get("vocab_size") != vocabulary:
        raise SourceError(
            f"tokenizer.vocabulary is {vocabulary}, but {path} has vocab_size {found.get('vocab_size')};"
            " set tokenizer.vocabulary to it"
        )


def in_language(pattern: str, language: str) -> str:
    """A pattern of file names for one language."""
    return pattern.replace("{language}", language)
