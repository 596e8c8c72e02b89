"""Predictions are counted, and refused where they cannot be compared, with the file named."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax
from small_case import CASCADE, DIRECT, ORDER, TEACHER, predictions, write_predictions

from camembert.paper import tables
from camembert.paper.predictions import ACCURACY_COLUMNS, count, covered, read_answers, write_answers
from camembert.paper.statistics import ResultsError


@pytest.fixture
def paths(tmp_path):
    return write_predictions(tmp_path / "predictions")


@pytest.fixture
def accuracy(paths):
    return count("embedded", ORDER, paths)[0]


@pytest.fixture
def answers(paths):
    return count("embedded", ORDER, paths)[1]


def test_accuracy_has_a_row_a_classifier_and_language(accuracy):
    assert list(accuracy) == ACCURACY_COLUMNS
    assert len(accuracy) == 4 * 2 * 2
    assert accuracy.iloc[4].to_dict() == {
        "experiment": "embedded",
        "recipe": "toplayer",
        "chain": "6-2",
        "label": "Direct 6-2",
        "layers": 2,
        "distill_seed": 1,
        "seed": 1,
        "language": "en",
        "n": 10,
        "accuracy": 0.6,
    }


def test_accuracy_survives_its_file(accuracy, tmp_path):
    tables.write_csv(accuracy, tmp_path / "accuracy.csv")
    pd.testing.assert_frame_equal(tables.read_accuracy(tmp_path / "accuracy.csv"), accuracy)


def test_a_teacher_alone_keeps_its_chain_as_text(accuracy, tmp_path):
    tables.write_csv(accuracy[accuracy["chain"] == "6"], tmp_path / "accuracy.csv")
    assert tables.read_accuracy(tmp_path / "accuracy.csv")["chain"].unique().tolist() == ["6"]


def test_pairs_in_another_order_are_the_same_pairs(paths, accuracy):
    predictions(6).iloc[::-1].to_parquet(paths[4])
    pd.testing.assert_frame_equal(count("embedded", ORDER, paths)[0], accuracy)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (predictions(6).drop(columns=["label"]), "no column label"),
        (predictions(6)[["id", "label", "neutral"]], "no column of logits, one a label"),
        (predictions(6).replace("pair-3", "pair-4"), "id pair-4 occurs twice"),
        (predictions(6).replace("pair-3", "pair-30"), "its ids differ from those in .*6/d1-s1/en.parquet"),
        (predictions(6, pairs=9), "its ids differ from those in .*6/d1-s1/en.parquet"),
        (predictions(6).assign(label=0), "its labels differ from those in .*6/d1-s1/en.parquet"),
        (predictions(6).assign(neutral=float("nan")), "logits that are not finite"),
        (predictions(6).head(0), "no predictions"),
    ],
)
def test_predictions_that_cannot_be_compared_are_refused_with_their_file(paths, broken, message):
    broken.to_parquet(paths[4])
    with pytest.raises(ResultsError, match=rf"6-2/d1-s1/en\.parquet: {message}"):
        count("embedded", ORDER, paths)[0]


def test_predictions_of_a_chain_outside_the_plan_are_refused_with_their_file(paths):
    with pytest.raises(ResultsError, match=r"6-4-2/d1-s1/en\.parquet: not .* of a chain in the plan"):
        count("embedded", ORDER[:-1], paths)


def test_a_file_that_is_no_parquet_is_refused_with_its_name(paths):
    paths[4].write_bytes(b"PAR1")
    with pytest.raises(ResultsError, match=r"6-2/d1-s1/en\.parquet cannot be read as parquet"):
        count("embedded", ORDER, paths)


def test_a_missing_file_is_refused_with_its_name(paths):
    paths[4].unlink()
    with pytest.raises(ResultsError, match=r"6-2/d1-s1/en\.parquet cannot be read"):
        count("embedded", ORDER, paths)


def test_a_missing_seed_is_refused_with_its_file(paths):
    without = [path for path in paths if "6-2/d1-s2" not in str(path)]
    with pytest.raises(ResultsError, match=r"predictions/toplayer/6-2/d1-s2/en\.parquet is missing"):
        count("embedded", ORDER, without)


def test_a_missing_distillation_seed_is_refused_with_its_file(paths, tmp_path):
    for path in paths:
        if "6-4" in str(path):  # assistant and cascade get a second distillation seed, the direct student does not
            copy = path.parent.with_name(path.parent.name.replace("d1", "d2")) / path.name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    with pytest.raises(ResultsError, match=r"toplayer/6-2/d2-s1/en\.parquet is missing"):
        count("embedded", ORDER, sorted((tmp_path / "predictions").rglob("*.parquet")))


def test_a_missing_language_is_refused_with_its_file(paths):
    with pytest.raises(ResultsError, match=r"toplayer/6-2/d1-s1/ur\.parquet is missing"):
        count("embedded", ORDER, [path for path in paths if path != paths[5]])


def test_languages_with_other_pairs_are_refused_with_their_file(paths):
    for path in paths:
        if path.stem == "ur":
            frame = pd.read_parquet(path)
            frame.assign(id="other-" + frame["id"]).to_parquet(path)
    with pytest.raises(ResultsError, match=r"6/d1-s1/ur\.parquet: its ids differ from those in .*6/d1-s1/en\.parquet"):
        count("embedded", ORDER, paths)


def test_no_predictions_at_all_are_refused():
    with pytest.raises(ResultsError, match="no predictions to count"):
        count("embedded", ORDER, [])


def test_answers_survive_their_file(answers, tmp_path):
    write_answers(answers, tmp_path / "answers.parquet")
    again = read_answers(tmp_path / "answers.parquet")
    assert again.languages == answers.languages
    assert list(again.right) == list(answers.right)
    assert all(np.array_equal(again.right[key], answers.right[key]) for key in answers.right)


def test_scores_are_means_over_languages_run_by_run(answers):
    scores = answers.scores(DIRECT, ["en", "ur"])
    assert scores.shape == (1, 2, 10)
    assert scores[0, 0].tolist() == [1.0] * 4 + [0.5] * 2 + [0.0] * 4  # six right in English, four in Urdu
    assert scores[0].mean(axis=1).tolist() == pytest.approx([0.5, 0.6])


def test_an_ensemble_answers_with_the_largest_mean_probability(paths, tmp_path):
    draw = np.random.default_rng(0)
    logits = draw.normal(size=(2, 10, 3))
    for path, own in zip((paths[4], paths[6]), logits, strict=True):
        frame = predictions(6)
        frame[["entailment", "neutral", "contradiction"]] = own
        frame.to_parquet(path)
    answers = count("embedded", ORDER, paths)[1]
    expected = softmax(logits, axis=2).mean(axis=0).argmax(axis=1) == np.arange(10) % 3
    assert answers.ensemble(DIRECT)[0].tolist() == expected.tolist()


def test_an_interval_says_which_seeds_it_covers(answers):
    assert covered(answers, TEACHER) == ["fine-tuning seeds", "test pairs"]
    twice = {key.replace("d1", "d2"): right for key, right in answers.right.items() if "6-2" in key or "6-4-2" in key}
    more = type(answers)(answers.languages, answers.right | twice)
    assert covered(more, DIRECT, CASCADE) == ["distillation seeds", "fine-tuning seeds", "test pairs"]
    assert covered(more, DIRECT, TEACHER) == ["distillation seeds", "fine-tuning seeds", "test pairs"]
    once = type(answers)(answers.languages, {key: right for key, right in more.right.items() if "s2" not in key})
    assert covered(once, DIRECT, CASCADE) == ["distillation seeds", "test pairs"]
    assert covered(once, DIRECT, TEACHER) == []  # one run of the teacher cannot tell
