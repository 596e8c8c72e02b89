"""Tokenizers as the workflow keeps them, the files that `transformers` loads; and WordPiece, trained on the corpus."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
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

    def rank(letters: Counter[str]) -> list[str]:  # ties are broken by code point
        return sorted(letters, key=lambda letter: (-letters[letter], letter))

    alphabet = set(rank(first + later)[:limit])
    inside = [f"##{letter}" for place, letter in enumerate(rank(later)) if place < limit or letter in alphabet]
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


# --- special tokens -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SpecialIds:
    """What packing and masking need of a tokenizer: ids by role, and how a text is framed."""

    pad: int
    cls: int  # before a text; BERT calls it [CLS], RoBERTa <s>
    sep: int  # after a text; [SEP] or </s>
    mask: int | None  # in the place of a token that is to be predicted
    vocabulary: int  # one more than the largest id there is
    separators: int = 1  # how many `sep` are between the texts of a pair: 1 in BERT, 2 in RoBERTa
    segments: bool = True  # whether the second text of a pair and its end are of segment 1; else all are of segment 0

    @classmethod
    def of(cls, tokenizer: Tokenizer, names: Mapping[str, str] = SPECIAL_TOKENS) -> SpecialIds:
        """Those of a tokenizer whose padding and mask tokens have these names; the others by what it puts around texts.

        Raises:
            TokenizerError: it does not put one token before and one after a text, and the latter between two.
        """
        text = tokenizer.encode("a", add_special_tokens=False).ids
        single, pair = tokenizer.encode("a").ids, tokenizer.encode("a", "a")
        first, last, separators = single[0], single[-1], len(pair.ids) - 2 * len(text) - 2
        framed = [first, *text, *[last] * separators, *text, last]
        if single != [first, *text, last] or pair.ids != framed or not separators:
            added = [number for number, of in zip(pair.ids, pair.sequence_ids, strict=True) if of is None]
            shown = " ".join(str(tokenizer.id_to_token(number)) for number in added) or "nothing"
            raise TokenizerError(
                f"the tokenizer adds {shown} to a pair of texts; expected what BERT or RoBERTa add, [CLS] text [SEP]"
                " text [SEP] or <s> text </s></s> text </s>: take another teacher"
            )
        mask = token_id(tokenizer, names["mask_token"]) if "mask_token" in names else None
        pad, largest = token_id(tokenizer, names["pad_token"]), max(tokenizer.get_vocab().values())
        return cls(pad, first, last, mask, largest + 1, separators, any(pair.type_ids))

    @classmethod
    def read(cls, folder: str | os.PathLike[str]) -> SpecialIds:
        """Those of a model folder of this workflow."""
        return cls.of(load_tokenizer(folder), special_tokens(folder))


def token_id(tokenizer: Tokenizer, token: str) -> int:
    """The id of a token that must exist.

    Raises:
        KeyError: it does not.
    """
    number = tokenizer.token_to_id(token)
    if number is None:
        raise KeyError(f"the tokenizer has no {token} token")
    return number


# --- files ----------------------------------------------------------------------------------------------------


def save_tokenizer(tokenizer: Tokenizer, folder: str | os.PathLike[str], longest: int, lowercase: bool) -> None:
    """Writes BERT's tokenizer as `AutoTokenizer.from_pretrained` reads it; `longest` is the longest input in tokens."""
    settings = {
        "tokenizer_class": "BertTokenizerFast",
        "model_max_length": longest,
        "do_lower_case": lowercase,
        "strip_accents": tokenizer.normalizer.strip_accents,
        "tokenize_chinese_chars": tokenizer.normalizer.handle_chinese_chars,
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
