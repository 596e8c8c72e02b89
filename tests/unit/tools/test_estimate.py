"""What an experiment will cost, against numbers that are known."""

import gzip
import re
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from snakemake.utils import update_config

from camembert.core.files import read_json, read_json_lines
from camembert.plan.config import load_yaml
from tools.estimate import (
    DEFAULT_EXPERIMENT,
    TaskSize,
    announcement,
    cpu_seconds,
    estimate,
    measure_task,
    parameters,
    wall_seconds,
)

ROOT = Path(__file__).parents[3]
MBERT = {
    "tokenizer": {"vocab_size": 119547},
    "teacher": {"hidden_size": 768, "intermediate_size": 3072, "max_length": 512},
}


@pytest.mark.parametrize(("layers", "millions"), [(12, 177.85), (10, 163.68), (6, 135.33), (3, 114.06)])
def test_parameters_are_those_of_multilingual_bert(layers, millions):
    assert parameters(MBERT, layers) / 1e6 == pytest.approx(millions, abs=0.01)


@pytest.fixture
def config():
    return load_yaml(ROOT / "config.yaml")


def stages(config):
    return {cost.stage: cost for cost in estimate(config, 1e9)}


def test_twice_the_steps_of_distillation_cost_twice_the_operations(config):
    config["chains"], config["compute_matched"] = ["6", "6-3"], []
    longer = deepcopy(config)
    longer["distillation"]["steps"] *= 2
    longer["pretraining"]["steps"] *= 2
    assert stages(longer)["Encoders"].flops == 2 * stages(config)["Encoders"].flops
    assert stages(longer)["Fine-tuning"] == stages(config)["Fine-tuning"]


def test_matched_controls_cost_what_their_cascade_costs(config):
    config["scratch_runs"] = len(config["runs"])
    cascades = [config | {"chains": chains, "compute_matched": []} for chains in (["6"], ["6", "6-4-3"])]
    teacher, cascade = (stages(asked)["Encoders"].flops for asked in cascades)
    matched = stages(config | {"chains": ["6"], "compute_matched": ["6-4-3"]})["Encoders"].flops
    assert matched - cascade == pytest.approx(2 * (cascade - teacher), rel=0.01)


def test_a_given_teacher_costs_no_training(config):
    config["chains"], config["compute_matched"] = ["6", "6-3x0"], []
    assert stages(config)["Encoders"].flops > 0
    config["teacher"]["source"] = "hub"
    assert stages(config)["Encoders"].flops == 0


def test_pairs_of_a_folder_are_counted(config, tmp_path):
    (tmp_path / "train-en.tsv").write_text("a\tb\tneutral\n" * 1000)
    config["data"]["task"] |= {"name": "xnli", "source": "folder", "folder": str(tmp_path)}
    config["finetuning"]["evaluations"] = 0
    whole = stages(config)["Fine-tuning"].flops
    config["data"]["task"]["train_limit"] = 250
    assert stages(config)["Fine-tuning"].flops == whole / 4
    config["data"]["task"]["train_limit"] = 4000
    assert stages(config)["Fine-tuning"].flops == whole
    (tmp_path / "train-en.tsv").unlink()
    pq.write_table(pa.table({"label": [0] * 1000}), tmp_path / "train-en.parquet")
    config["data"]["task"]["files"]["train"] = "train-*.parquet"
    assert stages(config)["Fine-tuning"].flops == whole


@pytest.fixture
def sentences(config, tmp_path):
    """Text of two languages in a folder, which students read with soft labels alone: 100 lines of 9 bytes each."""
    for language in ("en", "fr"):
        (tmp_path / f"{language}.txt").write_text("sentence\n" * 100)
    config["chains"], config["compute_matched"], config["runs"] = ["6", "6-3"], [], [1]
    config["data"]["text"].append({"name": "own", "source": "folder", "folder": str(tmp_path)})
    config["finetuning"] |= {"teacher": "root", "evaluations": 0, "epochs": 2}
    return config


def test_soft_labels_and_the_sentences_that_have_these_alone_are_counted(sentences):
    labelled, without = sentences["data"]["cldr"]["train"], stages(sentences)
    sentences["finetuning"]["unlabelled"] = ["own"]
    more = stages(sentences)
    assert more["Soft labels"].jobs == 1
    assert more["Soft labels"].flops / without["Soft labels"].flops == pytest.approx((labelled + 200) / labelled)
    student = without["Fine-tuning"].flops / 3  # of nine layers in all
    read = more["Fine-tuning"].flops - without["Fine-tuning"].flops
    assert read == pytest.approx(student * 200 / labelled), "the teacher has gold labels alone"
    sentences["data"]["text"][-1]["limit"] = 50
    assert stages(sentences)["Fine-tuning"].flops - without["Fine-tuning"].flops == pytest.approx(read / 2)
    sentences["finetuning"] |= {"teacher": "none", "unlabelled": []}
    assert "Soft labels" not in stages(sentences)


