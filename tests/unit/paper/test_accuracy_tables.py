"""The tables of accuracy, on a case small enough to count by hand."""

import numpy as np
import pandas as pd
import pytest
from small_case import (
    DIRECT,
    MODELS,
    TASK,
    TEACHER,
    first,
    record_of,
    results,
    results_of,
    retrieval_rows,
    rows,
    task_rows,
)

from camembert.paper.answers import RETRIEVAL
from camembert.paper.intervals import UNCOVERED, compute_interval
from camembert.paper.record import read_published
from camembert.paper.tables.accuracy import (
    compute_by_language,
    compute_summary,
    format_by_language,
    format_summary,
    write_by_language,
    write_summary,
)
from camembert.paper.tables.writing import NOTHING
from camembert.plan.chain import Method

PUBLISHED = (
    "model,setting,en,ur,avg,source\nA,zero-shot,80.0,60.0,70.0,A 2020\nB,zero-shot,70,,,B 2021\nC,other,,,60.1,C\n"
)


@pytest.fixture
def task():
    return results().task


@pytest.fixture
def numbers():
    return compute_summary(record_of(results()))


@pytest.fixture
def note(tmp_path):
    """A function that returns what is written below the table of a record."""

    def read(record, write=write_summary, **options):
        write(record, tmp_path / "table", **options)
        return (tmp_path / "table.md").read_text(encoding="utf-8").split("\n\n")[-1]

    return read


def test_the_summary_by_hand(numbers, task):
    direct = numbers.set_index("chain").loc["6-2"]  # average 0.5 and 0.6; zero-shot 0.4 and 0.4; the teacher's 0.75
    assert direct["english"] == pytest.approx(0.7)
    assert direct["english_sd"] == pytest.approx(np.sqrt(0.02))
    assert direct["average"] == pytest.approx(0.55)
    assert direct["average_sd"] == pytest.approx(np.sqrt(0.005))
    ends = compute_interval(task.scores(DIRECT, ["en", "ur"]))
    assert (direct["average_low"], direct["average_high"]) == (ends.low, min(ends.high, 1.0))
    assert (direct["zero_shot"], direct["zero_shot_sd"]) == (pytest.approx(0.4), 0)
    assert direct["retention"] == pytest.approx(0.55 / 0.75)
    assert (direct["centred"], direct["centred_sd"]) == (pytest.approx(0.5), 0)  # one more right in Urdu
    assert (direct["runs"], direct["finetunings"]) == (2, 1)


def test_every_mean_of_the_summary_is_that_of_the_tidy_tables(numbers):
    leading = results().leading
    task, retrieval = (leading[name].accuracy.groupby("chain")["accuracy"].mean() for name in (TASK, RETRIEVAL))
    for chain, row in numbers.set_index("chain").iterrows():
        assert row["average"] == pytest.approx(task[chain])
        assert row["retrieval"] == pytest.approx(retrieval[chain])


def test_the_summary_of_retrieval_by_hand(numbers):
    retrieval = results().leading[RETRIEVAL]
    table = numbers.set_index("chain")
    assert table.loc["6-2", "retrieval"] == pytest.approx(0.55)
    assert table.loc["6-2", "retrieval_sd"] == pytest.approx(np.sqrt(0.005))
    assert table.loc["6-2", "retrieval_low"] == compute_interval(retrieval.scores(DIRECT, ["ur"])).low
    teacher = table.loc["6"]  # it exists once
    assert (teacher["retrieval"], teacher["covers"], teacher["retrieval_covers"]) == (
        0.8, "runs, test items", "test items"
    )  # fmt: skip
    assert np.isnan(teacher["retrieval_sd"])
    assert teacher["retrieval_low"] == compute_interval(retrieval.scores(TEACHER, ["ur"])).low < 0.8


def test_the_summary_as_printed(numbers):
    assert format_summary(numbers).iloc[1].to_dict() == {
        "Model": "Direct 6-2",
        "Layers": "2",
        "Runs": "2",
        "English": "70.0 (14.1)",
        "Zero-shot": "40.0 (0.0)",
        "Average": "55.0 (7.1)",
        "95 % interval": "4.8 to 100.0",
        "Retention": "73.3",
        "Zero-shot, centred": "50.0 (0.0)",
        "Retrieval": "55.0 (7.1)",
        "Retrieval, 95 % interval": "7.9 to 100.0",
    }


def test_without_retrieval_the_summary_has_no_column_of_it(note):
    record = record_of(results_of(task_rows()))
    assert not any("retrieval" in column for column in compute_summary(record))
    assert not any("Retrieval" in column for column in format_summary(compute_summary(record)))
    assert "Retrieval" not in note(record)


