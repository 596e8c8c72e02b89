"""A model without the tokens that some languages, or some texts, never use.

Half of multilingual BERT is word embeddings. The rows of tokens that are kept are cut out; everything else stays.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer

from camembert.core.files import CONFIG, TOKENIZER, TOKENIZER_SETTINGS, WEIGHTS, atomic_write, read_json, write_json
from camembert.data.tasks import read_texts
from camembert.plan.teachers import USED, first_position
from camembert.tokens.corpora import Shard
from camembert.tokens.tokenizer import load_tokenizer, special_tokens
from camembert.tokens.trimming import (
    VocabularyError,
    count_tokens,
    select_most_frequent,
    select_tokens,
    write_renumbered,
)

EMBEDDINGS = "embeddings.word_embeddings.weight"
TOKENS_AT_ONCE = 2**22


def tokens_to_keep(
    folder: str | os.PathLike[str],
    shards: Iterable[str | os.PathLike[str]],
    examples: Iterable[str | os.PathLike[str]],
    vocabulary: str | int = USED,
) -> list[int]:
    """The tokens of a model that a trimmed one keeps, ascending.

    Args:
        folder: of the model.
        shards: token shards of text.
        examples: parquet files of a task, whose sentences count too.
        vocabulary: used keeps the tokens that occur, special ones and single characters; a number at most so many of
            these, special ones first, then the most frequent.

    Raises:
        VocabularyError: the number is too small for the special tokens, or the tokenizer is BPE and cannot be cut so.
    """
    tokenizer, special = load_tokenizer(folder), special_tokens(folder).values()
    counts = token_counts(tokenizer, shards, examples)
    kept = select_tokens(tokenizer, np.flatnonzero(counts).tolist(), special)
    if vocabulary == USED or int(vocabulary) >= len(kept):
        return kept
    return select_most_frequent(tokenizer, kept, counts, special, int(vocabulary), "release.vocabulary")


def token_counts(
    tokenizer: Tokenizer, shards: Iterable[str | os.PathLike[str]], examples: Iterable[str | os.PathLike[str]]
) -> np.ndarray:
    """How often each token occurs in shards of text and in the sentences of a task, by id: (tokens,) int64."""
    counts = count_tokens(tokenizer, read_texts(examples))
    for path in shards:
        tokens = Shard(path).tokens
        for start in range(0, len(tokens), TOKENS_AT_ONCE):  # a shard may be larger than the memory
            counts += np.bincount(tokens[start : start + TOKENS_AT_ONCE], minlength=len(counts))
    return counts


def trim(folder: str | os.PathLike[str], kept: list[int], output: str | os.PathLike[str]) -> None:
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
    weights = load_file(source / WEIGHTS)
    (embeddings,) = (name for name in weights if name.endswith(EMBEDDINGS))
    weights[embeddings] = weights[embeddings][kept]
    config = read_json(source / CONFIG)
    named = [key for key in ("pad_token_id", "bos_token_id", "eos_token_id") if config.get(key) in number]
    config |= {"vocab_size": len(kept)} | {key: number[config[key]] for key in named}
    if first_position(config) != first_position(read_json(source / CONFIG)):
        raise VocabularyError("positions are counted from the padding token, which gets another id; keep all before it")
    with atomic_write(output) as partial:
        partial.mkdir()
        save_file(weights, partial / WEIGHTS, metadata={"format": "pt"})
        write_json(partial / CONFIG, config)
        write_renumbered(source / TOKENIZER, partial / TOKENIZER, kept)
        shutil.copyfile(source / TOKENIZER_SETTINGS, partial / TOKENIZER_SETTINGS)
        load_tokenizer(partial)  # fails here rather than with those who use it
