"""Sentences say what the numbers say, and no more."""

import numpy as np
import pandas as pd
import pytest

from camembert.paper.intervals import UNCOVERED
from camembert.paper.statistics import Model
from camembert.paper.tables.comparisons import COLUMNS
from camembert.paper.tables.conclusion import conclusion, worse_than_copied
from camembert.plan.chain import Method
from camembert.plan.comparisons import Contrast

DIRECT = Model("toplayer", "6-2x2", "Direct, equal compute 6-2x2", Method.DIRECT_LONGER)
CASCADE = Model("toplayer", "6-4-2", "Cascade 6-4-2", Method.CASCADE)
COVERED = f"\n\nIntervals cover the draw of the runs (5) and of the test items. {UNCOVERED}\n"


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
            f"At equal compute {FIRST} and {SECOND} cannot be told apart {SCOPE}: difference +1.2 points (95 % interval"
            " -2.0 to 4.4).",
        ),
        (
            EQUIVALENT,
            f"At equal compute {FIRST} and {SECOND} cannot be told apart {SCOPE}: difference +0.2 points (95 % interval"
            " -1.6 to 2.0); they are equal within 2 points.",
        ),
        (
            SMALL,
            f"At equal compute {FIRST} is 1.2 points below {SECOND} {SCOPE} (95 % interval -2.0 to -0.4); they are"
            " equal within 2 points.",
        ),
        (
            ABOVE.assign(contrast="direct", task="retrieval"),
            f"The cascade 6-4-2 is 3.2 points above {SECOND} in retrieval, on average over 3 languages (95 % interval"
            " 2.0 to 4.4), by one reading alone.",
        ),
    ],
    ids=["different", "not told apart", "equal", "different and equal", "retrieval, not at equal compute"],
)
def test_the_conclusion_says_what_the_numbers_say(numbers, sentence):
    assert conclusion(numbers, margin=2) == f"- {sentence}{COVERED}"


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
    assert conclusion(numbers, margin=2) == f"- {sentence}{COVERED}"


def test_models_are_equal_only_where_all_readings_say_so():
    agree = pd.concat([EQUIVALENT, EQUIVALENT.tail(1).assign(leads=False, reading="centred")])
    apart = pd.concat([EQUIVALENT, NO_DIFFERENCE.tail(1).assign(leads=False, reading="centred")])
    assert "they are equal within 2 points" in conclusion(agree, margin=2)
    assert "equal within" not in conclusion(apart, margin=2)


def test_one_run_has_no_interval():
    said = conclusion(ONE_RUN, margin=2)
    assert f"above {SECOND} {SCOPE}, in the one run that both have, which gives no interval.\n" in said
    assert f"With one run of a model there is no interval. {UNCOVERED}" in said
    assert "equal within" not in said


def test_the_margin_decides_what_is_equal():
    assert "equal within 5 points" in conclusion(ABOVE, margin=5)
    assert "equal within" not in conclusion(EQUIVALENT, margin=1.5)


def test_nothing_is_called_equal_within_a_margin_that_is_much_of_it():
    assert "equal within 2 points" in conclusion(EQUIVALENT.assign(first_accuracy=0.2, second_accuracy=0.1), 2)
    assert "equal within" not in conclusion(EQUIVALENT.assign(first_accuracy=0.19, second_accuracy=0.1), margin=2)


def test_only_fewer_than_three_runs_are_indicative():
    assert "; indicative, with fewer than 3 runs" in conclusion(ABOVE.assign(runs=2), margin=2)
    assert "indicative" not in conclusion(ABOVE.assign(runs=3), margin=2)
    assert "indicative" not in conclusion(ABOVE.assign(runs=1, covers="test items"), margin=2)


def test_several_recipes_are_named():
    second = ABOVE.assign(first_recipe="minilm", second_recipe="minilm")
    said = conclusion(pd.concat([ABOVE, second]), margin=2)
    assert "6-2x2 with recipe toplayer on cldr-nli" in said
    assert "6-2x2 with recipe minilm on cldr-nli" in said


def test_classifiers_that_were_still_improving_are_named():
    classifiers = pd.DataFrame({"label": ["Teacher", "Cascade", "Cascade"], "gain": [0.01, 0.011, 0.03]})
    said = conclusion(ABOVE, margin=2, convergence=classifiers)
    assert said.startswith(conclusion(ABOVE, margin=2))
    assert "2 of 3 classifiers were still improving at the end of fine-tuning, by more than 1 point" in said
    assert said.endswith("length: Cascade (2).\n")
    assert conclusion(ABOVE, margin=2, convergence=classifiers.head(1)) == conclusion(ABOVE, margin=2)


def test_nothing_planned_is_said():
    assert conclusion(pd.DataFrame(columns=COLUMNS), margin=2) == "The config plans no comparison.\n"


def test_students_that_ended_worse_than_their_copies_are_named():
    def encoder(end, **changes):
        facts = {"recipe": "toplayer", "chain": "6-2", "held_out_end": {"loss": end}, "held_out_copied": {"loss": 1.0}}
        return facts | changes

    untrained = encoder(2.0, held_out_end={}, held_out_copied={})
    assert worse_than_copied([encoder(0.9), untrained, {"recipe": "teacher", "chain": "6"}]) == ""
    said = conclusion(ABOVE, margin=2, encoders=[encoder(1.1), encoder(1.2), encoder(0.9, chain="6-4")])
    assert said.endswith("so that training did harm: toplayer/6-2 (2).\n")
