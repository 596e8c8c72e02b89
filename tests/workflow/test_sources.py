"""Sources that are given: everything from a hub, and one's own teacher and text, run as a user runs them."""

import re
import shutil

import pandas as pd
import pytest

from camembert.core.files import read_json, write_json_lines

from ..unit.hub_server import COMMIT, serving
from .conftest import ROOT
from .given import LANGUAGES, fill, pairs, save_teacher, sentence

NAMES = ("entailment", "neutral", "contradiction")
SHORT = {
    "runs": [1],
    "compute_matched": [],
    "text": {"batch_size": 4},
    "distillation": {"steps": 5},
    "pretraining": {"steps": 5},
    "finetuning": {"epochs": 1, "batch_size": 16, "evaluations": 2},
}


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
    snakemake("--cores", "2", configs=["hub"])
    results = tmp_path / "results" / "hub"
    answers = pd.read_parquet(results / "answers.parquet")
    assert set(answers["language"]) == set(LANGUAGES)
    assert set(answers.loc[answers["task"] == "xnli", "chain"]) == {"3", "3-1", "majority", "naive-bayes"}
    assert (results / "figures" / "accuracy_by_language.png").is_file()
    assert len(pd.read_parquet(results / "data" / "task" / "train-en.parquet")) == 95
    assert "1 examples without a label are left out" in (results / "logs" / "import_task.log").read_text()

    manifest = read_json(results / "data" / "downloads" / "text-wikipedia-th" / "manifest.json")
    assert (manifest["commit"], len(manifest["files"])) == (COMMIT, 2)
    shard = read_json(results / "data" / "corpus" / "wikipedia" / "th" / "shard.json")
    assert (shard["documents"], shard["source"]["commit"]) == (40, COMMIT)
    metrics = read_json(results / "metrics" / "encoders" / "teacher" / "3" / "r0.json")
    assert metrics["came_with"] == {"pooler": True, "mlm_head": True}
    assert metrics["source"]["repository"] == "google-bert/bert-base-multilingual-cased"
    assert (metrics["steps"], metrics["seconds"] > 0) == (0, True)
    assert (results / "encoders" / "toplayer" / "3-1" / "r1" / "mlm_head.safetensors").is_file()
    assert not (results / "checkpoints" / "corpus" / "wikipedia" / "th").exists()

    hub.requests.clear()
    assert "Nothing to be done" in snakemake("--cores", "2", configs=["hub"])
    snakemake("--cores", "2", configs=["hub", {"runs": [2]}])
    assert hub.requests == []


def typed(page, config):
    """Writes the config on a page of the documentation; returns the arguments of the commands there, but for it."""
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    config.write_text(re.search(r"```yaml\n(.+?)```", text, re.DOTALL)[1])
    commands = re.search(r"```sh\nsnakemake (.+?)\n```", text, re.DOTALL)[1].split("\nsnakemake ")
    last = f" --configfile {config.name}"
    assert all(command.endswith(last) for command in commands)
    return [command.removesuffix(last).replace("--cores all", "--cores 2").split() for command in commands]


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
    commands = typed("your-own-teacher", tmp_path / "own.yaml")
    fill_folder(tmp_path / "own", teacher)
    assert [command[0] for command in commands] == ["-n", "--cores"]
    for command in commands:
        snakemake(*command, configs=[tmp_path / "own.yaml", SHORT])
    results = tmp_path / "results" / "own"
    assert (results / "tables" / "accuracy_by_language.md").is_file()
    for mentioned in ("logs/import_tokenizer.log", "logs/encoders/teacher", "data/corpus/text/en/shard.json"):
        assert (results / mentioned).exists()
    assert (results / "figures" / "training_curves.png").is_file()


def test_the_page_on_ones_own_task_can_be_typed(snakemake, tmp_path):
    (command,) = typed("your-own-task", tmp_path / "feelings.yaml")
    for language in LANGUAGES:
        rows = [
            {"part": part, "number": n, "sentence": sentence(language, n), "feeling": ("sad", "glad")[n % 2]}
            for part, examples in (("train", 48), ("dev", 8), ("test", 8))
            for n in range(examples)
        ]
        name = "en_GB" if language == "en" else language
        write_json_lines(tmp_path / "own" / "feelings" / f"{name}.jsonl", rows)
    small = {"chains": ["3-1"], "compute_matched": []}
    snakemake(*command, configs=[tmp_path / "feelings.yaml", ROOT / "tests" / "config" / "smallest.yaml", small])
    results = tmp_path / "results" / "smallest"
    assert read_json(results / "data" / "task" / "labels.json") == ["glad", "sad"]
    predictions = pd.read_parquet(next((results / "predictions").rglob("th.parquet")))
    assert list(predictions) == ["id", "label", "glad", "sad"]
    assert len(predictions) == 8
    assert (results / "tables" / "accuracy_by_language.md").is_file()
