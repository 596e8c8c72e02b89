"""The whole workflow at its smallest, run as a user runs it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from camembert.core.files import read_json
from camembert.plan.config import load_yaml

from .conftest import OFFLINE, ROOT, listening

REAL_DATA = os.environ.get("CAMEMBERT_REAL_DATA")
SMALLEST = ROOT / "tests" / "config" / "smallest.yaml"
RELEASE = load_yaml(SMALLEST)["release"]["forms"]
PAPER = dict.fromkeys(("collect_answers", "collect_metrics", "tabulate", "draw"), 1)


def made(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file() and "logs" not in path.parts}


def jobs(printed):
    """How many jobs of each rule a run lists."""
    rows = re.findall(r"^(\w+) +(\d+)$", printed, flags=re.MULTILINE)
    return {rule: int(count) for rule, count in rows if rule not in ("all", "total")}


def test_an_experiment_without_downloads_asks_for_no_network(smallest_run):
    assert smallest_run.asked == []


def test_whoever_asks_for_the_network_is_heard():
    code = "from datasets.load import increase_load_count; increase_load_count('json')"
    with listening() as (network, asked):
        environment = os.environ | network | {"HF_UPDATE_DOWNLOAD_COUNTS": "1"}
        subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    assert "amazonaws" in "".join(asked)


def test_the_workflow_makes_tables_and_figures_and_then_has_nothing_to_do(smallest_run):
    results = smallest_run.results
    forms = (".csv", ".md", ".tex", ".html")
    for name in ("summary", "accuracy_by_language", "retrieval_readings", "comparisons", "efficiency", "cost"):
        assert all((results / "tables" / f"{name}{suffix}").stat().st_size for suffix in forms)
    for name in ("accuracy_by_language", "finding", "pareto", "training_curves"):
        assert all((results / "figures" / f"{name}{suffix}").stat().st_size for suffix in (".pdf", ".png"))
    shown = smallest_run.printed
    assert "| Teacher (3 layers)" in shown
    assert "The whole experiment smallest: " in shown
    assert "At equal compute " in shown
    assert not (results / "tables" / "ablation.csv").exists(), "one recipe is no ablation"
    assert "results/smallest/figures" in shown

    answers = pd.read_parquet(results / "answers.parquet")
    matched = [chain for chain in answers["chain"].unique() if chain.startswith("3-1x2")]
    assert len(matched) == 1, "the direct student at the cascade's compute"
    assert {"3", "0-1", "3-1x0", "3-1", "3-2", "3-2-1"} <= set(answers["chain"])
    assert set(answers["language"]) == {"en", "ru", "th"}
    predictions = pd.read_parquet(results / "predictions" / "teacher" / "3" / "r1-f1" / "th.parquet")
    guesses = predictions[["entailment", "neutral", "contradiction"]].to_numpy().argmax(1)
    own = answers.query("task == 'cldr-nli' and reading == 'as_is' and chain == '3' and language == 'th'")
    assert own["right"].tolist() == (guesses == predictions["label"]).tolist()
    metrics = read_json(results / "metrics" / "encoders" / "toplayer" / "3-2-1" / "r1.json")
    assert {"chain", "recipe", "run", "config_hash", "versions", "device", "seconds"} <= set(metrics)
    assert not (results / "checkpoints" / "encoders" / "toplayer" / "3-2-1" / "r1").exists()

    before = made(results)
    assert "Nothing to be done" in smallest_run.snakemake("--cores", "2")
    assert made(results) == before


@pytest.mark.parametrize(
    ("change", "planned"),
    [
        (
            {"chains": ["3", "0-1", "3-1x0", "3-1", "3-2x0"]},
            {"distill": 1, "finetune": 1, "evaluate": 1, "retrieve": 1, "probe": 1, "measure_efficiency": 1, **PAPER},
        ),
        (
            {"runs": [1, 2], "scratch_runs": 2},
            {"distill": 4, "pretrain_from_scratch": 2, "retrieve": 6, "probe": 6, "finetune": 8, "evaluate": 8} | PAPER,
        ),
        (
            {
                "checkpoint_seconds": 5,
                "evaluation": {"batch_tokens": 8},
                "release": {"chain": "3-1"},
                "resources": {"finetuning": {"gpu": 0, "mem_mb": 999, "runtime": 9}},
                "device": "cpu",
            },
            {},
        ),
    ],
    ids=["a new chain builds itself alone", "another run has the same teacher and copies", "what changes no result"],
)
def test_what_is_added_is_made_alone(smallest_run, change, planned):
    assert jobs(smallest_run.snakemake("-n", change=change)) == planned


@pytest.mark.parametrize(
    ("change", "made", "kept"),
    [
        ({"comparisons": {"margin": 5}}, {"collect_metrics", "tabulate", "draw"}, {"collect_answers"}),
        ({"efficiency": {"repeats": 3}}, {"measure_efficiency", "tabulate"}, {"finetune", "collect_answers"}),
        (
            {"resources": {"distillation": {"gpu": 1, "mem_mb": 999, "runtime": 9}}},
            {"distill", "finetune"},
            {"pretrain", "tokenize_text"},
        ),
        ({"retrieval": {"pooling": "mean"}}, {"probe", "tabulate"}, {"retrieve", "distill"}),
        ({"retrieval": {"neighbours": 3}}, {"retrieve", "collect_answers"}, {"distill", "evaluate", "probe"}),
        ({"probe": {"strengths": [1.0]}}, {"probe", "collect_answers"}, {"distill", "evaluate", "retrieve"}),
        ({"finetuning": {"epochs": 2}}, {"finetune", "evaluate"}, {"distill", "retrieve", "probe"}),
        ({"finetunings": 2}, {"finetune", "evaluate"}, {"distill", "retrieve"}),
        ({"data": {"cldr": {"test": 72}}}, {"make_cldr_nli", "evaluate"}, {"pretrain", "distill", "train_tokenizer"}),
        ({"data": {"retrieval": {"source": "none"}}}, {"collect_answers", "tabulate"}, {"train_tokenizer", "distill"}),
        (
            {"data": {"task": {"train_languages": ["en", "ru"]}}},
            {"make_cldr_nli", "finetune"},
            {"train_tokenizer", "pretrain", "distill"},
        ),
        (
            {"data": {"cldr": {"test": 72}}, "distillation": {"steps": 7}},
            {"make_cldr_nli", "distill"},
            {"train_tokenizer", "pretrain"},
        ),
        ({"distillation": {"steps": 7}}, {"distill", "retrieve", "finetune"}, {"pretrain", "tokenize_text"}),
        ({"pretraining": {"steps": 7}}, {"pretrain", "distill"}, {"tokenize_text", "train_tokenizer"}),
        ({"tokenizer": {"vocab_size": 700}}, {"train_tokenizer", "pretrain"}, {"make_cldr_text", "make_cldr_nli"}),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_when_one_key_changes_what_depends_on_it_is_made_again_and_nothing_else(smallest_run, change, made, kept):
    again = set(jobs(smallest_run.snakemake("-n", change=change)))
    assert made <= again
    assert not kept & again


def test_a_release_is_evaluated_like_the_model_it_is_made_of(smallest_run):
    printed = smallest_run.snakemake("--cores", "2", "release")
    results = smallest_run.results
    assert all((results / "release" / form / "README.md").stat().st_size for form in RELEASE)
    assert not list((results / "forms").glob("*")), "what was only measured is gone"
    table = pd.read_csv(results / "tables" / "release.csv", index_col="form")
    assert list(table.index) == ["teacher", "teacher-onnx", "teacher-onnx-int8", *RELEASE]
    assert (results / "figures" / "release.png").is_file()
    assert "| Teacher, ONNX, 8-bit integers " in printed
    languages = [f"accuracy_{language}" for language in ("en", "ru", "th")]
    for whose in ("teacher", "classifier"):
        same = table.loc[[whose, f"{whose}-onnx"], languages]
        assert same.diff().iloc[1].abs().max() < 0.03, "at most a pair or so at the border between two labels"
    chosen = read_json(results / "metrics" / "release-choice.json")["student"]["path"]
    assert chosen == "toplayer/3-2-1/r1-f1"
    own, first = (
        pd.read_parquet(results / "predictions" / name / "th.parquet") for name in ("release/classifier", chosen)
    )
    pd.testing.assert_frame_equal(own, first)
    refused = smallest_run.snakemake("-n", "release", change={"release": {"chain": "3-2-1-1"}}, fails=True)
    assert "release.chain: chain '3-2-1-1' repeats 1 layers" in refused


def test_the_layers_of_every_encoder_are_compared_without_any_training(smallest_run):
    printed = smallest_run.snakemake("--cores", "2", "layers", change={"comparisons": {"margin": 5}})
    assert set(jobs(printed)) == {"retrieve_layers", "draw_layers", "layers"}
    table = pd.read_csv(smallest_run.results / "tables" / "layers.csv", dtype={"chain": str})
    assert table.groupby("chain")["layer"].max().to_dict()["3"] == 3
    top = table.query("chain == '3' and layer == 3 and language == 'th'")["accuracy"].item()
    retrieved = read_json(smallest_run.results / "metrics" / "retrieval" / "teacher" / "3" / "r0.json")
    assert top == pytest.approx(retrieved["accuracy"]["cls/centred_margin/into_english"]["th"])
    assert (smallest_run.results / "figures" / "layers.png").is_file()
    assert read_json(smallest_run.results / "config.json")["comparisons"]["margin"] == 2, "that of what was collected"
    none = {"data": {"retrieval": {"source": "none"}}}
    refused = smallest_run.snakemake("-n", "layers", change=none, fails=True)
    assert "layers are compared by retrieval, but data.retrieval.source is none" in refused


def test_results_that_snakemake_takes_back_are_made_again_from_the_last_checkpoint(snakemake, tmp_path):
    """As where a node's clock is behind, so that results look older than their input: a failed job's are deleted."""
    configs = ["smallest", {"checkpoint_seconds": 0}]
    results = tmp_path / "results" / "smallest"
    teacher, checkpoints = (results / kind / "encoders" / "teacher" / "3" / "r0" for kind in (".", "checkpoints"))
    snakemake("--cores", "1", "--until", "pretrain", configs=configs)
    weights = (teacher / "model.safetensors").read_bytes()
    shutil.rmtree(teacher)
    snakemake("--cores", "1", "--until", "pretrain", configs=configs)
    log = results / "logs" / "encoders" / "teacher" / "3" / "r0.log"
    assert "continuing from the checkpoint of step" in log.read_text()
    assert (teacher / "model.safetensors").read_bytes() == weights
    assert list(checkpoints.glob("step-*"))
    snakemake("--cores", "1", "results/smallest/metrics/encoders/toplayer/3-1/r1.json", configs=configs)
    assert not checkpoints.exists(), "whoever reads the encoder clears them"


def test_a_path_with_a_space_is_a_path(tmp_path):
    """A clone and its environment in a folder such as "my group"."""
    folder = tmp_path / "my group"
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(".*", "results", "docs", "tests"))
    (folder / ".venv").symlink_to(sys.prefix)
    labels = "results/smallest/data/task/labels.json"
    command = [folder / ".venv" / "bin" / "python", "-m", "snakemake", "--cores", "1", labels, "--configfile", SMALLEST]
    process = subprocess.run(list(map(str, command)), cwd=folder, capture_output=True, text=True, timeout=300)
    assert process.returncode == 0, process.stdout + process.stderr
    assert "my group" in process.stdout + process.stderr
    assert (folder / labels).is_file()


def test_without_a_home_folder_a_cache_folder_will_do(snakemake, tmp_path):
    environment = {"HOME": "/proc/none", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    snakemake("--cores", "1", "--until", "make_cldr_nli", environment=environment)
    environment["XDG_CACHE_HOME"] = ""
    refused = subprocess.run(["make", "cache"], cwd=ROOT, capture_output=True, text=True, env=os.environ | environment)
    assert refused.returncode != 0
    assert (
        "/proc/none/.cache cannot be written to, where Snakemake keeps its cache; set XDG_CACHE_HOME" in refused.stdout
    )


def test_a_failing_job_shows_the_end_of_its_log(snakemake, tmp_path):
    task = tmp_path / "task"
    task.mkdir()
    for language in ("en", "ru", "th"):
        for split in ("dev", "test"):
            (task / f"{split}-{language}.tsv").write_text("premise\thypothesis\tneutral\n")
    (task / "train-en.tsv").write_text("a premise\tof two columns\n")
    overlay = {"data": {"task": {"name": "xnli", "source": "folder", "folder": str(task)}}}
    printed = snakemake("--cores", "1", "--until", "import_task", configs=["smallest", overlay], fails=True)
    assert "train-en.tsv:1 has 2 tab-separated columns; expected 'premise', 'hypothesis', 'label'" in printed
    log = tmp_path / "results" / "smallest" / "logs" / "import_task.log"
    assert "train-en.tsv:1" in log.read_text()
    assert "Traceback" not in log.read_text()


@pytest.mark.skipif(REAL_DATA is None, reason="CAMEMBERT_REAL_DATA does not name a folder with real XNLI and text")
def test_real_files_end_in_the_same_tables_and_figures(snakemake, tmp_path):
    task, text = ({"source": "folder", "folder": str(Path(str(REAL_DATA)) / name)} for name in ("xnli", "text"))
    data = {
        "task": task | {"name": "xnli", "train_limit": 256, "split_dev": True},
        "text": [text | {"name": "own", "limit": 300, "overlap": "leave_out"}],
    }
    overlay = {"chains": ["3-1"], "compute_matched": [], "data": data}
    snakemake("--cores", "2", configs=["smallest", overlay], environment=OFFLINE)
    results = tmp_path / "results" / "smallest"
    assert (results / "figures" / "accuracy_by_language.png").is_file()
    halves = [pd.read_parquet(results / "data" / "task" / f"{split}-en.parquet") for split in ("dev", "test")]
    assert sum(map(len, halves)) == 2490
    assert not set(halves[0]["text"]) & set(halves[1]["text"])
