"""From predictions to the tables people read, on a case small enough to count by hand."""

import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

from camembert import tables
from camembert.chain import Method
from camembert.statistics import Model, ResultsError

TEACHER = Model("toplayer", "6", "Teacher (6 layers)", Method.TEACHER)
DIRECT = Model("toplayer", "6-2", "Direct 6-2", Method.DIRECT)
ASSISTANT = Model("toplayer", "6-4", "Teacher assistant 6-4", Method.ASSISTANT)
CASCADE = Model("toplayer", "6-4-2", "Cascade 6-4-2", Method.CASCADE)
ORDER = [TEACHER, DIRECT, ASSISTANT, CASCADE]

# right answers out of ten, seeds 1 and 2, English and Urdu
RIGHT = {TEACHER: ((9, 6), (9, 6)), DIRECT: ((6, 4), (8, 4)), ASSISTANT: ((8, 5), (8, 5)), CASCADE: ((7, 5), (7, 4))}


def predictions(right, pairs=10):
    """Ten pairs with labels 0, 1, 2, 0, ... of which the first few are predicted right."""
    labels = np.arange(pairs) % 3
    logits = np.eye(3, dtype="float32")[np.where(np.arange(pairs) < right, labels, (labels + 1) % 3)]
    columns = dict(zip(("entailment", "neutral", "contradiction"), logits.T, strict=True))
    return pd.DataFrame({"id": [f"pair-{i}" for i in range(pairs)], "label": labels, **columns})


@pytest.fixture
def paths(tmp_path):
    """The prediction files of four models, two seeds and two languages."""
    written = []
    for model, by_seed in RIGHT.items():
        for seed, by_language in enumerate(by_seed, start=1):
            for language, right in zip(("en", "ur"), by_language, strict=True):
                path = tmp_path / "predictions" / model.recipe / model.chain / f"d1-s{seed}" / f"{language}.parquet"
                path.parent.mkdir(parents=True, exist_ok=True)
                predictions(right).to_parquet(path)
                written.append(path)
    return written


@pytest.fixture
def accuracy(paths):
    return tables.accuracy_rows("embedded", ORDER, paths)


def test_accuracy_has_a_row_a_classifier_and_language(accuracy):
    assert list(accuracy) == tables.ACCURACY_COLUMNS
    assert len(accuracy) == 4 * 2 * 2
    assert accuracy.iloc[4].to_dict() == {
        "experiment": "embedded",
        "recipe": "toplayer",
        "chain": "6-2",
        "label": "Direct 6-2",
        "layers": 2,
        "distill_seed": 1,
        "seed": 1,
        "language": "en",
        "n": 10,
        "accuracy": 0.6,
    }


def test_accuracy_survives_its_file(accuracy, tmp_path):
    tables.write_csv(accuracy, tmp_path / "accuracy.csv")
    pd.testing.assert_frame_equal(tables.read_accuracy(tmp_path / "accuracy.csv"), accuracy)


def test_a_teacher_alone_keeps_its_chain_as_text(accuracy, tmp_path):
    tables.write_csv(accuracy[accuracy["chain"] == "6"], tmp_path / "accuracy.csv")
    assert tables.read_accuracy(tmp_path / "accuracy.csv")["chain"].unique().tolist() == ["6"]


def test_pairs_in_another_order_are_the_same_pairs(paths, accuracy):
    predictions(6).iloc[::-1].to_parquet(paths[4])
    pd.testing.assert_frame_equal(tables.accuracy_rows("embedded", ORDER, paths), accuracy)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (predictions(6).drop(columns=["label", "neutral"]), "no column label, neutral"),
        (predictions(6).replace("pair-3", "pair-4"), "id pair-4 occurs twice"),
        (predictions(6).replace("pair-3", "pair-30"), "its ids differ from those in .*6/d1-s1/en.parquet"),
        (predictions(6, pairs=9), "its ids differ from those in .*6/d1-s1/en.parquet"),
        (predictions(6).assign(label=0), "its labels differ from those in .*6/d1-s1/en.parquet"),
        (predictions(6).assign(neutral=float("nan")), "logits that are not finite"),
        (predictions(6).head(0), "no predictions"),
    ],
)
def test_predictions_that_cannot_be_compared_are_refused_with_their_file(paths, broken, message):
    broken.to_parquet(paths[4])
    with pytest.raises(ResultsError, match=rf"6-2/d1-s1/en\.parquet: {message}"):
        tables.accuracy_rows("embedded", ORDER, paths)


def test_predictions_of_a_chain_outside_the_plan_are_refused_with_their_file(paths):
    with pytest.raises(ResultsError, match=r"6-4-2/d1-s1/en\.parquet: not .* of a chain in the plan"):
        tables.accuracy_rows("embedded", ORDER[:-1], paths)


