"""A task's examples out of the files that people have: which columns, labels and rows is what a preset says.

The presets are experiments/tasks/*.yaml; a folder and the hub's data sets are read alike.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from camembert.data.records import ColumnError, DataError, Record, records
from camembert.data.tasks import Example, aligned, check_labels, halve
from camembert.plan.sources import ENGLISH, FOUND, in_language, locale_of

log = logging.getLogger(__name__)

UNLABELLED = ("-1", "-")
"""An example whose annotators did not agree, in the hub's data sets and in the files of MultiNLI and XNLI."""
FLOAT = re.compile(r"[-+]?(\d+\.\d*|\.\d+)([eE][-+]?\d+)?")
SHOWN = 8
Raw = tuple[str, Record]
"""Where a row is, and its columns."""
Splits = dict[str, dict[str, list[Example]]]
"""Examples by split and language."""


@dataclass(frozen=True)
class Preset:
    """What a config says of a task's files: see schemas/config.schema.yaml, data.task."""

    header: Sequence[str] | None
    columns: Mapping[str, str | None]
    labels: Sequence[str] | str
    locales: Mapping[str, str]
    filter: Mapping[str, Mapping[str, str | int]]
    parallel: bool


def read_task(
    files: Mapping[str, Mapping[str, Sequence[Path]]], preset: Preset, train_limit: int | None
) -> tuple[Splits, list[str]]:
    """Reads English training examples, and dev and test examples of every language.

    Args:
        files: by split (train, dev and maybe test) and language.
        preset: what they hold.
        train_limit: at most so many training examples.

    Returns:
        Examples by split and language, and the names of the labels. Without test files, half of dev becomes the
        test set.

    Raises:
        DataError: a file cannot be read, a row is wrong, or there are none.
        TaskError: languages are not parallel though the preset says so, or the labels are no labels.
    """
    raw = list(_rows(files["train"][ENGLISH], preset, "train", ENGLISH))
    labels = check_labels(_found(raw, preset) if preset.labels == FOUND else preset.labels)
    where = {split: str(next(iter(paths.values()))[0].parent) for split, paths in files.items()}
    splits = {"train": {ENGLISH: _examples(raw, preset, labels, "train", ENGLISH, where["train"])[:train_limit]}}
    for split in ("dev", "test"):
        if split in files:
            read = {
                language: _examples(
                    _rows(paths, preset, split, language), preset, labels, split, language, where[split]
                )
                for language, paths in files[split].items()
            }
            splits[split] = aligned(split, read, where[split]) if preset.parallel else read
    if "test" not in splits:
        splits |= _halved(splits["dev"], preset.parallel)
    return splits, labels


def _rows(paths: Sequence[Path], preset: Preset, split: str, language: str) -> Iterator[Raw]:
    """The rows of one split and language that pass the filter."""
    kept = {
        column: in_language(str(value), locale_of(preset.locales, language))
        for column, value in preset.filter[split].items()
    }
    columns = dict.fromkeys([*(name for name in preset.columns.values() if name), *kept])
    try:
        for path in paths:
            for where, row in records(path, columns, preset.header):
                if all(str(row[column]) == value for column, value in kept.items()):
                    yield where, row
    except ColumnError as error:
        if split != "test":
            raise
        raise ColumnError(f"{error}; without test labels set data.task.split_dev: true") from None


def _examples(
    rows: Sequence[Raw] | Iterator[Raw], preset: Preset, labels: list[str], split: str, language: str, where: str
) -> list[Example]:
    """Examples out of rows; those without a label are left out and counted in the log."""
    names = preset.columns
    number_of = {name: number for number, name in enumerate(labels)}
    clusters: dict[Any, int] = {}
    seen: dict[str, str] = {}
    examples, unlabelled = [], 0
    for number, (place, row) in enumerate(rows, start=1):
        label = _label(row[str(names["label"])], place)
        if label in UNLABELLED and label not in number_of:
            unlabelled += 1
            continue
        text, pair = (row[name] if name else None for name in (names["text"], names["text_pair"]))
        if not isinstance(text, str) or not isinstance(pair, str if names["text_pair"] else type(None)):
            shown = json.dumps(row, ensure_ascii=False, default=str)
            raise DataError(f"{place} is {shown}; expected text in {names['text']} {names['text_pair'] or ''}".rstrip())
        own = f"{split}-{row[names['id']]}" if names["id"] else f"{split}-{number:06d}"
        if own in seen:
            raise DataError(f"{place} repeats the id {row[str(names['id'])]} of {seen[own]}; expected every id once")
        seen[own] = place
        cluster = clusters.setdefault(row[names["cluster"]], len(clusters)) if names["cluster"] else None
        examples.append(Example(own, text, pair, _number(label, labels, number_of, place, preset), cluster))
    if unlabelled:
        log.info(
            "%s, %s: %d examples without a label are left out, %d are kept", where, split, unlabelled, len(examples)
        )
    if not examples:
        raise DataError(
            f"{where} has no labelled {split} examples in {language}; check data.task.files, filter and locales"
        )
    return examples


def _label(value: object, place: str) -> str:
    if isinstance(value, float) or value is None or FLOAT.fullmatch(str(value)):
        raise DataError(f"{place} has label {value}; expected a name or a whole number: check data.task.columns.label")
    return str(value)


def _number(label: str, labels: list[str], number_of: Mapping[str, int], place: str, preset: Preset) -> int:
    """The number of a label that is named, or numbered in the order of the names."""
    if label in number_of:
        return number_of[label]
    if preset.labels != FOUND and label.isdecimal() and int(label) < len(labels):
        return int(label)
    whose = "a label of the training examples" if preset.labels == FOUND else "one of data.task.labels"
    shown = ", ".join(labels[:SHOWN]) + (f" and {len(labels) - SHOWN} more" if len(labels) > SHOWN else "")
    raise DataError(f"{place} has label {label!r}; expected {whose}: {shown}")


def _found(rows: Sequence[Raw], preset: Preset) -> list[str]:
    """The labels of the training examples, in alphabetical order or that of their numbers."""
    labels = {_label(row[str(preset.columns["label"])], place) for place, row in rows} - set(UNLABELLED)
    return sorted(labels, key=lambda label: (int(label), "") if label.isdecimal() else (-1, label))


def _halved(dev: dict[str, list[Example]], parallel: bool) -> Splits:
    """Dev and test out of dev: the same rows in every language where they are parallel."""
    english = halve(dev[ENGLISH])
    halves = {language: english if parallel else halve(rows) for language, rows in dev.items()}
    return {
        split: {language: [dev[language][row] for row in halves[language][half]] for language in dev}
        for half, split in enumerate(("dev", "test"))
    }
