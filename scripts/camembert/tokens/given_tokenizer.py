"""The tokenizer of a given teacher, made the workflow's: BERT's own, or any that a tokenizer.json describes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, normalizers, pre_tokenizers, processors
from tokenizers.models import WordPiece

from camembert.core.files import read_json
from camembert.core.model_files import TOKENIZER, TOKENIZER_SETTINGS
from camembert.plan.teachers import POSITIONS_AFTER_PADDING, longest_input, segments_of
from camembert.tokens.tokenizer import (
    INPUTS,
    SPECIAL_TOKENS,
    Frame,
    TokenizerError,
    add_bert_frame,
    frame_of,
    normalizer_of,
    save_tokenizer,
    token_id,
    write_tokenizer,
)

BERT_PARTS = {"model": "WordPiece", "normalizer": "BertNormalizer", "pre_tokenizer": "BertPreTokenizer"}
KINDS = ("WordPiece", "Unigram", "BPE")
"""Kinds of tokenizer that can be used, and trimmed for a release."""
CONVENTIONS = {
    "pad_token": ("[PAD]", "<pad>"),
    "unk_token": ("[UNK]", "<unk>"),
    "cls_token": ("[CLS]", "<s>"),
    "sep_token": ("[SEP]", "</s>"),
    "mask_token": ("[MASK]", "<mask>"),
}
"""What special tokens are called where no file says it, as in XLM-R's own folder: BERT's and RoBERTa's names."""


def import_tokenizer(
    folder: str | os.PathLike[str],
    output: str | os.PathLike[str],
    config: Mapping[str, Any],
    needs_mask: Iterable[str] = (),
) -> None:
    """Reads the tokenizer of a checkpoint and writes it as `AutoTokenizer` loads it without code of its own.

    Args:
        folder: of the checkpoint.
        output: folder of the tokenizer.
        config: of the model, its config.json.
        needs_mask: what of the experiment hides tokens, for a tokenizer without a token to hide them by.

    Raises:
        TokenizerError: it cannot be used, with the reason.
    """
    folder, vocabulary = Path(folder), int(config["vocab_size"])
    if is_bert(folder) and segments_of(config):
        tokenizer, lowercase = read_tokenizer(folder, vocabulary)
        names = SPECIAL_TOKENS
        save_tokenizer(tokenizer, output, longest_input(config), lowercase)
    else:
        tokenizer, names = read_any_tokenizer(folder, vocabulary)
        frame = frame_of(tokenizer)
        segments = frame.segments and segments_of(config)
        if frame.segments and not segments:
            tokenizer.post_processor = _without_segments(tokenizer, frame)
        settings = {
            "tokenizer_class": "PreTrainedTokenizerFast",  # tokenizer.json as it is
            "model_max_length": longest_input(config),
            "model_input_names": [name for name in INPUTS if segments or name != "token_type_ids"],
        }
        write_tokenizer(tokenizer, output, settings | names)
    _check_padding(folder, tokenizer, names["pad_token"], config)
    if reasons := [] if tokenizer.token_to_id(names.get("mask_token", "")) is not None else list(needs_mask):
        raise TokenizerError(
            f"{folder} has no mask token (mask_token in tokenizer_config.json or special_tokens_map.json), which"
            f" {reasons[0]} needs; leave that out, or take another teacher"
        )


# --- BERT's ---------------------------------------------------------------------------------------------------


def is_bert(folder: str | os.PathLike[str]) -> bool:
    """Whether a checkpoint's tokenizer is BERT's: vocab.txt alone, or a tokenizer.json with BERT's parts and names."""
    path = Path(folder) / TOKENIZER
    if not path.is_file():
        return True
    tokenizer = _from_json(path)
    required = [token for role, token in SPECIAL_TOKENS.items() if role != "mask_token"]
    return _parts(tokenizer) == BERT_PARTS and all(tokenizer.token_to_id(token) is not None for token in required)


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
    settings_path = folder / TOKENIZER_SETTINGS
    settings: dict[str, Any] = _settings(settings_path) if settings_path.is_file() else {}
    path = folder / TOKENIZER
    if path.is_file():
        tokenizer = _from_json(path)
    else:
        path = folder / "vocab.txt"
        tokenizer = _from_vocabulary(path, settings)
    lowercase = bool(normalizer_of(tokenizer)["lowercase"])
    if settings.get("do_lower_case", lowercase) != lowercase:
        raise TokenizerError(
            f"{path} has lowercase {lowercase}, but {settings_path} has do_lower_case {settings['do_lower_case']};"
            " make the two agree"
        )
    for role, token in SPECIAL_TOKENS.items():
        if tokenizer.token_to_id(token) is None and role != "mask_token":
            raise TokenizerError(f"{path} has no token {token}, expected BERT's special tokens; take another teacher")
    _check_size(path, tokenizer, vocabulary)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    add_bert_frame(tokenizer)
    return tokenizer, lowercase


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


