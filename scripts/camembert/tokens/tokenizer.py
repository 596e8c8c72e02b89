"""Tokenizers as the workflow keeps them, the files that `transformers` loads; and WordPiece, trained on the corpus."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import WordPiece
from tokenizers.trainers import WordPieceTrainer

from camembert.core.files import TOKENIZER, TOKENIZER_SETTINGS, read_json, write_json

SPECIAL_TOKENS = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}
"""BERT's, by role."""
INPUTS = ("input_ids", "token_type_ids", "attention_mask")
"""What a model takes; token_type_ids only where the tokenizer tells the texts of a pair apart."""


class TokenizerError(ValueError):
    """A tokenizer that cannot be used, with the file and what was expected."""


def use_threads(threads: int) -> None:
    """Sets the threads that tokenizers of this process use; call it before the first one works."""
    os.environ |= {"TOKENIZERS_PARALLELISM": "true", "RAYON_NUM_THREADS": str(threads)}


# --- trained here ---------------------------------------------------------------------------------------------


def train_tokenizer(texts: Iterable[str], vocabulary: int, lowercase: bool) -> Tokenizer:
    """Trains a WordPiece tokenizer in the manner of multilingual BERT; the same text gives the same tokenizer.

    The trainer breaks ties between equally frequent pairs by the ids of their parts and numbers the parts of
    words in the order of a hash table, which differs between runs. So every "##c" is given its id beforehand,
    by way of the special tokens of a tokenizer that is thrown away.

    Args:
        texts: documents of all languages; gone through twice.
        vocabulary: tokens wanted, special ones included.
        lowercase: also strips accents, as BERT's uncased models do.

    Raises:
        TokenizerError: the texts can be gone through only once.
    """
    if iter(texts) is texts:
        raise TokenizerError("the texts can be gone through only once, and training does so twice; hand over a list")
    tokenizer = Tokenizer(WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase, strip_accents=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    words = Counter(word for text in texts for word in tokenizer.normalizer.normalize_str(text).split())
    first, later = Counter[str](), Counter[str]()
    for word, count in words.items():
        first[word[0]] += count
        for letter in word[1:]:
            later[letter] += count
    limit = vocabulary // 4
    alphabet = set(_most_frequent(first + later, limit))
    ranked = enumerate(_most_frequent(later, len(later)))
    inside = [f"##{letter}" for rank, letter in ranked if rank < limit or letter in alphabet]
    trainer = WordPieceTrainer(
        vocab_size=vocabulary,
        special_tokens=[*SPECIAL_TOKENS.values(), *inside],
        initial_alphabet=sorted(alphabet),
        limit_alphabet=limit,
        show_progress=False,
    )
    draft = Tokenizer(WordPiece(unk_token="[UNK]"))
    draft.normalizer, draft.pre_tokenizer = tokenizer.normalizer, tokenizer.pre_tokenizer
    draft.train_from_iterator(texts, trainer)
    tokenizer.model = WordPiece(draft.get_vocab(), unk_token="[UNK]")
    sep, cls = ((token, token_id(tokenizer, token)) for token in ("[SEP]", "[CLS]"))
    tokenizer.post_processor = processors.BertProcessing(sep, cls)
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer


def _most_frequent(letters: Counter[str], limit: int) -> list[str]:
    """The most frequent letters, ties broken by code point."""
    return sorted(letters, key=lambda letter: (-letters[letter], letter))[:limit]


# --- kept -----------------------------------------------------------------------------------------------------


def normalizer_of(tokenizer: Tokenizer) -> dict[str, Any]:
    return json.loads(tokenizer.to_str())["normalizer"]  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Frame:
    """The special tokens around a text, `cls` text `sep`, or a pair, with `separators` times `sep` between its texts.

    `segments` says whether the tokenizer tells the texts of a pair apart (type ids).
    """

    cls: int
    sep: int
    separators: int
    segments: bool


def frame_of(tokenizer: Tokenizer) -> Frame:
    """The special tokens that a tokenizer puts around texts, as it does so.

    Raises:
        TokenizerError: it does not put one token before and one after a text, and the latter between two.
    """
    single, pair = tokenizer.encode("a"), tokenizer.encode("a", "a")
    around, added = (
        [number for number, text in zip(each.ids, each.sequence_ids, strict=True) if text is None]
        for each in (single, pair)
    )
    order = [text for text, _ in groupby(single.sequence_ids)], [text for text, _ in groupby(pair.sequence_ids)]
    separators = len(added) - 2
    known = order == ([None, 0, None], [None, 0, None, 1, None]) and len(around) == 2
    ends = pair.sequence_ids[1] == 0 and pair.sequence_ids[-2] == 1
    if not known or not ends or added != [around[0], *[around[1]] * (separators + 1)]:
        shown = " ".join(str(tokenizer.id_to_token(number)) for number in added) or "nothing"
        raise TokenizerError(
            f"the tokenizer adds {shown} to a pair of texts; expected what BERT or RoBERTa add, [CLS] text [SEP] text"
            " [SEP] or <s> text </s></s> text </s>: take another teacher"
        )
    return Frame(around[0], around[1], separators, any(pair.type_ids))


def save_tokenizer(tokenizer: Tokenizer, folder: str | os.PathLike[str], longest: int, lowercase: bool) -> None:
    """Writes BERT's tokenizer as `AutoTokenizer.from_pretrained` reads it; `longest` is the longest input in tokens."""
    normalizer = normalizer_of(tokenizer)
    settings = {
        "tokenizer_class": "BertTokenizerFast",
        "model_max_length": longest,
        "do_lower_case": lowercase,
        "strip_accents": normalizer["strip_accents"],
        "tokenize_chinese_chars": normalizer["handle_chinese_chars"],
    }
    names = {role: token for role, token in SPECIAL_TOKENS.items() if tokenizer.token_to_id(token) is not None}
    write_tokenizer(tokenizer, folder, settings | names)


def write_tokenizer(tokenizer: Tokenizer, folder: str | os.PathLike[str], settings: Mapping[str, Any]) -> None:
    """Writes a tokenizer and its settings, tokenizer_config.json."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / TOKENIZER))
    write_json(folder / TOKENIZER_SETTINGS, dict(settings))


def special_tokens(folder: str | os.PathLike[str]) -> dict[str, str]:
    """The special tokens of a model folder of this workflow by role: pad_token, cls_token and so on."""
    settings = read_json(Path(folder) / TOKENIZER_SETTINGS)
    return {role: settings[role] for role in SPECIAL_TOKENS if role in settings}


def input_names(folder: str | os.PathLike[str]) -> tuple[str, ...]:
    """What the tokenizer of a model folder hands to a model, of `INPUTS`."""
    names = read_json(Path(folder) / TOKENIZER_SETTINGS).get("model_input_names", INPUTS)
    return tuple(name for name in INPUTS if name in names)


def token_id(tokenizer: Tokenizer, token: str) -> int:
    """The id of a token that must exist.

    Raises:
        KeyError: it does not.
    """
    number = tokenizer.token_to_id(token)
    if number is None:
        raise KeyError(f"the tokenizer has no {token} token")
    return number


def load_tokenizer(folder: str | os.PathLike[str]) -> Tokenizer:
    """Loads the tokenizer of a model folder."""
    return Tokenizer.from_file(str(Path(folder) / TOKENIZER))


@contextmanager
def truncating(tokenizer: Tokenizer, longest: int) -> Iterator[None]:
    """Cuts what is tokenised in the block to so many tokens, of a pair the longer text first; no longer afterwards."""
    tokenizer.enable_truncation(longest, strategy="longest_first")
    try:
        yield
    finally:
        tokenizer.no_truncation()
