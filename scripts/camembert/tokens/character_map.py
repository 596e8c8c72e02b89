"""A map of characters as a normaliser: the table that SentencePiece compiles and `tokenizers` reads (`Precompiled`).

The table is a trie of UTF-8 in the form of darts-clone (https://github.com/s-yata/darts-clone), and the texts that its
values point to. A unit of 32 bits is a letter and the way to its children, which lie at `base ^ letter`; a value lies
at `base` itself.
"""

from __future__ import annotations

import struct
import unicodedata
from collections.abc import Mapping

from tokenizers import Regex, normalizers

BRANCHES = 256
"""Units that the children of a node may take: one for every byte."""
CLUSTER_BYTES = 6
"""`tokenizers` looks up a character and its marks together where they are shorter than this."""
HAS_VALUE, IS_VALUE, BASE_SHIFT = 1 << 8, 1 << 31, 10
HANGUL = range(0xAC00, 0xD7A4)
SURROGATES = range(0xD800, 0xE000)


def nmt_nfkc(mapping: Mapping[str, str]) -> normalizers.Normalizer:
    """The normaliser of a SentencePiece model from its map of single characters, with spaces in a row made one.

    SentencePiece's nmt_nfkc also composes letters and marks (NFC), which a map of single characters cannot say.
    """
    table = compile_map(find_compositions() | dict(mapping))
    return normalizers.Sequence([normalizers.Precompiled(table), normalizers.Replace(Regex(" {2,}"), " ")])


def find_compositions() -> dict[str, str]:
    """Characters by the letter and marks that they are canonically composed of (NFD), as far as these are looked up."""
    found = {}
    for number in range(0x80, 0x110000):
        if number in HANGUL or number in SURROGATES:  # Hangul's parts are longer
            continue
        parts = unicodedata.normalize("NFD", chr(number))
        composed = len(parts) > 1 and unicodedata.normalize("NFC", parts) == chr(number)
        if composed and len(parts.encode()) < CLUSTER_BYTES:
            found[parts] = chr(number)
    return found


def compile_map(mapping: Mapping[str, str]) -> bytes:
    """Compiles a map of texts that are not empty: the size of the trie in bytes, its units, then values ended by 0."""
    values = {key.encode(): value.encode() for key, value in mapping.items()}
    texts, start = bytearray(), {}
    for value in sorted(set(values.values())):
        start[value] = len(texts)
        texts += value + b"\0"
    letters: dict[bytes, set[int]] = {b"": set()}  # that go on from the beginnings of keys
    for key in values:
        for length, letter in enumerate(key):
            letters.setdefault(key[:length], set()).add(letter)
    base = {beginning: BRANCHES * number for number, beginning in enumerate(sorted(letters), start=1)}
    children = {base[beginning] ^ letter for beginning, own in letters.items() for letter in own}
    units = [0] * (BRANCHES * (len(base) + 1))
    free = iter(set(range(BRANCHES, len(units))) - children - set(base.values()))
    units[0] = base[b""] << BASE_SHIFT
    for beginning, own in letters.items():
        for letter in own:
            key, place = beginning + bytes([letter]), base[beginning] ^ letter
            target = base[key] if key in base else next(free)
            units[place] = (place ^ target) << BASE_SHIFT | letter
            if key in values:
                units[place] |= HAS_VALUE
                units[target] = IS_VALUE | start[values[key]]
    return struct.pack(f"<I{len(units)}I", 4 * len(units), *units) + bytes(texts)
