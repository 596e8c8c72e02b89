"""Sources that are given: everything from a hub, and one's own teacher and text, run as a user runs them."""

import json
import re
import shutil

import pandas as pd
import pytest
import yaml

from camembert.plan.config import load_yaml

from ..unit.hub_server import COMMIT, serving
from .conftest import ROOT
from .given import LANGUAGES, fill, pairs, save_teacher, sentence

NAMES = ("entailment", "neutral", "contradiction")
SHORT = """
runs: [1]
compute_matched: []
text: {batch_size: 4}
distillation: {steps: 5}
pretraining: {steps: 5}
finetuning: {epochs: 1, batch: 16, evaluations: 2}
"""


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    """The folder of a small BERT checkpoint."""
    return save_teacher(tmp_path_factory.mktemp("given") / "teacher")


@pytest.fixture
def hub(teacher, monkeypatch, tmp_path):
    """A hub that jobs of this test reach, with everything on it."""
    with serving() as server:
        fill(server, teacher)
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
        yield server


def test_everything_from_the_hub_ends_in_tables_and_figures(snakemake, tmp_path, hub):
    process = snakemake("--cores", "2", config="hub")
    assert process.returncode == 0, process.stdout + process.stderr
    results = tmp_path / "results" / "hub"
    accuracy = pd.read_csv(results / "tables" / "accuracy.csv", dtype={"chain": str})
    assert set(accuracy["language"]) == set(LANGUAGES)
    assert set(accuracy.loc[accuracy["task"] == "xnli", "chain"]) == {"3", "3-1", "majority", "naive-bayes"}
    assert (results / "figures" / "accuracy_by_language.png").is_file()
    assert len(pd.read_parquet(results / "data" / "task" / "train-en.parquet")) == 95
    assert "1 examples without a label are left out" in (results / "logs" / "import_task.log").read_text()

    manifest = json.loads((results / "data" / "downloads" / "text-wikipedia-th" / "manifest.json").read_text())
    assert (manifest["commit"], len(manifest["files"])) == (COMMIT, 2)
    shard = json.loads((results / "data" / "corpus" / "wikipedia" / "th" / "shard.json").read_text())
    assert (shard["documents"], shard["source"]["commit"]) == (40, COMMIT)
    metrics = json.loads((results / "metrics" / "encoders" / "teacher" / "3" / "r0.json").read_text())
    assert metrics["came_with"] == {"pooler": True, "mlm_head": True}
    assert metrics["source"]["repository"] == "google-bert/bert-base-multilingual-cased"
    assert (metrics["steps"], metrics["seconds"] > 0) == (0, True)
    assert (results / "encoders" / "toplayer" / "3-1" / "r1" / "mlm_head.safetensors").is_file()
    assert not (results / "checkpoints" / "corpus" / "wikipedia" / "th").exists()

    hub.requests.clear()
    again = snakemake("--cores", "2", config="hub")
    assert "Nothing to be done" in again.stdout + again.stderr
    other = tmp_path / "other.yaml"
    other.write_text("runs: [2]")
    process = snakemake("--cores", "2", "--configfile", str(ROOT / "tests/config/hub.yaml"), str(other), config=None)
    assert process.returncode == 0, process.stdout + process.stderr
    assert hub.requests == []


def fill_folder(own, teacher):
    """What docs/your-own-teacher.md asks for."""
    shutil.copytree(teacher, own / "teacher")
    for name in ("task", "text"):
        (own / name).mkdir()
    for language in LANGUAGES:
        (own / "text" / f"{language}.txt").write_text("".join(f"{sentence(language, n)} {n}\n" for n in range(40)))
        for split in ("dev", "test") if language != "en" else ("train", "dev", "test"):
            rows = pairs(language, 48)
            labels = [NAMES[number] for number in rows["label"]]
            lines = zip(rows["premise"], rows["hypothesis"], labels, strict=True)
            (own / "task" / f"{split}-{language}.tsv").write_text("".join("\t".join(line) + "\n" for line in lines))


def test_the_page_on_ones_own_teacher_can_be_typed(snakemake, tmp_path, teacher):
    page = (ROOT / "docs" / "your-own-teacher.md").read_text(encoding="utf-8")
    config = re.search(r"```yaml\n(.+?)```", page, re.DOTALL)[1]
    commands = re.search(r"```sh\n(.+?)```", page, re.DOTALL)[1].splitlines()
    fill_folder(tmp_path / "own", teacher)
    (tmp_path / "own.yaml").write_text(config)
    (tmp_path / "short.yaml").write_text(SHORT)
    assert len(commands) == 2
    for command in commands:
        words = (
            command.removeprefix("snakemake ").replace("all", "2").replace("own.yaml", f"{tmp_path}/own.yaml").split()
        )
        process = snakemake(*words, str(tmp_path / "short.yaml"), config=None)
        assert process.returncode == 0, process.stdout + process.stderr
    results = tmp_path / "results" / "own"
    assert (results / "tables" / "accuracy_by_language.md").is_file()
    for mentioned in ("logs/import_tokenizer.log", "logs/encoders/teacher", "data/corpus/text/en/shard.json"):
        assert (results / mentioned).exists()
    assert (results / "figures" / "training_curves.png").is_file()


def test_the_page_on_ones_own_task_can_be_typed(snakemake, tmp_path):
    page = (ROOT / "docs" / "your-own-task.md").read_text(encoding="utf-8")
    (tmp_path / "own" / "feelings").mkdir(parents=True)
    parts = [("train", 48), ("dev", 8), ("test", 8)]
    for language in LANGUAGES:
        rows = [
            {
                "part": part,
                "number": number,
                "sentence": sentence(language, number),
                "feeling": ("sad", "glad")[number % 2],
            }
            for part, examples in parts
            for number in range(examples)
        ]
        path = tmp_path / "own" / "feelings" / f"{'en_GB' if language == 'en' else language}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "feelings.yaml").write_text(re.search(r"```yaml\n(.+?)```", page, re.DOTALL)[1])
    (command,) = re.search(r"```sh\n(.+?)```", page, re.DOTALL)[1].splitlines()
    words = command.removeprefix("snakemake ").replace("all", "2").replace("feelings.yaml", f"{tmp_path}/feelings.yaml")
    smallest = load_yaml(ROOT / "tests" / "config" / "smallest.yaml") | {"chains": ["3-1"], "compute_matched": []}
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(smallest))
    process = snakemake(*words.split(), str(tmp_path / "small.yaml"), config=None)
    assert process.returncode == 0, process.stdout + process.stderr
    results = tmp_path / "results" / "smallest"
    assert json.loads((results / "data" / "task" / "labels.json").read_text()) == ["glad", "sad"]
    predictions = pd.read_parquet(next((results / "predictions").rglob("th.parquet")))
    assert list(predictions) == ["id", "label", "glad", "sad"]
    assert len(predictions) == 8
    assert (results / "tables" / "accuracy_by_language.md").is_file()
