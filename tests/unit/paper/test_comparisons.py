"""Pairs of models: what is found between them, and that nothing is found between copies."""

import numpy as np
import pytest
from small_case import COSINE, LEADS, TASK, record_of, results_of, retrieval_rows, rows

from camembert.paper.answers import RETRIEVAL, RETRIEVAL_BASELINE, ComparedModel
from camembert.paper.intervals import EQUIVALENCE_LEVEL, compute_interval
from camembert.paper.tables.accuracy import compute_retrieval_readings, format_retrieval_readings
from camembert.paper.tables.comparisons import (
    COMPARISON_COLUMNS,
    compare,
    compute_ablation,
    equivalent,
    format_ablation,
    format_comparisons,
    write_ablation,
    write_comparisons,
)
from camembert.paper.tables.conclusion import conclude
from camembert.plan.chain import Method
from camembert.plan.experiment import Contrast, PlannedComparison

TEACHER = ComparedModel("teacher", "6", "Teacher (6 layers)", Method.TEACHER)
DIRECT = ComparedModel("toplayer", "6-2x2", "Direct, equal compute 6-2x2", Method.DIRECT_LONGER)
CASCADE = ComparedModel("toplayer", "6-4-2", "Cascade 6-4-2", Method.CASCADE)
MODELS = [TEACHER, DIRECT, CASCADE]
LANGUAGES = ["en", "fr", "ur"]
EQUAL = PlannedComparison(Contrast.DIRECT_EQUAL_COMPUTE, ("toplayer", "6-4-2"), ("toplayer", "6-2x2"))
TO_TEACHER = PlannedComparison(Contrast.TEACHER, ("toplayer", "6-4-2"), ("teacher", "6"))
BETTER = {TEACHER: 0.9, DIRECT: 0.2, CASCADE: 0.7}
OUT = "cls/centred_margin/from_english"


def right_of(worth, runs=5, languages=3, items=400):
    """Answers (runs, languages, items) of some models, each as good as its worth."""
    draw = np.random.default_rng(1)
    difficulty = draw.normal(size=items)
    return {
        model: own
        + 0.03 * draw.normal(size=(runs, 1, 1))
        + difficulty
        + 0.7 * draw.normal(size=(runs, languages, items))
        > 0
        for model, own in worth.items()
    }


def on_task(right):
    """Rows of the task."""
    return [
        table
        for model, own in right.items()
        for table in rows(model, own, runs=range(1, len(own) + 1), languages=LANGUAGES)
    ]


def in_retrieval(worth, reading=LEADS):
    """Rows of retrieval; what nobody trained exists once."""
    return [
        table
        for model, own in right_of(worth, languages=2).items()
        for right in [own[:1] if model.method in (Method.TEACHER, None) else own]
        for runs in [[0] if len(right) == 1 else range(1, 6)]
        for table in retrieval_rows(model, right, reading, runs, ["fr", "ur"])
    ]


@pytest.fixture
def better():
    return results_of(on_task(right_of(BETTER)))


def test_a_cascade_that_is_better_is_found_better(better):
    numbers = compare(better, MODELS, [EQUAL])
    assert list(numbers) == COMPARISON_COLUMNS
    assert numbers["language"].tolist() == [*LANGUAGES, "average", "zero_shot"]
    assert (numbers["low"] > 0).all()
    assert set(numbers["covers"]) == {"runs, test items"}
    assert set(numbers["runs"]) == {5}
    shown = format_comparisons(numbers, margin=2).iloc[0]
    assert (shown["First"], shown["Better in"], shown["Worse in"]) == ("Cascade 6-4-2", "all 3", "\N{EN DASH}")
    assert shown["Average"].startswith("+")
    assert (shown["Readings"], shown["Equivalent"]) == ("\N{EN DASH}", "no")


