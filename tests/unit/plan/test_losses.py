"""Parts of losses against plain loops in double precision; recipes: layers that are copied, weights not trained."""

import re
from functools import partial

import numpy as np
import pytest
import torch

from camembert.plan import losses
from camembert.plan.losses import LOSSES, SENTENCE_VECTORS, TEMPERATURE, Layer, Recipe, RecipeError, match_layers

ROWS, HEADS, TOKENS, HIDDEN = 2, 3, 6, 4
DOCUMENT = torch.tensor([[0, 0, 0, 1, 1, -1], [0, 0, 0, 0, -1, -1]])
REAL = DOCUMENT >= 0
SEEN = (DOCUMENT[:, :, None] == DOCUMENT[:, None, :])[:, None]
PAIRS = SEEN & REAL[:, None, :, None]
BATCH = {
    "real": REAL,
    "same_document": PAIRS,
    "position": torch.tensor([[0, 1, 2, 0, 1, 0], [0, 1, 2, 3, 0, 1]]),
    "real_tokens": int(REAL.sum()),
    "pairs": int(PAIRS.sum()),
    "documents": 3,
    "targets": 5,
}
PARTS = {SENTENCE_VECTORS.error, *(part.error for loss in LOSSES.values() for part in loss.parts.values())}


@pytest.fixture
def numbers():
    """Of student and teacher: states, scores (the lowest number where a token is not looked at) and words."""
    draw = torch.Generator().manual_seed(0)
    lowest = torch.finfo(torch.bfloat16).min  # which is none when it is rounded
    return [
        {
            "states": torch.randn(ROWS, TOKENS, HIDDEN, generator=draw),
            "scores": torch.randn(ROWS, HEADS, TOKENS, TOKENS, generator=draw).masked_fill(~SEEN, lowest),
            "words": torch.randn(5, 7, generator=draw),
        }
        for _ in range(2)
    ]


def layer(states, scores, words) -> Layer:
    return Layer(states, lambda first, second: scores, lambda: words)


def error(part, numbers) -> torch.Tensor:
    return part(*(layer(**each) for each in numbers), BATCH)


def softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max())
    return powers / powers.sum()


def divergence(s: np.ndarray, t: np.ndarray) -> float:
    return float((t * np.log(t / s)).sum())


def by_token(compare, student, teacher) -> float:
    """The mean over real tokens of what compares two states."""
    return np.mean([compare(student["states"][r, i], teacher["states"][r, i]) for r, i in np.argwhere(REAL.numpy())])


def by_document(student, teacher) -> float:
    documents = [(0, slice(0, 3)), (0, slice(3, 5)), (1, slice(0, 4))]
    means = [[each["states"][row, of].mean(0) for row, of in documents] for each in (student, teacher)]
    return np.mean(np.square(np.subtract(*means)))


def by_distribution(compare, student, teacher) -> float:
    """The mean over heads and real tokens of what compares two distributions over the tokens of the same document."""
    found = []
    for row, i in np.argwhere(REAL.numpy()):
        own = np.flatnonzero(DOCUMENT[row] == DOCUMENT[row, i])
        for head in range(HEADS):
            found.append(compare(*(softmax(each["scores"][row, head, i, own]) for each in (student, teacher))))
    return np.concatenate(found).mean() if isinstance(found[0], np.ndarray) else np.mean(found)


def by_word(student, teacher) -> float:
    soft = [[softmax(scores / TEMPERATURE) for scores in each["words"]] for each in (student, teacher)]
    return np.mean([TEMPERATURE**2 * divergence(s, t) for s, t in zip(*soft, strict=True)])


PLAIN = {
    losses.hidden_states: partial(by_token, lambda s, t: ((s - t) ** 2).mean()),
    losses.sentence_vectors: by_document,
    losses.cosine: partial(by_token, lambda s, t: 1 - s @ t / np.linalg.norm(s) / np.linalg.norm(t)),
    losses.attention_maps: partial(by_distribution, lambda s, t: (s - t) ** 2),
    losses.query_key_relations: partial(by_distribution, divergence),
    losses.value_relations: partial(by_distribution, divergence),
    losses.soft_targets: by_word,
}


def test_every_part_has_its_plain_loop():
    assert PLAIN.keys() == PARTS