def test_one_run_is_printed_without_spread(note):
    found = results_of([*rows(TEACHER, first([[9, 6]], 10), runs=[1]), *rows(DIRECT, first([[6, 4]], 10), runs=[1])])
    record = record_of(found, [TEACHER, DIRECT])
    row = format_summary(compute_summary(record)).iloc[1]
    assert (row["Average"], row["95 % interval"]) == ("50.0", NOTHING)
    assert "With one run of a model there is no interval." in note(record)


def test_the_note_says_what_intervals_cover_what_none_does_and_what_chance_is(note):
    found = note(record_of(results()))
    assert found.startswith(
        "Intervals cover the draw of the runs (2) and of the test items. What no training run made exists"
    )
    assert UNCOVERED in found
    assert "right in 40.0 %" in found
    assert "fine-tunings" not in found
    assert "Each is taken within a run, then averaged over the runs" in found
    assert "read by [CLS], centred margin; retrieval_readings has the other readings" in found
    again = [
        table
        for model in MODELS
        for i in (1, 2, 3)
        for table in rows(model, first([[9, 6]], 10), runs=[1], finetuning=i)
    ]
    assert "within a run, averaged over its 3 fine-tunings, then averaged" in note(record_of(results_of(again)))


def test_languages_of_the_labels_are_named(note, tmp_path):
    found = results()
    record = record_of(found, trained_on=["ur"])
    assert note(record).count("those of ur") == 1
    assert {"labelled", "labelled_sd"} <= set(pd.read_csv(tmp_path / "table.csv"))


def test_bold_is_the_best_student_of_a_depth_and_never_the_teacher(task):
    shown = format_by_language(compute_by_language(task, MODELS))
    assert list(shown) == ["Model", "Layers", "en", "ur", "Average"]
    assert shown.iloc[:, 2:].to_numpy().tolist() == [
        ["90.0", "60.0", "75.0 (0.0)"],
        ["**70.0**", "40.0", "55.0 (7.1)"],  # a tie in English
        ["80.0", "50.0", "65.0 (0.0)"],  # alone at four layers
        ["**70.0**", "**45.0**", "**57.5 (3.5)**"],
    ]


@pytest.mark.parametrize("method", [Method.RANDOM, Method.SCRATCH, Method.COPIED])
def test_baselines_take_no_part_in_bold_however_good(task, method):
    numbers = compute_by_language(task, MODELS)
    numbers.loc[1, ["en", "method"]] = [0.99, method.value]
    shown = format_by_language(numbers)
    assert shown["en"].tolist() == ["90.0", "99.0", "80.0", "70.0"]  # the cascade is alone then


def test_the_table_of_retrieval_has_the_baseline_last_and_no_english(note):
    shown = format_by_language(compute_by_language(results().leading[RETRIEVAL], MODELS))
    assert list(shown) == ["Model", "Layers", "ur", "Average"]
    assert shown.to_numpy().tolist()[-2:] == [
        ["Cascade 6-4-2", "2", "**65.0**", "**65.0 (7.1)**"],
        ["Character n-grams", NOTHING, "10.0", "10.0"],
    ]
    assert "no part. Character n-grams: nearest" in note(record_of(results()), write_by_language, task=RETRIEVAL)
    assert "Character n-grams" not in note(record_of(results()), write_by_language)


def test_published_rows_stand_below_ours_and_say_so(task, note, tmp_path, monkeypatch):
    (tmp_path / "published.csv").write_text(PUBLISHED)
    others = read_published(tmp_path / "published.csv", task.accuracy.assign(n=5010))
    numbers = compute_by_language(task, MODELS, others)
    assert numbers["source"].tolist()[4:] == ["A 2020", "B 2021"]
    shown = format_by_language(numbers)
    assert shown.iloc[4:].to_numpy().tolist() == [
        ["Published: A", NOTHING, "80.0", "60.0", "70.0"],
        ["Published: B", NOTHING, "70.0", NOTHING, NOTHING],  # no average where a language is missing
    ]
    assert shown.iloc[:4].equals(format_by_language(compute_by_language(task, MODELS)))
    monkeypatch.setattr("camembert.paper.record.XNLI_TEST_EXAMPLES", 10)
    record = record_of(results(), published_rows=tmp_path / "published.csv")
    assert "copied from: A, A 2020; B, B 2021. They" in note(record, write_by_language)


def test_fewer_fine_tuned_runs_than_runs_are_told_apart(note):
    retrieved = [table for model in MODELS[1:] for table in retrieval_rows(model, first([[16], [12]], 20))]
    retrieved += retrieval_rows(MODELS[0], first([[16]], 20), runs=[0])
    once = [table for model in MODELS for table in rows(model, first([[9, 6]], 10), runs=[1])]
    record = record_of(results_of(once + retrieved))
    numbers = compute_summary(record)
    assert list(numbers["task_runs"]) == [1, 1, 1, 1]
    assert list(format_summary(numbers)["Runs"]) == ["1", *["1 of 2 fine-tuned"] * 3]
    assert "draw of the runs (2)" in note(record)
    assert "With one run of a model there is no interval." in note(record)
