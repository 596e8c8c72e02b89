"""Averages are taken within a run first; spreads are then taken over runs."""

import math

import numpy as np
import pandas as pd
import pytest

from camembert.paper.statistics import (
    Model,
    ResultsError,
    averages,
    by_run,
    models_of,
    name_of_languages,
    runs_of,
    spread,
    teacher_of,
)
from camembert.plan.chain import Method


def accuracies(*rows):
    return pd.DataFrame(rows, columns=["recipe", "chain", "run", "finetuning", "language", "accuracy"])


TWO_RUNS = accuracies(
    ("toplayer", "6-2", 1, 1, "en", 0.80),
    ("toplayer", "6-2", 1, 1, "fr", 0.50),
    ("toplayer", "6-2", 1, 1, "ur", 0.20),
    ("toplayer", "6-2", 2, 1, "en", 0.60),
    ("toplayer", "6-2", 2, 1, "fr", 0.50),
    ("toplayer", "6-2", 2, 1, "ur", 0.40),
)


def test_averages_are_taken_within_a_run():
    scores = averages(TWO_RUNS)
    assert scores["english"].tolist() == [0.80, 0.60]
    assert scores["average"].tolist() == pytest.approx([0.50, 0.50])
    assert scores["zero_shot"].tolist() == pytest.approx([0.35, 0.45])


def test_languages_that_cancel_within_a_run_leave_no_spread_of_the_average():
    assert spread(averages(TWO_RUNS)["average"]).sd == pytest.approx(0)
    assert spread(by_run(TWO_RUNS)["ur"]).sd == pytest.approx(math.sqrt(0.02))


def test_fine_tunings_are_averaged_within_a_run():
    again = TWO_RUNS.assign(finetuning=2, accuracy=TWO_RUNS["accuracy"] + 0.1)
    assert by_run(pd.concat([TWO_RUNS, again]))["en"].tolist() == pytest.approx([0.85, 0.65])


def test_languages_keep_the_order_they_came_in():
    assert list(by_run(TWO_RUNS)) == ["en", "fr", "ur"]


def test_zero_shot_are_the_languages_without_labels():
    scores = averages(TWO_RUNS, ["fr", "ur"])
    assert scores["english"].tolist() == pytest.approx([0.35, 0.45]), "the column of the languages with labels"
    assert scores["zero_shot"].tolist() == [0.80, 0.60]
    assert (name_of_languages(["en"]), name_of_languages(["ur", "en"])) == ("English", "ur, en")


def test_english_alone_has_no_zero_shot_average():
    assert averages(TWO_RUNS[TWO_RUNS["language"] == "en"])["zero_shot"].isna().all()


def test_one_run_has_a_mean_and_no_spread():
    runs = spread([0.5])
    assert runs.mean == 0.5
    assert np.isnan(runs.sd)


def test_the_spread_is_the_sample_standard_deviation():
    assert spread([0.50, 0.52, 0.54]) == (3, pytest.approx(0.52), pytest.approx(0.02))


def test_a_model_that_was_never_evaluated_is_refused():
    with pytest.raises(ResultsError, match="no accuracy of chain 6-4-2 under recipe toplayer"):
        runs_of(averages(TWO_RUNS), Model("toplayer", "6-4-2", "Cascade", Method.CASCADE))


def test_each_model_is_named_once_and_the_recipe_where_labels_are_shared():
    plan = [
        {"recipe": "a", "chain": "6", "label": "Teacher", "method": "teacher"},
        {"recipe": "a", "chain": "6-2", "label": "Direct 6-2", "method": "direct"},
        {"recipe": "b", "chain": "6-2", "label": "Direct 6-2", "method": "direct"},
    ]
    assert [model.label for model in models_of([*plan, plan[-1]])] == ["Teacher", "Direct 6-2, a", "Direct 6-2, b"]


def test_a_model_is_compared_with_the_teacher_of_its_recipe_or_the_only_one():
    first, second = (Model(recipe, "6", "Teacher", Method.TEACHER) for recipe in "ab")
    student = Model("b", "6-2", "Direct 6-2", Method.DIRECT)
    assert teacher_of(student, [first, second, student]) is second
    assert teacher_of(student, [first, student]) is first
    with pytest.raises(ResultsError, match="0 teachers to compare Direct 6-2 with"):
        teacher_of(student, [student])
