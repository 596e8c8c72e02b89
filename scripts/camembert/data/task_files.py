"""A task's examples out of the files that people have: which columns, labels and rows is what a preset says.

The presets are experiments/tasks/*.yaml; a folder and the hub's data sets are read alike.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from camembert.data.records import ColumnError, DataError, Record, is_blank, records
from camembert.data.tasks import Example, TaskError, aligned, check_labels, halve, hold_out
from camembert.plan.sources import ENGLISH, FOUND, in_language, layout_of, locale_of

log = logging.getLogger(__name__)

UNLABELLED = ("-1", "-")
"""An example whose annotators did not agree, in the hub's data sets and in the files of MultiNLI and XNLI."""
FLOAT = re.compile(r"[-+]?(\d+\.\d*|\.\d+)([eE][-+]?\d+)?")
SHOWN = 8
FEWEST = 20
"""Training examples out of which dev, and maybe test, can be taken."""
Raw = tuple[str, Record]
"""Where a row is, and its columns."""
Files = Mapping[str, Mapping[str, Sequence[Path]]]
"""Files by split and language."""
Splits = dict[str, dict[str, list[Example]]]
"""Examples by split and language."""


@dataclass(frozen=True)
class Preset:
    """What a config says of a task's files: see `plan.keys.Task`."""

    header: Sequence[str] | None
    columns: Mapping[str, str | None]
    split_columns: Mapping[str, Mapping[str, str | None]]
    split_header: Mapping[str, Sequence[str] | None]
    labels: Sequence[str] | str
    label_names: Mapping[str, str]
    no_text: Collection[str]
    locales: Mapping[str, str]
    filter: Mapping[str, Mapping[str, str | int]]
    parallel: bool

    def of(self, split: str) -> Preset:
        """What it says of the files of one split."""
        header, columns = layout_of(vars(self), split)
        return replace(self, header=header, columns=columns)


class Task(NamedTuple):
    """A task as it was read.

    Attributes:
        splits: examples by split and language.
        labels: their names.
        counts: by split and language, how many rows became examples (`kept`), and how many did not, and why.
    """

    splits: Splits
    labels: list[str]
    counts: dict[str, dict[str, dict[str, int]]]


def read_task(files: Mapping[str, Mapping[str, Sequence[Path]]], preset: Preset, train_limit: int | None) -> Task:
    """Reads training examples, and dev and test examples of every language.

    Args:
        files: by split (train, and maybe dev and test) and language; those of train are the languages with labels.
        preset: what they hold.
        train_limit: at most so many training examples a language.

    Returns:
        The task. Without dev files, a fifth of the training examples becomes dev; without test files, half of dev
        becomes the test set.

    Raises:
        DataError: a file cannot be read, a row is wrong, or there are none.
        TaskError: languages are not parallel though the preset says so, or the labels are no labels.
    """
    of_train = preset.of("train")
    rows = {language: list(_rows(paths, of_train, "train", language)) for language, paths in files["train"].items()}
    labels = check_labels(_found(rows.values(), of_train) if preset.labels == FOUND else preset.labels)
    if preset.labels == FOUND:
        _refuse_one_each(labels, sum(map(len, rows.values())))
    splits: Splits = {}
    counts = {}
    for split, paths in files.items():
        where, own = str(next(iter(paths.values()))[0].parent), preset.of(split)
        read = {
            language: _examples(
                rows[language] if split == "train" else _rows(each, own, split, language), own, labels, split
            )
            for language, each in paths.items()
        }
        together = preset.parallel and split != "train"
        if together:
            _leave_out_together(read)
        counts[split] = {language: _counted(each, where, split, language) for language, each in read.items()}
        examples = {language: each.examples for language, each in read.items()}
        splits[split] = aligned(split, examples, where) if together else examples
    if "dev" not in splits:
        splits |= _held_out(splits["train"], str(next(iter(files["train"].values()))[0]))
    splits["train"] = {language: own[:train_limit] for language, own in splits["train"].items()}
    if "test" not in splits:
        splits |= _halved(splits["dev"], preset.parallel)
    return Task(splits, labels, counts)


def _rows(paths: Sequence[Path], preset: Preset, split: str, language: str) -> Iterator[Raw]:
    """The rows of one split and language that pass the filter."""
    only = {
        column: in_language(str(value), locale_of(preset.locales, language))
        for column, value in preset.filter[split].items()
    }
    columns = dict.fromkeys(name for name in preset.columns.values() if name)
    try:
        for path in paths:
            yield from records(path, columns, preset.header, only)
    except ColumnError as error:
        if split != "test":
            raise
        raise ColumnError(f"{error}; without test labels set data.task.split_dev: true") from None


@dataclass
class _Read:
    """The examples of one split and language, and which rows are none: how many without a label, which without text."""

    examples: list[Example]
    unlabelled: int
    textless: set[str]


