"""What a student reads at the end of a run."""

import pytest
from small_case import MODELS, RIGHT, results

from camembert.paper.tables.closing import closing, sentence
from camembert.paper.tables.comparisons import compare
from camembert.paper.tables.summary import summary
from camembert.plan.comparisons import Contrast, PlannedComparison

EQUAL = PlannedComparison(Contrast.DIRECT_EQUAL_COMPUTE, ("toplayer", "6-4-2"), ("toplayer", "6-2"))
TO_TEACHER = PlannedComparison(Contrast.TEACHER, ("toplayer", "6-4-2"), ("toplayer", "6"))


@pytest.fixture
def numbers():
    return compare(results(), MODELS, [TO_TEACHER, EQUAL])


def test_a_sentence_says_who_is_better_and_whether_chance_would_do(numbers):
    said = "With the same training compute, the cascade 6-4-2 gets right 57.5 % of the test examples and the direct"
    said += " student 6-2 55.0 %; "
    assert sentence(numbers) == f"{said}chance alone can make such a difference."
    assert sentence(numbers.assign(low=0.01)) == f"{said}that is more than chance makes."
    assert sentence(numbers.assign(low=float("nan"))) == (
        f"{said}both are of one run, which cannot tell whether that is more than chance."
    )


def test_without_a_cascade_it_is_about_what_was_compared(numbers):
    teacher = numbers[numbers["contrast"] == Contrast.TEACHER]
    assert sentence(teacher).startswith("The cascade 6-4-2 gets right 57.5 %")
    assert sentence(teacher.assign(task="retrieval")).startswith("The cascade 6-4-2 finds the translation of 57.5 %")
    assert sentence(numbers.head(0)) == ""


def test_a_finished_run_ends_with_a_table_a_sentence_and_where_all_is(numbers, tmp_path):
    assert closing(tmp_path) == ""
    for name in ("tables", "figures"):
        (tmp_path / name).mkdir()
    summary(results(), MODELS).to_csv(tmp_path / "tables" / "summary.csv", index=False)
    numbers.to_csv(tmp_path / "tables" / "comparisons.csv", index=False)
    _, table, said, where = closing(tmp_path).split("\n\n")
    assert len(table.splitlines()) == 2 + len(RIGHT)
    cells = [cell.strip() for cell in table.splitlines()[-1].split("|")]
    assert cells == ["", "Cascade 6-4-2", "2", "57.5 (3.5)", "65.0 (7.1)", ""]
    assert said == sentence(numbers)
    assert where == f"More is in {tmp_path / 'tables'}, {tmp_path / 'figures'}."


def test_a_release_without_the_rest_of_the_experiment_ends_with_its_table(tmp_path):
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "release.md").write_text("| Form | Accuracy |\n")
    assert closing(tmp_path) == f"| Form | Accuracy |\n\nMore is in {tmp_path / 'tables'}."
    for form in ("encoder", "classifier"):
        (tmp_path / "release" / form).mkdir(parents=True)
    assert f"\n\nModels to take: {tmp_path}/release/classifier, {tmp_path}/release/encoder.\n" in closing(tmp_path)
