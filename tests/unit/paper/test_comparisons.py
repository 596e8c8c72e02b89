"""Pairs of models: what is found between them, and that nothing is found between copies."""

import numpy as np
import pytest
from scipy import stats

from camembert.paper.answers import Answers
from camembert.paper.intervals import EQUIVALENCE_LEVEL, interval
from camembert.paper.statistics import Model, ResultsError
from camembert.paper.tables.ablation import ablation, format_ablation, note
from camembert.paper.tables.comparisons import (
    COLUMNS,
    compare,
    equivalence,
    format_comparisons,
    mcnemar_by_language,
    read_planned,
)
from camembert.paper.tables.conclusion import conclusion
from camembert.plan.chain import Method
from camembert.plan.comparisons import Contrast, PlannedComparison

TEACHER = Model("teacher", "6", "Teacher (6 layers)", Method.TEACHER)
DIRECT = Model("toplayer", "6-2x2", "Direct, equal compute 6-2x2", Method.DIRECT_LONGER)
CASCADE = Model("toplayer", "6-4-2", "Cascade 6-4-2", Method.CASCADE)
MODELS = [TEACHER, DIRECT, CASCADE]
LANGUAGES = ["en", "fr", "ur"]
EQUAL = PlannedComparison(Contrast.DIRECT_EQUAL_COMPUTE, ("toplayer", "6-4-2"), ("toplayer", "6-2x2"))
TO_TEACHER = PlannedComparison(Contrast.TEACHER, ("toplayer", "6-4-2"), ("teacher", "6"))
BETTER = {TEACHER: 0.9, DIRECT: 0.2, CASCADE: 0.7}


def made_up(worth, task="cldr-nli", languages=LANGUAGES, runs=5, items=400):
    """Answers of some models, each as good as its worth; the ensemble of the task is the first run."""
    draw = np.random.default_rng(1)
    difficulty = draw.normal(size=items)
    suffix = "" if task == "retrieval" else "-f1"
    right = {}
    for model, own in worth.items():
        numbers = [0] if task == "retrieval" and model.method is Method.TEACHER else range(1, runs + 1)
        for run in numbers:
            latent = own + 0.03 * draw.normal() + difficulty + 0.7 * draw.normal(size=(len(languages), items))
            right[f"{model.path}/r{run}{suffix}"] = latent > 0
        if suffix:
            right[model.path] = right[f"{model.path}/r1-f1"]
    return Answers(task, 1 / 3, languages, right)


def test_mcnemar_is_the_sign_test_of_the_items_that_one_alone_got_right():
    first = np.array([[True] * 9 + [False] * 3 + [True] * 5, [True] * 17])
    second = np.array([[False] * 9 + [True] * 3 + [True] * 5, [True] * 17])
    tests = mcnemar_by_language(first, second)
    assert tests["only_first"].tolist() == [9, 0]
    assert tests["only_second"].tolist() == [3, 0]
    assert tests["p"].tolist() == pytest.approx([stats.binomtest(3, 12).pvalue, 1.0])


def test_holm_multiplies_the_smallest_by_the_number_of_languages_and_so_on():
    wins = [12, 9, 8]  # of as many items in which the two differ: p is 2 ** (1 - wins)
    first = np.array([[True] * win + [False] * (12 - win) for win in wins])
    tests = mcnemar_by_language(first, np.zeros_like(first))
    assert tests["p_holm"].tolist() == pytest.approx([3 * 2.0**-11, 2 * 2.0**-8, 2.0**-7])


def test_a_cascade_that_is_better_is_found_better():
    numbers = compare([made_up(BETTER)], MODELS, [EQUAL])
    assert list(numbers) == COLUMNS
    assert numbers["language"].tolist() == [*LANGUAGES, "average", "zero_shot"]
    assert (numbers["low"] > 0).all()
    assert (numbers["p_holm"].dropna() < 0.01).all()
    assert set(numbers["covers"]) == {"runs, test items"}
    assert set(numbers["runs"]) == {5}
    shown = format_comparisons(numbers, margin=2).iloc[0]
    assert (shown["First"], shown["Better in"], shown["Worse in"]) == ("Cascade 6-4-2", "all 3", "\N{EN DASH}")
    assert shown["Average"].startswith("+")
    assert shown["Equivalent"] == "no"


def test_two_copies_of_one_model_cannot_be_distinguished():
    answers = made_up(BETTER)
    copies = {key.replace("6-4-2", "6-2x2"): right for key, right in answers.right.items() if "6-4-2" in key}
    copied = Answers(answers.task, answers.chance, LANGUAGES, answers.right | copies)
    numbers = compare([copied], MODELS, [EQUAL])
    assert (numbers[["difference", "low", "high"]] == 0).all(axis=None)
    assert (numbers["p_holm"].dropna() == 1).all()
    assert "cannot be distinguished" in conclusion(numbers, margin=2)