def _examples(rows: Iterable[Raw], preset: Preset, labels: list[str], split: str) -> _Read:
    """Examples out of rows."""
    names = preset.columns
    number_of = {name: number for number, name in enumerate(labels)}
    clusters: dict[Any, int] = {}
    seen: dict[str, str] = {}
    read = _Read([], 0, set())
    for number, (place, row) in enumerate(rows, start=1):
        own = f"{split}-{row[names['id']]}" if names["id"] else f"{split}-{number:06d}"
        if own in seen:
            raise DataError(f"{place} repeats the id {row[str(names['id'])]!r} of {seen[own]}; expected every id once")
        seen[own] = place
        texts = _texts(row, preset, place)
        if texts is None:
            read.textless.add(own)
            continue
        label = _label(row, preset, place)
        if label in UNLABELLED and label not in number_of:
            read.unlabelled += 1
            continue
        cluster = clusters.setdefault(row[names["cluster"]], len(clusters)) if names["cluster"] else None
        read.examples.append(Example(own, *texts, _number(label, labels, number_of, place, preset), cluster))
    return read


def _texts(row: Record, preset: Preset, place: str) -> tuple[str, str | None] | None:
    """The text and the second one of a pair; None if one says nothing, so that the row is no example."""
    names = preset.columns
    text, pair = (row[name] if name else None for name in (names["text"], names["text_pair"]))
    if not isinstance(text, str) or not isinstance(pair, str if names["text_pair"] else type(None)):
        shown = json.dumps(row, ensure_ascii=False, default=str)
        raise DataError(f"{place} is {shown}; expected text in {names['text']} {names['text_pair'] or ''}".rstrip())
    said = [each for each in (text, pair) if each is not None]
    return None if any(is_blank(each) or each.strip() in preset.no_text for each in said) else (text, pair)


def _leave_out_together(read: Mapping[str, _Read]) -> None:
    """Leaves the rows that lack a text in one language out of all of them, in place."""
    textless = set[str]().union(*(each.textless for each in read.values()))
    for each in read.values():
        each.textless |= {example.id for example in each.examples} & textless
        each.examples = [example for example in each.examples if example.id not in textless]


def _counted(read: _Read, where: str, split: str, language: str) -> dict[str, int]:
    """How many rows are examples and how many are not, said in the log where some are not.

    Raises:
        DataError: none is.
    """
    kept, left_out = len(read.examples), {"without a label": read.unlabelled, "without text": len(read.textless)}
    for why, number in left_out.items():
        if number:
            log.info("%s, %s, %s: %d examples %s are left out, %d are kept", where, split, language, number, why, kept)
    if not kept:
        raise DataError(
            f"{where} has no labelled {split} examples in {language}; check data.task.files, filter and locales"
        )
    return {"kept": kept} | left_out


def _label(row: Record, preset: Preset, place: str) -> str:
    """The name of a row's label, or its number as text."""
    value = row[str(preset.columns["label"])]
    if (name := preset.label_names.get(str(value))) is not None:
        return name
    if isinstance(value, float) or value is None or FLOAT.fullmatch(str(value)):
        raise DataError(
            f"{place} has label {json.dumps(value, ensure_ascii=False)}; expected a name or a whole number: check"
            " data.task.columns.label"
        )
    return str(value)


def _number(label: str, labels: list[str], number_of: Mapping[str, int], place: str, preset: Preset) -> int:
    """The number of a label that is named, or numbered in the order of the names."""
    if label in number_of:
        return number_of[label]
    if preset.labels != FOUND and label.isdecimal() and int(label) < len(labels):
        return int(label)
    whose = "a label of the training examples" if preset.labels == FOUND else "one of data.task.labels"
    shown = ", ".join(map(repr, labels[:SHOWN])) + (f" and {len(labels) - SHOWN} more" if len(labels) > SHOWN else "")
    raise DataError(f"{place} has label {label!r}; expected {whose}: {shown}")


def _found(rows: Iterable[Sequence[Raw]], preset: Preset) -> list[str]:
    """The labels of the training examples, in alphabetical order or that of their numbers."""
    labels = {_label(row, preset, place) for own in rows for place, row in own if _texts(row, preset, place)}
    labels -= set(UNLABELLED)
    return sorted(labels, key=lambda label: (int(label), "") if label.isdecimal() else (-1, label))


def _refuse_one_each(labels: Sequence[str], examples: int) -> None:
    """Refuses labels, more than two, of which none has two examples: an id, or a text, was taken for the label."""
    if examples <= len(labels) > 2:
        raise TaskError(
            f"{examples} training examples have {len(labels)} labels, such as {labels[0]!r}, expected several of each;"
            " check data.task.columns.label"
        )


def _held_out(train: dict[str, list[Example]], where: str) -> Splits:
    """Train and dev out of train.

    Raises:
        DataError: too few for a dev and a test set.
    """
    if few := [len(rows) for rows in train.values() if len(rows) < FEWEST]:
        raise DataError(
            f"{where} has {few[0]} examples, expected at least {FEWEST} where dev is taken out of them"
            " (data.task.files.dev: null); bring more, or a dev file"
        )
    split = {language: hold_out(rows) for language, rows in train.items()}
    log.info("%s: %d examples are held out for dev", where, sum(len(held_out) for _, held_out in split.values()))
    return {
        "train": {language: left for language, (left, _) in split.items()},
        "dev": {language: held_out for language, (_, held_out) in split.items()},
    }


def _halved(dev: dict[str, list[Example]], parallel: bool) -> Splits:
    """Dev and test out of dev: the same rows in every language where they are parallel."""
    shared = halve(dev.get(ENGLISH) or next(iter(dev.values()))) if parallel else None
    halves = {language: shared or halve(rows) for language, rows in dev.items()}
    return {
        split: {language: [dev[language][row] for row in halves[language][half]] for language in dev}
        for half, split in enumerate(("dev", "test"))
    }
