"""A teacher that is given: the files of its folder, its kind and its sizes, checked before any job.

Weights are read by `models.teacher`, the tokenizer by `tokens.given_tokenizer`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from camembert.core.files import CONFIG, TOKENIZER, TOKENIZER_SETTINGS, WEIGHTS, read_json
from camembert.plan.sources import Folder, SourceError, refuse_pointer

POSITIONS_AFTER_PADDING = {"bert": False, "roberta": True, "xlm-roberta": True, "camembert": True}
"""The kinds of model that can be distilled (`model_type` of config.json), whose layers are all BERT's; and whether the
positions of a text are numbered from the padding token's id plus one (RoBERTa and its kin) instead of from 0."""
ANY_WEIGHTS = (WEIGHTS, f"{WEIGHTS}.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")
"""Weights of a model folder, the first that is there is read."""
VOCABULARY, ADDED_TOKENS = "vocab.txt", "added_tokens.json"
TOKENIZER_FILES = (TOKENIZER, VOCABULARY, TOKENIZER_SETTINGS, "special_tokens_map.json", ADDED_TOKENS)
"""Files of a tokenizer that are read; one of the first two must be there."""
SLOW_TOKENIZERS = ("sentencepiece.bpe.model", "spiece.model", "sentencepiece.model", "vocab.json", "merges.txt")
"""Files of tokenizers from which `transformers` can make a tokenizer.json."""
_ROBERTA_POSITIONS = 514
SIZES = ("num_hidden_layers", "hidden_size", "num_attention_heads", "intermediate_size", "max_length")
"""Keys of `teacher` in the config. All but the last are keys of a model's config.json too."""
_POSITIONS, _ROWS = "max_position_embeddings", "vocab_size"
"""Of a model's config.json: rows of its position embeddings, and of its word embeddings."""
ALL, USED = "all", "used"
"""Values of teacher.vocabulary, beside a number."""
_PACKAGED = "4-bit weights"
"""What a teacher from a package is called by, beside its name."""


# --- files ----------------------------------------------------------------------------------------------------


def find_teacher_files(folder: Folder) -> list[Path]:
    """The files of a model folder that are read: config, weights, tokenizer. Raises a SourceError if one is missing."""
    folder = Path(folder)
    if not (folder / CONFIG).is_file():
        raise SourceError(f"{folder} has no {CONFIG}; expected a Hugging Face model folder")
    weights = next((folder / name for name in ANY_WEIGHTS if (folder / name).is_file()), None)
    if weights is None:
        raise SourceError(f"{folder} has no weights; expected {WEIGHTS} or pytorch_model.bin")
    parts = _list_parts(weights) if weights.suffix == ".json" else []
    for part in parts:
        if not part.is_file():
            raise SourceError(f"{folder} has no {part.name}, which {weights.name} lists; copy the whole model")
    words = [path for name in TOKENIZER_FILES if (path := folder / name).is_file()]
    slow = [name for name in SLOW_TOKENIZERS if (folder / name).is_file()]
    if not {TOKENIZER, VOCABULARY}.intersection(path.name for path in words):
        if not slow:
            raise SourceError(
                f"{folder} has no tokenizer; expected {TOKENIZER}, or {VOCABULARY} and {TOKENIZER_SETTINGS}"
            )
        raise SourceError(
            f"{folder} has its tokenizer as {slow[0]} only, expected {TOKENIZER}; write one with the transformers"
            f" library: AutoTokenizer.from_pretrained({str(folder)!r}).save_pretrained({str(folder)!r})"
        )
    files = [folder / CONFIG, weights, *parts, *words]
    for path in files:
        refuse_pointer(path)
    return files


def _list_parts(index: Path) -> list[Path]:
    try:
        return sorted({index.parent / part for part in read_json(index)["weight_map"].values()})
    except (ValueError, KeyError, TypeError, AttributeError):
        raise SourceError(f"{index} does not list the parts of the weights; copy the whole model") from None


def find_model_folder(files: Sequence[Folder]) -> Path:
    """The model folder that files of a teacher are in, or that was downloaded."""
    first = Path(files[0])
    return first if first.is_dir() else first.parent


def describe_source(teacher: Mapping[str, Any]) -> Any:
    """What metrics and model cards call a given teacher: its folder, or what the config says of where it is from."""
    source = teacher[teacher["source"]]
    return source | {"weights": _PACKAGED} if teacher["source"] == "package" else source


# --- kind and sizes -------------------------------------------------------------------------------------------


def first_position(config: Mapping[str, Any]) -> int:
    """The number of a text's first position in the table of position embeddings, by a model's config.json.

    0 in BERT. RoBERTa counts from the padding token's id plus one, and gives padding the position of that id.
    """
    if not POSITIONS_AFTER_PADDING[config["model_type"]]:
        return 0
    pad = config.get("pad_token_id")
    return (1 if pad is None else int(pad)) + 1


