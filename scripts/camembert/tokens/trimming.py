"""A tokenizer without some of its tokens (Abdaoui et al. 2020, "Load What You Need").

Text whose tokens are all kept is tokenised as before, and other text falls apart into shorter tokens, single characters
at last:

- WordPiece takes the longest token that fits, and fewer rivals cannot make a longer one.
- Unigram takes the most probable tokens, and fewer rivals cannot make more probable ones. What an unknown character
  costs depends on the least probable token, which is kept for that.
- BPE builds tokens by merging two again and again; whatever a kept token may be merged from is kept with it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from camembert.core.files import TOKENIZER, read_json, write_text
from camembert.plan.teachers import USED
from camembert.tokens.tokenizer import load_tokenizer, special_tokens

KINDS = ("WordPiece", "Unigram", "BPE")
WORD_MARKS = "▁Ġ"
"""How Unigram, and BPE of bytes, mark tokens that begin a word."""
BYTE = re.compile(r"<0x[0-9A-F]{2}>")
"""A token for a byte, of which characters that have no token are spelt (byte_fallback)."""
ROWS = "teacher_rows.npy"
"""Beside a trimmed tokenizer: the row of the teacher's embedding that each token has, in the order of the ids."""
TEXTS_AT_ONCE = 1000


class VocabularyError(ValueError):
    """A vocabulary that cannot be trimmed, with the reason."""


def trim_tokenizer(folder: str | os.PathLike[str], texts: Iterable[str], vocabulary: str | int, fixed: int = 0) -> int:
    """Cuts a tokenizer of this workflow down to the tokens of some texts, and writes `ROWS` beside it.

    Args:
        folder: of the tokenizer, which is changed.
        texts: what is going to be trained on.
        vocabulary: used keeps the tokens of the texts, special ones and single characters; a number at most so many of
            these, special ones first, then the most frequent.
        fixed: so many tokens keep their ids, as positions are counted from one of them.

    Returns:
        How many are kept.

    Raises:
        VocabularyError: the tokenizer is of another kind, or the number is too small for the special tokens.
    """
    tokenizer = load_tokenizer(folder)
    special = {str(tokenizer.id_to_token(number)) for number in range(fixed)}.union(special_tokens(folder).values())
    counts = count_tokens(tokenizer, texts)
    kept = select_tokens(tokenizer, np.flatnonzero(counts).tolist(), special)
    if vocabulary != USED and int(vocabulary) < len(kept):
        kept = select_most_frequent(tokenizer, kept, counts, special, int(vocabulary), "teacher.vocabulary")
    write_renumbered(Path(folder) / TOKENIZER, Path(folder) / TOKENIZER, kept)
    np.save(Path(folder) / ROWS, np.array(kept))
    return len(kept)


def read_teacher_rows(folder: str | os.PathLike[str]) -> np.ndarray | None:
    """Reads the rows of the teacher's embedding that a tokenizer's tokens have, (tokens,); None where none was cut."""
    path = Path(folder) / ROWS
    return np.load(path) if path.is_file() else None


def count_tokens(tokenizer: Tokenizer, texts: Iterable[str]) -> np.ndarray:
    """How often each token occurs in some texts, by id; they are read as a stream."""
    counts, stream = np.zeros(1 + max(tokenizer.get_vocab().values()), dtype=np.int64), iter(texts)
    while batch := list(islice(stream, TEXTS_AT_ONCE)):
        encodings = tokenizer.encode_batch(batch, add_special_tokens=False)
        counts += np.bincount([token for each in encodings for token in each.ids], minlength=len(counts))
    return counts


def select_most_frequent(
    tokenizer: Tokenizer, kept: list[int], counts: np.ndarray, special: Collection[str], vocabulary: int, key: str
) -> list[int]:
    """Of some tokens so many, special ones first, then those that occur most; `key` is what errors call the number."""
    kind = json.loads(tokenizer.to_str())["model"]["type"]
    if kind == "BPE":
        raise VocabularyError(
            f"{key} is {vocabulary}, expected {USED}: the tokenizer is BPE, whose tokens need those"
            " that they are merged from"
        )
    first = _always_kept(tokenizer, special)
    if len(first) > vocabulary:
        raise VocabularyError(
            f"{key} is {vocabulary}, expected at least {len(first)}, as many as the tokenizer has special"
            " tokens; raise it"
        )
    ranked = sorted(kept, key=lambda number: (number not in first, -counts[number], number))
    return sorted(ranked[:vocabulary])


