"""Whether fine-tuning got there, classifier by classifier."""

import json

import numpy as np
import pytest
from small_case import CASCADE, MODELS, TEACHER

from camembert.paper.statistics import ResultsError
from camembert.paper.tables.convergence import convergence, format_convergence, note, read_convergence, still_improving
from camembert.paper.tables.writing import NOTHING, write_csv

CURVES = {  # steps and accuracies on dev
    "6-4-2/r2-f1": [(33, 0.6), (67, 0.7), (100, 0.9)],
    "6-4-2/r1-f1": [(33, 0.8), (67, 0.95), (100, 0.96)],
    "6/r1-f1": [(25, 0.95), (50, 0.9), (75, 0.99), (100, 0.94)],
}


@pytest.fixture
def write(tmp_path):
    """A function that writes curves and returns their paths."""

    def written(curves):
        paths = []
        for name, curve in curves.items():
            paths.append(tmp_path / "classifiers" / "toplayer" / f"{name}.jsonl")
            paths[-1].parent.mkdir(parents=True, exist_ok=True)
            lines = [{"step": 10, "split": "train", "loss": 1.0}]
            lines += [{"step": step, "split": "dev", "accuracy": accuracy} for step, accuracy in curve]
            paths[-1].write_text("".join(json.dumps(line) + "\n" for line in lines))
        return paths

    return written


def test_a_row_a_classifier_says_what_the_last_third_gained(write):
    rows = convergence(write(CURVES), MODELS)
    assert rows["label"].tolist() == [TEACHER.label, CASCADE.label, CASCADE.label]
    assert rows["run"].tolist() == [1, 1, 2]
    assert rows["at_two_thirds"].tolist() == [0.95, 0.95, 0.7]  # of steps up to 67 of 100
    assert rows["at_end"].tolist() == [0.94, 0.96, 0.9]
    assert rows["best"].tolist() == [0.99, 0.96, 0.9]
    assert rows["gain"].tolist() == pytest.approx([0.04, 0.01, 0.2])
    assert rows["flat"].tolist() == [False, True, False]  # a gain of one point is still flat
    assert rows["curve"][2] == "33:0.6000 67:0.7000 100:0.9000"


def test_the_table_has_a_row_a_model(write):
    shown = format_convergence(convergence(write(CURVES), MODELS))
    assert shown.to_numpy().tolist() == [
        [TEACHER.label, "1", "0", "+4.0", "95.0", "94.0", "99.0"],
        [CASCADE.label, "2", "1", "+10.5", "82.5", "93.0", "93.0"],
    ]
    assert "at most 1 point" in note()


def test_one_evaluation_cannot_tell(write):
    rows = convergence(write({"6/r1-f1": [(100, 0.9)]}), MODELS)
    assert np.isnan(rows["gain"][0])
    assert rows["flat"][0] is None
    assert format_convergence(rows)["Flat"][0] == NOTHING
    assert still_improving(rows) == ""


def test_the_table_survives_its_file(write, tmp_path):
    rows = convergence(write(CURVES), MODELS)
    write_csv(rows, tmp_path / "convergence.csv")
    again = read_convergence(tmp_path / "convergence.csv")
    assert again["chain"].tolist() == ["6", "6-4-2", "6-4-2"]
    assert still_improving(again) == still_improving(rows) != ""


def test_curves_that_are_no_classifiers_are_refused_with_their_file(write):
    with pytest.raises(ResultsError, match=r"6-5/r1-f1\.jsonl: expected .* of a model of the experiment"):
        convergence(write({"6-5/r1-f1": [(1, 0.5)]}), MODELS)
    with pytest.raises(ResultsError, match=r"6/r1\.jsonl: expected RECIPE/CHAIN/rN-fM\.jsonl"):
        convergence(write({"6/r1": [(1, 0.5)]}), MODELS)
    with pytest.raises(ResultsError, match=r"6/r1-f1\.jsonl: no evaluation on dev"):
        convergence(write({"6/r1-f1": []}), MODELS)
