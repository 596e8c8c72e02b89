"""Running text in the formats people have it in, read as a stream of documents."""

from __future__ import annotations

import gzip
import json
import os
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

COLUMN = "text"
"""Of parquet files and JSON lines, as in wikimedia/wikipedia."""
ROWS_AT_ONCE = 256
UTF_8 = "utf-8-sig"
"""UTF-8, with a byte-order mark at the beginning of a file or without."""


class TextError(ValueError):
    """Text that cannot be read, with the file, the line where there is one, and what was expected."""


def read_documents(files: Iterable[str | os.PathLike[str]], limit: int | None = None) -> Iterator[str]:
    """Reads documents one after another, without empty ones; never a whole file at once.

    Args:
        files: .txt and .txt.gz (a line a document), .jsonl (an object a line, field `text`) or .parquet (column
            `text`); of a folder, its parquet files.
        limit: at most so many documents.

    Raises:
        TextError: a file is missing, damaged, not UTF-8 or of another form.
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
            yield from _parquet(part)
    elif not path.is_file():
        raise TextError(f"{path} does not exist; expected a file of text in UTF-8")
    elif path.suffix == ".parquet":
        yield from _parquet(path)
    elif path.suffix == ".jsonl":
        yield from _json_lines(path)
    else:
        yield from read_lines(path)


def read_lines(path: Path) -> Iterator[str]:
    """The lines of a file in UTF-8, compressed or not, empty ones included, with their ends.

    Raises:
        TextError: it is not UTF-8, or not a whole gzip file.
    """
    try:
        with gzip.open(path, "rt", encoding=UTF_8) if path.suffix == ".gz" else open(path, encoding=UTF_8) as lines:
            yield from lines
    except UnicodeDecodeError as error:
        raise TextError(f"{path} is not UTF-8 ({error}); convert it, for instance with iconv") from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise TextError(f"{path} is not a whole gzip file ({error}); copy it again") from None


def _json_lines(path: Path) -> Iterator[str]:
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip():
            continue
        try:
            text = json.loads(line)[COLUMN]
        except (ValueError, KeyError, TypeError):
            text = None
        if not isinstance(text, str):
            raise TextError(f'{path}:{number} is no JSON object with a text, expected {{"{COLUMN}": "..."}}')
        yield text


def _parquet(path: Path) -> Iterator[str]:
    try:
        with pq.ParquetFile(path) as file:
            columns = {field.name: field.type for field in file.schema_arrow}
            if columns.get(COLUMN) not in (pa.string(), pa.large_string()):
                shown = ", ".join(f"{name} ({kind})" for name, kind in columns.items())
                raise TextError(f"{path} has the columns {shown}; expected one named {COLUMN} that holds strings")
            for group in range(file.num_row_groups):
                for batch in file.iter_batches(ROWS_AT_ONCE, row_groups=[group], columns=[COLUMN], use_threads=False):
                    yield from (text for text in batch.column(0).to_pylist() if text is not None)
    except (pa.ArrowException, OSError) as error:
        raise TextError(f"{path} is no whole parquet file ({error}); copy or download it again") from None
