"""Running text in the formats people have it in, read as a stream of documents."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from camembert.data.records import DataError, lines, records

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
    counts = Counter() if left_out is None else left_out
    number = -skip
    for text in (text.strip() for path in files for text in _read(Path(path), column, rows or {})):
        if text:
            if number >= 0 and number in without:
                counts["evaluated"] += 1
            elif number >= 0:
                yield text
            number += 1
            if number == limit:
                return
        elif parallel:
            raise DataError(
                f"document {number + skip + 1} of {', '.join(map(str, files))} is empty, expected text, as it is"
                " parallel to other languages; take it out of all of them, or set parallel: false"
            )
        else:
            counts["empty"] += 1


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
    else:
        for where, row in records(path, [column], only=rows):
            if not isinstance(row[column], str | None):
                raise DataError(f"{where} has {json.dumps(row[column])} in the field {column!r}; expected a text")
            yield row[column] or ""
