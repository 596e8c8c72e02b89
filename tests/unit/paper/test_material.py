"""What a record holds is brought together from the files of many jobs, and read again."""

import json

import pandas as pd
import pytest

from camembert.core.files import read_json_lines
from camembert.paper.answers import Results
from camembert.paper.material import Material, collect_curves, collect_metrics
from camembert.paper.statistics import ResultsError


def write(path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_metrics_are_a_line_a_job_with_its_stage(tmp_path):
    encoder = write(
        tmp_path / "metrics" / "encoders" / "toplayer" / "6-2" / "r1.json", {"chain": "6-2", "job_seconds": 5.0}
    )
    benchmark = tmp_path / "benchmarks" / "make_cldr_nli.tsv"
    benchmark.parent.mkdir()
    benchmark.write_text("s\tmax_rss\tcpu_time\n6.0\t20.0\t-\n")
    collect_metrics([encoder], [benchmark], tmp_path / "metrics.jsonl")
    assert read_json_lines(tmp_path / "metrics.jsonl") == [
        {"stage": "encoders", "chain": "6-2", "job_seconds": 5.0},
        {"stage": "data", "job": "make_cldr_nli", "job_seconds": 6.0, "job_cpu_seconds": 0.0, "peak_memory_mib": 20.0},
    ]
    with pytest.raises(ResultsError, match=r"elsewhere\.json: expected metrics/STAGE/"):
        collect_metrics([write(tmp_path / "elsewhere.json", {})], [], tmp_path / "metrics.jsonl")


def test_curves_are_a_row_a_logged_line_with_whose_it_is(tmp_path):
    metrics = tmp_path / "metrics"
    paths = [
        write(metrics / "encoders" / "untrained" / "6-2x0" / "r0.jsonl"),  # nothing was trained
        write(metrics / "encoders" / "toplayer" / "6-2" / "r1.jsonl", {"step": 1, "split": "train", "hidden": 0.5}),
        write(
            metrics / "classifiers" / "toplayer" / "6-2" / "r1-f2.jsonl", {"step": 3, "split": "dev", "accuracy": 0.7}
        ),
    ]
    collect_curves(paths, tmp_path / "curves.parquet")
    curves = pd.read_parquet(tmp_path / "curves.parquet")
    named = ["stage", "recipe", "chain", "run", "finetuning", "split", "step"]
    assert curves[named].to_numpy().tolist() == [
        ["encoders", "toplayer", "6-2", 1, 0, "train", 1],
        ["classifiers", "toplayer", "6-2", 1, 2, "dev", 3],
    ]
    assert curves["hidden"].dropna().tolist() == [0.5]
    assert curves["accuracy"].dropna().tolist() == [0.7]
    with pytest.raises(ResultsError, match=r"elsewhere\.jsonl: expected metrics/"):
        collect_curves([tmp_path / "elsewhere.jsonl"], tmp_path / "curves.parquet")


def test_where_nothing_was_trained_there_are_no_curves(tmp_path):
    collect_curves([write(tmp_path / "metrics" / "encoders" / "untrained" / "6-2x0" / "r0.jsonl")], tmp_path / "curves")
    curves = pd.read_parquet(tmp_path / "curves")
    assert curves.empty
    assert {"stage", "chain", "split", "step"} <= set(curves)


@pytest.mark.parametrize(
    ("which", "unlabelled", "said"),
    [
        ("none", [], ""),
        ("root", [], " Students learn soft labels of the fine-tuned teacher."),
        ("root", ["en"], " Students learn soft labels of the fine-tuned teacher."),
        (
            "parent",
            ["de", "en"],
            " Students learn soft labels of the classifier one hop up; zero-shot labels, unlabelled target text seen.",
        ),
    ],
)
def test_captions_say_whose_soft_labels_were_learned_and_whether_target_text_was_seen(which, unlabelled, said):
    metrics = [{"stage": "classifiers", "unlabelled": []}, {"stage": "classifiers", "unlabelled": unlabelled}]
    results = Results([], {})
    material = Material("x", "task", [], results, metrics, pd.DataFrame(), [], 2.0, [], [], soft_labels=which)
    assert material.learned_from == said