def test_models_of_equal_worth_cannot_be_distinguished_and_are_equivalent_within_a_wide_margin():
    numbers = compare([made_up(BETTER | {DIRECT: 0.7}, runs=10)], MODELS, [EQUAL])
    average = numbers[numbers["language"] == "average"].iloc[0]
    assert average["low"] < average["low_90"] < 0 < average["high_90"] < average["high"]
    assert equivalence(average, margin=5)
    assert equivalence(average, margin=0.1) is False
    assert format_comparisons(numbers, margin=5)["Equivalent"][0] == "yes"


def test_the_average_is_that_of_the_interval_over_all_languages():
    answers = made_up(BETTER)
    row = compare([answers], MODELS, [EQUAL]).set_index("language").loc["zero_shot"]
    differences = answers.differences(CASCADE, DIRECT, ["fr", "ur"])
    assert (row["difference"], row["low"], row["high"]) == interval(differences)
    assert (row["low_90"], row["high_90"]) == interval(differences, EQUIVALENCE_LEVEL)[1:]
    assert row["first_accuracy"] - row["second_accuracy"] == pytest.approx(row["difference"])


def test_accuracies_are_those_of_the_runs_that_both_have():
    answers = made_up(BETTER)
    right = {
        key: own for key, own in answers.right.items() if key not in ("toplayer/6-4-2/r4-f1", "toplayer/6-2x2/r1-f1")
    }
    row = compare([Answers("cldr-nli", 1 / 3, LANGUAGES, right)], MODELS, [EQUAL]).set_index("language").loc["average"]
    assert row["runs"] == 3
    assert row["first_accuracy"] - row["second_accuracy"] == pytest.approx(row["difference"])


def test_retrieval_is_compared_too_without_ensembles_and_with_a_teacher_that_exists_once():
    answers = [made_up(BETTER), made_up(BETTER, "retrieval", ["fr", "ur"])]
    numbers = compare(answers, MODELS, [EQUAL, TO_TEACHER])
    retrieval = numbers[numbers["task"] == "retrieval"]
    assert retrieval["language"].tolist() == 2 * ["fr", "ur", "average"]
    assert retrieval["p"].isna().all()
    assert set(retrieval["covers"]) == {"runs, test items"}
    shown = format_comparisons(numbers, margin=2)
    assert shown["Evaluation"].tolist() == ["cldr-nli", "cldr-nli", "retrieval", "retrieval"]
    assert shown[["Zero-shot", "Better in", "Worse in"]].iloc[2].tolist() == ["\N{EN DASH}"] * 3


def test_one_run_has_no_interval_and_is_not_called_different_or_equivalent():
    numbers = compare([made_up(BETTER, runs=1)], MODELS, [EQUAL])
    assert numbers[["low", "high", "low_90", "high_90"]].isna().all(axis=None)
    assert set(numbers["covers"]) == {""}
    assert format_comparisons(numbers, margin=2)["Equivalent"][0] == "\N{EN DASH}"


def test_nothing_planned_makes_an_empty_table():
    numbers = compare([made_up(BETTER)], MODELS, [])
    assert list(numbers) == COLUMNS
    assert format_comparisons(numbers, margin=2).empty


def test_a_pair_outside_the_experiment_is_refused():
    planned = [{"contrast": "teacher", "first": ["toplayer", "6-3"], "second": ["teacher", "6"]}]
    with pytest.raises(ResultsError, match="comparison teacher names toplayer/6-3, which is not in the experiment"):
        compare([made_up(BETTER)], MODELS, read_planned(planned))


def test_an_ablation_compares_every_recipe_with_the_first_in_both_evaluations():
    other = CASCADE._replace(recipe="minilm")
    worth = {**BETTER, other: 0.9}
    answers = [made_up(worth), made_up(worth, "retrieval", ["fr", "ur"])]
    numbers = ablation(answers, [TEACHER, CASCADE, other], ["toplayer", "minilm"])
    assert numbers["recipe"].tolist() == ["toplayer", "minilm"]
    assert np.isnan(numbers["average_difference"][0])
    expected = interval(answers[0].differences(other, CASCADE, LANGUAGES))
    assert numbers["average_difference_low"][1] == expected.low > 0
    expected = interval(answers[1].differences(other, CASCADE, ["fr", "ur"]))
    assert numbers["retrieval_difference_high"][1] == expected.high
    shown = format_ablation(numbers)
    assert shown["Average, difference"][0] == "\N{EN DASH}"
    assert shown["Retrieval, difference"][1].startswith("+")
    assert "draw of the runs (5)" in note(numbers)


def test_an_ablation_without_retrieval_has_no_column_of_it():
    numbers = ablation([made_up(BETTER)], MODELS[2:], ["toplayer"])
    assert not any("etrieval" in column for column in [*numbers, *format_ablation(numbers)])