def test_two_copies_of_one_model_are_equal():
    right = right_of(BETTER)
    numbers = compare(results_of(on_task(right | {DIRECT: right[CASCADE]})), MODELS, [EQUAL])
    assert (numbers[["difference", "low", "high"]] == 0).all(axis=None)
    assert "are equal within 2 points" in conclude(numbers, margin=2)


def test_models_of_equal_worth_cannot_be_told_apart_and_are_equivalent_within_a_wide_margin():
    numbers = compare(results_of(on_task(right_of(BETTER | {DIRECT: 0.7}, runs=10))), MODELS, [EQUAL])
    average = numbers[numbers["language"] == "average"].iloc[0]
    assert average["low"] < average["low_90"] < 0 < average["high_90"] < average["high"]
    assert equivalent(average, margin=5)
    assert equivalent(average, margin=0.1) is False
    assert format_comparisons(numbers, margin=5)["Equivalent"][0] == "yes"


def test_the_average_is_that_of_the_interval_over_all_languages(better):
    row = compare(better, MODELS, [EQUAL]).set_index("language").loc["zero_shot"]
    first, second = (better.leading[TASK].scores(model, ["fr", "ur"]) for model in (CASCADE, DIRECT))
    differences = first.minus(second)
    assert (row["difference"], row["low"], row["high"]) == compute_interval(differences)
    assert (row["low_90"], row["high_90"]) == compute_interval(differences, EQUIVALENCE_LEVEL)[1:]
    assert row["first_accuracy"] - row["second_accuracy"] == pytest.approx(row["difference"])


def test_accuracies_are_those_of_the_runs_that_both_have():
    right = right_of(BETTER)
    tables = rows(CASCADE, right[CASCADE][:4], runs=range(1, 5), languages=LANGUAGES)
    tables += rows(DIRECT, right[DIRECT][1:], runs=range(2, 6), languages=LANGUAGES)
    row = compare(results_of(tables), [DIRECT, CASCADE], [EQUAL]).set_index("language").loc["average"]
    assert row["runs"] == 3
    assert row["first_accuracy"] - row["second_accuracy"] == pytest.approx(row["difference"])


def test_retrieval_is_compared_too_with_a_teacher_that_exists_once():
    numbers = compare(results_of(on_task(right_of(BETTER)) + in_retrieval(BETTER)), MODELS, [EQUAL, TO_TEACHER])
    retrieval = numbers[numbers["task"] == RETRIEVAL]
    assert retrieval["language"].tolist() == 2 * ["fr", "ur", "average"]
    assert set(retrieval["covers"]) == {"runs, test items"}
    shown = format_comparisons(numbers, margin=2)
    assert shown["Evaluation"].tolist() == [TASK, TASK, RETRIEVAL, RETRIEVAL]
    assert shown["Zero-shot"].iloc[2] == "\N{EN DASH}"


def test_one_run_has_no_interval_and_is_not_called_different_or_equivalent():
    numbers = compare(results_of(on_task(right_of(BETTER, runs=1))), MODELS, [EQUAL])
    assert numbers[["low", "high", "low_90", "high_90"]].isna().all(axis=None)
    assert set(numbers["covers"]) == {""}
    shown = format_comparisons(numbers, margin=2).iloc[0]
    assert (shown["Readings"], shown["Equivalent"]) == ("\N{EN DASH}",) * 2


def test_nothing_planned_makes_an_empty_table(better, tmp_path):
    write_comparisons(record_of(better, MODELS), tmp_path / "comparisons")
    assert (tmp_path / "comparisons.csv").read_text() == ",".join(COMPARISON_COLUMNS) + "\n"
    assert (tmp_path / "comparisons.md").read_text().split("\n\n")[1].startswith("| First")


# --- readings -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def read():
    """Retrieval in which the cascade is better by one reading, worse by another, the same out of English."""
    worth = BETTER | {RETRIEVAL_BASELINE: -2.0}
    tables = in_retrieval(worth) + in_retrieval(worth, OUT) + in_retrieval({**BETTER, CASCADE: -0.3}, COSINE)
    return results_of(on_task(right_of(BETTER)) + tables)


