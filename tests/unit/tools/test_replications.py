import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import write_replications
from camembert.core.files import write_json
from camembert.paper.statistics import RETRIEVAL, ResultsError
from tools.replications import (
    OVER_ALL,
    TASK,
    Question,
    differences,
    draw_differences,
    format_differences,
    over_all,
    read_accuracies,
)

CASCADE, DIRECT = "toplayer/6-4-3", "toplayer/6-3x2.07"


def keep_metrics(folder: Path, evaluation: str, model: str, run: int, accuracy: dict[str, float], finetuning=None):
    recipe, chain = model.split("/")
    metrics = {"recipe": recipe, "chain": chain, "run": run, "accuracy": accuracy}
    name = f"r{run}"
    if finetuning is not None:
        metrics["finetuning"], name = finetuning, f"r{run}-f{finetuning}"
    write_json(folder / "metrics" / evaluation / recipe / chain / f"{name}.json", metrics)


@pytest.fixture
def replications(tmp_path):
    """Three replications whose cascade is 2, 3 and 7 points above on the task, and 1 below in retrieval."""
    folders = {}
    for name, gain in (("1", 0.02), ("2", 0.03), ("3", 0.07)):
        folders[name] = [tmp_path / name]
        for run, noise in ((1, 0.01), (2, -0.01)):
            for model, above in ((DIRECT, 0.0), (CASCADE, gain)):
                accuracy = {"en": 0.9 + noise + above, "fr": 0.5 - noise + above}
                keep_metrics(folders[name][0], "evaluation", model, run, accuracy, finetuning=1)
        keep_metrics(folders[name][0], "retrieval", DIRECT, 1, {"fr": 0.6, "de": 0.4})
        keep_metrics(folders[name][0], "retrieval", CASCADE, 1, {"fr": 0.58, "de": 0.4})
    return folders


def test_an_accuracy_is_the_mean_over_finetunings_then_languages_then_runs(tmp_path):
    keep_metrics(tmp_path, "evaluation", DIRECT, 1, {"en": 1.0, "fr": 0.6}, finetuning=1)
    keep_metrics(tmp_path, "evaluation", DIRECT, 1, {"en": 0.8, "fr": 0.4}, finetuning=2)
    keep_metrics(tmp_path, "evaluation", DIRECT, 2, {"en": 0.2, "fr": 0.2}, finetuning=1)
    assert read_accuracies([tmp_path], TASK)[DIRECT] == pytest.approx((0.7 + 0.2) / 2)


def test_models_of_several_folders_are_read_together(tmp_path):
    keep_metrics(tmp_path / "a", "retrieval", DIRECT, 1, {"fr": 0.6})
    keep_metrics(tmp_path / "b", "retrieval", CASCADE, 1, {"fr": 0.5})
    found = read_accuracies([tmp_path / "a", tmp_path / "b"], RETRIEVAL)
    assert found.to_dict() == {DIRECT: 0.6, CASCADE: 0.5}


def test_a_replication_is_one_number_and_the_interval_is_over_them(replications):
    rows = differences(replications, [Question("gain", CASCADE, DIRECT)])
    on_task = rows[rows["evaluation"] == TASK].set_index("replication")
    assert on_task["difference"].to_dict() == pytest.approx({"1": 0.02, "2": 0.03, "3": 0.07, OVER_ALL: 0.04})
    half = stats.t.ppf(0.975, 2) * np.std([0.02, 0.03, 0.07], ddof=1) / math.sqrt(3)
    assert on_task.loc[OVER_ALL, ["low", "high"]].to_list() == pytest.approx([0.04 - half, 0.04 + half])
    assert rows[(rows["evaluation"] == RETRIEVAL) & (rows["replication"] == "2")]["difference"].item() == (
        pytest.approx(-0.01)
    )


def test_one_replication_has_no_interval():
    assert over_all([0.02])[0] == 0.02
    assert np.isnan(over_all([0.02])[1:]).all()


def test_a_question_may_be_asked_of_one_evaluation(replications):
    rows = differences(replications, [Question("gain", CASCADE, DIRECT, (RETRIEVAL,))])
    assert set(rows["evaluation"]) == {RETRIEVAL}


def test_what_is_missing_is_named(replications, tmp_path):
    with pytest.raises(ResultsError, match="replication 1 has no task accuracy of toplayer/6-2"):
        differences(replications, [Question("gain", "toplayer/6-2", DIRECT)])
    with pytest.raises(ResultsError, match=r"no metrics of task in .*nowhere.*run the experiment first"):
        differences({"1": [tmp_path / "nowhere"]}, [Question("gain", CASCADE, DIRECT)])


def test_the_table_shows_every_replication_and_the_figure_is_written(replications, tmp_path):
    rows = differences(replications, [Question("gain", CASCADE, DIRECT)])
    shown = format_differences(rows)
    assert shown.columns.to_list() == ["Difference", "Evaluation", "1", "2", "3", "Mean (95 % interval)"]
    assert shown.iloc[0][["1", "2", "3"]].to_list() == ["+2.0", "+3.0", "+7.0"]
    assert shown.iloc[0]["Mean (95 % interval)"].startswith("+4.0 (")
    draw_differences(rows, tmp_path / "figure")
    assert (tmp_path / "figure.png").stat().st_size > 1000


def test_retrieval_is_read_from_layers_too(tmp_path):
    by_layer = {"recipe": "toplayer", "chain": "6-4-3", "run": 1, "accuracy_by_layer": {"fr": [0.1, 0.2, 0.4]}}
    write_json(tmp_path / "metrics" / "layers" / "toplayer" / "6-4-3" / "r1.json", by_layer)
    assert read_accuracies([tmp_path], RETRIEVAL).to_dict() == {CASCADE: 0.4}


def test_the_committed_differences_are_those_of_the_committed_metrics():
    rows = differences(write_replications.REPLICATIONS, write_replications.QUESTIONS)
    committed = pd.read_csv(write_replications.RECORDS / "replications" / "differences.csv", dtype={"replication": str})
    pd.testing.assert_frame_equal(rows, committed)
