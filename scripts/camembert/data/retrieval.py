"""Sentences that say the same in every language, for retrieval: read from aligned files, kept as parquet.

Evaluation imports this module for what is kept: what reads people's files, with `datasets`, is imported where it does.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from camembert.core.files import atomic_write
from camembert.plan.sources import ENGLISH

log = logging.getLogger(__name__)

ENGLISH_FOR = "english-for-"
"""Begins the name of a file with the English sentences that are aligned with one language alone."""
SCHEMA = pa.schema([("id", pa.string()), ("text", pa.string())])


class RetrievalDataError(ValueError):
    """Sentences that cannot be retrieved, with the file, the line where there is one, and what was expected."""


class Sentence(NamedTuple):
    """A sentence; its id is shared by the languages."""

    id: str
    text: str


def numbered(texts: Sequence[str]) -> list[Sentence]:
    """Sentences whose ids are the numbers of their lines, from 1."""
    return [Sentence(f"line-{number:06d}", text) for number, text in enumerate(texts, start=1)]


def write_sentences(sentences: Sequence[Sentence], path: str | os.PathLike[str]) -> None:
    """Writes sentences as parquet with the columns id and text."""
    columns = dict(zip(SCHEMA.names, zip(*sentences, strict=True), strict=True))
    with atomic_write(path) as partial:
        pq.write_table(pa.table(columns, schema=SCHEMA), partial)


def read_sentences(path: str | os.PathLike[str]) -> list[Sentence]:
    """Reads what `write_sentences` wrote."""
    table = pq.read_table(path, schema=SCHEMA)
    return [Sentence(*row) for row in zip(*(table[name].to_pylist() for name in SCHEMA.names), strict=True)]


Sides = tuple[list[Sentence], list[Sentence]]
"""Sentences of a language, and the English ones that say the same, with the same ids."""


def read_sides(languages: Sequence[str], paths: Sequence[str | os.PathLike[str]], pairwise: bool) -> dict[str, Sides]:
    """Reads the sentences of every language but English, each with the English ones that say the same.

    Args:
        languages: English among them, unless each has an English side of its own.
        paths: a file a language, in that order; pairwise, then as many of English sides.
        pairwise: whether each language has an English side of its own.
    """
    read = [read_sentences(path) for path in paths]
    if pairwise:
        return dict(zip(languages, zip(read[: len(languages)], read[len(languages) :], strict=True), strict=True))
    by_language = dict(zip(languages, read, strict=True))
    return {language: (own, by_language[ENGLISH]) for language, own in by_language.items() if language != ENGLISH}


def read_aligned(files: Mapping[str, str | os.PathLike[str]], limit: int | None = None) -> dict[str, list[Sentence]]:
    """Reads line-aligned files and leaves out the lines that repeat an earlier one in some language.

    A sentence that is there twice has two right answers, of which one would count as wrong. So a line that repeats an
    earlier one is left out in every language; how many is said in the log. Spaces at both ends do not count.

    Args:
        files: of each language, .txt or .txt.gz in UTF-8, a sentence a line.
        limit: the first so many lines that are left are taken; None takes all.

    Returns:
        The sentences of each language, with the same ids in all.

    Raises:
        RetrievalDataError: files have different numbers of lines, a line is empty, or fewer than two are left.
        DataError: a file is not UTF-8 or damaged.
    """
    from camembert.data.records import lines

    return _aligned({language: (path, lines(path)) for language, path in files.items()}, limit)


def read_pair(
    files: Sequence[str | os.PathLike[str]], columns: Mapping[str, str], language: str, limit: int | None = None
) -> tuple[list[Sentence], list[Sentence]]:
    """Reads sentences of a language and the English ones that say the same, as `read_aligned` does.

    Args:
        files: both, a sentence a line; or one folder of files of rows that have both.
        columns: of rows: what text and english are called.
        language: of the sentences.
        limit: the first so many that are left are taken; None takes all.

    Raises:
        RetrievalDataError: as `read_aligned`.
        DataError: a file is damaged or lacks a column.
    """
    sides = {language: "text", ENGLISH: "english"}
    if not Path(files[0]).is_dir():
        own, english = read_aligned(dict(zip(sides, files, strict=True)), limit).values()
        return own, english
    from camembert.data.records import records

    rows = [row for path in sorted(Path(files[0]).rglob("*.parquet")) for _, row in records(path, columns.values())]
    texts = {name: (files[0], [str(row[columns[side]] or "") for row in rows]) for name, side in sides.items()}
    own, english = _aligned(texts, limit).values()
    return own, english


def language_of(path: str | os.PathLike[str]) -> str:
    """The language of the sentences in a file of this workflow, by its name."""
    name = Path(path).stem
    return ENGLISH if name.startswith(ENGLISH_FOR) else name


def _aligned(
    read: Mapping[str, tuple[str | os.PathLike[str], Iterable[str]]], limit: int | None
) -> dict[str, list[Sentence]]:
    """The sentences of each language out of its file and the texts there, as `read_aligned` returns them."""
    from camembert.data.records import is_blank

    texts = {language: [line.strip() for line in own] for language, (_, own) in read.items()}
    (first, lines_of_first), *_ = ((read[language][0], len(own)) for language, own in texts.items())
    for language, own in texts.items():
        path = read[language][0]
        if len(own) != lines_of_first:
            raise RetrievalDataError(
                f"{path} has {len(own)} lines and {first} has {lines_of_first}; expected aligned files, line i saying"
                " the same in every language: add or remove what is missing or too much"
            )
        if blank := [number for number, line in enumerate(own, start=1) if is_blank(line)]:
            raise RetrievalDataError(
                f"{path}:{blank[0]} is empty; expected a sentence on every line: write it, or remove the line in every"
                " language"
            )
        if repeated := len(own) - len(set(own)):
            log.info("retrieval: lines in %s that repeat an earlier one: %d", language, repeated)
    kept = _unrepeated(texts)
    if left_out := lines_of_first - len(kept):
        log.warning(
            "retrieval: %d of %d lines repeat an earlier one in some language and are left out in all, %d are left",
            left_out, lines_of_first, len(kept),
        )  # fmt: skip
    if len(kept) < 2:
        raise RetrievalDataError(
            f"{Path(first).parent} has {len(kept)} different lines in all languages; expected at least two"
        )
    sentences = {language: numbered(own) for language, own in texts.items()}
    return {language: [rows[row] for row in kept[:limit]] for language, rows in sentences.items()}


def _unrepeated(texts: Mapping[str, Sequence[str]]) -> list[int]:
    """The rows that repeat no row kept before them, in any language."""
    kept, seen = [], set[tuple[str, str]]()
    for row, line in enumerate(zip(*texts.values(), strict=True)):
        own = set(zip(texts, line, strict=True))
        if not own & seen:
            kept.append(row)
            seen |= own
    return kept