@pytest.mark.parametrize("part", PLAIN)
def test_a_part_is_what_its_formula_says(numbers, part):
    doubles = [{name: value.numpy().astype(np.float64) for name, value in each.items()} for each in numbers]
    assert error(part, numbers).item() == pytest.approx(PLAIN[part](*doubles), rel=1e-5)


@pytest.mark.parametrize("part", PLAIN)
def test_a_student_equal_to_its_teacher_has_no_loss(numbers, part):
    assert error(part, [numbers[0], numbers[0]]).item() == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("part", PLAIN)
def test_half_precision_is_compared_in_single_precision(numbers, part):
    """Squares of small differences vanish in bfloat16 sums."""
    rounded = [{name: value.bfloat16() for name, value in each.items()} for each in numbers]
    found = error(part, rounded)
    assert found.dtype == torch.float32
    expected = error(part, [{name: value.float() for name, value in each.items()} for each in rounded])
    assert found.item() == pytest.approx(expected.item(), rel=1e-6)


def test_every_part_names_what_exists():
    variances = {part.variance for loss in LOSSES.values() for part in loss.parts.values()}
    assert variances <= {"states", "sentence", None}
    assert losses.top_layers(12, 3) == [(3, 12)]
    assert losses.all_layers(12, 3) == [(1, 4), (2, 8), (3, 12)]


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
    assert match_layers(teacher, student) == expected


@pytest.mark.parametrize("teacher", range(2, 25))
def test_no_two_layers_are_matched_with_the_same(teacher):
    for student in range(1, teacher):
        matched = match_layers(teacher, student)
        assert len(set(matched)) == student
        assert matched == sorted(matched)
        assert matched[-1] == teacher


@pytest.mark.parametrize("part", ["hidden", "sentence"])
def test_an_error_of_top_states_trains_the_whole_top_layer(part):
    weights = {"hidden": 0.0, "attention": 1.0, "sentence": 0.0}
    assert "encoder.layer.1.output." in Recipe("toplayer", weights).untrained(2)
    assert "encoder.layer.1.output." not in Recipe("toplayer", weights | {part: 1.0}).untrained(2)


def test_a_student_starts_from_the_bottom_or_from_the_layers_it_could_be_matched_with():
    weights = {"hidden": 1.0, "attention": 1.0}
    assert Recipe("toplayer", weights).layers_to_copy(5, 3) == [1, 2, 3]
    assert Recipe("toplayer", weights, initialisation="strided").layers_to_copy(5, 3) == [2, 4, 5]
    assert Recipe("toplayer", weights, initialisation=[3, 4, 5]).layers_to_copy(5, 3) == [3, 4, 5]


@pytest.mark.parametrize(
    ("start", "layers", "message"),
    [
        ("striped", 2, "initialisation is 'striped', expected 'bottom', 'strided' or 2 rising numbers from 1 to 5"),
        ([3, 4, 5], 2, "initialisation is [3, 4, 5], expected 'bottom', 'strided' or 2 rising numbers from 1 to 5"),
        ([3, 9], 2, "initialisation is [3, 9], expected"),
        ([0, 3], 2, "initialisation is [0, 3], expected"),
        ([4, 3], 2, "initialisation is [4, 3], expected"),
        ([3, 3], 2, "initialisation is [3, 3], expected"),
        ("bottom", 0, "the student has 0 layers, expected 1 to 4, as the teacher has 5; correct it"),
        ("strided", 5, "the student has 5 layers, expected 1 to 4, as the teacher has 5; correct it"),
    ],
)
def test_layers_that_a_student_cannot_start_from_are_refused(start, layers, message):
    recipe = Recipe("toplayer", {"hidden": 1.0, "attention": 1.0}, initialisation=start)
    with pytest.raises(RecipeError, match=re.escape(message)):
        recipe.layers_to_copy(5, layers)


@pytest.mark.parametrize("weight", [-1.0, float("nan")])
def test_a_recipe_made_by_hand_is_checked_as_that_of_a_config(weight):
    with pytest.raises(RecipeError, match=f"weights.attention is {weight}, expected a finite number of at least 0"):
        Recipe("toplayer", {"hidden": 1.0, "attention": weight})
