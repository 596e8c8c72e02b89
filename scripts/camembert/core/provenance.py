"""What a number came from: hashes of settings and files, versions, the machine."""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
import os
import platform
import subprocess
import sys
from functools import cache
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

GIT_SECONDS = 10
REPOSITORY = Path(__file__).resolve().parents[3]
PACKAGES = ("torch", "transformers", "tokenizers", "numpy", "babel", "snakemake")


def hash_json(value: Any) -> str:
    """A short hash of anything JSON can hold; key order does not matter."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def hash_file(path: str | os.PathLike[str]) -> str:
    """The sha256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_code(module: ModuleType) -> str:
    """A hash of a module and of all modules of this library that it uses, however far down.

    Comments and docstrings do not count.
    """
    sources: dict[str, str] = {}

    def visit(one: ModuleType) -> None:
        if one.__name__ in sources:
            return
        sources[one.__name__] = ast.dump(_WithoutDocstrings().visit(ast.parse(inspect.getsource(one))))
        for value in vars(one).values():
            name = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
            if isinstance(name, str) and name.startswith("camembert."):
                visit(sys.modules[name])

    visit(module)
    return hash_json(sources)


class _WithoutDocstrings(ast.NodeTransformer):
    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        return None if isinstance(node.value, ast.Constant) else node


def processor_name() -> str:
    """The processor's name as Linux tells it, else its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


@cache
def versions() -> dict[str, str | None]:
    """Versions of Python, of the packages that results depend on and of this repository, as of the first call."""
    packages = {name: version(name) for name in PACKAGES}
    return {"python": platform.python_version(), "commit": read_commit(REPOSITORY)} | packages


def read_commit(repository: Path) -> str | None:
    """The commit that is checked out, ending in ``-dirty`` where tracked files differ; None where git does not say."""
    command = ["git", f"--git-dir={repository / '.git'}", f"--work-tree={repository}"]
    command += ["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    outside = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    outside["GIT_OPTIONAL_LOCKS"] = "0"  # without the lock that would let it write down what it learns of the files
    try:
        told = subprocess.run(command, capture_output=True, text=True, env=outside, timeout=GIT_SECONDS)
    except (OSError, subprocess.TimeoutExpired):  # no git, or a slow disk
        return None
    return told.stdout.strip() or None
