"""Inference data as people have it: XTREME's folders, XNLI 1.0's and MultiNLI's files, the hub's parquet files."""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from camembert.data.nli import LABELS, InferenceDataError, Pair, halve_by_premise
from camembert.plan.sources import in_language

log = logging.getLogger(__name__)

UNLABELLED, UNLABELLED_NAME = -1, "-"
"""A pair whose annotators did not agree, in the hub's data sets and in MultiNLI's own files."""


# --- folders --------------------------------------------------------------------------------------------------


def _lines(path: Path) -> list[str]:
    try:
        lines = path.read_bytes().decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise InferenceDataError(
            f"{path} is not UTF-8 (byte {error.start}); convert it, for instance with iconv"
        ) from None
    if lines[-1] == "":
        lines.pop()
    if not lines:
        raise InferenceDataError(f"{path} is empty; expected lines of premise TAB hypothesis TAB label")
    return [line.removesuffix("\r") for line in lines]


QUOTED = re.compile(r'"(?:[^"]|"")*"')


def _unquoted(rows: list[list[str]], path: Path) -> list[list[str]]:
    """Takes off the quoting of a CSV writer, with which XTREME's own script writes fields that hold a quotation mark.

    Such a writer doubles every mark inside a field, so a file in which any mark stands otherwise was not written by
    one and stays as it is.
    """
    marked = [field for row in rows for field in row if '"' in field]
    if not marked or not all(QUOTED.fullmatch(field) and '""' in field[1:-1] for field in marked):
        return rows
    log.info("%s: %d fields are quoted as CSV has it, and were unquoted", path, len(marked))
    return [[field[1:-1].replace('""', '"') if '"' in field else field for field in row] for row in rows]


def _label(name: str, path: Path, number: int) -> int:
    if name not in LABELS:
        raise InferenceDataError(f"{path}:{number} has label {name!r}; expected one of {', '.join(LABELS)}")
    return LABELS.index(name)


