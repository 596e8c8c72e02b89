"""Tables and figures are made again from a record, without training and without torch."""

import pytest
from benchmarks.paper import make, write_record

from camembert.plan.config import load_yaml

from .conftest import ROOT

SMALLEST = load_yaml(ROOT / "tests" / "config" / "smallest.yaml")
CONFIG = {
    key: value | SMALLEST.get(key, {}) if isinstance(value, dict) else SMALLEST.get(key, value)
    for key, value in load_yaml(ROOT / "config.yaml").items()
} | {"recipes": ["toplayer", "minilm"]}


@pytest.fixture
def no_torch(tmp_path, monkeypatch):
    """Any import of a model library fails."""
    for name in ("torch", "transformers"):
        package = tmp_path / "refusing" / name
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(f"raise RuntimeError('{name} is imported')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "refusing"))


def paper_of(folder):
    """The bytes of all tables and figures under a folder, by name."""
    return {
        path.relative_to(folder): path.read_bytes()
        for kind in ("tables", "figures")
        for path in (folder / kind).iterdir()
    }


def test_a_record_is_made_into_the_same_tables_and_figures_again(tmp_path, no_torch):
    made_up = tmp_path / "made_up" / "smallest"
    write_record(made_up, CONFIG, pairs=48)
    first = make("paper", RECORD=made_up, PAPER=tmp_path / "first")
    assert first.returncode == 0, first.stdout + first.stderr
    assert "At equal compute the cascade 3-2-1 " in first.stdout
    results = tmp_path / "first" / "results" / "smallest"

    kept = make("keep", RESULTS=results, RECORD=tmp_path / "record" / "smallest")
    assert kept.returncode == 0, kept.stderr
    again = make("paper", RECORD=tmp_path / "record" / "smallest", PAPER=tmp_path / "again")
    assert again.returncode == 0, again.stdout + again.stderr
    remade = paper_of(tmp_path / "again" / "results" / "smallest")
    expected = {"conclusion.md", "comparisons.tex", "cost.csv", "languages.pdf", "ablation.md", "ablation.png"}
    assert expected <= {path.name for path in remade}
    assert remade == paper_of(results)
    assert not (results / "encoders").exists()


def test_a_record_that_lacks_predictions_is_refused(tmp_path):
    record = tmp_path / "smallest"
    write_record(record, CONFIG, pairs=12)
    (record / "predictions" / "toplayer" / "3-1" / "r1-f1" / "th.parquet").unlink()
    process = make("paper", RECORD=record, PAPER=tmp_path / "paper")
    assert process.returncode != 0
    assert "toplayer/3-1/r1-f1" in process.stdout + process.stderr
    assert not (tmp_path / "paper" / "results" / "smallest" / "tables").exists()


def test_the_committed_tables_are_those_of_the_committed_predictions(tmp_path, no_torch):
    """Figures and full-precision files may differ in last digits between machines."""
    record = ROOT / "docs" / "results" / "embedded"
    process = make("paper", RECORD=record, PAPER=tmp_path)
    assert process.returncode == 0, process.stdout + process.stderr
    remade = {path.name: path.read_text() for path in (tmp_path / "results" / "embedded" / "tables").glob("*.md")}
    assert remade.keys() >= {"summary.md", "comparisons.md", "conclusion.md", "efficiency.md", "cost.md"}
    assert remade == {name: (record / "tables" / name).read_text() for name in remade}


@pytest.mark.parametrize(("page", "record"), [("README.md", "massive"), ("docs/results.md", "embedded")])
def test_a_page_shows_the_summary_and_the_question_s_answers_of_a_record(page, record):
    shown = (ROOT / page).read_text()
    tables = ROOT / "docs" / "results" / record / "tables"
    assert (tables / "summary.md").read_text().split("\n\n")[1] in shown
    sentences = (tables / "conclusion.md").read_text().split("\n\n")[0].splitlines()
    answers = [sentence for sentence in sentences if "equal compute" in sentence and "direct student" in sentence]
    assert len(answers) == 2, "one of the task and one of retrieval"
    assert set(answers) <= set(shown.splitlines())
