"""Recipes: layers that are copied and matched, weights that are not trained."""

import pytest

from camembert.plan.losses import matched_layers
from camembert.plan.recipe import Recipe


@pytest.mark.parametrize(
    ("teacher", "student", "expected"),
    [
        (12, 4, [3, 6, 9, 12]),
        (12, 6, [2, 4, 6, 8, 10, 12]),
        (5, 3, [2, 4, 5]),
        (12, 10, [2, 3, 4, 5, 6, 8, 9, 10, 11, 12]),
        (6, 1, [6]),
    ],
)
def test_layers_are_matched_evenly_and_top_to_top(teacher, student, expected):
    assert matched_layers(teacher, student) == expected


@pytest.mark.parametrize("teacher", range(2, 25))
def test_no_two_layers_are_matched_with_the_same(teacher):
    for student in range(1, teacher):
        matched = matched_layers(teacher, student)
        assert len(set(matched)) == student
        assert matched == sorted(matched)
        assert matched[-1] == teacher


@pytest.mark.parametrize("part", ["hidden", "sentence"])
def test_an_error_of_top_states_trains_the_whole_top_layer(part):
    weights = {"hidden": 0.0, "attention": 0.0}
    assert "encoder.layer.1.output." in Recipe("toplayer", weights | {"sentence": 0.0}).untrained(2)
    assert "encoder.layer.1.output." not in Recipe("toplayer", weights | {part: 1.0}).untrained(2)


def test_a_student_starts_from_the_bottom_or_from_the_layers_it_could_be_matched_with():
    weights = {"hidden": 1.0, "attention": 1.0}
    assert Recipe("toplayer", weights).layers_to_copy(5, 3) == [1, 2, 3]
    assert Recipe("toplayer", weights, initialisation="strided").layers_to_copy(5, 3) == [2, 4, 5]
    assert Recipe("toplayer", weights, initialisation=[3, 4, 5]).layers_to_copy(5, 3) == [3, 4, 5]
