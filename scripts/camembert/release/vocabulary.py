"""A model without the tokens that some languages never use (Abdaoui et al. 2020, "Load What You Need").

Half of multilingual BERT is word embeddings. The rows of tokens that are kept are cut out; everything else stays. Text
whose tokens are all kept is tokenised as before, and other text falls apart into shorter tokens, single characters at
last:

- WordPiece takes the longest token that fits, and fewer rivals cannot make a longer one.
- Unigram takes the most probable tokens, and fewer rivals cannot make more probable ones. What an unknown character
  costs depends on the least probable token, which is kept for that.
- BPE builds tokens by merging two again and again; whatever a kept token may be merged from is kept with it.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer

from camembert.core.files import atomic_write, read_json, write_json
from camembert.core.model_files import CONFIG, TOKENIZER, TOKENIZER_SETTINGS, WEIGHTS
from camembert.data.tasks import read_examples
from camembert.plan.teachers import first_position
from camembert.tokens.shards import Shard
from camembert.tokens.tokenizer import load_tokenizer

EMBEDDINGS = "embeddings.word_embeddings.weight"
TOKENS_AT_ONCE = 2**22
MARKS = {"WordPiece": "##", "Unigram": "▁", "BPE": "Ġ"}
"""How WordPiece marks tokens that do not begin a word; Unigram, and BPE of bytes, those that do."""


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


def tokens_kept(tokenizer: Tokenizer, used: Collection[int], special: Collection[str]) -> list[int]:
    """The tokens used, the special ones, and single characters, so that what was not seen can still be spelt.

    Args:
        tokenizer: of the model.
        used: ids of tokens.
        special: the names of special tokens, beside those that the tokenizer itself marks as such.
    """
    description = json.loads(tokenizer.to_str())
    model, vocabulary = description["model"], tokenizer.get_vocab()
    mark = MARKS[model["type"]]
    always = {token["id"] for token in description["added_tokens"] if token["special"]}
    always |= {number for token, number in vocabulary.items() if token in special or len(token.removeprefix(mark)) <= 1}
    if model["type"] == "Unigram":
        always.add(min(range(len(model["vocab"])), key=lambda number: model["vocab"][number][1]))
        always.add(model["unk_id"])
    kept = always.union(used)
    if model["type"] == "BPE":
        kept |= _merged_into(kept, [_pair(merge) for merge in model["merges"]], vocabulary)
    return sorted(kept)


def _pair(merge: str | list[str]) -> tuple[str, str]:
    one, other = merge.split(" ") if isinstance(merge, str) else merge
    return one, other


def _merged_into(kept: Collection[int], merges: Iterable[tuple[str, str]], vocabulary: Mapping[str, int]) -> set[int]:
    """Tokens that kept ones may be merged from, however far down."""
    parts: dict[int, set[int]] = {}
    for pair in merges:
        parts.setdefault(vocabulary["".join(pair)], set()).update(vocabulary[part] for part in pair)
    found, todo = set[int](), list(kept)
    while todo:
        new = parts.get(todo.pop(), set()) - found
        found |= new
        todo += new
    return found


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
    description = _renumbered(read_json(source / TOKENIZER), number)
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
        (partial / TOKENIZER).write_text(json.dumps(description, ensure_ascii=False), encoding="utf-8")
        shutil.copyfile(source / TOKENIZER_SETTINGS, partial / TOKENIZER_SETTINGS)
        load_tokenizer(partial)  # fails here rather than with those who use it


def _renumbered(description: dict[str, Any], number: dict[int, int]) -> dict[str, Any]:
    """The description of a tokenizer (tokenizer.json) with some of its tokens, by their new numbers."""
    model = description["model"]
    if model["type"] not in MARKS:
        raise VocabularyError(f"the tokenizer is a {model['type']} model; expected one of {', '.join(MARKS)}")
    if model["type"] == "Unigram":  # a list, in the order of the ids
        model["vocab"] = [entry for old, entry in enumerate(model["vocab"]) if old in number]
        model["unk_id"] = number[model["unk_id"]]
    else:
        model["vocab"] = {token: number[old] for token, old in model["vocab"].items() if old in number}
    if model["type"] == "BPE":
        there = model["vocab"]
        model["merges"] = [merge for merge in model["merges"] if "".join(_pair(merge)) in there]
    description["added_tokens"] = [
        token | {"id": number[token["id"]]} for token in description["added_tokens"] if token["id"] in number
    ]
    _renumber_frame(description["post_processor"], number)
    if description["padding"]:
        description["padding"]["pad_id"] = number[description["padding"]["pad_id"]]
    return description


def _renumber_frame(post: dict[str, Any], number: Mapping[int, int]) -> None:
    """Renumbers what puts special tokens around texts, in place."""
    for part in post.get("processors", []):  # Sequence
        _renumber_frame(part, number)
    for key in ("sep", "cls"):  # BertProcessing, RobertaProcessing: [token, id]
        if key in post:
            post[key][1] = number[post[key][1]]
    for special in (post.get("special_tokens") or {}).values():  # TemplateProcessing
        special["ids"] = [number[old] for old in special["ids"]]
