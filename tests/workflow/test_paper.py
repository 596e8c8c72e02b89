"""A record is kept and read again: the same tables and figures, without training and without torch."""

import os
import subprocess
import sys

import pytest

from .conftest import ROOT


def run(*command, **environment):
    """Runs a command in the repository."""
    process = subprocess.run(
        [*map(str, command)], cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, timeout=300
    )
    assert process.returncode == 0, process.stdout + process.stderr


@pytest.fixture
def no_torch(tmp_path):
    """A path on which any import of a model library fails."""
    for name in ("torch", "transformers"):
        package = tmp_path / "refusing" / name
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(f"raise RuntimeError('{name} is imported')")
    return str(tmp_path / "refusing")


def paper_of(folder):
    """The bytes of all tables and figures under a folder, by name."""
    return {
        path.relative_to(folder): path.read_bytes()
        for kind in ("tables", "figures")
        for path in (folder / kind).iterdir()
        if path.name.partition(".")[0] not in ("layers", "release")  # which other tests may have made
    }


def test_a_record_is_made_into_the_same_tables_and_figures_again(smallest_run, tmp_path, no_torch):
    record = tmp_path / "record" / "smallest"
    run("make", "keep", f"RESULTS={smallest_run.results}", f"RECORD={record}")
    kept = {path.name for path in record.iterdir()}
    assert kept == {"answers.parquet", "metrics.jsonl", "curves.parquet", "config.json", "tables", "figures"}
    run(sys.executable, "scripts/make_paper.py", record, tmp_path / "again", PYTHONPATH=no_torch)
    assert paper_of(tmp_path / "again") == paper_of(smallest_run.results)


@pytest.mark.parametrize(("page", "record"), [("README.md", "massive"), ("docs/results.md", "embedded")])
def test_a_page_shows_the_summary_and_the_question_s_answers_of_a_record(page, record):
    shown = (ROOT / page).read_text()
    tables = ROOT / "docs" / "results" / record / "tables"
    assert (tables / "summary.md").read_text().split("\n\n")[1] in shown
    sentences = (tables / "conclusion.md").read_text().split("\n\n")[0].splitlines()
    answers = [sentence for sentence in sentences if "equal compute" in sentence and "direct student" in sentence]
    assert len(answers) == 2, "one of the task and one of retrieval"
    assert set(answers) <= set(shown.splitlines())
