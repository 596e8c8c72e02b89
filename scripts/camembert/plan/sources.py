"""Where data and teacher come from: the files of a folder that someone brings, found and checked before any job.

It is pure: the Snakefile imports it. What is inside the files is read by `text`, `nli_sources` and `teacher`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from camembert.core.files import read_json

Folder = str | os.PathLike[str]

TEXT_LAYOUTS = ("{}.txt", "{}.txt.gz", "{}.jsonl", "{}.parquet", "{}-*.parquet", "{}/*.parquet")
"""How the text of a language may be kept in a folder; a line, a JSON object or a row a document."""
ALIGNED_LAYOUTS = ("{}.txt", "{}.txt.gz")
"""How the sentences of a language that are retrieved may be kept in a folder; a line a sentence."""
XNLI_1 = "xnli.{}.tsv"
"""One file a split with all languages, as XNLI 1.0 ships it."""
PAIRS = ("{}-{}.tsv", "{}-{}.parquet")
"""The pairs of a split in a language, as XTREME ships them or with the columns of the hub's files."""
TRAINING_FILES = (*(layout.format("train", "en") for layout in PAIRS), "multinli_1.0_train.txt")
"""English training pairs; the last as MultiNLI ships them."""
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


# --- text -----------------------------------------------------------------------------------------------------


def text_files(folder: Folder, language: str) -> list[Path]:
    """The files with the text of a language, in order.

    Raises:
        SourceError: none, an empty one, or files of more than one layout, so that it is unclear which is meant.
    """
    layouts = {layout: sorted(Path(folder).glob(layout.format(language))) for layout in TEXT_LAYOUTS}
    found = {layout: paths for layout, paths in layouts.items() if paths}
    if not found:
        names = ", ".join(layout.format(language) for layout in TEXT_LAYOUTS)
        raise SourceError(
            f"{folder} has no text in {language}; expected one of {names}: add it, or take {language} out of languages"
        )
    if len(found) > 1:
        raise _twice(folder, f"the text in {language}", [layout.format(language) for layout in found])
    paths = next(iter(found.values()))
    _refuse_empty(paths)
    return paths


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
            raise _twice(folder, f"the sentences in {language}", names)
        _refuse_empty(found)
        files[language] = found[0]
    return files


# --- inference pairs ------------------------------------------------------------------------------------------


def training_file(folder: Folder) -> Path:
    """The file with the English training pairs.

    Raises:
        SourceError: there is none, there are two, or it is empty.
    """
    found = [path for name in TRAINING_FILES if (path := Path(folder) / name).is_file()]
    if not found:
        names = ", ".join(TRAINING_FILES)
        raise SourceError(f"{folder} has no English training pairs; expected one of {names}: add one")
    if len(found) > 1:
        raise _twice(folder, "the training pairs", [path.name for path in found])
    _refuse_empty(found)
    return found[0]


def evaluation_files(folder: Folder, split: str, languages: Iterable[str]) -> list[Path]:
    """The files with dev or test pairs: one a language, or one for all in XNLI 1.0's layout.

    Raises:
        SourceError: a language is missing, a file is empty, or pairs are there in more than one layout.
    """
    together = Path(folder) / XNLI_1.format(split)
    paths = []
    for language in languages:
        apart = [path for layout in PAIRS if (path := Path(folder) / layout.format(split, language)).is_file()]
        found = [together, *apart] if together.is_file() else apart
        if not found:
            advice = "add it, or take its language out of languages"
            if split == "test":
                advice += "; without any test files set data.nli.split_dev: true"
            path = Path(folder) / PAIRS[0].format(split, language)
            raise SourceError(f"{path} does not exist, nor does {together.name} for all languages; {advice}")
        if len(found) > 1:
            raise _twice(folder, f"the {split} pairs", [path.name for path in found])
        paths.append(found[0])
    _refuse_empty(paths)
    return [together] if together in paths else paths


def _twice(folder: Folder, what: str, names: Iterable[str]) -> SourceError:
    return SourceError(f"{folder} has {what} more than once, as {' and '.join(names)}; keep one of them")


def _refuse_empty(paths: list[Path]) -> None:
    for path in paths:
        if path.stat().st_size == 0:
            raise SourceError(f"{path} is empty; expected text in UTF-8: fill it or remove it")


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
            f"{path} has type_vocab_size {found['type_vocab_size']}, expected 2: inference pairs are two segments"
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


# --- hub ------------------------------------------------------------------------------------------------------


def downloads(config: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What a config takes from the Hugging Face hub: repository, kind, revision and, of data sets, files, by name.

    Text is one download a language; a split of the inference data is one for all languages.
    """
    nli, text, teacher = config["data"]["nli"], config["data"]["text"], config["teacher"]
    languages = config["languages"]
    wanted: dict[str, dict[str, Any]] = {}
    if teacher["source"] == "hub":
        wanted["teacher"] = teacher["hub"] | {"kind": "model"}
    if nli["source"] == "hub":
        for split in ("train", "dev") if nli["split_dev"] else ("train", "dev", "test"):
            those = ["en"] if split == "train" else languages
            wanted[f"nli-{split}"] = _dataset(nli["hub"][split], those)
    if text["source"] == "hub":
        wanted |= {f"text-{language}": _dataset(text["hub"], [language]) for language in languages}
    return wanted


def in_language(pattern: str, language: str) -> str:
    """A pattern of file names for one language."""
    return pattern.replace("{language}", language)


def _dataset(source: dict[str, Any], languages: list[str]) -> dict[str, Any]:
    files = sorted({in_language(source["files"], language) for language in languages})
    return source | {"kind": "dataset", "files": files}
