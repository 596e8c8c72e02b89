"""XTREME's quoting: its script writes tab-separated files with a CSV writer, where people expect none."""

from __future__ import annotations

import logging
import re
from pathlib import Path

log = logging.getLogger(__name__)

QUOTED = re.compile(r'"(?:[^"]|"")*"')


def unquoted(rows: list[list[str]], path: Path) -> list[list[str]]:
    """Takes off the quoting of a CSV writer, which quotes fields that hold a quotation mark.

    Such a writer doubles every mark inside a field, so a file in which any mark stands otherwise was not written by
    one and stays as it is.
    """
    marked = [field for row in rows for field in row if '"' in field]
    if not marked or not all(QUOTED.fullmatch(field) and '""' in field[1:-1] for field in marked):
        return rows
    log.info("%s: %d fields are quoted as CSV has it, and were unquoted", path, len(marked))
    return [[field[1:-1].replace('""', '"') if '"' in field else field for field in row] for row in rows]
