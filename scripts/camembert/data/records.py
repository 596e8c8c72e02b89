"""Records of a file, one after another, in whatever form people keep them; read as a stream with `datasets`.

The library reads lines and parquet. Fields of JSON, CSV and tab-separated lines are taken out of its lines here, since
its own readers guess: JSON texts such as "2020-01-01 00:00:00" become dates, a CSV row with a field too many loses its
first, one with a field too few is filled up, and neither says which line was wrong.
"""

from __future__ import annotations

import csv
import gzip
import json
import logging
import os
import re
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from glob import escape
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
from datasets import ClassLabel, Features, IterableDataset, config, disable_progress_bars, load_dataset
from datasets.utils.logging import CRITICAL, set_verbosity

from camembert.data.quoting import quoting_of
from camembert.plan.sources import refuse_pointer

log = logging.getLogger(__name__)

ROWS_AT_ONCE = 1000
CHUNK = 2**16
"""Characters of a text file read at once."""
MANY = 10
"""Columns of a file that errors no longer name one by one."""
Record = dict[str, Any]
Rows = Iterator[tuple[str, Record]]
Only = Mapping[str, str]

SURROGATE = re.compile("[\ud800-\udfff]")
"""A character that UTF-8 cannot write; JSON may hold one as an escape."""

csv.field_size_limit(2**31 - 1)  # a field may be a whole document
config.TORCH_AVAILABLE = False  # or every stream imports torch, to be shared with its data loaders
disable_progress_bars()
set_verbosity(CRITICAL)  # what is wrong is said by the errors below


class DataError(ValueError):
    """Data that cannot be read, with the file, the line or row where there is one, and what was expected."""


class ColumnError(DataError):
    """A column that a file, or a row of it, does not have."""


def lines(path: str | os.PathLike[str]) -> Iterator[str]:
    """Reads a file of text line by line, without line ends and without a byte-order mark; `.gz` is unpacked.

    Raises:
        DataError: the file is missing, not UTF-8, or no whole gzip file.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"{path} does not exist; expected a file of text in UTF-8")
    refuse_pointer(path)
    try:
        with _opened("text", path, chunksize=CHUNK) as dataset:
            tables = dataset.with_format("arrow").iter(ROWS_AT_ONCE)
            found = (line for table in tables for line in table.column(0).to_pylist())
            for first in found:
                yield first.removeprefix("\ufeff")
                yield from found
    except UnicodeDecodeError as error:
        number, reason = _undecodable(path) or ("?", error)
        raise DataError(f"{path}:{number} is not UTF-8 ({reason}); convert the file, for instance with iconv") from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path} is not a whole gzip file ({error}); copy it again") from None


def _undecodable(path: Path) -> tuple[int, UnicodeDecodeError] | None:
    """The number of the first line that is not UTF-8, and why."""
    with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                return number, error
    return None


def is_blank(text: str) -> bool:
    """Whether a text shows nothing: no character but spaces and invisible ones."""
    return not any(letter.isprintable() and not letter.isspace() for letter in text)


def texts(path: str | os.PathLike[str], column: str) -> Iterator[str]:
    """Reads the texts of one column of a parquet file; rows without one are left out.

    Raises:
        DataError: the file is damaged, or the column is missing or holds something else.
    """
    with _parquet_columns(Path(path), [column]) as (features, tables):
        if _kind(features[column]) not in ("string", "large_string"):
            raise DataError(f"{path} has {_kind(features[column])} in the column {column!r}; expected strings")
        for table in tables:
            yield from (text for text in table.column(0).to_pylist() if text is not None)


def records(
    path: str | os.PathLike[str],
    columns: Collection[str],
    header: Sequence[str] | None = None,
    only: Mapping[str, str] | None = None,
) -> Iterator[tuple[str, Record]]:
    """Reads some columns of a file, row by row.

    Args:
        path: .jsonl or .json (an object a line), .csv, .tsv or .txt (tab-separated; with quoting where a CSV writer
            wrote it), .parquet; all but the last also with .gz.
        columns: that are wanted.
        header: names of the columns of a .csv or .tsv file without a line that names them.
        only: the values that rows have in these columns; nothing else of other rows is looked at.

    Yields:
        Where the row is, as errors name it (``FILE:LINE`` or ``FILE: row N``), and the row. Fields of .csv and .tsv
        are texts; a `ClassLabel` is its name, or -1 where there is none.

    Raises:
        DataError: the file is missing, damaged or of another form.
        ColumnError: the file or a row lacks a column.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"{path} does not exist; expected a file of rows")
    form = _form(path)
    if form not in READERS:
        raise DataError(f"{path} is of no known form; expected a name that ends in {', '.join(READERS)}")
    yield from READERS[form](path, columns, header, only or {})


def _form(path: Path) -> str:
    return path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix


# --- the forms ------------------------------------------------------------------------------------------------


