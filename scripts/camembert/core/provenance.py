"""What a number came from: hashes of settings and files, versions, the machine."""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

from camembert.core.model_files import WEIGHTS

PACKAGES = ("torch", "transformers", "tokenizers", "numpy", "babel", "snakemake")


def hash_of(value: Any) -> str:
    """A short hash of anything JSON can hold; key order does not matter."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def hash_of_file(path: str | os.PathLike[str]) -> str:
    """The sha256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_of_weights(folder: str | os.PathLike[str]) -> str:
    """The sha256 of a model folder's weights."""
    return hash_of_file(Path(folder) / WEIGHTS)


def hash_of_code(module: ModuleType) -> str:
    """A hash of a module and of all modules of this library that it uses, however far down.

    Comments and docstrings do not count.
    """
    sources: dict[str, str] = {}

    def visit(one: ModuleType) -> None:
        if one.__name__ in sources:
            return
        sources[one.__name__] = ast.dump(_without_docstrings(ast.parse(inspect.getsource(one))))
        for value in vars(one).values():
            name = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
            if isinstance(name, str) and name.startswith("camembert."):
                visit(sys.modules[name])

    visit(module)
    return hash_of(sources)


def _without_docstrings(tree: ast.Module) -> ast.Module:
    """The same without those of modules, classes, functions and constants."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            node.body = [part for part in node.body if not _is_text(part)]
    return tree


def _is_text(statement: ast.stmt) -> bool:
    value = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def processor_name() -> str:
    """The processor's name as Linux tells it, else its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that results depend on."""
    return {"python": platform.python_version()} | {name: version(name) for name in PACKAGES}
