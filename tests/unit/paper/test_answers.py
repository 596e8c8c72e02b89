"""Answers become scores, run by run."""

import numpy as np
import pytest
from small_case import (
    CASCADE,
    COSINE,
    DIRECT,
    LEADS,
    TASK,
    TEACHER,
    first,
    results,
    results_of,
    retrieval_rows,
    rows,
)

from camembert.paper.answers import Results
from camembert.paper.intervals import by_cluster
from camembert.paper.statistics import RETRIEVAL, RETRIEVAL_BASELINE, ResultsError


@pytest.fixture
def answers():
    return results().get(TASK)


def task_of(tables, parallel=True):
    return results_of(tables, parallel).get(TASK)


def test_the_table_says_which_evaluations_and_readings_there_are(answers):
    assert [each.task for each in results().evaluations] == [TASK, RETRIEVAL]
    assert (answers.reading, answers.chance, answers.languages) == ("as_is", 0.4, ["en", "ur"])
    assert list(results().readings(RETRIEVAL)) == [COSINE, LEADS]
    assert results().get(RETRIEVAL).reading == LEADS
    assert results().get("probe") is None
    assert results().readings("probe") == {}


def test_a_leading_reading_that_was_not_counted_is_refused():
    read = Results(results().readings(RETRIEVAL).values(), {RETRIEVAL: "mean/margin/into_english"})
    with pytest.raises(ResultsError, match="retrieval was not read by mean/margin/into_english, only by cls/cosine"):
        read.get(RETRIEVAL)


def test_accuracy_has_a_row_a_classifier_or_encoder_reading_and_language():
    accuracy = results().accuracy
    assert len(accuracy) == 2 * 4 * 2 * 2 + 2 * (1 + 3 * 2) + 1
    of_direct = accuracy[(accuracy["chain"] == "6-2") & accuracy["reading"].isin(["as_is", LEADS])]
    assert of_direct[["task", "run", "finetuning", "language", "n", "accuracy"]].to_numpy().tolist() == [
        [TASK, 1, 1, "en", 10, 0.6],
        [TASK, 1, 1, "ur", 10, 0.4],
        [TASK, 2, 1, "en", 10, 0.8],
        [TASK, 2, 1, "ur", 10, 0.4],
        [RETRIEVAL, 1, 0, "ur", 20, 0.5],
        [RETRIEVAL, 2, 0, "ur", 20, 0.6],
    ]


def test_scores_are_means_over_languages_run_by_run(answers):
    scores = answers.scores(DIRECT, ["en", "ur"])
    assert scores.runs == (1, 2)
    assert scores.values[0].tolist() == [1.0] * 4 + [0.5] * 2 + [0.0] * 4  # six right in English, four in Urdu
    assert scores.values.mean(axis=1).tolist() == pytest.approx([0.5, 0.6])


def test_items_in_another_order_are_the_same_items(answers):
    tables = [table.take(list(range(9, -1, -1))) for table in rows(CASCADE, first([[7, 5], [7, 4]], 10))]
    mixed = task_of(rows(DIRECT, first([[6, 4], [8, 4]], 10)) + tables)
    expected = answers.differences(CASCADE, DIRECT, ["en", "ur"])
    assert mixed.differences(CASCADE, DIRECT, ["en", "ur"]).values.tolist() == expected.values.tolist()


def test_fine_tunings_are_averaged_within_a_run(answers):
    right = first([[6, 4], [8, 4]], 10)
    both = task_of(rows(DIRECT, right) + rows(DIRECT, ~right, finetuning=2))
    scores = both.scores(DIRECT, ["en", "ur"])
    assert scores.runs == (1, 2)
    assert (scores.values == 0.5).all()
    assert (both.finetunings(DIRECT), answers.finetunings(DIRECT)) == (2, 1)


def test_encoders_and_baselines_take_no_fine_tuning_and_some_exist_once():
    retrieval = results().get(RETRIEVAL)
    assert retrieval.is_retrieval
    assert retrieval.finetunings(TEACHER) == 0
    assert retrieval.scores(RETRIEVAL_BASELINE, ["ur"]).runs == retrieval.scores(TEACHER, ["ur"]).runs == (0,)
    assert retrieval.differences(DIRECT, TEACHER, ["ur"]).mean == pytest.approx(0.55 - 0.8)


def test_a_model_that_was_never_evaluated_is_refused(answers):
    with pytest.raises(ResultsError, match="no answers of chain 6-5 under recipe toplayer on cldr-nli"):
        answers.scores(DIRECT._replace(chain="6-5"), ["en"])


def test_models_without_a_run_in_common_are_refused_by_name():
    right = first([[6, 4]], 10)
    apart = task_of(rows(CASCADE, right, runs=[2]) + rows(DIRECT, right, runs=[1]))
    with pytest.raises(ResultsError, match="Cascade 6-4-2 and Direct 6-2 cannot be compared: runs 2 and 1 have none"):
        apart.differences(CASCADE, DIRECT, ["en"])


@pytest.mark.parametrize("missing", ["language", "item"])
def test_a_run_that_lacks_a_language_or_an_item_is_refused(missing):
    tables = rows(DIRECT, first([[6, 4], [8, 4]], 10))
    last = tables.pop()
    tables += [last.slice(0, 9)] if missing == "item" else []
    with pytest.raises(ResultsError, match="runs of chain 6-2 under recipe toplayer on cldr-nli do not have the same"):
        task_of(tables).scores(DIRECT, ["en"])


def of_unlike_items():
    """Ten items in English and four in Urdu, of the direct student: 6 and 3 right, then 8 and 2."""
    return [
        table
        for language, rights, items in (("en", (6, 8), 10), ("ur", (3, 2), 4))
        for table in rows(DIRECT, first([[n] for n in rights], items), languages=[language], clusters=range(items))
    ]


def test_languages_with_items_of_their_own_are_refused_as_parallel_and_counted_as_not():
    with pytest.raises(ResultsError, match="do not have the same items"):
        task_of(of_unlike_items()).scores(DIRECT, ["en", "ur"])
    answers = task_of(of_unlike_items(), parallel=False)
    scores = answers.scores(DIRECT, ["en", "ur"])
    assert scores.values.shape == (2, 14), "no two languages share a cluster"
    assert scores.values.mean(axis=1) == pytest.approx([(0.6 + 0.75) / 2, (0.8 + 0.5) / 2])
    assert answers.scores(DIRECT, ["ur"]).values.mean(axis=1) == pytest.approx([0.75, 0.5])


def test_clusters_of_the_data_are_those_of_the_scores(answers):
    clusters = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2, 3])
    found = task_of(rows(CASCADE, first([[7, 5], [7, 4]], 10), clusters=clusters)).scores(CASCADE, ["en", "ur"])
    expected = answers.scores(CASCADE, ["en", "ur"])
    assert found.values.tolist() == by_cluster(expected.values, clusters).tolist()
    assert found.mean == pytest.approx(expected.mean)


def test_a_model_of_one_evaluation_alone_is_in_no_other():
    only = results_of(
        [*rows(DIRECT, first([[6, 4]], 10), runs=[1]), *retrieval_rows(CASCADE, first([[9]], 20), runs=[1])]
    )
    with pytest.raises(ResultsError, match="no answers of chain 6-2 under recipe toplayer on retrieval"):
        only.get(RETRIEVAL).scores(DIRECT, ["ur"])
