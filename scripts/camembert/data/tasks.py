"""A classification task: examples of one sentence or of two, and the parquet files that the workflow keeps them in."""

from __future__ import annotations

import os
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from camembert.core.files import atomic_write

EXAMPLE_SCHEMA = pa.schema(
    {"id": pa.string(), "text": pa.string(), "text_pair": pa.string(), "label": pa.int32(), "cluster": pa.int32()}
)
DEV_SHARE = 0.2
NO_LABEL = -1
"""The label of an unlabelled example."""


class Example(NamedTuple):
    """A sentence, or a pair of them, with its label."""

    id: str  # unique in its split; where a task is parallel, translations share it
    text: str
    text_pair: str | None
    label: int  # its number, from 0, in the order of the task's label names; or `NO_LABEL`
    cluster: int | None = None  # shared by examples that were drawn together (hypotheses of one premise)


class TaskError(ValueError):
    """Task data that cannot be used, with what was found and expected."""


def write_examples(examples: Sequence[Example], path: str | os.PathLike[str]) -> None:
    """Writes examples as parquet: id, text, label, and text_pair and cluster where the examples have them."""
    table = pa.Table.from_pylist([example._asdict() for example in examples], schema=EXAMPLE_SCHEMA)
    absent = [name for name in ("text_pair", "cluster") if table[name].null_count == len(table)]
    with atomic_write(path) as partial:
        pq.write_table(table.drop_columns(absent), partial)


def read_examples(path: str | os.PathLike[str]) -> list[Example]:
    """Reads what `write_examples` wrote."""
    return [Example(**({"text_pair": None} | row)) for row in pq.read_table(path).to_pylist()]


def read_all(paths: Iterable[str | os.PathLike[str]]) -> list[Example]:
    """Reads the examples of some files one after another."""
    return [example for path in paths for example in read_examples(path)]


def read_texts(paths: Iterable[str | os.PathLike[str]]) -> Iterator[str]:
    """Reads the sentences of some files of examples, both of a pair."""
    for path in paths:
        for example in read_examples(path):
            yield from (text for text in (example.text, example.text_pair) if text is not None)


def make_unlabelled_examples(texts: Mapping[str, Iterable[str]], labelled: Iterable[str]) -> list[Example]:
    """Makes examples without a label of texts by ``LANGUAGE_CORPUS``, but for those that are labelled examples too.

    Raises:
        TaskError: nothing is left.
    """
    known = {text.strip() for text in labelled}  # as documents are read
    examples = [
        Example(f"{name}-{number:06d}", text, None, NO_LABEL)
        for name, documents in texts.items()
        for number, text in enumerate(documents, start=1)
        if text not in known
    ]
    if not examples:
        raise TaskError(
            "the corpora of finetuning.unlabelled have no sentence but those of labelled examples; add text, or set"
            " finetuning.unlabelled to []"
        )
    return examples


def find_unlabelled_languages(paths: Iterable[str | os.PathLike[str]]) -> list[str]:
    """The languages of `make_unlabelled_examples` in some files."""
    return sorted({example.id.partition("_")[0] for example in read_all(paths)})


# --- a split out of another -----------------------------------------------------------------------------------


def halve(examples: Sequence[Example]) -> tuple[list[int], list[int]]:
    """Splits rows into two halves so that no cluster, or else no first sentence, is in both: the rows of each half.

    The groups are shuffled with a fixed seed and handed to whichever half is smaller.
    """
    halves: tuple[list[int], list[int]] = ([], [])
    for group in _shuffled_groups(examples):
        halves[len(halves[0]) > len(halves[1])].extend(group)
    return sorted(halves[0]), sorted(halves[1])


def hold_out(examples: Sequence[Example]) -> tuple[list[Example], list[Example]]:
    """Splits examples into those that are left and a fifth that is held out, no cluster or first sentence in both."""
    held_out: set[int] = set()
    for group in _shuffled_groups(examples):
        if len(held_out) + len(group) <= DEV_SHARE * len(examples):
            held_out.update(group)
    left = [example for row, example in enumerate(examples) if row not in held_out]
    return left, [examples[row] for row in sorted(held_out)]


def _shuffled_groups(examples: Sequence[Example]) -> list[list[int]]:
    """Rows by their cluster, or else by their first sentence, shuffled with a fixed seed."""
    groups: dict[int | str, list[int]] = {}
    for row, example in enumerate(examples):
        groups.setdefault(example.text if example.cluster is None else example.cluster, []).append(row)
    shuffled = list(groups.values())
    random.Random(0).shuffle(shuffled)
    return shuffled