def longest_input(config: Mapping[str, Any]) -> int:
    """The longest input in tokens, by a model's config.json: rows of the position embeddings that a text can reach."""
    return int(config["max_position_embeddings"]) - first_position(config)


def has_segments(config: Mapping[str, Any]) -> bool:
    """Whether a model, by its config.json, has embeddings that tell the second text of a pair from the first."""
    return int(config.get("type_vocab_size", 2)) > 1


def read_model_config(folder: Folder) -> dict[str, Any]:
    """A model's config.json. Raises a SourceError, with the reason, unless that is a model that can be distilled."""
    path = Path(folder) / CONFIG
    try:
        found = read_json(path)
    except ValueError as error:
        refuse_pointer(path)
        raise SourceError(f"{path} is not JSON ({error}); copy the model again") from None
    if not isinstance(found, dict):
        raise SourceError(f"{path} is no JSON object; copy the model again")
    supported = ", ".join(POSITIONS_AFTER_PADDING)
    if found.get("auto_map"):
        raise SourceError(
            f"{path} has auto_map: the model runs code of its own (trust_remote_code), which is never run here; take"
            f" an encoder of one of the types {supported}"
        )
    if "model_type" not in found:
        raise SourceError(
            f'{path} has no model_type, as those of 2019 have none; add "model_type": "{_likely_type(found)}", which'
            f" the rest of it suggests, or what else it is of {supported}"
        )
    if found.get("model_type") not in POSITIONS_AFTER_PADDING:
        raise SourceError(
            f"{path} describes a model of type {found.get('model_type')!r}, expected an encoder with BERT's layers, one"
            f" of {supported}; take another teacher"
        )
    for key, published in (("position_embedding_type", "absolute"), ("is_decoder", False)):
        if found.get(key, published) != published:
            raise SourceError(f"{path} has {key} {found[key]!r}, expected {published!r}; take a plain encoder")
    for key in (*SIZES[:-1], _POSITIONS, _ROWS):
        if type(found.get(key)) is not int:
            raise SourceError(f"{path} has {key} {found.get(key)!r}, expected a number; copy the model again")
    return found


def _likely_type(config: Mapping[str, Any]) -> str:
    """The type of a model whose config.json lacks it: by its `architectures`, else by RoBERTa's number of positions."""
    names = " ".join(config.get("architectures") or ())
    named = [each for each in POSITIONS_AFTER_PADDING if names.lower().startswith(each.replace("-", ""))]
    roberta = config.get("max_position_embeddings") == _ROBERTA_POSITIONS
    vocabularies = {250002: "xlm-roberta", 32005: "camembert"}
    return named[0] if named else vocabularies.get(config.get("vocab_size", 0), "roberta") if roberta else "bert"


def read_sizes(folder: Folder) -> dict[str, int]:
    """The sizes of a model by its config.json, under the keys of `teacher` in the config, and its `vocab_size`.
    Raises a SourceError unless it can be distilled."""
    found = read_model_config(folder)
    return {key: int(found[key]) for key in (*SIZES[:-1], _ROWS)} | {"max_length": longest_input(found)}


def fill_sizes(config: dict[str, Any]) -> None:
    """Fills in, in place, the sizes that a config leaves to its teacher's config.json by giving null for them.
    Raises a SourceError unless that is in a local folder and can be distilled."""
    teacher, tokenizer = config["teacher"], config["tokenizer"]
    left = [f"teacher.{key}" for key in SIZES if teacher[key] is None]
    left += ["tokenizer.vocab_size"] if tokenizer["vocab_size"] is None else []
    if left and teacher["source"] != "folder":
        raise SourceError(
            f"{left[0]} is null, expected a number: before the plan is made sizes are read of a local teacher only"
            f" (teacher.source: folder), and teacher.source is {teacher['source']}; write it"
        )
    if left:
        sizes = read_sizes(teacher["folder"])
        tokenizer["vocab_size"] = tokenizer["vocab_size"] or sizes["vocab_size"]
        teacher |= {key: sizes[key] for key in SIZES if teacher[key] is None}


def check_architecture(folder: Folder, declared: Mapping[str, int], vocabulary: int) -> None:
    """Compares a model's config.json with the config, which plans and computes budgets from its sizes.

    Args:
        folder: the model folder.
        declared: a number for each of `SIZES`, as in the config.
        vocabulary: rows of the embedding, as in the config.

    Raises:
        SourceError: it is no model that can be distilled, or has other sizes.
    """
    path, config = Path(folder) / CONFIG, read_model_config(folder)
    unused = first_position(config)
    for key, found in read_sizes(folder).items():
        name, asked = ("tokenizer.vocab_size", vocabulary) if key == _ROWS else (f"teacher.{key}", declared[key])
        theirs = _POSITIONS if key == "max_length" else key
        note = f", of which {unused} lie before a text's first" if key == "max_length" and unused else ""
        if asked != found:
            raise SourceError(
                f"{name} is {asked}, but {path} has {theirs} {config[theirs]}{note}; set {name} to"
                f" {found if note else 'it'}"
            )