def test_text_in_folders_counts_by_its_size_and_text_on_the_hub_as_is_said(sentences):
    assert stages(sentences)["Token shards"].disk == pytest.approx(1800 / 4.15 * 4)
    assert stages(sentences)["Download"].disk == 0
    hub = {"repository": "a/b", "revision": "main", "files": "{language}.parquet"}
    sentences["data"]["text"] = [{"name": "web", "source": "hub", "hub": hub}]
    assert stages(sentences)["Token shards"].disk == pytest.approx(1e9 / 4.15 * 4)


def test_what_computes_in_another_precision_or_in_small_batches_has_a_speed_of_its_own():
    command = [sys.executable, "scripts/estimate.py", "--configfile", "experiments/paper.yaml", "--tflops", "100"]
    command += ["--utilisation", "0.5", "--tflops-fp32", "10", "--finetuning-utilisation", "0.2"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    rows = {line[:14].strip(): line[14:].replace(",", "").split() for line in printed.splitlines()[1:6]}
    for stage, speed in (("Encoders", 50e12), ("Fine-tuning", 20e12), ("Evaluation", 5e12)):
        _, petaflops, hours, _ = map(float, rows[stage])
        assert hours == pytest.approx(petaflops * 1e15 / speed / 3600, abs=0.1)


def test_a_task_of_a_folder_is_counted_and_named(config, tmp_path):
    files = {"train": "train.csv", "dev": None, "test": "test.csv"}
    config["data"]["task"] |= {"name": "tickets", "source": "folder", "folder": str(tmp_path), "files": files}
    (tmp_path / "train.csv").write_text("a b c d\n" * 100)
    (tmp_path / "test.csv").write_text("x\n" * 7)
    assert measure_task(config) == TaskSize(80, dev=20, test=7, train_tokens=2, test_tokens=2)
    config["data"]["task"]["split_dev"] = True
    assert measure_task(config)[:3] == (80, 10, 10)
    (tmp_path / "longer.csv.gz").write_bytes(gzip.compress(b"word " * 100 + b"\n"))
    config["data"]["task"]["files"] = files | {"train": "longer.csv.gz"}
    assert measure_task(config).train_tokens == config["finetuning"]["max_length"], "it is cut there"
    assert f"Its examples are those of {tmp_path}." in announcement(config, 2)


def test_languages_that_a_corpus_lacks_are_named(sentences):
    missing = ", ".join(language for language in sentences["languages"] if language not in ("en", "fr"))
    assert f"Corpora without text in some languages: own ({missing})." in announcement(sentences, 2).splitlines()
    sentences["languages"] = ["en", "fr"]
    assert "Corpora without" not in announcement(sentences, 2)


def test_another_task_under_the_name_of_the_toy_experiment_is_pointed_out(config):
    assert load_yaml(ROOT / "config.yaml")["experiment"] == DEFAULT_EXPERIMENT
    warning = "Its task is another than config.yaml's: name the experiment, or both write into results/toy."
    assert warning not in announcement(config, 2).splitlines()
    update_config(config, load_yaml(ROOT / "experiments" / "tasks" / "massive.yaml"))
    assert warning in announcement(config, 2).splitlines()
    config["experiment"] = "mine"
    assert warning not in announcement(config, 2).splitlines()


def test_the_time_that_is_announced_is_about_what_a_record_took():
    record = ROOT / "docs" / "results" / "toy"
    took = sum(job["job_cpu_seconds"] for job in read_json_lines(record / "metrics.jsonl"))
    assert cpu_seconds(read_json(record / "config.json")) == pytest.approx(took, rel=0.3)


def test_nothing_runs_beside_the_pre_training_of_the_teacher(config):
    without = config | {"pretraining": config["pretraining"] | {"steps": 0}}
    teacher = cpu_seconds(config) - cpu_seconds(without)
    assert wall_seconds(config, 1) == pytest.approx(cpu_seconds(config))
    assert wall_seconds(config, 2) == pytest.approx(wall_seconds(without, 2) + teacher)
    given = config | {"teacher": config["teacher"] | {"source": "hub"}}
    assert wall_seconds(given, 2) == pytest.approx(cpu_seconds(given) / 2)


def test_a_run_says_what_it_makes_and_how_long_that_takes_on_its_cores(config):
    config["chains"], config["compute_matched"], config["runs"] = ["6", "6-3x0", "6-3"], [], [1, 2]
    minutes = round(wall_seconds(config, 2) / 60)
    assert announcement(config, 2).splitlines() == [
        "The whole experiment toy: 3 models as 4 encoders and 4 classifiers, in 15 languages; tables and figures go to"
        " results/toy.",
        f"From nothing the whole takes some {minutes} minutes on 2 cores; what is there already is not made again.",
    ]
    assert "From nothing" not in announcement(config, None), "elsewhere the speed is not known"
    config["resources"]["distillation"]["gpu"] = 1
    assert "From nothing" not in announcement(config, 2)


def test_the_page_on_the_paper_s_scale_shows_what_the_command_prints():
    page = (ROOT / "docs" / "paper-scale.md").read_text(encoding="utf-8")
    block = re.search(r"^    \$ python (scripts/estimate\.py .+)\n((?:    .+\n)+)", page, re.MULTILINE)
    run = subprocess.run([sys.executable, *block[1].split()], capture_output=True, text=True, check=True, cwd=ROOT)
    assert [line.strip() for line in block[2].splitlines()] == [line.strip() for line in run.stdout.splitlines()]
