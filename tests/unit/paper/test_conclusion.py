"""Sentences say what the numbers say, and no more."""

import numpy as np
import pandas as pd
import pytest
from small_case import RIGHT, record_of, results

from camembert.paper.answers import ComparedModel
from camembert.paper.intervals import UNCOVERED
from camembert.paper.tables.accuracy import compute_summary
from camembert.paper.tables.comparisons import COMPARISON_COLUMNS
from camembert.paper.tables.conclusion import conclude, name_worse_than_copied, summarise_run, write_conclusion
from camembert.plan.chain import Method
from camembert.plan.experiment import Contrast, PlannedComparison

DIRECT = ComparedModel("toplayer", "6-2x2", "Direct, equal compute 6-2x2", Method.DIRECT_LONGER)
CASCADE = ComparedModel("toplayer", "6-4-2", "Cascade 6-4-2", Method.CASCADE)
COVERED = f"\n\nIntervals cover the draw of the runs (5) and of the test items. {UNCOVERED}"


def average(difference, ends, ends_90, **changes):
    """A comparison of the cascade with the direct student of which only the average over three languages matters."""
    facts = dict(zip(("first_recipe", "first_chain", "first_label", "first_method"), CASCADE, strict=True))
    facts |= dict(zip(("second_recipe", "second_chain", "second_label", "second_method"), DIRECT, strict=True))
    facts |= {"task": "cldr-nli", "contrast": Contrast.DIRECT_EQUAL_COMPUTE.value, "reading": "as_is", "leads": True}
    facts |= {"runs": 5, "covers": "runs, test items", "first_accuracy": 0.7, "second_accuracy": 0.7 - difference}
    facts |= dict(zip(("difference", "low", "high", "low_90", "high_90"), (difference, *ends, *ends_90), strict=True))
    return pd.DataFrame([facts | changes | {"language": language} for language in ["en", "fr", "ur", "average"]])


FIRST, SECOND = "the cascade 6-4-2", "the direct student 6-2x2"
SCOPE = "on cldr-nli, on average over 3 languages"
ABOVE = average(0.032, (0.02, 0.044), (0.022, 0.042))
NO_DIFFERENCE = average(0.012, (-0.02, 0.044), (-0.015, 0.039))
EQUIVALENT = average(0.002, (-0.016, 0.02), (-0.013, 0.017))
SMALL = average(-0.012, (-0.02, -0.004), (-0.0188, -0.0052))
ONE_RUN = average(0.012, (np.nan, np.nan), (np.nan, np.nan), covers="", runs=1)


@pytest.mark.parametrize(
    ("numbers", "sentence"),
    [
        (ABOVE, f"At equal compute {FIRST} is 3.2 points above {SECOND} {SCOPE} (95 % interval 2.0 to 4.4)."),
        (
            NO_DIFFERENCE,
            f"At equal compute whether {FIRST} is above or below {SECOND} {SCOPE}, is open: difference +1.2 points (95"
            " % interval -2.0 to 4.4).",
        ),
        (
            EQUIVALENT,
            f"At equal compute {FIRST} and {SECOND} are equal within 2 points {SCOPE}: difference +0.2 points (95 %"
            " interval -1.6 to 2.0, 90 % -1.3 to 1.7).",
        ),
        (
            SMALL,
            f"At equal compute {FIRST} is slightly below {SECOND} {SCOPE}, by 1.2 points (95 % interval -2.0 to -0.4,"
            " 90 % -1.9 to -0.5) and surely by less than 2.",
        ),
        (
            ABOVE.assign(contrast="direct", task="retrieval"),
            f"The cascade 6-4-2 is 3.2 points above {SECOND} in retrieval, on average over 3 languages (95 % interval"
            " 2.0 to 4.4), by one reading alone.",
        ),
    ],
    ids=["different", "open", "equal", "different and small", "retrieval, not at equal compute"],
)
def test_the_conclusion_says_what_the_numbers_say(numbers, sentence):
    assert conclude(numbers, margin=2) == f"- {sentence}{COVERED}"


