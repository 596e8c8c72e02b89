"""Predictions and retrieved lines are counted, and refused where they cannot be compared, with the file named."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax
from small_case import (
    CASCADE,
    DIRECT,
    LABELS,
    MODELS,
    TEACHER,
    predictions,
    retrieved,
    write_predictions,
    write_retrieval,
)

from camembert.paper.intervals import by_cluster
from camembert.paper.predictions import (
    ACCURACY_COLUMNS,
    accuracy_of,
    count_predictions,
    count_retrieval,
    read_predictions,
)
from camembert.paper.statistics import RETRIEVAL_BASELINE, ResultsError
from camembert.paper.tables import writing as tables

CLUSTERS = [0, 0, 0, 1, 1, 1, 2, 2, 2, 3]


@pytest.fixture
def paths(tmp_path):
    return write_predictions(tmp_path / "predictions")


@pytest.fixture
def lines(tmp_path):
    return write_retrieval(tmp_path / "retrieval")


def count(paths):
    return count_predictions("cldr-nli", MODELS, paths)


@pytest.fixture
def accuracy(paths, lines):
    return accuracy_of("embedded", MODELS, [count(paths), count_retrieval(MODELS, lines)])


def test_accuracy_has_a_row_a_classifier_or_encoder_and_language(accuracy):
    assert list(accuracy) == ACCURACY_COLUMNS
    assert len(accuracy) == 4 * 2 * 2 + 1 + 3 * 2 + 1
    facts = {"experiment": "embedded", "recipe": "toplayer", "chain": "6-2", "label": "Direct 6-2", "layers": 2}
    task = {"task": "cldr-nli", "run": 1, "finetuning": 1, "language": "en", "n": 10, "accuracy": 0.6}
    assert accuracy.iloc[4].to_dict() == facts | task
    retrieval = {"task": "retrieval", "run": 2, "finetuning": 0, "language": "ur", "n": 20, "accuracy": 0.6}
    assert accuracy.iloc[18].to_dict() == facts | retrieval
    baseline = accuracy.iloc[-1]
    assert (baseline["label"], baseline["run"], baseline["accuracy"]) == ("Character n-grams", 0, 0.1)
    assert pd.isna(baseline["layers"])


def test_baselines_of_the_task_are_counted_like_a_classifier_that_exists_once(paths, tmp_path):
    own = []
    for language, right in (("en", 3), ("ur", 4)):
        own.append(tmp_path / "predictions/baseline/naive-bayes" / f"{language}.parquet")
        own[-1].parent.mkdir(parents=True, exist_ok=True)
        predictions(right).to_parquet(own[-1])
    rows = accuracy_of("embedded", MODELS, [count([*paths, *own])]).tail(2)
    assert rows["label"].tolist() == ["Naive Bayes"] * 2
    assert rows[["run", "finetuning"]].to_numpy().tolist() == [[0, 0]] * 2
    assert rows["accuracy"].tolist() == [0.3, 0.4]
    with pytest.raises(ResultsError, match=r"baseline/naive-bayes/ur\.parquet is missing"):
        count([*paths, own[0]])
    unknown = tmp_path / "predictions/baseline/unknown/en.parquet"
    with pytest.raises(ResultsError, match=r"unknown/en\.parquet: expected RECIPE/CHAIN/rN-fM/LANGUAGE\.parquet"):
        count([*paths, unknown])


def test_accuracy_survives_its_file(accuracy, tmp_path):
    tables.write_csv(accuracy, tmp_path / "accuracy.csv")
    pd.testing.assert_frame_equal(tables.read_accuracy(tmp_path / "accuracy.csv"), accuracy)


def test_a_teacher_alone_keeps_its_chain_as_text(accuracy, tmp_path):
    tables.write_csv(accuracy[accuracy["chain"] == "6"], tmp_path / "accuracy.csv")
    assert tables.read_accuracy(tmp_path / "accuracy.csv")["chain"].unique().tolist() == ["6"]


def test_without_retrieval_there_is_nothing_to_count():
    assert count_retrieval(MODELS, []) is None


def test_items_in_another_order_are_the_same_items(paths, lines):
    expected = accuracy_of("embedded", MODELS, [count(paths), count_retrieval(MODELS, lines)])
    predictions(6).iloc[::-1].to_parquet(paths[4], index=False)
    retrieved(10).iloc[::-1].to_parquet(lines[1], index=False)
    found = accuracy_of("embedded", MODELS, [count(paths), count_retrieval(MODELS, lines)])
    pd.testing.assert_frame_equal(found, expected)


def test_labels_are_those_of_the_file(tmp_path):
    names = [f"intent {i}" for i in range(5)]
    predictions(7, names=names).to_parquet(tmp_path / "en.parquet")
    found = read_predictions(tmp_path / "en.parquet")
    assert found.names == names
    assert found.logits.shape == (10, 5)
    assert (found.logits.argmax(axis=1) == found.labels).sum() == 7


def test_chance_is_the_most_frequent_label_or_one_line(paths, lines):
    assert count(paths).chance == 0.4  # labels 0, 1, 2, ..., 0
    assert count_retrieval(MODELS, lines).chance == 0.05


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (predictions(6).drop(columns=["label"]), "no column label"),
        (predictions(6).drop(columns=["neutral", "entailment"]), "1 columns of logits, expected one a label"),
        (predictions(6).drop(columns=["contradiction"]), "a label other than 0 to 1, of which there are logits"),
        (predictions(6).assign(label=-1), "a label other than 0 to 2, of which there are logits"),
        (predictions(6).assign(note="x"), "column note is not a logit"),
        (predictions(6).rename(columns={"neutral": "other"}), "its names of labels differ from those in .*r1-f1/en"),
        (predictions(6).replace("item-3", "item-4"), "id item-4 occurs twice"),
        (predictions(6).replace("item-3", "item-30"), "its ids differ from those in .*6/r1-f1/en.parquet"),
        (predictions(6, items=9), "its ids differ from those in .*6/r1-f1/en.parquet"),
        (predictions(6).assign(label=0), "its labels differ from those in .*6/r1-f1/en.parquet"),
        (predictions(6).assign(cluster=CLUSTERS), "its clusters differ from those in .*6/r1-f1/en.parquet"),
        (predictions(6).assign(neutral=float("nan")), "logits that are not finite"),
        (predictions(6).head(0), "no rows"),
    ],
)
def test_predictions_that_cannot_be_compared_are_refused_with_their_file(paths, broken, message):
    broken.to_parquet(paths[4])
    with pytest.raises(ResultsError, match=rf"6-2/r1-f1/en\.parquet: {message}"):
        count(paths)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (retrieved(6).drop(columns=["nearest"]), "no column nearest"),
        (retrieved(6).replace({"id": {3: 4}}), "id 4 occurs twice"),
        (retrieved(6, lines=19), "its ids differ from those in .*6/r0/ur.parquet"),
        (retrieved(6).head(0), "no rows"),
    ],
)
def test_retrieved_lines_that_cannot_be_compared_are_refused_with_their_file(lines, broken, message):
    broken.to_parquet(lines[1])
    with pytest.raises(ResultsError, match=rf"6-2/r1/ur\.parquet: {message}"):
        count_retrieval(MODELS, lines)


def test_results_of_a_chain_outside_the_experiment_are_refused_with_their_file(paths, lines):
    with pytest.raises(ResultsError, match=r"6-4-2/r1-f1/en\.parquet: expected .* of a model of the experiment"):
        count_predictions("cldr-nli", MODELS[:-1], paths)
    with pytest.raises(ResultsError, match=r"6-4-2/r1/ur\.parquet: expected .* of a model of the experiment"):
        count_retrieval(MODELS[:-1], lines)


def test_a_file_that_is_no_parquet_is_refused_with_its_name(paths):
    paths[4].write_bytes(b"PAR1")
    with pytest.raises(ResultsError, match=r"6-2/r1-f1/en\.parquet cannot be read as parquet"):
        count(paths)


def test_a_missing_file_is_refused_with_its_name(paths):
    paths[4].unlink()
    with pytest.raises(ResultsError, match=r"6-2/r1-f1/en\.parquet cannot be read"):
        count(paths)


def test_a_missing_fine_tuning_is_refused_with_its_folder(paths):
    again = paths[4].parent.with_name("r1-f2")
    again.mkdir()
    more = [again / path.name for path in paths[4:6]]
    for path in more:
        predictions(5).to_parquet(path)
    with pytest.raises(ResultsError, match=r"predictions/toplayer/6-2/r2-f2 is missing; other runs of that model"):
        count([*paths, *more])


def test_a_missing_language_is_refused_with_its_file(paths):
    with pytest.raises(ResultsError, match=r"predictions/toplayer/6-2/r1-f1/ur\.parquet is missing"):
        count([path for path in paths if path != paths[5]])


def test_languages_with_other_items_are_refused_with_their_file(paths):
    for path in paths:
        if path.stem == "ur":
            frame = pd.read_parquet(path)
            frame.assign(id="other-" + frame["id"]).to_parquet(path)
    with pytest.raises(ResultsError, match=r"6/r1-f1/ur\.parquet: its ids differ from those in .*6/r1-f1/en\.parquet"):
        count(paths)


def test_no_predictions_at_all_are_refused():
    with pytest.raises(ResultsError, match="no predictions to count"):
        count([])


def test_an_ensemble_answers_with_the_largest_mean_probability(paths):
    draw = np.random.default_rng(0)
    logits = draw.normal(size=(2, 10, 3))
    for path, own in zip((paths[4], paths[6]), logits, strict=True):
        frame = predictions(6)
        frame[list(LABELS)] = own
        frame.to_parquet(path)
    expected = softmax(logits, axis=2).mean(axis=0).argmax(axis=1) == np.arange(10) % 3
    assert count(paths).ensemble(DIRECT)[0].tolist() == expected.tolist()


def test_retrieval_has_no_ensemble(lines):
    assert count_retrieval(MODELS, lines).ensemble(DIRECT) is None


def test_clusters_of_the_data_are_those_of_the_scores(paths):
    plain = count(paths)
    for path in paths:
        pd.read_parquet(path).assign(cluster=CLUSTERS).to_parquet(path)
    found, expected = (answers.scores(CASCADE, ["en", "ur"]) for answers in (count(paths), plain))
    assert found.values.tolist() == by_cluster(expected.values, np.array(CLUSTERS)).tolist()
    assert found.mean == pytest.approx(expected.mean)


def test_the_baseline_and_the_teacher_exist_once_in_retrieval(lines):
    answers = count_retrieval(MODELS, lines)
    assert answers.scores(RETRIEVAL_BASELINE, ["ur"]).runs == answers.scores(TEACHER, ["ur"]).runs == (0,)
    assert answers.differences(DIRECT, TEACHER, ["ur"]).mean == pytest.approx(0.55 - 0.8)
