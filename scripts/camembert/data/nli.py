"""Inference data: pairs of sentences with a label, and the parquet files that the workflow keeps them in."""

from __future__ import annotations

import os
import random
from collections.abc import Iterable
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from camembert.core.files import atomic_write

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
    with atomic_write(path) as partial:
        pq.write_table(
            pa.table([pa.array(c, f.type) for c, f in zip(columns, SCHEMA, strict=True)], schema=SCHEMA), partial
        )


def read_pairs(path: str | os.PathLike[str]) -> list[Pair]:
    """Reads what `write_pairs` wrote."""
    table = pq.read_table(path, schema=SCHEMA)
    return [Pair(*row) for row in zip(*(table[name].to_pylist() for name in Pair._fields), strict=True)]


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