def read_as(*others):
    """A difference in retrieval by the reading that leads, and by others."""
    rows = [ABOVE] + [each.assign(leads=False, reading=str(i)).tail(1) for i, each in enumerate(others)]
    return pd.concat(rows).assign(task="retrieval")


@pytest.mark.parametrize(
    ("numbers", "sentence"),
    [
        (
            read_as(average(0.01, (0.004, 0.016), (0.005, 0.015)), average(0.05, (0.01, 0.09), (0.02, 0.08))),
            f"At equal compute {FIRST} is 3.2 points above {SECOND} in retrieval, on average over 3 languages (95 %"
            " interval 2.0 to 4.4), in all 3 readings (+1.0 to +5.0).",
        ),
        (
            read_as(SMALL, NO_DIFFERENCE),
            f"At equal compute how {FIRST} compares with {SECOND} in retrieval, on average over 3 languages, depends on"
            " the reading: the difference is -1.2 to +3.2 points, 1 above, 1 below, 1 undecided of 3 readings; in the"
            " one that leads it is +3.2 (95 % interval 2.0 to 4.4).",
        ),
    ],
    ids=["all agree", "depends on the reading"],
)
def test_a_difference_is_a_result_only_where_all_readings_agree(numbers, sentence):
    assert conclude(numbers, margin=2) == f"- {sentence}{COVERED}"


def test_models_are_equal_only_where_all_readings_say_so():
    agree = pd.concat([EQUIVALENT, EQUIVALENT.tail(1).assign(leads=False, reading="centred")])
    apart = pd.concat([EQUIVALENT, NO_DIFFERENCE.tail(1).assign(leads=False, reading="centred")])
    assert "are equal within 2 points" in conclude(agree, margin=2)
    assert "equal within" not in conclude(apart, margin=2)


def test_one_run_has_no_interval():
    said = conclude(ONE_RUN, margin=2)
    assert f"above {SECOND} {SCOPE}, in the one run that both have, which gives no interval.\n" in said
    assert f"With one run of a model there is no interval. {UNCOVERED}" in said
    assert "equal within" not in said


def test_no_difference_at_all_is_neither_above_nor_below():
    said = conclude(ONE_RUN.assign(difference=0.1 + 0.2 - 0.3), margin=2)
    assert (
        f"At equal compute {FIRST} and {SECOND} are right equally often {SCOPE}, in the one run that both have" in said
    )
    assert "points above" in conclude(ONE_RUN.assign(difference=0.001), margin=2)
    assert "points below" in conclude(ONE_RUN.assign(difference=-0.001), margin=2)


def test_the_margin_decides_what_is_equal():
    assert "surely by less than 5" in conclude(ABOVE, margin=5)
    assert "equal within" not in conclude(EQUIVALENT, margin=1.5)


def test_nothing_is_called_equal_within_a_margin_that_is_much_of_it():
    assert "equal within 2 points" in conclude(EQUIVALENT.assign(first_accuracy=0.2, second_accuracy=0.1), 2)
    assert "equal within" not in conclude(EQUIVALENT.assign(first_accuracy=0.19, second_accuracy=0.1), margin=2)


def test_only_fewer_than_three_runs_are_indicative():
    assert "; indicative, with fewer than 3 runs" in conclude(ABOVE.assign(runs=2), margin=2)
    assert "indicative" not in conclude(ABOVE.assign(runs=3), margin=2)
    assert "indicative" not in conclude(ABOVE.assign(runs=1, covers="test items"), margin=2)


def test_several_recipes_are_named():
    second = ABOVE.assign(first_recipe="minilm", second_recipe="minilm")
    said = conclude(pd.concat([ABOVE, second]), margin=2)
    assert "6-2x2 with recipe toplayer on cldr-nli" in said
    assert "6-2x2 with recipe minilm on cldr-nli" in said


def test_nothing_planned_is_said():
    assert conclude(pd.DataFrame(columns=COMPARISON_COLUMNS), margin=2) == "The config plans no comparison."


