"""Readings of vectors are what their formulas say; a language's offset changes no centred one."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from scipy.spatial.distance import cdist

from camembert.evaluation import similarity
from camembert.evaluation.retrieval import read_pair
from camembert.evaluation.similarity import SimilarityError, nearest, similarities
from camembert.paper.answers import (
    RETRIEVAL,
    ComparedModel,
    Results,
    build_answer_rows,
    read_answers,
    write_answer_table,
)
from camembert.paper.intervals import Scores, compute_interval
from camembert.paper.tables.comparisons import Verdict, compare, find_verdict
from camembert.paper.tables.conclusion import conclude
from camembert.plan.chain import Method
from camembert.plan.comparisons import Contrast, PlannedComparison
from camembert.plan.readings import Direction, Reading, Similarity

ALL = list(Similarity)


@pytest.fixture
def pair():
    """Vectors of twelve sentences in two languages, each with an offset, and means of training text."""
    draw = np.random.default_rng(0)
    meaning = draw.normal(size=(12, 5))
    one, other = (meaning + draw.normal(size=(12, 5)) + draw.normal(size=5) for _ in range(2))
    return one, other, (draw.normal(size=5), draw.normal(size=5))


def test_similarities_are_what_their_formulas_say(pair):
    one, other, means = pair
    found = similarities(one, other, ALL, 3, means)
    cosine = 1 - cdist(one, other, "cosine")
    centred = 1 - cdist(one - one.mean(axis=0), other - other.mean(axis=0), "cosine")
    np.testing.assert_allclose(found[Similarity.COSINE], cosine, atol=1e-6)
    np.testing.assert_allclose(found[Similarity.CENTRED], centred, atol=1e-6)
    on_training = 1 - cdist(one - means[0], other - means[1], "cosine")
    np.testing.assert_allclose(found[Similarity.CENTRED_ON_TRAINING], on_training, atol=1e-6)
    for margin, plain in ((Similarity.MARGIN, cosine), (Similarity.CENTRED_MARGIN, centred)):
        for i, j in ((0, 0), (3, 7), (11, 2)):
            around = sum(sorted(plain[i])[-3:]) / 6 + sum(sorted(plain[:, j])[-3:]) / 6
            assert found[margin][i, j] == pytest.approx(plain[i, j] / around, abs=1e-4)


def test_sparse_vectors_are_compared_as_dense_ones(pair):
    one, other, means = pair
    dense, sparse = (
        similarities(one, other, ALL, 3, means),
        similarities(csr_matrix(one), csr_matrix(other), ALL, 3, means),
    )
    assert all(np.array_equal(dense[each], sparse[each]) for each in ALL)


def test_only_what_is_asked_for_is_compared(pair):
    assert list(similarities(*pair[:2], [Similarity.CENTRED_MARGIN], 3)) == [Similarity.CENTRED_MARGIN]


def test_the_nearest_is_a_column_into_english_and_a_row_out_of_it():
    similar = np.array([[0.1, 0.9], [0.8, 0.95], [0.3, 0.2]])  # three sentences of a language, two in English
    assert nearest(similar, Direction.INTO_ENGLISH).tolist() == [1, 1, 0]
    assert nearest(similar, Direction.FROM_ENGLISH).tolist() == [1, 1]


def test_of_equal_ones_the_first_is_taken_though_last_digits_differ():
    english = np.array([[0.0, 1.0], [1.0, 1.0], [3.0, 3.0000003]])
    found = similarities(np.array([[2.0, 2.0000005], [0.0, 0.0]]), english, [Similarity.COSINE], 1)[Similarity.COSINE]
    assert nearest(found, Direction.INTO_ENGLISH).tolist() == [1, 0], "a vector of length 0 is no error"


@pytest.mark.parametrize("kind", [np.asarray, csr_matrix])
@pytest.mark.parametrize("value", [0.0, 0.1, 1e4])
def test_vectors_that_are_all_equal_are_refused_where_their_mean_is_taken_off(pair, kind, value):
    equal = kind(np.full((12, 5), value))
    with pytest.raises(SimilarityError, match="the vectors of all sentences of a language are equal, so that centring"):
        similarities(equal, kind(pair[1]), [Similarity.CENTRED], 3)


def test_a_margin_needs_more_sentences_than_neighbours(pair):
    similarities(*pair[:2], [Similarity.MARGIN], 11)
    similarities(*pair[:2], [Similarity.COSINE], 12)
    with pytest.raises(SimilarityError, match=r"retrieval\.neighbours is 12, but there are 12 sentences to be nearest"):
        similarities(*pair[:2], [Similarity.MARGIN], 12)


def test_more_sentences_than_can_be_compared_at_once_are_refused(pair, monkeypatch):
    monkeypatch.setattr(similarity, "MOST_SENTENCES", 11)
    with pytest.raises(
        SimilarityError, match=r"12 sentences a language, expected at most 11 .* lower data\.retrieval\.limit"
    ):
        similarities(*pair[:2], [Similarity.COSINE], 3)


# --- planted encoders: what they know is known ----------------------------------------------------------------

LANGUAGES = "en fr es de el bg ru tr ar vi th zh hi sw".split()
READINGS = [
    Reading("mean", similarity, direction)
    for similarity in (Similarity.COSINE, Similarity.CENTRED, Similarity.CENTRED_MARGIN)
    for direction in Direction
]
CASCADE = ComparedModel("toplayer", "6-4-3", "Cascade 6-4-3", Method.CASCADE)
DIRECT = ComparedModel("toplayer", "6-3x2", "Direct 6-3x2", Method.DIRECT_LONGER)
PAIR = PlannedComparison(Contrast.DIRECT_EQUAL_COMPUTE, ("toplayer", "6-4-3"), ("toplayer", "6-3x2"))
RUNS, SENTENCES, HIDDEN = 3, 24, 16
NOISE = 0.7
"""Standard deviation of what a language adds to a meaning, whose own is 1."""


def retrieved(seed, noise=NOISE, offset=0.0):
    """What an encoder finds: of every reading which sentences are right, (runs, languages, sentences).

    Args:
        seed: of its vectors, around meanings that all encoders share.
        noise: what it loses of the meanings.
        offset: length of what is added to all vectors of a language, in standard deviations of the vectors.
    """
    meaning = np.random.default_rng(0).normal(size=(SENTENCES, HIDDEN))
    draw = np.random.default_rng(seed)
    right = {reading: np.empty((RUNS, len(LANGUAGES) - 1, SENTENCES), dtype=bool) for reading in READINGS}
    for run in range(RUNS):
        vectors = meaning + noise * draw.normal(size=(len(LANGUAGES), SENTENCES, HIDDEN))
        shift = draw.normal(size=(len(LANGUAGES), 1, HIDDEN))
        shift /= np.linalg.norm(shift, axis=2, keepdims=True)
        english, *others = vectors + offset * np.sqrt(HIDDEN * (1 + noise**2)) * shift
        for place, other in enumerate(others):
            for reading, nearest_ones in read_pair(other, english, READINGS, 4).items():
                right[reading][run, place] = nearest_ones == np.arange(SENTENCES)
    return right


def verdicts(first, second):
    """Where the first of two encoders is by each reading."""
    found = {}
    for reading in READINGS:
        differences = first[reading].mean(axis=1) - second[reading].mean(axis=1)
        found[reading] = find_verdict(compute_interval(Scores(tuple(range(1, RUNS + 1)), differences))._asdict())
    return found


def sentence(first, second, path):
    """What the conclusion says of two encoders."""
    tables = []
    for model, right in ((CASCADE, first), (DIRECT, second)):
        names = {"task": RETRIEVAL, "recipe": model.recipe, "chain": model.chain, "finetuning": 0}
        tables += [
            build_answer_rows(
                names | {"reading": reading.name, "run": run, "language": language},
                [str(i) for i in range(SENTENCES)],
                right[reading][run - 1, place],
            )
            for reading in READINGS
            for run in range(1, RUNS + 1)
            for place, language in enumerate(LANGUAGES[1:])
        ]
    write_answer_table(tables, {RETRIEVAL: {"chance": 1 / SENTENCES, "parallel": True}}, path)
    results = Results(read_answers(path), {RETRIEVAL: READINGS[-2].name})
    return conclude(compare(results, [CASCADE, DIRECT], [PAIR]), margin=2)


def test_an_offset_of_a_language_changes_no_verdict_of_a_centred_reading():
    changed = 0
    for seed in range(100):
        direct, plain = retrieved(2 * seed), retrieved(2 * seed + 1)
        moved = retrieved(2 * seed + 1, offset=0.5 + 4.5 * seed / 99)
        before, after = verdicts(plain, direct), verdicts(moved, direct)
        for reading in READINGS:
            if reading.similarity is not Similarity.COSINE:
                assert after[reading] is before[reading], f"seed {seed}, {reading.name}"
        changed += before != after
    assert changed > 90, "by cosine it does"


def test_a_difference_by_an_offset_alone_depends_on_the_reading(tmp_path):
    said = sentence(retrieved(1, offset=5), retrieved(0), tmp_path / "answers.parquet")
    assert "depends on the reading: the difference is -" in said
    assert "2 below, 4 undecided of 6 readings" in said


def test_a_real_loss_is_found_by_every_reading(tmp_path):
    worse, direct = retrieved(1, noise=2 * NOISE), retrieved(0)
    assert set(verdicts(worse, direct).values()) == {Verdict.BELOW}
    said = sentence(worse, direct, tmp_path / "answers.parquet")
    assert "points below the direct student 6-3x2 in retrieval, on average over 13 languages" in said
    assert "in all 6 readings (-" in said
