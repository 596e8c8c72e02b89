"""A task's examples out of the files that people have: which columns, labels and rows is what a preset says.

The presets are experiments/tasks/*.yaml; a folder and the hub's data sets are read alike.
"""

from __future__ import annotations

import json
import logging
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from camembert.data.records import ColumnError, DataError, is_blank, read_rows
from camembert.data.tasks import Example, TaskError, halve, hold_out
from camembert.plan.sources import ENGLISH, FOUND, fill_language, find_columns, find_locale

log = logging.getLogger(__name__)

UNLABELLED = ("-1", "-", "")
"""Marks of an example without a label: those of the hub's data sets and of MultiNLI's and XNLI's files, and nothing."""
FLOAT = re.compile(r"[-+]?(\d+\.\d*|\.\d+)([eE][-+]?\d+)?")
SHOWN_LABELS = 8
FEWEST = 20
"""Training examples out of which dev, and maybe test, can be taken."""
FEWEST_OF_A_LABEL = 10
"""Training examples of a label; one that has fewer may be a mistake of spelling, and is named."""
RESERVED = {"id", "label", "cluster"}
"""Columns of predictions, which have one for each label too."""
Files = Mapping[str, Mapping[str, Sequence[Path]]]
"""Files by split and language."""
ExampleSplits = dict[str, dict[str, list[Example]]]
"""Examples by split and language."""


class TaskData(NamedTuple):
    """A task as it was read: examples, names of labels, and how many rows of each split and language became examples
    (`kept`) and how many did not, and why."""

    splits: ExampleSplits
    labels: list[str]
    counts: dict[str, dict[str, dict[str, int]]]


class _Row(NamedTuple):
    """A row with its texts; its label is a name or a number as text, and may stand for none."""

    place: str
    id: str
    text: str
    text_pair: str | None
    label: str
    cluster: Any


def read_task(files: Files, preset: Mapping[str, Any]) -> TaskData:
    """Reads training examples, and dev and test examples of every language.

    Without dev files, a fifth of the training examples becomes dev; without test files, half of dev the test set.

    Args:
        files: by split (train, and maybe dev and test) and language; those of train are the languages with labels.
        preset: what they hold, by the keys of `plan.corpora.Task`.

    Raises:
        DataError: a file cannot be read, a row is wrong, or there are none.
        TaskError: languages are not parallel though the preset says so, or the labels are no labels.
    """
    read = {
        split: {language: _read_rows(paths, preset, split, language) for language, paths in by_language.items()}
        for split, by_language in files.items()
    }
    labels = _find_labels([rows for rows, _ in read["train"].values()], preset["labels"])
    splits: ExampleSplits = {}
    counts: dict[str, dict[str, dict[str, int]]] = {}
    for split, by_language in read.items():
        where = str(next(iter(files[split].values()))[0].parent)
        splits[split], counts[split] = _number_labels(split, by_language, labels, preset, where)
    if "dev" not in splits:
        splits |= _hold_out_dev(splits["train"], str(next(iter(files["train"].values()))[0]))
    splits["train"] = {language: own[: preset["train_limit"]] for language, own in splits["train"].items()}
    if "test" not in splits:
        splits |= _halve_dev(splits["dev"], preset["parallel"])
    _log_overlap(splits)
    return TaskData(splits, labels, counts)


def _log_overlap(splits: ExampleSplits) -> None:
    """Says how many training examples are examples of dev or test too; they stay, as in the published sets."""
    evaluated = {each[1:3] for split in ("dev", "test") for own in splits[split].values() for each in own}
    for language, own in splits["train"].items():
        if again := sum(each[1:3] in evaluated for each in own):
            log.info("train, %s: %d of %d are dev or test examples too, and stay", language, again, len(own))


