"""Answers become scores, run by run, and survive their file."""

import numpy as np
import pytest
from small_case import CASCADE, DIRECT, MODELS, TEACHER, predictions, write_predictions, write_retrieval

from camembert.paper.answers import Answers, read_answers, read_chance, write_answers
from camembert.paper.predictions import accuracy_of, count_predictions, count_retrieval
from camembert.paper.statistics import ResultsError


@pytest.fixture
def answers(tmp_path):
    return count_predictions("cldr-nli", MODELS, write_predictions(tmp_path / "predictions"))


@pytest.mark.parametrize("clusters", [None, np.arange(10) // 3])
def test_answers_survive_their_file(answers, clusters, tmp_path):
    written = Answers(answers.task, answers.chance, answers.languages, answers.right, clusters)
    write_answers(written, tmp_path / "answers.parquet")
    again = read_answers(tmp_path / "answers.parquet")
    assert (again.task, again.chance, again.languages) == ("cldr-nli", 0.4, ["en", "ur"])
    assert list(again.right) == list(written.right)
    assert all(np.array_equal(again.right[key], written.right[key]) for key in written.right)
    assert np.array_equal(again.clusters, clusters)
    assert read_chance(tmp_path / "answers.parquet") == ("cldr-nli", 0.4)


def test_scores_are_means_over_languages_run_by_run(answers):
    scores = answers.scores(DIRECT, ["en", "ur"])
    assert scores.runs == (1, 2)
    assert scores.values[0].tolist() == [1.0] * 4 + [0.5] * 2 + [0.0] * 4  # six right in English, four in Urdu
    assert scores.values.mean(axis=1).tolist() == pytest.approx([0.5, 0.6])


def test_fine_tunings_are_averaged_within_a_run(answers):
    again = {f"{key[:-1]}2": ~right for key, right in answers.right.items() if key.endswith("-f1")}
    both = Answers("cldr-nli", 0.4, ["en", "ur"], answers.right | again)
    scores = both.scores(DIRECT, ["en", "ur"])
    assert scores.runs == (1, 2)
    assert (scores.values == 0.5).all()
    assert (both.finetunings(DIRECT), answers.finetunings(DIRECT)) == (2, 1)


def test_a_model_with_the_name_of_another_before_its_own_is_another(answers):
    assert list(answers.keys_of(DIRECT)) == [1, 2]
    assert answers.keys_of(DIRECT)[1] == ["toplayer/6-2/r1-f1"]


def test_a_model_that_was_never_evaluated_is_refused(answers):
    with pytest.raises(ResultsError, match="no answers of chain 6-5 under recipe toplayer on cldr-nli"):
        answers.scores(DIRECT._replace(chain="6-5"), ["en"])


def test_models_without_a_run_in_common_are_refused_by_name(answers):
    right = {key: value for key, value in answers.right.items() if key not in ("toplayer/6-4-2/r1-f1",)}
    right = {key: value for key, value in right.items() if key != "toplayer/6-2/r2-f1"}
    apart = Answers("cldr-nli", 0.4, ["en", "ur"], right)
    with pytest.raises(ResultsError, match="Cascade 6-4-2 and Direct 6-2 cannot be compared: runs 2 and 1 have none"):
        apart.differences(CASCADE, DIRECT, ["en"])


def test_retrieval_takes_no_fine_tuning(tmp_path):
    retrieval = count_retrieval(MODELS, write_retrieval(tmp_path))
    assert retrieval.finetunings(TEACHER) == 0
    assert retrieval.is_retrieval


@pytest.fixture
def of_unlike_items(tmp_path):
    """Ten items in English and four in Urdu, of the direct student: 6 and 3 right, then 8 and 2."""
    paths = []
    for run, rights in ((1, {"en": (6, 10), "ur": (3, 4)}), (2, {"en": (8, 10), "ur": (2, 4)})):
        for language, (right, items) in rights.items():
            path = tmp_path / DIRECT.path / f"r{run}-f1" / f"{language}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            rows = predictions(right).head(items)
            rows.assign(id=[f"{language}-{i}" for i in range(items)], cluster=range(items)).to_parquet(path)
            paths.append(path)
    return paths


def test_languages_with_items_of_their_own_are_refused_as_parallel_and_counted_as_not(of_unlike_items, tmp_path):
    with pytest.raises(ResultsError, match=r"ur\.parquet: its ids differ from those in .*en\.parquet"):
        count_predictions("own", [DIRECT], of_unlike_items)
    answers = count_predictions("own", [DIRECT], of_unlike_items, parallel=False)
    assert answers.items.tolist() == [10, 4]
    scores = answers.scores(DIRECT, ["en", "ur"])
    assert scores.values.shape == (2, 14)
    assert scores.values.mean(axis=1) == pytest.approx([(0.6 + 0.75) / 2, (0.8 + 0.5) / 2])
    assert answers.scores(DIRECT, ["ur"]).values.mean(axis=1) == pytest.approx([0.75, 0.5])
    accuracy = accuracy_of("own", [DIRECT], [answers])
    assert accuracy[["language", "n", "accuracy"]].to_numpy().tolist()[:2] == [["en", 10, 0.6], ["ur", 4, 0.75]]
    write_answers(answers, tmp_path / "answers.parquet")
    again = read_answers(tmp_path / "answers.parquet")
    assert np.array_equal(again.scores(DIRECT, ["en", "ur"]).values, scores.values)
    assert again.items.tolist() == [10, 4]


def test_no_two_languages_with_items_of_their_own_share_a_cluster(of_unlike_items):
    answers = count_predictions("own", [DIRECT], of_unlike_items, parallel=False)
    assert len(np.unique(answers.clusters[answers.present])) == 14
