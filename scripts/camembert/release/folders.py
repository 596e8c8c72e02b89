"""The folder of a form: the model with a trimmed vocabulary, copied or exported, and what is read beside it.

Half of multilingual BERT is word embeddings. A trimmed model lacks the rows of tokens that some languages, or some
texts, never use; everything else stays.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer

from camembert.core.files import (
    CONFIG,
    MODEL_FILES,
    TOKENIZER,
    TOKENIZER_SETTINGS,
    WEIGHTS,
    atomic_write,
    read_json,
    write_json,
)
from camembert.data.tasks import read_texts
from camembert.plan.teachers import USED, first_position, longest_input
from camembert.release.choice import CLASSIFIER, ENCODER, INT8, LARGEST_LOSS, PYTORCH, ReleaseForm
from camembert.tokens.corpora import Shard
from camembert.tokens.tokenizer import load_tokenizer, special_tokens
from camembert.tokens.trimming import (
    VocabularyError,
    count_tokens,
    select_most_frequent,
    select_tokens,
    write_renumbered,
)

log = logging.getLogger(__name__)

EMBEDDINGS = "embeddings.word_embeddings.weight"
TOKENS_AT_ONCE = 2**22
MODULES = {"Transformer": "", "Pooling": "1_Pooling", "Normalize": "2_Normalize"}
"""Modules that a sentence passes through in sentence-transformers, and their folders."""


def make_form(
    form: ReleaseForm,
    source: Path,
    output: Path,
    *,
    shards: Iterable[str | os.PathLike[str]],
    examples: Iterable[str | os.PathLike[str]],
    vocabulary: str | int,
    pooling: str,
    dev: Sequence[str | os.PathLike[str]],
    evaluation: Mapping[str, int],
) -> dict[str, Any]:
    """Writes the folder of a form; returns how many tokens it knows and what eight bits lose on dev.

    Args:
        form: what is made.
        source: folder of the model.
        output: folder that is written.
        shards: text whose tokens a trimmed vocabulary keeps.
        examples: files of the task, the same.
        vocabulary: used, or at most so many tokens.
        pooling: of an encoder's states to a sentence vector, mean or cls.
        dev: development examples, by which eight bits are measured; none to do without.
        evaluation: max_length, batch_tokens and threads of that; a classifier's tokenizer cuts at this length too.
    """
    loss, pooled = None, pooling if form.model == ENCODER else None
    with TemporaryDirectory(dir=output.parent) as work:
        if form.trimmed:
            trimmed = Path(work) / "trimmed"
            trim_model(source, find_tokens(source, shards, examples, vocabulary), trimmed)
            source = trimmed
        if form.format == PYTORCH:
            copy_model(source, output, pooled)
        else:
            from camembert.release import onnx_export  # loads PyTorch

            full = Path(work) / "full" if form.format == INT8 else output
            onnx_export.export(source, full, pooled)
            if form.format == INT8:
                onnx_export.quantize(full, output)
                loss = onnx_export.measure_loss(form.model, full, output, dev, **evaluation) if dev else None
    if loss is not None and loss > LARGEST_LOSS:
        log.warning(
            "%s: eight bits lose %.1f points on the development examples; take the form without them",
            *(form.name, 100 * loss),
        )
    if form.model == CLASSIFIER:
        set_longest(output, evaluation["max_length"])
    return {"vocabulary": read_json(output / CONFIG)["vocab_size"], "loss_of_eight_bits": loss}


# --- vocabulary -----------------------------------------------------------------------------------------------


def find_tokens(
    folder: str | os.PathLike[str],
    shards: Iterable[str | os.PathLike[str]],
    examples: Iterable[str | os.PathLike[str]],
    vocabulary: str | int = USED,
) -> list[int]:
    """The tokens of a model that a trimmed one keeps, ascending; for the arguments see `make_form`.

    Where `vocabulary` is used, they are those that occur, special ones and single characters; where it is a number, at
    most so many of these, special ones first, then the most frequent.

    Raises:
        VocabularyError: the number is too small for the special tokens, or the tokenizer is BPE and cannot be cut so.
    """
    tokenizer, special = load_tokenizer(folder), special_tokens(folder).values()
    counts = count_occurrences(tokenizer, shards, examples)
    kept = select_tokens(tokenizer, np.flatnonzero(counts).tolist(), special)
    if vocabulary == USED or int(vocabulary) >= len(kept):
        return kept
    return select_most_frequent(tokenizer, kept, counts, special, int(vocabulary), "release.vocabulary")


def count_occurrences(
    tokenizer: Tokenizer, shards: Iterable[str | os.PathLike[str]], examples: Iterable[str | os.PathLike[str]]
) -> np.ndarray:
    """How often each token occurs in shards of text and in the sentences of a task, by id: (tokens,) int64."""
    counts = count_tokens(tokenizer, read_texts(examples))
    for path in shards:
        tokens = Shard(path).tokens
        for start in range(0, len(tokens), TOKENS_AT_ONCE):  # a shard may be larger than the memory
            counts += np.bincount(tokens[start : start + TOKENS_AT_ONCE], minlength=len(counts))
    return counts


def trim_model(folder: str | os.PathLike[str], kept: list[int], output: str | os.PathLike[str]) -> None:
    """Writes a model folder with some tokens only, which are numbered anew in the same order.

    Args:
        folder: a model folder.
        kept: ids of the tokens, ascending.
        output: folder of the smaller model.

    Raises:
        VocabularyError: the tokenizer is of another kind, or positions are counted from a padding token that moves.
    """
    source = Path(folder)
    number = {old: new for new, old in enumerate(kept)}
    weights, config = load_file(source / WEIGHTS), read_json(source / CONFIG)
    (embeddings,) = (name for name in weights if name.endswith(EMBEDDINGS))
    weights[embeddings] = weights[embeddings][kept]
    named = [key for key in ("pad_token_id", "bos_token_id", "eos_token_id") if config.get(key) in number]
    smaller = config | {"vocab_size": len(kept)} | {key: number[config[key]] for key in named}
    if first_position(smaller) != first_position(config):
        raise VocabularyError("positions are counted from the padding token, which gets another id; keep all before it")
    with atomic_write(output) as partial:
        partial.mkdir()
        save_file(weights, partial / WEIGHTS, metadata={"format": "pt"})
        write_json(partial / CONFIG, smaller)
        write_renumbered(source / TOKENIZER, partial / TOKENIZER, kept)
        shutil.copyfile(source / TOKENIZER_SETTINGS, partial / TOKENIZER_SETTINGS)
        load_tokenizer(partial)  # fails here rather than with those who use it


def set_longest(folder: Path, tokens: int) -> None:
    """Has a released tokenizer cut texts (`truncation=True`) at so many tokens, those that its model was trained on."""
    path = folder / TOKENIZER_SETTINGS
    write_json(path, read_json(path) | {"model_max_length": tokens})


# --- PyTorch --------------------------------------------------------------------------------------------------


def copy_model(source: Path, output: Path, pooling: str | None = None) -> None:
    """Copies a model's folder; one of an encoder, whose pooling is given, loads in sentence-transformers too."""
    with atomic_write(output) as partial:
        partial.mkdir()
        for name in MODEL_FILES:
            shutil.copyfile(source / name, partial / name)
        if pooling:
            write_modules(partial, pooling)


def write_modules(folder: Path, pooling: str) -> None:
    """Writes what makes an encoder's folder one that `SentenceTransformer(folder)` loads.

    The files are of the form that the library has read since its version 2 (Reimers and Gurevych 2019): its modules,
    and their settings. Vectors are pooled states of the last layer, of length 1.

    Args:
        folder: of an encoder.
        pooling: "mean" of a sentence's tokens, special ones among them, or "cls".
    """
    config = read_json(folder / CONFIG)
    rows = [
        {"idx": number, "name": str(number), "path": path, "type": f"sentence_transformers.models.{name}"}
        for number, (name, path) in enumerate(MODULES.items())
    ]
    write_json(folder / "modules.json", rows)
    write_json(folder / "sentence_bert_config.json", {"max_seq_length": longest_input(config), "do_lower_case": False})
    write_json(folder / "config_sentence_transformers.json", {"similarity_fn_name": "cosine"})
    modes = {"pooling_mode_cls_token": pooling == "cls", "pooling_mode_mean_tokens": pooling == "mean"}
    write_json(folder / MODULES["Pooling"] / "config.json", {"word_embedding_dimension": config["hidden_size"]} | modes)
    write_json(folder / MODULES["Normalize"] / "config.json", {})