def _read_rows(
    paths: Sequence[Path], preset: Mapping[str, Any], split: str, language: str
) -> tuple[list[_Row], set[str]]:
    """The rows of one split and language that pass the filter; and the ids of those that lack a text."""
    header, names = find_columns(preset, split)
    locale = find_locale(preset["locales"], language)
    only = {column: fill_language(str(value), locale) for column, value in preset["filter"][split].items()}
    rows: list[_Row] = []
    textless: set[str] = set()
    seen: dict[str, str] = {}
    try:
        for path in paths:
            for place, row in read_rows(path, dict.fromkeys(filter(None, names.values())), header, only):
                own = f"{split}-{row[names['id']]}" if names["id"] else f"{split}-{len(seen) + 1:06d}"
                if own in seen:
                    raise DataError(
                        f"{place} repeats the id {row[str(names['id'])]!r} of {seen[own]}; expected every id once"
                    )
                seen[own] = place
                texts = [row[name] for name in (names["text"], names["text_pair"]) if name]
                if not all(isinstance(text, str) for text in texts):
                    shown = json.dumps(row, ensure_ascii=False, default=str)
                    expected = f"expected text in {names['text']} {names['text_pair'] or ''}".rstrip()
                    raise DataError(f"{place} is {shown}; {expected}")
                if any(is_blank(text) or text.strip() in preset["no_text"] for text in texts):
                    textless.add(own)
                    continue
                label = _label(row[str(names["label"])], preset["label_names"], place)
                pair, cluster = texts[1] if texts[1:] else None, row[names["cluster"]] if names["cluster"] else None
                rows.append(_Row(place, own, texts[0], pair, label, cluster))
    except ColumnError as error:
        if split != "test":
            raise
        raise ColumnError(f"{error}; without test labels set data.task.split_dev: true") from None
    return rows, textless


def _label(value: Any, names: Mapping[str, str], place: str) -> str:
    """The name of a label, or its number as text; nothing where there is none."""
    value = value.strip() if isinstance(value, str) else "" if value is None else value
    if str(value) in names:
        return names[str(value)]
    if isinstance(value, float) or FLOAT.fullmatch(str(value)):
        raise DataError(
            f"{place} has label {json.dumps(value, ensure_ascii=False)}; expected a name or a whole number: check"
            " data.task.columns.label"
        )
    return str(value)


def _find_labels(train: Iterable[Sequence[_Row]], labels: Sequence[str] | str) -> list[str]:
    """The names of the labels: those given, or those of the training examples in order of alphabet or number.

    Of more than two labels none twice is refused: an id, or a text, was taken for the label.
    """
    if labels != FOUND:
        names = list(labels)
    else:
        found = [row.label for rows in train for row in rows]
        unique = set(found).difference(UNLABELLED)
        names = sorted(unique, key=lambda label: (int(label), "") if label.isdecimal() else (-1, label))
        if len(found) <= len(names) > 2:
            raise TaskError(
                f"{len(found)} training examples have {len(names)} labels, such as {names[0]!r}, expected several of"
                " each; check data.task.columns.label"
            )
        log.info("%d labels are found in the training examples", len(names))
        counts = Counter(found)
        if few := [f"{name!r} ({counts[name]})" for name in names if counts[name] < FEWEST_OF_A_LABEL]:
            shown = ", ".join(few[:SHOWN_LABELS]) + (
                f" and {len(few) - SHOWN_LABELS} more" if few[SHOWN_LABELS:] else ""
            )
            log.warning("labels with fewer than %d training examples, maybe misspelt: %s", FEWEST_OF_A_LABEL, shown)
    if len(names) < 2:
        raise TaskError(f"the labels are {', '.join(names) or 'none'}; expected two or more: check columns and filter")
    if taken := RESERVED.intersection(names):
        raise TaskError(f"a label is called {min(taken)}, which is a column of the predictions; rename it")
    return names


