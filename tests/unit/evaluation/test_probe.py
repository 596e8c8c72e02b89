"""The linear probe: what it reads, what decides its strength; and baselines that know words and nothing else."""

import logging

import numpy as np
import pytest

from camembert.data.tasks import Example
from camembert.evaluation.classification import accuracy
from camembert.evaluation.probe import (
    check_training_labels,
    compute_features,
    fit_baselines,
    fit_probe,
    join_pairs,
    predict_logits,
    sample_evenly,
)

STRENGTHS = [0.01, 1.0]
CENTRES = np.random.default_rng(0).normal(size=(3, 6))


def drawn(count, seed, noise=0.1, labels=3):
    """Features about a centre a label, and the labels."""
    rng = np.random.default_rng(seed)
    numbers = np.arange(count) % labels
    return (CENTRES[numbers] + noise * rng.normal(size=(count, 6))).astype(np.float32), numbers


@pytest.fixture(scope="module")
def probe():
    return fit_probe(*drawn(120, 1), *drawn(60, 2), 3, STRENGTHS)


def embed(sentences):
    """A sentence's length and number of vowels."""
    return np.array([[len(text), sum(map(text.count, "aeiou"))] for text in sentences], dtype=np.float32)


def test_vectors_stand_in_the_order_of_the_examples_and_a_repeated_sentence_is_embedded_once():
    asked = []

    def counting(sentences):
        asked.extend(sentences)
        return embed(sentences)

    examples = [Example("1", "aaa", "b", 1), Example("2", "b", "cc", 0), Example("3", "aaa", "cc", 1)]
    features = compute_features(examples, counting)
    assert asked == ["aaa", "b", "cc"]
    np.testing.assert_array_equal(features[:, :2], embed(["aaa", "b", "aaa"]))
    np.testing.assert_array_equal(features[:, 2:4], embed(["b", "cc", "cc"]))


def test_of_a_pair_both_vectors_their_distance_and_product_are_read():
    pair = compute_features([Example("1", "aa", "bcdef", 0)], embed)
    assert pair.tolist() == [[2, 2, 5, 1, 3, 1, 10, 2]]
    assert compute_features([Example("1", "aa", None, 0)], embed).tolist() == [[2, 2]]


def test_what_is_linear_in_the_vectors_is_learnt(probe):
    test, labels = drawn(90, 3)
    logits = predict_logits(probe.model, test, 3)
    assert (logits.shape, logits.dtype) == ((90, 3), np.float32)
    assert np.exp(logits).sum(1) == pytest.approx(1, abs=1e-5)
    assert accuracy(logits, labels) > 0.95


def test_english_dev_decides_the_strength_and_the_least_of_equals_is_taken(probe):
    chosen = fit_probe(*drawn(24, 1, noise=2.0), *drawn(600, 2, noise=1.0), 3, [1e-3, 0.1, 100.0])
    scores = chosen.dev_accuracy
    assert max(scores.values()) - min(scores.values()) > 0.02, "so a choice shows"
    assert scores[chosen.strength] == max(scores.values())
    assert (probe.dev_accuracy, probe.strength) == ({0.01: 1.0, 1.0: 1.0}, 0.01)


def test_a_fit_repeats_to_the_bit(probe):
    again = fit_probe(*drawn(120, 1), *drawn(60, 2), 3, STRENGTHS)
    test, _ = drawn(90, 3)
    np.testing.assert_array_equal(*(predict_logits(each.model, test, 3) for each in (again, probe)))


def test_a_label_without_training_examples_is_named_and_never_predicted(caplog):
    examples = [Example(str(number), "a", None, number % 2) for number in range(4)]
    with caplog.at_level(logging.WARNING):
        check_training_labels(examples, ["play", "stop", "wait"], "train.parquet")
    assert "train.parquet has no training example of wait" in caplog.text
    two = drawn(80, 1, labels=2)
    probe = fit_probe(*two, *drawn(40, 2), 3, STRENGTHS)
    logits = predict_logits(probe.model, drawn(90, 3)[0], 3)
    assert np.isfinite(logits).all()
    assert set(logits.argmax(1)) == {0, 1}


def test_a_fit_that_was_cut_short_is_said(monkeypatch, caplog):
    monkeypatch.setattr("camembert.evaluation.probe.MOST_ITERATIONS", 1)
    with caplog.at_level(logging.WARNING), pytest.warns(match="failed to converge"):
        fit_probe(*drawn(120, 1), *drawn(60, 2), 3, [1.0])
    assert "had not converged after 1 iterations at C = 1" in caplog.text


def test_a_limit_takes_examples_evenly_spread():
    examples = [Example(str(number), "a", None, 0) for number in range(10)]
    assert [example.id for example in sample_evenly(examples, 4)] == ["0", "2", "5", "7"]
    assert sample_evenly(examples, None) == sample_evenly(examples, 11) == examples


# --- baselines ------------------------------------------------------------------------------------------------

TRAIN = [
    Example("1", "wake me up", None, 0),
    Example("2", "wake me at nine", None, 0),
    Example("3", "play some jazz", None, 2),
]
TEST = [Example("a", "Wake me", None, 0), Example("b", "some jazz", None, 2), Example("c", "réveille-moi", None, 2)]


@pytest.fixture(params=["majority", "naive-bayes"])
def named(request):
    return request.param, predict_logits(fit_baselines(TRAIN)[request.param], join_pairs(TEST), 4)


def test_they_give_a_finite_logarithm_of_a_probability_for_every_label_in_order(named):
    _, logits = named
    assert (logits.shape, logits.dtype) == ((3, 4), np.float32)
    assert np.isfinite(logits).all()
    assert np.exp(logits).sum(axis=1) == pytest.approx(1)
    assert np.exp(logits[:, [1, 3]]).max() < 1e-30  # labels that training has not


def test_words_decide_where_they_are_known_and_the_most_frequent_label_elsewhere(named):
    name, logits = named
    assert logits.argmax(axis=1).tolist() == ([0, 2, 0] if name == "naive-bayes" else [0, 0, 0])


def test_of_a_pair_both_sentences_are_read():
    pairs = [Example("1", "a", "wake", 0), Example("2", "a", "play", 1)]
    baseline = fit_baselines(pairs)["naive-bayes"]
    assert predict_logits(baseline, join_pairs([Example("3", "a", "play", 1)]), 2).argmax() == 1
