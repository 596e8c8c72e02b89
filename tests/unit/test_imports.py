"""Data, table and figure jobs start fast: none of them loads torch or transformers."""

import ast
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
LIGHT = [
    "make_cldr_nli", "make_cldr_text", "download", "import_task", "train_tokenizer", "import_tokenizer",
    "tokenize_text", "check_text", "collect_answers", "collect_metrics", "make_paper",
    "choose_release", "make_form", "tabulate_release", "write_release", "evaluate_release",
    "make_cldr_retrieval", "import_retrieval", "retrieve_baseline", "predict_baselines", "draw_layers",
    "download_package", "unpack_teacher", "collect_unlabelled",
]  # fmt: skip


@pytest.mark.parametrize("script", LIGHT)
def test_a_light_script_loads_no_model_library(script):
    code = f"import sys, {script}; print([name for name in ('torch', 'transformers') if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=SCRIPTS)
    assert run.stdout.strip() == "[]"


def test_evaluation_does_not_load_what_reads_people_s_files():
    code = (
        "import sys; from camembert.evaluation import classification, probe, retrieval;"
        "print([name for name in ('datasets', 'torch', 'transformers') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=SCRIPTS)
    assert run.stdout.strip() == "[]"


def test_planning_loads_nothing_heavy():
    code = (
        "import sys, camembert.core.provenance, camembert.release.choice, camembert.release.forms;"
        "from camembert.plan import chain, comparisons, config, experiment, flops, losses, paper, readings, recipe;"
        "from camembert.plan import sources;"
        "print([name for name in ('torch', 'transformers', 'pandas', 'pyarrow') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=SCRIPTS)
    assert run.stdout.strip() == "[]"


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
