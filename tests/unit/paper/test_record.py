"""What a record holds is brought together from the files of many jobs, and read again."""

import json
from pathlib import Path

import pandas as pd
import pytest
from small_case import record_of, results

from camembert.core.files import read_json_lines
from camembert.paper.record import collect_curves, collect_metrics, read_published


def write(path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_metrics_are_a_line_a_job_with_its_stage(tmp_path):
    encoder = write(tmp_path / "metrics" / "encoders" / "toplayer" / "6-2" / "r1.json", {"chain": "6-2"})
    benchmark = tmp_path / "make_cldr_nli.tsv"
    benchmark.write_text("s\tmax_rss\tcpu_time\n6.0\t20.0\t-\n")
    collect_metrics([encoder], [benchmark], tmp_path / "metrics.jsonl")
    assert read_json_lines(tmp_path / "metrics.jsonl") == [
        {"stage": "encoders", "chain": "6-2"},
        {"stage": "data", "job": "make_cldr_nli", "job_seconds": 6.0, "job_cpu_seconds": 0.0, "peak_memory_mib": 20.0},
    ]


def test_curves_are_a_row_a_logged_line_with_whose_it_is(tmp_path):
    untrained = write(tmp_path / "encoders" / "untrained" / "6-2x0" / "r0.jsonl")
    paths = [
        untrained,
        write(tmp_path / "encoders" / "toplayer" / "6-2" / "r1.jsonl", {"step": 1, "split": "train", "hidden": 0.5}),
        write(tmp_path / "classifiers" / "toplayer" / "6-2" / "r1-f2.jsonl", {"step": 3, "split": "dev", "f1": 1}),
    ]
    collect_curves(paths, tmp_path / "curves.parquet")
    curves = pd.read_parquet(tmp_path / "curves.parquet")
    named = ["stage", "recipe", "chain", "run", "finetuning", "split", "step"]
    assert curves[named].to_numpy().tolist() == [
        ["encoders", "toplayer", "6-2", 1, 0, "train", 1],
        ["classifiers", "toplayer", "6-2", 1, 2, "dev", 3],
    ]
    assert (curves["hidden"].dropna().tolist(), curves["f1"].dropna().tolist()) == ([0.5], [1])
    collect_curves([untrained], tmp_path / "none.parquet")
    assert list(pd.read_parquet(tmp_path / "none.parquet")) == named


@pytest.mark.parametrize(
    ("which", "unlabelled", "note"),
    [
        ("none", [], ""),
        ("root", ["en"], " Students learn soft labels of the fine-tuned teacher."),
        (
            "parent",
            ["de", "en"],
            " Students learn soft labels of the classifier one hop up; zero-shot labels, unlabelled target text seen.",
        ),
    ],
)
def test_captions_say_whose_soft_labels_were_learned_and_whether_target_text_was_seen(which, unlabelled, note):
    metrics = [{"stage": "classifiers", "unlabelled": own} for own in ([], unlabelled)]
    assert record_of(metrics=metrics, soft_labels=which).soft_label_note == note


PUBLISHED = Path(__file__).parents[3] / "docs" / "published.csv"


def test_another_test_set_than_the_published_one_has_no_published_rows():
    accuracy = results().task.accuracy
    assert read_published(PUBLISHED, accuracy).empty  # ten items a language
    assert read_published(None, accuracy.assign(n=5010)).empty


def test_every_published_row_names_its_source_and_the_average_of_its_languages():
    rows = pd.read_csv(PUBLISHED)
    assert rows["source"].notna().all()
    languages = [column for column in rows if len(column) == 2]
    others = read_published(PUBLISHED, pd.DataFrame({"language": languages, "n": 5010})).set_index("label")
    assert len(others) == (rows["setting"] == "zero-shot").sum() == 6
    whole = others.dropna()
    printed = rows.set_index("Published: " + rows["model"])["avg"][whole.index]
    assert (100 * whole["average"]).to_numpy() == pytest.approx(printed.to_numpy(), abs=0.06)
