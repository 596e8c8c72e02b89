"""Running text in the formats people have it in, read as a stream of documents."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from camembert.data.records import DataError, lines, records, texts

COLUMN = "text"
"""Of parquet files and JSON lines, as in wikimedia/wikipedia."""


def read_documents(files: Iterable[str | os.PathLike[str]], limit: int | None = None) -> Iterator[str]:
    """Reads documents one after another, without empty ones; never a whole file at once.

    Args:
        files: .txt and .txt.gz (a line a document), .jsonl (an object a line, field `text`) or .parquet (column
            `text`); of a folder, its parquet files.
        limit: at most so many documents.

    Raises:
        DataError: a file is missing, damaged, not UTF-8 or of another form.
    """
    documents = (text.strip() for path in files for text in _read(Path(path)))
    return islice((text for text in documents if text), limit)


@dataclass(frozen=True)
class Documents:
    """The documents of several languages one after another, read anew whenever they are gone through; none is kept.

    Attributes:
        files: of each language, as `read_documents` takes them.
        limit: at most so many documents a language.
    """

    files: Sequence[Sequence[str | os.PathLike[str]]]
    limit: int | None = None

    def __iter__(self) -> Iterator[str]:
        for files in self.files:
            yield from read_documents(files, self.limit)


def _read(path: Path) -> Iterator[str]:
    if path.is_dir():
        for part in sorted(path.rglob("*.parquet")):
            yield from texts(part, COLUMN)
    elif path.suffix == ".parquet":
        yield from texts(path, COLUMN)
    elif path.suffix == ".jsonl":
        for where, row in records(path, [COLUMN]):
            if not isinstance(row[COLUMN], str):
                raise DataError(f"{where} has {json.dumps(row[COLUMN])} in the field {COLUMN}; expected a text")
            yield row[COLUMN]
    else:
        yield from lines(path)