def _json_lines(path: Path, columns: Collection[str], header: Sequence[str] | None, only: Only) -> Rows:
    for number, line in enumerate(lines(path), start=1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        try:
            row = json.loads(line)
        except ValueError as error:
            raise DataError(f"{where} is not JSON ({error}); expected an object a line") from None
        if not isinstance(row, dict):
            raise DataError(f"{where} is {type(row).__name__}, not an object; expected an object a line")
        if _passes(_wanted(where, row, only), only):
            yield where, _whole(where, _wanted(where, row, columns))


def _separated(path: Path, columns: Collection[str], header: Sequence[str] | None, only: Only) -> Rows:
    rows_are_csv = not is_tab_separated(path)
    rows = _quoted(path, ",") if rows_are_csv else _tab_separated(path)
    by = "comma" if rows_are_csv else "tab"
    first = next(rows, None)
    if first is None:
        raise DataError(f"{path} is empty; expected rows of {', '.join(header or columns)}, {by}-separated")
    if header is None:
        names = first[1]
        _wanted(f"{path}:{first[0]}", dict.fromkeys(names), [*columns, *only])
    else:
        names, rows = list(header), chain([first], rows)
    for number, row in rows:
        named = dict(zip(names, row, strict=False))
        if only.keys() <= named.keys() and not _passes(named, only):
            continue
        if len(row) != len(names):
            expected = ", ".join(map(repr, names)) if len(names) < MANY else f"{len(names)}, as in its header"
            raise ColumnError(f"{path}:{number} has {len(row)} {by}-separated columns; expected {expected}")
        yield f"{path}:{number}", {name: named[name] for name in columns}


def is_tab_separated(path: Path) -> bool:
    """Whether a file is read as tab-separated, by its name."""
    return _form(path) in (".tsv", ".txt")


def quoted_fields(path: str | os.PathLike[str]) -> int:
    """How many fields of a tab-separated file a CSV writer quoted; 0 where quotes are text. The log says it once."""
    facts = os.stat(path)
    return _quoted_fields(Path(path), facts.st_mtime_ns, facts.st_size)


@cache
def _quoted_fields(path: Path, changed: int, size: int) -> int:
    quoting = quoting_of(lines(path))
    if quoting.fields:
        log.info("%s: %d fields are quoted as a CSV writer does it, and were unquoted", path, quoting.fields)
    elif quoting.against:
        log.info("%s: quotes are text, since no CSV writer writes line %d as it is", path, quoting.against)
    return quoting.fields


def _tab_separated(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Rows with the numbers of their lines; whether quotes are text or a CSV writer's is decided for the whole file."""
    if quoted_fields(path):
        yield from _quoted(path, "\t")
    else:
        yield from enumerate((line.split("\t") for line in lines(path)), start=1)


def _quoted(path: Path, by: str) -> Iterator[tuple[int, list[str]]]:
    """The rows of a CSV file with the numbers of their last lines."""
    reader = csv.reader((line + "\n" for line in lines(path)), delimiter=by, strict=True)
    try:
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise DataError(f"{path}:{reader.line_num} is not CSV ({error}); correct it") from None


def _parquet(path: Path, columns: Collection[str], header: Sequence[str] | None, only: Only) -> Rows:
    with _parquet_columns(path, dict.fromkeys([*columns, *only])) as (features, tables):
        rows = (row for table in tables for row in table.to_pylist())
        for number, row in enumerate(rows, start=1):
            named = {key: _named(value, features[key]) for key, value in row.items()}
            if _passes(named, only):
                yield f"{path}: row {number}", {name: named[name] for name in columns}


@contextmanager
def _parquet_columns(path: Path, columns: Collection[str]) -> Iterator[tuple[Features, Iterator[pa.Table]]]:
    """The types of some columns of a file, and its rows as tables."""
    refuse_pointer(path)
    try:
        with _opened("parquet", path, columns=list(columns), batch_size=ROWS_AT_ONCE) as dataset:
            if missing := set(columns) - set(dataset.features):
                with _opened("parquet", path) as whole:
                    shown = ", ".join(f"{name!r} ({_kind(feature)})" for name, feature in whole.features.items())
                raise _no_column(str(path), sorted(missing), shown)
            yield dataset.features, dataset.with_format("arrow").iter(ROWS_AT_ONCE)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is no whole parquet file ({error}); copy or download it again") from None


def _kind(feature: object) -> str:
    return str(getattr(feature, "dtype", "nested"))


def _named(value: Any, feature: Any) -> Any:
    known = isinstance(feature, ClassLabel) and value is not None and 0 <= value < feature.num_classes
    return feature.names[value] if known else value


READERS: dict[str, Callable[[Path, Collection[str], Sequence[str] | None, Only], Rows]] = {
    ".parquet": _parquet,
    ".jsonl": _json_lines,
    ".json": _json_lines,
    ".csv": _separated,
    ".tsv": _separated,
    ".txt": _separated,
}


# --- what they share ------------------------------------------------------------------------------------------


def _passes(row: Record, only: Only) -> bool:
    return all(str(row[name]) == value for name, value in only.items())


def _whole(where: str, row: Record) -> Record:
    """The row, none of whose texts holds half of a character."""
    for name, value in row.items():
        if isinstance(value, str) and (half := SURROGATE.search(value)):
            raise DataError(
                f"{where} has {half[0]!a} in the field {name!r}, which is half of a character (a lone surrogate); write"
                " the whole character, or take it out"
            )
    return row


def _wanted(where: str, row: Record, columns: Collection[str]) -> Record:
    missing = [name for name in columns if name not in row]
    if missing:
        raise _no_column(where, missing, ", ".join(map(repr, row)))
    return {name: row[name] for name in columns}


def _no_column(where: str, missing: Sequence[str], shown: str) -> ColumnError:
    return ColumnError(
        f"{where} has no column {', '.join(map(repr, missing))}, only {shown}; correct the file or the column's name"
    )


@contextmanager
def _opened(kind: str, path: Path, **settings: Any) -> Iterator[IterableDataset]:
    """The rows of one file as a stream; what the library keeps beside it goes with it."""
    with TemporaryDirectory(prefix="camembert-") as cache:
        files = [escape(str(path.absolute()))]
        yield load_dataset(kind, data_files=files, split="train", streaming=True, cache_dir=cache, **settings)