def select_tokens(tokenizer: Tokenizer, used: Collection[int], special: Collection[str]) -> list[int]:
    """The tokens used, the special ones, and single characters, so that what was not seen can still be spelt.

    `special` names special tokens beside those that the tokenizer itself marks as such.
    """
    model, vocabulary = json.loads(tokenizer.to_str())["model"], tokenizer.get_vocab()
    spelling = {number for token, number in vocabulary.items() if _spells(token, model)}
    kept = _always_kept(tokenizer, special).union(spelling, used)
    if model["type"] == "BPE":
        parts: dict[int, set[int]] = {}  # that a token may be merged from
        for merge in model["merges"]:
            merged, pair = _merge(merge, model)
            parts.setdefault(vocabulary[merged], set()).update(vocabulary[part] for part in pair)
        todo = list(kept)
        while todo:
            new = parts.get(todo.pop(), set()) - kept
            kept |= new
            todo += new
    return sorted(kept)


def _always_kept(tokenizer: Tokenizer, special: Collection[str]) -> set[int]:
    """Added and special tokens, and those that a Unigram model weighs unknown text by."""
    description, vocabulary = json.loads(tokenizer.to_str()), tokenizer.get_vocab()
    model = description["model"]
    always = {token["id"] for token in description["added_tokens"]}
    always |= {number for token, number in vocabulary.items() if token in special}
    if model["type"] == "Unigram":
        always.add(min(range(len(model["vocab"])), key=lambda number: model["vocab"][number][1]))
        always |= set() if model["unk_id"] is None else {model["unk_id"]}
    elif model["unk_token"] in vocabulary:
        always.add(vocabulary[model["unk_token"]])
    return always


def _spells(token: str, model: Mapping[str, Any]) -> bool:
    """Whether a token is a single character, however the model marks its place in a word, or a byte."""
    letter = token.removeprefix(model.get("continuing_subword_prefix") or "")
    if suffix := model.get("end_of_word_suffix"):
        letter = letter.removesuffix(suffix)
    return len(letter) <= 1 or (len(letter) == 2 and letter[0] in WORD_MARKS) or BYTE.fullmatch(token) is not None


def _merge(merge: str | list[str], model: Mapping[str, Any]) -> tuple[str, list[str]]:
    """What BPE merges two tokens into, and the two; the second one's mark of not beginning a word goes."""
    one, other = merge.split(" ") if isinstance(merge, str) else merge
    return one + other.removeprefix(model["continuing_subword_prefix"] or ""), [one, other]


def write_renumbered(source: Path, target: Path, kept: Collection[int]) -> None:
    """Writes a tokenizer.json with some of the tokens of another, numbered anew in the same order.

    Raises:
        VocabularyError: the tokenizer is of another kind.
    """
    description = _renumbered(read_json(source), {old: new for new, old in enumerate(kept)})
    write_text(target, json.dumps(description, ensure_ascii=False))


def _renumbered(description: dict[str, Any], number: dict[int, int]) -> dict[str, Any]:
    """The description of a tokenizer (tokenizer.json) with some of its tokens, by their new numbers."""
    model = description["model"]
    if model["type"] not in KINDS:
        raise VocabularyError(f"the tokenizer is a {model['type']} model; expected one of {', '.join(KINDS)}")
    if model["type"] == "Unigram":  # a list, in the order of the ids
        model["vocab"] = [entry for old, entry in enumerate(model["vocab"]) if old in number]
        model["unk_id"] = number.get(model["unk_id"])
    else:
        model["vocab"] = {token: number[old] for token, old in model["vocab"].items() if old in number}
    if model["type"] == "BPE":
        model["merges"] = [merge for merge in model["merges"] if _merge(merge, model)[0] in model["vocab"]]
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
