"""Bad input stops with one clear message before any job runs, and nothing made before is lost."""

import re

import pytest


@pytest.mark.parametrize(
    ("overlay", "said"),
    [
        ("finetuning: {epoch: 3}", "unknown key finetuning.epoch; did you mean finetuning.epochs?"),
        (
            "data: {task: {name: xnli, source: folder, folder: nowhere}}",
            "data.task.folder is 'nowhere', but there is no folder",
        ),
        ("runs: [1]\nruns: [2]\n", "overlay.yaml, line 2, column 1 is not valid YAML: the key 'runs' is repeated"),
    ],
    ids=["key", "folder", "repeated key"],
)
def test_a_wrong_config_is_refused_in_one_sentence(snakemake, tmp_path, overlay, said):
    """One of each kind; tests/unit/bad_input.md has all."""
    made = tmp_path / "results" / "smallest" / "tables" / "summary.csv"
    made.parent.mkdir(parents=True)
    made.write_text("made before")
    (tmp_path / "overlay.yaml").write_text(overlay)
    printed = snakemake("--cores", "1", configs=["smallest", tmp_path / "overlay.yaml"], fails=True)
    assert said in printed
    assert not re.search("Job stats|Traceback", printed)
    assert made.read_text() == "made before"


def test_an_overlay_that_snakemake_cannot_read_is_refused(snakemake, tmp_path):
    """It reads overlays before the Snakefile, and has messages of its own."""
    overlay = tmp_path / "overlay.yaml"
    assert "overlay.yaml" in snakemake("--cores", "1", configs=[overlay], fails=True)
    overlay.write_text("runs: [1\nlanguages: en")
    assert "Config file is not valid JSON or YAML" in snakemake("--cores", "1", configs=[overlay], fails=True)


def test_an_unwritable_results_folder_is_refused(snakemake, tmp_path):
    (tmp_path / "results").write_text("a file where the folder should be")
    assert "cannot be written to; results go there" in snakemake("--cores", "1", fails=True)
