"""Sentences that say the same in every language, for retrieval: read from aligned files, kept as parquet."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from camembert.core.files import atomic_write
from camembert.data.records import is_blank, read_lines, read_rows
from camembert.plan.sources import ENGLISH

log = logging.getLogger(__name__)

ENGLISH_FOR = "english-for-"
"""Begins the name of a file with the English sentences that are aligned with one language alone."""
SENTENCE_SCHEMA = pa.schema([("id", pa.string()), ("text", pa.string())])


class RetrievalDataError(ValueError):
    """Sentences that cannot be retrieved, with the file, the line where there is one, and what was expected."""


class Sentence(NamedTuple):
    """A sentence; its id is shared by the languages."""

    id: str
    text: str


Sides = tuple[list[Sentence], list[Sentence]]
"""Sentences of a language, and the English ones that say the same, with the same ids."""


# --- the workflow's files -------------------------------------------------------------------------------------


def number_sentences(texts: Sequence[str]) -> list[Sentence]:
    """Makes sentences whose ids are the numbers of their lines, from 1."""
    return [Sentence(f"line-{number:06d}", text) for number, text in enumerate(texts, start=1)]


def write_sentences(sentences: Sequence[Sentence], path: str | os.PathLike[str]) -> None:
    """Writes sentences as parquet with the columns id and text."""
    table = pa.Table.from_pylist([each._asdict() for each in sentences], schema=SENTENCE_SCHEMA)
    with atomic_write(path) as partial:
        pq.write_table(table, partial)


def read_sentences(path: str | os.PathLike[str]) -> list[Sentence]:
    """Reads what `write_sentences` wrote."""
    return [Sentence(**row) for row in pq.read_table(path, schema=SENTENCE_SCHEMA).to_pylist()]


def read_sides(languages: Sequence[str], paths: Sequence[str | os.PathLike[str]], pairwise: bool) -> dict[str, Sides]:
    """Reads the sentences of every language but English, each with the English ones that say the same.

    `paths` has a file a language; pairwise, English is none of them, and as many files of English sides come after.
    """
    read = [read_sentences(path) for path in paths]
    if pairwise:
        return dict(zip(languages, zip(read[: len(languages)], read[len(languages) :], strict=True), strict=True))
    by_language = dict(zip(languages, read, strict=True))
    return {language: (own, by_language[ENGLISH]) for language, own in by_language.items() if language != ENGLISH}


def find_language(path: str | os.PathLike[str]) -> str:
    """The language of the sentences in such a file, by its name."""
    name = Path(path).stem
    return ENGLISH if name.startswith(ENGLISH_FOR) else name


# --- files that people bring ----------------------------------------------------------------------------------


def read_aligned(files: Mapping[str, str | os.PathLike[str]], limit: int | None = None) -> dict[str, list[Sentence]]:
    """Reads line-aligned files; sentences of one line have the same id in every language.

    A sentence that is there twice has two right answers, of which one would count as wrong. So a line that repeats an
    earlier one in some language is left out in all; the log says how many. Spaces at both ends do not count.

    Args:
        files: of each language, .txt or .txt.gz in UTF-8, a sentence a line.
        limit: at most so many lines that are left.

    Raises:
        RetrievalDataError: files have different numbers of lines, a line is empty, or fewer than two are left.
        DataError: a file is not UTF-8 or damaged.
    """
    return _align(files, {language: read_lines(path) for language, path in files.items()}, limit)


def read_paired(
    files: Sequence[str | os.PathLike[str]], columns: Mapping[str, str], language: str, limit: int | None = None
) -> Sides:
    """Reads sentences of a language and the English ones that say the same, as `read_aligned` does, errors included.

    Args:
        files: both, a sentence a line; or one folder of parquet files whose rows have both.
        columns: of rows: what text and english are called.
        language: of the sentences.
        limit: as in `read_aligned`.
    """
    sides = {language: "text", ENGLISH: "english"}
    if Path(files[0]).is_dir():
        rows = [row for _, row in read_rows(files[0], columns.values())]
        texts = {each: [str(row[columns[side]] or "") for row in rows] for each, side in sides.items()}
        aligned = _align(dict.fromkeys(sides, files[0]), texts, limit)
    else:
        aligned = read_aligned(dict(zip(sides, files, strict=True)), limit)
    return aligned[language], aligned[ENGLISH]


def _align(
    files: Mapping[str, str | os.PathLike[str]], lines: Mapping[str, Iterable[str]], limit: int | None
) -> dict[str, list[Sentence]]:
    """The sentences of each language out of the lines of its file, as `read_aligned` returns them."""
    texts = {language: [line.strip() for line in own] for language, own in lines.items()}
    first = next(iter(texts))
    for language, own in texts.items():
        if len(own) != len(texts[first]):
            raise RetrievalDataError(
                f"{files[language]} has {len(own)} lines and {files[first]} has {len(texts[first])}; expected aligned"
                " files, line i saying the same in every language: add or remove what is missing or too much"
            )
        if blank := [number for number, line in enumerate(own, start=1) if is_blank(line)]:
            raise RetrievalDataError(
                f"{files[language]}:{blank[0]} is empty; expected a sentence on every line: write it, or remove the"
                " line in every language"
            )
        if repeated := len(own) - len(set(own)):
            log.info("retrieval: lines in %s that repeat an earlier one: %d", language, repeated)
    rows, seen = [], set[tuple[str, str]]()
    for row, line in enumerate(zip(*texts.values(), strict=True)):
        translations = set(zip(texts, line, strict=True))
        if not translations & seen:
            rows.append(row)
            seen |= translations
    if left_out := len(texts[first]) - len(rows):
        message = (
            "retrieval: %d of %d lines repeat an earlier one in some language and are left out in all, %d are left"
        )
        log.warning(message, left_out, len(texts[first]), len(rows))
    if len(rows) < 2:
        raise RetrievalDataError(
            f"{Path(files[first]).parent} has {len(rows)} different lines in all languages; expected at least two"
        )
    sentences = {language: number_sentences(own) for language, own in texts.items()}
    return {language: [own[row] for row in rows[:limit]] for language, own in sentences.items()}