def _number_labels(
    split: str,
    read: Mapping[str, tuple[Sequence[_Row], set[str]]],
    labels: list[str],
    preset: Mapping[str, Any],
    where: str,
) -> tuple[dict[str, list[Example]], dict[str, dict[str, int]]]:
    """The labelled rows of each language as examples, and how many rows are none, which the log says too.

    Of parallel languages a row without a text in one is an example in none.
    """
    together = preset["parallel"] and split != "train"
    without_text = set[str]().union(*(textless for _, textless in read.values())) if together else set()
    found: dict[str, list[Example]] = {}
    counts = {}
    for language, (rows, textless) in read.items():
        labelled = _labelled_examples(rows, labels, preset, split)
        found[language] = [example for example in labelled if example.id not in without_text]
        kept, left_out = len(found[language]), len(rows) - len(labelled)
        no_text = len(textless) + len(labelled) - kept
        counts[language] = {"kept": kept, "without a label": left_out, "without text": no_text}
        for why, number in counts[language].items():
            if number and why != "kept":
                message = "%s, %s, %s: %d examples %s are left out, %d are kept"
                log.info(message, where, split, language, number, why, kept)
        if not kept:
            raise DataError(
                f"{where} has no labelled {split} examples in {language}; check data.task.files, filter and locales"
            )
    return _align(split, found, where) if together else found, counts


def _labelled_examples(rows: Sequence[_Row], labels: list[str], preset: Mapping[str, Any], split: str) -> list[Example]:
    """The labelled rows as examples, whose labels are named, or numbered in the order of the names."""
    number_of = {name: number for number, name in enumerate(labels)}
    if preset["labels"] != FOUND:
        number_of = {str(number): number for number in range(len(labels))} | number_of
    clustered = find_columns(preset, split)[1]["cluster"] is not None
    clusters: dict[Any, int] = {}
    examples = []
    for row in rows:
        if row.label in number_of:
            cluster = clusters.setdefault(row.cluster, len(clusters)) if clustered else None
            examples.append(Example(row.id, row.text, row.text_pair, number_of[row.label], cluster))
        elif row.label not in UNLABELLED:
            whose = "a label of the training examples" if preset["labels"] == FOUND else "one of data.task.labels"
            more = f" and {len(labels) - SHOWN_LABELS} more" if len(labels) > SHOWN_LABELS else ""
            shown = ", ".join(map(repr, labels[:SHOWN_LABELS])) + more
            raise DataError(f"{row.place} has label {row.label!r}; expected {whose}: {shown}")
    return examples


def _align(split: str, examples: Mapping[str, Sequence[Example]], where: str) -> dict[str, list[Example]]:
    """Puts the examples of every language in the order of the first language's, by id; clusters are the first's."""
    first, *others = examples
    aligned = {first: list(examples[first])}
    for language in others:
        own = {example.id: example for example in examples[language]}
        lacking = [f"{each.id} is not in {language}" for each in examples[first] if each.id not in own]
        relabelled = [
            f"{each.id} has another label"
            for each in examples[first]
            if each.id in own and own[each.id].label != each.label
        ]
        more = [f"{each} is not in {first}" for each in sorted(own.keys() - {each.id for each in examples[first]})]
        if found := lacking + relabelled + more:
            raise TaskError(
                f"the {split} examples in {language} and {first} in {where} are not parallel: {found[0]}; expected the"
                " same ids and labels in every language: correct the files, or set data.task.parallel: false"
            )
        aligned[language] = [own[each.id]._replace(cluster=each.cluster) for each in examples[first]]
    return aligned


def _hold_out_dev(train: Mapping[str, list[Example]], where: str) -> ExampleSplits:
    """Train and dev out of train."""
    if few := [len(rows) for rows in train.values() if len(rows) < FEWEST]:
        raise DataError(
            f"{where} has {few[0]} examples, expected at least {FEWEST} where dev is taken out of them"
            " (data.task.files.dev: null); bring more, or a dev file"
        )
    splits: ExampleSplits = {"train": {}, "dev": {}}
    for language, rows in train.items():
        splits["train"][language], splits["dev"][language] = hold_out(rows)
    log.info("%s: %d examples are held out for dev", where, sum(map(len, splits["dev"].values())))
    return splits


def _halve_dev(dev: Mapping[str, list[Example]], parallel: bool) -> ExampleSplits:
    """Dev and test out of dev: the same rows in every language where they are parallel."""
    shared = halve(dev.get(ENGLISH) or next(iter(dev.values()))) if parallel else None
    splits: ExampleSplits = {"dev": {}, "test": {}}
    for language, rows in dev.items():
        for split, half in zip(splits, shared or halve(rows), strict=True):
            splits[split][language] = [rows[row] for row in half]
    return splits
