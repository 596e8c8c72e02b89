"""What starts fast loads no heavy library, and the map of the library is that of its imports."""

import ast
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
RUN_MODELS = {
    "pretrain", "distill", "finetune", "predict_soft_labels", "import_teacher", "training_job",
    "evaluate", "probe", "retrieve", "retrieve_layers", "measure_efficiency",
}  # fmt: skip
MODELS, READERS, TABLES = ("torch", "transformers"), ("datasets",), ("pandas", "pyarrow")


@pytest.mark.parametrize(
    ("modules", "heavy"),
    [
        (sorted({path.stem for path in SCRIPTS.glob("*.py")} - RUN_MODELS), MODELS),
        ([f"camembert.evaluation.{name}" for name in ("classification", "probe", "retrieval")], MODELS + READERS),
        (
            [
                *("camembert.core.provenance", "camembert.release.choice"),
                *(f"camembert.plan.{path.stem}" for path in (SCRIPTS / "camembert" / "plan").glob("*.py")),
            ],
            MODELS + TABLES,
        ),
    ],
    ids=["data, tables and figures", "evaluation", "planning"],
)
def test_what_starts_fast_loads_no_heavy_library(modules, heavy):
    code = (
        "import importlib, sys\n"
        f"for module in {modules}:\n"
        "    importlib.import_module(module)\n"
        f"    assert not {set(heavy)} & set(sys.modules), module"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=SCRIPTS)
    assert run.returncode == 0, run.stderr


LIBRARY = SCRIPTS / "camembert"
MAP = (SCRIPTS.parent / "docs" / "method.md").read_text(encoding="utf-8").split("## Where things are")[1]
PACKAGES = dict(re.findall(r"^\| \*\*(\w+)\*\* \| ([^|]+) \|", MAP, flags=re.MULTILINE))
"""Packages in the order of the map, lowest first, and the cell that names their modules."""


def test_the_map_of_the_library_names_every_module_and_no_other():
    named = {package: sorted(re.findall(r"`(\w+)/?`", cell)) for package, cell in PACKAGES.items()}
    packages = [path for path in LIBRARY.iterdir() if path.is_dir() and not path.name.startswith("_")]
    there = {
        package.name: sorted(
            path.stem for path in package.iterdir() if path.name[0] != "_" and path.name != "templates"
        )
        for package in packages
    }
    assert named == there


def imports_between_packages():
    """The packages that each package imports from, and one of its files that does."""
    found = {package: {} for package in PACKAGES}
    for path in LIBRARY.rglob("*/*.py"):
        package = path.relative_to(LIBRARY).parts[0]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("camembert."):
                found[package].setdefault(node.module.split(".")[1], path)
        found[package].pop(package, None)
    return found


def test_a_package_imports_only_from_those_above_it_in_the_map():
    order = list(PACKAGES)
    for package, imported in imports_between_packages().items():
        for other, path in imported.items():
            assert order.index(other) < order.index(package), f"{path} imports from {other}"


def test_the_picture_of_the_packages_draws_every_import_that_no_other_implies():
    imports = imports_between_packages()

    def implied(package):
        return set(imports[package]).union(*(implied(other) for other in imports[package]))

    picture = re.search(r"```mermaid\n(.+?)```", MAP, re.DOTALL)[1]
    drawn = set()
    for line in picture.splitlines()[1:]:
        stops = [re.findall(r"\w+", stop) for stop in line.split("-->")]
        drawn |= {(start, end) for starts, ends in pairwise(stops) for start in starts for end in ends}
    assert drawn == {
        (package, other)
        for package, others in imports.items()
        for other in others
        if not any(other in implied(third) for third in others)
    }


def test_the_picture_of_the_rules_names_every_rule_and_no_other():
    root = SCRIPTS.parent
    rules = {
        name
        for path in (root / "rules").glob("*.smk")
        for name in re.findall(r"^ *(?:use )?rule (?:\w+ as )?(\w+)(?: with)?:", path.read_text(), re.MULTILINE)
    }
    method = (root / "docs" / "method.md").read_text()
    picture = re.sub(r'subgraph \w+ \["[^"]*"\]', "", re.search(r"```mermaid\n(.+?)```", method, re.DOTALL)[1])
    assert set(re.findall(r"\w+_\w+", picture)) == {rule for rule in rules if "_" in rule}
    targets = {"tables", "figures", "metrics", "release", "compress", "layers"}
    assert {rule for rule in rules if "_" not in rule} - targets <= set(re.findall(r"\w+", picture))