def test_every_reading_is_compared_and_the_one_that_leads_language_by_language(read):
    numbers = compare(read, MODELS, [EQUAL])
    found = numbers[numbers["task"] == RETRIEVAL]
    assert found[found["leads"]]["language"].tolist() == ["fr", "ur", "average"]
    others = found[~found["leads"]]
    assert others[["reading", "language"]].to_numpy().tolist() == [[COSINE, "average"], [OUT, "average"]]
    assert others["high"].iloc[0] < 0 < others["low"].iloc[1]
    assert format_comparisons(numbers, margin=2)["Readings"].iloc[1].startswith("2 above, 1 below; -")
    assert "depends on the reading" in conclude(numbers, margin=2)


def test_readings_are_tabulated_with_both_directions_in_a_cell_and_the_leading_one_bold(read):
    numbers = compute_retrieval_readings(record_of(read, MODELS))
    assert len(numbers) == 3 * 3 + 2
    row = numbers[(numbers["chain"] == "6-4-2") & numbers["leads"]].iloc[0]
    scores = read.leading[RETRIEVAL].scores(CASCADE, ["fr", "ur"])
    assert (row["accuracy"], row["low"], row["high"]) == compute_interval(scores)
    shown = format_retrieval_readings(numbers).set_index("Reading")
    assert list(shown.index) == ["[CLS], cosine", "**[CLS], centred margin**"]
    both = f"{100 * scores.mean:.1f}"
    assert shown["Cascade 6-4-2"].iloc[1] == f"{both} / {both}"
    assert shown["Cascade 6-4-2"].iloc[0].endswith(" / \N{EN DASH}")
    assert shown["Character n-grams"].iloc[0] == "\N{EN DASH}", "the baseline lacks a reading"


# --- ablation -------------------------------------------------------------------------------------------------


def test_an_ablation_compares_every_recipe_with_the_first_in_both_evaluations(tmp_path):
    other = CASCADE._replace(recipe="minilm")
    worth = {**BETTER, other: 0.9}
    read = results_of(on_task(right_of(worth)) + in_retrieval(worth) + in_retrieval(worth, COSINE))
    record = record_of(read, [TEACHER, CASCADE, other], recipes=["toplayer", "minilm"])
    numbers = compute_ablation(record)
    assert numbers["recipe"].tolist() == ["toplayer", "minilm"]
    assert np.isnan(numbers["average_difference"][0])
    for task, languages, column in ((TASK, LANGUAGES, "average"), (RETRIEVAL, ["fr", "ur"], "retrieval")):
        first, second = (read.leading[task].scores(model, languages) for model in (other, CASCADE))
        _, low, high = compute_interval(first.minus(second))
        assert tuple(numbers.loc[1, [f"{column}_difference_low", f"{column}_difference_high"]]) == (low, high)
        assert low > 0
    shown = format_ablation(numbers)
    assert shown["Average, difference"][0] == "\N{EN DASH}"
    assert shown["Retrieval, difference"][1].startswith("+")
    assert shown["Retrieval, all readings"][1].startswith("2 above; +")
    write_ablation(record, tmp_path / "ablation")
    assert "draw of the runs (5)" in (tmp_path / "ablation.md").read_text()


def test_an_ablation_without_retrieval_has_no_column_of_it(better):
    numbers = compute_ablation(record_of(better, MODELS))
    assert not any("Retrieval" in column for column in format_ablation(numbers))


def test_an_ablation_of_retrieval_alone_has_no_column_of_the_task(tmp_path):
    other = CASCADE._replace(recipe="minilm")
    read = results_of(in_retrieval({**BETTER, other: 0.9}))
    record = record_of(read, [TEACHER, CASCADE, other], recipes=["toplayer", "minilm"])
    assert not any("Average" in column for column in format_ablation(compute_ablation(record)))
    write_ablation(record, tmp_path / "ablation")
    assert "minilm" in (tmp_path / "ablation.md").read_text()