def encoder(end, copied=1.0, **changes):
    """Metrics of an encoder with its held-out losses."""
    facts = {"stage": "encoders", "recipe": "toplayer", "chain": "6-2"}
    return facts | {"held_out_end": {"loss": end}, "held_out_copied": {"loss": copied}} | changes


def test_students_that_ended_worse_than_their_copies_are_named():
    untrained = encoder(2.0, held_out_end={}, held_out_copied={})
    assert name_worse_than_copied([encoder(0.9), untrained, {"recipe": "teacher", "chain": "6"}]) == ""
    said = name_worse_than_copied([encoder(1.1), encoder(1.2), encoder(0.9, chain="6-4")])
    assert said.endswith("so that training did harm: toplayer/6-2 (2).")


@pytest.fixture
def record():
    """Two classifiers of the cascade, of which one was still improving; a student that ended worse than its copy."""
    dev = {"stage": "classifiers", "split": "dev", "recipe": "toplayer", "chain": "6-4-2", "finetuning": 1}
    curves = [(1, 50, 0.5), (1, 100, 0.52), (2, 50, 0.5), (2, 100, 0.5)]
    curves = [dev | {"run": run, "step": step, "accuracy": accuracy} for run, step, accuracy in curves]
    planned = [PlannedComparison(Contrast.DIRECT_EQUAL_COMPUTE, ("toplayer", "6-4-2"), ("toplayer", "6-2"))]
    return record_of(results(), curves=pd.DataFrame(curves), planned=planned, metrics=[encoder(1.1)])


def test_the_file_adds_what_classifiers_and_students_lacked(record, tmp_path):
    write_conclusion(record, tmp_path / "conclusion")
    said, covered, improving, worse = (tmp_path / "conclusion.md").read_text().split("\n\n")
    assert said.startswith("- At equal compute whether the cascade 6-4-2 is above or below the direct student 6-2 on")
    assert covered.startswith("Intervals cover")
    assert improving.startswith("1 of 2 classifiers were still improving")
    assert worse.endswith("toplayer/6-2 (1).\n")


def test_a_finished_run_ends_with_a_table_a_sentence_and_where_all_is(record, tmp_path):
    assert summarise_run(tmp_path) == ""
    for name in ("tables", "figures"):
        (tmp_path / name).mkdir()
    compute_summary(record).to_csv(tmp_path / "tables" / "summary.csv", index=False)
    write_conclusion(record, tmp_path / "tables" / "conclusion")
    _, table, sentence, where = summarise_run(tmp_path).split("\n\n")
    assert len(table.splitlines()) == 2 + len(RIGHT)
    cells = [cell.strip() for cell in table.splitlines()[-1].split("|")]
    assert cells == ["", "Cascade 6-4-2", "2", "57.5 (3.5)", "65.0 (7.1)", ""]
    assert sentence.startswith("At equal compute whether the cascade 6-4-2 is above")
    assert where.startswith(f"More is in {tmp_path / 'tables'}, {tmp_path / 'figures'}; tables/conclusion.md says in")
    (tmp_path / "tables" / "ablation.md").touch()
    assert summarise_run(tmp_path).endswith("what was found, tables/ablation.md compares the recipes.")
    write_conclusion(record_of(results(), curves=record.curves), tmp_path / "tables" / "conclusion")
    assert len(summarise_run(tmp_path).split("\n\n")) == 3, "nothing was compared"


def test_a_release_without_the_rest_of_the_experiment_ends_with_its_table(tmp_path):
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "release.md").write_text("| Form | Accuracy |\n")
    assert summarise_run(tmp_path) == f"| Form | Accuracy |\n\nMore is in {tmp_path / 'tables'}."
    for form in ("encoder", "classifier"):
        (tmp_path / "release" / form).mkdir(parents=True)
    released = f"\n\nModels to take: {tmp_path}/release/classifier, {tmp_path}/release/encoder.\n"
    assert released in summarise_run(tmp_path)
