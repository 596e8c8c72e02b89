"""Records of a file, one after another, in whatever form people keep them.

Parquet, the form of the hub, is read as a stream with `datasets`, which knows its features. Fields of JSON, CSV and
tab-separated lines are taken out of their lines here, since its other readers guess: JSON texts such as "2020-01-01
00:00:00" become dates, a CSV row with a field too many loses its first, one with a field too few is filled up, and
none says which line was wrong.
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
from glob import escape
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from datasets import ClassLabel, config, disable_progress_bars, load_dataset
from datasets.utils.logging import CRITICAL, set_verbosity

from camembert.plan.sources import refuse_pointer

log = logging.getLogger(__name__)

ROWS_AT_ONCE = 1000
MANY = 10
"""Columns of a file that errors no longer name one by one."""
Record = dict[str, Any]
Rows = Iterator[tuple[str, Record]]
Only = Mapping[str, str]

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


def is_blank(text: str) -> bool:
    """Whether a text shows nothing: no character but spaces and invisible ones."""
    return not any(letter.isprintable() and not letter.isspace() for letter in text)


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
        _check_columns(where, row, only)
        if _passes(row, only):
            _check_columns(where, row, columns)
            yield where, _whole(where, {name: row[name] for name in columns})


def _separated(path: Path, columns: Collection[str], header: Sequence[str] | None, only: Only) -> Rows:
    tabs = is_tab_separated(path)
    by, mark = ("tab", "\t") if tabs else ("comma", ",")
    rows = _csv(path, mark) if not tabs or quoted_fields(path) else _unquoted(path)
    first = next(rows, None)
    if first is None:
        raise DataError(f"{path} is empty; expected rows of {', '.join(header or columns)}, {by}-separated")
    if header is None:
        names = first[1]
        _check_columns(f"{path}:{first[0]}", names, [*columns, *only])
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


def _unquoted(path: Path) -> Iterator[tuple[int, list[str]]]:
    yield from enumerate((line.split("\t") for line in lines(path)), start=1)


def _csv(path: Path, by: str) -> Iterator[tuple[int, list[str]]]:
    """The rows of a file of CSV with the numbers of their last lines."""
    reader = csv.reader((line + "\n" for line in lines(path)), delimiter=by, strict=True)
    try:
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise DataError(f"{path}:{reader.line_num} is not CSV ({error}); correct it") from None


def _parquet(path: Path, columns: Collection[str], header: Sequence[str] | None, only: Only) -> Rows:
    refuse_pointer(path)
    wanted = list(dict.fromkeys([*columns, *only]))
    settings = {"columns": wanted, "batch_size": ROWS_AT_ONCE, "split": "train", "streaming": True}
    try:
        _check_columns(str(path), pq.read_schema(path).names, wanted)
        with TemporaryDirectory(prefix="camembert-") as cache:  # what the library keeps beside the file goes with it
            dataset = load_dataset("parquet", data_files=[escape(str(path.absolute()))], cache_dir=cache, **settings)
            tables = dataset.with_format("arrow").iter(ROWS_AT_ONCE)
            for number, row in enumerate((row for table in tables for row in table.to_pylist()), start=1):
                named = {name: _named(value, dataset.features[name]) for name, value in row.items()}
                if _passes(named, only):
                    yield f"{path}: row {number}", {name: named[name] for name in columns}
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is no whole parquet file ({error}); copy or download it again") from None


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


# --- quotes of tab-separated files ----------------------------------------------------------------------------


def is_tab_separated(path: Path) -> bool:
    """Whether a file is read as tab-separated, by its name."""
    return _form(path) in (".tsv", ".txt")


@cache
def quoted_fields(path: Path) -> int:
    """How many fields of a tab-separated file a CSV writer quoted; 0 where quotes are text. The log says it once.

    A CSV writer wrote a file if one would write every field as it is: it quotes a field because of what is in it, and
    doubles the quotes inside. People and other programs let quotes stand where the sentence has them.
    """
    written: list[str] = []  # lines of the row

    def noted() -> Iterator[str]:
        for line in lines(path):
            written.append(line)
            yield line + "\n"

    writers, fields = list(CSV_WRITERS), 0
    reader = csv.reader(noted(), delimiter="\t", strict=True)
    try:
        for row in reader:
            quoted = [field.startswith('"') for field in FIELD.findall("\n".join(written))]
            written.clear()
            fields += sum(quoted)
            writers = [writes for writes in writers if all(map(writes, row, quoted))]
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


# --- what the forms share -------------------------------------------------------------------------------------


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


def _check_columns(where: str, there: Collection[str], wanted: Collection[str]) -> None:
    if missing := [name for name in wanted if name not in there]:
        raise ColumnError(
            f"{where} has no column {', '.join(map(repr, missing))}, only {', '.join(map(repr, there))}; correct the"
            " file or the column's name"
        )
