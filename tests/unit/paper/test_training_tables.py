"""Whether fine-tuning got there, classifier by classifier."""

import numpy as np
import pandas as pd
import pytest
from small_case import CASCADE, TEACHER, record_of

from camembert.paper.tables.training import compute_convergence, format_convergence, name_improving
from camembert.paper.tables.writing import NOTHING

CURVES = {  # chain and run; steps and accuracies on dev
    ("6-4-2", 2): [(33, 0.6), (67, 0.7), (100, 0.9)],
    ("6-4-2", 1): [(33, 0.8), (67, 0.95), (100, 0.96)],
    ("6", 1): [(25, 0.95), (50, 0.9), (75, 0.99), (100, 0.94)],
}


def convergence_of(curves):
    """The table of some curves, among lines of other splits and stages."""
    lines = []
    for (chain, run), curve in curves.items():
        whose = {"stage": "classifiers", "recipe": "toplayer", "chain": chain, "run": run, "finetuning": 1}
        lines += [whose | {"split": "dev", "step": step, "accuracy": accuracy} for step, accuracy in curve]
        lines += [whose | {"split": "train", "step": 200, "loss": 1.0}]
        lines += [whose | {"stage": "encoders", "split": "dev", "step": 300, "accuracy": 0.1}]
    return compute_convergence(record_of(curves=pd.DataFrame(lines)))


def test_a_row_a_classifier_says_what_the_last_third_gained():
    numbers = convergence_of(CURVES)
    assert numbers["label"].tolist() == [TEACHER.label, CASCADE.label, CASCADE.label]
    assert numbers["run"].tolist() == [1, 1, 2]
    assert numbers["at_two_thirds"].tolist() == [0.95, 0.95, 0.7]  # of steps up to 67 of 100
    assert numbers["at_end"].tolist() == [0.94, 0.96, 0.9]
    assert numbers["best"].tolist() == [0.99, 0.96, 0.9]
    assert numbers["gain"].tolist() == pytest.approx([0.04, 0.01, 0.2])
    assert numbers["flat"].tolist() == [False, True, False]  # a gain of one point is still flat
    assert numbers["curve"][2] == "33:0.6000 67:0.7000 100:0.9000"
    assert format_convergence(numbers).to_numpy().tolist() == [
        [TEACHER.label, "1", "0", "+4.0", "95.0", "94.0", "99.0"],
        [CASCADE.label, "2", "1", "+10.5", "82.5", "93.0", "93.0"],
    ]
    improving = name_improving(numbers)
    assert improving.startswith("2 of 3 classifiers were still improving at the end of fine-tuning, by more than 1 p")
    assert improving.endswith(f"{TEACHER.label} (1), {CASCADE.label} (1).")


def test_one_evaluation_cannot_tell():
    numbers = convergence_of({("6", 1): [(100, 0.9)]})
    assert np.isnan(numbers["gain"][0])
    assert numbers["flat"][0] is None
    assert format_convergence(numbers)["Flat"][0] == NOTHING
    assert name_improving(numbers) == ""
