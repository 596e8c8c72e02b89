"""Running text in the formats people have it in, read as a stream of documents."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from camembert.data.records import DataError, lines, records, texts

T = TypeVar("T")

COLUMN = "text"
"""Of parquet files and JSON lines, as in wikimedia/wikipedia."""


def read_documents(
    files: Sequence[str | os.PathLike[str]],
    limit: int | None = None,
    skip: int = 0,
    column: str = COLUMN,
    rows: Mapping[str, str] | None = None,
    parallel: bool = False,
    without: Collection[int] = (),
    left_out: Counter[str] | None = None,
) -> Iterator[str]:
    """Reads documents one after another, without empty ones; never a whole file at once.

    Args:
        files: .txt and .txt.gz (a line a document), or any form of `records` (a row a document); of a folder, its
            parquet files.
        limit: at most so many documents.
        skip: so many documents before those are passed over.
        column: that holds the text, in files of rows.
        rows: the values that rows have in other columns; other rows are left out.
        parallel: document i of other languages says the same, so that an empty one is a mistake.
        without: numbers, from 0, of documents that are left out of those that would be read.
        left_out: counts, while documents are read, those that are not given: `empty`, `evaluated` (of `without`).

    Raises:
        DataError: a file is missing, damaged, not UTF-8 or of another form; an empty document of parallel text.
    """
    documents = (text.strip() for path in files for text in _read(Path(path), column, rows or {}))
    counts = Counter() if left_out is None else left_out
    kept = _none_empty(documents, files) if parallel else _counting("empty", documents, bool, counts)
    numbered = enumerate(islice(kept, skip, None if limit is None else skip + limit))
    wanted = _counting("evaluated", numbered, lambda each: each[0] not in without, counts) if without else numbered
    return (text for _, text in wanted)


def _counting(why: str, items: Iterable[T], keep: Callable[[T], bool], counts: Counter[str]) -> Iterator[T]:
    """The items to be kept; counts the others."""
    for item in items:
        if keep(item):
            yield item
        else:
            counts[why] += 1


def _none_empty(documents: Iterable[str], files: Sequence[str | os.PathLike[str]]) -> Iterator[str]:
    for number, text in enumerate(documents, start=1):
        if not text:
            raise DataError(
                f"document {number} of {', '.join(map(str, files))} is empty, expected text, as it is parallel to other"
                " languages; take it out of all of them, or set parallel: false"
            )
        yield text


@dataclass(frozen=True)
class Documents:
    """The documents of several sources one after another, read anew whenever they are gone through; none is kept.

    Attributes:
        sources: files, and how they are read: the other arguments of `read_documents`.
    """

    sources: Sequence[tuple[Sequence[str | os.PathLike[str]], Mapping[str, Any]]]

    def __iter__(self) -> Iterator[str]:
        for files, reading in self.sources:
            yield from read_documents(files, **reading)


def _read(path: Path, column: str, rows: Mapping[str, str]) -> Iterator[str]:
    if path.is_dir():
        for part in sorted(path.rglob("*.parquet")):
            yield from _read(part, column, rows)
    elif path.name.endswith((".txt", ".txt.gz")):
        yield from lines(path)
    elif path.suffix == ".parquet" and not rows:
        yield from texts(path, column)
    else:
        for where, row in records(path, [column], only=rows):
            if not isinstance(row[column], str):
                raise DataError(f"{where} has {json.dumps(row[column])} in the field {column!r}; expected a text")
            yield row[column]
