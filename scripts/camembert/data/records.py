"""Rows of files, one after another, in whatever form people keep them.

Fields of JSON, CSV and tab-separated lines are taken out of their lines here, since the readers of libraries guess:
JSON texts such as "2020-01-01 00:00:00" become dates, a CSV row with a field too many loses its first, one with a field
too few is filled up, and none says which line was wrong.
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
from functools import cache
from itertools import islice, tee
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from camembert.data.manifest import MANIFEST
from camembert.plan.sources import refuse_pointer

log = logging.getLogger(__name__)

ROWS_AT_ONCE = 1000
MANY = 10
"""Columns of a file that errors no longer name one by one."""
TAB_SEPARATED = (".tsv", ".txt")
DOWNLOADED = (".parquet", ".jsonl", ".json", ".csv", ".tsv")
"""Forms of files that are read of a folder."""
Record = dict[str, Any]
Rows = Iterator[tuple[str, Record]]
RowFilter = Mapping[str, str]

SURROGATE = re.compile("[\ud800-\udfff]")
"""A character that UTF-8 cannot write; JSON may hold one as an escape."""
NUMBER = re.compile(r"([-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?)?|NA|NaN")
FIELD = re.compile(r'(?:^|\t)("(?:[^"]|"")*"|[^\t]*)')
"""A field of a tab-separated row, with its quotes."""
CSV_WRITERS: tuple[Callable[[str, bool], bool], ...] = (
    lambda text, quoted: quoted == any(mark in text for mark in '"\t\r\n'),  # Python, pandas, XTREME's script
    lambda text, quoted: quoted == any(mark in text for mark in '"\t\r\n,'),  # Excel
    lambda text, quoted: quoted or NUMBER.fullmatch(text) is not None,  # all but numbers
)
"""Whether a writer of CSV would write a field so."""

csv.field_size_limit(2**31 - 1)  # a field may be a whole document


class DataError(ValueError):
    """Data that cannot be read, with the file, the line or row where there is one, and what was expected."""


class ColumnError(DataError):
    """A column that a file, or a row of it, does not have."""


def read_lines(path: str | os.PathLike[str]) -> Iterator[str]:
    """Reads a file of text line by line, without line ends and without a byte-order mark; `.gz` is unpacked.

    Raises:
        DataError: the file is missing, not UTF-8, or no whole gzip file.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"{path} does not exist; expected a file of text in UTF-8")
    refuse_pointer(path)
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8-sig", errors="surrogateescape") as file:
            for number, line in enumerate(file, start=1):
                try:
                    line.encode()
                except UnicodeEncodeError as error:  # at a byte that is read as half of a character
                    raise DataError(
                        f"{path}:{number} is not UTF-8 (byte {ord(line[error.start]) - 0xDC00:#x} in position"
                        f" {error.start}); convert the file, for instance with iconv"
                    ) from None
                yield line.removesuffix("\n")
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path} is not a whole gzip file ({error}); copy it again") from None


