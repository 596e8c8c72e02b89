"""Teachers of other architectures and tokenizers than BERT's, from a local folder, run as a user runs them."""

import json

import pandas as pd
import pytest
import yaml

from ..unit.checkpoints import HEADS, HIDDEN, INTERMEDIATE, LAYERS, LONGEST, save_checkpoint
from ..unit.hub_server import serving
from .conftest import ROOT, listening
from .given import LANGUAGES, fill, sentence
from .test_sources import SHORT, fill_folder

READ = dict.fromkeys(("layers", "hidden", "heads", "intermediate", "positions"))
"""Sizes that are left to the teacher's config.json."""
CONFIG = {
    "experiment": "given",
    "languages": list(LANGUAGES),
    "chains": ["3-1"],
    "data": {
        "task": {"name": "xnli", "source": "folder", "folder": "own/task"},
        "text": [{"name": "text", "source": "folder", "folder": "own/text"}],
        "retrieval": {"source": "none"},
    },
    "tokenizer": {"vocabulary": None},
    "teacher": {"source": "folder", "folder": "own/teacher", **READ},
    "text": {"batch": 4, "row": LONGEST},
    "finetuning": {"epochs": 1, "batch": 16, "evaluations": 2, "max_tokens": LONGEST},
    "release": {"chain": "3-1", "languages": ["en", "ru"]},
}


@pytest.fixture
def run(snakemake, tmp_path):
    """Runs an experiment on a teacher of a kind, with some sections of its config changed; returns the results."""

    def start(kind, *targets, **changes):
        text = [sentence(language, number) for language in LANGUAGES for number in range(50)]
        teacher = tmp_path / kind
        save_checkpoint(kind, teacher, text)
        (tmp_path / "own").mkdir()
        fill_folder(tmp_path / "own", teacher)
        config = yaml.safe_load(SHORT) | CONFIG | changes
        (tmp_path / "given.yaml").write_text(yaml.safe_dump(config))
        arguments = ["--cores", "2", *targets, "--configfile", str(tmp_path / "given.yaml")]
        with listening() as (network, asked):
            process = snakemake(*arguments, config=None, environment=network)
        assert process.returncode == 0, process.stdout + process.stderr
        assert asked == [], "an experiment on folders needs no network"
        return tmp_path / "results" / "given"

    return start


def test_xlm_r_is_distilled_evaluated_and_released_in_every_form(run):
    release = {"recipe": "logits", "chain": "3-1", "languages": ["en", "ru"]}
    results = run("xlm-roberta", "metrics", "release", recipes=["logits"], chains=["0-1x1", "3-1"], release=release)
    config = json.loads((results / "config.json").read_text())
    assert (config["teacher"]["layers"], config["teacher"]["positions"]) == (LAYERS, LONGEST)
    for classifier in ("teacher/3", "logits/3-1", "mlm/0-1x1"):
        metrics = json.loads((results / "metrics" / "evaluation" / classifier / "r1-f1.json").read_text())
        assert set(metrics["accuracy"]) == set(LANGUAGES)
    for encoder in ("logits/3-1/r1", "mlm/0-1x1/r1"):
        model = json.loads((results / "encoders" / encoder / "config.json").read_text())
        assert (model["model_type"], model["num_hidden_layers"]) == ("xlm-roberta", 1)
    table = pd.read_csv(results / "tables" / "release.csv", index_col="form")
    same = table.loc[["classifier", "onnx-fp32"], [f"accuracy_{language}" for language in LANGUAGES]]
    assert same.diff().iloc[1].abs().max() < 0.05, "at most a pair or so at the border between two labels"
    assert table.loc["classifier-trimmed", "bytes"] < table.loc["classifier", "bytes"]
    kept = ["accuracy_en", "accuracy_ru"]
    assert table.loc["classifier", kept].tolist() == table.loc["classifier-trimmed", kept].tolist()


@pytest.mark.parametrize(("kind", "target"), [("roberta", "metrics"), ("camembert", "all")])
def test_roberta_and_camembert_are_distilled_and_evaluated(kind, target, run):
    results = run(kind, target)
    assert (results / "tables" / "summary.md").exists() == (target == "all")
    for chain in ("teacher/3", "toplayer/3-1"):
        metrics = json.loads((results / "metrics" / "evaluation" / chain / "r1-f1.json").read_text())
        assert set(metrics["accuracy"]) == set(LANGUAGES)
    model = json.loads((results / "classifiers" / "toplayer" / "3-1" / "r1-f1" / "config.json").read_text())
    assert (model["model_type"], model["num_hidden_layers"]) == (kind, 1)


def test_the_experiment_on_multilingual_minilm_runs_at_toy_size(snakemake, tmp_path, monkeypatch):
    text = [sentence(language, number) for language in LANGUAGES for number in range(50)]
    model = save_checkpoint("minilm", tmp_path / "e5", text, headed="")
    sizes = dict(zip(READ, (LAYERS, HIDDEN, HEADS, INTERMEDIATE, LONGEST), strict=True))
    toy = {"teacher": sizes, "tokenizer": {"vocabulary": model.config.vocab_size}}
    (tmp_path / "toy.yaml").write_text(yaml.safe_dump(toy))
    overlays = ["experiments/tasks/xnli.yaml", "experiments/minilm.yaml", "tests/config/over/minilm.yaml"]
    with serving() as hub:
        fill(hub, tmp_path / "e5", "intfloat/multilingual-e5-small")
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
        configs = [*(ROOT / path for path in overlays), tmp_path / "toy.yaml"]
        process = snakemake("--cores", "2", "metrics", "--configfile", *map(str, configs), config=None)
    assert process.returncode == 0, process.stdout + process.stderr
    results = tmp_path / "results" / "toy"
    metrics = json.loads((results / "metrics" / "encoders" / "teacher" / "3" / "r0.json").read_text())
    assert metrics["came_with"] == {"pooler": True, "mlm_head": False}
    student = json.loads((results / "encoders" / "toplayer" / "3-1" / "r1" / "config.json").read_text())
    assert (student["model_type"], student["pad_token_id"]) == ("bert", 1), "the tokenizer's"
    metrics = json.loads((results / "metrics" / "evaluation" / "toplayer" / "3-1" / "r1-f1.json").read_text())
    assert set(metrics["accuracy"]) == set(LANGUAGES)
