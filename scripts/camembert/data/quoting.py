"""Tab-separated files that a CSV writer wrote: their quotes are no text, whereas those of XNLI and MultiNLI are."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

NUMBER = re.compile(r"([-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?)?|NA|NaN")
Field = tuple[str, bool]
"""What a field holds, and whether it stands in quotes."""
WRITERS: tuple[Callable[[str, bool], bool], ...] = (
    lambda field, quoted: quoted == any(mark in field for mark in '"\t\r\n'),  # Python, pandas, XTREME's script
    lambda field, quoted: quoted == any(mark in field for mark in '"\t\r\n,'),  # Excel
    lambda field, quoted: quoted or NUMBER.fullmatch(field) is not None,  # all but numbers
)
"""Whether a writer of CSV would write a field so."""


@dataclass(frozen=True)
class Quoting:
    """How quotes in a file are to be read.

    Attributes:
        fields: that stand in quotes, where a CSV writer wrote the file; otherwise 0, and quotes are text.
        against: the line that no such writer writes, where quotes are text; None where there are none.
    """

    fields: int
    against: int | None = None


def quoting_of(lines: Iterable[str]) -> Quoting:
    """Finds out whether a CSV writer wrote tab-separated lines, which is so where one would write every field alike.

    Such a writer quotes a field because of what is in it, and doubles the quotes inside; people and other programs
    let quotes stand where the sentence has them.

    Args:
        lines: of the file, without their ends.
    """
    writers, fields, number = list(WRITERS), 0, 0
    pending: list[str] = []
    reader = csv.reader(_noted(lines, pending), delimiter="\t", strict=True)
    try:
        for row in reader:
            number, text = reader.line_num, "\n".join(pending)
            pending.clear()
            found = list(_as_written(row, text))
            writers = [writes for writes in writers if all(writes(*field) for field in found)]
            if not writers or len(found) < len(row):
                return Quoting(0, number)
            fields += sum(quoted for _, quoted in found)
    except csv.Error:
        return Quoting(0, reader.line_num)
    return Quoting(fields)


def _noted(lines: Iterable[str], pending: list[str]) -> Iterator[str]:
    for line in lines:
        pending.append(line)
        yield line + "\n"


def _as_written(row: list[str], text: str) -> Iterator[Field]:
    """The fields of a row as its text has them; fewer where it has them in a way that a writer has not."""
    if '"' not in text:
        yield from ((field, False) for field in row)
        return
    start = 0
    for field in row:
        for quoted, written in ((True, '"' + field.replace('"', '""') + '"'), (False, field)):
            end = start + len(written)
            if text.startswith(written, start) and text[end : end + 1] in ("", "\t"):
                yield field, quoted
                start = end + 1
                break
        else:
            return
