"""Every shipped config plans, without running anything."""

import pytest

from .conftest import ROOT

OVERLAYS = sorted([*(ROOT / "experiments").glob("*.yaml"), *(ROOT / "tests" / "config").glob("*.yaml")])


def test_the_embedded_experiment_plans(snakemake):
    process = snakemake("-n", config=None)
    assert process.returncode == 0, process.stderr
    assert "distill" in process.stdout + process.stderr


@pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda path: path.stem)
def test_every_shipped_overlay_plans(snakemake, tmp_path, overlay):
    data = tmp_path / "data"
    for folder in ("xnli", "text"):
        (data / folder).mkdir(parents=True)
    (data / "xnli" / "train-en.tsv").touch()
    for language in "ar bg de el en es fr hi ru sw th tr ur vi zh".split():
        (data / "text" / f"{language}.txt").touch()
        (data / "xnli" / f"dev-{language}.tsv").touch()
    process = snakemake("-n", "--configfile", str(overlay), config=None)
    assert process.returncode == 0, process.stderr
