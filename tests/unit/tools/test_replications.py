import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import write_replications
from camembert.core.files import write_json
from camembert.paper.answers import answer_rows, write_answers
from camembert.paper.statistics import RETRIEVAL, ResultsError
from camembert.plan.readings import AS_IS, Direction, Reading, Similarity
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
COSINE, CENTRED = (
    Reading("cls", similarity, Direction.INTO_ENGLISH).name for similarity in (Similarity.COSINE, Similarity.CENTRED)
)


def answers_of(task, reading, model, language, right, run=1, finetuning=0):
    """A hundred items of which the first few are right."""
    recipe, chain = model.split("/")
    names = {"task": task, "reading": reading, "recipe": recipe, "chain": chain, "run": run, "finetuning": finetuning}
    return answer_rows(names | {"language": language}, [f"{i:02}" for i in range(100)], np.arange(100) < right)


def keep(folder: Path, rows):
    folder.mkdir()
    write_json(folder / "config.json", {"retrieval": {"pooling": "cls", "reading": "centred"}})
    facts = {"chance": 0.01, "parallel": True}
    write_answers(rows, {"cldr-nli": facts, RETRIEVAL: facts}, folder / "answers.parquet")
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
        records[name] = [keep(tmp_path / name, rows)]
    return records


def test_an_accuracy_is_the_mean_over_finetunings_then_languages_then_runs(tmp_path):
    rows = [
        answers_of("cldr-nli", AS_IS, DIRECT, language, right, run, finetuning)
        for run, finetuning, rights in ((1, 1, (100, 60)), (1, 2, (80, 40)), (2, 1, (20, 20)))
        for language, right in zip(("en", "fr"), rights, strict=True)
    ]
    assert read_accuracies([keep(tmp_path / "a", rows)])[TASK, AS_IS, DIRECT] == pytest.approx((0.7 + 0.2) / 2)


def test_models_of_several_records_are_read_together(tmp_path):
    one = keep(tmp_path / "a", [answers_of(RETRIEVAL, COSINE, DIRECT, "fr", 60)])
    other = keep(tmp_path / "b", [answers_of(RETRIEVAL, COSINE, CASCADE, "fr", 50)])
    found = read_accuracies([one, other])
    assert found.to_dict() == {(RETRIEVAL, COSINE, DIRECT): 0.6, (RETRIEVAL, COSINE, CASCADE): 0.5}


def test_a_replication_is_one_number_and_the_interval_is_over_them(replications):
    rows = differences(replications, [Question("gain", CASCADE, DIRECT)])
    on_task = rows[rows["evaluation"] == TASK].set_index("replication")
    assert on_task["difference"].to_dict() == pytest.approx({"1": 0.02, "2": 0.03, "3": 0.07, OVER_ALL: 0.04})
    half = stats.t.ppf(0.975, 2) * np.std([0.02, 0.03, 0.07], ddof=1) / math.sqrt(3)
    assert on_task.loc[OVER_ALL, ["low", "high"]].to_list() == pytest.approx([0.04 - half, 0.04 + half])


def test_the_record_stands_beside_and_is_in_no_mean(replications):
    rows = differences(
        {name: replications[name] for name in "12"}, [Question("gain", CASCADE, DIRECT, (TASK,))], replications["3"]
    )
    by_name = rows.set_index("replication")["difference"].to_dict()
    assert by_name == pytest.approx({"record": 0.07, "1": 0.02, "2": 0.03, OVER_ALL: 0.025})
    assert list(format_differences(rows))[2:5] == ["Record", "1", "2"]


def test_one_replication_has_no_interval():
    assert over_all([0.02])[0] == 0.02
    assert np.isnan(over_all([0.02])[1:]).all()


def test_a_question_may_be_asked_of_one_evaluation(replications):
    rows = differences(replications, [Question("gain", CASCADE, DIRECT, (RETRIEVAL,))])
    assert set(rows["evaluation"]) == {RETRIEVAL}


def test_a_reading_that_a_replication_lacks_is_left_out(replications, tmp_path):
    rows = [answers_of(RETRIEVAL, CENTRED, model, "fr", 60) for model in (DIRECT, CASCADE)]
    rows = differences(
        replications | {"4": [keep(tmp_path / "4", rows)]}, [Question("gain", CASCADE, DIRECT, (RETRIEVAL,))]
    )
    assert set(rows["reading"]) == {CENTRED}


def test_what_is_missing_is_named(replications):
    with pytest.raises(ResultsError, match="replication 1 has no task accuracy of toplayer/6-2"):
        differences(replications, [Question("gain", "toplayer/6-2", DIRECT)])


def test_the_table_shows_every_replication_and_all_readings_and_the_figure_is_written(replications, tmp_path):
    rows = differences(replications, [Question("gain", CASCADE, DIRECT)])
    shown = format_differences(rows)
    assert shown.columns.to_list() == ["Difference", "Evaluation", "1", "2", "3", "Mean (95 % interval)", "Readings"]
    assert shown.iloc[0][["1", "2", "3"]].to_list() == ["+2.0", "+3.0", "+7.0"]
    assert shown.iloc[0]["Mean (95 % interval)"].startswith("+4.0 (")
    assert shown.iloc[1]["Readings"] == "1 above, 1 below; -9.0 to +1.0"
    draw_differences(rows, tmp_path / "figure")
    assert (tmp_path / "figure.png").stat().st_size > 1000


def test_the_committed_differences_are_those_of_the_committed_answers():
    rows = differences(write_replications.REPLICATIONS, write_replications.QUESTIONS, write_replications.RECORD)
    committed = pd.read_csv(write_replications.RECORDS / "replications" / "differences.csv", dtype={"replication": str})
    pd.testing.assert_frame_equal(rows, committed)
