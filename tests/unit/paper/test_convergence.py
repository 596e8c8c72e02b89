"""Whether fine-tuning got there, classifier by classifier."""

import numpy as np
import pandas as pd
import pytest
from small_case import CASCADE, MODELS, TEACHER

from camembert.paper.tables.convergence import NOTE, convergence, format_convergence, still_improving
from camembert.paper.tables.writing import NOTHING

CURVES = {  # chain and run; steps and accuracies on dev
    ("6-4-2", 2): [(33, 0.6), (67, 0.7), (100, 0.9)],
    ("6-4-2", 1): [(33, 0.8), (67, 0.95), (100, 0.96)],
    ("6", 1): [(25, 0.95), (50, 0.9), (75, 0.99), (100, 0.94)],
}


def table_of(curves):
    """The curves of some classifiers, among lines of other splits and stages."""
    rows = []
    for (chain, run), curve in curves.items():
        whose = {"stage": "classifiers", "recipe": "toplayer", "chain": chain, "run": run, "finetuning": 1}
        rows += [whose | {"split": "dev", "step": step, "accuracy": accuracy} for step, accuracy in curve]
        rows += [whose | {"split": "train", "step": 200, "loss": 1.0}]
        rows += [whose | {"stage": "encoders", "split": "dev", "step": 300, "accuracy": 0.1}]
    return pd.DataFrame(rows)


def test_a_row_a_classifier_says_what_the_last_third_gained():
    rows = convergence(table_of(CURVES), MODELS)
    assert rows["label"].tolist() == [TEACHER.label, CASCADE.label, CASCADE.label]
    assert rows["run"].tolist() == [1, 1, 2]
    assert rows["at_two_thirds"].tolist() == [0.95, 0.95, 0.7]  # of steps up to 67 of 100
    assert rows["at_end"].tolist() == [0.94, 0.96, 0.9]
    assert rows["best"].tolist() == [0.99, 0.96, 0.9]
    assert rows["gain"].tolist() == pytest.approx([0.04, 0.01, 0.2])
    assert rows["flat"].tolist() == [False, True, False]  # a gain of one point is still flat
    assert rows["curve"][2] == "33:0.6000 67:0.7000 100:0.9000"


def test_the_table_has_a_row_a_model():
    shown = format_convergence(convergence(table_of(CURVES), MODELS))
    assert shown.to_numpy().tolist() == [
        [TEACHER.label, "1", "0", "+4.0", "95.0", "94.0", "99.0"],
        [CASCADE.label, "2", "1", "+10.5", "82.5", "93.0", "93.0"],
    ]
    assert "at most 1 point" in NOTE


def test_one_evaluation_cannot_tell():
    rows = convergence(table_of({("6", 1): [(100, 0.9)]}), MODELS)
    assert np.isnan(rows["gain"][0])
    assert rows["flat"][0] is None
    assert format_convergence(rows)["Flat"][0] == NOTHING
    assert still_improving(rows) == ""


def test_models_whose_classifiers_were_still_improving_are_named():
    assert still_improving(convergence(table_of(CURVES), MODELS)).endswith(f"{TEACHER.label} (1), {CASCADE.label} (1).")
