"""A classification task: examples of one sentence or of two, and the parquet files that the workflow keeps them in."""

from __future__ import annotations

import os
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from camembert.core.files import atomic_write

TYPES = {"id": pa.string(), "text": pa.string(), "text_pair": pa.string(), "label": pa.int32(), "cluster": pa.int32()}
OPTIONAL = ("text_pair", "cluster")
"""Columns that a file has only where its examples have them."""
NO_LABEL = -1
"""The label of an unlabelled example."""


class Example(NamedTuple):
    """One example.

    Attributes:
        id: unique in its split; where a task is parallel, translations share it.
        text: the sentence, or the first of two.
        text_pair: the second sentence, where there are two.
        label: its number, from 0, in the order of the task's label names; `NO_LABEL` where it has none.
        cluster: examples drawn together share it (hypotheses of one premise), where the task says so.
    """

    id: str
    text: str
    text_pair: str | None
    label: int
    cluster: int | None = None


class TaskError(ValueError):
    """Task data that cannot be used, with what was found and expected."""


def write_examples(examples: Sequence[Example], path: str | os.PathLike[str]) -> None:
    """Writes examples as parquet: id, text, label, and text_pair and cluster where the examples have them."""
    columns: Mapping[str, Sequence[Any]] = dict(zip(Example._fields, zip(*examples, strict=True), strict=True))
    kept = {name: pa.array(columns[name], kind) for name, kind in TYPES.items() if not _absent(name, columns[name])}
    with atomic_write(path) as partial:
        pq.write_table(pa.table(kept), partial)


def _absent(name: str, values: Sequence[Any]) -> bool:
    return name in OPTIONAL and all(value is None for value in values)


def read_examples(path: str | os.PathLike[str]) -> list[Example]:
    """Reads what `write_examples` wrote."""
    table = pq.read_table(path)
    columns = (
        table[name].to_pylist() if name in table.column_names else [None] * table.num_rows for name in Example._fields
    )
    return [Example(*row) for row in zip(*columns, strict=True)]


def read_all(paths: Iterable[str | os.PathLike[str]]) -> list[Example]:
    """The examples of some files one after another."""
    return [example for path in paths for example in read_examples(path)]


def texts_of(paths: Iterable[str | os.PathLike[str]]) -> Iterator[str]:
    """The sentences of some files of examples, both of a pair."""
    for path in paths:
        for example in read_examples(path):
            yield from (text for text in (example.text, example.text_pair) if text is not None)


def unlabelled_examples(texts: Mapping[str, Iterable[str]], labelled: Iterable[str]) -> list[Example]:
    """Makes examples without a label of running text; sentences that are labelled examples too are left out.

    Args:
        texts: by ``LANGUAGE_CORPUS``, which begins the ids.
        labelled: sentences of the labelled training examples.

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


def languages_without_labels(paths: Iterable[str | os.PathLike[str]]) -> list[str]:
    """The languages of `unlabelled_examples` in some files."""
    return sorted({example.id.partition("_")[0] for example in read_all(paths)})


def halve(examples: Sequence[Example]) -> tuple[list[int], list[int]]:
    """Splits rows into two halves so that no cluster, or else no first sentence, is in both: the rows of each half.

    The groups are shuffled with a fixed seed and handed to whichever half is smaller.
    """
    halves: tuple[list[int], list[int]] = ([], [])
    for group in _shuffled_groups(examples):
        halves[len(halves[0]) > len(halves[1])].extend(group)
    return sorted(halves[0]), sorted(halves[1])


def hold_out(examples: Sequence[Example], share: float = 0.2) -> tuple[list[Example], list[Example]]:
    """Splits examples into those that are left and a share that is held out, no cluster or first sentence in both."""
    held_out: set[int] = set()
    for group in _shuffled_groups(examples):
        if len(held_out) + len(group) <= share * len(examples):
            held_out.update(group)
    left = [example for row, example in enumerate(examples) if row not in held_out]
    return left, [examples[row] for row in sorted(held_out)]


def _shuffled_groups(examples: Sequence[Example]) -> list[list[int]]:
    """Rows by their cluster, or else by their first sentence, shuffled with a fixed seed."""
    rows_of: dict[int | str, list[int]] = {}
    for row, example in enumerate(examples):
        rows_of.setdefault(example.text if example.cluster is None else example.cluster, []).append(row)
    groups = list(rows_of.values())
    random.Random(0).shuffle(groups)
    return groups


def aligned(split: str, examples: Mapping[str, Sequence[Example]], where: str) -> dict[str, list[Example]]:
    """Puts the examples of every language in the order of the first language's, by id; clusters are the first's.

    Args:
        split: named in errors.
        examples: of each language.
        where: the folder, named in errors.

    Raises:
        TaskError: a language lacks an id of the first, has one more, or another label.
    """
    first, *others = examples
    result = {first: list(examples[first])}
    for language in others:
        own = {example.id: example for example in examples[language]}
        for example in examples[first]:
            if example.id not in own:
                raise _not_parallel(split, language, first, where, f"{example.id} is not in {language}")
            if own[example.id].label != example.label:
                raise _not_parallel(split, language, first, where, f"{example.id} has another label")
        if more := own.keys() - {example.id for example in examples[first]}:
            raise _not_parallel(split, language, first, where, f"{min(more)} is not in {first}")
        result[language] = [own[e.id]._replace(cluster=e.cluster) for e in examples[first]]
    return result


def _not_parallel(split: str, language: str, first: str, where: str, found: str) -> TaskError:
    return TaskError(
        f"the {split} examples in {language} and {first} in {where} are not parallel: {found}; expected the same ids"
        " and labels in every language: correct the files, or set data.task.parallel: false"
    )


def check_labels(labels: Iterable[str]) -> list[str]:
    """Checks the names of labels, which become columns of the predictions.

    Raises:
        TaskError: fewer than two, or one that another column of the predictions has.
    """
    names = list(labels)
    if len(names) < 2:
        raise TaskError(f"the labels are {', '.join(names) or 'none'}; expected two or more: check columns and filter")
    if taken := {"id", "label", "cluster"}.intersection(names):
        raise TaskError(f"a label is called {min(taken)}, which is a column of the predictions; rename it")
    return names
