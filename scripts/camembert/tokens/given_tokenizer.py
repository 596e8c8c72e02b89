"""The tokenizer of a given teacher, made the workflow's: what `AutoTokenizer` makes of its files."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, processors

from camembert.core.files import TOKENIZER, TOKENIZER_SETTINGS, read_json
from camembert.plan.teachers import ADDED_TOKENS, POSITIONS_AFTER_PADDING, VOCABULARY, has_segments, longest_input
from camembert.tokens.tokenizer import INPUTS, SPECIAL_TOKENS, SpecialIds, TokenizerError, write_tokenizer
from camembert.tokens.trimming import KINDS

log = logging.getLogger(__name__)

SAMPLE = 1000
"""Documents of a language and corpus in which unknown tokens are counted."""


def import_tokenizer(
    folder: str | os.PathLike[str],
    output: str | os.PathLike[str],
    config: Mapping[str, Any],
    needs_mask: Iterable[str] = (),
) -> None:
    """Reads the tokenizer of a checkpoint as `AutoTokenizer` does, and writes it so that any version loads the same.

    Args:
        folder: of the checkpoint.
        output: where to.
        config: the model's config.json.
        needs_mask: what of the experiment hides tokens, for a tokenizer without a token to hide them by.

    Raises:
        TokenizerError: it cannot be used, with the reason.
    """
    tokenizer, names = read_tokenizer(folder, int(config["vocab_size"]))
    special, theirs = SpecialIds.of(tokenizer, names), config.get("pad_token_id", 1)
    if POSITIONS_AFTER_PADDING[config["model_type"]] and special.pad != theirs:
        raise TokenizerError(
            f"{folder} has the padding token {names['pad_token']} with id {special.pad}, but its config.json has"
            f" pad_token_id {theirs}, from which positions are counted; the two do not belong together: take both from"
            " one checkpoint"
        )
    if reasons := [] if "mask_token" in names else list(needs_mask):
        raise TokenizerError(
            f"{folder} has no mask token (mask_token in tokenizer_config.json or special_tokens_map.json), which"
            f" {reasons[0]} needs; leave that out, or take another teacher"
        )
    segments = special.segments and has_segments(config)
    if special.segments and not segments:  # the same special tokens, all of one segment
        cls, sep = names["cls_token"], names["sep_token"]
        pair = [cls, "$A", *[sep] * special.separators, "$B", sep]
        ids = [(cls, special.cls), (sep, special.sep)]
        tokenizer.post_processor = processors.TemplateProcessing([cls, "$A", sep], pair, ids)
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",  # tokenizer.json as it is
        "model_max_length": longest_input(config),
        "model_input_names": [name for name in INPUTS if segments or name != "token_type_ids"],
    }
    write_tokenizer(tokenizer, output, settings | names)


def read_tokenizer(folder: str | os.PathLike[str], vocabulary: int) -> tuple[Tokenizer, dict[str, str]]:
    """Reads a tokenizer as `AutoTokenizer` does, without running code of its own.

    Whether BERT's lower-cases is read, never guessed: a bare vocab.txt does not say it, and transformers would
    lower-case by default. Special tokens that transformers adds, which the model never saw, are taken out again.

    Args:
        folder: of the checkpoint, with its config.json.
        vocabulary: rows of the model's embedding, which no token id may exceed.

    Returns:
        The tokenizer, and its special tokens by role, of which those for masks and unknown text may be lacking.

    Raises:
        TokenizerError: it cannot be read, contradicts itself, is of another kind, does not fit the model, does not say
            whether it lower-cases, or has no padding token.
    """
    folder = Path(folder)
    read = _read_with_transformers(folder)
    path = next(folder / name for name in (TOKENIZER, VOCABULARY) if (folder / name).is_file())
    settings, added = (
        dict(read_json(folder / name)) if (folder / name).is_file() else {}
        for name in (TOKENIZER_SETTINGS, ADDED_TOKENS)
    )
    _check_settings(path, settings)
    named = settings.get("added_tokens_decoder", {}).values()
    known = {token["content"] if isinstance(token, dict) else str(token) for token in named}.union(added)
    if path.name == TOKENIZER:
        known |= Tokenizer.from_file(str(path)).get_vocab().keys()
    else:
        known.update(path.read_text(encoding="utf-8").split("\n"))
    description = json.loads(read.backend_tokenizer.to_str())
    if (kind := description["model"]["type"]) not in KINDS:
        raise TokenizerError(f"{path} is a {kind} tokenizer, expected one of {', '.join(KINDS)}; take another teacher")
    description["added_tokens"] = [token for token in description["added_tokens"] if token["content"] in known]
    tokenizer = Tokenizer.from_str(json.dumps(description | {"padding": None, "truncation": None}))
    roles = {role: getattr(read, role, None) for role in SPECIAL_TOKENS}
    names = {role: str(token) for role, token in roles.items() if token is not None and str(token) in known}
    if (largest := max(tokenizer.get_vocab().values())) >= vocabulary:
        raise TokenizerError(
            f"{path} has token ids up to {largest}, but the model's embedding has {vocabulary} rows;"
            " the two do not belong together: take both from one checkpoint"
        )
    if "pad_token" not in names:
        raise TokenizerError(
            f"{folder} has no padding token (pad_token in tokenizer_config.json or special_tokens_map.json, a token of"
            f" {path.name}); name one there, or take another teacher"
        )
    special = SpecialIds.of(tokenizer, names)
    for role, number in (("cls_token", special.cls), ("sep_token", special.sep)):
        if (token := tokenizer.id_to_token(number)) is None:
            raise TokenizerError(f"{path} has no {role}, which texts are framed by; take another teacher")
        names[role] = token
    return tokenizer, names


def _read_with_transformers(folder: Path) -> Any:
    """The fast tokenizer that `AutoTokenizer` makes of a folder."""
    from transformers import AutoTokenizer, PreTrainedTokenizerFast
    from transformers.utils import logging as transformers_logging

    transformers_logging.set_verbosity_error()
    try:
        read = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # json, tokenizers and transformers each have their own
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise TokenizerError(f"transformers cannot read the tokenizer in {folder} ({reason}); copy it again") from None
    if not isinstance(read, PreTrainedTokenizerFast):
        raise TokenizerError(
            f"{folder} has a {type(read).__name__}, which works in Python alone, expected one that a tokenizer.json can"
            " describe; take another teacher"
        )
    return read


def _check_settings(path: Path, settings: Mapping[str, Any]) -> None:
    """Refuses what no fast tokenizer does, and files that leave open, or contradict, whether they are cased."""
    where = path.with_name(TOKENIZER_SETTINGS)
    for key, usual in (("word_tokenizer_type", "basic"), ("subword_tokenizer_type", "wordpiece")):
        if settings.get(key, usual) != usual:
            raise TokenizerError(
                f"{where} has {key} {settings[key]!r}, expected {usual!r}: its words are cut by a program of their own;"
                " take another teacher"
            )
    if path.name == VOCABULARY and "do_lower_case" not in settings:
        raise TokenizerError(
            f"{path} does not say whether it is cased; add a tokenizer_config.json that does beside it:"
            ' {"do_lower_case": false} for a cased model such as multilingual BERT, true for an uncased one'
        )
    if path.name == TOKENIZER and "do_lower_case" in settings:
        declared = settings["do_lower_case"]
        found = getattr(Tokenizer.from_file(str(path)).normalizer, "lowercase", declared)
        if found != declared:
            raise TokenizerError(
                f"{path} has lowercase {found}, but {where} has do_lower_case {declared}; make the two agree"
            )


def measure_unknown(
    tokenizer: Tokenizer, unknown: str | None, texts: Mapping[str, Sequence[str]], bound: float
) -> dict[str, float]:
    """Measures the share of the tokens of each text that are unknown; the log says it.

    Args:
        unknown: the token for unknown text; None where there is none, as in a tokenizer of bytes.
        texts: a sample of documents by what they are called, such as their language.

    Raises:
        TokenizerError: a share is above the bound.
    """
    shares: dict[str, float] = {}
    number = tokenizer.token_to_id(unknown) if unknown else None
    for name, documents in texts.items():
        encodings = tokenizer.encode_batch_fast(documents, add_special_tokens=False)
        tokens = sum(len(encoding.ids) for encoding in encodings)
        found = 0 if number is None else sum(encoding.ids.count(number) for encoding in encodings)
        shares[name] = found / max(1, tokens)
        log.info("%s: %.2f %% of %d tokens are unknown", name, 100 * shares[name], tokens)
    for name, share in shares.items():
        if share > bound:
            raise TokenizerError(
                f"{100 * share:.1f} % of the tokens of text in {name} are unknown to the teacher's tokenizer"
                f" ({unknown}), expected at most {100 * bound:g} %; take a teacher that reads it, take it out, or raise"
                " teacher.max_unknown"
            )
    return shares
