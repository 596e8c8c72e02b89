"""A record is kept and read again: the same tables and figures, without training and without torch."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from camembert.core.files import read_json
from camembert.paper.contents import TABLE_WRITERS
from camembert.paper.record import ExperimentRecord
from camembert.plan import paper

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


def test_a_record_that_is_not_there_is_named_before_what_was_made_is_deleted(tmp_path):
    (tmp_path / "made").mkdir()
    command = ["make", "--assume-old=setup", "paper", f"RECORD={tmp_path / 'typo'}", f"PAPER={tmp_path / 'made'}"]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert process.returncode != 0
    assert f"{tmp_path / 'typo'} has no answers.parquet; name the folder of a record" in process.stdout
    assert (tmp_path / "made").is_dir()


RECORDS = ROOT / "docs" / "results"


@pytest.mark.parametrize("record", sorted(path.parent.name for path in RECORDS.glob("*/answers.parquet")))
def test_the_tables_of_a_record_are_those_of_its_answers(record, tmp_path):
    config = read_json(RECORDS / record / "config.json")
    material = ExperimentRecord.read(RECORDS / record)
    for name in [*paper.list_tables(config), paper.CONCLUSION]:
        TABLE_WRITERS[name](material, tmp_path / name)
        assert (tmp_path / f"{name}.md").read_text() == (RECORDS / record / "tables" / f"{name}.md").read_text()


@pytest.mark.parametrize("record", ["e5", "toy"])
def test_the_results_show_the_summary_of_a_record(record):
    assert (RECORDS / record / "tables" / "summary.md").read_text().split("\n\n")[1] in (
        ROOT / "docs" / "results.md"
    ).read_text()


def rows(table: Path) -> dict[str, dict[str, str]]:
    """The rows of a table of a record by the chain at the end of its first column (12 of the teacher)."""
    head, _, *body = (line.strip("|").split("|") for line in table.read_text().split("\n\n")[1].splitlines())
    titles = [title.strip() for title in head]
    cells = [dict(zip(titles, (cell.strip() for cell in line), strict=True)) for line in body]
    return {row["Model"].split()[-1] if row["Layers"] != "12" else "12": row for row in cells}


def test_the_readme_shows_the_models_of_the_real_encoder_as_they_are_on_record():
    tables = RECORDS / "e5" / "tables"
    summary, efficiency = rows(tables / "summary.md"), rows(tables / "efficiency.md")
    shown = re.findall(r"^\| .*\(`([\dx.-]+)`\) \| (.*) \|$", (ROOT / "README.md").read_text(), flags=re.MULTILINE)
    assert [chain for chain, _ in shown] == list(summary)
    for chain, cells in shown:
        accuracies = [summary[chain][title].split()[0] for title in ("Retrieval", "Zero-shot", "English")]
        costs = [
            float(efficiency[chain][title]) for title in ("Parameters (M)", "Weights (MiB)", "Latency, 16 tokens (ms)")
        ]
        assert cells.split(" | ")[:3] == accuracies
        assert [float(cell) for cell in cells.split(" | ")[3:]] == pytest.approx(costs, abs=0.51)


@pytest.mark.parametrize("record", ["e5", "toy"])
def test_the_results_give_the_answers_of_a_record_to_the_question(record):
    sentences = (RECORDS / record / "tables" / "conclusion.md").read_text().split("\n\n")[0].splitlines()
    answers = [sentence for sentence in sentences if "equal compute" in sentence and "direct student" in sentence]
    assert answers
    assert set(answers) <= set((ROOT / "docs" / "results.md").read_text().splitlines())
