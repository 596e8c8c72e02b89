"""The WordPiece tokenizer: trained on the corpus, kept as the files that `transformers` loads."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import WordPiece
from tokenizers.trainers import WordPieceTrainer

from camembert.files import write_json

SPECIAL_TOKENS = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}
FILES = ("tokenizer.json", "tokenizer_config.json")


def train_tokenizer(texts: Sequence[str], vocabulary: int, lowercase: bool) -> Tokenizer:
    """Trains a WordPiece tokenizer in the manner of multilingual BERT; the same text gives the same tokenizer.

    The trainer breaks ties between equally frequent pairs by the ids of their parts and numbers the parts of
    words in the order of a hash table, which differs between runs. So every "##c" is given its id beforehand,
    by way of the special tokens of a tokenizer that is thrown away.

    Args:
        texts: lines of text, of all languages.
        vocabulary: tokens wanted, special ones included.
        lowercase: also strips accents, as BERT's uncased models do.
    """
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
    sep, cls = ((token, token_id(tokenizer, token)) for token in ("[SEP]", "[CLS]"))
    tokenizer.post_processor = processors.BertProcessing(sep, cls)
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer


def _most_frequent(letters: Counter[str], limit: int) -> list[str]:
    """The most frequent letters, ties broken by code point."""
    return sorted(letters, key=lambda letter: (-letters[letter], letter))[:limit]


def save_tokenizer(tokenizer: Tokenizer, folder: str | os.PathLike[str], longest: int, lowercase: bool) -> None:
    """Writes the files that `AutoTokenizer.from_pretrained` reads; `longest` is the model's longest input in tokens."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {"tokenizer_class": "BertTokenizerFast", "model_max_length": longest, "do_lower_case": lowercase}
    write_json(folder / "tokenizer_config.json", settings | {"strip_accents": lowercase} | SPECIAL_TOKENS)


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
