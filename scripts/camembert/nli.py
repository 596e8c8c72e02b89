"""Inference data: pairs of sentences with a label, as parquet files and in the layouts people have them in."""

from __future__ import annotations

import os
import random
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from camembert.files import whole

LABELS = ("entailment", "neutral", "contradiction")
ENTAILMENT, NEUTRAL, CONTRADICTION = range(3)
SCHEMA = pa.schema([("id", pa.string()), ("premise", pa.string()), ("hypothesis", pa.string()), ("label", pa.int8())])


class Pair(NamedTuple):
    """A premise, a hypothesis and a label (0 entailment, 1 neutral, 2 contradiction); ids are shared by languages."""

    id: str
    premise: str
    hypothesis: str
    label: int


class InferenceDataError(ValueError):
    """Inference data that cannot be used, with file, line and what was expected."""


def write_pairs(pairs: Iterable[Pair], path: str | os.PathLike[str]) -> None:
    """Writes pairs as parquet with the columns id, premise, hypothesis, label."""
    columns = list(zip(*pairs, strict=True))
    with whole(path) as partial:
        pq.write_table(
            pa.table([pa.array(c, f.type) for c, f in zip(columns, SCHEMA, strict=True)], schema=SCHEMA), partial
        )


def read_pairs(path: str | os.PathLike[str]) -> list[Pair]:
    """Reads what `write_pairs` wrote."""
    table = pq.read_table(path, schema=SCHEMA)
    return [Pair(*row) for row in zip(*(table[name].to_pylist() for name in Pair._fields), strict=True)]


def read_tsv(path: str | os.PathLike[str], split: str) -> list[Pair]:
    """Reads a file in XTREME's layout: premise TAB hypothesis TAB label, no header, no quoting, LF or CRLF.

    Args:
        path: the file.
        split: names the ids, which are numbered by line and so are shared by parallel files.

    Raises:
        InferenceDataError: no such file, not UTF-8, a line without three columns or with another label.
    """
    path = Path(path)
    if not path.is_file():
        raise InferenceDataError(
            f"{path} does not exist; expected XTREME's layout: train-en.tsv, dev-XX.tsv, test-XX.tsv"
        )
    try:
        lines = path.read_bytes().decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise InferenceDataError(
            f"{path} is not UTF-8 (byte {error.start}); convert it, for instance with iconv"
        ) from None
    if lines[-1] == "":
        lines.pop()
    if not lines:
        raise InferenceDataError(f"{path} is empty; expected lines of premise TAB hypothesis TAB label")
    pairs = []
    for number, line in enumerate(lines, start=1):
        columns = line.removesuffix("\r").split("\t")
        if len(columns) != 3:
            raise InferenceDataError(
                f"{path}:{number} has {len(columns)} tab-separated columns; expected premise, hypothesis, label"
            )
        premise, hypothesis, label = columns
        if label not in LABELS:
            raise InferenceDataError(f"{path}:{number} has label {label!r}; expected one of {', '.join(LABELS)}")
        pairs.append(Pair(f"{split}-{number:06d}", premise, hypothesis, LABELS.index(label)))
    return pairs


def halve_by_premise(english: list[Pair]) -> tuple[list[int], list[int]]:
    """Splits rows into two halves so that no premise is in both: rows of the first half, rows of the second.

    The premises are shuffled with a fixed seed and handed to whichever half is smaller.
    """
    rows_of: dict[str, list[int]] = {}
    for row, pair in enumerate(english):
        rows_of.setdefault(pair.premise, []).append(row)
    groups = list(rows_of.values())
    random.Random(0).shuffle(groups)
    halves: tuple[list[int], list[int]] = ([], [])
    for group in groups:
        halves[len(halves[0]) > len(halves[1])].extend(group)
    return sorted(halves[0]), sorted(halves[1])


def read_parallel(folder: str | os.PathLike[str], split: str, languages: Iterable[str]) -> dict[str, list[Pair]]:
    """Reads one split of every language and checks that the files are parallel.

    Raises:
        InferenceDataError: a file is missing or wrong, or has other labels than the first.
    """
    pairs = {language: read_tsv(Path(folder) / f"{split}-{language}.tsv", split) for language in languages}
    first = next(iter(pairs))
    for language, rows in pairs.items():
        if [row.label for row in rows] != [row.label for row in pairs[first]]:
            raise InferenceDataError(
                f"{split}-{language}.tsv and {split}-{first}.tsv in {folder} are not parallel ({len(rows)} and"
                f" {len(pairs[first])} rows, or other labels); expected the same pairs in the same order"
            )
    return pairs
