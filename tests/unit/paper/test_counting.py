"""Predictions and what was retrieved are counted."""

import numpy as np
import pandas as pd
import pytest

from camembert.paper.answers import BASELINE_RECIPE
from camembert.paper.counting import (
    compute_retrieval_chance,
    compute_task_chance,
    count_predictions,
    count_retrieval,
    group_files,
)
from camembert.paper.intervals import ResultsError
from camembert.plan.readings import AS_IS, CENTRED

LABELS = ("entailment", "neutral", "contradiction")
LABEL = np.arange(600) % 3
CLASSIFIER = ("toplayer", "6-2", 1, 2)


def write(path, logits, label=LABEL, **columns):
    """Writes predictions."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ids = [f"item-{i}" for i in range(len(label))]
    frame = pd.DataFrame({"id": ids, "label": label, **columns, **dict(zip(LABELS, np.transpose(logits), strict=True))})
    frame.to_parquet(path)
    return path


def accuracies(tables):
    """Shares of right answers by reading and language."""
    frame = pd.concat(table.to_pandas() for table in tables)
    return frame.groupby(["reading", "language"], observed=True)["right"].mean().to_dict()


@pytest.fixture
def logits():
    """Of 600 items, most of them right."""
    return np.eye(3)[LABEL] + np.random.default_rng(0).normal(scale=0.5, size=(600, 3))


def test_files_are_grouped_by_classifier_encoder_and_baseline():
    paths = ["p/toplayer/6-2/r1-f2/en.parquet", "p/toplayer/6-2/r1-f2/ur.parquet", "p/teacher/6/r0/ur.parquet"]
    files = group_files([*paths, "p/baseline/majority/en.parquet"])
    assert list(files) == [CLASSIFIER, ("teacher", "6", 0, 0), (BASELINE_RECIPE, "majority", 0, 0)]
    assert list(files[CLASSIFIER]) == ["en", "ur"]


def test_the_largest_logit_is_the_answer(tmp_path):
    path = write(
        tmp_path / "en.parquet", [[2, 1, 0], [0, 0, 1], [0, 1, 2], [3, 1, 2]], [0, 1, 2, 2], cluster=[5, 5, 6, 7]
    )
    (table,) = count_predictions("task", {CLASSIFIER: {"en": path}})
    assert table.to_pandas().to_dict("list") == {
        "task": ["task"] * 4, "reading": [AS_IS] * 4, "recipe": ["toplayer"] * 4, "chain": ["6-2"] * 4, "run": [1] * 4,
        "finetuning": [2] * 4, "language": ["en"] * 4, "item": [f"item-{i}" for i in range(4)],
        "cluster": [5, 5, 6, 7], "right": [True, False, True, False],
    }  # fmt: skip


def test_an_offset_of_a_language_is_centred_away_exactly_and_a_real_loss_is_not(tmp_path, logits):
    draw = np.random.default_rng(1)
    read = {
        "en": logits,
        "de": logits + np.array([1.5, 0.0, -1.0]),
        "ur": np.where(draw.random((600, 1)) < 0.5, logits, draw.permutation(logits)),
    }
    files = {language: write(tmp_path / f"{language}.parquet", own) for language, own in read.items()}
    found = accuracies(count_predictions("task", {CLASSIFIER: files}))
    english = found[AS_IS, "en"]
    assert found[CENTRED, "en"] == english > 0.8
    assert found[AS_IS, "de"] < english - 0.2
    assert found[CENTRED, "de"] == english
    assert max(found[AS_IS, "ur"], found[CENTRED, "ur"]) < english - 0.2


def test_languages_are_centred_on_those_of_the_labels(tmp_path, logits):
    read = {"de": logits, "fr": logits + np.array([1.5, 0.0, -1.0])}
    files = {language: write(tmp_path / f"{language}.parquet", own) for language, own in read.items()}
    found = accuracies(count_predictions("task", {CLASSIFIER: files}, trained_on=["de"]))
    assert found[CENTRED, "fr"] == found[CENTRED, "de"] == found[AS_IS, "de"] > found[AS_IS, "fr"] + 0.2


def test_baselines_and_tasks_without_other_languages_are_read_as_they_are(tmp_path, logits):
    files = {language: write(tmp_path / f"{language}.parquet", logits) for language in ("en", "de")}
    tables = count_predictions("task", {(BASELINE_RECIPE, "majority", 0, 0): files})
    assert {reading for reading, _ in accuracies(tables)} == {AS_IS}
    tables = count_predictions("task", {CLASSIFIER: {"en": files["en"]}})
    assert {reading for reading, _ in accuracies(tables)} == {AS_IS}


def test_what_is_nearest_to_itself_was_retrieved_in_every_reading(tmp_path):
    frame = pd.DataFrame(
        {"id": ["a", "b"], "cls/cosine/into_english": ["a", "a"], "mean/cosine/into_english": ["b", "b"]}
    )
    frame.iloc[:, :2].to_parquet(tmp_path / "ur.parquet")
    frame.to_parquet(tmp_path / "de.parquet")
    files = {("teacher", "6", 0, 0): {"ur": tmp_path / "ur.parquet", "de": tmp_path / "de.parquet"}}
    right = {
        (t["reading"][0].as_py(), t["language"][0].as_py()): t["right"].to_pylist() for t in count_retrieval(files)
    }
    assert right == {
        ("cls/cosine/into_english", "ur"): [True, False],
        ("cls/cosine/into_english", "de"): [True, False],
        ("mean/cosine/into_english", "de"): [False, True],
    }


def test_chance_is_the_most_frequent_label_or_one_sentence(tmp_path):
    en = write(tmp_path / "en.parquet", np.zeros((10, 3)), np.arange(10) % 3)
    ur = write(tmp_path / "ur.parquet", np.zeros((5, 3)), [0, 1, 1, 1, 2])
    files = {CLASSIFIER: {"en": en, "ur": ur}}
    assert compute_task_chance(files) == pytest.approx((0.4 + 0.6) / 2)
    assert compute_retrieval_chance(files) == pytest.approx(0.15)


def test_damaged_files_and_logits_that_are_not_finite_are_refused_with_their_file(tmp_path, logits):
    logits[5, 1] = np.nan
    path = write(tmp_path / "en.parquet", logits)
    with pytest.raises(ResultsError, match=r"en\.parquet has logits that are not finite"):
        list(count_predictions("task", {CLASSIFIER: {"en": path}}))
    path.write_bytes(b"PAR1")
    with pytest.raises(ResultsError, match=r"en\.parquet cannot be read as parquet"):
        list(count_predictions("task", {CLASSIFIER: {"en": path}}))
