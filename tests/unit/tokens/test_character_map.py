"""A compiled map of characters says what the map says, letter by letter."""

import os
from pathlib import Path

import pytest
from tokenizers import normalizers

from camembert.tokens.character_map import compile_map, find_compositions, nmt_nfkc

MAP = {"a": "x", "é": "e", "\u0958": "\u0915\u093c", "\x01": "", "\u200b": " ", "𝔸": "A", "ﬁ": "fi"}
REAL_DATA = os.environ.get("CAMEMBERT_REAL_DATA")


def test_every_character_becomes_what_the_map_says_and_others_stay():
    normaliser = normalizers.Precompiled(compile_map(MAP))
    for number in [*range(1, 0xD800), *range(0xE000, 0x20000)]:
        letter = chr(number)
        assert normaliser.normalize_str(letter) == MAP.get(letter, letter), hex(number)


def test_keys_that_begin_with_others_are_told_apart():
    marked = compile_map({"e\u0301": "é", "o": "0", "\u0301": "'"})
    assert normalizers.Precompiled(marked).normalize_str("e e\u0301 o \u0301") == "e é 0 '"


def test_letters_and_marks_are_composed_as_unicode_composes_them():
    """Wholly decomposed letters; half composed ones stay, as with SentencePiece."""
    found = find_compositions()
    assert found["e\u0301"] == "é"
    assert found["\u0627\u0653"] == "\u0622", "Urdu's alef with madda"
    normaliser = nmt_nfkc({})
    assert normaliser.normalize_str("cafe\u0301") == "café"
    assert normaliser.normalize_str("\u01a1\u0309") == "\u01a1\u0309"


def test_what_the_model_s_map_says_comes_before_composition():
    assert nmt_nfkc({"e\u0301": "E"}).normalize_str("e\u0301") == "E"


@pytest.mark.parametrize(("text", "normal"), [("a   b", "a b"), ("a \u200b b", "a b"), ("a\x01b", "ab")])
def test_spaces_in_a_row_are_one(text, normal):
    assert nmt_nfkc({"\u200b": " ", "\x01": ""}).normalize_str(text) == normal


@pytest.mark.skipif(not REAL_DATA, reason="CAMEMBERT_REAL_DATA names no folder of real text")
def test_real_text_in_many_scripts_is_normalised_as_unicode_does():
    """NFKC, but for half composed letters, which SentencePiece leaves; on lines that have none of these."""
    import unicodedata

    mapping = {chr(n): unicodedata.normalize("NFKC", chr(n)) for n in range(1, 0xD800)}
    changed = {one: to for one, to in mapping.items() if one != to}
    normaliser, lines = nmt_nfkc(changed), 0
    for path in sorted(Path(REAL_DATA, "ntrex").glob("*.txt")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if unicodedata.is_normalized("NFC", line):
                expected = " ".join(part for part in unicodedata.normalize("NFKC", line).split(" ") if part)
                lines += normaliser.normalize_str(line).strip() == expected
    assert lines > 20000