def read_rows(
    path: str | os.PathLike[str],
    columns: Collection[str],
    header: Sequence[str] | None = None,
    only: RowFilter | None = None,
) -> Rows:
    """Reads some columns of a file, row by row.

    Args:
        path: .jsonl or .json (an object a line), .csv, .tsv or .txt (tab-separated; with quoting where a CSV writer
            wrote it), .parquet; all but the last also with .gz. Of a folder all such files but .txt.
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
    if path.is_dir():
        for part in sorted(part for part in path.rglob("*") if part.name != MANIFEST and _form(part) in DOWNLOADED):
            yield from read_rows(part, columns, header, only)
        return
    if not path.is_file():
        raise DataError(f"{path} does not exist; expected a file of rows")
    match _form(path):
        case ".parquet":
            yield from _read_parquet(path, columns, only or {})
        case ".jsonl" | ".json":
            yield from _read_json_lines(path, columns, only or {})
        case ".csv" | ".tsv" | ".txt":
            yield from _read_separated(path, columns, header, only or {})
        case _:
            forms = ".parquet, .jsonl, .json, .csv, .tsv, .txt"
            raise DataError(f"{path} is of no known form; expected a name that ends in {forms}")


def is_blank(text: str) -> bool:
    """Whether a text shows nothing: no character but spaces and invisible ones."""
    return not any(letter.isprintable() and not letter.isspace() for letter in text)


def _form(path: Path) -> str:
    return path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix


def _read_json_lines(path: Path, columns: Collection[str], only: RowFilter) -> Rows:
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        try:
            row = json.loads(line)
        except ValueError as error:
            raise DataError(f"{where} is not JSON ({error}); expected an object a line") from None
        if not isinstance(row, dict):
            raise DataError(f"{where} is {type(row).__name__}, not an object; expected an object a line")
        _check_columns(where, row, only)
        if not _passes(row, only):
            continue
        _check_columns(where, row, columns)
        for name in columns:
            if isinstance(row[name], str) and (half := SURROGATE.search(row[name])):
                raise DataError(
                    f"{where} has {half[0]!a} in the field {name!r}, which is half of a character (a lone surrogate);"
                    " write the whole character, or take it out"
                )
        yield where, {name: row[name] for name in columns}


def _read_separated(path: Path, columns: Collection[str], header: Sequence[str] | None, only: RowFilter) -> Rows:
    by, mark = ("tab", "\t") if _form(path) in TAB_SEPARATED else ("comma", ",")
    lines, names = (line + "\n" for line in read_lines(path)), header
    if by == "tab" and not count_quoted_fields(path):
        reader = csv.reader(lines, delimiter=mark, quoting=csv.QUOTE_NONE, strict=True)
    else:
        reader = csv.reader(lines, delimiter=mark, strict=True)
    try:
        for row in reader:
            row = row or [""]  # an empty line
            where = f"{path}:{reader.line_num}"  # of its last line
            if names is None:
                _check_columns(where, row, [*columns, *only])
                names = row
                continue
            named = dict(zip(names, row, strict=False))
            if only.keys() <= named.keys() and not _passes(named, only):
                continue
            if len(row) != len(names):
                expected = ", ".join(map(repr, names)) if len(names) < MANY else f"{len(names)}, as in its header"
                raise ColumnError(f"{where} has {len(row)} {by}-separated columns; expected {expected}")
            yield where, {name: named[name] for name in columns}
    except csv.Error as error:
        raise DataError(f"{path}:{reader.line_num} is not CSV ({error}); correct it") from None
    if not reader.line_num:
        raise DataError(f"{path} is empty; expected rows of {', '.join(header or columns)}, {by}-separated")


def _read_parquet(path: Path, columns: Collection[str], only: RowFilter) -> Rows:
    from datasets import ClassLabel, Features  # slow to import

    refuse_pointer(path)
    wanted = list(dict.fromkeys([*columns, *only]))
    try:
        with pq.ParquetFile(path) as file:
            _check_columns(str(path), file.schema_arrow.names, wanted)
            features = Features.from_arrow_schema(file.schema_arrow)
            names = {name: features[name].names for name in wanted if isinstance(features[name], ClassLabel)}
            rows = (row for batch in file.iter_batches(ROWS_AT_ONCE, columns=wanted) for row in batch.to_pylist())
            for number, row in enumerate(rows, start=1):
                for name, labels in names.items():
                    if row[name] is not None and 0 <= row[name] < len(labels):
                        row[name] = labels[row[name]]
                if _passes(row, only):
                    yield f"{path}: row {number}", {name: row[name] for name in columns}
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is no whole parquet file ({error}); copy or download it again") from None


def _passes(row: Record, only: RowFilter) -> bool:
    return all(str(row[name]) == value for name, value in only.items())


def _check_columns(where: str, there: Collection[str], wanted: Collection[str]) -> None:
    if missing := [name for name in wanted if name not in there]:
        raise ColumnError(
            f"{where} has no column {', '.join(map(repr, missing))}, only {', '.join(map(repr, there))}; correct the"
            " file or the column's name"
        )


# --- quotes of tab-separated files ----------------------------------------------------------------------------


@cache
def count_quoted_fields(path: Path) -> int:
    """Counts the fields of a tab-separated file that a CSV writer quoted; 0 where quotes are text, and of other forms.

    A CSV writer wrote a file if one would write every field as it is: it quotes a field because of what is in it, and
    doubles the quotes inside. People and other programs let quotes stand where the sentence has them. The log says it
    once.
    """
    if _form(path) not in TAB_SEPARATED:
        return 0
    lines, written = tee(line + "\n" for line in read_lines(path))
    reader, read = csv.reader(lines, delimiter="\t", strict=True), 0
    writers, fields = CSV_WRITERS, 0
    try:
        for row in reader:
            text = "".join(islice(written, reader.line_num - read)).removesuffix("\n")  # as the row is written
            quoted, read = [field.startswith('"') for field in FIELD.findall(text)], reader.line_num
            fields += sum(quoted)
            writers = tuple(writes for writes in writers if all(map(writes, row, quoted)))
            if not writers:
                break
        else:
            if fields:
                log.info("%s: %d fields are quoted as a CSV writer does it, and were unquoted", path, fields)
            return fields
    except csv.Error:
        pass
    log.info("%s: quotes are text, since no CSV writer writes line %d as it is", path, reader.line_num)
    return 0