def read_tsv(path: str | os.PathLike[str], split: str) -> list[Pair]:
    """Reads a file in XTREME's layout: premise TAB hypothesis TAB label, no header, LF or CRLF.

    Quotation marks are part of the text, unless the file is quoted throughout as a CSV writer does it.

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
    pairs = []
    for number, columns in enumerate(_unquoted([line.split("\t") for line in _lines(path)], path), start=1):
        if len(columns) == 2 and split == "test":
            raise InferenceDataError(
                f"{path}:{number} has no label, as in XTREME's own test files, so nothing can be scored on it; put"
                " xnli.test.tsv of XNLI 1.0 in their place, or set data.nli.split_dev: true to test on half of the dev"
                " pairs"
            )
        if len(columns) != 3:
            raise InferenceDataError(
                f"{path}:{number} has {len(columns)} tab-separated columns; expected premise, hypothesis, label"
            )
        premise, hypothesis, label = columns
        pairs.append(Pair(f"{split}-{number:06d}", premise, hypothesis, _label(label, path, number)))
    return pairs


def read_headed_tsv(path: str | os.PathLike[str], split: str, language: str) -> list[Pair]:
    """Reads one language of a file with a header, as XNLI 1.0 and MultiNLI 1.0 ship them; no quoting, LF or CRLF.

    Pairs without a gold label are left out and counted in the log.

    Args:
        path: the file, with the columns gold_label, sentence1, sentence2, pairID and, in XNLI, language.
        split: names the ids, which continue with the pair's own.
        language: the rows to be read; of MultiNLI, which has no column `language`, all.

    Raises:
        InferenceDataError: not UTF-8, a column is missing, a line has another number of columns or another label.
    """
    path = Path(path)
    header, *lines = _lines(path)
    names = header.split("\t")
    wanted = {"gold_label", "sentence1", "sentence2", "pairID"} | ({"language"} if split != "train" else set())
    if missing := wanted - set(names):
        raise InferenceDataError(f"{path}:1 names no column {', '.join(sorted(missing))}; expected XNLI 1.0's header")
    pairs, unlabelled = [], 0
    for number, line in enumerate(lines, start=2):
        columns = line.split("\t")
        if len(columns) != len(names):
            raise InferenceDataError(
                f"{path}:{number} has {len(columns)} tab-separated columns; its header has {len(names)}"
            )
        row = dict(zip(names, columns, strict=True))
        if row.get("language", language) != language:
            continue
        if row["gold_label"] == UNLABELLED_NAME:
            unlabelled += 1
            continue
        label = _label(row["gold_label"], path, number)
        pairs.append(Pair(f"{split}-{row['pairID']}", row["sentence1"], row["sentence2"], label))
    return _counted(pairs, unlabelled, f"{path}, {language}")


# --- the hub's data sets --------------------------------------------------------------------------------------


def read_parquet(files: Sequence[str | os.PathLike[str]], split: str) -> list[Pair]:
    """Reads the parquet files of a data set of the hub: premise, hypothesis and label, a number.

    Where a file names its labels (the hub's own metadata do), the numbers are read as it says, else as 0
    entailment, 1 neutral, 2 contradiction. Pairs without a gold label (-1) are left out and counted in the log.

    Args:
        files: in order.
        split: names the ids, which are numbered by row and so are shared by parallel files.

    Raises:
        InferenceDataError: a file is damaged, a column is missing or a label is another number.
    """
    pairs, unlabelled, number = [], 0, 0
    for path in files:
        numbers = None
        for row in _rows(Path(path)):
            numbers = numbers or _label_numbers(Path(path))
            number += 1
            if row["label"] == UNLABELLED:
                unlabelled += 1
                continue
            if row["label"] not in numbers or None in row.values():
                raise InferenceDataError(
                    f"{path}: row {number} is {json.dumps(row, ensure_ascii=False)};"
                    f" expected two texts and a label out of {', '.join(map(str, numbers))}"
                )
            pairs.append(Pair(f"{split}-{number:06d}", row["premise"], row["hypothesis"], numbers[row["label"]]))
    return _counted(pairs, unlabelled, ", ".join(Path(path).name for path in files))


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    columns = ["premise", "hypothesis", "label"]
    try:
        with pq.ParquetFile(path) as file:
            if missing := set(columns) - set(file.schema_arrow.names):
                raise InferenceDataError(
                    f"{path} has no column {', '.join(sorted(missing))}; expected {', '.join(columns)}"
                )
            for batch in file.iter_batches(columns=columns):
                yield from batch.to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise InferenceDataError(f"{path} is no whole parquet file ({error}); download it again") from None


def _label_numbers(path: Path) -> dict[int, int]:
    """The label numbers of a file, as ours."""
    metadata = pq.read_schema(path).metadata or {}
    features = json.loads(metadata.get(b"huggingface", b"{}")).get("info", {}).get("features", {})
    names = features.get("label", {}).get("names", LABELS)
    if sorted(names) != sorted(LABELS):
        raise InferenceDataError(f"{path} has the labels {', '.join(names)}; expected {', '.join(LABELS)}")
    return {number: LABELS.index(name) for number, name in enumerate(names)}


# --- checks ---------------------------------------------------------------------------------------------------


def _counted(pairs: list[Pair], unlabelled: int, where: str) -> list[Pair]:
    if unlabelled:
        log.info("%s: %d pairs without a gold label are left out, %d are kept", where, unlabelled, len(pairs))
    if not pairs:
        raise InferenceDataError(f"{where}: no labelled pairs found; expected some: check the file and languages")
    return pairs


def check_parallel(split: str, pairs: Mapping[str, Iterable[Pair]], where: str) -> None:
    """Checks that all languages have the same pairs in the same order.

    Raises:
        InferenceDataError: a language has other ids or labels than the first.
    """
    keys = {language: [(row.id, row.label) for row in rows] for language, rows in pairs.items()}
    first = next(iter(keys))
    for language, rows in keys.items():
        if rows != keys[first]:
            raise InferenceDataError(
                f"the {split} pairs in {language} and {first} in {where} are not parallel ({len(rows)} and"
                f" {len(keys[first])} rows, or other ids or labels); expected the same pairs in the same order"
            )


# --- all splits -----------------------------------------------------------------------------------------------


def read_splits(
    files: Mapping[str, Sequence[str]],
    patterns: Mapping[str, str],
    languages: Sequence[str],
    train_limit: int | None,
) -> dict[str, dict[str, list[Pair]]]:
    """Reads English training pairs, and dev and test pairs of every language, whatever form each split has.

    Args:
        files: of train, dev and maybe test: files of a folder as `sources` finds them, or the folder of a download.
        patterns: of a split that was downloaded, which files in its folder are those of `{language}`.
        languages: to be evaluated in.
        train_limit: at most so many training pairs.

    Returns:
        Pairs by split and language. Without test files, half of the premises of dev become the test set.

    Raises:
        InferenceDataError: something in the files is wrong, or they are not parallel.
    """

    def read(split: str, language: str) -> list[Pair]:
        if split in patterns:
            (folder,) = files[split]
            pattern = in_language(patterns[split], language)
            found = [path for path in Path(folder).rglob("*") if fnmatch(path.relative_to(folder).as_posix(), pattern)]
            if not found:
                raise InferenceDataError(f"{folder} has no file {pattern}; correct data.nli.hub.{split}.files")
            return read_parquet(sorted(found), split)
        own = (path for path in files[split] if Path(path).stem == f"{split}-{language}")
        path = next(own, files[split][0])
        if Path(path).suffix == ".parquet":
            return read_parquet([path], split)
        if Path(path).stem == f"{split}-{language}":
            return read_tsv(path, split)
        return read_headed_tsv(path, split, language)

    splits = {"train": {"en": read("train", "en")[:train_limit]}}
    for split in ("dev", "test"):
        if split in files:
            splits[split] = {language: read(split, language) for language in languages}
            check_parallel(split, splits[split], str(Path(files[split][0]).parent))
    if "test" not in splits:
        dev = splits["dev"]
        for split, half in zip(("dev", "test"), halve_by_premise(dev["en"]), strict=True):
            splits[split] = {language: [pairs[row] for row in half] for language, pairs in dev.items()}
    return splits
