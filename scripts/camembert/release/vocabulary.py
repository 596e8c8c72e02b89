"""A model without the tokens that some languages never use (Abdaoui et al. 2020, "Load What You Need").

Half of multilingual BERT is word embeddings. The rows of tokens that are kept are cut out; everything else stays. Text
whose tokens are all kept is tokenised as before: WordPiece takes the longest token that fits, and fewer rivals cannot
make a longer one. Other text falls apart into shorter tokens, single characters at last.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer

from camembert.core.files import atomic_write, read_json, write_json
from camembert.data.shards import Shard
from camembert.data.tasks import read_examples
from camembert.data.tokenizer import SPECIAL_TOKENS, load_tokenizer

EMBEDDINGS = "embeddings.word_embeddings.weight"
TOKENS_AT_ONCE = 2**22
PART = "##"  # how WordPiece marks tokens that do not begin a word


class VocabularyError(ValueError):
    """A model whose vocabulary cannot be trimmed, with the reason."""


def tokens_used(
    tokenizer: Tokenizer, shards: Iterable[str | os.PathLike[str]], examples: Iterable[str | os.PathLike[str]]
) -> set[int]:
    """The tokens that occur in shards of text and in the sentences of a task."""
    used: set[int] = set()
    seen = np.zeros(1 + max(tokenizer.get_vocab().values()), dtype=bool)
    for path in shards:
        tokens = Shard(path).tokens
        for start in range(0, len(tokens), TOKENS_AT_ONCE):  # a shard may be larger than the memory
            seen[tokens[start : start + TOKENS_AT_ONCE]] = True
    used.update(np.flatnonzero(seen).tolist())
    for path in examples:
        texts = [text for each in read_examples(path) for text in (each.text, each.text_pair) if text is not None]
        for encoding in tokenizer.encode_batch(texts, add_special_tokens=False):
            used.update(encoding.ids)
    return used


def tokens_kept(tokenizer: Tokenizer, used: Collection[int]) -> list[int]:
    """The tokens used, the special ones, and single characters, so that what was not seen can still be spelt."""
    always = {
        number
        for token, number in tokenizer.get_vocab().items()
        if token in SPECIAL_TOKENS.values() or len(token.removeprefix(PART)) == 1
    }
    return sorted(always.union(used))


def trim(folder: str | os.PathLike[str], kept: list[int], output: str | os.PathLike[str]) -> None:
    """Writes a model folder with some tokens only, which are numbered anew in the same order.

    Args:
        folder: a model folder.
        kept: ids of the tokens, ascending.
        output: folder of the smaller model.

    Raises:
        VocabularyError: the tokenizer is no WordPiece.
    """
    source = Path(folder)
    number = {old: new for new, old in enumerate(kept)}
    description = _renumbered(read_json(source / "tokenizer.json"), number)
    weights = load_file(source / "model.safetensors")
    (embeddings,) = (name for name in weights if name.endswith(EMBEDDINGS))
    weights[embeddings] = weights[embeddings][kept]
    config = read_json(source / "config.json")
    config |= {"vocab_size": len(kept), "pad_token_id": number[config["pad_token_id"]]}
    with atomic_write(output) as partial:
        partial.mkdir()
        save_file(weights, partial / "model.safetensors", metadata={"format": "pt"})
        write_json(partial / "config.json", config)
        (partial / "tokenizer.json").write_text(json.dumps(description, ensure_ascii=False), encoding="utf-8")
        shutil.copyfile(source / "tokenizer_config.json", partial / "tokenizer_config.json")
        load_tokenizer(partial)  # fails here rather than with those who use it


def _renumbered(description: dict[str, Any], number: dict[int, int]) -> dict[str, Any]:
    """The description of a tokenizer (tokenizer.json) with some of its tokens, by their new numbers."""
    model = description["model"]
    if model["type"] != "WordPiece":
        raise VocabularyError(f"the tokenizer is a {model['type']} model; only the vocabulary of WordPiece is trimmed")
    model["vocab"] = {token: number[old] for token, old in model["vocab"].items() if old in number}
    description["added_tokens"] = [
        token | {"id": number[token["id"]]} for token in description["added_tokens"] if token["id"] in number
    ]
    post = description["post_processor"]
    for key in ("sep", "cls"):  # BertProcessing: [token, id]
        if key in post:
            post[key][1] = number[post[key][1]]
    for special in post.get("special_tokens", {}).values():  # TemplateProcessing
        special["ids"] = [number[old] for old in special["ids"]]
    if description["padding"]:
        description["padding"]["pad_id"] = number[description["padding"]["pad_id"]]
    return description
