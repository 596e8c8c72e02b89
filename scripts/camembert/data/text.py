"""Running text: read as a stream of documents, without those that are sentences of dev, test or retrieval."""

from __future__ import annotations

import json
import os
import unicodedata
from collections import Counter
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from camembert.core.files import read_json
from camembert.data.records import DataError, read_lines, read_rows
from camembert.data.retrieval import read_sentences
from camembert.data.tasks import read_texts

LONGER = 4
"""A document so many times as long as the longest sentence is not compared with any."""


class LeakError(ValueError):
    """Training text that holds sentences of an evaluation, or translations that are not aligned, with numbers."""


def read_documents(
    files: Sequence[str | os.PathLike[str]],
    limit: int | None = None,
    skip: int = 0,
    column: str = "text",
    rows: Mapping[str, str] | None = None,
    parallel: bool = False,
    without: Collection[int] = (),
    left_out: Counter[str] | None = None,
) -> Generator[str, None, None]:
    """Reads documents one after another, without empty ones; never a whole file at once.

    Whoever stops early closes the generator, since Python at its own end no longer can: see `read_sample`.

    Args:
        files: .txt and .txt.gz (a line a document), or any form of `read_rows` (a row a document); of a folder, its
            parquet files.
        limit: at most so many documents.
        skip: so many documents before those are passed over.
        column: that holds the text, in files of rows; "text" as in wikimedia/wikipedia.
        rows: the values that rows have in other columns; other rows are left out.
        parallel: document i of other languages says the same, so that an empty one is a mistake.
        without: numbers, from 0, of documents that are left out of those that would be read.
        left_out: counts, while documents are read, those that are not given: `empty`, `evaluated` (of `without`).

    Raises:
        DataError: a file is missing, damaged, not UTF-8 or of another form; an empty document of parallel text.
    """
    counts = Counter() if left_out is None else left_out
    number = -skip
    for text in (text.strip() for path in files for text in _read(Path(path), column, rows or {})):
        if not text and parallel:
            raise DataError(
                f"document {number + skip + 1} of {', '.join(map(str, files))} is empty, expected text, as it is"
                " parallel to other languages; take it out of all of them, or set parallel: false"
            )
        if not text:
            counts["empty"] += 1
            continue
        if number >= 0 and number in without:
            counts["evaluated"] += 1
        elif number >= 0:
            yield text
        number += 1
        if number == limit:
            return


def read_sample(files: Sequence[str | os.PathLike[str]], number: int, **reading: Any) -> list[str]:
    """Reads the first documents that `read_documents` gives, at most so many, and closes the files."""
    with closing(read_documents(files, **reading)) as documents:
        return list(islice(documents, number))


def _read(path: Path, column: str, rows: Mapping[str, str]) -> Iterator[str]:
    if path.name.endswith((".txt", ".txt.gz")):
        yield from read_lines(path)
    else:
        for where, row in read_rows(path, [column], only=rows):
            if not isinstance(row[column], str | None):
                raise DataError(f"{where} has {json.dumps(row[column])} in the field {column!r}; expected a text")
            yield row[column] or ""


@dataclass(frozen=True)
class TrainingDocuments:
    """The documents of several languages and corpora, read anew whenever they are gone through; none is in memory.

    Attributes:
        files: of each language and corpus, by ``LANGUAGE_CORPUS``.
        readings: how they are read: other arguments of `read_documents`, by the same.
        checked: what `check_corpus` left out of corpora, in files ``CORPUS.json``.
    """

    files: Mapping[str, Sequence[str | os.PathLike[str]]]
    readings: Mapping[str, Mapping[str, Any]]
    checked: Sequence[str | os.PathLike[str]]

    def __iter__(self) -> Iterator[str]:
        for documents in self.by_source().values():
            yield from documents

    def by_source(self) -> dict[str, Iterator[str]]:
        """The documents of each language and corpus."""
        left_out = {Path(path).stem: read_json(path) for path in self.checked}
        documents: dict[str, Iterator[str]] = {}
        for name, reading in self.readings.items():
            language, corpus = name.split("_", 1)
            without = set(left_out.get(corpus, {}).get(language, ()))
            documents[name] = read_documents(self.files[name], **reading, without=without)
        return documents


# --- sentences of evaluations ---------------------------------------------------------------------------------


def normalise(text: str) -> str:
    """A text as it is compared: Unicode's NFKC, without case, spaces as one."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def read_evaluated(
    examples: Iterable[str | os.PathLike[str]], retrieval: Iterable[str | os.PathLike[str]] = ()
) -> set[str]:
    """Reads the sentences of files of examples, both of a pair, and of files for retrieval; normalised."""
    sentences = (sentence.text for path in retrieval for sentence in read_sentences(path))
    return {normalise(text) for text in (*read_texts(examples), *sentences) if text}


def check_corpus(
    name: str,
    documents: Mapping[str, Iterable[str]],
    sentences: Mapping[str, Collection[str]],
    parallel: bool,
    overlap: str,
) -> dict[str, list[int]]:
    """Looks for sentences that are evaluated on in a corpus; finds the numbers of documents to be left out.

    Args:
        name: of the corpus.
        documents: by language.
        sentences: of dev, test and retrieval, by language, normalised.
        parallel: whether document i says the same in every language; then it is left out of all.
        overlap: "refuse" what is found, or "leave_out".

    Raises:
        LeakError: there are some and they are refused, or parallel text is not of one length.
    """
    found: dict[str, list[int]] = {}
    sizes = dict.fromkeys(documents, 0)
    for language, texts in documents.items():
        found[language], longest = [], LONGER * max(map(len, sentences[language]), default=0)
        for number, text in enumerate(texts):
            if len(text) <= longest and normalise(text) in sentences[language]:
                found[language].append(number)
            sizes[language] += 1
    if parallel and len(set(sizes.values())) > 1:
        shown = ", ".join(f"{size} documents in {language}" for language, size in sizes.items())
        raise LeakError(
            f"corpus {name} is parallel, but has {shown}; expected as many in every language: correct its files, or set"
            " its parallel: false"
        )
    leaks = {language: len(numbers) for language, numbers in found.items() if numbers}
    if leaks and overlap == "refuse":
        shown = ", ".join(f"{number} of {sizes[language]} in {language}" for language, number in leaks.items())
        raise LeakError(
            f"documents of corpus {name} are sentences of dev, test or retrieval: {shown}; take them out, or set"
            " its overlap: leave_out to train without them"
        )
    together = sorted(set().union(*found.values()))
    return dict.fromkeys(found, together) if parallel else found