# --- any ------------------------------------------------------------------------------------------------------


def read_any_tokenizer(folder: str | os.PathLike[str], vocabulary: int) -> tuple[Tokenizer, dict[str, str]]:
    """Reads a tokenizer.json (or BERT's vocab.txt) and what the files beside it call its special tokens.

    Args:
        folder: of the checkpoint.
        vocabulary: rows of the model's embedding, which no token id may exceed.

    Returns:
        The tokenizer, and its special tokens by role; the mask token and the one for unknown text may be lacking.

    Raises:
        TokenizerError: it cannot be read, is of another kind, does not fit the model, or has no padding token.
    """
    folder = Path(folder)
    path = folder / TOKENIZER
    tokenizer = _from_json(path) if path.is_file() else read_tokenizer(folder, vocabulary)[0]
    _check_size(path, tokenizer, vocabulary)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    kind = _parts(tokenizer)["model"]
    if kind not in KINDS:
        raise TokenizerError(f"{path} is a {kind} tokenizer, expected one of {', '.join(KINDS)}; take another teacher")
    names = _names(folder, tokenizer)
    if "pad_token" not in names:
        raise TokenizerError(
            f"{folder} has no padding token (pad_token in tokenizer_config.json or special_tokens_map.json, or one of"
            f" {' and '.join(CONVENTIONS['pad_token'])} in tokenizer.json); name one there, or take another teacher"
        )
    frame = frame_of(tokenizer)
    return tokenizer, names | {
        "cls_token": str(tokenizer.id_to_token(frame.cls)),
        "sep_token": str(tokenizer.id_to_token(frame.sep)),
    }


def _names(folder: Path, tokenizer: Tokenizer) -> dict[str, str]:
    """What the special tokens are called: by the files beside tokenizer.json, else by convention."""
    files = [folder / name for name in (TOKENIZER_SETTINGS, "special_tokens_map.json")]
    said = [_settings(path) for path in files if path.is_file()]
    names = {}
    for role, usual in CONVENTIONS.items():
        given = [settings[role] for settings in said if settings.get(role)]
        texts = [each["content"] if isinstance(each, dict) else str(each) for each in given]
        found = [text for text in (*texts, *usual) if tokenizer.token_to_id(text) is not None]
        if found:
            names[role] = found[0]
    return names


def _without_segments(tokenizer: Tokenizer, frame: Frame) -> processors.PostProcessor:
    """What puts the same special tokens around texts, for a model that does not tell the texts of a pair apart."""
    cls, sep = tokenizer.id_to_token(frame.cls), tokenizer.id_to_token(frame.sep)
    single, pair = [cls, "$A", sep], [cls, "$A", *[sep] * frame.separators, "$B", sep]
    ids = {cls: frame.cls, sep: frame.sep}
    return processors.TemplateProcessing(single, pair, list(ids.items()))


def _check_padding(folder: Path, tokenizer: Tokenizer, name: str, config: Mapping[str, Any]) -> None:
    """Checks that the model's padding is the tokenizer's where positions are counted from it."""
    pad, theirs = token_id(tokenizer, name), config.get("pad_token_id", 1)
    if POSITIONS_AFTER_PADDING[config["model_type"]] and pad != theirs:
        raise TokenizerError(
            f"{folder} has the padding token {name} with id {pad}, but its config.json has pad_token_id {theirs}, from"
            " which positions are counted; the two do not belong together: take both from one checkpoint"
        )


# --- files ----------------------------------------------------------------------------------------------------


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
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises no narrower class
        raise TokenizerError(f"{path} cannot be read ({error}); copy the tokenizer again") from None


def _parts(tokenizer: Tokenizer) -> dict[str, str | None]:
    kinds = json.loads(tokenizer.to_str())
    return {part: (kinds[part] or {}).get("type") for part in BERT_PARTS}


def _check_size(path: Path, tokenizer: Tokenizer, vocabulary: int) -> None:
    largest = max(tokenizer.get_vocab().values())
    if largest >= vocabulary:
        raise TokenizerError(
            f"{path} has token ids up to {largest}, but the model's embedding has {vocabulary} rows;"
            " the two do not belong together: take both from one checkpoint"
        )
