"""Answers become accuracies and scores, run by run: within a run over fine-tunings first, then over languages."""

import numpy as np
import pytest
from small_case import (
    CASCADE,
    COSINE,
    DIRECT,
    LEADS,
    MODELS,
    TASK,
    TEACHER,
    first,
    results,
    results_of,
    rows,
)

from camembert.paper.answers import (
    RETRIEVAL,
    RETRIEVAL_BASELINE,
    Results,
    find_teacher,
    list_models,
    name_languages,
    split_languages,
)
from camembert.paper.intervals import ResultsError, merge_clusters
from camembert.plan.chain import Method, parse_chain
from camembert.plan.experiment import Experiment, identify_encoder


@pytest.fixture
def answers():
    return results().leading[TASK]


def task_of(tables, parallel=True):
    return results_of(tables, parallel).leading[TASK]


def test_the_table_says_which_evaluations_and_readings_there_are(answers):
    assert list(results().leading) == [TASK, RETRIEVAL]
    assert results().task is answers
    assert (answers.reading, answers.chance, answers.languages) == ("as_is", 0.4, ["en", "ur"])
    assert list(results().readings[RETRIEVAL]) == [COSINE, LEADS]
    assert results().leading[RETRIEVAL].reading == LEADS


def test_a_leading_reading_that_was_not_counted_is_refused():
    with pytest.raises(ResultsError, match="retrieval was not read by mean/margin/into_english, only by cls/cosine"):
        Results(results().readings[RETRIEVAL].values(), {RETRIEVAL: "mean/margin/into_english"})


def test_accuracy_has_a_row_a_classifier_or_encoder_and_language():
    expected = {
        TASK: [[1, 1, "en", 10, 0.6], [1, 1, "ur", 10, 0.4], [2, 1, "en", 10, 0.8], [2, 1, "ur", 10, 0.4]],
        RETRIEVAL: [[1, 0, "ur", 20, 0.5], [2, 0, "ur", 20, 0.6]],
    }
    for task, models in ((TASK, 4 * 2 * 2), (RETRIEVAL, 1 + 3 * 2 + 1)):
        accuracy = results().leading[task].accuracy
        assert len(accuracy) == models
        of_direct = accuracy[accuracy["chain"] == "6-2"]
        assert of_direct[["run", "finetuning", "language", "n", "accuracy"]].to_numpy().tolist() == expected[task]


def test_scores_are_means_over_languages_run_by_run(answers):
    scores = answers.scores(DIRECT, ["en", "ur"])
    assert scores.runs == (1, 2)
    assert scores.values[0].tolist() == [1.0] * 4 + [0.5] * 2 + [0.0] * 4  # six right in English, four in Urdu
    assert scores.values.mean(axis=1).tolist() == pytest.approx([0.5, 0.6])
    runs = answers.select_runs(DIRECT)
    assert runs.to_numpy().tolist() == [pytest.approx([0.6, 0.4, 0.5]), pytest.approx([0.8, 0.4, 0.6])]
    assert list(runs) == ["en", "ur", "average"]


def test_items_in_another_order_are_the_same_items(answers):
    tables = [table.take(list(range(9, -1, -1))) for table in rows(CASCADE, first([[7, 5], [7, 4]], 10))]
    mixed = task_of(rows(DIRECT, first([[6, 4], [8, 4]], 10)) + tables)
    for model in (CASCADE, DIRECT):
        expected = answers.scores(model, ["en", "ur"])
        assert mixed.scores(model, ["en", "ur"]).values.tolist() == expected.values.tolist()


def test_fine_tunings_are_averaged_within_a_run():
    right = first([[6, 4], [8, 4]], 10)
    both = task_of(rows(DIRECT, right) + rows(DIRECT, ~right, finetuning=2))
    assert both.scores(DIRECT, ["en", "ur"]).runs == (1, 2)
    assert (both.scores(DIRECT, ["en", "ur"]).values == 0.5).all()
    assert (both.select_runs(DIRECT) == 0.5).all(axis=None)


