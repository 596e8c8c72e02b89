"""Pairs of models: what is found between them, how it is said, and that nothing is found between copies."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from camembert.paper.ablation import ablation, ablation_in_print
from camembert.paper.comparisons import (
    COLUMNS,
    compare,
    comparisons_in_print,
    conclusion,
    mcnemar_by_language,
    read_comparisons,
)
from camembert.paper.intervals import interval
from camembert.paper.predictions import Answers
from camembert.paper.statistics import Model, ResultsError
from camembert.plan.chain import Method
from camembert.plan.questions import Comparison, Question

TEACHER = Model("teacher", "6", "Teacher (6 layers)", Method.TEACHER)
DIRECT = Model("toplayer", "6-2x2", "Direct, equal compute 6-2x2", Method.DIRECT_LONGER)
CASCADE = Model("toplayer", "6-4-2", "Cascade 6-4-2", Method.CASCADE)
ORDER = [TEACHER, DIRECT, CASCADE]
LANGUAGES = ["en", "fr", "ur"]
EQUAL = Comparison(Question.DIRECT_EQUAL_COMPUTE, ("toplayer", "6-4-2"), ("toplayer", "6-2x2"))


def made_up(worth, seeds=5, pairs=400):
    """Answers of the models of ORDER, each as good as its worth; the ensemble is the first run."""
    draw = np.random.default_rng(1)
    difficulty = draw.normal(size=pairs)
    right = {}
    for model, own in worth.items():
        for seed in range(1, seeds + 1):
            latent = own + 0.03 * draw.normal() + difficulty + 0.7 * draw.normal(size=(len(LANGUAGES), pairs))
            right[f"{model.recipe}/{model.chain}/d1-s{seed}"] = latent > 0
        right[f"{model.recipe}/{model.chain}"] = right[f"{model.recipe}/{model.chain}/d1-s1"]
    return Answers(LANGUAGES, right)


BETTER = {TEACHER: 0.9, DIRECT: 0.2, CASCADE: 0.7}


def test_mcnemar_is_the_sign_test_of_the_pairs_that_one_alone_got_right():
    first = np.array([[True] * 9 + [False] * 3 + [True] * 5, [True] * 17])
    second = np.array([[False] * 9 + [True] * 3 + [True] * 5, [True] * 17])
    tests = mcnemar_by_language(first, second)
    assert tests["only_first"].tolist() == [9, 0]
    assert tests["only_second"].tolist() == [3, 0]
    assert tests["p"].tolist() == pytest.approx([stats.binomtest(3, 12).pvalue, 1.0])


def test_holm_multiplies_the_smallest_by_the_number_of_languages_and_so_on():
    wins = [12, 9, 8]  # of as many pairs in which the two differ: p is 2 ** (1 - wins)
    first = np.array([[True] * win + [False] * (12 - win) for win in wins])
    tests = mcnemar_by_language(first, np.zeros_like(first))
    assert tests["p_holm"].tolist() == pytest.approx([3 * 2.0**-11, 2 * 2.0**-8, 2.0**-7])


def test_a_cascade_that_is_better_is_found_better():
    numbers = compare(made_up(BETTER), ORDER, [EQUAL])
    assert list(numbers) == COLUMNS
    assert numbers["language"].tolist() == [*LANGUAGES, "average", "zero_shot"]
    assert (numbers["low"] > 0).all()
    assert (numbers["p_holm"].dropna() < 0.01).all()
    shown = comparisons_in_print(numbers).iloc[0]
    assert (shown["First"], shown["Better in"], shown["Worse in"]) == ("Cascade 6-4-2", "all 3", "\N{EN DASH}")
    assert shown["Average"].startswith("+")


def test_two_copies_of_one_model_are_not_told_apart():
    answers = made_up(BETTER)
    copies = {key.replace("6-4-2", "6-2x2"): right for key, right in answers.right.items() if "6-4-2" in key}
    numbers = compare(Answers(LANGUAGES, answers.right | copies), ORDER, [EQUAL])
    assert (numbers["difference"] == 0).all()
    assert (numbers["low"] < 0).all()
    assert (numbers["high"] > 0).all()
    assert (numbers["p_holm"].dropna() == 1).all()
    assert "level with" in conclusion(numbers)


def test_the_average_is_that_of_the_interval_over_all_languages():
    answers = made_up(BETTER)
    row = compare(answers, ORDER, [EQUAL]).set_index("language").loc["zero_shot"]
    expected = interval(answers.scores(CASCADE, ["fr", "ur"]), answers.scores(DIRECT, ["fr", "ur"]))
    assert (row["difference"], row["low"], row["high"]) == expected
    assert row["first_accuracy"] - row["second_accuracy"] == pytest.approx(row["difference"])


def averages(difference, low, high, seeds=5, distill_seeds=1, covers="fine-tuning seeds, test pairs", question=EQUAL):
    """A comparison of which only the average matters, over three languages."""
    facts = dict(zip(("first_recipe", "first_chain", "first_label", "first_method"), CASCADE, strict=True))
    facts |= dict(zip(("second_recipe", "second_chain", "second_label", "second_method"), DIRECT, strict=True))
    facts |= {"question": question.question.value, "seeds": seeds, "distill_seeds": distill_seeds, "covers": covers}
    facts |= {"difference": difference, "low": low, "high": high}
    return pd.DataFrame([facts | {"language": language} for language in [*LANGUAGES, "average"]])


BELOW, ABOVE = (
    f"- At equal compute the cascade 6-4-2 is 1.2 points {side} the direct student 6-2x2 on average over 3 languages"
    for side in ("below", "above")
)
ONE_DISTILLATION = (
    "\n\nIntervals cover fine-tuning seeds and test pairs, but not distillation seeds, of which there is one.\n"
)


@pytest.mark.parametrize(
    ("numbers", "sentence"),
    [
        (
            averages(-0.012, -0.02, -0.004),
            f"{BELOW} (95 % interval -2.0 to -0.4).{ONE_DISTILLATION}",
        ),
        (
            averages(0.012, -0.02, 0.044, seeds=2),
            f"{ABOVE} (95 % interval -2.0 to 4.4, which includes no difference; indicative, with fewer than five"
            f" seeds).{ONE_DISTILLATION}",
        ),
        (
            averages(0.012, np.nan, np.nan, seeds=1, covers=""),
            f"{ABOVE}; with one run no interval can be given.\n\nWith one run of a model there is no interval.\n",
        ),
        (
            averages(0.02, 0.01, 0.03, question=EQUAL._replace(question=Question.DIRECT)),
            "- The cascade 6-4-2 is 2.0 points above the direct student 6-2x2 on average over 3 languages"
            " (95 % interval 1.0 to 3.0)." + ONE_DISTILLATION,
        ),
    ],
    ids=["told apart", "few seeds", "one run", "not at equal compute"],
)
def test_the_conclusion_says_what_the_numbers_say(numbers, sentence):
    assert conclusion(numbers) == sentence


def test_few_distillation_seeds_are_indicative_too():
    covers = "distillation seeds, fine-tuning seeds, test pairs"
    assert "indicative" in conclusion(averages(0.02, 0.01, 0.03, distill_seeds=2, covers=covers))
    assert "indicative" not in conclusion(averages(0.02, 0.01, 0.03, distill_seeds=5, covers=covers))


def test_several_recipes_are_named():
    second = averages(0.02, 0.01, 0.03).assign(first_recipe="minilm", second_recipe="minilm")
    said = conclusion(pd.concat([averages(0.02, 0.01, 0.03), second]))
    assert "6-2x2 with recipe toplayer on average" in said
    assert "6-2x2 with recipe minilm on average" in said


def test_no_pairs_make_an_empty_table():
    numbers = compare(made_up(BETTER), ORDER, [])
    assert list(numbers) == COLUMNS
    assert comparisons_in_print(numbers).empty
    assert conclusion(numbers) == "The config asks for no comparison.\n"


def test_a_pair_outside_the_plan_is_refused():
    plan = [{"question": "teacher", "first": ["toplayer", "6-3"], "second": ["teacher", "6"]}]
    with pytest.raises(ResultsError, match="comparison teacher names toplayer/6-3, which is not in the plan"):
        compare(made_up(BETTER), ORDER, read_comparisons(plan))


def test_an_ablation_holds_every_recipe_against_the_first():
    other = CASCADE._replace(recipe="minilm")
    answers = made_up({**BETTER, other: 0.9})
    numbers = ablation(answers, [TEACHER, CASCADE, other], ["toplayer", "minilm"])
    assert numbers["recipe"].tolist() == ["toplayer", "minilm"]
    assert np.isnan(numbers["average_difference"][0])
    expected = interval(answers.scores(other, LANGUAGES), answers.scores(CASCADE, LANGUAGES))
    assert numbers["average_difference_low"][1] == expected.low > 0
    shown = ablation_in_print(numbers)
    assert shown["Average, difference"][0] == "\N{EN DASH}"
    assert shown["Average, difference"][1].startswith("+")
