"""Bad input stops with one clear message before any job runs, and nothing made before is lost."""

import pytest
import yaml

from camembert.plan.config import load_yaml

from .conftest import ROOT

BASE = load_yaml(ROOT / "tests" / "config" / "smallest.yaml")

BAD = {
    "a key": ({"finetuning": {"epoch": 3}}, "unknown key finetuning.epoch; did you mean finetuning.epochs?"),
    "a chain": ({"chains": ["12-6"]}, "starts with 12, but the teacher has 3 layers; start with 3, or with 0"),
    "a folder": (
        {"data": {"task": {"name": "xnli", "source": "folder", "folder": "nowhere"}}},
        "data.task.folder is 'nowhere', but there is no folder",
    ),
}
"""One of each check of a config; tests/unit/bad_input.md has all."""


def refusal(process):
    """What a refused run printed; it ran no job and showed no Python traceback of ours."""
    output = process.stdout + process.stderr
    assert process.returncode != 0, output
    assert "Job stats" not in output
    assert "Traceback" not in output
    return output


@pytest.mark.parametrize("name", BAD)
def test_a_wrong_config_is_refused_in_one_sentence(snakemake, tmp_path, name):
    change, message = BAD[name]
    kept = tmp_path / "results" / "smallest" / "tables" / "accuracy.csv"
    kept.parent.mkdir(parents=True)
    kept.write_text("made before")
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text(yaml.safe_dump(BASE | change))
    output = refusal(snakemake("--cores", "1", "--configfile", str(overlay), config=None))
    assert message in output
    assert kept.read_text() == "made before"


def test_a_config_that_is_not_yaml_is_refused(snakemake, tmp_path):
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text("runs: [1\nlanguages: en")
    process = snakemake("--cores", "1", "--configfile", str(overlay), config=None)
    output = process.stdout + process.stderr
    assert process.returncode != 0
    assert "Config file is not valid JSON or YAML" in output  # Snakemake's own: it reads overlays before the Snakefile
    assert "Job stats" not in output


def test_a_repeated_key_is_refused(snakemake, tmp_path):
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text("runs: [1]\nruns: [2]\n")
    output = refusal(snakemake("--cores", "1", "--configfile", str(overlay), config=None))
    assert "overlay.yaml, line 2, column 1 is not valid YAML: the key 'runs' is repeated" in output


def test_a_missing_config_file_is_refused(snakemake):
    process = snakemake("--cores", "1", "--configfile", "no-such.yaml", config=None)
    assert process.returncode != 0
    assert "no-such.yaml" in process.stdout + process.stderr


def test_an_unwritable_results_folder_is_refused(snakemake, tmp_path):
    (tmp_path / "results").write_text("a file where the folder should be")
    assert "cannot be written to; results go there" in refusal(snakemake("--cores", "1"))