def test_encoders_and_baselines_take_no_fine_tuning_and_some_exist_once():
    retrieval = results().leading[RETRIEVAL]
    direct, teacher, baseline = (retrieval.scores(model, ["ur"]) for model in (DIRECT, TEACHER, RETRIEVAL_BASELINE))
    assert teacher.runs == baseline.runs == (0,)
    assert direct.minus(teacher).mean == pytest.approx(0.55 - 0.8)


def test_a_model_that_was_never_evaluated_is_refused(answers):
    for select in (answers.select_runs, lambda model: answers.scores(model, ["en"])):
        with pytest.raises(ResultsError, match="no answers of chain 6-5 under recipe toplayer on cldr-nli"):
            select(DIRECT._replace(chain="6-5"))


@pytest.mark.parametrize("missing", ["language", "item"])
def test_a_run_that_lacks_a_language_or_an_item_is_refused(missing):
    tables = rows(DIRECT, first([[6, 4], [8, 4]], 10))
    last = tables.pop()
    tables += [last.slice(0, 9)] if missing == "item" else []
    with pytest.raises(ResultsError, match="runs of chain 6-2 under recipe toplayer on cldr-nli do not have the same"):
        task_of(tables).scores(DIRECT, ["en"])


def test_languages_with_items_of_their_own_are_refused_as_parallel_and_counted_as_not():
    tables = [  # ten items in English and four in Urdu: 6 and 3 right, then 8 and 2
        table
        for language, rights, items in (("en", (6, 8), 10), ("ur", (3, 2), 4))
        for table in rows(DIRECT, first([[n] for n in rights], items), languages=[language], clusters=range(items))
    ]
    with pytest.raises(ResultsError, match="do not have the same items"):
        task_of(tables).scores(DIRECT, ["en", "ur"])
    answers = task_of(tables, parallel=False)
    scores = answers.scores(DIRECT, ["en", "ur"])
    assert scores.values.shape == (2, 14), "no two languages share a cluster"
    assert scores.values.mean(axis=1) == pytest.approx([(0.6 + 0.75) / 2, (0.8 + 0.5) / 2])
    assert answers.scores(DIRECT, ["ur"]).values.mean(axis=1) == pytest.approx([0.75, 0.5])


def test_clusters_of_the_data_are_those_of_the_scores(answers):
    clusters = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2, 3])
    found = task_of(rows(CASCADE, first([[7, 5], [7, 4]], 10), clusters=clusters)).scores(CASCADE, ["en", "ur"])
    expected = answers.scores(CASCADE, ["en", "ur"])
    assert found.values.tolist() == merge_clusters(expected.values, clusters).tolist()
    assert found.mean == pytest.approx(expected.mean)


def test_each_model_is_named_once_and_the_recipe_where_labels_are_shared():
    chains = [parse_chain(text) for text in ("6", "6-2")]
    encoders = [identify_encoder(chain, recipe, run) for chain in chains for recipe in "ab" for run in (1, 2)]
    models = list_models(Experiment(chains, set(), ["a", "b"], [1, 2], encoders, []))
    assert [model.label for model in models] == ["Teacher (6 layers)", "Direct 6-2, a", "Direct 6-2, b"]
    assert [model[:2] for model in models] == [("teacher", "6"), ("a", "6-2"), ("b", "6-2")]
    assert [model.method for model in models] == [Method.TEACHER, Method.DIRECT, Method.DIRECT]


def test_models_are_compared_with_the_teacher():
    assert find_teacher(MODELS) is TEACHER
    with pytest.raises(ResultsError, match="no teacher to compare models with"):
        find_teacher([DIRECT])


def test_zero_shot_are_the_languages_without_labels():
    assert split_languages(["en", "fr", "ur"], ["fr", "ur"]) == {
        "english": ["fr", "ur"], "average": ["en", "fr", "ur"], "zero_shot": ["en"]
    }  # fmt: skip
    assert (name_languages(["en"]), name_languages(["ur", "en"])) == ("English", "ur, en")
