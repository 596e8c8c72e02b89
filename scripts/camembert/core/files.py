"""Files that are whole or absent, written under a temporary name and then renamed; and the names of a model's files."""

from __future__ import annotations

import glob
import json
import os
import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

CONFIG = "config.json"
TOKENIZER = "tokenizer.json"
TOKENIZER_SETTINGS = "tokenizer_config.json"
WEIGHTS = "model.safetensors"
ONNX_WEIGHTS = "model.onnx"
BESIDE_WEIGHTS = (CONFIG, TOKENIZER, TOKENIZER_SETTINGS)
MODEL_FILES = (WEIGHTS, *BESIDE_WEIGHTS)
"""Files of a whole model folder, under the names that Hugging Face gives them."""


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yields a temporary path beside `path` (its folder is made) and renames it to `path` on success.

    Works for a file and for a folder; what stood at `path` before is replaced only at the end. What processes that
    were killed while they wrote `path` have left is deleted first.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    for leftover in _leftovers(target):
        _remove(leftover)
    partial = target.with_name(f".{target.name}.{platform.node()}-{os.getpid()}.partial")
    try:
        yield partial
        if target.is_dir():
            shutil.rmtree(target)
        os.replace(partial, target)
    finally:
        _remove(partial)


def check_new(folder: str | os.PathLike[str]) -> None:
    """Raises FileExistsError where a folder that is to be made is there already: a call by hand replaces no model."""
    if Path(folder).exists():
        raise FileExistsError(f"{folder} is there already, expected a new folder; name another")


def _leftovers(target: Path) -> Iterator[Path]:
    """Temporary paths of a target whose process is not there any more; of those on other hosts nothing is known."""
    for path in target.parent.glob(f".{glob.escape(target.name)}.*.partial"):
        host, _, pid = path.name.removeprefix(f".{target.name}.").removesuffix(".partial").rpartition("-")
        if host == platform.node() and pid.isdigit() and (int(pid) == os.getpid() or not psutil.pid_exists(int(pid))):
            yield path


def _remove(path: Path) -> None:
    """Deletes a file or a folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Writes a UTF-8 text file, whole or not at all."""
    with atomic_write(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Writes a JSON file, whole or not at all, for people too: indented and with a last newline."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True) + "\n")


def read_json(path: str | os.PathLike[str]) -> Any:
    """Reads a JSON file."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def write_json_lines(path: str | os.PathLike[str], rows: list[dict[str, Any]]) -> None:
    """Writes one JSON object a line, whole or not at all."""
    write_text(path, "".join(json.dumps(row) + "\n" for row in rows))


def read_json_lines(path: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """Reads one JSON object a line."""
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]
