"""The two tables of accuracy, on a case small enough to count by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small_case import DIRECT, ORDER, write_predictions

from camembert.paper.intervals import interval
from camembert.paper.predictions import count
from camembert.paper.published import note_of, read_published
from camembert.paper.summary import (
    accuracy_by_language,
    accuracy_by_language_in_print,
    coverage,
    summary,
    summary_in_print,
)
from camembert.paper.tables import NOTHING

NONE = pd.DataFrame(columns=["label", "source", "en", "ur", "average"])
PUBLISHED = (
    "model,setting,en,ur,avg,source\nA,zero-shot,80.0,60.0,70.0,A 2020\nB,zero-shot,70,,,B 2021\nC,other,,,60.1,C\n"
)


@pytest.fixture
def counted(tmp_path):
    return count("embedded", ORDER, write_predictions(tmp_path / "predictions"))


@pytest.fixture
def accuracy(counted):
    return counted[0]


@pytest.fixture
def answers(counted):
    return counted[1]


def test_the_summary_by_hand(accuracy, answers):
    rows = summary(accuracy, answers, ORDER).set_index("chain")
    direct = rows.loc["6-2"]  # averages over languages: 0.5 and 0.6; zero-shot 0.4 and 0.4; the teacher's average 0.75
    assert direct["english"] == pytest.approx(0.7)
    assert direct["english_sd"] == pytest.approx(np.sqrt(0.02))
    assert direct["average"] == pytest.approx(0.55)
    assert direct["average_sd"] == pytest.approx(np.sqrt(0.005))
    ends = interval(answers.scores(DIRECT, ["en", "ur"]))
    assert (direct["average_low"], direct["average_high"]) == (ends.low, ends.high)
    assert direct["covers"] == "fine-tuning seeds, test pairs"
    assert (direct["zero_shot"], direct["zero_shot_sd"]) == (pytest.approx(0.4), 0)
    assert direct["retention"] == pytest.approx(0.55 / 0.75)
    assert rows["runs"].tolist() == [2, 2, 2, 2]
    assert rows["seeds"].tolist() == [2, 2, 2, 2]
    assert rows["distill_seeds"].tolist() == [0, 1, 1, 1]  # the teacher depends on none


def test_the_summary_in_print(accuracy, answers):
    shown = summary_in_print(summary(accuracy, answers, ORDER))
    assert shown.iloc[1].to_dict() == {
        "Model": "Direct 6-2",
        "Layers": "2",
        "Runs": "2",
        "Fine-tuning seeds": "2",
        "Distillation seeds": "1",
        "English": "70.0 (14.1)",
        "Zero-shot": "40.0 (0.0)",
        "Average": "55.0 (7.1)",
        "95 % interval": "24.1 to 85.9",
        "Retention": "73.3",
    }


def test_one_run_is_printed_without_spread(tmp_path):
    paths = [path for path in write_predictions(tmp_path) if "s1" in path.parent.name]
    accuracy, answers = count("embedded", ORDER, paths)
    row = summary_in_print(summary(accuracy, answers, ORDER)).iloc[1]
    assert (row["Average"], row["95 % interval"]) == ("50.0", NOTHING)


def test_bold_is_the_best_student_of_a_depth_and_never_the_teacher(accuracy):
    shown = accuracy_by_language_in_print(accuracy_by_language(accuracy, ORDER, NONE))
    assert list(shown) == ["Model", "Layers", "en", "ur", "Average"]
    assert shown.iloc[:, 2:].to_numpy().tolist() == [
        ["90.0", "60.0", "75.0 (0.0)"],
        ["**70.0**", "40.0", "55.0 (7.1)"],  # a tie in English
        ["80.0", "50.0", "65.0 (0.0)"],  # alone at four layers
        ["**70.0**", "**45.0**", "**57.5 (3.5)**"],
    ]


def test_published_rows_stand_below_ours_and_say_so(accuracy, tmp_path):
    (tmp_path / "published.csv").write_text(PUBLISHED)
    others = read_published(tmp_path / "published.csv", accuracy.assign(n=5010))
    numbers = accuracy_by_language(accuracy, ORDER, others)
    assert numbers["source"].tolist()[4:] == ["A 2020", "B 2021"]
    shown = accuracy_by_language_in_print(numbers)
    assert shown.iloc[4:].to_numpy().tolist() == [
        ["Published: A", NOTHING, "80.0", "60.0", "70.0"],
        ["Published: B", NOTHING, "70.0", NOTHING, NOTHING],  # no average where a language is missing
    ]
    assert shown.iloc[:4].equals(accuracy_by_language_in_print(accuracy_by_language(accuracy, ORDER, NONE)))
    assert "A, A 2020; B, B 2021" in note_of(others)


def test_another_test_set_than_the_published_one_has_no_published_rows(accuracy, tmp_path):
    (tmp_path / "published.csv").write_text(PUBLISHED)
    assert read_published(tmp_path / "published.csv", accuracy).empty  # ten pairs a language
    assert read_published(None, accuracy.assign(n=5010)).empty
    assert note_of(NONE) == ""


def test_a_table_says_what_its_intervals_cover(accuracy, answers):
    numbers = summary(accuracy, answers, ORDER)
    said = "Intervals cover fine-tuning seeds and test pairs, but not distillation seeds, of which there is one."
    assert coverage(numbers) == said
    assert coverage(numbers.assign(covers="")) == "With one run of a model there is no interval."
    both = numbers.assign(covers="distillation seeds, fine-tuning seeds, test pairs", distill_seeds=2)
    assert coverage(both) == "Intervals cover distillation seeds, fine-tuning seeds and test pairs."


def test_every_published_row_names_its_source_and_the_average_of_its_languages():
    path = Path(__file__).parents[3] / "docs" / "published.csv"
    rows = pd.read_csv(path)
    assert rows["source"].notna().all()
    languages = [column for column in rows if len(column) == 2]
    accuracy = pd.DataFrame({"language": languages, "n": 5010})
    others = read_published(path, accuracy).set_index("label")
    assert len(others) == (rows["setting"] == "zero-shot").sum() == 6
    whole = others.dropna()
    printed = rows.set_index("Published: " + rows["model"])["avg"][whole.index]
    assert (100 * whole["average"]).to_numpy() == pytest.approx(printed.to_numpy(), abs=0.06)
