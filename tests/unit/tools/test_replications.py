"""Replications: one number each, and the interval over them."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import write_replications
from camembert.paper.answers import RETRIEVAL, build_answer_rows, write_answer_table
from camembert.plan.readings import AS_IS, CENTRED
from write_replications import QUESTIONS, RECORD, compute_differences, write_differences

CASCADE, DIRECT = QUESTIONS["Cascade minus direct student"]
COPIED = "untrained/6-3x0"


def answers_of(model, language, right, run=1, finetuning=1, task="cldr-nli", reading=AS_IS):
    """A hundred items of which the first few are right."""
    recipe, chain = model.split("/")
    names = {"task": task, "reading": reading, "recipe": recipe, "chain": chain, "run": run, "finetuning": finetuning}
    return build_answer_rows(names | {"language": language}, [f"{i:02}" for i in range(100)], np.arange(100) < right)


def test_a_replication_is_one_number_the_interval_is_over_them_and_the_record_is_in_no_mean(tmp_path):
    """Of two replications and a record the cascade is 2, 3 and 7 points above; fine-tunings are averaged first."""
    folders = {RECORD: tmp_path / "toy", "1": tmp_path / "1", "2": tmp_path / "2"}
    for folder, gain in zip(folders.values(), (7, 2, 3), strict=True):
        rows = [
            answers_of(model, language, right + above + noise, run, finetuning)
            for run, finetuning, noise in ((1, 1, 6), (1, 2, 2), (2, 1, -4))
            for model, above in ((DIRECT, 0), (CASCADE, gain), (COPIED, 0))
            for language, right in (("en", 80), ("fr", 50))
        ]
        others = [{"reading": CENTRED}, {"task": RETRIEVAL, "reading": "cls/cosine/into_english", "finetuning": 0}]
        rows += [answers_of(model, "fr", 10, **other) for model in (DIRECT, CASCADE, COPIED) for other in others]
        facts = {"chance": 0.01, "parallel": True}
        folder.mkdir()
        write_answer_table(rows, {"cldr-nli": facts, RETRIEVAL: facts}, folder / "answers.parquet")
    assert write_replications.read_accuracies(folders["1"])[DIRECT] == pytest.approx(0.65 + (0.04 - 0.04) / 2)
    found = compute_differences(folders).iloc[:4].set_index("replication")
    assert found["difference"].to_dict() == pytest.approx({RECORD: 0.07, "1": 0.02, "2": 0.03, "all": 0.025})
    half = stats.t.ppf(0.975, 1) * np.std([0.02, 0.03], ddof=1) / math.sqrt(2)
    assert found.loc["all", ["low", "high"]].to_list() == pytest.approx([0.025 - half, 0.025 + half])


def test_the_committed_differences_are_those_of_the_committed_answers(tmp_path):
    write_differences(tmp_path)
    committed = write_replications.RECORDS / "replications"
    assert (tmp_path / "differences.md").read_text() == (committed / "differences.md").read_text()
    again, before = (pd.read_csv(folder / "differences.csv") for folder in (tmp_path, committed))
    pd.testing.assert_frame_equal(again, before)
