"""The WordPiece tokenizer: trained on the corpus or a given teacher's, kept as the files that `transformers` loads."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import WordPiece
from tokenizers.trainers import WordPieceTrainer

from camembert.core.files import read_json, write_json

SPECIAL_TOKENS = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}
FILES = ("tokenizer.json", "tokenizer_config.json")


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
    reserved = [*SPECIAL_TOKENS.values(), *(f"##{letter}" for letter in _most_frequent(later, vocabulary // 4))]
    trainer = WordPieceTrainer(
        vocab_size=vocabulary,
        special_tokens=reserved,
        initial_alphabet=sorted(_most_frequent(first + later, vocabulary // 4)),
        limit_alphabet=vocabulary // 4,
        show_progress=False,
    )
    draft = Tokenizer(WordPiece(unk_token="[UNK]"))
    draft.normalizer, draft.pre_tokenizer = tokenizer.normalizer, tokenizer.pre_tokenizer
    draft.train_from_iterator(texts, trainer)
    tokenizer.model = WordPiece(draft.get_vocab(), unk_token="[UNK]")
    _add_frame(tokenizer)
    return tokenizer


def _most_frequent(letters: Counter[str], limit: int) -> list[str]:
    """The most frequent letters, ties broken by code point."""
    return sorted(letters, key=lambda letter: (-letters[letter], letter))[:limit]


# --- given ----------------------------------------------------------------------------------------------------


def read_tokenizer(folder: str | os.PathLike[str], vocabulary: int) -> tuple[Tokenizer, bool]:
    """Reads the tokenizer of a BERT checkpoint: tokenizer.json, or vocab.txt with what tokenizer_config.json says.

    Whether it lower-cases is read, never guessed: a bare vocab.txt does not say it, and transformers would
    lower-case by default.

    Args:
        folder: of the checkpoint.
        vocabulary: rows of the model's embedding, which no token id may exceed.

    Returns:
        The tokenizer, and whether it lower-cases.

    Raises:
        TokenizerError: it is no BERT tokenizer, contradicts itself, does not fit the model or does not say whether
            it lower-cases.
    """
    folder = Path(folder)
    settings_path = folder / "tokenizer_config.json"
    settings: dict[str, Any] = _settings(settings_path) if settings_path.is_file() else {}
    path = folder / "tokenizer.json"
    if path.is_file():
        tokenizer = _from_json(path)
    else:
        path = folder / "vocab.txt"
        tokenizer = _from_vocabulary(path, settings)
    lowercase = bool(_normalizer_of(tokenizer)["lowercase"])
    if settings.get("do_lower_case", lowercase) != lowercase:
        raise TokenizerError(
            f"{path} has lowercase {lowercase}, but {settings_path} has do_lower_case {settings['do_lower_case']};"
            " make the two agree"
        )
    for token in SPECIAL_TOKENS.values():
        if tokenizer.token_to_id(token) is None:
            raise TokenizerError(f"{path} has no token {token}, expected BERT's special tokens; take another teacher")
    largest = max(tokenizer.get_vocab().values())
    if largest >= vocabulary:
        raise TokenizerError(
            f"{path} has token ids up to {largest}, but the model's embedding has {vocabulary} rows;"
            " the two do not belong together: take both from one checkpoint"
        )
    tokenizer.no_padding()
    tokenizer.no_truncation()
    _add_frame(tokenizer)
    return tokenizer, lowercase


def _settings(path: Path) -> dict[str, Any]:
    try:
        settings = read_json(path)
    except ValueError as error:
        raise TokenizerError(f"{path} is not JSON ({error}); copy the tokenizer again") from None
    if not isinstance(settings, dict):
        raise TokenizerError(f"{path} is no JSON object; copy the tokenizer again")
    return settings


def _from_json(path: Path) -> Tokenizer:
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises no narrower class
        raise TokenizerError(f"{path} cannot be read ({error}); copy the tokenizer again") from None
    kinds = json.loads(tokenizer.to_str())
    found = {part: (kinds[part] or {}).get("type") for part in ("model", "normalizer", "pre_tokenizer")}
    expected = {"model": "WordPiece", "normalizer": "BertNormalizer", "pre_tokenizer": "BertPreTokenizer"}
    if found != expected:
        shown = ", ".join(str(kind) for kind in found.values())
        raise TokenizerError(f"{path} is made of {shown}; expected BERT's {', '.join(expected.values())}")
    return tokenizer


def _from_vocabulary(path: Path, settings: dict[str, Any]) -> Tokenizer:
    if "do_lower_case" not in settings:
        raise TokenizerError(
            f"{path} does not say whether it is cased; add a tokenizer_config.json that does beside it:"
            ' {"do_lower_case": false} for a cased model such as multilingual BERT, true for an uncased one'
        )
    tokenizer = Tokenizer(WordPiece.from_file(str(path), unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=settings.get("tokenize_chinese_chars", True),
        strip_accents=settings.get("strip_accents"),
        lowercase=settings["do_lower_case"],
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens([token for token in SPECIAL_TOKENS.values() if tokenizer.token_to_id(token)])
    return tokenizer


# --- either ---------------------------------------------------------------------------------------------------


def _add_frame(tokenizer: Tokenizer) -> None:
    """[CLS] a [SEP], or [CLS] a [SEP] b [SEP], as BERT reads texts."""
    sep, cls = ((token, token_id(tokenizer, token)) for token in ("[SEP]", "[CLS]"))
    tokenizer.post_processor = processors.BertProcessing(sep, cls)
    tokenizer.decoder = decoders.WordPiece()


def _normalizer_of(tokenizer: Tokenizer) -> dict[str, Any]:
    return json.loads(tokenizer.to_str())["normalizer"]  # type: ignore[no-any-return]


def save_tokenizer(tokenizer: Tokenizer, folder: str | os.PathLike[str], longest: int, lowercase: bool) -> None:
    """Writes the files that `AutoTokenizer.from_pretrained` reads; `longest` is the model's longest input in tokens."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    normalizer = _normalizer_of(tokenizer)
    settings = {
        "tokenizer_class": "BertTokenizerFast",
        "model_max_length": longest,
        "do_lower_case": lowercase,
        "strip_accents": normalizer["strip_accents"],
        "tokenize_chinese_chars": normalizer["handle_chinese_chars"],
    }
    write_json(folder / "tokenizer_config.json", settings | SPECIAL_TOKENS)


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
    return Tokenizer.from_file(str(Path(folder) / "tokenizer.json"))
