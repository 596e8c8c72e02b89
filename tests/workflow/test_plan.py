"""Every shipped config plans with every shipped profile, without running anything."""

import pytest
import yaml

from camembert.config import load_yaml

from .conftest import ROOT

OVERLAYS = sorted([*(ROOT / "experiments").glob("*.yaml"), *(ROOT / "tests" / "config").glob("*.yaml")])
PROFILES = ["default", "slurm"]


def write_folders(data):
    """Empty files where a config with local folders expects some."""
    for folder in ("xnli", "text"):
        (data / folder).mkdir(parents=True)
    (data / "xnli" / "train-en.tsv").touch()
    for language in "ar bg de el en es fr hi ru sw th tr ur vi zh".split():
        (data / "text" / f"{language}.txt").touch()
        for split in ("dev", "test"):
            (data / "xnli" / f"{split}-{language}.tsv").touch()


@pytest.mark.parametrize("profile", PROFILES)
def test_the_embedded_experiment_plans(snakemake, profile):
    process = snakemake("-n", "--workflow-profile", profile, config=None)
    assert process.returncode == 0, process.stderr
    assert "distill" in process.stdout + process.stderr


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda path: path.stem)
def test_every_shipped_overlay_plans(snakemake, tmp_path, overlay, profile):
    write_folders(tmp_path / "data")
    process = snakemake("-n", "--configfile", str(overlay), "--workflow-profile", profile, config=None)
    assert process.returncode == 0, process.stderr


@pytest.mark.parametrize(("change", "shown"), [({}, True), ({"split_dev": True}, False), ({"train_limit": 99}, False)])
def test_published_accuracies_are_shown_beside_the_whole_of_xnli_alone(snakemake, tmp_path, change, shown):
    write_folders(tmp_path / "data")
    files = {"nli": str(tmp_path / "data" / "xnli"), "text": str(tmp_path / "data" / "text")} | change
    overlay = load_yaml(ROOT / "tests" / "config" / "smallest.yaml") | {"data": {"source": "files", "files": files}}
    (tmp_path / "overlay.yaml").write_text(yaml.safe_dump(overlay))
    process = snakemake("--filegraph", "--configfile", str(tmp_path / "overlay.yaml"), config=None)
    assert process.returncode == 0, process.stderr
    assert ("docs/published.csv" in process.stdout) == shown