def test_the_summary_by_hand(accuracy):
    rows = tables.summary(accuracy, ORDER).set_index("chain")
    direct = rows.loc["6-2"]  # averages over languages: 0.5 and 0.6; zero-shot 0.4 and 0.4; the teacher's average 0.75
    assert direct["english"] == pytest.approx(0.7)
    assert direct["english_sd"] == pytest.approx(np.sqrt(0.02))
    assert direct["average"] == pytest.approx(0.55)
    assert direct["average_sd"] == pytest.approx(np.sqrt(0.005))
    assert direct["average_high"] == pytest.approx(0.55 + 12.7062 * 0.05, rel=1e-5)
    assert (direct["zero_shot"], direct["zero_shot_sd"]) == (pytest.approx(0.4), 0)
    assert direct["retention"] == pytest.approx(0.55 / 0.75)
    assert rows["runs"].tolist() == [2, 2, 2, 2]
    assert rows["seeds"].tolist() == [2, 2, 2, 2]
    assert rows["distill_seeds"].tolist() == [0, 1, 1, 1]  # the teacher depends on none


def test_the_summary_in_print(accuracy):
    shown = tables.summary_in_print(tables.summary(accuracy, ORDER))
    assert shown.iloc[1].to_dict() == {
        "Model": "Direct 6-2",
        "Layers": "2",
        "Runs": "2",
        "Fine-tuning seeds": "2",
        "Distillation seeds": "1",
        "English": "70.0 (14.1)",
        "Zero-shot": "40.0 (0.0)",
        "Average": "55.0 (7.1)",
        "95 % interval": "-8.5 to 118.5",
        "Retention": "73.3",
    }


def test_one_run_is_printed_without_spread(accuracy):
    once = accuracy[accuracy["seed"] == 1]
    row = tables.summary_in_print(tables.summary(once, ORDER)).iloc[1]
    assert (row["Average"], row["95 % interval"]) == ("50.0", tables.NOTHING)


def test_bold_is_the_best_student_of_a_depth_and_never_the_teacher(accuracy):
    shown = tables.accuracy_by_language_in_print(tables.accuracy_by_language(accuracy, ORDER))
    assert list(shown) == ["Model", "Layers", "en", "ur", "Average"]
    assert shown.iloc[:, 2:].to_numpy().tolist() == [
        ["90.0", "60.0", "75.0 (0.0)"],
        ["**70.0**", "40.0", "55.0 (7.1)"],  # a tie in English
        ["80.0", "50.0", "65.0 (0.0)"],  # alone at four layers
        ["**70.0**", "**45.0**", "**57.5 (3.5)**"],
    ]


def test_latex_specials_are_escaped_and_bold_is_kept():
    assert tables.latex(r"50 % of **A_1 & {B}** ~ x^2 \ #1 $") == (
        r"50 \% of \textbf{A\_1 \& \{B\}} \textasciitilde{} x\textasciicircum{}2 \textbackslash{} \#1 \$"
    )


@pytest.fixture
def written(accuracy, tmp_path):
    """A function that writes the table by language into a folder and returns its stem."""

    def write(folder):
        numbers = tables.accuracy_by_language(accuracy, ORDER)
        shown = tables.accuracy_by_language_in_print(numbers)
        tables.write_table(numbers, shown, tmp_path / folder / "table", "Half: 50 %.", "**Bold**: A_1 & B.")
        return tmp_path / folder / "table"

    return write


@pytest.mark.parametrize("ending", [".csv", ".md", ".tex"])
def test_a_table_is_the_same_bytes_twice_and_leaves_nothing_unfinished(written, ending):
    first, second = written("first"), written("second")
    assert first.with_suffix(ending).read_bytes() == second.with_suffix(ending).read_bytes()
    assert len(list(first.parent.iterdir())) == 3


def test_numbers_go_to_csv_and_print_to_markdown(written):
    stem = written("tables")
    assert pd.read_csv(stem.with_suffix(".csv"))["average"].tolist() == pytest.approx([0.75, 0.55, 0.65, 0.575])
    markdown = stem.with_suffix(".md").read_text(encoding="utf-8")
    assert "**57.5 (3.5)** |" in markdown
    assert markdown.startswith("Half: 50 %.\n\n| Model")


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex with booktabs")
def test_the_latex_compiles_without_a_line_too_wide(written):
    stem = written("tables")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", stem.with_suffix(".tex").name]
    finished = subprocess.run(command, cwd=stem.parent, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout
    assert "Overfull" not in finished.stdout
    assert stem.with_suffix(".pdf").stat().st_size > 0
