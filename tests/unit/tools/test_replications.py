"""Replications: one number each, and the interval over them."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import write_replications
from camembert.core.files import write_json
from camembert.paper.answers import RETRIEVAL, build_answer_rows, write_answer_table
from camembert.paper.intervals import ResultsError
from camembert.plan.readings import AS_IS, Direction, Reading, Similarity
from tools.replications import (
    OVER_ALL,
    TASK,
    Question,
    compute_differences,
    compute_t_interval,
    draw_differences,
    format_differences,
    read_accuracies,
)

CASCADE, DIRECT = "toplayer/6-4-3", "toplayer/6-3x2.07"
COSINE, CENTRED = (
    Reading("cls", similarity, Direction.INTO_ENGLISH).name for similarity in (Similarity.COSINE, Similarity.CENTRED)
)


def answers_of(task, reading, model, language, right, run=1, finetuning=0):
    """A hundred items of which the first few are right."""
    recipe, chain = model.split("/")
    names = {"task": task, "reading": reading, "recipe": recipe, "chain": chain, "run": run, "finetuning": finetuning}
    return build_answer_rows(names | {"language": language}, [f"{i:02}" for i in range(100)], np.arange(100) < right)


def write_record(folder: Path, rows):
    folder.mkdir()
    write_json(folder / "config.json", {"retrieval": {"pooling": "cls", "reading": "centred"}})
    facts = {"chance": 0.01, "parallel": True}
    write_answer_table(rows, {"cldr-nli": facts, RETRIEVAL: facts}, folder / "answers.parquet")
    return folder


@pytest.fixture
def replications(tmp_path):
    """Three replications: the cascade is 2, 3 and 7 points above on the task, 9 below by cosine, 1 above centred."""
    records = {}
    for name, gain in (("1", 2), ("2", 3), ("3", 7)):
        rows = [
            answers_of("cldr-nli", AS_IS, model, language, right + above + noise, run, finetuning=1)
            for run, noise in ((1, 1), (2, -1))
            for model, above in ((DIRECT, 0), (CASCADE, gain))
            for language, right in (("en", 90), ("fr", 50))
        ]
        rows += [answers_of(RETRIEVAL, COSINE, DIRECT, "fr", 60), answers_of(RETRIEVAL, COSINE, CASCADE, "fr", 51)]
        rows += [answers_of(RETRIEVAL, CENTRED, DIRECT, "fr", 60), answers_of(RETRIEVAL, CENTRED, CASCADE, "fr", 61)]
        records[name] = write_record(tmp_path / name, rows)
    return records


def differences(replications, first=CASCADE):
    """Of the first two; the third is the record."""
    record = replications["3"]
    others = {name: folder for name, folder in replications.items() if folder != record}
    return compute_differences(others, [Question("gain", first, DIRECT)], record)


def test_an_accuracy_is_the_mean_over_finetunings_then_languages_then_runs(tmp_path):
    rows = [
        answers_of("cldr-nli", AS_IS, DIRECT, language, right, run, finetuning)
        for run, finetuning, rights in ((1, 1, (100, 60)), (1, 2, (80, 40)), (2, 1, (20, 20)))
        for language, right in zip(("en", "fr"), rights, strict=True)
    ]
    assert read_accuracies(write_record(tmp_path / "a", rows))[TASK, AS_IS, DIRECT] == pytest.approx((0.7 + 0.2) / 2)


def test_a_replication_is_one_number_the_interval_is_over_them_and_the_record_is_in_no_mean(replications):
    rows = differences(replications)
    on_task = rows[rows["evaluation"] == TASK].set_index("replication")
    assert on_task["difference"].to_dict() == pytest.approx({"record": 0.07, "1": 0.02, "2": 0.03, OVER_ALL: 0.025})
    half = stats.t.ppf(0.975, 1) * np.std([0.02, 0.03], ddof=1) / math.sqrt(2)
    assert on_task.loc[OVER_ALL, ["low", "high"]].to_list() == pytest.approx([0.025 - half, 0.025 + half])
    assert np.isnan(compute_t_interval([0.02])[1:]).all(), "one replication has no interval"


def test_a_reading_that_a_replication_lacks_is_left_out(replications, tmp_path):
    rows = [answers_of(RETRIEVAL, CENTRED, model, "fr", 60) for model in (DIRECT, CASCADE)]
    replications["4"] = write_record(tmp_path / "4", rows)
    assert set(differences(replications)["reading"]) == {CENTRED}


def test_what_is_missing_is_named(replications):
    with pytest.raises(ResultsError, match="replication record has no accuracy of toplayer/6-2"):
        differences(replications, "toplayer/6-2")


def test_the_table_shows_every_replication_and_all_readings_and_the_figure_is_written(replications, tmp_path):
    rows = differences(replications)
    shown = format_differences(rows)
    assert list(shown) == ["Difference", "Evaluation", "Record", "1", "2", "Mean (95 % interval)", "Readings"]
    assert shown.iloc[0][["Record", "1", "2"]].to_list() == ["+7.0", "+2.0", "+3.0"]
    assert shown.iloc[0]["Mean (95 % interval)"].startswith("+2.5 (")
    assert shown.iloc[1]["Readings"] == "1 above, 1 below; -9.0 to +1.0"
    draw_differences(rows, tmp_path / "figure")
    assert (tmp_path / "figure.png").stat().st_size > 1000


def test_the_committed_differences_are_those_of_the_committed_answers():
    rows = compute_differences(
        write_replications.REPLICATIONS, write_replications.QUESTIONS, write_replications.RECORDS / "toy"
    )
    committed = pd.read_csv(write_replications.RECORDS / "replications" / "differences.csv", dtype={"replication": str})
    pd.testing.assert_frame_equal(rows, committed)
