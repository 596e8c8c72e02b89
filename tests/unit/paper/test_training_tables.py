"""Whether fine-tuning got there, classifier by classifier, and where compression hurts, language by language."""

import numpy as np
import pandas as pd
import pytest
from small_case import CASCADE, MODELS, TEACHER, first, record_of, results_of, rows

from camembert.paper.answers import ComparedModel
from camembert.paper.tables.training import compute_convergence, compute_languages, format_convergence, name_improving
from camembert.paper.tables.writing import NOTHING
from camembert.plan.chain import Method

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


@pytest.mark.parametrize("given_teacher", [False, True])
def test_a_row_says_what_was_lost_what_could_not_be_matched_and_how_much_text_there_was(given_teacher):
    scratch = ComparedModel("mlm", "0-2x2", "From scratch 0-2x2", Method.SCRATCH)
    copied = ComparedModel("untrained", "6-2x0", "Copied layers 6-2x0", Method.COPIED)
    direct = MODELS[1]
    models, rights = [TEACHER, scratch, copied, direct], [(80, 80), (70, 65), (60, 50), (50, 35)]
    tables = [
        table
        for model, right in zip(models, rights, strict=True)
        for table in rows(model, first([right], 100), runs=[1])
    ]
    metrics = []
    for model, loss in ((TEACHER, 9.0), (scratch, 9.0), (copied, None), (direct, 0.2), (direct, 0.4)):
        held_out = {language: {"loss": loss + 0.1 * i} for i, language in enumerate(("en", "ur"))} if loss else {}
        facts = {"stage": "encoders", "recipe": model.recipe, "chain": model.chain, "held_out": held_out}
        metrics.append(facts | {"corpus_tokens": {"en": 300, "ur": 100}})
    if given_teacher:
        del metrics[0]["corpus_tokens"]  # it has seen none of the corpus
    numbers = compute_languages(record_of(results_of(tables), models, metrics=metrics))
    numbers = numbers.set_index(["chain", "language"])
    assert len(numbers) == 2 * 2  # what has no teacher is not compressed
    urdu = numbers.loc["6-2", "ur"]
    assert urdu["corpus_share"] == 0.25
    assert urdu["held_out_loss"] == pytest.approx(0.4)  # mean of 0.3 and 0.5
    assert (urdu["accuracy"], urdu["accuracy_change"]) == (0.35, pytest.approx(0.35 - 0.8))
    assert np.isnan(numbers.loc["6-2x0", "en"]["held_out_loss"])
